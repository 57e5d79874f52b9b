"""The page and saved files: an earlier one compared, answers without a field kept and removed."""

import json
from dataclasses import replace
from datetime import date

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from test_browser import (  # noqa: F401
    ANSWERS,
    FRAGMENT,
    address,
    browser,
    open_page,
    posterior,
    serving,
    settled,
)
from web_client import NO_LIMIT

import backrisk as br
from backrisk import CausalGraph
from backrisk.queries import saved
from backrisk.survey import Codebook
from backrisk.web import create_app
from backrisk.words import percent

BEFORE = {"plank_seconds": 80, "sex": "female", "fatigue": "high"}


@pytest.fixture(scope="module")
def old(posterior):  # noqa: F811
    return replace(posterior, beta=posterior.beta + 0.3)


def choose(page, place, tmp_path, data):
    file = tmp_path / "file.json"
    file.write_text(json.dumps(data))
    page.locator(place).set_input_files(file)


def test_an_earlier_file_is_compared_and_printed(open_page, posterior, old, tmp_path):  # noqa: F811
    before = saved(old, BEFORE, date(2026, 1, 2))
    answer = br.follow_up(posterior, before, ANSWERS, earlier=old)
    with serving(create_app(posterior, earlier=[old], limits=NO_LIMIT)) as address:  # noqa: F811
        page = open_page(f"{address}/#{FRAGMENT}")
        settled(page)
        section = page.locator("#followup")
        expect(section.locator("table")).to_have_count(0)
        choose(page, "#followup-file", tmp_path, before)
        expect(section).to_contain_text("Earlier file, 2026-01-02")
        for row in answer.table.itertuples():
            if row.Index in ("before", "after"):
                shown = percent(row.mean).replace(" ", "\u00a0")
                expect(section.locator(".row .value", has_text=shown).first).to_be_visible()
        expect(section.locator("li")).to_have_count(3)  # the change and its two parts
        expect(section).to_contain_text(answer.notes[0])
        rows = section.locator("tbody tr")
        expect(rows).to_have_count(len(answer.changed))
        plank = rows.filter(has_text="How long can you hold a front plank")
        expect(plank.locator("td")).to_have_text(["80", "35"])
        expect(rows.filter(has_text="Fatigue").locator("td").last).to_have_text("not answered")
        page.locator("#q-plank_seconds").fill("80")  # the comparison follows the answers
        expect(rows).to_have_count(len(answer.changed) - 1)
        assert Axe().run(page).violations_count == 0
        page.emulate_media(media="print")
        expect(section.locator("table")).to_be_visible()
        expect(section.locator("label")).to_be_hidden()
        page.emulate_media(media="screen")
        page.get_by_role("button", name="Remove the earlier file").click()
        expect(section.locator("table")).to_have_count(0)
        page.emulate_media(media="print")
        expect(section).to_be_hidden()
        page.close()  # it asks on as long as it is open


def test_a_file_that_is_none_is_told_where_it_was_chosen(open_page, address, tmp_path):  # noqa: F811
    page = open_page(address)
    settled(page)
    choose(page, "#followup-file", tmp_path, [1])
    expect(page.locator("#followup-note")).to_contain_text("holds no answers")


def test_what_has_no_field_is_kept_sent_saved_and_removed(
    open_page,  # noqa: F811
    tmp_path,
):
    graph = CausalGraph.from_text("x -> y; y -> z")
    columns = {"asks_x": {"node": "x", "type": "label", "labels": {"Not so": "no", "So": "yes"}}}
    book = Codebook.from_dict({"name": "own", "graph": "graph", "columns": columns}, graph)
    cpts = {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]], "z": [[0.9, 0.1], [0.4, 0.6]]}
    model = replace(br.Posterior.from_cpts(graph, cpts), codebook=book)
    with serving(create_app(model, limits=NO_LIMIT)) as place:
        page = open_page(f"{place}/#x=yes")
        settled(page)
        expect(page.locator("#q-asks_x")).to_have_value("So")  # the question about that node
        expect(page.locator("#known")).to_be_hidden()
        _keeps(page, tmp_path)
        page.close()  # it asks on as long as it is open


def _keeps(page, tmp_path):
    choose(page, "#load", tmp_path, {"y": "no", "asks_x": "So", "x": "yes", "no_such_thing": 1})
    known = page.locator("#known li")
    expect(known).to_have_count(1)
    expect(page.locator("#form-note")).to_contain_text("no_such_thing")
    with page.expect_request(lambda request: request.url.endswith("/read")) as asked:
        page.locator("#q-y").select_option("yes")
    assert json.loads(asked.value.post_data)["person"]["x"] == "yes"
    page.wait_for_selector("body:not([data-busy])")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the answers").click()
    file = tmp_path / "saved.json"
    download.value.save_as(file)
    assert json.loads(file.read_text())["person"]["x"] == "yes"
    page.emulate_media(media="print")
    expect(page.locator("#answers li")).to_have_count(3)
    page.emulate_media(media="screen")
    assert Axe().run(page).violations_count == 0
    with page.expect_request(lambda request: request.url.endswith("/read")) as asked:
        known.get_by_role("button", name="Remove").click()
    assert "x" not in json.loads(asked.value.post_data)["person"]
    expect(page.locator("#known")).to_be_hidden()
    page.wait_for_selector("body:not([data-busy])")  # before its server stops
