"""The fleet's settings, and what is registered about a trailer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wasmsc_plugin import ConfigError, Context

from .curve import MINUTE, Range

NUMBER = re.compile(r"\+?\d{3,20}")
CONTACTS_MAX = 5


@dataclass(frozen=True)
class Settings:
    allowed: Range
    excursion_ms: int
    door_excursion_ms: int
    door_grace_ms: int
    answer_ms: int
    silent_ms: int
    battery_low: float
    dispatchers: list[str]
    report_url: str | None
    report_minute: int


def settings(cx: Context) -> Settings:
    """All of the config, checked."""

    def minutes(key: str, default: int, least: int = 1) -> int:
        return cx.config.integer(key, default, least=least, most=10_080) * MINUTE

    low = cx.config.number("low_celsius", -25.0, least=-80, most=80)
    high = cx.config.number("high_celsius", -15.0, least=-80, most=80)
    if low >= high:
        raise ConfigError(f"config low_celsius = {low} is not below high_celsius = {high}")
    dispatchers = cx.config.list("dispatchers")
    if len(dispatchers) > CONTACTS_MAX or not all(NUMBER.fullmatch(number) for number in dispatchers):
        raise cx.config.error("dispatchers", f"at most {CONTACTS_MAX} phone numbers")
    url = (cx.config.get("report_url") or "").strip() or None
    if url is not None and not url.startswith("https://"):
        raise cx.config.error("report_url", "a URL that begins with https://")
    return Settings(
        allowed=Range(low, high),
        excursion_ms=minutes("excursion_minutes", 30),
        door_excursion_ms=minutes("door_excursion_minutes", 45),
        door_grace_ms=minutes("door_grace_minutes", 15, 0),
        answer_ms=minutes("answer_minutes", 10),
        silent_ms=minutes("silent_minutes", 120, 0),
        battery_low=cx.config.number("battery_low_volts", 11.8, least=0, most=100),
        dispatchers=dispatchers,
        report_url=url,
        report_minute=cx.config.integer("report_minute_utc", 60, least=0, most=1439),
    )


def name_of(cx: Context) -> str:
    """Of the trailer that reports: as it is registered, else its number."""
    return cx.device.attribute("name") or cx.device.msisdn


def driver_of(cx: Context) -> str | None:
    driver = cx.device.attribute("driver")
    return driver if driver is not None and NUMBER.fullmatch(driver) else None


def registered_range(cx: Context, fleet: Range) -> Range:
    """Attributes `low` and `high` of the trailer stand before the fleet's range, if they make sense."""
    try:
        low = float(cx.device.attribute("low") or fleet.low)
        high = float(cx.device.attribute("high") or fleet.high)
    except ValueError:
        cx.log.warn("the attributes low and high of the trailer are no numbers", trailer=name_of(cx))
        return fleet
    return Range(low, high) if low < high else fleet
