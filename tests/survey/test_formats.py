"""Tables as the formats of files, and frames, give them."""

import datetime
import io
import sqlite3
import subprocess
import sys
from contextlib import closing

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backrisk.errors import SurveyError
from backrisk.graph import load_graph
from backrisk.survey import formats, read_survey
from backrisk.survey.formats import (
    csv_table,
    duckdb_table,
    frame_table,
    parquet_table,
    sqlite_table,
    statistics_table,
)
from backrisk.survey.lines import Text
from backrisk.survey.workbooks import excel_table
from tests.places import SHARED
from tests.survey._small import rows_of

pyreadstat = pytest.importorskip("pyreadstat")
READING = SHARED / "cases" / "reading"


@pytest.fixture
def rows(tmp_path):
    """Return a function from a table to its columns and rows of canonical text."""
    return lambda table: rows_of(table, tmp_path)


@pytest.fixture
def text(tmp_path):
    def write(said, **keys):
        path = tmp_path / "t.csv"
        path.write_text(said, encoding="utf-8", newline="")
        return Text(path, "t.csv", **keys)

    return write


@pytest.mark.parametrize(
    ("said", "columns", "cells"),
    [
        (' a ,b\n1,"x ""y"""\n,NULL\n', ("a", "b"), [("1", 'x "y"'), (None, "NULL")]),
        ('a,b\n"1\n2",3\r\n4,5', ("a", "b"), [("1\n2", "3"), ("4", "5")]),
        ("a,b\n1,2\n\n3,4\n", ("a", "b"), [("1", "2"), ("3", "4")]),
        ("a\n1\n\n2\n", ("a",), [("1",), ("2",)]),
        ("a,b\n", ("a", "b"), []),
        ("a\n", ("a",), []),
        ('a,b\n1,2"3\n', ("a", "b"), [("1", '2"3')]),  # only Python's reader takes it
    ],
)
def test_delimited_text_is_text(text, rows, tmp_path, said, columns, cells):
    assert rows(csv_table(text(said), tmp_path)) == (columns, cells)


def test_a_file_that_duckdb_leaves_off_is_read_on_by_python(text, rows, tmp_path, monkeypatch):
    lines = [f"{i},x" for i in range(5000)]
    lines[3000:3000] = ['7,8"9', "1", "1,2,3"]
    for module in (formats,):
        monkeypatch.setattr(module, "BATCH", 100)
    table = csv_table(text("a,b\n" + "\n".join(lines) + "\n"), tmp_path)
    _, found = rows(table)
    expected = [tuple(line.split(",")) for line in lines if line.count(",") == 1]
    assert found == expected
    assert [line for line, _ in table.refused] == [3003, 3004]


def test_an_index_that_pandas_stored_is_columns_like_any_other(rows, tmp_path):
    path = tmp_path / "t.parquet"
    frame = pd.DataFrame({"a": ["x", "y", "z"]})
    for index, columns, cells in [
        (pd.Index([1, 1, 2], name="key"), ("a", "key"), [("x", "1"), ("y", "1"), ("z", "2")]),
        (pd.RangeIndex(5, 11, 2, name="key"), ("key", "a"), [("5", "x"), ("7", "y"), ("9", "z")]),
        (pd.Index([4, 5, 7]), ("a",), [("x",), ("y",), ("z",)]),
        (pd.RangeIndex(3), ("a",), [("x",), ("y",), ("z",)]),
        (pd.MultiIndex.from_arrays([[1, 2, 3], [4, 5, 6]], names=["i", None]), ("a", "i"),
         [("x", "1"), ("y", "2"), ("z", "3")]),
    ]:  # fmt: skip
        held = frame.set_axis(index)
        held.to_parquet(path)
        found = rows(parquet_table(path, "t"))
        assert found == (columns, cells)
        names, of_frame = rows(frame_table(held))
        order = [names.index(name) for name in columns]
        assert [tuple(row[place] for place in order) for row in of_frame] == cells


