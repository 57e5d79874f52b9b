"""What is wrong with a header or with cells."""

import pytest

from backrisk.survey.checks import RefusedCell, expectation, header_problems
from tests.survey._small import book

OTHER_SITE = "a name of the site other than 'new' and 'average', which stand for no single site"
BOOK = book(site="club", weight="w", ignore=["id"])
NUMBER = "a number from 0 to 600 (s)"
IGNORE = (
    "; or list it under 'ignore' in the codebook's file ('ignore: rest' there stands for all "
    "others)."
)
WEIGHT = "a weight, a finite number not below 0"


@pytest.mark.parametrize(
    ("names", "problems"),
    [
        (["plank", "club", "w", "id"], []),
        (["plnk", "kg", "plnk"],
         ["t.csv, column 'plnk': unknown, expected a column of codebook 'small' (did you mean "
          f"'plank'?){IGNORE}", "t.csv, column 'plnk': occurs 2 times, expected once."]),
        (["kg", "kg", "kg"], ["t.csv, column 'kg': occurs 3 times, expected once."]),
        (["id", "w"], ["t.csv has no column of codebook 'small'."]),
        (["bmi_value", "kg"],
         [f"t.csv, column 'bmi_value': unknown, expected a column of codebook 'small'{IGNORE}"]),
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


def test_a_refused_cell_is_a_sentence():
    assert RefusedCell(4, "w", "-1", WEIGHT).sentence("t.csv") == (
        f"t.csv, row 4, column 'w': value '-1', expected {WEIGHT}."
    )
    of_one = RefusedCell(4, "w", "-1", WEIGHT, "b.csv")
    assert of_one.sentence("*.csv").startswith("b.csv, row 4, ")
