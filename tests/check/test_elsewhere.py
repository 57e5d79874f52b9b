"""What carrying changed: each number held to the answer of the package that it stands for."""

import numpy as np
import pandas as pd
import pytest
from strategies import random_posterior

from backrisk import CausalGraph, QueryError, Survey, intervene, risk
from backrisk.check import Population, carried_risks, transport

TWO = ["no", "yes"]
GRAPH = CausalGraph.from_edges(
    [("age", "habit"), ("age", "pain"), ("habit", "pain")],
    {"age": TWO, "habit": TWO, "pain": ["none", "mild", "severe"]},
)
HERE = random_posterior(np.random.default_rng(1), GRAPH, 6)
ABOUT = {"name": "there", "differs": ["age", "pain"], "shares": {"age": 0.9, "pain": 0.3}}
THERE = transport(HERE, Population.from_dict(ABOUT, GRAPH))


def test_each_row_is_the_answer_that_it_is_named_after():
    rows = pd.DataFrame({"age": ["yes", "no", "yes"], "habit": ["no", None, "yes"]})
    rows["pain"] = ["none", "mild", "severe"]
    cohort = Survey.from_frame(rows, GRAPH)
    person = {"habit": "yes"}
    found = carried_risks(
        HERE, THERE, {"ann": person}, cohort=cohort, causes="habit", target="pain>=severe"
    )
    assert found.rows == (
        ("population", ""),
        ("person", "ann"),
        ("cohort", ""),
        ("effect", "habit"),
    )
    for model, draws in ((HERE, found.before), (THERE, found.after)):
        of_all, of_ann, of_cohort, effect = draws
        np.testing.assert_allclose(of_all, model.marginal("pain")[2])
        np.testing.assert_allclose(of_ann, risk(model, person, target="pain>=severe").draws)
        people = [{"age": "yes", "habit": "no"}, {"age": "no"}, {"age": "yes", "habit": "yes"}]
        each = [risk(model, who, target="pain>=severe").draws for who in people]
        np.testing.assert_allclose(of_cohort, np.mean(each, axis=0))
        set_to = [
            intervene(model, {}, {"habit": state}, target="pain>=severe").draws for state in TWO
        ]
        np.testing.assert_allclose(effect, set_to[1] - set_to[0])
    assert found.table["after"].tolist() == [each.mean() for each in found.after]
    told = found.text
    assert "in the population surveyed and" in told
    assert "Of ann it is" in told
    assert "Everybody having" in told


def test_only_a_model_and_the_same_carried_are_compared():
    for before, after in ((HERE, HERE), (THERE, THERE), (HERE.subset(2), THERE)):
        with pytest.raises(QueryError, match="the same model carried"):
            carried_risks(before, after)
    with pytest.raises(QueryError, match="is not a cause"):
        carried_risks(HERE, THERE, causes="pain")
