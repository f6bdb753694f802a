# cube catalog add, update and remove, used as a user would: what comes out is what a new catalog of
# the same files is. Prints every expectation that fails.
. "$CUBE_SOURCE/tests/expectations.sh" || exit 1

# alike A B: the two catalogs say the same, whatever the numbers of their images are, and their
# R*Trees find the same.
cat >alike.py <<'PYTHON'
import sqlite3, sys

def contents(name):
    db = sqlite3.connect(name)
    rows = lambda sql: db.execute(sql).fetchall()
    return {
        "check": rows("PRAGMA integrity_check") + rows("SELECT rtreecheck('image_extents')"),
        "settings": sorted(rows("SELECT key, value FROM collection_md")),
        "bands": [row[1:] for row in rows("SELECT * FROM bands ORDER BY id")],
        "notes": sorted(rows("SELECT name, key, value FROM band_md JOIN bands ON id = band_id")),
        "images": sorted(rows("SELECT name, left, top, bottom, right, datetime, proj FROM images")),
        "metadata": sorted(rows("SELECT name, key, value FROM image_md JOIN images ON id = image_id")),
        "files": sorted(rows("SELECT * FROM files")),
        "references": sorted(rows(
            "SELECT i.name, b.name, descriptor, band_num FROM gdalrefs JOIN images i ON"
            " i.id = image_id JOIN bands b ON b.id = band_id")),
        "packings": sorted(rows(
            "SELECT i.name, b.name, p.scale, p.offset FROM image_packing p JOIN images i ON"
            " i.id = image_id JOIN bands b ON b.id = band_id")),
        "tree": sorted(rows("SELECT name, count(*) FROM image_extents LEFT JOIN images i ON"
                            " i.id = image_id GROUP BY image_id")),
        "misplaced": rows("SELECT name FROM image_extents e JOIN images i ON i.id = image_id WHERE"
                          " i.left <= i.right AND (e.left > i.left OR e.right < i.right OR"
                          " e.left < i.left - 0.001 OR e.right > i.right + 0.001 OR"
                          " e.bottom > i.bottom OR e.top < i.top OR"
                          " abs(e.first - (julianday(i.datetime) - 2440587.5)) > 1.1)")}

first, second = map(contents, sys.argv[1:])
differ = [key for key in first if first[key] != second[key]]
for key in differ:
    print(key, set(map(str, first[key])) ^ set(map(str, second[key])))
sys.exit(bool(differ))
PYTHON
alike() {
  /usr/bin/python3 alike.py "$1" "$2" && return
  failed=1
  echo "FAILED: $title: $1 and $2 differ"
}
# unchanged DB COPY: a change that failed, or a dry run, left nothing behind.
unchanged() {
  same "$1" "$2"
  [ -z "$(find . -name '*.part-*')" ] || { failed=1; echo "FAILED: $title: a part is left"; }
}
# fresh FOLDER...: a new catalog of the folders.
fresh() {
  "$CUBE" catalog create fresh.db --overwrite --format Sentinel2_L2A_COG "$@" >/dev/null 2>&1 ||
    { failed=1; echo "FAILED: $title: no fresh catalog"; }
}

check "sample" 0 "$CUBE" sample demo
mv demo/archive a
mkdir b
mv a/S2A_31UGR_2023* b
check "create" 0 "$CUBE" catalog create u.db a
check "add, dry" 0 "$CUBE" catalog add u.db b --dry-run
has out "u.db: 6 added, 0 changed, 0 removed; 24 images, 72 files; nothing is written (--dry-run)"
has err "added: S2A_31UGR_20230114_0_L2A"
check "add" 0 "$CUBE" catalog add u.db b
has out "u.db: 6 added, 0 changed, 0 removed; 24 images, 72 files"
fresh a b
alike u.db fresh.db
check "add again" 0 "$CUBE" catalog add u.db b
has out "u.db: 0 added, 0 changed, 0 removed; 24 images, 72 files"
alike u.db fresh.db
check "update without a change" 0 "$CUBE" catalog update u.db
has out "u.db: 0 added, 0 changed, 0 removed; 24 images, 72 files"
alike u.db fresh.db

