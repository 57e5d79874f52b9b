"""Where a cohort lies, and where its scores go: files, folders in parts, addresses, a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from backrisk._addresses import (
    deliver,
    demand_address,
    holds_something,
    is_address,
    name_at,
    own_path,
    withdraw,
)
from backrisk._arguments import checked
from backrisk._files import scratch
from backrisk.cohort.cluster import rows_on_spark, score_on_spark
from backrisk.cohort.parts import scorer
from backrisk.cohort.scoring import Scored, problems_of, score_table
from backrisk.errors import QueryError, SurveyError
from backrisk.graph import UnrolledGraph
from backrisk.posterior import Posterior
from backrisk.queries import read_names
from backrisk.survey import Frame
from backrisk.words import say


@checked()
def score(
    posterior: Posterior,
    source: str | Path | Frame,
    out: str | Path,
    *,
    ids: str | Sequence[str] = (),
    target: str | None = None,
    shares: bool = False,
    causes: str | Sequence[str] | None = None,
    level: str = "proximal",
    actions: str | Sequence[str] | None = None,
    coupling: str = "monotone",
    draws: int | None = None,
    engine: str = "duckdb",
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    glob: bool = False,
    quote: bool = False,
    progress: bool = False,
    partition_by: str | Sequence[str] | None = None,
) -> Scored:
    """Score every person of a table. Rungs: seeing (risk), counterfactual (shares, actions).

    Parameters
    ----------
    posterior : Posterior
        For the people of one site, `Posterior.at_site`.
    source : str, Path or frame
        As for `backrisk.read_survey`; a Spark DataFrame and an Ibis table too. Read through the
        posterior's codebook, or as labels of nodes where that fits more of its columns.
    out : str or Path
        ``.parquet`` or ``.csv``; without an ending, a folder of Parquet files, which may not be
        there yet. Written beside and renamed. Or the address of one, ``s3://bucket/scored``.
    ids : str or sequence of str
        Columns of the source that are kept, as text.
    target : str, optional
        As for `backrisk.risk`.
    shares : bool
        Whether to work out each cause's share, and which leads. They take most of the time.
    causes, level
        As for ``attribute(method="shapley")``. Whoever names causes asks for their shares.
    actions, coupling
        As for `backrisk.recommend`.
    draws : int, optional
        Use at most so many draws, evenly spaced.
    engine : {"duckdb", "spark"}
        With ``"spark"``, a folder of Parquet files whose scores go into a folder is read, scored
        and written by Spark's workers, each its own part, and so is a Spark DataFrame or a table
        of Ibis on Spark.
    encoding, delimiter, decimal, glob
        As for `backrisk.read_survey`.
    quote : bool
        In a ``.csv``, write every text as it is, between quotation marks, for programs that are no
        spreadsheet. By default an apostrophe goes before what a spreadsheet would take for a
        formula, in headers and identifiers too, and characters that cannot be shown are replaced.
    progress : bool
        Show on the standard error how many are done, and how long the rest will take.
    partition_by : str or sequence of str, optional
        Columns of the source, which are kept as text, or texts of the result, by which a folder is
        in parts: ``sex=female/``. By default the folders of the source, where it has such.

    Returns
    -------
    Scored

    Raises
    ------
    SurveyError
        The source cannot be read, has no rows or no column of the codebook; a package is missing.
    QueryError
        The target, a cause, an action or an identifier is not understood; `out` cannot be written,
        or is read from.

    Notes
    -----
    One row a person in the order of the source, with the columns

    - ``row``: as in messages (the line of a text file, the row of a sheet, the index of a frame,
      else the position); then the `ids`;
    - ``risk, risk_low, risk_high``: mean and interval of P(target | answers), the target's own
      answer and what follows from it set aside, as `backrisk.recommend` does: of a hundred people
      who answer like this, how many have it. ``reported`` is that answer;
    - with `shares` only, ``leading_cause, leading_probability``: the cause with the largest mean
      Shapley share and the probability that its share is the largest; empty where no share is
      above 0; ``shares_sampled``: whether the shares of this person were sampled rather than summed
      exactly; and ``share_CAUSE`` with ``_low`` and ``_high``: mean and interval of each cause's
      share of the excess risk;
    - ``best_action, best_probability, reduction, reduction_low, reduction_high``: the action with
      the largest mean reduction of that probability, absolute, and how likely it is the best; empty
      where no action lowers it on average;
    - ``flags``, joined by ``"; "``: ``refused: COLUMN`` (that answer counts as not given),
      ``answers contradict`` (nothing is computed), ``no answers``, ``fit warned``.

    The numbers are those of `backrisk.risk`, `backrisk.attribute` and `backrisk.recommend` for the
    same person without the target's answer, and rest on the same assumptions. Shares are of at
    most 48 draws, to a hundredth of a percentage point or so. Where exact sums would be too large,
    which hangs on what was not answered, they are sampled: the causes join in orders drawn at
    random, each with its reverse, until the Monte Carlo standard error of each mean is at most a
    tenth of its interval or a quarter of a percentage point, or 64 orders were played. Which of
    these it was no column tells; ``attribute`` tells the error of one person. It also
    looks longer for exact sums, so that it may give exact shares of someone whose row is sampled.

    Refused cells (the first 10,000), unknown and repeated columns, and records with too few or
    too many values (which are not scored) are listed in a file beside `out` whose name ends in
    ``.problems.csv``. Memory is bounded, however many the rows and the distinct profiles: both pass
    through files in blocks, and DuckDB works within 256 MB.

    Where Spark's workers score, no row comes to this machine: there is no column ``row`` and no
    list of problems, which `Scored.notes` says, `Scored.problems` counts rows with a refused cell
    by their flags, and a comma before decimals of numbers that are text has to be stated by
    `decimal`.

    A model over time takes each row for a person in the first period, which `Scored.notes` says;
    for a table of visits there is `backrisk.score_panel`.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> folder = tempfile.mkdtemp()
    >>> pd.DataFrame({"id": [7, 8], "x": ["yes", "no"]}).to_csv(f"{folder}/a.csv", index=False)
    >>> out = f"{folder}/scored.csv"
    >>> done = score(p, f"{folder}/a.csv", out, ids="id", target="y", shares=True)
    >>> found = pd.read_csv(done.out)
    >>> found[["id", "risk", "leading_cause", "share_x", "best_action", "reduction"]].round(2)
       id  risk leading_cause  share_x best_action  reduction
    0   7   0.8             x      0.5        x=no        0.5
    1   8   0.3           NaN      0.0         NaN        NaN
    """
    parts = None
    if partition_by is not None:
        parts = tuple(dict.fromkeys(read_names(partition_by, "partition_by")))
    place, found = own_path(out, QueryError), own_path(source, SurveyError)
    source = found if isinstance(found, str) and Path(found).exists() else source
    asked: dict[str, Any] = {
        "ids": ids,
        "target": target,
        "shares": shares,
        "causes": causes,
        "level": level,
        "actions": actions,
        "coupling": coupling,
        "draws": draws,
    }
    with rows_on_spark(source, place, engine) as people:
        if people is not None:
            kept = {"ids": tuple(dict.fromkeys([*read_names(ids, "ids"), *people.keys(parts)]))}
            ask = scorer(posterior, decimal=decimal or ".", **asked | kept)
            return _noted(posterior, score_on_spark(posterior, ask, people, str(place), parts))
    asked |= {
        "engine": engine,
        "encoding": encoding,
        "delimiter": delimiter,
        "decimal": decimal,
        "glob": glob,
        "quote": quote,
        "progress": progress,
        "partition_by": parts,
    }
    if isinstance(place, str) and is_address(place):
        return _noted(posterior, _at_address(posterior, source, place, **asked))
    return _noted(posterior, score_table(posterior, source, Path(place), **asked))


def _noted(posterior: Posterior, done: Scored) -> Scored:
    """Say that each row was taken for a person, where a model over time could take visits."""
    if not isinstance(posterior.graph, UnrolledGraph):
        return done
    return replace(done, notes=(*done.notes, say("cohort.each_row")))


def _at_address(posterior: Posterior, source: str | Path | Frame, out: str, **asked: Any) -> Scored:
    """Score into a folder of this process, and send the result to an address."""
    demand_address(out, QueryError)
    if isinstance(source, str) and source.rstrip("/") == out.rstrip("/"):
        raise QueryError(say("files.is_input", path=out))
    name = Path(name_at(out))
    if not name.suffix and holds_something(out, QueryError):
        raise QueryError(say("files.not_empty", path=out))
    beside = f"{out.rstrip('/').removesuffix(name.name)}{problems_of(name).name}"
    with scratch(QueryError) as folder:
        done = score_table(posterior, source, folder / name.name, **asked)
        if done.listed is None:
            withdraw(beside, QueryError)  # of an earlier run
        else:
            deliver(Path(done.listed), beside, QueryError)
        deliver(Path(done.out), out, QueryError)
    return replace(done, out=out, listed=None if done.listed is None else beside)
