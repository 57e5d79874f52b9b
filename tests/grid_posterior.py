"""Two nodes, an effect with a normal prior: the posterior and its evidence on a grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import betaln, expit, logsumexp
from scipy.stats import beta as beta_distribution
from scipy.stats import norm

from backrisk import CausalGraph, Edge, Node, Posterior, Prior, Survey
from backrisk.graph import Layout

STATES = ("no", "yes")
_GRID = 601


def two_nodes(prior, *edges):
    """Return a graph of x and y, and edges between them with a prior."""
    nodes = tuple(Node(name, STATES, margin=(0.6, 0.4), concentration=8) for name in "xy")
    kept = tuple(Edge(a, b, "Claim.", "described", "none", prior) for a, b in edges)
    return CausalGraph("two", nodes, kept, outcome="y")


def survey_of(counts, graph):
    """Return a survey of so many people with each state of x (row) and y (column)."""
    rows = [
        (STATES[x], STATES[y]) for x in (0, 1) for y in (0, 1) for _ in range(int(counts[x][y]))
    ]
    return Survey.from_frame(pd.DataFrame(rows, columns=["x", "y"]), graph)


@dataclass(frozen=True, eq=False)
class Grid:
    """The posterior of a graph where `cause` has an effect on `effect`.

    Parameters
    ----------
    graph : CausalGraph
    counts : ndarray, shape (2, 2)
        People by the states of x and y.
    """

    graph: CausalGraph
    counts: np.ndarray

    @cached_property
    def edge(self):
        """The only edge."""
        return self.graph.edges[0]

    @cached_property
    def table(self):
        """People by the states of cause and effect."""
        return self.counts if self.edge.cause == "x" else self.counts.T

    @cached_property
    def layout(self):
        """Of the graph."""
        return Layout(self.graph)

    @cached_property
    def axes(self):
        """Logits of the share on average, and effects: far beyond the posterior's reach."""
        prior = self.edge.prior
        effects = np.linspace(prior.mean - 7 * prior.sd, prior.mean + 7 * prior.sd, _GRID)
        return np.linspace(-9, 9, _GRID), effects

    @cached_property
    def log_joint(self):
        """Of logit and effect, likelihood of the effect's family included."""
        logits, effects = self.axes
        (simplex,) = self.layout.mechanisms[self.edge.effect].simplexes
        centre = self.layout.mechanisms[self.edge.effect].effects[0].centre
        a, b = simplex.alpha
        share = expit(logits)
        found = beta_distribution.logpdf(share, a, b) + np.log(share) + np.log1p(-share)
        prior = self.edge.prior
        found = found[:, None] + norm.logpdf(effects, prior.mean, prior.sd)
        for state in (0, 1):
            at = logits[:, None] - effects * (state - centre)
            found += self.table[state][0] * np.log(expit(at))
            found += self.table[state][1] * np.log(expit(-at))
        return found

    @cached_property
    def log_evidence(self):
        """Log marginal likelihood of the survey."""
        logits, effects = self.axes
        cell = np.log(logits[1] - logits[0]) + np.log(effects[1] - effects[0])
        return float(logsumexp(self.log_joint) + cell) + self.root(self.edge.cause)

    def root(self, name):
        """Log evidence of a node without causes."""
        found = self.counts.sum(axis=1 if name == "x" else 0)
        a, b = 8 * 0.6, 8 * 0.4
        return float(betaln(a + found[0], b + found[1]) - betaln(a, b))

    @cached_property
    def marginal(self):
        """Density of the effect at its axis."""
        share = np.exp(logsumexp(self.log_joint, axis=0) - logsumexp(self.log_joint))
        return share / (self.axes[1][1] - self.axes[1][0])

    def draw(self, draws, seed):
        """Draw from the posterior, within cells of the grid evenly."""
        rng = np.random.default_rng(seed)
        share = np.exp(self.log_joint - logsumexp(self.log_joint)).ravel()
        at = np.unravel_index(rng.choice(share.size, draws, p=share), self.log_joint.shape)
        found = [
            axis[where] + (rng.random(draws) - 0.5) * (axis[1] - axis[0])
            for axis, where in zip(self.axes, at, strict=True)
        ]
        root = self.counts.sum(axis=1 if self.edge.cause == "x" else 0)
        fractions = {
            self.edge.cause: rng.beta(8 * 0.6 + root[0], 8 * 0.4 + root[1], draws),
            self.edge.effect: expit(found[0]),
        }
        values = np.stack([fractions[name] for name in self.graph.names], axis=1)
        beta = found[1][:, None]
        log_prior = self.layout.prior.log_density(values, beta)
        return Posterior(
            self.graph,
            values,
            beta,
            meta={"people": int(self.counts.sum())},
            log_prior=log_prior,
            log_likelihood=self.log_likelihood(values, beta),
        )

    def log_likelihood(self, fractions, beta):
        """Of the whole survey, in each draw."""
        posterior = Posterior(self.graph, fractions, beta)
        cause, effect = self.edge.cause, self.edge.effect
        joint = posterior.cpt(cause)[:, :, None] * posterior.cpt(effect)
        return (np.log(joint) * self.table).sum(axis=(1, 2))


def independent(counts, draws, seed):
    """Return the exact posterior where there is no edge, and its log evidence."""
    graph = two_nodes(Prior(0.0, 1.0))
    rng = np.random.default_rng(seed)
    parts, evidence = [], 0.0
    for axis in (1, 0):
        found = counts.sum(axis=axis)
        a, b = 8 * 0.6, 8 * 0.4
        parts.append(rng.beta(a + found[0], b + found[1], draws))
        evidence += float(betaln(a + found[0], b + found[1]) - betaln(a, b))
    fractions = np.stack(parts, axis=1)
    return Posterior(graph, fractions, np.zeros((draws, 0))), evidence
