"""How calls begin and end, with a host that the test plays."""

import random
import unittest
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from unittest import mock

from wasmsc_plugin import ConfigError, Context, Mo, Reject, Retry, Rule, SendError, StateError, entry
from wasmsc_plugin.errors import case_name
from wasmsc_plugin.host import Err


@dataclass
class HandlerError_Retry:
    value: int | None


@dataclass
class HandlerError_Reject:
    value: str


MO = SimpleNamespace(id="m1", source="+46", destination="7001", body=SimpleNamespace(value="hi"), received_at=0)


class Trap(BaseException):
    """What os.abort is here."""


class Played:
    """Runs a handler as the component would; what is logged is in `lines`."""

    def __init__(self, seed: int = 1) -> None:
        self.lines: list[str] = []
        self.host = {
            "invocation": SimpleNamespace(random_bytes=lambda count: bytes([seed]) * count),
            "wit": SimpleNamespace(HandlerError_Retry=HandlerError_Retry, HandlerError_Reject=HandlerError_Reject),
            "log": SimpleNamespace(log=lambda level, text, _: self.lines.append(text), Level=SimpleNamespace(ERROR=4)),
        }

    def run(self, handler: Callable[[], None]) -> None:
        class Handling(Rule):
            def on_mo(self, mo: Mo, cx: Context) -> None:
                handler()

        with mock.patch.multiple(entry, Err=Failed, **self.host), mock.patch("os.abort", side_effect=Trap):
            entry.Adapter(Handling()).handle_mo(MO)


class Failed(Err):  # type: ignore[misc]
    """The contract's error, as componentize-py has it."""

    def __init__(self, value: object) -> None:
        super().__init__(value)
        self.value = value


class Beginnings(unittest.TestCase):
    def test_random_follows_from_the_event(self) -> None:
        def drawn(seed: int) -> list[float]:
            numbers: list[float] = []
            Played(seed).run(lambda: numbers.extend(random.random() for _ in range(3)))
            return numbers

        self.assertEqual(drawn(1), drawn(1))
        self.assertNotEqual(drawn(1), drawn(2))


class Endings(unittest.TestCase):
    def ending(self, error: Exception) -> object:
        def fail() -> None:
            raise error

        with self.assertRaises(Failed) as caught:
            Played().run(fail)
        return caught.exception.value

    def test_what_is_raised_decides_how_a_call_ends(self) -> None:
        for error, wanted in (
            (Retry(1500), HandlerError_Retry(1500)),
            (Retry(), HandlerError_Retry(None)),
            (Reject("why"), HandlerError_Reject("why")),
            (ConfigError("config x"), HandlerError_Reject("config x")),
            (SendError("too-long", "reply: too-long"), HandlerError_Reject("reply: too-long")),
            (StateError("invalid-key", "state : invalid-key"), HandlerError_Reject("state : invalid-key")),
            (StateError("other", "state x: other"), HandlerError_Retry(None)),
        ):
            self.assertEqual(self.ending(error), wanted)

    def test_a_fault_of_the_rule_traps_and_is_in_the_log(self) -> None:
        def fail() -> None:
            raise KeyError("nothing")

        played = Played()
        with self.assertRaises(Trap):
            played.run(fail)
        self.assertIn("in fail", played.lines[0])
        self.assertTrue(played.lines[0].endswith("KeyError: 'nothing'"), played.lines[0])

    def test_cases_have_the_names_of_the_contract(self) -> None:
        class SendError_NotPermitted: ...

        class StateError_Other: ...

        self.assertEqual(case_name(SendError_NotPermitted()), "not-permitted")
        self.assertEqual(case_name(StateError_Other()), "other")


if __name__ == "__main__":
    unittest.main()
