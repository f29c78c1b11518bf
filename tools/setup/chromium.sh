#!/usr/bin/env bash
# Makes sure that a Chromium is there for the browser tests: Debian's package, installed only when none is found.
set -euo pipefail

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done

as_root=()
if [ "$(id -u)" != 0 ]; then
    as_root=(sudo --non-interactive)
fi

if command -v apt-get >/dev/null && "${as_root[@]}" true 2>/dev/null; then
    "${as_root[@]}" apt-get -qq update
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends chromium >/dev/null
fi
command -v chromium >/dev/null ||
    { echo "chromium: none found and no right to install it; install it (Debian: apt install chromium) for 'make test-browser'"; exit 1; }
