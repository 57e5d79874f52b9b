"""What the keys of a codebook mean for one answer."""

import math

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
