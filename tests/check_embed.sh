#!/usr/bin/env bash
# What cmake --install gives is enough to build programs on cube: the examples of examples/embed,
# found by find_package and by pkg-config, shared and static, from where it was moved to. Their cells
# are those of the program.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export CMAKE_GENERATOR=Ninja
fail() { echo "check_embed: $*"; exit 1; }

cmake --install "$(dirname "$CUBE")" --prefix "$folder/first" >install.txt
mv first prefix
prefix=$folder/prefix
examples=$CUBE_SOURCE/examples/embed
# A user's own headers of the same names are not in the way.
mkdir -p mine/engine
echo '#error "the header of the user, not of cube"' | tee mine/engine/grid.h >mine/engine/block.h

# The headers need the C++ library and each other.
grep -rhE '^#include' "$prefix/include/cube" | grep -vE '<[a-z_]+>$|"cube/' && fail "a header needs something else"

cmake -S "$examples" -B build -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DCMAKE_CXX_FLAGS="-Wall -Wextra -Wconversion -Werror -I$folder/mine" >build.txt
cmake --build build --parallel 2 --target chunks two_cubes own_operator >>build.txt 2>&1 || {
  cat build.txt
  fail "the examples cannot be built with find_package"
}
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
[ -d "$PKG_CONFIG_PATH" ] || PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name cube.pc)")
# shellcheck disable=SC2046
g++ -std=c++20 -O0 "$examples/ndvi.cpp" $(pkg-config --cflags --libs cube) -o build/ndvi
libraries=$(pkg-config --variable=libdir cube)

"$CUBE" sample try >/dev/null
"$CUBE" catalog create try/s2.db try/archive >/dev/null 2>&1
cat >ndvi.json <<'END'
{"cube_type": "reduce_time", "reducer_bands": [["median", "NDVI"]],
 "in_cube": {"cube_type": "apply_pixel", "expr": "(B08-B04)/(B08+B04)", "band_names": "NDVI",
  "in_cube": {"cube_type": "image_collection", "file": "try/s2.db",
   "mask": {"values": [3, 8, 9, 10]}, "mask_band": "SCL",
   "view": {
    "space": {"left": 711000, "right": 719600, "bottom": 5537800, "top": 5543000, "dx": 20, "srs": "EPSG:32631"},
    "time": {"t0": "2023-01", "t1": "2023-12", "dt": "P1M"},
    "aggregation": "median", "resampling": "bilinear"}}}}
END
"$CUBE" run ndvi.json -o program.tif --format COG --progress none >program.txt
LD_LIBRARY_PATH=$libraries build/ndvi try/s2.db library.tif >ndvi.txt
grep -q "^NDVI_median, float32$" ndvi.txt
grep -q "^library.tif is written$" ndvi.txt
build/chunks ndvi.json >chunks.txt
/usr/bin/python3 - <<'END' || fail "the cells differ from those of the program"
import numpy as np
from osgeo import gdal
gdal.UseExceptions()
program, library = (gdal.Open(name) for name in ("program.tif", "library.tif"))
expected = program.ReadAsArray()
assert np.array_equal(expected, library.ReadAsArray(), equal_nan=True)
assert program.GetMetadataItem("TIFFTAG_IMAGEDESCRIPTION") == library.GetMetadataItem("TIFFTAG_IMAGEDESCRIPTION")
order, once, corner = open("chunks.txt").read().splitlines()
for line, how in (order, "in order"), (once, "at once"):
    name, mean, of, count, cells = line.removeprefix(how + ": ").split()
    assert (name, int(count)) == ("NDVI_median", np.isfinite(expected).sum()), line
    assert abs(float(mean) - np.nanmean(expected, dtype=float)) < 1e-5, line
assert np.allclose([float(cell) for cell in corner.split()], expected[:2, :2].ravel(), rtol=1e-4, equal_nan=True), corner
END
build/two_cubes try/monthly.json >two.txt || fail "two cubes at once differ: $(cat two.txt)"
build/own_operator >own.txt
diff own.txt - <<'END' || fail "the example of one's own operator tells something else"
2024-05-02: 625 cells above, the first by 0.5
2024-05-03: 625 cells above, the first by 2
END
LD_LIBRARY_PATH=$libraries build/ndvi try/none.db none.tif >none.txt 2>&1 && fail "a catalog that is not there is no error"
grep -q "none.db" none.txt || fail "an error does not name the file: $(cat none.txt)"

# The shared library: its name, and that it shows namespace cube and nothing of what is in it.
readelf -d "$libraries/libcube.so" | grep -q "SONAME.*libcube\.so\.$("$CUBE" --version | sed 's/cube //; s/\.[0-9]*$//')\]"
nm -DC --defined-only "$libraries/libcube.so" | cut -d' ' -f3- | grep -v "cube::" >shown.txt && fail "the library shows more than namespace cube: $(head -3 shown.txt)"

# The version and the components.
mkdir asked
cat >asked/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.25)
project(asked LANGUAGES CXX)
find_package(cube ${VERSION} QUIET COMPONENTS ${COMPONENTS})
if(NOT cube_FOUND)
  message(STATUS "refused: ${cube_NOT_FOUND_MESSAGE}")
elseif(TARGET cube::cube_static)
  add_executable(static ${OBJECT})
  set_target_properties(static PROPERTIES LINKER_LANGUAGE CXX)
  find_package(Threads REQUIRED)
  target_link_libraries(static PRIVATE cube::cube_static Threads::Threads)
endif()
END
asks() { cmake -S asked -B asked/build -DCMAKE_PREFIX_PATH="$prefix" "$@" >asked.txt 2>&1 || { cat asked.txt; fail "$*"; }; }
asks -DVERSION=0.2
grep -q "refused" asked.txt || fail "version 0.2 is taken for 0.1"
asks -DVERSION=0.1 -DCOMPONENTS=other
grep -q "no component 'other'" asked.txt || fail "a component that is none is found"
object=$(find build -name 'own_operator.cpp.o')
asks -DVERSION=0.1 -DCOMPONENTS=static -DOBJECT="$folder/$object"
cmake --build asked/build >asked.txt 2>&1 || { cat asked.txt; fail "the static library cannot be linked"; }
asked/build/static | diff own.txt -
ldd asked/build/static | grep -q libcube && fail "what was to be static is not"
# The same by pkg-config, where there is no other.
rm "$libraries"/libcube.so*
# shellcheck disable=SC2046
g++ "$object" $(pkg-config --static --libs cube) -o static
./static | diff own.txt -

# As a part of another project: neither tests nor an installation of its own.
mkdir whole
cat >whole/CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.25)
project(whole LANGUAGES CXX)
add_subdirectory($CUBE_SOURCE cube)
add_executable(chunks $examples/chunks.cpp)
target_link_libraries(chunks PRIVATE cube::cube)
END
cmake -S whole -B whole/build >whole.txt 2>&1 || { cat whole.txt; fail "cube is no part of another project"; }
cmake --build whole/build --target help | grep -q unit_api && fail "a part of another project has its tests"
cmake --build whole/build --target cube_headers >/dev/null
[ -f whole/build/cube/include/cube/engine/grid.h ] || fail "a part of another project has no headers"
