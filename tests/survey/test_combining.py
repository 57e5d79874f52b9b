"""What several visits, or several answers of a constant, come to: as a plain reading has it."""

import math

import numpy as np
import pandas as pd
import pytest
from _panels import FRAME, GRAPH, NODES, book, frame
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backrisk.errors import GraphError, SurveyError
from backrisk.graph import CausalGraph, Node
from backrisk.survey import Codebook, read_panel


@pytest.mark.parametrize(("panel", "sentence"), [
    ({"every": "fortnight"}, "key 'panel.every': The length of a slice, 'fortnight', should be"),
    ({"every": 0}, "The length of a slice, '0'"),
    ({"every": "-1D"}, "The length of a slice"),
    ({"combine": "mean"}, "'mean' needs numbers, and 'mood' has labels"),
    ({"combine": "any"}, "key 'panel.combine.rest': value 'any', expected one of 'last', 'first'"),
    ({"combine": {"pian": "last"}}, r"'pian' is not a column .*did you mean 'pain'"),
    ({"constant": ["height"]}, "key 'panel.constant': 'height' is not a column"),
    ({"combine": {"sex": "sum"}}, "'sum' needs numbers, and 'sex' has labels"),
    ({"constant": ["minutes"], "combine": {"minutes": "sum"}}, "what is the same at all times has"),
    ({"time": "who"}, "'who' cannot say both whose row it is and when"),
    ({"events": ["x", "x"]}, "spelled alike"),
    ({"persons": "who"}, "there is no such key"),
])  # fmt: skip
def test_a_codebook_that_contradicts_itself_is_refused(panel, sentence):
    with pytest.raises(SurveyError, match=sentence):
        book(panel)


def test_no_worst_where_states_have_no_order():
    nodes = (Node("kind", ("a", "b", "c"), nominal=True), Node("pain", ("no", "yes")))
    edges = CausalGraph.from_edges(
        [("kind", "pain")], {"kind": ["a", "b", "c"], "pain": ["no", "yes"]}
    ).edges
    graph = CausalGraph("graph", nodes, edges)
    data = {"name": "b", "graph": "graph", "columns": {"k": {"node": "kind"}}}
    with pytest.raises(SurveyError, match="the states of 'kind' have no order"):
        Codebook.from_dict({**data, "panel": {"combine": "worst"}}, graph)


def test_arguments_come_before_the_codebook_and_rules_of_columns_before_those_of_all():
    stated = book({"combine": {"mood": "first"}})
    table = FRAME.assign(day=0)
    worst = read_panel(table, GRAPH, stated, combine="worst")
    assert worst.codes[0, 0, 1:].tolist() == [1, 0, 1]
    one = read_panel(table, GRAPH, stated, combine={"pain": "first"})
    assert one.codes[0, 0, 1:].tolist() == [1, 0, 0]


def test_numbers_with_a_comma_and_with_units_are_summed():
    columns = {"minutes": {"node": "load", "type": "number", "unit": "min", "cuts": [30, 60]}}
    table = FRAME.assign(day=0, minutes=["10,5", "24 min", "24,6", "61"]).iloc[:3]
    panel = read_panel(table, GRAPH, book({"combine": {"minutes": "sum"}}, columns))
    assert panel.codes[0, 0, 1] == 1  # 10.5 and 24 and 24.6 are 59.1
    panel = read_panel(table, GRAPH, book({"combine": {"minutes": "mean"}}, columns))
    assert panel.codes[0, 0, 1] == 0


def by_hand(table, rules, every):
    """Return codes, first and last slices: row by row, slice by slice, answer by answer."""
    columns = {"sex": "sex", "minutes": "load", "mood": "mood", "pain": "pain"}
    people = list(dict.fromkeys(table["who"]))
    found, first, last = {}, {}, {}
    for who in people:
        mine = table[table["who"] == who].sort_values("day", kind="stable")
        moving = mine[["minutes", "mood", "pain"]].notna().any(axis=1)
        visits = mine[moving]
        begin = visits["day"].min() if len(visits) else math.nan
        slices = [math.floor((day - begin) / every) for day in visits["day"]]
        first[who], last[who] = (min(slices), max(slices)) if slices else (0, -1)
        for column, node in columns.items():
            groups = {}
            if column == "sex":
                groups["all"] = list(mine[column])
            else:
                for place, answer in zip(slices, visits[column], strict=True):
                    groups.setdefault(place, []).append(answer)
            for place, answers in groups.items():
                answers = [each for each in answers if not pd.isna(each)]
                rule = rules.get(column, "last")
                if not answers:
                    continue
                if column == "minutes":
                    value = {"mean": sum(answers) / len(answers), "sum": sum(answers),
                             "last": answers[-1], "first": answers[0],
                             "worst": max(answers)}[rule]  # fmt: skip
                    code = 0 if value < 30 else 1 if value < 60 else 2
                else:
                    codes = [NODES[node].index(each) for each in answers]
                    code = {"last": codes[-1], "first": codes[0], "worst": max(codes)}[rule]
                found[who, place, node] = code
    periods = max(last.values()) + 1
    codes = np.full((len(people), periods, 4), -1)
    for (who, place, node), code in found.items():
        at = slice(None) if place == "all" else place
        codes[people.index(who), at, list(NODES).index(node)] = code
    return codes, [first[who] for who in people], [last[who] for who in people]


