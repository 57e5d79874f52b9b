"""What a causal graph is made of: nodes with ordered states, edges with their evidence, roles."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from statistics import NormalDist
from typing import Any

from backrisk._arguments import checked, checked_class
from backrisk._spelling import number_of, spell
from backrisk.errors import GraphError
from backrisk.words import choices, say, suggest

GRADES = ("strong", "moderate", "weak", "none", "contradicted")
ORIGINS = ("described", "literature", "measurement", "stated")
MECHANISMS = ("saturated", "ordinal_logit", "noisy_max", "item", "response")
MEASURES = ("OR", "RR", "HR", "other")
DESIGNS = (
    "systematic_review", "trial", "cohort", "cross_sectional", "case_control", "experiment",
    "simulation", "reasoning",
)  # fmt: skip
ANSWERED, NOT_ANSWERED = "answered", "not_answered"  # the states of a response node
_REACH = NormalDist().inv_cdf(0.975)  # published intervals are of 95 %

# An iterator has its order once; views of a mapping or of a NetworkX graph have one, and may pass.
_UNORDERED = (str, bytes, set, frozenset, dict, Iterator)


def in_order(given: object) -> bool:
    """Return whether something given holds its entries in an order that will be the same again.

    The order of states is their meaning, and that of edges the order of a CPT's axes.

    Examples
    --------
    >>> in_order(["no", "yes"]), in_order({"no", "yes"}), in_order("no")
    (True, False, False)
    """
    return isinstance(given, Iterable) and not isinstance(given, _UNORDERED)


def word(given: object) -> str:
    """Return the one spelling of a name or a state, however it was given; empty for none.

    Examples
    --------
    >>> word(" tight "), word(1.0), word("1.0"), word(True), word(None)
    ('tight', '1', '1', 'true', '')
    """
    return spell(given) or ""


def words(given: Any) -> Any:
    """Return names or states in their one spelling; what has no order stays, to be refused."""
    return tuple(map(word, given)) if in_order(given) else given


def _respell(element: Any, one: Iterable[str] = (), many: Iterable[str] = ()) -> None:
    """Give names and states of a frozen element their one spelling."""
    for key in one:
        object.__setattr__(element, key, word(getattr(element, key)))
    for key in many:
        object.__setattr__(element, key, words(getattr(element, key)))


@checked_class()
@dataclass(frozen=True)
class Prior:
    """A normal prior for the log odds ratio of an effect, reference to worst state of the cause.

    Parameters
    ----------
    mean, sd : float
        On the log odds scale; ``sd`` is positive.

    Examples
    --------
    An odds ratio around 2, between 1 and 4 with a probability of 0.90:

    >>> Prior(mean=0.69, sd=0.42)
    Prior(mean=0.69, sd=0.42)
    """

    mean: float
    sd: float

    @classmethod
    @checked()
    def from_odds_ratio(cls, low: float, high: float, probability: float = 0.90) -> Prior:
        """Turn the belief that an odds ratio lies between two values into a prior.

        Parameters
        ----------
        low, high : float
            Limits of the odds ratio, both above 0.
        probability : float
            That the odds ratio lies between them, with equal tails outside.

        Returns
        -------
        Prior

        Raises
        ------
        GraphError
            If the limits are not above 0 and in order, or the probability is not in (0, 1).

        Examples
        --------
        >>> prior = Prior.from_odds_ratio(1.0, 4.0)
        >>> round(prior.mean, 3), round(prior.sd, 3)
        (0.693, 0.421)
        """
        if not 0 < low < high < math.inf:
            raise GraphError(say("graph.odds_ratio_limits", low=low, high=high))
        if not 0 < probability < 1:
            raise GraphError(say("graph.odds_ratio_probability", probability=probability))
        reach = NormalDist().inv_cdf(0.5 + probability / 2)
        bottom, top = math.log(low), math.log(high)
        return cls((bottom + top) / 2, (top - bottom) / (2 * reach))


@checked_class("states")
@dataclass(frozen=True)
class Node:
    """A discrete variable; state 0 is the reference (healthiest), and the others are ordered.

    Name and states have one spelling, however they are given: outer space does not count, Unicode
    is composed, ``1.0`` is ``1``, truth is ``true`` or ``false``.

    Parameters
    ----------
    name : str
        An identifier: letters, digits and underscores.
    states : tuple of str
        Two labels or more, up to 1,000, from the reference to the worst.
    description : str
        What the variable is, in a sentence.
    group : str
        The group that it belongs to, under whose heading pages and reports list it.
    modifiable : bool
        Whether a person could change it.
    margin : tuple of float, optional
        Prior guess of its marginal distribution in the population: a share for each state, all
        above 0, summing to 1. Equal shares where it is left out.
    margin_source : str
        Where the margin comes from.
    concentration : float
        How many people's observations the margin is worth.
    mechanism : str, optional
        How it depends on its parents: ``saturated``, ``ordinal_logit``, ``noisy_max``, ``item`` (a
        survey answer) or ``response`` (whether a question was answered). Chosen by
        `CausalGraph.mechanism` where it is left out.
    interactions : tuple of pairs of parent names
        Products that an ``ordinal_logit`` adds to its main effects.
    reliability : float, optional
        For an item: how much an answer tells of the state, from 0 (nothing) to 1 (the state
        itself). Without it and without `misclassification`, nothing is known of the error and its
        prior is flat.
    misclassification : tuple of tuple of float, optional
        For an item, in place of a reliability: the probability of each answer, a row for each
        state of the construct that it measures. The answers may then be the item's own, such as
        yes and no where the construct is one of three kinds.
    row_people : tuple of float, optional
        For an item with a misclassification: how many people's observations each row is worth,
        where that differs; `concentration` where it is left out.
    fixed : bool
        For an item: its error is known, and not learned from the data.
    nominal : bool
        Its states have no order: as a cause it has one effect for each state other than the
        reference, and with causes of its own and more than two states it is ``saturated``.
    constant : bool
        Over time: a trait or a circumstance that is the same at every period. Its causes are
        constant as well.
    persist : bool
        Over time: its own state one period before is one of its causes.
    parted : bool
        Over time, beside `persist`: every other cause has an interaction with its own state one
        period before, so that how something begins and how it lasts have effects of their own.
    label : str
        How a person reads the node; made readable from its name where it is empty.
    labels : tuple of str
        How a person reads its states, one for each; made readable where it is empty. A decimal
        that was given with zeros at its end is read as it was given.

    Examples
    --------
    >>> fatigue = Node("fatigue", ("low", "moderate", "high"), modifiable=True)
    >>> fatigue.reference, fatigue.code("high")
    ('low', 2)
    """

    name: str
    states: tuple[str, ...]
    description: str = ""
    group: str = ""
    modifiable: bool = False
    margin: tuple[float, ...] | None = None
    margin_source: str = ""
    concentration: float = 10.0
    mechanism: str | None = None
    interactions: tuple[tuple[str, str], ...] = ()
    reliability: float | None = None
    misclassification: tuple[tuple[float, ...], ...] | None = None
    row_people: tuple[float, ...] | None = None
    fixed: bool = False
    nominal: bool = False
    constant: bool = False
    persist: bool = False
    parted: bool = False
    label: str = ""
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Give name and states their one spelling."""
        given = self.states
        _respell(self, one=("name", "group"), many=("states",))
        if in_order(self.interactions):
            object.__setattr__(self, "interactions", tuple(map(words, self.interactions)))
        if self.states and not self.labels and in_order(given):
            shown = tuple(map(_shown, given, self.states))
            if shown != self.states:
                object.__setattr__(self, "labels", shown)

    @property
    def reference(self) -> str:
        """The label of state 0."""
        return self.states[0]

    def code(self, label: str) -> int:
        """Return the position of a state's label.

        Raises
        ------
        GraphError
            If the node has no such state.
        """
        label = word(label)
        if label not in self.states:
            raise GraphError(
                say(
                    "graph.no_state",
                    node=self.name,
                    state=label,
                    suggestion=suggest(label, self.states),
                    states=choices(self.states),
                )
            )
        return self.states.index(label)


