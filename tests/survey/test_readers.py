"""Files opened as tables of an engine."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backrisk.errors import SurveyError
from backrisk.survey import batches, opened
from backrisk.survey.readers import demand_file, needs_engine
from tests.survey._small import source as in_memory


@pytest.fixture
def file(tmp_path):
    def write(text, name="t.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def held(source):
    return source.table.order_by("row").to_pyarrow().to_pylist()


def test_a_csv_file_is_a_table_whose_rows_are_lines(file):
    path = file(' a ,b\n1,x\n\n"2\n3",y\n4,z\n')
    with opened(path) as source:
        assert source.name == "t.csv"
        assert source.columns == ("a", "b")
        assert held(source) == [
            {"c0": "1", "c1": "x", "row": 0},
            {"c0": "2\n3", "c1": "y", "row": 1},
            {"c0": "4", "c1": "z", "row": 2},
        ]
        assert source.rows([2, 0]) == [6, 2]
        assert source.rows([]) == []
        assert list(source.numbers()) == [2, 4, 6]
        assert source.refused == ()


def test_records_of_another_width_are_an_error_or_are_left_out(file):
    path = file("a,b\n1\n2,3\n4,5,6\n7,8\n")
    with pytest.raises(SurveyError) as caught, opened(path):
        pass
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "t.csv, row 2", "t.csv, row 4",
    ]  # fmt: skip
    with opened(path, lenient=True) as source:
        assert [line for line, _ in source.refused] == [2, 4]
        assert source.rows([0, 1]) == [3, 5]
        assert [row["c0"] for row in held(source)] == ["2", "7"]


@pytest.mark.parametrize("suffix", ["parquet", "pq", "PARQUET"])
def test_records_of_a_parquet_file_are_counted_from_one(tmp_path, suffix):
    path = tmp_path / f"t.{suffix}"
    pq.write_table(pa.table({" a ": [1, 2], "b": [None, "x"]}), path)
    with opened(path) as source:
        assert (source.columns, source.text) == (("a", "b"), None)
        assert held(source)[1] == {"c0": 2, "c1": "x", "row": 1}
        assert source.rows([1, 0]) == [2, 1]


def test_a_table_without_a_file_has_rows_from_one_and_none_refused():
    source = in_memory(pa.table({"a": ["x", "y"]}))
    assert (source.text, source.refused) == (None, ())
    assert source.rows([1, 0]) == [2, 1]


def test_batches_hold_no_more_than_asked(file):
    with opened(file("a,b\n" + "1,2\n" * 5)) as source:
        found = [len(batch) for batch in batches(source.table, 2)]
    assert found == [2, 2, 1]


@pytest.mark.parametrize(
    ("path", "yes"),
    [("a.duckdb", True), ("a.ddb", True), ("a.sqlite", True), ("a.sqlite3", True), ("a.db", True),
     ("a.DB::t", True), ("a.csv", False), ("a.parquet", False), ("a.csv::x.db", False)],
)  # fmt: skip
def test_what_needs_an_engine_is_known_by_its_ending(path, yes):
    assert needs_engine(path) is yes


def test_a_file_must_be_there_and_hold_something(tmp_path, file):
    demand_file(file("x"))
    for path, words in [
        (tmp_path, f"{tmp_path} is a folder, expected a file."),
        (tmp_path / "none.csv", f"{tmp_path / 'none.csv'}: there is no such file."),
        (file(""), "t.csv is empty, expected a header and one row per person."),
    ]:
        with pytest.raises(SurveyError) as caught, opened(path):
            pass
        assert str(caught.value) == words


def test_a_wrong_engine_and_a_table_of_a_csv_file_are_refused(file):
    path = file("a,b\n1,2\n")
    with (
        pytest.raises(SurveyError, match=r"engine 'polars'; .* expected one of duckdb, spark\.$"),
        opened(path, "polars"),
    ):
        pass
    with (
        pytest.raises(SurveyError, match=r"^t\.csv has only one table; '::x' chooses a table of"),
        opened(f"{path}::x"),
    ):
        pass


def test_a_missing_package_is_named_with_what_installs_it(file, monkeypatch):
    path = file("a,b\n1,2\n")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with (
        pytest.raises(SurveyError, match=r"ibis-framework\[duckdb\]: .* 'backrisk\[scale\]'\.$"),
        opened(path),
    ):
        pass
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "pyspark" else 1)
    with (
        pytest.raises(SurveyError, match=r"package pyspark: pip install 'backrisk\[spark\]'\.$"),
        opened(path, "spark"),
    ):
        pass


def test_a_chosen_table_is_named_with_its_file(tmp_path):
    path = tmp_path / "t.sqlite"
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(path)) as connection:
        pd.DataFrame({"a": ["x"]}).to_sql("answers", connection, index=False)
    with opened(f"{path}::answers") as source:
        assert source.name == "t.sqlite::answers"
        assert source.columns == ("a",)
