#!/usr/bin/env bash
# Installs what is missing, builds once and runs the tests; ends with ctest's summary.
# usage: tests/run.sh            all tests, from a release build
#        tests/run.sh asan       the C++ tests under AddressSanitizer and UBSan
#        tests/run.sh tsan       those with threads under ThreadSanitizer (clang and libomp, because
#                                gcc's libgomp reports false races)
set -eu
cd "$(dirname "$0")/.."
. examples/setup.sh
packages_test=(gdal-bin python3-gdal python3-jsonschema python3-numpy python3-xarray python3-rioxarray python3-zarr
  python3-netcdf4 python3-yaml python3-dask python3-distributed mypy pybind11-dev python3-dev graphviz openmpi-bin fish zsh)
packages_clang=(clang lld libomp-dev)
mode=${1:-test}
linker=gold
chosen=()  # all
case $mode in
  test)
    install_packages "${packages_build[@]}" "${packages_test[@]}"
    options=(-DCMAKE_BUILD_TYPE=Release -DCUBE_PYTHON=ON)
    ;;
  asan)
    install_packages "${packages_build[@]}" "${packages_clang[@]}"
    linker=lld
    options=(-DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS_DEBUG=-O0 -g1"
      -DCUBE_SANITIZE=address,undefined -DCMAKE_CXX_COMPILER=clang++
      # Edges are counted and nothing more, which hardly slows down the other tests.
      -DCUBE_FUZZ=ON "-DCUBE_FUZZ_COVERAGE=-fsanitize-coverage=inline-8bit-counters,pc-table")
    # Those left out are long there; what they run of ours, others run too.
    left_out=(unit_block_reads unit_calendar unit_leaks unit_presets unit_kernels unit_series
      unit_space_statistic unit_weighted_passes data_kernels data_property data_warp)
    mapfile -t chosen < <(basename -s .cpp tests/unit_*.cpp tests/data_*.cpp |
      grep -vxF "$(printf '%s\n' "${left_out[@]}")")
    chosen+=(fuzz_replay)
    ulimit -s 65536  # frames are several times as large as without sanitizers
    # GDAL and PROJ keep caches until the process ends, so leaks are not looked for.
    export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    ;;
  tsan)
    install_packages "${packages_build[@]}" "${packages_clang[@]}"
    linker=lld
    options=(-DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS_DEBUG=-O0 -g1" -DCUBE_SANITIZE=thread
      -DCMAKE_CXX_COMPILER=clang++)
    chosen=(unit_api unit_run unit_piece_board unit_catalog unit_block_cache unit_csv unit_sinks unit_cog
      data_property)
    export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp ignore_noninstrumented_modules=1"
    ;;
  *)
    echo "tests/run.sh: unknown mode '$mode' (asan or tsan, or nothing)" >&2
    exit 2
    ;;
esac
if [ -n "${CI:-}" ]; then
  # Linking 60 programs with what sanitizers need takes lld half of gold's time, which takes a quarter of ld's.
  options+=(-DCUBE_WERROR=ON -DCUBE_PCH=ON "-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=$linker")
  # Lines of source in reports take a sixteenth of the time, and are there when it is run by hand.
  [ "$mode" = test ] || options+=(-DCMAKE_CXX_FLAGS_DEBUG=-O0)
fi
mkdir -p build
configure_cube "build/$mode" "${options[@]}"
tests=()
target=()
if [ ${#chosen[@]} -gt 0 ]; then
  tests=(-R "^($(IFS='|' && echo "${chosen[*]}"))\$")
  target=(--target "${chosen[@]}")
fi
cmake --build "build/$mode" "${target[@]}"
# One more than there are cores: some wait for servers, timers and signals.
ctest --test-dir "build/$mode" --output-on-failure -j "$(($(nproc) + 1))" "${tests[@]}"
if [ "$mode" = asan ]; then
  # The corpora of all targets have been replayed; those of what strangers hand in are gone on with.
  # The same way each time: runs by hand are for finding something.
  FUZZ_SEED=1 FUZZ_TIMEOUT=30 bash tests/fuzz/run.sh "build/$mode/tests" 20 graph view formula format stac csv catalog stream plugin zarr netcdf
fi
