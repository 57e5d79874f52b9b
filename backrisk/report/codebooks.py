"""What a cohort was asked: how much of it is missing, and how its answers are read."""

from __future__ import annotations

import numpy as np

from backrisk.cohort import CohortAnswers
from backrisk.report.blocks import Block, Cell, Table, Text
from backrisk.report.common import heading, joined
from backrisk.survey import Column as Asked
from backrisk.survey import Derived
from backrisk.words import names_of, say
from backrisk.words.phrases import whole


def short(value: float) -> str:
    """Return a number without digits that say nothing."""
    return f"{value:g}".replace(".", say("phrases.decimal_mark"))


def missing_table(answers: CohortAnswers) -> Table:
    """Return how many people answered each question, the least answered first."""
    survey = answers.survey
    names = names_of(survey.graph)
    answered = {str(name): float(share) for name, share in survey.answered.items()}
    responses = [n.name for n in survey.graph.nodes if n.mechanism == "response"]
    asked = [name for name, share in answered.items() if name not in responses]
    known = [survey.graph.names.index(name) for name in asked if answered[name] > 0]
    each = np.ones(len(survey.codes)) if survey.people is None else survey.people
    complete = int(each[(survey.codes[:, known] >= 0).all(axis=1)].sum())
    book = answers.survey.codebook
    questions = {book.node_of(name): spec.question for name, spec in book.measures.items()}
    rows: list[tuple[Cell, ...]] = [
        (
            names.node(name),
            " ".join(questions.get(name, "").split()),
            answered[name],
            survey.n - round(answered[name] * survey.n),
        )
        for name in sorted(asked, key=lambda name: answered[name])
    ]
    columns = (
        heading("node", wide=2),
        heading("question", wide=5),
        heading("answered", "share"),
        heading("left", "count"),
    )
    note = say("report.cohort.missing_note", complete=whole(complete))
    return Table("missing", say("report.cohort.missing_table"), columns, tuple(rows), note)


def dictionary(answers: CohortAnswers) -> list[Block]:
    """Return what each column of the cohort's codebook means and how it is read."""
    book, names = answers.survey.codebook, names_of(answers.survey.graph)
    rows: list[tuple[Cell, ...]] = []
    both: dict[str, Asked | Derived] = {**book.columns, **book.derived}
    for name, spec in both.items():
        measures = names.node(spec.node) if spec.node else ""
        if spec.item:
            measures = say("report.reading.item", node=names.node(spec.item))
        rows.append(
            (
                name,
                measures,
                " ".join(spec.question.split()),
                spec.unit,
                _reading(name, spec, answers),
                " ".join(spec.source.split()),
            )
        )
    columns = (
        heading("column"),
        heading("measures", wide=2),
        heading("question", wide=4),
        heading("unit"),
        heading("reading", wide=4),
        heading("source", wide=3),
    )
    note = say("report.cohort.dictionary_note", name=book.name, title=book.title or book.name)
    return [Text((note,)), Table("dictionary", "", columns, tuple(rows))]


def _reading(name: str, spec: Asked | Derived, answers: CohortAnswers) -> str:
    book, names = answers.survey.codebook, names_of(answers.survey.graph)
    node = name if spec.answers else str(spec.measured)
    said = []
    if isinstance(spec, Derived):
        said.append(say(f"report.reading.{spec.derive}", columns=joined(spec.from_)))
    elif spec.measured is None:
        others = [key for key, other in book.derived.items() if name in other.from_]
        said.append(say("report.reading.input", others=joined(others) or "-"))
    elif spec.labels and not spec.cuts:
        said += [
            say("report.reading.label", label=label, state=names.state(node, state))
            for label, state in spec.options.items()
        ]
    if spec.cuts:
        first = names.state(node, spec.states[0])
        said.append(say("report.reading.below", cut=short(spec.cuts[0]), state=first))
        said += [
            say("report.reading.from", cut=short(cut), state=names.state(node, state))
            for cut, state in zip(spec.cuts, spec.states[1:], strict=True)
        ]
    if spec.asked_if is not None:
        said.append(say("report.reading.asked_if", when=spec.asked_if.when))
        if spec.asked_if.otherwise is not None:
            state = names.state(node, spec.asked_if.otherwise)
            said.append(say("report.reading.not_asked", state=state))
    return say("report.common.semicolon").join(said)
