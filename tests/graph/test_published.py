"""Published figures: from files beside a graph or in the package; each mistake has its place."""

import csv
import json
import math
from dataclasses import replace
from importlib.resources import files

import pytest

from backrisk import CausalGraph, GraphError, load_graph
from backrisk.graph import Figure, Prevalence

GRAPH = """
name: mine
figures: study
nodes:
  x: {states: [low, mid, high]}
  z: {states: ["no", "yes"]}
  y: {states: [none, some, much]}
edges:
  - {cause: x, effect: y, claim: c, grade: weak}
  - {cause: z, effect: y, claim: c, grade: weak}
"""
GOOD = {
    "cause": "x", "effect": "y", "measure": "OR", "estimate": "2", "low": "1", "high": "4",
    "reference": "low or mid", "exposed": "high", "event": "y>=some", "adjusted_for": "z",
    "condition": "yes", "outcome": "o", "population": "p", "design": "cohort", "n": "80",
    "grade": "weak", "note": "of one, and two", "citation": "Someone 2001", "identifier": "10.1/X",
}  # fmt: skip


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def mine(tmp_path):
    """Load a graph beside whose file stand these figures and prevalences."""

    def load(figures=(GOOD,), prevalences=()):
        (tmp_path / "mine.yaml").write_text(GRAPH, encoding="utf-8")
        for kind, rows in (("evidence", figures), ("prevalence", prevalences)):
            if rows:
                write(tmp_path / f"study_{kind}.csv", rows)
        return load_graph(tmp_path / "mine.yaml")

    return load


def test_a_row_is_a_figure(mine):
    share = {"node": "y", "states": "some or much", "share": "0.2", "count": "", "n": "50"}
    graph = mine((GOOD, {"cause": "z", "effect": "y", "n": ""}), (share,))
    first, second = graph.figures
    assert first == Figure(
        "x", "y", "OR", 2.0, 1.0, 4.0, ("low", "mid"), ("high",), "y>=some", ("z",), True,
        "o", "p", "cohort", 80, "weak", "of one, and two", "Someone 2001", "10.1/X",
    )  # fmt: skip
    assert second == Figure("z", "y")
    assert first.contrast == (("low", "mid"), ("high",))
    assert graph.prevalences == (Prevalence("y", ("some", "much"), 0.2, n=50),)


def test_the_standard_error_is_that_of_the_interval():
    figure = Figure(
        "x", "y", "OR", 2.0, 2 * math.exp(-1.959964 * 0.3), 2 * math.exp(1.959964 * 0.3)
    )
    assert figure.log_estimate == pytest.approx(math.log(2))
    assert figure.standard_error == pytest.approx(0.3, abs=1e-6)
    bare = Figure("x", "y", "OR", 2.0)
    assert math.isnan(bare.standard_error)
    assert math.isnan(Figure("x", "y").log_estimate)


def test_a_saved_graph_keeps_its_figures_without_the_files(mine):
    share = {"node": "y", "states": "much", "share": "0.2"}
    graph = mine(prevalences=(share,))
    again = CausalGraph.from_dict(json.loads(json.dumps(graph.to_dict())))
    assert again.figures == graph.figures
    assert again.prevalences == graph.prevalences
    assert len(graph.figures) == len(graph.prevalences) == 1


def test_without_a_set_there_are_none():
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    assert graph.figures == graph.prevalences == ()
    assert "figures" not in graph.to_dict()


