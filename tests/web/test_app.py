"""The programming interface and what guards it: exact numbers, one problem for each mistake."""

import asyncio
import itertools
import json
import logging
import os
import re
import socket
import subprocess
import sys
from importlib.resources import files

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from prior_model import prior_model
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from typer.testing import CliRunner

import backrisk as br
from backrisk.cli import app as command_line
from backrisk.plotting import BOX, draw
from backrisk.web import create_app
from backrisk.web.api import V1
from backrisk.web.form import make_form, read_form
from backrisk.web.middleware import Limits
from backrisk.web.pages import STATIC

TOKEN = "correct horse battery"
NO_LIMIT = Limits(rate=1e6, burst=1e6)
PERSON = {"plank_seconds": 35, "strength_sessions": 0, "sex": "female", "back_pain_episodes": 2}
HURTING = PERSON | {
    "pain": "limiting",
    "lumbar_load": "high",
    "compensation": "yes",
    "fatigue": "high",
    "gait_abnormality": "no",
    "trunk_imbalance": "balanced",
}


@pytest.fixture(scope="module")
def posterior():
    return prior_model(40, warnings=["R-hat is 1.2, expected at most 1.01."])


@pytest.fixture(scope="module")
def app(posterior):
    return create_app(posterior, limits=NO_LIMIT)


@pytest.fixture(scope="module")
def client(app):
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


def post(client, path, **question):
    return client.post(V1 + path, json=question)


def exact(answer):
    """What Python's answer is as JSON; floats survive the journey unchanged."""
    return json.loads(json.dumps(answer.to_dict()))


DO = {"strength_training": "regular"}
CALLS = {
    "risk": ("/risk", {"person": PERSON}, lambda p: br.risk(p, PERSON)),
    "risk of a target": (
        "/risk",
        {"person": PERSON, "target": "pain>=limiting"},
        lambda p: br.risk(p, PERSON, target="pain>=limiting"),
    ),
    "diagnose": ("/diagnose", {"person": PERSON}, lambda p: br.diagnose(p, PERSON)),
    "intervene": ("/intervene", {"person": {}, "do": DO}, lambda p: br.intervene(p, {}, DO)),
    "counterfactual": (
        "/counterfactual",
        {"person": PERSON, "do": DO, "coupling": "independent"},
        lambda p: br.counterfactual(p, PERSON, DO, coupling="independent"),
    ),
    "necessity": (
        "/attribute",
        {"person": HURTING, "causes": ["fatigue", "compensation"]},
        lambda p: br.attribute(p, HURTING, ["fatigue", "compensation"]),
    ),
    "shapley": (
        "/attribute",
        {"person": PERSON, "method": "shapley"},
        lambda p: br.attribute(p, PERSON, method="shapley"),
    ),
    "diagnostic": (
        "/attribute",
        {"person": PERSON, "method": "diagnostic", "level": "distal"},
        lambda p: br.attribute(p, PERSON, method="diagnostic", level="distal"),
    ),
    "recommend": ("/recommend", {"person": PERSON}, lambda p: br.recommend(p, PERSON)),
    "ask next": ("/ask-next", {"person": PERSON}, lambda p: br.ask_next(p, PERSON)),
}


@pytest.mark.parametrize("call", CALLS)
def test_every_number_is_pythons_exactly(client, posterior, call):
    path, question, ask = CALLS[call]
    response = post(client, path, **question)
    assert response.status_code == 200
    assert response.json() == exact(ask(posterior))


def test_what_is_asked_next_may_leave_out_the_gain(client, posterior):
    short = post(client, "/ask-next", person=PERSON, gain=False).json()
    assert short == exact(br.ask_next(posterior, PERSON, gain=False))
    whole = post(client, "/ask-next", person=PERSON).json()
    left = [{name: row[name] for name in row if name != "gain"} for row in whole["rows"]]
    assert short["rows"] == left


# --- sites

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
    assert (
        "knows no sites" in is_problem(post(client, "/risk", person={}, site="Oslo"), 422)["detail"]
    )


def test_the_report_says_which_site_it_is_about(clinics):
    from io import BytesIO

    from pypdf import PdfReader

    pages = post(clinics, "/report.pdf", person=PERSON, site="Oslo").content
    said = " ".join(
        " ".join(page.extract_text() for page in PdfReader(BytesIO(pages)).pages).split()
    )
    assert "Asked for the site 'Oslo'." in said


