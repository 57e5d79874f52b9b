"""Codes, weights, sites and refused cells of a table's rows."""

import math

import numpy as np
import pyarrow as pa
import pytest

from backrisk.errors import SurveyError
from backrisk.survey import Codebook, coder
from backrisk.survey.coder import REFUSED, Coder, quotient
from tests.survey._small import GRAPH, book, contents, staged


@pytest.fixture(scope="module")
def codebook():
    data = contents()
    text = {"role": "input", "type": "text"}
    data["columns"] |= {"sport": text, "more": text}
    data["columns"]["mood"] = {"role": "input", "labels": {"up": "fine"}}
    data["derived"]["told"] = {
        "node": "pain", "derive": "first_match", "from": ["sport", "more", "week"],
        "otherwise": "none",
        "rules": [{"state": "limiting", "when": [{"any": ["sport", "more"], "contains": ["ow*"]}]}],
    }  # fmt: skip
    return Codebook.from_dict(data | {"weight": "w", "site": "club", "ignore": ["id"]}, GRAPH)


TABLE = pa.table(
    {
        "plank": ["30", "41", "NA", "601", None],
        "warm_up": ["no", " drills ", "", "x", None],
        "kg": [72.25, 72.24, None, 90.0, 10.0],
        "cm": ["170", "170", "170", "1000", "170"],
        "week": ["13", "12.9", "", "1", "x"],
        "month": ["10", "10", "10", "0", "2"],
        "sport": ["run", None, None, None, None],
        "more": ["none", "OWWW", None, None, ""],
        "mood": ["up", "down", "", None, "up"],
        "w": ["1", "-1", None, "inf", " 2e0"],
        "club": ["b", " a ", "", None, "b"],
        "id": ["1", "1", "2", "2", "2"],
    }
)


@pytest.fixture(params=[50_000, 2])
def read(request, tmp_path, monkeypatch, codebook):
    """A coder, and what one of its methods says of all rows, read in batches of any size."""
    monkeypatch.setattr(coder, "BATCH", request.param)
    monkeypatch.setattr(coder, "_KEPT", request.param)
    made = Coder(staged(TABLE, tmp_path), codebook)

    def told(method, *given):
        parts = [getattr(made, method)(batch, *given) for batch, _ in made.batches()]
        return np.concatenate(parts).tolist()

    return made, told


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("plank", [2, 1, -1, REFUSED, -1]),
        ("warm_up", [1, 0, -1, REFUSED, -1]),
        ("bmi_value", [1, 0, -1, -1, -1]),
        ("ratio", [1, 0, -1, -1, -1]),
        ("told", [0, 2, -1, 0, -1]),
    ],
)
def test_a_measure_is_a_code(read, codebook, name, codes):
    spec = codebook.measures[name]
    assert read[1]("state", name, spec, GRAPH.node(spec.measured).states) == codes


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("plank", [0, 0, 0, 1, 0]),
        ("warm_up", [0, 0, 0, 1, 0]),
        ("kg", [0, 0, 0, 0, 1]),
        ("cm", [0, 0, 0, 0, 0]),
        ("week", [0, 0, 0, 0, 1]),
        ("mood", [0, 1, 0, 0, 0]),
        ("sport", [0, 0, 0, 0, 0]),
        ("w", [0, 1, 1, 1, 0]),
        ("club", [0, 0, 1, 1, 0]),
    ],
)
def test_the_cells_of_every_column_are_checked(read, name, bad):
    assert read[1]("refused", name) == [bool(each) for each in bad]


def test_weights_are_numbers_and_sites_are_names(read):
    weights = read[1]("weight")
    assert (weights[0], weights[-1]) == (1.0, 2.0)
    assert all(math.isnan(each) for each in weights[1:-1])
    assert read[0].sites() == ("a", "b")
    assert list(read[0].distinct("id")) == ["1", "2"]


def test_a_measure_whose_columns_are_not_all_there_is_missing(tmp_path):
    codebook = book()
    made = Coder(staged(TABLE.select(["kg", "plank"]), tmp_path), codebook)
    for batch, _ in made.batches():
        found = made.state(batch, "bmi_value", codebook.measures["bmi_value"], ("low", "high"))
        assert found.tolist() == [-1] * 5


def test_a_column_that_occurs_twice_or_that_nobody_knows_is_left_out(tmp_path):
    cells = pa.array(["30"])
    table = pa.Table.from_arrays([cells, cells, cells, cells], ["plank", "plank", "kg", "who"])
    assert Coder(staged(table, tmp_path), book()).fields == {"kg": "c2"}


