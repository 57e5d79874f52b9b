"""Chains start where a few labelled people say which hidden state is which."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from backrisk import CausalGraph, Edge, Node, Posterior, Prior, fit, load_graph, read_survey
from backrisk.fitting.labels import hidden_in_most, labelled_start
from backrisk.fitting.observed import prepare
from backrisk.graph import Layout
from backrisk.likelihood import total_log_likelihood
from backrisk.survey import Survey
from tests.places import SHARED
from tests.strategies import seeds

TWO = ("no", "yes")


def classes(rng, kinds, signs, mechanism, nominal):
    """A hidden kind with signs of two states, and the truth that each kind has its own signs."""
    prior = Prior(0.0, 2.0) if mechanism == "ordinal_logit" else None
    nodes = [Node("kind", tuple(f"k{i}" for i in range(kinds)), nominal=nominal)]
    nodes += [Node(f"s{i}", TWO, mechanism=mechanism) for i in range(signs)]
    edges = tuple(Edge("kind", f"s{i}", "Claim.", "stated", "weak", prior) for i in range(signs))
    graph = CausalGraph("classes", tuple(nodes), edges, outcome="kind")
    cpts = {"kind": [rng.dirichlet(np.full(kinds, 5.0))]}
    for i in range(signs):
        # A maximum of causes cannot say that a sign goes with the reference.
        owner = 1 + i % (kinds - 1) if mechanism == "noisy_max" else i % kinds
        yes = np.where(np.arange(kinds) == owner, 0.88, 0.12)
        cpts[f"s{i}"] = [np.stack([1 - yes, yes], axis=1)]
    return graph, Posterior.from_cpts(graph, cpts)


def people(graph, truth, rng, n, labelled):
    """A table in which the kind is told of the first few people of each."""
    kind = rng.choice(len(truth.cpt("kind")[0]), p=truth.cpt("kind")[0], size=n)
    frame = {"kind": np.array(graph.node("kind").states)[kind].astype(object)}
    for name in graph.names[1:]:
        yes = truth.cpt(name)[0][kind, 1]
        frame[name] = np.where(rng.random(n) < yes, "yes", "no")
    frame = pd.DataFrame(frame)
    seen = frame.groupby("kind").cumcount() < labelled
    frame["kind"] = frame["kind"].where(seen, "")
    return Survey.from_frame(frame, graph), kind


def guessed(posterior, survey):
    """The likeliest kind of everyone, by their signs alone."""
    logs = np.log(posterior.mean_cpt("kind"))[None].repeat(len(survey.codes), axis=0)
    for at, name in enumerate(survey.graph.names):
        if name != "kind":
            logs = logs + np.log(posterior.mean_cpt(name))[:, survey.codes[:, at]].T
    return logs.argmax(axis=1)


def started(survey):
    prepared = prepare(survey.graph, survey)
    start = labelled_start(prepared)
    layout = Layout(survey.graph)
    size = len(layout.fraction_labels) + len(layout.effect_labels)
    point = start.beside(lambda seed: np.zeros(size))(1)
    split = len(layout.fraction_labels)
    beta = layout.prior.mean + layout.prior.sd * point[split:]
    return prepared, Posterior(survey.graph, 1 / (1 + np.exp(-point[None, :split])), beta[None])


@pytest.mark.parametrize("mechanism", [None, "ordinal_logit", "noisy_max", "item"])
@pytest.mark.parametrize("seed", seeds(3, 30))
def test_a_start_tells_the_kinds_nearly_as_well_as_the_truth_does(seed, mechanism):
    rng = np.random.default_rng(seed)
    kinds = int(rng.integers(2, 5))
    # Answers of its own, of a kind whose states have no order.
    nominal = mechanism is not None or bool(rng.random() < 0.5)
    graph, truth = classes(rng, kinds, 3 * kinds, mechanism, nominal)
    survey, kind = people(graph, truth, rng, 500, labelled=5)
    _, posterior = started(survey)
    best = (guessed(truth, survey) == kind).mean()
    assert (guessed(posterior, survey) == kind).mean() > best - 0.05


@pytest.mark.parametrize("mechanism", [None, "ordinal_logit"])
@pytest.mark.parametrize("seed", seeds(3, 30))
def test_a_start_is_likelier_than_every_mirror_image_of_it(seed, mechanism):
    rng = np.random.default_rng(seed)
    graph, truth = classes(rng, 3, 9, mechanism, nominal=True)
    survey, _ = people(graph, truth, rng, 300, labelled=4)
    prepared, posterior = started(survey)
    own = total_log_likelihood(prepared.circuit, posterior)[0]
    for order in ([1, 0, 2], [2, 1, 0], [1, 2, 0]):
        cpts = {"kind": posterior.cpt("kind")[:, order]}
        cpts |= {name: posterior.cpt(name)[:, order] for name in graph.names[1:]}
        mirror = Posterior.from_cpts(graph, cpts)
        assert own > total_log_likelihood(prepared.circuit, mirror)[0]


def test_only_what_is_hidden_in_most_and_known_in_some_is_started():
    rng = np.random.default_rng(1)
    graph, truth = classes(rng, 3, 6, None, nominal=True)
    for labelled, expected in ((0, ()), (4, ("kind",)), (500, ())):
        survey, _ = people(graph, truth, rng, 120, labelled)
        prepared = prepare(graph, survey)
        assert hidden_in_most(prepared) == expected
        assert (labelled_start(prepared) is not None) == bool(expected)


def test_chains_start_apart_and_the_rest_as_usual():
    rng = np.random.default_rng(2)
    graph, truth = classes(rng, 3, 6, None, nominal=True)
    edges = (*graph.edges, Edge("a", "b", "Claim.", "stated", "weak"))
    graph = replace(graph, nodes=(*graph.nodes, Node("a", TWO), Node("b", TWO)), edges=edges)
    more = {"a": [[0.5, 0.5]], "b": [[[0.5, 0.5], [0.4, 0.6]]]}
    truth = Posterior.from_cpts(graph, {n: truth.cpt(n) for n in truth.graph.names} | more)
    frame = pd.DataFrame(
        {name: rng.choice(graph.node(name).states, size=60) for name in graph.names}
    )
    frame.loc[9:, "kind"] = ""
    start = labelled_start(prepare(graph, Survey.from_frame(frame, graph)))
    layout = Layout(graph)
    usual = np.arange(len(layout.fraction_labels), dtype=float) + 100
    first, again, other = (start.beside(lambda seed: usual)(seed) for seed in (1, 1, 2))
    own = [label.split(" | ")[0].split(":")[0] in ("a", "b") for label in layout.fraction_labels]
    np.testing.assert_array_equal(first[own], usual[own])
    assert np.array_equal(first, again)
    moved = ~np.array(own)
    assert (first[moved] != other[moved]).all()
    assert np.abs(first - other)[moved].max() < 0.5


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the given inputs beside the repository")
@pytest.mark.parametrize("sampler", ["nutpie", pytest.param("pymc", marks=pytest.mark.slow)])
def test_the_given_kinds_are_found_by_fifteen_of_three_hundred(sampler):
    place = SHARED / "cases" / "reading" / "semi"
    graph = load_graph(place / "graph.yaml")
    survey = read_survey(place / "survey.csv", graph)
    kind = np.repeat([0, 1, 2], [150, 80, 70])  # as make.py beside it writes them
    posterior = fit(graph, survey, seed=1, draws=1000, sampler=sampler, progress=False)
    assert posterior.diagnostics.worst["r_hat"] < 1.02  # swapped chains have 1.9 and more
    assert not posterior.diagnostics.worst["divergences"]
    assert (guessed(posterior, survey) == kind).mean() > 0.97
    (said,) = posterior.diagnostics.cautions
    assert "15 of 300 people" in said
