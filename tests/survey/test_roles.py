"""Roles, units and cautions of a table: what is said decides, and what is seen is told."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backrisk._spelling import no_answer, spell
from backrisk.errors import QueryError, SurveyError
from backrisk.graph import CausalGraph, load_graph
from backrisk.survey import Codebook, Survey, as_survey, describe, read_survey
from backrisk.survey.schema import MISSING
from tests.places import SHARED

GRAPH = CausalGraph.from_edges(
    [("a", "b")], {"a": ["slim", "stout"], "b": ["no", "yes"]}, outcome="b"
)
CASES = SHARED / "cases" / "reading"
COLUMNS = {"a": {"node": "a"}, "b": {"node": "b"}}
TWO = pd.DataFrame({"a": ["slim", "stout"], "b": ["no", "yes"]})


def book(columns=None, **keys):
    data = {"name": "own", "graph": "graph", "columns": columns or COLUMNS}
    return Codebook.from_dict(data | keys, GRAPH)


def of_bmi(weight, height, unit=""):
    numbers = {"role": "input", "type": "number"}
    columns = {"w": {**numbers, "unit": weight}, "h": {**numbers, "unit": height}}
    derived = {"node": "a", "derive": "bmi", "from": ["w", "h"], "cuts": [25], "unit": unit}
    return book(columns | {"b": {"node": "b"}}, derived={"index": derived})


def both(tmp_path, frame, codebook, **options):
    """Read a table as a frame and as a file, which must say the same."""
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    one = Survey.from_frame(frame, GRAPH, codebook, **options)
    other = read_survey(path, GRAPH, codebook, engine="duckdb", **options)
    assert one.cautions == other.cautions
    assert one.census == other.census
    assert one.sites == other.sites
    assert (one.weights is None) == (other.weights is None)
    found = np.repeat(other.codes, other.people, axis=0)
    assert sorted(map(tuple, one.codes)) == sorted(map(tuple, found))
    return one


# Roles.


def test_a_column_has_no_role_by_its_name(tmp_path):
    frame = TWO.assign(weight=[51, 90])
    survey = both(tmp_path, frame, None)
    assert survey.weights is None
    (caution,) = survey.cautions
    assert caution.startswith("Column 'weight' is not read")


def test_a_role_is_given_by_an_option_or_by_the_codebook(tmp_path):
    frame = TWO.assign(weight=[3, 1], clinic=["n", "s"])
    own = book(ignore="rest")
    for found in (
        both(tmp_path, frame, own, weight="weight", site=" clinic "),
        both(tmp_path, frame, book(weight="weight", site="clinic")),
    ):
        assert found.weights.tolist() == [3, 1]
        assert found.sites == ("n", "s")
        (caution,) = found.cautions  # nobody missed the columns; the graph has nothing to pool
        assert "the 2 sites in 'clinic' could share" in caution
        assert (found.codebook.weight, found.codebook.site) == ("weight", "clinic")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weight": "wieght"}, "no column 'wieght' to be the weight (did you mean 'weight'?)"),
        ({"site": "Weight"}, "no column 'Weight' to be the site (did you mean 'weight'?)"),
        ({"site": "b"}, "column 'b': codebook 'own' reads it, so that it cannot be the site"),
        ({"weight": "weight", "site": "weight"}, "cannot be both the site and the weight"),
    ],
)
def test_a_role_that_cannot_be_is_refused(options, words):
    with pytest.raises(SurveyError) as caught:
        Survey.from_frame(TWO.assign(weight=1), GRAPH, book(ignore="rest"), **options)
    assert words in str(caught.value)


def test_a_codebook_cannot_give_one_column_two_roles():
    with pytest.raises(SurveyError, match="cannot be the weight as well"):
        book(weight="a")
    with pytest.raises(SurveyError, match="cannot be both the site and the weight"):
        book(weight="w", site="w")


# Columns that are not read.


def test_the_rest_is_left_out_and_said_once(tmp_path):
    frame = TWO.assign(name=["x", "y"], **{"remark, long": ["", "z"]})
    with pytest.raises(SurveyError, match="2 problems"):
        Survey.from_frame(frame, GRAPH, book())
    found = describe(both(tmp_path, frame, book(ignore="rest")))
    assert "Not read: name and remark, long." in found.others
    assert [each.column for each in found.columns] == ["a", "b", "name", "remark, long"]


def test_ignore_takes_a_list_one_name_or_the_rest():
    assert book(ignore="id").ignore == ("id",)
    assert book(ignore=["id", "rest"]).ignore == ("id", "rest")
    assert book(ignore=" rest ").takes_rest
    assert Codebook.from_dict(book(ignore="rest").to_dict(), GRAPH).takes_rest
    with pytest.raises(SurveyError, match="key 'ignore': value '5', expected a list"):
        book(ignore=5)
    with pytest.raises(SurveyError, match=r"key 'ignore.0': value '\['x'\]', expected text"):
        book(ignore=[["x"]])


@pytest.mark.parametrize("name", ["A", "a_", "Ａ"])
def test_names_that_differ_by_case_or_form_suggest_each_other(name):
    frame = TWO.rename(columns={"a": name})
    with pytest.raises(SurveyError, match="did you mean 'a'"):
        Survey.from_frame(frame, GRAPH, book())
    found = describe(Survey.from_frame(frame, GRAPH, book(ignore="rest")))
    assert any("did you mean this one?" in caution for caution in found.cautions)
    assert found.absent == ("a",)


@pytest.mark.parametrize("name", [" a", "a ", "\ta\n"])
def test_names_that_differ_by_outer_space_are_one(tmp_path, name):
    assert both(tmp_path, TWO.rename(columns={"a": name}), book()).census.columns == ("a", "b")


# Units.

PEOPLE = [(54.4, 167.6), (59.0, 172.7), (90.0, 170.2), (101.3, 190.0)]  # kg, cm
FACTORS = {"kg": 1, "lb": 0.45359237, "st": 6.35029318, "g": 0.001}
LENGTHS = {"cm": 1, "m": 100, "in": 2.54, "ft": 30.48, "mm": 0.1}


@pytest.mark.parametrize("weight", FACTORS)
@pytest.mark.parametrize("height", LENGTHS)
def test_an_index_is_that_of_kilograms_and_centimetres(tmp_path, weight, height):
    rows = [(kg / FACTORS[weight], cm / LENGTHS[height]) for kg, cm in PEOPLE]
    frame = pd.DataFrame(rows, columns=["w", "h"]).assign(b="no")
    survey = both(tmp_path, frame, of_bmi(weight, height))
    assert survey.codes[:, 0].tolist() == [0, 0, 1, 1]
    assert survey.cautions == ()


def test_cells_may_say_their_own_unit(tmp_path):
    frame = pd.DataFrame(
        {"w": ["8 st 8", "130 lb", "90", "101.3 kg"], "h": ["5 ft 6", "5'8\"", "1.702 m", "190"]}
    ).assign(b="no")
    assert both(tmp_path, frame, of_bmi("kg", "cm")).codes[:, 0].tolist() == [0, 0, 1, 1]
    with pytest.raises(SurveyError, match="value '130 lb', expected a number"):
        Survey.from_frame(frame, GRAPH, of_bmi("", "cm"))


@pytest.mark.parametrize(
    ("weight", "height", "unit", "words"),
    [
        (
            "slugs",
            "cm",
            "",
            "unit 'slugs' of its input 'w' cannot be converted; expected one of kg",
        ),
        (
            "kg",
            "hands",
            "",
            "unit 'hands' of its input 'h' cannot be converted; expected one of cm",
        ),
        ("cm", "cm", "", "unit 'cm' of its input 'w' cannot be converted"),
        ("kg", "cm", "lb/in2", "is kg/m2, not 'lb/in2'"),
    ],
)
def test_what_cannot_be_converted_is_refused(weight, height, unit, words):
    with pytest.raises(SurveyError) as caught:
        of_bmi(weight, height, unit)
    assert "column 'index'" in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize("unit", ["kg/m2", "kg/m²", "kg/m^2", "kg per m2"])
def test_the_index_may_state_its_own_unit(unit):
    assert of_bmi("lb", "in", unit).derived["index"].unit == unit


def test_a_ratio_compares_like_with_like(tmp_path):
    def ratio(first, second):
        numbers = {"role": "input", "type": "number"}
        columns = {"x": {**numbers, "unit": first}, "y": {**numbers, "unit": second}}
        derived = {"node": "a", "derive": "ratio", "from": ["x", "y"], "cuts": [1.3]}
        return book(columns | {"b": {"node": "b"}}, derived={"r": derived})

    frame = pd.DataFrame({"x": [10, 10, 5], "y": [7, 5, 0], "b": "no"})
    assert both(tmp_path, frame, ratio("km", "km")).codes[:, 0].tolist() == [1, 1, -1]
    assert both(tmp_path, frame, ratio("", "")).codes[:, 0].tolist() == [1, 1, -1]
    assert both(tmp_path, frame, ratio("km", "sessions")).codes[:, 0].tolist() == [1, 1, -1]
    assert both(tmp_path, frame, ratio("km", "kg")).codes[:, 0].tolist() == [1, 1, -1]
    # 10 km over 7 miles is 0.89, over 5 miles 1.24
    assert both(tmp_path, frame, ratio("km", "miles")).codes[:, 0].tolist() == [0, 0, -1]
    weekly = ratio("km/week", "miles per week")
    assert both(tmp_path, frame, weekly).codes[:, 0].tolist() == [0, 0, -1]
    with pytest.raises(SurveyError, match="'km/week' and 'km/month' of its inputs cannot be conv"):
        ratio("km/week", "km/month")


def test_values_that_nobody_has_are_missing_and_told(tmp_path):
    frame = pd.DataFrame({"w": [70, 120, 130, 70], "h": [170, 66, 68, 1.7], "b": "no"})
    survey = both(tmp_path, frame, of_bmi("", "cm"))
    assert survey.codes[:, 0].tolist() == [0, -1, -1, -1]
    (caution,) = survey.cautions
    assert caution == (
        "'index' is 275.5 to 2.422e+05 in 3 rows, which is impossible: these count as missing. "
        "Check the units of 'w' (no unit given) and 'h' (cm)."
    )
    survey = both(tmp_path, frame[:2], of_bmi("kg", "cm"))
    assert "'index' is 275.5 in 1 row, which is impossible" in survey.cautions[0]


def test_a_person_s_answers_are_converted_alike():
    own = of_bmi("lb", "in")
    assert own.encode_person({"w": 120, "h": 66}, GRAPH) == {"a": "slim"}
    assert own.encode_person({"w": "90 kg", "h": "170.2 cm"}, GRAPH) == {"a": "stout"}
    again = Codebook.from_dict(own.to_dict(), GRAPH)  # as a saved model holds it
    assert again.encode_person({"w": 120, "h": 66}, GRAPH) == {"a": "slim"}
    assert own.encode_person({"w": "14 st 2", "h": "5 ft 7"}, GRAPH) == {"a": "stout"}
    with pytest.raises(QueryError, match=r"'index' is 275\.5, which is impossible; check 'w' and"):
        of_bmi("kg", "cm").encode_person({"w": 120, "h": 66}, GRAPH)


def test_simulated_inputs_say_their_state_in_their_own_units():
    own, rng = of_bmi("st", "ft"), np.random.default_rng(1)
    for state in ("slim", "stout"):
        for _ in range(20):
            assert own.encode_person(own.decode_derived("index", state, rng), GRAPH)["a"] == state


# What is seen in a table.


def test_labels_that_no_row_uses_are_told_together(tmp_path):
    labels = {"1": "no", "2": "no", "3": "yes"}
    own = book({"a": {"node": "a"}, "b": {"node": "b", "labels": labels}})
    frame = pd.DataFrame({"a": ["slim", "slim"], "b": ["1", "3.0"]})
    found = describe(both(tmp_path, frame, own))
    assert found.cautions == ("No row has these labels: 'a': 'stout'; 'b': '2'.",)


def test_a_skipped_question_is_told_until_the_codebook_says_when_it_is_asked(tmp_path):
    frame = pd.DataFrame({"a": ["slim"] * 30 + ["stout"] * 20, "b": [None] * 30 + ["yes"] * 20})
    (caution,) = both(tmp_path, frame, book()).cautions
    assert "'b' is blank wherever 'a' is 'slim' (30 people)" in caution


# Surveys and tables.


def test_a_table_is_read_and_a_survey_stays(tmp_path):
    path = tmp_path / "t.csv"
    TWO.to_csv(path, index=False)
    for given_ in (TWO, path, str(path)):
        assert as_survey(given_, GRAPH, book()).codes.tolist() == [[0, 0], [1, 1]]
    survey = Survey.from_frame(TWO, GRAPH)
    assert as_survey(survey, GRAPH) is survey
    with pytest.raises(SurveyError, match="codebook, weight can only be given with a table"):
        as_survey(survey, GRAPH, "runner", weight="w")


# One rule for no answer, and one spelling.

NOTHING = [None, float("nan"), np.nan, pd.NA, pd.NaT, "", "  ", "NA", " nan ", "N/A"]


@pytest.mark.parametrize("nothing", NOTHING, ids=repr)
@pytest.mark.parametrize("name", ["a", "b", "w"])
def test_no_answer_is_none_wherever_it_stands(nothing, name):
    numbers = {"role": "input", "type": "number"}
    own = book({"b": {"node": "b"}, "w": numbers})
    assert own.encode_person({name: nothing}, GRAPH) == {}
    if name == "b":
        assert own.encode_answer("b", nothing) == ("b", None)


@pytest.mark.parametrize(
    ("states", "given_", "code"),
    [
        (("0", "1"), 1.0, 1),
        (("0", "1"), np.int64(1), 1),
        (("0", "1"), "1.00", 1),
        (("0.0", "1.0"), 1, 1),
        (("False", "True"), True, 1),
        (("false", "true"), np.True_, 1),
        (("gut", "schäbig"), "scha\u0308big", 1),
        (("gut", "scha\u0308big"), " schäbig ", 1),
    ],
)
def test_a_person_s_states_are_spelled_as_a_table_s_are(states, given_, code):
    graph = CausalGraph.from_edges([("a", "b")], {"a": states, "b": ["no", "yes"]})
    plain = Codebook.plain(graph)
    assert plain.encode_person({"a": given_}, graph) == {"a": graph.node("a").states[code]}
    survey = Survey.from_frame(pd.DataFrame({"a": [given_], "b": ["no"]}), graph)
    assert survey.codes[0, 0] == code


@pytest.mark.parametrize("value", [["yes"], {"yes": 1}, {"yes"}, np.array(["yes"]), TWO["b"]])
def test_an_answer_is_one_word_or_number(value):
    with pytest.raises(QueryError, match="expected one word or number"):
        book().encode_person({"b": value}, GRAPH)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8))
def test_any_label_is_found_by_a_cell_that_is_written_as_it_is(label):
    columns = {"b": {"node": "b", "labels": {label: "yes", "other label": "no"}}}
    if no_answer(spell(label), MISSING):
        with pytest.raises(SurveyError, match="also listed as a missing answer"):
            book(columns)
    else:
        assert book(columns).encode_answer("b", f" {label} ") == ("b", "yes")


def test_labels_that_are_one_cell_are_refused():
    columns = {"b": {"node": "b", "labels": {"1": "no", "1.0": "yes"}}}
    with pytest.raises(SurveyError, match=r"columns\.b\.labels.*: 1\."):
        book(columns)
    with pytest.raises(SurveyError, match=r"key 'columns'.*: a\."):
        book({"a": {"node": "a"}, " a": {"node": "b"}})


def test_a_label_that_is_a_missing_code_by_value_is_refused():
    columns = {"b": {"node": "b", "labels": {"-99.0": "no", "1": "yes"}}}
    with pytest.raises(SurveyError, match="label '-99' is also listed as a missing answer"):
        book(columns, missing=[-99])


# What failed before, each of its kind.

needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason=f"{CASES} is not there")


def case(name):
    graph = load_graph(CASES / name / "graph.yaml")
    own = CASES / name / "codebook.yaml"
    return read_survey(CASES / name / "survey.csv", graph, own if own.is_file() else None)


@needs_cases
def test_a_body_s_weight_is_no_sampling_weight():
    survey = case("bodyweight")
    assert survey.weights is None
    assert "'weight' is not read" in survey.cautions[0]


@needs_cases
def test_pounds_and_inches_are_no_kilograms_and_centimetres():
    survey = case("units")
    assert survey.codes[:, 0].tolist() == [0, 0, 0]


@needs_cases
def test_rules_that_cannot_match_are_told():
    said = "\n".join(case("deadrule").cautions)
    assert "Rule 1 of 'p' (state 'no') can never match" in said
    assert "Rule 2 of 'p' (state 'yes') can never match" in said


@needs_cases
def test_a_question_asked_of_the_injured_alone_is_told():
    told = "\n".join(case("branching").cautions)
    assert "'time_loss' is blank wherever 'injury' is 'no' (60 people)" in told


def test_the_dictionary_of_what_was_understood_is_json(tmp_path):
    found = describe(both(tmp_path, TWO, book()))
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
