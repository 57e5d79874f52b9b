"""Advice by definition: reductions and information enumerated."""

from dataclasses import replace

import numpy as np
import pytest
from strategies import Brute, random_graph, random_person, random_posterior, seeds

from backrisk import CausalGraph, Posterior, QueryError, ask_next, intervene, recommend, risk
from backrisk.graph import Roles
from backrisk.inference import COUPLINGS
from backrisk.queries import recommendation
from backrisk.words import percent

EXACT = {"rtol": 0, "atol": 1e-10}


def entropy(p):
    p = np.asarray(p).ravel()
    p = p[p > 0]
    return -(p * np.log2(p)).sum()


def test_answers_that_contradict_each_other_are_refused_whatever_is_asked_in_one_pass():
    two = ["no", "yes"]
    edges = [("a", "m"), ("a", "y"), ("b", "y"), ("c", "y")]
    graph = CausalGraph.from_edges(edges, dict.fromkeys("abcmy", two))
    cpts = {"b": [[0.5, 0.5]], "c": [[0.5, 0.5]], "y": np.full((1, 2, 2, 2, 2), 0.5)}
    never = {"a": [[1.0, 0.0]], "m": [[[1.0, 0.0], [0.0, 1.0]]]}
    posterior = Posterior.from_cpts(graph, {**cpts, **never})
    with pytest.raises(QueryError, match="contradict each other"):
        recommend(posterior, {"m": "yes"}, target="y")


@pytest.mark.parametrize("seed", seeds(60, 200))
def test_advice_equals_enumeration(seed):
    rng = np.random.default_rng(50_000 + seed)
    graph = random_graph(rng, int(rng.integers(3, 5)))
    posterior = random_posterior(rng, graph, draws=3)
    aim, coupling = graph.outcome, COUPLINGS[seed % 3]
    person = random_person(rng, graph)
    seen = {n: graph.node(n).code(label) for n, label in person.items() if n != aim}
    brutes = [
        Brute(posterior, d, "independent" if coupling == "independent" else "monotone")
        for d in range(posterior.draws)
    ]

    def there(state):
        return state[aim] > 0

    advice = recommend(posterior, person, most=2, coupling=coupling)
    for label, setting in zip(advice.actions, advice.settings, strict=True):
        do = {n: graph.node(n).code(state) for n, state in setting.items()}
        expected = [b.probability(there, seen) - b.counterfactual(there, seen, do) for b in brutes]
        column = advice.actions.index(label)
        np.testing.assert_allclose(advice.draws[:, column], expected, **EXACT, err_msg=label)
    single = [s for s in advice.settings if len(s) == 1]
    causes = [n for n in graph.names if n in graph.ancestors(aim) and seen.get(n) != 0]
    assert [next(iter(s)) for s in single] == causes

    asked = ask_next(posterior, person, coupling=coupling)
    assert set(asked.questions) == set(graph.names) - set(seen) - {aim}
    for column, name in enumerate(asked.questions):
        states = range(len(graph.node(name).states))
        joint = np.array(
            [
                [
                    [
                        b.probability(lambda s, n=name, k=k, y=y: s[n] == k and there(s) == y, seen)
                        for b in brutes
                    ]
                    for k in states
                ]
                for y in (False, True)
            ]
        )

        def bits(p):
            return entropy(p.sum(axis=0)) + entropy(p.sum(axis=1)) - entropy(p)

        np.testing.assert_allclose(asked.bits[column], bits(joint.mean(axis=-1)), **EXACT)
        for d in range(posterior.draws):
            np.testing.assert_allclose(asked.draws[d, column], bits(joint[..., d]), **EXACT)
        # After each answer: the reduction of each action, none among them, averaged over draws.
        reduction = np.zeros((len(single) + 1, len(states)))
        for row, setting in enumerate(single, start=1):
            do = {n: graph.node(n).code(state) for n, state in setting.items()}
            for k in states:
                for d, b in enumerate(brutes):
                    after = b.counterfactual(there, {**seen, name: k}, do)
                    share = joint[:, k, d].sum()
                    reduction[row, k] += (joint[1, k, d] - share * after) / len(brutes)
        gain = reduction.max(axis=0).sum() - reduction.sum(axis=1).max()
        np.testing.assert_allclose(asked.gain[column], gain, **EXACT)


