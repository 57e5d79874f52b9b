"""Cohorts that no one machine holds: whoever has a part of the table scores that part.

A person's scores rest on nobody else's answers, so a table may be cut anywhere. An engine that
spreads its rows over machines (Spark's ``mapInArrow``, Dask, Ray, a queue of files) sends the
scorer to each of them, and writes what it gives by its own means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from backrisk._arguments import checked
from backrisk.cohort.profiles import Questions, arrow_fields
from backrisk.cohort.scoring import NoRows, positive, score_table
from backrisk.posterior import Posterior
from backrisk.queries import read_names
from backrisk.survey import ROW

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class Scorer:
    """What scores a part of a cohort; it is small enough to be sent to every machine.

    Parameters
    ----------
    posterior : Posterior
        Of the draws that are used, and no more.
    columns : mapping of str to {"double", "string", "boolean"}
        What is answered, in this order.
    ids : tuple of str
    questions : mapping of str to object
        The other arguments of `backrisk.cohort.score`.
    """

    posterior: Posterior
    columns: Mapping[str, str]
    ids: tuple[str, ...]
    questions: Mapping[str, Any]

    @property
    def schema(self) -> pa.Schema:
        """The columns of what is given: those of `backrisk.cohort.score`, but ``row``."""
        import pyarrow as pa

        return pa.schema(arrow_fields(dict.fromkeys(self.ids, "string") | dict(self.columns)))

    @property
    def ddl(self) -> str:
        """The schema in the words of Spark and other engines of SQL."""
        kinds = dict.fromkeys(self.ids, "string") | dict(self.columns)
        return ", ".join(f"`{name}` {kind}" for name, kind in kinds.items())

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score batches of rows.

        Parameters
        ----------
        batches : iterable of pyarrow.RecordBatch
            Read as `backrisk.cohort.score` reads a frame. Rows without any cell are left out.

        Yields
        ------
        pyarrow.RecordBatch
            In the order of the rows.

        Raises
        ------
        SurveyError, QueryError
            As for `backrisk.cohort.score`.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        for batch in batches:
            if not batch.num_rows:
                continue
            with TemporaryDirectory() as folder:
                out = Path(folder) / "part.parquet"
                try:
                    score_table(
                        self.posterior,
                        pa.Table.from_batches([batch]),
                        out,
                        ids=self.ids,
                        **self.questions,
                    )
                except NoRows:  # of another part there may be some
                    continue
                scored = pq.read_table(out)
            yield from scored.drop_columns([ROW]).to_batches()


@checked()
def scorer(
    posterior: Posterior,
    *,
    ids: str | Sequence[str] = (),
    target: str | None = None,
    shares: bool = False,
    causes: str | Sequence[str] | None = None,
    level: str = "proximal",
    actions: str | Sequence[str] | None = None,
    coupling: str = "monotone",
    draws: int | None = None,
    decimal: str = ".",
) -> Scorer:
    """Return what scores parts of a cohort wherever they lie. Rungs: as `backrisk.cohort.score`.

    Parameters
    ----------
    posterior, ids, target, shares, causes, level, actions, coupling, draws
        As for `backrisk.cohort.score`.
    decimal : {".", ","}
        What stands before the decimals of numbers that are text. No part is read by what others
        show, so that a comma is refused where none is stated.

    Returns
    -------
    Scorer
        A function of batches of Arrow rows that gives batches of scored rows. It can be pickled.

    Raises
    ------
    QueryError
        If a question is not understood.

    Notes
    -----
    The numbers, and what they assume, are those of `backrisk.cohort.score`. A cell that is refused
    is told by the flags of its row; no list of problems is written.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> ask = scorer(p, ids="id", target="y")
    >>> part = pa.RecordBatch.from_pydict({"id": [7, 8], "x": ["yes", "no"]})
    >>> [batch.select(["id", "risk"]).to_pydict() for batch in ask([part])]
    [{'id': ['7', '8'], 'risk': [0.8, 0.3]}]
    """
    thin = posterior if draws is None else posterior.subset(positive(draws))
    asked = Questions.of(
        thin, target, causes, level, actions, coupling, shares=shares or causes is not None
    )
    questions = {
        "target": target,
        "shares": shares,
        "causes": causes,
        "level": level,
        "actions": actions,
        "coupling": coupling,
        "decimal": decimal,
    }
    sent = replace(thin, log_likelihood=None)  # of the people of the fit: nobody asks for it here
    return Scorer(sent, asked.columns, tuple(read_names(ids, "ids")), questions)
