"""Every independence among observed nodes that a graph implies, tested against a survey."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import networkx as nx

from backrisk._arguments import checked
from backrisk.check.claims import ERROR, Claim, Verdicts, by_other, demand_level, judged, pairs
from backrisk.check.scores import Scores
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.survey import Survey


@dataclass(frozen=True)
class Independence:
    """Two nodes that a graph holds independent, given others.

    Parameters
    ----------
    node, other : str
        The other is no descendant of the node.
    given : tuple of str
        Fewest observed nodes that part the two, in the graph's order.
    """

    node: str
    other: str
    given: tuple[str, ...]


@checked()
def implied_independences(
    graph: CausalGraph, observed: Iterable[str] | None = None
) -> tuple[Independence, ...]:
    """Return the independences among observed nodes that a graph implies: one for every two nodes.

    Two nodes are told apart by a set of others where it blocks every path between them
    (d-separation). For every two observed nodes without an edge between them, one of the smallest
    such sets among the observed nodes is given, if there is any: two nodes that an unmeasured
    common cause joins have none. Where all nodes are observed, these are a basis: every other
    independence of the graph follows from them. DAGitty's ``impliedConditionalIndependencies``
    lists the same pairs, with every minimal set.

    Parameters
    ----------
    graph : CausalGraph
    observed : iterable of str, optional
        Nodes that are measured; all where left out.

    Returns
    -------
    tuple of Independence

    Raises
    ------
    GraphError
        If there is no such node.

    Notes
    -----
    A smallest set lies among the ancestors of the two, and parts them in the moral graph of these
    (Lauritzen et al. 1990, doi:10.1002/net.3230200503; Tian, Paz and Pearl 1998): it is a smallest
    cut between them through observed nodes, which a maximal flow finds (van der Zander, Liśkiewicz
    and Textor 2019, doi:10.1016/j.artint.2018.12.006).

    Examples
    --------
    >>> two = ["no", "yes"]
    >>> graph = CausalGraph.from_edges(
    ...     [("x", "m"), ("m", "y")], {"x": two, "m": two, "y": two}
    ... )
    >>> implied_independences(graph)
    (Independence(node='y', other='x', given=('m',)),)
    >>> implied_independences(graph, observed=["x", "y"])
    ()
    """
    seen = set(graph.names) if observed is None else {graph.node(name).name for name in observed}
    found = []
    for node, other in pairs(graph):
        if {node, other} <= seen:
            given = smallest_separator(graph, node, other, seen)
            if given is not None:
                found.append(Independence(node, other, given))
    return tuple(found)


def smallest_separator(
    graph: CausalGraph, node: str, other: str, observed: Collection[str]
) -> tuple[str, ...] | None:
    """Return fewest observed nodes that d-separate two others; None where none do."""
    above = {node, other, *graph.ancestors(node), *graph.ancestors(other)}
    moral: nx.DiGraph[tuple[str, str]] = nx.DiGraph()
    for name in above:
        free = name in observed and name not in (node, other)
        if free:  # a node that may be cut: one unit passes through it
            moral.add_edge((name, "in"), (name, "out"), capacity=1)
        else:
            moral.add_edge((name, "in"), (name, "out"))  # without a capacity: unbounded
    for name in above:
        family = (*graph.parents(name), name)
        for at, first in enumerate(family):
            for second in family[at + 1 :]:
                moral.add_edge((first, "out"), (second, "in"))
                moral.add_edge((second, "out"), (first, "in"))
    source, target = (node, "out"), (other, "in")
    if target in moral[source]:
        return None
    try:
        _, (reached, _) = nx.minimum_cut(moral, source, target)
    except nx.NetworkXUnbounded:
        return None
    cut = {name for name, side in reached if side == "in" and (name, "out") not in reached}
    return tuple(name for name in graph.names if name in cut)


@checked()
def local_tests(posterior: Posterior, survey: Survey, *, level: float = ERROR) -> Verdicts:
    """Test every independence that the graph implies among the nodes that the survey measures.

    Estimand of each test: the effect, on the log odds of one node from reference to worst state of
    another, that an edge between the two would have beside everything that the model holds. If the
    graph is right it is zero.

    Parameters
    ----------
    posterior : Posterior
        Of a fit to the survey, or of CPTs that were given. How common states are in these, and how
        that hangs on the causes, is left open: a table that is wrong contradicts no independence
        (`family_residuals` tells it). Of a table of more than 100 open cells that is only how much
        each cause adds, so that causes which act together otherwise than it says may show here.
    survey : Survey
        With weights, these are scaled as in a fit and variances are those of a weighted sample;
        with sites that the posterior has too, each site has its own intercepts.
    level : float
        The chance that this report and that of `family_residuals` together contradict a model that
        holds; each has half of it.

    Returns
    -------
    Verdicts
        ``contradicted``: if the model held, such an association would be seen anywhere in this
        report and in that of `family_residuals` with the chance `level` at most. ``agrees``: it
        was not seen, and an odds ratio of 2 would have been with a chance of at least 80 %.
        ``too little data to tell`` otherwise.

    Raises
    ------
    QueryError
        If the survey was read for another graph or other sites, people were chosen by the outcome,
        answers are impossible under the model, or the level is no chance between 0 and 1.
    FitError
        If exact elimination is out of reach.

    Notes
    -----
    The test is Rao's efficient score at the mode of the posterior: for every person, the
    expectation, given all that the person answered, of the node's residual times the other's
    state, less what the model's own parameters could take up (their prior counted as the answers of
    other people). Missing answers and unmeasured nodes are summed out exactly, so that nobody is
    left out, and answers may be missing at random. A p-value is therefore calibrated itself, unlike
    a posterior predictive one, which uses the data twice and is conservative (Robins, van der
    Vaart and Ventura 2000, doi:10.2307/2669750). An association may have other reasons than an
    edge: a common cause, people who were selected, a question that was misunderstood; and an edge
    that is turned round may imply the same independences.

    Examples
    --------
    >>> import numpy as np
    >>> from backrisk import Posterior, Survey, Codebook
    >>> two = ["no", "yes"]
    >>> graph = CausalGraph.from_edges([("x", "m"), ("m", "y")], {"x": two, "m": two, "y": two})
    >>> cpts = {"x": [0.5, 0.5], "m": [[0.7, 0.3], [0.3, 0.7]], "y": [[0.8, 0.2], [0.4, 0.6]]}
    >>> codes = np.random.default_rng(1).integers(0, 2, (2000, 3)).astype(np.int8)
    >>> codes[:, 2] = codes[:, 0]  # y is x, whatever m
    >>> survey = Survey(graph, codes, Codebook.plain(graph))
    >>> local_tests(Posterior.from_cpts(graph, cpts), survey).table["verdict"].tolist()
    ['contradicted']
    """
    demand_level(level)
    return independences_at(posterior, survey, level)


def independences_at(posterior: Posterior, survey: Survey, level: float) -> Verdicts:
    """Return `local_tests` at a level of both reports, of which its own half is below one."""
    scores = Scores.of(posterior, survey)
    claims: dict[str, list[Claim]] = {}
    for each in implied_independences(survey.graph, scores.measured):
        claim = Claim("independence", each.node, (each.other,), each.given)
        claims.setdefault(each.other, []).append(claim)
    tested = [t for other, asked in claims.items() for t in by_other(scores, other, asked)]
    return judged(survey.graph, tested, "check.independences.title", level)
