#!/usr/bin/env python3
"""Graphs on workers of dask.distributed, processes of their own: the cells of `cube run`, written by region; and what
a worker that is killed costs."""
import collections
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from program import Case, cube as program

if not os.path.isdir(os.path.join(os.environ.get("CUBE_PYTHON", ""), "cube")):
    print("skipped: built without CUBE_PYTHON")
    sys.exit(77)
# Workers are processes of their own, which know of the package from their environment.
os.environ["PYTHONPATH"] = os.environ["CUBE_PYTHON"]
sys.path.insert(0, os.environ["CUBE_PYTHON"])
try:
    import numpy as np
    import xarray as xr
    import zarr
    import dask
    from distributed import Client, LocalCluster
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

import cube  # noqa: E402
from cube._source import compiled  # noqa: E402

SIDE = 64


def graph(width=5 * SIDE - 7, height=3 * SIDE + 9):
    """Two bands of a formula, one of integers with gaps, one with chunks that are all missing."""
    view = {"space": {"left": 0, "right": width, "bottom": 0, "top": height, "dx": 1, "srs": "EPSG:32631"},
            "time": {"t0": "2020-01", "t1": "2020-02", "dt": "P1M"}}
    return {"cube_type": "apply_pixel", "expr": "ix % 7 == 0 ? nan : ix + iy * 3", "band_names": "b",
            "keep_bands": True, "dtype": "int16", "nodata": -1, "in_cube": {
                "cube_type": "apply_pixel", "expr": f"ix < {SIDE} ? nan : sin(ix) * iy + it", "band_names": "a",
                "in_cube": {"cube_type": "dummy", "fill": 1, "view": view, "chunk_size": [1, SIDE, SIDE]}}}


class LogChunks:
    """On workers, also on those that take another's place: each read is a line of a file of the worker's process, and
    takes so long."""

    def __init__(self, folder, seconds):
        self.folder, self.seconds = folder, seconds

    def setup(self, worker):
        from cube import _source

        self.compute = _source.Compiled.compute

        def logged(made, bands, region):
            with open(os.path.join(self.folder, f"{os.getpid()}.log"), "a") as file:
                file.write(f"{region}\n")
            time.sleep(self.seconds)
            return self.compute(made, bands, region)

        _source.Compiled.compute = logged

    def teardown(self, worker):
        from cube import _source

        _source.Compiled.compute = self.compute


