#!/usr/bin/env bash
# Makes .venv and installs exactly what the lock file says, every file checked by its hash.
# Rule: pip alone, as this machine has it set up (mirror, certificates, cache); an environment that does not fit is made anew.
set -euo pipefail

lock=${1:?usage: venv.sh LOCK_FILE VENV_FOLDER}
venv=${2:?usage: venv.sh LOCK_FILE VENV_FOLDER}
python=${PYTHON:-python3}

say() { printf 'venv: %s\n' "$*"; }

require_python() {
    command -v "$python" >/dev/null || { say "no $python on PATH; install Python 3.11 or newer, or set PYTHON"; exit 1; }
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        { say "$("$python" --version) is too old; install Python 3.11 or newer, or set PYTHON to it"; exit 1; }
}

# Debian ships the module that makes environments apart from Python.
require_venv_module() {
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then return; fi
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get -qq update
        DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends python3-venv >/dev/null
    fi
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        { say "$python has no venv module; install it (Debian: apt install python3-venv) and run 'make setup' again"; exit 1; }
}

require_python
require_venv_module
"$python" -m venv --clear "$venv"
"$venv/bin/python" -m pip --no-input --disable-pip-version-check -qq install \
    --require-hashes --only-binary :all: --requirement "$lock"
say "$("$venv/bin/python" --version) in $venv"
