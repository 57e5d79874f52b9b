"""How a person reads nodes, states, groups and grades, in the language that is spoken.

A graph may say its own words (a node's ``label``, the ``labels`` of its states, ``groups``), and
may name a ``vocabulary`` in the language's ``names.yaml``. The vocabulary comes first, so that a
graph can be translated; then the graph's own words; what neither has is made readable from its
identifier.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from backrisk.words.sentences import Language, Said, english, say, spoken

TOGETHER = " + "  # what joins the nodes of a set


class Worded(Protocol):
    """A graph, as far as its words go."""

    @property
    def vocabulary(self) -> str:
        """The name of its words in a language's ``names.yaml``; empty for none."""

    @property
    def own_words(self) -> Mapping[str, Any]:
        """``nodes``, ``states`` by node and ``groups``, as the graph states them."""


def humanize(name: object) -> str:
    """Make an identifier readable.

    Examples
    --------
    >>> humanize("hip_flexor_tightness"), humanize("40_54")
    ('hip flexor tightness', '40 to 54')
    """
    spaced = re.sub(r"(?<=\d)_(?=\d)", f" {say('phrases.to')} ", str(name))
    return spaced.replace("_", " ")


@dataclass(frozen=True, eq=False)
class Names:
    """The words for one graph in one language.

    Parameters
    ----------
    sections : tuple of mapping
        ``nodes``, ``states`` by node, ``phrases`` by node, ``targets`` by node, ``groups``; what
        stands in an earlier one counts.
    vocabulary : str
        Where all sections but the last, the graph's own, stand in a language's ``names.yaml``.
        Words from there can be said `again` in another language.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> graph = SimpleNamespace(vocabulary="runner", own_words={})
    >>> names = names_of(graph)
    >>> names.node("bmi"), names.node("hip_extension"), names.state("age", "55_plus")
    ('body mass index', 'hip extension', '55 or older')
    """

    sections: tuple[Mapping[str, Any], ...]
    vocabulary: str = ""

    def _find(self, *path: str) -> str | None:
        own = len(self.sections) - 1
        for place, section in enumerate(self.sections):
            found: Any = section
            for part in path:
                found = found.get(part) if isinstance(found, Mapping) else None
            if isinstance(found, str | int | float):
                if place == own:
                    return str(found)
                return Said(str(found), ".".join(("names", self.vocabulary, *path)))
        return None

    def node(self, name: str) -> str:
        """Return a node's name, or those of a set of nodes."""
        if TOGETHER in name:
            return TOGETHER.join(map(self.node, name.split(TOGETHER)))
        return self._find("nodes", name) or humanize(name)

    def synonyms(self, name: str, state: str | None = None) -> tuple[str, ...]:
        """Return other words for a node or a state, as a survey's columns and labels have them.

        Examples
        --------
        >>> from types import SimpleNamespace
        >>> names = names_of(SimpleNamespace(vocabulary="runner", own_words={}))
        >>> names.synonyms("sex"), names.synonyms("something_else")
        (('sex', 'gender', 'male female', 'geschlecht'), ())
        >>> names.synonyms("sex", "female")
        ('woman', 'women', 'girl', 'f', 'w')
        """
        key = "synonyms" if state is None else "state_synonyms"
        for section in self.sections:
            found = section.get(key, {}).get(name)
            if state is not None and isinstance(found, Mapping):
                found = found.get(state)
            if isinstance(found, Sequence) and not isinstance(found, str):
                return tuple(map(str, found))
        return ()

    def heading(self, name: str) -> str:
        """Return a node's name as a heading or the start of a line."""
        return capital(self.node(name))

    def state(self, node: str, label: str) -> str:
        """Return a state's label."""
        return self._find("states", node, label) or humanize(label)

    def pair(self, node: str, label: str) -> str:
        """Return a node and its state, as a table or a list shows them."""
        return say("phrases.pair", node=self.node(node), state=self.state(node, label))

    def phrase(self, node: str, label: str) -> str:
        """Return a node in a state, as a sentence says it: "weak core strength".

        Where neither the vocabulary nor the graph says it, the states ``yes``, ``no`` and ``none``
        are read as the presence and absence of what the node names.
        """
        if found := self._find("phrases", node, label):
            return found
        words = {"node": self.node(node), "state": self.state(node, label)}
        return _say_if(f"phrases.in_states.{label}", **words) or say("phrases.in_state", **words)

    def event(self, node: str, states: Sequence[str], first: int) -> str:
        """Return the event of a node being in a state or beyond it, as "the risk of" says it.

        Parameters
        ----------
        node : str
        states : sequence of str
            All of the node's labels, reference first.
        first : int
            Position of the first state of the event.
        """
        if found := self._find("targets", node, states[first]):
            return found
        if first == len(states) - 1:
            return self.phrase(node, states[first])
        name = self.node(node)
        if first != 1:
            return say("phrases.or_worse", node=name, state=self.state(node, states[first]))
        reference = {"node": name, "state": self.state(node, states[0])}
        beyond = _say_if(f"phrases.beyond_states.{states[0]}", **reference)
        return beyond or say("phrases.beyond", **reference)

    def group(self, name: str) -> str:
        """Return a group's heading."""
        found = self._find("groups", name)
        if found is not None:
            return found
        return capital(humanize(name)) if name else str(say("phrases.no_group"))

    def text(self, name: str) -> str | None:
        """Return what the vocabulary says on a topic of its own, such as when to see a doctor."""
        return self._find("texts", name)

    def outcome(self, text: str) -> str:
        """Return the outcome of a published figure, as the graph's file of evidence has it."""
        return self._find("outcomes", text) or text

    def grade(self, name: str) -> str:
        """Return an evidence grade."""
        return str(say(f"phrases.grades.{name}"))


def _say_if(key: str, **words: str) -> str | None:
    """Return the sentence under a key where there is one."""
    return say(key, **words) if isinstance(english().find(key), str) else None


def names_of(graph: Worded, language: Language | None = None) -> Names:
    """Return the words for a graph in the language that is spoken.

    Parameters
    ----------
    graph : CausalGraph
    language : Language, optional

    Returns
    -------
    Names
    """
    chosen = language or spoken()
    sections: list[Mapping[str, Any]] = [chosen.own.get("names", {})]
    if graph.vocabulary:
        for each in dict.fromkeys((chosen, english())):
            found = each.file("names").get(graph.vocabulary)
            if isinstance(found, Mapping):
                sections.append(found)
    return Names((*sections, graph.own_words), graph.vocabulary)


def capital(text: str) -> str:
    """Return a text whose first letter is a capital; the rest stays as it is."""
    return text[:1].upper() + text[1:]
