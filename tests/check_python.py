#!/usr/bin/env python3
"""The Python package: what it opens is what `cube run` writes, lazily, for xarray, dask and rioxarray; graphs that are
built are the documents one would write; runs, Ctrl-C, forks; and it lives with GDAL's own bindings."""
import ast
import contextlib
import datetime
import inspect
import io
import json
import multiprocessing
import os
import pathlib
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
import unittest
import warnings

from program import VIEW, Case, cube as program

if not os.path.isdir(os.path.join(os.environ.get("CUBE_PYTHON", ""), "cube")):
    print("skipped: built without CUBE_PYTHON")
    sys.exit(77)
sys.path.insert(0, os.environ["CUBE_PYTHON"])
try:
    import numpy as np
    import pandas as pd
    import xarray as xr
    import rioxarray  # noqa: F401
    from osgeo import gdal, osr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

import cube  # noqa: E402
from cube import _source  # noqa: E402

gdal.UseExceptions()


def comparable(dataset):
    """A dataset whose record of its run lacks what it says of the file, and whose WKT says no more than the CRS:
    once rasterio is imported PROJ writes WGS 84 as an ensemble of datums, and as a datum before."""
    record = json.loads(dataset.attrs["cube_run"])
    for name in ("output", "folder"):
        record.pop(name, None)
    dataset = dataset.assign_attrs(cube_run=json.dumps(record, sort_keys=True))
    if "spatial_ref" in dataset.variables:
        dataset = dataset.copy()
        about = dataset.variables["spatial_ref"].attrs
        for name in ("crs_wkt", "spatial_ref"):
            place = osr.SpatialReference(about[name])
            about[name] = (place.ExportToProj4(), place.GetAuthorityCode(None), place.GetName())
    return dataset


