#!/usr/bin/env bash
# Lays out in TARGET_FOLDER what an RP2040 image is built from: Debian's sources of MicroPython's rp2 port, of the SDK and
# of what it needs, and a cross compiler, all installed nowhere. image.sh builds images from it.
# Rule: versions of sources are pinned; where there is no Debian it says so and makes nothing, under CI=true it fails.
set -euo pipefail
source "$(dirname "$0")/debian.sh"

readonly SUITE=trixie
readonly VERSION=1.25.0+ds-1
readonly SHA256=7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea # of micropython_1.25.0+ds.orig.tar.xz
readonly SDK="pico-sdk-source tinyusb-source"
# The compiler must run here, so it is of this machine's own suite. Its libstdc++ has 300 MB and no part of ours is C++.
readonly COMPILER="gcc-arm-none-eabi binutils-arm-none-eabi libnewlib-arm-none-eabi libnewlib-dev"

target=${1:?usage: rp2040.sh TARGET_FOLDER}
mkdir -p "$target"
target=$(cd "$target" && pwd)

say() { printf 'rp2040: %s\n' "$*"; }

fail() {
    say "$*"
    exit 1
}

own_suite() {
    sed -n 's/^VERSION_CODENAME=//p' /etc/os-release
}

# shellcheck disable=SC2086  # the lists are split on purpose
fetch() {
    mkdir -p "$target/debs" "$target/sources" "$target/own"
    use_suite "$target" "$SUITE" deb-src
    (cd "$target/debs" && private_apt "$target" download $SDK)
    (cd "$target/sources" && private_apt "$target" --download-only source "micropython=$VERSION" mbedtls lwip)
    (cd "$target/sources" && echo "$SHA256  $(ls micropython_*.orig.tar.xz)" | sha256sum --check --quiet)
    use_suite "$target/own" "$(own_suite)"
    (cd "$target/debs" && private_apt "$target/own" download $COMPILER)
}

unpack_source() {
    mkdir -p "$target/unpacked"
    tar --extract --file "$(ls "$target/sources/$1"_*.orig.tar.*)" --directory "$target/unpacked"
    rm -rf "$2"
    mv "$target"/unpacked/* "$2"
}

unpack() {
    local source=$target/source
    unpack_packages "$target/debs" "$target/tree"
    unpack_source micropython "$source"
    unpack_source mbedtls "$source/lib/mbedtls"
    unpack_source lwip "$source/lib/lwip"
    rm -rf "$source/lib/pico-sdk" "$source/lib/tinyusb"
    mv "$target/tree/usr/src/pico-sdk" "$target/tree/usr/src/tinyusb" "$source/lib"
    mkdir -p "$source/lib/micropython-lib"
    touch "$source/lib/micropython-lib/README.md" # the build only asks whether it exists
}

# Debian's compiler looks for newlib where it would be installed; these say where it is, and that no C++ library is needed.
write_compiler() {
    local tool name
    mkdir -p "$target/bin" "$target/lib"
    for tool in "$target"/tree/usr/bin/arm-none-eabi-*; do
        name=$(basename "$tool")
        ln -sf "../tree/usr/bin/$name" "$target/bin/$name"
    done
    for name in gcc g++; do
        rm "$target/bin/arm-none-eabi-$name"
        cat >"$target/bin/arm-none-eabi-$name" <<WRAPPER
#!/bin/sh
kit=\$(dirname "\$(readlink -f "\$0")")/..
exec "\$kit/tree/usr/bin/arm-none-eabi-$name" -B"\$kit/tree/usr/lib/arm-none-eabi/newlib" \\
    -idirafter "\$kit/tree/usr/include/newlib" -L"\$kit/lib" "\$@"
WRAPPER
        chmod +x "$target/bin/arm-none-eabi-$name"
    done
    "$target/bin/arm-none-eabi-ar" rc "$target/lib/libstdc++.a"
}

# Of the libraries only those of a Cortex-M0+ stay.
tidy_up() {
    rm -rf "$target/apt" "$target/own" "$target/debs" "$target/sources" "$target/unpacked" "$target/tree/usr/share"
    find "$target/tree/usr/lib" -depth -type d -path "*/thumb/*" ! -path "*/v6-m*" -exec rm -rf {} +
    find "$target/source/ports" -mindepth 1 -maxdepth 1 ! -name rp2 -exec rm -rf {} +
    rm -rf "$target/source/docs" "$target/source/tests" "$target/source/lib/mbedtls/tests"
}

build() {
    rm -rf "${target:?}"/*
    fetch
    unpack
    write_compiler
    (unset MAKEFLAGS MFLAGS MAKELEVEL && make -C "$target/source/mpy-cross" -j"$(nproc)") >"$target/build.log" 2>&1 ||
        { tail -n 20 "$target/build.log"; fail "mpy-cross was not built; all of it is in $target/build.log"; }
    tidy_up
}

cannot() {
    say "not made: $*"
    if [ "${CI:-}" = true ]; then exit 1; fi
    exit 0
}

has_debian_archive || cannot "an image needs Debian's package archive in apt's sources"
command -v gcc >/dev/null || cannot "there is no C compiler; install it (Debian: apt install gcc libc6-dev)"
build
say "$("$target/bin/arm-none-eabi-gcc" --version | head -n 1) and MicroPython $VERSION in $target"
