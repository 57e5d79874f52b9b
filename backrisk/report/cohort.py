def report_cohort(
    posterior: Posterior,
    survey: Survey | str | Path,
    out: str | Path,
    *,
    target: str | None = None,
    groups: Sequence[str] | None = None,
    draws: int | None = DRAWS,
    date: str | date | None = None,
    templates: str | Path | None = None,
) -> Path:
    """Write a cohort's report: who is at what risk, and why.

    Parameters
    ----------
    posterior : Posterior
    survey : Survey, str or Path
        The cohort; a path is read through the model's codebook.
    out : str or Path
        ``.html``, ``.pdf``, ``.xlsx`` (a sheet for each table, people too, numbers to 16 digits)
        or ``.csv`` (every table, long, all digits); written beside and renamed.
    target : str, optional
    groups : sequence of str, optional
    draws : int, optional
        As for `cohort_answers`.
    date : str or datetime.date, optional
        The date stated; default today. The same input and date give the same bytes.
    templates : str or Path, optional
        As for `report_person`.

    Returns
    -------
    Path

    Raises
    ------
    SurveyError
        If the cohort cannot be read; every problem of the file at once.
    QueryError
        If the target, a group or the format is not understood, or `out` cannot be written.
        Nothing is left half-written.

    Notes
    -----
    Estimands are those of `cohort_answers`. Holds no name or identifier: none is read.

    Examples
    --------
    >>> import pandas as pd, tempfile
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> people = Survey.from_frame(pd.DataFrame({"x": ["no", "yes", "yes", "yes"]}), g)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     "68 %" in report_cohort(p, people, f"{folder}/c.html").read_text()
    True
    """
    place = Path(out)
    check_suffix("cohort", place.suffix)
    check_place(place)
    folder = None if templates is None else Path(templates)
    words, day = read_words(folder), stated(date)
    answers = cohort_answers(posterior, survey, target=target, groups=groups, draws=draws)
    return write(place, render(cohort_document(answers, words, day), place.suffix, folder))


def cohort_document(answers: CohortAnswers, words: Words, day: str) -> Report:
    """Return a cohort's report before any format; computes nothing but words.

    Parameters
    ----------
    answers : CohortAnswers
    words : Words
    day : str
        The date stated.

    Returns
    -------
    Report
    """
    graph, aim = answers.posterior.graph, answers.target
    goal = aimed(words, graph, aim)
    sections = (
        Section(words("cohort.summary"), tuple(_summary(answers, words, goal))),
        Section(words("cohort.distribution"), tuple(_distribution(answers, words, goal))),
        Section(words("cohort.groups"), tuple(_group_tables(answers, words))),
        Section(words("cohort.paf"), tuple(_fractions(answers, words, goal))),
        Section(words("cohort.doing"), tuple(_doing(answers, words))),
        Section(words("cohort.calibration"), tuple(_calibration(answers, words))),
        Section(words("cohort.missing"), (_missing(answers, words),)),
        Section(words("cohort.dictionary"), tuple(_dictionary(answers, words))),
        Section(words("cohort.sure"), tuple(_sure(answers, words))),
    )
    pain = aim.node == graph.outcome == "pain"
    return Report(
        kind="cohort",
        title=words("cohort.title") if pain else words("cohort.title_other", target=goal),
        lead=(
            words("cohort.lead", source=answers.source),
            f"{learned_from(answers.posterior, words)} "
            f"{drawn_from(words, answers.posterior.draws, answers.all_draws)}",
        ),
        sections=sections,
        **frame(answers.posterior, words, day, _place(answers, words)),
    )


def _place(answers: CohortAnswers, words: Words) -> str:
    """Say which site each person is asked about."""
    known, own = answers.posterior.sites, answers.survey.sites
    if known is None or not own:
        return placed(answers.posterior, words)
    strange = [name for name in own if name not in known.names]
    said = words("common.site_each")
    if not strange:
        return said
    return f"{said} {words('common.site_unknown', sites=', '.join(strange))}"


