"""The circuit against enumeration: value, gradient, rows."""

import itertools
import tracemalloc

import numpy as np
import pytest
from scipy.special import gammaln
from strategies import random_graph, random_posterior, random_template, seeds

from backrisk import CausalGraph, FitError, unroll
from backrisk.likelihood import (
    Cells,
    build_circuit,
    kernel,
    planner,
    row_log_likelihood,
    size_of,
    stack_logs,
    value_and_counts,
)


def enumerate_rows(graph, cells, theta, codes, weights):
    """The slow, obvious reference: every completion of every row."""
    states = [len(node.states) for node in graph.nodes]
    logs, counts = [], np.zeros(cells.size)
    for row, weight in zip(codes, weights, strict=True):
        total, expected = 0.0, np.zeros(cells.size)
        choices = [range(k) if c < 0 else [c] for c, k in zip(row, states, strict=True)]
        for full in itertools.product(*choices):
            where = [
                start + sum(int(full[u]) * stride for u, stride in cells.strides(v, -1))
                for v, start in enumerate(cells.starts)
            ]
            p = np.prod(theta[where])
            total += p
            np.add.at(expected, where, p)
        logs.append(np.log(total))
        counts += weight * expected / total
    return np.array(logs), counts


def flat(posterior, cells):
    """The cells of a posterior of one draw, laid out whole."""
    theta = np.empty(cells.size)
    for name in cells.graph.names:
        theta[cells.part(name)] = posterior.cpt(name).ravel()
    return theta


@pytest.mark.parametrize("periods", [2, 3])
@pytest.mark.parametrize("seed", seeds(8, 100))
def test_tied_families_equal_enumeration_of_all_periods(seed, periods):
    """The same cells at every period: value, gradient, rows; whole and in blocks."""
    rng = np.random.default_rng([seed, periods])
    graph = unroll(random_template(rng, 3), periods)
    cells = Cells.of(graph)
    posterior = random_posterior(rng, graph, draws=1)
    theta = flat(posterior, cells)
    states = [len(node.states) for node in graph.nodes]
    codes = np.array(
        [[rng.integers(k) if rng.random() < 0.6 else -1 for k in states] for _ in range(10)],
        dtype=np.int8,
    )
    weights = rng.random(10) * 3
    logs, expected = enumerate_rows(graph, cells, theta, codes, weights)
    for by_row in ((), graph.names):
        circuit = build_circuit(graph, codes, weights, by_row)
        given = stack_logs(circuit.cells, posterior)[0]
        value, counts = value_and_counts(given, *circuit.packed())
        assert value == pytest.approx(weights @ logs, abs=1e-10)
        rows = row_log_likelihood(circuit, given[None])[0]
        np.testing.assert_allclose(rows, logs, rtol=0, atol=1e-10)
        if not by_row:
            np.testing.assert_allclose(
                within_rows(graph, cells, theta, counts),
                within_rows(graph, cells, theta, expected),
                rtol=0,
                atol=1e-10,
            )
        else:
            step, tape = 1e-5, circuit.packed()
            for cell in rng.choice(len(given), size=min(6, len(given)), replace=False):
                up, down = given.copy(), given.copy()
                up[cell] += step
                down[cell] -= step
                slope = value_and_counts(up, *tape)[0] - value_and_counts(down, *tape)[0]
                assert counts[cell] == pytest.approx(slope / (2 * step), abs=1e-6)


def test_a_tied_family_has_no_cells_of_its_own():
    template = random_template(np.random.default_rng(1), 4)
    two, nine = (Cells.of(unroll(template, periods)) for periods in (2, 9))
    assert two.size == nine.size


def within_rows(graph, cells, theta, counts):
    """Gradient with respect to free log odds: families that sum to one cancel here."""
    parts = []
    for name in graph.names:
        k = graph.shape(name)[-1]
        n, p = counts[cells.part(name)].reshape(-1, k), theta[cells.part(name)].reshape(-1, k)
        parts.append((n - p * n.sum(axis=1, keepdims=True)).ravel())
    return np.concatenate(parts)


