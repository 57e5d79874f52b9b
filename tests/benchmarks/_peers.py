"""The same likelihood as an expert would write it elsewhere: PyTensor, NumPyro, PyMC.

Each returns a function of the log CPT cells that gives the log-likelihood and its gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk.graph import CausalGraph
from backrisk.likelihood import Cells, build_circuit, value_and_counts
from backrisk.survey import Survey, tabulate

Array = NDArray[np.float64]
Evaluation = Callable[[Array], tuple[Any, Any]]


def ours(survey: Survey) -> Evaluation:
    """Return backrisk's kernel on the survey's circuit."""
    patterns = tabulate(survey)
    packed = build_circuit(survey.graph, patterns.codes, patterns.weights).packed()
    return lambda log_cells: value_and_counts(log_cells, *packed)


def gradient_of(model: Any) -> Callable[[], Any]:
    """Return what evaluates the log density of a PyMC model and its gradient, where it starts."""
    function = model.logp_dlogp_function(ravel_inputs=True, mode="NUMBA")
    function.set_extra_values({})
    start = model.initial_point()
    point = np.concatenate([np.ravel(start[value.name]) for value in model.value_vars])
    return lambda: function._pytensor_function(point)


def pytensor_graph(
    graph: CausalGraph, codes: NDArray[np.int8], weights: Array, log_cells: Any
) -> Any:
    """Write variable elimination as PyTensor expressions, vectorised over all rows.

    Families that every row observes are counted. Nodes that every row observes are sliced away;
    nodes that nobody has keep an axis; nodes that some have keep one too, times an indicator of
    the answer (one graph for each of the hundreds of patterns of missingness would not compile).
    Greedy order, smallest table first.
    """
    import pytensor.tensor as pt

    cells = Cells.of(graph)
    observed = codes >= 0
    used = observed.any(axis=0)
    for name in reversed(graph.topological):
        for child in graph.children(name):
            used[graph.names.index(name)] |= used[graph.names.index(child)]
    whole = observed.all(axis=0)
    theta = pt.exp(log_cells)
    counts = np.zeros(cells.size)
    tables: list[tuple[tuple[int, ...], Any]] = []
    for v, family in enumerate(cells.families):
        if not used[v]:
            continue
        part = cells.part(graph.names[v])
        if whole[list(family)].all():
            strides = [stride for _, stride in cells.strides(v, -1)]
            address = cells.starts[v] + codes[:, list(family)].astype(np.int64) @ strides
            counts += np.bincount(address, weights=weights, minlength=cells.size)
            continue
        seen = [axis for axis, u in enumerate(family) if whole[u]]
        open_ = [axis for axis, u in enumerate(family) if not whole[u]]
        table = theta[part].reshape(graph.shape(graph.names[v])).transpose(*seen, *open_)
        if seen:
            table = table[tuple(codes[:, family[axis]].astype(np.int64) for axis in seen)]
        else:
            table = table[None]
        tables.append((tuple(family[axis] for axis in open_), table))
    states = [len(node.states) for node in graph.nodes]
    for u in np.flatnonzero(used & ~whole & observed.any(axis=0)).tolist():
        answer = np.where(observed[:, [u]], codes[:, [u]] == np.arange(states[u]), 1.0)
        tables.append(((u,), pt.constant(answer)))

    def scope(node: int) -> list[int]:
        return sorted({u for nodes, _ in tables if node in nodes for u in nodes} - {node})

    left = set(np.flatnonzero(used & ~whole).tolist())
    while left:
        node = min(left, key=lambda u: (np.prod([states[w] for w in scope(u)], dtype=float), u))
        axes = [*scope(node), node]
        product: Any = 1.0
        for nodes, table in [each for each in tables if node in each[0]]:
            order = [nodes.index(u) + 1 if u in nodes else "x" for u in axes]
            product = product * table.dimshuffle(0, *order)
        tables = [each for each in tables if node not in each[0]]
        tables.append((tuple(axes[:-1]), product.sum(axis=-1)))
        left.remove(node)
    value = pt.dot(counts, log_cells)
    probability: Any = None
    for _, table in tables:
        probability = table if probability is None else probability * table
    if probability is not None:
        value = value + (weights * pt.log(probability)).sum()
    return value


def pytensor(survey: Survey, backend: str) -> Evaluation:
    """Compile `pytensor_graph` with its gradient: backend ``NUMBA`` or ``CVM`` (C)."""
    import pytensor as compiler
    import pytensor.tensor as pt

    patterns = tabulate(survey)
    log_cells = pt.dvector("log_cells")
    value = pytensor_graph(survey.graph, patterns.codes, patterns.weights, log_cells)
    mode = "NUMBA" if backend == "NUMBA" else compiler.compile.mode.Mode("cvm", "fast_run")
    run = compiler.function(
        [log_cells], [value, compiler.grad(value, log_cells)], mode=mode, trust_input=True
    )
    return lambda cells: run(cells)


def numpyro_rows(graph: CausalGraph, codes: NDArray[np.int8], log_cells: Any) -> None:
    """Sample and observe every node in a plate over people, for NumPyro's enumeration.

    A node that some lack is enumerated for all, times an indicator of the answer, which is
    cheaper than a masked pair of sites. The indicator is exp(-10,000) and not 0, whose gradient is
    not a number; it vanishes from every sum of doubles.
    """
    import jax.numpy as jnp
    import numpyro
    from numpyro import distributions as dist
    from numpyro.ops.indexing import Vindex

    cells = Cells.of(graph)
    observed = codes >= 0
    answers = {name: jnp.asarray(codes[:, i], dtype=int) for i, name in enumerate(graph.names)}
    state: dict[str, Any] = {}
    with numpyro.plate("people", len(codes), dim=-1):
        rows = jnp.arange(len(codes))
        for name in graph.topological:
            i = graph.names.index(name)
            table = log_cells[cells.part(name)].reshape(graph.shape(name))
            causes = tuple(state[cause] for cause in graph.parents(name))
            logits = Vindex(table)[(*causes, slice(None))] if causes else table
            if observed[:, i].all():
                state[name] = answers[name]
                numpyro.sample(name, dist.Categorical(logits=logits), obs=answers[name])
                continue
            state[name] = numpyro.sample(
                name, dist.Categorical(logits=logits), infer={"enumerate": "parallel"}
            )
            if observed[:, i].any():
                k = table.shape[-1]
                wrong = observed[:, [i]] & (codes[:, [i]] != np.arange(k))
                said = jnp.where(jnp.asarray(wrong), -1e4, 0.0)
                numpyro.factor(f"{name} said", Vindex(said)[rows, state[name]])


def numpyro_evaluation(survey: Survey) -> Evaluation:
    """Compile NumPyro's enumerated log density of the people, with its gradient.

    Categorical normalises what it is given, so the gradient is that of free log odds: see
    `within_rows`.
    """
    import jax
    import numpyro
    from numpyro import handlers
    from numpyro.contrib.funsor import enum, log_density

    size = Cells.of(survey.graph).size

    def model() -> None:
        free = numpyro.distributions.ImproperUniform(
            numpyro.distributions.constraints.real_vector, (), (size,)
        )
        log_cells = numpyro.sample("log_cells", free)
        numpyro_rows(survey.graph, survey.codes, log_cells)

    enumerated = enum(handlers.seed(model, 0), first_available_dim=-2)

    def density(log_cells: Any) -> Any:
        return log_density(enumerated, (), {}, {"log_cells": log_cells})[0]

    run = jax.jit(jax.value_and_grad(density))

    def evaluate(log_cells: Array) -> tuple[Any, Any]:
        value, gradient = run(log_cells)
        return value.block_until_ready(), gradient.block_until_ready()

    return evaluate


def row_starts(graph: CausalGraph) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where each distribution starts among the cells, and how long it is."""
    lengths = np.concatenate(
        [np.full(int(np.prod(s[:-1])), s[-1]) for s in map(graph.shape, graph.names)]
    )
    return np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths


