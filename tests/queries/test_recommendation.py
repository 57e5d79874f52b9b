"""Advice by definition: reductions and information enumerated; numbers needed to treat."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Brute, random_graph, random_person, random_posterior

from backrisk import CausalGraph, Posterior, QueryError, ask_next, intervene, recommend, risk
from backrisk.inference import COUPLINGS
from backrisk.queries.recommendation import needed

EXACT = {"rtol": 0, "atol": 1e-10}


def entropy(p):
    p = np.asarray(p).ravel()
    p = p[p > 0]
    return -(p * np.log2(p)).sum()


@pytest.mark.parametrize("seed", range(200))
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


@settings(max_examples=40, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_information_and_gain_are_never_negative(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 6)
    posterior = random_posterior(rng, graph, draws=4)
    asked = ask_next(posterior, random_person(rng, graph))
    assert (asked.bits >= 0).all()
    assert (asked.gain >= 0).all()
    assert (asked.bits <= asked.entropy + 1e-12).all()


def test_without_answers_downstream_an_action_is_an_intervention():
    rng = np.random.default_rng(5)
    graph = random_graph(rng, 6, density=0.8)
    posterior = random_posterior(rng, graph, draws=5)
    person = {"n0": "s1"}
    advice = recommend(posterior, person)
    assert advice.coupling is None
    for column, setting in enumerate(advice.settings):
        after = intervene(posterior, person, setting).draws
        if "n0" in setting:  # there the reported value is replaced, not conditioned on
            continue
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


def test_the_table_ranks_and_counts_whom_to_treat():
    posterior, person = chain((0.2, 0.02), (0.0, 0.03), (-0.1, 0.02))
    advice = recommend(posterior, person)
    table = advice.table
    assert list(table.index) == ["a0=no", "a1=no", "a2=no"]
    low, high = np.quantile(advice.draws, [0.05, 0.95], axis=0)
    np.testing.assert_allclose(table["nnt"], 1 / advice.draws.mean(axis=0), **EXACT)
    np.testing.assert_allclose(table["nnt_low"], 1 / high, **EXACT)
    np.testing.assert_allclose(table["nnt_high"], 1 / low, **EXACT)
    # Altman 1998: benefit, then through infinity to harm, where the interval crosses zero.
    assert "to ∞ to harm" in table.loc["a1=no", "nnt_words"]
    assert table.loc["a2=no", "nnt_words"].startswith("harm")
    assert table["p_best"].sum() == pytest.approx(1)
    assert table.loc["a0=no", "p_best"] > 0.99
    assert (table["p_helps"] == (advice.draws > 0).mean(axis=0)).all()


def test_altmans_own_example():
    """Altman 1998, box: ARR 10 % with 95 % interval -5 % to 25 %: NNTB 10 (4 to inf to NNTH 20)."""
    assert needed(0.10, -0.05, 0.25) == "10 (benefit 4 to ∞ to harm 20)"


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
    assert advice.to_dict()["rows"] == []


def test_actions_can_be_chosen(core_posterior):
    advice = recommend(
        core_posterior,
        {"core_strength": "weak", "pain": "limiting"},
        actions={"core_strength": ["moderate", "strong"], "fatigue": "low"},
    )
    assert advice.actions == ("core_strength=moderate", "core_strength=strong", "fatigue=low")
    assert "pain is set aside" in advice.text
    assert "pain" not in advice.evidence
    assert (advice.data_support >= 0).all()
    for options, words in (
        ({"actions": ["fatigue=lo"]}, "did you mean 'low'"),
        ({"actions": ["tiredness"]}, "is no node"),
        ({"actions": ["pain"]}, "no cause"),
        ({"actions": []}, "empty"),
        ({"most": 0}, "at least 1"),
        ({"costs": {"fatigue": 0.0}}, "above 0"),
        ({"costs": {"fatigue": 1.0}}, "no cost of 'core_strength=strong'"),
        ({"costs": {"cost": 1.0}}, "no action"),
    ):
        with pytest.raises(QueryError, match=words):
            recommend(core_posterior, {}, **options)


def test_without_the_gain_all_else_is_the_same(core_posterior):
    whole = ask_next(core_posterior, {"fatigue": "high"})
    short = ask_next(core_posterior, {"fatigue": "high"}, gain=False)
    assert short.gain is None
    pd.testing.assert_frame_equal(short.table, whole.table.drop(columns="gain"))
    assert "action" not in short.text


def test_questions_can_be_chosen(core_posterior):
    asked = ask_next(core_posterior, {"fatigue": "high"}, candidates=["pelvic_tilt"])
    assert asked.questions == ("pelvic_tilt",)
    assert asked.draws.shape == (core_posterior.draws, 1)
    for candidates, words in (
        (["tilt"], "no node and no question"),
        (["fatigue"], "already reports"),
        (["pain"], "the target"),
    ):
        with pytest.raises(QueryError, match=words):
            ask_next(core_posterior, {"fatigue": "high"}, candidates=candidates)


def test_what_nobody_can_change_is_not_advised(core_posterior):
    with pytest.raises(QueryError, match="'lumbar_load' is nothing that a person could change"):
        recommend(core_posterior, {}, actions=["lumbar_load"])


def test_a_cost_that_is_no_number_is_refused(core_posterior):
    with pytest.raises(QueryError, match="The cost of 'fatigue' is a lot"):
        recommend(core_posterior, {}, actions=["fatigue"], costs={"fatigue": "a lot"})
