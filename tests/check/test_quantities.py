"""What is asked of each fit is what its estimand says: sums over every full state."""

import numpy as np
import pytest
from strategies import Brute, random_graph, random_posterior

from backrisk import attribute, load_graph
from backrisk.check.quantities import (
    KINDS,
    Quantities,
    Quantity,
    example_persons,
    read_causes,
    read_kinds,
)
from backrisk.errors import QueryError

CORE = load_graph("runner_core")


@pytest.mark.parametrize("seed", range(3))
def test_risks_and_effects_are_sums_over_every_state(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 4)
    posterior = random_posterior(rng, graph)
    causes = read_causes(graph, None, None)
    person = {causes[0]: graph.node(causes[0]).states[-1]}
    found = Quantities(None, causes, {"her": person}, ("risk", "effect")).of(posterior)
    at, target = graph.names.index(causes[0]), graph.names.index(graph.outcome)
    last = len(graph.node(causes[0]).states) - 1
    for draw in range(posterior.draws):
        brute = Brute(posterior, draw)
        joint = brute.joint()
        seen = sum(p for full, p in joint.items() if full[at] == last)
        ill = sum(p for full, p in joint.items() if full[at] == last and full[target])
        assert found[Quantity("risk", "", "her")][draw] == pytest.approx(ill / seen)
        for cause in causes:
            most = len(graph.node(cause).states) - 1
            set_to = [
                sum(p for full, p in brute.joint({cause: code}).items() if full[target])
                for code in (most, 0)
            ]
            expected = set_to[0] - set_to[1]
            assert found[Quantity("effect", cause)][draw] == pytest.approx(expected)


def test_necessities_and_shares_are_those_of_attributions(core_prior):
    posterior = core_prior.subset(5)
    person = {"fatigue": "high", "pain": "limiting"}
    causes = ("fatigue", "lumbar_load")
    found = Quantities(None, causes, {"a": {"fatigue": "high"}, "b": person}).of(posterior)
    necessity = attribute(posterior, person, list(causes), method="necessity").draws
    shares = attribute(posterior, person, method="shapley")
    for column, cause in enumerate(causes):
        np.testing.assert_allclose(found[Quantity("necessity", cause, "b")], necessity[:, column])
        own = shares.draws[:, shares.causes.index(cause)]
        np.testing.assert_allclose(found[Quantity("share", cause, "b")], own, atol=1e-11)
    # A risk is asked of who does not report the target, a necessity of who has it.
    asked = {(each.kind, each.person) for each in found}
    expected = {("risk", "a"), ("effect", ""), ("necessity", "b"), ("share", "a"), ("share", "b")}
    assert asked == expected
    assert Quantity("share", "fatigue", "b").label(CORE) == "share of fatigue, b"


def test_by_default_every_cause_and_two_example_people():
    causes = read_causes(CORE, None, None)
    assert set(causes) == set(CORE.names) - {"pain"}
    measured = set(CORE.names) - {"core_strength"}
    people = example_persons(CORE, measured, None)
    first = {"hip_flexor_tightness": "very_tight", "fatigue": "high"}
    assert list(people.values()) == [first, {**first, "pain": "limiting"}]
    assert all("fatigue" in label for label in people)
    assert list(example_persons(CORE, (), None).values()) == [{"pain": "limiting"}]


def test_what_is_unknown_is_refused():
    assert read_kinds("share") == ("share",)
    assert read_kinds(["share", "risk"]) == ("risk", "share")
    assert KINDS == ("risk", "effect", "necessity", "share")
    for wrong in ("shares", [], ["risk", "x"]):
        with pytest.raises(QueryError, match="Choose from"):
            read_kinds(wrong)
    with pytest.raises(QueryError, match="did you mean 'fatigue'"):
        read_causes(CORE, "fatige", None)
    with pytest.raises(QueryError, match="not a cause of 'pelvic_tilt'"):
        read_causes(CORE, ["fatigue"], "pelvic_tilt")