@pytest.fixture(params=range(60))
def case(request):
    rng = np.random.default_rng(request.param)
    graph = random_graph(rng, int(rng.integers(2, 7)))
    cells = Cells.of(graph)
    posterior = random_posterior(rng, graph, draws=1)
    theta = np.concatenate([posterior.cpt(name).ravel() for name in graph.names])
    states = [len(node.states) for node in graph.nodes]
    codes = np.array(
        [[rng.integers(k) if rng.random() < 0.6 else -1 for k in states] for _ in range(12)],
        dtype=np.int8,
    )
    codes[:, rng.integers(len(states))] = -1  # a node that nobody measured
    return graph, cells, theta, codes, rng.random(12) * 3


def test_value_gradient_and_rows_equal_enumeration(case):
    graph, cells, theta, codes, weights = case
    circuit = build_circuit(graph, codes, weights)
    value, counts = value_and_counts(np.log(theta), *circuit.packed())
    logs, expected = enumerate_rows(graph, cells, theta, codes, weights)
    assert value == pytest.approx(weights @ logs, abs=1e-10)
    np.testing.assert_allclose(
        within_rows(graph, cells, theta, counts),
        within_rows(graph, cells, theta, expected),
        rtol=0,
        atol=1e-10,
    )
    np.testing.assert_allclose(
        row_log_likelihood(circuit, np.log(theta)[None])[0], logs, rtol=0, atol=1e-10
    )


def test_expected_counts_are_the_gradient(case):
    graph, cells, theta, codes, weights = case
    tape = build_circuit(graph, codes, weights).packed()
    _, counts = value_and_counts(np.log(theta), *tape)
    step = 1e-5
    for cell in np.random.default_rng(0).choice(cells.size, size=min(6, cells.size), replace=False):
        up, down = np.log(theta), np.log(theta)
        up[cell] += step
        down[cell] -= step
        slope = (value_and_counts(up, *tape)[0] - value_and_counts(down, *tape)[0]) / (2 * step)
        assert counts[cell] == pytest.approx(slope, abs=1e-6)


def test_a_family_in_blocks_is_the_same_family_laid_out_whole(case):
    """Any choice of families: the same value, and the same expected count of each cell."""
    graph, whole, theta, codes, weights = case
    value, counts = value_and_counts(np.log(theta), *build_circuit(graph, codes, weights).packed())
    rng = np.random.default_rng(1)
    for names in (graph.names, [name for name in graph.names if rng.random() < 0.5]):
        circuit = build_circuit(graph, codes, weights, names)
        cells = circuit.cells
        assert cells.size <= whole.size
        assert set(cells.blocks) <= {graph.names.index(name) for name in names}
        address = np.concatenate(
            [
                whole.starts[v]
                + np.ravel_multi_index(tuple(cells.joint(name).T.astype(int)), graph.shape(name))
                for v, name in enumerate(graph.names)
            ]
        )
        logs = np.log(theta)[address]
        found, parts = value_and_counts(logs, *circuit.packed())
        assert found == pytest.approx(value, rel=1e-13)
        together = np.bincount(address, weights=parts, minlength=whole.size)
        np.testing.assert_allclose(together, counts, rtol=0, atol=1e-12 * weights.sum())
        rows = row_log_likelihood(circuit, logs[None])[0]
        assert weights @ rows == pytest.approx(value, rel=1e-13)


