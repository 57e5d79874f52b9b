"""Confounding by a cause that nobody measured: a model with it, which the data cannot tell apart.

The hidden cause is binary, a root of the graph, and acts on two nodes with stated odds ratios. The
model with it and the model without it give the same law of what was observed, as far as
`Confounded` says; what they say of interventions differs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np

from backrisk._arguments import checked, checked_class, shown
from backrisk._types import Array
from backrisk.errors import PosteriorError
from backrisk.graph import Layout
from backrisk.posterior.cpts import CPTs
from backrisk.posterior.hidden_cause import HiddenCause, HiddenCauseCPTs, with_hidden_cause
from backrisk.posterior.posterior import Posterior
from backrisk.summary import INTERVAL
from backrisk.words import decimal, names_of, percent, say

MOST = 100.0  # an odds ratio beyond which, either way, no cause is thought of


@checked_class()
@dataclass(frozen=True)
class Confounding:
    """What is thought of a cause that nobody measured and that two nodes share.

    The cause is binary and a root of the graph. Its log odds ratios into the two nodes are drawn
    for each posterior draw, independently, each ``Normal(mean, sd)``. Which of its states is
    called present is arbitrary, so that with ``mean=0`` it may feign an effect or hide one, and
    only the intervals change; with a positive mean it feigns one.

    Parameters
    ----------
    cause : str
        A node.
    effect : str, optional
        Another; default the node of the target that is asked about.
    sd : float
        Standard deviation of the log odds ratios; 0 for a strength that is known.
    mean : float
        Their mean.
    prevalence : float
        How common the hidden cause is.

    Raises
    ------
    PosteriorError
        If ``sd`` is below 0, a number is not finite, the prevalence is not between 0 and 1, or the
        odds ratios lie, for the most part, beyond 100 either way.

    Examples
    --------
    Odds ratios that lie between 1/2.3 and 2.3 with a probability of 0.90:

    >>> Confounding("training", sd=0.5)
    Confounding(cause='training', effect=None, sd=0.5, mean=0.0, prevalence=0.5)
    """

    cause: str
    effect: str | None = None
    sd: float = 0.5
    mean: float = 0.0
    prevalence: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what is no distribution of log odds ratios, and no share of people."""
        limit = math.log(MOST)
        if not (0 <= self.sd <= limit and abs(self.mean) <= limit):  # NaN is refused too
            raise PosteriorError(
                say(
                    "posterior.confounding.no_prior",
                    mean=self.mean,
                    sd=self.sd,
                    most=decimal(limit, 1),
                )
            )
        _demand_prevalence(self.prevalence)


