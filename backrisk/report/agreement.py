def agreement_blocks(found: Agreement, words: Words) -> list[Block]:
    """Return what shows how predicted risks agree with outcomes."""
    drawing = charts.reliability(
        found.predicted, found.observed, words("columns.predicted"), words("columns.observed")
    )
    columns = (
        Column("group", words("columns.group"), "count"),
        Column("people", words("columns.people"), "count", wide=1),
        Column("predicted", words("columns.predicted"), "share"),
        Column("observed", words("columns.observed"), "share", strip=True),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (place + 1, size, predicted, observed)
        for place, (size, predicted, observed) in enumerate(
            zip(found.sizes, found.predicted, found.observed, strict=True)
        )
    )
    figure = Figure(drawing, words("cohort.reliability_words", n=len(rows)))
    table = Table(
        "reliability",
        words("cohort.reliability"),
        columns,
        rows,
        words("cohort.reliability_note"),
    )
    scores: list[tuple[Cell, ...]] = [
        (words("cohort.brier"), found.brier),
        (words("cohort.brier_reference"), found.brier_reference),
    ]
    blocks: list[Block] = [figure, table]
    if found.concordance is None:
        blocks.append(Text((words("cohort.one_outcome", n=f"{found.people:,}"),)))
    else:
        scores.append((words("cohort.brier_scaled"), 1.0 - found.brier / found.brier_reference))
        scores.append((words("cohort.concordance"), found.concordance))
    scores.append((words("cohort.ratio"), found.ratio))
    of_score = (
        Column("score", words("columns.score"), wide=3),
        Column("value", words("columns.value"), "score"),
    )
    note = words("cohort.scores_note")
    return [*blocks, Table("scores", words("cohort.scores"), of_score, tuple(scores), note)]
