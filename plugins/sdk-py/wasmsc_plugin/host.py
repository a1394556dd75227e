"""The contract's imports, as componentize-py binds them in a component.

Elsewhere (while a rule is built, or in a test of its functions) there is no host: every use of it says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = [
    "Err",
    "config",
    "device",
    "http",
    "invocation",
    "log",
    "outbox",
    "shared_state",
    "state",
    "timers",
    "types",
]

try:
    from componentize_py_types import Err
    from wit_world.imports import config, device, http, invocation, log, outbox, shared_state, state, timers, types
except ModuleNotFoundError:
    if TYPE_CHECKING:
        raise

    class Err(Exception):  # type: ignore[no-redef]
        """Nothing raises it here."""

    class _Absent:
        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, function: str) -> object:
            raise RuntimeError(f"{self._name}.{function} is used where there is no host: outside of a handler")

    config, device, http, invocation, log = map(_Absent, ("config", "device", "http", "invocation", "log"))
    outbox, shared_state, state, timers = map(_Absent, ("outbox", "shared_state", "state", "timers"))
    types = _Absent("types")
