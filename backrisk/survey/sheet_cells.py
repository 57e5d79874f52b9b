"""What an Excel sheet shows in its cells, where its reader gives another value or none.

Errors and formulas that were never computed come as blanks. A number that is shown as ``45%``,
``5:30`` or ``72 kg`` comes as 0.45, as the 0.229 part of a day, as 72: a copy of the sheet in CSV
would say otherwise than the sheet itself.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree
from xml.sax.saxutils import unescape

from backrisk._spelling import number_of, spell
from backrisk.survey.units import unit_of

Show = Callable[[float], str | None]

_PIECE = 1 << 20
_FORMULA = re.compile(  # column, row, attributes, formula, value
    rb'<c r="([A-Z]{1,3})([0-9]{1,7})"([^>]*)(?<!/)>(?:<f[^>]*(?:/>|>([^<]*)</f>))?'
    rb"(?:<v>([^<]*)</v>|<v ?/>)?</c>"
)
_KIND = re.compile(rb'\bt="([a-z]+)"')
_STYLE = re.compile(rb'\bs="([0-9]+)"')
_BUILT_IN = {9: "0%", 10: "0.00%", 20: "h:mm"}  # of the formats that every file knows by number
_LITERAL = re.compile(r'"([^"]*)"|\\(.)')
_NO_DIGITS = re.compile(r"[_*].|\[[^\]hm][^\]]*\]")  # space, fillers, colours, currencies
_NUMBER = re.compile(r"(?:General|[#0?,]+(?:\.[0#?]+)?)", re.IGNORECASE)
_HOURS = re.compile(r"(\[?)h{1,2}\]?:mm", re.IGNORECASE)
_MINUTES = 24 * 60
_EXACT = 12  # digits of a product that count: 0.29 is 29 %, and not 28.999999999999996


def put_what_is_shown(
    path: Path, sheet: str, rows: list[list[Any]], start: tuple[int, int]
) -> None:
    """Put what a sheet shows into the cells whose reader gives another value, or none.

    Parameters
    ----------
    path : Path
        Of an Excel file; one of another format is left as it is read.
    sheet : str
        Its name.
    rows : list of list
        The sheet's cells, which are changed.
    start : tuple of int
        Row and column of the first of them, from 0.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_part(archive, sheet)) as opened:
            for column, row, text in shown_cells(opened, _formats(archive)):
                at, place = row - 1 - start[0], column - 1 - start[1]
                if 0 <= at < len(rows) and 0 <= place < len(rows[at]):
                    rows[at][place] = text
    except (KeyError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error, NotImplementedError):
        return  # of another format


def shown_cells(
    sheet: IO[bytes], formats: Mapping[bytes, Show] | None = None
) -> Iterator[tuple[int, int, str]]:
    """Yield column, row and text of the cells whose text is not what their reader gives.

    Parameters
    ----------
    sheet : file
        The XML of a sheet.
    formats : mapping of bytes to callable, optional
        By the number of a style, what a number in it is shown as.
    """
    rest = b""
    while piece := sheet.read(_PIECE):
        piece = rest + piece
        cut = piece.rfind(b"</c>") + len(b"</c>")
        piece, rest = piece[:cut], piece[cut:][-_PIECE:]
        if not formats and b't="e"' not in piece and b"</f>" not in piece:
            continue
        for column, row, about, formula, value in _FORMULA.findall(piece):
            kind = _KIND.search(about)
            text = None
            if kind is not None and kind[1] == b"e":
                text = unescape(value.decode("utf-8", "replace"))
            elif formula and not value and kind is None:
                text = "=" + unescape(formula.decode("utf-8", "replace"))
            elif formats and value and (kind is None or kind[1] == b"n"):
                style = _STYLE.search(about)
                show = formats.get(style[1]) if style else None
                number = number_of(value.decode("ascii", "replace"))
                text = show(number) if show is not None and number is not None else None
            if text is not None:
                yield width(column), int(row), text


def width(column: bytes) -> int:
    """Return the number of a column by its letters, from 1.

    Examples
    --------
    >>> width(b"A"), width(b"AA")
    (1, 27)
    """
    number = 0
    for letter in column:
        number = number * 26 + letter - 64
    return number


def name_of(row: int, column: int) -> str:
    """Return what a sheet calls a cell, by its row and column from 0.

    Examples
    --------
    >>> name_of(0, 0), name_of(9, 26)
    ('A1', 'AA10')
    """
    letters, left = "", column + 1
    while left:
        left, letter = divmod(left - 1, 26)
        letters = chr(65 + letter) + letters
    return f"{letters}{row + 1}"


def format_of(code: str) -> Show | None:
    """Return what numbers are shown as in a format, where that says more than the number.

    Parameters
    ----------
    code : str
        As Excel writes it; the first section counts, which is that of numbers above 0.

    Examples
    --------
    >>> format_of("0.0%")(0.45), format_of("h:mm")(330 / 1440), format_of('0" kg"')(72.0)
    ('45%', '5:30', '72 kg')
    >>> format_of("0.00"), format_of("yyyy-mm-dd"), format_of('"$"0')
    (None, None, None)
    """
    code = _NO_DIGITS.sub("", code)
    bare = _LITERAL.sub("", code).split(";")[0].strip()
    if bare.endswith("%"):
        return _percent
    if clock := _HOURS.fullmatch(bare):
        return lambda days: _clock(days, beyond_a_day=bool(clock[1]))
    number = _NUMBER.match(code)
    if number is None or _NUMBER.fullmatch(bare) is None:
        return None
    after = _LITERAL.sub(lambda found: found[1] or found[2] or "", code[number.end() :])
    unit = after.split(";")[0].strip()
    return None if unit_of(unit) is None else lambda value: f"{spell(value)} {unit}"


def _percent(share: float) -> str:
    return f"{spell(float(f'{share * 100:.{_EXACT}g}'))}%"


def _clock(days: float, beyond_a_day: bool) -> str | None:
    """Return hours and minutes; None where seconds, or a date, are there and not shown."""
    minutes = days * _MINUTES
    whole = round(minutes)
    if abs(minutes - whole) > 1e-6 or whole < 0 or (whole >= _MINUTES and not beyond_a_day):
        return None
    return f"{whole // 60}:{whole % 60:02d}"


def _formats(archive: zipfile.ZipFile) -> dict[bytes, Show]:
    """Return what numbers are shown as, by the number of a style."""
    try:
        styles = ElementTree.fromstring(archive.read("xl/styles.xml"))
    except (KeyError, ElementTree.ParseError):
        return {}
    codes = dict(_BUILT_IN)
    places: list[str] = []
    for each in styles:
        if each.tag.endswith("}numFmts"):
            for stated in each:
                codes[_whole(stated.get("numFmtId"))] = stated.get("formatCode") or ""
        elif each.tag.endswith("}cellXfs"):
            places = [codes.get(_whole(style.get("numFmtId")), "") for style in each]
    shown = {str(place).encode(): format_of(code) for place, code in enumerate(places)}
    return {place: show for place, show in shown.items() if show is not None}


def _whole(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else -1


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return the part of an Excel file that holds a sheet.

    Raises
    ------
    KeyError
        None does.
    """
    try:
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    except ElementTree.ParseError as error:
        raise KeyError(sheet) from error
    targets = {link.get("Id"): str(link.get("Target")) for link in links}
    for each in book.iter():
        if each.tag.endswith("}sheet") and each.get("name") == sheet:
            link = next(value for key, value in each.items() if key.endswith("}id"))
            return posixpath.normpath(posixpath.join("/xl", targets[link]))[1:]
    raise KeyError(sheet)
