"""Attribution by definition: enumeration, published formulas, properties of the games."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prior_model import prior_model
from strategies import Brute, random_graph, random_person, random_posterior, seeds

from backrisk import (
    CausalGraph,
    Posterior,
    QueryError,
    attribute,
    counterfactual,
    load_graph,
    risk,
)
from backrisk.inference import COUPLINGS
from backrisk.queries import read_target
from backrisk.queries.attribution import pathways

EXACT = {"rtol": 0, "atol": 1e-10}
SEEDS = st.integers(0, 2**32 - 1)


def present(graph):
    return lambda state: state[graph.outcome] > 0


def coded(graph, person):
    return {name: graph.node(name).code(label) for name, label in person.items()}


def brute_coupling(coupling):
    # Random CPTs are no noisy-max, for which independent causes mean the monotone coupling.
    return "independent" if coupling == "independent" else "monotone"


def unchanged(graph, seen, group):
    changed = set(group).union(*(graph.descendants(name) for name in group))
    return {name: code for name, code in seen.items() if name not in changed}


@pytest.mark.parametrize("seed", seeds(60, 200))
def test_new_methods_equal_enumeration(seed):
    rng = np.random.default_rng(10_000 + seed)
    graph = random_graph(rng, int(rng.integers(3, 5)))
    posterior = random_posterior(rng, graph)
    aim = graph.outcome
    person = random_person(rng, graph)
    seen = coded(graph, person)
    causes = sorted(graph.ancestors(aim))
    alone = causes[int(rng.integers(len(causes)))]
    roots = [c for c in causes if not graph.ancestors(c)]
    groups = [(alone,), tuple(roots[:2])] if len(roots) > 1 else [(alone,)]
    coupling = COUPLINGS[seed % 3]
    hurting = {**person, aim: graph.node(aim).states[-1]}
    every = [*groups, tuple(causes[:2])] if len(causes) > 1 else groups
    every = list(dict.fromkeys(every))
    answers = {
        method: attribute(posterior, person, groups, method=method, coupling=coupling)
        for method in ("sufficiency", "necessity_and_sufficiency")
    }
    needed = attribute(posterior, hurting, every, coupling=coupling, method="necessity")
    assert needed.causes == tuple(" + ".join(group) for group in every)
    there = present(graph)
    for draw in range(posterior.draws):
        brute = Brute(posterior, draw, brute_coupling(coupling))
        for column, group in enumerate(groups):
            context = unchanged(graph, seen, group)
            unset = dict.fromkeys(group, 0)
            adverse = {n: seen.get(n, 0) or len(graph.node(n).states) - 1 for n in group}
            sufficient = brute.worlds(
                lambda _, other: there(other),
                lambda here: not there(here),
                {**context, **unset},
                adverse,
            )
            both = brute.worlds(
                lambda here, other: there(here) and not there(other),
                lambda _: True,
                context,
                unset,
                first=adverse,
            )
            for method, value in zip(answers, (sufficient, both), strict=True):
                got = answers[method].draws[draw, column]
                np.testing.assert_allclose(got, value, **EXACT, err_msg=method)
        for column, group in enumerate(every):
            absent = 1 - brute.counterfactual(there, coded(graph, hurting), dict.fromkeys(group, 0))
            np.testing.assert_allclose(needed.draws[draw, column], absent, **EXACT)


@pytest.mark.parametrize("seed", range(40))
def test_bounds_of_a_binary_cause_are_those_of_tian_and_pearl(seed):
    """Tian and Pearl 2000, from P(x, y) and P(y had x been), doi:10.1023/A:1018912507879."""
    rng = np.random.default_rng(20_000 + seed)
    names = ["u", "x", "m", "y"]
    edges = [("u", "x"), ("u", "y"), ("x", "m"), ("m", "y"), ("x", "y"), ("u", "m")]
    states = {name: ["no", "yes"] for name in names}
    graph = CausalGraph.from_edges(edges, states, outcome="y")
    posterior = random_posterior(rng, graph, draws=1)
    brute = Brute(posterior, 0)
    p = {
        (x, y): brute.probability(lambda s, x=x, y=y: (s["x"], s["y"]) == (x, y), {})
        for x in (0, 1)
        for y in (0, 1)
    }
    had = [brute.probability(lambda s: s["y"] == 1, {}, {"x": x}) for x in (0, 1)]
    yes = p[1, 1] + p[0, 1]
    expected = {
        "necessity": (
            max(0, (yes - had[0]) / p[1, 1]),
            min(1, (1 - had[0] - p[0, 0]) / p[1, 1]),
        ),
        "sufficiency": (
            max(0, (had[1] - yes) / p[0, 0]),
            min(1, (had[1] - p[1, 1]) / p[0, 0]),
        ),
        "necessity_and_sufficiency": (
            max(0, had[1] - had[0], yes - had[0], had[1] - yes),
            min(
                had[1],
                1 - had[0],
                p[1, 1] + p[0, 0],
                had[1] - had[0] + p[1, 0] + p[0, 1],
            ),
        ),
    }
    estimates = {}
    for method, limits in expected.items():
        answer = attribute(posterior, {"x": "yes", "y": "yes"}, ["x"], method=method)
        np.testing.assert_allclose(np.ravel(answer.bounds), limits, **EXACT, err_msg=method)
        estimates[method] = answer.draws[0, 0]
    # Pearl 2009, lemma 9.2.6: PNS = P(x, y) PN + P(x', y') PS.
    np.testing.assert_allclose(
        estimates["necessity_and_sufficiency"],
        p[1, 1] * estimates["necessity"] + p[0, 0] * estimates["sufficiency"],
        **EXACT,
    )


@settings(max_examples=60, derandomize=True)
@given(seed=SEEDS, coupling=st.sampled_from(COUPLINGS))
def test_estimates_lie_within_their_bounds(seed, coupling):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 5)
    posterior = random_posterior(rng, graph, draws=5)
    causes = sorted(graph.ancestors(graph.outcome))
    cause = causes[int(rng.integers(len(causes)))]
    # Evidence on what the cause cannot change, and perhaps the cause; the target is there.
    person = {
        name: label
        for name, label in random_person(rng, graph).items()
        if name not in graph.descendants(cause)
    }
    hurting = {**person, graph.outcome: graph.node(graph.outcome).states[-1]}
    for method in ("necessity", "sufficiency", "necessity_and_sufficiency"):
        answer = attribute(posterior, hurting, [cause], method=method, coupling=coupling)
        low, high = answer.bounds
        assert (low - 1e-12 <= answer.draws).all()
        assert (answer.draws <= high + 1e-12).all()
        assert (low >= 0).all()
        assert (high <= 1).all()


def test_nobody_leads_who_has_no_share_and_equal_shares_lead_together():
    posterior = either_of_two()
    both = attribute(posterior, {"a": "yes", "b": "yes"})
    np.testing.assert_allclose(both.leading, 0.5, **EXACT)
    assert both.table["leading"].tolist() == [0.5, 0.5]
    neither = attribute(posterior, {"a": "no", "b": "no"})
    assert (neither.draws == 0).all()
    assert (neither.leading == 0).all()
    needed = attribute(posterior, dict.fromkeys("aby", "yes"), method="necessity")
    assert needed.leading is None
    assert "leading" not in needed.table


@pytest.mark.parametrize("causes", [[1], [("x", 2)], [None]])
def test_causes_that_are_no_names_are_refused(causes):
    graph = CausalGraph.from_edges([("x", "y")], dict.fromkeys("xy", ("no", "yes")))
    posterior = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.9, 0.1], [0.4, 0.6]]})
    with pytest.raises(QueryError, match="expected a node's name, or a tuple of names"):
        attribute(posterior, {"y": "yes"}, causes, method="necessity")


def test_what_cannot_be_asked_is_refused(core_prior):
    for causes, method, words in (
        (["core_strength", "pelvic_tilt"], "pathways", "downstream"),
        (["core_strength+fatigue"], "shapley", "Sets of causes"),
        (["core_strength+pelvic_tilt"], "sufficiency", "another cause changes 'pelvic_tilt'"),
        (["core_strength+"], "sufficiency", "is not a node"),
        (["core_strength", "core_strength"], "sufficiency", "each named once"),
    ):
        with pytest.raises(QueryError, match=words):
            attribute(core_prior, {}, causes, method=method)


def binary_cause(share=0.4, risks=(0.2, 0.7)):
    graph = CausalGraph.from_edges([("x", "y")], dict.fromkeys("xy", ("no", "yes")))
    rows = [[1 - p, p] for p in risks]
    return Posterior.from_cpts(graph, {"x": [1 - share, share], "y": rows})


def test_only_who_is_exposed_can_owe_the_target_to_the_exposure():
    """Of an unreported binary cause, by hand: within each exposure, Fréchet's limits."""
    share, (low, high) = 0.4, (0.2, 0.7)
    there = (1 - share) * low + share * high
    exposed = (share * (high - low) / there, share * min(high, 1 - low) / there)
    posterior = binary_cause(share, (low, high))
    answer = attribute(posterior, {"y": "yes"}, ["x"], method="necessity")
    np.testing.assert_allclose(np.ravel(answer.bounds), exposed, **EXACT)
    # Drawn anew, the unexposed might have escaped too.
    unexposed = (1 - share) * min(low, 1 - low) / there
    answer = attribute(posterior, {"y": "yes"}, ["x"], coupling="independent", method="necessity")
    np.testing.assert_allclose(
        np.ravel(answer.bounds), (exposed[0], exposed[1] + unexposed), **EXACT
    )


