"""A hidden common cause: what it leaves as it was, against every joint state written out."""

import itertools
import math
import pickle

import numpy as np
import pytest
from strategies import Brute, nominal_causes, random_graph, random_posterior, seeds

from backrisk import Confounding, Posterior, attribute, confounded, intervene, risk
from backrisk.errors import BackriskError, PosteriorError
from backrisk.graph import CausalGraph, Layout, Node
from backrisk.posterior import hidden_cause, with_confounding
from backrisk.posterior.hidden_cause import with_hidden_cause

ROUNDING = 1e-12
YES = ("no", "yes")


def law(posterior, names, draw=0):
    """Return P(names), all else summed out, in the order of their states."""
    found = {}
    brute = Brute(posterior, draw)
    for full, chance in brute.joint().items():
        state = dict(zip(brute.graph.names, full, strict=True))
        key = tuple(state[name] for name in names)
        found[key] = found.get(key, 0.0) + chance
    return np.array([found[key] for key in sorted(found)])


def with_any(rng, posterior):
    """Return a posterior with a hidden cause of two random nodes, of random strength."""
    first, second = map(str, rng.choice(posterior.graph.names, 2, replace=False))
    return confounded(
        posterior,
        first,
        second,
        odds_ratio=float(np.exp(rng.normal())),
        effect_odds_ratio=float(np.exp(1.5 * rng.normal())),
        prevalence=float(rng.uniform(0.1, 0.9)),
    )


@pytest.mark.parametrize("seed", seeds(8, 60))
def test_the_law_of_what_is_observed_is_kept_as_far_as_promised(seed):
    rng = np.random.default_rng(seed)
    before = random_posterior(rng, random_graph(rng, 5, 0.6))
    after, graph = with_any(rng, before), before.graph
    second = after.hidden.second
    kept = [
        [name for name in graph.names if name not in {second} | graph.descendants(second)],
        *([*graph.parents(name), name] for name in [second]),
    ]
    if after.cpts.pointwise:
        kept.append(list(graph.names))
    assert not after.cpts.averaged
    for names in kept:
        assert np.abs(law(after, names) - law(before, names)).max() < ROUNDING
    for name in graph.names:
        assert np.abs(after.marginal(name) - Posterior.marginal(after, name)).max() < ROUNDING


def test_both_ways_to_keep_the_law_are_tried():
    found = set()
    for seed in range(8):
        rng = np.random.default_rng(seed)
        found.add(with_any(rng, random_posterior(rng, random_graph(rng, 5, 0.6))).cpts.pointwise)
    assert found == {True, False}


def planted(rng, x_states, y_states, edge_from_z):
    """Return a truth with a hidden cause of x and y, and what a survey without it would show.

    z is a cause of x, and of y where asked; the rows without the hidden cause are random.
    """
    ratio_x, ratio_y, chance = 3.0, 0.4, 0.3

    def both(without, ratio):
        below = np.cumsum(without, axis=-1)[..., :-1]
        odds = below / (1 - below) / ratio
        ends = np.concatenate(
            [np.zeros_like(below[..., :1]), odds / (1 + odds), np.ones_like(below[..., :1])], -1
        )
        return np.stack([without, np.diff(ends)], axis=-2)

    z = np.array([0.4, 0.6])
    x = both(rng.dirichlet(np.ones(x_states), 2), ratio_x)  # z, u, x
    y = both(rng.dirichlet(np.ones(y_states), (x_states, 2)), ratio_y)  # x, z, u, y
    if not edge_from_z:
        y = np.repeat(y[:, :1], 2, axis=1)
    u = np.array([1 - chance, chance])
    joint = np.einsum("z,u,zux,xzuy->zuxy", z, u, x, y)
    seen = joint.sum(axis=1)  # z, x, y
    edges = [("z", "x"), ("x", "y"), *([("z", "y")] if edge_from_z else [])]
    states = {
        n: [f"s{k}" for k in range(s)] for n, s in (("z", 2), ("x", x_states), ("y", y_states))
    }
    graph = CausalGraph.from_edges(edges, states)
    by_cause = np.moveaxis(seen, 0, 1) if edge_from_z else seen.sum(axis=0)  # x, [z], y
    shown = Posterior.from_cpts(
        graph,
        {
            "z": z,
            "x": np.einsum("u,zux->zx", u, x),
            "y": by_cause / by_cause.sum(axis=-1, keepdims=True),
        },
    )
    model = confounded(
        shown, "x", "y", odds_ratio=ratio_x, effect_odds_ratio=ratio_y, prevalence=chance
    )
    return model, x, y, u, z


