"""Outputs that several runs make, each a part of the chunks: killed and run again, in any number, under
launchers; `cube finish` makes of them what a single run makes."""
import glob
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from needs import gdal
from check_resume import (CELLS, CHUNK, CHUNKS, RUN, chunks_so_far, dataset, digest, rasters, record, records, slowly,
                          tree, whole)
from program import CUBE, VIEW, Case, cube

COG = ("--format", "COG", "--co", "BLOCKSIZE=128")
WHOLE_TILES = ("--chunk", "2,128,128")  # of COGs, which hold all slices of a cell
MPIRUN = shutil.which("mpirun")


class PartsCase(Case):
    def setUp(self):
        super().setUp()
        self.fast = self.graph(slowly(0), "fast.json")

    def work(self, name, part=None):
        folder = self.path(f".{name}.part")
        return folder if part is None else f"{folder}/part-{part}"

    def command(self, name, part, *more, graph=None, chunk=CHUNK):
        return [CUBE, "run", graph or self.fast, "-o", self.path(name), *RUN, *chunk, "--part", part, *more]

    def run_part(self, name, part, *more, **options):
        result = subprocess.run(self.command(name, part, *more, **options), capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def run_parts(self, name, count, *more, **options):
        """All at the same time."""
        commands = [self.command(name, f"{i}/{count}", *more, **options) for i in range(count)]
        running = [subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for c in commands]
        for process in running:
            self.assertEqual((process.communicate(), process.returncode), (("", ""), 0))
        self.assertFalse(os.path.exists(self.path(name)))

    def finish(self, *names, status=0, error="", more=()):
        result = cube("finish", *(self.path(name) for name in names), *more)
        self.assertEqual((result.returncode, result.stderr.replace(self.folder, "FOLDER")), (status, error))
        for name in names:
            self.assertEqual(os.path.exists(self.work(name)), status == 2)

    def single(self, name, *more, graph=None, chunk=CHUNK):
        result = cube("run", graph or self.fast, "-o", self.path(name), *RUN, *chunk, *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.path(name)

    def done(self, name, part):
        return chunks_so_far(self.work(name, part) + "/journal")


class Formats(PartsCase):
    """The output of parts is that of a single run, whatever the format."""

    def check(self, name, look, *more, count=4, chunk=CHUNK):
        self.run_parts(name, count, *more, chunk=chunk)
        self.finish(name)
        self.assertEqual(look(self.path(name)), look(self.single("w-" + name, *more, chunk=chunk)))

    def test_zarr(self):
        self.check("a.zarr", tree)

    def test_geotiff(self):
        self.check("a.tif", rasters)

    def test_geotiff_that_gdal_writes(self):
        self.check("l.tif", rasters, "--co", "COMPRESS=LZW", count=2)

    def test_cog(self):
        self.check("c.tif", rasters, *COG, chunk=WHOLE_TILES)
        layout = gdal.Open(self.path("c.tif")).GetMetadataItem("LAYOUT", "IMAGE_STRUCTURE")
        self.assertEqual(layout, "COG")
        with open(self.path("c.tif"), "rb") as made, open(self.path("w-c.tif"), "rb") as other:
            self.assertEqual(len(made.read()), len(other.read()))

    def test_a_vrt_over_files_of_the_parts(self):
        """Tile-aligned files, each with the chunks of its part; the VRT has the cells of the single file."""
        for name, more in (("v.tif", ()), ("vc.tif", COG), ("v_{t}.tif", ())):
            chunk = WHOLE_TILES if more else CHUNK
            self.run_parts(name, 5, *more, chunk=chunk)
            files = [self.path(name).replace("{t}", t) for t in ("2020-01", "2020-02")] if "{t}" in name else [self.path(name)]
            result = cube("finish", self.path(name), "--vrt")
            vrts = [file.replace(".tif", ".vrt") for file in files]
            self.assertEqual((result.returncode, result.stderr, result.stdout.split()), (0, "", vrts))
            self.single(name, *more, chunk=chunk)
            for vrt, file in zip(vrts, files):
                made, other = gdal.Open(vrt), gdal.Open(file)
                self.assertEqual((made.GetProjection(), made.GetGeoTransform()), (other.GetProjection(), other.GetGeoTransform()))
                self.assertEqual(made.RasterCount, other.RasterCount)
                self.assertEqual(made.GetMetadataItem("CUBE_GRAPH"), other.GetMetadataItem("CUBE_GRAPH"))
                for i in range(1, made.RasterCount + 1):
                    one, two = made.GetRasterBand(i), other.GetRasterBand(i)
                    self.assertEqual(digest(one), digest(two))
                    self.assertEqual((repr(one.GetNoDataValue()), one.GetDescription()), (repr(two.GetNoDataValue()), two.GetDescription()))
                parts = glob.glob(vrt.replace(".vrt", ".parts/*.tif"))
                self.assertIn(len(parts), (3, 5))
                # All of a file's tiles are in the files of the parts, once.
                open_parts = [gdal.Open(part) for part in parts]
                across = 512 // other.GetRasterBand(1).GetBlockSize()[0]
                for block in (f"BLOCK_OFFSET_{x}_{y}" for x in range(across) for y in range(across)):
                    held = [part.GetRasterBand(1).GetMetadataItem(block, "TIFF") is not None for part in open_parts]
                    self.assertEqual(sum(held), int(other.GetRasterBand(1).GetMetadataItem(block, "TIFF") is not None))
        self.run_parts("z.zarr", 2)
        self.rejects("--vrt: a VRT of Zarr parts is not made (of GeoTIFFs and COGs only)", "finish", self.path("z.zarr"), "--vrt")
        self.run_part("v.tif", "0/1", "--overwrite")
        self.rejects("FOLDER/v.vrt: exists already (--overwrite replaces it)", "finish", self.path("v.tif"), "--vrt")
        self.assertEqual(cube("finish", self.path("v.tif"), "--vrt", "--overwrite").returncode, 0)

    def test_cog_that_gdal_writes(self):
        self.check("g.tif", rasters, "--format", "COG", "--co", "COMPRESS=LZW", "--co", "BLOCKSIZE=256", count=2)

    def test_netcdf(self):
        self.check("a.nc", dataset)

    def test_picture(self):
        self.check("a.gif", whole, count=2)

    def test_table(self):
        self.check("a.csv", whole, count=2)

    def test_a_file_a_slice(self):
        self.run_parts("p_{t}.tif", 3)
        self.finish("p_{t}.tif")
        self.single("s_{t}.tif")
        for t in ("2020-01", "2020-02"):
            made, other = rasters(self.path(f"p_{t}.tif")), rasters(self.path(f"s_{t}.tif"))
            made[2]["CUBE_RUN"] = made[2]["CUBE_RUN"].replace('"p_{t}.tif"', '"s_{t}.tif"')
            self.assertEqual(made, other)

    def test_several_outputs(self):
        self.run_parts("a.zarr", 2, "-o", self.path("a.tif"))
        self.finish("a.zarr", "a.tif")
        self.assertEqual(tree(self.path("a.zarr")), tree(self.single("w.zarr")))
        self.assertEqual(rasters(self.path("a.tif")), rasters(self.single("w.tif")))

    def test_more_parts_than_chunks(self):
        chunk = ("--chunk", "2,256,256")
        for i in range(9):
            self.run_part("a.zarr", f"{i}/9", chunk=chunk)
        self.finish("a.zarr")
        self.assertEqual(tree(self.path("a.zarr")), tree(self.single("w.zarr", chunk=chunk)))


class Killed(PartsCase):
    def kill_one(self, name, *more, chunk=CHUNK):
        """Four parts at a time, of which one is killed; how many chunks it had done."""
        slow = self.graph(slowly(0.1), "slow.json")
        commands = [self.command(name, f"{i}/4", *more, graph=slow, chunk=chunk) for i in range(4)]
        running = [subprocess.Popen(c, stderr=subprocess.PIPE, text=True) for c in commands]
        until = time.monotonic() + 30
        while self.done(name, 1) < 2 and time.monotonic() < until:
            time.sleep(0.005)
        running[1].send_signal(signal.SIGKILL)
        statuses = [(process.communicate()[1], process.returncode) for process in running]
        self.assertEqual(statuses, [("", 0), ("", -9), ("", 0), ("", 0)])
        return slow, self.done(name, 1)

    def check(self, name, look, *more, chunk=CHUNK):
        slow, done = self.kill_one(name, *more, chunk=chunk)
        self.assertIn(done, range(2, 8))
        error = self.fails(2, "chunks are missing: ", "finish", self.path(name)).stderr
        self.assertRegex(error, r"missing: [1-7] of [345789] chunks? of part 1/4 \(run those parts again")
        others = {part: os.stat(self.work(name, part) + "/journal").st_mtime_ns for part in (0, 2, 3)}
        stats = self.path("stats.json")
        self.run_part(name, "1/4", "--stats", stats, *more, graph=slow, chunk=chunk)
        with open(stats) as f:
            stats = json.load(f)
        self.assertEqual(stats["chunks_resumed"], done)
        self.assertEqual(stats["chunks_done"], stats["chunks"])
        self.assertEqual(others, {part: os.stat(self.work(name, part) + "/journal").st_mtime_ns for part in others})
        self.finish(name)
        self.assertEqual(look(self.path(name)), look(self.single("w-" + name, *more, graph=slow, chunk=chunk)))

    def test_zarr(self):
        self.check("a.zarr", tree)

    def test_cog(self):
        self.check("c.tif", rasters, *COG, chunk=WHOLE_TILES)

    def test_another_machine_counts_what_was_durable(self):
        """A part that came to its end counts anywhere; of one that was killed, what the disk surely had."""
        self.run_parts("a.zarr", 2)
        for part in range(2):
            journal = self.work("a.zarr", part) + "/journal"
            out = b""
            for kind, payload, _ in records(journal):
                if kind == b"s":
                    payload = payload[:8] + b"x" * (len(payload) - 8)
                if kind != b"d" or part == 0:
                    out += record(kind, payload)
            with open(journal, "wb") as f:
                f.write(out)
        self.fails(2, "chunks are missing: 16 of 16 chunks of part 1/2 (", "finish", self.path("a.zarr"))

    def test_a_chunk_file_that_is_gone_or_cut_off(self):
        self.run_parts("a.zarr", 4)
        files = sorted(glob.glob(self.work("a.zarr") + "/0.part/v/[0-9]*"))
        os.remove(files[0])
        os.truncate(files[-1], 3)
        first = cube("finish", self.path("a.zarr")).stderr
        self.assertRegex(first, r"chunks are missing: 1 of \d+ chunks of part 0/4, 1 of \d+ chunks of part 3/4 \(")
        self.run_part("a.zarr", "0/4")
        self.run_part("a.zarr", "3/4")
        self.finish("a.zarr")
        self.assertEqual(tree(self.path("a.zarr")), tree(self.single("w.zarr")))

    def test_what_another_run_has_left(self):
        """Files of chunks that a run wrote which was killed before its journal knew of any."""
        graph = self.graph({**CELLS, "predicate": "v > 3000"}, "gaps.json")
        expected = tree(self.single("w.zarr", graph=graph))
        keys = {f"v/{t}.{y}.{x}" for t in range(2) for y in range(4) for x in range(4)}
        missing = min(keys - set(expected))
        os.makedirs(self.work("a.zarr") + "/0.part/v")
        shutil.copy(self.path("w.zarr/" + max(keys & set(expected))), self.work("a.zarr") + "/0.part/" + missing)
        self.run_parts("a.zarr", 2, graph=graph)
        self.finish("a.zarr")
        self.assertEqual(tree(self.path("a.zarr")), expected)

    def test_finishing_that_was_killed(self):
        """It is done again: between the names of files, and when a file was whole but had no name."""
        self.run_parts("p_{t}.tif", 2)
        shutil.copytree(self.work("p_{t}.tif"), self.path("kept"))
        self.finish("p_{t}.tif")
        first = whole(self.path("p_2020-01.tif"))
        shutil.copytree(self.path("kept"), self.work("p_{t}.tif"))
        self.rejects("FOLDER/p_2020-01.tif: exists already (--overwrite replaces it)", "finish", self.path("p_{t}.tif"))
        shutil.move(self.path("p_2020-02.tif"), self.work("p_{t}.tif") + "/1")
        with open(self.work("p_{t}.tif") + "/journal", "ab") as f:
            f.write(record(b"p", b""))
        self.finish("p_{t}.tif")
        self.assertEqual(whole(self.path("p_2020-01.tif")), first)
        self.assertTrue(os.path.exists(self.path("p_2020-02.tif")))


class Launchers(PartsCase):
    def launched(self, name, variables, part="env"):
        """A launcher that says no more than Slurm's, Kubernetes' and others do."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM", "OMPI", "PM"))}
        running = [subprocess.Popen(self.command(name, part), env={**environment, **of}, stderr=subprocess.PIPE, text=True)
                   for of in variables]
        for process in running:
            self.assertEqual((process.communicate()[1], process.returncode), ("", 0))
        self.finish(name)
        self.assertEqual(tree(self.path(name)), tree(self.single("w-" + name)))

    def test_slurm_array(self):
        array = {"SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_MAX": "7", "SLURM_ARRAY_TASK_STEP": "2",
                 "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_PROCID": "0", "SLURM_NTASKS": "1"}
        self.launched("a.zarr", [{**array, "SLURM_ARRAY_TASK_ID": str(i)} for i in (1, 3, 5, 7)])

    def test_kubernetes(self):
        self.launched("k.zarr", [{"JOB_COMPLETION_INDEX": str(i)} for i in range(3)], "env/3")

    def test_mpirun(self):
        if not MPIRUN:
            self.skipTest("no mpirun")
        command = [MPIRUN, "--allow-run-as-root", "--oversubscribe", "-n", "4", *self.command("m.zarr", "env")]
        result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMPI_MCA_btl": "self,tcp"})
        self.assertEqual(result.returncode, 0, result.stderr)
        self.finish("m.zarr")
        self.assertEqual(tree(self.path("m.zarr")), tree(self.single("w.zarr")))


class Refusals(PartsCase):
    def refuse(self, text, name, part, *more, environment=None, **options):
        result = subprocess.run(self.command(name, part, *more, **options), capture_output=True, text=True,
                                env={"PATH": os.environ["PATH"], **(environment or {})})
        self.assertEqual((result.returncode, result.stderr.replace(self.folder, "FOLDER")), (2, f"cube: error: {text}\n"))

    def test_what_is_no_part(self):
        counted = "they are counted from 0: 0/4 to 3/4"
        for part, text in {
                "4/4": f"there is no part 4/4 ({counted})", "-1/4": f"there is no part -1/4 ({counted})",
                "0/0": "there are 0 parts in '0/0' (1 to 1000000)",
                "x": "'x' is no part (as in 0/8, env or env/8; they are counted from 0)",
                "1/": "'1/' is no part (as in 0/8, env or env/8; they are counted from 0)"}.items():
            self.refuse("--part: " + text, "a.zarr", part)

    def test_launchers_that_do_not_say_enough(self):
        self.refuse("--part: no launcher says which part this is (OMPI_COMM_WORLD_RANK with OMPI_COMM_WORLD_SIZE, "
                    "PMI_RANK with PMI_SIZE, PMIX_RANK, SLURM_PROCID with SLURM_NTASKS, SLURM_ARRAY_TASK_ID with "
                    "SLURM_ARRAY_TASK_COUNT, JOB_COMPLETION_INDEX, AWS_BATCH_JOB_ARRAY_INDEX)", "a.zarr", "env")
        self.refuse("--part: JOB_COMPLETION_INDEX does not say how many parts there are (env/8 for 8 parts)", "a.zarr",
                    "env", environment={"JOB_COMPLETION_INDEX": "1"})
        self.refuse("--part: SLURM_ARRAY_TASK_ID does not say how many parts there are (env/8 for 8 parts)", "a.zarr", "env",
                    environment={"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_MAX": "7",
                                 "SLURM_ARRAY_TASK_COUNT": "3"})
        self.refuse("--part: PMI_RANK is 'x' (a whole number)", "a.zarr", "env", environment={"PMI_RANK": "x"})

    def test_two_launchers(self):
        environment = {"PATH": os.environ["PATH"], "OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2",
                       "SLURM_PROCID": "0", "SLURM_NTASKS": "3"}
        command = [one for one in self.command("a.zarr", "env") if one != "-q"]
        result = subprocess.run(command, capture_output=True, text=True, env=environment)
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stderr.replace(self.folder, "FOLDER"),
                         "cube: note: part 1/2 by OMPI_COMM_WORLD_RANK; SLURM_PROCID is set too\n"
                         "cube: part 1/2 has 16 of 16 chunks; when all parts are done: cube finish FOLDER/a.zarr\n")

    def test_parts_that_differ(self):
        self.run_part("a.zarr", "0/4")
        work = self.work("a.zarr").replace(self.folder, "FOLDER")
        gives_up = f"(rm -r {work} gives up what they have done)"
        differs = "FOLDER/a.zarr, part {}: the other parts are of something else: {} " + gives_up
        self.refuse(differs.format("1/5", "the number of parts was 4, is 5"), "a.zarr", "1/5")
        other = self.graph(slowly(0.01), "other.json")
        self.refuse(differs.format("1/4", 'the graph at /command/2 was "sleep 0; cat", is "sleep 0.01; cat"'), "a.zarr",
                    "1/4", graph=other)
        self.refuse(differs.format("1/4", "option COMPRESS is new"), "a.zarr", "1/4", "--co", "COMPRESS=ZSTD")
        self.refuse("--chunk: is 1,64,256, and other parts have chunks of 1,128,128 (leave it away: parts take what "
                    "the first one has)", "a.zarr", "1/4", chunk=("--chunk", "1,64,256"))
        self.assertEqual(self.done("a.zarr", 0), 8)

    def test_parts_take_the_chunks_of_the_first(self):
        """Whatever their threads and memory are."""
        for part in ("0/2", "1/2"):  # chunks that are cut to the size of the cube
            self.run_part("b.zarr", part, chunk=("--chunk", "9,4000,4000"))
        self.finish("b.zarr")
        self.run_part("a.zarr", "0/2", "--memory", "300M", chunk=())
        self.run_part("a.zarr", "1/2", "--memory", "2G", chunk=())
        self.finish("a.zarr")

    def test_too_little_memory_for_their_chunks(self):
        view = {**VIEW, "space": {**VIEW["space"], "right": 60000, "top": 60000}}
        graph = self.graph({"cube_type": "dummy", "nbands": 4, "fill": 3, "view": view}, "large.json")
        self.run_part("a.zarr", "3/4", graph=graph, chunk=("--chunk", "3,3000,3000"))
        result = subprocess.run(self.command("a.zarr", "0/4", "--memory", "120M", graph=graph, chunk=()),
                                capture_output=True, text=True)
        self.assertEqual(result.returncode, 2)
        self.assertIn("--memory: a memory budget of 126 MB is too small for this graph in the chunks that other parts "
                      "have (it takes ", result.stderr)

    def test_single_runs_and_parts(self):
        self.run_part("a.zarr", "1/4")
        for more in ((), ("--resume",)):
            self.rejects("FOLDER/a.zarr: it is made in 4 parts, which have 8 of 32 chunks done ('cube finish' makes it of "
                         "them, --overwrite begins anew)", "run", self.fast, "-o", self.path("a.zarr"), *RUN, *CHUNK, *more)
        self.single("a.zarr", "--overwrite")
        self.assertFalse(os.path.exists(self.work("a.zarr")))
        self.refuse("FOLDER/a.zarr: exists already (--overwrite replaces it)", "a.zarr", "0/4")
        self.run_parts_over("a.zarr")

    def run_parts_over(self, name):
        before = os.stat(self.path(name)).st_ino
        for i in range(2):
            self.run_part(name, f"{i}/2", "--overwrite")
        self.rejects(f"FOLDER/{name}: exists already (--overwrite replaces it)", "finish", self.path(name))
        self.finish(name, more=("--overwrite",))
        self.assertNotEqual(os.stat(self.path(name)).st_ino, before)

    def test_appending(self):
        self.refuse("FOLDER/a.zarr: slices cannot be appended in parts (make a Zarr of its own in parts, or append without "
                    "--part)", "a.zarr", "0/4", "--append")

    def test_a_single_run_that_was_stopped(self):
        slow = self.graph(slowly(0.3), "slow.json")
        process = subprocess.Popen([CUBE, "run", slow, "-o", self.path("a.zarr"), *RUN, *CHUNK], stderr=subprocess.PIPE)
        journal = self.work("a.zarr") + "/journal"
        while chunks_so_far(journal) < 2:
            time.sleep(0.01)
        self.refuse(f"FOLDER/a.zarr: another run (process {process.pid}) is writing it (wait until that has ended)",
                    "a.zarr", "0/4", graph=slow)
        process.kill()
        process.communicate()
        done = sum(kind == b"c" for kind, _, _ in records(journal))
        work = self.work("a.zarr").replace(self.folder, "FOLDER")
        self.refuse(f"FOLDER/a.zarr: a run without parts was stopped with {done} chunks done (--resume without --part goes "
                    f"on; rm -r {work} gives it up)", "a.zarr", "0/4", graph=slow)

    def test_while_a_part_is_at_work(self):
        slow = self.graph(slowly(0.3), "slow.json")
        process = subprocess.Popen(self.command("a.zarr", "1/4", graph=slow), stderr=subprocess.PIPE)
        while self.done("a.zarr", 1) < 1:
            time.sleep(0.01)
        self.refuse(f"FOLDER/a.zarr, part 1/4: another run (process {process.pid}) is writing it (wait until that has "
                    "ended)", "a.zarr", "1/4", graph=slow)
        self.rejects(f"FOLDER/a.zarr: part 1/4 is being computed (process {process.pid}) (wait until that has ended)",
                     "finish", self.path("a.zarr"))
        result = cube("run", slow, "-o", self.path("a.zarr"), *RUN, *CHUNK, "--overwrite")
        self.assertEqual(result.returncode, 2)
        self.assertIn("is writing it", result.stderr)
        process.send_signal(signal.SIGTERM)
        self.assertIn(b"the same command goes on from there", process.communicate()[1])
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)

    def test_finishing_what_is_not_there(self):
        self.rejects("FOLDER/n.zarr: there are no parts of it (cube run GRAPH -o FOLDER/n.zarr --part 0/8 makes the first "
                     "of 8)".replace("FOLDER/n.zarr --part", self.path("n.zarr") + " --part").replace(self.folder, "FOLDER"),
                     "finish", self.path("n.zarr"))
        self.run_part("a.zarr", "1/4")
        self.rejects("FOLDER/a.zarr: chunks are missing: 8 of 8 chunks of part 0/4, 8 of 8 chunks of part 2/4, 8 of 8 "
                     "chunks of part 3/4 (run those parts again, they go on with what they have)", "finish",
                     self.path("a.zarr"))
        with open(self.work("a.zarr") + "/parts", "r+b") as f:
            f.truncate(20)
        self.rejects(f"FOLDER/a.zarr: what its parts have in common cannot be read (rm -r FOLDER/.a.zarr.part gives up what "
                     "they have done)", "finish", self.path("a.zarr"))

    def test_a_report_of_two_graphs(self):
        for name, value in (("a.zarr", 1), ("b.zarr", 2)):
            self.run_part(name, "0/1", graph=self.graph({"cube_type": "apply_pixel", "expr": str(value),
                                                         "in_cube": slowly(0)}, f"{name}.json"))
        self.rejects("--report: FOLDER/a.zarr and FOLDER/b.zarr are results of different graphs (a report tells of one: "
                     "finish them one by one)", "finish", self.path("a.zarr"), self.path("b.zarr"), "--report",
                     self.path("r.json"))
        self.finish("a.zarr", "b.zarr")

    def test_inputs_that_changed_before_the_end(self):
        self.single("in.tif", chunk=("--chunk", "2,512,512"), graph=self.graph(
            {"cube_type": "select_time", "t": ["2020-01"], "in_cube": slowly(0)}, "one.json"))
        graph = self.graph({"cube_type": "raster", "file": "in.tif"}, "raster.json")
        for i in range(2):
            self.run_part("a.zarr", f"{i}/2", graph=graph)
        os.utime(self.path("in.tif"), (1, 1))
        error = self.fails(2, "a.zarr: its parts were made of something else than is there now: ", "finish",
                           self.path("a.zarr")).stderr
        self.assertIn("in.tif was ", error)


class Failures(PartsCase):
    def test_what_failed_in_a_part_is_told_at_the_end(self):
        """As a single run tells it."""
        fails = self.graph({**slowly(0), "command": ["sh", "-c", "exit 3"]}, "fails.json")
        for i in range(2):
            result = subprocess.run(self.command("a.zarr", f"{i}/2", "--keep-going", graph=fails), capture_output=True)
            self.assertEqual(result.returncode, 1)
        report = self.path("report.json")
        result = cube("finish", self.path("a.zarr"), "--report", report)
        self.assertEqual(result.returncode, 1)
        single = cube("run", fails, "-o", self.path("w.zarr"), *RUN, *CHUNK, "--keep-going", "--report", self.path("w.json"))
        self.assertEqual(single.returncode, 1)
        with open(report) as f, open(self.path("w.json")) as g:
            made, other = json.load(f), json.load(g)
        self.assertEqual([made[key] for key in ("failures", "skipped", "images", "chunks", "chunks_done", "status")],
                         [other[key] for key in ("failures", "skipped", "images", "chunks", "chunks_done", "status")])
        self.assertEqual(tree(self.path("a.zarr")), tree(self.path("w.zarr")))

    def test_a_failed_chunk_is_tried_again(self):
        flag = self.path("flag")
        graph = self.graph({**slowly(0), "command": ["sh", "-c", f"test -e {flag} && cat"]}, "flag.json")
        for i in range(2):
            subprocess.run(self.command("a.zarr", f"{i}/2", "--keep-going", graph=graph), capture_output=True)
        open(flag, "w").close()
        for i in range(2):
            self.run_part("a.zarr", f"{i}/2", graph=graph)
        self.finish("a.zarr")
        self.assertEqual(tree(self.path("a.zarr")), tree(self.single("w.zarr", graph=graph)))

    def test_skipped_images(self):
        self.assertEqual(cube("sample", self.path("s")).returncode, 0)
        os.truncate(sorted(glob.glob(self.path("s/archive/S2A_*/B04.tif")))[0], 2000)
        cube("catalog", "create", self.path("s/s2.db"), self.path("s/archive"))
        with open(self.path("s/ndvi.json")) as f:
            node = document = json.load(f)
        while "in_cube" in node:
            node = node["in_cube"]
        node["strict"] = False
        graph = self.graph(document, "s/some.json")
        chunk = ("--chunk", "1,200,200")
        single = cube("run", graph, "-o", self.path("w.zarr"), *chunk)
        for i in range(3):
            result = subprocess.run(self.command("a.zarr", f"{i}/3", graph=graph, chunk=chunk), capture_output=True, text=True)
            self.assertIn(result.returncode, (0, 1), result.stderr)
        result = cube("finish", self.path("a.zarr"))
        self.assertEqual((result.returncode, single.returncode), (1, 1), single.stderr)
        self.assertEqual(result.stderr, single.stderr)
        self.assertEqual(tree(self.path("a.zarr")), tree(self.path("w.zarr")))


class Simulation(PartsCase):
    def simulated(self, text, *more):
        result = cube("plan", self.fast, *CHUNK, "--allow-exec", "--json", "--simulate", text, *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def test_a_run_on_paper(self):
        """The sums of the model, from rates that make each of them a handy number."""
        rates = "read_byte=0,image=0,result_byte=0,chunk=1,start=2,start_image=0,finish_chunk=0,finish_byte=0"
        made = self.simulated("workers=64," + rates)
        self.assertEqual((made["chunks"], made["cpu_seconds"], made["dearest_chunk"]), (CHUNKS, 32, 1))
        self.assertEqual([run["workers"] for run in made["runs"]], [1, 2, 4, 8, 16, 32, 64])
        for run in made["runs"]:
            work = max(1, CHUNKS / run["workers"])
            self.assertEqual((run["start"], run["work"], run["finish"], run["seconds"]), (2, work, 2, work + 4))
            self.assertAlmostEqual(run["busy"], CHUNKS / run["workers"] / (work + 4))
        self.assertEqual([run["limit"] for run in made["runs"]][-1], "cube finish")
        three = self.simulated("workers=3,threads=2,repeats=10," + rates)
        self.assertEqual([(run["workers"], run["work"]) for run in three["runs"]], [(1, 160), (2, 80), (3, 53.5)])
        self.assertEqual((three["cells"], three["chunks"]), (10 * CHUNKS * 128 * 128, 320))
        slow = self.simulated("workers=2,packed=0.5,write=1000," + rates)["runs"][1]
        self.assertEqual(slow["limit"], "storage")

    def test_as_text(self):
        result = cube("plan", self.fast, *CHUNK, "--allow-exec", "--simulate", "workers=8")
        lines = result.stdout.splitlines()
        self.assertEqual((result.returncode, len(lines)), (0, 6))
        self.assertRegex(lines[0], r"^work    32 chunks, 0 images, 5.24e\+05 cells; ")

    def test_what_cannot_be_simulated(self):
        for text, error in {"workers": "workers is '' (a number that is not negative)",
                            "workers=0": "there are no workers (workers=1 to 1000000)",
                            "workers=2,raed=1": "there is no 'raed' (did you mean 'read'?)",
                            "workers=2,read=x": "read is 'x' (a number that is not negative)",
                            "workers=2,read=0": "the storage moves nothing (read and write are bytes a second)",
                            "workers=2,threads=0": "a count is below 1 (threads and repeats are 1 or more)",
                            "workers=2,repeats=1e9": "more than 20 million chunks are not simulated (larger chunks "
                                                     "(--chunk), or fewer repeats)"}.items():
            self.rejects("--simulate: " + error, "plan", self.fast, *CHUNK, "--allow-exec", "--simulate", text)


class Examples(PartsCase):
    """The commands of examples/, started as their launchers start them."""

    def example(self, name):
        return os.path.join(os.environ["CUBE_SOURCE"], "examples", name)

    def environment(self, **more):
        return {**os.environ, "PATH": os.path.dirname(CUBE) + ":" + os.environ["PATH"], **more}

    def test_slurm(self):
        """sbatch that runs the tasks of an array one after the other, and what depends on them last."""
        os.mkdir(self.path("bin"))
        with open(self.path("bin/sbatch"), "w") as f:
            f.write(r"""#!/usr/bin/env bash
set -eu
array= wrap=
while [ $# -gt 0 ] && [[ $1 == --* ]]; do
  case $1 in --array=*) array=${1#*=} ;; --wrap=*) wrap=${1#*=} ;; esac
  shift
done
if [ -n "$wrap" ]; then bash -c "$wrap" >&2; echo 18; exit; fi
IFS=- read -r first last <<<"$array"
export SLURM_ARRAY_TASK_MIN=$first SLURM_ARRAY_TASK_MAX=${last:-$first} SLURM_ARRAY_TASK_STEP=1 SLURM_PROCID=0 SLURM_NTASKS=1
export SLURM_ARRAY_TASK_COUNT=$((SLURM_ARRAY_TASK_MAX - first + 1)) SLURM_CPUS_PER_TASK=1 SLURM_MEM_PER_NODE=2048
for SLURM_ARRAY_TASK_ID in $(seq "$first" "$SLURM_ARRAY_TASK_MAX"); do
  export SLURM_ARRAY_TASK_ID
  bash "$@" >&2 || echo "task $SLURM_ARRAY_TASK_ID failed" >&2
done
echo 17
""")
        os.chmod(self.path("bin/sbatch"), 0o755)
        graph = self.graph({"cube_type": "dummy", "nbands": 1, "fill": 3, "view": VIEW})
        environment = self.environment(PATH=self.path("bin") + ":" + self.environment()["PATH"])
        result = subprocess.run([self.example("slurm/submit.sh"), graph, self.path("a.zarr"), "3"], env=environment,
                                capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("failed", result.stderr)
        self.assertTrue(os.path.exists(self.path("a.zarr/.zmetadata")))
        # A task alone, with the number of all parts.
        again = subprocess.run(["sbatch", "--array=2", self.example("slurm/parts.sbatch"), graph, self.path("b.zarr")],
                               env={**environment, "PARTS": "3"}, capture_output=True, text=True)
        self.assertIn("cube: part 2/3 has ", again.stderr)

    def test_kubernetes(self):
        import yaml
        jobs = []
        for name in ("parts", "finish"):
            with open(self.example(f"kubernetes/{name}.yaml")) as f:
                jobs.append(yaml.safe_load(f)["spec"])
        self.assertEqual(jobs[0]["completionMode"], "Indexed")
        count = jobs[0]["completions"]
        self.graph({"cube_type": "dummy", "nbands": 1, "fill": 3, "view": VIEW})
        commands = [[word.replace("/data", self.folder) for word in job["template"]["spec"]["containers"][0]["command"]]
                    for job in jobs]
        for index in range(count):
            result = subprocess.run(commands[0], env=self.environment(JOB_COMPLETION_INDEX=str(index)), capture_output=True,
                                    text=True)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(f"part {index}/{count} has ", result.stderr)
        result = subprocess.run(commands[1], env=self.environment(), capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertTrue(os.path.exists(self.path("out.zarr/.zmetadata")))


if __name__ == "__main__":
    unittest.main()
