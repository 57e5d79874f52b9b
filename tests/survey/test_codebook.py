"""Codebooks: single answers, persons, and answers drawn for a state."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backrisk.errors import QueryError, SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey import Codebook, Derived, load_codebook

GRAPH = CausalGraph.from_edges(
    [("core", "pain"), ("bmi", "pain"), ("load", "pain"), ("warm_up", "pain")],
    {
        "core": ["strong", "moderate", "weak"],
        "bmi": ["under_25", "25_plus"],
        "load": ["gradual", "spike"],
        "warm_up": ["dynamic", "none"],
        "pain": ["none", "not_limiting", "limiting"],
    },
)


def contents():
    number = {"type": "number"}
    return {
        "name": "small",
        "graph": "graph",
        "missing": ["", "NA"],
        "columns": {
            "plank": {"item": "core", "reliability": 0.6, "unit": "s", "range": [0, 600],
                      "cuts": [41, 75], "states": ["weak", "moderate", "strong"], **number},
            "warm_up": {"node": "warm_up", "labels": {"drills": "dynamic", "no": "none"}},
            "kg": {"role": "input", "range": [30, 200], "typical": [45, 115], **number},
            "cm": {"role": "input", "range": [120, 220], "outside": "missing",
                   "typical": [150, 195], **number},
            "week": {"role": "input", "typical": [1, 40], "decimals": 1, **number},
            "month": {"role": "input", "typical": [5, 30], "decimals": 1, **number},
        },
        "derived": {
            "bmi_value": {"node": "bmi", "derive": "bmi", "from": ["kg", "cm"], "cuts": [25]},
            "ratio": {"node": "load", "derive": "ratio", "from": ["week", "month"], "cuts": [1.3]},
        },
    }  # fmt: skip


@pytest.fixture
def codebook():
    return Codebook.from_dict(contents(), GRAPH)


@pytest.mark.parametrize(
    ("raw", "state"),
    [(40.9, "weak"), ("41", "moderate"), (" 75 ", "strong"), ("NA", None), (None, None),
     (float("nan"), None)],
)  # fmt: skip
def test_a_number_falls_into_the_interval_that_starts_at_its_cut(codebook, raw, state):
    assert codebook.encode_answer("plank", raw) == ("plank", state)


@pytest.mark.parametrize(
    ("column", "raw", "words"),
    [
        ("plank", 601, ["plank", "601", "0 to 600", "(s)"]),
        ("plank", "long", ["plank", "long", "a number"]),
        ("plank", "inf", ["inf", "a number"]),
        ("warm_up", "dril", ["warm_up", "'dril'", "'drills', 'no'", "did you mean 'drills'?"]),
        ("plnk", 3, ["plnk", "did you mean 'plank'?"]),
        ("kg", 70, ["'kg'", "measures"]),
    ],
)
def test_a_bad_answer_is_one_sentence(codebook, column, raw, words):
    with pytest.raises(SurveyError) as caught:
        codebook.encode_answer(column, raw)
    for word in words:
        assert word in str(caught.value)


def test_items_become_leaves_of_their_construct_once(codebook):
    graph = codebook.extend(GRAPH)
    assert graph.items == ("plank",)
    assert graph.parents("plank") == ("core",)
    assert graph.node("plank").states == GRAPH.node("core").states
    assert graph.node("plank").reliability == 0.6
    assert codebook.extend(graph) is graph


def test_a_person_mixes_raw_answers_and_states(codebook):
    graph = codebook.extend(GRAPH)
    answers = {
        "plank": 35,
        "warm_up": "drills",
        "kg": 80,
        "cm": 170,
        "pain": "limiting",
        "core": None,
    }
    assert codebook.encode_person(answers, graph) == {
        "plank": "weak", "warm_up": "dynamic", "bmi": "25_plus", "pain": "limiting",
    }  # fmt: skip
    assert codebook.encode_person({"plank": "weak", "warm_up": "none", "kg": 80}, graph) == {
        "plank": "weak", "warm_up": "none",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"pian": "none"}, ["'pian'", "did you mean 'pain'?"]),
        ({"pain": "limitng"}, ["'pain'", "'limitng'", "'limiting'", "did you mean"]),
        ({"plank": -3}, ["'plank'", "'-3'", "0 to 600"]),
        ({"bmi": "under_25", "kg": 90, "cm": 170}, ["bmi = under_25", "'bmi_value'", "25_plus"]),
        ({"x1": 1, "plank": "a"}, ["'x1'", "'plank'"]),
    ],
)
def test_every_problem_of_a_person_is_told(codebook, answers, words):
    with pytest.raises(QueryError) as caught:
        codebook.encode_person(answers, codebook.extend(GRAPH))
    for word in words:
        assert word in str(caught.value)


def change(path, value):
    data = contents()
    *parents, last = path
    part = data
    for key in parents:
        part = part[key]
    part[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("columns", "plank", "item"), "cor", ["plank", "'cor'", "did you mean 'core'?"]),
        (("columns", "plank", "cuts"), [75, 41], ["plank", "increase"]),
        (("columns", "plank", "cuts"), [41], ["plank", "1 cut point needs 2 states, not 3"]),
        (("columns", "plank", "reliability"), 2, ["plank", "reliability"]),
        (("columns", "plank", "unti"), "s", ["plank", "unti"]),
        (("columns", "warm_up", "labels"), {"yes": "dynamc"}, ["warm_up", "dynamc", "'dynamic'"]),
        (("columns", "warm_up", "labels"), {"NA": "none"}, ["warm_up", "'NA'", "missing"]),
        (("columns", "again"), {"node": "warm_up"}, ["again", "already observed", "'warm_up'"]),
        (("derived", "ratio", "from"), ["week", "mnth"], ["ratio", "mnth", "'month'"]),
        (("columns", "kg", "role"), None, ["kg", "role"]),
        (("columns", "kg", "typical"), [20, 90], ["kg", "within 'range'"]),
    ],
)
def test_each_mistake_in_a_codebook_is_named(path, value, words):
    with pytest.raises(SurveyError) as caught:
        Codebook.from_dict(change(path, value), GRAPH)
    for word in ["small", *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [("a: [", "not valid YAML"), ("- a", "no mapping"), ("a: 1\na: 2", "stands twice")],
)
def test_a_codebook_that_is_no_yaml_mapping(tmp_path, text, words):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SurveyError, match=words):
        load_codebook(path, GRAPH)


def test_an_unknown_codebook_gets_the_near_name():
    with pytest.raises(SurveyError, match="did you mean 'clinic'"):
        load_codebook("clinik")


def test_plain_form_returns(codebook):
    assert Codebook.from_dict(codebook.to_dict(), GRAPH) == codebook
    assert Codebook.plain(GRAPH).encode_answer("pain", "limiting") == ("pain", "limiting")


def round_trip(codebook, name, state, rng):
    spec = codebook.measures[name]
    if isinstance(spec, Derived):
        inputs = codebook.decode_derived(name, state, rng)
        read = {c: codebook.columns[c].read(str(v), codebook.missing) for c, v in inputs.items()}
        return spec.state(spec.value(read))
    return codebook.encode_answer(name, str(codebook.decode(name, state, rng)))[1]


@given(
    cuts=st.lists(
        st.floats(-50, 50).map(lambda x: round(x, 3)), min_size=2, max_size=2, unique=True
    ),
    decimals=st.integers(0, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_drawn_number_says_its_state(cuts, decimals, seed):
    column = {"node": "pain", "type": "number", "cuts": sorted(cuts), "decimals": decimals}
    data = {"name": "one", "graph": "graph", "columns": {"ache": column}}
    codebook = Codebook.from_dict(data, GRAPH)
    for state in GRAPH.node("pain").states:
        assert round_trip(codebook, "ache", state, np.random.default_rng(seed)) == state


@given(seed=st.integers(0, 2**32 - 1))
def test_drawn_answers_say_their_states(seed):
    codebook, rng = Codebook.from_dict(contents(), GRAPH), np.random.default_rng(seed)
    for name, spec in codebook.measures.items():
        for state in GRAPH.node(spec.measured).states:
            assert round_trip(codebook, name, state, rng) == state


def test_drawn_numbers_are_typical(codebook):
    rng = np.random.default_rng(1)
    drawn = [codebook.decode_derived("bmi_value", "25_plus", rng) for _ in range(200)]
    assert all(45 <= d["kg"] <= 115 and 150 <= d["cm"] <= 195 for d in drawn)
    with pytest.raises(SurveyError, match="no answer says the state 'fine'"):
        codebook.decode("plank", "fine", rng)
    with pytest.raises(SurveyError, match=r"bmi_valu.*did you mean"):
        codebook.decode_derived("bmi_valu", "25_plus", rng)


def test_the_packaged_codebook_draws_every_state_of_every_measure():
    codebook = load_codebook("runner")
    rng = np.random.default_rng(1)
    assert codebook.synthetic
    for name, spec in codebook.measures.items():
        for state in spec.states:
            for _ in range(20):
                assert round_trip(codebook, name, state, rng) == state
