"""One person's report: a page for the person, a page for the notes."""

from __future__ import annotations

from collections.abc import Mapping

from backrisk.queries import (
    WORTH_ASKING,
    Attribution,
    evidence_cell,
    narrowed_cell,
    players_of,
)
from backrisk.report import charts
from backrisk.report.answers import PersonAnswers
from backrisk.report.before import before_numbers, blanks
from backrisk.report.blocks import (
    Block,
    Facts,
    Figure,
    Headline,
    Range,
    Report,
    Section,
    Table,
    Text,
    number,
)
from backrisk.report.common import (
    cited,
    cut,
    drawn_from,
    estimates,
    frame,
    heading,
    joined,
    learned_from,
    links,
    paragraphs,
    site_mark,
    sureness,
)
from backrisk.report.following import followed_section
from backrisk.summary import Estimate
from backrisk.words import (
    TOGETHER,
    again,
    capital,
    decimal,
    listed,
    names_of,
    of_hundred,
    say,
    unit_of,
)
from backrisk.words.phrases import whole

_NEEDED, _SHARES, _ACTIONS, _ASKED, _SOURCES = 8, 7, 4, 4, 12  # rows on the page of notes
_HELPING = 4
_HELPS = 0.005  # the person is shown what lowers the risk by half a point or more, clearly
_SEEN = 0.0005  # a share that rounds to no tenth of a point is not shown to the person


def person_document(answers: PersonAnswers, day: str) -> Report:
    """Return a person's report, in the language that is spoken, before any format.

    Parameters
    ----------
    answers : PersonAnswers
    day : str
        The date stated.

    Returns
    -------
    Report
    """
    posterior = answers.posterior
    goal = again(answers.consultation.target.label)
    return Report(
        kind="person",
        title=capital(say("report.person.title", target=goal)),
        lead=(),
        sections=(*first_sheet(answers), *_notes(answers, goal), *_since(answers)),
        compact=True,
        blanks=blanks("report.blanks.person"),
        **frame(posterior, day, site_mark(posterior), warned(answers)),
    )


def _since(answers: PersonAnswers) -> list[Section]:
    """Return what changed since an earlier file, where one was given."""
    if answers.followed is None:
        return []
    return [followed_section(answers.followed, answers.posterior.codebook)]


def first_sheet(answers: PersonAnswers) -> tuple[Section, ...]:
    """Return what the person gets, from what is said before any number to what it is not."""
    asked = answers.consultation
    goal = again(asked.target.label)
    return (
        *before_numbers(answers.flags),
        Section(
            say("report.person.took" if asked.looking_back else "report.person.risk"),
            tuple(opening(answers, goal)),
        ),
        Section(say("report.person.seen"), (seen(answers),)),
        Section(say("report.person.causes"), tuple(first_causes(answers))),
        Section(help_title(answers), tuple(help_blocks(answers, goal))),
        Section(say("report.person.not"), (limits(answers),)),
    )


def limits(answers: PersonAnswers) -> Text:
    """Return what a report is not, and when to see someone."""
    urgent = names_of(answers.posterior.graph).text("urgent") or say("report.person.urgent")
    return Text((*paragraphs("report.person.not_words"), urgent), bullets=True)


def warned(answers: PersonAnswers, *, notes: bool = True) -> tuple[str, ...]:
    """Return what stands on the person's own page: which figures disagree is for the notes.

    Parameters
    ----------
    answers : PersonAnswers
    notes : bool
        Whether the document has any.
    """
    posterior = answers.posterior
    some = posterior.conflicts_about([answers.consultation.target.node])
    key = "report.person.conflicts" if notes else "report.person.conflicts_alone"
    return (*posterior.believed, *((say(key),) if some else ()))


