"""A posterior as it is served: the draws that every answer uses, by site, and the form."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from backrisk.graph import CausalGraph, UnrolledGraph, holds
from backrisk.posterior import Posterior
from backrisk.queries import FormGroup, adverse_chances, make_form
from backrisk.web import schema
from backrisk.words import again, disclaimer, names_of

VERSION = version("backrisk")
_SITES_KEPT = 8  # sites whose tables are kept at a time; the least lately asked makes room


@dataclass(frozen=True, eq=False)
class Place:
    """The posterior that questions about one site are put to.

    Parameters
    ----------
    posterior : Posterior
    chances : mapping of node to ndarray
        What the cascade's lines are drawn from.
    """

    posterior: Posterior
    chances: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Served:
    """A model as it is served.

    Parameters
    ----------
    posterior : Posterior
        At most the stated number of draws.
    drawn : int
        How many draws the model holds.
    form : tuple of FormGroup
    at : callable
        The `Place` of a site, of ``"new"``, or of the average for None; refuses what the model
        does not know, as `Posterior.at_site` does.
    earlier : mapping of checksum to Posterior
        Models that saved files may name, thinned likewise.
    """

    posterior: Posterior
    drawn: int
    form: tuple[FormGroup, ...]
    at: Callable[[str | None], Place]
    earlier: Mapping[str, Posterior] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        posterior: Posterior,
        draws: int | None = None,
        earlier: Iterable[Posterior] = (),
    ) -> Served:
        """Thin a posterior where asked to, and compute once what every answer needs."""

        def thin(whole: Posterior) -> Posterior:
            return whole if draws is None else whole.subset(draws)

        thinned = thin(posterior)
        pooled, preparing = _prepared(thinned), threading.Lock()

        @lru_cache(maxsize=_SITES_KEPT)
        def elsewhere(site: str) -> Place:
            return _prepared(thinned.at_site(site))

        def at(site: str | None) -> Place:
            if site in (None, "average"):
                return pooled
            with preparing:  # the page asks several questions at once: one of them prepares
                return elsewhere(str(site))

        known = {each.checksum: thin(each) for each in earlier}
        form = make_form(_asked(thinned), thinned.codebook)
        return cls(thinned, posterior.draws, form, at, known)

    def earlier_at(self, model: str | None, site: str | None) -> Posterior | None:
        """Return the earlier model of a checksum at a site, where there is one."""
        found = self.earlier.get(model or "")
        return None if found is None else found.at_site(site)

    @property
    def over_time(self) -> bool:
        """Whether a person is told of visit by visit: where the model has several periods."""
        return isinstance(self.posterior.graph, UnrolledGraph) and self.posterior.graph.periods > 1

    @property
    def graph(self) -> CausalGraph:
        """The graph that people are asked about: over time, that of one period."""
        return _asked(self.posterior)

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites of the survey."""
        return () if self.posterior.sites is None else self.posterior.sites.names

    @property
    def about(self) -> schema.ModelOut:
        """What is said of the model on every page, in the language that is spoken."""
        posterior, meta, found = self.posterior, self.posterior.meta, self.posterior.diagnostics
        outcome = None if self.graph.outcome is None else [self.graph.outcome]
        book = posterior.codebook
        title = None if book is None else book.title or book.name
        return schema.ModelOut(
            api="1",
            backrisk=VERSION,
            graph=self.graph.title or self.graph.name,
            outcome=self.graph.outcome,
            survey=meta.get("survey", title) if posterior.surveyed else None,
            people=meta.get("people"),
            synthetic=posterior.surveyed
            and bool(meta.get("synthetic", book is not None and book.synthetic)),
            sites=list(self.sites),
            draws=posterior.draws,
            draws_in_model=self.drawn,
            # The page of the model tells what failed, its answers only that something did.
            warnings=[
                again(warning)
                for warning in (*posterior.warnings, *posterior.conflicts_about(outcome))
            ],
            checks=list(found.checked(names_of(posterior.graph))) if found.verdicts else [],
            disclaimer=disclaimer(),
        )


def _asked(posterior: Posterior) -> CausalGraph:
    graph = posterior.graph
    return graph.template if isinstance(graph, UnrolledGraph) else graph


def _prepared(posterior: Posterior) -> Place:
    """Compute the tables and the average that every answer needs."""
    if isinstance(posterior.graph, UnrolledGraph):
        return Place(posterior, {})  # nobody asks for a cascade over periods
    if posterior.graph.outcome is not None:
        posterior.marginal(posterior.graph.outcome)
    if posterior.prior is not None:
        for name in posterior.graph.names:
            if holds(posterior.graph, name, posterior.prior.draws):
                posterior.prior.table(name)
    return Place(posterior, adverse_chances(posterior))
