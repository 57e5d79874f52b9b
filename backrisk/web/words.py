"""The page's sentences, read from one file, and with them the names of nodes and states."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from backrisk import _yaml
from backrisk.words import OldNames, names


@dataclass(frozen=True, eq=False)
class Words(OldNames):
    """The sentences of one language, by section and name, and the names beside them."""

    def __getitem__(self, section: str) -> Any:
        """Return the sentences of a section."""
        return self.sections[section]


@lru_cache(maxsize=1)
def english() -> Words:
    """Return the packaged sentences."""
    place = files("backrisk.words") / "en" / "page.yaml"
    sentences = _yaml.parse(place.read_text(encoding="utf-8"))
    return Words({**sentences, **names().sections})
