"""Parts of wide tables: kept while there is room, and never another part or posterior's."""

import gc

import numpy as np
import pytest

from backrisk import Posterior, load_graph
from backrisk.graph import Layout
from backrisk.inference import slices
from backrisk.inference.coupling import cumulated

ALL = slice(None)


@pytest.fixture
def posterior(monkeypatch):
    """Prior draws of the packaged graph, of which pain's table is not kept whole."""
    graph = load_graph("runner")
    monkeypatch.setattr("backrisk.graph.mechanisms.KEPT_TABLE", 0)
    monkeypatch.setattr(slices, "_LEAST", 0)
    slices.forget()
    return Posterior(graph, *Layout(graph).draw_prior(30, np.random.default_rng(1)))


def known(posterior, name="pain", free=2, state=1):
    """Where all parents but some are known."""
    parents = posterior.graph.parents(name)
    return (ALL,) * free + (np.array([state]),) * (len(parents) - free)


def test_a_part_is_that_of_the_table_whatever_was_asked_before(posterior):
    at, other = known(posterior), known(posterior, state=0)
    for piece in (slice(3, 9), slice(0, 30), slice(5, 7)):
        for where in (at, other):
            expected = posterior.cut("pain", where)(piece)
            np.testing.assert_array_equal(slices.part_of(posterior, "pain", where)(piece), expected)
            found = slices.part_of(posterior, "pain", where, cdf=True)(piece)
            np.testing.assert_array_equal(found, cumulated(expected, positive=True))


def test_a_part_is_computed_once(posterior, monkeypatch):
    at, asked = known(posterior), []
    cut = Posterior.cut

    def counted(self, name, at):
        part = cut(self, name, at)
        return lambda some: asked.append(some) or part(some)

    monkeypatch.setattr(Posterior, "cut", counted)
    for _ in range(3):
        part = slices.part_of(posterior, "pain", at)
        part(slice(0, 20)), part(slice(10, 20)), part(slice(20, 30))
    assert asked == [slice(0, 20), slice(20, 30)]


def test_what_is_kept_is_bounded_and_goes_with_its_posterior(posterior, monkeypatch):
    whole = [known(posterior, state=state) for state in (0, 1)]
    (size,) = {slices.part_of(posterior, "pain", at)(ALL).nbytes for at in whole}
    assert slices.kept() == 2 * size
    monkeypatch.setattr(slices, "KEPT", 2 * size)
    slices.part_of(posterior, "pain", whole[0])(ALL)
    slices.part_of(posterior, "pain", whole[0], cdf=True)(ALL)
    assert size < slices.kept() <= 2 * size  # the part that was asked for longest ago is gone
    again = posterior.subset(7)
    slices.part_of(again, "pain", whole[0])(ALL)
    before = slices.kept()
    posterior._subsets.clear()
    del again
    gc.collect()
    assert slices.kept() < before
    slices.forget()
    assert slices.kept() == 0
