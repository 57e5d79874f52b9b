"""A model card after TRIPOD+AI, filled from the posterior; what it cannot fill is left open."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from backrisk.errors import QueryError
from backrisk.graph import GRADES, Mechanism
from backrisk.inference import World
from backrisk.posterior import Posterior
from backrisk.queries import Target, attribute, probability, read_target
from backrisk.report.agreement import Agreement, agreement_blocks
from backrisk.report.blocks import Block, Cell, Column, Report, Section, Table, Text, worded
from backrisk.report.cohort import agreement_with
from backrisk.report.common import (
    aimed,
    estimate,
    estimates,
    first_level,
    frame,
    interval_words,
    learned_from,
    placed,
    sampling,
    stated,
    unobserved,
)
from backrisk.report.rendering import check_place, check_suffix, render, write
from backrisk.report.words import Words, read_words
from backrisk.survey import Survey
from backrisk.words import listed, say

_DRAWS = 400
_LEAST, _CAUSES = 5, 3


def model_card(
    posterior: Posterior,
    out: str | Path,
    *,
    survey: Survey | str | Path | None = None,
    target: str | None = None,
    date: str | date | None = None,
    templates: str | Path | None = None,
) -> Path:
    """Write a model card that follows the 27 items of TRIPOD+AI.

    Collins et al. 2024, BMJ 385:e078378, doi:10.1136/bmj-2023-078378.

    Parameters
    ----------
    posterior : Posterior
    out : str or Path
        ``.md``, ``.html`` or ``.pdf``; written beside and renamed.
    survey : Survey, str or Path, optional
        People with known outcomes, to tell the model's performance on them.
    target : str, optional
        A node, or ``"node>=state"``; default the graph's outcome.
    date : str or datetime.date, optional
        The date stated; default today. The same input and date give the same bytes.
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
    check_suffix("card", place.suffix)
    check_place(place)
    folder = None if templates is None else Path(templates)
    words, day = read_words(folder), stated(date)
    report = card_document(posterior, words, day, survey=survey, target=target)
    return write(place, render(report, place.suffix, folder))


def card_document(
    posterior: Posterior,
    words: Words,
    day: str,
    *,
    survey: Survey | str | Path | None = None,
    target: str | None = None,
) -> Report:
    """Return a model card before any format.

    Parameters
    ----------
    posterior : Posterior
    words : Words
    day : str
        The date stated.
    survey : Survey, str or Path, optional
    target : str, optional

    Returns
    -------
    Report
    """
    few = posterior.subset(_DRAWS)
    graph = few.graph
    aim = read_target(graph, target)
    found, in_sample = None, False
    if survey is not None:
        found, in_sample = agreement_with(few, survey, target=target)
    values = _values(posterior, few, words, aim, found, in_sample)
    owner: Mapping[str, Any] = words.raw("card.owner")
    items: list[Mapping[str, Any]] = words.raw("card.items")
    if stray := set(map(str, owner)) - {item["number"] for item in items}:
        raise QueryError(
            f"{words.source}, 'card.owner': TRIPOD+AI has no item '{sorted(stray)[0]}'; expected "
            "a number from 1 to 27."
        )
    parts: dict[str, list[Block]] = {}
    for item in items:
        parts.setdefault(item["part"], []).extend(_item(item, values, owner, words))
    sections = [Section(title, tuple(blocks)) for title, blocks in parts.items()]
    appendix = _appendix(posterior, few, words, aim, found)
    title = words("card.title", graph=graph.title or graph.name)
    return Report(
        kind="card",
        title=title,
        lead=(words("card.lead"),),
        sections=(*sections, Section(words("card.appendix"), tuple(appendix))),
        **frame(posterior, words, day, placed(posterior, words)),
    )


def _item(
    item: Mapping[str, Any], values: Mapping[str, str], owner: Mapping[str, Any], words: Words
) -> list[Block]:
    number = item["number"]
    title = words("card.item", number=number, name=item["name"])
    blocks: list[Block] = [Text((title,), tone="head")]
    key = f"card.items, {number}"
    said = [words.fill(str(one), key, **values) for one in item.get("said", ())]
    if told := tuple(filter(None, said)):
        blocks.append(Text(told))
    own = {str(key): said for key, said in owner.items()}.get(number)
    if own is not None:
        blocks.append(Text((str(own),)))
    elif "open" in item and not values.get(str(item.get("unless"))):
        blocks.append(Text((words("card.open", what=item["open"]),), tone="open"))
    return blocks


