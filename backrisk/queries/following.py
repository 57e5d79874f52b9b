"""What changed between two saved files of one person, and what that did to the estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from backrisk._arguments import checked
from backrisk._spelling import spell
from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph, UnrolledGraph
from backrisk.posterior import Posterior
from backrisk.queries.answer import Answer, Target, row_name
from backrisk.queries.asked import named, read_answers, read_person, read_target
from backrisk.queries.form import read_form
from backrisk.queries.recommendation import aside, before_target
from backrisk.queries.saved import Saved, opened
from backrisk.queries.seeing import risk
from backrisk.summary import described
from backrisk.survey import spelled_names
from backrisk.words import estimate, listed, points, say, shift

Parted = Literal["answers", "both", "today", "unnamed"]
Kind = Literal["added", "changed", "removed"]
_ROWS = ("before", "after", "change", "by_answers", "by_model")
_NAMED = 6  # answers of one kind that the text names


@dataclass(frozen=True)
class ChangedAnswer:
    """An answer that one file has and the other has not, or has otherwise.

    Parameters
    ----------
    name : str
        Of the answer: a column of the codebook, or a node.
    kind : {"added", "changed", "removed"}
    before, after : str, int, float or None
        As they were given; None where it was not.
    node : str, optional
        What it speaks of; None where it says something only together with others.
    """

    name: str
    kind: Kind
    before: Any
    after: Any
    node: str | None


@dataclass(frozen=True, eq=False, repr=False)
class FollowUp(Answer):
    """How an estimate changed between two files; ``draws`` is the change, ``(draw,)``.

    Parameters
    ----------
    before, after : ndarray, shape (draw,)
        The risk of the target by all that each file says but of the outcome and what follows from
        it.
    by_answers, by_model : ndarray, shape (draw,)
        What the answers and the model did to it; together the change.
    parted : {"answers", "both", "today", "unnamed"}
        Whether one model stands behind both files, the change is parted between answers and model,
        the earlier model was not at hand, or the earlier file names none: but for ``both`` all
        that is told is by today's model.
    changed : tuple of ChangedAnswer
    reported : tuple of str or None
        The outcome's state in either file; None where it was not answered.
    saved : tuple of Saved
        Both files.
    rests_on : tuple of int
        Nodes that each file reports and that its estimate rests on: with 0 the estimate is the
        model's average.
    """

    before: Array
    after: Array
    by_answers: Array
    by_model: Array
    parted: Parted
    changed: tuple[ChangedAnswer, ...]
    reported: tuple[str | None, str | None]
    saved: tuple[Saved, Saved]
    rests_on: tuple[int, int] = (0, 0)

    @property
    def quantities(self) -> dict[str, Array]:
        """The draws of each row of `table`, ``(draw,)``: ``before``, ``after``, ``change``.

        Where the change is parted, ``by_answers`` and ``by_model`` as well.
        """
        every = (self.before, self.after, self.draws, self.by_answers, self.by_model)
        rows = _ROWS if self.parted == "both" else _ROWS[:3]
        return dict(zip(rows, every, strict=False))

    def columns(self) -> dict[str, list[Any]]:
        """Return the rows ``before``, ``after`` and ``change``; both parts of it, where it has."""
        found = self.quantities
        return described(np.column_stack([*found.values()]), list(map(row_name, found)))

    def in_points(self, name: str) -> bool:
        """Return whether a row's number is a difference of probabilities."""
        return name in {row_name(row) for row in _ROWS[2:]}

    def row_label(self, name: str) -> str:
        """Return how a person reads the name of a row of `table`."""
        row = next(row for row in _ROWS if row_name(row) == name)
        return say(f"queries.rows.{row}")

    def sentences(self) -> list[str]:
        """Return what the answer says: the outcome, the estimate, whose doing, the answers."""
        return [*self.told(), *self._answers()]

    def told(self) -> list[str]:
        """Return all that the answer says but which answers are not as they were."""
        told = {
            "target": self.target.label,
            "before": estimate(self.before),
            "after": estimate(self.after),
            "shift": shift(self.draws),
        }
        parts = {"answers": points(self.by_answers), "model": points(self.by_model)}
        return [
            *self._outcome(),
            say(f"queries.follow_up.estimate.{self._answered()}", **told),
            say(f"queries.follow_up.parted.{self.parted}", **parts),
        ]

    def _answered(self) -> str:
        """Return which of the files answer anything that an estimate rests on."""
        before, after = map(bool, self.rests_on)
        if before == after:
            return "both" if after else "neither"
        return "after" if after else "before"

    def _outcome(self) -> list[str]:
        """Say what was reported of the outcome itself, where anything was."""
        node = self.target.node
        before, after = (
            None if state is None else self.names.phrase(node, state) for state in self.reported
        )
        told = {"node": self.names.node(node), "before": before, "after": after}
        if before is None and after is None:
            return []
        if before == after:
            return [say("queries.follow_up.outcome.same", **told)]
        if before is None or after is None:
            when = "after" if before is None else "before"
            return [say(f"queries.follow_up.outcome.only_{when}", **told)]
        return [say("queries.follow_up.outcome.changed", **told)]

    def _answers(self) -> list[str]:
        """Say which answers are not as they were; the table of a page or report tells of all."""
        if not self.changed:
            return [say("queries.follow_up.no_answers")]
        said: list[str] = []
        for kind in ("changed", "added", "removed"):
            some = [each for each in self.changed if each.kind == kind]
            if not some:
                continue
            words = [
                say(
                    f"queries.follow_up.answer.{kind}",
                    answer=self.names.node(each.name),
                    before=self.value_words(each.name, each.before),
                    after=self.value_words(each.name, each.after),
                )
                for each in some[:_NAMED]
            ]
            if left := len(some) - len(words):
                words.append(say("queries.follow_up.more", count=left, n=left))
            said.append(say(f"queries.follow_up.{kind}", answers=listed(words)))
        return said

    def value_words(self, name: str, value: Any) -> str:
        """Return how a person reads what was answered."""
        if name in self.graph.names and value in self.graph.node(name).states:
            return self.names.state(name, value)
        return "" if value is None else str(value)

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values, with both files and what changed between them."""
        files = [
            {
                "date": None if each.date is None else each.date.isoformat(),
                "model": each.model,
                "version": each.version,
                "reported": state,
            }
            for each, state in zip(self.saved, self.reported, strict=True)
        ]
        return {
            **super().to_dict(),
            "told": list(map(str, self.told())),
            "parted": self.parted,
            "before": files[0],
            "after": files[1],
            "changed": [
                {
                    "name": each.name,
                    "kind": each.kind,
                    "before": each.before,
                    "after": each.after,
                    "node": each.node,
                }
                for each in self.changed
            ],
        }


@checked("before", "after")
def follow_up(
    posterior: Posterior,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    earlier: Posterior | None = None,
    target: str | None = None,
) -> FollowUp:
    """Return what changed between two saved files of one person. Rung: seeing.

    Parameters
    ----------
    posterior : Posterior
        Today's model.
    before, after : mapping
        Two files of the same person, in either form that a person file has. What a file says of
        the outcome and of what follows from it is told, and counts for no estimate.
    earlier : Posterior, optional
        The model that the earlier file was saved with, where it is not today's.
    target : str, optional
        A node, or ``"node>=state"``, of both files. By default the lower severity of the outcome
        that both report, and where one of them reports none, the outcome.

    Returns
    -------
    FollowUp
        Write R(m, a) for ``P(target | what the file a says but of the target and of what follows
        from it)`` by the model m, as `consult` tells it of somebody without the target; a0 and a1
        for the files, m0 and m1 for the models. ``draws`` are of R(m1, a1) less R(m0, a0), shape
        ``(draw,)``. With `earlier` they are parted as Shapley's value of two players parts them,
        by the mean over both orders: ``by_answers`` is the mean of R(m0, a1) - R(m0, a0) and
        R(m1, a1) - R(m1, a0), and ``by_model`` the rest. Where `earlier` is not at hand, m0 is
        m1: all of the change told is that of the answers.

    Raises
    ------
    QueryError
        As for `risk`; if a file has a wrong form; if the later one bears an earlier date; if
        `earlier` is not the model that the earlier file names; if the model is one over time,
        of which `review` compares visits.

    Notes
    -----
    A change in what is known of a person, and not the effect of anything: it does not say what
    made the person change. Draws of two models are those of two fits, and are paired in order as
    independent ones; where one model has fewer, they are used again from the first.
    The parts rest on no order of time: it is not known which of both changed first (Shapley 1953,
    doi:10.1515/9781400881970-018).

    Answers that another model than their own does not understand are left out there, and named.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> q = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.4, 0.6]]]})
    >>> answer = follow_up(p, {"x": "yes"}, {"x": "no", "y": "no"}, earlier=q)
    >>> answer.draws.round(3).tolist()
    [-0.3]
    >>> answer.by_answers.round(3).tolist(), answer.by_model.round(3).tolist()
    ([-0.4], [0.1])
    """
    graph = posterior.graph
    if isinstance(graph, UnrolledGraph):
        raise QueryError(say("queries.follow_up.over_time"))
    files = _files(before, after)
    parted, then = _models(posterior, files[0], earlier)
    models = (then, posterior)
    kept = [[_read(models, files, model, file) for file in (0, 1)] for model in (0, 1)]
    node = read_target(graph, target).node
    reported = kept[0][0].evidence.get(node), kept[1][1].evidence.get(node)
    asked = _lower(graph, node, reported) if target is None else target
    told = [
        [_risk(model, each, asked, max(each.draws for each in models)) for each in read]
        for model, read in zip(models, kept, strict=True)
    ]
    change = told[1][1] - told[0][0]
    by_answers = 0.5 * (told[0][1] - told[0][0] + told[1][1] - told[1][0])
    event, evidence = read_target(graph, asked), kept[1][1].evidence
    return FollowUp(
        change,
        event,
        dict(evidence),
        told[0][0],
        told[1][1],
        by_answers,
        change - by_answers,
        parted,
        _changed(posterior, files, kept),
        reported,
        files,
        (_rests_on(then, kept[0][0], event), _rests_on(posterior, kept[1][1], event)),
        graph=graph,
        notes=_notes(posterior, event, files[1], kept, parted),
        warnings=posterior.warnings_about((event.node, *evidence)),
    )


def _files(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Saved, Saved]:
    """Read both files, the earlier first.

    Raises
    ------
    QueryError
    """
    then, now = opened(before), opened(after)
    if then.date is not None and now.date is not None and then.date > now.date:
        raise QueryError(say("queries.follow_up.order", before=then.date, after=now.date))
    return then, now


def _models(
    posterior: Posterior, then: Saved, earlier: Posterior | None
) -> tuple[Parted, Posterior]:
    """Return whose doing can be told, and the model that the earlier file is put to.

    Raises
    ------
    QueryError
        If the earlier model is another than the file names.
    """
    if earlier is not None:
        if then.model not in (None, earlier.checksum):
            told = {"named": then.model, "given": earlier.checksum}
            raise QueryError(say("queries.follow_up.other_model", **told))
        if earlier.checksum != posterior.checksum:
            return "both", earlier
        return "answers", posterior
    if then.model == posterior.checksum:
        return "answers", posterior
    return "unnamed" if then.model is None else "today", posterior


@dataclass(frozen=True)
class _Read:
    """What a model makes of a file: states by node, what answers say, and which are left out."""

    evidence: Mapping[str, str]
    says: Mapping[str, tuple[str, str]]
    left: tuple[str, ...] = ()


def _read(
    models: tuple[Posterior, Posterior], files: tuple[Saved, Saved], model: int, file: int
) -> _Read:
    """Read a file by a model: strictly by its own, else as far as it is understood.

    Raises
    ------
    QueryError
        As `read_person`, where the model is the file's own.
    """
    posterior, saved = models[model], files[file]
    own = model == file and (file == 1 or saved.model in (None, posterior.checksum))
    if own:
        read_person(posterior, saved.person)
    found = read_form(posterior, saved.person)
    return _Read(found.evidence, found.says, tuple(found.problems))


def _lower(graph: CausalGraph, node: str, reported: tuple[str | None, str | None]) -> str:
    """Return what both files are asked about: the lower severity, where both report one."""
    states = graph.node(node).states
    codes = [states.index(each) for each in reported if each in states]
    if len(codes) < 2 or min(codes) < 2 or graph.node(node).nominal:
        return node
    return f"{node}>={states[min(codes)]}"


def _risk(model: Posterior, read: _Read, target: str, draws: int) -> Array:
    """Return the risk by all that is told but of the target and of what follows from it.

    Parameters
    ----------
    model : Posterior
    read : _Read
    target : str
    draws : int
        Where there are fewer, they are used again from the first.

    Returns
    -------
    ndarray, shape (draw,)
    """
    graph = model.graph
    others = before_target(graph, _codes(graph, read), read_target(graph, target))
    return np.resize(risk(model, named(graph, others), target=target).draws, draws)


def _codes(graph: CausalGraph, read: _Read) -> dict[str, int]:
    return {name: graph.node(name).code(state) for name, state in read.evidence.items()}


def _rests_on(model: Posterior, read: _Read, event: Target) -> int:
    """Return how many nodes an estimate rests on."""
    return len(before_target(model.graph, _codes(model.graph, read), event))


def _changed(
    posterior: Posterior, files: tuple[Saved, Saved], kept: Sequence[Sequence[_Read]]
) -> tuple[ChangedAnswer, ...]:
    """Return every answer that is not the same in both files, in the order of the later one."""
    then, now = (_given(posterior, each.person) for each in files)
    found: list[ChangedAnswer] = []
    for name in {**now, **then}:
        if name in then and name in now and spell(then[name]) == spell(now[name]):
            continue
        kind: Kind = "added" if name not in then else "changed" if name in now else "removed"
        says = [read.says[name][0] for read in (kept[1][1], kept[0][0]) if name in read.says]
        node = says[0] if says else None
        found.append(ChangedAnswer(name, kind, then.get(name), now.get(name), node))
    return tuple(found)


def _given(posterior: Posterior, person: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers that are any, by the names that the model knows them by."""
    book, graph = posterior.codebook, posterior.graph
    columns = {} if book is None else book.columns
    return {
        name: raw
        for name, raw in spelled_names(person, [*columns, *graph.names])
        if not _blank(posterior, name, raw)
    }


