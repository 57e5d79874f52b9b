"""What a codebook's file may hold, key by key, and how one raw answer is read or refused.

Everything here is frozen data with its own rules. Whether it fits a graph is checked in `resolve`.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Mapping, Set
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from backrisk.survey.logic import parse
from backrisk.words import choices, say, suggest

MISSING = ("", "NA", "N/A", "NaN", "nan")
# Prior people behind a stated reliability: about the size of the studies that measure one.
RELIABILITY_PEOPLE = 200.0
PREVALENCE_PEOPLE = 10_000.0  # a prevalence counts as known, but not beyond what a register knows


class Keys(BaseModel):
    """Keys and values of a codebook: frozen, and no key that is not known."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, coerce_numbers_to_str=True
    )

    @model_validator(mode="before")
    @classmethod
    def _in_order(cls, given: object) -> object:
        """Refuse a set: the order of a list counts here, and a set's is another in each run."""
        if isinstance(given, Mapping):
            for key, value in given.items():
                if isinstance(value, Set):
                    raise ValueError(say("survey.rules.no_order", key=key))
        return given


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
    otherwise: str | None = Field(default=None, alias="else")

    @field_validator("when")
    @classmethod
    def _can_be_read(cls, when: str) -> str:
        parse(when)
        return when


class Measure(Keys):
    """What a column and a derived value have in common; `Column` explains the keys."""

    node: str | None = None
    item: str | None = None
    reliability: float | None = Field(default=None, ge=0, le=1)
    misclassification: dict[str, dict[str, float]] | None = None
    error: Literal["learned", "fixed", "unknown"] = "learned"
    people: Annotated[float, Field(gt=0)] | dict[str, Annotated[float, Field(gt=0)]] = (
        RELIABILITY_PEOPLE
    )
    answers: tuple[str, ...] = ()
    nonresponse: Nonresponse | None = None
    asked_if: AskedIf | None = None
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
        if isinstance(self.people, dict) and self.misclassification is None:
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
        By default the node's states stand for themselves.
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
        Of the numbers, as people write it: ``unit: kg``.
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
    people : float or mapping
        Of an item: how many people the stated error was measured on, as far as the prior goes;
        200 by default. With a misclassification also by state, ``{no: 300, yes: 40}``.
    nonresponse : Nonresponse, optional
        A missing answer may depend on what it would have been:
        ``{mean: 0.5, sd: 0.5, share: 0.1}``. By default it does not.
    asked_if : AskedIf, optional
        Of whom it was asked, where not of everyone: ``{when: "[injury] = 'yes'", else: none}``. A
        blank then is not a missing answer: the node takes the state under ``else``, or is counted
        as not asked. An answer that was given all the same stays, and is told.
    question : str
        The question as it is asked; a form, a report and a codebook's sheet show it.
    source : str
        Where the question, its cut points or its reliability come from.

    Examples
    --------
    >>> age = Column(
    ...     node="age", type="number", unit="years", range=(12, 100), cuts=(40, 55),
    ...     states=("under_40", "40_54", "55_plus"),
    ... )
    >>> age.state(age.read(" 40 ", missing=("NA",))), age.read("NA", missing=("NA",))
    ('40_54', None)
    """

    role: Literal["input"] | None = None
    type: Literal["number", "label", "text"] = "label"
    range: tuple[float, float] | None = None
    outside: Literal["error", "missing"] = "error"
    labels: dict[str, str] | None = None
    decimals: int = Field(default=0, ge=0, le=6)

    @model_validator(mode="after")
    def _fits_its_type(self) -> Column:
        if (self.measured is None) == (self.role is None):
            raise ValueError(say("survey.rules.one_purpose"))
        if self.type == "text" and self.role is None:
            raise ValueError(say("survey.rules.text_is_input"))
        if self.type != "number" and (self.cuts or self.range or self.typical):
            raise ValueError(say("survey.rules.only_numbers"))
        if self.type == "number" and self.measured and not self.cuts:
            raise ValueError(say("survey.rules.number_needs_cuts"))
        if self.range and self.range[0] >= self.range[1]:
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
        labelled = frozenset(self.states if self.labels is None else self.labels.values())
        return labelled | self.unasked

    def read(self, raw: object, missing: tuple[str, ...]) -> float | str | None:
        """Return the number, the state or the text of a raw answer, None where it is missing.

        Parameters
        ----------
        raw : object
            A cell of a file or a frame; spaces around it do not count.
        missing : tuple of str
            The answers that stand for no answer.

        Raises
        ------
        ValueError
            Its only argument says what was expected.
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
        try:
            number = math.nan if "_" in text else float(text)  # Python reads 1_000 as a thousand
        except ValueError:
            number = math.nan
        if math.isfinite(number) and low <= number <= high:
            return number
        if math.isfinite(number) and self.outside == "missing":
            return None
        key = {
            (False, False): "survey.expected.number",
            (False, True): "survey.expected.number_unit",
            (True, False): "survey.expected.number_in",
            (True, True): "survey.expected.number_in_unit",
        }[bool(self.range), bool(self.unit)]
        raise ValueError(say(key, low=f"{low:g}", high=f"{high:g}", unit=self.unit))


