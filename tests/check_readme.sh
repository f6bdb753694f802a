#!/usr/bin/env bash
# README.md is true: its commands run, its graph is the sample's, its table is the registry's, and
# the quick start makes the files it names.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# The system's Python, which has numpy.
PATH=$(dirname "$CUBE"):/usr/bin:$PATH
readme=$CUBE_SOURCE/README.md

# Commands: every ```sh block, line by line.
awk '/^```sh$/ {on = 1; next} /^```/ {on = 0} on' "$readme" >commands.sh
[ "$(wc -l <commands.sh)" -ge 5 ] || { echo "README has lost its commands"; exit 1; }
bash -eux commands.sh
for made in try/ndvi.tif try/ndvi.png; do
  [ -s "$made" ] || { echo "README's commands did not make $made"; exit 1; }
done

# The first graph runs beside the archive.
awk '/^```json$/ {on = 1; next} /^```/ {if (on) exit} on' "$readme" >try/first.json
cube run try/first.json -o try/first.tif --progress none
gdalinfo -stats try/first.tif | grep -q STATISTICS_MEAN || { echo "README's graph made nothing"; exit 1; }

# The table.
awk '/^<!-- \/operators/ {on = 0} on {print} /^<!-- operators/ {on = 1}' "$readme" >table.md
cube ops --markdown >expected.md
diff -u expected.md table.md || { echo "README's table differs from cube ops --markdown"; exit 1; }

# The quick start, with the program that is being tested.
bash "$CUBE_SOURCE/examples/quickstart.sh" "$folder/quick" >quick.txt
grep -q ndvi.png quick.txt
[ -s quick/ndvi.png ]
