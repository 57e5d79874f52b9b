"""The rows of a table over time as codes, before those of one slice become one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey.branching import NotAsked, columns_of, gated
from backrisk.survey.cells import Flags, Places
from backrisk.survey.checks import header_problems
from backrisk.survey.codebook import Codebook
from backrisk.survey.coder import Coder, quotient
from backrisk.survey.combining import constant_names
from backrisk.survey.engine import demand_weights, encode_table
from backrisk.survey.mismatches import refusal
from backrisk.survey.panel_rows import Rows, filled
from backrisk.survey.readers import Source
from backrisk.survey.schema import Derived, Visits
from backrisk.words import Said, say


@dataclass(frozen=True, eq=False)
class Coded:
    """The rows of a table as codes.

    Parameters
    ----------
    codes : ndarray of int8, shape (rows, nodes)
    numbers : dict of str to ndarray of float, shape (rows,)
        Of the measures whose numbers are combined.
    held : frozenset of str
        The columns and derived values that are constant.
    visits : ndarray of bool, shape (rows,)
    once : ndarray of bool, shape (rows, nodes)
        Whether a row has a state of each node that a person has one of at a time.
    order : ndarray of int, shape (rows,)
        The rows in the order of their times; first those without.
    weights, site : ndarray, shape (people,), optional
    sites : tuple of str
    not_asked : NotAsked
    cautions : tuple of Said
    """

    codes: NDArray[np.int8]
    numbers: dict[str, NDArray[np.float64]]
    held: frozenset[str]
    visits: Flags
    once: Flags
    order: Places
    weights: NDArray[np.float64] | None
    site: NDArray[np.intp] | None
    sites: tuple[str, ...]
    not_asked: NotAsked
    cautions: tuple[Said, ...]


def coded_rows(rows: Rows, book: Codebook, graph: CausalGraph, panel: Visits) -> Coded:
    """Give each row of a table its codes, refusing every cell, person and time that is wrong.

    Parameters
    ----------
    rows : Rows
    book : Codebook
    graph : CausalGraph
        Extended by the codebook's items.
    panel : Visits
    """
    source, coder = rows.source, Coder(rows.source, book)
    held = constant_names(book, graph)
    order = np.lexsort((np.arange(len(rows.who)), np.nan_to_num(rows.times, nan=-np.inf)))
    roles = [name for name in (book.site, book.weight) if name in coder.fields]
    # What other columns rest on has to stand in each row.
    rested = {column for name in gated(book) for column in columns_of(book, name)}
    rested |= {column for spec in book.derived.values() for column in spec.from_}
    constant = [name for name in book.columns if name in held & rested & coder.fields.keys()]
    rules = {name: panel.rule_of(name, True) for name in constant}
    rules = {name: rule for name, rule in rules.items() if rule in ("first", "last")}
    whole = filled(rows, coder, {**rules, **dict.fromkeys(map(str, roles), "last")}, order)
    coded = encode_table(whole.source, book, graph)
    if not coded.rows:
        raise SurveyError(say("survey.panel.no_rows", source=source.name))
    held_codes = pq.read_table(coded.path)
    words = [held_codes[word].to_numpy() for word in coded.words]
    codes = coded.packed_codes(words, len(graph.names))
    each = np.ones(len(codes), np.int64)
    not_asked = NotAsked.of(coded.gates, codes, each, graph.names)
    for gate in coded.gates:
        codes[:, gate.node] = gate.settled(codes[:, gate.node])
    answers = np.ascontiguousarray(codes[:, :-1], dtype=np.int8)
    places = {name: graph.names.index(book.node_of(name)) for name in book.measures}
    changing = [name for name in places if name not in held]
    # What follows where a question was not asked, nobody said.
    unasked = {n: not_asked.rows.get(n, np.zeros(len(answers), bool)) for n in changing}
    said = [(answers[:, places[name]] >= 0) & ~unasked[name] for name in changing]
    visits = np.any(said, axis=0) if said else np.zeros(len(answers), bool)
    # A sum is meant to be of several: two sessions of a day are no copies.
    single = [places[name] for name in changing if panel.rule_of(name, False) != "sum"]
    told: list[tuple[int, Said]] = [*rows.problems, *rows.untimed(visits, str(panel.time))]
    for name in (name for name in roles if name in whole.differing):
        one, other = rows.called(whole.pairs[str(name)])
        role = "weight" if name == book.weight else "site"
        about = {"source": source.name, "column": name, "count": whole.differing[str(name)]}
        place = int(rows.records[whole.pairs[str(name)][0]])
        told.append((place, say(f"survey.panel.two.{role}", **about, row=one, other=other)))
    header = header_problems(source.columns, book, source.name)
    if header or told or coded.refused:
        listed = [said for _, said in sorted(told, key=lambda each: each[0])]
        raise refusal(whole.source, book, [*header, *listed], coded.refused, coded.cells)
    _, first = np.unique(rows.who, return_index=True)
    weights = held_codes["weight"].to_numpy()[first] if book.weight in coder.fields else None
    if weights is not None:
        demand_weights(weights, None, source.name, str(book.weight))
    return Coded(
        answers,
        _numbers(whole.source, book, panel, held),
        held,
        visits,
        answers[:, single] >= 0,
        order,
        weights,
        codes[first, -1].astype(np.intp) if coded.sites else None,
        coded.sites,
        not_asked,
        tuple(
            say("survey.panel.changing", column=name, count=whole.differing[name])
            for name in rules
            if name in whole.differing
        ),
    )


def _numbers(
    source: Source, book: Codebook, panel: Visits, held: frozenset[str]
) -> dict[str, NDArray[np.float64]]:
    """Return the numbers that are combined before they are cut, by column or derived value."""
    coder = Coder(source, book)
    wanted = {
        name: spec.from_ if isinstance(spec, Derived) else (name,)
        for name, spec in book.measures.items()
        if panel.rule_of(name, name in held) in ("mean", "sum")
    }
    wanted = {n: inputs for n, inputs in wanted.items() if coder.fields.keys() >= set(inputs)}
    parts: dict[str, list[NDArray[np.float64]]] = {name: [] for name in wanted}
    for batch, _ in coder.batches() if wanted else ():
        for name, inputs in wanted.items():
            numbers = [coder.number(batch, each) for each in inputs]
            spec = book.derived.get(name)
            derived = None if spec is None else quotient(numbers[0], numbers[1], spec)
            parts[name].append(numbers[0] if derived is None else derived)
    return {name: np.concatenate(found) for name, found in parts.items()}
