# Sourced by examples/quickstart.sh and tests/run.sh: installs the missing Debian packages and
# configures. Works as root and with sudo; on a system without apt it says what is missing.

packages_build=(g++ cmake ninja-build pkg-config libgdal-dev libsqlite3-dev nlohmann-json3-dev
  libmuparser-dev libnetcdf-dev libisal-dev libgif-dev libwebp-dev doctest-dev libcli11-dev)

# install_packages PACKAGE...: those that are not there yet, by apt.
install_packages() {
  local missing=() package
  for package in "$@"; do
    if ! command -v dpkg-query >/dev/null ||
      [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
      missing+=("$package")
    fi
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null; then
    echo "This system has no apt. Please install what these Debian packages hold, with headers," >&2
    echo "then build with cmake as README.md says: ${missing[*]}" >&2
    exit 2
  fi
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "Please install as root: apt-get install ${missing[*]}" >&2
      exit 2
    fi
    as_root=(sudo)
  fi
  echo "installing: ${missing[*]}"
  "${as_root[@]}" apt-get update -q >/dev/null
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}" >/dev/null
}

# configure_cube FOLDER CMAKE_OPTION...
configure_cube() {
  local folder=$1
  shift
  cmake -S . -B "$folder" -G Ninja "$@" >"$folder.log" 2>&1 || {
    cat "$folder.log" >&2
    exit 1
  }
}
