"""The jobs of the benchmark: what cube runs, what its peers run on the same work, and the targets.

A command is a template. {python}, {cube}, {floor}: the programs; {peers}: ../shared/bench/peers;
{ours}: tests/bench/peers; {graphs}: tests/bench/graphs; {data}: the inputs; {work}: the folder
of catalogs; {million}: name of J8's table and catalog there; {pan_size}, {pan_mean}: columns and
rows of the panchromatic raster and of its 4 x 4 means; {out}: the file to write; {threads};
{view}: settings of the graph that cut its grid down to the tiny inputs, else nothing.
"""
from dataclasses import dataclass, field

NUMPY = ("shared", "rasterio", "numpy")
DASK = ("shared", "rioxarray", "dask", "xarray")
TUNED = (*DASK, "bottleneck", "netCDF4", "pandas")
OTB = ("shared",)
BY_HAND = ("osgeo", "numpy")
GDALCUBES = ("gdalcubes",)  # not shipped by Debian, so there is no script for it


@dataclass(frozen=True)
class Tolerance:
    """When two results agree. The reasons for what is allowed stand with the peers."""
    largest: float = 1e-6  # difference of a cell that counts as equal
    equal: float = 1.0  # least share of equal cells
    missing: float = 0.0  # most of cells that are missing in one only
    value: float | None = None  # stands for missing in both files, besides their own
    tiny_equal: float | None = None  # `equal` on the tiny inputs
    series: bool = False  # only the sequence of valid cells is compared


@dataclass(frozen=True)
class Peer:
    name: str
    command: str
    needs: tuple = ()  # modules of Python, programs, "shared"
    out: str = ".tif"  # suffix of what it writes; "" = nothing to compare
    tolerance: Tolerance = Tolerance()
    tiny: bool = True  # whether it also fits the tiny inputs
    full: bool = True  # whether it runs on the full ones
    one_thread: bool = False  # it has no more, so one run serves for every number of threads


@dataclass(frozen=True)
class Target:
    ahead: dict = field(default_factory=dict)  # peer's name, or "best" -> least ratio peer / cube
    floor: float | None = None  # most of the ratio cube / floor
    memory: float | None = None  # MB
    seconds: float | None = None
    speedup: float | None = None  # of 2 threads


@dataclass(frozen=True)
class Job:
    id: str
    title: str
    cube: str
    out: str = ".tif"
    inputs: tuple = ()  # folders of {data}
    graph: str | None = None  # file in graphs/
    sets: tuple = ()  # --set of the graph
    catalogs: tuple = ()  # made before, see inputs.py
    tables: tuple = ()  # the same
    expect: str = ""  # in what cube prints
    corner: tuple | None = None  # left, top and cell size of the graph's grid, if it has its own
    floor: str | None = None
    floor_tolerance: Tolerance | None = None  # where the floor makes the same result
    peers: tuple = ()
    target: Target = Target()


def graph_job(options, sets, **more):
    """A job that is `cube run` of one of the graphs."""
    given = " ".join(f"--set {s}" for s in sets)
    command = (f"{{cube}} run {{graphs}}/{more['graph']} {given} -o {{out}} --overwrite "
               f"--threads {{threads}} --progress none --quiet {options} {{view}}")
    return Job(cube=command, sets=tuple(sets), **more)


DATA = ("data={data}",)
SERIES = ("catalog={work}/series.db",)
MIXED = ("catalog={work}/mixed.db",)
SERIES_CORNER = (439960, 5370000, 10)
ZONES_CORNER = (710240, 5375480, 10)
LANDSAT_CORNER = (-8492425, 5284465, 250)
SCENE = "{data}/scene/S2_31UDQ_20230615_"
BLOCKS_1024 = "--co COMPRESS=NONE --co BLOCKSIZE=1024"
BLOCKS_512 = "--co COMPRESS=NONE --co BLOCKSIZE=512"

