#!/bin/sh
# Makes dist/{{name}}.wasm. What requirements.txt names goes into .venv on the first call.
set -eu
cd "$(dirname "$0")"
if ! cmp -s requirements.txt .venv/installed.txt; then
    python3 -m venv .venv
    .venv/bin/pip install --quiet --requirement requirements.txt
    cp requirements.txt .venv/installed.txt
fi
exec .venv/bin/python -m wasmsc_plugin build
