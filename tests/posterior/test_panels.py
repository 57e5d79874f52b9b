"""Synthetic panels: what the truth says, and who is missing."""

import numpy as np
import pytest

from backrisk import (
    CausalGraph,
    Codebook,
    GraphError,
    Posterior,
    QueryError,
    load_codebook,
    load_graph,
    read_panel,
    simulate_panel,
    truth,
    unroll,
)
from backrisk.graph import Edge, Node, Prior, Roles
from backrisk.posterior import drawn_truth, false_claims

TWO = ("no", "yes")


def near(flags, share):
    flags = np.asarray(flags)
    return abs(flags.mean() - share) < 4 * np.sqrt(share * (1 - share) / len(flags))


@pytest.fixture
def posed():
    """Everybody tells their sex, which never changes; pain lasts, and has a test."""
    nodes = (
        Node("sex", TWO, constant=True),
        Node("hip", TWO, constant=True),
        Node("pain", TWO, persist=True),
    )
    edges = tuple(Edge(c, "pain", "C.", "stated", "weak", Prior(0.5, 0.5)) for c in ("sex", "hip"))
    roles = Roles(answered=("sex",))
    graph = CausalGraph("posed", nodes, edges, outcome="pain", roles=roles)
    columns = {
        "sex": {"node": "sex"},
        "angle": {"node": "hip", "type": "number", "cuts": [50], "typical": [0, 100]},
        "pain": {"node": "pain"},
        "test": {"item": "pain", "reliability": 0.7},
    }
    data = {"name": "book", "graph": "posed", "columns": columns}
    return graph, Codebook.from_dict(data, graph)


def test_a_row_is_a_visit(posed):
    graph, codebook = posed
    frame = simulate_panel(graph, 5, 3, 1, codebook=codebook, missing=0, visits_missing=0)
    assert list(frame.columns) == ["id", "time", "sex", "angle", "pain", "test"]
    assert frame["id"].tolist() == np.repeat([1, 2, 3, 4, 5], 3).tolist()
    assert frame["time"].tolist() == [0, 1, 2] * 5
    assert (frame != "").all(axis=None)
    assert len(simulate_panel(graph, 1, 1, 1)) == 1


def test_what_is_constant_has_the_same_answer_at_every_visit(posed):
    graph, codebook = posed
    frame = simulate_panel(graph, 200, 4, 1, codebook=codebook, missing=0.3, visits_missing=0)
    for name in ("sex", "angle"):
        answered = frame[frame[name] != ""]
        assert (answered.groupby("id")[name].nunique() == 1).all(), name
    assert (frame[frame["pain"] != ""].groupby("id")["pain"].nunique() == 2).any()


def test_gaps_have_their_stated_shares(posed):
    graph, codebook = posed
    frame = simulate_panel(graph, 1500, 4, 2, codebook=codebook, missing=0.3, visits_missing=0.2)
    assert (frame["sex"] != "").all()
    for name in ("angle", "pain", "test"):
        assert near(frame[name] == "", 0.3), name
    made = frame.groupby("time").size() / 1500
    assert made[0] == made[3] == 1
    assert near(np.repeat([1, 0], [round(1500 * made[1]), round(1500 * (1 - made[1]))]), 0.8)


def test_same_seed_same_people(posed):
    graph, codebook = posed
    one, same, other = (simulate_panel(graph, 30, 3, seed, codebook=codebook) for seed in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)


def chain(stays, begins):
    """Pain that stays and begins with these probabilities, over four periods."""
    nodes = (Node("work", TWO), Node("pain", TWO, persist=True))
    edges = (Edge("work", "pain", "C.", "stated", "none"),)
    template = CausalGraph("chain", nodes, edges, outcome="pain")
    unrolled = unroll(template, 4, dropout=["pain"])
    now = [1 - begins, begins], [1 - stays, stays]
    cpts = {
        "work": [0.5, 0.5],
        "pain": [[0.5, 0.5]] * 2,
        "pain__1": [now, now],
        "stays__1": [[1.0, 0.0], [0.6, 0.4]],
    }
    return template, Posterior.from_cpts(unrolled, cpts)


def test_visits_follow_the_transitions_of_the_truth():
    template, given = chain(stays=0.8, begins=0.1)
    frame = simulate_panel(template, 4000, 4, 3, truth=given, missing=0, visits_missing=0)
    pain = frame.pivot(index="id", columns="time", values="pain")
    for time in (1, 2, 3):
        both = pain[pain[time].notna()]
        was, now = both[time - 1] == "yes", both[time] == "yes"
        assert near(now[was], 0.8)
        assert near(now[~was], 0.1)


def test_who_leaves_was_in_the_state_that_makes_them_leave_and_never_comes_back():
    template, given = chain(stays=0.8, begins=0.1)
    frame = simulate_panel(template, 4000, 4, 3, truth=given, missing=0, visits_missing=0.3)
    visits = frame.groupby("id")["time"].agg(["min", "max", "size"])
    assert (visits["min"] == 0).all()
    last = frame.sort_values("time").groupby("id").last()
    left = last["time"] < 3
    assert (last.loc[left, "pain"] == "yes").all()
    whole = simulate_panel(template, 4000, 4, 3, truth=given, missing=0, visits_missing=0)
    first = whole[whole["time"] == 0].set_index("id")
    again = whole[whole["time"] == 1].set_index("id").index
    assert near(~first.index.isin(again)[first["pain"] == "yes"], 0.4)
    assert first.index.isin(again)[first["pain"] == "no"].all()


def test_drop_out_is_a_tenth_a_period_where_nothing_else_is_known():
    template, _ = chain(0.8, 0.1)
    frame = simulate_panel(template, 4000, 2, 1, dropout=["pain"], missing=0)
    assert near(np.isin(np.arange(1, 4001), frame.loc[frame["time"] == 1, "id"]), 0.9)