def _values(
    posterior: Posterior,
    few: Posterior,
    words: Words,
    aim: Target,
    found: Agreement | None,
    in_sample: bool,
) -> dict[str, str]:
    """Return what fills the blanks of the items, worded."""
    graph, meta, book = posterior.graph, posterior.meta, posterior.codebook
    goal = aimed(words, graph, aim)
    answered: Mapping[str, float] = meta.get("answered", {})
    synthetic = bool(meta.get("synthetic"))
    people = f"{meta['people']:,}" if "people" in meta else ""
    inner = [n for n in graph.nodes if n.name not in graph.items]
    roots = [n for n in inner if not graph.parents(n.name)]
    node = graph.node(aim.node)
    kinds = Counter(map(_kind, posterior.layout.mechanisms.values())) if _fitted(posterior) else {}
    return {
        "target": goal,
        "graph": graph.name,
        "title": graph.title or graph.name,
        "nodes": str(len(graph.nodes)),
        "edges": str(len(graph.edges)),
        "learned": learned_from(posterior, words),
        "sampling": sampling(posterior, words),
        "interval": interval_words(),
        "description": " ".join(graph.description.split()),
        "evaluated": "" if found is None else words("card.evaluated"),
        "data": _data(posterior, words),
        "participants": people
        and words("card.participants", people=people, synthetic=", synthetic" if synthetic else ""),
        "preparation": _preparation(posterior, words),
        "outcome": words(
            "card.outcome",
            target=goal.capitalize(),
            states=listed(words.state(node.name, node.states[code]) for code in aim.codes),
            node=words.node(node.name),
            description=node.description.rstrip(".") or node.name,
            reference=words.state(node.name, node.reference),
        ),
        "predictors": words(
            "card.predictors",
            roots=len([n for n in roots if n.name != aim.node]),
            between=len(inner) - len(roots) - bool(graph.parents(aim.node)),
            items=len(graph.items),
        ),
        "size": _size(posterior, words, people),
        "nonresponse": words("card.nonresponse")
        if book is not None and any(spec.nonresponse for spec in book.measures.values())
        else "",
        "missing": _missing(posterior, words),
        "mechanisms": (
            kinds
            and words(
                "card.mechanisms",
                kinds=", ".join(
                    f"{words.raw('kinds').get(kind, kind)} ({n})" for kind, n in kinds.items()
                ),
            )
        )
        or "",
        "fitting": words(
            "card.fitting",
            sampling=sampling(posterior, words),
            seed=meta["seed"],
            versions=", ".join(f"{name} {v}" for name, v in meta.get("versions", {}).items()),
        )
        if "seed" in meta
        else sampling(posterior, words),
        "imbalance": words(
            "card.imbalance",
            target=goal,
            average=worded(estimate(probability(World(few, {}, {}), aim)), "share"),
        ),
        "fairness": words("card.fairness"),
        "comparison": words(
            "card.comparison"
            if found is None
            else "card.comparison_same"
            if in_sample
            else "card.comparison_new"
        ),
        "ethics": words("card.no_ethics") if synthetic else "",
        "version": version("backrisk"),
        "described": words("card.described") if answered else "",
        "numbers": words("card.numbers", people=people, known=f"{100 * answered[aim.node]:.0f}")
        if people and aim.node in answered
        else "",
        "performance": _performance(found, in_sample, words),
        "interpretation": _interpretation(few, words, aim),
        "limits": _limits(posterior, words),
    }


