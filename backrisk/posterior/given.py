"""CPTs that were given as tables, of any network, without a fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backrisk._arguments import real
from backrisk._spelling import spell
from backrisk._types import Array, Codes
from backrisk.errors import PosteriorError
from backrisk.graph import CausalGraph, too_large
from backrisk.inference import cut_from, looked_up
from backrisk.posterior.cpts import Ints, Variables, causes_of, draws_last
from backrisk.posterior.labelled import axes_of, in_order
from backrisk.words import say

_SUMS_TO_ONE = 1e-6  # the rounding of single precision; shares to a few digits are refused


@dataclass(frozen=True, eq=False)
class GivenCPTs:
    """CPTs as they were given.

    Parameters
    ----------
    tables : mapping of node to ndarray, shape ``(draw, *parents, state)``
    tied : mapping of node to node
        Nodes that have the CPT of another.
    """

    tables: Mapping[str, Array]
    tied: Mapping[str, str] = field(default_factory=dict)
    _positive: dict[str, bool] = field(default_factory=dict, init=False, repr=False)

    @property
    def draws(self) -> int:
        """The number of draws."""
        return len(next(iter(self.tables.values())))

    def table(self, name: str, at: tuple[Any, ...] = ()) -> Array:
        """Return a node's CPT, ``(*parents, state, draw)``, whole whatever `at` is."""
        return np.moveaxis(self._of(name), 0, -1)

    def _of(self, name: str) -> Array:
        return self.tables[self.tied.get(name, name)]

    def cut(self, name: str, at: tuple[Any, ...]) -> Callable[[slice], Array]:
        """Return how to get a part of a node's CPT for some draws."""
        return cut_from(self.table(name), at)

    def causes(self, name: str) -> tuple[Array, list[Array]] | None:
        """Return a node's CPT as a leak and independent causes, if it has that form."""
        return causes_of(self.table(name))

    def rows(self, name: str, rows: Ints, some: slice = slice(None)) -> Array:
        """Return rows of a node's CPT for some draws, ``(row, state, draw)``."""
        table = self._of(name)
        return np.moveaxis(table[(some, *rows.T)], 0, -1).reshape(len(rows), table.shape[-1], -1)

    def levels(self, name: str, states: Sequence[Codes]) -> Array:
        """Return a node's CDF where its parents' states differ from draw to draw."""
        return looked_up(self.table(name), states)

    def proportional_odds(self, name: str) -> None:
        """Return nothing: CPTs that were given are looked up."""

    def positive(self, name: str) -> bool:
        """Return whether no cell of a node's CPT is zero."""
        if name not in self._positive:
            self._positive[name] = bool((self._of(name) > 0).all())
        return self._positive[name]

    def variables(self) -> Variables:
        """Return each CPT as a variable ``cpt_node``, with an axis ``node_i`` for each of its own.

        An axis that would have the name of a variable has one more underscore.
        """
        taken = set(map(variable, self.tables))

        def axis(name: str) -> str:
            return axis(f"{name}_") if name in taken else name

        return {
            variable(name): (
                np.asarray(table),
                tuple(axis(f"{name}_{i}") for i in range(table.ndim - 1)),
            )
            for name, table in self.tables.items()
        }


def variable(name: str) -> str:
    """Return what the CPT of a node is called where it is stored."""
    return f"cpt_{name}"


