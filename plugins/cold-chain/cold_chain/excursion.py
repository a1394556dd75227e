"""From the first minute outside of the range to the one who takes care of it."""

from __future__ import annotations

from wasmsc_plugin import Context, SendError

from .curve import MINUTE, Range, outside_since, worst
from .records import Excursion, Summary, Trailer, summary
from .settings import Settings, driver_of, name_of

#: Timers of the trailer.
OUTSIDE = "outside"
ESCALATE = "escalate"


def judge(cx: Context, settings: Settings, trailer: Trailer, allowed: Range) -> None:
    """After each reading, and when the time outside is over without one."""
    since = outside_since(trailer.curve, allowed)
    if since is None:
        over(cx, settings, trailer)
        return
    if trailer.excursion is not None:
        trailer.excursion.worst = worst(trailer.curve, trailer.excursion.since, allowed)
        return
    is_door = door_explains(settings, trailer, since)
    limit = settings.door_excursion_ms if is_door else settings.excursion_ms
    if cx.now - since < limit:
        # The trailer may fall silent: then this moment comes all the same.
        cx.timers.set(OUTSIDE, since + limit - cx.now)
        trailer.watched = True
        return
    stop_watching(cx, trailer)
    trailer.excursion = Excursion(since, worst(trailer.curve, since, allowed), is_door)
    if trailer.day is not None:
        trailer.day.excursions += 1
    tell_next(cx, settings, trailer)


def door_explains(settings: Settings, trailer: Trailer, since: int) -> bool:
    """The door is open, or was until shortly before the temperature left its range."""
    return trailer.door == "OPEN" or since - trailer.door_changed < settings.door_grace_ms


def over(cx: Context, settings: Settings, trailer: Trailer) -> None:
    stop_watching(cx, trailer)
    excursion, trailer.excursion = trailer.excursion, None
    if excursion is None:
        return
    cx.timers.cancel(ESCALATE)
    minutes = (cx.now - excursion.since) // MINUTE
    text = f"{name_of(cx)}: back in range after {minutes} min, worst {excursion.worst:.1f} C"
    for contact in contacts(cx, settings)[: excursion.told]:
        tell(cx, contact, text)


def stop_watching(cx: Context, trailer: Trailer) -> None:
    if trailer.watched:
        cx.timers.cancel(OUTSIDE)
        trailer.watched = False


def escalate(cx: Context, settings: Settings, trailer: Trailer) -> None:
    """Nobody has acknowledged in time."""
    known = summary(cx, cx.device.msisdn)
    if trailer.excursion is None or (known is not None and known.acknowledged_by is not None):
        return
    if trailer.excursion.told < len(contacts(cx, settings)):
        tell_next(cx, settings, trailer)
    else:
        cx.log.error("nobody has acknowledged an excursion", trailer=name_of(cx))


def tell_next(cx: Context, settings: Settings, trailer: Trailer) -> None:
    excursion = trailer.excursion
    everybody = contacts(cx, settings)
    if excursion is None:
        return
    if excursion.told >= len(everybody):
        cx.log.error("an excursion, and nobody to tell", trailer=name_of(cx))
        return
    minutes = (cx.now - excursion.since) // MINUTE
    name, celsius = name_of(cx), trailer.curve[-1][1] / 10
    text = f"{name}: {celsius:.1f} C, outside of its range for {minutes} min ({cause(trailer, excursion)})."
    tell(cx, everybody[excursion.told], f"{text} Answer ACK {name}")
    excursion.told += 1
    cx.timers.set(ESCALATE, settings.answer_ms)


def cause(trailer: Trailer, excursion: Excursion) -> str:
    if trailer.door == "OPEN":
        return "door open"
    if trailer.unit != "ON":
        return f"unit {trailer.unit}"
    return "after the door was open" if excursion.door else "door closed, unit on"


def contacts(cx: Context, settings: Settings) -> list[str]:
    """The driver, then the dispatchers, each once."""
    driver = driver_of(cx)
    return list(dict.fromkeys(([driver] if driver else []) + settings.dispatchers))


def tell(cx: Context, to: str, text: str) -> None:
    """That it may not be sent is logged and no reason to fail: others have to be told too."""
    try:
        cx.send(to, text)
    except SendError as error:
        cx.log.warn(str(error), to=to)


def shown(trailer: Trailer, allowed: Range, known: Summary | None, name: str, set_point: float | None) -> Summary:
    """The summary after this event; an acknowledgement lasts as long as the excursion."""
    at, tenths = trailer.curve[-1]
    excursion = trailer.excursion
    is_same = known is not None and excursion is not None and known.excursion == excursion.since
    return Summary(
        name=name,
        at=at,
        celsius=tenths / 10,
        low=allowed.low,
        high=allowed.high,
        door=trailer.door,
        unit=trailer.unit,
        set_point=set_point if set_point is not None else (known.set_point if known else None),
        excursion=None if excursion is None else excursion.since,
        acknowledged_by=known.acknowledged_by if known is not None and is_same else None,
    )
