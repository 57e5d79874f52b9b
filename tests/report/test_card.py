"""The model card: 27 items, filled in from the model, and left open where it cannot be."""

import re
from dataclasses import replace

import pytest
from read_back import DAY, text_of

from backrisk import BackriskError, CausalGraph, Posterior, model_card, risk
from backrisk.check import learned
from backrisk.cohort import cohort_answers
from backrisk.posterior import Conflict, Diagnostics, Verdict
from backrisk.report import card_answers, card_document
from backrisk.words import names_of, say

COUNTS = {"against": 1, "tested": 9, "unseen": 2}
ON_THE_WHOLE = {"large": 0.1, "large_low": -0.1, "large_high": 0.3}


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
    assert say("report.card.no_ethics") in card
    assert "board approved" not in card
    assert "Two runners read every draft." in card
    assert "patients and the public took part" not in card
    pages = text_of(model_card(few, tmp_path / "c.pdf", date=DAY).read_bytes())
    assert "27. Use in practice" in " ".join(pages)
    (folder / "strings.yaml").write_text('card: {owner: {"28": "x"}}')
    with pytest.raises(BackriskError, match="has no item '28'"):
        model_card(few, tmp_path / "d.md", templates=folder)


def test_the_card_says_what_checks_found_or_that_nobody_checked(core, tmp_path):
    names = names_of(core.graph)
    unchecked = model_card(core, tmp_path / "c.md", date=DAY).read_text()
    assert say("posterior.checked.unchecked") in " ".join(unchecked.split())
    against = Verdict.of("independences", "contradicted", [("fatigue", "pain")], **COUNTS)
    slope = Verdict.of("calibration", "agrees", slope=0.9, low=0.7, high=1.2, **ON_THE_WHOLE)
    judged = replace(core.diagnostics, verdicts=(against, slope))
    found = model_card(replace(core, diagnostics=judged), tmp_path / "c.md", date=DAY).read_text()
    text = " ".join(found.split())
    assert say("posterior.checked.unchecked") not in text
    for verdict in (against, slope):
        assert verdict.sentence(names) in text
    assert judged.doubts(names) in text  # among the warnings on top


def test_the_card_tells_which_counts_of_people_follow_from_the_model(core, tmp_path):
    meta = {"people": 90, "answered": {"pain": 1.0}}
    meta |= {"least_cells": {"draws": {"fatigue": 7, "pelvic_tilt": 3}, "likelihood": 2}}
    card = model_card(replace(core, meta=meta), tmp_path / "c.md", date=DAY).read_text()
    for said in (
        say("posterior.cells.draws", count=3, node="pelvic tilt"),
        say("posterior.cells.observed", count=90, node=names_of(core.graph).node("pain")),
    ):
        assert said in card
    likelihood = say("posterior.cells.likelihood", count=2)
    assert (likelihood in card) == (core.log_likelihood is not None)
    del meta["least_cells"]
    old = model_card(replace(core, meta=meta), tmp_path / "c.md", date=DAY).read_text()
    assert say("posterior.cells.unknown") in old


def test_the_card_tells_how_the_model_was_made(core, runner, tmp_path):
    meta = {"survey": "ours", "people": 1200, "effective_people": 800.0, "patterns": 1100}
    meta |= {"answered": {"pain": 0.9, "fatigue": 0.25, "lumbar_load": 0.0}, "seed": 7}
    meta |= {"versions": {"numpy": "2.0"}}
    card = model_card(replace(core, meta=meta), tmp_path / "c.md", date=DAY).read_text()
    free = core.fractions.shape[1] + core.beta.shape[1]
    for said in (
        say("report.common.learned", survey="ours", people="1,200"),
        say(
            "report.card.size_weighed",
            people="1,200",
            effective="800",
            patterns="1,100",
            parameters=str(free),
        ),
        say("report.card.numbers", people="1,200", known="90"),
        say(
            "report.card.missing",
            least="fatigue 25 %, current low back pain 90 %",
            latent="lumbar load",
        ),
        "Seed 7; numpy 2.0.",
        say("report.card.participants", people="1,200"),
        say("report.card.no_codebook"),
        say("report.card.described"),
    ):
        assert said in plain(card), said
    for said in (say("report.card.no_ethics"), say("report.card.synthetic_data")):
        assert said not in plain(card)
    even = replace(core, meta=meta | {"effective_people": 1199.6})
    card = plain(model_card(even, tmp_path / "d.md", date=DAY).read_text())
    assert "800" not in card
    assert f"1,100 distinct patterns of answers, for {free} free parameters" in card


