"""Coverage is the share of intervals that hold the truth; ranks with ties at random are uniform."""

import json

import numpy as np
import pytest

from backrisk import Codebook, Posterior, load_graph
from backrisk.check import Coverage, measure_coverage
from backrisk.check.coverage import clustered
from backrisk.check.quantities import Quantity
from backrisk.errors import GraphError, QueryError
from backrisk.graph import CausalGraph
from backrisk.plotting import plot_calibration
from backrisk.summary import interval

GRAPH = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]}, outcome="y")
EXACT = {"missing": 0.0, "seed": 2, "draws": 100, "tune": 1}
LEVELS = (0.5, 0.8, 0.9, 0.95)
LEVEL = 0.99  # of which independent intervals have an error that is far below those found here


def test_shares_have_the_error_of_clusters():
    """Two members that always agree are one: the error is that of half as many."""
    rng = np.random.default_rng(1)
    alone = rng.random((400, 1)) < 0.8
    every = np.ones((400, 1), dtype=bool)
    share, error = clustered(alone, every, LEVEL)
    assert share == alone.mean()
    assert error == pytest.approx(alone.std(ddof=1) / 20)
    twice, wide = np.repeat(alone, 2, axis=1), np.repeat(every, 2, axis=1)
    assert clustered(twice, wide, LEVEL) == pytest.approx((share, error))
    apart = rng.random((400, 2)) < 0.8
    assert clustered(apart, wide, LEVEL)[1] == pytest.approx(error / np.sqrt(2), rel=0.15)
    # Members that do not count are as if they were not there.
    some = wide & np.array([True, False])
    assert clustered(twice, some, LEVEL) == pytest.approx((share, error))


def test_an_error_is_never_below_that_of_independent_intervals():
    whole = np.ones((25, 1), dtype=bool)
    assert clustered(whole, whole, 0.9) == pytest.approx((1.0, 0.06))
    share, error = clustered(whole[:1], whole[:1], 0.9)
    assert share == 1.0
    assert np.isnan(error)
    assert np.isnan(clustered(whole, ~whole, 0.9)).all()


