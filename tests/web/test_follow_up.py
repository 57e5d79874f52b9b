"""Saved files over HTTP: read by every address, compared, and refused in a sentence."""

import io
from dataclasses import replace
from datetime import date

import pypdf
import pytest
from fastapi.testclient import TestClient
from web_client import CALLS, NO_LIMIT, PERSON, exact, is_problem, post

import backrisk as br
from backrisk.queries import saved
from backrisk.web import create_app

DAY = date(2026, 11, 27)


@pytest.fixture(scope="module")
def old(posterior):
    assert posterior.beta is not None
    return replace(posterior, beta=posterior.beta + 0.2)


@pytest.mark.parametrize("name", [n for n, (_, asked, _) in CALLS.items() if "person" in asked])
def test_every_question_reads_a_saved_person(client, posterior, name):
    path, asked, _ = CALLS[name]
    whole = {**asked, "person": saved(posterior, asked["person"], DAY)}
    plain, enveloped = post(client, path, **asked), post(client, path, **whole)
    assert plain.status_code == enveloped.status_code == 200
    assert enveloped.json() == plain.json()


def test_a_wrong_envelope_is_a_problem(client):
    for person, told in (
        ({"backrisk": {}, "person": PERSON, "fatigue": "high"}, "'fatigue' stands beside"),
        ({"backrisk": {"date": "soon"}, "person": PERSON}, "not 'soon'"),
        ({"person": PERSON}, "'backrisk' is missing"),
    ):
        assert told in is_problem(post(client, "/risk", person=person), 422)["detail"]
        asked = {"before": person, "after": PERSON}
        assert told in is_problem(post(client, "/follow-up", **asked), 422)["detail"]


def test_a_file_of_an_earlier_model_is_parted_where_the_server_holds_that_model(posterior, old):
    before, after = saved(old, PERSON, DAY), saved(posterior, PERSON | {"sex": "male"}, DAY)

    def answered(**settings):
        app = create_app(posterior, limits=NO_LIMIT, **settings)
        client = TestClient(app, base_url="http://localhost")
        return post(client, "/follow-up", before=before, after=after).json()

    found = answered(earlier=[old])
    assert found == exact(br.follow_up(posterior, before, after, earlier=old))
    assert found["parted"] == "both"
    assert [row["name"] for row in found["rows"][3:]] == ["by the answers", "by the model"]
    assert answered()["parted"] == "today"


def test_a_report_carries_the_comparison_with_an_earlier_file(client, posterior):
    pytest.importorskip("typst")
    before = saved(posterior, PERSON | {"plank_seconds": 90}, DAY)

    def pages(**asked):
        answer = post(client, "/report.pdf", person=PERSON, **asked)
        assert answer.status_code == 200
        read = pypdf.PdfReader(io.BytesIO(answer.content)).pages
        return " ".join(" ".join(page.extract_text() for page in read).split())

    found = br.follow_up(posterior, before, PERSON)
    text = pages(before=before)
    for sentence in found.told():
        assert " ".join(sentence.split()) in text
    assert found.told()[0] not in pages()
    told = is_problem(post(client, "/report.pdf", person=PERSON, before=before, kind="letter"), 422)
    assert "letter" in told["detail"]