def _blank(posterior: Posterior, name: str, raw: object) -> bool:
    """Return whether an answer stands for none."""
    book = posterior.codebook
    if spell(raw) is None:
        return True
    try:
        if book is not None and name in book.columns:
            spec = book.columns[name]
            return spec.read(raw, book.missing) is None
        return not read_answers(posterior.graph, book, {name: raw})
    except (ValueError, QueryError):  # not understood, and so an answer
        return False


def _notes(
    posterior: Posterior, event: Target, now: Saved, kept: Sequence[Sequence[_Read]], parted: Parted
) -> tuple[str, ...]:
    """Say what the comparison is, and what was left out of it."""
    graph, codes = posterior.graph, _codes(posterior.graph, kept[1][1])
    others = before_target(graph, codes, event)
    notes: list[str] = [say("queries.follow_up.known"), *aside(graph, codes, others, event)]
    if parted == "both":
        notes.append(say("queries.follow_up.orders"))
    if now.model not in (None, posterior.checksum):
        notes.append(say("queries.follow_up.later_model"))
    today, earlier = kept[1], kept[0] if parted == "both" else ()
    for key, read in (("today", today), ("earlier", earlier)):
        left = dict.fromkeys(name for each in read for name in each.left)
        if left:
            notes.append(say(f"queries.follow_up.left_out.{key}", names=listed(left)))
    return tuple(notes)
