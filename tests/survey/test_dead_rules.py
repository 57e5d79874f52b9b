"""Rules and states that no answer can meet: told with the reason, and no others."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backrisk.graph import CausalGraph
from backrisk.survey import Codebook
from backrisk.survey.dead_rules import dead_rules

GRAPH = CausalGraph.from_edges([("a", "b")], {"a": ["none", "some", "much"], "b": ["no", "yes"]})
LABELLED = {"role": "input", "labels": {"0": "no", "1": "yes"}}
TEXT = {"role": "input", "type": "text"}
NUMBER = {"role": "input", "type": "number"}


def told(rules, **columns):
    derived = {"d": {"node": "a", "derive": "first_match", "from": list(columns), "rules": rules}}
    data = {"name": "c", "graph": "graph", "columns": {**columns, "b": {"node": "b"}}}
    return dead_rules(Codebook.from_dict(data | {"derived": derived}, GRAPH))


def rule(state, *conditions):
    when = [{"any": any_.split("+"), "contains": words} for any_, words in conditions]
    return {"state": state, "when": when}


def test_a_rule_on_what_the_file_writes_never_sees_it():
    """Rules see the states that labels say: the file's own 0 and 1 are gone by then."""
    found = told([rule("none", ("x", ["0"])), rule("some", ("x", ["yes"]))], x=LABELLED)
    assert found == [
        "Rule 1 of 'd' (state 'none') can never match: no answer to 'x' contains '0'. "
        "Rules see what the labels stand for: 'no' and 'yes'."
    ]


def test_one_live_column_or_word_is_enough():
    assert not told([rule("none", ("x+y", ["0"]))], x=LABELLED, y=TEXT)
    assert not told([rule("none", ("x", ["0", "no"]))], x=LABELLED)


def test_all_conditions_have_to_be_possible():
    (found,) = told([rule("none", ("y", ["gym"]), ("x", ["maybe"]))], x=LABELLED, y=TEXT)
    assert "no answer to 'x' contains 'maybe'" in found


def test_numbers_hold_no_words():
    (found,) = told([rule("some", ("n", ["daily"])), rule("none", ("n", ["0"]))], n=NUMBER)
    assert "'n' holds numbers, and none contains 'daily'" in found


@pytest.mark.parametrize("later", [["gym"], ["gym", "lifting"], ["Gym"], ["lift*"]])
def test_a_rule_after_one_that_matches_all_of_its_texts(later):
    rules = [rule("none", ("y+z", ["gym", "lift*"])), rule("some", ("y", later))]
    assert told(rules, y=TEXT, z=TEXT) == [
        "Rule 2 of 'd' (state 'some') can never match: rule 1 matches wherever it would."
    ]


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (("y", ["gym"]), ("z", ["gym"])),
        (("y", ["gym"]), ("y+z", ["gym"])),
        (("y", ["gym"]), ("y", ["gym", "yoga"])),
        (("y", ["gym"]), ("y", ["gym*"])),
        (("y", ["lifting"]), ("y", ["lift*"])),
    ],
)
def test_a_rule_that_matches_more_is_alive(first, later):
    assert not told([rule("none", first), rule("some", later)], y=TEXT, z=TEXT)


def test_rules_that_together_leave_nothing_over():
    rules = [rule("none", ("x", ["no"])), rule("some", ("x", ["yes"])), rule("much", ("x", ["no"]))]
    (found,) = told(rules, x=LABELLED)
    assert found.startswith("Rule 3 of 'd' (state 'much') can never match: rule 1 matches")
    rules = [
        rule("none", ("x", ["no"]), ("y", ["no"])),
        rule("none", ("x", ["yes"])),
        rule("none", ("y", ["yes"])),
        rule("some", ("x", ["no"])),
    ]
    assert not told(rules, x=LABELLED, y=LABELLED)  # y may be blank
    rules.insert(3, rule("none", ("x+y", ["no"])))
    (found,) = told(rules, x=LABELLED, y=LABELLED)
    assert "Rule 5" in found


def test_a_rule_that_says_missing_is_worded():
    (found,) = told([rule(None, ("x", ["0"]))], x=LABELLED)
    assert "(state 'none')" not in found
    assert "'missing'" in found


words = st.lists(st.sampled_from(["no", "yes", "n*", "0"]), min_size=1, max_size=2)
conditions = st.tuples(st.sampled_from(["x", "y", "x+y"]), words)
rules_of = st.lists(st.lists(conditions, min_size=1, max_size=2), min_size=1, max_size=4)


