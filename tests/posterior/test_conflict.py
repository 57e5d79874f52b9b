"""Where prior and data disagree, as it is kept and as it is said."""

from dataclasses import replace

import pytest

from backrisk import Posterior, attribute, diagnose, intervene, load_posterior, risk
from backrisk.graph import CausalGraph, load_graph
from backrisk.posterior import Conflict, Diagnostics
from backrisk.words import names_of

STATES = {name: ["no", "yes"] for name in ("x", "y", "apart", "below")}
EDGE = Conflict("edge", "y", "x", (1.4, 1.1, 1.8), (0.46, 0.34, 0.62), 1e-6)
MARGIN = Conflict("margin", "apart", "no", (0.3, 0.2, 0.4), (0.712, 0.69, 0.73), 1e-5)


@pytest.fixture
def posterior():
    graph = CausalGraph.from_edges([("x", "y"), ("y", "below")], STATES, outcome="y")
    cpts = {
        "x": [[0.5, 0.5]],
        "y": [[[0.7, 0.3], [0.2, 0.8]]],
        "apart": [[0.5, 0.5]],
        "below": [[[0.7, 0.3], [0.2, 0.8]]],
    }
    found = Posterior.from_cpts(graph, cpts)
    return replace(found, diagnostics=Diagnostics("given", conflicts=(EDGE, MARGIN)))


def test_a_conflict_says_what_prior_and_data_say(posterior):
    names = names_of(posterior.graph)
    assert EDGE.sentence(names) == (
        "Prior and data disagree about the effect of x on y: the prior says an odds ratio of 1.40 "
        "(1.10 to 1.80), the data alone 0.46 (0.34 to 0.62)."
    )
    assert MARGIN.sentence(names) == (
        "Prior and data disagree about how common 'no' is as apart: the prior says 30 % (20 % to "
        "40 %), the data alone 71 % (69 % to 73 %)."
    )
    nominal = replace(EDGE, state="yes").sentence(names)
    assert nominal.startswith("Prior and data disagree about the effect of x: yes on y: the prior")
    for kind in ("margin_rest", "average", "average_rest", "row"):
        said = replace(MARGIN, kind=kind).sentence(names)
        assert "30 % (20 % to 40 %)" in said
        assert "71 % (69 % to 73 %)" in said
        assert said != MARGIN.sentence(names)


def test_a_conflict_is_said_in_the_words_of_its_graph():
    names = names_of(load_graph("runner_core"))
    margin = replace(MARGIN, node="pain", about="not_limiting").sentence(names)
    assert names.state("pain", "not_limiting") in margin
    assert "not_limiting" not in margin
    whole = names_of(load_graph("runner"))  # in which a node words a state as no other does
    unusual = replace(MARGIN, node="gait_abnormality", about="yes").sentence(whole)
    assert "'unusual'" in unusual
    edge = replace(EDGE, node="pain", about="lumbar_load", state="high").sentence(names)
    assert names.pair("lumbar_load", "high") in edge
    assert names.node("pain") in edge


def test_a_conflict_is_kept_with_the_model(posterior, tmp_path):
    assert Conflict.from_dict(EDGE.to_dict()) == EDGE
    found = load_posterior(posterior.save(tmp_path / "model.nc"))
    assert found.diagnostics == posterior.diagnostics
    assert found.conflicts_about() == posterior.conflicts_about()


def test_conflicts_do_not_make_the_sampling_bad(posterior):
    assert posterior.diagnostics.good


def test_only_what_an_answer_rests_on_is_told(posterior):
    edge, margin = posterior.conflicts_about()
    assert "effect of x on y" in edge
    assert "apart" in margin
    assert posterior.conflicts_about(["x"]) == ()
    assert posterior.conflicts_about(["y"]) == (edge,)
    assert posterior.conflicts_about(["below"]) == (edge,)
    assert posterior.conflicts_about(["x", "apart"]) == (margin,)
    assert posterior.conflicts_about(["apart", "y"]) == (edge, margin)


def test_the_fit_s_own_warnings_come_first_and_the_outcome_is_meant_by_default(posterior):
    bad = replace(posterior.diagnostics, warnings=("Bad.",))
    found = replace(posterior, diagnostics=bad)
    edge, margin = posterior.conflicts_about()
    (unsound,) = found.believed
    assert found.warnings == ("Bad.",)
    assert "did not pass its checks" in unsound
    assert found.warnings_about() == (unsound, edge)
    assert found.warnings_about(["x"]) == (unsound,)
    without = replace(posterior, graph=replace(posterior.graph, outcome=None))
    assert without.warnings_about() == (edge, margin)


def test_every_answer_repeats_what_it_rests_on(posterior):
    edge, margin = posterior.conflicts_about()
    for answer in (
        risk(posterior, {}),
        risk(posterior, {"below": "yes"}),
        risk(posterior, {}, target="below"),
        intervene(posterior, {}, {"x": "yes"}),
        attribute(posterior, {"x": "yes", "y": "yes"}),
    ):
        assert answer.warnings == (edge,)
        assert edge in answer.text
        assert answer.to_dict()["warnings"] == [edge]
    assert risk(posterior, {}, target="x").warnings == ()
    assert risk(posterior, {"apart": "yes"}).warnings == (edge, margin)
    assert set(diagnose(posterior, {}).warnings) == {edge, margin}
