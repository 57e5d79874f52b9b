"""A person's answers as the page saves them: with the date, and the model that they were asked of.

``{"backrisk": {"date": "2026-11-27", "model": "c40937cbe657d66f", "version": "0.2.0"}, "person":
{...}}``; answers alone, ``{...}``, are read everywhere as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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
_LONGEST = 40  # characters of a version


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
    """

    person: Mapping[str, Any]
    date: date | None = None
    model: str | None = None
    version: str | None = None


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
    about, person = data.get(_ABOUT), data.get(_PERSON)
    if not isinstance(about, Mapping) and not isinstance(person, Mapping):
        return Saved(data)
    for name in data:
        if name not in (_ABOUT, _PERSON):
            raise QueryError(say("queries.saved.mixed", name=shown(name)))
    for name, part in ((_ABOUT, about), (_PERSON, person)):
        if not isinstance(part, Mapping):
            raise QueryError(say("queries.saved.part", part=name))
    told = cast(Mapping[str, Any], about)
    known = ("date", "model", "version")
    for name in told:
        if name not in known:
            raise QueryError(say("queries.saved.key", name=shown(name), known=choices(known)))
    day, model, made_by = (told.get(name) for name in known)
    if model is not None and not (isinstance(model, str) and _MODEL.fullmatch(model)):
        raise QueryError(say("queries.saved.model", model=shown(model)))
    if made_by is not None and not (isinstance(made_by, str) and len(made_by) <= _LONGEST):
        raise QueryError(say("queries.saved.version", version=shown(made_by)))
    return Saved(cast(Mapping[str, Any], person), _day(day), model, made_by)


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


def saved(posterior: Posterior, person: Mapping[str, Any], day: date) -> dict[str, Any]:
    """Return a person's answers as the page saves them.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
    day : datetime.date

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
    about = {
        "date": day.isoformat(),
        "model": posterior.checksum,
        "version": version("backrisk"),
    }
    return {_ABOUT: about, _PERSON: dict(person)}
