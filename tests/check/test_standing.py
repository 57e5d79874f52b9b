"""A walk over the graphs one edge away: what is missing is found, what no data decide is said."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from backrisk import CausalGraph, Edge, Posterior, Prior, QueryError, Survey, fit, simulate
from backrisk.check import attribute_over, standing_graphs


def frame_of(seed, n=600, direct=True):
    """Three nodes: a causes b, b causes c, and a causes c besides where it is direct."""
    rng = np.random.default_rng(seed)
    words = np.array(["no", "yes"])
    a = rng.integers(2, size=n)
    b = (rng.random(n) < 0.3 + 0.4 * a).astype(int)
    c = (rng.random(n) < 0.2 + 0.3 * b + 0.3 * a * direct).astype(int)
    return pd.DataFrame({"a": words[a], "b": words[b], "c": words[c]})


@pytest.fixture(scope="module")
def chain():
    return CausalGraph.from_text("a -> b -> c")


def walked(chain, frame, **asked):
    survey = Survey.from_frame(frame, chain)
    return standing_graphs(fit(chain, survey, seed=1, draws=250), survey, **asked)


def test_an_omitted_edge_is_found_and_a_reversal_cannot_be_told(chain):
    found = walked(chain, frame_of(1))
    assert "stated" not in found.names
    assert "add a -> c" in found.names
    assert found.table.loc["reverse a -> b", "equivalent"] == "equivalent"
    assert found.table.loc["reverse b -> c", "equivalent"] == "different"
    assert "The graph as it is stated is not among them" in found.text
    assert "Contradicted" not in found.text  # beside a better graph, all others fall
    assert "cannot tell these apart" in found.text
    assert set(found.table["how"]) == {"stated", "shared"}


def test_nothing_is_found_where_nothing_is_missing(chain):
    found = walked(chain, frame_of(2, direct=False))
    assert {"stated", "reverse a -> b", "add a -> c"} <= set(found.names)
    assert {"drop a -> b", "drop b -> c"}.isdisjoint(found.names)
    assert "Contradicted: " in found.text
    assert "b has no effect of its own on c" in found.text
    shares = attribute_over(found.posteriors, {"a": "yes", "b": "yes"})
    assert set(shares.rows) <= {"a", "b"}
    assert len(shares.models) == len(found.names)


@pytest.mark.slow
def test_a_fit_goes_to_the_edge_that_the_data_call_for(core_graph, core_compiled):
    """Of four edges into the outcome, the one that is missing; its mediator is hidden."""
    missing = Edge("fatigue", "pain", "Direct.", "stated", "weak", Prior(1.3, 0.5))
    whole = replace(core_graph, edges=(*core_graph.edges, missing))
    frame = simulate(whole, 2000, seed=11).drop(columns="lumbar_load")
    survey = Survey.from_frame(frame, core_graph)
    sizes = {"draws": 500, "tune": 500, "chains": 2, "progress": False}
    posterior = fit(core_graph, survey, seed=1, compiled=core_compiled, **sizes)
    asked = {"causes": ["fatigue"], "kinds": ["add"], "most": 4, "draws": 600}
    found = standing_graphs(posterior, survey, fits=1, **asked)
    assert found.table["how"].to_dict()["add fatigue -> pain"] == "refitted"
    assert found.names[0] == "add fatigue -> pain"
    assert "stated" not in found.names


def test_a_budget_is_kept_and_told(chain):
    found = walked(chain, frame_of(2), most=2)
    assert len(found.tried) == 3
    assert found.left_out
    assert {each.why for each in found.left_out} == {"only 2 were to be tried"}
    assert "left out: only 2 were to be tried" in found.text


def test_what_no_cheap_way_reaches_is_left_out_and_told(chain):
    """Saturated families with gaps: nothing to move draws along."""
    frame = frame_of(2)
    frame.loc[:20, "b"] = ""
    survey = Survey.from_frame(frame, chain)
    rng = np.random.default_rng(0)
    posterior = Posterior(chain, rng.beta(3, 3, size=(200, 5)), np.zeros((200, 0)))
    with pytest.raises(QueryError, match="No graph near 'graph' could be tried"):
        standing_graphs(posterior, survey, kinds=["drop"])


def test_what_makes_no_walk_is_refused(chain):
    survey = Survey.from_frame(frame_of(1, n=50), chain)
    posterior = fit(chain, survey, seed=1, draws=50)
    cpts = {name: posterior.cpt(name) for name in chain.names}
    with pytest.raises(QueryError, match="not fitted"):
        standing_graphs(Posterior.from_cpts(chain, cpts), survey)
    with pytest.raises(QueryError, match="most is 0"):
        standing_graphs(posterior, survey, most=0)
    other = Survey.from_frame(frame_of(1, n=50), CausalGraph.from_text("a -> c; b -> c"))
    with pytest.raises(QueryError, match="read for graph"):
        standing_graphs(posterior, other)
    with pytest.raises(QueryError, match="sampling weights"):
        standing_graphs(posterior, replace(survey, weights=np.linspace(0.5, 1.5, survey.n)))
