"""--report, the record of the run that outputs carry, and repeating that run."""
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from needs import gdal, np, osr
from program import CUBE, DUMMY, VIEW, Case, cube

STAGES_OF = ("seconds", "threads", "thread_seconds", "nodes", "chunks", "reading")


def graph_of(file):
    return json.loads(texts(file)["graph"])


def texts(file):
    """The three texts that an output carries."""
    if file.endswith(".zarr"):
        with open(file + "/.zattrs") as f:
            found = json.load(f)
        return {key: found.get(f"cube_{key}") for key in ("graph", "images", "run")}
    if file.endswith(".nc"):
        found = gdal.OpenEx(file, gdal.OF_MULTIDIM_RASTER).GetRootGroup()
        return {key: found.GetAttribute(f"cube_{key}").Read() for key in ("graph", "images", "run")}
    found = gdal.OpenEx(file).GetMetadata()
    return {key: found.get(f"CUBE_{key.upper()}") for key in ("graph", "images", "run")}


class ReportCase(Case):
    def raster(self, name, seed=1, size=64):
        out = gdal.GetDriverByName("GTiff").Create(self.path(name), size, size, 1, gdal.GDT_UInt16)
        out.SetGeoTransform([0, 10, 0, 640, 0, -10])
        system = osr.SpatialReference()
        system.ImportFromEPSG(32631)
        out.SetSpatialRef(system)
        out.GetRasterBand(1).WriteArray(
            np.random.default_rng(seed).integers(1, 999, (size, size)).astype("uint16"))
        out = None
        return self.path(name)

    def series(self, *more):
        """The square root of two dated files, of which the graph speaks by a relative pattern."""
        os.makedirs(self.path("p/data"), exist_ok=True)
        for seed, day in enumerate(("20200101", "20200102")):
            self.raster(f"p/data/b_{day}.tif", seed)
        node = {"cube_type": "simple_cube", "files": "data/b_*.tif", "datetime_pattern": "_([0-9]{8})",
                "band_names": ["b"]}
        return self.graph({"cube_type": "apply_pixel", "expr": "sqrt(b)", "band_names": "v", "in_cube": node},
                          "p/graph.json")

    def run_to(self, graph, out, *more, status=0):
        one = () if "--threads" in more else ("--threads", "1")  # small runs, of which there are many
        result = cube("run", graph, "-o", out, *more, *one)
        self.assertEqual(result.returncode, status, result.stderr)
        return result

    def loaded(self, file):
        with open(file) as f:
            return json.load(f)

    def report(self, name="run.json"):
        return self.loaded(self.path(name))

    def cells(self, file):
        if file.endswith(".tif"):
            return gdal.Open(file).ReadAsArray().tobytes()
        data = gdal.OpenEx(file, gdal.OF_MULTIDIM_RASTER)
        return data.GetRootGroup().OpenMDArray("v").ReadAsArray().tobytes()


