#!/usr/bin/env bash
# Runs pytest with a folder of its own for what tests leave behind, so that two runs can go on at once; then removes it.
# Rule: the exit code is that of pytest; what it prints can be followed in build/test/NAME.log meanwhile.
set -uo pipefail

python=${1:?usage: suite.sh PYTHON NAME TESTS...}
name=${2:?usage: suite.sh PYTHON NAME TESTS...}
shift 2
folder=$(mktemp -d)
chmod 755 "$folder" # PostgreSQL runs as a user of its own where root starts it
trap 'rm -rf "$folder"' EXIT
mkdir -p build/test
"$python" -m pytest --basetemp="$folder/run" -p no:cacheprovider "$@" 2>&1 | tee "build/test/$name.log"
