"""What is asked of one person: by its definition, and at which target."""

from dataclasses import replace

import numpy as np
import pytest
from prior_core import prior_core
from strategies import Brute, random_graph, random_person, random_posterior, seeds

from backrisk import CausalGraph, Posterior, attribute, consult, risk
from backrisk.graph import Roles
from backrisk.queries import target_for
from backrisk.queries.attribution import departures

EXACT = {"rtol": 0, "atol": 1e-10}
TWO = ["no", "yes"]


def coded(graph, person):
    return {name: graph.node(name).states.index(state) for name, state in person.items()}


@pytest.mark.parametrize("seed", seeds(40, 200))
def test_it_is_the_risk_or_the_necessity_of_everything_adverse(seed):
    rng = np.random.default_rng(81_000 + seed)
    graph = random_graph(rng, int(rng.integers(3, 6)))
    posterior, aim = random_posterior(rng, graph), graph.outcome
    others = {n: s for n, s in random_person(rng, graph, 0.6).items() if n != aim}
    worst = len(graph.node(aim).states) - 1
    state = int(rng.integers(worst + 1))
    found = consult(posterior, {**others, aim: graph.node(aim).states[state]})
    seen = coded(graph, others)
    assert found.answered == len(others)
    assert found.looking_back == (state > 0)
    for draw in range(posterior.draws):
        brute = Brute(posterior, draw)
        if not found.looking_back:
            likely = brute.probability(lambda full: full[aim] > 0, seen)
            np.testing.assert_allclose(found.draws[draw], likely, **EXACT)
            continue
        above = graph.ancestors(aim)
        setting = {name: 0 for name, code in seen.items() if code and name in above}
        assert set(found.adverse) == set(setting)
        gone = 0.0
        if setting:
            known = {**seen, aim: state}
            gone = 1 - brute.counterfactual(lambda full: full[aim] >= state, known, setting)
        np.testing.assert_allclose(found.draws[draw], gone, **EXACT)
        if setting and found.needed.coupling == "monotone":
            lower, upper = (bound[draw, 0] for bound in found.needed.bounds)
            assert 0 <= lower <= upper <= 1


@pytest.mark.parametrize("seed", seeds(30, 100))
def test_the_second_world_of_a_set_has_its_necessity(seed):
    """What is sampled where two worlds are too large is what is summed where they are not."""
    rng = np.random.default_rng(82_000 + seed)
    graph = random_graph(rng, int(rng.integers(3, 6)))
    posterior, aim = random_posterior(rng, graph), graph.outcome
    person = {**random_person(rng, graph), aim: graph.node(aim).states[-1]}
    above = sorted(graph.ancestors(aim))
    group = tuple(above[:3])
    target = consult(posterior, person, target=aim).target
    world = departures.had_been_healthy(posterior, coded(graph, person), group, target)
    summed = attribute(posterior, person, [group], method="necessity")
    np.testing.assert_allclose(1 - world.nobody, summed.draws[:, 0], **EXACT)
    if set(coded(graph, {n: person[n] for n in group if n in person}).values()) != {0}:
        sampled = departures.play(world, group[:1], exact=False)
        error = max(5 * sampled.error[0], 0.02) if world.switches else 0.02
        assert abs(sampled.draws[:, 0].mean() - summed.draws.mean()) < error


def test_a_set_that_is_too_large_is_sampled_and_says_so(monkeypatch):
    posterior = prior_core(30)
    person = {"core_strength": "weak", "fatigue": "high", "pain": "limiting"}
    summed = consult(posterior, person)
    monkeypatch.setattr(departures, "_CELLS", 0)
    sampled = consult(posterior, person)
    assert summed.needed.error is None
    assert abs(sampled.estimate.mean - summed.estimate.mean) < 5 * sampled.needed.error.max() + 1e-9
    count = sampled.needed.evaluations + sampled.causes.evaluations
    said = f"worked out by sampling, in {count:,} imagined worlds for each draw"
    assert count
    assert any(said in note for note in sampled.notes)
    assert consult(posterior, person).draws.tolist() == sampled.draws.tolist()  # whoever asks


