"""Cubes of 1e11 cells and 1e5 images under a small --memory: every operator is planned, or refused with what would do,
and what the process holds at most, as the kernel measures it, stays under the budget. A run is stopped after a
moment, when all its threads have chunks.

CUBE_SECONDS=3 in the environment runs every operator for three seconds; by default a few run for less than one."""
import csv
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

import numpy as np
from osgeo import gdal, osr

from program import CUBE, Case, cube

gdal.UseExceptions()
SECONDS = float(os.environ.get("CUBE_SECONDS", 0))
BUDGET = 256  # MiB
TIMES = 40000  # as many columns and rows as the examples have: 1.9e10 cells and more a slice and band
USUAL = {"reduce_time", "window_space", "resample", "smooth_time"}  # run by default
NOISE = "abs(sin(ix * 12.9898 + iy * 78.233 + it * {})) * 1000"
# What reads files.
ELSEWHERE = {"image_collection", "ncdf", "zarr", "raster", "simple_cube", "saved"}
# A call is given a whole slice, which is more than any budget.
WHOLE_SLICES = {"stream_reduce_space"}


def operators():
    found = json.loads(cube("ops", "--json").stdout)
    return {o["id"]: o["example"] for o in found if o["id"] not in ELSEWHERE}


def finer(keys):
    return {key: value / TIMES if key in ("dx", "dy") else value for key, value in keys.items()}


def enlarged(node):
    """The same graph with as many cells in sources of the same extent, all different."""
    if isinstance(node, list):
        return [enlarged(x) for x in node]
    if not isinstance(node, dict):
        return node
    if node.get("cube_type") == "plugin":
        node = {**node, "file": os.path.join(os.environ["CUBE_PLUGINS"], node["file"])}
    if node.get("cube_type") not in ("dummy", "empty"):
        return finer({key: enlarged(value) for key, value in node.items()})
    space = node["view"]["space"]
    sides = {"nx": round((space["right"] - space["left"]) / space["dx"]) * TIMES,
             "ny": round((space["top"] - space["bottom"]) / space["dy"]) * TIMES}
    space = {key: value for key, value in space.items() if key not in ("dx", "dy")}
    source = {**node, "view": {**node["view"], "space": {**space, **sides}}}
    if node["cube_type"] == "empty":
        return source
    bands = range(node["nbands"])
    return {"cube_type": "apply_pixel", "expr": [NOISE.format(i + 0.37) for i in bands],
            "band_names": [f"band{i + 1}" for i in bands], "dtype": "float32", "in_cube": source}


class Large(Case):
    def held(self, graph, out, seconds, memory=BUDGET):
        """Peak in MiB of a run that is stopped after so many seconds; its standard error."""
        with open(self.path("messages"), "w+") as messages:
            child = subprocess.Popen([CUBE, "run", self.graph(graph), "-o", self.path(out), "--memory", f"{memory}M",
                                      "--threads", "2", "-q", "--overwrite", "--allow-exec"], stderr=messages)
            end = time.monotonic() + seconds
            status = None
            while status is None and time.monotonic() < end:
                pid, code, usage = os.wait4(child.pid, os.WNOHANG)
                if pid:
                    status = code
                time.sleep(0.02)
            if status is None:
                child.send_signal(signal.SIGINT)
                _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            messages.seek(0)
            said = messages.read()
        self.assertIn(child.returncode, (0, 128 + signal.SIGINT, -signal.SIGINT), said)  # the last: while it starts
        for name in os.listdir(self.folder):
            if name.startswith((out, "." + out)):
                path = self.path(name)
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        return usage.ru_maxrss / 1024

    def test_every_operator(self):
        for name, example in operators().items():
            with self.subTest(operator=name):
                graph = enlarged(example)
                out = "out.csv" if name in ("zonal", "extract") else "out.zarr"
                plan = cube("plan", self.graph(graph), "--memory", f"{BUDGET}M", "--threads", "2", "--json",
                            "--allow-exec")
                if name in WHOLE_SLICES:
                    self.assertEqual(plan.returncode, 2)
                    self.assertRegex(plan.stderr, r"--memory: .*[0-9]")
                    continue
                self.assertEqual(plan.returncode, 0, plan.stderr)
                seconds = SECONDS or (1 if name in USUAL else 0)
                if not seconds:
                    continue
                peak = self.held(graph, out, seconds)
                print(f"{name}: {peak:.0f} of {BUDGET} MiB", flush=True)
                self.assertLess(peak, BUDGET)

    def test_what_does_not_fit_is_refused_with_what_would(self):
        graph = enlarged(operators()["reduce_time"])
        result = cube("plan", self.graph(graph), "--memory", "10M")
        self.assertEqual(result.returncode, 2)
        self.assertRegex(result.stderr, r"--memory: .*[0-9]")

    def test_many_images(self):
        self.many_images(100000)
        space = {"left": 500000, "right": 500640, "bottom": 4999360, "top": 5000000, "dx": 10, "srs": "EPSG:32631"}
        for step, aggregation in (("PT1H", "last"), ("P20Y", "median")):
            images = {"cube_type": "image_collection", "file": self.path("images.db"), "view": {
                "aggregation": aggregation, "space": space,
                "time": {"t0": "2000-01-01", "t1": "2011-06-01", "dt": step}}}
            graph = {"cube_type": "reduce_time", "reducer_bands": [["median", "v"]], "in_cube": images}
            with self.subTest(step=step):
                peak = self.held(graph, "out.tif", SECONDS or 1)
                print(f"100000 images, slices of {step}: {peak:.0f} of {BUDGET} MiB", flush=True)
                self.assertLess(peak, BUDGET)

    def many_images(self, count):
        """A catalog, images.db, of an image an hour, in ten files."""
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(32631)
        for number in range(10):
            data = gdal.GetDriverByName("GTiff").Create(self.path(f"{number}.tif"), 64, 64, 1, gdal.GDT_UInt16)
            data.SetGeoTransform([500000, 10, 0, 5000000, 0, -10])
            data.SetSpatialRef(reference)
            data.GetRasterBand(1).WriteArray(np.full((64, 64), number + 1, np.uint16))
            del data
        start = np.datetime64("2000-01-01T00:00:00")
        with open(self.path("images.csv"), "w") as f:
            out = csv.writer(f)
            out.writerow(["name", "datetime", "left", "bottom", "right", "top", "srs", "dtype", "v"])
            for number in range(count):
                out.writerow([f"i{number}", start + np.timedelta64(number, "h"), 2.99, 45.14, 3.01, 45.16,
                              "EPSG:32631", "uint16", f"{number % 10}.tif"])
        made = cube("catalog", "create", self.path("images.db"), "--table", self.path("images.csv"))
        self.assertEqual(made.returncode, 0, made.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
