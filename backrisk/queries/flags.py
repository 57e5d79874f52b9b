"""What is asked and said before any number: red flags, and whom the model is not about.

Nothing here is computed from draws, and no number of any other answer rests on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal

from backrisk import _yaml
from backrisk._arguments import checked, shown
from backrisk._html import block, folded, paragraph, table
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.queries.answer import Renewed
from backrisk.queries.asked import clipped, named, read_answers, read_names
from backrisk.queries.saved import opened
from backrisk.survey import Codebook, Column, find_state, spelled_names
from backrisk.words import (
    capital,
    choices,
    decimal,
    disclaimer,
    listed,
    names_of,
    say,
    suggest,
    unit_of,
)

if TYPE_CHECKING:
    import pandas as pd

type Urgency = Literal["emergency", "same_day", "this_week"]

_LINE = 88  # characters of a line of the text


@dataclass(frozen=True)
class Source:
    """Where a red flag is from."""

    name: str
    link: str


@dataclass(frozen=True)
class RedFlag:
    """A sign that someone should look before anything else is done.

    Parameters
    ----------
    name : str
    urgency : {"emergency", "same_day", "this_week"}
        How soon.
    sources : tuple of Source
    answered_by : tuple of (str, str)
        Nodes of the graph and a state of each that, where it is reported, is this sign.
    """

    name: str
    urgency: Urgency
    sources: tuple[Source, ...]
    answered_by: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """Its name in words, in the language spoken."""
        return say(f"queries.red_flags.flags.{self.name}.name")

    @property
    def question(self) -> str:
        """The question that asks for it."""
        return say(f"queries.red_flags.flags.{self.name}.question")

    @property
    def means(self) -> str:
        """What it may mean."""
        return say(f"queries.red_flags.flags.{self.name}.means")

    @property
    def do(self) -> str:
        """What to do about it."""
        return say(f"queries.red_flags.flags.{self.name}.do")

    @property
    def soon(self) -> str:
        """How soon, in words."""
        return say(f"queries.red_flags.urgencies.{self.urgency}")

    @property
    def told(self) -> str:
        """That the answers report it, and how soon someone should look."""
        return say("queries.red_flags.reported", flag=self.label, urgency=self.soon)


@dataclass(frozen=True, repr=False)
class RedFlags:
    """What is asked, and what is to be said, before any number about one person.

    Parameters
    ----------
    graph : CausalGraph
    asked : tuple of RedFlag
        All that the graph's subject has, the most urgent first; none for other graphs.
    ticked : tuple of RedFlag
        Those that apply, the most urgent first.
    called_for : bool
        Whether the answers are such that everybody should be asked: with limiting pain, and with
        any pain where an answer is itself a flag.
    unfit : tuple of str
        What about the person the model is not made for; empty where nothing is known.
    answered : bool
        Whether somebody asked: then a flag that is not ticked was denied, and else it is unknown.
    reported : tuple of RedFlag
        Those that the person's other answers report, ticked or not; none where pain is reported to
        be absent, since they are signs of what causes it.
    """

    graph: CausalGraph = field(repr=False)
    asked: tuple[RedFlag, ...]
    ticked: tuple[RedFlag, ...]
    called_for: bool
    unfit: Renewed[tuple[str, ...]] = Renewed(())  # noqa: RUF009 (a descriptor)
    answered: bool = False
    reported: tuple[RedFlag, ...] = ()

    @property
    def urgency(self) -> Urgency | None:
        """How soon someone should look: the most urgent of what is ticked."""
        return self.ticked[0].urgency if self.ticked else None

    @property
    def headline(self) -> str:
        """What to do first; empty where nothing is ticked."""
        if not self.ticked:
            return ""
        first = self.ticked[0]
        pressing = [flag.label for flag in self.ticked if flag.urgency == first.urgency]
        return say("queries.red_flags.told", urgency=first.soon, flags=listed(pressing))

    def columns(self) -> dict[str, list[Any]]:
        """Return one row a flag as plain columns."""
        return {
            "flag": [flag.name for flag in self.asked],
            "ticked": [flag in self.ticked for flag in self.asked],
            "reported": [flag in self.reported for flag in self.asked],
            "urgency": [flag.urgency for flag in self.asked],
            "question": [flag.question for flag in self.asked],
            "means": [flag.means for flag in self.asked],
            "do": [flag.do for flag in self.asked],
            "sources": [[each.link for each in flag.sources] for flag in self.asked],
        }

    @property
    def table(self) -> pd.DataFrame:
        """One row a flag: whether it is ticked, how urgent, what it may mean and what to do."""
        import pandas as pd

        columns = self.columns()
        return pd.DataFrame(columns, index=pd.Index(columns.pop("flag"), name="flag"))

    def advice(self) -> list[str]:
        """Return what to do about each flag that is ticked."""
        return list(map(_advice, self.ticked))

    @property
    def unticked(self) -> tuple[RedFlag, ...]:
        """What the answers report and nobody ticked."""
        return tuple(flag for flag in self.reported if flag not in self.ticked)

    def from_answers(self) -> list[str]:
        """Return what the answers report that nobody ticked: how soon, and what to do about it."""
        return [said for flag in self.unticked for said in (flag.told, _advice(flag))]

    def sentences(self) -> list[str]:
        """Return all that is to be said before a number, the most pressing first."""
        if not self.asked:
            return [say("queries.red_flags.none_asked"), *self.unfit]
        if not self.ticked:
            return [*self.from_answers(), self.state, *self.unfit, self.caveat]
        told = [self.headline, *self.advice(), *self.from_answers()]
        return [*told, *self.unfit, self.caveat]

    @property
    def state(self) -> str:
        """Whether anybody asked, where nothing is ticked: none applies, or nothing is known."""
        key = "none" if self.answered else "called_for" if self.called_for else "not_asked"
        if self.reported:
            key = "none_but" if self.answered else "others"
        return say(f"queries.red_flags.{key}")

    @property
    def caveat(self) -> str:
        """What red flags are, and what they are not."""
        return say("queries.red_flags.accuracy")

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources of what is ticked, or of all where nothing is, each once."""
        of = (*self.ticked, *self.unticked) if self.ticked else self.asked
        return tuple(dict.fromkeys(source for flag in of for source in flag.sources))

    @property
    def text(self) -> str:
        """All of it in words."""
        sources = say("queries.red_flags.semicolon").join(each.name for each in self.sources)
        named = [say("queries.red_flags.sources", sources=sources)] if sources else []
        aside = [say("queries.red_flags.aside")] if self.asked else []
        return " ".join([*self.sentences(), *aside, *named, disclaimer()])

    def __str__(self) -> str:
        """Return the text, in lines that a terminal and a notebook hold."""
        return fill(self.text, _LINE)

    def __repr__(self) -> str:
        """Return how many are asked and what is ticked, in a line."""
        ticked = [flag.name for flag in self.ticked] if self.answered else None
        return f"RedFlags(asked={len(self.asked)}, ticked={ticked}, urgency={self.urgency!r})"

    def _repr_html_(self) -> str:
        """Return the flags that are ticked, or all, with how soon; what is said folds away."""
        shown = self.ticked or self.asked
        rows = {
            "": [capital(flag.label) for flag in shown],
            say("queries.red_flags.soon"): [flag.soon for flag in shown],
        }
        return block(
            say("queries.red_flags.title"),
            paragraph(self.headline if self.ticked else self.state if self.asked else ""),
            *map(paragraph, (*self.from_answers(), *self.unfit)),
            folded(say("queries.red_flags.table"), (flag.question for flag in self.asked))
            if not self.ticked
            else table(rows),
            *map(paragraph, self.advice()),
            paragraph(self.caveat if self.asked else say("queries.red_flags.none_asked")),
            paragraph(disclaimer()),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values: the JSON that the command line prints."""
        columns = self.columns()
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return {
            "kind": "redflags",
            "answered": self.answered,
            "called_for": self.called_for,
            "urgency": self.urgency,
            "headline": self.headline,
            "rows": rows,
            "from_answers": self.from_answers(),
            "unfit": list(self.unfit),
            "text": self.text,
        }


@checked("person")
def red_flags(
    posterior: Posterior,
    person: Mapping[str, Any] | None = None,
    flags: Sequence[str] | None = None,
) -> RedFlags:
    """Return what is to be asked and said about one person before any number. No rung: no model.

    Red flags are signs of a serious cause of the pain that this model knows nothing of: cauda
    equina syndrome, a fracture, an infection, a cancer, and in runners a stress injury of bone or
    too little energy. They are given by hand and change no number. None of them alone proves
    anything, and most have a low or an untested accuracy [1]_; each is a reason for an examination
    within the time that it states.

    Some answers about running are such a sign themselves (``answered_by`` of a flag, such as a leap
    in training). Where pain is not reported to be absent they are told, whatever was ticked.

    It is also said where the answers show a person whom the model is not about: a number outside
    of what the codebook calls typical (``typical``) of a column that says who people are (the
    role ``compared`` of the graph, such as age), or no running at all.

    Parameters
    ----------
    posterior : Posterior
        Of its graph and codebook; no draw is used.
    person : mapping, optional
        State labels by node, or raw answers of the codebook; incomplete allowed.
    flags : sequence of str, optional
        Names of the flags that apply, such as ``"night_pain"``; empty where they were asked about
        and none applies. By default what the saved form of the person says, and where it says
        nothing, nobody asked.

    Returns
    -------
    RedFlags

    Raises
    ------
    QueryError
        If the person is not understood, or there is no such flag; near names are suggested.

    Notes
    -----
    Flags and urgency follow the framework of the International Federation of Orthopaedic
    Manipulative Physical Therapists [2]_, NICE NG59 and NG234, the English pathway for suspected
    cauda equina syndrome, the IDSA guideline for vertebral osteomyelitis (doi:10.1093/cid/civ482),
    a review of bone stress injuries (doi:10.1038/s41572-022-00352-y) and the IOC consensus on
    relative energy deficiency [3]_. Each flag states its own.

    References
    ----------
    .. [1] Downie A et al. 2013, BMJ 347:f7095, doi:10.1136/bmj.f7095
    .. [2] Finucane LM et al. 2020, J Orthop Sports Phys Ther 50(7):350, doi:10.2519/jospt.2020.9971
    .. [3] Mountjoy M et al. 2023, Br J Sports Med 57(17):1073, doi:10.1136/bjsports-2023-106994

    Examples
    --------
    >>> from backrisk import example_posterior
    >>> found = red_flags(example_posterior(), {"pain": "limiting"}, ["night_pain", "fever"])
    >>> found.called_for, found.urgency, [flag.name for flag in found.ticked]
    (True, 'same_day', ['fever', 'night_pain'])
    """
    graph, book = posterior.graph, posterior.codebook
    given: Any = {} if person is None else person
    answers = named(graph, read_answers(graph, book, given))
    person_file = opened(given)
    if flags is None:
        flags = person_file.flags
    about = _about(graph.vocabulary)
    asked = about.flags
    known = [flag.name for flag in asked]
    if flags is not None and not isinstance(
        flags, Sequence | Set
    ):  # a frame would be read as the names of its columns
        raise QueryError(say("queries.names_form", option="flags", value=shown(flags)))
    named_flags = () if flags is None else read_names(flags, "flags")
    ticked = tuple(find_state(name, known) or name for name in named_flags)
    for name in ticked:
        if not known:
            told = say("queries.red_flags.no_flags", graph=graph.name, name=clipped(name))
            raise QueryError(told)
        if name not in known:
            hint = suggest(clipped(name), known)
            unknown = {"name": clipped(name), "hint": hint, "choices": choices(known)}
            raise QueryError(say("queries.red_flags.unknown", **unknown))
    limiting = any(answers.get(node) == state for node, state in about.called_for.items())
    pain = [answers[node] != graph.node(node).reference for node in about.hurts if node in answers]
    reported = tuple(flag for flag in asked if _reports(graph, answers, flag))
    if pain and not any(pain):
        reported = ()
    return RedFlags(
        graph,
        asked,
        tuple(flag for flag in asked if flag.name in ticked),
        bool(asked) and (limiting or (bool(reported) and any(pain))),
        unfit_for(posterior, person_file.person),
        flags is not None,
        reported,
    )


def unfit_for(posterior: Posterior, person: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what in a person's answers the model is not made for; see `red_flags`.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        In either form of a person file, of which the model understands every answer.
    """
    graph = posterior.graph
    runs = _about(graph.vocabulary).runs
    return tuple(_unfit(graph, posterior.codebook, opened(person).person, runs))


def _advice(flag: RedFlag) -> str:
    words = {"flag": capital(flag.label), "means": flag.means, "do": flag.do}
    return say("queries.red_flags.advice", **words)


def _reports(graph: CausalGraph, answers: Mapping[str, str], flag: RedFlag) -> bool:
    """Whether an answer is the sign: of its node, or of an item of the node in the same words."""
    return any(
        answers.get(name) == state
        for node, state in flag.answered_by
        if node in graph.names
        for name in (node, *(item for item in graph.items if graph.parents(item) == (node,)))
    )


@dataclass(frozen=True)
class _About:
    """What `flags.yaml` says of a vocabulary."""

    flags: tuple[RedFlag, ...] = ()
    called_for: Mapping[str, str] = field(default_factory=dict)
    hurts: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()


@cache
def _about(vocabulary: str) -> _About:
    read = _yaml.read(files("backrisk.queries") / "flags.yaml")
    found = read.get(vocabulary) if vocabulary != "sources" else None
    if not isinstance(found, Mapping):
        return _About()
    flags = tuple(
        RedFlag(
            name,
            each["urgency"],
            tuple(Source(**read["sources"][s]) for s in each["sources"]),
            tuple(each.get("answered_by", {}).items()),
        )
        for name, each in found["flags"].items()
    )
    return _About(flags, found["called_for"], tuple(found["hurts"]), tuple(found["runs"]))


def _unfit(
    graph: CausalGraph, book: Codebook | None, person: Mapping[str, Any], runs: Iterable[str]
) -> list[str]:
    """Say what in the answers the model is not made for."""
    if book is None:
        return []
    said = []
    person = dict(spelled_names(person, [*book.columns, *graph.names]))
    numbers = {
        name: (column, number)
        for name, column in book.columns.items()
        if name in person and (number := _number(book, column, person[name])) is not None
    }
    for column, number in numbers.values():
        if column.measured in graph.roles.compared and column.typical is not None:
            low, high = column.typical
            if not low <= number <= high:
                said.append(_outside(column, number, low, high))
    ran = [numbers[name][1] for name in runs if name in numbers]
    if ran and len(ran) == len(tuple(runs)) and not any(ran):
        said.append(say("queries.red_flags.no_run"))
    people = names_of(graph).text("meant_for")
    return [say("queries.red_flags.meant_for", people=people), *said] if said and people else said


def _number(book: Codebook, column: Column, answer: object) -> float | None:
    if column.type != "number":
        return None
    try:
        read = column.read(answer, book.missing)
    except ValueError:  # the state of a node that bears the column's name
        return None
    return read if isinstance(read, float) else None


def _outside(column: Column, number: float, low: float, high: float) -> str:
    def worded(value: float) -> str:
        return decimal(value, 0 if value == int(value) else 1)

    value = worded(number)
    if column.unit:
        value = say("queries.red_flags.with_unit", value=value, unit=unit_of(number, column.unit))
    return say(
        "queries.red_flags.outside",
        question=column.question,
        value=value,
        low=worded(low),
        high=worded(high),
    )