class PythonCase(Case):
    def setUp(self):
        super().setUp()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)

    def raster(self, name="a.tif", bands=2, size=(70, 90), dtype=gdal.GDT_UInt16, srs=32631, block=32):
        """Random cells with gaps (0), scale, offset and unit; rows and columns that chunks do not divide."""
        height, width = size
        dataset = gdal.GetDriverByName("GTiff").Create(
            self.path(name), width, height, bands, dtype,
            ["TILED=YES", f"BLOCKXSIZE={block}", f"BLOCKYSIZE={block}"])
        place = osr.SpatialReference()
        place.ImportFromEPSG(srs)
        dataset.SetProjection(place.ExportToWkt())
        step = 10 if srs == 32631 else 0.01
        dataset.SetGeoTransform((500000 if srs == 32631 else 5, step, 0, 5000000 if srs == 32631 else 50, 0, -step))
        cells = np.random.default_rng(len(name)).integers(0, 200, (bands, height, width))
        for b in range(bands):
            band = dataset.GetRasterBand(b + 1)
            band.SetNoDataValue(0)
            band.SetScale(0.5)
            band.SetOffset(-3)
            band.SetUnitType("K")
            band.WriteArray(cells[b])
        dataset = None
        return {"cube_type": "raster", "file": name, "datetime": "2020-05-06",
                "bands": [f"band{b + 1}" for b in range(bands)], "chunk_size": [1, 32, 32]}

    def runs(self, document, output, *more):
        result = program("run", self.graph(document), "-o", self.path(output), "-q", *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.path(output)


class OpenTest(PythonCase):
    def same(self, document, *more, exec=False):
        """What xarray opens of the graph is what it opens of the netCDF that the program makes of it."""
        file = self.runs(document, "x.nc", *more)
        for options in ({}, {"mask_and_scale": False, "decode_times": False}, {"decode_coords": True}):
            with self.subTest(options=options):
                theirs = xr.open_dataset(file, **{"decode_coords": "all", **options})
                ours = xr.open_dataset("graph.json", engine="cube", **options)
                xr.testing.assert_identical(comparable(ours), comparable(theirs))
                for name in ours.variables:
                    self.assertEqual(ours[name].dtype, theirs[name].dtype, name)
                    self.assertEqual(ours[name].dims, theirs[name].dims, name)
                lazy = xr.open_dataset("graph.json", engine="cube", chunks={}, **options)
                xr.testing.assert_identical(comparable(lazy.compute()), comparable(ours))
                theirs.close()
        return ours

    def test_packed_integers(self):
        data = self.same(self.raster())
        self.assertEqual(data["band1"].attrs["units"], "K")
        self.assertTrue(np.isnan(data["band1"].values).any())
        self.assertEqual(float(data["band1"].max()), 199 * 0.5 - 3)

    def test_geographic(self):
        self.assertEqual(self.same(self.raster(srs=4326))["band1"].dims, ("time", "latitude", "longitude"))

    def test_types(self):
        for dtype in (gdal.GDT_Byte, gdal.GDT_Int16, gdal.GDT_UInt32, gdal.GDT_Float32, gdal.GDT_Float64):
            with self.subTest(dtype=gdal.GetDataTypeName(dtype)):
                self.raster("t.tif", 1, (20, 30), dtype)
                os.path.exists("x.nc") and os.remove("x.nc")
                self.same({"cube_type": "raster", "file": "t.tif"})

    def test_classes(self):
        self.raster("classes.tif", 1, (20, 30), gdal.GDT_Byte)
        dataset = gdal.Open("classes.tif", gdal.GA_Update)
        dataset.GetRasterBand(1).SetCategoryNames(["none", "water", "forest"])
        dataset = None
        data = self.same({"cube_type": "raster", "file": "classes.tif"})
        self.assertEqual(data["im1b1"].attrs["flag_values"].dtype, np.uint8)

    def test_series_of_months_without_crs(self):
        self.same({"cube_type": "dummy", "nbands": 2, "fill": 3, "view": VIEW})

    def test_slices(self):
        document = {"cube_type": "apply_pixel", "expr": ["ix + 100 * iy + 1e5 * it"], "band_names": ["v"],
                    "in_cube": {"cube_type": "dummy", "nbands": 1, "fill": 3, "view": VIEW}}
        data = xr.open_dataset(self.graph(document), engine="cube")["v"]
        whole = data.load().values.copy()
        for key in ((0,), (slice(None), 3), (slice(1, 3), slice(2, 9, 3), slice(None, None, -2)), (-1, -2, -3),
                    ([2, 0], slice(4, 4)), (0, [5, 1, 1], 7), (slice(None), slice(29, 40), slice(-5, None))):
            with self.subTest(key=key):
                data = xr.open_dataset("graph.json", engine="cube")["v"]
                np.testing.assert_array_equal(data[key].values, data.copy(data=whole)[key].values)
        points = {"y": xr.DataArray([3, 9, 3], dims="p"), "x": xr.DataArray([4, 1, 0], dims="p")}
        np.testing.assert_array_equal(data.isel(points).values, data.copy(data=whole).isel(points).values)

    def test_lazy_and_chunked_as_the_engine_is(self):
        document = {"cube_type": "select_bands", "bands": ["band1"], "in_cube": self.raster()}
        data = xr.open_dataset(self.graph(document), engine="cube", chunks={})
        os.remove("a.tif")  # nothing was read yet
        self.assertEqual(data["band1"].chunks, ((1,), (32, 32, 6), (32, 32, 26)))
        plan = json.loads(program("plan", self.graph(self.raster()), "--json").stdout)
        self.assertEqual(cube.open(self.raster()).info.chunk, tuple(plan["chunk_shape"]))

    def test_rioxarray(self):
        data = xr.open_dataset(self.graph(self.raster()), engine="cube", chunks={})
        self.assertEqual(data.rio.crs.to_epsg(), 32631)
        self.assertEqual(tuple(data.rio.transform())[:6], (10, 0, 500000, 0, -10, 5000000))
        self.assertEqual(tuple(data.rio.transform())[:6], cube.open("graph.json").info.transform)
        stored = cube.open("graph.json").to_xarray(mask_and_scale=False)["band1"][0]
        stored.rio.to_raster("r.tif")  # rasterio in this process
        np.testing.assert_array_equal(gdal.Open("r.tif").ReadAsArray(), stored.values)

    def test_found_without_code(self):
        """An installation beside this one, by its metadata alone."""
        build = pathlib.Path(os.environ["CUBE_PYTHON"]).parent
        subprocess.run(["cmake", "--install", str(build), "--component", "python", "--prefix", self.path("prefix")],
                       check=True, capture_output=True)
        place = next(pathlib.Path(self.path("prefix")).glob("lib/python3*/*-packages"))
        self.graph(self.raster())
        code = ("import xarray as xr; data = xr.open_dataset('graph.json', chunks={}); import cube;"
                "print(cube.__file__, data.band2.dtype)")
        done = subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True, text=True,
                              env={**os.environ, "PYTHONPATH": str(place)})
        self.assertEqual(done.stdout, f"{place}/cube/__init__.py float32\n", done.stderr)


