"""Rasters on a server of the tests, and runs that read them."""
import json
import os

import numpy as np
from osgeo import gdal

from program import cube
from range_server import Server
from raster_files import RasterCase

# What fails is asked for again at once, and often, as every range fails more than once.
FAST = {"GDAL_HTTP_RETRY_DELAY": "0.01", "GDAL_HTTP_TIMEOUT": "0.5", "GDAL_HTTP_MAX_RETRY": "12"}
ONCE = {"GDAL_HTTP_MAX_RETRY": "0"}


def settings(*more):
    """The environment, and that."""
    out = {**os.environ, **FAST}
    for some in more:
        out.update(some)
    return out


class RemoteCase(RasterCase):
    def setUp(self):
        super().setUp()
        os.makedirs(self.path("files"))

    def serve(self, **options):
        server = Server(self.path("files"), **options)
        self.addCleanup(server.close)
        return server

    def cells(self, shape=(512, 512), seed=1):
        return np.random.default_rng(seed).integers(0, 9999, shape).astype("uint16")

    def make(self, name, shape=(512, 512), driver="GTiff", options=(), seed=1):
        """A raster in the server's folder; the node that reads it here."""
        self.write("made.tif", self.cells(shape, seed))
        gdal.GetDriverByName(driver).CreateCopy(self.path(f"files/{name}"),
                                                gdal.Open(self.path("made.tif")),
                                                options=["COMPRESS=DEFLATE", *options])
        return {"cube_type": "raster", "file": self.path(f"files/{name}")}

    def tiled(self, name="tiles.tif", tile=256, **more):
        """Tiles of 256 x 256 cells have some 110 kB."""
        options = ["TILED=YES", f"BLOCKXSIZE={tile}", f"BLOCKYSIZE={tile}"]
        return self.make(name, options=options, **more)

    def computed(self, document, *more, environment=()):
        """The cells, the statistics and all that was printed."""
        stats = self.path("stats.json")
        out = self.path("out.tif")
        result = cube("run", self.graph(document), "-o", out, "--overwrite", "--stats", stats, "-v",
                      *more, env=settings(dict(environment)))
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(stats) as file:
            stats = json.load(file)
        return gdal.Open(out).ReadAsArray(), stats, result.stdout + result.stderr

    def there(self, server, here, query=""):
        """The node that reads the same file on the server."""
        return {**here, "file": f"{server.address}/{os.path.basename(here['file'])}{query}"}

    def same(self, server, here, *more, **options):
        """The cells of a file are those of the same file on the server."""
        wanted = gdal.Open(here["file"]).ReadAsArray()
        got, stats, printed = self.computed(self.there(server, here), *more, **options)
        np.testing.assert_array_equal(got, wanted)
        return stats, printed
