"""Tables through Ibis: the same codes, patterns and problems as the reading with pandas."""

import csv
import shutil
import sqlite3
from contextlib import closing

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from backrisk.check import predicted_margins
from backrisk.errors import FitError, SurveyError
from backrisk.fitting import fit, log_likelihood
from backrisk.graph import CausalGraph, load_graph
from backrisk.posterior import simulate
from backrisk.survey import (
    Codebook,
    Survey,
    cell_problems,
    dictionary,
    encode_table,
    engine,
    load_codebook,
    read_survey,
    tabulate,
)
from backrisk.survey.engine import tabulate_source
from tests.survey._small import source

GRAPH = CausalGraph.from_edges(
    [("core", "pain"), ("bmi", "pain"), ("load", "pain"), ("gym", "core")],
    {
        "gym": ["yes", "no"],
        "core": ["strong", "middling", "weak"],
        "bmi": ["low", "high"],
        "load": ["low", "high"],
        "pain": ["no", "yes"],
    },
    name="mine",
)
CODEBOOK = Codebook.from_dict(
    {
        "name": "small",
        "graph": "mine",
        "missing": ["", "NA", "-9", "unknown"],
        "columns": {
            "plank": {"item": "core", "reliability": 0.6, "type": "number", "range": [0, 600],
                      "cuts": [30, 60.5], "states": ["weak", "middling", "strong"]},
            "ache": {"node": "pain", "labels": {"never": "no", "often": "yes", "1": "yes"},
                     "nonresponse": {"mean": 0.5, "sd": 0.5, "share": 0.1}},
            "kg": {"role": "input", "type": "number", "range": [30, 200], "outside": "missing"},
            "cm": {"role": "input", "type": "number"},
            "week": {"role": "input", "type": "number"},
            "month": {"role": "input", "type": "number"},
            "sport": {"role": "input", "type": "text"},
            "more": {"role": "input", "type": "text"},
            "mood": {"role": "input", "type": "label", "labels": {"up": "fine", "down": "low"}},
        },
        "derived": {
            "b": {"node": "bmi", "derive": "bmi", "from": ["kg", "cm"], "cuts": [25]},
            "r": {"node": "load", "derive": "ratio", "from": ["week", "month"], "cuts": [1.1]},
            "g": {"node": "gym", "derive": "first_match", "from": ["sport", "more"],
                  "otherwise": "no",
                  "rules": [{"state": None, "when": [{"any": ["more"], "contains": ["never"]}]},
                            {"state": "yes",
                             "when": [{"any": ["sport", "more"], "contains": ["gym*", "lift"]}]}]},
        },
        "weight": "w",
        "site": "club",
        "ignore": ["id", "day"],
    },
    GRAPH,
)  # fmt: skip
ONE_EACH = {
    keep: Codebook.from_dict(
        {**CODEBOOK.to_dict(), "one_row_per": {"column": "id", "by": "day", "keep": keep}}, GRAPH
    )
    for keep in ("first", "last")
}
TEXTS = ["gym", "Gymnast", "we never lift", 'lift, "run"', "a\nb", "forklift", "", "NA", "ä gym "]
CELLS = {
    "plank": ["30", "29.999999999999996", "60.5", "60.49999999999999", "-9", "", " 45", "4.5e1",
              "NA", "600", "0", "-0", "٣٠", "+7", "600.0000000000000000001"],
    "ache": ["never", "often", "1", "", "NA", " often ", "unknown"],
    "kg": ["80", "72.25", "29.9", "1000", "", "-9", "0080"],
    "cm": ["170", "178.5", "0", "160", "", "1e-200"],
    "week": ["11", "0", "7.7", "-3", "", "1e300"],
    "month": ["10", "0", "7", "-0", "", "1e-300"],
    "sport": TEXTS,
    "more": TEXTS,
    "mood": ["up", "down", "", "NA"],
    "club": ["north", " north", "south", "Östlich", "1"],
    "w": ["1", "0.5", "2e0", "0", " 3 ", "1_0"],
    "id": ["7", " 7", "8", "", "NA", "x\u2003", "x"],
    "day": ["2012-03-01", "2011-12-24", "", "x", "1.1.2013"],
}  # fmt: skip
WRONG = {"plank": "601", "ache": "offen", "cm": "tall", "mood": "fine", "w": "-1", "club": " ",
         "week": "1_0", "month": "inf"}  # fmt: skip


