"""The page shows nothing that no longer fits and loses nothing: keystrokes, server, reload."""

import json
import re
import socket
import threading
from datetime import datetime

import pytest
import uvicorn
from over_time_model import HISTORY, over_time_model
from playwright.sync_api import expect
from prior_model import prior_model
from test_browser import (  # noqa: F401
    CHROMIUM,
    FRAGMENT,
    WIDTHS,
    browser,
    in_page,
    inspect,
    open_page,
    serving,
    settled,
)
from test_browser_over_time import link
from web_client import NO_LIMIT, slow

import backrisk as br
from backrisk.web import create_app
from backrisk.words import language

WORDS = language("en").tree("page")["page"]
WORKING, OUTDATED = WORDS["working"], WORDS["outdated"]
# Every part of the answer: a section that holds something worked out.
ANSWER = "section:has(> .body)"


@pytest.fixture(scope="module")
def posterior():
    return prior_model(20)


@pytest.fixture(scope="module")
def address(posterior):
    with serving(create_app(posterior, limits=NO_LIMIT)) as found:
        yield found


class Stoppable:
    """A real server that is stopped and started again on the same port."""

    def __init__(self, app):
        self.app, self.port, self.thread = app, 0, None

    def start(self):
        """Listen, at first on any free port."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self.server = uvicorn.Server(uvicorn.Config(self.app, log_config=None, access_log=False))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]})
        self.thread.start()

    def stop(self):
        """Stop listening, and answer nothing any more."""
        if self.thread:
            self.server.should_exit = True
            self.thread.join()
            self.thread = None


@pytest.fixture
def server(posterior):
    server = Stoppable(create_app(posterior, limits=NO_LIMIT))
    server.start()
    yield server
    server.stop()


def hold(page, pattern):
    """Hold requests back; what is returned lets them go, and those that come later."""
    held, free = [], []

    def take(route):
        if free:
            route.continue_()
        else:
            held.append(route)

    def release():
        free.append(True)
        for route in held:
            route.continue_()

    page.route(pattern, take)
    return release


def stop_clock(page):
    """Let the page's time pass only as the test says."""
    page.clock.install(time=datetime(2026, 1, 1))
    page.clock.pause_at(datetime(2026, 1, 2))


def all_marked(page, word=WORKING):
    sections = page.locator(ANSWER)
    assert sections.count() >= 4
    for section in sections.all():
        expect(section).to_have_attribute("aria-busy", "true")
        expect(section.locator("h2")).to_contain_text(word)
        for part in section.locator(":scope > .body, :scope > .scroll").all():
            expect(part).to_have_css("filter", "grayscale(1)")
            expect(part).to_have_css("opacity", "1")


def none_marked(page):
    expect(page.locator("[data-stale]")).to_have_count(0)
    expect(page.locator('[aria-busy="true"]')).to_have_count(0)
    expect(page.get_by_text(WORKING)).to_have_count(0)
    expect(page.get_by_text(OUTDATED)).to_have_count(0)


def test_all_is_marked_from_the_first_keystroke(open_page, address):  # noqa: F811
    page = open_page(f"{address}/#{FRAGMENT}&back_pain_episodes=2")
    settled(page)
    none_marked(page)
    # In the very task of the keystroke, before anything could be asked or drawn.
    marked = page.evaluate(
        """() => {
          const field = document.getElementById('q-plank_seconds');
          field.value = '180';
          field.dispatchEvent(new Event('input', { bubbles: true }));
          const says = [...document.querySelectorAll('.says')].filter((each) => each.textContent);
          const all = [...document.querySelectorAll('section:has(> .body)'), ...says,
            document.getElementById('peek')];
          return all.map((each) => [each.getAttribute('aria-busy'), each.textContent]);
        }"""
    )
    assert len(marked) >= 5 + 3
    assert all(busy == "true" and WORKING in text for busy, text in marked)


