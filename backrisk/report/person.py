"""One person's report: a page for the runner, a page for the notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from backrisk.posterior import Posterior
from backrisk.queries import (
    Attribution,
    Questions,
    Recommendation,
    Risk,
    ask_next,
    attribute,
    named,
    read_person,
    read_target,
    recommend,
    risk,
)
from backrisk.report import charts
from backrisk.report.blocks import (
    Block,
    Column,
    Facts,
    Figure,
    Headline,
    Range,
    Report,
    Section,
    Table,
    Text,
)
from backrisk.report.common import (
    aimed,
    cited,
    cut,
    drawn_from,
    estimate,
    estimates,
    first_level,
    frame,
    learned_from,
    links,
    placed,
    stated,
    sureness,
)
from backrisk.report.rendering import check_place, check_suffix, render, write
from backrisk.report.words import Words, read_words
from backrisk.words import points

_NEEDED, _SHARES, _ACTIONS, _ASKED, _SOURCES = 6, 5, 4, 4, 12  # rows on the page of notes
_HELPING = 4
_HELPS = 0.005  # the runner is shown what lowers the risk by half a point or more, clearly
_SEEN = 0.0005  # a share that rounds to no tenth of a point is not shown to the runner


@dataclass(frozen=True, eq=False)
class PersonAnswers:
    """All that a person's report shows, asked once.

    Parameters
    ----------
    posterior : Posterior
        That the answers came from.
    person : mapping
        As it was reported: states by node, or raw answers of the codebook.
    reported : mapping of node to state
        The same, read.
    risk : Risk
        The target's own answer left out.
    shares : Attribution
        By ``shapley``, at the distal level where the graph has such causes.
    needed : Attribution, optional
        By ``necessity`` at the proximal level, where the target is reported: about the reported
        severity, unless a target was given.
    advice : Recommendation
    questions : Questions
    all_draws : int
        Of the model, where the answers rest on fewer.
    """

    posterior: Posterior
    person: Mapping[str, Any]
    reported: Mapping[str, str]
    risk: Risk
    shares: Attribution
    needed: Attribution | None
    advice: Recommendation
    questions: Questions
    all_draws: int


def person_answers(
    posterior: Posterior,
    person: Mapping[str, Any],
    *,
    target: str | None = None,
    draws: int | None = None,
) -> PersonAnswers:
    """Ask all that a person's report shows. Rungs: seeing and counterfactual.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        State labels by node, or raw answers of the codebook; incomplete allowed.
    target : str, optional
        A node, or ``"node>=state"``; default the graph's outcome. Necessity is then asked of the
        severity that is reported, such as limiting pain.
    draws : int, optional
        Use at most so many draws, evenly spaced.

    Returns
    -------
    PersonAnswers

    Raises
    ------
    QueryError
        If the person or the target is not understood.

    Notes
    -----
    Estimands and assumptions are those of `backrisk.risk`, `backrisk.attribute` (``shapley`` and
    ``necessity`` under the monotone coupling), `backrisk.recommend` and `backrisk.ask_next`.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> answers = person_answers(p, {"x": "yes", "y": "yes"})
    >>> answers.risk.draws.tolist(), answers.needed.draws.round(3).tolist()
    ([0.8], [[0.625]])
    """
    held = posterior.draws
    if draws is not None:
        posterior = posterior.subset(draws)
    graph = posterior.graph
    aim = read_target(graph, target)
    codes = read_person(posterior, person)
    after = graph.descendants(aim.node) | {aim.node}
    reported = named(graph, codes)
    before = {name: state for name, state in reported.items() if name not in after}
    needed = None
    if codes.get(aim.node, -1) in aim.codes:
        severity = f"{aim.node}>={reported[aim.node]}" if target is None else target
        needed = attribute(posterior, reported, method="necessity", target=severity)
    return PersonAnswers(
        posterior,
        person,
        reported,
        risk(posterior, before, target=target),
        attribute(
            posterior, before, method="shapley", level=first_level(graph, aim), target=target
        ),
        needed,
        recommend(posterior, reported, target=target),
        ask_next(posterior, reported, target=target),
        held,
    )


def person_document(answers: PersonAnswers, words: Words, day: str) -> Report:
    """Return a person's report before any format; computes nothing but words.

    Parameters
    ----------
    answers : PersonAnswers
    words : Words
    day : str
        The date stated.

    Returns
    -------
    Report
    """
    posterior = answers.posterior
    aim = answers.risk.target
    goal = aimed(words, posterior.graph, aim)
    outcome = aim.node == posterior.graph.outcome == "pain"
    around = frame(posterior, words, day, placed(posterior, words))
    runner = (
        Section(words("person.risk"), tuple(_risk(answers, words, goal))),
        Section(words("person.seen"), (_seen(answers, words),)),
        Section(words("person.causes"), tuple(_first_causes(answers, words))),
        Section(words("person.help"), tuple(_help(answers, words, goal))),
        Section(words("person.not"), (Text(tuple(words.raw("person.not_words")), bullets=True),)),
    )
    return Report(
        kind="person",
        title=words("person.title") if outcome else words("person.title_other", target=goal),
        lead=(),
        sections=(*runner, *_notes(answers, words, goal)),
        compact=True,
        **around,
    )


def render_person(
    answers: PersonAnswers,
    suffix: str = ".pdf",
    *,
    date: str | date | None = None,
    templates: str | Path | None = None,
) -> bytes:
    """Return a person's report as the bytes of a file, from answers that are at hand.

    Parameters
    ----------
    answers : PersonAnswers
    suffix : {".pdf", ".html"}
    date : str or datetime.date, optional
        The date stated; default today.
    templates : str or Path, optional
        As for `report_person`.

    Returns
    -------
    bytes
    """
    folder = None if templates is None else Path(templates)
    report = person_document(answers, read_words(folder), stated(date))
    return render(report, suffix, folder)


def report_person(
    posterior: Posterior,
    person: Mapping[str, Any],
    out: str | Path,
    *,
    target: str | None = None,
    draws: int | None = None,
    date: str | date | None = None,
    templates: str | Path | None = None,
) -> Path:
    """Write one person's report: page one for the runner, page two for the notes.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        State labels by node, or raw answers of the codebook; incomplete allowed.
    out : str or Path
        ``.html`` or ``.pdf``; written beside and renamed.
    target : str, optional
    draws : int, optional
        Use at most so many draws, evenly spaced.
    date : str or datetime.date, optional
        The date stated; default today. The same input and date give the same bytes.
    templates : str or Path, optional
        A folder whose files stand in place of the packaged templates, sentences and logo.

    Returns
    -------
    Path

    Raises
    ------
    QueryError
        If the person or the target is not understood, the format is not one of these, or `out`
        cannot be written. Nothing is left half-written.

    Notes
    -----
    Shows `backrisk.risk`, `backrisk.attribute`, `backrisk.recommend` and `backrisk.ask_next`; see
    `person_answers`. Decision support, not a diagnosis.

    Examples
    --------
    >>> import tempfile
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     "80 %" in report_person(p, {"x": "yes"}, f"{folder}/p.html").read_text()
    True
    """
    place = Path(out)
    check_suffix("person", place.suffix)
    check_place(place)
    # Refused before the work:
    read_words(None if templates is None else Path(templates))
    day = stated(date)
    answers = person_answers(posterior, person, target=target, draws=draws)
    return write(place, render_person(answers, place.suffix, date=day, templates=templates))


def _risk(answers: PersonAnswers, words: Words, goal: str) -> list[Block]:
    own, average = estimate(answers.risk.draws), estimate(answers.risk.average)
    said = words(
        "person.risk_words",
        target=goal,
        mean=_of_hundred(own.mean),
        low=_of_hundred(own.low),
        high=_of_hundred(own.high),
        average=_of_hundred(average.mean),
    )
    rows = [(words("person.risk_you"), own), (words("person.risk_average"), average)]
    drawing = charts.bars(
        rows, charts.nice(max(own.high, average.high)), words("person.risk_axis", target=goal)
    )
    blocks: list[Block] = [Headline(_percent(own.mean), said), Figure(drawing, said)]
    state = answers.reported.get(answers.risk.target.node)
    if state is not None:
        phrase = words.pair(answers.risk.target.node, state)
        blocks.append(Text((words("person.risk_reported", state=phrase),)))
    return blocks


def _of_hundred(share: float) -> str:
    return f"{100 * share:.0f}" if share >= 0.0095 or not share else f"{100 * share:.1f}"


def _percent(share: float) -> str:
    return f"{_of_hundred(share)} %"


def _seen(answers: PersonAnswers, words: Words) -> Block:
    graph, book = answers.posterior.graph, answers.posterior.codebook
    raw: dict[str, tuple[str, str]] = {}
    for column, value in answers.person.items():
        spec = None if book is None else book.columns.get(column)
        if book is not None and spec is not None and spec.measured and spec.type == "number":
            raw[book.node_of(column)] = (str(value), spec.unit)
    pairs = []
    for name in graph.names:
        if name not in answers.reported:
            continue
        said = words.state(name, answers.reported[name])
        value, unit = raw.get(name, ("", ""))
        if value and value != answers.reported[name]:
            key = "person.with_unit" if unit else "person.with_raw"
            said = words(key, value=said, raw=value, unit=unit)
        pairs.append((words.node(name), said))
    if not pairs:
        return Text((words("person.seen_none"),))
    return Facts(tuple(pairs))


def _share_table(answers: PersonAnswers, words: Words, *, short: bool) -> Table:
    table = answers.shares.table
    rows = []
    for cause, mean, row in zip(
        table.index, estimates(table), table.to_dict("records"), strict=True
    ):
        if short and abs(mean.mean) < _SEEN:
            continue
        first = (words.node(cause), _reported(words, cause, row["state"]), mean)
        grade = words.grade(row["grade"])
        rest = (grade,) if short else (float(row["leading"]), grade, float(row["data_support"]))
        rows.append((*first, *rest))
    columns = (
        Column("cause", words("columns.cause"), wide=3),
        Column("state", words("columns.state"), wide=2),
        Column("share", words("columns.share"), "points", strip=True),
        *(() if short else (Column("leading", words("columns.leading"), "share"),)),
        Column("grade", words("columns.grade")),
        *(() if short else (Column("support", words("columns.support"), "number"),)),
    )
    return Table(
        "first_causes" if short else "shares",
        "" if short else words("person.shares"),
        columns,
        tuple(rows),
    )


def _reported(words: Words, cause: str, state: str) -> str:
    if state == "not reported":
        return words("columns.not_reported")
    return words.state(cause, state)


def _first_causes(answers: PersonAnswers, words: Words) -> list[Block]:
    total = answers.shares.total
    assert total is not None
    said = words("person.causes_words", total=points(total).split(" ")[0].removeprefix("+"))
    table = _share_table(answers, words, short=True)
    return [Text((said,)), table] if table.rows else [Text((words("person.causes_none"),))]


def _action_table(answers: PersonAnswers, words: Words, *, short: bool) -> Table:
    advice = answers.advice
    table = advice.table
    rows = []
    for action, fall, row in zip(
        table.index, estimates(table), table.to_dict("records"), strict=True
    ):
        if short and (fall.low <= 0 or fall.mean < _HELPS):
            continue
        setting = advice.settings[advice.actions.index(action)]
        done = " + ".join(words.pair(node, state) for node, state in setting.items())
        grade = words.grade(row["grade"])
        rest = (grade,) if short else (float(row["p_best"]), grade, float(row["data_support"]))
        rows.append((done, fall, row["nnt_words"].replace("infinity", "\N{INFINITY}"), *rest))
    columns = (
        Column("action", words("columns.action"), wide=3),
        Column("fall", words("columns.fall"), "points", strip=True),
        Column("needed", words("columns.needed"), wide=2),
        *(() if short else (Column("best", words("columns.best"), "share"),)),
        Column("grade", words("columns.grade")),
        *(() if short else (Column("support", words("columns.support"), "number"),)),
    )
    return Table(
        "helping" if short else "actions",
        "" if short else words("person.actions"),
        columns,
        tuple(rows),
    )


def _help(answers: PersonAnswers, words: Words, goal: str) -> list[Block]:
    if not answers.advice.actions:
        return [Text((words("person.help_taken"),))]
    table = _action_table(answers, words, short=True)
    if not table.rows:
        return [Text((words("person.help_none"),))]
    return [Text((words("person.help_words", target=goal),)), cut(words, table, _HELPING)]


def _needed_blocks(answers: PersonAnswers, words: Words) -> list[Block]:
    needed = answers.needed
    graph = answers.posterior.graph
    if needed is None:
        goal = aimed(words, graph, answers.risk.target)
        return [Text((words("person.needed_no", target=goal),), tone="small")]
    table = needed.table
    rows = []
    for cause, mean, row in zip(
        table.index, estimates(table), table.to_dict("records"), strict=True
    ):
        limits = Range(float(row["lower_bound"]), float(row["upper_bound"]))
        rows.append(
            (
                words.node(cause),
                _reported(words, cause, row["state"]),
                mean,
                limits,
                float(row["leading"]),
                words.grade(row["grade"]),
                float(row["data_support"]),
            )
        )
    columns = (
        Column("cause", words("columns.cause"), wide=3),
        Column("state", words("columns.state"), wide=2),
        Column("necessity", words("columns.necessity"), "share", strip=True),
        Column("limits", words("columns.limits"), "share"),
        Column("leading", words("columns.leading"), "share"),
        Column("grade", words("columns.grade")),
        Column("support", words("columns.support"), "number"),
    )
    title = words("person.needed", target=aimed(words, graph, needed.target))
    note = " ".join([words("person.needed_note"), *needed.notes])
    return [cut(words, Table("needed", title, columns, tuple(rows), note), _NEEDED)]


def _open(answers: PersonAnswers, words: Words) -> list[Block]:
    questions = answers.questions
    if not questions.questions:
        return [Text((words("person.open_none"),))]
    table = questions.table
    rows = tuple(
        (row["question"] or words.node(name), float(row["share"]), float(row["gain"]))
        for name, row in zip(table.index, table.to_dict("records"), strict=True)
    )
    columns = (
        Column("question", words("columns.question"), wide=4),
        Column("bits", words("columns.bits"), "share"),
        Column("gain", words("columns.gain"), "points"),
    )
    known = len(questions.evidence)
    said = words("person.open_words", answered=known, asked=known + len(questions.questions))
    return [Text((said,)), cut(words, Table("questions", "", columns, rows), _ASKED)]


def _notes(answers: PersonAnswers, words: Words, goal: str) -> list[Section]:
    posterior = answers.posterior
    graph = posterior.graph
    opening = words(
        "person.target",
        target=goal,
        learned=learned_from(posterior, words),
        draws=drawn_from(words, posterior.draws, answers.all_draws),
    )
    shares = cut(words, _share_table(answers, words, short=False), _SHARES)
    blocks: list[Block] = [Text((opening,)), *_needed_blocks(answers, words), shares]
    if answers.advice.actions:
        blocks.append(cut(words, _action_table(answers, words, short=False), _ACTIONS))
    said = [
        *sureness(posterior, words),
        words("common.grade_note"),
        words("common.support_note"),
        *dict.fromkeys(answers.shares.notes + answers.advice.notes),
    ]
    shown = [str(name) for name in answers.shares.table.index]
    if answers.needed is not None:
        shown += [str(name) for name in answers.needed.table.index[:_NEEDED]]
    used = links(graph, shown, answers.risk.target.node)
    sources = [cited(words, edge) for edge in used[:_SOURCES]]
    if len(used) > _SOURCES:
        sources.append(words("person.more_sources", n=len(used) - _SOURCES))
    return [
        Section(words("person.notes"), tuple(blocks), page=True),
        Section(words("person.open"), tuple(_open(answers, words))),
        Section(words("person.sure"), (Text((" ".join(said),), tone="small"),)),
        Section(words("person.sources"), (Text(tuple(sources), bullets=True, tone="small"),)),
    ]
