"""Completed surveys: their distribution by enumeration, and Rubin's rules on them."""

import itertools

import numpy as np
import pandas as pd
import pytest
from strategies import random_graph, random_posterior

import backrisk as br
from backrisk.errors import QueryError

N = 4000


def joint(posterior, draw):
    """Every joint state with its probability in one draw, written out."""
    graph = posterior.graph
    states = list(itertools.product(*(range(len(node.states)) for node in graph.nodes)))
    cpts = {name: posterior.cpt(name)[draw] for name in graph.names}
    place = {name: at for at, name in enumerate(graph.names)}
    chances = [
        np.prod([cpts[n][(*(s[place[p]] for p in graph.parents(n)), s[place[n]])] for n in place])
        for s in states
    ]
    return np.array(states), np.array(chances)


def survey_of(graph, rows):
    frame = pd.DataFrame(rows, columns=list(graph.names))
    return br.Survey.from_frame(frame, graph)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_missing_is_drawn_jointly_given_the_answers(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 4)
    one = random_posterior(rng, graph, draws=1)
    posterior = br.Posterior.from_cpts(
        graph, {name: np.repeat(one.cpt(name), N, axis=0) for name in graph.names}
    )
    last = graph.nodes[-1].states[-1]
    first, second = (graph.nodes[at].states[0] for at in (0, 1))
    rows = [["", "", "", last], ["", second, "", ""], [first, "", "", last]]
    found = br.impute(posterior, survey_of(graph, rows), N, seed=seed)
    states, chances = joint(one, 0)
    for person, row in enumerate(rows, start=1):
        mine = found[found["id"] == person]
        codes = np.array([mine[name].cat.codes for name in graph.names]).T
        fits = np.ones(len(states), bool)
        for at, label in enumerate(row):
            if label:
                fits &= states[:, at] == graph.nodes[at].code(label)
        expected = np.where(fits, chances, 0) / chances[fits].sum()
        counts = np.array([(codes == state).all(axis=1).mean() for state in states])
        error = np.sqrt(expected * (1 - expected) / N)
        assert (np.abs(counts - expected) <= 4.5 * error + 1e-12).all()


def test_pooled_estimate_and_variance_between_are_rubins():
    """The mean over imputations of a share, and its variance, in closed form.

    With q(d) the chance that x is yes given y in draw d, summed over people whose x is missing:
    the mean of the completed share is the mean of q, and its variance is that of q between draws
    and that of Bernoulli draws within.
    """
    rng = np.random.default_rng(3)
    graph = br.CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    a, b, c = (rng.beta(*shape, size=N) for shape in ((4, 6), (3, 7), (8, 3)))
    posterior = br.Posterior.from_cpts(
        graph,
        {
            "x": np.stack([1 - a, a], axis=-1),
            "y": np.stack([np.stack([1 - b, b], -1), np.stack([1 - c, c], -1)], axis=1),
        },
    )
    rows = [["yes", "yes"]] * 3 + [["", "yes"]] * 8 + [["", "no"]] * 5
    found = br.impute(posterior, survey_of(graph, rows), N, seed=1, nodes=["x"])
    shares = (found["x"] == "yes").groupby(found["imputation"]).mean()
    yes, no = a * c / (a * c + (1 - a) * b), a * (1 - c) / (a * (1 - c) + (1 - a) * (1 - b))
    mean = (3 + 8 * yes + 5 * no) / len(rows)
    within = (8 * yes * (1 - yes) + 5 * no * (1 - no)) / len(rows) ** 2
    between = mean.var() + within.mean()
    assert shares.mean() == pytest.approx(mean.mean(), abs=4 * np.sqrt(between / N))
    # The variance of a variance of nearly normal values.
    assert shares.var() == pytest.approx(between, rel=4 * np.sqrt(2 / N))
    # Imputations do not share their luck: neighbours are not alike.
    ahead = np.corrcoef(shares[:-1], shares[1:])[0, 1]
    assert abs(ahead) < 4 / np.sqrt(N)


def test_the_frame_keeps_answers_and_says_whose_they_are():
    posterior = br.example_posterior()
    graph = posterior.graph
    rows = [dict.fromkeys(graph.names, "") | {"fatigue": "high"}]
    survey = survey_of(graph, [[row[name] for name in graph.names] for row in rows])
    found = br.impute(posterior, survey, 3, seed=1, ids=["ann"], nodes=["pain", "fatigue"])
    assert list(found.columns) == ["imputation", "id", "pain", "fatigue"]
    assert found["imputation"].tolist() == [1, 2, 3]
    assert set(found["id"]) == {"ann"}
    assert set(found["fatigue"]) == {"high"}
    assert found["pain"].cat.ordered
    again = br.impute(posterior, survey, 3, seed=1, ids=["ann"], nodes=["pain", "fatigue"])
    pd.testing.assert_frame_equal(found, again)


def test_what_cannot_be_completed_is_told():
    graph = br.CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    sure = br.Posterior.from_cpts(graph, {"x": [[1, 0]] * 3, "y": [[[1, 0], [0.2, 0.8]]] * 3})
    survey = survey_of(graph, [["no", "no"], ["", "yes"]])
    with pytest.raises(QueryError, match="person 2 have probability zero"):
        br.impute(sure, survey, 2, seed=1)
    for n, told in ((4, "has 3"), (0, "at least 1"), (-1, "at least 1")):
        with pytest.raises(QueryError, match=f"Cannot draw {n} imputations: .*{told}"):
            br.impute(sure, survey, n, seed=1)
    alone = br.Posterior.from_cpts(graph, {"x": [[1, 0]], "y": [[[1, 0], [0.2, 0.8]]]})
    with pytest.raises(QueryError, match=r"Cannot draw 2 imputations: .* has only one"):
        br.impute(alone, survey, 2, seed=1)
    with pytest.raises(QueryError, match="1 id was given; the survey has 2 people"):
        br.impute(sure, survey, 2, seed=1, ids=["a"])
    with pytest.raises(QueryError, match="read for the graph"):
        br.impute(br.example_posterior(), survey, 2, seed=1)
    taken = br.CausalGraph.from_edges([("id", "y")], {"id": ["no", "yes"], "y": ["no", "yes"]})
    posterior = br.Posterior.from_cpts(taken, {"id": [[0.5, 0.5]] * 2, "y": [[[1, 0], [0, 1]]] * 2})
    with pytest.raises(QueryError, match="called 'id'"):
        br.impute(posterior, survey_of(taken, [["no", ""]]), 2, seed=1)
