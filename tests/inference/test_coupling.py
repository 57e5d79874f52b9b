"""What two worlds share, from the definition of each coupling."""

import numpy as np
import pytest

from backrisk.inference.coupling import (
    at_places,
    coupled,
    coupled_causes,
    cumulated,
    laid_out,
    possible_pairs,
)

EXACT = {"rtol": 0, "atol": 1e-10}
OPEN = (None, None)


def rows(seed, states=3, rows=1, draws=6):
    """Two random CPT rows, (row, state, draw), and their CDFs without the last level."""
    rng = np.random.default_rng(seed)
    tables = rng.dirichlet(np.ones(states), size=(2, rows, draws)).swapaxes(-1, -2)
    return tables, [cumulated(table, positive=True) for table in tables]


def test_a_cdf_lacks_its_last_level():
    (table, _), (cdf, _) = rows(0, states=4)
    np.testing.assert_allclose(cdf, table.cumsum(axis=-2)[..., :-1, :], atol=1e-15)
    assert cumulated(table[..., :1, :], positive=True).shape[-2] == 0


@pytest.mark.parametrize("states", [2, 3, 5])
def test_monotone_is_one_uniform_number_for_both_worlds(states):
    """The state in each world is the first whose CDF reaches the same U: count a fine grid of U."""
    (here, there), cdfs = rows(states, states, draws=3)
    both = coupled(*cdfs, OPEN, "monotone")[0]
    grid = (np.arange(200_000) + 0.5) / 200_000
    for draw in range(3):
        i = np.searchsorted(here[0, :, draw].cumsum()[:-1], grid)
        j = np.searchsorted(there[0, :, draw].cumsum()[:-1], grid)
        share = np.zeros((states, states))
        np.add.at(share, (i, j), 1 / len(grid))
        np.testing.assert_allclose(both[..., draw], share, atol=1e-4)


def test_independent_is_the_product():
    (here, there), cdfs = rows(1)
    both = coupled(*cdfs, OPEN, "independent")
    np.testing.assert_allclose(both, here[:, :, None] * there[:, None], **EXACT)


def test_equal_rows_are_equal_states_where_noise_is_shared():
    (here, _), (cdf, _) = rows(2)
    both = coupled(cdf, cdf, OPEN, "monotone")
    np.testing.assert_allclose(both, here[:, :, None] * np.eye(3)[None, ..., None], **EXACT)
    causes = coupled_causes([(cdf, cdf)], OPEN)
    np.testing.assert_allclose(causes, both, **EXACT)


def test_independent_causes_are_the_largest_of_what_each_contributes():
    """Each cause is coupled by itself; the node in each world is the larger contribution."""
    _, leak = rows(3)
    _, cause = rows(4)
    both = coupled_causes([(leak[0], leak[0]), cause], OPEN)
    alone = [coupled(*pair, OPEN, "monotone")[0] for pair in ((leak[0], leak[0]), cause)]
    expected = np.zeros_like(both[0])
    for i, j, k, m in np.ndindex(3, 3, 3, 3):
        expected[max(i, k), max(j, m)] += alone[0][i, j] * alone[1][k, m]
    np.testing.assert_allclose(both[0], expected, **EXACT)


@pytest.mark.parametrize("coupling", ["monotone", "independent"])
@pytest.mark.parametrize("same", [True, False])
def test_known_states_are_entries_of_the_whole(coupling, same):
    _, cdfs = rows(5, rows=4)
    whole = coupled(*cdfs, OPEN, coupling)
    own = np.full(4, 2) if same else np.array([0, 2, 1, 2])
    row = np.arange(4)
    here = coupled(*cdfs, (own, None), coupling)
    np.testing.assert_allclose(here[:, 0], whole[row, own], **EXACT)
    there = coupled(*cdfs, (None, own), coupling)
    np.testing.assert_allclose(there[:, :, 0], whole[row, :, own], **EXACT)
    first = np.zeros(4, dtype=int)
    np.testing.assert_allclose(
        coupled(*cdfs, (own, first), coupling)[:, 0, 0], whole[row, own, 0], **EXACT
    )
    causes = coupled_causes([tuple(cdfs)], (own, None))
    np.testing.assert_allclose(causes[:, 0], coupled(*cdfs, OPEN, "monotone")[row, own], **EXACT)


def test_axes_are_laid_out_between_those_that_stay():
    a, b, c = (("a", 0), ("b", 0), ("c", 0))
    table = np.random.default_rng(0).random((5, 2, 3, 7, 4))  # row, a, b, level, draw
    found = laid_out(table, 1, [a, b], [b, c, a], 2)
    assert found.shape == (5, 3, 1, 2, 7, 4)
    np.testing.assert_array_equal(found[:, :, 0], table.swapaxes(1, 2))
    one = laid_out(table[..., 0], 1, [a, b, c], [a, b, c], 0)
    np.testing.assert_array_equal(one, table[..., 0])
    np.testing.assert_array_equal(
        laid_out(table[:, :, 0, 0], 1, [a], [b, a]), table[:, None, :, 0, 0]
    )


@pytest.mark.parametrize("seed", range(20))
def test_possible_pairs_are_all_there_is(seed):
    """Laid back where they came from, the places hold the whole joint table, draw by draw."""
    rng = np.random.default_rng(seed)
    here, there = rng.dirichlet(np.ones(3), size=(2, 1, 2, 6)).swapaxes(-1, -2)
    if seed % 2:  # an effect of one sign in all draws, so that every draw allows the same pairs
        here[..., 0, :] += 1
        here /= here.sum(axis=-2, keepdims=True)
    cdfs = [cumulated(side, positive=True) for side in (here, there)]
    joint = coupled(*cdfs, (None, None), "monotone")
    np.testing.assert_allclose(joint.sum(axis=-2), here, **EXACT)
    np.testing.assert_allclose(joint.sum(axis=-3), there, **EXACT)
    table, states = possible_pairs(joint)
    assert table.shape[-2] <= 9 - seed % 2
    back = np.zeros_like(joint)
    for draw in range(joint.shape[-1]):
        for place in range(table.shape[-2]):
            i, j = states[:, place, draw if states.shape[-1] > 1 else 0]
            back[..., i, j, draw] += table[..., place, draw]
    np.testing.assert_array_equal(back, joint)


def test_places_may_differ_from_draw_to_draw():
    table = np.arange(24.0).reshape(2, 3, 4)
    places = np.array([[0, 2, 1, 0], [1, 1, 1, 1]])
    found = at_places(table, 1, places)
    expected = np.take_along_axis(table, places[None], axis=1)
    np.testing.assert_array_equal(found, expected)
    same = at_places(table, 1, np.array([[2], [0]]))
    np.testing.assert_array_equal(same, table[:, [2, 0]])


def test_a_last_state_that_is_impossible_has_no_rounding_left():
    table = np.array([0.1] * 10 + [0.0, 0.0])[:, None]  # sums to less than 1 in floating point
    assert table[:10].cumsum()[-1] != 1
    cdf = cumulated(table, positive=False)
    np.testing.assert_array_equal(cdf[9:, 0], 1.0)
    both = coupled(cdf[None], cdf[None], (None, None), "monotone")[0, ..., 0]
    assert (both[10:] == 0).all()
    assert (both[:, 10:] == 0).all()
