"""Saving, loading, and refusing what is not a model."""

import json
from dataclasses import replace

import arviz as az
import numpy as np
import pytest
import xarray as xr

from backrisk import CausalGraph, Codebook, Posterior, PosteriorError, fit, load_posterior, risk

TWO = {"x": ["no", "yes"], "y": ["no", "yes"]}


@pytest.fixture
def graph():
    return CausalGraph.from_edges([("x", "y")], TWO)


@pytest.fixture
def cpts():
    return {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}


def test_a_saved_model_answers_as_before(core_graph, core_survey, core_compiled, tmp_path):
    sizes = {"draws": 25, "tune": 50, "chains": 2}
    fitted = fit(core_graph, core_survey, seed=1, **sizes, compiled=core_compiled, progress=False)
    loaded = load_posterior(fitted.save(tmp_path / "m.nc"))
    person = {"fatigue": "high"}
    assert np.array_equal(risk(loaded, person).draws, risk(fitted, person).draws)
    assert loaded.graph == fitted.graph
    assert loaded.diagnostics == fitted.diagnostics
    assert loaded.prior is not None


def test_given_cpts_survive_saving(graph, cpts, tmp_path):
    path = Posterior.from_cpts(graph, cpts).save(tmp_path / "m.nc")
    assert risk(load_posterior(path), {"x": "yes"}).draws.tolist() == [0.8]


def test_arviz_reads_a_saved_model(core_model):
    tree = xr.open_datatree(core_model, engine="h5netcdf").load()
    assert float(az.rhat(tree["posterior"].to_dataset()[["beta"]])["beta"].max()) < 1.1
    tree.close()


def test_a_saved_model_holds_no_row(core_survey, core_model):
    tree = xr.open_datatree(core_model, engine="h5netcdf").load()
    sizes = {size for group in tree.children.values() for size in group.sizes.values()}
    tree.close()
    assert core_survey.n not in sizes


@pytest.mark.parametrize("damage", ["truncated", "altered", "foreign", "text", "other format"])
def test_a_damaged_file_is_refused_in_one_sentence(core_model, tmp_path, damage):
    path = tmp_path / "bad.nc"
    data = core_model.read_bytes()
    if damage == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "text":
        path.write_text("not a model")
    elif damage == "foreign":
        xr.Dataset({"a": ("x", [1.0])}).to_netcdf(path, engine="h5netcdf")
    else:
        tree = xr.open_datatree(core_model, engine="h5netcdf").load()
        tree.close()
        if damage == "altered":
            tree["posterior"]["beta"] = tree["posterior"]["beta"] + 0.01
        else:
            tree.attrs["format"] = "backrisk-posterior-0"
        tree.to_netcdf(path, engine="h5netcdf")
    with pytest.raises(PosteriorError, match=r"bad\.nc") as raised:
        load_posterior(path)
    assert "\n" not in str(raised.value)


def test_a_model_of_another_graph_version_is_refused(core_model, tmp_path, monkeypatch):
    tree = xr.open_datatree(core_model, engine="h5netcdf").load()
    tree.close()
    record = json.loads(tree.attrs["record"])
    record["graph"]["nodes"]["fatigue"]["states"] = ["low", "high"]
    record["graph"]["nodes"]["fatigue"].pop("margin")
    tree.attrs["record"] = json.dumps(record)
    monkeypatch.setattr("backrisk.posterior.storage._checksum", lambda *_: tree.attrs["checksum"])
    tree.to_netcdf(tmp_path / "old.nc", engine="h5netcdf")
    with pytest.raises(PosteriorError, match="another graph version"):
        load_posterior(tmp_path / "old.nc")


def test_nothing_is_left_behind_when_saving_fails(graph, cpts, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(xr.DataTree, "to_netcdf", full)
    with pytest.raises(PosteriorError, match="disk full"):
        Posterior.from_cpts(graph, cpts).save(tmp_path / "m.nc")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"z": [[0.5, 0.5]]}, "has no node 'z'"),
        ({"x": None}, "needs the CPT of node 'x'"),
        ({"y": [[0.7, 0.3]]}, r"shape \(1, 2\), expected \(draw, 2, 2\)"),
        ({"x": [[0.5, 0.6]]}, "sum to 1"),
        ({"x": [[-0.5, 1.5]]}, "at least 0"),
        ({"x": [[0.333, 0.333]]}, r"for draw 0 it holds \[0\.333, 0\.333\]"),
        ({"y": [[[0.7, 0.3], [0.2, np.nan]]]}, "for x=yes, draw 0 it holds"),
        ({"y": [[0.7, 0.3], [0.2]]}, "'y' is no array of numbers"),
        ({"x": ["half", "half"]}, "'x' is no array of numbers"),
        ({"x": np.zeros((0, 2))}, r"shape \(0, 2\), expected \(draw, 2\)"),
        ({7: [0.5, 0.5]}, "has no node '7'"),
    ],
)
def test_wrong_cpts_are_refused(graph, cpts, change, message):
    changed = {k: v for k, v in {**cpts, **change}.items() if v is not None}
    with pytest.raises(PosteriorError, match=message):
        Posterior.from_cpts(graph, changed)


def test_cpts_in_single_precision_become_distributions():
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    rows = np.array([[0.7, 0.3], [0.1, 0.9]], np.float32)
    posterior = Posterior.from_cpts(graph, {"x": np.float32([0.1, 0.9]), "y": rows})
    for name in graph.names:
        np.testing.assert_allclose(posterior.cpt(name).sum(-1), 1.0, rtol=0, atol=1e-15)
    np.testing.assert_allclose(posterior.cpt("y")[0], rows, rtol=0, atol=1e-7)


def test_given_tables_keep_their_codebook_and_record_when_saved(graph, cpts, tmp_path):
    named = replace(
        Posterior.from_cpts(graph, cpts),
        codebook=Codebook.plain(graph),
        meta={"synthetic": True},
    )
    found = load_posterior(named.save(tmp_path / "m.nc"))
    assert found.codebook == named.codebook
    assert found.meta == {"synthetic": True}
    assert found.diagnostics.method == "given"


def test_a_table_of_cpts_is_a_mapping(graph):
    with pytest.raises(PosteriorError, match="mapping of node to table, got list"):
        Posterior.from_cpts(graph, [[0.5, 0.5]])


def test_a_folder_and_a_foreign_file_are_told_apart(tmp_path, graph, cpts):
    with pytest.raises(PosteriorError, match="is a folder, expected a file"):
        load_posterior(tmp_path)
    with pytest.raises(PosteriorError, match=r"cannot be written: Is a directory\.$"):
        Posterior.from_cpts(graph, cpts).save(tmp_path)
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with pytest.raises(PosteriorError, match="a file of another kind"):
        load_posterior(tmp_path / "a.nc")


def test_fewer_draws_keep_everything_else(core_posterior):
    fewer = core_posterior.subset(50)
    assert fewer.draws == 50
    assert fewer.diagnostics is core_posterior.diagnostics
    assert fewer.codebook is core_posterior.codebook
    given = Posterior.from_cpts(
        core_posterior.graph, {n: core_posterior.cpt(n) for n in core_posterior.graph.names}
    )
    named = replace(given, meta={"survey": "ours"}).subset(50)
    assert named.meta == {"survey": "ours"}
    np.testing.assert_allclose(named.cpt("pain"), fewer.cpt("pain"), rtol=0, atol=1e-15)
