"""A plan's steps use every table once, and its books say what carrying it out takes."""

import math

import numpy as np
import pytest
from strategies import random_graph, random_person, random_posterior

from backrisk.inference import World, steps
from backrisk.inference.plan import plan


def parts_of(seed):
    """Return the parts of a random plan: of one world or two, of one person or many."""
    rng = np.random.default_rng(80_000 + seed)
    graph = random_graph(rng, 7, density=0.4)
    people = (None, 5, 300)[seed % 3]
    seen = {n: graph.node(n).code(s) for n, s in random_person(rng, graph, 0.3).items()}
    cause = sorted(graph.ancestors(graph.outcome))[0]
    told = {graph.outcome: 0} if seed % 4 == 1 else {}
    if people:
        seen = {n: rng.integers(0, code + 1, people) for n, code in seen.items()}
    world = World(random_posterior(rng, graph), seen, {cause: 0} if seed % 4 else {}, told=told)
    rest = [world.variable(n) for n in graph.names if n not in {*seen, *told, cause}]
    plan.cache_clear()
    steps.ordered.cache_clear()
    found = world._plan(rest[:2])
    return [part for part in (found.main, *found.others) if part.sources]


@pytest.mark.parametrize("seed", range(40))
def test_books_say_what_the_steps_take(seed, monkeypatch):
    if seed % 2:  # a pair of worlds is summed out at last wherever one can be
        monkeypatch.setattr(steps, "_PAIR_PASSES", -1000)
    for part in parts_of(seed):
        sizes = dict(part.states)

        def cells(variables, sizes=sizes):
            return math.prod(sizes[v] for v in variables)

        def rows(known, part=part, sizes=sizes):
            return min(part.people, cells(known, sizes))

        first = len(part.sources)
        scopes = [source.scope for source in part.sources]
        known = [source.known for source in part.sources]
        taken = {
            i: cells(scope) * (steps._PAIR_COPIES if len(source.worlds) > 1 else 1)
            for i, (scope, source) in enumerate(zip(scopes, part.sources, strict=True))
        }
        held = {i: cells(scopes[i]) for i in part.paired}  # laid out ahead
        most = sum(held.values()) + max((taken[i] for i in held), default=0)
        work = sum(steps._PAIR_WORK * held[i] * rows(known[i]) for i in held)
        live = set(range(first))
        for step in part.steps:
            assert live.issuperset(step.inputs)
            assert len(set(step.inputs)) == len(step.inputs)
            live -= set(step.inputs)
            union = set().union(*(scopes[i] for i in step.inputs))
            left = set(part.keep).union(*(scopes[i] for i in live))
            assert union & left <= set(step.scope) <= union  # nothing is lost that is asked for
            assert set(step.known) == set().union(*(known[i] for i in step.inputs))
            fetched = [i for i in step.inputs if i < first and i not in held]
            passes, beside = 1, 0
            if isinstance(step, steps.Pairing):
                pair, about = step.inputs[:2]
                fetched.remove(pair)  # which is never laid out
                own = set(part.sources[pair].own)
                union -= own
                last = union & (set(part.keep) | set(scopes[about]))
                beside = cells(own) * cells(last)
                passes = math.prod(sizes[v] - 1 for v in own) + steps._PAIR_PASSES
                most = max(most, cells(union))
            new = cells(step.scope) + sum(taken[i] for i in fetched) + beside
            assert step.cells == new
            work += passes * cells(union) * rows(step.known)
            most = max(most, sum(held.values()) + new)
            for i in step.inputs:
                held.pop(i, None)
            live.add(len(scopes))
            held[len(scopes)] = cells(step.scope)
            scopes.append(step.scope)
            known.append(step.known)
        assert live == {len(scopes) - 1}
        assert set(scopes[-1]) == set(part.keep) & {v for scope in scopes for v in scope}
        assert part.known == known[-1]
        assert part.work == work
        assert part.cells == most
        assert cells(part.widest) >= max(map(cells, scopes))
    plan.cache_clear()
    steps.ordered.cache_clear()
