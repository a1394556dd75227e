"""Drivers and dispatchers write."""

from __future__ import annotations

import math

from wasmsc_plugin import Context

from .curve import MINUTE
from .records import Summary, is_in_crew, trailers_of
from .settings import Settings

HELP = "STATUS, ACK, REPORT [trailer]; dispatchers: SET trailer -18, RANGE trailer -20 -15"

#: How many trailers one message is about that names none.
SHOWN_MAX = 5

#: A trailer's number, and what is known of it.
Found = tuple[str, Summary]


def phone_writes(cx: Context, settings: Settings, text: str) -> bool:
    """False: the number is no driver's and no dispatcher's."""
    phone = cx.device.msisdn
    is_dispatcher = phone in settings.dispatchers
    if not is_dispatcher and not is_in_crew(cx, phone):
        return False
    verb, *words = text.split() or [""]
    name = " ".join(words)
    match verb.upper():
        case "STATUS":
            status(cx, trailers_of(cx, phone, name))
        case "ACK":
            acknowledge(cx, trailers_of(cx, phone, name))
        case "REPORT":
            for number, _ in trailers_of(cx, phone, name)[:SHOWN_MAX]:
                cx.send(number, "CC1 REPORT")
        case "SET" | "RANGE" if is_dispatcher:
            order(cx, verb.upper(), words)
        case _:
            cx.reply(HELP)
    return True


def status(cx: Context, trailers: list[Found]) -> None:
    if not trailers:
        cx.reply("no trailer of that name has reported")
    for _, trailer in trailers[:SHOWN_MAX]:
        minutes = (cx.now - trailer.at) // MINUTE
        alert = "" if trailer.excursion is None else f", outside for {(cx.now - trailer.excursion) // MINUTE} min"
        cx.reply(
            f"{trailer.name}: {trailer.celsius:.1f} C ({trailer.low:g} to {trailer.high:g}), door {trailer.door}, "
            f"unit {trailer.unit}, {minutes} min ago{alert}"
        )


def acknowledge(cx: Context, trailers: list[Found]) -> None:
    """The trailer's timer finds the acknowledgement when it is due."""
    open_ones = [(number, trailer) for number, trailer in trailers if trailer.excursion is not None]
    if not open_ones:
        cx.reply("there is nothing to acknowledge")
    for number, trailer in open_ones:
        if trailer.acknowledged_by is None:
            trailer.acknowledged_by = cx.device.msisdn
            cx.shared.set(f"trailer.{number}", trailer)
        cx.reply(f"{trailer.name}: acknowledged by {trailer.acknowledged_by}")


def order(cx: Context, verb: str, words: list[str]) -> None:
    wanted = 1 if verb == "SET" else 2
    values = [degrees(word) for word in words[-wanted:]]
    name = " ".join(words[:-wanted])
    targets = trailers_of(cx, cx.device.msisdn, name) if name else []
    if len(targets) != 1 or any(math.isnan(value) for value in values) or values != sorted(set(values)):
        cx.reply(HELP)
        return
    number, trailer = targets[0]
    if verb == "RANGE":
        cx.shared.set(f"limits.{number}", {"low": values[0], "high": values[1]})
    cx.shared.set(f"order.{number}", {"order": verb, "by": cx.device.msisdn})
    text = " ".join(f"{value:.1f}" for value in values)
    cx.send(number, f"CC1 {verb} {text}", receipt=True, tag=f"{verb} {cx.device.msisdn}")
    cx.reply(f"{trailer.name}: {verb} {text} sent")


def degrees(text: str) -> float:
    """NaN where it is no temperature that a trailer can have."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return math.nan
    return round(value, 1) if -80 <= value <= 80 else math.nan