def test_who_is_known_to_be_unexposed_owes_the_exposure_nothing():
    person = {"x": "no", "y": "yes"}
    answer = attribute(binary_cause(), person, ["x"], method="necessity")
    assert np.ravel([answer.draws, *answer.bounds]).tolist() == [0.0, 0.0, 0.0]
    answer = attribute(binary_cause(), person, ["x"], coupling="independent", method="necessity")
    np.testing.assert_allclose(answer.bounds[1], 1.0, **EXACT)


def test_a_set_is_spared_only_where_all_of_it_is_at_the_reference():
    edges = [("a", "y"), ("b", "y")]
    graph = CausalGraph.from_edges(edges, dict.fromkeys("aby", ("no", "yes")))
    table = [[[0.9, 0.1], [0.6, 0.4]], [[0.5, 0.5], [0.2, 0.8]]]
    posterior = Posterior.from_cpts(graph, {"a": [0.5, 0.5], "b": [0.5, 0.5], "y": table})
    person = {"a": "no", "y": "yes"}
    answer = attribute(posterior, person, ["a+b"], method="necessity")
    # b is open: at no nothing is owed, at yes min(0.4, 0.9) of 0.25 (0.1 + 0.4) ...
    np.testing.assert_allclose(answer.bounds[1], 0.4 / 0.5, **EXACT)
    np.testing.assert_allclose(answer.bounds[0], 0.3 / 0.5, **EXACT)
    both = attribute(posterior, {**person, "b": "no"}, ["a+b"], method="necessity")
    assert both.bounds[1].tolist() == [[0.0]]
    one = attribute(posterior, {**person, "b": "yes"}, ["a+b"], method="necessity")
    np.testing.assert_allclose(one.bounds[1], min(1.0, 0.9 / 0.4), **EXACT)


