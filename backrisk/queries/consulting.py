"""What is asked of one person: how likely the outcome is or, where it is there, what it took.

Every door asks through this, so that all of them open on one question about one target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from backrisk._arguments import checked
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.queries.answer import Answer, Target, row_name
from backrisk.queries.asked import event_from, named, read_person, read_target
from backrisk.queries.attribution.causes import players_of, reported_adverse
from backrisk.queries.attribution.methods import attribute, notes_on
from backrisk.queries.attribution.shown import Attribution
from backrisk.queries.flags import unfit_for
from backrisk.queries.recommendation import aside, before_target, options_of
from backrisk.queries.seeing import Risk, risk
from backrisk.queries.wording import unmeasured_note
from backrisk.summary import Estimate, in_hundred, summarise
from backrisk.words import TOGETHER, listed, of_hundred, say

Level = Literal["proximal", "distal"]


@dataclass(frozen=True, eq=False, repr=False)
class Consultation(Answer):
    """The one question that is asked of a person; ``draws`` is ``(draw,)``, of its headline.

    Parameters
    ----------
    asked : str
        The target as any other question takes it.
    choices : tuple of Target
        What else may be asked about, the mildest first; the target is one of them.
    answered : int
        Nodes that are reported and of which the target does not tell: with 0 there is nothing
        personal to say.
    likely : Risk, optional
        Where the target is not reported: how likely it is, beside the population surveyed.
    needed : Attribution, optional
        Where it is reported: the necessity of everything adverse, set together. None where
        nothing adverse is reported.
    causes : Attribution, optional
        Where it is reported: the necessity of each cause at `level`. None where the target has no
        cause, or nothing else is reported.
    level : str, optional
        The closest level that has a cause; None where the graph has no levels.
    """

    asked: str
    choices: tuple[Target, ...]
    answered: int
    likely: Risk | None = None
    needed: Attribution | None = None
    causes: Attribution | None = None
    level: Level | None = None

    @property
    def looking_back(self) -> bool:
        """Whether the target is reported, so that this asks what it took."""
        return self.likely is None

    @property
    def adverse(self) -> tuple[str, ...]:
        """The reported causes that are not in their healthy state, which are set together."""
        return () if self.needed is None else tuple(self.needed.causes[0].split(TOGETHER))

    @property
    def estimate(self) -> Estimate | None:
        """Mean and interval of the headline; None where nothing stands out."""
        if self.looking_back and self.needed is None:
            return None
        return Estimate.of(self.draws)

    @property
    def bounds(self) -> tuple[float, float] | None:
        """What holds of the headline without a coupling; None where there is none."""
        if self.needed is None or self.needed.limits is None:
            return None
        low, high = self.needed.limits
        return float(low[0]), float(high[0])

    @property
    def uninformative(self) -> bool:
        """Whether the headline rests on the coupling alone: without it, anything is possible."""
        return self.needed is not None and bool(self.needed.uninformative[0])

    @property
    def table(self) -> pd.DataFrame:
        """Rows ``this person`` and ``average``; looking back, everything adverse and each cause.

        Causes stand in the order of the graph, with the columns of `backrisk.Attribution`.
        """
        if self.likely is not None:
            return self.likely.table
        parts = []
        if self.needed is not None:
            whole = self.needed.table
            parts.append(whole.set_axis([row_name("adverse")]))
        if self.causes is not None:
            parts.append(self.causes.table)
        return pd.concat(parts) if parts else summarise(self.draws[:, None], [row_name("adverse")])

    def row_label(self, name: str) -> str:
        """Return how a person reads the name of a row of `table`."""
        if self.likely is not None:
            return self.likely.row_label(name)
        return say("queries.rows.adverse") if name == row_name("adverse") else self.names.node(name)

    @property
    def headline(self) -> str:
        """What the consultation opens on, in whole numbers of a hundred people."""
        words = {"people": self.names.text("people") or say("queries.consult.people")}
        words["target"] = self.target.label
        if self.likely is not None:
            words["population"] = self.likely.population
        found = self.estimate
        if found is None:
            key = "healthy" if self.answered else "nothing_answered"
            return say(f"queries.consult.took.{key}", **words)
        for name in ("mean", "low", "high"):
            words[name] = of_hundred(getattr(found, name))
        if not self.looking_back:
            key = "answered" if self.answered else "population"
            return say(f"queries.consult.risk.{key}", **words)
        assert self.needed is not None
        key = "at_least" if self.needed.at_least[0] else "about"
        if self.uninformative:
            assert self.bounds is not None
            key, (words["least"], words["most"]) = "open", map(of_hundred, self.bounds)
        return say(f"queries.consult.took.{key}", **words)

    def beside(self) -> list[str]:
        """Return what stands beside the headline: the population, or what was set, and bounds."""
        said: list[str] = []
        if self.likely is not None:
            if self.answered:
                average = of_hundred(float(self.likely.average.mean()))
                whom = self.likely.population
                said.append(say("queries.consult.average", average=average, population=whom))
            return said
        if self.needed is not None:
            nodes = listed(
                self.names.phrase(name, self.evidence[name])
                if name in self.evidence
                else say("queries.consult.by_sign", node=self.names.node(name))
                for name in self.adverse
            )
            said.append(say("queries.consult.together", nodes=nodes))
        if self.bounds is not None and not self.uninformative:
            low, high = map(of_hundred, self.bounds)
            said.append(say("queries.consult.limits", low=low, high=high))
        return said

    def sentences(self) -> list[str]:
        """Return what the answer says."""
        causes = [] if self.causes is None else self.causes.sentences()
        return [*dict.fromkeys([self.headline, *self.beside(), *causes])]

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values.

        Beside what every answer has: ``looking_back``; ``target`` as other questions take it, and
        ``event``, what it is called; ``choices``; ``answered``; ``headline``, its numbers in
        hundreds of people, None where nothing stands out; ``estimate``, ``bounds`` and
        ``average`` as fractions; ``uninformative``; ``level`` and ``causes``, the rows of
        `backrisk.attribute`.
        """
        estimate, bounds = self.estimate, self.bounds
        return {
            **super().to_dict(),
            "looking_back": self.looking_back,
            "target": self.asked,
            "event": self.target.label,
            "choices": [
                {"target": target_of(self.graph, each), "event": each.label}
                for each in self.choices
            ],
            "answered": self.answered,
            "headline": None if estimate is None else {**_hundred(estimate), "text": self.headline},
            "estimate": None if estimate is None else asdict(estimate),
            "bounds": None if bounds is None else dict(zip(("low", "high"), bounds, strict=True)),
            "uninformative": self.uninformative,
            "average": None if self.likely is None else _counted(Estimate.of(self.likely.average)),
            "level": self.level,
            "causes": [] if self.causes is None else self.causes.to_dict()["rows"],
        }


