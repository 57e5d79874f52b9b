"""Where each CPT cell lies in the flat vector."""

import numpy as np
from strategies import random_graph, random_posterior

from backrisk.likelihood import Cells, stack_logs


def test_every_cell_has_the_address_of_its_family():
    rng = np.random.default_rng(0)
    graph = random_graph(rng, 5, density=0.7)
    cells = Cells.of(graph)
    posterior = random_posterior(rng, graph, draws=2)
    logs = stack_logs(cells, {name: posterior.cpt(name) for name in graph.names})
    assert logs.shape == (2, cells.size)
    for place, name in enumerate(graph.names):
        table, family = posterior.cpt(name), cells.families[place]
        assert [graph.names[u] for u in family] == [*graph.parents(name), name]
        for at in np.ndindex(graph.shape(name)):
            address = cells.starts[place] + int(np.dot(at, cells.strides[place]))
            np.testing.assert_allclose(np.exp(logs[:, address]), table[(slice(None), *at)])
        assert cells.part(name).start == cells.starts[place]
        assert cells.part(name).stop - cells.part(name).start == np.prod(graph.shape(name))
    assert cells.part(graph.names[-1]).stop == cells.size


def test_an_impossible_cell_has_a_finite_log():
    graph = random_graph(np.random.default_rng(1), 2)
    tables = {name: np.zeros((1, *graph.shape(name))) for name in graph.names}
    logs = stack_logs(Cells.of(graph), tables)
    np.testing.assert_array_equal(logs, np.log(np.finfo(float).tiny))
