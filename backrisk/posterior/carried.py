"""What is said of a model that was carried to another population."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backrisk.graph import CausalGraph
from backrisk.words import decimal, listed, names_of, say


def carried_words(graph: CausalGraph, record: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Say where a model was carried, and what that assumes.

    Parameters
    ----------
    graph : CausalGraph
    record : mapping, optional
        ``meta["carried"]``; none where the model was not carried.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> record = {"population": "the clinic", "differs": ["y"], "baseline": ["y"]}
    >>> carried_words(graph, record)[1]
    'This assumes that of these nodes only the baseline differs, and that the odds ratios of ...'
    """
    if not record:
        return ()
    names = names_of(graph)
    told = [say("posterior.carried.same", population=record["population"])]
    if record["differs"]:
        nodes = listed(map(names.node, record["differs"]))
        told = [say("posterior.carried.differs", population=record["population"], nodes=nodes)]
    if baseline := record.get("baseline"):
        told.append(say("posterior.carried.baseline", nodes=listed(map(names.node, baseline))))
    if independent := record.get("independent"):
        bits = decimal(float(record["bits"]), 3)
        nodes = listed(map(names.node, independent))
        told.append(say("posterior.carried.independent", nodes=nodes, bits=bits))
    return tuple(told)
