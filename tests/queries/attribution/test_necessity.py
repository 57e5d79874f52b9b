"""Where the monotone coupling is the least that any allows, and what bounds leave open."""

from dataclasses import replace
from importlib import import_module

import networkx as nx
import numpy as np
import pytest
from scipy.special import expit
from strategies import Brute, random_graph, random_person, random_posterior, seeds

from backrisk import CausalGraph, Posterior, QueryError, attribute, consult
from backrisk.queries.attribution.necessity import at_least, limits, uninformative

necessity = import_module("backrisk.queries.attribution.necessity")

EXACT = {"rtol": 0, "atol": 1e-10}
TWO = ["no", "yes"]


def one_signed(rng, graph, draws=3):
    """CPTs in which every cause acts in one direction: the worse it is, the likelier the worse."""
    cpts = {}
    for name in graph.names:
        *parents, states = graph.shape(name)
        eta = np.zeros((draws, *parents))
        for axis, size in enumerate(parents):
            steps = np.cumsum(rng.exponential(0.7, (draws, size)), axis=1)
            eta += steps.reshape(draws, *(size if i == axis else 1 for i in range(len(parents))))
        cuts = np.sort(rng.normal(1.0, 1.0, (draws, states - 1)), axis=1)
        below = expit(cuts.reshape(draws, *(1,) * len(parents), -1) - eta[..., None])
        cdf = np.concatenate([below, np.ones((*below.shape[:-1], 1))], axis=-1)
        cpts[name] = np.diff(cdf, axis=-1, prepend=0.0)
    return Posterior.from_cpts(graph, cpts)


def worst_off(rng, graph, causes):
    """A person with the target at its worst, and nothing reported that a cause changes."""
    below = set().union(*(graph.descendants(cause) for cause in causes))
    person = {n: s for n, s in random_person(rng, graph).items() if n not in below}
    return {**person, graph.outcome: graph.node(graph.outcome).states[-1]}


@pytest.mark.parametrize("seed", seeds(60, 200))
def test_necessity_is_its_lower_bound_where_effects_have_one_sign(seed):
    rng = np.random.default_rng(70_000 + seed)
    graph = random_graph(rng, int(rng.integers(3, 6)))
    posterior = one_signed(rng, graph)
    above = sorted(graph.ancestors(graph.outcome))
    cause = above[int(rng.integers(len(above)))]
    person = worst_off(rng, graph, [cause])
    event = f"{graph.outcome}>={person[graph.outcome]}"  # what is reported, and no more
    answer = attribute(posterior, person, [cause], target=event, method="necessity")
    np.testing.assert_allclose(answer.draws, answer.bounds[0], **EXACT)
    assert answer.at_least.tolist() == [True]
    # Another coupling leaves it, and no coupling gives less.
    anew = attribute(
        posterior, person, [cause], target=event, coupling="independent", method="necessity"
    )
    assert (anew.draws >= answer.bounds[0] - 1e-12).all()


@pytest.mark.parametrize("seed", range(10))
def test_causes_in_turn_are_what_each_is_by_itself(seed, monkeypatch):
    rng = np.random.default_rng(80_000 + seed)
    graph = random_graph(rng, 6, density=0.5)
    posterior = random_posterior(rng, graph, draws=3)
    person = {**random_person(rng, graph, 0.3), graph.outcome: graph.node(graph.outcome).states[-1]}
    together = attribute(posterior, person, method="necessity")

    def too_wide(*_):
        raise QueryError("too wide for the passes")

    monkeypatch.setattr(necessity, "set_in_turn", too_wide)
    alone = attribute(posterior, person, method="necessity")
    np.testing.assert_allclose(together.draws, alone.draws, **EXACT)
    np.testing.assert_allclose(together.bounds, alone.bounds, **EXACT)
    np.testing.assert_allclose(together.effects, alone.effects, **EXACT)


