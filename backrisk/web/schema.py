"""What goes in and out of the programming interface, version 1; `document` describes its fields."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from backrisk.queries import opened

_MOST_ANSWERS = 200
_MOST_FLAGS = 50
MOST_VISITS = 60
_MOST_AHEAD = 60
Name = Annotated[str, Field(max_length=100)]
Value = Annotated[StrictStr, Field(max_length=400)] | StrictBool | StrictInt | StrictFloat | None


def _answers(given: Any) -> Any:
    """Return the answers of a person, who may come as the page saves one."""
    return opened(given).person if isinstance(given, dict) else given


Person = Annotated[
    dict[Name, Value],
    Field(max_length=_MOST_ANSWERS),
    BeforeValidator(_answers),
]
Do = Annotated[
    dict[Name, Annotated[str, Field(max_length=100)]],
    Field(min_length=1, max_length=20),
]


History = Annotated[list[Person], Field(min_length=1, max_length=MOST_VISITS)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class About(_In):
    """One person."""

    person: Person = {}


class Asked(About):
    """A question about one person's outcome."""

    target: Name | None = None
    site: Name | None = None


class Flagged(About):
    """One person with the red flags that apply."""

    flags: Annotated[list[Name], Field(max_length=_MOST_FLAGS)] | None = None
    site: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _saved(cls, given: Any) -> Any:
        """Take the flags that a saved person says, where none are given beside it."""
        if not isinstance(given, dict) or not isinstance(given.get("person"), dict):
            return given
        said = opened(given["person"]).flags
        return given if said is None else {"flags": list(said), **given}


