"""A panel fitted whole, and its complete rows alone, beside Stan as dynamite would fit them.

The teaching graph over six periods, 500 synthetic people, a fifth of the answers missing completely
at random, nobody with a lasting susceptibility. dynamite (doi:10.18637/jss.v115.i05) fits a
regression of each moving node on its causes and on what was one period before, and leaves out
whatever lacks a value, for each period and each node; so does this program, written by hand:
cumulative logits, one coefficient for each state of a cause, normal with mean 0 and standard
deviation 2. backrisk fits the same rows, and everything, which sums over what is missing and learns
the first period too; it believes the same of the worst state of each cause, has the states between
lie between, and uses no published figure. All are asked the log odds ratio of worse pain after
limiting pain against none, whose truth is known. What is missing completely at random biases
nobody; it costs precision. `rows` are those of the regression of pain, of those that there are.
Four chains of 500 draws after 500 steps, one after the other. All seconds are the processor's:
sampling with adaptation, compilation apart; a gradient is one alone here, and a step of the sampler
in Stan. Effective draws are bulk, of the worst parameter. Where R or its package rstan is absent,
the last row says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from backrisk import CausalGraph, Codebook, Edge, compile_model, fit
from backrisk.fitting import build_model
from backrisk.graph import Layout, Prior, UnrolledGraph, load_graph, unroll
from backrisk.posterior import simulate_panel, truth
from backrisk.survey import Survey, read_panel
from tests.benchmarks import _stan
from tests.benchmarks._peers import gradient_of
from tests.benchmarks.common import least_processor_seconds, processor_seconds, result

PEOPLE, WAVES = 500, 6
SETTINGS = {"chains": 4, "tune": 500, "draws": 500}
NO_BELIEF = Prior(0.0, 2.0)
FAMILIES = {
    "fatigue": ((), ("fatigue",)),
    "compensation": (("fatigue",), ("pain",)),
    "lumbar_load": (("pelvic_tilt", "compensation"), ()),
    "pain": (("lumbar_load",), ("pain",)),
}  # causes of the same period, and of the one before
ASKED = "b_pain[4]"  # two states of load, then of pain before


def surveyed() -> tuple[Survey, float]:
    """Return the synthetic panel as a survey of all its periods, and the true log odds ratio."""
    graph = load_graph("runner_core")
    graph = replace(graph, nodes=tuple(replace(node, parted=False) for node in graph.nodes))
    frame = simulate_panel(graph, PEOPLE, WAVES, seed=1, missing=0.2, visits_missing=0.0)
    over = unroll(graph, WAVES)
    true = truth(over).beta[0, Layout(over).effect_labels.index("pain__1, pain")]
    open_minded = replace(
        graph,
        edges=tuple(replace(edge, prior=NO_BELIEF) for edge in graph.edges),
        lagged=tuple(replace(edge, prior=NO_BELIEF) for edge in graph.lagged),
    )
    return read_panel(frame, open_minded, id="id", time="time", every=1).to_survey(), float(true)


def channels(survey: Survey) -> list[_stan.Channel]:
    """Return the regressions, each of the visits from the second on at which all of it is known."""
    graph = survey.graph
    assert isinstance(graph, UnrolledGraph)

    def answers(name: str, back: int) -> Any:
        at = [graph.names.index(graph.at(name, t - back)) for t in range(1, graph.periods)]
        return survey.codes[:, at].ravel().astype(np.int64)

    found = []
    for name, (now, before) in FAMILIES.items():
        causes = [(cause, answers(cause, 0)) for cause in now]
        causes += [(f"{cause}_before", answers(cause, 1)) for cause in before]
        here = answers(name, 0)
        whole = np.all([here >= 0, *(codes >= 0 for _, codes in causes)], axis=0)
        kept = tuple((cause, codes[whole]) for cause, codes in causes)
        found.append(_stan.Channel(name, here[whole], kept))
    return found


def complete(parts: list[_stan.Channel], template: CausalGraph) -> Survey:
    """Return the same regressions as a survey: a graph that falls into one piece for each.

    A row belongs to one piece, of which everything is answered, and tells nothing of the others.
    """
    nodes, edges, columns = [], [], {}
    start, rows = 0, sum(len(part.codes) for part in parts)
    for part in parts:
        end = start + len(part.codes)
        for cause, codes in (*part.causes, ("", part.codes)):
            node = template.node(cause.removesuffix("_before") or part.name)
            name = f"{cause}_of_{part.name}" if cause else part.name
            nodes.append(replace(node, name=name, persist=False, parted=False, constant=False))
            columns[name] = np.full(rows, -1, np.int8)
            columns[name][start:end] = codes
            if cause:
                edges.append(Edge(name, part.name, "claim", "stated", "weak", NO_BELIEF))
        start = end
    graph = CausalGraph("transitions", tuple(nodes), tuple(edges), outcome="pain")
    codes = np.column_stack([columns[name] for name in graph.names])
    return Survey(graph, codes, Codebook.plain(graph))


def fitted(survey: Survey, effect: str) -> dict[str, Any]:
    """Fit with backrisk; return what `_stan.sample` does."""
    compiling, compiled = processor_seconds(
        lambda: compile_model(survey.graph, survey, evidence=False)
    )
    options: dict[str, Any] = {"compiled": compiled, "evidence": False, "progress": False}
    options |= {**SETTINGS, "cores": 1, "target_accept": 0.8}  # as Stan's default
    taken, posterior = processor_seconds(lambda: fit(survey.graph, survey, seed=1, **options))
    (gradient,) = least_processor_seconds(gradient_of(build_model(survey.graph, survey)))
    drawn = posterior.beta[:, Layout(posterior.graph).effect_labels.index(effect)]
    worst = posterior.diagnostics.worst
    return {
        "compile_s": compiling,
        "seconds": taken,
        "low": np.quantile(drawn, 0.05),
        "high": np.quantile(drawn, 0.95),
        "ess": worst["ess_bulk"],
        "r_hat": worst["r_hat"],
        "divergences": worst["divergences"],
        "gradient_s": gradient,
    }


def run() -> list[dict[str, Any]]:
    """Fit everything, then the complete rows, these in Stan too."""
    survey, true = surveyed()
    parts = channels(survey)
    template = survey.graph.template  # type: ignore[attr-defined]
    visits = PEOPLE * (WAVES - 1)
    whole = fitted(survey, "pain__1, pain")
    rows = fitted(complete(parts, template), "pain, pain_before_of_pain")
    known: dict[str, Any] = {"truth": round(true, 2), "rows": f"{len(parts[-1].codes)} of {visits}"}
    alone = {**known, "rows": f"{visits} of {visits}"}
    packages = ("numba", "nutpie")
    records = [
        result("everything", ours_s=whole["seconds"], packages=packages, **alone, **told(whole))
    ]
    if not _stan.available():
        name = "complete rows (no R with rstan here: Stan is left out)"
        return [
            *records,
            result(name, ours_s=rows["seconds"], packages=packages, **known, **told(rows)),
        ]
    stan = _stan.sample(parts, ASKED, **SETTINGS)
    other = told(stan)
    both = {key: f"{value} : {other[key]}" for key, value in told(rows).items()}
    times = {"ours_s": rows["seconds"], "theirs_s": stan["seconds"], "peer": "Stan"}
    return [*records, result("complete rows", packages=packages, **times, **known, **both)]


def told(found: dict[str, Any]) -> dict[str, str]:
    """Return what a fit found, as the table shows it."""
    return {
        "interval_90": f"{found['low']:.2f} to {found['high']:.2f}",
        "width": f"{found['high'] - found['low']:.2f}",
        "gradients_per_s": f"{1.0 / found['gradient_s']:,.0f}",
        "least_ess": f"{found['ess']:.0f}",
        "ess_per_s": f"{found['ess'] / found['seconds']:.0f}",
        "r_hat": f"{found['r_hat']:.3f}",
        "divergences": f"{found['divergences']:.0f}",
        "compile_s": f"{found['compile_s']:.0f}",
    }
