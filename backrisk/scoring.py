"""Cohorts: every person of a table scored, the distinct ones computed once.

An engine (DuckDB, Spark) reads the table and reduces it to its distinct profiles of answers, as
for a fit; each profile is answered once, people with the same questions answered together; the
engine joins the answers back and the rows are written in their order. Profiles and rows pass
through in batches, so that memory is bounded.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backrisk.advice import recommend
from backrisk.attribution import attribute
from backrisk.cells import header_problems
from backrisk.codebook import Codebook, sentence
from backrisk.errors import QueryError, SurveyError, suggest
from backrisk.games import MOST_CAUSES, shapley
from backrisk.inference.draws import World
from backrisk.posterior import Posterior
from backrisk.query import Target, check_coupling, probabilities, read_target
from backrisk.sources import ROW, Source, batches, opened
from backrisk.summary import DISCLAIMER, INTERVAL_NAME, interval

if TYPE_CHECKING:
    import pyarrow as pa

    from backrisk.tables import Coded

Array = NDArray[np.float64]
Codes = NDArray[np.int16]

LISTED = 10_000  # refused cells that the file of problems lists
_PROFILES = 1024  # answered in one go
_ROWS = 50_000  # written in one go
_CELLS = 2**25  # numbers of one table of coalitions
_CONTRADICTORY, _SILENT, _WARNED = "answers contradict", "no answers", "fit warned"


@dataclass(frozen=True)
class Scored:
    """What became of a cohort.

    Parameters
    ----------
    out : Path
    people : int
        Rows scored.
    profiles : int
        Distinct profiles of answers among them.
    draws : int
        Posterior draws that every answer rests on.
    problems : int
        Unknown or repeated columns, records that are no row, cells that were refused.
    listed : Path, optional
        The file that lists them; None where there are none.
    warnings : tuple of str
        Those of the fit.
    """

    out: Path
    people: int
    profiles: int
    draws: int
    problems: int
    listed: Path | None
    warnings: tuple[str, ...] = ()


def score(
    posterior: Posterior,
    source: str | Path,
    out: str | Path,
    *,
    ids: Sequence[str] = (),
    target: str | None = None,
    causes: Sequence[str] | None = None,
    level: str = "proximal",
    actions: Sequence[str] | None = None,
    coupling: str = "monotone",
    draws: int | None = None,
    engine: str = "duckdb",
) -> Scored:
    """Score every person of a table. Rungs: seeing (risk), counterfactual (shares, actions).

    Parameters
    ----------
    posterior : Posterior
        For the people of one site, `Posterior.at_site`.
    source : str or Path
        CSV, Parquet, a DuckDB or a SQLite file, of the two ``file::table``; read through the
        posterior's codebook, or as labels of nodes where that fits more of its columns.
    out : str or Path
        ``.parquet`` or ``.csv``; written beside and renamed.
    ids : sequence of str
        Columns of the source that are kept as they are.
    target, causes, level
        As for ``attribute(method="shapley")``.
    actions, coupling
        As for `backrisk.recommend`.
    draws : int, optional
        Use at most so many draws, evenly spaced.
    engine : {"duckdb", "spark"}

    Returns
    -------
    Scored

    Raises
    ------
    SurveyError
        The source cannot be read, has no rows or no column of the codebook; a package is missing.
    QueryError
        The target, a cause, an action or an identifier is not understood; `out` cannot be written.

    Notes
    -----
    One row a person in the order of the source, with the columns

    - ``row``: as in messages (the line of a CSV file, else the position from 1); then the `ids`;
    - ``risk, risk_low, risk_high``: mean and interval of P(target | answers), the target's own
      answer and what follows from it set aside, as `backrisk.recommend` does: the risk from here
      on. ``reported`` is that answer;
    - ``leading_cause, leading_probability``: the cause with the largest mean Shapley share and
      the probability that its share is the largest; empty where no share is above 0;
    - ``share_CAUSE`` with ``_low`` and ``_high``: mean and interval of each cause's share of the
      excess risk;
    - ``best_action, best_probability, reduction, reduction_low, reduction_high``: the action with
      the largest mean absolute risk reduction and the probability that it is the best; empty
      where every action is already taken;
    - ``flags``, joined by ``"; "``: ``refused: COLUMN`` (that answer counts as not given),
      ``answers contradict`` (nothing is computed), ``no answers``, ``fit warned``.

    The numbers are those of `backrisk.risk` (without the target's answer), `backrisk.attribute`
    and `backrisk.recommend` (with it) for the same person, and rest on the same assumptions.

    Refused cells (the first 10,000), unknown and repeated columns, and records with too few or
    too many values (which are not scored) are listed in a file beside `out` whose name ends in
    ``.problems.csv``. Memory is bounded on DuckDB, whose sort of the result goes to disk beyond a
    gigabyte; Spark hands its rows over at once.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> folder = tempfile.mkdtemp()
    >>> pd.DataFrame({"id": [7, 8], "x": ["yes", "no"]}).to_csv(f"{folder}/a.csv", index=False)
    >>> done = score(p, f"{folder}/a.csv", f"{folder}/scored.csv", ids=["id"], target="y")
    >>> found = pd.read_csv(done.out)
    >>> found[["id", "risk", "leading_cause", "share_x", "best_action", "reduction"]].round(2)
       id  risk leading_cause  share_x best_action  reduction
    0   7   0.8             x      0.5        x=no        0.5
    1   8   0.3           NaN      0.0         NaN        NaN
    """
    thin = posterior if draws is None else posterior.subset(_positive(draws))
    asked = _Questions.of(thin, target, causes, level, actions, coupling)
    path = Path(out)
    if path.suffix.lower() not in (".parquet", ".csv"):
        raise QueryError(f"{path.name}: the result is written as .parquet or .csv.")
    listed = path.with_suffix(".problems.csv")
    if any(Path(str(source).partition("::")[0]).resolve() == p.resolve() for p in (path, listed)):
        raise QueryError(f"{path} is the cohort itself; write the result to another file.")
    with _beside(path) as part, opened(source, engine, lenient=True) as table:
        from backrisk import tables

        book = _codebook(posterior, table)
        _demand(table, book, ids, asked.columns)
        full = tables.encode(table, book, posterior.graph)
        with TemporaryDirectory(prefix="backrisk-") as folder:
            coded = _stored(table, full, ids, Path(folder) / "coded.parquet")
            refused = _refused(coded)
            answers = Path(folder) / "answers.parquet"
            profiles = _answer(thin, asked, coded, answers)
            people = _join(table, coded, refused, ids, asked, answers, part, thin)
            if not people:
                said = "has no rows, expected a header and one row a person"
                raise SurveyError(f"{table.name} {said}.")
            count, problems = _problems(table, coded, book, ids, refused)
    if count:
        with _beside(listed) as part, part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["row", "column", "value", "problem"])
            writer.writerows(problems)
    else:
        listed.unlink(missing_ok=True)  # of an earlier run
    warnings = posterior.diagnostics.warnings
    return Scored(path, people, profiles, thin.draws, count, listed if count else None, warnings)


def _positive(draws: int) -> int:
    if draws < 1:
        raise QueryError(f"draws={draws} should be at least 1.")
    return draws


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Write to a file beside, renamed if all went well and removed if not."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(b"")
        yield part
        os.replace(part, path)
    except OSError as error:
        raise QueryError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Questions:
    """What is asked about everyone."""

    target: Target
    causes: tuple[str, ...]
    actions: tuple[str, ...]
    settings: tuple[Mapping[str, int], ...]
    coupling: str

    @classmethod
    def of(
        cls,
        posterior: Posterior,
        target: str | None,
        causes: Sequence[str] | None,
        level: Any,
        actions: Sequence[str] | None,
        coupling: str,
    ) -> _Questions:
        """Read and check them, as the questions about one person do."""
        graph = posterior.graph
        check_coupling(coupling)
        aim = read_target(graph, target)
        few = posterior.subset(2)
        shares = attribute(few, {}, causes, method="shapley", level=level, target=target)
        if len(shares.causes) > MOST_CAUSES:
            raise QueryError(
                f"{len(shares.causes)} causes are too many for a cohort; name at most "
                f"{MOST_CAUSES}."
            )
        advice = recommend(few, {}, actions=actions, target=target, coupling=coupling)
        settings = tuple(
            {node: graph.node(node).states.index(state) for node, state in setting.items()}
            for setting in advice.settings
        )
        return cls(aim, shares.causes, advice.actions, settings, coupling)

    @property
    def columns(self) -> dict[str, str]:
        """The columns of the answers, and the kinds of their values."""
        ends = ("", "_low", "_high")
        return {
            **{f"risk{end}": "double" for end in ends},
            "reported": "string",
            "leading_cause": "string",
            "leading_probability": "double",
            **{f"share_{cause}{end}": "double" for cause in self.causes for end in ends},
            "best_action": "string",
            "best_probability": "double",
            **{f"reduction{end}": "double" for end in ends},
            "flags": "string",
        }


def _codebook(posterior: Posterior, table: Source) -> Codebook:
    """Return the codebook that knows more of the columns, without what only a fit needs."""
    plain = Codebook.plain(posterior.graph)
    own = posterior.codebook or plain
    names = set(table.columns)
    best = own if len(names & set(own.known)) >= len(names & set(plain.known)) else plain
    unused = [name for name in (best.site, best.weight) if name]
    if best.one_row_per is not None:
        unused += [name for name in (best.one_row_per.column, best.one_row_per.by) if name]
    return best.model_copy(
        update={
            "site": None,
            "weight": None,
            "one_row_per": None,
            "ignore": (*best.ignore, *(name for name in unused if name not in best.columns)),
        }
    )


def _demand(table: Source, book: Codebook, ids: Sequence[str], columns: Mapping[str, str]) -> None:
    if not set(table.columns) & set(book.columns):
        raise SurveyError(f"{table.name} has no column of codebook '{book.name}'.")
    for name in ids:
        if table.columns.count(name) != 1:
            count, near = table.columns.count(name), suggest(name, table.columns)
            what = f"{count} columns '{name}'" if count else f"no column '{name}'{near}"
            raise QueryError(sentence(f"{table.name} has {what}"))
        if name in (*columns, ROW):
            raise QueryError(f"The identifier '{name}' has the name of a column of the result.")
    if len(set(ids)) < len(ids):
        raise QueryError("An identifier is named twice.")


def _stored(table: Source, coded: Coded, ids: Sequence[str], place: Path) -> Coded:
    """Keep what the rows say in a file, so that their cells are read once and not at each step."""
    named = [f"c{table.columns.index(name)}" for name in ids]
    coded.table.select(ROW, *named, *coded.words, *coded.bad.values()).to_parquet(place)
    return replace(coded, table=coded.table.get_backend().read_parquet(place))


def _refused(coded: Coded) -> dict[str, int]:
    """Return how many cells of each column are refused, where any is."""
    if not coded.bad:
        return {}
    sums = {
        f"n{i}": coded.table[bad].ifelse(1, 0).sum() for i, bad in enumerate(coded.bad.values())
    }
    found = coded.table.agg(**sums).to_pyarrow().to_pylist()[0]
    counts = {name: found[f"n{i}"] or 0 for i, name in enumerate(coded.bad)}
    return {name: count for name, count in counts.items() if count}


def _problems(
    table: Source, coded: Coded, book: Codebook, ids: Sequence[str], refused: Mapping[str, int]
) -> tuple[int, list[tuple[int | str, str, str, str]]]:
    """Return the number of problems, and the lines that list them."""
    from backrisk.tables import cell_problems

    known = book.model_copy(update={"ignore": (*book.ignore, *ids)})
    header = header_problems(table.columns, known, table.name)
    cells = cell_problems(table, coded, book, LISTED) if refused else []
    lines: list[tuple[int | str, str, str, str]] = [("", "", "", words) for words in header]
    rows = [(line, "", "", words) for line, words in table.refused]
    rows += [(cell.row, cell.column, cell.value, cell.sentence(table.name)) for cell in cells]
    lines += sorted(rows, key=lambda line: line[0])
    more = sum(refused.values()) - len(cells)
    if more:
        lines.append(("", "", "", f"{more:,} more cells were refused and are not listed."))
    return len(header) + len(table.refused) + sum(refused.values()), lines


def _answer(posterior: Posterior, asked: _Questions, coded: Coded, answers: Path) -> int:
    """Answer the distinct profiles and write what was found, a batch at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    words = list(coded.words)
    kinds = {"double": pa.float64(), "string": pa.string()}
    fields = [*((word, pa.int64()) for word in words)]
    fields += [(name, kinds[kind]) for name, kind in asked.columns.items()]
    schema, profiles = pa.schema(fields), 0
    with pq.ParquetWriter(answers, schema) as writer:
        for batch in batches(coded.table.select(*words).distinct(), _PROFILES):
            keys = [column.to_numpy(zero_copy_only=False) for column in batch.columns]
            codes = coded.unpack(keys, len(posterior.graph.names))[:, :-1]
            found = dict(zip(words, keys, strict=True)) | answer(posterior, asked, codes)
            writer.write_table(pa.table(found, schema=schema))
            profiles += len(codes)
    return profiles


def answer(posterior: Posterior, asked: _Questions, codes: Codes) -> dict[str, Any]:
    """Answer for people given as codes.

    Parameters
    ----------
    posterior : Posterior
    asked : _Questions
    codes : ndarray of int, shape (person, node)
        -1 where not seen.

    Returns
    -------
    dict
        A value for each person, by column.
    """
    graph, aim, people = posterior.graph, asked.target, len(codes)
    place = graph.names.index(aim.node)
    apart = [graph.names.index(n) for n in (aim.node, *graph.descendants(aim.node))]
    before = codes.copy()
    before[:, apart] = -1
    size = max(1, 2**26 // (8 * posterior.draws))
    parts = [
        _answer_some(posterior, asked, codes[start : start + size], before[start : start + size])
        for start in range(0, people, size)
    ]
    found: dict[str, Any] = {
        name: [value for part in parts for value in part[name]] for name in parts[0]
    }
    states = graph.node(aim.node).states
    found["reported"] = [states[code] if code >= 0 else None for code in codes[:, place]]
    always = [_WARNED] if posterior.diagnostics.warnings else []
    flags = []
    for row, risk in zip(codes, found["risk"], strict=True):
        said = [_CONTRADICTORY] if risk is None else []
        said += [_SILENT] if (row < 0).all() else []
        flags.append("; ".join([*said, *always]))
    return {**found, "flags": flags}


def _answer_some(
    posterior: Posterior, asked: _Questions, codes: Codes, before: Codes
) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}

    def put(name: str, draws: Array) -> None:
        """Keep mean and interval over the last axis."""
        for end, values in zip(("", "_low", "_high"), (draws.mean(-1), *_ends(draws)), strict=True):
            found[f"{name}{end}"] = _plain(values)

    risk = probabilities(posterior, before, asked.target, strict=False)
    put("risk", risk)
    shares = shares_of(posterior, codes, asked.causes, asked.target)
    shares[np.isnan(risk).any(axis=1)] = np.nan
    for k, cause in enumerate(asked.causes):
        put(f"share_{cause}", shares[:, k])
    first, often = _leading(shares)
    found["leading_cause"] = [asked.causes[k] if k >= 0 else None for k in first]
    found["leading_probability"] = _plain(often)

    people = len(codes)
    reduction = np.full((people, len(asked.actions), risk.shape[1]), np.nan)
    for k, setting in enumerate(asked.settings):
        places = [posterior.graph.names.index(node) for node in setting]
        left = np.flatnonzero((before[:, places] != list(setting.values())).any(axis=1))
        after = probabilities(
            posterior, before[left], asked.target, setting, asked.coupling, strict=False
        )
        reduction[left, k] = risk[left] - after
    best, often = _leading(reduction, above=-np.inf)
    found["best_action"] = [asked.actions[k] if k >= 0 else None for k in best]
    found["best_probability"] = _plain(often)
    put("reduction", reduction[np.arange(people), best])
    for name in ("reduction", "reduction_low", "reduction_high"):
        found[name] = [
            value if k >= 0 else None for value, k in zip(found[name], best, strict=True)
        ]
    return found


def _ends(draws: Array) -> tuple[Array, Array]:
    return interval(np.moveaxis(draws, -1, 0))


def _plain(values: Array) -> list[float | None]:
    return [None if value != value else float(value) for value in values]


def _leading(draws: Array, above: float = 0.0) -> tuple[NDArray[np.intp], Array]:
    """Return the choice of largest mean (-1: none) and how often it is the largest.

    Parameters
    ----------
    draws : ndarray, shape (person, choice, draw)
        NaN where a person has not this choice.
    above : float
        What the largest mean must exceed.
    """
    filled = np.where(np.isnan(draws), -np.inf, draws)
    mean = filled.mean(axis=-1)
    first = mean.argmax(axis=1)
    often = (filled.argmax(axis=1) == first[:, None]).mean(axis=1)
    none = ~(mean.max(axis=1) > above)
    return np.where(none, -1, first), np.where(none, np.nan, often)


def shares_of(posterior: Posterior, codes: Codes, causes: Sequence[str], target: Target) -> Array:
    """Return the Shapley shares of many people: ``attribute(method="shapley")`` for each.

    Parameters
    ----------
    posterior : Posterior
    codes : ndarray of int, shape (person, node)
        -1 where not seen.
    causes : sequence of str
    target : Target

    Returns
    -------
    ndarray, shape (person, cause, draw)
        NaN where answers contradict each other.
    """
    graph = posterior.graph
    states = [len(graph.node(node).states) for node in (*causes, target.node)]
    size = max(1, _CELLS // (int(np.prod(states)) * posterior.draws))
    shares = np.empty((len(codes), len(causes), posterior.draws))
    signatures, which = np.unique(codes >= 0, axis=0, return_inverse=True)
    for number in range(len(signatures)):
        members = np.flatnonzero(which.ravel() == number)
        for start in range(0, len(members), size):
            some = members[start : start + size]
            values = _coalitions(posterior, codes[some], causes, target)
            split = shapley(values.reshape(*values.shape[:-2], -1))
            shares[some] = split.reshape(len(causes), len(some), -1).swapaxes(0, 1)
    return shares


def _coalitions(posterior: Posterior, codes: Codes, causes: Sequence[str], target: Target) -> Array:
    """Return v(S) for people who answered the same questions, ``(2, ..., 2, person, draw)``."""
    graph, people = posterior.graph, len(codes)
    seen = {graph.names[i]: codes[:, i].astype(np.intp) for i in np.flatnonzero(codes[0] >= 0)}
    changed = frozenset(causes).union(*(graph.descendants(cause) for cause in causes))
    context = {name: code for name, code in seen.items() if name not in changed}
    world = World(posterior, context, {}, free=tuple(causes))
    joint = world.joint([*((cause, 1) for cause in causes), (target.node, 1)])
    joint = joint if world.people is not None else joint[None]
    with np.errstate(invalid="ignore"):  # 0 / 0: contradictory answers
        table = joint[..., list(target.codes), :].sum(axis=-2) / joint.sum(axis=-2)
    table = np.broadcast_to(table, (people, *table.shape[1:]))
    left = [axis for axis, cause in enumerate(causes, 1) if cause not in seen]
    told = [axis for axis, cause in enumerate(causes, 1) if cause in seen]
    for axis in told:  # outside the set a reported cause is at the reference, inside as reported
        both = np.stack([np.zeros(people, np.intp), seen[causes[axis - 1]]], axis=1)
        shape = [people if i == 0 else 2 if i == axis else 1 for i in range(table.ndim)]
        table = np.take_along_axis(table, both.reshape(shape), axis=axis)
    values = table.transpose(0, *left, *told, -1)
    if left:
        everyone = World(posterior, seen, {})
        weights = everyone.joint([(causes[axis - 1], 0) for axis in left])
        weights = weights if everyone.people is not None else weights[None]
        axes = tuple(range(1, len(left) + 1))
        with np.errstate(invalid="ignore"):
            weights = weights / weights.sum(axis=axes, keepdims=True)
        values = _averaged(values, np.broadcast_to(weights, (people, *weights.shape[1:])))
    order = np.argsort([*left, *told])
    return values.transpose(*(order + 1), 0, -1)


def _averaged(table: Array, weights: Array) -> Array:
    """Average unreported causes, the first axes after the people, over their joint posterior.

    Inside the set a cause has the person's own distribution, outside it is at the reference.
    """
    people, draws = table.shape[0], table.shape[-1]
    left = weights.ndim - 2
    told = table.shape[1 + left : -1]
    mixed = np.empty((people, *(2,) * left, *told, draws))
    for chosen in np.ndindex(*(2,) * left):
        outside = tuple(axis for axis in range(left) if not chosen[axis])
        some = table[(slice(None), *(slice(None) if inside else 0 for inside in chosen))]
        share = weights.sum(axis=tuple(axis + 1 for axis in outside))
        states = int(np.prod(share.shape[1:-1]))
        average = np.einsum(
            "pid,pird->prd",
            share.reshape(people, states, draws),
            some.reshape(people, states, -1, draws),
        )
        mixed[(slice(None), *chosen)] = average.reshape(people, *told, draws)
    return mixed


def _join(
    table: Source,
    coded: Coded,
    refused: dict[str, int],
    ids: Sequence[str],
    asked: _Questions,
    answers: Path,
    part: Path,
    posterior: Posterior,
) -> int:
    """Write every row with the answers of its profile, in the order of the source."""
    import pyarrow as pa

    engine = coded.table.get_backend()
    known = engine.read_parquet(answers)
    known = known.rename({f"key_{word}": word for word in coded.words})
    joined = coded.table.inner_join(
        known, [coded.table[word] == known[f"key_{word}"] for word in coded.words]
    )
    flags = joined["flags"]
    for name in reversed(refused):
        told = joined[coded.bad[name]].ifelse(f"refused: {name}; ", "")
        flags = told + flags
    columns = {
        **{name: joined[f"c{table.columns.index(name)}"] for name in ids},
        **{name: joined[name] for name in asked.columns if name != "flags"},
        "flags": flags,
    }
    chosen = joined.select(**{ROW: joined[ROW]}, **columns).order_by(ROW)
    people, writer, lines = 0, None, table.numbers()
    try:
        for batch in batches(chosen, _ROWS):
            rows = [next(lines) for _ in range(len(batch))]
            flags_ = [words.removesuffix("; ") for words in batch.column("flags").to_pylist()]
            whole = batch.set_column(0, ROW, pa.array(rows, pa.int64()))
            whole = whole.set_column(whole.num_columns - 1, "flags", pa.array(flags_, pa.string()))
            if writer is None:
                writer = _writer(part, whole.schema, posterior)
            writer.write_batch(whole)
            people += len(batch)
    finally:
        if writer is not None:
            writer.close()
    return people


def _writer(part: Path, schema: pa.Schema, posterior: Posterior) -> Any:
    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    if part.name.lower().endswith(".csv.part"):
        return pc.CSVWriter(part, schema)
    about = {
        "about": f"{DISCLAIMER} Low and high: {INTERVAL_NAME}, {posterior.draws:,} draws.",
        "survey": str(posterior.meta.get("survey", "")),
        "synthetic": str(posterior.meta.get("synthetic", "")),
        "warnings": " ".join(posterior.diagnostics.warnings),
    }
    return pq.ParquetWriter(part, schema.with_metadata(about))
