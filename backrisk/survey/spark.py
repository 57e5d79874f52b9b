"""Spark: its session, its DataFrames, and the folders that its workers read themselves."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backrisk._addresses import is_address, name_at
from backrisk.errors import SurveyError
from backrisk.survey.folders import keys_of, parquet_files
from backrisk.survey.formats import demand_package, is_ibis
from backrisk.survey.kinds import ENDINGS
from backrisk.words import say

_TYPED = "spark.sql.sources.partitionColumnTypeInference.enabled"  # which makes 1 of site=01
_RAISED = "backrisk.errors."  # what stands before a sentence of a worker, in what Spark tells


@contextmanager
def spark_session() -> Iterator[Any]:
    """Yield the session that is active; else one of this machine, until the block ends."""
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    started = session is None
    if session is None:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # the workers' Python is this one
        builder = SparkSession.builder.master("local[*]").appName("backrisk")
        builder = builder.config("spark.ui.enabled", "false")
        # As many as a machine has use for; Spark's own 200 are for a cluster.
        session = builder.config("spark.sql.shuffle.partitions", "8").getOrCreate()
    try:
        yield session
    finally:
        if started:
            session.stop()


def is_spark(table: object) -> bool:
    """Whether a table is a DataFrame of Spark."""
    return type(table).__module__.startswith("pyspark.sql") and hasattr(table, "mapInArrow")


@contextmanager
def on_spark(table: Any) -> Iterator[Any]:
    """Yield a Spark DataFrame or a table of Ibis on Spark as a DataFrame; None for any other."""
    if is_spark(table):
        yield table
    elif is_ibis(table) and table.get_backend().name == "pyspark":
        import ibis

        yield table.get_backend()._session.sql(str(ibis.to_sql(table)))
    else:
        yield None


@contextmanager
def spark_folder(source: object) -> Iterator[tuple[Any, str, tuple[str, ...]] | None]:
    """Yield the rows of a Parquet folder, or of a Parquet file at an address, that Spark reads.

    Parameters
    ----------
    source : object
        None is yielded for whatever is no such folder and no such file.

    Yields
    ------
    rows : pyspark.sql.DataFrame
    name : str
        What messages call it.
    folders : tuple of str
        The columns that are in the names of folders.

    Raises
    ------
    SurveyError
        Spark is not installed, or cannot read it.
    """
    if is_address(source):
        ending = Path(name_at(str(source))).suffix.lower()
        place, name = str(source), name_at(str(source))
        own = ending in ENDINGS["parquet"] or not any(ending in each for each in ENDINGS.values())
    else:
        path = Path(source) if isinstance(source, str | os.PathLike) else None
        own = path is not None and path.is_dir() and bool(parquet_files(path))
        place, name = ("", "") if path is None else (path.absolute().as_uri(), path.name)
    if not own:
        yield None
        return
    demand_package("pyspark", "pyspark", "Spark", "spark")
    with spark_session() as session:
        before = session.conf.get(_TYPED)
        session.conf.set(_TYPED, "false")
        try:
            with spark_errors(name):
                rows = session.read.parquet(place)
                first = next(iter(rows.inputFiles()), "")
        finally:
            session.conf.set(_TYPED, before)
        folders = [each for each in keys_of(Path(first), Path()) if each in rows.columns]
        yield rows, name, tuple(folders)


@contextmanager
def spark_errors(name: str) -> Iterator[None]:
    """Tell in one sentence what Spark raises over pages, and what a worker of ours told it.

    Raises
    ------
    SurveyError
    """
    try:
        yield
    except SurveyError:
        raise
    except Exception as error:  # of Java, of a worker's Python, of a plan: each has its own class
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        own = [line for line in lines if line.startswith(_RAISED)]
        if own:
            raise SurveyError(own[-1].partition(": ")[2]) from error
        java = getattr(error, "java_exception", None)  # says what Python's side only wraps
        told = [] if java is None else str(java.toString()).splitlines()[:1]
        why = (told or lines or [type(error).__name__])[0].rstrip(".")
        raise SurveyError(say("survey.file.spark_failed", name=name, why=why)) from error
