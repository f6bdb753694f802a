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

    def explained(self, document, *arguments):
        """{item's id: {asset: what is said of it}} of a dry run, and the lines that are of no image."""
        said = cube("catalog", "create", self.path("no.db"), "--stac", document, "--dry-run", "--explain",
                    *arguments)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertFalse(os.path.exists(self.path("no.db")))
        items, others = {}, []
        for line in said.stdout.splitlines():
            asset = re.fullmatch(r"    '([^']+)'( \([^)]*\))?: (.+)", line)
            image = re.fullmatch(r".+: image (\S+), time \S+, band (.+)", line)
            if asset:
                items[name][asset[1]] = asset[3]
            elif image:
                name = image[1]
                items[name] = {}
            else:
                others.append(line)
        return items, others

    def test_every_asset_is_explained(self):
        for name in sorted(os.listdir(FOLDER)):
            with self.subTest(name), open(os.path.join(FOLDER, name)) as file:
                document = json.load(file)
                items, others = self.explained(os.path.join(FOLDER, name))
                self.assertEqual(len(others), 1)  # the count
                for item in document.get("features", [document]):
                    found = items.pop(item["id"])
                    self.assertEqual(sorted(found), sorted(item["assets"]))
                    for key, asset in item["assets"].items():
                        kind = asset.get("type", "").split(";")[0]
                        bands = [band for band in bands_of(item) if band.split(".")[0] == key]
                        for band in bands:
                            self.assertIn(f"band {band} (", found[key])
                            self.assertIn(f"in EPSG:{item['properties']['proj:epsg']}", found[key])
                        if not bands:
                            self.assertRegex(found[key], f"^not used: is (to be looked at|{kind})$")
                self.assertEqual(items, {})

    def test_items_and_assets_that_are_not_used_say_why(self):
        asset = {"href": "a.tif", "type": "image/tiff", "roles": ["data"],
                 "raster:bands": [{"data_type": "int16", "nodata": -1, "scale": 0.5, "offset": 2}]}
        good = {"type": "Feature", "stac_version": "1.0.0", "id": "good", "bbox": [1, 2, 3, 4],
                "properties": {"datetime": "2020-01-01T00:00:00Z"},
                "assets": {"a": asset, "b": {**asset, "href": "b.tif"}, "none": {"type": "image/tiff"},
                           "odd": {"href": "x.xyz"}, "png": {"href": "x.png", "type": "image/png"}}}
        nowhere = {key: value for key, value in good.items() if key != "bbox"}
        document = {"type": "FeatureCollection", "features": [
            good, {**nowhere, "id": "nowhere"}, {**good, "id": "timeless", "properties": {}},
            {**good, "id": "other", "assets": {"c": asset}}, {**good, "id": "bare", "assets": {}},
            {**good, "id": "picture", "assets": {"png": good["assets"]["png"]}}, good]}
        items, others = self.explained(self.graph(document, "items.json"), "--bands", "a")
        self.assertEqual(items, {"good": {
            "a": "band a (int16, nodata -1, scale 0.5, offset 2, in no known reference system, placed by "
                 "the item's bbox or geometry)",
            "b": "not used: is none of the bands asked for", "none": "not used: has no href",
            "odd": "not used: is no raster by its name", "png": "not used: is a picture"}})
        place = self.path("items.json") + "#/features/"
        self.assertEqual(others, [place + line for line in (
            "1 ('nowhere'): has no place: neither bbox nor geometry nor proj:transform",
            "2/properties: has neither datetime nor start_datetime",
            "3 ('other'): has none of the bands asked for, but 'c'", "4 ('bare'): has no assets",
            "5 ('picture'): has no raster asset: 'png' is a picture",
            f"6 ('good'): stands in {place}0 ('good') too")] + [
                "1 image of 1 file; 6 items left out; no file is looked at, nothing is written "
                "(--dry-run)"])

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
