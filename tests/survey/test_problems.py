"""Mistakes in a codebook: each one sentence with codebook, key, value and expectation."""

import pytest

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey import Codebook
from backrisk.survey.problems import failure
from backrisk.words import Said

GRAPH = CausalGraph.from_edges(
    [("core", "pain"), ("load", "pain")],
    {"core": ["strong", "weak"], "load": ["low", "high"], "pain": ["no", "yes"]},
)


def contents():
    return {
        "name": "small",
        "graph": "graph",
        "columns": {
            "plank": {"item": "core", "reliability": 0.6, "type": "number", "cuts": [41, 75],
                      "range": [0, 600], "typical": [10, 90],
                      "states": ["weak", "strong", "weak"]},
            "ache": {"node": "pain", "nonresponse": {"mean": 0, "sd": 1}},
            "week": {"role": "input", "type": "number"},
            "month": {"role": "input", "type": "number"},
            "sport": {"role": "input", "type": "text"},
        },
        "derived": {
            "r": {"node": "load", "derive": "ratio", "from": ["week", "month"], "cuts": [1.3]},
            "m": {"item": "core", "reliability": 0.5, "derive": "first_match", "from": ["sport"],
                  "rules": [{"state": "weak", "when": [{"any": ["sport"], "contains": ["no"]}]}]},
        },
    }  # fmt: skip


def told(path, value):
    """Return the problems of the codebook with one key changed (None: taken away)."""
    data = contents()
    *parents, last = path.split(".")
    part = data
    for key in parents:
        part = part[int(key)] if isinstance(part, list) else part[key]
    if value is None:
        del part[last]
    else:
        part[last] = value
    with pytest.raises(SurveyError) as caught:
        Codebook.from_dict(data, GRAPH)
    return list(caught.value.problems)


