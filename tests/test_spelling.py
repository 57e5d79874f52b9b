"""One spelling for every cell, whatever wrote it."""

import datetime
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backrisk._spelling import no_answer, number_of, same_number, spell

NOON = datetime.datetime(2024, 3, 1, 12)
RUN = datetime.timedelta(hours=30, minutes=5, seconds=7.5)


NOTHING = [
    *[None, math.nan, np.float32("nan"), Decimal("NaN")],
    *[pd.NA, pd.NaT, np.datetime64("NaT", "s"), pa.scalar(None, pa.string())],
    np.timedelta64("NaT", "ns"),
    *["", "  ", "\t\n", "\xa0", "\ufeff", "\u200b \u200b"],
]


@pytest.mark.parametrize("cell", NOTHING, ids=repr)
def test_nothing_is_none_whoever_wrote_it(cell):
    assert spell(cell) is None


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ([1, 1.0, "1", " 1 ", "1.0", "1.000", np.int8(1), np.float32(1), Decimal("1.00")], "1"),
        ([-3, -3.0, "-3.0", np.int64(-3), pa.scalar(-3)], "-3"),
        ([0, -0.0, "-0.0", "0.0", ".0"], "0"),
        ([0.5, ".5", "0.50", "+0.5", np.float32(0.5), Decimal("0.50")], "0.5"),
        ([0.1, np.float32(0.1), "0.1", "0.10"], "0.1"),
        ([-1.25, "-1.250", Decimal("-1.250")], "-1.25"),
        ([True, np.True_, "True", "TRUE", "true", pa.scalar(True)], "true"),
        ([False, np.False_, "False", "FALSE", "false"], "false"),
        (["\u00e4", "a\u0308", b"\xc3\xa4", "\ufeff\u00e4\xa0", "\u200b \u200b\u00e4"], "\u00e4"),
        (["two\nlines", "two\r\nlines", "two\rlines"], "two\nlines"),
        ([datetime.date(2024, 3, 1), pd.Timestamp("2024-03-01"), "2024-03-01"], "2024-03-01"),
        ([NOON, pd.Timestamp(NOON), np.datetime64(NOON), pa.scalar(NOON)], "2024-03-01 12:00:00"),
        ([datetime.time(9, 30), datetime.timedelta(hours=9.5)], "09:30:00"),
        ([RUN, pd.Timedelta(RUN), np.timedelta64(RUN), pa.scalar(RUN)], "30:05:07.5"),
        ([np.timedelta64(30, "s"), pa.scalar(30 * 10**9, pa.duration("ns"))], "00:00:30"),
        ([-datetime.timedelta(seconds=5)], "-00:00:05"),
    ],
)  # fmt: skip
def test_one_answer_has_one_spelling(cells, text):
    assert [spell(cell) for cell in cells] == [text] * len(cells)


@pytest.mark.parametrize(
    "text", ["007", "010", "1.2.3", "1.", "1e3", "+", "-", ".", "NA", "no 1.0"]
)
def test_what_may_be_a_name_stays_as_it_is(text):
    assert spell(text) == text


@given(st.one_of(st.text(), st.floats(allow_nan=False), st.integers(), st.booleans()))
def test_a_spelling_is_spelled_as_itself(cell):
    once = spell(cell)
    assert spell(once) == once


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_its_value(number):
    assert number_of(spell(number)) == number
    assert spell(str(number)) == spell(number) or abs(number) >= 1e16


@given(st.integers())
def test_an_integer_keeps_its_digits(number):
    assert spell(number) == str(number)


def test_midnight_in_a_time_zone_keeps_its_time():
    there = datetime.timezone(datetime.timedelta(hours=2))
    assert spell(datetime.datetime(2024, 3, 1, tzinfo=there)) == "2024-03-01 00:00:00+02:00"


@pytest.mark.parametrize("text", [None, "", "x", "1_000", "inf", "-inf", "nan", "1,5"])
def test_what_is_no_finite_number_has_none(text):
    assert number_of(text) is None
    assert not same_number(text, text)


@pytest.mark.parametrize(
    ("missing", "text", "nothing"),
    [
        (("-99",), "-99", True),
        (("-99.0",), "-99", True),
        (("-99",), "-99.00", True),
        (("-99",), "99", False),
        (("refused",), "refused", True),
        (("refused",), "Refused", False),
        ((" refused ",), "refused", True),
        (("",), "0", False),
        ((), None, True),
        ((), "NA", False),
    ],
)
def test_words_for_no_answer_compare_by_letters_and_by_value(missing, text, nothing):
    assert no_answer(text, missing) is nothing


@pytest.mark.parametrize("space", ["\xa0", "\u2007", "\u202f", "\u3000", " "])
def test_a_space_of_any_width_within_a_text_is_a_plain_one(space):
    assert spell(f"{space}not{space}at all{space}") == "not at all"


def test_a_minus_sign_of_a_word_processor_is_a_minus():
    assert number_of("\N{MINUS SIGN}99") == -99
    assert no_answer(spell("\N{MINUS SIGN}99.0"), ("-99",))
