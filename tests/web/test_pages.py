"""The pages as the server writes them."""

import re
from importlib.resources import files

from fastapi.testclient import TestClient

import backrisk as br
from backrisk.web import create_app


def test_every_page_states_what_it_is_and_fetches_nothing_from_elsewhere(client):
    for path in ("/", "/api"):
        page = client.get(path).text
        assert "Decision support, not a diagnosis." in page
        assert "synthetic" in page
        assert "R-hat is 1.2, expected at most 1.01." in page
        assert not re.search(r"\son\w+=|\sstyle=|javascript:", page)
        for script in re.findall(r"<script[^>]*>", page):
            assert 'src="/static/' in script or 'type="application/json"' in script
        assert not re.findall(r'(?:src|href)="(?!/|#)', page)
    for file in (files("backrisk.web") / "static").iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, file.name


def test_the_page_escapes_what_a_model_brings():
    graph = br.CausalGraph.from_edges(
        [("x", "y")], {"x": ["no", "</script><b>"], "y": ["no", "yes"]}
    )
    cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}
    app = create_app(br.Posterior.from_cpts(graph, cpts))
    page = TestClient(app, base_url="http://localhost").get("/").text
    assert "</script><b>" not in page
