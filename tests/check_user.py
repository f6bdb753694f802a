"""Code of the user as users run it: the examples of stream, plugin and apply_time, consent, reports."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

import numpy as np
from osgeo import gdal

from program import CUBE, DUMMY, VIEW, Case, cube

gdal.UseExceptions()
os.environ["PATH"] = os.path.dirname(sys.executable) + ":" + os.environ["PATH"]  # a python3 with numpy
SOURCE = os.environ["CUBE_SOURCE"]
STREAM = os.path.join(SOURCE, "examples", "stream")
VARIED = {"cube_type": "apply_pixel", "expr": ["ix % 7 + iy % 5 * 3 + (ix == 20 && iy == 10 ? 50 : 0)", "ix * it"],
          "band_names": ["v", "w"], "in_cube": {
              "cube_type": "filter_pixel", "predicate": "(ix + iy * 3) % 11 > 0", "in_cube": DUMMY}}


def cells(file):
    return gdal.Open(file).ReadAsArray()


class Examples(Case):
    def run_graph(self, graph, name, *options):
        result = cube("run", graph, "-o", self.path(name), "--allow-exec", "--progress", "none", *options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return cells(self.path(name))

    def test_local_contrast(self):
        graph = os.path.join(STREAM, "local_contrast.json")
        whole = self.run_graph(graph, "a.tif", "--threads", "1")
        pieces = self.run_graph(graph, "b.tif", "--chunk", "1,11,17", "--threads", "3")
        np.testing.assert_array_equal(whole, pieces)
        iy, ix = np.mgrid[0:30, 0:40]
        values = (ix % 7 + iy % 5 * 3 + np.where((ix == 20) & (iy == 10), 50, 0)).astype("float32")
        for y, x in ((0, 0), (15, 20), (29, 39), (10, 20)):
            square = values[max(0, y - 2):y + 3, max(0, x - 2):x + 3]
            expected = (values[y, x] - square.mean()) / square.std()
            self.assertAlmostEqual(whole[0, y, x], expected, 4, (y, x))

    def test_a_plugin_is_as_a_stream_is_as_numpy(self):
        graph = self.graph({"cube_type": "plugin", "file": os.path.join(os.environ["CUBE_PLUGINS"], "local_range.so"),
                            "arguments": {"radius": 2}, "in_cube": VARIED})
        shutil.copy(os.path.join(STREAM, "cube_stream.py"), self.folder)
        with open(self.path("range.py"), "w") as f:
            f.write("import numpy as np, warnings, cube_stream\n"
                    "warnings.simplefilter('ignore')\n"
                    "cells, about = cube_stream.read()\n"
                    "p = np.pad(cells, ((0, 0), (0, 0), (2, 2), (2, 2)), constant_values=np.nan)\n"
                    "s = np.lib.stride_tricks.sliding_window_view(p, (5, 5), axis=(2, 3))\n"
                    "r = np.nanmax(s, axis=(-2, -1)) - np.nanmin(s, axis=(-2, -1))\n"
                    "cube_stream.answer(cube_stream.without_halo(r, about))\n")
        stream = self.graph({"cube_type": "stream", "command": ["python3", "range.py"], "directory": ".",
                             "bands": ["v_range", "w_range"], "halo": {"y": 2, "x": 2}, "in_cube": VARIED}, "s.json")
        for name, file, chunk in (("p", graph, "1,7,9"), ("s", stream, "2,16,40")):
            result = cube("run", file, "-o", self.path(name + "_{band}.tif"), "--allow-exec", "--chunk", chunk)
            self.assertEqual(result.returncode, 0, result.stderr)
        for band in ("v_range", "w_range"):
            np.testing.assert_array_equal(cells(self.path(f"p_{band}.tif")), cells(self.path(f"s_{band}.tif")))


class Installed(Case):
    def test_a_plugin_of_the_installed_header(self):
        """Of the program that cmake installs to a prefix, and by a compiler of C or C++."""
        build = os.path.dirname(CUBE)
        if not (shutil.which("cmake") and shutil.which("cc") and os.path.exists(build + "/cmake_install.cmake")):
            self.skipTest("cube is not in a build folder, or cmake or cc is not here")

        def must(*command):
            result = subprocess.run(command, capture_output=True, text=True)
            self.assertEqual(result.returncode, 0, result.stderr)
            return result

        must("cmake", "--install", build, "--prefix", self.path("prefix"))
        flags = ("-Wall", "-Wextra", "-Werror", "-pedantic", "-I", self.path("prefix/include"))
        must("cc", "-std=c99", *flags, "-shared", "-fPIC", "-O2", os.path.join(SOURCE, "examples", "plugin",
             "local_range.c"), "-o", self.path("mine.so"), "-lm")
        must("c++", "-std=c++11", *flags, "-fsyntax-only", "-x", "c++", "-include", "cube_plugin.h", "/dev/null")
        for program, file in ((self.path("prefix/bin/cube"), "mine.so"),
                              (CUBE, os.path.join(os.environ["CUBE_PLUGINS"], "local_range.so"))):
            graph = self.graph({"cube_type": "plugin", "file": file, "arguments": {"radius": 1}, "in_cube": {
                "cube_type": "slice_time", "it": 1, "in_cube": VARIED}})
            must(program, "run", graph, "-o", self.path(os.path.basename(file) + ".tif"), "--allow-exec", "-q")
        mine = cells(self.path("mine.so.tif"))
        np.testing.assert_array_equal(mine, cells(self.path("local_range.so.tif")))
        self.assertGreater(np.nanmax(mine), 10)


class Consent(Case):
    def test_stream(self):
        graph = self.graph({"cube_type": "stream", "command": f"touch {self.path('ran')}; cat", "bands": ["a", "b"],
                            "in_cube": DUMMY})
        for command in (("check", graph), ("plan", graph), ("info", graph), ("save", graph, "-o", "-")):
            result = cube(*command)
            self.assertEqual(result.returncode, 0, result.stderr)
        self.rejects(f"the graph would run the command 'touch FOLDER/ran; cat' "
                     "(--allow-exec, or allow_exec in Python and C++, lets it, if you trust it)", "run", graph, "-o",
                     self.path("a.nc"))
        self.assertEqual(os.listdir(self.folder), ["graph.json"])
        result = cube("run", graph, "-o", self.path("a.nc"), "--allow-exec")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(os.path.exists(self.path("ran")))

    def test_plugin(self):
        shutil.copy(os.path.join(os.environ["CUBE_PLUGINS"], "local_range.so"), self.folder)
        graph = self.graph({"cube_type": "plugin", "file": "local_range.so", "in_cube": DUMMY})
        for command in ("check", "plan", "info"):
            self.rejects("/file: the graph would load the plugin 'FOLDER/local_range.so' "
                         "(--allow-exec, or allow_exec in Python and C++, lets it, if you trust it)", command, graph)
            result = cube(command, graph, "--allow-exec")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("band2_range", result.stdout)


class Failures(Case):
    def stream(self, command, **more):
        return self.graph({"cube_type": "stream", "command": command, "bands": ["a"], "in_cube": DUMMY, **more})

    def test_a_failing_command(self):
        graph = self.stream("printf 'caf\\351 closed\\n' >&2; exit 4")
        out = self.path("a.nc")
        result = subprocess.run([CUBE, "run", graph, "-o", out, "--allow-exec", "--stats",
                                 self.path("s.json"), "--chunk", "3,30,40"], capture_output=True)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"cube: error: chunk 0 (t 0:3, y 0:30, x 0:40): the command 'printf", result.stderr)
        self.assertIn(b"ended with status 4; it wrote to standard error:\ncaf", result.stderr)
        with open(self.path("s.json")) as f:
            self.assertIn("ended with status 4", json.load(f)["failures"][0]["reason"])
        self.assertFalse(os.path.exists(out))

    def test_a_failing_command_without_bands(self):
        result = cube("run", self.graph({"cube_type": "stream", "command": "exit 4", "in_cube": VARIED}), "-o",
                      self.path("a.nc"), "--allow-exec")
        self.assertEqual(result.returncode, 1)
        self.assertIn('without "bands" the command is run as gdalcubes does', result.stderr)
        result = cube("run", self.graph({"cube_type": "stream", "command": "exit 4", "protocol": "gdalcubes",
                                         "in_cube": VARIED}), "-o", self.path("a.nc"), "--allow-exec")
        self.assertIn("ended with status 4", result.stderr)
        self.assertNotIn("without", result.stderr)

    def test_a_command_of_gdalcubes_older_form(self):
        """The shell's redirections that run it are not the user's."""
        for program, how in (("awk 'BEGIN { exit 4 }'", "ended with status 4; it wrote nothing to standard error"),
                             ("echo no >&2; kill -9 $$", "was ended by signal 9 (Killed); it wrote to standard error:\nno"),
                             ("cat > /dev/null", "its answer has the shape 0 0 0 0")):
            graph = self.graph({"cube_type": "stream", "command": program, "file_streaming": False, "in_cube": DUMMY})
            saved = self.path("saved.json")
            self.assertEqual(cube("save", graph, "-o", saved, "--overwrite").returncode, 0)
            for file in (graph, saved):
                result = cube("run", file, "-o", self.path("a.nc"), "--allow-exec", "--chunk", "3,30,40")
                self.assertEqual(result.returncode, 1)
                self.assertIn(f": the command '{program}'", result.stderr)
                self.assertIn(how, result.stderr)
                self.assertNotIn("unset", result.stderr)

    def test_the_other_chunks_go_on(self):
        graph = self.stream("grep -qa 'first 1 0 0' && exit 5; printf 'shape 1 1 30 40\\ndtype uint8\\n\\n'; "
                            "head -c 1200 /dev/zero")
        result = cube("run", graph, "-o", self.path("a.tif"), "--allow-exec", "--chunk", "1,30,40", "--keep-going")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("chunk 1 (t 1:2,", result.stderr)
        made = cells(self.path("a.tif"))
        self.assertEqual((made[0] == 0).all(), True)
        self.assertEqual(np.isnan(made[1]).all(), True)

    def test_a_time_limit(self):
        start = time.monotonic()
        result = cube("run", self.stream("echo waiting >&2; sleep 60", timeout=0.3), "-o", self.path("a.nc"),
                      "--allow-exec", "--chunk", "3,30,40")
        self.assertEqual(result.returncode, 1)
        self.assertIn("took more than 0.3 s (timeout) and was stopped; it wrote to standard error:\nwaiting",
                      result.stderr)
        self.assertLess(time.monotonic() - start, 20)

    def test_ctrl_c_takes_the_command_along(self):
        graph = self.stream(f"echo $$ > {self.path('pid')}; sleep 60")
        child = subprocess.Popen([CUBE, "run", graph, "-o", self.path("a.nc"), "--allow-exec", "--chunk", "3,30,40"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 20
        while not (os.path.exists(self.path("pid")) and os.path.getsize(self.path("pid"))):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=20)
        self.assertEqual(child.returncode, 130, err)
        with open(self.path("pid")) as f:
            self.assertRaises(ProcessLookupError, os.kill, int(f.read()), 0)

    def test_memory_is_kept(self):
        graph = self.graph({"cube_type": "stream", "command": "cat", "bands": ["a", "b"], "in_cube": {
            **DUMMY, "view": {**VIEW, "space": {**VIEW["space"], "dx": 0.1}}}})
        child = os.spawnv(os.P_NOWAIT, CUBE, [CUBE, "run", graph, "-o", self.path("a_{t}_{band}.tif"), "-q",
                                              "--allow-exec", "--memory", "250M", "--chunk", "3,3000,4000"])
        _, status, usage = os.wait4(child, 0)
        self.assertEqual(status, 0)
        self.assertLess(usage.ru_maxrss / 1024, 250)


if __name__ == "__main__":
    unittest.main()
