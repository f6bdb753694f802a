#!/usr/bin/env bash
# From nothing to a median-NDVI map: installs what is missing, builds a release, writes a small
# synthetic archive, indexes it and runs a graph on it.
# usage: examples/quickstart.sh [FOLDER]   (default: build/quickstart)
# CUBE=PROGRAM skips installing and building and uses that program.
set -eu
cd "$(dirname "$0")/.."
. examples/setup.sh
cube=${CUBE:-}
if [ -z "$cube" ]; then
  install_packages "${packages_build[@]}"
  mkdir -p build
  configure_cube build/release -DCMAKE_BUILD_TYPE=Release -DCUBE_TESTS=OFF
  cmake --build build/release
  cube=$PWD/build/release/cube
fi
out=${1:-$PWD/build/quickstart}
rm -rf "$out"
"$cube" sample "$out"
cd "$out"
"$cube" catalog create s2.db archive
"$cube" plan ndvi.json
"$cube" run ndvi.json -o ndvi.tif -o ndvi.png

echo
echo "Made in $out:"
ls -l s2.db ndvi.json ndvi.tif ndvi.png
echo "Open ndvi.png to see the median NDVI."