def changed(**cells):
    return {**GOOD, **cells}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (changed(cause="xx"), "'cause': unknown value 'xx'.*expected one of 'x', 'z', 'y'"),
        (changed(effect="w"), "'effect': unknown value 'w'"),
        (changed(adjusted_for="z q"), "'adjusted_for': unknown value 'q'"),
        (changed(measure="aOR"), r"'measure': unknown value 'aOR' \(did you mean 'OR'\?\)"),
        (changed(design="guess"), "'design': unknown value 'guess'"),
        (changed(grade="moderat"), r"'grade': .*did you mean 'moderate'"),
        (changed(reference="low or hihg"), "'reference': unknown value 'hihg'.*'low', 'mid'"),
        (changed(exposed="top"), "'exposed': unknown value 'top'"),
        (changed(exposed="mid or high"), "'exposed': value 'mid', expected a state that is not"),
        (changed(event="y>=none_"), "'event': unknown value 'none_'"),
        (changed(event="x>=mid"), "'event': value 'x>=mid', expected the effect"),
        (changed(event="y"), "'event': value 'y', expected the effect"),
        (changed(estimate="two"), "'estimate': value 'two', expected a number"),
        (changed(estimate="inf"), "'estimate': value 'inf', expected a number"),
        (changed(low="0"), "'low': value '0.0', expected a ratio above 0"),
        (changed(low="3"), "'low': value '3.0', expected low <= estimate <= high"),
        (changed(low=""), "'low': value 'None', expected low <= estimate <= high"),
        (changed(n="8.5"), "'n': value '8.5', expected a whole number"),
        (changed(condition="maybe"), "'condition': value 'maybe', expected yes or no"),
        (changed(measure="other"), "'measure': value 'other', expected a ratio, OR, RR or HR"),
        (changed(estimate=""), "conditions the prior needs a value in the column 'estimate'"),
        (changed(low="", high=""), "needs a value in the column 'low'"),
        (changed(reference=""), "needs a value in the column 'reference'"),
        (changed(exposed=""), "needs a value in the column 'exposed'"),
        (changed(event=""), "needs a value in the column 'event'"),
        (changed(effect=""), "no value in the column 'effect'"),
        (changed(causes="x"), r"unknown column 'causes' \(did you mean 'cause'\?\)"),
    ],
)
def test_a_mistake_names_file_row_column_and_value(mine, row, message):
    rows = [{**dict.fromkeys(row, ""), **GOOD}, row]
    if "causes" in row:
        rows = [row]
    with pytest.raises(GraphError, match=f"study_evidence.csv, row {len(rows) + 1}.*{message}"):
        mine(rows)


def test_a_share_is_held_to_its_node_too(mine):
    good = {"node": "y", "states": "much", "share": "0.2"}
    for cells, message in (
        ({"node": "w"}, "'node': unknown value 'w'"),
        ({"states": "more"}, "'states': unknown value 'more'"),
        ({"share": "20"}, "'share': value '20.0', expected a share between 0 and 1"),
        ({"share": "much"}, "'share': value 'much', expected a number"),
        ({"states": ""}, "no value in the column 'states'"),
    ):
        with pytest.raises(GraphError, match=f"study_prevalence.csv, row 2.*{message}"):
            mine(prevalences=({**good, **cells},))


def test_a_row_that_is_too_wide_is_refused(mine, tmp_path):
    mine()
    path = tmp_path / "study_evidence.csv"
    path.write_text("cause,effect\nx,y\nx,y,z\n", encoding="utf-8")
    with pytest.raises(GraphError, match="row 3: more cells than the 2 columns of the header"):
        load_graph(tmp_path / "mine.yaml")
    path.write_bytes(b"\xff")
    with pytest.raises(
        GraphError, match=r"study_evidence\.csv, line 1: cannot be read as UTF-8 text"
    ):
        load_graph(tmp_path / "mine.yaml")


def test_a_set_that_nobody_has_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(GRAPH, encoding="utf-8")
    with pytest.raises(
        GraphError, match="no published figures called 'study'; expected one of 'runner'"
    ):
        load_graph(path)


def test_figures_of_a_graph_made_in_code_are_checked_too():
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    good = Figure("x", "y", "OR", 2.0, reference=("no",), exposed=("yes",))
    assert replace(graph, figures=(good,)).figures == (good,)
    with pytest.raises(GraphError, match="figures, entry 2, column 'exposed': unknown value 'ye'"):
        replace(graph, figures=(good, replace(good, exposed=("ye",))))
    with pytest.raises(GraphError, match="figures, entry 1: expected a mapping"):
        CausalGraph.from_dict({**graph.to_dict(), "figures": ["x"]})
    with pytest.raises(GraphError, match="entry 1, column 'reference': value '3', expected a list"):
        CausalGraph.from_dict(
            {**graph.to_dict(), "figures": [{"cause": "x", "effect": "y", "reference": 3}]}
        )


def cells(kind):
    with (files("backrisk.graph") / "data" / f"runner_{kind}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_packaged_row_is_about_the_default_graph():
    graph = load_graph("runner")
    rows = cells("evidence")
    assert [f.cause for f in graph.figures] == [row["cause"] for row in rows]
    assert len(graph.prevalences) == len(cells("prevalence"))
    for figure, row in zip(graph.figures, rows, strict=True):
        assert figure.identifier == row["identifier"]


def test_a_smaller_graph_has_what_it_can_hold():
    core = load_graph("runner_core")
    assert {f.cause for f in core.figures} <= set(core.names)
    (wu,) = [f for f in core.figures if f.cause == "fatigue"]
    assert wu.adjusted_for == ()
    assert wu.condition


def test_no_study_conditions_the_same_contrast_twice():
    used = [f for f in load_graph("runner").figures if f.condition]
    keys = [(f.cause, f.contrast, f.event, f.citation) for f in used]
    assert len(set(keys)) == len(keys) >= 8