def test_a_range_goes_on_from_batch_to_batch(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "BATCH", 2)
    frame = pd.DataFrame({"a": range(5)}, index=pd.RangeIndex(5, name="key"))
    frame.to_parquet(tmp_path / "t.parquet")
    assert rows(parquet_table(tmp_path / "t.parquet", "t"))[1] == [(str(i),) * 2 for i in range(5)]


@pytest.mark.skipif(not READING.is_dir(), reason="the given inputs are not beside the project")
@pytest.mark.parametrize("kind", ["pandas", "duckdb"])
def test_the_given_broken_parquet_files_are_read_or_named(kind):
    path = READING / f"parquet_{kind}_TRACE_1.parquet"
    try:
        read_survey(path, load_graph("runner"))
    except SurveyError as error:
        told = str(error)
    else:
        told = path.name
    assert path.name in told


@pytest.mark.parametrize("part", ["header", "middle", "end"])
def test_a_parquet_file_broken_anywhere_is_named_or_read(rows, tmp_path, part):
    path = tmp_path / "t.parquet"
    table = pa.table({"a": [f"cell {i % 7}" for i in range(2000)], "b": list(range(2000))})
    pq.write_table(table, path)
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(3)
    ends = (0, 64, len(whole) - 600, len(whole))
    place = ["header", "middle", "end"].index(part)
    refused = []
    for _ in range(40):
        broken = bytearray(whole)
        for at in rng.integers(ends[place], ends[place + 1], 3):
            broken[at] = int(rng.integers(256))
        path.write_bytes(broken)
        try:
            rows(parquet_table(path, "t"))
        except SurveyError as error:
            refused.append(str(error))
    assert set(refused) == {"t cannot be read as a Parquet file."}


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


def test_every_cell_of_sqlite_has_its_own_type(lite, rows):
    cells = [(30,), (29.5,), (61.0,), ("x",), (None,), (b"never",), (float("inf"),)]
    path = lite(
        'CREATE TABLE a (" plank ")', *(("INSERT INTO a VALUES (?)", cell) for cell in cells)
    )
    columns, found = rows(sqlite_table(path, "t", None))
    assert columns == ("plank",)
    assert [cell for (cell,) in found] == ["30", "29.5", "61", "x", "never", "inf"]


def test_views_are_tables_and_sqlites_own_are_not(lite, rows):
    path = lite(
        "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, x)",
        "INSERT INTO a (x) VALUES (1)",
        "CREATE VIEW b AS SELECT x + 1 FROM a",
    )
    with pytest.raises(SurveyError, match=r"^t contains 2 tables \(a, b\); choose one as"):
        sqlite_table(path, "t", None)
    assert rows(sqlite_table(path, "t", "b"))[1] == [("2",)]


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (None, "t contains 2 tables (a, odd \"b); choose one as 't::table'."),
        ("c", "t has no table 'c'; it contains a, odd \"b."),
        ("odd b", "t has no table 'odd b' (did you mean 'odd \"b'?); it contains a, odd \"b."),
    ],
)
def test_one_of_several_tables_is_chosen(duck, rows, tmp_path, chosen, words):
    path = duck("CREATE TABLE a (x INT)", 'CREATE TABLE "odd ""b" AS SELECT 7')
    with pytest.raises(SurveyError) as caught:
        duckdb_table(path, "t", chosen, tmp_path)
    assert str(caught.value) == words
    assert rows(duckdb_table(path, "t", 'odd "b', tmp_path)) == (("7",), [("7",)])


def test_ten_tables_are_named_and_none_where_there_is_none(duck, tmp_path):
    path = duck(*(f"CREATE TABLE t{i:02} (x INT)" for i in range(11)))
    with pytest.raises(SurveyError, match=r"11 tables \(t00, .*, t09\);"):
        duckdb_table(path, "t", None, tmp_path)
    path.unlink()
    for chosen in (None, "a"):
        with pytest.raises(SurveyError, match=r"^t contains no table\.$"):
            duckdb_table(duck(), "t", chosen, tmp_path)


