#!/usr/bin/env bash
# check, save, ops and schema as a user runs them: output, messages and exit status.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0

# expect STATUS TEXT COMMAND...: the command ends with STATUS and prints TEXT somewhere.
expect() {
  local status=$1 text=$2 out
  shift 2
  out=$("$@" 2>&1)
  local got=$?
  if [ $got -ne "$status" ] || [[ "$out" != *"$text"* ]]; then
    printf 'FAILED: %s\n  status %s, wanted %s and: %s\n  got: %s\n' "$*" $got "$status" "$text" "$out"
    failed=1
  fi
}

cat > graph.json <<'JSON'
{"version": 1, "parameters": {"band": "band1"},
 "cubes": {"d": {"cube_type": "dummy", "nbands": 2,
   "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10, "srs": "EPSG:3857"},
     "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}},
 "result": {"cube_type": "select_bands", "bands": ["${band}"], "in_cube": "d"}}
JSON
expect 0 "ok" "$CUBE" check graph.json
expect 0 "band2" "$CUBE" check graph.json --set band=band2
expect 2 "cube: error: /result/bands/0: there is no band 'bend1' (did you mean 'band1'?)" \
  "$CUBE" check graph.json --set band=bend1
expect 2 "cube: error: /parameters: there is no parameter 'bands' (did you mean 'band'?)" \
  "$CUBE" check graph.json --set bands=x
expect 2 "cube: error: missing.json: there is no such file" "$CUBE" check missing.json
printf '{\n  "cube_type": oops}' > broken.json
expect 2 "cube: error: broken.json:2:16: syntax error" "$CUBE" check broken.json

expect 0 "" "$CUBE" save graph.json -o virtual.json
expect 2 "virtual.json: the file exists (--overwrite replaces it)" "$CUBE" save graph.json -o virtual.json
expect 0 "" "$CUBE" save virtual.json -o again.json
expect 0 "" cmp virtual.json again.json
expect 0 "" "$CUBE" save graph.json -o again.json --overwrite
echo '{"cube_type": "saved", "file": "virtual.json"}' > use.json
expect 0 "ok" "$CUBE" check use.json
expect 2 "no/such/folder.json: cannot be written" "$CUBE" save graph.json -o no/such/folder.json
expect 0 '"cube_type": "select_bands"' "$CUBE" save graph.json -o -
[ -z "$(ls -A | grep tmp)" ] || { echo "FAILED: a temporary file is left"; failed=1; }

expect 0 "select_bands" "$CUBE" ops
expect 0 "bands: text or list of text, required" "$CUBE" ops select_bands
expect 0 '"id": "select_bands"' "$CUBE" ops --json
expect 0 '| `select_bands` |' "$CUBE" ops --markdown
expect 2 "there is no operator 'select_band' (did you mean 'select_bands'?)" "$CUBE" ops select_band
expect 0 "https://json-schema.org/draft/2020-12/schema" "$CUBE" schema
exit $failed
