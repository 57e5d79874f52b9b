"""What a fit's answers owe to what nobody measured, to whom they are asked of, and to chance."""

from __future__ import annotations

from typing import Any

from backrisk import Posterior, attribute
from backrisk.check import (
    Population,
    carried_risks,
    outcome_calibration,
    sensitivity,
    stated_shares,
    transport,
    transportable,
)
from backrisk.survey import Survey
from backrisk.words import names_of
from tests.validation.alternatives import SEED, asked, records
from tests.validation.pieces import Held, Piece, counted, named, share, spread
from tests.validation.reporting import table

EFFECTS, DRAWS, MOST = 3, 100, 10.0
CARRIED = 400  # draws that are carried, each of which looks for its own baseline
# How common the outcome is among runners at large: the one figure that is stated of them.
ELSEWHERE = {
    "name": "runners and walkers at large",
    "source": "Woolf 2002, J South Orthop Assoc 11(3):136",
    "shares": {"share": 0.136, "people": 539},
}


def leading(posterior: Posterior, most: int = EFFECTS) -> list[str]:
    """Return the causes of the largest mean shares of the example person's risk."""
    found = attribute(posterior, asked(posterior), seed=SEED)
    means = dict(zip(found.causes, found.draws.mean(axis=0), strict=True))
    return sorted(means, key=lambda cause: -abs(means[cause]))[:most]


# Confounding ----------------------------------------------------------------------------------


def make_confounding(posterior: Posterior, survey: Survey) -> Held:
    """Ask how strong a hidden common cause of each leading cause and the outcome must be."""
    del survey
    person, names = asked(posterior), names_of(posterior.graph)
    rows = []
    for cause in leading(posterior):
        found = sensitivity(posterior, person, cause, draws=DRAWS, most=MOST)
        told = found.to_dict()
        rows.append(
            {
                "cause": names.node(cause),
                "phrase": names.phrase(cause, found.state),
                "effect": told["effect"],
                "e_value": told["e_value"],
                "tipping": {each["what"]: each["odds_ratio"] for each in told["tipping"]},
            }
        )
    return {"rows": rows, "target": names.node(str(posterior.graph.outcome))}


def tell_confounding(held: Held) -> list[str]:
    """Word how strong it must be."""
    rows = [
        [
            each["phrase"],
            f"{100 * each['effect']['mean']:.1f} "
            f"({spread(each['effect']['low'], each['effect']['high'])})",
            *(_ratio(each["tipping"].get(what)) for what in ("half", "zero", "interval")),
            *(_plain(each["e_value"][key]) for key in ("point", "interval")),
        ]
        for each in held["rows"]
    ]
    head = [
        "leading cause",
        "effect, points (90 %)",
        "odds ratio that halves it",
        "undoes it",
        "takes its interval to zero",
        "E-value",
        "of the interval",
    ]
    lines = table(head, rows)
    weak = [each for each in held["rows"] if (each["tipping"].get("interval") or MOST + 1) <= 2]
    told = "**What it means.** "
    told += (
        f"For {named([each['phrase'] for each in weak])} a common cause with {held['target']} of "
        "an odds ratio of 2 or less on both is enough for an interval that holds no effect: advice "
        f"on {'it' if len(weak) == 1 else 'these'} asks for a reason to think that there is none. "
        if weak
        else "For none of these is a common cause of an odds ratio of 2 on both enough for an "
        "interval that holds no effect. "
    )
    firm = [
        each["phrase"]
        for each in held["rows"]
        if each["tipping"].get("zero") is None and each not in weak
    ]
    if firm:
        told += f"Nothing up to {MOST:.0f} undoes the effect of {named(firm)}. "
    told += (
        "This survey says nothing of whether such a cause is there; the odds ratios are of causes "
        "beside those that are measured."
    )
    return [*lines, told, ""]


def _ratio(value: float | None) -> str:
    return f"beyond {MOST:.0f}" if value is None else f"{value:.1f}"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


# Calibration ----------------------------------------------------------------------------------


def make_calibration(posterior: Posterior, survey: Survey) -> Held:
    """Predict each person from fits that had not learned from them."""
    found = outcome_calibration(posterior, survey, refit=True, seed=SEED)
    return {
        "people": found.people,
        "fits": found.fits,
        "doubtful": found.doubtful,
        "k_hat": found.k_hat,
        "reading": str(found.reading),
        "p": float(found.p),
        "optimism": found.optimism,
        "range": list(found.range),
        "scores": {each["measure"]: each for each in _measures(found.scores)},
    }


def _measures(scores: Any) -> list[dict[str, Any]]:
    return records(scores.rename_axis("measure"))


MEASURES = {
    "in_the_large": ("log odds on the whole, right at 0", 2),
    "slope": ("slope, right at 1", 2),
    "log_score": ("log score, more is better", 4),
    "brier": ("Brier score, less is better", 4),
    "auc": ("AUC", 3),
    "net_benefit": ("net benefit over the thresholds", 4),
}


