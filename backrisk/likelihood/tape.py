"""The steps of all answer patterns on one tape, each made once.

Two patterns that agree on the answers a table depends on need the same table. A step is known by
its template and by the addresses of its inputs (hash-consing): where both are the same, so is the
result, and it is computed once for everyone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backrisk.likelihood.cells import Ints
from backrisk.likelihood.planner import Planner, Step


class Tape:
    """Steps under construction, each made once.

    Parameters
    ----------
    start : int
        The first address after the cells of all CPTs.
    """

    def __init__(self, start: int) -> None:
        self.end = start
        self.steps: list[tuple[int, int, int]] = []
        self.bases: list[int] = []
        self._address_of: dict[tuple[int, ...], int] = {}

    def addresses(self, template: int, out: int, bases: Ints) -> Ints:
        """Return the address of the result for each row of bases, adding steps that are new."""
        first, inverse = _distinct(bases)
        found = np.empty(len(first), dtype=np.int64)
        for i, row in enumerate(bases[first].tolist()):
            key = (template, *row)
            address = self._address_of.get(key)
            if address is None:
                address = self._address_of[key] = self.end
                self.steps.append((template, address, len(self.bases)))
                self.bases.extend(row)
                self.end += out
            found[i] = address
        return found[inverse]


def _distinct(rows: Ints) -> tuple[Ints, Ints]:
    """Return where each distinct row first stands, and the distinct row of every row.

    Columns are folded into one key, which is renumbered before it could overflow: many times
    faster than sorting rows.
    """
    key = rows[:, 0]
    for column in rows.T[1:]:
        width = int(column.max()) + 1
        if (int(key.max()) + 1) * width >= 1 << 62:
            key = np.unique(key, return_inverse=True)[1]
        key = key * width + column
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return first, inverse


def put_on_tape(
    planner: Planner,
    tape: Tape,
    plans: Sequence[Sequence[Step]],
    shape_of: Ints,
    addresses: Ints,
) -> Ints:
    """Put the steps of many cases on the tape; return the address of each case's probability.

    The n-th steps of all plans are taken together, those of one template at once.

    Parameters
    ----------
    shape_of : ndarray, shape (cases,)
        The plan of each case, ascending.
    addresses : ndarray, shape (cases, nodes)
        Of the families' tables.
    """
    shapes, starts = np.unique(shape_of, return_index=True)
    stops = np.append(starts[1:], len(shape_of))
    nodes = addresses.shape[1]
    longest = max((len(plans[shape]) for shape in shapes), default=0)
    slots = np.empty((len(addresses), nodes + longest), dtype=np.int64)
    slots[:, :nodes] = addresses
    last = np.empty(len(addresses), dtype=np.int64)
    for turn in range(longest):
        together: dict[int, list[int]] = {}
        for i, shape in enumerate(shapes.tolist()):
            if turn < len(plans[shape]):
                together.setdefault(plans[shape][turn].template, []).append(i)
        for template, chosen in together.items():
            steps = [plans[shapes[i]][turn] for i in chosen]
            rows = np.concatenate([np.arange(starts[i], stops[i]) for i in chosen])
            lengths = stops[chosen] - starts[chosen]
            bases = slots[rows[:, None], np.repeat([step.slots for step in steps], lengths, axis=0)]
            for start, stop in steps[0].alike:  # a product does not depend on their order
                bases[:, start:stop].sort(axis=1)
            out = planner.templates[template][0]
            slots[rows, nodes + turn] = tape.addresses(template, out, bases)
            planner.demand_room(tape.end)
    for i, shape in enumerate(shapes.tolist()):
        last[starts[i] : stops[i]] = slots[starts[i] : stops[i], nodes + len(plans[shape]) - 1]
    return last
