"""Questions that were asked only after certain answers to another, as the blanks show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_CHANCE = 1e-6  # below it, blanks that follow an answer are no coincidence
_BLOCK = 50_000  # rows whose answers are laid out at once


@dataclass(frozen=True)
class Skip:
    """A measure that is blank wherever another has certain answers.

    Parameters
    ----------
    measure, gate : str
    blank : tuple of int
        States of the gate at which the measure is blank for everyone.
    people : int
        Who are in these states.
    """

    measure: str
    gate: str
    blank: tuple[int, ...]
    people: int


def find_skips(
    codes: NDArray[np.integer],
    people: NDArray[np.integer] | None,
    places: Mapping[str, int],
    states: Mapping[str, int],
    known: Iterable[str] = (),
    gates: Iterable[str] | None = None,
) -> list[Skip]:
    """Return the measures whose blanks are decided by the answers to another measure.

    A measure is one where it is blank for everybody in some states of the gate, answered by at
    least half of the others, and where so many blanks would hardly come about if they were
    independent of the gate: with the share of blanks among the others, less often than once in a
    million.

    Parameters
    ----------
    codes : ndarray of int, shape (rows, nodes)
    people : ndarray of int, shape (rows,), optional
        How many each row stands for.
    places : mapping of str to int
        The column of the codes that each measure fills.
    states : mapping of str to int
        The number of states of each measure's node.
    known : iterable of str
        Measures of which it is said already when they are asked.
    gates : iterable of str, optional
        Those that may decide it; by default all.

    Returns
    -------
    list of Skip
        In the order of the measures.

    Examples
    --------
    >>> codes = np.array([[0, -1]] * 40 + [[1, 0]] * 30 + [[1, 1]] * 30)
    >>> find_skips(codes, None, {"injury": 0, "lost": 1}, {"injury": 2, "lost": 2})
    [Skip(measure='lost', gate='injury', blank=(0,), people=40)]
    """
    names = list(places)
    first = dict(zip(names, np.cumsum([0, *(states[name] for name in names)])[:-1], strict=True))
    width = sum(states[name] for name in names)
    at = [places[name] for name in names]
    size, blank = np.zeros(width), np.zeros((width, len(names)))
    for start in range(0, len(codes), _BLOCK):
        some = codes[start : start + _BLOCK][:, at]
        each = np.ones(len(some)) if people is None else people[start : start + _BLOCK]
        given = np.zeros((len(some), width))
        for place, name in enumerate(names):
            seen = np.flatnonzero(some[:, place] >= 0)
            given[seen, first[name] + some[seen, place]] = each[seen]
        size += given.sum(axis=0)
        blank += given.T @ (some < 0)
    skips, told = [], set(known)
    deciding = names if gates is None else list(gates)
    for place, measure in enumerate(names):
        for gate in deciding if measure not in told else ():
            part = slice(first[gate], first[gate] + states[gate])
            in_state, missed = size[part], blank[part, place]
            never = (in_state > 0) & (missed == in_state)
            others = (in_state > 0) & ~never
            asked, left = in_state[others].sum(), missed[others].sum()
            skipped = in_state[never].sum()
            if gate == measure or not skipped or left > asked / 2:
                continue
            if asked and skipped * math.log((left + 1) / (asked + 2)) < math.log(_CHANCE):
                blanks = tuple(map(int, np.flatnonzero(never)))
                skips.append(Skip(measure, gate, blanks, int(skipped)))
    return skips
