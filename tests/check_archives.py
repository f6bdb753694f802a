"""Collections from zip and tar archives and compressed files: made, read, moved, broken."""
import gzip
import json
import os
import shutil
import sys
import tarfile
import unittest
import zipfile

try:
    import numpy as np
    from osgeo import gdal, osr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from program import Case, cube

gdal.UseExceptions()

SAFE = "S2A_MSIL1C_20180{0}01T103421_N0206_R108_T32UNB_20180{0}01T124000.SAFE"
FORMAT = {"images": {"pattern": r".*/([^/]+)_[0-9]{8}_[^/]+\.tif"},
          "datetime": {"pattern": r".*_([0-9]{8})_[^/]+\.tif", "format": "%Y%m%d"},
          "bands": {"v": {"pattern": r".+_v\.tif"}}}


def tiff(file, value):
    os.makedirs(os.path.dirname(file), exist_ok=True)
    data = gdal.GetDriverByName("GTiff").Create(file, 2, 2, 1, gdal.GDT_UInt16)
    data.SetGeoTransform((500000, 10, 0, 5000000, 0, -10))
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(32631)
    data.SetProjection(srs.ExportToWkt())
    data.GetRasterBand(1).Fill(value)
    return file


class Archives(Case):
    def create(self, catalog, *arguments, status=0):
        result = cube("catalog", "create", self.path(catalog), "--progress", "none", *arguments)
        self.assertEqual(result.returncode, status, result.stderr)
        return result

    def listed(self, catalog):
        return json.loads(cube("catalog", "list", self.path(catalog), "--json").stdout)

    def own_format(self):
        return self.graph(FORMAT, "format.json")

    def value(self, catalog, day="2020-01-01"):
        """The only value that the first band has on a day."""
        graph = self.graph({"cube_type": "image_collection", "file": self.path(catalog), "view": {
            "space": {"left": 500000, "right": 500020, "bottom": 4999980, "top": 5000000,
                      "nx": 2, "ny": 2, "srs": "EPSG:32631"},
            "time": {"t0": day, "t1": day, "dt": "P1D"}}})
        out = self.path("out.tif")
        result = cube("run", graph, "-o", out, "--overwrite")
        self.assertEqual(result.returncode, 0, result.stderr)
        values = np.unique(gdal.Open(out).ReadAsArray())
        self.assertEqual(values.size, 1)
        return values[0]

    def pack(self, name, days):
        """An archive of a file a day, in nested folders with spaces in their names."""
        for day in days:
            tiff(self.path(f"in/one/two three/a b{day}_202001{day}_v.tif"), int(day))
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        if name.lower().endswith(".zip"):
            with zipfile.ZipFile(self.path(name), "w", zipfile.ZIP_DEFLATED) as archive:
                for folder, _, files in os.walk(self.path("in")):
                    for file in files:
                        whole = os.path.join(folder, file)
                        archive.write(whole, os.path.relpath(whole, self.path("in")))
        else:
            mode = "w" if name.endswith(".tar") else "w:gz"
            with tarfile.open(self.path(name), mode) as archive:
                archive.add(self.path("in"), ".")
        shutil.rmtree(self.path("in"))

    def test_every_kind_of_archive_in_a_folder(self):
        self.pack("d/a.zip.d/a.zip", ["01"])
        self.pack("d/b.ZIP", ["02"])
        self.pack("d/deep/c.tar", ["03", "04"])
        self.pack("d/e.tar.gz", ["05"])
        self.pack("d/f.tgz", ["06"])
        tiff(self.path("d/plain/a b07_20200107_v.tif"), 7)
        result = self.create("c.db", "--format", self.own_format(), self.path("d"))
        self.assertIn("7 images, 7 files", result.stdout)
        for day in range(1, 8):
            self.assertEqual(self.value("c.db", f"2020-01-0{day}"), day)

    def test_archives_within_archives(self):
        self.pack("one.zip", ["01", "02"])
        self.pack("two.tar", ["03"])
        os.makedirs(self.path("d"))
        with zipfile.ZipFile(self.path("d/all.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("one.zip", "two.tar"):
                archive.write(self.path(name), "sub/" + name)
        self.create("a.db", "--format", self.own_format(), self.path("d"))
        self.assertEqual(len(self.listed("a.db")), 3)
        for day in (1, 2, 3):
            self.assertEqual(self.value("a.db", f"2020-01-{day:02d}"), day)
        self.assertIn("0 added, 0 changed, 0 removed", cube("catalog", "update", self.path("a.db")).stdout)
        os.utime(self.path("d/all.zip"), (1e9, 1e9))
        self.assertIn("0 added, 3 changed, 0 removed", cube("catalog", "update", self.path("a.db")).stdout)

    def test_an_archive_is_named_globbed_or_listed(self):
        self.pack("x/a.zip", ["01"])
        for arguments, stdin in (([self.path("x/a.zip")], None), ([self.path("x/*.zip")], None),
                                 (["-"], self.path("x/a.zip") + "\n")):
            result = cube("catalog", "create", self.path("c.db"), "--overwrite", "--format",
                          self.own_format(), *arguments, stdin=stdin)
            self.assertIn("1 image, 1 file", result.stdout, result.stderr)
        self.assertEqual(self.listed("c.db")[0]["bands"]["v"]["file"],
                         f"/vsizip/{self.path('x/a.zip')}/one/two three/a b01_20200101_v.tif")

    def test_the_catalog_moves_with_its_archives(self):
        self.pack("old/x/a.tar", ["01"])
        self.create("old/c.db", "--format", self.own_format(), self.path("old"))
        os.rename(self.path("old"), self.path("new"))
        self.assertEqual(self.value("new/c.db"), 1)

    def test_relative_names_given_by_hand_are_of_the_working_directory(self):
        self.pack("a.zip", ["01"])
        inside = "one/two three/a b01_20200101_v.tif"
        os.makedirs(self.path("sub"))
        result = cube("catalog", "create", "sub/c.db", "--format", self.own_format(),
                      f"/vsizip/a.zip/{inside}", cwd=self.folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.value("sub/c.db"), 1)

    def test_a_safe_zip(self):
        for month in ("1", "2"):
            name = SAFE.format(month)
            with zipfile.ZipFile(self.path(name + ".zip" if month == "1" else name[:-5] + ".zip"),
                                 "w") as archive:
                for band in ("B02", "B8A"):
                    file = tiff(self.path(f"t/{band}.tif"), 100 * int(month))
                    archive.write(file, f"{name}/GRANULE/L1C_T32UNB_A013208_20180101T103422/"
                                        f"IMG_DATA/T32UNB_20180{month}01T103421_{band}.jp2")
                archive.writestr(f"{name}/manifest.safe", "<a/>")
        result = self.create("c.db", self.folder)
        self.assertIn("format Sentinel2_L1C (guessed", result.stderr)
        self.assertIn("2 images, 4 files, 2 bands", result.stdout)
        self.assertEqual(self.value("c.db", "2018-02-01"), 200)

    def test_offsets_of_sentinel_2_in_zips(self):
        """The same reflectance before and after baseline 04.00, stored as 500 and 1500."""
        metadata = ('<Radiometric_Offset_List><RADIO_ADD_OFFSET band_id="1">-1000'
                    "</RADIO_ADD_OFFSET></Radiometric_Offset_List>")
        for day, baseline, stored, text in (("01", "N0206", 500, "<n1:x/>"),
                                            ("02", "N0299", 1500, metadata),
                                            ("03", "N0400", 1500, None)):
            name = f"S2A_MSIL1C_202201{day}T103421_{baseline}_R108_T32UNB_202201{day}T124000.SAFE"
            with zipfile.ZipFile(self.path(name[:-5] + ".zip"), "w") as archive:
                file = tiff(self.path("t/B02.tif"), stored)
                archive.write(file, f"{name}/GRANULE/L1C_T32UNB_A013208_20180101T103422/"
                                    f"IMG_DATA/T32UNB_202201{day}T103421_B02.jp2")
                if text:
                    archive.writestr(f"{name}/MTD_MSIL1C.xml", text)
        self.create("c.db", self.folder)
        info = cube("catalog", "info", self.path("c.db")).stdout
        self.assertIn("some images have scale 1e-04, offset 0", info)
        view = {"space": {"left": 500000, "right": 500020, "bottom": 4999980, "top": 5000000,
                          "nx": 2, "ny": 2, "srs": "EPSG:32631"}}

        def run(days, **more):
            graph = self.graph({"cube_type": "image_collection", "file": self.path("c.db"), "view": {
                **view, "time": {"t0": days[0], "t1": days[1], "dt": "P1D"}}, **more})
            result = cube("run", graph, "-o", self.path("out.tif"), "--overwrite")
            self.assertEqual(result.returncode, 0, result.stderr)
            data = gdal.Open(self.path("out.tif"))
            first = data.GetRasterBand(1)
            return (np.unique(data.ReadAsArray()).tolist(), data.ReadAsArray().dtype,
                    first.GetScale(), first.GetOffset())

        both = ("2022-01-01", "2022-01-03")
        values, dtype, scale, offset = run(both, unpack=True)
        np.testing.assert_allclose(values, [0.05])
        self.assertEqual(run(both), ([500], np.float32, 1e-4, 0))  # brought to one offset
        # As stored, with the offset that is theirs, where all say the same.
        self.assertEqual(run(("2022-01-02", "2022-01-03")), ([1500], np.uint16, 1e-4, -0.1))
        self.assertEqual(run(("2022-01-01", "2022-01-01")), ([500], np.uint16, 1e-4, 0))

    def test_compressed_files(self):
        for day in ("01", "02"):
            with open(tiff(self.path("t/a.tif"), int(day)), "rb") as plain:
                with gzip.open(self.path(f"chirps-v2.0.2018.01.{day}.tif.gz"), "wb") as out:
                    shutil.copyfileobj(plain, out)
        result = self.create("c.db", self.path("*.gz"))
        self.assertIn("format CHIRPS_daily (guessed", result.stderr)
        self.assertEqual(self.value("c.db", "2018-01-02"), 2)

    def test_what_cannot_be_read_is_told(self):
        self.pack("d/a.zip", ["01"])
        with open(self.path("d/b.zip"), "w") as broken:
            broken.write("no archive")
        with zipfile.ZipFile(self.path("d/empty.zip"), "w"):
            pass
        result = self.create("c.db", "--format", self.own_format(), self.path("d"), status=1)
        for name in ("b.zip", "empty.zip"):
            self.assertIn(f"failed: {self.path('d/' + name)}: is an archive without files that can"
                          " be read", result.stderr)


if __name__ == "__main__":
    unittest.main()
