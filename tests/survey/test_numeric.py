"""Columns of numbers, read by the engine as Python reads them."""

import math
from decimal import Decimal

import pyarrow as pa
import pytest

from backrisk.survey import Column, dictionary
from backrisk.survey.dictionary import Dictionary
from backrisk.survey.numeric import GONE, read_numbers
from tests.survey._small import source, values

WORDS = ("", "NA", "-9", "7.5", "x")
PLAIN = Column(role="input", type="number", range=(0, 100))
LENIENT = PLAIN.model_copy(update={"outside": "missing"})
FREE = Column(role="input", type="number")


def cell(t):
    return t.c0


def told(array, spec=PLAIN, words=WORDS):
    """Return value and refusal of each cell by the engine, and by Python."""
    known = Dictionary(source(pa.table({"a": array})))

    def read(raw):
        number = spec.read(raw, words)
        return GONE if number is None else float(number)

    found = read_numbers(known, cell, read, spec, words)
    refused = [bool(each) for each in values(known, found.refused)]
    by_python = []
    for raw in array.to_pylist():
        try:
            by_python.append((spec.read(raw, words), False))
        except ValueError:
            by_python.append((None, True))
    return list(zip(values(known, found.value), refused, strict=True)), by_python


@pytest.mark.parametrize("spec", [PLAIN, LENIENT, FREE])
@pytest.mark.parametrize("words", [WORDS, ()])
@pytest.mark.parametrize(
    "array",
    [
        pa.array([0, 100, -1, 101, -9, None], pa.int16()),
        pa.array([0.0, 100.0, -0.001, 100.001, -9.0, 7.5, math.nan, math.inf, -math.inf, None]),
        pa.array([Decimal("0.00"), Decimal("100.00"), Decimal("-9.00"), None], pa.decimal128(7, 2)),
        pa.array([True, False, None]),
    ],
    ids=["whole", "float", "decimal", "bool"],
)
def test_typed_cells_are_read_as_python_reads_them(array, words, spec):
    found, expected = told(array, spec, words)
    assert found == expected


TEXT = ["0", "100", "100.5", "-1", "-9", "NA", "", " 5 ", "+7", "4.5e1", "1_0", "inf", "nan", "7.5",
        "007", "5.", ".5", "12345678901234567890", "long", "0x1", None]  # fmt: skip


@pytest.mark.parametrize("spec", [PLAIN, LENIENT, FREE])
@pytest.mark.parametrize("words", [WORDS, ()])
@pytest.mark.parametrize("chunk", [100_000, 2])
def test_text_is_read_as_python_reads_it_however_much_there_is(monkeypatch, chunk, words, spec):
    monkeypatch.setattr(dictionary, "CHUNK", chunk)
    found, expected = told(pa.array(TEXT), spec, words)
    assert found == expected


def test_of_much_text_only_what_is_no_plain_number_comes_to_python(monkeypatch):
    monkeypatch.setattr(dictionary, "CHUNK", 2)
    known = Dictionary(source(pa.table({"a": ["1", "2.5", "-3", "+4", "NA", "5e0", " 6"]})))
    seen = []

    def read(raw):
        seen.append(raw)
        return 0.0

    read_numbers(known, cell, read, FREE, ("NA",))
    assert {each for each in seen if isinstance(each, str)} == {" 6", "5e0", "NA"}


@pytest.mark.parametrize(
    ("word", "number"), [("-9", -9.0), ("7.5", 7.5), ("007", 7.0), ("7.50", 7.5), ("1e3", 1000.0)]
)
def test_a_missing_word_stands_for_the_number_that_is_spelled_so(word, number):
    found, _ = told(pa.array([number, 1.0]), FREE, (word,))
    gone = word == f"{number:g}"
    assert found == [(None if gone else number, False), (1.0, False)]
