"""Catalogs of tables and STAC items after an update are what new ones of the same documents are, for
random changes to these; what files do that they name is noticed where they are on this machine."""
import contextlib
import json
import os
import random
import sqlite3
import unittest

import numpy as np
from osgeo import gdal
from program import Case, cube

gdal.UseExceptions()
ROUNDS = int(os.environ.get("ROUNDS", 2))


def item(name, day, bands, place=3.0, scale=None, nodata=0, dtype="uint16"):
    facts = {"data_type": dtype, "nodata": nodata, **({"scale": scale} if scale else {})}
    return {"type": "Feature", "stac_version": "1.0.0", "id": name, "geometry": None, "links": [],
            "bbox": [place, 50, place + 1, 51],
            "properties": {"datetime": f"2020-01-{day:02d}T00:00:00Z", "proj:epsg": 32631},
            "assets": {band: {"href": f"{name}_{band}.tif", "roles": ["data"],
                              "raster:bands": [facts]} for band in bands}}


class Documents(Case):
    def save(self, name, items):
        with open(self.path(name), "w") as file:
            json.dump({"type": "FeatureCollection", "features": items}, file)

    def table(self, name, rows, head="name,datetime,left,bottom,right,top,srs,dtype,band,file,scale"):
        with open(self.path(name), "w") as file:
            file.write(head + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))

    def create(self, name, *arguments):
        made = cube("catalog", "create", self.path(name), "--overwrite", *arguments)
        self.assertEqual(made.returncode, 0, made.stderr)

    def update(self, *arguments, status=0):
        result = cube("catalog", "update", self.path("c.db"), *arguments)
        self.assertEqual(result.returncode, status, result.stderr)
        return result

    def contents(self, name):
        out = [json.loads(cube("catalog", verb, self.path(name), "--json").stdout)
               for verb in ("list", "info")]
        out[1].pop("file")
        with contextlib.closing(sqlite3.connect(self.path(name))) as catalog:
            rows = lambda sql: sorted(catalog.execute(sql).fetchall())
            self.assertEqual(rows("PRAGMA integrity_check"), [("ok",)])
            self.assertEqual(rows("SELECT rtreecheck('image_extents')"), [("ok",)])
            out.append(rows("SELECT * FROM files"))
            out.append(rows("SELECT i.name, b.name, p.scale, p.offset, b.scale, b.offset FROM"
                            " gdalrefs r JOIN images i ON i.id = r.image_id JOIN bands b ON b.id ="
                            " r.band_id LEFT JOIN image_packing p ON p.image_id = i.id AND"
                            " p.band_id = b.id"))
        # What an image's scale is, not whether its own row or the band's says it.
        out[3] = [(name, band, *(own if own[0] is not None else (scale, offset)))
                  for name, band, *own, scale, offset in out[3]]
        for band in out[1]["bands"]:
            for key in ("scale", "offset", "note"):
                band.pop(key, None)
        return out

    def check_against_new(self, *inputs):
        self.create("new.db", *inputs[0])
        for more in inputs[1:]:
            added = cube("catalog", "add", self.path("new.db"), *more)
            self.assertEqual(added.returncode, 0, added.stderr)
        for updated, new in zip(self.contents("c.db"), self.contents("new.db")):
            self.assertEqual(updated, new)

    def items(self, random):
        """{name: arguments of item()}, of a few images that differ in everything."""
        return {f"i{i}": dict(day=random.choice([3, 7]), place=random.choice([3, 4.5, 179.5]),
                              bands=random.choice([["red"], ["red", "nir"]]),
                              scale=random.choice([None, None, 0.5]))
                for i in random.sample(range(12), 8)}

    def changed(self, random, items):
        for name in random.sample(sorted(items), 2):
            del items[name]
        for name, new in self.items(random).items():
            if random.random() < 0.3:
                items[name] = new
        items["always"] = dict(day=1, place=3, bands=["red", "nir"])
        nodata, dtype = random.choice([0, 0, 0, 5]), random.choice(["uint16", "uint16", "int16"])
        for one in items.values():  # alike for all
            one.update(nodata=nodata, dtype=dtype)

    def test_items(self):
        for seed in range(ROUNDS):
            with self.subTest(seed=seed):
                chance = random.Random(seed)
                items = self.items(chance)
                write = lambda: self.save("a.json", [item(n, **a) for n, a in items.items()])
                write()
                self.create("c.db", self.path("a.json"))
                for _ in range(3):
                    self.changed(chance, items)
                    write()
                    self.update()
                    self.check_against_new([self.path("a.json")])
                    self.assertIn("0 added, 0 changed, 0 removed", self.update().stdout)

    def test_tables(self):
        for seed in range(ROUNDS):
            with self.subTest(seed=seed):
                chance = random.Random(seed)
                items = self.items(chance)

                def write():
                    rows = [(name, f"2020-01-{a['day']:02d}", a["place"], 50, a["place"] + 1, 51,
                             "EPSG:32631", "uint16", band, f"{name}_{band}.tif", 0.5)
                            for name, a in items.items() for band in a["bands"]]
                    rows = [row for band in ("red", "nir") for row in rows if row[8] == band]
                    self.table("a.csv", rows)  # the rows of an image apart
                write()
                self.create("c.db", "--table", self.path("a.csv"))
                for _ in range(3):
                    self.changed(chance, items)
                    write()
                    self.update()
                    self.check_against_new(["--table", self.path("a.csv")])
                    self.assertIn("0 added, 0 changed, 0 removed", self.update().stdout)

    def test_several_documents(self):
        for seed in range(ROUNDS):
            with self.subTest(seed=seed):
                chance = random.Random(seed)
                items = self.items(chance)

                def write():
                    """The bands of each image are in two documents, as of two calls with --bands."""
                    for name, band in (("a.json", "red"), ("b.json", "nir")):
                        self.save(name, [item(n, **{**a, "bands": [band]}) for n, a in items.items()
                                         if band in a["bands"]])
                write()
                inputs = [[self.path("a.json"), "--bands", "red"],
                          [self.path("b.json"), "--bands", "nir"]]
                if not any("nir" in a["bands"] for a in items.values()):
                    continue
                self.create("c.db", *inputs[0])
                self.assertEqual(cube("catalog", "add", self.path("c.db"), *inputs[1]).returncode, 0)
                for _ in range(2):
                    self.changed(chance, items)
                    write()
                    self.update()
                    self.check_against_new(*inputs)

    def write_tif(self, name, value, size=2):
        data = gdal.GetDriverByName("GTiff").Create(self.path(name), size, size)
        data.SetGeoTransform((10, 1, 0, 50, 0, -1))
        data.SetProjection("EPSG:4326")
        data.GetRasterBand(1).WriteArray(np.full((size, size), value, "uint8"))
        del data

    def test_files_that_tables_name(self):
        """With extents they are not opened, but looked at: what has changed is told, and what is
        gone too, whose image stays, as in a new catalog."""
        names = ["é 1.tif", "b.tif", "c.tif"]
        for name in names:
            self.write_tif(name, 1)
        place = (10, 48, 12, 50, "EPSG:4326", "uint8", "v")
        rows = [(f"i{i}", f"2020-01-0{i + 1}", *place, name, 1) for i, name in enumerate(names)]
        self.table("a.csv", rows + [("far", "2020-01-09", *place, "/vsicurl/http://localhost/x.tif", 1)])
        self.create("c.db", "--table", self.path("a.csv"))
        with contextlib.closing(sqlite3.connect(self.path("c.db"))) as catalog:
            self.assertEqual(catalog.execute("SELECT descriptor, size FROM files").fetchall(),
                             sorted((name, os.path.getsize(self.path(name))) for name in names))
        self.assertIn("0 added, 0 changed, 0 removed", self.update().stdout)
        self.write_tif("b.tif", 2, 3)
        os.remove(self.path("c.tif"))
        result = self.update("--explain")
        self.assertIn("0 added, 1 changed, 0 removed; 4 images, 4 files", result.stdout)
        self.assertIn("changed: i1\n", result.stderr)
        gone = ("skipped: c.tif: is gone; its image stays as it is still named (catalog remove "
                "--missing drops it)\n")
        self.assertIn(gone, result.stderr)
        again = self.update()
        self.assertIn("0 added, 0 changed, 0 removed", again.stdout)
        self.assertIn(gone, again.stderr)
        removed = cube("catalog", "remove", self.path("c.db"), "--missing")
        self.assertIn("1 removed; 3 images", removed.stdout)

    def test_files_that_items_name(self):
        for name in ("x_red.tif", "y_red.tif"):
            self.write_tif(name, 1)
        self.save("a.json", [item("x", 1, ["red"]), item("y", 2, ["red"])])
        self.create("c.db", self.path("a.json"))
        self.write_tif("x_red.tif", 2, 5)
        os.remove(self.path("y_red.tif"))
        result = self.update("--explain")
        self.assertIn("0 added, 1 changed, 0 removed", result.stdout)
        self.assertIn("changed: x\n", result.stderr)
        self.assertIn("skipped: y_red.tif: is gone; its image stays", result.stderr)
        self.assertIn("0 added, 0 changed, 0 removed", self.update().stdout)

    def test_files_of_tables_without_extents_are_opened_only_if_they_changed(self):
        names = [f"{i}.tif" for i in range(4)]
        for name in names:
            self.write_tif(name, 1)
        self.table("a.csv", [(f"i{i}", f"2020-01-0{i + 1}", n) for i, n in enumerate(names)],
                   "name,datetime,v")
        self.create("c.db", "--table", self.path("a.csv"))
        states = {name: os.stat(self.path(name)) for name in names}
        for name in names[:2]:  # of the same size and time, but nothing that can be opened
            with open(self.path(name), "r+b") as file:
                file.write(b"no tiff!")
            os.utime(self.path(name), ns=(0, states[name].st_mtime_ns))
        self.write_tif("2.tif", 3, 4)
        os.remove(self.path("3.tif"))
        result = self.update("--explain", status=1)
        self.assertIn("0 added, 1 changed, 1 removed; 3 images, 3 files", result.stdout)
        self.assertIn("changed: i2\n", result.stderr)
        self.assertIn("removed: i3\n", result.stderr)
        self.assertIn("failed: 3.tif: is gone", result.stderr)
        self.table("a.csv", [(f"i{i}", f"2020-01-0{i + 1}", n, 0.5)
                             for i, n in enumerate(names) if i == 2], "name,datetime,v,scale")
        self.assertIn("0 added, 0 changed, 2 removed; 1 image", self.update().stdout)


if __name__ == "__main__":
    unittest.main()
