"""What a codebook's file may hold, key by key, and how one raw answer is read or refused.

Everything here is frozen data with its own rules. Whether it fits a graph is checked in `resolve`.
"""

from __future__ import annotations

import datetime
import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Set
from decimal import Decimal
from functools import lru_cache
from numbers import Real
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import (
    AfterValidator,
    AllowInfNan,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    field_validator,
    model_validator,
)

from backrisk._spelling import no_answer, number_of, spell
from backrisk.survey.every import Every
from backrisk.survey.logic import parse
from backrisk.survey.units import Unit, common, factor, names_of_units, unit_of, with_unit
from backrisk.words import choices, say, suggest

UNDECIDED = "?"  # in a draft, in place of what a person has to say
MISSING = ("", "NA", "N/A", "NaN", "nan")
REST = "rest"  # of `ignore`: every column that the codebook does not name
LISTED = "listed"  # how the other kind is tagged
# Prior people behind a stated reliability: about the size of the studies that measure one.
RELIABILITY_PEOPLE = 200.0
PREVALENCE_PEOPLE = 10_000.0  # a prevalence counts as known, but not beyond what a register knows


def _canonical(given: object) -> object:
    """Spell a label, a state or a header as a cell; what is no word, pydantic refuses."""
    plain = isinstance(given, str | Real | Decimal | datetime.date | np.generic)
    return (spell(given) or "") if plain else given


Word = Annotated[str, BeforeValidator(_canonical)]
Bound = Annotated[float, AllowInfNan(True)]  # a range may be open at one end


# The keys whose values are numbers, alone, in lists or by name.
_NUMBERS = frozenset(
    ("cuts", "range", "typical", "decimals", "reliability", "misclassification", "people",
     "row_people", "events", "mean", "sd", "share", "prevalence")
)  # fmt: skip


def _has_truth(given: object) -> bool:
    """Whether a value is true or false, or holds one of them."""
    if isinstance(given, Mapping):
        return any(map(_has_truth, given.values()))
    if isinstance(given, list | tuple):
        return any(map(_has_truth, given))
    return isinstance(given, bool | np.bool_)


