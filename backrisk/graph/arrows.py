"""Graphs written with arrows: a line such as ``strength + sex -> core``, or the text of DAGitty.

One reader serves both, since the second is nearly a superset of the first. Of DAGitty it takes
nodes, directed and bidirected edges, groups in braces, and what it says of a node: its role, its
label. Positions and other attributes are passed over. Its grammar:
https://github.com/jtextor/dagitty, ``jslib/parser/GraphDotParser.pegjs``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from backrisk.errors import GraphError
from backrisk.graph.elements import Node, in_order, word
from backrisk.graph.problems import near, shown
from backrisk.words import say

TWO_STATES = ("no", "yes")
ROLES = {
    "exposure": ("e", "exposure", "source"),
    "outcome": ("o", "outcome", "target"),
    "latent": ("l", "latent", "u", "unobserved"),
    "adjusted": ("a", "adjusted"),
    "selected": ("s", "selected"),
}  # what DAGitty says of a node, with its other spellings
_ROLE = {spelling: role for role, spellings in ROLES.items() for spelling in spellings}
_TOKEN = re.compile(
    r"""
    (?P<blank>[^\S\n]+|\#[^\n]*|//[^\n]*|/\*.*?\*/)
    |(?P<line>\n)
    |(?P<quoted>"(?:[^"\\]|\\.)*"|'[^'\n]*')
    |(?P<open>"|/\*)
    |(?P<arrow><->|->|<-(?![@-])|↔|→|←)
    |(?P<unclear>@->|<-@|@-@|@--|--@|-->|<--|---?)
    |(?P<bare>-?[\w.]+(?:-[\w.]+)*)
    |(?P<mark>[{}\[\]=;,+:])
    |(?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_HEAD = re.compile(
    r"""(?ix) \s* (?:strict\s+)? (?P<kind>digraph|graph|dag|pdag|mag|pag)
    (?:\s+ (?P<name>"[^"]*"|[\w.-]+))? \s* (?P<brace>\{)"""
)
_BEFORE = re.compile(r"\[\s*-\s*1\s*\]")
_LAG = re.compile(r"\[\s*[-+]?\s*\d+\s*\]")  # any, of which that one is understood
_LONGEST = 250_000  # characters
_DEEPEST = 40  # levels of braces
_MOST = 100_000  # edges


@dataclass
class Drawn:
    """What a text draws.

    Parameters
    ----------
    name : str
        What it calls itself; empty where it does not.
    labels : dict of node name to text
        Every node in the order of its first mention, with how it is read; empty as its name.
    edges : dict of (cause, effect)
        In the order of the text.
    lagged : dict of (cause, effect)
        Those whose cause is one period before.
    states : dict of node name to labels
        Where the text gives them.
    roles : dict of role to names
    """

    name: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    edges: dict[tuple[str, str], None] = field(default_factory=dict)
    lagged: dict[tuple[str, str], None] = field(default_factory=dict)
    states: dict[str, tuple[str, ...]] = field(default_factory=dict)
    roles: dict[str, list[str]] = field(default_factory=dict)

    def nodes(self, states: Mapping[str, Sequence[str]] | None = None) -> tuple[Node, ...]:
        """Return the nodes: their states as given, else as the text says, else no and yes.

        Raises
        ------
        GraphError
            If states are given for a node that the text does not have.
        """
        given = {identifier(str(name)): labels for name, labels in (states or {}).items()}
        for name in given:
            if name not in self.labels:
                raise GraphError(
                    say("graph.arrows.no_node", node=name, suggestion=near(name, self.labels))
                )
        stated = {**dict.fromkeys(self.labels, TWO_STATES), **self.states, **given}
        return tuple(
            Node(name, _listed(stated[name]), label=label) for name, label in self.labels.items()
        )


def _listed(labels: Any) -> Any:
    """Return labels as a tuple; what has no order stays, to be refused."""
    return tuple(labels) if in_order(labels) else labels


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int
    place: int


def identifier(text: str) -> str:
    """Return the name of a node from how a text writes it.

    Examples
    --------
    >>> identifier("low back pain"), identifier("foot-type"), identifier("25OHD")
    ('low_back_pain', 'foot_type', '_25OHD')
    """
    text = word(text)
    if text.isidentifier():
        return text
    name = re.sub(r"\W+", "_", text).strip("_")
    return f"_{name}" if name[:1].isdigit() else name


def is_dagitty(text: str) -> bool:
    r"""Whether a text begins as one of DAGitty does, comments apart.

    Examples
    --------
    >>> is_dagitty("# mine\ndag { x -> y }"), is_dagitty("x -> y")
    (True, False)
    """
    return _head(text) is not None


def read_arrows(text: str, source: str) -> Drawn:
    """Read a graph from its text.

    Parameters
    ----------
    text : str
        Lines, or DAGitty's ``dag { ... }``.
    source : str
        What to call it in an error.

    Returns
    -------
    Drawn

    Raises
    ------
    GraphError
        Naming the line, and what was expected there.
    """
    if len(text) > _LONGEST:
        raise GraphError(say("files.unreadable.too_long", source=source, limit=f"{_LONGEST:,}"))
    text = unicodedata.normalize("NFC", text)
    head = _head(text)
    reader = _Reader(text, source)
    if head is not None:
        kind = head["kind"].lower()
        if kind not in ("dag", "digraph"):
            raise GraphError(say("graph.arrows.kind", source=source, kind=kind))
        reader.drawn.name = (head["name"] or "").strip('"')
        reader.enter()
    reader.statements(closed=head is not None)
    return reader.drawn


def _head(text: str) -> re.Match[str] | None:
    place = 0
    while (found := _TOKEN.match(text, place)) and found.lastgroup in ("blank", "line"):
        place = found.end()
    return _HEAD.match(text, place)


def _tokens(text: str, source: str) -> Iterator[_Token]:
    """Yield the tokens; the end of a line only where a statement may end there."""
    place, line, pending = 0, 1, False
    last: _Token | None = None
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:  # there is always one: any character is a token
            break
        kind = str(found.lastgroup)
        if kind == "open":
            raise _unfit(source, line, found[0], "closing")
        if kind == "line":
            pending = True
        elif kind != "blank":
            token = _Token(kind, found[0], line, place)
            if pending and last and not (_goes_on(last) or _goes_on(token)):
                yield _Token("line", "\n", last.line, place)
            pending, last = False, token
            yield token
        line += found[0].count("\n")
        place = found.end()
    yield _Token("end", "", line, place)


def _goes_on(token: _Token) -> bool:
    """Whether a statement goes on over the end of a line beside this."""
    return token.kind in ("arrow", "unclear") or token.text in ("+", ",", ":")


def _unfit(source: str, line: int, found: str, expected: str) -> GraphError:
    wanted = say(f"graph.arrows.expected.{expected}")
    return GraphError(
        say("graph.arrows.unfit", source=source, line=line, found=shown(found), expected=wanted)
    )


class _Before(str):
    """A node as it was one period before."""


class _Reader:
    """A reader by recursive descent; only braces nest."""

    def __init__(self, text: str, source: str) -> None:
        self.text, self.source, self.tokens = text, source, list(_tokens(text, source))
        self.place = self.depth = self.connected = 0
        self.drawn = Drawn()
        self.written: dict[str, str] = {}  # by name, where the text writes it otherwise
        self.common: dict[frozenset[str], str] = {}  # the hidden cause of two nodes

    @property
    def token(self) -> _Token:
        return self.tokens[self.place]

    def take(self) -> _Token:
        token = self.token
        self.place += token.kind != "end"
        return token

    def skip(self, *marks: str) -> bool:
        """Pass over any of these marks; whether there was one."""
        start = self.place
        while self.token.text in marks and self.token.kind in ("mark", "line"):
            self.place += 1
        return self.place > start

    def unfit(self, expected: str) -> GraphError:
        found = self.token.text if self.token.kind != "end" else str(say("graph.arrows.end"))
        return _unfit(self.source, self.token.line, found, expected)

    def refuse(self, key: str, **values: object) -> GraphError:
        values |= {"source": self.source, "line": self.token.line}
        return GraphError(say(f"graph.arrows.{key}", **values))

    def enter(self) -> None:
        """Pass over what stands before the first brace."""
        while self.take().text != "{":
            pass

    def statements(self, closed: bool) -> list[str]:
        """Read statements up to the end, or up to a brace; return the nodes that they name."""
        named: dict[str, None] = {}
        while True:
            self.skip(";", "\n")
            if self.token.kind == "end" or self.token.text == "}":
                break
            named |= dict.fromkeys(self.statement(closed))
            if not closed and not (self.token.kind in ("end", "line") or self.token.text in ";}"):
                raise self.unfit("arrow")
        if closed != (self.token.text == "}"):
            raise self.unfit("brace" if closed else "name")
        self.place += closed
        if closed and not self.depth:
            self.skip(";", "\n")
            if self.token.kind != "end":
                raise self.unfit("end")
        return list(named)

    def statement(self, closed: bool) -> list[str]:
        """Read a node with what is said of it, or nodes with arrows between them."""
        if closed and self.token.kind in ("bare", "quoted") and self._next().text == "=":
            self.place += 3  # an option of the whole drawing, such as bb="0,0,1,1"
            return []
        left = self.side(closed)
        named, drawn = list(left), False
        if isinstance(left[-1] if left else "", _Before) and self.token.kind != "arrow":
            raise self.unfit("arrow")
        if len(left) == 1 and self.token.text == ":" and not closed:
            self.states(left[0])
            return left
        while self.token.kind in ("arrow", "unclear"):
            drawn, arrow = True, self.take()
            if arrow.kind == "unclear":
                self.place -= 1
                raise self.refuse("undirected", arrow=arrow.text)
            right = self.side(closed)
            self.connect(left, arrow.text, right)
            named += right
            left = right
        if self.token.text == "[":
            self.said(left if not drawn else [])
        return named

    def _next(self) -> _Token:
        return self.tokens[min(self.place + 1, len(self.tokens) - 1)]

    def side(self, closed: bool) -> list[str]:
        """Read the nodes at one side of an arrow."""
        names = self.one()
        while not closed and self.token.text in ("+", ",") and self.token.kind == "mark":
            self.place += 1
            names += self.one()
        return names

    def one(self) -> list[str]:
        if self.token.text == "{" and self.token.kind == "mark":
            self.depth += 1
            if self.depth > _DEEPEST:
                raise self.refuse("deep")
            self.place += 1
            names = self.statements(closed=True)
            self.depth -= 1
            return names
        name = self.name()
        return [_Before(name)] if self.before() else [name]

    def before(self) -> bool:
        """Pass over ``[-1]``, which says that a node is meant as it was one period before."""
        found = _BEFORE.match(self.text, self.token.place)
        if found is None or self.token.text != "[":
            if self.token.text == "[" and _LAG.match(self.text, self.token.place):
                raise self.refuse("lag")
            return False
        while self.token.kind != "end" and self.token.place < found.end():
            self.place += 1
        return True

    def name(self) -> str:
        if self.token.kind not in ("bare", "quoted"):
            raise self.unfit("name")
        written = word(_unquoted(self.token))
        name = identifier(written)
        if not name.isidentifier():
            raise self.unfit("name")
        self.drawn.labels.setdefault(name, "" if written == name else written)
        if written != name and (first := self.written.setdefault(name, written)) != written:
            raise self.refuse("same_name", first=first, second=written, node=name)
        self.place += 1
        return name

    def connect(self, left: list[str], arrow: str, right: list[str]) -> None:
        self.connected += len(left) * len(right)
        if self.connected > _MOST:
            raise self.refuse("many", limit=f"{_MOST:,}")
        for a in left:
            for b in right:
                cause, effect = (b, a) if arrow in ("<-", "←") else (a, b)
                if isinstance(effect, _Before) or (
                    isinstance(cause, _Before) and arrow in ("<->", "↔")
                ):
                    raise self.refuse("effect_before", node=str(effect), cause=str(cause))
                if isinstance(cause, _Before):
                    self.drawn.lagged[str(cause), effect] = None
                elif arrow in ("<->", "↔"):
                    hidden = self.hidden(a, b)
                    self.drawn.edges |= dict.fromkeys(((hidden, a), (hidden, b)))
                else:
                    self.drawn.edges[cause, effect] = None

    def hidden(self, a: str, b: str) -> str:
        """Return a new node that nobody measures: the common cause that ``<->`` stands for."""
        if (pair := frozenset((a, b))) in self.common:
            return self.common[pair]
        name = f"u_{a}_{b}"
        while name in self.drawn.labels:
            name += "_"
        self.common[pair] = name
        self.drawn.labels[name] = ""
        self.drawn.roles.setdefault("latent", []).append(name)
        return name

    def states(self, name: str) -> None:
        """Read ``name: label, label``, up to the end of the statement."""
        labels: list[str] = []
        while True:
            self.place += 1  # past the colon or the comma
            first = self.token
            while self.token.kind not in ("line", "end") and self.token.text not in (",", ";"):
                last = self.take()
            if first is self.token:
                raise self.unfit("state")
            whole = self.text[first.place : last.place + len(last.text)]
            labels.append(_unquoted(first) if first is last else whole)
            if self.token.text != ",":
                break
        if self.drawn.states.setdefault(name, tuple(labels)) != tuple(labels):
            raise self.refuse("other_states", node=name)

    def said(self, names: list[str]) -> None:
        """Read what stands in brackets behind a node, or behind an edge, of which nothing is."""
        self.place += 1
        while not (self.token.text == "]" and self.token.kind == "mark"):
            if self.skip(",", ";", "\n"):
                continue
            if self.token.kind not in ("bare", "quoted"):
                raise self.unfit("attribute")
            key, value = _unquoted(self.take()), None
            if self.token.text == "=":
                self.place += 1
                if self.token.kind not in ("bare", "quoted"):
                    raise self.unfit("attribute")
                value = _unquoted(self.take())
            role = _ROLE.get(key)
            if role is not None and not names:
                self.place -= 1
                raise self.refuse("role_of_edge", role=key)
            for name in names:
                if role is not None and name not in self.drawn.roles.setdefault(role, []):
                    self.drawn.roles[role].append(name)
                elif key == "label" and value:
                    self.drawn.labels[name] = value
                elif key == "states" and value:
                    states = tuple(map(unquote, value.split("|")))
                    if self.drawn.states.setdefault(name, states) != states:
                        raise self.refuse("other_states", node=name)
        self.place += 1


def _unquoted(token: _Token) -> str:
    if token.kind != "quoted":
        return token.text
    return token.text[1:-1].replace('\\"', '"') if token.text[0] == '"' else token.text[1:-1]
