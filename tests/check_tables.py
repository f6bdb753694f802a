"""Tables: zonal and extract against slow numpy implementations, and CSV, GeoPackage and GeoJSON as
csv and GDAL read them."""
import csv
import json
import math
import os
import re
import sys
import unittest

try:
    import numpy as np
    from osgeo import gdal, ogr, osr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from program import DUMMY, Case, cube

gdal.UseExceptions()
ogr.UseExceptions()
DATA = os.path.join(os.environ["CUBE_SHARED"], "data")
LEFT, TOP, SIDE = 500000, 5000000, 10


def srs_of(code):
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(code)
    srs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return srs


def features(file):
    dataset = ogr.Open(file)
    layer = dataset.GetLayer(0)
    return [(feature.GetFID(), feature.items(), feature.geometry().Clone()) for feature in layer]


def coverage(geometry, transform, shape):
    """The fraction of each cell that a geometry covers, by GEOS, cell by cell."""
    left, dx, _, top, _, dy = transform
    out = np.zeros(shape)
    west, east, south, north = geometry.GetEnvelope()
    for row in range(max(0, int((north - top) / dy)), min(shape[0], int((south - top) / dy) + 1)):
        for column in range(max(0, int((west - left) / dx)), min(shape[1], int((east - left) / dx) + 1)):
            x, y = left + column * dx, top + row * dy
            cell = ogr.CreateGeometryFromWkt(
                f"POLYGON (({x!r} {y!r}, {x + dx!r} {y!r}, {x + dx!r} {y + dy!r}, {x!r} {y + dy!r}, {x!r} {y!r}))")
            out[row, column] = geometry.Intersection(cell).GetArea() / abs(dx * dy)
    return out


def centers(geometry, code, transform, shape):
    raster = gdal.GetDriverByName("MEM").Create("", shape[1], shape[0], 1, gdal.GDT_Byte)
    raster.SetGeoTransform(transform)
    raster.SetProjection(srs_of(code).ExportToWkt())
    source = ogr.GetDriverByName("Memory").CreateDataSource("")
    layer = source.CreateLayer("x", srs_of(code))
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetGeometry(geometry)
    layer.CreateFeature(feature)
    gdal.RasterizeLayer(raster, [1], layer, burn_values=[1])
    return raster.ReadAsArray().astype(float)


