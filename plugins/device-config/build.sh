#!/bin/sh
# Builds dist/device-config.wasm. docs/plugins/go.md says what is needed.
set -eu
cd "$(dirname "$0")"
mkdir -p dist
go run wasmsc/cmd/component -o dist/device-config.wasm .
