#!/bin/sh
# Makes dist/cold-chain.wasm with the SDK beside this folder. The tools go into .venv on the first call.
set -eu
cd "$(dirname "$0")"
[ -x .venv/bin/componentize-py ] || { python3 -m venv .venv && .venv/bin/pip install --quiet --requirement ../sdk-py/requirements.txt; }
PYTHONPATH=../sdk-py PYTHONDONTWRITEBYTECODE=1 exec .venv/bin/python -m wasmsc_plugin build