class Tables(Case):
    def table(self, graph, *more, name="out.csv"):
        result = cube("run", self.graph(graph), "-o", self.path(name), "--overwrite", *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        if not name.endswith(".csv"):
            return self.path(name)
        with open(self.path(name), newline="", encoding="utf-8") as f:
            return list(csv.DictReader(f))

    def series(self, slices=3, height=40, width=60):
        """A series of float32 rasters with gaps, and its cells."""
        random = np.random.default_rng(5)
        cells = random.uniform(0, 100, (slices, height, width)).astype("float32")
        cells[random.uniform(size=cells.shape) < 0.1] = np.nan
        files = []
        for i in range(slices):
            files.append(f"slice{i}.tif")
            dataset = gdal.GetDriverByName("GTiff").Create(self.path(files[-1]), width, height, 1,
                                                           gdal.GDT_Float32)
            dataset.SetGeoTransform((LEFT, SIDE, 0, TOP, 0, -SIDE))
            dataset.SetProjection(srs_of(32631).ExportToWkt())
            dataset.GetRasterBand(1).SetNoDataValue(math.nan)
            dataset.GetRasterBand(1).WriteArray(cells[i])
        node = {"cube_type": "simple_cube", "files": files, "band_names": ["v"],
                "datetime": [f"2020-0{i + 1}-10" for i in range(slices)]}
        return node, cells.astype(float)

    def layer(self, name, rows, fields=(), kind="GPKG"):
        """A layer of (WKT, attributes) in the rasters' CRS."""
        dataset = ogr.GetDriverByName(kind).CreateDataSource(self.path(name))
        layer = dataset.CreateLayer("things", srs_of(32631))
        for field, type_ in fields:
            layer.CreateField(ogr.FieldDefn(field, type_))
        for wkt, attributes in rows:
            feature = ogr.Feature(layer.GetLayerDefn())
            feature.SetGeometry(ogr.CreateGeometryFromWkt(wkt))
            for key, value in attributes.items():
                feature[key] = value
            layer.CreateFeature(feature)
        return name

    def polygons(self, count=7):
        random = np.random.default_rng(11)
        rows = []
        for i in range(count):
            x, y = LEFT + random.uniform(-50, 600), TOP - random.uniform(-50, 400)
            corners = [(x + r * math.cos(a), y + r * math.sin(a))
                       for a, r in zip(np.arange(0, 2 * math.pi, 0.5), random.uniform(40, 150, 13))]
            ring = ", ".join(f"{p!r} {q!r}" for p, q in corners + corners[:1])
            rows.append((f"POLYGON (({ring}))", {"name": f"number {i}, \"quoted\"", "size": i * 1.5}))
        return self.layer("areas.gpkg", rows, [("name", ogr.OFTString), ("size", ogr.OFTReal)])

    def number(self, text):
        return math.nan if text == "" else float(text)

    def same(self, value, expected, tolerance=1e-9):
        if math.isnan(expected):
            self.assertTrue(math.isnan(value), value)
        else:
            self.assertAlmostEqual(value, expected, delta=tolerance * max(1, abs(expected)))

    def test_zonal_series(self):
        node, cells = self.series()
        file = self.polygons()
        transform = (LEFT, SIDE, 0, TOP, 0, -SIDE)
        reducers = ["count", "sum", "mean", "min", "max", "sd", "median"]
        for weights in ("center", "coverage"):
            rows = self.table({"cube_type": "zonal", "file": file, "reducers": reducers,
                               "weights": weights, "in_cube": node})
            self.assertEqual(list(rows[0]), ["feature", "name", "size", "time"] +
                             ["v_" + name for name in reducers])
            known = features(self.path(file))
            self.assertEqual([(r["feature"], r["time"]) for r in rows],
                             [(str(fid), f"2020-0{t + 1}-10") for fid, _, _ in known for t in range(3)])
            for i, row in enumerate(rows):
                fid, items, geometry = known[i // 3]
                self.assertEqual(row["name"], items["name"])
                self.assertEqual(float(row["size"]), items["size"])
                w = coverage(geometry, transform, cells.shape[1:]) if weights == "coverage" else \
                    centers(geometry, 32631, transform, cells.shape[1:])
                v = cells[i % 3]
                use = (w > 1e-9) & ~np.isnan(v)
                v, w = v[use], w[use]
                total = w.sum()
                nothing = len(v) == 0
                mean = (w * v).sum() / total if not nothing else math.nan
                self.same(float(row["v_count"]), total, 1e-6)
                self.same(self.number(row["v_sum"]), math.nan if nothing else (w * v).sum(), 1e-6)
                self.same(self.number(row["v_mean"]), mean, 1e-6)
                self.same(self.number(row["v_min"]), math.nan if nothing else v.min(), 1e-6)
                self.same(self.number(row["v_max"]), math.nan if nothing else v.max(), 1e-6)
                if len(v) > 1:
                    var = (w * (v - mean) ** 2).sum() / (total - (w ** 2).sum() / total)
                    self.same(self.number(row["v_sd"]), math.sqrt(var), 1e-6)
                if weights == "center" and not nothing:
                    self.same(self.number(row["v_median"]), np.median(v), 1e-9)

    def test_order_does_not_depend_on_chunks(self):
        node, _ = self.series()
        graph = {"cube_type": "zonal", "file": self.polygons(), "reducers": ["mean", "median", "sd"],
                 "weights": "coverage", "in_cube": node}
        self.table(graph)
        with open(self.path("out.csv"), "rb") as f:
            whole = f.read()
        for more in (["--chunk", "1,1,1", "--threads", "4"], ["--chunk", "2,3,1"]):
            self.table(graph, *more)
            with open(self.path("out.csv"), "rb") as f:
                self.assertEqual(f.read(), whole)

    def test_formats_hold_the_same(self):
        node, _ = self.series()
        graph = {"cube_type": "zonal", "file": self.polygons(), "reducers": ["mean", "count"],
                 "in_cube": node}
        rows = self.table(graph)
        for name in ("out.gpkg", "out.geojson", "out.json"):
            dataset = ogr.Open(self.table(graph, name=name))
            layer = dataset.GetLayer(0)
            self.assertEqual(layer.GetFeatureCount(), len(rows))
            known = features(self.path("areas.gpkg"))
            for i, (row, feature) in enumerate(zip(rows, layer)):
                items = feature.items()
                self.assertEqual(str(items["feature"]), row["feature"])
                self.assertEqual(items["name"], row["name"])
                for key in ("size", "v_mean", "v_count"):
                    value = math.nan if items[key] is None else items[key]
                    self.same(value, self.number(row[key]), 1e-12)
                self.assertEqual(items["time"].replace("/", "-")[:10], row["time"])
                if name == "out.gpkg":
                    self.assertTrue(feature.geometry().Equals(known[i // 3][2]))
            if name == "out.gpkg":
                self.assertIn("zonal", dataset.GetMetadataItem("CUBE_GRAPH"))
                types = {layer.GetLayerDefn().GetFieldDefn(i).GetName(): layer.GetLayerDefn().GetFieldDefn(i).GetType()
                         for i in range(layer.GetLayerDefn().GetFieldCount())}
                self.assertEqual(types["time"], ogr.OFTDateTime)
                self.assertEqual(types["v_count"], ogr.OFTInteger64)
                self.assertEqual(types["v_mean"], ogr.OFTReal)
                self.assertTrue(layer.GetSpatialRef().IsSame(srs_of(32631)))
            else:
                west, east, south, north = layer.GetExtent()
                self.assertTrue(2.9 < west < east < 3.1 and 45 < south < north < 45.3)

    def test_points(self):
        node, cells = self.series()
        random = np.random.default_rng(2)
        points = [(LEFT + random.uniform(-20, 620), TOP - random.uniform(-20, 420)) for _ in range(50)]
        file = self.layer("points.gpkg", [(f"POINT ({x!r} {y!r})", {}) for x, y in points])
        for method in ("nearest", "bilinear"):
            rows = self.table({"cube_type": "extract", "file": file, "method": method, "in_cube": node})
            self.assertEqual(len(rows), 150)
            for i, row in enumerate(rows):
                x, y = points[i // 3]
                u, v = (x - LEFT) / SIDE, (TOP - y) / SIDE
                slice_ = cells[i % 3]
                height, width = slice_.shape
                expected = math.nan
                if 0 <= u < width and 0 <= v < height and not math.isnan(slice_[int(v), int(u)]):
                    expected = slice_[int(v), int(u)]
                    if method == "bilinear":
                        total = weights = 0
                        for r in (math.floor(v - 0.5), math.floor(v - 0.5) + 1):
                            for c in (math.floor(u - 0.5), math.floor(u - 0.5) + 1):
                                if 0 <= r < height and 0 <= c < width and not math.isnan(slice_[r, c]):
                                    w = (1 - abs(v - 0.5 - r)) * (1 - abs(u - 0.5 - c))
                                    total, weights = total + w * slice_[r, c], weights + w
                        expected = total / weights
                self.same(self.number(row["v"]), expected, 1e-6)

    def test_points_at_their_times(self):
        node, cells = self.series()
        rows = [(f"POINT ({LEFT + 5 + 10 * i} {TOP - 5 - 10 * i})", {"when": when})
                for i, when in enumerate(["2020-02-10", "2020/01/10", None, "2020-07-01", "2020-03-10"])]
        file = self.layer("seen.gpkg", rows, [("when", ogr.OFTString)])
        table = self.table({"cube_type": "extract", "ogr_dataset": file, "time_column": "when",
                            "ogr_layer": "", "in_cube": node})
        self.assertEqual([row["time"] for row in table], ["2020-02-10", "2020-01-10", "", "", "2020-03-10"])
        for i, slice_ in [(0, 1), (1, 0), (4, 2)]:
            self.same(self.number(table[i]["v"]), cells[slice_, i, i], 1e-6)
        self.assertEqual([table[2]["v"], table[3]["v"]], ["", ""])

    def test_cells(self):
        node, cells = self.series()
        rows = self.table({"cube_type": "slice_space", "ix": 3, "iy": 2, "in_cube": node})
        self.assertEqual(list(rows[0]), ["time", "x", "y", "v"])
        self.assertEqual([r["time"] for r in rows], ["2020-01-10", "2020-02-10", "2020-03-10"])
        for t, row in enumerate(rows):
            self.assertEqual((float(row["x"]), float(row["y"])), (LEFT + 35, TOP - 25))
            self.same(self.number(row["v"]), cells[t, 2, 3], 1e-7)
            self.assertLess(len(row["v"]), 12)  # as many digits as a float32 has
        whole = self.table({"cube_type": "crop", "ix_max": 4, "iy_max": 3, "in_cube": node}, "--chunk", "1,3,2")
        for row, value in zip(whole, cells[:, :4, :5].ravel()):
            self.same(self.number(row["v"]), value, 1e-7)
        self.assertEqual([(r["time"][6], r["x"], r["y"]) for r in whole],
                         [(str(t + 1), str(LEFT + 5 + 10 * x), str(TOP - 5 - 10 * y))
                          for t in range(3) for y in range(4) for x in range(5)])

    def test_names_that_clash(self):
        node, _ = self.series(1)
        file = self.layer("clash.gpkg", [(f"POINT ({LEFT + 5} {TOP - 5})", {"time": "noon", "v": "x"})],
                          [("time", ogr.OFTString), ("v", ogr.OFTString)])
        rows = self.table({"cube_type": "extract", "file": file, "in_cube": node})
        self.assertEqual(list(rows[0]), ["feature", "time_2", "v_2", "time", "v"])
        self.assertEqual((rows[0]["time_2"], rows[0]["v_2"]), ("noon", "x"))

    def test_refusals(self):
        table = {"cube_type": "zonal", "in_cube": DUMMY, "wkt": "POLYGON ((0 0,99 0,99 99,0 0))"}
        self.fails(2, "out.tif: the rows of the cube are features, which GTiff has no place for (.csv, .gpkg or .geojson)",
                   "run", self.graph(table), "-o", "out.tif")
        view = {"space": {"left": 0, "right": 40000, "bottom": 0, "top": 30000, "dx": 10, "srs": "EPSG:32631"},
                "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}
        self.fails(2, "the cube has 36000000 cells, too many rows for CSV", "run",
                   self.graph({**DUMMY, "view": view}), "-o", self.path("out.csv"))
        self.fails(2, "there is no option 'SEPARATOR'", "run", self.graph(table), "-o", self.path("out.csv"),
                   "--co", "SEPARATOR=TAB")
        with open(self.path("out.gpkg"), "w") as f:
            f.write("mine")
        self.fails(2, "exists already", "run", self.graph(table), "-o", self.path("out.gpkg"))

    def test_large_areas_say_what_they_take(self):
        view = {"space": {"left": 0, "right": 20000, "bottom": 0, "top": 20000, "dx": 1,
                          "srs": "EPSG:32631"},
                "time": {"t0": "2020-01", "t1": "2020-01", "dt": "P1M"}}
        # One of 300 features has half of 400 million cells, of 8 bytes.
        with open(self.path("a.geojson"), "w") as f:
            triangle = [[[0, 0], [0, 20000], [20000, 20000], [0, 0]]]
            small = [[[0, 0], [0, 9], [9, 9], [0, 0]]]
            shapes = [small] * 200 + [triangle] + [small] * 99
            json.dump({"type": "FeatureCollection", "crs": {
                "type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}, "features": [
                    {"type": "Feature", "properties": {}, "geometry":
                     {"type": "Polygon", "coordinates": rings}} for rings in shapes]}, f)
        document = {"cube_type": "zonal", "file": "a.geojson", "reducers": ["mode", "median", "p90", "mad"],
                    "in_cube": {"cube_type": "dummy", "fill": 1, "view": view}}
        out = ["-o", self.path("out.csv"), "--threads", "1"]
        # Order statistics are found in several passes, which hold little.
        result = cube("run", self.graph(document), *out, "--memory", "200M")
        self.assertEqual(result.returncode, 2, result.stderr)
        said = int(re.search(r"it takes (\d+)M\)", result.stderr)[1])
        self.assertLess(said, 500)
        for memory, status in ((said, 0), (said - 3, 2)):
            result = cube("plan", self.graph(document), "--threads", "1", "--memory", f"{memory}M")
            self.assertEqual(result.returncode, status, result.stderr)
        document["reducers"] = ["mean", "max"]
        result = cube("plan", self.graph(document), *out[2:], "--memory", "200M")
        self.assertEqual(result.returncode, 0, result.stderr)

    @unittest.skipUnless(os.path.isdir(DATA), "no ../shared")
    def test_luxembourg(self):
        file = os.path.join(DATA, "lux.shp")
        raster = gdal.Open(os.path.join(DATA, "elev.tif"))
        elevation = raster.ReadAsArray().astype(float)
        elevation[elevation == raster.GetRasterBand(1).GetNoDataValue()] = np.nan
        rows = self.table({"cube_type": "zonal", "file": file, "weights": "coverage", "fields": ["NAME_2"],
                           "reducers": ["mean", "sum", "count", "max"],
                           "in_cube": {"cube_type": "raster", "file": raster.GetDescription(), "bands": ["z"]}})
        self.assertEqual(len(rows), 12)
        self.assertEqual(list(rows[0])[:3], ["feature", "NAME_2", "time"])
        for row, (_, items, geometry) in zip(rows, features(file)):
            w = coverage(geometry, raster.GetGeoTransform(), elevation.shape)
            use = (w > 1e-9) & ~np.isnan(elevation)
            self.assertEqual(row["NAME_2"], items["NAME_2"])
            self.same(float(row["z_count"]), w[use].sum(), 1e-6)
            self.same(float(row["z_sum"]), (w * elevation)[use].sum(), 1e-6)
            self.same(float(row["z_mean"]), (w * elevation)[use].sum() / w[use].sum(), 1e-6)
            self.same(float(row["z_max"]), elevation[use].max())

    @unittest.skipUnless(os.path.isdir(DATA), "no ../shared")
    def test_new_york_samples(self):
        scene = next(os.path.join(root, name)
                     for root, _, names in sorted(os.walk(os.path.join(DATA, "landsat8_new_york_2018")))
                     for name in sorted(names) if name.upper().endswith("_B4.TIF"))
        raster = gdal.Open(scene)
        left, dx, _, top, _, dy = raster.GetGeoTransform()
        cells = raster.ReadAsArray()
        rows = self.table({"cube_type": "extract", "file": os.path.join(DATA, "ny_samples.gpkg"),
                           "in_cube": {"cube_type": "raster", "file": scene, "bands": ["B4"]}})
        self.assertEqual(len(rows), 39)
        self.assertGreater(sum(row["B4"] != "" for row in rows), 5)
        for row, (fid, items, point) in zip(rows, features(os.path.join(DATA, "ny_samples.gpkg"))):
            self.assertEqual((row["feature"], row["class"]), (str(fid), items["class"]))
            r, c = math.floor((point.GetY() - top) / dy), math.floor((point.GetX() - left) / dx)
            inside = 0 <= r < cells.shape[0] and 0 <= c < cells.shape[1]
            self.assertEqual(row["B4"], str(cells[r, c]) if inside else "")


if __name__ == "__main__":
    unittest.main()
