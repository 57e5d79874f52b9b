"""Tables over time: what is demanded of them, and what is kept of who answered."""

import json

import numpy as np
import pandas as pd
import pytest
from _panels import FRAME, GRAPH, NODES, book, frame

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey import Codebook, read_panel


def test_a_frame_of_timestamps_and_a_file_say_the_same(tmp_path):
    days = pd.Timestamp("2024-02-20 18:00") + pd.to_timedelta(FRAME["day"].astype(int), "D")
    table = FRAME.assign(day=days)
    expected = read_panel(table, GRAPH, book(), every="7D")
    table.to_csv(tmp_path / "p.csv", index=False, sep=";")
    found = read_panel(tmp_path / "p.csv", GRAPH, book(), every="7D", delimiter=";")
    assert found.codes.tolist() == expected.codes.tolist()
    assert (found.source, expected.source) == ("p.csv", "")


def test_weights_and_sites_are_one_a_person():
    table = FRAME.assign(w=[None, 2.5, None, 1], club=["x", "x", None, "y"])
    panel = read_panel(table, GRAPH, book(), weight="w", site="club")
    assert panel.weights.tolist() == [2.5, 1.0]
    assert (panel.site.tolist(), panel.sites) == ([0, 1], ("x", "y"))
    two = table.assign(w=[1, 2.5, None, 1], club=["x", "z", None, "y"])
    with pytest.raises(SurveyError) as caught:
        read_panel(two, GRAPH, book(), weight="w", site="club")
    assert [each.split(";")[0] for each in caught.value.problems] == [
        "frame, column 'club': 1 person has more than one site, as in rows 0 and 1",
        "frame, column 'w': 1 person has more than one weight, as in rows 0 and 1",
    ]
    none = table.assign(w=[None, 2.5, None, None])
    with pytest.raises(SurveyError, match="row 3, column 'w': value '', expected a weight"):
        read_panel(none, GRAPH, book(), weight="w", site="club")


def test_every_cell_person_and_time_that_is_wrong_is_told_at_once():
    table = frame(
        ["a", 0, "f", 20, "good", "no"],
        [None, 1, "f", 20, "good", "no"],
        ["a", "soon", "f", 20, "good", "no"],
        ["a", None, "f", 20, "good", "no"],
        ["a", 4, "x", 20, "good", "no"],
        ["a", None, "f", None, None, None],
    )
    with pytest.raises(SurveyError) as caught:
        read_panel(table, GRAPH, book())
    assert list(caught.value.problems) == [
        "frame, row 1, column 'who': nothing says whose row it is.",
        "frame, row 2, column 'day': value 'soon', expected a number.",
        "frame, row 3, column 'day': nothing says when, but the row has answers.",
        "frame, row 4, column 'sex': value 'x', expected one of 'f', 'm'.",
    ]


def test_rows_of_several_files_are_told_by_their_files(tmp_path):
    FRAME.iloc[:2].to_csv(tmp_path / "one.csv", index=False)
    FRAME.iloc[2:].to_csv(tmp_path / "two.csv", index=False)
    found = read_panel(tmp_path, GRAPH, book(), glob=True)
    assert found.codes.tolist() == read_panel(FRAME, GRAPH, book()).codes.tolist()
    FRAME.iloc[2:].assign(day=[90_000, 5]).to_csv(tmp_path / "two.csv", index=False)
    with pytest.raises(SurveyError, match=r"rows 2 \(one.csv\) and 2 \(two.csv\) are of one"):
        read_panel(tmp_path, GRAPH, book(), glob=True)
    FRAME.iloc[2:].assign(day=["soon", 5]).to_csv(tmp_path / "two.csv", index=False)
    with pytest.raises(SurveyError, match=r"two\.csv, row 2, column 'day': value 'soon'"):
        read_panel(tmp_path, GRAPH, book(), glob=True)


def test_what_is_needed_is_asked_for():
    bare = book().model_copy(update={"panel": None}).ignoring("who", "day")
    with pytest.raises(SurveyError) as caught:
        read_panel(FRAME, GRAPH, bare)
    assert [each.split(":")[1][:30] for each in caught.value.problems] == [
        " nothing says which column tel", " nothing says which column tel",
        " nothing says how long a slice",
    ]  # fmt: skip
    with pytest.raises(SurveyError, match=r"has no single column 'whoo' to be the id.*'who'"):
        read_panel(FRAME, GRAPH, bare, id="whoo", time="day", every=7)
    found = read_panel(FRAME, GRAPH, bare, id="who", time="day", every=7)
    moving = read_panel(FRAME, GRAPH, book({"constant": []}))
    assert found.codes.tolist() == moving.codes.tolist()
    with pytest.raises(SurveyError, match="read_panel, key 'every': The length of a slice, 'x'"):
        read_panel(FRAME, GRAPH, bare, id="who", time="day", every="x")
    with pytest.raises(SurveyError, match="has no rows"):
        read_panel(FRAME.iloc[:0], GRAPH, book())


