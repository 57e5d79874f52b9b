"""Panels: a table of a row for each person and time, read into slices and checked in full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from backrisk._arguments import checked
from backrisk._spelling import spell
from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey import readers
from backrisk.survey.answers import Frame
from backrisk.survey.cautions import answer_cautions
from backrisk.survey.cells import Flags, Places, column_of
from backrisk.survey.census import take_census
from backrisk.survey.codebook import Codebook, choose_codebook
from backrisk.survey.coder import Coder
from backrisk.survey.combining import of_codes, of_numbers, stated, template
from backrisk.survey.engine import demand_few_states
from backrisk.survey.every import Every
from backrisk.survey.input_skips import input_cautions
from backrisk.survey.panel_codes import Coded, coded_rows
from backrisk.survey.panel_rows import Rows, identified
from backrisk.survey.panels import Panel
from backrisk.survey.problems import failure, schema_problems
from backrisk.survey.readers import Source
from backrisk.survey.schema import REST, CombineRule, Visits
from backrisk.survey.selection import REPEATS, selected
from backrisk.survey.slicing import Slices, at_one_time, sliced
from backrisk.words import Said, say, suggest

_MOST_CELLS = 2**31  # of people, slices and nodes, a byte each


@checked()
def read_panel(
    table: str | Path | Frame,
    graph: CausalGraph,
    codebook: Codebook | str | Path | None = None,
    *,
    every: str | float | None = None,
    id: str | None = None,
    time: str | None = None,
    start: str | float | date | None = None,
    combine: CombineRule | Mapping[str, str] | None = None,
    dates: Literal["day_first", "month_first", "iso"] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    glob: bool = False,
    weight: str | None = None,
    site: str | None = None,
) -> Panel:
    r"""Read people over time, from a table of a row for each person and time.

    Time is cut into slices of one length. Without a `start` they are counted from each person's own
    first visit, so that slice 3 of two people may lie in different years; with it, from that time
    for everybody, so that who enters late has no visit in the first slices. A visit is a row that
    answers some column which may change. Several visits within one slice are combined, each
    column by its rule; a slice without a visit is empty.

    A derived value is computed for each row, from that row and from constants, before visits are
    combined. The worst of more visits is worse, and a sum over days that nobody told of is too
    small: where people make visits at rates that depend on how they are, prefer another rule.

    Parameters
    ----------
    table : str, Path or frame
        Of any kind that `read_survey` reads. A table of a row for each person with a column for
        each time is brought into this form by ``pandas.wide_to_long``, as below; one of a row for
        each answer by ``frame.pivot(index=["id", "date"], columns="question", values="answer")``.
        Tables of other rows of the same people (who they are, what they did) may be put below each
        other with ``pandas.concat``.
    graph : CausalGraph
        Of one slice: a template.
    codebook : Codebook, str or Path, optional
        See `Survey.from_frame`. Its key ``panel`` (see `backrisk.survey.Visits`) may say what the
        arguments say, which come before it; and which columns are constants, which
        events stand for times.
    every : str or float, optional
        The length of a slice: days, weeks, months or years of the calendar (``"30D"``, ``"1W"``,
        ``"1M"``, ``"1Y"``) where times are dates, whatever the hour; else a number, in the unit of
        the times. Needed here or in the codebook, except for events, each a slice of its own.
    id : str, optional
        The column that says whose row it is. Needed here or in the codebook: no column has a role
        because of its name.
    time : str, optional
        The column that says when: dates; numbers, also within one text (``visit 2``); or REDCap's
        ``redcap_event_name``. Needed here or in the codebook.
    start : str, float or date, optional
        When slice 0 begins for everybody, written as the table writes its times, or a date as
        2024-02-13.
    combine : str or mapping of str to str, optional
        What several visits within one slice come to: ``"last"`` (the last answer; the default),
        ``"first"``, ``"worst"`` (of the graph's states), and of numbers ``"mean"`` or ``"sum"``,
        before they are cut into states. One for all columns that change, or by column.
    dates : {"day_first", "month_first", "iso"}, optional
        How dates are written, where that is not told by all of them.
    encoding, delimiter, decimal, glob
        As for `read_survey`.
    weight, site : str, optional
        The columns of sampling weights and of sites, by default as the codebook says; one for each
        person, in any of the person's rows.

    Returns
    -------
    Panel
        A row for each person, in the order of the table.

    Raises
    ------
    SurveyError
        Every problem of the table at once, each with row, column, value and expectation: cells as
        in `read_survey`, rows without person or time, dates that may be read in two ways, visits
        before the start or absurdly late, two weights or two sites of one person.
    GraphError
        A node that the codebook says is constant has a cause that is not.

    Examples
    --------
    >>> import pandas as pd
    >>> from backrisk import CausalGraph, read_panel
    >>> graph = CausalGraph.from_edges([("load", "pain")], {"load": ["low", "high"],
    ...                                                     "pain": ["no", "yes"]})
    >>> diary = pd.DataFrame({
    ...     "athlete": ["a", "a", "a", "b"],
    ...     "date": ["2024-01-01", "2024-01-03", "2024-01-09", "2024-02-05"],
    ...     "load": ["low", "high", "low", "high"],
    ...     "pain": ["no", "yes", "no", None],
    ... })
    >>> panel = read_panel(diary, graph, id="athlete", time="date", every="7D", combine="worst")
    >>> panel.codes.tolist(), panel.last.tolist()
    ([[[1, 1], [0, 0]], [[1, -1], [-1, -1]]], [1, 0])
    >>> read_panel(diary, graph, id="athlete", time="date", every="1M", start="2024-01-01").first
    array([0, 1])
    >>> wide = pd.DataFrame({"who": ["a", "b"], "pain_1": ["no", "yes"], "pain_2": ["no", None]})
    >>> long = pd.wide_to_long(wide, ["pain"], i="who", j="wave", sep="_")
    >>> read_panel(long, graph, id="who", time="wave", every=1).codes[:, :, 1].tolist()
    [[0, 0], [1, -1]]
    """
    given = {"every": spell(every), "id": spell(id), "time": spell(time), "dates": dates}
    asked = {key: value for key, value in given.items() if value is not None}
    options = {"encoding": encoding, "delimiter": delimiter, "decimal": decimal, "glob": glob}
    with readers.opened(table, **options) as opened:  # type: ignore[arg-type]
        book = choose_codebook(codebook, opened.columns, graph)
        book = _with(book, asked, combine).resolved(graph)
        found = _read(opened, graph, book, spell(start), weight, site)
        return found if readers.path_of(table) is None else replace(found, source=opened.name)


def panel_people(
    table: str | Path | Frame, codebook: Codebook, *, id: str | None = None, **options: Any
) -> tuple[str, ...]:
    """Return what the people of a panel are called, in the order of its rows.

    For a file that whoever owns the table reads: a `Panel` holds no identifier.

    Parameters
    ----------
    table : str, Path or frame
        Which `read_panel` reads.
    codebook : Codebook
        By which it does: ``panel.codebook``, say.
    id : str, optional
        As there.
    **options
        ``encoding``, ``delimiter``, ``decimal`` and ``glob``, as there.

    Raises
    ------
    SurveyError
        As `read_panel`, as far as it concerns files and the column of identifiers.

    Examples
    --------
    >>> import pandas as pd
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> frame = pd.DataFrame({"who": ["z", "a", "z"], "t": [0, 0, 1], "a": ["no", "yes", "no"]})
    >>> panel = read_panel(frame, graph, id="who", time="t", every=1)
    >>> panel_people(frame, panel.codebook), panel.n
    (('z', 'a'), 2)
    """
    with readers.opened(table, **options) as opened:
        book = _with(codebook, {} if id is None else {"id": id}, None)
        chosen = selected(opened, book, visits=True)
        name = _placed(chosen, book).id
        cells = column_of(chosen, chosen.fields[chosen.columns.index(str(name))])
        return tuple(identified(cells, book.missing)[1])


def _with(
    book: Codebook, asked: Mapping[str, str], combine: str | Mapping[str, str] | None
) -> Codebook:
    """Return a codebook that says of reading over time what the arguments say."""
    own = stated(book)
    rules: Any = {REST: combine} if isinstance(combine, str) else combine or {}
    data = {**own.model_dump(), **asked, "combine": {**own.combine, **rules}}
    try:
        panel = Visits.model_validate(data)
    except ValidationError as error:
        source = say("survey.panel.arguments")
        raise failure(source, schema_problems(error, source)) from None
    return book.model_copy(update={"panel": panel})


def _placed(source: Source, book: Codebook) -> Visits:
    """Return what is said of reading over time, refusing a table that lacks what it needs."""
    panel = stated(book)
    told: list[Said] = []
    for key, name in (("id", panel.id), ("time", panel.time)):
        if name is None:
            told.append(say(f"survey.panel.needs.{key}", source=source.name))
        elif source.columns.count(name) != 1:
            about = {"source": source.name, "column": name, "key": key}
            told.append(say("survey.panel.lacks", **about, near=suggest(name, source.columns)))
    if panel.every is None and not panel.events and panel.time not in _EVENTS:
        told.append(say("survey.panel.needs.every", source=source.name))
    if told:
        raise failure(source.name, told)
    return panel


_EVENTS = (next(iter(REPEATS)), next(iter(REPEATS.values())))


def _read(
    source: Source,
    graph: CausalGraph,
    book: Codebook,
    start: str | None,
    weight: str | None,
    site: str | None,
) -> Panel:
    """Check and encode an opened table."""
    if book.design is not None and book.design.by_outcome:
        raise SurveyError(say("survey.panel.by_outcome", source=source.name))
    chosen = selected(source, book, visits=True)
    panel = _placed(chosen, book)
    every = Every.of(panel.every or "1")
    book = book.with_roles(chosen.columns, chosen.name, weight=weight, site=site)
    # A row is a visit here, whatever it is to whoever reads a row for each person.
    stratified = book.design if book.design and book.design.kind == "stratified" else None
    panel = panel.model_copy(update={"every": every.text})
    book = book.model_copy(update={"panel": panel, "one_row_per": None, "design": stratified})
    book = book.ignoring(*(name for name in (*REPEATS, *REPEATS.values()) if name in chosen.columns
                           and name not in book.known))  # fmt: skip
    whole = book.extend(template(book, graph))
    demand_few_states(whole)
    rows = Rows.of(chosen, panel, every, book.missing)
    coded = coded_rows(rows, book, whole, panel)
    if not coded.visits.any():
        told = {"source": source.name, "rows": len(rows.who)}
        raise SurveyError(say("survey.panel.no_visits", **told))
    slices = sliced(rows, coded.visits, every, start, str(panel.time))
    if rows.people * slices.periods * len(whole.names) > _MOST_CELLS:
        told = {"source": source.name, "people": rows.people, "periods": slices.periods}
        raise SurveyError(say("survey.panel.too_many_cells", **told, every=every.text))
    codes, changing = _combined(rows, coded, slices, book, whole, panel)
    there = np.zeros(codes.shape[:2], bool)
    there[rows.who[coded.visits], slices.of] = True
    codes = _with_responses(codes, there, coded, rows, slices, book, whole)
    census = take_census(book, chosen.columns, len(rows.who), Coder(chosen, book).distinct_rows)
    cautions = (
        *rows.cautions,
        *coded.cautions,
        *(say("survey.panel.changing", column=name, count=n) for name, n in changing.items()),
        *slices.cautions,
        *at_one_time(rows, coded.visits, coded.once),
        *answer_cautions(book, whole, codes[there], None, census),
        *input_cautions(Coder(chosen, book)),
        *coded.not_asked.cautions(book),
    )
    return Panel(
        graph=whole,
        codes=codes,
        codebook=book,
        every=every.text,
        first=slices.first,
        last=slices.last,
        reach=slices.reach,
        weights=coded.weights,
        site=coded.site,
        sites=coded.sites,
        blank_rows=source.blank,
        not_asked=coded.not_asked.people,
        cautions=cautions,
        census=census,
    )


def _combined(
    rows: Rows,
    coded: Coded,
    slices: Slices,
    book: Codebook,
    graph: CausalGraph,
    panel: Visits,
) -> tuple[NDArray[np.int8], dict[str, int]]:
    """Return the codes of people in slices, and by constant, the people whose answers differ."""
    periods, visits = slices.periods, coded.visits
    codes = np.full((rows.people, periods, len(graph.names)), -1, np.int8)
    keys = rows.who[visits] * periods + slices.of
    place = np.cumsum(visits) - 1  # of each visit among the visits
    order = place[coded.order[visits[coded.order]]]
    changing: dict[str, int] = {}
    for name, spec in book.measures.items():
        node = graph.names.index(book.node_of(name))
        own, rule = coded.codes[:, node], panel.rule_of(name, name in coded.held)
        mine = keys, order, rows.people * periods
        if name in coded.held:
            mine = rows.who, coded.order, rows.people
            if n := _differing(own, rows.who, rows.people):
                changing[name] = n
        else:
            own = own[visits]
        if name in coded.numbers:
            numbers = coded.numbers[name] if name in coded.held else coded.numbers[name][visits]
            number = of_numbers(rule, numbers, mine[0], mine[2])
            states = np.array([graph.nodes[node].states.index(each) for each in spec.states])
            found = states[np.searchsorted(spec.cuts, number, side="right")].astype(np.int8)
            found[np.isnan(number)] = -1
        else:
            found = of_codes(rule, own, *mine)
        codes[:, :, node] = found[:, None] if name in coded.held else found.reshape(-1, periods)
    return codes, changing


def _differing(codes: NDArray[np.int8], who: Places, people: int) -> int:
    """Return how many people have two different codes."""
    there = codes >= 0
    most, least = np.full(people, -1), np.full(people, 127)
    np.maximum.at(most, who[there], codes[there])
    np.minimum.at(least, who[there], codes[there])
    return int((most > least).sum())


def _with_responses(
    codes: NDArray[np.int8],
    there: Flags,
    coded: Coded,
    rows: Rows,
    slices: Slices,
    book: Codebook,
    graph: CausalGraph,
) -> NDArray[np.int8]:
    """Fill in which answers were given, in slices with a visit: no visit is no refusal.

    Whether a constant was answered, a person says once: in slice 0.
    """
    keys = rows.who[coded.visits] * slices.periods + slices.of
    flags: dict[str, Flags] = {}
    for name, unasked in coded.not_asked.rows.items():
        asked = np.zeros(there.size, bool)
        asked[keys[~unasked[coded.visits]]] = True
        flags[name] = ~asked.reshape(there.shape)[there]
    found = codes.copy()
    found[there] = book.with_responses(codes[there], graph, rows.source.columns, flags)
    for name in coded.held & book.measures.keys():
        if book.measures[name].nonresponse is not None:
            response = graph.names.index(book.response_of(name))
            once = found[:, :, response].max(axis=1)
            found[:, :, response] = -1
            found[:, 0, response] = once
    return found
