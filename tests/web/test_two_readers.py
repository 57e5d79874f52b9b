"""The page of one consultation: what it opens on, for the clinician and to look at together."""

import json
import re
from io import BytesIO

import pytest
from playwright.sync_api import expect
from prior_model import prior_model
from pypdf import PdfReader
from test_browser import (  # noqa: F401
    KNOWN,
    WIDTHS,
    browser,
    in_page,
    inspect,
    open_page,
    serving,
    settled,
)
from web_client import NO_LIMIT, slow

import backrisk as br
from backrisk.web import create_app
from backrisk.words import language

WORDS = language("en").tree("page")
PARTLY = {"plank_seconds": 28, "strength_sessions": 0, "sex": "female", "back_pain_episodes": 2}
LIMITING = "yes, and I train less or not at all"
HEALTHY = {
    "strength_sessions": 3,
    "mobility_sessions": 3,
    "daily_posture": "mostly upright",
    "warm_up": "dynamic drills",
    "back_pain": "no",
}
# Enough answers that looking back at the pain stays quick.
PAINED = PARTLY | dict(each.split("=") for each in KNOWN.removeprefix("&").split("&"))
PAINED |= {"warm_up": "not at all", "back_pain": LIMITING}
PEOPLE = {"nothing": {}, "healthy": HEALTHY, "partly": PARTLY, "pained": PAINED}


def fragment(person):
    return "&".join(f"{name}={answer}" for name, answer in person.items())


@pytest.fixture(scope="module")
def posterior():
    return prior_model(40)


@pytest.fixture(scope="module")
def address(posterior):
    with serving(create_app(posterior, limits=NO_LIMIT)) as found:
        yield found


@pytest.fixture
def shown(open_page, address):  # noqa: F811
    """Open the page about a person, worked out."""

    def opened(person, **settings):
        page = open_page(f"{address}/#{fragment(person)}", **settings)
        settled(page)
        return page

    return opened


def together(page):
    page.get_by_label(WORDS["views"]["person"]).check()
    return page.locator("#plain")


def visible(page, *ids):
    return [page.locator(f"#{each}").is_visible() for each in ids]


# --- what it opens on


def test_with_nothing_answered_the_page_shows_the_population_and_asks(shown, posterior):
    page = shown({})
    average = br.risk(posterior, {})
    expect(page.locator("#headline h2")).to_contain_text("The population surveyed")
    expect(page.locator("#headline .row")).to_have_count(1)
    expect(page.locator("#headline .row .value")).to_have_text(in_page(average.draws))
    expect(page.locator("#headline")).to_contain_text("Nothing is answered yet")
    assert visible(page, "causes", "help", "whatif", "cascade") == [False] * 4
    assert visible(page, "ask") == [True]
    assert page.locator("#ask button.ask").count() > 0
    assert not re.search(r"\d", together(page).locator(".body").inner_text())


def test_a_person_without_pain_is_told_how_likely_it_is_beside_the_population(shown, posterior):
    page = shown(PARTLY)
    answer = br.consult(posterior, PARTLY).to_dict()
    expect(page.locator("#headline .big")).to_have_text(f"{answer['headline']['hundred']:g} of 100")
    expect(page.locator("#headline .told")).to_have_text(answer["headline"]["text"])
    expect(page.locator("#headline")).to_contain_text(
        f"{answer['average']['hundred']:g} of 100 report"
    )
    assert visible(page, "causes", "help", "whatif", "cascade") == [True] * 4


def test_the_outcome_answered_as_absent_changes_no_number(shown):
    texts = [
        [page.locator(f"#{part} .body").inner_text() for part in ("causes", "help")]
        for page in (shown(PARTLY), shown(PARTLY | {"back_pain": "no"}))
    ]
    assert texts[0] == texts[1]


def test_a_person_in_pain_is_told_what_it_took_at_the_severity_reported(shown, posterior):
    page = shown(PAINED)
    answer = br.consult(posterior, PAINED)
    told = answer.to_dict()
    expect(page.locator("#headline h2")).to_contain_text("What it took")
    expect(page.locator("#headline .big")).to_have_text(f"{told['headline']['hundred']:g} of 100")
    expect(page.locator("#headline .told")).to_have_text(told["headline"]["text"])
    expect(page.locator('#aims input[value="pain>=limiting"]')).to_be_checked()
    low, high = (round(100 * told["bounds"][end]) for end in ("low", "high"))
    expect(page.locator("#headline .caution")).to_contain_text(f"from {low} to {high} of 100")
    expect(page.locator("#causes .row")).to_have_count(len(told["causes"]))
    expect(page.locator("#peek")).to_contain_text(f"{told['headline']['hundred']:g} of 100")