def test_a_design_by_outcome_is_not_read_over_time():
    chosen = book(design={"kind": "case_control", "outcome": "pain"})
    with pytest.raises(SurveyError, match="chosen by the outcome, which is not read over time"):
        read_panel(FRAME, GRAPH, chosen)
    visits = book(design={"kind": "repeated", "person": "who"})
    assert read_panel(FRAME, GRAPH, visits).codebook.design is None


def test_spaces_around_an_identifier_do_not_part_a_person():
    spaced = FRAME.assign(who=["a", " a", "a ", "b"])
    assert read_panel(spaced, GRAPH, book()).codes.tolist() == read_panel(
        FRAME, GRAPH, book()).codes.tolist()  # fmt: skip


def test_items_and_whether_they_were_answered_follow_visits():
    """No visit is no refusal; a visit without an answer is."""
    refusing = {"mean": 0.5, "sd": 0.5}
    columns = {"mood": {"item": "mood", "reliability": 0.7, "nonresponse": refusing}}
    graph = CausalGraph.from_edges(
        [("feeling", "pain"), ("load", "pain")],
        {"feeling": ["good", "bad"], "load": NODES["load"], "pain": NODES["pain"]},
    )
    columns = {"mood": {**columns["mood"], "item": "feeling"}, "pain": {"node": "pain"}}
    data = {"name": "b", "graph": "graph", "columns": columns, "ignore": "rest"}
    own = Codebook.from_dict(data, graph)
    panel = read_panel(FRAME, graph, own, id="who", time="day", every=7)
    names = panel.graph.names
    assert names == ("feeling", "load", "pain", "mood", "mood_response")
    assert panel.codes[:, :, 3].tolist() == [[1, -1, 0], [-1, -1, -1]]
    assert panel.codes[:, :, 4].tolist() == [[0, -1, 0], [1, -1, -1]]


def test_who_was_not_asked_did_not_refuse():
    asked = {"node": "pain", "asked_if": {"when": "[mood] = 'bad'", "else": "no"}}
    panel = read_panel(FRAME, GRAPH, book(columns={"pain": asked}, panel={"combine": "worst"}))
    assert panel.codes[0, :, 3].tolist() == [0, -1, 1]
    assert panel.not_asked == {"pain": 2}
    number = {"node": "load", "type": "number", "cuts": [3, 4]}
    number["asked_if"] = {"when": "[mood] = 'bad'"}
    with pytest.raises(SurveyError, match="is not asked of everyone"):
        book({"combine": {"minutes": "mean"}}, {"minutes": number})


def test_many_people_and_slices_are_read():
    """20,000 people in twelve slices each, against a table that pandas makes of them."""
    rng = np.random.default_rng(5)
    people, periods = 20_000, 12
    pain = rng.integers(0, 2, (people, periods))
    there = rng.random((people, periods)) < 0.8
    there[:, 0] = True
    who, when = np.nonzero(there)
    answers = np.array(["no", "yes"])[pain[there]]
    table = pd.DataFrame({"who": who, "day": when * 7, "pain": answers, "mood": "good"})
    panel = read_panel(table, GRAPH, book())
    assert panel.codes[:, :, 3].tolist() == np.where(there, pain, -1).tolist()


def test_a_codebook_that_reads_over_time_is_written_and_read_back():
    rules = {"combine": {"minutes": "mean", "rest": "worst"}, "events": {"x": 0, "y": 2.5}}
    one = book({**rules, "dates": "day_first"})
    assert Codebook.from_dict(json.loads(json.dumps(one.to_dict())), GRAPH) == one
    assert book({"constant": "sex"}).panel == book({"constant": ["sex"]}).panel
    panel = read_panel(FRAME, GRAPH, book(), combine="worst").codebook
    assert Codebook.from_dict(panel.to_dict(), GRAPH) == panel
    assert panel.panel.every == "7"