def plain(markdown):
    """Return what Markdown shows."""
    return markdown.replace("\\", "")


def test_a_given_model_has_no_fit_to_tell_of(tmp_path):
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    given = Posterior.from_cpts(graph, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    card = model_card(given, tmp_path / "c.md", target="y", date=DAY).read_text()
    assert say("report.card.given_data") in card
    assert say("report.common.learned_given") in card
    assert "55 %" in card  # 0.5 * 0.3 + 0.5 * 0.8
    for absent in ("Kinds of conditional", "Seed", "free parameters"):
        assert absent not in card


def test_risks_by_group_are_the_answers(core, people):
    answers = card_answers(core, survey=people)
    for node, state, found in answers.groups:
        draws = risk(core, {node: state}).draws
        assert found.mean == pytest.approx(draws.mean(), rel=1e-12)
    compared = [n for n in core.graph.playing("compared") if n != core.graph.outcome]
    assert [(n, s) for n, s, _ in answers.groups] == [
        (n, s) for n in compared for s in core.graph.node(n).states
    ]
    assert answers.average.mean == pytest.approx(risk(core, {}).draws.mean(), rel=1e-12)
    assert answers.agreement == cohort_answers(core, people, draws=None).agreement
    table = learned(core)
    assert list(answers.mostly_prior) == list(table.index[table["reading"] == "hardly narrowed"])


def test_effects_stand_before_and_after_the_data(core):
    document = card_document(card_answers(core), DAY)
    (effects,) = [table for table in document.tables if table.name == "effects"]
    assert len(effects.rows) == core.beta.shape[1]
    for place, row in enumerate(effects.rows):
        assert row[1].mean == core.prior_beta[:, place].mean()
        assert row[2].mean == core.beta[:, place].mean()
    assert "fatigue" in " ".join(str(row[0]) for row in effects.rows)


def test_performance_is_said_of_whom_it_is_of(core, people, tmp_path):
    def told(model):
        return plain(model_card(model, tmp_path / "c.md", survey=people, date=DAY).read_text())

    meta = {"people": people.n, "answered": people.answered.to_dict()}
    same, other = told(replace(core, meta=meta)), told(core)
    assert say("report.card.in_sample") in same
    assert say("report.card.comparison_same") in same
    assert say("report.card.out_sample") in other
    assert say("report.card.comparison_new") in other
    assert say("report.card.evaluated") in other
    assert say("report.card.evaluated") not in model_card(core, tmp_path / "d.md").read_text()


def test_the_card_lists_conflicts_and_the_figures_behind_the_priors(core, tmp_path):
    conflict = Conflict("edge", "pain", "lumbar_load", (11.0, 3.0, 41.0), (0.8, 0.5, 1.2), 1e-5)
    figures = [{"cause": "fatigue", "effect": "pain", "citation": "Wu 2021"}]
    found = replace(
        core,
        diagnostics=replace(core.diagnostics, conflicts=(conflict,)),
        meta={**core.meta, "seed": 1, "figures": figures},
    )
    text = model_card(found, tmp_path / "card.md").read_text(encoding="utf-8")
    assert "Where prior and data disagree" in text
    assert "the prior says an odds ratio of 11.00 (3.00 to 41.00)" in text
    said = "conditioned on 1 published association, as the graph implies it (Wu 2021)"
    assert said in plain(text)
    before = model_card(core, tmp_path / "other.md").read_text(encoding="utf-8")
    assert "disagree" not in before
    assert "conditioned" not in before


def test_the_card_says_what_failed_where_answers_say_that_something_did(core, tmp_path):
    bad = replace(core, diagnostics=Diagnostics("nutpie", {}, ("12 transitions diverged.",)))
    text = model_card(bad, tmp_path / "card.md").read_text(encoding="utf-8")
    assert "12 transitions diverged." in text
    assert "did not pass its checks" not in text
