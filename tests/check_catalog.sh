# cube catalog and cube sample, used as a user would. Prints every expectation that fails.
. "$CUBE_SOURCE/tests/expectations.sh" || exit 1

check "sample" 0 "$CUBE" sample demo
has out "demo/archive: 72 files, 24 images"
has out "cube catalog create demo/s2.db demo/archive"
gdalinfo demo/archive/S2B_31UGR_20230608_0_L2A/B04.tif >out
for text in "Size is 512, 512" "Block=256x256 Type=UInt16" "COMPRESSION=DEFLATE" "NoData Value=0" \
  'ID["EPSG",32631]]' "Pixel Size = (10.000000000000000,-10.000000000000000)"; do
  has out "$text"
done
gdalinfo demo/archive/S2A_32ULA_20230114_0_L2A/SCL.tif >out
for text in "Size is 256, 256" "Type=Byte" 'ID["EPSG",32632]]'; do has out "$text"; done
check "sample again is refused" 2 "$CUBE" sample demo
has err "cube: error: demo: is not empty (--overwrite writes into it all the same)"
check "sample elsewhere" 0 "$CUBE" sample demo2
title="sample is the same every time"
[ "$(cd demo && find . -type f -exec md5sum {} + | sort)" = \
  "$(cd demo2 && find . -type f -exec md5sum {} + | sort)" ] || { failed=1; echo "FAILED: $title"; }
check "sample over itself" 0 "$CUBE" sample demo --overwrite
touch file
check "sample onto a file" 2 "$CUBE" sample file
has err "cube: error: file: is a file, not a folder"

check "create, format guessed" 0 "$CUBE" catalog create demo/s2.db demo/archive
has out "demo/s2.db: 24 images, 72 files, 3 bands, 2023-01-14 .. 2023-12-20"
has err "format Sentinel2_L2A_COG (guessed from the names)"
check "a relative catalog moves with its files" 0 mv demo moved
check "info" 0 "$CUBE" catalog info moved/s2.db
has out "images  24 (72 files)"
has out "2023-01-14 .. 2023-12-20 (12 dates)"
has out "crs     EPSG:32631 (12 images), EPSG:32632 (12 images)"
has out "uint16"
check "info --json" 0 "$CUBE" catalog info moved/s2.db --json
/usr/bin/python3 - <<'PYTHON' || failed=1
import json
info = json.load(open("out"))
assert info["images"] == 24 and info["files"] == 72 and len(info["dates"]) == 12, info
assert [b["name"] for b in info["bands"]] == ["B04", "B08", "SCL"], info
assert info["bands"][2] == {"name": "SCL", "dtype": "uint8", "nodata": 0, "scale": 1,
                            "offset": 0, "unit": ""}, info
PYTHON
check "list by time" 0 "$CUBE" catalog list moved/s2.db --from 2023-06 --to 2023-07
has out "2023-07-13  S2A_32ULA_20230713_0_L2A  EPSG:32632  3"
[ "$(wc -l <out)" = 5 ] || { failed=1; echo "FAILED: $title: not 4 images"; cat out; }
check "list by area" 0 "$CUBE" catalog list moved/s2.db --bbox 6.03,49.9,6.1,50.1
has out 32ULA
lacks out 31UGR
check "list by band" 0 "$CUBE" catalog list moved/s2.db --bands scl --to 2023-01 --json
/usr/bin/python3 - <<'PYTHON' || failed=1
import json, os
images = json.load(open("out"))
assert len(images) == 2 and images[0]["datetime"] == "2023-01-14T00:00:00", images
assert list(images[0]["bands"]) == ["SCL"] and len(images[0]["footprint"]) == 1, images
assert os.path.exists(images[0]["bands"]["SCL"]["file"]), images
PYTHON
check "list: unknown band" 2 "$CUBE" catalog list moved/s2.db --bands B05
has err "--bands: "
has err "B05"
check "list: not a time" 2 "$CUBE" catalog list moved/s2.db --from yesterday
has err "cube: error: --from: 'yesterday' is not a time (such as 2018, 2018-07 or 2018-07-10T12:00)"
check "list: bottom above top" 2 "$CUBE" catalog list moved/s2.db --bbox 6,50,7,49
has err "cube: error: --bbox: bottom is above top (left,bottom,right,top)"

check "a list on standard input" 0 sh -c \
  "find moved/archive -name 'B0[48].tif' | sort -r | '$CUBE' catalog create stdin.db -"
