"""tests/bench/run works: on tiny inputs every job runs, gives the same cells with 1 and 2 threads
and agrees with its peers; a program that is wrong is found out."""
import json
import os
import stat
import subprocess
import sys
import unittest

from program import CUBE, Case

try:
    import numpy  # noqa: F401
    from osgeo import gdal
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

sys.path.append(os.path.join(os.environ["CUBE_SOURCE"], "tests", "bench"))
from contest import Entry, Outcome  # noqa: E402
from jobs import Job, Target  # noqa: E402
from measure import Run  # noqa: E402
from report import Verdict  # noqa: E402

gdal.UseExceptions()
BENCH = os.path.join(os.environ["CUBE_SOURCE"], "tests", "bench")
SHARED = os.path.isdir(os.path.join(os.environ["CUBE_SHARED"], "bench"))
NEEDS_SHARED = {"J1-deflate"}
NOTHING_TO_COMPARE = {"J8-create", "J8-plan"}


def run(*arguments):
    return subprocess.run([os.path.join(BENCH, "run"), *arguments], capture_output=True, text=True)


class Benchmark(Case):
    def test_every_job(self):
        listed = [line.split()[0] for line in run("--list").stdout.splitlines()]
        self.assertGreaterEqual(len(listed), 11)
        done = run("--tiny", "--cube", CUBE, "--work", self.folder, "--json", self.path("r.json"))
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("r.json")) as f:
            jobs = {job["job"]: job for job in json.load(f)["jobs"]}
        self.assertEqual(list(jobs), listed)
        for name, job in jobs.items():
            with self.subTest(name):
                self.assertIn(f"\n{name} ", done.stdout)
                self.check_job(name, job)

    def check_job(self, name, job):
        cube, *others = job["contestants"]
        self.assertEqual(cube["state"], "ran")
        self.assertEqual(sorted(cube["runs"]), ["1", "2"])
        self.assertTrue(all(run["memory"] > 1 for runs in cube["runs"].values() for run in runs))
        if name in NOTHING_TO_COMPARE:
            return
        self.assertEqual(cube["agreement"]["largest"], 0)
        compared = [other["agreement"] for other in others if other["agreement"]]
        self.assertTrue(all(agreement["good"] for agreement in compared), compared)
        if name not in NEEDS_SHARED or SHARED:
            self.assertTrue(compared, others)

    def test_growth(self):
        done = run("--growth", "--tiny", "--cube", CUBE, "--work", self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [line.split("  ")[0] for line in done.stdout.splitlines()]
        for title in ("dummy, apply_pixel", "raster, NDVI", "100 images of many",
                      "a chunk an image"):
            self.assertEqual(rows.count(title), 2, done.stdout)

    def test_wrong_results_are_found(self):
        with open(os.path.join(BENCH, "graphs", "median.json")) as f:
            graph = f.read().replace("(B08-B04)/(B08+B04)", "(B08-B04)/(B08+B04)+0.00001")
        wrong = self.graph(graph, "wrong.json")
        program = self.path("cube")
        with open(program, "w") as f:
            f.write(f"""#!/bin/bash
for word in "$@"; do
  case $1:$word in run:*/median.json) words+=({wrong!r}) ;; *) words+=("$word") ;; esac
done
exec {CUBE!r} "${{words[@]}}"
""")
        os.chmod(program, stat.S_IRWXU)
        done = run("--tiny", "--cube", program, "--work", self.folder, "--jobs", "J3", "--peers",
                   "numpy", "--threads", "1")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("J3, GDAL + numpy: the results differ", done.stderr)

    def test_wrong_arguments(self):
        done = run("--jobs", "J99")
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no job 'J99', only J1, ", done.stderr)
        done = run("--cube", "/nowhere/cube")
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no program 'cube'", done.stderr)
        done = run("--threads", "0")
        self.assertEqual(done.returncode, 2)
        self.assertIn("argument --threads: invalid numbers value: '0'", done.stderr)


class Compare(Case):
    def tiff(self, name, cells):
        path = self.path(name)
        dataset = gdal.GetDriverByName("GTiff").Create(path, len(cells), 1, 1, gdal.GDT_Float32)
        dataset.GetRasterBand(1).SetNoDataValue(-1)
        dataset.GetRasterBand(1).WriteArray(numpy.array([cells], numpy.float32))
        return path

    def compare(self, a, b, *options):
        done = subprocess.run([os.path.join(BENCH, "compare.py"), self.tiff("a.tif", a),
                               self.tiff("b.tif", b), *options], capture_output=True, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    def test_values(self):
        result = self.compare([1, 2, -1, 4], [1, 2.5, -1, -1], "--tolerance", "0.25")
        self.assertEqual(result, {"cells": 4, "valid": 2, "missing_differ": 0.25, "largest": 0.5,
                                  "within": 0.5})

    def test_missing_value(self):
        self.assertEqual(self.compare([1, -1, 0], [1, 0, -1])["missing_differ"], 2 / 3)
        result = self.compare([1, -1, 0], [1, 0, -1], "--missing", "0")
        self.assertEqual(result["missing_differ"], 0)
        self.assertEqual(result["valid"], 1)

    def test_series(self):
        self.assertEqual(self.compare([-1, 5, -1, 6], [5, 6], "--series")["within"], 1)
        self.assertIn("1 valid cells against 2", self.compare([-1, 5], [5, 6], "--series"))

    def test_shapes(self):
        self.assertIn("shapes differ: (1, 1, 2) and (1, 1, 1)", self.compare([1, 2], [1]))


class Verdicts(unittest.TestCase):
    """Of made-up runs against targets."""

    def verdict(self, target, **walls):
        entries = [Entry(name, "", runs={n: [Run(wall, 2 * wall, 300)] for n, wall in runs.items()})
                   for name, runs in walls.items()]
        outcome = Outcome(Job("J0", "", "", target=target), entries)
        return Verdict(outcome, [2, 1], "wall").text()

    def test_met(self):
        target = Target({"best": 2, "slow": 4}, floor=1.5, memory=300, seconds=2, speedup=1.8)
        text = self.verdict(target, cube={2: 1, 1: 1.9}, floor={2: 0.8, 1: 1.6},
                            quick={2: 2.5, 1: 3}, slow={2: 4, 1: 8})
        self.assertEqual(text, "ok")

    def test_missed(self):
        target = Target({"best": 2}, floor=1.5, memory=200, seconds=0.5, speedup=1.8)
        text = self.verdict(target, cube={2: 1, 1: 1.5}, floor={2: 0.5, 1: 1}, quick={2: 1.5, 1: 2},
                            slow={2: 4, 1: 8})
        self.assertEqual(text, "misses best / cube 1.5 of 2; cube / floor 2 of 1.5; "
                         "memory MB 300 of 200; wall s 1 of 0.5; speed-up 1.5 of 1.8")

    def test_not_told(self):
        self.assertEqual(self.verdict(Target({"gdalcubes": 8}, floor=1), cube={2: 1}),
                         "ok (not told: gdalcubes / cube, cube / floor)")


if __name__ == "__main__":
    unittest.main()
