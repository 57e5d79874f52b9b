"""Conditions in REDCap's branching logic: read, and judged by what is known of some answers.

A condition is true, false or unknown. Unknown is what rests on a question that was asked and not
answered: nothing then follows from a blank. A question that was not asked says so itself, so that
conditions on it can be judged.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from backrisk._spelling import number_of, same_number, spell
from backrisk.words import say

LONGEST = 10_000  # characters of a condition
DEEPEST = 40  # brackets within brackets
_TOKEN = re.compile(
    r"""\s*(?:\[(?P<field>[^\[\]]*)\]|'(?P<one>[^']*)'|"(?P<two>[^"]*)"
    |(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+))(?![\w.])|(?P<mark><>|!=|<=|>=|=|<|>)
    |(?P<bracket>[()])|(?P<word>[^\W\d]\w*))""",
    re.VERBOSE,
)
_FIELD = re.compile(r"\s*(?P<name>[^()]+?)\s*(?:\(\s*(?P<code>[^()]+?)\s*\))?\s*")
_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_UNEQUAL = ("<>", "!=")
STATUS = "_complete"  # the end of the column that says whether a page of a form was filled in
BOX = "___"  # between a checkbox and the code of its choice, in the header of an export


@dataclass(frozen=True)
class Cell:
    """What is known of one answer, for conditions on it.

    Parameters
    ----------
    texts : frozenset of str
        Each of which the answer is: its spelling, its code, the state that it says.
    perhaps : frozenset of str
        One of which it may be.
    blank : bool or None
        Whether it is empty; None where that is not known either.
    asked : bool
        Whether a blank may hide an answer: the question was asked, as far as is known.
    number : float, optional
        What it is compared with numbers as.
    """

    texts: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()
    blank: bool | None = False
    asked: bool = True
    number: float | None = None

    def equals(self, text: str) -> bool | None:
        """Return whether the answer is a text, or a number of the same value."""
        if self.blank is None:
            return None
        if not text:
            return self.blank
        if any(text == own or same_number(text, own) for own in self.texts):
            return True
        if self.blank and self.asked:
            return None
        return None if any(text == own or same_number(text, own) for own in self.perhaps) else False

    def compares(self, mark: str, number: float) -> bool | None:
        """Return whether the answer is above or below a number."""
        if self.number is not None:
            return _ORDERS[mark](self.number, number)
        return False if self.blank and not self.asked else None


Lookup = Callable[[str], Cell]


@dataclass(frozen=True)
class Comparison:
    """A column's answer beside a text, a number or another column's answer.

    Parameters
    ----------
    column : str
    mark : str
        ``=``, ``<>``, ``<``, ``<=``, ``>`` or ``>=``.
    text : str
        What it is compared with; the name of a column where `other` says so.
    other : bool
    """

    column: str
    mark: str
    text: str
    other: bool = False

    def holds(self, cell: Lookup) -> bool | None:
        """Return whether it is true; None where that is not known."""
        first = cell(self.column)
        if not self.other:
            if self.mark in _ORDERS:
                number = number_of(self.text)
                return None if number is None else first.compares(self.mark, number)
            same = first.equals(spell(self.text) or "")
        else:
            second = cell(self.text)
            if self.mark in _ORDERS:
                return None if second.number is None else first.compares(self.mark, second.number)
            found = [first.equals(text) for text in second.texts]
            same = any(found) if found and None not in found else None
        return same if same is None or self.mark not in _UNEQUAL else not same

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return (self.column, self.text) if self.other else (self.column,)

    @property
    def ordered(self) -> bool:
        """Whether it asks for more or less, and not for the same."""
        return self.mark in _ORDERS

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Itself."""
        return (self,)


@dataclass(frozen=True)
class Joined:
    """Conditions joined by ``and`` or ``or``, or one that is denied by ``not``."""

    word: str
    parts: tuple[Comparison | Joined, ...]

    def holds(self, cell: Lookup) -> bool | None:
        """Return whether it is true, by Kleene's rules; None where that is not known."""
        found = [part.holds(cell) for part in self.parts]
        if self.word == "not":
            return None if found[0] is None else not found[0]
        decides = self.word == "or"
        if decides in found:
            return decides
        return None if None in found else not decides

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.columns))

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """The comparisons that are joined."""
        return tuple(each for part in self.parts for each in part.comparisons)


Logic = Comparison | Joined


def box_column(name: str, code: str) -> str:
    """Return the column of one choice of a checkbox, as REDCap exports it.

    Examples
    --------
    >>> box_column("sites", "2"), box_column("sites", "-99")
    ('sites___2', 'sites____99')
    """
    return name + BOX + re.sub("[^0-9a-z_]", "", code.lower().replace("-", "_"))


