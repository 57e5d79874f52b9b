"""Distinct answer patterns hold what the rows hold."""

from collections import Counter

import numpy as np
import pytest

from backrisk.graph import CausalGraph
from backrisk.survey import Codebook, Survey, tabulate

GRAPH = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
BOOK = Codebook.plain(GRAPH)


def survey(codes, **keys):
    return Survey(GRAPH, np.array(codes, np.int8), BOOK, **keys)


def test_without_weights_each_person_counts_one():
    found = tabulate(survey([[1, -1], [0, 0], [1, -1]]))
    assert found.codes.tolist() == [[0, 0], [1, -1]]
    assert found.codes.dtype == np.int8
    assert found.weights.tolist() == [1.0, 2.0]
    assert found.weights.dtype == np.float64
    assert found.squares.tolist() == [1.0, 2.0]
    assert found.people.tolist() == [1, 2]
    assert found.index.tolist() == [1, 0, 1]
    assert found.site is None


def test_weights_and_their_squares_are_summed():
    found = tabulate(survey([[1, 0], [0, 0], [1, 0]], weights=np.array([0.5, 2.0, 3.0])))
    assert found.weights.tolist() == [2.0, 3.5]
    assert found.squares.tolist() == [4.0, 9.25]
    assert found.people.tolist() == [1, 2]


def test_rows_that_stand_for_many_people_keep_their_sums():
    codes, people = [[1, 0], [0, 0]], np.array([3, 4])
    found = tabulate(survey(codes, people=people))
    assert found.people.tolist() == found.weights.tolist() == found.squares.tolist() == [4, 3]
    weights, squares = np.array([6.0, 2.0]), np.array([14.0, 1.5])
    found = tabulate(survey(codes, people=people, weights=weights, squares=squares))
    assert found.weights.tolist() == [2.0, 6.0]
    assert found.squares.tolist() == [1.5, 14.0]
    found = tabulate(survey(codes, people=people, weights=weights))
    assert found.squares.tolist() == [2.0, 6.0]  # what is not known is as if each weighed one


def test_people_of_different_sites_are_never_one_pattern():
    rng = np.random.default_rng(3)
    codes, site = rng.integers(-1, 2, (60, 2)), rng.integers(0, 2, 60)
    weights = rng.integers(1, 5, 60).astype(float)
    found = tabulate(survey(codes, site=site, sites=("x", "y"), weights=weights))
    expected = Counter()
    for row, place, weight in zip(codes.tolist(), site.tolist(), weights, strict=True):
        expected[(place, *row)] += weight
    keys = [(place, *row) for place, row in zip(found.site, found.codes.tolist(), strict=True)]
    assert keys == sorted(expected)
    assert found.weights.tolist() == [expected[key] for key in keys]
    assert (found.codes[found.index] == codes).all()
    assert (found.site[found.index] == site).all()


def test_a_survey_tells_its_people_and_how_many_answered():
    one = survey([[1, -1], [0, 0]])
    assert (one.n, one.answered.to_dict()) == (2, {"a": 1.0, "b": 0.5})
    many = survey([[1, -1], [0, 0]], people=np.array([3, 1]))
    assert many.n == 4
    assert many.answered["b"] == pytest.approx(0.25)