def _summary(answers: CohortAnswers, words: Words, goal: str) -> list[Block]:
    everyone = estimate(answers.average[0])
    people = int(answers.people.sum())
    known = int(answers.people[answers.outcome >= 0].sum())
    said = words(
        "cohort.headline",
        target=goal,
        people=f"{people:,}",
        low=number(everyone.low, "share"),
        high=number(everyone.high, "share"),
    )
    facts = (
        (words("cohort.people"), f"{people:,}"),
        (words("cohort.profiles"), f"{len(answers.people):,}"),
        (words("cohort.known"), f"{known:,}"),
        (words("cohort.target"), goal),
    )
    first = answers.causes[0]
    fractions = {cause: estimate(first.fraction(cause)[0]) for cause in first.causes}
    leading = max(fractions, key=lambda cause: fractions[cause].mean)
    leads = words(
        "cohort.leads",
        cause=words.node(leading).capitalize(),
        paf=worded(fractions[leading], "share"),
    )
    return [Headline(number(everyone.mean, "share"), said), Facts(facts), Text((leads,))]


def _distribution(answers: CohortAnswers, words: Words, goal: str) -> list[Block]:
    mean = answers.risk[0]
    average = float(answers.average[0].mean())
    shown = number(average, "share")
    drawing = charts.histogram(
        mean,
        answers.weights,
        average,
        words("cohort.histogram_axis", target=goal),
        words("cohort.histogram_average", average=shown),
    )
    said = words(
        "cohort.histogram_words",
        people=f"{int(answers.people.sum()):,}",
        low=number(float(mean.min()), "share"),
        high=number(float(mean.max()), "share"),
    )
    ends = (0.0, *(average * multiple for multiple in _MULTIPLES), np.inf)
    labels = [words("cohort.band_below")]
    labels += [
        words("cohort.band_from", low=f"{low:g}", high=f"{high:g}")
        for low, high in pairwise(_MULTIPLES)
    ]
    labels.append(words("cohort.band_above", low=f"{_MULTIPLES[-1]:g}"))
    rows: list[tuple[Cell, ...]] = []
    total = answers.weights.sum()
    for label, low, high in zip(labels, ends, ends[1:], strict=False):
        inside = (mean >= low) & (mean < high)
        people = int(answers.people[inside].sum())
        known = inside & (answers.outcome >= 0)
        observed = _observed(answers, known)
        rows.append((label, people, float(answers.weights[inside].sum() / total), observed))
    columns = (
        Column("band", words("columns.band"), wide=3),
        Column("people", words("columns.people"), "count"),
        Column("part", words("columns.part"), "share"),
        Column("observed", words("columns.observed"), "share", strip=True),
    )
    note = words("cohort.bands_note", average=shown)
    return [
        Figure(drawing, said),
        Table("bands", words("cohort.bands"), columns, tuple(rows), note),
        _people(answers, words),
    ]


def _observed(answers: CohortAnswers, known: NDArray[np.bool_]) -> Estimate | None:
    size = float(answers.people[known].sum())
    if not size:
        return None
    return jeffreys(float(answers.people[known & (answers.outcome == 1)].sum()), size)


def _people(answers: CohortAnswers, words: Words) -> Table:
    """Return one row a person, for spreadsheets; none where people were counted by an engine."""
    columns = (
        Column("person", words("columns.person"), "count"),
        Column("risk", words("columns.risk"), "share"),
        Column("outcome", words("columns.outcome")),
        Column("first", words("columns.first")),
        Column("fall", words("columns.fall"), "points"),
    )
    rows: list[tuple[Cell, ...]] = []
    if answers.survey.people is None:
        first = answers.causes[0]
        best = first.each.argmax(axis=1)
        said = ("", words("columns.reported_no"), words("columns.reported_yes"))
        for place, profile in enumerate(answers.rows[:_PEOPLE].tolist()):
            mean, low, high = (float(part[profile]) for part in answers.risk)
            fall = float(first.each[profile, best[profile]])
            cause = words.node(first.causes[best[profile]]) if fall > 0 else ""
            told = said[1 + int(answers.outcome[profile])]
            rows.append((place + 1, Estimate(mean, low, high), told, cause, fall))
    title, note = words("cohort.people_table"), words("cohort.people_note")
    return Table("people", title, columns, tuple(rows), note, shown=False)


def _named(words: Words, group: Group) -> tuple[str, str]:
    if not group.node:
        return words("cohort.everyone"), ""
    if group.node == "site":
        return words("cohort.site"), group.level
    return words.node(group.node), words.state(group.node, group.level)


