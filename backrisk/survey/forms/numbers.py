"""The columns of numbers in a draft: their units, ranges, cut points and codes for no answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from backrisk.graph import Node
from backrisk.survey.forms.derivations import BodyMass
from backrisk.survey.forms.fields import Field, Form
from backrisk.survey.forms.matching import cut_points
from backrisk.survey.forms.text import Cells
from backrisk.survey.forms.writing import Writer
from backrisk.survey.schema import MISSING, UNDECIDED
from backrisk.words import choices, listed, say


@dataclass
class Numbers:
    """Writes columns of numbers.

    Parameters
    ----------
    form : Form
    cells : mapping of str to Cells
        By column, where there is a table.
    out : Writer
    """

    form: Form
    cells: Mapping[str, Cells]
    out: Writer

    def codes(self, each: Field) -> list[str]:
        """Return the cells of a column that look like codes for no answer."""
        own = (*MISSING, *(self.form.own.get("missing") or ()), *each.own.get("missing", ()))
        return [code for code in self.form.missing.get(each.name, ()) if code not in own]

    def missing(self, each: Field) -> None:
        """Write the codes of a column for no answer, and ask whether they are."""
        if codes := self.codes(each):
            self.out.put(2, "missing", codes, say("survey.forms.missing", codes=listed(codes)))

    def input(self, each: Field, of: BodyMass) -> None:
        """Write an input that is a number in a unit."""
        out = self.out
        out.put(1, each.name)
        out.put(2, "role", "input")
        if each.question:
            out.put(2, "question", each.question)
        out.put(2, "type", "number")
        known, units = of.unit(each)
        seen = self.seen(each)
        ask = say("survey.forms.unit", units=units, seen=between(seen))
        out.put(2, "unit", known or UNDECIDED, "" if known else ask)
        self.range(each, seen)
        self.missing(each)

    def measure(self, each: Field, node: Node) -> None:
        """Write how the numbers of a column say the states of a node."""
        out = self.out
        out.put(2, "type", "number")
        seen = self.seen(each)
        if each.unit:
            out.put(2, "unit", each.unit)
        elif each.units:
            ask = say("survey.forms.unit", units=choices(each.units), seen=between(seen))
            out.put(2, "unit", UNDECIDED, ask)
        self.range(each, seen)
        self.missing(each)
        found = cut_points(node)
        states = quoted(node.states)
        if found is None:
            blank = [UNDECIDED] * (len(node.states) - 1)
            about = {"count": len(blank), "states": states, "seen": between(seen)}
            out.put(2, "cuts", blank, say("survey.forms.cuts", **about))
            out.put(2, "states", list(node.states), say("survey.forms.order"))
        else:
            cuts, sure = found
            told = "" if sure else say("survey.forms.cut_from_name", states=states)
            out.put(2, "cuts", cuts, told)

    def seen(self, each: Field) -> list[float]:
        """Return the numbers of a column in the table, without codes for no answer."""
        cells, codes = self.cells.get(each.name), self.form.missing.get(each.name, ())
        numbers = cells.numbers if cells else {}
        return [number for text, number in numbers.items() if text not in codes]

    def range(self, each: Field, seen: Sequence[float]) -> None:
        """Write between which numbers a column lies: as its form says, else as in the table."""
        out = self.out
        if each.low is not None or each.high is not None:
            low, high = each.ends
            beyond = [number for number in seen if not low <= number <= high]
            out.put(2, "range", [low, high])
            if beyond:
                ask = say("survey.forms.outside", count=len(beyond), example=f"{beyond[0]:g}")
                out.put(2, "outside", "missing", ask)
        elif seen and not (each.form or each.units) and min(seen) < max(seen):
            out.put(2, "range", [min(seen), max(seen)], say("survey.forms.seen_range"))


def between(seen: Sequence[float]) -> str:
    """Say between which numbers those of a column lie."""
    if not seen:
        return ""
    return say("survey.forms.seen", low=f"{min(seen):g}", high=f"{max(seen):g}")


def quoted(texts: Iterable[str]) -> str:
    """List texts in quotation marks."""
    return listed([say("phrases.quoted", text=text) for text in texts])
