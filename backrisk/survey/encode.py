"""From raw answers to states."""

from __future__ import annotations

from collections.abc import Mapping

from backrisk.errors import QueryError, SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey.branching import asked, gated, unticked
from backrisk.survey.schema import Contents, Measure
from backrisk.words import Said, choices, say, suggest


def measuring[M: Measure](book: Contents, name: str, among: Mapping[str, M]) -> M:
    """Return the column or derived value of a name that measures a node.

    Raises
    ------
    SurveyError
        There is none.
    """
    spec = among.get(name)
    if spec is None or spec.measured is None:
        known = [each for each, other in among.items() if other.measured]
        raise SurveyError(
            say("survey.answer.no_measure", book=book.name, name=name, near=suggest(name, known))
        )
    return spec


def encode_answer(book: Contents, column: str, raw: object) -> tuple[str, str | None]:
    """Return node and state of a raw answer; see `Codebook.encode_answer`."""
    spec = measuring(book, column, book.columns)
    try:
        return book.node_of(column), spec.state(spec.read(raw, book.missing))
    except ValueError as error:
        raise SurveyError(
            say("survey.answer.refused", column=column, value=str(raw), expected=error.args[0])
        ) from None


def encode_person(
    book: Contents, answers: Mapping[str, object], graph: CausalGraph
) -> dict[str, str]:
    """Return a person's evidence; see `Codebook.encode_person`."""
    found: dict[str, tuple[str, str]] = {}  # by node: who says it, and the state
    inputs: dict[str, float | str | None] = {}
    problems: list[Said] = []

    def put(name: str, node: str, state: str | None) -> None:
        if state is None:
            return
        first, before = found.setdefault(node, (name, state))
        if before != state:
            problems.append(
                say(
                    "survey.person.contradiction",
                    first=first,
                    node=node,
                    before=before,
                    name=name,
                    state=state,
                )
            )

    def refuse(name: str, raw: object, expected: str) -> None:
        problems.append(say("survey.person.value", name=name, value=str(raw), expected=expected))

    for name, raw in answers.items():
        spec = book.columns.get(name)
        states = graph.node(name).states if name in graph.names else ()
        if str(raw) in states:
            put(name, name, str(raw))
        elif spec is not None:
            try:
                inputs[name] = spec.read(raw, book.missing)
            except ValueError as error:
                refuse(name, raw, error.args[0])
            else:
                if spec.measured:
                    put(name, book.node_of(name), spec.state(inputs[name]))
        elif states and raw is not None:
            near = suggest(raw, states)
            refuse(name, raw, say("survey.expected.label", labels=choices(states), near=near))
        elif not states:
            near = graph.near(name, book.columns)
            problems.append(say("survey.person.unknown", name=name, near=near))
    for name, derived in book.derived.items():
        put(name, book.node_of(name), derived.state(derived.value(inputs)))
    said = {
        name: found[node][1]
        for name in book.columns
        if name in book.measures and (node := book.node_of(name)) in found
    }
    for name, unasked in gated(book).items():
        if unasked.measured is None or asked(book, name, answers, said) is not False:
            continue
        assert unasked.asked_if is not None
        state = unasked.asked_if.otherwise
        given = found.get(book.node_of(name), (name, state))[1]
        if given != state and not unticked(name, answers.get(name)):
            when = unasked.asked_if.when
            problems.append(say("survey.branching.person", name=name, when=when))
        elif state is not None:
            found[book.node_of(name)] = (name, state)
        else:
            found.pop(book.node_of(name), None)
    if problems:
        raise QueryError("\n".join(problems))
    return {node: state for node, (_, state) in found.items()}
