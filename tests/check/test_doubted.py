"""The odds of a claim: against evidence on a grid."""

from dataclasses import replace

import numpy as np
import pytest
from grid_posterior import Grid, independent, two_nodes

from backrisk import CausalGraph, Posterior, Prior, QueryError
from backrisk.check import claim_odds
from backrisk.check.doubted import WIDTHS
from backrisk.check.prior import prior_model

PRIOR = Prior(0.0, 0.8)
FLAT = np.array([[140, 60], [72, 28]])  # next to no association
CLEAR = np.array([[70, 30], [45, 35]])
HUGE = np.array([[300, 40], [60, 300]])


def bayes_factor(counts, prior):
    """At a given intercept the grid's own: prior over posterior density at zero."""
    grid = Grid(two_nodes(prior, ("x", "y")), counts)
    at = np.argmin(np.abs(grid.axes[1]))
    assert grid.axes[1][at] == pytest.approx(0, abs=1e-9)
    return np.exp(-0.5 * (prior.mean / prior.sd) ** 2) / (
        prior.sd * np.sqrt(2 * np.pi) * grid.marginal[at]
    )


@pytest.mark.parametrize("counts", [FLAT, CLEAR], ids=["flat", "clear"])
def test_the_factor_is_that_of_the_evidence_and_so_it_is_for_other_widths(counts):
    grid = Grid(two_nodes(PRIOR, ("x", "y")), counts)
    (row,) = claim_odds(grid.draw(4000, 1)).table.to_dict("records")
    exact = bayes_factor(counts, PRIOR)
    assert not row["bound"]
    # A kernel of 0.9 times the spread times n^-0.2 widens a density by a few percent.
    assert np.log(row["bayes_factor"]) == pytest.approx(np.log(exact), abs=4 * row["error"] + 0.06)
    assert row["probability"] == pytest.approx(row["bayes_factor"] / (1 + row["bayes_factor"]))
    for name, width in zip(("narrower", "wider"), WIDTHS, strict=True):
        # The intercept's own prior depends on no effect of mean zero.
        other = bayes_factor(counts, Prior(0.0, PRIOR.sd * width))
        assert np.log(row[name]) == pytest.approx(np.log(other), abs=4 * row["error"] + 0.1)


def test_the_factor_is_the_ratio_of_two_graphs_evidence():
    """With a mean of zero the graph without the edge has the other parameters' very prior."""
    grid = Grid(two_nodes(PRIOR, ("x", "y")), FLAT)
    _, without = independent(FLAT, 1, 1)
    assert np.log(bayes_factor(FLAT, PRIOR)) == pytest.approx(grid.log_evidence - without, abs=1e-3)


def test_verdicts_and_bounds():
    rows = {}
    for name, counts in (("flat", 8 * FLAT), ("huge", HUGE)):
        posterior = Grid(two_nodes(PRIOR, ("x", "y")), counts).draw(4000, 1)
        rows[name] = claim_odds(posterior)
    assert rows["flat"].table["verdict"].tolist() in (["absent"], ["open"])
    assert rows["flat"].table["bayes_factor"].iloc[0] < 1
    huge = rows["huge"].table.iloc[0]
    assert (huge["verdict"], huge["bound"]) == ("there", "above")
    assert huge["bayes_factor"] < bayes_factor(HUGE, PRIOR)
    assert "Bayes factor above" in rows["huge"].text
    assert "Prior odds are 1:1" in rows["huge"].text


def test_only_claims_of_the_grades_asked_about(core_prior):
    graph = core_prior.graph
    prior = prior_model(graph, draws=1000)
    found = claim_odds(prior, grades=["contradicted"]).table
    asked = [e for e in graph.edges if e.grade == "contradicted"]
    assert found["effect"].tolist() == [e.effect for e in asked]
    assert claim_odds(prior, grades="contradicted").table.equals(found)
    # No data: the density at zero is the prior's own, and nothing is decided.
    assert (np.abs(np.log(found["bayes_factor"])) < 4 * found["error"] + 0.1).all()
    assert set(found["verdict"]) == {"open"}
    told = claim_odds(prior).text
    assert "Of 3 claims they say too little" in told


def test_what_has_no_odds_is_refused_or_told():
    grid = Grid(two_nodes(PRIOR, ("x", "y")), FLAT)
    posterior = grid.draw(200, 1)
    with pytest.raises(QueryError, match="did you mean 'weak'"):
        claim_odds(posterior, grades=["weka"])
    with pytest.raises(QueryError, match="50 draws"):
        claim_odds(posterior.subset(50))
    with pytest.raises(QueryError, match="not fitted"):
        claim_odds(Posterior.from_cpts(CausalGraph.from_text("x"), {"x": [0.5, 0.5]}))
    graph = posterior.graph
    saturated = replace(
        graph, nodes=(graph.nodes[0], replace(graph.nodes[1], mechanism="saturated"))
    )
    rows = Posterior(saturated, np.full((100, 3), 0.5), np.zeros((100, 0)))
    assert "no effect of its own" in claim_odds(rows).table["why"].iloc[0]
    constant = Posterior(graph, posterior.fractions[:100], np.ones((100, 1)))
    assert claim_odds(constant).table["bayes_factor"].notna().all()
