"""What is kept: of a trailer in its state, and what trailers and phones have in common in the shared state."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from wasmsc_plugin import Context

from .curve import Point, Range

#: How many trailers a phone hears of that names none.
TRAILERS_MAX = 20


@dataclass
class Excursion:
    """The temperature was outside for too long."""

    since: int
    worst: float
    door: bool
    #: How many contacts were told.
    told: int = 0


@dataclass
class Day:
    """What the daily report counts beside the curve."""

    begin: int
    doors: int = 0
    excursions: int = 0


@dataclass
class Trailer:
    """State of the device, key `trailer`."""

    version: int = 1
    curve: list[Point] = field(default_factory=list)
    door: str = "CLOSED"
    door_changed: int = 0
    unit: str = "ON"
    battery_warned: bool = False
    #: A timer waits for the end of what is allowed outside.
    watched: bool = False
    excursion: Excursion | None = None
    day: Day | None = None


@dataclass
class Summary:
    """Shared, key `trailer.<number>`: what phones are told about a trailer, and what they say about it."""

    name: str
    at: int
    celsius: float
    low: float
    high: float
    door: str
    unit: str
    set_point: float | None = None
    #: Since when it is outside for too long.
    excursion: int | None = None
    acknowledged_by: str | None = None


@dataclass
class Place:
    """Shared, key `crew.<phone>.<name of the trailer>`: what the phone is to that trailer."""

    trailer: str
    role: str


def summary(cx: Context, trailer: str) -> Summary | None:
    return cx.shared.get(f"trailer.{trailer}", Summary)


def join_crew(cx: Context, name: str, phone: str, role: str) -> None:
    """A key of its own for each trailer, written only where it is news: what all write, all wait for."""
    place = Place(cx.device.msisdn, role)
    key = f"crew.{phone}.{folded(name)}"
    if cx.shared.get(key, Place) != place:
        cx.shared.set(key, place)


def trailers_of(cx: Context, phone: str, name: str) -> list[tuple[str, Summary]]:
    """The trailer of that name, by its number; or the first ones of the phone where no name is given."""
    prefix = f"crew.{phone}."
    keys = [prefix + folded(name)] if name else islice(cx.shared.keys(prefix), TRAILERS_MAX)
    places = [place for key in keys if (place := cx.shared.get(key, Place)) is not None]
    return [(place.trailer, known) for place in places if (known := summary(cx, place.trailer)) is not None]


def is_in_crew(cx: Context, phone: str) -> bool:
    return next(cx.shared.keys(f"crew.{phone}."), None) is not None


def folded(name: str) -> str:
    """As a part of a key, which has 128 octets at most."""
    return name.casefold().encode()[:90].decode(errors="ignore")


def range_of(cx: Context, trailer: str) -> Range | None:
    """What a dispatcher set by SMS."""
    limits = cx.shared.get(f"limits.{trailer}")
    return None if limits is None else Range(float(limits["low"]), float(limits["high"]))