def test_a_route_is_graded_by_its_strongest_path():
    edges = [("a", "m"), ("b", "m"), ("m", "y"), ("a", "y")]
    graph = CausalGraph.from_edges(edges, dict.fromkeys("abmy", ("no", "yes")), outcome="y")
    grades = {("a", "m"): "none", ("b", "m"): "strong", ("m", "y"): "moderate", ("a", "y"): "weak"}
    graph = replace(
        graph, edges=tuple(replace(e, grade=grades[e.cause, e.effect]) for e in graph.edges)
    )
    target = read_target(graph, None)
    for route, grade in (
        ([("a", "m")], "none"),  # the edge is weaker than what follows
        ([("b", "m")], "moderate"),  # what follows is weaker than the edge
        ([("a", "m"), ("b", "m")], "moderate"),  # the best of the two
        ([("a", "y")], "weak"),  # nothing follows
    ):
        assert pathways.route_grade(graph, "m", route, target) == grade
    assert pathways.route_grade(graph, "m", (), target) == "moderate"  # its own departure


NECESSITY = {"core_strength": "weak", "fatigue": "high", "pain": "limiting"}


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (
            "necessity",
            "Had {cause} been at the reference, current low back pain would have been absent",
        ),
        (
            "sufficiency",
            "with {cause} at the reference, the adverse state would bring about current low",
        ),
        (
            "necessity_and_sufficiency",
            "The adverse state of {cause} would bring about current low back",
        ),
        ("shapley", "The share of {phrase} is "),
        ("pathways", "The share that passes through {cause} is "),
        ("diagnostic", "The probability that {cause} is adverse is "),
    ],
)
def test_what_is_said_of_causes(core_posterior, method, words):
    answer = attribute(core_posterior, NECESSITY, method=method)
    names = answer.names
    told = [str(cause) for cause in answer.table.index if answer.told[answer.causes.index(cause)]]
    said = answer.sentences()
    if answer.total is not None:
        first = said.pop(0)
        assert f"{100 * answer.total.mean():+.1f} points" in first
        assert ("healthy habits" in first) == (method == "shapley")
        if method == "shapley":
            assert said.pop(0).startswith("Each cause is credited with")
    for cause, sentence in zip(told[:6], said, strict=False):
        phrase = names.node(cause)
        if cause in NECESSITY:
            phrase = names.phrase(cause, NECESSITY[cause])
        assert words.format(cause=names.node(cause), phrase=phrase) in sentence
        row = answer.causes.index(cause)
        if answer.uninformative[row]:
            assert "rests on the coupling alone" in sentence
            assert "evidence" not in sentence
        else:
            assert f"{answer.grades[row]} along the path" in sentence
        assert (answer.bounds is not None) == ("if no coupling" in sentence)
    assert told


