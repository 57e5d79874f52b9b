"""How published figures are read: as contrasts of a graph's nodes, each study once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backrisk.graph import CausalGraph, Figure
from backrisk.likelihood.implied import Contrast
from backrisk.words import say

_SCALES = {"OR": "odds", "RR": "risk"}


@dataclass(frozen=True)
class Reading:
    """A published figure, and the association of the graph that it is a figure of.

    Parameters
    ----------
    figure : Figure
    contrast : Contrast, optional
        None where the graph implies nothing that the figure could be compared with.
    why : str
        Why it does not condition the prior; empty where it does.
    """

    figure: Figure
    contrast: Contrast | None
    why: str = ""

    @property
    def used(self) -> bool:
        """Whether it conditions the prior."""
        return not self.why


def readings(graph: CausalGraph) -> tuple[Reading, ...]:
    """Read the published figures of a graph.

    An odds ratio is read as one of odds and a risk ratio as one of risks, in the states that were
    compared, within strata of the nodes that it is adjusted for. A trial is read as one: its
    factor is set by lot. A hazard ratio needs a length of time, which a graph of one moment does
    not have. The same study counts once for the same cause and effect: its first figure.

    Whether the survey is itself the study behind a figure nobody can see from here: leave the
    figures out of such a fit.

    Parameters
    ----------
    graph : CausalGraph

    Returns
    -------
    tuple of Reading
        In the order of ``graph.figures``.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> [(each.figure.cause, each.used) for each in readings(load_graph("runner_core"))][-1]
    ('fatigue', True)
    """
    return tuple(_read(graph))


def _read(graph: CausalGraph) -> Iterator[Reading]:
    counted: set[tuple[str, str, str]] = set()
    for figure in graph.figures:
        contrast = _contrast(graph, figure)
        study = figure.cause, figure.effect, figure.identifier or figure.citation
        known = bool(study[2]) and study in counted
        why = _why_not(figure, contrast, known=known)
        if not why:
            counted.add(study)
        yield Reading(figure, contrast, why)


def _contrast(graph: CausalGraph, figure: Figure) -> Contrast | None:
    if figure.measure not in _SCALES or figure.estimate is None or figure.cause == figure.effect:
        return None
    if not figure.exposed or not figure.reference or not figure.event:
        return None
    cause, effect = graph.node(figure.cause), graph.node(figure.effect)
    first = effect.code(figure.event.partition(">=")[2].strip())
    return Contrast(
        figure.cause,
        figure.effect,
        tuple(map(cause.code, figure.exposed)),
        tuple(map(cause.code, figure.reference)),
        tuple(range(first, len(effect.states))),
        tuple(n for n in figure.adjusted_for if n not in (figure.cause, figure.effect)),
        _SCALES[figure.measure],
        figure.design == "trial",
    )


def _why_not(figure: Figure, contrast: Contrast | None, *, known: bool) -> str:
    if figure.measure == "HR":
        return say("likelihood.figure.hazard")
    if contrast is None:
        return say("likelihood.figure.no_contrast")
    if figure.low is None or figure.high is None or figure.low == figure.high:
        return say("likelihood.figure.no_interval")
    if not figure.condition:
        return say("likelihood.figure.left")
    if known:
        return say("likelihood.figure.counted")
    return ""