@dataclass(frozen=True, eq=False, repr=False)
class Confounded(Posterior):
    """A posterior with a cause that nobody measured; made by `confounded`.

    Every query takes it. It is not saved: the model without the hidden cause is, and the strength
    is given again.

    Parameters
    ----------
    source : Posterior
        Without it.
    hidden : HiddenCause
    hidden_before : HiddenCause
        That of the draws of the prior.
    said : str
        What is supposed, in a sentence.

    Notes
    -----
    Write X and Y for the two nodes, Y being no cause of X, and U for the hidden cause. Kept
    exactly, in each draw, is the joint law of all nodes but Y and what follows from it. Kept
    exactly is the law of Y given its causes where the chance of U given them is worked out from all
    of them that tell of it (``cpts.averaged`` is empty): a fit of the graph without U to any
    number of people of the model with U, free in every family and with every node observed, finds
    the model without U. Where X and all its causes are causes of Y (``cpts.pointwise``), the
    law of all that can be observed is kept exactly, whatever lies downstream. Otherwise the model
    with U makes Y depend on X and its causes given Y's own causes, which the graph without U
    denies: there data could tell the two apart (see `backrisk.check.discrepancy`).
    """

    _: KW_ONLY
    source: Posterior
    hidden: HiddenCause
    hidden_before: HiddenCause
    said: str = ""

    @classmethod
    def of(
        cls,
        source: Posterior,
        hidden: HiddenCause,
        hidden_before: HiddenCause,
        said: str = "",
    ) -> Confounded:
        """Return a posterior with a hidden cause."""
        graph, _ = with_hidden_cause(source.graph, hidden.first, hidden.second)
        return cls(
            graph,
            source.fractions,
            source.beta,
            source.chains,
            source.diagnostics,
            source.codebook,
            source.prior_fractions,
            source.prior_beta,
            source.given,
            source.sites,
            source.meta,
            source.log_prior,
            source.log_likelihood,
            source.sample_stats,
            source=source,
            hidden=hidden,
            hidden_before=hidden_before,
            said=said,
        )

    @cached_property
    def cpts(self) -> HiddenCauseCPTs:
        """The CPTs, and how far they keep the law of what was observed."""
        return HiddenCauseCPTs(self.source, self.graph, self.hidden)

    @property
    def _cpts(self) -> CPTs:
        return self.cpts

    @cached_property
    def layout(self) -> Layout:
        """Which parameter belongs to which node: the hidden cause has none."""
        return self.source.layout

    @cached_property
    def prior(self) -> Posterior | None:
        """The same model before the data, with the hidden cause."""
        before = self.source.prior
        if before is None:
            return None
        return Confounded.of(before, self.hidden_before, self.hidden_before)

    def marginal(self, name: str) -> Array:
        """Return P(node) over the whole population: what it is without the hidden cause.

        Parameters
        ----------
        name : str

        Returns
        -------
        ndarray, shape (state, draw)
        """
        second = self.hidden.second
        same = name in self.source.graph.names and name not in self.graph.descendants(second)
        if same and (name != second or not self.cpts.averaged):
            return self.source.marginal(name)
        return super().marginal(name)

    @property
    def supposed(self) -> tuple[str, ...]:
        """What is supposed, a sentence for each hidden cause."""
        before = self.source.supposed if isinstance(self.source, Confounded) else ()
        return (*before, self.said) if self.said else before

    def warnings_about(self, nodes: Iterable[str] | None = None) -> tuple[str, ...]:
        """Return what has to be told with an answer: first, what is supposed."""
        return (*self.supposed, *super().warnings_about(nodes))

    def at_site(self, site: str | None, *, seed: int = 0) -> Posterior:
        """Return the posterior of one site, with the hidden cause; see `Posterior.at_site`."""
        there = self.source.at_site(site, seed=seed)
        return Confounded.of(there, self.hidden, self.hidden_before, self.said)

    def subset(self, draws: int) -> Posterior:
        """Return a posterior of at most this many draws, evenly spaced; see `Posterior.subset`."""
        if self.draws <= draws:
            return self
        kept = self.hidden.subset(self.spaced(draws))
        return Confounded.of(self.source.subset(draws), kept, self.hidden_before, self.said)


@checked()
def confounded(
    posterior: Posterior,
    cause: str,
    effect: str | None = None,
    *,
    odds_ratio: float = 2.0,
    effect_odds_ratio: float | None = None,
    prevalence: float = 0.5,
) -> Confounded:
    """Return a model in which two nodes share a cause that nobody measured, so strong.

    The hidden cause is binary and has no causes. With it, the odds of either node being beyond a
    state are multiplied, for every state and whatever the node's other causes are. The intercepts
    of both families are solved again, row by row, so that the model tells of what was observed
    what it told before: the bias of an effect through an unmeasured confounder, here in a
    network and in every draw (Rosenbaum and Rubin 1983, doi:10.1111/j.2517-6161.1983.tb01242.x;
    Lin, Psaty and Kronmal 1998, doi:10.2307/2533848; VanderWeele and Arah 2011,
    doi:10.1097/EDE.0b013e3181f74493). `Confounded` says what is kept exactly.

    Parameters
    ----------
    posterior : Posterior
    cause, effect : str
        Two nodes, in either order; the effect is the graph's outcome by default.
    odds_ratio : float
        Of the hidden cause into `cause`. Below 1 it protects.
    effect_odds_ratio : float, optional
        Into `effect`; as into the cause by default.
    prevalence : float
        How common the hidden cause is.

    Returns
    -------
    Confounded
        A posterior that every query takes as it is.

    Raises
    ------
    GraphError
        If a node is not known.
    PosteriorError
        If both are one node, or one records an answer; if an odds ratio is not between 1/100 and
        100, or the prevalence not between 0 and 1; if none is named and the graph has no outcome.

    Examples
    --------
    The risks stay what they were, and the effect shrinks:

    >>> from backrisk import CausalGraph, Posterior, intervene, risk
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.4, 0.6]]]})
    >>> with_u = confounded(p, "x", "y", odds_ratio=3.0)
    >>> risk(with_u, {"x": "yes"}).draws.round(12).tolist()
    [0.6]
    >>> [intervene(m, {"x": "yes"}, {"x": "no"}).draws.round(3).tolist() for m in (p, with_u)]
    [[0.3], [0.363]]
    """
    other = _other(posterior, cause, effect)
    strengths = []
    for each in (odds_ratio, odds_ratio if effect_odds_ratio is None else effect_odds_ratio):
        if not 1 / MOST <= each <= MOST:
            raise PosteriorError(
                say("posterior.confounding.odds_ratio", found=each, most=decimal(MOST, 0))
            )
        strengths.append(math.log(each))
    _demand_prevalence(prevalence)
    into = np.array(strengths)[:, None]
    hidden = _hidden(posterior, cause, other, into, prevalence)
    names = names_of(posterior.graph)
    said = say(
        "posterior.confounding.supposed",
        cause=names.node(cause),
        effect=names.node(other),
        share=percent(prevalence),
        into_cause=worded_ratio(strengths[0]),
        into_effect=worded_ratio(strengths[1]),
    )
    return Confounded.of(posterior, hidden, hidden, said)


