"""How much of an answer comes from the data: three facts, which no single number can stand for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.posterior import Posterior
from backrisk.summary import DIGITS

SENSITIVE = 0.05  # from here on a quantity counts as moved by scaling (Kallioinen et al. 2023)
_SCALES = (0.99, 1.01)  # powers that prior and likelihood are raised to
_FEWEST = 4  # draws that a variance and its error can be told from
_ROUNDING = 1e-9  # of a log density
_FLOOR = 1.645  # standard errors: one-sided 95 %
_SHIFTS = 99  # of a density against the draws: noise is called a move in one of 100


@dataclass(frozen=True, eq=False)
class Support:
    """What the data did to some quantities, and what nobody measured on their way.

    Parameters
    ----------
    contraction : ndarray, shape (quantity,)
        ``1 - Var(posterior) / Var(prior)``: 1 where the data fix the quantity, 0 where they leave
        it as uncertain as it was, negative where they made it less certain. NaN without a prior.
    contraction_error : ndarray, shape (quantity,)
        Monte Carlo standard error of the contraction, from the finite number of draws of both.
    moved_by_prior, moved_by_likelihood : ndarray, shape (quantity,)
        How far the quantity moves as the prior, or the likelihood, is raised to a power near 1:
        gradient of the cumulative Jensen-Shannon distance over the binary logarithm of the power
        (`sensitivity`). NaN where the draws' log densities were not kept, and by the prior where it
        is flat: a flat prior to any power is flat, however much it matters.
    prior_noise : ndarray, shape (quantity,)
        How far the quantity would seem to move with a prior that it has nothing to do with
        (`sensitivity_of_noise`). NaN where it moves less than what counts as sensitive.
    unmeasured : tuple of (tuple of str) or None
        Of each quantity, the nodes on its paths of which the survey holds neither an observation
        nor an answer to an item. None where the survey is not known.
    synthetic : bool
        Whether the survey was simulated: then no real data narrowed anything.
    """

    contraction: Array
    contraction_error: Array
    moved_by_prior: Array
    moved_by_likelihood: Array
    prior_noise: Array
    unmeasured: tuple[tuple[str, ...] | None, ...]
    synthetic: bool = False

    @property
    def narrowed(self) -> list[bool | None]:
        """Whether the data narrowed each quantity, beyond Monte Carlo error; None if unknown."""
        return [
            None if np.isnan(share) else bool(share > _FLOOR * np.nan_to_num(error))
            for share, error in zip(self.contraction, self.contraction_error, strict=True)
        ]

    @property
    def moved(self) -> list[bool | None]:
        """Whether the prior moves each quantity; None within Monte Carlo error, or if unknown."""
        return [
            None if np.isnan(far) or SENSITIVE <= far <= noise else bool(far >= SENSITIVE)
            for far, noise in zip(self.moved_by_prior, self.prior_noise, strict=True)
        ]

    def columns(self) -> dict[str, list[Any]]:
        """Return the facts as columns of an answer's table, one entry a quantity.

        ``unmeasured`` is the names with commas between, empty where every node was measured.
        """
        return {
            "narrowed": self.narrowed,
            "contraction": self.contraction.tolist(),
            "contraction_error": self.contraction_error.tolist(),
            "moved_by_prior": self.moved_by_prior.tolist(),
            "moved_by_likelihood": self.moved_by_likelihood.tolist(),
            "unmeasured": [
                None if names is None else ", ".join(names) for names in self.unmeasured
            ],
        }


def support(
    draws: Array, posterior: Posterior, groups: Sequence[Iterable[str]], target: str
) -> Support:
    """Return how much of each quantity comes from the data.

    Parameters
    ----------
    draws : ndarray, shape (draw, quantity)
        Those of the posterior, then those of `Posterior.beside_prior`.
    posterior : Posterior
    groups : sequence of iterable of str
        The nodes that each quantity is about.
    target : str

    Returns
    -------
    Support

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> support(np.array([[0.5]]), p, [("x",)], "y").unmeasured
    (None,)
    """
    draws = draws.round(DIGITS)  # what is always nothing has no rounding to compare
    own, prior = draws[: posterior.draws], draws[posterior.draws :]
    share, error = contraction(own, prior, posterior.chains)
    log_prior = None if is_flat(posterior.log_prior) else posterior.log_prior
    by_prior = sensitivity(own, log_prior)
    noise = np.full(len(by_prior), np.nan)
    far = by_prior >= SENSITIVE
    noise[far] = sensitivity_of_noise(own[:, far], log_prior)
    return Support(
        share,
        error,
        by_prior,
        sensitivity(own, posterior.log_likelihood),
        noise,
        tuple(unmeasured(posterior, group, target) for group in groups),
        bool(posterior.meta.get("synthetic")),
    )


def is_flat(log_density: Array | None) -> bool:
    """Return whether a density is the same at all draws, so that no power of it moves anything.

    A prior may be flat and matter: then scaling does not tell.
    """
    return log_density is not None and float(np.ptp(log_density)) < _ROUNDING


def contraction(own: Array, prior: Array, chains: int = 1) -> tuple[Array, Array]:
    """Return how far the data narrowed each quantity, and the Monte Carlo error of that.

    Parameters
    ----------
    own : ndarray, shape (draw, quantity)
        Draws of the posterior, chain after chain.
    prior : ndarray, shape (prior draw, quantity)
        Independent draws of the prior.
    chains : int

    Returns
    -------
    contraction, error : ndarray, each of shape (quantity,)
        ``1 - Var(own) / Var(prior)``, and its standard error by the delta method: that of the
        posterior variance from batch means, since a chain's draws depend on each other. NaN
        where either has too few draws, or the prior is a constant.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> share, error = contraction(rng.normal(0, 0.5, (2000, 1)), rng.normal(0, 1, (2000, 1)))
    >>> bool(abs(share[0] - 0.75) < 3 * error[0])
    True
    """
    if min(len(own), len(prior)) < _FEWEST:
        nothing = np.full(own.shape[1], np.nan)
        return nothing, nothing.copy()
    narrow, narrow_error = _variance(own, max(chains, int(np.sqrt(len(own)))))
    wide, wide_error = _variance(prior, len(prior))
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(wide > 0, narrow / wide, np.nan)
        error = np.hypot(narrow_error, left * wide_error) / wide
    return 1.0 - left, error


def _variance(draws: Array, batches: int) -> tuple[Array, Array]:
    """Return the variance of each column, and its standard error from means of batches."""
    square = (draws - draws.mean(axis=0)) ** 2
    parts = np.array([part.mean(axis=0) for part in np.array_split(square, batches)])
    return square.mean(axis=0), parts.std(axis=0, ddof=1) / np.sqrt(batches)


def sensitivity(draws: Array, log_density: Array | None) -> Array:
    """Return how far each quantity moves as a density of the draws is raised to a power.

    Parameters
    ----------
    draws : ndarray, shape (draw, quantity)
    log_density : ndarray, shape (draw,), optional
        Log prior or log likelihood of each draw.

    Returns
    -------
    ndarray, shape (quantity,)
        Cumulative Jensen-Shannon distance between the draws and the same draws weighted by the
        density to the power of -0.01 and 0.01, for a doubling of the power: what
        ``arviz_stats.psense`` returns, but for its smoothing of the largest weights, which are
        all near 1 here. From 0.05 on the quantity counts as sensitive (Kallioinen et al. 2023,
        doi:10.1007/s11222-023-10366-5), if it moves further than `sensitivity_of_noise`: with few
        draws, or many parameters, what has nothing to do with the density seems to move by more
        than 0.05 too. NaN without the density.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(4000, 1))  # posterior that is all prior: moves
    >>> bool(sensitivity(x, -x[:, 0] ** 2 / 2)[0] > 0.05)
    True
    >>> sensitivity(x, np.zeros(4000)).round(6).tolist()  # a density that says nothing
    [0.0]
    """
    if log_density is None or len(draws) < _FEWEST:
        return np.full(draws.shape[1], np.nan)
    return _moved([_sorted(draws), _sorted(-draws)], log_density)


def sensitivity_of_noise(draws: Array, log_density: Array | None) -> Array:
    """Return how far quantities that have nothing to do with a density would seem to move.

    Parameters
    ----------
    draws : ndarray, shape (draw, quantity)
    log_density : ndarray, shape (draw,), optional

    Returns
    -------
    ndarray, shape (quantity,)
        The largest `sensitivity` of the same draws to the same density, shifted against them in a
        circle by each of 99 steps (fewer where there are fewer draws): a permutation under which
        both keep how their draws depend on each other. Draws independent of the density exceed it
        once in 100 times. NaN without the density.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x, density = rng.normal(size=(400, 1)), 10 * rng.normal(size=400)
    >>> bool(0.05 < sensitivity(x, density)[0] < sensitivity_of_noise(x, density)[0])
    True
    """
    if log_density is None or len(draws) < _FEWEST:
        return np.full(draws.shape[1], np.nan)
    steps = np.unique(np.linspace(0, len(draws), _SHIFTS + 2)[1:-1].astype(np.intp))
    both = [_sorted(draws), _sorted(-draws)]
    shifted = [_moved(both, np.roll(log_density, step)) for step in steps if step]
    furthest: Array = np.max(shifted, axis=0)
    return furthest


def _sorted(draws: Array) -> tuple[NDArray[np.intp], Array]:
    """Return the order of each column, and how far each of its values is from the next."""
    order = np.argsort(draws, axis=0, kind="stable")
    return order, np.diff(np.take_along_axis(draws, order, axis=0), axis=0)


def _moved(both: Sequence[tuple[NDArray[np.intp], Array]], log_density: Array) -> Array:
    """Return the sensitivity of quantities, sorted upwards and downwards."""
    centred = log_density - log_density.max()
    found = []
    for scale in _SCALES:
        weights = np.exp((scale - 1.0) * centred)
        up, down = (_distance(order, width, weights) for order, width in both)
        found.append(np.maximum(up, down) / abs(np.log2(scale)))
    share: Array = np.mean(found, axis=0)
    return share


def _distance(order: NDArray[np.intp], width: Array, weights: Array) -> Array:
    """Return the cumulative Jensen-Shannon distance of each column from itself, weighted."""
    plain = np.arange(1, len(order))[:, None] / len(order)
    weighted = np.cumsum(weights[order] / weights.sum(), axis=0)[:-1]
    middle = np.log2((plain + weighted) / 2)
    apart = ((weighted - plain) * width).sum(axis=0) / (2 * np.log(2))
    first = (width * plain * (np.log2(plain) - middle)).sum(axis=0) + apart
    second = (width * weighted * (np.log2(weighted) - middle)).sum(axis=0) - apart
    bound = ((plain + weighted) * width).sum(axis=0)
    # A constant has no distribution to move.
    share: Array = (np.maximum(first, 0) + np.maximum(second, 0)) / np.where(bound > 0, bound, 1)
    return np.sqrt(share)


def unmeasured(posterior: Posterior, group: Iterable[str], target: str) -> tuple[str, ...] | None:
    """Return the nodes from some causes to the target, both included, that nobody measured.

    A node counts as measured where the survey holds an observation of it in anyone, or an answer
    to one of its items.

    Parameters
    ----------
    posterior : Posterior
    group : iterable of str
    target : str

    Returns
    -------
    tuple of str, or None
        Causes before effects; None where the posterior does not know its survey.
    """
    answered = posterior.meta.get("answered")
    if answered is None:
        return None
    graph = posterior.graph
    before = graph.ancestors(target) | {target}
    between = frozenset().union(*((graph.descendants(name) | {name}) & before for name in group))

    def seen(name: str) -> bool:
        signs = (child for child in graph.children(name) if child in graph.items)
        return any(answered.get(each, 0) > 0 for each in (name, *signs))

    return tuple(name for name in graph.topological if name in between and not seen(name))
