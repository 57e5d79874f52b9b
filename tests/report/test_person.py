"""One person's report: its numbers are the answers', and what it says follows from them."""

import io
import re
from dataclasses import replace

import numpy as np
import pypdf
import pytest
from read_back import DAY, HURTING, Tables, fonts_of, text_of, triple

from backrisk import CausalGraph, Posterior, ask_next, attribute, consult, recommend
from backrisk.posterior import Conflict, Diagnostics, Verdict
from backrisk.report import person_answers, render_person

COUNTS = {"against": 1, "tested": 9, "unseen": 2}
ON_THE_WHOLE = {"large": 0.1, "large_low": -0.1, "large_high": 0.3}


def consult_text(page):
    """The sentence that a report opens on, without the breaks of lines."""
    return re.search(r"Of 100 runners[^.]*healthy state\.", " ".join(page.split())).group()


def test_a_persons_page_shows_the_answers_exactly(runner, hurting):
    page = Tables(render_person(hurting, ".html", date=DAY).decode()).found
    before = {k: v for k, v in HURTING.items() if k != "pain"}
    severe = "pain>=limiting"  # as reported: the target of everything in the report
    shares = attribute(runner, before, target=severe)
    needed = attribute(runner, HURTING, method="necessity", level="proximal", target=severe)
    undone = attribute(
        runner, HURTING, ["strength_training", "recovery"], method="necessity", target=severe
    )
    undone_sure = undone.table[[undone.told[undone.causes.index(n)] for n in undone.table.index]]
    questions = ask_next(runner, HURTING, target=severe).table
    playing = shares.table[[shares.playing[shares.causes.index(n)] for n in shares.table.index]]
    sure = needed.table[[needed.signs[needed.causes.index(n)] > 0 for n in needed.table.index]]
    for name, table in (("shares", playing), ("needed", sure), ("undone", undone_sure)):
        rows = [row for row in page.get(name, []) if row]
        assert len(rows) >= min(4, len(table))
        for shown, (_, row) in zip(rows, table.iterrows(), strict=False):
            assert shown[0] == triple(row)
    for shown, (_, row) in zip(
        [row for row in page["shares"] if row], playing.iterrows(), strict=False
    ):
        assert [cell["value"] for cell in shown[1:]] == [row["p_effect"], row["leading"]]
    limits = [row[1:] for row in page.get("needed", []) if row]
    for shown, (_, row) in zip(limits, sure.iterrows(), strict=False):
        ends = {"low": row["lower_bound_low"], "high": row["upper_bound_high"]}
        assert shown == [ends, {"value": row["p_effect"]}]
    told = [row for row in page["questions"] if row]
    assert [row[0]["value"] for row in told] == questions["share"].head(len(told)).tolist()
    opened = consult(runner, HURTING)
    assert opened.looking_back
    assert hurting.consultation.draws.tolist() == opened.draws.tolist()


def test_a_persons_pdf_is_a_page_for_the_person_and_a_page_of_notes(hurting):
    pdf = render_person(hurting, date=DAY)
    first, second = text_of(pdf)
    assert consult_text(first) == consult_text(hurting.consultation.headline)
    assert "Your risk" not in first  # that of somebody in pain is no question
    assert "weak (35 s)" in first
    assert "Decision support, not a diagnosis." in first
    assert "Synthetic" in first
    assert "Necessity for current, limiting low back pain" in second
    assert "10.1136/bjsports-2020-102537" in second  # the strongest link's citation
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    fonts = {str(f["/BaseFont"]) for page in reader.pages for f in fonts_of(page)}
    assert fonts
    assert all("LibertinusSerif" in name for name in fonts)
    assert reader.metadata.creation_date.date().isoformat() == DAY


def test_everything_answered_still_fits_two_pages(runner):
    rng = np.random.default_rng(3)
    whole = {n.name: n.states[int(rng.integers(len(n.states)))] for n in runner.graph.nodes}
    pages = text_of(render_person(person_answers(runner.subset(5), whole), date=DAY))
    assert len(pages) == 2
    assert "Sources of the links used" in pages[1]


@pytest.mark.slow
def test_without_pain_necessity_is_not_asked(runner):
    answers = person_answers(runner.subset(2), {"plank_seconds": 35})
    assert not answers.consultation.looking_back
    assert "here it is not" in render_person(answers, ".html", date=DAY).decode()
    nobody = person_answers(runner.subset(2), {})
    assert (
        "average risk of the population surveyed"
        in render_person(nobody, ".html", date=DAY).decode()
    )