def _shown(given: object, state: str) -> str:
    """Return how a state is read: 1.50 as it was given, anything else as the state."""
    text = str(given).strip()
    number = number_of(text)
    return text if number is not None and not number.is_integer() else state


@checked_class()
@dataclass(frozen=True)
class Edge:
    """A direct causal claim, with its evidence.

    Parameters
    ----------
    cause, effect : str
        Names of nodes.
    claim : str
        The claim in a sentence.
    origin : str
        ``described`` (the described cascade), ``literature``, ``measurement`` or ``stated``.
    grade : str
        ``strong``, ``moderate``, ``weak``, ``none`` or ``contradicted``.
    prior : Prior, optional
        For the log odds ratio; none where a graph states no belief. Where the cause is nominal,
        for that of each of its states to the reference.
    citations : tuple of str
        DOIs or the like.
    state_priors : tuple of (str, Prior)
        In place of `prior`, where the cause is nominal: one for each state but the reference.

    Examples
    --------
    >>> edge = Edge("fatigue", "pain", "Fatigue leads to pain.", "stated", "weak", Prior(0.4, 0.3))
    >>> edge.cause, edge.grade
    ('fatigue', 'weak')
    """

    cause: str
    effect: str
    claim: str
    origin: str
    grade: str
    prior: Prior | None = None
    citations: tuple[str, ...] = ()
    state_priors: tuple[tuple[str, Prior], ...] = ()

    def __post_init__(self) -> None:
        """Give names and states their one spelling."""
        _respell(self, one=("cause", "effect"))
        each = tuple((word(state), prior) for state, prior in self.state_priors)
        object.__setattr__(self, "state_priors", each)

    @property
    def priors(self) -> tuple[Prior, ...]:
        """Every prior that the edge states."""
        one = () if self.prior is None else (self.prior,)
        return (*one, *(prior for _, prior in self.state_priors))

    def prior_of(self, state: str) -> Prior | None:
        """Return the prior for one state of a nominal cause; none where no belief is stated."""
        return dict(self.state_priors).get(state, self.prior)


