"""What a person reads of answers over time: the same rules as for every other answer."""

import re

import pytest
from histories import chain

import backrisk as br
from backrisk.queries.over_time import working

HISTORY = [{"x": "yes", "y": "no"}, {}, {"y": "yes"}]
RULE = {"x": {"if": {"y": ["no", "yes"]}, "then": "no", "else": "yes"}}


@pytest.fixture(params=[2**25, 0], ids=["exact", "simulated"])
def answers(request, monkeypatch):
    monkeypatch.setattr(working, "_CELLS", request.param)
    given = {"target": "y"}
    return {
        "forecast": br.forecast(chain(), HISTORY, 3, **given),
        "plan": br.forecast(chain(), HISTORY[:1], 3, plan=RULE, **given),
        "intervene": br.intervene(chain(), HISTORY, {"x": "no"}, period=5, **given),
        "one-off": br.intervene(chain(), HISTORY, [{"x": "no"}, {}, RULE], **given),
        "counterfactual": br.counterfactual(chain(), HISTORY, {"x": "no"}, from_=1, **given),
        "recommend": br.recommend(chain(), HISTORY, periods=2, **given),
        "shapley": br.attribute(chain(), HISTORY, **given),
        "pathways": br.attribute(chain(), HISTORY, method="pathways", **given),
    }


def test_sentences_hold_to_the_rules(answers):
    for name, answer in answers.items():
        said = " ".join([*answer.sentences(), *answer.notes])
        assert not re.search(r"_|=|->|\bnan\b|None", said), name
        assert not re.search(r"caused by|because of|due to", said), name
        assert all(s[0].isupper() and s.endswith(".") for s in answer.sentences()), name
        assert "not a diagnosis" in answer.text
        assert "eriod" in said, name  # every number has a time


def test_tables_and_plain_values_are_labelled(answers):
    for name, answer in answers.items():
        for row in answer.table.index:
            assert answer.row_label(str(row)), name
        told = answer.to_dict()
        assert len(told["rows"]) == len(answer.table), name
        assert told["evidence"] == answer.evidence, name


def test_plans_are_told_by_their_periods(answers):
    assert "no x (periods 3 to 5)" in answers["intervene"].text
    rule = "no x whenever there was no y or y in the period before, else x (periods 1 to 3)"
    assert rule in answers["plan"].text
    assert "no x (period 3)" in answers["one-off"].text
    assert "else x (period 5)" in answers["one-off"].text
