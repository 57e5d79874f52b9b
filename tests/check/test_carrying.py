"""Models carried to another population: the stated shares hold, and all else stays as it was."""

import numpy as np
import pytest
from strategies import every_mechanism, random_graph, random_posterior, seeds

from backrisk import CausalGraph, Posterior, QueryError, load_posterior, risk
from backrisk.check import Population, stated_shares, transport
from backrisk.graph import Layout
from backrisk.posterior import Conflict, Diagnostics

TWO = ["no", "yes"]
EXACT = {"rtol": 0, "atol": 1e-12}


def there(graph, differs, **stated):
    return Population.from_dict({"name": "there", "differs": differs, **stated}, graph)


def confounded():
    """Age leads to a habit and to pain, the habit to pain."""
    graph = CausalGraph.from_edges(
        [("age", "habit"), ("age", "pain"), ("habit", "pain")],
        {"age": TWO, "habit": TWO, "pain": ["none", "mild", "severe"]},
    )
    return graph, random_posterior(np.random.default_rng(1), graph, 5)


def prior_draws(graph, draws, seed=1):
    fractions, beta = Layout(graph).draw_prior(draws, np.random.default_rng(seed))
    return Posterior(graph, fractions, beta)


def log_odds(cpt):
    """Log odds of lying above each state, (draw, row, cut)."""
    below = np.cumsum(cpt, axis=-1)[..., :-1]
    return (np.log1p(-below) - np.log(below)).reshape(len(cpt), -1, below.shape[-1])


@pytest.mark.parametrize("name", ["a", "b", "c", "o", "n", "s", "i", "r"])
def test_a_stated_distribution_holds_in_every_draw_and_nothing_else_moves(name):
    graph = every_mechanism()
    before = prior_draws(graph, 8)
    # A distribution that a noisy-max can reach lies above what its causes do alone.
    wanted = before.marginal(name).mean(axis=1) ** 1.2
    if graph.mechanism(name) == "noisy_max":
        wanted = np.array([0.1, 0.9]) * before.marginal(name).min()
        wanted[-1] = 1.0 - wanted[:-1].sum()
    wanted = wanted / wanted.sum()
    stated = {name: {"shares": dict(zip(graph.node(name).states, wanted.tolist(), strict=True))}}
    after = transport(before, there(graph, [name], shares=stated))
    np.testing.assert_allclose(after.marginal(name), np.tile(wanted[:, None], 8), **EXACT)
    for other in graph.names:
        if other != name:
            assert (after.cpt(other) == before.cpt(other)).all()


