"""Draws of any DataTree: tables by name, or the parameters of this package's model."""

import numpy as np
import pytest
import xarray as xr

import backrisk as br
from backrisk.errors import PosteriorError

GRAPH = br.CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["a", "b", "c"]})
RNG = np.random.default_rng(1)
X = RNG.random((2, 5))
Y = RNG.dirichlet(np.ones(3), (2, 5, 2))
WHOLE = (("chain", "draw", "of_x", "state"), Y)


def tree(**variables):
    return xr.DataTree.from_dict({"posterior": xr.Dataset(variables)})


def test_tables_are_found_by_name_whatever_the_order_of_dimensions():
    given = tree(
        x=(("draw", "chain"), X.T),
        cpt_y=WHOLE,
    )
    posterior = br.Posterior.from_datatree(given, GRAPH)
    np.testing.assert_allclose(posterior.cpt("x"), np.stack([1 - X, X], -1).reshape(10, 2))
    np.testing.assert_allclose(posterior.cpt("y"), Y.reshape(10, 2, 3))
    np.testing.assert_allclose(br.risk(posterior, {"x": "yes"}).draws, 1 - Y[:, :, 1, 0].ravel())
    assert "judged there" in posterior.diagnostics.cautions[0]


def test_tables_are_read_by_their_coordinates_and_by_the_names_of_their_dimensions():
    found = xr.Dataset(
        {
            "cpt_x": (("x", "chain", "draw"), np.stack([X, 1 - X])),
            "cpt_y": (("chain", "y", "draw", "x"), Y[..., ::-1, [2, 0, 1]].transpose(0, 3, 1, 2)),
        },
        {"x": ["yes", "no"], "y": ["c", "a", "b"]},
    )
    posterior = br.Posterior.from_datatree(found, GRAPH)
    np.testing.assert_allclose(posterior.cpt("y"), Y.reshape(10, 2, 3))
    np.testing.assert_allclose(posterior.cpt("x"), np.stack([1 - X, X], -1).reshape(10, 2))
    with pytest.raises(PosteriorError, match="labels 'c', 'a' and 'd' along its axis of 'y'"):
        br.Posterior.from_datatree(found.assign_coords(y=["c", "a", "d"]), GRAPH)


def test_parameters_of_the_model_give_the_posterior_again():
    posterior = br.example_posterior()
    back = br.Posterior.from_datatree(posterior.to_datatree(), posterior.graph)
    assert back.chains == posterior.chains
    person = {"fatigue": "high"}
    assert np.array_equal(br.risk(back, person).draws, br.risk(posterior, person).draws)
    with pytest.raises(PosteriorError, match="are not those of graph"):
        br.Posterior.from_datatree(posterior.to_datatree(), br.load_graph("runner_core"))


@pytest.mark.parametrize(
    ("given", "variables", "said"),
    [
        (3, None, "group 'posterior', or that group as a Dataset, not int"),
        (tree(x=(("chain", "draw"), X)), None, "no variable 'y' for node 'y'"),
        (tree(x=(("draw",), X[0])), None, "'chain' and 'draw' and has draw"),
        (tree(x=(("chain", "draw"), X + 1), y=WHOLE), None, "must hold probabilities"),
        (tree(x=(("chain", "draw"), X)), {"z": "x"}, "names 'z', which is not a node"),
    ],
)
def test_what_does_not_fit_is_told(given, variables, said):
    with pytest.raises(PosteriorError, match=said):
        br.Posterior.from_datatree(given, GRAPH, variables)
