"""What trailers say, without a host."""

import unittest

from cold_chain.protocol import Answer, Malformed, Report, parse


class Protocol(unittest.TestCase):
    def test_a_report_has_what_it_says_and_defaults(self) -> None:
        self.assertEqual(parse("CC1 T=-18.44"), Report(celsius=-18.4))
        full = parse("cc1 t=-18.4 S=-18 d=open U=FAULT B=12.4 I=5 H=-18.5,-18.6")
        self.assertEqual(full, Report(-18.4, -18.0, "OPEN", "FAULT", 12.4, [-18.5, -18.6], 5))

    def test_the_first_of_two_counts_and_the_unknown_is_left_out(self) -> None:
        self.assertEqual(parse("CC1 T=1 T=2 X=7"), Report(celsius=1.0))

    def test_answers_have_a_reason(self) -> None:
        self.assertEqual(parse("CC1 OK SET"), Answer("SET", True))
        self.assertEqual(parse("CC1 ERR set too cold"), Answer("SET", False, "too cold"))

    def test_what_cannot_be_read_is_told(self) -> None:
        for text, why in {
            "CC1": "no T",
            "CC1 T": "T has no =",
            "CC1 T=warm": "T must be a number",
            "CC1 T=nan": "T must be a number",
            "CC1 T=900": "T must be a number",
            "CC1 T=1 D=AJAR": "D must be one of OPEN, CLOSED",
            "CC1 T=1 I=0": "I must be minutes",
            "CC1 T=1 H=" + ",".join(["1"] * 25): "more than 24",
            "CC1 T=1 " + "x" * 500: "too long",
        }.items():
            with self.assertRaisesRegex(Malformed, why, msg=text):
                parse(text)


if __name__ == "__main__":
    unittest.main()
