"""Between the contract's exports and a rule's handlers. Only what the build generates imports this module."""

from __future__ import annotations

import os
import random
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import TypeVar

from .content import Payload, octets_of, to_json
from .context import Context
from .errors import ConfigError, HostError, Reject, Retry, StateError
from .events import NOTHING, HttpReply, Mo, Receipt, Request, Response, Timer
from .host import Err, invocation, log
from .host import types as wit
from .rule import Rule

T = TypeVar("T")


def rule_in(module: ModuleType) -> type[Rule]:
    """The one class of the module that is a rule."""
    found = [
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Rule) and thing.__module__ == module.__name__
    ]
    if len(found) != 1:
        names = ", ".join(rule.__name__ for rule in found) or "none"
        raise TypeError(f"module {module.__name__}: one class has to derive from wasmsc_plugin.Rule; found: {names}")
    return found[0]


class Adapter:
    """The contract's functions for a rule."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule

    def handle_mo(self, mo: wit.Message) -> None:
        event = Mo(mo.id, mo.source, mo.destination, mo.body.value, mo.received_at)
        _call(lambda cx: self._rule.on_mo(event, cx))

    def handle_receipt(self, given: wit.Receipt) -> None:
        state = given.state.name.lower()
        event = Receipt(given.message_id, given.tag, given.recipient, state, given.error_code, given.done_at)
        _call(lambda cx: self._rule.on_receipt(event, cx))

    def handle_timer(self, timer: wit.Timer) -> None:
        event = Timer(timer.name, timer.due_at, Payload(timer.payload))
        _call(lambda cx: self._rule.on_timer(event, cx))

    def handle_http_reply(self, reply: wit.HttpReply) -> None:
        event = HttpReply(reply.tag, reply.status, Payload(reply.body))
        _call(lambda cx: self._rule.on_http_reply(event, cx))

    def handle_request(self, request: wit.Request) -> wit.Response:
        event = Request(request.id, request.name, Payload(request.body))
        return _call(lambda cx: _response(self._rule.on_request(event, cx)))

    def check(self) -> None:
        def ask(cx: Context) -> None:
            wrong = self._rule.check_config(cx)
            if wrong is not None:
                raise Reject(wrong)

        try:
            _call(ask)
        except Err as ended:
            # The contract's error of a check is a text.
            rejected = isinstance(ended.value, wit.HandlerError_Reject)
            raise Err(ended.value.value if rejected else "the store does not answer") from None


def _response(response: Response) -> wit.Response:
    if not isinstance(response, Response):
        raise TypeError(f"on_request returned {type(response).__name__}, and not a Response")
    content = response.body if response.json is NOTHING else to_json(response.json)
    return wit.Response(response.status, octets_of(content))


def _call(handler: Callable[[Context], T]) -> T:
    """Runs a handler; what it raises becomes the contract's error, or a trap where it is the rule's own fault."""
    # The generator's state is in the component's snapshot: without this it is the same in every call.
    random.seed(int.from_bytes(invocation.random_bytes(16)))
    try:
        return handler(Context())
    except Retry as retry:
        raise Err(wit.HandlerError_Retry(retry.after_ms)) from None
    except (Reject, ConfigError) as reject:
        raise Err(wit.HandlerError_Reject(str(reject))) from None
    except HostError as refused:
        # The store may come back; everything else would fail again.
        if isinstance(refused, StateError) and refused.code == "other":
            raise Err(wit.HandlerError_Retry(None)) from None
        raise Err(wit.HandlerError_Reject(str(refused))) from None
    except BaseException:
        log.log(log.Level.ERROR, traceback.format_exc().rstrip(), [])
        # A trap, without saying the same on stderr again.
        os.abort()
