"""From what a graph says of a node to its mechanism: its priors, items included, with defaults."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from backrisk._types import Array
from backrisk.errors import GraphError
from backrisk.graph.elements import Edge, Node
from backrisk.graph.graph import CausalGraph
from backrisk.graph.mechanisms import (
    Effect,
    Item,
    KnownItem,
    Mechanism,
    NoisyMax,
    OrdinalLogit,
    Saturated,
    Simplex,
    too_large,
)

# Parts of the labels by which a saved model is read again: the same whatever language is spoken.
_ON_AVERAGE, _STEPS_OF = " ".join(("on", "average")), " ".join(("steps", "of"))
_FEWEST_DRAWS = 1000  # a posterior should be able to hold so many
_INCREMENTS = 2.0  # Dirichlet weight of each step between a cause's states: gently equal
_VAGUE_EFFECT = (0.0, 1.0)  # mean and sd where the graph states no prior of an edge
_INTERACTION = (0.0, 0.5)  # of an interaction
_NOISY_EFFECT = 0.5  # log odds ratio of a noisy-max's cause where the graph states no prior
_NOISY_CONCENTRATION = 5.0  # prior observations behind each cause of a noisy-max
LEAST = 0.02  # no prior share is below this
_START = 0.6  # how far answers of unknown error tell states apart where a chain starts


def prior_marginal(node: Node) -> Array:
    """Return the prior guess of a node's marginal distribution: as stated, else equal shares."""
    if node.margin is not None:
        return np.asarray(node.margin)
    return np.full(len(node.states), 1.0 / len(node.states))


def mechanism(graph: CausalGraph, name: str) -> Mechanism:
    """Build the mechanism of a node from what the graph says of it.

    Parameters
    ----------
    graph : CausalGraph
    name : str

    Returns
    -------
    Mechanism

    Raises
    ------
    GraphError
        If the node has so many parents that draws of its CPT cannot be held.

    Examples
    --------
    >>> g = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> mechanism(g, "b").cpt(np.array([[0.9, 0.2]]), np.zeros((1, 0))).round(3).tolist()
    [[[0.9, 0.1], [0.2, 0.8]]]
    """
    if complaint := too_large(graph, name, _FEWEST_DRAWS):
        raise GraphError(complaint)
    build = {
        "saturated": _saturated,
        "ordinal_logit": _ordinal_logit,
        "noisy_max": _noisy_max,
        "item": _item,
        "response": _ordinal_logit,
    }
    return build[graph.mechanism(name)](graph, graph.node(name))


def _row_labels(graph: CausalGraph, node: Node) -> list[str]:
    parents = [graph.node(parent) for parent in graph.parents(node.name)]
    if not parents:
        return [node.name]
    rows = itertools.product(*(parent.states for parent in parents))
    names = [parent.name for parent in parents]
    return [
        f"{node.name} | " + ", ".join(f"{n}={s}" for n, s in zip(names, row, strict=True))
        for row in rows
    ]


def _saturated(graph: CausalGraph, node: Node) -> Mechanism:
    edges = graph.edges_into(node.name)
    if any(edge.prior is not None for edge in edges):
        stated = _ordinal_logit(graph, node)
        # Each row is centred on the ordinal logit at its prior mean.
        means = np.array([[effect.mean for effect in stated.effects]])
        alpha = [a / (a + b) for s in stated.simplexes for a, b in s.fractions()]
        centred = stated.cpt(np.array([alpha]), means).reshape(-1, len(node.states))
        rows = node.concentration * np.maximum(centred, LEAST)
    else:
        count = int(np.prod(graph.shape(node.name)[:-1]))
        row = np.ones(len(node.states))
        if node.margin is not None:
            row = node.concentration * prior_marginal(node)
        rows = np.tile(row, (count, 1))
    return Saturated(
        node.name,
        graph.parents(node.name),
        graph.shape(node.name),
        tuple(
            Simplex(label, node.states, tuple(map(float, row)))
            for label, row in zip(_row_labels(graph, node), rows, strict=True)
        ),
    )


def _item(graph: CausalGraph, node: Node) -> Mechanism:
    construct = graph.node(graph.parents(node.name)[0])
    rows = np.full((len(construct.states), len(node.states)), 1.0 / len(node.states))
    people = float(len(node.states))  # nothing is known of its error: Dirichlet(1, ..., 1)
    if node.misclassification is not None:
        rows, people = np.array(node.misclassification), node.concentration
    elif node.reliability is not None:
        exact = _nearest_answer(construct.states, node.states)
        chance = prior_marginal(construct) @ exact
        rows = node.reliability * exact + (1.0 - node.reliability) * chance
        people = node.concentration
    shape = graph.shape(node.name)
    stated = node.misclassification is not None or node.reliability is not None
    if node.fixed:
        known = tuple(tuple(map(float, row)) for row in rows)
        return KnownItem(node.name, (construct.name,), shape, (), (), known)
    # Of what nothing is known, chains start where answers tell states apart: a chain that started
    # in the mirror image, where every answer is wrong, could stay there.
    exact = _nearest_answer(construct.states, node.states)
    starts = _START * exact + (1.0 - _START) * rows if not stated else rows
    return Item(
        node.name,
        (construct.name,),
        shape,
        tuple(
            Simplex(label, node.states, tuple(map(float, row)), tuple(map(float, start)))
            for label, row, start in zip(
                _row_labels(graph, node), people * np.maximum(rows, LEAST), starts, strict=True
            )
        ),
    )


