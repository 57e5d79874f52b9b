"""Where tables lie in the buffer of the compiled loops, and in which parts their axes are cut."""

import itertools
import math

import numpy as np
import pytest

from backrisk.inference import tape
from backrisk.inference.circuits import Product
from backrisk.inference.tape import LOAD, STORE, laid_down

V, W, X = ((name, 0) for name in "vwx")


@pytest.mark.parametrize("seed", range(10))
def test_tables_lie_apart_and_gaps_are_whole(seed):
    rng, room, live = np.random.default_rng(seed), tape._Room(), {}
    for number in range(60):
        if live and rng.random() < 0.5:
            gone = list(live)[int(rng.integers(len(live)))]
            room.give(*live.pop(gone))
        else:
            cells = int(rng.integers(1, 9))
            before, end = list(room.free), room.end
            start = room.take(cells)
            fits = [size for _, size in before if size >= cells]
            if fits:  # the smallest gap that holds it
                assert (start, min(fits)) in before
                assert room.end == end
            else:  # from the last table that is in use
                assert start == max((at + size for at, size in live.values()), default=0)
                assert room.end == max(end, start + cells)
            live[number] = start, cells
        used = [cell for start, cells in live.values() for cell in range(start, start + cells)]
        assert len(used) == len(set(used))
        free = [cell for start, cells in room.free for cell in range(start, start + cells)]
        assert sorted(used + free) == list(range(room.end))
        assert all(a + cells < b for (a, cells), (b, _) in itertools.pairwise(room.free))


def test_what_is_asked_for_is_stored_once_however_often():
    """A source and a result, each twice, and each where the roots of its number begin."""
    products = [Product((0,), (V,))]
    found = laid_down([(V, W)], products, [1, 0, 1], {V: 2, W: 3}, [1, 1])
    kinds = found.steps[:, 0].tolist()
    assert kinds.count(LOAD) == 1
    assert kinds.count(STORE) == 2
    assert found.work == 6
    first, second = found.roots[0], found.roots[1]
    assert found.roots[2] == first
    assert abs(first - second) >= 2


def test_long_axes_are_cut_so_that_no_list_is_as_long_as_the_table(monkeypatch):
    monkeypatch.setattr(tape, "_INNER", 12)
    sizes = {V: 5, W: 4, X: 3}
    assert tape._cut((V, W, X), sizes) == ((V,), (W, X))
    assert tape._cut((V, X), sizes) == ((V,), (X,))
    assert tape._cut((W, X), sizes) == ((), (W, X))
    assert tape._cut((), sizes) == ((), ())
    found = laid_down([(V, W, X)], [Product((0,), (V, W, X))], [1], sizes, [1, 1])
    assert len(found.places) == 5 + 12 + 1 + 1
    assert found.places.max() == 4 * 12  # of the outer part
    at = tape._strides((V, W, X), sizes)
    assert at == {V: 12, W: 3, X: 1}
    assert tape._places((X, V), at, sizes).tolist() == [
        x + 12 * v for x in range(3) for v in range(5)
    ]


def test_the_buffer_is_no_larger_than_what_is_needed_at_once():
    """Of a chain of sums only two tables are needed at any moment."""
    names = [(f"n{i}", 0) for i in range(12)]
    sizes = dict.fromkeys(names, 3)
    sources = list(itertools.pairwise(names))
    products, last = [], 0
    for i in range(1, len(sources)):
        products.append(Product((last, i), (names[i + 1],)))
        last = len(sources) + i - 1
    found = laid_down(sources, products, [last], sizes, [1] * (last + 1))
    assert found.cells <= 9 + 9 + 3
    assert found.work == sum(
        math.prod(sizes[v] for v in {*sources[i], *((names[0],) if i == 1 else ()), names[i + 1]})
        for i in range(1, len(sources))
    )
