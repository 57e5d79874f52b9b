"""Networks as objects of pgmpy and pyAgrum, out and in."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np

from backrisk._arguments import checked
from backrisk.errors import QueryError
from backrisk.exchange.network import network_of, posterior_of
from backrisk.exchange.reading import Reading
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.words import say


@checked()
def to_pgmpy(posterior: Posterior, *, draw: int | None = None) -> Any:
    """Return the tables of a posterior as a network of pgmpy.

    *Estimand*: as for `save_network`; so is what gets lost.

    Parameters
    ----------
    posterior : Posterior
    draw : int, optional
        From 0; default the posterior mean.

    Returns
    -------
    pgmpy.models.DiscreteBayesianNetwork
        Nodes and states have their names.

    Raises
    ------
    QueryError
        If pgmpy is not installed (``pip install 'backrisk[pgmpy]'``), there is no such draw, or a
        table is too large to be written out.
    """
    _demand("pgmpy")
    with _their_warnings():
        from pgmpy.factors.discrete import TabularCPD
        from pgmpy.models import DiscreteBayesianNetwork

    network = network_of(posterior, draw)
    states = {family.name: list(family.states) for family in network.families}
    made = DiscreteBayesianNetwork()
    made.add_nodes_from(states)
    for family in network.families:
        made.add_edges_from((parent, family.name) for parent in family.parents)
        size = len(family.states)
        made.add_cpds(
            TabularCPD(
                family.name,
                size,
                family.values.reshape(-1, size).T,
                evidence=list(family.parents),
                evidence_card=[len(states[parent]) for parent in family.parents],
                state_names={name: states[name] for name in (family.name, *family.parents)},
            )
        )
    return made


@checked("model")
def from_pgmpy(
    model: Any, *, outcome: str | None = None, graph: CausalGraph | None = None
) -> Posterior:
    """Read a network of pgmpy as a posterior of one draw.

    *Assumptions*: as for `read_network`.

    Parameters
    ----------
    model : pgmpy.models.DiscreteBayesianNetwork
        With a table for each node.
    outcome, graph
        As for `read_network`.

    Returns
    -------
    Posterior

    Raises
    ------
    QueryError
        If it is no such network.
    PosteriorError
        If a table is missing or is none; see `read_network`.
    """
    if not (hasattr(model, "get_cpds") and hasattr(model, "nodes")):
        raise QueryError(say("exchange.no_object", kind=type(model).__name__, package="pgmpy"))
    reading, tables = Reading("pgmpy"), model.get_cpds()
    for table in tables:
        states = map(str, table.state_names[table.variable])
        reading.variable(str(table.variable), states, {})
    for node in model.nodes:
        if str(node) not in reading.states:
            raise reading.refuse("no_table", node=node)
    for table in tables:
        name, *parents = map(str, table.variables)
        reading.shape(name, parents)
        reading.table(name, parents, np.moveaxis(np.asarray(table.values, np.float64), 0, -1))
    called = str(getattr(model, "name", "") or "")
    return posterior_of(reading.network(called), "pgmpy", outcome, graph)


@checked()
def to_pyagrum(posterior: Posterior, *, draw: int | None = None) -> Any:
    """Return the tables of a posterior as a network of pyAgrum.

    *Estimand*: as for `save_network`; so is what gets lost.

    Parameters
    ----------
    posterior : Posterior
    draw : int, optional
        From 0; default the posterior mean.

    Returns
    -------
    pyagrum.BayesNet
        Nodes and states have their names. Some formats of pyAgrum take fewer than others, and keep
        six digits; `save_network` keeps all.

    Raises
    ------
    QueryError
        If pyAgrum is not installed (``pip install 'backrisk[pyagrum]'``), there is no such draw, or
        a table is too large to be written out.
    """
    _demand("pyagrum")
    with _their_warnings():
        import pyagrum

    network = network_of(posterior, draw)
    made = pyagrum.BayesNet(network.name)
    for family in network.families:
        label = family.label or family.name
        made.add(pyagrum.LabelizedVariable(family.name, label, list(family.states)))
    for family in network.families:
        for parent in family.parents:
            made.addArc(parent, family.name)
        table, axes = made.cpt(family.name), (*family.parents, family.name)
        # Its array has the axes of its names from last to first.
        order = [axes.index(name) for name in reversed(table.names)]
        table.fillWith(family.values.transpose(order).ravel().tolist())
    return made


@checked("net")
def from_pyagrum(
    net: Any, *, outcome: str | None = None, graph: CausalGraph | None = None
) -> Posterior:
    """Read a network of pyAgrum as a posterior of one draw.

    *Assumptions*: as for `read_network`.

    Parameters
    ----------
    net : pyagrum.BayesNet
    outcome, graph
        As for `read_network`.

    Returns
    -------
    Posterior

    Raises
    ------
    QueryError
        If it is no such network.
    PosteriorError
        If a table is none; see `read_network`.
    """
    if not (hasattr(net, "cpt") and hasattr(net, "variable") and hasattr(net, "names")):
        raise QueryError(say("exchange.no_object", kind=type(net).__name__, package="pyAgrum"))
    reading = Reading("pyAgrum")
    names = [net.variable(node).name() for node in sorted(net.nodes())]
    for name in names:
        reading.variable(name, map(str, net.variable(name).labels()), {})
    for name in names:
        table = net.cpt(name)
        _, *parents = table.names
        shape = reading.shape(name, parents)
        backwards = np.array(table.tolist(), np.float64).reshape(
            [len(reading.states[each]) for each in reversed(table.names)]
        )
        order = [table.names[::-1].index(each) for each in (*parents, name)]
        reading.table(name, parents, backwards.transpose(order).reshape(shape))
    found = reading.network(str(net.property("name")) if "name" in net.properties() else "")
    return posterior_of(found, "pyAgrum", outcome, graph)


@contextmanager
def _their_warnings() -> Iterator[None]:
    """Keep what a package warns of as it is imported: pyAgrum does not survive it as an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _demand(package: str) -> None:
    """Refuse what needs a package that is not installed."""
    if find_spec(package) is None:
        extra = f"backrisk[{package}]"
        raise QueryError(say("exchange.needs_package", package=package, extra=extra))
