"""A model without a fit, with every kind of question; its server, and someone to ask about."""

from dataclasses import replace

import numpy as np
import pytest
from fastapi.testclient import TestClient
from prior_model import prior_model
from web_client import NO_LIMIT

from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.survey import Codebook
from backrisk.web import create_app

PERSON = {
    "sex": "female",
    "back_pain_episodes": 2,
    "strength_sessions": 0,
    "plank_seconds": 35.5,
    "fatigue": "high",
    "pelvic_tilt": "anterior",
}


def tiny(*, synthetic=False):
    """A model asked by a number, a text, a sign with codes, and labels."""
    states = {
        "load": ["low", "high"],
        "raced": ["no", "yes"],
        "tired": ["no", "yes"],
        "sore": ["none", "some", "much"],
    }
    edges = [("load", "sore"), ("raced", "sore"), ("tired", "sore")]
    graph = CausalGraph.from_edges(edges, states, outcome="sore")
    columns = {
        "note": {"role": "input", "type": "text", "question": "Anything else?"},
        "km": {
            "node": "load",
            "type": "number",
            "unit": "km",
            "range": [0, 200],
            "cuts": [40],
            "states": ["low", "high"],
            "question": "How far a week?",
        },
        "nap": {
            "item": "tired",
            "reliability": 0.5,
            "labels": {"0": "no", "1": "yes"},
            "choices": {"0": "never, or  hardly", "1": "yes, often"},
        },
        "sore": {
            "node": "sore",
            "labels": {"not at all": "none", "a bit": "some", "a lot": "much"},
        },
    }
    told = {"state": "yes", "when": [{"any": ["note"], "contains": ["race"]}]}
    derived = {
        "race_told": {
            "node": "raced",
            "derive": "first_match",
            "from": ["note"],
            "rules": [told],
            "otherwise": "no",
        }
    }
    book = Codebook.from_dict(
        {
            "name": "tiny",
            "graph": graph.name,
            "synthetic": synthetic,
            "columns": columns,
            "derived": derived,
        },
        graph,
    )
    graph = book.extend(graph)
    rising = [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5]]
    cpts = {
        "load": [[0.6, 0.4]],
        "raced": [[0.9, 0.1]],
        "tired": [[0.7, 0.3]],
        "sore": np.array([rising[0:2], rising[1:3], rising[1:3], rising[2:4]]).reshape(
            1, 2, 2, 2, 3
        ),
        "nap": [[[0.9, 0.1], [0.3, 0.7]]],
    }
    return replace(Posterior.from_cpts(graph, cpts), codebook=book, meta={"synthetic": synthetic})


@pytest.fixture(scope="session")
def small():
    return tiny()


@pytest.fixture(scope="session")
def posterior():
    return prior_model(20)


@pytest.fixture(scope="session")
def at_sites():
    return prior_model(10, sites=("Oslo", "Åre"))


@pytest.fixture(scope="session")
def client(small):
    app = create_app(small, limits=NO_LIMIT, cds_hooks=True, cds_origins=["https://ehr.example"])
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
