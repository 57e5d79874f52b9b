"""Reports as a spreadsheet (numbers to 16 digits) and as CSV (all digits): every table, whole."""

from __future__ import annotations

import csv
import io
import math
import re
from datetime import UTC, datetime
from typing import Any

from backrisk.report.blocks import Cell, Facts, Range, Report, Table, Text
from backrisk.summary import Estimate
from backrisk.words import neutral, say

_FORMATS = {
    "text": "@",
    "share": "0.0%",
    "points": "+0.0%;-0.0%;0.0%",
    "number": "0.00",
    "score": "0.000",
    "tenths": "0.0",
    "count": "#,##0",
}
_WIDEST, _NUMBER = 70, 12
_SHEET_NAME, _LONGEST = re.compile(r"[\[\]:*?/\\]"), 31  # what a sheet's name may not hold


def _parts(table: Table, place: int) -> tuple[str, ...]:
    """Return what the cells of a column hold: one value, an estimate or a range."""
    cells = [row[place] for row in table.rows]
    if any(isinstance(cell, Estimate) for cell in cells):
        return ("mean", "low", "high")
    return ("low", "high") if any(isinstance(cell, Range) for cell in cells) else ("",)


def _value(cell: Cell, part: str) -> str | int | float | None:
    """Return one part of a cell; a plain number among estimates stands with their means."""
    if isinstance(cell, Estimate | Range):
        value: Any = getattr(cell, part, None)
    else:
        value = cell if part in ("", "mean") else None
    return None if isinstance(value, float) and math.isnan(value) else value


def csv_text(report: Report) -> str:
    """Return every table in one long CSV: table, row, column, part, value.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
        Numbers with all their digits.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["table", "row", "column", "part", "value"])
    writer.writerow(["report", 0, "title", "", neutral(report.title)])
    writer.writerow(["report", 0, "date", "", report.date])
    for words in (*report.marks, *report.warnings):
        writer.writerow(["report", 0, "note", "", neutral(words)])
    for table in report.tables:
        if not table.sheet:
            continue
        for place, column in enumerate(table.columns):
            for part in _parts(table, place):
                for number, row in enumerate(table.rows, 1):
                    value = _value(row[place], part)
                    if value is None or value == "":
                        continue
                    shown = neutral(value) if isinstance(value, str) else repr(value)
                    writer.writerow([table.name, number, column.name, part, shown])
    return out.getvalue()


def workbook(report: Report) -> bytes:
    """Return a spreadsheet: a sheet of notes, then one for each table.

    Parameters
    ----------
    report : Report

    Returns
    -------
    bytes
        Of an XLSX file whose only date is the report's own.
    """
    import xlsxwriter

    out = io.BytesIO()
    stated = datetime.fromisoformat(report.date).replace(tzinfo=UTC)
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    book.set_properties(
        {"title": report.title, "author": "backrisk", "created": stated.replace(tzinfo=None)}
    )
    _notes(book, report)
    for table in report.tables:
        if table.rows and table.sheet:
            _sheet(book, table)
    book.close()
    return out.getvalue()


def _notes(book: Any, report: Report) -> None:
    sheet = book.add_worksheet(_SHEET_NAME.sub(" ", say("report.sheets.notes"))[:_LONGEST])
    plain = book.add_format({"text_wrap": True, "valign": "top"})
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 100)
    rows: list[tuple[str, str]] = [(report.title, report.date)]
    rows += [("", words) for words in (*report.marks, *report.warnings, *report.lead)]
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, Text):
                rows += [(section.title, words) for words in block.paragraphs]
            elif isinstance(block, Facts):
                rows += block.pairs
            elif isinstance(block, Table) and block.note:
                rows.append((block.title or section.title, block.note))
    rows.append(("", report.foot))
    for place, (label, words) in enumerate(rows):
        sheet.write_string(place, 0, neutral(label), bold)
        sheet.write_string(place, 1, neutral(words), plain)
    sheet.freeze_panes(1, 0)


def _sheet(book: Any, table: Table) -> None:
    sheet = book.add_worksheet(table.name[:_LONGEST])
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 2})
    at = 0
    for place, column in enumerate(table.columns):
        parts = _parts(table, place)
        text = column.kind == "text"
        style = book.add_format(
            {"num_format": _FORMATS[column.kind], "valign": "top", "text_wrap": text}
        )
        for part in parts:
            title = column.title
            if part in ("low", "high"):
                title = say(f"report.sheets.{part}", heading=title)
            longest = len(title) if len(parts) == 1 else _NUMBER
            sheet.write_string(0, at, neutral(title), head)
            for number, row in enumerate(table.rows, 1):
                value = _value(row[place], part)
                if value is None or value == "":
                    continue
                if isinstance(value, str):
                    sheet.write_string(number, at, neutral(value), style)
                    longest = max(longest, len(value))
                else:
                    sheet.write_number(number, at, value, style)
            wide = (
                min(max(longest + 2, _NUMBER), _WIDEST) if text else max(_NUMBER, min(longest, 18))
            )
            sheet.set_column(at, at, wide)
            at += 1
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, len(table.rows), at - 1)
