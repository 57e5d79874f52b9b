"""All mistakes of a graph as one error."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from textwrap import shorten

from backrisk.errors import GraphError
from backrisk.words import say, suggest

_SHOWN = 20  # mistakes that the message of an error prints
_MOST = 200  # mistakes that are looked for: whoever has more has made one of them often
_WIDE = 60  # characters of a wrong value that are shown
_LONG = 600  # characters of a sentence, of which a wrong value may be most
_NAMES = 500  # among which a near one is looked for


def failure(source: str, problems: Iterable[str]) -> GraphError | None:
    """Return one error that carries all mistakes, of which its message prints the first twenty.

    Parameters
    ----------
    source : str
        The graph or its file, as sentences call it.
    problems : iterable of str
        At most 200 are taken.

    Returns
    -------
    GraphError or None
        None where there is no mistake; with the sentence alone where there is one.
    """
    told = tuple(dict.fromkeys(map(_cut, islice(problems, _MOST))))
    if len(told) < 2:
        return GraphError(told[0]) if told else None
    lines = [say("graph.problems", source=source, count=len(told)), *told[:_SHOWN]]
    if len(told) > _SHOWN:
        lines.append(say("graph.more", count=len(told) - _SHOWN))
    return GraphError("\n  ".join(lines), told)


def _cut(sentence: str) -> str:
    """Leave out the middle of a sentence that nobody would read to its end."""
    half = _LONG // 2
    return sentence if len(sentence) <= _LONG else f"{sentence[:half]} ... {sentence[-half:]}"


def shown(value: object) -> str:
    """Return a wrong value as a sentence shows it, cut where it is long."""
    return shorten(repr(value), _WIDE, placeholder="...") or repr(value)[:_WIDE]


def near(name: object, known: Iterable[str]) -> str:
    """Return the known name that is near another, as a sentence adds it; empty among very many."""
    names = list(known)
    return suggest(str(name)[:_WIDE], names) if len(names) <= _NAMES else ""