def read_cpts(graph: CausalGraph, cpts: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """Check CPTs and return them with one number of draws, each ``(draw, *parents, state)``.

    Parameters
    ----------
    graph : CausalGraph
    cpts : mapping of node name to array_like, shape ``(draw, *parents, state)``
        An array without the draw axis is one draw; one draw serves for all. A node that is tied
        to another has none of its own. A frame, or an array with coordinates, whose axes are named
        as nodes or labelled with states is read by these names and labels.

    Raises
    ------
    PosteriorError
        If a node is missing or unknown, a shape is wrong, labels are not the states of a node, a
        row is not a distribution, or the draws of a CPT are too many to hold.
    """
    if not isinstance(cpts, Mapping):
        raise PosteriorError(say("posterior.not_a_mapping", kind=type(cpts).__name__))
    given, cpts = cpts, {}
    for name, table in given.items():  # keys have the one spelling that the graph's names have
        if (spelled := spell(name) or name) in cpts:
            raise PosteriorError(say("posterior.cpt_twice", name=spelled))
        cpts[spelled] = table
    refuse_other_nodes(graph, cpts)
    own = owners(graph)
    read: dict[str, Array] = {}
    for name in own:
        _hold(graph, name, 1)  # before anything as large is read
        read[name] = _distributions(graph, name, cpts[name])
    counts = sorted({len(table) for table in read.values()} - {1}) or [1]
    if len(counts) > 1:
        raise PosteriorError(say("posterior.unequal_draws", counts=", ".join(map(str, counts))))
    draws = counts[0]
    for name in own:
        _hold(graph, name, draws)
    return {n: draws_last(np.broadcast_to(t, (draws, *t.shape[1:]))) for n, t in read.items()}


def owners(graph: CausalGraph) -> list[str]:
    """Return the nodes that have a CPT of their own."""
    return [name for name in graph.names if graph.owner(name) == name]


def refuse_other_nodes(graph: CausalGraph, cpts: Mapping[str, Any]) -> None:
    """Refuse CPTs that are not those of the graph's nodes, one each.

    Raises
    ------
    PosteriorError
        If a node is missing or unknown, or has the CPT of another.
    """
    if stray := sorted(set(cpts) ^ set(owners(graph)), key=str):
        name = stray[0]
        if name in graph.names and name in cpts:
            raise PosteriorError(say("posterior.cpt_tied", name=name, owner=graph.owner(name)))
        key = "posterior.cpt_of_no_node" if name in cpts else "posterior.no_cpt"
        raise PosteriorError(say(key, name=name, graph=graph.name))


def _hold(graph: CausalGraph, name: str, draws: int) -> None:
    if complaint := too_large(graph, name, draws):
        raise PosteriorError(complaint)


def _distributions(graph: CausalGraph, name: str, given: ArrayLike) -> Array:
    """Return a given CPT, ``(draw, *parents, state)``, refusing rows that are no distributions.

    Rows that were rounded to single precision are made to sum to 1.
    """
    axes = axes_of(given)
    try:
        table = real(given)
    except (TypeError, ValueError) as error:
        why = str(error).rstrip(".")
        raise PosteriorError(say("posterior.not_numbers", name=name, why=why)) from error
    if axes is not None:
        table = in_order(table, axes, graph, name)
    shape = graph.shape(name)
    if table.shape == shape:
        table = table[None]
    refuse_other_shape(graph, name, table)
    refuse_other_than_distributions(graph, name, table)
    return table / table.sum(-1)[..., None]


def refuse_other_shape(graph: CausalGraph, name: str, table: Array) -> None:
    """Refuse a table that does not have the axes of a node's CPT.

    Raises
    ------
    PosteriorError
        If its shape is not ``(draw, *parents, state)``, with at least one draw.
    """
    shape = graph.shape(name)
    if table.shape[1:] != shape or not len(table):
        raise PosteriorError(
            say(
                "posterior.wrong_shape",
                name=name,
                shape=table.shape,
                expected=", ".join(map(str, shape)),
                axes=", ".join((*graph.parents(name), name)),
            )
        )


def refuse_other_than_distributions(graph: CausalGraph, name: str, table: Array) -> None:
    """Refuse a CPT of the right shape, ``(draw, *parents, state)``, that is none.

    Raises
    ------
    PosteriorError
        If a row does not hold probabilities that sum to 1.
    """
    bad = ~((table >= 0).all(-1) & (np.abs(table.sum(-1) - 1) <= _SUMS_TO_ONE))  # NaN is bad too
    if bad.any():
        draw, *row = np.argwhere(bad)[0]
        pairs = zip(graph.parents(name), row, strict=True)
        at = ", ".join(f"{parent}={graph.node(parent).states[code]}" for parent, code in pairs)
        raise PosteriorError(
            say(
                "posterior.not_distributions_at" if at else "posterior.not_distributions",
                name=name,
                draw=int(draw),
                at=at,
                values=table[draw, *row].tolist(),
            )
        )