class Keys(BaseModel):
    """Keys and values of a codebook: frozen, and no key that is not known."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        coerce_numbers_to_str=True,
        allow_inf_nan=False,
    )

    @model_validator(mode="before")
    @classmethod
    def _as_meant(cls, given: object) -> object:
        """Refuse a set, whose order is another in each run, and true for a number: it is 1."""
        if isinstance(given, Mapping):
            for key, value in given.items():
                if isinstance(value, Set):
                    raise ValueError(say("survey.rules.no_order", key=key))
                if key in _NUMBERS and _has_truth(value):
                    raise ValueError(say("survey.rules.no_truth", key=key))
        return given


def _list_or_rest(given: object) -> str:
    """Say which of the two ways of leaving columns out is meant; one name is a list of one."""
    return REST if isinstance(given, str) and given.strip() == REST else LISTED


def _listed(given: object) -> object:
    return (given,) if isinstance(given, str) else given


def _distinct(given: Any) -> Any:
    """Refuse keys that are spelled alike: which of them is meant, no cell could tell."""
    if isinstance(given, Mapping):
        spelled = Counter(_canonical(key) for key in given)
        if twice := [str(word) for word, count in spelled.items() if count > 1]:
            raise ValueError(say("survey.rules.spelled_alike", words=", ".join(twice)))
    return given


Distinct = BeforeValidator(_distinct)


class Nonresponse(Keys):
    """How strongly an answer's own value bears on its being missing.

    Parameters
    ----------
    mean, sd : float
        Normal prior of the log odds ratio of not answering, worst state against reference. The
        mean lies between -4 and 4, the standard deviation above 0 and at most 3.
    share : float
        Prior guess of the share of people that does not answer, between 0 and 1; 0.1 by default.
    why : str
        Where the prior comes from; empty by default.
    """

    mean: float = Field(ge=-4, le=4)
    sd: float = Field(gt=0, le=3)
    share: float = Field(default=0.1, gt=0, lt=1)
    why: str = ""


class AskedIf(Keys):
    """Of whom a question was asked.

    Parameters
    ----------
    when : str
        In REDCap's branching logic: ``"[injury] = 'yes' and [weeks] > 2"``. A label of the file
        and the state that it says both match. See `backrisk.survey.logic.parse`.
    else : str, optional
        The state that follows where the question was not asked: who has no injury loses no time.
        By default nothing follows; the node stays unobserved, and is counted as not asked.
    """

    when: str
    otherwise: Word | None = Field(default=None, alias="else")

    @field_validator("when")
    @classmethod
    def _can_be_read(cls, when: str) -> str:
        parse(when)
        return when


class Measure(Keys):
    """What a column and a derived value have in common; `Column` explains the keys."""

    node: Word | None = None
    item: Word | None = None
    reliability: float | None = Field(default=None, ge=0, le=1)
    misclassification: (
        Annotated[dict[Word, Annotated[dict[Word, float], Distinct]], Distinct] | None
    ) = None
    error: Literal["learned", "fixed", "unknown"] = "learned"
    people: float = Field(default=RELIABILITY_PEOPLE, gt=0)
    row_people: Annotated[dict[Word, Annotated[float, Field(gt=0)]], Distinct] = {}
    answers: tuple[Word, ...] = ()
    nonresponse: Nonresponse | None = None
    asked_if: AskedIf | None = None
    question: str = ""
    source: str = ""
    unit: str = ""
    cuts: tuple[float, ...] = ()
    states: tuple[Word, ...] = ()
    typical: tuple[float, float] | None = None

    @property
    def measured(self) -> str | None:
        """The node or construct that is measured; None for a mere input."""
        return self.node or self.item

    @property
    def said(self) -> frozenset[str]:
        """The states that an answer, or its absence, can say."""
        return frozenset(self.states) | self.unasked

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
            raise ValueError(say("survey.rules.node_or_item"))
        stated = (self.reliability is not None) + (self.misclassification is not None)
        if self.item and stated != (self.error != "unknown"):
            raise ValueError(say("survey.rules.item_error"))
        if not self.item and (stated or self.error != "learned"):
            raise ValueError(say("survey.rules.error_without_item"))
        if self.answers and (not self.item or self.reliability is not None):
            raise ValueError(say("survey.rules.own_answers"))
        if self.answers and (len(self.answers) < 2 or len(set(self.answers)) < len(self.answers)):
            raise ValueError(say("survey.rules.two_answers"))
        if self.row_people and self.misclassification is None:
            raise ValueError(say("survey.rules.people_by_row"))
        if any(high <= low for low, high in zip(self.cuts, self.cuts[1:], strict=False)):
            raise ValueError(say("survey.rules.cuts_increase"))
        if self.typical and self.typical[0] >= self.typical[1]:
            raise ValueError(say("survey.rules.low_to_high", key="typical"))
        if self.asked_if and self.asked_if.otherwise is not None and self.measured is None:
            raise ValueError(say("survey.rules.else_measures"))
        return self

    @property
    def unasked(self) -> frozenset[str]:
        """The state that follows where the question was not asked; empty where none does."""
        state = None if self.asked_if is None else self.asked_if.otherwise
        return frozenset() if state is None else frozenset({state})


class Column(Measure):
    """One column of a survey's file: what it measures and how its cells are read.

    Each parameter is a key of the codebook's YAML. One of `node`, `item` and ``role: input`` must
    be given; every other key may be left out.

    Parameters
    ----------
    node : str, optional
        The node that the answer observes, without error: ``node: age``.
    item : str, optional
        The construct of which the answer is a noisy sign: ``item: core_strength``. The answer
        becomes a node of its own, a child of the construct, that bears the column's name.
    role : {"input"}, optional
        The column measures nothing itself; derived values are computed from it.
    type : {"label", "number", "text"}
        ``label`` (the default): one of a few words. ``number``: cut into states by `cuts`.
        ``text``: free text, an input only.
    labels : mapping, optional
        Of a label column: the state that each label of the file says, ``{male: male, f: female}``.
        By default the node's states stand for themselves. Labels and cells are compared by their
        canonical spelling: ``1``, ``1.0`` and ``" 1 "`` are one label, and so are ``Never`` and
        ``NEVER`` unless the codebook has both.
        A label may say ``null``: it stands for no answer in this column. A column of numbers or
        of text has none.
    missing : tuple of str
        Answers to this column that stand for no answer, beside the codebook's: ``["99"]``.
    choices : mapping, optional
        What an export with labels writes in place of each code, ``{"1": "Yes", "0": "No"}``: either
        is understood, and everything else in the codebook speaks of codes.
    cuts : tuple of float
        Of a number column: increasing cut points in the column's `unit`, ``[40, 55]``. A value
        equal to a cut point belongs to the interval above it. Needed where a number measures
        something.
    states : tuple of str
        The state that each interval says, lowest first and one more than there are cut points:
        ``[weak, moderate, strong]``. By default the node's states in their own order.
    range : tuple of float, optional
        Least and largest number accepted, both included, in the column's `unit`: ``[12, 100]``.
        By default any finite number.
    outside : {"error", "missing"}
        What a number outside `range` is: a mistake that is reported (the default), or a missing
        answer, for files that write 999 for "unknown".
    unit : str
        Of the numbers, as people write it: ``unit: kg``; `cuts`, `range` and `typical` are in it.
        In a column of kilograms, grams, pounds or stones, of kilometres, metres, centimetres,
        millimetres, miles, yards, feet or inches, of hours, minutes or seconds, of minutes per km
        or per mile, of degrees or radians, a cell may also say a unit of its own and is converted:
        ``154 lb``, ``5 ft 7``, ``5:30``. What is derived from such columns converts them too.
    typical : tuple of float, optional
        Within which simulated numbers lie, ``[45, 115]``; says nothing about which numbers are
        accepted. By default `range`, else ten units around the cut points.
    decimals : int
        Digits after the decimal point of simulated numbers, 0 (the default) to 6.
    reliability : float, optional
        Of an item: how far the answer says the construct's state, from 0 (nothing) to 1 (all).
    misclassification : mapping, optional
        Of an item, in place of a reliability: for each state of the construct the probability of
        each answer, ``{no: {no: 0.9, yes: 0.1}, yes: {no: 0.2, yes: 0.8}}``. Of a state that is
        left out nothing is known.
    answers : tuple of str
        Of an item: its own answers, the healthiest first, where they are no states of the
        construct: ``[no, yes]`` of a sign of one of three kinds. They need a `misclassification`,
        or ``error: unknown``.
    error : {"learned", "fixed", "unknown"}
        Of an item: the stated error is where the data start from (the default), or is known for
        sure, or nothing is known and neither `reliability` nor `misclassification` is given.
    people : float
        Of an item: how many people the stated error was measured on, as far as the prior goes;
        200 by default.
    row_people : mapping
        Of an item with a misclassification: how many people each row of it was measured on, where
        that differs, by the construct's state: ``{no: 300, yes: 40}``.
    nonresponse : Nonresponse, optional
        A missing answer may depend on what it would have been:
        ``{mean: 0.5, sd: 0.5, share: 0.1}``. By default it does not.
    asked_if : AskedIf, optional
        Of whom it was asked, where not of everyone: ``{when: "[injury] = 'yes'", else: none}``. A
        blank then is not a missing answer: the node takes the state under ``else``, or is counted
        as not asked. An answer that was given all the same stays, and is told.
    question : str
        The question as it is asked; a form, a report and a codebook's sheet show it, and the column
        is also found under it, where a file has questions in its header.
    source : str
        Where the question, its cut points or its reliability come from.

    Examples
    --------
    >>> from backrisk.survey import Column
    >>> age = Column(
    ...     node="age", type="number", unit="years", range=(12, 100), cuts=(40, 55),
    ...     states=("under_40", "40_54", "55_plus"),
    ... )
    >>> age.state(age.read(" 40 ", missing=("NA",))), age.read("NA", missing=("NA",))
    ('40_54', None)
    >>> height = Column(role="input", type="number", unit="cm")
    >>> round(height.read("5 ft 7", missing=()), 2)
    170.18
    """

    role: Literal["input"] | None = None
    type: Literal["number", "label", "text"] = "label"
    range: tuple[Bound, Bound] | None = None
    outside: Literal["error", "missing"] = "error"
    labels: Annotated[dict[Word, Word | None], Distinct] | None = None
    missing: tuple[Word, ...] = ()
    choices: Annotated[dict[Word, Word], Distinct] | None = None
    decimals: int = Field(default=0, ge=0, le=6)

    @model_validator(mode="after")
    def _fits_its_type(self) -> Column:
        if (self.measured is None) == (self.role is None):
            raise ValueError(say("survey.rules.one_purpose"))
        if self.type == "text" and self.role is None:
            raise ValueError(say("survey.rules.text_is_input"))
        if self.type != "number" and (self.cuts or self.range or self.typical):
            raise ValueError(say("survey.rules.only_numbers"))
        if self.labels and self.type != "label":  # they would be read past
            raise ValueError(say("survey.rules.only_labels", type=self.type))
        if self.type == "number" and self.measured and not self.cuts:
            raise ValueError(say("survey.rules.number_needs_cuts"))
        if self.range and not self.range[0] < self.range[1]:
            raise ValueError(say("survey.rules.low_to_high", key="range"))
        if (
            self.range
            and self.typical
            and not (self.range[0] <= self.typical[0] and self.typical[1] <= self.range[1])
        ):
            raise ValueError(say("survey.rules.typical_in_range"))
        return self

    @property
    def said(self) -> frozenset[str]:
        """The states that an answer, or its absence, can say."""
        labelled = self.states if self.labels is None else self.labels.values()
        return frozenset(state for state in labelled if state is not None) | self.unasked

    @property
    def options(self) -> dict[str, str]:
        """The state that each label says, by the words that a person reads."""
        read = self.choices or {}
        return {
            read.get(label, label): state
            for label, state in (self.labels or {}).items()
            if state is not None
        }

    def blank(self, text: str | None, missing: tuple[str, ...]) -> bool:
        """Whether a canonical text is no answer, by the codebook's `missing` or the column's."""
        return no_answer(text, missing) or (bool(self.missing) and no_answer(text, self.missing))

    def code(self, text: str) -> str:
        """Return the code of an answer that may be written as its label.

        A label that is that of several codes, which say different things, is none of them; nor is
        any label where one of them is the code of another: of ``{"1": "0", "2": "1"}`` only codes
        are read.
        """
        if not self.choices or text in self.choices or self.label_is_code is not None:
            return text
        found = [code for code, label in self.choices.items() if label == text]
        if not found:
            asked = fold(text)
            found = [code for code, label in self.choices.items() if fold(label) == asked]
        said = {code if self.labels is None else self.labels.get(code, code) for code in found}
        return found[0] if len(said) == 1 else text

    def label(self, text: str) -> str:
        """Return the label of the codebook that an answer is, in whatever case it is written.

        An answer that is none of them, or that differs by case alone from labels which say
        different things, stays as it is.
        """
        text = self.code(text)
        if self.labels is None or text in self.labels:
            return text
        alike = [label for label in self.labels if fold(label) == fold(text)]
        return alike[0] if len({self.labels[label] for label in alike}) == 1 else text

    @property
    def label_is_code(self) -> str | None:
        """A label among the choices that is the code of another, None where there is none."""
        choices = self.choices or {}
        also = (label for code, label in choices.items() if label in choices and label != code)
        return next(also, None)

    def read(self, raw: object, missing: tuple[str, ...]) -> float | str | None:
        """Return the number, the state or the text of a raw answer, None where it is missing.

        Parameters
        ----------
        raw : object
            A cell of a file or a frame, or what a person answered; see `spell`. None, NaN, NA, NaT
            and a blank are no answer.
        missing : tuple of str
            The answers that stand for no answer.

        Raises
        ------
        ValueError
            Its only argument says what was expected.
        """
        text = spell(raw)
        if text is None or self.blank(text, missing):
            return None
        text = self.label(text)
        if self.type == "number":
            return self._number(text)
        if self.type == "text" or self.labels is None:
            return text
        if text not in self.labels:
            raise ValueError(
                say(
                    "survey.expected.label",
                    labels=choices(self.labels),
                    near=suggest(text, self.labels),
                )
            )
        return self.labels[text]

    def _number(self, text: str) -> float | None:
        low, high = self.range or (-math.inf, math.inf)
        number = number_of(text)
        if number is None and (unit := unit_of(self.unit)) is not None:
            number = with_unit(text, unit)
        elif number is None and self.unit and text.endswith(self.unit.strip()):
            number = number_of(text.removesuffix(self.unit.strip()))
        if number is not None and low <= number <= high:
            return number
        if number is not None and self.outside == "missing":
            return None
        key = {
            (False, False): "survey.expected.number",
            (False, True): "survey.expected.number_unit",
            (True, False): "survey.expected.number_in",
            (True, True): "survey.expected.number_in_unit",
        }[bool(self.range), bool(self.unit)]
        raise ValueError(say(key, low=f"{low:g}", high=f"{high:g}", unit=self.unit))


def fold(text: str) -> str:
    """Return a text by which labels are compared, where case and space do not count."""
    return " ".join(text.split()).casefold()


def _some(word: str) -> str:
    """Refuse an empty word: it stands between any two marks that are no letters."""
    if not word:
        raise ValueError(say("survey.rules.empty_word"))
    return word


class Condition(Keys):
    """True where any of the columns contains any of the words.

    Parameters
    ----------
    any : tuple of str
        Columns, ``[sports, remarks]``.
    contains : tuple of str
        Whole words in any case, ``[gym, lift*]``; a trailing ``*`` matches any ending.
    """

    any: tuple[Word, ...] = Field(min_length=1)
    contains: tuple[Annotated[Word, AfterValidator(_some)], ...] = Field(min_length=1)

    def holds(self, answers: Mapping[str, str]) -> bool:
        """Whether the condition holds for answers by column."""
        pattern = words_pattern(self.contains)
        return any(pattern.search(answers.get(column, "")) for column in self.any)


@lru_cache(maxsize=256)
def words_pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds any of the words of a condition in a text."""

    # A look-around and not \b: a word may begin or end with a mark that is no letter.
    def one(word: str) -> str:
        stem = word.removesuffix("*")
        return rf"(?<!\w){re.escape(stem)}" + ("" if stem != word else r"(?!\w)")

    return re.compile("|".join(map(one, words)), re.IGNORECASE)