def _hundred(found: Estimate) -> dict[str, float]:
    mean, low, high = (in_hundred(share) for share in (found.mean, found.low, found.high))
    return {"hundred": mean, "low": low, "high": high}


def _counted(found: Estimate) -> dict[str, float]:
    return {**asdict(found), "hundred": in_hundred(found.mean)}


@checked("person")
def consult(
    posterior: Posterior, person: Mapping[str, Any], *, target: str | None = None
) -> Consultation:
    """Ask of a person the one question that everything else in a consultation rests on.

    Where the target is not reported to be there, this is how likely it is (rung: seeing); where
    it is, what it took (rung: counterfactual).

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        State labels by node, or raw answers of the codebook; incomplete allowed.
    target : str, optional
        A node, or ``"node>=state"``. Default: the graph's outcome; at the severity that is
        reported, where it is reported to be there.

    Returns
    -------
    Consultation
        ``draws``, shape ``(draw,)``. Write Y for the target being there and e for all that is
        reported.

        Not looking back: ``P(Y | e)``, the answers about the target itself and what follows from
        it left out of e. It is `backrisk.risk`.

        Looking back: ``P(not Y(a) | Y, e)``, the probability of necessity of everything adverse:
        a sets every cause that is reported away from its reference, or of which a reported sign
        is, to its reference, all together; the graph's ``traits``, which nobody can change, stay.
        It is `backrisk.attribute` by ``necessity`` of that set, under the monotone coupling.
        0 where nothing adverse is reported.

    Raises
    ------
    QueryError
        If the person or the target is not understood, or the evidence is impossible.

    Notes
    -----
    Assumptions are those of `backrisk.risk` and `backrisk.attribute`. A target that is more severe
    than what is reported is not there: then this is its probability given the other answers.
    Whom the model is not made for is told first among the notes, as by `backrisk.red_flags`.

    Bounds hold without the coupling (Tian and Pearl 2000, doi:10.1023/A:1018912507879).

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges(
    ...     [("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]}, outcome="y"
    ... )
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> print(consult(p, {"x": "yes"}).headline)
    Of 100 people who answer like this, about 80 (80 to 80) report y.
    >>> found = consult(p, {"x": "yes", "y": "yes"})
    >>> found.looking_back, found.draws.round(3).tolist(), found.adverse
    (True, [0.625], ('x',))
    """
    opening = what_to_ask(posterior, person, target)
    found = (_what_it_took if opening.looking_back else _how_likely)(posterior, opening)
    return replace(found, notes=(*unfit_for(posterior, person), *found.notes))


@dataclass(frozen=True)
class Opening:
    """What a consultation asks.

    Parameters
    ----------
    target : Target
    asked : str
        The same, as any other question takes it.
    evidence : mapping of node to state code
        All that is reported.
    others : mapping of node to state code
        Without the target and what follows from it.
    looking_back : bool
        Whether the target is reported to be there.
    """

    target: Target
    asked: str
    evidence: Mapping[str, int]
    others: Mapping[str, int]
    looking_back: bool


