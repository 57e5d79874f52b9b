"""When rows are: dates, numbers and events, however a table writes them."""

from datetime import date, timedelta

import pandas as pd
import pytest
from _panels import FRAME, GRAPH, book, frame

from backrisk.errors import SurveyError
from backrisk.survey import read_panel, read_survey

WRITTEN = {
    "iso": "%Y-%m-%d",
    "day_first": "%d/%m/%Y",
    "month_first": "%m/%d/%Y",
    "named": "%d %b %Y",
    "clock": "%Y-%m-%d 23:59",
}


@pytest.mark.parametrize("way", WRITTEN)
def test_dates_are_read_however_they_are_written(way):
    days = FRAME["day"].map(lambda n: date(2024, 2, 20) + timedelta(days=int(n)))
    plain = read_panel(FRAME, GRAPH, book())
    table = FRAME.assign(day=days.map(lambda day: day.strftime(WRITTEN[way])))
    assert read_panel(table, GRAPH, book(), every="1W").codes.tolist() == plain.codes.tolist()
    start = read_panel(table, GRAPH, book(), every="7D", start="2024-02-20")
    assert start.first.tolist() == [0, 14]
    assert read_panel(table, GRAPH, book(), every="7D", start=date(2024, 2, 20)).periods == 15


def test_dates_that_are_written_in_two_ways_are_named_as_such():
    table = FRAME.assign(day=["2024-01-01", "13/02/2024", "2024-03-01", "14/02/2024"])
    with pytest.raises(SurveyError, match="as '2024-01-01' and as many as '13/02/2024'; write all"):
        read_panel(table, GRAPH, book(), every="7D")
    table = FRAME.assign(day=["1/2/2024", "13/2/2024", "2/13/2024", "14/2/2024"])
    with pytest.raises(SurveyError, match="expected a date"):  # most have the day first
        read_panel(table, GRAPH, book(), every="7D")
    table = FRAME.assign(day=["1/2/2024", "1/3/2024", "2/3/2024", "2/5/2024"])
    with pytest.raises(SurveyError, match=r"'1/2/2024', .* may be written with the day or"):
        read_panel(table, GRAPH, book(), every="7D")


@pytest.mark.parametrize("text", ["visit {}", "visit-{}", "T{}", "wave {}."])
def test_texts_with_one_number_are_numbers(text):
    table = FRAME.assign(day=[text.format(number) for number in (1, 2, 10, 1)])
    panel = read_panel(table, GRAPH, book(), every=1)
    assert panel.last.tolist() == [9, 0]
    assert panel.codes[0, 9, -1] == 1  # the last answer of the first person


def test_a_minus_stands_alone_before_its_number():
    table = FRAME.assign(day=["day -2", "day -1", "day 1", "day -2"])
    assert read_panel(table, GRAPH, book(), every=1).last.tolist() == [3, 0]
    with pytest.raises(SurveyError, match="value 'T-1', expected a number"):
        read_panel(FRAME.assign(day=["T-1", "T0", "T1", "T0"]), GRAPH, book(), every=1)


def test_a_text_with_a_number_of_two_orders_is_refused():
    """Visit 1.10 comes after visit 1.9, and 1.10 is less than 1.9."""
    table = FRAME.assign(day=["V1.8", "V1.9", "V1.10", "V1.8"])
    with pytest.raises(
        SurveyError, match=r"'V1.8', 'V1.9', 'V1.10' can be put in order in several"
    ):
        read_panel(table, GRAPH, book(), every=0.1)
    table = FRAME.assign(day=["V1", "V1.5", "V2", "V1"])
    assert read_panel(table, GRAPH, book(), every=0.5).last.tolist() == [2, 0]


