"""The form: questions about one person, from the graph and the codebook; and reading its answers.

A question has the name that its answer has in a person file: a column of the codebook, or a
node whose state is given directly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backrisk.errors import QueryError
from backrisk.graph import CausalGraph, Node
from backrisk.posterior import Posterior
from backrisk.queries.asked import named, read_person
from backrisk.queries.saved import opened
from backrisk.survey import Codebook, Column, spelled_names


@dataclass(frozen=True)
class Question:
    """One field of the form.

    Parameters
    ----------
    name : str
        The key of its answer in a person file.
    kind : str
        ``number``, ``choice`` (labels of the codebook), ``text``, or ``state`` (of the node).
    text, unit, source : str
    options : tuple of str
        What may be chosen.
    low, high : float, optional
        The numbers that are accepted.
    sign : bool
        Whether the answer is a noisy sign of the node rather than the node itself.
    rough : bool
        Of a ``state``: whether it stands in for a number that would say it exactly.
    """

    name: str
    kind: str
    text: str = ""
    unit: str = ""
    source: str = ""
    options: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    sign: bool = False
    rough: bool = False


@dataclass(frozen=True)
class Topic:
    """A node of the graph with the questions that speak of it."""

    node: Node
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class FormGroup:
    """Topics of one group of nodes, in the graph's order but for the outcome, which is first."""

    name: str
    topics: tuple[Topic, ...]


def make_form(graph: CausalGraph, codebook: Codebook | None) -> tuple[FormGroup, ...]:
    """Return the form's groups: every node that is not itself a survey answer is a topic.

    The outcome comes first: whether it is present decides what is asked of everything else.

    Parameters
    ----------
    graph : CausalGraph
    codebook : Codebook, optional
        Without one, each node is asked for its state.

    Returns
    -------
    tuple of FormGroup
        Each question stands once, under the first node that it speaks of.

    Examples
    --------
    >>> graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> [topic.questions[0].name for topic in make_form(graph, None)[0].topics]
    ['y', 'x']
    """
    groups: dict[str, list[Topic]] = {}
    asked: set[str] = set()
    for node in sorted(graph.nodes, key=lambda each: each.name != graph.outcome):
        if node.name in graph.items:
            continue
        questions = [] if codebook is None else _raw_questions(node, codebook, asked)
        asked.update(question.name for question in questions)
        if node.name not in asked and not _asked_by_label(node, codebook):
            exact = any(q.kind == "number" and not q.sign for q in questions)
            questions.append(Question(node.name, "state", options=node.states, rough=exact))
        groups.setdefault(node.group, []).append(Topic(node, tuple(questions)))
    return tuple(FormGroup(name, tuple(topics)) for name, topics in groups.items())


def _raw_questions(node: Node, codebook: Codebook, asked: set[str]) -> list[Question]:
    """Return the columns that measure a node, and those that a measure of it is derived from."""
    inputs = {
        source
        for derived in codebook.derived.values()
        if derived.measured == node.name
        for source in derived.from_
    }
    return [
        _question(name, column)
        for name, column in codebook.columns.items()
        if name not in asked and (column.measured == node.name or name in inputs)
    ]


def _asked_by_label(node: Node, codebook: Codebook | None) -> bool:
    """Whether a question already lets the node's very state be chosen."""
    columns = () if codebook is None else codebook.columns.values()
    return any(column.node == node.name and column.type == "label" for column in columns)


def _question(name: str, column: Column) -> Question:
    kind = {"number": "number", "label": "choice", "text": "text"}[column.type]
    low, high = column.range or (None, None)
    return Question(
        name,
        kind,
        text=column.question,
        unit=column.unit,
        source=column.source,
        options=tuple(column.options),
        low=low,
        high=high,
        sign=column.item is not None,
    )


@dataclass(frozen=True)
class Reading:
    """What a form's answers say.

    Parameters
    ----------
    accepted : mapping
        The answers that could be read, as a person.
    evidence : mapping of node to state
        What they say together.
    says : mapping of question to (node, state)
        What each answer says by itself, or together with the answers it is computed with. An
        item says its construct's state.
    problems : mapping of question to sentence
        The answers that were left out.
    """

    accepted: Mapping[str, Any]
    evidence: Mapping[str, str]
    says: Mapping[str, tuple[str, str]]
    problems: Mapping[str, str]


def read_form(posterior: Posterior, answers: Mapping[str, Any]) -> Reading:
    """Read a form that may hold mistakes: keep what is understood, say what is not.

    Answers are read in order; one that contradicts an earlier one is left out.

    Parameters
    ----------
    posterior : Posterior
    answers : mapping of question to answer
        In either form of a person file.

    Returns
    -------
    Reading
    """
    accepted: dict[str, Any] = {}
    evidence: dict[str, int] = {}
    problems: dict[str, str] = {}
    for name, answer in opened(answers).person.items():
        try:  # under the names as they are given: two of one answer are told of
            evidence = read_person(posterior, {**accepted, name: answer})
        except QueryError as error:
            problems[name] = str(error)
        else:
            accepted[name] = answer
    labels = named(posterior.graph, evidence)
    book = posterior.codebook
    columns = () if book is None else book.columns
    accepted = dict(spelled_names(accepted, [*columns, *posterior.graph.names]))
    return Reading(accepted, labels, _says(posterior, accepted, labels), problems)


def _says(
    posterior: Posterior, accepted: Mapping[str, Any], labels: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    graph, codebook = posterior.graph, posterior.codebook
    says: dict[str, tuple[str, str]] = {}
    for name in accepted:
        for node, state in named(graph, read_person(posterior, {name: accepted[name]})).items():
            says[name] = (graph.parents(node)[0] if node in graph.items else node, state)
    for name, derived in {} if codebook is None else codebook.derived.items():
        assert codebook is not None
        filled = codebook.node_of(name)
        if filled in labels and all(source in accepted for source in derived.from_):
            says[derived.from_[-1]] = (str(derived.measured), labels[filled])
    return says
