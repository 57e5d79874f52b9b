"""Two files of one person: what changed, and how much of it is answers and how much the model."""

import itertools
import json
import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from strategies import Brute, random_graph, random_person, random_posterior, seeds

import backrisk as br
from backrisk.errors import QueryError
from backrisk.queries import ChangedAnswer, saved

EXACT = {"rtol": 0, "atol": 1e-12}
STATES = {"x": ["no", "yes"], "z": ["no", "yes"], "y": ["none", "some", "severe"]}
GRAPH = br.CausalGraph.from_edges([("x", "y"), ("z", "y")], STATES, outcome="y")
MODEL = br.example_posterior()


def model(number, draws=3):
    return random_posterior(np.random.default_rng(number), GRAPH, draws=draws)


def file_of(posterior, person, day=date(2026, 11, 27)):
    return saved(posterior, person, day)


@pytest.mark.parametrize("seed", seeds(6, 40))
def test_parts_are_shapley_values_of_two_players_and_sum_to_the_change(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 4)
    models = [random_posterior(rng, graph, draws=2) for _ in range(2)]
    people = [random_person(rng, graph) for _ in range(2)]
    answer = br.follow_up(models[1], *people, earlier=models[0], target=graph.outcome)
    for draw in range(2):

        def value(coalition, draw=draw):
            chosen, person = (
                each[int(player in coalition)]
                for player, each in (("model", models), ("answers", people))
            )
            seen = {
                name: graph.node(name).code(label)
                for name, label in person.items()
                if name != graph.outcome
            }
            return Brute(chosen, draw).probability(lambda s: s[graph.outcome] > 0, seen)

        orders = list(itertools.permutations(("answers", "model")))
        shares = {
            player: sum(
                value({*order[: order.index(player) + 1]}) - value({*order[: order.index(player)]})
                for order in orders
            )
            / math.factorial(2)
            for player in ("answers", "model")
        }
        everything = {"answers", "model"}
        np.testing.assert_allclose(answer.before[draw], value(set()), **EXACT)
        np.testing.assert_allclose(answer.after[draw], value(everything), **EXACT)
        np.testing.assert_allclose(answer.by_answers[draw], shares["answers"], **EXACT)
        np.testing.assert_allclose(answer.by_model[draw], shares["model"], **EXACT)
    total = answer.by_answers + answer.by_model
    np.testing.assert_allclose(total, answer.after - answer.before, **EXACT)
    np.testing.assert_allclose(total, answer.draws, **EXACT)
    assert answer.parted == "both"


def test_of_one_model_all_is_answers_and_the_digits_are_those_of_risk():
    posterior = model(0)
    before, after = {"x": "yes"}, {"x": "no", "z": "yes"}
    answer = br.follow_up(posterior, file_of(posterior, before), file_of(posterior, after))
    assert answer.parted == "answers"
    assert (answer.before == br.risk(posterior, before).draws).all()
    assert (answer.after == br.risk(posterior, after).draws).all()
    assert (answer.after == br.consult(posterior, after).draws).all()
    assert (answer.by_answers == answer.draws).all()
    assert not answer.by_model.any()
    assert answer.table.index.tolist() == ["before", "after", "change"]
    same = br.follow_up(posterior, file_of(posterior, before), after, earlier=posterior)
    assert same.parted == "answers"


def test_nothing_changed_is_no_change():
    posterior = model(0)
    answer = br.follow_up(posterior, {"x": "yes"}, {"x": " yes ", "z": None})
    assert answer.changed == ()
    assert not answer.draws.any()
    assert "No answer differs" in answer.text


@pytest.mark.parametrize(
    ("then", "now", "codes", "told"),
    [
        ("severe", "severe", (2,), "Both files report"),
        ("severe", "some", (1, 2), "The earlier file reports"),
        ("severe", "none", (1, 2), "the later one reports no y"),
        ("none", "severe", (1, 2), "The earlier file reports no y"),
        ("severe", None, (1, 2), "the later one does not say"),
        (None, "some", (1, 2), "does not say whether there was any y"),
    ],
)
def test_both_are_asked_about_the_lower_severity_and_not_by_it(then, now, codes, told):
    posterior = model(1)
    people = [{"x": "yes", "y": then}, {"z": "yes", "y": now}]
    answer = br.follow_up(posterior, *people)
    assert answer.target.codes == codes
    assert answer.reported == (then, now)
    assert told in answer.text
    target = "y>=severe" if codes == (2,) else "y"
    assert (answer.before == br.risk(posterior, {"x": "yes"}, target=target).draws).all()
    assert (answer.after == br.risk(posterior, {"z": "yes"}, target=target).draws).all()
    given = br.follow_up(posterior, *people, target="y>=severe")
    assert given.target.codes == (2,)


