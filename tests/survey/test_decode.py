"""Answers drawn for a state say that state, and are typical."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backrisk.errors import SurveyError
from backrisk.survey import Codebook, Column, Derived, load_codebook
from backrisk.survey.decode import draw_number
from tests.survey._small import GRAPH, book, changed

BOOK = book()


def round_trip(codebook, name, state, rng):
    spec = codebook.measures[name]
    if isinstance(spec, Derived):
        inputs = codebook.decode_derived(name, state, rng)
        read = {c: codebook.columns[c].read(str(v), codebook.missing) for c, v in inputs.items()}
        return spec.state(spec.value(read))
    return codebook.encode_answer(name, str(codebook.decode(name, state, rng)))[1]


@settings(max_examples=50)
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


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_drawn_answers_say_their_states(seed):
    rng = np.random.default_rng(seed)
    for name, spec in BOOK.measures.items():
        for state in GRAPH.node(spec.measured).states:
            assert round_trip(BOOK, name, state, rng) == state


def drawn(low, high, **keys):
    """Return the distinct numbers that are drawn of an interval."""
    column = Column(role="input", type="number", **keys)
    rng = np.random.default_rng(0)
    return sorted({draw_number(column, low, high, rng) for _ in range(200)})


@pytest.mark.parametrize(
    ("low", "high", "keys", "numbers"),
    [
        (-math.inf, math.inf, {"typical": (3, 5)}, [3, 4, 5]),
        (-math.inf, math.inf, {"range": (3, 5)}, [3, 4, 5]),
        (-math.inf, math.inf, {"range": (0, 9), "typical": (3, 5)}, [3, 4, 5]),
        (-math.inf, 5, {"typical": (3, 9)}, [3, 4]),
        (4, math.inf, {"typical": (3, 5)}, [4, 5]),
        (4, 4.5, {"typical": (3, 9)}, [4]),
        (4.1, 4.5, {"typical": (3, 9)}, [4.1, 4.2, 4.3, 4.4]),
        (0, 0.3, {"typical": (0, 9), "decimals": 1}, [0.0, 0.1, 0.2]),
        (-math.inf, math.inf, {"typical": (2.5, 4.5)}, [3, 4]),
        (98, math.inf, {}, [98, 99, 100]),
        (-math.inf, 3, {}, [0, 1, 2]),
        (6, 9, {"typical": (3, 5)}, [None]),
        (1, 2, {"typical": (3, 5)}, [None]),
        (5, 9, {"typical": (3, 5)}, [5]),
    ],
)
def test_a_number_is_drawn_of_what_is_typical_within_the_interval(low, high, keys, numbers):
    assert drawn(low, high, **keys) == numbers


def test_whole_numbers_are_drawn_as_such():
    assert isinstance(drawn(1, 3)[0], int)
    assert isinstance(drawn(1, 3, decimals=1)[0], float)


def test_numbers_around_the_cut_points_are_typical_where_nothing_says_otherwise():
    column = {"node": "warm_up", "type": "number", "cuts": [20]}
    data = {"name": "one", "graph": "graph", "columns": {"minutes": column}}
    spec = Codebook.from_dict(data, GRAPH).columns["minutes"]
    rng = np.random.default_rng(0)
    low, high = ([draw_number(spec, *spec.interval(s), rng) for _ in range(300)]
                 for s in spec.states)  # fmt: skip
    assert (min(low), max(low), min(high), max(high)) == (10, 19, 20, 30)


def test_each_label_of_a_state_is_drawn():
    codebook = Codebook.from_dict(
        changed("columns.warm_up.labels", {"a": "dynamic", "b": "none", "c": "dynamic"}), GRAPH
    )
    rng = np.random.default_rng(0)
    assert {codebook.decode("warm_up", "dynamic", rng) for _ in range(50)} == {"a", "c"}


def test_inputs_of_a_derived_value_are_typical():
    rng = np.random.default_rng(1)
    found = [BOOK.decode_derived("bmi_value", "25_plus", rng) for _ in range(200)]
    assert all(45 <= d["kg"] <= 115 and 150 <= d["cm"] <= 195 for d in found)
    codebook = Codebook.from_dict(changed("derived.ratio.typical", [1.0, 1.5]), GRAPH)
    for state, low, high in (("gradual", 1.0, 1.3), ("spike", 1.3, 1.5)):
        inputs = [codebook.decode_derived("ratio", state, rng) for _ in range(50)]
        assert all(low <= d["week"] / d["month"] <= high for d in inputs)


def test_what_cannot_be_drawn_is_told():
    rng = np.random.default_rng(1)
    with pytest.raises(SurveyError, match=r"^Column 'plank': no answer says the state 'fine'\.$"):
        BOOK.decode("plank", "fine", rng)
    with pytest.raises(SurveyError, match=r"no 'bmi_valu' here .*did you mean 'bmi_value'"):
        BOOK.decode_derived("bmi_valu", "25_plus", rng)
    with pytest.raises(SurveyError, match=r"'bmi_value': no inputs can be .* the state 'heavy'"):
        BOOK.decode_derived("bmi_value", "heavy", rng)
    far = Codebook.from_dict(changed("derived.bmi_value.cuts", [500]), GRAPH)
    with pytest.raises(SurveyError, match="no inputs can be drawn that say the state '25_plus'"):
        far.decode_derived("bmi_value", "25_plus", rng)


def test_nothing_is_divided_by_zero_or_less():
    cm = {"role": "input", "type": "number", "typical": [-2, 0]}
    data = changed("columns.cm", cm)
    data["derived"]["bmi_value"] |= {"derive": "ratio"}
    codebook = Codebook.from_dict(data, GRAPH)
    rng = np.random.default_rng(1)
    with pytest.raises(SurveyError, match="no inputs can be drawn"):
        codebook.decode_derived("bmi_value", "under_25", rng)
    data["columns"]["cm"]["typical"] = [-2, 1]
    codebook = Codebook.from_dict(data, GRAPH)
    found = [codebook.decode_derived("bmi_value", "25_plus", rng) for _ in range(20)]
    assert {drawn["cm"] for drawn in found} == {1}


def test_the_packaged_codebook_draws_every_state_of_every_measure():
    codebook = load_codebook("runner")
    rng = np.random.default_rng(1)
    for name, spec in codebook.measures.items():
        for state in spec.states:
            for _ in range(5):
                assert round_trip(codebook, name, state, rng) == state
