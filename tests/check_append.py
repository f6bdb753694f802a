#!/usr/bin/env python3
"""--append: slices put behind those of a Zarr are the cube that is written all at once, a run that
is killed leaves the old cube, and what does not fit is told before anything is read."""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import unittest

try:
    import numpy as np
    import xarray as xr
    import zarr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from program import CUBE, cube
from raster_files import RasterCase

DAYS = 7


def opened(path, **more):
    return xr.open_zarr(path, **{"mask_and_scale": True, "decode_coords": "all", **more}).load()


class AppendCase(RasterCase):
    def setUp(self):
        super().setUp()
        cells = np.random.default_rng(7).integers(1, 3000, (DAYS, 50, 70)).astype(np.uint16)
        cells[cells < 600] = 0
        cells[3, :32, :40] = 0  # chunks of nothing
        self.days = self.stack(cells, nodata=0, tile=32)

    def part(self, begin, end, source=None, **more):
        node = {"cube_type": "crop", "it_min": begin, "it_max": end - 1,
                "in_cube": source or self.days}
        return {**node, **more}

    def run_to(self, out, document, *more):
        result = cube("run", self.graph(document), "-o", self.path(out), *more)
        self.assertEqual(result.returncode, 0, result.stderr)

    def refuses(self, text, document, *more, out="a.zarr"):
        result = cube("run", self.graph(document), "-o", self.path(out), "--append", *more)
        self.assertEqual(result.stderr.replace(self.folder, "FOLDER"), f"cube: error: {text}\n")
        self.assertEqual(result.returncode, 2)

    def same(self, out, whole):
        """Values, coordinates, attributes of arrays and encodings, to xarray; and to the program."""
        with opened(self.path(out)) as a, opened(self.path(whole)) as b:
            xr.testing.assert_equal(a, b)
            for name in b.variables:
                self.assertEqual(a[name].attrs, b[name].attrs, name)
                self.assertEqual(a[name].dtype, b[name].dtype, name)
            self.assertEqual(a.rio.crs if hasattr(a, "rio") else None,
                             b.rio.crs if hasattr(b, "rio") else None)
        with opened(self.path(out), consolidated=False) as a, opened(self.path(whole)) as b:
            xr.testing.assert_equal(a, b)
        infos = [json.loads(cube("info", self.path(name), "--json").stdout)
                 for name in (out, whole)]
        for info in infos:
            info.pop("chunk")  # recommended: the store's own
        self.assertEqual(infos[0], infos[1])

    def leftovers(self):
        return [name for name in os.listdir(self.folder) if name.startswith(".")]


