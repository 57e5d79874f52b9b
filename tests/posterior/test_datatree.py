"""Draws as ArviZ reads them: groups, axes, labels."""

import numpy as np

from backrisk import CausalGraph, Posterior
from backrisk.graph import Edge, Layout, Node, Prior
from backrisk.posterior import EFFECTS, FRACTIONS, SITE_SCALES, SITE_SHIFTS, SiteEffects
from backrisk.posterior.datatree import Group, datatree

NO_YES = ("no", "yes")


def test_the_names_of_variables_are_those_of_files_and_notebooks():
    names = (FRACTIONS, EFFECTS, SITE_SHIFTS, SITE_SCALES)
    assert names == ("continuation", "beta", "site_shift", "site_scale")


def test_draws_are_parted_by_chain_in_their_order():
    values = np.arange(12.0).reshape(6, 2)
    tree = datatree({"g": Group({"v": (values, ("k",))}, 2, {"k": ("p", "q"), "none": ("r",)})})
    found = tree["g"]["v"]
    assert found.dims == ("chain", "draw", "k")
    assert found.to_numpy().tolist() == [[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [10, 11]]]
    assert set(tree["g"].coords) == {"chain", "draw", "k"}
    assert [tree["g"].coords[axis].to_numpy().tolist() for axis in ("chain", "draw")] == [
        [0, 1],
        [0, 1, 2],
    ]
    assert found.coords["k"].to_numpy().tolist() == ["p", "q"]


def test_a_fit_has_its_parameters_their_labels_and_the_prior():
    nodes = (Node("x", NO_YES), Node("y", NO_YES, mechanism="ordinal_logit"))
    edge = Edge("x", "y", "Claim.", "stated", "weak", Prior(0.0, 1.0))
    layout = Layout(CausalGraph("chain", nodes, (edge,), outcome="y"))
    rng = np.random.default_rng(0)
    before = layout.draw_prior(5, rng)
    posterior = Posterior(
        layout.graph,
        *layout.draw_prior(8, rng),
        chains=4,
        prior_fractions=before[0],
        prior_beta=before[1],
        sites=SiteEffects(("a", "b", "c"), rng.random((8, 3, 1)), rng.random((8, 1))),
    )
    tree = posterior.to_datatree()
    assert set(tree.children) == {"posterior", "prior"}
    group = tree["posterior"]
    assert {name: group[name].shape for name in group.data_vars} == {
        "continuation": (4, 2, 2),
        "beta": (4, 2, 1),
        "site_shift": (4, 2, 3, 1),
        "site_scale": (4, 2, 1),
    }
    assert group["site_shift"].dims == ("chain", "draw", "site", "pooled")
    labels = {name: axis.to_numpy().tolist() for name, axis in group.coords.items()}
    assert labels == {
        "distribution": ["x: no", "y on average: no"],
        "effect": ["y, x"],
        "site": ["a", "b", "c"],
        "pooled": ["y"],
        "chain": [0, 1, 2, 3],
        "draw": [0, 1],
    }
    assert tree["prior"]["continuation"].shape == (1, 5, 2)
    assert set(tree["prior"].coords) == {"distribution", "effect", "chain", "draw"}
    assert np.array_equal(group["beta"].to_numpy()[1, 0], posterior.beta[2])


def test_given_tables_have_one_variable_a_node():
    graph = CausalGraph.from_edges([("x", "y")], {"x": list(NO_YES), "y": ["a", "b", "c"]})
    rows = np.random.default_rng(0).dirichlet([1, 1, 1], size=(4, 2))
    tree = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": rows}).to_datatree()
    assert set(tree.children) == {"posterior"}
    assert tree["posterior"]["cpt_x"].dims == ("chain", "draw", "x_0")
    assert tree["posterior"]["cpt_y"].dims == ("chain", "draw", "y_0", "y_1")
    assert tree["posterior"]["cpt_y"].shape == (1, 4, 2, 3)
    assert set(tree["posterior"].coords) == {"chain", "draw"}


def test_an_axis_never_has_the_name_of_a_variable():
    graph = CausalGraph.from_edges([("x_0", "cpt_x")], {"x_0": NO_YES, "cpt_x": NO_YES})
    cpts = {"x_0": [0.5, 0.5], "cpt_x": [[0.7, 0.3], [0.2, 0.8]]}
    tree = Posterior.from_cpts(graph, cpts).to_datatree()
    assert tree["posterior"]["cpt_cpt_x"].dims == ("chain", "draw", "cpt_x_0_", "cpt_x_1")
    assert tree["posterior"]["cpt_x_0"].dims == ("chain", "draw", "x_0_0")
