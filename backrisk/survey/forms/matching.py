"""Which node a column may measure, and which state its answers may say: by their names alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from backrisk.graph import CausalGraph, Node
from backrisk.survey.forms.fields import Field
from backrisk.survey.schema import UNDECIDED
from backrisk.words import Names, names_of, say

_LIKELY = 0.5  # a match below it is not proposed
_WORD = re.compile(r"[^\W_]+")
_NUMBERED = re.compile(r"^\s*(\(-?\d+\)|-?\d+\s*[-=:.)])\s*(?=\S)")  # (1) Sometimes, 1 = Sometimes
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True)
class Match:
    """A node that a column may measure.

    Parameters
    ----------
    node : str
    score : float
        From 0 to 1.
    sure : bool
        The column bears the node's name.
    """

    node: str
    score: float
    sure: bool


def words(text: str) -> frozenset[str]:
    """Return the words of a name or a question that carry meaning, in lower case and singular."""
    return _words(text, say("survey.forms.small_words"))


@lru_cache(maxsize=10_000)
def _words(text: str, small_words: str) -> frozenset[str]:
    small = set(small_words.split())
    found = (word.casefold() for word in _WORD.findall(_CAMEL.sub(" ", text)))
    return frozenset(
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
        for word in found
        if word not in small
    )


def key(text: str) -> str:
    """Return the letters and digits of a label in lower case, by which labels are compared."""
    return "".join(_WORD.findall(text.casefold()))


@dataclass(frozen=True)
class _Target:
    """What of a node a column is compared with."""

    node: str
    keys: frozenset[str]
    words: frozenset[str]
    human: frozenset[str]
    described: frozenset[str]
    telling: tuple[frozenset[str], ...]  # the spellings of each state that is not a common word
    synonyms: tuple[tuple[str, ...], ...]  # each the words that must all be there
    states: int

    @classmethod
    def of(cls, node: Node, names: Names) -> _Target:
        human = names.node(node.name)
        states = [frozenset({key(s), key(names.state(node.name, s))}) for s in node.states]
        common = set(say("survey.forms.common_states").split())
        return cls(
            node.name,
            frozenset({key(node.name), key(human)}),
            words(node.name),
            words(human),
            words(node.description),
            tuple(which for which in states if not which & common),
            tuple(tuple(text.casefold().split()) for text in names.synonyms(node.name)),
            len(node.states),
        )


def boxes_of(group: Sequence[Field], graph: CausalGraph) -> tuple[str, tuple[Field, ...]] | None:
    """Return the node that several boxes of one question speak of, and these; else None.

    Parameters
    ----------
    group : sequence of Field
    graph : CausalGraph
    """
    found: dict[str, list[Field]] = {}
    for each in group:
        for match in _matches(each, _targets(graph)):
            found.setdefault(match.node, []).append(each)
    node = max(found, key=lambda name: len(found[name]), default="")
    return (node, tuple(found[node])) if len(found.get(node, ())) > 1 else None


def speaks_of(each: Field, wanted: Iterable[str]) -> bool:
    """Whether any of some words, a word with a star for its beginning, is in a name or question."""
    return any(_spoken((word,), _tokens(f"{each.name} {each.question}")) for word in wanted)


def _targets(graph: CausalGraph) -> list[_Target]:
    names = names_of(graph)
    return [_Target.of(node, names) for node in graph.nodes]


def matches(fields: Sequence[Field], graph: CausalGraph) -> dict[str, Match]:
    """Return the likely node of each field, by the field's name; every node is proposed once."""
    targets = _targets(graph)
    scored = sorted(
        (
            (match.sure, match.score, -place, each.name, match)
            for place, each in enumerate(fields)
            if each.kind in ("choice", "number")
            for match in _matches(each, targets)
        ),
        key=lambda found: found[:3],
        reverse=True,
    )
    taken: dict[str, Match] = {}
    nodes: set[str] = set()
    for *_, name, match in scored:
        if name not in taken and match.node not in nodes:
            taken[name] = match
            nodes.add(match.node)
    return taken


