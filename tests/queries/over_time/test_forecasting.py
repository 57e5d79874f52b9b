"""Forecasts against enumeration of the unrolled graph, exact and simulated, with a plan or not."""

import numpy as np
import pytest
from histories import ROWS, TWO, agree, asked, chain, codes_of, expected, history_of
from strategies import seeds

import backrisk as br
from backrisk.inference import replaying
from backrisk.queries.over_time import working


def curves(posterior, history, target, ahead, setting=()):
    """Risk and onset in each period, by enumeration: each ``(draw, period)``."""
    graph, evidence = posterior.graph, codes_of(posterior.graph, history)
    risk, onset = [], []
    for place, period in enumerate(ahead):
        name, before = graph.at(target, period), [graph.at(target, s) for s in ahead[:place]]
        risk.append(expected(posterior, evidence, lambda s, n=name: s[n] > 0, setting))
        onset.append(
            expected(
                posterior,
                evidence,
                lambda s, n=name, b=before: s[n] > 0 and not any(s[m] for m in b),
                setting,
            )
        )
    return np.column_stack(risk), np.column_stack(onset)


@pytest.mark.parametrize("seed", seeds(8, 100))
def test_a_forecast_is_the_enumeration(seed):
    rng, posterior, _ = asked(seed)
    graph, template = posterior.graph, posterior.graph.template
    target = template.outcome
    known = int(rng.integers(1, graph.periods))
    history = history_of(rng, posterior, known)
    ahead = list(range(known, graph.periods))
    answer = br.forecast(posterior, history, len(ahead))
    risk, onset = curves(posterior, history, target, ahead)
    np.testing.assert_allclose(answer.draws, risk, rtol=0, atol=1e-10)
    assert answer.error is None
    last = history[-1].get(target)
    assert (answer.onset is None) == (last != template.node(target).reference)
    assert (answer.recovery is None) == (last in (None, template.node(target).reference))
    if answer.onset is not None:
        np.testing.assert_allclose(answer.onset, onset, rtol=0, atol=1e-10)
    if answer.recovery is not None:
        np.testing.assert_allclose(answer.recovery, 1 - risk, rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", seeds(5, 60))
def test_a_simulated_forecast_agrees_within_its_error(seed, monkeypatch):
    monkeypatch.setattr(working, "_CELLS", 0)
    rng, posterior, _ = asked(seed)
    graph, template = posterior.graph, posterior.graph.template
    target = template.outcome
    history = history_of(rng, posterior, 1)
    history[0][target] = template.node(target).reference
    ahead = list(range(1, graph.periods))
    answer = br.forecast(posterior, history, len(ahead), seed=seed, samples=1000)
    risk, onset = curves(posterior, history, target, ahead)
    agree(answer.draws, risk, answer.error["risk"])
    agree(answer.onset, onset, answer.error["onset"])
    assert "1,000 times" in answer.text


@pytest.mark.parametrize("seed", seeds(4, 100))
def test_a_rule_is_followed_as_it_is_enumerated(seed):
    rng, posterior, node = asked(seed)
    graph, template = posterior.graph, posterior.graph.template
    target = template.outcome
    states = template.node(node).states
    first = template.node(target).reference
    rule = {node: {"if": {target: first}, "then": states[-1], "else": states[0]}}
    if seed % 2:
        del rule[node]["else"]
    history, ahead = history_of(rng, posterior, 1), list(range(1, graph.periods))
    otherwise = None if seed % 2 else 0
    setting = {
        graph.at(node, t): lambda s, t=t: (
            len(states) - 1 if s[graph.at(target, t - 1)] == 0 else otherwise
        )
        for t in ahead
    }
    answer = br.forecast(posterior, history, len(ahead), plan=rule, seed=seed, samples=1000)
    risk, _ = curves(posterior, history, target, ahead, setting)
    agree(answer.draws, risk, answer.error["risk"])


@pytest.mark.parametrize("seed", range(4))
def test_a_fixed_plan_is_the_truncated_factorisation(seed):
    rng, posterior, node = asked(seed)
    graph, template = posterior.graph, posterior.graph.template
    target = template.outcome
    state = template.node(node).states[-1]
    history, ahead = history_of(rng, posterior, 1), list(range(1, graph.periods))
    answer = br.forecast(posterior, history, len(ahead), plan={node: state})
    setting = {graph.at(node, t): lambda s: template.node(node).code(state) for t in ahead}
    risk, _ = curves(posterior, history, target, ahead, setting)
    np.testing.assert_allclose(answer.draws, risk, rtol=0, atol=1e-10)
    by_period = br.forecast(posterior, history, len(ahead), plan=[{node: state} for _ in ahead])
    np.testing.assert_array_equal(by_period.draws, answer.draws)


@pytest.mark.parametrize("cells", [2**25, 0])
def test_a_longer_forecast_changes_no_earlier_period(cells, monkeypatch):
    monkeypatch.setattr(working, "_CELLS", cells)
    posterior, history = chain(), [{"y": "no"}, {"x": "yes", "y": "no"}]
    short = br.forecast(posterior, history, 2, target="y")
    long = br.forecast(posterior, history, 6, target="y")
    rounding = 1e-14 if cells else 0.0
    for whole, part in ((long.draws, short.draws), (long.onset, short.onset)):
        np.testing.assert_allclose(whole[:, :2], part, rtol=0, atol=rounding)
    again = br.forecast(posterior, history, 6, target="y")
    np.testing.assert_array_equal(again.draws, long.draws)


def test_how_many_samples_are_held_at_once_changes_nothing(monkeypatch):
    monkeypatch.setattr(working, "_CELLS", 0)
    ask = {"history": [{"y": "no"}, {}], "periods": 2, "target": "y", "samples": 100}
    whole = br.forecast(chain(), **ask)
    monkeypatch.setattr(replaying, "_AT_ONCE", 70)
    few = br.forecast(chain(), **ask)
    np.testing.assert_array_equal(few.draws, whole.draws)
    np.testing.assert_array_equal(few.error["risk"], whole.error["risk"])


def test_what_it_says():
    answer = br.forecast(chain(), [{"x": "yes", "y": "no"}], 2, target="y")
    assert list(answer.table.index) == [
        f"{kind} in period {period}" for kind in ("risk", "onset") for period in (1, 2)
    ]
    assert answer.table["kind"].tolist() == ["risk", "risk", "onset", "onset"]
    text = answer.text
    assert "In period 1, the risk of y is 45 %" in text
    assert "With y absent in period 0" in text
    assert "Monte Carlo" not in text
    assert answer.to_dict()["periods"] == [1, 2]
    assert answer.row_label("risk in period 1") == "risk in period 1"
    there = br.forecast(chain(), [{"y": "yes"}], 2, target="y", plan={"x": "no"})
    assert "With no x (periods 1 to 2)" in there.text
    assert "With y present in period 0" in there.text
    assert "is not known to the model" in there.text
    unknown = br.forecast(chain(), [{"y": "no"}, {}], target="y")
    assert unknown.onset is None
    assert "neither onset nor recovery" in unknown.text


@pytest.mark.parametrize(
    ("history", "more", "said"),
    [
        ([], {}, "no period"),
        ({"y": "no"}, {}, "list of mappings"),
        ("y", {}, "list of mappings"),
        ([{"y": "no"}, 3], {}, "list of mappings"),
        ([{"y": "no"}, {"z": "no"}], {}, "Period 1 of the history: The person's answer 'z'"),
        ([{"y": "never"}], {}, "Period 0 of the history: The person's 'y'"),
        ([{"y__1": "no"}], {}, "'y__1'"),
        ([{}], {"periods": 0}, "at least one period"),
        ([{}], {"periods": 2000}, "limit is 1000"),
        ([{}], {"samples": 1}, "from 10 to"),
        ([{}], {"plan": 3}, "A plan should be"),
        ([{}], {"plan": {}}, "Nothing is set"),
        ([{}], {"plan": [{}, {}]}, "Nothing is set"),
        ([{}], {"plan": {"y": "no"}}, "cannot be set"),
        ([{}], {"plan": {"c": "no"}}, "same in every period"),
        ([{}], {"plan": {"x": {"if": {"y": "no"}}}}, "The rule for 'x'"),
        ([{}], {"plan": {"x": {"if": {"y": "never"}, "then": "no"}}}, "'never'"),
        ([{}], {"plan": {"x": {"if": {"w": "no"}, "then": "no"}}}, "'w'"),
        ([{}], {"plan": {"x": {"if": {}, "then": "no"}}}, "The rule for 'x'"),
        ([{}], {"plan": {"x": {"if": {"y": "no"}, "then": "no", "or": "no"}}}, "The rule for 'x'"),
        ([{"c": "no"}, {"c": "yes"}], {}, "'no' in period 0 and 'yes' in period 1"),
    ],
)
def test_what_is_no_question_is_refused(history, more, said):
    nodes = (br.Node("c", TWO, constant=True), br.Node("x", TWO), br.Node("y", TWO, persist=True))
    edges = [br.Edge(*pair, "claim", "stated", "weak") for pair in [("c", "x"), ("x", "y")]]
    graph = br.CausalGraph("own", nodes, tuple(edges))
    cpts = {"c": [0.5, 0.5], "x": ROWS, "y": ROWS, "y__1": [ROWS, ROWS]}
    posterior = br.Posterior.from_cpts(br.unroll(graph, 2), cpts)
    with pytest.raises(br.QueryError, match=said):
        br.forecast(posterior, history, **{"periods": 1, "target": "y"} | more)


def test_a_model_without_periods_is_refused():
    graph = br.CausalGraph.from_text("x -> y")
    cpts = {"x": [0.5, 0.5], "y": ROWS}
    with pytest.raises(br.QueryError, match="of one moment"):
        br.forecast(br.Posterior.from_cpts(graph, cpts), [{}], target="y")
    with pytest.raises(br.QueryError, match="has one period"):
        br.forecast(br.Posterior.from_cpts(br.unroll(graph, 1), cpts), [{}], target="y")


def test_raw_answers_are_read_through_the_codebook():
    template = br.load_graph("runner")
    book = br.load_codebook("runner", template)
    graph = br.unroll(book.extend(template), 2)
    truth = br.truth(graph)
    posterior = br.Posterior(graph, truth.fractions, truth.beta, codebook=book)
    given = {"samples": 20, "target": "pain"}
    raw = br.forecast(posterior, [{"plank_seconds": 35, "pain": "none"}], **given)
    state = book.encode_person({"plank_seconds": 35}, graph.template)
    named = br.forecast(posterior, [{**state, "pain": "none"}], **given)
    assert raw.evidence == named.evidence
    np.testing.assert_array_equal(raw.draws, named.draws)
    with pytest.raises(br.QueryError, match="Period 1 of the history"):
        br.forecast(posterior, [{}, {"plank_seconds": "long"}], **given)


@pytest.mark.parametrize(
    ("periods", "said"),
    [
        (1, "The plan has 3 entries, one a period, but only period 1 is forecast"),
        (2, r"has 3 entries, one a period, but only 2 periods are forecast \(1 to 2\)"),
    ],
)
def test_a_plan_of_more_entries_than_periods_is_refused(periods, said):
    with pytest.raises(br.QueryError, match=said):
        br.forecast(chain(), [{}], periods, target="y", plan=[{"x": "no"}] * 3)
    whole = br.forecast(chain(), [{}], 3, target="y", plan=[{"x": "no"}] * 3)
    kept = br.forecast(chain(), [{}], 3, target="y", plan={"x": "no"})
    np.testing.assert_array_equal(whole.draws, kept.draws)
