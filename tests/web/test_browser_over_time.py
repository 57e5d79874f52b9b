"""The page over time in a real browser: visits added and compared, the curve, keyboard, phone."""

import json
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from over_time_model import HISTORY, PLAN, over_time_model
from playwright.sync_api import expect
from test_browser import WIDTHS, browser, open_page, serving, settled  # noqa: F401
from web_client import NO_LIMIT, slow

import backrisk as br
from backrisk.web import create_app
from backrisk.words import estimate, points


@pytest.fixture(scope="module")
def moving():
    return over_time_model(20)


@pytest.fixture(scope="module")
def place(moving):
    with serving(create_app(moving, limits=NO_LIMIT)) as found:
        yield found


def link(place, history):
    return f"{place}/#history={quote(json.dumps(history))}"


def cells(page, within):
    """The rows of the first table of a section."""
    table = page.locator(f"{within} table").first
    rows = [row.locator("th, td").all_inner_texts() for row in table.locator("tbody tr").all()]
    return [[cell.replace("\xa0", " ") for cell in row] for row in rows]


def test_what_is_shown_is_what_python_says(open_page, place, moving):  # noqa: F811
    page = open_page(link(place, HISTORY))
    settled(page)
    forecast = br.forecast(moving, HISTORY, 6)
    told = [[f"+{n + 1}", estimate(forecast.draws[:, n])] for n in range(6)]
    assert [row[:2] for row in cells(page, "#ahead")] == told
    review = br.review(moving, HISTORY, [1, 2])
    assert [row[1:3] for row in cells(page, "#compared")] == [
        [estimate(draws[:, visit]) for visit in (0, 1)] for draws in (review.draws, review.ahead)
    ]
    changed = page.locator("#compared table").nth(1).locator("tbody tr")
    expect(changed).to_have_count(len(review.changed))
    page.locator("#earlier").select_option("0")
    expect(changed).to_have_count(len(br.review(moving, HISTORY, [0, 2]).changed))
    advice = br.recommend(moving, HISTORY, periods=6)
    change = points(-advice.draws[:, 0]).replace("-", "\u2212")
    assert cells(page, "#kept")[0][:2] == ["fatigue: low", change]
    page.locator("#plan-node").select_option("fatigue")
    expect(page.locator("#plan .curves polyline")).to_have_count(4)  # two curves, two swatches
    contrast = br.intervene(moving, HISTORY, PLAN, period=8)
    expect(page.locator("#plan .body p").first).to_contain_text(
        points(contrast.change).replace("-", "\u2212")
    )


def test_a_visit_is_added_by_keyboard_and_what_was_answered_before_is_only_offered(
    open_page,  # noqa: F811
    place,
    moving,
):
    page = open_page(link(place, HISTORY[:1]))
    settled(page)
    page.locator("#add").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#q-fatigue-1")).to_have_value("")
    expect(page.get_by_role("group", name="Fatigue").get_by_label("Visit 2")).to_have_count(1)
    settled(page, 2)
    history = [*HISTORY[:1], {}]
    told = estimate(br.forecast(moving, history, 1).draws[:, 0])
    assert cells(page, "#ahead")[0][1] == told
    row = page.locator("#q-fatigue-1").locator("..")
    offer = row.get_by_role("button", name="As before: low")
    offer.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#q-fatigue-1")).to_be_focused()
    expect(page.locator("#q-fatigue-1")).to_have_value("low")
    settled(page, 3)
    expect(offer).to_have_count(0)
    page.locator("#remove").click()
    expect(page.locator("#q-fatigue-1")).to_have_count(0)
    expect(page.locator("#visits-told")).to_contain_text("removed with it: 1")
    settled(page, 4)


def test_saved_visits_are_loaded_and_what_is_no_history_is_not(open_page, place, tmp_path):  # noqa: F811
    page = open_page(link(place, HISTORY))
    settled(page)
    with page.expect_download() as download:
        page.locator("#save").click()
    saved = download.value.path()
    assert json.loads(saved.read_text()) == HISTORY
    page.locator("#clear").click()
    expect(page.locator(".visit label", has_text="Visit 2")).to_have_count(0)
    page.locator("#load").set_input_files(saved)
    expect(page.locator("#q-pain-2")).to_have_value("limiting")
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"pain": "none"}')
    page.locator("#load").set_input_files(wrong)
    expect(page.locator("#taken")).to_contain_text("no answers")


@pytest.mark.parametrize("scheme", ["light", slow("dark")])
@pytest.mark.parametrize("name", ["phone", slow("desktop")])
def test_nothing_stands_in_anyones_way(open_page, place, name, scheme):  # noqa: F811
    width, height = WIDTHS[name]
    page = open_page(link(place, HISTORY), width=width, height=height, scheme=scheme)
    settled(page)
    page.locator("#plan-node").select_option("fatigue")
    expect(page.locator("#plan .curves polyline")).to_have_count(4)
    # What is being worked out is dimmed, and is not what is judged.
    expect(page.locator('[aria-busy="true"]')).to_have_count(0)
    page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished))")
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["target"]) for each in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
