"""Words that rooms have not yet taken from the files of a language. Goes when none is left."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from backrisk.words.sentences import english

SECTIONS = ("nodes", "states", "groups", "grades")
INTERVAL_NAME = "90 % equal-tailed interval"
DISCLAIMER = "Decision support, not a diagnosis."
_TOGETHER = " + "  # what joins the nodes of a set


def thing(name: object) -> str:
    """Word the name of a node or a state.

    Examples
    --------
    >>> thing("hip_flexor_tightness"), thing("40_54")
    ('hip flexor tightness', '40 to 54')
    """
    return re.sub(r"(?<=\d)_(?=\d)", " to ", str(name)).replace("_", " ")


def phrase(node: str, state: str) -> str:
    """Word a node in a state.

    Examples
    --------
    >>> phrase("core_strength", "weak"), phrase("compensation", "yes"), phrase("pain", "none")
    ('weak core strength', 'compensation', 'no pain')
    >>> phrase("hip_flexor_tightness", "very_tight"), phrase("age", "40_54")
    ('hip flexor tightness (very tight)', 'age (40 to 54)')
    """
    if state == "yes":
        return thing(node)
    if state in ("no", "none"):
        return f"no {thing(node)}"
    repeats = any(part.startswith(state[:5]) for part in node.split("_"))
    if state.isalpha() and not repeats:
        return f"{state} {thing(node)}"
    return f"{thing(node)} ({thing(state)})"


@dataclass(frozen=True, eq=False)
class OldNames:
    """The words of one language.

    Parameters
    ----------
    sections : mapping
        ``nodes``, ``states`` by node, ``groups`` and ``grades``. What is not there is worded from
        its name.
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
def names() -> OldNames:
    """Return the packaged words for the packaged graphs."""
    runner = english().file("names")["runner"]
    return OldNames({**runner, "grades": english().file("phrases")["grades"]})
