"""A saved model holds how its outcome is distributed: no question has to work it out."""

import numpy as np
import pytest

from backrisk import CausalGraph, Posterior, PosteriorError, load_posterior, risk
from backrisk.posterior import posterior as module
from backrisk.posterior.datatree import MARGIN, Group, datatree
from backrisk.posterior.storage import seal, store

GRAPH = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
TABLES = {"x": [[0.5, 0.5], [0.25, 0.75]], "y": [[[0.7, 0.3], [0.2, 0.8]]] * 2}


def model():
    return Posterior.from_cpts(GRAPH, TABLES)


def held(path, margin, states=("no", "yes")):
    """A sealed file that says what it likes of the outcome."""
    posterior = model()
    told = {"population": Group({MARGIN: (np.asarray(margin), ("state",))}, 1, {"state": states})}
    return store(seal(datatree(posterior._groups() | told), posterior._record()), path)


def test_the_outcome_s_share_is_read_and_not_worked_out_again(tmp_path, monkeypatch):
    path = model().save(tmp_path / "m.nc")
    loaded = load_posterior(path)
    with monkeypatch.context() as patch:
        patch.setattr(module, "World", lambda *_: pytest.fail("worked out"))
        found = loaded.marginal("y")
        answer = risk(loaded, {}).draws
    np.testing.assert_allclose(found[1], [0.55, 0.675], rtol=1e-15)
    np.testing.assert_array_equal(found, model().marginal("y"))
    np.testing.assert_array_equal(answer, found[1])
    assert not found.flags.writeable


def test_a_file_that_holds_none_opens(tmp_path):
    path = store(model().to_datatree(), tmp_path / "m.nc")
    np.testing.assert_array_equal(load_posterior(path).marginal("y"), model().marginal("y"))


@pytest.mark.parametrize(
    ("margin", "states"),
    [
        ([[0.5, 0.6], [0.5, 0.5]], ("no", "yes")),  # sums to more than one
        ([[1.5, -0.5], [0.5, 0.5]], ("no", "yes")),
        ([[np.nan, 0.5], [0.5, 0.5]], ("no", "yes")),
        ([[0.5, 0.5], [0.5, 0.5]], ("yes", "no")),  # of other states
        ([[0.2, 0.3, 0.5], [0.2, 0.3, 0.5]], ("no", "some", "yes")),
    ],
)
def test_what_is_no_distribution_of_the_outcome_is_refused(tmp_path, margin, states):
    path = held(tmp_path / "m.nc", margin, states)
    with pytest.raises(PosteriorError, match="not those of its graph"):
        load_posterior(path)


def test_a_sound_one_is_taken(tmp_path):
    path = held(tmp_path / "m.nc", [[0.5, 0.5], [0.25, 0.75]])
    np.testing.assert_array_equal(load_posterior(path).marginal("y"), [[0.5, 0.25], [0.5, 0.75]])
