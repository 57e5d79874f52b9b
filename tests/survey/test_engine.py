"""Tables as coded rows, and as the patterns that an engine counts."""

import csv
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backrisk.check import predicted_margins
from backrisk.errors import FitError, SurveyError
from backrisk.fitting import fit, log_likelihood
from backrisk.graph import CausalGraph, load_graph
from backrisk.posterior import simulate
from backrisk.survey import (
    Codebook,
    encode_table,
    engine,
    load_codebook,
    read_survey,
    tabulate,
)
from backrisk.survey.engine import tabulate_source
from tests.survey._small import staged

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
CELLS = {
    "plank": [
        "30",
        "29.999999999999996",
        "60.5",
        "60.49999999999999",
        "-9",
        "",
        " 45",
        "4.5e1",
        "NA",
        "600",
        "0",
        "-0",
        "٣٠",
        "+7",
        "600.0000000000000000001",
    ],
    "ache": ["never", "often", "1", "", "NA", " often ", "unknown"],
    "kg": ["80", "72.25", "29.9", "1000", "", "-9", "0080"],
    "cm": ["170", "178.5", "0", "160", "", "1e-200"],
    "week": ["11", "10", "0", "", "-9"],
    "month": ["10", "9.99", "0", "", "1e2"],
    "sport": ["gym", "Gymnast", 'lift, "run"', "", "NA"],
    "more": ["we never lift", "a\nb", "forklift", "", "ä gym "],
    "mood": ["up", "down", "", "NA"],
    "w": ["1", "0.5", "2e0", "0"],
    "club": ["a", "b", " a", "1", "1.0"],
    "id": ["1", "2", "3", " 1", "", "NA", "x", "y\u2003"],
    "day": ["2020-01-01", "2020-01-02", "", "2019-12-31"],
}


def patterns(survey):
    """Return people, weight and squared weight of each pattern of answers and site."""
    found = tabulate(survey)
    sites = [None] * len(found.codes) if found.site is None else found.site
    return {
        (site if site is None else survey.sites[site], *codes): (
            people, pytest.approx(weight), pytest.approx(square),
        )
        for site, codes, people, weight, square in zip(
            sites, found.codes.tolist(), found.people, found.weights, found.squares, strict=True
        )
    }  # fmt: skip


def table(rows=60, seed=5):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {name: rng.choice(each, rows) for name, each in CELLS.items()}, dtype=object
    )


@pytest.mark.parametrize("codebook", [CODEBOOK, *ONE_EACH.values()], ids=["all", *ONE_EACH])
def test_counted_patterns_are_those_of_the_rows(tmp_path, codebook):
    path = tmp_path / "answers.csv"
    table().to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    rows, counted = (read_survey(path, GRAPH, codebook, engine=e) for e in (None, "duckdb"))
    assert rows.people is None
    assert counted.people.sum() == counted.n == rows.n
    assert patterns(counted) == patterns(rows)
    assert counted.sites == rows.sites == ("1", "a", "b")
    assert counted.answered.to_dict() == pytest.approx(rows.answered.to_dict())


def coded(folder, frame, codebook=CODEBOOK):
    source = staged(frame, folder)
    graph = codebook.extend(GRAPH)
    return source, encode_table(source, codebook, graph), graph


def test_codes_are_packed_into_words_and_come_out_again(tmp_path, monkeypatch):
    frame = pd.DataFrame(
        {"plank": ["30", "90", "", "601"], "ache": ["often", "never", None, "often"],
         "club": ["b", "a", "b", "b"], "w": ["1", "2", "3", "4"]}
    )  # fmt: skip
    for limit, count in ((2**62, 1), (13, 2), (2, 3)):
        monkeypatch.setattr(engine, "_WORD", limit)
        _, found, graph = coded(tmp_path, frame)
        held = pq.read_table(found.path)
        assert len([word for word in found.digits if word]) == count
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
        assert (found.rows, found.refused) == (4, {"plank": 1})


def test_patterns_are_sorted_by_site_and_then_by_the_order_of_the_nodes(tmp_path):
    frame = pd.DataFrame(
        {"plank": ["90", "30", "30", "30", "90"], "ache": ["often", "never", "often", "never", ""],
         "club": ["b", "b", "a", "b", "a"], "w": ["1", "2", "3", "0.5", "1"]}
    )  # fmt: skip
    source, _, graph = coded(tmp_path, frame)
    found = tabulate_source(source, CODEBOOK, graph, count=True)
    rows = np.column_stack([found.site, found.codes])
    assert rows.tolist() == sorted(rows.tolist())
    assert len(rows) == 4
    assert found.people.tolist() == [1, 1, 2, 1]
    assert found.weights.tolist() == [1.0, 3.0, 2.5, 1.0]
    assert found.squares.tolist() == [1.0, 9.0, 4.25, 1.0]
    found = tabulate_source(source, CODEBOOK, graph)
    assert (found.people, found.squares) == (None, None)
    assert found.weights.tolist() == [1.0, 2.0, 3.0, 0.5, 1.0]
    assert found.site.tolist() == [1, 1, 0, 1, 0]


def test_without_weights_or_sites_there_are_none(tmp_path):
    source, _, graph = coded(tmp_path, pd.DataFrame({"ache": ["often", "often"]}))
    found = tabulate_source(source, CODEBOOK, graph, count=True)
    assert (found.weights, found.squares, found.site, found.sites) == (None, None, None, ())
    assert found.people.tolist() == [2]