def test_the_rate_of_clustered_errors():
    """The spread of shares over many studies is what the error says it is."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(400):
        fit = rng.random((60, 1))
        held = rng.random((60, 4)) < 0.6 + 0.4 * (fit < 0.5)
        use = rng.random((60, 4)) < 0.7
        found.append(clustered(held, use, 0.8))
    shares, errors = np.array(found).T
    assert shares.std() == pytest.approx(errors.mean(), rel=0.12)


def made(spread=1.0, zero=0.0, fits=400, draws=199, seed=5):
    """A study of normal posteriors of the right spread, or another, with mass at zero or without.

    Truth and posterior are exchangeable: each is at zero with the same probability by itself.
    """
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=(fits, 2))
    known = rng.random((fits, 2)) * 2 * zero  # the posterior probability of zero

    def draw(size, width=1.0):
        value = centre + width * rng.normal(size=(size, fits, 2))
        return np.where(rng.random((size, fits, 2)) < known, 0.0, np.abs(value))

    truth, drawn = draw(1)[0], draw(draws, spread)
    below, equal = (drawn < truth).sum(axis=0), (drawn == truth).sum(axis=0)
    rank = (below + rng.random((fits, 2)) * (equal + 1)) / (draws + 1)
    ends = np.stack([np.stack(interval(drawn, level), -1) for level in LEVELS], axis=2)
    names = (Quantity("risk", "", "her"), Quantity("risk", "", "him"))
    return Coverage(GRAPH, names, truth, rank, ends, LEVELS, 100, 0, 1)


def test_right_intervals_agree_and_narrow_ones_are_contradicted():
    right, narrow = made().table, made(spread=0.5).table
    assert right["kind"].tolist() == ["risk"] * 12
    assert set(right["verdict"][:4]) == {"agrees"}
    assert set(narrow["verdict"][:4]) == {"contradicted"}
    assert (right["verdict"][4:] == "").all()
    for row in right.to_dict("records"):
        assert abs(row["central"] - row["level"]) < 4.5 * row["central_error"]
        assert abs(row["coverage"] - row["level"]) < 4.5 * row["error"] + 2 / 199
        assert np.isnan(row["coverage_at_zero"])
        assert row["coverage_off_zero"] == row["coverage"]
    assert set(made(fits=12).table["verdict"][:4]) <= {"too little data to tell"}
    assert set(made(fits=1).table["verdict"][:4]) == {"too little data to tell"}


def test_mass_at_zero_is_held_too_often_and_ranks_are_right_all_the_same():
    found = made(zero=0.45)
    ninety = found.table.set_index("level").loc[0.9].iloc[0]
    assert ninety["at_zero"] == pytest.approx(0.45, abs=0.06)
    assert ninety["coverage"] > 0.9 + 3 * ninety["error"]
    assert ninety["coverage_at_zero"] > 0.99
    assert abs(ninety["central"] - 0.9) < 4.5 * ninety["central_error"]
    assert ninety["verdict"] == "agrees"
    parts = ninety["at_zero"], 1 - ninety["at_zero"]
    both = ninety["coverage_at_zero"], ninety["coverage_off_zero"]
    assert np.dot(parts, both) == pytest.approx(ninety["coverage"])
    assert "exactly 0" in found.text
    assert "exactly 0" not in made().text
    # The curves of ranks are those of uniform ones.
    ranks = found.ranks
    assert ranks.names == ("risk, her", "risk, him")
    assert np.abs(ranks.ecdf()).max() < 1.9 / np.sqrt(400)  # Kolmogorov's limit of 0.2 %
    assert plot_calibration(ranks.ecdf(), np.zeros((2, 100)))


def test_fits_of_an_exact_posterior_cover():
    found = measure_coverage(GRAPH, people=40, fits=60, quantities=["risk", "effect"], **EXACT)
    assert found.fits == 60
    assert found.unsound == 0
    assert {each.kind for each in found.quantities} == {"risk", "effect"}
    for row in found.table.to_dict("records"):
        assert abs(row["central"] - row["level"]) < 4.5 * row["central_error"]
    assert found.text.startswith("Synthetic: 60 surveys of 40 people")


def test_a_posterior_that_is_too_sure_is_found_out(monkeypatch):
    from backrisk.check import refitting

    real = refitting.fit

    def sure(*args, **settings):
        found = real(*args, **settings)
        middle = found.fractions.mean(axis=0)
        return Posterior(found.graph, middle + 0.3 * (found.fractions - middle), found.beta)

    monkeypatch.setattr(refitting, "fit", sure)
    found = measure_coverage(GRAPH, people=40, fits=25, quantities="effect", **EXACT)
    assert "contradicted" in set(found.table["verdict"])


def test_ranks_and_intervals_are_of_the_truth_among_the_draws(monkeypatch):
    """Fits that find a known set of draws: three of four below the truth, one equal to it."""
    from backrisk.check import refitting

    truths = []
    real = refitting.Simulated.truth

    def truth(simulated, rng):
        truths.append(real(simulated, rng))
        return truths[-1]

    def fit(graph, survey, **settings):
        true = truths[-1].posterior
        fractions = true.fractions * np.array([1.0, 1.1, 1.2, 1.3])[:, None]
        return Posterior(graph, np.minimum(fractions, 1.0), np.zeros((4, 0)), chains=4)

    monkeypatch.setattr(refitting.Simulated, "truth", truth)
    monkeypatch.setattr(refitting, "fit", fit)
    found = measure_coverage(GRAPH, people=9, fits=3, quantities="risk", levels=[0.5], **EXACT)
    for number, each in enumerate(truths):
        for column, quantity in enumerate(found.quantities):
            true = each.posterior.rows("y", np.array([[1]]))[0, 1, 0]
            assert quantity.person == "x: yes"
            assert found.truth[number, column] == pytest.approx(true)
            # More of the first state is less of the second: three draws lie below.
            assert 0.6 <= found.rank[number, column] <= 1.0
            draws = 1 - np.minimum((1 - true) * np.array([1.0, 1.1, 1.2, 1.3]), 1.0)
            expected = np.quantile(draws, [0.25, 0.75])
            np.testing.assert_allclose(found.ends[number, column, 0], expected, atol=1e-12)


def test_a_study_that_was_stopped_goes_on(tmp_path):
    study = {"people": 20, "quantities": "effect", **EXACT}
    whole = measure_coverage(GRAPH, fits=4, **study)
    path = tmp_path / "kept.jsonl"
    measure_coverage(GRAPH, fits=2, keep=path, **study)
    lines = path.read_text().splitlines()
    assert len(lines) == 3
    path.write_text(
        "\n".join([*lines[:2], lines[2].replace(str(json.loads(lines[2])["rank"][0]), "0.125")])
    )
    rest = measure_coverage(GRAPH, fits=4, keep=path, **study)
    assert rest.rank[1, 0] == 0.125  # what was kept is not fitted again
    np.testing.assert_array_equal(rest.truth, whole.truth)
    np.testing.assert_array_equal(rest.ends[2:], whole.ends[2:])
    np.testing.assert_array_equal(rest.rank[2:], whole.rank[2:])
    with pytest.raises(QueryError, match="another study"):
        measure_coverage(GRAPH, fits=4, keep=path, **{**study, "people": 21})


def test_what_is_nothing_by_construction_is_not_counted():
    """The share of a cause that does not play in this person: no truth and no interval but 0."""
    states = {name: ["no", "yes"] for name in "abc"}
    graph = CausalGraph.from_edges([("a", "b"), ("b", "c")], states, outcome="c")
    study = {"quantities": "share", "persons": {"her": {"b": "yes"}}, "people": 20, "fits": 3}
    found = measure_coverage(graph, **study, **EXACT)
    both = measure_coverage(graph, **{**study, "persons": {"her": {}}}, **EXACT)
    assert {each.cause for each in found.quantities} == {"a", "b"}
    assert {each.cause for each in both.quantities} == {"a"}


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"levels": [1.0]}, QueryError, "level is 1.0"),
        ({"quantities": "shares"}, QueryError, "did you mean 'share'"),
        ({"causes": "z"}, QueryError, "not a cause of 'y'"),
        ({"persons": {"her": {"x": "maybe"}}}, GraphError, "maybe"),
        ({"persons": {"her": {"z": "no"}}}, GraphError, "z"),
        ({"fits": 0}, QueryError, "fits is 0"),
        ({"people": 0}, QueryError, "people is 0"),
        ({"unmeasured": "z"}, QueryError, "neither a column"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_a_fit(wrong, error, said, monkeypatch):
    from backrisk.check import refitting

    monkeypatch.setattr(refitting, "fit", None)
    with pytest.raises(error, match=said):
        measure_coverage(GRAPH, **{"people": 20, "fits": 2, **EXACT, **wrong})


CORE = load_graph("runner_core")


def reading(items=(), design=None, asked=None):
    columns = {name: {"node": name} for name in CORE.names if name not in items}
    columns |= {f"{n}_report": {"item": n, "reliability": 0.7, "people": 50} for n in items}
    if asked:
        columns[asked[0]]["asked_if"] = {"when": asked[1]}
    data = {"name": "book", "graph": CORE.name, "columns": columns}
    return Codebook.from_dict(data | ({"design": design} if design else {}), CORE)


POPULATION = {"prevalence": 0.14, "people": 2000}
DESIGNS = {
    "latents": {"unmeasured": ["compensation", "lumbar_load"]},
    "items": {"codebook": reading(items=("compensation", "lumbar_load"))},
    "missing": {"missing": 0.2},
    "sites": {"sites": 3, "missing": 0.0},
    "cases": {"codebook": reading(design={"kind": "case_control", **POPULATION})},
    "matched": {"codebook": reading(design={"kind": "matched", "set": "pair", **POPULATION})},
    "skipped": {"codebook": reading(asked=("lumbar_load", "[compensation] = 'yes'"))},
}


@pytest.mark.slow
@pytest.mark.parametrize("design", DESIGNS)
def test_intervals_cover_in_every_design_whose_likelihood_is_that_of_the_survey(design):
    """Weights are left out: a pseudo-posterior promises no coverage."""
    study = {"people": 300, "fits": 60, "seed": 11, "causes": ["core_strength", "fatigue"]}
    found = measure_coverage(CORE, **study, **DESIGNS[design])
    kinds = found.table[found.table["verdict"] != ""].to_dict("records")
    assert len(kinds) == 16
    for row in kinds:
        assert abs(row["central"] - row["level"]) < 4.5 * row["central_error"], row
