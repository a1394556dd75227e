"""The temperature curve of a trailer, and how long it was outside of its range. Pure."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE = 60_000

#: A day at five minutes. What is older goes.
POINTS_MAX = 288

#: Between readings that are further apart, nobody knows what the temperature was.
GAP_MS = 90 * MINUTE


@dataclass(frozen=True)
class Range:
    low: float
    high: float

    def holds(self, celsius: float) -> bool:
        return self.low <= celsius <= self.high

    def beyond(self, celsius: float) -> float:
        """How far outside it is; 0 inside."""
        return max(celsius - self.high, self.low - celsius, 0.0)


#: Time in milliseconds, and tenths of a degree.
Point = list[int]


def with_points(curve: list[Point], now: Point, history: list[Point], apart: int) -> list[Point]:
    """With a reading, and with earlier ones where they fill a gap: most of them came already when they were new."""
    known = [point for point in curve if point[0] != now[0]]
    for at, tenths in history:
        if all(abs(at - there[0]) > apart // 2 for there in known[-2 * len(history) - 2 :]):
            known.append([at, tenths])
    return sorted([*known, now])[-POINTS_MAX:]


def outside_since(curve: list[Point], allowed: Range) -> int | None:
    """When the temperature left the range in which it is not any more; None: it is inside.

    Readings are joined by straight lines, so that is a moment between two of them. A single reading says nothing
    about the time before it.
    """
    if not curve or allowed.holds(curve[-1][1] / 10):
        return None
    since = curve[-1][0]
    for earlier, later in zip(reversed(curve[:-1]), reversed(curve[1:]), strict=True):
        if later[0] - earlier[0] > GAP_MS:
            return since
        if allowed.holds(earlier[1] / 10):
            return crossing(earlier, later, allowed)
        since = earlier[0]
    return since


def crossing(earlier: Point, later: Point, allowed: Range) -> int:
    """When the line from a point inside to one outside leaves the range."""
    before, after = earlier[1] / 10, later[1] / 10
    edge = allowed.high if after > allowed.high else allowed.low
    return earlier[0] + round((later[0] - earlier[0]) * (edge - before) / (after - before))


def worst(curve: list[Point], since: int, allowed: Range) -> float:
    """The temperature that was furthest outside since then."""
    seen = [tenths / 10 for at, tenths in curve if at >= since]
    return max(seen, key=allowed.beyond, default=curve[-1][1] / 10)


def outside_ms(curve: list[Point], begin: int, end: int, allowed: Range) -> int:
    """How long it was outside between two moments, as far as readings tell."""
    total = 0
    for earlier, later in zip(curve, curve[1:], strict=False):
        if later[0] - earlier[0] > GAP_MS or later[0] <= begin or earlier[0] >= end:
            continue
        inside = [allowed.holds(earlier[1] / 10), allowed.holds(later[1] / 10)]
        left, right = earlier[0], later[0]
        if inside == [True, True]:
            continue
        if inside == [True, False]:
            left = crossing(earlier, later, allowed)
        elif inside == [False, True]:
            right = later[0] - (crossing([0, later[1]], [later[0] - earlier[0], earlier[1]], allowed))
        total += max(0, min(right, end) - max(left, begin))
    return total
