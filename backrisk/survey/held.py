"""Tables that stay where an engine holds them: of Ibis, of Spark, folders that Spark reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from backrisk.errors import SurveyError
from backrisk.survey.formats import is_ibis
from backrisk.survey.spark import is_spark, spark_folder
from backrisk.words import say

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True)
class Held:
    """A table that an engine holds.

    Parameters
    ----------
    table : ibis.Table
    name : str
        What messages call it.
    """

    table: ibis.Table
    name: str


@contextmanager
def held(table: Any, engine: str | None) -> Iterator[Held | None]:
    """Yield a table as its engine holds it; None where there is none but this process.

    Parameters
    ----------
    table : object
        A table of Ibis, a DataFrame of Spark; with the engine Spark also a folder of Parquet
        files or an address, which Spark reads itself.
    engine : str, optional

    Raises
    ------
    SurveyError
        A table has an engine of its own, and another was asked for.
    """
    if is_ibis(table) or is_spark(table):
        own = table.get_backend().name if is_ibis(table) else "pyspark"
        if engine is not None and engine != own.removeprefix("py"):
            raise SurveyError(say("survey.file.own_engine", engine=engine, own=own))
        name = say("survey.file.held")
        if is_ibis(table):
            yield Held(table, name)
        else:
            with _viewed(table) as seen:
                yield Held(seen, name)
        return
    if engine == "spark":
        with spark_folder(table) as found:
            if found is not None:
                with _viewed(found[0]) as seen:
                    yield Held(seen, found[1])
                return
    yield None


@contextmanager
def _viewed(rows: Any) -> Iterator[ibis.Table]:
    """Yield a DataFrame of Spark as a table of Ibis."""
    import ibis

    view = f"backrisk_{token_hex(8)}"
    rows.createOrReplaceTempView(view)
    try:
        yield ibis.pyspark.connect(rows.sparkSession).table(view)
    finally:
        rows.sparkSession.catalog.dropTempView(view)
