"""Problems whose answers stand in print, asked as a user would: from CPTs alone."""

import itertools

import numpy as np
import pytest

from backrisk import (
    CausalGraph,
    Posterior,
    QueryError,
    attribute,
    counterfactual,
    diagnose,
    intervene,
    risk,
)

TWO = ["no", "yes"]
COPY, EITHER = [[1, 0], [0, 1]], [[[1, 0], [0, 1]], [[0, 1], [0, 1]]]
EXACT = {"rtol": 0, "atol": 1e-12}


def flip(*shares):
    """Return rows of P(no), P(yes)."""
    return [[1 - share, share] for share in shares]


def network(edges, cpts, states=None, outcome=None):
    states = dict.fromkeys(cpts, TWO) if states is None else states
    return Posterior.from_cpts(CausalGraph.from_edges(edges, states, outcome=outcome), cpts)


def test_the_firing_squad():
    """Pearl 2009, chapter 7: the court orders, the captain signals, two riflemen shoot."""
    edges = [("court", "captain"), ("captain", "a"), ("captain", "b"), ("a", "death")]
    edges.append(("b", "death"))
    order, nervous = 0.7, 0.2
    cpts = {"court": [1 - order, order], "captain": COPY, "a": COPY, "b": COPY, "death": EITHER}
    squad = network(edges, cpts)
    assert counterfactual(squad, {"death": "yes"}, {"a": "no"}).draws == 1.0
    assert attribute(squad, {"death": "yes", "a": "yes"}, ["a"], method="necessity").draws == 0.0
    assert intervene(squad, {"court": "no"}, {"a": "yes"}).draws == 1.0
    # A nervous rifleman may shoot unasked; the two shots then need not agree.
    squad = network(edges, cpts | {"a": flip(nervous, 1.0)})
    alive = 1 - counterfactual(squad, {"death": "yes"}, {"a": "no"}).draws
    shot = (1 - order) * nervous / (1 - (1 - order) * (1 - nervous))
    np.testing.assert_allclose(alive, shot, **EXACT)


def test_the_desert_traveller():
    """Pearl 2009, chapter 10: one enemy poisons the canteen, another shoots it empty."""
    edges = [("shot", "cyanide"), ("poison", "cyanide"), ("shot", "thirst")]
    edges += [("cyanide", "death"), ("thirst", "death")]
    cpts = {"shot": [0.5, 0.5], "poison": [0.5, 0.5], "thirst": COPY, "death": EITHER}
    cpts["cyanide"] = [[[1, 0], [0, 1]], [[1, 0], [1, 0]]]
    desert = network(edges, cpts)
    dead = {"shot": "yes", "poison": "yes", "death": "yes"}
    # Neither enemy was necessary, both together were; death came by thirst.
    needed = attribute(desert, dead, ["shot", "poison", ("shot", "poison")], method="necessity")
    np.testing.assert_allclose(needed.draws, [[0, 0, 1]], **EXACT)
    routes = attribute(desert, dead, method="pathways")
    assert dict(zip(routes.causes, routes.draws[0].tolist(), strict=True)) == {
        "cyanide": 0.0,
        "thirst": 1.0,
    }


def test_a_drug_that_the_law_holds_responsible():
    """Pearl 2009, chapter 9: experiment and practice together make PN certain."""
    drug = network(
        [("choice", "drug"), ("choice", "death"), ("drug", "death")],
        {"choice": [0.5, 0.5], "drug": COPY, "death": [flip(0.028, 0.030), flip(0.0, 0.002)]},
    )
    for state, share in (("yes", 0.016), ("no", 0.014)):
        np.testing.assert_allclose(intervene(drug, {}, {"drug": state}).draws, share, **EXACT)
    needed = attribute(drug, {"drug": "yes", "death": "yes"}, ["drug"], method="necessity")
    np.testing.assert_allclose([needed.draws, *needed.bounds], 1.0, **EXACT)


