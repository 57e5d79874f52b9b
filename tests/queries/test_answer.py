"""What every answer has: a text, plain values, the language of whoever reads it."""

import copy
import pickle
import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from backrisk import CausalGraph, Posterior, load_graph, recommend, risk
from backrisk.posterior import Diagnostics
from backrisk.queries import Answer, Target, read_target
from backrisk.queries import answer as module
from backrisk.words import disclaimer, speaking

TWO = ["no", "yes"]


@pytest.fixture
def posterior():
    graph = CausalGraph.from_edges([("x", "y")], {"x": TWO, "y": TWO})
    return Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]})


@pytest.fixture
def elsewhere(tmp_path):
    """A language with a few sentences and the name of one node."""
    (tmp_path / "phrases.yaml").write_text("language: Elsewhere\n", encoding="utf-8")
    (tmp_path / "queries.yaml").write_text(
        "risk: 'RISK OF {target}'\nset_aside: {present: 'ASIDE {node}'}\nclosing: 'END'\n"
        "warning: 'BEWARE {warning}'\n",
        encoding="utf-8",
    )
    (tmp_path / "names.yaml").write_text(
        "runner: {nodes: {pain: SORE}, targets: {pain: {not_limiting: ANY SORE}}}\n",
        encoding="utf-8",
    )
    return tmp_path


@pytest.mark.parametrize("bases", [(Answer,), (type("Part", (Answer,), {"table": 1}), Answer)])
def test_a_kind_of_answer_without_a_table_is_refused_when_it_is_made(bases):
    if bases == (Answer,):
        with pytest.raises(TypeError, match=r"Nothing .*'columns' or 'table'"):
            type("Nothing", bases, {})
    else:  # what a base defines is enough
        assert issubclass(type("Something", bases, {}), Answer)


@dataclass(frozen=True, eq=False)
class Plain(Answer):
    """An answer that has columns alone."""

    def columns(self):  # noqa: D102
        return {"name": ["a", "b"], "mean": [0.5, float("nan")]}

    def sentences(self):  # noqa: D102
        return ["One.", "Two."]


@dataclass(frozen=True, eq=False)
class Framed(Answer):
    """An answer that has a table alone."""

    @property
    def table(self):  # noqa: D102
        return pd.DataFrame({"mean": [0.5]}, index=["a"])

    def sentences(self):  # noqa: D102
        return []


def plain(kind=Plain, **more):
    graph = load_graph("runner_core")
    target = read_target(graph, None)
    return kind(np.zeros((3, 2)), target, {"fatigue": "high"}, graph=graph, **more)


def test_columns_and_table_are_made_of_each_other():
    table = plain().table
    assert table.index.tolist() == ["a", "b"]
    assert table.columns.tolist() == ["mean"]
    assert plain(Framed).columns() == {"name": ["a"], "mean": [0.5]}


def test_the_text_is_sentences_notes_warnings_and_a_closing():
    text = plain(notes=("Note.",), warnings=("Chains differ.",)).text
    assert text == (
        "One. Two. Note. Warning: Chains differ. Ranges are the 90 % equal-tailed interval. "
        + disclaimer()
    )


def test_plain_values_hold_everything_and_no_nan():
    answer = plain(notes=("Note.",), warnings=("Chains differ.",))
    assert answer.to_dict() == {
        "kind": "plain",
        "target": "current low back pain",
        "evidence": {"fatigue": "high"},
        "interval": {"kind": "equal-tailed", "probability": 0.9},
        "draws": 3,
        "rows": [{"name": "a", "mean": 0.5}, {"name": "b", "mean": None}],
        "text": answer.text,
        "notes": ["Note."],
        "warnings": ["Chains differ."],
    }


def test_an_answer_prints_as_its_text_in_lines(posterior):
    answer = risk(posterior, {"x": "yes"})
    assert " ".join(str(answer).split()) == answer.text
    assert max(map(len, str(answer).splitlines())) <= 88


def test_a_line_holds_88_characters():
    wide = replace(plain(), notes=("abc " * 40, "x" * 88, "ab " * 40))
    lengths = [len(line) for line in str(wide).splitlines()]
    assert max(lengths) == 88
    assert 86 in lengths  # 29 times "ab "; one more "ab" would be 89


