"""Whether an answer depends on what nobody can check: other graphs, and other priors."""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backrisk._files import demand_place
from backrisk.cli import console
from backrisk.cli.completing import nodes
from backrisk.cli.console import sentences
from backrisk.cli.options import (
    DecimalOption,
    DelimiterOption,
    EncodingOption,
    FormatOption,
    GlobOption,
    ModelFile,
    PersonFile,
    SeedOption,
    SurveyFile,
    TargetOption,
    read_as,
)
from backrisk.cli.persons import person_at
from backrisk.cli.tables import Format, give, show_table
from backrisk.errors import QueryError
from backrisk.words import decimal, percent, say

if TYPE_CHECKING:
    import pandas as pd

    from backrisk.queries import Answer

Models = Annotated[list[Path], typer.Option("--model", help=say("cli.compare.model"))]


def compare(
    survey: SurveyFile,
    model: Models,
    format: FormatOption = Format.table,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    decimal: DecimalOption = None,
    glob: GlobOption = False,
) -> None:
    """Show `backrisk.check.compare_graphs`."""
    from backrisk.check import compare_graphs
    from backrisk.posterior import load_posterior
    from backrisk.survey import read_survey

    with sentences():
        names = [path.stem for path in model]
        if len(set(names)) < len(names):
            names = list(map(str, model))
        if len(set(names)) < len(names):
            raise QueryError(say("cli.compare.twice", models=", ".join(names)))
        fits = {name: load_posterior(path) for name, path in zip(names, model, strict=True)}
        first = next(iter(fits.values()))
        reading = read_as(encoding, delimiter, decimal, glob)
        read = read_survey(survey, first.graph, first.codebook, **reading)
        found = compare_graphs(fits, read)
        told: dict[str, Any] = {"kind": "comparison", "models": _records(found.table)}
        if give(format, told | {"text": found.text}, "models"):
            return
        _show_models(found.table)
        console.out.print(found.text, markup=False)


def standing(
    survey: SurveyFile,
    model: Annotated[Path, typer.Option(help=say("cli.options.model"))],
    person: Annotated[Path | None, typer.Option(help=say("cli.options.person"))] = None,
    target: TargetOption = None,
    cause: Annotated[
        list[str] | None, typer.Option(help=say("cli.standing.cause"), autocompletion=nodes)
    ] = None,
    most: Annotated[int, typer.Option(min=1, help=say("cli.standing.most"))] = 20,
    fits: Annotated[int, typer.Option(min=0, help=say("cli.standing.fits"))] = 0,
    keep: Annotated[bool, typer.Option("--keep", help=say("cli.standing.keep"))] = False,
    seed: SeedOption = 0,
    format: FormatOption = Format.table,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    decimal: DecimalOption = None,
    glob: GlobOption = False,
) -> None:
    """Show `backrisk.check.standing_graphs`, `conclusions`, and `attribute_over` for a person."""
    from backrisk.check import attribute_over, conclusions, kept_with, standing_graphs
    from backrisk.posterior import load_posterior
    from backrisk.queries import read_target
    from backrisk.survey import read_survey

    with sentences():
        posterior = load_posterior(model)
        if keep:
            demand_place(model, QueryError, (survey,))
        answers = None if person is None else person_at(posterior, person)
        reading = read_as(encoding, delimiter, decimal, glob)
        read = read_survey(survey, posterior.graph, posterior.codebook, **reading)
        node = None if target is None else read_target(posterior.graph, target).node
        found = standing_graphs(
            posterior, read, target=node, causes=cause or None, most=most, fits=fits, seed=seed
        )
        held = conclusions(found.posteriors, target=target, causes=cause or None)
        if keep:
            said = () if held.verdict is None else (held.verdict,)
            kept_with(posterior, said, read, asked=("standing",)).save(model)
        over = None
        if answers is not None:
            over = attribute_over(found.posteriors, answers, target=target, seed=seed)
        left = [
            {
                "graph": each.neighbour.name,
                "why": each.why,
                "equivalent": each.equivalent,
                "gain": _plain(each.gain),
            }
            for each in found.left_out
        ]
        told = {
            "kind": "standing",
            "graphs": _records(found.table),
            "left_out": left,
            "conclusions": _records(held.table),
            "shares": None if over is None else _records(over.table),
            "text": " ".join([found.text, held.text, *([] if over is None else [over.text])]),
        }
        if give(format, told, "graphs", "left_out", "conclusions", "shares"):
            return
        _show_models(found.table)
        console.out.print(found.text, markup=False)
        console.out.print(held.text, markup=False)
        if over is not None:
            console.out.print(over.text, markup=False)


