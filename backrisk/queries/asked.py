"""Reading what is asked: the target, the person, the intervention, the coupling.

What makes no question is refused here, so that every question refuses it alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from backrisk._arguments import shown
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.inference import COUPLINGS, World, contradiction
from backrisk.posterior import Posterior
from backrisk.queries.answer import Target
from backrisk.queries.saved import is_mark, opened
from backrisk.survey import Codebook, find_state, named_states
from backrisk.words import choices, names_of, say, suggest

_SPARE = 100  # answers beyond what is known, of which each is told what is wrong with its name
_LONGEST_NAME, _LONGEST_ANSWER, _SHOWN = 200, 10_000, 60  # characters
_LONGEST_NUMBER = 1_000  # bits


def read_target(graph: CausalGraph, asked: str | None) -> Target:
    """Read a target: a node (its event is "not at the reference") or ``"node>=state"``.

    Parameters
    ----------
    graph : CausalGraph
    asked : str, optional
        The state by its label. Default: the graph's outcome.

    Returns
    -------
    Target

    Raises
    ------
    QueryError
        If the node or the state is unknown; if the state is the reference, at or beyond which
        everybody is; if a state is asked for of a node whose states have no order; if the graph has
        no outcome to default to.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> target = read_target(load_graph("runner_core"), "pain>=limiting")
    >>> target.codes, target.label
    ((2,), 'current, limiting low back pain')
    """
    if asked is None:
        if graph.outcome is None:
            raise QueryError(say("queries.no_outcome", graph=graph.name))
        asked = graph.outcome
    if not isinstance(asked, str):
        raise QueryError(say("queries.target_form", target=shown(asked)))
    name, begins, level = (part.strip() for part in asked.partition(">="))
    name = read_node(graph, name, "queries.what.target")
    first = 1
    if begins and graph.node(name).nominal:
        raise QueryError(say("queries.target_unordered", node=name))
    if begins:
        first = read_state(graph, name, level, "queries.target_state")
    if first == 0:
        states = graph.node(name).states
        known = choices(f"{name}>={state}" for state in states[1:])
        told = {"node": name, "state": states[0], "choices": known}
        raise QueryError(say("queries.target_always", **told))
    return event_from(graph, name, first)


def event_from(graph: CausalGraph, node: str, first: int) -> Target:
    """Return the event of a node being in a state or beyond it.

    States without an order are no severities: theirs is the event of not being at the reference.
    """
    states = graph.node(node).states
    if graph.node(node).nominal:
        first = 1
    label = names_of(graph).event(node, states, first)
    return Target(node, tuple(range(first, len(states))), label)


def read_node(graph: CausalGraph, name: str, what: str) -> str:
    """Return the node that a name means, or refuse a name that no node has.

    Parameters
    ----------
    graph : CausalGraph
    name : str
        Space around it does not count, nor does case where that leaves one node.
    what : str
        The key of what the name was given as.

    Raises
    ------
    QueryError

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> read_node(load_graph("runner_core"), "Fatigue", "queries.what.cause")
    'fatigue'
    """
    found = find_state(name, graph.names)
    if found is None:
        name = clipped(name)
        hint = graph.near(name)
        raise QueryError(
            say("queries.no_node", what=say(what), name=name, graph=graph.name, hint=hint)
        )
    return found


def demand_cause(graph: CausalGraph, name: str, target: str) -> None:
    """Refuse a node that is no cause of another.

    Raises
    ------
    QueryError
    """
    if name not in graph.ancestors(target):
        raise QueryError(say("queries.no_cause", name=name, target=target, graph=graph.name))


def read_person(posterior: Posterior, person: object) -> dict[str, int]:
    """Read one person's evidence: state labels by node, or raw answers through the codebook.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        In either form of a person file; see `backrisk.queries.saved`. None, NaN, NA, NaT, a blank
        and what the codebook says stands for no answer are no answers. Names, states and labels
        are compared by their canonical spelling, ``1.0`` is the state ``1``, and then whatever
        their case, where that leaves one.

    Returns
    -------
    dict of node to state code

    Raises
    ------
    QueryError
        If a name, a label or a number is not understood; near names are suggested. If the model
        gives what is reported probability zero in some draw, whatever is asked about it. If the
        design of its survey leaves every risk unknown.
    """
    demand_risks(posterior)
    codes = read_answers(posterior.graph, posterior.codebook, person)
    demand_agreement(posterior, codes)
    return codes


def read_answers(graph: CausalGraph, book: Codebook | None, person: object) -> dict[str, int]:
    """Read answers as `read_person` does, whatever the model makes of them together.

    Raises
    ------
    QueryError
        If a name, a label or a number is not understood.
    """
    answers = opened(person).person
    _demand_short(graph, book, answers)
    known = graph.names if book is None else (*book.columns, *graph.names)
    for name in answers:
        if is_mark(name) and find_state(name, known) is None:
            raise QueryError(say("queries.saved.form", name=shown(name)))
    labels = named_states(answers, graph) if book is None else book.encode_person(answers, graph)
    for name in labels:
        read_node(graph, name, "queries.what.person")
    return {
        name: read_state(graph, name, label, "queries.person_state")
        for name, label in labels.items()
    }


def _demand_short(graph: CausalGraph, book: Codebook | None, person: Mapping[str, Any]) -> None:
    """Refuse more, or longer, answers than any person gives, before they are compared to names.

    Raises
    ------
    QueryError
    """
    known = len(graph.names) + (0 if book is None else len(book.columns))
    if len(person) > known + _SPARE:
        raise QueryError(say("queries.person_many", count=len(person), known=known))
    for name, answer in person.items():
        long = isinstance(answer, str) and len(answer) > _LONGEST_ANSWER
        long |= isinstance(answer, int) and answer.bit_length() > _LONGEST_NUMBER
        if long or (isinstance(name, str) and len(name) > _LONGEST_NAME):
            raise QueryError(say("queries.person_long", name=clipped(name)))


def clipped(name: object) -> str:
    """Return a name as a sentence repeats it."""
    text = str(name)
    return text if len(text) <= _LONGEST_NAME else f"{text[:_SHOWN]}..."


def demand_risks(posterior: Posterior) -> None:
    """Refuse to tell risks where people were chosen by the outcome and its prevalence is unknown.

    Raises
    ------
    QueryError
    """
    if not posterior.risks_known:
        raise QueryError(posterior.chosen)


def demand_agreement(posterior: Posterior, evidence: Mapping[str, int]) -> None:
    """Refuse answers that contradict each other.

    Raises
    ------
    QueryError
    """
    # Where no cell of a CPT is zero nothing is impossible: so it is in every fitted model.
    family = set(evidence).union(*(posterior.graph.ancestors(name) for name in evidence))
    if all(posterior.positive(name) for name in family):
        return
    if not (World(posterior, evidence, {}).joint([]) > 0).all():
        raise QueryError(contradiction())


def read_names(asked: str | Iterable[str], option: str) -> tuple[str, ...]:
    """Read names; one given as text is a list of one.

    Parameters
    ----------
    asked : str or iterable of str
    option : str
        What it was given as.

    Raises
    ------
    QueryError
        If these are no names.

    Examples
    --------
    >>> read_names("fatigue", "causes"), read_names(["fatigue", "pain"], "causes")
    (('fatigue',), ('fatigue', 'pain'))
    """
    if isinstance(asked, str):
        return (asked,)
    names = tuple(asked) if isinstance(asked, Iterable) else (asked,)
    if not all(isinstance(name, str) for name in names):
        raise QueryError(say("queries.names_form", option=option, value=shown(asked)))
    return names


def read_state(graph: CausalGraph, name: str, label: object, unknown: str) -> int:
    """Return a state's position, or refuse the label with the sentence under a key.

    Raises
    ------
    QueryError
    """
    states = graph.node(name).states
    found = find_state(label, states)
    if found is None:
        label = clipped(label)
        hint, known = suggest(label, states), choices(states)
        raise QueryError(say(unknown, node=name, state=label, hint=hint, choices=known))
    return states.index(found)


def read_do(graph: CausalGraph, do: object, target: Target) -> dict[str, int]:
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
    if not isinstance(do, Mapping):
        raise QueryError(say("queries.do_form", do=shown(do)))
    if not do:
        raise QueryError(say("queries.do_empty"))
    found: dict[str, int] = {}
    for given, label in do.items():
        name = read_node(graph, given, "queries.what.do")
        if name == target.node:
            raise QueryError(say("queries.do_target", node=name))
        if name in graph.items:
            raise QueryError(say("queries.do_item", node=name))
        if name in found:
            raise QueryError(say("queries.do_twice", node=name))
        found[name] = read_state(graph, name, label, "queries.do_state")
    return found


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


def changing(
    graph: CausalGraph, evidence: Mapping[str, int], setting: Mapping[str, int]
) -> dict[str, int]:
    """Return the part of an intervention that changes anything for a person.

    Who is as a node is set to stays so, unless another set node acts on it. Without it the worlds
    are the same, and what is asked of them is the same to the last bit.

    Parameters
    ----------
    graph : CausalGraph
    evidence, setting : mapping of node to state code

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> graph = load_graph("runner_core")
    >>> changing(graph, {"core_strength": 2, "fatigue": 0}, {"core_strength": 0, "fatigue": 0})
    {'core_strength': 0}
    """
    left: dict[str, int] = {}
    for name in graph.topological:
        if name in setting and (
            evidence.get(name) != setting[name] or not graph.ancestors(name).isdisjoint(left)
        ):
            left[name] = setting[name]
    return left


def demand_identified(
    posterior: Posterior, evidence: Mapping[str, int], setting: Mapping[str, int], target: Target
) -> None:
    """Refuse evidence that would tell of noise which the two worlds share.

    Parameters
    ----------
    posterior : Posterior
    evidence : mapping of node to state code
    setting : mapping of node to state code
        Of which nothing is idle; see `changing`.
    target : Target

    Raises
    ------
    QueryError
        If an answer lies downstream of a set node: without a coupling the answer to it in the
        other world is unknown. One about a node that is set itself is refused only where the
        target depends on what lies between.
    """
    graph = posterior.graph
    for name in setting:
        reached = [seen for seen in evidence if seen in graph.descendants(name)]
        beside = [seen for seen in reached if seen not in setting]
        if reached and not beside:
            world = World(posterior, evidence, setting)
            worlds = world.touched([world.variable(target.node)]).values()
            if all(len(both) < 2 for both in worlds):
                continue
        for seen in beside or reached:
            raise QueryError(say("queries.reported_downstream", node=seen, set=name))
