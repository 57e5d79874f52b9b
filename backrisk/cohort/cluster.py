"""Cohorts on Spark: its workers read, score and write, and no row comes to the driver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backrisk._addresses import is_address
from backrisk._folders import demand_folder
from backrisk.cohort.parts import Scorer
from backrisk.cohort.profiles import flag
from backrisk.cohort.reading import codebook_for
from backrisk.cohort.scoring import Scored, demand_columns
from backrisk.cohort.writing import demand_kind, demand_texts
from backrisk.errors import QueryError
from backrisk.posterior import Posterior
from backrisk.survey import header_problems, names_in, on_spark, spark_errors, spark_folder
from backrisk.words import say


@dataclass(frozen=True)
class People:
    """A Spark DataFrame of people.

    Parameters
    ----------
    rows : pyspark.sql.DataFrame
    name : str
        What messages call it.
    folders : tuple of str
        The columns that its folders are in parts by, where it is read from such.
    """

    rows: Any
    name: str
    folders: tuple[str, ...]

    def keys(self, parts: Sequence[str] | None) -> tuple[str, ...]:
        """Return the columns of the people by which the result is to be in parts."""
        asked = self.folders if parts is None else parts
        return tuple(name for name in asked if name in self.rows.columns)


@contextmanager
def rows_on_spark(source: object, out: str | Path, engine: str) -> Iterator[People | None]:
    """Yield the people that Spark's own workers score; None where this machine does.

    Parameters
    ----------
    source : object
        As for `backrisk.score`.
    out : str or Path
    engine : str

    Raises
    ------
    SurveyError
        A package is missing, or Spark cannot read the folder.
    """
    with on_spark(source) as rows:
        if rows is not None:
            yield People(rows, say("cohort.rows"), ())
            return
    if engine == "spark" and not Path(str(out)).suffix:
        with spark_folder(source) as found:
            if found is not None:
                yield People(*found)
                return
    yield None


def score_on_spark(
    posterior: Posterior, ask: Scorer, people: People, out: str, parts: Sequence[str] | None
) -> Scored:
    """Have Spark score people and write them into a folder.

    Parameters
    ----------
    posterior : Posterior
    ask : Scorer
        Whose identifiers are all columns that are kept.
    people : People
    out : str
        A folder, or an address that Spark writes to.
    parts : sequence of str, optional
        By default those of the people's own folders.

    Raises
    ------
    SurveyError, QueryError
        As for `backrisk.score`.
    """
    rows, columns = people.rows, tuple(people.rows.columns)
    demand_kind(Path(out), parts, folders=True)
    if Path(out).suffix:
        raise QueryError(say("cohort.file_on_spark", file=out))
    if not is_address(out):
        demand_folder(out, QueryError)
    book = codebook_for(posterior, columns)
    demand_columns(columns, people.name, book, ask.ids, ask.ids, ask.columns)
    by = people.folders if parts is None else parts
    demand_texts(by, ask.columns)
    for name in by:
        if name not in (*ask.ids, *ask.columns):
            raise QueryError(say("cohort.no_id", table=people.name, name=name, near=""))
    read = names_in(columns, book, people.name)
    used = [
        own for own, name in zip(columns, read, strict=True) if name in book.known or own in ask.ids
    ]
    # A folder of this machine was found empty; of an address, Spark itself refuses what is there.
    place, mode = (
        (out, "errorifexists") if is_address(out) else (Path(out).absolute().as_uri(), "append")
    )
    with spark_errors(people.name):
        scored = rows.select(*(_quoted(name) for name in used)).mapInArrow(ask, ask.ddl)
        scored.write.partitionBy(*by).mode(mode).parquet(place)
        flags = rows.sparkSession.read.parquet(place).select("flags")
        refused = flags.filter(flags["flags"].startswith(flag("refused", column="")))
        people_scored, with_refused = flags.count(), refused.count()
    unknown = header_problems(read, book.ignoring(*ask.ids), people.name)
    return Scored(
        out,
        people_scored,
        None,
        ask.posterior.draws,
        len(unknown) + with_refused,
        None,
        (*posterior.warnings_about(), *unknown),
        notes=(say("cohort.no_list"),),
    )


def _quoted(name: str) -> str:
    """Return a column's name as Spark takes for no expression."""
    return "`" + name.replace("`", "``") + "`"