class DaskTest(Case):
    @classmethod
    def setUpClass(cls):
        cls.spill = tempfile.TemporaryDirectory()
        dask.config.set({"temporary-directory": cls.spill.name, "distributed.comm.timeouts.connect": "20s"})
        cls.cluster = LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
        cls.client = Client(cls.cluster)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.cluster.close()
        cls.spill.cleanup()

    def logged(self, seconds):
        """Lines of each worker's process, once they are asked for."""
        folder = self.path("logs")
        os.mkdir(folder)
        self.client.register_worker_plugin(LogChunks(folder, seconds), name="log")
        self.addCleanup(self.client.unregister_worker_plugin, "log")

        def lines():
            out = {}
            for name in os.listdir(folder):
                with open(os.path.join(folder, name)) as file:
                    out[int(name[:-4])] = file.read().splitlines()
            return out
        return lines

    def expected(self):
        program("run", self.graph(graph()), "-o", self.path("run.zarr"), "-q", check=True)
        return self.path("run.zarr")

    def same_store(self, ours, theirs):
        a, b = zarr.open_group(ours, mode="r"), zarr.open_group(theirs, mode="r")
        self.assertEqual(sorted(a.array_keys()), sorted(b.array_keys()))
        for name, array in b.arrays():
            if name == "spatial_ref":
                continue  # its attributes count
            self.assertEqual(a[name].dtype, array.dtype, name)
            self.assertEqual(a[name][...].tobytes(), array[...].tobytes(), name)
            self.assertEqual(a[name].nchunks_initialized, array.nchunks_initialized, name)
        for options in ({}, {"mask_and_scale": False}):
            with xr.open_zarr(ours, **options) as one, xr.open_zarr(theirs, **options) as other:
                xr.testing.assert_equal(one.drop_vars("spatial_ref"), other.drop_vars("spatial_ref"))
                for name in other.variables:
                    self.assertEqual(one[name].attrs.keys(), other[name].attrs.keys() - {"_CRS"}, name)

    def test_1_written_by_region(self):
        lines = self.logged(0)
        calls = []
        cube.open(graph()).to_zarr(self.path("ours.zarr"), progress=lambda *done: calls.append(done))
        self.same_store(self.path("ours.zarr"), self.expected())
        self.assertEqual(calls, [(i + 1, 40) for i in range(40)])
        counts = collections.Counter(line for log in lines().values() for line in log)
        self.assertEqual((len(counts), set(counts.values())), (40, {1}))  # all bands of a chunk in one go
        self.assertEqual(len(lines()), 2)  # on both workers, none here

    def test_2_by_xarray(self):
        data = xr.open_dataset(self.graph(graph()), engine="cube", chunks={})
        data.to_zarr(self.path("x.zarr"))
        with xr.open_zarr(self.path("x.zarr")) as ours, xr.open_zarr(self.expected()) as theirs:
            for name in ("a", "b"):
                np.testing.assert_array_equal(ours[name].values, theirs[name].values)
        expected = cube.open(graph()).to_xarray().load()
        xr.testing.assert_allclose(data.mean("time").compute(), expected.mean("time"))
        np.testing.assert_array_equal((data["a"] - data["b"]).values, (expected["a"] - expected["b"]).values)

    def test_3_compiled_once_a_process(self):
        source = cube.open(graph())._source
        made = self.client.map(lambda i: id(compiled(source)), range(8), pure=False)
        results = self.client.gather(made)
        workers = self.client.who_has(made)
        seen = {(workers[future.key][0], result) for future, result in zip(made, results)}
        self.assertEqual(len(seen), len({worker for worker, _ in seen}))

    def test_3_compiled_anew_when_opened_again(self):
        """Workers do not go on with what files said of themselves before."""
        document = {"cube_type": "raster", "file": self.path("a.tif")}
        for width in (70, 90):
            program("run", self.graph(graph(width)), "-o", self.path("a_{t}.tif"), "-q", "--overwrite", check=True)
            os.replace(self.path("a_2020-01.tif"), self.path("a.tif"))
            opened = cube.open(document)
            opened.to_zarr(self.path("a.zarr"), mode="w")
            with xr.open_zarr(self.path("a.zarr")) as ours:
                np.testing.assert_array_equal(ours["b"].values, opened.to_xarray()["b"].values)
                self.assertEqual(ours["b"].shape[2], width)

    def test_4_error_comes_back(self):
        program("run", self.graph(graph()), "-o", self.path("gone_{t}.tif"), "-q", check=True)
        opened = cube.open({"cube_type": "raster", "file": self.path("gone_2020-01.tif")})
        os.truncate(self.path("gone_2020-01.tif"), 30000)
        with self.assertRaises(cube.Error) as caught:
            opened.to_zarr(self.path("bad.zarr"))
        self.assertEqual(caught.exception.code, "unreadable")

    def test_5_example(self):
        example = os.path.join(os.environ["CUBE_SOURCE"], "examples", "dask", "monthly_ndvi.py")
        program("sample", self.path("try"), check=True)
        program("catalog", "create", self.path("try/s2.db"), self.path("try/archive"), check=True)
        done = subprocess.run(["/usr/bin/python3", example, self.path("try/monthly.json"), self.path("ours.zarr"),
                               "--scheduler", self.cluster.scheduler_address], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("NDVI", done.stdout)
        program("run", self.path("try/monthly.json"), "-o", self.path("run.zarr"), "-q", check=True)
        with xr.open_zarr(self.path("ours.zarr")) as ours, xr.open_zarr(self.path("run.zarr")) as theirs:
            self.assertEqual(ours["NDVI"].values.tobytes(), theirs["NDVI"].values.tobytes())

    def test_6_killed_worker_costs_its_chunks(self):
        """40 chunks, one at a time on each worker: at most the one that was being computed is computed again, and
        nothing of what was written is lost."""
        lines = self.logged(0.05)
        killed = []

        def kill():
            while True:
                for process, log in lines().items():
                    if len(log) >= 5:
                        killed.append(process)
                        return os.kill(process, signal.SIGKILL)
                time.sleep(0.02)

        thread = threading.Thread(target=kill)
        thread.start()
        cube.open(graph()).to_zarr(self.path("ours.zarr"))
        thread.join()
        self.same_store(self.path("ours.zarr"), self.expected())
        log = lines()
        self.assertLess(len(log[killed[0]]), 10)
        again = collections.Counter(line for one in log.values() for line in one)
        self.assertLessEqual(sum(again.values()), 40 + 2)
        self.assertLessEqual(max(again.values()), 2)


if __name__ == "__main__":
    unittest.main()