def _kind(mechanism: Mechanism) -> str:
    """Return the class's name as the graph spells kinds: OrdinalLogit as ordinal_logit."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(mechanism).__name__).lower()


def _fitted(posterior: Posterior) -> bool:
    return posterior.given is None


def _data(posterior: Posterior, words: Words) -> str:
    survey = posterior.meta.get("survey")
    if survey is None:
        return words("card.given_data")
    said = words("card.real_data", survey=survey)
    return f"{said} {words('card.synthetic_data')}" if posterior.meta.get("synthetic") else said


def _preparation(posterior: Posterior, words: Words) -> str:
    book = posterior.codebook
    if book is None:
        return words("card.no_codebook")
    measured = {book.node_of(name) for name, spec in book.measures.items() if spec.node}
    return words(
        "card.preparation",
        codebook=book.name,
        columns=len(book.columns),
        measured=len(measured),
        items=sum(spec.item is not None for spec in book.measures.values()),
    )


def _size(posterior: Posterior, words: Words, people: str) -> str:
    meta = posterior.meta
    if not people or posterior.fractions is None or posterior.beta is None:
        return ""
    weighed = meta.get("effective_people", meta["people"])
    effective = ""
    if abs(weighed - meta["people"]) > 0.5:
        effective = words("card.effective", effective=f"{weighed:,.0f}")
    return words(
        "card.size",
        people=people,
        effective=f" {effective}" if effective else "",
        patterns=f"{meta.get('patterns', 0):,}",
        parameters=f"{posterior.fractions.shape[1] + posterior.beta.shape[1]:,}",
    )


def _missing(posterior: Posterior, words: Words) -> str:
    answered: Mapping[str, float] = posterior.meta.get("answered", {})
    if not answered:
        return ""
    hidden = unobserved(posterior)
    if not hidden:
        return words("card.missing_none")
    some = sorted((share, name) for name, share in answered.items() if share > 0)
    least = ", ".join(f"{words.node(name)} {100 * share:.0f} %" for share, name in some[:_LEAST])
    return words("card.missing", least=least, latent=", ".join(map(words.node, hidden)))


def _performance(found: Agreement | None, in_sample: bool, words: Words) -> str:
    if found is None:
        return words("card.performance_none")
    auc = "" if found.concordance is None else worded(found.concordance, "number")
    return words(
        "card.performance",
        n=f"{found.people:,}",
        where=words("card.in_sample" if in_sample else "card.out_sample"),
        brier=f"{found.brier:.3f}",
        reference=f"{found.brier_reference:.3f}",
        auc=auc,
        ratio=worded(found.ratio, "number"),
    )


def _interpretation(few: Posterior, words: Words, aim: Target) -> str:
    level, target = first_level(few.graph, aim), aim_text(few, aim)
    shares = attribute(few, {}, method="shapley", level=level, target=target).table
    causes = [
        f"{words.node(str(name))} {worded(share, 'points')}"
        for name, share in zip(shares.index, estimates(shares), strict=True)
    ]
    return words("card.interpretation", causes=", ".join(causes[:_CAUSES]))


def aim_text(posterior: Posterior, aim: Target) -> str:
    """Return a target as a query takes it."""
    return f"{aim.node}>={posterior.graph.node(aim.node).states[aim.codes[0]]}"


def _limits(posterior: Posterior, words: Words) -> str:
    grades = Counter(edge.grade for edge in posterior.graph.edges)
    told = ", ".join(f"{words.grade(g)} {grades[g]}" for g in GRADES if grades[g])
    prior = "-"
    if posterior.has_prior:
        from backrisk.check import learned

        table = learned(posterior)
        names = table.index[table["reading"] == say("check.mostly_prior")]
        prior = ", ".join(words.node(str(name)) for name in names) or "-"
    return words("card.limits", prior=prior, grades=told)


def _appendix(
    posterior: Posterior, few: Posterior, words: Words, aim: Target, found: Agreement | None
) -> list[Block]:
    graph = posterior.graph
    blocks: list[Block] = list(agreement_blocks(found, words)) if found is not None else []
    rows: list[tuple[Cell, ...]] = []
    for name in graph.playing("compared"):
        if name == aim.node:
            continue
        for code, state in enumerate(graph.node(name).states):
            risk = estimate(probability(World(few, {name: code}, {}), aim))
            rows.append((words.node(name), words.state(name, state), risk))
    columns = (
        Column("group", words("columns.group"), wide=1),
        Column("level", words("columns.level"), wide=1),
        Column("risk", words("columns.risk"), "share", strip=True),
    )
    blocks.append(Table("group_risk", words("card.groups"), columns, tuple(rows)))
    blocks += _learned(posterior, words)
    of_edge = (
        Column("cause", words("columns.cause"), wide=2),
        Column("effect", words("columns.effect"), wide=2),
        Column("grade", words("columns.grade")),
        Column("claim", words("columns.claim"), wide=4),
        Column("citations", words("columns.citations"), wide=3),
    )
    evidence: tuple[tuple[Cell, ...], ...] = tuple(
        (
            words.node(edge.cause),
            words.node(edge.effect),
            words.grade(edge.grade),
            edge.claim,
            "; ".join(edge.citations),
        )
        for edge in graph.edges
        if edge.effect not in graph.items
    )
    return [*blocks, Table("edges", words("card.edges"), of_edge, evidence)]


def _effect(label: str, words: Words) -> str:
    """Word an effect, which the layout calls "effect, cause" or "effect, cause x cause"."""
    effect, _, causes = label.partition(", ")
    named = " x ".join(words.node(cause) for cause in causes.split(" x "))
    return words("common.arrow", cause=named, effect=words.node(effect))


def _learned(posterior: Posterior, words: Words) -> list[Block]:
    """Return what the data said: of each effect and each node, where a prior is held."""
    if posterior.beta is None or posterior.prior_beta is None:
        return []
    from backrisk.check import learned

    effects: tuple[tuple[Cell, ...], ...] = tuple(
        (_effect(label, words), estimate(before), estimate(after))
        for label, before, after in zip(
            posterior.layout.effect_labels, posterior.prior_beta.T, posterior.beta.T, strict=True
        )
    )
    columns = (
        Column("effect", words("columns.effect"), wide=3),
        Column("before", words("columns.before"), "number"),
        Column("data", words("columns.data"), "number", strip=True),
    )
    table = learned(posterior)
    nodes: tuple[tuple[Cell, ...], ...] = tuple(
        (words.node(str(name)), float(row["answered"]), float(row["distance"]))
        for name, row in table.iterrows()
    )
    by_node = (
        Column("node", words("columns.node"), wide=3),
        Column("answered", words("columns.answered"), "share"),
        Column("distance", words("columns.distance"), "number"),
    )
    return [
        Table("effects", words("card.effects"), columns, effects, words("card.effects_note")),
        Table("learned", words("card.learned"), by_node, nodes, words("card.learned_note")),
    ]
