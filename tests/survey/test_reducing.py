"""Tables that an engine holds: only patterns leave it, and they are those of the rows."""

import csv
import sqlite3
from contextlib import closing

import ibis
import numpy as np
import pandas as pd
import pytest
from test_engine import CODEBOOK, GRAPH, ONE_EACH, patterns, table

from backrisk import CausalGraph, load_graph, simulate
from backrisk.errors import SurveyError
from backrisk.survey import Codebook, describe, load_codebook, read_survey, reducing


@pytest.fixture
def holding(tmp_path):
    """Put rows into a DuckDB of Ibis, every cell as text or as it is."""
    connection = ibis.duckdb.connect()
    names = iter(range(9))

    def hold(frame):
        path = tmp_path / f"rows{next(names)}.parquet"
        frame.to_parquet(path)
        return connection.read_parquet(path)

    yield hold
    connection.disconnect()


def told(survey):
    return [survey.census, survey.cautions, survey.not_asked, survey.n, survey.blank_rows]


@pytest.mark.parametrize("codebook", [CODEBOOK, *ONE_EACH.values()], ids=["all", *ONE_EACH])
def test_patterns_of_an_engine_are_those_of_a_file(tmp_path, holding, codebook):
    """Odd cells of every kind: spelled alike, blank, beyond what is possible, with weights."""
    frame = table(400, 3)
    frame.loc[5] = ""
    path = tmp_path / "answers.csv"
    frame.to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    file, engine = (read_survey(each, GRAPH, codebook) for each in (path, holding(frame)))
    assert patterns(engine) == patterns(file)
    assert engine.sites == file.sites
    assert told(engine) == told(file)
    assert describe(engine).fit == describe(file).fit


@pytest.mark.filterwarnings("ignore:The 'future.infer_string':DeprecationWarning")  # of Ibis
@pytest.mark.parametrize("weight", [None, -1.0, float("inf"), float("nan")])
def test_engines_that_know_no_nan_read_weights_and_refuse_what_is_none(tmp_path, holding, weight):
    graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    frame = pd.DataFrame({"a": ["no", "yes"], "b": ["no", "no"], "w": [0.5, 2.0]})
    with closing(sqlite3.connect(tmp_path / "a.db")) as file:
        frame.to_sql("sound", file, index=False)
        frame.assign(w=[0.5, weight]).to_sql("odd", file, index=False)
    engine = ibis.sqlite.connect(tmp_path / "a.db")
    for sound in (engine.table("sound"), holding(frame)):
        found = patterns(read_survey(sound, graph, weight="w"))
        assert found == patterns(read_survey(frame, graph, weight="w", engine="duckdb"))
    for odd in (engine.table("odd"), holding(frame.assign(w=[0.5, weight]))):
        with pytest.raises(SurveyError, match="column 'w': 1 row without a weight"):
            read_survey(odd, graph, weight="w")
    engine.disconnect()


def test_columns_of_one_type_are_counted_in_one_pass(holding, monkeypatch):
    """Each question is a job of Spark: how many there are depends on types and not on columns."""
    asked = []
    ask = reducing._asked
    monkeypatch.setattr(reducing, "_asked", lambda each: asked.append(1) or ask(each))
    rng = np.random.default_rng(1)
    often = []
    for names in ("ab", "abcdefgh"):
        states = {name: ["no", "yes"] for name in names}
        graph = CausalGraph.from_edges([("a", name) for name in names[1:]], states)
        frame = pd.DataFrame({name: rng.choice(["no", "yes"], 30) for name in names})
        asked.clear()
        found = read_survey(holding(frame), graph)
        often.append(len(asked))
        assert patterns(found) == patterns(read_survey(frame, graph, engine="duckdb"))
    assert often[0] == often[1]


def test_the_packaged_questions_are_read_alike_whatever_the_types(holding, tmp_path):
    graph, book = load_graph("runner"), load_codebook("runner")
    path = tmp_path / "runners.csv"
    simulate(graph, 300, 2, codebook=book).to_csv(path, index=False)
    frame = pd.read_csv(path)  # numbers as numbers
    frame["weight_of"] = np.round(np.random.default_rng(1).uniform(0.5, 2, len(frame)), 3)
    texts = frame.astype(object).where(frame.notna(), "").map(str)
    whole = read_survey(frame, graph, weight="weight_of", engine="duckdb")
    for each in (frame, texts):
        found = read_survey(holding(each), graph, weight="weight_of")
        assert patterns(found) == patterns(whole)
        assert told(found) == told(whole)