def test_another_target_changes_every_section(shown, posterior):
    page = shown(PAINED)
    asked = []
    page.on("request", lambda request: asked.append(request.post_data_json))
    page.get_by_label("current low back pain", exact=True).check()
    settled(page, 2)
    answer = br.consult(posterior, PAINED, target="pain").to_dict()
    expect(page.locator("#headline .told")).to_have_text(answer["headline"]["text"])
    expect(page.locator('#aims input[value="pain"]')).to_be_checked()
    targets = {question["target"] for question in asked if "target" in question}
    assert targets == {"pain"}
    assert len([question for question in asked if "target" in question]) >= 4


def test_help_and_what_if_look_back_from_the_same_people(shown, posterior):
    page = shown(PAINED)
    page.locator("#whatif-node").select_option("strength_training")
    page.locator("#whatif-state").select_option("regular")
    found = br.attribute(
        posterior, PAINED, ["strength_training"], method="necessity", target="pain>=limiting"
    )
    gone = f"{round(100 * found.draws.mean())} of 100"
    row = page.locator("#help .row", has_text="Strength training")
    expect(row).to_contain_text(gone)
    expect(page.locator("#whatif .side").first).to_contain_text("100 %")
    expect(page.locator("#whatif .change strong")).to_have_text(gone.split()[0])


def test_where_all_is_healthy_nothing_stands_out(shown):
    page = shown(HEALTHY | {"back_pain": LIMITING})
    expect(page.locator("#headline .big")).to_contain_text("Nothing stands out")
    expect(page.locator("#help")).to_contain_text("Nothing that can be changed")
    assert "Nothing stands out" in together(page).inner_text()


def test_a_trait_is_not_painted_as_harm(shown):
    page = shown(PARTLY | {"age_years": 60})
    tint = '#cascade .box[data-node="{}"] .tint'
    for trait in ("age", "sex"):
        expect(page.locator(tint.format(trait))).to_have_attribute("fill-opacity", "0.000")
    habit = page.locator(tint.format("strength_training"))
    expect(habit).to_have_attribute("fill-opacity", "0.550")


def test_a_cause_of_which_a_sign_was_given_names_it(shown):
    page = shown(PARTLY)
    row = page.locator("#causes .row", has_text="Core strength")
    expect(row.locator(".state")).to_have_text("from front plank 28 s")
    expect(page.locator("#causes .row .state", has_text="not reported")).to_have_count(0)


def test_pain_alone_is_nothing_personal(shown):
    page = shown({"back_pain": LIMITING})
    expect(page.locator("#headline .big")).to_contain_text("Nothing but current, limiting low back")
    assert visible(page, "causes", "help", "whatif", "cascade", "ask") == [False] * 4 + [True]
    expect(together(page).locator(".body")).to_contain_text("not enough of the rest")


@pytest.mark.slow
def test_what_nobody_measured_is_said_beside_the_cause(open_page):  # noqa: F811
    model = br.example_posterior()
    rows = br.consult(model, PAINED).to_dict()["causes"]
    named = [row["name"] for row in rows if row["name"] in (row["unmeasured"] or "").split(", ")]
    assert 0 < len(named) < len(rows)
    with serving(create_app(model, limits=NO_LIMIT)) as address:
        page = open_page(f"{address}/#{fragment(PAINED)}")
        settled(page)
        said = page.locator("#causes .row .meta", has_text="nobody measured this")
        expect(said).to_have_count(len(named))


def test_a_simulated_survey_is_called_simulated(shown):
    page = shown(PARTLY)
    for part in ("causes", "help"):
        text = page.locator(f"#{part}").text_content()
        assert "by the simulated survey" in text
        assert "by the data" not in text
    expect(page.locator(".fit")).to_contain_text("For adults who run.")
    expect(page.locator(".fit")).to_contain_text("age 18 to 74 years")


