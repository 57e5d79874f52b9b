"""Sets of variables, and the greedy order in which they are summed out.

Finding the best order is NP-hard; a greedy one is close to it on graphs such as these. A plan is
made for every new combination of answers, so sets of variables are bits of an integer and what a
choice does not change is not counted again.

The circuit of `backrisk.likelihood` has a greedy loop of its own. What it counts is something
else: the copies of a table over all answer patterns of a survey, and which products to form
before a sum, so that its costs depend on the tables at hand and not on the variables alone.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from backrisk.inference.twin_network import Variable

# The letters of `numpy.einsum` for variables; Y is the axis of people, Z that of draws.
LETTERS = [chr(code) for code in range(ord("A"), ord("z") + 1) if chr(code).isalpha()]
LETTERS = [letter for letter in LETTERS if letter not in "YZ"]

WORTH = 2**15  # cells of one draw that take about as long as to try another order
TRIES = 24
_BLUR = 1.5  # how much more a merit may count than it is: two and a half times


@lru_cache(maxsize=2**16)
def bits(members: int) -> tuple[int, ...]:
    """Return the positions of the bits of a set.

    Examples
    --------
    >>> bits(0b1101)
    (0, 2, 3)
    """
    found = []
    while members:
        low = members & -members
        found.append(low.bit_length() - 1)
        members ^= low
    return tuple(found)


class Sets:
    """Sets of variables as bits of an integer.

    Parameters
    ----------
    states : mapping of variable to int
        The number of states of each.

    Examples
    --------
    >>> sets = Sets({("a", 0): 2, ("b", 0): 3})
    >>> both = sets.set([("a", 0), ("b", 0)])
    >>> sets.cells(both), sets.names(both)
    (6, (('a', 0), ('b', 0)))
    """

    def __init__(self, states: Mapping[Variable, int]) -> None:
        self.variables = sorted(states)
        self.sizes = [states[v] for v in self.variables]
        self.bit = {v: 1 << i for i, v in enumerate(self.variables)}
        self._cells: dict[int, int] = {0: 1}
        self._weights: dict[int, int] = {0: 0}

    def set(self, variables: Iterable[Variable]) -> int:
        """Return a set of variables."""
        return sum(self.bit[v] for v in variables)

    def names(self, members: int) -> tuple[Variable, ...]:
        """Return the variables of a set."""
        return tuple(self.variables[i] for i in bits(members))

    def cells(self, members: int) -> int:
        """Return the number of cells of a table over a set of variables."""
        if members not in self._cells:
            self._cells[members] = math.prod(self.sizes[i] for i in bits(members))
        return self._cells[members]

    def weight(self, members: int) -> int:
        """Return the number of states of a set of variables, one after the other."""
        if members not in self._weights:
            self._weights[members] = sum(self.sizes[i] for i in bits(members))
        return self._weights[members]

    def near(self, scopes: Iterable[int]) -> list[int]:
        """Return what each variable shares a table with."""
        found = [0] * len(self.variables)
        for members in scopes:
            for i in bits(members):
                found[i] |= members
        return found

    def fill(self, near: Sequence[int], v: int) -> int:
        """Return how many cells summing a variable out would link that were not linked before.

        Weighted min-fill: each pair of neighbours that shares no table yet counts with the product
        of its numbers of states.
        """
        others = near[v] & ~(1 << v)
        return sum(self.sizes[a] * self.weight(others & ~near[a]) for a in bits(others))


def greedy(
    sets: Sets,
    near: list[int],
    left: int,
    merit: Callable[[Sequence[int], int], float],
    ready: Callable[[Sequence[int], int], bool] = lambda near, v: True,
) -> Iterator[int]:
    """Yield variables to sum out, each time the one of least merit, and link its neighbours.

    Where merits are equal, the variable that leaves the smaller table goes first, then the one that
    stands first.

    Parameters
    ----------
    sets : Sets
    near : list of int
        What each variable shares a table with; changed as variables go.
    left : int
        The set of variables to go.
    merit : callable
        Of `near` and a variable; counted anew only where a neighbour of a neighbour has changed.
    ready : callable
        Whether a variable may go now; the rest is left.

    Yields
    ------
    int
        The position of a variable, while `near` still tells what it shares a table with.
    """
    merits: dict[int, tuple[float, int, int]] = {}
    while some := [v for v in bits(left) if ready(near, v)]:
        for v in some:
            if v not in merits:
                merits[v] = merit(near, v), sets.cells(near[v]), v
        v = min(some, key=merits.__getitem__)
        yield v
        left &= ~(1 << v)
        others = near[v] & ~(1 << v)
        for u in bits(others):  # the sum over v is one table over all that shared one with it
            near[u] = (near[u] | others) & ~(1 << v)
        for u in bits(others):
            for w in bits(near[u]):  # what may have changed for them is counted anew
                merits.pop(w, None)


def tries(
    rules: Sequence[Callable[..., int]], work: int, most: int
) -> Iterator[Callable[..., float]]:
    """Yield merits by which to look for a better order: the more, the more there is to gain.

    Parameters
    ----------
    rules : sequence of callable
        Merits, which are blurred in turn.
    work : int
        Cells of one draw that are passed over in the best order so far.
    most : int

    Examples
    --------
    >>> len(list(tries([len, max], 10 * WORTH, TRIES)))
    10
    """
    for time in range(min(most, work // WORTH)):
        seed, rule = divmod(time, len(rules))
        yield blurred(rules[rule], seed)


def blurred(merit: Callable[..., int], seed: int) -> Callable[..., float]:
    """Return a merit that counts more than it is, each time by a random part of it.

    Parameters
    ----------
    merit : callable
    seed : int

    Examples
    --------
    >>> rough = blurred(lambda v: 100, 1)
    >>> all(100 <= rough(0) <= 250 for _ in range(9))
    True
    """
    rng = random.Random(seed)
    return lambda *about: merit(*about) * (1.0 + _BLUR * rng.random())
