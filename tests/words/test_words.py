"""What a person reads: rules that hold for every answer, and numbers equal to the table's."""

import re

import numpy as np
import pytest

from backrisk import (
    ask_next,
    attribute,
    consult,
    counterfactual,
    diagnose,
    follow_up,
    intervene,
    mediate,
    recommend,
    risk,
)
from backrisk.words import ENGLISH, language, percent, shift

PERSON = {"core_strength": "weak", "hip_flexor_tightness": "very_tight"}
HURT = {**PERSON, "pain": "limiting"}
TIRED = {**HURT, "fatigue": "high"}


@pytest.fixture(scope="module")
def answers(core_posterior):
    p = core_posterior
    games = ("shapley", "pathways", "diagnostic", "sufficiency", "necessity_and_sufficiency")
    return {
        "risk": risk(p, PERSON),
        "consult": consult(p, PERSON),
        "consult_back": consult(p, HURT),
        "diagnose": diagnose(p, PERSON),
        "intervene": intervene(p, {}, {"core_strength": "strong", "fatigue": "low"}),
        "counterfactual": counterfactual(p, HURT, {"core_strength": "strong"}),
        "necessity": attribute(
            p, HURT, ["fatigue", ("core_strength", "fatigue")], method="necessity"
        ),
        **{method: attribute(p, TIRED, method=method) for method in games},
        "mediate": mediate(p, PERSON, "core_strength", ["pelvic_tilt"]),
        "recommend": recommend(p, HURT),
        "ask_next": ask_next(p, HURT),
        "follow_up": follow_up(p, HURT, {**PERSON, "fatigue": "high"}),
        "limiting": risk(p, PERSON, target="pain>=limiting"),
    }


def test_no_word_is_a_name_and_nothing_was_caused(answers):
    for name, answer in answers.items():
        said = " ".join([*answer.sentences(), *answer.notes])  # a fit's warnings name parameters
        assert "_" not in said, name
        assert "=" not in said, name
        assert not re.search(r"\bnan\b", said), name
        assert not re.search(r"caused by|because of|due to", said), name
        assert "not a diagnosis" in answer.text
        assert "90 % equal-tailed interval" in answer.text
        assert all(s[0].isupper() and s.endswith(".") for s in answer.sentences()), name


def test_assumptions_are_named(answers):
    for name in ("counterfactual", "necessity", "sufficiency", "necessity_and_sufficiency"):
        assert "monotone coupling" in answers[name].text
    for name in ("intervene", "shapley", "pathways", "mediate", "recommend"):
        assert "graph" in answers[name].text
    for name in ("risk", "diagnose"):
        assert not re.search(r"would|prevent|lower|effect", " ".join(answers[name].sentences()))
    for name in ("necessity", "shapley", "pathways", "mediate", "recommend"):
        assert re.search(
            r"[Ee]vidence (for this path: )?(strong|moderate|weak|none|contradicted)",
            answers[name].text,
        )


def test_numbers_are_the_tables(answers):
    for name in ("necessity", "sufficiency", "diagnostic"):
        answer = answers[name]
        told = [cause for cause, sign in zip(answer.causes, answer.signs, strict=True) if sign]
        row = answer.table.loc[told[0]] if told else answer.table.iloc[0]
        said = f"{percent(row['mean'])} ({percent(row['low'])} to {percent(row['high'])})"
        assert said in answer.text
    first = answers["recommend"].table.iloc[0]
    fewer = round(100 * first["mean"])
    assert f"Of 100 people who answer like this, about {fewer} fewer" in answers["recommend"].text
    assert f"{100 * abs(first['mean']):.1f} points" in answers["recommend"].text
    assert f"{answers['ask_next'].table['bits'].iloc[0]:.4f} bits" in answers["ask_next"].text
    total = answers["shapley"].total.mean()
    assert f"{100 * total:+.1f} points" in answers["shapley"].text


@pytest.mark.parametrize("mean", np.linspace(-0.05, 0.05, 21))
def test_a_direction_is_named_only_where_the_interval_has_one(mean):
    draws = np.linspace(mean - 0.02, mean + 0.02, 1001)
    words, (low, high) = shift(draws), np.quantile(draws, [0.05, 0.95])
    assert ("fall" in words) == (high < 0)
    assert ("rise" in words) == (low > 0)
    assert ("change" in words) == (low <= 0 <= high)
    assert "change" in shift(np.full(2, 1e-17 * mean))  # which is rounding


def test_states_are_words(answers):
    assert "limiting low back pain" in answers["limiting"].text
    assert "high fatigue" in answers["shapley"].text


def test_what_is_wrong_is_said_alike_at_every_door():
    told = {"queries": language(ENGLISH).raw("queries")}
    sentences = [
        text for text in leaves(told) if re.search(r"\w\(\)|\b\w+=(?![\w{'])|method=", text)
    ]
    assert sentences == []


def leaves(told):
    if isinstance(told, dict):
        return [text for each in told.values() for text in leaves(each)]
    return [told] if isinstance(told, str) else []
