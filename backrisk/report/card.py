"""A model card after TRIPOD+AI, filled from the posterior; what it cannot fill is left open."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from backrisk._arguments import checked
from backrisk._files import demand_place, write
from backrisk.cohort import Agreement
from backrisk.errors import QueryError
from backrisk.graph import GRADES
from backrisk.posterior import Posterior
from backrisk.report.agreement import agreement_blocks
from backrisk.report.answers import CardAnswers, card_answers
from backrisk.report.blocks import Block, Cell, Report, Section, Table, Text, worded
from backrisk.report.common import (
    citations,
    estimates,
    frame,
    heading,
    joined,
    learned_from,
    sampling,
    site_mark,
    stated,
    unobserved,
)
from backrisk.report.overrides import STRINGS, language_of
from backrisk.report.rendering import check_suffix, render
from backrisk.summary import Estimate
from backrisk.survey import Frame, Survey
from backrisk.words import (
    Language,
    Names,
    again,
    decimal,
    humanize,
    interval_name,
    listed,
    names_of,
    say,
    speaking,
    spoken,
)
from backrisk.words.phrases import whole

_LEAST, _CAUSES = 5, 3  # questions answered least, causes, that are named


@checked()
def model_card(
    posterior: Posterior,
    out: str | Path,
    *,
    survey: Survey | str | Path | Frame | None = None,
    target: str | None = None,
    date: str | date | None = None,
    lang: str | Path | Language | None = None,
    templates: str | Path | None = None,
) -> Path:
    """Write a model card that follows the 27 items of TRIPOD+AI.

    Collins et al. 2024, BMJ 385:e078378, doi:10.1136/bmj-2023-078378.

    Parameters
    ----------
    posterior : Posterior
    out : str or Path
        ``.md``, ``.html`` or ``.pdf``; written beside and renamed.
    survey : Survey, str, Path or frame, optional
        People with known outcomes, to tell the model's performance on them.
    target : str, optional
        A node, or ``"node>=state"``; default the graph's outcome.
    date : str or datetime.date, optional
        The date stated; default today. The same input and date give the same bytes.
    lang : str or Path, optional
        As for `report_person`.
    templates : str or Path, optional
        As for `report_person`. What the model's owner says on an item goes under ``card: owner:``
        of its ``strings.yaml``, by the item's number.

    Returns
    -------
    Path

    Raises
    ------
    SurveyError
        If the survey cannot be read.
    QueryError
        If the target or the format is not understood, the owner speaks of an item that does not
        exist, or `out` cannot be written. Nothing is left half-written.

    Examples
    --------
    >>> import tempfile
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     "27. Use in practice" in model_card(p, f"{folder}/card.md").read_text()
    True
    """
    place = Path(out)
    folder = None if templates is None else Path(templates)
    with speaking(language_of(lang, folder)):
        check_suffix("card", place.suffix)
        demand_place(place, QueryError, (templates,))
        day = stated(date)  # refused before the work
        answers = card_answers(posterior, survey=survey, target=target)
        return write(place, render(card_document(answers, day), place.suffix, folder), QueryError)


def card_document(answers: CardAnswers, day: str) -> Report:
    """Return a model card, in the language that is spoken, before any format.

    Parameters
    ----------
    answers : CardAnswers
    day : str
        The date stated.

    Returns
    -------
    Report

    Raises
    ------
    QueryError
        If the owner speaks of an item that does not exist.
    """
    graph = answers.posterior.graph
    # A card says what failed, where other reports say that something did.
    warned = (
        *answers.posterior.warnings,
        *answers.posterior.conflicts_about([answers.target.node]),
    )
    values = _values(answers)
    owner: Mapping[str, str] = {
        str(n): said for n, said in spoken().raw("report.card.owner").items()
    }
    items: list[Mapping[str, Any]] = spoken().raw("report.card.items")
    if stray := sorted(set(owner) - {item["number"] for item in items}):
        source = spoken().source or STRINGS
        raise QueryError(say("report.own.no_item", source=source, number=stray[0], n=len(items)))
    parts: dict[str, list[Block]] = {}
    for place, item in enumerate(items):
        part = say(f"report.card.items.{place}.part")
        parts.setdefault(part, []).extend(_item(item, f"report.card.items.{place}", values, owner))
    sections = [Section(title, tuple(blocks)) for title, blocks in parts.items()]
    return Report(
        kind="card",
        title=say("report.card.title", graph=graph.title or graph.name),
        lead=(say("report.card.lead"),),
        sections=(*sections, Section(say("report.card.appendix"), tuple(_appendix(answers)))),
        **frame(answers.posterior, day, site_mark(answers.posterior), warned),
    )


def _item(
    item: Mapping[str, Any], key: str, values: Mapping[str, str], owner: Mapping[str, str]
) -> list[Block]:
    number = item["number"]
    title = say("report.card.item", number=number, name=say(f"{key}.name"))
    blocks: list[Block] = [Text((title,), tone="head")]
    said = (say(f"{key}.said.{place}", **values) for place in range(len(item.get("said", ()))))
    if told := tuple(filter(None, map(str.strip, said))):
        blocks.append(Text(told))
    if number in owner:
        blocks.append(Text((str(owner[number]),)))
    elif "open" in item and not values.get(str(item.get("unless"))):
        blocks.append(Text((say("report.card.open", what=say(f"{key}.open")),), tone="open"))
    return blocks


def _values(answers: CardAnswers) -> dict[str, str]:
    """Return what fills the places of the items, worded."""
    posterior, target = answers.posterior, answers.target
    graph, meta, book = posterior.graph, posterior.meta, posterior.codebook
    names = names_of(graph)
    goal = again(target.label)
    answered: Mapping[str, float] = meta.get("answered", {})
    synthetic = bool(meta.get("synthetic"))
    people = whole(meta["people"]) if "people" in meta else ""
    inner = [n for n in graph.nodes if n.name not in graph.items]
    roots = [n for n in inner if not graph.parents(n.name)]
    node = graph.node(target.node)
    judged = answers.agreement is not None
    nonresponse = book is not None and any(spec.nonresponse for spec in book.measures.values())
    told = {
        "target": goal,
        "graph": graph.name,
        "title": graph.title or graph.name,
        "nodes": whole(len(graph.nodes)),
        "edges": whole(len(graph.edges)),
        "learned": learned_from(posterior),
        "sampling": sampling(posterior),
        "interval": interval_name(),
        "description": " ".join(graph.description.split()),
        "stages": say("report.card.evaluated" if judged else "report.card.developed"),
        "data": _data(posterior),
        "participants": "",
        "preparation": _preparation(posterior),
        "outcome": say(
            "report.card.outcome",
            target=goal,
            states=listed(names.state(node.name, node.states[code]) for code in target.codes),
            node=names.node(node.name),
            description=node.description.rstrip(".") or node.name,
            reference=names.state(node.name, node.reference),
        ),
        "predictors": say(
            "report.card.predictors",
            roots=whole(len([n for n in roots if n.name != target.node])),
            between=whole(len(inner) - len(roots) - bool(graph.parents(target.node))),
            items=whole(len(graph.items)),
        ),
        "size": _size(posterior, people),
        "assumed": say("report.card.modelled" if nonresponse else "report.card.ignorable"),
        "missing": _missing(posterior),
        "mechanisms": _mechanisms(posterior),
        "fitting": _fitting(posterior),
        "imbalance": say(
            "report.card.imbalance", target=goal, average=worded(answers.average, "share")
        ),
        "fairness": say("report.card.fairness"),
        "comparison": say("report.card.comparison"),
        "ethics": say("report.card.no_ethics") if synthetic else "",
        "version": version("backrisk"),
        "cells": " ".join(posterior.least_cells.sentences(names)),
        "described": say("report.card.described")
        if answered and answers.learned is not None
        else "",
        "numbers": "",
        "performance": _performance(answers.agreement, answers.in_sample),
        "interpretation": _interpretation(answers),
        "limits": _limits(answers),
    }
    if people:
        key = "report.card.participants_synthetic" if synthetic else "report.card.participants"
        told["participants"] = say(key, people=people)
        if target.node in answered:
            known = decimal(100 * answered[target.node], 0)
            told["numbers"] = say("report.card.numbers", people=people, known=known)
    if judged:
        same = answers.in_sample
        told["comparison"] = say(
            "report.card.comparison_same" if same else "report.card.comparison_new"
        )
    return told


def _mechanisms(posterior: Posterior) -> str:
    if posterior.given is not None:
        return ""
    kinds = Counter(type(each).__name__ for each in posterior.layout.mechanisms.values())
    said = (say("report.card.kind", kind=_kind(kind), n=whole(n)) for kind, n in kinds.items())
    return say("report.card.mechanisms", kinds=joined(said))


def _kind(mechanism: str) -> str:
    """Word a mechanism's class, which a graph spells in lower case: OrdinalLogit, ordinal_logit."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", mechanism).lower()
    known = spoken().raw("report.kinds")
    return say(f"report.kinds.{name}") if name in known else humanize(name)


