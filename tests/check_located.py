"""Collections of images that are placed by ground control points, a rotated grid or geolocation
arrays: footprint, CRS, and cells that agree with gdalwarp -et 0 -r near."""
import json
import os
import sys
import unittest
import zipfile

try:
    import numpy as np
    from osgeo import gdal, osr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from eos_files import write_s5p
from program import Case, cube

gdal.UseExceptions()
DATA = os.path.join(os.environ.get("CUBE_SHARED", ""), "data")
FORMAT = {"images": {"pattern": r".*/([^/]+)_[0-9]{8}\.[a-z]+"},
          "datetime": {"pattern": r".*_([0-9]{8})\.[a-z]+", "format": "%Y%m%d"},
          "bands": {"v": {"pattern": ".+"}}}
S5P = "S5P_OFFL_L2__NO2____20200101T013158_20200101T031328_11487_01_010302_20200102T181843.nc"


class Located(Case):
    def index(self, *files, preset=None):
        catalog = self.path("c.db")
        result = cube("catalog", "create", catalog, "--overwrite", "--format",
                      preset or self.graph(FORMAT, "format.json"), *files)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(cube("catalog", "list", catalog, "--json").stdout)

    def read(self, box, size, srs, band="v", day="2020-01-01"):
        graph = self.graph({"cube_type": "select_bands", "bands": [band], "in_cube": {
            "cube_type": "image_collection", "file": self.path("c.db"), "view": {
                "space": {"left": box[0], "bottom": box[1], "right": box[2], "top": box[3],
                          "nx": size[0], "ny": size[1], "srs": srs},
                "time": {"t0": day, "t1": day, "dt": "P1D"}}}})
        result = cube("run", graph, "-o", self.path("out.tif"), "--overwrite")
        self.assertEqual(result.returncode, 0, result.stderr)
        return gdal.Open(self.path("out.tif")).ReadAsArray().astype(float)

    def agrees(self, file, srs, size=(120, 100), pad=0.05, share=1.0, band="v", outside=None,
               **more):
        """The image on a grid in `srs` over all of it, against gdalwarp."""
        warped = gdal.Warp("", file, format="MEM", dstSRS=srs, errorThreshold=0, **more)
        left, dx, _, top, _, dy = warped.GetGeoTransform()
        right, bottom = left + dx * warped.RasterXSize, top + dy * warped.RasterYSize
        grow_x, grow_y = pad * (right - left), pad * (top - bottom)
        box = (left - grow_x, bottom - grow_y, right + grow_x, top + grow_y)
        warped = gdal.Warp("", file, format="MEM", dstSRS=srs, errorThreshold=0, outputBounds=box,
                           width=size[0], height=size[1], dstNodata=-1, outputType=gdal.GDT_Float64,
                           **more)
        expected = warped.GetRasterBand(1).ReadAsArray()
        source = self.nodata(file) if outside is None else outside
        got = self.read(box, size, srs, band)
        nodata = self.nodata(self.path("out.tif"))
        missing = np.isnan(got) if nodata is None or np.isnan(nodata) else got == nodata
        absent = (expected == -1) | (expected == source) | np.isnan(expected)
        self.assertGreater(np.mean(~missing), 0.1)
        same = (missing & absent) | (~missing & ~absent & (got == expected))
        self.assertGreaterEqual(np.mean(same), share)
        return box

    def test_ground_control_points_and_rotation(self):
        if not os.path.isdir(DATA):
            self.skipTest("no ../shared/data")
        for name, srs in (("au-gcp", "EPSG:4326"), ("au-gcp", "EPSG:3577"),
                          ("au-3577-rotated", "EPSG:4326"), ("au-3577-rotated", "EPSG:3577")):
            link = self.path(f"{name}_20200101.tif")
            if not os.path.exists(link):
                os.symlink(os.path.join(DATA, name + ".tif"), link)
            image, = self.index(link)
            data = gdal.Open(link)
            stated = osr.SpatialReference(data.GetProjection() or data.GetGCPProjection())
            self.assertTrue(stated.IsSame(self.reference(image["crs"])), image["crs"])
            box = self.agrees(link, srs, share=0.9995)
            if srs == "EPSG:4326":  # the footprint is that of all cells
                footprint, = image["footprint"]
                for got, wanted, span in zip(footprint, self.bounds(link), [box[2] - box[0],
                                                                            box[3] - box[1]] * 2):
                    self.assertAlmostEqual(got, wanted, delta=0.01 * span)

    @staticmethod
    def nodata(file):
        data = gdal.Open(file)
        return data.GetRasterBand(1).GetNoDataValue()

    @staticmethod
    def reference(text):
        out = osr.SpatialReference()
        out.SetFromUserInput(text)
        return out

    @staticmethod
    def bounds(file):
        data = gdal.Open(file)
        transformer = gdal.Transformer(data, None, ["DST_SRS=EPSG:4326"])
        width, height = data.RasterXSize, data.RasterYSize
        points = np.array([transformer.TransformPoint(0, x, y)[1][:2]
                           for x in np.linspace(0, width, 50) for y in np.linspace(0, height, 50)])
        return [*points.min(axis=0), *points.max(axis=0)]

    def test_a_sentinel_1_scene_in_its_zip(self):
        gcps = [gdal.GCP(10 + 0.03 * x - 0.006 * y, 50 - 0.02 * y - 0.004 * x, 0, x, y)
                for x in (0, 20, 40) for y in (0, 15, 30)]
        cells = (np.arange(1200).reshape(30, 40) + 1).astype("uint16")
        name = "S1A_IW_GRDH_1SDV_20200101T054321_20200101T054346_030612_0381D5_AB12"
        files = {}
        for band, add in (("vv", 0), ("vh", 5000)):
            files[band] = self.path(f"{band}.tif")
            data = gdal.GetDriverByName("GTiff").Create(files[band], 40, 30, 1, gdal.GDT_UInt16)
            data.SetGCPs(gcps, self.reference("EPSG:4326").ExportToWkt())
            data.GetRasterBand(1).WriteArray(cells + add)
            del data
        with zipfile.ZipFile(self.path(name + ".zip"), "w") as archive:
            for band, file in files.items():
                archive.write(file, f"{name}.SAFE/measurement/s1a-iw-grd-{band}-20200101t054321-"
                                    "20200101t054346-030612-0381d5-001.tiff")
            archive.writestr(f"{name}.SAFE/annotation/s1a-iw-grd-vv.xml", "<a/>")
        image, = self.index(self.path(name + ".zip"), preset="Sentinel1_IW_GRD")
        self.assertEqual((image["name"], image["crs"], sorted(image["bands"])),
                         (name, "EPSG:4326", ["VH", "VV"]))
        self.agrees(files["vh"], "EPSG:32632", share=0.9995, band="VH", outside=0)

    def test_a_geolocation_array_beside_a_file(self):
        row, column = np.mgrid[0:50, 0:60]
        fields = {"lon": 10 + 0.02 * column + 0.004 * row, "lat": 45 - 0.02 * row + 0.003 * column,
                  "v": row * 60.0 + column}
        for name, cells in fields.items():
            out = gdal.GetDriverByName("GTiff").Create(self.path(name + ".tif"), 60, 50, 1,
                                                       gdal.GDT_Float64)
            out.GetRasterBand(1).WriteArray(cells)
        del out
        wgs84 = self.reference("EPSG:4326").ExportToWkt().replace('"', "&quot;")
        with open(self.path("v_20200101.vrt"), "w") as vrt:
            vrt.write(f"""<VRTDataset rasterXSize="60" rasterYSize="50">
              <Metadata domain="GEOLOCATION">
                <MDI key="X_DATASET">{self.path("lon.tif")}</MDI><MDI key="X_BAND">1</MDI>
                <MDI key="Y_DATASET">{self.path("lat.tif")}</MDI><MDI key="Y_BAND">1</MDI>
                <MDI key="PIXEL_OFFSET">0</MDI><MDI key="PIXEL_STEP">1</MDI>
                <MDI key="LINE_OFFSET">0</MDI><MDI key="LINE_STEP">1</MDI>
                <MDI key="GEOREFERENCING_CONVENTION">PIXEL_CENTER</MDI>
                <MDI key="SRS">{wgs84}</MDI></Metadata>
              <VRTRasterBand dataType="Float64" band="1"><SimpleSource>
                <SourceFilename>{self.path("v.tif")}</SourceFilename><SourceBand>1</SourceBand>
              </SimpleSource></VRTRasterBand></VRTDataset>""")
        image, = self.index(self.path("v_20200101.vrt"))
        self.assertEqual(image["crs"], "EPSG:4326")
        west, south, east, north = image["footprint"][0]
        for got, wanted in ((west, 10), (east, fields["lon"].max()), (south, fields["lat"].min()),
                            (north, fields["lat"].max())):
            self.assertAlmostEqual(got, wanted, delta=0.03)
        self.agrees(self.path("v_20200101.vrt"), "EPSG:4326", share=0.998, geoloc=True)
        self.agrees(self.path("v_20200101.vrt"), "EPSG:32632", share=0.998, geoloc=True)

    def swath(self, longitude, latitude, folded=True):
        no2 = np.arange(longitude.size, dtype=float).reshape(longitude.shape)
        longitude = (longitude + 180) % 360 - 180 if folded else longitude
        write_s5p(self.path(S5P), longitude, latitude, no2, no2 * 0)
        return self.index(self.path(S5P), preset="S5P_NO2")[0]["footprint"], no2

    def test_a_swath_across_the_antimeridian(self):
        row, column = np.mgrid[0:40, 0:50]
        footprint, no2 = self.swath(178 + 0.08 * column + 0.0 * row, 10 - 0.08 * row)
        self.assertEqual(len(footprint), 2)
        self.assertAlmostEqual(footprint[0][0], 178, delta=0.1)
        self.assertEqual(footprint[0][2], 180)
        self.assertEqual(footprint[1][0], -180)
        self.assertAlmostEqual(footprint[1][2], 178 + 0.08 * 49 - 360, delta=0.1)
        # Views on both sides, and across: the cell whose centre is nearest.
        for left in (178.4, 179.2, 180.4 - 360):
            got = self.read((left, 7.5, left + 1.2, 9.5), (30, 50), "EPSG:4326", "no2",
                            "2020-01-01")
            x = (left + 0.04 * (np.arange(30) + 0.5)) % 360
            y = 9.5 - 0.04 * (np.arange(50) + 0.5)
            columns = (x - 178) / 0.08
            rows = (10 - y) / 0.08
            clear = np.add.outer(abs(rows % 1 - 0.5) < 0.1, abs(columns % 1 - 0.5) < 0.1) == 0
            wanted = no2[np.ix_(np.rint(rows).astype(int), np.rint(columns).astype(int))]
            self.assertGreater(clear.mean(), 0.3)
            self.assertGreater(np.mean(got[clear] == wanted[clear]), 0.99, left)

    def test_projected_views_of_a_swath_across_the_antimeridian(self):
        """As the same swath 42 degrees (7 zones of UTM) west of it, however its longitudes count."""
        row, column = np.mgrid[0:40, 0:50]
        longitude, latitude = 178 + 0.08 * column + 0.02 * row, 10 - 0.08 * row + 0.01 * column
        mercator = "+proj=merc +lon_0={} +datum=WGS84 +units=m +no_defs"
        for here, there, box in (("EPSG:32601", "EPSG:32654", (1e4, 8e5, 3e5, 1.05e6)),
                                 (mercator.format(150), mercator.format(108),
                                  (3.17e6, 8e5, 3.5e6, 1.1e6))):
            self.swath(longitude - 42, latitude)
            expected = self.read(box, (58, 50), there, "no2")
            nodata = self.nodata(self.path("out.tif"))
            inside = ~np.isnan(expected) & (expected != nodata)
            self.assertGreater(inside.mean(), 0.5)
            for folded in (True, False):
                with self.subTest(srs=here, folded=folded):
                    self.swath(longitude, latitude, folded)
                    got = self.read(box, (58, 50), here, "no2")
                    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
                    self.assertGreater(same.mean(), 0.99)

    def test_control_points_across_the_antimeridian(self):
        """The same, for points that count on beyond 180, and that begin again at -180."""
        def scene(name, shift, folded):
            points = []
            for x in (0, 20, 40):
                for y in (0, 15, 30):
                    longitude = 179 + 0.06 * x - 0.006 * y - shift
                    if folded and longitude > 180:
                        longitude -= 360
                    points.append(gdal.GCP(longitude, 10 - 0.05 * y - 0.004 * x, 0, x, y))
            data = gdal.GetDriverByName("GTiff").Create(self.path(name), 40, 30, 1,
                                                        gdal.GDT_UInt16)
            data.SetGCPs(points, self.reference("EPSG:4326").ExportToWkt())
            data.GetRasterBand(1).SetNoDataValue(0)
            data.GetRasterBand(1).WriteArray((np.arange(1200).reshape(30, 40) + 1).astype("uint16"))
            del data
            return self.index(self.path(name))

        degrees = ((179.2, 8.6, 181, 9.9), (30, 30))
        metres = ((1e5, 9.6e5, 3e5, 1.09e6), (40, 26))
        image, = scene("v_20200101.tif", 42, False)
        west, south, east, north = image["footprint"][0]
        expected = [self.read([degrees[0][0] - 42, 8.6, degrees[0][2] - 42, 9.9], degrees[1],
                              "EPSG:4326"), self.read(*metres, "EPSG:32654")]
        self.assertGreater(min(np.mean(cells > 0) for cells in expected), 0.5)
        for folded in (False, True):
            image, = scene("v_20200101.tif", 0, folded)
            with self.subTest(folded=folded):
                self.assertEqual(len(image["footprint"]), 2)
                for got, wanted in zip(image["footprint"][0] + image["footprint"][1],
                                       (west + 42, south, 180, north, -180, south, east + 42 - 360,
                                        north)):
                    self.assertAlmostEqual(got, wanted, delta=0.01)
                left, bottom, right, top = degrees[0]
                for view, wanted in (((degrees[0], degrees[1], "EPSG:4326"), expected[0]),
                                     (([left - 360, bottom, right - 360, top], degrees[1],
                                       "EPSG:4326"), expected[0]),
                                     ((*metres, "EPSG:32601"), expected[1])):
                    got = self.read(*view)
                    self.assertGreater(np.mean(got == wanted), 0.99, view)

    def test_a_swath_over_the_pole(self):
        # Cells of 1 degree on a plane that touches the earth at the pole.
        row, column = np.mgrid[-20:20, -20:20] + 0.5
        footprint, _ = self.swath(np.degrees(np.arctan2(column, -row)),
                                  90 - np.hypot(row, column))
        self.assertEqual(len(footprint), 1)
        self.assertEqual(footprint[0][0::2], [-180, 180])
        self.assertEqual(footprint[0][3], 90)
        self.assertLess(footprint[0][1], 63)


if __name__ == "__main__":
    unittest.main()
