"""A cohort on a cluster of which a part dies: the scores and counts of one machine."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from backrisk.cohort import score
from backrisk.graph import Layout, load_graph
from backrisk.posterior import Posterior, simulate
from backrisk.survey import load_codebook, read_survey, tabulate

BOOK = load_codebook("runner")


@pytest.fixture(scope="module")
def runner():
    graph = BOOK.extend(load_graph("runner"))
    fractions, beta = Layout(graph).draw_prior(10, np.random.default_rng(4))
    return Posterior(graph, fractions, beta, codebook=BOOK)


def rows(count):
    """Return synthetic runners as text cells, with an identifier and one refused cell."""
    frame = simulate(load_graph("runner"), count, 9, codebook=BOOK).astype(object)
    frame = frame.where(frame.notna(), "").map(str)
    frame.insert(0, "who", [f"r{place}" for place in range(count)])
    frame.loc[1, "plank_seconds"] = "long"
    return frame


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def started(kind, log, *arguments):
    """Run a master or worker of a standalone cluster, until the block ends."""
    home = Path(pytest.importorskip("pyspark").__file__).parent
    command = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{kind}", *arguments]
    settings = {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    settings |= {"SPARK_WORKER_DIR": str(log.with_suffix(""))}
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=os.environ | settings, stdout=out, stderr=out, start_new_session=True
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def until(happened, seconds=300):
    """Wait for something to happen."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)


@contextmanager
def cluster(folder):
    """Start a master and two workers on loopback; yields a session and the workers."""
    from pyspark.sql import SparkSession

    port = free_port()
    address, here = f"spark://127.0.0.1:{port}", ("--host", "127.0.0.1")
    web = ("--webui-port", "0")
    with started("master.Master", folder / "m.log", *here, "--port", str(port), *web):
        until(lambda: b"ALIVE" in (folder / "m.log").read_bytes())
        own = (*here, "--cores", "1", "--memory", "1g", *web, address)
        with (
            started("worker.Worker", folder / "w1.log", *own) as one,
            started("worker.Worker", folder / "w2.log", *own) as two,
        ):
            for name in ("w1.log", "w2.log"):
                until(lambda name=name: b"registered with master" in (folder / name).read_bytes())
            builder = SparkSession.builder.master(address).appName("backrisk")
            for key, value in {
                "spark.ui.enabled": "false",
                "spark.driver.host": "127.0.0.1",
                "spark.driver.bindAddress": "127.0.0.1",
                "spark.executor.memory": "512m",
                "spark.sql.shuffle.partitions": "4",
                "spark.sql.execution.arrow.maxRecordsPerBatch": "20",
                "spark.executorEnv.PYTHONPATH": str(Path(__file__).parents[2]),
            }.items():
                builder = builder.config(key, value)
            session = builder.getOrCreate()
            try:
                yield session, (one, two)
            finally:
                session.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:The 'future.infer_string' option",  # Ibis asks pandas for it
    "ignore::ResourceWarning",  # py4j leaves its sockets to the collector
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::FutureWarning:pyspark",
    "ignore::DeprecationWarning:pyspark",
)
def test_a_cluster_that_loses_a_worker_scores_and_counts_as_duckdb_does(
    tmp_path, runner, monkeypatch
):
    """A standalone master and two workers, one of them killed while people are scored."""
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is none on the path.")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    frame, graph = rows(240), runner.graph
    sound = frame.drop(columns="who").assign(plank_seconds="60")  # what a fit reads without a word
    with duckdb.connect() as connection:
        for name, table in {"people": frame, "sound": sound}.items():
            connection.register("rows", table)
            how = "FORMAT parquet, PARTITION_BY (sex), WRITE_PARTITION_COLUMNS true"
            connection.execute(f"COPY rows TO '{tmp_path / name}' ({how})")
    whole = pd.read_parquet(score(runner, frame, tmp_path / "whole.parquet", ids="who").out)
    with cluster(tmp_path) as (session, workers):
        people = session.read.parquet(str(tmp_path / "people")).select(*frame.columns)
        writing = threading.Thread(
            target=score,
            args=(runner, people.repartition(8), tmp_path / "scored"),
            kwargs={"ids": "who", "partition_by": "reported"},
        )
        writing.start()
        # Killed when the first part is written, and so before the last is.
        done = tmp_path / "scored"
        until(lambda: any(done.rglob("part-*.parquet")) or not writing.is_alive())
        assert not (done / "_SUCCESS").exists()
        os.killpg(workers[0].pid, 9)
        writing.join()
        assert (tmp_path / "scored" / "_SUCCESS").exists()
        counted = [
            tabulate(read_survey(tmp_path / "sound", graph, BOOK, engine=engine))
            for engine in ("spark", "duckdb")
        ]
    one, other = (sorted(zip(p.codes.tolist(), p.weights, strict=True)) for p in counted)
    assert one == other
    with duckdb.connect() as connection:  # pandas unites no partitions of which one is null
        parts = f"read_parquet('{tmp_path}/scored/*/*.parquet', hive_partitioning=true)"
        found = connection.execute(f"SELECT * FROM {parts}").df()
    found = found.replace({"reported": {"__HIVE_DEFAULT_PARTITION__": None}})
    found = found.set_index("who").loc[whole["who"]].reset_index()[list(whole.columns[1:])]
    texts = ["reported", "best_action", "flags"]
    both = [
        table.assign(**{name: table[name].fillna("").astype(object) for name in texts})
        for table in (found, whole.drop(columns="row"))
    ]
    pd.testing.assert_frame_equal(*both, check_dtype=False, rtol=0, atol=1e-12)
