"""Every table as canonical text."""

import datetime
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backrisk.survey.staging import ROW, Table, arrays, spelled, stage


@pytest.mark.parametrize(
    ("cells", "texts"),
    [
        (pa.array(["x", " x", None, "", "x "]), ["x", "x", None, None, "x"]),
        (pa.array([1.0, float("nan"), 2.5]), ["1", None, "2.5"]),
        (pa.array([0.1, 3.0], pa.float32()), ["0.1", "3"]),
        (pa.array([7, None], pa.int8()), ["7", None]),
        (pa.array([True, False, None]), ["true", "false", None]),
        (pa.array([Decimal("1.50"), None]), ["1.5", None]),
        (pa.array([datetime.date(2024, 3, 1)]), ["2024-03-01"]),
        (pa.array([datetime.datetime(2024, 3, 1, 9)]), ["2024-03-01 09:00:00"]),
        (pa.array([pd.Timestamp("2024-03-01")], pa.timestamp("ns")), ["2024-03-01"]),
        (pa.array([b"x"]), ["x"]),
        (pa.array([None, None]), [None, None]),
        (pa.array([[1], None]), ["[1]", None]),
        (pa.array(["a", None, " a"]).dictionary_encode(), ["a", None, "a"]),
        (pa.chunked_array([["a"], ["b"]]), ["a", "b"]),
        (pa.array([], pa.string()), []),
        (pa.array([300_000_000_000, None], pa.timestamp("s")), ["11476-08-15 05:20:00", None]),
        (pa.array([b"\xffa"], pa.binary()).view(pa.string()), ["\ufffda"]),
    ],
)
def test_cells_of_every_type_become_canonical_text(cells, texts):
    found = spelled(cells)
    assert found.to_pylist() == texts
    assert sorted(found.dictionary.to_pylist()) == sorted({t for t in texts if t is not None})


def test_blank_rows_are_left_out_and_the_others_keep_their_records(tmp_path):
    batches = iter([arrays([("x", ""), (None, " ")], 2), arrays([("", None), ("", 2.0)], 2)])
    found = stage(Table([" a", 1.0], batches), tmp_path / "t.parquet")
    assert (found.columns, found.fields, found.blank) == (("a", "1"), ("c0", "c1"), 2)
    assert pq.read_table(found.path).to_pylist() == [
        {"c0": "x", "c1": None, ROW: 0},
        {"c0": None, "c1": "2", ROW: 3},
    ]


def test_a_column_without_a_name_or_a_cell_is_none(tmp_path):
    rows = arrays([("x", "", ""), ("y", None, "z")], 3)
    found = stage(Table(["a", None, ""], iter([rows])), tmp_path / "t.parquet")
    assert (found.columns, found.fields) == (("a", ""), ("c0", "c2"))


def test_commas_are_noticed(tmp_path):
    batches = iter([arrays([("x", "1", "1,5")], 3), arrays([("x,y", "2", "3")], 3)])
    assert stage(Table("abc", batches), tmp_path / "t.parquet").commas == {"c0", "c2"}


def test_a_table_may_have_no_rows(tmp_path):
    for batches in ([], [arrays([], 2)]):
        found = stage(Table(["a", "b"], iter(batches)), tmp_path / "t.parquet")
        assert (found.columns, found.blank) == (("a", "b"), 0)
        assert len(pq.read_table(found.path)) == 0


@pytest.mark.parametrize(("index", "size"), [(pa.int8(), 128), (pa.uint8(), 256)])
def test_an_index_may_be_full(index, size):
    """As wide as its dictionary is long: there is no number left for what is missing."""
    words = [f"w{place}" for place in range(size)]
    cells = pa.DictionaryArray.from_arrays(pa.array([0, None, size - 1], index), pa.array(words))
    assert spelled(cells).to_pylist() == ["w0", None, words[-1]]
