"""A circuit gives the same roots by compiled loops, by NumPy, and by one sum over all variables."""

import itertools
import math
import sys
import threading

import numpy as np
import pytest

from backrisk.inference import circuits, get_ready, threads, watched
from backrisk.inference.circuits import Drafted, Product, QueryCircuit, Readings, evaluated
from backrisk.inference.coupling import coupled
from backrisk.inference.drawing import one_state
from backrisk.inference.elimination import LETTERS
from backrisk.inference.intervals import at_each, shared_lengths
from backrisk.inference.tape import laid_down


def random_circuit(rng):
    """Draft products of random tables, each used by what comes later, and ask for some of them."""
    variables = [(f"v{i}", 0) for i in range(int(rng.integers(1, 7)))]
    sizes = {v: int(rng.integers(1, 5)) for v in variables}

    def scope():
        some = rng.permutation(len(variables))[: rng.integers(0, min(5, len(variables)) + 1)]
        return tuple(variables[i] for i in some)

    draft = Drafted([scope() for _ in range(int(rng.integers(1, 6)))], sizes)
    asked = []
    for _ in range(int(rng.integers(1, 8))):
        inputs = rng.choice(len(draft.scopes), int(rng.integers(1, 5)))
        keep = {v for v in variables if rng.random() < 0.6}
        asked.append(draft.multiplied(list(dict.fromkeys(map(int, inputs))), {*keep, None}))
    roots = [asked[-1], *(table for table in asked[:-1] if rng.random() < 0.5)]
    return draft.circuit(roots)


def summed_at_once(circuit, tables):
    """Return each root by `numpy.einsum` over all the sources that it is a product of."""
    letters = dict(zip((v for v, _ in circuit.sizes), LETTERS, strict=False))
    known = {
        i: ("".join(letters[v] for v in s), t)
        for i, (s, t) in enumerate(zip(circuit.sources, tables, strict=True))
    }
    for number, product in enumerate(circuit.products, start=len(tables)):
        parts = [known[i] for i in product.inputs]
        kept = "".join(letters[v] for v in product.scope)
        text = f"{','.join(scope + 'Z' for scope, _ in parts)}->{kept}Z"
        known[number] = kept, np.einsum(text, *(table for _, table in parts), optimize=True)
    return [known[root][1] for root in circuit.roots]


def sources_of(circuit, rng, draws):
    sizes = dict(circuit.sizes)
    return [
        rng.random((*(sizes[v] for v in scope), 1 if rng.random() < 0.2 else draws))
        for scope in circuit.sources
    ]


@pytest.mark.parametrize("seed", range(60))
def test_both_ways_give_what_one_sum_gives(seed):
    rng = np.random.default_rng(seed)
    circuit, draws = random_circuit(rng), int(rng.integers(1, 60))
    tables = sources_of(circuit, rng, draws)
    expected = summed_at_once(circuit, tables)
    for compiled in (False, True):
        found = evaluated(circuit, tables, draws, compiled=compiled)
        for got, want in zip(found, expected, strict=True):
            want = np.broadcast_to(want, np.broadcast_shapes(want.shape, got.shape))
            np.testing.assert_allclose(np.broadcast_to(got, want.shape), want, rtol=1e-12)


@pytest.mark.parametrize("seed", range(25))
def test_rows_are_read_where_they_are_told_to_be(seed):
    rng = np.random.default_rng(400 + seed)
    circuit, draws = random_circuit(rng), int(rng.integers(1, 20))
    counts = [int(rng.integers(1, 4)) for _ in circuit.sources]
    rows = {}
    for number, product in enumerate(circuit.products, start=len(counts)):
        most = max(counts[i] for i in product.inputs)
        counts.append(1 if most == 1 else int(rng.integers(most, 5)))
        for i in product.inputs:
            if counts[i] > 1:
                rows[number, i] = rng.integers(0, counts[i], counts[number])
    sizes = dict(circuit.sizes)
    tables = [
        rng.random((count, *(sizes[v] for v in scope), draws))
        for count, scope in zip(counts, circuit.sources, strict=False)
    ]
    readings = Readings(tuple(counts), rows)
    plain, lanes = (
        evaluated(circuit, tables, draws, readings, compiled=compiled) for compiled in (False, True)
    )
    for root, one, other in zip(circuit.roots, plain, lanes, strict=True):
        assert other.shape[0] == counts[root]
        np.testing.assert_allclose(np.broadcast_to(one, other.shape), other, rtol=1e-12)
    # And a row is what a circuit of that row alone gives.
    for at in range(counts[circuit.roots[0]]):
        alone = {circuit.roots[0]: at}
        for number in reversed(range(len(circuit.sources), len(counts))):
            if number in alone:
                for i in circuit.products[number - len(circuit.sources)].inputs:
                    read = rows[number, i][alone[number]] if (number, i) in rows else 0
                    if alone.setdefault(i, read) != read:
                        return  # read twice, in two of its rows: no circuit of one row
        some = [table[alone.get(i, 0)] for i, table in enumerate(tables)]
        (found, *_) = evaluated(circuit, some, draws, compiled=False)
        np.testing.assert_allclose(lanes[0][at], found, rtol=1e-12)


