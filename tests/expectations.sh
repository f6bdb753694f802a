# What checks of the program from a shell have in common; they source it and end with exit "$failed".
# They then stand in a new folder that is removed at the end.
set -u
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here" || exit 1
failed=0

# check TITLE STATUS COMMAND...: runs it; out and err are kept in files of these names.
check() {
  title=$1 wanted=$2
  shift 2
  "$@" >out 2>err
  status=$?
  [ "$status" = "$wanted" ] && return
  failed=1
  echo "FAILED: $title: status $status, not $wanted"
  cat out err
}
# has FILE TEXT, lacks FILE TEXT
has() {
  grep -qF -- "$2" "$1" && return
  failed=1
  echo "FAILED: $title: no '$2' in $1:"
  cat "$1"
}
lacks() {
  grep -qF -- "$2" "$1" || return
  failed=1
  echo "FAILED: $title: '$2' in $1"
}
same() {
  cmp -s "$1" "$2" && return
  failed=1
  echo "FAILED: $title: $1 and $2 differ"
}
