"""What a fit over time takes, and what it says where exact sums are out of reach."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import backrisk as br
from backrisk.fitting import Cost, cost_of
from backrisk.likelihood import planner

GRAPH = br.CausalGraph.from_text("z -> x; x -> y; x[-1] -> x; y[-1] -> y")


def panel_of(frame):
    return br.read_panel(frame, GRAPH, id="who", time="t", every=1)


@pytest.fixture(scope="module")
def panel():
    """Six people in three periods; x is never known, y in all visits but one."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"who": np.repeat(range(6), 3), "t": np.tile(range(3), 6)})
    for name in ("z", "y"):
        frame[name] = np.array(["no", "yes"])[rng.integers(0, 2, 18)]
    frame.loc[0, "y"] = None
    return panel_of(frame)


def test_the_cost_is_that_of_the_fit(panel):
    cost = cost_of(GRAPH, panel, trait=False)
    assert (cost.people, cost.periods, cost.exact) == (6, 3, False)
    assert 1 <= cost.histories <= 6
    assert 0 < cost.steps <= cost.multiplications
    assert cost.milliseconds > 0
    assert cost_of(GRAPH, panel, trait=True).multiplications > cost.multiplications


def test_chains_that_do_not_run_side_by_side_take_longer():
    cost = Cost(1, 1, 2, 1, 1, exact=False, milliseconds=60)
    one, two = cost.minutes(1000, 4, 4), cost.minutes(1000, 4, 2)
    assert one == (7, 31)
    assert two == (14, 62)
    assert cost.minutes(1000, 4, 99) == one
    assert cost.minutes(1000, 3, 2) == two


@pytest.mark.parametrize("ask", [cost_of, lambda *a, **k: br.fit(*a, seed=1, **k)])
def test_what_has_to_be_carried_is_named(panel, monkeypatch, ask):
    monkeypatch.setattr(planner, "LARGEST_TABLE", 1)
    with pytest.raises(br.FitError) as refused:
        ask(GRAPH, panel, trait=True)
    told = str(refused.value)
    assert "'x' (unmeasured)" in told
    assert "'susceptibility' (unmeasured)" in told
    assert "the limit is 1." in told
    assert "'y'" not in told  # one visit of 18
    assert "'z'" not in told  # hands nothing on
    monkeypatch.undo()
    assert not cost_of(GRAPH, panel, trait=False).exact


def test_visits_that_were_not_made_are_counted_where_sums_are_out_of_reach(panel, monkeypatch):
    monkeypatch.setattr(planner, "LARGEST_TABLE", 1)
    with pytest.raises(br.FitError) as whole:
        cost_of(GRAPH, panel, trait=True)
    assert "between two visits" not in str(whole.value)
    gone = panel.codes.copy()
    moving = [GRAPH.names.index(name) for name in "xyz"]
    gone[np.ix_([1, 4], [1], moving)] = -1  # two people, in the second of three periods
    with pytest.raises(br.FitError, match="2 people have a period without any answer between"):
        cost_of(GRAPH, replace(panel, codes=gone), trait=True)
