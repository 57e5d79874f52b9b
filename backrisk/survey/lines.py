"""Text files record by record: encoding, delimiter, header, records, and what is wrong there."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from backrisk.errors import SurveyError
from backrisk.words import Said, say

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SEPARATOR = re.compile(r'"?sep=(.)"?\1*\s*', re.IGNORECASE | re.DOTALL)
_MARKS = (  # the longer first: one begins with the other
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PIECE = 1 << 20


@dataclass(frozen=True)
class Text:
    """A file of delimited text.

    Parameters
    ----------
    path : Path
        In UTF-8, with or without a byte order mark.
    name : str
        What messages call it.
    delimiter : str
    skipped : int
        Lines before the header.
    """

    path: Path
    name: str
    delimiter: str = ","
    skipped: int = 0


def as_utf8(path: Path, name: str, encoding: str | None, folder: Path) -> Path:
    """Return a text file in UTF-8: the file itself, or a copy.

    Parameters
    ----------
    path : Path
    name : str
    encoding : str, optional
        As stated; by default what a byte order mark says, else UTF-8.
    folder : Path
        Where a copy may be written.

    Raises
    ------
    SurveyError
        There is no such encoding, or the file is not in it.
    """
    with _named_errors(name), path.open("rb") as file:
        start = file.read(4)
    if encoding is None:
        encoding = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    if encoding is None:
        return path
    try:
        known = codecs.lookup(encoding).name
        "".encode(known)
    except (LookupError, ValueError) as error:
        raise SurveyError(say("survey.file.no_encoding", encoding=encoding)) from error
    if known in ("utf-8", "utf-8-sig", "ascii"):
        return path
    copy = folder / "utf8.csv"
    with _named_errors(name):
        try:
            with (
                path.open(encoding=known, newline="") as file,
                copy.open("w", encoding="utf-8", newline="") as out,
            ):
                while piece := file.read(_PIECE):
                    out.write(piece)
        except UnicodeError as error:
            told = say("survey.file.not_encoded", file=name, encoding=encoding)
            raise SurveyError(told) from error
    return copy


def described(path: Path, name: str, delimiter: str | None = None) -> Text:
    """Find what separates the columns of a text file.

    Blank lines before the header do not count. A first line ``sep=;`` says itself what the mark
    is. Otherwise it is the one that divides the header, or of several the one that divides every
    record as it does the header.

    Parameters
    ----------
    path : Path
        In UTF-8.
    name : str
    delimiter : str, optional
        As stated.

    Raises
    ------
    SurveyError
        Two readings fit, or the file cannot be read.
    """
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise SurveyError(say("survey.file.no_delimiter", delimiter=delimiter))
    with _opened(path, name) as file:
        said = _SEPARATOR.fullmatch(file.readline())
    skipped = 0 if said is None else 1
    skipped += _blank_lines(path, name, skipped, "".join(DELIMITERS) + (delimiter or ""))
    if delimiter is not None:
        return Text(path, name, delimiter, skipped)
    if said is not None:
        return Text(path, name, said[1], skipped)
    ways = [Text(path, name, mark, skipped) for mark in DELIMITERS]
    dividing = [way for way in ways if _width(way) > 1]
    if len(dividing) > 1:
        dividing = [way for way in dividing if _even(way)] or dividing
    if len(dividing) > 1:
        first, second = (say(f"survey.marks.{DELIMITERS[way.delimiter]}") for way in dividing[:2])
        raise SurveyError(say("survey.file.two_delimiters", file=name, first=first, second=second))
    return dividing[0] if dividing else ways[0]


def _blank_lines(path: Path, name: str, skipped: int, marks: str) -> int:
    """Return how many lines after the first ones hold nothing but marks between columns."""
    count = 0
    with _opened(path, name) as file:
        for _ in range(skipped):
            file.readline()
        while line := file.readline():
            if line.strip(marks + " \r\n"):
                return count
            count += 1
    return 0  # nothing but blank lines, as the header's reader will say


def _width(text: Text) -> int:
    """Return the number of columns of the header; 0 where it cannot be read so."""
    with _opened(text.path, text.name) as file:
        try:
            return len(next(_reader(file, text), []))
        except csv.Error:
            return 0


def _even(text: Text) -> bool:
    """Whether every record has as many cells as the header."""
    try:
        return all(len(row) == width for _, row, width in read_records(text))
    except SurveyError:
        return False


def read_header(text: Text) -> list[str]:
    """Return the names in the first line of a text file, as they stand there.

    Raises
    ------
    SurveyError
        There are none; else as `read_records`.
    """
    with _opened(text.path, text.name) as file:
        header: list[str] = next(_reader(file, text), [])
    if not header:
        raise SurveyError(say("survey.table.no_header", source=text.name))
    return header


def read_records(text: Text) -> Iterator[tuple[int, list[str], int]]:
    """Yield first line, cells and the header's number of columns for each record.

    Blank lines are no records.

    Raises
    ------
    SurveyError
        The file is not delimited text, not UTF-8, or cannot be read.
    """
    with _opened(text.path, text.name) as file:
        reader = _reader(file, text)
        width = len(next(reader, []))
        before = reader.line_num
        for row in reader:
            line, before = before + 1, reader.line_num  # a quoted cell may span lines
            if row:
                yield line + text.skipped, row, width


def split_records(text: Text, refused: list[tuple[int, Said]]) -> Iterator[tuple[int, list[str]]]:
    """Yield first line and cells of the records that are as wide as the header.

    Line and sentence of the others go to `refused`.

    Raises
    ------
    SurveyError
        As `read_records`.
    """
    for line, row, width in read_records(text):
        if len(row) == width:
            yield line, row
        else:
            problem = say(
                "survey.table.width", source=text.name, row=line, found=len(row), width=width
            )
            refused.append((line, problem))


def _reader(file: TextIO, text: Text) -> Any:
    for _ in range(text.skipped):
        file.readline()
    if text.delimiter == " ":
        return csv.reader(file, delimiter=" ", strict=True)
    lines = _without_space(file, text.delimiter)
    return csv.reader(lines, delimiter=text.delimiter, strict=True, skipinitialspace=True)


def _without_space(file: TextIO, delimiter: str) -> Iterator[str]:
    """Yield lines without the space after quoted cells, which says nothing.

    Within quotes a mark is doubled: none stands there between a letter and a space.
    """
    mark = re.escape(delimiter)
    after = re.compile(rf'(?<=[^"{mark}])" +(?={mark}|[\r\n]|$)')
    return (after.sub('"', line) if '" ' in line else line for line in file)


@contextmanager
def _opened(path: Path, name: str) -> Iterator[TextIO]:
    with _named_errors(name), path.open(encoding="utf-8-sig", newline="") as file:
        yield file


@contextmanager
def _named_errors(name: str) -> Iterator[None]:
    """Say in a sentence what keeps a text file from being read."""
    try:
        yield
    except UnicodeDecodeError as error:
        byte = f"{error.object[error.start]:#04x}"
        raise SurveyError(say("survey.file.not_utf8", file=name, byte=byte)) from error
    except csv.Error as error:
        raise SurveyError(say("survey.file.not_csv", file=name, why=str(error))) from error
    except OSError as error:
        raise SurveyError(say("survey.file.not_readable", path=name, why=error.strerror)) from error
