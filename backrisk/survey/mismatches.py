"""What is told of refused cells: each of them, or once where a column hardly fits its codebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from backrisk.errors import SurveyError
from backrisk.survey.cautions import PLAIN
from backrisk.survey.checks import RefusedCell
from backrisk.survey.problems import failure
from backrisk.survey.readers import Source
from backrisk.survey.schema import Contents
from backrisk.words import Said, choices, listed, say

_FEW = 4  # refused cells of a column that are read one by one, even where there is no other answer
_NAMED = 3  # of its answers that are named where a column is told once


def refusal(
    source: Source,
    book: Contents,
    header: Sequence[Said],
    refused: Mapping[str, int],
    cells: Sequence[RefusedCell],
) -> SurveyError:
    """Return one error of a table's header and of its refused cells.

    A column of which most answers are refused is told in one sentence. Where the table is read
    without a codebook, how to have one drafted is said at the end.

    Parameters
    ----------
    source : Source
    book : Contents
    header : sequence of str
        What is wrong beside cells.
    refused : mapping of str to int
        How many cells of a column are refused, by its name.
    cells : sequence of RefusedCell
        By row, or the first of them.
    """
    odd: dict[str, Said] = {}
    for name, count in refused.items():
        own = [cell for cell in cells if cell.column == name]
        told = _column(source, book, count, own) if count > _FEW and own else None
        if told is not None:
            odd[name] = told
    others = [cell.sentence(source.name) for cell in cells if cell.column not in odd]
    hint = say("survey.table.no_codebook") if book.name == PLAIN and (header or odd) else ""
    return failure(source.name, [*header, *odd.values(), *others], hint)


def _column(
    source: Source, book: Contents, refused: int, cells: Sequence[RefusedCell]
) -> Said | None:
    """Return one sentence on a column most of whose answers are refused, None for any other."""
    name = cells[0].column
    spec = book.columns.get(name)
    if spec is None:  # a weight or a site
        return None
    field = source.fields[source.columns.index(name)]
    texts = pq.read_table(source.path, columns=[field])[field].cast(pa.string())
    answered = sum(
        each["counts"]
        for each in pc.value_counts(texts).to_pylist()
        if not spec.blank(each["values"], book.missing)
    )
    if 2 * refused <= answered:
        return None
    found = list(dict.fromkeys(cell.value for cell in cells))
    return say(
        "survey.table.column",
        source=source.name,
        column=name,
        refused=refused,
        answered=answered,
        values=listed(say("phrases.quoted", text=value) for value in found[:_NAMED]),
        row=cells[0].row,
        expected=choices(spec.labels) if spec.labels else cells[0].expected,
    )
