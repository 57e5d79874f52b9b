"""Leaving people out: against the closed form, and as a table a person reads."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from backrisk import CausalGraph, Posterior, QueryError, Survey, fit
from backrisk.check import compare_graphs
from backrisk.check.comparison import leave_one_out, stands
from backrisk.fitting import Pointwise

FREE, TIED = (CausalGraph.from_text(text, outcome="y") for text in ("x; y", "x -> y"))


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(2)
    x = rng.integers(2, size=150)
    y = np.where(rng.random(150) < 0.75, x, 1 - x)
    words = np.array(["no", "yes"])
    return pd.DataFrame({"x": words[x], "y": words[y]})


@pytest.fixture(scope="module")
def fits(frame):
    return {name: fit(g, frame, seed=1, draws=1000) for name, g in (("a", FREE), ("b", TIED))}


@pytest.fixture(scope="module")
def survey(frame):
    return Survey.from_frame(frame, FREE)


def closed_form(codes, tied):
    """Each person's log predictive probability given all others, Dirichlet(1, 1) rows."""
    found = np.zeros(len(codes))
    for place, (x, y) in enumerate(codes):
        rest = np.delete(codes, place, axis=0)
        found[place] += np.log((1 + (rest[:, 0] == x).sum()) / (2 + len(rest)))
        alike = rest[rest[:, 0] == x] if tied else rest
        found[place] += np.log((1 + (alike[:, 1] == y).sum()) / (2 + len(alike)))
    return found


def test_leaving_one_out_is_that_of_a_refit_without_the_person(fits, survey, frame):
    """Each fit has 4,000 independent draws, and each person moves it little."""
    for name, graph in (("a", FREE), ("b", TIED)):
        read = Survey.from_frame(frame, graph)
        found = leave_one_out(fits[name], Pointwise.of(read), name)
        exact = closed_form(read.codes, name == "b")
        rows = np.exp(Pointwise.of(read).log_likelihood(fits[name]))
        # A mean of inverse probabilities, whose error the delta method gives.
        inverse = (1 / rows)[:, Pointwise.of(read).patterns.index]
        error = inverse.std(axis=0) / inverse.mean(axis=0) / np.sqrt(len(inverse))
        assert (np.abs(found.elpd_i.to_numpy() - exact) < 4.5 * error + 1e-9).all()
    table = compare_graphs(fits, survey).table
    assert table.index[0] == "b"
    apart = closed_form(survey.codes, False) - closed_form(survey.codes, True)
    assert table.loc["a", "difference"] == pytest.approx(apart.sum(), abs=0.5)
    assert table.loc["a", "error"] == pytest.approx(np.sqrt(150) * apart.std(), rel=0.05)


def test_what_is_shown(fits, survey):
    found = compare_graphs(fits, survey)
    assert found.weight.sum() == pytest.approx(1)
    assert found.people == 150
    assert found.difference[0] == 0
    assert not found.unsure.any()
    assert found.stands.tolist() == [True, False]
    assert "'a'" in found.text
    assert "predicts worse" in found.text
    same = compare_graphs({"one": fits["b"], "other": fits["b"]}, survey)
    assert same.stands.all()
    assert "not equivalent" in same.text


def test_people_of_one_pattern_are_people(fits, survey):
    """A survey kept as patterns gives what its rows give."""
    codes, count = np.unique(survey.codes, axis=0, return_counts=True)
    kept = replace(survey, codes=codes, people=count)
    a, b = (compare_graphs(fits, each) for each in (survey, kept))
    np.testing.assert_allclose(a.elpd, b.elpd)
    np.testing.assert_allclose(a.error, b.error)


def test_a_small_difference_is_none_and_so_is_an_unsure_one():
    apart = np.array([0.0, -3.9, -3.9, -9.0, -9.0])
    error = np.array([0.0, 0.5, 3.0, 4.0, 5.0])
    assert stands(apart, error).tolist() == [True, True, True, False, True]


def test_a_graph_with_one_node_more_predicts_the_same_answers(fits, survey, frame):
    wider = CausalGraph.from_text("u -> x; u -> y", outcome="y")
    rng = np.random.default_rng(0)
    cpts = {n: rng.dirichlet([1, 1], size=(200, *wider.shape(n)[:-1])) for n in wider.names}
    found = compare_graphs({**fits, "u": Posterior.from_cpts(wider, cpts)}, survey)
    assert set(found.names) == {"a", "b", "u"}


def test_what_cannot_be_compared_is_refused(fits, survey, frame):
    with pytest.raises(QueryError, match="at least two models, not 1"):
        compare_graphs({"a": fits["a"]}, survey)
    few = {name: each.subset(50) for name, each in fits.items()}
    with pytest.raises(QueryError, match="50 draws"):
        compare_graphs(few, survey)
    weighted = replace(survey, weights=np.linspace(0.5, 1.5, survey.n))
    with pytest.raises(QueryError, match="sampling weights"):
        compare_graphs(fits, weighted)
    with pytest.raises(QueryError, match="holds nobody"):
        compare_graphs(fits, replace(survey, codes=survey.codes[:0]))
    other = CausalGraph.from_text("x; z", outcome="x")
    lone = Posterior.from_cpts(other, {"x": np.full((100, 2), 0.5), "z": np.full((100, 2), 0.5)})
    with pytest.raises(QueryError, match="about 'y', which model 'lone'"):
        compare_graphs({**fits, "lone": lone}, survey)


def test_a_tie_has_no_best(fits, survey):
    found = compare_graphs({"a": fits["b"], "b": fits["b"], "c": fits["a"]}, survey)
    assert "predict the answers equally well: 'a' and 'b'." in found.text
    assert "best" not in found.text
    assert found.text.count("lower in log predictive density") == 1
    assert "-0.0" not in found.text