def with_confounding(
    posterior: Posterior,
    confounding: Confounding | Sequence[Confounding] | None,
    effect: str,
    *,
    seed: int = 0,
) -> tuple[Posterior, tuple[str, ...]]:
    """Return a posterior with hidden causes whose strength is drawn for each of its draws.

    Parameters
    ----------
    posterior : Posterior
    confounding : Confounding, or sequence of them, or None
    effect : str
        The node that is meant where one names none.
    seed : int

    Returns
    -------
    posterior : Posterior
    said : tuple of str
        What an answer has to tell of it, a sentence for each.

    Raises
    ------
    GraphError, PosteriorError
        As `confounded`; if it is neither a `Confounding` nor a list of them.

    Examples
    --------
    >>> from backrisk import CausalGraph, Posterior
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.4, 0.6]]]})
    >>> with_confounding(p, Confounding("x"), "y")[0].graph.names
    ('x', 'y', 'u_x_y')
    """
    rng = np.random.default_rng(seed)
    sentences: list[str] = []
    several = (confounding,) if isinstance(confounding, Confounding) else confounding
    if several is None:
        return posterior, ()
    if not isinstance(several, list | tuple) or not all(
        isinstance(c, Confounding) for c in several
    ):
        raise PosteriorError(say("posterior.confounding.form", found=shown(confounding)))
    for each in several:
        other = _other(posterior, each.cause, each.effect or effect)
        before = posterior.prior
        drawn, drawn_before = (
            _hidden(
                posterior,
                each.cause,
                other,
                each.mean + each.sd * rng.standard_normal((2, draws)),
                each.prevalence,
            )
            for draws in (posterior.draws, 1 if before is None else before.draws)
        )
        reach = each.sd * NormalDist().inv_cdf((1.0 + INTERVAL) / 2.0)
        names = names_of(posterior.graph)
        told = say(
            "posterior.confounding.drawn",
            cause=names.node(each.cause),
            effect=names.node(other),
            share=percent(each.prevalence),
            low=worded_ratio(each.mean - reach),
            high=worded_ratio(each.mean + reach),
            probability=percent(INTERVAL),
        )
        sentences.append(told)
        posterior = Confounded.of(posterior, drawn, drawn_before)
    return posterior, tuple(sentences)


def worded_ratio(log_ratio: float) -> str:
    """Word an odds ratio; one below 1 as the fraction that it is.

    Examples
    --------
    >>> worded_ratio(math.log(2.5)), worded_ratio(-math.log(2.5))
    ('2.5', '1/2.5')
    """
    size = decimal(math.exp(abs(log_ratio)), 1)
    return size if log_ratio >= 0 or size == decimal(1.0, 1) else f"1/{size}"


def _other(posterior: Posterior, cause: str, effect: str | None) -> str:
    """Return the second of two nodes that can share a cause."""
    graph = posterior.graph
    if graph.tied:
        raise PosteriorError(say("posterior.confounding.several", graph=graph.name))
    other = effect or graph.outcome
    if other is None:
        raise PosteriorError(say("posterior.confounding.no_effect"))
    for name in (cause, other):
        graph.node(name)
        if name in graph.items:
            raise PosteriorError(say("posterior.confounding.item", node=name))
    if cause == other:
        raise PosteriorError(say("posterior.confounding.one_node", node=cause))
    return other


def _hidden(
    posterior: Posterior,
    cause: str,
    effect: str,
    into: Array,
    prevalence: float,
) -> HiddenCause:
    """Return a hidden cause, the one of its effects first that the other may follow from.

    `into` has a row of log odds ratios for the cause, and one for the effect.
    """
    pair = sorted(
        [(cause, into[0]), (effect, into[1])],
        key=lambda each: posterior.graph.topological.index(each[0]),
    )
    (first, into_first), (second, into_second) = pair
    _, name = with_hidden_cause(posterior.graph, first, second)
    return HiddenCause(name, first, second, into_first, into_second, prevalence)


def _demand_prevalence(share: float) -> None:
    if not 0 < share < 1:
        raise PosteriorError(say("posterior.confounding.prevalence", found=share))