@st.composite
def texts(draw, wrong=False):
    """Return the rows of a table by column, all cells text, now and then a wrong one."""
    names = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=2, unique=True))
    if not set(names) & set(CODEBOOK.columns):
        names.append("ache")
    cells = {
        name: st.sampled_from(CELLS[name] + ([WRONG[name]] if wrong and name in WRONG else []))
        for name in names
    }
    rows = st.lists(st.tuples(*cells.values()), min_size=1, max_size=25)
    return pd.DataFrame(draw(rows), columns=names, dtype=object)


def patterns(survey):
    """Return people, weight and squared weight of each pattern of answers and site."""
    found = tabulate(survey)
    sites = [None] * len(found.codes) if found.site is None else found.site
    return {
        (site if site is None else survey.sites[site], *codes): (people, weight, square)
        for site, codes, people, weight, square in zip(
            sites, found.codes.tolist(), found.people, found.weights, found.squares, strict=True
        )
    }


def outcome(path, codebook, engine, graph=GRAPH):
    try:
        survey = read_survey(path, graph, codebook, engine=engine)
    except SurveyError as error:
        return list(error.problems)
    found = patterns(survey)
    return {key: tuple(np.round(value, 9)) for key, value in found.items()}, survey.sites, survey.n


SETTINGS = settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example takes a second: no shrinking
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@SETTINGS
@given(
    frame=texts(wrong=True),
    codebook=st.sampled_from([CODEBOOK, *ONE_EACH.values()]),
    many=st.booleans(),
)
def test_a_file_of_text_reads_as_with_pandas(tmp_path, monkeypatch_each, frame, codebook, many):
    path = tmp_path / "answers.csv"
    frame.to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    # Where a column has more distinct cells than this, the engine itself reads plain numbers.
    monkeypatch_each(2 if many else 100_000)
    assert outcome(path, codebook, "duckdb") == outcome(path, codebook, "pandas")


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize(
    ("codebook", "wrong"),
    [(CODEBOOK, True), (CODEBOOK, False), *((each, False) for each in ONE_EACH.values())],
    ids=["wrong", "all", *ONE_EACH],
)
def test_every_cell_of_a_file_reads_as_with_pandas(tmp_path, monkeypatch, codebook, wrong, many):
    rng = np.random.default_rng(5)
    cells = {name: CELLS[name] + ([WRONG[name]] if wrong and name in WRONG else [])
             for name in CELLS}  # fmt: skip
    frame = pd.DataFrame({name: rng.choice(each, 60) for name, each in cells.items()}, dtype=object)
    path = tmp_path / "answers.csv"
    frame.to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    monkeypatch.setattr(dictionary, "CHUNK", 2 if many else 100_000)
    assert outcome(path, codebook, "duckdb") == outcome(path, codebook, "pandas")


def coded(frame, codebook=CODEBOOK):
    table = source(pa.Table.from_pandas(frame, preserve_index=False))
    graph = codebook.extend(GRAPH)
    return table, encode_table(table, codebook, graph), graph


