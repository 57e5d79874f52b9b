"""Sets of variables as bits, and the greedy order in which they are summed out."""

import itertools
import math

import numpy as np
import pytest

from backrisk.inference.elimination import LETTERS, Sets, bits, greedy


def variables(*names):
    return [(name, 0) for name in names]


def sets_of(**states):
    return Sets({(name, 0): size for name, size in states.items()})


@pytest.mark.parametrize("members", [0, 1, 2, 0b1011, 1 << 70 | 5])
def test_bits_are_the_places_of_ones(members):
    assert bits(members) == tuple(i for i in range(80) if members >> i & 1)


def test_letters_leave_those_of_people_and_draws():
    assert len(LETTERS) == len(set(LETTERS)) == 50
    assert not {"Y", "Z"} & set(LETTERS)
    assert all(len(letter) == 1 and letter.isalpha() for letter in LETTERS)


def test_sets_know_names_cells_and_weights():
    sets = sets_of(c=4, a=2, b=3)
    both = sets.set(variables("c", "a"))
    assert sets.names(both) == tuple(variables("a", "c"))
    assert (sets.cells(both), sets.weight(both)) == (8, 6)
    assert (sets.cells(0), sets.weight(0)) == (1, 0)


def test_fill_counts_the_cells_that_a_sum_would_link():
    """Of each pair of neighbours that shares no table: the product of their numbers of states."""
    rng = np.random.default_rng(0)
    for _ in range(30):
        states = {(f"v{i}", 0): int(rng.integers(2, 5)) for i in range(6)}
        sets, names = Sets(states), sorted(states)
        tables = [[v for v in names if rng.random() < 0.4] for _ in range(5)]
        near = sets.near(map(sets.set, tables))
        linked = {pair for table in tables for pair in itertools.permutations(table, 2)}
        for place, v in enumerate(names):
            others = {b for a, b in linked if a == v}
            new = (p for p in itertools.permutations(sorted(others), 2) if p not in linked)
            assert sets.fill(near, place) == sum(math.prod(states[u] for u in pair) for pair in new)


def order(sets, tables, leave=(), **rules):
    near = sets.near(sets.set(variables(*table)) for table in tables)
    left = (1 << len(sets.variables)) - 1 & ~sets.set(variables(*leave))
    merit = rules.pop("merit", sets.fill)
    return "".join(sets.variables[v][0] for v in greedy(sets, near, left, merit, **rules))


def test_a_chain_goes_from_its_ends():
    sets = sets_of(a=2, b=2, c=2, d=2)
    # No fill at either end; once a has gone, b is an end. Ties: the smaller table, then the first.
    assert order(sets, ["ab", "bc", "cd"]) == "abcd"
    assert order(sets_of(a=4, b=2, c=2, d=2), ["ab", "bc", "cd"]) == "dcab"
    assert order(sets, ["ab", "bc", "cd"], leave="a") == "dcb"


def test_the_hub_of_a_star_goes_last_but_one():
    sets = sets_of(h=2, p=2, q=2, r=2)
    assert order(sets, ["hp", "hq", "hr"]) == "pqhr"


def test_who_is_linked_by_a_sum_is_counted_anew():
    """The square a-b-c-d has no vertex without fill; the first one's sum links its neighbours."""
    sets = sets_of(a=2, b=3, c=2, d=3)
    near = sets.near(sets.set(variables(*pair)) for pair in ("ab", "bc", "cd", "da"))
    seen = []
    for v in greedy(sets, near, 0b1111, sets.fill):
        seen.append((sets.variables[v][0], sets.cells(near[v])))
    # The neighbours of b have 2 states each, those of a 3: to link b's fills fewer cells.
    assert seen == [("b", 12), ("a", 12), ("c", 6), ("d", 3)]


def test_a_variable_that_is_not_ready_is_left():
    sets = sets_of(a=2, b=2, c=2)
    never = order(sets, ["ab", "bc"], ready=lambda near, v: v != 0)
    assert never == "cb"


def test_the_least_merit_goes_first():
    sets = sets_of(a=2, b=2, c=2)
    assert order(sets, ["abc"], merit=lambda near, v: -v) == "cba"


def test_the_order_reaches_the_smallest_width_of_a_tree():
    """Min-fill is exact on trees: no table with more than two variables."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        edges = [(f"v{i:02}", f"v{int(rng.integers(i)):02}") for i in range(1, 15)]
        sets = Sets({(f"v{i:02}", 0): 2 for i in range(15)})
        near = sets.near(sets.set([(a, 0), (b, 0)]) for a, b in edges)
        assert max(sets.cells(near[v]) for v in greedy(sets, near, 2**15 - 1, sets.fill)) == 4
