"""Files: the same bytes for the same report, nothing fetched, nothing read as a command."""

import csv
import io
import re
from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest
from read_back import DAY, HOSTILE, Tables, text_of

from backrisk import (
    BackriskError,
    CausalGraph,
    Posterior,
    report_cohort,
    report_person,
)
from backrisk.report import render
from backrisk.report.blocks import Heading, Report, Section, Table, Text
from backrisk.summary import Estimate
from backrisk.survey import Survey
from backrisk.words import language


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        ("person", ".html"),
        ("person", ".pdf"),
        ("cohort", ".html"),
        ("cohort", ".pdf"),
        ("cohort", ".xlsx"),
        ("cohort", ".csv"),
    ],
)
def test_the_same_input_gives_the_same_bytes_apart_from_the_date(documents, kind, suffix):
    report = documents[kind]
    assert render(report, suffix) == render(report, suffix)
    other = render(replace(report, date="2027-03-04"), suffix)
    assert other != render(report, suffix)
    if suffix in (".html", ".csv"):
        assert other.replace(b"2027-03-04", DAY.encode()) == render(report, suffix)
    if suffix == ".pdf":
        told = [page.replace("2027-03-04", DAY) for page in text_of(other)]
        assert told == text_of(render(report, suffix))


@pytest.mark.parametrize("kind", ["person", "cohort"])
def test_html_fetches_nothing(documents, kind):
    page = render(documents[kind], ".html").decode()
    assert Tables(page).outside == []
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    assert not re.search(r"url\(|@import|<script|<link|<iframe", page)
    assert "default-src 'none'" in page


def hostile_report():
    rows = tuple((text, Estimate(0.1, 0.0, 0.2), "\t=1+1") for text in HOSTILE)
    columns = (
        Heading("a", "+a", wide=1),
        Heading("b", "b", "share", strip=True),
        Heading("c", "c"),
    )
    blocks = (Table("t", HOSTILE[1], columns, rows), Text(HOSTILE), Text(HOSTILE, bullets=True))
    return Report(
        kind="cohort",
        title=HOSTILE[0],
        date=DAY,
        language=language("en"),
        foot="-foot \x07\ud800",
        lead=HOSTILE,
        marks=HOSTILE,
        warnings=HOSTILE,
        sections=(Section(HOSTILE[0], blocks),),
    )


def test_no_text_is_a_command_in_any_format():
    report = hostile_report()
    page = render(report, ".html").decode()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    (shown,) = text_of(render(report, ".pdf"))
    for text in HOSTILE:
        assert text in shown
    card = render(replace(report, kind="card"), ".md").decode()
    assert "\\<script\\>" in card
    book = openpyxl.load_workbook(io.BytesIO(render(report, ".xlsx")))
    cells = [
        c.value for sheet in book for row in sheet.rows for c in row if isinstance(c.value, str)
    ]
    written = [
        cell for row in csv.reader(io.StringIO(render(report, ".csv").decode())) for cell in row
    ]
    assert "'=cmd|' /C calc'!A1" in cells
    assert "'@SUM(1)" in written
    assert "'\t=1+1" in cells
    for cell in (*cells, *written):
        assert not re.match(r"\s*[=+\-@]", cell)


def test_hostile_labels_of_a_graph_reach_no_format(tmp_path):
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["ok", *HOSTILE], "y": ["no", "yes"]})
    rng = np.random.default_rng(1)
    cpts = {"x": rng.dirichlet(np.ones(5), 3), "y": rng.dirichlet(np.ones(2), (3, 5))}
    posterior = Posterior.from_cpts(graph, cpts)
    frame = pd.DataFrame({"x": ["ok", *HOSTILE], "y": ["no", "yes", "no", "yes", "no"]})
    survey = Survey.from_frame(frame, graph)
    for suffix in (".html", ".xlsx", ".pdf"):
        report_cohort(posterior, survey, tmp_path / f"c{suffix}", groups=["x"], date=DAY)
    assert "<script" not in (tmp_path / "c.html").read_text()
    assert HOSTILE[1] in " ".join(text_of((tmp_path / "c.pdf").read_bytes()))
    for suffix in (".html", ".pdf"):
        report_person(posterior, {"x": HOSTILE[0], "y": "yes"}, tmp_path / f"p{suffix}", date=DAY)
    assert "<script" not in (tmp_path / "p.html").read_text()


def test_a_file_that_cannot_be_replaced_stays(core, tmp_path):
    (tmp_path / "r.pdf").mkdir()
    with pytest.raises(BackriskError, match="it is a folder"):
        report_person(core, {}, tmp_path / "r.pdf")
    kept = tmp_path / "r.html"
    kept.write_text("kept")
    with pytest.raises(BackriskError):
        report_person(core, {"fatige": "high"}, kept)
    assert kept.read_text() == "kept"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.html", "r.pdf"]
