"""A codebook against its graph."""

from dataclasses import replace

import pytest

from backrisk.errors import SurveyError
from backrisk.graph import Node
from backrisk.survey import Codebook
from tests.survey._small import GRAPH, book, changed, contents


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("columns.plank.item", "cor",
         "column 'plank': 'cor' is not a node of graph 'graph' (did you mean 'core'?)."),
        ("columns.plank.cuts", [41], "column 'plank': 1 cut point needs 2 states, not 3."),
        ("columns.plank.cuts", [4, 41, 75], "column 'plank': 3 cut points need 4 states, not 3."),
        ("columns.plank.states", ["weak", "fine", "strong"],
         "column 'plank': 'fine' is not a state of node 'core'."),
        ("columns.warm_up.labels", {"yes": "dynamc"},
         "column 'warm_up': 'dynamc' is not a state of node 'warm_up' (did you mean 'dynamic'?)."),
        ("columns.warm_up.labels", {"NA": "none", "x": "dynamic"},
         "column 'warm_up': the label 'NA' is also listed as a missing answer."),
        ("columns.again", {"node": "warm_up"},
         "column 'again': node 'warm_up' is already observed by 'warm_up'; only one column can "
         "observe it."),
        ("derived.load", {"node": "load", "derive": "ratio", "from": ["kg", "cm"], "cuts": [1]},
         "column 'load': node 'load' is already observed by 'ratio'; only one column can observe "
         "it."),
        ("columns.pain", {"item": "core", "reliability": 0.5, "labels": {"x": "weak"}},
         "column 'pain': an item cannot have the name of another node; rename the column."),
        ("derived.ratio.from", ["week", "mnth"],
         "column 'ratio': the input 'mnth' is not a column of the codebook (did you mean "
         "'month'?)."),
        ("derived.ratio.from", ["week", "warm_up"],
         "column 'ratio': its input 'warm_up' should be a column of 'type: number', not of "
         "'label'."),
        ("derived.kg", {"item": "core", "reliability": 1, "derive": "ratio",
                        "from": ["week", "month"], "cuts": [1, 2]},
         "column 'kg': this is both a column and a derived value; rename one of them."),
        ("derived.ratio.otherwise", "spik",
         "column 'ratio': 'spik' is not a state of node 'load' (did you mean 'spike'?)."),
    ],
)  # fmt: skip
def test_each_contradiction_is_told(path, value, problem):
    with pytest.raises(SurveyError) as caught:
        Codebook.from_dict(changed(path, value), GRAPH)
    assert caught.value.problems == (f"Codebook 'small', {problem}",)


def test_states_of_rules_and_of_a_misclassification_are_checked():
    data = contents()
    data["columns"]["sport"] = {"role": "input", "type": "text"}
    data["columns"]["felt"] = {
        "item": "core",
        "misclassification": {"wek": {"weak": 1.0}, "weak": {"strng": 1.0}},
    }
    rule = {"state": "moderat", "when": [{"any": ["sport"], "contains": ["x"]}]}
    data["derived"]["told"] = {
        "item": "core", "reliability": 1, "derive": "first_match", "from": ["sport"],
        "rules": [rule],
    }  # fmt: skip
    with pytest.raises(SurveyError) as caught:
        Codebook.from_dict(data, GRAPH)
    words = [problem.partition(" is not")[0] for problem in caught.value.problems]
    assert words == [
        "Codebook 'small', column 'felt': 'wek'",
        "Codebook 'small', column 'felt': 'strng'",
        "Codebook 'small', column 'told': 'moderat'",
    ]
    assert str(caught.value).startswith("Codebook 'small' has 3 problems:\n  Codebook")


def test_states_and_labels_are_written_out():
    data = contents()
    data["columns"]["hurts"] = {"node": "pain"}
    found = Codebook.from_dict(data, GRAPH)
    assert found.columns["hurts"].states == ("none", "not_limiting", "limiting")
    assert found.columns["hurts"].labels == {s: s for s in GRAPH.node("pain").states}
    assert found.derived["bmi_value"].states == ("under_25", "25_plus")
    assert found.columns["plank"].labels is None
    assert found.columns["plank"].states == ("weak", "moderate", "strong")
    assert found.columns["kg"] == Codebook.model_validate(contents()).columns["kg"]


def test_a_resolved_codebook_resolves_to_itself_also_with_its_items_in_the_graph():
    found = book()
    assert found.resolved(GRAPH) == found
    assert found.resolved(found.extend(GRAPH)) == found


@pytest.mark.parametrize(
    ("leaves_out", "said"),
    [
        (
            {"cor": "Why."},
            r"names 'cor', which is not a node of the graph \(did you mean 'core'\?\)",
        ),
        ({"core": "Why."}, "names 'core', which a column measures"),
        ({"extra": " "}, "names 'extra' without a reason"),
        ({"hurts": "Why."}, "names 'hurts', the outcome"),
    ],
)
def test_what_a_codebook_cannot_leave_out(leaves_out, said):
    nodes = (*GRAPH.nodes, Node("extra", ("no", "yes")), Node("hurts", ("no", "yes")))
    graph = replace(GRAPH, nodes=nodes, outcome="hurts")
    with pytest.raises(SurveyError, match=said):
        Codebook.from_dict(contents() | {"leaves_out": leaves_out}, graph)
