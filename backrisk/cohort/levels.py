"""The causes of a target by level, proximal or distal, as the graph states them."""

from __future__ import annotations

from typing import Literal

from backrisk.graph import CausalGraph
from backrisk.queries import LEVELS, Target, at_level


def cause_levels(graph: CausalGraph, target: Target) -> dict[str, tuple[str, ...]]:
    """Return the causes by level, as `backrisk.attribute` has them.

    Returns
    -------
    dict of str to tuple of str
        One level, ``"single"``, where the graph states none.

    Examples
    --------
    >>> from backrisk.queries import read_target
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> cause_levels(g, read_target(g, "y"))
    {'single': ('x',)}
    """
    above = graph.ancestors(target.node)
    found = {
        level: tuple(name for name in at_level(graph, level) if name in above)
        for level in sorted(LEVELS)
        if getattr(graph.roles, level)
    }
    found = {level: causes for level, causes in found.items() if causes}
    return found or {"single": tuple(name for name in graph.names if name in above)}


def first_level(graph: CausalGraph, target: Target) -> Literal["proximal", "distal"]:
    """Return the level at which shares of the risk are told: distal causes where there are any."""
    return "proximal" if next(iter(cause_levels(graph, target))) == "proximal" else "distal"