class Rule(Keys):
    """A state for the answers that meet all conditions.

    Parameters
    ----------
    state : str or None
        None (``null`` in YAML) says that the answer is missing.
    when : tuple of Condition
        All of which must hold.
    """

    state: Word | None
    when: tuple[Condition, ...] = Field(min_length=1)

    def holds(self, answers: Mapping[str, str]) -> bool:
        """Whether all of its conditions hold for answers by column."""
        return all(test.holds(answers) for test in self.when)


class Derived(Measure):
    """A value computed from input columns, under a name of its own.

    Beside the keys below it takes those that `Column` explains, apart from `role`, `type`,
    `labels`, `missing`, `range`, `outside`, `choices` and `decimals`. Without any answer among the
    inputs the result is missing.

    Parameters
    ----------
    derive : {"bmi", "ratio", "first_match"}
        ``bmi`` takes a weight and a height and gives kg/m2. Their columns' units are converted:
        a column without one is in kilograms, or in centimetres. A value below 7 or above 150 is
        nobody's: it counts as missing in a table, which is told, and is refused in a person.
        ``ratio`` divides its first column by its second, in the same unit where both are of one
        quantity, ``km/week`` and ``mi/week`` too; ``km/week`` and ``km/month`` are refused.
        ``first_match`` takes the state of the first rule that holds.
    from : tuple of str
        The input columns: ``[weight_kg, height_cm]``.
    rules : tuple of Rule
        Of ``first_match``, in the order in which they are tried.
    otherwise : str or None
        Of ``first_match``: the state where no rule holds; None (the default) says missing.
    """

    derive: Literal["bmi", "ratio", "first_match"]
    from_: tuple[Word, ...] = Field(alias="from", min_length=1)
    rules: tuple[Rule, ...] = ()
    otherwise: Word | None = None
    # What the first input is multiplied by, and the second: written by `converting`, since only
    # the columns know their units.
    _factors: tuple[float, float] = PrivateAttr((1.0, 1.0))

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Derived:
        if self.measured is None:
            raise ValueError(say("survey.rules.derived_measures"))
        if self.derive == "first_match":
            if not self.rules or self.cuts:
                raise ValueError(say("survey.rules.first_match"))
            named = {column for rule in self.rules for test in rule.when for column in test.any}
            if stray := sorted(named - set(self.from_)):
                raise ValueError(say("survey.rules.stray", columns=", ".join(stray)))
        elif len(self.from_) != 2 or not self.cuts or self.rules:
            raise ValueError(say("survey.rules.two_columns", derive=self.derive))
        return self

    @property
    def said(self) -> frozenset[str]:
        """The states that a derived value can say."""
        if self.derive != "first_match":
            return frozenset(self.states) | self.unasked
        told = frozenset(rule.state for rule in self.rules if rule.state) | self.unasked
        return told if self.otherwise is None else told | {self.otherwise}

    @property
    def possible(self) -> tuple[float, float]:
        """The numbers that the value of a living person lies between."""
        return _POSSIBLE.get(self.derive, (-math.inf, math.inf))

    def converting(self, units: tuple[str, ...]) -> Derived:
        """Return the value with its inputs converted from the units of their columns.

        Raises
        ------
        ValueError
            An input's unit is not one that can be converted. Its only argument says so.
        """
        if self.derive == "first_match":
            return self
        found: list[Unit | None] = [unit_of(unit) for unit in units]
        into: list[Unit | None]
        if self.derive == "ratio":
            if (pair := common(*units)) is None:
                raise ValueError(say("survey.rules.ratio_units", first=units[0], second=units[1]))
            found, into = list(pair), [pair[1], pair[1]]
        else:
            into = [unit_of("kg"), unit_of("cm")]
            if self.unit and _bare_unit(self.unit) not in _KG_M2:
                raise ValueError(say("survey.rules.bmi_unit", unit=self.unit))
            for column, unit, wanted, known in zip(self.from_, units, into, found, strict=True):
                assert wanted is not None
                if unit and (known is None or known.quantity != wanted.quantity):
                    names = ", ".join(names_of_units(wanted.quantity))
                    told = {"input": column, "unit": unit, "known": names}
                    raise ValueError(say("survey.rules.input_unit", **told))
        changed = self.model_copy()
        changed._factors = tuple(
            factor(unit, to) if unit and to and unit.quantity == to.quantity else 1.0
            for unit, to in zip(found, into, strict=True)
        )  # type: ignore[assignment]
        return changed

    def divisor(self, second: float) -> float:
        """Return what the first input is divided by, both in the units of their columns."""
        first, other = self._factors
        below = second if other == 1.0 else second * other
        if self.derive == "bmi":
            metres = below / 100
            below = metres * metres
        return below if first == 1.0 else below / first

    def number(self, answers: Mapping[str, float | str | None]) -> float | None:
        """Return the number of a ``bmi`` or ``ratio``, possible or not; None where missing."""
        given = [value for column in self.from_ if (value := answers.get(column)) is not None]
        if len(given) < 2:
            return None
        if not (divisor := self.divisor(float(given[1]))):
            return math.inf if self.derive == "bmi" else None  # nobody has no height
        return float(given[0]) / divisor

    def value(self, answers: Mapping[str, float | str | None]) -> float | str | None:
        """Return the derived number, or for ``first_match`` the state; None where missing."""
        if self.derive != "first_match":
            number, (low, high) = self.number(answers), self.possible
            return number if number is not None and low <= number <= high else None
        texts = {c: text for c in self.from_ if (text := spell(answers.get(c))) is not None}
        if not texts:
            return None
        first = next((rule for rule in self.rules if rule.holds(texts)), None)
        return self.otherwise if first is None else first.state


