"""The slices that visits lie in, and what looks wrong about them."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from _panels import FRAME, GRAPH, book, frame
from hypothesis import given, settings
from hypothesis import strategies as st

from backrisk.errors import SurveyError
from backrisk.survey import read_panel


@settings(max_examples=10)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.dates(date(1999, 12, 1), date(2001, 3, 1))),
                min_size=1, max_size=12), st.integers(1, 5))  # fmt: skip
def test_months_are_counted_on_the_calendar(visits, months):
    """Month by month from the first visit, each clipped to its last day."""
    table = frame(*((who, day.isoformat(), "yes") for who, day in visits),
                  columns=("who", "day", "pain"))  # fmt: skip
    panel = read_panel(table, GRAPH, book(), every=f"{months}M")
    people = list(dict.fromkeys(who for who, _ in visits))
    expected = np.full((len(people), panel.periods), -1)
    for who, day in visits:
        begin = pd.Timestamp(min(each for name, each in visits if name == who))
        place = 0
        while begin + pd.DateOffset(months=months * (place + 1)) <= pd.Timestamp(day):
            place += 1
        expected[people.index(who), place] = 1
    assert panel.codes[:, :, 3].tolist() == expected.tolist()


def test_a_start_counts_for_everybody_and_keeps_late_entry():
    panel = read_panel(FRAME, GRAPH, book(), start=0, every=30)
    assert (panel.first.tolist(), panel.last.tolist()) == ([0, 3], [0, 3])
    assert panel.codes[1, :, 3].tolist() == [-1, -1, -1, 0]
    assert panel.codes[1, :, 0].tolist() == [1, 1, 1, 1]  # a constant is known from the start
    assert panel.reach.tolist() == [3, 3]
    own = read_panel(FRAME, GRAPH, book(), every=30)
    assert own.first.tolist() == own.last.tolist() == [0, 0]
    with pytest.raises(SurveyError, match=r"column 'day': 3 visits \(rows 0, 1 and 2\) lie before "
                       "the start, 99"):  # fmt: skip
        read_panel(FRAME, GRAPH, book(), start=99, every=30)


def test_the_table_reaches_so_far_for_each_person():
    """Day 100 ends it: 100 days after a's first visit, in slice 14, and on b's first day."""
    panel = read_panel(FRAME, GRAPH, book())
    assert panel.periods == 3
    assert panel.reach.tolist() == [2, 0]
    later = read_panel(pd.concat([FRAME, frame(["c", 0, None, 10, None, None],
                                               ["c", 120, None, 10, None, None])]).reset_index(
                                                   drop=True), GRAPH, book())  # fmt: skip
    assert later.reach.tolist() == [17, 2, 17]


def test_a_late_start_and_absurd_times_after_it_are_refused():
    with pytest.raises(SurveyError, match="row 3 lies 1001 slices of 1 after the start"):
        read_panel(FRAME.assign(day=[0, 1, 2, 1001]), GRAPH, book(), every=1, start=0)
    with pytest.raises(SurveyError, match="The start 'March' is not a number"):
        read_panel(FRAME, GRAPH, book(), start="March")
    dated = FRAME.assign(day="2024-01-01")
    with pytest.raises(SurveyError, match="The start 'March' is not a date, expected one such as"):
        read_panel(dated, GRAPH, book(), every="1D", start="March")


def test_what_looks_wrong_is_told():
    table = pd.concat([FRAME, FRAME.iloc[[0]].assign(who="A", mood=None)], ignore_index=True)
    table = pd.concat([table, table.iloc[[3]], table.iloc[[3]].assign(day=400)], ignore_index=True)
    told = read_panel(table, GRAPH, book()).cautions
    assert [each.split(",")[0] for each in told if "identifiers" in each] == [
        "2 identifiers in 'who' differ from another by case or space alone"
    ]
    assert any(
        "2 visits answer what another of the same person and time answers (rows 3 and 5)" in t
        for t in told
    )
    gap = next(each for each in told if each.startswith("No visit of anyone"))
    assert "in the 39 slices of 7 after slice 2, and 1 visit comes after them (row 6)" in gap
    plain = read_panel(FRAME, GRAPH, book())
    assert plain.cautions == ()
