"""Real STAC documents, and what a catalog makes of them, against a reading of the JSON made here:
bands, reference systems, times, scale, offset and nodata. The assets are elsewhere: not opened."""
import json
import os
import re
import sys
import unittest
from datetime import datetime

from program import Case, cube

FOLDER = os.path.join(os.environ.get("CUBE_SHARED", ""), "data", "stac")
if not os.path.isdir(FOLDER):
    print("skipped: no documents")
    sys.exit(77)
RASTERS = ("image/tiff", "image/geotiff", "image/jp2", "image/vnd.stac.geotiff")
TYPES = {"int8": "int16", "int64": "float64", "uint64": "float64"}


def is_raster(key, asset):
    roles = asset.get("roles")
    if set(roles or []) & {"thumbnail", "overview", "preview", "graphic", "tiles"}:
        return False
    if not roles and key in ("thumbnail", "overview", "preview"):
        return False
    return asset.get("type", "").split(";")[0].strip() in RASTERS


def number(value):
    return float(value) if value is not None else None


def bands_of(item):
    """{name: what is said of it} of one item; a band of a picture is asset.N or its own name."""
    out = {}
    for key, asset in item["assets"].items():
        if not is_raster(key, asset):
            continue
        eo = asset.get("bands") or asset.get("eo:bands") or []
        raster = asset.get("raster:bands") or []
        count = max(len(eo), len(raster), 1)
        for i in range(count):
            said = {**(eo[i] if i < len(eo) else {}), **(raster[i] if i < len(raster) else {})}
            dtype = said.get("data_type", asset.get("data_type"))
            scale = number(said.get("scale", said.get("raster:scale", 1)))
            offset = said.get("offset", said.get("raster:offset"))
            baseline = item["properties"].get("s2:processing_baseline", "0")
            if offset is None:
                shifted = float(baseline) >= 4 and re.fullmatch("B(0[1-9]|1[0-2]|8A)", key)
                offset = -1000 * scale if shifted else 0
            name = key if count == 1 else f"{key}.{i + 1}"
            out[name] = {"file": asset["href"], "band": i + 1, "scale": scale,
                         "dtype": TYPES.get(dtype, dtype or "float32"),
                         "offset": float(offset), "nodata": number(said.get("nodata"))}
    return out


class Documents(Case):
    def test_every_document(self):
        names = sorted(os.listdir(FOLDER))
        self.assertGreaterEqual(len(names), 6)
        for name in names:
            with self.subTest(name), open(os.path.join(FOLDER, name)) as file:
                self.check(name, json.load(file))

    def check(self, name, document):
        items = document.get("features", [document])
        made = cube("catalog", "create", self.path("c.db"), "--stac", os.path.join(FOLDER, name),
                    "--overwrite", "--progress", "none")
        self.assertEqual(made.returncode, 0, made.stderr)
        images = json.loads(cube("catalog", "list", self.path("c.db"), "--json").stdout)
        info = json.loads(cube("catalog", "info", self.path("c.db"), "--json").stdout)
        self.assertEqual(sorted(image["name"] for image in images),
                         sorted(item["id"] for item in items))
        by_name = {image["name"]: image for image in images}
        found = {band["name"]: band for band in info["bands"]}
        for item in items:
            image, properties = by_name[item["id"]], item["properties"]
            time = properties.get("datetime") or properties["start_datetime"]
            self.assertEqual(datetime.fromisoformat(image["datetime"]), datetime.fromisoformat(
                re.sub("([.][0-9]+)?Z$", "", time)))
            self.assertEqual(image["crs"], f"EPSG:{properties['proj:epsg']}")
            wanted = bands_of(item)
            self.assertEqual(sorted(image["bands"]), sorted(wanted))
            for band, said in wanted.items():
                href = re.sub("^s3://", "/vsis3/", re.sub("^(https?://)", r"/vsicurl/\1",
                                                         said["file"]))
                self.assertTrue(image["bands"][band]["file"].endswith(href.lstrip("./")))
                self.assertEqual(image["bands"][band]["band"], said["band"])
                for key in ("dtype", "scale", "offset", "nodata"):
                    self.assertEqual(found[band][key], said[key], f"{band} {key}")
            self.check_place(item, image)

    def check_place(self, item, image):
        """The bbox, which is that of the valid cells, lies in the footprint."""
        self.assertEqual(len(image["footprint"]), 1)
        left, bottom, right, top = image["footprint"][0]
        west, south, east, north = item["bbox"]
        near = 0.01  # degrees: what providers round to
        self.assertLess(left, west + near)
        self.assertLess(bottom, south + near)
        self.assertGreater(right, east - near)
        self.assertGreater(top, north - near)


if __name__ == "__main__":
    unittest.main()
