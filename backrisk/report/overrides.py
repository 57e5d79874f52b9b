"""A user's own sentences, which replace those of the language that a report is written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from backrisk import _yaml
from backrisk.errors import QueryError
from backrisk.words import ENGLISH, Language, language, say, unreadable

STRINGS = "strings.yaml"
_NAMES = ("nodes", "states", "groups", "texts")
# What may hold any key: words for nodes, states, groups and grades, and what an owner says.
_FREE = (*_NAMES, "grades", "card.owner")


def language_of(lang: str | Path | Language | None, templates: str | Path | None) -> Language:
    """Return the language of a report, with the sentences of a folder's ``strings.yaml`` over it.

    Parameters
    ----------
    lang : str, Path or Language, optional
        The code of a packaged language, or a folder of sentences; default what is spoken.
    templates : str or Path, optional
        A folder that may hold ``strings.yaml``: the sections of the package's ``report.yaml``;
        ``nodes``, ``states``, ``groups``, ``texts`` and ``grades``; and ``language``, the code
        that pages then state.

    Returns
    -------
    Language

    Raises
    ------
    QueryError
        If the folder is not there, or its file cannot be read or has a key that is not known.
    BackriskError
        If there is no such language.
    """
    chosen = language(lang)
    if templates is None:
        return chosen
    folder = Path(templates)
    if not folder.is_dir():
        raise QueryError(say("report.own.no_folder", folder=folder))
    path = folder / STRINGS
    if not path.is_file():
        return chosen
    try:
        own = _yaml.read(path)
    except OSError as error:
        raise QueryError(say("report.own.no_text", path=path)) from error
    except _yaml.Unreadable as error:
        raise QueryError(unreadable(error, path)) from error
    if not isinstance(own, Mapping):
        raise QueryError(say("report.own.no_mapping", path=path))
    report = language(ENGLISH).file("report")
    _check(own, {**report, **{name: {} for name in _FREE}, "language": ENGLISH}, path, "")
    names = {name: own[name] for name in _NAMES if name in own}
    sentences = {name: said for name, said in own.items() if name in report}
    grades = {"grades": own["grades"]} if "grades" in own else {}
    over = {"report": sentences, "names": names, "phrases": grades}
    return replace(
        chosen, code=str(own.get("language", chosen.code)), own=over, source=str(path), _read={}
    )


def _check(own: Mapping[str, Any], known: Mapping[str, Any], path: Path, at: str) -> None:
    """Refuse a key that no report uses, and a value of another kind than the one it replaces."""
    for key, value in own.items():
        name = f"{at}{key}"
        free = any(name == place or name.startswith(f"{place}.") for place in _FREE)
        if key not in known and not free:
            raise QueryError(say("report.own.unknown", path=path, name=name))
        if key not in known:
            continue
        found, expected = _kind(value), _kind(known[key])
        if found != expected:
            raise QueryError(
                say("report.own.kind", path=path, name=name, expected=expected, found=found)
            )
        if isinstance(value, Mapping):
            _check(value, known[key], path, f"{name}.")


def _kind(value: object) -> str:
    kind = {"dict": "mapping", "list": "list", "str": "sentence"}.get(type(value).__name__, "else")
    return say(f"report.own.kinds.{kind}")
