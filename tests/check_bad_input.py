"""Bad input through the program: exit status and message, and what is left on the disk after it."""
import glob
import json
import os
import re
import shutil
import sqlite3
import subprocess
import unittest

from program import CUBE, DUMMY, VIEW, Case, cube


def changed(**keys):
    return {**DUMMY, "view": {**VIEW, **keys}}


class Graphs(Case):
    def rejected(self, text, document):
        self.rejects(text, "run", self.graph(document), "-o", self.path("a_{t}.tif"))
        self.assertEqual(os.listdir(self.folder), ["graph.json"])

    def test_broken_json(self):
        graph = self.graph('{\n  "cube_type": oops}')
        error = self.fails(2, "graph.json:2:16: syntax error", "run", graph, "-o", self.path("a.tif")).stderr
        self.assertEqual(error.count("\n"), 1)

    def test_names(self):
        self.rejected("/cube_type: there is no cube_type 'dumy' (did you mean 'dummy'?)",
                      {**DUMMY, "cube_type": "dumy"})
        self.rejected("/nband: there is no argument 'nband' (did you mean 'nbands'?)",
                      {"cube_type": "dummy", "nband": 2, "view": VIEW})
        self.rejected("/view/space/lef: there is no argument 'lef' (did you mean 'left'?)",
                      changed(space={**VIEW["space"], "lef": 1}))
        self.rejected("/bands/0: there is no band 'bnd1' (did you mean 'band1'?)",
                      {"cube_type": "select_bands", "bands": ["bnd1"], "in_cube": DUMMY})

    def test_formulas(self):
        for expr, text in (
                ("(band1 + ", 'the parenthesis is not closed at position 1 of "(band1 + "'),
                ("band1 + bond2", 'unknown name \'bond2\' at position 9 of "band1 + bond2" '
                                  "(did you mean 'band2'?)"),
                ("band1 + * 2", 'unexpected \'*\' at position 9 of "band1 + * 2"')):
            self.rejected("/expr: " + text, {"cube_type": "apply_pixel", "expr": expr, "band_names": "v",
                                               "in_cube": DUMMY})

    def test_impossible_views(self):
        space = VIEW["space"]
        for text, bad in (
                ("right: right (-1) is not beyond left (0)", {**space, "right": -1}),
                ("dx: the cell size is 0 (larger than 0)", {**space, "dx": 0}),
                ("srs: 'EPSG:1' is no coordinate reference system (such as EPSG:32631, WKT or a PROJ string)",
                 {**space, "srs": "EPSG:1"}),
                ("top: 'top' is missing (space needs left, right, top, bottom and srs, or like, or tile)",
                 {k: v for k, v in space.items() if k != "top"})):
            self.rejected("/view/space/" + text, changed(space=bad))
        for text, bad in (
                ("t0: '2020-13' is no date or time (ISO 8601, such as 2018, 2018-03, 2018-03-05 or "
                 "2018-03-05T10:20:30Z)", {"t0": "2020-13", "t1": "2021", "dt": "P1M"}),
                ("t1: t1 (2020) lies before t0 (2021)", {"t0": "2021", "t1": "2020", "dt": "P1M"}),
                ("dt: 'monthly' is no period (ISO 8601 in whole units, such as P1D, P16D, P1W, P1M, P3M, P1Y "
                 "or PT1H)", {"t0": "2020", "t1": "2020", "dt": "monthly"})):
            self.rejected("/view/time/" + text, changed(time=bad))


