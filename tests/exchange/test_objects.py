"""Networks as objects of other libraries: their inference agrees, and they come back."""

import importlib.util
import warnings

import numpy as np
import pytest
from strategies import random_graph, random_person, random_posterior

import backrisk as br
from backrisk.errors import QueryError


def needs(module):
    missing = importlib.util.find_spec(module) is None
    return pytest.mark.skipif(missing, reason=f"{module} is not installed")


@pytest.fixture
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        yield


def asked(seed):
    """A network, a person of nonzero probability, and a node to ask about."""
    rng = np.random.default_rng(seed)
    posterior = random_posterior(rng, random_graph(rng, 6))
    person = random_person(rng, posterior.graph)
    target = posterior.graph.names[-1]
    person.pop(target, None)
    return posterior, person, target


def same_tables(posterior, draw, back):
    graph = posterior.graph
    assert set(back.graph.names) == set(graph.names)
    for name in graph.names:
        order = [graph.parents(name).index(parent) for parent in back.graph.parents(name)]
        expected = posterior.cpt(name)[draw].transpose(*order, len(order))
        np.testing.assert_allclose(back.cpt(name)[0], expected, atol=1e-12)
        assert back.graph.node(name).states == graph.node(name).states


@needs("pgmpy")
@pytest.mark.parametrize("seed", range(3))
def test_pgmpy_infers_the_same_and_comes_back(seed, quiet):
    from pgmpy.inference import VariableElimination

    posterior, person, target = asked(seed)
    model = br.to_pgmpy(posterior, draw=1)
    assert model.check_model()
    found = VariableElimination(model).query([target], evidence=person, show_progress=False)
    risk = br.risk(posterior, person).draws[1]
    assert 1 - found.values[0] == pytest.approx(risk, abs=1e-9)
    same_tables(posterior, 1, br.from_pgmpy(model, outcome=target))


@needs("pyagrum")
@pytest.mark.parametrize("seed", range(3))
def test_pyagrum_infers_the_same_and_comes_back(seed, quiet):
    import pyagrum

    posterior, person, target = asked(seed)
    net = br.to_pyagrum(posterior, draw=1)
    engine = pyagrum.LazyPropagation(net)
    engine.setEvidence(person)
    engine.makeInference()
    found = engine.posterior(target).tolist()
    risk = br.risk(posterior, person).draws[1]
    assert 1 - found[0] == pytest.approx(risk, abs=1e-9)
    same_tables(posterior, 1, br.from_pyagrum(net, outcome=target))


def test_what_is_no_network_or_not_installed_is_told(monkeypatch):
    with pytest.raises(QueryError, match="discrete network of pgmpy, not int"):
        br.from_pgmpy(3)
    with pytest.raises(QueryError, match="discrete network of pyAgrum, not str"):
        br.from_pyagrum("net")
    monkeypatch.setattr("backrisk.exchange.objects.find_spec", lambda name: None)
    posterior, _, _ = asked(0)
    for write in (br.to_pgmpy, br.to_pyagrum):
        with pytest.raises(QueryError, match="not installed; install it with pip install"):
            write(posterior)