def test_what_if_does_where_it_can_and_looks_back_where_it_must(client, posterior):
    response = post(client, "/what-if", person={"sex": "female"}, do=DO).json()
    assert response["rung"] == "intervene"
    assert response["answer"] == exact(br.intervene(posterior, {"sex": "female"}, DO))
    response = post(client, "/what-if", person=PERSON, do=DO).json()
    assert response["rung"] == "counterfactual"
    assert response["answer"] == exact(br.counterfactual(posterior, PERSON, DO))


def test_the_page_thins_a_posterior_once_and_says_so():
    full = prior_model(60)
    client = TestClient(create_app(full, draws=25), base_url="http://localhost")
    assert post(client, "/risk", person=PERSON).json() == exact(br.risk(full.subset(25), PERSON))
    about = client.get(V1 + "/model").json()
    assert (about["draws"], about["draws_in_model"]) == (25, 60)
    assert "the same 25 draws" in client.get("/").text


# --- the form


def test_every_node_is_a_topic_and_every_column_stands_once(posterior):
    form = make_form(posterior.graph, posterior.codebook)
    topics = [topic for group in form for topic in group.topics]
    inner = [n.name for n in posterior.graph.nodes if n.name not in posterior.graph.items]
    assert sorted(topic.node.name for topic in topics) == sorted(inner)
    asked = [q.name for topic in topics for q in topic.questions]
    assert len(asked) == len(set(asked))
    assert set(posterior.codebook.columns) <= set(asked)
    by_node = {topic.node.name: topic.questions for topic in topics}
    assert [q.name for q in by_node["bmi"]] == ["height_cm", "weight_kg", "bmi"]
    assert [q.kind for q in by_node["sex"]] == ["choice"]  # its labels are the node's states
    assert [q.kind for q in by_node["lumbar_load"]] == ["state"]


def test_the_form_is_read_as_the_codebook_reads_it(client):
    answers = {"plank_seconds": 35, "height_cm": 170, "weight_kg": 80, "back_pain": "no"}
    reading = post(client, "/read", person=answers).json()
    assert reading["accepted"] == answers
    assert reading["problems"] == []
    assert reading["evidence"] == {"plank_seconds": "weak", "bmi": "25_plus", "pain": "none"}
    said = {one["question"]: (one["node"], one["state"]) for one in reading["says"]}
    assert said["plank_seconds"] == ("core_strength", "weak")
    assert said["height_cm"] == ("bmi", "25_plus")


def test_what_cannot_be_read_is_left_out_and_said(client, posterior):
    answers = {"age_years": 44, "plank_seconds": "long", "age": "55_plus", "sex": "female"}
    reading = post(client, "/read", person=answers).json()
    assert reading["accepted"] == {"age_years": 44, "sex": "female"}
    problems = {one["question"]: one["detail"] for one in reading["problems"]}
    assert "expected a number from 0 to 1800 (s)" in problems["plank_seconds"]
    assert "'age_years' says age" in problems["age"]
    assert read_form(posterior, {}).evidence == {}


def test_a_model_without_codebook_asks_for_states():
    graph = br.CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}
    posterior = br.Posterior.from_cpts(graph, cpts)
    client = TestClient(create_app(posterior), base_url="http://localhost")
    assert post(client, "/risk", person={"x": "yes"}).json()["rows"][0]["mean"] == 0.8
    page = client.get("/").text
    assert 'name="x"' in page
    assert "a model given without a survey" in page


# --- the cascade


@pytest.mark.parametrize("name", ["runner", "runner_core"])
def test_no_box_overlaps_and_no_edge_passes_under_a_box(name):
    graph = br.load_graph(name)
    drawing = draw(graph)
    wide, tall = BOX
    assert {(line.cause, line.effect) for line in drawing.lines} == {
        (edge.cause, edge.effect) for edge in graph.edges
    }
    for a, b in itertools.combinations(drawing.boxes, 2):
        assert abs(a.x - b.x) >= wide or abs(a.y - b.y) >= tall
    for box in drawing.boxes:
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + wide <= drawing.width
        assert box.y + tall <= drawing.height
    for line in drawing.lines:
        # Between layers a curve bends; within one it runs level, from one side to the other.
        for (x, y), (right, down) in itertools.pairwise(line.points):
            assert x < right
            for box in drawing.boxes:
                if x < box.x + wide and box.x < right and y == down:
                    assert not box.y < y < box.y + tall


