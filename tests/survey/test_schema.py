"""What the keys of a codebook mean for one answer."""

import datetime
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from backrisk.survey import Column, Derived
from backrisk.survey.schema import Condition, Contents, OneRowPer, Rule

MISSING = ("", "NA", "-9")
PLANK = Column(
    node="core", type="number", range=(0, 600), unit="s", cuts=(41, 75), states=("weak", "mid", "x")
)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (0, 0.0), (600, 600.0), ("600", 600.0), (" 75 ", 75.0), ("4.5e1", 45.0), ("+7", 7.0),
        (12.0, 12.0), (np.int64(3), 3.0), (np.float64(3.5), 3.5),
        ("", None), ("NA", None), (" NA ", None), (-9.0, None), ("-9", None),
        (None, None), (math.nan, None), (pd.NA, None), (pd.NaT, None),
    ],
)  # fmt: skip
def test_a_number_is_read_within_its_range_both_ends_included(raw, value):
    assert PLANK.read(raw, MISSING) == value


@pytest.mark.parametrize("raw", [-0.001, 600.001, "long", "inf", "-inf", "1_0", True, "na"])
def test_what_is_no_number_of_the_range_is_refused(raw):
    with pytest.raises(ValueError, match=r"^a number from 0 to 600 \(s\)$"):
        PLANK.read(raw, MISSING)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "a number"),
        ({"unit": "kg"}, "a number (kg)"),
        ({"range": (1, 2.5)}, "a number from 1 to 2.5"),
        ({"range": (1, 2), "unit": "kg"}, "a number from 1 to 2 (kg)"),
    ],
)
def test_range_and_unit_say_what_was_expected(keys, words):
    with pytest.raises(ValueError, match="a number") as caught:
        Column(role="input", type="number", **keys).read("x", MISSING)
    assert caught.value.args == (words,)


def test_numbers_outside_may_count_as_missing_but_words_do_not():
    column = Column(role="input", type="number", range=(0, 9), outside="missing")
    assert [column.read(raw, MISSING) for raw in (-1, 0, 9, 9.5)] == [None, 0.0, 9.0, None]
    for raw in ("nine", "inf", "nan"):
        with pytest.raises(ValueError, match="from 0 to 9"):
            column.read(raw, MISSING)


def test_without_a_range_any_finite_number_is_read():
    assert Column(role="input", type="number").read("-1e9", MISSING) == -1e9


def test_a_label_says_a_state_and_only_as_it_is_spelled():
    column = Column(node="pain", labels={"never": "no", "often": "yes", "1": "yes"})
    assert [column.read(raw, MISSING) for raw in ("never", " often ", 1, 1.0, "NA")] == [
        "no", "yes", "yes", "yes", None,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="did you mean 'often'") as caught:
        column.read("offen", MISSING)
    assert caught.value.args[0].startswith("one of 'never', 'often', '1' (")


def test_text_is_kept_without_the_spaces_around_it():
    assert Column(role="input", type="text").read("  some text ", MISSING) == "some text"
    assert Column(role="input", type="text").read(" -9 ", MISSING) is None


@pytest.mark.parametrize(
    ("value", "state"),
    [(40.999, "weak"), (41, "mid"), (74.999, "mid"), (75, "x"), (1e9, "x"), (None, None)],
)
def test_a_number_equal_to_a_cut_point_belongs_above_it(value, state):
    assert PLANK.state(value) == state


def test_intervals_reach_to_infinity_and_share_their_cut_points():
    found = [PLANK.interval(state) for state in ("weak", "mid", "x", "other")]
    assert found == [(-math.inf, 41), (41, 75), (75, math.inf), None]
    assert Column(node="pain", states=("no", "yes")).interval("no") is None


def test_of_two_intervals_that_say_a_state_the_lower_is_drawn_from():
    column = Column(node="mood", type="number", cuts=(1, 2), states=("low", "fine", "low"))
    assert column.interval("low") == (-math.inf, 1)
    assert column.said == {"low", "fine"}


@pytest.mark.parametrize(
    ("words", "text", "holds"),
    [
        (("gym",), "gym", True),
        (("gym",), "the GYM, daily", True),
        (("gym",), "Gymnast", False),
        (("gym",), "minigym", False),
        (("gym*",), "Gymnast", True),
        (("gym*",), "gym", True),
        (("gym*",), "minigym", False),
        (("lift", "gym*"), "gymnast", True),
        (("lift", "gym*"), "forklift", False),
        (("no injury",), "no injury at all", True),
        (("a.c",), "abc", False),
        (("a.c",), "a.c", True),
        (("(none)",), "said (none) here", True),
        (("**",), "a * b", True),
        (("**",), "a + b", False),
        (("gym",), "", False),
    ],
)
def test_words_match_whole_words_and_a_star_any_ending(words, text, holds):
    assert Condition(any=("sport",), contains=words).holds({"sport": text}) is holds


