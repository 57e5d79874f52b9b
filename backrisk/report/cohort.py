"""A cohort's report: who is at what risk and why, and how well the model fits these people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backrisk._arguments import checked
from backrisk._files import demand_place, write
from backrisk.cohort import DRAWS as DRAWS
from backrisk.cohort import CohortAnswers, Subgroup, actions_among, jeffreys
from backrisk.cohort import cohort_answers as cohort_answers
from backrisk.errors import QueryError
from backrisk.posterior import Posterior
from backrisk.queries import weakest_link
from backrisk.report import charts
from backrisk.report.agreement import agreement_blocks
from backrisk.report.blocks import (
    Block,
    Cell,
    Facts,
    Figure,
    Headline,
    Report,
    Section,
    Table,
    Text,
    number,
    worded,
)
from backrisk.report.codebooks import dictionary, missing_table, short
from backrisk.report.common import (
    cited,
    drawn_from,
    frame,
    heading,
    joined,
    learned_from,
    links,
    paragraphs,
    site_mark,
    stated,
    sureness,
)
from backrisk.report.overrides import language_of
from backrisk.report.rendering import check_suffix, render
from backrisk.summary import Estimate
from backrisk.survey import Frame, Survey
from backrisk.words import Language, again, capital, names_of, say, speaking
from backrisk.words.phrases import whole

_MULTIPLES = (0.5, 1.0, 1.5, 2.0, 3.0)  # of the average risk, where its bands end
_SHOWN = 3  # causes of a group that a page shows
_PEOPLE = 100_000  # rows of the sheet of people


@checked()
def report_cohort(
    posterior: Posterior,
    survey: Survey | str | Path | Frame,
    out: str | Path,
    *,
    target: str | None = None,
    groups: Sequence[str] | None = None,
    draws: int | None = DRAWS,
    date: str | date | None = None,
    lang: str | Path | Language | None = None,
    templates: str | Path | None = None,
) -> Path:
    """Write a cohort's report: who is at what risk, and why.

    Parameters
    ----------
    posterior : Posterior
    survey : Survey, str, Path or frame
        The cohort; a path is read through the model's codebook.
    out : str or Path
        ``.html``, ``.pdf``, ``.xlsx`` (a sheet for each table, people too, numbers to 16 digits)
        or ``.csv`` (every table, long, all digits); written beside and renamed.
    target : str, optional
    groups : sequence of str, optional
    draws : int, optional
        As for `cohort_answers`.
    date : str or datetime.date, optional
        The date stated; default today. The same input and date give the same bytes.
    lang, templates
        As for `report_person`.

    Returns
    -------
    Path

    Raises
    ------
    SurveyError
        If the cohort cannot be read; every problem of the file at once.
    QueryError
        If the target, a group or the format is not understood, or `out` cannot be written.
        Nothing is left half-written.

    Notes
    -----
    Estimands are those of `cohort_answers`. Holds no name or identifier: none is read.

    Examples
    --------
    >>> import pandas as pd, tempfile
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> people = Survey.from_frame(pd.DataFrame({"x": ["no", "yes", "yes", "yes"]}), g)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     "68 %" in report_cohort(p, people, f"{folder}/c.html").read_text()
    True
    """
    place = Path(out)
    folder = None if templates is None else Path(templates)
    with speaking(language_of(lang, folder)):
        check_suffix("cohort", place.suffix)
        demand_place(place, QueryError, (templates,))
        day = stated(date)  # refused before the work
        answers = cohort_answers(posterior, survey, target=target, groups=groups, draws=draws)
        return write(place, render(cohort_document(answers, day), place.suffix, folder), QueryError)


def cohort_document(answers: CohortAnswers, day: str) -> Report:
    """Return a cohort's report, in the language that is spoken, before any format.

    Parameters
    ----------
    answers : CohortAnswers
    day : str
        The date stated.

    Returns
    -------
    Report
    """
    posterior = answers.posterior
    goal = again(answers.target.label)
    sections = (
        Section(say("report.cohort.summary"), tuple(_summary(answers, goal))),
        Section(say("report.cohort.distribution"), tuple(_distribution(answers, goal))),
        Section(say("report.cohort.groups"), tuple(_group_tables(answers))),
        Section(say("report.cohort.paf"), tuple(_fractions(answers, goal))),
        Section(say("report.cohort.doing"), tuple(_doing(answers))),
        Section(say("report.cohort.calibration"), tuple(_calibration(answers))),
        Section(say("report.cohort.missing"), (missing_table(answers),)),
        Section(say("report.cohort.dictionary"), tuple(dictionary(answers))),
        Section(say("report.cohort.sure"), tuple(_sure(answers))),
    )
    source = answers.survey.source or say("report.cohort.no_source")
    learned = f"{learned_from(posterior)} {drawn_from(posterior.draws, answers.all_draws)}"
    return Report(
        kind="cohort",
        title=capital(say("report.cohort.title", target=goal)),
        lead=(say("report.cohort.lead", source=source), learned),
        sections=sections,
        **frame(posterior, day, _place(answers)),
    )


def _place(answers: CohortAnswers) -> str:
    """Say which site each person is asked about."""
    known, own = answers.posterior.sites, answers.survey.sites
    if known is None or not own:
        return site_mark(answers.posterior)
    strange = [name for name in own if name not in known.names]
    said = say("report.common.site_each")
    if not strange:
        return said
    return f"{said} {say('report.common.site_unknown', sites=joined(strange))}"


def _summary(answers: CohortAnswers, goal: str) -> list[Block]:
    everyone = Estimate.of(answers.average[0])
    people = int(answers.people.sum())
    known = int(answers.people[answers.outcome >= 0].sum())
    said = say(
        "report.cohort.headline",
        target=goal,
        people=whole(people),
        low=number(everyone.low, "share"),
        high=number(everyone.high, "share"),
    )
    names = names_of(answers.posterior.graph)
    facts = (
        (say("report.cohort.people"), whole(people)),
        (say("report.cohort.profiles"), whole(len(answers.people))),
        (say("report.cohort.known"), whole(known)),
        (say("report.cohort.target"), goal),
    )
    first = answers.causes[0]
    fractions = {cause: Estimate.of(first.fraction(cause)[0]) for cause in first.causes}
    leading = max(fractions, key=lambda cause: fractions[cause].mean)
    leads = say(
        "report.cohort.leads",
        cause=names.node(leading),
        paf=worded(fractions[leading], "share"),
    )
    return [Headline(number(everyone.mean, "share"), said), Facts(facts), Text((leads,))]


def _distribution(answers: CohortAnswers, goal: str) -> list[Block]:
    mean = answers.risk[0]
    average = float(answers.average[0].mean())
    shown = number(average, "share")
    drawing = charts.histogram(
        mean,
        answers.weights,
        average,
        say("report.cohort.histogram_axis", target=goal),
        say("report.cohort.histogram_average", average=shown),
    )
    said = say(
        "report.cohort.histogram_words",
        people=whole(int(answers.people.sum())),
        low=number(float(mean.min()), "share"),
        high=number(float(mean.max()), "share"),
    )
    ends = (0.0, *(average * multiple for multiple in _MULTIPLES), np.inf)
    labels = [say("report.cohort.band_below")]
    labels += [
        say("report.cohort.band_from", low=short(low), high=short(high))
        for low, high in pairwise(_MULTIPLES)
    ]
    labels.append(say("report.cohort.band_above", low=short(_MULTIPLES[-1])))
    rows: list[tuple[Cell, ...]] = []
    total = answers.weights.sum()
    for label, low, high in zip(labels, ends, ends[1:], strict=False):
        inside = (mean >= low) & (mean < high)
        people = int(answers.people[inside].sum())
        known = inside & (answers.outcome >= 0)
        observed = _observed(answers, known)
        rows.append((label, people, float(answers.weights[inside].sum() / total), observed))
    columns = (
        heading("band", wide=3),
        heading("people", "count"),
        heading("part", "share"),
        heading("observed", "share", strip=True),
    )
    note = say("report.cohort.bands_note", average=shown)
    return [
        Figure(drawing, said),
        Table("bands", say("report.cohort.bands"), columns, tuple(rows), note),
        _people(answers),
    ]


def _observed(answers: CohortAnswers, known: NDArray[np.bool_]) -> Estimate | None:
    size = float(answers.people[known].sum())
    if not size:
        return None
    return jeffreys(float(answers.people[known & (answers.outcome == 1)].sum()), size)


def _people(answers: CohortAnswers) -> Table:
    """Return one row a person, for spreadsheets; none where people were counted by an engine."""
    columns = (
        heading("person", "count"),
        heading("risk", "share"),
        heading("outcome"),
        heading("first"),
        heading("fall", "points"),
    )
    rows: list[tuple[Cell, ...]] = []
    names = names_of(answers.posterior.graph)
    if answers.survey.people is None:
        first = answers.causes[0]
        best = first.each.argmax(axis=1)
        said = ("", say("report.columns.reported_no"), say("report.columns.reported_yes"))
        for place, profile in enumerate(answers.rows[:_PEOPLE].tolist()):
            mean, low, high = (float(part[profile]) for part in answers.risk)
            fall = float(first.each[profile, best[profile]])
            cause = names.node(first.causes[best[profile]]) if fall > 0 else ""
            told = said[1 + int(answers.outcome[profile])]
            rows.append((place + 1, Estimate(mean, low, high), told, cause, fall))
    title, note = say("report.cohort.people_table"), say("report.cohort.people_note")
    return Table("people", title, columns, tuple(rows), note, shown=False)


def _named(answers: CohortAnswers, group: Subgroup) -> tuple[str, str]:
    if not group.level:
        return say("report.cohort.everyone"), ""
    if not group.node:
        return say("report.cohort.site"), group.level
    names = names_of(answers.posterior.graph)
    return names.node(group.node), names.state(group.node, group.level)


def _group_tables(answers: CohortAnswers) -> list[Block]:
    first, names = answers.causes[0], names_of(answers.posterior.graph)
    rows: list[tuple[Cell, ...]] = []
    causes: list[tuple[Cell, ...]] = []
    shown: list[tuple[Cell, ...]] = []
    for place, group in enumerate(answers.groups):
        falls = np.array([first.fall(cause)[place] for cause in first.causes])
        order = np.argsort(-falls.mean(axis=1), kind="stable")
        certain = np.bincount(falls.argmax(axis=0), minlength=len(falls)) / falls.shape[1]
        name, level = _named(answers, group)
        rows.append(
            (
                name,
                level,
                int(answers.people[group.members].sum()),
                _observed(answers, group.members & (answers.outcome >= 0)),
                Estimate.of(answers.average[place]),
                names.node(first.causes[order[0]]),
                float(certain[order[0]]),
            )
        )
        for rank, at in enumerate(order.tolist()):
            cause = first.causes[at]
            fraction = Estimate.of(first.fraction(cause)[place])
            fall = Estimate.of(falls[at])
            row = (name, level, names.node(cause), fall, fraction, float(certain[at]))
            causes.append(row)
            if rank < _SHOWN:
                shown.append((*(row[:2] if not rank else ("", "")), *row[2:]))
    columns = (
        heading("group", wide=2),
        heading("level", wide=2),
        heading("people", "count"),
        heading("observed", "share"),
        heading("risk", "share", strip=True),
        heading("first", wide=2),
        heading("certain", "share"),
    )
    by_cause = (
        heading("group", wide=2),
        heading("level", wide=2),
        heading("cause", wide=2),
        heading("fall", "points", strip=True),
        heading("paf", "share"),
        heading("certain", "share"),
    )
    title, note = say("report.cohort.causes_table"), say("report.cohort.causes_note")
    return [
        Table(
            "groups",
            say("report.cohort.groups_table"),
            columns,
            tuple(rows),
            say("report.cohort.groups_note"),
        ),
        Table("falls_shown", title, by_cause, tuple(shown), note, sheet=False),
        Table("falls", title, by_cause, tuple(causes), shown=False),
    ]


def _fractions(answers: CohortAnswers, goal: str) -> list[Block]:
    graph, target = answers.posterior.graph, answers.target
    names = names_of(graph)
    blocks: list[Block] = [Text((say("report.cohort.paf_words", target=goal),))]
    for found in answers.causes:
        rows: list[tuple[Cell, ...]] = [
            (
                names.node(cause),
                Estimate.of(found.fraction(cause)[0]),
                Estimate.of(found.fall(cause)[0]),
                names.grade(weakest_link(graph, cause, target.node)),
            )
            for cause in found.causes
        ]
        rows.sort(key=lambda row: -row[1].mean if isinstance(row[1], Estimate) else 0.0)
        together = (
            say("report.cohort.all_causes"),
            Estimate.of(found.fraction("all")[0]),
            Estimate.of(found.fall("all")[0]),
            "",
        )
        columns = (
            heading("cause", wide=3),
            heading("paf", "share", strip=True),
            heading("fall", "points"),
            heading("grade"),
        )
        title = say(f"report.cohort.levels.{found.level}")
        blocks.append(Table(f"paf_{found.level}", title, columns, (*rows, together)))
    blocks.append(
        Text((say("report.cohort.paf_note"), say("report.common.grade_note")), tone="small")
    )
    return blocks


def _doing(answers: CohortAnswers) -> list[Block]:
    graph, target = answers.posterior.graph, answers.target
    found, names = answers.causes[0], names_of(graph)
    actions = actions_among(graph, found.causes)
    rows: list[tuple[Cell, ...]] = []
    for cause in actions:
        rows.append(
            (
                names.pair(cause, graph.node(cause).reference),
                Estimate.of(found.after[cause][0]),
                Estimate.of(1000 * found.fall(cause)[0]),
                names.grade(weakest_link(graph, cause, target.node)),
            )
        )
    rows.sort(key=lambda row: -row[2].mean if isinstance(row[2], Estimate) else 0.0)
    if len(actions) > 1:
        rows.append(
            (
                say("report.cohort.all_actions"),
                Estimate.of(found.after["actions"][0]),
                Estimate.of(1000 * found.fall("actions")[0]),
                "",
            )
        )
    columns = (
        heading("action", wide=3),
        heading("after", "share"),
        heading("thousand", "tenths", strip=True),
        heading("grade"),
    )
    return [Text((say("report.cohort.doing_words"),)), Table("actions", "", columns, tuple(rows))]


def _calibration(answers: CohortAnswers) -> list[Block]:
    found = answers.agreement
    if found is None:
        return [Text((say("report.cohort.no_outcome"),))]
    said = say("report.cohort.calibration_words", n=whole(found.people))
    origin = say("report.cohort.in_sample" if answers.in_sample else "report.cohort.out_sample")
    return [
        Text((said,)),
        Text((origin,), tone="warning" if answers.in_sample else "plain"),
        *agreement_blocks(found),
    ]


def _sure(answers: CohortAnswers) -> list[Block]:
    graph = answers.posterior.graph
    names = names_of(graph)
    causes = [cause for found in answers.causes for cause in found.causes]
    sources = tuple(cited(names, edge) for edge in links(graph, causes, answers.target.node))
    return [
        Text((*sureness(answers.posterior, names), *paragraphs("report.cohort.method"))),
        Text(sources, bullets=True, tone="small"),
    ]
