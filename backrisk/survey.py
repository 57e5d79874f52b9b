"""Surveys: a codebook says what each column measures, a survey holds integer codes.

A `Codebook` is read from YAML and checked in full against a graph. `read_survey` turns a CSV or
Parquet file into a frozen `Survey` of integer codes (-1 is a missing answer), or raises one
`SurveyError` that lists every problem of the file. `tabulate` reduces a survey to its distinct
answer patterns: everything later depends on the number of people only through these.
"""

from __future__ import annotations

import csv
import math
import re
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from backrisk.errors import GraphError, QueryError, SurveyError, suggest
from backrisk.graph import CausalGraph, Edge, Node, load_graph

__all__ = [
    "Codebook",
    "Column",
    "Derived",
    "Patterns",
    "Survey",
    "load_codebook",
    "read_survey",
    "tabulate",
]

PACKAGED = Path(__file__).parent / "graphs" / "codebooks"
MISSING = ("", "NA", "N/A", "NaN", "nan")
SHOWN = 20


# --- the codebook --------------------------------------------------------------------------------


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Measure(_Spec):
    """What a column and a derived value have in common.

    Attributes
    ----------
    node, item : str or None
        The node that the answer observes, or the construct of which it is a noisy sign.
    reliability : float or None
        Of an item: how far the answer says the construct's state, from 0 (nothing) to 1 (all).
    cuts : tuple of float
        Increasing cut points; a value equal to a cut point belongs to the interval above it.
    states : tuple of str
        The node's state for each interval; the node's own order where the file says nothing.
    typical : tuple of float or None
        Where simulated numbers lie; says nothing about which numbers are accepted.
    """

    node: str | None = None
    item: str | None = None
    reliability: float | None = Field(default=None, ge=0, le=1)
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

    @model_validator(mode="after")
    def _one_purpose(self) -> Measure:
        if self.node and self.item:
            raise ValueError("give 'node' or 'item', not both")
        if self.item and self.reliability is None:
            raise ValueError("an item needs a 'reliability' between 0 and 1")
        if any(high <= low for low, high in zip(self.cuts, self.cuts[1:], strict=False)):
            raise ValueError("'cuts' must increase")
        return self


class Column(Measure):
    """One column of the file."""

    role: Literal["input"] | None = None
    type: Literal["number", "label", "text"] = "label"
    range: tuple[float, float] | None = None
    outside: Literal["error", "missing"] = "error"
    labels: dict[str, str] | None = None

    @model_validator(mode="after")
    def _fits_its_type(self) -> Column:
        if (self.measured is None) == (self.role is None):
            raise ValueError("give one of 'node', 'item' and 'role: input'")
        if self.type == "text" and self.role is None:
            raise ValueError("a text column is an input; derive its state with 'first_match'")
        if self.type != "number" and (self.cuts or self.range):
            raise ValueError("'cuts' and 'range' belong to 'type: number'")
        if self.type == "number" and self.measured and not self.cuts:
            raise ValueError("a number that measures a node needs 'cuts'")
        if self.range and self.range[0] >= self.range[1]:
            raise ValueError("'range' must run from low to high")
        return self


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

    def value(self, answers: Mapping[str, float | str | None]) -> float | str | None:
        """The derived number, or for ``first_match`` the state; None where it is missing."""
        inputs = [answers.get(column) for column in self.from_]
        if self.derive == "first_match":
            texts = {c: str(v) for c, v in zip(self.from_, inputs, strict=True) if v is not None}
            if not texts:
                return None
            for rule in self.rules:
                if all(test.holds(texts) for test in rule.when):
                    return rule.state
            return self.otherwise
        if any(value is None for value in inputs):
            return None
        first, second = (float(value) for value in inputs if value is not None)
        if self.derive == "bmi":
            second = (second / 100) ** 2
        return first / second if second else None


class OneRowPer(_Spec):
    """Which row stands for a person who appears several times.

    Rows are ordered by the column `by` (dates, numbers or text; else the file's order), and the first or
    the last is kept. Rows without an identifier all stay.
    """

    column: str
    by: str | None = None
    keep: Literal["first", "last"] = "first"


