"""Catalogs of many STAC items: memory hardly grows with them, and what is written is what a catalog of
the same items in another order and other documents is, byte for byte."""
import hashlib
import json
import os
import random
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
        with open(self.path("c.db"), "rb") as f:
            return hashlib.sha256(f.read()).hexdigest()

    def test_memory_hardly_grows_with_the_items(self):
        few, many = 4000, 40000
        least = self.create(range(few))
        most = self.create(range(many))
        print(f"{few} items {least:.0f} MiB, {many} items {most:.0f} MiB")
        self.assertLess((most - least) * 2**20 / (many - few), 900)  # bytes an item; in memory 2700

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