class ReadmeTest(PythonCase):
    def test_what_it_shows_runs(self):
        program("sample", self.path("try"), check=True)
        program("catalog", "create", self.path("try/s2.db"), self.path("try/archive"), check=True)
        with open(os.path.join(os.environ["CUBE_SOURCE"], "README.md")) as file:
            blocks = re.findall("^```python\n(.*?)^```", file.read(), re.M | re.S)
        self.assertTrue(blocks)
        for block in blocks:
            names = {}
            with contextlib.redirect_stdout(io.StringIO()):
                exec(block, names)
        expected = gdal.Open("try/built.tif").ReadAsArray()
        np.testing.assert_array_equal(names["cells"][0], expected)
        np.testing.assert_array_equal(xr.open_zarr("try/built.zarr")["NDVI_median"].values[0], expected)
        self.assertEqual(names["summer"].shape, (260, 430))


class ValueTest(PythonCase):
    def test_parameters(self):
        document = {"version": 1, "parameters": {"factor": "2"},
                    "cubes": {"a": {"cube_type": "dummy", "nbands": 1, "fill": 3, "view": VIEW},
                              "b": {"cube_type": "apply_pixel", "expr": "band1 * ${factor}", "band_names": "v",
                                    "in_cube": "a"}}, "result": "b"}
        file = self.graph(document)
        for graph in (file, pathlib.Path(file), json.dumps(document), document):
            self.assertEqual(cube.open(graph, factor=5).read()["v"][0, 0, 0], 15)
        self.assertEqual(cube.open(file).read("v", ((0, 1), (0, 1), (2, 3)))["v"].shape, (1, 1, 1))
        data = xr.open_dataset(file, engine="cube", parameters={"factor": np.float32(1.5)})
        self.assertEqual(float(data["v"][0, 0, 0]), 4.5)
        with self.assertRaises(cube.Error) as caught:
            cube.open(file, faktor=1)
        self.assertIn("faktor", str(caught.exception))

    def test_info(self):
        info = cube.open(self.raster()).info
        self.assertEqual(info.shape, (1, 70, 90))
        self.assertEqual(info.bands[1], cube.Band("band2", np.dtype("uint16"), 0, "K", 0.5, -3))
        self.assertEqual(info.times, np.datetime64("2020-05-06"))
        self.assertIn("32631", info.crs)

    def test_shown(self):
        opened = cube.open(self.raster())
        self.assertIn("band2 uint16", repr(opened))
        self.assertIn("xr-wrap", opened._repr_html_())
        self.assertIn("xr-wrap", opened.graph._repr_html_())
        self.assertEqual(repr(opened.graph), "<cube.Graph raster>")

    def test_errors(self):
        with self.assertRaises(cube.Error) as caught:
            cube.open({"cube_type": "apply_pixel", "expr": ["nope"], "in_cube": self.raster()})
        error = pickle.loads(pickle.dumps(caught.exception))
        self.assertEqual(error.code, "invalid")
        self.assertEqual(error.where, "/expr/0")
        self.assertIn("nope", error.message)
        self.assertEqual(str(error), str(caught.exception))
        for graph, code in (("none.json", "not_found"), ('{"cube_type"', "invalid")):
            with self.assertRaises(cube.Error) as caught:
                cube.open(graph)
            self.assertIn(caught.exception.code, (code, "unreadable"))
        with self.assertRaisesRegex(cube.Error, "no band 'c'"):
            cube.open(self.raster()).read("c")
        with self.assertRaisesRegex(cube.Error, "not inside"):
            cube.open(self.raster()).read(region=((0, 1), (0, 1), (90, 91)))

    def test_unreadable_images_are_told(self):
        opened = cube.open(self.raster())
        with open("a.tif", "r+b") as file:
            file.truncate(3000)
        with self.assertRaises(cube.Error):
            opened.read()

    def test_images_left_out_are_told(self):
        for name in ("s_20200101.tif", "s_20200201.tif"):
            self.raster(name, 1)
        document = {"cube_type": "simple_cube", "files": "s_*.tif", "datetime_pattern": "_([0-9]{8})", "strict": False}
        opened = cube.open(document)
        os.truncate("s_20200201.tif", 3000)
        with self.assertWarnsRegex(cube.CubeWarning, "s_20200201.tif.* left out"):
            cells = opened.read()
        self.assertEqual([bool(np.any(one)) for one in next(iter(cells.values()))], [True, False])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            opened.read()  # once is enough
        with self.assertRaisesRegex(cube.Error, "incomplete.* left out") as caught:
            opened.write("x.nc")
        self.assertEqual(len(caught.exception.report["skipped"]), 1)
        self.assertTrue(os.path.exists("x.nc"))

    def test_consent(self):
        document = {"cube_type": "stream", "command": ["cat"], "bands": ["a"], "in_cube": self.raster()}
        with self.assertRaisesRegex(cube.Error, "allow"):
            cube.open(document).read()