def test_necessity_exceeds_its_lower_bound_where_effects_have_both_signs():
    graph = CausalGraph.from_edges([("x", "m"), ("x", "y"), ("m", "y")], dict.fromkeys("xmy", TWO))
    y = np.array([[0.5, 0.9], [0.1, 0.6]])  # x prevents beside m, and brings m about
    cpts = {"x": [0.5, 0.5], "m": [[0.8, 0.2], [0.2, 0.8]], "y": np.stack([1 - y, y], axis=-1)}
    posterior = Posterior.from_cpts(graph, cpts)
    answer = attribute(posterior, {"x": "yes", "y": "yes"}, ["x"], method="necessity")
    assert answer.draws[0, 0] > answer.bounds[0][0, 0] + 1e-3
    assert answer.at_least.tolist() == [False]


def test_at_least_is_so_in_every_draw():
    lower = np.array([[0.2, 0.2, 0.2], [0.3, 0.3, 0.3]])
    shares = lower + np.array([[0.0, 0.0, 1e-15], [0.0, 1e-6, -1e-15]])
    assert at_least(shares, (lower, lower + 0.5)).tolist() == [True, False, True]


def test_limits_go_from_the_low_end_of_the_lower_to_the_high_end_of_the_upper():
    rng = np.random.default_rng(3)
    lower = rng.beta(2, 8, (400, 2)) * [1.0, 0.5]
    upper = 1 - rng.beta(2, 8, (400, 2)) * [1.0, 0.5]
    low, high = limits((lower, upper))
    np.testing.assert_allclose(low, np.quantile(lower, 0.05, axis=0), **EXACT)
    np.testing.assert_allclose(high, np.quantile(upper, 0.95, axis=0), **EXACT)


@pytest.mark.parametrize(
    ("low", "high", "open_"),
    [
        (0.0, 1.0, True),
        (0.0049, 0.9951, True),
        (0.0051, 1.0, False),
        (0.0, 0.9949, False),
        (0.3, 0.8, False),
    ],
)
def test_bounds_that_leave_everything_open_say_nothing(low, high, open_):
    ends = np.full((20, 1), low), np.full((20, 1), high)
    assert uninformative(ends).tolist() == [open_]


def edge(bounds, shares):
    """An answer about one cause with these draws."""
    graph = CausalGraph.from_edges([("x", "y")], dict.fromkeys("xy", TWO))
    posterior = random_posterior(np.random.default_rng(0), graph, draws=3)
    answer = attribute(posterior, {"x": "yes", "y": "yes"}, ["x"], method="necessity")
    lower, upper = (np.array(bound)[:, None] for bound in bounds)
    draws = np.array(shares)[:, None]
    return replace(answer, draws=draws, bounds=(lower, upper), effects=np.ones_like(draws))


def test_what_is_said_of_bounds():
    lower, upper = [0.2, 0.3, 0.4], [0.5, 0.6, 0.7]
    (said,) = edge((lower, upper), [0.3, 0.4, 0.5]).sentences()
    assert said == (
        "Had x been at the reference, y would have been absent with probability 40 % "
        "(31 % to 49 %); if no coupling is assumed, anything from 21 % to 69 % is possible "
        "(evidence none along the path)."
    )
    (said,) = edge((lower, upper), lower).sentences()
    assert "at least 30 % (21 % to 39 %); if no coupling is assumed, anything from 21 %" in said
    (said,) = edge(([0.0] * 3, [1.0] * 3), [0.3, 0.4, 0.5]).sentences()
    assert said == (
        "Had x been at the reference, y would have been absent with probability 40 % "
        "(31 % to 49 %), which rests on the coupling alone: if no coupling is assumed, anything "
        "from 0.0 % to 100 % is possible."
    )
    (said,) = edge(([0.0] * 3, [1.0] * 3), [0.0] * 3).sentences()
    assert "at least" not in said


@pytest.mark.parametrize("method", ["sufficiency", "necessity_and_sufficiency"])
def test_the_other_probabilities_of_causation_say_so_too(method):
    graph = CausalGraph.from_edges([("x", "y")], dict.fromkeys("xy", TWO))
    posterior = one_signed(np.random.default_rng(1), graph)
    answer = attribute(posterior, {"x": "yes"}, method=method)
    np.testing.assert_allclose(answer.draws, answer.bounds[0], **EXACT)
    assert answer.at_least.all()
    assert not answer.uninformative.any()
    assert "probability at least" in answer.sentences()[0].replace("\n", " ")
    wide = replace(answer, bounds=(np.zeros((3, 1)), np.ones((3, 1))))
    assert "rests on the coupling alone" in wide.sentences()[0]
    assert "evidence" not in wide.sentences()[0]


