#!/usr/bin/env bash
# Every example of the cookbook runs as it stands, in an empty folder, and makes what it names
# after -o.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
PATH=$(dirname "$CUBE"):/usr/bin:$PATH
scripts=("$CUBE_SOURCE"/examples/cookbook/*.sh)
[ -e "${scripts[0]}" ] || { echo "there are no examples"; exit 1; }
for script in "${scripts[@]}"; do
  name=$(basename "$script" .sh)
  mkdir "$folder/$name"
  cd "$folder/$name"
  bash -eu "$script" >../log 2>&1 || { echo "$name failed:"; cat ../log; exit 1; }
  made=0
  for file in $(grep -v '^ *#' "$script" | grep -oE -- '(-o|--save|--svg) [^ ]+' | cut -d' ' -f2); do
    case $file in *[{*]*) continue ;; esac  # one of many
    [ -e "$file" ] || { echo "$name did not make $file"; exit 1; }
    made=$((made + 1))
  done
  [ $made -gt 0 ] || { echo "$name makes nothing"; exit 1; }
done