def test_captions_change_together_with_the_first_number(open_page, address):  # noqa: F811
    page = open_page(f"{address}/#{FRAGMENT}")
    settled(page)
    caption = page.locator("#q-plank_seconds-says")
    before = page.locator("#headline .body").inner_text()
    expect(caption).to_have_text("A sign of core strength: weak.")
    questions = re.compile(r"/api/v1/(?!read)")
    release = hold(page, questions)
    with page.expect_request(questions):
        page.locator("#q-plank_seconds").fill("180")
    # The reading has come, the number has not: neither is shown as if it were of the new answer.
    expect(caption).to_have_text(f"A sign of core strength: weak. {WORKING}")
    expect(caption).to_have_attribute("aria-busy", "true")
    assert page.locator("#headline .body").inner_text() == before
    all_marked(page)
    # A caption that has been changed never stands beside a number that has not.
    page.evaluate(
        """() => {
          window.seen = [];
          const caption = document.getElementById('q-plank_seconds-says');
          const number = document.querySelector('#headline .body');
          const first = [caption.textContent, number.textContent];
          const look = () => {
            window.seen.push([caption.textContent !== first[0], number.textContent !== first[1]]);
            window.looking = requestAnimationFrame(look);
          };
          look();
        }"""
    )
    release()
    expect(caption).to_have_text("A sign of core strength: strong.")
    settled(page, 2)
    none_marked(page)
    seen = page.evaluate("(() => { cancelAnimationFrame(window.looking); return window.seen })()")
    assert [False, False] in seen or [True, True] in seen
    assert all(words == number for words, number in seen)


def test_an_answer_between_two_keystrokes_is_not_shown(open_page, address, posterior):  # noqa: F811
    """What was asked before a keystroke is given up at the keystroke, not when it is asked anew."""
    page = open_page(address)
    settled(page)
    stop_clock(page)
    release = hold(page, "**/api/v1/ask-next")
    before = page.locator("#ask .body").inner_text()
    with page.expect_request("**/api/v1/ask-next") as late:
        page.locator("#q-sex").select_option("female")
        page.clock.run_for(1000)
    with page.expect_event("requestfailed", lambda request: request == late.value):
        page.locator("#q-age_years").fill("44")  # the clock stands still: nothing is asked yet
    release()
    all_marked(page)
    assert page.locator("#ask .body").inner_text() == before
    page.clock.run_for(1000)
    settled(page, 2)
    none_marked(page)


def test_a_stopped_server_is_told_retried_and_nothing_is_lost(open_page, server, posterior):  # noqa: F811
    page = open_page(f"http://127.0.0.1:{server.port}/#sex=female", refused=True)
    settled(page)
    bar = page.get_by_role("alert").filter(has_text=WORDS["offline"])
    expect(bar).to_have_count(0)
    server.stop()
    page.locator("#q-plank_seconds").fill("35")
    expect(bar).to_be_visible()
    all_marked(page, OUTDATED)
    page.locator("#q-age_years").fill("44")  # typed while there is no server
    expect(page.locator("#q-age_years")).to_be_focused()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(bar).to_be_in_viewport(ratio=1)
    inspect(page)
    server.start()
    expect(bar).to_have_count(0)
    settled(page, 2)
    none_marked(page)
    person = {"sex": "female", "plank_seconds": 35, "age_years": 44}
    assert page.locator("#q-plank_seconds").input_value() == "35"
    expected = in_page(br.risk(posterior, person).draws)
    expect(page.locator("#headline .row .value").first).to_have_text(expected)
    expect(page.locator("#q-plank_seconds-says")).to_have_text("A sign of core strength: weak.")


def test_waits_grow_and_the_button_does_not_wait(open_page, address):  # noqa: F811
    page = open_page(address, refused=True)
    settled(page)
    stop_clock(page)
    tries = []
    page.route("**/api/v1/**", lambda route: (tries.append(route), route.abort()))
    bar = page.locator("#lost")

    def tried_after(seconds):
        """Whether the page tries again within so many seconds of its clock."""
        before = len(tries)
        for _ in range(10 * seconds):
            page.clock.run_for(100)
        page.evaluate("fetch('/healthz').then((response) => response.text())")  # goes through all
        expect(page.locator("body")).not_to_have_attribute("data-busy", "")
        return len(tries) > before

    page.locator("#q-sex").select_option("female")
    page.clock.run_for(200)
    expect(bar).to_be_visible()
    assert tried_after(1)
    assert not tried_after(1)
    assert tried_after(1)
    assert not tried_after(3)
    assert tried_after(1)
    before = len(tries)
    page.get_by_role("button", name=WORDS["try_again"]).click()
    expect(page.locator("body")).not_to_have_attribute("data-busy", "")
    assert len(tries) > before
    page.unroute_all()
    page.get_by_role("button", name=WORDS["try_again"]).click()
    settled(page, 2)
    expect(bar).to_be_hidden()
    none_marked(page)