has out "stdin.db: 24 images, 48 files, 2 bands"
check "a glob" 0 "$CUBE" catalog create glob.db --format sentinel2_l2a_cog 'moved/**/B0[48].tif'
check "its images" 0 "$CUBE" catalog list glob.db --json
mv out glob.json
check "the same files, the same rows" 0 "$CUBE" catalog list stdin.db --json
same out glob.json
check "an empty list" 2 sh -c "'$CUBE' catalog create none.db - </dev/null"
has err "cube: error: stdin: gives no files"
check "nothing there" 2 "$CUBE" catalog create none.db 'moved/*.jp2'
has err "cube: error: moved/*.jp2: gives no files"
check "a wrong format" 2 "$CUBE" catalog create none.db --format Sentinel2_L2A_GOC moved/archive
has err "(did you mean 'Sentinel2_L2A_COG'?)"
check "a format that does not fit" 2 "$CUBE" catalog create none.db --format L8_SR moved/archive
has err "none of 72 files is of the format L8_SR"
has err "(the format Sentinel2_L2A_COG fits)"
check "no format fits" 2 "$CUBE" catalog create none.db moved/ndvi.json
has err "no preset format fits any of the files"
check "an existing catalog" 2 "$CUBE" catalog create glob.db moved/archive
has err "cube: error: glob.db: exists already (--overwrite replaces it)"
check "an existing catalog, replaced" 0 "$CUBE" catalog create glob.db --overwrite moved/archive
check "no such folder" 2 "$CUBE" catalog create no/such.db moved/archive
has err "there is no such folder"
check "no place to write to" 2 "$CUBE" catalog create /proc/c.db moved/archive
has err "cube: error: /proc"
check "no such progress" 2 "$CUBE" catalog create none.db moved/archive --progress bar
has err "cube: error: --progress: 'bar' is no way to show progress"
[ ! -e none.db ] || { failed=1; echo "FAILED: none.db was written"; }

