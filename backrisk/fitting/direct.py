"""The model that nutpie samples, without PyTensor: the compiled density with its data.

The PyMC model of `backrisk.fitting.model` is the definition. What is laid out here comes from the
same objects, the prior, the recipe of the cells and the circuit, and a test holds value and
gradient equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from nutpie.compile_pymc import CompiledPyMCModel
from scipy.special import betaln, logit

from backrisk._types import Array
from backrisk.fitting.design import lay_out
from backrisk.fitting.gradient import HEAD, PARTS, density_at, parameters_at
from backrisk.fitting.observed import Prepared, pooled_sites
from backrisk.fitting.recipe import Recipe
from backrisk.graph import SITE_SCALE
from backrisk.posterior import EFFECTS, FRACTIONS, SITE_SCALES, SITE_SHIFTS

_JITTER = 1.0  # how far from its start a chain is put, at most, on the unconstrained scale


def direct_model(prepared: Prepared) -> CompiledPyMCModel:
    """Return what nutpie samples.

    Parameters
    ----------
    prepared : Prepared

    Returns
    -------
    nutpie.CompiledModel
        Its unconstrained parameters are those of the PyMC model: logits of the fractions, standard
        normals of the effects, and with sites the logs of their scales and the standard normals of
        the shifts.
    """
    layout = prepared.layout
    sites = pooled_sites(prepared.survey)
    pooled = layout.pooled if sites else ()
    n, m = len(layout.fraction_labels), len(layout.effect_labels)
    shapes: dict[str, tuple[int, ...]] = {FRACTIONS: (n,)}
    if m:
        shapes[EFFECTS] = (m,)
    if sites:
        shapes |= {SITE_SCALES: (len(pooled),), SITE_SHIFTS: (len(sites), len(pooled))}
    sizes = [math.prod(shape) for shape in shapes.values()]
    stops = np.cumsum(sizes).tolist()
    parts = [slice(stop - size, stop) for size, stop in zip(sizes, stops, strict=True)]
    size = stops[-1]
    labels = {"distribution": layout.fraction_labels, "effect": layout.effect_labels}
    dims: dict[str, tuple[str, ...]] = {FRACTIONS: ("distribution",), EFFECTS: ("effect",)}
    if sites:
        labels |= {"site": sites, "pooled": pooled}
        dims |= {SITE_SCALES: ("pooled",), SITE_SHIFTS: ("site", "pooled")}
    coords: dict[str, Any] = {name: pd.Index(values) for name, values in labels.items()}
    coords["unconstrained_parameter"] = pd.RangeIndex(size)
    return CompiledPyMCModel(
        dims={name: dims[name] for name in shapes},
        reparameterized_names=[],
        compiled_logp_func=density_at,
        compiled_expand_func=parameters_at,
        initial_point_func=_start(prepared, size),
        shared_data={},
        shared_var_keys={},
        user_data=block_of(prepared),
        n_expanded=size,
        shape_info=(list(shapes), parts, list(shapes.values())),
        logp_func=None,
        expand_func=None,
        _n_dim=size,
        _shapes=shapes,
        _coords=coords,
    )


def _start(prepared: Prepared, size: int) -> Callable[[int | None], Array]:
    """Return what gives a chain's start from a seed: the prior's, and a little beside it."""
    n, m = len(prepared.prior.start), len(prepared.prior.mean)
    centre = np.zeros(size)
    centre[:n] = logit(prepared.prior.start)
    if pooled_sites(prepared.survey):
        centre[n + m : n + m + len(prepared.layout.pooled)] = math.log(SITE_SCALE)

    def start(seed: int | None = None) -> Array:
        rng = np.random.default_rng(seed)
        return np.asarray(centre + rng.uniform(-_JITTER, _JITTER, size=size))

    return start


def block_of(prepared: Prepared) -> NDArray[np.int64]:
    """Lay the data of a density out in one block.

    Parameters
    ----------
    prepared : Prepared

    Returns
    -------
    ndarray of int64
        The size; of each of `PARTS` where it starts, its rows and its columns; then the parts, the
        bits of reals taken as integers.
    """
    layout, prior, circuit = prepared.layout, prepared.prior, prepared.circuit
    recipe = Recipe.of(layout)
    sites = pooled_sites(prepared.survey)
    tape, reals = circuit.packed()
    alpha, beta = prior.fractions
    sampled = prepared.sampled
    chosen: dict[str, NDArray[Any]] = {} if sampled is None else dict(sampled.data(circuit))
    # Of the site, whose own distribution counts for nothing, and of being a case.
    told = np.concatenate([np.zeros(len(sites)), chosen.pop("told", np.zeros(0))])
    if sampled is not None and sampled.sets is not None:
        chosen["set_first"] = np.array([sampled.first])
    scales = np.full((len(sites), len(layout.pooled) if sites else 0), SITE_SCALE)
    constant = -betaln(alpha, beta).sum() - 0.5 * math.log(2 * math.pi) * len(prior.mean)
    constant += scales[:1].size * (0.5 * math.log(2 / math.pi) - math.log(SITE_SCALE))
    constant -= 0.5 * math.log(2 * math.pi) * scales.size
    found: Mapping[str, NDArray[Any]] = {
        "tape": tape,
        "reals": reals,
        **vars(recipe),
        **lay_out(layout, circuit.cells, len(sites)),
        **chosen,
        "told": told,
        "alpha": alpha,
        "beta": beta,
        "mean": prior.mean,
        "root": prior.sd if prior.root is None else prior.root,
        "site_scale": scales,
        "constant": np.array([constant]),
    }
    head, words = [], []
    end = HEAD
    for name in PARTS:
        part = np.atleast_2d(found.get(name, np.zeros((0, 0), np.int64)))
        flat = np.ascontiguousarray(part).ravel()
        words.append(flat.view(np.int64) if flat.dtype == np.float64 else flat.astype(np.int64))
        head += [end, *part.shape]
        end += part.size
    return np.concatenate([np.array([end, *head], dtype=np.int64), *words])


def mapped(block: NDArray[np.int64], origin: Array, axes: Array) -> NDArray[np.int64]:
    """Return the data of a density whose parameters are a linear map of others.

    Parameters
    ----------
    block : ndarray of int64
        What `block_of` laid out.
    origin : ndarray, shape (parameter,)
        Where all the others are zero.
    axes : ndarray, shape (parameter, other)
        How far the parameters move with each of the others.
    """
    head, words = block[:HEAD].copy(), [block[HEAD:]]
    for name, part in (("origin", origin[None]), ("axes", axes.T)):
        at = 1 + 3 * PARTS.index(name)
        head[at : at + 3] = head[0], *part.shape
        head[0] += part.size
        words.append(np.ascontiguousarray(part).ravel().view(np.int64))
    return np.concatenate([head, *words])
