#!/usr/bin/env python3
"""Input that means harm: what is too large is refused at once, with its place; nothing in a graph, a
catalog or a raster runs a command or reads anything but files; and secrets in URLs stay secret."""
import glob
import json
import os
import resource
import sqlite3
import subprocess
import sys
import time
import unittest

from program import CUBE, DUMMY, VIEW, Case, cube
from range_server import Server

try:
    import numpy as np
    from osgeo import gdal
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

LAST = 2**63 - 1


def on(cube_type, **keys):
    return {"cube_type": cube_type, "in_cube": DUMMY, **keys}


class Limits(Case):
    """Each must-fail case ends within seconds and little memory, and says what would do."""

    def refused(self, text, document, *arguments, command="check"):
        def bounded():
            resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
            resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        with self.subTest(text):
            self.rejects(text, command, self.graph(document), *arguments, preexec_fn=bounded)

    def test_documents(self):
        self.refused("FOLDER/graph.json: the document is too long (at most 64 MiB)",
                     '{"title": "' + "x" * (64 << 20) + '"}')
        self.refused("FOLDER/graph.json: the document is nested more than 1000 deep", '{"in_cube":' * 1001)
        big = {"parameters": {"p": "x" * 100000}, "cubes": {"a": on("apply_pixel", expr=["${p}"] * 1000)},
               "result": "a"}
        self.refused("/cubes/a/expr/671: the document is too long with its parameters in it (at most 64 MiB)", big)

    def test_a_file_without_end(self):
        self.refused("/file: /dev/zero: the document is too long (at most 64 MiB)".replace("/file: ", ""),
                     {"cube_type": "saved", "file": "/dev/zero"})

    def test_saved_cubes_that_double(self):
        self.graph(DUMMY, "s0.json")
        for i in range(1, 25):
            saved = {"cube_type": "saved", "file": f"s{i - 1}.json"}
            self.graph({"cube_type": "merge", "in_cubes": [saved, saved]}, f"s{i}.json")
        error = self.fails(2, "the graph has more than 10000 cubes (those of a saved cube count each time that it "
                           "is named)", "check", self.path("s24.json")).stderr
        self.assertRegex(error, r"/s\d+\.json#")

    def test_bands(self):
        cubes = {"c0": DUMMY}
        for i in range(1, 40):
            cubes[f"c{i}"] = {"cube_type": "join_bands", "in_cubes": [f"c{i - 1}"] * 2, "prefixes": ["a", "b"]}
        self.refused("/cubes/c13/in_cubes: the cubes have 16384 bands (at most 10000)",
                     {"cubes": cubes, "result": "c39"})
        self.refused("/nbands: the number of bands is 10001 (from 1 to 10000)", {**DUMMY, "nbands": 10001})
        many = on("apply_pixel", expr=["1"] * 10001, band_names=[f"b{i}" for i in range(10001)])
        self.refused(": apply_pixel: the cube has 10001 bands (at most 10000)"[2:], many)
        self.refused("rename_bands: the cube has a band whose name is 1001 bytes long (at most 1000)",
                     on("rename_bands", band_names={"band1": "x" * 1001}))

    def test_formulas(self):
        self.refused("/expr/0: the formula is too long (at most 20000 characters)".replace("/0", ""),
                     on("apply_pixel", expr="1" + "+1" * 10000, band_names="a"))

    def test_cells_and_slices(self):
        space, times = VIEW["space"], VIEW["time"]
        self.refused("/view/space/dx: 4e+11 cells on one side are too many (at most 2147483647)",
                     {**DUMMY, "view": {**VIEW, "space": {**space, "dx": 1e-9}}})
        self.refused("/view/space/nx: 9007199254740991 cells on one side are too many (at most 2147483647)",
                     {**DUMMY, "view": {**VIEW, "space": {"left": 0, "right": 1, "top": 1, "bottom": 0,
                                                          "nx": 2**53 - 1, "ny": 1, "srs": "EPSG:3857"}}})
        wide = {"left": 0, "right": 1, "top": 1, "bottom": 0, "nx": 2**31 - 1, "ny": 2**31 - 1, "srs": "EPSG:3857"}
        self.refused("/view: a cube of 13835058042397261824 cells is too large",
                     {**DUMMY, "view": {**VIEW, "space": wide}})
        self.refused("/view/time/dt: the time span has more than 10 million steps of PT1S",
                     {**DUMMY, "view": {**VIEW, "time": {**times, "t0": "1900", "t1": "2000", "dt": "PT1S"}}})
        self.refused("/view/time/nt: the number of slices is 10000001 (from 1 to 10 million)",
                     {**DUMMY, "view": {**VIEW, "time": {"t0": "1900", "t1": "2000", "nt": 10000001}}})
        century = {**DUMMY, "view": {**VIEW, "time": {**times, "t0": "1900", "t1": "1999", "dt": "P1D"}}}
        self.assertEqual(cube("check", self.graph(century)).returncode, 0)  # this is none
        self.refused("crop: the cube has 4294967296 cells on one side (at most 2147483647)",
                     on("crop", ix_min=0, ix_max=2**32 - 1))
        self.refused("/ix_max: expected a whole number from -9007199254740992 to 9007199254740992, found the number "
                     + str(LAST), on("crop", ix_min=0, ix_max=LAST))
        self.refused("crop: the cube has too many cells (at most 72057594037927936)",
                     on("crop", ix_min=0, ix_max=2**31 - 2, iy_min=0, iy_max=2**31 - 2))

    def test_windows(self):
        self.refused("/win_size_y: a window cannot be 10001 cells wide (an odd number from 1 to 9999)",
                     on("window_space", reducer_bands=[["mean", "band1"]], win_size_y=10001, win_size_x=3))
        self.refused("/sigma: there is no gaussian of sigma 1e+308 (cells, more than 0 and at most 1000)",
                     on("window_space", preset="gaussian", sigma=1e308))
        self.refused("/halo/x: a halo of 2147483648 cells cannot be (0 to 2147483647)",
                     on("stream", command=["cat"], bands=["a"], halo={"x": 2**31}))

    def test_chunks(self):
        wide = {"left": 0, "right": 1, "top": 1, "bottom": 0, "nx": 10001, "ny": 10001, "srs": "EPSG:3857"}
        graph = {**DUMMY, "view": {**VIEW, "space": wide}}
        hint = " (at most 100000000; larger ones, or a part of the cube at a time)"
        self.refused("--chunk: the result would be computed in 300060003 chunks" + hint, graph, "--chunk", "1,1,1",
                     command="plan")
        self.refused("the result would be computed in 300060003 chunks" + hint, {**graph, "chunk_size": [1, 1, 1]},
                     command="plan")

    def test_coordinates(self):
        os.mkdir(self.path("a.zarr"))
        for name, sides in (("v", {"y": 2, "x": 10**7 + 1}), ("y", {"y": 2}), ("x", {"x": 10**7 + 1})):
            os.mkdir(self.path(f"a.zarr/{name}"))
            shape = list(sides.values())
            self.graph({"zarr_format": 2, "shape": shape, "chunks": shape, "dtype": "<f8", "fill_value": 0, "order": "C",
                        "compressor": None, "filters": None}, f"a.zarr/{name}/.zarray")
            self.graph({"_ARRAY_DIMENSIONS": list(sides)}, f"a.zarr/{name}/.zattrs")
        self.graph({"zarr_format": 2}, "a.zarr/.zgroup")
        self.fails(2, "'x' has too many numbers to say where cells lie (at most 10000000)", "check",
                   self.graph({"cube_type": "zarr", "file": "a.zarr"}))

    def test_headers_of_netcdf(self):
        corpus = os.path.join(os.environ["CUBE_SOURCE"], "tests/fuzz/corpus/netcdf")
        for name in ("header_counts_beyond_the_file", "header_cut_off", "name_longer_than_allowed",
                     "second_dimension_of_no_length", "dimension_longer_than_int64"):
            file = os.path.join(corpus, name + ".nc")
            self.refused(f"/file: {file}: cannot be opened as netCDF: its header is cut off, or a list, a name or an "
                         "array in it is longer than can be", {"cube_type": "ncdf", "file": file})

    def test_names_that_are_long(self):
        start = time.monotonic()
        name = "x" * 1000000
        error = self.fails(2, "there is no cube_type 'xxx", "check", self.graph({"cube_type": name})).stderr
        self.assertLess(len(error), 3 * 65536)
        urls = self.graph({"cube_type": "://" * 300000})
        self.fails(2, "there is no cube_type", "check", urls)
        self.assertLess(time.monotonic() - start, 20)

    def test_formats(self):
        form = {"images": {"pattern": ".*"}, "datetime": {"pattern": "(.*)"}, "bands": {"a": {"pattern": ".*"}}}
        os.mkdir(self.path("d"))
        with open(self.path("d/" + "a" * 200 + ".tif"), "w"):
            pass
        for pattern, text in (("x" * 1001, "a pattern of 1001 characters is too long (at most 1000)"),
                              (r"(a)\1", r"'(a)\1' refers back to a group, which can take ages (patterns without "
                                         r"\1, \2, ...)")):
            path = self.graph({**form, "pattern": pattern}, "f.json")
            self.rejects(f"FOLDER/f.json#/pattern: {text}", "catalog", "create", self.path("c.db"), "--format", path,
                         self.path("d"))
        start = time.monotonic()
        for pattern in ("(.*a+)+b", ".*.*.*.*.*.*.*.*.*b", "((a|aa)+)+b"):
            path = self.graph({**form, "pattern": pattern}, "f.json")
            cube("catalog", "create", self.path("c.db"), "--format", path, self.path("d"), timeout=20)
        self.assertLess(time.monotonic() - start, 20)

    def test_a_catalog_that_goes_on_for_ever(self):
        db = sqlite3.connect(self.path("c.db"))
        db.executescript("""
          CREATE TABLE bands (id INTEGER PRIMARY KEY, name, type, offset, scale, unit, nodata);
          CREATE TABLE gdalrefs (image_id, band_id, descriptor, band_num);
          INSERT INTO bands VALUES (1, 'a', 'uint8', 0, 1, '', '');
          CREATE VIEW images AS WITH RECURSIVE r(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM r) SELECT id,
            'n' || id AS name, 0 AS "left", 1 AS top, 0 AS bottom, 1 AS "right", '2018' AS datetime,
            'EPSG:4326' AS proj FROM r;""")
        db.close()
        self.fails(2, "it has no table 'images'", "catalog", "info", self.path("c.db"), timeout=20)


