"""The words and marks of a text, one after the other: what BIF and NET are made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from re import Pattern
from typing import Any

from backrisk.errors import PosteriorError
from backrisk.words import say

_SHOWN = 40  # characters of what was found


@dataclass(frozen=True)
class Token:
    """A word, a mark or a text in quotation marks; the end has an empty text.

    Parameters
    ----------
    text : str
        Without the quotation marks.
    place : int
        Where it begins.
    quoted : bool
    """

    text: str
    place: int
    quoted: bool = False


def pattern(comment: str, marks: str) -> Pattern[str]:
    """Return what a format's text is made of.

    Parameters
    ----------
    comment : str
        A regular expression.
    marks : str
        Characters that stand alone.
    """
    inside = re.escape(marks)
    return re.compile(
        rf'(?P<blank>\s+|{comment})|(?P<quoted>"(?:[^"\\]|\\.)*")'
        rf'|(?P<mark>[{inside}])|(?P<word>[^\s"{inside}]+)|(?P<open>")',
        re.DOTALL,
    )


class Tokens:
    """A text that is read from its beginning to its end.

    Parameters
    ----------
    text : str
    source : str
        What messages call it.
    kinds : pattern
    """

    def __init__(self, text: str, source: str, kinds: Pattern[str]) -> None:
        self.text, self.source = text, source
        self._rest = self._each(kinds)
        self.now = next(self._rest)

    def _each(self, kinds: Pattern[str]) -> Iterator[Token]:
        place = 0
        while place < len(self.text):
            found = kinds.match(self.text, place)
            assert found is not None  # one of the kinds fits any character
            if found.lastgroup == "quoted":
                inside = found[0][1:-1].replace('\\"', '"').replace("\\\\", "\\")
                yield Token(inside, place, quoted=True)
            elif found.lastgroup == "open":
                raise self._refused("quotation", place)
            elif found.lastgroup != "blank":
                yield Token(found[0], place)
            place = found.end()
        while True:
            yield Token("", place)

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        return not self.now.text and not self.now.quoted

    def take(self) -> Token:
        """Return the token here, and go on to the next."""
        token, self.now = self.now, next(self._rest)
        return token

    def has(self, text: str) -> bool:
        """Whether a mark or a word stands here."""
        return self.now.text == text and not self.now.quoted

    def passed(self, text: str) -> bool:
        """Go past a mark or a word, where it stands here."""
        if self.has(text):
            self.take()
            return True
        return False

    def demand(self, *texts: str) -> None:
        """Go past a mark or a word that has to stand here."""
        for text in texts:
            if not self.passed(text):
                raise self.unfit(text)

    def word(self, marks: str) -> str:
        """Return the word here; a mark, or the end, is refused."""
        if self.ended or (not self.now.quoted and self.now.text in marks):
            raise self.unfit(str(say("exchange.a_name")))
        return self.take().text

    def until(self, mark: str) -> str:
        """Return the text up to a mark, and go past it."""
        start = self.now.place
        while not self.has(mark):
            if self.ended:
                raise self.unfit(mark)
            self.take()
        return self.text[start : self.take().place].strip()

    def unfit(self, expected: str) -> PosteriorError:
        """Return what is raised where something else was expected."""
        if self.ended:
            return self._refused("ended", self.now.place, expected=expected)
        found = self.now.text[:_SHOWN]
        return self._refused("unfit", self.now.place, found=found, expected=expected)

    def _refused(self, key: str, place: int, **told: Any) -> PosteriorError:
        line = self.text.count("\n", 0, place) + 1
        return PosteriorError(say(f"exchange.{key}", source=self.source, line=line, **told))
