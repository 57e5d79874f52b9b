"""The compiled density is that of the PyMC model, value and slopes, whatever the survey."""

import ctypes
from dataclasses import replace

import numpy as np
import pytest

from backrisk import (
    CausalGraph,
    Edge,
    Node,
    Prior,
    load_codebook,
    load_graph,
    simulate,
    simulate_panel,
)
from backrisk.fitting.chains import Settings, run_chains
from backrisk.fitting.direct import direct_model
from backrisk.fitting.mode import density_of
from backrisk.fitting.model import build_model
from backrisk.fitting.observed import prepare
from backrisk.likelihood import conditioned
from backrisk.survey import Codebook, Survey, read_panel
from tests.strategies import every_mechanism, nominal_causes


def packaged():
    graph = load_graph("runner")
    codebook = load_codebook("runner", graph)
    frame = simulate(graph, 60, seed=1, codebook=codebook)
    return Survey.from_frame(frame, graph, codebook)


def small():
    graph = CausalGraph.from_text("a -> b -> c; a -> c")
    return Survey.from_frame(simulate(graph, 40, seed=2), graph)


def mechanisms():
    return Survey.from_frame(simulate(every_mechanism(), 50, seed=3), every_mechanism())


def unordered():
    return Survey.from_frame(simulate(nominal_causes(), 50, seed=4), nominal_causes())


def with_sites():
    graph = every_mechanism()
    frame = simulate(graph, 60, seed=5).assign(site=["one", "two", "three"] * 20)
    return Survey.from_frame(frame, graph, site="site")


def over_time():
    graph = load_graph("runner_core")
    frame = simulate_panel(graph, 15, 3, seed=6, missing=0.3)
    panel = read_panel(frame, graph, id="id", time="time", every=1)
    return panel.to_survey(trait=True)


def by_outcome(kind):
    graph = replace(every_mechanism(), outcome="o")
    frame = simulate(graph, 40, seed=7, gaps=False)
    rng = np.random.default_rng(7)
    gone = rng.random(frame.shape) < 0.2
    gone[:, [name in ("o", *graph.parents("o")) for name in frame]] = False
    frame["o"] = ["s0", "s2", "s1", "s0", "s0"] * 8
    frame = frame.mask(gone, "").assign(set=np.repeat([f"p{i}" for i in range(8)], 5))
    columns = {name: {"node": name} for name in graph.names}
    design = {"kind": kind, "prevalence": 0.2, "people": 100}
    keys = {"ignore": ["set"]}
    if kind == "matched":
        design, keys = design | {"set": "set"}, {}
    data = {"name": "b", "graph": graph.name, "columns": columns, "design": design, **keys}
    return Survey.from_frame(frame, graph, Codebook.from_dict(data, graph))


def never_wrong():
    """An item whose error is known, and some of whose answers are impossible."""
    graph = CausalGraph(
        "known",
        (Node("x", ("no", "yes")), Node("y", ("no", "yes"), mechanism="ordinal_logit")),
        (Edge("x", "y", "claim", "stated", "weak", Prior(0.5, 0.5)),),
        outcome="y",
    )
    wrong = {"no": {"no": 0.9, "yes": 0.1}, "yes": {"no": 0.0, "yes": 1.0}}
    columns = {"asked": {"item": "x", "misclassification": wrong}, "y": {"node": "y"}}
    codebook = Codebook.from_dict({"name": "b", "graph": "known", "columns": columns}, graph)
    frame = simulate(graph, 40, seed=8, codebook=codebook)
    return Survey.from_frame(frame, graph, codebook)


SURVEYS = {
    "packaged": packaged,
    "small": small,
    "every mechanism": mechanisms,
    "nominal causes": unordered,
    "sites": with_sites,
    "panel": over_time,
    "cases and controls": lambda: by_outcome("case_control"),
    "matched sets": lambda: by_outcome("matched"),
    "known error": never_wrong,
}


@pytest.mark.parametrize("name", SURVEYS)
def test_value_and_slopes_are_those_of_pymc(name):
    """At a start, beside it, and where effects are so large that plain probabilities vanish.

    Both are sums of the same terms in another order: the tolerance is 1e-10 of the largest.
    """
    survey = SURVEYS[name]()
    prepared = prepare(survey.graph, survey)
    prepared = replace(prepared, known=conditioned(prepared.layout))
    ours = direct_model(prepared)
    model = build_model(survey.graph, survey, circuit=prepared.circuit, prior=prepared.prior)
    theirs = model.logp_dlogp_function(ravel_inputs=True, mode="FAST_COMPILE")
    theirs.set_extra_values({})
    assert ours.n_dim == sum(np.size(value) for value in model.initial_point().values())
    density, start = density_of(ours), ours.initial_point_func(1)
    rng = np.random.default_rng(9)
    first = len(prepared.prior.start)
    away = np.zeros(len(start))
    for far, of in ((0.0, 0), (1.0, 0), (4.0, 0), (200.0, first)):
        away[of:] = far * rng.normal(size=len(start) - of)
        point = start + away
        value, slopes = density(point)
        expected, onto = theirs(point)
        assert -value == pytest.approx(float(expected), rel=1e-10)
        np.testing.assert_allclose(-slopes, onto, rtol=0, atol=1e-10 * np.abs(onto).max())


@pytest.mark.parametrize("name", ["every mechanism", "sites"])
def test_what_is_recorded_are_the_parameters_of_pymc(name):
    survey = SURVEYS[name]()
    ours = direct_model(prepare(survey.graph, survey))
    tree = run_chains(ours, [1], Settings(3, 3, 0.8, 1), progress=False)
    model = build_model(survey.graph, survey)
    recorded = tree["posterior"].to_dataset()
    for name in ours.shapes:
        assert recorded[name].dims[2:] == model.named_vars_to_dims[name]
        assert recorded[name].shape[2:] == ours.shapes[name]
        for dim in recorded[name].dims[2:]:
            assert tuple(recorded[dim].to_numpy()) == model.coords[dim]
    point = ours.initial_point_func(3)
    written = np.empty(ours.n_expanded)
    pointer = ctypes.POINTER(ctypes.c_double)
    wrong = ours.compiled_expand_func.ctypes(
        ours.n_dim,
        ours.n_expanded,
        point.ctypes.data_as(pointer),
        written.ctypes.data_as(pointer),
        ctypes.c_void_p(ours.user_data.ctypes.data),
    )
    assert wrong == 0
    values, at = {}, 0
    for variable in model.value_vars:
        shape = model.initial_point()[variable.name].shape
        size = int(np.prod(shape))
        values[variable.name] = point[at : at + size].reshape(shape)
        at += size
    names = list(ours.shapes)
    expected = model.compile_fn(
        model.replace_rvs_by_values([model[name] for name in names]),
        inputs=model.value_vars,
        mode="FAST_COMPILE",
        point_fn=True,
        on_unused_input="ignore",
    )(values)
    np.testing.assert_allclose(written, np.concatenate([np.ravel(v) for v in expected]), rtol=1e-12)
