"""Reports: their numbers are the answers', their bytes repeat, and nothing in them is a command."""

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import openpyxl
import pandas as pd
import pypdf
import pytest
from example_reports import FILES, FOLDER, MANIFEST, digest, inputs
from typer.testing import CliRunner

from backrisk import (
    BackriskError,
    CausalGraph,
    Posterior,
    ask_next,
    attribute,
    intervene,
    load_codebook,
    load_graph,
    model_card,
    read_survey,
    recommend,
    report_cohort,
    report_person,
    risk,
    risks,
    simulate,
)
from backrisk.cli import app
from backrisk.graph import Layout
from backrisk.posterior import Diagnostics, SiteEffects
from backrisk.queries import named
from backrisk.report import (
    cohort_answers,
    cohort_document,
    person_answers,
    person_document,
    read_words,
    render,
    render_person,
)
from backrisk.report.agreement import agreement, jeffreys
from backrisk.report.blocks import Column, Estimate, Report, Section, Table, Text
from backrisk.summary import interval
from backrisk.survey import Codebook, Survey
from backrisk.survey import Column as Asked

DAY = "2026-01-02"
HURTING = {"age_years": 44, "sex": "female", "plank_seconds": 35, "strength_sessions": 0} | {
    "sleep_hours": 6,
    "back_pain_episodes": 2,
    "pain": "limiting",
}
HOSTILE = ("<script>alert(1)</script>", '#panic("x") *b* $x$ `y`', "=cmd|' /C calc'!A1", "@SUM(1)")
run = CliRunner()


def prior_posterior(graph, draws, **rest):
    """A posterior of prior draws, with another few of the prior beside it: no fit."""
    rng = np.random.default_rng(7)
    layout = Layout(graph)
    own, prior = layout.draw_prior(draws, rng), layout.draw_prior(draws, rng)
    return Posterior(graph, *own, prior_fractions=prior[0], prior_beta=prior[1], **rest)


@pytest.fixture(scope="module")
def runner():
    book = load_codebook("runner")
    meta = {"synthetic": True, "survey": book.title, "people": 2000, "answered": {}}
    return prior_posterior(book.extend(load_graph("runner")), 40, codebook=book, meta=meta)


@pytest.fixture(scope="module")
def core():
    return prior_posterior(load_graph("runner_core"), 50)


@pytest.fixture(scope="module")
def people(core):
    """60 synthetic runners, some answers missing, with and without pain."""
    frame = simulate(core.graph, 60, seed=5).drop(columns="lumbar_load")
    rng = np.random.default_rng(2)
    return Survey.from_frame(frame.mask(rng.random(frame.shape) < 0.15), core.graph)


@pytest.fixture(scope="module")
def hurting(runner):
    return person_answers(runner, HURTING)


@pytest.fixture(scope="module")
def cohort(core, people):
    return cohort_answers(core, people, draws=None)


@pytest.fixture(scope="module")
def documents(hurting, cohort):
    return {
        "person": person_document(hurting, read_words(), DAY),
        "cohort": cohort_document(cohort, read_words(), DAY),
    }


class Tables(HTMLParser):
    """The data of every cell by the table's id, row by row."""

    def __init__(self, page):
        super().__init__()
        self.found, self.outside = {}, []
        self._at = None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        """Keep the numbers of cells, and every address."""
        values = dict(attributes)
        self.outside += [values[k] for k in ("src", "href", "action", "data") if k in values]
        if tag == "figure" and values.get("class") == "table":
            self._at = self.found.setdefault(values["id"], [])
        elif tag == "tr" and self._at is not None:
            self._at.append([])
        elif tag == "td" and self._at:
            numbers = {k[5:]: float(v) for k, v in values.items() if k.startswith("data-")}
            if numbers:
                self._at[-1].append(numbers)


def triple(row):
    return {name: row[name] for name in ("mean", "low", "high")}


def text_of(pdf):
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return [" ".join(page.extract_text().split()) for page in pages]


# --- one person --------------------------------------------------------------------------------


