"""Reports in another language: every sentence, name and number is of it."""

import io
import re
import string

import openpyxl
import pytest
import yaml
from read_back import DAY, text_of

from backrisk import model_card
from backrisk.report import cohort_document, render, render_person
from backrisk.words import ENGLISH, language, speaking

ACCENTS = str.maketrans("aeiouAEIOU", "àéîöüÀÉÎÖÜ")
LONG = 15  # letters of a part of a sentence that is told from what a graph or an answer says
REPORT = language(ENGLISH).file("report")


def accented(held):
    """Return sentences whose vowels carry accents and that are 40 % longer; {places} stay."""
    if isinstance(held, dict):
        return {key: accented(value) for key, value in held.items()}
    if isinstance(held, list):
        return [accented(value) for value in held]
    if not isinstance(held, str) or not re.search("[a-z]{2}", re.sub(r"\{.*?\}", "", held)):
        return held
    said, longer = "", 0.0
    for text, place, _, _ in string.Formatter().parse(held):
        said += text.translate(ACCENTS) + (f"{{{place}}}" if place is not None else "")
        longer += 0.4 * len(text)
    return said + (" ~~~" * (round(longer) // 3) or "~")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder of sentences: the English ones with accents, decimals with a comma."""
    place = tmp_path_factory.mktemp("language") / "xx"
    place.mkdir()
    for file in ("phrases", "report", "names", "queries", "posterior", "survey", "fitting"):
        held = accented(language(ENGLISH).file(file))
        if file == "phrases":
            held |= {"decimal_mark": ",", "thousands_mark": " ", "percent": "{number}%"}
        if file == "report":
            items = REPORT["card"]["items"]
            for own, english in zip(held["card"]["items"], items, strict=True):
                own["number"] = english["number"]
                own |= {key: english[key] for key in ("unless",) if key in english}
        (place / f"{file}.yaml").write_text(
            yaml.safe_dump(held, allow_unicode=True), encoding="utf-8"
        )
    return place


def sentences(held):
    """Yield the parts of sentences that stand between places."""
    if isinstance(held, dict):
        for value in held.values():
            yield from sentences(value)
    elif isinstance(held, list):
        for value in held:
            yield from sentences(value)
    elif isinstance(held, str):
        for text, *_ in string.Formatter().parse(held):
            if len(text.strip()) >= LONG and re.search("[aeiou]", text):
                yield " ".join(text.split())


PLAIN = list(sentences(REPORT))


def demand_foreign(text):
    text = " ".join(text.split())
    plain = [said for said in PLAIN if said in text]
    assert not plain, plain


def test_a_persons_report(hurting, folder):
    page = render_person(hurting, ".html", date=DAY, lang=folder).decode()
    demand_foreign(page)
    assert '<html lang="xx">' in page
    shown = re.findall(r"<td[^>]*data-mean[^>]*>([^<]+)<", page)
    assert shown
    assert not any("." in cell for cell in shown)
    assert re.search(r"<strong>\d[^<]*%</strong>", page)
    demand_foreign(" ".join(text_of(render_person(hurting, date=DAY, lang=folder))))


def test_a_cohorts_report(cohort, folder):
    with speaking(folder):
        document = cohort_document(cohort, DAY)
    # The language stays with the document, whatever is spoken when it is rendered.
    demand_foreign(render(document, ".html").decode())
    book = openpyxl.load_workbook(io.BytesIO(render(document, ".xlsx")))
    told = " | ".join(
        str(cell.value) for sheet in book for row in sheet.rows for cell in row if cell.value
    )
    demand_foreign(told)
    assert book.sheetnames[0] == "Nötés~"
    rows = render(document, ".csv").decode().splitlines()
    assert rows[0] == "table,row,column,part,value"  # for machines, in every language


def test_a_card(runner, folder, tmp_path):
    out = model_card(runner.subset(4), tmp_path / "c.md", date=DAY, lang=folder)
    demand_foreign(out.read_text(encoding="utf-8").replace("\\", ""))


def test_a_language_is_left_when_a_report_is_done(hurting, folder):
    before = render_person(hurting, ".html", date=DAY)
    render_person(hurting, ".html", date=DAY, lang=folder)
    assert render_person(hurting, ".html", date=DAY) == before
    assert render_person(hurting, ".html", date=DAY, lang=ENGLISH) == before
