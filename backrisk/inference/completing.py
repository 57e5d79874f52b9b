"""The states of everything that is not known of people, drawn jointly given what is known.

Unlike in `replaying`, every posterior draw has luck of its own: a draw is one completed data set,
and how much data sets differ has to tell how uncertain what was drawn is.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.inference.bucket_tree import drawn
from backrisk.inference.replaying import family_of
from backrisk.inference.tables import Tables
from backrisk.inference.twin_network import Variable


def completed(
    tables: Tables, evidence: Mapping[str, int], people: int, rng: np.random.Generator
) -> dict[str, NDArray[np.intp]]:
    """Draw the states of all nodes given those of some.

    Exact: the nodes with something known at or below them are drawn from their joint distribution,
    the others from theirs given their causes.

    Parameters
    ----------
    tables : Tables
        A posterior.
    evidence : mapping of node to state code
        Not impossible.
    people : int
        Of whom the same is known; each is drawn by itself, in each posterior draw.
    rng : numpy.random.Generator

    Returns
    -------
    dict of node to ndarray of int, each (person, draw) or (1, 1)

    Raises
    ------
    QueryError
        If the tables that this needs do not fit the budget.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> from backrisk.posterior import Posterior
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> found = completed(p, {"y": 1}, 20_000, np.random.default_rng(1))
    >>> bool(abs(found["x"].mean() - 0.8 / 1.1) < 0.02)
    True
    """
    graph = tables.graph
    told = frozenset(evidence).union(*(graph.ancestors(name) for name in evidence))
    sources = [family_of(tables, name, evidence) for name in sorted(told)]
    sources = [(scope, fetch) for scope, fetch in sources if scope]
    sizes: dict[Variable, int] = {
        (name, 0): len(graph.node(name).states) for name in sorted(told - set(evidence))
    }

    def luck() -> Array:
        return rng.random((people, tables.draws))

    known = drawn(sources, sizes, [{v: luck() for v in sizes}], tables.draws)[0] if sizes else {}
    states = {name: np.full((1, 1), code, dtype=np.intp) for name, code in evidence.items()}
    states |= {name: codes.astype(np.intp) for (name, _), codes in known.items()}
    for name in graph.topological:
        if name not in states:
            levels = tables.levels(name, [states[parent] for parent in graph.parents(name)])
            states[name] = (levels < luck()).sum(axis=0, dtype=np.intp)
    return states
