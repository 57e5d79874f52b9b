"""A call with the wrong type of argument is refused in one sentence, whatever the function."""

import inspect
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

import backrisk as br
from backrisk._arguments import checked

GRAPH = br.CausalGraph.from_edges(
    [("a", "b"), ("b", "c")],
    {"a": ["no", "yes"], "b": ["no", "yes"], "c": ["no", "yes"]},
    outcome="c",
)
CPTS = {"a": [0.5, 0.5], "b": [[0.8, 0.2], [0.4, 0.6]], "c": [[0.9, 0.1], [0.3, 0.7]]}
POSTERIOR = br.Posterior.from_cpts(GRAPH, CPTS)
FRAME = pd.DataFrame({"a": ["no", "yes"] * 6, "b": ["no", "no", "yes"] * 4, "c": ["yes"] * 12})
OVER_TIME = br.Posterior.from_cpts(br.unroll(GRAPH, 2), CPTS)
SURVEY = br.Survey.from_frame(FRAME, GRAPH)
VISITS = FRAME.assign(who="p", t=range(12))
PANEL = br.read_panel(VISITS, GRAPH, id="who", time="t", every=1)
PERSON = {"a": "yes"}
BOOK = {"name": "own", "graph": "graph", "columns": {"a": {"node": "a"}}}
WRONG = [
    *(None, True, 7, 2.5, "text", b"bytes", "", [], [3], ["a", "b"], (), {}, {"a": 3}, {3: "a"}),
    *(Path("nowhere.nc"), FRAME, FRAME["a"], np.arange(3), object(), int, lambda: None),
    *(PERSON, GRAPH, POSTERIOR, SURVEY, {"a"}),
]
# A call that is right, by what is called. Each argument of it is replaced by everything that is
# wrong; those that are left out are given too.
ASKED = {"posterior": POSTERIOR, "person": PERSON}
CALLS = {
    "risk": ASKED,
    "consult": ASKED,
    "risks": {"posterior": POSTERIOR, "people": [PERSON]},
    "diagnose": ASKED,
    "red_flags": ASKED,
    "confounded": {"posterior": POSTERIOR, "cause": "a"},
    "Confounding": {"cause": "a"},
    "intervene": {**ASKED, "do": {"b": "no"}},
    "counterfactual": {**ASKED, "do": {"b": "no"}},
    "attribute": ASKED,
    "forecast": {"posterior": OVER_TIME, "history": [PERSON, {}]},
    "review": {"posterior": OVER_TIME, "history": [PERSON, {}]},
    "mediate": {**ASKED, "cause": "a", "mediators": "b"},
    "recommend": ASKED,
    "ask_next": ASKED,
    "follow_up": {"posterior": POSTERIOR, "before": PERSON, "after": PERSON},
    "odds_ratios": {"posterior": POSTERIOR},
    "effects": {"posterior": POSTERIOR},
    "to_datatree": {"posterior": POSTERIOR, "survey": SURVEY},
    "save_network": {"posterior": POSTERIOR, "path": "network.bif"},
    "read_network": {"path": "network.bif"},
    "to_pgmpy": {"posterior": POSTERIOR},
    "from_pgmpy": {"model": None},
    "to_pyagrum": {"posterior": POSTERIOR},
    "from_pyagrum": {"net": None},
    "from_cmdstan_csv": {"paths": "chain.csv", "graph": GRAPH},
    "impute": {"posterior": POSTERIOR, "survey": SURVEY, "n": 1, "seed": 1},
    "report_person": {**ASKED, "out": "person.html"},
    "report_cohort": {"posterior": POSTERIOR, "survey": SURVEY, "out": "cohort.html"},
    "model_card": {"posterior": POSTERIOR, "out": "card.md"},
    "score": {"posterior": POSTERIOR, "source": "cohort.csv", "out": "scored.csv"},
    "score_panel": {"posterior": OVER_TIME, "source": "visits.csv", "out": "scored.csv"},
    "plot": {"answer": None},
    "load_graph": {"name_or_path": "runner_core"},
    "unroll": {"graph": GRAPH, "periods": 2},
    "load_codebook": {"name_or_path": "runner"},
    "draft_codebook": {"table": "cohort.csv", "graph": GRAPH},
    "redcap_dictionary": {"codebook": br.load_codebook("runner")},
    "load_posterior": {"path": "model.nc"},
    "packaged_graphs": {},
    "example_people": {},
    "example_person": {"name": "weak_core"},
    "example_posterior": {},
    "read_survey": {"path": "cohort.csv", "graph": GRAPH},
    "read_panel": {"table": VISITS, "graph": GRAPH, "id": "who", "time": "t", "every": 1},
    "describe": {"survey": SURVEY},
    "tabulate": {"survey": SURVEY},
    "simulate": {"graph": GRAPH, "n": 3, "seed": 1},
    "simulate_panel": {"graph": GRAPH, "people": 3, "periods": 2, "seed": 1},
    "truth": {"graph": GRAPH},
    "fit_each": {
        "graph": GRAPH,
        "surveys": {"a": SURVEY},
        "seed": 1,
        "draws": 5,
        "progress": False,
    },
    "fit": {"graph": GRAPH, "survey": SURVEY, "seed": 1, "draws": 5, "progress": False},
    "compile_model": {"graph": GRAPH, "survey": SURVEY},
    "build_model": {"graph": GRAPH, "survey": SURVEY},
    "log_likelihood": {"posterior": POSTERIOR, "survey": SURVEY},
    "CausalGraph": {"name": "own", "nodes": GRAPH.nodes, "edges": GRAPH.edges},
    "CausalGraph.from_edges": {"edges": [("a", "b")], "states": {"a": [1, 2], "b": [1, 2]}},
    "CausalGraph.from_text": {"text": "a -> b"},
    "CausalGraph.from_dagitty": {"text": "dag { a -> b }"},
    "CausalGraph.from_networkx": {"digraph": nx.DiGraph([("a", "b")])},
    "CausalGraph.from_dict": {"data": GRAPH.to_dict()},
    "Node": {"name": "a", "states": ("no", "yes")},
    "Edge": {"cause": "a", "effect": "b", "claim": "said", "origin": "here", "grade": "weak"},
    "Prior": {"mean": 0.0, "sd": 1.0},
    "Prior.from_odds_ratio": {"low": 1.0, "high": 2.0},
    "Codebook": BOOK,
    "Codebook.from_dict": {"data": BOOK, "graph": GRAPH},
    "Codebook.plain": {"graph": GRAPH},
    "Survey": {"graph": GRAPH, "codes": SURVEY.codes, "codebook": SURVEY.codebook},
    "Panel": {
        **{"graph": GRAPH, "codes": PANEL.codes, "codebook": PANEL.codebook, "every": "1"},
        **{"first": PANEL.first, "last": PANEL.last},
    },
    "Survey.from_frame": {"frame": FRAME, "graph": GRAPH},
    "Posterior": {"graph": GRAPH},
    "Posterior.from_cpts": {"graph": GRAPH, "cpts": CPTS},
}
# What the functions above return, and errors: nobody makes them by hand.
MADE = {
    *("Attribution", "Contrast", "Diagnosis", "Diagnostics", "Draft", "FollowUp", "Forecast"),
    *("Mediation", "Questions", "Recommendation", "RedFlags", "Review", "Risk", "Scored"),
    *("Consultation", "Understood"),
}


