#!/usr/bin/env bash
# Installs the Debian packages of tools/packages.txt that are missing. The only script that uses sudo,
# and the only step that downloads anything.
#   tools/install_packages.sh [GROUP …]     groups: build, test, nightly (default: build test)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
groups=("$@")
[ ${#groups[@]} -gt 0 ] || groups=(build test)

missing=()
for group in "${groups[@]}"; do
  case $group in build|test|nightly) ;; *)
    echo "install_packages: unknown group '$group' (build, test or nightly)" >&2; exit 2 ;;
  esac
  while read -r name; do
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$name")
  done < <(awk -v g="$group" '!/^#/ && $2 == g { print $1 }' "$here/packages.txt")
done
[ ${#missing[@]} -gt 0 ] || exit 0

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
