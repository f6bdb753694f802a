#!/usr/bin/env python3
"""netCDF and Zarr on a server that gives ranges, well and ill: the same cells as from here."""
import os
import sys
import unittest

try:
    import xarray as xr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from array_files import ArrayCase, dataset
from program import cube
from range_server import Server


class RemoteArrays(ArrayCase):
    def setUp(self):
        super().setUp()
        for name, value in (("GDAL_HTTP_RETRY_DELAY", "0.01"), ("GDAL_HTTP_MAX_RETRY", "12")):
            os.environ[name] = value
            self.addCleanup(os.environ.pop, name)

    def serve(self, **options):
        server = Server(self.folder, **options)
        self.addCleanup(server.close)
        return server

    def test_well_and_ill(self):
        data = dataset(y_up=True)
        for kind, encoding in (("ncdf", {"a": {"chunksizes": (2, 5, 6), "zlib": True}}),
                               ("zarr", {"a": {"chunks": (2, 5, 6)}})):
            path = self.save(data, kind, encoding=encoding)
            opened = (xr.open_dataset(path) if kind == "ncdf" else xr.open_zarr(path)).load()
            for faults in ((), (500, 503, "short", "reset")):
                with self.subTest(kind=kind, faults=faults):
                    server = self.serve(faults=faults)
                    name = f"{server.address}/{os.path.basename(path)}"
                    got = self.computed(kind, name, chunk="2,5,6")
                    self.same(got, opened)
                    asked = [request[1] for request in server.requests if request[0] == "GET"]
                    self.assertFalse([path for path in asked if path.endswith("/")], "a listing")
                    if kind == "zarr" and not faults:  # chunks that lie across ours, by both at most
                        self.assertLessEqual(max(map(asked.count, asked)), 4, asked)
                    if faults:  # without asking again none of that would be
                        self.assertGreaterEqual(server.faulty, 2)
                        server.asked.clear()
                        graph = self.graph({"cube_type": kind, "file": name})
                        self.fails(2, "in.", "run", graph, "-o", self.path("no.nc"),
                                   env={**os.environ, "GDAL_HTTP_MAX_RETRY": "0"})

    def test_commands(self):
        """cube info and cube hist know both by their names, with a signature behind them too."""
        server = self.serve()
        for kind in ("ncdf", "zarr"):
            path = self.save(dataset(), kind)
            for command in ("info", "hist"):
                with self.subTest(kind=kind, command=command):
                    name = f"{server.address}/{os.path.basename(path)}"
                    more = ["-q"] if command == "hist" else []
                    here, there = (cube(command, file, *more) for file in (path, name))
                    self.assertEqual(there.stdout, here.stdout, there.stderr)
                    self.assertIn("time" if command == "info" else "min", there.stdout)

    def test_what_is_not_there(self):
        server = self.serve()
        for kind, ending in (("ncdf", "nc"), ("zarr", "zarr")):
            name = f"{server.address}/none.{ending}?sig=SECRET"
            graph = self.graph({"cube_type": kind, "file": name})
            result = self.fails(2, f"{server.address}/none.{ending}", "info", graph)
            self.assertNotIn("SECRET", result.stderr)


if __name__ == "__main__":
    unittest.main()
