"""What a notebook shows of each value: short, escaped, on light and dark, with no person in it."""

from __future__ import annotations

import html
import re

import pytest

import backrisk as br
from backrisk._html import MOST_ROWS, block, table

STATES = {"x": ["no", "yes"], "y": ["no", "yes"]}
LONGEST = 200  # of a repr: two lines
POSTERIOR = br.example_posterior()
PERSON = br.example_person("weak_core")


def small():
    graph = br.CausalGraph.from_edges([("x", "y")], STATES, outcome="y")
    return br.Posterior.from_cpts(graph, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})


def panel():
    visits = br.simulate_panel(small().graph, 3, 2, seed=1)
    return br.read_panel(visits, small().graph, id="id", time="time", every=1)


VALUES = {
    "graph": lambda: POSTERIOR.graph,
    "unrolled": lambda: br.unroll(br.load_graph("runner_core"), 3),
    "posterior": lambda: POSTERIOR,
    "given": small,
    "codebook": lambda: POSTERIOR.codebook,
    "survey": lambda: br.Survey.from_frame(br.simulate(small().graph, 30, seed=1), small().graph),
    "panel": panel,
    "risk": lambda: br.risk(POSTERIOR, PERSON),
    "consult": lambda: br.consult(POSTERIOR, PERSON),
    "consult_back": lambda: br.consult(small(), {"x": "yes", "y": "yes"}),
    "diagnose": lambda: br.diagnose(POSTERIOR, PERSON),
    "attribute": lambda: br.attribute(small(), {"x": "yes"}),
    "recommend": lambda: br.recommend(small(), {"x": "yes"}),
    "ask_next": lambda: br.ask_next(small(), {}),
    "red_flags": lambda: br.red_flags(POSTERIOR, {}, ["fever", "night_pain"]),
    "red_flags_none": lambda: br.red_flags(small()),
    "follow_up": lambda: br.follow_up(small(), {"x": "yes"}, {"y": "no"}),
    "intervene": lambda: br.intervene(small(), {"x": "yes"}, {"x": "no"}),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_shown_in_a_line_and_in_a_screen(name):
    value = VALUES[name]()
    assert len(repr(value)) < LONGEST
    assert "\n" not in repr(value)
    assert "array(" not in repr(value)
    shown = value._repr_html_()
    assert shown.count("<tr") <= 2 * (MOST_ROWS + 1)
    for tag in ("table", "tr", "td", "th", "p", "div", "details", "ul", "li", "svg"):
        opened = re.findall(rf"<{tag}[\s>]", shown)
        assert len(opened) == shown.count(f"</{tag}>"), tag
    # A theme has its own ink and ground.
    assert not re.search(r"[\s;'\"]color:|background:(?!none)", shown)


def test_an_answer_shows_its_numbers_its_sentence_and_its_warnings():
    answer = br.risk(POSTERIOR, PERSON)
    plain = html.unescape(re.sub("<[^>]+>", " ", answer._repr_html_()))
    assert answer.sentences()[0] in plain
    for note in answer.notes:
        assert note in plain
    for warning in answer.warnings:
        assert warning in plain
    assert answer._repr_html_().count("<svg") == len(answer.table)


def test_a_difference_says_that_it_is_of_points():
    shown = br.attribute(small(), {"x": "yes"})._repr_html_()
    assert "points (" in shown
    assert "points (" not in br.risk(small(), {"x": "yes"})._repr_html_()


def test_a_question_is_shown_with_what_it_tells():
    questions = br.ask_next(small(), {})
    shown = questions._repr_html_()
    assert shown.count("<svg") == len(questions.table)


def test_nobody_is_shown():
    frame = br.simulate(small().graph, 30, seed=1)
    frame["x"] = [f"yes{i}" if i == 7 else each for i, each in enumerate(frame["x"])]
    with pytest.raises(br.SurveyError):
        br.Survey.from_frame(frame, small().graph)
    survey = br.Survey.from_frame(br.simulate(small().graph, 30, seed=1), small().graph)
    assert not re.search(r"\byes\b", survey._repr_html_())


def test_words_of_a_user_are_escaped():
    shown = block("<script>", table({"<b>": ["<i>"]}, [(0.5, 0.1, 0.9)]))
    assert "<script>" not in shown
    assert "<b><" not in shown.replace("<b>&lt;script&gt;</b>", "")
    assert "&lt;i&gt;" in shown


def test_bars_share_a_scale_that_holds_zero():
    shown = table({"": ["a", "b"]}, [(-0.2, -0.3, -0.1), (0.2, 0.1, 0.3)])
    zeros = set(re.findall(r"<path d='M([\d.]+) 0V", shown))
    assert zeros == {"60.0"}


def test_what_is_not_known_has_no_bar():
    shown = table({"": ["a", "b"]}, [(float("nan"),) * 3, (0.2, 0.1, 0.3)])
    assert shown.count("<circle") == 1