@pytest.mark.parametrize("name", ["o", "n", "s", "c", "m"])
def test_a_stated_event_holds_and_its_odds_ratios_are_kept(name):
    graph = every_mechanism()
    before = prior_draws(graph, 8)
    states = graph.node(name).states
    share = float(before.marginal(name)[1:].sum(axis=0).max()) ** 0.5
    after = transport(before, there(graph, [name], shares={f"{name}>={states[1]}": share}))
    np.testing.assert_allclose(after.marginal(name)[1:].sum(axis=0), share, **EXACT)
    moved = log_odds(after.cpt(name))[..., 0] - log_odds(before.cpt(name))[..., 0]
    if graph.mechanism(name) != "noisy_max":  # whose causes keep their contributions instead
        np.testing.assert_allclose(moved, np.tile(moved[:, :1], moved.shape[1]), atol=1e-9)
        return
    for one, other in zip(before.causes(name)[1], after.causes(name)[1], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_all_cutpoints_move_alike_where_an_event_is_stated():
    graph = every_mechanism()
    before = prior_draws(graph, 8)
    after = transport(before, there(graph, ["o"], shares={"o>=s2": 0.2}))
    moved = log_odds(after.cpt("o")) - log_odds(before.cpt("o"))
    np.testing.assert_allclose(moved, np.broadcast_to(moved[:, :1, :1], moved.shape), atol=1e-8)


def test_states_of_a_free_family_keep_their_local_odds_ratios():
    graph, before = confounded()
    shares = {"pain": {"shares": {"none": 0.5, "mild": 0.2, "severe": 0.3}}}
    after = transport(before, there(graph, ["pain"], shares=shares))
    np.testing.assert_allclose(after.marginal("pain")[:, 0], [0.5, 0.2, 0.3], **EXACT)
    ratio = np.log(after.cpt("pain")) - np.log(before.cpt("pain"))
    local = np.diff(ratio, axis=-1).reshape(5, -1, 2)
    np.testing.assert_allclose(local, np.tile(local[:, :1], (1, 4, 1)), atol=1e-9)


@pytest.mark.parametrize("seed", seeds(3, 20))
def test_a_population_that_differs_as_stated_is_recovered(seed):
    """Truth: another population with other roots, and other cutpoints of two ordinal nodes."""
    graph = every_mechanism()
    rng = np.random.default_rng(seed)
    here = prior_draws(graph, 1, seed)
    layout = here.layout
    fractions = np.array(here.fractions)
    for name in ("a", "b", "c"):
        part = layout.fraction_slices[name]
        fractions[:, part] = rng.uniform(0.2, 0.8, size=fractions[:, part].shape)
    start = layout.fraction_slices["o"].start
    fractions[:, start : start + 2] = rng.uniform(0.3, 0.7, size=(1, 2))
    elsewhere = Posterior(graph, fractions, here.beta)
    shares = {
        name: {
            "shares": dict(
                zip(graph.node(name).states, elsewhere.marginal(name)[:, 0].tolist(), strict=True)
            )
        }
        for name in ("a", "b", "c", "o")
    }
    carried = transport(here, there(graph, ["o", "a", "b", "c"], shares=shares))
    for name in graph.names:
        np.testing.assert_allclose(carried.cpt(name), elsewhere.cpt(name), atol=1e-10)


@pytest.mark.parametrize("seed", seeds(3, 20))
def test_a_stated_joint_distribution_of_a_family_takes_the_place_of_its_table(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 4, 0.7)
    here = random_posterior(rng, graph, 1)
    name = graph.names[-1]
    nodes = (*graph.parents(name), name)
    shape = tuple(len(graph.node(node).states) for node in nodes)
    table = rng.dirichlet(np.ones(np.prod(shape))).reshape(shape)
    stated = [{"nodes": list(nodes), "shares": table.tolist()}]
    carried = transport(here, there(graph, [name], joint=stated))
    expected = table / table.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(carried.cpt(name)[0], expected, **EXACT)


def test_a_joint_distribution_frees_an_ordinal_node_and_spares_the_parameters_of_others():
    graph = every_mechanism()
    before = prior_draws(graph, 4)
    table = np.random.default_rng(2).dirichlet(np.ones(72)).reshape(3, 2, 4, 3)
    stated = [{"nodes": ["a", "b", "c", "o"], "shares": table.tolist()}]
    after = transport(before, there(graph, ["o", "a"], joint=stated))
    given = table / table.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(after.cpt("o"), np.tile(given, (4, 1, 1, 1, 1)), **EXACT)
    np.testing.assert_allclose(after.cpt("a"), np.tile(table.sum(axis=(1, 2, 3)), (4, 1)), **EXACT)
    for name in ("b", "c", "m", "n", "s", "i", "r"):
        assert (after.cpt(name) == before.cpt(name)).all()
    # The graph has a, b and c independent; the table has not.
    assert "bits away" in after.carried[-1]


def test_stated_counts_carry_their_own_uncertainty():
    graph, _ = confounded()
    draws = 4000
    before = random_posterior(np.random.default_rng(3), graph, draws)
    shares = {"age": {"counts": {"no": 30, "yes": 10}}, "pain": {"share": 0.3, "se": 0.05}}
    after = transport(before, there(graph, ["age", "pain"], shares=shares), seed=5)
    for found, mean, sd in (
        (after.marginal("age")[1], 0.25, np.sqrt(0.25 * 0.75 / 41)),
        (after.marginal("pain")[1:].sum(axis=0), 0.3, 0.05),
    ):
        np.testing.assert_allclose(found.mean(), mean, atol=4 * sd / np.sqrt(draws))
        np.testing.assert_allclose(found.std(), sd, rtol=4 / np.sqrt(2 * draws) + 0.02)


def test_one_draw_takes_the_figures_as_they_are_stated():
    graph, before = confounded()
    one = before.subset(1)
    after = transport(one, there(graph, ["pain"], shares={"pain": {"share": 0.3, "people": 20}}))
    np.testing.assert_allclose(after.marginal("pain")[0], 0.7, **EXACT)


def test_the_prior_is_carried_too_and_survives_a_file(tmp_path):
    graph = every_mechanism()
    first, prior = prior_draws(graph, 6), prior_draws(graph, 5, seed=2)
    model = Posterior(
        graph,
        first.fractions,
        first.beta,
        prior_fractions=prior.fractions,
        prior_beta=prior.beta,
        log_prior=np.arange(6.0),
    )
    after = transport(model, there(graph, ["o"], shares={"o": 0.4}))
    np.testing.assert_allclose(after.prior.marginal("o")[0], 0.6, **EXACT)
    read = load_posterior(after.save(tmp_path / "carried.nc"))
    assert read.carried == after.carried
    assert (read.marginal("o") == after.marginal("o")).all()
    assert (read.log_prior == model.log_prior).all()


def test_every_answer_says_where_it_was_carried():
    graph, before = confounded()
    after = transport(before, there(graph, ["pain"], shares={"pain": 0.3}))
    told = risk(after, {"age": "yes"}).text
    assert "Carried to there" in told
    assert "only the baseline differs" in told
    assert before.carried == ()
    none = transport(before, there(graph, []))
    assert "no mechanism differs" in none.carried[0]
    assert (none.cpt("pain") == before.cpt("pain")).all()


def test_what_prior_and_data_disagreed_about_is_told_only_where_it_still_holds():
    graph, before = confounded()
    numbers = ((0.1, 0.0, 0.2), (0.5, 0.4, 0.6), 0.01)
    conflicts = tuple(
        Conflict(kind, node, "x", *numbers, "")
        for kind, node in (("margin", "age"), ("row", "habit"))
    )
    told = Posterior(
        graph, given=before.given, diagnostics=Diagnostics("given", conflicts=conflicts)
    )
    after = transport(told, there(graph, ["age"], shares={"age": 0.3}))
    assert [each.node for each in after.diagnostics.conflicts] == ["habit"]


@pytest.mark.parametrize(
    ("differs", "stated", "said"),
    [
        (["habit", "pain"], {"shares": {"pain": 0.3}}, "cannot be told apart"),
        (["habit"], {"shares": {"pain": 0.3}}, "cannot be told apart"),
        (["habit"], {"shares": {"age": 0.3}}, "nothing is stated of it"),
        (["pain"], {}, "nothing is stated of it"),
        (
            ["habit"],
            {"joint": [{"nodes": ["habit", "pain"], "shares": [[0.2, 0.2, 0.1]] * 2}]},
            "lacks what acts on it (age)",
        ),
    ],
)
def test_what_does_not_follow_is_refused_in_a_sentence(differs, stated, said):
    graph, before = confounded()
    with pytest.raises(QueryError, match=said.replace("(", r"\(").replace(")", r"\)")):
        transport(before, there(graph, differs, **stated))


def test_a_mechanism_that_nobody_measured_is_named_as_such():
    graph, before = confounded()
    unseen = Posterior(graph, given=before.given, meta={"answered": {"habit": 0.0}})
    with pytest.raises(QueryError, match="nobody measured it"):
        transport(unseen, there(graph, ["habit"]))


def test_a_share_beyond_what_the_causes_do_alone_is_refused():
    graph = CausalGraph.from_edges([("x", "y")], {"x": TWO, "y": TWO})
    certain = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.8, 0.2], [0.0, 1.0]]})
    with pytest.raises(QueryError, match="No baseline of y"):
        transport(certain, there(graph, ["y"], shares={"y": 0.4}))
    noisy = every_mechanism()
    before = prior_draws(noisy, 3)
    with pytest.raises(QueryError, match="No baseline of n"):
        transport(before, there(noisy, ["n"], shares={"n": 0.001}))


