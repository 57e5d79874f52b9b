"""Files of any kind as one Parquet file."""

import sqlite3
from contextlib import closing

import duckdb
import pyarrow.parquet as pq
import pytest

from backrisk.errors import SurveyError
from backrisk.survey import staging
from backrisk.survey.staging import parquet_columns, stage_csv, stage_duckdb, stage_sqlite


@pytest.fixture
def staged(tmp_path):
    return tmp_path / "rows.parquet"


def rows(staged):
    return [tuple(row.values()) for row in pq.read_table(staged).to_pylist()]


@pytest.fixture
def file(tmp_path):
    def write(text, name="t.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def lite(tmp_path):
    def make(*statements):
        path = tmp_path / "t.sqlite"
        with closing(sqlite3.connect(path)) as connection:
            for statement in statements:
                connection.execute(*statement if isinstance(statement, tuple) else (statement,))
            connection.commit()
        return path

    return make


@pytest.fixture
def duck(tmp_path):
    def make(*statements):
        path = tmp_path / "t.duckdb"
        with duckdb.connect(str(path)) as connection:
            for statement in statements:
                connection.execute(statement)
        return path

    return make


@pytest.mark.parametrize(
    ("text", "columns", "cells"),
    [
        (' a ,b\n1,"x ""y"""\n,NULL\n', ("a", "b"), [("1", 'x "y"'), ("", "NULL")]),
        ('a,b\n"1\n2",3\r\n4,5', ("a", "b"), [("1\n2", "3"), ("4", "5")]),
        ("a,b\n1,2\n\n3,4\n", ("a", "b"), [("1", "2"), ("3", "4")]),
        ("a\n1\n\n2\n", ("a",), [("1",), ("2",)]),
        ("a,b\n", ("a", "b"), []),
        ("a\n", ("a",), []),
    ],
)
def test_csv_is_copied_as_text(file, staged, text, columns, cells):
    refused = []
    assert stage_csv(file(text), staged, refused) == columns
    assert rows(staged) == cells
    assert refused == []


def test_records_of_another_width_are_set_aside(file, staged):
    refused = []
    stage_csv(file("a,b\n1,2\n3\n4,5,6\n7,8\n"), staged, refused)
    assert rows(staged) == [("1", "2"), ("7", "8")]
    assert refused == [
        (3, "t.csv, row 3: 1 values, expected 2."),
        (4, "t.csv, row 4: 3 values, expected 2."),
    ]


def test_many_rows_are_written_in_batches(file, staged, monkeypatch):
    monkeypatch.setattr(staging, "_BATCH", 2)
    stage_csv(file("a\n1\n2\n3\n"), staged, [])
    assert rows(staged) == [("1",), ("2",), ("3",)]
    assert pq.ParquetFile(staged).num_row_groups == 2


def test_every_cell_of_sqlite_is_spelled_as_a_csv_file_would(lite, staged):
    cells = [(30,), (29.5,), (61.0,), ("x",), (None,), (b"never",), (float("inf"),)]
    path = lite(
        'CREATE TABLE a (" plank ")', *(("INSERT INTO a VALUES (?)", cell) for cell in cells)
    )
    assert stage_sqlite(path, None, staged) == ("plank",)
    assert [cell for (cell,) in rows(staged)] == ["30", "29.5", "61", "x", None, "never", "inf"]


def test_views_are_tables_and_sqlites_own_are_not(lite, staged):
    path = lite(
        "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, x)",
        "INSERT INTO a (x) VALUES (1)",
        "CREATE VIEW b AS SELECT x + 1 FROM a",
    )
    with pytest.raises(SurveyError, match=r"^t\.sqlite contains 2 tables \(a, b\); choose one as"):
        stage_sqlite(path, None, staged)
    stage_sqlite(path, "b", staged)
    assert rows(staged) == [("2",)]


def test_a_duckdb_table_keeps_its_types(duck, staged):
    path = duck("CREATE TABLE a AS SELECT 1 AS x, 'y' AS \" y \"")
    assert stage_duckdb(path, None, staged) == ("x", "y")
    assert rows(staged) == [(1, "y")]


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (None, "t.duckdb contains 2 tables (a, odd \"b); choose one as 't.duckdb::table'."),
        ("c", "t.duckdb has no table 'c'; it contains a, odd \"b."),
        ("odd b", "t.duckdb has no table 'odd b' (did you mean 'odd \"b'?); it contains a, odd "
         '"b.'),
    ],
)  # fmt: skip
def test_one_of_several_tables_is_chosen(duck, staged, chosen, words):
    path = duck("CREATE TABLE a (x INT)", 'CREATE TABLE "odd ""b" AS SELECT 7')
    with pytest.raises(SurveyError) as caught:
        stage_duckdb(path, chosen, staged)
    assert str(caught.value) == words
    stage_duckdb(path, 'odd "b', staged)
    assert rows(staged) == [(7,)]


def test_ten_tables_are_named_and_none_where_there_is_none(duck, staged):
    path = duck(*(f"CREATE TABLE t{i:02} (x INT)" for i in range(11)))
    with pytest.raises(SurveyError, match=r"11 tables \(t00, .*, t09\);"):
        stage_duckdb(path, None, staged)
    path.unlink()
    for chosen in (None, "a"):
        with pytest.raises(SurveyError, match=r"^t\.duckdb contains no table\.$"):
            stage_duckdb(duck(), chosen, staged)


def test_a_file_that_is_not_what_its_name_says(file, staged):
    path = file("plank,ache\n30,often\n" * 400)
    for stage, kind in ((stage_duckdb, "DuckDB"), (stage_sqlite, "SQLite")):
        with pytest.raises(SurveyError, match=rf"^t\.csv is not a {kind} file that can be read\.$"):
            stage(path, None, staged)
    with pytest.raises(SurveyError, match=r"^t\.csv is not a Parquet file that can be read\.$"):
        parquet_columns(path)
