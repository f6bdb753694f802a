"""Catalogs of many STAC items: memory hardly grows with them, and what is written is what a catalog of
the same items in another order and other documents is, byte for byte."""
import hashlib
import json
import os
import random
import sqlite3
import subprocess
import unittest

from program import CUBE, Case


def item(i):
    x, y = -170 + i * 7919 % 3400 / 10, -60 + i * 104729 % 1200 / 10
    return {"type": "Feature", "stac_version": "1.0.0", "id": f"S2_{i:07d}", "bbox": [x, y, x + 1, y + 1],
            "properties": {"datetime": f"20{i % 20:02d}-{i % 12 + 1:02d}-01T10:00:00Z",
                           "proj:epsg": 32601 + i % 60, "text": "x" * 200},
            "assets": {band: {"href": f"https://host.example/sentinel/{i}/{band}.tif",
                              "type": "image/tiff", "roles": ["data"],
                              "raster:bands": [{"data_type": "uint16", "nodata": 0, "scale": 1e-4,
                                                "offset": -0.1 if i % 20 > 15 else 0}]}
                       for band in ("red", "nir", "scl")}}


class BigDocuments(Case):
    def create(self, items, name="items.json", lines=False):
        with open(self.path(name), "w") as f:
            if lines:
                f.writelines(json.dumps(item(i)) + "\n" for i in items)
            else:
                f.write('{"type": "FeatureCollection", "features": [')
                f.writelines(("," if n else "") + json.dumps(item(i)) for n, i in enumerate(items))
                f.write("]}")
        child = subprocess.Popen([CUBE, "catalog", "create", self.path("c.db"), "--overwrite", "--stac",
                                  self.path(name)], stdout=subprocess.PIPE)
        said = child.stdout.read().decode()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = 0
        child.stdout.close()
        self.assertEqual(status, 0)
        self.assertIn(f"{len(items)} images, {3 * len(items)} files, 3 bands", said)
        self.assertEqual([f for f in os.listdir(self.folder) if f.startswith("c.db.")], [])
        return usage.ru_maxrss / 1024

    def digest(self):
        db = sqlite3.connect(self.path("c.db"))
        # What the documents were like is different.
        db.execute("DELETE FROM collection_md WHERE key = 'CUBE_DOCUMENTS'")
        dump = "\n".join(line for line in db.iterdump())
        db.close()
        return hashlib.sha256(dump.encode()).hexdigest()

    def test_memory_hardly_grows_with_the_items(self):
        few, many = 4000, 40000
        least = self.create(range(few))
        most = self.create(range(many))
        print(f"{few} items {least:.0f} MiB, {many} items {most:.0f} MiB")
        self.assertLess((most - least) * 2**20 / (many - few), 900)  # bytes an item; in memory 2700

    def update(self, said="0 added, 0 changed, 0 removed", *arguments):
        """CPU seconds of an update that says so."""
        child = subprocess.Popen([CUBE, "catalog", "update", self.path("c.db"), *arguments],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        out = child.stdout.read().decode()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = 0
        child.stdout.close()
        self.assertEqual(status, 0)
        self.assertIn(said, out)
        return usage.ru_utime + usage.ru_stime

    def test_an_unchanged_document_is_not_read_again(self):
        self.create(range(20000))
        before = os.stat(self.path("c.db"))
        fast = self.update()
        os.utime(self.path("items.json"), (1e9, 1e9))  # is another time of change, but the same text
        self.update()
        after = os.stat(self.path("c.db"))
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))
        with open(self.path("items.json"), "r+b") as f:
            f.seek(f.read().index(b"/0/red.tif") + 1)
            f.write(b"7")
        os.utime(self.path("items.json"), (1e9, 1e9))  # of the same size and time of change
        slow = self.update("0 added, 1 changed, 0 removed")
        print(f"unchanged {fast:.2f} s of CPU, changed {slow:.2f} s")
        self.assertLess(fast, slow / 4)
        self.update()

    def test_documents_that_are_new_or_gone_or_linked(self):
        os.makedirs(self.path("d/sub"))
        for i in range(3):
            self.graph(item(i), f"d/{i}.json")
        self.graph(item(7), "d/sub/7.json")
        link = {"rel": "item", "href": "sub/7.json"}
        self.graph({"type": "Catalog", "stac_version": "1.0.0", "id": "c", "links": [link]}, "d/catalog.json")
        made = subprocess.run([CUBE, "catalog", "create", self.path("c.db"), "--stac", self.path("d/catalog.json"),
                               self.path("d/0.json"), self.path("d/[12].json")], capture_output=True, text=True)
        self.assertIn("4 images", made.stdout, made.stderr)
        self.update()
        self.graph({**item(7), "properties": {"datetime": "2001-01-01"}}, "d/sub/7.json")
        self.update("0 added, 1 changed, 0 removed")
        self.update()
        os.remove(self.path("d/1.json"))
        self.update("0 added, 0 changed, 1 removed")
        self.update()
        self.graph(item(1), "d/1.json")
        self.update("1 added, 0 changed, 0 removed")
        self.graph(item(5), "d/5.json")  # not asked for
        self.update()
        add = subprocess.run([CUBE, "catalog", "add", self.path("c.db"), "--stac", self.path("d/5.json")],
                             capture_output=True, text=True)
        self.assertIn("1 added", add.stdout, add.stderr)
        self.update()
        self.update()

    def test_what_was_removed_stays_away(self):
        """Also where a document that names it is read again."""
        self.create(range(20))
        run = lambda *arguments: subprocess.run([CUBE, "catalog", *arguments], capture_output=True, text=True)
        removed = run("remove", self.path("c.db"), "--images", "S2_0000003,S2_0000004")
        self.assertIn("2 removed; 18 images", removed.stdout, removed.stderr)
        self.update()
        with open(self.path("items.json"), "w") as f:
            json.dump({"type": "FeatureCollection", "features": [item(i) for i in range(22)]}, f)
        self.update("2 added, 0 changed, 0 removed")
        self.assertIn("note: 2 images that were removed stay away", run("update", self.path("c.db")).stderr)
        self.graph(item(3), "one.json")
        self.assertIn("1 added", run("add", self.path("c.db"), "--stac", self.path("one.json")).stdout)
        self.update()
        self.update("1 added, 0 changed, 0 removed", "--restore")
        self.update()
        self.assertNotIn("stay", run("update", self.path("c.db")).stderr)

    def test_an_unchanged_table_and_files_that_change(self):
        with open(self.path("t.csv"), "w") as f:
            f.write("name,datetime,B04,left,bottom,right,top,srs\n")
            f.writelines(f"i{i},2020-01-01,{'a' if i < 2 else 'https://host/'}{i}.tif,{i % 360 - 180},1,{i % 360 - 179},2,"
                         "EPSG:4326\n" for i in range(20000))
        self.graph({"bands": {"B04": {"dtype": "uint16"}}}, "b.json")
        for i in range(2):
            self.graph("x", f"a{i}.tif")
        made = subprocess.run([CUBE, "catalog", "create", self.path("c.db"), "--table", self.path("t.csv"),
                               "--format", self.path("b.json")], capture_output=True, text=True)
        self.assertIn("20000 images", made.stdout, made.stderr)
        fast = self.update()
        self.graph("xy", "a1.tif")
        slow = self.update("0 added, 1 changed, 0 removed")
        self.update()
        print(f"table unchanged {fast:.2f} s of CPU, changed {slow:.2f} s")
        os.remove(self.path("a0.tif"))
        gone = subprocess.run([CUBE, "catalog", "update", self.path("c.db")], capture_output=True, text=True)
        self.assertIn("a0.tif: is gone; its image stays", gone.stderr)
        self.assertIn("0 removed", gone.stdout)
        with open(self.path("t.csv"), "a") as f:
            f.write("new,2021-01-01,https://host/n.tif,1,1,2,2,EPSG:4326\n")
        self.update("1 added, 0 changed, 0 removed")

    def test_the_same_from_any_order_and_in_lines(self):
        items = list(range(3000))
        self.create(items)
        first = self.digest()
        random.Random(1).shuffle(items)
        self.create(items)
        self.assertEqual(self.digest(), first)
        os.rename(self.path("items.json"), self.path("other.json"))
        self.create(items, lines=True)
        self.assertEqual(self.digest(), first)


if __name__ == "__main__":
    unittest.main()
