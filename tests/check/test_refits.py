"""Folds of people, and surveys without them."""

import numpy as np

from backrisk import Codebook
from backrisk.check.refits import fold_counts, without
from backrisk.graph import CausalGraph
from backrisk.survey import Survey

GRAPH = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
CODES = np.array([[0, 0], [0, 1], [1, 1]], np.int8)


def test_everybody_is_in_one_fold_and_strata_are_spread():
    people, strata = np.array([7, 20, 3, 11]), np.array([0, 1, 1, 0])
    dealt = fold_counts(people, strata, 4, np.random.default_rng(1))
    assert (dealt.sum(axis=0) == people).all()
    assert np.ptp(dealt.sum(axis=1)) <= 1
    for stratum in (0, 1):
        assert np.ptp(dealt[:, strata == stratum].sum(axis=1)) <= 1
    other = fold_counts(people, strata, 4, np.random.default_rng(2))
    assert not np.array_equal(dealt, other)
    assert np.array_equal(dealt, fold_counts(people, strata, 4, np.random.default_rng(1)))


def test_rows_that_are_left_keep_their_weight_and_site():
    site, weights = np.array([0, 1, 1]), np.array([1.0, 2.0, 3.0])
    survey = Survey(GRAPH, CODES, Codebook.plain(GRAPH), weights, site, ("a", "b"))
    left = without(survey, np.array([0, 1, 0]))
    assert left.codes.tolist() == [[0, 0], [1, 1]]
    assert left.weights.tolist() == [1.0, 3.0]
    assert left.site.tolist() == [0, 1]
    assert left.sites == ("a", "b")
    assert left.n == 2


def test_people_who_were_counted_leave_their_share_of_the_weights():
    survey = Survey(
        GRAPH, CODES, Codebook.plain(GRAPH),
        weights=np.array([4.0, 6.0, 1.0]), people=np.array([2, 3, 1]),
        squares=np.array([8.0, 12.0, 1.0]),
    )  # fmt: skip
    left = without(survey, np.array([1, 0, 1]))
    assert left.people.tolist() == [1, 3]
    assert left.weights.tolist() == [2.0, 6.0]
    assert left.squares.tolist() == [4.0, 12.0]
