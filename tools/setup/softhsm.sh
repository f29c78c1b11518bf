#!/usr/bin/env bash
# Puts SoftHSM2, a PKCS#11 token in software, into build/softhsm/ for the tests: Debian's packages, installed nowhere.
set -euo pipefail
source "$(dirname "$0")/debian.sh"

readonly SUITE=bookworm # older than what it runs on: the library is loaded into the machine's own Python
readonly VERSION=2.6.1-2.1
declare -rA SHA256=( # of libsofthsm2 and softhsm2, by architecture
    [libsofthsm2_amd64]=8c29aa37b082c2904d5ff8c65432e6b018929687400854dbeafd1c2a787d3508
    [softhsm2_amd64]=10bf00517295d1da6229684a73fbf90d64841d0a8df69517dc0004586720d04e
    [libsofthsm2_arm64]=a113aa55fa0b1f0e0857e820598f5f01b2be872b6e635401e0bb7016d82aa6e4
    [softhsm2_arm64]=6158170ccc2314a39a2dfabbe4b6a4714ebd15c8b08f3bb5992cffb17289f332
)

target=${1:?usage: softhsm.sh TARGET_FOLDER}
mkdir -p "$target"
target=$(cd "$target" && pwd)

say() { printf 'softhsm: %s\n' "$*"; }

# A SoftHSM that the machine has: Debian puts the library below an architecture's folder, others beside bin/.
use_installed() {
    local util library
    util=$(command -v softhsm2-util) || return 1
    library=$(find /usr/lib/*/softhsm /usr/lib/softhsm "$(dirname "$util")/../lib/softhsm" -name 'libsofthsm2.so' 2>/dev/null | head -n 1)
    [ -n "$library" ] || return 1
    ln -sfn "$util" "$target/softhsm2-util"
    ln -sfn "$library" "$target/libsofthsm2.so"
}

can_use_debian() {
    has_debian_archive && [ -n "${SHA256[softhsm2_$(dpkg --print-architecture)]:-}" ]
}

fetch_packages() {
    local package architecture
    architecture=$(dpkg --print-architecture)
    mkdir -p "$target/debs"
    use_suite "$target" "$SUITE"
    for package in libsofthsm2 softhsm2; do
        (cd "$target/debs" && private_apt "$target" download "$package=$VERSION")
        (cd "$target/debs" && echo "${SHA256[${package}_$architecture]}  $(ls "$package"_*.deb)" | sha256sum --check --quiet)
    done
}

install_from_debian() {
    rm -rf "${target:?}"/*
    fetch_packages
    unpack_packages "$target/debs" "$target/root"
    rm -rf "$target/apt" "$target/debs"
    ln -sfn root/usr/bin/softhsm2-util "$target/softhsm2-util"
    ln -sfn "$(cd "$target" && find root -name libsofthsm2.so | head -n 1)" "$target/libsofthsm2.so"
}

require_libraries() {
    local missing
    missing=$(ldd "$target/libsofthsm2.so" "$target/softhsm2-util" | awk '/not found/ { print $1 }' | sort -u | tr '\n' ' ')
    [ -z "$missing" ] || { say "this machine lacks $missing; install them (Debian: apt install softhsm2) and run 'make setup' again"; exit 1; }
}

if ! use_installed; then
    can_use_debian || { say "needs Debian's package archive in apt's sources, or an installed SoftHSM2; install softhsm2 and run 'make setup' again"; exit 1; }
    install_from_debian
    require_libraries
fi
say "libsofthsm2.so in $target"
