"""Tables of any kind, opened as canonical text."""

import gzip
import sqlite3
import zipfile
from contextlib import closing

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backrisk.cohort import score
from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.survey import opened, path_of, read_survey
from backrisk.survey.readers import demand_file


@pytest.fixture
def file(tmp_path):
    def write(text, name="t.csv", encoding="utf-8"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode(encoding))
        return path

    return write


def held(source):
    return [tuple(row.values()) for row in pq.read_table(source.path).to_pylist()]


def test_a_csv_file_is_a_table_whose_rows_are_lines(file):
    path = file(' a ,b\n1,x\n\n,\n"2\n3",y\n4,z\n')
    with opened(path) as source:
        assert (source.name, source.columns, source.engine) == ("t.csv", ("a", "b"), "duckdb")
        assert held(source) == [("1", "x", 0), ("2\n3", "y", 2), ("4", "z", 3)]
        assert source.rows([3, 0, 2]) == [7, 2, 5]
        assert source.rows([]) == []
        assert list(source.numbers()) == [2, 4, 5, 7]
        assert (source.refused, source.blank) == ((), 1)


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
        assert [row[0] for row in held(source)] == ["2", "7"]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a;b\n1,5;x\n", {}),
        ("a\tb\n1,5\tx\n", {}),
        ("sep=|\na|b\n1,5|x\n", {}),
        ("a;b,c\n1,5;x,y\n", {"delimiter": ";"}),
    ],
)
def test_columns_are_divided_by_any_mark(file, text, options):
    with opened(file(text), **options) as source:
        assert held(source)[0][0] == "1,5"
        assert source.columns[0] == "a"
        assert len(source.columns) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("packed", ["", ".gz", ".zip"])
def test_text_of_any_encoding_is_read_also_compressed(file, encoding, packed):
    path = file("ä,b\nö,1\n", encoding=encoding)
    if packed == ".gz":
        path = path.with_name("t.csv.gz")
        path.write_bytes(gzip.compress(path.with_name("t.csv").read_bytes()))
    elif packed:
        with zipfile.ZipFile(path.with_name("t.zip"), "w") as archive:
            archive.write(path, "folder/t.csv")
        path = path.with_name("t.zip")
    with opened(path, encoding="cp1252" if encoding == "cp1252" else None) as source:
        assert (source.columns, held(source)) == (("ä", "b"), [("ö", "1", 0)])
        assert source.rows([0]) == [2]


def test_a_file_compressed_twice_is_refused(tmp_path):
    path = tmp_path / "t.csv.gz.gz"
    path.write_bytes(gzip.compress(gzip.compress(b"a,b\n1,2\n")))
    with pytest.raises(SurveyError, match="compressed twice"), opened(path):
        pass