@given(rules_of)
def test_of_labels_it_is_the_rules_that_no_answers_reach(rules):
    """By enumeration: a rule is told if and only if no pair of answers makes it the first."""
    spec = [rule("some", *each) for each in rules]
    derived = {"node": "a", "derive": "first_match", "from": ["x", "y"], "rules": spec}
    columns = {"x": LABELLED, "y": LABELLED, "b": {"node": "b"}}
    data = {"name": "c", "graph": "graph", "columns": columns, "derived": {"d": derived}}
    book = Codebook.from_dict(data, GRAPH)
    reached = set()
    for pair in itertools.product([None, "no", "yes"], repeat=2):
        texts = {c: text for c, text in zip("xy", pair, strict=True) if text}
        for place, each in enumerate(book.derived["d"].rules):
            if texts and all(test.holds(texts) for test in each.when):
                reached.add(place)
                break
    found = {int(said.split()[1]) - 1 for said in dead_rules(book)}
    assert found == set(range(len(rules))) - reached


@pytest.mark.parametrize(
    ("within", "states"),
    [
        ([0, 10], []),
        ([0, 4], ["much"]),
        ([0, 5], []),
        ([2, 10], ["none"]),
        ([1.5, 10], ["none"]),
        ([1, 10], ["none"]),
        ([0.5, 10], []),
        ([6, 10], ["none", "some"]),
    ],
)
def test_a_state_beyond_the_range_of_its_column(within, states):
    columns = {"a": {"node": "a", "type": "number", "cuts": [1, 5], "range": within}}
    book = Codebook.from_dict({"name": "c", "graph": "graph", "columns": columns}, GRAPH)
    found = dead_rules(book)
    assert [said.split("'")[3] for said in found] == states


@pytest.mark.parametrize(
    ("column", "when", "value"),
    [
        (LABELLED, "[x] = 'Yes'", "Yes"),
        (LABELLED, "[x] <> '2'", "2"),
        (LABELLED, "[x] = '1' or not ([x] = 'both')", "both"),
        (LABELLED | {"choices": {"0": "Not", "1": "Surely"}}, "[x] = 'Maybe'", "Maybe"),
        (TEXT | {"choices": {"0": "Not", "1": "Surely"}}, "[x] = '3'", "3"),
        (NUMBER, "[x] = 'old'", "old"),
        (LABELLED, "[x] = '-99'", "-99"),
    ],
)
def test_a_condition_on_what_no_answer_is_is_told(column, when, value):
    (found,) = conditions(column, when)
    assert found.values["value"] == value
    assert found.values["other"] == "x"


@pytest.mark.parametrize(
    ("column", "when"),
    [
        (LABELLED, "[x] = '1'"),
        (LABELLED, "[x] = 1.0 or [x] <> '01'"),
        (LABELLED, "[x] = 'yes'"),
        (LABELLED, "[x] <> '' or [x] > 7"),
        (LABELLED | {"choices": {"0": "Not", "1": "Surely"}}, "[x] = 'Surely'"),
        (TEXT, "[x] = 'anything'"),
        (NUMBER, "[x] = '7'"),
        (TEXT | {"choices": {"0": "Not", "1": "Surely"}}, "[x] = [b]"),
    ],
)
def test_a_condition_that_can_hold_is_not(column, when):
    assert conditions(column, when) == []


def conditions(column, when):
    columns = {"x": column, "b": {"node": "b"}, "a": {"node": "a", "asked_if": {"when": when}}}
    data = {"name": "c", "graph": "graph", "columns": columns, "missing": ["-99"]}
    return dead_rules(Codebook.from_dict(data, GRAPH))


@pytest.mark.parametrize(
    ("when", "dead"),
    [
        ("[x] = '1' and [x] = '0'", True),
        ("[x] = 'yes'", False),
        ("[x] = '1' or [n] > 3", False),
        ("[x] = ''", False),
    ],
)
def test_a_question_that_is_asked_of_nobody_is_told(when, dead):
    columns = {"x": LABELLED, "n": NUMBER, "a": {"node": "a", "asked_if": {"when": when}}}
    data = {"name": "c", "graph": "graph", "columns": columns}
    found = dead_rules(Codebook.from_dict(data, GRAPH))
    assert found == ([f"'a' is asked of nobody: no answers meet its condition {when}."] * dead)
