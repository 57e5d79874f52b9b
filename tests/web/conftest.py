"""One model and its application for the tests of the page and the programming interface."""

import pytest
from fastapi.testclient import TestClient
from prior_model import prior_model
from web_client import NO_LIMIT

from backrisk.web import create_app
from tests.pseudo import write


@pytest.fixture(scope="session")
def posterior():
    return prior_model(40, warnings=["R-hat is 1.2, expected at most 1.01."])


@pytest.fixture(scope="session")
def app(posterior):
    return create_app(posterior, limits=NO_LIMIT)


@pytest.fixture(scope="session")
def pseudo(tmp_path_factory):
    """A folder of sentences in another language."""
    return write(tmp_path_factory.mktemp("languages"))


@pytest.fixture(scope="session")
def client(app):
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
