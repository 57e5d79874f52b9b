"""Attribution by definition: enumeration, published formulas, properties of the games."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Brute, random_graph, random_person, random_posterior, seeds

from backrisk import CausalGraph, Posterior, QueryError, attribute
from backrisk.inference import COUPLINGS
from backrisk.queries import read_target
from backrisk.queries.attribution import pathways

EXACT = {"rtol": 0, "atol": 1e-10}
SEEDS = st.integers(0, 2**32 - 1)


def present(graph):
    return lambda state: state[graph.outcome] > 0


def coded(graph, person):
    return {name: graph.node(name).code(label) for name, label in person.items()}


def brute_coupling(coupling):
    # Random CPTs are no noisy-max, for which independent causes mean the monotone coupling.
    return "independent" if coupling == "independent" else "monotone"


def unchanged(graph, seen, group):
    changed = set(group).union(*(graph.descendants(name) for name in group))
    return {name: code for name, code in seen.items() if name not in changed}


@pytest.mark.parametrize("seed", seeds(60, 200))
def test_new_methods_equal_enumeration(seed):
    rng = np.random.default_rng(10_000 + seed)
    graph = random_graph(rng, int(rng.integers(3, 5)))
    posterior = random_posterior(rng, graph)
    aim = graph.outcome
    person = random_person(rng, graph)
    seen = coded(graph, person)
    causes = sorted(graph.ancestors(aim))
    alone = causes[int(rng.integers(len(causes)))]
    roots = [c for c in causes if not graph.ancestors(c)]
    groups = [(alone,), tuple(roots[:2])] if len(roots) > 1 else [(alone,)]
    coupling = COUPLINGS[seed % 3]
    hurting = {**person, aim: graph.node(aim).states[-1]}
    every = [*groups, tuple(causes[:2])] if len(causes) > 1 else groups
    every = list(dict.fromkeys(every))
    answers = {
        method: attribute(posterior, person, groups, method=method, coupling=coupling)
        for method in ("sufficiency", "necessity_and_sufficiency")
    }
    needed = attribute(posterior, hurting, every, coupling=coupling)
    assert needed.causes == tuple(" + ".join(group) for group in every)
    there = present(graph)
    for draw in range(posterior.draws):
        brute = Brute(posterior, draw, brute_coupling(coupling))
        for column, group in enumerate(groups):
            context = unchanged(graph, seen, group)
            unset = dict.fromkeys(group, 0)
            adverse = {n: seen.get(n, 0) or len(graph.node(n).states) - 1 for n in group}
            sufficient = brute.worlds(
                lambda _, other: there(other),
                lambda here: not there(here),
                {**context, **unset},
                adverse,
            )
            both = brute.worlds(
                lambda here, other: there(here) and not there(other),
                lambda _: True,
                context,
                unset,
                first=adverse,
            )
            for method, value in zip(answers, (sufficient, both), strict=True):
                got = answers[method].draws[draw, column]
                np.testing.assert_allclose(got, value, **EXACT, err_msg=method)
        for column, group in enumerate(every):
            absent = 1 - brute.counterfactual(there, coded(graph, hurting), dict.fromkeys(group, 0))
            np.testing.assert_allclose(needed.draws[draw, column], absent, **EXACT)


@pytest.mark.parametrize("seed", range(40))
def test_bounds_of_a_binary_cause_are_those_of_tian_and_pearl(seed):
    """Tian and Pearl 2000, from P(x, y) and P(y had x been), doi:10.1023/A:1018912507879."""
    rng = np.random.default_rng(20_000 + seed)
    names = ["u", "x", "m", "y"]
    edges = [("u", "x"), ("u", "y"), ("x", "m"), ("m", "y"), ("x", "y"), ("u", "m")]
    states = {name: ["no", "yes"] for name in names}
    graph = CausalGraph.from_edges(edges, states, outcome="y")
    posterior = random_posterior(rng, graph, draws=1)
    brute = Brute(posterior, 0)
    p = {
        (x, y): brute.probability(lambda s, x=x, y=y: (s["x"], s["y"]) == (x, y), {})
        for x in (0, 1)
        for y in (0, 1)
    }
    had = [brute.probability(lambda s: s["y"] == 1, {}, {"x": x}) for x in (0, 1)]
    yes = p[1, 1] + p[0, 1]
    expected = {
        "necessity": (
            max(0, (yes - had[0]) / p[1, 1]),
            min(1, (1 - had[0] - p[0, 0]) / p[1, 1]),
        ),
        "sufficiency": (
            max(0, (had[1] - yes) / p[0, 0]),
            min(1, (had[1] - p[1, 1]) / p[0, 0]),
        ),
        "necessity_and_sufficiency": (
            max(0, had[1] - had[0], yes - had[0], had[1] - yes),
            min(
                had[1],
                1 - had[0],
                p[1, 1] + p[0, 0],
                had[1] - had[0] + p[1, 0] + p[0, 1],
            ),
        ),
    }
    estimates = {}
    for method, limits in expected.items():
        answer = attribute(posterior, {"x": "yes", "y": "yes"}, ["x"], method=method)
        np.testing.assert_allclose(np.ravel(answer.bounds), limits, **EXACT, err_msg=method)
        estimates[method] = answer.draws[0, 0]
    # Pearl 2009, lemma 9.2.6: PNS = P(x, y) PN + P(x', y') PS.
    np.testing.assert_allclose(
        estimates["necessity_and_sufficiency"],
        p[1, 1] * estimates["necessity"] + p[0, 0] * estimates["sufficiency"],
        **EXACT,
    )


@settings(max_examples=60, derandomize=True)
@given(seed=SEEDS, coupling=st.sampled_from(COUPLINGS))
def test_estimates_lie_within_their_bounds(seed, coupling):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 5)
    posterior = random_posterior(rng, graph, draws=5)
    causes = sorted(graph.ancestors(graph.outcome))
    cause = causes[int(rng.integers(len(causes)))]
    # Evidence on what the cause cannot change, and perhaps the cause; the target is there.
    person = {
        name: label
        for name, label in random_person(rng, graph).items()
        if name not in graph.descendants(cause)
    }
    hurting = {**person, graph.outcome: graph.node(graph.outcome).states[-1]}
    for method in ("necessity", "sufficiency", "necessity_and_sufficiency"):
        answer = attribute(posterior, hurting, [cause], method=method, coupling=coupling)
        low, high = answer.bounds
        assert (low - 1e-12 <= answer.draws).all()
        assert (answer.draws <= high + 1e-12).all()
        assert (low >= 0).all()
        assert (high <= 1).all()


def test_nobody_leads_who_has_no_share_and_equal_shares_lead_together():
    edges = [("a", "y"), ("b", "y")]
    graph = CausalGraph.from_edges(edges, dict.fromkeys("aby", ("no", "yes")))
    either = [[[0.9, 0.1], [0.6, 0.4]], [[0.6, 0.4], [0.3, 0.7]]]
    posterior = Posterior.from_cpts(graph, {"a": [0.5, 0.5], "b": [0.5, 0.5], "y": either})
    both = attribute(posterior, {"a": "yes", "b": "yes"}, method="shapley")
    np.testing.assert_allclose(both.leading.sum(), 1.0)
    neither = attribute(posterior, {"a": "no", "b": "no", "y": "yes"})
    assert (neither.draws == 0).all()
    assert (neither.leading == 0).all()


@pytest.mark.parametrize("causes", [[1], [("x", 2)], [None]])
def test_causes_that_are_no_names_are_refused(causes):
    graph = CausalGraph.from_edges([("x", "y")], dict.fromkeys("xy", ("no", "yes")))
    posterior = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.9, 0.1], [0.4, 0.6]]})
    with pytest.raises(QueryError, match="expected a node's name, or a tuple of names"):
        attribute(posterior, {"y": "yes"}, causes)


def test_what_cannot_be_asked_is_refused(core_prior):
    for causes, method, words in (
        (["core_strength", "pelvic_tilt"], "pathways", "downstream"),
        (["core_strength+fatigue"], "shapley", "Sets of causes"),
        (["core_strength+pelvic_tilt"], "sufficiency", "another cause changes 'pelvic_tilt'"),
        (["core_strength+"], "sufficiency", "is not a node"),
        (["core_strength", "core_strength"], "sufficiency", "each once"),
    ):
        with pytest.raises(QueryError, match=words):
            attribute(core_prior, {}, causes, method=method)


def binary_cause(share=0.4, risks=(0.2, 0.7)):
    graph = CausalGraph.from_edges([("x", "y")], dict.fromkeys("xy", ("no", "yes")))
    rows = [[1 - p, p] for p in risks]
    return Posterior.from_cpts(graph, {"x": [1 - share, share], "y": rows})


def test_only_who_is_exposed_can_owe_the_target_to_the_exposure():
    """Of an unreported binary cause, by hand: within each exposure, Fréchet's limits."""
    share, (low, high) = 0.4, (0.2, 0.7)
    there = (1 - share) * low + share * high
    exposed = (share * (high - low) / there, share * min(high, 1 - low) / there)
    posterior = binary_cause(share, (low, high))
    answer = attribute(posterior, {"y": "yes"}, ["x"])
    np.testing.assert_allclose(np.ravel(answer.bounds), exposed, **EXACT)
    # Drawn anew, the unexposed might have escaped too.
    unexposed = (1 - share) * min(low, 1 - low) / there
    answer = attribute(posterior, {"y": "yes"}, ["x"], coupling="independent")
    np.testing.assert_allclose(
        np.ravel(answer.bounds), (exposed[0], exposed[1] + unexposed), **EXACT
    )


