"""What the build finds out about a rule, without a host."""

import types
import unittest

from wasmsc_plugin import Context, Mo, Rule
from wasmsc_plugin.entry import rule_in
from wasmsc_plugin.rule import handlers_of


class Counting(Rule):
    def on_mo(self, mo: Mo, cx: Context) -> None:
        cx.reply(mo.text)


class Checked(Counting):
    def check_config(self, cx: Context) -> str | None:
        return None


class Misspelt(Counting):
    def on_timers(self) -> None: ...


class Handlers(unittest.TestCase):
    def test_those_that_a_class_or_its_base_defines(self) -> None:
        self.assertEqual(handlers_of(Counting), ["on_mo"])
        self.assertEqual(handlers_of(Checked), ["on_mo", "check_config"])

    def test_a_handler_that_does_not_exist_is_told(self) -> None:
        with self.assertRaisesRegex(TypeError, "there is no on_timers"):
            handlers_of(Misspelt)

    def test_a_module_has_one_rule(self) -> None:
        module = types.ModuleType(__name__)
        with self.assertRaisesRegex(TypeError, "found: none"):
            rule_in(module)
        module.Counting = Counting
        module.Rule = Rule
        self.assertIs(rule_in(module), Counting)
        module.Checked = Checked
        with self.assertRaisesRegex(TypeError, "found: Counting, Checked"):
            rule_in(module)

    def test_a_host_that_is_not_there_is_told(self) -> None:
        with self.assertRaisesRegex(RuntimeError, "invocation.now is used where there is no host"):
            _ = Context().now


if __name__ == "__main__":
    unittest.main()
