#!/usr/bin/env bash
# Unpacks the type stubs of each MicroPython port into a folder of its own: the ports' stubs carry files of the same names.
set -euo pipefail

python=${1:?usage: stubs.sh VENV_PYTHON TARGET_FOLDER}
target=${2:?usage: stubs.sh VENV_PYTHON TARGET_FOLDER}
here=$(dirname "$0")

rm -rf "$target"
for lock in "$here"/stubs-*.lock; do
    port=$(basename "$lock" .lock)
    "$python" -m pip --no-input --disable-pip-version-check -qq install --no-compile \
        --require-hashes --only-binary :all: --requirement "$lock" --target "$target/${port#stubs-}"
done
printf 'stubs: %s in %s\n' "$(ls -m "$target")" "$target"