def test_a_family_of_many_parents_is_never_laid_out_whole():
    """Sixteen parents of three states: 3^17 cells, of which 40 people address a few."""
    names = [f"n{i}" for i in range(16)]
    states = dict.fromkeys([*names, "y"], ("a", "b", "c"))
    graph = CausalGraph.from_edges([(name, "y") for name in names], states)
    rng = np.random.default_rng(0)
    codes = rng.integers(3, size=(40, 17)).astype(np.int8)
    codes[:20, 3] = -1
    codes[:10, 7] = -1
    codes[-5:, -1] = -1  # whose family does not matter
    tracemalloc.start()
    try:
        circuit = build_circuit(graph, codes, np.ones(40), ["y"])
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()
    part = circuit.cells.part("y")
    assert part.stop - part.start == 10 * 9 + 10 * 3 + 15
    joint = circuit.cells.joint("y")
    roots = rng.dirichlet([1, 1, 1], size=16)

    def of_y(config):  # any function of the states
        return 0.1 + 0.3 * (np.asarray(config, dtype=float) @ np.linspace(0.5, 1, 17) % 1)

    logs = np.log(np.concatenate([*roots, of_y(joint)]))
    value, _ = value_and_counts(logs, *circuit.packed())
    expected = 0.0
    for row in codes:
        total = 0.0
        for full in itertools.product(*(range(3) if c < 0 else [c] for c in row[:-1])):
            p = np.prod([roots[i, c] for i, c in enumerate(full)])
            total += p * (of_y([*full, row[-1]]) if row[-1] >= 0 else 1.0)
        expected += np.log(total)
    assert value == pytest.approx(expected, rel=1e-12)


def test_a_block_beyond_reach_is_refused_before_it_is_laid_out():
    names = [f"n{i}" for i in range(30)]
    states = dict.fromkeys([*names, "y"], ("a", "b", "c"))
    graph = CausalGraph.from_edges([(name, "y") for name in names], states)
    codes = np.full((1, 31), -1, dtype=np.int8)
    codes[0, -1] = 0
    tracemalloc.start()
    try:
        with pytest.raises(FitError, match=r"needs a table of .* cells over n0, n1"):
            build_circuit(graph, codes, np.ones(1), ["y"])
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_complete_answers_are_counts_alone():
    """Nothing to sum over: an empty tape, whose parts are addresses all the same."""
    graph = random_graph(np.random.default_rng(2), 4)
    codes = np.array([[0, 1, 0, 1], [1, 1, 0, 0]], dtype=np.int8)
    circuit = build_circuit(graph, codes, np.array([2.0, 3.0]))
    parts = (circuit.templates, circuit.offsets, circuit.steps, circuit.bases, circuit.roots)
    assert [part.size for part in parts] == [0] * 5
    assert {part.dtype for part in parts} == {np.dtype(np.int64)}
    assert circuit.buffer == circuit.cells.size
    posterior = random_posterior(np.random.default_rng(3), graph, draws=1)
    theta = np.concatenate([posterior.cpt(name).ravel() for name in graph.names])
    value, counts = value_and_counts(np.log(theta), *circuit.packed())
    assert value == pytest.approx(circuit.counts @ np.log(theta), rel=1e-14)
    np.testing.assert_array_equal(counts, circuit.counts)
    assert counts.sum() == 4 * 5  # a family a node, of five people


def test_an_elimination_out_of_reach_is_refused_by_name(monkeypatch):
    graph = random_graph(np.random.default_rng(1), 6, density=1.0)
    codes = np.full((1, 6), -1, dtype=np.int8)
    codes[0, -1] = 0
    monkeypatch.setattr(planner, "LARGEST_TABLE", 10)
    with pytest.raises(FitError, match=r"needs a table of .* cells over n"):
        build_circuit(graph, codes, np.ones(1))


@pytest.mark.parametrize(("limit", "fits"), [(24, True), (23, False)])
def test_a_table_has_as_many_cells_as_its_nodes_have_joint_states(limit, fits, monkeypatch):
    """Causes of 2, 3 and 4 states, unobserved, of one answer: 24 cells, up to the limit itself."""
    states = {"a": ["0", "1"], "b": ["0", "1", "2"], "c": ["0", "1", "2", "3"], "y": ["0", "1"]}
    graph = CausalGraph.from_edges([(cause, "y") for cause in "abc"], states)
    codes = np.array([[-1, -1, -1, 1]], dtype=np.int8)
    monkeypatch.setattr(planner, "LARGEST_TABLE", limit)
    if fits:
        build_circuit(graph, codes, np.ones(1))
    else:
        with pytest.raises(FitError, match="table of 24 cells over a, b, c;"):
            build_circuit(graph, codes, np.ones(1))