class AppendTest(AppendCase):
    def test_one_after_another(self):
        self.run_to("whole.zarr", self.days, "--chunk", "1,32,32")
        for day in range(DAYS):
            self.run_to("a.zarr", self.part(day, day + 1), "--append", "--chunk", "1,32,32")
        self.same("a.zarr", "whole.zarr")
        chunks = sorted(os.listdir(self.path("whole.zarr/a")))
        self.assertEqual(sorted(os.listdir(self.path("a.zarr/a"))), chunks)
        for chunk in chunks:  # the bytes, too
            if chunk[0] == ".":
                continue
            with open(self.path(f"a.zarr/a/{chunk}"), "rb") as a, \
                    open(self.path(f"whole.zarr/a/{chunk}"), "rb") as b:
                self.assertEqual(a.read(), b.read(), chunk)
        self.assertEqual(self.leftovers(), [])

    def test_chunks_that_are_not_full(self):
        """However the store and the run cut time and space."""
        self.run_to("whole.zarr", self.days)
        for first, tiling, more in ((2, "3,20,30", "1,32,32"), (4, "3,17,70", "2,7,9"),
                                    (1, "5,64,64", "7,50,70"), (2, "4,50,70", "1,13,70")):
            with self.subTest(store=tiling, run=more):
                shutil.rmtree(self.path("a.zarr"), True)
                self.run_to("a.zarr", self.part(0, first), "--chunk", tiling)
                self.run_to("a.zarr", self.part(first, 5), "--append", "--chunk", more)
                self.run_to("a.zarr", self.part(5, DAYS), "--append", "--chunk", more,
                            "--threads", "2")
                self.same("a.zarr", "whole.zarr")

    def test_other_chunks_are_not_touched(self):
        self.run_to("a.zarr", self.part(0, 4), "--chunk", "3,32,32")
        before = {name: os.stat(self.path(f"a.zarr/a/{name}")).st_mtime_ns
                  for name in os.listdir(self.path("a.zarr/a")) if name.startswith("0.")}
        self.run_to("a.zarr", self.part(4, DAYS), "--append")
        self.assertEqual(before, {name: os.stat(self.path(f"a.zarr/a/{name}")).st_mtime_ns
                                  for name in before})
        self.assertGreater(len(before), 0)

    def test_document(self):
        out = self.path("a.zarr")
        for begin, end in ((0, 3), (3, DAYS)):
            document = {"version": 1, "result": self.part(begin, end),
                        "outputs": [{"file": out, "append": True}]}
            self.assertEqual(cube("run", self.graph(document)).returncode, 0)
        self.run_to("whole.zarr", self.days)
        self.same("a.zarr", "whole.zarr")

    def test_many_bands_and_types(self):
        bands = ["a + 1", "a / 7", "a % 200", "a - 500"]
        graph = self.days
        for i, (expr, dtype) in enumerate(zip(bands, ("uint16", "float64", "uint8", "int16"))):
            graph = {"cube_type": "apply_pixel", "expr": expr, "band_names": f"b{i}",
                     "dtype": dtype, "nodata": 255 if dtype == "uint8" else None,
                     "keep_bands": True, "in_cube": graph}
            if dtype != "uint8":
                del graph["nodata"]
        self.run_to("whole.zarr", graph)
        self.run_to("a.zarr", self.part(0, 2, graph), "--chunk", "2,20,70")
        self.run_to("a.zarr", self.part(2, DAYS, graph), "--append")
        self.same("a.zarr", "whole.zarr")

    def test_read_while_written(self):
        """A store can be its own source: the means of what it has."""
        self.run_to("a.zarr", self.days)
        stored = {"cube_type": "zarr", "file": "a.zarr", "auto_unpack": False}
        later = {"cube_type": "shift_time", "by": "P1M", "move": "labels", "in_cube": stored}
        self.run_to("a.zarr", later, "--append")
        with opened(self.path("a.zarr")) as dataset:
            self.assertEqual(dataset.sizes["time"], 2 * DAYS)
            np.testing.assert_array_equal(dataset.a[:DAYS].values, dataset.a[DAYS:].values)
            self.assertEqual(str(dataset.time.values[-1])[:10], "2020-02-07")


class TimeTest(AppendCase):
    def dummy(self, t0, t1, step="P1M"):
        return {"cube_type": "dummy", "nbands": 1, "fill": 3, "view": {
            "space": {"left": 0, "right": 400, "bottom": 0, "top": 300, "dx": 10,
                      "srs": "EPSG:32631"}, "time": {"t0": t0, "t1": t1, "dt": step}}}

    def times(self):
        with opened(self.path("a.zarr")) as dataset:
            return [str(t)[:10] for t in dataset.time.values]

    def test_regular_axis_goes_on(self):
        self.run_to("whole.zarr", self.dummy("2020-01", "2020-06"))
        self.run_to("a.zarr", self.dummy("2020-01", "2020-03"))
        self.run_to("a.zarr", self.dummy("2020-04", "2020-04"), "--append")
        self.run_to("a.zarr", self.dummy("2020-05", "2020-06"), "--append")
        self.same("a.zarr", "whole.zarr")
        info = cube("info", self.path("a.zarr")).stdout
        self.assertIn("6 slices of P1M", info)

    def test_regular_axis_ends(self):
        self.run_to("a.zarr", self.dummy("2020-01", "2020-03"))
        self.run_to("a.zarr", self.dummy("2020-05", "2020-06"), "--append")
        self.assertEqual(self.times(), ["2020-01-01", "2020-02-01", "2020-03-01", "2020-05-01",
                                        "2020-06-01"])
        with opened(self.path("a.zarr"), consolidated=False) as dataset:
            self.assertNotIn("time_bnds", dataset.variables)
            self.assertNotIn("bounds", dataset.time.encoding)
        self.assertNotIn("P1M", cube("info", self.path("a.zarr")).stdout)

    def test_history(self):
        for month in ("2020-01", "2020-02", "2020-03"):
            self.run_to("a.zarr", self.dummy(month, month), "--append")
        with opened(self.path("a.zarr")) as dataset:
            self.assertEqual(dataset.attrs["history"].split("\n"),
                             ["written by cube", "cube appended 1 slice from 2020-02",
                              "cube appended 1 slice from 2020-03"])
            graphs = [json.loads(text) for text in dataset.attrs["cube_graph"]]
        self.assertEqual([graph["view"]["time"]["t0"] for graph in graphs],
                         ["2020-01", "2020-02", "2020-03"])

    def test_images(self):
        for day in range(3):
            self.run_to("a.zarr", {**self.days, "files": self.days["files"][day:day + 1],
                                   "datetime": self.days["datetime"][day:day + 1]}, "--append")
        with opened(self.path("a.zarr")) as dataset:
            images = [os.path.basename(name) for name in dataset.attrs["cube_images"].split("\n")]
        self.assertEqual(images, ["t0.tif", "t1.tif", "t2.tif"])


