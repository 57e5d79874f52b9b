"""What a plan does and would have done, against enumeration; and two examples in closed form."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from histories import ROWS, TWO, agree, asked, chain, codes_of, expected, history_of, under
from strategies import Brute, seeds

import backrisk as br
from backrisk.inference import replaying
from backrisk.queries.over_time import working
from backrisk.queries.over_time.effects import ContrastOverTime


@pytest.fixture
def simulate_all(monkeypatch):
    monkeypatch.setattr(working, "_CELLS", 0)


def planned(seed):
    rng, posterior, node = asked(seed)
    state = str(rng.choice(posterior.graph.template.node(node).states))
    return rng, posterior, node, state


@pytest.mark.parametrize("seed", seeds(8, 100))
def test_a_plan_from_the_next_period_on_is_the_enumeration(seed):
    rng, posterior, node, state = planned(seed)
    graph, target = posterior.graph, posterior.graph.template.outcome
    history, last = history_of(rng, posterior, 1), graph.periods - 1
    code = graph.template.node(node).code(state)
    evidence, name = codes_of(graph, history), graph.at(target, last)
    before = expected(posterior, evidence, lambda s: s[name] > 0)
    for until in {1, last}:
        setting = {graph.at(node, t): lambda s: code for t in range(1, until + 1)}
        answer = br.intervene(posterior, history, {node: state}, until=until, period=last)
        after = expected(posterior, evidence, lambda s: s[name] > 0, setting)
        np.testing.assert_allclose(answer.draws, after, rtol=0, atol=1e-10)
        np.testing.assert_allclose(answer.before, before, rtol=0, atol=1e-10)
        assert answer.error is None


@pytest.mark.parametrize("seed", seeds(5, 100))
def test_what_would_have_been_is_the_enumeration_of_both_worlds(seed):
    rng, posterior, node, state = planned(seed)
    graph, target = posterior.graph, posterior.graph.template.outcome
    history, first = history_of(rng, posterior, graph.periods, 0.6), int(rng.integers(2))
    code, name = graph.template.node(node).code(state), graph.at(target, graph.periods - 1)
    do = {graph.at(node, t): code for t in range(first, graph.periods)}
    truth = [
        Brute(posterior, draw).counterfactual(lambda s: s[name] > 0, codes_of(graph, history), do)
        for draw in range(posterior.draws)
    ]
    answer = br.counterfactual(posterior, history, {node: state}, from_=first)
    assert isinstance(answer, ContrastOverTime)
    np.testing.assert_allclose(answer.draws, truth, rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", seeds(4, 60))
def test_simulated_answers_agree_within_their_error(seed, simulate_all):
    rng, posterior, node, state = planned(seed)
    graph, target = posterior.graph, posterior.graph.template.outcome
    history, last = history_of(rng, posterior, graph.periods, 0.6), graph.periods - 1
    code, name = graph.template.node(node).code(state), graph.at(target, last)
    do = {graph.at(node, t): code for t in range(graph.periods)}
    evidence = codes_of(graph, history)
    twin = [
        Brute(posterior, draw).counterfactual(lambda s: s[name] > 0, evidence, do)
        for draw in range(posterior.draws)
    ]
    answer = br.counterfactual(posterior, history, {node: state}, samples=1000, seed=seed)
    agree(answer.draws, twin, answer.error[1])
    setting = {graph.at(node, t): lambda s: code for t in range(1, last + 1)}
    evidence = codes_of(graph, history[:1])
    after = expected(posterior, evidence, lambda s: s[name] > 0, setting)
    before = expected(posterior, evidence, lambda s: s[name] > 0)
    found = br.intervene(
        posterior, history[:1], {node: state}, period=last, samples=1000, seed=seed
    )
    agree(found.draws, after, found.error[1])
    agree(found.before, before, found.error[0])
    agree(found.change, after - before, found.error[2])


@pytest.mark.parametrize("seed", seeds(4, 60))
def test_weighted_answers_agree_within_their_error(seed, simulate_all, monkeypatch):
    rng, posterior, node, state = planned(seed)
    history = history_of(rng, posterior, posterior.graph.periods, 0.6)
    drawn = br.counterfactual(posterior, history, {node: state}, samples=4000, seed=seed)
    monkeypatch.setattr(replaying, "DRAWN_CELLS", 0)
    answer = br.counterfactual(posterior, history, {node: state}, samples=2000, seed=seed)
    both = np.hypot(answer.error, drawn.error)
    agree(answer.draws, drawn.draws, both[1], samples=2000)
    agree(answer.before, drawn.before, both[0], samples=2000)
    assert ("count by how well they agree" in answer.text) == ("independent ones" in answer.text)


def test_a_history_that_few_samples_agree_with_is_refused(simulate_all, monkeypatch):
    monkeypatch.setattr(replaying, "DRAWN_CELLS", 0)
    posterior = replace(chain(), graph=chain().graph.extended(9))
    history = [{}] + [{"y": "yes"}, {"y": "no"}] * 4
    with pytest.raises(br.QueryError, match=r"too few agree with it: .* of [xy] in period \d"):
        br.intervene(posterior, history, {"x": "no"}, target="y", samples=10)
    answer = br.intervene(posterior, history, {"x": "no"}, target="y", samples=2000)
    assert "since the history leaves too much open" in answer.text


@pytest.mark.parametrize("cells", [2**25, 0])
@pytest.mark.parametrize("seed", range(6))
def test_a_plan_of_what_was_reported_changes_nothing_to_the_bit(seed, cells, monkeypatch):
    monkeypatch.setattr(working, "_CELLS", cells)
    rng, posterior, node, _ = planned(seed)
    graph = posterior.graph
    history = history_of(rng, posterior, graph.periods)
    for answers in history:
        answers[node] = str(rng.choice(graph.template.node(node).states))
    plan = [{node: answers[node]} for answers in history]
    for ask, more in ((br.intervene, {"from_": 0}), (br.counterfactual, {})):
        answer = ask(posterior, history, plan, period=graph.periods, **more)
        np.testing.assert_array_equal(answer.draws, answer.before)
        if answer.error is not None:
            assert answer.error[2] == 0


@pytest.mark.parametrize("cells", [2**25, 0])
def test_the_future_changes_no_past_answer(cells, monkeypatch):
    monkeypatch.setattr(working, "_CELLS", cells)
    history = [{"x": "yes"}, {"y": "yes"}]
    for ask in (br.counterfactual, br.intervene):
        first = {"from_": 0} if ask is br.counterfactual else {"from_": 2}
        short, long = (
            ask(chain(), history, {"x": "no"}, target="y", period=2, until=until, **first)
            for until in (2, 7)
        )
        np.testing.assert_array_equal(short.before, long.before)
        np.testing.assert_array_equal(short.draws, long.draws)


def test_a_long_simulation_under_the_plan_is_what_the_formula_says():
    """From the tables alone: 200,000 people in a model of four periods, x set from period 1 on."""
    posterior, n = chain(), 200_000
    rng = np.random.default_rng(5)
    rows, lasting = np.array(ROWS)[:, 1], np.array([ROWS, [[0.4, 0.6], [0.1, 0.9]]])[..., 1]
    y = rng.random(n) < rows[1]  # x is reported as yes in period 0
    for _ in range(3):
        y = rng.random(n) < lasting[0, y.astype(int)]
    answer = br.intervene(posterior, [{"x": "yes"}], {"x": "no"}, target="y", period=3)
    error = np.sqrt(y.mean() * (1 - y.mean()) / n)
    assert abs(answer.draws.item() - y.mean()) < 4 * error


def feedback():
    """Treatment, what follows from it and from a hidden cause of the outcome, treatment again.

    Returns what is known of each node and the chance of "yes", as functions of what came before.
    """
    return {
        "u": lambda s: 0.5,
        "l": lambda s: 0.15 + 0.3 * s["a"] + 0.4 * s["u"],
        "a": lambda s: 0.2 + 0.55 * s["l"],
        "y": lambda s: 0.1 + 0.2 * s["a"] + 0.15 * s["before"] + 0.4 * s["u"],
    }


def test_treatment_confounder_feedback_needs_the_formula_and_adjustment_is_biased():
    """L0 -> A0 -> L1 -> A1 -> Y, with an unmeasured cause of L1 and Y (Robins 1986).

    In terms of the template: l leads to a in the same period, a to l one period later, and u,
    which is constant and hidden, to l and y; y hears a now and one period before.
    """
    nodes = (
        br.Node("u", TWO, constant=True),
        *(br.Node(name, TWO) for name in ("l", "a", "y")),
    )
    pairs = [("u", "l"), ("l", "a"), ("u", "y"), ("a", "y")]
    lagged = tuple(br.graph.Lagged(*pair, "claim") for pair in [("a", "l"), ("a", "y")])
    edges = tuple(br.Edge(*pair, "claim", "stated", "weak") for pair in pairs)
    template = br.CausalGraph("feedback", nodes, edges, lagged=lagged, outcome="y")
    chance = feedback()
    both = range(2)

    def row(p):
        return [1 - p, p]

    cpts = {
        "u": row(0.5),
        "l": [row(chance["l"]({"a": 0, "u": u})) for u in both],
        "a": [row(chance["a"]({"l": k})) for k in both],
        "y": [[row(chance["y"]({"a": a, "before": 0, "u": u})) for a in both] for u in both],
        "l__1": [[row(chance["l"]({"a": a, "u": u})) for a in both] for u in both],
        "y__1": [
            [[row(chance["y"]({"a": a, "before": b, "u": u})) for b in both] for a in both]
            for u in both
        ],
    }
    posterior = br.Posterior.from_cpts(br.unroll(template, 2), cpts)
    # In closed form: what is set no longer depends on l, so that u keeps its law.
    risk = {
        (b, a): np.mean([chance["y"]({"a": a, "before": b, "u": u}) for u in both])
        for a in both
        for b in both
    }
    truth = risk[1, 1] - risk[0, 0]
    found = {
        state: br.intervene(posterior, [{}], {"a": state}, from_=0, until=1, period=1).draws.item()
        for state in TWO
    }
    assert found["yes"] - found["no"] == pytest.approx(truth, abs=1e-12)
    assert truth == pytest.approx(0.35)
    # Adjustment holds l1 fixed, which a0 changes and u too: within l1, whoever was treated has u
    # less often. Contrasts given l0, l1 and both treatments, averaged over l0 and l1, are biased.
    joint = list(under(posterior, 0, {}))

    def share(event, **seen):
        inside = [(s, p) for s, p in joint if all(s[n] == c for n, c in seen.items())]
        return sum(p for s, p in inside if event(s)) / sum(p for _, p in inside)

    adjusted = 0.0
    for k, m in itertools.product(both, both):
        weight = share(lambda s: (s["l"], s["l__1"]) == (k, m))  # noqa: B023
        ill = [share(lambda s: s["y__1"], l=k, l__1=m, a=a, a__1=a) for a in both]
        hidden = [share(lambda s: s["u"], l=k, l__1=m, a=a, a__1=a) for a in both]
        assert hidden[1] < hidden[0] - 0.05
        adjusted += weight * (ill[1] - ill[0])
    assert truth - adjusted > 0.02
    # Nor is it enough to leave l1 alone: the crude contrast errs the other way.
    crude = share(lambda s: s["y__1"], a=1, a__1=1) - share(lambda s: s["y__1"], a=0, a__1=0)
    assert crude - truth > 0.02


def test_a_plan_against_a_constant_confounder_is_standardisation():
    """C leads to both: the formula averages over c, whoever is treated."""
    nodes = (br.Node("c", TWO, constant=True), br.Node("a", TWO), br.Node("y", TWO, persist=True))
    pairs = [("c", "a"), ("c", "y"), ("a", "y")]
    edges = tuple(br.Edge(*pair, "claim", "stated", "weak") for pair in pairs)
    template = br.CausalGraph("fixed", nodes, edges, outcome="y")
    now = np.array([[[0.9, 0.1], [0.8, 0.2]], [[0.6, 0.4], [0.3, 0.7]]])
    later = np.stack([now, 0.5 * now + [0.0, 0.5]], axis=2)  # who had it has it half the time
    cpts = {"c": [0.7, 0.3], "a": ROWS, "y": now, "y__1": later}
    posterior = br.Posterior.from_cpts(br.unroll(template, 2), cpts)
    answer = br.intervene(posterior, [{}], {"a": "yes"}, from_=0, until=2, period=2)
    truth = 0.0
    for share, p in zip([0.7, 0.3], now[:, 1, 1], strict=True):
        risk = p
        for _ in range(2):
            risk = (1 - risk) * p + risk * (0.5 * p + 0.5)
        truth += share * risk
    assert answer.draws.item() == pytest.approx(truth, abs=1e-12)


FOLLOWED = [
    {"node": "x", "state": "no", "periods": 1, "people": 40},
    {"node": "x", "state": "no", "periods": 2, "people": "fewer than 5"},
    {"node": "x", "state": "yes", "periods": 1, "people": 12},
    {"node": "x", "state": "yes", "periods": 2, "people": 0},
]


def with_counts():
    return replace(chain(), meta={"followed": FOLLOWED})


def test_how_many_ever_followed_a_plan_stands_beside_its_answer():
    ask = {"history": [{"y": "no"}], "target": "y"}
    posterior = with_counts()
    one = br.forecast(posterior, plan={"x": "no"}, **ask)
    assert "40 reported no x in some period" in one.text
    assert [(kept.people, kept.periods) for kept in one.followed] == [(40, 1)]
    plain = {"node": "x", "state": "no", "periods": 1, "asked": 1, "people": 40}
    assert one.to_dict()["followed"] == [plain]
    long = br.intervene(posterior, [{"y": "no"}], {"x": "no"}, target="y", period=4)
    assert "fewer than 5 reported no x for 2 periods running; the plan asks for 4" in long.text
    for period in (2, 5):
        with pytest.raises(
            br.QueryError, match=r"Nobody whom the model was fitted on (ever )?reported 'x'"
        ):
            br.intervene(posterior, [{}], {"x": "yes"}, target="y", period=period)
    rule = {"x": {"if": {"y": "yes"}, "then": "no"}}
    ruled = br.forecast(posterior, plan=rule, **ask)
    assert "followed a rule is not counted" in ruled.text
    hidden = [{**each, "people": 0} for each in FOLLOWED]
    for meta in ({}, {"followed": hidden}):
        unasked = br.intervene(replace(chain(), meta=meta), [{}], {"x": "no"}, target="y")
        assert unasked.followed is None
        assert "not known to the model" in unasked.text


@pytest.mark.parametrize(
    ("every", "said"),
    [
        *(("30D", "A period is 30 days."), ("1W", "A period is a week.")),
        *(("2M", "A period is 2 months."), ("0.5", "A period is 0.5 in the unit of time")),
    ],
)
def test_how_long_a_period_is_is_said(every, said):
    posterior = replace(chain(), meta={"panel": {"every": every}})
    asked_of = (posterior, [{"y": "no"}])
    assert said in br.forecast(*asked_of, target="y").text
    assert said in br.intervene(*asked_of, {"x": "no"}, target="y").text
    assert said in br.recommend(*asked_of, target="y").text
    assert said in br.attribute(*asked_of, target="y").text


def test_what_it_says():
    history = [{"y": "no"}, {"x": "yes", "y": "yes"}]
    answer = br.counterfactual(chain(), history, {"x": "no"}, target="y", from_=1)
    assert "Had this person had no x (period 1), the probability of y in period 1" in answer.text
    assert "monotone coupling" in answer.text
    assert answer.to_dict()["period"] == 1
    assert answer.to_dict()["kind"] == "contrastovertime"
    assert answer.period == answer.since == 1
    ahead = br.intervene(chain(), history, {"x": "no"}, target="y", period=3)
    assert "With no x (periods 2 to 3), the risk of y in period 3" in ahead.text
    assert "given the history" in ahead.text


def test_a_simulated_answer_says_how(simulate_all):
    answer = br.intervene(chain(), [{}], {"x": "no"}, target="y", samples=100)
    assert "100 times for each of 1 draw (of 1); the Monte Carlo error is at most" in answer.text
    assert "monte_carlo_error" in answer.table


@pytest.mark.parametrize(
    ("ask", "more", "said"),
    [
        ("intervene", {"from_": 0}, "reports y in period 0, which setting x in period 0 would"),
        (
            "intervene",
            {"from_": 1, "person": [{}, {}, {"y": "yes"}]},
            "reports y in period 2, which setting x in period 1 would",
        ),
        ("intervene", {"from_": -1}, "no period -1"),
        ("intervene", {"until": 0}, "ends with period 0, before"),
        ("intervene", {"period": 10**6}, "no period 1000000"),
        ("intervene", {"do": [{"x": "no"}], "until": 3}, "leave out 'until'"),
        ("intervene", {"confounding": br.Confounding("x")}, "not worked out for histories"),
        ("counterfactual", {"coupling": "none"}, "no coupling"),
        ("intervene", {"person": {"x": "no"}, "from_": 1}, "of one moment"),
        ("counterfactual", {"person": {"x": "no"}, "period": 1}, "of one moment"),
    ],
)
def test_what_is_no_question_is_refused(ask, more, said):
    given = {"person": [{"y": "yes"}], "do": {"x": "no"}, "target": "y"} | more
    with pytest.raises(br.QueryError, match=said):
        getattr(br, ask)(chain(), **given)


def test_another_coupling_is_not_simulated(simulate_all):
    with pytest.raises(br.QueryError, match="use the monotone"):
        br.counterfactual(chain(), [{}], {"x": "no"}, target="y", coupling="independent")