def _group_tables(answers: CohortAnswers, words: Words) -> list[Block]:
    first = answers.causes[0]
    rows: list[tuple[Cell, ...]] = []
    causes: list[tuple[Cell, ...]] = []
    shown: list[tuple[Cell, ...]] = []
    for place, group in enumerate(answers.groups):
        falls = np.array([first.fall(cause)[place] for cause in first.causes])
        order = np.argsort(-falls.mean(axis=1), kind="stable")
        certain = np.bincount(falls.argmax(axis=0), minlength=len(falls)) / falls.shape[1]
        name, level = _named(words, group)
        rows.append(
            (
                name,
                level,
                int(answers.people[group.members].sum()),
                _observed(answers, group.members & (answers.outcome >= 0)),
                estimate(answers.average[place]),
                words.node(first.causes[order[0]]),
                float(certain[order[0]]),
            )
        )
        for rank, at in enumerate(order.tolist()):
            cause = first.causes[at]
            fraction = estimate(first.fraction(cause)[place])
            fall = estimate(falls[at])
            row = (name, level, words.node(cause), fall, fraction, float(certain[at]))
            causes.append(row)
            if rank < 3:
                shown.append((*(row[:2] if not rank else ("", "")), *row[2:]))
    columns = (
        Column("group", words("columns.group"), wide=2),
        Column("level", words("columns.level"), wide=2),
        Column("people", words("columns.people"), "count"),
        Column("observed", words("columns.observed"), "share"),
        Column("risk", words("columns.risk"), "share", strip=True),
        Column("first", words("columns.first"), wide=2),
        Column("certain", words("columns.certain"), "share"),
    )
    by_cause = (
        Column("group", words("columns.group"), wide=2),
        Column("level", words("columns.level"), wide=2),
        Column("cause", words("columns.cause"), wide=2),
        Column("fall", words("columns.fall"), "points", strip=True),
        Column("paf", words("columns.paf"), "share"),
        Column("certain", words("columns.certain"), "share"),
    )
    title, note = words("cohort.causes_table"), words("cohort.causes_note")
    return [
        Table(
            "groups",
            words("cohort.groups_table"),
            columns,
            tuple(rows),
            words("cohort.groups_note"),
        ),
        Table("falls_shown", title, by_cause, tuple(shown), note, sheet=False),
        Table("falls", title, by_cause, tuple(causes), shown=False),
    ]


def _fractions(answers: CohortAnswers, words: Words, goal: str) -> list[Block]:
    graph, aim = answers.posterior.graph, answers.target
    blocks: list[Block] = [Text((words("cohort.paf_words", target=goal),))]
    for found in answers.causes:
        rows: list[tuple[Cell, ...]] = [
            (
                words.node(cause),
                estimate(found.fraction(cause)[0]),
                estimate(found.fall(cause)[0]),
                words.grade(weakest_link(graph, cause, aim.node)),
            )
            for cause in found.causes
        ]
        rows.sort(key=lambda row: -row[1].mean if isinstance(row[1], Estimate) else 0.0)
        together = (
            words("cohort.all_causes"),
            estimate(found.fraction("all")[0]),
            estimate(found.fall("all")[0]),
            "",
        )
        columns = (
            Column("cause", words("columns.cause"), wide=3),
            Column("paf", words("columns.paf"), "share", strip=True),
            Column("fall", words("columns.fall"), "points"),
            Column("grade", words("columns.grade")),
        )
        title = words(f"cohort.paf_{found.level}")
        blocks.append(Table(f"paf_{found.level}", title, columns, (*rows, together)))
    blocks.append(Text((words("cohort.paf_note"), words("common.grade_note")), tone="small"))
    return blocks


def _doing(answers: CohortAnswers, words: Words) -> list[Block]:
    graph, aim = answers.posterior.graph, answers.target
    found = answers.causes[0]
    actions = _actions(graph, found.causes)
    rows: list[tuple[Cell, ...]] = []
    for cause in actions:
        rows.append(
            (
                words.pair(cause, graph.node(cause).reference),
                estimate(found.after[cause][0]),
                estimate(1000 * found.fall(cause)[0]),
                words.grade(weakest_link(graph, cause, aim.node)),
            )
        )
    rows.sort(key=lambda row: -row[2].mean if isinstance(row[2], Estimate) else 0.0)
    if len(actions) > 1:
        rows.append(
            (
                words("cohort.all_actions"),
                estimate(found.after["actions"][0]),
                estimate(1000 * found.fall("actions")[0]),
                "",
            )
        )
    columns = (
        Column("action", words("columns.action"), wide=3),
        Column("after", words("columns.after"), "share"),
        Column("thousand", words("columns.thousand"), "tenths", strip=True),
        Column("grade", words("columns.grade")),
    )
    return [Text((words("cohort.doing_words"),)), Table("actions", "", columns, tuple(rows))]


