"""Tables that say themselves what their axes and rows are: frames, and arrays with coordinates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backrisk._spelling import spell
from backrisk.errors import PosteriorError
from backrisk.graph import CausalGraph
from backrisk.words import listed, say

_UNNAMED = re.compile(r"column_[0-9]+")  # what Polars calls a column that has no name


@dataclass(frozen=True)
class Axis:
    """What a table says of one of its axes.

    Parameters
    ----------
    name : str, optional
    labels : tuple of str, optional
        In the order in which they stand; None where they only count.
    """

    name: str | None = None
    labels: tuple[str, ...] | None = None


def axes_of(table: Any) -> list[Axis] | None:
    """Return what a table says of its axes; None where it is a plain array.

    Parameters
    ----------
    table : object
        A Series or DataFrame of pandas, a DataFrame of Polars, a DataArray of xarray, or any other.
    """
    dims, columns = getattr(table, "dims", None), getattr(table, "columns", None)
    if isinstance(dims, tuple) and hasattr(table, "coords"):
        at = table.coords
        return [_axis(dim, at[dim].values if dim in at else None) for dim in dims]
    index: Any = getattr(table, "index", None)
    if hasattr(index, "nlevels"):
        return [_axis(each.name, each) for each in (index, columns) if each is not None]
    if isinstance(columns, list) and not all(map(_UNNAMED.fullmatch, columns)):
        return [Axis(), _axis(None, columns)]
    return None


def in_order(
    values: np.ndarray[Any, Any],
    axes: Sequence[Axis],
    graph: CausalGraph,
    node: str,
    *,
    names: Sequence[str] | None = None,
) -> np.ndarray[Any, Any]:
    """Return a table with its axes, and the states along each, in the order of the graph.

    A table that names or labels none of them in the graph's words is one in the graph's order.

    Parameters
    ----------
    values : ndarray
        ``(*parents, state)`` or with an axis of draws, in whatever order `axes` say.
    axes : sequence of Axis
        One for each axis of the values.
    graph : CausalGraph
    node : str
        Whose CPT it is.
    names : sequence of str, optional
        The nodes of the axes, by default the parents and the node.

    Raises
    ------
    PosteriorError
        An axis is named as a node and stands elsewhere, and not all are named; or the labels along
        an axis are not the states of its node.
    """
    names = (*graph.parents(node), node) if names is None else tuple(names)
    said = [spell(axis.name) for axis in axes]
    first = values.ndim - len(names)
    if len(axes) != values.ndim or first not in (0, 1):
        return values  # told by its shape
    if set(names) <= set(said) and len(set(said)) == len(said):
        last = [said.index(name) for name in names]
        order = [place for place in range(values.ndim) if place not in last] + last
        values, axes = values.transpose(order), [axes[place] for place in order]
    elif any(
        name in names and names.index(name) != at - first for at, name in enumerate(said) if name
    ):
        told = {"found": _quoted([name or "-" for name in said]), "expected": _quoted(names)}
        raise PosteriorError(say("posterior.other_axes", name=node, **told))
    for at, name in enumerate(names, first):
        places = _places(axes[at].labels, graph.node(name).states, node, name)
        if places is not None:
            values = values.take(places, axis=at)
    return values


def _places(
    labels: tuple[str, ...] | None, states: tuple[str, ...], node: str, axis: str
) -> list[int] | None:
    """Return where along an axis each state stands; None where the labels only count."""
    if labels is None or len(labels) != len(states):  # the latter is told by its shape
        return None
    spelled = [spell(state) for state in states]
    if sorted(labels) == sorted(map(str, spelled)):
        return [labels.index(str(state)) for state in spelled]
    if labels == tuple(map(str, range(len(labels)))):
        return None
    told = {"labels": _quoted(labels), "states": _quoted(states), "axis": axis}
    raise PosteriorError(say("posterior.other_labels", name=node, **told))


def _axis(name: object, labels: Any) -> Axis:
    spelled = None if labels is None else tuple(spell(label) or "" for label in labels)
    return Axis(spell(name), spelled)


def _quoted(words: Sequence[str]) -> str:
    return listed([say("phrases.quoted", text=word) for word in words])