class Archive(Case):
    """The synthetic archive, indexed, and what happens to its files afterwards."""

    def setUp(self):
        super().setUp()
        self.assertEqual(cube("sample", self.path("s")).returncode, 0)
        self.catalog = self.path("s/s2.db")
        self.assertEqual(cube("catalog", "create", self.catalog, self.path("s/archive")).returncode, 0)
        with open(self.path("s/ndvi.json")) as f:
            self.ndvi = json.load(f)
        os.mkdir(self.path("out"))

    def saved_graph(self, strict=True, **space):
        document = json.loads(json.dumps(self.ndvi))
        node = document
        while "in_cube" in node:
            node = node["in_cube"]
        node["strict"] = strict
        node["view"]["space"].update(space)
        node["view"]["space"].update(dx=80)
        node["view"]["space"].pop("dy", None)
        return self.graph(document, "s/bad.json")

    def files(self):
        return sorted(os.path.join(f, n) for f, _, names in os.walk(self.path("s")) for n in names)

    def test_a_file_that_has_gone_wrong(self):
        victim = sorted(glob.glob(self.path("s/archive/S2A_31UGR_*/B04.tif")))[3]
        image = os.path.basename(os.path.dirname(victim))
        # What is right: the result of an archive that never had the file.
        os.rename(victim, self.path("away"))
        cube("catalog", "create", self.path("s/few.db"), self.path("s/archive"))
        os.rename(self.path("away"), victim)
        self.assertEqual(cube("run", self.saved_graph(), "-o", self.path("all.tif")).returncode, 0)
        with open(self.saved_graph(False)) as f:
            few = f.read().replace("s2.db", "few.db")
        graph_few = self.graph(few, "s/few.json")
        result = cube("run", graph_few, "-o", self.path("few.tif"))
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(victim, "rb") as f:
            whole = f.read()
        for how in ("gone", "cut", "text"):
            if how == "gone":
                os.remove(victim)
            else:
                with open(victim, "wb") as f:
                    f.write(whole[:len(whole) // 2] if how == "cut" else b"hello\n")
            before = self.files()
            result = cube("run", self.saved_graph(True), "-o", self.path("out/a.tif"), "-o", self.path("out/a.nc"))
            self.assertEqual(result.returncode, 1, (how, result.stderr))
            self.assertIn(f"image {image} cannot be read", result.stderr, how)
            self.assertIn(victim, result.stderr, how)
            self.assertIn("no output was made", result.stderr, how)
            self.assertEqual(set(os.listdir(self.path("out"))) - {".a.tif.part", ".a.nc.part"}, set(), how)

            out = self.path(f"{how}.tif")
            result = cube("run", self.saved_graph(False), "-o", out)
            self.assertEqual(result.returncode, 1, (how, result.stderr))
            self.assertTrue(result.stderr.startswith(f"cube: warning: skipped {image}: "), result.stderr)
            self.assertEqual(result.stderr.count(f"skipped {image}"), 1, how)
            self.assertEqual(result.stdout, out + "\n")
            self.check_cells(out, may_be_whole=how == "cut")
            self.assertEqual(sorted(set(self.files()) | {self.path("s/bad.json")}),
                             sorted(set(before) | {self.path("s/bad.json")}), how)

    def check_cells(self, name, may_be_whole):
        """Cells are those without the file or, where what is left of it was enough, those with it."""
        try:
            import numpy as np
            from osgeo import gdal
        except ImportError as error:
            self.skipTest(str(error))
        gdal.UseExceptions()
        got, few, full = (gdal.Open(n).ReadAsArray() for n in (name, self.path("few.tif"), self.path("all.tif")))
        self.assertGreater(np.isfinite(got).mean(), 0.5)
        self.assertFalse(np.array_equal(few, full, equal_nan=True))
        right = (got == few) | (np.isnan(got) & np.isnan(few))
        if may_be_whole:
            right |= (got == full) | (np.isnan(got) & np.isnan(full))
        self.assertTrue(right.all())

    def test_nothing_is_written_beside_the_images(self):
        before = self.files()
        for command in (["catalog", "info", self.catalog], ["catalog", "list", self.catalog],
                        ["info", before[0]], ["plan", self.path("s/ndvi.json")],
                        ["run", self.path("s/ndvi.json"), "-o", self.path("out/a.tif"), "-o", self.path("out/a.png")]):
            result = cube(*command)
            self.assertEqual(result.returncode, 0, (command, result.stderr))
        self.assertEqual(self.files(), before)

    def test_views_without_images(self):
        start = ("cube: note: /in_cube/in_cube: image_collection: no image of the collection touches the view, so all "
                 "its cells are missing: its images ")
        end = " ('cube catalog info' says what the collection covers)\n"
        far = self.saved_graph(left=100000, right=200000)
        with open(far) as f:
            early = self.graph(f.read().replace("2023", "1990"), "s/early.json")
        for graph, where in ((far, r"lie in longitude 5\.\d+ to 6\.\d+, latitude [\d.]+ to [\d.]+, the view in "
                                   r"longitude -2\.\d+ to -1\.\d+, latitude 49\.\d+ to 49\.\d+"),
                             (early, r"are of 2023-\d\d-\d\d to 202\d-\d\d-\d\d, the view of 1990-01-01 to 1990-12-31")):
            result = cube("run", graph, "-o", self.path("out/a.tif"), "--overwrite")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertRegex(result.stderr, f"^{re.escape(start)}{where}{re.escape(end)}$")
            result = cube("run", graph, "-o", self.path("out/a.tif"), "-q", "--overwrite")
            self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
            plan = json.loads(cube("plan", graph, "--json").stdout)
            self.assertEqual([note["where"] for note in plan["notes"]], ["/in_cube/in_cube"])
            self.assertIn("no image of the collection", plan["notes"][0]["text"])
            self.assertEqual((plan["images"], plan["files"], plan["read_bytes"]), (0, 0, 0))
            self.assertEqual(plan["chunks"], plan["empty_chunks"])

    def test_files_that_are_no_catalog(self):
        with open(self.path("text.db"), "w") as f:
            f.write("hello")
        sqlite3.connect(self.path("other.db")).execute("CREATE TABLE t (a)").connection.close()
        for name in ("text.db", "other.db", "nothing.db", "s"):
            graph = self.graph({"cube_type": "image_collection", "file": name, "view": VIEW})
            error = self.fails(2, name, "run", graph, "-o", self.path("out/a_{t}.tif")).stderr
            self.assertTrue(error.startswith("cube: error: /file: "), error)
            self.fails(2, name, "catalog", "info", self.path(name))
        self.assertEqual(os.listdir(self.path("out")), [])


class Outputs(Case):
    def test_exists(self):
        graph = self.graph(DUMMY)
        with open(self.path("a.nc"), "w") as f:
            f.write("precious")
        self.rejects("FOLDER/a.nc: exists already (--overwrite replaces it)",
                     "run", graph, "-o", self.path("a.nc"))
        with open(self.path("a.nc")) as f:
            self.assertEqual(f.read(), "precious")

    def test_folder_that_cannot_be_written_to(self):
        graph = self.graph(DUMMY)
        os.chmod(self.folder, 0o755)
        os.mkdir(self.path("locked"), 0o755)
        wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        if os.geteuid() == 0 and (not shutil.which("setpriv") or subprocess.run(
                [*wrapper, CUBE, "--version"], capture_output=True).returncode != 0):
            self.skipTest("the program cannot be run as another user here")
        if not wrapper:
            os.chmod(self.path("locked"), 0o555)
        for name in ("a_{t}.tif", "a.nc", "a.zarr"):
            result = subprocess.run([*wrapper, CUBE, "run", graph, "-o", self.path("locked/" + name)],
                                    capture_output=True, text=True)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertTrue(result.stderr.startswith("cube: error: " + self.path("locked")), result.stderr)
            self.assertEqual(os.listdir(self.path("locked")), [])


if __name__ == "__main__":
    unittest.main()
