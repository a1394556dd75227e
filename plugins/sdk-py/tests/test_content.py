"""Values of JSON as dataclasses, and back."""

import json
import unittest
from dataclasses import dataclass, field

from wasmsc_plugin.content import from_json, to_json


@dataclass
class Reading:
    celsius: float
    door: str = "closed"


@dataclass
class Trailer:
    name: str
    last: Reading | None = None
    curve: list[Reading] = field(default_factory=list)
    limits: dict[str, float] = field(default_factory=dict)
    alarms: int = 0


class Content(unittest.TestCase):
    def test_nested_dataclasses_come_back_as_they_were(self) -> None:
        trailer = Trailer("T1", Reading(-18.5), [Reading(2.0, "open")], {"low": -20.0}, 3)
        self.assertEqual(from_json(Trailer, json.loads(to_json(trailer))), trailer)

    def test_what_an_earlier_version_wrote_gets_defaults_and_what_a_later_one_wrote_is_left_out(self) -> None:
        self.assertEqual(from_json(Trailer, {"name": "T1", "invented": 7}), Trailer("T1"))

    def test_a_whole_number_is_a_float_where_one_is_wanted(self) -> None:
        value = from_json(Reading, {"celsius": 4}).celsius
        self.assertIs(type(value), float)

    def test_another_shape_is_told(self) -> None:
        for given in ({"name": 7}, {"name": "T1", "last": 3}, {"name": "T1", "curve": [{"celsius": "x"}]}, [], {}):
            with self.assertRaises(TypeError, msg=str(given)):
                from_json(Trailer, given)

    def test_what_json_has_not_is_refused(self) -> None:
        for value in (object(), {1, 2}):
            with self.assertRaises(TypeError):
                to_json(value)
        with self.assertRaises(ValueError):
            to_json(float("nan"))


if __name__ == "__main__":
    unittest.main()