def test_a_large_graph_out_of_reach_is_refused_before_anything_is_allocated():
    """A grid of 900 unobserved nodes has cliques of about thirty."""
    side = 30
    states = {f"g{i}": ["no", "yes"] for i in range(side * side)}
    names = list(states)
    edges = [(names[i], names[i + 1]) for i in range(side * side) if (i + 1) % side]
    edges += [(names[i], names[i + side]) for i in range(side * (side - 1))]
    graph = CausalGraph.from_edges(edges, states, outcome=names[-1])
    codes = np.full((3, side * side), -1, dtype=np.int8)
    codes[:, -1] = [0, 1, 0]
    tracemalloc.start()
    with pytest.raises(FitError, match=r"table of [\d,]+ cells over g\d+"):
        build_circuit(graph, codes, np.ones(3))
    assert tracemalloc.get_traced_memory()[1] < 200e6
    tracemalloc.stop()


def test_a_long_chain_is_within_reach():
    """Markov chain of 1,500 unobserved nodes: the product of its transition matrices."""
    states = {f"c{i}": ["no", "yes"] for i in range(1500)}
    names = list(states)
    graph = CausalGraph.from_edges(itertools.pairwise(names), states)
    codes = np.full((1, 1500), -1, dtype=np.int8)
    codes[0, -1] = 1
    rng = np.random.default_rng(0)
    tables = [rng.dirichlet([1, 1])] + [rng.dirichlet([1, 1], size=2) for _ in names[1:]]
    reference = tables[0]
    for table in tables[1:]:
        reference = reference @ table
    log_cells = np.log(np.concatenate([table.ravel() for table in tables]))
    value, _ = value_and_counts(log_cells, *build_circuit(graph, codes, np.ones(1)).packed())
    assert value == pytest.approx(np.log(reference[1]), rel=1e-12)


def test_a_cause_of_many_unobserved_is_within_reach():
    """Summed out first, it would leave a table over all 40; last, none of more than two."""
    middle, leaves = ([f"{kind}{i}" for i in range(40)] for kind in "ml")
    edges = [("hub", name) for name in middle] + list(zip(middle, leaves, strict=True))
    names = ["hub", *middle, *leaves]
    graph = CausalGraph.from_edges(edges, dict.fromkeys(names, ("no", "yes")))
    codes = np.array([[-1] * 41 + [1] * 40], dtype=np.int8)
    rng = np.random.default_rng(0)
    hub, first, second = (rng.dirichlet([1, 1], size=size) for size in ((), (40, 2), (40, 2)))
    log_cells = np.log(np.concatenate([hub, first.ravel(), second.ravel()]))
    value, _ = value_and_counts(log_cells, *build_circuit(graph, codes, np.ones(1)).packed())
    given_hub = np.einsum("ihm,im->hi", first, second[:, :, 1]).prod(axis=1)
    assert value == pytest.approx(np.log(hub @ given_hub), rel=1e-12)


def test_the_circuit_that_shares_too_little_is_refused(monkeypatch):
    graph = random_graph(np.random.default_rng(1), 6)
    codes = np.full((1, 6), -1, dtype=np.int8)
    codes[0, -1] = 0
    monkeypatch.setattr(planner, "LARGEST_BUFFER", 10)
    with pytest.raises(FitError, match="of 1 answer pattern needs more than"):
        build_circuit(graph, codes, np.ones(1))


@pytest.fixture(params=[1e-3, 1e-30, 0.0])
def star(request):
    """One latent cause of 200 answers that are improbable under either of its states."""
    states = {"cause": ["no", "yes"], **{f"a{i}": ["no", "yes"] for i in range(200)}}
    answers = list(states)[1:]
    graph = CausalGraph.from_edges([("cause", name) for name in answers], states)
    codes = np.array([[-1] + [1] * 200, [-1, *([0, 1] * 100)], [-1, 1] + [0] * 199], np.int8)
    log_yes = np.full((200, 2), np.log(request.param) if request.param else -np.inf)
    log_yes[:, 1] += np.log(2.0)
    log_no = np.log1p(-np.exp(log_yes))
    cause = np.log([0.7, 0.3])
    log_cells = np.concatenate([cause, np.stack([log_no, log_yes], axis=-1).ravel()])
    terms = cause + np.where(codes[:, 1:, None] == 1, log_yes, log_no).sum(axis=1)
    return graph, codes, log_cells, terms


