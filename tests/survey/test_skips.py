"""Skipped questions: found where blanks follow an answer, and not where they fall by chance."""

import numpy as np
import pytest

from backrisk.survey.skips import Skip, find_skips

PLACES, STATES = {"gate": 0, "asked": 1}, {"gate": 3, "asked": 2}


def table(*rows):
    """Return codes of (gate, asked, how many)."""
    return np.repeat(
        np.array([row[:2] for row in rows]), [row[2] for row in rows], axis=0
    )  # fmt: skip


def test_a_question_that_was_asked_after_one_answer_only():
    codes = table((0, -1, 30), (1, 0, 20), (2, 1, 20), (-1, -1, 9))
    assert find_skips(codes, None, PLACES, STATES) == [Skip("asked", "gate", (0,), 30)]


def test_some_who_were_asked_may_have_left_it_blank():
    codes = table((0, -1, 30), (1, 0, 30), (2, -1, 5), (2, 1, 20))
    assert find_skips(codes, None, PLACES, STATES) == [Skip("asked", "gate", (0,), 30)]


def test_patterns_count_as_the_people_they_stand_for():
    codes, people = np.array([[0, -1], [1, 0], [2, 1]]), np.array([30, 20, 20])
    assert find_skips(codes, people, PLACES, STATES) == [Skip("asked", "gate", (0,), 30)]
    assert not find_skips(codes, None, PLACES, STATES)


@pytest.mark.parametrize(
    "rows",
    [
        [(0, -1, 3), (1, 0, 20), (2, 1, 20)],  # too few to tell
        [(0, -1, 30), (0, 1, 1), (1, 0, 30), (2, 1, 30)],  # one answered all the same
        [(0, -1, 30), (1, -1, 30), (2, -1, 30)],  # asked of nobody
        [(0, 0, 30), (1, 0, 30), (2, 1, 30)],  # asked of everyone
        [(0, -1, 30), (1, -1, 20), (1, 0, 10), (2, -1, 9), (2, 0, 9)],  # mostly blank anyhow
        [(0, -1, 30), (-1, 0, 30)],  # nothing to compare with
    ],
)
def test_nothing_is_found_where_the_blanks_do_not_show_it(rows):
    assert not find_skips(table(*rows), None, PLACES, STATES)


def test_what_the_codebook_says_already_is_not_told():
    codes = table((0, -1, 30), (1, 0, 20), (2, 1, 20))
    assert not find_skips(codes, None, PLACES, STATES, known=["asked"])


def test_blanks_by_chance_are_hardly_ever_taken_for_skips():
    """Of 200 tables with 20 columns each, at most one: the bound is one in a million a pair."""
    rng = np.random.default_rng(1)
    names = [f"c{i}" for i in range(20)]
    places, states = {name: i for i, name in enumerate(names)}, dict.fromkeys(names, 3)
    found = 0
    for _ in range(200):
        codes = rng.choice(3, p=[0.9, 0.06, 0.04], size=(150, 20))
        codes[rng.random(codes.shape) < rng.choice([0.05, 0.2, 0.4], size=20)] = -1
        found += len(find_skips(codes, None, places, states))
    assert found <= 1


def test_rows_are_laid_out_in_blocks(monkeypatch):
    codes = table((0, -1, 30), (1, 0, 20), (2, 1, 20))
    monkeypatch.setattr("backrisk.survey.skips._BLOCK", 7)
    assert find_skips(codes, None, PLACES, STATES) == [Skip("asked", "gate", (0,), 30)]
