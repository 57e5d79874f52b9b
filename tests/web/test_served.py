"""A model as it is served: its sites, and the draws that every answer uses."""

import itertools
from dataclasses import replace
from html import unescape

import pytest
from fastapi.testclient import TestClient
from prior_model import prior_model
from web_client import CALLS, NO_LIMIT, PERSON, exact, is_problem, post

import backrisk as br
from backrisk.posterior import Verdict
from backrisk.web import create_app
from backrisk.web.api import V1
from backrisk.words import names_of

ON_THE_WHOLE = {"large": 0.1, "large_low": -0.1, "large_high": 0.3}
SITES = ("Oslo", "Åre & <Lillehammer>")


@pytest.fixture(scope="module")
def wide():
    return prior_model(40, sites=SITES)


@pytest.fixture(scope="module")
def clinics(wide):
    app = create_app(wide, limits=NO_LIMIT)
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


@pytest.mark.parametrize("call", CALLS)
def test_every_number_is_of_the_site_that_was_asked(clinics, wide, call):
    path, question, ask = CALLS[call]
    for site in (*SITES, "new", "average", None):
        response = post(clinics, path, **question, site=site)
        assert response.json() == exact(ask(wide.at_site(site)))


def test_sites_change_what_is_told_and_are_listed(clinics, client):
    risks = [post(clinics, "/risk", person=PERSON, site=s).json()["rows"] for s in (*SITES, "new")]
    assert all(a != b for a, b in itertools.combinations(risks, 2))
    drawn = [post(clinics, "/cascade", person=PERSON, site=site).json() for site in SITES]
    assert drawn[0]["nodes"] != drawn[1]["nodes"]
    assert drawn[0]["edges"] != drawn[1]["edges"]
    assert clinics.get(V1 + "/model").json()["sites"] == list(SITES)
    assert client.get(V1 + "/model").json()["sites"] == []
    assert '<select id="site"' in clinics.get("/").text
    assert "&lt;Lillehammer&gt;" in clinics.get("/").text
    assert 'id="site"' not in client.get("/").text


def test_a_site_that_is_not_known_is_said(clinics, client):
    for path in ("/risk", "/cascade", "/ask-next", "/report.pdf"):
        body = is_problem(post(clinics, path, person={}, site="Olso"), 422)
        assert "did you mean 'Oslo'" in body["detail"]
    assert "sites" in is_problem(post(client, "/risk", person={}, site="Oslo"), 422)["detail"]


def test_the_report_says_which_site_it_is_about(clinics):
    from io import BytesIO

    from pypdf import PdfReader

    pages = post(clinics, "/report.pdf", person=PERSON, site="Oslo").content
    said = " ".join(
        " ".join(page.extract_text() for page in PdfReader(BytesIO(pages)).pages).split()
    )
    assert "Oslo" in said


def test_the_page_thins_a_posterior_once_and_says_so():
    full = prior_model(60)
    client = TestClient(create_app(full, draws=25), base_url="http://localhost")
    assert post(client, "/risk", person=PERSON).json() == exact(br.risk(full.subset(25), PERSON))
    about = client.get(V1 + "/model").json()
    assert (about["draws"], about["draws_in_model"]) == (25, 60)
    assert "the same 25 of the model's 60 draws" in unescape(client.get("/").text)


def test_the_page_tells_what_checks_found():
    model = prior_model(20)
    slope = Verdict.of("calibration", "contradicted", slope=0.4, low=0.2, high=0.6, **ON_THE_WHOLE)
    judged = replace(model.diagnostics, verdicts=(slope,))
    client = TestClient(create_app(replace(model, diagnostics=judged)), base_url="http://localhost")
    about = client.get(V1 + "/model").json()
    assert about["checks"] == [slope.sentence(names_of(model.graph))]
    assert about["warnings"] == [judged.doubts(names_of(model.graph))]
    page = unescape(client.get("/").text)
    assert about["checks"][0] in page
    assert about["warnings"][0] in page
    told = post(client, "/risk", person=PERSON).json()["warnings"]
    assert about["warnings"][0] in told
    plain = TestClient(create_app(model), base_url="http://localhost")
    assert plain.get(V1 + "/model").json()["checks"] == []
