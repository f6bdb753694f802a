#!/usr/bin/env python3
"""Files on a server: the same cells as from the same files here, whatever goes wrong on the way;
how many requests that takes; that they are made at the same time; and what is said when they fail.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import time
import unittest

try:
    import numpy as np
    from osgeo import gdal
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from program import CUBE, cube
from remote_rasters import ONCE, RemoteCase, settings

CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_NO_SIGN_REQUEST", "AWS_PROFILE")
HEAD = 32768  # bytes that are read of a file to open it


def of_tiles(method, begin):
    """Of requests: what comes after a file was opened."""
    return method == "GET" and begin >= HEAD


class Reading(RemoteCase):
    def test_kinds_of_tiff(self):
        server = self.serve()
        for name, driver, options in (("cog.tif", "COG", ["BLOCKSIZE=128"]),
                                      ("strips.tif", "GTiff", []),
                                      ("tiles.tif", "GTiff", ["TILED=YES"])):
            with self.subTest(name=name):
                here = self.make(name, driver=driver, options=options)
                stats, printed = self.same(server, here)
                self.assertEqual(stats["network"]["retries"], 0)
                self.assertRegex(printed, r"network \d+ requests, [\d.]+ .?B, 0 retries")

    def test_requests_and_bytes(self):
        """A COG of 4 x 4 tiles, by hand: no reader can do with less than one request for the
        directory, as that says where the tiles are, and one for each chunk, whose four tiles lie
        one after the other: 5. Ours makes one more, as GDAL asks for the length of a file first.
        The directory comes with the first tile's beginning, which is read again with the tile. Of
        the image in halves: 3, and ours 4; of a window within one tile: 2, and ours 3. Nothing beside
        the file is looked for."""
        server = self.serve()
        here = self.make("cog.tif", (1024, 1024), "COG", ["BLOCKSIZE=256", "OVERVIEWS=NONE"])
        size = os.path.getsize(here["file"])
        remote = self.there(server, here)
        window = {"cube_type": "crop", "ix_min": 300, "ix_max": 310, "iy_min": 300, "iy_max": 310}
        most = {"cube_type": "reduce_space", "reducer_bands": [["max", "im1b1"]]}
        for document, chunks, most_bytes in (
                (remote, 4, size + HEAD + 1024),
                ({**most, "in_cube": remote}, 2, size + HEAD + 1024),
                ({**window, "in_cube": remote}, 1, HEAD + 1.1 * size / 16)):
            for threads in ("1", "2"):
                with self.subTest(chunks=chunks, threads=threads, work=document["cube_type"]):
                    server.requests.clear()
                    stats = self.computed(document, "--threads", threads, "--chunk",
                                          "1,256,1024")[1]["network"]
                    made = len(server.requests)
                    self.assertEqual({path for _, path, *_ in server.requests}, {"/cog.tif"})
                    if threads == "1":
                        self.assertEqual(made, 1 + 1 + chunks, server.requests)
                        self.assertLessEqual(server.bytes(), most_bytes, server.requests)
                    self.assertEqual(stats["requests"], made, server.requests)
                    self.assertEqual(stats["bytes"], server.bytes())

    def test_many_requests_at_a_time(self):
        server = self.serve(delay=0.05)
        here = self.tiled(tile=256, shape=(1280, 1280))
        remote = self.there(server, here)
        seconds = {}
        cells = {}
        for threads in ("1", "0"):
            cells[threads], stats, _ = self.computed(remote, "--chunk", "1,256,256", "--threads",
                                                     threads)
            seconds[threads] = stats["seconds"]
        np.testing.assert_array_equal(cells["0"], cells["1"])
        self.assertGreater(seconds["1"], 25 * 0.05)
        self.assertGreater(seconds["1"], 4 * seconds["0"], seconds)

    def test_threads_are_those_asked_for(self):
        server = self.serve()
        here = self.make("a.tif")

        def threads(document, *more):
            plan = cube("plan", self.graph(document), "--json", *more)
            return json.loads(plan.stdout)["threads"]

        remote = self.there(server, here)
        many = max(os.cpu_count(), min(64, max(16, 8 * os.cpu_count())))
        self.assertEqual(threads(here), os.cpu_count())
        self.assertEqual(threads(remote), many)
        self.assertEqual(threads(remote, "--threads", "3"), 3)


class Faults(RemoteCase):
    # What a range ends with, and what is said of it where nothing is asked for again.
    KINDS = {500: "HTTP response code: 500", 503: "HTTP response code: 503",
             "short": "transfer closed with", "reset": "cannot be read: ", "stall": "timed out"}

    def test_each_range_fails_at_first(self):
        chunk = ("--chunk", "1,256,256", "--threads", "4")
        here = self.tiled()  # the first of four tiles begins with the directory
        for fault, reason in self.KINDS.items():
            with self.subTest(fault=fault):
                times = 1 if fault == "stall" else 2
                server = self.serve(faults=(fault,), first=times, stall=1, where=of_tiles)
                stats, _ = self.same(server, here, *chunk)
                self.assertEqual(server.faulty, times * 3, server.requests)
                if fault == "reset":  # which curl repeats once on a connection that was used before
                    self.assertGreaterEqual(stats["network"]["retries"], 3)
                else:
                    self.assertEqual(stats["network"]["retries"], times * 3)
                # Without asking again none of that would be: the test can fail.
                server.asked.clear()
                result = self.fails(1, reason, "run", self.graph(self.there(server, here)), "-o",
                                    self.path("no.tif"), "--overwrite", *chunk, env=settings(ONCE))
                self.assertFalse(os.path.exists(self.path("no.tif")))
                self.assertIn("tiles.tif: ", result.stderr)

    def test_opening_fails_at_first(self):
        here = self.tiled()
        for fault in (500, 503, "reset"):
            with self.subTest(fault=fault):
                server = self.serve(faults=(fault,), first=2,
                                    where=lambda method, begin: begin < HEAD)
                stats, _ = self.same(server, here, "--threads", "1")
                self.assertGreaterEqual(stats["network"]["retries"], 2)
                server.asked.clear()
                self.fails(2, "tiles.tif: ", "run", self.graph(self.there(server, here)), "-o",
                           self.path("no.tif"), "--overwrite", env=settings(ONCE))

    def test_all_faults_on_a_cog_and_on_strips(self):
        for name, driver, options in (("cog.tif", "COG", ["BLOCKSIZE=128"]),
                                      ("strips.tif", "GTiff", [])):
            with self.subTest(name=name):
                here = self.make(name, driver=driver, options=options)
                server = self.serve(faults=(500, 503, "short", "reset"))
                self.same(server, here, "--chunk", "1,64,512", "--threads", "4")
                self.assertGreater(server.faulty, 4)

    def test_what_is_told_of_a_file_that_fails_for_good(self):
        """Within a run, with the status, after as many requests as were wanted."""
        here = self.tiled()
        patient = {"GDAL_HTTP_MAX_RETRY": "2"}
        for status, asked, reason in ((503, 3, "HTTP response code: 503 (asked 3 times)"),
                                      (403, 1, "HTTP response code: 403")):
            server = self.serve(faults=(status,), first=99, where=of_tiles)
            self.fails(1, reason, "run", self.graph(self.there(server, here)), "-o",
                       self.path("no.tif"), "--overwrite", "--threads", "1", env=settings(patient))
            self.assertEqual(server.faulty, asked, server.requests)

    def test_a_server_that_stays_ill_is_not_asked_twice_as_often(self):
        server = self.serve(status=500)
        remote = self.there(server, self.make("a.tif"))
        self.fails(2, "HTTP response code: 500 (asked 3 times)", "run", self.graph(remote), "-o",
                   self.path("no.tif"), env=settings({"GDAL_HTTP_MAX_RETRY": "2"}))
        self.assertEqual(len(server.requests), 3, server.requests)

    def test_delays_grow(self):
        server = self.serve(status=503)
        remote = self.there(server, self.make("a.tif"))
        self.fails(2, "503", "run", self.graph(remote), "-o", self.path("no.tif"),
                   env=settings({"GDAL_HTTP_MAX_RETRY": "3", "GDAL_HTTP_RETRY_DELAY": "0.1"}))
        waits = np.diff(server.times)
        self.assertTrue((waits >= [0.1, 0.2, 0.4]).all(), waits)

    def test_what_cannot_be_is_told_at_once(self):
        here = self.make("a.tif")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
        refused = self.serve(status=403).address
        none = self.serve(status=404).address
        whole = self.serve(ranges=False).address
        self.tiled("b.tif")
        for name, reason in (
                (f"{refused}/a.tif", "cannot be opened: HTTP response code: 403 (a user's name and "
                 "password are taken from GDAL_HTTP_USERPWD, other ways to log in from "
                 "GDAL_HTTP_HEADERS)"),
                (f"{none}/a.tif", "there is no such file (HTTP response code: 404)"),
                (f"{nowhere}/a.tif", "onnect"),
                ("https://nowhere.invalid/a.tif", "resolve host: nowhere.invalid"),
                (f"{whole}/b.tif", "the server gives whole files and no ranges of them: download "
                 "the file")):
            with self.subTest(name=name):
                start = time.monotonic()
                result = self.fails(2, reason, "run", self.graph({**here, "file": name}), "-o",
                                    self.path("no.tif"), "--overwrite")
                self.assertLess(time.monotonic() - start, 3)
                self.assertIn(name + ": ", result.stderr)

    def test_headers_alone_may_be_refused(self):
        """As they are where a signature is for one method."""
        here = self.tiled()
        self.same(self.serve(head=403), here)


class Stopping(RemoteCase):
    def stopped(self, server, here, *more, **options):
        """Ctrl-C once the server was asked for what it does not give; what was printed."""
        out = self.path("no.tif")
        run = subprocess.Popen([CUBE, "run", self.graph(self.there(server, here)), "-o", out, *more],
                               stderr=subprocess.PIPE, text=True, env=settings(options))
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        for _ in range(500):
            if server.faulty > 0:
                break
            time.sleep(0.01)
        self.assertGreater(server.faulty, 0)
        start = time.monotonic()
        run.send_signal(signal.SIGINT)
        printed = run.communicate(timeout=10)[1]
        self.assertLess(time.monotonic() - start, 1)
        self.assertEqual(run.returncode, 130, printed)
        self.assertRegex(printed, r"^cube: error: stopped by SIGINT; (no output was made|"
                         r"\d of 4 chunks (is|are) done, and --resume goes on from there \(.*\))\n$")
        self.assertFalse(os.path.exists(self.path("no.tif")))

    def test_while_an_answer_is_waited_for(self):
        here = self.tiled()
        long = {"GDAL_HTTP_TIMEOUT": "30"}
        for where in (of_tiles, lambda method, begin: True):
            self.stopped(self.serve(faults=("stall",), first=99, stall=20, where=where), here,
                         "--threads", "2", **long)

    def test_while_it_is_to_be_asked_again(self):
        here = self.tiled()
        for where in (of_tiles, lambda method, begin: True):
            self.stopped(self.serve(faults=(503,), first=99, where=where), here,
                         GDAL_HTTP_RETRY_DELAY="30")


class Providers(RemoteCase):
    """Names of object stores, all of which are our server."""

    def test_credentials_from_the_environment(self):
        server = self.serve()
        os.makedirs(self.path("files/bucket"))
        self.tiled("bucket/a.tif")
        host = server.address.removeprefix("http://")
        azure = (f"DefaultEndpointsProtocol=http;AccountName=NAME;AccountKey=U0VDUkVU;"
                 f"BlobEndpoint={server.address}")
        for name, environment, sign in (
                ("s3://bucket/a.tif",
                 {"AWS_ACCESS_KEY_ID": "NAME", "AWS_SECRET_ACCESS_KEY": "SECRET",
                  "AWS_REGION": "eu-central-1", "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": "FALSE",
                  "AWS_S3_ENDPOINT": host}, "Credential=NAME/"),
                ("gs://bucket/a.tif",
                 {"GS_ACCESS_KEY_ID": "NAME", "GS_SECRET_ACCESS_KEY": "SECRET",
                  "CPL_GS_ENDPOINT": server.address + "/"}, "GOOG1 NAME:"),
                ("az://bucket/a.tif", {"AZURE_STORAGE_CONNECTION_STRING": azure},
                 "SharedKey NAME:")):
            with self.subTest(name=name):
                server.requests.clear()
                server.headers.clear()
                remote = {"cube_type": "raster", "file": name}
                cells, stats, printed = self.computed(remote, "--threads", "1",
                                                      environment=environment)
                np.testing.assert_array_equal(cells, self.cells())
                # Nothing but the file, not a listing either, and its directory at once.
                self.assertEqual({path for _, path, *_ in server.requests}, {"/bucket/a.tif"})
                self.assertIn(f"bytes=0-{HEAD - 1}", [r[2] for r in server.requests])
                self.assertLessEqual(len(server.requests), 6, server.requests)
                self.assertEqual(stats["network"]["requests"], len(server.requests))
                for headers in server.headers:
                    self.assertIn(sign, headers["Authorization"])
                self.assertNotIn("SECRET", printed)
                self.assertNotIn("U0VDUkVU", printed)

    def test_no_credentials(self):
        environment = {k: v for k, v in settings().items() if k not in CREDENTIALS}
        environment.update(HOME=self.folder, CPL_AWS_AUTODETECT_EC2="NO")
        remote = {"cube_type": "raster", "file": "s3://bucket/a.tif"}
        result = self.fails(2, "s3://bucket/a.tif: ", "run", self.graph(remote), "-o",
                            self.path("no.tif"), env=environment)
        self.assertIn("AWS_SECRET_ACCESS_KEY", result.stderr)


if __name__ == "__main__":
    unittest.main()