def test_without_answers_downstream_an_action_is_an_intervention():
    rng = np.random.default_rng(5)
    graph = random_graph(rng, 6, density=0.8)
    posterior = random_posterior(rng, graph, draws=5)
    person = {"n0": "s1", "n3": "s1"}
    advice = recommend(posterior, person, actions=["n3", "n4"], most=2)
    assert len(advice.settings) == 3
    assert advice.coupling is None
    for column, setting in enumerate(advice.settings):
        after = intervene(posterior, person, setting).draws
        np.testing.assert_allclose(advice.draws[:, column], advice.before - after, **EXACT)
    np.testing.assert_allclose(advice.before, risk(posterior, person).draws, **EXACT)


def chain(*effects):
    """Three causes with known effects, 400 draws each."""
    rng = np.random.default_rng(8)
    names = [f"a{i}" for i in range(len(effects))]
    states = {name: ["no", "yes"] for name in [*names, "y"]}
    graph = CausalGraph.from_edges([(name, "y") for name in names], states)
    table = np.full((400, *(2,) * len(names)), 0.3)
    for i, (mean, sd) in enumerate(effects):
        shape = [400, *(2 if j == i else 1 for j in range(len(names)))]
        effect = np.stack([np.zeros(400), rng.normal(mean, sd, 400)], axis=1)
        table = table + effect.reshape(shape)
    table = table.clip(0.01, 0.99)
    cpts = {name: [0.5, 0.5] for name in names} | {"y": np.stack([1 - table, table], axis=-1)}
    return Posterior.from_cpts(graph, cpts), dict.fromkeys(names, "yes")


def test_the_table_ranks():
    posterior, person = chain((0.2, 0.02), (0.0, 0.03), (-0.1, 0.02))
    advice = recommend(posterior, person)
    table = advice.table
    assert list(table.index) == ["a0=no", "a1=no", "a2=no"]
    low, high = np.quantile(advice.draws, [0.05, 0.95], axis=0)
    np.testing.assert_allclose(table["mean"], advice.draws.mean(axis=0), **EXACT)
    np.testing.assert_allclose(table["low"], low, **EXACT)
    np.testing.assert_allclose(table["high"], high, **EXACT)
    assert not [name for name in table if name.startswith("nnt")]  # nobody is followed over time
    assert table["p_best"].sum() == pytest.approx(1)
    assert table.loc["a0=no", "p_best"] > 0.99
    assert (table["p_helps"] == (advice.draws > 0).mean(axis=0)).all()


def test_costs_change_the_order_and_several_actions_add_up():
    posterior, person = chain((0.2, 0.01), (0.1, 0.01))
    advice = recommend(posterior, person, costs={"a0": 10, "a1": 1}, most=2)
    table = advice.table
    assert list(table.index) == ["a1=no", "a0=no + a1=no", "a0=no"]
    assert table["cost"].tolist() == [1, 11, 10]
    np.testing.assert_allclose(table["per_cost"], table["mean"] / table["cost"], **EXACT)
    free = recommend(posterior, person, most=2)
    assert free.table.index[0] == "a0=no + a1=no"


def test_who_does_everything_already_is_told_so():
    posterior, person = chain((0.2, 0.01), (0.1, 0.01))
    advice = recommend(posterior, dict.fromkeys(person, "no"))
    assert advice.draws.shape == (400, 0)
    assert "Nothing is left to advise" in advice.text
    assert "Already so: no a0 and no a1" in advice.text
    assert advice.sentences() == [advice.text.partition(" This rests")[0]]
    assert advice.to_dict()["rows"] == []


