"""One survey under three priors."""

import numpy as np
import pytest
from grid_posterior import Grid, survey_of, two_nodes

from backrisk import CausalGraph, Posterior, Prior, QueryError, load_graph
from backrisk.check import prior_graphs, under_priors

COUNTS = np.array([[60, 30], [35, 40]])


def test_believers_take_described_claims_at_their_word_and_nothing_else():
    graph = load_graph("runner")
    found = prior_graphs(graph)
    assert found["literature"] is graph
    for was, believed, flat in zip(
        *(found[n].edges for n in ("literature", "folk", "flat")), strict=True
    ):
        doubted = was.origin == "described" and was.grade in ("none", "contradicted")
        if doubted and was.prior is not None:
            sign = -1 if was.prior.mean < 0 else 1
            assert believed.prior == Prior(sign * 0.7, 0.35)
        else:
            assert believed == was
        assert set(flat.priors) <= {Prior(0.0, 1.5)}
        assert (believed.cause, believed.effect) == (was.cause, was.effect)
    assert found["flat"].figures == found["folk"].figures == ()


def test_weights_give_the_posterior_under_another_prior():
    stated = two_nodes(Prior(0.2, 0.6), ("x", "y"))
    posterior = Grid(stated, COUNTS).draw(4000, 1)
    found = under_priors(posterior, survey_of(COUNTS, stated), believed=Prior(0.5, 0.5))
    assert found.posteriors["literature"] is posterior
    assert found.how == {
        "literature": "stated",
        "folk": "reweighted",
        **({"flat": "reweighted"} if "flat" in found.posteriors else {}),
    }
    grid = Grid(two_nodes(Prior(0.5, 0.5), ("x", "y")), COUNTS)
    share = grid.marginal / grid.marginal.sum()
    mean = share @ grid.axes[1]
    sd = np.sqrt(share @ (grid.axes[1] - mean) ** 2)
    drawn = found.posteriors["folk"].beta[:, 0]
    assert drawn.mean() == pytest.approx(mean, abs=5 * sd / np.sqrt(1000))
    assert found.posteriors["folk"].log_prior == pytest.approx(
        grid.layout.prior.log_density(found.posteriors["folk"].fractions, drawn[:, None])
    )
    assert "'folk' takes every claim" in found.text
    assert found.table.loc["folk", "how"] == "reweighted"


def test_a_prior_far_away_is_left_out_and_told():
    stated = two_nodes(Prior(0.2, 0.1), ("x", "y"))
    posterior = Grid(stated, 20 * COUNTS).draw(1000, 1)
    survey = survey_of(20 * COUNTS, stated)
    found = under_priors(posterior, survey, believed=Prior(3.0, 0.05))
    assert "folk" in found.left_out
    assert "too far away" in found.text


def test_what_has_no_priors_is_refused():
    with pytest.raises(QueryError, match="No edge of graph 'graph' states a prior"):
        prior_graphs(CausalGraph.from_text("x -> y"))
    graph = two_nodes(Prior(0.2, 0.6), ("x", "y"))
    cpts = {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]}
    with pytest.raises(QueryError, match="not fitted"):
        under_priors(Posterior.from_cpts(graph, cpts), survey_of(COUNTS, graph))