def test_codes_are_packed_into_words_and_come_out_again(monkeypatch):
    frame = pd.DataFrame(
        {"plank": ["30", "90", "", "601"], "ache": ["often", "never", None, "often"],
         "club": ["b", "a", "b", "b"], "w": ["1", "2", "3", "4"]}
    )  # fmt: skip
    for limit, count in ((2**62, 1), (13, 2), (2, 4)):
        monkeypatch.setattr(engine, "_WORD", limit)
        _, found, graph = coded(frame)
        held = found.table.order_by("row").to_pyarrow()
        # A word that a first digit already fills begins a new one after it.
        assert len([word for word in found.digits if word]) == (3 if limit == 2 else count)
        words = [held[word].to_numpy() for word in found.words]
        codes = found.unpack(words, len(graph.names))
        assert codes.shape == (4, len(graph.names) + 1)
        assert codes[:, graph.names.index("plank")].tolist() == [1, 0, -1, -1]
        assert codes[:, graph.names.index("pain")].tolist() == [1, 0, -1, 1]
        assert codes[:, graph.names.index("bmi")].tolist() == [-1] * 4
        assert codes[:, -1].tolist() == [1, 0, 1, 1]
        assert found.sites == ("a", "b")
        assert held[found.bad["plank"]].to_pylist() == [False, False, False, True]
        assert held["weight"].to_pylist() == [1.0, 2.0, 3.0, 4.0]


def test_patterns_are_sorted_by_site_and_then_by_the_order_of_the_nodes():
    frame = pd.DataFrame(
        {"plank": ["90", "30", "30", "30", "90"], "ache": ["often", "never", "often", "never", ""],
         "club": ["b", "b", "a", "b", "a"], "w": ["1", "2", "3", "0.5", "1"]}
    )  # fmt: skip
    table, _, graph = coded(frame)
    found = tabulate_source(table, CODEBOOK, graph)
    rows = np.column_stack([found.site, found.codes])
    assert rows.tolist() == sorted(rows.tolist())
    assert len(rows) == 4
    assert found.people.tolist() == [1, 1, 2, 1]
    assert found.weights.tolist() == [1.0, 3.0, 2.5, 1.0]
    assert found.squares.tolist() == [1.0, 9.0, 4.25, 1.0]


def test_without_weights_or_sites_there_are_none():
    table, _, graph = coded(pd.DataFrame({"ache": ["often", "often"]}))
    found = tabulate_source(table, CODEBOOK, graph)
    assert (found.weights, found.squares, found.site, found.sites) == (None, None, None, ())
    assert found.people.tolist() == [2]


def test_refused_cells_are_told_by_row_up_to_a_limit():
    frame = pd.DataFrame(
        {"plank": ["x", "30", "601", "-1"], "ache": ["often", "offen", "oft", "never"],
         "w": ["1", "1", "-1", "1"]}
    )  # fmt: skip
    table, found, _ = coded(frame)
    told = cell_problems(table, found, CODEBOOK)
    assert [(cell.row, cell.column, cell.value) for cell in told] == [
        (1, "plank", "x"),
        (2, "ache", "offen"),
        (3, "plank", "601"),
        (3, "ache", "oft"),
        (3, "w", "-1"),
        (4, "plank", "-1"),
    ]
    assert told[0].expected == "a number from 0 to 600"
    assert cell_problems(table, found, CODEBOOK, 4) == told[:4]
    with pytest.raises(SurveyError) as caught:
        tabulate_source(table, CODEBOOK, CODEBOOK.extend(GRAPH))
    assert list(caught.value.problems) == [cell.sentence("t") for cell in told]


@pytest.fixture
def monkeypatch_each(monkeypatch):
    return lambda size: monkeypatch.setattr(dictionary, "CHUNK", size)


@st.composite
def typed(draw):
    """Return a typed table by column, as Parquet files and databases hold them."""
    number = st.floats(0, 601, width=64) | st.sampled_from([30.0, 60.5, 600.5, -9.0, float("inf")])
    columns = {
        "plank": st.none() | number,
        "kg": st.none() | st.integers(-9, 250),
        "cm": st.none() | st.decimals("100", "220", places=2),
        "week": st.none() | st.floats(0, 50, width=64) | st.just(float("nan")),
        "month": st.none() | st.integers(0, 50),
        "ache": st.none() | st.sampled_from(["never", "often"]),
        "sport": st.none() | st.sampled_from(["gym", "swim"]),
        "club": st.integers(1, 3),
        "w": st.floats(0, 3, width=64),
    }
    names = draw(st.lists(st.sampled_from(sorted(columns)), min_size=2, unique=True))
    if not set(names) & set(CODEBOOK.columns):
        names.append("ache")
    rows = draw(st.lists(st.tuples(*(columns[name] for name in names)), min_size=1, max_size=20))
    kinds = {"kg": pa.int16(), "month": pa.int64(), "club": pa.int32(), "cm": pa.decimal128(7, 2)}
    kinds |= dict.fromkeys(("plank", "week", "w"), pa.float64())
    return pa.table(
        {
            name: pa.array(column, kinds.get(name, pa.string()))
            for name, column in zip(names, zip(*rows, strict=True), strict=True)
        }
    )


