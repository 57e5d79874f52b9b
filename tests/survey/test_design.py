"""A stated design is demanded of the table; what nobody stated is told where the table shows it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from backrisk import Codebook, SurveyError, describe, load_graph, read_survey
from backrisk.graph import CausalGraph
from backrisk.survey import Survey, tabulate
from tests.places import SHARED

TWO = ["no", "yes"]
BARE = CausalGraph.from_edges([("x", "y")], {"x": TWO, "y": ["none", "some", "bad"]})
# A graph of which sites could share an intercept.
GRAPH = replace(BARE, nodes=(BARE.node("x"), replace(BARE.node("y"), mechanism="ordinal_logit")))


def book(design=None, **keys):
    columns = {"x": {"node": "x"}, "y": {"node": "y"}}
    data = {"name": "b", "graph": "graph", "columns": columns, **keys}
    return Codebook.from_dict(data if design is None else {**data, "design": design}, GRAPH)


def by_every_engine(frame, folder, made, graph=GRAPH):
    """Yield a frame's survey as each engine reads it."""
    path = folder / "answers.csv"
    frame.to_csv(path, index=False)
    yield Survey.from_frame(frame, graph, made)
    yield read_survey(path, graph, made, engine="duckdb")


def people(cases, controls, **columns):
    y = ["some"] * cases + ["none"] * controls
    x = (["no", "yes"] * len(y))[: len(y)]
    return pd.DataFrame({"x": x, "y": y, **columns})


@pytest.mark.parametrize(
    ("design", "keys", "said"),
    [
        ({"kind": "cohort"}, {}, "'design.kind': value 'cohort', expected"),
        ({"kind": "matched"}, {}, "needs 'set'"),
        ({"kind": "case_control", "set": "pair"}, {}, "needs 'set'"),
        ({"kind": "repeated"}, {}, "needs 'person'"),
        ({"kind": "stratified"}, {}, "needs 'weight'"),
        ({"kind": "stratified", "prevalence": 0.1}, {"weight": "w"}, "Only a design by outcome"),
        ({"kind": "case_control", "prevalence": 1.0}, {}, "a number below 1"),
        ({"kind": "case_control"}, {"weight": "w"}, "weighted by the design itself"),
        ({"kind": "repeated", "person": "id"}, {"weight": "w"}, "share a weight of one"),
        (
            {"kind": "repeated", "person": "id"},
            {"one_row_per": {"column": "id"}},
            "keeps one visit of each person",
        ),
        ({"kind": "matched", "set": "pair"}, {"site": "clinic"}, "the place of a site"),
        ({"kind": "case_control", "outcome": "z"}, {}, "'z' is not a node"),
        ({"kind": "case_control", "cases": "none"}, {}, "'none' is not a state of cases"),
    ],
)
def test_a_design_that_cannot_stand_is_refused(design, keys, said):
    with pytest.raises(SurveyError, match=said):
        book(design, **keys)


def test_a_design_by_an_outcome_that_no_column_observes_is_refused():
    columns = {"x": {"node": "x"}, "y": {"item": "y", "reliability": 0.8}}
    data = {"name": "b", "graph": "graph", "columns": columns, "design": {"kind": "case_control"}}
    with pytest.raises(SurveyError, match="no column observes 'y'"):
        Codebook.from_dict(data, GRAPH)


def test_what_is_left_out_of_a_design_is_the_graphs_outcome_and_its_second_state():
    made = book({"kind": "matched", "set": "pair"})
    assert (made.design.outcome, made.design.cases, made.site) == ("y", "some", "pair")
    assert Codebook.from_dict(made.to_dict(), GRAPH) == made


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (people(3, 0), "everybody is a case"),
        (people(0, 3), "nobody is a case"),
        (people(2, 2).assign(y=["some", "none", "", "none"]), "missing for 1 person"),
    ],
)
def test_a_table_that_the_design_cannot_have_made_is_refused(frame, said, tmp_path):
    made = book({"kind": "case_control"})
    ways = by_every_engine(frame, tmp_path, made)
    with pytest.raises(SurveyError, match=said):
        next(ways)
    with pytest.raises(SurveyError, match=said):
        read_survey(tmp_path / "answers.csv", GRAPH, made, engine="duckdb")


@pytest.mark.parametrize(
    ("design", "column"),
    [({"kind": "matched", "set": "pair"}, "pair"), ({"kind": "repeated", "person": "id"}, "id")],
)
def test_a_table_without_the_designs_column_is_refused(design, column):
    with pytest.raises(SurveyError, match=f"column '{column}': the design needs"):
        Survey.from_frame(people(3, 3), GRAPH, book(design))


