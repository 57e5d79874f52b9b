"""Which unanswered question would tell most about the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.inference import World, contradiction, each
from backrisk.posterior import Posterior
from backrisk.queries.answer import Answer, Target
from backrisk.queries.asked import (
    check_coupling,
    clipped,
    coupling_name,
    named,
    read_names,
    read_person,
    read_target,
)
from backrisk.queries.paths import downstream
from backrisk.queries.recommendation import aside, before_target, options_of
from backrisk.queries.seeing import probability
from backrisk.summary import interval
from backrisk.survey import find_state
from backrisk.words import decimal, percent, say, suggest

WORTH_ASKING = 0.005  # of what is uncertain; a question that tells less is not worth asking
_NOTICEABLE = 5e-5  # gain that would show as 0.01 points


@dataclass(frozen=True, eq=False, repr=False)
class Questions(Answer):
    """What each unanswered question would tell; ``draws`` is ``(draw, question)``, in bits.

    Parameters
    ----------
    questions : tuple of str
        The nodes or items.
    wording : tuple of str
        As the codebook asks; empty where it does not say.
    bits : ndarray, shape (question,)
        Expected information about the target, the parameters' uncertainty included.
    entropy : float
        Of the target, in bits, under the averaged draws.
    gain : ndarray, shape (question,), optional
        Expected gain in absolute risk reduction of the best action; None where not asked for.
    best : float, optional
        Reduction of the best action without any further answer; as `gain`.
    """

    questions: tuple[str, ...]
    wording: tuple[str, ...]
    bits: Array
    entropy: float
    gain: Array | None = None
    best: float | None = None

    @property
    def table(self) -> pd.DataFrame:
        """One row a question, the most telling first.

        ``bits`` is the information with draws averaged, ``low`` and ``high`` the interval of the
        information within each draw; ``share`` is ``bits`` over the target's entropy.
        """
        table = pd.DataFrame({"bits": self.bits}, index=pd.Index(self.questions))
        table["low"], table["high"] = interval(self.draws)
        table["share"] = self.bits / self.entropy if self.entropy > 0 else 0.0
        if self.gain is not None:
            table["gain"] = self.gain
        table["question"] = self.wording
        return table.sort_values("bits", ascending=False, kind="stable")

    def sentences(self) -> list[str]:
        """Return what the answer says."""
        if not self.questions:
            return [say("queries.ask_next.nothing")]
        table = self.table
        telling = table[table["share"] >= WORTH_ASKING]
        said: list[str] = [say("queries.ask_next.nothing_worth")] if telling.empty else []
        for rank, (name, row) in enumerate(telling.head(3).iterrows()):
            topic = self.names.node(str(name))
            if row["question"]:
                topic = say("queries.ask_next.worded", node=topic, question=row["question"])
            said.append(
                say(
                    "queries.ask_next.then" if rank else "queries.ask_next.first",
                    target=self.target.label,
                    question=topic,
                    bits=decimal(float(row["bits"]), 4),
                    share=percent(float(row["share"])),
                )
            )
        if self.gain is None or self.best is None:
            return said
        first = table["gain"].idxmax()
        gain = float(table["gain"].max())
        if gain < _NOTICEABLE:
            said.append(say("queries.ask_next.no_gain"))
        else:
            said.append(
                say(
                    "queries.ask_next.gain",
                    question=self.names.node(str(first)),
                    gain=decimal(100 * gain, 2),
                    reduction=decimal(100 * self.best, 1),
                )
            )
        return said


@checked("person")
def ask_next(
    posterior: Posterior,
    person: Mapping[str, Any],
    *,
    candidates: str | Sequence[str] | None = None,
    target: str | None = None,
    coupling: str = "monotone",
    gain: bool = True,
) -> Questions:
    """Tell which unanswered question would tell most. Rung: seeing; for the gain, counterfactual.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        State labels by node, or raw answers of the codebook; incomplete allowed.
    candidates : str or sequence of str, optional
        Nodes, items or columns of the codebook. Default: all that the codebook asks and the
        person does not report; without a codebook all unreported nodes.
    target : str, optional
    coupling : {"monotone", "independent_causes", "independent"}
        For the gain.
    gain : bool
        Whether to find the gain too, which takes most of the time.

    Returns
    -------
    Questions
        ``draws`` of the information within each draw, shape ``(draw, question)``; ``bits`` and
        ``gain`` as below.

    Raises
    ------
    QueryError
        If the person, a candidate or the target is not understood; as for `recommend` if no
        action is left to judge the gain by.

    Notes
    -----
    With Y whether the target is there, A the answer, e the evidence and p the probability
    averaged over draws, ``bits = I(Y; A | e)`` under p. That is what the answer says about Y when
    the parameters are uncertain as the posterior has them; the average of the information within
    draws differs from it. With R(a) the risk reduction of action a under p, the actions being
    those of `recommend` or none, ``gain = E_A[max_a R(a | A)] - max_a R(a)``: expected value of
    sample information (Raiffa and Schlaifer 1961), 0 where no answer would change the choice.
    ``gain`` averages over at most 100 evenly spaced draws, which is exact where there are fewer.
    As for `recommend` the target and what follows from it are set aside.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[1.0, 0.0], [0.0, 1.0]]]})
    >>> ask_next(p, {}).table["bits"].to_dict()
    {'x': 1.0}
    """
    graph = posterior.graph
    event = read_target(graph, target)
    reported = read_person(posterior, person)
    check_coupling(coupling)
    evidence = before_target(graph, reported, event)
    questions = _candidates(posterior, reported, event, candidates)
    now = World(posterior, evidence, {})
    answered, told = _beside_target(now, event, questions)
    there = next(iter(answered.values()))[1].sum(axis=0) if answered else probability(now, event)
    whole = float(there.mean())
    wording = _wording(posterior)
    notes: list[str] = []
    if questions and posterior.draws > 1:
        notes.append(say("queries.ask_next.bits"))
    gains, best = None, None
    if gain:
        gains, best = _gains(posterior, evidence, event, answered, told, coupling)
    if gain and questions:
        notes.append(say("queries.ask_next.judged", coupling=coupling_name(coupling)))
    return Questions(
        np.column_stack([information(table) for table in answered.values()])
        if answered
        else np.zeros((posterior.draws, 0)),
        event,
        named(graph, evidence),
        questions,
        tuple(wording.get(name, "") for name in questions),
        np.array([float(information(table.mean(axis=-1))) for table in answered.values()]),
        -sum(p * float(np.log2(p)) for p in (whole, 1.0 - whole) if p > 0),
        gains,
        best,
        graph=graph,
        notes=(*notes, *aside(graph, reported, evidence, event)),
        warnings=posterior.warnings_about((event.node, *evidence)),
    )


def _gains(
    posterior: Posterior,
    evidence: Mapping[str, int],
    target: Target,
    answered: Mapping[str, Array],
    told: Array,
    coupling: str,
) -> tuple[Array, float]:
    """Return what each answer is expected to add to the best action, and that action's reduction.

    `answered` is P(target or not, answer | evidence) of each question, ``(2, answer, draw)``, and
    `told` P(evidence), ``(draw,)``.
    """
    few = posterior.thinned
    kept = posterior.spaced(few.draws)
    without = {name: table[1][:, kept] for name, table in answered.items()}
    reductions = {name: [np.zeros(len(table))] for name, table in without.items()}
    for node, code in options_of(posterior.graph, evidence, target, None)[0]:
        then = World(few, evidence, {node: code}, coupling, among={target.node: target.codes})
        for name, table in _with_answers(then, tuple(answered)).items():
            reductions[name].append((without[name] - table / told[kept]).mean(axis=-1))
    gains = [
        max(0.0, float(np.max(found, axis=0).sum() - np.max(np.sum(found, axis=1))))
        for found in reductions.values()
    ]
    start = next(iter(reductions.values()), [np.zeros(1)])
    return np.array(gains), float(np.max(np.sum(start, axis=1)))


def information(joint: Array) -> Array:
    """Return the mutual information of two variables in bits.

    Parameters
    ----------
    joint : ndarray, shape (first, second, ...)
        Sums to 1 over its first two axes.

    Examples
    --------
    >>> float(information(np.array([[0.5, 0.0], [0.0, 0.5]])))
    1.0
    """
    expected = joint.sum(axis=0, keepdims=True) * joint.sum(axis=1, keepdims=True)
    ratio = np.divide(joint, expected, out=np.ones_like(joint), where=joint > 0)
    found: Array = np.maximum((joint * np.log2(ratio)).sum(axis=(0, 1)), 0.0)
    return found


def _candidates(
    posterior: Posterior,
    reported: Mapping[str, int],
    target: Target,
    candidates: str | Sequence[str] | None,
) -> tuple[str, ...]:
    graph, book = posterior.graph, posterior.codebook
    measures = {} if book is None else book.measures
    asked = {name: spec.node or name for name, spec in measures.items()}
    after = downstream(graph, target.node)
    if candidates is None:
        known = graph.names if book is None else asked.values()
        return tuple(
            name for name in graph.names if name in known and name not in {*reported, *after}
        )
    found = []
    for name in read_names(candidates, "candidates"):
        meant = find_state(name, [*asked, *graph.names])
        node = "" if meant is None else asked.get(meant, meant)
        if node not in graph.names:
            hint = suggest(name, [*asked, *graph.names])
            raise QueryError(
                say("queries.no_candidate", name=clipped(name), graph=graph.name, hint=hint)
            )
        if node in reported:
            raise QueryError(say("queries.candidate_reported", name=name))
        if node in after:
            raise QueryError(say("queries.candidate_downstream", name=name, target=target.node))
        found.append(node)
    return tuple(dict.fromkeys(found))


def _wording(posterior: Posterior) -> dict[str, str]:
    """Return the first question that the codebook words for each node."""
    found: dict[str, str] = {}
    measures = {} if posterior.codebook is None else posterior.codebook.measures
    for name, spec in measures.items():
        if spec.question:
            found.setdefault(spec.node or name, spec.question.strip())
    return found


def _beside_target(
    now: World, target: Target, questions: Sequence[str]
) -> tuple[dict[str, Array], Array]:
    """Return P(target absent or there, answer | evidence) of each question, and P(evidence).

    Raises
    ------
    QueryError
        If the answers contradict each other.
    """
    whole = _with_answers(now, questions)
    with_target = _with_answers(replace(now, among={target.node: target.codes}), questions)
    total = next(iter(whole.values())).sum(axis=0) if whole else now.joint([])
    if not total.all():
        raise QueryError(contradiction())
    found = {}
    for name, answer in whole.items():
        there = with_target[name]
        absent = np.maximum(answer - there, 0.0)  # below it by rounding alone
        found[name] = np.stack([absent, there]) / total
    return found, total


def _nodes_asked(graph: CausalGraph, questions: Sequence[str]) -> dict[str, str]:
    """Return the node that each question is about: an item's is the one that it measures."""
    return {q: graph.parents(q)[0] if q in graph.items else q for q in questions}


def _with_answers(world: World, questions: Sequence[str]) -> dict[str, Array]:
    """Return P(answer, evidence) for each question, ``(answer, draw)``.

    With what is known to be among some states, as all evidence.
    """
    asked = _nodes_asked(world.graph, questions)
    open_nodes = [n for n in dict.fromkeys(asked.values()) if n not in world.evidence]
    found = each(world, [(name, 0) for name in open_nodes]) if open_nodes else {}
    alone = next(iter(found.values())).sum(axis=0) if found else world.joint([])
    answered = {}
    for question, node in asked.items():
        table = found.get((node, 0))
        if question == node:
            assert table is not None
            answered[question] = table
            continue
        said = world.posterior.table(question)
        if table is None:
            answered[question] = alone * said[world.evidence[node]]
        else:
            answered[question] = np.einsum("cd,cad->ad", table, said)
    return answered
