"""Reading what is asked: the target, the person, the intervention, the coupling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.inference import COUPLINGS
from backrisk.posterior import Posterior
from backrisk.queries.answer import Target
from backrisk.words import choices, names_of, say, suggest


def read_target(graph: CausalGraph, asked: str | None) -> Target:
    """Read a target: a node (its event is "not at the reference") or ``"node>=state"``.

    Parameters
    ----------
    graph : CausalGraph
    asked : str, optional
        The state by its label, or by its position from 0. Default: the graph's outcome.

    Returns
    -------
    Target

    Raises
    ------
    QueryError
        If the node or the state is unknown, a state is asked for of a node whose states have no
        order, or the graph has no outcome to default to.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> target = read_target(load_graph("runner_core"), "pain>=limiting")
    >>> target.codes, target.label
    ((2,), 'limiting low back pain')
    """
    if asked is None:
        if graph.outcome is None:
            raise QueryError(say("queries.no_outcome", graph=graph.name))
        asked = graph.outcome
    if not isinstance(asked, str):
        raise QueryError(say("queries.target_form", target=repr(asked)))
    name, _, level = (part.strip() for part in asked.partition(">="))
    demand_node(graph, name, "queries.what.target")
    states = graph.node(name).states
    first = 1
    if level and graph.node(name).nominal:
        raise QueryError(say("queries.target_unordered", node=name))
    if level:
        if level.isdigit() and level not in states and int(level) < len(states):
            level = states[int(level)]
        if level not in states:
            hint, known = suggest(level, states), choices(states)
            raise QueryError(
                say("queries.target_state", node=name, state=level, hint=hint, choices=known)
            )
        first = states.index(level)
    label = names_of(graph).event(name, states, first)
    return Target(name, tuple(range(first, len(states))), label)


def demand_node(graph: CausalGraph, name: str, what: str) -> None:
    """Refuse a name that no node has.

    Parameters
    ----------
    graph : CausalGraph
    name : str
    what : str
        The key of what the name was given as.

    Raises
    ------
    QueryError
    """
    if name not in graph.names:
        hint = suggest(name, graph.names)
        raise QueryError(
            say("queries.no_node", what=say(what), name=name, graph=graph.name, hint=hint)
        )


def demand_cause(graph: CausalGraph, name: str, target: str) -> None:
    """Refuse a node that is no cause of another.

    Raises
    ------
    QueryError
    """
    if name not in graph.ancestors(target):
        raise QueryError(say("queries.no_cause", name=name, target=target, graph=graph.name))


def read_person(posterior: Posterior, person: Mapping[str, Any]) -> dict[str, int]:
    """Read one person's evidence: state labels by node, or raw answers through the codebook.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        None and NaN are no answers.

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
        raise QueryError(say("queries.person_form", person=repr(person)))
    if posterior.codebook is not None:
        labels = posterior.codebook.encode_person(person, graph)
    else:  # None and NaN are no answers, as to a codebook
        labels = {str(n): str(s) for n, s in person.items() if s is not None and s == s}
    for name in labels:
        demand_node(graph, name, "queries.what.person")
    return {
        name: _code(graph, name, label, "queries.person_state") for name, label in labels.items()
    }


def _code(graph: CausalGraph, name: str, label: str, unknown: str) -> int:
    """Return a state's position, or refuse the label with the sentence under a key."""
    states = graph.node(name).states
    if label not in states:
        hint, known = suggest(label, states), choices(states)
        raise QueryError(say(unknown, node=name, state=label, hint=hint, choices=known))
    return states.index(label)


def read_do(graph: CausalGraph, do: Mapping[str, str], target: Target) -> dict[str, int]:
    """Read an intervention, refusing an empty one and one on the target or an item.

    Parameters
    ----------
    graph : CausalGraph
    do : mapping of node to state
    target : Target

    Returns
    -------
    dict of node to state code

    Raises
    ------
    QueryError
    """
    if not do:
        raise QueryError(say("queries.do_empty"))
    if not isinstance(do, Mapping):
        raise QueryError(say("queries.do_form", do=repr(do)))
    for name in do:
        if name == target.node:
            raise QueryError(say("queries.do_target", node=name))
        if name in graph.items:
            raise QueryError(say("queries.do_item", node=name))
        demand_node(graph, name, "queries.what.do")
    return {name: _code(graph, name, str(label), "queries.do_state") for name, label in do.items()}


def check_coupling(coupling: str) -> None:
    """Refuse a coupling that does not exist.

    Raises
    ------
    QueryError
    """
    if coupling not in COUPLINGS:
        hint, known = suggest(coupling, COUPLINGS), choices(COUPLINGS)
        raise QueryError(say("queries.no_coupling", name=coupling, hint=hint, choices=known))


def coupling_name(coupling: str) -> str:
    """Return how a sentence names a coupling."""
    return say(f"queries.couplings.{coupling}")


def named(graph: CausalGraph, codes: Mapping[str, int]) -> dict[str, str]:
    """Return states by label in place of code."""
    return {name: graph.node(name).states[code] for name, code in codes.items()}


def demand_upstream(
    graph: CausalGraph, evidence: Mapping[str, int], setting: Mapping[str, int]
) -> None:
    """Refuse evidence that an intervention would change.

    Raises
    ------
    QueryError
    """
    for name in setting:
        reached = [seen for seen in evidence if seen in graph.descendants(name)]
        if reached:
            raise QueryError(say("queries.reported_downstream", node=reached[0], set=name))
