"""Which mechanism and which priors each node gets, and why: in words, before anything is fitted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backrisk.graph.elements import Edge, Node
from backrisk.graph.graph import SATURATED_ROWS, CausalGraph
from backrisk.graph.priors import NOISY_CONCENTRATION, NOISY_EFFECT, VAGUE_EFFECT
from backrisk.words import Said, listed, say


@dataclass(frozen=True)
class MechanismReason:
    """How a node depends on its parents, why so, and with which priors.

    Parameters
    ----------
    node : str
    mechanism : str
        As `CausalGraph.mechanism` gives it.
    decided : str
        What decided it, as `CausalGraph.chosen_mechanism` gives it.
    why : str
        The same in a sentence.
    priors : tuple of str
        A sentence for each kind of parameter that the node has.
    """

    node: str
    mechanism: str
    decided: str
    why: Said
    priors: tuple[Said, ...]


def mechanism_reasons(graph: CausalGraph) -> tuple[MechanismReason, ...]:
    """Say of every node which mechanism it gets, why, and with which priors.

    Nothing is sampled and nothing is laid out. What is said is what `fit` does: both follow
    `CausalGraph.chosen_mechanism`.

    Parameters
    ----------
    graph : CausalGraph
        With the codebook's items, where they are to be told of.

    Returns
    -------
    tuple of MechanismReason
        In the order of the graph's nodes.

    Examples
    --------
    >>> g = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> for each in mechanism_reasons(g):
    ...     print(each.node, each.mechanism, each.why, *each.priors)
    a saturated It has no causes. Each state is worth 1 person.
    b saturated No edge into it states a prior, and its causes have 2 configurations, at most 12. \
Each state of each row is worth 1 person.
    """
    return tuple(_reason(graph, node) for node in graph.nodes)


def _reason(graph: CausalGraph, node: Node) -> MechanismReason:
    kind, decided = graph.chosen_mechanism(node.name)
    edges = graph.edges_into(node.name)
    rows = 1
    for edge in edges:
        rows *= len(graph.node(edge.cause).states)
    stated = _names(edge for edge in edges if edge.priors)
    about = {"count": rows, "most": SATURATED_ROWS, "causes": stated, "construct": _names(edges)}
    answers = kind in ("item", "response")
    why = say(f"graph.reasons.{kind if answers else decided}", **about)
    priors = {
        "saturated": _saturated,
        "ordinal_logit": _ordinal_logit,
        "response": _ordinal_logit,
        "noisy_max": _noisy_max,
        "item": _item,
    }[kind](node, edges)
    return MechanismReason(node.name, kind, decided, why, tuple(priors))


def _names(edges: Iterable[Edge]) -> str:
    causes = [edge.cause for edge in edges]
    return listed(causes) if causes else ""


def _people(number: float) -> str:
    return f"{number:g}"


def _shares(node: Node) -> str:
    """Return the prior guess of a node's distribution, as `prior_marginal` has it."""
    margin = node.margin or (1 / len(node.states),) * len(node.states)
    return listed(
        [f"{state} {share:.3g}" for state, share in zip(node.states, margin, strict=True)]
    )


def _saturated(node: Node, edges: tuple[Edge, ...]) -> Iterable[Said]:
    people = _people(node.concentration)
    if any(edge.priors for edge in edges):
        yield say("graph.reasons.rows_by_priors", people=people)
    elif node.margin is not None:
        key = "graph.reasons.rows_by_margin" if edges else "graph.reasons.margin"
        yield say(key, people=people, shares=_shares(node))
    else:
        yield say("graph.reasons.rows_flat" if edges else "graph.reasons.flat")


def _ordinal_logit(node: Node, edges: tuple[Edge, ...]) -> Iterable[Said]:
    people = _people(node.concentration)
    yield say("graph.reasons.average", people=people, shares=_shares(node))
    stated = [
        f"{edge.cause}{f'={state}' if state else ''} {prior.mean:g} ± {prior.sd:g}"
        for edge in edges
        for state, prior in (
            edge.state_priors or ((("", edge.prior),) if edge.prior is not None else ())
        )
    ]
    if stated:
        yield say("graph.reasons.effects_stated", effects=listed(stated))
    if vague := _names(edge for edge in edges if not edge.priors):
        mean, sd = VAGUE_EFFECT
        yield say("graph.reasons.effects_vague", causes=vague, mean=f"{mean:g}", sd=f"{sd:g}")


def _noisy_max(node: Node, edges: tuple[Edge, ...]) -> Iterable[Said]:
    yield say("graph.reasons.leak", people=_people(node.concentration), shares=_shares(node))
    people = _people(NOISY_CONCENTRATION)
    if stated := _names(edge for edge in edges if edge.priors):
        yield say("graph.reasons.causes_stated", causes=stated, people=people)
    if vague := _names(edge for edge in edges if not edge.priors):
        mean = f"{NOISY_EFFECT:g}"
        yield say("graph.reasons.causes_vague", causes=vague, people=people, mean=mean)


def _item(node: Node, edges: tuple[Edge, ...]) -> Iterable[Said]:
    if node.misclassification is not None:
        key = "rates"
    else:
        key = "unknown" if node.reliability is None else "reliability"
    share = None if node.reliability is None else f"{node.reliability:g}"
    if node.fixed:
        yield say(f"graph.reasons.{key}_fixed", reliability=share)
        return
    yield say(f"graph.reasons.{key}", reliability=share, people=_people(node.concentration))