def test_what_comes_back_does_not_grow_with_the_rows(holding, monkeypatch):
    """Of a hundred thousand different heights and weights, the groups of a body mass index."""
    rng = np.random.default_rng(0)
    graph, book = load_graph("runner"), load_codebook("runner")
    cm, kg = rng.integers(150, 200, 100_000), rng.integers(45, 120, 100_000)
    frame = pd.DataFrame(
        {"height_cm": cm, "weight_kg": kg, "age_years": rng.integers(18, 80, 100_000)}
    )
    asked = []
    from backrisk.survey import reducing

    own = reducing._asked
    monkeypatch.setattr(reducing, "_asked", lambda e: asked.append(own(e)) or asked[-1])
    found = read_survey(holding(frame), graph, book)
    assert found.n == 100_000
    # Three age groups, and two of a body mass index or none, where it is beyond what is possible.
    assert len(found.codes) == 3 * 3
    assert max(map(len, asked)) == 50 * 75
    assert [
        len(each) for each in asked if {*each.column_names} >= {"people", "backrisk_class0"}
    ] == [9]


def test_a_row_that_counts_only_by_other_columns_is_filtered_in_the_engine(holding):
    book = Codebook.from_dict(
        {"name": "visits", "graph": "graph", "rows": {"visit": ["baseline"]},
         "columns": {"ache": {"node": "pain", "labels": {"never": "no", "often": "yes"}}},
         "ignore": "rest"},
        GRAPH,
    )  # fmt: skip
    frame = pd.DataFrame(
        {"visit": ["baseline", "later", "Baseline", ""], "ache": ["often", "??", "never", "!!"]}
    )
    found = read_survey(holding(frame), GRAPH, book)
    assert found.n == 2
    with pytest.raises(SurveyError, match="visit"):
        read_survey(holding(frame[1:2]), GRAPH, book)


def test_refused_cells_are_told_once_each_with_their_rows(holding):
    frame = pd.DataFrame({"ache": ["often", "oft", "oft", "never"], "w": [1, -1.0, None, 2]})
    with pytest.raises(SurveyError) as failure:
        read_survey(holding(frame), GRAPH, CODEBOOK)
    problems = failure.value.problems
    assert any("column 'ache': value 'oft' in 2 rows, expected" in each for each in problems)
    assert any("column 'w': 2 rows without a weight" in each for each in problems)


@pytest.mark.parametrize("decimal", [None, ",", "."])
@pytest.mark.parametrize("third", ["72,25", "1,250", "72.25"])
def test_decimals_are_read_as_of_a_file(holding, decimal, third):
    """A comma counts where it cannot divide thousands and no number has a point."""
    frame = pd.DataFrame({"kg": ["70,5", "80", third], "cm": ["170", "180", "175"],
                          "ache": ["often", "never", ""]})  # fmt: skip
    found = []
    for each in (frame, holding(frame)):
        try:
            found.append(told(read_survey(each, GRAPH, CODEBOOK, decimal=decimal)))
        except SurveyError as error:
            found.append("70,5" in str(error))
    assert found[0] == found[1]


def test_an_engine_beside_the_tables_own_is_refused(holding):
    with pytest.raises(SurveyError, match=r"held by duckdb, .* leave out the engine 'spark'"):
        read_survey(holding(table(5)), GRAPH, CODEBOOK, engine="spark")


def test_every_row_is_kept_where_that_is_asked_and_any_name_may_be_there(holding):
    frame = table(30).assign(backrisk_rows_=1, k0="x", class0="y")
    book = CODEBOOK.ignoring("backrisk_rows_", "k0", "class0")
    whole = read_survey(frame, GRAPH, book)
    rows = read_survey(holding(frame), GRAPH, book, engine="pandas")
    assert rows.people is None
    np.testing.assert_array_equal(rows.codes, whole.codes)
    assert patterns(read_survey(holding(frame), GRAPH, book)) == patterns(whole)


def test_a_table_without_rows_or_columns_is_refused(holding):
    with pytest.raises(SurveyError, match="no rows"):
        read_survey(holding(table(5)[:0]), GRAPH, CODEBOOK)
    with pytest.raises(SurveyError, match="nothing"):
        read_survey(holding(pd.DataFrame({"nothing": ["a"]})), GRAPH, CODEBOOK)
