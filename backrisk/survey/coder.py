"""The codes, weights and sites of a table's rows, as expressions of what its cells mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from backrisk.survey.branching import Gate, asked, columns_of, unticked
from backrisk.survey.checks import TEXT, expectation
from backrisk.survey.dictionary import Dictionary
from backrisk.survey.expressions import Expression, cut, quotient
from backrisk.survey.logic import BOX
from backrisk.survey.numeric import GONE, Numbers, read_numbers
from backrisk.survey.readers import Source
from backrisk.survey.schema import Column, Contents, Derived
from backrisk.survey.site_names import reserved

_WEIGHTS = Column(role="input", type="number", range=(0.0, GONE))


class Coder:
    """Says by the codebook what the columns of a table mean.

    Parameters
    ----------
    source : Source
    codebook : Contents

    Attributes
    ----------
    known : Dictionary
        The table with what was joined to it so far.
    columns : dict of str to Expression
        The cells of each column that the codebook knows and the table has once.
    bad : dict of str to Expression
        Whether a cell is refused, by the name of its column.
    """

    def __init__(self, source: Source, codebook: Contents) -> None:
        counts = Counter(source.columns)
        self.codebook = codebook
        self.known = Dictionary(source)
        self.bad: dict[str, Expression] = {}
        self.columns = {
            name: _cell(place)
            for place, name in enumerate(source.columns)
            if counts[name] == 1 and name in codebook.known
        }
        self._numbers: dict[str, Expression] = {}

    def state(
        self, name: str, spec: Column | Derived, states: tuple[str, ...]
    ) -> Expression | None:
        """Return the code of a measure; None where the table has none of its columns."""

        def code(state: float | str | None) -> int:
            return -1 if state is None else states.index(str(state))

        inputs = spec.from_ if isinstance(spec, Derived) else (name,)
        present = tuple(column for column in inputs if column in self.columns)
        if isinstance(spec, Derived) and spec.derive == "first_match" and present:
            return self.known.meaning(
                [self.columns[column] for column in present],
                lambda raw: code(spec.value(self._values(present, raw))),
                pa.int16(),
            )
        if present != inputs:
            return None
        if spec.cuts:
            value = self._number(inputs[0])
            if isinstance(spec, Derived):
                value = quotient(value, self._number(inputs[1]), spec)
            return cut(value, spec.cuts, [code(state) for state in spec.states])
        return self._label(name, code)

    def gated(self, gate: Gate, own: Expression) -> Expression:
        """Return the code of a measure that is not asked of everyone, as `Gate` says."""
        columns = [c for c in columns_of(self.codebook, gate.name) if c in self.columns]
        if not columns:
            return own

        def skipped(raw: tuple[object, ...]) -> bool:
            cells = dict(zip(columns, raw, strict=False))
            return asked(self.codebook, gate.name, cells) is False

        # One key that is null would mean null, not a blank: hence two at least.
        keys = [self.columns[column] for column in columns]
        off = self.known.meaning([*keys, keys[0]], skipped, pa.bool_())
        empty: Expression | None = None
        if gate.name in self.columns and BOX in gate.name:
            cell, name = self.columns[gate.name], gate.name
            empty = self.known.meaning([cell], lambda raw: unticked(name, raw[0]), pa.bool_())

        def code(t: Any) -> Any:
            found = own(t).fill_null(-1).cast("int64")
            given = found if empty is None else empty(t).fill_null(False).ifelse(-1, found)
            instead = (given < 0).ifelse(gate.states, given + gate.states + 1)
            return off(t).fill_null(False).ifelse(instead, found)

        return code

    def check(self, name: str) -> None:
        """See to it that the cells of a column are checked, whether a measure uses it or not."""
        if name in self.columns and name not in self.bad:
            spec = self.codebook.columns[name]
            if spec.type == "number":
                self._number(name)
            elif spec.type == "label":
                self._label(name, lambda state: 0)

    def weight(self, name: str) -> Expression:
        """Return the weight of each row."""

        def read(raw: object) -> float:
            if expectation(name, raw, self.codebook) is not None:
                raise ValueError
            return float(str(raw))

        value = read_numbers(self.known, self.columns[name], read, _WEIGHTS, ()).value
        self.bad[name] = lambda t: value(t).isnull()
        return value

    def site(self, name: str) -> tuple[Expression, tuple[str, ...]]:
        """Return each row's site as its place among the sorted labels, and the labels."""
        cell = self.columns[name]
        labels: dict[object, str] = {}
        for raw in self.known.distinct(cell):
            if TEXT.read(raw, self.codebook.missing) is not None and not reserved(str(raw)):
                labels[raw] = str(raw).strip()
        sites = tuple(sorted(set(labels.values())))
        places = {label: place for place, label in enumerate(sites)}

        def place(raw: tuple[object, ...]) -> int:
            if raw[0] not in labels:
                raise ValueError
            return places[labels[raw[0]]]

        known = self.known.meaning([cell], place, pa.int64())
        self.bad[name] = lambda t: known(t).isnull()
        return known, sites

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
        spec, cell = self.codebook.columns[name], self.columns[name]

        def read(raw: tuple[object, ...]) -> int:
            return code(spec.state(spec.read(raw[0], self.codebook.missing)))

        known = self.known.meaning([cell], read, pa.int16())
        self.bad[name] = lambda t: cell(t).notnull() & known(t).isnull()
        return known

    def _number(self, name: str) -> Expression:
        """Return the number of each cell of a column, null where missing or refused."""
        if name not in self._numbers:
            spec, words = self.codebook.columns[name], self.codebook.missing

            def read(raw: object) -> float:
                number = spec.read(raw, words)
                return GONE if number is None else float(number)

            found: Numbers = read_numbers(self.known, self.columns[name], read, spec, words)
            self._numbers[name], self.bad[name] = found.value, found.refused
        return self._numbers[name]


def _cell(place: int) -> Expression:
    return lambda t: t[f"c{place}"]