def test_a_persons_page_shows_the_answers_exactly(runner, hurting):
    page = Tables(render_person(hurting, ".html", date=DAY).decode()).found
    before = {k: v for k, v in HURTING.items() if k != "pain"}
    shares = attribute(runner, before, method="shapley", level="distal").table
    needed = attribute(runner, HURTING, method="necessity", target="pain>=limiting").table
    actions, questions = recommend(runner, HURTING).table, ask_next(runner, HURTING).table
    for name, table in (("shares", shares), ("needed", needed), ("actions", actions)):
        rows = [row for row in page[name] if row]
        assert len(rows) >= 4
        for shown, (_, row) in zip(rows, table.iterrows(), strict=False):
            assert shown[0] == triple(row)
            assert shown[-1] == {"value": row["data_support"]}
    limits = [row[1] for row in page["needed"] if row]
    assert limits[0] == {
        "low": needed["lower_bound"].iloc[0],
        "high": needed["upper_bound"].iloc[0],
    }
    told = [row for row in page["questions"] if row]
    assert [row[0]["value"] for row in told] == questions["share"].head(len(told)).tolist()
    assert hurting.risk.draws.tolist() == risk(runner, before).draws.tolist()


def test_a_persons_pdf_is_a_page_for_the_runner_and_a_page_of_notes(hurting):
    pdf = render_person(hurting, date=DAY)
    first, second = text_of(pdf)
    own, average = hurting.risk.draws.mean(), hurting.risk.average.mean()
    assert f"about {100 * own:.0f} would report low back pain" in first
    assert f"about {100 * average:.0f}" in first
    assert "weak (35 s)" in first
    assert "Decision support, not a diagnosis." in first
    assert "Synthetic" in first
    assert "Needed for low back pain (limiting)" in second
    assert "10.1136/bjsports-2020-102537" in second  # the strongest link's citation
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    fonts = {str(f["/BaseFont"]) for page in reader.pages for f in fonts_of(page)}
    assert fonts
    assert all("LibertinusSerif" in name for name in fonts)
    assert reader.metadata.creation_date.date().isoformat() == DAY


def fonts_of(page):
    return [font.get_object() for font in page["/Resources"]["/Font"].values()]


def test_everything_answered_still_fits_two_pages(runner):
    rng = np.random.default_rng(3)
    whole = {n.name: n.states[int(rng.integers(len(n.states)))] for n in runner.graph.nodes}
    pages = text_of(render_person(person_answers(runner.subset(5), whole), date=DAY))
    assert len(pages) == 2
    assert "Sources of the links used" in pages[1]


def test_without_pain_necessity_is_not_asked(runner):
    answers = person_answers(runner.subset(5), {"plank_seconds": 35})
    assert answers.needed is None
    assert "here it is not" in render_person(answers, ".html", date=DAY).decode()
    nobody = person_answers(runner.subset(5), {})
    assert "average person" in render_person(nobody, ".html", date=DAY).decode()


def test_a_bad_fit_is_said_on_the_first_page(core):
    judged = Diagnostics("nutpie", {}, ("12 transitions diverged.",))
    bad = replace(core.subset(3), diagnostics=judged)
    pages = text_of(render_person(person_answers(bad, {"fatigue": "high"}), date=DAY))
    assert "The fit of this model was not good: 12 transitions diverged." in pages[0]


# --- a cohort ----------------------------------------------------------------------------------


def people_of(survey):
    graph = survey.graph
    return [
        named(graph, {graph.names[i]: int(c) for i, c in enumerate(row) if c >= 0})
        for row in survey.codes
    ]


