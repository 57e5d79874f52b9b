"""Codebooks drafted from a table, and from what the tool that made it says of its columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from backrisk._arguments import checked
from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph, Node, load_graph
from backrisk.survey.answers import Frame
from backrisk.survey.forms import columns, redcap, tools
from backrisk.survey.forms.conditions import Conditions
from backrisk.survey.forms.derivations import (
    Boxes,
    body_mass,
    boxes,
    ticked,
    unread_boxes,
)
from backrisk.survey.forms.fields import Field, Form
from backrisk.survey.forms.matching import Match, cut_points, matches, states_said
from backrisk.survey.forms.numbers import Numbers, quoted
from backrisk.survey.forms.text import Cells, Table, read_table
from backrisk.survey.forms.writing import Writer, flow
from backrisk.survey.logic import parse
from backrisk.survey.schema import MISSING, UNDECIDED
from backrisk.survey.selection import EVENT, asked
from backrisk.words import listed, names_of, say

Tool = Literal["qualtrics", "limesurvey", "google"]
_LISTED = 400  # columns that are not read and are still shown


@dataclass(frozen=True)
class Draft:
    """The text of a codebook, as far as names alone tell what a table's columns measure.

    Parameters
    ----------
    text : str
        A YAML file. Where a line ends in ``# decide:``, a person has to see to it: a ``"?"`` must
        be replaced before the codebook can be loaded, everything else may stay.
    decide : tuple of str
        What the marked lines ask, in their order.
    read : tuple of str
        The columns that measure a node in the draft.
    unread : tuple of str
        The other columns.
    """

    text: str
    decide: tuple[str, ...]
    read: tuple[str, ...]
    unread: tuple[str, ...]

    def __str__(self) -> str:
        """Return the text."""
        return self.text


@checked()
def draft_codebook(
    table: str | Path | Frame | None = None,
    graph: CausalGraph | str | Path = "runner",
    *,
    dictionary: str | Path | None = None,
    tool: Tool | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
) -> Draft:
    r"""Draft a codebook for a table, or for the exports of a REDCap project.

    A column is proposed for a node where its name, its question or its labels say so, and no
    column for two nodes. Everything else in the file is not read (``ignore: rest``).

    Parameters
    ----------
    table : str, Path or frame, optional
        Any table that `read_survey` reads. May be left out where `dictionary` is given;
        with it, events, repeated pages and codes for missing data are seen too.
    graph : CausalGraph, str or Path
        The graph, the name of a packaged one, or the path of a YAML file.
    dictionary : str or Path, optional
        The data dictionary of the REDCap project that the table was exported from, with codes or
        with labels: the codebook reads both.
    tool : {"qualtrics", "limesurvey", "google"}, optional
        What else wrote the table.
    encoding, delimiter, decimal : str, optional
        How a text file is to be read, as `read_survey` takes them.

    Returns
    -------
    Draft

    Raises
    ------
    SurveyError
        A file cannot be read or is not what it was said to be; neither file is given.
    GraphError
        There is no such graph.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from backrisk import CausalGraph, draft_codebook
    >>> path = Path(tempfile.mkdtemp()) / "answers.csv"
    >>> _ = path.write_text("id,age_years,smokes\n1,34,no\n2,61,yes\n3,47,no\n")
    >>> states = {"age": ["under_40", "40_plus"], "smoker": ["no", "yes"]}
    >>> draft = draft_codebook(path, CausalGraph.from_edges([("age", "smoker")], states))
    >>> draft.read, draft.unread
    (('age_years',), ('id', 'smokes'))
    """
    chosen = graph if isinstance(graph, CausalGraph) else load_graph(graph)
    reading: dict[str, Any] = {"encoding": encoding, "delimiter": delimiter, "decimal": decimal}
    if dictionary is not None:
        if tool is not None:
            raise SurveyError(say("survey.forms.one_tool"))
        export: Table | None = None if table is None else read_table(table, **reading)
        form = redcap.form_of(dictionary, export)
    elif table is None:
        raise SurveyError(say("survey.forms.no_table"))
    else:
        export, form = tools.form_of(table, tool, **reading)
    sources = [] if dictionary is None else [Path(dictionary).name]
    sources += [] if export is None else [export.name]
    return _Drafting(form, export, chosen).draft(sources)


class _Drafting:
    """One draft under way."""

    def __init__(self, form: Form, export: Table | None, graph: CausalGraph) -> None:
        self.form, self.graph, self.names = form, graph, names_of(graph)
        self.out = Writer()
        self.cells = _cells(form, export)
        self.numbers = Numbers(form, self.cells, self.out)
        self.asked = Conditions(form)
        self.by_name = self.asked.by_name
        free = [each for each in form.fields if not each.own and each.name not in form.empty]
        taken = {str(each.own.get("node")) for each in form.fields}
        self.matches = _matched(free, graph, taken)
        self.events: tuple[str, ...] = ()
        if form.events:
            every = [each for each in form.fields if not each.own]
            more = _matched(every, graph, taken)
            if {match.node for match in more.values()} > {m.node for m in self.matches.values()}:
                self.matches, self.events, free = more, form.events, every
        taken |= {match.node for match in self.matches.values()}
        self.boxes = [] if form.own else boxes(free, self.matches, graph)
        for boxed in self.boxes:
            for box in boxed.fields:
                self.matches.pop(box.name, None)
        self.body_mass = None if form.own else body_mass(free, taken, graph)
        self.inputs_of: set[str] = {box.name for each in self.boxes for box in each.fields}
        if self.body_mass is not None:
            self.inputs_of |= {each.name for each in self.body_mass.fields}
            for each in self.body_mass.fields:
                self.matches.pop(each.name, None)

    def draft(self, sources: Sequence[str]) -> Draft:
        """Write all of it."""
        form, out = self.form, self.out
        own = {key: value for key, value in form.own.items() if key not in ("columns", "derived")}
        out.put(0, "graph", own.pop("graph", self.graph.name))
        missing = own.pop("missing", None)
        for key, value in own.items():
            if key not in ("ignore", "rows", "one_row_per"):
                out.put(0, key, value)
        self._missing(missing)
        self._rows(own)
        inputs = self._inputs()
        measured = [each for each in form.fields if self._reads(each)]
        out.put(0, "columns", ... if measured or inputs else {}, "" if measured else say(
            "survey.forms.no_match", graph=self.graph.name))  # fmt: skip
        for each in inputs:
            self._input(each)
        for each in form.fields:
            if each in measured:
                self._column(each)
            elif each.name in self.needed:
                self._input(each)
        self._derived()
        out.put(0, "ignore", "rest")
        read = tuple(
            each.name
            for each in form.fields
            if each.name in self.inputs_of or (each in measured and each.own.get("role") != "input")
        )
        left = [each for each in form.fields if each.name not in read]
        self._left(left)
        head = Writer()
        head.note(say("survey.forms.head", sources=listed(sources)))
        if (outcome := self.graph.outcome) in self.without:
            states = listed(self.graph.node(str(outcome)).states)
            told = {"node": outcome, "human": self.names.node(str(outcome)), "states": states}
            head.note(say("survey.forms.no_outcome", **told))
        if out.decide:
            head.note(say("survey.forms.head_decide"))
        return Draft(
            head.text + out.text, tuple(out.decide), read, tuple(each.name for each in left)
        )

    def _reads(self, each: Field) -> bool:
        return bool(each.own) or each.name in self.matches

    def _missing(self, own: Sequence[str] | None) -> None:
        read = (each for each in self.form.fields if self._reads(each))
        answers = {code for each in read for code in each.choices}
        words = [word for word in MISSING if word not in answers]
        if own is not None:
            self.out.put(0, "missing", list(own))
        elif len(words) < len(MISSING):
            self.out.put(0, "missing", words)

    def _rows(self, own: Mapping[str, Any]) -> None:
        form, out = self.form, self.out
        if form.rows:
            out.put(0, "rows")
            for column, cells in form.rows.items():
                told = form.row_choices.get(column, "")
                merged = bool(self.events) and column == EVENT
                ask = say(f"survey.forms.{'events' if merged else 'rows'}", cells=told)
                read = self.events if merged else cells
                out.put(1, column, list(read), ask if told else "", say("survey.forms.once"))
        if "one_row_per" in own:
            out.put(0, "one_row_per", own["one_row_per"])
        elif self.events:
            out.put(0, "one_row_per", {"column": self.person, "merge": True})
        elif form.person:
            rule = {"column": form.person}
            rule |= {"by": form.order} if form.order else {}
            out.put(0, "one_row_per", {**rule, "keep": "first"})

    def _inputs(self) -> list[Field]:
        """Return the columns about the file that others need, in the order of the form."""
        self.conditions = {
            each.name: self.asked.of(each) for each in self.form.fields if self._reads(each)
        }
        self.needed: set[str] = {*self.form.rows, self.form.person, self.form.order} - {""}
        self.needed |= self.inputs_of | ({self.person} if self.events else set())
        waiting = [when for when, _ in self.conditions.values() if when]
        waiting += [when for each in self.boxes if (when := self.asked.of(each.fields[0])[0])]
        while waiting:
            for name in parse(waiting.pop()).columns:
                if name in self.by_name and name not in self.needed:
                    self.needed.add(name)
                    if when := self.asked.of(self.by_name[name])[0]:
                        waiting.append(when)
        # A header of questions says a repeated one as often as there are columns of it: all are
        # listed, or none could be told from another.
        read = {*self.needed, *self.matches} & set(self.by_name)
        counts = Counter(asked(each.question) for each in self.by_name.values() if each.question)
        shared = {asked(self.by_name[name].question) for name in read}
        self.needed |= {
            each.name
            for each in self.by_name.values()
            if asked(each.question) in shared and counts[asked(each.question)] > 1
        }
        return [each for each in self.form.inputs if each.name in self.needed]

    @property
    def person(self) -> str:
        """The column that names a person."""
        return self.form.person or self.form.fields[0].name

    def _input(self, each: Field) -> None:
        if self.body_mass is not None and each in self.body_mass.fields:
            self.numbers.input(each, self.body_mass)
            return
        spec: dict[str, object] = {"role": "input", "type": "text"}
        boxed = each.name in self.inputs_of  # then what is derived of it says when it was asked
        if not boxed and (when := self.conditions.get(each.name, self.asked.of(each))[0]):
            spec["asked_if"] = {"when": when}
        if each.question:
            spec["question"] = each.question
        if each.choices and dict(each.choices) != {code: code for code in each.choices}:
            spec["choices"] = dict(each.choices)
        self.out.put(1, each.name, spec)

    def _derived(self) -> None:
        """Write what is computed from several columns."""
        out, own = self.out, self.form.own.get("derived") or {}
        if own or self.boxes or self.body_mass is not None:
            out.put(0, "derived")
        for name, spec in own.items():
            out.put(1, name, spec)
        if (mass := self.body_mass) is not None:
            out.put(1, self._free("body_mass_index"))
            ask = say("survey.forms.likely", node=self.names.node(mass.node.name),
                      column=listed([each.name for each in mass.fields]))  # fmt: skip
            out.put(2, "node", mass.node.name, ask)
            out.put(2, "derive", "bmi")
            out.put(2, "from", [each.name for each in mass.fields])
            found = cut_points(mass.node)
            states = quoted(mass.node.states)
            if found is not None:
                told = "" if found[1] else say("survey.forms.cut_from_name", states=states)
                out.put(2, "cuts", found[0], told)
            else:
                blank = [UNDECIDED] * (len(mass.node.states) - 1)
                ask = say("survey.forms.cuts", count=len(blank), states=states, seen="")
                out.put(2, "cuts", blank, ask)
                out.put(2, "states", list(mass.node.states), say("survey.forms.order"))
        for each in self.boxes:
            self._ticked(each)

    def _ticked(self, each: Boxes) -> None:
        """Write what the boxes of a question say together."""
        out, names = self.out, [box.name for box in each.fields]
        node = self.graph.node(each.node)
        out.put(1, self._free(each.fields[0].group))
        asked_of = each.fields[0].asks or each.fields[0].group
        ask = say("survey.forms.likely", node=self.names.node(node.name), column=asked_of)
        out.put(2, "node", node.name, ask)
        out.put(2, "derive", "first_match")
        out.put(2, "from", names)
        told = {"boxes": quoted(box.box for box in each.fields), "states": _either(node)}
        out.put(2, "rules", [ticked(each.fields)], say("survey.forms.ticked", **told))
        out.put(2, "otherwise", UNDECIDED, say("survey.forms.not_ticked", **told))
        if when := self.asked.of(each.fields[0])[0]:
            out.put(2, "asked_if", {"when": when}, note=say("survey.forms.opened"))

    def _free(self, name: str) -> str:
        """Return a name for a derived value that no column has."""
        while name in self.by_name or not name:
            name += "_derived"
        return name

    def _column(self, each: Field) -> None:
        out = self.out
        out.put(1, each.name)
        if each.own:
            self._own(each)
            return
        match = self.matches[each.name]
        node = self.graph.node(match.node)
        self._node(each, match, node)
        if each.question:
            out.put(2, "question", each.question)
        numbers = each.kind == "number" and not each.choices
        if numbers:
            self.numbers.measure(each, node)
        else:
            self._labels(each, node)
        when, problem = self.conditions[each.name]
        if problem:
            out.ask(say("survey.forms.condition_not_read", when=each.asked_if, why=problem))
        if when:
            out.put(2, "asked_if")
            if each.asked_if and when == each.asked_if:
                out.put(3, "when", when)
                ask = say("survey.forms.unasked", states=_either(node))
                out.put(3, "else", UNDECIDED, ask)
            else:
                out.put(3, "when", when, note=say("survey.forms.opened"))

    def _node(self, each: Field, match: Match, node: Node) -> None:
        human = self.names.node(match.node)
        ask = "" if match.sure else say("survey.forms.likely", node=human, column=each.name)
        self.out.put(2, "node", match.node, ask)

    def _labels(self, each: Field, node: Node) -> None:
        out = self.out
        labels = self._known_labels(each)
        if any(code != label for code, label in each.choices.items()):
            out.put(2, "choices", dict(each.choices))
        said = states_said(labels, node, self.graph)
        if each.choices == redcap.TICKED:
            said = states_said(redcap.YES_NO, node, self.graph)
        out.put(2, "labels")
        for code, state in said.items():
            label = labels[code]
            ask: str = ""
            if state == UNDECIDED:
                options = _either(node)
                key = "label" if code in each.choices else "stray_label"
                ask = say(f"survey.forms.{key}", label=label, states=options)
            out.put(3, code, state, ask)
        for code in self.numbers.codes(each):
            if code not in said:
                out.put(3, code, None, say("survey.forms.missing", codes=code))

    def _known_labels(self, each: Field) -> dict[str, str]:
        """Return the label of each code of the form, and of each that only the table has."""
        labels = dict(each.choices)
        cells = self.cells.get(each.name)
        known = {*map(str.casefold, labels), *map(str.casefold, labels.values())}
        for text in cells.counts if cells else ():
            codes = self.form.missing.get(each.name, ())
            if text.casefold() not in known and text not in (*codes, *MISSING):
                labels[text] = text
                known.add(text.casefold())
        return labels

    def _own(self, each: Field) -> None:
        """Write the keys of the codebook that the form was made from, and what the form says."""
        for key, value in columns.merged(each).items():
            stray = isinstance(value, Mapping) and UNDECIDED in value.values()
            self.out.put(2, key, value, say("survey.forms.new_choices") if stray else "")
        self.numbers.missing(each)

    @property
    def without(self) -> list[str]:
        """The nodes that nothing in the draft measures."""
        measured = {match.node for match in self.matches.values()}
        measured |= {each.node for each in self.boxes}
        measured |= set() if self.body_mass is None else {self.body_mass.node.name}
        derived = (self.form.own.get("derived") or {}).values()
        for own in (*(each.own for each in self.form.fields), *derived):
            measured |= {str(own.get(key)) for key in ("node", "item")}
        return [node.name for node in self.graph.nodes if node.name not in measured]

    def _left(self, left: Sequence[Field]) -> None:
        out = self.out
        if self.without and not self.form.own:
            out.note("")
            out.note(say("survey.forms.without"))
            for name in self.without:
                states = listed(self.graph.node(name).states)
                out.note(say("survey.forms.without_node", node=name, states=states))
        readable = [each for each in left if each.kind in ("choice", "number")]
        if not readable or self.form.own:
            return
        out.note("")
        out.note(say("survey.forms.left"))
        empty = set() if self.events else self.form.empty
        for each in readable[:_LISTED]:
            why = f"  # {say('survey.forms.empty')}" if each.name in empty else ""
            out.lines.append(f"#  {flow({each.name: self._stanza(each)})[1:-1]}{why}")
        if len(readable) > _LISTED:
            out.note(say("survey.forms.more_left", count=len(readable) - _LISTED))
        own = {each.fields[0].group for each in self.boxes}
        groups = {
            self._free(group): spec
            for group, spec in unread_boxes(readable[:_LISTED]).items()
            if group not in own
        }
        if groups:
            out.note("")
            out.note(say("survey.forms.left_boxes"))
            out.lines += [f"#  {flow({name: spec})[1:-1]}" for name, spec in groups.items()]

    def _stanza(self, each: Field) -> dict[str, object]:
        spec: dict[str, object] = {"node": UNDECIDED}
        if each.question:
            spec["question"] = each.question
        if each.kind == "number":
            unit = each.unit or (UNDECIDED if each.units else "")
            spec |= {"type": "number"} | ({"unit": unit} if unit else {})
            if codes := self.numbers.codes(each):
                spec["missing"] = codes
            spec |= {"cuts": [UNDECIDED], "states": [UNDECIDED, UNDECIDED]}
        else:
            if any(code != label for code, label in each.choices.items()):
                spec["choices"] = dict(each.choices)
            labels: dict[str, str | None] = dict.fromkeys(self._known_labels(each), UNDECIDED)
            spec["labels"] = labels | dict.fromkeys(self.numbers.codes(each), None)
        if when := self.asked.of(each)[0]:
            otherwise = {"else": UNDECIDED} if when == each.asked_if else {}
            spec["asked_if"] = {"when": when, **otherwise}
        return spec


def _matched(free: Sequence[Field], graph: CausalGraph, taken: Set[str]) -> dict[str, Match]:
    found = matches(free, graph).items()
    return {name: match for name, match in found if match.node not in taken}


def _either(node: Node) -> str:
    """Say which states there are, and that there may be no answer."""
    states = say("survey.forms.comma").join(f"'{state}'" for state in node.states)
    return say("survey.forms.either", first=states, last=say("survey.forms.nothing"))


def _cells(form: Form, export: Table | None) -> dict[str, Cells]:
    if export is None:
        return {}
    names = redcap.names_of_header(export.header, form.fields, form.inputs)
    return dict(zip(names, export.columns, strict=True))
