"""Everything that one call of a handler may ask and do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from .config import Config
from .content import Content, octets_of, to_json
from .errors import HttpError, SendError, TimerError, asking
from .events import NOTHING, Body
from .host import config, device, http, invocation, log, outbox, timers, types
from .state import DeviceState, SharedState


class Device:
    """The device that this call is about."""

    @property
    def msisdn(self) -> str:
        return device.msisdn()

    def attribute(self, key: str) -> str | None:
        """What its customer registered about it."""
        return device.attribute(key)

    @property
    def tags(self) -> list[str]:
        return device.tags()


class Log:
    """Kept even when the effects of a call are discarded."""

    def trace(self, message: str, **fields: object) -> None:
        self._log(log.Level.TRACE, message, fields)

    def debug(self, message: str, **fields: object) -> None:
        self._log(log.Level.DEBUG, message, fields)

    def info(self, message: str, **fields: object) -> None:
        self._log(log.Level.INFO, message, fields)

    def warn(self, message: str, **fields: object) -> None:
        self._log(log.Level.WARN, message, fields)

    def error(self, message: str, **fields: object) -> None:
        self._log(log.Level.ERROR, message, fields)

    def _log(self, level: log.Level, message: str, fields: Mapping[str, object]) -> None:
        log.log(level, message, [(name, str(value)) for name, value in fields.items()])


class Timers:
    """One-shot timers of this device by name; setting one again replaces it."""

    def set(self, name: str, delay_ms: int, payload: Content | None = None, *, json: object = NOTHING) -> None:
        octets = octets_of(payload if json is NOTHING else to_json(json))
        asking(f"timer {name}", TimerError, lambda: timers.set(name, delay_ms, octets))

    def cancel(self, name: str) -> bool:
        """Whether it was set."""
        return asking(f"timer {name}", TimerError, lambda: timers.cancel(name))


class Http:
    """HTTP calls as effects: made after the call's effects are stored, at least once.

    The answer is an event of its own.
    """

    def submit(
        self,
        url: str,
        *,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: Content | None = None,
        json: object = NOTHING,
        authorization: str | None = None,
        tag: str = "",
    ) -> None:
        """`method`: POST where there is a body, else GET. `authorization` names a secret for that header."""
        fields = list((headers or {}).items())
        if json is not NOTHING:
            body = to_json(json)
            if not any(name.lower() == "content-type" for name, _ in fields):
                fields.append(("content-type", "application/json"))
        octets = None if body is None else octets_of(body)
        method = method or ("GET" if octets is None else "POST")
        request = http.Request(method, url, fields, octets, authorization, tag)
        asking(f"http {tag or url}", HttpError, lambda: http.submit(request))


class Context:
    def __init__(self) -> None:
        self.device = Device()
        self.state = DeviceState()
        self.shared = SharedState()
        self.timers = Timers()
        self.config = Config()
        self.http = Http()
        self.log = Log()

    @property
    def id(self) -> str:
        """Of this event: the same on every attempt."""
        return invocation.id()

    @property
    def attempt(self) -> int:
        """1 on the first attempt."""
        return invocation.attempt()

    @property
    def now(self) -> int:
        """Time of the event, the same on every attempt; milliseconds since 1970."""
        return invocation.now()

    @property
    def time(self) -> datetime:
        """The same as `now`, in UTC."""
        return datetime.fromtimestamp(self.now / 1000, UTC)

    @property
    def remaining_ms(self) -> int:
        """Milliseconds until the host ends this call."""
        return invocation.remaining_ms()

    @property
    def data_coding(self) -> int | None:
        """data_coding of the MO (SMPP 3.4 §5.2.19)."""
        return invocation.data_coding()

    @property
    def segments(self) -> int:
        """How many SMS the MO took; 0 where the event is no MO."""
        return invocation.segments()

    def tlv(self, tag: int) -> bytes | None:
        """An optional parameter of the MO (SMPP 3.4 §5.3)."""
        return invocation.tlv(tag)

    def random_bytes(self, count: int) -> bytes:
        """Unpredictable from outside, the same on every attempt. At most 1,024 at once."""
        return invocation.random_bytes(count)

    def secret(self, name: str) -> str | None:
        """Kept encrypted, never shown and never logged by the host."""
        return config.secret(name)

    def reply(self, body: Body) -> str:
        """Answers the device from the number it wrote to; returns the new message's id."""
        return asking("reply", SendError, lambda: outbox.reply(_body(body)))

    def send(
        self,
        to: str,
        body: Body,
        *,
        sender: str | None = None,
        tag: str | None = None,
        validity_ms: int | None = None,
        delay_ms: int | None = None,
        priority: int | None = None,
        receipt: bool = False,
        tlvs: Mapping[int, bytes] | None = None,
    ) -> str:
        """Sends to a device or other permitted address; returns the new message's id.

        `sender`: a number of the customer, or one of its alphanumeric senders; without it the number that `reply`
        would use. `tag` (at most 64 octets) comes back in the receipt. `priority`: 0 (bulk) to 3 (the default).
        `receipt`: on_receipt is called when the message has come to its end. `tlvs`: optional parameters 0x1400 to
        0x3FFF that go out with the message.
        """
        draft = outbox.Draft(to, _body(body))
        if sender is not None:
            draft.set_sender(sender)
        if tag is not None:
            draft.set_tag(tag)
        if validity_ms is not None:
            draft.set_validity_ms(validity_ms)
        if delay_ms is not None:
            draft.set_delay_ms(delay_ms)
        if priority is not None:
            draft.set_priority(priority)
        if receipt:
            draft.request_receipt()
        for number, value in (tlvs or {}).items():
            draft.set_tlv(number, value)
        return asking(f"send to {to}", SendError, lambda: outbox.Draft.send(draft))


def _body(body: Body) -> types.Body:
    return types.Body_Text(body) if isinstance(body, str) else types.Body_Binary(bytes(body))