def test_a_product_is_formed_once_whoever_asks():
    a, b, c = ((name, 0) for name in "abc")
    draft = Drafted([(a, b), (b, c)], {a: 2, b: 3, c: 4})
    first = draft.multiplied([0, 1], {a, c})
    assert draft.multiplied([1, 0], {c, a, None}) == first
    assert draft.multiplied([0], {a, b}) == 0  # nothing to sum
    assert len(draft.circuit([first]).products) == 1
    assert draft.circuit([first]).work == 24


def test_what_is_summed_early_is_not_carried_on():
    names = [(name, 0) for name in "abcd"]
    sizes = dict.fromkeys(names, 5)
    draft = Drafted(list(itertools.pairwise(names)), sizes)
    draft.multiplied([0, 1, 2], {names[0]})
    assert max(math.prod(sizes[v] for v in p.scope) for p in draft.products) <= 25


def test_cells_of_the_buffer_are_used_again():
    v, w = ("v", 0), ("w", 0)
    products = [Product((0 if i == 0 else i,), (v, w)) for i in range(40)]
    tape = laid_down([(v, w)], products, [40], {v: 3, w: 3}, [1] * 41)
    assert tape.cells <= 3 * 9
    circuit = QueryCircuit(((v, w),), tuple(products), (40,), ((v, 3), (w, 3)))
    table = np.random.default_rng(1).random((3, 3, 7))
    np.testing.assert_array_equal(evaluated(circuit, [table], 7, compiled=True)[0], table)


def test_the_last_draws_that_fill_no_block_are_as_exact(monkeypatch):
    monkeypatch.setattr(circuits, "_WORTH_SHARING", 0)
    monkeypatch.setattr(threads, "THREADS", 3)
    a, b = ("a", 0), ("b", 0)
    draft = Drafted([(a, b), (b,)], {a: 2, b: 3})
    circuit = draft.circuit([draft.multiplied([0, 1], {a})])
    rng = np.random.default_rng(2)
    for draws in (1, 15, 16, 17, 100):
        tables = [rng.random((2, 3, draws)), rng.random((3, draws))]
        (found,) = evaluated(circuit, tables, draws, compiled=True)
        np.testing.assert_allclose(found, np.einsum("abz,bz->az", *tables), rtol=1e-13)


def test_whoever_asked_is_looked_up_before_the_loops_and_can_end_them():
    a = ("a", 0)
    draft = Drafted([(a,)], {a: 2})
    circuit = draft.circuit([draft.multiplied([0], set())])
    told = []
    with watched(told.append):
        evaluated(circuit, [np.ones((2, 5))], 5, compiled=True)
    assert ("a",) in told

    def end(nodes):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), watched(end):
        evaluated(circuit, [np.ones((2, 5))], 5, compiled=True)


def test_what_has_no_room_for_a_block_of_draws_is_carried_out_product_by_product(monkeypatch):
    rng = np.random.default_rng(8)
    circuit = random_circuit(rng)
    tables = sources_of(circuit, rng, 20)
    expected = evaluated(circuit, tables, 20, compiled=False)
    monkeypatch.setattr(circuits, "BUDGET", 8 * 16 - 1)
    for got, want in zip(evaluated(circuit, tables, 20, compiled=True), expected, strict=True):
        np.testing.assert_array_equal(got, want)


