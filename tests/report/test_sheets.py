"""Spreadsheets are laid out for reading, and no text in them is a command."""

import io

import openpyxl
from read_back import DAY

from backrisk.report import render


def test_a_workbook_is_laid_out_for_reading(documents):
    book = openpyxl.load_workbook(io.BytesIO(render(documents["cohort"], ".xlsx")))
    assert book.sheetnames[0] == "Notes"
    assert book.properties.created.date().isoformat() == DAY
    assert book.properties.modified.date().isoformat() == DAY
    for sheet in book.worksheets[1:]:
        assert sheet.freeze_panes == "B2"
        assert sheet.auto_filter.ref
        assert all(12 <= d.width <= 73 for d in sheet.column_dimensions.values())
        assert all(sheet.cell(1, c).font.bold for c in range(1, sheet.max_column + 1))
    notes = {str(cell.value) for row in book["Notes"].rows for cell in row}
    assert "Decision support, not a diagnosis." in notes