class SavedIn(_In):
    """A person's answers as the page saves them; answers alone are read as well."""

    backrisk: dict[Name, Annotated[StrictStr, Field(max_length=100)] | list[Name] | None] = {}
    person: Person

    @model_validator(mode="before")
    @classmethod
    def _either(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return given if opened(given).person is not given else {"person": given}


class Followed(_In):
    """A question about two files of one person."""

    before: SavedIn
    after: SavedIn
    target: Name | None = None
    site: Name | None = None


class Reported(Asked, Flagged):
    """What a document about one person is to show."""

    kind: Name = "report"
    before: SavedIn | None = None


class AskedNext(Asked):
    """A question about what to ask next."""

    gain: StrictBool = True


class Changed(Asked):
    """A question about a change."""

    do: Do


class Imagined(Changed):
    """A question about what would have been."""

    coupling: Name = "monotone"


class Attributed(Asked):
    """A question about causes."""

    method: Name = "shapley"
    level: Name | None = None
    causes: Annotated[list[Name] | None, Field(min_length=1, max_length=30)] = None
    baseline: Name = "healthy"
    coupling: Name = "monotone"


class AboutHistory(_In):
    """One person's visits, the oldest first."""

    history: History


class AskedOverTime(AboutHistory):
    """A question about one person's outcome over time."""

    target: Name | None = None
    site: Name | None = None


class Forecasted(AskedOverTime):
    """A question about what will be."""

    periods: Annotated[StrictInt, Field(ge=1, le=_MOST_AHEAD)] = 1
    plan: Do | None = None


class Advised(AskedOverTime):
    """A question about what could be kept to."""

    periods: Annotated[StrictInt, Field(ge=1, le=_MOST_AHEAD)] = 1


class Reviewed(AskedOverTime):
    """A question about what each visit told."""

    visits: Annotated[list[StrictInt] | None, Field(min_length=1, max_length=MOST_VISITS)] = None


class Planned(AskedOverTime):
    """A question about a plan."""

    do: Do
    from_: StrictInt | None = None
    until: StrictInt | None = None
    period: StrictInt | None = None


class _Out(BaseModel):
    model_config = ConfigDict(extra="allow")


class Interval(_Out):
    """Which interval every range is."""

    kind: str
    probability: float


class Row(_Out):
    """One quantity: its posterior mean and interval, and what the kind of answer adds."""

    name: str
    mean: float
    low: float
    high: float


class StateRow(Row):
    """The probability of a node's state."""

    node: str
    state: str
    without_answers: float


class Known(Row):
    """A number with what is known of it: its evidence, and what the data did to it."""

    grade: str
    total_grade: str
    total_outcome: str
    narrowed: bool | None
    contraction: float | None
    contraction_error: float | None
    moved_by_prior: float | None
    moved_by_likelihood: float | None
    unmeasured: str | None
    evidence: str
    support: list[str]


class CauseRow(Known):
    """A cause's share."""

    state: str
    sign: int
    playing: bool
    uninformative: bool
    p_effect: float | None = None
    leading: float | None = None
    monte_carlo_error: float | None = None
    at_least: bool | None = None
    lower_bound: float | None = None
    lower_bound_low: float | None = None
    upper_bound: float | None = None
    upper_bound_high: float | None = None
    without_answers: float | None = None


class ActionRow(Known):
    """An action; mean, low and high are of the absolute risk reduction."""

    risk_after: float
    p_helps: float
    p_best: float


class QuestionRow(_Out):
    """What an unanswered question would tell."""

    name: str
    bits: float
    low: float
    high: float
    share: float
    gain: float | None = None
    question: str


class _Answer[R: BaseModel](_Out):
    kind: str
    target: str
    evidence: dict[str, str]
    interval: Interval
    draws: int
    rows: list[R]
    text: str
    notes: list[str]
    warnings: list[str]


class RiskOut(_Answer[Row]):
    """Rows ``this person`` and ``average``."""


class Total(BaseModel):
    """A number's posterior mean and interval."""

    mean: float
    low: float
    high: float


class Choice(BaseModel):
    """A target that may be asked about."""

    target: str
    event: str


class Hundred(BaseModel):
    """A number of a hundred people, with its interval, in a sentence."""

    hundred: float
    low: float
    high: float
    text: str


class Bounds(BaseModel):
    """What a number lies between."""

    low: float
    high: float


class Counted(Total):
    """A probability, also as a number of a hundred people."""

    hundred: float


class ConsultationOut(_Answer[Row]):
    """The one question that is asked of a person: how likely, or what it took."""

    looking_back: bool
    event: str
    choices: list[Choice]
    answered: int
    headline: Hundred | None
    estimate: Total | None
    bounds: Bounds | None
    uninformative: bool
    average: Counted | None
    level: str | None
    causes: list[CauseRow]


class DiagnosisOut(_Answer[StateRow]):
    """One row a state of each unobserved node."""


class ContrastOut(_Answer[Row]):
    """Rows ``before``, ``after`` and ``change``."""


class AttributionOut(_Answer[CauseRow]):
    """One row a cause: shares by size, probabilities of causation in the graph's order."""

    method: str
    baseline: str | None
    total: Total | None


class RecommendationOut(_Answer[ActionRow]):
    """One row an action, the largest fall in risk first."""


class QuestionsOut(_Answer[QuestionRow]):
    """One row an unanswered question, the most telling first."""


class WhatIfOut(BaseModel):
    """A change, asked by doing where nothing answered lies downstream, else by looking back."""

    rung: str
    answer: ContrastOut


class FileOut(BaseModel):
    """A file as it was compared."""

    date: str | None
    model: str | None
    version: str | None
    reported: str | None


class AnswerChange(BaseModel):
    """An answer that is not the same in both files."""

    name: str
    kind: str
    before: str | int | float | None
    after: str | int | float | None
    node: str | None


class FollowUpOut(_Answer[Row]):
    """Rows ``before``, ``after``, ``change``, and where it is parted ``by the answers``, ..."""

    told: list[str]
    parted: str
    before: FileOut
    after: FileOut
    changed: list[AnswerChange]


class ForecastRow(Row):
    """A probability in one period."""

    kind: str
    period: int
    monte_carlo_error: float | None = None


class ForecastOut(_Answer[ForecastRow]):
    """One row for each kind and period."""

    periods: list[int]
    plan: str


class ReviewRow(Row):
    """A risk at a visit, or the change from the first to the last."""

    kind: str
    visit: int


class NodeChange(BaseModel):
    """A node that is told of otherwise at the last visit than at the first."""

    node: str
    before: str | None
    after: str | None


class ReviewOut(_Answer[ReviewRow]):
    """One row for each kind and visit."""

    visits: list[int]
    changed: list[NodeChange]


class PlannedRow(Row):
    """A risk without a plan, with it, or the change."""

    monte_carlo_error: float | None = None


class PlannedOut(_Answer[PlannedRow]):
    """Rows ``before``, ``after`` and ``change``, in one period."""

    period: int
    plan: str


class KeptRow(ActionRow):
    """An action that is kept to."""

    number_needed: float | None
    needed_low: float | None
    needed_high: float | None
    followed: str
    monte_carlo_error: float | None = None


class AdviceOut(_Answer[KeptRow]):
    """One row an action, the largest fall in risk first."""

    period: int


class FlagRow(BaseModel):
    """A red flag."""

    flag: str
    ticked: bool
    reported: bool
    urgency: str
    question: str
    means: str
    do: str
    sources: list[str]


class RedFlagsOut(BaseModel):
    """What is to be asked and said before any number; no number rests on it."""

    kind: str
    answered: bool
    called_for: bool
    urgency: str | None
    headline: str
    rows: list[FlagRow]
    from_answers: list[str]
    unfit: list[str]
    text: str


class Meaning(BaseModel):
    """What one answer means."""

    question: str
    node: str
    state: str


class Trouble(BaseModel):
    """An answer that could not be read."""

    question: str
    detail: str


class ReadOut(BaseModel):
    """A person as read: what was understood, and what was left out."""

    accepted: dict[str, str | int | float | None]
    evidence: dict[str, str]
    says: list[Meaning]
    problems: list[Trouble]


class ReadHistoryOut(BaseModel):
    """Each visit as read."""

    visits: list[ReadOut]


class NodeState(BaseModel):
    """A node's most likely state."""

    node: str
    state: str
    probability: float
    adverse: float
    seen: bool


class EdgeLift(BaseModel):
    """How much a cause's likely state raises the chance of an effect; approximate."""

    cause: str
    effect: str
    lift: float


class CascadeOut(BaseModel):
    """The graph with one person's likely states."""

    nodes: list[NodeState]
    edges: list[EdgeLift]
    routes: list[list[str]]


class ModelOut(BaseModel):
    """What the model learned from, and how it was judged."""

    api: str
    backrisk: str
    graph: str
    outcome: str | None
    survey: str | None
    people: int | None
    synthetic: bool
    sites: list[str]
    draws: int
    draws_in_model: int
    warnings: list[str]
    checks: list[str]
    disclaimer: str


class QuestionOut(BaseModel):
    """A question of the form; its name is the answer's key in a person."""

    name: str
    kind: str
    text: str
    unit: str
    options: list[str]
    low: float | None
    high: float | None
    sign: bool


class TopicOut(BaseModel):
    """A node and the questions that speak of it."""

    node: str
    group: str
    states: list[str]
    modifiable: bool
    description: str
    questions: list[QuestionOut]


class FormOut(BaseModel):
    """The form's topics, in order."""

    topics: list[TopicOut]


class Fault(BaseModel):
    """Where in the request a mistake is."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """An error as RFC 9457 has it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[Fault] | None = None


def fields(value: object, model: type[BaseModel]) -> dict[str, Any]:
    """Return the attributes of a value that a model asks for."""
    return {name: getattr(value, name) for name in model.model_fields if hasattr(value, name)}