def test_a_cause_without_an_effect_is_told_apart(core_posterior):
    """Of the draws that say how far an effect is above zero, the sentences tell of the sure."""
    answer = attribute(core_posterior, NECESSITY, method="necessity")
    effect = np.zeros_like(answer.effects)
    draws = len(effect)
    effect[:] = np.where(np.arange(draws) < 0.94 * draws, 0.01, -0.01)[:, None]
    effect[:, 0] = 0.01
    effect[:, 1] = -0.01
    effect[:, 2] = 1e-15  # rounding
    changed = replace(answer, effects=effect)
    assert changed.signs[:4] == (1, -1, 0, 0)
    expected = [1.0, 0.0, 0.0, np.mean(np.arange(draws) < 0.94 * draws)]
    np.testing.assert_allclose(changed.p_effect[:4], expected, **EXACT)
    np.testing.assert_array_equal(changed.table["p_effect"], changed.p_effect)
    start = "No effect that can be told apart from zero: "
    (unclear,) = (said for said in changed.sentences() if said.startswith(start))
    names = [answer.names.node(cause) for cause in answer.causes]
    assert [name in unclear for name in names[:4]] == [False, False, False, True]
    assert names[2] not in " ".join(changed.sentences())  # an effect of exactly zero is nobody's
    rows = {row["name"]: row["sign"] for row in changed.to_dict()["rows"]}
    assert [rows[cause] for cause in answer.causes[:4]] == [1, -1, 0, 0]


@pytest.mark.parametrize("seed", range(20))
def test_effects_equal_enumeration(seed):
    """What being as one is does to the target, and what each probability of causation asks."""
    rng = np.random.default_rng(40_000 + seed)
    graph = random_graph(rng, int(rng.integers(3, 6)))
    posterior = random_posterior(rng, graph)
    aim = graph.outcome
    person = random_person(rng, graph)
    cause = sorted(graph.ancestors(aim))[0]
    hurting = {**person, aim: graph.node(aim).states[-1]}
    seen = coded(graph, person)
    context = unchanged(graph, seen, [cause])
    adverse = seen.get(cause, 0) or len(graph.node(cause).states) - 1
    own = {cause: seen[cause]} if cause in seen else {}
    there = present(graph)
    found = {
        method: attribute(posterior, asked, [cause], method=method).effects[:, 0]
        for method, asked in (
            ("necessity", hurting),
            ("sufficiency", person),
            ("necessity_and_sufficiency", person),
        )
    }
    for draw in range(posterior.draws):
        brute = Brute(posterior, draw)

        def risk(evidence, do=None, brute=brute):
            return brute.counterfactual(there, evidence, do or {})

        expected = {
            "necessity": risk({**context, **own}) - risk({**context, **own}, {cause: 0}),
            "sufficiency": risk({**context, cause: 0}, {cause: adverse})
            - risk({**context, cause: 0}),
            "necessity_and_sufficiency": risk(context, {cause: adverse})
            - risk(context, {cause: 0}),
        }
        for method, value in expected.items():
            np.testing.assert_allclose(found[method][draw], value, **EXACT, err_msg=method)