def test_actions_can_be_chosen(core_prior):
    advice = recommend(
        core_prior,
        {"core_strength": "weak", "pain": "limiting"},
        actions={"core_strength": ["moderate", "strong"], "fatigue": "low"},
    )
    assert advice.actions == ("core_strength=moderate", "core_strength=strong", "fatigue=low")
    assert "report current low back pain, and this leaves that out" in advice.text
    assert "pain" not in advice.evidence
    assert (advice.support.contraction <= 1).all()
    for options, words in (
        ({"actions": ["fatigue=lo"]}, "did you mean 'low'"),
        ({"actions": ["tiredness"]}, "is not a node"),
        ({"actions": ["pain"]}, "is not a cause"),
        ({"actions": []}, "no action to judge"),
        ({"most": 0}, "at least 1"),
        ({"costs": {"fatigue": 0.0}}, "above 0"),
        ({"costs": {"fatigue": 1.0}}, "no cost of 'core_strength=strong'"),
        ({"costs": {}}, "no cost of 'core_strength=strong'.* and 'fatigue=low'; expected"),
        ({"costs": {"cost": 1.0}}, "not an action"),
    ):
        with pytest.raises(QueryError, match=words):
            recommend(core_prior, {}, **options)


def test_what_nobody_can_change_is_not_advised(core_prior):
    with pytest.raises(QueryError, match="'lumbar_load' cannot be advised on"):
        recommend(core_prior, {}, actions=["lumbar_load"])


def test_a_target_without_causes_says_so():
    posterior, _ = chain((0.2, 0.02))
    for ask in (recommend, ask_next):
        with pytest.raises(QueryError, match="target 'a0' has no causes in graph 'graph'"):
            ask(posterior, {}, target="a0")
    assert ask_next(posterior, {}, target="a0", gain=False).questions == ()


def test_a_target_whose_causes_nobody_can_change_says_so():
    graph = CausalGraph.from_edges([("a", "b"), ("b", "c")], dict.fromkeys("abc", ("no", "yes")))
    nodes = tuple(replace(node, modifiable=node.name == "b") for node in graph.nodes)
    posterior = random_posterior(np.random.default_rng(1), replace(graph, nodes=nodes))
    for ask in (recommend, ask_next):
        with pytest.raises(QueryError, match="No cause of the target 'b' is marked as modifiable"):
            ask(posterior, {}, target="b")
    assert recommend(posterior, {}, target="c").actions == ("b=no",)


def test_states_of_actions_may_be_numbers():
    graph = CausalGraph.from_edges([("x", "y")], {"x": [0, 1, 2], "y": ["no", "yes"]})
    posterior = random_posterior(np.random.default_rng(1), graph)
    assert recommend(posterior, {}, actions={"x": 1}).actions == ("x=1",)
    assert recommend(posterior, {}, actions={"x": [2, 0]}).actions == ("x=2", "x=0")


@pytest.mark.parametrize("costs", ["fatigue", ["fatigue"], 3])
def test_costs_are_a_mapping(core_prior, costs):
    with pytest.raises(QueryError, match="Costs should be a mapping of action or node"):
        recommend(core_prior, {}, actions=["fatigue"], costs=costs)


def test_a_cost_that_is_no_number_is_refused(core_prior):
    with pytest.raises(QueryError, match="The cost of 'fatigue' is a lot"):
        recommend(core_prior, {}, actions=["fatigue"], costs={"fatigue": "a lot"})


def test_what_is_said_of_the_actions():
    posterior, person = chain((0.2, 0.02), (0.0, 0.03), (-0.1, 0.02), (0.15, 0.02), (0.12, 0.02))
    advice = recommend(posterior, {**person, "y": "yes"}, costs=dict.fromkeys(person, 3))
    now, first, hundred, *others = advice.sentences()
    assert now.startswith("In people who answer the rest like this, whether they have y or not,")
    assert first.startswith("Of 5 actions, the best is no a0 (cost 3): a fall of 20.")
    assert hundred == (
        "Of 100 people who answer like this, about 20 fewer would have y, if the graph holds."
    )
    assert f"best of all with probability {percent(advice.best[0])} " in first
    assert "(evidence none along the path)" in first
    assert [said.split(" (cost")[0] for said in others[:2]] == [
        "Next is no a3",
        "Next is no a4",
    ]
    assert others[2:] == [
        "For one more action the interval includes no effect, or the effect rounds to nothing."
    ]
    assert "cost" not in recommend(posterior, person).text
    assert advice.row_label("a0=no") == "a0: no"
    one = recommend(posterior, person, actions=["a1"])
    assert one.sentences()[0].startswith("The risk of y is ")
    assert one.sentences()[1].startswith("The only action is no a1: a change of ")
    assert "which may be none" in one.sentences()[1]
    assert len(one.sentences()) == 2
    harm = recommend(posterior, person, actions=["a2", "a1"])
    assert any("no a2: a rise of 10." in said for said in harm.sentences())
    assert harm.sentences()[1].startswith(
        "Of 2 actions, no a1 comes first on average: a change of "
    )