def _matches(each: Field, targets: Sequence[_Target]) -> Iterator[Match]:
    """Yield the nodes that a column may measure."""
    whole, asked = words(each.box or each.name), words(each.question)
    own = frozenset(word for word in whole if not any(c.isdigit() for c in word))  # Q7 is no name
    named, question = own or asked, key(each.question)
    boxes = each.kind != "choice" or each.box
    said = frozenset() if boxes else frozenset(map(key, each.choices.values()))
    for node in targets:
        if not node.words:
            continue
        if whole == node.words or question in node.keys:
            yield Match(node.node, 1.0, not each.box)
            continue
        score = 0.6 * len(named & node.words) / len(named | node.words)
        by_question = max(_covered(node.words, asked), _covered(node.human, asked))
        score += (0.35 if own else 0.5) * by_question
        score += 0.3 * len(asked & node.described) / max(len(asked | node.described), 1)
        if node.words <= own:
            score += 0.3
        if said and node.telling:
            score += 0.5 * sum(bool(which & said) for which in node.telling) / len(node.telling)
        score = max(min(score, 1.0), _by_synonyms(each, node))
        if score >= _LIKELY:
            yield Match(node.node, score, False)


def _by_synonyms(each: Field, node: _Target) -> float:
    """Return how surely other words for a node are in a name or a question: the more the surer."""
    own = _tokens(each.box or each.name)
    every = own if each.box else own | _tokens(each.question)
    spoken = [words for words in node.synonyms if _spoken(words, every)]
    if not spoken:
        return 0.0
    named = any(_spoken(words, own) for words in spoken)
    score = 0.5 + 0.1 * max(map(len, spoken)) + (0.1 if named else 0.0)
    if each.kind == "choice" and not each.box:  # of two questions, the one with the node's answers
        answers = sum(not no_answer(label) for label in each.choices.values())
        score += 0.2 if answers >= node.states else -0.2
    return min(max(score, _LIKELY), 0.99)


def _spoken(words: Sequence[str], among: frozenset[str]) -> bool:
    return all(
        any(token.startswith(word[:-1]) for token in among) if word[-1] == "*" else word in among
        for word in words
    )


@lru_cache(maxsize=10_000)
def _tokens(text: str) -> frozenset[str]:
    """Return all words of a text, in lower case, and without the ending of a plural."""
    found = [word.casefold() for word in _WORD.findall(_CAMEL.sub(" ", text))]
    return frozenset(found) | {word[:-1] for word in found if len(word) > 3 and word[-1] == "s"}


def _covered(wanted: frozenset[str], among: frozenset[str]) -> float:
    """Return 1 where all words are there; a single short word says little."""
    if not wanted or not wanted <= among:
        return 0.0
    return 1.0 if len(wanted) > 1 else 0.8


def no_answer(label: str) -> bool:
    """Whether a label says that the question was not answered."""
    return key(label) in {key(each) for each in say("survey.forms.no_answers").split("|")}


def states_said(labels: Mapping[str, str], node: Node, graph: CausalGraph) -> dict[str, str | None]:
    """Return the state that each code says; None for no answer, `UNDECIDED` where it is not clear.

    Parameters
    ----------
    labels : mapping
        Label by code.
    node : Node
    graph : CausalGraph
    """
    names = names_of(graph)
    spelled = {key(word): state for state in node.states for word in _spellings(state, node, names)}
    found: dict[str, str | None] = {}
    for code, text in labels.items():
        label = _NUMBERED.sub("", text)
        if (state := spelled.get(key(label))) is not None:
            found[code] = state
        elif no_answer(label):
            found[code] = None
        elif (state := spelled.get(key(code))) is not None and not key(code).isdigit():
            found[code] = state
        else:
            found[code] = UNDECIDED
    return found


def _spellings(state: str, node: Node, names: Names) -> Iterable[str]:
    yield state
    yield names.state(node.name, state)
    yield from names.synonyms(node.name, state)
    for which in ("yes", "no"):
        if state == which or (state == "none" and which == "no" and "no" not in node.states):
            yield from say(f"survey.forms.{which}").split()


def cut_points(node: Node) -> tuple[list[float], bool] | None:
    """Return cut points that the names of a node's states say, and whether they are certain.

    Examples
    --------
    >>> cut_points(Node("age", ("under_40", "40_54", "55_plus")))
    ([40.0, 55.0], True)
    >>> cut_points(Node("fatigue", ("low", "high"))) is None
    True
    """
    numbers = [re.findall(r"\d+(?:\.\d+)?", state) for state in node.states]
    if not all(numbers):
        return None
    cuts = [float(found[0]) for found in numbers[1:]]
    if any(high <= low for low, high in pairwise(cuts)):
        return None
    first, last = node.states[0], node.states[-1]
    above = words(last) & set(say("survey.forms.above").split())
    below = len(numbers[0]) == 1 and bool(words(first) & set(say("survey.forms.below").split()))
    sure = not above and below and float(numbers[0][0]) == cuts[0]
    return cuts, sure
