"""What is wrong with the header and the cells of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from backrisk._spelling import no_answer, number_of, spell
from backrisk.survey import design
from backrisk.survey.branching import columns_of
from backrisk.survey.cautions import PLAIN
from backrisk.survey.schema import Column, Contents
from backrisk.survey.site_names import AVERAGE, NEW, reserved
from backrisk.words import Said, say, suggest

TEXT = Column(role="input", type="text")


@dataclass(frozen=True)
class RefusedCell:
    """A cell that the codebook refuses.

    Parameters
    ----------
    row : int
        As people count: the line of a text file, the row of a sheet, the index of a frame, else
        the position of the record.
    column, value, expected : str
    file : str
        Where several files are one table, the one that the row is from.
    """

    row: int
    column: str
    value: str
    expected: str
    file: str = ""

    def sentence(self, source: str) -> Said:
        """Return the problem as a sentence about a table."""
        return say(
            "survey.table.cell",
            source=self.file or source,
            row=self.row,
            column=self.column,
            value=self.value,
            expected=self.expected,
        )


def header_problems(names: Sequence[str], codebook: Contents, source: str) -> list[Said]:
    """Return what is wrong with the names of a table's columns."""
    book = codebook.name
    kind = "plain" if book == PLAIN else "book"
    problems = [
        say(
            f"survey.table.unknown_column.{kind}",
            source=source,
            column=name,
            book=book,
            near=suggest(name, codebook.known),
        )
        for name in dict.fromkeys(names)
        if name not in codebook.known and not codebook.takes_rest
    ]
    problems += [
        say("survey.table.repeated_column", source=source, column=name, count=count)
        for name, count in Counter(names).items()
        if count > 1 and (name in codebook.known or not codebook.takes_rest)
    ]
    problems += [
        say("survey.branching.not_in_file", source=source, column=name, other=other)
        for name in codebook.columns
        if name in names
        for other in columns_of(codebook, name)
        if other not in names
    ]
    problems += design.header_problems(names, codebook, source)
    if not set(names) & set(codebook.columns):
        problems.append(say(f"survey.table.no_column.{kind}", source=source, book=book))
    return problems


def expectation(name: str, raw: object, codebook: Contents) -> str | None:
    """Return what was expected of a cell that is refused, None where it is accepted."""
    if name in codebook.columns:
        try:
            codebook.columns[name].read(raw, codebook.missing)
        except ValueError as error:
            expected: str = error.args[0]
            return expected
    elif name == codebook.site:
        if TEXT.read(raw, codebook.missing) is None:
            return say("survey.expected.site")
        if reserved(spell(raw) or ""):
            return say("survey.expected.other_site", new=NEW, average=AVERAGE)
    elif name == codebook.weight:
        text = spell(raw)
        if text is not None and no_answer(text, codebook.missing):
            return say("survey.expected.weight_given")
        number = number_of(text)
        if number is None or number < 0:
            return say("survey.expected.weight")
    return None
