"""Which rows of a file a codebook reads, and which of its columns a question in the header is.

An export writes codes or labels, and names of fields or questions. Both become here what the
codebook speaks of, before any cell is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from backrisk._spelling import no_answer, same_number, spell
from backrisk.errors import SurveyError
from backrisk.survey.problems import failure
from backrisk.survey.readers import Source
from backrisk.survey.schema import Contents
from backrisk.survey.staging import BATCH
from backrisk.words import Said, listed, say

# The columns by which REDCap tells rows of a person apart; in an export with labels, as a title.
EVENT = "redcap_event_name"
REPEATS = {
    EVENT: "Event Name",
    "redcap_repeat_instrument": "Repeat Instrument",
    "redcap_repeat_instance": "Repeat Instance",
}
_ARM = re.compile(r"_arm_(\d+)[a-z]?$|\s*\(Arm (\d+):.*\)$")
_LONGEST = 18  # characters that REDCap keeps of an event's label


def asked(question: str) -> str:
    """Return what of a question counts when a header is compared with it."""
    return " ".join(question.translate({0x2019: "'", 0x22: "'"}).split()).casefold()


def names_in(
    header: Sequence[str], book: Contents, source: str, visits: bool = False
) -> tuple[str, ...]:
    """Return the header with the codebook's names in place of the questions of its columns.

    A question that several columns share stands for them in the codebook's order, where the header
    has it as often. With `visits`, a row is a person at some time.

    Raises
    ------
    SurveyError
        A question of the header stands for several columns, but not one for each; or a file of
        several rows a person is read without a word on which of them.
    """
    known, found = set(book.known), list(header)
    # What a codebook says of reading over time says nothing of reading a row for each person.
    timed = known - set(book.model_copy(update={"panel": None}).known)
    told: list[Said] = []
    questions: dict[str, list[str]] = {}
    for name, spec in book.columns.items():
        if spec.question and name not in header:
            questions.setdefault(asked(spec.question), []).append(name)
    places: dict[str, list[int]] = {}
    for place, name in enumerate(header):
        if name not in known and asked(name) in questions:
            places.setdefault(asked(name), []).append(place)
    for question, where in places.items():
        wanted = questions[question]
        if len(wanted) != len(where):
            told.append(
                say(
                    "survey.table.shared_question",
                    source=source,
                    question=header[where[0]],
                    count=len(where),
                    columns=listed(wanted),
                )
            )
            continue
        for place, name in zip(where, wanted, strict=True):
            found[place] = name
            told += _codes_or_labels(name, book, source)
    told += [
        say("survey.table.several_rows", source=source, column=name)
        for name in header
        if name not in known - timed and (name in REPEATS or name in REPEATS.values())
        if name in found and not visits
        if not (book.one_row_per is not None and book.one_row_per.merge)
    ]
    if told:
        raise failure(source, told)
    return tuple(found)


def _codes_or_labels(name: str, book: Contents, source: str) -> list[Said]:
    """Refuse labels that are also the codes of others: which of them a cell is, nobody can tell."""
    label = book.columns[name].label_is_code
    told = {"source": source, "column": name, "label": label}
    return [] if label is None else [say("survey.table.label_is_code", **told)]


def reads_row(column: str, cell: object, book: Contents) -> bool:
    """Whether a row with this cell is one of those that the codebook reads.

    Parameters
    ----------
    column : str
        One of the codebook's `rows`.
    cell : object
    book : Contents
    """
    text = spell(cell) or ""
    if text and column in book.columns:
        text = book.columns[column].code(text)
    if no_answer(text, book.missing) and "" in map(str.strip, book.rows[column]):
        return True
    for wanted in (spell(each) or "" for each in book.rows[column]):
        if text.casefold() == wanted.casefold() or same_number(text, wanted):
            return True
        if column == EVENT and text and wanted and same_event(text, wanted):
            return True
    return False


def same_event(first: str, second: str) -> bool:
    """Whether two texts name one event: ``baseline_arm_1`` is "Baseline" with its label."""
    (one, arm, one_cut), (other, arm_too, other_cut) = event_parts(first), event_parts(second)
    same = (
        one == other or (one_cut and other.startswith(one)) or (other_cut and one.startswith(other))
    )
    return same and (arm is None or arm_too is None or arm == arm_too)


def event_parts(text: str) -> tuple[str, str | None, bool]:
    """Return letters and digits of an event's name, its arm, and whether REDCap cut it short."""
    found, base = _ARM.search(text), _ARM.sub("", text)
    arm = next((group for group in found.groups() if group), None) if found else None
    cut = bool(found and found[1]) and len(base) >= _LONGEST
    return re.sub(r"[^0-9a-z]", "", base.casefold()), arm, cut


def selected(
    source: Source, book: Contents, demand: bool = True, *, visits: bool = False
) -> Source:
    """Return a table with the codebook's names and with the rows that it reads.

    Parameters
    ----------
    source : Source
    book : Contents
    demand : bool
        Whether a table must have the columns by which rows are chosen.
    visits : bool
        Whether a row is a person at some time, and not a person.

    Raises
    ------
    SurveyError
        As `names_in`; a column of `rows` is missing; no row is left.
    """
    source = replace(source, columns=names_in(source.columns, book, source.name, visits))
    chosen = book.rows if demand else [each for each in book.rows if each in source.columns]
    fields = {column: _field(column, source) for column in chosen}
    if not fields:
        return source
    path = source.path.with_name("selected.parquet")
    kept = dict.fromkeys(fields, False)
    codes = {
        column: _codes(column, source.codes.get(field, {}), book)
        for column, field in fields.items()
    }
    with (
        pq.ParquetFile(source.path) as file,
        pq.ParquetWriter(path, file.schema_arrow, compression="zstd") as writer,
    ):
        for batch in file.iter_batches(BATCH):
            stays = np.ones(len(batch), bool)
            for column, field in fields.items():
                read = _read(column, batch.column(field), book, codes[column])
                kept[column] |= bool(read.any())
                stays &= read
            writer.write_batch(batch.filter(pa.array(stays)))
    for column in (each for each, some in kept.items() if not some):
        wanted = listed([each or "''" for each in book.rows[column]])
        told = {"source": source.name, "column": column, "cells": wanted}
        raise SurveyError(say("survey.table.no_such_rows", **told))
    return replace(source, path=path)


def _field(column: str, source: Source) -> str:
    if source.columns.count(column) != 1:
        raise SurveyError(say("survey.table.no_rows_column", source=source.name, column=column))
    return source.fields[source.columns.index(column)]


def _codes(column: str, codes: Mapping[str, str], book: Contents) -> Mapping[str, str]:
    """Return the code behind each value label of a file, where the codebook names no label."""
    return {} if any(reads_row(column, label, book) for label in codes) else codes


def _read(
    column: str, cells: pa.DictionaryArray, book: Contents, codes: Mapping[str, str]
) -> NDArray[np.bool_]:
    """Return which rows are read by their cells in one column, each distinct cell judged once."""
    texts = [codes.get(text, text) for text in [*cells.dictionary.to_pylist(), None]]
    means = np.array([reads_row(column, text, book) for text in texts], bool)
    found: NDArray[np.bool_] = means[
        pc.fill_null(cells.indices, len(texts) - 1).to_numpy(zero_copy_only=False)
    ]
    return found
