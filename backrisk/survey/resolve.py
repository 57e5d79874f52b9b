"""A codebook checked against its graph: every contradiction reported, every state written out."""

from __future__ import annotations

from typing import Any

from backrisk.graph import CausalGraph, answers_fit
from backrisk.survey import design
from backrisk.survey.branching import contradictions
from backrisk.survey.problems import failure
from backrisk.survey.schema import Contents, Derived, Measure
from backrisk.words import Said, say, suggest


def resolve[C: Contents](book: C, graph: CausalGraph, source: str) -> C:
    """Return a codebook with the states of its measures written out.

    Parameters
    ----------
    book : Contents
    graph : CausalGraph
    source : str
        The codebook or its file, as sentences call it.

    Raises
    ------
    SurveyError
        Every contradiction with the graph, or within the codebook.
    """
    problems = [*_inputs(book, source), *_left_out(book, graph, source)]
    problems += contradictions(book, source)
    chosen = design.resolved(book, graph, source, problems)
    observed: dict[str, str] = {}
    changed: dict[str, Measure] = {**book.columns, **book.derived}
    for name, spec in book.measures.items():
        target = str(spec.measured)
        at = {"source": source, "column": name}
        if target not in graph.names:
            near = graph.near(target)
            problems.append(
                say("survey.codebook.no_node", **at, node=target, graph=graph.name, near=near)
            )
            continue
        if spec.item and name in graph.names and graph.parents(name) != (spec.item,):
            problems.append(say("survey.codebook.item_named_as_node", **at))
        if spec.node and (first := observed.setdefault(spec.node, name)) != name:
            problems.append(
                say("survey.codebook.observed_twice", **at, node=spec.node, first=first)
            )
        known = graph.node(target).states
        answers = spec.answers or known
        states = spec.states or answers
        if spec.cuts and len(states) != len(spec.cuts) + 1:
            problems.append(
                say(
                    "survey.codebook.cuts_and_states",
                    **at,
                    count=len(spec.cuts),
                    needed=len(spec.cuts) + 1,
                    states=len(states),
                )
            )
        used: list[str | None] = [*states, *spec.unasked]
        stated = spec.misclassification or {}
        for row in stated.values():
            used += row
        people = spec.people if isinstance(spec.people, dict) else {}
        if spec.error == "fixed" and stated and set(known) - set(stated):
            problems.append(say("survey.rules.rows_missing", **at, node=target))
        update: dict[str, Any] = {"states": states}
        if isinstance(spec, Derived):
            used += [spec.otherwise, *(rule.state for rule in spec.rules)]
        elif spec.type == "label":
            labels = spec.labels or {state: state for state in states}
            update["labels"] = labels
            used += labels.values()
            problems += [
                say("survey.codebook.label_is_missing", **at, label=label)
                for label in sorted(set(labels) & set(book.missing))
            ]
        problems += [
            say(
                "survey.codebook.no_state", **at, node=target, state=said, near=suggest(said, known)
            )
            for said in dict.fromkeys([*stated, *people])
            if said not in known
        ]
        if spec.answers and not answers_fit(answers, known, rated=bool(stated), reliable=False):
            problems.append(say("survey.codebook.answers_shared", **at, node=target))
        problems += [
            say("survey.codebook.no_answer", **at, answer=said, near=suggest(said, answers))
            if spec.answers
            else say(
                "survey.codebook.no_state", **at, node=target, state=said, near=suggest(said, known)
            )
            for said in dict.fromkeys(used)
            if said is not None and said not in answers
        ]
        changed[name] = spec.model_copy(update=update)
    if problems:
        raise failure(source, problems)
    return book.model_copy(
        update={
            "columns": {name: changed[name] for name in book.columns},
            "derived": {name: changed[name] for name in book.derived},
            "design": chosen,
            # A set is to its rows what a site is: the codes of both stand in the same place.
            "site": chosen.set if chosen is not None and chosen.set else book.site,
        }
    )


def _inputs(book: Contents, source: str) -> list[Said]:
    """Return what is wrong with the names of columns, derived values and their inputs."""
    problems = [
        say("survey.codebook.column_and_derived", source=source, column=name)
        for name in sorted(set(book.columns) & set(book.derived))
    ]
    problems += [
        say(
            "survey.codebook.no_input",
            source=source,
            column=name,
            input=column,
            near=suggest(column, book.columns),
        )
        for name, derived in book.derived.items()
        for column in derived.from_
        if column not in book.columns
    ]
    return problems


def _left_out(book: Contents, graph: CausalGraph, source: str) -> list[Said]:
    """Return what is wrong with the nodes that the codebook leaves out."""
    measured = {spec.measured for spec in book.measures.values()}
    already = {left.name for left in graph.left_out}
    problems = []
    for name, reason in book.leaves_out.items():
        at = {"source": source, "node": name}
        if name not in graph.names and name not in already:
            near = graph.near(name)
            problems.append(say("survey.codebook.leaves_out_nobody", **at, near=near))
        elif name in measured:
            problems.append(say("survey.codebook.leaves_out_measured", **at))
        elif name == graph.outcome:
            problems.append(say("survey.codebook.leaves_out_outcome", **at))
        elif not reason.strip():
            problems.append(say("survey.codebook.leaves_out_silently", **at))
    return problems