def opening(answers: PersonAnswers, goal: str) -> list[Block]:
    """Return what the report opens on: how likely, or what it took."""
    asked = answers.consultation
    own = asked.estimate
    if own is None:
        return [Text((asked.headline,))]
    if asked.uninformative:  # a picture of the estimate would say more than is known
        assert asked.bounds is not None
        low, high = map(of_hundred, asked.bounds)
        between = say("report.person.took_open", low=low, high=high)
        large = say("phrases.percent", number=between)
        return [Headline(large, asked.headline), Text(tuple(asked.beside()))]
    large = say("phrases.percent", number=of_hundred(own.mean))
    if asked.likely is None:
        rows, axis = [(say("report.person.took_all"), own)], "report.person.took_axis"
        most = 1.0
    else:
        average = Estimate.of(asked.likely.average)
        rows = [
            (say("report.person.risk_you"), own),
            (
                say("report.person.risk_average", population=capital(asked.likely.population)),
                average,
            ),
        ]
        axis, most = "report.person.risk_axis", charts.nice(max(own.high, average.high))
    drawing = charts.bars(rows, most, say(axis, target=goal))
    blocks: list[Block] = [Headline(large, asked.headline), Figure(drawing, asked.headline)]
    if told := asked.beside():
        blocks.append(Text(tuple(told)))
    state = answers.reported.get(asked.target.node)
    if state is not None and not asked.looking_back:
        pair = names_of(answers.posterior.graph).pair(asked.target.node, state)
        blocks.append(Text((say("report.person.risk_reported", state=pair),)))
    return blocks


def seen(answers: PersonAnswers) -> Block:
    """Return what was reported."""
    graph, book = answers.posterior.graph, answers.posterior.codebook
    names = names_of(graph)
    raw: dict[str, tuple[str, str]] = {}
    for column, value in answers.person.items():
        spec = None if book is None else book.columns.get(column)
        if book is not None and spec is not None and spec.measured and spec.type == "number":
            raw[book.node_of(column)] = (str(value), unit_of(value, spec.unit))
    pairs = []
    for name in graph.names:
        if name not in answers.reported:
            continue
        said = names.state(name, answers.reported[name])
        value, unit = raw.get(name, ("", ""))
        if value and value != answers.reported[name]:
            key = "report.person.with_unit" if unit else "report.person.with_raw"
            said = say(key, value=said, raw=value, unit=unit)
        pairs.append((names.node(name), said))
    if not pairs:
        likely = answers.consultation.likely
        assert likely is not None  # with nothing reported, no target is
        return Text((say("report.person.seen_none", population=likely.population),))
    return Facts(tuple(pairs))


def _share_table(answers: PersonAnswers, *, short: bool) -> Table:
    """Return the shares: for the person the clear ones that are no trifle, else all that play."""
    shares, names = answers.shares, names_of(answers.posterior.graph)
    assert shares is not None
    table = shares.table
    rows = []
    for cause, mean, row in zip(
        map(str, table.index), estimates(table), table.to_dict("records"), strict=True
    ):
        place = shares.causes.index(cause)
        if short and (not shares.signs[place] or abs(mean.mean) < _SEEN):
            continue
        if not shares.playing[place]:
            continue
        state = _reported(answers, cause, shares.evidence)
        grade = evidence_cell(names, row)
        rest = (
            (grade,)
            if short
            else (float(row["p_effect"]), float(row["leading"]), grade, narrowed_cell(row))
        )
        rows.append((names.node(cause), state, mean, *rest))
    columns = (
        heading("cause", wide=3),
        heading("state", wide=2),
        heading("share", "points", strip=True),
        *(() if short else (heading("p_effect", "share"), heading("leading", "share"))),
        heading("grade", wide=2 if short else 3),
        *(() if short else (heading("narrowed"),)),
    )
    note = ""
    if not short and shares.error is not None:
        note = say("report.person.error", error=decimal(100 * float(shares.error.max()), 2))
    if not short and answers.consultation.target.node in answers.reported:
        note = " ".join(filter(None, (say("report.person.shares_aside"), note)))
    return Table(
        "first_causes" if short else "shares",
        "" if short else say("report.person.shares"),
        columns,
        tuple(rows),
        note,
    )


def _reported(answers: PersonAnswers, cause: str, evidence: Mapping[str, str]) -> str:
    if cause not in evidence:
        return say("report.columns.not_reported")
    return names_of(answers.posterior.graph).state(cause, evidence[cause])


def _left_out(answers: PersonAnswers, name: str) -> list[Block]:
    return [Text((again(answers.left_out[name]),))]


def first_causes(answers: PersonAnswers) -> list[Block]:
    """Return the clear shares, for the person."""
    shares = answers.shares
    if shares is None:
        return _left_out(answers, "shares")
    assert shares.total is not None
    table = _share_table(answers, short=True)
    if not table.rows:
        return [Text((say("report.person.causes_none"),))]
    shown = number(float(shares.total.mean()), "points")
    aside = Text(tuple(shares.asides()), tone="small")
    traits = list(map(names_of(answers.posterior.graph).node, shares.kept))
    alike = say("report.person.causes_alike", traits=listed(traits)) if traits else ""
    told = {"alike": alike, "total": shown, "target": again(shares.target.label)}
    key = "took" if answers.consultation.looking_back else "risk"
    words = Text((say(f"report.person.causes_words.{key}", **told),))
    return [words, cut(table, _SHARES), *([aside] if aside.paragraphs else [])]


