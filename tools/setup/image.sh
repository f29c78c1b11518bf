#!/usr/bin/env bash
# Builds the image of an RP2040 board with shared/, firmware/ and the board's map frozen into it: .bin, and .uf2 to copy.
# Rule: prints the size of what it made; needs only the folder that rp2040.sh laid out.
set -euo pipefail

kit=$(readlink -f "${1:?usage: image.sh KIT_FOLDER BOARD TARGET_FOLDER}")
board=${2:?usage: image.sh KIT_FOLDER BOARD TARGET_FOLDER}
target=${3:?usage: image.sh KIT_FOLDER BOARD TARGET_FOLDER}
python=$(readlink -f "${PYTHON:?}")
tools=$(cd "$(dirname "$PYTHON")" && pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$target"
out=$(readlink -f "$target")/$board

export PATH=$kit/bin:$tools:$PATH PENSTOCK_OWN=$out/own PENSTOCK_LIBRARY=$root/build/micropython/lib

say() { printf 'firmware: %s\n' "$*"; }

configure() {
    cmake -S "$kit/source/ports/rp2" -B "$out" -G Ninja \
        -DMICROPY_BOARD="$board" -DMICROPY_BOARD_DIR="$root/firmware/image" \
        -DMICROPY_FROZEN_MANIFEST="$root/firmware/image/manifest.py" \
        -DPICO_NO_PICOTOOL=1 -DPICO_GCC_TRIPLE=arm-none-eabi -DPython3_EXECUTABLE="$python"
}

# make-pins and the manifest see the board only through these.
prepare() {
    mkdir -p "$out/own"
    cp "$root/boards/$board.py" "$out/own/board.py"
    printf 'from firmware import main\n\nmain.run()\n' >"$out/own/main.py"
    rm -rf "$out/frozen_mpy" "$out/frozen_content.c" # a module that is gone would stay in
}

build() {
    prepare && configure && cmake --build "$out" &&
        arm-none-eabi-objcopy -O binary "$out/firmware.elf" "$target/$board.bin" &&
        "$python" "$root/tools/uf2.py" "$target/$board.bin" "$target/$board.uf2"
}

[ -d "$kit/source" ] || { say "not made: there is nothing to build an image from"; exit 0; }
[ -f "$root/boards/$board.py" ] || { say "there is no board $board; see boards/README.md"; exit 1; }
build >"$target/$board.log" 2>&1 || { tail -n 20 "$target/$board.log"; say "failed; all of it is in $target/$board.log"; exit 1; }
say "$board: $(stat -c %s "$target/$board.bin") bytes of code in $target/$board.bin and $board.uf2"