class Commands(Case):
    """Nothing runs but what --allow-exec lets."""

    def made(self):
        return os.path.exists(self.path("ran"))

    def check_all(self, document, text="--allow-exec", commands=("run", "check", "plan", "info")):
        graph = self.graph(document)
        for command in commands:
            with self.subTest(command=command):
                more = ["-o", self.path("o.nc"), "--overwrite"] if command == "run" else []
                result = cube(command, graph, *more)
                self.assertFalse(self.made(), (command, document))
                if command == "run":
                    self.assertEqual(result.returncode, 2, result.stderr)
                    self.assertIn(text, result.stderr)

    def test_stream_and_others_need_consent_wherever_they_stand(self):
        touch = f"touch {self.path('ran')}; cat"
        stream = on("stream", command=touch, bands=["a"])
        self.graph(stream, "inner.json")
        for document in (stream, on("apply_time", command=touch, bands=["a"]),
                         on("stream_apply_pixel", cmd=touch, nbands=1),
                         {"cube_type": "saved", "file": "inner.json"},
                         {"parameters": {"c": touch}, "cubes": {"s": on("stream", command="${c}", bands=["a"])},
                          "result": "s"},
                         {"parameters": {"t": "stream"},
                          "cubes": {"s": {**stream, "cube_type": "${t}"}}, "result": "s"},
                         on("select_bands", bands=["a"]) | {"in_cube": stream}):
            if document["cube_type" if "cube_type" in document else "result"] == "stream_apply_pixel":
                kinds = json.loads(cube("ops", "--json").stdout)
                if not any("stream_apply_pixel" in json.dumps(kind) for kind in kinds):
                    continue
            self.check_all(document)
        result = cube("save", self.graph(stream), "-o", self.path("saved.json"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertFalse(self.made())
        self.check_all({"cube_type": "saved", "file": "saved.json"})
        # And with consent it does run: the test can fail.
        cube("run", self.graph(stream), "-o", self.path("o.nc"), "--allow-exec")
        self.assertTrue(self.made())

    def test_plugins_need_consent(self):
        library = os.path.join(os.environ["CUBE_PLUGINS"], "local_range.so")
        self.check_all(on("plugin", file=library, arguments={"radius": 1}))

    def test_names_are_no_commands(self):
        ran = self.path("ran")
        names = [f"| touch {ran}", f"`touch {ran}`", f"$(touch {ran})", f"a.tif; touch {ran}", f"a.tif' ; touch {ran} '",
                 f"!touch {ran}", f"/vsigzip/| touch {ran}", f"GPSBabel:gpx:a`touch {ran}`",
                 f"GPSBABEL:;touch {ran};:b"]
        for name in names:
            for node in ({"cube_type": "raster", "file": name}, {"cube_type": "ncdf", "file": name},
                         {"cube_type": "zarr", "file": name}, {"cube_type": "image_collection", "file": name, "view": VIEW},
                         {"cube_type": "simple_cube", "files": [name], "datetime": ["2020"]},
                         on("filter_geom", file=name), {"cube_type": "saved", "file": name},
                         {**DUMMY, "view": {**VIEW, "space": {"like": name}}},
                         {**DUMMY, "view": {**VIEW, "space": {**VIEW["space"], "srs": name}}}):
                result = cube("check", self.graph(node))
                self.assertNotEqual(result.returncode, 0, node)
                self.assertFalse(self.made(), node)
        # As descriptors of a catalog, and as names of outputs.
        self.catalog([names[0], names[1], names[3]])
        graph = {"cube_type": "image_collection", "file": "c.db", "view": VIEW}
        cube("run", self.graph(graph), "-o", self.path("o.nc"))
        self.assertFalse(self.made())
        cube("run", self.graph(DUMMY), "-o", self.path("x; touch ran `touch ran`.nc"), cwd=self.folder)
        self.assertFalse(self.made())

    def catalog(self, descriptors):
        db = sqlite3.connect(self.path("c.db"))
        db.executescript("""
          CREATE TABLE bands (id INTEGER PRIMARY KEY, name, type, offset, scale, unit, nodata);
          CREATE TABLE images (id INTEGER PRIMARY KEY, name, "left", top, bottom, "right", datetime, proj);
          CREATE TABLE gdalrefs (image_id, band_id, descriptor, band_num);
          INSERT INTO bands VALUES (1, 'a', 'uint8', 0, 1, '', '');""")
        for i, name in enumerate(descriptors):
            db.execute("INSERT INTO images VALUES (?, ?, -10, 10, -10, 10, '2020-01-02', 'EPSG:32631')", (i, f"i{i}"))
            db.execute("INSERT INTO gdalrefs VALUES (?, 1, ?, 1)", (i, name))
        db.commit()
        db.close()

    def test_a_catalog_with_triggers(self):
        with open(self.path("a.csv"), "w") as f:
            f.write("name,datetime,left,bottom,right,top,srs,band,file,dtype\n"
                    "n,2020-01-01,0,0,1,1,EPSG:4326,a,n.tif,uint8\n")
        with open(self.path("b.csv"), "w") as f:
            f.write("name,datetime,left,bottom,right,top,srs,band,file,dtype\n"
                    "m,2020-01-01,0,0,1,1,EPSG:4326,a,m.tif,uint8\n")
        self.assertEqual(cube("catalog", "create", self.path("c.db"), "--table", self.path("b.csv")).returncode, 0)
        db = sqlite3.connect(self.path("c.db"))
        db.executescript("CREATE TRIGGER \"t\"\"x\" AFTER INSERT ON images BEGIN DELETE FROM gdalrefs; END;")
        db.close()
        result = cube("catalog", "add", self.path("c.db"), "--table", self.path("a.csv"))
        self.assertEqual(result.returncode, 0, result.stderr)
        db = sqlite3.connect(self.path("c.db"))
        self.assertEqual(db.execute("SELECT count(*) FROM gdalrefs").fetchone()[0], 2)
        db.close()


class Drivers(Case):
    """What GDAL can do besides reading files."""

    PYTHON = """<VRTDataset rasterXSize="4" rasterYSize="4"><SRS>EPSG:32631</SRS>
      <GeoTransform>0,100,0,400,0,-100</GeoTransform><VRTRasterBand dataType="Byte" band="1"
      subClass="VRTDerivedRasterBand"><PixelFunctionType>f</PixelFunctionType>
      <PixelFunctionLanguage>Python</PixelFunctionLanguage><PixelFunctionCode><![CDATA[
import os
os.system("touch RAN")
def f(in_ar, out_ar, *args, **kwargs):
    out_ar[:] = 7
]]></PixelFunctionCode></VRTRasterBand></VRTDataset>"""

    def test_python_in_a_vrt(self):
        text = self.PYTHON.replace("RAN", self.path("ran"))
        with open(self.path("a.vrt"), "w") as f:
            f.write(text)
        for name in (self.path("a.vrt"), text):
            for value in (None, "YES", "TRUSTED_MODULES"):
                environment = {k: v for k, v in os.environ.items() if k != "GDAL_VRT_ENABLE_PYTHON"}
                if value:
                    environment["GDAL_VRT_ENABLE_PYTHON"] = value
                graph = self.graph({"cube_type": "raster", "file": name})
                result = cube("run", graph, "-o", self.path("o.nc"), "--overwrite", env=environment)
                self.assertFalse(os.path.exists(self.path("ran")), (name, value))
                self.assertEqual(result.returncode, 1, result.stderr)
        environment["GDAL_VRT_ENABLE_PYTHON"] = "YES"
        cube("run", graph, "-o", self.path("o.nc"), "--overwrite", "--allow-exec", env=environment)
        self.assertTrue(os.path.exists(self.path("ran")))  # both said so

    def test_connections_are_no_files(self):
        server = Server(self.folder)
        self.addCleanup(server.close)
        for name in ("WFS:" + server.address, "OAPIF:" + server.address, f"HTTP:{server.address}/a.json",
                     "PG:host=127.0.0.1 dbname=x password=SECRET", "ODBC:DRIVER=/tmp/evil.so", "MSSQL:server=127.0.0.1",
                     "MySQL:x", "GPSBabel:gpx:a", "gltp:/vrf/x", "WFS:http://127.0.0.1:9/", "EEDAI:x", "HTTP:x",
                     '<GDAL_WMS><Service name="TMS"><ServerUrl>http://127.0.0.1:9/</ServerUrl></Service></GDAL_WMS>'):
            for node in ({"cube_type": "raster", "file": name}, on("filter_geom", file=name)):
                result = cube("check", self.graph(node))
                self.assertEqual(result.returncode, 2, (name, result.stdout))
                self.assertRegex(result.stderr, "cannot be opened|no such file", name)
                self.assertNotRegex(result.stderr, "onnection|onnect to|gpsbabel|SECRET", name)
        self.assertEqual(server.requests, [])
        # Nor through a file that names them.
        with open(self.path("a.vrt"), "w") as f:
            f.write('<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>ODBC:DRIVER=/tmp/evil.so</SrcDataSource>'
                    '</OGRVRTLayer></OGRVRTDataSource>')
        self.fails(2, "/file", "check", self.graph(on("filter_geom", file="a.vrt")))

    def test_a_crs_is_no_file_and_no_address(self):
        server = Server(self.folder)
        self.addCleanup(server.close)
        with open(self.path("crs.txt"), "w") as f:
            f.write("EPSG:32631")
        for text in (server.address + "/crs.txt", self.path("crs.txt")):
            node = {**DUMMY, "view": {**VIEW, "space": {**VIEW["space"], "srs": text}}}
            self.fails(2, "is no coordinate reference system", "check", self.graph(node))
        self.assertEqual(server.requests, [])


class Secrets(Case):
    """A signature, a token and a password in the name of a file: used, and never told."""

    SECRETS = ("S3CRETSIG", "S3CRETTOKEN", "S3CRETPASS", "S3CRETAMZ", "S3CRETKEY")
    QUERY = "?sig=S3CRETSIG&X-Amz-Signature=S3CRETAMZ&token=S3CRETTOKEN"

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("served"))
        gdal.UseExceptions()
        dataset = gdal.GetDriverByName("GTiff").Create(self.path("served/a.tif"), 40, 30, 1, gdal.GDT_UInt16,
                                                      ["BLOCKYSIZE=5"])
        dataset.SetGeoTransform((0, 10, 0, 300, 0, -10))
        dataset.SetProjection('EPSG:32631')
        dataset.GetRasterBand(1).WriteArray(np.arange(1200, dtype="uint16").reshape(30, 40))
        dataset = None
        self.server = Server(self.path("served"))
        self.addCleanup(self.server.close)
        self.base = self.server.address.replace("http://", "http://me:S3CRETPASS@")
        self.url = self.base + "/a.tif" + self.QUERY
        self.environment = {**os.environ, "AWS_SECRET_ACCESS_KEY": "S3CRETKEY", "GDAL_HTTP_MAX_RETRY": "0",
                            "GDAL_HTTP_AUTH": "BASIC"}

    def clean(self, result):
        text = result.stdout + result.stderr
        for secret in self.SECRETS:
            self.assertNotIn(secret, text)
        return result

    def no_secret_below(self, *but):
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(folder, name)
                if path in but:
                    continue
                with open(path, "rb") as f:
                    data = f.read()
                for secret in self.SECRETS:
                    self.assertNotIn(secret.encode(), data, path)

    def run_cube(self, *arguments, **more):
        return self.clean(cube(*arguments, env=self.environment, **more))

    def test_outputs_and_reports(self):
        graph = self.graph({"cube_type": "raster", "file": self.url})
        outputs = [a for name in ("o.tif", "o.nc", "o.zarr", "o_cog.tif", "o.png") for a in ("-o", self.path(name))]
        result = self.run_cube("run", graph, *outputs, "-v", "--stats", self.path("stats.json"), "--stats-svg",
                               self.path("stats.svg"), "--progress", "json")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(any("Authorization" in headers for headers in self.server.headers))
        for command in (["plan", graph, "--json"], ["plan", graph], ["plan", graph, "--dot"], ["info", graph],
                        ["info", graph, "--json"], ["info", self.url], ["check", graph],
                        ["plan", graph, "--svg", self.path("plan.svg")], ["hist", self.url],
                        ["info", self.path("o.tif")], ["info", self.path("o.nc")], ["info", self.path("o.zarr")]):
            with self.subTest(command=command[:2]):
                self.run_cube(*command)
        with open(self.path("o.zarr/.zattrs")) as f:
            self.assertIn("?...", f.read())
        self.no_secret_below(graph)

    def test_what_fails(self):
        self.server.status = 403
        graph = self.graph({"cube_type": "raster", "file": self.url})
        for more in ((), ("-v",)):
            result = self.run_cube("run", graph, "-o", self.path("o.tif"), *more)
            self.assertEqual(result.returncode, 2)
        for debug in ("ON", "VSICURL"):
            self.environment["CPL_DEBUG"] = debug
            result = self.run_cube("run", graph, "-o", self.path("o.tif"))
        del self.environment["CPL_DEBUG"]
        self.run_cube("check", self.graph({"cube_type": "ncdf", "file": self.base + "/a.nc" + self.QUERY}))
        self.run_cube("check", self.graph({"cube_type": "zarr", "file": self.base + "/a.zarr" + self.QUERY}))
        self.run_cube("check", self.graph(on("filter_geom", file=self.base + "/a.gpkg" + self.QUERY)))
        self.run_cube("check", self.graph({**DUMMY, "view": {**VIEW, "space": {"like": self.url}}}))
        self.run_cube("check", self.graph('{"file": "' + self.url + '" x}'))
        self.run_cube("check", self.graph({"cube_type": self.url}))
        self.run_cube("run", self.graph(DUMMY), "-o", self.url)

    def test_work_folders(self):
        """The journal of a run that fails, which says what it was of."""
        graph = self.graph({"cube_type": "raster", "file": self.url})
        size = os.path.getsize(self.path("served/a.tif"))
        with open(self.path("served/a.tif"), "r+b") as f:
            f.truncate(size - 1000)
        result = self.run_cube("run", graph, "-o", self.path("o.tif"), "--chunk", "1,5,40")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertNotEqual(glob.glob(self.path(".o.tif*")), [])
        self.no_secret_below(graph)
        result = self.run_cube("run", graph, "-o", self.path("o.tif"), "--resume", "-v", "--chunk", "1,5,40")
        self.assertNotEqual(result.returncode, 0)
        self.no_secret_below(graph)

    def test_catalogs(self):
        """A catalog keeps the names that it is asked to read; nobody else is told, nor may read it."""
        with open(self.path("t.csv"), "w") as f:
            f.write(f"name,datetime,left,bottom,right,top,srs,a\ni1,2020-01-02,-10,-10,10,10,EPSG:32631,{self.url}\n")
        for arguments in (["catalog", "create", self.path("c.db"), "--table", self.path("t.csv"), "--dry-run"],
                          ["catalog", "create", self.path("c.db"), "--table", self.path("t.csv")],
                          ["catalog", "info", self.path("c.db")], ["catalog", "list", self.path("c.db"), "--json"],
                          ["catalog", "list", self.path("c.db")]):
            result = self.run_cube(*arguments)
            self.assertEqual(result.returncode, 0, (arguments, result.stderr))
        graph = self.graph({"cube_type": "image_collection", "file": "c.db", "view": VIEW})
        result = self.run_cube("run", graph, "-o", self.path("o.nc"), "-v")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.no_secret_below(self.path("c.db"), self.path("t.csv"))

    def test_saved_graphs(self):
        graph = self.graph({"cube_type": "raster", "file": self.url})
        result = self.run_cube("save", graph, "-o", self.path("saved.json"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("holds what may be a secret", result.stderr)
        self.run_cube("save", graph, "-o", "-")
        self.no_secret_below(graph)
        self.run_cube("save", self.graph({"cube_type": "raster", "file": self.server.address + "/a.tif"}, "g.json"),
                      "-o", self.path("saved.json"))
        self.assertTrue(os.path.exists(self.path("saved.json")))


if __name__ == "__main__":
    unittest.main()
