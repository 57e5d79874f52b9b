"""The posterior of a graph one edge away, by importance sampling from a fit that is there.

A parameter that the other graph lacks stays as an auxiliary one, with a normal distribution; one
that it has more is proposed around its mode. The others move along with it as the posterior has
them together (a shear, whose determinant is 1). So proposal and target are densities over the same
numbers, both known but for a constant, and the weights are exact, whatever the normals miss; that
they are usable is what Pareto k-hat tells.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, expit, log_expit, logit, logsumexp, softmax
from scipy.stats import multivariate_normal

from backrisk._types import Array
from backrisk.check.comparison import survey_for
from backrisk.check.neighbours import Neighbour
from backrisk.check.pareto import good_k, pareto_smoothed
from backrisk.errors import BackriskError
from backrisk.fitting import Pointwise
from backrisk.graph import CausalGraph, Layout, OrdinalLogit, ParameterPrior, Saturated
from backrisk.likelihood import conditioned
from backrisk.posterior import Diagnostics, Posterior
from backrisk.survey import Survey
from backrisk.words import say

DRAWS = 1000  # of the fit, that are moved
_PILOT = 300  # of them, that an added effect is sought with
_STEPS, _FAR, _NEAR = 8, 1.5, 0.1  # of Newton's method: how many, how long, when to stop
_STEP = 0.05  # of differences, on the log odds scale
_CLEAR = 3.5  # standard errors from which on a correlation counts
_WIDER = 1.15  # an added effect's proposal against its normal approximation
_MOST_EFFECTS = 3  # of one edge that are proposed together
_PRIOR_DRAWS = 1000


class OutOfReach(BackriskError):
    """Draws cannot be moved from one graph to another.

    Parameters
    ----------
    why : str
    gain : float
        Of an added edge, where known: what it promises in log density, roughly.
    """

    def __init__(self, why: str, gain: float = np.nan) -> None:
        super().__init__(why)
        self.gain = gain


def used_evidence(posterior: Posterior) -> bool:
    """Return whether published figures conditioned the prior of a fit."""
    return bool(posterior.meta.get("figures"))


def prior_of(layout: Layout, evidence: bool) -> ParameterPrior:
    """Return the prior that a fit of a graph has."""
    return conditioned(layout).prior if evidence else layout.prior


@dataclass(frozen=True, eq=False)
class Model:
    """A graph's unnormalised posterior density, given a survey.

    Parameters
    ----------
    posterior : Posterior
        A fit of a graph near this one, from which codebook and record come.
    graph : CausalGraph
    pointwise : Pointwise
        Of the survey, read for the graph.
    evidence : bool
    """

    posterior: Posterior
    graph: CausalGraph
    pointwise: Pointwise
    evidence: bool

    @classmethod
    def of(cls, posterior: Posterior, graph: CausalGraph, survey: Survey) -> Model:
        """Compile the survey for a graph."""
        read = survey_for(survey, graph, graph.name)
        return cls(posterior, graph, Pointwise.of(read), used_evidence(posterior))

    @cached_property
    def layout(self) -> Layout:
        """Of the graph."""
        return Layout(self.graph)

    @cached_property
    def prior(self) -> ParameterPrior:
        """Of the graph, as a fit would have it."""
        return prior_of(self.layout, self.evidence)

    @cached_property
    def keys(self) -> list[Hashable]:
        """What each parameter is: equal in two graphs where it plays the same part."""
        found: list[Hashable] = []
        for name, each in self.layout.mechanisms.items():
            shares = isinstance(each, OrdinalLogit) or (
                isinstance(each, Saturated) and not each.parents
            )
            for place, simplex in enumerate(each.simplexes):
                # Shares of a root are those on average of a node whose causes do nothing.
                role = "" if shares and not place else simplex.label
                found += [(name, role, state) for state in simplex.states[:-1]]
        return found + [("effect", *each) for each in self.layout.effect_terms]

    @property
    def fractions(self) -> int:
        """How many of the parameters are fractions; these stand first."""
        return len(self.layout.fraction_labels)

    def split(self, values: Array) -> tuple[Array, Array]:
        """Return fractions and effects of values, ``(draw, parameter)``."""
        tiny = np.finfo(float).eps
        fractions = expit(values[:, : self.fractions])
        return np.clip(fractions, tiny, 1 - tiny), values[:, self.fractions :]

    def as_posterior(self, values: Array) -> Posterior:
        """Return values as a bare posterior."""
        return Posterior(self.graph, *self.split(values))

    def densities(self, values: Array) -> tuple[Array, Array]:
        """Return log prior and log likelihood of values, each ``(draw,)``.

        The log prior is that of the parameters themselves, as `Posterior.log_prior` has it.
        """
        rows = self.pointwise.log_likelihood(self.as_posterior(values))
        people = self.pointwise.patterns.people.astype(np.float64)
        return self.prior.log_density(*self.split(values)), rows @ people

    def jacobian(self, values: Array) -> Array:
        """Return the log derivative of fractions by their logits, ``(draw,)``."""
        logits = values[:, : self.fractions]
        found: Array = (log_expit(logits) + log_expit(-logits)).sum(axis=1)
        return found

    def log_joint(self, values: Array) -> Array:
        """Return the log density of logits of fractions, and effects, ``(draw,)``."""
        return self.jacobian(values) + np.add(*self.densities(values))


def values_of(posterior: Posterior) -> Array:
    """Return draws as logits of fractions, then effects, ``(draw, parameter)``."""
    assert posterior.fractions is not None
    assert posterior.beta is not None
    tiny = np.finfo(float).eps
    return np.hstack([logit(np.clip(posterior.fractions, tiny, 1 - tiny)), posterior.beta])


@dataclass(frozen=True, eq=False)
class Cloud:
    """Weighted draws of a graph's parameters.

    Parameters
    ----------
    model : Model
    values : ndarray, shape (draw, parameter)
        Logits of fractions, then effects.
    log_prior, log_likelihood : ndarray, shape (draw,)
        As `Posterior` has them.
    log_weights : ndarray, shape (draw,)
        Their mean, as weights, is the ratio of this graph's evidence to that of the first.
    gain : float
        What an edge that was added last promised; see `OutOfReach`.
    """

    model: Model
    values: Array
    log_prior: Array
    log_likelihood: Array
    log_weights: Array
    gain: float = np.nan

    @classmethod
    def of(cls, model: Model, draws: int = DRAWS) -> Cloud:
        """Return the draws of the model's own fit."""
        values = values_of(model.posterior.subset(draws))
        return cls(model, values, *model.densities(values), np.zeros(len(values)))

    @cached_property
    def log_joint(self) -> Array:
        """The log density of `values`, ``(draw,)``."""
        return self.model.jacobian(self.values) + self.log_prior + self.log_likelihood

    def to(self, neighbour: Neighbour, survey: Survey, rng: np.random.Generator) -> Cloud:
        """Move to a graph one edge away.

        Raises
        ------
        OutOfReach
            If a changed node has a distribution for each configuration of its causes, or another
            form in which nothing of it stays the same; or no proposal is found.
        """
        own, other = self.model.graph, neighbour.graph
        if neighbour.kind == "drop":
            return self._without(self._beside(other, survey))
        if neighbour.kind == "add":
            return self._with(self._beside(other, survey), rng)
        between = replace(neighbour, base=own, kind="drop").graph
        return self._without(self._beside(between, survey)).to_last(other, survey, rng)

    def to_last(self, graph: CausalGraph, survey: Survey, rng: np.random.Generator) -> Cloud:
        """Move on to a graph with one edge more."""
        return self._with(self._beside(graph, survey), rng)

    def _beside(self, graph: CausalGraph, survey: Survey) -> Model:
        return Model.of(self.model.posterior, graph, survey)

    @property
    def effective(self) -> float:
        """The effective number of draws, by the weights alone."""
        return float(1.0 / (softmax(self.log_weights) ** 2).sum())

    def _without(self, other: Model) -> Cloud:
        """Drop an edge: its parameters go on as auxiliary ones."""
        keys, values = self.model.keys, self.values
        place = {key: i for i, key in enumerate(keys)}
        if missing := [key for key in other.keys if key not in place]:
            raise OutOfReach(say("check.reweighting.form", what=_said(missing[0])))
        kept = [place[key] for key in other.keys]
        lost = sorted(set(range(len(keys))) - set(kept))
        effects = [i for i in lost if i >= self.model.fractions]
        if not effects:
            raise OutOfReach(say("check.reweighting.no_effect"))
        weights = softmax(self.log_weights)
        slopes = _slopes(values[:, kept], values[:, effects], weights, self.effective)
        moved = values[:, kept] - values[:, effects] @ slopes.T
        there = Cloud(other, moved, *other.densities(moved), self.log_weights)
        beside = _normal(values[:, lost], weights).logpdf(values[:, lost])
        return replace(there, log_weights=self._over(there) + beside)

    def _with(self, other: Model, rng: np.random.Generator) -> Cloud:
        """Add an edge: its effects are proposed around their mode, all else moves along."""
        place = {key: i for i, key in enumerate(other.keys)}
        if missing := [key for key in self.model.keys if key not in place]:
            raise OutOfReach(say("check.reweighting.form", what=_said(missing[0])))
        kept = [place[key] for key in self.model.keys]
        gained = sorted(set(range(len(place))) - set(kept))
        effects = [i for i in gained if i >= other.fractions]
        steps = [i for i in gained if i < other.fractions]
        if not 0 < len(effects) <= _MOST_EFFECTS:
            raise OutOfReach(say("check.reweighting.no_effect"))
        values = np.zeros((len(self.values), len(place)))
        values[:, kept] = self.values
        a, b = (part[steps] for part in other.prior.fractions)
        shares = rng.beta(a, b, (len(values), len(steps)))
        values[:, steps] = logit(np.clip(shares, 1e-12, 1 - 1e-12))
        logits = values[:, steps]
        beside = (a * log_expit(logits) + b * log_expit(-logits) - betaln(a, b)).sum(axis=1)
        pilot = values[_resampled(softmax(self.log_weights), min(_PILOT, len(values)), rng)]
        sought = _Sought.around(other, pilot, kept, effects)
        drawn = sought.normal.rvs(size=len(values), random_state=rng).reshape(-1, len(effects))
        values[:, kept] += sought.away + (drawn - sought.mode) @ sought.slopes.T
        values[:, effects] = drawn
        beside += np.atleast_1d(sought.normal.logpdf(drawn))
        there = Cloud(other, values, *other.densities(values), self.log_weights, sought.gain)
        return replace(there, log_weights=self._over(there) - beside)

    def _over(self, there: Cloud) -> Array:
        """Return the log weights times the ratio of the densities of two clouds."""
        return np.asarray(self.log_weights + there.log_joint - self.log_joint)

    def settled(self, rng: np.random.Generator) -> Settled:
        """Resample to draws of equal weight, by Pareto smoothed weights."""
        weights, k_hat = pareto_smoothed(self.log_weights)
        which = _resampled(weights, len(weights), rng)
        evidence = float(logsumexp(self.log_weights) - np.log(len(self.log_weights)))
        model, first = self.model, self.model.posterior
        prior_fractions, prior_beta = model.prior.draw(_PRIOR_DRAWS, rng)
        fractions, beta = model.split(self.values[which])
        posterior = Posterior(
            model.graph,
            fractions,
            beta,
            diagnostics=Diagnostics(first.diagnostics.method, {}, first.diagnostics.warnings),
            codebook=first.codebook,
            prior_fractions=prior_fractions,
            prior_beta=prior_beta,
            meta={**first.meta, "draws": len(which)},
            log_prior=self.log_prior[which],
            log_likelihood=self.log_likelihood[which],
        )
        effective = float(1.0 / (weights**2).sum())
        return Settled(posterior, k_hat, effective, evidence, self.gain)