image=S2A_31UGR_20230114_0_L2A
mkdir c
mv b/$image/B08.tif c
check "a file is gone" 0 "$CUBE" catalog update u.db --explain
has err "changed: $image"
has out "u.db: 0 added, 1 changed, 0 removed; 24 images, 71 files"
fresh a b
alike u.db fresh.db
mv c/B08.tif b/$image
check "it is back" 0 "$CUBE" catalog update u.db
has out "u.db: 0 added, 1 changed, 0 removed; 24 images, 72 files"
fresh a b
alike u.db fresh.db
gdal_translate -q -co COMPRESS=NONE -srcwin 0 0 100 100 b/$image/B04.tif c/B04.tif
mv c/B04.tif b/$image
check "a file has changed" 0 "$CUBE" catalog add u.db b/$image/B04.tif
has out "u.db: 0 added, 1 changed, 0 removed; 24 images, 72 files"
fresh a b
check "its images" 0 "$CUBE" catalog list u.db --json
mv out u.json
check "those of a new one" 0 "$CUBE" catalog list fresh.db --json
same out u.json
mv b/$image c
mv a/S2A_32ULA_20230114_0_L2A c
check "images are gone, kept" 0 "$CUBE" catalog update u.db --keep-missing
has out "0 removed; 24 images, 72 files"
cp u.db before.db
check "images are gone, dry" 0 "$CUBE" catalog update u.db --dry-run
has err "removed: $image"
unchanged u.db before.db
check "they are removed as missing" 0 "$CUBE" catalog remove before.db --missing
has out "0 changed, 2 removed; 22 images, 66 files"
check "images are gone" 0 "$CUBE" catalog update u.db
has err "removed: S2A_32ULA_20230114_0_L2A"
has out "u.db: 0 added, 0 changed, 2 removed; 22 images, 66 files"
fresh a b
alike u.db fresh.db
mv c/S2A_32ULA_20230114_0_L2A a
/usr/bin/python3 - <<'PYTHON' || failed=1
import os, sqlite3, subprocess
reader = sqlite3.connect("u.db")
rows = reader.execute("SELECT name FROM images ORDER BY id")
first = rows.fetchone()
subprocess.run([os.environ["CUBE"], "catalog", "update", "u.db"], check=True, capture_output=True)
assert 1 + len(rows.fetchall()) == 22, "a reader lost rows"
assert reader.execute("SELECT count(*) FROM images").fetchone() == (22,)
assert sqlite3.connect("u.db").execute("SELECT count(*) FROM images").fetchone() == (23,)
PYTHON
title="new images below what the catalog was made from"
fresh a b
alike u.db fresh.db
for query in "--from 2023-03 --to 2023-05" "--bbox 6.03,49.9,6.1,50.1" "--bands SCL --to 2023-02"; do
  check "the same answers" 0 "$CUBE" catalog list u.db --json $query
  mv out u.json
  check "the same answers" 0 "$CUBE" catalog list fresh.db --json $query
  same out u.json
done

cp u.db before.db
mv a elsewhere
check "the folder is not there" 2 "$CUBE" catalog update u.db
has err "cube: error: "
has err "/a"
unchanged u.db before.db
mv elsewhere a
check "no such files" 2 "$CUBE" catalog add u.db nothing
has err "nothing"
unchanged u.db before.db
head -c 100 a/S2A_32ULA_20230114_0_L2A/B04.tif >c/cut && mkdir d && mv c/cut d/B04.tif
mkdir d/S2A_32ULA_20230115_0_L2A && mv d/B04.tif d/S2A_32ULA_20230115_0_L2A
check "no file can be opened" 2 "$CUBE" catalog add u.db d
has err "can be indexed"
unchanged u.db before.db
cp a/S2A_32ULA_20230114_0_L2A/B08.tif d/S2A_32ULA_20230115_0_L2A
check "a file cannot be opened" 1 "$CUBE" catalog add u.db d
has err "failed: d/S2A_32ULA_20230115_0_L2A/B04.tif: "
has out "1 added"
cp before.db u.db
check "another format" 2 "$CUBE" catalog add u.db d --format L8_SR
has err "cube: error: --format: the catalog has a format of its own (files of another format are"
check "nothing to add" 2 "$CUBE" catalog add u.db
has err "cube: error: FILES: no files are given (give either FILES or --table TABLE.csv)"
check "bands of files" 2 "$CUBE" catalog add u.db d --bands B04
has err "cube: error: --bands: is for --table and --stac (bands of files are said by the format)"
check "no catalog" 2 "$CUBE" catalog update none.db
has err "cube: error: none.db: there is no such collection"
check "another process" 2 flock u.db "$CUBE" catalog update u.db --wait 0
has err "is being changed by another process (wait for it and try again)"
unchanged u.db before.db

