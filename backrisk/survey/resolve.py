"""A codebook checked against its graph: every contradiction reported, every state written out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backrisk._spelling import spell
from backrisk.graph import CausalGraph, answers_fit
from backrisk.survey import design
from backrisk.survey.branching import contradictions
from backrisk.survey.combining import contradictions as of_visits
from backrisk.survey.problems import failure
from backrisk.survey.schema import Column, Contents, Derived, Measure
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
    problems = [*_inputs(book, source), *_roles(book, source), *_left_out(book, graph, source)]
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
        spelled = {spell(state): state for state in (*known, *answers)}
        spec = _in_the_graphs_words(spec, spelled)
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
        if spec.error == "fixed" and stated and set(known) - set(stated):
            problems.append(say("survey.rules.rows_missing", **at, node=target))
        update: dict[str, Any] = {"states": states}
        if isinstance(spec, Derived):
            used += [spec.otherwise, *(rule.state for rule in spec.rules)]
            inputs = [book.columns[c].unit if c in book.columns else "" for c in spec.from_]
            try:
                spec = spec.converting(tuple(inputs))
            except ValueError as error:
                problems.append(say("survey.codebook.conversion", **at, why=error.args[0]))
        elif spec.type == "label":
            labels = spec.labels or {spell(state) or "": state for state in states}
            update["labels"] = labels
            used += labels.values()
            problems += [
                say("survey.codebook.label_is_missing", **at, label=label)
                for label in labels
                if label in book.missing or spec.blank(spell(label), book.missing)
            ]
        problems += [
            say(
                "survey.codebook.no_state", **at, node=target, state=said, near=suggest(said, known)
            )
            for said in dict.fromkeys([*stated, *spec.row_people])
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
    if not problems:
        problems += of_visits(book, graph, source)
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


def _in_the_graphs_words[M: Measure](spec: M, spelled: Mapping[str | None, str]) -> M:
    """Return a measure whose states are written as the graph writes them."""

    def same[S: str | None](state: S) -> Any:
        return spelled.get(state, state)

    update: dict[str, Any] = {"states": tuple(map(same, spec.states))}
    if spec.asked_if is not None:
        other = {"otherwise": same(spec.asked_if.otherwise)}
        update["asked_if"] = spec.asked_if.model_copy(update=other)
    update["row_people"] = {same(state): count for state, count in spec.row_people.items()}
    if spec.misclassification is not None:
        update["misclassification"] = {
            same(state): {same(answer): share for answer, share in row.items()}
            for state, row in spec.misclassification.items()
        }
    if isinstance(spec, Derived):
        rules = [rule.model_copy(update={"state": same(rule.state)}) for rule in spec.rules]
        update |= {"rules": tuple(rules), "otherwise": same(spec.otherwise)}
    elif isinstance(spec, Column) and spec.labels is not None:
        update["labels"] = {
            label: None if state is None else same(state) for label, state in spec.labels.items()
        }
    return spec.model_copy(update=update)


def _roles(book: Contents, source: str) -> list[Said]:
    """Return which columns were given a role beside their own."""
    problems = []
    if book.weight is not None and book.weight in book.measures:
        problems.append(say("survey.codebook.weight_measures", source=source, column=book.weight))
    if book.site is not None and book.site == book.weight:
        problems.append(say("survey.codebook.site_is_weight", source=source, column=book.site))
    return problems


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
    problems += [
        say("survey.codebook.input_no_number", **at, type=book.columns[column].type)
        for name, derived in book.derived.items()
        if derived.derive != "first_match"
        for column in dict.fromkeys(derived.from_)
        if column in book.columns and book.columns[column].type != "number"
        for at in [{"source": source, "column": name, "input": column}]
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
