"""A fit that is interrupted goes on from its finished chains, and leaves no half file."""

import errno
import os
import shutil
from dataclasses import replace

import arviz as az
import numpy as np
import nutpie
import pymc as pm
import pytest

from backrisk import CausalGraph, FitError, Posterior, _files, fit
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
    run = nutpie.sample

    def counted(*arguments, **options):
        sampled.append(options["seed"])
        return run(*arguments, **options)

    monkeypatch.setattr(nutpie, "sample", counted)
    resumed = short(5, keep=folder)
    assert len(sampled) == 2
    assert np.array_equal(resumed.beta, whole.beta)
    assert len(list(folder.iterdir())) == 3  # until the model is saved
    module.clear_kept(folder, replace(resumed, fractions=resumed.fractions[::-1]))
    assert len(list(folder.iterdir())) == 3  # they are not of that model
    module.clear_kept(folder, resumed)
    assert not folder.exists()


def test_chains_of_another_fit_are_neither_used_nor_overwritten(
    short, tmp_path, stop_after_one, monkeypatch
):
    folder = tmp_path / "chains"
    with pytest.raises(KeyboardInterrupt):
        short(5, keep=folder)
    monkeypatch.undo()
    theirs = (folder / "chain-0.nc").read_bytes()
    monkeypatch.setattr(nutpie, "sample", lambda *_, **__: pytest.fail("sampled"))
    with pytest.raises(FitError, match=r"chain-0\.nc is no chain of this very fit"):
        short(6, keep=folder)
    assert (folder / "chain-0.nc").read_bytes() == theirs
    (folder / "chain-1.nc").write_bytes(b"my own")
    with pytest.raises(FitError, match=r"chain-1\.nc is no chain of this very fit"):
        short(5, keep=folder)
    assert sorted(each.name for each in folder.iterdir()) == ["chain-0.nc", "chain-1.nc"]


def test_the_number_of_cores_changes_no_draw(short):
    one = short(7)
    two = short(7, cores=2)
    assert np.array_equal(one.beta, two.beta)


@pytest.fixture
def tree():
    rng = np.random.default_rng(0)
    drawn = {"beta": rng.normal(size=(1, 3, 2)), "continuation": rng.random((1, 3, 4))}
    return az.from_dict({"posterior": drawn})


@pytest.fixture
def made(tree):
    """Return the model of so many chains that are all alike."""
    fractions = tree["posterior"]["continuation"].to_numpy()[0]
    graph = CausalGraph.from_edges([], {"x": ["no", "yes"]})
    return lambda chains: Posterior(graph, np.tile(fractions, (chains, 1)), chains=chains)


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


def test_chains_are_removed_and_what_else_is_in_the_folder_stays(tree, made, tmp_path):
    kept = module.Kept(tmp_path / "chains", "ours")
    module.clear_kept(kept.folder, made(2))  # nothing there
    for chain in range(3):
        kept.save(chain, tree)
    exact = replace(made(3), fractions=made(3).fractions / 2)
    module.clear_kept(kept.folder, exact)  # made of none of them
    assert len(list(kept.folder.iterdir())) == 3
    module.clear_kept(kept.folder, made(2))
    assert [each.name for each in kept.folder.iterdir()] == ["chain-2.nc"]
    module.clear_kept(str(kept.folder), made(3))
    assert not kept.folder.exists()
    kept.folder.mkdir()
    kept.path(0).write_bytes(b"my own")
    module.clear_kept(kept.folder, made(1))
    with pytest.raises(FitError, match="no chain of this very fit and will not be overwritten"):
        kept.save(0, tree)
    assert kept.path(0).read_bytes() == b"my own"


def test_a_folder_that_cannot_be_made_is_told(tree, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FitError, match=r"cannot be kept in .*file.chains: .*\.$"):
        module.Kept(tmp_path / "file" / "chains", "ours").save(0, tree)
    with pytest.raises(FitError, match=r"cannot be kept in .*file: File exists\.$"):
        module.Kept(tmp_path / "file", "ours").save(0, tree)


def full(*_):
    raise OSError(errno.ENOSPC, "disk full")


def test_a_chain_that_cannot_be_written_leaves_nothing(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(_files.os, "fsync", full)
    with pytest.raises(FitError, match=r"chain-0\.nc cannot be written: disk full"):
        module.Kept(tmp_path, "ours").save(0, tree)
    assert list(tmp_path.iterdir()) == []


def test_a_fit_whose_chains_cannot_be_kept_goes_on_and_says_so(
    short, tmp_path, monkeypatch, capsys
):
    whole = short(5)
    monkeypatch.setattr(_files.os, "fsync", full)
    assert np.array_equal(short(5, keep=tmp_path / "chains").beta, whole.beta)
    told = " ".join(capsys.readouterr().err.split())
    assert "Chain 1 is not kept, and sampling goes on." in told
    assert "disk full" in told
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_refused_before_sampling(short, tmp_path, monkeypatch):
    monkeypatch.setattr(nutpie, "sample", lambda *_, **__: pytest.fail("sampled"))
    monkeypatch.setattr(
        _files.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 100_000)
    )
    with pytest.raises(FitError, match=r"no room in .*: about .* MB will be needed, 0\.1 MB"):
        short(5, keep=tmp_path / "chains")
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_that_pymc_keeps_to_itself_is_one(
    short, core_graph, core_survey, monkeypatch
):
    cut = {"posterior": {"beta": np.zeros((1, 3, 2))}}
    monkeypatch.setattr(pm, "sample", lambda **_: az.from_dict(cut))
    with pytest.raises(KeyboardInterrupt):
        short(5, sampler="pymc", compiled=None)


def test_a_folder_that_cannot_be_written_is_refused_before_sampling(short, tmp_path, monkeypatch):
    monkeypatch.setattr(nutpie, "sample", lambda *_, **__: pytest.fail("sampled"))
    made = os.mkdir

    def refuse(path, mode=0o777):
        if ".backrisk-" in str(path):
            raise OSError(errno.EACCES, "Permission denied")
        made(path, mode)

    monkeypatch.setattr(_files.os, "mkdir", refuse)
    with pytest.raises(FitError, match=r"chain-0\.nc cannot be written: Permission denied"):
        short(5, keep=tmp_path / "chains")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", [0, 100, 3000, -1])
def test_a_kept_chain_with_a_damaged_byte_is_sampled_again(tree, tmp_path, place):
    kept = module.Kept(tmp_path, "ours")
    kept.save(0, tree)
    content = bytearray(kept.path(0).read_bytes())
    content[place] ^= 1
    kept.path(0).write_bytes(content)
    assert kept.load(0) is None


def test_a_fingerprint_is_of_all_its_parts_in_any_order():
    parts = {"seed": 1, "graph": {"a": [1, 2]}}
    same = module.fingerprint({"graph": {"a": [1, 2]}, "seed": 1})
    assert module.fingerprint(parts) == same
    assert module.fingerprint(parts | {"seed": 2}) != same
    assert module.fingerprint(parts | {"graph": {"a": [2, 1]}}) != same
