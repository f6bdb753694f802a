# cube catalog create --stac, used as a user would. Prints every expectation that fails.
. "$CUBE_SOURCE/tests/expectations.sh" || exit 1

check "sample" 0 "$CUBE" sample demo
check "a catalog of the files" 0 "$CUBE" catalog create demo/s2.db demo/archive
check "its images" 0 "$CUBE" catalog list demo/s2.db --json
mv out files.json
# Items of the same images, their names relative to the items, as a static catalog and as lines.
/usr/bin/python3 - <<'PYTHON' || failed=1
import json, os
os.makedirs("demo/stac")
links = []
for image in json.load(open("files.json")):
    assets = {"thumbnail": {"href": "no.png", "type": "image/png", "roles": ["thumbnail"]}}
    for name, band in image["bands"].items():
        href = os.path.relpath(band["file"], "demo/stac")
        raster = {"data_type": "uint8" if name == "SCL" else "uint16", "nodata": 0}
        assets[name] = {"href": href, "type": "image/tiff; application=geotiff",
                        "roles": ["data"], "raster:bands": [raster]}
        width = 256 if name == "SCL" else 512
    x = image["footprint"][0]
    item = {"type": "Feature", "stac_version": "1.0.0", "id": image["name"], "bbox": x,
            "geometry": None, "properties": {"datetime": image["datetime"] + "Z",
            "proj:epsg": int(image["crs"][5:])}, "links": [], "assets": assets}
    with open(f"demo/stac/{image['name']}.json", "w") as out:
        json.dump(item, out, indent=1)
    with open("demo/stac/all.ndjson", "a") as out:
        out.write(json.dumps(item) + "\n")
    links.append({"rel": "item", "href": f"./{image['name']}.json"})
catalog = {"type": "Catalog", "stac_version": "1.0.0", "id": "demo", "description": "", "links": links}
json.dump(catalog, open("demo/stac/catalog.json", "w"))
PYTHON
check "a static catalog, known by its text" 0 "$CUBE" catalog create demo/stac.db demo/stac/catalog.json
has out "demo/stac.db: 24 images, 72 files, 3 bands, 2023-01-14 .. 2023-12-20"
check "its images" 0 "$CUBE" catalog list demo/stac.db --json
same out files.json
check "a dry run" 0 "$CUBE" catalog create no.db demo/stac/catalog.json --dry-run --explain --open
has out "S2A_31UGR_20230114_0_L2A.json ('S2A_31UGR_20230114_0_L2A'): image S2A_31UGR_20230114_0_L2A, time 2023-01-14T00:00:00, band B04, B08, SCL"
has out "    'thumbnail' (image/png; role thumbnail): not used: is to be looked at"
has out "    'B04' (image/tiff; role data): band B04 (uint16, nodata 0, in EPSG:32631, placed by the item's bbox or geometry)"
has out "24 images of 72 files; 0 items left out; no file is looked at, nothing is written (--dry-run)"
check "a dry run of standard input" 0 sh -c \
  "'$CUBE' catalog create no.db --stac - --bands SCL --dry-run --explain <demo/stac/all.ndjson"
has out "    'B08' (image/tiff; role data): not used: is none of the bands asked for"
has out "stdin, line 1 ('S2A_31UGR_20230114_0_L2A'): image S2A_31UGR_20230114_0_L2A"
has out "24 images of 24 files"
check "of a folder" 0 "$CUBE" catalog create no.db --stac demo/stac --dry-run --explain
has out "demo/stac/catalog.json: is a STAC Catalog: its items are found as files"
[ ! -e no.db ] || { failed=1; echo "FAILED: no.db was written"; }
check "lines on standard input" 0 sh -c \
  "cd demo/stac && '$CUBE' catalog create ../lines.db --stac - <all.ndjson"
check "the same rows" 0 "$CUBE" catalog list demo/lines.db --json
same out files.json
check "a folder of items" 0 "$CUBE" catalog create demo/folder.db --stac demo/stac --explain
has err "skipped: demo/stac/catalog.json: is a STAC Catalog: its items are found as files"
has err "too"
check "the same rows" 0 "$CUBE" catalog list demo/folder.db --json
same out files.json
check "bands asked for" 0 "$CUBE" catalog create demo/two.db --stac demo/stac/all.ndjson --bands B08,B04
has out "24 images, 48 files, 2 bands"
check "they are in this order" 0 sh -c "'$CUBE' catalog info demo/two.db | tail -2 | cut -c1-3"
printf 'B08\nB04\n' >wanted
same out wanted
check "a run over the items" 0 sh -c \
  "sed s/s2.db/stac.db/ demo/ndvi.json >demo/stac.json && '$CUBE' run demo/stac.json -o stac.tif"
check "a run over the files" 0 "$CUBE" run demo/ndvi.json -o files.tif
gdalinfo -checksum files.tif | grep Checksum >wanted
gdalinfo -checksum stac.tif | grep Checksum >got
title="the same cells"
same got wanted
[ -s wanted ] || { failed=1; echo "FAILED: no checksums"; }

sed '1!d; s/"href": "[^"]*B04.tif"/"href": "https:\/\/localhost:1\/B04.tif?sig=SECRET"/' \
  demo/stac/all.ndjson >signed.json
check "a signed URL" 0 "$CUBE" catalog create demo/signed.db --stac signed.json --bands B04
cat >demo/signed_graph.json <<'JSON'
{"cube_type": "image_collection", "file": "signed.db", "view": {"aggregation": "first",
  "space": {"left": 711000, "right": 719600, "bottom": 5537800, "top": 5543000, "srs": "EPSG:32631",
            "dx": 100, "dy": 100},
  "time": {"t0": "2023-01-01", "t1": "2023-12-31", "dt": "P1Y"}}}
JSON
check "cannot be read here" 1 "$CUBE" run demo/signed_graph.json -o signed.tif
has err "https://localhost:1/B04.tif?..."
lacks err SECRET
lacks out SECRET
check "is not listed" 0 "$CUBE" catalog list demo/signed.db --json
has out "https://localhost:1/B04.tif?..."
lacks out SECRET
check "the first files of unknown bands" 2 "$CUBE" catalog create demo/x.db --stac --open lidar.json
has err "lidar.json"
check "a table and STAC" 2 "$CUBE" catalog create demo/x.db --table x.csv --stac
has err "cube: error: --stac: --table is given too (give one of them)"
check "opening what is opened anyway" 2 "$CUBE" catalog create demo/x.db demo/archive --open
has err "cube: error: --open: is for --stac (other files are opened anyway)"
[ ! -e demo/x.db ] || { failed=1; echo "FAILED: x.db was written"; }
exit $failed
