"""How many people ever held to a state for so long, as anybody would count them."""

import json
from itertools import groupby

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from backrisk.graph import CausalGraph
from backrisk.survey.followed import Followed

GRAPH = CausalGraph.from_edges([("a", "b")], {"a": ["low", "middle", "high"], "b": ["no", "yes"]})
CODES = st.tuples(st.integers(1, 6), st.integers(1, 7)).flatmap(
    lambda shape: arrays(np.int8, (*shape, 2), elements=st.integers(-1, 1))
)


@given(CODES, st.data())
def test_runs_are_counted_one_by_one(codes, data):
    sizes = st.lists(st.integers(1, 9), min_size=len(codes), max_size=len(codes))
    people = np.array(data.draw(sizes))
    found = Followed.of(codes, GRAPH, people)
    assert (found.people, found.periods) == (people.sum(), codes.shape[1])
    for place, node in enumerate(GRAPH.nodes):
        for code, state in enumerate(node.states):
            for length in range(1, codes.shape[1] + 1):
                longest = [
                    max((len(list(run)) for c, run in groupby(row) if c == code), default=0)
                    for row in codes[:, :, place].tolist()
                ]
                held = int(people[np.array(longest) >= length].sum())
                assert found.of_run(node.name, state, length) == held
                coarse = found.coarse().of_run(node.name, state, length)
                assert coarse == (None if 0 < held < 5 else held)
    assert found.of_run("a", "low", codes.shape[1] + 1) == 0


@given(CODES)
def test_what_is_kept_is_what_is_read_back(codes):
    found = Followed.of(codes, GRAPH, None)
    for each in (found, found.coarse()):
        assert Followed.from_dict(json.loads(json.dumps(each.to_dict()))) == each
    table = found.coarse().table
    assert list(table.columns) == ["node", "state", "periods", "people"]
    assert len(table) == 5 * codes.shape[1]
    assert table["people"].isna().sum() == found.table["people"].between(1, 4).sum()