def _action_table(answers: PersonAnswers, *, short: bool) -> Table:
    advice, names = answers.advice, names_of(answers.posterior.graph)
    assert advice is not None
    table = advice.table
    rows = []
    for action, fall, row in zip(
        table.index, estimates(table), table.to_dict("records"), strict=True
    ):
        if short and (fall.low <= 0 or fall.mean < _HELPS):
            continue
        setting = advice.settings[advice.actions.index(action)]
        done = TOGETHER.join(names.pair(node, state) for node, state in setting.items())
        grade = evidence_cell(names, row)
        rest = (grade,) if short else (float(row["p_best"]), grade, narrowed_cell(row))
        rows.append((done, fall, *rest))
    columns = (
        heading("action", wide=3),
        heading("fall", "points", strip=True),
        *(() if short else (heading("best", "share"),)),
        heading("grade", wide=2),
        *(() if short else (heading("narrowed"),)),
    )
    return Table(
        "helping" if short else "actions",
        "" if short else say("report.person.actions"),
        columns,
        tuple(rows),
    )


def help_title(answers: PersonAnswers) -> str:
    """Return what stands over the changes, ahead or looking back."""
    back = answers.consultation.looking_back
    return say("report.person.help_back") if back else say("report.person.help")


def help_blocks(answers: PersonAnswers, goal: str) -> list[Block]:
    """Return what clearly lowers the risk, for the person."""
    if "advice" in answers.left_out:
        return _left_out(answers, "advice")
    if answers.consultation.looking_back:
        return _undone(answers, goal)
    assert answers.advice is not None
    if not answers.advice.actions:
        return [Text((say("report.person.help_taken"),))]
    table = _action_table(answers, short=True)
    if not table.rows:
        return [Text((say("report.person.help_none"),))]
    blocks: list[Block] = [
        Text((say("report.person.help_words", target=goal),)),
        cut(table, _HELPING),
    ]
    shown = {str(row[0]) for row in table.rows}
    left = [str(row[0]) for row in _action_table(answers, short=False).rows]
    if left := [done for done in left if done not in shown]:
        blocks.append(Text((say("report.person.help_left", actions=joined(left)),), tone="small"))
    return blocks


def _undone(answers: PersonAnswers, goal: str) -> list[Block]:
    """Return what each change alone would have taken away, the target being reported."""
    found, names = answers.undone, names_of(answers.posterior.graph)
    if found is None:
        return [Text((say("report.person.undone_unasked"),))]
    table = found.table
    rows = [
        (
            names.pair(cause, answers.posterior.graph.node(cause).reference),
            Range(float(row["lower_bound_low"]), float(row["upper_bound_high"])),
            share,
            evidence_cell(names, row),
        )
        for cause, share, row in zip(
            map(str, table.index), estimates(table), table.to_dict("records"), strict=True
        )
        if found.told[found.causes.index(cause)]
    ]
    said = tuple(found.asides())
    left = [Text(said, tone="small")] if said else []
    if not rows:
        return [Text((say("report.person.undone_none"),)), *left]
    columns = (
        heading("action", wide=3),
        heading("possible", "share"),
        heading("undone", "share"),
        heading("grade", wide=2),
    )
    shown = Table("undone", "", columns, tuple(rows))
    words = Text((say("report.person.undone_words", target=goal),))
    return [words, cut(shown, _HELPING), *left]


