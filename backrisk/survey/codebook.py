"""Codebooks: what each column of a survey measures, and how one raw answer is read.

A `Codebook` is read from YAML and checked in full against a graph. It turns raw answers into
states of nodes (`Codebook.encode_answer`, `Codebook.encode_person`) and draws raw answers that
say a given state (`Codebook.decode`, `Codebook.decode_derived`).
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from backrisk import _yaml
from backrisk.errors import QueryError, SurveyError, suggest
from backrisk.graph import ANSWERED, NOT_ANSWERED, CausalGraph, Edge, Node, Prior, load_graph

MISSING = ("", "NA", "N/A", "NaN", "nan")
_SHOWN = 20  # problems that the message of an error prints
# Prior people behind a stated reliability: about the size of the studies that measure one.
_RELIABILITY_PEOPLE = 200.0
_TRIES = 200  # draws of inputs before a derived state counts as out of reach


class _Spec(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, coerce_numbers_to_str=True
    )


class Nonresponse(_Spec):
    """How strongly an answer's own value bears on its being missing.

    Parameters
    ----------
    mean, sd : float
        Normal prior of the log odds ratio of not answering, from the reference to the worst state.
    share : float
        Prior guess of the share that does not answer.
    why : str
        Where the prior comes from.
    """

    mean: float = Field(ge=-4, le=4)
    sd: float = Field(gt=0, le=3)
    share: float = Field(default=0.1, gt=0, lt=1)
    why: str = ""


class Measure(_Spec):
    """What a column and a derived value have in common.

    Parameters
    ----------
    node, item : str, optional
        The node that the answer observes, or the construct of which it is a noisy sign.
    reliability : float, optional
        Of an item: how far the answer says the construct's state, from 0 (nothing) to 1 (all).
    misclassification : mapping, optional
        Of an item, in place of a reliability: for each state of the construct the probability of
        each answer, such as ``{no: {no: 0.9, yes: 0.1}, yes: {no: 0.2, yes: 0.8}}``.
    error : {"learned", "fixed", "unknown"}
        Of an item: the stated error is where the data start from, or known for sure, or nothing is
        known of it.
    people : float
        Of an item: how many people the stated error was measured on, as far as the prior goes.
    nonresponse : Nonresponse, optional
        Whether the answer is missing may depend on what it would have been.
    question, source, unit : str
    cuts : tuple of float
        Increasing cut points; a value equal to a cut point belongs to the interval above it.
    states : tuple of str
        The node's state for each interval; the node's own order where left out.
    typical : tuple of float, optional
        Where simulated numbers lie; says nothing about which numbers are accepted.
    """

    node: str | None = None
    item: str | None = None
    reliability: float | None = Field(default=None, ge=0, le=1)
    misclassification: dict[str, dict[str, float]] | None = None
    error: Literal["learned", "fixed", "unknown"] = "learned"
    people: float = Field(default=_RELIABILITY_PEOPLE, gt=0)
    nonresponse: Nonresponse | None = None
    question: str = ""
    source: str = ""
    unit: str = ""
    cuts: tuple[float, ...] = ()
    states: tuple[str, ...] = ()
    typical: tuple[float, float] | None = None

    @property
    def measured(self) -> str | None:
        """The node or construct that is measured; None for a mere input."""
        return self.node or self.item

    @property
    def said(self) -> frozenset[str]:
        """The states that an answer can say."""
        return frozenset(self.states)

    def state(self, value: float | str | None) -> str | None:
        """Return the state that a value says, None where it is missing."""
        if value is None or not self.cuts:
            return None if value is None else str(value)
        return self.states[bisect_right(self.cuts, float(value))]

    def interval(self, state: str) -> tuple[float, float] | None:
        """Return the lowest interval ``[low, high)`` that says a state."""
        bounds = (-math.inf, *self.cuts, math.inf)
        if not self.cuts or state not in self.states:
            return None
        place = self.states.index(state)
        return bounds[place], bounds[place + 1]

    @model_validator(mode="after")
    def _one_purpose(self) -> Measure:
        if self.node and self.item:
            raise ValueError("give 'node' or 'item', not both")
        stated = (self.reliability is not None) + (self.misclassification is not None)
        if self.item and stated != (self.error != "unknown"):
            raise ValueError(
                "an item needs a 'reliability' between 0 and 1, or a 'misclassification', or "
                "'error: unknown'"
            )
        if not self.item and (stated or self.error != "learned"):
            raise ValueError("only an item has an error")
        if any(high <= low for low, high in zip(self.cuts, self.cuts[1:], strict=False)):
            raise ValueError("'cuts' must increase")
        if self.typical and self.typical[0] >= self.typical[1]:
            raise ValueError("'typical' must run from low to high")
        return self


class Column(Measure):
    """One column of a survey's file; `decimals` is how precisely simulated numbers are given."""

    role: Literal["input"] | None = None
    type: Literal["number", "label", "text"] = "label"
    range: tuple[float, float] | None = None
    outside: Literal["error", "missing"] = "error"
    labels: dict[str, str] | None = None
    decimals: int = Field(default=0, ge=0, le=6)

    @model_validator(mode="after")
    def _fits_its_type(self) -> Column:
        if (self.measured is None) == (self.role is None):
            raise ValueError("give one of 'node', 'item' and 'role: input'")
        if self.type == "text" and self.role is None:
            raise ValueError("a text column is an input; derive its state with 'first_match'")
        if self.type != "number" and (self.cuts or self.range or self.typical):
            raise ValueError("'cuts', 'range' and 'typical' belong to 'type: number'")
        if self.type == "number" and self.measured and not self.cuts:
            raise ValueError("a number that measures a node needs 'cuts'")
        if self.range and self.range[0] >= self.range[1]:
            raise ValueError("'range' must run from low to high")
        if (
            self.range
            and self.typical
            and not (self.range[0] <= self.typical[0] and self.typical[1] <= self.range[1])
        ):
            raise ValueError("'typical' must lie within 'range'")
        return self

    @property
    def said(self) -> frozenset[str]:
        """The states that an answer can say."""
        return frozenset(self.states if self.labels is None else self.labels.values())

    def read(self, raw: object, missing: tuple[str, ...]) -> float | str | None:
        """Return the number, the state or the text of a raw answer, None where it is missing.

        Raises
        ------
        ValueError
            Its message says what was expected.
        """
        if raw is None or str(raw) in {"<NA>", "NaT"} or raw != raw:
            return None
        if isinstance(raw, float) and raw.is_integer():
            raw = int(raw)  # a column of whole numbers with gaps is read as floats
        text = str(raw).strip()
        if text in missing:
            return None
        if self.type == "number":
            return self._number(text)
        if self.type == "text" or self.labels is None:
            return text
        if text not in self.labels:
            raise ValueError(either(self.labels) + suggest(text, self.labels))
        return self.labels[text]

    def _number(self, text: str) -> float | None:
        low, high = self.range or (-math.inf, math.inf)
        try:
            number = math.nan if "_" in text else float(text)
        except ValueError:
            number = math.nan
        if math.isfinite(number) and low <= number <= high:
            return number
        if math.isfinite(number) and self.outside == "missing":
            return None
        span = f" from {low:g} to {high:g}" if self.range else ""
        raise ValueError(f"a number{span}{self.unit and f' ({self.unit})'}")

    def draw(self, low: float, high: float, rng: np.random.Generator) -> float | None:
        """Draw a typical number of ``[low, high)``, None where there is none."""
        around = (self.cuts[0] - 10, self.cuts[-1] + 10) if self.cuts else (0, 100)
        floor, ceiling = self.typical or self.range or around
        bottom, top = max(low, floor), min(high, ceiling)
        for decimals in range(self.decimals, 9) if bottom <= top else ():
            first, last = math.floor(bottom * 10**decimals), math.ceil(top * 10**decimals)
            while first / 10**decimals < bottom:
                first += 1
            while last / 10**decimals > top or last / 10**decimals >= high:
                last -= 1
            if first <= last:
                number = int(rng.integers(first, last + 1))
                return number / 10**decimals if decimals else number
        return None