def test_weeks_of_iso_8601_go_on_after_the_end_of_a_year():
    """The years 2020 and 2026 have 53 weeks, 2024 has 52."""
    for weeks in (["2024-W51", "2024-W52", "2025-W01"], ["2020W52", "2020W53-7", "2021W01-1"]):
        table = FRAME.assign(day=[*weeks, weeks[0]])
        assert read_panel(table, GRAPH, book(), every="1W").last.tolist() == [2, 0]
    with pytest.raises(SurveyError, match="value '2024-W53', expected a date"):
        read_panel(FRAME.assign(day=["2024-W51", "2024-W53", "2025-W01", "2025-W02"]), GRAPH,
                   book(), every="1W")  # fmt: skip


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        ([51, 52, 1], "rows 1 and 2 are of one person and go from 52 back to 1, as weeks do"),
        (["wk 50", "wk 53", "wk 2"], "go from 53 back to 2, as weeks do"),
        ([11, 12, 1], "rows 1 and 2 are of one person and go from 12 back to 1, as months do"),
        ([202451, 202452, 202501], "202452 and 202501 look like a year with a week or a month, "),
        ([202411, 202412, 202501], "but as numbers they lie 89 apart"),
    ],
)
def test_numbers_that_begin_anew_with_a_year_are_refused(days, sentence):
    with pytest.raises(SurveyError, match=sentence):
        read_panel(FRAME.assign(day=[*days, days[0]]), GRAPH, book(), every=1)


@pytest.mark.parametrize(
    ("days", "last"),
    [
        ([1, 2, 52], 51),  # the year from its start
        ([52, 2, 1], 51),  # the latest row first
        ([3, 12, 1], 11),  # 12 waves of 53, in any order
        ([202450, 202451, 202452], 2),  # of one year
        ([60, 1, 2], 59),  # no weeks of a year
    ],
)
def test_other_numbers_are_counted_as_they_are(days, last):
    days = [*days, days[0]]
    rows = FRAME.assign(day=days)
    if days[:3] == [3, 12, 1]:
        rows = pd.concat([rows, rows.assign(who="z", day=[30, 53, 31, 32])])
    assert read_panel(rows, GRAPH, book(), every=1).last[0] == last


def test_a_day_ends_at_midnight_where_it_was_lived():
    """Half past midnight in Paris is the evening before in Greenwich."""
    days = ["2024-06-01 23:30+02:00", "2024-06-02 00:30+02:00", "2024-06-02T23:30:00+02:00"]
    table = FRAME.assign(day=[*days, days[0]])
    assert read_panel(table, GRAPH, book(), every="1D").last.tolist() == [1, 0]


EVENTS = ["baseline_arm_1", "month_3_arm_1", "month_6_arm_1"]


def events(*rows):
    return frame(*rows, columns=("who", "redcap_event_name", "pain"))


REDCAP = events(
    ["1", EVENTS[0], "no"], ["1", EVENTS[1], "yes"], ["1", EVENTS[2], "no"],
    ["2", EVENTS[0], "no"], ["2", EVENTS[2], "yes"],
)  # fmt: skip


@pytest.mark.parametrize("panel", [
    {},
    {"events": EVENTS},
    {"events": ["Baseline", "Month 3", "Month 6"]},
    {"events": {"baseline": 0, "month 3": 3, "month 6": 6}, "every": 3},
])  # fmt: skip
def test_events_are_times(panel):
    stated = {"time": "redcap_event_name", "every": None, **panel}
    found = read_panel(REDCAP, GRAPH, book(stated))
    assert found.codes[:, :, 3].tolist() == [[0, 1, 0], [0, -1, 1]]
    assert any("in the order in which" in each for each in found.cautions) == (not panel)


def test_repeated_instruments_of_an_event_are_visits_in_one_slice():
    table = REDCAP.assign(redcap_repeat_instrument=None, redcap_repeat_instance=[None] * 4 + [2])
    again = table.iloc[[4]].assign(pain="no", redcap_repeat_instance=3)
    table = pd.concat([table, again], ignore_index=True)
    for rule, code in (("last", 0), ("worst", 1)):
        stated = {"time": "redcap_event_name", "combine": rule, "events": EVENTS}
        assert read_panel(table, GRAPH, book(stated, ignore=["x"]), every=1).codes[1, 2, 3] == code