ANSWER = st.tuples(
    st.sampled_from("abcd"),
    st.integers(0, 60),
    st.sampled_from(["f", "m", None]),
    st.sampled_from([0, 29, 30, 31, 45, 60, 90, None]),
    st.sampled_from(["good", "bad", None]),
    st.sampled_from(["no", "yes", None]),
)


LABELS = st.sampled_from(["last", "first", "worst"])


RULES = st.fixed_dictionaries(
    {"minutes": st.sampled_from(["last", "first", "worst", "mean", "sum"]),
     "mood": LABELS, "pain": LABELS, "sex": LABELS},
)  # fmt: skip


@settings(max_examples=15)
@given(st.lists(ANSWER, min_size=1, max_size=25), RULES, st.sampled_from([1, 7, 30]))
@example([("a", 0, None, None, "good", None)], {"mood": "worst"}, 7)
@example([("a", 9, "f", None, None, None), ("b", 3, None, 30, None, None)], {"minutes": "sum"}, 7)
def test_slices_are_those_of_a_plain_reading(rows, rules, every):
    table = frame(*rows)
    if not table[["minutes", "mood", "pain"]].notna().any(axis=None):
        with pytest.raises(SurveyError, match="nothing to follow over time"):
            read_panel(table, GRAPH, book({"combine": rules}), every=every)
        return
    # Days of 1 to 53 alone, some of them going back, may be weeks that begin anew with a year.
    table = frame(*rows, ("e", 99, None, 30, None, None))
    panel = read_panel(table, GRAPH, book({"combine": rules}), every=every)
    codes, first, last = by_hand(table, rules, every)
    assert panel.codes.tolist() == codes.tolist()
    assert (panel.first.tolist(), panel.last.tolist()) == (first, last)
    assert panel.graph.node("sex").constant
    order = np.random.default_rng(len(rows)).permutation(len(table))
    if table.duplicated(["who", "day"]).any():  # whose order in the table counts
        return
    mixed = read_panel(table.iloc[order], GRAPH, book({"combine": rules}), every=every)
    assert sorted(mixed.codes.tolist()) == sorted(codes.tolist())


def test_constants_hold_for_all_slices_whichever_row_says_them():
    """A derived value rests on inputs that a person says once; age in a row of its own."""
    graph = CausalGraph(
        "graph",
        (Node("age", ("young", "old"), constant=True), Node("bmi", ("low", "high")),
         Node("pain", ("no", "yes"))),
        CausalGraph.from_edges([("age", "pain"), ("bmi", "pain")], {
            "age": ["young", "old"], "bmi": ["low", "high"], "pain": ["no", "yes"]}).edges,
    )  # fmt: skip
    number = {"role": "input", "type": "number"}
    data = {
        "name": "b", "graph": "graph",
        "columns": {"age": {"node": "age"}, "kg": number, "cm": number, "pain": {"node": "pain"}},
        "derived": {"i": {"node": "bmi", "derive": "bmi", "from": ["kg", "cm"], "cuts": [25]}},
        "panel": {"id": "who", "time": "t", "every": 1, "constant": ["cm"]},
    }  # fmt: skip
    table = frame(
        ["a", None, "old", None, 170, None],  # a page without a time says no more than constants
        ["a", 0, None, 60, None, "no"],
        ["a", 1, None, 90, None, "yes"],
        ["b", 0, "young", 60, 200, "no"],
        ["b", 1, "old", 90, None, "no"],
        ["b", 2, "old", 90, 150, "no"],
        columns=("who", "t", "age", "kg", "cm", "pain"),
    )
    panel = read_panel(table, graph, Codebook.from_dict(data, graph))
    assert panel.codes[0, :, :2].tolist() == [[1, 0], [1, 1], [1, -1]]
    assert panel.codes[1, :, :2].tolist() == [[1, 1], [1, 1], [1, 1]]  # 150 cm, the last answer
    told = [each for each in panel.cautions if "is constant, but the answers of 1 person" in each]
    assert [each.split("'")[1] for each in told] == ["cm", "age"]
    first = Codebook.from_dict(
        {**data, "panel": {**data["panel"], "combine": {"cm": "first", "age": "first"}}}, graph
    )
    panel = read_panel(table, graph, first)
    assert panel.codes[1, :, :2].tolist() == [[0, 0], [0, 0], [0, 0]]


def test_what_moves_causes_nothing_constant():
    with pytest.raises(GraphError, match="constant"):
        read_panel(FRAME, GRAPH, book({"constant": ["pain"]}))


def test_what_rests_on_a_constant_finds_it_in_every_row():
    """Only women were asked of their mood; the sex stands in the first row of each."""
    asked = {"node": "mood", "asked_if": {"when": "[sex] = 'f'", "else": "bad"}}
    panel = read_panel(FRAME, GRAPH, book(columns={"mood": asked}, panel={"combine": "worst"}))
    assert panel.codes[:, :, 2].tolist() == [[1, -1, 0], [1, -1, -1]]
    assert panel.not_asked == {"mood": 1}
    page = frame(["b", None, "m", None, None, None])  # what follows for a man is no visit of his
    more = read_panel(pd.concat([FRAME, page]), GRAPH, book(columns={"mood": asked}))
    assert more.last.tolist() == [2, 0]
    changed = FRAME.assign(sex=["f", "m", None, "m"])
    told = read_panel(changed, GRAPH, book(columns={"mood": asked})).cautions
    assert [each.split(",")[0] for each in told if "constant" in each] == ["'sex' is constant"]
