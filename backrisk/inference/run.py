"""A part of a plan carried out: in groups of people, in chunks of draws, on several threads.

Tables are cut by draws until those that are worked on at once stay near the processor. NumPy
releases Python's global lock, so that chunks run in parallel. No table is allocated before it is
known that a single draw fits the budget.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.inference.answer_rows import AnswerRows, Codes, some_people
from backrisk.inference.coupling import Places, possible_pairs
from backrisk.inference.fetching import Fetcher
from backrisk.inference.pairs_of_worlds import summed_out
from backrisk.inference.steps import Pairing, Part, resized
from backrisk.inference.twin_network import BOTH, Variable
from backrisk.inference.watching import watcher
from backrisk.words import say

BUDGET = 512 * 2**20  # bytes that the tables of a query may take at any moment
MANY = 2048  # people worked on at once
_FEW = 64  # draws worked on at once, at least
_CACHE = 16 * 2**20  # bytes of tables that are worked on at once
_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_THREADS = min(_CORES, 4)
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
    _demand_room(part)
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
    if need * _FEW > BUDGET and rows.people > 1:
        half = rows.people // 2
        some, others = some_people(codes, 0, half), some_people(codes, half, rows.people)
        return np.concatenate(
            [
                _run_people(part, finish, fetcher, some),
                _run_people(part, finish, fetcher, others),
            ]
        )
    draws = fetcher.posterior.draws
    # Who asks from a thread of their own has shared the cores out already.
    alone = threading.current_thread() is threading.main_thread()
    workers = _THREADS if alone and need * draws > _WORTH else 1
    share = -(-draws // workers)
    chunk = max(min(max(_CACHE // need, _FEW), BUDGET // (workers * need), share), 1)
    fetches = [
        fetcher.cdfs(source, rows) if i == part.last else fetcher.table(source, rows)
        for i, source in enumerate(part.sources)
    ]

    look = watcher()  # of this thread, and for those that it starts
    out: list[Array] = []  # one, as soon as its shape is known
    lock = threading.Lock()

    def carry_out(some: slice) -> None:
        table = _carry_out(part, fetches, rows, some, fetcher.coupling, look)
        done = finish(table if part.known else table[None])
        with lock:
            if not out:
                out.append(np.empty((rows.people, *done.shape[1:-1], draws)))
        out[0][..., some] = done if len(done) == 1 else done[rows.of(part.known)[1]]

    chunks = [slice(at, min(at + chunk, draws)) for at in range(0, draws, chunk)]
    if workers == 1 or len(chunks) == 1:
        for piece in chunks:
            carry_out(piece)
    else:
        with ThreadPoolExecutor(workers) as threads:  # NumPy lets go of Python's lock
            list(threads.map(carry_out, chunks))  # raises what a thread raised
    return out[0]


def _demand_room(part: Part) -> None:
    """Refuse what would need more than the budget for a single draw."""
    if 8 * part.cells > BUDGET:
        names = ", ".join(sorted({node for node, _ in part.widest}))
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
    coupling: str,
    look: Callable[[Iterable[Variable]], None],
) -> Array:
    """Carry the steps out for some draws."""
    places: dict[str, Places] = {}
    tables: dict[int, Any] = {}
    sizes: dict[Variable, int] = {}
    for i in part.paired:  # causes first: which pairs are possible depends on theirs
        source = part.sources[i]
        look(source.scope)
        both = fetches[i](some, places)
        tables[i], places[source.name] = possible_pairs(both if source.known else both[None])
        sizes[source.name, BOTH] = tables[i].shape[-2]
        if not source.known:
            tables[i] = tables[i][0]
    # How many pairs of states are possible is known only now: the order is planned anew.
    part = resized(part, sizes)
    _demand_room(part)
    known = [source.known for source in part.sources] + [step.known for step in part.steps]

    def spread(table: Array, before: tuple[Variable, ...], after: tuple[Variable, ...]) -> Array:
        if len(table) > 1 and before and before != after:
            return table[rows.of(before)[1][rows.of(after)[0]]]
        return table

    for number, step in enumerate(part.steps, start=len(fetches)):
        look(part.widest)
        inputs: list[Any] = []
        for i in step.inputs:
            table = tables.pop(i) if i in tables else fetches[i](some, places)
            inputs.append(table if isinstance(table, list) else spread(table, known[i], step.known))
        if isinstance(step, Pairing):
            pair, *others = step.inputs
            source = part.sources[pair]
            sides = [[spread(cdf, source.known, step.known) for cdf in both] for both in inputs[0]]
            given = [t if known[i] else t[None] for i, t in zip(others, inputs[1:], strict=True)]
            union = [v for v in source.scope if v not in source.own]
            made = summed_out(source.own, union, step, sides, given, coupling)
            tables[number] = made if step.known else made[0]
        else:
            tables[number] = np.einsum(step.subscripts, *inputs)
    found: Array = tables[number]
    return found
