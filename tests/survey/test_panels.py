"""A panel as distinct histories, and as the survey of an unrolled graph."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backrisk.errors import ArgumentError, GraphError
from backrisk.graph import CausalGraph, Node, unroll
from backrisk.survey import Codebook, Panel, read_panel, tabulate

BARE = CausalGraph.from_edges(
    [("age", "pain"), ("load", "pain")],
    {"age": ["young", "old"], "load": ["low", "high"], "pain": ["no", "yes"]},
    outcome="pain",
)
GRAPH = CausalGraph(
    "graph", (Node("age", ("young", "old"), constant=True), *BARE.nodes[1:]), BARE.edges,
    outcome="pain",
)  # fmt: skip
BOOK = Codebook.plain(GRAPH)


def panel(codes, first, last, **keys):
    codes, first, last = np.array(codes, np.int8), np.array(first), np.array(last)
    return Panel(GRAPH, codes, BOOK, "1", first, last, **keys)


@st.composite
def panels(draw):
    rows, periods = draw(st.integers(1, 8)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    codes = rng.integers(-1, 2, (rows, periods, 3), np.int8)
    codes[:, :, 0] = codes[:, :1, 0]
    first = rng.integers(0, periods, rows)
    last = rng.integers(first, periods)
    away = (np.arange(periods) < first[:, None]) | (np.arange(periods) > last[:, None])
    codes[:, :, 1:][away] = -1
    keys = {"reach": rng.integers(last, periods)}
    if draw(st.booleans()):
        keys["weights"] = rng.integers(1, 4, rows).astype(float)
    if draw(st.booleans()):
        keys |= {"site": rng.integers(0, 2, rows), "sites": ("x", "y")}
    return panel(codes, first, last, **keys)


@given(panels())
def test_distinct_histories_hold_what_people_hold(found):
    few = found.tabulated()
    weights = np.ones(found.n) if found.weights is None else found.weights
    sites = np.zeros(found.n, int) if found.site is None else found.site
    expected, counts = Counter(), Counter()
    for row, weight in enumerate(weights):
        key = (sites[row], found.first[row], found.last[row], found.reach[row],
               found.codes[row].tobytes())  # fmt: skip
        expected[key] += weight
        counts[key] += 1
    site = np.zeros(len(few.codes), int) if few.site is None else few.site
    keys = [
        (site[row], few.first[row], few.last[row], few.reach[row], few.codes[row].tobytes())
        for row in range(len(few.codes))
    ]
    assert few.people.tolist() == [counts[key] for key in keys]
    assert len(set(keys)) == len(keys) == len(counts)
    if found.weights is not None:
        assert few.weights.tolist() == [expected[key] for key in keys]
        assert few.squares.sum() == (found.weights**2).sum()
    assert few.n == found.n
    assert few.followed == found.followed
    pd.testing.assert_frame_equal(few.answered, found.answered)
    again = few.tabulated()
    assert again.codes.tolist() == few.codes.tolist()
    assert again.people.tolist() == few.people.tolist()


@settings(max_examples=15)
@given(panels(), st.booleans())
def test_a_survey_of_all_slices_has_each_answer_in_its_place(found, trait):
    survey = found.to_survey(trait=trait, dropout=["pain"])
    graph = survey.graph
    assert graph == unroll(GRAPH, found.periods, trait=trait, dropout=("pain",))
    for row in range(len(found.codes)):
        codes = dict(zip(graph.names, survey.codes[row].tolist(), strict=True))
        assert codes.pop("age") == found.codes[row, 0, 0]
        if trait:
            assert codes.pop("susceptibility") == -1
        for period in range(found.periods):
            for place, name in enumerate(("load", "pain"), 1):
                assert codes.pop(graph.at(name, period)) == found.codes[row, period, place]
            if period:
                first, last, reach = found.first[row], found.last[row], found.reach[row]
                stays = codes.pop(f"stays__{period}")
                if period <= first or period > last + 1:
                    assert stays == -1
                elif period <= last:
                    assert stays == graph.node("stays__1").code("answered")
                else:
                    there = period <= reach
                    assert stays == (graph.node("stays__1").code("not_answered") if there else -1)
        assert not codes
    few, whole = tabulate(found.tabulated().to_survey()), tabulate(found.to_survey())
    assert few.codes.tolist() == whole.codes.tolist()
    assert few.people.tolist() == whole.people.tolist()
    assert few.weights.tolist() == pytest.approx(whole.weights.tolist())


def test_one_slice_is_the_survey_of_one_moment():
    one = panel([[[0, 1, -1]], [[-1, 0, 1]]], [0, 0], [0, 0], weights=np.array([1.0, 2.0]))
    survey = one.to_survey(dropout=["pain"])
    assert survey.graph.names == GRAPH.names
    assert survey.codes.tolist() == [[0, 1, -1], [-1, 0, 1]]
    assert survey.weights.tolist() == [1.0, 2.0]


def test_a_person_whom_nobody_saw_is_not_gone():
    found = panel([[[1, -1, -1]] * 3], [0], [-1])
    survey = found.to_survey(dropout=["pain"])
    codes = dict(zip(survey.graph.names, survey.codes[0].tolist(), strict=True))
    assert codes.pop("age") == 1
    assert set(codes.values()) == {-1}


def test_what_cannot_be_unrolled_is_refused():
    found = panel([[[1, -1, -1]] * 3], [0], [-1])
    with pytest.raises(GraphError, match="pian"):
        found.to_survey(dropout=["pian"])


def test_shares_are_those_of_people():
    found = panel([[[0, 1, -1], [0, -1, 1]], [[0, 1, 1], [0, -1, -1]]], [0, 0], [1, 0],
                  people=np.array([3, 1]))  # fmt: skip
    assert found.answered.loc["pain"].tolist() == [0.25, 0.75]
    assert found.answered.loc["age"].tolist() == [1.0, 1.0]
    assert (found.n, found.periods) == (4, 2)


def test_nothing_of_who_and_when_is_kept():
    secret = "Zdenka"
    frame = pd.DataFrame({"who": [secret, secret.upper()], "day": ["2031-05-17", "2031-05-18"],
                          "pain": ["no", "yes"]})  # fmt: skip
    found = read_panel(frame, GRAPH, id="who", time="day", every="7D", start="2031-05-11")
    parts = [found.codes, found.first, found.last, found.reach, found.codebook.to_dict()]
    parts += [found.cautions, found.census, found.not_asked, found.every, found.source]
    assert len(found.cautions) == 1
    for text in (secret.lower(), "2031"):
        assert not any(text in repr(part).lower() for part in parts)


@given(panels())
def test_a_history_says_again_what_was_answered(found):
    again = np.full_like(found.codes, -1)
    for row in range(len(found.codes)):
        history = found.history(row)
        assert len(history) == found.last[row] + 1
        for period, answers in enumerate(history):
            for name, state in answers.items():
                node = GRAPH.names.index(name)
                at = slice(None) if name == "age" else period
                again[row, at, node] = GRAPH.node(name).code(state)
                assert period == 0 or name != "age"
    assert again.tolist() == found.codes.tolist()
    with pytest.raises(ArgumentError, match=f"has no row {found.n}"):
        found.history(found.n)
