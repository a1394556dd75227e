#!/bin/sh
# Builds dist/rule.wasm. Needs zig 0.16 and wasm-tools, as plugins/sdk-c/README.md says.
set -eu
cd "$(dirname "$0")"
sdk=${WASMSC_SDK:-../../../plugins/sdk-c}
zig=$(command -v python-zig || command -v zig) || {
    echo "build.sh: no zig: pip install ziglang==0.16.0" >&2
    exit 1
}
mkdir -p dist
"$zig" translate-c -lc -target wasm32-wasi -I"$sdk/include" "$sdk/include/wasmsc.h" > dist/c.zig
"$zig" build-obj -target wasm32-wasi -O ReleaseSmall -lc -femit-bin=dist/rule.o --dep c -Mroot=rule.zig -Mc=dist/c.zig
sh "$sdk/wasmsc-cc" -o dist/rule.wasm exports.c dist/rule.o