def _bare_unit(unit: str) -> str:
    return re.sub(r"[\s^*]", "", re.sub(r"\bper\b", "/", unit.casefold()))


# The lightest and the heaviest adults on record, with a margin.
_POSSIBLE = {"bmi": (7.0, 150.0)}
_KG_M2 = ("kg/m2", "kg/m²", "kgm-2", "kgm⁻²", "kg/sqm")


class OneRowPer(Keys):
    """Which row stands for a person who appears several times.

    Rows without an identifier all stay.

    Parameters
    ----------
    column : str
        The column that identifies a person.
    by : str, optional
        The column that orders a person's rows: numbers, dates, or one text with numbers in it
        (``visit 2`` comes before ``visit 10``). All of its cells must be read in one way; a missing
        one comes last. By default the order of the file.
    keep : {"first", "last"}
        The row that stays; the first by default.
    merge : bool
        Read all rows of a person as one, with each column's only answer: for files that have the
        visits of a person in rows of their own. Where two rows answer a column differently, the
        answer counts that `keep` says in the order of `by`; without `by`, the table is refused.
        ``false`` by default.
    dates : {"day_first", "month_first", "iso"}, optional
        How the dates in `by` are written: ``13/02/2024``, ``02/13/2024`` or ``2024-02-13``. By
        default the one way that reads all of them; where there are two, the table is refused.
    """

    column: Word
    by: Word | None = None
    keep: Literal["first", "last"] = "first"
    merge: bool = False
    dates: Literal["day_first", "month_first", "iso"] | None = None


