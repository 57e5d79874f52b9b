"""A unit beside the number one, wherever an answer is repeated in words."""

import re

import pytest

import backrisk as br
from backrisk.report import render_person
from backrisk.words import spoken, unit_of

MODEL = br.example_posterior()
COUNTED = sorted(spoken().tree("phrases")["unit_of_one"])


@pytest.mark.parametrize("unit", COUNTED)
@pytest.mark.parametrize("rest", ["", " a week"])
def test_a_counted_unit_is_one_beside_one_and_several_beside_others(unit, rest):
    for number in (1, "1", 1.0, "1.0", True + 0):
        assert unit_of(number, unit + rest) == spoken().raw(f"phrases.unit_of_one.{unit}") + rest
    for number in (0, 2, "1.5", 11, "0.1", ""):
        assert unit_of(number, unit + rest) == unit + rest


def test_every_unit_of_the_packaged_codebook_is_said_of_one_as_of_one():
    """Units that end in s are plurals, but for the symbol of the second and what has no plural."""
    known = {"s", "kg/m2"}
    units = {column.unit for column in MODEL.codebook.columns.values() if column.unit}
    plurals = {unit for unit in units - known if unit.split()[0].endswith("s")}
    assert plurals
    for unit in plurals:
        assert unit_of(1, unit) != unit


def test_no_report_says_one_of_several():
    book = MODEL.codebook
    numbers = {
        name: 1
        for name, column in book.columns.items()
        if column.type == "number" and column.range and column.range[0] <= 1 <= column.range[1]
    }
    understood = {}
    for name, value in numbers.items():
        try:
            br.red_flags(MODEL, understood | {name: value})
        except br.QueryError:  # contradicts another
            continue
        understood[name] = value
    answers = br.report.person_answers(MODEL.subset(5), understood)
    page = render_person(answers, ".html").decode()
    assert "1 session a week" in page
    plural = "|".join(COUNTED)
    assert not re.search(rf"\b1 (?:{plural})\b", page)
