"""From what a graph says of a node to its mechanism: its priors, items included, with defaults."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

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
INCREMENTS = 2.0  # Dirichlet weight of each step between a cause's states: gently equal
VAGUE_EFFECT = (0.0, 1.0)  # mean and sd where the graph states no prior of an edge
INTERACTION = (0.0, 0.5)  # of an interaction
NOISY_EFFECT = 0.5  # log odds ratio of a noisy-max's cause where the graph states no prior
NOISY_CONCENTRATION = 5.0  # prior observations behind each cause of a noisy-max
_MOST_VALUES, _GRID = 2**16, 2**13  # of a linear predictor; the grid they are merged on
LEAST = 0.02  # no prior share is below this
_START = 0.6  # how far answers of unknown error tell states apart where a chain starts


def prior_marginal(node: Node) -> Array:
    """Return the prior guess of a node's marginal distribution: as stated, else equal shares."""
    if node.margin is not None:
        return np.asarray(node.margin)
    return np.full(len(node.states), 1.0 / len(node.states))


@lru_cache(maxsize=4096)
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
        If the node has a distribution for each configuration of its parents, and so many of them
        that draws of its CPT cannot be held.

    Examples
    --------
    >>> g = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> mechanism(g, "b").cpt(np.array([[0.9, 0.2]]), np.zeros((1, 0))).round(3).tolist()
    [[[0.9, 0.1], [0.2, 0.8]]]
    """
    kind = graph.mechanism(name)
    # The others are never laid out whole: their rows are computed as they are asked for.
    if kind in ("saturated", "item") and (complaint := too_large(graph, name, _FEWEST_DRAWS)):
        raise GraphError(complaint)
    build = {
        "saturated": _saturated,
        "ordinal_logit": _ordinal_logit,
        "noisy_max": _noisy_max,
        "item": _item,
        "response": _ordinal_logit,
    }
    return build[kind](graph, graph.node(name))


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
    if any(edge.priors for edge in edges):
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
    # Where nothing is known of its error: Dirichlet(1, ..., 1).
    people = np.full(len(rows), float(len(node.states)))
    # Answers of its own are none of the construct's states: nothing says which is nearest.
    own = not set(node.states) <= set(construct.states)
    stated = node.misclassification is not None or node.reliability is not None
    if stated:
        people = np.array(node.row_people or [node.concentration] * len(rows))
    if node.misclassification is not None:
        rows = np.array(node.misclassification)
    elif node.reliability is not None:
        exact = _nearest_answer(construct, node.states)
        chance = prior_marginal(construct) @ exact
        rows = node.reliability * exact + (1.0 - node.reliability) * chance
    shape = graph.shape(node.name)
    if node.fixed:
        known = tuple(tuple(map(float, row)) for row in rows)
        return KnownItem(node.name, (construct.name,), shape, (), (), known)
    starts = rows
    if not stated and not own:
        # Chains start where answers tell states apart: a chain that started in the mirror image,
        # where every answer is wrong, could stay there.
        starts = _START * _nearest_answer(construct, node.states) + (1.0 - _START) * rows
    alpha = people[:, None] * np.maximum(rows, LEAST)
    return Item(
        node.name,
        (construct.name,),
        shape,
        tuple(
            Simplex(label, node.states, tuple(map(float, row)), tuple(map(float, start)))
            for label, row, start in zip(_row_labels(graph, node), alpha, starts, strict=True)
        ),
    )


def _nearest_answer(construct: Node, answers: Sequence[str]) -> Array:
    """Return what an errorless answer would be, ``(state, answer)``.

    Where no answer says a state, people choose equally between its neighbours; between all
    answers where states have no order.
    """
    states = construct.states
    place = np.array([states.index(answer) for answer in answers])
    exact = np.zeros((len(states), len(answers)))
    for state in range(len(states)):
        around = {
            int(np.searchsorted(place, state)),
            int(np.searchsorted(place, state, side="right")) - 1,
        }
        chosen = [state_at for state_at in sorted(around) if 0 <= state_at < len(answers)]
        if construct.nominal and states[state] not in answers:
            chosen = list(range(len(answers)))
        exact[state, chosen] = 1.0 / len(chosen)
    return exact


@dataclass(frozen=True)
class _Term:
    """What a parent adds to a linear predictor: all of it, or one state where it is nominal.

    Parameters
    ----------
    position : int
        Among the parents.
    name : str
        In the label of an effect.
    state : int, optional
    exposure : ndarray, shape (state,)
        By the parent's state, with equal steps where they are not known yet.
    centre : float
        The mean exposure under the prior marginal.
    """

    position: int
    name: str
    state: int | None
    exposure: Array
    centre: float


def _terms(position: int, parent: Node) -> list[_Term]:
    marginal = prior_marginal(parent)
    if not parent.nominal:
        steps = np.linspace(0.0, 1.0, len(parent.states))
        return [_Term(position, parent.name, None, steps, float(marginal @ steps))]
    return [
        _Term(
            position,
            f"{parent.name}={parent.states[state]}",
            state,
            np.eye(len(parent.states))[state],
            float(marginal[state]),
        )
        for state in range(1, len(parent.states))
    ]


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
            (INCREMENTS,) * (size - 1),
        )
        for parent in parents
        if (size := len(parent.states)) > 2 and not parent.nominal
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
    terms = {parent.name: _terms(place, parent) for place, parent in enumerate(parents)}
    for edge, parent in zip(edges, parents, strict=True):
        for term in terms[parent.name]:
            prior = edge.prior if term.state is None else edge.prior_of(parent.states[term.state])
            mean, sd = (prior.mean, prior.sd) if prior else VAGUE_EFFECT
            label = f"{node.name}, {term.name}"
            effects.append(Effect(label, (term.position,), mean, sd, term.centre, (term.state,)))
    for first, second in node.interactions:
        for one, other in itertools.product(terms[first], terms[second]):
            label = f"{node.name}, {one.name} x {other.name}"
            pair, states = (one.position, other.position), (one.state, other.state)
            centre = one.centre * other.centre
            effects.append(Effect(label, pair, *INTERACTION, centre, states))
    return effects


def _at_average(marginal: Array, parents: Sequence[Node], effects: Sequence[Effect]) -> Array:
    """Return the distribution at the average configuration from which a marginal follows.

    The logistic curve bends: averaged over the parents, with every effect at its prior mean and
    the parents as likely as their own marginals, the node is not distributed as it is at the
    average of the parents. The cutpoints are moved until it is.
    """
    shift, share = _linear_predictor(parents, effects)
    # The average falls as a cutpoint does: bisection, 60 halvings of [-30, 30], for all at once.
    low, high = np.full(len(marginal) - 1, -30.0), np.full(len(marginal) - 1, 30.0)
    for _ in range(60):
        cut = (low + high) / 2
        below = share @ (1.0 / (1.0 + np.exp(shift[:, None] - cut)))
        under = below < np.cumsum(marginal)[:-1]
        low, high = np.where(under, cut, low), np.where(under, high, cut)
    return np.diff(1.0 / (1.0 + np.exp(-(low + high) / 2)), prepend=0.0, append=1.0)


def _linear_predictor(parents: Sequence[Node], effects: Sequence[Effect]) -> tuple[Array, Array]:
    """Return the values of the linear predictor at the prior mean, and the share of each.

    The parents are taken as independent. An interaction has the prior mean 0 and adds nothing.
    """
    shift, share = np.zeros(1), np.ones(1)
    for position, parent in enumerate(parents):
        own = np.zeros(len(parent.states))
        for effect in effects:
            if effect.causes == (position,):
                (term,) = (t for t in _terms(position, parent) if (t.state,) == effect.states)
                own += effect.mean * (term.exposure - effect.centre)
        if not own.any():
            continue
        shift = (shift[:, None] + own).ravel()
        share = (share[:, None] * prior_marginal(parent)).ravel()
        if len(shift) > _MOST_VALUES:  # values side by side become one, of the same mean
            low, high = shift.min(), shift.max()
            place, left = np.divmod((shift - low) * ((_GRID - 2) / (high - low)), 1.0)
            at = place.astype(np.intp)
            share = np.bincount(at, share * (1.0 - left), _GRID) + np.bincount(
                at + 1, share * left, _GRID
            )
            shift = low + (high - low) / (_GRID - 2) * np.arange(_GRID)
    return shift, share


def _noisy_max(graph: CausalGraph, node: Node) -> Mechanism:
    marginal = prior_marginal(node)
    below = np.cumsum(marginal)[:-1]
    leak = node.concentration * np.maximum(marginal, LEAST)
    simplexes = [Simplex(f"{node.name}, leak", node.states, tuple(map(float, leak)))]
    for edge in graph.edges_into(node.name):
        cause = graph.node(edge.cause)
        for state in range(1, len(cause.states)):
            prior = edge.prior_of(cause.states[state])
            mean = prior.mean if prior else NOISY_EFFECT
            share = 1.0 if cause.nominal else state / (len(cause.states) - 1)
            shift = max(mean, 0.0) * share
            # The cause's CDF, by which that of the leak is multiplied so that the odds of being
            # above each state grow by exp(shift).
            ratio = 1.0 / (below + (1.0 - below) * np.exp(shift))
            pmf = np.maximum(np.diff(ratio, prepend=0.0, append=1.0), LEAST)
            alpha = NOISY_CONCENTRATION * pmf / pmf.sum()
            label = f"{node.name}, {cause.name}={cause.states[state]}"
            simplexes.append(Simplex(label, node.states, tuple(map(float, alpha))))
    return NoisyMax(node.name, graph.parents(node.name), graph.shape(node.name), tuple(simplexes))
