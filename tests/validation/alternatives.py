"""What a fit's answers owe to its graph and to its prior, where the data leave others standing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from backrisk import Posterior, attribute, example_person, load_codebook, load_graph, risk
from backrisk.check import (
    attribute_over,
    claim_odds,
    conclusions,
    power_scaling,
    standing_graphs,
    under_priors,
)
from backrisk.survey import Survey
from backrisk.words import names_of
from tests.validation.pieces import Held, Piece, counted, named, share
from tests.validation.reporting import table

NEIGHBOURS, REFITS = 8, 1  # graphs that are tried, and those of them that may be fitted anew
DRAWS = 1000  # of each answer that is asked of many models
SHOWN = 5  # rows of a table
SEED = 1
BY_CHANCE = 0.01  # what has nothing to do with the prior is called moved so often


def asked(posterior: Posterior) -> dict[str, str]:
    """Return the example person's states, by node.

    Whatever a survey's columns are called, the person is the same; of the answers a graph has no
    node for, nothing is said.
    """
    graph = load_graph("runner")
    book = load_codebook("runner", graph)
    states = book.encode_person(example_person(), book.extend(graph))
    return {name: state for name, state in states.items() if name in posterior.graph.names}


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table's rows as plain values, its index first; what is missing is None."""
    rows = frame.reset_index().astype(object).to_dict("records")
    return [
        {
            str(key): None if value is pd.NA else getattr(value, "item", lambda v=value: v)()
            for key, value in row.items()
        }
        for row in rows
    ]


def _over(posteriors: Mapping[str, Posterior], names: Any) -> Held:
    """Return the example person's attributions in each model, and what all conclude."""
    first = next(iter(posteriors.values()))
    over = attribute_over(posteriors, asked(first), seed=SEED)
    held = conclusions(posteriors)
    word = names.node
    return {
        "models": list(over.models),
        "label": over.label,
        "means": {word(row): over.means[:, i].tolist() for i, row in enumerate(over.rows)},
        "over": [{**row, "cause": word(row["cause"])} for row in records(over.table)],
        "drawn": [word(each) for each in held.drawn],
        "surviving": [word(each) for each in held.surviving],
        "sure": held.sure,
    }


def _few(posterior: Posterior) -> Posterior:
    return posterior.subset(DRAWS) if posterior.draws > DRAWS else posterior


# Graphs ---------------------------------------------------------------------------------------


def make_standing(posterior: Posterior, survey: Survey) -> Held:
    """Try the graphs one edge away, and ask those that stand."""
    found = standing_graphs(posterior, survey, most=NEIGHBOURS, fits=REFITS, seed=SEED)
    names = names_of(posterior.graph)
    few = {name: _few(each) for name, each in found.posteriors.items()}
    if "stated" in few:  # the graph whose conclusions are asked about comes first
        few = {"stated": few.pop("stated"), **few}
    return {
        "graphs": records(found.table),
        "left_out": [{"graph": each.neighbour.name, "why": each.why} for each in found.left_out],
        **_over(few, names),
    }


def tell_standing(held: Held) -> list[str]:
    """Word the graphs, and what the example person's answer is in each."""
    rows = [
        [
            each["model"],
            each["how"],
            each["equivalent"].replace("_", " "),
            f"{each['difference']:.1f} ({each['error']:.1f})",
            "yes" if each["stands"] else "no",
        ]
        for each in held["graphs"]
    ]
    head = ["graph", "fitted how", "equivalent to the stated", "log score less (error)", "stands"]
    lines = table(head, rows, "---")
    of, stand = len(held["graphs"]), len(held["models"])
    lines += _attributions(held)
    told = f"**What it means.** Of {counted(of, 'graph')}, {stand} "
    told += f"{'predicts' if stand == 1 else 'predict'} these people as well as the best, within "
    told += "two standard errors or 4."
    if left := held["left_out"]:
        told += f" {counted(len(left), 'more graph')} could not be tried"
        told += f" ({'; '.join(dict.fromkeys(each['why'] for each in left))})."
    told += " " + _survive(held, "graph", "graphs that stand")
    if stand == 1 and of > 1:
        told += " Beside the stated graph nothing that was tried stands: one arrow more or less."
    return [*lines, told, ""]


def _attributions(held: Held) -> list[str]:
    """Return a table of the example person's shares over models."""
    rows = [
        [
            each["cause"],
            f"{100 * each['lowest']:.1f} ({each['lowest_in']})",
            f"{100 * each['highest']:.1f} ({each['highest_in']})",
            f"{each.get('leading', 0)} of {len(held['models'])}",
        ]
        for each in held["over"][:SHOWN]
        if abs(each["highest"]) > 0.0005
    ]
    if not rows:
        return ["No cause has a share in any of these models.", ""]
    return table(["points of the example runner's risk", "least", "largest", "leads in"], rows)


