"""What cannot be told from the errors of items is refused before anything is sampled."""

from dataclasses import replace

import numpy as np
import pytest

from backrisk import Codebook, FitError
from backrisk.fitting.identify import check_identified
from backrisk.graph import CausalGraph, Edge, Node, Prior
from backrisk.survey import Survey

TWO = ("no", "yes")


def survey(items=3, *, prior=None, seen=(), effects=1, **about):
    """A latent `c` with items `i0`, ... and observed effects `y0`, ..."""
    about = about or {"error": "unknown"}
    names = [f"y{k}" for k in range(effects)]
    nodes = (Node("c", TWO), *(Node(n, TWO, mechanism="ordinal_logit") for n in names))
    edges = tuple(Edge("c", n, "Claim.", "stated", "weak", prior or Prior(0.0, 1.0)) for n in names)
    graph = CausalGraph("latent", nodes, edges, outcome=names[0] if names else "c")
    columns = {n: {"node": n} for n in ("c", *names)}
    columns |= {f"i{k}": {"item": "c", **about} for k in range(items)}
    book = Codebook.from_dict({"name": "b", "graph": "latent", "columns": columns}, graph)
    full = book.extend(graph)
    codes = np.zeros((4, len(full.names)), np.int8)
    for name in ("c", *seen):
        codes[:, full.names.index(name)] = 0 if name in seen else -1
    return Survey(full, codes, book)


CLEAR = Prior(1.0, 1.0)


@pytest.mark.parametrize(("items", "effects"), [(1, 0), (2, 0), (1, 1)])
def test_fewer_than_three_signs_are_refused_with_their_number(items, effects):
    with pytest.raises(FitError) as raised:
        check_identified(survey(items, effects=effects, prior=CLEAR))
    for fact in ("'c'", "i0", f"{items + effects} of the 3"):
        assert fact in str(raised.value)


@pytest.mark.parametrize(("items", "effects"), [(3, 0), (2, 1), (1, 2)])
def test_three_signs_are_enough_where_something_names_the_states(items, effects):
    anchored = survey(items, effects=effects, prior=CLEAR)
    if effects:
        assert check_identified(anchored) == ()
    else:
        with pytest.raises(FitError, match="which state of 'c' is which"):
            check_identified(anchored)


def test_signs_without_a_name_are_refused():
    with pytest.raises(FitError, match="which state of 'c' is which") as raised:
        check_identified(survey(2))
    assert "i0 and i1" in str(raised.value)


@pytest.mark.parametrize(
    ("prior", "clear"),
    [
        (Prior(1.0, 1.0), True),
        (Prior(-1.0, 1.0), True),
        (Prior(0.99, 1.0), False),
        (Prior(-0.99, 1.0), False),
    ],
)
def test_a_prior_is_clear_from_one_standard_deviation_on(prior, clear):
    if clear:
        assert check_identified(survey(2, prior=prior)) == ()
    else:
        with pytest.raises(FitError):
            check_identified(survey(2, prior=prior))


def test_an_item_whose_error_is_known_needs_no_other():
    assert check_identified(survey(1, reliability=0.8)) == ()
    known = {"no": {"no": 0.9, "yes": 0.1}, "yes": {"no": 0.3, "yes": 0.7}}
    assert check_identified(survey(1, misclassification=known)) == ()


def test_an_item_that_tells_nothing_apart_does_not_help():
    useless = {state: {"no": 0.6, "yes": 0.4} for state in TWO}
    with pytest.raises(FitError, match="2 of the 3"):
        check_identified(survey(1, misclassification=useless))


def test_a_node_that_somebody_observed_needs_nothing():
    assert check_identified(survey(1, seen=("c",))) == ()


def test_without_items_an_unclear_node_is_a_caution_and_no_error():
    cautions = check_identified(survey(0))
    assert len(cautions) == 1
    assert "'c'" in cautions[0]
    assert check_identified(survey(0, prior=CLEAR)) == ()


def test_a_node_that_nothing_observed_touches_is_left_alone():
    alone = survey(0)
    codes = np.full_like(alone.codes, -1)
    assert check_identified(replace(alone, codes=codes)) == ()
