"""Steps that are the same are made once."""

import numpy as np
import pytest

from backrisk import CausalGraph
from backrisk.likelihood import build_circuit, size_of
from backrisk.likelihood.tape import Tape, _distinct

TWO = ["no", "yes"]


def test_a_step_that_was_made_keeps_its_address():
    tape = Tape(100)
    bases = np.array([[0, 4], [2, 4], [0, 4]])
    np.testing.assert_array_equal(tape.addresses(7, 3, bases), [100, 103, 100])
    assert tape.end == 106
    assert tape.steps == [(7, 100, 0), (7, 103, 2)]
    assert tape.bases == [0, 4, 2, 4]
    np.testing.assert_array_equal(tape.addresses(7, 3, bases[1:2]), [103])
    np.testing.assert_array_equal(tape.addresses(8, 1, bases[1:2]), [106])  # another template
    assert tape.end == 107


@pytest.mark.parametrize("scale", [1, 2**40])  # keys that fit, and keys that are renumbered
def test_distinct_rows_of_addresses(scale):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 3, (50, 4)) * scale
    first, which = _distinct(rows)
    assert len(first) == len(np.unique(rows, axis=0))
    np.testing.assert_array_equal(rows[first][which], rows)


def test_patterns_share_what_they_agree_on():
    """A chain a -> b -> c -> d with b and c unseen, and the same again."""
    graph = CausalGraph.from_edges([("a", "b"), ("b", "c"), ("c", "d")], dict.fromkeys("abcd", TWO))
    one = np.array([[0, -1, -1, 0]], dtype=np.int8)
    four = np.array([[a, -1, -1, d] for a in (0, 1) for d in (0, 1)], dtype=np.int8)
    single = size_of(build_circuit(graph, one, np.ones(1)))
    assert (single["steps"], single["roots"]) == (2, 1)
    shared = size_of(build_circuit(graph, four, np.ones(4)))
    # Each of two first sums serves two patterns: 2 + 4 steps, not 4 * 2.
    assert (shared["steps"], shared["roots"]) == (6, 4)
    assert shared["cells"] == 2 + 4 + 4 + 4 + 2 * 2 + 4 * 1
    twice = build_circuit(graph, np.concatenate([four, four]), np.arange(8.0))
    assert size_of(twice) == shared
    np.testing.assert_array_equal(np.sort(twice.root_weights), [4.0, 6.0, 8.0, 10.0])