def test_the_cascade_names_likely_states(client, posterior):
    found = post(client, "/cascade", person=PERSON).json()
    nodes = {each["node"]: each for each in found["nodes"]}
    assert nodes["sex"] == {
        "node": "sex", "state": "female", "probability": 1.0, "adverse": 1.0, "seen": True,
    }  # fmt: skip
    core = br.diagnose(posterior, PERSON).table.loc["core_strength=strong", "mean"]
    assert nodes["core_strength"]["adverse"] == pytest.approx(1 - core, abs=1e-12)
    assert len(found["edges"]) == len(br.load_graph("runner").edges)


# --- problems


def is_problem(response, status):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


@pytest.mark.parametrize(
    ("path", "question", "words"),
    [
        ("/risk", {"person": {"core_strenght": "weak"}}, "did you mean 'core_strength'?"),
        ("/risk", {"person": {"plank_seconds": -3}}, "expected a number from 0 to 1800 (s)"),
        ("/risk", {"person": {}, "target": "pian"}, "did you mean 'pain'?"),
        ("/attribute", {"person": {}}, "use method='shapley'"),
        ("/attribute", {"person": {}, "method": "shapely"}, "did you mean 'shapley'?"),
        ("/intervene", {"person": PERSON, "do": DO}, "ask counterfactual()"),
        ("/what-if", {"person": {}, "do": {"nothing": "no"}}, "'nothing' is not a node"),
        ("/what-if", {"person": {}, "do": {"pain": "none"}}, "sets the target"),
    ],
)
def test_a_question_that_cannot_be_asked_says_why(client, path, question, words):
    assert words in is_problem(post(client, path, **question), 422)["detail"]


def test_a_body_of_the_wrong_shape_is_pointed_at(client):
    body = is_problem(post(client, "/risk", person={"sex": ["female"]}), 422)
    assert body["errors"][0]["pointer"].startswith("#/person/sex")
    body = is_problem(post(client, "/risk", persn={}), 422)
    assert body["errors"][0]["pointer"] == "#/persn"
    many = {f"q{i}": 1 for i in range(201)}
    is_problem(post(client, "/risk", person=many), 422)
    json_type = {"content-type": "application/json"}
    body = is_problem(client.post(V1 + "/risk", content=b'{"person": ', headers=json_type), 400)
    assert "not JSON" in body["detail"]
    is_problem(client.post(V1 + "/risk", content=b"\xff\xfe", headers=json_type), 400)
    is_problem(client.post(V1 + "/risk", content=b"person=1"), 422)


def test_unknown_addresses_and_methods(client):
    is_problem(client.get("/nowhere"), 404)
    is_problem(client.get("/static/../app.py"), 404)
    is_problem(client.get("/static/nothing.js"), 404)
    response = client.get(V1 + "/risk")
    is_problem(response, 405)
    assert response.headers["allow"] == "POST"


def test_an_error_inside_is_a_problem_that_quotes_nothing(client, monkeypatch, caplog):
    def broken(*args, **kwargs):
        raise RuntimeError("the answer was plank_seconds=35")

    monkeypatch.setattr("backrisk.web.api.risk", broken)
    with caplog.at_level(logging.INFO, "backrisk.web"):
        body = is_problem(post(client, "/risk", person=PERSON), 500)
    assert "plank" not in json.dumps(body)
    assert "RuntimeError at" in caplog.text
    assert "plank" not in caplog.text


# --- the guard


def call(app, *, chunks, headers=(), path=V1 + "/risk", gone=False):
    """Send a request in chunks, straight to the application; what it answered, what it took.

    After the chunks the client is silent, or, if `gone`, hangs up.
    """
    taken = 0
    sent = []
    waiting = iter(chunks)

    async def receive():
        nonlocal taken
        chunk = next(waiting, None)
        if chunk is None and gone:
            return {"type": "http.disconnect"}
        if chunk is None:
            await asyncio.sleep(60)
        taken += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": not gone}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json"), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], taken