@pytest.mark.parametrize(
    ("x_states", "y_states", "edge_from_z"),
    list(itertools.product((2, 3), (2, 4), (True, False))),
)
def test_a_hidden_cause_that_was_planted_with_that_strength_is_recovered(
    x_states, y_states, edge_from_z
):
    """Every cell of the truth follows from what it shows, and so does the effect."""
    rng = np.random.default_rng(x_states + 10 * y_states)
    model, x, y, u, z = planted(rng, x_states, y_states, edge_from_z)
    assert np.abs(model.cpt("x")[0] - x).max() < ROUNDING
    expected = y if edge_from_z else y[:, 0]
    assert np.abs(model.cpt("y")[0] - expected).max() < ROUNDING
    done = np.einsum("z,u,zuy->y", z, u, y[0])
    found = intervene(model, {}, {"x": "s0"}).draws[0]
    assert found == pytest.approx(1 - done[0], abs=ROUNDING)


def test_odds_are_multiplied_at_every_state_and_in_every_row():
    rng = np.random.default_rng(5)
    graph = CausalGraph.from_edges(
        [("z", "x"), ("x", "y"), ("z", "y")],
        {"z": ["a", "b"], "x": ["a", "b", "c"], "y": ["a", "b", "c", "d"]},
    )
    model = confounded(
        random_posterior(rng, graph), "x", "y", odds_ratio=2.5, effect_odds_ratio=0.2
    )
    for name, ratio in (("x", 2.5), ("y", 0.2)):
        below = np.cumsum(model.cpt(name), axis=-1)[..., :-1]
        odds = (1 - below) / below
        assert odds[..., 1, :] / odds[..., 0, :] == pytest.approx(ratio, rel=1e-9)


def test_a_node_without_an_order_is_at_its_reference_or_not():
    rng = np.random.default_rng(6)
    graph = nominal_causes()
    before = random_posterior(rng, graph)
    model = confounded(before, "kind", "other", odds_ratio=3.0, effect_odds_ratio=4.0)
    for name, ratio in (("kind", 3.0), ("other", 4.0)):
        table = model.cpt(name)
        odds = (1 - table[..., 0]) / table[..., 0]
        assert odds[..., 1] / odds[..., 0] == pytest.approx(ratio, rel=1e-9)
        elsewhere = table[..., 1:] / table[..., 1:].sum(axis=-1, keepdims=True)
        assert elsewhere[..., 0, :] == pytest.approx(elsewhere[..., 1, :], abs=ROUNDING)
    names = ["kind", "a", "other"]
    assert np.abs(law(model, names) - law(before, names)).max() < ROUNDING


def test_rows_that_are_certain_stay_so():
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["a", "b", "c"], "y": ["a", "b"]})
    before = Posterior.from_cpts(
        graph, {"x": [0.5, 0.0, 0.5], "y": [[1.0, 0.0], [0.3, 0.7], [0.0, 1.0]]}
    )
    model = confounded(before, "x", "y", odds_ratio=5.0)
    assert np.isfinite(model.cpt("y")).all()
    assert model.cpt("y")[0, [0, 2]].tolist() == [[[1, 0], [1, 0]], [[0, 1], [0, 1]]]
    assert model.cpt("x")[0, :, 1].tolist() == [0.0, 0.0]
    assert not model.positive("x")
    assert np.abs(law(model, ["x", "y"]) - law(before, ["x", "y"])).max() < ROUNDING


@pytest.mark.parametrize("name", ["n3", "n4"])
def test_a_cpt_is_the_same_however_it_is_asked_for(name):
    rng = np.random.default_rng(3)
    before = random_posterior(rng, random_graph(rng, 5, 1.0), draws=4)
    allowed = [Confounding("n3", "n4", sd=1.0)]
    model, _ = with_confounding(before, allowed, "n4")
    whole, graph = model.cpt(name), model.graph
    every = np.argwhere(np.ones(graph.shape(name)[:-1]))
    at = np.moveaxis(whole[(slice(None), *every.T)], 0, -1)
    assert model.rows(name, every) == pytest.approx(at, abs=0)
    codes = [rng.integers(size, size=(7, 4)) for size in graph.shape(name)[:-1]]
    levels = model.levels(name, codes)
    below = np.cumsum(whole, axis=-1)
    wanted = below[(np.arange(4), *codes)][..., :-1]
    assert levels == pytest.approx(np.moveaxis(wanted, -1, 0), abs=ROUNDING)
    one = [code[:1, :1] for code in codes]  # the same in every draw
    assert model.levels(name, one)[:, 0] == pytest.approx(
        below[(slice(None), *(int(code[0, 0]) for code in one))][:, :-1].T, abs=ROUNDING
    )
    open_axes = (np.array([1]), *(slice(None),) * (len(codes) - 1))
    assert model.table(name)[1:2] == pytest.approx(model.cut(name, open_axes)(slice(None)), abs=0)
    some = model.subset(2)
    assert some.cpt(name) == pytest.approx(whole[model.spaced(2)], abs=ROUNDING)


