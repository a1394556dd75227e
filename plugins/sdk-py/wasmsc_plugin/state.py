"""State of the device, and state that all devices of the rule share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, TypeVar, overload

from .content import from_json, to_json
from .errors import StateError, asking
from .host import shared_state, state

T = TypeVar("T")


class _Values:
    """Values by key; a key has 1 to 128 octets. A call reads its own writes."""

    def __init__(self, what: str, area: ModuleType) -> None:
        self._what = what
        self._area: Any = area

    @overload
    def get(self, key: str) -> Any: ...
    @overload
    def get(self, key: str, kind: type[T]) -> T | None: ...
    def get(self, key: str, kind: type[Any] | None = None) -> Any:
        """A value as `set` wrote it, of a dataclass or another type if asked for; None where there is none."""
        octets = self.get_octets(key)
        if octets is None:
            return None
        try:
            value = json.loads(octets)
            return value if kind is None else from_json(kind, value)
        except (ValueError, TypeError) as error:
            raise StateError("unreadable", f"{self._what} {key}: {error}") from None

    def set(self, key: str, value: object) -> None:
        """Keeps a value as JSON: what JSON has, and dataclasses."""
        self.set_text(key, to_json(value))

    def get_text(self, key: str) -> str | None:
        octets = self.get_octets(key)
        return None if octets is None else octets.decode(errors="replace")

    def set_text(self, key: str, text: str) -> None:
        self.set_octets(key, text.encode())

    def get_octets(self, key: str) -> bytes | None:
        octets: bytes | None = self._asking(key, lambda: self._area.get(key))
        return octets

    def set_octets(self, key: str, octets: bytes) -> None:
        self._asking(key, lambda: self._area.set(key, octets))

    def get_integer(self, key: str) -> int:
        """An integer that was counted with `increment` or `add`; 0 where there is none."""
        octets = self.get_octets(key)
        if octets is None:
            return 0
        if len(octets) != 8:
            raise StateError("unreadable", f"{self._what} {key}: no integer")
        return int.from_bytes(octets, "little", signed=True)

    def delete(self, key: str) -> None:
        self._asking(key, lambda: self._area.delete(key))

    def keys(self, prefix: str = "") -> Iterator[str]:
        """All keys with this prefix, in octet order."""
        page = self._page(prefix, None)
        yield from page.keys
        while page.cursor is not None:
            page = self._page(prefix, page.cursor)
            yield from page.keys

    def _page(self, prefix: str, cursor: str | None) -> Any:
        return self._asking(prefix, lambda: self._area.list_keys(prefix, cursor))

    def _asking(self, key: str, ask: Callable[[], T]) -> T:
        return asking(f"{self._what} {key}", StateError, ask)


class DeviceState(_Values):
    """State of this device under this rule."""

    def __init__(self) -> None:
        super().__init__("state", state)

    def increment(self, key: str, delta: int = 1) -> int:
        """Adds to an integer that counts from 0; returns the sum."""
        return self._asking(key, lambda: state.increment(key, delta))


class SharedState(_Values):
    """State that all devices of this rule share.

    What a call read is checked when its effects are stored; on a conflict the host runs the call again, unseen by
    the rule.
    """

    def __init__(self) -> None:
        super().__init__("shared state", shared_state)

    def add(self, key: str, delta: int = 1) -> None:
        """Adds to an integer that counts from 0, without reading it: busy counters do not conflict."""
        self._asking(key, lambda: shared_state.add(key, delta))