def found(name):
    function = br
    for part in name.split("."):
        function = getattr(function, part)
    return function


def raised(function, given):
    place = (given.pop("answer"),) if function is br.plot else ()  # dispatched by position
    try:
        function(*place, **given)
    except Exception as error:
        return error
    return None


def arguments():
    for name in CALLS:
        for argument in inspect.signature(found(name)).parameters:
            if name == "Node" and argument == "states":  # checked together with the graph
                continue
            if name == "compile_model" and argument == "evidence":  # right values compile a model
                continue
            yield pytest.param(name, argument, id=f"{name}-{argument}")


def test_every_public_function_is_tried():
    errors = {n for n in br.__all__ if issubclass(type(found(n)), type) and n.endswith("Error")}
    classes = {"Node", "Edge", "Prior", "CausalGraph", "Codebook", "Survey", "Posterior"}
    classes |= {"Confounding"}
    tried = {name.partition(".")[0] for name in CALLS}
    assert tried == set(br.__all__) - errors - MADE
    assert classes <= tried


@pytest.mark.parametrize(("name", "argument"), list(arguments()))
def test_a_wrong_type_is_refused_in_a_sentence(name, argument, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    FRAME.to_csv("cohort.csv", index=False)
    POSTERIOR.save("model.nc")
    right = dict(CALLS[name])
    if name == "plot":
        right["answer"] = br.risk(POSTERIOR, PERSON)
    refused = 0
    for value in WRONG:
        if name == "compile_model" and right.get(argument) is value:
            continue
        error = raised(found(name), {**right, argument: value})
        if error is not None:
            assert isinstance(error, br.BackriskError), (value, error)
            refused += 1
    assert refused


SEEDED = [n for n in CALLS if "seed" in inspect.signature(found(n)).parameters]


@pytest.mark.parametrize("name", SEEDED)
def test_no_seed_is_below_zero(name):
    with pytest.raises(br.ArgumentError, match="'seed' should be a whole number of at least 0"):
        found(name)(**{**CALLS[name], "seed": -1})


def test_what_is_needed_and_what_is_unknown_is_told():
    with pytest.raises(br.ArgumentError) as caught:
        br.risk(POSTERIOR)
    assert str(caught.value) == "risk: missing a required argument: 'person'."
    with pytest.raises(br.ArgumentError, match="risk: got an unexpected keyword argument 'traget'"):
        br.risk(POSTERIOR, PERSON, traget="c")


def test_the_sentence_says_how_to_come_by_what_is_expected():
    with pytest.raises(
        br.ArgumentError, match=r"load_posterior\(\"model.nc\"\).*not 'model.nc' \(str\)"
    ):
        br.risk("model.nc", {})
    with pytest.raises(br.ArgumentError, match=r"load_graph\(\"runner\"\)"):
        br.read_survey("survey.csv", "runner")


def test_each_of_several_is_checked_and_what_has_no_annotation_is_taken_on_trust():
    @checked()
    def rest(first, *others: int, **named: str):
        return first, others, named

    assert rest(print, 4, x="y") == (print, (4,), {"x": "y"})
    with pytest.raises(br.ArgumentError, match="'others' should be a whole number, not '5'"):
        rest(print, 4, "5")
    with pytest.raises(br.ArgumentError, match="'named' should be text, not 6"):
        rest(print, 4, x=6)


def test_it_is_a_type_error_and_one_of_ours():
    with pytest.raises(TypeError) as caught:
        br.risk(3, {})
    assert isinstance(caught.value, br.BackriskError)


COMPLEX = np.zeros((4, 3)) + 1j
MASKED = np.ma.masked_array(np.zeros((4, 3), int), mask=[[True, False, False]] * 4)
LOSING = {
    "complex": (COMPLEX, COMPLEX[:, 0]),
    "masked": (MASKED, np.ma.masked_array(np.ones(4), mask=[True, False, False, False])),
    "text": (np.full((4, 3), "0"), np.full(4, "1")),
    "dates": (np.full((4, 3), "2020-01-01", "M8[D]"), np.full(4, "2020-01-01", "M8[D]")),
}


@pytest.mark.parametrize("kind", LOSING)
def test_no_array_loses_a_part_in_silence(kind):
    table, column = LOSING[kind]
    plain = br.Codebook.plain(GRAPH)
    codes = np.zeros((4, 3), int)
    assert br.Survey(GRAPH, codes.astype(float), plain, weights=np.ones(4)).n == 4
    with pytest.raises(br.BackriskError, match=r"'codes' should be an array of whole numbers"):
        br.Survey(GRAPH, table, plain)
    with pytest.raises(br.BackriskError, match=r"'weights' should be an array of real numbers"):
        br.Survey(GRAPH, codes, plain, weights=column)
    with pytest.raises(br.BackriskError, match=r"'codes' should be an array of whole numbers"):
        br.Survey(GRAPH, codes + 0.5, plain)
    half = np.full((4, 2), 0.5)
    given = {
        "complex": half + 0j,
        "masked": np.ma.masked_array(half, mask=[[True, False]] * 4),
        "text": half.astype(str),
        "dates": np.full((4, 2), "2020-01-01", "M8[D]"),
    }
    with pytest.raises(br.BackriskError, match="The CPT of 'a' is not an array of numbers"):
        br.Posterior.from_cpts(GRAPH, {**CPTS, "a": given[kind]})


def many_states(count):
    states = {f"x{i}": ["no", "yes", "more"] for i in range(count)}
    edges = [(name, "y") for name in states]
    graph = br.CausalGraph.from_edges(edges, {**states, "y": ["no", "yes"]}, outcome="y")
    rng = np.random.default_rng(1)
    shapes = {name: tuple(3 for _ in graph.parents(name)) for name in graph.names}
    cpts = {n: rng.dirichlet([1] * len(graph.node(n).states), (1, *s)) for n, s in shapes.items()}
    return br.Posterior.from_cpts(graph, cpts)


LONG = "x" * 1_000_000
COSTLY = {
    "answers": lambda p: br.risk(p, {f"k{i}": "x" for i in range(200_000)}),
    "a long name": lambda p: br.risk(p, {LONG: "x"}),
    "a long answer": lambda p: br.risk(p, {"x1": LONG}),
    "a long number": lambda p: br.risk(p, {"x1": 10**5000}),
    "a long target": lambda p: br.risk(p, {}, target=LONG),
    "a long cause": lambda p: br.attribute(p, {}, LONG),
    "a long state": lambda p: br.intervene(p, {}, {"x1": LONG}),
    "a long candidate": lambda p: br.ask_next(p, {}, candidates=LONG),
    "causes": lambda p: br.attribute(p, {}, [f"k{i}" for i in range(200_000)]),
    "changes": lambda p: br.intervene(p, {}, {f"k{i}": "x" for i in range(200_000)}),
    "nothing together": lambda p: br.recommend(p, {}, most=None),
    "true together": lambda p: br.recommend(p, {}, most=True),
    "all together": lambda p: br.recommend(p, {}, most=1_000_000),
    "many together": lambda p: br.recommend(
        p, {}, actions={f"x{i}": ("yes", "more") for i in range(6)}, most=6
    ),
    "true between": lambda p: br.mediate(p, {}, "x1", True),
    "people": lambda p: br.simulate(p.graph, 10**12, seed=1),
}


@pytest.mark.parametrize("name", COSTLY)
def test_what_would_cost_too_much_is_refused_before_it_does(name):
    with pytest.raises(br.BackriskError) as refused:
        COSTLY[name](POSTERIOR if name == "true between" else many_states(8))
    assert len(str(refused.value)) < 2000 or LONG not in str(refused.value)


def test_as_many_actions_together_as_there_are_may_be_asked_for():
    every = br.recommend(POSTERIOR, {}, most=1_000_000)
    assert every.actions == br.recommend(POSTERIOR, {}, most=2).actions
    assert any(len(action) == 2 for action in every.settings)