def test_events_in_no_order_or_of_another_name_are_refused():
    unordered = events(["1", "start", "no"], ["2", "end", "no"])
    with pytest.raises(SurveyError, match="do not tell in which one order 'start' and 'end' come"):
        read_panel(unordered, GRAPH, book({"time": "redcap_event_name"}), every=1)
    circular = events(["1", "x", "no"], ["1", "y", "no"], ["2", "y", "no"], ["2", "x", "no"])
    with pytest.raises(SurveyError, match="in which one order 'x' and 'y' come"):
        read_panel(circular, GRAPH, book({"time": "redcap_event_name"}), every=1)
    stated = {"time": "redcap_event_name", "events": EVENTS[:2]}
    with pytest.raises(SurveyError, match="row 2, column 'redcap_event_name': value 'month_6_arm_1'"
                       ", expected one of 'baseline_arm_1', 'month_3_arm_1'"):  # fmt: skip
        read_panel(REDCAP, GRAPH, book(stated), every=1)
    with pytest.raises(SurveyError, match="events have no dates"):
        read_panel(REDCAP, GRAPH, book({**stated, "every": "1M"}))


def test_who_reads_a_row_for_each_person_is_still_told_of_events():
    stated = {"time": "redcap_event_name", "events": EVENTS}
    with pytest.raises(SurveyError, match=r"tells the rows of a person apart.*\(read_panel\)"):
        read_survey(REDCAP, GRAPH, book(stated))
    repeats = FRAME.rename(columns={"who": "athlete_id"})
    told = read_survey(repeats, GRAPH, book({"id": "x"}, ignore=["athlete_id"])).cautions
    assert any("read people over time with read_panel" in each for each in told)


@pytest.mark.parametrize(("days", "every", "sentence"), [
    (["2024-01-01", "2024-01-09", "x"], "7D", r"row 2, column 'day': value 'x', expected a date"),
    (["13/02/2024", "14/02/2024", "2024-02-15"], "7D",
     r"value '2024-02-15', expected a date with the day first"),
    (["01/02/2024", "03/02/2024", "05/06/2024"], "7D", r"'01/02/2024', '03/02/2024' and 1 more|"
     r"'01/02/2024', '03/02/2024', '05/06/2024' may be written with the day or with the month"),
    (["2024-01-01", "2024-01-09", "2204-01-09"], "7D",
     r"rows 0 and 2 are of one person and lie 9393 slices of 7D apart; check their years"),
    (["1024-01-01", "2024-01-09", "2024-01-10"], "1M", r"rows 0 and 1 .* 12000 slices of 1M apart"),
    ([0, 1, 1e300], 1, r"rows 0 and 2 are of one person"),
    ([0, 7, 14], "7D", r"'0' is a number and no date, but a slice of '7D' is of the calendar"),
    (["2024-01-01", "2024-01-09", "2024-01-10"], 7,
     r"'2024-01-01' is a date, but a slice of '7' is a mere number; give 'every' as \"7D\""),
    (["2024-01-01 09:00Z", "2024-01-09 09:00", "2024-01-10"], "7D", "without a time zone"),
    (["a", "b", "c"], 7, r"row 0, column 'day': value 'a', expected a number"),
])  # fmt: skip
def test_times_that_cannot_be_read_are_refused(days, every, sentence):
    table = FRAME.iloc[:3].assign(day=days)
    with pytest.raises(SurveyError, match=sentence):
        read_panel(table, GRAPH, book(), every=every)


def test_labels_of_a_statistics_file_stand_for_the_numbers_behind_them(tmp_path):
    table = FRAME.assign(
        day=[1.0, 2.0, 3.0, 1.0], mood=FRAME["mood"].fillna(""), sex=FRAME["sex"].fillna(""),
        pain=FRAME["pain"].fillna(""), minutes=FRAME["minutes"].astype(float),
    )  # fmt: skip
    pyreadstat = pytest.importorskip("pyreadstat")
    labels = {"day": {1: "Baseline", 2: "Spring", 3: "Summer"}}
    pyreadstat.write_sav(table, str(tmp_path / "p.sav"), variable_value_labels=labels)
    found = read_panel(tmp_path / "p.sav", GRAPH, book(), every=1)
    assert found.codes[:, :, 3].tolist() == [[0, -1, 1], [0, -1, -1]]