def test_radiation_and_leukaemia():
    """Pearl 2009, chapter 9, on counts of Finkelstein and Levin: PN .375, PS .000163."""
    exposed, unexposed = 30 / 69160, 16 / 59026
    model = network(
        [("radiation", "leukaemia")],
        {"radiation": [0.5, 0.5], "leukaemia": flip(unexposed, exposed)},
    )
    ill = {"radiation": "yes", "leukaemia": "yes"}
    risen = exposed - unexposed
    for method, share in (
        ("necessity", risen / exposed),
        ("sufficiency", risen / (1 - unexposed)),
        ("necessity_and_sufficiency", risen),
    ):
        found = attribute(model, ill, method=method)
        np.testing.assert_allclose(found.draws, share, **EXACT)
        np.testing.assert_allclose(found.bounds[0], share, **EXACT)


def test_kidney_stones_turn_the_comparison_round():
    """Charig et al. 1986, doi:10.1136/bmj.292.6524.879: Simpson's paradox."""
    small, large = 357 / 700, 343 / 700
    a, b = (81 / 87, 192 / 263), (234 / 270, 55 / 80)  # success with small and with large stones
    stones = network(
        [("size", "treatment"), ("size", "success"), ("treatment", "success")],
        {
            "size": [small, large],
            "treatment": [[87 / 357, 270 / 357], [263 / 343, 80 / 343]],
            "success": [flip(a[0], b[0]), flip(a[1], b[1])],
        },
        {"size": ["small", "large"], "treatment": ["a", "b"], "success": TWO},
    )
    seen = [risk(stones, {"treatment": t}).draws[0] for t in "ab"]
    done = [intervene(stones, {}, {"treatment": t}).draws[0] for t in "ab"]
    np.testing.assert_allclose(seen, [273 / 350, 289 / 350], **EXACT)
    np.testing.assert_allclose(done, [small * x + large * y for x, y in (a, b)], **EXACT)
    assert seen[0] < seen[1]
    assert done[0] > done[1]


def test_the_front_door():
    """Pearl 2009, chapter 3: the effect through a mediator, from what is seen alone."""
    rng = np.random.default_rng(0)
    u, x, z, y = 0.3, rng.random(2), rng.random(2), rng.random((2, 2))
    model = network(
        [("u", "x"), ("x", "z"), ("z", "y"), ("u", "y")],
        {"u": [1 - u, u], "x": flip(*x), "z": flip(*z), "y": [flip(*row) for row in y]},
    )
    joint = np.zeros((2, 2, 2))
    for s in itertools.product((0, 1), repeat=4):
        shares = (u, x[s[0]], z[s[1]], y[s[2], s[0]])
        joint[s[1:]] += np.prod([p if on else 1 - p for p, on in zip(shares, s, strict=True)])
    through = joint.sum(axis=2) / joint.sum(axis=(1, 2))[:, None]  # P(z | x)
    effect = np.einsum("x,xz->z", joint.sum(axis=(1, 2)), joint[..., 1] / joint.sum(axis=2))
    for code, state in enumerate(TWO):
        done = intervene(model, {}, {"x": state}).draws
        np.testing.assert_allclose(done, through[code] @ effect, **EXACT)


def test_monty_hall():
    doors = ["1", "2", "3"]
    opens = np.zeros((3, 3, 3))
    for prize, pick in itertools.product(range(3), repeat=2):
        free = [door for door in range(3) if door not in (prize, pick)]
        opens[prize, pick, free] = 1 / len(free)
    third = np.full(3, 1 / 3)
    show = network(
        [("prize", "opened"), ("pick", "opened")],
        {"prize": third, "pick": third, "opened": opens},
        dict.fromkeys(("prize", "pick", "opened"), doors),
        outcome="prize",
    )
    seen = diagnose(show, {"pick": 1, "opened": 3})
    np.testing.assert_allclose(seen.draws, [[1 / 3, 2 / 3, 0]], **EXACT)
    with pytest.raises(QueryError, match="contradict"):
        risk(show, {"pick": "1", "opened": "1"})


