"""Damaged files: every one is refused in one sentence, and none is taken for a model."""

from pathlib import Path

import forging
import numpy as np
import pytest
import strategies

from backrisk import CausalGraph, Posterior, PosteriorError, load_posterior
from backrisk.graph import Layout
from backrisk.posterior import SiteEffects

SAVED = Path(__file__).parent / "saved"
pytestmark = pytest.mark.slow


def models():
    """A fit with sites, an exact one, and tables."""
    rng = np.random.default_rng(0)
    layout = Layout(strategies.every_mechanism())
    before = layout.draw_prior(30, rng)
    pooled = len(layout.pooled)
    yield Posterior(
        layout.graph,
        *layout.draw_prior(40, rng),
        chains=4,
        prior_fractions=before[0],
        prior_beta=before[1],
        sites=SiteEffects(("a", "b"), rng.normal(size=(40, 2, pooled)), rng.random((40, pooled))),
        meta={"survey": "ours", "people": 60, "answered": {"a": 0.5}},
    )
    two = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    yield Posterior(two, *Layout(two).draw_prior(200, rng), chains=2)
    yield strategies.random_posterior(rng, strategies.random_graph(rng, 5), 10)


def refused(path, data):
    path.write_bytes(data)
    with pytest.raises(PosteriorError) as raised:
        load_posterior(path)
    said = str(raised.value)
    assert "\n" not in said
    assert said.startswith(str(path))


@pytest.mark.parametrize(("place", "flips"), list(enumerate((700, 700, 600))))
def test_a_flipped_bit_is_found_before_anything_is_interpreted(place, flips, tmp_path, monkeypatch):
    whole = list(models())[place].save(tmp_path / "m.nc").read_bytes()
    monkeypatch.setattr("subprocess.run", None)  # nothing needs a process of its own
    rng = np.random.default_rng(place)
    # A few of them at both ends, where lengths, checksum and signatures stand.
    places = rng.integers(len(whole), size=flips)
    places[:100] = rng.integers(len(whole) - 68, len(whole), size=100)
    places[100:130] = rng.integers(0, 48, size=30)
    for at in places:
        data = bytearray(whole)
        data[at] ^= 1 << int(rng.integers(8))
        refused(tmp_path / "bad.nc", data)


@pytest.mark.parametrize("place", range(3))
def test_a_file_that_was_cut_short_is_refused(place, tmp_path, monkeypatch):
    whole = list(models())[place].save(tmp_path / "m.nc").read_bytes()
    body = len(forging.parts(tmp_path / "m.nc")[0])
    monkeypatch.setattr("subprocess.run", None)
    rng = np.random.default_rng(place)
    lengths = [0, 1, 48, len(whole) - 1, len(whole) - 68, *rng.integers(len(whole), size=95)]
    for length in lengths:
        if length != body:  # netCDF that is whole: below
            refused(tmp_path / "bad.nc", whole[:length])
    monkeypatch.undo()
    refused(tmp_path / "bad.nc", whole[:body])


@pytest.mark.parametrize("name", ["fitted.nc", "given.nc"])
def test_a_flipped_bit_in_a_file_of_the_first_format_is_found_or_harmless(name, tmp_path):
    """HDF5 reads it, and its checksum covers the numbers and the record, not every byte."""
    whole = (SAVED / name).read_bytes()
    sound = load_posterior(SAVED / name)
    rng = np.random.default_rng(0)
    found = 0
    for at in rng.integers(len(whole), size=60):
        data = bytearray(whole)
        data[at] ^= 1 << int(rng.integers(8))
        path = tmp_path / "bad.nc"
        path.write_bytes(data)
        try:
            loaded = load_posterior(path)
        except PosteriorError:
            found += 1
            continue
        for node in sound.graph.names:
            assert loaded.cpt(node).tobytes() == sound.cpt(node).tobytes()
    assert found
