"""A sum looks up before each step, and can be ended there."""

import threading

import numpy as np
import pytest

import backrisk as br
from backrisk.inference import World, run, watched

GRAPH = br.CausalGraph.from_edges(
    [("a", "b"), ("b", "c"), ("a", "c")],
    {name: ["no", "yes"] for name in "abc"},
    outcome="c",
)
RNG = np.random.default_rng(1)
POSTERIOR = br.Posterior.from_cpts(
    GRAPH,
    {n: RNG.dirichlet([1, 1], (3, *(2 for _ in GRAPH.parents(n)))) for n in GRAPH.names},
)
QUESTIONS = {
    "risk": lambda: br.risk(POSTERIOR, {"b": "yes"}),
    "intervene": lambda: br.intervene(POSTERIOR, {}, {"b": "no"}),
    "counterfactual": lambda: br.counterfactual(POSTERIOR, {"c": "yes"}, {"a": "no"}),
    "shapley": lambda: br.attribute(POSTERIOR, {"c": "yes"}),
    "necessity": lambda: br.attribute(POSTERIOR, {"c": "yes"}, method="necessity"),
    "recommend": lambda: br.recommend(POSTERIOR, {"b": "yes"}),
    "ask next": lambda: br.ask_next(POSTERIOR, {}),
}


class Ended(Exception):
    """What a look raises."""


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_can_be_ended_at_each_of_its_steps(name):
    ask = QUESTIONS[name]
    before, steps = ask().draws, []
    with watched(steps.append):
        assert np.array_equal(ask().draws, before)
    assert steps
    assert {node for nodes in steps for node in nodes} <= set(GRAPH.names)
    for last in range(0, len(steps), max(len(steps) // 5, 1)):
        left = iter(range(last))

        def look(nodes, left=left):
            if next(left, None) is None:
                raise Ended

        with pytest.raises(Ended), watched(look):
            ask()
    assert np.array_equal(ask().draws, before)


def test_who_is_watched_is_told_to_no_other_thread():
    told = []
    with watched(told.append):
        asking = threading.Thread(target=QUESTIONS["risk"])
        asking.start()
        asking.join()
    assert not told


def test_the_threads_of_a_sum_look_up_for_whoever_asked(monkeypatch):
    """Each chunk of draws looks at every step, on whichever thread it is worked on."""
    monkeypatch.setattr(run, "_FEW", 1)
    monkeypatch.setattr(run, "_CACHE", 1)
    monkeypatch.setattr(run, "_GIVEN", 1)
    told = {}
    for count in (1, 2):
        monkeypatch.setattr(run, "workers", lambda worth, count=count: count)
        steps = told[count] = []
        with watched(steps.append):
            World(POSTERIOR, {"b": 1}, {}).joint([("c", 0)])
    assert told[1]
    assert sorted(told[2]) == sorted(told[1])
