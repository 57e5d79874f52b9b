"""Families that a change of an edge leaves as they are keep their posterior exactly."""

import numpy as np
import pandas as pd
import pytest

from backrisk import CausalGraph, Edge, Node, Posterior, Prior, Survey, fit
from backrisk.check import neighbours_of
from backrisk.check.reweighting import Model
from backrisk.check.sharing import part_of, refit_changed, shares
from backrisk.fitting import Pointwise
from backrisk.graph import Layout
from backrisk.survey import Codebook

TEXT = "a -> b; b -> c; a -> d; c -> d"


def frame_of(rng, n=200):
    words = np.array(["no", "yes"])
    a, c = rng.integers(2, size=(2, n))
    b = np.where(rng.random(n) < 0.7, a, 1 - a)
    d = np.where(rng.random(n) < 0.7, c, 1 - c)
    return pd.DataFrame({"a": words[a], "b": words[b], "c": words[c], "d": words[d]})


def with_priors():
    """The same graph, of ordinal logits."""
    plain = CausalGraph.from_text(TEXT)
    edges = tuple(
        Edge(e.cause, e.effect, "Claim.", "stated", "weak", Prior(0.3, 0.6)) for e in plain.edges
    )
    nodes = tuple(Node(n.name, n.states, margin=(0.6, 0.4)) for n in plain.nodes)
    return CausalGraph("graph", nodes, edges, outcome="d")


@pytest.mark.parametrize("name", ["add b -> d", "drop a -> d", "reverse b -> c", "reverse a -> b"])
def test_the_posterior_is_a_product_of_the_changed_families_and_the_rest(name):
    """The density of the whole is that of the part times what does not depend on the part.

    So a fit of the part beside the draws of the rest is a fit of the whole, whatever the draws.
    """
    rng = np.random.default_rng(1)
    graph = with_priors()
    survey = Survey.from_frame(frame_of(rng), graph)
    neighbour = next(e for e in neighbours_of(graph).neighbours if e.name == name)
    base = Posterior(graph, *Layout(graph).draw_prior(50, rng))
    assert shares(base, neighbour, survey)
    whole = Model.of(base, neighbour.graph, survey)
    part = part_of(neighbour)
    columns = [survey.graph.names.index(each) for each in part.names]
    some = Survey(part, survey.codes[:, columns].copy(), Codebook.plain(part))
    small = Model(base, part, Pointwise.of(some), evidence=False)
    at = rng.normal(size=(1, len(whole.keys)))
    values = np.repeat(at, 20, axis=0)
    within = np.zeros((20, len(small.keys)))
    mine = {key: place for place, key in enumerate(small.keys)}
    for place, key in enumerate(whole.keys):
        node = key[1] if key[0] == "effect" else key[0]
        if node in neighbour.changed:
            values[:, place] = rng.normal(size=20)
            within[:, mine.pop(key)] = values[:, place]
    # What is left in the part are causes, which stay where they are.
    assert all(key[0] not in neighbour.changed for key in mine)
    rest = whole.log_joint(values) - small.log_joint(within)
    np.testing.assert_allclose(rest, rest[0], rtol=0, atol=1e-8)


def test_saturated_families_get_the_posterior_of_a_whole_fit():
    rng = np.random.default_rng(3)
    graph = CausalGraph.from_text(TEXT)
    survey = Survey.from_frame(frame_of(rng), graph)
    base = fit(graph, survey, seed=1, draws=1000)
    for name in ("add b -> d", "drop a -> d", "reverse b -> c"):
        neighbour = next(e for e in neighbours_of(graph).neighbours if e.name == name)
        found = refit_changed(base, neighbour, survey, seed=2, tune=10)
        read = Survey(neighbour.graph, survey.codes, survey.codebook)
        whole = fit(neighbour.graph, read, seed=3, draws=1000)
        assert found.layout.fraction_labels == whole.layout.fraction_labels
        error = np.hypot(found.fractions.std(axis=0), whole.fractions.std(axis=0)) / np.sqrt(4000)
        apart = np.abs(found.fractions.mean(axis=0) - whole.fractions.mean(axis=0))
        assert (apart < 4.5 * error).all()
        # What did not change has the very draws of the fit.
        kept = [n for n in graph.names if n not in neighbour.changed]
        for node in kept:
            np.testing.assert_array_equal(found.cpt(node), base.cpt(node))
        # Two ways to the log likelihood of the whole survey.
        np.testing.assert_allclose(
            found.log_likelihood.mean(), whole.log_likelihood.mean(), atol=0.5
        )


def test_a_gap_a_figure_or_a_site_ties_families():
    rng = np.random.default_rng(1)
    graph = CausalGraph.from_text(TEXT)
    frame = frame_of(rng)
    base = fit(graph, frame, seed=1, draws=50)
    drop = next(e for e in neighbours_of(graph).neighbours if e.name == "drop a -> d")
    survey = Survey.from_frame(frame, graph)
    assert shares(base, drop, survey)
    frame.loc[0, "c"] = ""  # a cause of the changed node
    assert not shares(base, drop, Survey.from_frame(frame, graph))
    frame.loc[0, ["b", "c"]] = ["", "no"]  # of none
    assert shares(base, drop, Survey.from_frame(frame, graph))
    told = Posterior(graph, base.fractions, base.beta, meta={"figures": [{"cause": "a"}]})
    assert not shares(told, drop, survey)