@SETTINGS
@given(table=typed(), many=st.booleans())
def test_typed_columns_read_as_with_pandas(tmp_path, monkeypatch_each, table, many):
    path = tmp_path / "answers.parquet"
    pq.write_table(table, path)
    monkeypatch_each(2 if many else 100_000)
    assert outcome(path, CODEBOOK, "duckdb") == outcome(path, CODEBOOK, "pandas")


def test_a_cell_that_is_no_number_is_missing_whatever_the_file_says_of_its_range(tmp_path):
    path = tmp_path / "answers.parquet"
    # Parquet's statistics leave NaN out: they say that all kilograms lie between 50 and 80.
    table = pa.table({"kg": [50.0, float("nan"), 80.0], "cm": [170.0, 170.0, 170.0]})
    pq.write_table(table, path)
    found = read_survey(path, GRAPH, CODEBOOK, engine="duckdb")
    place = found.graph.names.index("bmi")
    assert sorted(np.repeat(found.codes[:, place], found.people)) == [-1, 0, 1]


def test_the_packaged_survey_reads_as_with_pandas(tmp_path):
    graph = load_graph("runner")
    frame = simulate(graph, 300, 5, codebook=load_codebook("runner"))
    frame.to_csv(tmp_path / "survey.csv", index=False)
    one, other = (
        read_survey(tmp_path / "survey.csv", graph, engine=engine)
        for engine in ("duckdb", "pandas")
    )
    assert patterns(one) == patterns(other)
    assert one.codebook == other.codebook
    assert one.answered.to_dict() == pytest.approx(other.answered.to_dict())


SMALL = pd.DataFrame(
    {"plank": ["30", "90", "", "30"], "ache": ["often", "never", "often", "often"]}, dtype=object
)


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture
def database(tmp_path):
    """Return a function that writes tables to a DuckDB or a SQLite file."""

    def write(kind, **frames):
        path = tmp_path / f"survey.{kind}"
        if kind == "duckdb":
            with duckdb.connect(str(path)) as connection:
                for name, frame in frames.items():
                    connection.register("given", frame)
                    connection.execute(f"CREATE TABLE {quoted(name)} AS FROM given")
        else:
            with closing(sqlite3.connect(path)) as connection:
                for name, frame in frames.items():
                    frame.to_sql(name, connection, index=False)
        return path

    return write


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_database_reads_as_its_rows_do(database, kind):
    path = database(kind, answers=SMALL)
    expected = patterns(Survey.from_frame(SMALL, GRAPH, CODEBOOK))
    assert patterns(read_survey(path, GRAPH, CODEBOOK)) == expected
    assert patterns(read_survey(f"{path}::answers", GRAPH, CODEBOOK)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "plank,ache\n",
        "plnk,ache\n30,often\n",
        "plank,plank,ache\n1,2,often\n",
        "plank,ache\n1,often\n2\n3,often,4\n",
        'plank,ache\n1,"often\n',
        "plank,ache\n,NA\n,\n",
        "plank,w\n1,0\n",
        "id,day\n1,2\n",
        'plank,ache\n30,"of\n""ten"""\n',
        "plank,ache\n2011-12-24,often\n\n2012-01-01,often\n",
    ],
)
def test_bad_files_are_named_as_with_pandas(tmp_path, text):
    path = tmp_path / "answers.csv"
    path.write_text(text, encoding="utf-8")
    told = [outcome(path, CODEBOOK, engine) for engine in ("duckdb", "pandas")]
    assert isinstance(told[0], list)
    assert told[0] == told[1]