def test_a_large_body_is_refused_before_it_has_arrived(app):
    stated = [(b"content-length", str(50 * 2**20).encode())]
    status, taken = call(app, chunks=[b"x" * 2**16] * 800, headers=stated)
    assert (status, taken) == (413, 0)
    status, taken = call(app, chunks=[b"x" * 2**16] * 800)  # of unstated length
    assert status == 413
    assert taken <= NO_LIMIT.body + 2**16


def test_a_body_that_does_not_arrive_is_not_waited_for(posterior):
    app = create_app(posterior, limits=Limits(seconds=0.1))
    assert call(app, chunks=[b"{"])[0] == 408


def test_what_nobody_waits_for_any_more_is_not_begun(app, monkeypatch):
    begun = []
    monkeypatch.setattr("backrisk.web.api.risk", lambda *_, **__: begun.append(1))
    for _ in range(2 + (os.cpu_count() or 1)):  # and it leaves its turn to others
        assert call(app, chunks=[b"{}"], gone=True)[0] == 503
    assert not begun


def test_too_many_requests_are_refused_and_forgiven(posterior, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("backrisk.web.middleware.time.monotonic", lambda: now[0])
    app = create_app(posterior, limits=Limits(rate=2, burst=5))
    client = TestClient(app, base_url="http://localhost")
    statuses = [client.get("/healthz").status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    response = client.get("/healthz")
    assert is_problem(response, 429)
    assert response.headers["retry-after"] == "1"
    now[0] += 1.0
    assert [client.get("/healthz").status_code for _ in range(3)] == [200, 200, 429]


def test_a_token_opens_the_interface_and_only_the_right_one(posterior):
    app = create_app(posterior, token=TOKEN)
    client = TestClient(app, base_url="http://localhost")
    assert client.get("/").status_code == 200
    assert client.get("/healthz").status_code == 200
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {TOKEN}"}):
        response = client.get(V1 + "/model", headers=headers)
        is_problem(response, 401)
        assert response.headers["www-authenticate"].startswith("Bearer")
    allowed = {"authorization": f"Bearer {TOKEN}"}
    assert client.get(V1 + "/model", headers=allowed).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("192.168.0.7", 200),
        ("clinic.example:8000", 200),
        ("rebound.example", 421),
        ("", 421),
        ("localhost.rebound.example", 421),
    ],
)
def test_a_name_that_was_pointed_here_is_not_served(posterior, host, status):
    app = create_app(posterior, hosts=["clinic.example"])
    client = TestClient(app, base_url="http://localhost")
    assert client.get("/healthz", headers={"host": host}).status_code == status


def test_headers_stand_on_every_answer(client):
    answers = [
        client.get("/"),
        client.get("/api"),
        client.get(f"{STATIC}/main.js"),
        client.get("/nowhere"),
        client.get("/", headers={"host": "rebound.example"}),
        post(client, "/risk", person={}),
        post(client, "/risk", person={"x": "y"}),
    ]
    for response in answers:
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "set-cookie" not in response.headers
    kept = [response.headers["cache-control"] for response in answers]
    assert "immutable" in kept.pop(2)  # an asset: its address changes with its content
    assert set(kept) == {"no-store"}
    assert client.get(f"{STATIC}/none.js").headers["cache-control"] == "no-store"


def test_the_log_holds_a_line_a_request_and_no_answer(client, caplog):
    with caplog.at_level(logging.DEBUG):
        post(client, "/risk", person={"plank_seconds": 1234})
        client.get("/healthz?plank_seconds=1234")
        post(client, "/risk", person={"plank_seconds": "1234 or so"})
    ours = [record.message for record in caplog.records if record.name == "backrisk.web"]
    assert [re.sub(r"\d+ ms", "N ms", line) for line in ours] == [
        "POST /api/v1/risk 200 N ms",
        "GET /healthz 200 N ms",
        "POST /api/v1/risk 422 N ms",
    ]
    assert "1234" not in " ".join(ours)


# --- the page


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


def test_the_report_is_the_one_that_python_makes(client, posterior):
    from backrisk.report import person_answers, render_person

    response = client.post(V1 + "/report.pdf", json={"person": PERSON})
    assert response.headers["content-type"] == "application/pdf"
    served = posterior.subset(1000)
    assert response.content == render_person(person_answers(served, PERSON), ".pdf")
    assert 'id="pdf"' in client.get("/").text
    refused = client.post(V1 + "/report.pdf", json={"person": {"fatige": "high"}})
    assert refused.status_code in (400, 422)
    assert refused.headers["content-type"] == "application/problem+json"


