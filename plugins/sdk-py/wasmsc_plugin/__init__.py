"""Rules for wasmsc in Python."""

from .config import Config
from .content import Payload
from .context import Context
from .errors import ConfigError, HostError, HttpError, Reject, Retry, SendError, StateError, TimerError
from .events import Body, HttpReply, Mo, Receipt, Request, Response, Timer
from .rule import Rule

__all__ = [
    "Body",
    "Config",
    "ConfigError",
    "Context",
    "HostError",
    "HttpError",
    "HttpReply",
    "Mo",
    "Payload",
    "Receipt",
    "Reject",
    "Request",
    "Response",
    "Retry",
    "Rule",
    "SendError",
    "StateError",
    "Timer",
    "TimerError",
]
