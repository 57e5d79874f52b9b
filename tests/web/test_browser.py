"""The page in a real browser: filled, read, driven by keyboard, printed, restored, translated."""

import json
import logging
import os
import re
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright
from prior_model import prior_model
from web_client import NO_LIMIT, slow

import backrisk as br
from backrisk import CausalGraph, load_codebook, load_graph
from backrisk.queries import opened
from backrisk.survey import Codebook
from backrisk.web import create_app
from backrisk.words import estimate, of_hundred, percent, speaking
from tests.pseudo import CODE, accented, reworded_codebook, reworded_graph

CHROMIUM = Path("/usr/bin/chromium")
if not CHROMIUM.exists():
    pytest.skip(
        f"There is no Chromium at {CHROMIUM}; Debian's package 'chromium' runs the browser tests.",
        allow_module_level=True,
    )

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SITES = ("Oslo", "Åre")
TOKEN = "correct horse battery"
ANSWERS = {"plank_seconds": 35, "strength_sessions": 0, "sex": "female", "back_pain_episodes": 2}
FRAGMENT = "&".join(f"{name}={answer}" for name, answer in ANSWERS.items())
# Enough answers that looking back at the pain stays quick.
KNOWN = (
    "&lumbar_load=high&compensation=yes&fatigue=high&gait_abnormality=no&trunk_imbalance=balanced"
    "&impact_load=high&running_posture=slouched&pelvic_tilt=anterior&hip_extension=free"
)
LONG = 600_000  # ms, for what fails only if it never comes: no processor is as slow as that
expect.set_options(timeout=LONG)
FETCHED = re.compile(r"(http://127\.0\.0\.1:\d+/([^?]*|\?lang=[\w-]+(#.*)?)|blob:.*)$")
WIDTHS = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1440, 900)}


@contextmanager
def serving(app):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)


@pytest.fixture(scope="module")
def posterior():
    return prior_model(40, warnings=["R-hat is 1.2, expected at most 1.01."])


@pytest.fixture(scope="module")
def address(posterior):
    with serving(create_app(posterior, limits=NO_LIMIT)) as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Open pages that must neither complain nor fetch from elsewhere."""
    pages, complaints, fetched = [], [], []

    def watch(page):
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: line.type == "error" and complaints.append(line.text))
        page.on("request", lambda request: fetched.append(request.url))
        page.set_default_timeout(LONG)

    def opened(url, *, width=1440, height=900, scheme="light", refused=False, password=None):
        page = browser.new_page(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            accept_downloads=True,
            http_credentials=password and {"username": "anyone", "password": password},
        )
        pages.append((page, refused))
        watch(page)
        page.goto(url)
        return page

    yield opened
    for page, _ in pages:
        page.close()
    if not any(refused for _, refused in pages):
        assert complaints == []
    assert [url for url in fetched if not FETCHED.match(url)] == []


def settled(page, answered=1):
    page.wait_for_selector(f'body[data-answered="{answered}"]:not([data-busy])')


def test_answers_are_read_and_the_risk_follows(open_page, address, posterior):
    page = open_page(address)
    settled(page)
    average = br.risk(posterior, {})
    expect(page.locator("#headline .row .value").first).to_have_text(in_page(average.draws))
    page.get_by_label("How long can you hold a front plank in good form?").fill("35")
    expect(page.locator("#q-plank_seconds-says")).to_have_text("A sign of core strength: weak.")
    page.get_by_label("How tall are you?").fill("170")
    page.get_by_label("How much do you weigh?").fill("80,5")  # as a clinician in Europe types it
    expect(page.locator("#q-height_cm-says")).to_have_text(
        "Read as body mass index: 25 to under 30."
    )
    page.get_by_label("Which sex were you assigned at birth?").select_option("female")
    person = {"plank_seconds": 35, "height_cm": 170, "weight_kg": 80.5, "sex": "female"}
    answer = br.risk(posterior, person)
    expect(page.locator("#headline .row .value").first).to_have_text(in_page(answer.draws))
    expect(page.locator("#live")).to_contain_text(
        f"{of_hundred(float(answer.draws.mean()))} of 100"
    )


def in_page(draws):
    """The package's own words for an estimate."""
    return estimate(draws)