def claims(
    model: ModelFile,
    grade: Annotated[list[str] | None, typer.Option(help=say("cli.claims.grade"))] = None,
    format: FormatOption = Format.table,
) -> None:
    """Show `backrisk.check.claim_odds`."""
    from backrisk.check import claim_odds
    from backrisk.posterior import load_posterior

    with sentences():
        posterior = load_posterior(model)
        found = claim_odds(posterior, grades=grade) if grade else claim_odds(posterior)
        told: dict[str, Any] = {"kind": "claims", "claims": _records(found.table)}
        if give(format, told | {"text": found.text}, "claims"):
            return
        known = found.table[found.table["why"] == ""].to_dict("records")
        factors = {"bayes_factor": "bayes_factor"}
        factors |= {f"{key}_prior": key for key in ("narrower", "wider")}
        columns = {
            "cause": [row["cause"] for row in known],
            "effect": [row["effect"] for row in known],
            "grade": [str(say(f"phrases.grades.{row['grade']}")) for row in known],
            "probability": [_at_least(percent(row["probability"]), row) for row in known],
            **{
                head: [
                    "-" if isnan(row[key]) else _at_least(_factor(row[key]), row) for row in known
                ]
                for head, key in factors.items()
            },
            "verdict": [str(say(f"cli.claims.verdicts.{row['verdict']}")) for row in known],
        }
        show_table(say("cli.claims.title"), columns, console.out)
        console.out.print(found.text, markup=False)


def power_scaling(
    model: ModelFile,
    person: PersonFile,
    target: TargetOption = None,
    seed: SeedOption = 0,
    format: FormatOption = Format.table,
) -> None:
    """Show `backrisk.check.power_scaling` of a person's attribution and risk."""
    import pandas as pd

    from backrisk.check import power_scaling
    from backrisk.posterior import load_posterior
    from backrisk.queries import attribute, risk, target_for

    with sentences():
        posterior = load_posterior(model)
        answers = person_at(posterior, person)
        event = target_for(posterior, answers, target)
        asked = (
            risk(posterior, answers, target=event),
            attribute(posterior, answers, target=event, seed=seed),
        )
        found = [power_scaling(posterior, answer) for answer in asked]
        table = pd.concat([each.table for each in found])
        texts = list(dict.fromkeys(str(each.text) for each in found))
        told: dict[str, Any] = {"kind": "power_scaling", "numbers": _records(table)}
        if give(format, told | {"text": " ".join(texts)}, "numbers"):
            return
        rows = table.reset_index().to_dict("records")
        columns = {
            "": [each.label(row) for each in found for row in each.table.index],
            "mean_of": [
                _number(each.answer, str(row), mean)
                for each in found
                for row, mean in each.table["mean"].items()
            ],
            "moved_by_prior": [
                "" if isnan(row["moved_by_prior"]) else decimal(row["moved_by_prior"], 2)
                for row in rows
            ],
            "moved_by_likelihood": [decimal(row["moved_by_likelihood"], 2) for row in rows],
            "diagnosis": [
                ""
                if isnan(row["moved_by_prior"])
                else str(say(f"cli.power_scaling.diagnoses.{row['diagnosis'] or 'neither'}"))
                for row in rows
            ],
        }
        show_table(say("cli.power_scaling.title"), columns, console.out)
        for text in texts:
            console.out.print(text, markup=False)


def _number(answer: Answer, row: str, mean: float) -> str:
    """Word a mean in the unit of its answer."""
    from backrisk.queries import in_points

    if not answer.in_points(row):
        return percent(mean)
    return str(say("cli.tables.points", number=in_points(mean)))


def _show_models(table: pd.DataFrame) -> None:
    rows = table.reset_index().to_dict("records")
    columns = {
        "model": [row["model"] for row in rows],
        "difference": [decimal(row["difference"], 1) for row in rows],
        "difference_error": [decimal(row["error"], 1) for row in rows],
        "stacking": [percent(row["weight"]) for row in rows],
        "unsure": [f"{row['unsure']:,}" for row in rows],
        "stands": [str(say(f"cli.compare.{'yes' if row['stands'] else 'no'}")) for row in rows],
    }
    for key in ("how", "equivalent"):
        if key in table:
            columns[key] = [str(say(f"cli.standing.{key}.{row[key]}")) for row in rows]
    show_table(say("cli.compare.title"), columns, console.out)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table's rows as plain values, its index first; what is no number is null."""
    rows = table.reset_index().to_dict("records")
    return [{str(key): _plain(value) for key, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    finite = not isinstance(value, float) or abs(value) < float("inf")  # neither NaN nor infinite
    return value if finite else None


def _at_least(text: str, row: dict[Any, Any]) -> str:
    return str(say("cli.claims.above", number=text)) if row["bound"] else text


def _factor(factor: float) -> str:
    return decimal(factor, 1 if factor >= 1 else 2)
