"""What a handler is called for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .content import Content, Payload

#: Text, or the octets of a binary message.
Body = str | bytes


@dataclass(frozen=True)
class Mo:
    """An MO of the device."""

    #: The same on every attempt.
    id: str
    source: str
    destination: str
    body: Body
    #: Milliseconds since 1970.
    received_at: int

    @property
    def text(self) -> str:
        """The body where it is text; "" where it is binary."""
        return self.body if isinstance(self.body, str) else ""


@dataclass(frozen=True)
class Receipt:
    """What became of a message that was sent with `receipt=True`."""

    #: As `send` returned it.
    message_id: str
    tag: str | None
    recipient: str
    #: scheduled, enroute, delivered, expired, deleted, undeliverable, accepted, unknown, rejected or skipped.
    state: str
    error_code: str | None
    done_at: int


@dataclass(frozen=True)
class Timer:
    """A timer that is due."""

    name: str
    due_at: int
    payload: Payload


@dataclass(frozen=True)
class HttpReply:
    tag: str
    #: None: no answer came before the host gave up.
    status: int | None
    body: Payload


@dataclass(frozen=True)
class Request:
    """A question of the customer's application about one device, over the REST API."""

    #: The same on every attempt.
    id: str
    #: The last part of the path.
    name: str
    body: Payload


NOTHING: Any = object()


@dataclass(frozen=True)
class Response:
    """The answer to a request: a value of JSON, or a body as it is, or nothing."""

    json: Any = NOTHING
    #: 200 to 299, or 400 to 499.
    status: int = field(default=200, kw_only=True)
    body: Content | None = field(default=None, kw_only=True)
