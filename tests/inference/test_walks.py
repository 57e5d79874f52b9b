"""Worlds that are walked through by sampling, against enumeration of everyone's noise."""

from importlib import import_module

import numpy as np
import pytest
from strategies import seeds
from test_second_world import asked, values

from backrisk.inference import forget, walks

module = import_module("backrisk.inference.walks")
TIMES, SAMPLES = 40, 500
# Student's t has 1 in 300,000 beyond 5.5 standard errors; and what comes about more than 12 times
# on average is missed by all samples once in 160,000 times.
ERRORS, RARE = 5.5, 12 / (TIMES * SAMPLES)


def gains(truth, switches, order):
    """Return what turning each switch on adds: the mean of an order and its reverse."""
    found = np.zeros(len(switches))
    for places in (order, order[::-1]):
        on = frozenset()
        for place in places:
            after = on | {switches[place]}
            found[place] += (truth[after] - truth[on]) / 2
            on = after
    return found


@pytest.mark.parametrize("seed", seeds(24, 90))
def test_walks_estimate_what_each_switch_adds(seed):
    world, rng = asked(seed), np.random.default_rng(seed)
    order = rng.permutation(len(world.switches)).tolist()
    found = np.array(walks(world, [order] * TIMES, SAMPLES, rng))
    assert found.shape == (TIMES, len(order), world.tables.draws)
    error = found.std(axis=0, ddof=1) / np.sqrt(TIMES)
    for draw in range(world.tables.draws):
        expected = gains(values(world, draw), world.switches, order)
        gap = np.abs(found[..., draw].mean(axis=0) - expected)
        assert (gap <= ERRORS * error[:, draw] + RARE).all()


def test_each_order_has_samples_of_its_own():
    world = asked(11)
    orders = [list(range(len(world.switches)))] * 3
    found = walks(world, orders, 10, np.random.default_rng(0))
    assert len({gained.tobytes() for gained in found}) == 3
    again = walks(world, orders, 10, np.random.default_rng(0))
    np.testing.assert_array_equal(again, found)


def test_what_is_drawn_of_the_first_world_is_drawn_once_for_all_second_ones(monkeypatch):
    world, calls = asked(11), []
    inner = module.drawn
    monkeypatch.setattr(module, "drawn", lambda *given: calls.append(1) or inner(*given))
    order = list(range(len(world.switches)))
    forget()
    alone = walks(world, [order], 10, np.random.default_rng(1))
    for _ in range(2):
        beside = walks(world, [order], 10, np.random.default_rng(1))
        np.testing.assert_array_equal(beside, alone)
    assert len(calls) == 1
    walks(world, [order], 10, np.random.default_rng(2))
    assert len(calls) == 2  # by other numbers
    for seed in range(3, 3 + module._KEPT):  # the last few are kept
        walks(world, [order], 10, np.random.default_rng(seed))
    walks(world, [order], 10, np.random.default_rng(1))
    assert len(calls) == 2 + module._KEPT + 1
