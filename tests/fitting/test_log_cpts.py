"""The CPTs that the sampler computes are those of the mechanisms."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from backrisk.fitting.log_cpts import log_cells
from backrisk.graph import Layout, Mechanism
from backrisk.likelihood import Cells
from tests.strategies import every_mechanism, nominal_causes, runner_with_items


@pytest.mark.parametrize(
    "graph",
    [every_mechanism(), nominal_causes(), runner_with_items()],
    ids=["every mechanism", "nominal causes", "runner"],
)
def test_pytensor_and_numpy_agree(graph):
    layout, cells = Layout(graph), Cells.of(graph)
    fractions, beta = layout.draw_prior(3, np.random.default_rng(0))
    x, y = pt.dvector(), pt.dvector()
    compiled = pytensor.function([x, y], log_cells(layout, x, y), mode="FAST_COMPILE")
    for draw in range(3):
        found = np.exp(compiled(fractions[draw], beta[draw]))
        for name in graph.names:
            expected = layout.cpt(name, fractions, beta)[draw].ravel()
            np.testing.assert_allclose(found[cells.part(name)], expected, rtol=0, atol=1e-12)


def test_a_mechanism_whose_cells_are_not_written_is_refused_by_name():
    class Unwritten(Mechanism):
        pass

    layout = Layout(every_mechanism())
    old = layout.mechanisms["n"]
    new = Unwritten(old.node, old.parents, old.shape, old.simplexes)
    object.__setattr__(layout, "mechanisms", {**layout.mechanisms, "n": new})
    with pytest.raises(NotImplementedError, match=r"^Unwritten$"):
        log_cells(layout, pt.dvector(), pt.dvector())
