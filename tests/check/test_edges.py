"""Every edge as an odds ratio."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from backrisk import CausalGraph, Posterior, example_posterior, unroll
from backrisk.check import effects
from backrisk.cli import app
from backrisk.errors import GraphError, QueryError
from backrisk.plotting import plot_odds_ratios

STATES = {"x": ["no", "yes"], "y": ["none", "some", "much"]}


def test_ratios_of_given_tables_are_those_of_the_tables():
    graph = CausalGraph.from_edges([("x", "y")], STATES)
    rows = np.array([[[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]], [[0.5, 0.4, 0.1], [0.6, 0.1, 0.3]]])
    found = effects(Posterior.from_cpts(graph, {"x": [[0.5, 0.5]], "y": rows}))
    odds = (1 - rows[..., 0]) / rows[..., 0]
    ratios = odds[:, 1] / odds[:, 0]
    (row,) = found.to_dict("records")
    assert row["median"] == pytest.approx(np.median(ratios))
    assert row["p_above"] == 0.5
    assert np.isnan([row["prior_median"], row["published"]]).all()
    assert (row["compared"], row["citation"]) == ("", "")


def test_an_ordinal_logit_has_the_ratio_of_its_effect():
    """Of each step, with the other causes wherever they are."""
    posterior = example_posterior()
    graph, layout = posterior.graph, posterior.layout
    found = effects(posterior, ["lumbar_load"]).set_index(["cause", "state"])
    whole = [  # of parents in order, the row with one of them at its last state
        [len(graph.node(p).states) - 1 if p == cause else 0 for p in graph.parents("lumbar_load")]
        for cause in graph.parents("lumbar_load")
    ]
    reference = np.zeros((1, len(whole)), dtype=int)
    table = posterior.rows("lumbar_load", np.concatenate([reference, whole]).astype(np.intp))
    odds = table[:, 1:].sum(axis=1) / table[:, 0]
    for place, cause in enumerate(graph.parents("lumbar_load")):
        worst = found.loc[(cause, graph.node(cause).states[-1])]
        assert worst["median"] == pytest.approx(np.median(odds[place + 1] / odds[0]))
    assert (found["prior_low"] < found["prior_high"]).all()
    assert layout is posterior.layout


def test_figures_stand_beside_the_edge_that_they_are_of():
    posterior = example_posterior()
    found = effects(posterior)
    known = found[found["published"].notna()]
    assert len(known)
    figures = {(f.cause, f.effect): f for f in posterior.graph.figures}
    for row in known.itertuples():
        figure = figures[row.cause, row.effect]
        assert row.state in row.compared or row.state in figure.exposed
        assert row.citation
    assert set(found["effect"]).isdisjoint(posterior.graph.items)


def test_never_and_always_are_no_number(tmp_path):
    graph = CausalGraph.from_edges([("x", "y")], {name: ["no", "yes"] for name in "xy"})
    given = Posterior.from_cpts(graph, {"x": [[0.5, 0.5]], "y": [[[1.0, 0.0], [0.5, 0.5]]]})
    assert effects(given)["median"].tolist() == [np.inf]
    model = str(given.save(tmp_path / "m.nc"))
    told = CliRunner().invoke(app, ["effects", model, "--format", "json"])
    assert json.loads(told.stdout)["rows"][0]["median"] is None
    shown = CliRunner().invoke(app, ["effects", model, "--plot", str(tmp_path / "e.svg")])
    assert shown.exit_code == 2, shown.output
    assert not (tmp_path / "e.svg").exists()


def test_a_family_of_several_periods_is_told_once():
    graph = unroll(CausalGraph.from_text("x -> y; y[-1] -> y"), 4)
    rows = {name: np.full(graph.shape(name), 0.5) for name in graph.names}
    owned = {name: table for name, table in rows.items() if name not in dict(graph.tied)}
    found = effects(Posterior.from_cpts(graph, owned))
    assert list(dict.fromkeys(found["effect"])) == ["y", "y__1"]


def test_what_has_no_effects_is_said():
    lonely = CausalGraph.from_edges([], {"x": ["no", "yes"]})
    with pytest.raises(QueryError, match="no edge"):
        effects(Posterior.from_cpts(lonely, {"x": [[0.5, 0.5]]}))
    with pytest.raises(QueryError, match="'sex'"):
        effects(example_posterior(), ["sex"])
    with pytest.raises(GraphError, match="pian"):
        effects(example_posterior(), ["pian"])


def test_the_shell_shows_and_draws_them(tmp_path):
    model = example_posterior().save(tmp_path / "m.nc")
    arguments = ["effects", str(model), "--node", "lumbar_load"]
    drawn = CliRunner().invoke(app, [*arguments, "--plot", str(tmp_path / "e.png")])
    assert drawn.exit_code == 0, drawn.output
    assert "all routes" in " ".join(drawn.output.split())
    assert (tmp_path / "e.png").read_bytes().startswith(b"\x89PNG")
    told = CliRunner().invoke(app, [*arguments, "--format", "json"])
    assert {row["effect"] for row in json.loads(told.stdout)["rows"]} == {"lumbar_load"}
    bad = CliRunner().invoke(app, [*arguments, "--plot", str(tmp_path / "e.bmp")])
    assert bad.exit_code == 2


def test_the_figure_shows_a_row_for_each_ratio():
    found = effects(example_posterior(), ["pain"])
    axes = plot_odds_ratios(found, example_posterior().graph).axes[0]
    assert len(axes.get_yticklabels()) == len(found)
    assert axes.get_xscale() == "log"