def test_risks_of_people_and_groups_are_those_of_each_asked_alone(core, people, cohort):
    told = [{k: v for k, v in who.items() if k != "pain"} for who in people_of(people)]
    draws = risks(core, told)
    np.testing.assert_allclose(cohort.risk[0][cohort.rows], draws.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(
        cohort.risk[2][cohort.rows], np.quantile(draws, 0.95, axis=0), rtol=1e-12
    )
    np.testing.assert_allclose(cohort.average[0], draws.mean(axis=1), rtol=1e-12)
    for place, group in enumerate(cohort.groups):
        inside = [
            i for i, who in enumerate(told) if not group.node or who.get(group.node) == group.level
        ]
        np.testing.assert_allclose(cohort.average[place], draws[:, inside].mean(axis=1), rtol=1e-12)


def test_attributable_fractions_are_one_minus_the_ratio_of_averaged_risks(core, people, cohort):
    graph = core.graph
    for found in cohort.causes:
        changed = set().union(*(graph.descendants(cause) for cause in found.causes))
        contexts = [{k: v for k, v in who.items() if k not in changed} for who in people_of(people)]
        before = np.mean([risk(core, who).draws for who in contexts], axis=0)
        for cause in found.causes:
            do = {cause: graph.node(cause).reference}
            after = np.mean([intervene(core, who, do).draws for who in contexts], axis=0)
            np.testing.assert_allclose(found.fraction(cause)[0], 1 - after / before, atol=1e-12)
        everything = {cause: graph.node(cause).reference for cause in found.causes}
        after = np.mean([intervene(core, who, everything).draws for who in contexts], axis=0)
        np.testing.assert_allclose(found.fall("all")[0], before - after, atol=1e-12)


# --- sites -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wide(core):
    """The core model as if fitted on two sites, whose intercepts differ."""
    rng = np.random.default_rng(3)
    scale = np.abs(rng.normal(0, 0.5, (core.draws, len(core.layout.pooled))))
    shift = scale[:, None] * np.array([1.0, -1.0])[:, None]
    return replace(core, sites=SiteEffects(("Oslo", "Bergen"), shift, scale))


def test_each_person_of_a_cohort_is_asked_about_at_their_own_site(wide):
    frame = simulate(wide.graph, 30, seed=9).assign(site=["Oslo", "Bergen", "Hamar"] * 10)
    columns = {name: Asked(node=name) for name in frame if name != "site"}
    book = Codebook(name="own", graph=wide.graph.name, columns=columns, site="site")
    survey = Survey.from_frame(frame, wide.graph, book.resolved(wide.graph))
    found = cohort_answers(wide, survey, draws=None)
    places = ["Oslo", "Bergen", "average"] * 10
    told = [{k: v for k, v in who.items() if k != "pain"} for who in people_of(survey)]
    own = [
        risk(wide.at_site(place), who).draws.mean() for place, who in zip(places, told, strict=True)
    ]
    np.testing.assert_allclose(found.risk[0][found.rows], own, rtol=1e-12)
    page = render(cohort_document(found, read_words(), DAY), ".html").decode()
    assert "Each person is asked about at their own site." in page
    assert "takes the average for them: Hamar." in page
    known = Survey.from_frame(frame.head(2), wide.graph, book.resolved(wide.graph))
    known = cohort_answers(wide, known, draws=5)
    assert (
        "takes the average"
        not in render(cohort_document(known, read_words(), DAY), ".html").decode()
    )


@pytest.mark.parametrize(
    ("site", "words"),
    [
        ("Oslo", "Asked for the site &#39;Oslo&#39;."),
        ("new", "Asked for a site that was not in the survey."),
        (None, "Asked for the average over the 2 sites of the survey."),
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
        ("c.nc", core, "knows no sites"),
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


def test_weights_count_people(core):
    frame = simulate(core.graph, 20, seed=9)
    once = Survey.from_frame(frame.assign(weight=[2.0] + [1.0] * 19), core.graph)
    twice = Survey.from_frame(pd.concat([frame, frame.head(1)], ignore_index=True), core.graph)
    one, two = (cohort_answers(core.subset(5), each) for each in (once, twice))
    np.testing.assert_allclose(one.average[0], two.average[0], rtol=1e-12)
    np.testing.assert_allclose(
        one.causes[0].fraction("all")[0], two.causes[0].fraction("all")[0], rtol=1e-12
    )


def test_people_counted_by_an_engine_give_the_same_cohort(core, tmp_path):
    simulate(core.graph, 40, seed=6).to_csv(tmp_path / "c.csv", index=False)
    few = core.subset(5)
    ours, theirs = (
        cohort_answers(few, read_survey(tmp_path / "c.csv", core.graph, engine=engine))
        for engine in ("pandas", "duckdb")
    )
    np.testing.assert_allclose(ours.average, theirs.average, rtol=1e-12)
    assert ours.agreement.brier == pytest.approx(theirs.agreement.brier, rel=1e-12)
    # Nobody is told apart, so there is no sheet of people.
    book = render(cohort_document(theirs, read_words(), DAY), ".xlsx")
    assert "people" not in openpyxl.load_workbook(io.BytesIO(book)).sheetnames


def test_scores_come_from_their_definitions(people, cohort):
    risk_each = cohort.risk[0][cohort.rows]
    pain = people.codes[:, people.graph.names.index("pain")]
    p, y = risk_each[pain >= 0], (pain[pain >= 0] > 0).astype(float)
    found = cohort.agreement
    assert found.people == len(y)
    assert found.cases == y.sum()
    assert sum(found.sizes) == len(y)
    assert found.brier == pytest.approx(np.mean((p - y) ** 2), rel=1e-12)
    assert found.brier_reference == pytest.approx(y.mean() * (1 - y.mean()), rel=1e-12)
    assert found.ratio.mean == pytest.approx(y.sum() / p.sum(), rel=1e-12)
    pairs = np.sign(p[y == 1][:, None] - p[y == 0][None])
    assert found.concordance.mean == pytest.approx((pairs.mean() + 1) / 2, rel=1e-12)
    weighed = np.dot(found.predicted, found.sizes) / len(y)
    assert weighed == pytest.approx(p.mean(), rel=1e-12)


def test_agreement_at_its_ends():
    ones = np.ones(4, np.int64)
    assert agreement(np.full(4, 0.3), np.full(4, -1, np.int8), ones) is None
    same = agreement(np.full(4, 0.5), np.array([0, 1, 0, 1], np.int8), ones)
    assert same.sizes == (4,)  # equal risks are one group
    assert same.concordance.mean == 0.5
    assert agreement(np.full(4, 0.5), np.zeros(4, np.int8), ones).concordance is None
    sharp = agreement(np.array([0.0, 1.0]), np.array([0, 1], np.int8), ones[:2])
    assert sharp.brier == 0.0
    # Brown, Cai and DasGupta 2001: no events, or only events, reach the end.
    assert (jeffreys(0, 20).low, jeffreys(20, 20).high) == (0.0, 1.0)


def test_the_people_of_the_fit_are_recognised(core, people):
    meta = {"people": people.n, "answered": people.answered.to_dict()}
    own = cohort_answers(replace(core, meta=meta).subset(3), people)
    other = cohort_answers(replace(core, meta=meta | {"people": people.n + 1}).subset(3), people)
    assert own.in_sample
    assert not other.in_sample
    page = render(cohort_document(own, read_words(), DAY), ".html").decode()
    assert "in-sample" in page


# --- formats -----------------------------------------------------------------------------------


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


def test_asking_again_gives_the_same_file(core, people, tmp_path):
    few = core.subset(4)
    for name in ("a.html", "b.html"):
        report_cohort(few, people, tmp_path / name, date=DAY)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


@pytest.mark.parametrize("kind", ["person", "cohort"])
def test_html_fetches_nothing(documents, kind):
    page = render(documents[kind], ".html").decode()
    assert Tables(page).outside == []
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    assert not re.search(r"url\(|@import|<script|<link|<iframe", page)
    assert "default-src 'none'" in page


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


def test_a_workbook_is_laid_out_for_reading(documents):
    book = openpyxl.load_workbook(io.BytesIO(render(documents["cohort"], ".xlsx")))
    assert book.sheetnames[0] == "Notes"
    assert book.properties.created.date().isoformat() == DAY
    assert book.properties.modified.date().isoformat() == DAY
    for sheet in book.worksheets[1:]:
        assert sheet.freeze_panes == "B2"
        assert sheet.auto_filter.ref
        assert all(12 <= d.width <= 73 for d in sheet.column_dimensions.values())
        assert all(sheet.cell(1, c).font.bold for c in range(1, sheet.max_column + 1))
    notes = {str(cell.value) for row in book["Notes"].rows for cell in row}
    assert "Decision support, not a diagnosis." in notes


def hostile_report():
    rows = tuple((text, Estimate(0.1, 0.0, 0.2), "\t=1+1") for text in HOSTILE)
    columns = (Column("a", "+a", wide=1), Column("b", "b", "share", strip=True), Column("c", "c"))
    blocks = (Table("t", HOSTILE[1], columns, rows), Text(HOSTILE), Text(HOSTILE, bullets=True))
    return Report(
        kind="cohort",
        title=HOSTILE[0],
        date=DAY,
        language="en",
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


# --- the card ----------------------------------------------------------------------------------


def test_the_card_has_27_items_and_leaves_open_what_it_cannot_fill(core, people, tmp_path):
    card = model_card(core, tmp_path / "card.md", date=DAY).read_text()
    numbers = [int(n) for n in re.findall(r"^### (\d+)\. ", card, re.MULTILINE)]
    assert numbers == list(range(1, 28))
    assert "To be filled in by the model's owner: which board approved the study" in card
    assert "Not computed" in card
    judged = model_card(core, tmp_path / "judged.md", survey=people, date=DAY).read_text()
    brier = cohort_answers(core, people, draws=None).agreement.brier
    assert f"Brier score {brier:.3f}" in judged


def test_a_synthetic_model_needs_no_ethics_and_an_owner_fills_the_rest(runner, tmp_path):
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "strings.yaml").write_text('card: {owner: {"19": "Two runners read every draft."}}')
    few = runner.subset(5)
    card = model_card(few, tmp_path / "c.md", date=DAY, templates=folder).read_text()
    assert "since the data are simulated" in card
    assert "board approved" not in card
    assert "Two runners read every draft." in card
    assert "how runners and patients took part" not in card
    pages = text_of(model_card(few, tmp_path / "c.pdf", date=DAY).read_bytes())
    assert "27. Use in practice" in " ".join(pages)
    (folder / "strings.yaml").write_text('card: {owner: {"28": "x"}}')
    with pytest.raises(BackriskError, match="has no item '28'"):
        model_card(few, tmp_path / "d.md", templates=folder)


# --- templates of one's own --------------------------------------------------------------------


def test_a_folder_replaces_language_logo_and_templates(hurting, tmp_path):
    (tmp_path / "strings.yaml").write_text(
        "language: de\nperson: {title: Rückenschmerz beim Laufen}\nnodes: {age: Alter}\n",
        encoding="utf-8",
    )
    (tmp_path / "logo.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0H9V9Z"/></svg>'
    )
    page = render_person(hurting, ".html", date=DAY, templates=tmp_path).decode()
    assert '<html lang="de">' in page
    assert "<h1>Rückenschmerz beim Laufen</h1>" in page
    assert "<dt>Alter</dt>" in page
    assert Tables(page).outside[0].startswith("data:image/svg+xml;base64,")
    assert "Rückenschmerz" in text_of(render_person(hurting, date=DAY, templates=tmp_path))[0]
    (tmp_path / "report.html.j2").write_text("{{ title }}: {{ pages | length }}")
    page = render_person(hurting, ".html", date=DAY, templates=tmp_path).decode()
    assert page == "Rückenschmerz beim Laufen: 2"


@pytest.mark.parametrize(
    ("name", "content", "suffix", "words"),
    [
        ("strings.yaml", "persn: {}", ".html", "'persn', which no report uses"),
        ("strings.yaml", "person: {titel: x}", ".html", "'person.titel'"),
        ("strings.yaml", "person: x", ".html", "expected a mapping, found a sentence"),
        ("strings.yaml", "a: [", ".html", "not valid YAML"),
        ("strings.yaml", "person: {title: '{who}'}", ".html", "cannot be filled"),
        ("report.html.j2", "{{ nothing }}", ".html", "cannot be filled in"),
        ("report.html.j2", "{% if %}", ".html", "line 1 cannot be filled in"),
        ("report.typ", "#nothing", ".pdf", "cannot be laid out"),
    ],
)
def test_a_mistake_in_a_template_is_one_sentence(hurting, tmp_path, name, content, suffix, words):
    (tmp_path / name).write_text(content)
    with pytest.raises(BackriskError, match=re.escape(words)):
        render_person(hurting, suffix, date=DAY, templates=tmp_path)


# --- the command -------------------------------------------------------------------------------


def said(*arguments):
    result = run.invoke(app, [str(a) for a in arguments])
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture(scope="module")
def files(core, people, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    core.subset(6).save(folder / "m.nc")
    (folder / "p.json").write_text('{"fatigue": "high", "pain": "limiting"}')
    (folder / "typo.json").write_text('{"fatige": "high"}')
    (folder / "broken.json").write_text("{")
    frame = simulate(core.graph, 20, seed=4)
    frame.to_csv(folder / "c.csv", index=False)
    frame.assign(fatigue="2026-01-31").to_csv(folder / "dates.csv", index=False)
    return folder


@pytest.mark.parametrize(
    ("arguments", "out"),
    [
        (["--person", "p.json"], "r.html"),
        (["--person", "p.json"], "r.pdf"),
        (["--cohort", "c.csv"], "r.xlsx"),
        (["--cohort", "c.csv"], "r.csv"),
        (["--card"], "r.md"),
        (["--card", "--cohort", "c.csv"], "r.html"),
    ],
)
def test_reports_from_the_shell(files, tmp_path, monkeypatch, arguments, out):
    monkeypatch.chdir(files)
    code, text = said("report", "m.nc", *arguments, "--out", tmp_path / out, "--date", DAY)
    assert code == 0, text
    assert "Decision support" in text
    assert [p.name for p in tmp_path.iterdir()] == [out]
    assert (tmp_path / out).stat().st_size > 500


@pytest.mark.parametrize(
    ("arguments", "out", "words"),
    [
        (["--person", "typo.json"], "r.html", "did you mean 'fatigue'?"),
        (["--person", "broken.json"], "r.html", "line 1: not JSON"),
        (["--person", "none.json"], "r.html", "there is no such file"),
        (["--person", "p.json"], "r.docx", "expected .html, .pdf"),
        (["--person", "p.json"], "r.xlsx", "expected .html, .pdf"),
        (["--person", "p.json"], "nowhere/r.pdf", "there is no folder"),
        (["--person", "p.json", "--date", "soon"], "r.pdf", "expected a date"),
        (["--person", "p.json", "--templates", "nowhere"], "r.pdf", "there is no such folder"),
        (["--person", "p.json", "--target", "pian"], "r.pdf", "did you mean 'pain'?"),
        (["--cohort", "dates.csv"], "r.html", "row 2, column 'fatigue': value '2026-01-31'"),
        (["--cohort", "none.csv"], "r.html", "there is no such file"),
        (["--cohort", "c.csv", "--group", "fatige"], "r.html", "did you mean 'fatigue'?"),
        (["--cohort", "c.csv"], "r", "a file without a suffix"),
        (["--card"], "r.csv", "expected .md, .html, .pdf"),
        (["--card", "--person", "p.json"], "r.md", "Give one of"),
        ([], "r.md", "Give one of"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    files, tmp_path, monkeypatch, arguments, out, words
):
    monkeypatch.chdir(files)
    code, text = said("report", "m.nc", *arguments, "--out", tmp_path / out)
    assert code == 2
    assert words in text
    assert "Traceback" not in text
    assert list(tmp_path.iterdir()) == []


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


# --- the examples ------------------------------------------------------------------------------


def test_the_examples_are_current():
    manifest = json.loads(MANIFEST.read_text())
    assert manifest["inputs"] == inputs(), "an input or the layout changed: run make reports"
    assert manifest["files"] == {name: digest(FOLDER / name) for name in FILES}
    for name in FILES:
        content = (FOLDER / name).read_bytes()
        told = {
            ".pdf": lambda: text_of(content)[0],  # noqa: B023
            ".xlsx": lambda: str(openpyxl.load_workbook(io.BytesIO(content))["Notes"]["B2"].value),  # noqa: B023
        }.get((FOLDER / name).suffix, content.decode)()
        assert "Synthetic: no real person answered" in told