def _calibration(answers: CohortAnswers, words: Words) -> list[Block]:
    found = answers.agreement
    if found is None:
        return [Text((words("cohort.no_outcome"),))]
    said = words("cohort.calibration_words", n=f"{found.people:,}")
    origin = words("cohort.in_sample" if answers.in_sample else "cohort.out_sample")
    return [
        Text((said,)),
        Text((origin,), tone="warning" if answers.in_sample else "plain"),
        *agreement_blocks(found, words),
    ]


def _missing(answers: CohortAnswers, words: Words) -> Table:
    survey = answers.survey
    answered = {str(name): float(share) for name, share in survey.answered.items()}
    responses = [n.name for n in survey.graph.nodes if n.mechanism == "response"]
    asked = [name for name, share in answered.items() if name not in responses]
    known = [survey.graph.names.index(name) for name in asked if answered[name] > 0]
    each = np.ones(len(survey.codes)) if survey.people is None else survey.people
    complete = int(each[(survey.codes[:, known] >= 0).all(axis=1)].sum())
    book = answers.survey.codebook
    questions = {book.node_of(name): spec.question for name, spec in book.measures.items()}
    rows: list[tuple[Cell, ...]] = [
        (
            words.node(name),
            " ".join(questions.get(name, "").split()),
            answered[name],
            survey.n - round(answered[name] * survey.n),
        )
        for name in sorted(asked, key=lambda name: answered[name])
    ]
    columns = (
        Column("node", words("columns.node"), wide=2),
        Column("question", words("columns.question"), wide=5),
        Column("answered", words("columns.answered"), "share"),
        Column("left", words("columns.left"), "count"),
    )
    note = words("cohort.missing_note", complete=f"{complete:,}")
    return Table("missing", words("cohort.missing_table"), columns, tuple(rows), note)


def _dictionary(answers: CohortAnswers, words: Words) -> list[Block]:
    book = answers.survey.codebook
    rows: list[tuple[Cell, ...]] = []
    both: dict[str, Asked | Derived] = {**book.columns, **book.derived}
    for name, spec in both.items():
        measures = spec.node or ""
        if spec.item:
            measures = words("reading.item", node=words.node(spec.item))
        rows.append(
            (
                name,
                words.node(measures) if spec.node else measures,
                " ".join(spec.question.split()),
                spec.unit,
                _reading(name, spec, answers, words),
                " ".join(spec.source.split()),
            )
        )
    columns = (
        Column("column", words("columns.column")),
        Column("measures", words("columns.measures"), wide=2),
        Column("question", words("columns.question"), wide=4),
        Column("unit", words("columns.unit")),
        Column("reading", words("columns.reading"), wide=4),
        Column("source", words("columns.source"), wide=3),
    )
    note = words("cohort.dictionary_note", name=book.name, title=book.title or book.name)
    return [Text((note,)), Table("dictionary", "", columns, tuple(rows))]


def _reading(name: str, spec: Asked | Derived, answers: CohortAnswers, words: Words) -> str:
    book = answers.survey.codebook
    node = str(spec.measured)
    said = []
    if isinstance(spec, Derived):
        said.append(words(f"reading.{spec.derive}", columns=", ".join(spec.from_)))
    elif spec.measured is None:
        others = [key for key, other in book.derived.items() if name in other.from_]
        said.append(words("reading.input", others=", ".join(others) or "-"))
    elif spec.labels and not spec.cuts:
        said += [
            words("reading.label", label=label, state=words.state(node, state))
            for label, state in spec.labels.items()
        ]
    if spec.cuts:
        first = words.state(node, spec.states[0])
        said.append(words("reading.below", cut=f"{spec.cuts[0]:g}", state=first))
        said += [
            words("reading.from", cut=f"{cut:g}", state=words.state(node, state))
            for cut, state in zip(spec.cuts, spec.states[1:], strict=True)
        ]
    return "; ".join(said)


def _sure(answers: CohortAnswers, words: Words) -> list[Block]:
    posterior = answers.posterior
    causes = [cause for found in answers.causes for cause in found.causes]
    used = links(posterior.graph, causes, answers.target.node)
    sources = tuple(cited(words, edge) for edge in used)
    return [
        Text((*sureness(posterior, words), *words.raw("cohort.method"))),
        Text(sources, bullets=True, tone="small"),
    ]
