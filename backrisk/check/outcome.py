"""Whether predicted risks of the outcome come true: calibration, scores, net benefit."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill
from typing import Literal

import numpy as np
import pandas as pd

from backrisk._arguments import checked
from backrisk.check.left_out import (
    Group,
    LeftOut,
    groups_of,
    is_external,
    leave_one_out,
    person_weights,
)
from backrisk.check.measures import TIMES, Predicted, judge_risks, optimism_of
from backrisk.check.ordering import Order
from backrisk.check.regression import fold_risks, leave_one_out_risks
from backrisk.check.reliability import Disagreement, acted_on, log_odds
from backrisk.check.rows import demand_people
from backrisk.errors import QueryError
from backrisk.posterior import Posterior
from backrisk.queries import Target, demand_risks, read_target
from backrisk.summary import INTERVAL
from backrisk.survey import Survey
from backrisk.words import decimal, percent, say, whole

Verdict = Literal["contradicted", "agrees", "too_little"]
Way = Literal["left_out", "folds", "external"]

_REFITS = 10  # fits, at most, for those whom no weights predict
_WIDEST = 1.0  # an interval of the slope beyond which it tells nothing
_OPTIMISM = 0.25  # of the slope: how far people may move their own prediction
_DOUBTFUL = 0.1  # a share of people without a sound prediction beyond which nothing is told
_FEWEST = 100  # draws, from which on weights can leave somebody out
_LINE = 88


@dataclass(frozen=True, eq=False)
class OutcomeCalibration:
    """How risks of the outcome, predicted out of sample, agree with what people reported.

    Parameters
    ----------
    target : Target
    people : int
        Who reported the outcome.
    way : {"left_out", "folds", "external"}
        How predictions were made that had not learned from the person.
    fits : int
        How many models were fitted again.
    unsound : int
        How many of these fits were not sound.
    doubtful : int
        People whose prediction rests on weights with a k-hat above `most_k`.
    k_hat : float
        The largest; not a number where there were no weights.
    most_k : float
    p_values : Disagreement
        Of calibration on the whole, of a slope of 1, of both.
    p_curve : float
        Of the miscalibration in the Brier score.
    level : float
        Of the verdict.
    scores : pandas.DataFrame
        A row for each measure: ``observed`` and ``expected`` share with the event;
        ``in_the_large`` and ``slope``, Cox's recalibration on the scale of log odds, right at 0 and
        1; ``log_score``, the mean log probability of what happened, larger is better;
        ``brier``, which is ``miscalibration - discrimination + uncertainty``; ``auc``; and
        ``net_benefit``, averaged over the thresholds of `range`. Columns ``model``, ``low``,
        ``high``, ``regression``, ``difference``, ``difference_low``, ``difference_high``; the
        difference is the model's less the regression's.
    curve : pandas.DataFrame
        The reliability diagram: ``predicted`` risk, ``observed`` share, ``low`` and ``high`` of
        the band that would hold the whole curve of right risks with the interval's probability, and
        ``share``, the people near that risk.
    decision : pandas.DataFrame
        The decision curve, a row for each ``threshold``: the net benefit of ``model`` with ``low``
        and ``high``, of ``treat_all``, ``treat_none`` and ``regression``, and ``difference`` from
        the regression with its ends. Intervals are pointwise.
    range : tuple of float
        The thresholds between which most predicted risks lie: 5 to 95 %.
    optimism : float
        How much steeper the slope would seem with predictions that had learned from the person.
    """

    target: Target
    people: int
    way: Way
    fits: int
    unsound: int
    doubtful: int
    k_hat: float
    most_k: float
    p_values: Disagreement
    p_curve: float
    level: float
    scores: pd.DataFrame
    curve: pd.DataFrame
    decision: pd.DataFrame
    range: tuple[float, float]
    optimism: float

    @property
    def p(self) -> float:
        """The chance of risks as wrong as these, had they been right, whichever test noticed.

        The lesser of the p-values of Cox's intercept and slope together and of the curve, doubled.
        """
        return min(1.0, 2.0 * min(self.p_values.both, self.p_curve))

    @property
    def verdict(self) -> Verdict:
        """What the data say of the calibration, as a program reads it."""
        if self.doubtful > _DOUBTFUL * self.people or abs(self.optimism) > _OPTIMISM:
            return "too_little"
        if self.p < self.level:
            return "contradicted"
        return "agrees" if self._slope_known else "too_little"

    @property
    def reading(self) -> str:
        """In which way, as a program reads it.

        ``too_extreme``, ``too_timid``, ``too_high``, ``too_low`` or ``uneven`` where risks are
        contradicted; else the verdict.
        """
        if self.verdict != "contradicted":
            return self.verdict
        half = self.level / 2.0
        if self.p_values.both < half and self.p_values.slope <= self.p_values.large:
            return "too_extreme" if self._model("slope") < 1.0 else "too_timid"
        if self.p_values.both < half:
            return "too_high" if self._model("in_the_large") < 0.0 else "too_low"
        return "uneven"

    @property
    def tells_apart(self) -> bool:
        """Whether the interval of the AUC lies above one half."""
        return bool(self.scores["low"]["auc"] > 0.5)

    @property
    def against_regression(self) -> Literal["better", "worse", "alike"]:
        """How the net benefit compares with the regression's; alike where the interval has 0."""
        row = self.scores.loc["net_benefit"]
        if row["difference_low"] > 0:
            return "better"
        return "worse" if row["difference_high"] < 0 else "alike"

    def _model(self, measure: str) -> float:
        return float(self.scores["model"][measure])

    @property
    def _slope_defined(self) -> bool:
        return bool(self.scores.loc["slope", ["model", "low", "high"]].notna().all())

    @property
    def _slope_known(self) -> bool:
        width = self.scores["high"]["slope"] - self.scores["low"]["slope"]
        return bool(width <= _WIDEST)  # false where it is not a number

    @property
    def table(self) -> pd.DataFrame:
        """The verdicts.

        Rows ``calibration``, whose estimate is the slope, and ``regression``, whose estimate is
        the difference in mean net benefit; columns ``estimate``, ``low``, ``high``, ``p``,
        ``verdict`` and ``reading``, in words.
        """
        slope, benefit = self.scores.loc["slope"], self.scores.loc["net_benefit"]
        rows = [
            {
                "estimate": slope["model"],
                "low": slope["low"],
                "high": slope["high"],
                "p": self.p,
                "verdict": say(f"check.verdict.{self.verdict}"),
                "reading": say(f"check.outcome.reading.{self.reading}"),
            },
            {
                "estimate": benefit["difference"],
                "low": benefit["difference_low"],
                "high": benefit["difference_high"],
                "p": np.nan,
                "verdict": "",
                "reading": say(f"check.outcome.regression.{self.against_regression}"),
            },
        ]
        return pd.DataFrame(rows, index=pd.Index(["calibration", "regression"], name="check"))

    @property
    def text(self) -> str:
        """The same in words."""
        return " ".join(self._sentences())

    def __str__(self) -> str:
        """Return the text in lines that a terminal holds."""
        return fill(self.text, _LINE)

    def _sentences(self) -> list[str]:
        def row(name: str, digits: int, scale: float = 1.0) -> dict[str, str]:
            return {
                str(column): decimal(
                    scale * float(self.scores[column][name]), digits, sign="diff" in str(column)
                )
                for column in self.scores
            }

        said = [
            say(
                "check.outcome.people",
                people=whole(self.people),
                observed=percent(self._model("observed")),
                target=self.target.label,
                expected=percent(self._model("expected")),
                how=say(f"check.outcome.how.{self.way}", fits=self.fits),
            ),
            say(
                f"check.outcome.{'told' if self._slope_defined else 'no_slope'}.{self.reading}",
                p=decimal(self.p, 3),
                **row("slope", 2),
            ),
            say("check.outcome.scores.log_score", **row("log_score", 4)),
            say("check.outcome.scores.brier", **row("brier", 4)),
            say("check.outcome.scores.auc", **row("auc", 3)),
            *([] if self.tells_apart else [say("check.outcome.chance")]),
            say(
                f"check.outcome.benefit.{self.against_regression}",
                start=percent(self.range[0]),
                end=percent(self.range[1]),
                **row("net_benefit", 1, 1000.0),
            ),
        ]
        if self.way == "left_out" and self.fits:
            said.append(say("check.outcome.refitted", count=self.fits))
        if self.doubtful:
            about = {"people": whole(self.doubtful), "k": decimal(self.most_k, 2)}
            said.append(say("check.outcome.doubtful", count=self.doubtful, **about))
        if self.unsound:
            said.append(say("check.outcome.unsound", count=self.unsound, fits=self.fits))
        if abs(self.optimism) > _OPTIMISM:
            said.append(say("check.outcome.optimism", optimism=decimal(self.optimism, 2)))
        times, share = whole(TIMES), percent(INTERVAL)
        return [*said, say("check.outcome.closing", times=times, interval=share)]