def test_who_is_known_to_be_unexposed_owes_the_exposure_nothing():
    person = {"x": "no", "y": "yes"}
    answer = attribute(binary_cause(), person, ["x"])
    assert np.ravel([answer.draws, *answer.bounds]).tolist() == [0.0, 0.0, 0.0]
    answer = attribute(binary_cause(), person, ["x"], coupling="independent")
    np.testing.assert_allclose(answer.bounds[1], 1.0, **EXACT)


def test_a_set_is_spared_only_where_all_of_it_is_at_the_reference():
    edges = [("a", "y"), ("b", "y")]
    graph = CausalGraph.from_edges(edges, dict.fromkeys("aby", ("no", "yes")))
    table = [[[0.9, 0.1], [0.6, 0.4]], [[0.5, 0.5], [0.2, 0.8]]]
    posterior = Posterior.from_cpts(graph, {"a": [0.5, 0.5], "b": [0.5, 0.5], "y": table})
    person = {"a": "no", "y": "yes"}
    answer = attribute(posterior, person, ["a+b"])
    # b is open: at no nothing is owed, at yes min(0.4, 0.9) of 0.25 (0.1 + 0.4) ...
    np.testing.assert_allclose(answer.bounds[1], 0.4 / 0.5, **EXACT)
    np.testing.assert_allclose(answer.bounds[0], 0.3 / 0.5, **EXACT)
    both = attribute(posterior, {**person, "b": "no"}, ["a+b"])
    assert both.bounds[1].tolist() == [[0.0]]
    one = attribute(posterior, {**person, "b": "yes"}, ["a+b"])
    np.testing.assert_allclose(one.bounds[1], min(1.0, 0.9 / 0.4), **EXACT)


