"""A fit that is interrupted goes on from its finished chains, and leaves no half file."""

import arviz as az
import numpy as np
import pytest
import xarray as xr

from backrisk import FitError, fit
from backrisk.fitting import chains as module

SHORT = {"draws": 50, "tune": 50, "chains": 3, "cores": 1, "progress": False}


@pytest.fixture
def short(core_graph, core_survey, core_compiled):
    """Fit as every test here does, but for what it says."""

    def run(seed, **rest):
        return fit(
            core_graph, core_survey, seed=seed, **{**SHORT, "compiled": core_compiled, **rest}
        )

    return run


@pytest.fixture
def stop_after_one(monkeypatch):
    """Interrupt at the moment when the first chain was kept."""
    save = module.Kept.save

    def saved_then_stopped(self, chain, tree):
        save(self, chain, tree)
        raise KeyboardInterrupt

    monkeypatch.setattr(module.Kept, "save", saved_then_stopped)


def test_an_interrupted_fit_goes_on_and_gives_the_same_draws(
    short, tmp_path, stop_after_one, monkeypatch
):
    whole = short(5)
    folder = tmp_path / "chains"
    with pytest.raises(KeyboardInterrupt):
        short(5, keep=folder)
    assert [path.name for path in folder.iterdir()] == ["chain-0.nc"]
    monkeypatch.undo()
    sampled = []
    run = module.nutpie.sample

    def counted(*arguments, **options):
        sampled.append(options["seed"])
        return run(*arguments, **options)

    monkeypatch.setattr(module.nutpie, "sample", counted)
    resumed = short(5, keep=folder)
    assert len(sampled) == 2
    assert np.array_equal(resumed.beta, whole.beta)
    assert not folder.exists()


def test_chains_of_another_fit_are_not_used(short, tmp_path, stop_after_one, monkeypatch):
    folder = tmp_path / "chains"
    with pytest.raises(KeyboardInterrupt):
        short(5, keep=folder)
    monkeypatch.undo()
    (folder / "chain-1.nc").write_bytes(b"cut short")
    other = short(6, keep=folder)
    fresh = short(6)
    assert np.array_equal(other.beta, fresh.beta)


def test_the_number_of_cores_changes_no_draw(short):
    one = short(7)
    two = short(7, cores=2)
    assert np.array_equal(one.beta, two.beta)


@pytest.fixture
def tree():
    values = {"posterior": {"beta": np.random.default_rng(0).normal(size=(1, 3, 2))}}
    return az.from_dict(values)


def test_a_kept_chain_is_loaded_by_its_own_fit_alone(tree, tmp_path):
    kept = module.Kept(tmp_path / "chains", "ours")
    kept.save(1, tree)
    assert kept.path(1) == tmp_path / "chains" / "chain-1.nc"
    assert [each.name for each in kept.folder.iterdir()] == ["chain-1.nc"]
    found = kept.load(1)["posterior"]["beta"].to_numpy()
    assert np.array_equal(found, tree["posterior"]["beta"].to_numpy())
    assert module.Kept(kept.folder, "theirs").load(1) is None
    assert kept.load(0) is None
    kept.path(0).write_bytes(b"cut short")
    assert kept.load(0) is None


def test_chains_are_removed_and_what_else_is_in_the_folder_stays(tree, tmp_path):
    kept = module.Kept(tmp_path / "chains", "ours")
    kept.clear(2)  # nothing there
    for chain in range(3):
        kept.save(chain, tree)
    kept.clear(2)
    assert [each.name for each in kept.folder.iterdir()] == ["chain-2.nc"]
    kept.clear(3)
    assert not kept.folder.exists()


def test_a_folder_that_cannot_be_made_is_told(tree, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FitError, match=r"cannot be kept in .*file.chains: .*\.$"):
        module.Kept(tmp_path / "file" / "chains", "ours").save(0, tree)
    with pytest.raises(FitError, match=r"cannot be kept in .*file: File exists\.$"):
        module.Kept(tmp_path / "file", "ours").save(0, tree)


def test_a_chain_that_cannot_be_written_leaves_nothing(tree, tmp_path, monkeypatch):
    def full(self, path, **kwargs):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(xr.DataTree, "to_netcdf", full)
    with pytest.raises(FitError, match=r"chain-0\.nc cannot be written: disk full"):
        module.Kept(tmp_path, "ours").save(0, tree)
    assert list(tmp_path.iterdir()) == []


def test_a_fingerprint_is_of_all_its_parts_in_any_order():
    parts = {"seed": 1, "graph": {"a": [1, 2]}}
    same = module.fingerprint({"graph": {"a": [1, 2]}, "seed": 1})
    assert module.fingerprint(parts) == same
    assert module.fingerprint(parts | {"seed": 2}) != same
    assert module.fingerprint(parts | {"graph": {"a": [2, 1]}}) != same