# Tables. The first opens files for bands and outlines, the second only one a band.
{
  echo "name,datetime,band,file"
  for file in moved/archive/*/*.tif; do
    image=$(basename "$(dirname "$file")") day=${file##*moved/archive/S2?_?????_}
    echo "$image,${day%%_*},$(basename "$file" .tif),$file"
  done
} >files.csv
check "a table, a row a file" 0 "$CUBE" catalog create table.db --table files.csv
has out "table.db: 24 images, 72 files, 3 bands, 2023-01-14 .. 2023-12-20"
has err "files.csv: a row a file; bands B04, B08, SCL"
check "its images" 0 "$CUBE" catalog list table.db --json
mv out table.json
check "those of the files themselves" 0 "$CUBE" catalog create same.db --format Sentinel2_L2A_COG moved
check "their images" 0 "$CUBE" catalog list same.db --json
same out table.json
/usr/bin/python3 - <<'PYTHON'
import json
rows = json.load(open("table.json"))
with open("moved/images.csv", "w") as out:
    out.write("id;date;west;south;east;north;epsg;B04;B08;SCL;cloud\r\n")
    for r in rows:
        b = r["footprint"][0]
        files = [r["bands"][n]["file"].split("moved/")[1] for n in ("B04", "B08", "SCL")]
        out.write(";".join([r["name"], r["datetime"], *map(repr, b), r["crs"][5:], *files, "3"]) + "\r\n")
PYTHON
check "a table, a column a band" 0 "$CUBE" catalog create moved/table.db --table moved/images.csv
has out "moved/table.db: 24 images, 72 files, 3 bands"
has err "moved/images.csv: a row an image, a column a band; bands B04, B08, SCL; columns not used: cloud"
check "its images" 0 "$CUBE" catalog list moved/table.db --json
same out table.json
check "a table on standard input" 0 sh -c \
  "cd moved && '$CUBE' catalog create stdin.db --table - --bands B08 <images.csv"
has out "stdin.db: 24 images, 24 files, 1 band,"
check "progress of a table" 0 "$CUBE" catalog create moved/table.db --overwrite --table moved/images.csv --progress json
size=$(stat -c %s moved/images.csv)
has err '"done":'"$size"',"total":'"$size"
check "a view of it" 0 sh -c "sed s/s2.db/table.db/ moved/ndvi.json >moved/table.json && '$CUBE' plan moved/table.json"
mv out table.plan
check "a view of the files" 0 "$CUBE" plan moved/ndvi.json
same out table.plan
check "a dry run of a table" 0 "$CUBE" catalog create no.db --table moved/images.csv --dry-run
has out "24 images of 72 files; 0 rows left out; no file is looked at, nothing is written (--dry-run)"
lacks out "image S2A"
check "explained" 0 "$CUBE" catalog create no.db --table moved/images.csv --dry-run --explain
has out "moved/images.csv, line 2: image S2A_31UGR_20230114_0_L2A, time 2023-01-14T00:00:00, band B04, B08, SCL"
has out "moved/images.csv: a row an image, a column a band; bands B04, B08, SCL; columns not used: cloud"
check "of one with an empty row" 0 sh -c \
  "sed '3s/;[^;]*tif/;/g' moved/images.csv | '$CUBE' catalog create no.db --table - --dry-run --explain"
has out "stdin, line 3: names no file"
has out "23 images of 69 files; 1 row left out"
check "of one with a bad cell" 2 sh -c \
  "sed '3s/;2023/;2o23/' moved/images.csv | '$CUBE' catalog create no.db --table - --dry-run"
has err "cube: error: stdin, line 3, column 'date': '2o23-"
check "a bad cell" 2 sh -c "sed '3s/;2023/;2o23/' moved/images.csv | '$CUBE' catalog create no.db --table -"
has err "cube: error: stdin, line 3, column 'date': '2o23-"
check "no such table" 2 "$CUBE" catalog create no.db --table none.csv
has err "cube: error: none.csv: there is no such table"
check "a table and files" 2 "$CUBE" catalog create no.db --table files.csv moved
has err "cube: error: --table: files are given too (give either FILES or --table TABLE.csv)"
check "neither" 2 "$CUBE" catalog create no.db
has err "cube: error: FILES: no files are given (give either FILES or --table TABLE.csv)"
check "bands of files" 2 "$CUBE" catalog create no.db moved --bands B04
has err "cube: error: --bands: is for --table and --stac (bands of files are said by the format)"
[ ! -e no.db ] || { failed=1; echo "FAILED: no.db was written"; }

cp -r moved/archive broken
head -c 100 broken/S2A_31UGR_20230114_0_L2A/B04.tif >cut && mv cut broken/S2A_31UGR_20230114_0_L2A/B04.tif
echo hello >broken/S2A_31UGR_20230114_0_L2A/notes.txt
check "a file that cannot be opened" 1 "$CUBE" catalog create broken.db broken
has out "broken.db: 24 images, 71 files"
has err "failed: broken/S2A_31UGR_20230114_0_L2A/B04.tif: "
has err "1 other file skipped (--explain names it)"
lacks err notes.txt
for i in $(seq 20); do : >"broken/note$i.txt"; done
rm broken/S2A_31UGR_20230114_0_L2A/B04.tif
check "only files that do not match" 0 "$CUBE" catalog create broken.db --overwrite broken
has err "21 other files skipped (--explain names them)"
[ "$(wc -l <err)" = 3 ] || { failed=1; echo "FAILED: $title: more than the format, its note and the count"; }
check "named files that do not match" 0 "$CUBE" catalog create broken.db --overwrite broken broken/note*
has err "skipped: broken/note1.txt: the name does not match /pattern"
has err "... and 10 files more (--explain names all)"
has err "1 other file skipped (--explain names it)"
mkdir -p broken/unknown && cp broken/S2A_31UGR_20230114_0_L2A/B08.tif broken/unknown/B99.tif
check "a name like the format's, but of no image" 0 "$CUBE" catalog create broken.db --overwrite broken
has err "skipped: broken/unknown/B99.tif: no "
rm -r broken/unknown
check "all reasons" 0 "$CUBE" catalog create broken.db --overwrite --explain broken
[ "$(grep -c '^skipped: ' err)" = 21 ] || { failed=1; echo "FAILED: $title"; }

check "a dry run" 0 "$CUBE" catalog create dry.db --dry-run --explain broken
has out "broken/S2A_31UGR_20230114_0_L2A/B08.tif: image S2A_31UGR_20230114_0_L2A, time 2023-01-14T00:00:00, band B08"
has out "note1.txt: the name does not match /pattern"
has out "71 of 92 files match the format Sentinel2_L2A_COG; nothing is written (--dry-run)"
[ ! -e dry.db ] || { failed=1; echo "FAILED: a dry run wrote"; }

check "progress as JSON" 0 "$CUBE" catalog create p.db moved/archive --progress json
has err '{"progress":"indexing","done":72,"total":72,"unit":"files",'
lacks err "["
check "no progress in a file" 0 "$CUBE" catalog create p.db --overwrite moved/archive
lacks err "["
check "a bar on a terminal" 0 script -qec "'$CUBE' catalog create p.db --overwrite moved/archive" typed
has out "] 72/72 files, "
has out "/s"
check "no bar on a terminal" 0 script -qec \
  "'$CUBE' catalog create p.db --overwrite moved/archive --progress none" typed
lacks out "72/72 files"

check "formats" 0 "$CUBE" catalog formats
has out "L8_L1TP "
check "one format" 0 "$CUBE" catalog formats L8_L1TP
/usr/bin/python3 -c 'import json; assert "BQA" in json.load(open("out"))["bands"]' || failed=1
mv out mine.json
check "a format of one's own" 0 "$CUBE" catalog create own.db --dry-run --format mine.json broken
has out "0 of 92 files match the format mine.json"
check "info on what is no catalog" 2 "$CUBE" catalog info mine.json
has err "cube: error: mine.json: is not an image collection"
check "info on what is not there" 2 "$CUBE" catalog info nothing.db
has err "cube: error: nothing.db: there is no such collection"
check "help" 0 "$CUBE" catalog create --help
has out "cube catalog create l8.db --format L8_L1TP archive/"

landsat=$CUBE_SHARED/data/landsat8_new_york_2018
if [ -d "$landsat" ]; then
  check "Landsat" 0 "$CUBE" catalog create l8.db --format L8_L1TP "$landsat/**/*.TIF"
  has out "l8.db: 19 images, 228 files, 12 bands, 2018-01-06 .. 2018-12-17"
fi
exit $failed