class XarrayTest(AppendCase):
    """Stores that xarray made, and stores that xarray goes on with."""

    def test_behind_xarrays(self):
        self.run_to("whole.zarr", self.days)
        with opened(self.path("whole.zarr"), mask_and_scale=False) as dataset:
            first = dataset.isel(time=slice(0, 3))
            first.attrs["note"] = "caf\u00e9 0.1"
            first.attrs["numbers"] = [0.1, 2.5]
            for variable in first.variables.values():
                variable.encoding = {}
            first.to_zarr(self.path("a.zarr"), consolidated=True,
                          encoding={"a": {"chunks": (2, 20, 70)}})
        self.run_to("a.zarr", self.part(3, DAYS), "--append")
        self.same_values("a.zarr", "whole.zarr")
        with opened(self.path("a.zarr")) as dataset:
            self.assertEqual(dataset.attrs["note"], "caf\u00e9 0.1")
            self.assertEqual(list(dataset.attrs["numbers"]), [0.1, 2.5])

    def same_values(self, out, whole):
        with opened(self.path(out)) as a, opened(self.path(whole)) as b:
            np.testing.assert_array_equal(a.a.values, b.a.values)
            np.testing.assert_array_equal(a.time.values, b.time.values)

    def test_xarray_goes_on(self):
        self.run_to("whole.zarr", self.days, "--chunk", "1,32,32")
        self.run_to("a.zarr", self.part(0, 2), "--chunk", "1,32,32")
        self.run_to("a.zarr", self.part(2, 4), "--append")
        with xr.open_zarr(self.path("whole.zarr")) as dataset:
            more = dataset[["a"]].isel(time=slice(4, DAYS)).drop_vars("spatial_ref", errors="ignore")
            for variable in more.variables.values():
                variable.encoding = {}
            more.load().to_zarr(self.path("a.zarr"), append_dim="time", consolidated=True)
        self.same_values("a.zarr", "whole.zarr")