def test_probabilities_of_causation_stand_in_the_order_of_the_graph(core_posterior):
    answer = attribute(core_posterior, NECESSITY, method="necessity")
    order = core_posterior.graph.topological
    assert list(answer.table.index) == [name for name in order if name in answer.causes]
    assert set(answer.causes) == core_posterior.graph.ancestors("pain") - set(
        core_posterior.graph.items
    )
    asked = attribute(core_posterior, NECESSITY, ["compensation", "fatigue"], method="necessity")
    assert list(asked.table.index) == ["compensation", "fatigue"]
    sure = replace(asked, effects=np.ones_like(asked.draws))
    assert "overlap along chains and do not add: compensation lies on the way from fatigue" in (
        " ".join(sure.sentences())
    )
    alone = attribute(core_posterior, NECESSITY, ["fatigue"], method="necessity")
    assert "overlap" not in alone.text
    shares = attribute(core_posterior, NECESSITY).table["mean"]
    assert shares.is_monotonic_decreasing


def test_many_chains_are_told_at_once():
    names = ["a", "b", "c", "d", "e", "y"]
    edges = list(itertools.pairwise(names))
    graph = CausalGraph.from_edges(edges, dict.fromkeys(names, ("no", "yes")))
    posterior = random_posterior(np.random.default_rng(1), graph)
    answer = attribute(posterior, {"y": "yes"}, method="necessity")
    some = np.full_like(answer.draws, 0.5)
    sure = replace(answer, draws=some, effects=np.ones_like(some))
    assert "others of these causes act through b, c, d and e." in " ".join(sure.sentences())


def test_a_level_only_chooses_what_is_shown():
    graph = load_graph("runner")
    posterior = prior_model(30)
    person = {"previous_back_pain": "recurrent", "fatigue": "high"}
    whole = attribute(posterior, person)
    traits = set(graph.playing("traits"))
    assert set(whole.causes) == graph.ancestors("pain") - traits - set(graph.items)
    for level in ("proximal", "distal"):
        part = attribute(posterior, person, level=level)
        np.testing.assert_array_equal(part.draws, whole.draws)
        np.testing.assert_array_equal(part.leading, whole.leading)
        assert set(part.table.index) == set(graph.playing(level)) & set(whole.causes)
        same = whole.table.loc[list(part.table.index)]
        assert part.table.equals(same)
        assert part.plot().axes
    seen = attribute(posterior, person, method="diagnostic", level="proximal")
    assert set(seen.causes) == set(graph.playing("proximal"))


def test_the_baseline_is_named_and_refused_if_unknown(core_posterior):
    person = {"core_strength": "weak", "fatigue": "high"}
    healthy, average = (
        attribute(core_posterior, person, baseline=name) for name in ("healthy", "average")
    )
    assert "healthy habits" in healthy.sentences()[0]
    assert "people in the population surveyed" in average.sentences()[0]
    assert (healthy.baseline, average.baseline) == ("healthy", "average")
    assert healthy.to_dict()["baseline"] == "healthy"
    own = risk(core_posterior, person)
    np.testing.assert_allclose(average.total, own.draws - own.average, **EXACT)
    assert healthy.to_dict()["total"]["mean"] == pytest.approx(healthy.total.mean())
    with pytest.raises(QueryError, match=r"no baseline 'helthy' \(did you mean 'healthy'\?\)"):
        attribute(core_posterior, person, baseline="helthy")
    needed = attribute(core_posterior, NECESSITY, method="necessity")
    assert needed.baseline is None
    assert needed.to_dict()["total"] is None


def test_what_protects_is_said_to_protect():
    posterior = either_of_two()
    answer = attribute(posterior, {"a": "no", "b": "yes"}, baseline="average")
    assert answer.signs == (-1, 1)
    said = answer.sentences()
    assert said[2].startswith("The share of b is ")
    assert "the largest with probability 100 %" in said[2]
    assert "which protects" in said[3]


