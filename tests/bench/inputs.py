"""Programs, folders and inputs of the benchmark."""
import glob
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass

from table import write_table

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
PYTHON = "/usr/bin/python3"


class Missing(Exception):
    """Something that the benchmark needs is not here."""


@dataclass(frozen=True)
class Setting:
    """Where everything is."""
    cube: str
    floor: str | None
    shared: str | None  # ../shared, if it is there
    data: str
    work: str  # catalogs, outputs, logs
    tiny: bool = False

    def names(self):
        """Values for the templates of jobs.py, quoted as a shell wants them."""
        paths = {"python": PYTHON, "cube": self.cube, "floor": self.floor or "",
                 "peers": os.path.join(self.shared or "", "bench/peers"),
                 "ours": os.path.join(HERE, "peers"), "graphs": os.path.join(HERE, "graphs"),
                 "data": self.data, "work": self.work}
        return {**{name: shlex.quote(path) for name, path in paths.items()},
                "million": self.million(), "pan_size": "256 256" if self.tiny else "8192 8192",
                "pan_mean": "64 64" if self.tiny else "2048 2048"}

    def million(self):
        """Name of J8's table and catalog of 1,000,000 images."""
        return "table-10x100" if self.tiny else "table-100x100"

    def environment(self):
        return {"CUBE_BENCH_DATA": self.data, "CUBE_BENCH_LANDSAT": folder_of("landsat", self),
                "GDAL_PAM_ENABLED": "NO", "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONWARNINGS": "ignore"}


def find_setting(arguments):
    cube = arguments.cube or os.environ.get("CUBE") or next(
        (p for p in (os.path.join(SOURCE, f"build/{b}cube") for b in ("release/", "test/", ""))
         if os.path.exists(p)), None)
    if not cube or not os.access(cube, os.X_OK):
        raise Missing("there is no program 'cube': build it, or give --cube PROGRAM")
    build = os.path.dirname(os.path.abspath(cube))
    floor = arguments.floor or os.path.join(build, "tests", "bench_floor")
    shared = os.environ.get("CUBE_SHARED") or os.path.join(os.path.dirname(SOURCE), "shared")
    work = os.path.abspath(arguments.work or os.path.join(build, "bench"))
    data = os.environ.get("CUBE_BENCH_DATA") or os.path.join(build, "bench-data")
    if arguments.tiny:
        data = os.path.join(work, "tiny")
    os.makedirs(work, exist_ok=True)
    return Setting(os.path.abspath(cube), floor if os.access(floor, os.X_OK) else None,
                   shared if os.path.isdir(os.path.join(shared, "bench/peers")) else None,
                   os.path.abspath(data), work, arguments.tiny)


def missing_need(need, setting):
    """Why a need of a peer is not met, or None."""
    if need == "shared":
        return None if setting.shared else "../shared"
    if need == "gdalcubes":
        return "gdalcubes, which Debian does not ship"
    if shutil.which(need) or importlib.util.find_spec(need):
        return None
    return need


def _make_data(folder, setting):
    if setting.tiny:
        command = [PYTHON, os.path.join(HERE, "tiny_data.py"), setting.data, folder]
    elif setting.shared:
        command = [PYTHON, os.path.join(setting.shared, "bench/make_data.py"), folder]
    else:
        raise Missing(f"the inputs '{folder}' are not in {setting.data} (set CUBE_BENCH_DATA), and "
                      "../shared, which makes them, is not here")
    print(f"making the inputs '{folder}' in {setting.data}", file=sys.stderr)
    os.makedirs(setting.data, exist_ok=True)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, **setting.environment()})


def folder_of(name, setting):
    """A folder of inputs; throws Missing when it is not there and cannot be made."""
    if name == "landsat" and not setting.tiny:
        return os.path.join(setting.shared or "", "data/landsat8_new_york_2018")
    return os.path.join(setting.data, name)


def make_inputs(names, setting):
    for name in names:
        folder = folder_of(name, setting)
        if os.path.isdir(folder):
            continue
        if name == "landsat" and not setting.tiny:
            raise Missing("../shared/data, which holds the Landsat archive, is not here")
        _make_data(name, setting)


def image_table(name, setting):
    """The CSV table "table-PLACESxDATES", made once."""
    path = os.path.join(setting.work, name + ".csv")
    if not os.path.exists(path):
        make_inputs(["series"], setting)
        raster = sorted(glob.glob(os.path.join(folder_of("series", setting), "*_B04.tif")))[0]
        places, dates = (int(n) for n in name.removeprefix("table-").split("x"))
        write_table(path, places, dates, raster)
    return path


def make_catalogs(names, setting):
    """Makes catalogs anew and returns their paths; throws Missing when one cannot be made."""
    made = []
    for name in names:
        made.append(os.path.join(setting.work, name + ".db"))
        if name.startswith("table-"):
            source = ["--table", image_table(name, setting)]
        elif name == "landsat":
            source = ["--format", "L8_L1TP", folder_of(name, setting)]
        else:
            source = ["--format", os.path.join(HERE, "formats/bench_s2.json"),
                      folder_of(name, setting)]
        done = subprocess.run([setting.cube, "catalog", "create", made[-1], *source, "--overwrite",
                               "--progress", "none"], capture_output=True, text=True)
        if done.returncode != 0:
            raise Missing(f"the catalog '{name}' cannot be made: {done.stderr.strip()}")
    return made


def warm(names, setting):
    """Reads the inputs once, so that the first program does not pay for the disk."""
    for name in names:
        for path in glob.glob(os.path.join(folder_of(name, setting), "**", "*"), recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    while f.read(1 << 24):
                        pass
