"""The CPTs that the sampler computes are those of the mechanisms."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from backrisk.fitting.design import lay_out
from backrisk.fitting.log_cpts import log_cells
from backrisk.fitting.observed import with_sites
from backrisk.graph import Layout, Mechanism, at_site
from backrisk.likelihood import Cells, build_circuit
from backrisk.posterior import Posterior
from tests.strategies import every_mechanism, nominal_causes, runner_with_items


@pytest.mark.parametrize(
    "graph",
    [every_mechanism(), nominal_causes(), runner_with_items()],
    ids=["every mechanism", "nominal causes", "runner"],
)
def test_pytensor_and_numpy_agree(graph):
    layout, cells = Layout(graph), Cells.of(graph)
    design = lay_out(layout, cells)
    fractions, beta = layout.draw_prior(3, np.random.default_rng(0))
    x, y = pt.dvector(), pt.dvector()
    compiled = pytensor.function([x, y], log_cells(layout, x, y, design), mode="FAST_COMPILE")
    for draw in range(3):
        found = np.exp(compiled(fractions[draw], beta[draw]))
        for name in graph.names:
            expected = layout.cpt(name, fractions, beta)[draw].ravel()
            np.testing.assert_allclose(found[cells.part(name)], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("sites", [0, 3])
@pytest.mark.parametrize(
    "graph",
    [every_mechanism(), nominal_causes(), runner_with_items()],
    ids=["every mechanism", "nominal causes", "runner"],
)
def test_the_cells_that_a_circuit_addresses_are_those_of_the_table(graph, sites):
    """A site's cells are those of the table whose intercepts are shifted."""
    layout, rng = Layout(graph), np.random.default_rng(1)
    names = [f"site {i}" for i in range(sites)]
    of_circuit = with_sites(graph, names) if sites else graph
    sizes = [len(node.states) for node in of_circuit.nodes]
    codes = np.array(
        [[rng.integers(k) if rng.random() < 0.9 else -1 for k in sizes] for _ in range(9)],
        dtype=np.int8,
    )
    if sites:
        codes[:, -1] = rng.integers(sites, size=9)
    circuit = build_circuit(of_circuit, codes, np.ones(9), layout.by_row)
    cells = circuit.cells
    assert len(cells.blocks) >= 2
    fractions, beta = layout.draw_prior(2, rng)
    shifts = rng.normal(size=(sites, len(layout.pooled)))
    data = {key: pytensor.shared(value) for key, value in lay_out(layout, cells, sites).items()}
    x, y, shift = pt.dvector(), pt.dvector(), pt.dmatrix()
    value = log_cells(layout, x, y, data, shift if sites else None, sites)
    compiled = pytensor.function(
        [x, y, shift], value, mode="FAST_COMPILE", on_unused_input="ignore"
    )
    for draw in range(2):
        found = np.exp(compiled(fractions[draw], beta[draw], shifts))
        here = [
            Posterior(graph, at_site(layout, fractions[draw, None], row[None]), beta[draw, None])
            for row in (shifts if sites else np.zeros((1, len(layout.pooled))))
        ]
        for name in graph.names:
            joint = cells.joint(name).astype(np.intp)
            site = np.zeros(len(joint), dtype=int)
            if sites and name in layout.pooled:
                site, joint = joint[:, 0], joint[:, 1:]
            expected = [
                here[s].rows(name, row[None, :-1])[0, row[-1], 0]
                for s, row in zip(site, joint, strict=True)
            ]
            np.testing.assert_allclose(found[cells.part(name)], expected, rtol=0, atol=1e-12)
        if sites:
            np.testing.assert_array_equal(found[cells.part(of_circuit.names[-1])], 1.0)


def test_a_mechanism_whose_cells_are_not_written_is_refused_by_name():
    class Unwritten(Mechanism):
        pass

    layout = Layout(every_mechanism())
    old = layout.mechanisms["n"]
    new = Unwritten(old.node, old.parents, old.shape, old.simplexes)
    object.__setattr__(layout, "mechanisms", {**layout.mechanisms, "n": new})
    with pytest.raises(NotImplementedError, match=r"^Unwritten$"):
        lay_out(layout, Cells.of(layout.graph))