def test_a_mistake_is_said_at_its_question_and_the_rest_counts(open_page, address, posterior):
    page = open_page(f"{address}/#plank_seconds=long&sex=female")
    settled(page)
    field = page.locator("#q-plank_seconds")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#q-plank_seconds-says")).to_contain_text("a number from 0 to 1800 (s)")
    answer = br.risk(posterior, {"sex": "female"})
    expect(page.locator("#headline .row .value").first).to_have_text(in_page(answer.draws))
    field.fill("200")
    expect(field).not_to_have_attribute("aria-invalid", "true")


def test_an_answer_that_comes_late_is_not_shown(open_page, address, posterior):
    page = open_page(address)
    settled(page)
    held = []

    def hold_first(route):
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/api/v1/consult", hold_first)
    with page.expect_request("**/api/v1/consult"):
        page.locator("#q-sex").select_option("female")
    page.locator("#q-sex").select_option("male")
    shown = page.locator("#headline .row .value").first
    expected = in_page(br.risk(posterior, {"sex": "male"}).draws)
    expect(shown).to_have_text(expected)
    settled(page, 2)  # the first refresh was given up, and counts for nothing
    held[0].fulfill(json=br.consult(posterior, {"sex": "female"}).to_dict())
    page.locator("#whatif-node").select_option("warm_up")
    expect(page.locator("#whatif .side")).to_have_count(2)
    expect(shown).to_have_text(expected)
    page.unroute_all(behavior="wait")