def test_where_all_that_tells_is_too_much_the_rest_is_averaged_over(monkeypatch):
    rng = np.random.default_rng(0)
    states = {name: ["no", "yes"] for name in ("a", "b", "c", "x", "m", "y")}
    edges = [("a", "x"), ("b", "m"), ("c", "m"), ("x", "m")]
    edges += [("m", "y"), ("a", "y"), ("b", "y"), ("c", "y")]
    before = random_posterior(rng, CausalGraph.from_edges(edges, states))
    whole = confounded(before, "x", "y", odds_ratio=4.0)
    assert not whole.cpts.averaged
    assert not whole.cpts.pointwise
    monkeypatch.setattr(hidden_cause, "_GIVEN", 4)
    model = confounded(before, "x", "y", odds_ratio=4.0)
    assert set(model.cpts.averaged) == {"b", "c"}
    given, chance = model.cpts.of_second
    brute = Brute(model, 0)
    for row in itertools.product((0, 1), repeat=2):
        told = brute.probability(
            lambda state: state[model.hidden.name] == 1, dict(zip(given, row, strict=True))
        )
        assert chance[(*row, 0)] == pytest.approx(told, abs=ROUNDING)
    # P(U | a, m), now the chance in every row, is what the model without y has.
    assert not np.allclose(model.cpt("y"), whole.cpt("y"))


def test_no_strength_is_no_hidden_cause():
    rng = np.random.default_rng(9)
    before = random_posterior(rng, random_graph(rng, 4, 0.8), draws=3)
    model = confounded(before, "n0", odds_ratio=1.0)
    person = {"n1": "s1"}
    assert risk(model, person).draws == pytest.approx(risk(before, person).draws, abs=ROUNDING)
    shares = attribute(before, person), attribute(model, person)
    assert shares[0].draws == pytest.approx(shares[1].draws, abs=1e-9)


def test_two_hidden_causes_one_after_the_other_keep_the_law():
    rng = np.random.default_rng(11)
    before = random_posterior(rng, random_graph(rng, 4, 1.0))
    once = confounded(before, "n2", "n3", odds_ratio=3.0)
    twice = confounded(once, "n2", "n3", odds_ratio=0.5, effect_odds_ratio=4.0)
    assert len(twice.graph.names) == 6
    names = list(before.graph.names)
    assert np.abs(law(twice, names) - law(before, names)).max() < ROUNDING
    assert len(twice.supposed) == 2


def test_a_strength_that_is_known_is_a_prior_without_spread():
    rng = np.random.default_rng(2)
    before = random_posterior(rng, random_graph(rng, 4, 1.0), draws=5)
    fixed = confounded(before, "n1", odds_ratio=2.0)
    drawn, said = with_confounding(before, Confounding("n1", sd=0.0, mean=math.log(2.0)), "n3")
    assert drawn.cpt("n3") == pytest.approx(fixed.cpt("n3"), abs=ROUNDING)
    assert len(said) == 1


def test_strengths_differ_between_draws_and_widen_the_interval():
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.4, 0.6]]]}
    same = {name: np.repeat(table, 2000, axis=0) for name, table in cpts.items()}
    before = Posterior.from_cpts(graph, same)
    asked = (before, {"x": "yes"}, {"x": "no"})
    answer = intervene(*asked, confounding=Confounding("x", sd=1.0), seed=3)
    assert np.ptp(intervene(*asked).draws) == 0
    # With any sign as likely, half of the draws lie on either side of what was without it.
    above = (answer.draws > 0.3).mean()
    assert abs(above - 0.5) < 4 * math.sqrt(0.25 / 2000)
    assert answer.draws.std() > 0.02
    assert np.ptp(answer.before) < ROUNDING
    assert "that nobody measured" in answer.text
    feigned = intervene(*asked, confounding=Confounding("x", sd=0.1, mean=1.0), seed=3)
    assert (feigned.draws > 0.3).all()


