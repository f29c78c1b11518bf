#!/usr/bin/env bash
# Makes a 32-bit MicroPython with the modules of a manifest frozen into it, from the kit that micropython32.sh left.
# Rule: takes seconds, and freezes anew whatever was frozen before; where there is no kit it says so and makes nothing.
set -euo pipefail

kit=${1:?usage: freeze.sh KIT_FOLDER LIBRARY_FOLDER MANIFEST PROGRAM}
library=${2:?usage: freeze.sh KIT_FOLDER LIBRARY_FOLDER MANIFEST PROGRAM}
manifest=$(readlink -f "${3:?usage: freeze.sh KIT_FOLDER LIBRARY_FOLDER MANIFEST PROGRAM}")
program=${4:?usage: freeze.sh KIT_FOLDER LIBRARY_FOLDER MANIFEST PROGRAM}

say() { printf 'freeze: %s\n' "$*"; }

# require("umqtt.simple") finds a package by a folder of its name.
lend_umqtt() {
    local package=$kit/source/lib/micropython-lib/micropython/umqtt.simple
    mkdir -p "$package"
    cp -r "$library/umqtt" "$package"
    echo 'package("umqtt")' >"$package/manifest.py"
}

freeze() {
    local built=$kit/source/ports/unix/build-standard
    rm -rf "$built/frozen_mpy" "$built/frozen_content.c" # a module that is gone would stay in
    lend_umqtt
    "$kit/make_port" "$manifest" "$(basename "$program")" &&
        cp "$built/$(basename "$program")" "$program.new" &&
        mv "$program.new" "$program"
}

[ -x "$kit/make_port" ] || { say "not made: there is no 32-bit MicroPython to freeze into"; exit 0; }
exec 9>"$kit/.lock"
flock 9 # two at once would share one folder
freeze >"$program.log" 2>&1 || { grep -v '^MPY ' "$program.log" | tail -n 20; say "failed; all of it is in $program.log"; exit 1; }
say "$(grep -c '^MPY ' "$program.log") modules in $program"
