"""The form in the component of the National Library of Medicine, filled in a real browser."""

import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("fhir.resources")

import backrisk as br
from backrisk.fhir import questionnaire, questionnaire_response, read_response, risk_assessment
from tests.fhir.npm_packages import node_package

pytestmark = pytest.mark.slow

VERSION = "40.1.3"
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LONG = 600_000  # ms, for what fails only if it never comes
# A number with a decimal, a whole one, a label, two inputs of one number, an examined state, a
# rough one, and a node that nothing measures; "shown" is what a person picks.
TYPED = {
    "plank_seconds": "35.5",
    "back_pain_episodes": "2",
    "height_cm": "170",
    "weight_kg": "81.5",
}
PICKED = {
    "sex": "female",
    "daily_posture": "often changing position",
    "core_strength": "weak",
    "fatigue": "high",
    "compensation": "yes",
}
PERSON = {
    "plank_seconds": 35.5,
    "back_pain_episodes": 2,
    "height_cm": 170,
    "weight_kg": 81.5,
    **PICKED,
}
PAGE = """<!doctype html><meta charset="utf-8"><title>form</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/webcomponent/styles.css">
<div id="form"></div>
<script src="/webcomponent/assets/lib/zone.min.js"></script>
<script src="/webcomponent/lhc-forms.js"></script>
<script src="/fhir/R4/lformsFHIR.min.js"></script>
<script src="/made.js"></script>
"""
SCRIPT = """LForms.Util.addFormToPage(%s, 'form', {fhirVersion: 'R4'}).then(
  () => { document.body.dataset.ready = 'yes' },
  (error) => { document.body.dataset.ready = String(error) });
"""


class Files(SimpleHTTPRequestHandler):
    """The component's files, and a page that shows one form."""

    made: dict

    def do_GET(self):
        """Answer one request."""
        if self.path not in self.made:
            super().do_GET()
            return
        body = self.made[self.path].encode()
        kind = "text/javascript" if self.path.endswith(".js") else "text/html"
        self.send_response(200)
        self.send_header("content-type", f"{kind}; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def model():
    return br.example_posterior()


@pytest.fixture
def page(model):
    """The form in a browser that fetches from nowhere else."""
    if not CHROMIUM.exists():
        pytest.skip(f"There is no Chromium at {CHROMIUM}.")
    from playwright.sync_api import sync_playwright

    folder = node_package("lforms", VERSION) / "dist" / "lforms"
    made = {"/": PAGE, "/made.js": SCRIPT % json.dumps(questionnaire(model))}
    handler = partial(type("Made", (Files,), {"made": made}), directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/"
    errors, fetched = [], []
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            shown = browser.new_page(viewport={"width": 1200, "height": 2000})
            shown.set_default_timeout(LONG)
            shown.on("pageerror", lambda error: errors.append(str(error)))
            shown.on("request", lambda request: fetched.append(request.url))
            shown.goto(address)
            shown.wait_for_selector("body[data-ready]")
            assert shown.evaluate("document.body.dataset.ready") == "yes"
            yield shown
            browser.close()
        assert errors == []
        assert [url for url in fetched if not url.startswith((address, "data:"))] == []
    finally:
        server.shutdown()
        server.server_close()


def field(page, link):
    return page.locator(f'[id="{link}/1/1/1"]')


def filled(page):
    """Fill the form as a person does, and return what the component makes of it."""
    for link, text in TYPED.items():
        field(page, link).fill(text)
        field(page, link).press("Tab")
    for link, text in PICKED.items():
        field(page, link).click()
        field(page, link).press_sequentially(text)
        page.locator("#lhc-tools-searchResults:visible li", has_text=text).first.wait_for()
        field(page, link).press("ArrowDown")
        field(page, link).press("Enter")
        field(page, link).press("Tab")
    return page.evaluate("LForms.Util.getFormFHIRData('QuestionnaireResponse', 'R4', '#form')")


def test_its_response_gives_the_same_answer_to_the_digit(page, model):
    response = filled(page)
    answers = read_response(model, response)
    assert dict(answers.person) == PERSON
    assert answers.issues == ()
    ours = questionnaire_response(model, PERSON)
    assert response["questionnaire"] == ours["questionnaire"]
    theirs, expected = risk_assessment(model, response), risk_assessment(model, ours)
    assert theirs["prediction"] == expected["prediction"]
    assert theirs["mitigation"] == expected["mitigation"]
    found = br.risk(model, PERSON)
    assert theirs["prediction"][0]["probabilityDecimal"] == 100 * float(found.draws.mean())


def test_it_shows_every_question_and_hides_what_is_for_programs(page, model):
    shown = page.evaluate(
        "[...document.querySelectorAll('#form input')].filter(e => e.offsetParent).map(e => e.id)"
    )
    asked = {
        question["linkId"]
        for group in questionnaire(model)["item"][:-1]
        for topic in group["item"]
        for question in topic["item"]
    }
    links = {each.split("/")[0] for each in shown if not each.startswith("unit_")}
    assert links == asked