def needed_blocks(answers: PersonAnswers, goal: str) -> list[Block]:
    """Return what the target took, where it is reported."""
    needed = answers.consultation.causes
    if needed is None:
        key = "uncaused" if answers.consultation.looking_back else "unreported"
        return [Text((say(f"report.person.needed_not.{key}", target=goal),), tone="small")]
    graph = answers.posterior.graph
    table, names = needed.table, names_of(graph)
    rows = tuple(
        (
            names.node(cause),
            _reported(answers, cause, needed.evidence),
            mean,
            Range(float(row["lower_bound_low"]), float(row["upper_bound_high"])),
            float(row["p_effect"]),
            evidence_cell(names, row),
            narrowed_cell(row),
        )
        for cause, mean, row in zip(
            map(str, table.index), estimates(table), table.to_dict("records"), strict=True
        )
        if needed.told[needed.causes.index(cause)]
    )
    columns = (
        heading("cause", wide=3),
        heading("state", wide=2),
        heading("necessity", "share", strip=True),
        heading("limits", "share"),
        heading("p_effect", "share"),
        heading("grade", wide=3),
        heading("narrowed"),
    )
    far = _unasked(answers, needed)
    if not rows:
        none = say("report.person.needed_none", target=again(needed.target.label))
        return [Text((none, *far, *needed.asides()), tone="small")]
    title = say("report.person.needed", target=again(needed.target.label))
    least = [
        names.node(cause)
        for cause, told, none_less in zip(needed.causes, needed.told, needed.at_least, strict=True)
        if told and none_less
    ]
    sure = [say("report.person.needed_least", nodes=listed(least))] if least else []
    said = [
        *(say("report.person.needed_note"), *sure, *far),
        *(*needed.asides(), *map(again, needed.notes)),
    ]
    return [cut(Table("needed", title, columns, rows, " ".join(said)), _NEEDED)]


def _unasked(answers: PersonAnswers, needed: Attribution) -> list[str]:
    """Say which causes the table of necessity leaves out, and where they are asked about."""
    names = names_of(answers.posterior.graph)
    asked = set(needed.table.index)
    players = players_of(answers.posterior.graph, needed.target)
    left = [names.node(cause) for cause in players if cause not in asked]
    return [say("report.person.needed_far", nodes=listed(left))] if left else []


def _open(answers: PersonAnswers) -> list[Block]:
    questions = answers.questions
    if questions is None:
        return _left_out(answers, "questions")
    if not questions.questions:
        return [Text((say("report.person.open_none"),))]
    table, names = questions.table, names_of(answers.posterior.graph)
    known = len(questions.evidence)
    asked = known + len(questions.questions)
    count = {"answered": whole(known), "asked": whole(asked)}
    table = table[table["share"] >= WORTH_ASKING]
    if table.empty:
        return [Text((say("report.person.open_worthless", **count),))]
    rows = tuple(
        (row["question"] or names.node(str(name)), float(row["share"]), float(row["gain"]))
        for name, row in zip(table.index, table.to_dict("records"), strict=True)
    )
    columns = (heading("question", wide=4), heading("bits", "share"), heading("gain", "points"))
    said = say("report.person.open_words", **count)
    return [Text((said,)), cut(Table("questions", "", columns, rows), _ASKED)]


def _notes(answers: PersonAnswers, goal: str) -> list[Section]:
    posterior = answers.posterior
    names = names_of(posterior.graph)
    opening = say(
        "report.person.target",
        target=goal,
        learned=learned_from(posterior),
        draws=drawn_from(posterior.draws, answers.all_draws),
    )
    blocks: list[Block] = [Text((opening,)), *needed_blocks(answers, goal)]
    if answers.shares is not None:
        blocks.append(cut(_share_table(answers, short=False), _SHARES))
    if answers.advice is not None and answers.advice.actions:
        blocks.append(cut(_action_table(answers, short=False), _ACTIONS))
    asked = (answers.shares, answers.advice, answers.undone)
    notes = dict.fromkeys(again(note) for each in asked if each is not None for note in each.notes)
    said = [
        *sureness(posterior, names),
        *posterior.conflicts_about([answers.consultation.target.node]),
        *(posterior.diagnostics.checked(names) if posterior.diagnostics.verdicts else ()),
        say("report.common.grade_note"),
        say("report.common.support_note"),
        *notes,
    ]
    shown = [
        cause
        for answer in (answers.shares, answers.consultation.causes)
        if answer is not None
        for cause, playing in zip(answer.causes, answer.playing, strict=True)
        if playing
    ]
    used = links(posterior.graph, shown, answers.consultation.target.node)
    sources = [cited(names, edge) for edge in used[:_SOURCES]]
    if (left := len(used) - _SOURCES) > 0:
        sources.append(say("report.person.more_sources", count=left, n=whole(left)))
    return [
        Section(say("report.person.notes"), tuple(blocks), page=True),
        Section(say("report.person.open"), tuple(_open(answers))),
        Section(say("report.person.sure"), (Text((" ".join(said),), tone="small"),)),
        Section(say("report.person.sources"), (Text(tuple(sources), bullets=True, tone="small"),)),
    ]
