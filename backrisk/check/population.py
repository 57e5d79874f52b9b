"""Another population: which mechanisms differ there, and what is stated of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from backrisk import _json, _yaml
from backrisk._arguments import checked, real, shown
from backrisk._files import no_file
from backrisk._types import Array
from backrisk.errors import GraphError, QueryError
from backrisk.graph import CausalGraph, Node
from backrisk.words import choices, listed, say, unreadable

_KEYS = ("name", "source", "differs", "shares", "joint")
_OF_A_SHARE = ("share", "people", "se", "low", "high", "probability")
_OF_SHARES = ("shares", "counts", "people")
_OF_A_JOINT = ("nodes", *_OF_SHARES)
_ROUNDED = 0.01  # shares are printed in whole percent: their sum may be off by so much
_LEAST = 1e-12  # a drawn share is not below this


@dataclass(frozen=True)
class Margin:
    """What is stated of one node's distribution.

    Parameters
    ----------
    node : str
    shares : tuple of float
        Of each state; where `first` is given, of the states before it and of those from it on.
    first : int, optional
        The first state of the event whose share is stated.
    people : float, optional
        How many people's observations the shares are worth; known exactly where it is left out.
    """

    node: str
    shares: tuple[float, ...]
    first: int | None = None
    people: float | None = None

    def draw(self, draws: int, rng: np.random.Generator) -> Array:
        """Return draws of the shares, ``(draw, share)``: a Dirichlet, for two shares a Beta.

        Its mean is what is stated. One draw is what is stated itself.
        """
        return _drawn(np.array(self.shares), self.people, draws, rng)


@dataclass(frozen=True, eq=False)
class JointShares:
    """What is stated of the joint distribution of some nodes.

    Parameters
    ----------
    nodes : tuple of str
    shares : ndarray, an axis for each node, over its states
    people : float, optional
        As for `Margin`.
    """

    nodes: tuple[str, ...]
    shares: Array
    people: float | None = None

    def draw(self, draws: int, rng: np.random.Generator) -> Array:
        """Return draws of the shares, ``(draw, *states)``; see `Margin.draw`."""
        flat = _drawn(self.shares.ravel(), self.people, draws, rng)
        return flat.reshape(draws, *self.shares.shape)


def _drawn(shares: Array, people: float | None, draws: int, rng: np.random.Generator) -> Array:
    if people is None or draws == 1:
        return np.tile(shares, (draws, 1))
    # Very few people in a state may draw a share of zero, whose odds nothing could move.
    found = np.maximum(rng.dirichlet(people * shares, size=draws), _LEAST)
    return found / found.sum(axis=1, keepdims=True)


@dataclass(frozen=True, eq=False)
class Population:
    """A population to carry a model to: a selection diagram, and what is stated there.

    The selection diagram is the graph with a node S that points at every mechanism that may differ
    between the populations (Pearl and Bareinboim 2014, doi:10.1214/14-STS486); `differs` names
    the nodes it points at. All other mechanisms are assumed to be the same.

    Parameters
    ----------
    name : str
        As a sentence names it: "the running clinic".
    differs : tuple of str
        The nodes at which S points.
    margins : tuple of Margin
    joints : tuple of JointShares
    source : str
        Where the figures come from.

    Examples
    --------
    >>> from backrisk import CausalGraph
    >>> graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> shares = {"y": {"share": 0.2, "se": 0.04}}
    >>> there = {"name": "the clinic", "differs": ["y"], "shares": shares}
    >>> population = Population.from_dict(there, graph)
    >>> population.differs, round(population.margins[0].people)
    (('y',), 99)
    """

    name: str
    differs: tuple[str, ...]
    margins: tuple[Margin, ...] = ()
    joints: tuple[JointShares, ...] = ()
    source: str = ""

    @classmethod
    @checked("data")
    def from_dict(
        cls, data: Mapping[str, Any], graph: CausalGraph, source: str = "population"
    ) -> Population:
        """Read the plain form that YAML holds.

        Parameters
        ----------
        data : mapping
            ``name``; ``source``, the citation; ``differs``, a list of nodes, empty where no
            mechanism differs; ``shares``, a mapping; ``joint``, a list. A key of ``shares`` is a
            node or an event such as ``pain>=limiting``. Its value is the share of the event (of a
            node: of being away from its reference), alone or as a mapping: ``share`` with
            ``people`` (the size of the sample), ``se`` (its standard error), or ``low`` and
            ``high`` (its interval, of the ``probability`` 0.95 where that is not stated); or of a
            node ``shares`` or ``counts`` by state, and ``people``. Without any of these the figure
            is taken as known exactly. An entry of ``joint`` has ``nodes`` and, in nested lists
            over their states, ``counts`` or ``shares``, and ``people``.
        graph : CausalGraph
        source : str
            What to call it in an error.

        Returns
        -------
        Population

        Raises
        ------
        QueryError
            Naming the key and what was expected.
        """
        return _Reader(graph, source).population(data)


@checked()
def read_population(path: str | Path, graph: CausalGraph) -> Population:
    """Read a population from a file of YAML or JSON.

    Parameters
    ----------
    path : str or Path
    graph : CausalGraph
        Whose nodes it speaks of: that of the model to be carried.

    Returns
    -------
    Population
        See `Population.from_dict` for what the file holds.

    Raises
    ------
    QueryError
        If the file cannot be read, or holds something else; naming the key.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from backrisk import load_graph
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "there.yaml"
    ...     _ = path.write_text("{name: there, differs: [pain], shares: {pain: 0.2}}")
    ...     read_population(path, load_graph("runner_core")).margins[0].shares
    (0.8, 0.2)
    """
    path = Path(path)
    if path.exists() and not path.is_file():  # a pipe may never say anything
        raise QueryError(no_file(path))
    parse = _json.parse if path.suffix.lower() == ".json" else _yaml.parse
    try:
        data = parse(_yaml.contents(path))
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise QueryError(say("check.population.no_file", source=path, why=why)) from error
    except _yaml.Unreadable as error:
        raise QueryError(unreadable(error, path)) from error
    return _Reader(graph, str(path)).population(data)


@dataclass(frozen=True)
class _Reader:
    """Reads one population.

    Parameters
    ----------
    graph : CausalGraph
    source : str
    """

    graph: CausalGraph
    source: str

    def population(self, data: Any) -> Population:
        if not isinstance(data, Mapping):
            raise self._wrong("form", value=shown(data))
        self._only(data, _KEYS, "")
        name = data.get("name")
        if not isinstance(name, str) or not name.strip():
            raise self._wrong("no_name")
        if "differs" not in data:
            raise self._wrong("no_diagram")
        differs = self._nodes(data["differs"], "differs")
        shares, joint = data.get("shares") or {}, data.get("joint") or []
        if not isinstance(shares, Mapping):
            raise self._wrong("shares_form", value=shown(shares))
        if not isinstance(joint, list | tuple):
            raise self._wrong("joint_form", value=shown(joint))
        margins = tuple(self._margin(str(key), value) for key, value in shares.items())
        joints = tuple(self._joint(entry) for entry in joint)
        told = [each.node for each in margins] + [
            name for each in joints for name in each.nodes if name in differs
        ]
        for node in told:
            if told.count(node) > 1:
                raise self._wrong("twice", node=node)
        return Population(name.strip(), differs, margins, joints, str(data.get("source") or ""))

    def _wrong(self, key: str, /, **about: Any) -> QueryError:
        return QueryError(say(f"check.population.{key}", source=self.source, **about))

    def _only(self, data: Mapping[Any, Any], known: Sequence[str], where: str) -> None:
        for key in data:
            if key not in known:
                raise self._wrong("key", key=f"{where}{key}", known=choices(known))

    def _node(self, name: object, where: str) -> Node:
        try:
            return self.graph.node(str(name))
        except GraphError as error:
            raise self._wrong("no_node", where=where, why=error) from error

    def _nodes(self, given: Any, where: str) -> tuple[str, ...]:
        if not isinstance(given, list | tuple):
            raise self._wrong("nodes_form", where=where, value=shown(given))
        names = tuple(self._node(name, where).name for name in given)
        for name in names:
            if names.count(name) > 1:
                raise self._wrong("node_twice", where=where, node=name)
        return names

    def _margin(self, key: str, given: Any) -> Margin:
        name, begins, state = (part.strip() for part in key.partition(">="))
        node = self._node(name, "shares")
        first = 1
        if begins and node.nominal:
            raise self._wrong("unordered", node=node.name)
        if begins:
            try:
                first = node.code(state)
            except GraphError as error:
                raise self._wrong("no_state", why=error) from error
            if first == 0:
                raise self._wrong("everybody", key=key)
        if not isinstance(given, Mapping):
            given = {"share": given}
        if "share" in given:
            self._only(given, _OF_A_SHARE, f"{key}.")
            share = self._number(given, "share", key, 0.0, 1.0)
            people = self._worth(share, given, key)
            return Margin(node.name, (1.0 - share, share), first, people)
        if begins:
            raise self._wrong("event_alone", key=key)
        self._only(given, _OF_SHARES, f"{key}.")
        by_state = self._one_of(given, key)
        if not isinstance(by_state, Mapping):
            raise self._wrong("by_state", key=key, states=_quoted(node.states))
        values = {node.states.index(self._state(node, each)): each for each in by_state}
        if len(values) < len(node.states):
            raise self._wrong("by_state", key=key, states=_quoted(node.states))
        numbers = [
            self._number(by_state, values[k], f"{key}.{values[k]}", 0.0, math.inf)
            for k in range(len(node.states))
        ]
        shares, people = self._distribution(np.array(numbers), given, key)
        return Margin(node.name, tuple(shares.tolist()), None, people)

    def _state(self, node: Node, label: Any) -> str:
        try:
            return node.states[node.code(label)]
        except GraphError as error:
            raise self._wrong("no_state", why=error) from error

    def _joint(self, given: Any) -> JointShares:
        if not isinstance(given, Mapping) or "nodes" not in given:
            raise self._wrong("joint_form", value=shown(given))
        self._only(given, _OF_A_JOINT, "joint.")
        nodes = self._nodes(given["nodes"], "joint.nodes")
        where = "joint"
        expected = tuple(len(self.graph.node(name).states) for name in nodes)
        stated = self._one_of(given, where)
        try:  # the labels of a frame would be read past
            table = real(stated) if isinstance(stated, list | tuple | np.ndarray) else np.empty(0)
        except (TypeError, ValueError):
            table = np.empty(0)
        if table.shape != expected or not np.isfinite(table).all() or not nodes:
            told = {"nodes": _quoted(nodes), "expected": expected, "found": table.shape}
            raise self._wrong("joint_shape", **told)
        shares, people = self._distribution(table, given, where)
        return JointShares(nodes, shares, people)

    def _one_of(self, given: Mapping[str, Any], key: str) -> Any:
        """Return the shares or the counts, of which there is one."""
        if ("shares" in given) == ("counts" in given):
            raise self._wrong("shares_or_counts", key=key)
        return given["shares"] if "shares" in given else given["counts"]

    def _distribution(
        self, table: Array, given: Mapping[str, Any], key: str
    ) -> tuple[Array, float | None]:
        """Return shares that sum to 1, and how many people they are worth."""
        total = float(table.sum())
        if (table <= 0).any():
            raise self._wrong("not_positive", key=key)
        if "shares" in given and abs(total - 1.0) > _ROUNDED:
            raise self._wrong("sum", key=key, total=f"{total:.3f}")
        people = None if "shares" in given else total
        if "people" in given:
            people = self._number(given, "people", key, 0.0, math.inf)
        return table / total, people

    def _worth(self, share: float, given: Mapping[str, Any], key: str) -> float | None:
        """Return how many people's observations a share is worth: of a Beta with that mean."""
        told = [each for each in ("people", "se", "low") if each in given]
        if len(told) > 1 or ("low" in given) != ("high" in given):
            raise self._wrong("one_error", key=key)
        if "probability" in given and "low" not in given:
            raise self._wrong("one_error", key=key)
        if not told:
            return None
        if told == ["people"]:
            return self._number(given, "people", key, 0.0, math.inf)
        if told == ["se"]:
            error = self._number(given, "se", key, 0.0, 1.0)
        else:
            low, high = (self._number(given, each, key, 0.0, 1.0) for each in ("low", "high"))
            if not low < share < high:
                raise self._wrong("interval", key=key, low=low, share=share, high=high)
            probability = 0.95
            if "probability" in given:
                probability = self._number(given, "probability", key, 0.0, 1.0)
            # Intervals of shares are near symmetric in log odds, whose slope is 1 / p (1 - p).
            reach = 2.0 * NormalDist().inv_cdf(0.5 + probability / 2.0)
            odds = [math.log(each / (1.0 - each)) for each in (low, high)]
            error = share * (1.0 - share) * (odds[1] - odds[0]) / reach
        people = share * (1.0 - share) / error**2 - 1.0
        if people <= 0:
            raise self._wrong("no_share", key=key, error=f"{error:.3f}")
        return people

    def _number(
        self, given: Mapping[Any, Any], name: Any, key: str, low: float, high: float
    ) -> float:
        """Return a number strictly between two limits; a share or a count of zero is refused."""
        value = given[name]
        whole = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
        if not whole or not low < float(value) < high:
            where = f"{key}.{name}" if name in _OF_A_SHARE else key
            limits = {"low": low, "high": high} if math.isfinite(high) else {"low": low}
            told = "between" if math.isfinite(high) else "above"
            raise self._wrong(told, key=where, value=shown(value), **limits)
        return float(value)


def _quoted(words: Sequence[str]) -> str:
    return listed([say("phrases.quoted", text=word) for word in words])
