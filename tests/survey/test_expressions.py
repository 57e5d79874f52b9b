"""Expressions over a table on an engine."""

import ibis
import pyarrow as pa
import pytest

from backrisk.survey.dictionary import Dictionary
from backrisk.survey.expressions import any_of, certain, cut, pack, quotient, where
from tests.survey._small import book, source, values


@pytest.fixture(scope="module")
def known():
    return Dictionary(
        source(
            pa.table(
                {
                    "x": [1.0, 1.5, 2.0, None, -3.0],
                    "y": [2.0, 0.0, -4.0, 1.0, 200.0],
                    "code": pa.array([0, 1, None, 2, -1], pa.int64()),
                    "yes": [True, None, False, False, True],
                    "no": [False, False, False, True, True],
                }
            )
        )
    )


def x(t):
    return t.c0


def y(t):
    return t.c1


def test_a_number_equal_to_a_cut_point_lies_above_it(known):
    assert values(known, cut(x, (1.5, 2.0), [7, 8, 9])) == [7, 8, 9, -1, 7]


def test_a_quotient_is_null_where_it_divides_by_zero(known):
    derived = book().derived
    assert values(known, quotient(x, y, derived["ratio"])) == [0.5, None, -0.5, None, -0.015]
    assert values(known, quotient(x, y, derived["bmi_value"])) == pytest.approx(
        [2500.0, None, 1250.0, None, -0.75]
    )


def test_codes_are_packed_as_digits_one_more_than_the_code(known):
    def one(t):
        return ibis.literal(1)

    assert values(known, pack([(0, 4, lambda t: t.c2), (1, 3, one)])) == [9, 10, 8, 11, 8]
    assert values(known, pack([])) == [0] * 5


def test_where_certain_and_any(known):
    assert values(known, lambda t: where(t.c4, t.c0)) == [None, None, None, None, -3.0]
    assert values(known, certain(lambda t: t.c3)) == [True, False, False, False, True]
    named = known.table.mutate(one=known.table.c3.fill_null(False))
    assert named.select(found=any_of(named, ["one", "c4"])).to_pyarrow()["found"].to_pylist() == [
        True, False, False, True, True,
    ]  # fmt: skip
    assert named.select(found=any_of(named, [])).to_pyarrow()["found"].to_pylist() == [False] * 5
