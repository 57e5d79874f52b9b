"""The value: its draws, its CPTs, what it computes once, and smaller copies of it."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from backrisk import CausalGraph, Codebook, GraphError, Posterior, QueryError, risk
from backrisk.graph import Edge, Layout, Node, Prior
from backrisk.inference import Stacked, World, joint_of_people
from backrisk.posterior import Diagnostics, SiteEffects

TWO = {"x": ["no", "yes"], "y": ["no", "yes"]}


@pytest.fixture
def graph():
    return CausalGraph.from_edges([("x", "y")], TWO)


@pytest.fixture
def given(graph):
    rng = np.random.default_rng(0)
    cpts = {"x": rng.dirichlet([1, 1], size=400), "y": rng.dirichlet([1, 1], size=(400, 2))}
    return replace(
        Posterior.from_cpts(graph, cpts),
        codebook=Codebook.plain(graph),
        diagnostics=Diagnostics("elsewhere"),
        meta={"survey": "ours"},
    )


@pytest.fixture
def fitted(graph):
    layout, rng = Layout(graph), np.random.default_rng(1)
    fractions, beta = layout.draw_prior(400, rng)
    before = layout.draw_prior(600, rng)
    sites = SiteEffects(("a",), rng.normal(size=(400, 1, 0)), rng.random((400, 0)))
    return Posterior(
        graph,
        fractions,
        beta,
        chains=4,
        diagnostics=Diagnostics("nutpie"),
        codebook=Codebook.plain(graph),
        prior_fractions=before[0],
        prior_beta=before[1],
        sites=sites,
        meta={"survey": "ours"},
    )


@pytest.mark.parametrize("kind", ["given", "fitted"])
def test_fewer_draws_are_spaced_evenly_and_keep_everything_else(kind, request):
    posterior = request.getfixturevalue(kind)
    fewer = posterior.subset(5)
    kept = [0, 99, 199, 299, 399]  # both ends, a quarter apart
    assert posterior.spaced(5).tolist() == kept
    assert fewer.draws == 5
    assert fewer.chains == 1
    for name in TWO:
        assert np.array_equal(fewer.cpt(name), posterior.cpt(name)[kept])
    for part in ("graph", "diagnostics", "codebook", "prior_fractions", "prior_beta"):
        assert getattr(fewer, part) is getattr(posterior, part)
    assert fewer.meta.items() >= posterior.meta.items()
    assert fewer.checksum == posterior.checksum
    if posterior.sites is not None:
        assert fewer.sites.names == ("a",)
        assert np.array_equal(fewer.sites.shift, posterior.sites.shift[kept])
        assert np.array_equal(fewer.sites.scale, posterior.sites.scale[kept])


@pytest.mark.parametrize("draws", [400, 401])
def test_what_has_no_more_draws_stays_itself(given, fitted, draws):
    for posterior in (given, fitted):
        assert posterior.subset(draws) is posterior
        assert posterior.spaced(draws).tolist() == list(range(400))
    assert given.subset(399).draws == 399


def test_few_draws_stand_in_for_averages_over_many_questions(given, fitted):
    assert given.thinned.draws == 100
    assert given.thinned is given.thinned
    assert fitted.beside_prior.draws == 400 + 250
    assert given.beside_prior is given
    first = fitted.beside_prior.table("y")
    assert np.array_equal(first[..., :400], fitted.table("y"))
    assert np.array_equal(first[..., 400:], fitted.prior.subset(250).table("y"))


def test_the_prior_is_a_posterior_of_prior_draws(given, fitted):
    assert (given.has_prior, given.prior) == (False, None)
    assert fitted.has_prior
    assert fitted.prior.draws == 600
    assert fitted.prior.codebook is fitted.codebook
    assert fitted.prior.fractions is fitted.prior_fractions
    assert fitted.prior.beta is fitted.prior_beta


def test_a_cpt_has_its_draws_first_and_a_table_has_them_last_side_by_side(given, fitted):
    for posterior in (given, fitted):
        assert posterior.cpt("y").shape == (400, 2, 2)
        assert posterior.table("y").shape == (2, 2, 400)
        assert posterior.table("y").flags.c_contiguous
        assert np.array_equal(posterior.cpt("y")[7], posterior.table("y")[..., 7])
        with pytest.raises(GraphError, match="'z'"):
            posterior.cpt("z")


def test_only_the_rows_that_are_asked_for_are_computed(fitted, monkeypatch):
    asked, rows = [], Layout.rows

    def counted(self, name, fractions, beta, which):
        asked.append(which.tolist())
        return rows(self, name, fractions, beta, which)

    monkeypatch.setattr(Layout, "rows", counted)
    fitted.table("y", (1,))
    fitted.table("y")
    assert asked == [[[1]], [[0]]]


def test_a_marginal_is_that_of_the_whole_population_found_once_and_read_only(given):
    found = given.marginal("y")
    share = given.cpt("x")
    expected = np.einsum("dx,dxy->yd", share, given.cpt("y"))
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert given.marginal("y") is found
    with pytest.raises(ValueError, match="read-only"):
        found[:] = 0.0


def test_a_noisy_max_is_found_in_tables_that_have_its_form():
    """P(y=0 | a, b) of a noisy-or is the leak's times each present cause's: 0.9 x 0.2 x 0.4."""
    graph = CausalGraph.from_edges(
        [("a", "y"), ("b", "y")], {name: ["no", "yes"] for name in "aby"}
    )
    absent = 0.9 * np.array([1.0, 0.2])[:, None] * np.array([1.0, 0.4])
    cpts = {"a": [0.5, 0.5], "b": [0.5, 0.5], "y": np.stack([absent, 1 - absent], axis=-1)}
    posterior = Posterior.from_cpts(graph, cpts)
    leak, causes = posterior.causes("y")
    np.testing.assert_allclose(leak[:, 0], [0.9, 1.0])
    np.testing.assert_allclose([cause[1, 0, 0] for cause in causes], [0.2, 0.4])
    assert posterior.causes("y") is posterior.causes("y")
    cpts["y"] = np.array([[[0.9, 0.1], [0.2, 0.8]], [[0.8, 0.2], [0.9, 0.1]]])
    assert Posterior.from_cpts(graph, cpts).causes("y") is None


def test_a_form_that_only_the_first_draws_have_is_not_taken_for_all(graph):
    """With one parent any CPT whose risk grows is a noisy-max; the last of 20 draws falls."""
    rows = np.tile([[0.7, 0.3], [0.2, 0.8]], (20, 1, 1))
    rows[10] = [[0.2, 0.8], [0.7, 0.3]]
    assert Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": rows}).causes("y") is None


def test_no_cell_is_zero_where_it_says_so(graph, fitted):
    cpts = {"x": [0.5, 0.5], "y": [[1.0, 0.0], [0.2, 0.8]]}
    posterior = Posterior.from_cpts(graph, cpts)
    assert [posterior.positive(name) for name in ("x", "y")] == [True, False]
    assert fitted.positive("y")


def many_parents(draws, parents=16, kind="ordinal_logit"):
    """A posterior of draws from the prior, of a node with many parents of two or three states."""
    names = [f"n{i}" for i in range(parents)]
    nodes = [Node(n, ("a", "b", "c")[: 2 + i % 2]) for i, n in enumerate(names)]
    edges = tuple(Edge(n, "y", "Claim.", "stated", "weak", Prior(0.2, 0.3)) for n in names)
    large = Node("y", ("no", "yes"), mechanism=kind)
    layout = Layout(CausalGraph("large", (*nodes, large), edges, outcome="y"))
    return Posterior(layout.graph, *layout.draw_prior(draws, np.random.default_rng(0)))


@pytest.mark.parametrize("kind", ["ordinal_logit", "noisy_max"])
def test_a_node_of_many_parents_is_asked_about_without_its_table(kind):
    """Of 3.4 million cells a draw, a question needs those of the parents nobody reported."""
    posterior = many_parents(500, kind=kind)
    seen = {f"n{i}": i % 2 for i in range(14)}
    tracemalloc.start()
    try:
        found = World(posterior, seen, {}).conditional([("y", 0)])[1]
        assert tracemalloc.get_traced_memory()[1] < 2**25
        both = joint_of_people(
            posterior, np.array([[*(i % 2 for i in range(14)), -1, -1, -1]]), [("y", 0)], rows=9
        )
    finally:
        tracemalloc.stop()
    last = [posterior.rows(n, np.zeros((1, 0), dtype=int))[0] for n in ("n14", "n15")]
    expected = np.zeros(500)
    for i, j in np.ndindex(2, 3):
        row = np.array([[*(k % 2 for k in range(14)), i, j]])
        expected += last[0][i] * last[1][j] * posterior.rows("y", row)[0, 1]
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    np.testing.assert_allclose(both[0, 1] / both[0].sum(axis=0), expected, rtol=1e-10)
    assert (posterior.causes("y") is None) == (kind == "ordinal_logit")


def test_two_posteriors_are_asked_together_without_their_tables(monkeypatch):
    posterior, prior = many_parents(6, parents=4), many_parents(5, parents=4)
    stacked = Stacked(posterior, prior)
    at = (np.array([0, 1]), slice(None), np.array([1]), slice(None))
    expected = stacked.cut("y", at)(slice(None))
    monkeypatch.setattr("backrisk.graph.mechanisms.KEPT_TABLE", 0)
    fresh = Stacked(replace(posterior), replace(prior))
    for some in (slice(None), slice(2, 5), slice(4, 9), slice(6, 11), slice(7, 9)):
        np.testing.assert_allclose(fresh.cut("y", at)(some), expected[..., some], rtol=1e-12)
    assert not fresh._joined


def test_the_mean_of_a_table_is_that_of_its_draws(monkeypatch):
    posterior = many_parents(7, parents=3)
    expected = posterior.cpt("y").mean(axis=0)
    np.testing.assert_allclose(posterior.mean_cpt("y"), expected, rtol=1e-12)
    monkeypatch.setattr("backrisk.graph.mechanisms.KEPT_TABLE", 0)
    monkeypatch.setattr("backrisk.posterior.posterior._AT_ONCE", 40)
    np.testing.assert_allclose(posterior.mean_cpt("y"), expected, rtol=1e-12)
    with pytest.raises(QueryError, match="with its 24 parents has"):
        many_parents(1, parents=24).mean_cpt("y")


def test_a_table_too_large_to_hold_is_refused_before_it_is_laid_out():
    """16 parents: 2**17 cells of 8 bytes, 1 MiB a draw; 2,049 draws are more than 2 GiB."""
    parents = [f"n{i}" for i in range(16)]
    nodes = tuple(Node(name, ("no", "yes")) for name in parents)
    edges = tuple(Edge(n, "y", "Claim.", "stated", "weak", Prior(0.0, 1.0)) for n in parents)
    large = Node("y", ("no", "yes"), mechanism="ordinal_logit")
    layout = Layout(CausalGraph("large", (*nodes, large), edges, outcome="y"))
    posterior = Posterior(layout.graph, *layout.draw_prior(2049, np.random.default_rng(0)))
    with pytest.raises(QueryError, match="131,072 cells"):
        posterior.table("y")
    assert posterior.table("n0").shape == (2, 2049)


def test_given_and_computed_tables_answer_alike(fitted):
    given = Posterior.from_cpts(fitted.graph, {name: fitted.cpt(name) for name in TWO})
    for person in ({}, {"x": "yes"}):
        np.testing.assert_allclose(
            risk(given, person, target="y").draws, risk(fitted, person, target="y").draws
        )


def test_whom_a_survey_compared_is_told_before_what_the_fit_warns_of(given):
    assert replace(given, meta={"population": ""}).warnings == given.diagnostics.warnings
    warned = Diagnostics("nutpie", warnings=("Too few draws.",))
    told = replace(given, meta={"population": "Patients only."}, diagnostics=warned)
    assert told.warnings == ("Patients only.", "Too few draws.")
    assert replace(told, meta={}).warnings == ("Too few draws.",)
    assert risk(told, {}).warnings == told.believed
    assert told.believed[0] == "Patients only."
    assert len(told.believed) == 2
    assert "Patients only." in risk(told, {"x": "yes"}).text
