"""Tables of any size reduced to their distinct answer patterns by the engine that holds them.

The engine (DuckDB, Spark, anything Ibis speaks to) does what grows with the rows; what an answer
means stays the codebook's own word. Labels, texts and sites come to Python as the distinct cells
of a column, are read there by the codebook, and go back as a small table that is joined. Numbers
are compared and divided by the engine in the same IEEE double arithmetic as Python's; only cells
that are no plain number (missing words, other spellings, mistakes) come to Python. The codes of a
row are packed into a few integers, and the rows are counted by these.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey.checks import TEXT, complaint, header_problems, in_time
from backrisk.survey.codebook import Codebook, Column, Derived, OneRowPer, failure, sentence
from backrisk.survey.readers import ROW, Source, batches

LISTED = 1000  # bad cells that are told one by one
_CHUNK = 100_000
_WORD = 2**62
_PLAIN = "^[+-]?[0-9]{1,18}([.][0-9]{1,18})?$"  # read alike by every engine and by Python
_ASCII = "^[!-~]([ -~]*[!-~])?$"  # nothing to strip
_WEIGHTS = Column(role="input", type="number", range=(0.0, math.inf))
_LARGEST = float(np.finfo(float).max)
_GONE = math.inf  # says "missing" among numbers read in Python; the engines' null says "refused"

Expression = Callable[[Any], Any]  # from a table to one of its columns


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
    """

    codes: NDArray[np.int8]
    people: NDArray[np.int64]
    weights: NDArray[np.float64] | None
    squares: NDArray[np.float64] | None
    site: NDArray[np.intp] | None
    sites: tuple[str, ...]


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
    """

    table: ibis.Table
    words: tuple[str, ...]
    digits: tuple[tuple[tuple[int, int], ...], ...]
    bad: dict[str, str]
    sites: tuple[str, ...] = ()

    def unpack(self, words: Sequence[NDArray[np.int64]], nodes: int) -> NDArray[np.int16]:
        """Return codes of shape (rows, nodes + 1) from packed words; the site comes last."""
        codes = np.full((len(words[0]) if words else 0, nodes + 1), -1, dtype=np.int16)
        for word, digits in zip(words, self.digits, strict=True):
            rest = np.array(word, dtype=np.int64)
            for node, base in digits:
                rest, digit = np.divmod(rest, base)
                codes[:, node] = digit - 1
        return codes


def tabulate_source(source: Source, codebook: Codebook, graph: CausalGraph) -> Tabulated:
    """Check a table against its codebook and count its answer patterns.

    Parameters
    ----------
    source : Source
    codebook : Codebook
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
    coded = encode(source, codebook, graph)
    table = coded.table
    weighted = "weight" in table.columns
    keys = [name for name in (*coded.words, "kept") if name in table.columns]
    sums = {
        "people": table.count(),
        "refused": _any(table, coded.bad.values()).ifelse(1, 0).sum(),
    }
    if weighted:
        sums |= {"w": table.weight.sum(), "ww": (table.weight * table.weight).sum()}
    found: pd.DataFrame = table.group_by(keys).agg(**sums).to_pyarrow().to_pandas()
    if found.empty or not found["people"].sum():
        raise SurveyError(f"{source.name} has no rows, expected a header and one row a person.")
    if header or found["refused"].sum():
        cells = cell_problems(source, coded, codebook)
        raise failure(source.name, [*header, *(each.sentence(source.name) for each in cells)])
    if "kept" in found:
        found = found[found["kept"].astype(bool)].groupby(list(coded.words)).sum().reset_index()

    codes = coded.unpack([found[word].to_numpy(np.int64) for word in coded.words], len(graph.names))
    order = np.lexsort(codes.T[[*range(codes.shape[1] - 2, -1, -1), -1]])
    codes, found = codes[order], found.iloc[order]
    people = found["people"].to_numpy(np.int64)
    site = codes[:, -1].astype(np.intp) if coded.sites else None
    answers = np.ascontiguousarray(codes[:, :-1], dtype=np.int8)
    if (answers < 0).all():
        raise SurveyError(
            f"{source.name} has no answers: all are missing in all {people.sum()} rows."
        )
    weights = found["w"].to_numpy(np.float64) if weighted else None
    if weights is not None and not weights.sum() > 0:
        raise SurveyError(f"{source.name}, column '{codebook.weight}': no weight is above 0.")
    squares = found["ww"].to_numpy(np.float64) if weighted else None
    return Tabulated(answers, people, weights, squares, site, coded.sites)


