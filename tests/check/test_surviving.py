"""What a model concludes of causes, and in which of several graphs that stands."""

import numpy as np
import pytest

from backrisk import CausalGraph, Codebook, GraphError, Posterior, QueryError, Survey
from backrisk.check import conclusions, kept_with
from backrisk.words import names_of

STATED = CausalGraph.from_text("a -> c; b -> c")
REVERSED = CausalGraph.from_text("a -> c; c -> b", outcome="c")
EVEN = np.full((200, 2), 0.5)
ON = np.array([0.0, 1.0])


def stated(a, b):
    """A model whose draws add about a and b to the probability of c."""
    each = np.random.default_rng(1).normal((a, b), 0.02, size=(200, 2))
    risk = 0.3 + each[:, 0, None, None] * ON[:, None] + each[:, 1, None, None] * ON
    return Posterior.from_cpts(STATED, {"a": EVEN, "b": EVEN, "c": np.stack([1 - risk, risk], -1)})


def reversed_(a):
    """The same with b as an effect."""
    each = np.random.default_rng(2).normal(a, 0.02, size=200)
    risk = 0.3 + each[:, None] * ON
    rows = np.full((200, 2, 2), 0.5)
    return Posterior.from_cpts(
        REVERSED, {"a": EVEN, "c": np.stack([1 - risk, risk], -1), "b": rows}
    )


def test_a_conclusion_survives_where_every_graph_draws_it():
    found = conclusions({"other": reversed_(0.2), "stated": stated(0.2, 0.2)}, causes=["a", "b"])
    assert found.models == ("stated", "other")
    assert found.drawn == ("a", "b")
    assert found.surviving == ("a",)
    table = found.table
    assert table.loc["b", "lowest"] == 0
    assert table.loc["b", "lowest_in"] == "other"
    assert table["survives"].tolist() == [True, False]
    assert conclusions({"stated": stated(0.2, 0.2)}).causes == ("a", "b")
    assert found.verdict.finding == "too_little"
    assert found.verdict.about == (("b",),)
    assert "of 2 causes" in found.text
    assert "in 'other'" in found.text


def test_what_is_not_concluded_cannot_fall():
    found = conclusions({"stated": stated(0.2, 0.0), "other": reversed_(0.2)}, causes=["a", "b"])
    assert found.drawn == found.surviving == ("a",)
    assert found.table["survives"].isna().tolist() == [False, True]
    assert found.verdict.finding == "agrees"
    nothing = conclusions({"stated": stated(0.0, 0.0)}, causes=["a"])
    assert nothing.verdict is None
    assert "no cause" in nothing.text


def test_the_verdict_is_kept_with_the_model():
    model = stated(0.2, 0.2)
    verdict = conclusions({"stated": model}, causes=["a", "b"]).verdict
    survey = Survey(STATED, np.zeros((5, 3), np.int8), Codebook.plain(STATED))
    kept = kept_with(kept_with(model, (verdict,), survey), (verdict,), survey)
    assert kept.diagnostics.verdicts == (verdict,)
    assert verdict.sentence(names_of(STATED)) in kept.diagnostics.checked(names_of(STATED))


def test_what_cannot_be_asked_is_refused():
    models = {"stated": stated(0.2, 0.2)}
    with pytest.raises(QueryError, match="no model"):
        conclusions({})
    with pytest.raises(QueryError, match="nothing that leads"):
        conclusions(models, target="a")
    with pytest.raises(QueryError, match=r"between 0\.5 and 1"):
        conclusions(models, causes=["a"], sure=1.0)
    with pytest.raises(GraphError, match="no node 'z'"):
        conclusions(models, causes=["z"])
