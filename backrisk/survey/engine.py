"""Tables as coded rows, and large ones as their distinct answer patterns.

What an answer means is for the codebook alone to say: `Coder` reads each distinct cell of a batch
of rows. The codes of a row are packed into a few integers and kept in a file, with its weight and
what else is known of it. What needs all rows at once, counting them by their codes and choosing
which row stands for a person, is left to an engine (DuckDB, Spark, anything that Ibis supports), so
that memory grows with the patterns and not with the people.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey.branching import Gate, NotAsked, gate_of
from backrisk.survey.checks import RefusedCell, header_problems
from backrisk.survey.coder import MISSING, Batch, Coder
from backrisk.survey.design import like_identifiers, repeated_identifiers
from backrisk.survey.mismatches import refusal
from backrisk.survey.readers import Source, connected, parquet_of
from backrisk.survey.repeats import in_order, kept, share_of_person
from backrisk.survey.schema import Column, Contents, Derived, OneRowPer
from backrisk.survey.staging import ROW
from backrisk.words import Said, say

if TYPE_CHECKING:
    import ibis

LISTED = 1000  # bad cells that are told one by one
ROWS = 200_000  # people of a table who keep a row each
_WORD = 2**62  # a packed word stays below it, well within 64 bits
_STATES = 128  # of a node, as many as a byte counts


@dataclass(frozen=True, eq=False)
class Tabulated:
    """The rows of a table, or its distinct answer patterns and how many people gave each.

    Parameters
    ----------
    codes : ndarray of int8, shape (rows, nodes)
    people : ndarray of int, shape (rows,), optional
        Where rows were counted.
    weights : ndarray of float, shape (rows,), optional
    squares : ndarray of float, shape (rows,), optional
        Where rows were counted, or are visits, the sums of their squared weights.
    site : ndarray of int, shape (rows,), optional
    sites : tuple of str
    not_asked : NotAsked
    cautions : tuple of str
    rows : int
        Of the table: where a person has several, more than people.
    """

    codes: NDArray[np.int8]
    people: NDArray[np.int64] | None
    weights: NDArray[np.float64] | None
    squares: NDArray[np.float64] | None
    site: NDArray[np.intp] | None
    sites: tuple[str, ...]
    not_asked: NotAsked
    cautions: tuple[Said, ...]
    rows: int


@dataclass(frozen=True)
class Coded:
    """The rows of a table as codes, packed, in a file.

    Parameters
    ----------
    path : Path
        A Parquet file of `ROW`, the words of the packed codes, ``bad0``, ``bad1``, ... (whether a
        cell was refused), ``weight`` where the table has one, ``person`` and ``when`` where the
        codebook keeps one row of each, and the fields that were to be kept as they are.
    rows : int
    words : tuple of str
    digits : tuple of tuple of (int, int)
        Of each word, least significant first: node (-1 for the site) and base. A digit is the code
        plus one, 0 where the answer is missing.
    bad : dict
        Column that tells a refused cell, by the survey's name of the cell's column.
    refused : dict
        How many cells were refused, by the name of the column, where any was.
    sites : tuple of str
    cells : tuple of RefusedCell
        The refused cells by row, or the first of them.
    keep : {"first", "last"}, optional
        Which row of a person stays; by default all do.
    gates : tuple of Gate
        Of the measures that are not asked of everyone, whose digits hold more than states.
    visits : bool
        Whether rows are visits, each of which weighs as much as it is of all its person's.
    """

    path: Path
    rows: int
    words: tuple[str, ...]
    digits: tuple[tuple[tuple[int, int], ...], ...]
    bad: dict[str, str]
    refused: dict[str, int]
    sites: tuple[str, ...] = ()
    cells: tuple[RefusedCell, ...] = field(default=(), repr=False)
    keep: str | None = None
    gates: tuple[Gate, ...] = ()
    visits: bool = False

    def unpack(self, words: Sequence[NDArray[np.int64]], nodes: int) -> NDArray[np.int32]:
        """Return codes of shape (rows, nodes + 1) from packed words; the site comes last."""
        codes = self.packed_codes(words, nodes)
        for gate in self.gates:
            codes[:, gate.node] = gate.settled(codes[:, gate.node])
        return codes

    def packed_codes(self, words: Sequence[NDArray[np.int64]], nodes: int) -> NDArray[np.int32]:
        """Return the same with the codes of `gates` as their digits hold them."""
        codes = np.full((len(words[0]) if words else 0, nodes + 1), -1, dtype=np.int32)
        for word, digits in zip(words, self.digits, strict=True):
            rest = np.array(word, dtype=np.int64)
            for node, base in digits:
                rest, digit = np.divmod(rest, base)
                codes[:, node] = digit - 1
        return codes

    @contextmanager
    def table(self, engine: str) -> Iterator[ibis.Table]:
        """Open the file as a table of an engine, until the block ends."""
        with connected(engine, self.path.parent) as connection:
            yield parquet_of(connection, self.path)


def tabulate_source(
    source: Source, codebook: Contents, graph: CausalGraph, *, count: bool | None = None
) -> Tabulated:
    """Check a table against its codebook and return its rows, or its answer patterns.

    Parameters
    ----------
    source : Source
    codebook : Contents
    graph : CausalGraph
        Extended by the codebook's items.
    count : bool, optional
        Whether rows of the same codes become one. By default those of more than `ROWS` rows.

    Returns
    -------
    Tabulated
        In the order of the table, or where rows were counted, sorted by site, then by the codes in
        the order of the nodes.

    Raises
    ------
    SurveyError
        Every problem of the header and the first 1,000 of the cells, by row; a column of which
        most answers are refused is one of them.
    """
    demand_few_states(graph)
    header = header_problems(source.columns, codebook, source.name)
    coded = encode_table(source, codebook, graph, source.sums)
    if not coded.rows:
        raise SurveyError(say("survey.table.no_rows", source=source.name))
    if header or coded.refused:
        raise refusal(source, codebook, header, coded.refused, coded.cells)
    counted = bool(source.sums) or (coded.rows > ROWS if count is None else count)
    found = _counted(coded, source) if counted else _rows(coded, source.engine)

    words = [found[word].to_numpy() for word in coded.words]
    codes = coded.packed_codes(words, len(graph.names))
    order = np.arange(len(codes))
    if counted:
        order = np.lexsort(codes.T[[*range(codes.shape[1] - 2, -1, -1), -1]])
        codes = codes[order]

    def sums(name: str) -> NDArray[Any] | None:
        return found[name].to_numpy()[order] if name in found.column_names else None

    site = codes[:, -1].astype(np.intp) if coded.sites else None
    people, weights = sums("people"), sums("weight")
    each = np.ones(len(codes), np.int64) if people is None else people
    not_asked = NotAsked.of(coded.gates, codes, each, graph.names)
    for gate in coded.gates:
        codes[:, gate.node] = gate.settled(codes[:, gate.node])
    answers = np.ascontiguousarray(codes[:, :-1], dtype=np.int8)
    if (answers < 0).all():
        raise SurveyError(say("survey.table.no_answers", source=source.name, rows=int(each.sum())))
    squares = sums("squares")
    if weights is not None and codebook.weight is not None:
        demand_weights(weights, squares, source.name, codebook.weight)
    if coded.visits:
        squares = weights  # the visits of one person tell no more than one
    told = tuple(_repeated(source, codebook, coded.rows))
    return Tabulated(
        answers, people, weights, squares, site, coded.sites, not_asked, told, coded.rows
    )


def demand_weights(
    weights: NDArray[np.float64], squares: NDArray[np.float64] | None, source: str, column: str
) -> None:
    """Refuse weights that are all 0, or from which no effective number of people can be told."""
    if not weights.any():
        raise SurveyError(say("survey.table.no_weight", source=source, column=column))
    with np.errstate(over="ignore", under="ignore"):
        total = float(np.sum(np.square(weights) if squares is None else squares))
    if not np.isfinite(total) or not total > 0:
        raise SurveyError(say("survey.table.odd_weights", source=source, column=column))


def _repeated(source: Source, codebook: Contents, rows: int) -> Iterator[Said]:
    """Say which columns look as if several rows were of one person."""
    for name in like_identifiers(codebook, dict.fromkeys(source.columns)):
        field = source.fields[source.columns.index(name)]
        if rows <= ROWS:
            cells = pq.read_table(source.path, columns=[field])[field].drop_null()
            found = (len(pc.unique(cells.cast(pa.string()))), len(cells))
        else:
            with connected(source.engine, source.path.parent) as connection:
                table = parquet_of(connection, source.path)
                counts = table.agg(people=table[field].nunique(), rows=table[field].count())
                found = tuple(counts.to_pyarrow().to_pylist()[0].values())
        if (told := repeated_identifiers(name, *found)) is not None:
            yield told


def _rows(coded: Coded, engine: str) -> pa.Table:
    """Return the words and the weight of each person, in the order of the table."""
    names = pq.read_schema(coded.path).names
    if "person" not in names:
        chosen = [name for name in (*coded.words, "weight") if name in names]
        return pq.read_table(coded.path, columns=chosen)
    with coded.table(engine) as table:
        people = _people(table, coded)
        chosen = [name for name in (*coded.words, "weight") if name in people.columns]
        return people.order_by(ROW).select(chosen).to_pyarrow()


def _counted(coded: Coded, source: Source) -> pa.Table:
    """Return the words of each pattern, and of its people the number and the sums of weights."""
    with coded.table(source.engine) as table:
        if source.sums:
            added = {name: table[name].sum() for name in source.sums}
            added["people"] = added["people"].cast("int64")
            return table.group_by(list(coded.words)).agg(**added).to_pyarrow()
        table = _people(table, coded)
        sums: dict[str, Any] = {"people": table.count()}
        if "weight" in table.columns:
            weight = table.weight
            sums |= {"weight": weight.sum(), "squares": (weight * weight).sum()}
        return table.group_by(list(coded.words)).agg(**sums).to_pyarrow()


def _people(table: Any, coded: Coded) -> Any:
    """Return the rows that stand for people, with the weight of a visit where they are visits."""
    if coded.visits:
        return table.mutate(weight=share_of_person(table))
    if coded.keep is not None:
        return table.mutate(stays=kept(table, coded.keep)).filter(lambda t: t.stays)
    return table


def demand_few_states(graph: CausalGraph) -> None:
    """Refuse a node of more states than a survey's codes can tell apart.

    Raises
    ------
    SurveyError
    """
    for node in graph.nodes:
        if len(node.states) > _STATES:
            raise SurveyError(
                say("survey.table.many_states", node=node.name, n=len(node.states), most=_STATES)
            )


def encode_table(
    source: Source,
    codebook: Contents,
    graph: CausalGraph,
    extra: Sequence[str] = (),
    listed: int | None = None,
) -> Coded:
    """Give every row of a table its codes, packed, and say which cells are refused.

    A refused cell counts as missing. Columns that the codebook does not know, or that occur more
    than once, are left out.

    Parameters
    ----------
    source : Source
    codebook : Contents
    graph : CausalGraph
        Extended by the codebook's items.
    extra : sequence of str
        Fields of the source that are kept as they are.
    listed : int, optional
        How many refused cells are told one by one; `LISTED` by default.

    Returns
    -------
    Coded
        In a file beside the source's, which lasts as long as that.
    """
    coder = Coder(source, codebook)
    plan = _Plan.of(coder, codebook, graph)
    path, rows, writer = source.path.with_name("coded.parquet"), 0, None
    counts, limit = dict.fromkeys(plan.checked, 0), LISTED if listed is None else listed
    found: list[tuple[int, int, str]] = []
    try:
        for batch, kept_fields in coder.batches(extra):
            told = plan.columns(batch)
            for place, name in enumerate(plan.checked):
                at = np.flatnonzero(told[f"bad{place}"])
                counts[name] += len(at)
                texts = batch.cells[name].take(pa.array(at[:limit])).to_pylist()
                cells = zip(batch.rows[at[:limit]].tolist(), texts, strict=True)
                found += [(row, place, text or "") for row, text in cells]
            found = sorted(found)[:limit]
            table = pa.table(told | dict(zip(extra, kept_fields.columns, strict=True)))
            # By what is told of the records, an engine reads no more blocks than it needs.
            writer = writer or pq.ParquetWriter(path, table.schema, write_statistics=[ROW])
            writer.write_table(table)
            rows += len(batch.rows)
    finally:
        if writer is not None:
            writer.close()
    return Coded(
        path,
        rows,
        tuple(f"word{place}" for place in range(len(plan.digits))),
        plan.digits,
        {name: f"bad{place}" for place, name in enumerate(plan.checked)},
        {name: count for name, count in counts.items() if count},
        plan.sites,
        _cells(source, coder, plan.checked, found),
        None if plan.repeats is None else plan.repeats.keep,
        tuple(plan.gates.values()),
        plan.visits is not None,
    )


@dataclass(frozen=True)
class _Plan:
    """What becomes of each row of a table.

    Parameters
    ----------
    coder : Coder
    measures : dict of int to (str, Column or Derived, tuple of str)
        By node, the measure that fills it and the node's states.
    sites : tuple of str
    digits : tuple of tuple of (int, int)
    checked : tuple of str
        Columns whose cells may be refused.
    repeats : OneRowPer, optional
        Where the table has its column.
    ranks : dict, optional
        The place of each cell of the column that orders a person's rows.
    gates : dict of int to Gate
        By node, of the measures that are not asked of everyone.
    visits : str, optional
        The column that identifies a person, where each row is a visit.
    """

    coder: Coder
    measures: dict[int, tuple[str, Column | Derived, tuple[str, ...]]]
    sites: tuple[str, ...]
    digits: tuple[tuple[tuple[int, int], ...], ...]
    checked: tuple[str, ...]
    repeats: OneRowPer | None
    ranks: dict[str | None, float] | None
    gates: dict[int, Gate]
    visits: str | None

    @classmethod
    def of(cls, coder: Coder, codebook: Contents, graph: CausalGraph) -> _Plan:
        """Plan the reading of a table."""
        sites = coder.sites() if codebook.site in coder.fields else ()
        digits = [(-1, len(sites) + 1)] if sites else []
        measures, gates = {}, {}
        for name, spec in codebook.measures.items():
            inputs = spec.from_ if isinstance(spec, Derived) else (name,)
            if coder.fields.keys().isdisjoint(inputs):
                continue
            node = graph.names.index(codebook.node_of(name))
            states = graph.nodes[node].states
            measures[node] = (name, spec, states)
            gate = gate_of(name, spec, node, states)
            if gate is not None:
                gates[node] = gate
            digits.append((node, len(states) + 1 if gate is None else gate.base))
        packed: list[list[tuple[int, int]]] = [[]]
        for digit in digits:
            if math.prod(base for _, base in [*packed[-1], digit]) >= _WORD:
                packed.append([])
            packed[-1].append(digit)
        checkable = (*codebook.columns, codebook.site, codebook.weight)
        rule = codebook.one_row_per
        if rule is not None and rule.column not in coder.fields:
            rule = None
        ranks = in_order(coder, rule) if rule is not None and rule.by in coder.fields else None
        person = codebook.design and codebook.design.person
        return cls(
            coder,
            measures,
            sites,
            tuple(map(tuple, packed)),
            tuple(n for n in codebook.known if n in coder.fields and n in checkable),
            rule,
            ranks,
            gates,
            person if person in coder.fields else None,
        )

    def columns(self, batch: Batch) -> dict[str, Any]:
        """Return what the file of codes says of some rows, by column."""
        coder, book = self.coder, self.coder.codebook
        codes = {
            node: coder.state(batch, name, spec, states)
            for node, (name, spec, states) in self.measures.items()
        }
        codes |= {node: coder.gated(batch, gate, codes[node]) for node, gate in self.gates.items()}
        if self.sites:
            places = {site: place for place, site in enumerate(self.sites)}
            codes[-1] = batch.meaning(str(book.site), lambda t: places.get(t or "", -1), int)
        told: dict[str, Any] = {ROW: batch.rows}
        for place, word in enumerate(self.digits):
            total, unit = np.zeros(len(batch.rows), np.int64), 1
            for node, base in word:
                total += (np.maximum(codes[node], MISSING) + 1) * unit  # refused is missing
                unit *= base
            told[f"word{place}"] = total
        told |= {f"bad{at}": coder.refused(batch, name) for at, name in enumerate(self.checked)}
        if book.weight in coder.fields:
            told["weight"] = coder.weight(batch)
        if self.visits is not None:
            told["person"] = coder.person(batch, self.visits)
        elif self.repeats is not None:
            told["person"] = coder.person(batch, self.repeats.column)
            if self.ranks is not None:
                told["when"] = batch.meaning(str(self.repeats.by), self.ranks.__getitem__, float)
        return told


def _cells(
    source: Source, coder: Coder, names: Sequence[str], found: Sequence[tuple[int, int, str]]
) -> tuple[RefusedCell, ...]:
    """Return refused cells, given by record, place of the column, and text."""
    rows = source.rows([record for record, _, _ in found])
    return tuple(
        RefusedCell(
            row,
            names[place],
            text,
            coder.expected(names[place], text or None) or say("survey.expected.another"),
            source.file_of(record),
        )
        for row, (record, place, text) in zip(rows, found, strict=True)
    )
