"""The nodes that stand for answers: noisy items, and whether an answer was given at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backrisk.graph import ANSWERED, NOT_ANSWERED, CausalGraph, Edge, Node, Prior
from backrisk.survey.schema import Contents, Derived, Measure, Nonresponse
from backrisk.words import say


def extend(book: Contents, graph: CausalGraph) -> CausalGraph:
    """Return a graph with the items and responses of a codebook; see `Codebook.extend`."""
    graph = graph.without(book.leaves_out)
    nodes, edges = list(graph.nodes), list(graph.edges)
    for name, spec in book.measures.items():
        if spec.item is not None and name not in graph.names:
            nodes.append(_item(name, spec, graph.node(spec.item).states))
            edges.append(_report(name, spec, spec.item))
    for name, spec in book.measures.items():
        response = book.response_of(name)
        if spec.nonresponse is not None and response not in graph.names:
            nodes.append(_response(response, spec.question or name, spec.nonresponse))
            edges.append(_refusal(book.node_of(name), response, spec.nonresponse))
    if len(nodes) == len(graph.nodes):
        return graph
    return replace(graph, nodes=tuple(nodes), edges=tuple(edges))


def with_responses(
    book: Contents,
    codes: NDArray[np.int8],
    graph: CausalGraph,
    columns: Iterable[str],
    not_asked: Mapping[str, NDArray[np.bool_]],
) -> NDArray[np.int8]:
    """Return codes with the responses filled in; see `Codebook.with_responses`."""
    filled, present = codes.copy(), set(columns)
    for name, spec in book.measures.items():
        asked = spec.from_ if isinstance(spec, Derived) else (name,)
        if spec.nonresponse is not None and present & set(asked):
            answer = graph.names.index(book.node_of(name))
            response = graph.names.index(book.response_of(name))
            filled[:, response] = codes[:, answer] < 0  # the second state is NOT_ANSWERED
            if name in not_asked:  # who was not asked did not refuse
                filled[not_asked[name], response] = -1
    return filled


# What follows becomes part of the graph, which is saved as plain text: hence `str`.


def _item(name: str, spec: Measure, construct: tuple[str, ...]) -> Node:
    """Return the node of an item, its answers in the order of the construct's states."""
    states = spec.answers or tuple(state for state in construct if state in spec.said)
    rows, by_row = None, None
    if spec.misclassification is not None:
        given, flat = spec.misclassification, 1.0 / len(states)
        rows = tuple(
            tuple(given[state].get(answer, 0.0) for answer in states)
            if state in given
            else (flat,) * len(states)
            for state in construct
        )
        if spec.row_people or len(given) < len(construct):
            # Of a state that is left out nothing is known: each answer is worth one person.
            unknown = float(len(states))
            by_row = tuple(
                spec.row_people.get(state, spec.people) if state in given else unknown
                for state in construct
            )
    return Node(
        name,
        states,
        description=spec.question or name,
        group="item",
        mechanism="item",
        reliability=spec.reliability,
        misclassification=rows,
        fixed=spec.error == "fixed",
        concentration=spec.people,
        row_people=by_row,
    )


def _report(name: str, spec: Measure, construct: str) -> Edge:
    claim = say("survey.items.reports", question=spec.question or name, construct=construct)
    cited = (spec.source,) if spec.source else ()
    return Edge(construct, name, str(claim), "measurement", "moderate", citations=cited)


def _response(name: str, question: str, spec: Nonresponse) -> Node:
    return Node(
        name,
        (ANSWERED, NOT_ANSWERED),
        description=str(say("survey.items.answered", question=question)),
        group="response",
        margin=(1.0 - spec.share, spec.share),
        mechanism="response",
    )


def _refusal(answer: str, response: str, spec: Nonresponse) -> Edge:
    claim = str(say("survey.items.depends"))
    cited = (spec.why,) if spec.why else ()
    prior = Prior(spec.mean, spec.sd)
    return Edge(answer, response, claim, "measurement", "weak", prior, cited)
