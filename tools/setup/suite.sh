#!/usr/bin/env bash
# Runs pytest with a folder of its own for what tests leave behind, so that two runs can go on at once; then removes it.
# Rule: the exit code is that of pytest.
set -uo pipefail

python=${1:?usage: suite.sh PYTHON TESTS...}
shift
folder=$(mktemp -d)
chmod 755 "$folder" # PostgreSQL runs as a user of its own where root starts it
trap 'rm -rf "$folder"' EXIT
"$python" -m pytest --basetemp="$folder/run" -p no:cacheprovider "$@"