# gdal_calc and OTB compute in float32 as the others do; the NDVI of one cell may differ in its
# last bit. -9999 is what gdal_calc writes for missing.
NDVI_EXACT = Tolerance(largest=2e-7)
CALC = Tolerance(largest=2e-7, value=-9999)
# OTB gives its result the nodata value of its inputs, 0: an NDVI of 0 then reads as missing.
OTB_ZERO = Tolerance(largest=2e-7, missing=2e-3)


def by_hand(job, tolerance, full=False):
    """Something to agree with wherever the other peers are missing; slow on the full inputs."""
    return Peer("GDAL + numpy", f"{{python}} {{ours}}/by_hand.py {{out}} {job}", BY_HAND,
                tolerance=tolerance, full=full, one_thread=True)


def ndvi_peers(compress):
    peers = (
        Peer("rasterio thread pool", f"{{python}} {{peers}}/j1_numpy.py {{out}} {{threads}} "
             f"blocksmt {compress}", NUMPY, tolerance=NDVI_EXACT),
        Peer("rasterio whole array", f"{{python}} {{peers}}/j1_numpy.py {{out}} {{threads}} "
             f"whole {compress}", NUMPY, tolerance=NDVI_EXACT),
        Peer("dask", f"{{python}} {{peers}}/j1_dask.py {{out}} {{threads}} 2048 {compress}", DASK,
             tolerance=NDVI_EXACT),
        Peer("OTB BandMath", f"sh {{peers}}/j1_otb.sh {{out}} {{threads}} {compress}",
             (*OTB, "otbcli_BandMath"), tolerance=OTB_ZERO),
        Peer("gdal_calc", f"sh {{peers}}/j1_gdalcalc.sh {{out}} {{threads}} {compress}",
             ("shared", "gdal_calc.py"), tolerance=CALC, one_thread=compress == "none"),
    )
    return (*peers, by_hand("scene", NDVI_EXACT)) if compress == "none" else peers


def ndvi_jobs():
    common = dict(graph="ndvi.json", inputs=("scene",), floor_tolerance=NDVI_EXACT)
    floor = f"{{floor}} ndvi {{threads}} {SCENE}B04.tif {SCENE}B08.tif {{out}}"
    yield graph_job(BLOCKS_1024, DATA, id="J1", title="NDVI 10980 x 10980, uncompressed",
                    floor=f"{floor} none", peers=ndvi_peers("none"),
                    target=Target({"best": 2.0}, floor=1.15, memory=200, speedup=1.8), **common)
    deflate = "--co COMPRESS=DEFLATE --co ZLEVEL=6 --co PREDICTOR=3 --co BLOCKSIZE=1024"
    yield graph_job(deflate, DATA, id="J1-deflate", title="NDVI 10980 x 10980, DEFLATE",
                    floor=f"{floor} deflate", peers=ndvi_peers("deflate"),
                    target=Target({"best": 1.15}, floor=1.05, memory=200), **common)


def mask_job():
    # uint8 in and out: equal to the bit. 6 is the default level of the peers.
    exact = Tolerance(largest=0)
    peers = tuple(
        Peer(name, f"{{python}} {{peers}}/j2.py {{out}} {mode} {{threads}}", DASK, tolerance=exact)
        for name, mode in (("rioxarray", "serial"), ("rioxarray + dask", "dask")))
    peers += (by_hand("mask", exact),)  # writes a plain TIFF, so its time would tell nothing
    cog = "--format COG --co COMPRESS=DEFLATE --co LEVEL=6 --co PREDICTOR=2"
    return graph_job(cog, DATA, id="J2", title="cloud mask at 20 m to COG",
                     graph="cloud_mask.json", inputs=("scene",), peers=peers,
                     target=Target({"rioxarray + dask": 2.5}, memory=300))


# Medians of float32 values against medians of doubles.
MEDIAN = Tolerance(largest=1e-6)
# Peers warp approximately (0.125 px), renormalise differently at gaps, and mask after resampling,
# where cube masks the image's own cells: cells beside clouds and gaps differ, and the rest by a
# fraction of the texture.
ZONES = Tolerance(largest=0.02, equal=0.97, missing=0.02)
# GDAL's warper renormalises differently at the images' edges.
LANDSAT = Tolerance(largest=1e-3, equal=0.98, missing=0.01)