def bare_edge(cause: str, effect: str) -> Edge:
    """Return an edge of which no more is said than that it is there."""
    return Edge(cause, effect, f"{cause} affects {effect}", "stated", "none")


@checked_class()
@dataclass(frozen=True)
class Lagged(Edge):
    """A direct causal claim from one period to the next: the cause now, the effect one later.

    A model of one moment does not use it; `unroll` does. A node may cause itself: then its own
    past is a cause of it (see `Node.persist`), with the evidence for that.

    Parameters
    ----------
    cause, effect : str
        Names of nodes; both may be the same.
    claim : str
        The claim in a sentence.
    origin : str
        As for `Edge`; ``described`` where it is left out.
    grade : str
        As for `Edge`; ``none`` where it is left out.
    prior : Prior, optional
        As for `Edge`.
    citations : tuple of str
        DOIs or the like.
    state_priors : tuple of (str, Prior)
        As for `Edge`.

    Examples
    --------
    >>> lagged = Lagged("pain", "compensation", "Pain changes movement.")
    >>> lagged.origin, lagged.grade
    ('described', 'none')
    """

    origin: str = "described"
    grade: str = "none"


def bare_lagged(cause: str, effect: str) -> Lagged:
    """Return a lagged edge of which no more is said than that it is there."""
    return Lagged(cause, effect, str(say("graph.later", cause=cause, effect=effect)), "stated")