def _nearest_answer(states: Sequence[str], answers: Sequence[str]) -> Array:
    """Return what an errorless answer would be, ``(state, answer)``.

    Where no answer says a state, people choose equally between its neighbours.
    """
    place = np.array([states.index(answer) for answer in answers])
    exact = np.zeros((len(states), len(answers)))
    for state in range(len(states)):
        around = {
            int(np.searchsorted(place, state)),
            int(np.searchsorted(place, state, side="right")) - 1,
        }
        chosen = [state_at for state_at in sorted(around) if 0 <= state_at < len(answers)]
        exact[state, chosen] = 1.0 / len(chosen)
    return exact


def _average_exposure(node: Node) -> float:
    """Return the mean of the equal-stepped exposure 0..1 under the prior marginal."""
    return float(prior_marginal(node) @ np.linspace(0.0, 1.0, len(node.states)))


def _ordinal_logit(graph: CausalGraph, node: Node) -> Mechanism:
    edges = graph.edges_into(node.name)
    parents = [graph.node(edge.cause) for edge in edges]
    effects = _ordinal_effects(node, edges, parents)
    average = _at_average(prior_marginal(node), parents, effects)
    baseline = node.concentration * np.maximum(average, LEAST)
    simplexes = [Simplex(f"{node.name} {_ON_AVERAGE}", node.states, tuple(map(float, baseline)))]
    simplexes += [
        Simplex(
            f"{node.name}, {_STEPS_OF} {parent.name}",
            parent.states[1:],
            (_INCREMENTS,) * (size - 1),
        )
        for parent in parents
        if (size := len(parent.states)) > 2
    ]
    return OrdinalLogit(
        node.name,
        graph.parents(node.name),
        graph.shape(node.name),
        tuple(simplexes),
        tuple(effects),
    )


def _ordinal_effects(node: Node, edges: Sequence[Edge], parents: Sequence[Node]) -> list[Effect]:
    effects = []
    for position, (edge, parent) in enumerate(zip(edges, parents, strict=True)):
        mean, sd = (edge.prior.mean, edge.prior.sd) if edge.prior else _VAGUE_EFFECT
        label = f"{node.name}, {parent.name}"
        settled = edge.grade == "strong" and edge.prior is not None and mean != 0.0
        effects.append(Effect(label, (position,), mean, sd, _average_exposure(parent), settled))
    names = [parent.name for parent in parents]
    for first, second in node.interactions:
        pair = (names.index(first), names.index(second))
        centre = _average_exposure(parents[pair[0]]) * _average_exposure(parents[pair[1]])
        effects.append(Effect(f"{node.name}, {first} x {second}", pair, *_INTERACTION, centre))
    return effects


def _at_average(marginal: Array, parents: Sequence[Node], effects: Sequence[Effect]) -> Array:
    """Return the distribution at the average configuration from which a marginal follows.

    The logistic curve bends: averaged over the parents, with every effect at its prior mean and
    the parents as likely as their own marginals, the node is not distributed as it is at the
    average of the parents. The cutpoints are moved until it is.
    """
    weights, shift = np.ones(()), np.zeros(())
    for parent in parents:
        weights = weights[..., None] * prior_marginal(parent)
    for effect in effects:
        exposure: Array = np.ones((1,) * len(parents))
        for cause in effect.causes:
            steps = np.linspace(0.0, 1.0, len(parents[cause].states))
            exposure = exposure * steps.reshape(
                [-1 if p == cause else 1 for p in range(len(parents))]
            )
        shift = shift + effect.mean * (exposure - effect.centre)
    flat = np.broadcast_to(shift, weights.shape).ravel()
    # The average falls as a cutpoint does: bisection, 60 halvings of [-30, 30], for all at once.
    low, high = np.full(len(marginal) - 1, -30.0), np.full(len(marginal) - 1, 30.0)
    for _ in range(60):
        cut = (low + high) / 2
        below = weights.ravel() @ (1.0 / (1.0 + np.exp(flat[:, None] - cut)))
        under = below < np.cumsum(marginal)[:-1]
        low, high = np.where(under, cut, low), np.where(under, high, cut)
    return np.diff(1.0 / (1.0 + np.exp(-(low + high) / 2)), prepend=0.0, append=1.0)


def _noisy_max(graph: CausalGraph, node: Node) -> Mechanism:
    marginal = prior_marginal(node)
    below = np.cumsum(marginal)[:-1]
    leak = node.concentration * np.maximum(marginal, LEAST)
    simplexes = [Simplex(f"{node.name}, leak", node.states, tuple(map(float, leak)))]
    for edge in graph.edges_into(node.name):
        cause = graph.node(edge.cause)
        mean = edge.prior.mean if edge.prior else _NOISY_EFFECT
        for state in range(1, len(cause.states)):
            shift = max(mean, 0.0) * state / (len(cause.states) - 1)
            # The cause's CDF, by which that of the leak is multiplied so that the odds of being
            # above each state grow by exp(shift).
            ratio = 1.0 / (below + (1.0 - below) * np.exp(shift))
            pmf = np.maximum(np.diff(ratio, prepend=0.0, append=1.0), LEAST)
            alpha = _NOISY_CONCENTRATION * pmf / pmf.sum()
            label = f"{node.name}, {cause.name}={cause.states[state]}"
            simplexes.append(Simplex(label, node.states, tuple(map(float, alpha))))
    return NoisyMax(node.name, graph.parents(node.name), graph.shape(node.name), tuple(simplexes))