class KilledTest(AppendCase):
    def setUp(self):
        super().setUp()
        self.run_to("old.zarr", self.part(0, 4), "--chunk", "3,8,8")
        self.run_to("whole.zarr", self.days)

    def start(self):
        return subprocess.Popen([CUBE, "run", self.path("graph.json"), "-o", self.path("a.zarr"),
                                 "--append", "-q"])

    def test_killed_at_any_moment(self):
        """The old cube or the new one; a retry gives the new one."""
        with opened(self.path("old.zarr")) as dataset:
            old = dataset.a.values
        with opened(self.path("whole.zarr")) as dataset:
            new = dataset.a.values
        self.graph(self.part(4, DAYS))
        began = time.monotonic()
        shutil.copytree(self.path("old.zarr"), self.path("a.zarr"))
        self.assertEqual(self.start().wait(), 0)
        took = time.monotonic() - began
        generator = random.Random(3)
        killed = 0
        moved = 0
        for attempt in range(8):
            shutil.rmtree(self.path("a.zarr"))
            shutil.copytree(self.path("old.zarr"), self.path("a.zarr"))
            process = self.start()
            if attempt % 2:  # when the first chunks are moved in
                until = time.monotonic() + 20
                while process.poll() is None and time.monotonic() < until and \
                        not os.path.exists(self.path("a.zarr/a/2.0.0")):
                    time.sleep(0.0002)
                time.sleep(generator.uniform(0, 0.01))
            else:
                time.sleep(generator.uniform(0, took))
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
            moved += os.path.exists(self.path("a.zarr/a/2.0.0"))
            with opened(self.path("a.zarr")) as dataset:
                wanted = old if dataset.sizes["time"] == 4 else new
                np.testing.assert_array_equal(dataset.a.values, wanted)
                self.assertEqual(len(set(dataset.time.values)), len(wanted))
                done = wanted is new
            if not done:
                self.run_to("a.zarr", self.part(4, DAYS), "--append")
                with opened(self.path("a.zarr")) as dataset:
                    np.testing.assert_array_equal(dataset.a.values, new)
        self.same("a.zarr", "whole.zarr")
        self.assertGreater(killed, 1)
        self.assertGreater(moved, 1)

    def test_chunks_of_a_killed_run_are_no_cells(self):
        """What lies behind the shape is replaced also where the new cells are all missing."""
        shutil.copytree(self.path("old.zarr"), self.path("a.zarr"))
        self.run_to("a.zarr", self.part(4, DAYS), "--append")
        for name in os.listdir(self.path("old.zarr")):  # the metadata as they were
            source = self.path(f"old.zarr/{name}")
            if name == ".zmetadata":
                shutil.copy(source, self.path(f"a.zarr/{name}"))
            elif os.path.isdir(source):
                for meta in (".zarray", ".zattrs"):
                    shutil.copy(f"{source}/{meta}", self.path(f"a.zarr/{name}/{meta}"))
        nothing = {"cube_type": "filter_pixel", "predicate": "a < 0", "in_cube":
                   self.part(4, DAYS)}
        self.run_to("a.zarr", nothing, "--append")
        with opened(self.path("a.zarr")) as dataset, opened(self.path("old.zarr")) as old:
            np.testing.assert_array_equal(dataset.a.values[:4], old.a.values)
            self.assertTrue(np.isnan(dataset.a.values[4:]).all())

    def test_failed_chunks(self):
        """A run that fails leaves the store; --keep-going puts missing cells."""
        shutil.copytree(self.path("old.zarr"), self.path("a.zarr"))
        with open(self.path("t5.tif"), "r+b") as file:
            file.truncate(2000)
        document = {**self.part(4, DAYS)}
        result = cube("run", self.graph(document), "-o", self.path("a.zarr"), "--append")
        self.assertNotEqual(result.returncode, 0)
        with opened(self.path("a.zarr")) as dataset:
            self.assertEqual(dataset.sizes["time"], 4)
        self.assertEqual(self.leftovers(), [])


