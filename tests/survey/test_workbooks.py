"""Sheets of Excel and OpenDocument files as tables."""

import datetime
import io

import openpyxl
import pytest
import xlsxwriter

from backrisk.errors import SurveyError
from backrisk.survey import workbooks
from backrisk.survey.workbooks import excel_table
from tests.survey._small import rows_of


@pytest.fixture
def rows(tmp_path):
    """Return a function from a table to its columns and rows of canonical text."""
    return lambda table: rows_of(table, tmp_path)


@pytest.fixture
def workbook(tmp_path):
    def write(**sheets):
        path = tmp_path / "t.xlsx"
        with xlsxwriter.Workbook(path) as book:
            date = book.add_format({"num_format": "yyyy-mm-dd"})
            for name, (cells, at) in sheets.items():
                sheet = book.add_worksheet(name)
                for i, row in enumerate(cells):
                    for j, cell in enumerate(row):
                        kind = (date,) if isinstance(cell, datetime.date) else ()
                        if cell is not None:
                            sheet.write(i + at, j + at, cell, *kind)
        return path

    return write


CELLS = [
    [" a ", "b", "c"],
    [1.0, "x ", datetime.date(2024, 3, 1)],
    [None, None, None],
    [2.5, True, "1.50"],
]


def test_a_sheet_is_a_table_whose_rows_are_the_sheets(workbook, rows):
    for at in (0, 3):
        table = excel_table(workbook(One=(CELLS, at), Two=([], 0)), "t", None)
        numbers = table.numbers()
        assert [next(numbers) for _ in range(3)] == [at + 2, at + 3, at + 4]
        assert rows(table) == (
            ("a", "b", "c"),
            [("1", "x", "2024-03-01"), ("2.5", "true", "1.5")],
        )


def test_one_of_several_sheets_is_chosen(workbook, rows):
    path = workbook(One=(CELLS, 0), Two=([["a"], ["7"]], 0), Empty=([], 0))
    with pytest.raises(SurveyError, match=r"2 sheets \(One, Two\); choose one as 't::sheet'"):
        excel_table(path, "t", None)
    with pytest.raises(SurveyError, match=r"no sheet 'two' \(did you mean 'Two'\?\)"):
        excel_table(path, "t", "two")
    assert rows(excel_table(path, "t", "Two")) == (("a",), [("7",)])
    with pytest.raises(SurveyError, match="t has no header"):
        excel_table(path, "t", "Empty")


def test_a_stray_cell_far_outside_the_table_is_named(tmp_path, rows):
    path = tmp_path / "t.xlsx"
    for at, far in (((1048575, 16383), True), ((3000, 9), False)):
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, ["a", "b"])
            sheet.write(*at, "x")
        if far:
            with pytest.raises(SurveyError, match="reaches to cell XFD1048576, but only 3 of"):
                excel_table(path, "t", None)
        else:
            assert rows(excel_table(path, "t", None))[1] == [(None, None, "x")]


def test_errors_of_a_sheet_and_formulas_without_a_value_are_seen(tmp_path, rows):
    """Its reader leaves them blank."""
    path = tmp_path / "t.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("first & last").write(0, 0, "other")
        sheet = book.add_worksheet("R&D")
        sheet.write_row(1, 1, ["a", "b"])
        sheet.write_formula(2, 1, "=1/0", None, "#DIV/0!")
        sheet.write_row(3, 2, [5])
        sheet.write_formula(4, 2, "=A1<1", None, 7)
    assert rows(excel_table(path, "t", "R&D"))[1] == [("#DIV/0!", None), (None, "5"), (None, "7")]
    plain = openpyxl.Workbook()
    for row in (["a", "b"], [1, "=A1<2"], ["#REF!", 3]):
        plain.active.append(row)
    plain.save(path)
    assert rows(excel_table(path, "t", None))[1] == [("1", "=A1<2"), ("#REF!", "3")]


def test_a_formula_whose_value_is_an_empty_text_is_blank():
    cells = b'<c r="B2" t="str"><f>IF(1,"","")</f><v></v></c><c r="AA3" s="1"><f>1&lt;2</f><v/></c>'
    assert list(workbooks._without_value(io.BytesIO(cells))) == [(27, 3, "=1<2")]
