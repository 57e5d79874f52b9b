"""The rows of a person read as one, where a file has a person's visits in rows of their own.

It is done to the cells, before any of them is read: what is derived, and of whom a question was
asked, then rest on answers of all of a person's rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from backrisk._spelling import no_answer
from backrisk.survey.branching import unticked
from backrisk.survey.cells import Flags, Places, column_of, numbered, places_of, texts_of
from backrisk.survey.coder import Coder
from backrisk.survey.design import like_identifiers
from backrisk.survey.engine import ROWS
from backrisk.survey.problems import failure
from backrisk.survey.readers import Source
from backrisk.survey.repeats import in_order
from backrisk.survey.schema import Contents
from backrisk.survey.staging import ROW, TEXT
from backrisk.words import Said, listed, say

_SHOWN = 8  # columns that a sentence names


def merged(source: Source, book: Contents) -> Source:
    """Return a table with one row for each person, where the codebook says so.

    Parameters
    ----------
    source : Source
        With the codebook's names, and the rows that it reads.
    book : Contents

    Returns
    -------
    Source
        The same, where no rows are to be merged, or where a cell is refused: whoever reads the
        table then names its own row.

    Raises
    ------
    SurveyError
        A person answers a column in two ways, and the codebook does not say which counts.
    """
    rule = book.one_row_per
    if rule is None or not rule.merge or rule.column not in source.columns:
        return source
    coder = Coder(source, book)
    if rule.column not in coder.fields or any(_refuses(coder, name) for name in coder.fields):
        return source
    rows = column_of(source, ROW).to_numpy(zero_copy_only=False)
    who = column_of(source, coder.fields[rule.column])
    people = _people(who, [_means(coder, rule.column, text) for text in texts_of(who)])
    first = np.full(people.max(initial=-1) + 1, len(rows), np.int64)
    np.minimum.at(first, people, np.arange(len(rows)))
    order = np.arange(len(rows), dtype=np.float64)
    if rule.by in coder.fields:
        ranks = in_order(coder, rule)
        texts = column_of(source, coder.fields[str(rule.by)]).to_pylist()
        order = np.array([ranks[text] for text in texts], np.float64)
    # A person's rows from the one that counts most.
    sign = 1 if rule.keep == "first" else -1
    kept = np.lexsort((sign * np.arange(len(rows)), sign * order))
    names = dict(zip(source.fields, source.columns, strict=True))
    open_to_all = {rule.column, rule.by, *book.rows}
    columns: dict[str, pa.Array] = {}
    problems: list[Said] = []
    for each in source.fields:
        name, cells = names[each], column_of(source, each)
        place = _answers(coder, name, cells, people, kept, len(first))
        read = name in book.known and name not in open_to_all
        if read and rule.by is None:
            problems += _contradicted(source, coder, name, cells, people, place, rows)
        columns[each] = cells.take(pa.array(place, mask=place < 0)).cast(TEXT)
    if problems:
        raise failure(source.name, problems)
    columns[ROW] = pa.array(rows[first])
    path = source.path.with_name("merged.parquet")
    pq.write_table(pa.table(columns), path)
    return replace(source, path=path)


def apart(whole: Source, read: Source, book: Contents) -> Iterator[Said]:
    """Say which columns no row that is read has answers to, or none together with others.

    Parameters
    ----------
    whole : Source
        All rows of the table.
    read : Source
        Those that the codebook reads.
    book : Contents
        Without a word on merging them.
    """
    rule, design = book.one_row_per, book.design
    told = (rule and rule.column) or (design and design.person)
    person = told or next(iter(like_identifiers(book, read.columns)), None)
    if (rule is not None and rule.merge) or person not in read.columns:
        return
    if pq.read_metadata(whole.path).num_rows > ROWS:
        return
    coder = Coder(read, book)
    measured = [
        name for name, spec in book.columns.items() if spec.measured and name in coder.fields
    ]
    about = {"column": person}
    answered = {name: _answered(coder, read, name) for name in measured}
    if book.rows:
        lost = [
            name
            for name in measured
            if not answered[name].any() and _answered(coder, whole, name).any()
        ]
        if lost:
            yield say("survey.merging.not_in_rows", **about, columns=_few(lost))
    given = {name: flags for name, flags in answered.items() if flags.any()}
    if len(given) < 2:
        return
    who = column_of(read, dict(zip(read.columns, read.fields, strict=True))[str(person)])
    texts = [None if no_answer(text, book.missing) else text for text in texts_of(who)]
    people = _people(who, texts)
    main = max(given, key=lambda name: int(given[name].sum()))
    mine = set(people[given[main]].tolist())
    others = [
        name
        for name, flags in given.items()
        if not (flags & given[main]).any() and mine & set(people[flags].tolist())
    ]
    if others:
        yield say("survey.merging.apart", **about, columns=_few(others), main=main)


def _few(names: Iterable[str]) -> str:
    every = [say("phrases.quoted", text=name) for name in names]
    rest = len(every) - _SHOWN
    return listed(
        every if rest <= 0 else [*every[:_SHOWN], say("survey.cautions.others", count=rest)]
    )


def _people(cells: pa.DictionaryArray, means: Sequence[object]) -> Places:
    """Return a number for the person of each row; a row without an identifier is one of its own."""
    found = numbered(means)[places_of(cells)]
    alone = found < 0
    found[alone] = found.max(initial=0) + 1 + np.arange(int(alone.sum()))
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def _means(coder: Coder, name: str, text: str | None) -> object:
    """Return what tells one answer from another; None where a cell is no answer."""
    spec, missing = coder.codebook.columns.get(name), coder.codebook.missing
    plain = coder.plain(name, text) if name in coder.fields else text
    if spec is None:
        return None if no_answer(plain, missing) else plain
    if plain is None or spec.blank(plain, missing):
        return None
    return coder.read(name, text) if spec.type == "number" else spec.label(plain)


def _answers(
    coder: Coder, name: str, cells: pa.DictionaryArray, people: Places, kept: Places, count: int
) -> Places:
    """Return the row whose cell each person keeps in a column, -1 where all are blank.

    An answer comes before a blank, and a ticked box before one without a tick, which exports write
    where nobody was asked.
    """
    worth = np.array(
        [
            0 if _means(coder, name, text) is None else 1 if unticked(name, text) else 2
            for text in texts_of(cells)
        ]
    )[places_of(cells)]
    there = cells.indices.is_valid().to_numpy(zero_copy_only=False)
    found = np.full(count, -1, np.int64)
    for least in (0, 1, 2):  # what is written last stays: the best cell, of it the first kept
        rows = kept[(worth == least)[kept] & there[kept]][::-1]
        found[people[rows]] = rows
    return found


def _contradicted(
    source: Source,
    coder: Coder,
    name: str,
    cells: pa.DictionaryArray,
    people: Places,
    place: Places,
    rows: Places,
) -> list[Said]:
    """Say of the first person who answers a column in two ways, and how many there are."""
    texts = texts_of(cells)
    found = numbered([_means(coder, name, text) for text in texts])[places_of(cells)]
    weak = np.array([unticked(name, text) for text in texts])[places_of(cells)]
    chosen = np.where(place[people] < 0, -1, found[place[people]])
    other = np.flatnonzero((found >= 0) & ~weak & (found != chosen))
    if not len(other):
        return []
    row, first = int(other[0]), int(place[people[other[0]]])
    pair = sorted((row, first))
    one, two = source.rows([int(rows[at]) for at in pair])
    said = [cells[at].as_py() for at in pair]
    told = {"source": source.name, "column": name, "count": len(set(people[other].tolist()))}
    return [say("survey.merging.two_answers", **told, row=one, value=said[0], other=two,
                second=said[1])]  # fmt: skip


def _refuses(coder: Coder, name: str) -> bool:
    return any(coder.expected(name, text) is not None for text in coder.distinct(name) if text)


def _answered(coder: Coder, source: Source, name: str) -> Flags:
    """Return whether each row has an answer in a column."""
    cells = column_of(source, dict(zip(source.columns, source.fields, strict=True))[name])
    means = [_means(coder, name, t) is not None and not unticked(name, t) for t in texts_of(cells)]
    found: Flags = np.array(means, bool)[places_of(cells)]
    return found