def test_a_row_is_read_by_the_name_of_its_node():
    assert plain().row_label("pain") == "current low back pain"


def test_a_reader_is_told_once_that_the_sampling_is_not_sound(posterior):
    failed = ("R-hat is 1.2 for a [b | c].", "Chains differ.")
    warned = replace(posterior, diagnostics=Diagnostics("given", warnings=failed))
    text = risk(warned, {}).text
    assert text.count("Warning: ") == 1
    assert "did not pass its checks" in text
    assert "R-hat" not in text
    assert warned.warnings == failed
    assert "Warning" not in risk(posterior, {}).text


def test_an_answer_asked_in_one_language_is_read_in_another(core_prior, elsewhere):
    answer = risk(core_prior, {"fatigue": "high"})
    advice = recommend(core_prior, {"pain": "limiting"}, actions=["fatigue"])
    assert "low back pain" in advice.notes[-1]
    with speaking(elsewhere):
        assert answer.target.label == "ANY SORE"
        assert answer.text == "RISK OF ANY SORE END"
        assert advice.notes[-1] == "ASIDE SORE"
        asked = risk(core_prior, {"fatigue": "high"})
    assert asked.target.label == answer.target.label == "current low back pain"
    assert asked.text == answer.text


@pytest.mark.parametrize("again", [copy.copy, lambda a: pickle.loads(pickle.dumps(a)), replace])
def test_a_copy_is_read_in_any_language_too(core_prior, elsewhere, again):
    advice = again(recommend(core_prior, {"pain": "limiting"}, actions=["fatigue"]))
    with speaking(elsewhere):
        assert advice.notes[-1] == "ASIDE SORE"
        assert advice.target.label == "ANY SORE"


def test_a_target_has_to_be_named():
    with pytest.raises(TypeError, match="label"):
        Target("x", (1,))


def test_an_answer_is_drawn_by_the_room_that_registers_itself(monkeypatch):
    found = {}

    class Drawing:
        """An entry point."""

        @staticmethod
        def load():
            """Return what draws."""
            return lambda answer: ("figure", answer)

    def entry_points(**asked):
        found.update(asked)
        return (Drawing,)

    monkeypatch.setattr(module, "entry_points", entry_points)
    answer = plain()
    assert answer.plot() == ("figure", answer)
    assert found == {"group": "backrisk.plot", "name": "figures"}


def test_a_notebook_shows_the_first_rows_and_says_how_many_are_left():
    names = [f"n{i}" for i in range(15)]

    @dataclass(frozen=True, eq=False)
    class Long(Plain):
        def columns(self):
            return {"name": names, "mean": [0.5] * 15, "low": [0.25] * 15, "high": [0.75] * 15}

        def in_points(self, name):
            return name == "n1"

    shown = plain(Long, notes=("Note.",), warnings=("Chains differ.",))._repr_html_()
    for place, name in enumerate(names):
        assert (f">{name}</td>" in shown) == (place < 12)
    assert shown.count("<svg") == 12
    words = re.sub("<[^>]+>", "|", shown)
    assert re.search(r"n0\|+50 % \(25 to 75\)", words)
    assert re.search(r"n1\|+50 points \(25 to 75\)", words)
    assert "And 3 rows more." in words
    for said in ("Long: current low back pain", "One.", "Two.", "Warning: Chains differ."):
        assert said in words
    assert words.index("Chains differ") < words.index("Note.") < words.index(disclaimer())


def test_a_notebook_shows_of_a_question_what_it_would_tell():
    @dataclass(frozen=True, eq=False)
    class Question(Plain):
        def columns(self):
            return {"name": ["a", "b"], "share": [0.5, 0.0]}

    shown = plain(Question)._repr_html_()
    assert [shown.count(each) for each in ("50 %", "<svg", "rows more")] == [1, 2, 0]
    assert "share of what is uncertain" in shown


def test_a_notebook_shows_no_table_of_nothing():
    @dataclass(frozen=True, eq=False)
    class Nothing(Plain):
        def columns(self):
            return {"name": [], "mean": [], "low": [], "high": []}

    assert "<table" not in plain(Nothing)._repr_html_()
    assert "One." in plain(Nothing)._repr_html_()
