"""Units: sizes against their definitions, and every way in which people write a number."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backrisk.survey.units import (
    UNITS,
    common,
    factor,
    in_systems,
    names_of_units,
    unit_of,
    with_unit,
)


def read(text, column):
    return with_unit(text, unit_of(column))


@pytest.mark.parametrize(
    ("one", "many", "of"),
    [
        ("st", 14, "lb"),
        ("kg", 1000, "g"),
        ("ft", 12, "in"),
        ("yd", 3, "ft"),
        ("mi", 1760, "yd"),
        ("mi", 1609.344, "m"),
        ("km", 1000, "m"),
        ("m", 1000, "mm"),
        ("in", 2.54, "cm"),
        ("lb", 453.59237, "g"),
        ("h", 60, "min"),
        ("min", 60, "s"),
        ("min/km", 1.609344, "min/mi"),
    ],
)
def test_sizes_are_those_of_their_definitions(one, many, of):
    assert factor(unit_of(one), unit_of(of)) == pytest.approx(many, rel=1e-12)


def test_half_a_turn_is_pi_in_radians():
    assert 180 * factor(unit_of("degrees"), unit_of("rad")) == pytest.approx(math.pi, rel=1e-15)


def test_no_two_units_share_a_spelling():
    spellings = [text for unit in UNITS for text in (unit.name, *unit.spellings)]
    assert len(spellings) == len(set(spellings))
    assert all(unit_of(text) is not None for text in spellings)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("KG", "kg"),
        (" lbs. ", "lb"),
        ("minutes per mile", "min/mi"),
        ("min / km", "min/km"),
        ("Minutes  per KM", "min/km"),
        ("°", "degrees"),
        ("points", None),
        ("", None),
        ("kg/m2", None),
    ],
)
def test_a_unit_is_found_however_it_is_written(text, name):
    found = unit_of(text)
    assert (None if found is None else found.name) == name


@pytest.mark.parametrize(
    ("text", "column", "number"),
    [
        ("154 lb", "kg", 154 * 0.45359237),
        ("154lbs", "kg", 154 * 0.45359237),
        ("11 st 4", "lb", 158),
        ("11st 4lb", "lb", 158),
        ("5 ft 7", "in", 67),
        ("5 ft 7 in", "cm", 170.18),
        ("5'7\"", "in", 67),
        ("5’ 7”", "in", 67),
        ("5′7″", "in", 67),
        ("5' 7.5\"", "in", 67.5),
        ("1 m 75", "cm", 175),
        ("1m75", "m", 1.75),
        ("10 km", "mi", 10 / 1.609344),
        ("5:30", "min/km", 5.5),
        ("00:05:30", "min/km", 5.5),
        ("5:30 /km", "min/km", 5.5),
        ("5:30 min/km", "min/mi", 5.5 * 1.609344),
        ("5:30 per km", "min/km", 5.5),
        ("1:30", "s", 90),
        ("1:30", "min", 1.5),
        ("7:30", "h", 7.5),
        ("1:02:03", "min", 62.05),
        ("1 h 20 min", "min", 80),
        ("1 h 20", "min", 80),
        ("-15.5°", "degrees", -15.5),
        ("+5 deg", "degrees", 5),
        ("180 degrees", "rad", math.pi),
    ],
)
def test_a_number_with_its_unit_is_read_in_the_column_s(text, column, number):
    assert read(text, column) == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("70 kg", "cm"),
        ("5 ft 14 in", "cm"),
        ("5.5 ft 7 in", "cm"),
        ("7 in 5 ft", "cm"),
        ("5 ft 7 lb", "cm"),
        ("5 st 7 in", "kg"),
        ("5 lb 7", "kg"),
        ("5:75", "min/km"),
        ("1:75:00", "h"),
        ("1:05:30", "min/km"),
        ("5:30", "kg"),
        ("5:30 kg", "min"),
        ("5:30 furlongs", "min/km"),
        ("about 70 kg", "kg"),
        ("70 kg or so", "kg"),
        ("7 points", "kg"),
        ("kg", "kg"),
        ("", "kg"),
    ],
)
def test_what_is_no_number_of_the_quantity_is_none(text, column):
    assert read(text, column) is None


@given(st.integers(0, 400), st.sampled_from(UNITS), st.sampled_from(UNITS))
def test_converting_there_and_back_changes_nothing(number, unit, other):
    there = with_unit(f"{number} {unit.name}", other)
    if unit.quantity != other.quantity:
        assert there is None
    else:
        assert there == pytest.approx(number * factor(unit, other))
        assert there * factor(other, unit) == pytest.approx(number)


def test_the_units_of_a_quantity_are_named_by_their_short_names():
    assert names_of_units("angle") == ("degrees", "rad")


@pytest.mark.parametrize(
    ("one", "other", "times"),
    [
        ("miles per week", "km/wk", 1.609344),
        ("hours/week", "min/week", 60),
        ("km a week", "km", 1),
        ("km", "mi/week", 1 / 1.609344),
        ("mph", "km/h", 1.609344),
        ("km/run", "m per run", 1000),
    ],
)
def test_an_amount_in_a_period_is_converted_as_the_amount_is(one, other, times):
    first, second = common(one, other)
    assert factor(first, second) == pytest.approx(times, rel=1e-12)


@pytest.mark.parametrize(("one", "other"), [("km/week", "km/month"), ("km/day", "mi/week")])
def test_amounts_in_different_periods_have_no_ratio(one, other):
    assert common(one, other) is None


@pytest.mark.parametrize(("one", "other"), [("km", "h"), ("", "km"), ("points", "km/week")])
def test_different_quantities_are_the_one_per_the_other(one, other):
    assert common(one, other) == (None, None)


def test_a_cell_of_a_column_of_rates_may_say_its_own():
    assert read("20 mi/week", "km per week") == pytest.approx(32.18688)
    assert read("20 mi", "km/week") is None


@pytest.mark.parametrize(
    ("text", "metric", "imperial"),
    [
        ("kg", "kg", "lb"),
        ("pounds", "kg", "lb"),
        ("stone", "kg", "st"),
        ("cm", "cm", "in"),
        ("ft", "cm", "ft"),
        ("miles", "km", "mi"),
        ("min/km", "min/km", "min/mi"),
        ("mph", "km/h", "mi/h"),
        ("km per week", "km/week", "mi/week"),
    ],
)
def test_a_unit_has_a_counterpart_in_the_other_system(text, metric, imperial):
    found = in_systems(text)
    assert {system: unit.name for system, unit in found.items()} == {
        "metric": metric,
        "imperial": imperial,
    }
    assert next(iter(found.values())) == unit_of(text)
    assert len({unit.quantity for unit in found.values()}) == 1


@pytest.mark.parametrize("text", ["", "s", "h", "degrees", "points", "%", "kg/m2", "kg/m", "years"])
def test_other_units_are_the_same_in_both_systems(text):
    assert in_systems(text) == {}
