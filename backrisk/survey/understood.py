"""What was understood of a survey, and what a fit to it would be: to be read before any fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backrisk._arguments import checked, refuse
from backrisk.graph import CausalGraph, has_intercepts, mechanism_reasons
from backrisk.survey.answers import Survey
from backrisk.survey.cautions import table_cautions, unread
from backrisk.survey.codebook import Codebook
from backrisk.survey.conversion import as_survey
from backrisk.survey.patterns import tabulate
from backrisk.survey.schema import Column, Derived
from backrisk.words import listed, percent, say

NOT_READ = (
    "site",
    "weight",
    "set",
    "person",
    "visit",
    "ignored",
)  # roles of columns without states
_FEW = 8  # nodes up to which the family of each is told with its priors
_SHOWN = 6  # names that a sentence lists


@dataclass(frozen=True)
class ReadColumn:
    """How one column, or one derived value, is read.

    Parameters
    ----------
    column : str
    role : str
        ``node`` (it says the node's state), ``item`` (a noisy sign of the node), ``input`` (of a
        derived value), ``site``, ``weight``, ``set`` (of matched cases and controls), ``person``
        and ``visit`` (whose row it is, and when), ``ignored``.
    node : str
        The node or the construct that it measures; empty where it measures none.
    how : str
        Labels, cut points with their unit, rules, the error of an item.
    labels : mapping of str to str
        The state that each label says, or each interval of numbers: ``{"below 7": "insufficient",
        "from 7": "adequate"}``. Empty where there are none.
    counts : mapping of str to int
        People by state; empty where it measures nothing.
    answered, missing, not_asked : int
        People of a measure; rows of the table for an input. Who was not asked is not missing.
    derived : bool
        Whether it is computed from other columns.
    """

    column: str
    role: str
    node: str
    how: str
    counts: Mapping[str, int]
    answered: int
    missing: int
    not_asked: int
    derived: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Family:
    """What a fit would make of a node and its causes.

    Parameters
    ----------
    node : str
    causes : tuple of str
    observed : str
        ``observed`` (some column says its state), ``item`` (it is an answer with error, or whether
        one was given), ``by_items`` (only items tell of it), ``hidden`` (nothing does).
    mechanism, decided, why : str
        See `backrisk.graph.MechanismReason`.
    priors : tuple of str
        A sentence for each kind of parameter.
    """

    node: str
    causes: tuple[str, ...]
    observed: str
    mechanism: str
    decided: str
    why: str
    priors: tuple[str, ...]


@dataclass(frozen=True)
class Understood:
    """What was understood of a survey, and what a fit to it would be.

    Parameters
    ----------
    codebook, graph : str
    people, rows, patterns : int
        Rows are those of the table, of which somebody may have several; patterns are distinct
        answers of people.
    columns : tuple of ReadColumn
        Those that are in the table, and what is derived from them.
    absent : tuple of str
        Columns of the codebook that are not in the table.
    families : tuple of Family
        In the order of the graph.
    left_out : mapping of str to str
        Nodes that the codebook leaves out of the fit, with the reason.
    design : tuple of str
        Sentences on how people came into the table: weights, sites, repeated rows.
    cautions : tuple of str
        What to look at before believing any of it.
    missing : tuple of str
        The words that stand for no answer.

    Examples
    --------
    >>> import pandas as pd
    >>> from backrisk import CausalGraph, describe
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> found = describe(pd.DataFrame({"a": ["no", "yes", "NA"]}), graph)
    >>> found.table[["column", "node", "counts", "missing"]]
      column node         counts  missing
    0      a    a  no: 1, yes: 1        1
    >>> found.hidden
    ('b',)
    """

    codebook: str
    graph: str
    people: int
    rows: int
    patterns: int
    columns: tuple[ReadColumn, ...]
    absent: tuple[str, ...]
    families: tuple[Family, ...]
    left_out: Mapping[str, str]
    design: tuple[str, ...]
    cautions: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def hidden(self) -> tuple[str, ...]:
        """The nodes that no column says: a fit sums them out."""
        return tuple(f.node for f in self.families if f.observed in ("by_items", "hidden"))

    @property
    def items(self) -> tuple[str, ...]:
        """The answers that are noisy signs of a node."""
        return tuple(f.node for f in self.families if f.mechanism == "item")

    @property
    def table(self) -> pd.DataFrame:
        """One row a column of the survey: what it says, how it is read, how many answered."""
        rows = [{**dataclasses.asdict(each), "counts": say_counts(each)} for each in self.columns]
        return pd.DataFrame(rows)

    @property
    def counts(self) -> pd.DataFrame:
        """One row a column and state: how many people are in it."""
        rows = [
            (each.column, each.node, state, count)
            for each in self.columns
            for state, count in each.counts.items()
        ]
        return pd.DataFrame(rows, columns=["column", "node", "state", "people"])

    @property
    def others(self) -> list[str]:
        """A sentence on the columns that measure nothing: roles, what is not read or not there."""
        told: list[str] = [
            say(
                "survey.understood.column_alone",
                column=each.column,
                role=say(f"survey.understood.roles.{each.role}", node=each.node),
            )
            for each in self.columns
            if each.role in NOT_READ and each.role != "ignored"
        ]
        if ignored := [each.column for each in self.columns if each.role == "ignored"]:
            told.append(say("survey.understood.ignored", columns=_some(ignored)))
        if self.absent:
            told.append(say("survey.understood.absent", columns=listed(self.absent)))
        words = [word or str(say("survey.understood.blank")) for word in self.missing]
        if words:
            told.append(say("survey.understood.no_answer", words=listed(words)))
        return told

    @property
    def fit(self) -> list[str]:
        """What a fit would be, a sentence each: families, what is summed out, items, design."""
        told = self._each_family() if len(self.families) <= _FEW else self._families_by_kind()
        by_items = [f.node for f in self.families if f.observed == "by_items"]
        hidden = [f.node for f in self.families if f.observed == "hidden"]
        if by_items:
            told.append(say("survey.understood.by_items", nodes=_some(by_items)))
        if hidden:
            told.append(say("survey.understood.hidden", nodes=_some(hidden)))
        told += [
            say("survey.understood.left_out", node=node, why=why)
            for node, why in self.left_out.items()
        ]
        return [*told, *self.design]

    def _each_family(self) -> list[str]:
        return [
            say(
                "survey.understood.each_family",
                node=family.node,
                mechanism=say(f"survey.understood.mechanisms.{family.mechanism}"),
                why=family.why,
                priors=" ".join(family.priors),
            )
            for family in self.families
        ]

    def _families_by_kind(self) -> list[str]:
        groups: dict[tuple[str, str], list[str]] = {}
        for family in self.families:
            groups.setdefault((family.mechanism, family.decided), []).append(family.node)
        return [
            say(
                "survey.understood.family",
                mechanism=say(f"survey.understood.mechanisms.{kind}"),
                why=say(f"survey.understood.decided.{decided}"),
                nodes=_some(nodes),
            )
            if kind not in ("item", "response")
            else say(f"survey.understood.{kind}s", nodes=_some(nodes))
            for (kind, decided), nodes in groups.items()
        ]

    @property
    def text(self) -> str:
        """All of it in sentences, one a line."""
        counted = say(
            "survey.understood.people",
            count=self.people,
            n=f"{self.people:,}",
            patterns=f"{self.patterns:,}",
            codebook=self.codebook,
            graph=self.graph,
        )
        lines = [str(counted)]
        lines += [
            say(
                "survey.understood.column",
                column=each.column,
                role=say(f"survey.understood.roles.{each.role}", node=each.node),
                how=each.how,
                counts=say_counts(each),
                missing=f"{each.missing:,}",
            )
            for each in self.columns
            if each.role not in NOT_READ
        ]
        return "\n".join([*lines, *self.cautions, *self.others, *self.fit])

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {
            "kind": "understood",
            **{key: getattr(self, key) for key in ("codebook", "graph", "people", "rows")},
            "patterns": self.patterns,
            "missing": list(self.missing),
            "columns": [
                {**dataclasses.asdict(each), "how": str(each.how)} for each in self.columns
            ],
            "absent": list(self.absent),
            "fit": {
                "families": [
                    {
                        **dataclasses.asdict(each),
                        "why": str(each.why),
                        "causes": list(each.causes),
                        "priors": list(map(str, each.priors)),
                    }
                    for each in self.families
                ],
                "hidden": list(self.hidden),
                "items": list(self.items),
                "left_out": dict(self.left_out),
                "design": list(map(str, self.design)),
            },
            "cautions": list(map(str, self.cautions)),
        }

    def __str__(self) -> str:
        """Return the text."""
        return self.text


@checked()
def describe(
    survey: Any,
    graph: CausalGraph | None = None,
    codebook: Codebook | str | Path | None = None,
    *,
    weight: str | None = None,
    site: str | None = None,
) -> Understood:
    """Say how each column of a survey was read, and what a fit to it would be; nothing is fitted.

    Parameters
    ----------
    survey : Survey, str, Path or frame
        A table needs the graph, and is read as by `read_survey`.
    graph, codebook, weight, site
        As for `read_survey`; only for a table.

    Returns
    -------
    Understood
        With `table` and `text`, and `to_dict` for JSON.

    Raises
    ------
    SurveyError
        As `read_survey`.

    Examples
    --------
    >>> import pandas as pd
    >>> from backrisk import CausalGraph, describe
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> frame = pd.DataFrame({"a": ["no", "yes", None], "b": ["no", "yes", "no"]})
    >>> print(describe(frame, graph))
    3 people, 3 distinct answer patterns; codebook 'plain', graph 'graph'.
    'a' says the node a: labels as the states; no: 1, yes: 1; missing 1.
    'b' says the node b: labels as the states; no: 2, yes: 1; missing 0.
    No answer: blank, NA, N/A, NaN and nan.
    a: free rows. It has no causes. Each state is worth 1 person.
    b: free rows. No edge into it states a prior, and its causes have 2 configurations, at most ...
    Every person counts once: no column holds weights.
    """
    if isinstance(survey, Survey):
        graph = survey.graph
    elif graph is None:
        refuse("describe", "graph", None, CausalGraph)
    read = as_survey(survey, graph, codebook, weight=weight, site=site)
    book, census = read.codebook, read.census
    people = np.ones(len(read.codes), int) if read.people is None else read.people
    present = set(census.columns) or set(book.known)
    columns = []
    every: dict[str, Column | Derived] = {**book.columns, **book.derived}
    for name, spec in every.items():
        inputs = spec.from_ if isinstance(spec, Derived) else (name,)
        if not present & set(inputs):
            continue
        counts: dict[str, int] = {}
        not_asked = 0
        if spec.measured:
            node = read.graph.node(book.node_of(name))
            codes = read.codes[:, read.graph.names.index(node.name)]
            counts = {
                state: int(people[codes == code].sum()) for code, state in enumerate(node.states)
            }
            answered, not_asked = sum(counts.values()), read.not_asked.get(node.name, 0)
            # Who was not asked is in the state that follows; where none does, in none.
            missing = max(read.n - answered - (0 if spec.unasked else not_asked), 0)
        else:
            answered = census.answered.get(name, 0)
            missing = max(census.rows - answered, 0)
        columns.append(
            ReadColumn(
                name,
                "node" if spec.node else "item" if spec.item else "input",
                spec.measured or "",
                _how(name, spec, book),
                counts,
                answered,
                missing,
                not_asked,
                isinstance(spec, Derived),
                _states_of(spec),
            )
        )
    columns += _others(read, present)
    ignored = () if book.takes_rest else book.ignore
    named = (*book.columns, *(name for name in book.known if name not in ignored))
    absent = tuple(name for name in dict.fromkeys(named) if name not in present)
    return Understood(
        codebook=book.name,
        graph=read.graph.name,
        people=read.n,
        rows=census.rows or read.n,
        patterns=len(tabulate(read).weights),
        columns=tuple(columns),
        absent=absent,
        families=_families(read),
        left_out=book.leaves_out,
        design=tuple(_design(read, present)),
        cautions=(
            *read.cautions,
            *table_cautions(
                book, census, {each.column: each.counts for each in columns if each.node}
            ),
        ),
        missing=book.missing,
    )


def say_counts(column: ReadColumn) -> str:
    """Word how many people are in each state; of an input, how many rows hold an answer."""
    if not column.counts:
        return str(say("survey.understood.filled", n=f"{column.answered:,}"))
    said = [
        say("survey.understood.count", state=state, n=f"{count:,}")
        for state, count in column.counts.items()
    ]
    return say("phrases.comma").join(said)


def _others(read: Survey, present: Iterable[str]) -> list[ReadColumn]:
    """Return the columns that measure nothing and have a role, or none."""
    book, known = read.codebook, set(present)
    one, design = book.one_row_per, book.design
    roles = {
        "site": book.site if design is None or design.set is None else None,
        "weight": book.weight,
        "set": design and design.set,
        "person": one.column if one else design and design.person,
        "visit": one and one.by,
    }
    found = [
        ReadColumn(name, role, "", "", {}, read.census.rows or read.n, 0, 0)
        for role, name in roles.items()
        if name is not None and name in known and name not in book.columns
    ]
    found += [
        ReadColumn(name, "ignored", "", "", {}, 0, 0, 0)
        for name in unread(book, read.census.columns)
    ]
    return found


def _how(name: str, spec: Column | Derived, book: Codebook) -> str:
    """Word how the cells of a column become states."""
    said: list[str] = []
    if isinstance(spec, Derived):
        inputs = [
            say("survey.understood.in_unit", column=c, unit=book.columns[c].unit)
            if book.columns[c].unit
            else c
            for c in spec.from_
        ]
        key = "rules" if spec.derive == "first_match" else "derived"
        said.append(
            say(
                f"survey.understood.how.{key}",
                derive=spec.derive,
                inputs=listed(inputs),
                count=len(spec.rules),
            )
        )
    elif spec.type == "text":
        said.append(say("survey.understood.how.text"))
    elif spec.type == "label":
        said.append(_labels(spec))
    elif not spec.cuts:
        key = "number_in" if spec.unit else "number"
        said.append(say(f"survey.understood.how.{key}", unit=spec.unit))
    if spec.cuts:
        said += [
            say("survey.understood.how.interval", interval=interval, state=state)
            for interval, state in _intervals(spec).items()
        ]
    if isinstance(spec, Column) and spec.range:
        low, high = (f"{end:g}" for end in spec.range)
        key = "range_missing" if spec.outside == "missing" else "range"
        said.append(say(f"survey.understood.how.{key}", low=low, high=high))
    if isinstance(spec, Column) and spec.missing:
        said.append(say("survey.understood.how.missing", codes=listed(spec.missing)))
    if spec.item:
        if spec.reliability is not None:
            error = say("survey.understood.how.reliability", share=f"{spec.reliability:g}")
        else:
            key = "rates" if spec.misclassification else "unknown"
            error = say(f"survey.understood.how.{key}")
        said.append(error)
    if spec.nonresponse is not None:
        said.append(say("survey.understood.how.nonresponse"))
    if spec.asked_if is not None:
        said.append(say("survey.understood.how.asked_if", when=spec.asked_if.when))
    return say("phrases.comma").join(said)


def _intervals(spec: Column | Derived) -> dict[str, str]:
    """Return the state that the numbers of each interval say."""
    ends = [f"{cut:g} {spec.unit}".strip() for cut in spec.cuts]
    below = say("survey.understood.how.below", high=ends[0])
    between = [
        say("survey.understood.how.between", low=low, high=high)
        for low, high in zip((f"{cut:g}" for cut in spec.cuts), ends[1:], strict=False)
    ]
    above = say("survey.understood.how.from", low=ends[-1])
    return dict(zip((below, *between, above), spec.states, strict=True))


def _some(names: Sequence[str]) -> str:
    """List names, the first of them where they are many; `Understood.to_dict` has them all."""
    if len(names) <= _SHOWN + 1:
        return listed(names)
    others = say("survey.cautions.others", count=len(names) - _SHOWN)
    return listed([*names[:_SHOWN], others])


def _states_of(spec: Column | Derived) -> dict[str, str]:
    """Return the state that each label, or each interval, of a column says; not what is missing."""
    if spec.cuts:
        return {str(interval): state for interval, state in _intervals(spec).items()}
    labels = spec.labels if isinstance(spec, Column) else None
    return {label: state for label, state in (labels or {}).items() if state is not None}


def _labels(spec: Column) -> str:
    if not spec.labels:
        return str(say("survey.understood.how.any_label"))
    if spec.options and all(label == state for label, state in spec.options.items()):
        return str(say("survey.understood.how.states"))
    read = spec.choices or {}
    pairs = [
        say(
            "survey.understood.how.label",
            label=read.get(label, label),
            state=say("survey.cautions.none") if state is None else state,
        )
        for label, state in spec.labels.items()
    ]
    # Labels are often sentences with commas of their own.
    apart = any("," in label for label in (*spec.labels, *read.values()))
    return say("phrases.semicolon" if apart else "phrases.comma").join(pairs)


def _families(read: Survey) -> tuple[Family, ...]:
    graph, book = read.graph, read.codebook
    seen = {name for name, share in read.answered.items() if share > 0}
    built = {book.response_of(name) for name in book.measures}
    built |= {name for name, spec in book.measures.items() if spec.item}
    signs = {
        spec.item
        for name, spec in book.measures.items()
        if spec.item and book.node_of(name) in seen
    }
    found = []
    for each in mechanism_reasons(graph):
        if each.node in built:
            kind = "item"
        elif each.node in seen:
            kind = "observed"
        else:
            kind = "by_items" if each.node in signs else "hidden"
        causes = graph.parents(each.node)
        found.append(
            Family(each.node, causes, kind, each.mechanism, each.decided, each.why, each.priors)
        )
    return tuple(found)


def _design(read: Survey, present: set[str]) -> list[str]:
    book, told = read.codebook, list[str]()
    design = book.design
    if design is not None:
        total = f"{tabulate(read).weights.sum():,.0f}"
        about = {"outcome": design.outcome, "column": design.set or design.person}
        about |= {"sets": f"{len(read.sites):,}", "people": total}
        told.append(say(f"survey.understood.design.{design.kind}", **about))
    if design is not None and design.by_outcome:
        if design.prevalence is None:
            told.append(say("survey.understood.design.no_risks"))
        else:
            share = percent(design.prevalence)
            told.append(say("survey.understood.design.anchored", share=share))
    if design is None or design.kind == "stratified":
        told.append(_weights(read))
    if design is None or design.set is None:  # a set is no site
        told += _sites(read)
    if book.one_row_per is not None and book.one_row_per.column in present:
        one = book.one_row_per
        key = "first_row" if one.keep == "first" else "last_row"
        if one.merge:
            key = "merged" if one.by is None else f"merged_{one.keep}"
        by = say("survey.understood.file_order") if one.by is None else one.by
        told.append(say(f"survey.understood.{key}", column=one.column, by=by))
    return told


def _weights(read: Survey) -> str:
    column = read.codebook.weight
    if read.weights is None:
        key = "unweighted" if column is None else "weight_absent"
        return say(f"survey.understood.{key}", column=column)
    found = tabulate(read)
    effective = found.weights.sum() ** 2 / found.squares.sum()
    return say("survey.understood.weighted", column=column, effective=f"{effective:,.0f}")


def _sites(read: Survey) -> list[str]:
    column = read.codebook.site
    if len(read.sites) > 1:
        key = "sites" if has_intercepts(read.graph) else "sites_alone"
        return [say(f"survey.understood.{key}", column=column, count=len(read.sites))]
    if read.sites:
        return [say("survey.understood.one_site", column=column)]
    return [] if column is None else [say("survey.understood.site_absent", column=column)]
