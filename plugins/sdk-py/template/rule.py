"""Answers each SMS of a device and counts them."""

from wasmsc_plugin import Context, Mo, Rule


class Hello(Rule):
    def on_mo(self, mo: Mo, cx: Context) -> None:
        greeting = cx.config.get("greeting") or "hello"
        visits = cx.state.increment("visits")
        cx.reply(f"{greeting}, this is visit {visits}; you said {mo.text}")

    def check_config(self, cx: Context) -> str | None:
        if cx.config.get("greeting") == "":
            return "greeting is empty; leave it out, or say something"
        return None