def test_what_an_item_says_of_the_outcome_counts_for_no_estimate():
    items = br.CausalGraph.from_dict(
        {
            "name": "g",
            "nodes": {
                "x": {"states": ["no", "yes"]},
                "y": {"states": ["no", "yes"]},
                "sign": {"states": ["no", "yes"], "mechanism": "item"},
            },
            "edges": [
                {"cause": cause, "effect": effect, "claim": "It does.", "grade": "weak"}
                for cause, effect in (("x", "y"), ("y", "sign"))
            ],
            "outcome": "y",
        }
    )
    assert tuple(items.items) == ("sign",)
    cpts = {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]], "sign": [[0.9, 0.1], [0.2, 0.8]]}
    posterior = br.Posterior.from_cpts(items, cpts)
    answer = br.follow_up(posterior, {"x": "yes", "sign": "yes"}, {"x": "yes", "sign": "no"})
    assert answer.before.tolist() == answer.after.tolist() == [0.8]
    assert [each.name for each in answer.changed] == ["sign"]


def test_answers_are_added_changed_and_removed():
    before = {"plank_seconds": 28, "fatigue": "high", "low_mood": "no", "weight_kg": "NA"}
    after = {"plank_seconds": 28.0, "fatigue": "low", "sex": "female", "weight_kg": 60}
    answer = br.follow_up(MODEL, file_of(MODEL, before), file_of(MODEL, after))
    assert set(answer.changed) == {
        ChangedAnswer("fatigue", "changed", "high", "low", "fatigue"),
        ChangedAnswer("sex", "added", None, "female", "sex"),
        ChangedAnswer("weight_kg", "added", None, 60, None),
        ChangedAnswer("low_mood", "removed", "no", None, "low_mood"),
    }
    told = answer.to_dict()
    assert json.loads(json.dumps(told)) == told
    assert told["before"]["date"] == "2026-11-27"
    assert told["before"]["model"] == told["after"]["model"] == MODEL.checksum
    assert [each["name"] for each in told["changed"]] == [each.name for each in answer.changed]


def test_without_the_earlier_model_both_are_read_by_todays_and_that_is_said():
    old, new = model(0), model(1)
    before, after = {"x": "yes"}, {"x": "no"}
    answer = br.follow_up(new, file_of(old, before), file_of(new, after))
    assert answer.parted == "today"
    assert "the earlier model is not at hand" in answer.text
    assert (answer.before == br.risk(new, before).draws).all()
    plain = br.follow_up(new, before, after)
    assert plain.parted == "unnamed"
    assert "does not name its model" in plain.text
    assert (plain.draws == answer.draws).all()


def test_no_draw_of_either_model_is_lost():
    """The model that has fewer uses its own again from the first: no interval loses its width."""
    new = model(1, draws=6)
    for draws in (1, 3, 12):
        old = model(0, draws=draws)
        answer = br.follow_up(new, {"x": "yes"}, {"x": "no"}, earlier=old)
        most = max(6, draws)
        now, then = br.risk(new, {"x": "no"}).draws, br.risk(old, {"x": "yes"}).draws
        assert answer.after.tolist() == np.resize(now, most).tolist()
        assert answer.before.tolist() == np.resize(then, most).tolist()
        assert answer.parted == "both"


def test_answers_that_another_model_does_not_know_are_left_out_and_named():
    old = br.Posterior.from_cpts(
        br.CausalGraph.from_edges([("x", "y")], {n: STATES[n] for n in "xy"}, outcome="y"),
        {"x": [0.5, 0.5], "y": [[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]]},
    )
    new = model(1)
    before, after = {"x": "yes"}, {"x": "yes", "z": "yes"}
    answer = br.follow_up(new, file_of(old, before), file_of(new, after), earlier=old)
    assert any("The earlier model does not understand" in each for each in answer.notes)
    assert any(each.endswith(": z.") for each in answer.notes)
    back = br.follow_up(old, file_of(new, after), file_of(old, before))
    assert any("Today's model does not understand" in each for each in back.notes)
    with pytest.raises(QueryError, match="'z'"):  # a mistake, where the model is the file's own
        br.follow_up(old, after, before)


def test_parts_of_a_model_are_the_model():
    posterior = model(0, draws=8)
    before = file_of(posterior, {"x": "yes"})
    assert br.follow_up(posterior.subset(4), before, {"x": "no"}).parted == "answers"


def test_a_wrong_pair_is_refused():
    old, new = model(0), model(1)
    first, last = file_of(new, {"x": "yes"}, date(2026, 1, 1)), file_of(new, {"x": "no"})
    with pytest.raises(QueryError, match="dated 2026-11-27, after the later one"):
        br.follow_up(new, last, first)
    with pytest.raises(QueryError, match=f"{new.checksum}, and the earlier model given is"):
        br.follow_up(new, first, last, earlier=old)
    over_time = br.Posterior.from_cpts(
        br.unroll(br.CausalGraph.from_text("x -> y; y[-1] -> y"), 2),
        {"x": [0.5, 0.5], "y": [[0.9, 0.1], [0.3, 0.7]], "y__1": [[[0.9, 0.1], [0.3, 0.7]]] * 2},
    )
    with pytest.raises(QueryError, match="ask 'review'"):
        br.follow_up(over_time, {}, {})


def test_a_later_file_of_another_model_is_told():
    old, new = model(0), model(1)
    answer = br.follow_up(new, {"x": "yes"}, file_of(old, {"x": "no"}))
    assert any("saved with another model" in each for each in answer.notes)
    assert replace(answer, changed=()).sentences()[-1].startswith("No answer differs")