def test_the_same_result_as_chart_icons_and_table(shown, posterior):
    page = shown(PARTLY)
    estimate = br.consult(posterior, PARTLY).estimate
    page.get_by_role("radio", name="Icons").check()
    arrays = page.locator("#headline .icons")
    expect(arrays).to_have_count(2)
    expect(arrays.first.locator(".filled")).to_have_count(round(100 * estimate.mean))
    expect(arrays.first.locator("g")).to_have_count(100)
    page.get_by_role("radio", name="Table").check()
    expect(page.locator("#headline tbody tr")).to_have_count(2)
    # The choice stays as answers change.
    page.locator("#q-sex").select_option("male")
    settled(page, 2)
    expect(page.locator("#headline tbody tr")).to_have_count(2)


# --- how it feels


def test_what_takes_long_can_be_stopped_and_asked_again(shown):
    page = shown(PARTLY)
    held = []
    page.route("**/api/v1/attribute", lambda route: held.append(route))
    page.locator("#q-sex").select_option("male")
    stop = page.locator("#causes").get_by_role("button", name="Stop")
    stop.click()
    expect(page.locator("#causes .body")).to_contain_text("Stopped before it was worked out")
    settled(page, 2)
    page.unroute("**/api/v1/attribute")
    page.locator("#causes").get_by_role("button", name="Work it out").click()
    expect(page.locator("#causes .row").first).to_be_attached()
    expect(page.locator("#causes .body")).not_to_contain_text("Stopped")


def test_the_headline_does_not_wait_for_the_causes(shown, posterior):
    page = shown(PARTLY)
    held = []
    later = re.compile("/api/v1/(attribute|recommend|cascade|ask-next)")
    page.route(later, lambda route: held.append(route))
    page.locator("#q-sex").select_option("male")
    answer = br.consult(posterior, PARTLY | {"sex": "male"}).to_dict()
    expect(page.locator("#headline .told")).to_have_text(answer["headline"]["text"])
    expect(page.locator("#headline")).not_to_have_attribute("aria-busy", "true")
    for route in held:
        route.continue_()
    page.unroute_all(behavior="wait")


def test_nothing_is_asked_twice(shown):
    page = shown(PARTLY)
    asked = []
    page.on("request", lambda request: asked.append((request.url, request.post_data)))
    sex = page.locator("#q-sex")
    sex.select_option("male")
    settled(page, 2)
    once = len(asked)
    assert once > 1
    sex.select_option("female")
    settled(page, 3)
    sex.select_option("male")
    settled(page, 4)
    assert [url.rpartition("/")[2] for url, _ in asked[once:]] == ["read", "read"]


# --- to look at together


def test_the_sheet_counts_people_in_both_ways(shown, posterior):
    plain = together(shown(PARTLY))
    answer = br.consult(posterior, PARTLY).to_dict()
    n, average = (round(answer[of]["hundred"]) for of in ("headline", "average"))
    for text in (f"About {n} of them have", f"About {100 - n} of them do not"):
        expect(plain).to_contain_text(text)
    expect(plain).to_contain_text(f"About {average} of them have it. About {100 - average} do not.")
    expect(plain.locator(".icons:not(.one)").first.locator(".filled")).to_have_count(n)


def test_the_sheet_counts_only_changes_that_surely_help(open_page):  # noqa: F811
    model = br.example_posterior()
    actions = br.recommend(model, PARTLY, target="pain").table
    sure = actions[(actions["low"] > 0) & (100 * actions["mean"] >= 0.5)]
    assert 0 < len(sure) < len(actions)
    with serving(create_app(model, limits=NO_LIMIT)) as address:
        page = open_page(f"{address}/#{fragment(PARTLY)}")
        settled(page)
        plain = together(page)
        expect(plain.locator(".could li")).to_have_count(len(sure))
        most = round(100 * sure["mean"].iloc[0])
        expect(plain.locator(".could li").first).to_contain_text(f"About {most} fewer of the 100")


def test_the_sheet_is_as_careful_as_the_clinicians_view(shown, posterior):
    plain = together(shown(PAINED))
    bounds = br.consult(posterior, PAINED).to_dict()["bounds"]
    low, high = (round(100 * bounds[end]) for end in ("low", "high"))
    expect(plain.locator(".caution")).to_contain_text("rests on a guess")
    expect(plain.locator(".caution")).to_contain_text(f"{low} or as many as {high}")
    expect(plain).to_contain_text("made-up answers")


