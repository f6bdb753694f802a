"""`cube run`, `plan` and `info` as a user meets them: outputs, exit statuses, reports, bad days."""
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from program import CUBE, DUMMY, VIEW, Case, cube


class Outputs(Case):
    def test_several_outputs_in_one_run(self):
        graph = self.graph({"cube_type": "reduce_time", "reducer_bands": [["mean", "band1"]],
                            "in_cube": DUMMY})
        names = [self.path(n) for n in ("a.tif", "a.nc", "a.zarr", "a.png")]
        result = cube("run", graph, *[x for n in names for x in ("-o", n)])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.split(), names)
        for name in names:
            self.assertTrue(os.path.exists(name), name)

    def test_one_file_a_slice_and_the_documents_own_outputs(self):
        graph = self.graph({"version": 1, "cubes": {"d": DUMMY}, "result": "d",
                            "outputs": [{"file": "out_{t}.tif", "format": "COG"}]})
        result = cube("run", graph)
        self.assertEqual(result.returncode, 0, result.stderr)
        made = sorted(n for n in os.listdir(self.folder) if n.endswith(".tif"))
        self.assertEqual(made, ["out_2020-01.tif", "out_2020-02.tif", "out_2020-03.tif"])

    def test_stdin_and_parameters(self):
        text = json.dumps({"version": 1, "parameters": {"end": "2020-02"},
                           "cubes": {"d": {**DUMMY, "view": {**VIEW, "time": {
                               "t0": "2020-01", "t1": "${end}", "dt": "P1M"}}}}, "result": "d"})
        result = cube("run", "-", "-o", self.path("x_{t}.tif"), "--set", "end=2020-05", stdin=text)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(result.stdout.split()), 5)

    def test_overwrite(self):
        graph = self.graph(DUMMY)
        out = self.path("a_{t}.tif")
        self.assertEqual(cube("run", graph, "-o", out).returncode, 0)
        self.fails(2, "--overwrite", "run", graph, "-o", out)
        self.assertEqual(cube("run", graph, "-o", out, "--overwrite").returncode, 0)

    def test_nothing_says_where_the_result_goes(self):
        self.fails(2, "nothing says where the result goes (give -o FILE", "run", self.graph(DUMMY))

    def test_standard_output_that_is_full(self):
        with open("/dev/full", "w") as full:
            result = subprocess.run([CUBE, "ops"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertIn("standard output: cannot be written", result.stderr)


class Reports(Case):
    def test_progress_as_json_lines(self):
        result = cube("run", self.graph(DUMMY), "-o", self.path("a_{t}.tif"), "--progress", "json",
                      "--chunk", "1,10,10")
        lines = [json.loads(line) for line in result.stderr.splitlines()]
        self.assertGreater(len(lines), 0)
        self.assertEqual(lines[-1]["done"], 3 * 3 * 4)
        self.assertEqual(lines[-1]["total"], 3 * 3 * 4)

    def test_stats_name_every_node(self):
        graph = self.graph({"cube_type": "select_bands", "bands": ["band2"], "in_cube": DUMMY})
        result = cube("run", graph, "-o", self.path("a_{t}.tif"), "--stats", self.path("s.json"))
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(self.path("s.json")) as f:
            stats = json.load(f)
        self.assertEqual(sorted(n["cube_type"] for n in stats["nodes"]), ["dummy", "select_bands"])
        self.assertEqual(stats["chunks"], 3)
        self.assertEqual(stats["failures"], [])

    def test_plan_counts(self):
        result = cube("plan", self.graph(DUMMY), "--json", "--chunk", "1,10,20", "--threads", "1")
        plan = json.loads(result.stdout)
        self.assertEqual(plan["chunks"], 3 * 3 * 2)
        self.assertEqual(plan["empty_chunks"], 0)
        self.assertEqual(plan["result_bytes"], 3 * 30 * 40 * 2 * 8)
        self.assertLessEqual(plan["peak_bytes"], plan["memory_bytes"])

    def test_info_of_a_graph(self):
        info = json.loads(cube("info", self.graph(DUMMY), "--json").stdout)
        self.assertEqual([b["name"] for b in info["bands"]], ["band1", "band2"])
        self.assertEqual((info["grid"]["nx"], info["grid"]["ny"]), (40, 30))

    def test_a_fully_empty_view_finishes_at_once(self):
        big = {"space": {"left": 0, "right": 1e6, "bottom": 0, "top": 1e6, "nx": 50000, "ny": 50000,
                         "srs": "EPSG:32631"}, "time": {"t0": "2020", "t1": "2020", "dt": "P1Y"}}
        graph = self.graph({"cube_type": "empty", "nbands": 1, "view": big})
        start = time.monotonic()
        result = cube("run", graph, "-o", self.path("e.tif"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertLess(time.monotonic() - start, 10)
        self.assertLess(os.path.getsize(self.path("e.tif")), 1e6)
        plan = json.loads(cube("plan", graph, "--json").stdout)
        self.assertEqual(plan["chunks"], plan["empty_chunks"])


class CommandLine(Case):
    def test_an_option_takes_one_value_and_leaves_the_graph(self):
        graph = self.graph({"version": 1, "parameters": {"fill": "1"}, "cubes": {"d": {
            **DUMMY, "view": {**VIEW, "time": {"t0": "2020", "t1": "2020", "dt": "P1Y"}}}}, "result": "d"})
        for i, options in enumerate((["--set", "fill=2"], ["--co", "COMPRESS=LZW"], [])):
            out = self.path(f"{i}.tif")
            result = cube("run", *options, "-o", out, graph)
            self.assertEqual((result.returncode, result.stdout), (0, out + "\n"), result.stderr)

    def test_threads_that_do_not_fit_the_budget_are_left_out(self):
        graph = self.graph(DUMMY)
        many = ["--threads", "64", "--memory", "400M"]
        plan = cube("plan", graph, *many)
        self.assertRegex(plan.stdout, r"on \d+ threads \(budget 419 MB; more do not fit\)")
        result = cube("run", graph, "-o", self.path("few_{t}.tif"), *many)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, r"cube: note: \d+ of 64 threads, to keep within --memory 400M\n")
        quiet = cube("run", graph, "-o", self.path("quiet_{t}.tif"), "-q", *many)
        self.assertEqual((quiet.returncode, quiet.stderr), (0, ""))

    def test_what_cannot_be_read(self):
        commands = ("run, finish, calc, warp, translate, check, plan, info, hist, catalog, save, ops, schema, "
                    "sample, man, completion")
        for line, text in (
                ("", f"cube: a command is missing (one of {commands}; see cube --help)"),
                ("rnu", "cube: there is no command 'rnu' (did you mean 'run'?; see cube --help)"),
                ("frobnicate", f"cube: there is no command 'frobnicate' (one of {commands}; see cube --help)"),
                ("chek x", "cube: there is no command 'chek' (did you mean 'check'?; see cube --help)"),
                ("--vresion", "cube: there is no option '--vresion' (did you mean '--version'?; "
                              "see cube --help)"),
                ("run", "cube run: GRAPH is required (see cube run --help)"),
                ("run a.json b.json", "cube run: 'b.json' is one argument too many (see cube run --help)"),
                ("run a.json --otput=x", "cube run: there is no option '--otput' (did you mean '--output'?; "
                                         "see cube run --help)"),
                ("run a.json -o", "cube run: --output: 1 required FILE missing (see cube run --help)"),
                ("run a.json --threads two", "cube run: --threads: Value two not in range 0 to 1024 "
                                             "(see cube run --help)"),
                ("catalog", "cube catalog: a command is missing (one of create, add, update, "
                            "remove, list, info, formats; "
                            "see cube catalog --help)"),
                ("catalog lst", "cube catalog: there is no command 'lst' (did you mean 'list'?; "
                                "see cube catalog --help)"),
                ("ops --json --markdown", "cube ops: --json excludes --markdown (see cube ops --help)")):
            self.rejects(text, *line.split())

    def test_help_ends_with_its_text(self):
        for line in ("--help", "run --help", "ops --help", "catalog create --help", "--version"):
            result = cube(*line.split())
            self.assertEqual(result.returncode, 0, line)
            self.assertRegex(result.stdout, r"[^\n]\n\Z", line)

    def test_the_bar_leaves_the_terminal_before_the_names(self):
        command = f"{CUBE} run {self.graph(DUMMY)} -o '{self.path('a_{t}.tif')}'"
        typed = subprocess.run(["script", "-qec", command, "/dev/null"], capture_output=True, stdin=subprocess.DEVNULL)
        shown = typed.stdout.decode()
        self.assertEqual(typed.returncode, 0, shown)
        self.assertIn("3/3 chunks", shown)
        self.assertIn("\r\033[K" + self.path("a_2020-01.tif"), shown)


class Stopped(Case):
    def test_only_what_a_later_run_goes_on_with_is_left_behind(self):
        graph = self.graph({"cube_type": "apply_pixel", "expr": "sin(ix) * cos(iy) * band1", "band_names": "v",
                            "in_cube": {**DUMMY, "view": {
                                "space": {"left": 0, "right": 20000, "bottom": 0, "top": 20000, "dx": 1,
                                          "srs": "EPSG:32631"},
                                "time": {"t0": "2020", "t1": "2020", "dt": "P1Y"}}}})
        for name, number in (("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)):
            sign = getattr(signal, name)
            names = [x for n in ("a.tif", "a.nc", "a.zarr", "a.png") for x in ("-o", self.path(n))]
            child = subprocess.Popen([CUBE, "run", graph, *names, "--chunk", "1,64,64", "--progress", "json",
                                      "--overwrite"],
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                     preexec_fn=lambda: signal.signal(sign, signal.SIG_DFL))
            child.stderr.readline()  # the first chunk is done
            self.assertGreater(len(os.listdir(self.folder)), 1)
            start = time.monotonic()
            child.send_signal(sign)
            out, err = child.communicate()
            self.assertLess(time.monotonic() - start, 2)  # one, and what a busy machine adds
            self.assertEqual(child.returncode, number, err)
            self.assertEqual(out, "")
            self.assertRegex(err.splitlines()[-1], rf"^cube: error: stopped by {name}; \d+ of \d+ chunks are "
                             r"done, and --resume goes on from there \(.* in .*/\.a\.tif\.part, .*\)$")
            self.assertEqual(sorted(os.listdir(self.folder)),
                             [".a.nc.part", ".a.png.part", ".a.tif.part", ".a.zarr.part", "graph.json"])

    def test_what_is_ignored_stays_ignored(self):
        child = subprocess.Popen([CUBE, "run", self.graph(DUMMY), "-o", self.path("a_{t}.tif"), "--progress",
                                  "json", "--chunk", "1,1,10"], stderr=subprocess.PIPE, text=True,
                                 preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        child.stderr.readline()
        child.send_signal(signal.SIGHUP)
        child.communicate()
        self.assertEqual(child.returncode, 0)


class BadDays(Case):
    def test_command_line(self):
        graph = self.graph(DUMMY)
        out = ("-o", self.path("a_{t}.tif"))
        self.fails(2, "--chunk: '1,2' is no chunk shape (three whole numbers t,y,x such as 1,512,512, or auto)",
                   "run", graph, *out, "--chunk", "1,2")
        self.fails(2, "--memory: 'lots' is no amount of memory", "run", graph, *out, "--memory", "lots")
        self.fails(2, "--memory: a memory budget of 1 MB is too small for this graph (it takes", "run", graph, *out,
                   "--memory", "1M")
        self.fails(2, "--set: 'year' has no NAME= before its value", "run", graph, *out, "--set", "year")
        self.fails(2, "--co: '=5' has no NAME=", "run", graph, *out, "--co", "=5")

    def test_outputs_that_cannot_be(self):
        graph = self.graph(DUMMY)
        self.fails(2, "nowhere", "run", graph, "-o", self.path("nowhere/a_{t}.tif"))
        self.fails(2, "{t}", "run", graph, "-o", self.path("a.tif"))
        self.fails(2, "a.xyz", "run", graph, "-o", self.path("a.xyz"))
        self.assertEqual(os.listdir(self.folder), ["graph.json"])

    def test_missing_graph(self):
        self.fails(2, "nothing.json", "run", self.path("nothing.json"), "-o", self.path("a.tif"))

    def test_a_catalog_that_is_none(self):
        with open(self.path("c.db"), "w") as f:
            f.write("hello")
        graph = self.graph({"cube_type": "image_collection", "file": "c.db", "view": VIEW})
        self.fails(2, "c.db", "run", graph, "-o", self.path("a_{t}.tif"))
        self.fails(2, "c.db", "info", self.path("c.db"))

    def test_full_disk(self):
        mount = self.path("small")
        os.mkdir(mount)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", mount],
                          capture_output=True).returncode != 0:
            self.skipTest("no tmpfs may be mounted here")
        self.addCleanup(subprocess.run, ["umount", mount])
        graph = self.graph({"cube_type": "apply_pixel", "expr": "sin(ix * 12.9898 + iy * 78.233) * 43758.5453",
                            "band_names": "noise", "in_cube": {**DUMMY, "view": {
                                "space": {**VIEW["space"], "dx": 0.5}, "time": {
                                    "t0": "2020", "t1": "2020", "dt": "P1Y"}}}})
        for name in ("a.tif", "a.nc", "a.zarr"):
            result = cube("run", graph, "-o", os.path.join(mount, name))
            self.assertEqual(result.returncode, 1, (name, result.stderr))
            self.assertIn("no space left on device", result.stderr, name)
            self.assertEqual([n for n in os.listdir(mount) if n != f".{name}.part"], [], name)
            shutil.rmtree(os.path.join(mount, f".{name}.part"), ignore_errors=True)

    def test_memory_is_kept(self):
        # A cube far larger than the budget: what the process used is measured by the kernel.
        graph = self.graph({"cube_type": "apply_pixel", "expr": "band1 * ix", "band_names": "v",
                            "in_cube": {**DUMMY, "view": {
                                "space": {"left": 0, "right": 12000, "bottom": 0, "top": 12000, "dx": 1,
                                          "srs": "EPSG:32631"},
                                "time": {"t0": "2020", "t1": "2020", "dt": "P1Y"}}}})
        for memory in (200, 400):
            child = subprocess.Popen([CUBE, "run", graph, "-o", self.path(f"m{memory}.tif"), "--memory",
                                      f"{memory}M", "--chunk", "1,8192,8192", "--threads", "2", "-q"])
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = 0
            self.assertEqual(status, 0)
            print(f"budget {memory} MiB, used {usage.ru_maxrss / 1024:.0f} MiB")
            self.assertLess(usage.ru_maxrss / 1024, memory)


if __name__ == "__main__":
    unittest.main()
