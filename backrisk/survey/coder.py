"""The codes, weights and sites of a table's rows: what its cells mean, by the codebook alone.

Each distinct cell of a batch is read once, by `Column.read`; numbers are then compared and divided
for all rows at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from backrisk._spelling import number_of
from backrisk.errors import SurveyError
from backrisk.survey.branching import Gate, asked, columns_of, unticked
from backrisk.survey.checks import TEXT, expectation
from backrisk.survey.numeric import Decimals, comma_in
from backrisk.survey.readers import Source
from backrisk.survey.schema import Column, Contents, Derived
from backrisk.survey.staging import BATCH, ROW
from backrisk.words import say

REFUSED = -2  # a code
MISSING = -1
_KEPT = 100_000  # meanings of a column's cells that are kept from batch to batch

Codes = NDArray[np.int64]
Numbers = NDArray[np.float64]


class Batch:
    """Some rows of a table.

    Parameters
    ----------
    rows : ndarray of int, shape (row,)
        Their records.
    cells : dict of str to pyarrow.DictionaryArray
        The canonical text of the columns that the codebook knows and the table has once.
    """

    def __init__(self, rows: Codes, cells: dict[str, pa.DictionaryArray]) -> None:
        self.rows = rows
        self.cells = cells

    def texts(self, name: str) -> list[str | None]:
        """Return the cells of a column, row by row."""
        return self.cells[name].to_pylist()  # type: ignore[no-any-return]

    def meaning(self, name: str, read: Callable[[str | None], Any], kind: type) -> NDArray[Any]:
        """Return what each cell of a column means; `read` is asked once for each distinct one."""
        column = self.cells[name]
        texts: list[str | None] = [*column.dictionary.to_pylist(), None]
        means: NDArray[Any] = np.array(list(map(read, texts)), kind)
        last = len(column.dictionary)
        found: NDArray[Any] = means[
            pc.fill_null(column.indices, last).to_numpy(zero_copy_only=False)
        ]
        return found


class Coder:
    """Says by the codebook what the columns of a table mean.

    Parameters
    ----------
    source : Source
    codebook : Contents

    Attributes
    ----------
    fields : dict of str to str
        Of each column that the codebook knows and the table has once, what its file calls it.
    """

    def __init__(self, source: Source, codebook: Contents) -> None:
        counts = Counter(source.columns)
        self.source = source
        self.codebook = codebook
        self.fields = {
            name: field
            for name, field in zip(source.columns, source.fields, strict=True)
            if counts[name] == 1 and name in codebook.known
        }
        self._readers: dict[str, Callable[[str | None], Any]] = {}
        numbers = [
            name
            for name, spec in codebook.columns.items()
            if spec.type == "number" and name in self.fields
        ]
        if codebook.weight in self.fields:
            numbers.append(str(codebook.weight))
        unsaid = any(self.fields[name] in source.commas for name in numbers)
        written = (self.distinct(name) for name in numbers if unsaid)
        self.decimals = Decimals.of(source.decimal, written)
        self._coded = frozenset(name for name in self.fields if self._speaks_codes(name))

    def batches(self, extra: Sequence[str] = ()) -> Iterator[tuple[Batch, pa.RecordBatch]]:
        """Yield the rows of the table, some at a time, and the fields of `extra` as they are."""
        wanted = [*dict.fromkeys([*self.fields.values(), *extra]), ROW]
        with pq.ParquetFile(self.source.path) as file:
            for batch in file.iter_batches(BATCH, columns=wanted):
                cells = {name: batch.column(field) for name, field in self.fields.items()}
                rows = batch.column(ROW).to_numpy(zero_copy_only=False)
                yield Batch(rows, cells), batch.select(list(extra))

    def distinct(self, name: str) -> Iterator[str]:
        """Yield the distinct cells of a column that are not blank, each once."""
        seen = set[str]()
        with pq.ParquetFile(self.source.path) as file:
            for batch in file.iter_batches(BATCH, columns=[self.fields[name]]):
                here = pc.unique(batch.column(0)).dictionary.to_pylist()
                yield from (text for text in here if text not in seen)
                seen.update(here)

    def distinct_rows(self, names: tuple[str, ...]) -> Iterator[tuple[tuple[str | None, ...], int]]:
        """Yield the distinct rows of some columns, as the codebook reads them, with their number.

        Parameters
        ----------
        names : tuple of str
        """
        counts: Counter[tuple[str | None, ...]] = Counter()
        fields = [self.fields[name] for name in names]
        with pq.ParquetFile(self.source.path) as file:
            for batch in file.iter_batches(BATCH, columns=fields):
                table = pa.table(dict(zip(fields, batch.columns, strict=True)))
                found = table.group_by(fields, use_threads=False).aggregate([([], "count_all")])
                *cells, numbers = (found[name].to_pylist() for name in (*fields, "count_all"))
                for row, number in zip(zip(*cells, strict=True), numbers, strict=True):
                    counts[row] += number
        for row, number in counts.items():
            yield tuple(map(self.plain, names, row)), number

    def plain(self, name: str, text: str | None) -> str | None:
        """Return a cell as the codebook reads it: with a point before decimals.

        Where a value label of the file says nothing to the codebook, it is the code behind it.
        """
        spec = self.codebook.columns.get(name)
        plain = self.decimals.plain(text, "text" if spec is None else spec.type)
        code = self.source.codes.get(self.fields[name], {}).get(text or "")
        if code is None:
            return plain
        if name in self._coded:
            return code
        if spec is None:
            labelled = name == self.codebook.weight and number_of(plain) is None
            return code if labelled else plain
        return plain if self._reads(spec, plain) else code

    def _reads(self, spec: Column, text: str | None) -> bool:
        try:
            spec.read(text, self.codebook.missing)
        except ValueError:
            return False
        return True

    def _speaks_codes(self, name: str) -> bool:
        """Whether a codebook speaks of a file's codes where some are the labels of others.

        Where 1 stands for "0" and 2 for "1", a codebook of 1 and 2 does not know "0".

        Raises
        ------
        SurveyError
            They are numbers, of which the codebook cannot say which it means.
        """
        codes = self.source.codes.get(self.fields[name], {})
        spec = self.codebook.columns.get(name)
        shared = [
            label for label, code in codes.items() if label in codes.values() and label != code
        ]
        if spec is None or not shared or all(self._reads(spec, label) for label in codes):
            return False
        if spec.type == "number":
            told = {"column": name, "label": shared[0], "code": codes[shared[0]]}
            raise SurveyError(say("survey.table.two_numbers", source=self.source.name, **told))
        return True

    def read(self, name: str, text: str | None) -> float | str | None:
        """Return the number, the state or the text that a cell says, None where it is missing.

        Raises
        ------
        ValueError
            Its only argument says what was expected.
        """
        return self.codebook.columns[name].read(self.plain(name, text), self.codebook.missing)

    def state(
        self, batch: Batch, name: str, spec: Column | Derived, states: Sequence[str]
    ) -> Codes:
        """Return the code of a measure in each row: -1 where missing, `REFUSED` where refused.

        Parameters
        ----------
        batch : Batch
        name : str
        spec : Column or Derived
        states : sequence of str
            Of the node that the measure fills.
        """
        places = {state: place for place, state in enumerate(states)}

        def code(state: float | str | None) -> int:
            return MISSING if state is None else places[str(state)]

        inputs = spec.from_ if isinstance(spec, Derived) else (name,)
        present = tuple(column for column in inputs if column in batch.cells)
        if isinstance(spec, Derived) and spec.derive == "first_match" and present:
            return self._matched(batch, name, spec, present, code)
        if present != inputs:
            return np.full(len(batch.rows), MISSING, np.int64)
        if not spec.cuts:
            return self.labels(batch, name, code)
        value = self.number(batch, inputs[0])
        refused = np.isposinf(value)
        if isinstance(spec, Derived):  # what is refused is told of the input itself
            second = self.number(batch, inputs[1])
            value = quotient(value, second, spec)
            refused = np.zeros(len(value), bool)
        codes = np.array([code(state) for state in spec.states], np.int64)
        found = codes[np.searchsorted(spec.cuts, value, side="right")]
        found[np.isnan(value)] = MISSING
        found[refused] = REFUSED
        return found

    def gated(self, batch: Batch, gate: Gate, own: Codes) -> Codes:
        """Return the code of a measure that is not asked of everyone, as `Gate` says."""
        columns = [c for c in columns_of(self.codebook, gate.name) if c in self.fields]
        if not columns:
            return own

        def skipped(texts: tuple[str | None, ...]) -> bool:
            cells = {c: self.plain(c, t) for c, t in zip(columns, texts, strict=True)}
            return asked(self.codebook, gate.name, cells) is False

        read = self._kept(f"gate {gate.name}", skipped)
        rows = zip(*(batch.texts(column) for column in columns), strict=True)
        off = np.fromiter(map(read, rows), np.bool_, len(batch.rows))
        given = np.maximum(own, MISSING)
        derived = self.codebook.derived.get(gate.name)
        inputs = (gate.name,) if derived is None else derived.from_

        def empty(name: str) -> Callable[[str | None], bool]:
            return lambda text: text is None or unticked(name, text)

        boxes = [
            batch.meaning(each, empty(each), np.bool_) for each in inputs if each in batch.cells
        ]
        if boxes:
            given = np.where(np.all(boxes, axis=0), MISSING, given)
        instead = np.where(given < 0, gate.states, given + gate.states + 1)
        return np.where(off, instead, own)

    def labels(self, batch: Batch, name: str, code: Callable[[float | str | None], int]) -> Codes:
        """Return the code of the state that each cell of a label column says."""
        spec = self.codebook.columns[name]

        def meant(text: str | None) -> int:
            try:
                return code(spec.state(self.read(name, text)))
            except ValueError:
                return REFUSED

        return batch.meaning(name, self._kept(f"label {name}", meant), np.int64)

    def number(self, batch: Batch, name: str) -> Numbers:
        """Return the number that each cell says: NaN where missing, infinite where refused."""

        def meant(text: str | None) -> float:
            try:
                number = self.read(name, text)
            except ValueError:
                return np.inf
            return np.nan if number is None else float(number)

        return batch.meaning(name, self._kept(f"number {name}", meant), np.float64)

    def refused(self, batch: Batch, name: str) -> NDArray[np.bool_]:
        """Return whether the cells of a column are refused, whether a measure uses it or not."""

        def wrong(text: str | None) -> bool:
            return self.expected(name, text) is not None

        return batch.meaning(name, self._kept(f"check {name}", wrong), np.bool_)

    def expected(self, name: str, text: str | None) -> str | None:
        """Return what was expected of a cell that is refused, None where it is accepted."""
        if name in self.codebook.columns:
            try:
                self.read(name, text)
            except ValueError as error:
                told: str = error.args[0]
                number = self.codebook.columns[name].type == "number"
                if number and self.source.decimal is None and comma_in(text):
                    return say("survey.expected.stated_decimal", expected=told)
                return told
            return None
        read = self.plain_number(text) if name == self.codebook.weight else self.plain(name, text)
        return expectation(name, read, self.codebook)

    def weight(self, batch: Batch) -> Numbers:
        """Return the weight of each row, NaN where it is refused."""
        name = str(self.codebook.weight)

        def weight(text: str | None) -> float:
            return np.nan if self.expected(name, text) else float(self.plain_number(text))

        return batch.meaning(name, self._kept("weight", weight), np.float64)

    def plain_number(self, text: str | None) -> str:
        """Return a weight's text with a point before its decimals."""
        plain = self.decimals.plain(text, "number")
        name = str(self.codebook.weight)
        return (plain if number_of(plain) is not None else self.plain(name, text)) or ""

    def sites(self) -> tuple[str, ...]:
        """Return the names of the sites of all rows, sorted."""
        name = str(self.codebook.site)
        return tuple(sorted(t for t in self.distinct(name) if self.expected(name, t) is None))

    def person(self, batch: Batch, name: str) -> pa.Array:
        """Return who each row is about, null where that is missing."""
        words = self.codebook.missing
        means = [TEXT.read(t, words) for t in batch.cells[name].dictionary.to_pylist()]
        texts = pa.array(means, pa.string())
        return texts.take(batch.cells[name].indices)

    def _matched(
        self,
        batch: Batch,
        name: str,
        spec: Derived,
        present: tuple[str, ...],
        code: Callable[[float | str | None], int],
    ) -> Codes:
        """Return the code of a derived state, read once for each distinct row of its inputs."""

        def said(column: str, text: str | None) -> float | str | None:
            try:
                return self.read(column, text)
            except ValueError:  # told where the column itself is checked
                return None

        def meant(texts: tuple[str | None, ...]) -> int:
            values = {c: said(c, t) for c, t in zip(present, texts, strict=True)}
            return code(spec.value(values))

        read = self._kept(f"match {name}", meant)
        rows = zip(*(batch.texts(column) for column in present), strict=True)
        return np.fromiter(map(read, rows), np.int64, len(batch.rows))

    def _kept(self, key: str, read: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return a reader that keeps what cells mean, within bounds, from batch to batch."""
        if key not in self._readers:
            known: dict[Any, Any] = {}

            def reader(text: Any) -> Any:
                if text not in known:
                    if len(known) >= _KEPT:
                        known.clear()
                    known[text] = read(text)
                return known[text]

            self._readers[key] = reader
        return self._readers[key]


def quotient(first: Numbers, second: Numbers, spec: Derived) -> Numbers:
    """Return the number of a derived value, NaN where there is none that anybody can have.

    That is where an input is missing or refused, where it is divided by zero, and where the result
    is impossible.
    """
    divisor: Any = spec.divisor(second)  # type: ignore[arg-type]  # plain arithmetic
    whole = np.isfinite(first) & np.isfinite(second) & (divisor != 0)
    found = np.full(len(first), np.nan)
    np.divide(first, divisor, out=found, where=whole)
    low, high = spec.possible
    found[(found < low) | (found > high)] = np.nan
    return found