class Condition(_Spec):
    """True where any of the columns contains any of the words.

    Words match whole words in any case; a trailing ``*`` matches any ending.
    """

    any: tuple[str, ...] = Field(min_length=1)
    contains: tuple[str, ...] = Field(min_length=1)

    def holds(self, answers: Mapping[str, str]) -> bool:
        """Whether the condition holds for answers by column."""
        pattern = _pattern(self.contains)
        return any(pattern.search(answers.get(column, "")) for column in self.any)


class Rule(_Spec):
    """A state (None: missing) for the answers that meet all conditions."""

    state: str | None
    when: tuple[Condition, ...] = Field(min_length=1)


class Derived(Measure):
    """A value computed from input columns.

    ``bmi`` takes weight in kilograms and height in centimetres, ``ratio`` divides its first
    column by its second, ``first_match`` takes the state of the first rule that holds, or
    `otherwise` (None: missing). Without any answer among the inputs the result is missing.
    """

    derive: Literal["bmi", "ratio", "first_match"]
    from_: tuple[str, ...] = Field(alias="from", min_length=1)
    rules: tuple[Rule, ...] = ()
    otherwise: str | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Derived:
        if self.measured is None:
            raise ValueError("give 'node' or 'item'")
        if self.derive == "first_match":
            if not self.rules or self.cuts:
                raise ValueError("'first_match' needs 'rules' and takes no 'cuts'")
            named = {column for rule in self.rules for test in rule.when for column in test.any}
            if stray := named - set(self.from_):
                raise ValueError(f"rules name {sorted(stray)}, which 'from' does not list")
        elif len(self.from_) != 2 or not self.cuts or self.rules:
            raise ValueError(f"'{self.derive}' needs two columns in 'from', and 'cuts', no 'rules'")
        return self

    @property
    def said(self) -> frozenset[str]:
        """The states that a derived value can say."""
        if self.derive != "first_match":
            return frozenset(self.states)
        return frozenset(rule.state for rule in self.rules if rule.state) | (
            frozenset() if self.otherwise is None else {self.otherwise}
        )

    def divisor(self, second: float) -> float:
        """Return what the first input is divided by."""
        metres = second / 100
        return metres * metres if self.derive == "bmi" else second

    def value(self, answers: Mapping[str, float | str | None]) -> float | str | None:
        """Return the derived number, or for ``first_match`` the state; None where missing."""
        given = [value for column in self.from_ if (value := answers.get(column)) is not None]
        if self.derive != "first_match":
            if len(given) < 2 or not self.divisor(float(given[1])):
                return None
            return float(given[0]) / self.divisor(float(given[1]))
        if not given:
            return None
        texts = {c: str(answers[c]) for c in self.from_ if answers.get(c) is not None}
        for rule in self.rules:
            if all(test.holds(texts) for test in rule.when):
                return rule.state
        return self.otherwise


