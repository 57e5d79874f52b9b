"""XML, read without anything that a file could make grow: no entity of its own is expanded.

What an XMLBIF file says of its own elements (``<!DOCTYPE``) is passed over; an entity that it
declares, or a file that it refers to, is refused.
"""

from __future__ import annotations

from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from backrisk.errors import PosteriorError
from backrisk.words import say

_DEEPEST = 40


def parse_xml(data: bytes, source: str) -> Element:
    """Read XML.

    Parameters
    ----------
    data : bytes
    source : str
        What messages call it.

    Returns
    -------
    Element

    Raises
    ------
    PosteriorError
        In one sentence, if it is no XML, declares an entity, or is nested too deeply.
    """
    builder, depth = TreeBuilder(), 0
    parser = expat.ParserCreate()

    def refuse(*_: object) -> NoReturn:
        line = parser.CurrentLineNumber
        raise PosteriorError(say("exchange.entity", source=source, line=line))

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            line = parser.CurrentLineNumber
            raise PosteriorError(say("exchange.deep", source=source, line=line, most=_DEEPEST))
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.SkippedEntityHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        line = getattr(error, "lineno", parser.CurrentLineNumber)
        raise PosteriorError(say("exchange.no_xml", source=source, line=line)) from error
    return builder.close()


def text_of(element: Element, tag: str) -> str:
    """Return the text of the first child with a tag; empty where there is none."""
    return (element.findtext(tag) or "").strip()
