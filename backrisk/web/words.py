"""The page's sentences, read from one file, and plain words for nodes and states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from backrisk import _yaml


@dataclass(frozen=True)
class Words:
    """The sentences of one language.

    Parameters
    ----------
    sections : mapping
        What the file holds: sentences by section and name.
    """

    sections: Mapping[str, Any]

    def __getitem__(self, section: str) -> Any:
        """Return the sentences of a section."""
        return self.sections[section]

    def node(self, name: str) -> str:
        """Return a node's name in plain words."""
        return str(self.sections["nodes"].get(name, name.replace("_", " ")))

    def state(self, node: str, label: str) -> str:
        """Return a state's label in plain words."""
        known = self.sections["states"].get(node, {})
        return str(known.get(label, label.replace("_", " ")))

    def group(self, name: str) -> str:
        """Return a group's heading."""
        return str(self.sections["groups"].get(name, name.replace("_", " ").capitalize()))


@lru_cache(maxsize=1)
def english() -> Words:
    """Return the packaged sentences."""
    place = files("backrisk.web") / "words.yaml"
    return Words(_yaml.parse(place.read_text(encoding="utf-8")))