class Design(Keys):
    """How the rows of a survey came to be in it, where they are no plain sample of people.

    Parameters
    ----------
    kind : {"case_control", "matched", "stratified", "repeated"}
        ``case_control``: people were chosen by the outcome, so many cases and so many controls.
        ``matched``: each case with one or more controls who are like it, in the sets of `set`.
        ``stratified``: groups were sampled at different rates, which the codebook's ``weight``
        undoes. ``repeated``: a row is a visit; the visits of the person in `person` share a
        weight of one.
    outcome : str, optional
        The node that people were chosen by: a column's own. By default the graph's outcome.
    cases : str, optional
        The state of the outcome from which on a person is a case; by default the second.
    prevalence : float, optional
        Of cases and controls: the share of cases in the population that the model is to speak of,
        between 0 and 1. Without it, no risk of anybody can be told, only odds ratios.
    people : float
        How many people the prevalence was found in; 10,000 by default.
    set : str, optional
        Of a matched design: the column that names the set of each row.
    person : str, optional
        Of a repeated design: the column that identifies a person.

    Examples
    --------
    >>> from backrisk.survey import Design
    >>> Design(kind="case_control", prevalence=0.14).prevalence
    0.14
    """

    kind: Literal["case_control", "matched", "stratified", "repeated"]
    outcome: Word | None = None
    cases: Word | None = None
    prevalence: float | None = Field(default=None, gt=0, lt=1)
    people: float = Field(default=PREVALENCE_PEOPLE, gt=0)
    set: Word | None = None
    person: Word | None = None

    @property
    def by_outcome(self) -> bool:
        """Whether people were chosen by the outcome."""
        return self.kind in ("case_control", "matched")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Design:
        if (self.set is not None) != (self.kind == "matched"):
            raise ValueError(say("survey.rules.design_set"))
        if (self.person is not None) != (self.kind == "repeated"):
            raise ValueError(say("survey.rules.design_person"))
        if not self.by_outcome and (self.outcome or self.cases or self.prevalence is not None):
            raise ValueError(say("survey.rules.design_outcome"))
        return self


