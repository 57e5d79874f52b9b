"""What was understood of a survey: counts against the table itself, and what a fit would be."""

import pandas as pd
import pytest

from backrisk.graph import CausalGraph, load_graph, mechanism_reasons
from backrisk.survey import Codebook, Survey, describe
from tests.survey._small import GRAPH, book, contents

FRAME = pd.DataFrame(
    {
        "plank": ["30", "50", "90", "NA", "10", "80"],
        "warm_up": ["drills", "no", "no", "drills", "", "no"],
        "kg": ["80", "95", "", "60", "70", "70"],
        "cm": ["180", "170", "170", "170", "NA", "175"],
        "who": ["x", "y", "z", "u", "v", "v"],
        "w": ["1", "1", "1", "3", "1", "1"],
        "club": ["n", "n", "s", "s", "s", "n"],
        "remark": "-",
    }
)
ROLES = {
    "weight": "w",
    "site": "club",
    "ignore": "rest",
    "one_row_per": {"column": "who", "keep": "last"},
}


@pytest.fixture(scope="module")
def found():
    return describe(FRAME, GRAPH, book(**ROLES))


def column(found, name):
    return next(each for each in found.columns if each.column == name)


def test_people_by_state_and_blanks_are_those_of_the_table(found):
    """Worked out by hand; of v only the last row counts, so that five people remain."""
    assert (found.people, found.rows, found.patterns) == (5, 6, 5)
    plank = column(found, "plank")
    assert plank.counts == {"strong": 2, "moderate": 1, "weak": 1}
    assert (plank.role, plank.node) == ("item", "core")
    assert (plank.answered, plank.missing, plank.not_asked) == (4, 1, 0)
    index = column(found, "bmi_value")  # 24.7, 32.9, none, 20.8, 22.9
    assert index.counts == {"under_25": 3, "25_plus": 1}
    assert (index.derived, index.missing) == (True, 1)
    assert found.counts.set_index(["column", "state"])["people"]["warm_up", "none"] == 3


def test_inputs_are_counted_by_row(found):
    kg, cm = column(found, "kg"), column(found, "cm")
    assert [(each.role, each.answered, each.missing) for each in (kg, cm)] == [
        ("input", 5, 1),
        ("input", 5, 1),
    ]


def test_how_each_column_is_read_is_told(found):
    assert {each.column: str(each.how) for each in found.columns if each.how} == {
        "plank": "below 41 s: weak, 41 to below 75 s: moderate, from 75 s: strong, "
        "accepted 0 to 600, reliability 0.6",
        "warm_up": "drills = dynamic, no = none",
        "kg": "number, accepted 30 to 200",
        "cm": "number, accepted 120 to 220, others missing",
        "bmi_value": "bmi of kg and cm, below 25: under_25, from 25: 25_plus",
    }
    assert dict(column(found, "warm_up").labels) == {"drills": "dynamic", "no": "none"}


def test_columns_without_states_are_told_by_their_role(found):
    assert found.others == [
        "'club' says the site.",
        "'w' holds the weights.",
        "'who' says who it is.",
        "Not read: remark.",
        "Columns of the codebook that are not in the table: week and month.",
        "No answer: blank and NA.",
    ]


def test_the_fit_would_have_the_families_of_the_graph(found):
    graph = book(**ROLES).extend(GRAPH)
    assert [(f.node, f.mechanism, f.why, f.priors) for f in found.families] == [
        (each.node, each.mechanism, each.why, each.priors) for each in mechanism_reasons(graph)
    ]
    assert {f.node: f.observed for f in found.families} == {
        "core": "by_items",
        "bmi": "observed",
        "load": "hidden",
        "warm_up": "observed",
        "pain": "hidden",
        "plank": "item",
    }
    assert (found.hidden, found.items) == (("core", "load", "pain"), ("plank",))


def test_the_design_is_told(found):
    # Of weights 1, 1, 1, 3, 1: 49 / 13.
    assert found.design == (
        "Weighted by 'w', worth 4 people of equal weight.",
        "2 sites in 'club': the intercepts of ordinal nodes are partially pooled.",
        "Of each 'who' the last row counts, in the order of the file.",
    )


def test_roles_that_the_table_lacks_are_told():
    roles = {"weight": "w", "site": "club"}
    found = describe(FRAME[["plank", "warm_up"]], GRAPH, book(**roles))
    assert "the codebook's column of weights, 'w', is not in the table" in found.design[0]
    assert "column of sites, 'club', is not in the table" in found.design[1]
    one = describe(FRAME[["plank", "club"]].assign(club="n"), GRAPH, book(site="club"))
    assert one.design[1] == "'club' names one site: nothing is pooled."
    assert describe(FRAME[["plank"]], GRAPH, book()).design == (
        "Every person counts once: no column holds weights.",
    )


def test_text_and_table_hold_what_the_parts_hold(found):
    lines = found.text.splitlines()
    assert lines[0].startswith("5 people, 5 distinct answer patterns; codebook 'small'")
    assert str(found) == found.text
    for said in (*found.others, *found.fit, *found.cautions):
        assert str(said) in lines
    table = found.table.set_index("column")
    assert table["counts"]["plank"] == "strong: 2, moderate: 1, weak: 1"
    assert table["missing"]["plank"] == 1
    assert table["counts"]["kg"] == "5 answered"
    assert set(table.index) == set(FRAME.columns) | {"bmi_value"}