def test_a_route_is_graded_by_its_strongest_path():
    edges = [("a", "m"), ("b", "m"), ("m", "y"), ("a", "y")]
    graph = CausalGraph.from_edges(edges, dict.fromkeys("abmy", ("no", "yes")), outcome="y")
    grades = {("a", "m"): "none", ("b", "m"): "strong", ("m", "y"): "moderate", ("a", "y"): "weak"}
    graph = replace(
        graph, edges=tuple(replace(e, grade=grades[e.cause, e.effect]) for e in graph.edges)
    )
    target = read_target(graph, None)
    for route, grade in (
        ([("a", "m")], "none"),  # the edge is weaker than what follows
        ([("b", "m")], "moderate"),  # what follows is weaker than the edge
        ([("a", "m"), ("b", "m")], "moderate"),  # the best of the two
        ([("a", "y")], "weak"),  # nothing follows
    ):
        assert pathways.route_grade(graph, "m", route, target) == grade
    assert pathways.route_grade(graph, "m", (), target) == "moderate"  # its own departure


NECESSITY = {"core_strength": "weak", "fatigue": "high", "pain": "limiting"}


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("necessity", "Had {cause} been at the reference, low back pain would have been absent"),
        ("sufficiency", "with {cause} at the reference, the adverse state would bring about low"),
        ("necessity_and_sufficiency", "the adverse state of {cause} would bring about low back"),
        ("shapley", "The share of {phrase} is "),
        ("pathways", "The share that passes through {cause} is "),
        ("diagnostic", "The probability that {cause} is adverse is "),
    ],
)
def test_what_is_said_of_causes(core_prior, method, words):
    answer = attribute(core_prior, NECESSITY, method=method)
    names = answer.names
    first = answer.table.index[0]
    phrase = names.node(first)
    if first in NECESSITY:
        phrase = names.phrase(first, NECESSITY[first])
    said = answer.sentences()
    if answer.total is not None:
        assert "change the risk of low back pain by" in said.pop(0)
    assert words.format(cause=names.node(first), phrase=phrase) in said[0]
    assert f"(evidence {answer.grades[answer.causes.index(first)]})" in said[0]
    assert ("if no coupling is assumed" in said[0]) == (answer.bounds is not None)
    assert len(said) == min(3, len(answer.causes))