def test_people_are_named_by_their_text_and_unknown_where_it_is_missing(tmp_path):
    codebook = book(ignore=["id"], missing=["", "NA", "-9"])
    table = pa.table({"id": ["7", " 7", "NA", "", "x\u2003", "-9.0", "7.0"], "kg": ["80"] * 7})
    made = Coder(staged(table, tmp_path), codebook)
    (found,) = [made.person(batch, "id").to_pylist() for batch, _ in made.batches()]
    assert found == ["7", "7", None, None, "x", None, "7"]


def test_the_code_behind_a_value_label_is_read_where_the_label_says_nothing(tmp_path):
    table = pa.table({"plank": ["none at all", "45"], "warm_up": ["drills", "not ever"]})
    codes = {"c0": {"none at all": "0"}, "c1": {"not ever": "no", "drills": "no"}}
    made = Coder(staged(table, tmp_path, codes=codes), book())
    for batch, _ in made.batches():
        assert made.number(batch, "plank").tolist() == [0.0, 45.0]
        spec = made.codebook.columns["warm_up"]
        assert made.state(batch, "warm_up", spec, ("dynamic", "none")).tolist() == [0, 1]


def test_a_comma_before_decimals_is_read_in_columns_of_numbers_alone(tmp_path):
    table = pa.table({"kg": ["72,5", "80"], "cm": ["170", "1.234"], "warm_up": ["1,0", "drills"]})
    made = Coder(staged(table, tmp_path, decimal=","), book())
    for batch, _ in made.batches():
        assert made.number(batch, "kg").tolist() == [72.5, 80.0]
        assert made.refused(batch, "cm").tolist() == [False, True]  # a thousand, or one and a bit
    plain = Coder(staged(table, tmp_path), book())
    for batch, _ in plain.batches():  # a point is there as well: nothing is guessed
        assert plain.refused(batch, "kg").tolist() == [True, False]


def test_a_quotient_is_missing_where_an_input_is_or_it_divides_by_zero():
    derived = book().derived
    first = np.array([1.0, 1.5, 2.0, np.nan, -3.0, np.inf])
    second = np.array([2.0, 0.0, -4.0, 1.0, 200.0, 1.0])
    found = quotient(first, second, derived["ratio"])
    np.testing.assert_array_equal(found, [0.5, np.nan, -0.5, np.nan, -0.015, np.nan])
    kilograms, centimetres = np.array([72.25, 72.25, 900.0]), np.array([170.0, 0.0, 170.0])
    found = quotient(kilograms, centimetres, derived["bmi_value"])
    np.testing.assert_allclose(found, [25.0, np.nan, np.nan])  # nobody has three hundred


SHIFTED = {"0": "1", "1": "2", "2": "3"}  # the code of each label: some are labels of others


@pytest.mark.parametrize("known", ["012", "123"])
def test_a_column_is_read_by_its_labels_or_by_its_codes_as_a_whole(tmp_path, known):
    data = contents()
    states = ("none", "limiting", None)
    labels = dict(zip(known, states, strict=True))
    data["columns"]["asked"] = {"role": "input", "labels": labels}
    table = pa.table({"asked": ["0", "1", "2"], "kg": ["80"] * 3})
    made = Coder(staged(table, tmp_path, codes={"c0": SHIFTED}), Codebook.from_dict(data, GRAPH))
    assert [made.read("asked", text) for text in ("0", "1", "2")] == list(states)


def test_labels_that_are_numbers_but_not_all_are_refused_in_a_column_of_numbers(tmp_path):
    codes = {"c0": {"0": "1", "1": "2", "2 or more": "3"}}
    table = pa.table({"kg": ["0", "1", "2 or more"]})
    with pytest.raises(SurveyError, match="column 'kg': '1' is the value label of the code 2"):
        Coder(staged(table, tmp_path, codes=codes), book())


def test_a_weight_that_stands_for_no_answer_is_refused(tmp_path):
    table = pa.table({"kg": ["80"] * 3, "w": ["1", "999.0", "heavy"]})
    made = Coder(
        staged(table, tmp_path, codes={"c1": {"heavy": "3"}}),
        book(weight="w", missing=["", "999"]),
    )
    assert made.expected("w", "999.0") == "a weight; by the codebook it stands for no answer"
    (weights,) = [made.weight(batch).tolist() for batch, _ in made.batches()]
    assert weights[::2] == [1.0, 3.0]
    assert math.isnan(weights[1])


def test_a_comma_that_may_be_of_decimals_is_told(tmp_path):
    made = Coder(staged(pa.table({"kg": ["1,250"]}), tmp_path), book())
    assert made.expected("kg", "1,250").endswith("before decimals, state decimal=',')")
