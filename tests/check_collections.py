"""Collections on a bad day: folders of anything, tables from spreadsheets, lists from find."""
import json
import os
import shutil
import tarfile
import unittest
import zipfile

from program import Case, cube

HEAD = "name;datetime;file;left;bottom;right;top;epsg\r\n"


class BadDay(Case):
    def setUp(self):
        super().setUp()
        made = cube("sample", self.path("demo"))
        self.assertEqual(made.returncode, 0, made.stderr)
        self.archive = self.path("demo/archive")
        self.scenes = sorted(os.listdir(self.archive))

    def create(self, *arguments, status=0, **more):
        result = cube("catalog", "create", self.path("c.db"), "--overwrite", *arguments, **more)
        self.assertEqual(result.returncode, status, result.stderr)
        return result

    def test_several_formats_in_a_folder(self):
        self.create(self.archive)
        self.assertNotIn("other file", self.create(self.archive).stderr)
        landsat = os.path.join(self.archive, "LC08_L1TP_013032_20180131_20180207_01_T1")
        os.makedirs(landsat)
        for band in ("B3", "B4"):
            name = f"LC08_L1TP_013032_20180131_20180207_01_T1_{band}.TIF"
            shutil.copy(os.path.join(self.archive, self.scenes[0], "B04.tif"),
                        os.path.join(landsat, name))
        said = ("2 other files are of the format L8_L1TP: for a catalog of their own (--format "
                "L8_L1TP)\n")
        self.assertIn(said, self.create(self.archive).stderr)
        self.assertIn(said, self.create(self.archive, "--dry-run").stderr)
        self.assertNotIn(said, self.create(self.archive, "--format", "Sentinel2_L2A_COG").stderr)

    def test_the_offset_of_plain_cogs_is_spoken_of(self):
        said = "the offset of baseline 04.00 is taken as applied already"
        self.assertIn("note: " + said, self.create(self.archive).stderr)
        self.assertIn("note    " + said, cube("catalog", "info", self.path("c.db")).stdout)
        self.assertIn('"note": "' + said, cube("catalog", "info", self.path("c.db"), "--json").stdout)
        early = [name for name in self.scenes if "_2023" in name][0]
        os.rename(os.path.join(self.archive, early),
                  self.path(early.replace("_2023", "_2021")))  # before it
        self.assertNotIn(said, self.create(self.path(early.replace("_2023", "_2021"))).stderr)
        self.assertNotIn("note", cube("catalog", "info", self.path("c.db")).stdout)
        own = '{"note": {"text": "x", "since": "soon"}, "bands": {"v": {}}}'
        self.rejects("FOLDER/own.json#/note/since: 'soon' is not a time", "catalog", "create",
                     self.path("d.db"), "--table", "none.csv", "--format", self.graph(own, "own.json"))

    def test_links_to_folders_are_followed_once(self):
        scene = self.scenes[0]
        os.makedirs(self.path("far/deep"))
        shutil.move(os.path.join(self.archive, scene), self.path("far/deep"))
        os.symlink(self.path("far"), os.path.join(self.archive, "more"))
        os.symlink(self.archive, self.path("far/deep/back"))  # a loop
        os.symlink(".", os.path.join(self.archive, "self"))
        os.symlink(os.path.join(self.archive, self.scenes[1]),
                   os.path.join(self.archive, "latest"))  # a folder that is there by its own name
        os.symlink(self.path("nowhere"), os.path.join(self.archive, "broken"))
        whole = f"{len(self.scenes)} images, {3 * len(self.scenes)} files"
        listed = sorted(
            os.path.join(folder, name)
            for folder, _, names in os.walk(os.path.join(self.archive, "more", "deep", scene))
            for name in names)
        self.assertEqual(len(listed), 3)
        for files in (self.archive, os.path.join(self.archive, "**", "*.tif"),
                      os.path.join(self.archive, "**"), os.path.join(self.archive, "*"), os.path.join(self.path("demo"), "ar*")):
            self.assertIn(whole, self.create(files).stdout, files)
        images = json.loads(cube("catalog", "list", self.path("c.db"), "--json").stdout)
        files = [band["file"] for image in images for band in image["bands"].values()]
        self.assertEqual(sorted(name for name in files if scene in name), listed)
        self.assertNotIn("latest", "".join(files))
        self.assertIn(whole, self.create(os.path.join(self.archive, "more")).stdout)  # named itself
        self.assertIn("Links to folders are followed",
                      " ".join(cube("catalog", "create", "--help").stdout.split()))

    def test_globs_with_braces(self):
        result = self.create(os.path.join(self.archive, "**/{B04,S{CL,XX}}.tif"))
        self.assertIn(f"{len(self.scenes)} images, {2 * len(self.scenes)} files, 2 bands",
                      result.stdout)
        self.assertIn("0 added", cube("catalog", "update", self.path("c.db")).stdout)
        odd = os.path.join(self.path("demo"), "{a,b}")
        os.rename(self.archive, odd)  # a folder that is called so
        self.create(odd)
        self.rejects("FOLDER/{x,y}.tif: gives no files", "catalog", "create", self.path("d.db"),
                     self.path("{x,y}.tif"))
        self.rejects("FOLDER/{x.tif: no such file or folder", "catalog", "create",
                     self.path("d.db"), self.path("{x.tif"))

    def test_lists_of_names(self):
        names = [os.path.join(self.archive, scene, "B04.tif") for scene in self.scenes]
        for between, end in (("\n", ""), ("\r\n", "\r\n"), ("\0", "\0")):
            result = self.create("-", stdin=between.join(names) + end)
            self.assertIn(f"{len(names)} images, {len(names)} files", result.stdout)
        self.rejects("FOLDER/none.tif: there is no such file", "catalog", "create",
                     self.path("d.db"), "-", stdin=self.path("none.tif\n"))
        self.rejects("stdin: gives no files", "catalog", "create", self.path("d.db"), "-", stdin="\n")

    def test_archives_below_folders_are_left_alone(self):
        os.makedirs(self.path("z/a"))
        with zipfile.ZipFile(self.path("z/a/one.zip"), "w") as file:
            for name in ("B04.tif", "B08.tif"):
                file.write(os.path.join(self.archive, self.scenes[0], name),
                           f"{self.scenes[0]}/{name}")
        with tarfile.open(self.path("z/two.tar.gz"), "w:gz") as file:
            file.add(os.path.join(self.archive, self.scenes[1]), self.scenes[1])
        with open(self.path("z/bad.zip"), "w") as file:
            file.write("no zip")
        result = self.create(self.path("z"), status=1)
        self.assertIn("2 images, 5 files", result.stdout)
        self.assertIn("bad.zip: is an archive without files that can be read", result.stderr)
        self.assertEqual(sorted(os.listdir(self.path("z"))), ["a", "bad.zip", "two.tar.gz"])

    def table(self, rows, head=HEAD):
        with open(self.path("t.csv"), "w", encoding="utf-8-sig", newline="") as file:
            file.write(head + rows)
        return ["--table", self.path("t.csv"), "--bands", "v"]

    def test_a_table_of_a_spreadsheet(self):
        file = os.path.relpath(os.path.join(self.archive, self.scenes[0], "B04.tif"), self.folder)
        self.create(*self.table(f'"Straße 1";"2018-01-31";"{file}";"5,94";49,5;"6,02";5,0e1;32631'
                                '\r\n\r\n'))
        listed = cube("catalog", "list", self.path("c.db")).stdout.splitlines()
        self.assertIn("5.94,49.5,6.02,50", listed[1])
        self.assertEqual(listed[0].index("crs"), listed[1].index("EPSG"), "columns are aligned")
        for cell, text in (("5,9,4", "'5,9,4' is no number (decimals follow a point)"),
                           ("1.005,94", "'1.005,94' is no number (decimals follow a point)"),
                           ("O", "'O' is no number (degrees)")):
            self.rejects(f"FOLDER/t.csv, line 2, column 'left': {text}", "catalog", "create",
                         self.path("d.db"),
                         *self.table(f"a;2018-01-31;{file};{cell};49;6;50;32631\r\n"))
        self.rejects("FOLDER/t.csv, line 2, column 'datetime': '31.01.2018' is not a time (ISO 8601, "
                     "such as 2018-07-10 or 2018-07-10T10:30:00Z)", "catalog", "create",
                     self.path("d.db"), *self.table(f"a;31.01.2018;{file};5;49;6;50;32631\r\n"))
        self.rejects("FOLDER/t.csv, line 2, column 'left': '5,9' is no number (decimals follow a "
                     "point)", "catalog", "create", self.path("d.db"), *self.table(
                         f'a,2018-01-31,{file},"5,9",49,6,50,32631\n', HEAD.replace(";", ",")))


if __name__ == "__main__":
    unittest.main()