class Reports(ReportCase):
    def test_members(self):
        graph = self.series()
        self.run_to(graph, self.path("a.tif"), "--report", self.path("run.json"), "--stats",
                    self.path("stats.json"), "--threads", "2", "--memory", "300M", "--co", "COMPRESS=ZSTD")
        report = self.report()
        self.assertEqual([report[key] for key in ("version", "status", "exit_status")], [1, "done", 0])
        self.assertNotIn("error", report)
        self.assertEqual(report["images"],
                         [self.path(f"p/data/b_2020010{day}.tif") for day in (1, 2)])
        self.assertEqual((report["skipped"], report["failures"]), ([], []))
        self.assertEqual(report["outputs"], [self.path("a.tif")])
        self.assertEqual(report["graph"], graph_of(self.path("a.tif")))
        self.assertEqual((report["document"], report["folder"]), (graph, self.path("p")))
        self.assertEqual("cube " + report["cube"], cube("--version").stdout.strip())
        self.assertEqual(report["libraries"]["GDAL"], gdal.__version__)
        self.assertEqual(set(report["libraries"]), {"GDAL", "PROJ", "HDF5", "netCDF", "SQLite"})
        options = report["options"]
        self.assertEqual((options["threads"], options["memory_bytes"]), (2, 300 << 20))
        self.assertEqual(options["outputs"], [{"file": self.path("a.tif"), "format": "",
                                               "options": {"COMPRESS": "ZSTD"}}])
        self.assertEqual(len(options["chunk"]), 3)
        self.assertEqual(report["inputs"]["count"], 2)
        self.assertEqual(list(report["inputs"]["states"]), [f"data/b_2020010{day}.tif" for day in (1, 2)])
        # The statistics are a part of it.
        stats = self.report("stats.json")
        for key in stats:
            self.assertEqual(report[key], stats[key], key)
        for key in STAGES_OF:
            self.assertIn(key, stats)
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith(".")], [])

    def test_only_what_is_needed_counts_as_used(self):
        node = self.loaded(self.series())["in_cube"]
        graph = self.graph({"cube_type": "slice_time", "it": 1, "in_cube": node}, "p/one.json")
        self.run_to(graph, self.path("a.tif"), "--report", self.path("run.json"))
        self.assertEqual(self.report()["images"], [self.path("p/data/b_20200102.tif")])
        self.assertEqual(texts(self.path("a.tif"))["images"], self.path("p/data/b_20200102.tif"))

    def failing(self):
        return self.graph({"cube_type": "stream", "command": ["sh", "-c", "echo bad >&2; exit 3"], "bands": ["v"],
                           "in_cube": {**DUMMY, "nbands": 1}})

    def test_failed_chunks(self):
        graph = self.failing()
        out = self.path("a_{t}.tif")
        self.run_to(graph, out, "--allow-exec", "--keep-going", "--chunk", "2,20,30", "--report",
                    self.path("run.json"), status=1)
        report = self.report()
        self.assertEqual((report["status"], report["exit_status"]), ("incomplete", 1))
        self.assertEqual(len(report["failures"]), 2 * 2 * 2)
        last = report["failures"][-1]
        self.assertEqual(last.pop("reason").splitlines()[-1][-3:], "bad")
        self.assertEqual(last, {"chunk": 7, "region": "t 2:3, y 20:30, x 30:40", "slices": [2, 3],
                                "rows": [20, 30], "columns": [30, 40], "times": ["2020-03", "2020-03"]})
        self.assertEqual(report["failures"][0]["times"], ["2020-01", "2020-02"])
        self.run_to(graph, out, "--allow-exec", "--overwrite", "--report", self.path("run.json"), status=1)
        report = self.report()
        self.assertEqual((report["status"], report["outputs"]), ("failed", []))
        self.assertGreater(len(report["failures"]), 0)

    def catalog(self, rows):
        with open(self.path("t.csv"), "w") as f:
            f.write("name,datetime,band,file,dtype,left,bottom,right,top,srs\n")
            for name, day, file in rows:
                f.write(f"{name},{day},b,{file},uint16,2.9999,0,3.01,0.01,EPSG:32631\n")
        result = cube("catalog", "create", self.path("c.db"), "--table", self.path("t.csv"), "--overwrite")
        self.assertEqual(result.returncode, 0, result.stderr)

    def collection(self, aggregation="mean"):
        view = {"space": {"left": 500000, "right": 500640, "bottom": 0, "top": 640, "dx": 10, "srs": "EPSG:32631"},
                "time": {"t0": "2020-01-01", "t1": "2020-01-01", "dt": "P1D"}, "aggregation": aggregation}
        return self.graph({"cube_type": "image_collection", "file": "c.db", "view": view, "strict": False})

    def placed(self, name):
        self.raster(name)
        data = gdal.Open(self.path(name), gdal.GA_Update)
        data.SetGeoTransform([500000, 10, 0, 640, 0, -10])
        return self.path(name)

    def test_skipped_images(self):
        self.placed("good.tif")
        self.placed("bad.tif")
        self.catalog([("good", "2020-01-01", "good.tif"), ("bad", "2020-01-01", "bad.tif")])
        with open(self.path("bad.tif"), "w") as f:
            f.write("hello\n")
        self.run_to(self.collection(), self.path("a.tif"), "--report", self.path("run.json"), status=1)
        report = self.report()
        self.assertEqual((report["status"], report["exit_status"]), ("incomplete", 1))
        self.assertEqual(report["images"], ["good"])
        self.assertEqual([image["image"] for image in report["skipped"]], ["bad"])
        self.assertIn("bad.tif", report["skipped"][0]["reason"])
        self.assertEqual(report["outputs"], [self.path("a.tif")])

    def test_many_images(self):
        """The report lists all, outputs what is bearable; what has changed is told all the same."""
        count = 2500
        rows = [(f"image_of_a_catalog_of_very_many_{i:06}", "2020-01-01", f"data/file_{i:06}.tif") for i in range(count)]
        self.catalog(rows)
        graph = self.collection("count_images")
        self.run_to(graph, self.path("a.tif"), "--report", self.path("run.json"))
        self.assertEqual(len(self.report()["images"]), count)
        found = texts(self.path("a.tif"))
        names = found["images"].split("\n")
        self.assertLess(len(found["images"]), 66000)
        self.assertEqual(names[-1], f"(and {count - len(names) + 1} more)")
        record = json.loads(found["run"])
        self.assertEqual(record["images"], count)
        self.assertNotIn("states", record["inputs"])
        self.assertLess(len(found["run"]), 2000)
        self.assertEqual(self.run_to(self.path("a.tif"), self.path("b.tif")).stderr, "")
        self.catalog(rows[:-1])
        self.assertEqual(self.run_to(self.path("a.tif"), self.path("c.tif")).stderr.replace(self.folder, "F"),
                         f"cube: warning: not as when F/a.tif was made: some of the {record['inputs']['count']} "
                         "inputs are others, or in another state\n")

    def test_rejected(self):
        for document, error in ((DUMMY | {"nbands": -1}, "/nbands"), ("{", "graph.json:1:2: "),
                                (DUMMY | {"cube_type": "dumy"}, "/cube_type")):
            graph = self.graph(document)
            result = cube("run", graph, "-o", self.path("a_{t}.tif"), "--report", self.path("run.json"))
            self.assertEqual(result.returncode, 2)
            report = self.report()
            self.assertEqual((report["status"], report["exit_status"]), ("rejected", 2))
            self.assertEqual("cube: error: " + report["error"] + "\n", result.stderr)
            self.assertIn(error, report["error"])
            self.assertEqual((report["images"], report["failures"], report["outputs"]), ([], [], []))

    def test_a_report_that_cannot_be_written(self):
        graph = self.graph(DUMMY)
        for report, why in (("no/such/run.json", "No such file or directory"), ("", "is a folder")):
            self.rejects(f"FOLDER/{report}: cannot be written: {why}", "run", graph, "-o", self.path("a_{t}.tif"),
                         "--report", self.path(report))
        self.assertEqual(os.listdir(self.folder), ["graph.json"])
        self.assertEqual(cube("run", graph, "-o", self.path("a_{t}.tif"), "--report", "-", "-q").returncode, 0)

    def stopped(self, graph, sign, wait, *more):
        process = subprocess.Popen([CUBE, "run", graph, "-o", self.path("a.tif"), "-q", "--report",
                                    self.path("run.json"), *more], stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + 20
        while not wait() and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(sign)
        _, error = process.communicate()
        self.assertEqual(process.returncode, 128 + sign, error)
        report = self.report()
        self.assertEqual((report["status"], report["exit_status"]), ("stopped", 128 + sign))
        self.assertEqual("cube: error: " + report["error"] + "\n", error)
        self.assertEqual(report["outputs"], [])
        self.assertIn("graph", report)
        return report

    ONE = {**DUMMY, "nbands": 1, "view": {**VIEW, "time": {"t0": "2020-01", "t1": "2020-01", "dt": "P1M"}}}

    def test_stopped(self):
        graph = self.graph({"cube_type": "stream", "command": ["sh", "-c", "sleep 0.05; cat"], "bands": ["v"],
                            "dtype": "float64", "in_cube": self.ONE})
        report = self.stopped(graph, signal.SIGTERM, lambda: os.path.exists(self.path(".a.tif.part/0.part")),
                              "--allow-exec", "--threads", "1", "--chunk", "1,4,4")
        self.assertEqual(report["chunks"], 80)
        self.assertLess(report["chunks_done"], 80)
        self.assertIn("nodes", report)

    def test_stopped_in_a_chunk_that_takes_long(self):
        """The process is left by another thread than the one that runs the graph."""
        view = {"space": {**VIEW["space"], "dx": 0.2}, "time": self.ONE["view"]["time"]}
        expr = "+".join(f"sin(ix * {i} + iy)" for i in range(300))
        graph = self.graph({"cube_type": "apply_pixel", "expr": expr, "band_names": "v",
                            "in_cube": {**self.ONE, "view": view}})
        report = self.stopped(graph, signal.SIGINT, lambda: os.path.exists(self.path(".a.tif.part/0.part")),
                              "--chunk", "1,1500,2000", "--threads", "1")
        self.assertEqual(report["error"], "stopped by SIGINT; no output was made")


class Repeated(ReportCase):
    def test_every_format(self):
        graph = self.series()
        for name, more in (("a.tif", ()), ("c.tif", ("--format", "COG", "--co", "COMPRESS=ZSTD")),
                           ("a.nc", ("--co", "ZLEVEL=2")), ("a.zarr", ("--co", "COMPRESS=ZLIB"))):
            out, again = self.path(name), self.path("again_" + name)
            self.run_to(graph, out, *more, "--threads", "1", "--chunk", "1,32,64")
            result = self.run_to(out, again, "--report", self.path("run.json"))
            self.assertEqual(result.stderr, "", name)
            self.assertEqual(self.cells(out), self.cells(again), name)
            first, second = texts(out), texts(again)
            self.assertEqual(first, second)
            self.assertEqual(self.report()["graph"], json.loads(first["graph"]))
            info = gdal.Open(again)
            if name == "c.tif":
                self.assertEqual(info.GetMetadataItem("LAYOUT", "IMAGE_STRUCTURE"), "COG")
                self.assertEqual(info.GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE"), "ZSTD")
            if name == "a.zarr":
                with open(again + "/v/.zarray") as f:
                    self.assertEqual(json.load(f)["compressor"]["id"], "zlib")

    def test_threads_and_chunks_leave_no_trace(self):
        graph = self.series()
        runs = []
        for threads, chunk in (("1", "1,64,64"), ("2", "2,16,32")):
            self.run_to(graph, self.path("a.nc"), "--threads", threads, "--chunk", chunk, "--overwrite")
            runs.append(texts(self.path("a.nc")))
        self.assertEqual(runs[0], runs[1])

    def test_in_place(self):
        one = ("--threads", "1")  # else tiles may come in another order
        self.run_to(self.series(), self.path("a.tif"), *one)
        with open(self.path("a.tif"), "rb") as f:
            before = f.read()
        self.rejects("FOLDER/a.tif: exists already (--overwrite replaces it)", "run", self.path("a.tif"))
        self.assertEqual(cube("run", self.path("a.tif"), "--overwrite", *one).stdout, self.path("a.tif") + "\n")
        with open(self.path("a.tif"), "rb") as f:
            self.assertEqual(before, f.read())
        # By the name it has now.
        os.rename(self.path("a.tif"), self.path("b.tif"))
        self.assertEqual(cube("run", self.path("b.tif"), "--overwrite").stdout, self.path("b.tif") + "\n")

    def test_one_of_several_files(self):
        self.run_to(self.series(), self.path("a_{t}.tif"))
        names = [self.path(f"a_2020-01-0{day}.tif") for day in (1, 2)]
        os.remove(names[0])
        self.rejects("FOLDER/a_2020-01-02.tif: exists already (--overwrite replaces it)", "run", names[1])
        result = cube("run", names[1], "--overwrite")
        self.assertEqual((result.returncode, result.stdout.split()), (0, names))

    def test_format_and_options(self):
        graph = self.series()
        self.run_to(graph, self.path("c.tif"), "--format", "COG", "--co", "compress=ZSTD", "--co", "BLOCKSIZE=128")

        def again(out, *more):
            self.run_to(self.path("c.tif"), self.path(out), "--overwrite", *more)
            info = gdal.Open(self.path(out))
            return [info.GetMetadataItem(key, "IMAGE_STRUCTURE") for key in ("LAYOUT", "COMPRESSION")] + [
                info.GetRasterBand(1).GetBlockSize()[0]]
        self.assertEqual(again("d.tif"), ["COG", "ZSTD", 128])
        self.assertEqual(again("d.tif", "--co", "COMPRESS=LZW"), ["COG", "LZW", 128])
        self.assertEqual(again("d.tif", "--format", "GTiff"), [None, "DEFLATE", 64])
        self.run_to(self.path("c.tif"), self.path("d.nc"))  # of which these are no options

    def test_a_table(self):
        graph = self.graph({"cube_type": "slice_space", "ix": 1, "iy": 2,
                            "in_cube": self.loaded(self.series())}, "p/pixel.json")
        for name in ("a.gpkg", "a.geojson"):
            self.run_to(graph, self.path(name))
            self.run_to(self.path(name), self.path("again_" + name))
            rows = []
            for file in (name, "again_" + name):
                data = gdal.OpenEx(self.path(file))
                rows.append([feature.items() for feature in data.GetLayer()])
            self.assertEqual(len(rows[0]), 2)
            self.assertEqual(*rows)

    def test_check_plan_and_save(self):
        graph = self.series()
        self.run_to(graph, self.path("a.tif"))
        out = self.path("a.tif")
        for command in ("check", "plan"):
            self.assertEqual(cube(command, out).stdout, cube(command, graph).stdout)
        cube("save", graph, "-o", self.path("one.json"))
        result = cube("save", out, "-o", self.path("two.json"))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        with open(self.path("one.json")) as one, open(self.path("two.json")) as two:
            self.assertEqual(one.read(), two.read())
        # Where the inputs are gone the graph can still be had.
        shutil.rmtree(self.path("p"))
        self.fails(2, "data/b_*.tif", "check", out)
        result = cube("save", out, "-o", self.path("two.json"), "--overwrite")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stderr, "^cube: warning: the graph cannot be run as it is: .*data/b_")
        with open(self.path("one.json")) as one, open(self.path("two.json")) as two:
            self.assertEqual(one.read(), two.read())

    def test_saved_cubes_are_part_of_the_graph(self):
        self.series()
        self.graph({"cube_type": "saved", "file": "p/graph.json"})
        self.run_to(self.path("graph.json"), self.path("a.tif"))
        self.assertEqual(graph_of(self.path("a.tif"))["cube_type"], "apply_pixel")
        cells = self.cells(self.path("a.tif"))
        os.remove(self.path("p/graph.json"))
        self.run_to(self.path("a.tif"), self.path("b.tif"))
        self.assertEqual(cells, self.cells(self.path("b.tif")))

    def test_places(self):
        graph = self.series()
        os.mkdir(self.path("p/out"))
        self.run_to(graph, self.path("p/out/a.tif"))
        cells = self.cells(self.path("p/out/a.tif"))
        # The output alone elsewhere.
        os.mkdir(self.path("q"))
        shutil.copy(self.path("p/out/a.tif"), self.path("q/a.tif"))
        self.run_to(self.path("q/a.tif"), self.path("b.tif"))
        self.assertEqual(cells, self.cells(self.path("b.tif")))
        # All elsewhere; what is where it was counts no more.
        shutil.copytree(self.path("p"), self.path("r"), copy_function=shutil.copy2)
        self.raster("r/data/b_20200101.tif", seed=9)
        result = self.run_to(self.path("r/out/a.tif"), self.path("c.tif"))
        self.assertNotEqual(cells, self.cells(self.path("c.tif")))
        self.assertRegex(result.stderr, "^cube: warning: not as when .*/r/out/a.tif was made: data/b_20200101.tif was "
                                        r"\d+ bytes of 20.*, is \d+ bytes of 20[^(]*\n$")

    def test_inputs_that_have_changed(self):
        graph = self.series()
        self.run_to(graph, self.path("a.zarr"))
        victim = self.path("p/data/b_20200102.tif")
        size = os.path.getsize(victim)
        os.utime(victim, ns=(0, 1_600_000_000_500_000_000))
        result = self.run_to(self.path("a.zarr"), self.path("b.zarr"))
        self.assertRegex(result.stderr.replace(self.folder, "F"),
                         rf"^cube: warning: not as when F/a.zarr was made: data/b_20200102.tif was {size} bytes of "
                         rf"20.*, is {size} bytes of 2020-09-13T12:26:40.500000000\n$")
        self.assertEqual(self.run_to(self.path("a.zarr"), self.path("c.zarr"), "-q").stderr, "")
        self.raster("p/data/b_20200103.tif", 5)
        self.assertIn("data/b_20200103.tif is new\n",
                      self.run_to(self.path("b.zarr"), self.path("d.zarr")).stderr)

    def edited(self, item, text):
        """A copy of an output with another text."""
        shutil.copy(self.path("a.tif"), self.path("x.tif"))
        data = gdal.Open(self.path("x.tif"), gdal.GA_Update)
        data.SetMetadataItem(item, text)
        return self.path("x.tif")

    def test_what_cannot_be_repeated(self):
        plain = self.raster("plain.tif")
        none = "is no graph, and holds no record of a run of cube's that could be repeated"
        self.rejects(f"FOLDER/plain.tif: {none} (it is a TIFF file, which cube_type raster reads, several with times "
                     "simple_cube)", "run", plain, "-o", self.path("b.tif"))
        gdal.Translate(self.path("plain.nc"), plain, format="netCDF")
        self.fails(2, f"plain.nc: {none}", "run", self.path("plain.nc"), "-o", self.path("b.nc"))
        gdal.Translate(self.path("plain.gpkg"), plain, format="GPKG")
        self.fails(2, none, "run", self.path("plain.gpkg"), "-o", self.path("b.nc"))
        self.graph("a,b\n", "a.csv")
        self.rejects("FOLDER/a.csv: is no graph, and the run that made a CSV cannot be repeated from it (it can from a "
                     "GeoTIFF, netCDF, Zarr, GeoPackage or GeoJSON)", "run", self.path("a.csv"), "-o", self.path("b.tif"))
        self.run_to(self.series(), self.path("a.tif"))
        whole = " (an output of the same run may hold it whole)"
        record = json.loads(texts(self.path("a.tif"))["run"])
        for item, text, message in (
                ("CUBE_GRAPH", '{"cube_type": ', "the graph in it is damaged: graph:1:15: "),
                ("CUBE_GRAPH", "[1]", "the graph in it is damaged: found a list of 1 that is no graph" + whole),
                ("CUBE_RUN", "{", "the record of the run in it is damaged: it is no JSON" + whole),
                ("CUBE_RUN", '{"version": 1, "inputs": {"states": {"a": 1}}}',
                 "the record of the run in it is damaged: it has not the members that cube writes" + whole),
                ("CUBE_RUN", json.dumps(record | {"version": 2}),
                 "a newer version of cube made it, whose record (version 2) is not known here\n")):
            self.fails(2, "x.tif: " + message, "run", self.edited(item, text), "-o", self.path("b.tif"))
        self.fails(2, "x.tif: a newer version", "check", self.path("x.tif"))
        self.fails(2, "x.tif: a newer version", "save", self.path("x.tif"), "-o", self.path("x.json"))
        self.run_to(self.edited("CUBE_RUN", ""), self.path("p/old.tif"), status=2)  # relative to what?
        result = self.run_to(self.edited("CUBE_RUN", json.dumps(record | {"cube": "0.0.1"})), self.path("n.tif"))
        self.assertRegex(result.stderr, "^cube: note: .*/x.tif was made by cube 0.0.1 with GDAL .*, this is cube ")

    def test_a_store_that_several_runs_made(self):
        error = ("FOLDER/{}.zarr: several runs made it, one after the other (--append), so that none can be repeated "
                 "(its attribute cube_graph holds their graphs)")
        graph = self.series()
        self.run_to(graph, self.path("s.zarr"), "--append")
        for day in (1, 2):  # the same graph of other files
            os.rename(self.path(f"p/data/b_2020010{day}.tif"), self.path(f"p/data/b_2020020{day}.tif"))
        self.run_to(self.path("s.zarr"), self.path("t.zarr"), "-q")
        self.run_to(graph, self.path("s.zarr"), "--append")
        self.rejects(error.format("s"), "run", self.path("s.zarr"), "-o", self.path("b.zarr"))
        for t0 in ("2020-01", "2020-02"):
            graph = self.graph({**DUMMY, "view": {**VIEW, "time": {"t0": t0, "t1": t0, "dt": "P1M"}}})
            self.run_to(graph, self.path("a.zarr"), "--append")
        self.rejects(error.format("a"), "run", self.path("a.zarr"), "-o", self.path("b.zarr"))


if __name__ == "__main__":
    unittest.main()