CombineRule = Literal["last", "first", "worst", "mean", "sum"]


def _for_the_rest(given: object) -> object:
    """Return one rule as the rule of every column."""
    return {REST: given} if isinstance(given, str) else given


def _in_order(given: object) -> object:
    """Return a list of events with the places at which they stand, refusing one that is twice."""
    if not isinstance(given, list | tuple):
        return _distinct(given)
    words = [_canonical(event) for event in given]
    if twice := [str(word) for word, count in Counter(words).items() if count > 1]:
        raise ValueError(say("survey.rules.spelled_alike", words=", ".join(twice)))
    return {word: float(place) for place, word in enumerate(words)}


def _span(given: str | None) -> str | None:
    """Refuse a length of time that is none."""
    if given is not None:
        Every.of(given)
    return given


class Visits(Keys):
    """How a table in which people appear over time is read, a row for each person and time.

    `read_panel` reads it; whatever is left out here may be given to that as an argument.

    Parameters
    ----------
    id : str, optional
        The column that says whose row it is: ``id: athlete``.
    time : str, optional
        The column that says when: dates, numbers, or REDCap's ``redcap_event_name``.
    every : str, optional
        How long a slice is: a number of days, weeks, months or years, as ``7D``, ``1W``, ``1M`` or
        ``1Y``, where times are dates; else a number, in the unit of the times.
    combine : mapping, or one rule
        What several visits within one slice come to, by the column or derived value: ``last`` (the
        last answer; the default), ``first``, ``worst`` (the state that comes last in the graph:
        yes if any visit said yes), or of numbers, before they are cut into states, their ``mean``
        or ``sum``: ``{pain: worst, minutes: sum}``. One word, or ``rest`` within the mapping,
        stands for every other column: ``combine: worst``. Constants follow only a rule of their
        own, else the last answer.
    dates : {"day_first", "month_first", "iso"}, optional
        How dates are written: ``13/02/2024``, ``02/13/2024`` or ``2024-02-13``. By default the one
        way that reads them; where there are two, the table is refused.
    events : list, or mapping of str to float
        The names that stand for times, in their order, ``[baseline, month_3, month_6]``, or each
        with its time: ``{baseline: 0, month_3: 3, month_6: 6}``. A name of REDCap may be written
        with or without its arm. By default times speak for themselves, and REDCap's events come in
        the order in which the rows of each person have them.
    constant : tuple of str, or one
        Columns and derived values with one value for each person, which any row may hold:
        ``[sex, height_cm]``. Those of nodes that the graph has as ``constant`` are so anyway. The
        node of a measure that is named here is a constant of the panel's graph.

    Examples
    --------
    >>> from backrisk.survey import Visits
    >>> Visits(id="athlete", time="date", every="7D", combine="worst").combine
    {'rest': 'worst'}
    >>> Visits(events=["baseline", "month_3"]).events
    {'baseline': 0.0, 'month_3': 1.0}
    """

    id: Word | None = None
    time: Word | None = None
    every: Annotated[Word, AfterValidator(_span)] | None = None
    combine: Annotated[
        dict[Word, CombineRule],
        BeforeValidator(_for_the_rest, json_schema_input_type=CombineRule | dict[str, CombineRule]),
    ] = {}
    dates: Literal["day_first", "month_first", "iso"] | None = None
    events: Annotated[
        dict[Word, float],
        BeforeValidator(_in_order, json_schema_input_type=list[str] | dict[str, float]),
    ] = {}
    constant: Annotated[
        tuple[Word, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])
    ] = ()

    def rule_of(self, name: str, constant: bool) -> CombineRule:
        """Return what several answers to a column, or derived value, come to.

        Parameters
        ----------
        name : str
        constant : bool
            Whether it has one value for each person.
        """
        rest = "last" if constant else self.combine.get(REST, "last")
        return self.combine.get(name, rest)