def dask_peers(site, mode, tolerance):
    script = "{python} {ours}/shared_script.py {peers}/j34_dask.py {out} {threads}"
    names = {"tuned": "dask tuned", "xr": "xarray plain"}
    peers = tuple(Peer(name, f"{script} {site} {mode} {variant} 512", TUNED, ".nc", tolerance,
                       tiny=False)
                  for variant, name in names.items())
    job = "zones" if site == "mixed" else {"whole": "median"}.get(mode, mode)
    return (*peers, by_hand(job, tolerance), Peer("gdalcubes", "", GDALCUBES))


def median_jobs():
    common = dict(inputs=("series",), catalogs=("series",), corner=SERIES_CORNER)
    yield graph_job(BLOCKS_512, SERIES, id="J3", title="median NDVI with SCL mask, 24 dates",
                    graph="median.json", floor="{floor} median {threads} {data}/series {out}",
                    floor_tolerance=MEDIAN, peers=dask_peers("series", "whole", MEDIAN),
                    target=Target({"gdalcubes": 8, "dask tuned": 2.8, "xarray plain": 4},
                                  floor=1.05, memory=400, speedup=1.8), **common)
    yield graph_job("--co COMPRESS=NONE", SERIES, id="J3-monthly", title="monthly medians",
                    graph="monthly.json", out=".nc", peers=dask_peers("series", "monthly", MEDIAN),
                    target=Target({"gdalcubes": 8, "dask tuned": 2.8, "xarray plain": 17},
                                  memory=400), **common)


def zones_job():
    warps = Peer("gdalwarp, warps alone", "{python} {ours}/zone_warps.py {threads}",
                 ("osgeo",), out="", tiny=False)
    return graph_job(BLOCKS_512, MIXED, id="J4", title="J3 from two UTM zones, bilinear",
                     graph="zones.json", inputs=("mixed",), catalogs=("mixed",),
                     corner=ZONES_CORNER,
                     floor="{floor} decode {threads} {data}/mixed",
                     peers=(*dask_peers("mixed", "whole", ZONES), warps),
                     target=Target({"gdalcubes": 15, "dask tuned": 4, warps.name: 1}, floor=2,
                                   memory=400, speedup=1.8))


def coarsen_job():
    mean = Tolerance(largest=1e-3)  # sums of 16 numbers up to 65535 in float32
    # gdal_translate averages in the source's type: shown, but not the same work.
    rounded = Tolerance(largest=0.5)
    pan = "{data}/panxs/PAN.tif"
    tiles = "-co TILED=YES -co BLOCKXSIZE=512 -co BLOCKYSIZE=512"
    peers = (
        Peer("gdalwarp average", "gdalwarp -q -overwrite -r average -tr 2 2 -ot Float32 -multi "
             f"-wo NUM_THREADS={{threads}} {tiles} {pan} {{out}}", ("gdalwarp",), tolerance=mean),
        Peer("gdal_translate average", "gdal_translate -q -r average -outsize 25% 25% -ot Float32 "
             f"{tiles} {pan} {{out}}", ("gdal_translate",), tolerance=rounded,
             one_thread=True),
        Peer("xarray", "{python} {peers}/j5.py {out} eager {threads}", DASK, tolerance=mean),
        Peer("xarray + dask", "{python} {peers}/j5.py {out} dask {threads}", DASK, tolerance=mean),
    )
    return graph_job(BLOCKS_512, DATA, id="J5", title="4 x 4 mean of 8192 x 8192",
                     graph="coarsen.json", inputs=("panxs",), peers=peers,
                     floor=f"{{floor}} scale {{threads}} {pan} {{out}} {{pan_mean}} float32",
                     target=Target({name: 2.5 for name in ("gdalwarp average", "xarray",
                                                           "xarray + dask")},
                                   floor=1.3, memory=200))


