"""What follows from a model about people: shown by recovering it, refused where it may not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import strategies
from scipy.optimize import lsq_linear

from backrisk import CausalGraph, Posterior, PosteriorError, Survey, fit, load_posterior
from backrisk.fitting.densities import log_likelihood_of
from backrisk.fitting.observed import prepare
from backrisk.graph import Layout
from backrisk.posterior import LeastCells
from backrisk.words import names_of, say

NO_YES = ["no", "yes"]


@pytest.fixture(scope="module")
def graph():
    return CausalGraph.from_edges([("x", "y")], {"x": NO_YES, "y": NO_YES})


def people(counts):
    """Return a table from the number of people of each pair of answers."""
    rows = [pair for pair, count in counts.items() for _ in range(count)]
    return pd.DataFrame(rows, columns=["x", "y"])


COUNTS = {("no", "no"): 40, ("no", "yes"): 13, ("yes", "no"): 6, ("yes", "yes"): 1}


@pytest.fixture(scope="module")
def exact(graph):
    return fit(graph, Survey.from_frame(people(COUNTS), graph), seed=1, draws=1000, chains=4)


def test_the_draws_of_an_exact_fit_give_one_person_s_outcome_back(exact):
    """By moments alone: mean m and variance v of a Beta(a, b) give a + b = m (1 - m) / v - 1."""
    first, second = exact.layout.prior.fractions
    mean, variance = exact.fractions.mean(axis=0), exact.fractions.var(axis=0)
    total = mean * (1 - mean) / variance - 1
    yes = (1 - mean) * total - second
    at = exact.layout.fraction_labels.index("y | x=yes: no")
    assert round(float(yes[at])) == 1
    assert exact.least_cells.draws == {"x": 7, "y": 1}
    assert exact.least_cells.least == 1
    assert first[at] + second[at] == 2


def test_the_log_likelihood_gives_the_counts_of_any_mechanism_back():
    """It is linear in them: as many draws as cells are equations enough."""
    graph = strategies.every_mechanism()
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({node.name: rng.choice(node.states, 90) for node in graph.nodes})
    frame["r"] = "answered"
    survey = Survey.from_frame(frame, graph)
    prepared, layout = prepare(graph, survey), Layout(survey.graph)
    fractions, beta = layout.draw_prior(2000, rng)
    told = log_likelihood_of(prepared.circuit, layout, fractions, beta, None)
    posterior = Posterior(survey.graph, fractions, beta, log_likelihood=told)
    cells = [(name, *states) for name in graph.names for states in np.ndindex(*graph.shape(name))]
    logs = np.stack([np.log(posterior.cpt(name)[:, *states]) for name, *states in cells], axis=1)
    # Cells whose logs add up alike cannot be told apart, but what is found must fit exactly.
    found = lsq_linear(logs, told, bounds=(0, np.inf), tol=1e-14).x
    np.testing.assert_allclose(logs @ found, told, rtol=1e-6)
    counts = dict(zip(cells, found, strict=True))
    names = list(graph.names)
    codes = survey.codes
    for name in ("a", "b", "c", "s"):  # roots, and one that is saturated
        family = [names.index(each) for each in (*graph.parents(name), name)]
        for states in np.ndindex(*graph.shape(name)):
            expected = (codes[:, family] == states).all(axis=1).sum()
            assert counts[(name, *states)] == pytest.approx(expected, abs=0.05)


def test_counts_are_of_people_whatever_they_weigh(graph):
    frame = people(COUNTS).assign(w=0.3)
    found = LeastCells.of_survey(Survey.from_frame(frame, graph, weight="w"))
    assert found == LeastCells.of_survey(Survey.from_frame(people(COUNTS), graph))


def test_whose_answers_are_missing_is_counted_apart(graph):
    frame = people({**COUNTS, ("yes", "yes"): 6})
    frame = pd.concat([frame, pd.DataFrame({"x": ["yes"] * 2, "y": [None] * 2})])
    found = LeastCells.of_survey(Survey.from_frame(frame, graph))
    assert found.draws == {"x": 14, "y": 6}
    assert found.likelihood == 2
    assert found.unobserved == {"x": 0, "y": 2}
    assert found.observed == {"x": 67, "y": 65}


def test_effects_give_no_counts_but_their_likelihood_does(graph):
    nodes = (graph.nodes[0], replace(graph.nodes[1], mechanism="ordinal_logit"))
    ordinal = replace(graph, nodes=nodes)
    found = LeastCells.of_survey(Survey.from_frame(people(COUNTS), ordinal))
    assert (found.draws, found.likelihood) == ({"x": 7}, 1)
    sites = people(dict.fromkeys(COUNTS, 20)).assign(site=["n"] * 77 + ["s"] * 3)
    by_site = LeastCells.of_survey(Survey.from_frame(sites, ordinal, site="site"))
    assert (by_site.draws, by_site.likelihood) == ({"x": 40}, 3)


@pytest.mark.parametrize("seed", range(3))
def test_the_smallest_count_is_that_of_every_family(seed):
    rng = np.random.default_rng(seed)
    graph = strategies.random_graph(rng, 4)
    frame = pd.DataFrame({node.name: rng.choice(node.states, 80) for node in graph.nodes})
    survey = Survey.from_frame(frame.where(rng.random(frame.shape) > 0.1), graph)
    found, layout = LeastCells.of_survey(survey), Layout(survey.graph)
    names = list(survey.graph.names)
    for name in names:
        family = [names.index(each) for each in (*survey.graph.parents(name), name)]
        rows = [tuple(row) for row in survey.codes[:, family].tolist() if min(row) >= 0]
        least = min(rows.count(row) for row in rows)
        if type(layout.mechanisms[name]).__name__ == "Saturated":
            assert found.draws[name] == least
        assert found.likelihood <= least


def test_a_smaller_count_is_refused_by_name(exact, tmp_path):
    path = tmp_path / "m.nc"
    with pytest.raises(
        PosteriorError, match=r"below 2 .* \(1 of them\)\. The smallest is 1: .* 'y'"
    ):
        exact.save(path, least_cell=2)
    with pytest.raises(PosteriorError, match=r"below 8 .* \(2 of them\)"):
        exact.save(path, least_cell=8)
    with pytest.raises(PosteriorError, match="no number of people"):
        exact.save(path, least_cell=0)
    assert not path.exists()
    found = load_posterior(exact.save(path, least_cell=1))
    assert found.log_likelihood.tobytes() == exact.log_likelihood.tobytes()
    assert found.least_cells == exact.least_cells


def test_the_record_s_own_counts_are_refused_too(exact, tmp_path):
    meta = {**exact.meta, "least_cells": {"draws": {"x": 9}, "likelihood": 9}}
    for share, said in ((59 / 60, "1: .* not observed"), (2 / 60, "2: .* observed")):
        some = replace(exact, meta={**meta, "answered": {"x": 1.0, "y": share}})
        with pytest.raises(PosteriorError, match=rf"The smallest is {said}"):
            some.save(tmp_path / "m.nc", least_cell=5)


def test_a_caution_that_tells_of_few_people_is_refused_too(exact, tmp_path):
    meta = {**exact.meta, "least_cells": {"draws": {"x": 9}, "likelihood": 9}}
    of_one = say("survey.cautions.skipped", count=1, column="q", gate="x", states="yes")
    of_none = say("fitting.divergences", count=2)
    judged = replace(
        exact.diagnostics, cautions=(of_one, "2 are written by hand"), warnings=(of_none,)
    )
    told = replace(exact, meta=meta, diagnostics=judged)
    assert told.least_cells.said == (1,)
    with pytest.raises(PosteriorError, match=r"\(1 of them\)\. The smallest is 1: a caution"):
        told.save(tmp_path / "m.nc", least_cell=5)
    assert "the smallest 1." in told.least_cells.sentences(names_of(told.graph))[-1]
    back = load_posterior(told.save(tmp_path / "m.nc"))
    assert back.least_cells == told.least_cells


def test_the_log_likelihood_is_left_out_where_it_would_tell(exact, tmp_path):
    meta = {**exact.meta, "least_cells": {"draws": {"x": 9, "y": 7}, "likelihood": 3}}
    found = load_posterior(replace(exact, meta=meta).save(tmp_path / "m.nc", least_cell=5))
    assert found.log_likelihood is None
    assert found.least_cells.likelihood is None
    assert found.least_cells.least == 7
    assert found.fractions.tobytes() == exact.fractions.tobytes()


def test_a_model_that_records_no_counts_is_refused_and_says_so(exact, tmp_path):
    old = replace(exact, meta={k: v for k, v in exact.meta.items() if k != "least_cells"})
    assert not old.least_cells.known
    with pytest.raises(PosteriorError, match="fit it again"):
        old.save(tmp_path / "m.nc", least_cell=5)
    (said,) = old.least_cells.sentences(names_of(old.graph))
    assert said.startswith("This model does not record")


def test_a_model_of_no_people_tells_nothing(graph, tmp_path):
    given = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": np.full((2, 2), 0.5)})
    assert given.least_cells == LeastCells()
    assert given.least_cells.least is None
    assert given.least_cells.sentences(names_of(graph)) == ()
    assert given.save(tmp_path / "m.nc", least_cell=5).exists()


def test_what_follows_is_said_with_the_smallest_count(exact):
    said = exact.least_cells.sentences(names_of(exact.graph))
    assert [each.key for each in said] == [
        f"posterior.cells.{kind}" for kind in ("draws", "likelihood", "observed")
    ]
    assert "the smallest such count is 1 (y)" in said[0]
    assert "60" in said[2]


def test_who_left_something_out_is_as_few_as_who_answers_the_same():
    """Whoever answered all is in the cells of every node; who left one out is in a sum of them."""
    graph = CausalGraph.from_edges([("x", "y"), ("y", "z")], dict.fromkeys("xyz", NO_YES))
    counts = {("no", "no", "no"): 1, ("no", "no", "yes"): 4, ("yes", "no", "no"): 5}
    counts |= {("yes", "no", "yes"): 6, ("yes", "yes", "yes"): 7, ("no", "yes", "yes"): 8}
    rows = [row for row, count in counts.items() for _ in range(count)]
    frame = pd.DataFrame(rows, columns=list("xyz"))
    whole = LeastCells.of_survey(Survey.from_frame(frame, graph))
    assert whole.likelihood == 5  # of x and y; (no, no, no) alone is one, but in no cell alone
    gaps = pd.DataFrame([("no", None, "yes")] * 3 + [("no", None, "no")] * 2, columns=list("xyz"))
    found = LeastCells.of_survey(Survey.from_frame(pd.concat([frame, gaps]), graph))
    assert found.likelihood == 2