def test_the_prior_of_a_fitted_model_has_the_hidden_cause_too(core_prior):
    answer = attribute(
        core_prior, {"fatigue": "high"}, confounding=Confounding("fatigue", sd=0.4), seed=1
    )
    assert not np.isnan(answer.support.contraction[answer.causes.index("fatigue")])
    assert answer.draws.sum(axis=1) == pytest.approx(answer.total, abs=1e-9)
    assert "u_fatigue_pain" not in answer.causes
    assert sum("that nobody measured" in note for note in answer.notes) == 1


def test_what_is_supposed_is_told_with_every_answer(core_prior):
    model = confounded(core_prior, "fatigue", odds_ratio=2.0, effect_odds_ratio=0.5)
    (said,) = model.supposed
    assert "2.0 into fatigue" in said
    assert "1/2.0 into" in said
    assert said in risk(model, {"fatigue": "high"}).warnings


def test_the_model_of_a_site_has_the_hidden_cause_too(core_prior):
    model = confounded(core_prior, "fatigue")
    assert model.at_site("average").cpt("pain").shape == model.cpt("pain").shape
    with pytest.raises(PosteriorError, match="no sites"):
        model.at_site("north")


def test_a_supposed_cause_is_not_saved(core_prior, tmp_path):
    with pytest.raises(PosteriorError, match="is not saved"):
        confounded(core_prior, "fatigue").save(tmp_path / "model.nc")
    assert not list(tmp_path.iterdir())


def test_names_that_are_taken_are_not_taken_again():
    states = {name: ["no", "yes"] for name in ("x", "y", "u_x_y")}
    graph = CausalGraph.from_edges([("x", "y")], states, outcome="y")
    before = random_posterior(np.random.default_rng(0), graph)
    assert confounded(before, "x").graph.names == ("x", "y", "u_x_y", "u_x_y_")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"cause": "pain"}, "both are 'pain'"),
        ({"cause": "pein"}, "no node 'pein'"),
        ({"cause": "fatigue", "effect": "nothing"}, "no node 'nothing'"),
        ({"cause": "fatigue", "odds_ratio": 0.0}, "odds ratio of the hidden cause is 0.0"),
        ({"cause": "fatigue", "odds_ratio": math.nan}, "odds ratio of the hidden cause is nan"),
        ({"cause": "fatigue", "effect_odds_ratio": 1e3}, "is 1000.0"),
        ({"cause": "fatigue", "prevalence": 1.0}, "between 0 and 1"),
    ],
)
def test_what_makes_no_hidden_cause_is_refused(core_prior, asked, words):
    with pytest.raises(BackriskError, match=words):
        confounded(core_prior, **asked)


@pytest.mark.parametrize("wrong", [{"sd": -0.1}, {"sd": math.inf}, {"mean": math.nan}])
def test_what_makes_no_prior_of_a_strength_is_refused(wrong):
    with pytest.raises(PosteriorError, match="Log odds ratios"):
        Confounding("x", **wrong)


def test_an_answer_and_a_graph_without_an_outcome_are_refused():
    from strategies import runner_with_items

    graph = runner_with_items()
    layout = Layout(graph)
    before = Posterior(graph, *layout.draw_prior(1, np.random.default_rng(1)))
    with pytest.raises(PosteriorError, match="records an answer"):
        confounded(before, "plank_seconds")
    apart = CausalGraph.from_edges([], {"x": ["no", "yes"], "y": ["no", "yes"]})
    nothing = Posterior.from_cpts(apart, {"x": [0.5, 0.5], "y": [0.5, 0.5]})
    with pytest.raises(PosteriorError, match="name both nodes"):
        confounded(nothing, "x")
    assert confounded(nothing, "x", "y").cpts.pointwise is False


def test_a_model_with_a_hidden_cause_is_pickled_whole():
    rng = np.random.default_rng(8)
    before = random_posterior(rng, random_graph(rng, 4, 0.8))
    model = confounded(before, "n0", odds_ratio=3.0)
    model.cpt("n3")  # computed, and not part of the pickle
    again = pickle.loads(pickle.dumps(model))
    assert again.supposed == model.supposed
    assert again.cpt("n3") == pytest.approx(model.cpt("n3"), abs=0)


def test_a_hidden_cause_of_what_is_constant_is_constant_too():
    """Nothing that moves may cause what stays; of two that move it is one of the moment."""
    nodes = (Node("trait", YES, constant=True), Node("load", YES), Node("pain", YES))
    graph = CausalGraph("g", nodes, (), outcome="pain")
    for first, constant in (("trait", True), ("load", False)):
        with_hidden, name = with_hidden_cause(graph, first, "pain")
        assert with_hidden.node(name).constant is constant