def tell_calibration(held: Held) -> list[str]:
    """Word the scores beside those of a regression."""
    rows = []
    for key, (what, digits) in MEASURES.items():
        if key not in held["scores"]:
            continue
        each = held["scores"][key]
        rows.append(
            [
                what,
                _between(each, "model", "low", "high", digits),
                _digits(each["regression"], digits),
                _between(each, "difference", "difference_low", "difference_high", digits),
            ]
        )
    lines = table(["measure", "model (90 %)", "regression", "difference (90 %)"], rows)
    slope, worth = held["scores"]["slope"], held["scores"]["net_benefit"]
    told = (
        f"**What it means.** {held['people']:,} people were left out one by one, by importance "
        f"sampling; {counted(held['doubtful'], 'person', 'people')} by weights that cannot be "
        f"trusted, after {counted(held['fits'], 'fit')} without them (largest k-hat "
        f"{held['k_hat']:.2f}). "
    )
    told += {
        "agrees": "Risks come true as far as these people can tell. ",
        "contradicted": "What came of these people contradicts these risks. ",
    }.get(
        held["reading"].replace(" ", "_"),
        "These people are too few to tell whether risks are right. ",
    )
    if slope["low"] <= 0:
        told += (
            "The slope may be zero: for the answers, a risk here does not tell people apart, and "
            "should not be used to. "
        )
    elif slope["low"] > 1:
        told += "The slope is above 1: risks are nearer to each other than they should be. "
    elif slope["high"] < 1:
        told += "The slope is below 1: high risks are told too high and low ones too low. "
    low, high = worth["difference_low"], worth["difference_high"]
    ends = f"from {share(held['range'][0], 1)} to {share(held['range'][1], 1)}"
    told += f"Whoever acts from a risk {ends} is " + (
        "served better by the model than by a logistic regression."
        if low > 0
        else "served better by a logistic regression."
        if high < 0
        else "served by the model neither better nor worse than by a logistic regression, as "
        "far as can be told: what the model adds is not prediction."
    )
    return [*lines, told, ""]


def _digits(value: float | None, digits: int) -> str:
    return "-" if value is None or value != value else f"{value:.{digits}f}"


def _between(row: Held, key: str, low: str, high: str, digits: int) -> str:
    if row[key] is None or row[key] != row[key]:
        return "-"
    value, *ends = (f"{row[each]:.{digits}f}" for each in (key, low, high))
    return f"{value} ({ends[0]} to {ends[1]})"


# Elsewhere ------------------------------------------------------------------------------------


def make_elsewhere(posterior: Posterior, survey: Survey) -> Held:
    """Carry the model to a population of which the outcome's prevalence is stated."""
    del survey
    if posterior.draws > CARRIED:
        posterior = posterior.subset(CARRIED)
    graph, outcome = posterior.graph, str(posterior.graph.outcome)
    data = {**ELSEWHERE, "differs": [outcome], "shares": {outcome: ELSEWHERE["shares"]}}
    there = Population.from_dict(data, graph)
    carried = transport(posterior, there, seed=SEED)
    causes = leading(posterior)
    person = {"the example runner": asked(posterior)}
    found = carried_risks(posterior, carried, person, causes=causes)
    shares = stated_shares(carried, there, seed=SEED)
    names = names_of(graph)
    return {
        "rows": [
            {**row, "of": names.node(row["of"]) if row["what"] == "effect" else row["of"]}
            for row in records(found.table.set_index("what"))
        ],
        "contradicted": [str(each) for each in shares.contradicted],
        "same": [names.node(c) for c in causes if transportable(graph, [outcome], c).direct],
        "asked": [names.node(c) for c in causes],
    }


def tell_elsewhere(held: Held) -> list[str]:
    """Word risks and effects before and after."""

    def of(row: Held) -> str:
        if row["what"] == "effect":
            return f"effect of {row['of']}, worst beside reference"
        return "risk in the population" if row["what"] == "population" else f"risk of {row['of']}"

    rows = [
        [
            of(each),
            *(
                f"{100 * each[key]:.1f} ({spread(each[key + '_low'], each[key + '_high'])})"
                for key in ("before", "after", "change")
            ),
        ]
        for each in held["rows"]
    ]
    lines = table(["percent, points (90 %)", "here", "there", "change"], rows)
    own = next(each for each in held["rows"] if each["what"] == "population")
    moved = own["change_low"] > 0 or own["change_high"] < 0
    told = (
        f"**What it means.** Here {share(own['before'], 1)} have the outcome, among "
        f"{ELSEWHERE['name']} {share(own['after'], 1)} ({ELSEWHERE['source']}). "
    )
    told += (
        "So a risk that is told from this survey is one of people like these, and not of runners "
        "at large; the third column is how far it would be off there. "
        if moved
        else "These figures do not tell the two apart, which does not say that they are alike. "
    )
    effects = [each for each in held["rows"] if each["what"] == "effect"]
    if turned := [e["of"] for e in effects if e["before"] * e["after"] < 0]:
        told += f"The effect of {named(turned)} changes its sign on the way. "
    elif effects:
        most = max(effects, key=lambda each: abs(each["change"]))
        told += (
            f"Effects keep their sign; that of {most['of']} changes most, by "
            f"{100 * most['change']:+.1f} points. "
        )
    told += (
        "This holds if the baseline of the outcome is all that differs: log odds ratios are those "
        "of this survey, and one figure cannot test that."
    )
    return [*lines, told, ""]


PIECES = (
    Piece(
        "confounding",
        "A hidden common cause",
        "How strong a common cause of a leading cause and the outcome, with one odds ratio into "
        "both and present in half of the people, must be to halve the cause's effect on the "
        f"example runner, to undo it, or to take its interval to zero, in {DRAWS} draws; the "
        f"{EFFECTS} largest shares. The E-value is that of the risk ratio.",
        make_confounding,
        tell_confounding,
    ),
    Piece(
        "calibration",
        "Risks out of sample",
        "Each person's risk, predicted from their other answers by a fit that had not learned from "
        "them, beside what they reported, and beside a logistic regression on the same answers, "
        "left out alike.",
        make_calibration,
        tell_calibration,
    ),
    Piece(
        "elsewhere",
        "Carried to runners at large",
        "The model re-anchored to a stated prevalence of the outcome, "
        f"{share(ELSEWHERE['shares']['share'], 1)} of {ELSEWHERE['shares']['people']} people; "
        f"every other mechanism taken to be the same; in {CARRIED} draws.",
        make_elsewhere,
        tell_elsewhere,
    ),
)
