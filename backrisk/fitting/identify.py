"""Whether unobserved nodes can be identified at all; checked before any sampling."""

from __future__ import annotations

from backrisk.errors import FitError
from backrisk.graph import CausalGraph, Edge
from backrisk.survey import Survey
from backrisk.words import listed, say

_SIGNS = 3  # independent signs that tell a two-state latent from their errors (Kruskal 1977)


def check_identified(survey: Survey) -> tuple[str, ...]:
    """Refuse latent nodes that cannot be told from the error of their items.

    A node that nobody observed is known through signs: items, observed causes and observed
    effects. Where nothing is known of the errors of its items, at least three signs are needed
    (Kruskal 1977, doi:10.1016/0024-3795(77)90069-6; Allman, Matias and Rhodes 2009,
    doi:10.1214/09-AOS689), and something must say which state is which: an item whose error is
    known, or an effect whose prior has a clear sign.

    Parameters
    ----------
    survey : Survey

    Returns
    -------
    tuple of str
        A caution for each latent node that nothing anchors though its items are no worse.

    Raises
    ------
    FitError
        Naming the node, the reason, and what would help.
    """
    graph, answered = survey.graph, survey.answered
    cautions: list[str] = []
    for name in graph.names:
        if answered[name] > 0 or name in graph.items:
            continue
        signs = [
            other
            for other in (*graph.parents(name), *graph.children(name))
            if answered[other] > 0 and graph.node(other).mechanism != "response"
        ]
        items = [child for child in signs if graph.node(child).mechanism == "item"]
        if not signs or any(_says_something(graph, item) for item in items):
            continue
        if items and len(signs) < _SIGNS:
            raise FitError(
                say(
                    "fitting.few_signs",
                    name=name,
                    items=listed(items),
                    found=len(signs),
                    needed=_SIGNS,
                )
            )
        if any(_clear(edge) for edge in graph.edges if name in (edge.cause, edge.effect)):
            continue
        if items:
            raise FitError(say("fitting.states_unnamed", name=name, items=listed(items)))
        cautions.append(say("fitting.not_anchored", name=name))
    return tuple(cautions)


def _says_something(graph: CausalGraph, item: str) -> bool:
    """Whether an item's prior error tells the construct's states apart."""
    node = graph.node(item)
    if node.misclassification is not None:
        return len(set(node.misclassification)) > 1
    return bool(node.reliability)


def _clear(edge: Edge) -> bool:
    """Whether the prior gives an effect its sign, five times out of six."""
    return any(abs(prior.mean) >= prior.sd for prior in edge.priors)
