"""One row for each person, by an engine as by pandas."""

import pandas as pd
import pyarrow as pa
import pytest

from backrisk.survey.coder import Coder
from backrisk.survey.frames import one_row_each
from backrisk.survey.repeats import kept
from tests.survey._small import book, source, values

IDS = ["7", "8", " 7", "x", "", "NA", "x", "x\u2003", "8"]
DAYS = [
    "2012-03-01",
    "2011-01-01",
    "2011-12-24",
    "2010-01-01",
    "2009-01-01",
    "",
    "never",
    "2010-01-01",
    None,
]
TABLES = {
    "dates": pa.table({"id": IDS, "day": DAYS}),
    "numbers": pa.table({"id": IDS, "day": ["3", "2", "1", "10", "9", "", "x", "2", "2"]}),
    "floats": pa.table(
        {"id": [7.0, 8.5, 7.0, float("nan"), None, 8.5, 1e20], "day": [3, 2, 1, 1, 1, 2, 1]}
    ),
    "whole": pa.table({"id": [7, 8, 7, -9, -9, None], "day": [1.5, 2, 0.5, 1, 2, 3]}),
}  # fmt: skip


@pytest.mark.parametrize("by", ["day", None, "absent"])
@pytest.mark.parametrize("keep", ["first", "last"])
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("missing", [["", "NA", "-9"], []])
def test_the_engine_keeps_the_rows_that_pandas_keeps(table, keep, by, missing):
    codebook = book(
        missing=missing,
        ignore=["id", "day"],
        one_row_per={"column": "id", "by": by, "keep": keep},
    )
    coder = Coder(source(TABLES[table]), codebook)
    found = values(coder.known, kept(coder, codebook.one_row_per))
    frame = TABLES[table].to_pandas()
    rows = one_row_each(frame, codebook).index
    assert [row for row, stays in enumerate(found) if stays] == rows.tolist()


def test_people_without_an_identifier_all_stay():
    codebook = book(ignore=["id"], one_row_per={"column": "id"})
    coder = Coder(source(pa.table({"id": ["", "NA", None, "", "a", "a"]})), codebook)
    assert values(coder.known, kept(coder, codebook.one_row_per)) == [True] * 5 + [False]
    frame = pd.DataFrame({"id": ["", "NA", None, "", "a", "a"]})
    assert len(one_row_each(frame, codebook)) == 5