def _data(posterior: Posterior) -> str:
    survey = posterior.meta.get("survey")
    if survey is None:
        return say("report.card.given_data")
    said = say("report.card.real_data", survey=survey)
    return (
        f"{said} {say('report.card.synthetic_data')}" if posterior.meta.get("synthetic") else said
    )


def _preparation(posterior: Posterior) -> str:
    book = posterior.codebook
    if book is None:
        return say("report.card.no_codebook")
    measured = {book.node_of(name) for name, spec in book.measures.items() if spec.node}
    return say(
        "report.card.preparation",
        codebook=book.name,
        columns=whole(len(book.columns)),
        measured=whole(len(measured)),
        items=whole(sum(spec.item is not None for spec in book.measures.values())),
    )


def _size(posterior: Posterior, people: str) -> str:
    meta = posterior.meta
    if not people or posterior.fractions is None or posterior.beta is None:
        return ""
    weighed = meta.get("effective_people", meta["people"])
    uneven = abs(weighed - meta["people"]) > 0.5
    return say(
        "report.card.size_weighed" if uneven else "report.card.size",
        people=people,
        effective=whole(weighed),
        patterns=whole(meta.get("patterns", 0)),
        parameters=whole(posterior.fractions.shape[1] + posterior.beta.shape[1]),
    )