def test_the_risk_that_an_action_leaves_is_that_before_less_the_reduction():
    posterior, person = chain((0.2, 0.02), (0.1, 0.03))
    table = recommend(posterior, person).table
    for name in ("a0", "a1"):
        after = intervene(posterior, person, {name: "no"}).draws.mean()
        assert table.loc[f"{name}=no", "risk_after"] == pytest.approx(after)


def test_an_interval_that_ends_at_zero_includes_no_effect():
    posterior, person = chain((0.2, 0.02), (0.1, 0.02), (0.1, 0.02), (0.1, 0.02))
    advice = recommend(posterior, person)
    spread = np.linspace(0.0, 1.0, 101)[:, None]
    # From the left: the best; a fall at or above 0; a change that is 0 or a rise; a clear rise.
    low, high = np.array([0.1, 0.0, -0.2, -0.2]), np.array([0.3, 0.2, 0.0, -0.1])
    draws = low + (high - low) * np.clip(spread * 2 - 0.5, 0, 1)
    known = replace(advice, draws=draws, before=np.full(101, 0.5))
    told = known.sentences()
    assert ["no a0" in told[1], "no a3" in told[3]] == [True, True]
    assert told[4:] == [
        "For 2 more actions the interval includes no effect, or the effect rounds to nothing."
    ]


def test_nothing_helps_at_exactly_no_effect():
    posterior, person = chain((0.2, 0.02))
    advice = recommend(posterior, person)
    for draws in (np.zeros((400, 1)), np.full((400, 1), 1e-16)):  # rounding helps nobody
        assert replace(advice, draws=draws).table["p_helps"].tolist() == [0.0]


@pytest.mark.parametrize(
    ("fall", "words"),
    [
        (0.204, "about 20 fewer would have y, if"),
        (0.0051, "about 1 fewer would"),
        (0.0049, "about as many would"),
        (-0.0049, "about as many would"),
        (-0.104, "about 10 more would"),
    ],
)
def test_a_difference_is_told_in_a_hundred_people(fall, words):
    posterior, person = chain((0.2, 0.02))
    advice = replace(recommend(posterior, person), draws=np.full((400, 1), fall))
    assert f"Of 100 people who answer like this, {words}" in advice.sentences()[2]


def test_no_more_than_three_actions_are_told():
    posterior, person = chain(*[(0.1 - 0.01 * place, 0.001) for place in range(5)])
    told = recommend(posterior, person).sentences()
    assert [said.split("no ")[1][:2] for said in (told[1], *told[3:])] == ["a0", "a1", "a2"]
    assert len(told) == 5  # the other two have an effect too, which is no news


def test_what_is_known_of_the_actions():
    """Grades of an action's best path; of several actions done together the worst."""
    edges = [("a", "y"), ("b", "m"), ("m", "y")]
    graph = CausalGraph.from_edges(edges, dict.fromkeys("abmy", ("no", "yes")), outcome="y")
    grades = {"a": "moderate", "b": "strong", "m": "weak"}
    graph = replace(graph, edges=tuple(replace(e, grade=grades[e.cause]) for e in graph.edges))
    posterior = random_posterior(np.random.default_rng(1), graph)
    advice = recommend(posterior, dict.fromkeys("ab", "yes"), actions=["a", "b"], most=2)
    assert dict(zip(advice.actions, advice.grades, strict=True)) == {
        "a=no": "moderate",
        "b=no": "weak",
        "a=no + b=no": "weak",
    }
    assert advice.row_label("a=no + b=no") == "a: no + b: no"
    # m lies downstream of b: kept as a sign, under the coupling.
    told = recommend(posterior, {"b": "yes", "m": "yes"}, actions=["a", "b"])
    assert told.coupling == "monotone"
    assert "(m) are kept" in told.notes[1]
    assert recommend(posterior, {"b": "yes", "m": "yes"}, actions=["a"]).coupling is None


