#!/usr/bin/env bash
# Installs the Debian packages of tools/packages.txt that are missing. The only script that uses sudo,
# and the only step that downloads anything.
#   tools/install_packages.sh [GROUP …]     groups: build, test, players, nightly (default: build test)
# The group players also fetches the players of tests/players, as its package-lock.json names them; nightly does so with
# the benchmarks' peers in bench/colyseus and bench/datachannel, where npm is there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
groups=("$@")
[ ${#groups[@]} -gt 0 ] || groups=(build test)

missing=()
for group in "${groups[@]}"; do
  case $group in build|test|players|nightly) ;; *)
    echo "install_packages: unknown group '$group' (build, test, players or nightly)" >&2; exit 2 ;;
  esac
  while read -r name; do
    # Another source's nodejs brings npm along and cannot stand beside Debian's.
    case $name in nodejs) command -v node >/dev/null && continue ;; npm) command -v npm >/dev/null && continue ;; esac
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$name")
  done < <(awk -v g="$group" '!/^#/ && $2 == g { print $1 }' "$here/packages.txt")
done

# Without them their test is skipped and says so: not to reach npm's registry fails nothing else.
fetch() {  # GROUP FOLDER WHAT-IS-SKIPPED
  local folder=$here/../$2
  [[ " ${groups[*]} " == *" $1 "* ]] || return 0
  [ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ] && return 0
  command -v npm >/dev/null || { echo "install_packages: no npm (group players): $3 will be skipped" >&2; return 0; }
  echo "install_packages: fetching what $2 names"
  npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null ||
    echo "install_packages: $2 could not be fetched; $3 will be skipped" >&2
}
fetch_all() {
  fetch players tests/players tests/players
  fetch nightly bench/colyseus "Colyseus in bench/relay_room.py"
  fetch nightly bench/datachannel "data channels in bench/quic_echo.py"
}
[ ${#missing[@]} -gt 0 ] || { fetch_all; exit 0; }

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "install_packages: these packages are missing and there is no sudo: ${missing[*]}" >&2
    echo "install_packages: as root, run: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "install_packages: installing ${#missing[@]} Debian packages: ${missing[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fetch_all
