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

#: Gets the words behind the command and returns the answer, if any.
Command = Callable[[Context, list[str]], str | None]


def count(cx: Context, _: list[str]) -> str:
    return str(cx.state.increment("n"))


def set_value(cx: Context, words: list[str]) -> str:
    cx.state.set_text(words[0], words[1])
    return "ok"


def get_value(cx: Context, words: list[str]) -> str:
    value = cx.state.get_text(words[0])
    return "none" if value is None else value


def delete(cx: Context, words: list[str]) -> str:
    cx.state.delete(words[0])
    return "ok"


def keys(cx: Context, words: list[str]) -> str:
    return ",".join(cx.state.keys(words[0] if words else "")) or "none"


def shared_add(cx: Context, words: list[str]) -> str:
    cx.shared.add(words[0], int(words[1]))
    return "ok"


def shared_set(cx: Context, words: list[str]) -> str:
    cx.shared.set_text(words[0], words[1])
    return "ok"


def shared_get(cx: Context, words: list[str]) -> str:
    octets = cx.shared.get_octets(words[0])
    if octets is None:
        return "none"
    return str(cx.shared.get_integer(words[0])) if len(octets) == 8 else octets.decode()


def shared_delete(cx: Context, words: list[str]) -> str:
    cx.shared.delete(words[0])
    return "ok"


def shared_keys(cx: Context, words: list[str]) -> str:
    return ",".join(cx.shared.keys(words[0] if words else "")) or "none"


def timer(cx: Context, words: list[str]) -> str:
    cx.timers.set(words[0], int(words[1]), " ".join(words[2:]))
    return "ok"


def cancel(cx: Context, words: list[str]) -> str:
    return "true" if cx.timers.cancel(words[0]) else "false"


def draft(cx: Context, _: list[str]) -> None:
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


def send(cx: Context, words: list[str]) -> str | None:
    try:
        cx.send(words[0], " ".join(words[1:]))
    except SendError as error:
        return error.code
    return None


def log(cx: Context, words: list[str]) -> str:
    cx.log.warn(" ".join(words), kind="test")
    return "ok"


def http(cx: Context, words: list[str]) -> str:
    try:
        cx.http.submit(words[0], method="POST", headers={"x-test": "1"}, body="hello", authorization="token", tag="h1")
    except HttpError as error:
        return error.code
    return "ok"


def config(cx: Context, words: list[str]) -> str:
    value = cx.config.get(words[0])
    return "none" if value is None else value


def secret(cx: Context, words: list[str]) -> str:
    value = cx.secret(words[0])
    return "none" if value is None else str(len(value))


def facts(cx: Context, _: list[str]) -> str:
    coding = "none" if cx.data_coding is None else cx.data_coding
    return f"{cx.id} {cx.attempt} {coding} {cx.segments}"


def tlv(cx: Context, words: list[str]) -> str:
    value = cx.tlv(int(words[0], 16))
    return "none" if value is None else value.hex()


def device(cx: Context, words: list[str]) -> str:
    attribute = cx.device.attribute(words[0])
    return f"{cx.device.msisdn} {'none' if attribute is None else attribute} {','.join(cx.device.tags)}"


def retry(cx: Context, _: list[str]) -> str:
    if cx.attempt == 1:
        raise Retry(1500)
    return f"attempt {cx.attempt}"


def reject(_: Context, words: list[str]) -> None:
    raise Reject(" ".join(words))


def partial(cx: Context, _: list[str]) -> None:
    cx.state.set_text("p", "1")
    cx.reply("lost")
    raise Reject("partial")


def trap(_: Context, __: list[str]) -> None:
    raise RuntimeError("deliberate")


def spin(_: Context, __: list[str]) -> None:
    while True:
        pass


COMMANDS: dict[str, Command] = {
    "ECHO": lambda _, words: " ".join(words),
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
        name, *words = mo.body.split(" ")
        command = COMMANDS.get(name)
        answer = "?" if command is None else command(cx, words)
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
