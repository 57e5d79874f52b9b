"""A part of a plan carried out: in groups of people, in chunks of draws, on several threads.

Tables are cut by draws until those that are worked on at once stay near the processor. No table is
allocated before it is known that a single draw fits the budget.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph, when
from backrisk.inference.answer_rows import AnswerRows, Codes, some_people
from backrisk.inference.circuits import (
    BUDGET,
    Look,
    Readings,
    evaluated,
    worth_compiling,
)
from backrisk.inference.coupling import Places, possible_pairs
from backrisk.inference.fetching import Fetcher
from backrisk.inference.pairs_of_worlds import summed_out
from backrisk.inference.slices import Table, Unfilled, as_array
from backrisk.inference.steps import Part, resized
from backrisk.inference.threads import in_threads, workers
from backrisk.inference.twin_network import BOTH, Variable
from backrisk.inference.watching import watcher
from backrisk.words import listed, say

MANY = 2048  # people worked on at once
_FEW = 64  # draws worked on at once, at least
_CACHE = 16 * 2**20  # bytes of tables that are worked on at once
_GIVEN = 64 * 2**20  # the same where compiled loops work on them, a few draws at a time
_WORTH = 16 * 2**20  # bytes of tables from which on threads are worth starting


def run(
    part: Part,
    known: Mapping[Variable, Codes],
    fetcher: Fetcher,
    finish: Callable[[Array], Array],
) -> Array:
    """Carry a part out for everyone.

    Parameters
    ----------
    part : Part
    known : mapping of variable to ndarray of int
        What is known of the part's variables: a code for each person, or one for all.
    fetcher : Fetcher
    finish : callable
        Of the table ``([person], *keep, draw)``; what it returns is kept.

    Returns
    -------
    ndarray, shape (person, *finished, draw)
        With one person, or one draw, where it is the same for all.

    Raises
    ------
    QueryError
        If a single draw would need more than `BUDGET` bytes; nothing is allocated.
    """
    _demand_room(part, fetcher.posterior.graph)
    if not part.sources:
        return finish(np.ones((1, 1)))
    people = max((len(code) for code in known.values()), default=1)
    parts = [
        _run_people(part, finish, fetcher, some_people(known, start, start + MANY))
        for start in range(0, people, MANY)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _run_people(
    part: Part,
    finish: Callable[[Array], Array],
    fetcher: Fetcher,
    codes: Mapping[Variable, Codes],
) -> Array:
    """Carry a part out for some people, in chunks of draws that fit the cache."""
    rows = AnswerRows(codes)
    need = 8 * sum(step.cells * rows.count(step.known) for step in part.steps)
    draws = fetcher.posterior.draws
    compiled = worth_compiling(part.work * draws)
    if need * _FEW > BUDGET and rows.people > 1:
        half = rows.people // 2
        some, others = some_people(codes, 0, half), some_people(codes, half, rows.people)
        return np.concatenate(
            [
                _run_people(part, finish, fetcher, some),
                _run_people(part, finish, fetcher, others),
            ]
        )
    count = workers(need * draws > _WORTH)
    share = -(-draws // count)
    room = _GIVEN if compiled else _CACHE
    chunk = max(min(max(room // need, _FEW), BUDGET // (count * need), share), 1)
    fetches = [
        fetcher.cdfs(source, rows) if i == part.last else fetcher.table(source, rows)
        for i, source in enumerate(part.sources)
    ]

    look = watcher()  # of this thread, and for those that it starts
    out: list[Array] = []  # one, as soon as its shape is known
    lock = threading.Lock()

    def carry_out(some: slice) -> None:
        done = finish(_carry_out(part, fetches, rows, some, fetcher, look, compiled))
        with lock:
            if not out:
                out.append(np.empty((rows.people, *done.shape[1:-1], draws)))
        out[0][..., some] = done if len(done) == 1 else done[rows.of(part.known)[1]]

    chunks = [slice(at, min(at + chunk, draws)) for at in range(0, draws, chunk)]
    in_threads(carry_out, chunks, count)
    return out[0]


def _demand_room(part: Part, graph: CausalGraph) -> None:
    """Refuse what would need more than the budget for a single draw, if anything is open."""
    if part.widest and 8 * part.cells > BUDGET:
        names = listed(when(graph, node) for node in sorted({node for node, _ in part.widest}))
        raise QueryError(
            say(
                "inference.too_many_cells",
                cells=f"{part.cells:,}",
                size=f"{8 * part.cells / 2**20:,.0f}",
                nodes=names,
                budget=f"{BUDGET // 8:,}",
                budget_size=f"{BUDGET / 2**20:,.0f}",
            )
        )


def _carry_out(
    part: Part,
    fetches: Sequence[Callable[..., Any]],
    rows: AnswerRows,
    some: slice,
    fetcher: Fetcher,
    look: Look,
    compiled: bool,
) -> Array:
    """Carry the steps out for some draws; return the result, ``([row], *keep, draw)``."""
    places: dict[str, Places] = {}
    tables: dict[int, Table] = {}
    sizes: dict[Variable, int] = {}
    for i in part.paired:  # causes first: which pairs are possible depends on theirs
        source = part.sources[i]
        look(source.scope)
        both = as_array(fetches[i](some, places))
        pairs, places[source.name] = possible_pairs(both if source.known else both[None])
        sizes[source.name, BOTH] = pairs.shape[-2]
        tables[i] = pairs if source.known else pairs[0]
    # How many pairs of states are possible is known only now: the order is planned anew.
    part = resized(part, sizes)
    _demand_room(part, fetcher.posterior.graph)
    for i, fetch in enumerate(fetches):
        if i == part.last:
            tables[i] = np.ones(1)  # laid out by nobody
        elif i not in tables:
            tables[i] = fetch(some, places)
    known = [source.known for source in part.sources] + [step.known for step in part.steps]
    if part.last is not None:
        known[part.last] = ()
    draws = max((t.shape[-1] for i, t in tables.items() if i != part.last), default=1)
    found = evaluated(
        part.circuit,
        [
            table if known[i] or isinstance(table, Unfilled) else table[None]
            for i, table in sorted(tables.items())
        ],
        draws,
        _readings(part, rows, known),
        look,
        compiled,
    )
    pairing = part.pairing
    if not pairing:
        return found[0]
    assert part.last is not None
    source = part.sources[part.last]

    def spread(table: Array, before: tuple[Variable, ...]) -> Array:
        if len(table) > 1 and before != pairing.known:
            return table[rows.of(before)[1][rows.of(pairing.known)[0]]]
        return table

    look(part.widest)
    cdfs = fetches[part.last](some, places)
    sides = [[spread(cdf, source.known) for cdf in both] for both in cdfs]
    given = [spread(t, known[i]) for i, t in zip(pairing.inputs[1:], found, strict=True)]
    union = [v for v in source.scope if v not in source.own]
    return summed_out(source.own, union, pairing, sides, given, fetcher.coupling)


def _readings(part: Part, rows: AnswerRows, known: Sequence[tuple[Variable, ...]]) -> Readings:
    """Return which rows of answers the steps of a part read."""
    first, circuit = len(part.sources), part.circuit
    if rows.people == 1:
        return Readings((1,) * len(circuit.scopes))
    counts = tuple(rows.count(known[i]) if known[i] else 1 for i in range(len(circuit.scopes)))
    found = {}
    for number, product in enumerate(circuit.products, start=first):
        for table in product.inputs:
            if counts[table] > 1 and known[table] != known[number]:
                found[number, table] = rows.of(known[table])[1][rows.of(known[number])[0]]
    return Readings(counts, found)