def test_refused_cells_are_told_by_row_up_to_a_limit(tmp_path, monkeypatch):
    frame = pd.DataFrame(
        {"plank": ["x", "30", "601", "-1"], "ache": ["often", "offen", "oft", "never"],
         "w": ["1", "1", "-1", "1"]}
    )  # fmt: skip
    source, found, _ = coded(tmp_path, frame)
    assert [(cell.row, cell.column, cell.value) for cell in found.cells] == [
        (1, "plank", "x"),
        (2, "ache", "offen"),
        (3, "plank", "601"),
        (3, "ache", "oft"),
        (3, "w", "-1"),
        (4, "plank", "-1"),
    ]
    assert found.cells[0].expected == "a number from 0 to 600"
    assert found.refused == {"plank": 3, "ache": 2, "w": 1}
    with pytest.raises(SurveyError) as caught:
        tabulate_source(source, CODEBOOK, CODEBOOK.extend(GRAPH))
    assert list(caught.value.problems) == [cell.sentence("t") for cell in found.cells]
    monkeypatch.setattr(engine, "LISTED", 4)
    _, fewer, _ = coded(tmp_path, frame)
    assert fewer.cells == found.cells[:4]
    assert fewer.refused == found.refused


def test_a_cell_that_is_no_number_is_missing_whatever_the_file_says_of_its_range(tmp_path):
    path = tmp_path / "answers.parquet"
    # Parquet's statistics leave NaN out: they say that all kilograms lie between 50 and 80.
    pq.write_table(pa.table({"kg": [50.0, float("nan"), 80.0], "cm": [170.0] * 3}), path)
    found = read_survey(path, GRAPH, CODEBOOK)
    assert found.codes[:, found.graph.names.index("bmi")].tolist() == [0, -1, 1]


def test_the_packaged_survey_is_counted_as_its_rows(tmp_path):
    graph = load_graph("runner")
    frame = simulate(graph, 300, 5, codebook=load_codebook("runner"))
    frame.to_csv(tmp_path / "survey.csv", index=False)
    one, other = (
        read_survey(tmp_path / "survey.csv", graph, engine=each) for each in ("duckdb", None)
    )
    assert patterns(one) == patterns(other)
    assert one.codebook == other.codebook


def test_of_many_bad_cells_a_thousand_are_told(tmp_path):
    path = tmp_path / "answers.csv"
    days = pd.Series(pd.date_range("2000-01-01", periods=1200)).dt.strftime("%Y-%m-%d")
    ache = [*days, *["often"] * 1300]  # most can be read, so that the others are told one by one
    pd.DataFrame({"ache": ache, "plank": "30"}).to_csv(path, index=False)
    with pytest.raises(SurveyError) as caught:
        read_survey(path, GRAPH, CODEBOOK)
    assert len(caught.value.problems) == engine.LISTED
    assert "row 2, column 'ache': value '2000-01-01'" in caught.value.problems[0]
    assert "row 1001, " in caught.value.problems[-1]


def test_large_tables_are_counted_and_small_ones_where_that_is_asked(monkeypatch):
    frame = pd.DataFrame(
        {"plank": ["30", "90", "", "30"], "ache": ["often", "never", "1", "often"]}
    )
    assert read_survey(frame, GRAPH, CODEBOOK).people is None
    assert read_survey(frame, GRAPH, CODEBOOK, engine="duckdb").people.tolist() == [1, 1, 2]
    monkeypatch.setattr(engine, "ROWS", 3)
    assert read_survey(frame, GRAPH, CODEBOOK).people.tolist() == [1, 1, 2]


@pytest.mark.parametrize("name", ["polars", ""])
def test_an_engine_that_is_not_there_is_named(name):
    with pytest.raises(SurveyError, match=f"no engine '{name}'; expected one of duckdb, spark"):
        read_survey(pd.DataFrame({"ache": ["often"]}), GRAPH, CODEBOOK, engine=name)


def test_a_tabulated_survey_fits_as_its_rows_do(tmp_path):
    graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.choice(["no", "yes"], (200, 2)), columns=["a", "b"])
    rows, counted = (read_survey(frame, graph, engine=each) for each in (None, "duckdb"))
    assert counted.n == rows.n == 200
    assert len(counted.codes) == 4
    one, other = (fit(graph, each, seed=1, draws=20) for each in (rows, counted))
    assert (one.cpt("b") == other.cpt("b")).all()
    assert one.meta["people"] == other.meta["people"] == 200
    pd.testing.assert_frame_equal(predicted_margins(one, rows), predicted_margins(one, counted))
    with pytest.raises(FitError, match="keeps a row for each"):
        log_likelihood(one, counted)


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:The 'future.infer_string' option",  # Ibis asks pandas for it
    "ignore::ResourceWarning",  # py4j leaves its sockets to the collector
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::FutureWarning:pyspark",
    "ignore::DeprecationWarning:pyspark",
)
def test_spark_counts_as_duckdb_does(tmp_path):
    """The same code on a real local Spark; needs Java."""
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is none on the path.")
    path = tmp_path / "answers.csv"
    table(400, 7).to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    for codebook in (CODEBOOK, *ONE_EACH.values()):
        one, other = (read_survey(path, GRAPH, codebook, engine=e) for e in ("spark", "duckdb"))
        assert patterns(one) == patterns(other)


@pytest.mark.parametrize("count", [False, True])
@pytest.mark.parametrize("weight", ["1e308", "1e-320"])
def test_weights_that_cannot_be_added_up_are_refused(tmp_path, weight, count):
    source, _, graph = coded(tmp_path, pd.DataFrame({"ache": ["often"] * 3, "w": [weight] * 3}))
    with pytest.raises(SurveyError, match="column 'w': the weights are too large or too small"):
        tabulate_source(source, CODEBOOK, graph, count=count)
