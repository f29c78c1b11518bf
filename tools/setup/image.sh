#!/usr/bin/env bash
# Builds the image of an RP2040 board with shared/, firmware/ and the board's map frozen into it: .a.bin and .b.bin for its two
# code slots, and the loader with the first of them as .bin, and as .uf2 to copy to a new board.
# Rule: prints the size of what it made and the heap it leaves; needs only the folder that rp2040.sh laid out.
# PENSTOCK_RELEASE_KEY: a file with the public key, in hex, of those who may sign releases.
set -euo pipefail

kit=$(readlink -f "${1:?usage: image.sh KIT_FOLDER BOARD TARGET_FOLDER}")
board=${2:?usage: image.sh KIT_FOLDER BOARD TARGET_FOLDER}
target=${3:?usage: image.sh KIT_FOLDER BOARD TARGET_FOLDER}
python=$(readlink -f "${PYTHON:?}")
tools=$(cd "$(dirname "$PYTHON")" && pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)
map=$root/boards/$board.py
sources=$root/firmware/image
key_file=${PENSTOCK_RELEASE_KEY:-$root/boards/development_release_key.hex}
mkdir -p "$target"
target=$(readlink -f "$target")
out=$target/$board

export PATH=$kit/bin:$tools:$PATH PENSTOCK_OWN=$out/own PENSTOCK_LIBRARY=$root/build/micropython/lib

say() { printf 'firmware: %s\n' "$*"; }

configure() {
    cmake -S "$kit/source/ports/rp2" -B "$out" -G Ninja \
        -DMICROPY_BOARD="$board" -DMICROPY_BOARD_DIR="$sources" -DUSER_C_MODULES="$sources/slots/micropython.cmake" \
        -DMICROPY_FROZEN_MANIFEST="$sources/manifest.py" \
        -DPENSTOCK_FLASH_BYTES="$flash_bytes" -DPENSTOCK_SLOT_BYTES="$slot_bytes" \
        -DPENSTOCK_FILE_SYSTEM_BYTES="$file_system_bytes" \
        -DPICO_NO_PICOTOOL=1 -DPICO_GCC_TRIPLE=arm-none-eabi -DPython3_EXECUTABLE="$python"
}

# make-pins and the manifest see the board only through these.
prepare() {
    mkdir -p "$out/own"
    cp "$map" "$out/own/board.py"
    printf 'from firmware import main\n\nmain.run()\n' >"$out/own/main.py"
    sed 's/../\\x&/g; s/.*/RELEASE_PUBLIC = b"&"/' <<<"$key" >"$out/own/release_key.py"
    rm -rf "$out/frozen_mpy" "$out/frozen_content.c" # a module that is gone would stay in
    # The port's build does not see that a setting brings other names into the image.
    [ "$sources/mpconfigboard.h" -ot "$out/genhdr/qstrdefs.generated.h" ] || rm -rf "$out/genhdr"
}

# The port's linker script with the slot's place in it. The objects are the same for both slots. The stack gets 4 KB more
# from the heap: an interrupt that scans keys in the midst of TLS finds none left of the port's 8 KB.
link_at() {
    sed -e "s/ORIGIN = 0x10000000, LENGTH = 2048k/ORIGIN = $1, LENGTH = $slot_bytes/" \
        -e "s/__\(GcHeapEnd\|StackBottom\) = .*[^;]/& - 4096/" \
        "$kit/source/ports/rp2/memmap_mp_rp2040.ld" >"$out/slot.ld"
    grep -q "ORIGIN = $1" "$out/slot.ld" && [ "$(grep -c -- "- 4096;" "$out/slot.ld")" = 2 ] &&
        cmake --build "$out" && cp "$out/firmware.elf" "$2.elf" && arm-none-eabi-objcopy -O binary "$2.elf" "$2.bin"
}

build_loader() {
    local sdk=$kit/source/lib/pico-sdk/src
    arm-none-eabi-gcc -mcpu=cortex-m0plus -mthumb -O2 -g -Wall -Wextra -Werror -ffreestanding -nostdlib \
        -fno-tree-loop-distribute-patterns --param=min-pagesize=0 -DPENSTOCK_SLOT_BYTES="${slot_bytes}u" \
        -I "$sources/slots" -I "$sdk/rp2040/hardware_regs/include" -T "$sources/loader/loader.ld" \
        "$sources/loader/loader.c" "$out/pico-sdk/src/rp2040/boot_stage2/bs2_default_padded_checksummed.S" \
        -o "$out/loader.elf" && arm-none-eabi-objcopy -O binary "$out/loader.elf" "$out/loader.bin"
}

build() {
    prepare && configure && link_at "$first_address" "$out/a" && link_at "$second_address" "$out/b" && build_loader &&
        "$python" "$root/tools/slot_image.py" pack "$map" "$out/loader.bin" "$out/a.bin" "$out/b.bin" "$version" \
            "$target/$board" &&
        "$python" "$root/tools/uf2.py" "$target/$board.bin" "$target/$board.uf2"
}

# The public key, 32 bytes in hex.
read_key() {
    tr -d '[:space:]' <"$key_file" | tr A-F a-f | grep -x '[0-9a-fA-F]\{64\}' || { say "$key_file holds no key of 64 hex digits" >&2; return 1; }
}

read_version() {
    sed -n 's/^FIRMWARE_VERSION = const(\(0x[0-9a-fA-F]*\)).*/\1/p' "$root/firmware/core.py" | grep . ||
        { say "firmware/core.py has no line FIRMWARE_VERSION = const(0x...)" >&2; return 1; }
}

heap_bytes() {
    arm-none-eabi-nm "$out/a.elf" | awk '/ __GcHeapStart$/ { s = $1 } / __GcHeapEnd$/ { e = $1 } END { print s, e }' |
        { read -r start end && echo $((0x$end - 0x$start)); }
}

[ -d "$kit/source" ] || { say "not made: there is nothing to build an image from"; exit 0; }
[ -f "$map" ] || { say "there is no board $board; see boards/README.md"; exit 1; }
key=$(read_key)
version=$(read_version)
layout=$("$python" "$root/tools/slot_image.py" layout "$map")
eval "$layout"
if ! build >"$target/$board.log" 2>&1; then
    grep -iE 'error|overflowed|undefined|image has' "$target/$board.log" | cut -c 1-200 | tail -n 20
    say "failed; all of it is in $target/$board.log"
    exit 1
fi
size=$(stat -c %s "$target/$board.a.bin")
say "$board: $size bytes of code in a slot of $slot_bytes, $((slot_bytes - size)) to spare; it leaves $(heap_bytes) bytes of heap"
[ "$key" != "$(tr -d '[:space:]' <"$root/boards/development_release_key.hex")" ] || say "it takes releases signed with the development key, which everybody has; set PENSTOCK_RELEASE_KEY"
say "$target/$board.uf2 for a new board; $board.a.bin and $board.b.bin for an update"