check "remove: which" 2 "$CUBE" catalog remove u.db
has err "cube: error: remove: it is not said which images (give --images, --time, --area or --missing)"
check "remove: no such image" 2 "$CUBE" catalog remove u.db --images S2A_32ULA_20230114_0_L2A,no
has err "cube: error: --images: there is no image 'no'"
check "remove all" 2 "$CUBE" catalog remove u.db --images '*'
has err "no image would be left (to be rid of the catalog remove the file)"
check "remove: not a time" 2 "$CUBE" catalog remove u.db --time 2023-13
has err "cube: error: --time: '2023-13' is not a time"
check "remove: not a box" 2 "$CUBE" catalog remove u.db --area 6,50,7,49
has err "cube: error: --area: bottom is above top"
unchanged u.db before.db
check "remove by time and area" 0 "$CUBE" catalog remove u.db --time 2023-01/2023-02 --area 6.03,49.9,6.1,50.1
has out "u.db: 0 added, 0 changed, 2 removed; 21 images, 63 files"
has err "removed: S2A_32ULA_20230114_0_L2A"
check "remove by name" 0 "$CUBE" catalog remove u.db --images 'S2B_*'
has out "removed; 10 images"
check "an update leaves them away" 0 "$CUBE" catalog update u.db
has out "u.db: 0 added, 0 changed, 0 removed; 10 images"
has err "note: 13 images that were removed stay away (update --restore brings back what is still there)"
check "what is added comes back" 0 "$CUBE" catalog add u.db a/S2A_32ULA_20230114_0_L2A/*.tif
has out "u.db: 1 added, 0 changed, 0 removed; 11 images"
check "the others do not" 0 "$CUBE" catalog update u.db
has err "note: 12 images that were removed stay away"
check "an update that is asked to finds them again" 0 "$CUBE" catalog update u.db --restore
lacks err "stay away"
has out "23 images"
alike u.db fresh.db

# Moved with its files, a catalog still knows what it was made from.
mkdir m && mv a m && check "create" 0 "$CUBE" catalog create m/m.db m/a
mkdir m2 && mv m/a m/m.db m2 && mv m2/a/S2A_32ULA_20230114_0_L2A c
check "update after a move" 0 "$CUBE" catalog update m2/m.db
has out "0 added, 0 changed, 1 removed; 17 images"
mv m2/a a
mv c/S2A_32ULA_20230114_0_L2A a

# Documents: read again as they are.
/usr/bin/python3 - <<'PYTHON' || failed=1
import json
def item(name, day, scale=1, bands=("red", "nir")):
    return {"type": "Feature", "stac_version": "1.0.0", "id": name, "bbox": [3, 50, 4, 51],
            "geometry": None, "properties": {"datetime": f"2020-01-{day}T00:00:00Z"}, "links": [],
            "assets": {b: {"href": f"{name}_{b}.tif", "roles": ["data"],
                           "raster:bands": [{"data_type": "uint16", "scale": scale}]} for b in bands}}
def save(name, *items):
    json.dump({"type": "FeatureCollection", "features": items}, open(name, "w"))
save("one.json", item("i1", "01"), item("i2", "02"))
save("changed.json", item("i1", "01"), item("i2", "03", 1, ["red"]), item("i3", "03"))
save("two.json", item("i2", "02"), item("i4", "04"))
save("fourth.json", item("i4", "04"))
save("scaled.json", item("i5", "05", 0.5))
save("all.json", item("i1", "01"), item("i2", "02"), item("i4", "04"))
PYTHON
check "STAC" 0 "$CUBE" catalog create s.db one.json
check "STAC, more" 0 "$CUBE" catalog add s.db two.json
has out "s.db: 1 added, 0 changed, 0 removed; 3 images, 6 files"
check "its images" 0 "$CUBE" catalog list s.db --json
mv out s.json
check "all at once" 0 "$CUBE" catalog create all.db all.json
check "the same images" 0 "$CUBE" catalog list all.db --json
same out s.json
cp s.db before.db
check "STAC of another scale" 0 "$CUBE" catalog add s.db scaled.json
check "keeps it" 0 "$CUBE" catalog info s.db
has out "some images have scale 0.5, offset 0"
cp before.db s.db
check "a catalog without a format" 2 "$CUBE" catalog add s.db b
has err "cube: error: --format: the catalog does not say how files are named"
cp changed.json one.json
cp fourth.json two.json
check "STAC, changed" 0 "$CUBE" catalog update s.db
has out "s.db: 1 added, 1 changed, 0 removed; 4 images"
echo '{"type": "FeatureCollection", "features": []}' >two.json
check "STAC, empty" 2 "$CUBE" catalog update s.db
has err "two.json: holds no items"
cp changed.json two.json
check "STAC, dropped" 0 "$CUBE" catalog update s.db
has err "removed: i4"
has out "s.db: 0 added, 0 changed, 1 removed; 3 images, 5 files"

head="name,datetime,left,bottom,right,top,srs,dtype,band,file"
row() { echo "$1,2020-01-0$2,3,50,4,51,EPSG:32631,uint16,B04,$1.tif"; }
{ echo $head; row x 1; row y 2; } >t.csv
{ echo $head; row z 3; row y 2; } >t2.csv
check "a table" 0 "$CUBE" catalog create t.db --table t.csv
check "a table, more" 0 "$CUBE" catalog add t.db --table t2.csv
has out "t.db: 1 added, 0 changed, 0 removed; 3 images, 3 files"
{ echo $head; row y 3; } >t.csv
{ echo $head; row z 3; } >t2.csv
check "tables, changed" 0 "$CUBE" catalog update t.db
has out "t.db: 0 added, 1 changed, 1 removed; 2 images, 2 files"
has err "removed: x"

landsat=$CUBE_SHARED/data/landsat8_new_york_2018
if [ -d "$landsat" ]; then
  mkdir reference && ln -s "$CUBE_SHARED/data" data && cp "$CUBE_SHARED/reference/l8_gdalcubes.db" reference/g.db
  chmod u+w reference/g.db
  check "a catalog that gdalcubes made" 0 "$CUBE" catalog remove reference/g.db --time 2018-12
  has out "images"
  check "its index" 0 /usr/bin/python3 -c \
    'import sqlite3; d = sqlite3.connect("reference/g.db"); n = d.execute("SELECT count(*) FROM images").fetchone(); assert n == d.execute("SELECT count(DISTINCT image_id) FROM image_extents").fetchone() and 0 < n[0] < 19'
  chmod -R u+w reference && cp "$CUBE_SHARED/reference/l8_gdalcubes.db" reference/g.db
  check "is updated" 0 "$CUBE" catalog update reference/g.db
  has out "19 images, 228 files"
  check "its images" 0 "$CUBE" catalog list reference/g.db --json
  mv out g.json
  check "a new one" 0 "$CUBE" catalog create reference/n.db --format L8_L1TP data/landsat8_new_york_2018/*/*.TIF
  check "the same images" 0 "$CUBE" catalog list reference/n.db --json
  same out g.json
  check "updated again" 0 "$CUBE" catalog update reference/g.db
  has out "0 added, 0 changed, 0 removed; 19 images, 228 files"
fi
exit $failed