def test_who_does_not_say_is_missing_as_the_response_node_has_it(posed):
    graph, _ = posed
    columns = {"sex": {"node": "sex"}, "hip": {"node": "hip"}}
    columns["pain"] = {"node": "pain", "nonresponse": {"mean": 3.0, "sd": 0.5, "share": 0.2}}
    codebook = Codebook.from_dict({"name": "b", "graph": "posed", "columns": columns}, graph)
    frame = simulate_panel(graph, 1500, 3, 1, codebook=codebook, missing=0, visits_missing=0)
    assert 0 < (frame["pain"] == "").mean() < 1
    assert (frame["hip"] != "").all()


def test_a_panel_of_runners_is_written_as_the_codebook_asks():
    graph = load_graph("runner")
    codebook = load_codebook("runner", graph)
    frame = simulate_panel(graph, 20, 3, 1, codebook=codebook, trait=True, missing=0)
    assert set(frame.columns) == {"id", "time", *codebook.columns}
    for name in codebook.columns:
        column = codebook.columns[name]
        assert all(column.read(str(cell), ()) is not None for cell in frame[name]), name
    assert (frame.groupby("id")["age_years"].nunique() == 1).all()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"people": 0}, "people is 0, expected at least 1"),
        ({"periods": 0}, "periods is 0, expected at least 1"),
        ({"missing": 1.0}, "missing is 1.0, expected a share"),
        ({"visits_missing": -0.1}, "visits_missing is -0.1, expected a share"),
        ({"people": 10**9}, "more than can be simulated at once"),
    ],
)
def test_what_cannot_be_is_refused(posed, changed, message):
    graph, _ = posed
    with pytest.raises(QueryError, match=message):
        simulate_panel(**{"graph": graph, "people": 3, "periods": 2, "seed": 1} | changed)


def test_a_truth_of_something_else_is_refused(posed):
    graph, codebook = posed
    with pytest.raises(QueryError, match="'posed', one moment"):
        simulate_panel(graph, 3, 2, 1, truth=truth(graph))
    of_two = truth(unroll(graph, 2))
    with pytest.raises(QueryError, match="unrolled over 3 periods"):
        simulate_panel(graph, 3, 3, 1, truth=of_two)
    with pytest.raises(QueryError, match="with the items of the codebook"):
        simulate_panel(graph, 3, 2, 1, truth=of_two, codebook=codebook)
    assert len(simulate_panel(graph, 3, 2, 1, truth=of_two)) == 6
    with pytest.raises(GraphError, match="nowhere"):
        simulate_panel(graph, 3, 2, 1, dropout=["nowhere"])


def test_a_column_called_as_the_visits_are_is_refused():
    graph = CausalGraph.from_edges([("time", "pain")], {"time": TWO, "pain": TWO})
    with pytest.raises(QueryError, match="a column 'time'"):
        simulate_panel(graph, 3, 2, 1)


def test_a_claim_is_false_in_every_period_or_in_none():
    graph = unroll(load_graph("runner"), 4, trait=True)
    false = set(false_claims(graph, 1))
    claims: dict[tuple[str, str, int], set[bool]] = {}
    for edge in graph.edges:
        (cause, before), (effect, now) = graph.base(edge.cause), graph.base(edge.effect)
        later = now - before if cause in graph.moving else 0
        claims.setdefault((cause, effect, later), set()).add((edge.cause, edge.effect) in false)
    assert all(len(found) == 1 for found in claims.values())
    assert not any(cause == effect for (cause, effect, _), no in claims.items() if True in no)
    drawn = drawn_truth(graph, 1)
    for edge in graph.edges:
        if (edge.cause, edge.effect) in false and not graph.node(edge.effect).interactions:
            axis = 1 + graph.parents(edge.effect).index(edge.cause)
            rows = [0] * len(graph.parents(edge.effect))
            worst = list(rows)
            worst[axis - 1] = len(graph.node(edge.cause).states) - 1
            both = drawn.rows(edge.effect, np.array([rows, worst], dtype=np.intp))
            np.testing.assert_allclose(both[0], both[1], atol=1e-12)


def test_a_panel_is_read_back_as_it_was_drawn(posed):
    """Every answer in its slice; a visit that was not made is an empty one."""
    graph, codebook = posed
    given = {"codebook": codebook, "missing": 0.2, "visits_missing": 0.3}
    frame = simulate_panel(graph, 40, 4, 1, **given)
    panel = read_panel(frame, graph, codebook, id="id", time="time", every=1)
    assert (panel.n, panel.periods, panel.cautions) == (40, 4, ())
    place = {name: i for i, name in enumerate(panel.graph.names)}
    for name in ("pain", "test"):
        told = frame.pivot(index="id", columns="time", values=name).fillna("")
        codes = told.replace({"": "-1", "no": "0", "yes": "1"}).astype(int)
        assert panel.codes[:, :, place[name]].tolist() == codes.to_numpy().tolist(), name
    sex = frame.groupby("id")["sex"].first().map({"no": 0, "yes": 1})
    assert panel.codes[:, :, place["sex"]].tolist() == np.tile(sex, (4, 1)).T.tolist()


def test_a_panel_of_runners_is_read_by_the_packaged_codebook():
    graph = load_graph("runner")
    book = load_codebook("runner", graph)
    frame = simulate_panel(graph, 30, 3, 1, codebook=book, trait=True, dropout=["pain"])
    panel = read_panel(frame, graph, book, id="id", time="time", every=1)
    survey = panel.to_survey(trait=True, dropout=["pain"])
    assert survey.graph == unroll(book.extend(graph), 3, trait=True, dropout=["pain"])
    assert len(survey.codes) == 30