@checked()
def outcome_calibration(
    posterior: Posterior,
    survey: Survey,
    target: str | None = None,
    *,
    folds: int | None = None,
    refit: bool = False,
    external: bool = False,
    level: float = 0.05,
    seed: int,
) -> OutcomeCalibration:
    """Compare risks, predicted out of sample, with what people reported.

    Each person's risk of the event is predicted from all their other answers, as `backrisk.risk`
    would tell it after a fit to everybody else: the posterior mean of P(event | other answers).
    Nobody has to be left out where the model was fitted to other people, or was given.

    Parameters
    ----------
    posterior : Posterior
    survey : Survey
        The one that the model was fitted to, unless it is `external`.
    target : str, optional
        A node, or ``"node>=state"``; by default the graph's outcome.
    folds : int, optional
        Fit the model again this many times, each time without one fold of the people, and predict
        these. By default people are left out one by one, by importance sampling from the posterior
        as it is (PSIS-LOO), which takes seconds and at least 100 draws.
    refit : bool
        Where importance sampling fails a person (k-hat too large), predict them from fits without
        them: at most ten fits, in each of which a part of these people is left out.
    external : bool
        The model was fitted to other people.
    level : float
        The chance that risks are called contradicted though they are right.
    seed : int
        Of the bootstrap, the band and the folds.

    Returns
    -------
    OutcomeCalibration

    Raises
    ------
    QueryError
        If the survey was read for another graph or has sites that the model does not know; people
        were chosen by the outcome, people are left out by the weights of fewer than 100 draws
        alone, or several rows are visits of one person; nobody reported the
        outcome, or all are alike in it; or there are fewer people than folds, or fewer than two
        folds.
    FitError
        If a fit without a fold fails.

    Notes
    -----
    *Estimand*: of people like those who reported the outcome, with their weights, the share with
    the event at each predicted risk. Whoever did not report it is not looked at: if they differ
    from others of the same answers, this check does not see it.

    *The regression* is logistic, on indicators of the same answers and of their absence, with a
    ridge penalty chosen by leaving people out. It is left out alike: in closed form (Rad and Maleki
    2020), or in the same folds.

    *Ties*: leaving somebody out breaks every tie against them, in whichever of the two they are
    left out of. The AUC therefore orders two people with both left out, to first order, however
    many they are (how each moves each is told by at least 100 draws), and whoever gave the same
    answers is acted on alike, from the mean over them of the log odds left out. Where that lies at
    a threshold, its side was chosen with them, by a hair in favour of whichever of the two has
    learned from them.

    *Two tests*: Cox's intercept and slope together, and the reliability curve; the p-value is the
    lesser, doubled. In the survey that the model was fitted to, risks are right on the whole
    because they were fitted to be, so that the intercept is hardly tested there.

    *Intervals* are percentiles of a bootstrap over people with the predictions as they are; they do
    not tell how predictions would vary with other people to learn from. Tests take events as
    independent given the predictions. Leaving people out moves their prediction against them, by as
    much as the model is flexible; where this is not small beside how risks differ (`optimism`),
    there is too little to tell anything.

    References
    ----------
    Vehtari, Gelman and Gabry 2017 (doi:10.1007/s11222-016-9696-4); Dimitriadis, Gneiting and
    Jordan 2021 (doi:10.1073/pnas.2016191118); Vickers and Elkin 2006
    (doi:10.1177/0272989X06295361); Cox 1958 (doi:10.1093/biomet/45.3-4.562).

    Examples
    --------
    >>> import pandas as pd
    >>> from backrisk import CausalGraph, Posterior, Survey
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.8, 0.2], [0.4, 0.6]]]})
    >>> frame = pd.DataFrame({"x": ["no"] * 50 + ["yes"] * 50})
    >>> frame["y"] = ["yes"] * 10 + ["no"] * 40 + ["yes"] * 30 + ["no"] * 20
    >>> found = outcome_calibration(p, Survey.from_frame(frame, g), "y", seed=1)
    >>> float(found.scores.loc["slope", "model"].round(3)), found.way, found.reading
    (1.0, 'external', 'agrees')
    """
    demand_people(posterior, survey)
    demand_risks(posterior)
    asked = read_target(posterior.graph, target)
    groups = groups_of(survey, asked)
    count = int(groups.people.sum())
    if folds is not None and not 2 <= folds <= count:
        key = "folds" if count > 1 else "no_folds"
        raise QueryError(say(f"check.outcome.{key}", folds=folds, people=count))
    if not 0.0 < level < 1.0:
        raise QueryError(say("check.outcome.level", level=level))
    rng = np.random.default_rng(seed)
    others = np.delete(groups.codes, posterior.graph.names.index(asked.node), axis=1)
    answers = (others, groups.event, groups.people, groups.weight)
    known = is_external(posterior, external)
    if folds is None and not (known or refit) and posterior.draws < _FEWEST:
        raise QueryError(say("check.outcome.few_draws", draws=posterior.draws, least=_FEWEST))
    fits = unsound = 0
    if folds is not None and not known:
        from backrisk.check.refits import fold_counts
        from backrisk.check.refits import refit as refitted

        people, _ = person_weights(survey)
        event = np.isin(survey.codes[:, posterior.graph.names.index(asked.node)], asked.codes)
        strata = np.where(groups.rows >= 0, event.astype(np.intp), 2)
        dealt = fold_counts(people, strata, folds, rng)
        made = refitted(posterior, survey, groups, asked, dealt, seed=seed)
        fits, unsound = folds, made.unsound
        regressions = np.array(fold_risks(*answers, made.folds))
        fold, at = np.nonzero(made.folds)
        found = LeftOut(made.risks[fold, at])
        predicted = Predicted(
            groups.event[at],
            made.folds[fold, at],
            groups.weight[at],
            found.risk,
            regressions[fold, at],
            fold,
        )
    else:
        found = leave_one_out(posterior, survey, groups, asked, external=known)
        if refit and found.doubtful.any():
            found, fits, unsound = _refitted(posterior, survey, groups, asked, found, rng, seed)
        other = leave_one_out_risks(*answers)
        alike = others if groups.site is None else np.column_stack([others, groups.site])
        # Each on its own: a model that has learned from nobody here has nothing to undo.
        orders = (
            None
            if found.seen is None or found.influence is None
            else Order(log_odds(found.seen), found.influence, groups.event),
            Order(other.odds, other.influence, groups.event),
        )
        acted = (
            found.risk if known else acted_on(found.risk, alike, groups.total),
            acted_on(other.risk, alike, groups.total),
        )
        predicted = Predicted(
            groups.event,
            groups.people,
            groups.weight,
            found.risk,
            other.risk,
            orders=orders,
            acted=acted,
        )
    way: Way = "external" if known else "left_out" if folds is None else "folds"
    judged = judge_risks(predicted, rng)
    return OutcomeCalibration(
        target=asked,
        people=count,
        way=way,
        fits=fits,
        unsound=unsound,
        doubtful=int(predicted.people[found.doubtful].sum()),
        k_hat=float("nan") if found.k_hat is None else float(found.k_hat.max()),
        most_k=found.most_k,
        level=level,
        optimism=optimism_of(predicted, found),
        **judged,
    )


def _refitted(
    posterior: Posterior,
    survey: Survey,
    groups: Group,
    target: Target,
    found: LeftOut,
    rng: np.random.Generator,
    seed: int,
) -> tuple[LeftOut, int, int]:
    """Predict those whom no weights predict from fits without them."""
    from backrisk.check.refits import fold_counts, refit

    people, _ = person_weights(survey)
    doubted = (groups.rows >= 0) & found.doubtful[groups.rows]
    strata = np.where(doubted, groups.event[groups.rows], 0).astype(np.intp)
    alone = np.where(doubted, people, 0)
    fits = min(_REFITS, int(alone.sum()))
    made = refit(
        posterior, survey, groups, target, fold_counts(alone, strata, fits, rng), seed=seed
    )
    here = np.flatnonzero(found.doubtful)
    counts = made.folds[:, here]
    mean = (counts * np.nan_to_num(made.risks[:, here])).sum(axis=0) / counts.sum(axis=0)
    return found.replaced(here, mean), fits, made.unsound
