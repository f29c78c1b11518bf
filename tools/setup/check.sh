#!/usr/bin/env bash
# Runs every check to its end, then says which failed. It changes nothing and skips nothing.
set -uo pipefail

venv=${1:?usage: check.sh VENV_FOLDER}
cd "$(dirname "$0")/../.." || exit 1
failed=()

check() {
    local name=$1
    shift
    echo "-- $name"
    "$@" || failed+=("$name")
}

check "format (repaired by 'make format')" "$venv/bin/ruff" format --check --output-format concise .
check "lint" "$venv/bin/ruff" check --quiet --output-format concise .
check "types of shared, cloud and tools" "$venv/bin/mypy" shared cloud tools
check "types of firmware" bash tools/setup/device_types.sh "$venv"
check "rules of the house" "$venv/bin/python" -m pytest --quiet --durations=0 tests/tidy

if [ ${#failed[@]} -gt 0 ]; then
    printf 'check: FAILED: %s\n' "${failed[@]}"
    exit 1
fi
echo "check: everything passed, nothing was skipped"
