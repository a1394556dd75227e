"""What a rule is: a class with a method for each event that it wants."""

from __future__ import annotations

from .context import Context
from .events import HttpReply, Mo, Receipt, Request, Response, Timer


class Rule:
    """Derive from it and define the handlers that you need; the component exports just those.

    Returning stores every effect of the call at once; raising discards all of them (see Retry and Reject).
    """

    def on_mo(self, mo: Mo, cx: Context) -> None:
        raise NotImplementedError

    def on_receipt(self, receipt: Receipt, cx: Context) -> None:
        raise NotImplementedError

    def on_timer(self, timer: Timer, cx: Context) -> None:
        raise NotImplementedError

    def on_http_reply(self, reply: HttpReply, cx: Context) -> None:
        raise NotImplementedError

    def on_request(self, request: Request, cx: Context) -> Response:
        raise NotImplementedError

    def check_config(self, cx: Context) -> str | None:
        """Called before a rule is deployed or its config changes: returns what is wrong, or raises it.

        Nothing that it does is kept.
        """
        raise NotImplementedError


#: In the order of the contract.
HANDLERS = ("on_mo", "on_receipt", "on_timer", "on_http_reply", "on_request", "check_config")


def handlers_of(rule: type[Rule]) -> list[str]:
    """What this class defines, itself or by a class between it and Rule."""
    unknown = [name for name in dir(rule) if name.startswith("on_") and name not in HANDLERS]
    if unknown:
        raise TypeError(f"{rule.__name__}: there is no {unknown[0]}; there are {', '.join(HANDLERS)}")
    return [name for name in HANDLERS if getattr(rule, name) is not getattr(Rule, name)]
