"""Cells read in Python and joined back to their table."""

import pyarrow as pa
import pytest

from backrisk.survey import dictionary
from backrisk.survey.dictionary import Dictionary
from tests.survey._small import source, values


@pytest.fixture(params=[100_000, 2])
def known(request, monkeypatch):
    monkeypatch.setattr(dictionary, "CHUNK", request.param)
    cells = pa.table({"a": ["x", "y", None, "x", "z"], "b": pa.array([1, None, 1, 1, 2])})
    return Dictionary(source(cells))


def a(t):
    return t.c0


def b(t):
    return t.c1


def test_each_distinct_cell_is_read_once_and_the_refused_are_null(known):
    seen = []

    def read(raw):
        seen.append(raw[0])
        if raw[0] == "z":
            raise ValueError
        return ord(raw[0]) if isinstance(raw[0], str) else 0

    meant = known.meaning([a], read, pa.int64())
    assert values(known, meant) == [120, 121, None, 120, None]  # null alone stays null
    assert sorted(map(str, seen)) == ["nan", "x", "y", "z"]


def test_among_several_cells_null_is_one_like_any_other(known):
    def read(raw):
        missing = [cell is None or cell != cell for cell in raw]
        return "-".join("?" if gone else str(cell)[0] for gone, cell in zip(missing, raw, strict=1))

    meant = known.meaning([a, b], read, pa.string())
    assert values(known, meant) == ["x-1", "y-?", "?-1", "x-1", "z-2"]


def test_meanings_do_not_disturb_each_other(known):
    first = known.meaning([a], lambda raw: 1, pa.int64())
    second = known.meaning([b], lambda raw: float(raw[0]), pa.float64())
    assert values(known, first) == [1, 1, None, 1, 1]
    assert values(known, second) == [1.0, None, 1.0, 1.0, 2.0]


def test_where_everything_is_refused_everything_is_null(known):
    def read(raw):
        raise ValueError

    assert values(known, known.meaning([a], read, pa.int64())) == [None] * 5


def test_a_table_without_rows_has_no_meanings():
    known = Dictionary(source(pa.table({"a": pa.array([], pa.string())})))
    assert values(known, known.meaning([a], lambda raw: 1, pa.int64())) == []


def test_few_cells_are_no_more_than_a_chunk(monkeypatch):
    known = Dictionary(source(pa.table({"a": ["x", "y", "x", "y"], "b": [1, 2, 3, 1]})))
    monkeypatch.setattr(dictionary, "CHUNK", 2)
    assert known.few(a)
    assert not known.few(b)
    assert sorted(known.distinct(a)) == ["x", "y"]
