"""What checks found, as it is kept with a model and told with its answers."""

import json
from dataclasses import replace

import pytest

from backrisk import Posterior, attribute, load_posterior, risk
from backrisk.errors import PosteriorError
from backrisk.graph import CausalGraph
from backrisk.posterior import Diagnostics, Verdict
from backrisk.words import names_of

STATES = {name: ["no", "yes"] for name in ("x", "y", "z")}
MISSING = Verdict.of(
    "independences", "contradicted", [("x", "z", "y"), ("x", "z")], against=2, tested=7, unseen=0
)
ENDS = {"large": 0.0312, "large_low": -0.1, "large_high": 0.2}
SLOPE = Verdict.of("calibration", "agrees", slope=0.97432, low=0.8123, high=1.1, **ENDS)


@pytest.fixture
def posterior():
    graph = CausalGraph.from_edges([("x", "y"), ("y", "z")], STATES, outcome="z")
    half = [[[0.7, 0.3], [0.2, 0.8]]]
    return Posterior.from_cpts(graph, {"x": [[0.5, 0.5]], "y": half, "z": half})


def holding(posterior, *verdicts):
    return replace(posterior, diagnostics=Diagnostics("given", verdicts=verdicts))


def test_a_verdict_says_what_was_compared_and_what_came_of_it(posterior):
    names = names_of(posterior.graph)
    assert MISSING.sentence(names) == (
        "Independences that the graph implies: the survey contradicts 2 of 7 (clearest: x and z "
        "given y; x and z), so an edge or a common cause is missing, or an answer depends on more "
        "than it should."
    )
    assert MISSING.short(names) == "2 of 7 independences that the graph implies"
    assert "0.97 (0.81 to 1.10)" in SLOPE.sentence(names)


def test_figures_are_kept_to_two_digits_and_counts_as_they_are():
    kept = {"slope": 0.97, "low": 0.81, "high": 1.1, "large": 0.03}
    assert SLOPE.numbers == {**kept, "large_low": -0.1, "large_high": 0.2}
    assert MISSING.numbers == {"against": 2, "tested": 7, "unseen": 0}
    assert Verdict.from_dict(json.loads(json.dumps(SLOPE.to_dict()))) == SLOPE
    assert Verdict.from_dict(json.loads(json.dumps(MISSING.to_dict()))) == MISSING


def test_what_a_survey_contradicts_is_told_with_every_answer(posterior):
    doubted = holding(posterior, MISSING, SLOPE)
    (told,) = doubted.believed
    assert "2 of 7 independences" in told
    assert "slope" not in told  # what agrees needs no warning
    assert risk(doubted, {"x": "yes"}).warnings == (told,)
    assert attribute(doubted, {"x": "yes"}).warnings == (told,)
    assert told in risk(doubted.subset(1), {}).text
    assert doubted.warnings == (told,)


def test_a_model_that_agrees_or_that_nobody_checked_warns_of_nothing(posterior):
    for model in (posterior, holding(posterior, SLOPE)):
        assert model.believed == ()
        assert risk(model, {"x": "yes"}).warnings == ()
    names = names_of(posterior.graph)
    (said,) = posterior.diagnostics.checked(names)
    assert "backrisk check MODEL SURVEY --keep" in said
    assert holding(posterior, SLOPE).diagnostics.checked(names) == (SLOPE.sentence(names),)


def test_verdicts_are_saved_with_the_model_and_its_answers_stay(posterior, tmp_path):
    before = risk(posterior, {"x": "yes"}).draws
    found = load_posterior(holding(posterior, MISSING, SLOPE).save(tmp_path / "m.nc"))
    assert found.diagnostics.verdicts == (MISSING, SLOPE)
    assert (risk(found, {"x": "yes"}).draws == before).all()


@pytest.mark.parametrize(
    "wrong",
    [
        replace(SLOPE, check="horoscope"),
        replace(SLOPE, finding="fine"),
        replace(SLOPE, numbers={**SLOPE.numbers, "slope": float("nan")}),
        replace(SLOPE, numbers={"slope": 1.0}),
        replace(SLOPE, about=(("x", 3),)),
    ],
)
def test_a_verdict_that_cannot_be_is_neither_saved_nor_loaded(posterior, tmp_path, wrong):
    with pytest.raises(PosteriorError, match="verdicts"):
        holding(posterior, wrong).save(tmp_path / "m.nc")
    assert not (tmp_path / "m.nc").exists()