def test_any_of_the_columns_may_hold_the_word():
    condition = Condition(any=("one", "other"), contains=("gym",))
    assert condition.holds({"other": "gym"})
    assert not condition.holds({"third": "gym"})


def derived(**keys):
    return Derived.model_validate({"node": "x", "states": ("low", "high"), **keys})


def test_a_body_mass_index_divides_kilograms_by_squared_metres():
    bmi = derived(derive="bmi", **{"from": ("kg", "cm")}, cuts=(25,))
    assert bmi.value({"kg": 81.0, "cm": 180.0}) == pytest.approx(25.0)
    assert bmi.divisor(200) == 4.0
    assert bmi.value({"kg": 81.0}) is None
    assert bmi.value({"cm": 180.0, "kg": None}) is None
    assert bmi.value({"kg": 81.0, "cm": 0.0}) is None
    assert bmi.said == {"low", "high"}


def test_a_ratio_divides_its_first_column_by_its_second():
    ratio = derived(derive="ratio", **{"from": ("week", "month")}, cuts=(1.5,))
    assert ratio.value({"week": 3.0, "month": 2.0}) == 1.5
    assert ratio.state(1.5) == "high"
    assert ratio.value({"week": 3.0, "month": 0.0}) is None
    assert ratio.value({"week": 0.0, "month": 2.0}) == 0.0


RULES = derived(
    derive="first_match",
    **{"from": ("sport", "more")},
    rules=(
        Rule(state=None, when=(Condition(any=("more",), contains=("never",)),)),
        Rule(
            state="high",
            when=(
                Condition(any=("sport", "more"), contains=("gym",)),
                Condition(any=("sport",), contains=("daily",)),
            ),
        ),
    ),
    otherwise="low",
)


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({"sport": "gym daily", "more": "never"}, None),
        ({"sport": "daily", "more": "gym"}, "high"),
        ({"sport": "gym"}, "low"),
        ({"sport": None, "more": "x"}, "low"),
        ({"sport": None, "more": None}, None),
        ({}, None),
    ],
)
def test_the_first_rule_whose_conditions_all_hold_says_the_state(answers, state):
    assert RULES.value(answers) == state


def test_rules_say_their_states_and_the_otherwise():
    assert RULES.said == {"low", "high"}
    assert RULES.model_copy(update={"otherwise": None}).said == {"high"}


def test_contents_know_their_columns_measures_and_nodes():
    book = Contents(
        name="n",
        graph="g",
        columns={
            "a": Column(node="x"),
            "b": Column(role="input"),
            "c": Column(item="y", reliability=1),
        },
        derived={"d": derived(derive="ratio", **{"from": ("b", "b")}, cuts=(1,))},
        site="club",
        weight="w",
        ignore=("id", "z"),
        one_row_per=OneRowPer(column="id", by="day"),
    )
    assert book.known == ("a", "b", "c", "club", "w", "id", "day", "z")
    assert list(book.measures) == ["a", "c", "d"]
    assert [book.node_of(name) for name in book.measures] == ["x", "c", "x"]
    assert book.response_of("a") == "a_response"
    bare = Contents(name="n", graph="g", columns={"a": Column(node="x")})
    assert bare.known == ("a",)
    assert bare.missing == ("", "NA", "N/A", "NaN", "nan")
    assert not bare.synthetic


@pytest.mark.parametrize("key", ["states", "cuts", "range"])
def test_a_set_is_no_list(key):
    """Its order would be another in each run of Python."""
    keys = {"node": "x", "type": "number", "cuts": (1.0,), "states": ("no", "yes")}
    Column(**keys)
    with pytest.raises(ValueError, match=f"'{key}' should be a list, since its order counts"):
        Column(**keys | {key: frozenset({1.0, 2.0})})


def test_inputs_are_given_in_python_too_where_from_is_a_word_of_the_language():
    keys = {"node": "bmi", "derive": "bmi", "cuts": (25,)}
    assert Derived(from_=("kg", "cm"), **keys) == Derived(**keys, **{"from": ("kg", "cm")})


ALIKE = {
    "columns": {"a": {"node": "x"}, "a ": {"node": "y"}},
    "leaves_out": {"x": "One reason.", "x ": "Another."},
    "rows": {"visit": ["1"], "visit ": ["2"]},
}


@pytest.mark.parametrize("key", ALIKE)
def test_names_that_are_spelled_alike_are_refused_and_none_is_lost(key):
    data = {"name": "n", "graph": "g", "columns": {"a": {"node": "x"}}, key: ALIKE[key]}
    with pytest.raises(ValueError, match="spelled alike"):
        Contents(**data)


