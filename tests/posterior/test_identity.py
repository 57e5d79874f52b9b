"""A model is known again by what its answers follow from, not by its file."""

from dataclasses import replace

import numpy as np
import pytest

import backrisk as br
from backrisk.posterior import SiteEffects

STATES = {"x": ["no", "yes"], "y": ["no", "yes"]}


def given(risk=0.8, states=STATES, edges=(("x", "y"),)):
    graph = br.CausalGraph.from_edges(list(edges), states)
    cpts = {"x": [[0.5, 0.5], [0.4, 0.6]], "y": [[[0.7, 0.3], [0.2, risk]]]}
    cpts["y"][0][1][0] = 1.0 - risk
    return br.Posterior.from_cpts(graph, cpts)


def with_sites(posterior):
    nodes = len(posterior.layout.pooled)
    rng = np.random.default_rng(0)
    shift = rng.normal(size=(posterior.draws, 2, nodes))
    return replace(
        posterior, sites=SiteEffects(("a", "b"), shift, np.ones((posterior.draws, nodes)))
    )


@pytest.mark.parametrize("make", [given, br.example_posterior])
def test_a_saved_model_is_the_same_model(make, tmp_path):
    model = make()
    assert len(model.checksum) == 16
    assert set(model.checksum) <= set("0123456789abcdef")
    assert br.load_posterior(model.save(tmp_path / "model.nc")).checksum == model.checksum


def test_another_number_or_name_is_another_model():
    named = {"x": ["no", "yes"], "y": ["none", "yes"]}
    found = [given(), given(0.7), given(states=named)]
    assert len({each.checksum for each in found}) == len(found)
    assert given().checksum == given().checksum


def test_another_codebook_reads_other_answers_and_is_another_model():
    model = br.example_posterior()
    assert replace(model, codebook=None).checksum != model.checksum


def test_fewer_draws_and_a_site_are_parts_of_the_same_model(tmp_path):
    model = with_sites(br.example_posterior())
    assert model.checksum != br.example_posterior().checksum
    parts = [model.subset(7), model.at_site("a"), model.at_site("new").subset(9).subset(3)]
    for part in parts:
        assert part.checksum == model.checksum
        assert br.load_posterior(part.save(tmp_path / "part.nc")).checksum == model.checksum


def test_a_part_that_was_changed_is_a_model_of_its_own():
    part = br.example_posterior().subset(7)
    assert part.beta is not None
    changed = replace(part, beta=part.beta + 0.1)
    assert changed.checksum not in (part.checksum, br.example_posterior().checksum)
