"""What kind of file a file is: by its ending and by its content, which must agree."""

from __future__ import annotations

import gzip
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import IO

from backrisk.errors import SurveyError
from backrisk.words import say

ENDINGS = {
    "csv": (".csv", ".tsv", ".tab", ".txt"),
    "parquet": (".parquet", ".pq"),
    "duckdb": (".duckdb", ".ddb"),
    "sqlite": (".sqlite", ".sqlite3", ".db"),
    "excel": (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
    "spss": (".sav", ".zsav", ".por"),
    "stata": (".dta",),
    "sas": (".sas7bdat", ".xpt"),
    "gzip": (".gz",),
    "zip": (".zip",),
}
CHOOSING = ("duckdb", "sqlite", "excel")  # of which a table or a sheet is chosen
PACKED = ("gzip", "zip")
_SAS = bytes.fromhex("000000000000000000000000c2ea8160b31411cfbd92080009c7318c181f1011")
_STARTS = (
    (b"PAR1", "parquet"),
    (b"SQLite format 3\0", "sqlite"),
    (b"\x1f\x8b", "gzip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "excel"),
    (b"$FL2", "spss"),
    (b"$FL3", "spss"),
    (b"<stata_dta>", "stata"),
    (_SAS, "sas"),
    (b"HEADER RECORD*******", "sas"),
    (b"%PDF", "pdf"),
    (b"\xff\xfe", "csv"),  # UTF-16 says so with its first two bytes
    (b"\xfe\xff", "csv"),
    (b"\0\0\xfe\xff", "csv"),
)
_HEAD = 1 << 16
_PIECE = 1 << 20
_UNPACKED = 1 << 28  # bytes that any compressed file may hold
_TIMES = 200  # its own size beyond them: no table shrinks as much
_BROKEN = (
    *(OSError, EOFError, RuntimeError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)


def kind_of(path: Path, name: str, encoding: str | None = None) -> str:
    """Return the kind of a file.

    Parameters
    ----------
    path : Path
    name : str
        What messages call it; its ending counts.
    encoding : str, optional
        Of text, as stated: then bytes of any value may be text.

    Raises
    ------
    SurveyError
        Its content is of another kind than its ending says, or of none that is read.
    """
    ending = Path(name).suffix.lower()
    said = next((kind for kind, endings in ENDINGS.items() if ending in endings), None)
    found = _by_content(path, name)
    if found == "binary" and encoding is not None:
        found = "csv"
    if found not in ENDINGS:
        raise SurveyError(say("survey.file.no_table_kind", file=name, kind=_worded(found)))
    if said is None or found == said:
        return found
    if found == "csv" and ending == ".por":  # portable files are text
        return said
    raise SurveyError(
        say("survey.file.other_kind", file=name, found=_worded(found), said=_worded(said))
    )


def _worded(kind: str) -> str:
    return say(f"survey.kinds.{kind}")


def _by_content(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise SurveyError(say("survey.file.not_readable", path=name, why=error.strerror)) from error
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[8:12] == b"DUCK":
        return "duckdb"
    if head.startswith(b"PK\x03\x04"):
        return _zipped(path)
    if (
        len(head) > 3
        and head[0] in range(103, 116)
        and head[1] in (1, 2)
        and head[2:4] == b"\x01\0"
    ):
        return "stata"
    if b"\0" in head:
        return "binary"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<table")):
        return "html"
    return "json" if text.startswith((b"{", b"[{")) else "csv"


def _zipped(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if names & {"xl/workbook.xml", "xl/workbook.bin"}:
                return "excel"
            if "mimetype" in names and b"spreadsheet" in archive.read("mimetype")[:100]:
                return "excel"
    except (zipfile.BadZipFile, OSError, RuntimeError, zlib.error, NotImplementedError):
        return "binary"
    return "zip"


def unpacked(path: Path, name: str, kind: str, folder: Path) -> tuple[Path, str]:
    """Unpack a compressed file, which holds one; return that file and its name.

    Parameters
    ----------
    path : Path
    name : str
    kind : {"gzip", "zip"}
    folder : Path
        Where it is written.

    Raises
    ------
    SurveyError
        It is broken, locked, holds several files, or far more than its size lets expect.
    """
    out = folder / "unpacked"
    try:
        if kind == "gzip":
            inner = Path(name).stem
            with gzip.open(path) as packed:
                _copy(packed, out, path, name)
        else:
            with zipfile.ZipFile(path) as archive:
                names = [
                    each
                    for each in archive.namelist()
                    if not each.startswith("__MACOSX/") and not each.split("/")[-1].startswith(".")
                    if not each.endswith("/")
                ]
                if len(names) != 1:
                    raise SurveyError(say("survey.file.zip_members", file=name, count=len(names)))
                inner = Path(names[0]).name
                with archive.open(names[0]) as packed:
                    _copy(packed, out, path, name)
    except _BROKEN as error:
        raise SurveyError(say("survey.file.not_kind", file=name, kind=_worded(kind))) from error
    if out.stat().st_size == 0:
        raise SurveyError(say("survey.file.empty", file=name))
    return out, inner


def demand_modest(size: int, path: Path, name: str) -> None:
    """Refuse what unpacks to far more than its size lets expect, before it fills the disk.

    Parameters
    ----------
    size : int
        Bytes that are unpacked, as far as that is known.
    path : Path
        The compressed file.
    name : str

    Raises
    ------
    SurveyError
    """
    if size > max(_UNPACKED, _TIMES * path.stat().st_size):
        raise SurveyError(say("survey.file.bomb", file=name, times=_TIMES))


def _copy(packed: IO[bytes] | gzip.GzipFile, out: Path, path: Path, name: str) -> None:
    done = 0
    with out.open("wb") as file:
        while piece := packed.read(_PIECE):
            done += len(piece)
            demand_modest(done, path, name)
            file.write(piece)
