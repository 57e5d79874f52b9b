"""Reading what is asked: the target, the person, the intervention, the coupling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backrisk.errors import QueryError, suggest
from backrisk.graph import CausalGraph
from backrisk.inference import COUPLINGS
from backrisk.posterior import Posterior
from backrisk.words import phrase, thing

if TYPE_CHECKING:
    pass
from backrisk.queries.answer import Target

Array = NDArray[np.float64]


def read_target(graph: CausalGraph, target: str | None) -> Target:
    """Read a target: a node (its event is "not at the reference") or ``"node>=state"``.

    Raises
    ------
    QueryError
        If the node or the state is unknown, or the graph has no outcome to default to.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> read_target(load_graph("runner_core"), "pain>=limiting").codes
    (2,)
    """
    if target is None:
        if graph.outcome is None:
            raise QueryError(f"Graph '{graph.name}' names no outcome: give target=, a node.")
        target = graph.outcome
    if not isinstance(target, str):
        raise QueryError(f"target={target!r}: expected a node, or 'node>=state'.")
    name, _, level = (part.strip() for part in target.partition(">="))
    if name not in graph.names:
        raise QueryError(f"The target '{name}' is no node{suggest(name, graph.names)}.")
    states = graph.node(name).states
    if not level:
        plain = states[0] in ("no", "none")
        label = thing(name) if plain else f"{thing(name)} other than {thing(states[0])}"
        return Target(name, tuple(range(1, len(states))), label)
    if level.isdigit() and level not in states and int(level) < len(states):
        level = states[int(level)]
    if level not in states:
        raise QueryError(
            f"The target's node '{name}' has no state '{level}'{suggest(level, states)}; expected "
            f"one of {', '.join(states)}."
        )
    first = states.index(level)
    worst = first == len(states) - 1
    label = phrase(name, level) if worst else f"{thing(name)} at least '{thing(level)}'"
    return Target(name, tuple(range(first, len(states))), label)


def read_person(posterior: Posterior, person: Mapping[str, Any]) -> dict[str, int]:
    """Read one person's evidence: state labels by node, or raw answers through the codebook.

    Returns
    -------
    dict of node to state code

    Raises
    ------
    QueryError
        If a name, a label or a number is not understood; near names are suggested.
    """
    graph = posterior.graph
    if not isinstance(person, Mapping):
        raise QueryError(f"A person is a mapping of node to state, got {person!r}.")
    if posterior.codebook is not None:
        labels = posterior.codebook.encode_person(person, graph)
    else:  # None and NaN are no answers, as to a codebook
        labels = {str(n): str(s) for n, s in person.items() if s is not None and s == s}
    return {
        name: _code(graph, name, label, f"The person's '{name}'", "has the value")
        for name, label in labels.items()
    }


def _code(graph: CausalGraph, name: str, label: str, whose: str, says: str) -> int:
    if name not in graph.names:
        raise QueryError(f"{whose} is no node{suggest(name, graph.names)}.")
    states = graph.node(name).states
    if label not in states:
        raise QueryError(
            f"{whose} {says} '{label}'{suggest(label, states)}; expected one of "
            f"{', '.join(states)}."
        )
    return states.index(label)


def read_do(graph: CausalGraph, do: Mapping[str, str], target: Target) -> dict[str, int]:
    """Read an intervention, refusing an empty one and one on the target or an item.

    Raises
    ------
    QueryError
    """
    if not do:
        raise QueryError("do= is empty: name at least one node and the state to set it to.")
    if not isinstance(do, Mapping):
        raise QueryError(f"do= is a mapping of node to state, got {do!r}.")
    for name in do:
        if name == target.node:
            raise QueryError(f"do= sets the target '{name}' itself; set one of its causes.")
        if name in graph.items:
            raise QueryError(f"do= sets '{name}', an answer; set what it measures instead.")
    return {
        name: _code(graph, name, str(label), f"In do=, '{name}'", "cannot be set to")
        for name, label in do.items()
    }


def check_coupling(coupling: str) -> None:
    """Refuse a coupling that does not exist.

    Raises
    ------
    QueryError
    """
    if coupling not in COUPLINGS:
        raise QueryError(
            f"There is no coupling '{coupling}'{suggest(coupling, COUPLINGS)}; expected one of "
            f"{', '.join(COUPLINGS)}."
        )


def named(graph: CausalGraph, codes: Mapping[str, int]) -> dict[str, str]:
    """Return states by label in place of code."""
    return {name: graph.node(name).states[code] for name, code in codes.items()}


def demand_upstream(
    graph: CausalGraph, evidence: Mapping[str, int], setting: Mapping[str, int]
) -> None:
    """Refuse evidence that an intervention would change."""
    for name in setting:
        reached = [seen for seen in evidence if seen in graph.descendants(name)]
        if reached:
            raise QueryError(
                f"The person reports '{reached[0]}', which setting '{name}' would change; leave "
                "it out, or ask counterfactual() what would have been."
            )
