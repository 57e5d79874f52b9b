"""Codebooks drafted from a table, and from what the tool that made it says of its columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from backrisk._arguments import checked
from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph, Node, load_graph
from backrisk.survey.answers import Frame
from backrisk.survey.forms import columns, redcap, tools
from backrisk.survey.forms.fields import Field, Form
from backrisk.survey.forms.matching import (
    Match,
    cut_points,
    matches,
    states_said,
)
from backrisk.survey.forms.text import Cells, Table, read_table
from backrisk.survey.forms.writing import Writer, flow
from backrisk.survey.logic import parse
from backrisk.survey.schema import MISSING, UNDECIDED
from backrisk.survey.selection import asked
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
        self.by_name = {each.name: each for each in (*form.inputs, *form.fields)}
        free = [each for each in form.fields if not each.own and each.name not in form.empty]
        taken = {str(each.own.get("node")) for each in form.fields}
        self.matches = {
            name: match for name, match in matches(free, graph).items() if match.node not in taken
        }

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
        if form.own.get("derived"):
            out.put(0, "derived")
            for name, spec in form.own["derived"].items():
                out.put(1, name, spec)
        out.put(0, "ignore", "rest")
        read = tuple(each.name for each in measured if each.own.get("role") != "input")
        left = [each for each in form.fields if each.name not in read]
        self._left(left)
        head = Writer()
        head.note(say("survey.forms.head", sources=listed(sources)))
        if out.decide:
            head.note(say("survey.forms.head_decide"))
        return Draft(
            head.text + out.text, tuple(out.decide), read, tuple(each.name for each in left)
        )

    def _reads(self, each: Field) -> bool:
        return bool(each.own) or each.name in self.matches

    def _missing(self, own: Sequence[str] | None) -> None:
        codes = [code for code in self.form.missing if code not in MISSING]
        answers = {code for each in self.form.fields if self._reads(each) for code in each.choices}
        words = [word for word in MISSING if word not in answers]
        if own is not None:
            self.out.put(0, "missing", [*own, *(code for code in codes if code not in own)])
        elif codes:
            ask = say("survey.forms.missing", codes=listed(codes))
            self.out.put(0, "missing", [*words, *codes], ask)
        elif len(words) < len(MISSING):
            self.out.put(0, "missing", words)

    def _rows(self, own: Mapping[str, Any]) -> None:
        form, out = self.form, self.out
        if form.rows:
            out.put(0, "rows")
            for column, cells in form.rows.items():
                told = form.row_choices.get(column, "")
                ask = say("survey.forms.rows", cells=told) if told else ""
                out.put(1, column, list(cells), ask, say("survey.forms.once"))
        if "one_row_per" in own:
            out.put(0, "one_row_per", own["one_row_per"])
        elif form.person:
            rule = {"column": form.person}
            rule |= {"by": form.order} if form.order else {}
            out.put(0, "one_row_per", {**rule, "keep": "first"})

    def _inputs(self) -> list[Field]:
        """Return the columns about the file that others need, in the order of the form."""
        self.conditions = {
            each.name: self._condition(each) for each in self.form.fields if self._reads(each)
        }
        self.needed: set[str] = {*self.form.rows, self.form.person, self.form.order} - {""}
        waiting = [when for when, _ in self.conditions.values() if when]
        while waiting:
            for name in parse(waiting.pop()).columns:
                if name in self.by_name and name not in self.needed:
                    self.needed.add(name)
                    if when := self._condition(self.by_name[name])[0]:
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

    def _condition(self, each: Field) -> tuple[str, str]:
        """Return when a question is asked, and what of it cannot be read."""
        if "asked_if" in each.own:
            return "", ""
        when = each.asked_if
        if when:
            try:
                unknown = [name for name in parse(when).columns if name not in self.by_name]
            except ValueError as error:
                return "", str(error.args[0])
            if unknown:
                return "", say("survey.forms.unknown_in_condition", names=listed(unknown))
            if each.name in self._decides(each):
                return "", say("survey.forms.circle")
        if each.box and (status := self._status(each)):
            opened = f"[{status}] <> '' and [{status}] <> '0'"
            return (f"({when}) and {opened}" if when else opened), ""
        return when, ""

    def _decides(self, each: Field) -> set[str]:
        """Return all fields on which it rests whether one is asked, as far as that can be read."""
        found: set[str] = set()
        waiting = [each.asked_if]
        while waiting:
            try:
                names = parse(waiting.pop()).columns
            except ValueError:
                continue
            for name in set(names) & set(self.by_name) - found:
                found.add(name)
                waiting.append(self.by_name[name].asked_if)
        return found

    def _status(self, each: Field) -> str | None:
        found = (other.name for other in self.form.inputs if other.form == each.form)
        return next(found, None) if each.form else None

    def _input(self, each: Field) -> None:
        spec: dict[str, object] = {"role": "input", "type": "text"}
        if when := self.conditions.get(each.name, self._condition(each))[0]:
            spec["asked_if"] = {"when": when}
        if each.question:
            spec["question"] = each.question
        if each.choices and dict(each.choices) != {code: code for code in each.choices}:
            spec["choices"] = dict(each.choices)
        self.out.put(1, each.name, spec)

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
            self._number(each, node)
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

    def _number(self, each: Field, node: Node) -> None:
        out, cells = self.out, self.cells.get(each.name)
        out.put(2, "type", "number")
        seen = [
            number
            for text, number in (cells.numbers if cells else {}).items()
            if text not in self.form.missing
        ]
        between = (
            say("survey.forms.seen", low=f"{min(seen):g}", high=f"{max(seen):g}") if seen else ""
        )
        if each.low is not None or each.high is not None:
            low, high = each.ends
            beyond = [number for number in seen if not low <= number <= high]
            out.put(2, "range", [low, high])
            if beyond:
                ask = say("survey.forms.outside", count=len(beyond), example=f"{beyond[0]:g}")
                out.put(2, "outside", "missing", ask)
        elif seen and not each.form and min(seen) < max(seen):
            out.put(2, "range", [min(seen), max(seen)], say("survey.forms.seen_range"))
        found = cut_points(node)
        states = listed([f"'{state}'" for state in node.states])
        if found is None:
            blank = [UNDECIDED] * (len(node.states) - 1)
            ask = say("survey.forms.cuts", count=len(blank), states=states, seen=between)
            out.put(2, "cuts", blank, ask)
            out.put(2, "states", list(node.states), say("survey.forms.order"))
        else:
            cuts, sure = found
            told = "" if sure else say("survey.forms.cut_from_name", states=states)
            out.put(2, "cuts", cuts, told)

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

    def _known_labels(self, each: Field) -> dict[str, str]:
        """Return the label of each code of the form, and of each that only the table has."""
        labels = dict(each.choices)
        cells = self.cells.get(each.name)
        known = {*map(str.casefold, labels), *map(str.casefold, labels.values())}
        for text in cells.counts if cells else ():
            if text.casefold() not in known and text not in (*self.form.missing, *MISSING):
                labels[text] = text
        return labels

    def _own(self, each: Field) -> None:
        """Write the keys of the codebook that the form was made from, and what the form says."""
        for key, value in columns.merged(each).items():
            stray = isinstance(value, Mapping) and UNDECIDED in value.values()
            self.out.put(2, key, value, say("survey.forms.new_choices") if stray else "")

    def _left(self, left: Sequence[Field]) -> None:
        out = self.out
        measured = {match.node for match in self.matches.values()}
        for each in self.form.fields:
            measured |= {str(each.own.get(key)) for key in ("node", "item")}
        without = [node.name for node in self.graph.nodes if node.name not in measured]
        if without and not self.form.own:
            out.note("")
            out.note(say("survey.forms.without", nodes=listed(without)))
        readable = [each for each in left if each.kind in ("choice", "number")]
        if readable and not self.form.own:
            out.note("")
            out.note(say("survey.forms.left"))
            for each in readable[:_LISTED]:
                why = f"  # {say('survey.forms.empty')}" if each.name in self.form.empty else ""
                out.lines.append(f"#  {flow({each.name: self._stanza(each)})[1:-1]}{why}")
            if len(readable) > _LISTED:
                out.note(say("survey.forms.more_left", count=len(readable) - _LISTED))

    def _stanza(self, each: Field) -> dict[str, object]:
        spec: dict[str, object] = {"node": UNDECIDED}
        if each.question:
            spec["question"] = each.question
        if each.kind == "number":
            spec |= {"type": "number", "cuts": [UNDECIDED]}
        else:
            if any(code != label for code, label in each.choices.items()):
                spec["choices"] = dict(each.choices)
            spec["labels"] = dict.fromkeys(self._known_labels(each), UNDECIDED)
        return spec


def _either(node: Node) -> str:
    """Say which states there are, and that there may be no answer."""
    states = say("survey.forms.comma").join(f"'{state}'" for state in node.states)
    return say("survey.forms.either", first=states, last=say("survey.forms.nothing"))


def _cells(form: Form, export: Table | None) -> dict[str, Cells]:
    if export is None:
        return {}
    names = redcap.names_of_header(export.header, form.fields, form.inputs)
    return dict(zip(names, export.columns, strict=True))
