"""One question over many models: the ends of the answers."""

import pytest

from backrisk import CausalGraph, Posterior, QueryError, attribute, intervene
from backrisk.check import attribute_over, intervene_over

STATES = {name: ["no", "yes"] for name in "abc"}
BOTH = CausalGraph.from_edges([("a", "c"), ("b", "c")], STATES)
ONE = CausalGraph.from_edges([("a", "c")], STATES, outcome="c")
EVEN = [0.5, 0.5]
MODELS = {
    "both": Posterior.from_cpts(
        BOTH, {"a": EVEN, "b": EVEN, "c": [[[0.9, 0.1], [0.7, 0.3]], [[0.6, 0.4], [0.3, 0.7]]]}
    ),
    "one": Posterior.from_cpts(ONE, {"a": EVEN, "b": EVEN, "c": [[0.8, 0.2], [0.5, 0.5]]}),
}
PERSON = {"a": "yes", "b": "yes"}


def test_a_range_is_from_the_lowest_answer_to_the_highest():
    found = attribute_over(MODELS, PERSON)
    each = {name: attribute(model, PERSON) for name, model in MODELS.items()}
    shares = {
        name: dict(zip(answer.causes, answer.draws.mean(axis=0), strict=True))
        for name, answer in each.items()
    }
    row = found.table.loc["a"]
    assert row["lowest"] == min(s["a"] for s in shares.values())
    assert row["highest"] == max(s["a"] for s in shares.values())
    # The second graph has no path from b: it says that its share is zero.
    assert found.table.loc["b", "lowest"] == 0
    assert found.table.loc["b", "lowest_in"] == "one"
    assert found.table.loc["b", "highest"] == shares["both"]["b"]
    assert found.table["leading"].to_dict() == {"a": 2, "b": 0}
    assert found.graphs == 2
    assert "2 different graphs" in found.text
    assert "A: 30.0 to" in found.text


def test_an_effect_over_models():
    found = intervene_over(MODELS, PERSON, {"a": "no"})
    exact = [intervene(m, PERSON, {"a": "no"}).change.mean() for m in MODELS.values()]
    assert found.means[:, 0].tolist() == exact
    assert found.leading is None
    assert "-40.0 to -30.0 points" in found.text


def test_methods_without_a_common_total_have_no_leader():
    found = attribute_over(MODELS, {**PERSON, "c": "yes"}, method="necessity")
    assert found.leading is None
    assert "leading" not in found.table
    assert "%" in found.text


def test_no_model_is_refused():
    with pytest.raises(QueryError, match="no model"):
        attribute_over({}, {})
    with pytest.raises(QueryError, match="no model"):
        intervene_over({}, {}, {"a": "no"})