@dataclass(frozen=True)
class Figure:
    """A published figure on how a cause goes with an effect.

    Parameters
    ----------
    cause, effect : str
        Nodes. The effect is the node that comes nearest to what was measured (see `outcome`).
    measure : str
        ``OR`` (odds ratio), ``RR`` (risk ratio), ``HR`` (hazard or incidence rate ratio), of the
        exposed over the reference states, or ``other``, of which the note says more.
    estimate, low, high : float, optional
        The figure and its 95 % interval; none where none was published.
    reference, exposed : tuple of str
        Which states of the cause were compared; empty where what was studied is not a contrast of
        the node's states.
    event : str
        Of the effect, such as ``pain>=not_limiting``: the states from that one on; empty where
        what was measured is no event of the node.
    adjusted_for : tuple of str
        Nodes that the figure is adjusted for; none where it is crude or where the covariates are
        no nodes of the graph.
    condition : bool
        Whether it may condition the graph's prior: it has an interval, compares states of the
        cause in an event of the effect, and no other row has the same contrast of the same study.
    outcome, population : str
        What was measured, and in whom.
    design : str
        ``systematic_review``, ``trial``, ``cohort``, ``cross_sectional``, ``case_control``,
        ``experiment`` (a comparison in a laboratory), ``simulation`` or ``reasoning``.
    n : int, optional
        People, or studies where the note says so.
    grade : str
        How good the evidence is that the cause acts on that outcome, by any path: in the words of
        an edge's grade.
    note : str
        What a reader must know to use it.
    citation, identifier : str
        The source; its DOI, PMID or PMCID.

    Examples
    --------
    >>> figure = Figure(
    ...     "fatigue", "pain", "OR", 2.68, 1.29, 5.55, ("low", "moderate"), ("high",),
    ...     "pain>=not_limiting", condition=True, design="cross_sectional",
    ... )
    >>> round(figure.log_estimate, 3), round(figure.standard_error, 3)
    (0.986, 0.372)
    """

    cause: str
    effect: str
    measure: str = "other"
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    reference: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    event: str = ""
    adjusted_for: tuple[str, ...] = ()
    condition: bool = False
    outcome: str = ""
    population: str = ""
    design: str = "reasoning"
    n: int | None = None
    grade: str = "none"
    note: str = ""
    citation: str = ""
    identifier: str = ""

    def __post_init__(self) -> None:
        """Give names and states their one spelling."""
        _respell(self, ("cause", "effect"), ("reference", "exposed", "adjusted_for"))
        if self.event:
            node, begins, state = self.event.partition(">=")
            object.__setattr__(self, "event", f"{word(node)}{begins}{word(state)}")

    @property
    def contrast(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The states of the cause that are compared: reference, exposed."""
        return self.reference, self.exposed

    @property
    def log_estimate(self) -> float:
        """The logarithm of a ratio; NaN without an estimate."""
        return math.nan if self.estimate is None else math.log(self.estimate)

    @property
    def standard_error(self) -> float:
        """The standard error of the logarithm of a ratio, from its interval; NaN without one."""
        if self.low is None or self.high is None:
            return math.nan
        return (math.log(self.high) - math.log(self.low)) / (2 * _REACH)


@dataclass(frozen=True)
class Prevalence:
    """A published share of people in one state of a node, or in any of several.

    Parameters
    ----------
    node : str
        The node that it is about.
    states : tuple of str
        The states of which it is the share together.
    share : float
        Between 0 and 1.
    what : str
        What was measured, and in whom.
    count, n : int, optional
        Of how many it is the share.
    citation, identifier : str
        The source; its DOI, PMID or PMCID.

    Examples
    --------
    >>> Prevalence("fatigue", ("high",), 0.173, "at the end of a race", 138, 800).share
    0.173
    """

    node: str
    states: tuple[str, ...]
    share: float
    what: str = ""
    count: int | None = None
    n: int | None = None
    citation: str = ""
    identifier: str = ""

    def __post_init__(self) -> None:
        """Give names and states their one spelling."""
        _respell(self, ("node",), ("states",))


@dataclass(frozen=True)
class Roles:
    """Which nodes play which part in answers and reports; each entry names a node or a group.

    Parameters
    ----------
    proximal, distal : tuple of str
        The two levels that causes are asked about: those near the outcome, and habits and history
        far from it. A graph that states neither has one level: every ancestor of the target.
    passing : tuple of str
        Nodes that pass on what reaches them: routes into the target end where they enter these.
    advised : tuple of str
        What is advised on where nothing else is asked; every modifiable node where it is empty.
    compared : tuple of str
        What a cohort is divided by where nothing else is asked.
    traits : tuple of str
        What nobody can change: it stays a person's own, and is no player in an attribution.
    healthy : tuple of str
        Habits and circumstances, as against what the body makes of them: the healthy baseline of
        an attribution sets them to their reference even where they have causes.
    answered : tuple of str
        What a simulated person always answers.
    skipped_by : tuple of str
        Simulated people who are not at the reference of these skip tests more often.
    exposure, latent, adjusted, selected : tuple of str
        What DAGitty says of nodes, and what is written for it; no answer uses them.

    Examples
    --------
    >>> Roles(advised=("habits",), compared=("age", "sex")).compared
    ('age', 'sex')
    """

    proximal: tuple[str, ...] = ()
    distal: tuple[str, ...] = ()
    passing: tuple[str, ...] = ()
    advised: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    healthy: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    skipped_by: tuple[str, ...] = ()
    exposure: tuple[str, ...] = ()
    latent: tuple[str, ...] = ()
    adjusted: tuple[str, ...] = ()
    selected: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Give the names their one spelling."""
        _respell(self, many=tuple(role.name for role in fields(self)))


@dataclass(frozen=True)
class LeftOut:
    """What a reader may look for in a graph, and why it is no node of it.

    Parameters
    ----------
    name : str
        An identifier that no node has.
    reason : str
        In a sentence or more.
    """

    name: str
    reason: str

    def __post_init__(self) -> None:
        """Give the name its one spelling."""
        _respell(self, one=("name",))


@dataclass(frozen=True)
class Stated:
    """What a graph states, before it is checked and anything is derived: see `CausalGraph`."""

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    lagged: tuple[Lagged, ...] = ()
    outcome: str | None = None
    title: str = ""
    description: str = ""
    roles: Roles = field(default_factory=Roles)
    groups: tuple[tuple[str, str], ...] = ()
    vocabulary: str = ""
    figures: tuple[Figure, ...] = ()
    prevalences: tuple[Prevalence, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    tied: tuple[tuple[str, str], ...] = ()