def test_the_target_is_as_severe_as_reported_and_every_severity_may_be_asked_about():
    posterior = prior_core(10)
    hurting = {"fatigue": "high", "pain": "limiting"}
    assert consult(posterior, hurting).asked == "pain>=limiting"
    choices = consult(posterior, hurting).to_dict()["choices"]
    assert [each["target"] for each in choices] == ["pain", "pain>=limiting"]
    milder = consult(posterior, hurting, target="pain")
    assert (milder.asked, milder.looking_back) == ("pain", True)
    slight = consult(posterior, {"fatigue": "high", "pain": "not_limiting"})
    assert slight.asked == "pain"
    for reported in ({}, {"pain": "none"}, {"pain": "not_limiting"}, {"pain": "limiting"}):
        offered = consult(posterior, {"fatigue": "high", **reported}).to_dict()["choices"]
        assert [each["target"] for each in offered] == ["pain", "pain>=limiting"]
    # What is worse than reported is not there.
    worse = consult(posterior, {"fatigue": "high", "pain": "not_limiting"}, target="pain>=limiting")
    assert not worse.looking_back
    alone = risk(posterior, {"fatigue": "high"}, target="pain>=limiting")
    assert worse.draws.tolist() == alone.draws.tolist()


def test_every_door_asks_about_the_target_that_a_consultation_has():
    posterior = prior_core(10)
    for reported in ({}, {"pain": "none"}, {"pain": "not_limiting"}, {"pain": "limiting"}):
        person = {"fatigue": "high", **reported}
        assert target_for(posterior, person, None) == consult(posterior, person).asked
        assert target_for(posterior, person, "pain") == "pain"
    # A history keeps its question's own: its target lies in a later period.
    assert target_for(posterior, [{"pain": "limiting"}], None) is None


def test_nothing_stands_out_where_all_that_was_asked_is_healthy():
    posterior = prior_core(10)
    found = consult(posterior, {"fatigue": "low", "core_strength": "strong", "pain": "limiting"})
    told = found.to_dict()
    assert (told["headline"], told["estimate"], told["bounds"]) == (None, None, None)
    assert found.text.count("Nothing stands out") == 1
    asked = attribute(
        posterior, {"fatigue": "low", "pain": "limiting"}, ["fatigue"], method="necessity"
    )
    assert "Nothing stands out" in asked.text
    alone = consult(posterior, {"pain": "limiting"})
    assert (alone.answered, alone.to_dict()["headline"]) == (0, None)
    assert "nothing personal to say" in alone.text


def test_a_trait_is_not_what_it_took_and_a_sign_stands_for_what_it_is_a_sign_of():
    edges = [("trait", "y"), ("x", "y"), ("x", "sign")]
    graph = CausalGraph.from_edges(edges, dict.fromkeys(("trait", "x", "y", "sign"), TWO))
    graph = replace(graph, outcome="y", roles=Roles(traits=("trait",)))
    halves = [[[0.75, 0.25], [0.5, 0.5]], [[0.5, 0.5], [0.125, 0.875]]]
    cpts = {"trait": [0.5, 0.5], "x": [0.5, 0.5], "y": halves}
    posterior = Posterior.from_cpts(graph, {**cpts, "sign": [[0.75, 0.25], [0.25, 0.75]]})
    assert consult(posterior, {"trait": "yes", "y": "yes"}).adverse == ()
    assert consult(posterior, {"trait": "yes", "x": "yes", "y": "yes"}).adverse == ("x",)


def test_risk_of_who_reports_it_says_what_to_ask_instead():
    posterior = prior_core(5)
    there = risk(posterior, {"pain": "limiting"})
    assert there.draws.tolist() == [1.0] * 5
    assert any("`consult`" in note for note in there.notes)
    absent = risk(posterior, {"pain": "none"})
    assert not any("`consult`" in note for note in absent.notes)
