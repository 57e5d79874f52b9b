"""Whom a question is about: one moment's answers, or a history of visits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backrisk import _json, _yaml
from backrisk._files import no_file
from backrisk.cli import console
from backrisk.cli.options import read_do
from backrisk.cli.persons import saved_at
from backrisk.errors import QueryError
from backrisk.words import say, unreadable

if TYPE_CHECKING:
    from backrisk.posterior import Posterior

_LONGEST = 2_000_000  # characters of a file of visits, or of a plan
_VISITS = "visits"
_TABLES = {".csv", ".tsv", ".txt", ".parquet", ".xlsx"}  # a history with a row for each visit
_SOMEBODY = "id"  # where the model names no column of identifiers

History = Sequence[Mapping[str, Any]]


def told_of(
    posterior: Posterior, person: Path | None, history: Path | None
) -> Mapping[str, Any] | History:
    """Read whom a question is about: what a model over time is asked is always about a history.

    One moment's answers are to it a history of one visit, which is said: whoever asks a model over
    time wants to know what comes, and not what the first period of its panel was like.

    Raises
    ------
    QueryError
        If not exactly one of both is given; if a history is given for a model of one moment; if
        the file is no such file.
    """
    from backrisk.graph import UnrolledGraph
    from backrisk.queries import opened

    if (person is None) == (history is None):
        raise QueryError(say("cli.history.which"))
    if history is not None:
        return read_history(posterior, history)
    assert person is not None
    answers = saved_at(posterior, person)  # as it was saved: a report says when
    if not isinstance(posterior.graph, UnrolledGraph):
        return answers
    console.err.print(say("cli.history.one_visit", path=person), style="yellow", markup=False)
    return [opened(answers).person]


def read_history(posterior: Posterior, path: Path) -> History:
    """Read a history: a JSON list of visits, or a table of one person's visits.

    Visits that say when they were are brought into periods as the panel of the model was.

    Raises
    ------
    QueryError
        If the model is of one moment; if the file is no list of objects of words and numbers, or
        of several people; if only some visits say when they were, or they are not in order.
    SurveyError
        If a table, or visits that say when they were, cannot be read.
    """
    import pandas as pd

    from backrisk.graph import UnrolledGraph
    from backrisk.queries import opened

    if not isinstance(posterior.graph, UnrolledGraph):
        raise QueryError(say("cli.history.one_moment", graph=posterior.graph.name))
    if not path.is_file():
        raise QueryError(no_file(path))
    if path.suffix.lower() in _TABLES:
        return _only(posterior, path, path)
    data = _parsed(path)
    if isinstance(data, dict) and set(data) == {_VISITS}:
        data = data[_VISITS]
    such_as = say("cli.history.such_as")
    if not isinstance(data, list):
        key = "a_person" if isinstance(data, dict) else "no_list"
        raise QueryError(say(f"cli.history.{key}", path=path, such_as=such_as))
    for number, visit in enumerate(data):
        if not isinstance(visit, dict):
            told = {"path": path, "number": number, "such_as": such_as}
            raise QueryError(say("cli.history.no_object", **told))
        data[number] = visit = opened(visit).person
        for name, value in visit.items():
            if not (value is None or isinstance(value, str | int | float)):
                told = {"path": path, "number": number, "name": name, "value": repr(value)}
                raise QueryError(say("cli.history.bad_value", **told))
    panel = None if posterior.codebook is None else posterior.codebook.panel
    column = None if panel is None else panel.time
    known = [column is not None and visit.get(column) is not None for visit in data]
    if column is None or column in posterior.graph.template.names or not any(known):
        return data
    if not all(known):
        told = {"path": path, "number": known.index(False), "column": column}
        raise QueryError(say("cli.history.undated", **told))
    _demand_order(path, column, [visit[column] for visit in data])
    who = (panel and panel.id) or _SOMEBODY
    frame = pd.DataFrame([{**visit, who: visit.get(who, 1)} for visit in data], dtype=object)
    return _only(posterior, frame, path, id=who)


def _only(posterior: Posterior, table: Any, path: Path, **options: Any) -> History:
    """Return the history of the one person of a table."""
    from backrisk.cohort import history_in, read_visits, reading_notes

    panel = read_visits(posterior, table, **options)
    if panel.n != 1:
        raise QueryError(say("cli.history.several", path=path, n=f"{panel.n:,}"))
    for note in reading_notes(panel):
        console.err.print(say("cli.note", note=note), style="yellow", markup=False)
    return history_in(panel, 0)


def _demand_order(path: Path, column: str, times: Sequence[object]) -> None:
    """Refuse visits whose times plainly go back; what cannot be compared is left to be read."""
    keys: list[float] = []
    for time in times:
        try:
            keys.append(float(time))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            try:
                keys.append(datetime.fromisoformat(str(time)).timestamp())
            except ValueError:
                return
    for number in range(1, len(keys)):
        if keys[number] < keys[number - 1]:
            told = {"path": path, "number": number, "column": column}
            before, time = times[number - 1], times[number]
            raise QueryError(say("cli.history.order", **told, time=time, before=before))


def _parsed(path: Path) -> Any:
    """Parse a JSON file of visits or of a plan."""
    try:
        return _json.parse(_yaml.contents(path), _LONGEST)
    except OSError as error:
        raise QueryError(say("cli.person.unreadable", path=path)) from error
    except _yaml.Unreadable as error:
        if error.kind != "json":
            raise QueryError(unreadable(error, path)) from error
        such_as = say("cli.history.such_as")
        told = say("cli.person.not_json", path=path, such_as=such_as, **error.values)
        raise QueryError(told) from error


def read_plan(do: Iterable[str] | None, plan: Path | None) -> Any:
    """Read what is set: from options ``node=state``, or from a file.

    Raises
    ------
    QueryError
        If not exactly one of both is given; if the file holds no plan.
    """
    settings = list(do or ())
    if bool(settings) == (plan is not None):
        raise QueryError(say("cli.history.do_or_plan"))
    return read_do(settings) if plan is None else plan_in(plan)


def plan_in(path: Path) -> Any:
    """Read a plan from a JSON file: an object of settings and rules, or a list of them by period.

    Raises
    ------
    QueryError
    """
    if not path.is_file():
        raise QueryError(no_file(path))
    data = _parsed(path)
    if not isinstance(data, dict | list):
        raise QueryError(say("cli.history.no_plan", path=path))
    return data


def demand_begun(do: Any, first: int | None, until: int | None, period: int) -> None:
    """Refuse a plan that would begin after the period that is asked about.

    Raises
    ------
    QueryError
    """
    if first is not None and until is None and isinstance(do, Mapping) and first > period:
        raise QueryError(say("cli.history.begins_late", first=first, period=period))