def test_the_whole_page_by_keyboard(open_page, address):
    page = open_page(address)
    settled(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the answer")).to_be_focused()
    steps_to(page, "#q-back_pain")
    steps_to(page, "#q-age_years")
    page.keyboard.type("44")
    expect(page.locator("#q-age_years-says")).to_have_text("Read as age: 40 to 54.")
    steps_to(page, "#causes summary")
    while page.evaluate("document.activeElement.textContent") != "How this is worked out":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    steps_to(page, 'input[name="method"][value="shapley"]')
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(page.locator('input[value="necessity"]')).to_be_checked()
    expect(page.locator("#causes")).to_contain_text("none is reported")
    steps_to(page, "#whatif-node")
    page.keyboard.type("warm")
    expect(page.locator("#whatif .side")).to_have_count(2)
    steps_to(page, "#ask button.ask")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('#form') !== null")
    visible = page.evaluate(
        "(() => { const r = document.activeElement.getBoundingClientRect();"
        " return r.top >= 0 && r.bottom <= innerHeight; })()"
    )
    assert visible


def steps_to(page, selector, most=200, back=False):
    """Press Tab until the element has the focus, which must be visible all along."""
    for _ in range(most):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if page.locator(selector).first.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{selector} cannot be reached by keyboard")


def test_a_link_restores_the_form_and_is_never_sent(open_page, address, caplog):
    with caplog.at_level(logging.DEBUG):
        page = open_page(f"{address}/#{FRAGMENT}&shoe_size=42")
        settled(page)
    for name, answer in ANSWERS.items():
        assert page.locator(f"#q-{name}").input_value() == str(answer)
    expect(page.locator("#form-note")).to_contain_text("shoe_size")
    assert "plank_seconds" not in caplog.text
    page.get_by_role("button", name="Copy a link").click()
    link = page.locator("#link-text").input_value()
    assert link.startswith(f"{address}/#")
    again = open_page(link)
    settled(again)
    for name, answer in ANSWERS.items():
        assert again.locator(f"#q-{name}").input_value() == str(answer)


def test_what_if_stands_before_and_after_side_by_side(open_page, address, posterior):
    page = open_page(f"{address}/#{FRAGMENT}")
    settled(page)
    page.locator("#whatif-node").select_option("strength_training")
    page.locator("#whatif-state").select_option("regular")
    answer = br.counterfactual(posterior, ANSWERS, {"strength_training": "regular"})
    sides = page.locator("#whatif .side")
    expect(sides.nth(0)).to_contain_text(percent(float(answer.before.mean())))
    expect(sides.nth(1)).to_contain_text(percent(float(answer.draws.mean())))
    expect(page.locator("#whatif")).to_contain_text("looks back")
    # At rest, and both at one moment: a section that is drawn again has no place on the page.
    settled(page)
    places = "sides => sides.map((side) => side.getBoundingClientRect().toJSON())"
    left, right = sides.evaluate_all(places)
    assert left["y"] == right["y"]
    assert left["right"] <= right["x"]


def test_necessity_needs_pain_and_then_shows_its_bounds(open_page, address):
    page = open_page(f"{address}/#{FRAGMENT}{KNOWN}")
    settled(page)
    page.locator("#causes .method summary").click()
    page.get_by_label("Had it been different").check()
    expect(page.locator("#causes")).to_contain_text("none is reported")
    page.get_by_role("button", name="Go to the question about the outcome").click()
    expect(page.locator("#q-back_pain")).to_be_focused()
    page.locator("#q-back_pain").select_option("yes, and I train less or not at all")
    expect(page.locator("#causes .row .meta").first).to_contain_text("without the assumption")
    expect(page.locator("#causes .row .limits").first).to_be_attached()
    expect(page.locator("#headline h2")).to_contain_text("What it took")


def test_help_causes_and_questions_are_ranked_with_what_they_rest_on(open_page, address, posterior):
    page = open_page(f"{address}/#{FRAGMENT}")
    settled(page)
    first = br.recommend(posterior, ANSWERS).table.iloc[0]
    expect(page.locator("#help .row").first).to_contain_text(percent(first["p_best"]))
    shares = br.attribute(posterior, ANSWERS)
    expect(page.locator("#causes .row")).to_have_count(int(shares.playing.sum()))
    clear = sum(1 for sign in shares.signs if sign)
    expect(page.locator("#causes .body > .rows > .row")).to_have_count(clear)
    expect(page.locator("#causes .row").first).to_contain_text("along the path")
    expect(page.locator("#causes .row").first).to_contain_text("by the simulated survey")
    expect(page.locator("#causes")).to_contain_text("healthy habits and history")
    page.locator("#causes .method summary").click()
    page.locator('input[name="baseline"][value="average"]').check()
    expect(page.locator("#causes")).to_contain_text(
        "less that of people with the same traits in the population surveyed"
    )
    settled(page)
    page.locator("#ask button").first.click()
    assert page.evaluate("document.activeElement.id.startsWith('q-')")
    expect(page.locator("#cascade .box.seen")).to_have_count(3)  # the plank is only a sign
    expect(page.locator("#cascade .routes li").first).to_contain_text("low back pain")
    expect(page.locator(".warnings")).to_contain_text("R-hat is 1.2")


def test_the_print_view_holds_the_answers_and_no_controls(open_page, address, tmp_path):
    page = open_page(f"{address}/#{FRAGMENT}")
    settled(page)
    page.emulate_media(media="print")
    expect(page.locator("#form")).to_be_hidden()
    expect(page.locator("#take")).to_be_hidden()
    expect(page.locator("#answers > ul").first.locator("li")).to_have_count(len(ANSWERS))
    expect(page.locator("#answers")).to_be_visible()
    expect(page.locator("#answers")).to_contain_text("35 s")
    expect(page.locator(".stance")).to_be_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_the_answers_go_to_a_file_and_come_back(open_page, address, posterior, tmp_path):
    page = open_page(f"{address}/#{FRAGMENT}")
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the answers").click()
    assert download.value.suggested_filename == "person.json"
    file = tmp_path / "person.json"
    download.value.save_as(file)
    saved = json.loads(file.read_text())
    assert saved["person"] == ANSWERS
    assert saved["backrisk"]["model"] == posterior.checksum
    assert saved["backrisk"]["version"] == version("backrisk")
    assert opened(saved).date is not None
    page.get_by_role("button", name="Clear all answers").click()
    expect(page.locator("#q-plank_seconds")).to_have_value("")
    saved["person"] |= {"warm_up": "none", "core_strength": "weak"}
    file.write_text(json.dumps(saved))
    page.locator("#load").set_input_files(file)
    expect(page.locator("#q-plank_seconds")).to_have_value("35")
    expect(page.locator("#q-warm_up")).to_have_value("not at all")  # the label for that state
    expect(page.locator("#q-core_strength")).to_have_value("weak")
    file.write_text(json.dumps(ANSWERS | {"core_strength": "strong"}))  # answers alone
    page.locator("#load").set_input_files(file)
    expect(page.locator("#q-core_strength")).to_have_value("strong")
    for wrong in ("[1, 2]", json.dumps(saved | {"fatigue": "high"})):
        file.write_text(json.dumps(ANSWERS))
        page.locator("#load").set_input_files(file)
        expect(page.locator("#taken")).to_have_text("Answers loaded.")
        file.write_text(wrong)
        page.locator("#load").set_input_files(file)
        expect(page.locator("#taken")).to_contain_text("holds no answers")


def test_a_server_with_a_token_is_opened_by_what_the_browser_asks_for(open_page, posterior):
    with serving(create_app(posterior, token=TOKEN)) as address:
        page = open_page(f"{address}/#{FRAGMENT}", password=TOKEN)
        settled(page)
        expect(page.get_by_label("Token")).to_be_hidden()
        assert page.evaluate("[document.cookie, localStorage.length]") == ["", 0]
        assert TOKEN not in page.evaluate("JSON.stringify({ ...sessionStorage })")


@pytest.mark.slow
def test_a_token_that_has_changed_is_typed_into_the_page(open_page, posterior):
    def asks_anew(route):
        if route.request.headers.get("authorization") == f"Bearer {TOKEN}":
            route.continue_()
        else:
            route.fulfill(status=401, json={"detail": "no"})

    with serving(create_app(posterior, token=TOKEN)) as address:
        page = open_page(address, refused=True, password=TOKEN)
        settled(page)
        page.route("**/api/v1/**", asks_anew)
        page.get_by_label("How long can you hold a front plank in good form?").fill("35")
        token = page.get_by_label("Token")
        expect(token).to_be_focused()
        token.fill("wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#token-wrong")).to_contain_text("did not accept")
        token.fill(TOKEN)
        page.keyboard.press("Enter")
        settled(page, answered=2)
        expect(token).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", slow("dark")])
