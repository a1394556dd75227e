"""Octets on the wire, and what rules write and read instead: text, JSON and dataclasses."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from typing import Any, TypeVar, cast

T = TypeVar("T")

#: What goes out where the contract takes octets.
Content = str | bytes


class Payload:
    """Octets that came in."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets

    @property
    def text(self) -> str:
        """As UTF-8; what is none becomes U+FFFD."""
        return self.octets.decode(errors="replace")

    def json(self) -> Any:
        """Parsed; a ValueError where it is no JSON."""
        return json.loads(self.octets)

    def __repr__(self) -> str:
        return f"Payload({self.octets!r})"


def octets_of(content: Content | None) -> bytes:
    """As octets; no content is none."""
    if content is None:
        return b""
    return content.encode() if isinstance(content, str) else bytes(content)


def to_json(value: object) -> str:
    """Dataclasses become objects; what has no JSON is a TypeError."""
    return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def from_json(kind: type[T], value: object) -> T:
    """A value of JSON as the dataclass that it was made of.

    A field that is missing has its default, and one that the class does not know is left out: a later version of a
    rule reads what an earlier one wrote.
    """
    return cast(T, _shape(kind, value))


def _shape(kind: Any, value: Any) -> Any:
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise TypeError(f"{type(value).__name__} is no {kind.__name__}")
        hints = _hints(kind)
        return kind(**{name: _shape(hints[name], given) for name, given in value.items() if name in hints})
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType) and type(None) in parts:
        inner = [part for part in parts if part is not type(None)]
        return None if value is None else _shape(inner[0], value) if len(inner) == 1 else value
    if origin is list and isinstance(value, list):
        return [_shape(parts[0], item) for item in value]
    if origin is dict and isinstance(value, dict):
        return {name: _shape(parts[1], item) for name, item in value.items()}
    if kind is float and type(value) is int:
        return float(value)
    if kind in (str, int, float, bool) and type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


_known: dict[type, dict[str, Any]] = {}


def _hints(kind: type) -> dict[str, Any]:
    """Of a dataclass's fields that its constructor takes."""
    if kind not in _known:
        hints = typing.get_type_hints(kind)
        fields = dataclasses.fields(cast(Any, kind))
        _known[kind] = {field.name: hints[field.name] for field in fields if field.init}
    return _known[kind]
