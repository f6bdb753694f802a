"""Calls of the program that fail, one by one: what is left of outputs, what is said, what --resume makes of it.

A healthy run is counted first (faults/fault_injector.c), then it is run again for calls of each kind, one of
which fails. CUBE_FAULTS=every (by hand, minutes) takes every call instead of a few of each kind."""
import contextlib
import errno
import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

from needs import gdal, np
from program import CUBE, Case

INJECTOR = os.environ.get("CUBE_FAULT_INJECTOR", "")
EVERY = os.environ.get("CUBE_FAULTS") == "every"
ALL = 10 ** 6
MOST = ALL if EVERY else 3  # calls of one kind of output, or half as many
MOST_READS = 30
MAIN = ("tif", "cog", "netcdf", "zarr", "csv", "gpkg")
OUTPUT_CALLS = "create,open,read,write,sync,rename,truncate,close,mkdir"
SMALL = ("--chunk", "2,128,128", "-q", "--allow-exec")
FEW = (*SMALL, "--threads", "1")
ERRORS = {"create": "EMFILE", "open": "EIO", "read": "EIO", "write": "ENOSPC", "sync": "EIO", "rename": "EIO",
          "truncate": "ENOSPC", "close": "EDQUOT", "mkdir": "EROFS"}
KINDS = {"open": "create", "open64": "create", "fopen": "create", "fopen64": "create", "fsync": "sync",
         "fdatasync": "sync", "syncfs": "sync", "fflush": "sync", "renameat2": "rename", "ftruncate": "truncate",
         "ftruncate64": "truncate", "fclose": "close", "read": "read", "pread": "read", "pread64": "read",
         "fread": "read", "openat": "create", "openat64": "create"}
VIEW = {"space": {"left": 0, "right": 2560, "bottom": 0, "top": 2560, "dx": 10, "srs": "EPSG:32631"},
        "time": {"t0": "2020-01", "t1": "2020-01", "dt": "P1M"}}
CELLS = {"cube_type": "apply_pixel", "expr": "ix * 7 + iy * 3.5", "band_names": "v",
         "in_cube": {"cube_type": "dummy", "nbands": 1, "fill": 3, "view": VIEW}}
# name: file, more arguments, graph
OUTPUTS = {"tif": ("a.tif", (), "cells"),
           "tif by GDAL": ("a.tif", ("--co", "COMPRESS=LZW"), "cells"),
           "cog": ("a.tif", ("--format", "COG", "--co", "BLOCKSIZE=128"), "cells"),
           "cog by GDAL": ("a.tif", ("--format", "COG", "--co", "COMPRESS=LZW", "--co", "BLOCKSIZE=128"), "cells"),
           "files": ("a_{band}.tif", (), "two"),
           "netcdf": ("a.nc", (), "cells"),
           "zarr": ("a.zarr", (), "cells"),
           "png": ("a.png", (), "cells"),
           "gif": ("a.gif", (), "cells"),
           "webp": ("a.webp", (), "cells"),
           "csv": ("a.csv", (), "zonal"),
           "svg": ("a.svg", (), "zonal"),
           "gpkg": ("a.gpkg", (), "zonal"),
           "geojson": ("a.geojson", (), "zonal")}


def words(error):
    return os.strerror(getattr(errno, error)).lower()


# What GDAL and SQLite say of a full disk without naming it.
UNTOLD = {"cog by GDAL": "cannot be written: write failed",
          "gpkg": "unable to open database file|table gpkg_extensions already exists"}
# libtiff 4.5 crashes where it cannot read back the directory it has just written, in the midst of GDAL's work.
CRASHES = {"tif by GDAL": words("EIO")}
trials = {}  # how many of what


def program(arguments, fault="", log=None, timeout=30, prepare=None):
    environment = {**os.environ, "LD_PRELOAD": INJECTOR, "CUBE_FAULT": fault}
    if log:
        environment["CUBE_FAULT_LOG"] = log
    return subprocess.run([CUBE, *arguments], capture_output=True, text=True, env=environment, timeout=timeout,
                          preexec_fn=prepare)


def tree(path):
    """All bytes of a file or folder."""
    if not os.path.lexists(path):
        return None
    if os.path.isfile(path):
        with open(path, "rb") as f:
            return f.read()
    return {name: tree(os.path.join(path, name)) for name in sorted(os.listdir(path))}