# --- the contract


def test_every_address_documents_its_problems(client):
    document = client.get(V1 + "/openapi.json").json()
    assert document["openapi"].startswith("3.")
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["description"]
            for status in ("400", "401", "413", "422", "429", "500"):
                assert set(operation["responses"][status]["content"]) == {
                    "application/problem+json"
                }
    manual = client.get("/api").text
    assert all(path in manual for path in document["paths"])


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_input_breaks_the_contract(app, mode):
    """No 5xx, no status, type or shape that the document does not name.

    Which questions there are is the model's matter, not the document's: a person that it does not
    know is rightly refused, so acceptance of well-formed data is not asked.
    """
    host = {"host": "localhost"}
    contract = schemathesis.openapi.from_asgi(V1 + "/openapi.json", app, headers=host)
    asked = [found.ok() for found in contract.get_all_operations()]
    assert {operation.path for operation in asked} == set(contract.raw_schema["paths"])
    for operation in asked:

        @given(operation.as_strategy(generation_mode=mode))
        @settings(max_examples=10, derandomize=True)
        def explore(case):
            case.call_and_validate(headers=host, excluded_checks=[positive_data_acceptance])

        if mode is GenerationMode.POSITIVE or operation.body:
            explore()


QUESTIONS = [
    question
    for group in make_form(br.load_graph("runner"), br.load_codebook("runner"))
    for topic in group.topics
    for question in topic.questions
]


@st.composite
def filled(draw):
    """A form as a person may leave it: mostly sensible, some of it not."""
    person = {}
    for question in draw(st.lists(st.sampled_from(QUESTIONS), max_size=8, unique=True)):
        if question.options:
            good = st.sampled_from(question.options)
        else:
            good = st.floats(question.low, question.high) | st.integers(-5, 50)
        person[question.name] = draw(good | st.text(max_size=5) | st.none())
    return person


@given(filled())
@settings(max_examples=60)
def test_however_the_form_is_filled_what_was_accepted_can_be_asked(client, person):
    reading = post(client, "/read", person=person)
    assert reading.status_code == 200
    accepted = reading.json()["accepted"]
    assert set(accepted) | {one["question"] for one in reading.json()["problems"]} == set(person)
    answer = post(client, "/risk", person=accepted)
    assert answer.status_code == 200
    assert answer.json()["evidence"] == reading.json()["evidence"]


# --- serving


def said(*arguments):
    result = CliRunner().invoke(command_line, ["serve", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


def test_mistakes_at_the_start_are_one_sentence_and_exit_code_2(posterior, tmp_path):
    model = posterior.save(tmp_path / "model.nc")
    torn = tmp_path / "torn.nc"
    torn.write_bytes(model.read_bytes()[:5000])
    code, text = said(torn, "--port", 0)
    assert code == 2
    assert "not a model that can be read" in text
    code, text = said(tmp_path / "none.nc", "--port", 0)
    assert code == 2
    assert "there is no such file" in text
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, text = said(model, "--port", taken.getsockname()[1])
    assert code == 2
    assert "choose another with --port" in text
    code, text = said(model, "--host", "0.0.0.0", "--port", 0)
    assert code == 2
    assert "give a token" in text
    code, text = said(model, "--host", "0.0.0.0", "--token", "short")
    assert code == 2
    assert "at least 16 characters" in text


def test_serve_from_the_shell_answers_logs_and_stops(posterior, tmp_path):
    model = posterior.save(tmp_path / "model.nc")
    command = [sys.executable, "-c", "from backrisk.cli import main; main()"]
    process = subprocess.Popen(
        [*command, "serve", str(model), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONUNBUFFERED": "1", "PATH": ""},
    )
    try:
        address = process.stdout.readline().split()[0]
        port = int(address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=600) as connection:
            head = "POST /api/v1/risk HTTP/1.1\r\nHost: localhost\r\nContent-Length: 52428800\r\n"
            connection.sendall(f"{head}\r\n".encode())
            assert b" 413 " in connection.recv(4096)
    finally:
        process.terminate()
        _, log = process.communicate(timeout=600)
    assert "POST /api/v1/risk 413" in log
    assert "Traceback" not in log
