"""Bayesian causal attribution of low back pain in runners.

Glossary
--------
graph
    The causal DAG.
node
    A discrete variable with ordered states; state 0 is the reference (healthiest).
mechanism
    How a node depends on its parents; gives a CPT for any parameter value.
survey
    Rows of people by nodes, with missing answers.
item
    A survey answer as a noisy child of the node it measures.
posterior
    Draws of every CPT, with what produced them.
person
    The evidence about one individual, ``{node: state}``, incomplete allowed.
target
    The outcome event, by default that the graph's outcome is not at its reference.
draw
    One posterior sample; every query is computed for each draw and summarised last.
coupling
    How a node's noise is shared between what was and what would have been.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backrisk.advice import Questions, Recommendation, ask_next, recommend
    from backrisk.attribution import Attribution, attribute
    from backrisk.codebook import Codebook, load_codebook
    from backrisk.errors import (
        BackriskError,
        FitError,
        GraphError,
        PosteriorError,
        QueryError,
        SurveyError,
    )
    from backrisk.fitting import build_model, compile_model, log_likelihood
    from backrisk.fitting.fit import fit
    from backrisk.graph import CausalGraph, Edge, Node, Prior, load_graph, packaged_graphs
    from backrisk.mediation import Mediation, mediate
    from backrisk.posterior import Diagnostics, Posterior, load_posterior
    from backrisk.query import (
        Contrast,
        Diagnosis,
        Risk,
        counterfactual,
        diagnose,
        intervene,
        risk,
        risks,
    )
    from backrisk.report import model_card, report_cohort, report_person
    from backrisk.scoring import Scored, score
    from backrisk.simulation import simulate, truth
    from backrisk.survey import Survey, read_survey, tabulate

_HOME = {
    "advice": ("Questions", "Recommendation", "ask_next", "recommend"),
    "attribution": ("Attribution", "attribute"),
    "codebook": ("Codebook", "load_codebook"),
    "errors": (
        "BackriskError",
        "FitError",
        "GraphError",
        "PosteriorError",
        "QueryError",
        "SurveyError",
    ),
    "fitting": ("build_model", "compile_model", "fit", "log_likelihood"),
    "graph": ("CausalGraph", "Edge", "Node", "Prior", "load_graph", "packaged_graphs"),
    "mediation": ("Mediation", "mediate"),
    "posterior": ("Diagnostics", "Posterior", "load_posterior"),
    "query": (
        "Contrast",
        "Diagnosis",
        "Risk",
        "counterfactual",
        "diagnose",
        "intervene",
        "risk",
        "risks",
    ),
    "scoring": ("Scored", "score"),
    "report": ("model_card", "report_cohort", "report_person"),
    "simulation": ("simulate", "truth"),
    "survey": ("Survey", "read_survey", "tabulate"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "Attribution",
    "BackriskError",
    "CausalGraph",
    "Codebook",
    "Contrast",
    "Diagnosis",
    "Diagnostics",
    "Edge",
    "FitError",
    "GraphError",
    "Mediation",
    "Node",
    "Posterior",
    "PosteriorError",
    "Prior",
    "QueryError",
    "Questions",
    "Recommendation",
    "Risk",
    "Scored",
    "Survey",
    "SurveyError",
    "ask_next",
    "attribute",
    "build_model",
    "compile_model",
    "counterfactual",
    "diagnose",
    "fit",
    "intervene",
    "load_codebook",
    "load_graph",
    "load_posterior",
    "log_likelihood",
    "mediate",
    "model_card",
    "packaged_graphs",
    "read_survey",
    "recommend",
    "report_cohort",
    "report_person",
    "risk",
    "risks",
    "score",
    "simulate",
    "tabulate",
    "truth",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that asking a saved model never imports PyMC."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'backrisk' has no attribute '{name}'")
    value = getattr(import_module(f"backrisk.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