@pytest.mark.parametrize("device", ["phone", slow("tablet"), slow("desktop")])
def test_nobody_is_shut_out(open_page, address, device, scheme):
    """No violation that axe-core finds, nothing wider than the screen."""
    width, height = WIDTHS[device]
    page = open_page(
        f"{address}/#{FRAGMENT}&shoe_km=far", width=width, height=height, scheme=scheme
    )
    settled(page)
    page.locator("#whatif-node").select_option("warm_up")
    expect(page.locator("#whatif .side")).to_have_count(2)
    inspect(page)
    if folder := os.environ.get("BACKRISK_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{device}-{scheme}.png", full_page=True)
    page.goto(f"{address}/api")
    inspect(page)


def inspect(page):
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    options = {
        "runOnly": {"type": "tag", "values": tags},
        "rules": {"target-size": {"enabled": True}},
    }
    response = Axe().run(page, options=options).response
    found = response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found] == []
    assert len(response["passes"]) > 10
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Every report as HTML, of a model with sites and a fit that was not good."""
    folder, day = tmp_path_factory.mktemp("reports"), "2026-01-31"
    model = prior_model(40, warnings=["R-hat is 1.2, expected at most 1.01."], sites=SITES)
    hurting = ANSWERS | {"back_pain": "yes, and I train less or not at all"}
    br.report_person(model.at_site("Oslo"), hurting, folder / "person.html", date=day)
    survey = Path(__file__).parents[2] / "data" / "survey.csv"
    lines = survey.read_text().splitlines()
    some = folder / "some.csv"
    some.write_text("\n".join(lines[:60]))
    br.report_cohort(model, some, folder / "cohort.html", date=day, draws=10)
    br.model_card(model, folder / "card.html", date=day, survey=some)
    return folder


@pytest.mark.parametrize("device", ["phone", slow("tablet"), slow("desktop")])
@pytest.mark.parametrize("kind", ["person", "cohort", "card"])
def test_nobody_is_shut_out_of_a_report(browser, reports, kind, device):
    width, height = WIDTHS[device]
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto((reports / f"{kind}.html").as_uri())
    inspect(page)
    page.close()


@pytest.mark.slow
def test_a_site_is_chosen_restored_and_printed(open_page):
    model = prior_model(40, sites=SITES)
    with serving(create_app(model, limits=NO_LIMIT)) as address:
        page = open_page(f"{address}/#{FRAGMENT}&.site=Bergen")
        settled(page)
        expect(page.locator("#site")).to_have_value("")
        expect(page.locator("#form-note")).to_contain_text("'Bergen' of the link")
        page.get_by_label("Site", exact=True).select_option("Oslo")
        answer = br.risk(model.at_site("Oslo"), ANSWERS)
        expect(page.locator("#headline .row .value").first).to_have_text(in_page(answer.draws))
        expect(page.locator("#headline .row .value").nth(1)).to_have_text(in_page(answer.average))
        expect(page.locator("#headline")).to_contain_text("Average: Oslo")
        settled(page, 2)
        first = br.recommend(model.at_site("Oslo"), ANSWERS).table.iloc[0]
        expect(page.locator("#help .row").first).to_contain_text(percent(first["p_best"]))
        inspect(page)
        page.get_by_role("button", name="Copy a link").click()
        link = page.locator("#link-text").input_value()
        page.emulate_media(media="print")
        expect(page.locator("#answers")).to_contain_text("Site: Oslo.")
        again = open_page(link)
        settled(again)
        expect(again.locator("#site")).to_have_value("Oslo")
        expect(again.locator("#form-note")).to_be_empty()
        expect(again.locator("#headline .row .value").first).to_have_text(in_page(answer.draws))


# --- in another language


@pytest.fixture(scope="module")
def abroad(pseudo):
    """The model with every text of its graph and codebook in the pseudo-language."""
    graph, book = load_graph("runner"), load_codebook("runner")
    graph = CausalGraph.from_dict(reworded_graph(graph.to_dict()))
    book = Codebook.from_dict(reworded_codebook(book.to_dict()), graph)
    with speaking(pseudo):
        model = prior_model(40, graph=book.extend(graph), codebook=book, sites=SITES)
        app = create_app(model, limits=NO_LIMIT, languages=[pseudo, "en"])
    with serving(app) as found:
        yield found


@pytest.mark.slow
def test_the_language_is_switched_by_keyboard_and_the_answers_stay(open_page, abroad):
    page = open_page(f"{abroad}/?lang=en")
    settled(page)
    page.locator("#q-plank_seconds").fill("35")
    page.locator("#site").select_option("Oslo")
    current = page.locator(".languages [aria-current]")
    expect(current).to_have_text("English")
    steps_to(page, f'.languages a[lang="{CODE}"]', back=True)
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", CODE)
    settled(page)
    expect(page.locator("#q-plank_seconds")).to_have_value("35")
    expect(page.locator("#site")).to_have_value("Oslo")
    expect(page.locator(".languages [aria-current]")).to_have_text(accented("English"))
    expect(page.locator("#headline h2")).to_have_text(accented("How likely"))
    inspect(page)


PERSON_ABROAD = (
    "plank_seconds=35&strength_sessions=0&height_cm=170&weight_kg=80&back_pain_episodes=2"
    "&shoe_km=much&core_strength=weak&lumbar_load=high&compensation=yes&fatigue=high"
    "&gait_abnormality=no&trunk_imbalance=balanced&impact_load=high&running_posture=slouched"
    "&pelvic_tilt=anterior&hip_extension=free&back_pain=limiting"
)
# Data and names that are the same in every language.
SAME = re.compile(
    r"'[a-z_]+'|backrisk( \d[\w.]*)?|JSON|PDF|Oslo|Åre|English|much|[\w-]+=\S+|\d+(\.\d+)?e\d+"
    r"|\b(kg|cm)\b"  # units that the codebook's body mass index is converted from
)


@pytest.mark.parametrize("width", [slow(1280), slow(390)])
def test_nothing_plain_is_left_in_another_language(open_page, abroad, width):
    page = open_page(f"{abroad}/?lang={CODE}#{PERSON_ABROAD}", width=width, height=900)
    settled(page)
    page.locator("#whatif-node").select_option("strength_training")
    expect(page.locator("#whatif .side")).to_have_count(2)
    plain = set()
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    for method in ("shapley", "pathways", "necessity"):
        page.locator(f'input[name="method"][value="{method}"]').check()
        expect(page.locator("#causes")).not_to_have_attribute("aria-busy", "true")
        for level in ("distal", "proximal"):
            page.locator(f'input[name="level"][value="{level}"]').check()
            expect(page.locator("#causes")).not_to_have_attribute("aria-busy", "true")
            plain.update(plain_words(page))
    page.locator("#link").click()
    expect(page.locator("#taken")).not_to_be_empty()
    plain.update(plain_words(page))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(CUT_OFF) == []
    if folder := os.environ.get("BACKRISK_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{CODE}-{width}.png", full_page=True)
    assert not plain, "\n".join(sorted(plain))


def plain_words(page):
    """What is read or heard, two plain letters or more side by side."""
    told = page.evaluate(
        """() => {
          const shown = (each) => each.checkVisibility({ visibilityProperty: true });
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          const told = [document.title];
          while (walker.nextNode()) {
            const { parentElement, textContent } = walker.currentNode;
            if (parentElement.closest('.sources li')) continue; // cited as published
            if (shown(parentElement) || parentElement.closest('select')) told.push(textContent);
          }
          for (const each of document.querySelectorAll('[aria-label], [title], [alt]')) {
            for (const name of ['aria-label', 'title', 'alt']) told.push(each.getAttribute(name));
          }
          for (const each of document.querySelectorAll('[data-working]')) {
            told.push(each.dataset.working);
          }
          return told.filter((text) => text && text.trim());
        }"""
    )
    return {text.strip() for text in told if re.search("[A-Za-z]{2,}", SAME.sub("", text))}


# Texts that do not fit into what they stand in: of the page, and of the drawing's boxes.
CUT_OFF = """() => {
  const wide = [...document.querySelectorAll('main *, header *')].filter((each) =>
    each instanceof HTMLElement && !each.closest('.unseen, .scroll') &&
    getComputedStyle(each).overflowX !== 'visible' && each.scrollWidth > each.clientWidth + 1 &&
    !['INPUT', 'SELECT'].includes(each.tagName));
  const boxes = [...document.querySelectorAll('#cascade .box text')].filter((text) =>
    text.getBoundingClientRect().width >
      text.parentElement.querySelector('rect').getBoundingClientRect().width);
  return [...wide, ...boxes].map((each) => each.textContent.slice(0, 60));
}"""


def test_a_graph_without_outcome_asks_for_one(open_page):
    states = {name: ["no", "yes"] for name in "xyz"}
    graph = replace(CausalGraph.from_edges([("x", "y"), ("y", "z")], states), outcome=None)
    cpts = {"x": [[0.5, 0.5]]} | {n: [[[0.7, 0.3], [0.2, 0.8]]] for n in "yz"}
    with serving(create_app(br.Posterior.from_cpts(graph, cpts))) as address:
        page = open_page(f"{address}/#x=yes")
        settled(page)
        expect(page.locator("#headline .note")).to_contain_text("Choose an outcome")
        page.get_by_label("Outcome to look at").select_option("z")
        settled(page, 2)
        chance = 0.2 * 0.3 + 0.8 * 0.8
        expect(page.locator("#headline .big strong")).to_have_text(f"{round(100 * chance)} of 100")
        expect(page.locator("#cascade .routes li")).to_have_text("x → y → z")
        page.locator("#link").click()
        again = open_page(page.locator("#link-text").input_value())
        settled(again)
        expect(again.locator("#target")).to_have_value("z")
        expect(again.locator("#headline .big strong")).to_have_text(f"{round(100 * chance)} of 100")
        inspect(again)
