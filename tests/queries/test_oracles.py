"""Published numbers, exactly."""

import csv

import numpy as np
import pytest
from places import SHARED

from backrisk import CausalGraph, Posterior, attribute, mediate, risk
from backrisk.graph import Node, mechanism

NO_YES = ["no", "yes"]
EXACT = {"rtol": 0, "atol": 1e-9}


@pytest.fixture
def one_edge():
    graph = CausalGraph.from_edges([("x", "y")], {"x": NO_YES, "y": NO_YES})
    cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}
    return Posterior.from_cpts(graph, cpts)


@pytest.mark.parametrize(("coupling", "expected"), [("monotone", 0.625), ("independent", 0.7)])
def test_necessity_of_one_edge_and_its_bounds(one_edge, coupling, expected):
    answer = attribute(
        one_edge, {"x": "yes", "y": "yes"}, ["x"], coupling=coupling, method="necessity"
    )
    np.testing.assert_allclose(answer.draws, expected, **EXACT)
    np.testing.assert_allclose(answer.bounds[0], 0.625, **EXACT)
    np.testing.assert_allclose(answer.bounds[1], 0.875, **EXACT)


def test_sufficiency_of_one_edge(one_edge):
    """Pearl 2009, theorem 9.2.14: under monotonicity PS = (.8 - .3) / .7 and PNS = .8 - .3."""
    for method, expected in (("sufficiency", 5 / 7), ("necessity_and_sufficiency", 0.5)):
        answer = attribute(one_edge, {"x": "yes", "y": "yes"}, ["x"], method=method)
        np.testing.assert_allclose(answer.draws, expected, **EXACT)
        np.testing.assert_allclose(answer.bounds[0], expected, **EXACT)
    np.testing.assert_allclose(answer.bounds[1], 0.7, **EXACT)


def test_mediation_of_the_primer():
    """Pearl, Glymour and Jewell 2016, section 4.5."""
    graph = CausalGraph.from_edges(
        [("t", "m"), ("t", "y"), ("m", "y")], dict.fromkeys("tmy", NO_YES)
    )
    risk_of_y = np.array([[0.2, 0.3], [0.4, 0.8]])
    cpts = {
        "t": [0.5, 0.5],
        "m": [[0.6, 0.4], [0.25, 0.75]],
        "y": np.stack([1 - risk_of_y, risk_of_y], axis=-1),
    }
    answer = mediate(Posterior.from_cpts(graph, cpts), {}, "t", ["m"])
    np.testing.assert_allclose(answer.draws, [[0.32, 0.035, 0.46]], **EXACT)
    table = answer.table["mean"]
    np.testing.assert_allclose(table["direct_over_total"], 0.32 / 0.46, **EXACT)
    np.testing.assert_allclose(table["explained_by_mediation"], 1 - 0.32 / 0.46, **EXACT)
    np.testing.assert_allclose(table["indirect_over_total"], 0.035 / 0.46, **EXACT)


def test_leaky_noisy_or():
    base = CausalGraph.from_edges([("a", "y"), ("b", "y")], {"a": NO_YES, "b": NO_YES, "y": NO_YES})
    nodes = tuple(
        Node("y", ("no", "yes"), mechanism="noisy_max") if n.name == "y" else n for n in base.nodes
    )
    graph = CausalGraph(base.name, nodes, base.edges, outcome="y")
    # P(leak absent) = 0.9; P(no contribution | a) = 0.2, of b = 0.4.
    table = mechanism(graph, "y").cpt(np.array([[0.9, 0.2, 0.4]]), np.zeros((1, 0)))[0]
    np.testing.assert_allclose(table[..., 1], [[0.1, 0.64], [0.82, 0.928]], **EXACT)


def test_asia():
    names = ["asia", "smoke", "tub", "lung", "bronc", "either", "xray", "dysp"]
    edges = [
        ("asia", "tub"),
        ("smoke", "lung"),
        ("smoke", "bronc"),
        ("tub", "either"),
        ("lung", "either"),
        ("either", "xray"),
        ("either", "dysp"),
        ("bronc", "dysp"),
    ]
    graph = CausalGraph.from_edges(edges, dict.fromkeys(names, NO_YES))

    def rows(*yes):
        share = np.array(yes).reshape((2,) * int(np.log2(len(yes))))
        return np.stack([1 - share, share], axis=-1)

    posterior = Posterior.from_cpts(
        graph,
        {
            "asia": rows(0.01),
            "smoke": rows(0.5),
            "tub": rows(0.01, 0.05),
            "lung": rows(0.01, 0.1),
            "bronc": rows(0.3, 0.6),
            "either": rows(0.0, 1.0, 1.0, 1.0),
            "xray": rows(0.05, 0.98),
            "dysp": rows(0.1, 0.8, 0.7, 0.9),
        },
    )
    expected = {
        "tub": 0.0104,
        "lung": 0.055,
        "bronc": 0.45,
        "either": 0.064828,
        "xray": 0.11029,
        "dysp": 0.435971,
    }
    for name, share in expected.items():
        np.testing.assert_allclose(risk(posterior, {}, target=name).draws, share, rtol=0, atol=1e-6)


WU = SHARED / "data" / "wu2021_counts.csv"


@pytest.mark.skipif(not WU.is_file(), reason="the counts of Wu 2021 lie beside the repository")
@pytest.mark.parametrize(
    ("factor", "healthy", "adverse", "published"),
    [
        ("warm_up", "enough", "not_enough", 3.99),
        ("strength", "enough", "not_enough", 2.81),
        ("fatigue", "no", "yes", 3.72),
        ("running_gait_posture", "good", "bad", 3.10),
        ("previous_injuries", "no", "yes", 1.33),
    ],
)
def test_crude_odds_ratios_of_a_marathon(factor, healthy, adverse, published):
    """Risks asked of the published counts give the published odds ratios (Wu 2021, table 2)."""
    with WU.open(encoding="utf-8") as file:
        counts = {
            row["level"]: np.array([float(row["no_lbp"]), float(row["lbp"])])
            for row in csv.DictReader(file)
            if row["factor"] == factor
        }
    rows = np.stack([counts[healthy], counts[adverse]])
    graph = CausalGraph.from_edges([("x", "pain")], {"x": [healthy, adverse], "pain": NO_YES})
    shares = rows.sum(axis=1) / rows.sum()
    cpts = {"x": shares[None], "pain": (rows / rows.sum(axis=1, keepdims=True))[None]}
    posterior = Posterior.from_cpts(graph, cpts)
    low, high = (risk(posterior, {"x": state}).draws[0] for state in (healthy, adverse))
    ratio = (high / (1 - high)) / (low / (1 - low))
    (a, b), (c, d) = rows
    np.testing.assert_allclose(ratio, (a * d) / (b * c), rtol=1e-9)
    assert round(ratio, 2) == published
