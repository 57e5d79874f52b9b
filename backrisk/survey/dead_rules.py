"""What a codebook says and no answer can ever meet: rules, and states beyond a column's range."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping

from backrisk._spelling import number_of, same_number, spell
from backrisk.survey.branching import answers_of, asked, columns_of, gated
from backrisk.survey.logic import parse
from backrisk.survey.schema import Column, Condition, Contents, Derived, words_pattern
from backrisk.words import Said, listed, say, suggest

_MOST = 4096  # combinations of answers that are tried one by one
_SHOWN = 6  # answers that a sentence names
_DIGITS = re.compile(r"[0-9.+-]*(?:e[+-]?[0-9]*)?\*?", re.IGNORECASE)


def dead_rules(book: Contents) -> list[Said]:
    """Return a sentence for every rule and condition that can never hold, and state out of range.

    And for every question that is asked of nobody, as far as labels show.

    Parameters
    ----------
    book : Contents
        Checked against its graph, so that its states are written out.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> from backrisk.survey.codebook import Codebook
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> rule = {"state": "yes", "when": [{"any": ["x"], "contains": ["1"]}]}
    >>> columns = {"x": {"role": "input", "labels": {"0": "no", "1": "yes"}}, "b": {"node": "b"}}
    >>> derived = {"d": {"node": "a", "derive": "first_match", "from": ["x"], "rules": [rule]}}
    >>> data = {"name": "c", "graph": "graph", "columns": columns, "derived": derived}
    >>> print(*dead_rules(Codebook.from_dict(data, graph)))
    Rule 1 of 'd' (state 'yes') can never match: no answer to 'x' contains '1'. Rules see ...
    """
    found = [
        told
        for name, spec in book.derived.items()
        if spec.derive == "first_match"
        for told in _dead(name, spec, book.columns)
    ]
    unmet = _unmet(book)
    told_of = {told.values["column"] for told in unmet}
    found += [
        say("survey.cautions.never_asked", column=name, when=spec.asked_if.when)
        for name, spec in gated(book).items()
        if spec.asked_if is not None and name not in told_of and _never_asked(book, name)
    ]
    for name, column in book.columns.items():
        if column.cuts and column.range:
            low, high = column.range
            bounds = (-math.inf, *column.cuts, math.inf)
            for state, start, end in zip(column.states, bounds, bounds[1:], strict=False):
                least = max(start, low)
                if not least <= high or not least < end:
                    told = {"column": name, "state": state, "low": f"{low:g}", "high": f"{high:g}"}
                    found.append(say("survey.cautions.out_of_range", **told))
    return found + unmet


def _unmet(book: Contents) -> list[Said]:
    """Return which conditions compare a column with what none of its answers is."""
    found: dict[Said, None] = {}
    for name, spec in gated(book).items():
        assert spec.asked_if is not None
        for each in parse(spec.asked_if.when).comparisons:
            text = spell(each.text)
            if each.other or each.ordered or text is None or _is_answer(book, each.column, text):
                continue
            near = suggest(text, sorted(answers_of(book, each.column) or ()))
            told = {"column": name, "other": each.column, "value": text, "near": near}
            found[say("survey.branching.never", **told)] = None
    return list(found)


def _is_answer(book: Contents, name: str, text: str) -> bool:
    """Whether an answer to a column can be a text, as conditions compare them."""
    if book.columns[name].blank(text, book.missing):
        return False
    if book.columns[name].type == "number":
        return number_of(text) is not None
    answers = answers_of(book, name)
    return answers is None or any(text == own or same_number(text, own) for own in answers)


def _never_asked(book: Contents, name: str) -> bool:
    """Whether no answers to labelled questions meet the condition of another."""
    columns = columns_of(book, name)
    labels = [book.columns[column].labels for column in columns]
    if any(not each for each in labels):
        return False
    each = [[None, *(known or ())] for known in labels]
    if math.prod(map(len, each)) > _MOST:
        return False
    rows = (dict(zip(columns, row, strict=True)) for row in itertools.product(*each))
    return not any(asked(book, name, row) for row in rows)


def _dead(name: str, spec: Derived, columns: Mapping[str, Column]) -> Iterator[Said]:
    answers = {c: _answers(columns[c]) for c in spec.from_ if c in columns}
    finite = {c: texts for c, texts in answers.items() if texts is not None}
    first = _first_matches(spec, finite) if len(finite) == len(spec.from_) else None
    for place, rule in enumerate(spec.rules):
        at = {"rule": place + 1, "name": name, "state": rule.state or say("survey.cautions.none")}
        impossible = [test for test in rule.when if not _possible(test, columns, answers)]
        if impossible:
            yield _why(impossible[0], at, columns, answers)
        elif first is not None and place not in first:
            before = _before(spec, place)
            if before is None:
                yield say("survey.cautions.rule_covered_by_all", **at)
            else:
                yield say("survey.cautions.rule_covered", **at, first=before + 1)
        elif first is None and (before := _before(spec, place)) is not None:
            yield say("survey.cautions.rule_covered", **at, first=before + 1)


def _answers(column: Column) -> frozenset[str] | None:
    """Return the texts that rules see of a column; None where there is no end of them."""
    if column.type != "label" or column.labels is None:
        return None
    return frozenset(spell(state) or "" for state in column.labels.values())


def _possible(
    test: Condition, columns: Mapping[str, Column], answers: Mapping[str, frozenset[str] | None]
) -> bool:
    """Whether an answer to any column of a condition can contain any of its words."""
    for name in test.any:
        texts = answers.get(name)
        if texts is not None:
            pattern = words_pattern(test.contains)
            if any(pattern.search(text) for text in texts):
                return True
        elif columns[name].type != "number" or any(map(_DIGITS.fullmatch, test.contains)):
            return True
    return False


def _why(
    test: Condition,
    at: Mapping[str, object],
    columns: Mapping[str, Column],
    answers: Mapping[str, frozenset[str] | None],
) -> Said:
    told = {
        **at,
        "columns": listed(say("phrases.quoted", text=name) for name in test.any),
        "words": listed(say("phrases.quoted", text=word) for word in test.contains),
    }
    texts = sorted(set().union(*(answers.get(name) or () for name in test.any)))
    if not texts:
        return say("survey.cautions.rule_of_numbers", **told)
    shown = [say("phrases.quoted", text=text) for text in texts[:_SHOWN]]
    if len(texts) > _SHOWN:
        shown.append(say("survey.cautions.others", count=len(texts) - _SHOWN))
    return say("survey.cautions.rule_of_labels", **told, texts=listed(shown))


def _first_matches(spec: Derived, answers: Mapping[str, frozenset[str]]) -> set[int] | None:
    """Return the rules that are the first to match somewhere; None where there is too much."""
    each = [[None, *sorted(answers[column])] for column in spec.from_]
    number = 1
    for texts in each:
        number *= len(texts)
    if number > _MOST:
        return None
    found: set[int] = set()
    for row in itertools.product(*each):
        given = {c: text for c, text in zip(spec.from_, row, strict=True) if text is not None}
        for place, rule in enumerate(spec.rules):
            if given and all(test.holds(given) for test in rule.when):
                found.add(place)
                break
    return found


def _before(spec: Derived, place: int) -> int | None:
    """Return an earlier rule that matches whatever a rule would, as far as its words show."""
    rule = spec.rules[place]
    for earlier in range(place):
        if all(
            any(_implies(later, test) for later in rule.when) for test in spec.rules[earlier].when
        ):
            return earlier
    return None


def _implies(later: Condition, earlier: Condition) -> bool:
    """Whether the earlier condition holds wherever the later one does."""
    return set(later.any) <= set(earlier.any) and all(
        any(_covers(wide, word) for wide in earlier.contains) for word in later.contains
    )


def _covers(wide: str, word: str) -> bool:
    if wide.casefold() == word.casefold():
        return True
    stem = wide.removesuffix("*")
    return stem != wide and word.casefold().startswith(stem.casefold())
