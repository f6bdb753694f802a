"""What gdalcubes' R package would run: a function over the chunk that GDALCUBES_STREAMING_FILE_IN names."""
import os
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
with open(os.environ["GDALCUBES_STREAMING_FILE_IN"], "rb") as f:
    bands, slices, rows, columns = shape = np.fromfile(f, "i4", 4)
    names = [f.read(np.fromfile(f, "i4", 1)[0]).decode() for _ in range(bands)]
    dates, y, x = (np.fromfile(f, "f8", n) for n in shape[1:])
    srs = f.read(np.fromfile(f, "i4", 1)[0]).decode()
    cells = np.fromfile(f, "f8").reshape(shape)

assert srs == "EPSG:32631" and dates[0] // 100 == 2023 and np.all(np.diff(dates) > 0), (srs, dates)
assert np.all(np.diff(y) == -100) and np.all(np.diff(x) == 100), (y, x)
made = {"ndvi": lambda: ((cells[1] - cells[0]) / (cells[1] + cells[0]))[None],
        "change": lambda: cells - np.nanmean(cells, axis=1, keepdims=True),
        "mean_time": lambda: np.nanmean(cells, axis=1, keepdims=True),
        "mean_space": lambda: np.nanmean(cells, axis=(2, 3), keepdims=True)}[sys.argv[1]]()
with open(os.environ["GDALCUBES_STREAMING_FILE_OUT"], "wb") as f:
    np.array(made.shape, "i4").tofile(f)
    made.astype("f8").tofile(f)
