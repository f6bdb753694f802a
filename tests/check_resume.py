"""Runs that are killed, stopped or fail, and what --resume makes of what they leave: the output of
a run that nobody disturbed, from the chunks that were not done."""
import glob
import hashlib
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest

try:
    import xarray as xr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from needs import gdal
from program import CUBE, Case, cube

CHUNKS = 32  # of 128 x 128 cells, two slices
VIEW = {"space": {"left": 0, "right": 5120, "bottom": 0, "top": 5120, "dx": 10, "srs": "EPSG:32631"},
        "time": {"t0": "2020-01", "t1": "2020-02", "dt": "P1M"}}
# Cells that tell their place; a corner with chunks of nothing but missing cells.
CELLS = {"cube_type": "filter_pixel", "predicate": "v > 300", "in_cube": {
    "cube_type": "apply_pixel", "expr": "ix * 7 + iy * 3.5", "band_names": "v",
    "in_cube": {"cube_type": "dummy", "nbands": 1, "fill": 3, "view": VIEW}}}
CHUNK = ("--chunk", "1,128,128")
RUN = ("--threads", "2", "--allow-exec", "-q")
CHUNK_RECORD = b"c"


def slowly(seconds, command="cat"):
    """The same cells, with a nap for each chunk."""
    return {"cube_type": "stream", "command": ["sh", "-c", f"sleep {seconds}; {command}"], "bands": ["v"],
            "dtype": "float32", "in_cube": CELLS}


def records(journal):
    """(kind, payload, offset behind it) of the whole records: length, kind, payload, FNV-1a."""
    out, at = [], 0
    with open(journal, "rb") as f:
        data = f.read()
    while at + 4 <= len(data):
        length, = struct.unpack_from("<I", data, at)
        body = data[at + 4:at + 5 + length]
        end = at + 9 + length
        if end > len(data):
            break
        total = 14695981039346656037
        for byte in body:
            total = (total ^ byte) * 1099511628211 & 0xffffffffffffffff
        if struct.unpack_from("<I", data, end - 4)[0] != (total ^ total >> 32) & 0xffffffff:
            break
        out.append((body[:1], body[1:], end))
        at = end
    return out


def chunks_so_far(journal):
    """Of a run that may be at work. When it begins it empties the folder it has taken, of its journal too."""
    try:
        return sum(kind == CHUNK_RECORD for kind, _, _ in records(journal))
    except FileNotFoundError:
        return 0


def record(kind, payload):
    total = 14695981039346656037
    for byte in kind + payload:
        total = (total ^ byte) * 1099511628211 & 0xffffffffffffffff
    return struct.pack("<I", len(payload)) + kind + payload + struct.pack("<I", (total ^ total >> 32) & 0xffffffff)


def digest(band):
    return hashlib.sha256(band.ReadAsArray().tobytes()).hexdigest()


def rasters(file):
    """Cells of all bands and overviews, and what is said about them."""
    data = gdal.Open(file)
    about = data.GetMetadata()
    about["CUBE_RUN"] = about["CUBE_RUN"].replace('"w_{t}.tif"', '"s_{t}.tif"')  # the name of several files
    out = [data.GetProjection(), data.GetGeoTransform(), about]
    for i in range(1, data.RasterCount + 1):
        band = data.GetRasterBand(i)
        out += [repr(band.GetNoDataValue()), band.GetDescription(), band.GetBlockSize(), digest(band)]
        out += [digest(band.GetOverview(k)) for k in range(band.GetOverviewCount())]
    return out


def tree(folder):
    files = {}
    for path in glob.glob(os.path.join(folder, "**"), recursive=True, include_hidden=True):
        if os.path.isfile(path):
            with open(path, "rb") as f:
                files[os.path.relpath(path, folder)] = f.read()
    return files


def dataset(file):
    with xr.open_dataset(file, decode_times=False, mask_and_scale=False) as data:
        return {"attributes": str(data.attrs), **{
            name: (values.dims, str(values.attrs), str(values.dtype), values.encoding.get("chunksizes"),
                   hashlib.sha256(values.values.tobytes()).hexdigest()) for name, values in data.variables.items()}}


def whole(file):
    with open(file, "rb") as f:
        return f.read()


