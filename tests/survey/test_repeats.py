"""One row for each person, in the order of visits."""

import pandas as pd
import pytest

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey import Codebook, read_survey
from backrisk.survey.repeats import date_of

ENGINES = [None, "duckdb"]
STATES = {"a": [f"row{place}" for place in range(20)], "b": ["no", "yes"]}
GRAPH = CausalGraph.from_edges([("a", "b")], STATES)


def stays(visits, ids=None, engine=None, **rule):
    """Return the places of the rows that stay, of one person unless told otherwise."""
    rule = {"column": "id", "by": "visit", "keep": "last"} | rule
    data = {"name": "n", "graph": "graph", "columns": {"a": {"node": "a"}}}
    data |= {"one_row_per": rule, "ignore": ["visit"]}
    rows = [f"row{place}" for place in range(len(visits))]
    frame = pd.DataFrame({"id": ids or ["p"] * len(rows), "visit": visits, "a": rows}, dtype=object)
    survey = read_survey(frame, GRAPH, Codebook.from_dict(data, GRAPH), engine=engine)
    return survey.codes[:, 0].tolist()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("visits", "first", "last"),
    [
        (["3", "10", "2"], 2, 1),
        ([3, 10.5, 2], 2, 1),
        (["visit 2", "Visit 10", "visit 1"], 2, 1),
        (["t1-2", "t1-10", "t0-99"], 2, 1),
        (["13/02/2024", "01/03/2024"], 0, 1),
        (["02/13/2024", "03/01/2024"], 0, 1),
        (["13.02.2024", "01.03.2024"], 0, 1),
        (["13.2.24", "1.3.24"], 0, 1),
        (["2024-02-13", "2024-03-01"], 0, 1),
        (["2024/03/01", "2024/2/13"], 1, 0),
        (["1 March 2024", "13 Feb 2024", "2 Mar 2024"], 1, 2),
        (["March 1, 2024", "Feb 13, 2024"], 1, 0),
        (["01MAR2024", "13FEB2024"], 1, 0),
        (["2024-01-01 10:00", "2024-01-01 9:30"], 1, 0),
        (["2024-01-01T09:30:00.5", "2024-01-01T09:30:00.25"], 1, 0),
        (["2024-01-01 10:00:00+02:00", "2024-01-01 09:00:00Z"], 0, 1),
        (["01/13/2024 9:30 PM", "01/13/2024 10:30 AM"], 1, 0),
        ([pd.Timestamp("2024-03-01"), pd.Timestamp("2024-02-13 08:00")], 1, 0),
        (["01/01/2024", "01/01/2024"], 0, 1),
        (["1/13/24 10:00", "1/14/24 9:00"], 0, 1),
        (["13-Feb-24", "1-Mar-24"], 0, 1),
        (["day -4", "day -10", "day 3"], 1, 2),
        (["9", "10,5"], 0, 1),
        (["1,5", "1,25"], 1, 0),
        (["2023-Q4", "2024-Q1"], 0, 1),
        (["week 2 day 1", "week 1 day 2"], 1, 0),
        (["9:30", "10:15"], 0, 1),
        (["5", None, "4"], 2, 0),
        (["NA", "5", ""], 1, 1),
    ],
)
def test_visits_are_ordered_by_what_they_say(visits, first, last, engine):
    assert stays(visits, engine=engine, keep="first") == [first]
    assert stays(visits, engine=engine, keep="last") == [last]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("dates", "last"), [("day_first", 1), ("month_first", 0)])
def test_days_and_months_are_told_apart_where_that_is_stated(dates, last, engine):
    assert stays(["04/03/2024", "03/04/2024"], engine=engine, dates=dates) == [last]


@pytest.mark.parametrize(
    ("visits", "rule", "words"),
    [
        (["04/03/2024", "03/04/2024"], {}, ["'04/03/2024', '03/04/2024'", "dates: day_first"]),
        (["2024-03-10", "2024-01-02", "3"], {}, ["'3', '2024-03-10'", "read in one way"]),
        (["visit 1", "baseline"], {}, ["'visit 1', 'baseline'", "one text with numbers in it"]),
        (["before", "after"], {}, ["'before', 'after'"]),
        (["13/02/2024", "02/13/2024"], {}, ["cannot be read in one way"]),
        (["2024-01-01 10:00Z", "2024-01-01 09:00"], {}, ["'2024-01-01 09:00' without a time zone"]),
        (["13/02/2024", "01/03/2024"], {"dates": "month_first"}, ["'13/02/2024', expected dates"]),
        (["2024-02-30", "2024-02-28"], {"dates": "iso"}, ["'2024-02-30', expected dates with the"]),
        (["12/2023", "02/2024"], {}, ["'12/2023', '02/2024' can be put in order in several ways"]),
        (["12.2023", "02.2024"], {}, ["several ways"]),
        (["12.2023", "11.2024"], {}, ["several ways"]),
        (["Q4 2023", "Q1 2024"], {}, ["several ways"]),
        (["Q4/23", "Q1/24"], {}, ["several ways"]),
        (["13.02.2024 10:00 CET", "01.03.2024 10:00 CET"], {}, ["several ways"]),
        (["v1.9", "v1.10"], {}, ["several ways"]),
        (["2024-02-13", "01/03/2024"], {}, ["'2024-02-13', '01/03/2024' cannot be read"]),
        ([f"x{'y' * n}" for n in range(5)], {}, ["'xyy' and 2 more"]),
    ],
)
def test_an_order_that_is_not_clear_is_refused(visits, rule, words):
    with pytest.raises(SurveyError) as caught:
        stays(visits, **rule)
    for word in ["frame, column 'visit': ", *words]:
        assert word in str(caught.value)


def test_rows_of_the_same_visit_stay_in_the_order_of_the_table():
    visits = ["2"] * 10 + ["1"] * 10
    assert stays(visits, keep="first") == [10]
    assert stays(visits, keep="last") == [9]


@pytest.mark.parametrize("engine", ENGINES)
def test_each_person_has_one_row_and_the_unknown_keep_theirs(engine):
    ids = ["a", "b", " a", None, "b", "NA", None, 7, "7.0"]
    visits = ["1", "5", "2", "1", "4", "1", "1", "8", "9"]
    assert stays(visits, ids, engine) == [1, 2, 3, 5, 6, 8]
    assert stays(visits, ids, engine, keep="first") == [0, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("by", [None, "absent"])
def test_without_an_order_the_order_of_the_table_counts(engine, by):
    assert stays([3, 2, 1], [1, 1, 2], engine, by=by) == [1, 2]
    assert stays([3, 2, 1], [1, 1, 2], engine, by=by, keep="first") == [0, 2]


@pytest.mark.parametrize(
    ("text", "way"),
    [("31.04.2024", "day_first"), ("2024-13-01", "iso"), ("1 Foo 2024", "iso"), ("", "iso"),
     ("2024-01-01 25:00", "iso"), ("2024-01-01 13:00 PM", "iso"), ("1/2-2024", "day_first"),
     ("99999999999", "iso"), ("2024-01-01 x", "iso"), ("0001-01-01 00:00+14:00", "iso")],
)  # fmt: skip
def test_what_is_no_date_is_none(text, way):
    assert date_of(text, way) is None
