#!/usr/bin/env bash
# Builds MicroPython's unix port for 32 bits into build/micropython32/, from Debian trixie's sources, installed nowhere.
# Words, small integers and floats are then those of a board: heap use per operation is that of an RP2040.
# What a program with other frozen modules is made from stays in kit/, for freeze.sh.
# Rule: where it cannot be built it says why, leaves no program and succeeds; under CI=true that is a failure.
set -euo pipefail
source "$(dirname "$0")/debian.sh"

readonly SUITE=trixie
readonly VERSION=1.25.0+ds-1
readonly SHA256=7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea # of micropython_1.25.0+ds.orig.tar.xz
readonly GCC=14
# Headers and static libraries for 32 bits; the compiler is the machine's own. They and mbedtls follow the suite's updates.
readonly LIBRARIES="libc6-dev-i386 libc6-dev linux-libc-dev lib32gcc-$GCC-dev"
readonly UNIX_PORT=(MICROPY_FORCE_32BIT=1 MICROPY_STANDALONE=0 MICROPY_PY_FFI=0 MICROPY_PY_BTREE=0 LDFLAGS_EXTRA=-static
    CFLAGS_EXTRA=-DMICROPY_FLOAT_IMPL=MICROPY_FLOAT_IMPL_FLOAT)

target=${1:?usage: micropython32.sh TARGET_FOLDER}
python=$(command -v "${PYTHON:-python3}")
mkdir -p "$target"
target=$(cd "$target" && pwd)
kit=$target/kit

say() { printf 'micropython32: %s\n' "$*"; }

cannot() {
    say "not built: $*"
    if [ "${CI:-}" = true ]; then exit 1; fi
    exit 0
}

require_compiler() {
    if command -v gcc >/dev/null && echo '#include <stdio.h>' | gcc -E - >/dev/null 2>&1; then return; fi
    [ "$(id -u)" = 0 ] || cannot "no C compiler; install it (Debian: apt install gcc libc6-dev)"
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends gcc libc6-dev >/dev/null
}

fetch() {
    mkdir -p "$target/debs" "$target/sources"
    use_suite "$target" "$SUITE" deb-src
    # shellcheck disable=SC2086  # the list is split on purpose
    (cd "$target/debs" && private_apt "$target" download $LIBRARIES)
    (cd "$target/sources" && private_apt "$target" --download-only source "micropython=$VERSION" mbedtls)
    (cd "$target/sources" && echo "$SHA256  $(ls micropython_*.orig.tar.xz)" | sha256sum --check --quiet)
}

unpack() {
    unpack_packages "$target/debs" "$kit/root"
    "$python" -m tarfile -e "$(ls "$target"/sources/micropython_*.orig.tar.*)" "$target/unpacked"
    mv "$target"/unpacked/* "$kit/source"
    "$python" -m tarfile -e "$(ls "$target"/sources/mbedtls_*.orig.tar.*)" "$target/unpacked"
    rmdir "$kit/source/lib/mbedtls"
    mv "$target"/unpacked/* "$kit/source/lib/mbedtls"
    mkdir -p "$kit/source/lib/micropython-lib"
    touch "$kit/source/lib/micropython-lib/README.md" # the build only asks whether it exists
}

# Importing from source text nests deeper than a board ever does, which loads compiled files.
widen_stack() {
    local main=$kit/source/ports/unix/main.c
    grep -q 'stack_size = 40000 \*' "$main" || { say "ports/unix/main.c sets its stack in another way than expected"; exit 1; }
    sed -i 's/stack_size = 40000 \*/stack_size = 80000 */' "$main"
}

write_compiler() {
    cat >"$kit/gcc32" <<WRAPPER
#!/bin/sh
root=\$(dirname "\$(readlink -f "\$0")")/root
exec gcc -m32 --sysroot="\$root" -B"\$root/usr/lib/gcc/x86_64-linux-gnu/$GCC/32" "\$@"
WRAPPER
    chmod +x "$kit/gcc32"
}

# make_port MANIFEST PROGRAM: the one way in which this port is made, here and by freeze.sh
write_maker() {
    cat >"$kit/make_port" <<MAKER
#!/bin/sh
set -eu
kit=\$(dirname "\$(readlink -f "\$0")")
unset MAKEFLAGS MFLAGS MAKELEVEL
exec make -C "\$kit/source/ports/unix" -j"\$(nproc)" PYTHON="\${PYTHON:-python3}" CC="\$kit/gcc32" \\
    FROZEN_MANIFEST="\$1" PROG="\$2" MPY_CROSS_FLAGS=-march=x86 ${UNIX_PORT[*]}
MAKER
    chmod +x "$kit/make_port"
}

compile() {
    # shellcheck disable=SC2016  # MPY_DIR is the manifest's own variable
    echo 'include("$(MPY_DIR)/extmod/asyncio")' >"$kit/asyncio.py"
    (unset MAKEFLAGS MFLAGS MAKELEVEL && make -C "$kit/source/mpy-cross" -j"$(nproc)" PYTHON="$python")
    PYTHON=$python "$kit/make_port" "$kit/asyncio.py" micropython
}

# Of the sources only what make looks at again stays.
tidy_up() {
    rm -rf "$target/apt" "$target/debs" "$target/sources" "$target/unpacked" "$kit/root/usr/share" \
        "$kit/source/docs" "$kit/source/tests" "$kit/source/logo" "$kit/source/lib/mbedtls/tests"
    find "$kit/source/ports" -mindepth 1 -maxdepth 1 ! -name unix -exec rm -rf {} +
}

build() {
    rm -rf "${target:?}"/*
    mkdir -p "$kit"
    fetch
    unpack
    widen_stack
    write_compiler
    write_maker
    compile >"$target/build.log" 2>&1 || { tail -n 20 "$target/build.log"; say "the build failed; all of it is in $target/build.log"; exit 1; }
    cp "$kit/source/ports/unix/build-standard/micropython" "$target/micropython"
    tidy_up
}

has_debian_archive || cannot "it needs Debian's package archive in apt's sources"
[ "$(dpkg --print-architecture)" = amd64 ] || cannot "only an amd64 machine can run what it builds"
require_compiler
build
say "$("$target/micropython" -c 'import sys; print("%d.%d, largest word %d" % (sys.implementation.version[:2] + (sys.maxsize,)))') in $target"