def test_too_many_actions_together_are_refused(monkeypatch):
    posterior, _ = chain(*[(0.01, 0.01)] * 3)
    monkeypatch.setattr(recommendation, "_MOST_ACTIONS", 6)
    assert len(recommend(posterior, {}, most=2).actions) == 6
    with pytest.raises(QueryError, match=r"Up to 3 of 3 actions together make 7 .* 6"):
        recommend(posterior, {}, most=3)


def test_two_hundred_actions_are_compared_and_no_more():
    states = {"x": [f"s{place}" for place in range(202)], "y": ["no", "yes"]}
    graph = CausalGraph.from_edges([("x", "y")], states)
    posterior = random_posterior(np.random.default_rng(1), graph)
    assert len(recommend(posterior, {}, actions={"x": states["x"][:200]}).actions) == 200
    with pytest.raises(QueryError, match=r"Up to 1 of 201 actions together make 201 .* 200"):
        recommend(posterior, {}, actions={"x": states["x"][:201]})


def test_an_action_is_asked_for_once_and_with_spaces():
    posterior, _ = chain((0.2, 0.02), (0.1, 0.03))
    asked = ["a0", " a1 = yes ", "a0=no"]
    assert recommend(posterior, {}, actions=asked).actions == ("a0=no", "a1=yes")
    # Two states of one node are no two things to do together.
    both = recommend(posterior, {}, actions={"a0": ["no", "yes"], "a1": "no"}, most=2)
    assert both.actions == ("a0=no", "a0=yes", "a1=no", "a0=no + a1=no", "a0=yes + a1=no")
    assert [dict(setting) for setting in both.settings][-1] == {"a0": "yes", "a1": "no"}


def test_a_cost_of_an_action_comes_before_that_of_its_node():
    posterior, _ = chain((0.2, 0.02), (0.1, 0.03))
    actions = {"a0": ["no", "yes"], "a1": "no"}
    costs = {"a0": 2, "a0=yes": 3, "a1": 0.5}
    assert recommend(posterior, {}, actions=actions, costs=costs).costs == (2, 3, 0.5)
    for cost in (float("inf"), float("nan"), -1):
        with pytest.raises(QueryError, match="'a1'"):
            recommend(posterior, {}, actions=actions, costs=costs | {"a1": cost})


def test_default_actions_are_those_advised_on_then_those_modifiable_then_all_causes():
    graph = CausalGraph.from_edges([(n, "y") for n in "abc"], dict.fromkeys("abcy", ("no", "yes")))

    def default(**change):
        posterior = random_posterior(np.random.default_rng(1), replace(graph, **change))
        return recommend(posterior, {}).actions

    assert default() == ("a=no", "b=no", "c=no")
    marked = tuple(replace(n, modifiable=n.name in "bc") for n in graph.nodes)
    assert default(nodes=marked) == ("b=no", "c=no")
    assert default(nodes=marked, roles=Roles(advised=("c",))) == ("c=no",)


def test_what_is_never_best_is_not_told_to_be_best_with_no_probability():
    posterior, person = chain((0.3, 0.01), (0.1, 0.01))
    advice = recommend(posterior, person)
    (second,) = (said for said in advice.sentences() if said.startswith("Next is "))
    assert advice.best[1] == 0.0
    assert "best of all" not in second
    close, person = chain((0.2, 0.02), (0.19, 0.02))
    assert "best of all" in recommend(close, person).sentences()[3]
