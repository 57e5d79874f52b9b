"""Whether an effect is the same elsewhere, held to models in which one mechanism differs."""

import numpy as np
import pytest
from strategies import random_graph, random_posterior, seeds

from backrisk import CausalGraph, Posterior, QueryError
from backrisk.check import transportable
from backrisk.inference import World
from backrisk.queries import probability, read_target


def effect(posterior, cause, given, target):
    event = read_target(posterior.graph, target)
    return [
        probability(World(posterior, given, {cause: state}), event)[0]
        for state in range(len(posterior.graph.node(cause).states))
    ]


@pytest.mark.parametrize("seed", seeds(6, 60))
def test_a_mechanism_is_needed_if_and_only_if_another_one_changes_the_effect(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 5)
    here, other = (random_posterior(rng, graph, 1) for _ in range(2))
    target = graph.names[-1]
    cause = sorted(graph.ancestors(target))[int(rng.integers(len(graph.ancestors(target))))]
    free = [n for n in graph.names if n not in (cause, target, *graph.descendants(cause))]
    given = {n: 0 for n in free if rng.random() < 0.5}
    found = transportable(graph, graph.names, cause, target=target, given=tuple(given))
    for name in graph.names:
        cpts = {n: (other if n == name else here).cpt(n) for n in graph.names}
        there = Posterior.from_cpts(graph, cpts)
        same = np.allclose(
            effect(here, cause, given, target), effect(there, cause, given, target), atol=1e-9
        )
        assert same == (name not in found.needed)


def test_it_is_worded():
    graph = CausalGraph.from_text("age -> strength; age -> pain; strength -> pain")
    told = transportable(graph, ["age"], "strength")
    assert not told.direct
    assert "is not the same there: it depends on how age" in told.text
    within = transportable(graph, ["age"], "strength", given="age")
    assert within.text.startswith("Given age, the effect of strength on pain is the same")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"differs": ["ages"]}, "'differs' names 'ages'.*did you mean 'age'"),
        ({"cause": "pain"}, "is not a cause"),
        ({"cause": "age", "given": "strength"}, "'age' changes 'strength'"),
        ({"target": "bone"}, "is not a node"),
    ],
)
def test_what_makes_no_question_is_refused(asked, said):
    graph = CausalGraph.from_text("age -> strength; age -> pain; strength -> pain")
    with pytest.raises(QueryError, match=said):
        transportable(graph, **{"differs": ["age"], "cause": "strength", **asked})