def test_neither_grade_nor_support_stands_beside_bounds_that_say_nothing(core_posterior):
    answer = attribute(core_posterior, NECESSITY, method="necessity")
    lower, upper = (bound.copy() for bound in answer.bounds)
    lower[:, 0], upper[:, 0] = 0.0, 1.0
    open_ = replace(answer, bounds=(lower, upper))
    assert open_.uninformative[0]
    row = open_.table.loc[answer.causes[0]]
    assert row[["grade", "total_grade", "total_outcome"]].tolist() == ["", "", ""]
    assert row[["narrowed", "contraction", "moved_by_prior", "unmeasured"]].isna().all()
    shown = open_.to_dict()["rows"][0]
    assert (shown["evidence"], shown["support"]) == ("", [])
    other = next(i for i in range(1, len(answer.causes)) if not open_.uninformative[i])
    assert open_.table.loc[answer.causes[other], "grade"] == answer.grades[other]


def test_states_of_causes_are_the_persons():
    edges = [("x", "m"), ("m", "y"), ("x", "y")]
    graph = CausalGraph.from_edges(edges, dict.fromkeys("xmy", ("no", "yes")))
    posterior = random_posterior(np.random.default_rng(0), graph)
    answer = attribute(posterior, {"x": "yes"}, ["x"], method="pathways")
    assert answer.causes == ("m", "straight to y")
    assert answer.table["state"].to_dict() == {"m": "not reported", "straight to y": ""}
    assert [answer.row_label(cause) for cause in answer.causes] == ["m", "straight to y"]
    assert answer.state_label("m") == "m: not reported"
    assert answer.state_label("straight to y") == "straight to y"
    sure = replace(answer, effects=np.ones_like(answer.draws))
    assert any("goes straight to y" in said for said in sure.sentences())
    both = attribute(posterior, {"x": "yes", "y": "yes"}, ["x+m"], method="necessity")
    assert both.state_label("x + m") == "x + m: yes + not reported"


def test_necessity_needs_the_target_to_be_there():
    for person, words in (({}, "not reported"), ({"y": "no"}, "reported as absent")):
        with pytest.raises(QueryError, match=f"it took for y to be there, but it is {words}"):
            attribute(binary_cause(), person, ["x"], method="necessity")
    with pytest.raises(QueryError, match=r"no method 'necesity' \(did you mean 'necessity'\?\)"):
        attribute(binary_cause(), {}, method="necesity")
    with pytest.raises(QueryError, match=r"no level 'proximl' \(did you mean 'proximal'\?\)"):
        attribute(binary_cause(), {}, method="shapley", level="proximl")


def test_a_worse_state_than_asked_about_is_noted():
    states = {"x": ["no", "yes"], "y": ["none", "some", "much"]}
    graph = CausalGraph.from_edges([("x", "y")], states)
    posterior = random_posterior(np.random.default_rng(3), graph)
    assert "report y (much)" in attribute(posterior, {"y": "much"}, method="necessity").text
    assert "report y" not in attribute(posterior, {"y": "some"}, method="necessity").text
    assert (
        "report y"
        not in attribute(posterior, {"y": "much"}, target="y>=much", method="necessity").text
    )


def test_the_table_holds_bounds_and_what_was_there_without_answers(core_prior):
    answer = attribute(core_prior, NECESSITY, method="necessity")
    table = answer.table.loc[list(answer.causes)]
    lower, upper = answer.bounds
    for column, expected in (
        ("mean", answer.draws.mean(axis=0)),
        ("lower_bound", lower.mean(axis=0)),
        ("lower_bound_low", np.quantile(lower, 0.05, axis=0)),
        ("upper_bound", upper.mean(axis=0)),
        ("upper_bound_high", np.quantile(upper, 0.95, axis=0)),
        ("at_least", answer.at_least),
        ("contraction", np.where(answer.uninformative, np.nan, answer.support.contraction)),
    ):
        np.testing.assert_allclose(table[column], expected, **EXACT, err_msg=column)
    assert table["state"]["core_strength"] == "weak"
    seen = attribute(core_prior, NECESSITY, method="diagnostic")
    without = seen.table.loc[list(seen.causes), "without_answers"]
    np.testing.assert_allclose(without, seen.before.mean(axis=0), **EXACT)


