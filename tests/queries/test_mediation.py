"""Natural effects by definition: nested counterfactuals enumerated; the recanting witness."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from strategies import Brute, random_graph, random_person, random_posterior, seeds

from backrisk import CausalGraph, Posterior, QueryError, intervene, mediate
from backrisk.queries.mediation import EFFECTS

EXACT = {"rtol": 0, "atol": 1e-10}
BINARY = ["no", "yes"]


def paths(graph, start, end):
    """Every directed path, by its nodes between the ends."""
    found = [()] if end in graph.children(start) else []
    for child in graph.children(start):
        found += [(child, *rest) for rest in paths(graph, child, end)]
    return found


def witnesses(graph, cause, mediators):
    """Nodes felt by the cause, and changing mediator and target, beside the mediators each time."""

    def beside(start, end):
        return any(not set(path) & set(mediators) for path in paths(graph, start, end))

    return {
        w
        for w in graph.names
        if w not in (cause, graph.outcome, *mediators)
        and beside(cause, w)
        and beside(w, graph.outcome)
        and any(beside(w, m) for m in mediators)
    }


def ways(brute, graph, kept, cause):
    """What the cause cannot change, as it may be given what is reported, with probabilities."""
    if cause not in kept:
        return [(kept, 1.0)]
    above = [n for n in graph.names if n != cause and n not in graph.descendants(cause)]
    found = []
    for codes in itertools.product(*(brute.states[n] for n in above)):
        state = dict(zip(above, codes, strict=True))
        weight = brute.probability(lambda s, state=state: state.items() <= s.items(), kept)
        if weight:
            found.append((state, weight))
    return found


@pytest.mark.parametrize("seed", seeds(60, 200))
def test_natural_effects_equal_nested_counterfactuals(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(3, 6)), density=0.6)
    posterior = random_posterior(rng, graph)
    aim = graph.outcome
    pairs = [
        (cause, between)
        for cause in sorted(graph.ancestors(aim))
        if (between := sorted(graph.descendants(cause) & graph.ancestors(aim)))
    ]
    if not pairs:
        pytest.skip("no cause acts through another node here")
    cause, between = pairs[int(rng.integers(len(pairs)))]
    chosen = [m for m in between if rng.random() < 0.6] or between[-1:]
    person = random_person(rng, graph)
    if witnesses(graph, cause, chosen):
        with pytest.raises(QueryError, match="recanting witness"):
            mediate(posterior, person, cause, chosen)
        chosen = between
    answer = mediate(posterior, person, cause, chosen)
    seen = {name: graph.node(name).code(label) for name, label in person.items()}
    kept = {n: c for n, c in seen.items() if n not in graph.descendants(cause)}
    end = seen.get(cause, 0) or len(graph.node(cause).states) - 1
    for draw in range(posterior.draws):
        brute = Brute(posterior, draw)

        def nested(x, within, brute=brute):
            """P(Y(x, M(within))): the mediators of the first world are taken to the second.

            What was reported of the cause tells of what lies above it, which no world changes.
            """
            return sum(
                weight
                * brute.worlds(
                    lambda _, there: there[aim] > 0,
                    lambda _: True,
                    above,
                    {cause: x},
                    first={cause: within},
                    taken=chosen,
                )
                for above, weight in ways(brute, graph, kept, cause)
            )

        none, both = nested(0, 0), nested(end, end)
        expected = [nested(end, 0) - none, nested(0, end) - none, both - none]
        np.testing.assert_allclose(answer.draws[draw], expected, **EXACT)
        total = brute.counterfactual(
            lambda s: s[aim] > 0, kept, {cause: end}
        ) - brute.counterfactual(lambda s: s[aim] > 0, kept, {cause: 0})
        np.testing.assert_allclose(answer.draws[draw, 2], total, **EXACT)


def test_a_recanting_witness_is_named():
    """Avin, Shpitser and Pearl 2005: w feels the cause beside m, and changes both m and y."""
    states = dict.fromkeys(["x", "w", "m", "y"], BINARY)
    edges = [("x", "w"), ("x", "m"), ("w", "m"), ("w", "y"), ("m", "y")]
    graph = CausalGraph.from_edges(edges, states)
    posterior = random_posterior(np.random.default_rng(1), graph)
    with pytest.raises(QueryError, match="'w' is a recanting witness"):
        mediate(posterior, {}, "x", ["m"])
    assert mediate(posterior, {}, "x", ["m", "w"]).draws.shape == (2, 3)
    # Without its edge to the target there is nothing to recant.
    graph = CausalGraph.from_edges([e for e in edges if e != ("w", "y")], states, outcome="y")
    posterior = random_posterior(np.random.default_rng(1), graph)
    assert mediate(posterior, {}, "x", "m").draws.shape == (2, 3)


def test_proportions_are_ratios_where_the_total_effect_has_a_sign():
    graph = CausalGraph.from_edges(
        [("x", "m"), ("x", "y"), ("m", "y")], dict.fromkeys(["x", "m", "y"], BINARY)
    )
    rng = np.random.default_rng(3)
    risk = np.array([[0.2, 0.3], [0.4, 0.8]]) + rng.uniform(-0.05, 0.05, (200, 2, 2))
    cpts = {
        "x": [0.5, 0.5],
        "m": [[0.6, 0.4], [0.25, 0.75]],
        "y": np.stack([1 - risk, risk], axis=-1),
    }
    answer = mediate(Posterior.from_cpts(graph, cpts), {}, "x", ["m"])
    table = answer.table
    assert answer.effects == EFFECTS
    direct, indirect, total = answer.draws.T
    row = table.loc["direct_over_total"]
    np.testing.assert_allclose(row["mean"], direct.mean() / total.mean(), **EXACT)
    np.testing.assert_allclose(row["low"], np.quantile(direct / total, 0.05), **EXACT)
    np.testing.assert_allclose(
        table.loc["explained_by_mediation", "mean"] + row["mean"], 1, **EXACT
    )
    np.testing.assert_allclose(
        table.loc["indirect_over_total", "mean"], indirect.mean() / total.mean(), **EXACT
    )
    # A cause without effect: no proportion of nothing.
    risk = 0.5 + rng.uniform(-0.1, 0.1, (200, 2, 2))
    cpts["y"] = np.stack([1 - risk, risk], axis=-1)
    answer = mediate(Posterior.from_cpts(graph, cpts), {}, "x", ["m"])
    assert answer.table.loc["direct_over_total"].isna().all()
    assert "either sign" in answer.text
    assert answer.to_dict()["rows"][3]["mean"] is None


def test_what_cannot_be_mediated_is_refused(core_prior):
    for cause, mediators, extra, words in (
        ("core_strenght", ["pelvic_tilt"], {}, "did you mean 'core_strength'"),
        ("core_strength", ["tilt"], {}, "is not a node"),
        ("core_strength", [], {}, "at least one"),
        ("core_strength", ["pelvic_tilt"] * 2, {}, "at least one"),
        ("core_strength", ["compensation"], {}, "does not lie between"),
        ("core_strength", ["pelvic_tilt"], {"to": "strong"}, "reference"),
        ("pain", ["lumbar_load"], {}, "is not a cause"),
    ):
        with pytest.raises(QueryError, match=words):
            mediate(core_prior, {}, cause, mediators, **extra)


def test_what_the_cause_can_change_is_set_aside(core_prior):
    person = {"fatigue": "high", "pain": "limiting", "core_strength": "moderate"}
    answer = mediate(core_prior, person, "core_strength", ["pelvic_tilt"])
    assert answer.end == "moderate"
    assert set(answer.evidence) == {"fatigue", "core_strength"}
    assert "set aside: current low back pain" in answer.text


def test_what_is_said_of_a_mediated_effect():
    graph = CausalGraph.from_edges(
        [("x", "m"), ("x", "y"), ("m", "y")], dict.fromkeys(["x", "m", "y"], BINARY)
    )
    risk = np.array([[0.2, 0.3], [0.4, 0.8]])  # m, x
    cpts = {"x": [0.5, 0.5], "m": [[0.6, 0.4], [0.25, 0.75]]}
    cpts["y"] = np.stack([1 - risk, risk], axis=-1)
    assert graph.parents("y") == ("x", "m")
    answer = mediate(Posterior.from_cpts(graph, cpts), {}, "x", ["m"])
    effects, explained, evidence = answer.sentences()
    assert effects == (
        "Going from no x to x changes the risk of y by +46.0 points (+46.0 to +46.0) in all; "
        "through m alone it would change by +3.5 points (+3.5 to +3.5), and with m held as before "
        "by +32.0 points (+32.0 to +32.0)."
    )
    assert explained == "Mediation by m thus explains 30 % (30 % to 30 %) of the effect."
    assert evidence == "Evidence for this path: none."
    assert [answer.row_label(row) for row in answer.table.index][:2] == [
        "natural direct effect",
        "natural indirect effect",
    ]
    assert answer.decided


@pytest.mark.parametrize(
    ("reported", "to", "end"),
    [
        ({}, None, "c"),
        ({"x": "b"}, None, "b"),
        ({"x": "a"}, None, "c"),
        ({"x": "b"}, "c", "c"),
    ],
)
def test_the_state_compared_is_the_persons_where_adverse_or_else_the_worst(reported, to, end):
    states = {"x": ["a", "b", "c"], "m": BINARY, "y": BINARY}
    graph = CausalGraph.from_edges([("x", "m"), ("m", "y")], states)
    posterior = random_posterior(np.random.default_rng(2), graph)
    answer = mediate(posterior, reported, "x", "m", to=to)
    assert (answer.start, answer.end) == ("a", end)
    assert answer.evidence == reported
    assert len(answer.notes) == 1  # the cause's own value is no answer set aside


def test_the_total_effect_is_what_setting_the_cause_would_do():
    """Also for a person who reports it, and shares a cause of it and of the target."""
    edges = [("z", "x"), ("z", "y"), ("x", "m"), ("m", "y"), ("x", "y")]
    graph = CausalGraph.from_edges(edges, dict.fromkeys("zxmy", BINARY), outcome="y")
    posterior = random_posterior(np.random.default_rng(6), graph, draws=5)
    answer = mediate(posterior, {"x": "yes"}, "x", "m")
    change = intervene(posterior, {"x": "yes"}, {"x": "no"}).change
    np.testing.assert_allclose(answer.draws[:, 2], -change, **EXACT)
    unknown = mediate(posterior, {}, "x", "m")
    assert abs(unknown.draws[:, 2] - answer.draws[:, 2]).max() > 1e-3


def of_effects(*draws):
    """A mediation with these draws of direct, indirect and total effect."""
    states = dict.fromkeys(["x", "m", "y"], BINARY)
    graph = CausalGraph.from_edges([("x", "m"), ("x", "y"), ("m", "y")], states)
    posterior = random_posterior(np.random.default_rng(0), graph)
    return replace(mediate(posterior, {}, "x", "m"), draws=np.array(draws))


@pytest.mark.parametrize(
    ("total", "decided"),
    [((0.1, 0.2), True), ((-0.1, -0.2), True), ((0, 0), False), ((1e-17, 2e-17), False)],
)
def test_a_total_effect_is_decided_whose_interval_excludes_zero(total, decided):
    answer = of_effects(*([0.0, 0.0, value] for value in total))
    assert answer.decided is decided


@pytest.mark.parametrize("sign", [1, -1])
def test_an_interval_that_ends_at_zero_decides_nothing(sign):
    quarter = np.zeros((100, 3))
    quarter[25:, 2] = sign * np.linspace(0.1, 0.2, 75)
    assert not of_effects(*quarter).decided
    quarter[:25, 2] = sign * 0.1
    assert of_effects(*quarter).decided


def test_proportions_of_a_protective_cause_are_ratios_too():
    table = of_effects([-0.1, -0.2, -0.4], [-0.3, -0.1, -0.4]).table
    assert table.loc["direct_over_total", "mean"] == pytest.approx(0.5)
    assert table.loc["explained_by_mediation", "mean"] == pytest.approx(0.5)
    assert table.loc["indirect_over_total", "mean"] == pytest.approx(0.375)
    assert table.loc["indirect_over_total", "low"] == pytest.approx(0.25 + 0.05 * 0.25)
    assert table.loc["indirect_over_total", "high"] == pytest.approx(0.5 - 0.05 * 0.25)
    assert list(table.columns) == ["mean", "low", "high"]


def test_a_draw_without_any_effect_is_no_mistake():
    """A ratio of such a draw has no value; the means still have one."""
    effects = np.tile([0.1, 0.1, 0.2], (100, 1))
    effects[0] = 0.0
    table = of_effects(*effects).table
    assert table.loc["direct_over_total", "mean"] == pytest.approx(0.5)
    effects[0] = [0.1, 0.1, 0.0]
    assert of_effects(*effects).table.loc["direct_over_total", "mean"] == pytest.approx(10 / 19.8)


def test_the_mediator_that_a_witness_reaches_is_named():
    edges = [("x", "w"), ("x", "m"), ("x", "k"), ("w", "m"), ("w", "y"), ("m", "y"), ("k", "y")]
    graph = CausalGraph.from_edges(edges, dict.fromkeys("xwmky", BINARY), outcome="y")
    posterior = random_posterior(np.random.default_rng(1), graph)
    with pytest.raises(QueryError, match=r"'w' is a recanting witness.*'m'") as caught:
        mediate(posterior, {}, "x", ["k", "m"])
    assert "'k'" not in str(caught.value)


def test_the_evidence_of_a_mediated_effect_is_that_of_the_strongest_path():
    graph = CausalGraph.from_edges([("x", "m"), ("m", "y")], dict.fromkeys("xmy", BINARY))
    grades = {"x": "moderate", "m": "weak"}
    graph = replace(graph, edges=tuple(replace(e, grade=grades[e.cause]) for e in graph.edges))
    posterior = random_posterior(np.random.default_rng(1), graph)
    answer = mediate(posterior, {"y": "no"}, "x", "m")
    assert answer.grade == "weak"
    assert answer.sentences()[-1] == "Evidence for this path: weak."
    assert len(answer.notes) == 2