def test_many_threads_may_carry_out_one_circuit():
    rng = np.random.default_rng(3)
    circuit = random_circuit(rng)
    tables = sources_of(circuit, rng, 40)
    expected = evaluated(circuit, tables, 40, compiled=True)
    found = {}

    def ask(i):
        found[i] = evaluated(circuit, tables, 40, compiled=True)

    asking = [threading.Thread(target=ask, args=(i,)) for i in range(6)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    for roots in found.values():
        for got, want in zip(roots, expected, strict=True):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("seed", range(40))
def test_shared_lengths_are_those_of_the_intervals(seed):
    rng = np.random.default_rng(seed)
    rows, draws = int(rng.integers(1, 4)), int(rng.integers(1, 9))
    levels = rng.integers(1, 4, 2)
    axes = [tuple(int(n) if rng.random() < 0.6 else 1 for n in (3, 2, 4)) for _ in range(2)]
    full = np.broadcast_shapes(*axes)

    def cdf(own, count):
        many = (rows if rng.random() < 0.7 else 1, *own)
        table = np.sort(rng.random((*many, draws, count)), axis=-1)
        return np.moveaxis(table, -1, -2)

    here, there = (cdf(own, int(count)) for own, count in zip(axes, levels, strict=True))
    owns = [rng.integers(0, int(n) + 1, rows) if rng.random() < 0.5 else None for n in levels]
    found = shared_lengths(here, there, owns)
    assert found.shape[1:4] == full

    def ends(table):
        return np.concatenate(
            [np.zeros_like(table[..., :1, :]), table, np.ones_like(table[..., :1, :])], -2
        )

    a, b = (
        np.broadcast_to(ends(t), (len(found), *full, t.shape[-2] + 2, draws)) for t in (here, there)
    )
    for row in range(len(found)):
        first = range(levels[0] + 1) if owns[0] is None else [owns[0][row]]
        second = range(levels[1] + 1) if owns[1] is None else [owns[1][row]]
        for (i, m), (j, n) in itertools.product(enumerate(first), enumerate(second)):
            high = np.minimum(a[row, ..., m + 1, :], b[row, ..., n + 1, :])
            low = np.maximum(a[row, ..., m, :], b[row, ..., n, :])
            np.testing.assert_allclose(
                found[row, ..., i, j, :], np.maximum(high - low, 0), atol=1e-15
            )


def test_the_coupling_is_the_same_with_a_compiler_and_without(monkeypatch):
    rng = np.random.default_rng(5)
    here, there = (np.sort(rng.random((2, 3, 9, 3)), -1).swapaxes(-1, -2) for _ in range(2))
    found = coupled(here, there, (None, np.array([0, 2])), "monotone")
    monkeypatch.delitem(sys.modules, "numba")
    plain = coupled(here, there, (None, np.array([0, 2])), "monotone")
    np.testing.assert_allclose(found, plain, atol=1e-15)


def test_a_root_that_is_a_source_needs_no_product(monkeypatch):
    monkeypatch.setattr(circuits, "_AT_ONCE", 1)
    a = ("a", 0)
    table = np.random.default_rng(4).random((3, 40))
    circuit = Drafted([(a,)], {a: 3}).circuit([0])
    for compiled in (False, True):
        (found,) = evaluated(circuit, [table], 40, compiled=compiled)
        np.testing.assert_array_equal(found, table)


@pytest.mark.parametrize("count", [1, 3])
def test_long_work_looks_up_on_its_way(count, monkeypatch):
    """As often as there are pieces, before each but the first; what it raises ends the work."""
    monkeypatch.setattr(circuits, "_AT_ONCE", 1)  # a piece is a block of 16 draws
    monkeypatch.setattr(circuits, "_WORTH_SHARING", 0)
    monkeypatch.setattr(threads, "THREADS", count)
    a, b = ("a", 0), ("b", 0)
    draft = Drafted([(a, b)], {a: 2, b: 2})
    circuit = draft.circuit([draft.multiplied([0], {a})])
    table, told = np.ones((2, 2, 60)), []
    evaluated(circuit, [table], 60, look=told.append, compiled=True)
    assert told == [(a, b)] * (1 + 3)

    def end(variables):
        told.append(variables)
        if len(told) == 3:
            raise KeyboardInterrupt

    told.clear()
    with pytest.raises(KeyboardInterrupt):
        evaluated(circuit, [table], 60, look=end, compiled=True)


def test_a_product_over_as_many_cells_is_formed_on_the_way():
    """A product that sums nothing is not laid out where its only reader has no more cells."""
    a, b, c = ((name, 0) for name in "abc")
    sizes = {a: 2, b: 3, c: 4}
    sources = [(a, b), (b,), (a,), (c,)]
    kept = Product((0, 1), (a, b))  # nothing summed

    def taped(*products, roots=None, counts=None):
        many = len(sources) + len(products)
        tape = laid_down(sources, products, roots or [many - 1], sizes, counts or [1] * many)
        return sum(1 <= kind <= 3 for kind in tape.steps[:, 0]), tape.work

    assert taped(kept, Product((4, 2), (a,))) == (1, 6)
    assert taped(kept, Product((4, 3), (a,))) == (2, 6 + 24)  # over more cells
    assert taped(kept, Product((4, 2), (a,)), Product((4, 5), ())) == (3, 18)  # read twice
    assert taped(kept, Product((4, 2), (a,)), roots=[4, 5]) == (2, 12)  # asked for itself
    assert taped(Product((0, 1), (a,)), Product((4, 2), (a,))) == (2, 6 + 2)  # sums something
    assert taped(Product((0, 1, 2), (a, b)), Product((4, 2), (a,))) == (2, 12)  # four inputs
    rows = [2, 1, 1, 1, 2, 2]
    assert taped(kept, Product((4, 2), (a,)), counts=rows) == (2, 24)  # of several people


def test_a_piece_is_as_long_as_may_pass_between_two_looks(monkeypatch):
    a, b = ("a", 0), ("b", 0)
    draft = Drafted([(a, b)], {a: 2, b: 3})
    circuit = draft.circuit([draft.multiplied([0], {a})])  # passes over 6 cells of each draw
    table = np.random.default_rng(6).random((2, 3, 100))
    for at_once, pieces in ((6 * 48, 3), (6 * 48 - 1, 4), (6 * 112, 1), (1, 7)):
        monkeypatch.setattr(circuits, "_AT_ONCE", at_once)
        told = []
        (found,) = evaluated(circuit, [table], 100, look=told.append, compiled=True)
        np.testing.assert_allclose(found, table.sum(axis=1), rtol=1e-14)
        assert told == [(a, b)] * pieces  # once before all, and before each piece but the first


def test_as_many_threads_share_the_work_as_have_room(monkeypatch):
    a, b = ("a", 0), ("b", 0)
    draft = Drafted([(a, b)], {a: 2, b: 3})
    circuit = draft.circuit([draft.multiplied([0], {a})])
    table = np.random.default_rng(7).random((2, 3, 100))
    room = 8 * circuits._tape(circuit, (1, 1)).cells * 16
    made = []
    inner = threads.ThreadPoolExecutor
    monkeypatch.setattr(threads, "ThreadPoolExecutor", lambda n: made.append(n) or inner(n))
    monkeypatch.setattr(threads, "THREADS", 4)
    monkeypatch.setattr(circuits, "_WORTH_SHARING", 6 * 100 - 1)

    def shared_by(budget):
        made.clear()
        monkeypatch.setattr(circuits, "BUDGET", budget)
        (found,) = evaluated(circuit, [table], 100, compiled=True)
        np.testing.assert_allclose(found, table.sum(axis=1), rtol=1e-14)
        return made

    assert shared_by(4 * room) == shared_by(9 * room) == [4]
    assert shared_by(3 * room) == shared_by(4 * room - 1) == [3]
    assert shared_by(2 * room - 1) == []
    asking = threading.Thread(target=shared_by, args=(4 * room,))
    asking.start()
    asking.join()
    assert made == []  # who asks from a thread of their own has shared the cores out already
    monkeypatch.setattr(circuits, "_WORTH_SHARING", 6 * 100)
    assert shared_by(4 * room) == []


@pytest.mark.parametrize("seed", range(20))
def test_entries_at_places_are_taken_draw_by_draw(seed):
    rng = np.random.default_rng(600 + seed)
    shape, axis = tuple(int(n) for n in rng.integers(1, 5, 4)), int(rng.integers(0, 3))
    draws = 1 if seed % 4 == 0 else shape[-1]  # of a table that is the same in all, too
    table = np.asfortranarray(rng.random((*shape[:-1], draws)))
    places = rng.integers(0, shape[axis], (int(rng.integers(1, 7)), shape[-1]))
    found = at_each(table, axis, places)
    assert found.shape == (*shape[:axis], len(places), *shape[axis + 1 : -1], shape[-1])
    for at in np.ndindex(found.shape):
        there = (*at[:axis], places[at[axis], at[-1]], *at[axis + 1 : -1], min(at[-1], draws - 1))
        assert found[at] == table[there]


@pytest.mark.parametrize("seed", range(20))
def test_lengths_at_places_are_those_of_the_entries_there(seed):
    """Whether places differ from draw to draw or not, and whether an axis is there or not."""
    rng = np.random.default_rng(700 + seed)
    draws, states = 5, [int(n) for n in rng.integers(1, 4, 2)]
    levels = rng.integers(1, 4, 2)
    here, there = (
        np.moveaxis(
            np.sort(rng.random((2, *(n if rng.random() < 0.7 else 1 for n in states), draws, k))),
            -1,
            -2,
        )
        for k in levels
    )
    places = {
        axis: rng.integers(0, n, (2, int(rng.integers(1, 6)), draws if rng.random() < 0.6 else 1))
        for axis, n in enumerate(states, start=1)
        if rng.random() < 0.8
    }
    owns = [rng.integers(0, k + 1, 2) if rng.random() < 0.4 else None for k in levels]

    def moved(table, side):
        for axis, each in places.items():
            one = np.broadcast_to(each[side], (each.shape[1], draws))
            axes = (*table.shape[:axis], states[axis - 1], *table.shape[axis + 1 :])
            table = at_each(np.broadcast_to(table, axes), axis, one)
        return table

    found = shared_lengths(here, there, owns, places)
    expected = shared_lengths(moved(here, 0), moved(there, 1), owns)
    np.testing.assert_allclose(np.broadcast_to(found, expected.shape), expected, atol=1e-15)


def test_each_product_is_told_before_it_is_formed():
    """By NumPy one after the other, by the loops all at once."""
    a, b, c = ((name, 0) for name in "abc")
    draft = Drafted([(a, b), (b, c)], {a: 2, b: 2, c: 2})
    first = draft.multiplied([0], {b})
    circuit = draft.circuit([draft.multiplied([first, 1], {c})])
    tables = [np.ones((2, 2, 5)), np.ones((2, 2, 5))]
    for compiled in (False, True):
        told = []
        evaluated(circuit, tables, 5, look=told.append, compiled=compiled)
        assert told == [(a, b), (b, c)]


def test_who_got_ready_is_answered_by_compiled_loops(monkeypatch):
    get_ready()
    assert circuits.worth_compiling(0)
    monkeypatch.delitem(sys.modules, "numba")
    assert not circuits.worth_compiling(10**9)  # is faster than the import
    assert circuits.worth_compiling(10**9 + 1)


@pytest.mark.parametrize("kind", [np.float32, np.int64])
def test_the_loops_take_tables_of_any_kind_of_number(kind):
    rng = np.random.default_rng(6)
    table = rng.integers(0, 2, (4, 3, 5)).astype(kind)
    places = rng.integers(0, 3, (2, 5))
    plain = np.take_along_axis(table, np.broadcast_to(places, (4, 2, 5)), axis=1)
    np.testing.assert_array_equal(at_each(table, 1, places), plain)
    sides = np.sort(rng.integers(0, 2, (2, 1, 3, 2, 5)), axis=-2).astype(kind)
    found = shared_lengths(*sides, (None, None))
    np.testing.assert_array_equal(found, shared_lengths(*sides.astype(float), (None, None)))
    a, b = ("a", 0), ("b", 0)
    known, numbers = {b: rng.integers(0, 3, (6, 5)).astype(np.int16)}, rng.random((6, 1))
    drawn = one_state([((a, b), 1 + table)], a, known, numbers)
    exact = one_state([((a, b), 1.0 + table)], a, known, numbers)
    np.testing.assert_array_equal(drawn, exact)