def encode(source: Source, codebook: Codebook, graph: CausalGraph) -> Coded:
    """Give every row of a table its codes, packed, and say which cells are refused.

    A refused cell counts as missing. Columns that the codebook does not know, or that occur more
    than once, are left out.

    Parameters
    ----------
    source : Source
    codebook : Codebook
    graph : CausalGraph
        Extended by the codebook's items.

    Returns
    -------
    Coded
    """
    coder = _Coder(source, codebook)
    digits: list[tuple[int, int, Expression]] = []
    sites: tuple[str, ...] = ()
    if codebook.site in coder.places:
        site, sites = coder.site(codebook.site)
        digits.append((-1, len(sites) + 1, site))
    for name, spec in codebook.measures.items():
        node = graph.names.index(codebook.node_of(name))
        states = graph.nodes[node].states
        if (state := coder.state(name, spec, states)) is not None:
            digits.append((node, len(states) + 1, state))
    for name in codebook.columns:
        coder.check(name)
    added: dict[str, Expression] = {}
    if codebook.weight in coder.places:
        added["weight"] = coder.weight(codebook.weight)
    if codebook.one_row_per is not None and codebook.one_row_per.column in coder.places:
        added["kept"] = coder.kept(codebook.one_row_per)

    packed: list[list[tuple[int, int, Expression]]] = [[]]
    for digit in digits:
        if math.prod(base for _, base, _ in [*packed[-1], digit]) >= _WORD:
            packed.append([])
        packed[-1].append(digit)
    words = {f"word{place}": _pack(word) for place, word in enumerate(packed)}
    bad = {name: f"bad_{coder.places[name]}" for name in coder.bad}
    added |= words | {bad[name]: _certain(test) for name, test in coder.bad.items()}
    table = coder.table.select(
        *source.table.columns,
        **{name: expression(coder.table) for name, expression in added.items()},
    )
    return Coded(
        table,
        tuple(words),
        tuple(tuple((node, base) for node, base, _ in word) for word in packed),
        bad,
        sites,
    )


def _pack(word: list[tuple[int, int, Expression]]) -> Expression:
    """Return the integer whose digits are the codes plus one."""

    def value(t: Any) -> Any:
        total, unit = ibis.literal(0, "int64"), 1
        for _, base, code in word:
            total = total + (code(t).fill_null(-1).cast("int64") + 1) * unit
            unit *= base
        return total

    return value


def _certain(test: Expression) -> Expression:
    return lambda t: test(t).fill_null(False)


