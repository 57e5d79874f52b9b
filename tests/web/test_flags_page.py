"""Red flags on the page: before any number, in both views, on paper, and without the server."""

import json
import re

import pytest
from playwright.sync_api import expect
from prior_model import prior_model
from test_browser import browser, open_page, serving, settled  # noqa: F401
from web_client import NO_LIMIT

from backrisk.web import create_app

HURTS = "#back_pain=yes%2C+and+I+train+less+or+not+at+all"


@pytest.fixture(scope="module")
def address():
    with serving(create_app(prior_model(10), limits=NO_LIMIT)) as found:
        yield found


def test_a_tick_stands_above_every_number_and_outlives_the_server(open_page, address):  # noqa: F811
    page = open_page(f"{address}/{HURTS}&age_years=16")
    flags, told = page.locator("#flags"), page.locator("#flags-told")
    expect(page.locator("#flags-state")).to_be_visible()  # limiting pain: they are to be asked
    expect(page.locator("#flags-unfit")).to_contain_text("16 years is outside 18 to 74")
    expect(told).to_be_empty()
    settled(page)
    page.route("**/api/v1/**", lambda route: route.abort())  # the server is gone
    flags.locator("input[value=night_pain]").check()
    flags.locator("input[value=saddle_numbness]").check()
    expect(told.locator(".big")).to_have_text(re.compile("^Go to an emergency department now"))
    expect(told.locator("li")).to_have_text([re.compile("^Saddle"), re.compile("^Night")])
    for view in ("screen", "print"):
        page.emulate_media(media=view)
        expect(told).to_be_visible()
    page.emulate_media(media="screen")
    top = told.bounding_box()["y"]
    assert top < page.locator("#headline").bounding_box()["y"]
    page.locator("input[name=view][value=person]").check()
    expect(told).to_be_visible()
    assert told.bounding_box()["y"] < page.locator("#plain").bounding_box()["y"]


def test_an_answer_that_is_a_flag_is_told_whatever_was_ticked(open_page, address):  # noqa: F811
    page = open_page(f"{address}/#back_pain=yes%2C+but+I+train+as+usual&training_change=a+big+jump")
    told, state = page.locator("#flags-reported"), page.locator("#flags-state")
    expect(told).to_contain_text("The answers report a leap in training")
    expect(told).to_contain_text("See a clinician this week")
    expect(state).to_contain_text("Nobody has answered the other questions yet")
    page.locator("#flags-deny").check()
    expect(state).to_contain_text("the answers report otherwise")
    page.locator("#flags input[value=training_spike]").check()
    expect(told).to_be_empty()  # the tick says it
    page.locator("#clear").click()
    expect(told).to_be_empty()


def test_ticks_stay_through_a_reload_and_go_with_the_answers(open_page, address):  # noqa: F811
    page = open_page(address)
    page.locator("#flags-list summary").click()
    page.locator("#flags input[value=fever]").check()
    page.reload()
    expect(page.locator("#flags input[value=fever]")).to_be_checked()
    expect(page.locator("#flags-told")).to_contain_text("Speak to a clinician today")
    page.locator("#clear").click()
    expect(page.locator("#flags-told")).to_be_empty()
    expect(page.locator("#flags input[value=fever]")).not_to_be_checked()


def test_nobody_asked_is_told_from_none_applies(open_page, address, tmp_path):  # noqa: F811
    """On the page, in its file, and in what it asks a report for."""

    def kept():
        with page.expect_download() as saved:
            page.locator("#save").click()
        path = tmp_path / "person.json"
        saved.value.save_as(path)
        return path, json.loads(path.read_text())["backrisk"]

    def sent():
        with page.expect_request("**/report.pdf") as asked:
            page.locator("#take [data-kind=letter]").click()
        return asked.value.post_data_json["flags"]

    page = open_page(address, refused=True)
    page.route("**/report.pdf", lambda route: route.abort())
    state, deny = page.locator("#flags-state"), page.locator("#flags-deny")
    expect(state).to_contain_text("Nobody has answered these questions yet")
    unasked, about = kept()
    assert "flags" not in about
    assert sent() is None
    page.locator("#flags-list summary").click()
    page.locator("#flags input[value=fever]").check()
    expect(state).to_be_hidden()
    assert sent() == ["fever"]
    deny.check()
    expect(page.locator("#flags input[value=fever]")).not_to_be_checked()
    expect(state).to_contain_text("none applies")
    assert sent() == []
    denied, about = kept()
    assert about["flags"] == []
    page.reload()
    expect(deny).to_be_checked()
    page.locator("#clear").click()
    expect(state).to_contain_text("Nobody has answered these questions yet")
    page.locator("#load").set_input_files(denied)
    expect(deny).to_be_checked()
    page.locator("#flags input[value=fever]").check()
    expect(deny).not_to_be_checked()
    assert kept()[1]["flags"] == ["fever"]
    unasked.write_text(json.dumps({"fatigue": "high"}))
    page.locator("#load").set_input_files(unasked)
    expect(page.locator("#flags input[value=fever]")).not_to_be_checked()
    expect(state).to_contain_text("Nobody has answered these questions yet")
