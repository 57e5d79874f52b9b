"""What the reports share: sites, dates, targets, links."""

import json

import pytest
from read_back import DAY, said

from backrisk.report import person_answers, render_person


@pytest.mark.parametrize(
    ("site", "words"),
    [
        ("Oslo", "For the site &#39;Oslo&#39;."),
        ("new", "For a site that was not in the survey."),
        (None, "For the average of the 2 sites in the survey."),
    ],
)
def test_a_report_from_the_shell_is_of_the_site_asked_for(wide, tmp_path, site, words):
    person = {"fatigue": "high"}
    model = wide.save(tmp_path / "m.nc")
    (tmp_path / "p.json").write_text(json.dumps(person))
    out = tmp_path / "r.html"
    at = ["--site", site] if site else []
    asked = ["report", model, "--person", tmp_path / "p.json", "--out", out, "--date", DAY, *at]
    code, text = said(*asked)
    assert code == 0, text
    page = out.read_text()
    assert words in page
    assert page.encode() == render_person(
        person_answers(wide.at_site(site), person), ".html", date=DAY
    )


def test_a_site_that_is_not_known_is_one_sentence(wide, core, tmp_path):
    (tmp_path / "p.json").write_text("{}")
    for name, model, words in (
        ("w.nc", wide, "did you mean 'Oslo'"),
        ("c.nc", core, "has no sites"),
    ):
        place = model.save(tmp_path / name)
        out = tmp_path / "r.pdf"
        code, text = said(
            "report", place, "--person", tmp_path / "p.json", "--out", out, "--site", "Olso"
        )
        assert code == 2
        assert words in text
        assert not out.exists()


def test_a_model_without_sites_speaks_of_none(documents):
    for document in documents.values():
        assert "site" not in " ".join(document.marks)