class _Coder:
    """Builds the coded table: joins what cells mean, then computes with it."""

    def __init__(self, source: Source, codebook: Codebook) -> None:
        counts = Counter(source.columns)
        self.source, self.codebook = source, codebook
        self.table: Any = source.table
        self.bad: dict[str, Expression] = {}
        self.places = {
            name: f"c{place}"
            for place, name in enumerate(source.columns)
            if counts[name] == 1 and name in codebook.known
        }
        self._numbers: dict[str, Expression] = {}
        self._joined = 0

    def state(
        self, name: str, spec: Column | Derived, states: tuple[str, ...]
    ) -> Expression | None:
        """Return the code of a measure; None where the table has none of its columns."""

        def code(state: float | str | None) -> int:
            return -1 if state is None else states.index(str(state))

        inputs = spec.from_ if isinstance(spec, Derived) else (name,)
        present = tuple(column for column in inputs if column in self.places)
        if isinstance(spec, Derived) and spec.derive == "first_match" and present:
            return self._dictionary(
                [self._cell(column) for column in present],
                lambda raw: code(spec.value(self._values(present, raw))),
                pa.int16(),
            )
        if present != inputs:
            return None
        if spec.cuts:
            value = self._number(inputs[0])
            if isinstance(spec, Derived):
                value = _quotient(value, self._number(inputs[1]), spec)
            return _cut(value, spec.cuts, [code(state) for state in spec.states])
        return self._label(name, code)

    def check(self, name: str) -> None:
        """See to it that the cells of a column are checked, whether a measure uses it or not."""
        if name in self.places and name not in self.bad:
            spec = self.codebook.columns[name]
            if spec.type == "number":
                self._number(name)
            elif spec.type == "label":
                self._label(name, lambda state: 0)

    def weight(self, name: str) -> Expression:
        """Return the weight of each row."""

        def read(raw: object) -> float:
            if complaint(name, raw, self.codebook):
                raise ValueError
            return float(str(raw))

        value, _ = self._double(name, read, _WEIGHTS, ())
        self.bad[name] = lambda t: value(t).isnull()
        return value

    def site(self, name: str) -> tuple[Expression, tuple[str, ...]]:
        """Return each row's site as its place among the sorted labels, and the labels."""
        cell = self._cell(name)
        labels: dict[object, str] = {}
        for raw in self._distinct(cell):
            if TEXT.read(raw, self.codebook.missing) is not None:
                labels[raw] = str(raw).strip()
        sites = tuple(sorted(set(labels.values())))
        places = {label: place for place, label in enumerate(sites)}

        def place(raw: tuple[object, ...]) -> int:
            if raw[0] not in labels:
                raise ValueError
            return places[labels[raw[0]]]

        known = self._dictionary([cell], place, pa.int64())
        self.bad[name] = lambda t: known(t).isnull()
        return known, sites

    def kept(self, rule: OneRowPer) -> Expression:
        """Return whether a row stands for its person."""
        person = self._person(rule.column)
        order: list[Expression] = []
        if rule.by in self.places:
            by = self._cell(rule.by)
            cells = list(self._distinct(by))
            ranks = dict(
                zip(
                    cells, in_time(pd.Series(cells, dtype=object)).rank().fillna(_GONE), strict=True
                )
            )
            rank = self._dictionary([by], lambda raw: ranks[raw[0]], pa.float64())
            order.append(rank)
        order.append(lambda t: t[ROW])

        def place(t: Any) -> Any:
            keys = [
                key(t).asc(nulls_first=False)
                if rule.keep == "first"
                else key(t).desc(nulls_first=True)
                for key in order
            ]
            return ibis.row_number().over(group_by=person(t), order_by=keys)

        return lambda t: person(t).isnull() | (place(t) == 0)

    def _person(self, name: str) -> Expression:
        """Return who a row is about, as text without spaces around it; null where missing."""
        cell, kind = self._cell(name), self.source.table[self.places[name]].type()
        words = self.codebook.missing

        def text(t: Any) -> Any:
            if not kind.is_floating():
                return cell(t).cast("string")
            whole = (cell(t) == cell(t).floor()) & (cell(t).abs() < 2**53)
            words_ = whole.ifelse(cell(t).cast("int64").cast("string"), cell(t).cast("string"))
            return _where(~cell(t).isnan(), words_)

        def odd(t: Any) -> Any:
            return _where(~text(t).re_search(_ASCII), text(t))

        stripped = self._dictionary([odd], lambda raw: str(raw[0]).strip(), pa.string())

        def named(t: Any) -> Any:
            return stripped(t).coalesce(text(t))

        return lambda t: _where(~named(t).isin(words), named(t)) if words else named(t)

    def _cell(self, name: str) -> Expression:
        place = self.places[name]
        return lambda t: t[place]

    def _values(
        self, columns: tuple[str, ...], raw: tuple[object, ...]
    ) -> dict[str, float | str | None]:
        values: dict[str, float | str | None] = {}
        for column, cell in zip(columns, raw, strict=True):
            try:
                values[column] = self.codebook.columns[column].read(cell, self.codebook.missing)
            except ValueError:  # told where the column itself is checked
                values[column] = None
        return values

    def _label(self, name: str, code: Callable[[str | None], int]) -> Expression:
        spec, cell = self.codebook.columns[name], self._cell(name)

        def read(raw: tuple[object, ...]) -> int:
            return code(spec.state(spec.read(raw[0], self.codebook.missing)))

        known = self._dictionary([cell], read, pa.int16())
        self.bad[name] = lambda t: cell(t).notnull() & known(t).isnull()
        return known

    def _number(self, name: str) -> Expression:
        """Return the number of each cell of a column, null where missing or refused."""
        if name not in self._numbers:
            spec, words = self.codebook.columns[name], self.codebook.missing

            def read(raw: object) -> float:
                number = spec.read(raw, words)
                return _GONE if number is None else float(number)

            self._numbers[name], self.bad[name] = self._double(name, read, spec, words)
        return self._numbers[name]

    def _double(
        self, name: str, read: Callable[[object], float], spec: Column, words: tuple[str, ...]
    ) -> tuple[Expression, Expression]:
        """Return each cell's number (null: missing or refused) and whether it is refused."""
        cell, kind = self._cell(name), self.source.table[self.places[name]].type()
        low, high = spec.range or (-math.inf, math.inf)

        def accepted(number: Any) -> Any:
            return number.between(max(low, -_LARGEST), min(high, _LARGEST))

        def refused(number: Any) -> Any:
            finite = number.between(-_LARGEST, _LARGEST)
            return ~finite if spec.outside == "missing" else ~accepted(number)

        def one(raw: tuple[object, ...]) -> float:
            return read(raw[0])

        if kind.is_integer() or kind.is_floating():
            gone = [number for word in words if (number := _spelled(word)) is not None]

            def numeric(t: Any) -> Any:
                value = cell(t).cast("float64")
                there = ~value.isnan() & (~value.isin(gone) if gone else ibis.literal(True))
                return _where(there, value)

            return lambda t: _where(accepted(numeric(t)), numeric(t)), lambda t: refused(numeric(t))

        written = kind.is_string() or kind.is_decimal()
        some = self.source.table.select(cell=cell(self.source.table)).distinct().limit(_CHUNK + 1)
        if not written or some.count().to_pyarrow().as_py() <= _CHUNK:
            known = self._dictionary([cell], one, pa.float64())
            return (
                lambda t: _where(known(t) < _GONE, known(t)),
                lambda t: cell(t).notnull() & known(t).isnull(),
            )

        def text(t: Any) -> Any:
            return cell(t).cast("string")

        def plain(t: Any) -> Any:
            return text(t).re_search(_PLAIN) & (~text(t).isin(words) if words else True)

        def digits(t: Any) -> Any:
            return _where(plain(t), text(t)).try_cast("float64")

        def odd(t: Any) -> Any:
            return _where(~plain(t), text(t))

        other = self._dictionary([odd], one, pa.float64())
        return (
            lambda t: _where(accepted(digits(t)), digits(t)).coalesce(
                _where(other(t) < _GONE, other(t))
            ),
            lambda t: refused(digits(t)).fill_null(False) | (odd(t).notnull() & other(t).isnull()),
        )

    def _cells(self, keys: list[Expression]) -> Any:
        base = self.source.table
        return base.select(**{f"k{j}": key(base) for j, key in enumerate(keys)}).distinct()

    def _distinct(self, key: Expression) -> Iterator[object]:
        for batch in batches(self._cells([key]), _CHUNK):
            yield from batch.column(0).to_pandas()

    def _dictionary(
        self, keys: list[Expression], read: Callable[[tuple[object, ...]], Any], kind: pa.DataType
    ) -> Expression:
        """Join what each distinct cell means; null where the cell is null or `read` refuses it.

        Refused cells are not kept: memory grows with what the codebook accepts, not with the
        mistakes of a table.
        """
        mark = self._joined = self._joined + 1
        names = [*(f"_k{mark}_{j}" for j in range(len(keys))), f"_v{mark}"]
        parts = []
        cells = self._cells(keys)
        for batch in batches(cells, _CHUNK):
            means = pa.array([_tried(read, raw) for raw in _tuples(batch)], kind)
            known = pa.Table.from_arrays([*batch.columns, means], names=names)
            parts.append(known.filter(means.is_valid()))
        if not parts:
            types = [*cells.schema().to_pyarrow().types, kind]
            parts = [pa.schema(list(zip(names, types, strict=True))).empty_table()]
        table = ibis.memtable(pa.concat_tables(parts))
        same = [
            key(self.table).identical_to(table[name])
            if len(keys) > 1
            else key(self.table) == table[name]
            for name, key in zip(names, keys, strict=False)
        ]
        self.table = self.table.left_join(table, same)
        return lambda t: t[names[-1]]


