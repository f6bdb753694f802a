#!/usr/bin/env bash
# Fuzzes all targets, or those that are named, as many at a time as there are cores.
# usage: tests/fuzz/run.sh FOLDER SECONDS [NAME...]     FOLDER: with fuzz_graph, ... (a build's tests)
# A file that breaks a target is kept as FOLDER/found/NAME.crash-..., .timeout-... or .oom-...; it belongs
# into corpus/NAME, under a name that tells what it is. What else is found is kept in FOLDER/found/NAME. Ends with the
# number of executions of each, and 1 where something broke. FUZZ_SEED=1: much the same inputs each time.
set -u
folder=$1
seconds=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for file in "$folder"/fuzz_*; do
    name=$(basename "$file")
    if [ -L "$file" ]; then names+=("${name#fuzz_}"); fi
  done
fi
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:allocator_may_return_null=0}
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
one() {
  mkdir -p "$2/found/$1"
  local words=()
  if [ -f "$4/$1.dict" ]; then words=("-dict=$4/$1.dict"); fi
  # The corpora of crashes that were mended have files longer than those that are made up.
  "$2/fuzz_$1" "$2/found/$1" "$4/corpus/$1" "${words[@]}" -seed="${FUZZ_SEED:-0}" -max_total_time="$3" -timeout="${FUZZ_TIMEOUT:-5}" -rss_limit_mb=2048 \
    -malloc_limit_mb=512 -max_len=8192 -artifact_prefix="$2/found/$1." -print_final_stats=1 >"$2/found/$1.log" 2>&1
  local status=$?
  local runs
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$2/found/$1.log")
  echo "$1: ${runs:-no} executions$([ $status -eq 0 ] || echo ", BROKEN (see $2/found/$1.log)")"
  if [ $status -ne 0 ]; then tail -n 60 "$2/found/$1.log"; fi
  return $status
}
export -f one
printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I NAME bash -c 'one NAME "$1" "$2" "$3"' one "$folder" "$seconds" "$here"
