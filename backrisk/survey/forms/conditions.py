"""When the questions of a form are asked, as far as a codebook can say it."""

from __future__ import annotations

from backrisk.survey.forms.fields import Field, Form
from backrisk.survey.logic import parse
from backrisk.words import listed, say


class Conditions:
    """The conditions of a form's questions.

    Parameters
    ----------
    form : Form

    Attributes
    ----------
    by_name : dict of str to Field
        All columns that a condition may rest on.
    """

    def __init__(self, form: Form) -> None:
        self.form = form
        self.by_name = {each.name: each for each in (*form.inputs, *form.fields)}

    def of(self, each: Field) -> tuple[str, str]:
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
