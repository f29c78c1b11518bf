#!/usr/bin/env bash
# Puts MicroPython's unix port into build/micropython/: Debian trixie's own package in a private folder, installed nowhere.
# Rule: the mirror is the one this machine already uses; apt checks every package against Debian's signed lists.
set -euo pipefail

readonly SUITE=trixie
readonly VERSION=1.25.0+ds-1
readonly MINIMUM=1.25
readonly LIBRARIES="libc6 libffi8 libmbedcrypto16 libmbedtls21 libmbedx509-7"
readonly KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
# SHA-256 of micropython_1.25.0+ds-1, by architecture. The libraries follow the suite's security updates, so they have no pin.
declare -rA SHA256=(
    [amd64]=a2c8327c1005cbf0f15c83d1d3b94c20585135c29a97ab1483ada93b82d94a88
    [arm64]=1d5a8cc911b984139b1919061d936567af641c1f504be23ac78099f78ad0621a
)

target=${1:?usage: micropython.sh TARGET_FOLDER}
mkdir -p "$target"
target=$(cd "$target" && pwd)

say() { printf 'micropython: %s\n' "$*"; }

private_apt() {
    apt-get -qq -o "Dir::Etc::sourcelist=$target/apt/sources.list" -o Dir::Etc::sourceparts=- \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts="$target/apt/none" \
        -o "Dir::State::Lists=$target/apt/lists" -o "Dir::Cache=$target/apt/cache" \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}

# The address of the Debian archive in the machine's own apt configuration; the security archive is another tree.
mirror() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 2>/dev/null |
        awk '$1 ~ /\/debian\/?$/ { print $1; exit }'
}

can_use_debian() {
    command -v apt-get dpkg >/dev/null && [ -r "$KEYRING" ] && [ -n "${SHA256[$(dpkg --print-architecture)]:-}" ] &&
        [ -n "$(mirror)" ]
}

fetch_packages() {
    mkdir -p "$target/apt/none" "$target/apt/lists/partial" "$target/apt/cache/archives/partial" "$target/debs"
    echo "deb [signed-by=$KEYRING] $(mirror) $SUITE main" >"$target/apt/sources.list"
    private_apt update
    # shellcheck disable=SC2086  # the list is split on purpose
    (cd "$target/debs" && private_apt download "micropython=$VERSION" $LIBRARIES)
    (cd "$target/debs" && echo "${SHA256[$(dpkg --print-architecture)]}  $(ls micropython_*.deb)" | sha256sum --check --quiet)
}

unpack_packages() {
    local package
    for package in "$target"/debs/*.deb; do
        dpkg --extract "$package" "$target/root"
    done
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
    unpack_packages
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

if can_use_debian; then
    install_from_debian
elif ! use_from_path; then
    say "needs Debian's package archive in apt's sources, or micropython >= $MINIMUM on PATH; install one and run 'make setup' again"
    exit 1
fi
say "$(version_of "$target/micropython") in $target"