@pytest.mark.parametrize("name", [slow("nothing"), "healthy", slow("partly"), "pained"])
def test_the_sheet_holds_whole_numbers_alone(shown, name):
    text = together(shown(PEOPLE[name])).inner_text()
    assert not re.search(r"\d[.,]\d|%", text)
    assert "number needed" not in text.casefold()


VOWELS = re.compile(r"[aeiouy]+")


def syllables(word):
    """Groups of vowels, but for a final e that is not heard."""
    word = word.casefold()
    silent = (
        word.endswith("e") and not word.endswith(("le", "ee")) and len(VOWELS.findall(word)) > 1
    )
    return max(len(VOWELS.findall(word)) - silent, 1)


def grade(text):
    """Flesch-Kincaid grade level (Kincaid 1975, https://apps.dtic.mil/sti/citations/ADA006655)."""
    sentences = [each for each in re.split(r"[.!?:\n]+", text) if re.search("[A-Za-z]", each)]
    words = re.findall(r"[A-Za-z]+(?:['-][A-Za-z]+)*|\d+", text)
    sounds = sum(1 if word.isdigit() else syllables(word) for word in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * sounds / len(words) - 15.59


def test_the_index_of_reading_is_as_published():
    # Counted by hand: two sentences, nine words, ten syllables.
    assert [syllables(word) for word in ("made", "people", "they", "answers")] == [1, 2, 1, 2]
    by_hand = 0.39 * 9 / 2 + 11.8 * 10 / 9 - 15.59
    assert grade("The dog ran after me. It was not bad.") == pytest.approx(by_hand)


@pytest.mark.parametrize("name", [slow("nothing"), "healthy", slow("partly"), "pained"])
def test_the_sheet_can_be_read_at_twelve(shown, name):
    """A grade is the school year: at twelve, the seventh."""
    text = together(shown(PEOPLE[name])).inner_text()
    assert grade(text) <= 7


@pytest.mark.parametrize("scheme", [slow("light"), "dark"])
@pytest.mark.parametrize("width", [slow(390), 1280])
@pytest.mark.parametrize("name", [slow("nothing"), slow("partly"), "pained"])
def test_nobody_is_shut_out_of_either_view(shown, name, width, scheme):
    page = shown(PEOPLE[name], width=width, height=900, scheme=scheme)
    for details in page.locator("#answer details:not([open]) > summary").all():
        if details.is_visible():
            details.click()
    inspect(page)
    together(page)
    inspect(page)
    assert visible(page, "form", "headline", "causes") == [False] * 3


def test_the_views_are_switched_by_keyboard(shown):
    page = shown(PARTLY)
    page.locator('input[name="view"][value="clinician"]').focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#plain")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#plain")).to_be_hidden()
    expect(page.locator("#headline")).to_be_visible()


# --- on paper


def pages(page):
    return [each.extract_text() for each in PdfReader(BytesIO(page.pdf(format="A4"))).pages]


@pytest.mark.parametrize("name", ["partly", "pained"])
def test_two_sheets_are_printed_one_for_the_person(shown, name):
    page = shown(PEOPLE[name])
    person, notes = pages(page)
    for sheet in (person, notes):
        for label in ("Name", "Clinician", "Date"):
            assert label in sheet
    assert "What your answers say" in person
    assert "Causes" not in person
    assert "How this is worked out" in notes
    method = WORDS["method"]["back" if name == "pained" else "seeing"]
    assert " ".join(method.split()[:6]) in " ".join(notes.split())
    together(page)
    [alone] = pages(page)
    assert "What your answers say" in alone
    assert "Answers" not in alone


def test_what_is_saved_and_reported_is_asked_with_the_target_chosen(shown):
    page = shown(PAINED)
    page.get_by_label("current low back pain", exact=True).check()
    settled(page, 2)
    asked = []
    page.route(
        "**/api/v1/report.pdf",
        lambda route: (
            asked.append(json.loads(route.request.post_data)),
            route.fulfill(body=b"%PDF", content_type="application/pdf"),
        ),
    )
    page.locator("#pdf").click()
    expect(page.locator("#taken")).not_to_be_empty()
    expect(page.locator("#pdf")).to_be_enabled()
    assert [each["target"] for each in asked] == ["pain"]
