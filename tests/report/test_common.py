"""What the reports share: sites, dates, targets, links."""

import json
from dataclasses import replace
from datetime import date

import pytest
from read_back import DAY, said

from backrisk.errors import QueryError
from backrisk.graph import GRADES
from backrisk.posterior import Diagnostics
from backrisk.queries import strongest_path
from backrisk.report import person_answers, render_person
from backrisk.report.blocks import Table
from backrisk.report.common import cut, drawn_from, links, sampling, stated
from backrisk.words import say


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


def test_a_date_is_one_or_is_refused():
    assert stated("2026-01-31") == stated(date(2026, 1, 31)) == "2026-01-31"
    assert stated(None) == date.today().isoformat()
    with pytest.raises(QueryError, match="31 January"):
        stated("31 January")


def test_a_table_that_is_cut_says_how_many_rows_are_left():
    table = Table("t", "", (), ((1,), (2,), (3,)))
    assert cut(table, 2).rest == say("report.common.rest", count=1, n="1")
    assert cut(table, 1).rest == say("report.common.rest", count=2, n="2")
    assert cut(table, 3).rest == ""
    assert (cut(table, 2).most, cut(table, 2).rows) == (2, table.rows)


def test_draws_are_told_in_full_or_as_a_part():
    assert drawn_from(400, 400) == say("report.common.draws", draws="400")
    assert drawn_from(400, 4000) == say("report.common.thinned", draws="400", all="4,000")


def test_sampling_is_told_by_its_worst_values(core):
    worst = {"r_hat": 1.0123, "ess_bulk": 900.0, "ess_tail": 812.4, "divergences": 2.0}
    judged = Diagnostics("nutpie", worst | {"e_bfmi": 0.456}, ("2 transitions diverged.",))
    said = sampling(replace(core, diagnostics=judged))
    for fact in ("nutpie", "1.012", "812", " 2 ", "0.46"):
        assert fact in said
    assert say("report.common.fit_good") not in said
    good = Diagnostics("nutpie", worst | {"e_bfmi": 0.456}, ())
    assert say("report.common.fit_good") in sampling(replace(core, diagnostics=good))


def test_links_are_those_of_the_strongest_paths_best_known_first(core):
    graph = core.graph
    causes = ["core_strength", "fatigue"]
    found = links(graph, causes, "pain")
    assert set(found) == {e for cause in causes for e in strongest_path(graph, cause, "pain")}
    places = [GRADES.index(edge.grade) for edge in found]
    assert places == sorted(places)
