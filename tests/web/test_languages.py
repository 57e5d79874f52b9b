"""Which language a request is answered in, and that it holds for that request alone."""

import asyncio
import json
import re
from html import unescape
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from web_client import NO_LIMIT, PERSON, exact, is_problem, post

from backrisk import BackriskError, recommend
from backrisk.web import create_app
from backrisk.web.api import V1
from backrisk.web.languages import Speaking, choose, offered
from backrisk.words import Language, language, say, speaking, spoken
from tests.pseudo import CODE, accented


@pytest.fixture(scope="module")
def both(posterior, pseudo):
    app = create_app(posterior, limits=NO_LIMIT, languages=["en", pseudo])
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


def known(*codes):
    return [Language(code, None) for code in codes]


@pytest.mark.parametrize(
    ("named", "accepted", "code"),
    [
        (None, "", "en"),
        ("de", "fr", "de"),
        ("DE", "fr", "de"),
        ("it", "fr", "fr"),
        ("", "fr", "fr"),
        (None, "de", "de"),
        (None, "de-AT", "de"),
        (None, "de-AT-1996, fr", "de"),
        (None, "pt", "pt-BR"),
        (None, "PT-br", "pt-BR"),
        (None, "p", "en"),
        (None, "fr;q=0.3, de;q=0.7", "de"),
        (None, "fr, de", "fr"),
        (None, "de;q=0, fr;q=0.1", "fr"),
        (None, "it, *", "en"),
        (None, "*;q=0.1, fr;q=0.2", "fr"),
        (None, "de;q=much, fr;q=0.1", "fr"),
        (None, ";;,,=, ;q", "en"),
        (None, "x," * 50 + "de", "en"),
        (None, "x," * 49 + "de", "de"),
    ],
)
def test_the_best_of_what_is_offered_is_chosen(named, accepted, code):
    assert choose(known("en", "de", "fr", "pt-BR"), named, accepted).code == code


def test_what_is_offered_is_the_language_spoken_unless_named(pseudo):
    assert [each.code for each in offered(())] == ["en"]
    with speaking(pseudo):
        assert [each.code for each in offered(())] == [CODE]
    assert [each.code for each in offered([pseudo, "en"])] == [CODE, "en"]
    with pytest.raises(BackriskError, match=f"'{CODE}'"):
        offered([pseudo, "en", pseudo])
    with pytest.raises(BackriskError, match="'xx'"):
        offered(["en", "xx"])


def test_one_language_is_a_list_of_one(posterior, pseudo):
    for one in (pseudo, str(pseudo), language(pseudo)):
        app = create_app(posterior, limits=NO_LIMIT, languages=one)
        page = TestClient(app, base_url="http://localhost").get("/")
        assert page.headers["content-language"] == CODE


def test_the_page_comes_in_the_language_that_is_asked_for(both):
    plain = both.get("/")
    assert plain.headers["content-language"] == "en"
    assert '<html lang="en">' in plain.text
    assert "What would help" in plain.text
    for answer in (both.get("/?lang=en-xa"), both.get("/", headers={"accept-language": "en-XA"})):
        assert answer.headers["content-language"] == CODE
        assert f'<html lang="{CODE}">' in answer.text
        assert accented("What would help") in answer.text
        assert "What would help" not in answer.text
    assert '<html lang="en">' in both.get("/?lang=xx").text
    assert both.get("/?lang=en", headers={"accept-language": CODE}).text == plain.text


def test_a_switch_names_each_language_in_itself_and_only_where_there_are_several(both, client):
    page = both.get("/").text
    assert '<a href="?lang=en" lang="en" hreflang="en" aria-current="true">English</a>' in page
    assert f'<a href="?lang={CODE}" lang="{CODE}" hreflang="{CODE}">{accented("English")}' in page
    assert f'href="/?lang={CODE}"' in both.get(f"/api?lang={CODE}").text
    assert f'href="/api?lang={CODE}"' in both.get(f"/?lang={CODE}").text
    assert "?lang=" not in client.get("/").text


