"""`python -m wasmsc_plugin build [FOLDER] [--out FILE]`: makes a component of a rule in Python."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from ._build import Problem, build


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m wasmsc_plugin")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("build", help="make a component of a rule")
    command.add_argument("folder", nargs="?", default=".", type=Path, help="where its pyproject.toml is; default: here")
    command.add_argument("--out", type=Path, help="default: dist/<name>.wasm in that folder")
    arguments = parser.parse_args()

    started = time.monotonic()
    try:
        out, handlers = build(arguments.folder.resolve(), arguments.out)
    except Problem as problem:
        print(f"wasmsc_plugin: {problem}", file=sys.stderr)
        return 1
    mib = out.stat().st_size / (1 << 20)
    print(f"{out}: {', '.join(handlers)}; {mib:.1f} MiB, {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