class Contents(Keys):
    """What the file of a codebook holds; `Codebook` explains the keys."""

    name: str
    graph: str
    title: str = ""
    description: str = ""
    population: str = ""
    synthetic: bool = False
    missing: tuple[Word, ...] = MISSING
    columns: Annotated[dict[Word, Column], Distinct] = Field(min_length=1)
    derived: Annotated[dict[Word, Derived], Distinct] = {}
    site: Word | None = None
    weight: Word | None = None
    ignore: Annotated[
        Annotated[tuple[Word, ...], BeforeValidator(_listed), Tag(LISTED)]
        | Annotated[Literal["rest"], BeforeValidator(str.strip), Tag(REST)],
        Discriminator(_list_or_rest),
    ] = ()
    leaves_out: Annotated[dict[Word, str], Distinct] = {}
    one_row_per: OneRowPer | None = None
    rows: Annotated[dict[Word, Annotated[tuple[str, ...], Field(min_length=1)]], Distinct] = {}
    design: Design | None = None
    panel: Visits | None = None

    @property
    def measures(self) -> dict[str, Column | Derived]:
        """The columns and derived values that measure something, by name."""
        both: dict[str, Column | Derived] = {**self.columns, **self.derived}
        return {name: spec for name, spec in both.items() if spec.measured is not None}

    @property
    def known(self) -> tuple[str, ...]:
        """The columns that the codebook names; with ``ignore: rest`` a file may hold others."""
        one = self.one_row_per
        person, panel = self.design and self.design.person, self.panel
        ignored = () if self.ignore == REST else self.ignore
        extra = (self.site, self.weight, one and one.column, one and one.by, person, *ignored)
        extra += (panel and panel.id, panel and panel.time)
        return tuple(dict.fromkeys([*self.columns, *self.rows, *filter(None, extra)]))

    @property
    def takes_rest(self) -> bool:
        """Whether a file may hold columns that the codebook does not name."""
        return self.ignore == REST

    def ignoring(self, *names: str) -> Self:
        """Return the codebook with further columns that a file may hold and that are not read."""
        if self.ignore == REST:
            return self
        return self.model_copy(update={"ignore": (*self.ignore, *names)})

    def node_of(self, name: str) -> str:
        """Return the node that a measure fills: an item's node bears the item's own name."""
        return self.measures[name].node or name

    def response_of(self, name: str) -> str:
        """Return the name of the node that tells whether a measure was answered."""
        return f"{name}_response"
