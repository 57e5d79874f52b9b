"""What kind of file a file is, by its ending and its content."""

import gzip
import io
import json
import sqlite3
import zipfile
from contextlib import closing

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backrisk.errors import SurveyError
from backrisk.survey import kinds
from backrisk.survey.kinds import kind_of, unpacked

pyreadstat = pytest.importorskip("pyreadstat")
FRAME = pd.DataFrame({"a": ["x", "y"], "b": [1.0, 2.0]})


def write(kind, path):
    """Write a small table of a kind."""
    if kind == "csv":
        FRAME.to_csv(path, index=False)
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pandas(FRAME), path)
    elif kind == "duckdb":
        with duckdb.connect(str(path)) as connection:
            connection.execute("CREATE TABLE a AS SELECT 1 AS x")
    elif kind == "sqlite":
        with closing(sqlite3.connect(path)) as connection:
            FRAME.to_sql("t", connection, index=False)
    elif kind == "excel":
        held = io.BytesIO()
        FRAME.to_excel(held, index=False)
        path.write_bytes(held.getvalue())
    elif kind == "spss":
        pyreadstat.write_sav(FRAME, str(path))
    elif kind == "stata":
        pyreadstat.write_dta(FRAME, str(path))
    elif kind == "sas":
        pyreadstat.write_xport(FRAME, str(path))
    elif kind == "gzip":
        path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inner.csv", "a,b\n1,2\n")
    elif kind == "json":
        path.write_text(json.dumps({"a": 1}))
    elif kind == "html":
        path.write_text("<html><table></table></html>")
    elif kind == "pdf":
        path.write_bytes(b"%PDF-1.7\n")
    elif kind == "binary":
        path.write_bytes(b"a,b\n1,\0\n")
    return path


NAMES = {
    "csv": "t.csv", "parquet": "t.parquet", "duckdb": "t.ddb", "sqlite": "t.db",
    "excel": "t.xlsx", "spss": "t.sav", "stata": "t.dta", "sas": "t.xpt", "gzip": "t.csv.gz",
    "zip": "t.zip",
}  # fmt: skip
WORDS = {
    "csv": "a text file", "parquet": "a Parquet file", "duckdb": "a DuckDB file",
    "sqlite": "a SQLite file", "excel": "an Excel file", "spss": "an SPSS file",
    "stata": "a Stata file", "sas": "a SAS file", "gzip": "a gzip file", "zip": "a zip file",
    "json": "a JSON file", "html": "a web page", "pdf": "a PDF file",
}  # fmt: skip


@pytest.mark.parametrize("said", NAMES)
@pytest.mark.parametrize("kind", NAMES)
def test_a_file_of_another_kind_than_its_name_says_is_named_rightly(tmp_path, kind, said):
    name = NAMES[said]
    path = write(kind, tmp_path / NAMES[kind]).rename(tmp_path / name)
    if kind == said:
        assert kind_of(path, name) == kind
        assert kind_of(path, "t.dat") == kind
    else:
        words = f"{name} is {WORDS[kind]}, not {WORDS[said]} as its name says; rename it."
        with pytest.raises(SurveyError) as caught:
            kind_of(path, name)
        assert str(caught.value) == words


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx", "t"])
@pytest.mark.parametrize("kind", ["json", "html", "pdf", "binary"])
def test_a_file_that_is_no_table_is_named(tmp_path, kind, name):
    with pytest.raises(SurveyError, match=f"^{name} is {WORDS.get(kind, 'no text')}"):
        kind_of(write(kind, tmp_path / name), name)


def test_text_of_two_bytes_a_character_is_text(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("a,b\n1,2\n".encode("utf-16"))
    assert kind_of(path, "t.csv") == "csv"
    path.write_bytes("a,b\n1,2\n".encode("utf-16-le"))
    assert kind_of(path, "t.csv", "utf-16-le") == "csv"


def test_one_file_is_unpacked_and_several_are_not(tmp_path):
    for kind, inner in (("gzip", "t.csv"), ("zip", "inner.csv")):
        path = write(kind, tmp_path / NAMES[kind])
        found, name = unpacked(path, path.name, kind, tmp_path)
        assert (name, found.read_text()) == (inner, "a,b\n1,2\n")
    with zipfile.ZipFile(tmp_path / "t.zip", "a") as archive:
        archive.writestr("__MACOSX/inner.csv", "")
    assert unpacked(tmp_path / "t.zip", "t.zip", "zip", tmp_path)[1] == "inner.csv"
    with zipfile.ZipFile(tmp_path / "t.zip", "a") as archive:
        archive.writestr("other.csv", "")
    with pytest.raises(SurveyError, match=r"^t\.zip contains 2 files, expected one"):
        unpacked(tmp_path / "t.zip", "t.zip", "zip", tmp_path)


@pytest.mark.parametrize("kind", ["gzip", "zip"])
def test_a_broken_archive_is_named(tmp_path, kind):
    path = write(kind, tmp_path / "t")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SurveyError, match=f"^t cannot be read as {WORDS[kind]}"):
        unpacked(path, "t", kind, tmp_path)


@pytest.mark.parametrize("kind", ["gzip", "zip"])
def test_a_file_that_unpacks_without_end_is_refused(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(kinds, "_UNPACKED", 1 << 16)
    monkeypatch.setattr(kinds, "_PIECE", 1 << 12)
    path, zeros = tmp_path / NAMES[kind], bytes(1 << 22)
    if kind == "gzip":
        path.write_bytes(gzip.compress(zeros))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("t.csv", zeros)
    with pytest.raises(SurveyError, match="unpacks to more than 200 times its size"):
        unpacked(path, path.name, kind, tmp_path)
    assert (tmp_path / "unpacked").stat().st_size < len(zeros) / 2
