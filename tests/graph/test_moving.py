"""The packaged graphs over time: what stays, what moves, and on which evidence."""

import numpy as np
import pytest

from backrisk import load_graph, truth, unroll
from backrisk.graph import Layout, still
from backrisk.posterior.simulation import draw_states

NAMES = ("runner", "runner_core", "athletes")
PEOPLE, PERIODS = 6000, 8


@pytest.fixture(params=NAMES)
def graph(request):
    return load_graph(request.param)


def test_what_stays_is_who_the_runner_is_and_where_they_run():
    runner = load_graph("runner")
    assert {node.name for node in runner.nodes if node.constant} == {
        "age", "sex", "bmi", "running_experience", "foot_type", "previous_back_pain", "surface",
    }  # fmt: skip
    moving = {node.name for node in runner.nodes if not node.constant}
    lasting = {node.name for node in runner.nodes if node.persist}
    # A moment of the run, which follows its causes of the same month.
    assert moving - lasting == {
        "pelvic_tilt", "hip_extension", "compensation", "impact_load", "lumbar_load",
    }  # fmt: skip
    assert [node.name for node in runner.nodes if node.parted] == ["pain"]


def test_every_lagged_edge_carries_its_evidence(graph):
    for edge in graph.lagged:
        assert edge.claim.endswith(".")
        assert edge.prior is not None
        assert edge.citations or edge.grade == "none"
    own = {edge.effect for edge in graph.lagged if edge.cause == edge.effect}
    assert own == {node.name for node in graph.nodes if node.persist}


def test_priors_over_time_follow_the_plain_rule_but_where_two_stories_differ_in_sign():
    plain = {"moderate": (0.5, 0.5), "weak": (0.5, 0.5), "none": (0.25, 0.4)}
    known = {
        ("pain", "strength_training"): (0.25, 0.5),  # fear against rehabilitation
        ("pain", "load_progression"): (-0.25, 0.5),  # cutting back against coming back
    }
    own = {"pain": (2.0, 0.7), "load_progression": (0.0, 0.5)}
    for edge in load_graph("runner").lagged:
        stated = (edge.prior.mean, edge.prior.sd)
        if edge.cause == edge.effect:
            assert stated == own.get(edge.effect, (1.5, 0.75))
        else:
            assert stated == known.get((edge.cause, edge.effect), plain[edge.grade]), edge


def test_pain_is_in_a_loop_with_what_it_changes():
    """Each node that pain changes in the second period leads to pain by the third."""
    runner = unroll(load_graph("runner"), 3)
    changed = {edge.effect for edge in runner.template.lagged if edge.cause == "pain"} - {"pain"}
    assert changed == {
        "compensation", "gait_abnormality", "back_stiffness", "core_strength",
        "strength_training", "recovery", "load_progression", "low_mood",
    }  # fmt: skip
    for name in changed:
        assert runner.at(name, 1) in runner.ancestors("pain__2")


def test_a_model_of_one_moment_is_the_same_without_what_is_said_of_time(graph):
    one, other = Layout(graph), Layout(still(graph))
    assert one.fraction_labels == other.fraction_labels
    assert one.effect_labels == other.effect_labels
    for key in ("mean", "sd"):
        np.testing.assert_array_equal(getattr(one.prior, key), getattr(other.prior, key))
    np.testing.assert_array_equal(one.prior.fractions, other.prior.fractions)
    assert not any(node.constant or node.persist for node in still(graph).nodes)
    assert still(graph).edges == graph.edges


def test_over_months_nothing_drifts_and_what_was_there_tends_to_stay(graph):
    """At the prior's centre shares stay within 4 points of the margins, as in one moment."""
    unrolled = unroll(graph, PERIODS)
    codes = draw_states(truth(unrolled), PEOPLE, np.random.default_rng(0))

    def states(name, period):
        return codes[:, unrolled.names.index(unrolled.at(name, period))]

    for name in unrolled.moving:
        node = graph.node(name)
        shares = np.bincount(states(name, PERIODS - 1), minlength=len(node.states)) / PEOPLE
        assert np.abs(shares - node.margin).max() < 0.04, name
    before, after = (states(graph.outcome, PERIODS - back) > 0 for back in (2, 1))
    stays, begins = after[before].mean(), after[~before].mean()
    error = np.sqrt(0.25 / before.sum() + 0.25 / (~before).sum())
    assert stays - begins > 4 * error
