"""Posteriors: draws of every CPT of a graph, with what produced them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backrisk._arguments import checked, checked_class
from backrisk._html import block, folded, paragraph, table
from backrisk._types import Array, Codes
from backrisk.errors import PosteriorError, QueryError
from backrisk.graph import CausalGraph, Layout, ProportionalOdds, at_site, holds, too_large
from backrisk.inference import Stacked, Tables, World
from backrisk.posterior.carried import carried_words
from backrisk.posterior.cpts import CPTs, draws_last, spaced
from backrisk.posterior.datatree import (
    DIVERGING,
    LOG_LIKELIHOOD,
    LOG_PRIOR,
    MARGIN,
    Group,
    datatree,
)
from backrisk.posterior.diagnostics import Diagnostics
from backrisk.posterior.disclosure import LeastCells
from backrisk.posterior.given import GivenCPTs, read_cpts
from backrisk.posterior.identity import digest, known_as, part_of
from backrisk.posterior.outside import read_draws
from backrisk.posterior.parametric import ParametricCPTs
from backrisk.posterior.sites import SiteEffects, prior_of_new_site
from backrisk.posterior.soundness import refuse_unsound
from backrisk.posterior.storage import seal, store
from backrisk.survey import AVERAGE, Codebook
from backrisk.words import again, decimal, names_of, percent, printable, say

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

_AT_ONCE = 2**23  # cells of a CPT that are averaged at once, in all draws
_HELD = 2**30  # cells of tables in all draws up to which a saved model holds the average: seconds
_SUBSETS = 4  # that are kept
_THINNED = 100  # draws that averages of many queries are computed from
_PRIOR_DRAWS = 250  # that data support is computed from
_SHOWN = 6  # warnings that a notebook shows


@checked_class()
@dataclass(frozen=True, eq=False, repr=False)
class Posterior:
    """Draws of the parameters of a graph, and what produced them. Holds no person's row.

    `fit` makes one from a survey, `from_cpts` from tables, `load_posterior` from a file. Every
    query takes one.

    Parameters
    ----------
    graph : CausalGraph
        With the items of the codebook.
    fractions : ndarray, shape (draw, fraction), or None
        Draws of the stick-breaking fractions, in the order of `Layout.fraction_labels`: the share
        that a state takes of what the states before it have left. None where CPTs were given.
        Files and DataTrees call them ``continuation``.
    beta : ndarray, shape (draw, effect), or None
        Draws of the effects, log odds ratios in the order of `Layout.effect_labels`.
    chains : int
        How many chains the draws come from, one after the other.
    diagnostics : Diagnostics
    codebook : Codebook, optional
    prior_fractions, prior_beta : ndarray, shape (prior draw, ...), optional
        Draws of the same from the prior.
    given : mapping of str to ndarray, optional
        CPTs given directly, each ``(draw, *parents, state)``; see `from_cpts`, which checks them.
    sites : SiteEffects, optional
        For a survey of several sites; see `at_site`.
    meta : mapping
        Seed, versions, number of people, how much of each node was observed, whom the survey
        compared, the smallest counts of people that follow from the model.
    log_prior, log_likelihood : ndarray, shape (draw,), optional
        Of each draw: the log density of its parameters under the prior, on the scale of fractions,
        log odds ratios and the shifts and scales of sites, without any Jacobian; and the log
        likelihood of the survey, as weighted. From these a posterior under a prior, or a
        likelihood, raised to another power follows by importance weights (Kallioinen et al. 2024,
        doi:10.1007/s11222-023-10366-5). None where CPTs were given, and in files saved before
        they were kept. DataTrees hold them as groups ``log_prior`` (variable ``parameters``) and
        ``log_likelihood`` (``survey``), where ``az.psense_summary`` finds them.
    sample_stats : mapping of str to ndarray, shape (draw,), optional
        Of each draw, whether NUTS diverged (``diverging``, 0 or 1) and its ``energy``. None where
        nothing was sampled, and in files saved before they were kept.

    Examples
    --------
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}
    >>> posterior = Posterior.from_cpts(g, cpts)
    >>> posterior.draws, posterior.cpt("y").shape, posterior.diagnostics.method
    (1, (1, 2, 2), 'given')
    >>> posterior.marginal("y").round(2).tolist()
    [[0.45], [0.55]]
    """

    graph: CausalGraph
    fractions: Array | None = None
    beta: Array | None = None
    chains: int = 1
    diagnostics: Diagnostics = field(default_factory=lambda: Diagnostics("given"))
    codebook: Codebook | None = None
    prior_fractions: Array | None = None
    prior_beta: Array | None = None
    given: Mapping[str, Array] | None = None
    sites: SiteEffects | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    log_prior: Array | None = None
    log_likelihood: Array | None = None
    sample_stats: Mapping[str, Array] | None = None

    def __repr__(self) -> str:
        """Return the graph, the draws and how they were made, in a line."""
        made = f"chains={self.chains}, draws={self.draws}, method={self.diagnostics.method!r}"
        return f"{type(self).__name__}({self.graph.name!r}, {made})"

    def _repr_html_(self) -> str:
        """Return how the sampling was judged, what the fit is of, and every warning."""
        found = self.diagnostics
        people = self.meta.get("people")
        told = say(
            "posterior.shown.made",
            chains=self.chains,
            draws=self.draws // self.chains,
            method=found.made_by,
            nodes=len(self.graph.nodes),
        )
        worst = {name: value for name, value in found.worst.items() if value == value}
        return block(
            self.graph.title or self.graph.name,
            paragraph(told),
            paragraph(say("posterior.shown.people", n=f"{people:,}") if people else ""),
            table(
                {
                    say("posterior.shown.criterion"): list(worst),
                    say("posterior.shown.worst"): [decimal(value, 3) for value in worst.values()],
                }
            )
            if worst
            else "",
            *map(paragraph, self.warnings[:_SHOWN]),
            folded(say("posterior.shown.cautions"), map(again, found.cautions)),
        )

    @classmethod
    @checked("cpts")
    def from_cpts(cls, graph: CausalGraph, cpts: Mapping[str, ArrayLike]) -> Posterior:
        """Make a posterior from CPTs, without a fit.

        Parameters
        ----------
        graph : CausalGraph
        cpts : mapping of node name to array_like, shape ``(draw, *parents, state)``
            Parents in the graph's order. An array without the draw axis is one draw; one draw
            serves beside any number of draws of the others. Labels of a pandas or Polars frame,
            or of an xarray DataArray, are read: states in any order along an axis, and axes in
            any order where they are named as the nodes are.

        Returns
        -------
        Posterior

        Raises
        ------
        PosteriorError
            If a node is missing or unknown, a shape is wrong, labels are not the states of a
            node, a row is not a distribution, or the draws of a CPT are too many to hold.

        Examples
        --------
        >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
        >>> cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}
        >>> Posterior.from_cpts(g, cpts).draws
        1
        """
        return cls(graph, given=read_cpts(graph, cpts))

    @classmethod
    @checked("tree")
    def from_datatree(
        cls,
        tree: DataTree | Dataset,
        graph: CausalGraph,
        variables: Mapping[str, str] | None = None,
    ) -> Posterior:
        """Make a posterior from draws that another program, or another model, gave.

        *Assumptions*: the draws are of the graph's tables and its sampler converged: neither is
        looked into here. Chains are put one after the other.

        Parameters
        ----------
        tree : xarray.DataTree
            With a group ``posterior``, as PyMC, nutpie and ArviZ give it; or that group, an
            xarray.Dataset. Its variables have dimensions ``chain`` and ``draw``, then one for each
            parent in the graph's order, then the node's states; of a node of two states the last
            may be left out, and then the numbers are of its second state. Dimensions that are
            named as nodes may stand in any order, and so may the states among their coordinates.
        graph : CausalGraph
        variables : mapping of node to name of variable, optional
            Default ``cpt_node``, else the node's own name. Where the tree has the parameters of
            `build_model` (``continuation`` and ``beta``), these are read.

        Returns
        -------
        Posterior

        Raises
        ------
        PosteriorError
            If a variable is missing, a shape is not that of the node's table, coordinates are not
            the states of a node, a row is not a distribution, or parameters are those of another
            graph.

        Examples
        --------
        >>> import numpy as np
        >>> import xarray as xr
        >>> from backrisk import CausalGraph, Posterior
        >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
        >>> draws = xr.Dataset({
        ...     "p_x": (("chain", "draw"), np.full((2, 50), 0.5)),
        ...     "p_y": (("chain", "draw", "x"), np.full((2, 50, 2), [0.3, 0.8])),
        ... })
        >>> posterior = Posterior.from_datatree(draws, g, {"x": "p_x", "y": "p_y"})
        >>> posterior.draws, posterior.cpt("y")[0].round(12).tolist()
        (100, [[0.7, 0.3], [0.2, 0.8]])
        """
        read = read_draws(tree, graph, variables)
        caution = say("posterior.outside.unjudged")
        return replace(
            cls(graph, diagnostics=Diagnostics("given", cautions=(caution,))),
            fractions=read.fractions,
            beta=read.beta,
            chains=read.chains,
            given=None if read.cpts is None else read_cpts(graph, read.cpts),
        )

    def warnings_about(self, nodes: Iterable[str] | None = None) -> tuple[str, ...]:
        """Return what has to be told with an answer about some nodes.

        Parameters
        ----------
        nodes : iterable of str, optional
            The target, and the nodes that were reported or asked about; default the graph's
            outcome, or every node where it has none.

        Returns
        -------
        tuple of str
            `believed`, then where prior and data disagree about something that the answer rests
            on: the distribution of one of the nodes or of anything that leads to them.
        """
        if nodes is None and self.graph.outcome is not None:
            nodes = [self.graph.outcome]
        return (*self.believed, *self.conflicts_about(nodes))

    def conflicts_about(self, nodes: Iterable[str] | None = None) -> tuple[str, ...]:
        """Say where prior and data disagree.

        Parameters
        ----------
        nodes : iterable of str, optional
            Only what an answer about these rests on; default everything.

        Returns
        -------
        tuple of str
        """
        names = names_of(self.graph)
        below = self.graph.names if nodes is None else set(nodes)
        rests = {*below, *(above for node in below for above in self.graph.ancestors(node))}
        found = self.diagnostics.conflicts
        return tuple(each.sentence(names) for each in found if each.node in rests)

    @property
    def draws(self) -> int:
        """The number of draws."""
        return self._cpts.draws

    @property
    def warnings(self) -> tuple[str, ...]:
        """What concerns every answer: whom the model speaks of, where it says so; the fit's own."""
        return (*self._people, *self.diagnostics.warnings, *self._doubted)

    @property
    def believed(self) -> tuple[str, ...]:
        """The same for a reader of answers, who is told only that the sampling is not sound."""
        unsound = () if self.diagnostics.good else (say("posterior.unsound"),)
        return (*self._people, *unsound, *self._doubted)

    @property
    def _doubted(self) -> tuple[str, ...]:
        """What a survey contradicted, in one sentence."""
        doubts = self.diagnostics.doubts(names_of(self.graph))
        return (doubts,) if doubts else ()

    @property
    def _people(self) -> tuple[str, ...]:
        told = (str(self.meta.get("population", "")), self.chosen, *self.carried)
        return tuple(printable(each) for each in told if each)

    @property
    def carried(self) -> tuple[str, ...]:
        """To which population the model was carried, and on what assumptions; empty if it was not.

        `backrisk.check.transport` carries a model.
        """
        return carried_words(self.graph, self.meta.get("carried"))

    @property
    def chosen(self) -> str:
        """How people were chosen by the outcome, and what rests on it; empty where they were not.

        Where `risks_known` is false, it says why no risk of anybody can be told.
        """
        design = self.meta.get("design") or {}
        if design.get("kind") not in ("case_control", "matched"):
            return ""
        share, names = design.get("prevalence"), names_of(self.graph)
        key = f"posterior.design.{design['kind']}{'' if share is None else '_anchored'}"
        about = {} if share is None else {"share": percent(share)}
        return say(key, node=names.node(design["outcome"]), **about)

    @property
    def risks_known(self) -> bool:
        """Whether the survey's design lets risks be told, and not odds ratios alone."""
        design = self.meta.get("design") or {}
        return not self.chosen or design.get("prevalence") is not None

    @property
    def surveyed(self) -> bool:
        """Whether a survey stands behind the draws, and not tables that were given."""
        return not self.meta.keys().isdisjoint({"survey", "people"})

    @cached_property
    def checksum(self) -> str:
        """By what the model is known again: 16 hexadecimal digits of a SHA-256.

        It is of the draws, the nodes with their parents and states, and the codebook: the same
        before and after the model is saved. `subset` and `at_site` keep that of the model that
        they are taken from. Saved answers name it, so that `backrisk.follow_up` can tell whether
        the model changed.
        """
        return known_as(self.meta, self._own_checksum)

    @cached_property
    def _own_checksum(self) -> str:
        given = {f"given/{name}": table for name, table in sorted((self.given or {}).items())}
        drawn = {"fractions": self.fractions, "beta": self.beta, **given}
        return digest(self.graph, self.codebook, self.sites, drawn)

    def _holding(self, part: Posterior) -> Posterior:
        """Return what was taken from this model, recorded as a part of it."""
        recorded = part_of(self.checksum, part._own_checksum)
        return replace(part, meta={**part.meta, **recorded})

    @property
    def has_prior(self) -> bool:
        """Whether prior draws of the same quantities are held."""
        return self.prior_fractions is not None

    @cached_property
    def layout(self) -> Layout:
        """Which parameter belongs to which node."""
        return Layout(self.graph)

    @cached_property
    def _cpts(self) -> CPTs:
        if self.given is not None:
            return GivenCPTs(self.given, dict(self.graph.tied))
        assert self.fractions is not None
        assert self.beta is not None
        return ParametricCPTs(self.layout, self.fractions, self.beta)

    def cpt(self, name: str) -> Array:
        """Return the draws of a node's CPT.

        Parameters
        ----------
        name : str

        Returns
        -------
        ndarray, shape ``(draw, *parents, state)``

        Raises
        ------
        GraphError
            If there is no such node.
        QueryError
            If the table is too large to hold.
        """
        return np.moveaxis(self.table(name), -1, 0)

    def mean_cpt(self, name: str) -> Array:
        """Return the posterior mean of a node's CPT.

        Parameters
        ----------
        name : str

        Returns
        -------
        ndarray, shape ``(*parents, state)``

        Raises
        ------
        GraphError
            If there is no such node.
        QueryError
            If a single draw of the table is too large to hold.
        """
        if holds(self.graph, name, self.draws):
            mean: Array = self.table(name).mean(axis=-1)
            return mean
        shape = self.graph.shape(name)
        if complaint := too_large(self.graph, name, 1):
            raise QueryError(complaint)
        sizes = shape[:-1]
        every = np.indices(sizes, dtype=np.intp).reshape(len(sizes), math.prod(sizes)).T
        most = max(_AT_ONCE // (shape[-1] * self.draws), 1)
        parts = [
            self.rows(name, every[start : start + most]).mean(axis=-1)
            for start in range(0, len(every), most)
        ]
        return np.concatenate(parts).reshape(shape)

    def table(self, name: str, at: tuple[Any, ...] = ()) -> Array:
        """Return the same with the draw axis last and contiguous, as the query engine wants it.

        Parameters
        ----------
        name : str
        at : tuple
            An index of the parents' axes. Only the rows there are sure to be computed; every
            other row may hold anything. Rows are computed once.

        Returns
        -------
        ndarray, shape ``(*parents, state, draw)``

        Raises
        ------
        GraphError
            If there is no such node.
        QueryError
            If the table is too large to hold; nothing is allocated.
        """
        return self._cpts.table(self.graph.node(name).name, at)

    def cut(self, name: str, at: tuple[Any, ...]) -> Callable[[slice], Array]:
        """Return how to get a part of a node's CPT for some draws, whatever the size of the whole.

        Parameters
        ----------
        name : str
        at : tuple
            Of each parent: the codes of its states, one for each row or one for all, or a slice
            of all where it stays open.

        Returns
        -------
        callable
            Of a slice of the draws; gives ``(row, *open parents, state, draw)``.

        Raises
        ------
        GraphError
            If there is no such node.
        """
        return self._cpts.cut(self.graph.node(name).name, at)

    def rows(self, name: str, rows: NDArray[np.intp], some: slice = slice(None)) -> Array:
        """Return some rows of a node's CPT for some draws, whatever the size of the whole.

        Parameters
        ----------
        name : str
        rows : ndarray of int, shape (row, parent)
            The states of the parents, in the graph's order.
        some : slice
            The draws.

        Returns
        -------
        ndarray, shape (row, state, draw)

        Raises
        ------
        GraphError
            If there is no such node.

        Examples
        --------
        >>> import numpy as np
        >>> from backrisk import CausalGraph, Posterior
        >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
        >>> cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}
        >>> Posterior.from_cpts(g, cpts).rows("y", np.array([[1], [1]]))[..., 0].tolist()
        [[0.2, 0.8], [0.2, 0.8]]
        """
        return self._cpts.rows(self.graph.node(name).name, rows, some)

    def levels(self, name: str, states: Sequence[Codes]) -> Array:
        """Return a node's CDF where its parents' states differ from draw to draw.

        Parameters
        ----------
        name : str
        states : sequence of ndarray of int, each (sample, draw) or (1, 1)
            Of each parent, in the order of the CPT's axes.

        Returns
        -------
        ndarray, shape (state - 1, sample, draw)
            Without the last state's, which is 1.
        """
        return self._cpts.levels(name, states)

    def proportional_odds(self, name: str) -> ProportionalOdds | None:
        """Return a node's CDF as odds that its causes multiply, if it has that form."""
        return self._cpts.proportional_odds(name)

    def positive(self, name: str) -> bool:
        """Return whether no cell of a node's CPT is zero."""
        return self._cpts.positive(name)

    def causes(self, name: str) -> tuple[Array, list[Array]] | None:
        """Return a node's CPT as a leak and independent causes, if it has that form.

        Returns
        -------
        leak : ndarray, shape (state, draw)
        causes : list of ndarray, shape (state of the parent, state, draw)
            Cumulative distributions; see `backrisk.graph.independent_causes`.
        """
        if name not in self._causes:
            self._causes[name] = self._cpts.causes(name)
        return self._causes[name]

    def marginal(self, name: str) -> Array:
        """Return P(node) over the whole population; computed once, read only.

        Parameters
        ----------
        name : str

        Returns
        -------
        ndarray, shape (state, draw)
        """
        if name not in self._marginals:
            found = World(self, {}, {}).conditional([(name, 0)]).copy()
            found.flags.writeable = False
            self._marginals[name] = found
        return self._marginals[name]

    @cached_property
    def _marginals(self) -> dict[str, Array]:
        return {}

    @cached_property
    def _causes(self) -> dict[str, tuple[Array, list[Array]] | None]:
        return {}

    @cached_property
    def prior(self) -> Posterior | None:
        """The same model before the data, as a posterior of prior draws."""
        if self.prior_fractions is None or self.prior_beta is None:
            return None
        return Posterior(self.graph, self.prior_fractions, self.prior_beta, codebook=self.codebook)

    @cached_property
    def beside_prior(self) -> Tables:
        """These draws and then a few of the prior's, so that one contraction answers for both."""
        return self if self.prior is None else Stacked(self, self.prior.subset(_PRIOR_DRAWS))

    @cached_property
    def thinned(self) -> Posterior:
        """A few of these draws, kept so that their tables are computed once."""
        return self.subset(_THINNED)

    @checked()
    def at_site(self, site: str | None, *, seed: int = 0) -> Posterior:
        """Return the posterior of one site, or of a site that was not in the survey.

        Parameters
        ----------
        site : str or None
            A site of the survey; ``"new"`` for a site unseen so far, which integrates over the
            population of sites by drawing one for each posterior draw; ``"average"`` or None for
            the pooled intercepts, as the posterior itself has them.
        seed : int
            For ``"new"``.

        Returns
        -------
        Posterior
            Without sites: every query then is about that site. Its prior is that of a new site.

        Raises
        ------
        PosteriorError
            If the survey had no sites, or none of that name.
        """
        if site in (None, AVERAGE):
            return self
        if self.sites is None or self.fractions is None:
            raise PosteriorError(say("posterior.no_sites", site=site))
        rng = np.random.default_rng(seed)
        shift = self.sites.at(site, rng)
        prior = self.prior_fractions
        if prior is not None:
            away = prior_of_new_site(len(prior), len(self.layout.pooled), rng)
            prior = at_site(self.layout, prior, away)
        there = replace(
            self,
            fractions=at_site(self.layout, self.fractions, shift),
            prior_fractions=prior,
            sites=None,
            meta={**self.meta, "site": site},
        )
        return self._holding(there)

    def spaced(self, draws: int) -> NDArray[np.intp]:
        """Return which draws `subset` keeps."""
        return spaced(self.draws, draws)

    @checked()
    def subset(self, draws: int) -> Posterior:
        """Return a posterior of at most this many draws, evenly spaced over the chains.

        The prior keeps all of its draws; what is told of the sampler's steps is left out, since it
        is of steps that follow each other.

        Parameters
        ----------
        draws : int

        Returns
        -------
        Posterior
            This one, if it has no more. Its draws are of one chain otherwise.
        """
        if self.draws <= draws:
            return self
        if draws not in self._subsets:
            while len(self._subsets) >= _SUBSETS:
                self._subsets.pop(next(iter(self._subsets)))
            self._subsets[draws] = self._subset(draws)
        return self._subsets[draws]

    @cached_property
    def _subsets(self) -> dict[int, Posterior]:
        """A few subsets, kept so that their tables are computed once."""
        return {}

    def _subset(self, draws: int) -> Posterior:
        keep = self.spaced(draws)

        def thin(part: Array | None) -> Array | None:
            return None if part is None else part[keep]

        fewer = replace(
            self,
            fractions=thin(self.fractions),
            beta=thin(self.beta),
            chains=1,
            given=self.given and {n: draws_last(t[keep]) for n, t in self.given.items()},
            sites=self.sites and self.sites.subset(keep),
            log_prior=thin(self.log_prior),
            log_likelihood=thin(self.log_likelihood),
            sample_stats=None,
        )
        return self._holding(fewer)

    def to_datatree(self) -> DataTree:
        """Return the draws as ArviZ reads them.

        Returns
        -------
        xarray.DataTree
            Groups ``posterior`` and, after a fit, ``prior``, dimensions ``(chain, draw, ...)``:
            ``continuation`` (the stick-breaking fractions), ``beta``, and with sites
            ``site_shift`` and ``site_scale``; a variable ``cpt_node`` for each node where CPTs
            were given. After a fit also groups ``log_prior`` and ``log_likelihood``, each with
            one value a draw, and ``sample_stats`` where it was sampled. Its attributes are what
            `load_posterior` needs beside them.
        """
        return seal(datatree(self._groups()), self._record())

    def _groups(self) -> dict[str, Group]:
        groups = {"posterior": Group(self._cpts.variables())}
        if self.given is None:
            coords = {
                "distribution": self.layout.fraction_labels,
                "effect": self.layout.effect_labels,
                "site": () if self.sites is None else self.sites.names,
                "pooled": self.layout.pooled,
            }
            sites = {} if self.sites is None else self.sites.variables()
            drawn = {**self._cpts.variables(), **sites}
            groups["posterior"] = Group(drawn, self.chains, coords)
            if self.prior is not None:
                groups["prior"] = Group(self.prior._cpts.variables(), 1, coords)
            if self.log_prior is not None:
                groups["log_prior"] = Group({LOG_PRIOR: (self.log_prior, ())}, self.chains)
            if self.log_likelihood is not None:
                told = {LOG_LIKELIHOOD: (self.log_likelihood, ())}
                groups["log_likelihood"] = Group(told, self.chains)
            if self.sample_stats is not None:
                steps: dict[str, Any] = {
                    # A mask, where ArviZ looks for divergences.
                    name: (values > 0 if name == DIVERGING else values, ())
                    for name, values in self.sample_stats.items()
                }
                groups["sample_stats"] = Group(steps, self.chains)
        return groups

    def _population(self) -> dict[str, Group]:
        """Return how the outcome is distributed: what nearly every question is compared with.

        It takes longer than a person's risk, of which a saved model is asked one at a time. Where
        it would take long even to save, whoever asks waits.
        """
        outcome = self.graph.outcome
        if outcome is None or World(self, {}, {}).cells([(outcome, 0)]) * self.draws > _HELD:
            return {}
        try:
            margin = self.marginal(outcome)
        except QueryError:  # which whoever asks is told
            return {}
        coords = {"state": self.graph.node(outcome).states}
        chains = 1 if self.given is not None else self.chains
        return {"population": Group({MARGIN: (margin.T, ("state",))}, chains, coords)}

    def _record(self) -> dict[str, Any]:
        return {
            "graph": self.graph.to_dict(),
            "codebook": None if self.codebook is None else self.codebook.to_dict(),
            "diagnostics": self.diagnostics.to_dict(),
            "sites": None if self.sites is None else list(self.sites.names),
            "meta": dict(self.meta),
        }

    @cached_property
    def least_cells(self) -> LeastCells:
        """The smallest counts of people that follow from the model: what it tells of them."""
        found = self.diagnostics
        sentences = (*found.cautions, *found.warnings)
        return LeastCells.of_record(self.meta, sentences, self.log_likelihood is not None)

    @checked()
    def save(self, path: str | Path, *, least_cell: int | None = None) -> Path:
        """Save as netCDF, written beside and renamed, so that nothing is left half-written.

        `load_posterior` reads it, and ``az.from_netcdf`` reads its draws. The file ends with the
        length and the SHA-256 checksum of all its bytes. This is integrity, not authenticity:
        damage is found when the file is loaded, but whoever can write a file can seal it. It is
        no pickle, and loading it runs no code.

        Beside what `to_datatree` gives, a group ``population`` holds how the outcome is distributed
        in each draw (``margin``, dimensions ``(chain, draw, state)``), where that takes seconds.

        It holds no person's row, and yet counts of people follow from it, down to one person's
        outcome; see `least_cells` and `LeastCells`.

        Parameters
        ----------
        path : str or Path
        least_cell : int, optional
            Refuse to save if a smaller count of people follows from the draws or the record. The
            log likelihood of the draws is left out of the file where it would tell one: without
            it, no answer says how far the likelihood moves it.

        Returns
        -------
        Path

        Raises
        ------
        PosteriorError
            If the folder does not exist or cannot be written to; if the model holds numbers that
            are not what they stand for, such as a fraction beyond 1: it could not be loaded; or
            if a count below `least_cell` follows, naming it.
        """
        refuse_unsound(self)
        kept = self if least_cell is None else self.without_counts_below(least_cell)
        tree = datatree(kept._groups() | kept._population())
        return store(seal(tree, kept._record()), path)

    @checked()
    def without_counts_below(self, people: int) -> Posterior:
        """Return what may be given away where no smaller count of people may follow.

        Parameters
        ----------
        people : int

        Returns
        -------
        Posterior
            Without the log likelihood of the draws, where that would tell a smaller count.

        Raises
        ------
        PosteriorError
            If a smaller count, above zero, follows from the draws or the record, naming it; or if
            the model does not record what follows. See `LeastCells`.
        """
        if people < 1:
            raise PosteriorError(say("posterior.cells.no_count", least=people))
        found = self.least_cells
        found.refuse_fewer(people)
        if found.likelihood is None or found.likelihood >= people:
            return self
        return replace(self, log_likelihood=None, meta=found.without_likelihood(self.meta))

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled or copied: the model, and nothing that was computed from it."""
        return {each.name: getattr(self, each.name) for each in fields(self)}