def test_a_model_is_carried_once_and_a_design_without_risks_never():
    graph, before = confounded()
    after = transport(before, there(graph, ["pain"], shares={"pain": 0.3}))
    with pytest.raises(QueryError, match="already carried to there"):
        transport(after, there(graph, ["pain"], shares={"pain": 0.4}))
    design = {"kind": "case_control", "outcome": "pain", "cases": "mild", "prevalence": None}
    chosen = Posterior(graph, given=before.given, meta={"design": design})
    with pytest.raises(QueryError, match="no risk can be told"):
        transport(chosen, there(graph, ["pain"], shares={"pain": 0.4}))
    anchored = Posterior(graph, given=before.given, meta={"design": {**design, "prevalence": 0.1}})
    moved = transport(anchored, there(graph, ["pain"], shares={"pain": 0.4}))
    assert moved.meta["design"]["prevalence"] == pytest.approx(0.4, abs=1e-12)


@pytest.mark.parametrize("away", [0.0, 0.5])
def test_a_share_that_is_stated_and_not_used_tests_the_diagram(away):
    graph, few = confounded()
    many = {name: np.repeat(few.cpt(name)[:1], 500, axis=0) for name in graph.names}
    here = Posterior.from_cpts(graph, many)
    moved = transport(here, there(graph, ["age"], shares={"age": 0.9}))
    own = float(moved.marginal("habit")[1].mean())
    told = {"share": own + away * (1 - own), "people": 1000}
    found = stated_shares(moved, there(graph, ["age"], shares={"age": 0.9, "habit": told}))
    assert found.contradicted == (("habit",) if away else ())
    assert ("contradicts" in found.text) == bool(away)
    assert found.table["used"].tolist() == [True, False]