MARKED = ["t[1]", "t*", "t?", "a=b", "t{1,2}", "~t", "t'", 't"', "t::x", "-", "t%20"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("name", MARKED)
def test_the_name_of_a_file_is_what_it_says(tmp_path, name, kind):
    graph = CausalGraph.from_edges([("a", "b")], {"a": ["none", "some"], "b": ["no", "yes"]})
    folder = tmp_path / "b=yes"  # as if it gave every row a column
    folder.mkdir()
    for stem, said in (("t1", "some"), ("t2", "some"), ("tx", "some"), (name, "none")):
        frame = pd.DataFrame({"a": [said], "b": ["no"]})
        path = folder / f"{stem}.{kind}"
        frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    for engine in (None, "duckdb"):
        found = read_survey(folder / f"{name}.{kind}", graph, engine=engine)
        assert found.codes.tolist() == [[0, 0]]


def test_many_files_are_one_table_only_where_that_is_asked(file, tmp_path):
    for name, text in (("x1", "a,b\n1,2\n,\n3,4\n"), ("x2", "a ,b\n\n5,z\n"), (".x3", "c\n1\n")):
        file(text, f"all/{name}.csv")
    for path in (tmp_path / "all", tmp_path / "all" / "x*.csv", tmp_path / "*" / "x[12].csv"):
        with pytest.raises(SurveyError), opened(path):
            pass
        with opened(path, glob=True) as source:
            assert [row[:2] for row in held(source)] == [("1", "2"), ("3", "4"), ("5", "z")]
            assert source.rows([0, 2, 3]) == [2, 4, 3]
            assert [source.file_of(record) for record in (0, 2, 3)] == ["x1.csv"] * 2 + ["x2.csv"]
    graph = CausalGraph.from_edges([("a", "b")], {"a": ["1", "3", "5"], "b": ["2", "4"]})
    with pytest.raises(SurveyError, match=r"^x2\.csv, row 3, column 'b': value 'z'"):
        read_survey(tmp_path / "all", graph, glob=True)
    file("a,c\n1,2\n", "all/x4.csv")
    with (
        pytest.raises(SurveyError, match=r"x4\.csv has other columns than x1\.csv"),
        opened(tmp_path / "all", glob=True),
    ):
        pass
    with pytest.raises(SurveyError, match="no file matches"), opened(tmp_path / "z*", glob=True):
        pass


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
    for path in ("x" * 5000, "a\0b"):
        with pytest.raises(SurveyError, match=r"cannot be read: |no such file"), opened(path):
            pass


def test_what_is_stated_must_be_possible(file):
    path = file("a,b\n1,2\n")
    for options, words in [
        ({"engine": "polars"}, r"engine 'polars'; expected one of duckdb, spark\.$"),
        ({"decimal": "x"}, "Decimals follow '.' or ',', not 'x'"),
    ]:
        with pytest.raises(SurveyError, match=words), opened(path, **options):
            pass
    with (
        pytest.raises(SurveyError, match=r"^t\.csv has only one table; '::x' chooses a table of"),
        opened(f"{path}::x"),
    ):
        pass


def test_a_missing_package_is_named_with_what_installs_it(file, monkeypatch):
    monkeypatch.setattr("backrisk.survey.formats.find_spec", lambda name: None)
    with (
        pytest.raises(SurveyError, match=r"package pyspark: pip install 'backrisk\[spark\]'\.$"),
        opened(file("a,b\n1,2\n"), "spark"),
    ):
        pass


def test_a_chosen_table_is_named_with_its_file(tmp_path):
    path = tmp_path / "t.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        pd.DataFrame({"a": ["x"]}).to_sql("answers", connection, index=False)
    with opened(f"{path}::answers") as source:
        assert source.name == "t.sqlite::answers"
        assert source.columns == ("a",)
    assert path_of(f"{path}::answers") == path_of(path) == path
    assert path_of(pd.DataFrame()) is None


def test_a_frame_is_a_table(tmp_path):
    frame = pa.table({"a": ["x"], "b": [1.0]})
    with opened(frame) as source:
        assert (source.name, source.columns, held(source)) == ("frame", ("a", "b"), [("x", "1", 0)])
    with opened(frame, name="mine") as source:
        assert source.name == "mine"
    with pytest.raises(SurveyError, match="a path or a frame"), opened([1]):
        pass
    with pytest.raises(SurveyError, match="frame has no header"), opened(pd.DataFrame()):
        pass


def test_the_folder_for_temporary_files_may_have_any_name(tmp_path, monkeypatch, file):
    folder = tmp_path / "b=yes" / "t[1]*"
    folder.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    path = file("sep=;\na;b\nnone;no\nsome;no\n", encoding="utf-16")
    graph = CausalGraph.from_edges([("a", "b")], {"a": ["none", "some"], "b": ["no", "yes"]})
    for engine in (None, "duckdb"):
        assert read_survey(path, graph, engine=engine).codes.tolist() == [[0, 0], [1, 0]]
    model = Posterior.from_cpts(graph, {"a": [0.5, 0.5], "b": [[0.9, 0.1], [0.2, 0.8]]})
    done = score(model, path, tmp_path / "out.csv")
    assert pd.read_csv(done.out)["risk"].tolist() == pytest.approx([0.1, 0.8])