def test_few_families_are_told_one_by_one_and_many_by_their_kind():
    small = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    told = describe(pd.DataFrame({"a": ["no"]}), small).fit
    assert told[0].startswith("a: free rows. It has no causes.")
    assert told[2] == "Summed out, measured by nothing: b."
    runner = load_graph("runner_core")
    told = describe(pd.DataFrame({"pain": ["none", "limiting"]}), runner).fit
    wide = load_graph("runner")
    many = describe(pd.DataFrame({"pain": ["none"]}), wide, Codebook.plain(wide)).fit
    assert len(told) == len(runner.names) + 2
    assert many[0].startswith("By free rows, since it has no causes: age, sex")
    assert len(many) < 10


def test_items_and_responses_are_told_apart_from_causes():
    keys = contents()
    keys["columns"]["warm_up"]["nonresponse"] = {"mean": 1, "sd": 1}
    keys["columns"] |= {
        f"again_{i}": {"item": "core", "error": "unknown", "labels": {"y": "weak", "n": "strong"}}
        for i in range(3)
    }
    found = describe(FRAME[["plank", "warm_up"]], GRAPH, Codebook.from_dict(keys, GRAPH))
    assert "Answers with error: plank, again_0, again_1 and again_2." in found.fit
    assert "Whether it was answered depends on the answer: warm_up_response." in found.fit
    assert column(found, "warm_up").how.endswith("a blank may depend on the answer")


def test_all_labels_and_errors_are_named():
    keys = contents()
    long = {f"a rather long answer number {i}": "dynamic" for i in range(4)}
    keys["columns"]["warm_up"]["labels"] = long | {"no": "none"}
    keys["columns"]["plank"] |= {"reliability": None, "error": "unknown"}
    keys["columns"]["diary"] = {"role": "input", "type": "text"}
    keys["columns"]["free"] = {"role": "input"}
    keys["derived"]["sport"] = {
        "node": "pain",
        "derive": "first_match",
        "from": ["diary", "free"],
        "rules": [{"state": "none", "when": [{"any": ["diary"], "contains": ["gym"]}]}],
    }
    frame = FRAME[["plank", "warm_up"]].assign(diary="gym", free="x", warm_up="no")
    how = {each.column: each.how for each in describe(frame, GRAPH, _book(keys)).columns}
    assert how["warm_up"] == ", ".join([*(f"{label} = dynamic" for label in long), "no = none"])
    assert how["plank"].endswith("error unknown")
    assert (how["diary"], how["free"]) == ("free text", "any label")
    assert how["sport"] == "1 rule on diary and free"


def _book(keys):
    return Codebook.from_dict(keys, GRAPH)


def test_a_survey_is_described_as_the_table_it_was_read_from(found):
    survey = Survey.from_frame(FRAME, GRAPH, book(**ROLES))
    assert describe(survey) == found


def test_who_was_not_asked_is_not_missing():
    """Two of six drill; of the four who do not, one is asked for a plank and says nothing."""
    keys = contents()
    keys["columns"]["plank"]["asked_if"] = {"when": "[warm_up] = 'no'"}
    frame = pd.DataFrame(
        {"warm_up": ["drills", "drills", *["no"] * 4], "plank": ["", "", "", "30", "50", "90"]}
    )
    plank = column(describe(frame, GRAPH, Codebook.from_dict(keys, GRAPH)), "plank")
    assert (plank.answered, plank.missing, plank.not_asked) == (3, 1, 2)
    assert plank.how.endswith("asked if [warm_up] = 'no'")
    keys["columns"]["plank"]["asked_if"]["else"] = "weak"
    plank = column(describe(frame, GRAPH, Codebook.from_dict(keys, GRAPH)), "plank")
    assert (plank.answered, plank.missing, plank.not_asked) == (5, 1, 2)
    assert plank.counts["weak"] == 3


def test_the_columns_of_a_design_are_told_by_their_role():
    design = {"kind": "matched", "set": "pair", "outcome": "warm_up"}
    frame = pd.DataFrame({"pair": [1, 1, 2, 2], "warm_up": ["no", "drills"] * 2, "plank": 30})
    found = describe(frame, GRAPH, book(design=design))
    assert "'pair' names the matched set." in found.others
    assert found.design[0].startswith("People were chosen by warm_up in 2 matched sets")


def test_a_table_needs_a_graph():
    with pytest.raises(TypeError, match=r"describe: 'graph' should be a CausalGraph"):
        describe(FRAME)


def test_a_column_that_has_a_role_and_is_not_in_the_table_is_named():
    """Where the weights or the people's names are missing, everybody counts once: it is told."""
    graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    roles = {"weight": "w", "site": "club", "one_row_per": {"column": "id"}, "ignore": ["email"]}
    columns = {"a": {"node": "a"}, "b": {"node": "b"}}
    made = Codebook.from_dict({"name": "n", "graph": "graph", "columns": columns, **roles}, graph)
    frame = pd.DataFrame({"a": ["no"], "club": ["x"]})
    assert describe(Survey.from_frame(frame, graph, made)).absent == ("b", "w", "id")
