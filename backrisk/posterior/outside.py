"""Draws that another program gave, in the form that xarray and ArviZ have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backrisk._types import Array
from backrisk.errors import PosteriorError
from backrisk.graph import CausalGraph, Layout
from backrisk.posterior.datatree import EFFECTS, FRACTIONS
from backrisk.posterior.given import owners, variable
from backrisk.posterior.labelled import Axis, axes_of, in_order
from backrisk.words import listed, say, suggest

if TYPE_CHECKING:
    from xarray import DataArray, Dataset

_FIRST = ("chain", "draw")
_AXES = {FRACTIONS: "distribution", EFFECTS: "effect"}


@dataclass(frozen=True, eq=False)
class Read:
    """Draws, of CPTs or of the parameters that they are computed from.

    Parameters
    ----------
    cpts : mapping of node to ndarray, shape (draw, *parents, state), or None
    fractions, beta : ndarray, shape (draw, parameter), or None
    chains : int
    """

    cpts: Mapping[str, Array] | None = None
    fractions: Array | None = None
    beta: Array | None = None
    chains: int = 1


def read_draws(tree: Any, graph: CausalGraph, variables: Mapping[str, str] | None) -> Read:
    """Read the draws of a tree; see `Posterior.from_datatree`."""
    found = _group(tree)
    for node in variables or {}:
        if node not in graph.names:
            near = suggest(node, graph.names)
            told = {"node": node, "graph": graph.name, "suggestion": near}
            raise PosteriorError(say("posterior.outside.no_node", **told))
    if variables is None and FRACTIONS in found and EFFECTS in found:
        layout = Layout(graph)
        fractions = _parameters(found, FRACTIONS, layout.fraction_labels, graph.name)
        beta = _parameters(found, EFFECTS, layout.effect_labels, graph.name)
        if not ((fractions >= 0) & (fractions <= 1)).all():
            _refuse_numbers(FRACTIONS, "fractions")
        if not np.isfinite(beta).all():
            _refuse_numbers(EFFECTS, "effects")
        return Read(fractions=fractions, beta=beta, chains=found[FRACTIONS].sizes["chain"])
    return Read(cpts={node: _cpt(found, graph, node, variables or {}) for node in owners(graph)})


def _refuse_numbers(name: str, expected: str) -> None:
    told = {"variable": name, "expected": say(f"posterior.outside.{expected}")}
    raise PosteriorError(say("posterior.outside.not_fractions", **told))


def _group(tree: Any) -> Dataset:
    """Return the group of posterior draws."""
    import xarray as xr

    if isinstance(tree, xr.Dataset):
        return tree
    group = getattr(tree, "posterior", None)
    if isinstance(group, xr.DataTree):
        return group.to_dataset()
    if isinstance(group, xr.Dataset):
        return group
    raise PosteriorError(say("posterior.outside.no_posterior", kind=type(tree).__name__))


def _cpt(found: Dataset, graph: CausalGraph, node: str, variables: Mapping[str, str]) -> Array:
    """Return the draws of a node's CPT, whose shape is not looked into."""
    name = variables.get(node) or (variable(node) if variable(node) in found else node)
    if name not in found:
        near = suggest(name, list(map(str, found.data_vars)))
        told = {"variable": name, "node": node, "suggestion": near}
        raise PosteriorError(say("posterior.outside.no_variable", **told))
    array, shape = found[name], graph.shape(node)
    short = array.ndim - len(_FIRST) == len(shape) - 1 and shape[-1] == 2
    names = graph.parents(node) if short else (*graph.parents(node), node)
    values = _stacked(array, name)
    axes = axes_of(array.transpose(*_FIRST, ...)) or []
    values = in_order(values, [Axis(), *axes[len(_FIRST) :]], graph, node, names=names)
    if values.shape[1:] == shape[:-1] and shape[-1] == 2:
        return np.stack([1 - values, values], axis=-1)
    return values


def _parameters(found: Dataset, name: str, labels: tuple[str, ...], graph: str) -> Array:
    """Return draws of parameters, refusing those of another graph."""
    values = _stacked(found[name], name)
    axis = _AXES[name]
    told = found[name].coords.get(axis)
    same = told is None or tuple(map(str, told.values)) == labels
    if values.ndim != 2 or values.shape[1] != len(labels) or not same:
        about = {"found": values.shape[1:], "expected": len(labels), "graph": graph}
        raise PosteriorError(say("posterior.outside.other_parameters", variable=name, **about))
    return values


def _stacked(array: DataArray, name: str) -> Array:
    """Return an array with its draws first, one chain after the other."""
    if not set(_FIRST) <= set(array.dims):
        dims = listed(map(str, array.dims)) if array.dims else "-"
        raise PosteriorError(say("posterior.outside.no_chains", variable=name, found=dims))
    values = np.asarray(array.transpose(*_FIRST, ...).values, dtype=np.float64)
    return values.reshape(values.shape[0] * values.shape[1], *values.shape[2:])
