#!/usr/bin/env bash
# Puts MicroPython's unix port into build/micropython/: Debian trixie's own package in a private folder, installed nowhere.
# Rule: the mirror is the one this machine already uses; apt checks every package against Debian's signed lists.
set -euo pipefail
source "$(dirname "$0")/debian.sh"

readonly SUITE=trixie
readonly VERSION=1.25.0+ds-1
readonly MINIMUM=1.25
readonly LIBRARIES="libc6 libffi8 libmbedcrypto16 libmbedtls21 libmbedx509-7"
# SHA-256 of micropython_1.25.0+ds-1, by architecture. The libraries follow the suite's security updates, so they have no pin.
declare -rA SHA256=(
    [amd64]=a2c8327c1005cbf0f15c83d1d3b94c20585135c29a97ab1483ada93b82d94a88
    [arm64]=1d5a8cc911b984139b1919061d936567af641c1f504be23ac78099f78ad0621a
)

target=${1:?usage: micropython.sh TARGET_FOLDER}
mkdir -p "$target"
target=$(cd "$target" && pwd)

say() { printf 'micropython: %s\n' "$*"; }

can_use_debian() {
    has_debian_archive && [ -n "${SHA256[$(dpkg --print-architecture)]:-}" ]
}

fetch_packages() {
    mkdir -p "$target/debs"
    use_suite "$target" "$SUITE"
    # shellcheck disable=SC2086  # the list is split on purpose
    (cd "$target/debs" && private_apt "$target" download "micropython=$VERSION" $LIBRARIES)
    (cd "$target/debs" && echo "${SHA256[$(dpkg --print-architecture)]}  $(ls micropython_*.deb)" | sha256sum --check --quiet)
}

# The libraries are newer than the machine's, so the program starts through the loader that came with them.
write_wrapper() {
    local loader
    loader=$(find "$target/root" -name 'ld-linux-*.so.*' | head -n 1)
    [ -n "$loader" ] || { say "the unpacked libc6 has no loader; remove $target and run 'make setup' again"; exit 1; }
    cat >"$target/micropython" <<WRAPPER
#!/bin/sh
here=\$(dirname "\$(readlink -f "\$0")")
exec "\$here/${loader#"$target"/}" --library-path "\$here/$(libraries_below "$target")" "\$here/root/usr/bin/micropython" "\$@"
WRAPPER
    chmod +x "$target/micropython"
}

libraries_below() {
    (cd "$1" && dirname "$(find root -name 'libffi.so.8' | head -n 1)")
}

install_from_debian() {
    rm -rf "$target/apt" "$target/debs" "$target/root"
    fetch_packages
    unpack_packages "$target/debs" "$target/root"
    write_wrapper
    rm -rf "$target/apt" "$target/debs"
}

at_least_minimum() {
    printf '%s\n%s\n' "$MINIMUM" "$1" | sort --version-sort --check=quiet
}

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.implementation.version[:2])'
}

use_from_path() {
    local found
    found=$(command -v micropython) && at_least_minimum "$(version_of "$found")" || return 1
    ln -sfn "$found" "$target/micropython"
}

# Another system with apt, Ubuntu for one: its own package, where it is new enough and we may install it.
install_with_apt() {
    local candidate
    command -v apt-get apt-cache >/dev/null && [ "$(id -u)" = 0 ] || return 1
    apt-get -qq update
    candidate=$(apt-cache policy micropython | awk '/Candidate:/ { print $2 }')
    at_least_minimum "${candidate:-0}" || return 1
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends micropython >/dev/null
    use_from_path
}

if can_use_debian; then
    install_from_debian
elif ! use_from_path && ! install_with_apt; then
    say "needs Debian's package archive in apt's sources, or micropython >= $MINIMUM on PATH (as root, apt's own is tried); install one and run 'make setup' again"
    exit 1
fi
say "$(version_of "$target/micropython") in $target"