def test_without_another_share_nothing_tests_the_diagram():
    graph, here = confounded()
    population = there(graph, ["age"], shares={"age": 0.9})
    assert "nothing tests" in stated_shares(transport(here, population), population).text
    with pytest.raises(QueryError, match="was not carried"):
        stated_shares(here, population)


def test_of_a_population_of_which_nothing_is_stated_nothing_is_shown():
    graph, here = confounded()
    found = stated_shares(transport(here, there(graph, [])), there(graph, []))
    assert found.table.empty
    assert found.contradicted == ()


def test_a_prior_that_cannot_be_carried_is_left_out():
    """In some draws of it the causes of a noisy-max alone do more than is stated."""
    graph = every_mechanism()
    prior = prior_draws(graph, 200)
    shares = prior.marginal("n")[1]
    least = [int(shares.argmin())]
    told = {"prior_fractions": prior.fractions, "prior_beta": prior.beta}
    model = Posterior(graph, prior.fractions[least], prior.beta[least], **told)
    stated = there(graph, ["n"], shares={"n": float(shares.min())})
    with pytest.raises(QueryError, match="No baseline"):
        transport(prior, stated)
    assert transport(model, stated).prior is None


def test_whether_a_question_is_answered_has_a_share_and_no_joint_distribution():
    graph = every_mechanism()
    stated = [{"nodes": ["a", "b", "c", "o", "r"], "shares": np.full((3, 2, 4, 3, 2), 1 / 144)}]
    stated[0]["shares"] = stated[0]["shares"].tolist()
    with pytest.raises(QueryError, match="whether a question was answered"):
        transport(prior_draws(graph, 2), there(graph, ["r"], joint=stated))