def test_of_many_bad_cells_a_thousand_are_told(tmp_path):
    path = tmp_path / "answers.csv"
    days = pd.Series(pd.date_range("2000-01-01", periods=1200)).dt.strftime("%Y-%m-%d")
    pd.DataFrame({"ache": days, "plank": "30"}).to_csv(path, index=False)
    with pytest.raises(SurveyError) as caught:
        read_survey(path, GRAPH, CODEBOOK, engine="duckdb")
    assert len(caught.value.problems) == engine.LISTED
    assert "row 2, column 'ache': value '2000-01-01'" in caught.value.problems[0]
    assert "row 1001, " in caught.value.problems[-1]


def test_big_files_go_to_the_engine_unless_told_otherwise(tmp_path, monkeypatch):
    path = tmp_path / "answers.csv"
    SMALL.to_csv(path, index=False)
    assert read_survey(path, GRAPH, CODEBOOK).people is None
    monkeypatch.setattr("backrisk.survey.answers._BIG", 10)
    assert read_survey(path, GRAPH, CODEBOOK).people.tolist() == [1, 1, 2]
    assert read_survey(path, GRAPH, CODEBOOK, engine="pandas").people is None


def test_a_missing_package_and_a_wrong_engine_are_named(tmp_path, monkeypatch, database):
    path = database("duckdb", answers=SMALL)
    with pytest.raises(
        SurveyError, match="no engine 'polars'; for a big table expected one of duckdb, spark"
    ):
        read_survey(path, GRAPH, CODEBOOK, engine="polars")
    with pytest.raises(SurveyError, match="pandas reads only CSV and Parquet"):
        read_survey(path, GRAPH, CODEBOOK, engine="pandas")
    with pytest.raises(SurveyError, match="chooses a table of a database"):
        read_survey(f"{__file__}::table", GRAPH, CODEBOOK, engine="duckdb")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SurveyError, match=r"pip install 'backrisk\[scale\]'"):
        read_survey(path, GRAPH, CODEBOOK)


def test_a_tabulated_survey_fits_as_its_rows_do(tmp_path):
    graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.choice(["no", "yes"], (200, 2)), columns=["a", "b"])
    frame.to_csv(tmp_path / "answers.csv", index=False)
    rows, counted = (
        read_survey(tmp_path / "answers.csv", graph, engine=engine)
        for engine in ("pandas", "duckdb")
    )
    assert counted.n == rows.n == 200
    assert len(counted.codes) == 4
    one, other = (fit(graph, each, seed=1, draws=20) for each in (rows, counted))
    assert (one.cpt("b") == other.cpt("b")).all()
    assert one.meta["people"] == other.meta["people"] == 200
    pd.testing.assert_frame_equal(predicted_margins(one, rows), predicted_margins(one, counted))
    with pytest.raises(FitError, match="engine='pandas'"):
        log_likelihood(one, counted)


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:The 'future.infer_string' option",  # Ibis asks pandas for it
    "ignore::ResourceWarning",  # py4j leaves its sockets to the collector
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::FutureWarning:pyspark",
    "ignore::DeprecationWarning:pyspark",
)
def test_spark_counts_as_duckdb_does(tmp_path, database):
    """The same code on a real local Spark; needs Java."""
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is none on the path.")
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({name: rng.choice(cells, 400) for name, cells in CELLS.items()})
    path = tmp_path / "answers.csv"
    frame.to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    for codebook in (CODEBOOK, *ONE_EACH.values()):
        assert outcome(path, codebook, "spark") == outcome(path, codebook, "pandas")
    frame.loc[[3, 70], "plank"] = "601", "x"
    frame.to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    assert outcome(path, CODEBOOK, "spark") == outcome(path, CODEBOOK, "pandas")
    path = database("duckdb", answers=SMALL)
    assert outcome(path, CODEBOOK, "spark") == outcome(path, CODEBOOK, "duckdb")
