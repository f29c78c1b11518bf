#!/usr/bin/env bash
# Puts umqtt.simple, as boards get it from micropython-lib, where the unix port finds it. Its source is pinned by SHA-256.
set -euo pipefail

readonly VERSION=1.3.4
readonly SHA256=b6a2520239e3992c63a7de9370ee9b3d9d27819a90359c521f1c0f7ccab8d12f

venv=${1:?usage: umqtt.sh VENV_FOLDER LIBRARY_FOLDER}
library=${2:?usage: umqtt.sh VENV_FOLDER LIBRARY_FOLDER}
download=$(mktemp -d)
trap 'rm -rf "$download"' EXIT

# The package index is the one that pip uses on this machine, if it was told of another than PyPI.
index=${PIP_INDEX_URL:-$("$venv/bin/python" -m pip config get global.index-url 2>/dev/null || true)}
"$venv/bin/unearth" "micropython-umqtt.simple==$VERSION" ${index:+--index-url "$index"} --no-binary --download "$download" >/dev/null
archive=$(find "$download" -name '*.tar.gz')
echo "$SHA256  $archive" | sha256sum --check --quiet ||
    { echo "umqtt: the archive of micropython-umqtt.simple $VERSION is not the one that was reviewed; nothing was unpacked"; exit 1; }
mkdir -p "$library/umqtt"
tar --extract --gzip --file "$archive" --directory "$library" --strip-components 1 --wildcards '*/umqtt/simple.py'
echo "umqtt: simple $VERSION in $library/umqtt"
