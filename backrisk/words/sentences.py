"""Sentences by key, in the language that is spoken.

A language is a folder of YAML files, one for each room whose sentences they hold: the key
``queries.no_node`` stands in ``queries.yaml`` under ``no_node``. What a language lacks is said in
English. A sentence with a count may hold two forms, ``one`` and ``other``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Formatter
from typing import Any

from backrisk import _yaml
from backrisk.errors import BackriskError, QueryError

ENGLISH = "en"
_WIDE = 200  # characters of what a file holds that a sentence about it shows


class Said(str):
    """A sentence that still knows what it was made from, so that it can be said again.

    It is text in the language that was spoken when it was made. A fit's warnings and an answer's
    notes outlive that moment; `again` says them in the language of whoever reads them.
    """

    key: str
    values: Mapping[str, Any]

    def __new__(cls, text: str, key: str = "", values: Mapping[str, Any] | None = None) -> Said:
        """Keep the text with its key and values."""
        said = super().__new__(cls, text)
        said.key, said.values = key, values or {}
        return said

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep key and values when copied or pickled."""
        return type(self), (str(self), self.key, dict(self.values))


@dataclass(frozen=True)
class Language:
    """One language: a folder of sentences over the English ones.

    Parameters
    ----------
    code : str
        What pages state as their language, such as ``"en"``.
    folder : Traversable
        Holds one YAML file for each room.
    own : mapping
        Sentences by file that stand in place of the folder's, such as those of a user's own
        report. Under ``names`` are words for nodes, states and groups of whatever graph.
    source : str
        What messages call the file that `own` was read from.
    _read : dict
        Files that were read.
    """

    code: str
    folder: Traversable
    own: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    source: str = ""
    _read: dict[str, Mapping[str, Any]] = field(default_factory=dict, compare=False, repr=False)

    def file(self, name: str) -> Mapping[str, Any]:
        """Return what one file of the folder holds; empty where there is none.

        Raises
        ------
        BackriskError
            If it is not YAML.
        """
        if name not in self._read:
            place = self.folder / f"{name}.yaml"
            if not place.is_file():
                self._read[name] = {}
            else:
                try:
                    read = _yaml.read(place)
                except (OSError, _yaml.Unreadable) as error:
                    with speaking(ENGLISH):  # this one may lack the very words
                        why = error if isinstance(error, OSError) else unreadable(error, place.name)
                        told = say("phrases.language_unreadable", path=place, why=why)
                    raise BackriskError(told) from error
                self._read[name] = read if isinstance(read, Mapping) else {}
        return self._read[name]

    def find(self, key: str) -> Any:
        """Return what stands under a key, ``None`` where nothing does.

        A part of a key that is a number counts the entries of a list from 0.
        """
        name, *path = key.split(".")
        found = self._owned(name, path)
        return _at(self.file(name), path) if found is None else found

    def _owned(self, name: str, path: Sequence[str]) -> Any:
        """Return what stands in place of the folder's; names whatever the graph's vocabulary."""
        return _at(self.own.get(name), path[1:] if name == "names" else path)

    def origin(self, key: str) -> str:
        """Return the file that a sentence comes from; empty where that is the English one."""
        name, *path = key.split(".")
        if self._owned(name, path) is not None:
            return self.source
        if self.code == ENGLISH or _at(self.file(name), path) is None:
            return ""
        return str(self.folder / f"{name}.yaml")

    def tree(self, name: str) -> Mapping[str, Any]:
        """Return a whole file, what this language lacks in English."""
        own = self.own.get(name, {})
        return _over(_over(english().file(name), self.file(name)), own)

    def raw(self, key: str) -> Any:
        """Return what stands under a key here, or else in English.

        Raises
        ------
        KeyError
            If no language has it: a mistake of whoever wrote the code.
        """
        found = self.find(key)
        if found is None:
            found = english().find(key)
        if found is None:
            raise KeyError(key)
        return found