@lru_cache(maxsize=1024)
def parse(text: str) -> Logic:
    """Read a condition in REDCap's branching logic.

    ``and``, ``or``, ``not``, brackets, ``= <> != < <= > >=``, ``[column]``, ``[column(code)]`` for
    a choice of a checkbox, quoted texts and numbers; ``''`` is no answer. Functions, arithmetic
    and events before a column are refused.

    Parameters
    ----------
    text : str

    Returns
    -------
    Comparison or Joined

    Raises
    ------
    ValueError
        Its only argument says in a sentence what is wrong and where.

    Examples
    --------
    >>> parse("[injured] = '1' and [weeks] > 2").columns
    ('injured', 'weeks')
    >>> parse("[sites(2)] = '1'").columns
    ('sites___2',)
    """
    if len(text) > LONGEST:
        raise ValueError(say("survey.branching.too_long", most=LONGEST))
    return _Reader(text).whole()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


class _Reader:
    """Reads one condition from left to right."""

    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text))
        self.place = 0

    def whole(self) -> Logic:
        found = self._joined("or", 0)
        if (token := self._next()) is not None:
            raise _wrong("event" if _readable(token).kind == "field" else "rest", token)
        return found

    def _next(self) -> _Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def _take(self) -> _Token:
        token = self._next()
        if token is None:
            raise ValueError(say("survey.branching.ends"))
        self.place += 1
        return _readable(token)

    def _is(self, kind: str, text: str) -> bool:
        token = self._next()
        return token is not None and token.kind == kind and token.text == text

    def _joined(self, word: str, depth: int) -> Logic:
        parts = [self._part(word, depth)]
        while self._is("word", word):
            self.place += 1
            parts.append(self._part(word, depth))
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def _part(self, word: str, depth: int) -> Logic:
        return self._joined("and", depth) if word == "or" else self._one(depth)

    def _one(self, depth: int) -> Logic:
        if depth > DEEPEST:
            raise ValueError(say("survey.branching.too_deep", most=DEEPEST))
        if self._is("word", "not"):
            self.place += 1
            return Joined("not", (self._one(depth + 1),))
        if self._is("bracket", "("):
            self.place += 1
            inner = self._joined("or", depth + 1)
            token = self._take()
            if token.text != ")" or token.kind != "bracket":
                raise _wrong("event" if token.kind == "field" else "unclosed", token)
            return inner
        return self._comparison()

    def _comparison(self) -> Logic:
        first, mark, second = self._operand(), self._take(), None
        if mark.kind != "mark":
            raise _wrong("event" if mark.kind == "field" else "mark", mark)
        second = self._operand()
        sign = mark.text
        if first.kind != "field":  # 'yes' = [a] is [a] = 'yes'
            first, second = second, first
            sign = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(sign, sign)
        if first.kind != "field":
            raise _wrong("no_column", first)
        if sign in _ORDERS and second.kind == "text" and number_of(second.text) is None:
            raise _wrong("order", second)
        return Comparison(first.text, sign, second.text, second.kind == "field")

    def _operand(self) -> _Token:
        token = self._take()
        if token.kind == "word":
            called = self._is("bracket", "(")
            raise _wrong("function" if called else "operand", token)
        if token.kind not in ("field", "text"):
            raise _wrong("operand", token)
        return token


def _tokens(text: str) -> Iterator[_Token]:
    place, text = 0, text.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            rest = text[place:].lstrip()
            yield _Token("other", rest[:1], len(text) - len(rest))
            return
        kind, value, at = str(found.lastgroup), found[str(found.lastgroup)], found.start()
        place = found.end()
        if kind == "field":
            name = _FIELD.fullmatch(value)
            if name is None:
                yield _Token("nameless", value, at)
                return
            code = name["code"]
            value = name["name"] if code is None else box_column(name["name"], code)
            value = spell(value) or value
        elif kind in ("one", "two", "number"):
            kind = "text"
        elif kind == "word":
            value = value.lower() if value.lower() in ("and", "or", "not") else value
        yield _Token(kind, value, at)


def _readable(token: _Token) -> _Token:
    """Refuse what is no word of the language, once it is come to."""
    if token.kind in ("other", "nameless"):
        raise _wrong("unread" if token.kind == "other" else "field", token)
    return token


def _wrong(key: str, token: _Token) -> ValueError:
    shown = token.text if len(token.text) <= 40 else token.text[:37] + "..."
    return ValueError(say(f"survey.branching.{key}", found=shown, place=token.at + 1))