@pytest.mark.parametrize(
    "refusal",
    [
        {"status": 503, "headers": {"Retry-After": "1"}, "json": {"detail": "Busy."}},
        {"status": 502, "body": "<h1>Bad gateway</h1>"},
        {"status": 500, "body": "of a proxy"},
    ],
    ids=["busy", "gateway", "proxy"],
)
def test_a_busy_server_and_one_behind_a_proxy_count_as_lost(open_page, address, refusal):  # noqa: F811
    page = open_page(address, refused=True)
    settled(page)
    page.route("**/api/v1/recommend", lambda route: route.fulfill(**refusal))
    page.locator("#q-sex").select_option("female")
    expect(page.locator("#lost")).to_be_visible()
    expect(page.locator("#help")).to_have_attribute("aria-busy", "true")
    page.unroute_all()
    page.get_by_role("button", name=WORDS["try_again"]).click()
    expect(page.locator("#lost")).to_be_hidden()
    none_marked(page)


def test_a_silent_server_counts_as_lost(open_page, address):  # noqa: F811
    page = open_page(address, refused=True)
    settled(page)
    stop_clock(page)
    release = hold(page, "**/api/v1/read")
    with page.expect_request("**/api/v1/read"):
        page.locator("#q-sex").select_option("female")
        page.clock.run_for(200)
    expect(page.locator("#lost")).to_be_hidden()
    page.clock.run_for(20_000)
    expect(page.locator("#lost")).to_be_visible()
    release()
    page.clock.run_for(2_000)
    settled(page, 2)
    expect(page.locator("#lost")).to_be_hidden()


def test_one_question_that_takes_too_long_does_not_lose_the_others(open_page, address):  # noqa: F811
    page = open_page(address, refused=True)
    settled(page)
    late = {"status": 503, "json": {"detail": "It takes too long."}}
    page.route("**/api/v1/recommend", lambda route: route.fulfill(**late))
    page.locator("#q-sex").select_option("female")
    settled(page, 2)
    expect(page.locator("#help .body")).to_have_text("It takes too long.")
    expect(page.locator("#lost")).to_be_hidden()
    none_marked(page)


# --- the tab


def filled(page):
    """What the form holds, by question."""
    fields = "fields => fields.filter((each) => each.value).map((each) => [each.name, each.value])"
    return dict(page.locator("#form [name]").evaluate_all(fields))


def test_answers_outlive_a_reload_and_no_other_tab_has_them(open_page, address):  # noqa: F811
    page = open_page(f"{address}/#sex=female&plank_seconds=35")
    settled(page)
    expect(page.locator("#stays")).to_have_text(WORDS["kept"])
    page.reload()
    settled(page)
    assert filled(page) == {"sex": "female", "plank_seconds": "35"}
    page.locator("#q-plank_seconds").fill("28.0")
    page.locator("#q-shoe_km").fill("far")
    assert "#" not in page.url  # the link that was opened does not say this
    page.reload()  # before anything was asked about it
    settled(page)
    assert filled(page) == {"sex": "female", "plank_seconds": "28", "shoe_km": "far"}
    expect(page.locator("#q-plank_seconds-says")).to_have_text("A sign of core strength: weak.")
    with page.expect_popup() as popup:  # as a link that is opened in a tab of its own
        page.evaluate("window.open('/', '_blank', 'noopener')")
    second = popup.value
    settled(second)
    assert filled(second) == {}
    second.close()
    assert page.evaluate("localStorage.length") == 0
    page.get_by_role("button", name="Clear all answers").click()
    assert page.evaluate("JSON.stringify({ ...sessionStorage })") == "{}"
    page.reload()
    settled(page)
    assert filled(page) == {}


def test_a_link_wins_over_what_the_tab_kept(open_page, address):  # noqa: F811
    page = open_page(f"{address}/#sex=female&plank_seconds=35")
    settled(page)
    page.goto(f"{address}/#age_years=44")
    settled(page, 2)
    assert filled(page) == {"age_years": "44"}
    page.goto(f"{address}/api")
    page.goto(f"{address}/")
    settled(page)
    assert filled(page) == {"age_years": "44"}


def test_visits_outlive_a_reload(open_page):  # noqa: F811
    with serving(create_app(over_time_model(20), limits=NO_LIMIT)) as place:
        page = open_page(link(place, HISTORY))
        settled(page)
        page.locator("#add").click()
        settled(page, 2)
        page.evaluate(
            """() => {
              const field = document.getElementById('q-fatigue-0');
              field.dispatchEvent(new Event('input', { bubbles: true }));
            }"""
        )
        all_marked(page)
        page.reload()
        settled(page)
        expect(page.locator(".visit label", has_text="Visit 4").first).to_be_visible()
        told = page.evaluate("new URLSearchParams(sessionStorage.visits).get('history')")
        assert json.loads(told) == [*HISTORY, {}]
        page.locator("#clear").click()
        settled(page, 2)
        page.reload()
        settled(page)
        assert filled(page) == {}


