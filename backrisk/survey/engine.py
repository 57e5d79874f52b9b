"""Tables of any size reduced to their distinct answer patterns by the engine that holds them.

The engine (DuckDB, Spark, anything that Ibis supports) does the work that grows with the rows;
what an answer means is for the codebook alone to say. Labels, texts and sites come to Python as the
distinct cells of a column, are read there by the codebook, and go back as a small table that is
joined. Numbers are compared and divided by the engine in the same IEEE double arithmetic as
Python's; only cells that are not plain numbers (missing words, other spellings, mistakes) come to
Python. The codes of a row are packed into a few integers, by which the rows are counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey.branching import Gate, NotAsked, gate_of
from backrisk.survey.checks import RefusedCell, expectation, header_problems
from backrisk.survey.coder import Coder
from backrisk.survey.design import like_identifiers, repeated_identifiers
from backrisk.survey.expressions import Digit, Expression, any_of, certain, pack
from backrisk.survey.problems import failure
from backrisk.survey.readers import ROW, Source
from backrisk.survey.repeats import kept, share_of_person
from backrisk.survey.schema import Contents
from backrisk.words import Said, say

LISTED = 1000  # bad cells that are told one by one
_WORD = 2**62  # a packed word stays below it, well within 64 bits


@dataclass(frozen=True, eq=False)
class Tabulated:
    """The distinct answer patterns of a table, and how many people gave each.

    Parameters
    ----------
    codes : ndarray of int8, shape (patterns, nodes)
    people : ndarray of int, shape (patterns,)
    weights, squares : ndarray of float, shape (patterns,), optional
        Sums of the weights and of their squares.
    site : ndarray of int, shape (patterns,), optional
    sites : tuple of str
    not_asked : NotAsked
    cautions : tuple of str
    """

    codes: NDArray[np.int8]
    people: NDArray[np.int64]
    weights: NDArray[np.float64] | None
    squares: NDArray[np.float64] | None
    site: NDArray[np.intp] | None
    sites: tuple[str, ...]
    not_asked: NotAsked
    cautions: tuple[Said, ...] = ()


@dataclass(frozen=True)
class Coded:
    """A table whose rows carry their codes, packed.

    Parameters
    ----------
    table : ibis.Table
        The source's columns and, for each row, the words of its packed codes (`words`), whether
        its cells were refused (`bad`), ``weight`` where the table has one, and ``kept`` (whether
        the row stands for its person) where the codebook keeps one row of each.
    words : tuple of str
    digits : tuple of tuple of (int, int)
        Of each word, least significant first: node (-1 for the site) and base. A digit is the code
        plus one, 0 where the answer is missing.
    bad : dict
        Column that tells a refused cell, by the survey's name of the cell's column.
    sites : tuple of str
    gates : tuple of Gate
        Of the measures that are not asked of everyone, whose digits hold more than states.
    """

    table: ibis.Table
    words: tuple[str, ...]
    digits: tuple[tuple[tuple[int, int], ...], ...]
    bad: dict[str, str]
    sites: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()

    def unpack(self, words: Sequence[NDArray[np.int64]], nodes: int) -> NDArray[np.int16]:
        """Return codes of shape (rows, nodes + 1) from packed words; the site comes last."""
        codes = self.packed_codes(words, nodes)
        for gate in self.gates:
            codes[:, gate.node] = gate.settled(codes[:, gate.node])
        return codes

    def packed_codes(self, words: Sequence[NDArray[np.int64]], nodes: int) -> NDArray[np.int16]:
        """Return the same with the codes of `gates` as their digits hold them."""
        codes = np.full((len(words[0]) if words else 0, nodes + 1), -1, dtype=np.int16)
        for word, digits in zip(words, self.digits, strict=True):
            rest = np.array(word, dtype=np.int64)
            for node, base in digits:
                rest, digit = np.divmod(rest, base)
                codes[:, node] = digit - 1
        return codes


def tabulate_source(source: Source, codebook: Contents, graph: CausalGraph) -> Tabulated:
    """Check a table against its codebook and count its answer patterns.

    Parameters
    ----------
    source : Source
    codebook : Contents
    graph : CausalGraph
        Extended by the codebook's items.

    Returns
    -------
    Tabulated
        Sorted by site, then by the codes in the order of the nodes.

    Raises
    ------
    SurveyError
        Every problem of the header and the first 1,000 of the cells, by row.
    """
    header = header_problems(source.columns, codebook, source.name)
    coded = encode_table(source, codebook, graph)
    table = coded.table
    weighted = "weight" in table.columns
    keys = [name for name in (*coded.words, "kept") if name in table.columns]
    sums = {
        "people": table.count(),
        "refused": any_of(table, coded.bad.values()).ifelse(1, 0).sum(),
    }
    if weighted:
        sums |= {"w": table.weight.sum(), "ww": (table.weight * table.weight).sum()}
    found: pd.DataFrame = table.group_by(keys).agg(**sums).to_pyarrow().to_pandas()
    if found.empty or not found["people"].sum():
        raise SurveyError(say("survey.table.no_rows", source=source.name))
    if header or found["refused"].sum():
        cells = cell_problems(source, coded, codebook)
        raise failure(source.name, [*header, *(each.sentence(source.name) for each in cells)])
    if "kept" in found:
        found = found[found["kept"].astype(bool)].groupby(list(coded.words)).sum().reset_index()

    columns = [found[word].to_numpy(np.int64) for word in coded.words]
    codes = coded.packed_codes(columns, len(graph.names))
    order = np.lexsort(codes.T[[*range(codes.shape[1] - 2, -1, -1), -1]])
    codes, found = codes[order], found.iloc[order]
    people = found["people"].to_numpy(np.int64)
    site = codes[:, -1].astype(np.intp) if coded.sites else None
    not_asked = NotAsked.of(coded.gates, codes, people, graph.names)
    for gate in coded.gates:
        codes[:, gate.node] = gate.settled(codes[:, gate.node])
    answers = np.ascontiguousarray(codes[:, :-1], dtype=np.int8)
    if (answers < 0).all():
        raise SurveyError(
            say("survey.table.no_answers", source=source.name, rows=int(people.sum()))
        )
    weights = found["w"].to_numpy(np.float64) if weighted else None
    if weights is not None and not weights.sum() > 0:
        raise SurveyError(say("survey.table.no_weight", source=source.name, column=codebook.weight))
    squares = found["ww"].to_numpy(np.float64) if weighted else None
    if codebook.design is not None and codebook.design.person is not None:
        squares = weights  # the visits of one person tell no more than one
    return Tabulated(
        answers,
        people,
        weights,
        squares,
        site,
        coded.sites,
        not_asked,
        tuple(_repeated(source, codebook)),
    )


def _repeated(source: Source, codebook: Contents) -> Iterator[Said]:
    """Say which columns look as if several rows were of one person."""
    for name in like_identifiers(codebook, dict.fromkeys(source.columns)):
        cell = source.table[f"c{source.columns.index(name)}"]
        found = source.table.agg(people=cell.nunique(), rows=cell.count()).to_pyarrow()
        told = repeated_identifiers(name, *found.to_pylist()[0].values())
        if told is not None:
            yield told


def encode_table(source: Source, codebook: Contents, graph: CausalGraph) -> Coded:
    """Give every row of a table its codes, packed, and say which cells are refused.

    A refused cell counts as missing. Columns that the codebook does not know, or that occur more
    than once, are left out.

    Parameters
    ----------
    source : Source
    codebook : Contents
    graph : CausalGraph
        Extended by the codebook's items.

    Returns
    -------
    Coded
    """
    coder = Coder(source, codebook)
    digits: list[Digit] = []
    gates: list[Gate] = []
    sites: tuple[str, ...] = ()
    if codebook.site in coder.columns:
        site, sites = coder.site(codebook.site)
        digits.append((-1, len(sites) + 1, site))
    for name, spec in codebook.measures.items():
        node = graph.names.index(codebook.node_of(name))
        states = graph.nodes[node].states
        if (state := coder.state(name, spec, states)) is None:
            continue
        if (gate := gate_of(name, spec, node, states)) is None:
            digits.append((node, len(states) + 1, state))
        else:
            digits.append((node, gate.base, coder.gated(gate, state)))
            gates.append(gate)
    for name in codebook.columns:
        coder.check(name)
    added: dict[str, Expression] = {}
    if codebook.weight in coder.columns:
        added["weight"] = coder.weight(codebook.weight)
    if codebook.design is not None and codebook.design.person in coder.columns:
        added["weight"] = share_of_person(coder, codebook.design.person)
    if codebook.one_row_per is not None and codebook.one_row_per.column in coder.columns:
        added["kept"] = kept(coder, codebook.one_row_per)

    packed: list[list[Digit]] = [[]]
    for digit in digits:
        if math.prod(base for _, base, _ in [*packed[-1], digit]) >= _WORD:
            packed.append([])
        packed[-1].append(digit)
    words = {f"word{place}": pack(word) for place, word in enumerate(packed)}
    bad = {name: f"bad{place}" for place, name in enumerate(coder.bad)}
    added |= words | {bad[name]: certain(test) for name, test in coder.bad.items()}
    joined = coder.known.table
    return Coded(
        joined.select(
            *source.table.columns,
            **{name: expression(joined) for name, expression in added.items()},
        ),
        tuple(words),
        tuple(tuple((node, base) for node, base, _ in word) for word in packed),
        bad,
        sites,
        tuple(gates),
    )


def cell_problems(
    source: Source, coded: Coded, codebook: Contents, limit: int = LISTED
) -> list[RefusedCell]:
    """Return the refused cells by row, at most the first `limit`."""
    found: list[tuple[int, int, object]] = []
    names = [name for name in codebook.known if name in coded.bad]
    for order, name in enumerate(names):
        bad = coded.table.filter(coded.table[coded.bad[name]])
        first = bad.select(record=bad[ROW]).order_by("record").limit(limit)
        raw = source.table.select(ROW, f"c{source.columns.index(name)}")
        told = raw.inner_join(first, raw[ROW] == first.record).drop("record").to_pyarrow()
        records, cells = (column.to_pandas() for column in told.columns)
        found += [(int(r), order, cell) for r, cell in zip(records, cells, strict=True)]
    found = sorted(found, key=lambda each: each[:2])[:limit]
    rows = source.rows([record for record, _, _ in found])
    return [
        RefusedCell(
            row,
            names[order],
            str(raw),
            expectation(names[order], raw, codebook) or say("survey.expected.another"),
        )
        for row, (_, order, raw) in zip(rows, found, strict=True)
    ]
