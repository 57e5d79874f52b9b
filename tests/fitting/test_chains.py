"""A fit that is interrupted goes on from its finished chains, and leaves no half file."""

import numpy as np
import pytest

from backrisk import fit
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
