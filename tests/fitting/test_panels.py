"""Fits of people seen several times: one period is the model of one moment, trait and loop part."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from backrisk import (
    CausalGraph,
    Codebook,
    FitError,
    Panel,
    Survey,
    fit,
    load_posterior,
    simulate_panel,
)
from backrisk.fitting.observed import prepare
from backrisk.graph import Layout
from backrisk.likelihood import row_log_likelihood, stack_logs
from backrisk.posterior import truth
from tests.recovery.studies import LEVEL, RUNS, STATE, STUDIES, look

FREE = CausalGraph.from_text("a -> b; b[-1] -> a; b[-1] -> b")  # every family is saturated


def panel(graph, codes, **more):
    """A panel of people who are there in every period."""
    codes = np.asarray(codes, np.int8)
    rows, periods, _ = codes.shape
    first, last = np.zeros(rows, int), np.full(rows, periods - 1)
    return Panel(graph, codes, Codebook.plain(graph), "1", first, last, **more)


def test_a_panel_of_one_period_is_the_survey_of_one_moment():
    """The same likelihood of the same parameters, and the same draws."""
    rng = np.random.default_rng(1)
    graph = STATE
    codes = rng.integers(-1, 2, size=(60, 1, 2))
    survey = Survey(graph, codes[:, 0].astype(np.int8), Codebook.plain(graph))
    one, still = panel(graph, codes).to_survey(), prepare(graph, survey)
    parameters = still.layout.draw_prior(3, rng)
    values = []
    for each in (prepare(graph, one), still):
        source = truth(each.survey.graph)
        source = replace(source, fractions=parameters[0], beta=parameters[1])
        logs = stack_logs(each.circuit.cells, source)
        values.append(row_log_likelihood(each.circuit, logs))
    np.testing.assert_allclose(values[0], values[1], rtol=0, atol=1e-10)
    free = rng.integers(0, 2, size=(60, 1, 2))
    moment = fit(FREE, Survey(FREE, free[:, 0].astype(np.int8), Codebook.plain(FREE)), seed=3)
    over = fit(FREE, panel(FREE, free), seed=3)
    np.testing.assert_array_equal(over.cpt("b"), moment.cpt("b"))
    assert over.graph.periods == 1


def test_complete_histories_of_saturated_families_are_drawn_exactly():
    """The counts of all transitions together, in closed form."""
    codes = np.random.default_rng(2).integers(0, 2, size=(400, 3, 2))
    found = fit(FREE, panel(FREE, codes), seed=1, draws=4000, trait=False)
    assert found.diagnostics.method == "exact"
    assert found.graph.parents("b__2") == ("a__2", "b__1")
    now, before = codes[:, 1:], codes[:, :-1]
    here = (now[..., 0] == 1) & (before[..., 1] == 0)
    table = Layout(found.graph).mechanisms["b__1"].simplexes[2].alpha  # a=yes, b before=no
    alpha = np.array([(now[here][:, 1] == k).sum() for k in (0, 1)]) + table
    mean = alpha / alpha.sum()
    error = np.sqrt(mean[0] * mean[1] / (alpha.sum() + 1) / found.draws)
    assert abs(found.cpt("b__2")[:, 1, 0, 0].mean() - mean[0]) < 4 * error
    np.testing.assert_array_equal(found.cpt("b__1"), found.cpt("b__2"))


def test_a_model_of_several_periods_comes_back_and_says_what_it_learned_from(tmp_path):
    codes = np.random.default_rng(3).integers(0, 2, size=(50, 3, 2))
    found = fit(FREE, panel(FREE, codes), seed=1, draws=50, trait=False)
    found.save(tmp_path / "m.nc")
    back = load_posterior(tmp_path / "m.nc")
    assert back.graph == found.graph
    assert back.meta["panel"] == {"periods": 3, "every": "1", "trait": False, "dropout": []}
    np.testing.assert_array_equal(back.cpt("a__2"), found.cpt("a__2"))
    held = {(r["node"], r["state"], r["periods"]): r["people"] for r in back.meta["followed"]}
    three = int((codes[:, :, 0] == 1).all(axis=1).sum())
    assert held["a", "yes", 3] == (three if not 0 < three < 5 else "fewer than 5")
    longer = replace(back, graph=back.graph.extended(7))
    np.testing.assert_array_equal(longer.cpt("b__6"), found.cpt("b__1"))


def test_a_susceptibility_needs_three_periods_in_which_the_outcome_is_known():
    codes = np.random.default_rng(4).integers(0, 2, size=(40, 3, 2))
    codes[:, 1, 1] = -1  # y, the outcome, in two periods of everybody
    with pytest.raises(FitError, match="at most 2 periods of anybody; it takes 3"):
        fit(STATE, panel(STATE, codes), seed=1, trait=True)
    with pytest.raises(FitError, match="seen several times"):
        fit(
            FREE,
            Survey(FREE, codes[:, 0].astype(np.int8), Codebook.plain(FREE)),
            seed=1,
            trait=True,
        )


def test_who_drops_out_may_depend_on_the_last_state():
    frame = simulate_panel(STATE, 60, 3, seed=1, missing=0.0)
    assert set(frame.columns) >= {"id", "time", "x", "y"}
    codes = np.random.default_rng(5).integers(0, 2, size=(40, 3, 2))
    codes[:10, 2] = -1
    whole = panel(STATE, codes)
    gone = replace(whole, last=np.where(np.arange(40) < 10, 1, 2))
    survey = gone.to_survey(dropout=("y",))
    stays = [survey.codes[:, survey.graph.names.index(f"stays__{t}")] for t in (1, 2)]
    assert stays[0].tolist() == [0] * 40
    assert stays[1].tolist() == [1] * 10 + [0] * 30


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_intervals_cover_what_panels_were_drawn_from(name):
    """A trait alone, a trait beside an effect of the period before, the share that goes round.

    As many 90 % intervals cover as do in all but a thousandth of the repetitions of such a study.
    """
    covered = sum(look(name, seed).covers for seed in range(RUNS))
    assert binom.ppf(0.0005, RUNS, LEVEL) <= covered
