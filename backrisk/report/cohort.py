"""A cohort's report: who is at what risk and why, and how well the model fits these people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.queries import Target, probabilities, read_target, weakest_link
from backrisk.report import charts
from backrisk.report.agreement import Agreement, agreement, agreement_blocks, jeffreys
from backrisk.report.blocks import (
    Block,
    Cell,
    Column,
    Estimate,
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
from backrisk.report.common import (
    aimed,
    cause_levels,
    cited,
    drawn_from,
    estimate,
    frame,
    learned_from,
    links,
    placed,
    stated,
    sureness,
)
from backrisk.report.rendering import check_place, check_suffix, render, write
from backrisk.report.words import Words, read_words
from backrisk.summary import interval
from backrisk.survey import Column as Asked
from backrisk.survey import Derived, Survey, read_survey, tabulate

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

DRAWS = 200  # evenly spaced, of those a model holds
_CHUNK = 2048  # profiles whose draws are held at once
_MULTIPLES = (0.5, 1.0, 1.5, 2.0, 3.0)
_SAME = 1e-9  # shares of two surveys that are one
_PEOPLE = 100_000  # rows of the sheet of people


@dataclass(frozen=True, eq=False)
class Group:
    """People of one kind: an answer to a node, a site, or everyone."""

    node: str
    level: str
    members: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class CauseSet:
    """What setting causes of one level to their reference does to a cohort.

    Parameters
    ----------
    level : str
    causes : tuple of str
    before : ndarray, shape (group, draw)
        P(target) averaged over each group, given what no cause of the level can change.
    after : mapping of str to ndarray, shape (group, draw)
        The same with one cause at its reference for everyone; ``"all"`` with all of them.
    each : ndarray, shape (profile, cause)
        Mean fall in a profile's risk.
    """

    level: str
    causes: tuple[str, ...]
    before: Array
    after: Mapping[str, Array]
    each: Array

    def fall(self, cause: str) -> Array:
        """Return the fall in risk, ``(group, draw)``."""
        return self.before - self.after[cause]

    def fraction(self, cause: str) -> Array:
        """Return the population attributable fraction, ``(group, draw)``."""
        return self.fall(cause) / self.before


@dataclass(frozen=True, eq=False)
class CohortAnswers:
    """All that a cohort's report shows, computed once.

    Parameters
    ----------
    posterior : Posterior
        That was asked.
    all_draws : int
        That the model holds.
    survey : Survey
    source : str
    target : Target
    weights : ndarray, shape (profile,)
    people : ndarray of int, shape (profile,)
    rows : ndarray of int, shape (row,)
        The profile of each row of the survey.
    risk : tuple of ndarray, each (profile,)
        Mean, low and high of P(target | answers).
    outcome : ndarray of int, shape (profile,)
        1 where the target is reported, 0 where it is reported as absent, -1 unknown.
    groups : tuple of Group
        Everyone first.
    average : ndarray, shape (group, draw)
        Risk averaged over each group.
    causes : tuple of CauseSet
    agreement : Agreement, optional
    in_sample : bool
        Whether these look like the people of the fit.
    """

    posterior: Posterior
    all_draws: int
    survey: Survey
    source: str
    target: Target
    weights: Array
    people: NDArray[np.int64]
    rows: NDArray[np.intp]
    risk: tuple[Array, Array, Array]
    outcome: NDArray[np.int8]
    groups: tuple[Group, ...]
    average: Array
    causes: tuple[CauseSet, ...]
    agreement: Agreement | None
    in_sample: bool


def cohort_answers(
    posterior: Posterior,
    survey: Survey | str | Path,
    *,
    target: str | None = None,
    groups: Sequence[str] | None = None,
    draws: int | None = DRAWS,
) -> CohortAnswers:
    """Ask all that a cohort's report shows. Rungs: seeing (risks), doing (causes, actions).

    Parameters
    ----------
    posterior : Posterior
    survey : Survey, str or Path
        The cohort; a path is read through the model's codebook.
    target : str, optional
        A node, or ``"node>=state"``; default the graph's outcome.
    groups : sequence of str, optional
        Nodes to tell groups by; default age, sex and running experience where the graph has
        them, else up to three nodes without causes. The cohort's sites are always groups.
    draws : int, optional
        Use at most so many draws, evenly spaced; None for all.

    Returns
    -------
    CohortAnswers

    Raises
    ------
    SurveyError
        If the cohort cannot be read; every problem of the file at once.
    QueryError
        If the target or a group is no node, or the survey was read for another graph.

    Notes
    -----
    A person's risk is ``P(Y | e)``, e all answers except the target's and what follows from it.

    The population attributable fraction of a cause c is
    ``1 - mean_i P(Y | do(c = reference), x_i) / mean_i P(Y | x_i)``, for each draw (Mansournia
    and Altman 2018, doi:10.1136/bmj.k757; on a network Ferguson et al. 2020,
    doi:10.1186/s13690-020-00442-x). The mean is over the cohort, with its weights; x_i is what
    person i answered that no cause of the same level changes, and under do(c) without c itself.
    One denominator then serves all causes of a level, and no coupling is assumed; that the graph
    holds is.

    Examples
    --------
    >>> import pandas as pd
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> people = Survey.from_frame(pd.DataFrame({"x": ["no", "yes", "yes", "yes"]}), g)
    >>> found = cohort_answers(p, people).causes[0]
    >>> found.before.round(3)[0].tolist(), found.fraction("x").round(3)[0].tolist()
    ([0.675], [0.556])
    """
    graph = posterior.graph
    survey, source = _read(posterior, survey)
    aim = read_target(graph, target)
    held = posterior.draws
    if draws is not None:
        posterior = posterior.subset(draws)
    patterns = tabulate(survey)
    codes = patterns.codes.astype(np.intp)
    seen = _before(graph, codes, aim)
    told = _groups(survey, codes, patterns.site, groups)
    asked = _Cohort(posterior, survey.sites, patterns.site, patterns.weights, told)
    average, risk = asked.ask(seen, aim, {}, spread=True)
    outcome = _outcome(codes[:, graph.names.index(aim.node)], aim)
    return CohortAnswers(
        posterior,
        held,
        survey,
        source,
        aim,
        patterns.weights,
        patterns.people,
        patterns.index,
        (risk[0], risk[1], risk[2]),
        outcome,
        told,
        average,
        tuple(
            _removed(asked, seen, aim, level, causes)
            for level, causes in cause_levels(graph, aim).items()
        ),
        agreement(risk[0], outcome, patterns.people),
        _is_in_sample(posterior, survey),
    )


def agreement_with(
    posterior: Posterior, survey: Survey | str | Path, *, target: str | None = None
) -> tuple[Agreement | None, bool]:
    """Return how a model agrees with known outcomes, and whether these look like its own people.

    Parameters
    ----------
    posterior : Posterior
    survey : Survey, str or Path
    target : str, optional

    Returns
    -------
    tuple of (Agreement or None, bool)

    Raises
    ------
    SurveyError, QueryError
        As for `cohort_answers`.
    """
    read, _ = _read(posterior, survey)
    aim = read_target(posterior.graph, target)
    patterns = tabulate(read)
    codes = patterns.codes.astype(np.intp)
    everyone = (Group("", "", np.ones(len(codes), bool)),)
    asked = _Cohort(posterior, read.sites, patterns.site, patterns.weights, everyone)
    _, risk = asked.ask(_before(posterior.graph, codes, aim), aim, {})
    outcome = _outcome(codes[:, posterior.graph.names.index(aim.node)], aim)
    return agreement(risk[0], outcome, patterns.people), _is_in_sample(posterior, read)


def _read(posterior: Posterior, survey: Survey | str | Path) -> tuple[Survey, str]:
    source = "survey"
    if not isinstance(survey, Survey):
        source = Path(str(survey).partition("::")[0]).name
        survey = read_survey(survey, posterior.graph, posterior.codebook)
    if survey.graph.names != posterior.graph.names:
        raise QueryError("The cohort was read for another graph than the model's.")
    return survey, source


def _before(graph: CausalGraph, codes: Codes, aim: Target) -> Codes:
    """Leave out the target and what follows from it."""
    after = graph.descendants(aim.node) | {aim.node}
    return _keep(graph, codes, [name for name in graph.names if name not in after])


def _keep(graph: CausalGraph, codes: Codes, names: Sequence[str]) -> Codes:
    kept = np.full_like(codes, -1)
    places = [graph.names.index(name) for name in names]
    kept[:, places] = codes[:, places]
    return kept


def _outcome(codes: Codes, aim: Target) -> NDArray[np.int8]:
    return np.where(codes < 0, -1, np.isin(codes, aim.codes)).astype(np.int8)


def _groups(
    survey: Survey, codes: Codes, site: NDArray[np.intp] | None, names: Sequence[str] | None
) -> tuple[Group, ...]:
    graph = survey.graph
    if names is None:
        roots = [n.name for n in graph.nodes if not graph.parents(n.name)]
        names = graph.playing("compared") or roots[:3]
    found = [Group("", "", np.ones(len(codes), bool))]
    for name in names:
        node = graph.node(name)
        column = codes[:, graph.names.index(name)]
        for code, state in enumerate(node.states):
            if (column == code).any():
                found.append(Group(name, state, column == code))
    if site is not None:
        found += [Group("site", name, site == at) for at, name in enumerate(survey.sites)]
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Cohort:
    """Asks about all profiles at once and averages over groups, a chunk of profiles at a time."""

    posterior: Posterior
    sites: tuple[str, ...]
    site: NDArray[np.intp] | None
    weights: Array
    groups: tuple[Group, ...]

    def ask(
        self, codes: Codes, aim: Target, do: Mapping[str, int], *, spread: bool = False
    ) -> tuple[Array, Array]:
        """Return P(target | do, codes): averages ``(group, draw)``, and means ``(1, profile)``.

        With `spread`, mean, low and high of each profile, ``(3, profile)``.
        """
        shares = np.array([self.weights * group.members for group in self.groups])
        total = np.zeros((len(self.groups), self.posterior.draws))
        each = np.empty((3 if spread else 1, len(codes)))
        for posterior, members in self._by_site():
            profiles, which = np.unique(codes[members], axis=0, return_inverse=True)
            which = which.ravel()
            for start in range(0, len(profiles), _CHUNK):
                here = (which >= start) & (which < start + _CHUNK)
                found = probabilities(posterior, profiles[start : start + _CHUNK], aim, do)
                at, own = members[here], which[here] - start
                summed = np.zeros((len(self.groups), len(found)))
                for row, share in enumerate(shares):
                    summed[row] = np.bincount(own, share[at], len(found))
                total += summed @ found
                each[0, at] = found.mean(axis=1)[own]
                if spread:
                    low, high = interval(found.T)
                    each[1, at], each[2, at] = low[own], high[own]
        return total / shares.sum(axis=1)[:, None], each

    def _by_site(self) -> list[tuple[Posterior, NDArray[np.intp]]]:
        everyone = np.arange(len(self.weights))
        if self.site is None or self.posterior.sites is None:
            return [(self.posterior, everyone)]
        known = self.posterior.sites.names
        return [
            (self.posterior.at_site(name if name in known else None), everyone[self.site == at])
            for at, name in enumerate(self.sites)
        ]


def _removed(
    cohort: _Cohort, seen: Codes, aim: Target, level: str, causes: tuple[str, ...]
) -> CauseSet:
    graph = cohort.posterior.graph
    changed = frozenset().union(*(graph.descendants(cause) for cause in causes))
    context = _keep(graph, seen, [name for name in graph.names if name not in changed])
    before, base = cohort.ask(context, aim, {})
    after: dict[str, Array] = {}
    each = np.empty((len(seen), len(causes)))
    for place, cause in enumerate(causes):
        without = context.copy()
        without[:, graph.names.index(cause)] = -1
        after[cause], mean = cohort.ask(without, aim, {cause: 0})
        each[:, place] = base[0] - mean[0]
    together = {"all": causes, "actions": _actions(graph, causes)}
    for name, members in together.items():
        if members:
            without = context.copy()
            without[:, [graph.names.index(cause) for cause in members]] = -1
            after[name] = cohort.ask(without, aim, dict.fromkeys(members, 0))[0]
    return CauseSet(level, causes, before, after, each)


def _actions(graph: CausalGraph, causes: Sequence[str]) -> tuple[str, ...]:
    """Return the causes that a person could change; all, where none is marked so."""
    marked = any(node.modifiable for node in graph.nodes)
    return tuple(cause for cause in causes if graph.node(cause).modifiable or not marked)


def _is_in_sample(posterior: Posterior, survey: Survey) -> bool:
    fitted: Mapping[str, float] = posterior.meta.get("answered", {})
    if posterior.meta.get("people") != survey.n or not fitted:
        return False
    found = survey.answered
    return all(abs(share - found.get(name, -1.0)) < _SAME for name, share in fitted.items())


def report_cohort(
    posterior: Posterior,
    survey: Survey | str | Path,
    out: str | Path,
    *,
    target: str | None = None,
    groups: Sequence[str] | None = None,
    draws: int | None = DRAWS,
    date: str | date | None = None,
    templates: str | Path | None = None,
) -> Path:
    """Write a cohort's report: who is at what risk, and why.

    Parameters
    ----------
    posterior : Posterior
    survey : Survey, str or Path
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
    templates : str or Path, optional
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
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> people = Survey.from_frame(pd.DataFrame({"x": ["no", "yes", "yes", "yes"]}), g)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     "68 %" in report_cohort(p, people, f"{folder}/c.html").read_text()
    True
    """
    place = Path(out)
    check_suffix("cohort", place.suffix)
    check_place(place)
    folder = None if templates is None else Path(templates)
    words, day = read_words(folder), stated(date)
    answers = cohort_answers(posterior, survey, target=target, groups=groups, draws=draws)
    return write(place, render(cohort_document(answers, words, day), place.suffix, folder))


def cohort_document(answers: CohortAnswers, words: Words, day: str) -> Report:
    """Return a cohort's report before any format; computes nothing but words.

    Parameters
    ----------
    answers : CohortAnswers
    words : Words
    day : str
        The date stated.

    Returns
    -------
    Report
    """
    graph, aim = answers.posterior.graph, answers.target
    goal = aimed(words, graph, aim)
    sections = (
        Section(words("cohort.summary"), tuple(_summary(answers, words, goal))),
        Section(words("cohort.distribution"), tuple(_distribution(answers, words, goal))),
        Section(words("cohort.groups"), tuple(_group_tables(answers, words))),
        Section(words("cohort.paf"), tuple(_fractions(answers, words, goal))),
        Section(words("cohort.doing"), tuple(_doing(answers, words))),
        Section(words("cohort.calibration"), tuple(_calibration(answers, words))),
        Section(words("cohort.missing"), (_missing(answers, words),)),
        Section(words("cohort.dictionary"), tuple(_dictionary(answers, words))),
        Section(words("cohort.sure"), tuple(_sure(answers, words))),
    )
    pain = aim.node == graph.outcome == "pain"
    return Report(
        kind="cohort",
        title=words("cohort.title") if pain else words("cohort.title_other", target=goal),
        lead=(
            words("cohort.lead", source=answers.source),
            f"{learned_from(answers.posterior, words)} "
            f"{drawn_from(words, answers.posterior.draws, answers.all_draws)}",
        ),
        sections=sections,
        **frame(answers.posterior, words, day, _place(answers, words)),
    )


def _place(answers: CohortAnswers, words: Words) -> str:
    """Say which site each person is asked about."""
    known, own = answers.posterior.sites, answers.survey.sites
    if known is None or not own:
        return placed(answers.posterior, words)
    strange = [name for name in own if name not in known.names]
    said = words("common.site_each")
    if not strange:
        return said
    return f"{said} {words('common.site_unknown', sites=', '.join(strange))}"


def _summary(answers: CohortAnswers, words: Words, goal: str) -> list[Block]:
    everyone = estimate(answers.average[0])
    people = int(answers.people.sum())
    known = int(answers.people[answers.outcome >= 0].sum())
    said = words(
        "cohort.headline",
        target=goal,
        people=f"{people:,}",
        low=number(everyone.low, "share"),
        high=number(everyone.high, "share"),
    )
    facts = (
        (words("cohort.people"), f"{people:,}"),
        (words("cohort.profiles"), f"{len(answers.people):,}"),
        (words("cohort.known"), f"{known:,}"),
        (words("cohort.target"), goal),
    )
    first = answers.causes[0]
    fractions = {cause: estimate(first.fraction(cause)[0]) for cause in first.causes}
    leading = max(fractions, key=lambda cause: fractions[cause].mean)
    leads = words(
        "cohort.leads",
        cause=words.node(leading).capitalize(),
        paf=worded(fractions[leading], "share"),
    )
    return [Headline(number(everyone.mean, "share"), said), Facts(facts), Text((leads,))]


def _distribution(answers: CohortAnswers, words: Words, goal: str) -> list[Block]:
    mean = answers.risk[0]
    average = float(answers.average[0].mean())
    shown = number(average, "share")
    drawing = charts.histogram(
        mean,
        answers.weights,
        average,
        words("cohort.histogram_axis", target=goal),
        words("cohort.histogram_average", average=shown),
    )
    said = words(
        "cohort.histogram_words",
        people=f"{int(answers.people.sum()):,}",
        low=number(float(mean.min()), "share"),
        high=number(float(mean.max()), "share"),
    )
    ends = (0.0, *(average * multiple for multiple in _MULTIPLES), np.inf)
    labels = [words("cohort.band_below")]
    labels += [
        words("cohort.band_from", low=f"{low:g}", high=f"{high:g}")
        for low, high in pairwise(_MULTIPLES)
    ]
    labels.append(words("cohort.band_above", low=f"{_MULTIPLES[-1]:g}"))
    rows: list[tuple[Cell, ...]] = []
    total = answers.weights.sum()
    for label, low, high in zip(labels, ends, ends[1:], strict=False):
        inside = (mean >= low) & (mean < high)
        people = int(answers.people[inside].sum())
        known = inside & (answers.outcome >= 0)
        observed = _observed(answers, known)
        rows.append((label, people, float(answers.weights[inside].sum() / total), observed))
    columns = (
        Column("band", words("columns.band"), wide=3),
        Column("people", words("columns.people"), "count"),
        Column("part", words("columns.part"), "share"),
        Column("observed", words("columns.observed"), "share", strip=True),
    )
    note = words("cohort.bands_note", average=shown)
    return [
        Figure(drawing, said),
        Table("bands", words("cohort.bands"), columns, tuple(rows), note),
        _people(answers, words),
    ]


def _observed(answers: CohortAnswers, known: NDArray[np.bool_]) -> Estimate | None:
    size = float(answers.people[known].sum())
    if not size:
        return None
    return jeffreys(float(answers.people[known & (answers.outcome == 1)].sum()), size)


def _people(answers: CohortAnswers, words: Words) -> Table:
    """Return one row a person, for spreadsheets; none where people were counted by an engine."""
    columns = (
        Column("person", words("columns.person"), "count"),
        Column("risk", words("columns.risk"), "share"),
        Column("outcome", words("columns.outcome")),
        Column("first", words("columns.first")),
        Column("fall", words("columns.fall"), "points"),
    )
    rows: list[tuple[Cell, ...]] = []
    if answers.survey.people is None:
        first = answers.causes[0]
        best = first.each.argmax(axis=1)
        said = ("", words("columns.reported_no"), words("columns.reported_yes"))
        for place, profile in enumerate(answers.rows[:_PEOPLE].tolist()):
            mean, low, high = (float(part[profile]) for part in answers.risk)
            fall = float(first.each[profile, best[profile]])
            cause = words.node(first.causes[best[profile]]) if fall > 0 else ""
            told = said[1 + int(answers.outcome[profile])]
            rows.append((place + 1, Estimate(mean, low, high), told, cause, fall))
    title, note = words("cohort.people_table"), words("cohort.people_note")
    return Table("people", title, columns, tuple(rows), note, shown=False)


def _named(words: Words, group: Group) -> tuple[str, str]:
    if not group.node:
        return words("cohort.everyone"), ""
    if group.node == "site":
        return words("cohort.site"), group.level
    return words.node(group.node), words.state(group.node, group.level)


def _group_tables(answers: CohortAnswers, words: Words) -> list[Block]:
    first = answers.causes[0]
    rows: list[tuple[Cell, ...]] = []
    causes: list[tuple[Cell, ...]] = []
    shown: list[tuple[Cell, ...]] = []
    for place, group in enumerate(answers.groups):
        falls = np.array([first.fall(cause)[place] for cause in first.causes])
        order = np.argsort(-falls.mean(axis=1), kind="stable")
        certain = np.bincount(falls.argmax(axis=0), minlength=len(falls)) / falls.shape[1]
        name, level = _named(words, group)
        rows.append(
            (
                name,
                level,
                int(answers.people[group.members].sum()),
                _observed(answers, group.members & (answers.outcome >= 0)),
                estimate(answers.average[place]),
                words.node(first.causes[order[0]]),
                float(certain[order[0]]),
            )
        )
        for rank, at in enumerate(order.tolist()):
            cause = first.causes[at]
            fraction = estimate(first.fraction(cause)[place])
            fall = estimate(falls[at])
            row = (name, level, words.node(cause), fall, fraction, float(certain[at]))
            causes.append(row)
            if rank < 3:
                shown.append((*(row[:2] if not rank else ("", "")), *row[2:]))
    columns = (
        Column("group", words("columns.group"), wide=2),
        Column("level", words("columns.level"), wide=2),
        Column("people", words("columns.people"), "count"),
        Column("observed", words("columns.observed"), "share"),
        Column("risk", words("columns.risk"), "share", strip=True),
        Column("first", words("columns.first"), wide=2),
        Column("certain", words("columns.certain"), "share"),
    )
    by_cause = (
        Column("group", words("columns.group"), wide=2),
        Column("level", words("columns.level"), wide=2),
        Column("cause", words("columns.cause"), wide=2),
        Column("fall", words("columns.fall"), "points", strip=True),
        Column("paf", words("columns.paf"), "share"),
        Column("certain", words("columns.certain"), "share"),
    )
    title, note = words("cohort.causes_table"), words("cohort.causes_note")
    return [
        Table(
            "groups",
            words("cohort.groups_table"),
            columns,
            tuple(rows),
            words("cohort.groups_note"),
        ),
        Table("falls_shown", title, by_cause, tuple(shown), note, sheet=False),
        Table("falls", title, by_cause, tuple(causes), shown=False),
    ]


def _fractions(answers: CohortAnswers, words: Words, goal: str) -> list[Block]:
    graph, aim = answers.posterior.graph, answers.target
    blocks: list[Block] = [Text((words("cohort.paf_words", target=goal),))]
    for found in answers.causes:
        rows: list[tuple[Cell, ...]] = [
            (
                words.node(cause),
                estimate(found.fraction(cause)[0]),
                estimate(found.fall(cause)[0]),
                words.grade(weakest_link(graph, cause, aim.node)),
            )
            for cause in found.causes
        ]
        rows.sort(key=lambda row: -row[1].mean if isinstance(row[1], Estimate) else 0.0)
        together = (
            words("cohort.all_causes"),
            estimate(found.fraction("all")[0]),
            estimate(found.fall("all")[0]),
            "",
        )
        columns = (
            Column("cause", words("columns.cause"), wide=3),
            Column("paf", words("columns.paf"), "share", strip=True),
            Column("fall", words("columns.fall"), "points"),
            Column("grade", words("columns.grade")),
        )
        title = words(f"cohort.paf_{found.level}")
        blocks.append(Table(f"paf_{found.level}", title, columns, (*rows, together)))
    blocks.append(Text((words("cohort.paf_note"), words("common.grade_note")), tone="small"))
    return blocks


def _doing(answers: CohortAnswers, words: Words) -> list[Block]:
    graph, aim = answers.posterior.graph, answers.target
    found = answers.causes[0]
    actions = _actions(graph, found.causes)
    rows: list[tuple[Cell, ...]] = []
    for cause in actions:
        rows.append(
            (
                words.pair(cause, graph.node(cause).reference),
                estimate(found.after[cause][0]),
                estimate(1000 * found.fall(cause)[0]),
                words.grade(weakest_link(graph, cause, aim.node)),
            )
        )
    rows.sort(key=lambda row: -row[2].mean if isinstance(row[2], Estimate) else 0.0)
    if len(actions) > 1:
        rows.append(
            (
                words("cohort.all_actions"),
                estimate(found.after["actions"][0]),
                estimate(1000 * found.fall("actions")[0]),
                "",
            )
        )
    columns = (
        Column("action", words("columns.action"), wide=3),
        Column("after", words("columns.after"), "share"),
        Column("thousand", words("columns.thousand"), "tenths", strip=True),
        Column("grade", words("columns.grade")),
    )
    return [Text((words("cohort.doing_words"),)), Table("actions", "", columns, tuple(rows))]


def _calibration(answers: CohortAnswers, words: Words) -> list[Block]:
    found = answers.agreement
    if found is None:
        return [Text((words("cohort.no_outcome"),))]
    said = words("cohort.calibration_words", n=f"{found.people:,}")
    origin = words("cohort.in_sample" if answers.in_sample else "cohort.out_sample")
    return [
        Text((said,)),
        Text((origin,), tone="warning" if answers.in_sample else "plain"),
        *agreement_blocks(found, words),
    ]


def _missing(answers: CohortAnswers, words: Words) -> Table:
    survey = answers.survey
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
            words.node(name),
            " ".join(questions.get(name, "").split()),
            answered[name],
            survey.n - round(answered[name] * survey.n),
        )
        for name in sorted(asked, key=lambda name: answered[name])
    ]
    columns = (
        Column("node", words("columns.node"), wide=2),
        Column("question", words("columns.question"), wide=5),
        Column("answered", words("columns.answered"), "share"),
        Column("left", words("columns.left"), "count"),
    )
    note = words("cohort.missing_note", complete=f"{complete:,}")
    return Table("missing", words("cohort.missing_table"), columns, tuple(rows), note)


def _dictionary(answers: CohortAnswers, words: Words) -> list[Block]:
    book = answers.survey.codebook
    rows: list[tuple[Cell, ...]] = []
    both: dict[str, Asked | Derived] = {**book.columns, **book.derived}
    for name, spec in both.items():
        measures = spec.node or ""
        if spec.item:
            measures = words("reading.item", node=words.node(spec.item))
        rows.append(
            (
                name,
                words.node(measures) if spec.node else measures,
                " ".join(spec.question.split()),
                spec.unit,
                _reading(name, spec, answers, words),
                " ".join(spec.source.split()),
            )
        )
    columns = (
        Column("column", words("columns.column")),
        Column("measures", words("columns.measures"), wide=2),
        Column("question", words("columns.question"), wide=4),
        Column("unit", words("columns.unit")),
        Column("reading", words("columns.reading"), wide=4),
        Column("source", words("columns.source"), wide=3),
    )
    note = words("cohort.dictionary_note", name=book.name, title=book.title or book.name)
    return [Text((note,)), Table("dictionary", "", columns, tuple(rows))]


def _reading(name: str, spec: Asked | Derived, answers: CohortAnswers, words: Words) -> str:
    book = answers.survey.codebook
    node = str(spec.measured)
    said = []
    if isinstance(spec, Derived):
        said.append(words(f"reading.{spec.derive}", columns=", ".join(spec.from_)))
    elif spec.measured is None:
        others = [key for key, other in book.derived.items() if name in other.from_]
        said.append(words("reading.input", others=", ".join(others) or "-"))
    elif spec.labels and not spec.cuts:
        said += [
            words("reading.label", label=label, state=words.state(node, state))
            for label, state in spec.labels.items()
        ]
    if spec.cuts:
        first = words.state(node, spec.states[0])
        said.append(words("reading.below", cut=f"{spec.cuts[0]:g}", state=first))
        said += [
            words("reading.from", cut=f"{cut:g}", state=words.state(node, state))
            for cut, state in zip(spec.cuts, spec.states[1:], strict=True)
        ]
    return "; ".join(said)


def _sure(answers: CohortAnswers, words: Words) -> list[Block]:
    posterior = answers.posterior
    causes = [cause for found in answers.causes for cause in found.causes]
    used = links(posterior.graph, causes, answers.target.node)
    sources = tuple(cited(words, edge) for edge in used)
    return [
        Text((*sureness(posterior, words), *words.raw("cohort.method"))),
        Text(sources, bullets=True, tone="small"),
    ]