def test_a_bad_fit_is_said_on_the_first_page(core):
    judged = Diagnostics("nutpie", {}, ("12 transitions diverged.",))
    bad = replace(core.subset(3), diagnostics=judged)
    pages = text_of(render_person(person_answers(bad, {"fatigue": "high"}), date=DAY))
    assert "did not pass its checks" in pages[0]
    assert not any("diverged" in page for page in pages)


def test_what_a_survey_contradicts_is_said_on_the_first_page_and_every_check_in_the_notes(core):
    against = Verdict.of("independences", "contradicted", [("fatigue", "pain")], **COUNTS)
    slope = Verdict.of("calibration", "agrees", slope=0.9, low=0.7, high=1.2, **ON_THE_WHOLE)
    few = core.subset(3)
    judged = replace(few.diagnostics, verdicts=(against, slope))
    found = replace(few, diagnostics=judged)
    first, second = text_of(render_person(person_answers(found, {"fatigue": "high"}), date=DAY))
    assert "A survey contradicts what this model claims (1 of 9 independences" in first
    assert "slope" not in first
    assert "slope 0.90 (0.70 to 1.20)" in second
    told = text_of(render_person(person_answers(few, {"fatigue": "high"}), date=DAY))
    assert not any("--keep" in page for page in told)  # nobody checked: for the card to say


def test_the_persons_page_says_once_that_figures_disagree_and_the_notes_say_which(runner):
    conflict = Conflict("edge", "pain", "lumbar_load", (11.0, 3.0, 41.0), (0.8, 0.5, 1.2), 1e-5)
    few = runner.subset(3)
    found = replace(few, diagnostics=replace(few.diagnostics, conflicts=(conflict,)))
    first, second = text_of(render_person(person_answers(found, {"fatigue": "high"}), date=DAY))
    assert "disagree in places that this rests on" in first
    assert "odds ratio" not in first
    assert "the prior says an odds ratio of 11.00" in second


def test_the_notes_say_which_causes_were_not_asked_about_and_where_to_ask(hurting):
    page = render_person(hurting, ".html", date=DAY).decode()
    asked = set(hurting.consultation.causes.table.index)
    left = [hurting.shares.row_label(c) for c in hurting.shares.causes if c not in asked]
    assert "strength training" in left
    assert f"Not worked out here: {left[0]}" in page
    assert "tells the necessity of every cause" in page


def test_a_report_of_an_outcome_without_a_cause_leaves_out_what_cannot_be_asked_and_says_why():
    graph = CausalGraph.from_edges(
        [("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]}, outcome="x"
    )
    posterior = Posterior.from_cpts(graph, {"x": [[0.75, 0.25]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    for person in ({"y": "yes"}, {"x": "yes"}, {"x": "yes", "y": "no"}, {"x": "no"}, {}):
        page = render_person(person_answers(posterior, person), ".html", date=DAY).decode()
        back = person.get("x") == "yes"
        title = "What could have made the difference" if back else "What could lower it"
        assert title in page
        causes = "has no cause" in page or "nothing was reported that would tell" in page
        assert causes, person


def test_who_is_well_is_told_the_advice(runner):
    well = HURTING | {"pain": "none"}
    page = Tables(render_person(person_answers(runner, well), ".html", date=DAY).decode()).found
    rows = [row for row in page["actions"] if row]
    actions = recommend(runner, well).table
    assert rows
    for shown, (_, row) in zip(rows, actions.iterrows(), strict=False):
        assert shown[0] == triple(row)


def test_nothing_answered_gets_the_population_and_no_advice(core):
    answers = person_answers(core.subset(5), {})
    assert (answers.shares, answers.advice) == (None, None)
    page = render_person(answers, ".html", date=DAY).decode()
    assert "in the population that the model describes, about" in page
    assert "No survey stands behind this model" in page
    assert not Tables(page).found.keys() & {"helping", "first_causes", "actions", "shares"}


def test_who_is_well_is_told_how_many_report_it_and_who_is_in_pain_is_not(core):
    few, states = core.subset(20), {"fatigue": "high", "core_strength": "weak"}
    well = render_person(
        person_answers(few, {**states, "pain": "none"}), ".html", date=DAY
    ).decode()
    assert "Of 100 runners who answer like this, about" in well
    assert "with this one it would only repeat what you said" in well
    sore = render_person(person_answers(few, {**states, "pain": "limiting"}), ".html", date=DAY)
    assert "What it took" in sore.decode()
    assert "would only repeat what you said" not in sore.decode()
