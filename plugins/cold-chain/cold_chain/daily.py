"""The daily report of a trailer, by HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

from wasmsc_plugin import Context, HttpError, HttpReply

from .curve import MINUTE, Range, outside_ms
from .records import Day, Trailer
from .settings import Settings, name_of

DAY_MS = 24 * 60 * MINUTE

#: Timers of the trailer.
DAILY = "daily"
AGAIN = "report-again"

#: How often a report is sent that nobody takes, and after how long.
ATTEMPTS_MAX = 5
AGAIN_MS = 15 * MINUTE


def plan(cx: Context, settings: Settings, trailer: Trailer) -> None:
    """With the first reading: the first day ends at the next time of reports."""
    if trailer.day is not None:
        return
    trailer.day = Day(begin=cx.now)
    set_daily(cx, settings)


def set_daily(cx: Context, settings: Settings) -> None:
    into_day = cx.now % DAY_MS
    cx.timers.set(DAILY, (settings.report_minute * MINUTE - into_day - 1) % DAY_MS + 1)


def end_day(cx: Context, settings: Settings, trailer: Trailer, allowed: Range) -> None:
    set_daily(cx, settings)
    day, trailer.day = trailer.day, Day(begin=cx.now)
    if day is None or settings.report_url is None or not any(at >= day.begin for at, _ in trailer.curve):
        return
    report = made(cx, day, trailer, allowed)
    cx.state.set("report", {"attempt": 1, "report": report})
    submit(cx, settings, report)


def made(cx: Context, day: Day, trailer: Trailer, allowed: Range) -> dict[str, object]:
    seen = [(at, tenths) for at, tenths in trailer.curve if at >= day.begin]
    values = [tenths / 10 for _, tenths in seen]
    return {
        "trailer": cx.device.msisdn,
        "name": name_of(cx),
        "from": iso(day.begin),
        "to": iso(cx.now),
        "low": allowed.low,
        "high": allowed.high,
        "min": min(values, default=None),
        "max": max(values, default=None),
        "mean": round(sum(values) / len(values), 2) if values else None,
        "minutes_outside": outside_ms(trailer.curve, day.begin, cx.now, allowed) // MINUTE,
        "readings": len(seen),
        "doors": day.doors,
        "excursions": day.excursions,
        "hours": hours(seen, day.begin),
    }


def hours(seen: list[tuple[int, int]], begin: int) -> list[float | None]:
    """Means of the hours from the day's begin on, with nothing where there was no reading."""
    found: dict[int, list[int]] = {}
    for at, tenths in seen:
        found.setdefault((at - begin) // (60 * MINUTE), []).append(tenths)
    return [
        round(sum(found[hour]) / len(found[hour]) / 10, 1) if hour in found else None
        for hour in range(max(found, default=-1) + 1)
    ]


def submit(cx: Context, settings: Settings, report: object) -> None:
    if settings.report_url is None:
        return
    authorization = "report" if cx.secret("report") is not None else None
    try:
        cx.http.submit(settings.report_url, json=report, authorization=authorization, tag="report")
    except HttpError as error:
        cx.log.error(str(error), trailer=name_of(cx))


def replied(cx: Context, reply: HttpReply) -> None:
    kept = cx.state.get("report")
    if kept is None:
        return
    if reply.status is not None and reply.status < 300:
        cx.state.delete("report")
        return
    if kept["attempt"] >= ATTEMPTS_MAX:
        cx.log.error("a daily report is given up", trailer=name_of(cx), status=reply.status)
        cx.state.delete("report")
        return
    cx.timers.set(AGAIN, AGAIN_MS)


def again(cx: Context, settings: Settings) -> None:
    kept = cx.state.get("report")
    if kept is None:
        return
    cx.state.set("report", {"attempt": kept["attempt"] + 1, "report": kept["report"]})
    submit(cx, settings, kept["report"])


def iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
