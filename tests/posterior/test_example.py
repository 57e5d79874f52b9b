"""The packaged example: a model and people that can be asked about."""

import numpy as np
import pytest

import backrisk as br


def test_the_example_is_of_the_packaged_graph():
    found = br.example_posterior()
    assert set(br.load_graph("runner").names) <= set(found.graph.names)
    assert found.draws == 400
    assert not found.diagnostics.warnings


def test_every_example_person_can_be_asked_about():
    posterior = br.example_posterior()
    for name in br.example_people():
        draws = br.risk(posterior, br.example_person(name)).draws
        assert np.all((draws >= 0) & (draws <= 1))


def test_nobody_of_that_name():
    with pytest.raises(br.QueryError, match="no example person 'nobody'"):
        br.example_person("nobody")
