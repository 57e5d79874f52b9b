"""One person's report over time: what was told at each visit, what will be, what would help."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backrisk.errors import QueryError
from backrisk.graph import UnrolledGraph
from backrisk.posterior import Posterior
from backrisk.queries import (
    Forecast,
    RecommendationOverTime,
    Review,
    evidence_cell,
    forecast,
    recommend,
    review,
)
from backrisk.report import charts
from backrisk.report.blocks import (
    Block,
    Cell,
    Facts,
    Figure,
    Heading,
    Headline,
    Report,
    Section,
    Table,
    Text,
    number,
)
from backrisk.report.common import (
    cut,
    drawn_from,
    estimates,
    frame,
    heading,
    joined,
    learned_from,
    paragraphs,
    sampling,
    site_mark,
)
from backrisk.summary import Estimate
from backrisk.words import TOGETHER, Names, again, capital, names_of, say
from backrisk.words.phrases import whole

PERIODS = 6  # ahead, unless asked otherwise
_VISITS = 6  # that a page shows, the latest
_ACTIONS = 12  # rows on the page of plans


@dataclass(frozen=True, eq=False)
class HistoryAnswers:
    """All that a report on a history shows, computed once.

    Parameters
    ----------
    posterior : Posterior
    visits : int
        How many periods the history has.
    ahead : Forecast
        If nothing is set.
    review : Review
        Of the visits that are shown.
    advice : RecommendationOverTime, optional
        What keeping to one thing until the last period ahead takes off the risk then.
    refused : str
        Why there is none, such as that nobody ever kept to anything that can be changed.
    all_draws : int
        Of the model, where the answers rest on fewer.
    """

    posterior: Posterior
    visits: int
    ahead: Forecast
    review: Review
    advice: RecommendationOverTime | None
    refused: str
    all_draws: int

    @property
    def graph(self) -> UnrolledGraph:
        """The graph of all periods."""
        assert isinstance(self.posterior.graph, UnrolledGraph)
        return self.posterior.graph


def history_answers(
    posterior: Posterior,
    history: Sequence[Mapping[str, Any]],
    *,
    target: str | None = None,
    draws: int | None = None,
    periods: int = PERIODS,
) -> HistoryAnswers:
    """Ask all that a report on a history shows. Rungs: seeing and doing.

    Parameters
    ----------
    posterior : Posterior
        Of an unrolled graph.
    history : sequence of mapping
        As for `backrisk.forecast`.
    target : str, optional
    draws : int, optional
        Use at most so many draws, evenly spaced.
    periods : int
        How many periods ahead.

    Returns
    -------
    HistoryAnswers

    Raises
    ------
    QueryError
        As for `backrisk.forecast`.
    """
    held = posterior.draws
    if draws is not None:
        posterior = posterior.subset(draws)
    ahead = forecast(posterior, history, periods, target=target)
    shown = range(max(0, len(history) - _VISITS), len(history))
    seen = review(posterior, history, shown, target=target)
    advice, refused = None, ""
    try:
        found = recommend(posterior, history, target=target, periods=periods)
        assert isinstance(found, RecommendationOverTime)
        advice = found
    except QueryError as error:  # nobody ever kept to anything, or it is out of reach
        refused = str(error)
    return HistoryAnswers(posterior, len(history), ahead, seen, advice, refused, held)


def history_document(answers: HistoryAnswers, day: str) -> Report:
    """Return the report on a history, in the language that is spoken, before any format.

    Parameters
    ----------
    answers : HistoryAnswers
    day : str
        The date stated.

    Returns
    -------
    Report
    """
    goal = again(answers.ahead.target.label)
    names = names_of(answers.graph.template)
    urgent = names.text("urgent") or say("report.person.urgent")
    limits = Text((*paragraphs("report.over_time.not_words"), urgent), bullets=True)
    return Report(
        kind="person",
        title=capital(say("report.over_time.title", target=goal)),
        lead=(),
        sections=(
            Section(say("report.over_time.ahead"), tuple(_ahead(answers, goal))),
            Section(say("report.over_time.visits"), tuple(_visits(answers, names))),
            Section(say("report.over_time.plans"), tuple(_plans(answers, names, goal)), page=True),
            Section(say("report.person.not"), (limits,)),
            Section(say("report.over_time.rests"), (_rests(answers, names, goal),)),
        ),
        compact=True,
        **frame(answers.posterior, day, site_mark(answers.posterior), answers.ahead.warnings),
    )


def _ahead(answers: HistoryAnswers, goal: str) -> list[Block]:
    ahead = answers.ahead
    curves = _by_kind(ahead)
    risk = curves["risk"]
    words = {"target": goal, "n": len(risk)}
    said = say("report.over_time.next", mean=number(risk[0].mean, "share"), **words)
    spread = say(
        "report.over_time.likely",
        low=number(risk[0].low, "share"),
        high=number(risk[0].high, "share"),
    )
    drawing = charts.curve(
        [(_later(place), each) for place, each in enumerate(risk)],
        say("report.over_time.axis"),
        say("report.over_time.upward", target=goal),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (_later(place), *(curves[kind][place] for kind in curves)) for place in range(len(risk))
    )
    columns = (heading("period"), *(heading(f"{kind}_ahead", "share") for kind in curves))
    return [
        Headline(number(risk[0].mean, "share"), f"{said} {spread}"),
        Figure(drawing, say("report.over_time.curve", **words)),
        Table("ahead", "", columns, rows, say("report.over_time.ahead_note")),
    ]


def _later(place: int) -> str:
    return say("report.over_time.later", n=place + 1)


def _visits(answers: HistoryAnswers, names: Names) -> list[Block]:
    graph, told, shown = answers.graph, answers.ahead.evidence, answers.review.visits
    once = tuple(
        (names.node(name), names.state(name, told[name]))
        for name in graph.template.names
        if name not in graph.moving and name in told
    )
    longer = graph.extended(max(graph.periods, answers.visits))
    rows: list[tuple[Cell, ...]] = []
    for name in graph.moving:
        states = [told.get(longer.at(name, visit)) for visit in shown]
        if any(states):
            cells = (names.state(name, state) if state else "" for state in states)
            rows.append((names.node(name), *cells))
    columns = (
        heading("question", wide=2),
        *(Heading(f"visit_{v}", _visit(v), wide=1) for v in shown),
    )
    left = shown[0]
    note = say("report.over_time.earlier", n=left) if left else ""
    blocks: list[Block] = []
    if once:
        blocks.append(Facts(once))
    if rows:
        blocks.append(Table("visits", "", columns, tuple(rows), note))
    else:
        blocks.append(Text((say("report.over_time.none"),)))
    found = _by_kind(answers.review)
    risks = tuple(
        (_visit(visit), found["risk"][place], found["ahead"][place])
        for place, visit in enumerate(shown)
    )
    columns = (
        heading("visit"),
        heading("risk_then", "share", strip=True),
        heading("risk_after", "share"),
    )
    title, why = say("report.over_time.estimates"), say("report.over_time.estimates_note")
    return [*blocks, Table("estimates", title, columns, risks, why)]


def _by_kind(answer: Forecast | Review) -> dict[str, list[Estimate]]:
    """Return the rows of an answer by their kind, in its own numbers."""
    columns = answer.columns()
    found: dict[str, list[Estimate]] = {}
    for kind, *row in zip(
        *(columns[name] for name in ("kind", "mean", "low", "high")), strict=True
    ):
        found.setdefault(kind, []).append(Estimate(*row))
    return found


def _visit(visit: int) -> str:
    return say("report.over_time.visit", n=visit + 1)


def _plans(answers: HistoryAnswers, names: Names, goal: str) -> list[Block]:
    advice, last = answers.advice, len(answers.ahead.periods)
    if advice is None:
        return [Text((answers.refused,))]
    if not advice.actions:
        return [Text((say("report.over_time.no_plan"),))]
    table = advice.table
    rows = []
    for action, fall, row in zip(
        table.index, estimates(table), table.to_dict("records"), strict=True
    ):
        setting = advice.settings[advice.actions.index(str(action))]
        rows.append(
            (
                TOGETHER.join(names.pair(node, state) for node, state in setting.items()),
                float(row["risk_after"]),
                fall,
                _needed(row),
                evidence_cell(names, row),
                str(row["followed"]) or say("report.over_time.not_counted"),
            )
        )
    columns = (
        heading("kept", wide=3),
        heading("after", "share"),
        heading("fall", "points", strip=True),
        heading("needed", wide=2),
        heading("grade", wide=2),
        heading("followed", wide=2),
    )
    before = number(float(advice.before.mean()), "share")
    said = say("report.over_time.plans_words", n=last, target=goal, before=before)
    note = say("report.over_time.plans_note", n=last)
    return [Text((said,)), cut(Table("plans", "", columns, tuple(rows), note), _ACTIONS)]


def _needed(row: Mapping[Any, Any]) -> str:
    """Return the number needed to treat; nothing where it cannot be told or the risk rises."""
    if not row["number_needed"] > 0:
        return ""
    ends = sorted((row["needed_low"], row["needed_high"]))
    low, high = (whole(math.ceil(each)) for each in ends)
    mean = whole(math.ceil(row["number_needed"]))
    return say("report.numbers.estimate", mean=mean, low=low, high=high)


def _rests(answers: HistoryAnswers, names: Names, goal: str) -> Block:
    """Return all assumptions, each once."""
    posterior = answers.posterior
    opening = say(
        "report.person.target",
        target=goal,
        learned=learned_from(posterior),
        draws=drawn_from(posterior.draws, answers.all_draws),
    )
    notes = [*answers.ahead.notes, *answers.review.notes]
    if answers.advice is not None:
        notes += answers.advice.notes
    said = [
        opening,
        *paragraphs("report.over_time.rests_words"),
        sampling(posterior),
        *_hidden(answers, names),
        *(posterior.diagnostics.checked(names) if posterior.diagnostics.verdicts else ()),
        *dict.fromkeys(map(again, notes)),
    ]
    return Text((" ".join(dict.fromkeys(said)),), tone="small")


def _hidden(answers: HistoryAnswers, names: Names) -> list[str]:
    """Say what nobody was observed in, in any period."""
    graph, known = answers.graph, answers.posterior.meta.get("answered", {})
    nodes = [
        name
        for name in graph.template.names
        if name not in graph.template.items
        and all(known.get(each) == 0 for each in graph.names if graph.base(each)[0] == name)
    ]
    return [say("report.common.latent", nodes=joined(map(names.node, nodes)))] if nodes else []
