"""What is wrong with a header or with cells."""

import pandas as pd
import pytest

from backrisk.errors import SurveyError
from backrisk.survey.checks import (
    RefusedCell,
    demand_columns,
    expectation,
    frame_problems,
    header_problems,
)
from tests.survey._small import book

OTHER_SITE = "a name of the site other than 'new' and 'average', which stand for no single site"
BOOK = book(site="club", weight="w", ignore=["id"])
NUMBER = "a number from 0 to 600 (s)"
WEIGHT = "a weight, a finite number not below 0"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ([], "t.csv has no header in its first line."),
        (["a;b"], "t.csv separates its columns by semicolons, expected commas."),
        (["a\tb"], "t.csv separates its columns by tabs, expected commas."),
    ],
)
def test_a_first_line_that_is_no_header_is_refused(header, words):
    with pytest.raises(SurveyError) as caught:
        demand_columns(header, "t.csv")
    assert str(caught.value) == words


@pytest.mark.parametrize("header", [["a"], ["a;b", "c"], ["a\tb", "c"], [""]])
def test_any_other_first_line_is_a_header(header):
    demand_columns(header, "t.csv")


@pytest.mark.parametrize(
    ("names", "problems"),
    [
        (["plank", "club", "w", "id"], []),
        (["plnk", "kg", "plnk"],
         ["t.csv, column 'plnk': unknown, expected a column of codebook 'small' (did you mean "
          "'plank'?).", "t.csv, column 'plnk': occurs 2 times, expected once."]),
        (["kg", "kg", "kg"], ["t.csv, column 'kg': occurs 3 times, expected once."]),
        (["id", "w"], ["t.csv has no column of codebook 'small'."]),
        (["bmi_value", "kg"],
         ["t.csv, column 'bmi_value': unknown, expected a column of codebook 'small'."]),
    ],
)  # fmt: skip
def test_a_header_names_known_columns_once(names, problems):
    assert header_problems(names, BOOK, "t.csv") == problems


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("plank", "600", None), ("plank", "601", NUMBER), ("plank", "", None),
        ("warm_up", "no", None), ("warm_up", "yes", "one of 'drills', 'no'"),
        ("club", "north", None), ("club", " ", "the name of a site"),
        ("club", None, "the name of a site"), ("club", "NA", "the name of a site"),
        ("club", "new", OTHER_SITE), ("club", " Average ", OTHER_SITE), ("club", "newer", None),
        ("w", "0", None), ("w", 1.5, None), ("w", " 2e0 ", None), ("w", "-0.001", WEIGHT),
        ("w", "inf", WEIGHT), ("w", "nan", WEIGHT), ("w", "", WEIGHT), ("w", None, WEIGHT),
        ("w", "x", WEIGHT), ("id", "anything", None),
    ],
)  # fmt: skip
def test_a_cell_is_accepted_or_it_is_said_what_was_expected(name, raw, expected):
    assert expectation(name, raw, BOOK) == expected


def test_refused_cells_are_told_by_row_and_then_in_the_order_of_the_columns():
    frame = pd.DataFrame(
        {"w": ["1", "-1", "1", "-1"], "plank": ["9", "700", None, "x"], "id": ["?"] * 4},
        index=[2, 9, 4, 3],
    )
    assert frame_problems(frame, BOOK) == [
        RefusedCell(3, "w", "-1", WEIGHT),
        RefusedCell(3, "plank", "x", NUMBER),
        RefusedCell(9, "w", "-1", WEIGHT),
        RefusedCell(9, "plank", "700", NUMBER),
    ]
    assert frame_problems(frame[[]], BOOK) == []


def test_missing_cells_are_checked_too_and_typed_ones_are_told_as_pandas_shows_them():
    club = pd.Series(["a", None], dtype=object)
    frame = pd.DataFrame({"club": club, "plank": [601.5, float("nan")]})
    found = frame_problems(frame, BOOK)
    assert [(cell.row, cell.column, cell.value) for cell in found] == [
        (0, "plank", "601.5"),
        (1, "club", "None"),
    ]


def test_a_refused_cell_is_a_sentence():
    assert RefusedCell(4, "w", "-1", WEIGHT).sentence("t.csv") == (
        f"t.csv, row 4, column 'w': value '-1', expected {WEIGHT}."
    )
