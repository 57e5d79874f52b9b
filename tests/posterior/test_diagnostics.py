"""Diagnostics as a record holds them."""

from backrisk import Diagnostics
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