def what_to_ask(posterior: Posterior, person: Mapping[str, Any], target: str | None) -> Opening:
    """Read a person and a target: the one place that says what is asked of whom.

    Raises
    ------
    QueryError
        As `consult`.
    """
    graph = posterior.graph
    evidence = read_person(posterior, person)
    event = read_target(graph, target)
    reported = evidence.get(event.node)
    looking_back = reported in event.codes
    if reported is not None and looking_back and target is None:
        event = event_from(graph, event.node, reported)
    others = before_target(graph, evidence, event)
    return Opening(event, target_of(graph, event), evidence, others, looking_back)


def target_for(posterior: Posterior, person: object, target: str | None) -> str | None:
    """Return the target that a door asks about, whatever the question, so that answers compare.

    Parameters
    ----------
    posterior : Posterior
    person : mapping or sequence
        A history keeps the default of its question: its target lies in a later period.
    target : str, optional
        What was asked for. Default: as `consult` has it, so that someone who reports limiting
        pain is asked about limiting pain by every question.

    Raises
    ------
    QueryError
        As `consult`.
    """
    if target is not None or not isinstance(person, Mapping):
        return target
    return what_to_ask(posterior, person, None).asked


def _how_likely(posterior: Posterior, opening: Opening) -> Consultation:
    graph, event = posterior.graph, opening.target
    likely = risk(posterior, named(graph, opening.others), target=opening.asked)
    left = aside(graph, opening.evidence, opening.others, event)
    return Consultation(
        likely.draws,
        event,
        likely.evidence,
        opening.asked,
        _choices(graph, event),
        len(opening.others),
        likely=likely,
        graph=graph,
        notes=(say("queries.consult.seeing"), *left),
        warnings=likely.warnings,
    )


def _what_it_took(posterior: Posterior, opening: Opening) -> Consultation:
    graph, event, evidence = posterior.graph, opening.target, opening.evidence
    asked, labels = opening.asked, named(graph, evidence)
    needed = causes = level = None
    if adverse := reported_adverse(graph, evidence, event):
        needed = attribute(posterior, labels, [adverse], method="necessity", target=asked)
    if players_of(graph, event) and opening.others:
        level = closest_level(graph, event)
        causes = attribute(posterior, labels, method="necessity", level=level, target=asked)
    both = [answer for answer in (needed, causes) if answer is not None]
    return Consultation(
        np.zeros(posterior.draws) if needed is None else needed.draws[:, 0],
        event,
        labels,
        asked,
        _choices(graph, event),
        len(opening.others),
        needed=needed,
        causes=causes,
        level=level,
        graph=graph,
        notes=_notes(graph, evidence, event, both),
        warnings=posterior.warnings_about((event.node, *evidence)),
    )


def _notes(
    graph: CausalGraph, evidence: Mapping[str, int], event: Target, found: list[Attribution]
) -> tuple[str, ...]:
    """Return the notes of several answers of necessity, each said once."""
    sets = [tuple(cause.split(TOGETHER)) for answer in found for cause in answer.causes]
    if not sets:
        return ()
    errors = [answer.error for answer in found if answer.error is not None]
    evaluations = sum(answer.evaluations for answer in found)
    error = np.concatenate(errors) if errors else None
    return (
        *notes_on(graph, evidence, sets, "necessity", event, "monotone", error, evaluations),
        *unmeasured_note(graph, *(answer.support for answer in found)),
    )


def target_of(graph: CausalGraph, event: Target) -> str:
    """Return a target as `read_target` reads it.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> graph = load_graph("runner_core")
    >>> [target_of(graph, read_target(graph, asked)) for asked in ("pain", "pain>=limiting")]
    ['pain', 'pain>=limiting']
    """
    first = min(event.codes)
    return event.node if first == 1 else f"{event.node}>={graph.node(event.node).states[first]}"


def changeable_adverse(
    graph: CausalGraph, evidence: Mapping[str, int], target: Target
) -> tuple[str, ...]:
    """Return those of `reported_adverse` that advice is about, causes first.

    Raises
    ------
    QueryError
        If the target has no cause that could be advised on.
    """
    options, _ = options_of(graph, before_target(graph, evidence, target), target, None)
    advised = {name for name, _ in options}
    return tuple(name for name in reported_adverse(graph, evidence, target) if name in advised)


def closest_level(graph: CausalGraph, target: Target) -> Level | None:
    """Return the closest level that has a cause of the target; None where a graph has no levels."""
    players = set(players_of(graph, target))
    levels: tuple[Level, ...] = ("proximal", "distal")
    return next((name for name in levels if players.intersection(graph.playing(name))), None)


def _choices(graph: CausalGraph, event: Target) -> tuple[Target, ...]:
    """Return what may be asked of the target's node: every severity, whichever is reported."""
    node = graph.node(event.node)
    most = 1 if node.nominal else len(node.states) - 1
    return tuple(event_from(graph, node.name, first) for first in range(1, most + 1))
