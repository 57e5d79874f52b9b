"""Boxes of one question, and a height with a weight, are proposed as derived values."""

import pytest

from backrisk.graph import load_graph
from backrisk.survey import draft_codebook, load_codebook, read_survey
from backrisk.survey.forms.derivations import body_mass, boxes
from backrisk.survey.forms.fields import Field
from tests.survey.forms._project import HEADER, written

RUNNER = load_graph("runner")


def box(name, text, group):
    return Field(name, "choice", f"What? (choice={text})", {"1": "Checked"}, box=text, group=group)


def test_boxes_that_speak_of_one_node_are_read_together():
    fields = [
        box("a___1", "Yoga", "a"),
        box("a___2", "Stretching", "a"),
        box("a___3", "Chess", "a"),
    ]
    (found,) = boxes(fields, {}, RUNNER)
    assert (found.node, [each.name for each in found.fields]) == (
        "mobility_work", ["a___1", "a___2"]
    )  # fmt: skip
    assert boxes(fields[1:], {}, RUNNER) == []


@pytest.mark.parametrize(
    ("first", "second", "units"),
    [
        (Field("wt", "number", unit="lb"), Field("ht", "number", unit="in"), ["lb", "in"]),
        (Field("x", "number", "Your weight"), Field("y", "number", "How tall are you?"), ["", ""]),
        (Field("wgt", "number", unit="cm"), Field("height_cm", "number", unit="cm"), ["", "cm"]),
    ],
)
def test_a_weight_and_a_height_make_an_index_in_units_that_somebody_says(first, second, units):
    found = body_mass([second, first], set(), RUNNER)
    assert [each.name for each in found.fields] == [first.name, second.name]
    assert [found.unit(each)[0] for each in found.fields] == units
    assert body_mass([second, first], {"bmi"}, RUNNER) is None
    assert body_mass([first], set(), RUNNER) is None


def test_a_form_with_both_is_drafted_and_read(tmp_path):
    dictionary, table, book = (tmp_path / name for name in ("d.csv", "t.csv", "b.yaml"))
    blank = [""] * 12

    def row(name, kind, label, choices="", note=""):
        return [name, "f", "", kind, label, choices, note, *blank[:11]]

    rows = [
        row("id", "text", "ID"), row("ht", "text", "Height", note="cm"),
        row("wt", "text", "Body weight", note="lb"),
        row("acts", "checkbox", "Which?", "1, Yoga | 2, Pilates | 3, Chess"),
    ]  # fmt: skip
    for each in rows[1:3]:
        each[7] = "number"
    dictionary.write_text(written([HEADER, *rows]), encoding="utf-8")
    table.write_text(
        "id,ht,wt,acts___1,acts___2,acts___3,f_complete\n"
        "1,180,150,1,0,0,2\n2,170,210,0,0,1,2\n3,170,150,0,0,0,0\n"
    )
    draft = draft_codebook(table, "runner", dictionary=dictionary)
    assert draft.read == ("ht", "wt", "acts___1", "acts___2")
    text = draft.text.replace('state: "?"', "state: regular").replace(
        'otherwise: "?"', "otherwise: rare"
    )
    book.write_text(text, encoding="utf-8")
    read = read_survey(table, RUNNER, load_codebook(book))
    at = [read.graph.names.index(name) for name in ("bmi", "mobility_work")]
    # 150 lb at 1.80 m is 21; 210 lb at 1.70 m is 33; a page that was never opened says nothing.
    assert read.codes[:, at].tolist() == [[0, 0], [2, 1], [0, -1]]
