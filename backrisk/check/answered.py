"""The answer patterns of a survey, by site, ready to be asked what is expected of each family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.check.parameters import Parameters
from backrisk.check.tilted import Tilted
from backrisk.graph import CausalGraph, Node
from backrisk.likelihood import (
    Circuit,
    Expected,
    Expecting,
    build_circuit,
    distinct_bytes,
    stack_logs,
)
from backrisk.survey import Patterns

Ints = NDArray[np.intp]
# Of a family's rows, (row, parent), and the node's distribution there, (row, state): values in each
# cell, (row, state, function).
Functions = Callable[[Ints, Array], Array]


@dataclass(frozen=True, eq=False)
class Group:
    """The answer patterns of one site, or of everybody where there are no sites.

    Parameters
    ----------
    graph : CausalGraph
    site : int or None
    patterns : ndarray of int
        Which of the survey's.
    codes : ndarray of int8, shape (pattern, node)
    owner, node, state : ndarray of int, shape (filled,)
        Patterns in which one missing answer is filled in: of which pattern of the group, which
        node, and with what.
    circuit : Circuit
        Of the patterns as they are, then of those filled in.
    """

    graph: CausalGraph
    site: int | None
    patterns: Ints
    codes: NDArray[np.int8]
    owner: Ints
    node: Ints
    state: Ints
    circuit: Circuit

    def at(self, parameters: Parameters | Tilted) -> Told:
        """Return the group with what is expected of it at some parameters."""
        logs = stack_logs(self.circuit.cells, parameters.at(self.site))[0]
        return Told(self, parameters, Expecting(self.circuit, logs))


def groups(
    graph: CausalGraph, patterns: Patterns, sites: int, by_row: tuple[str, ...]
) -> Iterator[Group]:
    """Compile the patterns of each site.

    Parameters
    ----------
    graph : CausalGraph
    patterns : Patterns
    sites : int
        0 where nothing differs between sites.
    by_row : tuple of str
        Nodes whose CPT need not be laid out whole.
    """
    every = np.arange(len(patterns.weights))
    seen = np.flatnonzero((patterns.codes >= 0).any(axis=0))
    for site in range(sites) if sites else (None,):
        here = every if site is None else every[patterns.site == site]
        codes = patterns.codes[here]
        none = np.empty(0, dtype=np.intp)
        owner, node, state, rows = [none], [none], [none], [codes]
        for position in seen.tolist():
            missing = np.flatnonzero(codes[:, position] < 0)
            for code in range(len(graph.nodes[position].states)):
                filled = codes[missing].copy()
                filled[:, position] = code
                rows.append(filled)
                owner.append(missing)
                node.append(np.full(len(missing), position))
                state.append(np.full(len(missing), code))
        together = np.ascontiguousarray(np.concatenate(rows))
        yield Group(
            graph,
            site,
            here,
            codes,
            np.concatenate(owner),
            np.concatenate(node),
            np.concatenate(state),
            build_circuit(graph, together, np.ones(len(together)), by_row),
        )


@dataclass(frozen=True, eq=False)
class Family:
    """The rows of a node's CPT that answers address, in one group.

    Parameters
    ----------
    rows : ndarray of int, shape (row, parent)
    table : ndarray, shape (row, state)
        The distribution of the node there.
    slopes : ndarray, shape (row, state, parameter of the node)
        How the logs of it move with the node's parameters.
    cell_row, cell_state : ndarray of int, shape (cell,)
        Of each of the circuit's cells of the node.
    known : ndarray of int
        The patterns of the group in which the whole family is observed.
    known_row : ndarray of int
        The row of each.
    """

    rows: Ints
    table: Array
    slopes: Array
    cell_row: Ints
    cell_state: Ints
    known: Ints
    known_row: Ints

    def in_cells(self, values: Array) -> Array:
        """Return values by row and state in each of the circuit's cells."""
        found: Array = values[self.cell_row, self.cell_state]
        return found

    def information(self, people: Array) -> Array:
        """Return what people in each row tell of the node's parameters, ``(row,)`` of people."""
        cells = people[:, None] * self.table
        slopes = cells[..., None] * self.slopes
        return np.tensordot(self.slopes, slopes, axes=((0, 1), (0, 1)))


@dataclass(frozen=True, eq=False)
class Told:
    """What is expected of a group's families at one value of the parameters.

    Parameters
    ----------
    group : Group
    parameters : Parameters or Tilted
    expecting : Expecting
    """

    group: Group
    parameters: Parameters | Tilted
    expecting: Expecting

    @cached_property
    def plain(self) -> Expected:
        """Given each pattern as it is."""
        return self.expecting.of(np.arange(len(self.group.patterns)))

    def filled(self, some: Ints) -> tuple[Expected, Array]:
        """Return what is expected where a missing answer is filled in, and how probable that is."""
        told = self.expecting.of(len(self.group.patterns) + some)
        chance = told.log_likelihood - self.plain.log_likelihood[self.group.owner[some]]
        return told, np.exp(chance)

    def family(self, name: str) -> Family:
        """Return the rows of a node's CPT that answers address."""
        if name not in self._families:
            cells, group = self.group.circuit.cells, self.group
            joint, position = cells.joint(name), group.graph.names.index(name)
            distinct, which = distinct_bytes(joint[:, :-1])
            rows = distinct.astype(np.intp)
            at = group.circuit.row_cells[: len(group.patterns), position]
            known = np.flatnonzero(at >= 0)
            self._families[name] = Family(
                rows,
                self.parameters.at(group.site).rows(name, rows)[..., 0],
                self.parameters.slopes(name, group.site, rows),
                which,
                joint[:, -1].astype(np.intp),
                known,
                which[at[known] - cells.part(name).start],
            )
        return self._families[name]

    @cached_property
    def _families(self) -> dict[str, Family]:
        return {}


def unordered(node: Node) -> bool:
    """Return whether a node's states have no order that a residual could follow."""
    return node.nominal and len(node.states) > 2


def pull(node: Node, table: Array) -> Array:
    """Return how the log probability of each state moves with the node's linear predictor.

    Parameters
    ----------
    node : Node
    table : ndarray, shape (row, state)
        The distribution of the node.

    Returns
    -------
    ndarray, shape (row, state, direction)
        For ordered states one direction, that of all cumulative odds: with F the CDF,
        ``F(state) + F(state - 1) - 1``. For others one for each state but the reference, that of
        its log odds: ``1(state) - P(state)``. Each is zero on average over the states.
    """
    if unordered(node):
        return np.eye(table.shape[1])[:, 1:] - table[:, None, 1:]
    below = np.cumsum(table, axis=1)
    found: Array = (2.0 * below - table - 1.0)[..., None]
    return found


def departure(table: Array) -> Array:
    """Return whether a node is away from its reference, less the probability of that.

    Parameters
    ----------
    table : ndarray, shape (row, state)

    Returns
    -------
    ndarray, shape (row, state)
    """
    return (np.arange(table.shape[1]) > 0) - (1.0 - table[:, :1])
