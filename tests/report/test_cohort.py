"""A cohort's report: page and sheets hold the same numbers."""

import csv
import html
import io
from dataclasses import replace

import numpy as np
import openpyxl
import pytest
from prior_model import prior_model
from read_back import DAY, Tables

from backrisk import read_survey, report_cohort, simulate
from backrisk.report import cohort_answers, cohort_document, render
from backrisk.summary import interval
from backrisk.survey import Codebook, Survey
from backrisk.survey import Column as Asked
from backrisk.words import names_of, say


def test_asking_again_gives_the_same_file(core, people, tmp_path):
    few = core.subset(4)
    for name in ("a.html", "b.html"):
        report_cohort(few, people, tmp_path / name, date=DAY)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_cohorts_page_and_sheets_hold_the_same_numbers(documents, cohort):
    report = documents["cohort"]
    page = Tables(render(report, ".html").decode()).found
    book = openpyxl.load_workbook(io.BytesIO(render(report, ".xlsx")))
    found = cohort.causes[0]
    best = max(found.causes, key=lambda cause: found.fraction(cause)[0].mean())
    draws = found.fraction(best)[0]
    shown = next(row for row in page[f"paf_{found.level}"] if row)[0]
    assert shown["mean"] == draws.mean()
    assert (shown["low"], shown["high"]) == interval(draws)
    sheet = book[f"paf_{found.level}"]
    digits = 1e-15  # a workbook holds 16
    held = [cell.value for cell in sheet[2][1:4]]
    assert held == pytest.approx(list(shown.values()), rel=digits)
    assert sheet["B2"].number_format == "0.0%"
    assert book["people"]["B2"].value == pytest.approx(cohort.risk[0][cohort.rows[0]], rel=digits)
    assert book["scores"]["B2"].value == pytest.approx(cohort.agreement.brier, rel=digits)
    rows = list(csv.DictReader(io.StringIO(render(report, ".csv").decode())))
    (mean,) = [
        float(row["value"])
        for row in rows
        if (row["table"], row["row"], row["column"], row["part"])
        == (f"paf_{found.level}", "1", "paf", "mean")
    ]
    assert mean == draws.mean()


def page_of(answers):
    return render(cohort_document(answers, DAY), ".html").decode()


def test_sites_that_the_model_does_not_know_are_named(wide):
    frame = simulate(wide.graph, 30, seed=9).assign(site=["Oslo", "Bergen", "Hamar"] * 10)
    columns = {name: Asked(node=name) for name in frame if name != "site"}
    book = Codebook(name="own", graph=wide.graph.name, columns=columns, site="site")
    book = book.resolved(wide.graph)
    page = page_of(cohort_answers(wide, Survey.from_frame(frame, wide.graph, book), draws=5))
    assert say("report.common.site_each") in page
    assert say("report.common.site_unknown", sites="Hamar") in page
    known = cohort_answers(wide, Survey.from_frame(frame.head(2), wide.graph, book), draws=5)
    assert "Hamar" not in page_of(known)
    assert say("report.common.site_each") in page_of(known)


def test_people_counted_by_an_engine_have_no_sheet(core, tmp_path):
    simulate(core.graph, 40, seed=6).to_csv(tmp_path / "c.csv", index=False)
    counted = read_survey(tmp_path / "c.csv", core.graph, engine="duckdb")
    book = render(cohort_document(cohort_answers(core.subset(5), counted), DAY), ".xlsx")
    assert "people" not in openpyxl.load_workbook(io.BytesIO(book)).sheetnames


def test_agreement_with_the_people_of_the_fit_is_called_in_sample(core, people, cohort):
    meta = {"people": people.n, "answered": people.answered.to_dict()}
    own = cohort_answers(replace(core, meta=meta).subset(3), people)
    assert "in-sample" in page_of(own)
    assert "in-sample" not in page_of(cohort)