def _missing(posterior: Posterior) -> str:
    answered: Mapping[str, float] = posterior.meta.get("answered", {})
    if not answered:
        return ""
    hidden = unobserved(posterior)
    if not hidden:
        return say("report.card.missing_none")
    names = names_of(posterior.graph)
    some = sorted((share, name) for name, share in answered.items() if share > 0)
    least = (
        say(
            "report.card.answered",
            node=names.node(name),
            share=say("phrases.percent", number=decimal(100 * share, 0)),
        )
        for share, name in some[:_LEAST]
    )
    return say("report.card.missing", least=joined(least), latent=joined(map(names.node, hidden)))


def _fitting(posterior: Posterior) -> str:
    meta = posterior.meta
    if "seed" not in meta:
        return sampling(posterior)
    versions = joined(f"{name} {number}" for name, number in meta.get("versions", {}).items())
    figures = meta.get("figures", ())
    studies = listed(dict.fromkeys(each["citation"] for each in figures)) if figures else ""
    return say(
        "report.card.fitting_conditioned" if figures else "report.card.fitting",
        sampling=sampling(posterior),
        seed=meta["seed"],
        versions=versions,
        count=len(figures),
        studies=studies,
    )


def _performance(found: Agreement | None, in_sample: bool) -> str:
    if found is None:
        return say("report.card.performance_none")
    place = "in_sample" if in_sample else "out_sample"
    values = {
        "n": whole(found.people),
        "where": say(f"report.card.{place}"),
        "brier": decimal(found.brier, 3),
        "reference": decimal(found.brier_reference, 3),
        "ratio": worded(found.ratio, "number"),
    }
    if found.concordance is None:
        return say("report.card.performance_same", **values)
    return say("report.card.performance", auc=worded(found.concordance, "number"), **values)