def within_rows(graph: CausalGraph, log_cells: Array, counts: Array, rows: Any = None) -> Array:
    """Turn expected counts into the gradient with respect to free log odds of each row."""
    starts, lengths = row_starts(graph) if rows is None else rows
    return counts - np.exp(log_cells) * np.repeat(np.add.reduceat(counts, starts), lengths)


def rowwise(survey: Survey, backend: str) -> Evaluation:
    """Compile a PyMC model with one Categorical for each node, a row for each person."""
    import pymc as pm
    import pytensor as compiler
    import pytensor.tensor as pt

    graph, codes = survey.graph, survey.codes.astype(np.int64)
    cells = Cells.of(graph)
    with pm.Model(check_bounds=False) as model:
        log_cells = pm.Flat("log_cells", shape=cells.size)
        theta = pt.exp(log_cells)
        for i, name in enumerate(graph.names):
            table = theta[cells.part(name)].reshape(graph.shape(name))
            causes = tuple(codes[:, graph.names.index(cause)] for cause in graph.parents(name))
            pm.Categorical(name, p=table[causes] if causes else table, observed=codes[:, i])
    mode = "NUMBA" if backend == "NUMBA" else compiler.compile.mode.Mode("cvm", "fast_run")
    value = model.logp()
    variable = model.rvs_to_values[log_cells]
    run = compiler.function(
        [variable], [value, compiler.grad(value, variable)], mode=mode, trust_input=True
    )
    return lambda given: run(given)


def check_equal(
    graph: CausalGraph, log_cells: Array, first: tuple[Any, Any], second: tuple[Any, Any]
) -> None:
    """Compare two evaluations before anything is timed.

    Gradients are compared for free log odds: a family that nothing observed depends on may count
    as its prior or not at all, which is the same there.
    """
    np.testing.assert_allclose(float(first[0]), float(second[0]), rtol=1e-8)
    a, b = (within_rows(graph, log_cells, np.asarray(each[1])) for each in (first, second))
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9 * np.abs(b).max())
