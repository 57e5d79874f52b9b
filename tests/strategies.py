"""Random graphs with random CPTs, and brute force over every joint state: the definitions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from backrisk.graph import CausalGraph, Edge, Node, Prior, bare_lagged, load_graph
from backrisk.posterior import Posterior
from backrisk.survey import load_codebook

Array = NDArray[np.float64]


def seeds(fast: int, whole: int) -> list[Any]:
    """Return seeds for `parametrize`: the first are always tried, the rest by the slow tests."""
    return [*range(fast), *(pytest.param(s, marks=pytest.mark.slow) for s in range(fast, whole))]


def random_graph(rng: np.random.Generator, nodes: int, density: float = 0.5) -> CausalGraph:
    """A DAG over nodes of 2 to 4 states whose last node has every other as a possible cause."""
    states = {f"n{i}": [f"s{k}" for k in range(rng.integers(2, 5))] for i in range(nodes)}
    names = list(states)
    edges = [(a, b) for a, b in itertools.combinations(names, 2) if rng.random() < density]
    if not any(effect == names[-1] for _, effect in edges):
        edges.append((names[0], names[-1]))
    return CausalGraph.from_edges(edges, states, outcome=names[-1])


def random_template(rng: np.random.Generator, nodes: int) -> CausalGraph:
    """A graph of several periods: lagged edges, past states as causes, perhaps a constant."""
    graph = random_graph(rng, nodes)
    stays = rng.random() < 0.5
    first = graph.names[0] if stays else ""
    moving = [name for name in graph.names if name != first]
    pairs = list(itertools.product(moving, repeat=2))
    chosen = rng.choice(len(pairs), size=min(3, len(pairs)), replace=False)
    lagged = tuple(bare_lagged(*pairs[i]) for i in sorted(chosen.tolist()))
    into = {edge.effect for edge in lagged if edge.cause == edge.effect}
    made = tuple(
        replace(node, constant=node.name == first, persist=bool(rng.random() < 0.3))
        if node.name == first or node.name not in into
        else node
        for node in graph.nodes
    )
    nodes_ = tuple(replace(n, persist=False) if n.constant else n for n in made)
    return replace(graph, nodes=nodes_, lagged=lagged)


def every_mechanism() -> CausalGraph:
    """Return a small graph with a node of each mechanism, and one with an interaction."""

    def node(name: str, states: int, mechanism: str | None = None) -> Node:
        return Node(name, tuple(f"s{k}" for k in range(states)), mechanism=mechanism)

    pairs = ["ao", "bo", "co", "am", "bm", "cn", "mn", "as", "bs"]
    edges = [Edge(a, b, "claim", "stated", "weak", Prior(0.5, 0.5)) for a, b in pairs]
    both = replace(node("o", 3, "ordinal_logit"), interactions=(("a", "b"),))
    return CausalGraph(
        "every",
        (
            node("a", 3),
            node("b", 2),
            node("c", 4),
            both,
            node("m", 3, "noisy_max"),
            node("n", 2, "noisy_max"),
            node("s", 3, "saturated"),
            replace(node("i", 3, "item"), reliability=0.7),
            Node("r", ("answered", "not_answered"), mechanism="response"),
        ),
        (
            *edges,
            Edge("o", "i", "claim", "measurement", "moderate"),
            Edge("o", "r", "claim", "stated", "weak", Prior(0.5, 0.5)),
        ),
    )


def nominal_causes() -> CausalGraph:
    """Return a graph with a cause without an order, `kind`, of a node of each mechanism."""
    states = ("s0", "s1", "s2")
    each = (("s1", Prior(-0.7, 0.4)), ("s2", Prior(0.9, 0.3)))
    kind = Node("kind", states, nominal=True, margin=(0.5, 0.2, 0.3))
    edges = [
        Edge("kind", "o", "claim", "stated", "strong", state_priors=each),
        Edge("a", "o", "claim", "stated", "weak", Prior(0.6, 0.5)),
        Edge("kind", "m", "claim", "stated", "weak", Prior(0.5, 0.5)),
        Edge("a", "m", "claim", "stated", "weak", Prior(0.5, 0.5)),
        Edge("kind", "s", "claim", "stated", "weak", state_priors=each),
        Edge("kind", "other", "claim", "stated", "weak"),
        Edge("a", "other", "claim", "stated", "weak"),
        Edge("other", "i", "claim", "measurement", "weak"),
    ]
    return CausalGraph(
        "nominal",
        (
            kind,
            Node("a", states, margin=(0.2, 0.5, 0.3)),
            Node("o", states, mechanism="ordinal_logit", interactions=(("kind", "a"),)),
            Node("m", states, mechanism="noisy_max"),
            Node("s", ("no", "yes"), mechanism="saturated"),
            Node("other", ("x", "y", "z"), nominal=True),
            Node("i", ("x", "z"), mechanism="item", reliability=0.8),
        ),
        tuple(edges),
    )


def runner_with_items() -> CausalGraph:
    """Return the packaged graph with the questions of its codebook as nodes."""
    graph = load_graph("runner")
    return load_codebook("runner", graph).extend(graph)


def random_posterior(rng: np.random.Generator, graph: CausalGraph, draws: int = 2) -> Posterior:
    """CPTs with Dirichlet rows."""
    return Posterior.from_cpts(
        graph,
        {
            name: rng.dirichlet(np.ones(shape[-1]), size=(draws, *shape[:-1]))
            for name in graph.names
            if graph.owner(name) == name
            for shape in [graph.shape(name)]
        },
    )


def random_person(
    rng: np.random.Generator, graph: CausalGraph, share: float = 0.4
) -> dict[str, str]:
    """Evidence on some of the nodes."""
    return {
        node.name: node.states[int(rng.integers(len(node.states)))]
        for node in graph.nodes
        if rng.random() < share
    }


class Brute:
    """One draw of a network, every joint state written out.

    In the twin network each node has one noise variable, a response function from parent
    configurations to states. Worlds share it; the joint law of a node's responses in two
    configurations is the coupling.
    """

    def __init__(self, posterior: Posterior, draw: int, coupling: str = "monotone") -> None:
        self.graph = posterior.graph
        self.cpt = {name: posterior.cpt(name)[draw] for name in self.graph.names}
        self.coupling = coupling
        self.states = {node.name: range(len(node.states)) for node in self.graph.nodes}

    def row(self, name: str, state: Mapping[str, int]) -> Array:
        """The node's distribution given the states of its parents."""
        return self.cpt[name][tuple(state[p] for p in self.graph.parents(name))]

    def joint(self, do: Mapping[str, int] | None = None) -> dict[tuple[int, ...], float]:
        """Truncated factorisation: probability of every full state."""
        do = do or {}
        found = {}
        for full in itertools.product(*self.states.values()):
            state = dict(zip(self.graph.names, full, strict=True))
            p = 1.0
            for name in self.graph.names:
                if name in do:
                    p *= float(state[name] == do[name])
                else:
                    p *= self.row(name, state)[state[name]]
            found[full] = p
        return found

    def probability(
        self,
        event: Callable[[dict[str, int]], bool],
        evidence: Mapping[str, int],
        do: Mapping[str, int] | None = None,
    ) -> float:
        """P(event | evidence) under do."""
        above = below = 0.0
        for full, p in self.joint(do).items():
            state = dict(zip(self.graph.names, full, strict=True))
            if all(state[name] == code for name, code in evidence.items()):
                below += p
                above += p * event(state)
        return above / below

    def pair(self, name: str, first: Array, second: Array, same: bool) -> Array:
        """Joint table of one node's states under two rows of its CPT."""
        if same:
            return np.diag(first)
        if self.coupling == "independent":
            return np.outer(first, second)
        # One uniform noise: cut [0, 1] at both rows' cumulative probabilities.
        table = np.zeros((len(first), len(second)))
        a = np.concatenate([[0.0], np.cumsum(first)])
        b = np.concatenate([[0.0], np.cumsum(second)])
        for i, j in itertools.product(range(len(first)), range(len(second))):
            table[i, j] = max(0.0, min(a[i + 1], b[j + 1]) - max(a[i], b[j]))
        return table

    def counterfactual(
        self,
        event: Callable[[dict[str, int]], bool],
        evidence: Mapping[str, int],
        do: Mapping[str, int],
    ) -> float:
        """P(event had do been | evidence), by enumeration of both worlds."""
        return self.worlds(lambda _, there: event(there), lambda _: True, evidence, do)

    def worlds(
        self,
        event: Callable[[dict[str, int], dict[str, int]], bool],
        given: Callable[[dict[str, int]], bool],
        evidence: Mapping[str, int],
        do: Mapping[str, int],
        *,
        first: Mapping[str, int] | None = None,
        taken: Sequence[str] = (),
    ) -> float:
        """P(event of both worlds | evidence and what is given of the first world).

        `first` intervenes in the first world too; nodes `taken` have in the second world the
        value that they have in the first.
        """
        first = first or {}
        reached = set(do).union(*(self.graph.descendants(name) for name in do))
        order = self.graph.topological
        above = below = 0.0
        stack: list[tuple[int, dict[str, int], dict[str, int], float]] = [(0, {}, {}, 1.0)]
        while stack:
            depth, here, there, p = stack.pop()
            if p == 0.0:
                continue
            if depth == len(order):
                if given(here):
                    below += p
                    above += p * event(here, there)
                continue
            name = order[depth]
            row = self.row(name, here)
            if name in first:
                row = np.eye(len(row))[first[name]]
            for k in self.states[name]:
                if evidence.get(name, k) != k:
                    continue
                seen = {**here, name: k}
                if name in do:
                    stack.append((depth + 1, seen, {**there, name: do[name]}, p * row[k]))
                elif name not in reached or name in taken:
                    stack.append((depth + 1, seen, {**there, name: k}, p * row[k]))
                else:
                    table = self.pair(name, row, self.row(name, there), same=False)
                    stack += [
                        (depth + 1, seen, {**there, name: j}, p * table[k, j])
                        for j in self.states[name]
                    ]
        return above / below

    @staticmethod
    def orders(players: Sequence[str], values: Mapping[frozenset[str], float]) -> list[float]:
        """Shapley shares, from their definition."""
        shares = dict.fromkeys(players, 0.0)
        for order in itertools.permutations(players):
            for i, player in enumerate(order):
                gain = values[frozenset(order[: i + 1])] - values[frozenset(order[:i])]
                shares[player] += gain / math.factorial(len(players))
        return [shares[player] for player in players]

    def respond(self, name: str, state: Mapping[str, int], noise: float) -> int:
        """The node's state under its noise, given the states of its parents."""
        return int(np.searchsorted(np.cumsum(self.row(name, state))[:-1], noise))

    def people(self, evidence: Mapping[str, int]) -> list[tuple[float, dict[str, float]]]:
        """Every way that the nodes' noise may be in someone with the evidence, and how likely.

        The noise of a node is cut wherever one of its CDFs lies: within a piece its states are
        the same under every configuration of its parents.
        """
        graph = self.graph
        cuts = {
            name: np.unique([0.0, 1.0, *np.cumsum(self.cpt[name], axis=-1)[..., :-1].ravel()])
            for name in graph.names
        }
        pieces = {
            name: [(b - a, (a + b) / 2) for a, b in itertools.pairwise(ends) if b - a > 1e-15]
            for name, ends in cuts.items()
        }
        people = []
        for combo in itertools.product(*(pieces[name] for name in graph.topological)):
            noise = {n: u for n, (_, u) in zip(graph.topological, combo, strict=True)}
            state: dict[str, int] = {}
            for name in graph.topological:
                state[name] = self.respond(name, state, noise[name])
                if evidence.get(name, state[name]) != state[name]:
                    break
            else:
                people.append((math.prod(length for length, _ in combo), noise))
        return people

    def departures(
        self,
        event: Callable[[dict[str, int]], bool],
        evidence: Mapping[str, int],
        players: Sequence[str],
        baseline: str = "healthy",
        reference: Sequence[str] = (),
    ) -> list[float]:
        """Shapley shares of own departures, by enumeration of every node's noise."""
        graph = self.graph
        people = self.people(evidence)

        def healthy(name: str) -> bool:
            return baseline == "healthy" and (not graph.parents(name) or name in reference)

        def value(inside: frozenset[str]) -> float:
            found = 0.0
            for weight, noise in people:
                worlds: list[tuple[dict[str, int], float]] = [({}, 1.0)]
                for name in graph.topological:
                    grown = []
                    for world, p in worlds:
                        if name not in players or name in inside:
                            grown.append(
                                ({**world, name: self.respond(name, world, noise[name])}, p)
                            )
                        elif healthy(name):
                            grown.append(({**world, name: 0}, p))
                        else:
                            row = self.row(name, world)
                            grown += [({**world, name: k}, p * row[k]) for k in self.states[name]]
                    worlds = grown
                found += weight * sum(p for world, p in worlds if event(world))
            return found / sum(weight for weight, _ in people)

        values = {
            frozenset(inside): value(frozenset(inside))
            for size in range(len(players) + 1)
            for inside in itertools.combinations(players, size)
        }
        return self.orders(players, values)

    def routes(
        self,
        event: Callable[[dict[str, int]], bool],
        evidence: Mapping[str, int],
        players: Sequence[str],
        routes: Mapping[str, Sequence[tuple[str, str]]],
        heads: Collection[str],
        baseline: str = "healthy",
        reference: Sequence[str] = (),
    ) -> list[float]:
        """Shapley shares of routes into the heads, by enumeration of every node's noise.

        All nodes are worked out in the person; all but the heads once more without the players'
        departures; the heads from what they hear of both. A player of which nothing is known
        keeps its noise, unless it is set to its reference.
        """
        graph = self.graph
        people = self.people(evidence)
        told = set(evidence).union(*(graph.ancestors(name) for name in evidence))
        over = {edge: name for name, route in routes.items() for edge in route}

        def healthy(name: str) -> bool:
            return baseline == "healthy" and (not graph.parents(name) or name in reference)

        def value(inside: frozenset[str]) -> float:
            found = 0.0
            for weight, noise in people:
                here: dict[str, int] = {}
                for name in graph.topological:
                    here[name] = self.respond(name, here, noise[name])
                worlds: list[tuple[dict[str, int], float]] = [({}, 1.0)]
                for name in graph.topological:
                    keeps = name not in players or (name in heads and name in inside)
                    grown = []
                    for world, p in worlds:
                        heard = {
                            parent: here[parent]
                            if over.get((parent, name)) in inside
                            else world[parent]
                            for parent in graph.parents(name)
                        }
                        if keeps or not (healthy(name) or name in told):
                            grown.append(
                                ({**world, name: self.respond(name, heard, noise[name])}, p)
                            )
                        elif healthy(name):
                            grown.append(({**world, name: 0}, p))
                        else:
                            row = self.row(name, heard)
                            grown += [({**world, name: k}, p * row[k]) for k in self.states[name]]
                    worlds = grown
                found += weight * sum(p for world, p in worlds if event(world))
            return found / sum(weight for weight, _ in people)

        values = {
            frozenset(inside): value(frozenset(inside))
            for size in range(len(routes) + 1)
            for inside in itertools.combinations(routes, size)
        }
        return self.orders(tuple(routes), values)
