"""Plain words for nodes, states, groups and grades: one file, read by page, reports and figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from backrisk import _yaml
from backrisk.words.phrases import thing

SECTIONS = ("nodes", "states", "groups", "grades")
_TOGETHER = " + "  # what joins the nodes of a set


@dataclass(frozen=True, eq=False)
class Names:
    """The words of one language.

    Parameters
    ----------
    sections : mapping
        ``nodes``, ``states`` by node, ``groups`` and ``grades``. What is not there is worded from
        its name.

    Examples
    --------
    >>> names().node("bmi"), names().node("hip_extension"), names().state("age", "55_plus")
    ('body mass index', 'hip extension', '55 or older')
    """

    sections: Mapping[str, Any]

    def node(self, name: str) -> str:
        """Return a node's name, or those of a set of nodes."""
        known = self.sections["nodes"]
        return _TOGETHER.join(str(known.get(n, thing(n))) for n in name.split(_TOGETHER))

    def state(self, node: str, label: str) -> str:
        """Return a state's label."""
        return str(self.sections["states"].get(node, {}).get(label, thing(label)))

    def pair(self, node: str, label: str) -> str:
        """Return a node in a state."""
        return f"{self.node(node)}: {self.state(node, label)}"

    def group(self, name: str) -> str:
        """Return a group's heading."""
        return str(self.sections["groups"].get(name, thing(name).capitalize()))

    def grade(self, name: str) -> str:
        """Return an evidence grade."""
        return str(self.sections["grades"].get(name, name))


@lru_cache(maxsize=1)
def names() -> Names:
    """Return the packaged words."""
    place = files("backrisk.words") / "en" / "names.yaml"
    return Names(_yaml.parse(place.read_text(encoding="utf-8")))
