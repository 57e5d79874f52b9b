"""What each visit told, against enumeration of the unrolled graph given the history up to it."""

import numpy as np
import pytest
from histories import agree, asked, codes_of, expected, history_of
from strategies import seeds

import backrisk as br
from backrisk.errors import QueryError
from backrisk.queries.over_time import working


def enumerated(posterior, history, visit):
    """The risk at a visit by all but its own answer, and in the period after."""
    graph, target = posterior.graph, posterior.graph.template.outcome
    known = [dict(answers) for answers in history[: visit + 1]]
    after = graph.at(target, visit + 1)
    ahead = expected(posterior, codes_of(graph, known), lambda s: s[after] > 0)
    known[visit].pop(target, None)
    now = graph.at(target, visit)
    return expected(posterior, codes_of(graph, known), lambda s: s[now] > 0), ahead


@pytest.mark.parametrize("seed", seeds(6, 100))
def test_a_review_is_the_enumeration_and_looks_at_nothing_later(seed):
    rng, posterior, _ = asked(seed)
    last = posterior.graph.periods - 2
    history = history_of(rng, posterior, last + 1)
    answer = br.review(posterior, history)
    assert answer.visits == tuple(range(last + 1))
    for visit in answer.visits:
        now, ahead = enumerated(posterior, history, visit)
        np.testing.assert_allclose(answer.draws[:, visit], now, rtol=0, atol=1e-10)
        np.testing.assert_allclose(answer.ahead[:, visit], ahead, rtol=0, atol=1e-10)
    np.testing.assert_allclose(
        answer.ahead[:, -1], br.forecast(posterior, history, 1).draws[:, 0], rtol=0, atol=1e-12
    )
    assert answer.error is None


@pytest.mark.parametrize("seed", seeds(3, 30))
def test_a_simulated_review_agrees_within_its_error(seed, monkeypatch):
    monkeypatch.setattr(working, "_CELLS", 0)
    rng, posterior, _ = asked(seed)
    history = history_of(rng, posterior, 1)
    answer = br.review(posterior, history, seed=seed, samples=1000)
    now, ahead = enumerated(posterior, history, 0)
    agree(answer.draws, now[:, None], answer.error[0])
    agree(answer.ahead, ahead[:, None], answer.error[1])
    assert "Monte Carlo" in answer.text


def two():
    """Two visits of a chain whose answers are all known."""
    graph = br.CausalGraph.from_text("x -> y; x[-1] -> x; y[-1] -> y")
    rows = [[0.9, 0.1], [0.3, 0.7]]
    cpts = {"x": [0.5, 0.5], "y": rows, "x__1": rows, "y__1": [rows, [[0.4, 0.6], [0.1, 0.9]]]}
    return br.Posterior.from_cpts(br.unroll(graph, 2), cpts)


def test_what_changed_is_told_of_the_first_and_the_last_visit_asked_about():
    history = [{"x": "yes"}, {"y": "no"}, {"x": "yes", "y": "yes"}]
    answer = br.review(two(), history, [2, 0], target="y")
    assert answer.visits == (0, 2)
    assert [(c.node, c.before, c.after) for c in answer.changed] == [("y", None, "yes")]
    rows = {row["kind"]: row for row in answer.to_dict()["rows"] if row["visit"] == 2}
    assert rows["ahead_change"]["mean"] == pytest.approx(
        float(answer.ahead[0, 1] - answer.ahead[0, 0]), abs=1e-15
    )
    assert [answer.in_points(name) for name in answer.table.index] == [False] * 4 + [True] * 2
    assert answer.row_label("risk after period 2") == "risk after period 2"
    assert "period 0" in answer.text
    assert "not the effect" in answer.text


def test_what_is_no_visit_is_refused():
    for visits in ([], [0, 0], [2], [-1]):
        with pytest.raises(QueryError, match=r"distinct numbers from 0 to 1"):
            br.review(two(), [{}, {"y": "no"}], visits, target="y")
