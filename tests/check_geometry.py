"""filter_geom against gdal_rasterize: random areas, New York's districts, Luxembourg."""
import math
import os
import sys
import unittest

try:
    import numpy as np
    from osgeo import gdal, ogr, osr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from program import Case, cube

gdal.UseExceptions()
ogr.UseExceptions()
DATA = os.path.join(os.environ["CUBE_SHARED"], "data")


def srs_of(code):
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(code)
    srs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return srs


def star(random, x, y, radius, corners):
    """A closed ring that does not cross itself, as text."""
    angles = np.sort(random.uniform(0, 2 * math.pi, corners))
    radii = radius * random.uniform(0.3, 1, corners)
    points = [f"{x + r * math.cos(a)!r} {y + r * math.sin(a)!r}" for a, r in zip(angles, radii)]
    return "(" + ", ".join(points + points[:1]) + ")"


def rasterized(source, code, transform, shape, touched=False, layer=0):
    """1 where a feature of an OGR dataset (or a WKT) covers a cell."""
    height, width = shape
    raster = gdal.GetDriverByName("MEM").Create("", width, height, 1, gdal.GDT_Byte)
    raster.SetGeoTransform(transform)
    raster.SetProjection(srs_of(code).ExportToWkt())
    if isinstance(source, str):
        text = source
        source = ogr.GetDriverByName("Memory").CreateDataSource("")
        made = source.CreateLayer("x", srs_of(code))
        feature = ogr.Feature(made.GetLayerDefn())
        feature.SetGeometry(ogr.CreateGeometryFromWkt(text))
        made.CreateFeature(feature)
    gdal.RasterizeLayer(raster, [1], source.GetLayer(layer), burn_values=[1],
                        options=["ALL_TOUCHED=TRUE"] if touched else [])
    return raster.ReadAsArray()


