"""A question that an input decides is told of, and others are not."""

import pandas as pd
import pytest

from backrisk.graph import CausalGraph
from backrisk.survey import Codebook, Survey

GRAPH = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})


@pytest.mark.parametrize(
    ("lost", "keys", "told"),
    [
        ([""] * 60 + ["yes"] * 39 + [""], {}, "'a' is blank wherever 'hurt' is 'none' (60 people)"),
        ([""] * 60 + ["yes"] * 40, {"asked_if": {"when": "[hurt] = '1'"}}, None),
        (["", "yes"] * 50, {}, None),
    ],
)
def test_blanks_after_an_input_are_told(lost, keys, told):
    columns = {
        "hurt": {"role": "input", "labels": {"0": "none", "1": "some", "9": None}},
        "a": {"node": "a", **keys},
        "b": {"node": "b"},
    }
    book = Codebook.from_dict({"name": "n", "graph": "graph", "columns": columns}, GRAPH)
    frame = pd.DataFrame({"hurt": ["0"] * 60 + ["1"] * 39 + ["9"], "a": lost, "b": ["no"] * 100})
    found = [said for said in Survey.from_frame(frame, GRAPH, book).cautions if "'hurt'" in said]
    assert [said.startswith(told) for said in found] == ([] if told is None else [True])