def _over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one tree of sentences over another."""
    found = dict(base)
    for key, value in own.items():
        under = base.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            found[key] = _over(under, value)
        else:
            found[key] = value
    return found


def _at(held: Any, path: Sequence[str]) -> Any:
    for part in path:
        if isinstance(held, Mapping):
            held = held.get(part)
        elif isinstance(held, list) and part.isdigit() and int(part) < len(held):
            held = held[int(part)]
        else:
            return None
    return held


@cache
def english() -> Language:
    """Return the language that everything is written in first."""
    return Language(ENGLISH, files("backrisk.words") / ENGLISH)


_spoken: ContextVar[Language | None] = ContextVar("language", default=None)


def spoken() -> Language:
    """Return the language that is spoken now."""
    return _spoken.get() or english()


def languages() -> tuple[str, ...]:
    """Return the languages that come with the package."""
    folder = files("backrisk.words")
    return tuple(
        sorted(entry.name for entry in folder.iterdir() if (entry / "phrases.yaml").is_file())
    )


@cache
def _language(lang: str) -> Language:
    packaged = files("backrisk.words") / lang
    if lang in languages():
        return english() if lang == ENGLISH else Language(lang, packaged)
    if (Path(lang) / "phrases.yaml").is_file():
        return Language(Path(lang).resolve().name, Path(lang))
    raise BackriskError(
        say("phrases.no_language", lang=lang, known=", ".join(languages()), file="phrases.yaml")
    )


def language(lang: str | Path | Language | None) -> Language:
    """Return a language by its code or its folder; the one that is spoken for None.

    Raises
    ------
    BackriskError
        If there is no such language.
    """
    if lang is None:
        return spoken()
    return lang if isinstance(lang, Language) else _language(str(lang))


@contextmanager
def speaking(lang: str | Path | Language | None) -> Iterator[Language]:
    """Say everything in a language for a while, in this thread or task alone.

    Parameters
    ----------
    lang : str, Path or Language, optional
        The code of a packaged language, or a folder of sentences; None changes nothing.

    Yields
    ------
    Language

    Raises
    ------
    BackriskError
        If there is no such language.

    Examples
    --------
    >>> with speaking("en") as lang:
    ...     lang.code
    'en'
    """
    chosen = language(lang)
    token = _spoken.set(chosen)
    try:
        yield chosen
    finally:
        _spoken.reset(token)


def say(key: str, /, **values: Any) -> Said:
    """Return the sentence under a key with its places filled in.

    Parameters
    ----------
    key : str
        ``file.name``, or deeper.
    **values
        What its ``{places}`` stand for. Where the sentence has the forms ``one`` and ``other``,
        `count` chooses between them. A word that a number decides on stands in it as
        ``{n:person|people}``.

    Returns
    -------
    Said
        A string that can be said `again` in another language.

    Raises
    ------
    KeyError
        If there is no such sentence, or a place is not filled: mistakes of whoever wrote the code.
    QueryError
        If a translated sentence, or a user's own, has a place that is not filled here.

    Examples
    --------
    >>> say("phrases.percent", number="12")
    '12 %'
    """
    found = spoken().raw(key)
    if isinstance(found, Mapping):
        found = found["one" if values.get("count") == 1 else "other"]
    try:
        return Said(_filled(str(found), values), key, values)
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        source = spoken().origin(key)
        if not source or key == "phrases.unfilled":
            raise
        places = ", ".join(f"{{{name}}}" for name in values)
        raise QueryError(
            say("phrases.unfilled", source=source, key=key, why=error, places=places or "-")
        ) from error


class _Counting(Formatter):
    """Fills places as `str.format` does; ``{n:person|people}`` is the word that fits the number."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """Return the first word for one, the second for any other number."""
        one, several, other = format_spec.partition("|")
        if not several:
            return str(super().format_field(value, format_spec))
        return one if str(value) == "1" else other


_COUNTING = _Counting()


def _filled(sentence: str, values: Mapping[str, Any]) -> str:
    if "|" in sentence:
        return _COUNTING.vformat(sentence, (), values)
    return sentence.format(**values)


def unreadable(error: _yaml.Unreadable, source: object) -> Said:
    """Return the sentence that says why a file cannot be read, and where in it.

    Parameters
    ----------
    error : Unreadable
    source : object
        What to call the file.
    """
    values = {key: str(value) for key, value in error.values.items()}
    shown = {k: v if len(v) <= _WIDE else f"{v[:_WIDE]}..." for k, v in values.items()}
    return say(f"files.unreadable.{error.kind}", source=source, **shown)


def again(text: str) -> str:
    """Say a sentence again in the language that is spoken now; other text stays as it is."""
    if not isinstance(text, Said) or not text.key:
        return text
    return say(text.key, **{name: _renewed(value) for name, value in text.values.items()})


def _renewed(value: Any) -> Any:
    return again(value) if isinstance(value, str) else value


def plain(text: str) -> Any:
    """Return a sentence as JSON holds it: its key and values, so that it can be said again."""
    if not isinstance(text, Said) or not text.key:
        return str(text)
    values = {
        name: plain(value) if isinstance(value, str) else value
        for name, value in text.values.items()
    }
    return {"text": str(text), "key": text.key, "values": values}


def from_plain(held: Any) -> str:
    """Return a sentence from what `plain` made of it; text that stands alone stays as it is.

    A sentence that this version no longer has keeps the words it had.
    """
    if not isinstance(held, Mapping):
        return str(held)
    values = {
        name: from_plain(value) if isinstance(value, Mapping) else value
        for name, value in held["values"].items()
    }
    said = Said(held["text"], held["key"], values)
    try:
        return again(said)
    except (KeyError, IndexError, ValueError, TypeError, QueryError):
        return str(held["text"])