def _tuples(batch: pa.RecordBatch) -> Iterator[tuple[object, ...]]:
    """Yield the rows with their cells as pandas would hold them."""
    yield from zip(*(column.to_pandas() for column in batch.columns), strict=True)


def _tried(read: Callable[[tuple[object, ...]], Any], raw: tuple[object, ...]) -> Any:
    try:
        return read(raw)
    except ValueError:
        return None


def _quotient(first: Expression, second: Expression, spec: Derived) -> Expression:
    def value(t: Any) -> Any:
        divisor: Any = spec.divisor(second(t))  # plain arithmetic, so an expression's as well
        return first(t) / divisor.nullif(0.0)

    return value


def _cut(value: Expression, cuts: tuple[float, ...], codes: list[int]) -> Expression:
    """Return the code of the interval that a number lies in, -1 where there is none."""

    def code(t: Any) -> Any:
        number = value(t)
        above = [(number >= cut, then) for cut, then in zip(cuts, codes[1:], strict=True)]
        return ibis.cases((number.isnull(), -1), *reversed(above), else_=codes[0])

    return code


def _where(test: Any, value: Any) -> Any:
    return test.ifelse(value, ibis.null(value.type()))


def _any(table: Any, names: Iterable[str]) -> Any:
    found = table[ROW] < 0  # never
    for name in names:
        found = found | table[name]
    return found


def _spelled(word: str) -> float | None:
    """Return the number that is spelled as this word, None where there is none."""
    try:
        number = float(word)
    except ValueError:
        return None
    return number if math.isfinite(number) and word in (f"{number:.0f}", str(number)) else None


@dataclass(frozen=True)
class Problem:
    """A cell that the codebook refuses.

    Parameters
    ----------
    row : int
        As people count: see `Source.rows`.
    column, value, expected : str
    """

    row: int
    column: str
    value: str
    expected: str

    def sentence(self, source: str) -> str:
        """Return the problem as a sentence."""
        where = f"{source}, row {self.row}, column '{self.column}'"
        return sentence(f"{where}: value '{self.value}', expected {self.expected}")


def cell_problems(
    source: Source, coded: Coded, codebook: Codebook, limit: int = LISTED
) -> list[Problem]:
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
        Problem(
            row,
            names[order],
            str(raw),
            complaint(names[order], raw, codebook) or "another answer",
        )
        for row, (_, order, raw) in zip(rows, found, strict=True)
    ]
