#!/usr/bin/env python3
"""Ten dated files as a cube without a catalog, as xarray sees what is made of them: the series in
Zarr and netCDF, and its mean and median over time, also out of the Zarr again."""
import sys
import unittest

try:
    import numpy as np
    import rioxarray  # noqa: F401 (adds .rio)
    import xarray as xr
    import zarr  # noqa: F401 (xarray's engine)
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from program import cube
from raster_files import RasterCase

NODATA = 0
DATES = ["20180305", "20180310", "20180404", "20180509", "20180613", "20180718", "20180822",
         "20180926", "20181031", "20181205"]
REDUCED = [["mean", "nir"], ["median", "nir"]]
OPENERS = {"zarr": xr.open_zarr, "nc": xr.open_dataset}


class FileListTest(RasterCase):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(5)
        cells = random.integers(1, 10000, (len(DATES), 50, 70)).astype(np.uint16)
        cells[random.random(cells.shape) < 0.3] = NODATA
        cells[:, :2, :3] = NODATA  # never anything
        cells[1:, 2, :] = NODATA   # one value only
        for date, slice_ in zip(reversed(DATES), cells[::-1]):  # made in another order
            self.write(f"scene_{date}_nir.tif", slice_, NODATA, tile=32)
        self.cells = np.where(cells == NODATA, np.nan, cells.astype(float))
        self.series = {"cube_type": "simple_cube", "files": "scene_*_nir.tif",
                       "datetime_pattern": "_([0-9]{8})_", "datetime_format": "%Y%m%d",
                       "band_names": ["nir"]}

    def run_to(self, document, out, *more):
        result = cube("run", self.graph(document), "-o", self.path(out), "--overwrite", *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return OPENERS[out.split(".")[-1]](self.path(out), decode_coords="all")

    def check_place(self, dataset, band):
        self.assertEqual(dataset.rio.crs.to_epsg(), 32631)
        transform = tuple(dataset[band].rio.transform())[:6]
        np.testing.assert_allclose(transform, (10, 0, 5e5, 0, -10, 5e6), rtol=0, atol=1e-6)
        np.testing.assert_allclose(dataset.x, 5e5 + 10 * (np.arange(70) + 0.5))
        np.testing.assert_allclose(dataset.y, 5e6 - 10 * (np.arange(50) + 0.5))

    def check_series(self, dataset):
        times = [np.datetime64(f"{d[:4]}-{d[4:6]}-{d[6:]}", "ns") for d in DATES]
        self.assertEqual(list(dataset.time.values), times)
        self.check_place(dataset, "nir")
        np.testing.assert_array_equal(dataset.nir.values, self.cells)

    def check_reduced(self, dataset):
        """As xarray reduces what it reads of the same files by itself."""
        slices = [rioxarray.open_rasterio(self.path(f"scene_{d}_nir.tif"), masked=True)[0]
                  for d in DATES]
        peer = xr.concat(slices, "time")
        self.check_place(dataset, "nir_mean")
        self.assertEqual(dataset.sizes["time"], 1)
        self.assertSame(dataset.nir_median[0], peer.median("time"))
        # Sums of ten numbers in double, stored in single precision.
        self.assertSame(dataset.nir_mean[0], peer.mean("time", dtype=float), rtol=1e-7)

    def test_series(self):
        for out in ("series.zarr", "series.nc"):
            with self.subTest(out), self.run_to(self.series, out, "--chunk", "3,32,32") as dataset:
                self.check_series(dataset)

    def test_mean_and_median(self):
        graph = {"cube_type": "reduce_time", "reducer_bands": REDUCED, "in_cube": self.series}
        for out in ("reduced.zarr", "reduced.nc"):
            with self.subTest(out), self.run_to(graph, out) as dataset:
                self.check_reduced(dataset)

    def test_back_again(self):
        for out, source in (("series.zarr", "zarr"), ("series.nc", "ncdf")):
            self.run_to(self.series, out).close()
            stored = {"cube_type": source, "file": out, "auto_unpack": False}
            graph = {"cube_type": "reduce_time", "reducer_bands": REDUCED, "in_cube": stored}
            with self.subTest(out):
                with self.run_to(stored, "again.zarr") as dataset:
                    self.check_series(dataset)
                with self.run_to(graph, "again.nc") as dataset:
                    self.check_reduced(dataset)

    def test_opened_by_a_list(self):
        """Names one by one, in any order, are the same cube."""
        files = [f"scene_{date}_nir.tif" for date in reversed(DATES)]
        with self.run_to({**self.series, "files": files}, "list.zarr") as dataset:
            self.check_series(dataset)


if __name__ == "__main__":
    unittest.main()
