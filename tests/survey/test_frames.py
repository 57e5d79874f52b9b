"""Tables as pandas holds them."""

import numpy as np
import pandas as pd
import pytest

from backrisk.errors import SurveyError
from backrisk.survey.frames import encode_measure, in_time, one_row_each, read_csv, read_parquet
from tests.survey._small import GRAPH, book


def test_a_csv_file_is_text_with_the_lines_as_index(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a,b\n1,NA\n\n"x\n",\n3,4\n', encoding="utf-8")
    frame = read_csv(path)
    assert frame.columns.tolist() == ["a", "b"]
    assert frame.index.tolist() == [2, 4, 6]
    assert frame.to_numpy().tolist() == [["1", "NA"], ["x\n", ""], ["3", "4"]]


def test_records_of_another_width_are_all_told(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1\n2,3\n4,5,6\n", encoding="utf-8")
    with pytest.raises(SurveyError) as caught:
        read_csv(path)
    assert caught.value.problems == (
        "t.csv, row 2: 1 values, expected 2.",
        "t.csv, row 4: 3 values, expected 2.",
    )


def test_a_parquet_file_counts_its_records_from_one(tmp_path):
    pd.DataFrame({"a": [1.5, None]}, index=[7, 8]).to_parquet(tmp_path / "t.parquet")
    assert read_parquet(tmp_path / "t.parquet").index.tolist() == [1, 2]


def test_a_parquet_file_that_is_none_is_named(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    path.write_text("plank", encoding="utf-8")
    with pytest.raises(SurveyError, match=r"^t\.parquet is not a Parquet file that can be read\.$"):
        read_parquet(path)

    def missing(path):
        raise ImportError

    monkeypatch.setattr(pd, "read_parquet", missing)
    with pytest.raises(SurveyError, match=r"^t\.parquet: reading Parquet needs .* pyarrow\.$"):
        read_parquet(path)


def test_numbers_come_before_dates():
    assert in_time(pd.Series(["2", "x", "1.5"])).tolist()[::2] == [2.0, 1.5]
    assert in_time(pd.Series(["2", "x", "1.5"])).isna().tolist() == [False, True, False]
    dates = in_time(pd.Series(["2012-03-01", "x", "2011-12-24"]))
    assert dates.isna().tolist() == [False, True, False]
    assert dates[0] > dates[2]


def rule(**keys):
    return book(ignore=["id", "day"], one_row_per={"column": "id", **keys})


@pytest.mark.parametrize(
    ("keys", "rows"),
    [
        ({}, [2, 3, 5, 6, 7]),
        ({"keep": "first"}, [2, 3, 5, 6, 7]),
        ({"keep": "last"}, [3, 4, 6, 7, 8]),
        ({"by": "day"}, [3, 4, 5, 6, 7]),
        ({"by": "day", "keep": "last"}, [2, 3, 6, 7, 8]),
    ],
)
def test_one_row_stands_for_each_person_in_the_order_of_the_file(keys, rows):
    frame = pd.DataFrame(
        {
            "id": ["7", "8", " 7", "x", "", "NA", "x"],
            "day": [
                "2012-03-01",
                "2011-01-01",
                "2011-12-24",
                "2010-01-01",
                "2009-01-01",
                "",
                "never",
            ],
        },
        index=range(2, 9),
    )
    assert one_row_each(frame, rule(**keys)).index.tolist() == rows


def test_rows_of_the_same_day_stay_in_the_order_of_the_file():
    frame = pd.DataFrame({"id": ["7"] * 20, "day": ["2"] * 10 + ["1"] * 10})
    assert one_row_each(frame, rule(by="day")).index.tolist() == [10]
    assert one_row_each(frame, rule(by="day", keep="last")).index.tolist() == [9]


def test_without_a_rule_or_its_column_every_row_stays():
    frame = pd.DataFrame({"id": ["7", "7"], "day": ["1", "2"]})
    assert one_row_each(frame, book()) is frame
    assert len(one_row_each(frame[["day"]], rule())) == 2
    assert one_row_each(frame[["id"]], rule(by="day")).index.tolist() == [0]


def test_a_measure_is_encoded_by_its_inputs():
    frame = pd.DataFrame(
        {"plank": ["30", "41", "NA"], "kg": [80, 60, 80], "cm": [170, 170, None], "week": [1, 2, 3]}
    )
    codebook = book()

    def codes(name):
        spec = codebook.measures[name]
        found = encode_measure(frame, name, spec, codebook, GRAPH.node(spec.measured).states)
        assert found.dtype == np.int8
        return found.tolist()

    assert codes("plank") == [2, 1, -1]
    assert codes("bmi_value") == [1, 0, -1]
    assert codes("ratio") == [-1, -1, -1]  # one of two inputs
    assert codes("warm_up") == [-1, -1, -1]
