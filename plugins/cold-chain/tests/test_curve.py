"""The curve, without a host."""

import unittest

from cold_chain.curve import MINUTE, Range, outside_ms, outside_since, with_points, worst

FROZEN = Range(-25.0, -15.0)


def curve(*celsius: float, apart: int = 10) -> list[list[int]]:
    return [[n * apart * MINUTE, round(value * 10)] for n, value in enumerate(celsius)]


class Outside(unittest.TestCase):
    def test_begins_where_the_line_crosses_the_edge(self) -> None:
        self.assertEqual(outside_since(curve(-20, -10), FROZEN), 5 * MINUTE)
        self.assertEqual(outside_since(curve(-20, -10, -8), FROZEN), 5 * MINUTE)
        self.assertEqual(outside_since(curve(-20, -30), FROZEN), 5 * MINUTE)

    def test_ends_with_a_reading_inside(self) -> None:
        self.assertIsNone(outside_since(curve(-20, -10, -16), FROZEN))
        self.assertIsNone(outside_since([], FROZEN))

    def test_says_nothing_about_the_time_before_the_first_reading_or_a_gap(self) -> None:
        self.assertEqual(outside_since(curve(-10), FROZEN), 0)
        self.assertEqual(outside_since(curve(-20, -10, apart=100), FROZEN), 100 * MINUTE)

    def test_worst_is_furthest_from_the_range_on_either_side(self) -> None:
        self.assertEqual(worst(curve(-20, -10, -40, -12), 0, FROZEN), -40.0)
        self.assertEqual(worst(curve(-40, -10, -12), 10 * MINUTE, FROZEN), -10.0)

    def test_time_outside_is_cut_to_the_day_and_leaves_gaps_out(self) -> None:
        peak = curve(-20, -10, -20)
        self.assertEqual(outside_ms(peak, 0, 20 * MINUTE, FROZEN), 10 * MINUTE)
        self.assertEqual(outside_ms(peak, 10 * MINUTE, 20 * MINUTE, FROZEN), 5 * MINUTE)
        self.assertEqual(outside_ms(curve(-10, -10, apart=100), 0, 200 * MINUTE, FROZEN), 0)


class Points(unittest.TestCase):
    def test_history_fills_gaps_and_repeats_nothing(self) -> None:
        known = [[0, -200], [10 * MINUTE, -190]]
        now = [30 * MINUTE + 5000, -170]
        history = [[20 * MINUTE + 5000, -180], [10 * MINUTE + 5000, -191], [5000, -201]]
        got = with_points(known, now, history, 10 * MINUTE)
        self.assertEqual(got, [[0, -200], [10 * MINUTE, -190], [20 * MINUTE + 5000, -180], now])

    def test_a_day_is_kept(self) -> None:
        points: list[list[int]] = []
        for n in range(400):
            points = with_points(points, [n * 5 * MINUTE, -200], [], 5 * MINUTE)
        self.assertEqual((len(points), points[0][0]), (288, 112 * 5 * MINUTE))


if __name__ == "__main__":
    unittest.main()
