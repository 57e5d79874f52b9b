"""Shapley shares: from the multilinear extension, and from orders."""

import itertools

import numpy as np
import pytest
from strategies import Brute

from backrisk.queries.attribution import shapley as module
from backrisk.queries.attribution.shapley import diagonal, sampled

EXACT = {"rtol": 0, "atol": 1e-12}


def random_game(rng, players, draws=3):
    subsets = [
        frozenset(s) for k in range(players + 1) for s in itertools.combinations(range(players), k)
    ]
    return {s: rng.normal(size=draws) for s in subsets}


def slopes_of(values, players, asked=None):
    """The slopes of the multilinear extension, by its definition."""

    def slopes(points):
        if asked is not None:
            asked.append(len(points))
        found = []
        for q in points:
            each = np.zeros((players, len(values[frozenset()])))
            for inside, value in values.items():
                for i in range(players):
                    others = inside - {i}
                    chance = q ** len(others) * (1 - q) ** (players - 1 - len(others))
                    each[i] += value * (chance if i in inside else -chance)
            found.append(each)
        return found

    return slopes


@pytest.mark.parametrize("players", range(1, 8))
def test_the_diagonal_gives_shapleys_shares(players):
    rng = np.random.default_rng(players)
    values = random_game(rng, players)
    total = values[frozenset(range(players))] - values[frozenset()]
    found = diagonal(slopes_of(values, players), players, total)
    for draw in range(3):
        named = {s: v[draw] for s, v in values.items()}
        np.testing.assert_allclose(found[:, draw], Brute.orders(range(players), named), **EXACT)


def test_few_points_are_kept_only_where_they_are_exact():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(6, 3))
    additive = {s: sum((weights[i] for i in s), np.zeros(3)) for s in random_game(rng, 6)}
    tangled = random_game(rng, 6)
    for values, expected in ((additive, [3]), (tangled, [3])):
        asked = []
        total = values[frozenset(range(6))] - values[frozenset()]
        diagonal(slopes_of(values, 6, asked), 6, total)
        assert asked == expected
    for players, values, expected in ((8, additive, [3]), (8, None, [3, 4])):
        values = (
            random_game(rng, 8)
            if values is None
            else {s: sum((weights[i % 6] for i in s), np.zeros(3)) for s in random_game(rng, 8)}
        )
        asked = []
        total = values[frozenset(range(8))] - values[frozenset()]
        found = diagonal(slopes_of(values, players, asked), players, total)
        assert asked == expected
        np.testing.assert_allclose(found.sum(axis=0), total, **EXACT)


def test_without_a_sum_to_be_met_three_points_do():
    rng = np.random.default_rng(1)
    values = {s: len(s) * np.ones(2) for s in random_game(rng, 12)}
    asked = []
    diagonal(slopes_of(values, 12, asked), 12, None)
    assert asked == [3]


def test_orders_are_played_until_the_error_is_small():
    """A player whose gains scatter more than its interval is wide needs every order allowed."""
    batches = []

    def play(orders, rng):
        batches.append([list(order) for order in orders])
        assert all(sorted(order) == [0, 1] for order in orders)
        return [np.array([[1.0, 1.0], [2.0, 2.0]]) + rng.normal() * spread for _ in orders]

    spread = 0.0
    shares, error, orders = sampled(play, 2, seed=0)
    assert shares.tolist() == [[1.0, 1.0], [2.0, 2.0]]
    assert error.tolist() == [0.0, 0.0]
    assert orders == 2 * module._ORDERS  # each with its reverse
    assert len(batches) == 1
    first = batches[0]
    batches.clear()
    spread = 100.0
    shares, error, orders = sampled(play, 2, seed=0)
    assert len(batches) == module._ROUNDS
    assert orders == 2 * module._ORDERS * module._ROUNDS
    assert batches[0] == first  # the same seed, the same orders
    assert (error > 1.0).all()
    count = module._ROUNDS * module._ORDERS
    np.testing.assert_allclose(error, 100 / np.sqrt(count), rtol=0.5)
