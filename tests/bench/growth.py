"""How the cost grows: cells a second and memory from 1e6 to 1e9 cells, and plan time with the
number of images and chunks."""
import itertools
import json
import os
import statistics

from inputs import make_catalogs, make_inputs
from measure import measure

CELLS = (10**6, 10**7, 10**8, 10**9)
PLACES_OF_MANY = (3, 10, 32, 100)  # 100 dates each
PLACES_SPREAD = (10, 32, 100, 316)  # one date each
TINY_CELLS = (10**4, 10**5)
TINY_PLACES = (2, 3)
NDVI = {"cube_type": "apply_pixel", "expr": "(b2-b1)/(b2+b1)", "band_names": "NDVI"}
SCENE_SIDE, TINY_SCENE_SIDE = 10980, 256
BLOCK = 1024
PLANS = 5  # plans are short, so each is the median of some


def dummy_graph(side, setting):
    """NDVI of constants: operators and output, no input."""
    view = {"space": {"left": 0, "right": side, "bottom": 0, "top": side, "dx": 1,
                      "srs": "EPSG:32631"},
            "time": {"t0": "2020", "t1": "2020", "dt": "P1Y"}}
    source = {"cube_type": "dummy", "nbands": 2, "fill": 3, "view": view}
    names = {"cube_type": "rename_bands", "band_names": {"band1": "b1", "band2": "b2"},
             "in_cube": source}
    return {**NDVI, "in_cube": names}


def mosaic(path, scene, scene_side, side):
    """A VRT of `side` x `side` cells that repeats the scene."""
    sources = []
    for y in range(0, side, scene_side):
        for x in range(0, side, scene_side):
            columns, rows = min(scene_side, side - x), min(scene_side, side - y)
            sources.append(
                f'<SimpleSource><SourceFilename>{scene}</SourceFilename><SourceBand>1</SourceBand>'
                f'<SrcRect xOff="0" yOff="0" xSize="{columns}" ySize="{rows}"/>'
                f'<DstRect xOff="{x}" yOff="{y}" xSize="{columns}" ySize="{rows}"/></SimpleSource>')
    with open(path, "w") as f:
        f.write(f'<VRTDataset rasterXSize="{side}" rasterYSize="{side}"><SRS>EPSG:32631</SRS>'
                '<GeoTransform>399960, 10, 0, 5400000, 0, -10</GeoTransform>'
                f'<VRTRasterBand dataType="UInt16" band="1" blockXSize="{BLOCK}" '
                f'blockYSize="{BLOCK}"><NoDataValue>0</NoDataValue>{"".join(sources)}'
                '</VRTRasterBand></VRTDataset>')


def raster_graph(side, setting):
    """NDVI of the scene, repeated where it is too small; its 4 x 4 means are written."""
    files = []
    for band in ("B04", "B08"):
        files.append(os.path.join(setting.work, f"mosaic_{band}.vrt"))
        scene = os.path.join(setting.data, f"scene/S2_31UDQ_20230615_{band}.tif")
        mosaic(files[-1], scene, TINY_SCENE_SIDE if setting.tiny else SCENE_SIDE, side)
    source = {"cube_type": "raster", "files": files, "bands": ["b1", "b2"]}
    return {"cube_type": "coarsen", "factor": {"x": 4, "y": 4}, "func": "mean", "boundary": "pad",
            "in_cube": {**NDVI, "in_cube": source}}


def spread_graph(places, catalog):
    """A view of all places of a catalog; with chunks of 100 cells each place is one chunk."""
    edge = round(places * 0.1, 6)
    view = {"space": {"left": 0, "right": edge, "bottom": 0, "top": edge, "dx": 0.001,
                      "srs": "EPSG:4326"},
            "time": {"t0": "2015", "t1": "2015", "dt": "P1Y"}, "aggregation": "first"}
    return {"cube_type": "image_collection", "file": catalog, "view": view}


class Growth:
    def __init__(self, setting, options):
        self.setting, self.options = setting, options
        self.threads = max(options.threads)
        self.log = os.path.join(setting.work, "log.txt")

    def measure(self, words, expect=""):
        return measure([self.setting.cube, *words], self.setting.environment(), self.log, expect,
                       sync=False)

    def graph(self, document):
        path = os.path.join(self.setting.work, "growth.json")
        with open(path, "w") as f:
            json.dump(document, f)
        return path

    def cells(self):
        """Rows: what, cells, wall, CPU, million cells a second of wall time, MB."""
        out = os.path.join(self.setting.work, "growth.tif")
        for title, make in (("dummy, apply_pixel", dummy_graph), ("raster, NDVI", raster_graph)):
            for cells in TINY_CELLS if self.setting.tiny else CELLS:
                side = round(cells**0.5)
                graph = self.graph(make(side, self.setting))
                run = self.measure(["run", graph, "-o", out, "--overwrite", "--quiet",
                                    "--threads", str(self.threads), "--progress", "none"])
                yield (title, f"{cells:.0e}", f"{run.wall:.2f}", f"{run.cpu:.2f}",
                       f"{side * side / run.wall / 1e6:.1f}", f"{run.memory:.0f}")
        if os.path.exists(out):
            os.unlink(out)

    def plan(self, words, expect):
        runs = [self.measure(["plan", *words], expect) for _ in range(PLANS)]
        return (statistics.median(r.wall for r in runs), statistics.median(r.cpu for r in runs),
                max(r.memory for r in runs))

    def plans(self):
        """Rows: what, images in the catalog, images in the view, chunks, wall ms, CPU ms, us an
        image (CPU), MB."""
        graph = os.path.join(os.path.dirname(os.path.abspath(__file__)), "graphs", "million.json")
        for places in TINY_PLACES if self.setting.tiny else PLACES_OF_MANY:
            catalog = make_catalogs([f"table-{places}x100"], self.setting)[0]
            wall, cpu, memory = self.plan([graph, "--set", f"catalog={catalog}"], "100 images")
            yield ("100 images of many", places**2 * 100, 100, "", f"{wall * 1e3:.0f}",
                   f"{cpu * 1e3:.0f}", "", f"{memory:.0f}")
        for places in TINY_PLACES if self.setting.tiny else PLACES_SPREAD:
            catalog = make_catalogs([f"table-{places}x1"], self.setting)[0]
            spread = self.graph(spread_graph(places, catalog))
            wall, cpu, memory = self.plan([spread, "--chunk", "1,100,100"], f"{places**2} images")
            yield ("a chunk an image", places**2, places**2, places**2, f"{wall * 1e3:.0f}",
                   f"{cpu * 1e3:.0f}", f"{cpu * 1e6 / places**2:.0f}", f"{memory:.0f}")

    def print_all(self):
        make_inputs(["scene"], self.setting)
        print_rows(("what", "cells", "wall s", "CPU s", "Mcells/s", "MB"), self.cells())
        print()
        print_rows(("plan", "in catalog", "in view", "chunks", "wall ms", "CPU ms", "us/image",
                    "MB"), self.plans())


def print_rows(header, rows):
    """A line as soon as it is known."""
    widths = [20] + [12] * (len(header) - 1)
    for row in itertools.chain([header], rows):
        cells = [str(c).rjust(w) if i else str(c).ljust(w)
                 for i, (c, w) in enumerate(zip(row, widths))]
        print("".join(cells), flush=True)
