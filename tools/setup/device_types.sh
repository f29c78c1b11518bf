#!/usr/bin/env bash
# Checks the types of firmware/ once for every board map, against the stubs of that board's port. The map plays `board`.
set -euo pipefail

venv=${1:?usage: device_types.sh VENV_FOLDER}
root=$(cd "$(dirname "$0")/../.." && pwd)

failed=0
for stubs in "$root"/build/stubs/*/; do
    port=$(basename "$stubs")
    for map in "$root/boards/$port"_*.py; do
        [ -e "$map" ] || continue
        project=$root/build/types/$(basename "$map" .py)
        mkdir -p "$project/map"
        cp "$map" "$project/map/board.py"
        cat >"$project/pyrightconfig.json" <<CONFIG
{
    "include": ["$root/firmware"],
    "exclude": ["$root/firmware/manifest.py", "$root/firmware/image"],
    "extraPaths": ["$root", "$project/map", "$stubs"],
    "stubPath": "$stubs",
    "typeshedPath": "$stubs",
    "pythonVersion": "3.11",
    "typeCheckingMode": "standard",
    "reportMissingModuleSource": "none"
}
CONFIG
        echo "firmware on $(basename "$map" .py):"
        "$root/$venv/bin/basedpyright" --project "$project/pyrightconfig.json" --warnings || failed=1
    done
done
exit "$failed"
