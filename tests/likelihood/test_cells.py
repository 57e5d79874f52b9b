"""Where each CPT cell lies in the flat vector."""

import numpy as np
from strategies import random_graph, random_posterior

from backrisk import CausalGraph
from backrisk.likelihood import Cells, in_parts, stack_logs
from backrisk.posterior import Posterior


def test_every_cell_has_the_address_of_its_family():
    rng = np.random.default_rng(0)
    graph = random_graph(rng, 5, density=0.7)
    cells = Cells.of(graph)
    posterior = random_posterior(rng, graph, draws=2)
    logs = stack_logs(cells, posterior)
    assert logs.shape == (2, cells.size)
    for place, name in enumerate(graph.names):
        table, family = posterior.cpt(name), cells.families[place]
        assert [graph.names[u] for u in family] == [*graph.parents(name), name]
        for at in np.ndindex(graph.shape(name)):
            address = cells.starts[place] + sum(
                at[family.index(u)] * stride for u, stride in cells.strides(place, -1)
            )
            np.testing.assert_allclose(np.exp(logs[:, address]), table[(slice(None), *at)])
        assert cells.part(name).start == cells.starts[place]
        assert cells.part(name).stop - cells.part(name).start == np.prod(graph.shape(name))
    assert cells.part(graph.names[-1]).stop == cells.size


def test_blocks_hold_the_cells_that_agree_with_what_is_observed():
    states = {"a": ["0", "1"], "b": ["0", "1", "2"], "y": ["0", "1", "2", "3"]}
    graph = CausalGraph.from_edges([("a", "y"), ("b", "y")], states)
    codes = np.array(
        [[1, -1, 2], [1, 2, 2], [0, -1, 2], [1, -1, 2], [0, 1, -1], [1, 2, 2]], dtype=np.int8
    )
    kept = np.ones(codes.shape, dtype=bool)
    kept[4, 2] = False
    cells, addresses = Cells.used(graph, codes, kept, ["y"])
    part = cells.part("y")
    assert (part.start, part.stop, cells.size) == (5, 5 + 3 + 1 + 3, 12)
    assert addresses[4].tolist() == [0, 2 + 1, -1]
    assert addresses[0, 2] == addresses[3, 2]
    assert addresses[1, 2] == addresses[5, 2]
    joint = cells.joint("y")
    for person in (0, 1, 2):
        start = addresses[person, 2] - part.start
        (stride,) = [s for _, s in cells.strides(2, 0b010)] if person != 1 else [0]
        for b in range(3) if person != 1 else [2]:
            a, _, y = codes[person].tolist()
            assert joint[start + stride * (b if person != 1 else 0)].tolist() == [a, b, y]
    assert cells.joint("b").tolist() == [[0], [1], [2]]


def test_a_family_is_whole_where_that_is_no_more_cells():
    states = {"a": ["0", "1"], "y": ["0", "1", "2"]}
    graph = CausalGraph.from_edges([("a", "y")], states)
    codes = np.array([[a, y] for a in range(2) for y in range(3)], dtype=np.int8)
    every = np.ones((6, 2), dtype=bool)
    assert not Cells.used(graph, codes, every, ["y"])[0].blocks
    assert list(Cells.used(graph, codes[:5], every[:5], ["y"])[0].blocks) == [1]
    assert not Cells.used(graph, codes[:5], every[:5], [])[0].blocks
    nothing = Cells.used(graph, codes, ~every, ["y"])
    assert nothing[0].part("y") == slice(2, 2)
    assert nothing[0].joint("y").shape == (0, 2)
    assert (nothing[1][:, 1] == -1).all()


def test_the_logs_of_some_draws_of_the_cells_that_are_used():
    rng = np.random.default_rng(2)
    graph = random_graph(rng, 5, density=0.8)
    posterior = random_posterior(rng, graph, draws=4)
    codes = np.array([[-1, 1, 0, 1, 0], [0, 1, 1, 1, 0], [1, 0, 1, -1, 1]], dtype=np.int8)
    cells, _ = Cells.used(graph, codes, np.ones((3, 5), dtype=bool), graph.names)
    assert cells.blocks
    logs = stack_logs(cells, posterior, slice(1, 3))
    assert logs.shape == (2, cells.size)
    for name in graph.names:
        table = posterior.cpt(name)[1:3]
        expected = table[(slice(None), *cells.joint(name).T.astype(int))]
        np.testing.assert_allclose(np.exp(logs[:, cells.part(name)]), expected, rtol=1e-12)


def test_draws_are_parted_whole():
    parts = list(in_parts(600))
    assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]
    assert (parts[0].start, parts[-1].stop) == (0, 600)
    assert list(in_parts(3)) == [slice(0, 3)]


def test_an_impossible_cell_has_a_finite_log():
    graph = random_graph(np.random.default_rng(1), 2)
    tables = {name: np.zeros((1, *graph.shape(name))) for name in graph.names}
    logs = stack_logs(Cells.of(graph), Posterior(graph, given=tables))
    np.testing.assert_array_equal(logs, np.log(np.finfo(float).tiny))
