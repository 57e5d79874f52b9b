"""Fits get their own prior back: ranks, curves and bands by definition."""

from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from strategies import Brute

from backrisk import Codebook, Posterior
from backrisk.check import Calibration, calibrate, refitting
from backrisk.check.calibration import bands
from backrisk.graph import CausalGraph, Edge, Layout, Node, ParameterPrior, Prior
from backrisk.plotting import plot_calibration

FITS = 200
REPORTS = Path(__file__).parents[2] / "reports"


def latent_graph():
    """A construct that nobody observes, between a cause and an outcome, with one item."""
    nodes = (
        Node("cause", ("low", "middle", "high"), concentration=20),
        Node("other", ("no", "yes")),
        Node("construct", ("no", "yes"), mechanism="ordinal_logit"),
        Node("outcome", ("none", "some", "much"), mechanism="ordinal_logit"),
    )
    prior = Prior(1.0, 0.5)
    edges = tuple(
        Edge(a, b, "Claim.", "stated", grade, prior)
        for a, b, grade in (
            ("cause", "construct", "weak"),
            ("construct", "outcome", "strong"),
            ("other", "outcome", "weak"),
        )
    )
    return CausalGraph("latent", nodes, edges, outcome="outcome")


def with_item(graph):
    columns = {name: {"node": name} for name in graph.names if name != "construct"}
    columns["report"] = {"item": "construct", "reliability": 0.7, "people": 30}
    return Codebook.from_dict({"name": "book", "graph": graph.name, "columns": columns}, graph)


@pytest.mark.slow
def test_ranks_are_uniform_over_two_hundred_fits():
    graph = latent_graph()
    found = calibrate(graph, codebook=with_item(graph), people=150, fits=FITS, seed=1)
    # All curves together stay inside with 99 %: each with 1 - 0.01 / quantities.
    low, high = limits = bands(FITS, found.draws, 1 - 0.01 / len(found.names))
    curves = found.ecdf()
    note = f"{FITS} fits of simulated surveys, {len(found.names)} quantities"
    REPORTS.mkdir(exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "calibration"}):  # the same picture, the same bytes
        figure = plot_calibration(curves, limits, note)
        figure.savefig(REPORTS / "calibration.svg", metadata={"Date": None})
    outside = ((curves < low[:, None] - 1e-12) | (curves > high[:, None] + 1e-12)).any(axis=0)
    assert not outside.any(), [n for n, out in zip(found.names, outside, strict=True) if out]


def test_a_curve_is_the_share_of_ranks_up_to_each_less_the_uniform_one():
    """Ranks 0 and 2 of 0..2: shares 1/2, 1/2, 1 beside 1/3, 2/3, 1."""
    found = Calibration(np.array([[0, 1], [2, 1]]), ("x", "y"), 2).ecdf()
    np.testing.assert_allclose(found, [[1 / 6, -1 / 3], [-1 / 6, 1 / 3], [0, 0]], atol=1e-15)


def test_bands_are_counts_over_fits_and_mirror_each_other():
    low, high = bands(40, 10, 0.95)
    assert low.shape == high.shape == (11,)
    assert (low[-1], high[-1]) == (0.0, 0.0)
    uniform = (np.arange(11) + 1) / 11
    for limit in (low, high):
        counts = ((limit + uniform) * 40)[:-1]
        np.testing.assert_allclose(counts, np.round(counts), atol=1e-9)
    # At rank r the upper limit is the lower one at the mirrored rank, but for one step of a count.
    assert np.abs(high[:-1] + low[:-1][::-1]).max() <= 1 / 40 + 1e-9
    wider = bands(40, 10, 0.999)
    assert (wider[0] <= low).all()
    assert (wider[1] >= high).all()
    assert (wider[1] > high).any()
    assert np.array_equal(bands(40, 10, 0.95, seed=0), np.stack([low, high]))


def test_bands_hold_uniform_ranks_at_their_rate_and_catch_others():
    rng = np.random.default_rng(1)
    ranks = rng.integers(0, 51, size=(100, 2000))
    low, high = bands(100, 50, 0.90)

    def inside(ranks):
        curves = Calibration(ranks, ("x",) * ranks.shape[1], 50).ecdf()
        return ((curves >= low[:, None] - 1e-12) & (curves <= high[:, None] + 1e-12)).all(axis=0)

    # The level is set by simulation with an error below 0.01, and so is this rate.
    assert inside(ranks).mean() == pytest.approx(0.90, abs=0.03)
    too_narrow = np.clip(rng.normal(25, 25, size=(100, 50)), 0, 50).astype(int)
    assert inside(too_narrow).mean() < 0.1


# Of eight draws, by how much each lies above the truth: the sixth is the truth, two lie below.
ABOVE = np.array([0.9, 0.7, 0.5, 0.3, 0.1, 0.0, -0.1, -0.3])[:, None]


