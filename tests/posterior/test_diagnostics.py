"""Diagnostics as a record holds them."""

import re
from dataclasses import replace

import pytest

from backrisk import CausalGraph, Diagnostics, Posterior
from backrisk.posterior import ESS_PER_CHAIN, R_HAT
from backrisk.words import say


def test_a_fit_is_good_unless_a_criterion_failed():
    assert Diagnostics("exact").good
    assert Diagnostics("nutpie", cautions=("Take care.",)).good
    assert not Diagnostics("nutpie", warnings=("Bad.",)).good


def test_the_criteria_are_the_published_ones():
    """Vehtari et al. 2021: R-hat below 1.01, 100 effective draws for each chain."""
    assert (R_HAT, ESS_PER_CHAIN) == (1.01, 100)


def test_sentences_keep_what_they_were_made_from():
    told = say("posterior.no_sites", site="here")
    held = Diagnostics("nutpie", {"ess_bulk": 12.0}, (told,), ("Plain.",)).to_dict()
    assert held == {
        "method": "nutpie",
        "worst": {"ess_bulk": 12.0},
        "warnings": [{"text": str(told), "key": "posterior.no_sites", "values": {"site": "here"}}],
        "cautions": ["Plain."],
        "conflicts": [],
        "verdicts": [],
    }
    found = Diagnostics.from_dict(held)
    assert found == Diagnostics("nutpie", {"ess_bulk": 12.0}, (told,), ("Plain.",))
    assert found.warnings[0].key == "posterior.no_sites"


def test_a_record_of_an_old_file_has_no_cautions_and_no_conflicts():
    found = Diagnostics.from_dict({"method": "exact", "worst": {}, "warnings": []})
    assert found == Diagnostics("exact")


@pytest.fixture
def posterior():
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    draws = [[[0.7, 0.3], [0.2, 0.8]]] * 6
    return Posterior.from_cpts(graph, {"x": [[0.5, 0.5]] * 6, "y": draws})


def shown(posterior):
    """Return what a notebook shows, its cells and paragraphs apart."""
    return [each for each in re.split("<[^>]+>", posterior._repr_html_()) if each.strip()]


def test_a_notebook_shows_what_a_model_was_made_of(posterior):
    assert shown(posterior) == [posterior.graph.name, "1 x 6 draws by given, of 2 nodes."]
    worst = {"r_hat": 1.0123456, "ess_bulk": 900.0, "e_bfmi": float("nan")}
    warnings = tuple(f"Bad {k}." for k in range(8))
    found = replace(
        posterior,
        chains=2,
        graph=replace(posterior.graph, title="What it is"),
        meta={"people": 1234},
        diagnostics=Diagnostics("nutpie", worst, warnings, ("Take care.",)),
    )
    assert shown(found) == [
        "What it is",
        f"2 x 3 draws by {found.diagnostics.made_by}, of 2 nodes.",
        "Fitted to 1,234 people, none of whom is kept.",
        *("criterion", "worst", "r_hat", "1.012", "ess_bulk", "900.000"),
        *warnings[:6],
        *("What bears on every answer", "Take care."),
    ]