def test_burglary_and_sprinkler():
    """Russell and Norvig's alarm, .284; Murphy's wet grass, .430, .708 and explained away .1945."""
    alarm = network(
        [("burglary", "alarm"), ("quake", "alarm"), ("alarm", "john"), ("alarm", "mary")],
        {
            "burglary": [0.999, 0.001],
            "quake": [0.998, 0.002],
            "alarm": [flip(0.001, 0.29), flip(0.94, 0.95)],
            "john": flip(0.05, 0.9),
            "mary": flip(0.01, 0.7),
        },
    )
    called = risk(alarm, {"john": "yes", "mary": "yes"}, target="burglary").draws
    np.testing.assert_allclose(called, 0.2842, rtol=0, atol=5e-5)
    grass = network(
        [("cloudy", "sprinkler"), ("cloudy", "rain"), ("sprinkler", "wet"), ("rain", "wet")],
        {
            "cloudy": [0.5, 0.5],
            "sprinkler": flip(0.5, 0.1),
            "rain": flip(0.2, 0.8),
            "wet": [flip(0.0, 0.9), flip(0.9, 0.99)],
        },
    )
    for person, target, share in (
        ({"wet": "yes"}, "sprinkler", 0.2781 / 0.6471),
        ({"wet": "yes"}, "rain", 0.4581 / 0.6471),
        ({"wet": "yes", "rain": "yes"}, "sprinkler", 0.0891 / 0.4581),
    ):
        np.testing.assert_allclose(risk(grass, person, target=target).draws, share, **EXACT)


def test_the_glove_game_as_a_network():
    """One left glove, two right ones: Shapley values 2/3, 1/6, 1/6."""
    pairs = np.zeros((2, 2, 2, 2))
    for left, one, two in itertools.product((0, 1), repeat=3):
        pairs[left, one, two, min(left, one + two)] = 1
    hands = ("left", "right", "other")
    game = network(
        [(hand, "pair") for hand in hands],
        {hand: [0.5, 0.5] for hand in hands} | {"pair": pairs},
    )
    shares = attribute(game, dict.fromkeys(hands, "yes"), method="shapley")
    assert shares.causes == hands
    np.testing.assert_allclose(shares.draws, [[2 / 3, 1 / 6, 1 / 6]], **EXACT)


def test_levins_attributable_fraction():
    """Levin 1953: of all cases, p (RR - 1) / (1 + p (RR - 1)) go back to the exposure."""
    share, unexposed, exposed = 0.3, 0.05, 0.2
    model = network(
        [("exposure", "illness")],
        {"exposure": [1 - share, share], "illness": flip(unexposed, exposed)},
    )
    excess = share * (exposed / unexposed - 1)
    needed = attribute(model, {"illness": "yes"}, method="necessity").draws
    np.testing.assert_allclose(needed, excess / (1 + excess), **EXACT)


def test_a_finding_with_independent_causes():
    """Heckerman 1989, Quickscore: P(no finding) and a disease given the finding, in closed form."""
    rng = np.random.default_rng(1)
    works, prior, leak = rng.uniform(0.1, 0.9, 6), rng.uniform(0.05, 0.4, 6), 0.05
    names = [f"disease_{i}" for i in range(6)]
    table = np.empty((2,) * 6 + (2,))
    for state in itertools.product((0, 1), repeat=6):
        absent = (1 - leak) * np.prod(np.where(state, 1 - works, 1.0))
        table[state] = absent, 1 - absent
    model = network(
        [(name, "finding") for name in names],
        {n: [1 - p, p] for n, p in zip(names, prior, strict=True)} | {"finding": table},
    )
    nothing = (1 - leak) * np.prod(1 - prior * works)
    np.testing.assert_allclose(risk(model, {}).draws, 1 - nothing, **EXACT)
    others = (1 - leak) * (1 - works[0]) * np.prod(1 - prior[1:] * works[1:])
    first = risk(model, {"finding": "yes"}, target=names[0]).draws
    np.testing.assert_allclose(first, prior[0] * (1 - others) / (1 - nothing), **EXACT)
    ill = dict.fromkeys([*names, "finding"], "yes")
    needed = attribute(model, ill, names, coupling="independent_causes", method="necessity").draws[
        0
    ]
    spared = [(1 - leak) * works[i] * np.prod(np.delete(1 - works, i)) for i in range(6)]
    found = 1 - (1 - leak) * np.prod(1 - works)
    np.testing.assert_allclose(needed, np.array(spared) / found, **EXACT)
