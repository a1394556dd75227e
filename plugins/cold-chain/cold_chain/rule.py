"""The rule: a text that begins with CC1 is a trailer's, all others are people's."""

from __future__ import annotations

from wasmsc_plugin import Context, HttpReply, Mo, Receipt, Request, Response, Rule, Timer

from . import daily, excursion
from .curve import MINUTE, Range, with_points
from .phones import phone_writes
from .protocol import Answer, Malformed, Report, parse
from .records import Trailer, join_crew, range_of, summary
from .settings import Settings, driver_of, name_of, registered_range, settings

#: Timer of the trailer: it has not reported for too long.
SILENT = "silent"

#: A battery that was low is warned about again after it was this much above.
BATTERY_RECOVERED = 0.3


class ColdChain(Rule):
    def on_mo(self, mo: Mo, cx: Context) -> None:
        fleet = settings(cx)
        if not mo.text[:3].upper() == "CC1":
            if not phone_writes(cx, fleet, mo.text):
                # An answer would tell a stranger that somebody listens.
                cx.log.warn("a message of a number that is no driver and no dispatcher", who=cx.device.msisdn)
            return
        try:
            said = parse(mo.text)
        except Malformed as malformed:
            cx.reply(f"CC1 ERR {malformed}")
            return
        if isinstance(said, Answer):
            answered(cx, said)
        else:
            reported(cx, fleet, said)

    def on_timer(self, timer: Timer, cx: Context) -> None:
        fleet = settings(cx)
        trailer = cx.state.get("trailer", Trailer) or Trailer()
        allowed = range_of(cx, cx.device.msisdn) or registered_range(cx, fleet.allowed)
        match timer.name:
            case excursion.OUTSIDE:
                trailer.watched = False
                excursion.judge(cx, fleet, trailer, allowed)
            case excursion.ESCALATE:
                excursion.escalate(cx, fleet, trailer)
            case daily.DAILY:
                daily.end_day(cx, fleet, trailer, allowed)
            case daily.AGAIN:
                daily.again(cx, fleet)
            case _:
                silent(cx, fleet, trailer)
        keep(cx, trailer, allowed, None)

    def on_receipt(self, receipt: Receipt, cx: Context) -> None:
        """Only orders ask for receipts; their tag says which order it was, and of whom."""
        order, _, by = (receipt.tag or "").partition(" ")
        if receipt.state != "delivered" and by:
            excursion.tell(cx, by, f"{order} did not reach {receipt.recipient}")

    def on_http_reply(self, reply: HttpReply, cx: Context) -> None:
        daily.replied(cx, reply)

    def on_request(self, request: Request, cx: Context) -> Response:
        """`curve` of a trailer: time and temperature of each reading of the last day."""
        trailer = cx.state.get("trailer", Trailer)
        if request.name != "curve" or trailer is None:
            return Response({}, status=404)
        points = [{"at": daily.iso(at), "celsius": value / 10} for at, value in trailer.curve]
        return Response({"trailer": cx.device.msisdn, "points": points})

    def check_config(self, cx: Context) -> str | None:
        settings(cx)
        return None


def reported(cx: Context, fleet: Settings, report: Report) -> None:
    trailer = cx.state.get("trailer", Trailer) or Trailer()
    daily.plan(cx, fleet, trailer)
    apart = report.interval * MINUTE
    history = [[cx.now - n * apart, tenths(celsius)] for n, celsius in enumerate(report.history, 1)]
    trailer.curve = with_points(trailer.curve, [cx.now, tenths(report.celsius)], history, apart)
    if report.door != trailer.door:
        trailer.door, trailer.door_changed = report.door, cx.now
        if trailer.day is not None and report.door == "OPEN":
            trailer.day.doors += 1
    trailer.unit = report.unit
    battery(cx, fleet, trailer, report.battery)
    driver = driver_of(cx)
    for phone in excursion.contacts(cx, fleet):
        join_crew(cx, name_of(cx), phone, "driver" if phone == driver else "dispatcher")
    allowed = range_of(cx, cx.device.msisdn) or registered_range(cx, fleet.allowed)
    excursion.judge(cx, fleet, trailer, allowed)
    if fleet.silent_ms > 0:
        cx.timers.set(SILENT, fleet.silent_ms)
    keep(cx, trailer, allowed, report.set_point)


def tenths(celsius: float) -> int:
    return round(celsius * 10)


def keep(cx: Context, trailer: Trailer, allowed: Range, set_point: float | None) -> None:
    if not trailer.curve:
        return
    cx.state.set("trailer", trailer)
    known = summary(cx, cx.device.msisdn)
    new = excursion.shown(trailer, allowed, known, name_of(cx), set_point)
    if new != known:
        cx.shared.set(f"trailer.{cx.device.msisdn}", new)


def battery(cx: Context, fleet: Settings, trailer: Trailer, volts: float | None) -> None:
    if volts is None:
        return
    if volts >= fleet.battery_low + BATTERY_RECOVERED:
        trailer.battery_warned = False
    elif volts < fleet.battery_low and not trailer.battery_warned:
        trailer.battery_warned = True
        for contact in excursion.contacts(cx, fleet)[:1]:
            excursion.tell(cx, contact, f"{name_of(cx)}: battery low, {volts:.1f} V")


def silent(cx: Context, fleet: Settings, trailer: Trailer) -> None:
    if not trailer.curve:
        return
    minutes = (cx.now - trailer.curve[-1][0]) // MINUTE
    for dispatcher in fleet.dispatchers[:1]:
        excursion.tell(cx, dispatcher, f"{name_of(cx)}: no report for {minutes} min")


def answered(cx: Context, answer: Answer) -> None:
    """The trailer says how an order went; whoever gave it hears of it."""
    key = f"order.{cx.device.msisdn}"
    given = cx.shared.get(key)
    if given is None or given["order"] != answer.order:
        return
    cx.shared.delete(key)
    outcome = "done" if answer.ok else f"failed: {answer.reason or '?'}"
    excursion.tell(cx, given["by"], f"{name_of(cx)}: {answer.order} {outcome}")