def test_a_duckdb_file_that_another_program_writes_is_not_called_broken(tmp_path):
    path = tmp_path / "t.duckdb"
    code = f"import duckdb, time; c = duckdb.connect({str(path)!r}); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        other.stdout.readline()
        with pytest.raises(SurveyError, match=r"^t cannot be read: .*lock"):
            duckdb_table(path, "t", None, tmp_path)
        other.communicate(b"\n")


FRAME = pd.DataFrame(
    {"who": ["a", "b ", None], "pain": [1.0, 2.0, 99.0], "kg": [72.5, np.nan, 80.0],
     "day": [datetime.date(2024, 3, 1), None, datetime.date(2024, 3, 2)]}
)  # fmt: skip
LABELS = {"pain": {1: "none ", 2: "some", 99: "refused"}, "kg": {80: "eighty or more"}}


def test_labels_of_spss_are_said_and_their_codes_are_known(rows, tmp_path):
    path = tmp_path / "t.sav"
    pyreadstat.write_sav(
        FRAME, str(path), variable_value_labels=LABELS, missing_ranges={"pain": [99]}
    )
    table = statistics_table(path, "t.sav", "spss", None)
    assert table.codes == {
        1: {"none": "1", "some": "2", "refused": "99"},
        2: {"eighty or more": "80"},
    }
    assert rows(table) == (
        ("who", "pain", "kg", "day"),
        [
            ("a", "none", "72.5", "2024-03-01"),
            ("b", "some", None, None),
            (None, None, "eighty or more", "2024-03-02"),
        ],
    )


def test_two_codes_of_one_label_keep_their_codes(rows, tmp_path):
    path = tmp_path / "t.sav"
    labels = {"pain": {1: "same", 2: "same"}}
    pyreadstat.write_sav(FRAME[["pain"]], str(path), variable_value_labels=labels)
    table = statistics_table(path, "t.sav", "spss", None)
    assert rows(table)[1] == [("1",), ("2",), ("99",)]


@pytest.mark.parametrize("kind", ["stata", "sas"])
def test_stata_and_sas_are_read(rows, tmp_path, kind):
    path = tmp_path / {"stata": "t.dta", "sas": "t.xpt"}[kind]
    if kind == "stata":
        labels = {"pain": {1: "none", 2: "some"}}
        whole = FRAME.assign(pain=FRAME["pain"].astype("int32"))
        pyreadstat.write_dta(whole, str(path), variable_value_labels=labels)
    else:
        pyreadstat.write_xport(FRAME, str(path))
    first, second = ("none", "some") if kind == "stata" else ("1", "2")
    columns, found = rows(statistics_table(path, path.name, kind, None))
    assert columns == ("who", "pain", "kg", "day")
    assert found == [
        ("a", first, "72.5", "2024-03-01"),
        ("b", second, None, None),
        (None, "99", "80", "2024-03-02"),
    ]


def test_a_long_file_is_read_in_pieces(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "BATCH", 2)
    path = tmp_path / "t.sav"
    pyreadstat.write_sav(pd.DataFrame({"a": range(5)}), str(path))
    assert rows(statistics_table(path, "t.sav", "spss", None))[1] == [(str(i),) for i in range(5)]


@pytest.mark.parametrize("kind", ["duckdb", "sqlite", "excel", "spss", "stata", "sas", "parquet"])
def test_a_broken_file_is_named(rows, tmp_path, kind):
    path = tmp_path / "t"
    path.write_bytes(b"plank,ache\n30,often\n" * 400)
    read = {
        "duckdb": lambda: duckdb_table(path, "t", None, tmp_path),
        "sqlite": lambda: sqlite_table(path, "t", None),
        "excel": lambda: excel_table(path, "t", None),
        "parquet": lambda: parquet_table(path, "t"),
    }.get(kind, lambda: statistics_table(path, "t", kind, None))
    with pytest.raises(SurveyError, match=r"^t cannot be read as an? "):
        rows(read())


