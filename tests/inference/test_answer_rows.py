"""People who share answers share rows."""

import numpy as np
import pytest

from backrisk.inference import answer_rows
from backrisk.inference.answer_rows import AnswerRows, some_people

A, B, C = ("a", 0), ("b", 0), ("b", 1)


@pytest.fixture
def codes():
    rng = np.random.default_rng(0)
    return {A: rng.integers(0, 3, 50), B: rng.integers(0, 2, 50), C: np.array([1])}


@pytest.mark.parametrize("largest", [2**62, 1])  # one integer tells rows apart, or is renumbered
@pytest.mark.parametrize("known", [(A,), (A, B), (A, C), (B, A, C), (C,), ()])
def test_rows_are_the_distinct_combinations_of_answers(codes, known, largest, monkeypatch):
    monkeypatch.setattr(answer_rows, "_LARGEST_KEY", largest)
    rows = AnswerRows(codes)
    first, row_of = rows.of(known)
    table = np.stack([np.broadcast_to(codes[v], 50) for v in known], axis=1) if known else None
    if table is None:
        assert len(first) == 1
    else:
        distinct = np.unique(table, axis=0)
        assert rows.count(known) == len(first) == len(distinct)
        np.testing.assert_array_equal(table[first][row_of], table)
    got = rows.codes_of(known)
    for v in known:
        full = got[v][row_of] if len(got[v]) > 1 else np.broadcast_to(got[v], 50)
        np.testing.assert_array_equal(full, np.broadcast_to(codes[v], 50))


def test_what_all_share_is_one_entry(codes):
    rows = AnswerRows(codes)
    assert rows.people == 50
    assert [rows.many(v) for v in (A, B, C)] == [True, True, False]
    assert rows.codes_of((A, C))[C].tolist() == [1]
    assert AnswerRows({}).people == 1


def test_some_people_keep_what_all_share(codes):
    some = some_people(codes, 10, 13)
    np.testing.assert_array_equal(some[A], codes[A][10:13])
    assert some[C].tolist() == [1]
