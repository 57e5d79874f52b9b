"""A person's documents as files: the report of two sheets, the person's own, a letter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, cast

from backrisk._arguments import checked
from backrisk._files import demand_place, write
from backrisk.errors import QueryError
from backrisk.posterior import Posterior
from backrisk.queries import follow_up, history_of
from backrisk.report.answers import PersonAnswers, person_answers
from backrisk.report.common import stated
from backrisk.report.history import (
    PERIODS,
    HistoryAnswers,
    history_answers,
    history_document,
)
from backrisk.report.letter import letter_document, plain_document
from backrisk.report.overrides import language_of
from backrisk.report.person import person_document
from backrisk.report.rendering import check_suffix, render
from backrisk.words import Language, choices, say, speaking, suggest

type Kind = Literal["report", "letter", "plain"]

_DOCUMENTS = {"report": person_document, "letter": letter_document, "plain": plain_document}


def render_person(
    answers: PersonAnswers | HistoryAnswers,
    suffix: str = ".pdf",
    *,
    kind: Kind = "report",
    date: str | date | None = None,
    lang: str | Path | Language | None = None,
    templates: str | Path | None = None,
) -> bytes:
    """Return a person's report as the bytes of a file, from answers that are at hand.

    Parameters
    ----------
    answers : PersonAnswers or HistoryAnswers
    suffix : {".pdf", ".html"}
    kind : {"report", "letter", "plain"}
        As for `report_person`.
    date : str or datetime.date, optional
        The date stated; default today.
    lang, templates
        As for `report_person`.

    Returns
    -------
    bytes

    Raises
    ------
    QueryError
        If format or kind is not one of these, or a template or a sentence has a mistake.
    """
    folder = None if templates is None else Path(templates)
    with speaking(language_of(lang, folder)):
        day = stated(date)
        if isinstance(answers, HistoryAnswers):
            _demand_report(kind)
            return render(history_document(answers, day), suffix, folder)
        return render(_DOCUMENTS[read_kind(kind)](answers, day), suffix, folder)


@checked("person")
def report_person(
    posterior: Posterior,
    person: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    out: str | Path,
    *,
    target: str | None = None,
    draws: int | None = None,
    periods: int | None = None,
    kind: Kind = "report",
    flags: Sequence[str] | None = None,
    before: Mapping[str, Any] | None = None,
    earlier: Posterior | None = None,
    date: str | date | None = None,
    lang: str | Path | Language | None = None,
    templates: str | Path | None = None,
) -> Path:
    """Write one person's report, the person's own sheet of it, or a letter to a colleague.

    Parameters
    ----------
    posterior : Posterior
    person : mapping, or sequence of mapping
        State labels by node, or raw answers of the codebook; incomplete allowed. A sequence is a
        history, one mapping a period, for a model over time; see *Over time*.
    out : str or Path
        ``.html`` or ``.pdf``; written beside and renamed.
    target : str, optional
        A node, or ``"node>=state"``; default the graph's outcome.
    draws : int, optional
        Use at most so many draws, evenly spaced.
    periods : int, optional
        For a history: how many periods ahead are shown; default 6.
    kind : {"report", "letter", "plain"}
        The report is a sheet for the person and a sheet for the notes. ``plain`` is the person's
        sheet alone, with a picture of 100 people. ``letter`` is one page to a colleague. All of
        them leave room for names and dates, of which nothing is stored.
    flags : sequence of str, optional
        Red flags that apply, by their names, empty where none does; see `backrisk.red_flags`. They
        stand before any number.
    before : mapping, optional
        An earlier file of the same person, to be compared on a page of the report.
    earlier : Posterior, optional
        The model that the earlier file was saved with; see `backrisk.follow_up`.
    date : str or datetime.date, optional
        The date stated; default today. The same input and date give the same bytes.
    lang : str or Path, optional
        The code of a packaged language, or a folder of sentences; default English.
    templates : str or Path, optional
        A folder whose files stand in place of the packaged templates, sentences and logo.

    Returns
    -------
    Path

    Raises
    ------
    QueryError
        If the person, the target or a red flag is not understood, format or kind is not one of
        these, `out` cannot be written, or a history is given red flags or another kind: its report
        has no room for them. Nothing is left half-written.
    BackriskError
        If there is no such language.

    Notes
    -----
    Shows `backrisk.consult`, `backrisk.attribute`, `backrisk.recommend` and `backrisk.ask_next`;
    see `person_answers`. Decision support, not a diagnosis.

    *Over time* the report shows the visits, `backrisk.forecast`, `backrisk.review`, and by
    `backrisk.recommend` what keeping to one thing from the next period on takes off the risk in the
    last period that is shown, how many people ever kept to it, and all assumptions in one place.

    Examples
    --------
    >>> import tempfile
    >>> from backrisk.graph import CausalGraph
    >>> states = {"x": ["no", "yes"], "y": ["no", "yes"]}
    >>> g = CausalGraph.from_edges([("x", "y")], states, outcome="y")
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     "about 80" in report_person(p, {"x": "yes"}, f"{folder}/p.html").read_text()
    True
    """
    place = Path(out)
    with speaking(language_of(lang, templates)) as spoken:
        check_suffix("person", place.suffix)
        sort = read_kind(kind)
        if before is not None:
            demand_room(sort)
        if history_of(person) is not None:
            _demand_report(kind)
        demand_place(place, QueryError, (templates,))
        day = stated(date)  # refused before the work
        answers = _asked(posterior, person, target, draws, periods, flags)
        if before is not None:
            answers = _followed(answers, before, person, earlier, target)
        pages = render_person(
            answers, place.suffix, kind=kind, date=day, lang=spoken, templates=templates
        )
        return write(place, pages, QueryError)


def read_kind(kind: object) -> Kind:
    """Return a kind of document, or refuse what is none.

    Raises
    ------
    QueryError
    """
    if kind not in _DOCUMENTS:
        told = {"hint": suggest(str(kind), _DOCUMENTS), "choices": choices(_DOCUMENTS)}
        raise QueryError(say("report.person.no_kind", kind=kind, **told))
    return cast(Kind, kind)


def demand_room(kind: Kind) -> None:
    """Refuse a document that has no room for a comparison with an earlier file.

    Raises
    ------
    QueryError
    """
    if kind != "report":
        raise QueryError(say("report.person.no_follow_up", kind=kind))


def _demand_report(kind: object) -> None:
    if read_kind(kind) != "report":
        raise QueryError(say("report.over_time.no_kind", kind=kind))


def _asked(
    posterior: Posterior,
    person: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    target: str | None,
    draws: int | None,
    periods: int | None,
    flags: Sequence[str] | None,
) -> PersonAnswers | HistoryAnswers:
    history = history_of(person)
    if history is not None:
        if flags is not None:
            raise QueryError(say("report.over_time.no_flags"))
        ahead = PERIODS if periods is None else periods
        return history_answers(posterior, history, target=target, draws=draws, periods=ahead)
    if periods is not None:
        raise QueryError(say("report.over_time.no_history"))
    alone = cast("Mapping[str, Any]", person)  # what is none is refused there
    return person_answers(posterior, alone, target=target, draws=draws, flags=flags)


def _followed(
    answers: PersonAnswers | HistoryAnswers,
    before: Mapping[str, Any],
    person: Any,
    earlier: Posterior | None,
    target: str | None,
) -> PersonAnswers:
    """Return the answers with what changed since an earlier file.

    Raises
    ------
    QueryError
        As `backrisk.follow_up`; if the report is on a history.
    """
    if isinstance(answers, HistoryAnswers):
        raise QueryError(say("queries.follow_up.over_time"))
    found = follow_up(answers.posterior, before, person, earlier=earlier, target=target)
    return replace(answers, followed=found)
