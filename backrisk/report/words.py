"""The sentences of a report, read from one file that a folder of templates may replace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from backrisk import _yaml
from backrisk.errors import QueryError
from backrisk.words import SECTIONS, OldNames, names

STRINGS = "strings.yaml"


@dataclass(frozen=True, eq=False)
class Words(OldNames):
    """The sentences of one language, and the names of nodes and states.

    Parameters
    ----------
    sections : mapping
        What the files hold, by section and name.
    source : str
        What messages call it.
    """

    source: str

    def __call__(self, key: str, **values: object) -> str:
        """Return the sentence ``section.name`` with its blanks filled in.

        Raises
        ------
        QueryError
            If a sentence has a blank that is not known there.
        """
        return self.fill(str(self.raw(key)), key, **values)

    def raw(self, key: str) -> Any:
        """Return what stands under a key, unfilled."""
        found: Any = self.sections
        for part in key.split("."):
            found = found[part]
        return found

    def fill(self, sentence: str, key: str, **values: object) -> str:
        """Fill the blanks of a sentence.

        Raises
        ------
        QueryError
            As for a call.
        """
        try:
            return sentence.format(**values).strip()
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            raise QueryError(
                f"{self.source}, '{key}': the sentence has a blank that cannot be filled "
                f"({error}); expected {', '.join(f'{{{name}}}' for name in values) or 'none'}."
            ) from error


@lru_cache(maxsize=1)
def _english() -> Mapping[str, Any]:
    place = files("backrisk.words") / "en" / "report.yaml"
    sentences: Mapping[str, Any] = _yaml.parse(place.read_text(encoding="utf-8"))
    return {**sentences, **names().sections}


def read_words(folder: Path | None = None) -> Words:
    """Return the packaged sentences, those of a folder's ``strings.yaml`` in their place.

    Raises
    ------
    QueryError
        If the folder is not there, or its file cannot be read or has a key that is not known.
    """
    if folder is None:
        return Words(_english(), STRINGS)
    if not folder.is_dir():
        raise QueryError(f"--templates {folder}: there is no such folder.")
    path = folder / STRINGS
    if not path.is_file():
        return Words(_english(), STRINGS)
    try:
        own = _yaml.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"{path} cannot be read as UTF-8 text.") from error
    except _yaml.YAMLError as error:
        raise QueryError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(own, dict):
        raise QueryError(f"{path} holds no mapping of sections to sentences.")
    return Words(_merged(_english(), own, path, ""), str(path))


_FREE = (*SECTIONS, "card.owner")  # sections that may hold any key


def _merged(
    english: Mapping[str, Any], own: Mapping[str, Any], path: Path, at: str
) -> Mapping[str, Any]:
    found = dict(english)
    for key, value in own.items():
        name = f"{at}{key}"
        free = any(name == place or name.startswith(f"{place}.") for place in _FREE)
        if key not in english and not free:
            raise QueryError(f"{path} has '{name}', which no report uses.")
        if isinstance(english.get(key), dict) and isinstance(value, dict):
            found[str(key)] = _merged(english[key], value, path, f"{name}.")
        elif key in english and type(value) is not type(english[key]):
            raise QueryError(
                f"{path}, '{name}': expected {_kind(english[key])}, found {_kind(value)}."
            )
        else:
            found[str(key)] = value
    return found


def _kind(value: object) -> str:
    kinds = {"dict": "a mapping", "list": "a list", "str": "a sentence"}
    return kinds.get(type(value).__name__, "something else")
