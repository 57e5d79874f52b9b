"""What the likelihood needs of a survey: its patterns, the weight of each, and its sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backrisk.errors import FitError
from backrisk.fitting.sampled import Sampled
from backrisk.graph import (
    CausalGraph,
    Edge,
    KnownItem,
    Layout,
    Node,
    ParameterPrior,
    Saturated,
    has_intercepts,
)
from backrisk.likelihood import Circuit, Conditioned, build_circuit
from backrisk.survey import Patterns, Survey, tabulate
from backrisk.words import Said, say

SITE = "site__"  # a node of the circuit alone
_SITES = 128  # as many as a byte counts


@dataclass(frozen=True, eq=False)
class Prepared:
    """A survey made ready for sampling.

    Parameters
    ----------
    survey : Survey
    patterns : Patterns
    circuit : Circuit
    layout : Layout
    sampled : Sampled, optional
        How people were chosen by the outcome; None where they were not.
    known : Conditioned, optional
        The graph's prior, conditioned on what was published; None where that is left out.
    """

    survey: Survey
    patterns: Patterns
    circuit: Circuit
    layout: Layout
    sampled: Sampled | None = None
    known: Conditioned | None = None

    @property
    def prior(self) -> ParameterPrior:
        """The prior of the fit."""
        return self.layout.prior if self.known is None else self.known.prior

    @property
    def conjugate(self) -> bool:
        """Whether the posterior is a product of Dirichlets."""
        return (
            self.sampled is None
            and not len(self.circuit.roots)
            and all(
                isinstance(each, Saturated | KnownItem) for each in self.layout.mechanisms.values()
            )
        )


def prepare(graph: CausalGraph, survey: Survey) -> Prepared:
    """Tabulate a survey and compile its circuit.

    Raises
    ------
    FitError
        If the survey belongs to another graph, or exact elimination is out of reach.
    """
    left_out = {left.name for left in survey.graph.left_out}
    if not set(graph.names) <= {*survey.graph.names, *left_out} or graph.name != survey.graph.name:
        said = say("fitting.other_graph", found=survey.graph.name, expected=graph.name)
        raise FitError(said)
    patterns, sampled = tabulate(survey), Sampled.of(survey)
    circuit = survey_circuit(survey, patterns, sampled)
    return Prepared(survey, patterns, circuit, Layout(survey.graph), sampled)


def pooled_sites(survey: Survey | None) -> tuple[str, ...]:
    """Return the sites whose intercepts are pooled: none unless at least two, and intercepts."""
    if survey is None or survey.site is None or len(survey.sites) < 2:
        return ()
    if not has_intercepts(survey.graph):
        return ()
    if survey.codebook.design is not None and survey.codebook.design.set is not None:
        return ()  # matched sets, which the likelihood conditions on
    return survey.sites


def survey_circuit(survey: Survey, patterns: Patterns, sampled: Sampled | None = None) -> Circuit:
    """Compile a survey's patterns into a circuit.

    With sites, each ordinal node has a CPT for each site: the site is one more cause of it, which
    everyone reports and whose own distribution counts for nothing. Where people were chosen by the
    outcome, whether a person is a case is one more effect of it; see `backrisk.fitting.sampled`.

    Parameters
    ----------
    survey : Survey
    patterns : Patterns
        What `tabulate` gave.
    sampled : Sampled, optional
        What `Sampled.of` gave; None where people were not chosen by the outcome.

    Returns
    -------
    Circuit

    Raises
    ------
    FitError
        If exact elimination is out of reach, or there are more sites than a code tells apart.
    """
    graph, codes, weights = survey.graph, patterns.codes, effective_weights(patterns)
    by_row = Layout(graph).by_row
    if pooled_sites(survey):
        assert patterns.site is not None
        if len(survey.sites) > _SITES:
            raise FitError(_too_many(survey))
        codes = np.column_stack([codes, patterns.site]).astype(np.int8)
        graph = with_sites(graph, survey.sites)
    if sampled is not None:
        codes, weights = sampled.rows(survey, patterns, codes, weights)
        graph = sampled.with_case(graph)
    return build_circuit(graph, codes, weights, by_row)


def _too_many(survey: Survey) -> Said:
    """Say that there are more sites than can be pooled, and whether they look like matched sets."""
    told: dict[str, object] = {"n": len(survey.sites), "most": _SITES}
    for caution in survey.cautions:
        if caution.key == "survey.design.equal_sites":
            return say("fitting.many_equal_sites", **told, equal=caution)
    return say("fitting.many_sites", **told)


def effective_weights(patterns: Patterns) -> NDArray[np.float64]:
    """Scale sampling weights to sum to the effective sample size.

    Weighted answers carry the information of ``(sum w)^2 / sum w^2`` people (Kish 1965). Weights
    that sum to it give a pseudo-posterior (Savitsky and Toth 2016, doi:10.1214/16-EJS1153) whose
    intervals are neither those of the sum of the weights nor those of the number of people.
    Without weights nothing changes.

    Parameters
    ----------
    patterns : Patterns

    Returns
    -------
    ndarray, shape (patterns,)
    """
    scaled: NDArray[np.float64] = patterns.weights * (
        patterns.weights.sum() / patterns.squares.sum()
    )
    return scaled


def with_sites(graph: CausalGraph, sites: Sequence[str]) -> CausalGraph:
    """Return the graph with the site as the first cause of every ordinal node, for addresses.

    It has states and edges alone: what else a graph states may not go with one more cause.
    """
    nodes = [Node(node.name, node.states) for node in graph.nodes]
    pooled = set(Layout(graph).pooled)
    pairs = [(SITE, name) for name in graph.names if graph.owner(name) in pooled]
    pairs += [(edge.cause, edge.effect) for edge in graph.edges]
    edges = tuple(Edge(cause, effect, SITE, "stated", "none") for cause, effect in pairs)
    return CausalGraph(graph.name, (*nodes, Node(SITE, tuple(sites))), edges, tied=graph.tied)