class Codebook(_Spec):
    """How the columns of a survey map to the nodes of a graph.

    Built by `load_codebook`, `Codebook.from_dict` or `Codebook.plain`, which check it against
    its graph; frozen afterwards.
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

        Raises
        ------
        SurveyError
            Names the codebook, the column and what is wrong with it.
        """
        label = f"codebook '{data.get('name', '?')}'" if isinstance(data, Mapping) else "codebook"
        try:
            codebook = cls.model_validate(data)
        except ValidationError as error:
            raise _failure(label, (_said(label, e) for e in error.errors())) from None
        if graph is None:
            try:
                graph = load_graph(codebook.graph)
            except GraphError as error:
                raise SurveyError(f"{label} names its graph wrongly: {error}") from error
        return codebook._resolved(graph)

    @classmethod
    def plain(cls, graph: CausalGraph) -> Codebook:
        """The codebook of a plain table: columns named by nodes, states as labels.

        A column ``weight`` holds weights unless a node has that name.
        """
        columns = {name: Column(node=name) for name in graph.names}
        weight = None if "weight" in columns else "weight"
        return cls(name="plain", graph=graph.name, columns=columns, weight=weight)._resolved(graph)

    def to_dict(self) -> dict[str, Any]:
        """The contents as plain lists and dictionaries, for JSON or YAML."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    @property
    def measures(self) -> dict[str, Column | Derived]:
        """The columns and derived values that measure something, by name."""
        return {
            name: spec
            for name, spec in {**self.columns, **self.derived}.items()
            if spec.measured is not None
        }

    @property
    def known(self) -> tuple[str, ...]:
        """Every column that a file may hold."""
        one = self.one_row_per
        extra = (self.site, self.weight, one and one.column, one and one.by, *self.ignore)
        return tuple(dict.fromkeys([*self.columns, *(name for name in extra if name)]))

    def node_of(self, name: str) -> str:
        """The node that a column or derived value fills: an item's node bears its own name."""
        spec = self.measures[name]
        return spec.node or name

    def extend(self, graph: CausalGraph) -> CausalGraph:
        """Add an Item node, and its edge from the construct, for every item of the codebook.

        Parameters
        ----------
        graph : CausalGraph
            With or without the items; those it already has stay as they are.

        Returns
        -------
        CausalGraph
        """
        nodes, edges = list(graph.nodes), list(graph.edges)
        for name, spec in self.measures.items():
            if spec.item is None or name in graph.names:
                continue
            what = spec.question or name
            nodes.append(
                Node(
                    name,
                    graph.node(spec.item).states,
                    description=what,
                    group="item",
                    mechanism="item",
                    reliability=spec.reliability,
                )
            )
            edges.append(
                Edge(
                    spec.item,
                    name,
                    claim=f"The answer to '{what}' reports {spec.item}, with error.",
                    origin="measurement",
                    grade="moderate",
                    prior=None,
                    citations=(spec.source,) if spec.source else (),
                )
            )
        if len(nodes) == len(graph.nodes):
            return graph
        return CausalGraph(
            name=graph.name,
            nodes=tuple(nodes),
            edges=tuple(edges),
            lagged=graph.lagged,
            outcome=graph.outcome,
            title=graph.title,
            description=graph.description,
        )

    def encode_answer(self, column: str, raw: object) -> tuple[str, str | None]:
        """The node that a raw answer fills, and the label of the state it says.

        Parameters
        ----------
        column : str
            A column of the file that measures a node or an item.
        raw : object
            The answer as it stands in the file.

        Returns
        -------
        node : str
        state : str or None
            None for a missing answer.

        Raises
        ------
        SurveyError
            The column is unknown or only an input, or the answer is not one it accepts.
        """
        spec = self.columns.get(column)
        if spec is None or spec.measured is None:
            known = [name for name, each in self.columns.items() if each.measured]
            raise SurveyError(
                f"codebook '{self.name}' has no column '{column}' that measures a node"
                f"{suggest(column, known)}."
            )
        try:
            return self.node_of(column), _state(spec, _value(spec, raw, self.missing))
        except ValueError as error:
            raise SurveyError(f"column '{column}': value '{raw}', expected {error}.") from None

    def encode_person(self, answers: Mapping[str, object], graph: CausalGraph) -> dict[str, str]:
        """One person's evidence from raw answers, node labels, or both mixed.

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
            if node in found and found[node][1] != state:
                problems.append(
                    f"the person's '{found[node][0]}' says {node} = {found[node][1]}, "
                    f"but '{name}' says {state}."
                )
            found[node] = (name, state)

        for name, raw in answers.items():
            spec = self.columns.get(name)
            if name in graph.names and str(raw) in graph.node(name).states:
                put(name, name, str(raw))
            elif spec is not None:
                try:
                    inputs[name] = _value(spec, raw, self.missing)
                    if spec.measured:
                        put(name, self.node_of(name), _state(spec, inputs[name]))
                except ValueError as error:
                    problems.append(
                        f"the person's '{name}' has the value '{raw}', expected {error}."
                    )
            elif name in graph.names:
                states = graph.node(name).states
                problems.append(
                    f"the person's '{name}' has the value '{raw}', expected {_either(states)}"
                    f"{suggest(str(raw), states)}."
                )
            else:
                known = [*self.columns, *graph.names]
                problems.append(f"the person's '{name}' is unknown{suggest(name, known)}.")
        for name, derived in self.derived.items():
            if any(column in inputs for column in derived.from_):
                put(name, self.node_of(name), _state(derived, derived.value(inputs)))
        if problems:
            raise QueryError("\n".join(problems))
        return {node: state for node, (_, state) in found.items()}

    def _resolved(self, graph: CausalGraph) -> Codebook:
        """The codebook with its states written out, or every mistake against the graph."""
        problems: list[str] = []
        seen: dict[str, str] = {}

        def say(name: str, what: str) -> None:
            problems.append(f"codebook '{self.name}', column '{name}': {what}.")

        for name in sorted(set(self.columns) & set(self.derived)):
            say(name, "is both a column and a derived value")
        resolved: dict[str, Column | Derived] = {}
        for name, spec in {**self.columns, **self.derived}.items():
            resolved[name] = spec
            if isinstance(spec, Derived):
                for source in spec.from_:
                    if source not in self.columns:
                        say(name, f"input '{source}' is unknown{suggest(source, self.columns)}")
            if spec.measured is None:
                continue
            if spec.measured not in graph.names:
                hint = suggest(spec.measured, graph.names)
                say(name, f"graph '{graph.name}' has no node '{spec.measured}'{hint}")
                continue
            if spec.item and name in graph.names and graph.parents(name) != (spec.item,):
                say(name, "an item may not bear the name of another node")
            if spec.node and seen.setdefault(spec.node, name) != name:
                say(name, f"node '{spec.node}' is already observed by '{seen[spec.node]}'")
            known = graph.node(spec.measured).states
            states = spec.states or known
            if spec.cuts and len(states) != len(spec.cuts) + 1:
                say(name, f"{len(spec.cuts)} cuts need {len(spec.cuts) + 1} states")
            used: list[str | None] = list(states)
            update: dict[str, Any] = {"states": states}
            if isinstance(spec, Column) and spec.type == "label":
                update["labels"] = spec.labels or {state: state for state in states}
                used += update["labels"].values()
            if isinstance(spec, Derived):
                used += [spec.otherwise, *(rule.state for rule in spec.rules)]
            for state in dict.fromkeys(used):
                if state is not None and state not in known:
                    say(name, f"'{spec.measured}' has no state '{state}'{suggest(state, known)}")
            resolved[name] = spec.model_copy(update=update)
        if problems:
            raise _failure(f"codebook '{self.name}'", problems)
        return self.model_copy(
            update={
                "columns": {name: resolved[name] for name in self.columns},
                "derived": {name: resolved[name] for name in self.derived},
            }
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
    """
    path = Path(name_or_path)
    if path.suffix not in {".yaml", ".yml"}:
        path = PACKAGED / f"{name_or_path}.yaml"
        if not path.is_file():
            names = sorted(file.stem for file in PACKAGED.glob("*.yaml"))
            raise SurveyError(
                f"there is no packaged codebook '{name_or_path}'"
                f"{suggest(str(name_or_path), names)}; packaged are {', '.join(names)}."
            )
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506
    except OSError as error:
        raise SurveyError(f"codebook {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise SurveyError(f"codebook {path} is not encoded in UTF-8.") from None
    except yaml.YAMLError as error:
        where = " ".join(str(error).split())
        raise SurveyError(f"codebook {path} is not valid YAML: {where}.") from error
    if not isinstance(data, dict):
        raise SurveyError(f"codebook {path} holds no mapping of keys to values.")
    return Codebook.from_dict({"name": path.stem, **data}, graph)


class _Loader(yaml.SafeLoader):
    """YAML without its surprises: yes and no are words, and no key may occur twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        if twice := sorted({str(key) for key in keys if keys.count(key) > 1}):
            mark = node.start_mark
            raise yaml.constructor.ConstructorError(None, None, f"key '{twice[0]}' occurs twice", mark)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in pairs if tag != "tag:yaml.org,2002:bool"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), ["t", "f"])


# --- single answers ------------------------------------------------------------------------------


def _value(spec: Column, raw: object, missing: tuple[str, ...]) -> float | str | None:
    """The number or text of a raw answer, None where missing; ValueError says what was expected."""
    if raw is None or raw is pd.NA or raw is pd.NaT or (isinstance(raw, float) and math.isnan(raw)):
        return None
    if spec.type != "number" and isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    text = str(raw).strip()
    if text in missing:
        return None
    if spec.type != "number":
        if spec.type == "label" and spec.labels is not None and text not in spec.labels:
            raise ValueError(_either(spec.labels) + suggest(text, spec.labels))
        return text
    low, high = spec.range or (-math.inf, math.inf)
    unit = f" {spec.unit}" if spec.unit else ""
    wanted = f"a number from {low:g} to {high:g}{unit}" if spec.range else f"a number{unit and f' of{unit}'}"
    try:
        number = math.nan if "_" in text else float(text)
    except ValueError:
        raise ValueError(wanted) from None
    if not math.isfinite(number):
        raise ValueError(wanted)
    if not low <= number <= high:
        if spec.outside == "missing":
            return None
        raise ValueError(wanted)
    return number


def _state(spec: Measure, value: float | str | None) -> str | None:
    """The state that a value says."""
    if value is None:
        return None
    if spec.cuts:
        return spec.states[bisect_right(spec.cuts, float(value))]
    if isinstance(spec, Column) and spec.labels is not None:
        return spec.labels[str(value)]
    return str(value)


def _either(labels: Iterable[str]) -> str:
    return "one of " + ", ".join(f"'{label}'" for label in labels)


@lru_cache(maxsize=256)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    def one(word: str) -> str:
        stem = word.removesuffix("*")
        return rf"(?<!\w){re.escape(stem)}" + ("" if stem != word else r"(?!\w)")

    return re.compile("|".join(map(one, words)), re.IGNORECASE)


# --- the survey ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Survey:
    """Answers of people as integer codes.

    Attributes
    ----------
    graph : CausalGraph
        The graph extended by the codebook's items.
    codes : ndarray of int8, shape (n, nodes)
        State index in the order of ``graph.names``; -1 is missing.
    codebook : Codebook
    weights : ndarray of float, shape (n,), or None
    site : ndarray of int, shape (n,), or None
        Index into `sites`.
    sites : tuple of str
    """

    graph: CausalGraph
    codes: NDArray[np.int8]
    codebook: Codebook
    weights: NDArray[np.float64] | None = None
    site: NDArray[np.intp] | None = None
    sites: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """The number of people."""
        return len(self.codes)

    @property
    def answered(self) -> pd.Series:
        """The share of people whose state is observed, by node."""
        return pd.Series((self.codes >= 0).mean(axis=0), index=list(self.graph.names), name="answered")

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        graph: CausalGraph,
        codebook: Codebook | str | Path | None = None,
        source: str = "frame",
    ) -> Survey:
        """Check and encode a table.

        Parameters
        ----------
        frame : pandas.DataFrame
            One row a person. Problems name the row by its index where that is integer and
            unique (`read_survey` puts the line numbers there), else by its position from 0.
        graph : CausalGraph
        codebook : Codebook, str or Path, optional
            By default the packaged codebook with the graph's name where it knows at least as
            many columns as a plain table of nodes and labels would; else that plain reading.
        source : str
            What messages call the table.

        Returns
        -------
        Survey

        Raises
        ------
        SurveyError
            Every problem of the table at once, each with row, column, value and expectation.
        """
        if codebook is None:
            codebook = _choose(frame.columns, graph)
        elif isinstance(codebook, Codebook):
            codebook = codebook._resolved(graph)
        else:
            codebook = load_codebook(codebook, graph)
        if not frame.shape[0]:
            raise SurveyError(f"{source} has no rows, expected one a person.")
        if not frame.index.is_unique or not pd.api.types.is_integer_dtype(frame.index):
            frame = frame.reset_index(drop=True)
        problems = [*_header_problems(frame, codebook, source)]
        frame = frame.loc[:, [c for c in dict.fromkeys(frame.columns) if c in codebook.known]]
        if any("occurs twice" in problem for problem in problems):
            raise _failure(source, problems)
        problems += _cell_problems(frame, codebook, source)
        if problems:
            raise _failure(source, problems)
        frame = _one_row_each(frame, codebook.one_row_per)

        extended = codebook.extend(graph)
        codes = np.full((len(frame), len(extended.names)), -1, dtype=np.int8)
        for name, spec in codebook.measures.items():
            inputs = spec.from_ if isinstance(spec, Derived) else (name,)
            present = [column for column in inputs if column in frame.columns]
            if present:
                node = extended.node(codebook.node_of(name))
                codes[:, extended.names.index(node.name)] = _encode(
                    frame[present], spec, name, codebook, node.states
                )
        if (codes < 0).all():
            raise SurveyError(f"{source} has no answers: all are missing in all {len(frame)} rows.")

        weights, site, sites = None, None, ()
        if codebook.weight in frame.columns:
            weights = frame[codebook.weight].astype(float).to_numpy()
            if not weights.sum() > 0:
                raise SurveyError(f"{source}, column '{codebook.weight}': no weight is above 0.")
        if codebook.site in frame.columns:
            site, labels = pd.factorize(frame[codebook.site].astype(str).str.strip(), sort=True)
            sites = tuple(map(str, labels))
        return cls(extended, codes, codebook, weights, site, sites)


def read_survey(
    path: str | Path, graph: CausalGraph, codebook: Codebook | str | Path | None = None
) -> Survey:
    """Read a survey from a CSV or Parquet file.

    Parameters
    ----------
    path : str or Path
        ``.parquet`` or ``.pq`` is read as Parquet, anything else as UTF-8 CSV with commas.
    graph : CausalGraph
    codebook : Codebook, str or Path, optional
        See `Survey.from_frame`.

    Returns
    -------
    Survey

    Raises
    ------
    SurveyError
        Every problem of the file at once. A row is the line of the file (the header is line 1);
        in Parquet, the position of the record from 1.
    """
    path = Path(path)
    if not path.is_file():
        raise SurveyError(f"{path}: there is no such file.")
    if path.stat().st_size == 0:
        raise SurveyError(f"{path} is empty, expected a header and one row a person.")
    frame = _read_parquet(path) if path.suffix in {".parquet", ".pq"} else _read_csv(path)
    return Survey.from_frame(frame, graph, codebook, source=path.name)


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path)
    except ImportError as error:
        raise SurveyError(f"{path.name}: reading Parquet needs the package pyarrow.") from error
    except (OSError, ValueError) as error:
        raise SurveyError(f"{path.name} is not a Parquet file that can be read.") from error
    return frame.set_axis(range(1, len(frame) + 1))


def _read_csv(path: Path) -> pd.DataFrame:
    """Read all cells as text, with each record's first line of the file as the index."""
    rows: list[list[str]] = []
    lines: list[int] = []
    ragged: list[str] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            before = reader.line_num
            for row in reader:
                line, before = before + 1, reader.line_num
                if not row:
                    continue
                if len(row) != len(header):
                    ragged.append(
                        f"{path.name}, row {line}: {len(row)} values, expected {len(header)}."
                    )
                rows.append(row)
                lines.append(line)
    except UnicodeDecodeError as error:
        raise SurveyError(
            f"{path.name} is not encoded in UTF-8 (byte {error.start} cannot be read), "
            "expected UTF-8."
        ) from None
    except csv.Error as error:
        raise SurveyError(f"{path.name} is not a CSV file that can be read: {error}.") from error
    except OSError as error:
        raise SurveyError(f"{path} cannot be read: {error.strerror}.") from error
    if ragged:
        raise _failure(path.name, ragged)
    if not header:
        raise SurveyError(f"{path.name} is empty, expected a header and one row a person.")
    return pd.DataFrame(rows, columns=header, index=pd.Index(lines, dtype=np.int64), dtype=object)


def _choose(columns: Iterable[object], graph: CausalGraph) -> Codebook:
    """The packaged codebook of the graph where it fits at least as well as the plain reading."""
    plain = Codebook.plain(graph)
    if not (PACKAGED / f"{graph.name}.yaml").is_file():
        return plain
    try:
        packaged = load_codebook(graph.name, graph)
    except SurveyError:  # a graph of the user's own that shares a packaged name
        return plain
    names = set(map(str, columns))
    return packaged if len(names & set(packaged.known)) >= len(names & set(plain.known)) else plain


def _header_problems(frame: pd.DataFrame, codebook: Codebook, source: str) -> list[str]:
    problems = [
        f"{source}, column '{name}': unknown, expected a column of codebook "
        f"'{codebook.name}'{suggest(str(name), codebook.known)}."
        for name in dict.fromkeys(frame.columns)
        if name not in codebook.known
    ]
    repeated = frame.columns[frame.columns.duplicated()].unique()
    problems += [f"{source}, column '{name}': occurs twice, expected once." for name in repeated]
    if not set(frame.columns) & set(codebook.columns):
        problems.append(f"{source} has no column of codebook '{codebook.name}'.")
    return problems


def _cell_problems(frame: pd.DataFrame, codebook: Codebook, source: str) -> list[str]:
    """Check every cell with pandera, lazily, and word the failures."""
    import pandera.pandas as pa  # half a second: only where a table is read

    readers: dict[str, Callable[[object], object]] = {}
    for name in frame.columns:
        if name in codebook.columns:
            readers[name] = lambda raw, spec=codebook.columns[name]: _value(
                spec, raw, codebook.missing
            )
    if codebook.weight in frame.columns:
        readers[codebook.weight] = _weight
    if codebook.site in frame.columns:
        readers[codebook.site] = lambda raw: _site(raw, codebook.missing)

    def complaint(name: str, raw: object) -> str | None:
        try:
            readers[name](raw)
        except ValueError as error:
            return str(error)
        return None

    def check(name: str) -> Any:
        def valid(column: pd.Series) -> pd.Series:
            good = {raw: complaint(name, raw) is None for raw in column.unique()}
            return pd.Series([good[raw] for raw in column], index=column.index, dtype=bool)

        # Missing cells pass, except where a value is required.
        needed = name in (codebook.weight, codebook.site)
        return pa.Column(None, pa.Check(valid, ignore_na=not needed), nullable=True)

    try:
        pa.DataFrameSchema({name: check(name) for name in readers}).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        found = sorted(
            {(int(row), list(frame.columns).index(name)) for row, name in zip(cases["index"], cases["column"], strict=True)}
        )
    else:
        return []
    problems = []
    for row, position in found:
        name = frame.columns[position]
        raw = frame.at[row, name]
        problems.append(
            f"{source}, row {row}, column '{name}': value '{raw}', "
            f"expected {complaint(name, raw)}."
        )
    return problems


def _weight(raw: object) -> float:
    try:
        number = float(str(raw))
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise ValueError("a weight, a finite number not below 0")
    return number


def _site(raw: object, missing: tuple[str, ...]) -> str:
    text = _value(Column(role="input", type="text"), raw, missing)
    if text is None:
        raise ValueError("the name of a site")
    return str(text)


def _one_row_each(frame: pd.DataFrame, rule: OneRowPer | None) -> pd.DataFrame:
    if rule is None or rule.column not in frame.columns:
        return frame
    ordered = frame
    if rule.by in frame.columns:
        # Each kind of value is tried in turn; what cannot be read sorts last.
        when = pd.to_numeric(frame[rule.by], errors="coerce")
        if when.isna().all():
            when = pd.to_datetime(frame[rule.by], errors="coerce", format="mixed")
        ordered = frame.loc[when.sort_values(kind="stable").index]
    person = ordered[rule.column].astype(str).str.strip()
    repeated = person.duplicated(keep=rule.keep) & ordered[rule.column].notna() & (person != "")
    return frame.loc[frame.index.isin(ordered.index[~repeated])]


def _encode(
    frame: pd.DataFrame,
    spec: Column | Derived,
    name: str,
    codebook: Codebook,
    states: tuple[str, ...],
) -> NDArray[np.int8]:
    """Codes of one measure, computed once for each distinct row of its inputs."""
    specs = {column: codebook.columns[column] for column in frame.columns}

    def code(raw: tuple[object, ...]) -> int:
        values = {
            column: _value(specs[column], cell, codebook.missing)
            for column, cell in zip(specs, raw, strict=True)
        }
        value = spec.value(values) if isinstance(spec, Derived) else values[name]
        state = _state(spec, value)
        return -1 if state is None else states.index(state)

    rows = list(zip(*(frame[column] for column in specs), strict=True))
    known = {raw: code(raw) for raw in set(rows)}
    return np.fromiter((known[raw] for raw in rows), dtype=np.int8, count=len(rows))


# --- distinct patterns ---------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Patterns:
    """The distinct rows of a survey.

    Attributes
    ----------
    codes : ndarray of int8, shape (patterns, nodes)
    weights : ndarray of float, shape (patterns,)
        Number of people, or their total weight.
    index : ndarray of int, shape (n,)
        The pattern of each person.
    site : ndarray of int, shape (patterns,), or None
        People of different sites are never one pattern.
    """

    codes: NDArray[np.int8]
    weights: NDArray[np.float64]
    index: NDArray[np.intp]
    site: NDArray[np.intp] | None = None


def tabulate(survey: Survey) -> Patterns:
    """Reduce a survey to its distinct answer patterns.

    Examples
    --------
    >>> import pandas as pd
    >>> from backrisk.graph import CausalGraph
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> frame = pd.DataFrame({"a": ["no", "yes", "no"], "b": ["no", "", "no"]})
    >>> patterns = tabulate(Survey.from_frame(frame, graph))
    >>> patterns.codes.tolist(), patterns.weights.tolist()
    ([[0, 0], [1, -1]], [2.0, 1.0])
    """
    rows = survey.codes
    if survey.site is not None:
        rows = np.column_stack([survey.site.astype(np.int32), rows])
    unique, index = np.unique(rows, axis=0, return_inverse=True)
    weights = np.bincount(index.ravel(), weights=survey.weights, minlength=len(unique))
    codes = unique if survey.site is None else unique[:, 1:]
    return Patterns(
        codes=np.ascontiguousarray(codes, dtype=np.int8),
        weights=weights.astype(np.float64),
        index=index.ravel(),
        site=None if survey.site is None else unique[:, 0].astype(np.intp),
    )


# --- messages ------------------------------------------------------------------------------------


def _failure(source: str, problems: Iterable[str]) -> SurveyError:
    """One error that tells all problems, of which the message prints the first."""
    told = tuple(problems)
    if len(told) == 1:
        return SurveyError(told[0], problems=told)
    lines = [f"{source} has {len(told)} problems:", *told[:SHOWN]]
    if len(told) > SHOWN:
        lines.append(f"and {len(told) - SHOWN} more.")
    return SurveyError("\n  ".join(lines), problems=told)


def _said(label: str, error: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    what = str(error["msg"]).removeprefix("Value error, ")
    return f"{label}{', ' + where if where else ''}: {what}."