class OneRowPer(_Spec):
    """Which row stands for a person who appears several times.

    Rows are ordered by the column `by` (numbers or dates; without it as the file has them) and
    the first or the last is kept. Rows without an identifier all stay.
    """

    column: str
    by: str | None = None
    keep: Literal["first", "last"] = "first"


class Codebook(_Spec):
    """How the columns of a survey map to the nodes of a graph; frozen.

    Made by `load_codebook`, `Codebook.from_dict` or `Codebook.plain`, which check it against
    its graph.

    Examples
    --------
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> hours = {"node": "a", "type": "number", "unit": "h", "cuts": [7], "states": ["yes", "no"]}
    >>> data = {"name": "sleep", "graph": "graph", "columns": {"hours": hours}}
    >>> Codebook.from_dict(data, graph).encode_answer("hours", "6.5")
    ('a', 'yes')
    """

    name: str
    graph: str
    title: str = ""
    description: str = ""
    synthetic: bool = False
    missing: tuple[str, ...] = MISSING
    columns: dict[str, Column] = Field(min_length=1)
    derived: dict[str, Derived] = {}
    site: str | None = None
    weight: str | None = None
    ignore: tuple[str, ...] = ()
    one_row_per: OneRowPer | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], graph: CausalGraph | None = None) -> Codebook:
        """Check a codebook's contents, as read from YAML, against its graph.

        Parameters
        ----------
        data : mapping
            The contents of the file, or what `to_dict` gave.
        graph : CausalGraph, optional
            The packaged graph that the codebook names, where it is left out.

        Returns
        -------
        Codebook

        Raises
        ------
        SurveyError
            Names the codebook, the column and what is wrong with it.
        GraphError
            The graph that the codebook names cannot be loaded.
        """
        label = f"codebook '{data.get('name', '?')}'"
        try:
            codebook = cls.model_validate(data)
        except ValidationError as error:
            found = ((".".join(map(str, e["loc"])), e["msg"]) for e in error.errors())
            said = (f"{label}, '{at}': {msg.removeprefix('Value error, ')}." for at, msg in found)
            raise failure(label, said) from None
        return codebook.resolved(graph or load_graph(codebook.graph))

    @classmethod
    def plain(cls, graph: CausalGraph) -> Codebook:
        """Return the codebook of a plain table: columns named by nodes, states as labels.

        A column ``weight`` holds weights unless a node has that name.
        """
        columns = {name: Column(node=name) for name in graph.names}
        weight = None if "weight" in columns else "weight"
        return cls(name="plain", graph=graph.name, columns=columns, weight=weight).resolved(graph)

    def to_dict(self) -> dict[str, Any]:
        """Return the contents as plain lists and dictionaries, for JSON or YAML."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    @property
    def measures(self) -> dict[str, Column | Derived]:
        """The columns and derived values that measure something, by name."""
        both: dict[str, Column | Derived] = {**self.columns, **self.derived}
        return {name: spec for name, spec in both.items() if spec.measured is not None}

    @property
    def known(self) -> tuple[str, ...]:
        """Every column that a file may hold."""
        one = self.one_row_per
        extra = (self.site, self.weight, one and one.column, one and one.by, *self.ignore)
        return tuple(dict.fromkeys([*self.columns, *(name for name in extra if name)]))

    def node_of(self, name: str) -> str:
        """Return the node that a measure fills: an item's node bears the item's own name."""
        return self.measures[name].node or name

    def extend(self, graph: CausalGraph) -> CausalGraph:
        """Add the nodes that tell of answers, with their edges.

        An Item for every item of the codebook, a child of its construct; a response for every
        answer that may be missing because of its own value, a child of that answer. Nodes that
        the graph already has stay as they are.
        """
        nodes, edges = list(graph.nodes), list(graph.edges)
        for name, spec in self.measures.items():
            if spec.item is not None and name not in graph.names:
                nodes.append(_item_node(name, spec, graph.node(spec.item).states))
                claim = f"The answer to '{spec.question or name}' reports {spec.item}, with error."
                cited = (spec.source,) if spec.source else ()
                edges.append(
                    Edge(spec.item, name, claim, "measurement", "moderate", citations=cited)
                )
        for name, spec in self.measures.items():
            response = self.response_of(name)
            if spec.nonresponse is None or response in graph.names:
                continue
            prior = Prior(spec.nonresponse.mean, spec.nonresponse.sd)
            nodes.append(
                Node(
                    response,
                    (ANSWERED, NOT_ANSWERED),
                    description=f"Whether '{spec.question or name}' was answered.",
                    group="response",
                    margin=(1.0 - spec.nonresponse.share, spec.nonresponse.share),
                    mechanism="response",
                )
            )
            claim = "Whether it is answered may depend on what the answer would have been."
            cited = (spec.nonresponse.why,) if spec.nonresponse.why else ()
            edges.append(
                Edge(self.node_of(name), response, claim, "measurement", "weak", prior, cited)
            )
        if len(nodes) == len(graph.nodes):
            return graph
        return replace(graph, nodes=tuple(nodes), edges=tuple(edges))

    def response_of(self, name: str) -> str:
        """Return the name of the node that tells whether a measure was answered."""
        return f"{name}_response"

    def with_responses(
        self, codes: NDArray[np.int8], graph: CausalGraph, columns: Iterable[str]
    ) -> NDArray[np.int8]:
        """Fill in which answers were given, for the measures whose missingness is modelled.

        Parameters
        ----------
        codes : ndarray of int8, shape (rows, nodes)
        graph : CausalGraph
            As `extend` gave it.
        columns : iterable of str
            What the file has: what was not asked at all was not refused.

        Returns
        -------
        ndarray of int8, shape (rows, nodes)
        """
        filled, present = codes.copy(), set(columns)
        for name, spec in self.measures.items():
            asked = spec.from_ if isinstance(spec, Derived) else (name,)
            if spec.nonresponse is not None and present & set(asked):
                answer = graph.names.index(self.node_of(name))
                response = graph.names.index(self.response_of(name))
                filled[:, response] = codes[:, answer] < 0
        return filled

    def encode_answer(self, column: str, raw: object) -> tuple[str, str | None]:
        """Return the node that a raw answer fills, and the label of the state it says.

        The state is None for a missing answer.

        Raises
        ------
        SurveyError
            The column is unknown or only an input, or the answer is not one it accepts.
        """
        spec = self._measuring(column, self.columns)
        try:
            return self.node_of(column), spec.state(spec.read(raw, self.missing))
        except ValueError as error:
            raise SurveyError(
                sentence(f"column '{column}': value '{raw}', expected {error}")
            ) from None

    def encode_person(self, answers: Mapping[str, object], graph: CausalGraph) -> dict[str, str]:
        """Return one person's evidence from raw answers, node labels, or both mixed.

        Parameters
        ----------
        answers : mapping
            Raw answer by column, or state label by node. Where a column bears a node's name,
            both its raw answers and the node's labels are understood.
        graph : CausalGraph
            The extended graph.

        Returns
        -------
        dict
            State label by node; missing answers are left out.

        Raises
        ------
        QueryError
            Every problem of the person at once.
        """
        found: dict[str, tuple[str, str]] = {}
        inputs: dict[str, float | str | None] = {}
        problems: list[str] = []

        def put(name: str, node: str, state: str | None) -> None:
            if state is None:
                return
            said, before = found.setdefault(node, (name, state))
            if before != state:
                problems.append(
                    f"the person's '{said}' says {node} = {before}, but '{name}' says {state}."
                )

        for name, raw in answers.items():
            spec = self.columns.get(name)
            states = graph.node(name).states if name in graph.names else ()
            value = f"the person's '{name}' has the value '{raw}', expected"
            if str(raw) in states:
                put(name, name, str(raw))
            elif spec is not None:
                try:
                    inputs[name] = spec.read(raw, self.missing)
                except ValueError as error:
                    problems.append(sentence(f"{value} {error}"))
                else:
                    if spec.measured:
                        put(name, self.node_of(name), spec.state(inputs[name]))
            elif states and raw is not None:
                problems.append(sentence(f"{value} {either(states)}{suggest(raw, states)}"))
            elif not states:
                near = suggest(name, [*self.columns, *graph.names])
                problems.append(sentence(f"the person's '{name}' is unknown{near}"))
        for name, derived in self.derived.items():
            put(name, self.node_of(name), derived.state(derived.value(inputs)))
        if problems:
            raise QueryError("\n".join(problems))
        return {node: state for node, (_, state) in found.items()}

    def decode(self, name: str, state: str, rng: np.random.Generator) -> float | str:
        """Draw an answer to a column that says a state: the reverse of `encode_answer`.

        It is one of the labels that say the state, or a typical number of its interval.

        Raises
        ------
        SurveyError
            The column is unknown, or no answer says the state.
        """
        spec = self._measuring(name, self.columns)
        labels = [label for label, meant in (spec.labels or {}).items() if meant == state]
        if labels:
            return labels[int(rng.integers(len(labels)))]
        interval = spec.interval(state)
        number = None if interval is None else spec.draw(*interval, rng)
        if number is None:
            raise SurveyError(f"column '{name}': no answer says the state '{state}'.")
        return number

    def decode_derived(self, name: str, state: str, rng: np.random.Generator) -> dict[str, float]:
        """Draw typical inputs, by column, from which a ``bmi`` or ``ratio`` says a state.

        Raises
        ------
        SurveyError
            The name is unknown or its text cannot be drawn, or no typical inputs say the state.
        """
        spec = self._measuring(name, self.derived)
        if spec.derive != "first_match" and (interval := spec.interval(state)):
            low, high = interval
            if spec.typical:
                low, high = max(low, spec.typical[0]), min(high, spec.typical[1])
            first, second = (self.columns[column] for column in spec.from_)
            for _ in range(_TRIES):
                below = second.draw(-math.inf, math.inf, rng)
                if below is None or (by := spec.divisor(below)) <= 0:
                    continue
                above = first.draw(low * by, high * by, rng)
                drawn = dict(zip(spec.from_, (above, below), strict=True))
                if above is not None and spec.state(spec.value(drawn)) == state:
                    return {spec.from_[0]: above, spec.from_[1]: below}
        raise SurveyError(f"derived '{name}': no inputs can be drawn that say '{state}'.")

    def _measuring[M: Measure](self, name: str, among: Mapping[str, M]) -> M:
        spec = among.get(name)
        if spec is None or spec.measured is None:
            known = [each for each, other in among.items() if other.measured]
            what = f"codebook '{self.name}' has nothing called '{name}' here that measures a node"
            raise SurveyError(sentence(what + suggest(name, known)))
        return spec

    def resolved(self, graph: CausalGraph) -> Codebook:
        """Return the codebook with its states written out.

        Raises
        ------
        SurveyError
            Every contradiction with the graph, or within the codebook.
        """
        problems: list[str] = []
        observed: dict[str, str] = {}

        def say(name: str, what: str) -> None:
            problems.append(sentence(f"codebook '{self.name}', column '{name}': {what}"))

        for name in sorted(set(self.columns) & set(self.derived)):
            say(name, "is both a column and a derived value")
        for name, derived in self.derived.items():
            for source in derived.from_:
                if source not in self.columns:
                    say(name, f"input '{source}' is unknown{suggest(source, self.columns)}")
        changed: dict[str, Measure] = {**self.columns, **self.derived}
        for name, spec in self.measures.items():
            target = str(spec.measured)
            if target not in graph.names:
                near = suggest(target, graph.names)
                say(name, f"graph '{graph.name}' has no node '{target}'{near}")
                continue
            if spec.item and name in graph.names and graph.parents(name) != (spec.item,):
                say(name, "an item may not bear the name of another node")
            if spec.node and observed.setdefault(spec.node, name) != name:
                say(name, f"node '{spec.node}' is already observed by '{observed[spec.node]}'")
            known = graph.node(target).states
            states = spec.states or known
            if spec.cuts and len(states) != len(spec.cuts) + 1:
                say(name, f"{len(spec.cuts)} cuts need {len(spec.cuts) + 1} states")
            used: list[str | None] = list(states)
            for state, row in (spec.misclassification or {}).items():
                used += [state, *row]
            update: dict[str, Any] = {"states": states}
            if isinstance(spec, Derived):
                used += [spec.otherwise, *(rule.state for rule in spec.rules)]
            elif spec.type == "label":
                update["labels"] = spec.labels or {state: state for state in states}
                used += update["labels"].values()
                for label in sorted(set(update["labels"]) & set(self.missing)):
                    say(name, f"label '{label}' is also listed as a missing answer")
            for said in dict.fromkeys(used):
                if said is not None and said not in known:
                    say(name, f"'{target}' has no state '{said}'{suggest(said, known)}")
            changed[name] = spec.model_copy(update=update)
        if problems:
            raise failure(f"codebook '{self.name}'", problems)
        columns = {name: changed[name] for name in self.columns}
        return self.model_copy(
            update={"columns": columns, "derived": {name: changed[name] for name in self.derived}}
        )


def load_codebook(name_or_path: str | Path, graph: CausalGraph | None = None) -> Codebook:
    """Read a codebook by the name of a packaged one or by path, and check it.

    Parameters
    ----------
    name_or_path : str or Path
        For instance ``"runner"`` or ``"clinic"``.
    graph : CausalGraph, optional
        The graph to check against; by default the one the codebook names.

    Returns
    -------
    Codebook

    Raises
    ------
    SurveyError
        There is no such codebook, it is not YAML, or its contents are wrong.

    Examples
    --------
    >>> load_codebook("runner").synthetic
    True
    """
    names = packaged_codebooks()
    place = files("backrisk.survey") / "codebooks" / f"{name_or_path}.yaml"
    path = place if str(name_or_path) in names else Path(name_or_path)
    if not path.is_file():
        raise SurveyError(
            f"No codebook '{name_or_path}'{suggest(name_or_path, names)}; expected one of "
            f"{', '.join(names)}, or the path of a YAML file."
        )
    label = f"codebook {name_or_path}"
    try:
        data = _yaml.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SurveyError(f"{label} cannot be read as UTF-8 text ({error}).") from error
    except _yaml.YAMLError as error:
        raise SurveyError(f"{label} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(data, dict):
        raise SurveyError(f"{label} holds no mapping of keys to values.")
    return Codebook.from_dict({"name": Path(name_or_path).stem, **data}, graph)


def packaged_codebooks() -> tuple[str, ...]:
    """Return the names of the codebooks that come with the package."""
    folder = files("backrisk.survey") / "codebooks"
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".yaml")))


def failure(source: str, problems: Iterable[str]) -> SurveyError:
    """Return one error that carries all problems and prints the first."""
    told = tuple(problems)
    if len(told) == 1:
        return SurveyError(told[0])
    lines = [f"{source} has {len(told)} problems:", *told[:_SHOWN]]
    if len(told) > _SHOWN:
        lines.append(f"and {len(told) - _SHOWN} more.")
    return SurveyError("\n  ".join(lines), problems=told)


def sentence(text: str) -> str:
    """Return the text with a full stop, unless it already ends."""
    return text if text.endswith(("?", ".")) else f"{text}."


def either(labels: Iterable[str]) -> str:
    """Return the words for a choice among labels."""
    return "one of " + ", ".join(f"'{label}'" for label in labels)


def _item_node(name: str, spec: Measure, construct: tuple[str, ...]) -> Node:
    """Return the node of an item, its answers in the order of the construct's states."""
    states = tuple(state for state in construct if state in spec.said)
    rows = None
    if spec.misclassification is not None:
        rows = tuple(
            tuple(spec.misclassification.get(state, {}).get(answer, 0.0) for answer in states)
            for state in construct
        )
    return Node(
        name,
        states,
        description=spec.question or name,
        group="item",
        mechanism="item",
        reliability=spec.reliability,
        misclassification=rows,
        fixed=spec.error == "fixed",
        concentration=spec.people,
    )


@lru_cache(maxsize=256)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    def one(word: str) -> str:
        stem = word.removesuffix("*")
        return rf"(?<!\w){re.escape(stem)}" + ("" if stem != word else r"(?!\w)")

    return re.compile("|".join(map(one, words)), re.IGNORECASE)
