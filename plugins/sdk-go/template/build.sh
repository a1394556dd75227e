#!/bin/sh
# Builds dist/{{name}}.wasm.
set -eu
mkdir -p dist
go run wasmsc/cmd/component -o dist/{{name}}.wasm .
