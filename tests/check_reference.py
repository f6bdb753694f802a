"""The whole program against an independent implementation's results on real imagery.

../shared/reference holds graphs as gdalcubes wrote them and their results; the tolerances are
those of its README.
"""
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import xarray as xr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

SHARED = os.environ["CUBE_SHARED"]
CUBE = os.environ["CUBE"]
REFERENCE = os.path.join(SHARED, "reference")
if not os.path.isdir(REFERENCE):
    print("skipped: ../shared is not here")
    sys.exit(77)


def result_of(name, catalog, folder):
    with open(os.path.join(REFERENCE, name + ".json")) as f:
        graph = json.load(f)
    node = graph
    while "in_cube" in node:
        node = node["in_cube"]
    node["file"] = catalog
    path = os.path.join(folder, name + ".json")
    with open(path, "w") as f:
        json.dump(graph, f)
    out = os.path.join(folder, name + ".nc")
    subprocess.run([CUBE, "run", path, "-o", out, "--overwrite", "--progress", "none"], check=True)
    return out


def compare(name, catalog, folder, missing_share, equal_share, tolerance):
    ours = xr.open_dataset(result_of(name, catalog, folder), decode_times=False)
    theirs = xr.open_dataset(os.path.join(REFERENCE, name + ".nc"), decode_times=False)
    bands = [v for v in theirs.data_vars if theirs[v].ndim == 3]
    assert bands, "the reference has no bands"
    for band in bands:
        a, b = ours[band].values.astype("float64"), theirs[band].values
        assert a.shape == b.shape, (band, a.shape, b.shape)
        assert np.isfinite(b).sum() > 1000
        differ = np.isnan(a) != np.isnan(b)
        both = ~np.isnan(a) & ~np.isnan(b)
        near = np.abs(a[both] - b[both]) <= tolerance
        print(f"{name} {band}: missing differ {differ.mean():.5%}, within {tolerance}: {near.mean():.4%}")
        assert differ.mean() <= missing_share, "missing cells differ"
        assert near.mean() >= equal_share, "values differ"


with tempfile.TemporaryDirectory() as folder:
    made = os.path.join(folder, "l8.db")
    subprocess.run([CUBE, "catalog", "create", made, "--format", "L8_L1TP",
                    os.path.join(SHARED, "data", "landsat8_new_york_2018"), "--progress", "none"],
                   check=True)
    for catalog in (made, os.path.join(REFERENCE, "l8_gdalcubes.db")):
        compare("ndvi_median_3857_bilinear", catalog, folder, 0.0005, 0.999, 1e-4)
        # Means are stored as float32, which rounds numbers of this size (up to 32767) by up to 1e-3.
        compare("reducers_32618_near", catalog, folder, 0.001, 0.995, 1e-3)
print("agrees with the reference")
