"""What is told of a table though nothing is wrong: and nothing where there is nothing to tell."""

import numpy as np
import pandas as pd
import pytest

from backrisk.graph import CausalGraph
from backrisk.survey import Codebook, describe

GRAPH = CausalGraph.from_edges(
    [("moves", "ache"), ("bmi", "ache")],
    {"moves": ["often", "rarely"], "bmi": ["low", "mid", "high"], "ache": ["no", "yes"]},
)
TICKS = {"any": ["a", "b"], "contains": ["1"]}


def book(columns, derived):
    data = {"name": "c", "graph": "graph", "columns": {**columns, "ache": {"node": "ache"}}}
    return Codebook.from_dict(data | {"derived": derived}, GRAPH)


def moves(*rules, **kinds):
    rules = [{"state": state, "when": [when]} for state, when in rules]
    spec = {"node": "moves", "derive": "first_match", "from": ["a", "b"], "rules": rules}
    column = {"role": "input", **kinds}
    return book({"a": column, "b": column}, {"m": {**spec, "otherwise": "rarely"}})


def told(frame, codebook):
    frame = frame.assign(ache=np.resize(["no", "yes", "no"], len(frame)))
    return describe(frame, GRAPH, codebook).cautions


@pytest.mark.parametrize(
    ("unit", "cells", "tells"),
    [
        ("%", [0.8, 0.25, 1], True),
        ("Per cent", ["0.8", "0.25", None], True),
        ("%", [0.8, 25, 1], False),
        ("%", [0, 1, 1], False),
        ("%", ["0.8%", "0.25%", "25%"], False),
        ("h", [0.8, 0.25, 1], False),
    ],
)
def test_shares_in_a_column_of_per_cent_are_told(unit, cells, tells):
    """A spreadsheet holds 80% as 0.8, and so do its copies in other formats."""
    column = {"node": "bmi", "type": "number", "unit": unit, "cuts": [25, 75]}
    found = told(pd.DataFrame({"hard": cells}, dtype=object), book({"hard": column}, {}))
    about = [each for each in found if "'hard' is in per cent" in each]
    assert len(about) == tells
    assert all("if they are shares, multiply them by 100" in each for each in about)


@pytest.mark.parametrize("kinds", [{}, {"type": "text"}])
@pytest.mark.parametrize(
    ("ticked", "word", "seen"),
    [("Checked", "1", "'Checked' and 'Unchecked'"), ("1", "Checked", "'0' and '1'")],
)
def test_a_rule_that_nobody_meets_is_told_with_the_answers_there_are(kinds, ticked, word, seen):
    blank = "Unchecked" if ticked == "Checked" else "0"
    frame = pd.DataFrame({"a": [ticked, blank, blank], "b": [blank, blank, ticked]})
    found = told(frame, moves(("often", {"any": ["a", "b"], "contains": [word]}), **kinds))
    assert any(
        each.startswith("Rule 1 of 'm' (state 'often' of node 'moves') matches nobody")
        and each.endswith(f"The answers are {seen}.")
        for each in found
    )
    assert any("Nobody is in these states: 'often' of moves ('m')." in each for each in found)
    live = told(frame, moves(("often", {"any": ["a", "b"], "contains": [ticked]}), **kinds))
    assert live == ()


def test_a_rule_whose_people_all_meet_one_before_it_is_told():
    frame = pd.DataFrame({"a": ["gym x", "no"], "b": ["", "x"]})
    first = ("often", {"any": ["a"], "contains": ["gym"]})
    second = ("rarely", {"any": ["a"], "contains": ["x"]})
    (found,) = told(frame, moves(first, second, type="text"))
    assert found.startswith("Rule 2 of 'm' (state 'rarely' of node 'moves') decides nothing")


def test_answers_that_may_be_free_text_are_not_repeated():
    frame = pd.DataFrame({"a": [f"remark {n}" for n in range(9)], "b": ""})
    found = told(frame, moves(("often", TICKS | {"contains": ["gym"]}), type="text"))
    assert not any("remark" in each for each in found)
    assert any("matches nobody" in each for each in found)


NUMBER = {"node": "moves", "type": "number", "cuts": [7], "states": ["rarely", "often"]}


@pytest.mark.parametrize(
    ("numbers", "value"),
    [
        ([5, 6, 8, 9] * 5 + [999] * 3, 999),
        ([5, 6, 8, 9] * 5 + [-9] * 2, -9),
        ([5, 6, 8, 9] * 5 + [88] * 2, 88),
        ([5, 6, 8, 9] * 5 + [999], None),  # once: a slip, or a long run
        ([5, 60, 80, 90] * 5 + [99] * 3, None),  # no further from the others than they are
        ([-5, 6, 8, 9] * 5 + [-9] * 2, None),
    ],
)
def test_a_number_that_stands_apart_and_repeats_is_told(numbers, value):
    found = told(pd.DataFrame({"a": numbers}), book({"a": NUMBER}, {}))
    assert [each for each in found if "stands for no answer" in each] == [
        each for each in found if f"'a' is {value} in " in each
    ]
    assert any(f'missing: ["{value}"]' in each for each in found) == (value is not None)
    missing = NUMBER | {"missing": [str(value)]}
    assert told(pd.DataFrame({"a": numbers}), book({"a": missing}, {})) == ()


MASS = {"index": {"node": "bmi", "derive": "bmi", "from": ["kg", "cm"], "cuts": [25, 30]}}


@pytest.mark.parametrize(("unit", "told_of"), [("kg", True), ("lb", False)])
def test_pounds_that_are_read_as_kilograms_are_told(unit, told_of):
    number = {"role": "input", "type": "number"}
    columns = {"kg": number | {"unit": unit}, "cm": number | {"unit": "cm"}}
    kg = np.linspace(115, 240, 60).round()  # in fact pounds
    found = told(pd.DataFrame({"kg": kg, "cm": 175}), book(columns, MASS))
    assert any("check the units of" in each for each in found) == told_of


def test_a_column_that_nobody_answers_and_a_state_that_nobody_has_are_told():
    columns = {"a": NUMBER, "b": {"node": "bmi"}}
    found = told(pd.DataFrame({"a": [8, 9, 10], "b": [None] * 3}), book(columns, {}))
    assert {
        "Nobody has an answer to 'b'.",
        "Nobody is in these states: 'rarely' of moves ('a').",
    } <= set(found)
