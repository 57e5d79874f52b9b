"""A person's answers as the page saves them: with the date, and the model that they were asked of.

``{"backrisk": {"date": "2026-11-27", "model": "c40937cbe657d66f", "version": "0.2.0", "flags": []},
"person": {...}}``; answers alone, ``{...}``, are read everywhere as well. ``flags`` are the red
flags that apply: an empty list where they were asked about and none does, left out where nobody
asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from typing import Any, cast

from backrisk._arguments import shown
from backrisk.errors import QueryError
from backrisk.posterior import Posterior
from backrisk.words import choices, say

_ABOUT, _PERSON = "backrisk", "person"
_MODEL = re.compile(r"[0-9a-f]{8,64}")
_LONGEST, _MOST_FLAGS = 40, 50  # characters of a version; red flags
# What other programs and versions may call the mark of a saved person by.
_MARK = re.compile(r"backrisk([-_. ]?(person|saved|file))?([-_. ]?v?[0-9.]+)?", re.IGNORECASE)
_RELEASE = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})(\.([0-9]{1,6}))?")


@dataclass(frozen=True)
class Saved:
    """A person's answers, and what was written down with them.

    Parameters
    ----------
    person : mapping
        State labels by node, or raw answers of the codebook.
    date : datetime.date, optional
        When they were saved.
    model : str, optional
        `Posterior.checksum` of the model that they were asked of.
    version : str, optional
        Of this package, then.
    flags : tuple of str, optional
        Names of the red flags that applied; empty where they were asked about and none did, and
        None where nobody asked.
    """

    person: Mapping[str, Any]
    date: date | None = None
    model: str | None = None
    version: str | None = None
    flags: tuple[str, ...] | None = None


def opened(data: object) -> Saved:
    """Read a person's answers in either form.

    Parameters
    ----------
    data : mapping
        A person: answers alone, or the saved form of them. The answers themselves are not
        looked at.

    Returns
    -------
    Saved

    Raises
    ------
    QueryError
        If it is no mapping, answers stand beside the saved form, or one of its parts is not what
        it should be.

    Examples
    --------
    >>> opened({"fatigue": "high"}).person
    {'fatigue': 'high'}
    >>> opened({"backrisk": {"date": "2026-11-27"}, "person": {"fatigue": "high"}}).date
    datetime.date(2026, 11, 27)
    """
    if not isinstance(data, Mapping):
        raise QueryError(say("queries.person_form", person=shown(data)))
    marks = [name for name in data if is_mark(name) or str(name).casefold() == _PERSON]
    if not any(isinstance(data[name], Mapping) for name in marks):
        return Saved(data)  # a node, too, may be called so
    if (other := next((name for name in marks if name not in (_ABOUT, _PERSON)), None)) is not None:
        raise QueryError(say("queries.saved.form", name=shown(other)))
    about, person = data.get(_ABOUT), data.get(_PERSON)
    for name in data:
        if name not in (_ABOUT, _PERSON):
            raise QueryError(say("queries.saved.mixed", name=shown(name)))
    for name, part in ((_ABOUT, about), (_PERSON, person)):
        if name not in data:
            raise QueryError(say("queries.saved.no_part", part=name))
        if not isinstance(part, Mapping):
            raise QueryError(say("queries.saved.part", part=name, value=shown(part)))
    told = cast(Mapping[str, Any], about)
    known = ("date", "model", "version", "flags")
    for name in told:
        if name not in known:
            unknown = {"name": shown(name), "known": choices(known)}
            if _newer(told.get("version")):
                ours = {"version": told["version"], "ours": version("backrisk")}
                raise QueryError(say("queries.saved.newer", **unknown, **ours))
            raise QueryError(say("queries.saved.key", **unknown))
    day, model, made_by, flags = (told.get(name) for name in known)
    if model is not None and not (isinstance(model, str) and _MODEL.fullmatch(model)):
        raise QueryError(say("queries.saved.model", model=shown(model)))
    if made_by is not None and not (isinstance(made_by, str) and len(made_by) <= _LONGEST):
        raise QueryError(say("queries.saved.version", version=shown(made_by)))
    return Saved(cast(Mapping[str, Any], person), _day(day), model, made_by, _flags(flags))


def _flags(given: object) -> tuple[str, ...] | None:
    """Read which red flags applied.

    Raises
    ------
    QueryError
    """
    if given is None:
        return None
    names = tuple(given) if isinstance(given, list | tuple) else (None,)
    if len(names) > _MOST_FLAGS or not all(isinstance(name, str) for name in names):
        raise QueryError(say("queries.saved.flags", flags=shown(given)))
    return cast(tuple[str, ...], names)


def is_mark(name: object) -> bool:
    """Return whether a name looks like the mark of the saved form, however it is spelled.

    Examples
    --------
    >>> is_mark("Backrisk-person-1"), is_mark("backrisk"), is_mark("back_pain")
    (True, True, False)
    """
    return isinstance(name, str) and _MARK.fullmatch(name.strip()) is not None


def _newer(made_by: object) -> bool:
    """Return whether a version is later than this package's, as far as its numbers tell."""
    found = _RELEASE.match(made_by) if isinstance(made_by, str) else None
    ours = _RELEASE.match(version("backrisk"))
    if found is None or ours is None:
        return False
    return _numbers(found) > _numbers(ours)


def _numbers(release: re.Match[str]) -> tuple[int, ...]:
    return tuple(int(release[part] or 0) for part in (1, 2, 4))


def _day(given: object) -> date | None:
    """Read a date as ISO 8601 writes it.

    Raises
    ------
    QueryError
    """
    if given is None:
        return None
    try:
        found = date.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        found = None
    if found is None or found.isoformat() != given:
        raise QueryError(say("queries.saved.date", date=shown(given)))
    return found


def saved(
    posterior: Posterior,
    person: Mapping[str, Any],
    day: date,
    flags: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return a person's answers as the page saves them.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
    day : datetime.date
    flags : sequence of str, optional
        Names of the red flags that apply; left out where nobody asked.

    Returns
    -------
    dict
        For JSON.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> data = saved(p, {"x": "yes"}, date(2026, 11, 27))
    >>> data["person"], opened(data).date.year, opened(data).model == p.checksum
    ({'x': 'yes'}, 2026, True)
    """
    about: dict[str, Any] = {
        "date": day.isoformat(),
        "model": posterior.checksum,
        "version": version("backrisk"),
    }
    if flags is not None:
        about["flags"] = list(flags)
    return {_ABOUT: about, _PERSON: dict(person)}