def test_without_bounds_nothing_is_said_of_them():
    graph = CausalGraph.from_edges([("x", "y")], dict.fromkeys("xy", TWO))
    posterior = random_posterior(np.random.default_rng(0), graph)
    answer = attribute(posterior, {"x": "yes"}, ["x"], method="diagnostic")
    assert answer.limits is None
    assert not answer.at_least.any()
    assert not answer.uninformative.any()
    assert answer.at_least.shape == answer.uninformative.shape == (1,)


def reaching(graph, group, target):
    """The members with a directed path to the target that no other member is on, by definition."""
    left = graph.to_networkx()
    return tuple(
        name
        for name in group
        if nx.has_path(nx.restricted_view(left, [n for n in group if n != name], []), name, target)
    )


@pytest.mark.parametrize("seed", seeds(60, 200))
def test_a_set_has_the_limits_of_its_members_that_act_on_the_target_themselves(seed):
    """Y(S) is Y(R), R being what of S acts on Y past the rest of S: what limits one limits both."""
    rng = np.random.default_rng(74_000 + seed)
    graph = random_graph(rng, int(rng.integers(3, 6)))
    posterior, aim = random_posterior(rng, graph), graph.outcome
    above = sorted(graph.ancestors(aim))
    group = tuple(rng.permutation(above)[: int(rng.integers(1, len(above) + 1))].tolist())
    reduced = reaching(graph, group, aim)
    below = frozenset().union(*(graph.descendants(name) for name in reduced))
    person = {n: s for n, s in random_person(rng, graph).items() if n in reduced or n not in below}
    person[aim] = graph.node(aim).states[-1]
    coupling = ("monotone", "independent")[seed % 2]
    both = [
        attribute(posterior, person, [causes], method="necessity", coupling=coupling)
        for causes in (group, reduced)
    ]
    np.testing.assert_allclose(both[0].bounds, both[1].bounds, **EXACT)
    np.testing.assert_allclose(both[0].draws, both[1].draws, **EXACT)
    np.testing.assert_allclose(both[0].effects, both[1].effects, **EXACT)
    seen = {name: graph.node(name).code(label) for name, label in person.items()}
    lower, upper = np.asarray(both[0].bounds)[:, :, 0]
    for draw in range(posterior.draws):
        brute = Brute(posterior, draw, coupling)
        had = brute.counterfactual(lambda s: s[aim] > 0, seen, dict.fromkeys(group, 0))
        if not (set(below) & set(reduced)):  # no member's own report is below another
            assert lower[draw] - 1e-10 <= 1 - had <= upper[draw] + 1e-10
        np.testing.assert_allclose(both[0].draws[draw, 0], 1 - had, **EXACT)


def test_a_set_on_a_chain_has_the_limits_of_its_last_member():
    """B would have caused c in (0.60 - 0.15) / 0.60 at least; a acts on c through b alone."""
    graph = CausalGraph.from_edges([("a", "b"), ("b", "c")], dict.fromkeys("abc", TWO))
    cpts = {"a": [[0.5, 0.5]], "b": [[[0.8, 0.2], [0.3, 0.7]]], "c": [[[0.85, 0.15], [0.4, 0.6]]]}
    posterior = Posterior.from_cpts(graph, cpts)
    person = dict.fromkeys("abc", "yes")
    answer = attribute(posterior, person, ["b", "a+b"], method="necessity")
    assert answer.causes == ("b", "a + b")
    np.testing.assert_allclose(answer.bounds[0], [[0.75, 0.75]], **EXACT)
    np.testing.assert_allclose(answer.bounds[1], [[1.0, 1.0]], **EXACT)
    assert not any("leave out" in note for note in answer.notes)  # the report of b is used
    asked = consult(posterior, person)
    assert asked.adverse == ("a", "b")
    np.testing.assert_allclose(asked.bounds, (0.75, 1.0), **EXACT)
