"""Sheets of Excel and OpenDocument files as tables."""

import datetime
import io

import openpyxl
import pytest
import xlsxwriter

from backrisk.errors import SurveyError
from backrisk.survey.sheet_cells import format_of, shown_cells
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
    assert list(shown_cells(io.BytesIO(cells))) == [(27, 3, "=1<2")]


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (0.45, "0%", "45%"),
        (0.29, "0.0%", "29%"),
        (0.45, "0.00\\ %;[Red]-0.00\\ %", "45%"),
        (datetime.time(5, 30), "h:mm", "5:30"),
        (datetime.time(0, 5, 30), "h:mm:ss", "00:05:30"),
        (datetime.timedelta(hours=30), "[h]:mm", "30:00"),
        (datetime.timedelta(hours=30, seconds=5), "[h]:mm:ss", "30:00:05"),
        (72.5, '0.0" kg"', "72.5 kg"),
        (154, '0\\ "lb"', "154 lb"),
        (72, '0" points"', "72"),
        (72, '"$"#,##0.00', "72"),
        (72, "0.00", "72"),
        (1234, "#,##0", "1234"),
    ],
)
def test_a_number_is_read_as_the_sheet_shows_it(tmp_path, rows, value, code, shown):
    """As a copy of the sheet in CSV has it: 45% is not 0.45, and 5:30 is no third of a day."""
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.append([value, "x"])
    book.active["A2"].number_format = code
    book.save(tmp_path / "t.xlsx")
    assert rows(excel_table(tmp_path / "t.xlsx", "t", None))[1] == [(shown, "x")]


def test_a_clock_that_hides_its_seconds_or_a_date_is_read_as_it_is():
    assert format_of("h:mm")(330 / 86_400) is None
    assert format_of("h:mm")(1.5) is None
    assert format_of("[hh]:mm")(1.5) == "36:00"


def test_cells_that_are_merged_below_the_header_are_refused(tmp_path, rows):
    """All but the first read as blank: whom the answer is of, the sheet does not say."""
    path = tmp_path / "t.xlsx"
    for where, refused in (("B4:B5", True), ("A5:B5", True), ("A1:B1", False), ("A7:B9", False)):
        book = openpyxl.Workbook()
        for row in (["title"], ["a", "b"], [1, 2], [3, 4], [5, 6]):
            book.active.append(row)
        book.active.merge_cells(where)
        book.save(path)
        if refused:
            with pytest.raises(SurveyError, match=f"t: the cells {where} are merged"):
                excel_table(path, "t", None)
        else:
            assert rows(excel_table(path, "t", None))[1][-1] == ("5", "6")
