"""Which row stands for a person who appears several times in a table on an engine."""

from __future__ import annotations

from typing import Any

import ibis
import pandas as pd
import pyarrow as pa

from backrisk.survey.coder import Coder
from backrisk.survey.expressions import Expression, where
from backrisk.survey.frames import in_time
from backrisk.survey.numeric import GONE
from backrisk.survey.readers import ROW
from backrisk.survey.schema import OneRowPer

_ASCII = "^[!-~]([ -~]*[!-~])?$"  # nothing to strip


def kept(coder: Coder, rule: OneRowPer) -> Expression:
    """Return whether a row stands for its person.

    Parameters
    ----------
    coder : Coder
        Of a table that has the rule's column.
    rule : OneRowPer
    """
    person = _person(coder, rule.column)
    order: list[Expression] = []
    if rule.by in coder.columns:
        by = coder.columns[rule.by]
        cells = list(coder.known.distinct(by))
        when = in_time(pd.Series(cells, dtype=object)).rank().fillna(GONE)  # unreadable: last
        ranks = dict(zip(cells, when, strict=True))
        order.append(coder.known.meaning([by], lambda raw: ranks[raw[0]], pa.float64()))
    order.append(lambda t: t[ROW])

    def place(t: Any) -> Any:
        keys = [
            key(t).asc(nulls_first=False) if rule.keep == "first" else key(t).desc(nulls_first=True)
            for key in order
        ]
        return ibis.row_number().over(group_by=person(t), order_by=keys)

    return lambda t: person(t).isnull() | (place(t) == 0)


def share_of_person(coder: Coder, name: str) -> Expression:
    """Return the weight of each visit: one over the visits of its person.

    A visit without an identifier is a person of its own.

    Parameters
    ----------
    coder : Coder
        Of a table that has the column.
    name : str
        The column that identifies a person.
    """
    person = _person(coder, name)

    def share(t: Any) -> Any:
        visits = t[ROW].count().over(group_by=person(t))
        return person(t).isnull().ifelse(1.0, 1.0 / visits.cast("float64"))

    return share


def _person(coder: Coder, name: str) -> Expression:
    """Return who a row is about, as text without spaces around it; null where missing."""
    cell, words = coder.columns[name], coder.codebook.missing
    kind = cell(coder.known.source.table).type()

    def text(t: Any) -> Any:
        if not kind.is_floating():
            return cell(t).cast("string")
        exact = where(cell(t).abs() < 2**53, cell(t))  # to floor and to cast without overflow
        whole = (exact == exact.floor()).fill_null(False)
        spelled = whole.ifelse(exact.cast("int64").cast("string"), cell(t).cast("string"))
        return where(~cell(t).isnan(), spelled)

    def odd(t: Any) -> Any:
        return where(~text(t).re_search(_ASCII), text(t))

    # Engines differ in what they strip: what is not plain ASCII is stripped in Python.
    stripped = coder.known.meaning([odd], lambda raw: str(raw[0]).strip(), pa.string())

    def named(t: Any) -> Any:
        return stripped(t).coalesce(text(t))

    return lambda t: where(~named(t).isin(words), named(t)) if words else named(t)