def look(path):
    """What an output says, however it is stored."""
    if path.endswith((".tif", ".nc")):
        data = gdal.Open(path)
        out = [data.GetProjection(), data.GetGeoTransform(), data.RasterCount]
        for i in range(1, data.RasterCount + 1):
            band = data.GetRasterBand(i)
            out += [repr(band.GetNoDataValue()), band.GetDescription(), band.ReadAsArray().tobytes()]
            out += [band.GetOverview(k).ReadAsArray().tobytes() for k in range(band.GetOverviewCount())]
        return out
    if path.endswith(".gpkg"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            layer = os.path.basename(path)[:-len(".gpkg")]
            return [database.execute(f"SELECT * FROM {layer}").fetchall(),
                    database.execute("SELECT identifier, srs_id, min_x, max_x FROM gpkg_contents").fetchall()]
    if path.endswith(".geojson"):
        with open(path) as f:
            return json.load(f)
    return tree(path)


def calls_of(log):
    """(kind, what it is done to without numbers) of each call."""
    if not os.path.exists(log):
        return []
    out = []
    with open(log) as f:
        for line in f:
            call, name = line.rstrip("\n").split(" ", 1)
            kind = KINDS.get(call, call)
            kind = "write" if "write" in kind else "rename" if kind.startswith("rename") else kind
            out.append((kind, re.sub(r"\d+", "#", os.path.basename(name))))
    return out


def sample(calls, most):
    """Numbers from 1 of some calls: the first of each kind and file, then the last ones, then those between."""
    groups = {}
    for number, call in enumerate(calls, 1):
        groups.setdefault(call, []).append(number)
    order = []
    for place in (0, 1, 0.5):
        order += [numbers[int(place * (len(numbers) - 1))] for numbers in groups.values()]
    order += range(1, len(calls) + 1)
    order = list(dict.fromkeys(order))
    if len(order) <= most:
        return sorted(order)
    # of all kinds, not just of the first
    firsts = order[:len(groups)]
    step = max(1, len(firsts) // max(1, most * 2 // 3))
    chosen = firsts[::step][:most * 2 // 3]
    rest = [number for number in order if number not in chosen]
    step = max(1, len(rest) // max(1, most - len(chosen)))
    return sorted((chosen + rest[::step])[:most])


class Faults(Case):
    @classmethod
    def setUpClass(cls):
        if not INJECTOR or subprocess.run([CUBE, "--version"], capture_output=True,
                                          env={**os.environ, "LD_PRELOAD": INJECTOR}).returncode != 0:
            raise unittest.SkipTest("calls cannot be made to fail here")

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("out"))
        self.graph(CELLS, "cells.json")
        self.graph({**CELLS, "expr": ["ix + iy", "ix - iy"], "band_names": ["v", "w"]}, "two.json")
        squares = [{"type": "Feature", "properties": {"name": f"f{i}"}, "geometry": {
            "type": "Polygon", "coordinates": [[[x, 100], [x + 600, 100], [x + 600, 900], [x, 900], [x, 100]]]}}
            for i, x in enumerate((100, 900, 1700))]
        self.graph({"type": "FeatureCollection", "features": squares, "crs": {
            "type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}}, "areas.geojson")
        self.graph({"cube_type": "zonal", "file": "areas.geojson", "reducers": ["mean", "max"],
                    "in_cube": CELLS}, "zonal.json")

    def out(self, name):
        return os.path.join(self.folder, "out", name)

    def leftovers(self, names):
        return sorted(set(os.listdir(self.path("out"))) - set(names))

    def ends_well(self, result, label):
        """Neither a crash nor a hang, and what it says begins as it should."""
        self.assertIn(result.returncode, (0, 1, 2), (label, result.stderr))
        if result.returncode:
            self.assertRegex(result.stderr, r"(?m)^cube: (error|note|warning): ", label)
            self.assertNotIn("ERROR", result.stderr, label)  # a library's own word
            self.assertNotIn("unexpected", result.stderr, label)
            self.assertNotIn("std::", result.stderr, label)


class Outputs(Faults):
    def arguments(self, name, *more):
        file, options, graph = OUTPUTS[name]
        return ["run", self.path(graph + ".json"), "-o", self.out(file), *FEW, *options, *more]

    def files(self, name):
        file = OUTPUTS[name][0]
        return [file.replace("{band}", band) for band in ("v", "w")] if "{band}" in file else [file]

    def says_why(self, name, cause, said, label):
        self.assertIn(OUTPUTS[name][0].split("{")[0], said, label)
        if cause and ("GDAL" not in name or cause == words("ENOSPC")):  # GDAL says not always why
            # Where it says nothing of a full disk, the room that is left tells; here there is enough.
            causes = f"{cause}|{UNTOLD[name]}" if name in UNTOLD else cause
            self.assertRegex(said, causes, label)

    def trial(self, name, fault, cause, right, old):
        """One run with a fault over an old output, and one that goes on."""
        label = (name, fault)
        files = self.files(name)
        shutil.rmtree(self.path("out"))
        shutil.copytree(self.path("old"), self.path("out"))
        result = program(self.arguments(name, "--overwrite"), fault)
        crashed = result.returncode == -signal.SIGSEGV and CRASHES.get(name) == cause
        if not crashed:
            self.ends_well(result, label)
        trials[name] = trials.get(name, 0) + 1
        work = "." + OUTPUTS[name][0] + ".part"
        if result.returncode == 0:
            self.assertEqual(result.stderr, "", label)
            self.assertEqual([look(self.out(f)) for f in files], right, label)
            # Of a folder that cannot be listed something may stay, which nobody goes on with.
            self.assertLessEqual(set(self.leftovers(files)), {work}, label)
            self.assertFalse(os.path.exists(os.path.join(self.out(work), "journal")), label)
            return 0
        if not crashed:
            self.says_why(name, cause, result.stderr.lower(), label)
        for file, before, wanted in zip(files, old, right):
            if tree(self.out(file)) != before:
                self.assertEqual(look(self.out(file)), wanted, label)
        self.assertLessEqual(set(self.leftovers(files)), {work} if result.returncode != 2 else set(), label)
        result = program(self.arguments(name, "--overwrite", "--resume"))
        self.assertEqual((result.returncode, result.stderr), (0, ""), label)
        self.assertEqual([look(self.out(f)) for f in files], right, label)
        self.assertEqual(self.leftovers(files), [], label)
        return 1

    def prepare(self, name):
        """An old output, the right one, and the calls that make it."""
        file, options, graph = OUTPUTS[name]
        with open(self.path(graph + ".json")) as f:
            other = self.graph(re.sub(r"\bix\b", "(ix + 5)", f.read()), "other.json")
        arguments = self.arguments(name)
        result = program([arguments[0], other, *arguments[2:]])
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        shutil.copytree(self.path("out"), self.path("old"))
        old = [tree(self.out(f)) for f in self.files(name)]
        log = self.path("log")
        result = program(self.arguments(name, "--overwrite"), f"{OUTPUT_CALLS}|{self.path('out')}|0|", log)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(self.leftovers(self.files(name)), [])
        return old, [look(self.out(f)) for f in self.files(name)], calls_of(log)

    def every_call(self, name):
        old, right, calls = self.prepare(name)
        self.assertGreater(len(calls), 10, name)
        failed = 0
        # That what was just written cannot be read libraries expect least.
        reads = [number for number, (kind, _) in enumerate(calls, 1) if kind == "read"]
        chosen = sample(calls, MOST if name in MAIN or EVERY else MOST // 2)
        for number in sorted({*chosen, *reads[::1 + len(reads) // MOST_READS]}):
            error = ERRORS[calls[number - 1][0]]
            with self.subTest(name=name, call=calls[number - 1], number=number):
                failed += self.trial(name, f"{OUTPUT_CALLS}|{self.path('out')}|{number}|{error}", words(error), right, old)
        # A disk that stays full: from the first call on, and from what is written into each file early and in the
        # middle.
        taking = [call for call in calls if call[0] in ("write", "create", "mkdir", "truncate")]
        writes = [[n for n, call in enumerate(taking, 1) if call == one] for one in set(taking) if one[0] == "write"]
        numbers = {1, *(each[len(each) // part] for each in writes for part in (4, 2))}
        for number in range(1, len(taking) + 1) if EVERY else sorted(numbers):
            with self.subTest(name=name, full=number):
                fault = f"write,create,mkdir,truncate|{self.path('out')}|{number}+|ENOSPC"
                failed += self.trial(name, fault, words("ENOSPC"), right, old)
        self.assertGreater(failed, 0, name)

    def test_taking_the_place_of_another(self):
        """Renaming fails, for once or from then on: the old output is there, or the new one."""
        for name in ("tif", "netcdf", "zarr"):
            old, right, calls = self.prepare(name)
            renames = sum(kind == "rename" for kind, _ in calls)
            self.assertGreater(renames, 1, name)
            for number in range(1, renames + 1):
                for on in ("", "+"):
                    with self.subTest(name=name, number=number, on=on):
                        fault = f"rename|{self.path('out')}|{number}{on}|EIO"
                        self.trial(name, fault, words("EIO"), right, old)
            shutil.rmtree(self.path("old"))
            shutil.rmtree(self.path("out"))
            os.mkdir(self.path("out"))

    def test_no_permission(self):
        """What is refused from the first call on is refused before any work, and its cause is named."""
        for name in MAIN:
            result = program(self.arguments(name), f"create,mkdir|{self.path('out')}|1+|EACCES")
            self.assertEqual(result.returncode, 2, (name, result.stderr))
            self.assertRegex(result.stderr, r"^cube: error: .*" + re.escape(OUTPUTS[name][0]) + r".*[Pp]ermission denied")
            self.assertEqual(self.leftovers([]), [])


for _name in OUTPUTS:
    setattr(Outputs, "test_" + _name.replace(" ", "_").lower(), lambda self, name=_name: self.every_call(name))


class Reading(Faults):
    """Files that are read: cells are right, or a chunk, its file and the cause are named."""

    made = None  # the files, made once

    def setUp(self):
        super().setUp()
        if not Reading.made:
            os.mkdir(self.path("in"))
            self.make_inputs()
            Reading.made = tempfile.mkdtemp()
            shutil.copytree(self.path("in"), Reading.made, dirs_exist_ok=True)
        else:
            shutil.copytree(Reading.made, self.path("in"))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.made, True)
        cls.made = None

    def make_inputs(self):
        self.input("a.tif", "cells")
        self.input("l.tif", "cells", "--co", "COMPRESS=LZW")
        self.input("n.tif", "cells", "--co", "COMPRESS=NONE")
        self.input("a.nc", "cells")
        self.input("a.zarr", "cells")
        gdal.Translate(self.path("in/classic.nc"), self.path("in/a.tif"), format="netCDF", creationOptions=["FORMAT=NC"])
        if gdal.GetDriverByName("JP2OpenJPEG"):
            gdal.Translate(self.path("in/a.jp2"), self.path("in/a.tif"), outputType=gdal.GDT_UInt16,
                           creationOptions=["REVERSIBLE=YES", "QUALITY=100", "BLOCKXSIZE=128", "BLOCKYSIZE=128"])
        self.make_companions()
        gdal.Translate(self.path("in/a.jpg"), self.path("in/a.tif"), format="JPEG", outputType=gdal.GDT_Byte,
                       scaleParams=[[0, 3000, 0, 255]], creationOptions=["WORLDFILE=YES"])
        for file in os.listdir(self.path("in")):
            if file.endswith(".aux.xml") and file != "s.tif.aux.xml":
                os.remove(self.path("in/" + file))

    def make_companions(self):
        """s.tif, of which the place, the CRS, nodata, the mask and an overview are in files beside it."""
        path = self.path("in/s.tif")
        gdal.Translate(path, self.path("in/a.tif"), creationOptions=["PROFILE=BASELINE", "TFW=YES", "TILED=YES"])
        data = gdal.GetDriverByName("GTiff").Create(path + ".msk", 256, 256, 1, gdal.GDT_Byte)
        data.SetMetadataItem("INTERNAL_MASK_FLAGS_1", str(gdal.GMF_PER_DATASET))
        mask = np.full((256, 256), 255, np.uint8)
        mask[100:120, 30:60] = 0
        data.GetRasterBand(1).WriteArray(mask)
        del data
        data = gdal.Open(path)
        data.BuildOverviews("NEAREST", [2])
        data.SetProjection(gdal.Open(self.path("in/a.tif")).GetProjection())
        data.GetRasterBand(1).SetNoDataValue(21)

    def input(self, file, graph, *options):
        result = program(["run", self.path(graph + ".json"), "-o", self.path("in/" + file), *FEW, *options])
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def source(self, file):
        kind = "ncdf" if file.endswith(".nc") else "zarr" if file.endswith(".zarr") else "raster"
        return self.graph({"cube_type": kind, "file": "in/" + file}, "read.json")

    def arguments(self, file, *more):
        return ["run", self.source(file), "-o", self.out("r.tif"), *FEW, "--overwrite", *more]

    def trial(self, file, fault, right, causes):
        label = (file, fault)
        shutil.rmtree(self.path("out"))
        os.mkdir(self.path("out"))
        result = program(self.arguments(file), fault)
        trials["reading " + file] = trials.get("reading " + file, 0) + 1
        self.ends_well(result, label)
        if result.returncode == 0:
            self.assertEqual(look(self.out("r.tif")), right, label)
            return 0
        self.assertIn("in/" + file, result.stderr, label)
        if result.returncode == 1:
            self.assertRegex(result.stderr, r"^cube: error: chunk \d+ \(", label)
        if causes:
            self.assertTrue(any(cause in result.stderr.lower() for cause in causes), (label, result.stderr))
        self.assertFalse(os.path.exists(self.out("r.tif")), label)
        return 1

    def every_read(self, file):
        log = self.path("log")
        place = self.path("in/" + file)
        self.assertEqual(program(self.arguments(file), f"open,read|{place}|0|", log).returncode, 0)
        right = look(self.out("r.tif"))
        calls = calls_of(log)
        self.assertGreater(len(calls), 2, file)
        failed = 0
        # The first two look for a classic netCDF header, the next two at the format.
        for action, most in (("EIO", 2), ("end", 1), ("short", 1)):
            # GDAL goes on without tags of a TIFF, and without the places of its cells.
            all_of_them = EVERY or (file == "n.tif" and action == "EIO")
            numbers = sample(calls, ALL if all_of_them else most)
            if file == "a.jp2" and action == "EIO":
                numbers += range(1, len(calls), 8)  # of the boxes GDAL goes on without any, too
            for number in sorted({3, 6, *numbers}):
                with self.subTest(file=file, action=action, number=number, call=calls[number - 1]):
                    failed += self.trial(file, f"open,read|{place}|{number}|{action}", right, [])
        with self.subTest(file=file, action="EIO from the middle on"):
            self.trial(file, f"read|{place}|{len(calls) // 2}+|EIO", right, [words("EIO"), "read error", "cannot be"])
        self.assertGreater(failed, 0, file)

    def test_tiff(self):
        self.every_read("a.tif")

    def test_tiff_by_gdal(self):
        self.every_read("l.tif")

    def test_tiff_uncompressed(self):
        self.every_read("n.tif")

    def test_netcdf(self):
        self.every_read("a.nc")

    def test_classic_netcdf(self):
        self.every_read("classic.nc")

    def test_zarr(self):
        self.every_read("a.zarr")

    def test_jpeg2000(self):
        if not os.path.exists(self.path("in/a.jp2")):
            self.skipTest("no JPEG 2000 here")
        self.every_read("a.jp2")

    def test_files_beside_a_tiff(self):
        """GDAL goes on without them."""
        log = self.path("log")
        self.assertEqual(program(self.arguments("s.tif")).returncode, 0)
        right = look(self.out("r.tif"))
        for beside in ("s.tif.aux.xml", "s.tfw", "s.tif.msk", "s.tif.ovr"):
            place = self.path("in/" + beside)
            os.path.exists(log) and os.remove(log)
            program(self.arguments("s.tif"), f"open,read|{place}|0|", log)
            calls = calls_of(log)
            self.assertGreater(len(calls), 3, beside)
            for number in range(1, len(calls) + 1):
                with self.subTest(beside=beside, number=number, call=calls[number - 1]):
                    fault = f"open,read|{place}|{number}|EIO"
                    self.assertEqual(self.trial("s.tif", fault, right, [words("EIO")]), 1)
        with zipfile.ZipFile(self.path("in/s.zip"), "w") as archive:
            for beside in ("s.tif", "s.tif.aux.xml", "s.tfw", "s.tif.msk"):
                archive.write(self.path("in/" + beside), beside)
        place = self.path("in/s.zip")
        arguments = ["run", self.graph({"cube_type": "raster", "file": f"/vsizip/{place}/s.tif"}, "zip.json"), "-o",
                     self.out("r.tif"), *FEW, "--overwrite"]
        os.remove(log)
        self.assertEqual(program(arguments, f"open,read|{place}|0|", log).returncode, 0)
        self.assertEqual(look(self.out("r.tif")), right)
        failed = 0
        for number in sample(calls_of(log), ALL if EVERY else 24):
            with self.subTest(archive=number):
                result = program(arguments, f"open,read|{place}|{number}|EIO")
                self.ends_well(result, number)
                failed += result.returncode != 0
                if result.returncode == 0:
                    self.assertEqual(look(self.out("r.tif")), right)
        self.assertGreater(failed, 2)
        for make in (os.mkfifo, lambda path: os.symlink(path, path)):
            os.remove(self.path("in/s.tif.msk"))
            make(self.path("in/s.tif.msk"))
            result = program(self.arguments("s.tif"))
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn("in/s.tif: cannot be read: " + self.path("in/s.tif.msk") + ": ", result.stderr)

    def test_rarer_formats(self):
        log = self.path("log")
        for file, driver, kind in (("e.img", "HFA", gdal.GDT_Float32), ("e.bil", "ENVI", gdal.GDT_Float32),
                                   ("e.grb", "GRIB", gdal.GDT_Float32), ("e.gpkg", "GPKG", gdal.GDT_Byte)):
            if not gdal.GetDriverByName(driver):
                continue
            place = self.path("in/e.")
            gdal.Translate(self.path("in/" + file), self.path("in/a.tif"), format=driver, outputType=kind)
            result = program(self.arguments(file), f"open,read|{place}|0|", log)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            right = look(self.out("r.tif"))
            calls = calls_of(log)
            failed = 0
            for number in sample(calls, 100 if EVERY else 8):
                with self.subTest(file=file, number=number, call=calls[number - 1]):
                    failed += self.trial(file, f"open,read|{place}|{number}|EIO", right, [words("EIO"), "cannot be"])
            self.assertGreater(failed, 1, file)
            os.remove(log)
            for one in os.listdir(self.path("in")):
                one.startswith("e.") and os.remove(self.path("in/" + one))

    def test_a_database_with_a_log(self):
        """What a writer has not yet put in its place is read."""
        path = self.path("in/e.gpkg")
        gdal.Translate(path, self.path("in/a.tif"), format="GPKG", outputType=gdal.GDT_Byte)
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode=wal")
            for table in ("gpkg_contents", "gpkg_tile_matrix_set"):
                database.execute(f"UPDATE {table} SET min_x = min_x + 1e5, max_x = max_x + 1e5")
            database.commit()
            self.assertTrue(os.path.getsize(path + "-wal"))
            result = subprocess.run([CUBE, "info", path], capture_output=True, text=True)
            self.assertIn("right 102560", result.stdout)

    def test_heights(self):
        """GDAL places no cell where it cannot read the height."""
        one = "1" + " 0" * 19
        image = gdal.GetDriverByName("GTiff").Create(self.path("in/r.tif"), 90, 80)
        image.GetRasterBand(1).WriteArray(np.arange(7200).reshape(80, 90) % 200 + 1)
        image.SetMetadata({"LINE_OFF": "40", "SAMP_OFF": "45", "LAT_OFF": "45", "LONG_OFF": "3", "HEIGHT_OFF": "500",
                           "LINE_SCALE": "40", "SAMP_SCALE": "45", "LAT_SCALE": "0.005", "LONG_SCALE": "0.008",
                           "HEIGHT_SCALE": "500", "LINE_NUM_COEFF": "0 0 -1 0.2" + " 0" * 16, "LINE_DEN_COEFF": one,
                           "SAMP_NUM_COEFF": "0 1 0 0.3" + " 0" * 16, "SAMP_DEN_COEFF": one}, "RPC")
        del image
        heights = gdal.GetDriverByName("GTiff").Create(self.path("in/d.tif"), 60, 60, 1, gdal.GDT_Float32,
                                                       ["BLOCKYSIZE=4"])
        heights.SetGeoTransform((2.985, 0.0005, 0, 45.015, 0, -0.0005))
        heights.SetProjection(gdal.osr.SRS_WKT_WGS84_LAT_LONG)
        heights.GetRasterBand(1).WriteArray(300 + 100 * np.sin(np.arange(3600).reshape(60, 60) / 300))
        del heights
        arguments = ["warp", self.path("in/r.tif"), "-o", self.out("r.tif"), "--srs", "EPSG:32631", "--dem",
                     self.path("in/d.tif"), "--overwrite", "--threads", "1", "-q"]
        place = self.path("in/d.tif")
        log = self.path("log")
        result = program(arguments, f"open,read|{place}|0|", log)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        right = look(self.out("r.tif"))
        failed = 0
        for number in sample(calls_of(log), ALL if EVERY else 40):
            with self.subTest(number=number):
                result = program(arguments, f"open,read|{place}|{number}|EIO")
                self.ends_well(result, number)
                failed += result.returncode != 0
                if result.returncode:
                    self.assertIn("in/d.tif", result.stderr)
                else:
                    self.assertEqual(look(self.out("r.tif")), right)
        self.assertGreater(failed, 2)

    def test_cut_files(self):
        """Files that lack their end are never read as if they had missing cells there."""
        for file in sorted(os.listdir(self.path("in"))):
            if file.endswith((".zarr", ".wld")) or file.startswith("s."):
                continue
            with open(self.path("in/" + file), "rb") as f:
                whole = f.read()
            self.assertEqual(program(self.arguments(file)).returncode, 0)
            right = look(self.out("r.tif"))
            for part in (0.02, 0.3, 0.6, 0.9, 0.995) if EVERY else (0.3, 0.9):
                with open(self.path("in/" + file), "wb") as f:
                    f.write(whole[:int(len(whole) * part)])
                with self.subTest(file=file, part=part):
                    self.trial(file, "", right, [])
            with open(self.path("in/" + file), "wb") as f:
                f.write(whole)

    def test_what_is_no_file(self):
        for file in ("a.tif", "a.nc", "a.jp2"):
            place = self.path("in/" + file)
            if not os.path.exists(place):
                continue
            os.remove(place)
            for make in (os.mkfifo, os.mkdir, lambda path: open(path, "w").close()):
                make(place)
                result = program(self.arguments(file))
                self.assertEqual(result.returncode, 2, (file, result.stderr))
                self.assertIn("in/" + file, result.stderr)
                os.rmdir(place) if os.path.isdir(place) else os.remove(place)

    def test_chunks_of_zarr_that_are_no_files(self):
        chunk = self.path("in/a.zarr/v/0.1.0")
        for make in (os.mkfifo, os.mkdir, lambda path: open(path, "w").close()):
            os.remove(chunk) if not os.path.isdir(chunk) else os.rmdir(chunk)
            make(chunk)
            result = program(self.arguments("a.zarr"))
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertRegex(result.stderr, r"^cube: error: chunk 2 \(.*a\.zarr/v/0\.1\.0: ")


class Features(Faults):
    """Vector files: GDAL goes on without their attributes, their CRS, or those features that it cannot read."""

    def every_read(self, file, driver):
        os.mkdir(self.path("in"))
        options = ["GEOMETRY=AS_WKT"] if driver == "CSV" else []
        gdal.VectorTranslate(self.path("in/" + file), self.path("areas.geojson"), format=driver, layerName="a",
                             layerCreationOptions=options)
        graph = self.graph({"cube_type": "zonal", "file": "in/" + file, "srs": "EPSG:32631", "reducers": ["mean"],
                            "in_cube": CELLS}, "features.json")
        arguments = ["run", graph, "-o", self.out("z.csv"), *FEW, "--overwrite"]
        log = self.path("log")
        result = program(arguments, f"open,read|{self.path('in')}|0|", log)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        right = tree(self.out("z.csv"))
        calls = calls_of(log)
        failed = set()
        for number in sample(calls, ALL if EVERY else 16):
            with self.subTest(file=file, number=number, call=calls[number - 1]):
                os.remove(self.out("z.csv"))
                result = program(arguments, f"open,read|{self.path('in')}|{number}|EIO")
                trials["features"] = trials.get("features", 0) + 1
                self.ends_well(result, number)
                if result.returncode:
                    self.assertIn("in/" + file, result.stderr)
                    failed.add(calls[number - 1][1])
                    program(arguments)
                self.assertEqual(tree(self.out("z.csv")), right)
        return failed

    def test_shapefile(self):
        self.assertLessEqual({"a.shx", "a.dbf", "a.prj"}, self.every_read("a.shp", "ESRI Shapefile"))

    def test_csv(self):
        self.assertIn("a.csv", self.every_read("a.csv", "CSV"))

    def test_geojson(self):
        self.assertIn("a.geojson", self.every_read("a.geojson", "GeoJSON"))

    def test_geopackage(self):
        self.assertIn("a.gpkg", self.every_read("a.gpkg", "GPKG"))


class Images(Faults):
    """A collection of images, of which some cannot be read."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("archive"))
        driver = gdal.GetDriverByName("GTiff")
        reference = gdal.osr.SpatialReference()
        reference.ImportFromEPSG(32631)
        for day in range(1, 29):
            data = driver.Create(self.path(f"archive/im_202001{day:02}.tif"), 256, 256, 1, gdal.GDT_UInt16,
                                 ["COMPRESS=DEFLATE", "TILED=YES", "BLOCKXSIZE=128", "BLOCKYSIZE=128"])
            data.SetProjection(reference.ExportToWkt())
            data.SetGeoTransform((0, 10, 0, 2560, 0, -10))
            data.GetRasterBand(1).SetNoDataValue(0)
            data.GetRasterBand(1).WriteArray(np.full((256, 256), 100 + day, np.uint16))
            del data
        self.graph("datetime,file\n" + "".join(f"2020-01-{day:02},archive/im_202001{day:02}.tif\n"
                                               for day in range(1, 29)), "images.csv")
        result = program(["catalog", "create", self.path("c.db"), "--table", self.path("images.csv"), "--bands", "v"])
        self.assertEqual(result.returncode, 0, result.stderr)

    def collection(self, **more):
        view = {**VIEW, "aggregation": "max", "time": {**VIEW["time"], "dt": "P1M"}}
        return self.graph({"cube_type": "image_collection", "file": "c.db", "view": view, **more}, "collection.json")

    def run_collection(self, *arguments, fault="", log=None, **more):
        prepare = more.pop("prepare", None)
        threads = str(more.pop("threads", 1))
        return program(["run", self.collection(**more), "-o", self.out("m.tif"), *SMALL,
                        "--threads", threads, *arguments], fault, log,
                       prepare=prepare)

    def test_a_file_that_has_become_something_else(self):
        victim = self.path("archive/im_20200128.tif")
        for name, make in (("pipe", os.mkfifo), ("folder", os.mkdir), ("empty", lambda path: open(path, "w").close()),
                           ("link", lambda path: os.symlink("nowhere", path))):
            with self.subTest(name=name):
                os.rmdir(victim) if os.path.isdir(victim) else os.remove(victim)
                make(victim)
                result = self.run_collection()
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertRegex(result.stderr, r"^cube: error: chunk 0 \(.*\): image im_20200128.* cannot be read: "
                                 r".*archive/im_20200128\.tif")
                self.assertEqual(self.leftovers([]), [])
                result = self.run_collection("--overwrite", strict=False)
                self.assertEqual(result.returncode, 1)
                self.assertRegex(result.stderr, r"^cube: warning: skipped im_20200128.*archive/im_20200128\.tif")
                self.assertEqual(set(gdal.Open(self.out("m.tif")).ReadAsArray().ravel()), {127})
                os.remove(self.out("m.tif"))

    def test_faults_of_one_image(self):
        log = self.path("log")
        place = self.path("archive/im_20200128.tif")
        self.assertEqual(self.run_collection(fault=f"open,read|{place}|0|", log=log).returncode, 0)
        right = look(self.out("m.tif"))
        calls = calls_of(log)
        for number in sample(calls, MOST):
            for strict in (True, False):
                with self.subTest(number=number, strict=strict):
                    os.path.exists(self.out("m.tif")) and os.remove(self.out("m.tif"))
                    result = self.run_collection(fault=f"open,read|{place}|{number}+|EIO", strict=strict)
                    self.ends_well(result, number)
                    trials["images"] = trials.get("images", 0) + 1
                    if result.returncode == 0:
                        self.assertEqual(look(self.out("m.tif")), right)
                        continue
                    self.assertIn("im_20200128", result.stderr)
                    self.assertEqual(result.returncode, 1)
                    self.assertEqual(os.path.exists(self.out("m.tif")), not strict)

    def test_no_permission(self):
        fault = f"create,open|{self.path('archive/im_20200128.tif')}|1+|EACCES"
        result = self.run_collection(fault=fault)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, r"^cube: error: chunk 0 \(.*\): image im_20200128.* cannot be read: "
                         r".*archive/im_20200128\.tif.*[Pp]ermission denied")
        result = self.run_collection(fault=f"create,open|{self.path('c.db')}|1+|EACCES")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertRegex(result.stderr, r"^cube: error: .*c\.db.*[Pp]ermission denied")

    def test_few_file_handles(self):
        self.assertEqual(self.run_collection().returncode, 0)
        right = look(self.out("m.tif"))
        for most in (24, 32, 64):
            def limit():
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            result = self.run_collection("--overwrite", threads=2, prepare=limit)
            self.ends_well(result, most)
            if result.returncode:
                self.assertRegex(result.stderr, "ulimit -n|[Tt]oo many open files", most)
            else:
                self.assertEqual(look(self.out("m.tif")), right)
            if most >= 32:
                self.assertEqual(result.returncode, 0, result.stderr)

    def test_out_of_memory(self):
        """Blocks of cells, and what is as large. libnetcdf crashes without memory for itself, and is left out."""
        log = self.path("log")
        for graph, name in ((self.collection(), "m.tif"), (self.path("cells.json"), "m.zarr"),
                            (self.path("zonal.json"), "m.gpkg")):
            arguments = ["run", graph, "-o", self.out(name), "--chunk", "2,256,256", "-q", "--threads", "2"]
            if os.path.exists(log):
                os.remove(log)
            self.assertEqual(program(arguments, "alloc|200000|0|", log).returncode, 0)
            right = look(self.out(name))
            calls = calls_of(log)
            for number in sample(calls, MOST):
                with self.subTest(name=name, number=number, of=len(calls)):
                    shutil.rmtree(self.path("out"))
                    os.mkdir(self.path("out"))
                    result = program(arguments, f"alloc|200000|{number}|ENOMEM")
                    trials["memory"] = trials.get("memory", 0) + 1
                    self.ends_well(result, number)
                    if result.returncode == 0:
                        self.assertEqual(look(self.out(name)), right)
                    else:
                        self.assertFalse(os.path.exists(self.out(name)))

    def test_little_room_for_addresses(self):
        for megabytes in (150, 300, 600):
            def limit():
                resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
            result = self.run_collection("--overwrite", prepare=limit)
            self.assertIn(result.returncode, (0, 1, 2, 127), (megabytes, result.stderr))
            if result.returncode == 127:
                continue  # the system could not even start it
            self.ends_well(result, megabytes)


class Catalogs(Images):
    test_a_file_that_has_become_something_else = test_faults_of_one_image = test_few_file_handles = None
    test_no_permission = None
    test_out_of_memory = test_little_room_for_addresses = None

    def arguments(self, command, file):
        if command == "create":
            return ["catalog", "create", file, "--table", self.path("images.csv"), "--bands", "v", "--overwrite"]
        return ["catalog", "update", file]

    def every_call(self, command, change):
        file = self.out("c.db")
        self.assertEqual(program(self.arguments("create", file)).returncode, 0)
        change()
        before = tree(file)
        shutil.copytree(self.path("out"), self.path("old"))
        log = self.path("log")
        place = self.path("out")
        result = program(self.arguments(command, file), f"{OUTPUT_CALLS}|{place}|0|", log)
        self.assertEqual(result.returncode, 0, result.stderr)
        right = self.rows(file)
        calls = calls_of(log)
        failed = 0
        for number in sample(calls, 2 * MOST):
            error = ERRORS[calls[number - 1][0]]
            with self.subTest(number=number, call=calls[number - 1], error=error):
                shutil.rmtree(place)
                shutil.copytree(self.path("old"), place)
                result = program(self.arguments(command, file), f"{OUTPUT_CALLS}|{place}|{number}|{error}")
                trials[command] = trials.get(command, 0) + 1
                self.ends_well(result, number)
                self.assertTrue(tree(file) == before or self.rows(file) == right)
                self.assertEqual(self.leftovers(["c.db"]), [])
                if result.returncode == 0:
                    self.assertEqual(self.rows(file), right)
                    continue
                failed += 1
                self.assertIn("c.db", result.stderr)
                self.assertEqual(program(self.arguments(command, file)).returncode, 0)
                self.assertEqual(self.rows(file), right)
        self.assertGreater(failed, 2)

    def rows(self, file):
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            return [database.execute(f"SELECT * FROM {table}").fetchall()
                    for table in ("bands", "images", "gdalrefs", "image_extents", "files")]

    def add_an_image(self):
        with open(self.path("images.csv"), "a") as f:
            f.write("2020-01-31,archive/im_20200131.tif\n")
        shutil.copy(self.path("archive/im_20200128.tif"), self.path("archive/im_20200131.tif"))

    def test_create(self):
        self.every_call("create", self.add_an_image)

    def test_update(self):
        self.every_call("update", self.add_an_image)

    def test_remove(self):
        """What is refused is 2, what fails when it is to be kept is 1, and the catalog is as it was."""
        before = tree(self.path("c.db"))
        remove = ["catalog", "remove", self.path("c.db"), "--images", "im_20200128"]
        refused = program(["catalog", "remove", self.path("c.db"), "--images", "none"])
        self.assertEqual(refused.returncode, 2)
        self.assertIn("there is no image 'none'", refused.stderr)
        for number in (1, 4, 8):
            result = program(remove, f"write,truncate|{self.folder}|{number}+|ENOSPC")
            self.assertEqual(result.returncode, 1, (number, result.stderr))
            self.assertRegex(result.stderr.lower(), r"^cube: error: .*c\.db: .*(no space left on device|disk is full)\n$")
            self.assertEqual(tree(self.path("c.db")), before)
            self.assertEqual([f for f in os.listdir(self.folder) if "c.db" in f], ["c.db"])
        self.assertEqual(program(remove).returncode, 0)

    def test_reading(self):
        log = self.path("log")
        self.assertEqual(self.run_collection(fault=f"open,read|{self.path('c.db')}|0|", log=log).returncode, 0)
        right = look(self.out("m.tif"))
        calls = calls_of(log)
        for action in ("EIO", "end", "short"):
            for number in sample(calls, MOST):
                with self.subTest(number=number, call=calls[number - 1], action=action):
                    fault = f"open,read|{self.path('c.db')}|{number}|{action}"
                    result = self.run_collection("--overwrite", fault=fault)
                    trials["catalog read"] = trials.get("catalog read", 0) + 1
                    self.ends_well(result, number)
                    if result.returncode == 0:
                        self.assertEqual(look(self.out("m.tif")), right)
                    else:
                        self.assertEqual(result.returncode, 2)
                        self.assertIn("c.db", result.stderr)

    def rejected(self, pattern):
        result = self.run_collection()
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertRegex(result.stderr, r"^cube: error: /file: .*c\.db" + pattern)
        self.assertEqual(self.leftovers([]), [])

    def test_damaged(self):
        whole = tree(self.path("c.db"))
        for part in (0, 0.1, 0.5, 0.9):
            with open(self.path("c.db"), "wb") as f:
                f.write(whole[:int(len(whole) * part)])
            self.rejected("")
        for table in ("images", "bands", "gdalrefs", "image_extents_node"):
            with open(self.path("c.db"), "wb") as f:
                f.write(whole)
            with sqlite3.connect(self.path("c.db")) as database:
                database.execute("PRAGMA writable_schema = ON")
                database.execute("DELETE FROM sqlite_master WHERE name = ?", (table,))
            self.rejected("")
        os.remove(self.path("c.db"))
        os.mkfifo(self.path("c.db"))
        self.rejected(": is a pipe or a device")

    def test_in_use(self):
        database = sqlite3.connect(self.path("c.db"), isolation_level=None)
        database.execute("BEGIN EXCLUSIVE")
        begin = time.monotonic()
        process = subprocess.Popen([CUBE, "run", self.collection(), "-o", self.out("m.tif"), *FEW],
                                   stderr=subprocess.PIPE, text=True)
        time.sleep(0.3)
        database.execute("COMMIT")
        self.assertEqual(process.communicate()[1], "")
        self.assertEqual(process.returncode, 0)
        self.assertLess(time.monotonic() - begin, 5)

    def test_left_write_ahead_log(self):
        """What another program has written and not put into the file itself counts."""
        database = sqlite3.connect(self.path("c.db"))
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("UPDATE bands SET unit = 'm'")
        database.commit()
        shutil.copy(self.path("c.db"), self.path("copy.db"))
        shutil.copy(self.path("c.db-wal"), self.path("copy.db-wal"))
        database.close()
        shown = program(["catalog", "info", self.path("copy.db")])
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertRegex(shown.stdout, r"\bm\n")


class Stopped(Images):
    test_a_file_that_has_become_something_else = test_faults_of_one_image = test_few_file_handles = None
    test_no_permission = None
    test_out_of_memory = test_little_room_for_addresses = None

    def hangs(self, arguments, fault, number=signal.SIGINT):
        """Sends a signal when a call hangs; the last line of what is said."""
        log = self.path("hanging")
        open(log, "w").close()
        process = subprocess.Popen([CUBE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={
            **os.environ, "LD_PRELOAD": INJECTOR, "CUBE_FAULT": fault + "|sleep=20000", "CUBE_FAULT_LOG": log})
        wanted = int(fault.rsplit("|", 1)[1])
        until = time.monotonic() + 20
        while len(calls_of(log)) < wanted and time.monotonic() < until and process.poll() is None:
            time.sleep(0.01)
        self.assertIsNone(process.poll(), fault)
        time.sleep(0.02)
        begin = time.monotonic()
        process.send_signal(number)
        _, error = process.communicate(timeout=30)
        self.assertLess(time.monotonic() - begin, 4, fault)  # a second, and what a busy machine adds
        self.assertEqual(process.returncode, 128 + number, error)
        return error.splitlines()[-1]

    def test_a_read_that_hangs(self):
        run = ["run", self.collection(), "-o", self.out("m.tif"), *FEW]
        nothing = "cube: error: stopped by SIGINT; no output was made"
        self.assertEqual(self.hangs(run, f"read|{self.path('c.db')}|3"), nothing)  # while it is planned
        self.assertEqual(self.hangs(run, f"read|{self.path('archive')}|20"), nothing)
        self.assertEqual(self.hangs(["hist", self.collection()], f"read|{self.path('archive')}|20", signal.SIGTERM),
                         "cube: error: stopped by SIGTERM")
        self.assertEqual(self.leftovers([".m.tif.part"]), [])

    def test_an_output_that_hangs(self):
        for name, number in (("m.tif", signal.SIGINT), ("m.zarr", signal.SIGTERM)):
            run = ["run", self.path("cells.json"), "-o", self.out(name), *FEW]
            last = 30 if name == "m.zarr" else 5
            line = self.hangs(run, f"write|{self.path('out')}|{last}", number)
            self.assertRegex(line, f"stopped by {number.name}; (no output was made|. of 4 chunks (is|are) done)")
            self.assertFalse(os.path.exists(self.out(name)))
            result = program([*run, "--resume"])
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertEqual(self.leftovers(["m.tif", "m.zarr"]), [])

    def test_at_every_call(self):
        for name, options in (("s.tif", ("--format", "COG", "--co", "BLOCKSIZE=128")), ("s.nc", ()), ("s.zarr", ())):
            run = ["run", self.path("cells.json"), "-o", self.out(name), *FEW, *options]
            log = self.path("log" + name)
            self.assertEqual(program(run, f"{OUTPUT_CALLS}|{self.path('out')}|0|", log).returncode, 0)
            right = look(self.out(name))
            calls = calls_of(log)
            for number in sample(calls, MOST if EVERY else 3):
                with self.subTest(name=name, number=number, call=calls[number - 1]):
                    shutil.rmtree(self.path("out"))
                    os.mkdir(self.path("out"))
                    result = program(run, f"{OUTPUT_CALLS}|{self.path('out')}|{number}|kill={int(signal.SIGTERM)}")
                    trials["signals"] = trials.get("signals", 0) + 1
                    self.assertIn(result.returncode, (0, 143), result.stderr)
                    if result.returncode == 143:
                        self.assertRegex(result.stderr, r"^cube: error: stopped by SIGTERM; (no output was made|"
                                         r"\d of 4 chunks (is|are) done, and --resume goes on from there \(.*\))\n$")
                        self.assertEqual(os.path.exists(self.out(name)), False)
                        self.assertEqual(program([*run, "--resume"]).returncode, 0)
                    self.assertEqual(look(self.out(name)), right)
                    self.assertEqual(self.leftovers([name]), [])

    def test_catalogs(self):
        os.remove(self.path("c.db"))
        files = [self.path("archive/" + name) for name in sorted(os.listdir(self.path("archive")))]
        form = self.graph({"pattern": ".*\\.tif", "images": {"pattern": ".*/(.*)\\.tif"},
                           "datetime": {"pattern": ".*im_(.*)\\.tif", "format": "%Y%m%d"},
                           "bands": {"v": {"pattern": ".*\\.tif", "nodata": 0}}}, "format.json")
        create = ["catalog", "create", self.path("c.db"), *files, "--format", form, "--threads", "1"]
        self.assertEqual(self.hangs(create, f"read|{self.path('archive')}|9", signal.SIGTERM),
                         f"cube: error: stopped by SIGTERM; {self.path('c.db')} was not made")
        self.assertEqual(program(create).returncode, 0)
        before = tree(self.path("c.db"))
        os.utime(files[3])
        update = ["catalog", "update", self.path("c.db"), "--threads", "1"]
        self.assertEqual(self.hangs(update, f"read|{self.path('archive')}|2"),
                         f"cube: error: stopped by SIGINT; {self.path('c.db')} is as it was")
        self.assertEqual(self.hangs(update, f"write|{self.folder}/c.db.part|2"),
                         f"cube: error: stopped by SIGINT; {self.path('c.db')} is as it was")
        self.assertEqual(tree(self.path("c.db")), before)
        self.assertEqual(program(update).returncode, 0)
        self.assertEqual([name for name in os.listdir(self.folder) if ".part" in name], [])


class Whole(Faults):
    """Whole runs on which something happens."""

    def test_the_folder_of_the_output_goes(self):
        for name in ("g.tif", "g.nc", "g.zarr", "g.csv"):
            place = self.path("gone")
            os.mkdir(place)
            graph = self.graph({"cube_type": "stream", "command": ["sh", "-c", f"rm -rf {place}; cat"], "bands": ["v"],
                                "dtype": "float32", "in_cube": CELLS}, "goes.json")
            result = program(["run", graph, "-o", os.path.join(place, name), *FEW])
            self.assertEqual(result.returncode, 1, (name, result.stderr))
            self.assertIn("No such file or directory", result.stderr)
            self.assertFalse(os.path.exists(place))

    def test_keep_going_is_not_for_outputs(self):
        """A chunk that could not be written is no missing cell of an output that is said to be whole."""
        for name in ("k.tif", "k.nc", "k.zarr"):
            log = self.path("log" + name)
            run = ["run", self.path("cells.json"), "-o", self.out(name), *FEW, "--keep-going"]
            part = "k.zarr.part/0.part/v/" if name == "k.zarr" else f"{name}.part/0.part"
            self.assertEqual(program(run, f"write|{part}|0|", log).returncode, 0)
            right = look(self.out(name))
            os.remove(self.out(name)) if name != "k.zarr" else shutil.rmtree(self.out(name))
            number = len(calls_of(log)) - (2 if name != "k.nc" else 8)
            result = program(run, f"write|{part}|{number}|ENOSPC")
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn("no space left on device", result.stderr)
            self.assertNotIn("--keep-going", result.stderr)
            self.assertFalse(os.path.exists(self.out(name)))
            self.assertEqual(program([*run, "--resume"]).returncode, 0)
            self.assertEqual(look(self.out(name)), right)

    def test_several_outputs(self):
        """None gets its name when another cannot be completed."""
        run = ["run", self.path("cells.json"), "-o", self.out("one.tif"), "-o", self.out("two.csv"), *FEW]
        result = program(run, "write.write,write.writev|.two.csv.part/0.part|1|ENOSPC")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("two.csv: cannot be written: no space left on device", result.stderr)
        self.assertIn("--resume goes on from there", result.stderr)
        self.assertEqual(self.leftovers([".one.tif.part", ".two.csv.part"]), [])
        result = program([*run, "--resume"])
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(self.leftovers(["one.tif", "two.csv"]), [])

    def test_appending(self):
        log = self.path("log")
        first = {**CELLS, "in_cube": {**CELLS["in_cube"], "view": {**VIEW, "time": {
            "t0": "2020-01", "t1": "2020-02", "dt": "P1M"}}}}
        second = {**CELLS, "in_cube": {**CELLS["in_cube"], "view": {**VIEW, "time": {
            "t0": "2020-03", "t1": "2020-03", "dt": "P1M"}}}}
        self.assertEqual(program(["run", self.graph(first), "-o", self.out("a.zarr"), *FEW]).returncode, 0)
        shutil.copytree(self.path("out"), self.path("old"))
        append = ["run", self.graph(second, "second.json"), "-o", self.out("a.zarr"), *FEW, "--append"]
        read = ["run", self.graph({"cube_type": "zarr", "file": "out/a.zarr"}, "read.json"), "-o",
                self.path("r.nc"), *FEW, "--overwrite"]

        def cells():
            self.assertEqual(program(read).returncode, 0)
            return look(self.path("r.nc"))[2:]
        before = cells()
        self.assertEqual(program(append, f"{OUTPUT_CALLS}|{self.path('out')}|0|", log).returncode, 0)
        after = cells()
        calls = calls_of(log)
        for number in sample(calls, 2 * MOST):
            error = ERRORS[calls[number - 1][0]]
            with self.subTest(number=number, call=calls[number - 1], error=error):
                shutil.rmtree(self.path("out"))
                shutil.copytree(self.path("old"), self.path("out"))
                result = program(append, f"{OUTPUT_CALLS}|{self.path('out')}|{number}|{error}")
                trials["append"] = trials.get("append", 0) + 1
                self.ends_well(result, number)
                self.assertEqual(self.leftovers(["a.zarr"]), [])
                if result.returncode == 0:
                    self.assertEqual(cells(), after)
                    continue
                self.assertIn("a.zarr", result.stderr)
                self.assertIn(cells(), (before, after))
                if cells() == before:
                    self.assertEqual(program(append).returncode, 0)
                    self.assertEqual(cells(), after)

    def test_statistics_that_cannot_be_written(self):
        result = program(["run", self.path("cells.json"), "-o", self.out("a.tif"), *FEW, "--stats",
                          self.path("stats.json")], "write|stats.json|1|ENOSPC")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"^cube: error: .*stats\.json: the statistics cannot be written: no space left on device\n")
        self.assertFalse(os.path.exists(self.path("stats.json")))
        self.assertTrue(os.path.exists(self.out("a.tif")))


if __name__ == "__main__":
    program_ = unittest.main(exit=False)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{sum(trials.values())} faults: " + ", ".join(f"{name} {count}" for name, count in trials.items()))
    print(f"{used.ru_utime + used.ru_stime:.1f} s of CPU in runs of the program")
    sys.exit(0 if program_.result.wasSuccessful() else 1)
