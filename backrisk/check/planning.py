"""What a survey will be able to tell, before anybody is asked: study planning by simulation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.check.moment import demand_moment
from backrisk.check.planned import PlannedSurvey
from backrisk.check.quantities import read_causes
from backrisk.check.refitting import Fitter, generator, mixed, progress_bar
from backrisk.check.simulated import Simulated, Truth
from backrisk.check.study_plan import Asked, Sampled, StudyPlan
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph, OrdinalLogit, Saturated
from backrisk.posterior import Posterior
from backrisk.queries import Target, read_target
from backrisk.summary import SURE, interval
from backrisk.survey import Codebook, Survey
from backrisk.words import choices, say

_PRIOR_DRAWS = 1000
_MOST_CAUSES = 6  # whose effects are asked about where none is named
_CHECKS = 3  # surveys of each row that are sampled beside their approximation


@checked()
def plan_study(
    graph: CausalGraph,
    *,
    people: Sequence[int],
    seed: int,
    fits: int = 20,
    effects: str | Sequence[str] | None = None,
    shares: str | Sequence[str] = (),
    person: Mapping[str, str] | None = None,
    target: str | None = None,
    codebook: Codebook | None = None,
    unmeasured: str | Sequence[str] = (),
    items: Mapping[str, float] | None = None,
    examined: Mapping[str, float] | None = None,
    again: bool = False,
    missing: float | None = None,
    null: bool = True,
    quick: bool = False,
    draws: int = 250,
    tune: int = 300,
    evidence: bool = True,
    progress: bool = False,
) -> StudyPlan:
    """Simulate surveys before anybody is asked, to see how much they will tell.

    Truths are drawn from the prior of the fit, surveys from the truths, and the model is fitted to
    each. Surveys of different sizes and designs are of the same truths and people, so that they
    can be compared. All of it is synthetic.

    Parameters
    ----------
    graph : CausalGraph
    people : sequence of int
        Numbers of people to compare.
    seed : int
    fits : int
        Surveys behind each row. As many are simulated again for each cause without an effect.
    effects : str or sequence of str, optional
        Causes whose effect on the target is to be known, in everybody: last state against first.
        By default, without `shares`, every cause that can be modified, where these are few.
    shares : str or sequence of str
        Causes whose Shapley share of a person's risk is to be known.
    person : mapping of str to str, optional
        The person of the shares; by default one of whom nothing is known but that the cause is at
        its last state.
    target : str, optional
    codebook : Codebook, optional
        How surveys are read, with items and a design; by default a plain table of every node.
    unmeasured : str or sequence of str
        Columns that the planned survey does not have; another node stands for all that measure it.
    items : mapping of str to float, optional
        What one more question would buy: a node, and the reliability of a noisy answer about it.
    examined : mapping of str to float, optional
        What an examination without error of a part of the people would buy: a node that is not
        measured directly, and the share of people, chosen at random.
    again : bool
        What a second answer to every item would buy, of people who have not changed in between,
        its errors independent of the first given the node (test and retest).
    missing : float, optional
        Share of answers left out at random; by default as `backrisk.simulate` leaves them out.
    null : bool
        Simulate surveys in which a cause has no effect.
    quick : bool
        Approximate each fit by the normal distribution at its mode, which takes a tenth of the
        time. The first three surveys of each row are sampled too, and the plan says how widths and
        what is told compare: it is to be believed as far as these agree.
    draws, tune : int
        Of each of two chains, where fits are sampled.
    evidence : bool
        Draw from the prior that is conditioned on the graph's published figures, and fit with it.
    progress : bool
        Show a bar with a forecast.

    Returns
    -------
    StudyPlan

    Raises
    ------
    QueryError
        If a name is unknown, a number out of range, or a design has nothing to work on.
    FitError
        As `backrisk.fit`.

    Notes
    -----
    The width is that of the equal-tailed 90 % interval, averaged over the prior: the preposterior
    analysis of Bayesian design (Chaloner and Verdinelli 1995, doi:10.1214/ss/1177009939), with the
    average length criterion for sample size (Joseph, Wolfson and du Berger 1995, The Statistician
    44). A cause is told as one where the probability of an effect above zero is
    0.95 or more, as `Attribution.signs` has it. Where its effects on all nodes are zero, whatever
    their prior says, the share of surveys in which it is told is the rate of false alarms: with a
    prior that is sure of the effect, a small survey cannot contradict it.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> study = {"people": [50, 200], "seed": 1, "fits": 5, "missing": 0.0}
    >>> plan = plan_study(graph, target="y", effects="x", **study)
    >>> small, large = plan.table["width"]
    >>> bool(large < small)
    True
    """
    demand_moment(graph)
    event = read_target(graph, target)
    asked = _asked(graph, effects, shares, target)
    sizes = tuple(sorted(dict.fromkeys(people)))
    for name, number in (("people", sizes[0] if sizes else 0), ("fits", fits)):
        if number < 1:
            raise QueryError(say("check.refitting.too_few", name=name, number=number))
    planned = PlannedSurvey.of(graph, codebook, unmeasured, items or {}, examined or {}, again)
    simulated = Simulated(graph, planned.codebook, (), missing, evidence=evidence)
    for node, state in (person or {}).items():
        simulated.extended.node(node).code(state)
    causes = tuple(dict.fromkeys(each.cause for each in asked))
    nulls = tuple(c for c in causes if null and _can_be_null(simulated, c, event))
    study = _Study(simulated, planned, asked, sizes, event, target, person or {}, seed)
    fitter = Fitter(simulated, draws=draws, tune=tune, chains=2)
    also = min(_CHECKS, fits) if quick else 0
    shape = (len(asked), len(sizes), len(planned.designs))
    width, called = np.zeros((*shape, fits)), np.zeros((*shape, fits))
    null_called = np.full((*shape, fits), np.nan)
    sampled = Sampled(np.zeros((*shape, also)), np.zeros((*shape, also)))
    truth, unsound = np.zeros((len(asked), fits)), 0
    total = len(sizes) * len(planned.designs) * (fits * (1 + len(nulls)) + also)
    with progress_bar(total, show=progress) as advance:
        for number in range(fits):
            truth[:, number] = study.truth(number)
            for (n, d), survey, fit_seed in study.surveys(number, None):
                found = (fitter.quick if quick else fitter)(survey, fit_seed)
                unsound += not mixed(found)
                width[:, n, d, number], called[:, n, d, number] = study.told(found)
                advance()
                if number < also:
                    found = fitter(survey, fit_seed)
                    both = study.told(found)
                    sampled.width[:, n, d, number], sampled.called[:, n, d, number] = both
                    advance()
            for cause in nulls:
                own = [each.cause == cause for each in asked]
                for (n, d), survey, fit_seed in study.surveys(number, cause):
                    found = (fitter.quick if quick else fitter)(survey, fit_seed)
                    unsound += not mixed(found)
                    null_called[own, n, d, number] = study.told(found)[1][own]
                    advance()
    return StudyPlan(
        simulated.extended,
        event,
        asked,
        sizes,
        planned.designs,
        truth,
        width,
        called,
        null_called,
        study.prior_width(),
        unsound,
        tuple(cause for cause in causes if null and cause not in nulls),
        sampled if quick else None,
    )


@dataclass(frozen=True, eq=False)
class _Study:
    """The surveys of a plan, and what is asked of the fit of each.

    Parameters
    ----------
    simulated : Simulated
    planned : PlannedSurvey
    asked : tuple of Asked
    sizes : tuple of int
        Numbers of people, the largest last.
    event : Target
    target : str, optional
        As it was asked for.
    person : mapping of str to str
        Of the shares.
    seed : int
    """

    simulated: Simulated
    planned: PlannedSurvey
    asked: tuple[Asked, ...]
    sizes: tuple[int, ...]
    event: Target
    target: str | None
    person: Mapping[str, str]
    seed: int

    def _truth(self, number: int) -> tuple[Truth, int, int]:
        """Return a truth, the seed of its surveys and that of their fits."""
        rng = generator(self.seed, number)
        truth = self.simulated.truth(rng)
        return truth, int(rng.integers(2**31)), int(rng.integers(2**31))

    def truth(self, number: int) -> Array:
        """Return what is asked, of a truth, ``(asked,)``."""
        (asked,) = self._draws(self._truth(number)[0].posterior)
        return np.asarray(asked, dtype=np.float64)

    def surveys(
        self, number: int, null: str | None
    ) -> Iterator[tuple[tuple[int, int], Survey, int]]:
        """Yield every survey of a truth: its size and design, by place, and the seed of its fit.

        Parameters
        ----------
        number : int
            Of the truth.
        null : str, optional
            A cause that is to have no effect; else the survey is of the same people.
        """
        truth, seed, fit_seed = self._truth(number)
        if null is not None:
            truth = _without(self.simulated, truth, null)
        rng = np.random.default_rng(seed)
        frame = self.simulated.frame(truth, self.sizes[-1], rng)
        chosen = self.planned.examined(len(frame), rng)
        for n, size in enumerate(self.sizes):
            for d, design in enumerate(self.planned.designs):
                answers = self.planned.answers(frame.head(size), design, chosen)
                yield (n, d), self.simulated.survey(answers, truth), fit_seed

    def told(self, found: Posterior) -> tuple[Array, Array]:
        """Return the width of each interval, and whether a cause is told, each ``(asked,)``."""
        draws = self._draws(found)
        low, high = interval(draws)
        width: Array = high - low
        return width, ((draws > 0).mean(axis=0) >= SURE).astype(float)

    def prior_width(self) -> Array:
        """Return the width of each interval before any survey, ``(asked,)``."""
        rng = np.random.default_rng(self.seed)
        drawn = self.simulated.prior.draw(_PRIOR_DRAWS, rng)
        low, high = interval(self._draws(Posterior(self.simulated.extended, *drawn)))
        width: Array = high - low
        return width

    def _draws(self, posterior: Posterior) -> Array:
        """Return the draws of everything that is asked, ``(draw, asked)``."""
        about = (posterior, self.event, self.target, self.person)
        return np.column_stack([each.draws(*about) for each in self.asked])


def _asked(
    graph: CausalGraph,
    effects: str | Sequence[str] | None,
    shares: str | Sequence[str],
    target: str | None,
) -> tuple[Asked, ...]:
    """Return what is asked of each survey."""
    of_shares = read_causes(graph, shares, target) if shares else ()
    if effects is None:
        every = read_causes(graph, None, target)
        some = tuple(name for name in every if graph.node(name).modifiable) or every
        if not of_shares and len(some) > _MOST_CAUSES:
            raise QueryError(say("check.planning.many", count=len(some), known=choices(some)))
        effects = () if of_shares else some
    of_effects = read_causes(graph, effects, target) if effects else ()
    asked = [*(Asked("effect", c) for c in of_effects), *(Asked("share", c) for c in of_shares)]
    if not asked:
        raise QueryError(say("check.planning.nothing"))
    return tuple(asked)


def _can_be_null(simulated: Simulated, cause: str, target: Target) -> bool:
    """Return whether every way from a cause to the target starts where it can have no effect."""
    graph, mechanisms = simulated.extended, simulated.layout.mechanisms
    above = graph.ancestors(target.node) | {target.node}
    below = [name for name in graph.children(cause) if name in above]
    return all(isinstance(mechanisms[name], OrdinalLogit | Saturated) for name in below)


def _without(simulated: Simulated, truth: Truth, cause: str) -> Truth:
    """Return a truth in which a cause has no effect on any node but the answers about it."""
    fractions, beta = truth.posterior.fractions, truth.posterior.beta
    assert fractions is not None
    assert beta is not None
    graph, beta = simulated.extended, beta.copy()
    for at, (node, causes) in enumerate(simulated.layout.effect_terms):
        tells = node in graph.items or graph.node(node).mechanism == "response"
        if not tells and any(name == cause for name, _ in causes):
            beta[:, at] = 0.0
    fractions = fractions.copy()
    for node in graph.children(cause):
        each = simulated.layout.mechanism(node)
        if isinstance(each, Saturated):  # the rows of its first state stand for those of all
            part = fractions[0, simulated.layout.fraction_slices[node]]
            rows = np.moveaxis(
                part.reshape(*each.shape[:-1], -1), graph.parents(node).index(cause), 0
            )
            rows[:] = rows[:1].copy()
    return simulated.about(fractions, beta, np.random.default_rng(0))