class Fits:
    """Stands for fits: each finds eight draws around the truth, and notes what was asked of it."""

    def __init__(self, graph, monkeypatch):
        self.truths, self.surveys, self.settings, self.compiled = [], [], [], []
        draw = ParameterPrior.draw

        def draw_prior(prior, draws, rng):
            self.truths.append(draw(prior, draws, rng))
            return self.truths[-1]

        def compile_model(given, survey, *, evidence):
            assert given is graph
            assert evidence
            self.compiled.append(survey)
            return SimpleNamespace(compiled=len(self.compiled))

        def fit(given, survey, **settings):
            assert given is graph
            self.surveys.append(survey)
            self.settings.append(settings)
            return self.found(-1)

        monkeypatch.setattr(ParameterPrior, "draw", draw_prior)
        monkeypatch.setattr(refitting, "compile_model", compile_model)
        monkeypatch.setattr(refitting, "fit", fit)

    def found(self, number):
        """Return what the fit of a survey finds."""
        fractions, beta = self.truths[number]
        room = np.minimum(fractions, 1 - fractions)
        graph = self.surveys[number].graph
        return Posterior(graph, fractions + ABOVE * room, beta + ABOVE, chains=4)


def likelihoods(survey, posterior):
    """The log-likelihood of a survey for each draw: sums over every full state."""
    found = []
    for draw in range(posterior.draws):
        joint = Brute(posterior, draw).joint()
        states, chances = np.array(list(joint)), np.array(list(joint.values()))
        fits = [((states == codes) | (codes < 0)).all(axis=1) for codes in survey.codes]
        found.append(sum(np.log(chances[fit].sum()) for fit in fits))
    return np.array(found)


def test_a_rank_is_how_many_thinned_draws_lie_below_the_truth(monkeypatch):
    graph = latent_graph()
    book = with_item(graph)
    done, settings = Fits(graph, monkeypatch), {"codebook": book, "people": 20, "seed": 5}
    all_of_them = calibrate(graph, **settings, fits=3)
    assert (all_of_them.ranks[:, :-1] == 2).all()
    assert calibrate(graph, **settings, fits=1, thinned=4).ranks[0, 0] == 1
    layout = Layout(book.extend(graph))
    names = (*layout.fraction_labels, *layout.effect_labels, "log-likelihood")
    assert all_of_them.names == names
    assert all_of_them.ranks.shape == (3, len(names))
    for number in range(3):
        truth = Posterior(layout.graph, *done.truths[number])
        survey = done.surveys[number]
        below = likelihoods(survey, done.found(number)) < likelihoods(survey, truth) - 1e-9
        assert all_of_them.ranks[number, -1] == below.sum()


def test_each_fit_has_a_truth_a_survey_and_a_seed_of_its_own(monkeypatch):
    graph = latent_graph()
    done = Fits(graph, monkeypatch)
    settings = {"codebook": with_item(graph), "people": 30, "fits": 3}
    calibrate(graph, **settings, seed=5, unmeasured=("other", "report"))
    assert [survey.n for survey in done.surveys] == [30] * 3
    for survey in done.surveys:
        assert survey.answered[["other", "report"]].tolist() == [0, 0]
        assert (survey.answered[["cause", "outcome"]] > 0.5).all()
    assert len({fractions.tobytes() for fractions, _ in done.truths}) == 3
    assert len({survey.codes.tobytes() for survey in done.surveys}) == 3
    assert len({asked.pop("seed") for asked in done.settings}) == 3
    # The model is compiled once.
    assert done.compiled == done.surveys[:1]
    asked = {
        "draws": 250,
        "tune": 400,
        "compiled": SimpleNamespace(compiled=1),
        "evidence": True,
        "progress": False,
    }
    assert done.settings == [asked] * 3
    # All of it follows from the seed.
    calibrate(graph, **settings, seed=5, draws=8, tune=9)
    calibrate(graph, **settings, seed=6)
    assert np.array_equal(done.truths[0][0], done.truths[3][0])
    assert not np.array_equal(done.truths[0][0], done.truths[6][0])
    assert [done.settings[3][name] for name in ("draws", "tune")] == [8, 9]


def test_without_a_codebook_every_node_is_asked(monkeypatch):
    graph = latent_graph()
    done = Fits(graph, monkeypatch)
    found = calibrate(graph, people=40, fits=1, seed=1)
    assert (done.surveys[0].answered > 0.5).all()
    assert found.draws == 100


def test_one_column_that_nobody_answered_may_be_named_alone(monkeypatch):
    graph = latent_graph()
    done = Fits(graph, monkeypatch)
    settings = {"codebook": with_item(graph), "people": 30, "fits": 1, "seed": 5}
    calibrate(graph, **settings, unmeasured="other")
    (survey,) = done.surveys
    assert survey.answered["other"] == 0
    assert survey.answered["report"] > 0.5