def superimpose_job(method, otb):
    # Rounding to whole numbers, and OTB truncates; 0 is what lies outside. Within two source cells
    # of its border GDAL's cubic falls back to bilinear: an eighth of the tiny inputs.
    near = Tolerance(largest=1, equal=0.99, missing=0.002, value=0,
                     tiny_equal=0.9 if method == "cubic" else None)
    dask = "{python} {peers}/j6.py {out} {threads} " + method
    peers = (
        Peer("WarpedVRT + dask", f"{dask} vrtdask", DASK, tolerance=near),
        Peer("rioxarray", f"{dask} match", DASK, tolerance=near),
        Peer("gdalwarp -multi", f"sh {{peers}}/j6_gdalwarp.sh {{out}} {{threads}} {method}",
             ("shared", "gdalwarp"), tolerance=near, tiny=False),
        Peer("OTB Superimpose", f"sh {{peers}}/j6_otb.sh {{out}} {{threads}} {otb}",
             (*OTB, "otbcli_Superimpose"), tolerance=near),
        by_hand(method, near),
    )
    return graph_job(BLOCKS_512, (*DATA, f"method={method}"), id=f"J6-{method}",
                     title=f"superimpose 4 bands onto 8192 x 8192, {method}",
                     graph="superimpose.json", inputs=("panxs",), peers=peers,
                     floor="{floor} scale {threads} {data}/panxs/XS.tif {out} {pan_size} uint16",
                     target=Target({"best": 2.8, "OTB Superimpose": 7, "rioxarray": 9}, floor=1.6,
                                   memory=300))


def landsat_job():
    return graph_job("--co COMPRESS=NONE", ("catalog={work}/landsat.db",), id="J7",
                     title="Landsat archive, 250 m, EPSG:3857, P1Y", graph="landsat.json",
                     inputs=("landsat",), catalogs=("landsat",), corner=LANDSAT_CORNER,
                     peers=(by_hand("landsat", LANDSAT, full=True),
                            Peer("gdalcubes", "", GDALCUBES)),
                     target=Target({"gdalcubes": 15}, memory=200))


def series_job():
    x, y = 440105, 5369005  # as in the graph
    same = Tolerance(largest=0, series=True)
    peer = Peer("xarray + dask", f"{{python}} {{ours}}/series_dask.py {{out}} {{threads}} {x} {y}",
                ("rioxarray", "dask", "xarray", "netCDF4"), ".nc", same)
    return graph_job("--co COMPRESS=NONE", SERIES, id="J9", title="one pixel's series, 24 dates",
                     graph="series.json", out=".nc", inputs=("series",), catalogs=("series",),
                     corner=SERIES_CORNER, floor=f"{{floor}} pixel {{data}}/series {x} {y}",
                     peers=(peer, by_hand("series", same, full=True)),
                     target=Target({"xarray + dask": 20}, memory=100))


def catalog_jobs():
    table = "{work}/{million}"
    create = (f"{{cube}} catalog create {{out}} --table {table}.csv --threads {{threads}} "
              "--progress none --overwrite")
    yield Job("J8-create", "catalog of 1,000,000 images from a table", create, out=".db",
              tables=("{million}",), target=Target(seconds=10, memory=300))
    plan = "{cube} plan {graphs}/million.json --threads {threads} --set catalog="
    yield Job("J8-plan", "plan of 100 of 1,000,000 images", f"{plan}{table}.db",
              out="", catalogs=("{million}",), tables=("{million}",), expect=" 100 images",
              graph="million.json", sets=(f"catalog={table}.db",),
              target=Target(seconds=0.05, memory=300))


def all_jobs():
    return [*ndvi_jobs(), mask_job(), *median_jobs(), zones_job(), coarsen_job(),
            superimpose_job("bilinear", "linear"), superimpose_job("cubic", "bco"), landsat_job(),
            *catalog_jobs(), series_job()]
