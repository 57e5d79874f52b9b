"""Sheets of Excel and OpenDocument files as tables."""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from itertools import batched, count
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree
from xml.sax.saxutils import unescape

from backrisk.errors import SurveyError
from backrisk.survey.formats import chosen_part, demand_package, not_kind
from backrisk.survey.kinds import demand_modest
from backrisk.survey.staging import BATCH, Table, arrays
from backrisk.words import say

_AREA = 20_000_000  # cells of a sheet that memory holds, empty ones too
_SPARSE = 50  # times as many empty cells as others: no table
_PIECE = 1 << 20
_DIMENSION = re.compile(rb'<dimension ref="(?:[A-Z]+[0-9]+:)?([A-Z]{1,3})([0-9]{1,7})"')
_FORMULA = re.compile(  # column, row, attributes, formula, value
    rb'<c r="([A-Z]{1,3})([0-9]{1,7})"([^>]*)(?<!/)>(?:<f[^>]*(?:/>|>([^<]*)</f>))?'
    rb"(?:<v>([^<]*)</v>|<v ?/>)?</c>"
)
_CELL = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"')


def excel_table(path: Path, name: str, chosen: str | None) -> Table:
    """Return a sheet of an Excel or OpenDocument file; its rows are numbered as in the sheet."""
    demand_package("python_calamine", "python-calamine", name)
    import python_calamine as calamine

    _demand_dense(path, name)
    try:
        with path.open("rb") as opened:
            book = calamine.CalamineWorkbook.from_filelike(opened)
            shown = calamine.SheetVisibleEnum.Visible
            kind = calamine.SheetTypeEnum.WorkSheet
            sheets = {
                each.name: book.get_sheet_by_name(each.name)
                for each in book.sheets_metadata
                if each.typ == kind and (each.visible == shown or each.name == chosen)
            }
            named = [each for each, sheet in sheets.items() if sheet.start or each == chosen]
            sheet = sheets[chosen_part(name, chosen, named or list(sheets), "sheet")]
            rows = sheet.to_python(skip_empty_area=True)
            _say_errors(path, sheet.name, rows, sheet.start or (0, 0))
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise not_kind(name, "excel") from error
    if not rows:
        raise SurveyError(say("survey.table.no_header", source=name))
    header, first = rows[0], (sheet.start or (0, 0))[0] + 2
    batches = (arrays(some, len(header)) for some in batched(rows[1:], BATCH))
    return Table(header, batches, lambda: count(first))


def _say_errors(path: Path, sheet: str, rows: list[list[Any]], start: tuple[int, int]) -> None:
    """Put what a sheet shows in place of a value, or the formula that has none, into its cells.

    The library leaves cells blank that say ``#DIV/0!``, and formulas that were never computed.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_part(archive, sheet)) as opened:
            for column, row, text in _without_value(opened):
                at, place = row - 1 - start[0], column - 1 - start[1]
                if 0 <= at < len(rows) and 0 <= place < len(rows[at]):
                    rows[at][place] = text
    except (KeyError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error, NotImplementedError):
        return  # of another format


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


def _without_value(sheet: IO[bytes]) -> Iterator[tuple[int, int, str]]:
    """Yield column, row and text of the cells that show an error, or a formula not computed."""
    rest = b""
    while piece := sheet.read(_PIECE):
        piece = rest + piece
        cut = piece.rfind(b"</c>") + len(b"</c>")
        piece, rest = piece[:cut], piece[cut:][-_PIECE:]
        if b't="e"' not in piece and b"</f>" not in piece:
            continue
        for column, row, about, formula, value in _FORMULA.findall(piece):
            kind = re.search(rb'\bt="([a-z]+)"', about)
            if kind is not None and kind[1] == b"e":
                yield _width(column), int(row), unescape(value.decode("utf-8", "replace"))
            elif formula and not value and kind is None:
                yield _width(column), int(row), "=" + unescape(formula.decode("utf-8", "replace"))


def _demand_dense(path: Path, name: str) -> None:
    """Refuse sheets with stray cells far outside the table, which would take memory without end."""
    try:
        with zipfile.ZipFile(path) as archive:
            demand_modest(sum(part.file_size for part in archive.infolist()), path, name)
            for part in archive.namelist():
                if part.startswith("xl/worksheets/") and part.endswith(".xml"):
                    with archive.open(part) as sheet:
                        cells, far = _reach(sheet)
                    if far is not None:
                        told = {"file": name, "cell": far, "n": cells}
                        raise SurveyError(say("survey.file.stray_cells", **told))
    except (OSError, RuntimeError, zipfile.BadZipFile, zlib.error, NotImplementedError):
        return  # of another format, or broken, as its reader will say


def _reach(sheet: IO[bytes]) -> tuple[int, str | None]:
    """Return how many cells a sheet has, and its last corner where that is too far for them."""
    piece = sheet.read(_PIECE)
    said = _DIMENSION.search(piece)
    if said is not None and _area(said[1], said[2]) <= _AREA:
        return 0, None
    cells, column, row = 0, b"A", b"1"
    while piece:
        found = _CELL.findall(piece)
        cells += len(found)
        column = max([column, *(c for c, _ in found)], key=lambda c: (len(c), c))
        row = max([row, *(r for _, r in found)], key=int)
        piece = sheet.read(_PIECE)  # a cell between two pieces may be missed: one of very many
    area = _area(column, row)
    return cells, (column + row).decode() if area > max(_AREA, cells * _SPARSE) else None


def _area(column: bytes, row: bytes) -> int:
    """Return how many cells lie from the first to the one in a column and a row."""
    return _width(column) * int(row)


def _width(column: bytes) -> int:
    """Return the number of a column by its letters, from 1."""
    width = 0
    for letter in column:
        width = width * 26 + letter - 64
    return width