class ResumeCase(Case):
    def setUp(self):
        super().setUp()
        self.chunk = CHUNK
        self.slow = self.graph(slowly(0.02), "slow.json")

    def work(self, name):
        return self.path(f".{name}.part")

    def done(self, name):
        """Chunks that the journal of an output knows."""
        return sum(kind == CHUNK_RECORD for kind, _, _ in records(self.work(name) + "/journal"))

    def start(self, name, *more, graph=None):
        return subprocess.Popen([CUBE, "run", graph or self.slow, "-o", self.path(name), *RUN, *self.chunk, *more],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def wait_for(self, name, chunks, process):
        until = time.monotonic() + 30
        while time.monotonic() < until and process.poll() is None:
            if chunks_so_far(self.work(name) + "/journal") >= chunks:
                return
            time.sleep(0.005)
        process.kill()
        self.fail(f"{name} did not get that far: {process.communicate()[1]}")

    def killed(self, name, *more, chunks=6, graph=None):
        """Leaves a run that was killed; how many chunks it had done."""
        process = self.start(name, *more, graph=graph)
        self.wait_for(name, chunks, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
        return self.done(name)

    def resumed(self, name, done, *more, graph=None, chunks=CHUNKS):
        """A run that goes on computes what was not done, and nothing else."""
        stats = self.path("stats.json")
        result = cube("run", graph or self.slow, "-o", self.path(name), *RUN, *self.chunk, "--resume", "--stats", stats, *more)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        with open(stats) as f:
            stats = json.load(f)
        self.assertEqual((stats["chunks_resumed"], stats["chunks_done"]), (done, chunks))
        made = [node["cells"] for node in stats["nodes"] if node["cube_type"] == "stream"]
        if graph is None:
            self.assertEqual(made, [(chunks - done) * 128 * 128])
        self.assertFalse(os.path.exists(self.work(name)))


class Killed(ResumeCase):
    def at_random(self, name, look, *more):
        result = cube("run", self.slow, "-o", self.path("whole-" + name), *RUN, *CHUNK, *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        generator = random.Random(name)
        done = 0
        for _ in range(4):
            process = self.start(name, "--resume", *more)
            time.sleep(generator.uniform(0.03, 0.22))
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stderr.close()
            now = chunks_so_far(self.work(name) + "/journal")
            self.assertGreaterEqual(now, done, name)
            self.assertFalse(os.path.exists(self.path(name)))
            done = now
        if done == 0:
            done = self.killed(name, *more)
        self.resumed(name, done, *more)
        self.assertEqual(look(self.path(name)), look(self.path("whole-" + name)), name)

    def test_geotiff(self):
        self.at_random("a.tif", rasters)

    def test_geotiff_uncompressed(self):
        self.at_random("n.tif", rasters, "--co", "COMPRESS=NONE", "--co", "BLOCKSIZE=64")

    def test_geotiff_that_gdal_writes(self):
        self.at_random("l.tif", rasters, "--co", "COMPRESS=LZW")

    def test_cog(self):
        self.at_random("c.tif", rasters, "--format", "COG", "--co", "BLOCKSIZE=128")

    def test_cog_that_gdal_writes(self):
        self.at_random("g.tif", rasters, "--format", "COG", "--co", "COMPRESS=LZW", "--co", "BLOCKSIZE=256")

    def test_netcdf(self):
        self.at_random("a.nc", dataset)

    def test_zarr(self):
        self.at_random("a.zarr", tree)

    def test_picture(self):
        self.at_random("a.gif", whole)

    def test_table(self):
        self.at_random("a.csv", whole)

    def test_a_file_a_slice(self):
        cube("run", self.slow, "-o", self.path("w_{t}.tif"), *RUN, *CHUNK)
        name = "s_{t}.tif"
        done = self.killed(name, chunks=20)  # the first slice is whole
        self.assertIn("0", os.listdir(self.work(name)))
        self.resumed(name, done)
        for t in ("2020-01", "2020-02"):
            self.assertEqual(rasters(self.path(f"s_{t}.tif")), rasters(self.path(f"w_{t}.tif")))

    def test_several_outputs(self):
        """A chunk is done when all outputs have it."""
        names = ("a.tif", "a.nc")
        outputs = ["-o", self.path("a.nc")]
        self.killed("a.tif", *outputs)
        done = min(self.done(name) for name in names)
        self.resumed("a.tif", done, *outputs)
        self.assertFalse(os.path.exists(self.work("a.nc")))
        cube("run", self.slow, "-o", self.path("w.tif"), "-o", self.path("w.nc"), *RUN, *CHUNK)
        self.assertEqual(rasters(self.path("a.tif")), rasters(self.path("w.tif")))
        self.assertEqual(dataset(self.path("a.nc")), dataset(self.path("w.nc")))

    def test_when_all_chunks_were_done(self):
        """Killed while the files are put under their names."""
        cube("run", self.slow, "-o", self.path("w_{t}.tif"), *RUN, *CHUNK)
        name = "s_{t}.tif"
        self.killed(name, chunks=20)
        shutil.copytree(self.work(name), self.path("kept"))
        self.resumed(name, self.done(name))
        # As it was between the first name and the second.
        shutil.copytree(self.path("kept"), self.work(name))
        for t in range(2):
            file = self.path(f"s_2020-0{t + 1}.tif")
            if t == 1:
                shutil.move(file, f"{self.work(name)}/{t}")
            elif os.path.exists(f"{self.work(name)}/{t}"):
                os.remove(f"{self.work(name)}/{t}")
        journal = self.work(name) + "/journal"
        chunks = [payload for kind, payload, _ in records(journal) if kind == CHUNK_RECORD]
        known = {struct.unpack_from("<Q", payload)[0] for payload in chunks}
        with open(journal, "ab") as f:
            for chunk in set(range(CHUNKS)) - known:
                f.write(record(CHUNK_RECORD, struct.pack("<QQ", chunk, 0)))
            f.write(record(b"p", b""))
        self.resumed(name, CHUNKS)
        for t in ("2020-01", "2020-02"):
            self.assertEqual(rasters(self.path(f"s_{t}.tif")), rasters(self.path(f"w_{t}.tif")))


class Journal(ResumeCase):
    def test_a_torn_record_does_not_count(self):
        done = self.killed("a.nc")
        journal = self.work("a.nc") + "/journal"
        last = [end for kind, _, end in records(journal) if kind == CHUNK_RECORD][-1]
        os.truncate(journal, last - 3)
        with open(journal, "ab") as f:
            f.write(b"\0" * 40)
        self.assertEqual(self.done("a.nc"), done - 1)
        self.resumed("a.nc", done - 1)

    def reboot(self, name, durable):
        """The journal as if the machine had lost its power, with a mark that `durable` chunks were on the disk."""
        journal = self.work(name) + "/journal"
        out, seen = b"", 0
        for kind, payload, _ in records(journal):
            if kind == b"s":
                payload = payload[:8] + b"x" * (len(payload) - 8)
            out += record(kind, payload)
            seen += kind == CHUNK_RECORD
            if durable and seen == durable:
                out += record(b"d", struct.pack("<Q", len(out)))
                durable = 0
        with open(journal, "wb") as f:
            f.write(out)

    def test_after_a_loss_of_power_only_what_was_durable_counts(self):
        self.killed("a.tif")
        self.reboot("a.tif", 4)
        self.resumed("a.tif", 4)
        cube("run", self.slow, "-o", self.path("w.tif"), *RUN, *CHUNK)
        self.assertEqual(rasters(self.path("a.tif")), rasters(self.path("w.tif")))

    def test_after_a_loss_of_power_nothing_may_count(self):
        self.killed("a.tif")
        self.reboot("a.tif", 0)
        self.resumed("a.tif", 0)

    def test_data_that_are_gone(self):
        self.killed("a.tif")
        os.remove(self.work("a.tif") + "/0.part")
        self.resumed("a.tif", 0)


class Decisions(ResumeCase):
    LEFT = "an earlier run of the same graph was stopped with {} of 32 chunks done (--resume goes on, " \
           "--overwrite begins anew)"

    def test_a_plain_run_asks(self):
        done = self.killed("a.tif")
        self.rejects("FOLDER/a.tif: " + self.LEFT.format(done), "run", self.slow, "-o", self.path("a.tif"), *RUN, *CHUNK)
        self.assertEqual(self.done("a.tif"), done)
        result = cube("run", self.slow, "-o", self.path("a.tif"), *RUN, *CHUNK, "--overwrite", "--stats", self.path("s"))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        with open(self.path("s")) as f:
            self.assertEqual(json.load(f)["chunks_resumed"], 0)
        self.assertFalse(os.path.exists(self.work("a.tif")))

    def test_another_graph_begins_anew(self):
        self.killed("a.tif")
        other = self.graph(slowly(0), "other.json")
        result = cube("run", other, "-o", self.path("a.tif"), *RUN, *CHUNK)
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stderr.replace(self.folder, "FOLDER"),
                         "cube: note: FOLDER/a.tif: what an earlier run had done is removed: the graph at "
                         "/command/2 was \"sleep 0.02; cat\", is \"sleep 0; cat\"\n")

    def refused(self, difference, *arguments, graph=None):
        self.rejects("FOLDER/a.tif: what an earlier run has left cannot be gone on with: " + difference +
                     " (without --resume the run begins anew)", "run", graph or self.slow, "-o",
                     self.path("a.tif"), "--resume", "--allow-exec", "-q", *arguments)

    def test_what_has_changed_is_named(self):
        self.killed("a.tif")
        same = ("--chunk", "1,128,128")
        self.refused('the graph at /command/2 was "sleep 0.02; cat", is "sleep 0.03; cat"', *same,
                     graph=self.graph(slowly(0.03), "other.json"))
        self.refused("the shape of chunks was 1,128,128, is 1,256,256", "--chunk", "1,256,256")
        self.refused("option COMPRESS is new", *same, "--co", "COMPRESS=ZSTD")
        self.refused("the format was GTiff, is COG", *same, "--format", "COG")
        done = self.done("a.tif")
        self.resumed("a.tif", done)

    def test_existing_outputs(self):
        cube("run", self.slow, "-o", self.path("a.tif"), *RUN, *CHUNK)
        self.rejects("FOLDER/a.tif: exists already (--overwrite replaces it)", "run", self.slow, "-o",
                     self.path("a.tif"), *RUN, *CHUNK, "--resume")
        done = self.killed("a.tif", "--overwrite")
        before = os.stat(self.path("a.tif")).st_ino
        self.rejects("FOLDER/a.tif: exists already (--overwrite replaces it)", "run", self.slow, "-o",
                     self.path("a.tif"), *RUN, *CHUNK, "--resume")
        self.resumed("a.tif", done, "--overwrite")
        self.assertNotEqual(os.stat(self.path("a.tif")).st_ino, before)

    def test_two_writers(self):
        first = self.start("a.tif", graph=self.graph(slowly(0.5), "slower.json"))
        self.wait_for("a.tif", 1, first)
        text = f"FOLDER/a.tif: another run (process {first.pid}) is writing it (wait until that has ended)"
        for more in ((), ("--overwrite",), ("--resume",)):
            self.rejects(text, "run", self.slow, "-o", self.path("a.tif"), *RUN, *CHUNK, *more)
        first.send_signal(signal.SIGTERM)
        first.communicate()
        self.rejects("FOLDER/b.tif: is written by another output of this run", "run", self.slow, *RUN, *CHUNK,
                     "-o", self.path("b.tif"), "-o", self.path("b.tif"))
        self.assertFalse(os.path.exists(self.work("b.tif")))


class Inputs(ResumeCase):
    """Files and catalogs that change between the runs."""

    def setUp(self):
        super().setUp()
        self.assertEqual(cube("sample", self.path("s")).returncode, 0)
        self.archive = self.path("s/archive")
        self.catalog = self.path("s/c.db")
        self.index()
        with open(self.path("s/ndvi.json")) as f:
            node = self.document = json.load(f)
        while "in_cube" in node:
            node = node["in_cube"]
        node["file"] = "c.db"
        del node["mask"], node["mask_band"]
        node["view"]["space"]["dx"] = 80
        node["view"]["space"].pop("dy", None)
        self.document = {"cube_type": "stream", "command": ["sh", "-c", "sleep 0.02; cat"], "bands": ["NDVI"],
                         "dtype": "float32", "in_cube": self.document}
        self.ndvi = self.graph(self.document, "s/slow.json")
        shape = json.loads(cube("info", self.ndvi, "--json").stdout)["grid"]
        self.chunk = ("--chunk", f"1,{-(-shape['ny'] // 5)},{-(-shape['nx'] // 5)}")

    def index(self, *more):
        result = cube("catalog", "create", self.catalog, self.archive, *more)
        self.assertEqual(result.returncode, 0, result.stderr)

    def left(self):
        return self.killed("a.tif", chunks=2, graph=self.ndvi)

    def refused(self, difference):
        result = cube("run", self.ndvi, "-o", self.path("a.tif"), *RUN, *self.chunk, "--resume")
        error = result.stderr.replace(self.folder, "FOLDER")
        self.assertEqual(result.returncode, 2, error)
        self.assertRegex(error, r"^cube: error: FOLDER/a.tif: what an earlier run has left cannot be gone on "
                         "with: " + difference)

    def test_an_input_file(self):
        done = self.left()
        victim = sorted(glob.glob(self.archive + "/S2A_*/B04.tif"))[0]
        other = sorted(glob.glob(self.archive + "/S2A_*/SCL.tif"))[0]
        os.utime(other)  # not read
        state = os.stat(victim)
        os.utime(victim, ns=(0, 1_600_000_000_500_000_000))
        name = victim.replace(self.folder, "FOLDER")
        size = os.path.getsize(victim)
        self.refused(rf"{name} was {size} bytes of 20.*, is {size} bytes of 2020-09-13T12:26:40.500000000 \(")
        os.utime(victim, ns=(state.st_atime_ns, state.st_mtime_ns))
        self.resumed("a.tif", done, graph=self.ndvi, chunks=25)

    def test_a_catalog(self):
        self.left()
        image = sorted(os.listdir(self.archive))[0]
        self.assertEqual(cube("catalog", "remove", self.catalog, "--images", image).returncode, 0)
        self.refused(f".*{image}.* is gone")
        # The same images again: another file, which says the same.
        os.remove(self.catalog)
        self.index()
        done = self.done("a.tif")
        self.resumed("a.tif", done, graph=self.ndvi, chunks=25)

    def test_images_left_out_are_still_told(self):
        node = self.document
        while "in_cube" in node:
            node = node["in_cube"]
        node["strict"] = False
        self.ndvi = self.graph(self.document, "s/slow.json")
        for victim in glob.glob(self.archive + "/*/B04.tif"):
            with open(victim, "w") as f:
                f.write("hello\n")
        process = self.start("a.tif", graph=self.ndvi)
        self.wait_for("a.tif", 20, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        result = cube("run", self.ndvi, "-o", self.path("a.tif"), *RUN, *self.chunk, "--resume",
                      "--stats", self.path("stats.json"))
        self.assertEqual(result.returncode, 1, result.stderr)
        with open(self.path("stats.json")) as f:
            told = {image["image"] for image in json.load(f)["skipped"]}
        whole_run = cube("run", self.ndvi, "-o", self.path("w.tif"), *RUN, *self.chunk,
                         "--stats", self.path("stats.json"))
        self.assertEqual(whole_run.returncode, 1)
        with open(self.path("stats.json")) as f:
            self.assertEqual(told, {image["image"] for image in json.load(f)["skipped"]})


class Stopped(ResumeCase):
    def stopped(self, name, graph, chunks, sign, *more):
        process = self.start(name, *more, graph=graph)
        self.wait_for(name, chunks, process)
        began = time.monotonic()
        process.send_signal(sign)
        _, error = process.communicate()
        self.assertLess(time.monotonic() - began, 1.5)  # a second, and what a busy machine adds
        self.assertEqual(process.returncode, 128 + sign)
        return error.replace(self.folder, "FOLDER")

    def test_says_how_to_go_on(self):
        for sign in (signal.SIGINT, signal.SIGTERM):
            shutil.rmtree(self.work("a.tif"), True)
            error = self.stopped("a.tif", self.slow, 3, sign)
            done = self.done("a.tif")
            self.assertRegex(error, rf"^cube: error: stopped by {sign.name}; {done} of 32 chunks are done, and "
                             r"--resume goes on from there \(\d.* in FOLDER/.a.tif.part\)\n$")
        self.resumed("a.tif", done)

    def test_before_the_first_chunk_nothing_is_left(self):
        graph = self.graph(slowly(20), "slower.json")
        process = self.start("a.tif", graph=graph)
        until = time.monotonic() + 20
        while not os.path.exists(self.work("a.tif") + "/0.part") and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate()
        self.assertEqual(error, "cube: error: stopped by SIGTERM; no output was made\n")
        self.assertFalse(os.path.exists(self.work("a.tif")))

    def test_a_chunk_that_takes_long(self):
        """Work that does not ask whether it is to stop is left where it is."""
        view = {**VIEW, "space": {**VIEW["space"], "dx": 1}}
        expr = "+".join(f"sin(ix * {i} + iy)" for i in range(400))
        graph = self.graph({"cube_type": "apply_pixel", "expr": expr, "band_names": "v", "in_cube": {
            "cube_type": "dummy", "nbands": 1, "fill": 3, "view": view}})
        process = subprocess.Popen([CUBE, "run", graph, "-o", self.path("a.tif"), "-q", "--chunk", "1,2560,2560"],
                                   stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
        self.assertLess(time.monotonic() - began, 1.5)
        self.assertEqual((process.returncode, error), (130, "cube: error: stopped by SIGINT; no output was made\n"))

    def test_a_chunk_that_fails(self):
        """What was done is kept, and the run goes on when the cause is gone."""
        flag = self.path("bad")
        graph = self.graph(slowly(0.02, f"test -e {flag} && exit 3; cat"), "fails.json")
        process = self.start("a.tif", graph=graph)
        self.wait_for("a.tif", 3, process)
        open(flag, "w").close()
        _, error = process.communicate()
        done = self.done("a.tif")
        self.assertEqual(process.returncode, 1)
        self.assertIn("status 3", error)
        self.assertIn(f"\ncube: {done} of 32 chunks are done, and --resume goes on from there (", error)
        os.remove(flag)
        self.resumed("a.tif", done, graph=graph)


if __name__ == "__main__":
    unittest.main()
