"""What trailers say (README.md, "Trailer to service"). Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

OCTETS_MAX = 480
HISTORY_MAX = 24
UNITS = ("ON", "OFF", "FAULT")
DOORS = ("OPEN", "CLOSED")


class Malformed(ValueError):
    """A text that cannot be read; says what is wrong with it."""


@dataclass(frozen=True)
class Report:
    """`CC1 T=-18.4 S=-18 D=CLOSED U=ON B=12.4 I=10 H=-18.5,-18.6`"""

    celsius: float
    set_point: float | None = None
    door: str = "CLOSED"
    unit: str = "ON"
    battery: float | None = None
    #: Earlier temperatures, the latest first, so many minutes apart.
    history: list[float] = field(default_factory=list)
    interval: int = 10


@dataclass(frozen=True)
class Answer:
    """`CC1 OK SET`, `CC1 ERR SET out of range`"""

    order: str
    ok: bool
    reason: str = ""


def parse(text: str) -> Report | Answer:
    if len(text) > OCTETS_MAX:
        raise Malformed("too long")
    head, *words = text.split()
    if head.upper() != "CC1":
        raise Malformed("no CC1 in front")
    if words and words[0].upper() in ("OK", "ERR"):
        order = words[1].upper() if len(words) > 1 else ""
        return Answer(order, words[0].upper() == "OK", " ".join(words[2:]))
    return report(dict(reversed([split(word) for word in words])))


def split(word: str) -> tuple[str, str]:
    name, sign, value = word.partition("=")
    if not sign:
        raise Malformed(f"{word} has no =")
    return name.upper(), value


def report(fields: dict[str, str]) -> Report:
    """Of two fields with one name the first counts; unknown ones are left out."""
    if "T" not in fields:
        raise Malformed("no T")
    history = [celsius("H", part) for part in fields.get("H", "").split(",") if part]
    if len(history) > HISTORY_MAX:
        raise Malformed(f"H has more than {HISTORY_MAX} values")
    interval = fields.get("I", "10")
    if not (interval.isascii() and interval.isdigit() and 1 <= int(interval) <= 1440):
        raise Malformed("I must be minutes, 1 to 1440")
    return Report(
        celsius=celsius("T", fields["T"]),
        set_point=celsius("S", fields["S"]) if "S" in fields else None,
        door=one_of("D", fields, DOORS, "CLOSED"),
        unit=one_of("U", fields, UNITS, "ON"),
        battery=number("B", fields["B"], 0, 100) if "B" in fields else None,
        history=history,
        interval=int(interval),
    )


def celsius(name: str, text: str) -> float:
    return round(number(name, text, -80, 80), 1)


def number(name: str, text: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise Malformed(f"{name} must be a number from {least} to {most}")
    return value


def one_of(name: str, fields: dict[str, str], values: tuple[str, ...], otherwise: str) -> str:
    value = fields.get(name, otherwise).upper()
    if value not in values:
        raise Malformed(f"{name} must be one of {', '.join(values)}")
    return value
