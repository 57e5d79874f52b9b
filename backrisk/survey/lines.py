"""CSV files record by record, the same for every engine: what is a header, a record, a mistake."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backrisk.errors import SurveyError
from backrisk.survey.checks import demand_columns
from backrisk.words import Said, say


def read_header(path: Path) -> list[str]:
    """Return the names in the first line of a CSV file, as they stand there.

    Raises
    ------
    SurveyError
        There are none, or they are not separated by commas; else as `read_records`.
    """
    with _named_errors(path), path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file, strict=True), [])
    demand_columns(header, path.name)
    return header


def read_records(path: Path) -> Iterator[tuple[int, list[str], int]]:
    """Yield first line, cells and the header's number of columns for each record of a CSV file.

    Blank lines are no records.

    Raises
    ------
    SurveyError
        The file is not CSV, not UTF-8, or cannot be read.
    """
    with _named_errors(path), path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        width = len(next(reader, []))
        before = reader.line_num
        for row in reader:
            line, before = before + 1, reader.line_num  # a quoted cell may span lines
            if row:
                yield line, row, width


def split_records(path: Path, refused: list[tuple[int, Said]]) -> Iterator[tuple[int, list[str]]]:
    """Yield first line and cells of the records that are as wide as the header.

    Line and sentence of the others go to `refused`.

    Raises
    ------
    SurveyError
        As `read_records`.
    """
    for line, row, width in read_records(path):
        if len(row) == width:
            yield line, row
        else:
            problem = say(
                "survey.table.width", source=path.name, row=line, found=len(row), width=width
            )
            refused.append((line, problem))


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    """Say in a sentence what keeps a CSV file from being read."""
    try:
        yield
    except UnicodeDecodeError as error:
        byte = f"{error.object[error.start]:#04x}"
        raise SurveyError(say("survey.file.not_utf8", file=path.name, byte=byte)) from error
    except csv.Error as error:
        raise SurveyError(say("survey.file.not_csv", file=path.name, why=str(error))) from error
    except OSError as error:
        raise SurveyError(
            say("survey.file.not_readable", path=str(path), why=error.strerror)
        ) from error
