"""Lengths of time, and in which slice of the calendar a day lies."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backrisk.survey.every import Every

DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))


def since(*days):
    return np.array([(day - date(1970, 1, 1)).days for day in days], float)


@pytest.mark.parametrize(("given", "text"), [
    ("30D", "30D"), ("30 d", "30D"), ("W", "1W"), (" 3m ", "3M"), ("1Y", "1Y"), (7, "7"),
    (0.25, "0.25"), ("0.50", "0.5"), (np.int64(3), "3"),
])  # fmt: skip
def test_lengths_are_read_and_written(given, text):
    assert Every.of(given).text == text
    assert Every.of(text) == Every.of(given)


@pytest.mark.parametrize("given", ["", "D7", "7 days", "0D", "-1W", "1.5M", 0, -2, None])
def test_what_is_no_length_is_refused(given):
    with pytest.raises(ValueError, match="should be a number above 0, or one of days, weeks"):
        Every.of(given)


@given(DAYS, DAYS, st.integers(1, 40), st.floats(0, 0.999), st.floats(0, 0.999))
def test_days_and_weeks_count_whatever_the_hour(day, start, number, hour, first_hour):
    found = [
        Every.of(f"{number * length}D").slices(since(day) + hour, since(start) + first_hour)[0]
        for length in (1, 7)
    ]
    weeks = Every.of(f"{number}W").slices(since(day), since(start))[0]
    gone = (day - start).days
    assert (found[0], found[1]) == (gone // number, gone // (7 * number))
    assert weeks == found[1]


@given(DAYS, DAYS, st.integers(1, 30))
def test_a_slice_of_months_begins_where_the_calendar_says(day, start, number):
    """Its begin, by month and day, is on or before the day; that of the next one after it."""

    def begin(place):
        month = start.year * 12 + start.month - 1 + place * number
        year, month = divmod(month, 12)
        first_of_next = date(year + month // 11, (month + 1) % 12 + 1, 1)
        last = (first_of_next - date(year, month + 1, 1)).days
        return date(year, month + 1, min(start.day, last))

    found = int(Every.of(f"{number}M").slices(since(day), since(start))[0])
    assert begin(found) <= day < begin(found + 1)
    if number * 12 < 100:
        years = Every.of(f"{number}Y").slices(since(day), since(start))
        assert years == Every.of(f"{12 * number}M").slices(since(day), since(start))


def test_a_number_is_not_short_of_itself_by_rounding():
    times = np.arange(50) * 0.1
    assert Every.of(0.1).slices(times, np.zeros(50)).tolist() == list(range(50))
    assert Every.of("1").slices(np.array([1e300, -1e300]), np.zeros(2)).tolist() == [
        2**53, -(2**53)]  # fmt: skip
