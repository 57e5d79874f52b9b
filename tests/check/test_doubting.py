"""All checks of a fit together: what each says in a line, what is kept, what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from backrisk import CausalGraph, Codebook, Posterior, Survey, load_posterior, risk
from backrisk.check import CHECKS, doubts, kept_with
from backrisk.errors import QueryError
from backrisk.words import names_of

TWO = ["no", "yes"]
CPTS = {"x": [0.5, 0.5], "m": [[0.8, 0.2], [0.3, 0.7]], "y": [[0.8, 0.2], [0.4, 0.6]]}


@pytest.fixture(scope="module")
def graph():
    names = dict.fromkeys(CPTS, TWO)
    return CausalGraph.from_edges([("x", "m"), ("m", "y")], names, outcome="y")


@pytest.fixture(scope="module")
def posterior(graph):
    return Posterior.from_cpts(graph, CPTS)


def people(n, seed, direct=0.0):
    """Draw people of the chain; a direct effect of x on y is what the graph leaves out."""
    rng = np.random.default_rng(seed)
    x = rng.random(n) < 0.5
    m = rng.random(n) < np.where(x, 0.7, 0.2)
    y = rng.random(n) < np.where(m, 0.6, 0.2) + direct * x
    return np.stack([x, m, y], axis=1).astype(np.int8)


def survey_of(graph, codes):
    return Survey(graph, codes, Codebook.plain(graph))


@pytest.fixture(scope="module")
def found(graph, posterior):
    return doubts(posterior, survey_of(graph, people(3000, 1, direct=0.25)), seed=1)


def test_an_omitted_effect_is_told_in_a_line_and_in_the_whole_result(found):
    (against, *_) = found.contradicted
    assert (against.check, against.about) == ("independences", (("y", "x", "m"),))
    assert "y and x given m" in found.lines[0]
    assert found.table.loc["independences", "verdict"] == "contradicted"
    assert found.table.loc["independences", "says"] == found.lines[0]
    assert found.results["independences"].table["node"].tolist() == ["y"]
    assert set(found.seconds) == set(CHECKS)
    assert str(found).splitlines()[0] == found.lines[0]
    json.dumps(found.to_dict())


def test_people_of_the_model_itself_contradict_it_in_one_report_of_twenty_at_most(graph, posterior):
    """At the level of 5 %, 60 reports hold 10 alarms with a chance of 4e-4 at most."""

    def asked(seed):
        return doubts(posterior, survey_of(graph, people(400, seed)), without=["calibration"])

    alarms = sum(bool(asked(seed).contradicted) for seed in range(60))
    assert alarms < 10


def test_what_is_found_is_kept_and_told_with_every_answer(found, posterior, tmp_path):
    marked = load_posterior(found.kept_with(posterior).save(tmp_path / "m.nc"))
    assert marked.diagnostics.verdicts == found.verdicts
    (told,) = risk(marked, {"x": "yes"}).warnings
    assert "1 of 1 independences" in told
    assert (risk(marked, {"x": "yes"}).draws == risk(posterior, {"x": "yes"}).draws).all()


@pytest.mark.parametrize("name", ["x", "m", "y"])
def test_a_rate_that_is_off_is_told_as_a_rate(graph, name):
    """All log odds of one table off by 1.1: no independence, effect or association is."""
    table = np.array(CPTS[name])
    table = table * [1.0, 3.0]
    off = CPTS | {name: table / table.sum(axis=-1, keepdims=True)}
    survey = survey_of(graph, people(4000, 1))
    found = doubts(Posterior.from_cpts(graph, off), survey, without=["calibration"])
    assert [(each.check, each.about) for each in found.contradicted] == [("levels", ((name,),))]
    (line,) = (line for line in found.lines if line.startswith("How common"))
    assert "rates are off" in line


def test_an_effect_that_is_off_is_told_as_an_effect(graph):
    off = CPTS | {"y": [[0.8, 0.2], [0.2, 0.8]]}
    survey = survey_of(graph, people(4000, 1))
    found = doubts(Posterior.from_cpts(graph, off), survey, without=["calibration", "pairwise"])
    against = found.results["families"].contradicted
    assert set(against["kind"]) == {"level", "effect"}
    assert set(against["node"]) == {"y"}
    assert found.results["independences"].contradicted.empty


def test_a_later_check_of_the_same_people_takes_the_place_of_the_same_one_only(
    found, graph, posterior
):
    again = survey_of(graph, people(3000, 1, direct=0.25)[::-1])  # the same people in another order
    later = doubts(posterior, again, seed=1, without=["calibration", "pairwise"])
    both = later.kept_with(found.kept_with(posterior)).diagnostics
    assert {each.check for each in both.verdicts} == {each.check for each in found.verdicts}
    assert all(v in both.verdicts for v in later.verdicts)
    assert next(v for v in both.verdicts if v.check == "calibration") in found.verdicts


def test_what_is_kept_is_of_one_survey_and_says_of_which(found, graph, posterior, tmp_path):
    before = found.kept_with(posterior)
    codes = people(300, 2)
    codes[:, 2] = -1  # nobody reported the outcome: no calibration, fewer independences
    later = doubts(posterior, survey_of(graph, codes), seed=1)
    assert "calibration" in later.refused
    kept = later.kept_with(before).diagnostics
    assert kept.verdicts == later.verdicts
    assert kept.surveyed["people"] == 300
    assert "of 300 people" in kept.checked(names_of(graph))[-1]
    assert kept.surveyed["digest"] in kept.checked(names_of(graph))[-1]
    marked = load_posterior(later.kept_with(before).save(tmp_path / "m.nc"))
    assert marked.diagnostics.surveyed == kept.surveyed


def test_what_the_same_people_no_longer_give_is_not_kept(found, graph, posterior):
    survey = survey_of(graph, people(3000, 1, direct=0.25))
    before = found.kept_with(posterior)
    assert "pairwise" in {each.check for each in before.diagnostics.verdicts}
    after = kept_with(before, (), survey, asked=["pairwise"]).diagnostics
    assert {each.check for each in after.verdicts} == {
        each.check for each in found.verdicts if each.check != "pairwise"
    }
    none = kept_with(before, (), survey_of(graph, people(10, 3)), asked=["pairwise"]).diagnostics
    assert (none.verdicts, none.surveyed) == ((), {})


def test_verdicts_of_nobody_knows_whom_go(found, graph, posterior):
    old = replace(posterior.diagnostics, verdicts=found.verdicts)  # of a file of an earlier version
    empty = doubts(posterior, survey_of(graph, people(0, 1)), without=["pairwise", "calibration"])
    kept = empty.kept_with(replace(posterior, diagnostics=old)).diagnostics
    assert kept.verdicts == empty.verdicts


@pytest.mark.parametrize("level", [1e-12, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("check", list(CHECKS))
def test_any_level_between_0_and_1_is_asked_for_as_it_is(graph, posterior, check, level):
    others = [name for name in CHECKS if name != check]
    found = doubts(posterior, survey_of(graph, people(400, 1)), without=others, level=level, seed=1)
    assert not found.refused
    told = str(found.results[check].text)
    assert "fewer than 0 %" not in told
    assert "(level 0.00" not in told


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, np.nan, np.inf, 5e-324])
def test_a_level_that_is_none_is_refused(graph, posterior, level):
    with pytest.raises(QueryError, match="expected a probability between 0 and 1"):
        doubts(posterior, survey_of(graph, people(20, 1)), level=level)


def test_what_does_not_hold_for_a_survey_is_left_out_with_its_reason(graph, posterior):
    codes = people(200, 1)
    codes[:, 2] = -1  # nobody reported the outcome
    some = doubts(posterior, survey_of(graph, codes), seed=1)
    assert "calibration" in some.refused
    assert some.refused["calibration"].startswith("Not checked (calibration): ")
    assert some.refused["calibration"] in some.text
    assert "calibration" not in [each.check for each in some.verdicts]


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_a_survey_of_nearly_nobody_tells_too_little(graph, posterior, rows):
    found = doubts(posterior, survey_of(graph, people(rows, 1)), seed=1)
    assert not found.contradicted
    assert {each.finding for each in found.verdicts} <= {"too_little"}


def test_a_node_alone_has_nothing_to_contradict():
    graph = CausalGraph.from_edges([], {"y": TWO}, outcome="y")
    codes = np.array([[0], [1], [1]], dtype=np.int8)
    found = doubts(Posterior.from_cpts(graph, {"y": [0.5, 0.5]}), survey_of(graph, codes), seed=1)
    assert not found.contradicted
    assert [(each.check, each.finding) for each in found.verdicts] == [("levels", "too_little")]
    assert set(found.refused) == set(CHECKS)
    assert "implies no independence" in found.refused["independences"]


def test_a_slope_that_is_not_defined_is_a_reason(graph, posterior):
    found = doubts(posterior, survey_of(graph, people(2000, 1)), without=["pairwise"], seed=1)
    assert "calibration" in [each.check for each in found.verdicts]
    flat = Posterior.from_cpts(graph, CPTS | {"y": [[0.7, 0.3], [0.7, 0.3]]})
    found = doubts(flat, survey_of(graph, people(2000, 1)), without=["pairwise"], seed=1)
    assert "calibration" not in [each.check for each in found.verdicts]
    assert "slope" in found.refused["calibration"]
    assert found.results["calibration"].text


def test_wrong_questions_are_refused(graph, posterior):
    survey = survey_of(graph, people(20, 1))
    with pytest.raises(QueryError, match=r"no check 'family'.*did you mean 'families'"):
        doubts(posterior, survey, without=["family"])
    with pytest.raises(QueryError, match="leave out fewer"):
        doubts(posterior, survey, without=list(CHECKS))
    with pytest.raises(QueryError, match="level is 2"):
        doubts(posterior, survey, level=2)
    other = replace(survey, graph=CausalGraph.from_edges([], {"x": TWO, "m": TWO, "y": TWO}))
    with pytest.raises(QueryError, match="read for graph"):
        doubts(posterior, other)


def test_whoever_waits_is_told_what_is_looked_at(graph, posterior):
    told = []
    doubts(posterior, survey_of(graph, people(50, 1)), progress=told.append)
    assert told == list(CHECKS)