def test_states_of_causes_are_the_persons():
    edges = [("x", "m"), ("m", "y"), ("x", "y")]
    graph = CausalGraph.from_edges(edges, dict.fromkeys("xmy", ("no", "yes")))
    posterior = random_posterior(np.random.default_rng(0), graph)
    answer = attribute(posterior, {"x": "yes"}, ["x"], method="pathways")
    assert answer.causes == ("m", "straight to y")
    assert answer.table["state"].to_dict() == {"m": "not reported", "straight to y": ""}
    assert [answer.row_label(cause) for cause in answer.causes] == ["m", "straight to y"]
    assert answer.state_label("m") == "m: not reported"
    assert answer.state_label("straight to y") == "straight to y"
    assert any("goes straight to y" in said for said in answer.sentences())
    both = attribute(posterior, {"x": "yes", "y": "yes"}, ["x+m"])
    assert both.state_label("x + m") == "x + m: yes + not reported"


def test_necessity_needs_the_target_to_be_there():
    for person, words in (({}, "not reported"), ({"y": "no"}, "reported as absent")):
        with pytest.raises(QueryError, match=f"it took for y to be there, but it is {words}"):
            attribute(binary_cause(), person, ["x"])
    with pytest.raises(QueryError, match=r"no method 'necesity' \(did you mean 'necessity'\?\)"):
        attribute(binary_cause(), {}, method="necesity")
    with pytest.raises(QueryError, match=r"no level 'proximl' \(did you mean 'proximal'\?\)"):
        attribute(binary_cause(), {}, method="shapley", level="proximl")


def test_a_worse_state_than_asked_about_is_noted():
    states = {"x": ["no", "yes"], "y": ["none", "some", "much"]}
    graph = CausalGraph.from_edges([("x", "y")], states)
    posterior = random_posterior(np.random.default_rng(3), graph)
    assert "report y (much)" in attribute(posterior, {"y": "much"}).text
    assert "report y" not in attribute(posterior, {"y": "some"}).text
    assert "report y" not in attribute(posterior, {"y": "much"}, target="y>=much").text


def test_the_table_holds_bounds_and_what_was_there_without_answers(core_prior):
    answer = attribute(core_prior, NECESSITY)
    table = answer.table.loc[list(answer.causes)]
    lower, upper = answer.bounds
    for column, expected in (
        ("mean", answer.draws.mean(axis=0)),
        ("lower_bound", lower.mean(axis=0)),
        ("lower_bound_low", np.quantile(lower, 0.05, axis=0)),
        ("upper_bound", upper.mean(axis=0)),
        ("upper_bound_high", np.quantile(upper, 0.95, axis=0)),
        ("leading", answer.leading),
        ("data_support", answer.data_support),
    ):
        np.testing.assert_allclose(table[column], expected, **EXACT, err_msg=column)
    assert answer.table["mean"].is_monotonic_decreasing
    assert table["state"]["core_strength"] == "weak"
    seen = attribute(core_prior, NECESSITY, method="diagnostic")
    without = seen.table.loc[list(seen.causes), "without_answers"]
    np.testing.assert_allclose(without, seen.before.mean(axis=0), **EXACT)


def test_a_set_of_causes_is_listed_in_a_sentence():
    posterior = either_of_two()
    answer = attribute(posterior, dict.fromkeys("aby", "yes"), ["a+b"])
    assert answer.sentences()[0].startswith("Had a and b been at the reference, y would have been")
    assert answer.table["state"].to_dict() == {"a + b": "yes + yes"}


def either_of_two():
    """Two causes that add up."""
    graph = CausalGraph.from_edges([("a", "y"), ("b", "y")], dict.fromkeys("aby", ("no", "yes")))
    table = [[[0.9, 0.1], [0.6, 0.4]], [[0.6, 0.4], [0.3, 0.7]]]
    return Posterior.from_cpts(graph, {"a": [0.5, 0.5], "b": [0.5, 0.5], "y": table})
