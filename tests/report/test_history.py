"""The report on a history: the same numbers as Python, and all that it rests on."""

import pytest
from over_time_model import HISTORY, over_time_model
from read_back import DAY, Tables, text_of, triple

import backrisk as br
from backrisk.errors import QueryError
from backrisk.report import charts, history_answers, history_document, render
from backrisk.summary import Estimate, described
from backrisk.words import say


@pytest.fixture(scope="module")
def moving():
    return over_time_model(20)


@pytest.fixture(scope="module")
def page(moving, tmp_path_factory):
    out = tmp_path_factory.mktemp("history") / "r.html"
    return br.report_person(moving, HISTORY, out, periods=4, date=DAY).read_text("utf-8")


def rows_of(draws):
    found = described(draws, range(draws.shape[1]))
    names = ("mean", "low", "high")
    return [
        dict(zip(names, row, strict=True)) for row in zip(*(found[n] for n in names), strict=True)
    ]


def test_every_number_is_what_python_returns(page, moving):
    tables = Tables(page).found
    forecast = br.forecast(moving, HISTORY, 4)
    shown = [row for row in tables["ahead"] if row]
    assert [triple(row[0]) for row in shown] == rows_of(forecast.draws)
    assert [triple(row[1]) for row in shown] == rows_of(forecast.recovery)
    review = br.review(moving, HISTORY)
    shown = [row for row in tables["estimates"] if row]
    assert [triple(row[0]) for row in shown] == rows_of(review.draws)
    assert [triple(row[-1]) for row in shown] == rows_of(review.ahead)
    advice = br.recommend(moving, HISTORY, periods=4).table
    shown = [row for row in tables["plans"] if row]
    assert [triple(row[1]) for row in shown] == [
        {name: float(row[name]) for name in ("mean", "low", "high")}
        for row in advice.to_dict("records")
    ]


def test_visits_and_assumptions_are_there_once(page, moving):
    assert "Visit 3" in page
    for note in {*br.forecast(moving, HISTORY, 4).notes, *br.recommend(moving, HISTORY).notes}:
        assert page.count(note) == 1
    assert say("queries.over_time.exchangeable") in page
    assert say("report.common.synthetic") in page


def test_a_long_history_shows_the_latest_visits_and_says_so(moving):
    answers = history_answers(moving, [{}] * 3 + HISTORY * 2, periods=2, draws=5)
    assert answers.review.visits == (3, 4, 5, 6, 7, 8)
    document = history_document(answers, DAY)
    (visits,) = (table for table in document.tables if table.name == "visits")
    assert visits.note == say("report.over_time.earlier", n=3)
    assert [heading.title for heading in visits.columns][1:] == [f"Visit {n}" for n in range(4, 10)]


def test_it_fits_two_sheets_of_paper(moving):
    document = history_document(history_answers(moving, HISTORY), DAY)
    pages = text_of(render(document, ".pdf"))
    assert len(pages) == 2
    assert "What this rests on" in pages[1]


def test_nothing_reported_and_nobody_followed_are_said(moving, tmp_path):
    from dataclasses import replace

    nodes = [node for node in moving.graph.template.nodes if node.name in moving.graph.moving]
    followed = [
        {"node": node.name, "state": state, "periods": 1, "people": 9 if place else 0}
        for node in nodes
        for place, state in enumerate(node.states)
    ]
    lonely = replace(moving, meta={**moving.meta, "followed": followed})
    answers = history_answers(lonely, [{}], periods=1)
    assert answers.advice is None
    page = br.report_person(lonely, [{}], tmp_path / "r.html", date=DAY).read_text("utf-8")
    assert say("report.over_time.none") in page
    assert "Nobody whom the model was fitted on" in page


def test_periods_are_of_a_history_and_a_history_of_a_model_over_time(moving, core, tmp_path):
    with pytest.raises(QueryError, match="for a history"):
        br.report_person(core, {}, tmp_path / "r.html", periods=2)
    with pytest.raises(QueryError, match="of one moment"):
        br.report_person(core, [{}], tmp_path / "r.html")
    assert not list(tmp_path.iterdir())


def test_a_curve_of_one_moment_and_of_many_stays_on_its_drawing():
    for number in (1, 12):
        rows = [(f"+{n}", Estimate(0.2, 0.1, 0.9)) for n in range(number)]
        drawn = charts.curve(rows, "across", "upward")
        assert drawn.count("<circle") == number