@pytest.mark.parametrize(
    ("read", "given", "package"),
    [(excel_table, (None,), "python-calamine"), (statistics_table, ("spss", None), "pyreadstat")],
)
def test_a_missing_package_is_named(tmp_path, monkeypatch, read, given, package):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    with pytest.raises(SurveyError, match=rf"t needs the package {package}: .*backrisk\[formats\]"):
        read(tmp_path / "t", "t", *given)


def test_frames_of_every_library_are_tables(rows):
    polars = pytest.importorskip("polars")
    frame = pd.DataFrame({"a": ["x", None], "b": [1.0, np.nan], "c": [True, False], "d": [1, 2]})
    arrow = pa.table(frame)
    expected = (("a", "b", "c", "d"), [("x", "1", "true", "1"), (None, None, "false", "2")])
    held = io.BytesIO()
    frame.to_parquet(held)
    for table in (
        frame, frame.astype(object), frame.convert_dtypes(), arrow, arrow.to_batches()[0],
        polars.from_arrow(arrow), polars.from_arrow(arrow).lazy(),
    ):  # fmt: skip
        assert rows(frame_table(table)) == expected
    assert frame_table({"a": [1]}) is None
    assert frame_table("a") is None


def test_columns_of_a_frame_may_share_a_name_and_hold_anything(rows):
    cells = [["x", 2**60 + 1, pd.NaT, "u"], [7.0, 1.5, None, "v"]]
    frame = pd.DataFrame(cells, dtype=object)
    frame.columns = ["a", "a", 3.0, None]
    frame["cat"] = pd.Categorical(["p", None])
    assert rows(frame_table(frame)) == (
        ("a", "a", "3", "", "cat"),
        [("x", str(2**60 + 1), None, "u", "p"), ("7", "1.5", None, "v", None)],
    )


@pytest.mark.parametrize(
    "cells",
    [
        pd.arrays.SparseArray([1.0, np.nan]),
        np.array([1, np.nan], np.longdouble),
        pd.Series([1, None], dtype=pd.ArrowDtype(pa.decimal128(4, 1))),
        pl.Series([1, None], dtype=pl.Int128),
        pl.Series([1, None], dtype=pl.Object),
    ],
)
def test_types_that_arrow_lacks_are_read_as_they_are_spelled(rows, cells):
    frame = (
        pl.DataFrame({"x": cells}) if isinstance(cells, pl.Series) else pd.DataFrame({"x": cells})
    )
    assert rows(frame_table(frame)) == (("x",), [("1",)])


def test_a_plan_that_fails_when_it_is_run_is_told():
    with pytest.raises(SurveyError, match=r"^The frame cannot be read: .*zz"):
        frame_table(pl.LazyFrame({"x": [1]}).select("zz"))


def test_dates_and_types_that_python_has_not_are_text(duck, rows, tmp_path):
    made = (
        "DATE 'infinity' a, DATE '0044-03-15 (BC)' b, '101'::BIT c, INTERVAL 1 DAY d, 7::BIGNUM e"
    )
    table = duckdb_table(duck(f"CREATE TABLE t AS SELECT {made}"), "t", None, tmp_path)
    (found,) = rows(table)[1]
    assert found[2:] == ("101", "1 day", "7")
    assert all(found[:2])


def test_tables_of_other_schemas_are_chosen_with_their_schema(duck, rows, tmp_path):
    path = duck("CREATE SCHEMA c", "CREATE TABLE c.t AS SELECT 7 a")
    for chosen in (None, "c.t"):
        assert rows(duckdb_table(path, "t", chosen, tmp_path)) == (("a",), [("7",)])