class RefusedTest(AppendCase):
    def setUp(self):
        super().setUp()
        self.run_to("a.zarr", self.part(0, 4))

    def tearDown(self):
        with opened(self.path("a.zarr")) as dataset:
            self.assertEqual(dataset.sizes["time"], 4)
        self.assertEqual(self.leftovers(), [])

    HINT = " (select_time, crop or t0 of the view leave out what it has)"
    NO = "FOLDER/a.zarr: cannot be appended to: "

    def test_times(self):
        self.refuses(self.NO + "the result's slice 2020-01-03 is in it already, which goes on to "
                     "2020-01-04" + self.HINT, self.part(2, DAYS))
        self.refuses(self.NO + "the result's slice 2020-01-04 is in it already" + self.HINT,
                     self.part(3, DAYS))
        early = {**self.days, "datetime": [f"2019-12-0{i + 1}" for i in range(DAYS)]}
        self.refuses(self.NO + "the result's slice 2019-12-01 is not later than 2020-01-04" +
                     self.HINT, early)
        odd = {**self.days, "datetime": [f"2020-03-0{i + 1}T10:30" for i in range(DAYS)]}
        self.refuses(self.NO + "the time 2020-03-01T10:30:00 is no whole number of 'days since "
                     "1970-01-01', in which it counts (shift_time moves labels)",
                     odd)

    def test_grid(self):
        small = {**self.part(4, DAYS), "ix_max": 59}
        self.refuses(self.NO + "it and the result differ in their size: 70 x 50 and 60 x 50 cells",
                     small)

    def test_crs(self):
        cells = np.ones((2, 50, 70), dtype=np.uint16)
        other = self.stack(cells, nodata=0, name="o")
        from osgeo import gdal, osr
        srs = osr.SpatialReference()
        srs.ImportFromEPSG(32632)
        for name in other["files"]:
            dataset = gdal.Open(self.path(name), gdal.GA_Update)
            dataset.SetProjection(srs.ExportToWkt())
            dataset = None
        other["datetime"] = ["2020-02-01", "2020-02-02"]
        self.refuses(self.NO + "it and the result differ in their CRS: EPSG:32631 and EPSG:32632",
                     other)

    def test_bands(self):
        named = {"cube_type": "rename_bands", "band_names": {"a": "q"},
                 "in_cube": self.part(4, DAYS)}
        self.refuses(self.NO + "it has the band 'a', the result has not", named)
        more = {"cube_type": "apply_pixel", "expr": "a", "band_names": "q", "keep_bands": True,
                "in_cube": self.part(4, DAYS)}
        self.refuses(self.NO + "the result has the band 'q', it has not", more)

    def formula(self, **more):
        return {"cube_type": "apply_pixel", "expr": "a", "band_names": "a",
                "in_cube": self.part(4, DAYS), **more}

    def test_storage(self):
        self.refuses(self.NO + "band 'a' differs in type: uint16 there, float32 in the result",
                     self.formula())
        self.refuses(self.NO + "band 'a' differs in what missing cells have: 0 there, 65535 in the "
                     "result", self.formula(dtype="uint16", nodata=65535))
        self.refuses(self.NO + "band 'a' differs in scale: 1 there, 0.5 in the result",
                     self.formula(dtype="uint16", nodata=0, scale=0.5))
        self.refuses(self.NO + "band 'a' differs in offset: 0 there, 10 in the result",
                     self.formula(dtype="uint16", nodata=0, scale=1, offset=10))

    def test_formats(self):
        for name, form in (("a.nc", "netCDF"), ("a.tif", "GTiff"), ("a.csv", "CSV")):
            self.refuses(f"FOLDER/{name}: slices cannot be appended to {form} outputs (a Zarr can "
                         "be appended to; {t} in the name makes a file a slice)",
                         self.part(4, 5), out=name)

    def test_both(self):
        self.refuses("FOLDER/a.zarr: both append and overwrite are asked for", self.part(4, 5),
                     "--overwrite")

    def test_no_store(self):
        os.mkdir(self.path("b.zarr"))
        with open(self.path("b.zarr/file"), "w"):
            pass
        self.refuses("FOLDER/b.zarr: is a folder that holds something else", self.part(4, 5),
                     out="b.zarr")

    def test_stores_that_cannot_be_lengthened(self):
        with opened(self.path("a.zarr"), mask_and_scale=False) as dataset:
            cube_ = dataset.copy()
        for variable in cube_.variables.values():
            variable.encoding = {}

        def refused(text, dataset, consolidated=True, **encoding):
            shutil.rmtree(self.path("b.zarr"), True)
            dataset.to_zarr(self.path("b.zarr"), consolidated=consolidated,
                            encoding={"a": encoding})
            self.refuses(f"FOLDER/b.zarr: {text}", self.part(4, 5), out="b.zarr")

        no = "cannot be appended to: "
        refused("has no consolidated metadata, which are replaced as one when it is appended to "
                "(zarr.consolidate_metadata of Python makes them)", cube_, False)
        refused(no + "array 'a' is stored in a way that is read only (blosc, zstd, zlib, gzip, lz4 "
                "or no compressor, no filters, cells in C order)", cube_,
                filters=[zarr.codecs.Delta("<u2")])
        refused(no + "its rows run from south to north", cube_.isel(y=slice(None, None, -1)))
        refused(no + "its columns run from east to west", cube_.isel(x=slice(None, None, -1)))
        refused(no + "band 'a' does not lie on time, y and x in this order",
                cube_.transpose("time", "x", "y"))
        refused(no + "array 'clouds' lies along its time too, and the result has nothing for it",
                cube_.assign(clouds=("time", np.arange(4))))

    def test_two_writers(self):
        """The second is refused while the first one works."""
        slow = {"cube_type": "stream", "command": ["sh", "-c", "sleep 2; cat"], "directory": ".",
                "bands": ["a"], "dtype": "uint16", "nodata": 0, "in_cube": self.part(4, DAYS)}
        self.graph(slow, "slow.json")
        first = subprocess.Popen([CUBE, "run", self.path("slow.json"), "--allow-exec", "-q", "-o",
                                  self.path("a.zarr"), "--append"], stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while not os.path.exists(self.path(".a.zarr.part/lock")) and time.monotonic() < until:
            time.sleep(0.01)
        self.refuses(f"FOLDER/a.zarr: another run (process {first.pid}) is writing it (wait until that has "
                     "ended)",
                     self.part(4, 5))
        first.send_signal(signal.SIGTERM)
        first.wait()


if __name__ == "__main__":
    unittest.main()
