"""Whether the data contradict the prior of an effect or of a share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy import special

from backrisk._types import Array
from backrisk.graph import Layout, Node, OrdinalLogit, ParameterPrior
from backrisk.posterior import Conflict
from backrisk.summary import INTERVAL

LEVEL = 0.05  # the chance that a fit whose prior is right tells of any conflict
_FEWEST = 100  # draws that tell a mean and a variance well enough
_INSIDE = (np.finfo(float).tiny, 1 - np.finfo(float).epsneg)  # the ends of what has finite logits
_HEARD = 0.05  # share of the prior's variance that the data have to take away to say anything


@dataclass(frozen=True)
class _Stated:
    """A parameter whose prior someone stated: what it is, and its place in its vector."""

    kind: str
    node: str
    about: str
    place: int
    state: str = ""


def find_conflicts(
    layout: Layout, prior: ParameterPrior, fractions: Array, effects: Array
) -> tuple[Conflict, ...]:
    """Find the stated priors that the data contradict.

    Parameters
    ----------
    layout : Layout
    prior : ParameterPrior
        The prior of the fit.
    fractions : ndarray, shape (draw, fraction)
    effects : ndarray, shape (draw, effect)
        Posterior draws.

    Returns
    -------
    tuple of Conflict
        The least likely first.

    Notes
    -----
    Brought to a scale on which its prior is standard normal, a parameter has a posterior mean m
    and variance v. Over data that the prior itself predicts, m is centred on 0 with the variance
    1 - v, by the law of total variance, whatever else the model holds. So ``m / sqrt(1 - v)`` is
    compared with a standard normal. With a normal likelihood it is the prior predictive check of
    Evans and Moshonov (2006, doi:10.1214/06-BA129), and the node split of Marshall and
    Spiegelhalter (2007, doi:10.1214/07-BA228): what the data say alone, less what the prior says,
    over the standard error of the difference. A parameter of which the data say next to nothing
    cannot conflict, nor can anything where there are too few draws to tell. Over all stated
    priors, the level is kept by Holm's procedure (1979, doi:10.2307/4615733): where all are right,
    one fit in twenty at most tells of any conflict.

    Only what somebody stated is checked: edges with a prior, margins, the known reliability of
    items. Defaults claim nothing.
    """
    stated = list(_stated(layout))
    if len(fractions) < _FEWEST:
        return ()
    scores = np.empty((len(fractions), len(stated)))
    a, b = prior.fractions
    for i, each in enumerate(stated):
        at = each.place
        if each.kind == "edge":
            scores[:, i] = (effects[:, at] - prior.mean[at]) / prior.sd[at]
        else:
            scores[:, i] = _normal_score(fractions[:, at], a[at], b[at])
    mean, variance = scores.mean(axis=0), scores.var(axis=0)
    heard = variance < 1.0 - _HEARD
    z = np.where(heard, mean / np.sqrt(np.maximum(1.0 - variance, _HEARD)), 0.0)
    tails = 2.0 * special.ndtr(-np.abs(z))
    found = []
    for rank, i in enumerate(np.argsort(tails, kind="stable").tolist()):
        if tails[i] > LEVEL / (len(stated) - rank):
            break
        each = stated[i]
        if each.kind == "edge":
            said = prior.mean[each.place], prior.sd[each.place]
            ranges = _ranges(*said, effects[:, each.place], np.exp)
        else:
            first, second = a[each.place], b[each.place]
            said = _logit_moments(first, second)
            # A share that is 0 or 1 to a double has logits that no mean can be taken of.
            inside = np.clip(fractions[:, each.place], *_INSIDE)
            logits = special.logit(inside)
            ranges = _ranges(*said, logits, special.expit)
        found.append(
            Conflict(each.kind, each.node, each.about, *ranges, float(tails[i]), each.state)
        )
    return tuple(found)


def _normal_score(draws: Array, a: float, b: float) -> Array:
    """Map draws to the scale on which Beta(a, b) is standard normal, exactly in both tails."""
    below, above = special.betainc(a, b, draws), special.betaincc(a, b, draws)
    tiny = np.finfo(float).tiny
    low = special.ndtri(np.maximum(below, tiny))
    high = -special.ndtri(np.maximum(above, tiny))
    return np.asarray(np.where(below < 0.5, low, high))


def _logit_moments(a: float, b: float) -> tuple[float, float]:
    """Return mean and standard deviation of the logit of a Beta(a, b)."""
    mean = special.digamma(a) - special.digamma(b)
    return float(mean), float(np.sqrt(special.polygamma(1, a) + special.polygamma(1, b)))


def _ranges(
    mean: float, sd: float, draws: Array, back: np.ufunc
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return what prior and data say, each as its middle and interval, on a person's scale.

    The data's part is the normal that times the prior gives the posterior.
    """
    weight = 1.0 / sd**2
    both = 1.0 / max(draws.var(), np.finfo(float).tiny)
    alone = max(both - weight, np.finfo(float).eps * both)
    centre = (both * draws.mean() - weight * mean) / alone
    reach = NormalDist().inv_cdf(0.5 + INTERVAL / 2)
    return (
        _range(mean, reach * sd, back),
        _range(float(centre), reach * float(alone) ** -0.5, back),
    )


def _range(middle: float, reach: float, back: np.ufunc) -> tuple[float, float, float]:
    return float(back(middle)), float(back(middle - reach)), float(back(middle + reach))


def _stated(layout: Layout) -> Iterator[_Stated]:
    """Yield the parameters whose prior was stated, and not left to a default."""
    graph = layout.graph
    for name, each in layout.mechanisms.items():
        node = graph.node(name)
        edges = {edge.cause: edge for edge in graph.edges_into(name)}
        part = layout.effect_slices[name]
        for at, (_, causes) in enumerate(layout.effect_terms[part], part.start):
            (cause, state), *others = causes
            prior = edges[cause].prior if state is None else edges[cause].prior_of(state)
            if prior is not None and not others:  # an interaction has its default
                yield _Stated("edge", name, cause, at, state or "")
        at = layout.fraction_slices[name].start
        ordinal = isinstance(each, OrdinalLogit)
        by_edges = not ordinal and any(edge.priors for edge in edges.values())
        shares = _says_shares(node, by_edges)
        for place, simplex in enumerate(each.simplexes):
            for k in range(len(simplex.states) - 1):
                if shares and (place == 0 or not ordinal):
                    kind = "average" if ordinal else "row" if each.parents else "margin"
                    label = f"{simplex.label}: {simplex.states[k]}"
                    about = label if kind == "row" else simplex.states[k]
                    rest = "_rest" if k and kind != "row" else ""
                    yield _Stated(kind + rest, name, about, at + k)
            at += len(simplex.states) - 1


def _says_shares(node: Node, by_edges: bool) -> bool:
    """Whether anybody stated how the node's states are distributed."""
    known = (node.margin, node.reliability, node.misclassification)
    return by_edges or any(each is not None for each in known)
