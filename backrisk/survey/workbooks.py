"""Sheets of Excel and OpenDocument files as tables."""

from __future__ import annotations

import re
import zipfile
import zlib
from itertools import batched, count
from pathlib import Path
from typing import IO, Any

from backrisk._spelling import spell
from backrisk.errors import SurveyError
from backrisk.survey.formats import chosen_part, demand_package, not_kind
from backrisk.survey.kinds import demand_modest
from backrisk.survey.sheet_cells import name_of, put_what_is_shown, width
from backrisk.survey.staging import BATCH, Table, arrays
from backrisk.words import say

_AREA = 20_000_000  # cells of a sheet that memory holds, empty ones too
_SPARSE = 50  # times as many empty cells as others: no table
_PIECE = 1 << 20
_DIMENSION = re.compile(rb'<dimension ref="(?:[A-Z]+[0-9]+:)?([A-Z]{1,3})([0-9]{1,7})"')
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
            put_what_is_shown(path, sheet.name, rows, sheet.start or (0, 0))
            _demand_single(name, sheet, rows)
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise not_kind(name, "excel") from error
    if not rows:
        raise SurveyError(say("survey.table.no_header", source=name))
    header, first = rows[0], (sheet.start or (0, 0))[0] + 2
    batches = (arrays(some, len(header)) for some in batched(rows[1:], BATCH))
    return Table(header, batches, lambda: count(first))


def _demand_single(name: str, sheet: Any, rows: list[list[Any]]) -> None:
    """Refuse cells below the header that are merged: all but the first of them read as blank."""
    first = sheet.start or (0, 0)
    for top, end in getattr(sheet, "merged_cell_ranges", None) or ():
        row, column = top[0] - first[0], top[1] - first[1]
        inside = 0 < row < len(rows) and 0 <= column < len(rows[row])
        if inside and top != end and spell(rows[row][column]) is not None:
            cells = f"{name_of(*top)}:{name_of(*end)}"
            raise SurveyError(say("survey.file.merged_cells", file=name, cells=cells))


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
    return width(column) * int(row)
