"""The rule's settings, read with their limits. A value that cannot be read says which key, which value and why."""

from __future__ import annotations

import math

from .errors import ConfigError
from .host import config


class Config:
    def get(self, key: str) -> str | None:
        """As it is written."""
        return config.get(key)

    def required(self, key: str) -> str:
        """A setting without which the rule cannot work."""
        text = self._text(key)
        if text is None:
            raise ConfigError(f"config {key} is not set")
        return text

    def integer(self, key: str, default: int, *, least: int = -(2**63), most: int = 2**63 - 1) -> int:
        text = self._text(key)
        if text is None:
            return default
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise self.error(key, f"an integer from {least} to {most}")
        return value

    def number(self, key: str, default: float, *, least: float = -math.inf, most: float = math.inf) -> float:
        text = self._text(key)
        if text is None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and least <= value <= most):
            raise self.error(key, f"a number from {least} to {most}")
        return value

    def boolean(self, key: str, default: bool) -> bool:
        text = self._text(key)
        if text is None:
            return default
        if text not in ("true", "false"):
            raise self.error(key, "true or false")
        return text == "true"

    def one_of(self, key: str, values: tuple[str, ...], default: str) -> str:
        text = self._text(key)
        if text is None:
            return default
        if text not in values:
            raise self.error(key, f"one of {', '.join(values)}")
        return text

    def list(self, key: str) -> list[str]:
        """What stands between commas; empty places are left out."""
        parts = (part.strip() for part in (self.get(key) or "").split(","))
        return [part for part in parts if part]

    def error(self, key: str, wanted: str) -> ConfigError:
        """An error about this setting, in words for whoever wrote it."""
        return ConfigError(f'config {key} = "{self.get(key) or ""}": must be {wanted}')

    def _text(self, key: str) -> str | None:
        text = (self.get(key) or "").strip()
        return text or None