def _interpretation(answers: CardAnswers) -> str:
    shares, names = answers.shares.table, names_of(answers.posterior.graph)
    causes = (
        say("report.card.share", cause=names.node(str(name)), share=worded(share, "points"))
        for name, share in zip(shares.index[:_CAUSES], estimates(shares), strict=False)
    )
    return say("report.card.interpretation", causes=joined(causes))


def _limits(answers: CardAnswers) -> str:
    graph, names = answers.posterior.graph, names_of(answers.posterior.graph)
    grades = Counter(edge.grade for edge in graph.edges)
    told = joined(
        say("report.card.of_grade", grade=names.grade(grade), n=whole(grades[grade]))
        for grade in GRADES
        if grades[grade]
    )
    prior = joined(map(names.node, answers.mostly_prior))
    return say("report.card.limits", prior=prior or "-", grades=told)


def _appendix(answers: CardAnswers) -> list[Block]:
    graph, found = answers.posterior.graph, answers.agreement
    names = names_of(graph)
    blocks: list[Block] = [
        Text((say("report.card.checks"),), tone="head"),
        Text(answers.posterior.diagnostics.checked(names), bullets=True),
    ]
    blocks += [] if found is None else agreement_blocks(found)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (names.node(node), names.state(node, state), risk) for node, state, risk in answers.groups
    )
    columns = (
        heading("group", wide=1),
        heading("level", wide=1),
        heading("risk", "share", strip=True),
    )
    blocks.append(Table("group_risk", say("report.card.groups"), columns, rows))
    if conflicts := answers.posterior.conflicts_about():
        blocks += [
            Text((say("report.card.conflicts"),), tone="head"),
            Text(conflicts, bullets=True),
        ]
    blocks += _learned(answers)
    of_edge = (
        heading("cause", wide=2),
        heading("effect", wide=2),
        heading("grade"),
        heading("claim", wide=4),
        heading("citations", wide=3),
    )
    evidence: tuple[tuple[Cell, ...], ...] = tuple(
        (
            names.node(edge.cause),
            names.node(edge.effect),
            names.grade(edge.grade),
            edge.claim,
            citations(edge),
        )
        for edge in graph.edges
        if edge.effect not in graph.items
    )
    return [*blocks, Table("edges", say("report.card.edges"), of_edge, evidence)]


def _effect(effect: str, causes: Sequence[tuple[str, str | None]], names: Names) -> str:
    """Word an effect on a node: of a cause, of one of its states, or of two causes together."""
    named = " x ".join(
        names.node(cause) if state is None else names.pair(cause, state) for cause, state in causes
    )
    return say("report.common.arrow", cause=named, effect=names.node(effect))


def _learned(answers: CardAnswers) -> list[Block]:
    """Return what the data said: of each effect and each node, where a prior is held."""
    posterior, table = answers.posterior, answers.learned
    if table is None or posterior.beta is None or posterior.prior_beta is None:
        return []
    names = names_of(posterior.graph)
    effects: tuple[tuple[Cell, ...], ...] = tuple(
        (_effect(node, causes, names), Estimate.of(before), Estimate.of(after))
        for (node, causes), before, after in zip(
            posterior.layout.effect_terms, posterior.prior_beta.T, posterior.beta.T, strict=True
        )
    )
    columns = (
        heading("effect", wide=3),
        heading("before", "number"),
        heading("data", "number", strip=True),
    )
    nodes: tuple[tuple[Cell, ...], ...] = tuple(
        (names.node(str(name)), float(row["answered"]), float(row["distance"]))
        for name, row in table.iterrows()
    )
    by_node = (
        heading("node", wide=3),
        heading("answered", "share"),
        heading("distance", "number"),
    )
    note = say("report.card.effects_note")
    return [
        Table("effects", say("report.card.effects"), columns, effects, note),
        Table(
            "learned", say("report.card.learned"), by_node, nodes, say("report.card.learned_note")
        ),
    ]