def _survive(held: Held, one: str, which: str) -> str:
    """Say which conclusions hold in all models, and which do not."""
    drawn, kept, models = held["drawn"], held["surviving"], len(held["models"])
    if not drawn:
        return (
            f"The stated {one} concludes of no cause, with a probability of {share(held['sure'])}, "
            "that it raises the risk in this population: there is no conclusion to lose, and no "
            "advice to rest on one."
        )
    fallen = [cause for cause in drawn if cause not in kept]
    told = (
        f"That a cause raises the risk is concluded, with a probability of at least "
        f"{share(held['sure'])}, of {len(drawn)} ({named(drawn)}); "
    )
    if not fallen:
        return told + (
            f"all of these hold in each of the {models} {which}. For the answers: what is advised "
            "on these does not hang on this choice, as far as was tried; the sizes of shares do, "
            "by as much as the table says."
            if models > 1
            else f"there are no other {which} that could take one back."
        )
    return told + (
        f"not in all {models} {which}: {named(fallen)}. For the answers: advice on "
        f"{'it' if len(fallen) == 1 else 'these'} rests on a choice that these data do not make."
    )


# Claims ---------------------------------------------------------------------------------------


def make_claims(posterior: Posterior, survey: Survey) -> Held:
    """Ask for the odds of each contradicted claim."""
    del survey  # the draws hold what it said
    found = claim_odds(posterior)
    names = names_of(posterior.graph)
    return {
        "claims": [
            {**row, "cause": names.node(row["cause"]), "effect": names.node(row["effect"])}
            for row in records(found.table)
        ]
    }


def tell_claims(held: Held) -> list[str]:
    """Word the odds of each claim."""
    known = [each for each in held["claims"] if not each["why"]]
    rows = [
        [
            f"{each['cause']} -> {each['effect']}",
            str(each["grade"]),
            ("above " if each["bound"] else "") + share(each["probability"]),
            _factor(each["bayes_factor"]),
            f"{_factor(each['narrower'])}, {_factor(each['wider'])}",
            each["verdict"],
        ]
        for each in sorted(known, key=lambda row: -abs(row["probability"] - 0.5))
    ]
    head = [
        "edge",
        "evidence",
        "P(there)",
        "Bayes factor",
        "prior half, twice as wide",
        "verdict",
    ]
    lines = table(head, rows[: 2 * SHOWN], "---") if rows else []
    if len(rows) > 2 * SHOWN:
        lines += [f"The {2 * SHOWN} farthest from 50 % of {len(rows)}.", ""]
    groups: dict[str, list[str]] = {"there": [], "absent": [], "open": []}
    for each in known:
        groups[each["verdict"]].append(f"{each['cause']} -> {each['effect']}")
    told = (
        f"**What it means.** Of {counted(len(known), 'claim')} that published evidence is against "
        f"or silent on, these answers speak for {len(groups['there'])}"
        f"{_these(groups['there'])}, against {len(groups['absent'])}{_these(groups['absent'])}, "
        f"and leave {len(groups['open'])} open. "
    )
    told += (
        "What an answer says by way of an open edge is what the prior says of it, and no finding."
        if groups["open"]
        else "No answer rests on an edge that these people left open."
    )
    if unknown := len(held["claims"]) - len(known):
        told += f" Of {unknown} more nothing could be computed."
    return [*lines, told, ""]


def _these(edges: list[str]) -> str:
    return f" ({named(edges)})" if edges else ""


def _factor(value: float | None) -> str:
    if value is None or value != value:
        return "-"
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


# Priors ---------------------------------------------------------------------------------------


def make_priors(posterior: Posterior, survey: Survey, fits: int = 2) -> Held:
    """Hold the answers of three priors side by side."""
    found = under_priors(posterior, survey, fits=fits, seed=SEED)
    few = {name: _few(each) for name, each in found.posteriors.items()}
    few = {"literature": few.pop("literature"), **few}
    return {
        "priors": records(found.table),
        **_over(few, names_of(posterior.graph)),
    }