@dataclass(frozen=True, eq=False)
class Settled:
    """What came of moving a fit to another graph.

    Parameters
    ----------
    posterior : Posterior
    k_hat : float
        Of the weights: above 0.7 they are of no use, for fewer draws already somewhat below.
    effective : float
        Draws of equal weight that are worth as much.
    log_evidence : float
        Log ratio of the graph's marginal likelihood to that of the graph fitted: the log Bayes
        factor. As unsure as the weights.
    gain : float
        See `Cloud`.
    """

    posterior: Posterior
    k_hat: float
    effective: float
    log_evidence: float
    gain: float = np.nan

    @property
    def good(self) -> bool:
        """Whether the weights can be used (Vehtari et al. 2024, arXiv:1507.02646)."""
        return self.k_hat <= good_k(self.posterior.draws)


@dataclass(frozen=True, eq=False)
class _Sought:
    """A normal approximation of added effects, and how the other parameters go with them.

    Parameters
    ----------
    mode : ndarray, shape (effect,)
    normal : frozen multivariate normal
        What effects are drawn from.
    away : ndarray, shape (parameter,)
        How far the others move as the effects go from 0 to their mode.
    slopes : ndarray, shape (parameter, effect)
        How far they move for one more.
    gain : float
        Of log density, by the slope at 0 and the curvature there: a rough guess, without a fit.
    """

    mode: Array
    normal: Any
    away: Array
    slopes: Array
    gain: float

    @classmethod
    def around(cls, model: Model, pilot: Array, kept: list[int], effects: list[int]) -> _Sought:
        """Climb the marginal density of the effects by Newton's method.

        Its gradient is the mean of that of the joint density over the other parameters (Fisher's
        identity), its curvature the mean curvature plus the variance of the gradient (Louis 1982);
        the other parameters move as their covariance with the gradient has it.
        """
        values = pilot.copy()
        mode, away = np.zeros(len(effects)), np.zeros(len(kept))
        gain = np.nan
        for step in range(_STEPS):
            slope, curvature = _gradient(model, values, effects)
            if not step:
                uphill = slope.mean(axis=0)
                gain = float(uphill @ np.linalg.solve(-curvature, uphill) / 2)
            spread = np.atleast_2d(np.cov(slope.T))
            precision = -curvature - spread
            if np.linalg.eigvalsh(precision).min() <= 0:
                raise OutOfReach(say("check.reweighting.no_mode"), gain)
            ahead = np.linalg.solve(precision, slope.mean(axis=0))
            move = np.clip(ahead, -_FAR, _FAR)
            along = _slopes(values[:, kept], slope, None, len(values)) @ spread
            if (np.abs(ahead) < _NEAR / np.sqrt(np.diag(precision))).all():
                break
            mode, away = mode + move, away + along @ move
            values[:, kept] = pilot[:, kept] + away
            values[:, effects] = mode
        covariance = _WIDER**2 * np.linalg.inv(precision)
        return cls(mode, multivariate_normal(mode, covariance), away, along, gain)


