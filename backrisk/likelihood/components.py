"""How answer patterns fall apart, given what they observe, into components of unobserved nodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backrisk.graph import CausalGraph
from backrisk.likelihood.cells import Cells, Ints, distinct_bytes

HIDDEN, OBSERVED = 1, 2  # what a node is in a component; observed ones add their state


def components(
    cells: Cells, observed: NDArray[np.bool_], codes: NDArray[np.int8]
) -> tuple[Ints, NDArray[np.int8], Ints]:
    """Split every pattern into components of unobserved nodes, and find those that are equal.

    Returns
    -------
    patterns : ndarray, shape (components,)
        The pattern that each component belongs to.
    cases : ndarray of int8, shape (cases, nodes)
        Distinct components: `HIDDEN` for its unobserved nodes, `OBSERVED` plus the state for
        the observed nodes of the families that touch these, 0 for all others.
    case_of : ndarray, shape (components,)
    """
    kept = with_observed_descendants(cells.graph, observed)
    hidden = kept & ~observed
    nodes = hidden.shape[1]
    # Each unobserved node carries the lowest node that it is connected to.
    label = np.where(hidden, np.arange(nodes, dtype=np.int32), np.int32(nodes))
    before = np.zeros_like(label)
    touched = np.empty_like(label)
    families = list(enumerate(cells.families))
    while not np.array_equal(before, label):
        before[...] = label
        families.reverse()  # what is connected upwards and downwards takes few rounds
        for v, family in families:
            lowest = label[:, list(family)].min(axis=1)
            touched[:, v] = np.where(kept[:, v], lowest, nodes)
            for u in family:
                joined = kept[:, v] & hidden[:, u]
                label[joined, u] = lowest[joined]
    patterns, found = [np.empty(0, np.int64)], [np.empty((0, nodes), np.int8)]
    for node in range(nodes):
        rows = np.flatnonzero(label[:, node] == node)
        if not len(rows):
            continue
        case = np.zeros((len(rows), nodes), dtype=np.int8)
        of_this = touched[rows] == node
        for v in np.flatnonzero(of_this.any(axis=0)).tolist():
            for u in cells.families[v]:
                case[of_this[:, v], u] = 1
        case = np.where(case, np.where(observed[rows], OBSERVED + codes[rows], HIDDEN), 0)
        patterns.append(rows)
        found.append(case.astype(np.int8))
    cases, case_of = distinct_bytes(np.concatenate(found))
    return np.concatenate(patterns), cases, case_of


def with_observed_descendants(graph: CausalGraph, observed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which nodes a pattern's likelihood depends on: the others sum to one."""
    kept = observed.copy()
    for name in reversed(graph.topological):
        i = graph.names.index(name)
        for child in graph.children(name):
            kept[:, i] |= kept[:, graph.names.index(child)]
    return kept
