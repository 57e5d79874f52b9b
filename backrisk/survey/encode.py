"""From raw answers to states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from backrisk._deprecation import deprecated
from backrisk._spelling import no_answer, spell
from backrisk.errors import QueryError, SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey.branching import asked, gated, unticked
from backrisk.survey.schema import MISSING, Contents, Measure, fold
from backrisk.words import Said, choices, listed, say, suggest


def measuring[M: Measure](book: Contents, name: str, among: Mapping[str, M]) -> M:
    """Return the column or derived value of a name that measures a node.

    Raises
    ------
    SurveyError
        There is none.
    """
    spec = among.get(name)
    if spec is None or spec.measured is None:
        known = [each for each, other in among.items() if other.measured]
        raise SurveyError(
            say("survey.answer.no_measure", book=book.name, name=name, near=suggest(name, known))
        )
    return spec


def encode_answer(book: Contents, column: str, raw: object) -> tuple[str, str | None]:
    """Return node and state of a raw answer; see `Codebook.encode_answer`."""
    spec = measuring(book, column, book.columns)
    try:
        return book.node_of(column), spec.state(spec.read(raw, book.missing))
    except ValueError as error:
        raise SurveyError(
            say("survey.answer.refused", column=column, value=str(raw), expected=error.args[0])
        ) from None


def find_state(raw: object, states: Iterable[str], *, exact: bool = False) -> str | None:
    """Return the state that an answer names, however either is spelled; None where none is named.

    Letters may be of another case, where that leaves one state. Names of nodes and of columns are
    read by the same rule.

    Parameters
    ----------
    raw : object
    states : iterable of str
        Or names.
    exact : bool
        Whether case counts.

    Examples
    --------
    >>> find_state(1.0, ["0", "1"]), find_state(True, ["False", "True"]), find_state("?", ["0"])
    ('1', 'True', None)
    >>> find_state("NONE", ["none", "mild"]), find_state("A", ["a", "A"]), find_state("x", ["a"])
    ('none', 'A', None)
    >>> find_state(" Fatigue ", ["fatigue", "pain"]), find_state("fatige", ["fatigue"])
    ('fatigue', None)
    """
    text, known = spell(raw) if is_plain(raw) else None, tuple(states)
    if text is None:
        return None
    found = next((state for state in known if text in (state, spell(state))), None)
    if found is not None or exact:
        return found
    alike = [state for state in known if fold(spell(state) or "") == fold(text)]
    return alike[0] if len(alike) == 1 else None


def is_plain(raw: object) -> bool:
    """Whether an answer is one word or number, or none; not a list, a mapping or an array."""
    if raw is None or isinstance(raw, str | bytes):
        return True
    return not isinstance(raw, Iterable) and getattr(raw, "ndim", 0) == 0


def find_name(name: object, known: Iterable[str]) -> str | None:
    """Return the name that is meant; use `find_state`, which reads names by the same rule.

    .. deprecated:: 0.3
       It goes with version 0.4.

    Warns
    -----
    FutureWarning
    """
    deprecated("find_name", "find_state", "0.4")
    return find_state(name, known)


def spelled_names(answers: Mapping[str, object], known: Iterable[str]) -> list[tuple[str, object]]:
    """Return answers under the names that are meant, as far as spelling alone tells.

    Letters may be of another case, where that leaves one name.

    Raises
    ------
    QueryError
        Two names are spelled alike: which of the answers is meant, nobody can tell.
    """
    meant = {spell(name): name for name in known}
    alike: dict[str, set[str]] = {}
    for spelled, name in meant.items():
        alike.setdefault(fold(spelled or ""), set()).add(name)

    def which(given: object) -> str:
        spelled = spell(given)
        near = alike.get(fold(spelled or ""), set())
        return meant.get(spelled) or (next(iter(near)) if len(near) == 1 else str(given))

    found = [(which(name), raw) for name, raw in answers.items()]
    counts = Counter(name for name, _ in found)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise QueryError("\n".join(say("survey.person.twice", name=name) for name in twice))
    return found


def named_states(answers: Mapping[str, object], graph: CausalGraph) -> dict[str, str]:
    """Return one person's states by node, where there is no codebook.

    Parameters
    ----------
    answers : mapping
        State label by node. None, NaN, NA, NaT, a blank and the words that stand for no answer in
        a codebook that states none are left out.
    graph : CausalGraph

    Returns
    -------
    dict
        A name or a state that the graph does not know stays as it was given.

    Examples
    --------
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["0", "1"], "b": ["no", "yes"]})
    >>> named_states({"a": 1.0, "b": float("nan")}, graph)
    {'a': '1'}
    """
    found = {}
    for name, raw in spelled_names(answers, graph.names):
        states = graph.node(name).states if name in graph.names else ()
        state = find_state(raw, states)
        if state is not None or not is_plain(raw) or not no_answer(spell(raw), MISSING):
            found[name] = str(raw) if state is None else state
    return found


def _in_two_ways(book: Contents, name: str, raw: object, state: str) -> Said | None:
    """Refuse the state of a node that is another answer of the column which bears its name."""
    spec = book.columns[name]
    if spec.measured is None and spec.type != "number":  # any text is one of its answers
        return None
    try:
        value = spec.read(raw, book.missing)
    except ValueError:
        return None
    told = {"name": name, "value": str(raw)}
    if spec.measured is None:
        return None if value is None else say("survey.person.two_ways_input", **told)
    node, said = book.node_of(name), spec.state(value)
    if said is None:
        return say("survey.person.two_ways_missing", **told)
    if (node, said) == (name, state):
        return None
    return say("survey.person.two_ways", **told, node=node, state=said)


def encode_person(
    book: Contents, answers: Mapping[str, object], graph: CausalGraph
) -> dict[str, str]:
    """Return a person's evidence; see `Codebook.encode_person`."""
    found: dict[str, tuple[str, str]] = {}  # by node: who says it, and the state
    inputs: dict[str, float | str | None] = {}
    problems: list[Said] = []

    def put(name: str, node: str, state: str | None) -> None:
        if state is None:
            return
        first, before = found.setdefault(node, (name, state))
        if before != state:
            problems.append(
                say(
                    "survey.person.contradiction",
                    first=first,
                    node=node,
                    before=before,
                    name=name,
                    state=state,
                )
            )

    def refuse(name: str, raw: object, expected: str) -> None:
        problems.append(say("survey.person.value", name=name, value=str(raw), expected=expected))

    for name, raw in spelled_names(answers, [*book.columns, *graph.names]):
        spec = book.columns.get(name)
        states = graph.node(name).states if name in graph.names else ()
        state = find_state(raw, states, exact=spec is not None)
        if not is_plain(raw):
            refuse(name, raw, say("survey.expected.one_answer"))
        elif state is not None:
            if spec is not None and (told := _in_two_ways(book, name, raw, state)) is not None:
                problems.append(told)
            put(name, name, state)
        elif spec is not None:
            try:
                inputs[name] = spec.read(raw, book.missing)
            except ValueError as error:
                if (state := find_state(raw, states)) is None:  # no label, in whatever case
                    refuse(name, raw, error.args[0])
                put(name, name, state)
            else:
                if spec.measured:
                    put(name, book.node_of(name), spec.state(inputs[name]))
        elif states and not no_answer(spell(raw), book.missing):
            near = suggest(raw, states)
            refuse(name, raw, say("survey.expected.label", labels=choices(states), near=near))
        elif not states:
            near = graph.near(name, book.columns)
            problems.append(say("survey.person.unknown", name=name, near=near))
    for name, derived in book.derived.items():
        value = derived.value(inputs)
        if value is None and derived.derive != "first_match":
            number = derived.number(inputs)
            if number is not None:
                given = listed(say("phrases.quoted", text=column) for column in derived.from_)
                problems.append(
                    say("survey.person.impossible", name=name, value=f"{number:.4g}", inputs=given)
                )
        put(name, book.node_of(name), derived.state(value))
    cells = {
        name: raw
        for name, raw in spelled_names(answers, [*book.columns, *graph.names])
        if is_plain(raw)
    }
    said = {
        name: found[node][1]
        for name in book.columns
        if name in book.measures and (node := book.node_of(name)) in found
    }
    for name, unasked in gated(book).items():
        if unasked.measured is None or asked(book, name, cells, said) is not False:
            continue
        assert unasked.asked_if is not None
        state = unasked.asked_if.otherwise
        reported = found.get(book.node_of(name), (name, state))[1]
        if reported != state and not unticked(name, cells.get(name)):
            when = unasked.asked_if.when
            problems.append(say("survey.branching.person", name=name, when=when))
        elif state is not None:
            found[book.node_of(name)] = (name, state)
        else:
            found.pop(book.node_of(name), None)
    if problems:
        raise QueryError("\n".join(problems))
    return {node: state for node, (_, state) in found.items()}