def test_bands_hold_everyone_once(cohort):
    (bands,) = [table for table in cohort_document(cohort, DAY).tables if table.name == "bands"]
    risk, average = cohort.risk[0], cohort.average[0].mean()
    ends = [0, *(average * m for m in (0.5, 1, 1.5, 2, 3)), np.inf]
    for row, low, high in zip(bands.rows, ends[:-1], ends[1:], strict=True):
        inside = (risk >= low) & (risk < high)
        assert row[1] == cohort.people[inside].sum()
        assert row[2] == pytest.approx(cohort.weights[inside].sum() / cohort.weights.sum())
    assert sum(row[1] for row in bands.rows) == cohort.people.sum()


def test_groups_show_their_largest_falls_in_order(cohort):
    tables = {table.name: table for table in cohort_document(cohort, DAY).tables}
    first = cohort.causes[0]
    each = len(first.causes)
    assert len(tables["falls"].rows) == each * len(cohort.groups)
    for place in range(len(cohort.groups)):
        rows = tables["falls"].rows[each * place : each * (place + 1)]
        means = [row[3].mean for row in rows]
        assert means == sorted(means, reverse=True)
        assert sum(row[5] for row in rows) == pytest.approx(1.0)
        assert tables["groups"].rows[place][5] == rows[0][2]
        assert tables["groups"].rows[place][6] == rows[0][5]
    shown = tables["falls_shown"].rows
    assert [bool(row[0]) for row in shown[:3]] == [True, False, False]


def test_actions_are_told_by_a_thousand_people(cohort):
    (actions,) = [table for table in cohort_document(cohort, DAY).tables if table.name == "actions"]
    first, names = cohort.causes[0], names_of(cohort.posterior.graph)
    by = {names.pair(c, cohort.posterior.graph.node(c).reference): c for c in first.causes}
    *single, together = actions.rows
    for row in single:
        cause = by[row[0]]
        assert row[1].mean == first.after[cause][0].mean()
        assert row[2].mean == pytest.approx(1000 * first.fall(cause)[0].mean())
    assert [row[2].mean for row in single] == sorted((r[2].mean for r in single), reverse=True)
    assert together[2].mean == pytest.approx(1000 * first.fall("actions")[0].mean())


def test_what_is_missing_is_counted(cohort, people):
    (missing,) = [table for table in cohort_document(cohort, DAY).tables if table.name == "missing"]
    names = names_of(people.graph)
    answered = people.answered
    assert [row[2] for row in missing.rows] == sorted(row[2] for row in missing.rows)
    for name, share in answered.items():
        (row,) = [row for row in missing.rows if row[0] == names.node(str(name))]
        column = people.codes[:, people.graph.names.index(name)]
        assert row[3] == (column < 0).sum()
        assert row[2] == share
    seen = people.codes[:, [people.graph.names.index(n) for n, s in answered.items() if s > 0]]
    complete = int((seen >= 0).all(axis=1).sum())
    assert missing.note == say("report.cohort.missing_note", complete=str(complete))


def test_a_cohort_without_outcomes_is_not_judged(core):
    frame = simulate(core.graph, 12, seed=3).drop(columns="pain")
    page = page_of(cohort_answers(core.subset(3), Survey.from_frame(frame, core.graph)))
    assert html.escape(say("report.cohort.no_outcome")).replace("&#x27;", "&#39;") in page
    assert 'id="scores"' not in page


def test_the_dictionary_reads_a_codebook_as_people_do():
    runner = prior_model(2)
    frame = simulate(runner.graph, 6, seed=2, codebook=runner.codebook)
    survey = Survey.from_frame(frame, runner.graph, runner.codebook)
    document = cohort_document(cohort_answers(runner, survey), DAY)
    (table,) = [table for table in document.tables if table.name == "dictionary"]
    rows = {row[0]: row for row in table.rows}
    plank = runner.codebook.columns["plank_seconds"]
    assert rows["plank_seconds"][3] == plank.unit
    for cut in plank.cuts:
        assert f"{cut:g}" in rows["plank_seconds"][4]
    assert set(rows) == {*runner.codebook.columns, *runner.codebook.derived}


def test_where_a_fraction_of_cases_is_told_it_is_said_that_fractions_overlap(documents):
    summary = documents["cohort"].sections[0].blocks[-1]
    assert "Fractions of causes overlap and do not add up." in " ".join(summary.paragraphs)