def _gradient(model: Model, values: Array, effects: list[int]) -> tuple[Array, Array]:
    """Return the log density's slope by some effects, ``(draw, effect)``, and mean curvature."""
    middle = model.log_joint(values)
    ends = np.empty((2, len(effects), len(values)))
    for sign in (0, 1):
        for place, at in enumerate(effects):
            ends[sign, place] = model.log_joint(_stepped(values, {at: (2 * sign - 1) * _STEP}))
    slope = ((ends[1] - ends[0]) / (2 * _STEP)).T
    curvature = np.diag(((ends[1] + ends[0] - 2 * middle) / _STEP**2).mean(axis=1))
    for one in range(len(effects)):
        for other in range(one):
            both = model.log_joint(_stepped(values, {effects[i]: _STEP for i in (one, other)}))
            cross = (both - ends[1, one] - ends[1, other] + middle).mean() / _STEP**2
            curvature[one, other] = curvature[other, one] = cross
    return slope, curvature


def _stepped(values: Array, steps: Mapping[int, float]) -> Array:
    moved = values.copy()
    for at, step in steps.items():
        moved[:, at] += step
    return moved


def _slopes(values: Array, causes: Array, weights: Array | None, effective: float) -> Array:
    """Return the linear regression of each column on some causes, ``(column, cause)``.

    Where chance alone could be behind the correlation it counts as none: over hundreds of columns
    the noise would add up in the weights.
    """
    share = np.full(len(values), 1.0 / len(values)) if weights is None else weights
    centred, about = values - share @ values, causes - share @ causes
    inner = (about * share[:, None]).T @ about
    across = (centred * share[:, None]).T @ about
    slopes = np.linalg.solve(inner + 1e-12 * np.eye(len(inner)), across.T).T
    explained = (slopes * across).sum(axis=1)
    variance = share @ centred**2
    clear = explained > variance * min(_CLEAR**2 / effective, 1.0)
    return np.asarray(np.where(clear[:, None], slopes, 0.0))


def _normal(values: Array, weights: Array) -> Any:
    mean = weights @ values
    away = values - mean
    covariance = (away * weights[:, None]).T @ away
    return multivariate_normal(mean, covariance + 1e-12 * np.eye(len(covariance)))


def _resampled(weights: Array, draws: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return which draws a systematic sample of the weights takes."""
    at = (rng.random() + np.arange(draws)) / draws
    return np.minimum(np.searchsorted(np.cumsum(weights), at), len(weights) - 1)


def _said(key: Any) -> str:
    """Return the node that a parameter belongs to."""
    return str(key[1] if key[0] == "effect" else key[0])
