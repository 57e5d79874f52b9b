"""The page's headline in a browser is that of every other door, to the digits that it shows."""

from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect
from test_browser import browser, open_page, serving  # noqa: F401
from test_four_doors import PEOPLE
from web_client import NO_LIMIT

import backrisk as br
from backrisk.web import create_app


@pytest.fixture(scope="module")
def model():
    return br.example_posterior()


@pytest.fixture(scope="module")
def address(model):
    with serving(create_app(model, limits=NO_LIMIT)) as found:
        yield found


def test_the_page_opens_on_the_same_numbers(open_page, address, model):  # noqa: F811
    for person in PEOPLE.values():
        found = br.consult(model, person)
        answer = found.to_dict()
        page = open_page(f"{address}/#{urlencode(person)}")
        headline = page.locator("#headline")
        expect(headline.locator(".told").first).to_have_text(found.headline)
        big = headline.locator(".big").first
        if answer.get("uninformative"):  # bounds stand in place of one number
            low, high = (round(100 * answer["bounds"][end]) for end in ("low", "high"))
            expect(big).to_contain_text(str(low))
            expect(big).to_contain_text(f"{high} of 100")
            continue
        hundred = answer["headline"]["hundred"]
        shown = f"{hundred:.0f}" if hundred == int(hundred) else f"{hundred:.1f}"
        expect(big).to_have_text(f"{shown} of 100")
