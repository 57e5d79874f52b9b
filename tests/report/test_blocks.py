"""How cells read: digits, signs, units."""

import math

import pytest

from backrisk.report.blocks import Range, number, worded
from backrisk.summary import Estimate


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        (0.0, "share", "0 %"),
        (0.123, "share", "12 %"),
        (0.0456, "share", "4.6 %"),
        (0.0004, "share", "<0.1 %"),
        (-0.12, "share", "-12 %"),
        (0.08549, "points", "8.5"),
        (-0.0004, "points", "0.0"),
        (-0.02, "points", "-2.0"),
        (0.125, "number", "0.12"),
        (-0.004, "number", "0.00"),
        (0.12345, "score", "0.123"),
        (12.34, "tenths", "12.3"),
        (1234567, "count", "1,234,567"),
        (0.7, "count", "1"),
    ],
)
def test_a_number_by_its_kind(value, kind, said):
    assert number(value, kind) == said
    assert worded(value, kind) == said


def test_the_unit_of_an_estimate_is_said_once():
    assert worded(Estimate(0.35, 0.301, 0.4), "share") == "35 % (30 to 40)"
    assert worded(Estimate(0.001, 0.0, 0.0105), "share") == "0.1 % (0 to 1.1)"
    assert worded(Estimate(-0.01, -0.02, 0.005), "points") == "-1.0 (-2.0 to 0.5)"
    assert worded(Range(0.04, 0.84), "share") == "4.0 to 84 %"
    assert worded(Range(0.0, 1.0), "number") == "0.00 to 1.00"


def test_what_is_not_there_is_empty_and_text_stays():
    assert worded(None, "share") == worded(math.nan, "share") == ""
    assert worded("35 s", "share") == "35 s"