class FilterGeom(Case):
    def kept(self, raster, *more, **keys):
        """1 where filter_geom keeps a cell of a raster file, and the result's dataset."""
        out = self.path("kept.tif")
        graph = {"cube_type": "filter_geom", **keys,
                 "in_cube": {"cube_type": "raster", "file": raster}}
        result = cube("run", self.graph(graph), "-o", out, "--overwrite", *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        dataset = gdal.Open(out)
        band = dataset.GetRasterBand(1)
        return band.ReadAsArray() != band.GetNoDataValue(), dataset

    def ones(self, name, code, transform, shape):
        height, width = shape
        dataset = gdal.GetDriverByName("GTiff").Create(
            self.path(name), width, height, 1, gdal.GDT_Byte, ["TILED=YES", "BLOCKXSIZE=64",
                                                               "BLOCKYSIZE=64"])
        dataset.SetGeoTransform(transform)
        dataset.SetProjection(srs_of(code).ExportToWkt())
        dataset.GetRasterBand(1).SetNoDataValue(0)
        dataset.GetRasterBand(1).Fill(1)
        return name

    def test_random_areas(self):
        random = np.random.default_rng(3)
        transform, shape = (5e5, 10, 0, 5e6, 0, -10), (200, 300)
        raster = self.ones("ones.tif", 32631, transform, shape)
        for number in range(8):
            parts = []
            for _ in range(random.integers(1, 4)):
                x, y = 5e5 + random.uniform(-500, 3500), 5e6 - random.uniform(-500, 2500)
                hole = "" if number % 2 else ", " + star(random, x, y, 100, 12)
                shell = [f"{x + 900 * math.cos(a)!r} {y + 700 * math.sin(a)!r}"
                         for a in np.arange(0, 2 * math.pi, 0.7)]
                parts.append("((" + ", ".join(shell + shell[:1]) + ")" + hole + ")")
            # Parts may overlap: united, as GDAL's even-odd rule would not have it.
            united = ogr.CreateGeometryFromWkt("POLYGON EMPTY")
            for part in parts:
                united = united.Union(ogr.CreateGeometryFromWkt("POLYGON " + part))
            wkt = united.ExportToIsoWkt()
            for touched in (False, True):
                kept, _ = self.kept(raster, wkt=wkt, all_touched=touched)
                expected = rasterized(wkt, 32631, transform, shape, touched)
                self.assertGreater(expected.sum(), 0)
                self.assertEqual(np.abs(kept - expected.astype(int)).sum(), 0)

    def test_chunks_and_threads(self):
        raster = self.ones("ones.tif", 32631, (5e5, 10, 0, 5e6, 0, -10), (200, 300))
        wkt = "POLYGON " + "(" + star(np.random.default_rng(1), 5e5 + 1500, 5e6 - 1000, 900, 40) + ")"
        kept, _ = self.kept(raster, wkt=wkt)
        for more in (["--chunk", "1,7,13", "--threads", "4"], ["--chunk", "1,64,64"]):
            self.assertTrue((kept == self.kept(raster, *more, wkt=wkt)[0]).all())

    def test_crop(self):
        raster = self.ones("ones.tif", 32631, (5e5, 10, 0, 5e6, 0, -10), (200, 300))
        wkt = f"POLYGON (({5e5 + 101} {5e6 - 99}, {5e5 + 301} {5e6 - 99}, {5e5 + 301} {5e6 - 50}, " \
              f"{5e5 + 101} {5e6 - 50}, {5e5 + 101} {5e6 - 99}))"
        kept, dataset = self.kept(raster, wkt=wkt, crop=True)
        self.assertEqual(kept.shape, (5, 20))
        self.assertEqual(dataset.GetGeoTransform(), (5e5 + 100, 10, 0, 5e6 - 50, 0, -10))

    def test_wholly_outside_is_not_read(self):
        raster = self.ones("ones.tif", 32631, (5e5, 10, 0, 5e6, 0, -10), (640, 640))
        graph = self.graph({"cube_type": "filter_geom", "in_cube": {"cube_type": "raster", "file": raster},
                            "wkt": f"POLYGON (({5e5} {5e6}, {5e5 + 600} {5e6}, {5e5} {5e6 - 600}, {5e5} {5e6}))"})
        plan = cube("plan", graph, "--chunk", "1,64,64").stdout
        self.assertIn("99 of them empty", plan)

    def test_files(self):
        raster = self.ones("ones.tif", 32631, (5e5, 10, 0, 5e6, 0, -10), (4, 4))
        with open(self.path("text.gpkg"), "w") as f:
            f.write("no database")
        dataset = ogr.GetDriverByName("GPKG").CreateDataSource(self.path("two.gpkg"))
        for name in ("woods", "lakes"):
            dataset.CreateLayer(name, srs_of(32631))
        dataset = None
        source = {"cube_type": "raster", "file": raster}
        for keys, text in [({"file": "none.gpkg"}, "cannot be opened as a vector file"),
                           ({"file": "text.gpkg"}, "cannot be opened as a vector file"),
                           ({"file": "two.gpkg"}, "has 2 layers, and 'layer' is not given"),
                           ({"file": "two.gpkg", "layer": "lake"}, "has no layer 'lake' (did you mean 'lakes'?)"),
                           ({"file": "two.gpkg", "layer": "lakes"}, "has no features")]:
            graph = self.graph({"cube_type": "filter_geom", "in_cube": source, **keys})
            self.fails(2, text, "check", graph)

    def test_a_layer_and_a_reference_system(self):
        """Values stay, of one layer of two, and of text in degrees."""
        random = np.random.default_rng(8)
        transform, shape = (5e5, 10, 0, 5e6, 0, -10), (90, 110)
        cells = random.integers(1, 1000, (2,) + shape).astype("uint16")
        cells[random.random(cells.shape) < 0.2] = 0
        for i in range(2):
            dataset = gdal.GetDriverByName("GTiff").Create(self.path(f"{i}.tif"), 110, 90, 1, gdal.GDT_UInt16)
            dataset.SetGeoTransform(transform)
            dataset.SetProjection(srs_of(32631).ExportToWkt())
            dataset.GetRasterBand(1).SetNoDataValue(0)
            dataset.GetRasterBand(1).WriteArray(cells[i])
            dataset = None
        to_degrees = osr.CoordinateTransformation(srs_of(32631), srs_of(4326))
        layers = ogr.GetDriverByName("GPKG").CreateDataSource(self.path("two.gpkg"))
        texts = {}
        for name, x, y, code in (("woods", 300, 400, 32631), ("lakes", 700, 500, 4326)):
            area = ogr.CreateGeometryFromWkt("POLYGON " + "(" + star(random, 5e5 + x, 5e6 - y, 450, 15) + ")")
            if code == 4326:
                area.Transform(to_degrees)
            layer = layers.CreateLayer(name, srs_of(code))
            feature = ogr.Feature(layer.GetLayerDefn())
            feature.SetGeometry(area)
            layer.CreateFeature(feature)
            texts[name] = (area, code)
        layers = None
        series = {"cube_type": "simple_cube", "files": ["0.tif", "1.tif"], "datetime": ["2020", "2021"]}
        for name, (area, code) in texts.items():
            dense = area.Clone()
            dense.Segmentize(1 if code == 32631 else 1e-5)
            if code != 32631:
                dense.Transform(osr.CoordinateTransformation(srs_of(code), srs_of(32631)))
            for keys in ({"file": "two.gpkg", "layer": name},
                         {"wkt": area.ExportToIsoWkt(), "srs": f"EPSG:{code}"}):
                for touched in (False, True):
                    graph = {"cube_type": "filter_geom", "in_cube": series, "all_touched": touched, **keys}
                    inside = rasterized(dense.ExportToIsoWkt(), 32631, transform, shape, touched) == 1
                    self.assertTrue(1000 < inside.sum() < 6000)
                    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
                    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
                    for crop, window in ((False, (slice(None),) * 2), (True, box)):
                        result = cube("run", self.graph({**graph, "crop": crop}), "-o", self.path("kept.tif"),
                                      "--overwrite", "--chunk", "1,17,29")
                        self.assertEqual(result.returncode, 0, result.stderr)
                        got = gdal.Open(self.path("kept.tif"))
                        self.assertEqual(got.GetGeoTransform()[0], 5e5 + 10 * (window[1].start or 0))
                        wanted = np.where(inside, cells, 0)[(slice(None),) + window]
                        np.testing.assert_array_equal(got.ReadAsArray(), wanted, f"{name} {keys} {touched}")

    @unittest.skipUnless(os.path.isdir(DATA), "no ../shared")
    def test_new_york(self):
        file = os.path.join(DATA, "nyc_districts.gpkg")
        transform, shape = (560000, 30, 0, 4531000, 0, -30), (1700, 1800)
        raster = self.ones("ones.tif", 32618, transform, shape)
        for touched in (False, True):
            kept, _ = self.kept(raster, file=file, all_touched=touched)
            expected = rasterized(ogr.Open(file), 32618, transform, shape, touched)
            self.assertGreater(expected.sum(), 100000)
            # Districts do not quite meet; where two outlines cross a cell, uniting them may decide.
            self.assertLess(np.abs(kept - expected.astype(int)).sum(), 5)

    @unittest.skipUnless(os.path.isdir(DATA), "no ../shared")
    def test_luxembourg_in_another_crs(self):
        file = os.path.join(DATA, "lux.shp")
        transform, shape = (260000, 100, 0, 5570000, 0, -100), (900, 800)
        raster = self.ones("ones.tif", 32632, transform, shape)
        kept, _ = self.kept(raster, file=file)
        dense = gdal.VectorTranslate("", file, format="Memory", dstSRS="EPSG:32632",
                                     options=["-segmentize", "0.0002"])
        expected = rasterized(dense, 32632, transform, shape)
        self.assertGreater(expected.sum(), 200000)
        self.assertLess(np.abs(kept - expected.astype(int)).sum(), 10)


if __name__ == "__main__":
    unittest.main()
