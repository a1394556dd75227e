"""How a handler ends without effects, and what the host's functions raise."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .host import Err

T = TypeVar("T")


class Retry(Exception):
    """Ends the call without any effect but the log; the same event runs again.

    Without `after_ms` the host's back-off says when.
    """

    def __init__(self, after_ms: int | None = None) -> None:
        super().__init__("retry" if after_ms is None else f"retry after {after_ms} ms")
        self.after_ms = after_ms


class Reject(Exception):
    """Ends the call without any effect but the log, for good; the owner of the rule is told the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ConfigError(Exception):
    """A setting that cannot be read. Where nobody catches it, the event is rejected with this message."""


class HostError(Exception):
    """What a function of the host refused. Where nobody catches it, it decides how the call ends."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        #: The case's name in wit/plugin.wit, such as "not-permitted".
        self.code = code


class SendError(HostError):
    """`code`: not-permitted, invalid-address, too-long, quota-exceeded or other."""


class StateError(HostError):
    """`code`: invalid-key, value-too-large, quota-exceeded, other, or unreadable for a value of another type."""


class TimerError(HostError):
    """`code`: quota-exceeded, too-far or other."""


class HttpError(HostError):
    """`code`: not-permitted, too-large, quota-exceeded or other."""


def asking(what: str, kind: Callable[[str, str], HostError], ask: Callable[[], T]) -> T:
    """Runs a function of the host; what it refuses becomes an error of the given class."""
    try:
        return ask()
    except Err as refused:
        code = case_name(refused.value)
        detail = getattr(refused.value, "value", "")
        raise kind(code, f"{what}: {code}" + (f": {detail}" if detail else "")) from None


def case_name(case: object) -> str:
    """The bindings call the case `not-permitted` of `send-error` SendError_NotPermitted."""
    camel = type(case).__name__.rpartition("_")[2]
    return "".join("-" + char.lower() if char.isupper() else char for char in camel).lstrip("-")