def test_what_is_refused_is_said_in_the_language_of_the_request(both, posterior, pseudo):
    other = {"accept-language": CODE}
    assert is_problem(both.get("/none"), 404)["detail"] == say("web.refused.no_address")
    with speaking(pseudo):
        refusals = {key: say(f"web.refused.{key}") for key in ("no_address", "host", "token")}
        extra = say("web.invalid.extra_forbidden")
    assert is_problem(both.get("/none", headers=other), 404)["detail"] == refusals["no_address"]
    body = is_problem(both.post(V1 + "/risk", json={"persn": {}}, headers=other), 422)
    assert body["errors"][0]["detail"] == extra
    rebound = both.get("/", headers={**other, "host": "rebound.example"})
    assert is_problem(rebound, 421)["detail"] == refusals["host"]
    locked = create_app(posterior, token="0123456789abcdef", languages=["en", pseudo])
    client = TestClient(locked, base_url="http://localhost")
    assert is_problem(client.get(V1 + "/model", headers=other), 401)["detail"] == refusals["token"]


def test_the_document_is_in_the_language_too_and_one_does_not_leak_into_another(both):
    plain = both.get(V1 + "/openapi.json").json()
    other = both.get(V1 + "/openapi.json", headers={"accept-language": CODE}).json()
    assert both.get(V1 + "/openapi.json").json() == plain
    for path, operations in plain["paths"].items():
        for method, operation in operations.items():
            theirs = other["paths"][path][method]
            assert theirs["description"] == accented(operation["description"])
    for name, shape in plain["components"]["schemas"].items():
        assert other["components"]["schemas"][name]["description"] == accented(shape["description"])


def test_nothing_plain_is_left_on_the_page_of_the_interface(both):
    page = both.get(f"/api?lang={CODE}").text
    told = page.partition('tabindex="-1">')[2].partition("</main>")[
        0
    ]  # the header tells of the model
    told = re.sub(r"<code>.*?</code>|<a href=\"#\w+\">\w+</a>|<[^>]*>", " ", told)
    told = re.sub(r"backrisk|application/problem\+json|RFC 9457", " ", unescape(told))
    assert accented("A question about causes.") in told
    assert not re.findall("[A-Za-z]{2,}", told)


def test_numbers_do_not_depend_on_the_language(both):
    plain = post(both, "/risk", person=PERSON).json()
    answer = both.post(V1 + "/risk", json={"person": PERSON}, headers={"accept-language": CODE})
    assert answer.json()["rows"][0]["mean"] == plain["rows"][0]["mean"]


def test_work_handed_to_a_thread_speaks_the_language_of_its_request(posterior, pseudo, monkeypatch):
    heard = []

    def hear(*_, **__):
        heard.append(spoken().code)
        return SimpleNamespace(to_dict=dict)

    monkeypatch.setattr("backrisk.web.questions.risk", hear)
    app = create_app(posterior, limits=NO_LIMIT, languages=["en", pseudo])
    client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
    for code in ("en", CODE, "en"):
        client.post(V1 + "/risk", json={}, headers={"accept-language": code})
    assert heard == ["en", CODE, "en"]
    assert spoken().code == "en"


def test_requests_at_one_time_do_not_hear_each_other(pseudo):
    heard = {}

    async def inner(scope, receive, send):
        for _ in range(3):
            await asyncio.sleep(0)
            heard.setdefault(scope["path"], []).append(spoken().code)

    app = Speaking(inner, languages=(language("en"), language(pseudo)))

    async def ask():
        scopes = [
            {"type": "http", "path": code, "query_string": b"lang=" + code.encode(), "headers": []}
            for code in ("en", CODE)
        ]
        await asyncio.gather(*(app(scope, None, None) for scope in scopes))

    asyncio.run(ask())
    assert heard == {"en": ["en"] * 3, CODE: [CODE] * 3}


def test_what_is_no_request_passes(pseudo):
    passed = []

    async def inner(scope, receive, send):
        passed.append(scope["type"])

    asyncio.run(Speaking(inner, languages=(language("en"),))({"type": "lifespan"}, None, None))
    assert passed == ["lifespan"]


def test_what_is_computed_aside_is_in_the_language_of_the_page(both, posterior, pseudo):
    answers = [
        both.post(f"{V1}/recommend", json={"person": PERSON}, headers={"accept-language": code})
        for code in (CODE, "en")
    ]
    for response, chosen in zip(answers, (pseudo, "en"), strict=True):
        with speaking(chosen):
            assert response.json() == exact(recommend(posterior, PERSON))
    assert answers[0].json()["text"] != answers[1].json()["text"]


def test_what_the_model_says_of_itself_is_in_the_language(both, pseudo):
    about = both.get(V1 + "/model", headers={"accept-language": CODE}).json()
    assert about["disclaimer"] == accented("Decision support, not a diagnosis.")
    assert json.loads(both.get(V1 + "/model").text)["disclaimer"].isascii()