def test_probabilities_below_the_smallest_number(star):
    """Log sum of exps by hand: 200 answers of probability 1e-30 make 1e-6000."""
    graph, codes, log_cells, terms = star
    weights = np.array([1.0, 2.0, 3.0])
    circuit = build_circuit(graph, codes, weights)
    value, counts = value_and_counts(log_cells, *circuit.packed())
    each = np.logaddexp(terms[:, 0], terms[:, 1])
    assert value == pytest.approx(weights @ each, rel=1e-13)
    np.testing.assert_allclose(row_log_likelihood(circuit, log_cells[None])[0], each, rtol=1e-13)
    if np.isfinite(value):
        share = np.exp(terms - each[:, None])
        np.testing.assert_allclose(counts[:2], weights @ share, rtol=1e-11)
        np.testing.assert_allclose(
            counts[2:].reshape(200, 2, 2)[:, :, 1],
            (weights[:, None, None] * share[:, None, :] * (codes[:, 1:, None] == 1)).sum(axis=0),
            rtol=1e-11,
        )
    assert not np.isnan(counts).any()


def test_the_pass_over_logs_equals_the_pass_over_probabilities(case, monkeypatch):
    graph, _, theta, codes, weights = case
    circuit = build_circuit(graph, codes, weights)
    value, counts = value_and_counts(np.log(theta), *circuit.packed())
    monkeypatch.setattr(kernel, "_SMALLEST", np.inf)  # always, as if all underflowed
    logs_value, logs_counts = value_and_counts.py_func(np.log(theta), *circuit.packed())
    assert logs_value == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(logs_counts, counts, rtol=1e-10, atol=1e-12)


def test_log_marginal_likelihood_is_dirichlet_multinomial():
    """By averaging the circuit's likelihood over the prior of a two-node network."""
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["a", "b"], "y": ["a", "b"]})
    codes = np.array([[0, 0], [0, 1], [1, 1]], dtype=np.int8)
    weights = np.array([3.0, 1.0, 2.0])
    circuit = build_circuit(graph, codes, weights)
    rng = np.random.default_rng(0)
    v = rng.random((20_000, 3))
    logs = np.log(np.stack([v, 1 - v], axis=-1).reshape(len(v), 6))
    likelihood = np.exp(row_log_likelihood(circuit, logs) @ weights)

    def term(*counts):
        n = np.array(counts)
        return gammaln(2) - gammaln(2 + n.sum()) + gammaln(1 + n).sum()

    exact = np.exp(term(4, 2) + term(3, 1) + term(0, 2))
    error = likelihood.std() / np.sqrt(len(likelihood))
    assert abs(likelihood.mean() - exact) < 4 * error


@pytest.mark.parametrize("place", [0, 1, 12, 21])
def test_a_hub_is_summed_out_after_its_spokes_wherever_it_stands(place):
    """First it would leave a table over all 20 of them; last, the sums grow with their number."""
    spokes, two = [f"s{i}" for i in range(20)], ["no", "yes"]
    hidden = ["root", *spokes]
    hidden.insert(place, "hub")
    edges = [("root", "hub"), *(("hub", s) for s in spokes), *((s, f"a{s}") for s in spokes)]
    graph = CausalGraph.from_edges(edges, dict.fromkeys([*hidden, *(f"a{s}" for s in spokes)], two))
    codes = np.array([[-1] * 22 + [1] * 20], dtype=np.int8)
    size = size_of(build_circuit(graph, codes, np.ones(1)))
    # Of each spoke a sum of two states for each of the hub's; the rest is about the hub and root.
    assert size["multiply_adds"] <= 20 * 2 * 2 * 3 + 100