@pytest.mark.parametrize(
    "keys",
    [
        {"node": "a", "labels": {1: "x", "1.0": "y"}},
        {"node": "a", "choices": {"1": "No", "1.0": "Yes"}},
        {"item": "a", "misclassification": {"no": {"no": 1}, "no ": {"no": 0.5, "yes": 0.5}}},
        {"item": "a", "misclassification": {"no": {"no": 0.9, "yes": 0.1, "yes ": 0.1}}},
        {"item": "a", "misclassification": {"no": {"no": 1}}, "row_people": {"no": 3, " no": 4}},
    ],
)
def test_keys_of_a_column_that_are_spelled_alike_are_refused(keys):
    with pytest.raises(ValueError, match="spelled alike"):
        Column(**keys)


@pytest.mark.parametrize(
    "keys",
    [
        {"node": "a", "type": "number", "cuts": [True]},
        {"node": "a", "type": "number", "cuts": [5], "range": [False, 9]},
        {"node": "a", "type": "number", "cuts": [5], "typical": [False, 9]},
        {"item": "a", "reliability": True},
        {"item": "a", "reliability": 0.5, "people": True},
        {"item": "a", "misclassification": {"no": {"no": True}}},
        {"node": "a", "nonresponse": {"mean": True, "sd": 1}},
    ],
)
def test_true_is_no_number(keys):
    with pytest.raises(ValueError, match="true and false are none"):
        Column(**keys)


def test_labels_are_of_columns_of_labels():
    """In a column of numbers, a label that stands for no answer would be read as a number."""
    numbers = {"node": "a", "type": "number", "cuts": [40], "labels": {"999": None}}
    for keys in (numbers, {"role": "input", "type": "text", "labels": {"-": None}}):
        with pytest.raises(ValueError, match=r"has no 'labels'; its answers that are none stand"):
            Column(**keys)


@pytest.mark.parametrize(
    "keys",
    [{1: "x", 0: "y"}, {np.int64(1): "x", 0.0: "y"}, {np.float32(1): "x", Decimal("0.0"): "y"}],
)
def test_a_label_is_spelled_alike_whoever_wrote_it(keys):
    assert Column(node="a", labels=keys).labels == {"1": "x", "0": "y"}


def test_a_label_may_be_a_date():
    keys = {pd.Timestamp("2024-03-01"): "x", datetime.date(2024, 3, 2): "y"}
    assert Column(node="a", labels=keys).labels == {"2024-03-01": "x", "2024-03-02": "y"}


def test_of_choices_whose_labels_are_codes_of_others_only_codes_are_read():
    children = {"1": "0", "2": "1", "3": "2+"}
    column = Column(node="a", labels={"1": "x", "2": "y", "3": "z"}, choices=children)
    assert [column.read(code, ()) for code in ("1", "2", 3.0)] == ["x", "y", "z"]
    for label in ("0", "2+"):  # an export with labels, in which '1' would be another answer
        with pytest.raises(ValueError, match="one of '1', '2', '3'"):
            column.read(label, ())


def test_a_label_of_several_codes_is_read_where_they_say_the_same():
    same = Column(node="a", labels={"1": "x", "2": "x"}, choices={"1": "Often", "2": "often"})
    assert same.read("OFTEN", ()) == "x"
    other = same.model_copy(update={"labels": {"1": "x", "2": "y"}})
    assert other.read("often", ()) == "y"  # written as one of them is
    with pytest.raises(ValueError, match="one of '1', '2'"):
        other.read("OFTEN", ())


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [("34 years", "years", 34), ("50%", "%", 50), ("3,5 years", "years", None),
     ("34 weeks", "years", None)],
)  # fmt: skip
def test_a_number_may_bear_the_unit_of_its_column_whatever_that_is(text, unit, number):
    column = Column(role="input", type="number", unit=unit)
    if number is not None:
        assert column.read(text, ()) == number
    else:
        with pytest.raises(ValueError, match="a number"):
            column.read(text, ())


def test_an_empty_word_is_not_looked_for():
    with pytest.raises(ValueError, match="cannot be empty"):
        Condition(any=("x",), contains=(" ",))


def test_nobody_has_no_height():
    index = Derived(node="a", derive="bmi", **{"from": ("w", "h")}, cuts=(25,), states=("x", "y"))
    assert index.number({"w": 70.0, "h": 0.0}) == math.inf
    assert index.value({"w": 70.0, "h": 0.0}) is None


def test_the_case_of_a_label_does_not_count_where_one_label_is_meant():
    column = Column(node="x", labels={"Never": "none", "a": "some", "A": "much"})
    assert column.read("NEVER", ()) == column.read("never", ()) == "none"
    assert (column.read("a", ()), column.read("A", ())) == ("some", "much")
    unclear = Column(node="x", labels={"ab": "some", "AB": "much"})
    with pytest.raises(ValueError, match="one of 'ab', 'AB'"):
        unclear.read("Ab", ())


def test_a_column_has_answers_of_its_own_that_stand_for_none():
    column = Column(role="input", type="number", missing=("999",))
    assert (column.read("999.0", ("NA",)), column.read("NA", ("NA",))) == (None, None)
    assert column.read("998", ("NA",)) == 998
