#!/usr/bin/env python3
"""ncdf and zarr in zip and tar archives, compressed and on a server: the same cells as from a plain
file, and no temporary file is left.
"""
import functools
import http.server
import os
import subprocess
import sys
import tarfile
import threading
import unittest
import zipfile

try:
    import numpy as np
    import xarray as xr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

import gzip

from array_files import ArrayCase, dataset
from program import CUBE, cube


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files whole, without ranges."""

    def log_message(self, *arguments):
        pass

    def copyfile(self, source, output):
        try:
            super().copyfile(source, output)
        except ConnectionError:  # the reader has enough
            pass


class Stalling(Quiet):
    """Sends half of a file and no more."""

    def copyfile(self, source, output):
        output.write(source.read(os.fstat(source.fileno()).st_size // 2))
        output.flush()
        self.server.stalled.set()
        self.server.ended.wait()


class Packed(ArrayCase):
    def setUp(self):
        super().setUp()
        self.temporary = self.path("temporary")
        os.mkdir(self.temporary)
        before = os.environ.get("TMPDIR")
        os.environ["TMPDIR"] = self.temporary
        self.addCleanup(self.restore, before)

    @staticmethod
    def restore(before):
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before

    def zipped(self, name, *files):
        with zipfile.ZipFile(self.path(name), "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.write(file, os.path.basename(file))
        return self.path(name)

    def tarred(self, name, mode, *files):
        with tarfile.open(self.path(name), mode) as archive:
            for file in files:
                archive.add(file, os.path.basename(file))
        return self.path(name)

    def test_netcdf(self):
        chunked = {"a": {"chunksizes": (2, 5, 6), "zlib": True}}
        for encoding, format in ((chunked, "NETCDF4"), ({}, "NETCDF3_64BIT")):
            data = dataset(y_up=True)
            path = self.save(data, "ncdf", encoding=encoding, format=format)
            expected = xr.open_dataset(path).load()
            other = self.graph({}, "notes.json")
            with open(path, "rb") as raw, gzip.open(path + ".gz", "wb") as packed:
                packed.write(raw.read())
            one = self.zipped("one.zip", path, other)
            tar = self.tarred("one.tar", "w", path, other)
            compressed = self.tarred("one.tar.gz", "w:gz", other, path)
            for name in (f"/vsizip/{one}/in.nc", f"/vsizip/{{{one}}}/in.nc", one,
                         f"/vsitar/{tar}/in.nc", tar, compressed, path + ".gz",
                         f"/vsigzip/{path}.gz"):
                with self.subTest(name=name, format=format):
                    self.same(self.computed("ncdf", name, chunk="2,5,6"), expected)
                    self.same(self.computed("ncdf", name, chunk="3,4,5"), expected)
                    self.assertEqual(os.listdir(self.temporary), [])

    def serve(self, handler):
        """The address of a server of the test's folder."""
        handler = functools.partial(handler, directory=self.folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.stalled, server.ended = threading.Event(), threading.Event()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        for end in (server.server_close, thread.join, server.shutdown, server.ended.set):
            self.addCleanup(end)  # the last first
        return server, f"/vsicurl/http://127.0.0.1:{server.server_address[1]}"

    def test_on_a_server(self):
        data = dataset(y_up=True)
        path = self.save(data, "ncdf")
        expected = xr.open_dataset(path).load()
        with open(path, "rb") as raw, gzip.open(path + ".gz", "wb") as packed:
            packed.write(raw.read())
        _, address = self.serve(Quiet)
        self.same(self.computed("ncdf", address + "/in.nc"), expected)
        self.same(self.computed("ncdf", address + "/in.nc.gz"), expected)
        self.refused(f"/file: {address}/no.nc: there is no such file (HTTP response code: 404)", address + "/no.nc")
        self.assertEqual(os.listdir(self.temporary), [])

    def test_a_run_that_is_killed_leaves_no_copy(self):
        self.save(dataset(), "ncdf")
        server, address = self.serve(Stalling)
        graph = self.graph({"cube_type": "ncdf", "file": address + "/in.nc"})
        with subprocess.Popen([CUBE, "check", graph], stderr=subprocess.DEVNULL) as process:
            self.assertTrue(server.stalled.wait(30))
            process.kill()
        self.assertEqual(os.listdir(self.temporary), [])

    def test_one_copy_a_command(self):
        one = self.zipped("one.zip", self.save(dataset(), "ncdf"))
        source = {"cube_type": "ncdf", "file": one}
        twice = self.graph({"cube_type": "merge", "in_cubes": [source, source], "overlap": "mean"})
        for command in (("check",), ("run", "-o", self.path("out.nc"), "--overwrite")):
            notes = cube(command[0], twice, *command[1:]).stderr
            self.assertEqual(notes.count("is read from a copy"), 1, notes)

    def test_the_copy_is_told(self):
        one = self.zipped("one.zip", self.save(dataset(), "ncdf"))
        for command in ("check", "plan"):
            result = cube(command, self.graph({"cube_type": "ncdf", "file": one}))
            self.assertRegex(result.stderr, "^cube: note: /file: is read from a copy of "
                             f"[0-9.]+ .?B in {self.temporary}\n$")

    def test_zarr(self):
        data = dataset(y_up=True)
        path = self.save(data, "zarr", encoding={"a": {"chunks": (2, 5, 6)}})
        for name in (self.zarr_zip(path, "zarr.zip"), f"/vsizip/{self.path('zarr.zip')}/in.zarr",
                     f"/vsitar/{self.tarred('zarr.tar', 'w', path)}/in.zarr"):
            with self.subTest(name=name):
                self.same(self.computed("zarr", name), xr.open_zarr(path).load())
        self.assertEqual(os.listdir(self.temporary), [])

    def zarr_zip(self, path, name):
        with zipfile.ZipFile(self.path(name), "w") as archive:
            for folder, _, files in os.walk(path):
                for file in files:
                    full = os.path.join(folder, file)
                    archive.write(full, os.path.relpath(full, self.folder))
        return self.path(name)

    def refused(self, text, file):
        self.rejects(text, "check", self.graph({"cube_type": "ncdf", "file": file}))
        self.assertEqual(os.listdir(self.temporary), [])

    def test_what_is_wrong_is_told(self):
        path = self.save(dataset(), "ncdf")
        two = self.zipped("two.zip", path, self.save(dataset(), "ncdf", name="more"))
        self.refused("/file: FOLDER/two.zip: holds 2 netCDF files "
                     "(name one: /vsizip/FOLDER/two.zip/in.nc)", two)
        none = self.zipped("none.zip", self.graph({}, "notes.json"))
        self.refused("/file: FOLDER/none.zip: holds no netCDF file", none)
        self.refused("/file: FOLDER/no.zip: there is no such file", self.path("no.zip"))
        self.refused("/file: FOLDER/no.nc.gz: there is no such file", self.path("no.nc.gz"))
        self.refused("/file: /vsizip/FOLDER/two.zip/no.nc: there is no such file",
                     f"/vsizip/{two}/no.nc")
        text = self.zipped("text.zip", self.graph("{}", "text.nc"))
        self.refused("/file: FOLDER/text.zip: cannot be opened as netCDF: "
                     "NetCDF: Unknown file format", text)
        with open(two, "r+b") as archive:  # in the middle of the first file's bytes
            archive.seek(os.path.getsize(two) // 4)
            archive.write(b"\0" * 200)
        result = cube("check", self.graph({"cube_type": "ncdf", "file": f"/vsizip/{two}/in.nc"}))
        self.assertEqual(result.returncode, 2)
        self.assertIn("in.nc: cannot be read", result.stderr)
        self.assertEqual(os.listdir(self.temporary), [])
        os.rmdir(self.temporary)
        one = self.zipped("one.zip", path)
        result = cube("check", self.graph({"cube_type": "ncdf", "file": one}))
        self.assertEqual(result.returncode, 2)
        self.assertIn("one.zip: cannot be copied to ", result.stderr)
        self.assertIn("TMPDIR", result.stderr)


if __name__ == "__main__":
    unittest.main()