class BuildTest(PythonCase):
    def test_every_operator_has_its_declaration(self):
        for about in json.loads(program("ops", "--json").stdout):
            function = getattr(cube, about["id"])
            names = inspect.signature(function).parameters
            for parameter in about["parameters"] + about["inputs"]:
                self.assertIn(parameter["name"], [name.rstrip("_") if name == "lambda_" else name for name in names])
                self.assertIn(parameter["name"], function.__doc__)
            self.assertIn(about["summary"], function.__doc__)
            single = [one for one in about["inputs"] if one["required"] and not one["many"]]
            self.assertEqual(hasattr(cube.Graph, about["id"]), bool(single), about["id"])
            node = about["example"]
            built = function(**{{"lambda": "lambda_"}.get(key, key): value
                                for key, value in node.items() if key != "cube_type"})
            self.assertEqual(built.to_dict(), node)

    def test_as_by_hand(self):
        raster = self.raster()
        built = (cube.raster(pathlib.Path("a.tif"), datetime=datetime.date(2020, 5, 6), bands=("band1", "band2"),
                             chunk_size=(1, 32, 32))
                 .apply_pixel(["band1 * 2", "band2"], band_names=np.array(["twice", "b"]), nodata=np.int16(4),
                              dtype="uint16")
                 .mask(cube.raster("a.tif"), predicate="im1b1 > 3"))
        by_hand = {"cube_type": "mask", "predicate": "im1b1 > 3",
                   "in_cube": {"cube_type": "apply_pixel", "expr": ["band1 * 2", "band2"],
                               "band_names": ["twice", "b"], "nodata": 4, "dtype": "uint16", "in_cube": raster},
                   "mask": {"cube_type": "raster", "file": "a.tif"}}
        self.assertEqual(built.to_dict(), by_hand)
        self.assertEqual(json.loads(built.to_json()), by_hand)
        self.assertEqual(repr(built), "<cube.Graph raster > apply_pixel > mask>")
        built.save("built.json")
        os.mkdir("below")
        built.save("below/built.json")
        with open("built.json") as file:
            self.assertEqual(json.load(file), by_hand)
        with open("below/built.json") as file:
            self.assertEqual(json.load(file)["mask"]["file"], "../a.tif")
        expected = built.open().read()
        for i, name in enumerate(["built.json", "below/built.json"]):
            file = self.runs({"cube_type": "saved", "file": name}, f"{i}.tif")
            np.testing.assert_array_equal(gdal.Open(file).ReadAsArray()[1], expected["b"][0])
        self.assertEqual(cube.merge([built, built], overlap="last").to_dict(),
                         {"cube_type": "merge", "overlap": "last", "in_cubes": [by_hand, by_hand]})

    def test_times(self):
        for value, text in ((np.datetime64("2020-03"), "2020-03"), (np.datetime64("2020"), "2020"),
                            (datetime.date(2020, 3, 4), "2020-03-04"),
                            (pd.Timestamp("2020-03-04T05:06"), "2020-03-04T05:06:00"),
                            (pd.Timestamp("2020-03-04T05:06+02:00"), "2020-03-04T03:06:00"),
                            (np.datetime64("2020-03-04T05:06:07", "ns"), "2020-03-04T05:06:07")):
            self.assertEqual(cube.dummy(view=VIEW).slice_time(value).to_dict()["t"], text)
        for value, text in ((datetime.timedelta(days=16), "P16D"), (pd.Timedelta("90min"), "PT5400S"),
                            (np.timedelta64(3, "M"), "P3M")):
            self.assertEqual(cube.dummy(view=VIEW).aggregate_time(dt=value).to_dict()["dt"], text)
        for value in (pd.NaT, np.datetime64("2020-01-01T00:00:00.5"), float("nan"), object()):
            with self.assertRaises(cube.Error):
                cube.dummy(view=VIEW).slice_time(value)

    def test_geometries(self):
        class Shape:
            __geo_interface__ = {"type": "Polygon", "coordinates": (
                ((0, 0), (400, 0), (0, 300), (0, 0)), ((10, 10), (20, 10), (10, 20), (10, 10)))}

        class Points:
            __geo_interface__ = {"type": "FeatureCollection", "features": [
                {"type": "Feature", "geometry": {"type": "Point", "coordinates": [5, 6.5]}},
                {"type": "Feature", "geometry": {"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]}}]}

        import rasterio.crs

        dummy = cube.dummy(view=VIEW)
        built = dummy.filter_geom(Shape(), srs=rasterio.crs.CRS.from_epsg(32631))
        self.assertEqual(built.to_dict()["srs"], "EPSG:32631")
        self.assertEqual(built.to_dict()["wkt"], "POLYGON ((0.0 0.0, 400.0 0.0, 0.0 300.0, 0.0 0.0), "
                                                 "(10.0 10.0, 20.0 10.0, 10.0 20.0, 10.0 10.0))")
        self.assertEqual(dummy.extract(wkt=Points()).to_dict()["wkt"],
                         "GEOMETRYCOLLECTION (POINT (5.0 6.5), MULTIPOINT (1.0 2.0, 3.0 4.0))")
        cells = built.open().read("band1")["band1"][0]
        self.assertEqual(cells[25, 1], 1)
        self.assertTrue(np.isnan(cells[0, 39]))

    def test_refused_at_once(self):
        dummy = cube.dummy(view=VIEW)
        for call, text in (
                (lambda: dummy.crop(extend={}), "crop() knows no 'extend' (did you mean 'extent'?)"),
                (lambda: cube.dummy(view={"space": {"lefft": 1}}),
                 "/view/space/lefft: space knows no 'lefft' (did you mean 'left'?)"),
                (lambda: dummy.apply_pixel(), "apply_pixel() lacks expr"),
                (lambda: dummy.apply_pixel(object()), "/expr: object cannot stand in a graph")):
            with self.assertRaises(cube.Error) as caught:
                call()
            self.assertEqual(str(caught.exception), text)
        with self.assertRaises(TypeError):
            dummy.apply_pixel("a", expr="b")
        with self.assertRaises(TypeError):
            dummy.apply_pixel("a", "b")


class TypesTest(PythonCase):
    def checked(self, *arguments):
        with open("mypy.ini", "w") as file:
            # What they would say takes 20 s to read.
            file.write("[mypy]\nstrict = True\n[mypy-xarray.*,pandas.*,dask.*,distributed.*,zarr.*]\n"
                       "follow_imports = skip\nignore_missing_imports = True\n"
                       "[mypy-cube._backend]\ndisallow_subclassing_any = False\nwarn_return_any = False\n")
        return subprocess.run(["/usr/bin/python3", "-m", "mypy", *arguments], capture_output=True, text=True,
                              env={**os.environ, "MYPYPATH": os.path.dirname(os.path.dirname(cube.__file__))})

    def test_the_package(self):
        result = self.checked("-p", "cube")
        self.assertIn("Success: no issues found", result.stdout, result.stderr)

    def test_what_a_program_does_wrong(self):
        with open("program.py", "w") as file:
            file.write("""
import datetime, pathlib
import numpy as np
import cube

months = cube.image_collection(pathlib.Path("a.db"), view={"space": {}}, mask={"values": [1]}, chunk_size=[1, 2, 3])
ndvi: cube.Graph = months.apply_pixel("nd(B08, B04)", band_names=["NDVI"]).reduce_time([["median", "NDVI"]])
first = ndvi.slice_time(datetime.date(2020, 1, 2)).mask(cube.raster("m.tif"), "im1b1 > 0", replacement=np.float32(1))
both = cube.merge([ndvi, first], overlap="mean").aggregate_time(np.timedelta64(3, "M")).window_time(window=(1, 2))
shape: tuple[int, int, int] = both.open().info.shape
months.apply_pixl("B04")  # wrong
months.apply_pixel(3)  # wrong
months.crop(ix_mim=4)  # wrong
months.apply_pixel()  # wrong
cube.merge(months)  # wrong
cube.no_such()  # wrong
""")
        result = self.checked("program.py")
        with open("program.py") as file:
            wrong = [i + 1 for i, line in enumerate(file) if "# wrong" in line]
        told = re.findall(r"^program.py:(\d+): error", result.stdout, re.M)
        self.assertEqual([int(line) for line in told], wrong, result.stdout + result.stderr)

    def test_what_an_editor_shows(self):
        with open(os.path.join(os.path.dirname(cube.__file__), "_operators.pyi")) as file:
            tree = ast.parse(file.read())
        methods, = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Methods")
        shown = {node.name: ast.get_docstring(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
        self.assertEqual(shown, {name: inspect.getdoc(getattr(cube, name)) for name in shown})
        self.assertEqual(set(shown), {about["id"] for about in json.loads(program("ops", "--json").stdout)})
        for node in methods.body:
            self.assertEqual(ast.get_docstring(node), inspect.getdoc(getattr(cube.Graph, node.name)))


class SharedWorkTest(PythonCase):
    def test_pickle_is_the_document(self):
        opened = cube.open(self.raster())
        data = opened.to_xarray(chunks={})
        text = opened._source.text
        for pickled in (pickle.dumps(opened), pickle.dumps(opened.to_xarray()["band1"].variable._data)):
            self.assertIn(text.encode(), pickled)
            self.assertLess(len(pickled), len(text) + len(self.folder) + 1500)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(data["band1"].data)).compute(),
                                      data["band1"].values)
        code = ("import pickle, sys; data = pickle.load(sys.stdin.buffer);"
                "print(float(data.read()['band2'].astype('f8').sum()))")
        done = subprocess.run(["/usr/bin/python3", "-c", code], input=pickle.dumps(opened), capture_output=True,
                              env={**os.environ, "PYTHONPATH": os.environ["CUBE_PYTHON"]}, cwd="/")
        self.assertEqual(float(done.stdout), float(opened.read()["band2"].astype("f8").sum()), done.stderr)

    def test_bands_of_the_same_cells_are_computed_together(self):
        document = {"cube_type": "apply_pixel", "expr": ["band1 + 1", "band1 * band2", "band2 - band1"],
                    "band_names": ["a", "b", "c"], "in_cube": self.raster()}
        opened = cube.open(document)
        made = _source.compiled(opened._source)
        self.assertEqual([sorted(one) for one in made.riding], [[0], [0, 1, 2], [0, 1, 2]])
        asked = []
        compute = made.compute
        made.compute = lambda bands, region: asked.append(tuple(bands)) or compute(bands, region)
        data = opened.to_xarray(chunks={})
        expected = opened.read()
        asked.clear()
        data["a"].compute(scheduler="sync")
        self.assertEqual(asked, [(0,)] * 9)  # band2 is not read for it
        asked.clear()
        both = (data["b"] - data["c"]).compute(scheduler="sync")
        np.testing.assert_array_equal(both, expected["b"] - expected["c"])
        self.assertEqual(len(asked), 9)  # a computation a chunk
        for bands in asked:
            self.assertEqual(bands, (1, 2))  # a was handed out before
        results = []
        threads = [threading.Thread(target=lambda band=band: results.append(
            (band, opened.to_xarray()[band].values))) for band in "abc" * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(results), 12)
        for band, cells in results:
            np.testing.assert_array_equal(cells, expected[band])

    def test_few_bytes_wait(self):
        """What nobody asks for does not pile up."""
        chunks = _source._Chunks(3000)
        cells = np.zeros((10, 10), "u1")
        for i in range(100):
            region = ((i, i + 1), (0, 1), (0, 1))
            chunks.get(region, 0, [0, 1, 2], lambda bands, region: [cells for _ in bands])
            self.assertLessEqual(len(chunks._kept), 30)
        self.assertEqual(len(chunks._kept), 30)

        def fail(bands, region):
            raise ZeroDivisionError

        with self.assertRaises(ZeroDivisionError):
            chunks.get(((100, 101), (0, 1), (0, 1)), 0, [0, 1], fail)
        self.assertEqual(len(chunks._kept), 30)

    def test_interpreter_goes_on(self):
        """The interpreter's lock is not held while a chunk is computed."""
        document = {"cube_type": "apply_pixel", "expr": ["sin(band1) * cos(band1) ^ 1.7 + exp(sin(ix * iy))"] ,
                    "band_names": ["v"], "in_cube": {"cube_type": "dummy", "nbands": 1, "fill": 3, "view": {
                        **VIEW, "space": {**VIEW["space"], "dx": 0.1}}}}
        opened = cube.open(document)
        done = threading.Event()
        threading.Thread(target=lambda: (opened.read(), done.set())).start()
        turns = 0
        while not done.is_set():
            turns += 1
            time.sleep(0.001)
        self.assertGreater(turns, 50)

    def test_fork(self):
        """A run, then a fork, then a run in the child: it does not wait for threads of its parent, nor for what they
        held when they were last seen."""
        opened = cube.open(self.raster())
        sums = {name: int(cells.astype("i8").sum()) for name, cells in opened.read().items()}
        context = multiprocessing.get_context("fork")
        for _ in range(10):
            queue = context.Queue()

            def child():
                opened.write("child.tif", threads=2, overwrite=True)
                queue.put({name: int(cells.astype("i8").sum()) for name, cells in opened.read().items()})

            opened.write("parent.tif", threads=2, overwrite=True)
            process = context.Process(target=child, daemon=True)
            process.start()
            self.assertEqual(queue.get(timeout=20), sums)
            process.join(20)
            self.assertEqual(process.exitcode, 0)
            with open("parent.tif", "rb") as a, open("child.tif", "rb") as b:
                self.assertEqual(a.read(), b.read())

    def test_beside_gdal(self):
        """GDAL's settings, error handlers and signal handlers are those of before."""
        gdal.SetConfigOption("GDAL_CACHEMAX", "64")
        before = {key: gdal.GetConfigOption(key) for key in ("GDAL_CACHEMAX", "OGR_SKIP", "GDAL_VRT_ENABLE_PYTHON")}
        drivers, cache = gdal.GetDriverCount(), gdal.GetCacheMax()
        handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)]
        opened = cube.open(self.raster())
        opened.write("x.tif")
        opened.read()
        self.assertEqual({key: gdal.GetConfigOption(key) for key in before}, before)
        self.assertEqual((gdal.GetDriverCount(), gdal.GetCacheMax()), (drivers, cache))
        self.assertEqual([signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)], handlers)
        with self.assertRaises(RuntimeError):
            gdal.Open("none.tif")


class WriteTest(PythonCase):
    def test_the_bytes_of_the_program(self):
        document = self.raster()
        opened = cube.open(document)
        calls = []
        report = opened.write("a/../ours.tif", options={"COMPRESS": "ZSTD", "LEVEL": 3},
                              progress=lambda *done: calls.append(done))
        self.assertEqual(report["outputs"], [self.path("ours.tif")])
        self.assertEqual(calls[-1], (report["chunks"], report["chunks"]))
        self.runs(document, "theirs.tif", "--co", "COMPRESS=ZSTD", "--co", "LEVEL=3")
        with open("ours.tif", "rb") as ours, open("theirs.tif", "rb") as theirs:
            self.assertEqual(ours.read(), theirs.read())
        with self.assertRaisesRegex(cube.Error, "exists"):
            opened.write("ours.tif")
        opened.write("ours.tif", overwrite=True)
        with self.assertRaisesRegex(cube.Error, "nothing says where"):
            opened.write()
        both = {"version": 1, "cubes": {"a": self.raster()}, "result": "a", "outputs": [{"file": "own.nc"}]}
        self.assertEqual(cube.open(both).write()["outputs"], [self.path("own.nc")])

    def test_what_fails_is_told(self):
        opened = cube.open(self.raster())
        with open("a.tif", "r+b") as file:
            file.truncate(3000)
        with self.assertRaises(cube.Error) as caught:
            opened.write("x.tif")
        self.assertTrue(caught.exception.report["failures"])
        self.assertFalse(os.path.exists("x.tif"))

    def slow(self):
        return {"cube_type": "apply_pixel", "expr": ["+".join(f"exp(sin(ix * iy + {i} * it))" for i in range(40))],
                "band_names": ["a"], "in_cube": {"cube_type": "dummy", "nbands": 1, "fill": 3, "view": {
                    "space": {**VIEW["space"], "dx": 0.05},
                    "time": {"t0": "2020-01-01", "t1": "2020-12-31", "dt": "P1D"}}}}

    def test_stopped(self):
        """Ctrl-C ends runs and reads within a second, with Python's own KeyboardInterrupt."""
        for call in ("opened.write('slow.zarr')", "opened.read(region=((0, 1), (0, 4000), (0, 4000)))"):
            with self.subTest(call=call):
                # Who runs this in the background has SIGINT ignored.
                code = ("import cube, signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
                        f"opened = cube.open({self.slow()!r})\nprint('ready', flush=True)\n"
                        f"try:\n    {call}\n"
                        "except KeyboardInterrupt:\n    print('stopped', flush=True)")
                process = subprocess.Popen(["/usr/bin/python3", "-c", code], stdout=subprocess.PIPE, text=True,
                                           env={**os.environ, "PYTHONPATH": os.environ["CUBE_PYTHON"]})
                self.assertEqual(process.stdout.readline(), "ready\n")
                time.sleep(0.5)
                process.send_signal(signal.SIGINT)
                start = time.monotonic()
                self.assertEqual(process.stdout.readline(), "stopped\n")
                self.assertLess(time.monotonic() - start, 1.5)
                process.wait(20)
                process.stdout.close()
                self.assertFalse(os.path.exists("slow.zarr"))

    def test_progress_that_raises(self):
        def refuse(done, chunks):
            raise ZeroDivisionError

        with self.assertRaises(ZeroDivisionError):
            cube.open(self.raster()).write("x.tif", progress=refuse)
        with self.assertRaises(ZeroDivisionError):
            cube.open(self.slow()).write("y.tif", progress=refuse, format="Zarr")


if __name__ == "__main__":
    unittest.main()
