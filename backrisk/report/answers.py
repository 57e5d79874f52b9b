"""What reports ask, once, before anything is laid out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backrisk.cohort import Agreement, agreement_with
from backrisk.errors import QueryError
from backrisk.inference import World
from backrisk.posterior import Posterior
from backrisk.queries import (
    Attribution,
    Consultation,
    FollowUp,
    Questions,
    Recommendation,
    RedFlags,
    Target,
    ask_next,
    attribute,
    before_target,
    changeable_adverse,
    consult,
    named,
    opened,
    probability,
    read_person,
    read_target,
    recommend,
    red_flags,
)
from backrisk.summary import Estimate
from backrisk.survey import Frame, Survey, spelled_names
from backrisk.words import say

if TYPE_CHECKING:
    import pandas as pd

_DRAWS = 400  # of a model, for what a card computes


@dataclass(frozen=True, eq=False)
class PersonAnswers:
    """All that a person's report shows, asked once.

    Parameters
    ----------
    posterior : Posterior
        That the answers came from.
    person : mapping
        As it was reported: states by node, or raw answers of the codebook.
    reported : mapping of node to state
        The same, read.
    consultation : Consultation
        What it opens on; everything else has its target.
    shares : Attribution, optional
        By ``shapley``, against the healthy baseline, the target's own answer left out.
    advice : Recommendation, optional
        Where the target is not reported.
    undone : Attribution, optional
        Where it is: the necessity of each habit that is reported adverse and could be changed.
        None where there is no such habit.
    questions : Questions, optional
    left_out : mapping of str to sentence
        Why there are no ``shares``, no ``advice`` or ``undone``, no ``questions``.
    all_draws : int
        Of the model, where the answers rest on fewer.
    flags : RedFlags
        What is said before any number.
    followed : FollowUp, optional
        Since an earlier file, where one was given.
    """

    posterior: Posterior
    person: Mapping[str, Any]
    reported: Mapping[str, str]
    consultation: Consultation
    shares: Attribution | None
    advice: Recommendation | None
    undone: Attribution | None
    questions: Questions | None
    left_out: Mapping[str, str]
    all_draws: int
    flags: RedFlags
    followed: FollowUp | None = None


def person_answers(
    posterior: Posterior,
    person: Mapping[str, Any],
    *,
    target: str | None = None,
    draws: int | None = None,
    flags: Sequence[str] | None = None,
) -> PersonAnswers:
    """Ask all that a person's report shows. Rungs: seeing and counterfactual.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        State labels by node, or raw answers of the codebook; incomplete allowed.
    target : str, optional
        As for `backrisk.consult`, whose target all answers share.
    draws : int, optional
        Use at most so many draws, evenly spaced.
    flags : sequence of str, optional
        Red flags that apply; see `backrisk.red_flags`.

    Returns
    -------
    PersonAnswers

    Raises
    ------
    QueryError
        If the person, the target or a red flag is not understood.

    Notes
    -----
    Estimands and assumptions are those of `backrisk.consult`, `backrisk.attribute` (``shapley``
    and, where the target is reported, ``necessity``), `backrisk.recommend` and
    `backrisk.ask_next`. What cannot be asked, for the target has no cause or nothing but it is
    reported, is left out.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> states = {"x": ["no", "yes"], "y": ["no", "yes"]}
    >>> g = CausalGraph.from_edges([("x", "y")], states, outcome="y")
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> answers = person_answers(p, {"x": "yes", "y": "yes"})
    >>> answers.consultation.draws.round(3).tolist(), answers.shares.draws.round(3).tolist()
    ([0.625], [[0.5]])
    """
    held = posterior.draws
    if draws is not None:
        posterior = posterior.subset(draws)
    found = red_flags(posterior, person, flags)
    book = posterior.codebook
    known = (*(() if book is None else book.columns), *posterior.graph.names)
    person = dict(spelled_names(opened(person).person, known))
    consultation = consult(posterior, person, target=target)
    asked, event = consultation.asked, consultation.target
    codes = read_person(posterior, person)
    reported = named(posterior.graph, codes)
    before = named(posterior.graph, before_target(posterior.graph, codes, event))
    left_out: dict[str, str] = {}

    def ask[A](name: str, question: Callable[[], A]) -> A | None:
        """Ask, or say why that is no question: what is asked in vain is left out."""
        if name != "questions" and not consultation.answered:
            left_out[name] = say("report.person.nothing_personal")
            return None
        try:
            return question()
        except QueryError as error:
            left_out[name] = str(error)
            return None

    def undone() -> Attribution | None:
        """Ask of each change alone what `consult` asks of all that is adverse."""
        causes = changeable_adverse(posterior.graph, codes, event)
        if not causes:
            return None
        return attribute(posterior, reported, causes, method="necessity", target=asked)

    back = consultation.looking_back
    return PersonAnswers(
        posterior,
        person,
        reported,
        consultation,
        ask("shares", lambda: attribute(posterior, before, target=asked)),
        None if back else ask("advice", lambda: recommend(posterior, reported, target=asked)),
        ask("advice", undone) if back else None,
        ask("questions", lambda: ask_next(posterior, reported, target=asked)),
        left_out,
        held,
        found,
    )


@dataclass(frozen=True, eq=False)
class CardAnswers:
    """All that a model card shows, computed once.

    Parameters
    ----------
    posterior : Posterior
        The whole model.
    target : Target
    average : Estimate
        P(target) over everyone.
    groups : tuple of (str, str, Estimate)
        Node, state and P(target | state), of the nodes that the graph compares people by.
    shares : Attribution
        Of the population surveyed against the healthy baseline, by ``shapley``.
    learned : pandas.DataFrame, optional
        As `backrisk.check.learned` returns it; None where the model holds no prior.
    mostly_prior : tuple of str
        Nodes of which little was learned.
    agreement : Agreement, optional
        With the outcomes of a survey, where one was given and some are known.
    in_sample : bool
        Whether its people look like those of the fit.
    """

    posterior: Posterior
    target: Target
    average: Estimate
    groups: tuple[tuple[str, str, Estimate], ...]
    shares: Attribution
    learned: pd.DataFrame | None
    mostly_prior: tuple[str, ...]
    agreement: Agreement | None
    in_sample: bool


def card_answers(
    posterior: Posterior,
    *,
    survey: Survey | str | Path | Frame | None = None,
    target: str | None = None,
) -> CardAnswers:
    """Ask all that a model card shows, of at most 400 draws. Rungs: seeing and doing.

    Parameters
    ----------
    posterior : Posterior
    survey : Survey, str, Path or frame, optional
        People with known outcomes.
    target : str, optional
        A node, or ``"node>=state"``; default the graph's outcome.

    Returns
    -------
    CardAnswers

    Raises
    ------
    SurveyError, QueryError
        If the survey cannot be read or the target is not understood.
    """
    from backrisk.check import learned

    few = posterior.subset(_DRAWS)
    graph = few.graph
    event = read_target(graph, target)
    found, in_sample = None, False
    if survey is not None:
        found, in_sample = agreement_with(few, survey, target=target)
    groups = tuple(
        (name, state, Estimate.of(probability(World(few, {name: code}, {}), event)))
        for name in graph.playing("compared")
        if name != event.node
        for code, state in enumerate(graph.node(name).states)
    )
    moved = learned(posterior) if posterior.has_prior else None
    prior: tuple[str, ...] = ()
    if moved is not None:
        prior = tuple(map(str, moved.index[moved["reading"] == say("check.mostly_prior")]))
    return CardAnswers(
        posterior,
        event,
        Estimate.of(probability(World(few, {}, {}), event)),
        groups,
        attribute(few, {}, target=target),
        moved,
        prior,
        found,
        in_sample,
    )
