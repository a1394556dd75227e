"""The conformance rule in Python: each command uses one part of the contract.

plugins/conformance/cases says what every language must do.
"""

from __future__ import annotations

from collections.abc import Callable

from wasmsc_plugin import (
    Context,
    HttpError,
    HttpReply,
    Mo,
    Receipt,
    Reject,
    Request,
    Response,
    Retry,
    Rule,
    SendError,
    Timer,
)

#: Gets what is behind the command and returns the answer, if any.
Command = Callable[[Context, str], str | None]


def parts(text: str, count: int) -> list[str]:
    """So many parts, each but the last is one word, and the last goes on to the end of the text."""
    found = text.split(" ", count - 1)
    return found + [""] * (count - len(found))


def count(cx: Context, _: str) -> str:
    return str(cx.state.increment("n"))


def set_value(cx: Context, rest: str) -> str:
    key, value = parts(rest, 2)
    cx.state.set_text(key, value)
    return "ok"


def get_value(cx: Context, rest: str) -> str:
    value = cx.state.get_text(rest)
    return "none" if value is None else value


def delete(cx: Context, rest: str) -> str:
    cx.state.delete(rest)
    return "ok"


def keys(cx: Context, rest: str) -> str:
    return ",".join(cx.state.keys(rest)) or "none"


def shared_add(cx: Context, rest: str) -> str:
    key, n = parts(rest, 2)
    cx.shared.add(key, int(n))
    return "ok"


def shared_set(cx: Context, rest: str) -> str:
    key, value = parts(rest, 2)
    cx.shared.set_text(key, value)
    return "ok"


def shared_get(cx: Context, rest: str) -> str:
    octets = cx.shared.get_octets(rest)
    if octets is None:
        return "none"
    return str(cx.shared.get_integer(rest)) if len(octets) == 8 else octets.decode()


def shared_delete(cx: Context, rest: str) -> str:
    cx.shared.delete(rest)
    return "ok"


def shared_keys(cx: Context, rest: str) -> str:
    return ",".join(cx.shared.keys(rest)) or "none"


def timer(cx: Context, rest: str) -> str:
    name, ms, payload = parts(rest, 3)
    cx.timers.set(name, int(ms), payload)
    return "ok"


def cancel(cx: Context, rest: str) -> str:
    return "true" if cx.timers.cancel(rest) else "false"


def draft(cx: Context, _: str) -> None:
    cx.send(
        cx.device.msisdn,
        "draft",
        sender="7001",
        tag="t1",
        validity_ms=60_000,
        delay_ms=1000,
        priority=2,
        receipt=True,
        tlvs={0x1400: b"\x01\x02\x03"},
    )


def send(cx: Context, rest: str) -> str | None:
    to, text = parts(rest, 2)
    try:
        cx.send(to, text)
    except SendError as error:
        return error.code
    return None


def log(cx: Context, rest: str) -> str:
    cx.log.warn(rest, kind="test")
    return "ok"


def http(cx: Context, rest: str) -> str:
    try:
        cx.http.submit(rest, method="POST", headers={"x-test": "1"}, body="hello", authorization="token", tag="h1")
    except HttpError as error:
        return error.code
    return "ok"


def config(cx: Context, rest: str) -> str:
    value = cx.config.get(rest)
    return "none" if value is None else value


def secret(cx: Context, rest: str) -> str:
    value = cx.secret(rest)
    return "none" if value is None else str(len(value))


def facts(cx: Context, _: str) -> str:
    coding = "none" if cx.data_coding is None else cx.data_coding
    return f"{cx.id} {cx.attempt} {coding} {cx.segments}"


def tlv(cx: Context, rest: str) -> str:
    value = cx.tlv(int(rest, 16))
    return "none" if value is None else value.hex()


def device(cx: Context, rest: str) -> str:
    attribute = cx.device.attribute(rest)
    return f"{cx.device.msisdn} {'none' if attribute is None else attribute} {','.join(cx.device.tags)}"


def retry(cx: Context, _: str) -> str:
    if cx.attempt == 1:
        raise Retry(1500)
    return f"attempt {cx.attempt}"


def reject(_: Context, rest: str) -> None:
    raise Reject(rest)


def partial(cx: Context, _: str) -> None:
    cx.state.set_text("p", "1")
    cx.reply("lost")
    raise Reject("partial")


def trap(_: Context, __: str) -> None:
    raise RuntimeError("deliberate")


def spin(_: Context, __: str) -> None:
    while True:
        pass


COMMANDS: dict[str, Command] = {
    "ECHO": lambda _, rest: rest,
    "UTF8": lambda _, __: "åäö€ Привет 😀",
    "COUNT": count,
    "SET": set_value,
    "GET": get_value,
    "DEL": delete,
    "KEYS": keys,
    "SADD": shared_add,
    "SSET": shared_set,
    "SGET": shared_get,
    "SDEL": shared_delete,
    "SKEYS": shared_keys,
    "TIMER": timer,
    "CANCEL": cancel,
    "DRAFT": draft,
    "SEND": send,
    "CONFIG": config,
    "SECRET": secret,
    "LOG": log,
    "HTTP": http,
    "RETRY": retry,
    "REJECT": reject,
    "RANDOM": lambda cx, _: cx.random_bytes(16).hex(),
    "FACTS": facts,
    "TLV": tlv,
    "DEVICE": device,
    "PARTIAL": partial,
    "TRAP": trap,
    "SPIN": spin,
}


class Conformance(Rule):
    def on_mo(self, mo: Mo, cx: Context) -> None:
        if isinstance(mo.body, bytes):
            cx.reply(mo.body)
            return
        name, rest = parts(mo.body, 2)
        command = COMMANDS.get(name)
        answer = "?" if command is None else command(cx, rest)
        if answer is not None:
            cx.reply(answer)

    def on_receipt(self, receipt: Receipt, cx: Context) -> None:
        cx.reply(f"receipt {receipt.tag or 'none'} {receipt.state}")

    def on_timer(self, timer: Timer, cx: Context) -> None:
        cx.reply(f"timer {timer.name} {timer.payload.text}")

    def on_http_reply(self, reply: HttpReply, cx: Context) -> None:
        cx.reply(f"http {reply.tag} {'none' if reply.status is None else reply.status}")

    def on_request(self, request: Request, cx: Context) -> Response:
        if request.name == "ping":
            return Response({"pong": True})
        if request.name == "fail":
            raise Reject("no")
        return Response({}, status=404)

    def check_config(self, cx: Context) -> str | None:
        return None if cx.config.get("bad") is None else "bad is set"
