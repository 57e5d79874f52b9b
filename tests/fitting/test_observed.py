"""What a survey says to the likelihood: weights, sites, and when the posterior is exact."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from backrisk import Codebook, FitError, describe, fit
from backrisk.fitting.observed import (
    SITE,
    effective_weights,
    pooled_sites,
    prepare,
    survey_circuit,
    with_sites,
)
from backrisk.graph import CausalGraph, Edge, Node, Prior
from backrisk.survey import Survey, tabulate

TWO = ("no", "yes")


def chain(mechanism="saturated"):
    nodes = (Node("x", TWO), Node("y", TWO, mechanism=mechanism))
    edge = Edge("x", "y", "Claim.", "stated", "weak", Prior(0.0, 1.0))
    return CausalGraph("chain", nodes, (edge,), outcome="y")


def read(frame, graph, **extra):
    columns = {name: {"node": name} for name in graph.names}
    data = {"name": "b", "graph": graph.name, "columns": columns} | extra
    return Survey.from_frame(pd.DataFrame(frame), graph, Codebook.from_dict(data, graph))


ROWS = {"x": ["no", "no", "yes", "yes"], "y": ["no", "no", "yes", "no"]}


def test_weights_sum_to_the_effective_number_of_people():
    """Kish 1965: (sum w)^2 / sum w^2, here 12^2 / 66."""
    survey = read(ROWS | {"w": [1.0, 1.0, 8.0, 2.0]}, chain(), weight="w")
    patterns = tabulate(survey)
    weights = effective_weights(patterns)
    assert weights.sum() == pytest.approx(12**2 / (1 + 1 + 64 + 4))
    share = dict(zip(map(tuple, patterns.codes.tolist()), weights / weights.sum(), strict=True))
    assert share == pytest.approx({(0, 0): 2 / 12, (1, 1): 8 / 12, (1, 0): 2 / 12})
    plain = tabulate(read(ROWS, chain()))
    assert effective_weights(plain).tolist() == plain.weights.tolist()


def test_complete_saturated_data_are_counts_and_exact():
    prepared = prepare(chain(), read(ROWS, chain()))
    assert prepared.conjugate
    counts = {n: prepared.circuit.counts[prepared.circuit.cells.part(n)].tolist() for n in "xy"}
    assert counts == {"x": [2, 2], "y": [2, 0, 1, 1]}


@pytest.mark.parametrize("why", ["an ordinal family", "a cause that is missing"])
def test_other_posteriors_have_to_be_sampled(why):
    graph = chain("ordinal_logit" if why == "an ordinal family" else "saturated")
    rows = ROWS if why == "an ordinal family" else ROWS | {"x": ["no", "", "yes", "yes"]}
    assert not prepare(graph, read(rows, graph)).conjugate


def test_an_effect_that_is_missing_costs_nothing():
    assert prepare(chain(), read(ROWS | {"y": ["no", "", "yes", "no"]}, chain())).conjugate


def test_sites_are_pooled_from_two_on():
    graph = chain("ordinal_logit")
    two = read(ROWS | {"s": ["a", "a", "b", "b"]}, graph, site="s")
    one = read(ROWS | {"s": ["a"] * 4}, graph, site="s")
    assert pooled_sites(two) == ("a", "b")
    assert pooled_sites(one) == pooled_sites(read(ROWS, graph)) == pooled_sites(None) == ()
    assert SITE not in survey_circuit(one, tabulate(one)).cells.graph.names
    circuit = survey_circuit(two, tabulate(two))
    # y has a CPT at each site; what people at a site answered is counted there.
    counts = np.zeros((2, 2, 2))
    np.add.at(counts, tuple(circuit.cells.joint("y").T), circuit.counts[circuit.cells.part("y")])
    assert counts.tolist() == [[[2, 0], [0, 0]], [[0, 0], [1, 1]]]


def test_sites_of_a_graph_without_intercepts_change_nothing():
    """No family could differ between sites: the fit is the one without them, exact, and says so."""
    frame = ROWS | {"s": ["a", "a", "b", "b"]}
    survey = read(frame, chain(), site="s")
    sited = fit(chain(), survey, seed=1, draws=20)
    (said,) = sited.diagnostics.cautions
    assert "No node of graph 'chain' has an intercept that the 2 sites in 's' could share" in said
    assert "'mechanism: ordinal_logit'" in said
    told = describe(survey, chain())
    assert said in told.cautions
    assert "2 sites in 's': nothing is pooled." in told.fit
    assert sited.diagnostics.method == "exact"
    assert sited.sites is None
    np.testing.assert_array_equal(
        sited.cpt("y"), fit(chain(), read(ROWS, chain()), seed=1, draws=20).cpt("y")
    )


def test_the_site_is_the_first_cause_of_every_ordinal_node_and_of_no_other():
    graph = with_sites(chain("ordinal_logit"), ["a", "b", "c"])
    assert graph.parents("y") == (SITE, "x")
    assert graph.parents("x") == ()
    assert graph.node(SITE).states == ("a", "b", "c")


@pytest.mark.parametrize("sites", [128, 129])
def test_no_more_sites_are_pooled_than_a_code_tells_apart(sites):
    frame = {"x": ["no"] * sites, "y": ["no"] * sites, "c": [f"c{k:03}" for k in range(sites)]}
    survey = read(frame, chain("ordinal_logit"), site="c")
    if sites > 128:
        with pytest.raises(FitError, match="129 sites; at most 128"):
            survey_circuit(survey, tabulate(survey))
    else:
        assert survey_circuit(survey, tabulate(survey)).counts.sum() == 3 * sites


def test_too_many_sites_that_look_like_matched_sets_are_refused_as_such():
    """Whoever left out 'site' would get the odds ratio of unmatched people from pairs."""
    graph = replace(chain("ordinal_logit"), outcome="y")
    pairs = {
        "x": ["no", "yes"] * 150,
        "y": ["no", "yes"] * 150,
        "c": [f"c{k // 2:03}" for k in range(300)],
    }
    survey = read(pairs, graph, site="c")
    (said,) = (caution for caution in survey.cautions if "were matched" in caution)
    with pytest.raises(FitError, match="150 sites; at most 128") as refused:
        survey_circuit(survey, tabulate(survey))
    assert said in str(refused.value)
    assert "design: {kind: matched, set: c}" in str(refused.value)


def test_a_survey_of_another_graph_is_refused():
    graph = chain()
    nodes = (Node("x", TWO), Node("z", TWO))
    for other in (replace(graph, name="other"), CausalGraph("chain", nodes, ())):
        with pytest.raises(FitError, match=f"'chain'.*'{other.name}'"):
            prepare(other, read(ROWS, graph))
