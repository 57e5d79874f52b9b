"""Probabilities of causation in the twin network, and their limits without a coupling."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.inference import Rewired, Tables, World, contradiction, set_in_turn
from backrisk.queries.answer import Target
from backrisk.summary import interval

_ROUNDING = 1e-9  # of sums over CDFs


@dataclass(frozen=True, eq=False)
class Exposed:
    """What the bounds of a set of causes, and its effect, are made of; c is the context.

    Parameters
    ----------
    seen : ndarray, shape (2, state of each exposure that is not reported, draw)
        P(another state of the target than is reported, or that one; exposure, c).
    unexposed : ndarray, shape (2, state of each exposure that is not reported, draw)
        P(target absent or there had the set been at the reference; exposure, c).
    effect : ndarray, shape (draw,), optional
        P(target | exposure, c) - P(target had the set been at the reference | exposure, c): of the
        person's exposure where it is reported, averaged over otherwise.
    """

    seen: Array
    unexposed: Array
    effect: Array | None = None


def exposed_in_turn(
    tables: Tables, evidence: Mapping[str, int], causes: Sequence[str], target: Target
) -> dict[tuple[str, ...], Exposed]:
    """Return what necessities of single causes are made of, by the set that has the one cause.

    Causes that are judged in the same context take one pass together. What does not fit the budget
    that way is left out.
    """
    graph = tables.graph
    contexts: dict[frozenset[tuple[str, int]], list[str]] = {}
    for name in causes:
        context = unchanged(graph, evidence, (name,))
        contexts.setdefault(frozenset(context.items()), []).append(name)
    reported = evidence[target.node]
    absent = [k for k in range(len(graph.node(target.node).states)) if k not in target.codes]
    others = [code for code in target.codes if code != reported]
    events = sorted(filter(None, ([reported], absent, others)))  # as they come in the tables
    order = [events.index(event) for event in ([reported], absent, others) if event]
    found: dict[tuple[str, ...], Exposed] = {}
    for known, names in contexts.items():
        world = World(tables, dict(known), {})
        try:
            joints = set_in_turn(world, (target.node, 0), names, events)
        except QueryError:  # too wide for the passes: each cause may be narrow enough
            continue
        for name in names:
            found[(name,)] = _exposed_of(joints[name][order], evidence.get(name))
    return found


def _exposed_of(joint: Array, own: int | None) -> Exposed:
    """Read P(event had the cause been set, exposure, c), ``(event, set, exposure, draw)``.

    Events are the state of the target that is reported, its absence, and its other states.
    """
    unset = joint[:, 0]
    as_is = np.moveaxis(joint.diagonal(axis1=1, axis2=2), -1, 1)  # set to what it is
    if own is not None:
        unset, as_is = unset[:, own], as_is[:, own]
    seen = np.stack([as_is[1:].sum(axis=0), as_is[0]])
    unexposed = np.stack([unset[1], unset[0] + unset[2:].sum(axis=0)])
    change = as_is[0] + as_is[2:].sum(axis=0) - unexposed[1]
    whole = as_is.sum(axis=0)
    if own is None:
        change, whole = change.sum(axis=0), whole.sum(axis=0)
    return Exposed(seen, unexposed, change / whole)


def necessity(
    tables: Tables,
    evidence: Mapping[str, int],
    group: tuple[str, ...],
    target: Target,
    coupling: str,
    whole: Array,
    share: Array | None = None,
    exposed: Exposed | None = None,
) -> tuple[Array, Array, Array]:
    """Return the probability of necessity and its two bounds.

    Parameters
    ----------
    tables : Tables
    evidence : mapping of node to state code
        All that the person reports, the target among it.
    group : tuple of str
        The causes, set together.
    target : Target
    coupling : str
        How a node's noise is shared between the two worlds; the bounds do not use it,
        but to say who could owe the target to the causes.
    whole : ndarray, shape (draw,)
        The probability of the evidence.
    share : ndarray, shape (draw,), optional
        The probability, where it is known already.
    exposed : Exposed, optional
        Where it is known already, such as from `exposed_in_turn`.

    Returns
    -------
    probability, lower, upper : ndarray, each of shape (draw,)

    Raises
    ------
    QueryError
        If the model gives what is conditioned on probability 0.

    Notes
    -----
    ``P(not Y(x') | Y, e)`` (Pearl 2009, chapter 9, doi:10.1017/CBO9780511803161); bounds of Tian
    and Pearl (2000, doi:10.1023/A:1018912507879) within each level of exposure.
    Assumes that the graph holds; the probability rests on the coupling as well.
    """
    if share is None:
        prevented = _prevented(tables, evidence, group, target, coupling)
        share = np.clip(prevented / whole, 0.0, 1.0)  # sums over CDFs leave rounding at the ends
    first = earliest(tables.graph, group)
    if exposed is None:
        context = unchanged(tables.graph, evidence, group)
        context |= {name: evidence[name] for name in first if name in evidence}
        reported = replace(target, codes=(evidence[target.node],))
        exposed = Exposed(
            _exposed(tables, context, first, {}, reported),
            _exposed(tables, context, first, dict.fromkeys(group, 0), target),
        )
    seen = exposed.seen
    # Who is at the reference already cannot owe the target to being elsewhere; only the
    # independent coupling, which draws anew even where nothing was changed, knows no such thing.
    owing = np.ones(seen.shape[1:-1], dtype=bool)
    if len(first) == len(group) and coupling != "independent":
        unreported = [name for name in first if name not in evidence]
        if all(evidence.get(name, 0) == 0 for name in first):
            owing[(0,) * len(unreported)] = False
    everyone = seen[1].sum(axis=tuple(range(owing.ndim)))
    return share, *_limits(seen, exposed.unexposed, owing, everyone)


def _prevented(
    tables: Tables,
    evidence: Mapping[str, int],
    group: tuple[str, ...],
    target: Target,
    coupling: str,
) -> Array:
    """Return P(target absent had the group been at the reference, evidence), ``(draw,)``.

    Who is at the reference already would be as they are, unless noise is drawn anew; only who is
    not needs a second world, and each state of the causes that the person did not report is a
    person in one contraction.
    """
    graph = tables.graph
    unreported = [name for name in group if name not in evidence]
    states = itertools.product(*(range(len(graph.node(name).states)) for name in unreported))
    other = [
        code for code in range(len(graph.node(target.node).states)) if code not in target.codes
    ]
    asked = [
        (*state, code)
        for state in states
        for code in other
        if coupling == "independent"
        or any({**evidence, **dict(zip(unreported, state, strict=True))}[n] for n in group)
    ]
    if not asked:
        return np.zeros(tables.draws)
    *exposed, codes = np.array(asked).T
    world = World(
        tables,
        {**evidence, **dict(zip(unreported, exposed, strict=True))},
        dict.fromkeys(group, 0),
        coupling,
        told={target.node: codes},
    )
    return world.joint([]).sum(axis=0)


def sufficiency(
    tables: Tables,
    evidence: Mapping[str, int],
    group: tuple[str, ...],
    target: Target,
    coupling: str,
) -> tuple[Array, Array, Array]:
    """Return the probability of sufficiency and its two bounds.

    Parameters
    ----------
    tables : Tables
    evidence : mapping of node to state code
        All that the person reports.
    group : tuple of str
        The causes, set together.
    target : Target
    coupling : str
        How a node's noise is shared between the two worlds; the bounds do not use it.

    Returns
    -------
    probability, lower, upper : ndarray, each of shape (draw,)

    Raises
    ------
    QueryError
        If the model gives what is conditioned on probability 0.

    Notes
    -----
    ``P(Y(x) | X = x', not Y, c)``, with c the evidence that the causes cannot change; sources as
    for `necessity`.
    Assumes that the graph holds; the probability rests on the coupling as well.
    """
    setting, unset = _adverse(tables.graph, evidence, group), dict.fromkeys(group, 0)
    context = {**unchanged(tables.graph, evidence, group), **unset}
    joint = World(tables, context, setting, coupling).joint([(target.node, 0), (target.node, 1)])
    there = _split(_split(joint, target, 1), target, 0)
    absent = there[0].sum(axis=0)
    demand_possible(absent)
    set_to = _exposed(tables, context, (), setting, target)
    unexposed = _exposed(tables, context, (), {}, target)
    owing = np.ones((), dtype=bool)
    return there[0, 1] / absent, *_limits(set_to, unexposed, owing, unexposed[0])


def necessity_and_sufficiency(
    tables: Tables,
    evidence: Mapping[str, int],
    group: tuple[str, ...],
    target: Target,
    coupling: str,
) -> tuple[Array, Array, Array]:
    """Return the probability of necessity and sufficiency and its two bounds.

    Parameters
    ----------
    tables : Tables
    evidence : mapping of node to state code
        All that the person reports.
    group : tuple of str
        The causes, set together.
    target : Target
    coupling : str
        How a node's noise is shared between the two worlds; the bounds do not use it.

    Returns
    -------
    probability, lower, upper : ndarray, each of shape (draw,)

    Raises
    ------
    QueryError
        If the model gives what is conditioned on probability 0.

    Notes
    -----
    ``P(Y(x), not Y(x') | c)``, with c the evidence that the causes cannot change; sources as for
    `necessity`.
    Assumes that the graph holds; the probability rests on the coupling as well.
    """
    graph = tables.graph
    setting, unset = _adverse(graph, evidence, group), dict.fromkeys(group, 0)
    context = unchanged(graph, evidence, group)
    # Both worlds are set: in the first the causes take their value whatever precedes them.
    forced = {name: np.ones_like(tables.table(name)) for name in group}
    world = World(Rewired(tables, forced, graph), {**context, **setting}, unset, coupling)
    joint = world.joint([(target.node, 0), (target.node, 1)])
    there = _split(_split(joint, target, 1), target, 0)
    total = there.sum(axis=(0, 1))
    demand_possible(total)
    set_to = _exposed(tables, context, group, setting, target)
    unexposed = _exposed(tables, context, group, unset, target)
    owing = np.ones(set_to.shape[1:-1], dtype=bool)
    everyone = set_to.sum(axis=tuple(range(set_to.ndim - 1)))
    return there[1, 0] / total, *_limits(set_to, unexposed, owing, everyone)


def _exposed(
    tables: Tables,
    context: Mapping[str, int],
    exposures: Sequence[str],
    setting: Mapping[str, int],
    target: Target,
) -> Array:
    """Return P(target or not had the setting been, exposure, context).

    Returns
    -------
    ndarray, shape (2, state of each exposure that the context leaves open, draw)
    """
    left = [name for name in exposures if name not in context]
    world = World(tables, context, setting)
    joint = world.joint([world.variable(target.node), *((name, 0) for name in left)])
    return _split(joint, target, 0)


def _split(joint: Array, target: Target, axis: int) -> Array:
    """Reduce an axis of the target's states to: absent, present."""
    inside = np.isin(np.arange(joint.shape[axis]), target.codes)
    parts = [joint.compress(chosen, axis=axis).sum(axis=axis) for chosen in (~inside, inside)]
    return np.stack(parts, axis=axis)


def _limits(
    exposed: Array, unexposed: Array, owing: NDArray[np.bool_], whole: Array
) -> tuple[Array, Array]:
    """Return the least and the most that both can hold: present if exposed, absent if not."""
    demand_possible(whole)
    axes = tuple(range(owing.ndim))
    least = np.maximum(0.0, exposed[1] - unexposed[1])
    most = np.minimum(exposed[1], unexposed[0])
    lower, upper = ((part * owing[..., None]).sum(axis=axes) / whole for part in (least, most))
    return lower, np.minimum(1.0, upper)


def limits(bounds: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return what bounds leave open: from the low end of the lower to the high end of the upper.

    Parameters
    ----------
    bounds : pair of ndarray, each (draw, cause)

    Returns
    -------
    low, high : ndarray, each (cause,)

    Examples
    --------
    >>> ends = np.linspace(0.2, 0.4, 101)[:, None]
    >>> low, high = limits((ends, ends + 0.5))
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([0.21], [0.89])
    """
    lower, upper = bounds
    return interval(lower)[0], interval(upper)[1]


def at_least(shares: Array, bounds: tuple[Array, Array]) -> NDArray[np.bool_]:
    """Return which shares are their lower bound, so that no coupling gives less, ``(cause,)``.

    Under the monotone coupling that is so wherever an effect has one sign and nothing that the
    cause can change is reported but the target.

    Parameters
    ----------
    shares : ndarray, shape (draw, cause)
    bounds : pair of ndarray, each (draw, cause)
    """
    same: NDArray[np.bool_] = (np.abs(shares - bounds[0]) <= _ROUNDING).all(axis=0)
    return same


def uninformative(bounds: tuple[Array, Array]) -> NDArray[np.bool_]:
    """Return which bounds leave everything open, 0 to 100 % to the whole percent, ``(cause,)``."""
    low, high = limits(bounds)
    found: NDArray[np.bool_] = (low < 0.005) & (high >= 0.995)
    return found


def demand_possible(whole: Array) -> None:
    """Refuse evidence that the model gives probability zero in some draw."""
    if not (whole > 0).all():
        raise QueryError(contradiction())


def _adverse(
    graph: CausalGraph, evidence: Mapping[str, int], group: Sequence[str]
) -> dict[str, int]:
    """Return the person's states where they are adverse, otherwise the worst."""
    return {name: evidence.get(name, 0) or len(graph.node(name).states) - 1 for name in group}


def earliest(graph: CausalGraph, group: Sequence[str]) -> tuple[str, ...]:
    """Return the members of a set that no other member precedes."""
    return tuple(name for name in group if not graph.ancestors(name) & set(group))


def acting(graph: CausalGraph, group: Sequence[str], target: str) -> tuple[str, ...]:
    """Return the members of a set that act on the target other than through another member.

    Had the set been set, the target would be what it would be had these been set, whatever the
    person: in counterfactuals of the target they stand for the set.

    Examples
    --------
    >>> states = dict.fromkeys("abc", ["no", "yes"])
    >>> acting(CausalGraph.from_edges([("a", "b"), ("b", "c")], states), ("a", "b"), "c")
    ('b',)
    """
    reached, ahead = set[str](), [target]
    while ahead:  # from the target upwards, not past a member
        above = set(graph.parents(ahead.pop())) - reached
        reached |= above
        ahead += above.difference(group)
    return tuple(name for name in group if name in reached)


def unchanged(
    graph: CausalGraph, evidence: Mapping[str, int], group: Sequence[str]
) -> dict[str, int]:
    """Return the evidence that a set of causes cannot change, their own left out."""
    changed = frozenset(group).union(*(graph.descendants(name) for name in group))
    return {name: code for name, code in evidence.items() if name not in changed}
