#!/usr/bin/env bash
# Writes the lock files from pyproject.toml: versions and hashes, no addresses, for every platform and Python from 3.11 on.
# Rule: what is locked stays unless pyproject.toml asks for more; `make lock UPGRADE=--upgrade` takes the newest of everything.
set -euo pipefail

uv=${1:?usage: lock.sh UV [--upgrade]}
shift

compile() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links "$@"
}

compile "$@" pyproject.toml --output-file requirements.lock
compile "$@" pyproject.toml --group dev --output-file requirements-dev.lock
for port in esp32 rp2; do
    compile "$@" --group "pyproject.toml:stubs-$port" --output-file "tools/setup/stubs-$port.lock"
done
