"""The model card: 27 items, filled in from the model, and left open where it cannot be."""

import re

import pytest
from read_back import DAY, text_of

from backrisk import BackriskError, model_card
from backrisk.cohort import cohort_answers
from backrisk.words import say


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
