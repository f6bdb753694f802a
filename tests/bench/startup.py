#!/usr/bin/python3
"""Start-up cost of the program, in milliseconds: minimum, median and maximum of some runs.

usage: tests/bench/startup.py [PROGRAM]   (default: build/test/cube)

The bound that we hold ourselves to is 50 ms for `cube --version` and `cube check` of a small graph
on a warm machine. It is printed, not asserted: a shared machine is noisy.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 21
BOUND_MS = 50
GRAPH = {"cube_type": "reduce_time", "reducer_bands": [["median", "NDVI"]],
         "in_cube": {"cube_type": "apply_pixel", "expr": "(band2-band1)/(band2+band1)", "band_names": "NDVI",
                     "in_cube": {"cube_type": "dummy", "nbands": 2, "view": {
                         "space": {"left": 0, "right": 1000, "bottom": 0, "top": 1000, "dx": 10,
                                   "srs": "EPSG:32631"},
                         "time": {"t0": "2020", "t1": "2020", "dt": "P1M"}}}}}


def milliseconds(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - start)


program = sys.argv[1] if len(sys.argv) > 1 else "build/test/cube"
with tempfile.TemporaryDirectory() as folder:
    graph = os.path.join(folder, "graph.json")
    with open(graph, "w") as f:
        json.dump(GRAPH, f)
    for arguments in (["--version"], ["check", graph]):
        times = [milliseconds([program, *arguments]) for _ in range(RUNS)][1:]
        print(f"cube {arguments[0]:10s} min {min(times):6.1f}  median {statistics.median(times):6.1f}  "
              f"max {max(times):6.1f} ms  (bound {BOUND_MS} ms)")