def test_a_set_of_causes_is_listed_in_a_sentence():
    posterior = either_of_two()
    answer = attribute(posterior, dict.fromkeys("aby", "yes"), ["a+b"], method="necessity")
    assert answer.sentences()[0].startswith("Had a and b been at the reference, y would have been")
    assert answer.table["state"].to_dict() == {"a + b": "yes + yes"}


def either_of_two():
    """Two causes that add up."""
    graph = CausalGraph.from_edges([("a", "y"), ("b", "y")], dict.fromkeys("aby", ("no", "yes")))
    table = [[[0.9, 0.1], [0.6, 0.4]], [[0.6, 0.4], [0.3, 0.7]]]
    return Posterior.from_cpts(graph, {"a": [0.5, 0.5], "b": [0.5, 0.5], "y": table})


def said_total(answer):
    """The sentence of what the shares sum to, and the total that it tells."""
    return answer.sentences()[0], float(answer.total.mean())


def test_the_baseline_is_what_the_sentence_says_it_is():
    posterior, healthy = either_of_two(), {"a": "no", "b": "no"}
    asked, total = said_total(attribute(posterior, {"a": "yes", "b": "yes"}))
    assert "less that of someone with healthy habits" in asked
    apart = risk(posterior, {"a": "yes", "b": "yes"}).draws - risk(posterior, healthy).draws
    assert total == pytest.approx(float(apart.mean()))
    # Of a reported outcome the baseline keeps the outcome's own noise: it is the counterfactual.
    person = {"a": "yes", "b": "yes", "y": "yes"}
    reported, total = said_total(attribute(posterior, person))
    assert "in this same person" in reported
    assert "y (chance) stays as the answers make it likely" in reported
    been = counterfactual(posterior, person, healthy).draws
    assert total == pytest.approx(1 - float(been.mean()))
    assert float(been.mean()) > float(risk(posterior, healthy).draws.mean())


def test_named_causes_are_compared_with_the_person_without_them_alone():
    posterior, person = either_of_two(), {"a": "yes", "b": "yes"}
    said, total = said_total(attribute(posterior, person, ["a"]))
    assert "had a been healthy or typical, with everything else about this person kept" in said
    rest = risk(posterior, person | {"a": "no"}).draws
    assert total == pytest.approx(float((risk(posterior, person).draws - rest).mean()))


def test_traits_are_named_with_the_baseline_that_shares_them():
    graph = load_graph("runner")
    answer = attribute(prior_model(3), {"fatigue": "high"})
    traits = [answer.names.node(name) for name in graph.playing("traits")]
    assert "someone with the same " + " and ".join(traits) + ", healthy" in answer.sentences()[0]


def test_necessity_tells_of_no_cause_that_prevents_and_of_none_that_rounds_to_nothing():
    sizes = {"up": 0.3, "down": -0.3, "slight": 1e-4}
    graph = CausalGraph.from_edges(
        [(name, "y") for name in sizes], dict.fromkeys([*sizes, "y"], ("no", "yes"))
    )
    table = np.full((2, 2, 2), 0.4)
    for axis, size in enumerate(sizes.values()):
        table = table + np.array([0.0, size]).reshape([2 if at == axis else 1 for at in range(3)])
    cpts = {name: [0.5, 0.5] for name in sizes} | {"y": np.stack([1 - table, table], axis=-1)}
    answer = attribute(
        Posterior.from_cpts(graph, cpts), dict.fromkeys([*sizes, "y"], "yes"), method="necessity"
    )
    assert answer.signs == (1, -1, 1)
    assert answer.told.tolist() == [True, False, False]
    told = answer.sentences()
    assert [said for said in told if said.startswith("Had ")] == told[:1]
    assert "Being at the reference would do the opposite: down." in told
    assert "An effect that rounds to nothing: slight." in told


@pytest.mark.parametrize(
    "method", ["diagnostic", "necessity", "sufficiency", "necessity_and_sufficiency"]
)
def test_what_has_no_causes_is_attributed_to_nothing(method):
    alone = Posterior.from_cpts(
        CausalGraph.from_edges([], {"y": ["no", "yes"]}, outcome="y"), {"y": [[0.5, 0.5]]}
    )
    with pytest.raises(QueryError, match=r"no causes in graph|No proximal node"):
        attribute(alone, {"y": "yes"}, method=method)
