"""Catalogs of ours, asked as gdalcubes asks its own: by its tables and columns, with a range of time and
place, and what it writes into them is found."""
import contextlib
import json
import os
import sqlite3
import unittest

from program import Case, cube

FOUND = """SELECT r.image_id, i.name, r.descriptor, i.datetime, b.name, r.band_num, i.proj
           FROM images i INNER JOIN gdalrefs r ON i.id = r.image_id INNER JOIN bands b ON r.band_id = b.id
           WHERE strftime('%Y-%m-%dT%H:%M:%S', i.datetime) >= :t0
             AND strftime('%Y-%m-%dT%H:%M:%S', i.datetime) <= :t1
             AND NOT (i.right < :left OR i.left > :right OR i.bottom > :top OR i.top < :bottom)
             AND b.name IN ('B04', 'SCL') ORDER BY r.descriptor"""


class Tables(Case):
    def setUp(self):
        super().setUp()
        made = cube("sample", self.path("demo"))
        self.assertEqual(made.returncode, 0, made.stderr)
        made = cube("catalog", "create", self.path("demo/c.db"), self.path("demo/archive"))
        self.assertEqual(made.returncode, 0, made.stderr)

    def listed(self, *arguments):
        return json.loads(cube("catalog", "list", self.path("demo/c.db"), "--json", *arguments).stdout)

    def test_its_queries(self):
        images = self.listed("--from", "2023-03-01", "--to", "2023-08-31", "--bbox", "6.03,49.9,6.1,50.1")
        self.assertGreater(len(images), 3)
        wanted = {(image["name"], name, band["file"], band["band"], image["datetime"], image["crs"])
                  for image in images for name, band in image["bands"].items() if name in ("B04", "SCL")}
        with contextlib.closing(sqlite3.connect(self.path("demo/c.db"))) as db:
            rows = db.execute(FOUND, {"t0": "2023-03-01T00:00:00", "t1": "2023-08-31T23:59:59", "left": 6.03,
                                      "bottom": 49.9, "right": 6.1, "top": 50.1}).fetchall()
            self.assertEqual({(name, band, os.path.join(self.path("demo"), file), number, time[:19], crs)
                              for _, name, file, time, band, number, crs in rows}, wanted)
            extent = db.execute("SELECT min(left), max(right), min(bottom), max(top), min(datetime),"
                                " max(datetime) FROM images").fetchone()
            boxes = [image["footprint"][0] for image in self.listed()]
            self.assertEqual(extent[:4], (min(b[0] for b in boxes), max(b[2] for b in boxes),
                                          min(b[1] for b in boxes), max(b[3] for b in boxes)))
            self.assertEqual(db.execute("SELECT DISTINCT proj FROM images ORDER BY proj").fetchall(),
                             [("EPSG:32631",), ("EPSG:32632",)])
            info = json.loads(cube("catalog", "info", self.path("demo/c.db"), "--json").stdout)
            bands = db.execute("SELECT name, type, scale, offset, unit, nodata FROM bands ORDER BY id")
            self.assertEqual([(name, dtype, scale, offset, float(nodata))
                              for name, dtype, scale, offset, _, nodata in bands],
                             [(b["name"], b["dtype"], b["scale"], b["offset"], b["nodata"])
                              for b in info["bands"]])
            form, = db.execute("SELECT value FROM collection_md WHERE key = 'collection_format'").fetchone()
            self.assertIn("images", json.loads(form))
            counts = [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                      for table in ("images", "bands", "gdalrefs", "image_md", "band_md")]
            self.assertEqual(counts[:4], [24, 3, 72, 0])

    def test_what_it_writes(self):
        with contextlib.closing(sqlite3.connect(self.path("demo/c.db"))) as db:
            db.execute("INSERT OR IGNORE INTO images(name, datetime, left, top, bottom, right, proj) VALUES"
                       " ('new', '2024-01-02T03:04:05', 10, 51, 50, 11, 'EPSG:32632')")
            new, = db.execute("SELECT id FROM images WHERE name = 'new'").fetchone()
            band, = db.execute("SELECT id FROM bands WHERE name = 'B04'").fetchone()
            db.execute("INSERT INTO gdalrefs(descriptor, image_id, band_id, band_num) VALUES"
                       " ('/data/new.tif', ?, ?, 2)", (new, band))
            db.execute("INSERT OR IGNORE INTO image_md(image_id, key, value) VALUES (?, 'CLOUDS', '7')", (new,))
            db.commit()
        image, = self.listed("--bbox", "10.2,50.2,10.3,50.3")
        self.assertEqual((image["name"], image["datetime"], image["bands"], image["metadata"]),
                         ("new", "2024-01-02T03:04:05", {"B04": {"file": "/data/new.tif", "band": 2}},
                          {"CLOUDS": "7"}))
        self.assertIn("images  25 (73 files)", cube("catalog", "info", self.path("demo/c.db")).stdout)


if __name__ == "__main__":
    unittest.main()
