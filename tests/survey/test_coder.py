"""Codes, weights, sites and refused cells of a table on an engine."""

import pyarrow as pa
import pytest

from backrisk.survey import Codebook
from backrisk.survey.coder import Coder
from tests.survey._small import GRAPH, contents, source, values


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


@pytest.fixture
def coder(codebook):
    return Coder(source(TABLE), codebook)


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("plank", [2, 1, -1, None, None]),
        ("warm_up", [1, 0, -1, None, None]),
        ("bmi_value", [1, 0, -1, -1, -1]),
        ("ratio", [1, 0, -1, -1, -1]),
        ("told", [0, 2, -1, 0, -1]),
    ],
)
def test_a_measure_is_a_code(coder, codebook, name, codes):
    spec = codebook.measures[name]
    expression = coder.state(name, spec, GRAPH.node(spec.measured).states)
    found = values(coder.known, expression)
    assert [-1 if code is None else code for code in found] == [
        -1 if code is None else code for code in codes
    ]


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("plank", [0, 0, 0, 1, 0]),
        ("warm_up", [0, 0, 0, 1, 0]),
        ("kg", [0, 0, 0, 0, 1]),
        ("cm", [0, 0, 0, 0, 0]),
        ("week", [0, 0, 0, 0, 1]),
        ("mood", [0, 1, 0, 0, 0]),
    ],
)
def test_the_cells_of_every_column_are_checked(coder, name, bad):
    coder.check(name)
    assert [bool(each) for each in values(coder.known, coder.bad[name])] == [bool(b) for b in bad]


def test_text_and_absent_columns_have_nothing_to_check(coder, codebook):
    coder.check("sport")
    narrow = Coder(source(TABLE.select(["plank"])), codebook)
    narrow.check("kg")
    assert coder.bad == narrow.bad == {}


def test_a_measure_needs_its_columns(codebook):
    narrow = Coder(source(TABLE.select(["kg", "more"])), codebook)
    for name in ("plank", "warm_up", "bmi_value", "ratio"):
        spec = codebook.measures[name]
        assert narrow.state(name, spec, GRAPH.node(spec.measured).states) is None
    told = narrow.state("told", codebook.derived["told"], GRAPH.node("pain").states)
    assert [values(narrow.known, told)[i] for i in (0, 1)] == [0, 2]


def test_unknown_and_repeated_columns_are_left_out(codebook):
    again = pa.Table.from_arrays([TABLE["kg"], TABLE["kg"], TABLE["w"]], names=["kg", "kg", "w"])
    assert list(Coder(source(again), codebook).columns) == ["w"]
    other = TABLE.select(["kg", "id"]).rename_columns(["kilos", "id"])
    assert list(Coder(source(other), codebook).columns) == ["id"]


def test_weights_are_numbers_and_what_is_none_is_refused(coder):
    assert values(coder.known, coder.weight("w")) == [1.0, None, None, None, 2.0]
    assert values(coder.known, coder.bad["w"]) == [False, True, True, True, False]


def test_sites_are_sorted_and_a_missing_one_is_refused(coder):
    place, sites = coder.site("club")
    assert sites == ("a", "b")
    assert values(coder.known, place) == [1, 0, None, None, 1]
    assert values(coder.known, coder.bad["club"]) == [False, False, True, True, False]


def test_a_site_that_is_called_like_no_site_is_refused(codebook):
    held = TABLE.set_column(
        TABLE.schema.get_field_index("club"), "club", [["new", "a", "average", " New ", "b"]]
    )
    coder = Coder(source(held), codebook)
    place, sites = coder.site("club")
    assert sites == ("a", "b")
    assert values(coder.known, place) == [None, 0, None, None, 1]
    assert values(coder.known, coder.bad["club"]) == [True, False, True, True, False]
