"""From a module with a rule to a component that exports just the handlers that the rule has.

Runs where the rule is built, never in the component.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parent

#: The interface of the contract (wit/plugin.wit), and its function, for each handler.
EXPORTS = {
    "on_mo": ("mo-handler", "MoHandler"),
    "on_receipt": ("receipt-handler", "ReceiptHandler"),
    "on_timer": ("timer-handler", "TimerHandler"),
    "on_http_reply": ("http-handler", "HttpHandler"),
    "on_request": ("request-handler", "RequestHandler"),
    "check_config": ("config-check", "ConfigCheck"),
}

WORLD = "built-rule"

#: Asks a module which handlers its rule has: evaluates it as it will be in the component.
ASK = """\
import importlib, sys
from wasmsc_plugin.entry import rule_in
from wasmsc_plugin.rule import handlers_of
print(*handlers_of(rule_in(importlib.import_module(sys.argv[1]))))
"""

#: The module that the component begins with.
ENTRY = """\
import {module} as rule_module
from wasmsc_plugin.entry import Adapter, rule_in

RULE = rule_in(rule_module)()


class Handler(Adapter):
    def __init__(self):
        super().__init__(RULE)


{classes}
"""


class Problem(Exception):
    """A mistake of whoever builds, told without a traceback."""


@dataclass(frozen=True)
class Project:
    folder: Path
    name: str
    module: str
    #: Where the module lies, and what it imports beside packages.
    source: Path


def build(folder: Path, out: Path | None) -> tuple[Path, list[str]]:
    """Returns the component's file and the handlers in it."""
    project = read_project(folder)
    out = out or folder / "dist" / f"{project.name}.wasm"
    with tempfile.TemporaryDirectory(prefix="wasmsc-build-") as scratch_name:
        scratch = Path(scratch_name)
        handlers = ask_handlers(project)
        classes = "\n\n".join(f"class {EXPORTS[name][1]}(Handler):\n    pass" for name in handlers)
        (scratch / "wasmsc_entry.py").write_text(ENTRY.format(module=project.module, classes=classes))
        write_world(scratch, handlers)
        out.parent.mkdir(parents=True, exist_ok=True)
        paths = [scratch, project.source, PACKAGE.parent]
        options = [option for path in paths for option in ("-p", str(path))]
        componentize(scratch, "componentize", *options, "-o", str(out), "wasmsc_entry")
    return out, handlers


def read_project(folder: Path) -> Project:
    file = folder / "pyproject.toml"
    try:
        described = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Problem(f"{file} is not there; build in the folder of a rule, or name it") from None
    except ValueError as error:
        raise Problem(f"{file}: {error}") from None
    name = described.get("project", {}).get("name", folder.name)
    module = described.get("tool", {}).get("wasmsc", {}).get("module", "rule")
    relative = Path(*module.split("."))
    for source in (folder / "src", folder):
        if (source / relative).is_dir() or (source / relative).with_suffix(".py").is_file():
            return Project(folder, name, module, source)
    raise Problem(f"{folder} has no {relative}.py; `module` of [tool.wasmsc] in pyproject.toml names the rule's module")


def write_world(scratch: Path, handlers: list[str]) -> None:
    """A world with all imports of the contract and these exports. The host looks at each export by itself."""
    contract = (PACKAGE / "wit" / "plugin.wit").read_text(encoding="utf-8")
    exports = "".join(f"  export {EXPORTS[name][0]};\n" for name in handlers)
    wit = scratch / "wit"
    wit.mkdir()
    world = f"\nworld {WORLD} {{\n  include imports;\n{exports}}}\n"
    (wit / "plugin.wit").write_text(contract + world, encoding="utf-8")


def ask_handlers(project: Project) -> list[str]:
    """There is no host while the module is loaded, neither here nor when the component's snapshot is taken."""
    paths = [str(path) for path in (project.source, PACKAGE.parent)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    asked = subprocess.run(
        [sys.executable, "-c", ASK, project.module], env=environment, capture_output=True, text=True, check=False
    )
    if asked.returncode != 0:
        raise Problem(f"the rule's module fails before any handler is called:\n{asked.stderr.rstrip()}")
    handlers = asked.stdout.split()
    if not set(handlers) - {"check_config"}:
        raise Problem(f"module {project.module}: the rule handles nothing; there are {', '.join(EXPORTS)}")
    return handlers


def componentize(scratch: Path, *arguments: str) -> None:
    command = [program(), "-d", str(scratch / "wit"), "-w", WORLD, "-q", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Problem(f"componentize-py failed:\n{(done.stdout + done.stderr).rstrip()}")


def program() -> str:
    """componentize-py of this very interpreter, whether its environment is active or not."""
    name = "componentize-py"
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if found is None or importlib.util.find_spec("componentize_py") is None:
        raise Problem("componentize-py is not installed: python -m pip install componentize-py==0.25.1")
    return found