def tell_priors(held: Held) -> list[str]:
    """Word what the three priors make of the example person."""
    models = held["models"]
    means = held["means"]
    most = sorted(means, key=lambda cause: -max(map(abs, means[cause])))[:SHOWN]
    rows = [[cause, *(f"{100 * value:.1f}" for value in means[cause])] for cause in most]
    lines = table(["points of the example runner's risk", *models], rows)
    how = [
        f"{each['prior']}: {each['how'] or 'left out'}"
        + (f" (k-hat {each['k_hat']:.1f})" if each["k_hat"] == each["k_hat"] else "")
        for each in held["priors"]
    ]
    lines += [f"How each was had: {'; '.join(how)}.", ""]
    told = "**What it means.** "
    left = [each["prior"] for each in held["priors"] if not each["how"]]
    if left:
        told += f"Of the {named(left)} prior nothing can be told. "
    if len(models) > 1:
        cause = max(means, key=lambda each: max(means[each]) - min(means[each]))
        low, high = min(means[cause]), max(means[cause])
        leads = {
            model: max(means, key=lambda each, i=i: means[each][i])
            for i, model in enumerate(models)
        }
        told += (
            f"What is due to {cause} moves most, {100 * low:.1f} to {100 * high:.1f} points. "
            + (
                f"What leads under each prior is {next(iter(leads.values()))}. "
                if len(set(leads.values())) == 1
                else "What leads depends on the prior: "
                + "; ".join(f"{cause} under {model}" for model, cause in leads.items())
                + ". "
            )
            + _survive(held, "prior", "priors")
        )
    return [*lines, told, ""]


# Power scaling --------------------------------------------------------------------------------


def make_scaling(posterior: Posterior, survey: Survey) -> Held:
    """Raise prior and likelihood to a power, and watch the example person's answers."""
    del survey
    person, names = asked(posterior), names_of(posterior.graph)
    found = {
        "risk": power_scaling(posterior, risk(posterior, person)),
        "shares": power_scaling(posterior, attribute(posterior, person, seed=SEED)),
    }
    rows = []
    for kind, each in found.items():
        for row in records(each.table):
            name = row["name"]
            known = kind == "shares" and name in posterior.graph.names
            rows.append({**row, "name": f"share of {names.node(name)}" if known else name})
    return {"numbers": rows}


DIAGNOSES = {
    "conflict": "prior and data disagree",
    "strong_prior": "rests on the prior",
    "untold": "cannot be told",
    "": "does not move with the prior",
}


def tell_scaling(held: Held) -> list[str]:
    """Word what moves with the prior, and what with the data."""
    every = held["numbers"]
    risks = [each for each in every if not each["name"].startswith("share of ")]
    shares = sorted(
        (each for each in every if each not in risks), key=lambda row: -abs(row["mean"])
    )
    rows = [
        [
            each["name"],
            share(each["mean"]),
            f"{each['moved_by_prior']:.2f}",
            f"{each['moved_by_likelihood']:.2f}",
            f"{each['prior_noise']:.2f}",
            DIAGNOSES[each["diagnosis"] or ""],
        ]
        for each in [*risks, *shares[:SHOWN]]
    ]
    head = [
        "number",
        "mean (shares: points)",
        "moved by the prior",
        "by the data",
        "noise",
        "reading",
    ]
    lines = table(head, rows)
    counts = {
        key: [each["name"] for each in every if (each["diagnosis"] or "") == key]
        for key in DIAGNOSES
    }
    told = f"**What it means.** Of {counted(len(every), 'number')} about the example runner, "
    told += "; ".join(
        f"{DIAGNOSES[key]}: {len(which)}" + (f" ({named(which)})" if len(which) <= 3 else "")
        for key, which in counts.items()
        if which
    )
    told += (
        ". A number on which the two disagree is a compromise between them: read it with the odds "
        "ratio of each alone, which the model card has."
        if counts["conflict"]
        else ". None is a compromise between a prior and data that say otherwise."
    )
    if counts["strong_prior"]:
        told += " What rests on the prior would be another number under another one."
    if counts["untold"]:
        told += " What cannot be told moves no further than chance moves it in so many draws."
    return [*lines, told, ""]


PIECES = (
    Piece(
        "standing",
        "Graphs that the data leave standing",
        "Whether a graph one arrow away (turned, dropped, added) predicts each person's answers as "
        f"well: expected log score of people left out. The first {NEIGHBOURS} in the order in "
        f"which arrows bear on the outcome; at most {REFITS} fitted anew.",
        make_standing,
        tell_standing,
    ),
    Piece(
        "claims",
        "Contradicted claims",
        "The Bayes factor of an edge, with the effect that its prior has, against the same graph "
        "with that effect at zero; even odds before.",
        make_claims,
        tell_claims,
    ),
    Piece(
        "priors",
        "Folk, literature and flat priors",
        "The same survey and graph under three priors: of one who takes the claims at their word, "
        "of the published figures (the fit above), and of one who knows nothing.",
        make_priors,
        tell_priors,
    ),
    Piece(
        "scaling",
        "Prior against data",
        "How far a number's distribution moves as the prior, or the likelihood of the whole "
        "survey, is raised to a power near 1 (Kallioinen et al. 2024); 0.05 and more counts.",
        make_scaling,
        tell_scaling,
    ),
)