# --- units


def unit_of(page, name):
    return page.locator(f"#q-{name}-range").inner_text()


def kept(page):
    """What the tab keeps of the answers, which is what a link and a saved file hold as well."""
    pairs = page.evaluate("[...new URLSearchParams(sessionStorage.answers ?? '')]")
    return {name: float(answer) for name, answer in pairs}


def sends(page, act):
    """The person of the question that an action leads to."""
    with page.expect_request("**/api/v1/read") as request:
        act()
    return request.value.post_data_json["person"]


def test_what_is_typed_in_one_system_is_sent_in_the_codebook_s(open_page, address, posterior):  # noqa: F811
    page = open_page(address)
    settled(page)
    assert unit_of(page, "weight_kg") == "kg (30 to 200)"
    page.get_by_label("Units").select_option("imperial")
    # 30 kg is 66.14 lb and 200 kg is 440.92 lb: rounded inwards.
    assert unit_of(page, "weight_kg") == "lb (66.2 to 440.9)"
    assert unit_of(page, "height_cm") == "in (47.3 to 86.6)"
    assert unit_of(page, "shoe_km") == "miles (0 to 3106.8)"
    assert unit_of(page, "plank_seconds") == "s (0 to 1800)"
    none_marked(page)  # the page has been shown anew, in these units
    person = sends(page, lambda: page.locator("#q-weight_kg").fill("180"))
    assert person == {"weight_kg": 81.6466266}  # a pound is 0.45359237 kg
    person = sends(page, lambda: page.locator("#q-height_cm").fill("67"))
    assert person == {"weight_kg": 81.6466266, "height_cm": 170.18}  # an inch is 2.54 cm
    none_marked(page)
    expect(page.locator("#q-height_cm-says")).to_contain_text("body mass index: 25 to under 30")
    assert kept(page) == person
    expected = in_page(br.risk(posterior, person).draws)
    expect(page.locator("#headline .row .value").first).to_have_text(expected)
    page.reload()
    settled(page)
    expect(page.get_by_label("Units")).to_have_value("imperial")
    assert filled(page) == {"weight_kg": "180", "height_cm": "67"}
    assert kept(page) == person
    page.get_by_label("Units").select_option("metric")
    assert filled(page) == {"weight_kg": "81.6", "height_cm": "170.18"}
    assert kept(page) == person
    page.get_by_label("Units").select_option("imperial")
    none_marked(page)
    page.emulate_media(media="print")
    expect(page.locator("#answers")).to_contain_text("180 lb")
    page.emulate_media(media="screen")
    page.locator("#link").click()
    link_text = page.locator("#link-text").input_value()
    assert dict(pair.split("=") for pair in link_text.partition("#")[2].split("&")) == {
        "weight_kg": "81.6466266",
        "height_cm": "170.18",
    }


@pytest.mark.parametrize("typed", ["28.0", slow("28"), slow("0"), "3.33333", slow("99.95")])
def test_switching_there_and_back_changes_nothing(open_page, address, typed):  # noqa: F811
    page = open_page(address)
    settled(page)
    page.locator("#q-longest_run_week_km").fill(typed)
    settled(page, 2)
    sent = []
    page.on("request", lambda request: sent.append(request.post_data_json["person"]))
    for _ in range(3):
        page.get_by_label("Units").select_option("imperial")
        miles = float(page.locator("#q-longest_run_week_km").input_value())
        assert miles == pytest.approx(float(typed) / 1.609344, abs=0.05)
        page.get_by_label("Units").select_option("metric")
        assert page.locator("#q-longest_run_week_km").input_value() == typed
    assert kept(page) == {"longest_run_week_km": float(typed)}
    none_marked(page)
    assert all(person == {"longest_run_week_km": float(typed)} for person in sent)


def test_a_mistake_is_told_in_the_unit_that_it_was_typed_in(open_page, address):  # noqa: F811
    page = open_page(address)
    settled(page)
    page.get_by_label("Units").select_option("imperial")
    says = page.locator("#q-height_cm-says")
    page.locator("#q-height_cm").fill("170")
    expect(says).to_have_text("'170' was not understood; expected a number from 47.3 to 86.6 (in).")
    none_marked(page)
    page.locator("#q-height_cm").fill("5 ft 7")  # with its own units it needs no switch
    expect(page.locator("#q-height_cm")).not_to_have_attribute("aria-invalid", "true")
    page.locator("#q-height_cm").fill("47.3")  # the ends that are shown are accepted
    none_marked(page)
    expect(page.locator("#q-height_cm")).not_to_have_attribute("aria-invalid", "true")
    inspect(page)