def test_visits_of_one_person_share_a_weight_of_one(tmp_path):
    frame = people(4, 6, id=["a", "a", "b", "c", "c", "c", " c", "", "", "d"])
    made = book({"kind": "repeated", "person": "id"})
    for survey in by_every_engine(frame, tmp_path, made):
        patterns = tabulate(survey)
        assert survey.n == 10
        assert patterns.weights.sum() == pytest.approx(6)  # a, b, c, d and two nobody can name
        # All weights of one: what is worth as many people as there are.
        assert patterns.weights.sum() ** 2 / patterns.squares.sum() == pytest.approx(6)
        codes = [tuple(row) for row in survey.codes.tolist()]
        case = sum(w for w, row in zip(survey.weights, codes, strict=True) if row[1] == 1)
        assert case == pytest.approx(1 + 1 + 0.25)


@pytest.mark.parametrize("seed", range(20))
def test_plain_samples_are_told_of_seldom(seed):
    rng = np.random.default_rng(seed)
    sites = rng.choice([f"s{k}" for k in range(12)], size=211)
    y = rng.choice(["none", "some"], p=[0.6, 0.4], size=211)  # a prime: no share is round
    frame = pd.DataFrame({"x": rng.choice(TWO, size=211), "y": y, "clinic": sites})
    assert not Survey.from_frame(frame, GRAPH, book(site="clinic")).cautions


@pytest.mark.parametrize(("controls", "share"), [(1, "50 %"), (2, "33 %"), (3, "25 %")])
def test_a_share_as_studies_choose_it_is_told(controls, share, tmp_path):
    frame = people(30, 30 * controls)
    for survey in by_every_engine(frame, tmp_path, book()):
        (said,) = survey.cautions
        assert share in said
        assert "case_control" in said
    for survey in by_every_engine(frame, tmp_path, book({"kind": "case_control"})):
        assert not survey.cautions


@pytest.mark.parametrize("controls", [1, 2, 3])
def test_matched_sets_that_are_read_as_sites_are_told(controls, tmp_path):
    pairs = [f"p{k}" for k in range(40)]
    frame = people(40, 40 * controls, pair=pairs * (1 + controls))
    for survey in by_every_engine(frame, tmp_path, book(site="pair")):
        (said,) = survey.cautions
        assert "{kind: matched, set: pair}" in said
    for survey in by_every_engine(frame, tmp_path, book({"kind": "matched", "set": "pair"})):
        assert not survey.cautions
        assert len(survey.sites) == 40


def test_sets_without_a_case_or_without_a_control_are_told(tmp_path):
    frame = people(3, 5, pair=["a", "b", "b", "a", "b", "c", "c", "b"])
    for survey in by_every_engine(frame, tmp_path, book({"kind": "matched", "set": "pair"})):
        (said,) = survey.cautions
        assert "1 of 3 sets" in said


@pytest.mark.parametrize(
    ("column", "cells", "told"),
    [
        ("record_id", [k // 2 for k in range(11)], True),
        ("Participant ID", [k // 2 for k in range(11)], True),
        ("record_id", list(range(11)), False),
        ("colour", [k // 2 for k in range(11)], False),
    ],
)
def test_identifiers_that_repeat_are_told(column, cells, told, tmp_path):
    frame = people(4, 7, **{column: cells})
    for survey in by_every_engine(frame, tmp_path, book(ignore=[column])):
        assert bool(survey.cautions) == told
        assert all(column in said for said in survey.cautions)
    kept = book(one_row_per={"column": column})
    for survey in by_every_engine(frame, tmp_path, kept):
        assert not survey.cautions


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the given inputs beside the repository")
def test_the_given_pairs_are_told_of():
    place = SHARED / "cases" / "reading" / "pairs"
    graph = load_graph(place / "graph.yaml")
    (said,) = read_survey(place / "survey.csv", graph, place / "codebook.yaml").cautions
    assert "{kind: matched, set: pair}" in said


@pytest.mark.parametrize(
    ("design", "said", "role"),
    [
        ({"kind": "case_control"}, "no risk will be told, only odds ratios", None),
        ({"kind": "case_control", "prevalence": 0.14}, "stated prevalence of 14 %", None),
        ({"kind": "matched", "set": "who"}, "in 5 matched sets, which 'who' names", "set"),
        ({"kind": "repeated", "person": "who"}, "5 people in all", "person"),
    ],
)
def test_the_design_is_part_of_what_was_understood(design, said, role):
    frame = people(5, 5, who=["a", "b", "c", "d", "e"] * 2)
    keys = {} if role else {"ignore": ["who"]}
    found = describe(frame, GRAPH, book(design, **keys))
    assert any(said in each for each in found.fit)
    roles = {each.column: each.role for each in found.columns}
    assert roles["who"] == (role or "ignored")
