"""Cohorts and surveys on a real local Spark: what one machine finds in them; needs Java."""

import shutil
import sys
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest

from backrisk import score, simulate
from backrisk.errors import QueryError, SurveyError
from backrisk.graph import Layout, load_graph
from backrisk.posterior import Posterior
from backrisk.survey import load_codebook, read_survey, tabulate

pytestmark = [
    pytest.mark.slow,
    *map(
        pytest.mark.filterwarnings,
        (
            "ignore:The 'future.infer_string' option",  # Ibis asks pandas for it
            "ignore::ResourceWarning",  # py4j leaves its sockets to the collector
            "ignore::pytest.PytestUnraisableExceptionWarning",
            "ignore::FutureWarning:pyspark",
            "ignore::DeprecationWarning:pyspark",
        ),
    ),
]
BOOK = load_codebook("runner")
BOOK_IGNORING = BOOK.ignoring("who", "w")


@pytest.fixture(scope="module")
def session():
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is none on the path.")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        builder = sql.SparkSession.builder.master("local[2]").appName("backrisk")
        for key, value in {"ui.enabled": "false", "sql.shuffle.partitions": "4"}.items():
            builder = builder.config(f"spark.{key}", value)
        started = builder.getOrCreate()
        yield started
        started.stop()


@pytest.fixture(scope="module")
def runner():
    graph = BOOK.extend(load_graph("runner"))
    fractions, beta = Layout(graph).draw_prior(10, np.random.default_rng(4))
    return Posterior(graph, fractions, beta, codebook=BOOK)


@pytest.fixture(scope="module")
def people():
    frame = simulate(load_graph("runner"), 60, 9, codebook=BOOK).astype(object)
    frame = frame.where(frame.notna(), "").map(str)
    frame.insert(0, "who", [f"{place:03}" for place in range(60)])
    frame.insert(1, "ward", [("01", "02", "north")[place % 3] for place in range(60)])
    return frame


@pytest.fixture(scope="module")
def folder(people, tmp_path_factory):
    place = tmp_path_factory.mktemp("parted") / "people"
    with duckdb.connect() as connection:
        connection.register("rows", people)
        connection.execute(f"COPY rows TO '{place}' (FORMAT parquet, PARTITION_BY (ward))")
    return place


@pytest.fixture(scope="module")
def whole(runner, people, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "scored.parquet"
    wrong = people.assign(plank_seconds=["long", *people["plank_seconds"][1:]])
    return pd.read_parquet(score(runner, wrong, out, ids=["who", "ward"]).out).drop(columns="row")


def read(place):
    with duckdb.connect() as connection:
        rows = f"read_parquet('{place}/**/*.parquet', hive_partitioning=true, "
        found = connection.execute(f"SELECT * FROM {rows} hive_types_autocast=false)").df()
    return found.replace("__HIVE_DEFAULT_PARTITION__", None)


def same(found, whole):
    both = [
        table.astype(object).where(table.notna(), None).sort_values("who", ignore_index=True)
        for table in (found[[*whole.columns]], whole)
    ]
    for name in ("flags", "reported", "best_action"):
        one, other = (table.pop(name).fillna("").tolist() for table in both)
        assert one == other
    pd.testing.assert_frame_equal(*both, check_dtype=False, rtol=0, atol=1e-12)


def test_spark_reads_scores_and_writes_folders(session, runner, folder, whole, tmp_path):
    done = score(runner, folder, tmp_path / "scored", ids="who", engine="spark")
    assert (done.people, done.problems, done.profiles) == (60, 0, None)
    found = read(tmp_path / "scored")
    assert sorted(found["ward"].unique()) == ["01", "02", "north"]
    sound = whole["flags"] == ""
    same(found[found["who"].isin(whole["who"][sound])], whole[sound])


def test_a_data_frame_of_spark_is_scored_where_it_lies(session, runner, people, whole, tmp_path):
    wrong = people.assign(plank_seconds=["long", *people["plank_seconds"][1:]])
    rows = session.createDataFrame(wrong.astype(object))
    by = ["ward", "reported"]
    done = score(runner, rows.repartition(3), tmp_path / "scored", ids="who", partition_by=by)
    assert (done.people, done.problems, done.listed) == (60, 1, None)
    assert "there is no list of problems and no column 'row'" in done.notes[0]
    same(read(tmp_path / "scored"), whole)


def test_a_table_of_ibis_on_spark_is_scored_by_spark(session, runner, people, whole, tmp_path):
    import ibis

    rows = session.createDataFrame(people.iloc[1:].astype(object))
    rows.createOrReplaceTempView("runners")
    table = ibis.pyspark.connect(session).table("runners")
    some = table.filter(table.ward == "01")
    score(runner, some, tmp_path / "scored", ids=["who", "ward"])
    same(read(tmp_path / "scored"), whole[(whole["ward"] == "01") & (whole["who"] != "000")])


def test_what_spark_cannot_do_is_told_in_a_sentence(session, runner, people, folder, tmp_path):
    rows = session.createDataFrame(people.head(3).astype(object))
    with pytest.raises(QueryError, match="Spark writes a folder; name one without an ending"):
        score(runner, rows, tmp_path / "scored.parquet")
    with pytest.raises(QueryError, match="no column 'whom'"):
        score(runner, rows, tmp_path / "scored", ids="whom")
    with pytest.raises(SurveyError, match=r'people: Spark .*No FileSystem for scheme "nosuch"'):
        score(runner, "nosuch://a/people", tmp_path / "scored", engine="spark")
    assert not [*tmp_path.iterdir()]


def told(survey):
    found = tabulate(survey)
    rows = zip(found.site, found.codes.tolist(), found.weights, found.people, strict=True)
    answers = {(survey.sites[site], *codes): (people, w) for site, codes, w, people in rows}
    census = replace(survey.census, columns=())  # a folder's own column comes last
    return answers, census, survey.cautions, survey.not_asked


@pytest.mark.parametrize("kind", ["folder", "data frame", "table of ibis"])
def test_spark_counts_answers_where_they_lie(session, people, folder, tmp_path, kind):
    import ibis

    graph = load_graph("runner")
    people.assign(w=np.arange(60) / 8).to_csv(tmp_path / "people.csv", index=False)
    how = {"site": "ward", "weight": "w"}
    table, engine = folder, "spark"
    if kind == "folder":
        how.pop("weight")
    else:
        table = session.createDataFrame(people.assign(w=np.arange(60) / 8).astype(object))
        engine = None
    if kind == "table of ibis":
        table.createOrReplaceTempView("counted")
        table = ibis.pyspark.connect(session).table("counted")
    found = read_survey(table, graph, BOOK_IGNORING, engine=engine, **how)
    whole = read_survey(tmp_path / "people.csv", graph, BOOK_IGNORING, engine="duckdb", **how)
    assert told(found) == told(whole)
    assert not [t for t in session.catalog.listTables() if t.name.startswith("backrisk")]
