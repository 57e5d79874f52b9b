"""Advice over a horizon, against enumeration: reductions, numbers needed, who ever kept to it."""

from dataclasses import replace

import numpy as np
import pytest
from histories import agree, asked, chain, codes_of, expected, history_of
from strategies import random_posterior, seeds

import backrisk as br
from backrisk.queries import RecommendationOverTime
from backrisk.queries.over_time import working


def reductions(posterior, history, answer):
    """What each action takes off the risk, by enumeration, ``(draw, action)``."""
    graph, evidence = posterior.graph, codes_of(posterior.graph, history)
    name = graph.at(graph.template.outcome, answer.period)
    before = expected(posterior, evidence, lambda s: s[name] > 0)
    found = []
    for setting in answer.settings:
        do = {
            graph.at(node, t): lambda s, code=graph.template.node(node).code(state): code  # noqa: B008
            for node, state in setting.items()
            for t in range(answer.since + 1, answer.period + 1)
        }
        found.append(before - expected(posterior, evidence, lambda s: s[name] > 0, do))
    return before, np.column_stack(found)


@pytest.mark.parametrize("seed", seeds(5, 100))
def test_reductions_are_the_enumeration(seed):
    rng, posterior, node = asked(seed)
    graph = posterior.graph
    history, ahead = history_of(rng, posterior, 1), graph.periods - 1
    above = {graph.base(n)[0] for n in graph.ancestors(graph.at(graph.template.outcome, ahead))}
    if node not in above:
        with pytest.raises(br.QueryError, match="not a cause"):
            br.recommend(posterior, history, actions=node, periods=ahead)
        return
    states = graph.template.node(node).states
    answer = br.recommend(posterior, history, actions={node: list(states)}, periods=ahead)
    assert isinstance(answer, RecommendationOverTime)
    before, truth = reductions(posterior, history, answer)
    np.testing.assert_allclose(answer.before, before, rtol=0, atol=1e-10)
    np.testing.assert_allclose(answer.draws, truth, rtol=0, atol=1e-10)
    assert answer.actions == tuple(f"{node}={state}" for state in states)


def test_simulated_reductions_agree_within_their_error(monkeypatch):
    monkeypatch.setattr(working, "_CELLS", 0)
    posterior = replace_periods(chain(), 3)
    ask = {"actions": {"x": ["no", "yes"]}, "target": "y", "periods": 2, "samples": 2000}
    answer = br.recommend(posterior, [{"x": "yes", "y": "no"}], **ask)
    exact_answer = exact(posterior, ask, monkeypatch)
    agree(answer.draws, exact_answer.draws, answer.error)
    assert "2,000 times" in answer.text
    assert "monte_carlo_error" in answer.table


def replace_periods(posterior, periods):
    return replace(posterior, graph=posterior.graph.extended(periods))


def exact(posterior, ask, monkeypatch):
    monkeypatch.setattr(working, "_CELLS", 2**25)
    return br.recommend(posterior, [{"x": "yes", "y": "no"}], **ask)


def test_numbers_needed_have_a_time_and_are_the_inverse():
    answer = br.recommend(chain(), [{"x": "yes"}], target="y", periods=2)
    (reduction,) = answer.draws.mean(axis=0)
    number, low, high = answer.needed
    assert number.item() == low.item() == high.item() == pytest.approx(1 / reduction)
    row = answer.table.iloc[0]
    assert row["number_needed"] == pytest.approx(1 / reduction)
    told = int(np.ceil(1 / reduction))
    assert f"About {told} people like this" in answer.text
    assert "up to period 2 for one fewer to have y in that period" in answer.text
    assert "The risk of y in period 2 is" in answer.text
    assert answer.to_dict()["period"] == 2
    worse = br.recommend(chain(), [{"x": "no"}], target="y", actions="x=yes")
    assert worse.needed[0].item() < 0
    assert "would make one more" in worse.text
    open_end = replace(answer, draws=np.array([[-0.1], [0.2]]), before=np.array([0.5, 0.5]))
    assert np.isnan(open_end.needed).all()
    rounding = replace(answer, draws=np.full((2, 1), 1e-17))  # nobody is helped by it
    assert np.isnan(rounding.needed).all()
    assert "cannot be told" in open_end.text


def test_grades_and_what_nobody_measured_are_of_the_template():
    graph = br.CausalGraph.from_text("x -> z; z -> y; x[-1] -> x; y[-1] -> y")
    rows = [[0.9, 0.1], [0.3, 0.7]]
    lasting = [rows, rows]
    cpts = {"x": [0.5, 0.5], "z": rows, "y": rows, "x__1": rows, "y__1": lasting}
    posterior = br.Posterior.from_cpts(br.unroll(graph, 2), cpts)
    answered = {"x": 10, "x__1": 10, "y__1": 4, "z": 0, "z__1": 0}
    answer = br.recommend(
        replace(posterior, meta={"answered": answered}), [{}], target="y", actions="x", periods=6
    )
    assert answer.support.unmeasured == (("z",),)
    assert answer.grades == ("none",)
    assert br.recommend(posterior, [{}], target="y", actions="x").support.unmeasured == (None,)


def test_an_action_that_nobody_kept_to_is_left_out():
    records = [
        {"node": "x", "state": "no", "periods": 1, "people": 7},
        {"node": "x", "state": "yes", "periods": 1, "people": 0},
    ]
    posterior = replace(chain(), meta={"followed": records})
    ask = {"target": "y", "actions": {"x": ["no", "yes"]}}
    answer = br.recommend(posterior, [{}], **ask)
    assert answer.actions == ("x=no",)
    assert answer.table["followed"].tolist() == ["7"]
    assert (
        "Left out, because nobody whom the model was fitted on reported to have kept to it: x"
        in answer.text
    )
    with pytest.raises(br.QueryError, match="Nobody whom"):
        br.recommend(posterior, [{}], target="y", actions="x=yes")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"periods": 0}, "at least one period"),
        ({"actions": "w"}, "'w'"),
        ({"actions": "y"}, "not a cause"),
        ({"person": {"x": "no"}, "periods": 2}, "of one moment"),
        ({"costs": {"w": 1.0}}, "cost of 'w'"),
        ({"coupling": "none"}, "no coupling"),
    ],
)
def test_what_is_no_question_is_refused(more, said):
    with pytest.raises(br.QueryError, match=said):
        br.recommend(chain(), **{"person": [{}], "target": "y"} | more)


@pytest.mark.parametrize("modifiable", [False, True])
def test_a_constant_is_none_to_keep_to_and_no_question_is_named_that_refuses_it(modifiable):
    template = br.CausalGraph.from_text("sex -> y; x -> y; y[-1] -> y")
    nodes = tuple(
        replace(node, constant=node.name == "sex", modifiable=modifiable or node.name == "x")
        for node in template.nodes
    )
    graph = br.unroll(replace(template, nodes=nodes), 2)
    posterior = random_posterior(np.random.default_rng(0), graph)
    with pytest.raises(br.QueryError, match="same in every period") as refused:
        br.recommend(posterior, [{}], actions="sex", target="y")
    assert "intervention" not in str(refused.value)
    assert br.recommend(posterior, [{}], actions="x", target="y").actions == ("x=no",)