def test_the_codebook_itself_is_accepted():
    assert Codebook.from_dict(contents(), GRAPH).columns["ache"].labels == {
        "no": "no",
        "yes": "yes",
    }


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("columns.plank.reliability", 2, "a number of at most 1"),
        ("columns.plank.reliability", -0.5, "a number of at least 0"),
        ("columns.plank.reliability", "much", "a number"),
        ("columns.plank.people", 0, "a number above 0"),
        ("columns.ache.nonresponse.share", 1, "a number below 1"),
        ("columns.ache.nonresponse.share", 0, "a number above 0"),
        ("columns.ache.nonresponse.mean", 4.5, "a number of at most 4"),
        ("columns.ache.nonresponse.mean", -4.5, "a number of at least -4"),
        ("columns.ache.nonresponse.sd", 3.5, "a number of at most 3"),
        ("columns.ache.nonresponse", "some",
         "keys and values, such as mean, sd, share, why"),
        ("columns.week.decimals", 7, "a number of at most 6"),
        ("columns.week.decimals", "two", "a whole number"),
        ("columns.week.decimals", 1.5, "a whole number"),
        ("columns.week.decimals", [2], "a whole number"),
        ("columns.week.type", "float", "one of 'number', 'label', 'text'"),
        ("columns.week.outside", "drop", "one of 'error', 'missing'"),
        ("columns.plank.error", "none", "one of 'learned', 'fixed', 'unknown'"),
        ("columns.plank.range", [0], "at least 2 entries"),
        ("columns.plank.range", [0, 1, 2], "at most 2 entries"),
        ("columns.plank.range", 600, "a list"),
        ("columns.plank.cuts.0", "low", "a number"),
        ("columns.ache.question", ["a"], "text"),
        ("columns.ache.labels", ["no"], "keys and values"),
        ("columns.ache", "pain",
         "keys and values, such as node, item, reliability, misclassification, error"),
        ("derived.m.rules.0.when", "[x] = '1'", "a list of conditions such as {any: [column], "
         "contains: [word]} (REDCap's logic, \"[column] = '1'\", is read in 'asked_if' alone)"),
        ("columns", {}, "at least 1 entry"),
        ("derived.m.rules.0.when", [], "at least 1 entry"),
        ("derived.m.rules.0.when.0.contains", [], "at least 1 entry"),
        ("derived.m.rules.0.when.0.any", [], "at least 1 entry"),
        ("synthetic", "perhaps", "true or false"),
        ("synthetic", [], "true or false"),
        ("columns.week.range", [[], 3], "a number"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_its_key_and_what_was_expected(path, value, expected):
    if path == "columns.plank.cuts.0":
        data = contents()
        data["columns"]["plank"]["cuts"][0] = value
        with pytest.raises(SurveyError) as caught:
            Codebook.from_dict(data, GRAPH)
        found, key, shown = list(caught.value.problems), path, value
    else:
        found, key, shown = told(path, value), path, value
    if path == "columns.week.range":
        key, shown = "columns.week.range.0", []
    end = f"value '{shown}', expected {expected}."
    assert found == [f"Codebook 'small', key '{key}': {end}"]


def test_a_long_value_is_shortened():
    (found,) = told("columns.week.decimals", "long " * 40)
    assert "value 'long long" in found
    assert found.endswith("long...', expected a whole number.")
    assert len(found) < 150


def test_what_the_schema_refuses_in_an_unforeseen_way_is_told_too():
    data = contents()
    data["columns"]["week"][7] = 3
    with pytest.raises(SurveyError) as caught:
        Codebook.from_dict(data, GRAPH)
    assert list(caught.value.problems) == [
        "Codebook 'small', key 'columns.week.7': the value '7' is not allowed here."
    ]


def test_unknown_and_required_keys_are_named():
    assert told("columns.plank.unti", "s") == [
        "Codebook 'small', key 'columns.plank.unti': there is no such key (did you mean 'unit'?)."
    ]
    assert told("columms", {}) == [
        "Codebook 'small', key 'columms': there is no such key (did you mean 'columns'?)."
    ]
    assert told("graph", None) == ["Codebook 'small', key 'graph': this key is required."]
    assert told("derived.r.from", None) == [
        "Codebook 'small', key 'derived.r.from': this key is required."
    ]


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("columns.plank.node", "core", "either 'node' or 'item', not both"),
        ("columns.plank.reliability", None, "'error: unknown'"),
        ("columns.plank.error", "unknown", "An item needs one of"),
        ("columns.plank.misclassification", {"weak": {"weak": 1}}, "An item needs one of"),
        ("columns.ache.reliability", 0.5, "Only an item can have"),
        ("columns.ache.error", "fixed", "Only an item can have"),
        ("columns.ache.misclassification", {"no": {"no": 1}}, "Only an item can have"),
        ("columns.plank.cuts", [75, 41], "'cuts' must increase"),
        ("columns.plank.cuts", [41, 41], "'cuts' must increase"),
        ("columns.plank.typical", [90, 10], "'typical' must be below"),
        ("columns.plank.typical", [10, 10], "'typical' must be below"),
        ("columns.plank.range", [600, 0], "'range' must be below"),
        ("columns.plank.range", [20, 600], "must lie within 'range'"),
        ("columns.plank.range", [0, 80], "must lie within 'range'"),
        ("columns.plank.range", [5, 5], "'range' must be below"),
        ("columns.week.role", None, "exactly one of 'node', 'item' and 'role: input'"),
        ("columns.ache.role", "input", "exactly one of 'node', 'item' and 'role: input'"),
        ("columns.ache.type", "text", "must have 'role: input'"),
        ("columns.ache.cuts", [1], "Only a column with 'type: number'"),
        ("columns.ache.range", [1, 2], "Only a column with 'type: number'"),
        ("columns.ache.typical", [1, 2], "Only a column with 'type: number'"),
        ("columns.plank.cuts", None, "needs 'cuts'"),
        ("derived.r.node", None, "needs 'node' or 'item'"),
        ("derived.m.rules", None, "needs 'rules' and cannot have 'cuts'"),
        ("derived.m.cuts", [1], "needs 'rules' and cannot have 'cuts'"),
        ("derived.m.from", ["week", "month"], "'from' does not list: sport"),
        ("derived.r.from", ["week"], "'derive: ratio' needs two columns"),
        ("derived.r.from", ["week", "month", "week"], "needs two columns"),
        ("derived.r.cuts", None, "needs two columns in 'from', and 'cuts'"),
        ("derived.r.rules", [{"state": "low", "when": [{"any": ["week"], "contains": ["x"]}]}],
         "it cannot have 'rules'"),
    ],
)  # fmt: skip
def test_keys_that_do_not_go_together_are_told(path, value, rule):
    (found,) = told(path, value)
    assert found.startswith(f"Codebook 'small', key '{path.rpartition('.')[0]}': ")
    assert rule in found
    assert found.endswith(".")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("columns.plank.reliability", 0),
        ("columns.plank.reliability", 1),
        ("columns.plank.typical", [0, 600]),
        ("columns.ache.nonresponse", {"mean": 4, "sd": 3}),
        ("columns.week.decimals", 6),
        ("columns.week.decimals", 0),
    ],
)
def test_the_ends_of_what_is_allowed_are_allowed(path, value):
    data = contents()
    *parents, last = path.split(".")
    part = data
    for key in parents:
        part = part[key]
    part[last] = value
    assert Codebook.from_dict(data, GRAPH).name == "small"


def test_every_problem_is_carried_and_twenty_are_printed():
    many = [f"problem {i}." for i in range(22)]
    error = failure("book", many)
    assert error.problems == tuple(many)
    assert str(error).split("\n  ") == ["book has 22 problems:", *many[:20], "and 2 more."]
    assert str(failure("book", many[:21])).endswith("problem 19.\n  and 1 more.")
    assert str(failure("book", many[:20])).endswith("problem 19.")
    assert str(failure("book", many[:1])) == "problem 0."
    assert failure("book", many[:1]).problems == ("problem 0.",)


def test_the_problems_can_be_said_again():
    data = contents() | {"graph": []}
    with pytest.raises(SurveyError) as caught:
        Codebook.from_dict(data, GRAPH)
    (found,) = caught.value.problems
    assert isinstance(found, Said)
    assert found.values["key"] == "graph"


def test_what_rules_take_is_not_what_a_condition_takes():
    data = contents()
    data["columns"]["plank"]["asked_if"] = {"when": [{"any": ["kg"], "contains": ["1"]}]}
    with pytest.raises(SurveyError) as caught:
        Codebook.from_dict(data, GRAPH)
    assert "expected a condition in REDCap's logic, such as \"[column] = '1'\"" in str(caught.value)