class Condition(Keys):
    """True where any of the columns contains any of the words.

    Parameters
    ----------
    any : tuple of str
        Columns, ``[sports, remarks]``.
    contains : tuple of str
        Whole words in any case, ``[gym, lift*]``; a trailing ``*`` matches any ending.
    """

    any: tuple[str, ...] = Field(min_length=1)
    contains: tuple[str, ...] = Field(min_length=1)

    def holds(self, answers: Mapping[str, str]) -> bool:
        """Whether the condition holds for answers by column."""
        pattern = _pattern(self.contains)
        return any(pattern.search(answers.get(column, "")) for column in self.any)


@lru_cache(maxsize=256)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
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

    state: str | None
    when: tuple[Condition, ...] = Field(min_length=1)


class Derived(Measure):
    """A value computed from input columns, under a name of its own.

    Beside the keys below it takes those that `Column` explains, apart from `role`, `type`,
    `labels`, `range`, `outside` and `decimals`. Without any answer among the inputs the result is
    missing.

    Parameters
    ----------
    derive : {"bmi", "ratio", "first_match"}
        ``bmi`` takes weight in kilograms and height in centimetres and gives kg/m2, ``ratio``
        divides its first column by its second, ``first_match`` takes the state of the first rule
        that holds.
    from : tuple of str
        The input columns: ``[weight_kg, height_cm]``.
    rules : tuple of Rule
        Of ``first_match``, in the order in which they are tried.
    otherwise : str or None
        Of ``first_match``: the state where no rule holds; None (the default) says missing.
    """

    derive: Literal["bmi", "ratio", "first_match"]
    from_: tuple[str, ...] = Field(alias="from", min_length=1)
    rules: tuple[Rule, ...] = ()
    otherwise: str | None = None

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


class OneRowPer(Keys):
    """Which row stands for a person who appears several times.

    Rows without an identifier all stay.

    Parameters
    ----------
    column : str
        The column that identifies a person.
    by : str, optional
        The column of numbers or dates that orders a person's rows; what cannot be read comes last.
        By default the order of the file.
    keep : {"first", "last"}
        The row that stays; the first by default.
    """

    column: str
    by: str | None = None
    keep: Literal["first", "last"] = "first"


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
    >>> Design(kind="case_control", prevalence=0.14).prevalence
    0.14
    """

    kind: Literal["case_control", "matched", "stratified", "repeated"]
    outcome: str | None = None
    cases: str | None = None
    prevalence: float | None = Field(default=None, gt=0, lt=1)
    people: float = Field(default=PREVALENCE_PEOPLE, gt=0)
    set: str | None = None
    person: str | None = None

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


class Contents(Keys):
    """What the file of a codebook holds; `Codebook` explains the keys."""

    name: str
    graph: str
    title: str = ""
    description: str = ""
    population: str = ""
    synthetic: bool = False
    missing: tuple[str, ...] = MISSING
    columns: dict[str, Column] = Field(min_length=1)
    derived: dict[str, Derived] = {}
    site: str | None = None
    weight: str | None = None
    ignore: tuple[str, ...] = ()
    leaves_out: dict[str, str] = {}
    one_row_per: OneRowPer | None = None
    design: Design | None = None

    @property
    def measures(self) -> dict[str, Column | Derived]:
        """The columns and derived values that measure something, by name."""
        both: dict[str, Column | Derived] = {**self.columns, **self.derived}
        return {name: spec for name, spec in both.items() if spec.measured is not None}

    @property
    def known(self) -> tuple[str, ...]:
        """Every column that a file may hold."""
        one = self.one_row_per
        person = self.design and self.design.person
        extra = (self.site, self.weight, one and one.column, one and one.by, person, *self.ignore)
        return tuple(dict.fromkeys([*self.columns, *(name for name in extra if name)]))

    def node_of(self, name: str) -> str:
        """Return the node that a measure fills: an item's node bears the item's own name."""
        return self.measures[name].node or name

    def response_of(self, name: str) -> str:
        """Return the name of the node that tells whether a measure was answered."""
        return f"{name}_response"
