"""Posteriors: draws of every CPT, with what produced them; saved as netCDF, checked on loading."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backrisk.errors import BackriskError, PosteriorError, QueryError, no_file, suggest
from backrisk.graph import SITE_SCALE, CausalGraph, Layout, independent_causes, too_large
from backrisk.inference import Stacked, Tables, World
from backrisk.survey import Codebook

if TYPE_CHECKING:
    from xarray import DataTree
from backrisk.posterior.diagnostics import Diagnostics
from backrisk.posterior.sites import SiteEffects

Array = NDArray[np.float64]
FORMAT = "backrisk-posterior-1"
_SUMS_TO_ONE = 1e-6  # the rounding of single precision; shares to a few digits are refused
_PROBE = 8  # draws that tell whether a CPT can be a noisy-max at all
_THINNED = 100  # draws that averages of many queries are computed from
_PRIOR_DRAWS = 250  # that data support is computed from


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws of the parameters of a graph, and what produced them. Holds no person's row.

    Parameters
    ----------
    graph : CausalGraph
        With the items of the codebook.
    continuation, beta : ndarray, shape (draw, ...), or None
        Draws of the two parameter vectors; see `backrisk.mechanisms`. None where CPTs were given.
    chains : int
    diagnostics : Diagnostics
    codebook : Codebook, optional
    prior_continuation, prior_beta : ndarray, shape (prior draw, ...), optional
    given : mapping of str to ndarray, optional
        CPTs given directly, each ``(draw, *parents, state)``.
    sites : SiteEffects, optional
        For a survey of several sites; see `at_site`.
    meta : mapping
        Seed, versions, number of people, how much of each node was observed.
    """

    graph: CausalGraph
    continuation: Array | None = None
    beta: Array | None = None
    chains: int = 1
    diagnostics: Diagnostics = field(default_factory=lambda: Diagnostics("given"))
    codebook: Codebook | None = None
    prior_continuation: Array | None = None
    prior_beta: Array | None = None
    given: Mapping[str, Array] | None = None
    sites: SiteEffects | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_cpts(cls, graph: CausalGraph, cpts: Mapping[str, ArrayLike]) -> Posterior:
        """Make a posterior from CPTs, without a fit.

        Parameters
        ----------
        graph : CausalGraph
        cpts : mapping of node name to array_like, shape (draw, *parents, state)
            Parents in the graph's order. An array without the draw axis is one draw.

        Returns
        -------
        Posterior

        Raises
        ------
        PosteriorError
            If a node is missing or unknown, a shape is wrong, a row is not a distribution, or
            the draws of a CPT are too many to hold.

        Examples
        --------
        >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
        >>> cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}
        >>> Posterior.from_cpts(g, cpts).draws
        1
        """
        if not isinstance(cpts, Mapping):
            raise PosteriorError(f"CPTs are a mapping of node to table, got {type(cpts).__name__}.")
        if stray := sorted(set(cpts) ^ set(graph.names), key=str):
            what = "has no node" if stray[0] in cpts else "needs the CPT of node"
            raise PosteriorError(f"Graph '{graph.name}' {what} '{stray[0]}'.")
        read: dict[str, Array] = {}
        for name in graph.names:
            if complaint := too_large(graph, name, 1):
                raise PosteriorError(complaint)
            read[name] = _distributions(graph, name, cpts[name])
        counts = {len(table) for table in read.values()} - {1}
        if len(counts) > 1:
            raise PosteriorError(f"CPTs have different numbers of draws: {sorted(counts)}.")
        draws = counts.pop() if counts else 1
        for name in graph.names:
            if complaint := too_large(graph, name, draws):
                raise PosteriorError(complaint)
        given = {n: _draws_last(np.broadcast_to(t, (draws, *t.shape[1:]))) for n, t in read.items()}
        return cls(graph, given=given)

    @property
    def draws(self) -> int:
        """The number of draws."""
        if self.given is not None:
            return len(next(iter(self.given.values())))
        return 0 if self.continuation is None else len(self.continuation)

    @property
    def has_prior(self) -> bool:
        """Whether prior draws of the same quantities are held."""
        return self.prior_continuation is not None

    @cached_property
    def layout(self) -> Layout:
        """Which parameter belongs to which node."""
        return Layout(self.graph)

    def cpt(self, name: str) -> Array:
        """Return the draws of a node's CPT, ``(draw, *parents, state)``.

        Raises
        ------
        GraphError
            If there is no such node.
        """
        return np.moveaxis(self.table(name), -1, 0)

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
        ndarray, shape (*parents, state, draw)

        Raises
        ------
        QueryError
            If the table is too large to hold; nothing is allocated.
        """
        node = self.graph.node(name)
        if self.given is not None:
            return np.moveaxis(self.given[name], 0, -1)
        shape = self.graph.shape(name)
        if name not in self._computed:
            if complaint := too_large(self.graph, name, self.draws):
                raise QueryError(complaint)
            # Memory that is never touched is never laid out, so rows nobody asks for are free.
            self._computed[name] = (np.empty((*shape, self.draws)), np.zeros(shape[:-1], bool))
        table, done = self._computed[name]
        wanted = np.zeros_like(done)
        wanted[at] = True
        wanted &= ~done
        if wanted.any():
            rows = np.argwhere(wanted)
            values = self.layout.rows(node.name, *self._parameters, rows)
            if wanted.all():
                table = values.reshape(table.shape)
                self._computed[name] = (table, wanted)
            else:
                table[tuple(rows.T)] = values
                done |= wanted  # after the values: another thread may be reading
        return table

    def positive(self, name: str) -> bool:
        """Return whether no cell of a node's CPT is zero."""
        if self.given is None:
            return self.layout.mechanisms[name].positive
        if name not in self._positive:
            self._positive[name] = bool((self.given[name] > 0).all())
        return self._positive[name]

    def causes(self, name: str) -> tuple[Array, list[Array]] | None:
        """Return a node's CPT as a leak and independent causes, if it has that form.

        See `backrisk.mechanisms.independent_causes`.
        """
        if name not in self._causes:
            few = self.subset(_PROBE).table(name)
            possible = independent_causes(few) is not None
            self._causes[name] = independent_causes(self.table(name)) if possible else None
        return self._causes[name]

    def margin(self, name: str) -> Array:
        """Return P(node) over the whole population, ``(state, draw)``; computed once, read only."""
        if name not in self._margins:
            found = World(self, {}, {}).conditional([(name, 0)]).copy()
            found.flags.writeable = False
            self._margins[name] = found
        return self._margins[name]

    @cached_property
    def _parameters(self) -> tuple[Array, Array]:
        """The two parameter vectors with their draws last and contiguous."""
        assert self.continuation is not None
        assert self.beta is not None
        return np.ascontiguousarray(self.continuation.T), np.ascontiguousarray(self.beta.T)

    @cached_property
    def _margins(self) -> dict[str, Array]:
        return {}

    @cached_property
    def _computed(self) -> dict[str, tuple[Array, NDArray[np.bool_]]]:
        return {}

    @cached_property
    def _positive(self) -> dict[str, bool]:
        return {}

    @cached_property
    def _causes(self) -> dict[str, tuple[Array, list[Array]] | None]:
        return {}

    @cached_property
    def prior(self) -> Posterior | None:
        """The same model before the data, as a posterior of prior draws."""
        if self.prior_continuation is None or self.prior_beta is None:
            return None
        return Posterior(
            self.graph, self.prior_continuation, self.prior_beta, codebook=self.codebook
        )

    @cached_property
    def beside_prior(self) -> Tables:
        """These draws and then a few of the prior's, so that one contraction answers for both."""
        return self if self.prior is None else Stacked(self, self.prior.subset(_PRIOR_DRAWS))

    @cached_property
    def thinned(self) -> Posterior:
        """A few of these draws, kept so that their tables are computed once."""
        return self.subset(_THINNED)

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
        if site in (None, "average"):
            return self
        if self.sites is None or self.continuation is None:
            raise PosteriorError(
                f"This model knows no sites, so it cannot speak of '{site}'; ask it without a site."
            )
        rng = np.random.default_rng(seed)
        if site == "new":
            shift = self.sites.scale * rng.normal(size=self.sites.scale.shape)
        elif site in self.sites.names:
            shift = self.sites.shift[:, self.sites.names.index(site)]
        else:
            raise PosteriorError(
                f"The model knows no site '{site}'{suggest(site, self.sites.names)}; expected one "
                f"of {', '.join(self.sites.names)}, or 'new', or 'average'."
            )
        prior = self.prior_continuation
        if prior is not None:
            size = (len(prior), len(self.layout.pooled))
            scale = np.abs(rng.normal(0.0, SITE_SCALE, size=size))
            prior = self.layout.at_shift(prior, scale * rng.normal(size=size))
        return replace(
            self,
            continuation=self.layout.at_shift(self.continuation, shift),
            prior_continuation=prior,
            sites=None,
            meta={**self.meta, "site": site},
        )

    def spaced(self, draws: int) -> NDArray[np.intp]:
        """Return which draws `subset` keeps."""
        return np.linspace(0, self.draws - 1, min(draws, self.draws)).astype(np.intp)

    def subset(self, draws: int) -> Posterior:
        """Return a posterior of at most this many draws, evenly spaced over the chains."""
        if self.draws <= draws:
            return self
        keep = self.spaced(draws)

        def thin(part: Array | None) -> Array | None:
            return None if part is None else part[keep]

        given, sites = self.given, self.sites
        if given is not None:
            given = {name: _draws_last(table[keep]) for name, table in given.items()}
        if sites is not None:
            sites = SiteEffects(sites.names, sites.shift[keep], sites.scale[keep])
        return replace(
            self,
            continuation=thin(self.continuation),
            beta=thin(self.beta),
            chains=1,
            given=given,
            sites=sites,
        )

    def to_datatree(self) -> DataTree:
        """Return the draws as ArviZ reads them: groups ``posterior`` and ``prior``.

        Returns
        -------
        xarray.DataTree
        """
        import xarray as xr

        def group(values: Mapping[str, tuple[Array, tuple[str, ...]]], chains: int) -> xr.Dataset:
            arrays = {}
            for key, (value, dims) in values.items():
                shaped = value.reshape(chains, len(value) // chains, *value.shape[1:])
                arrays[key] = (("chain", "draw", *dims), shaped)
            coords: dict[str, Any] = {}
            if self.given is None:
                coords = {
                    "distribution": list(self.layout.fraction_labels),
                    "effect": list(self.layout.effect_labels),
                }
                if self.sites is not None and "site_shift" in values:
                    coords |= {"site": list(self.sites.names), "pooled": list(self.layout.pooled)}
            return xr.Dataset(arrays, coords=coords)

        groups = {}
        if self.given is not None:
            cpts = {
                f"cpt_{n}": (np.asarray(t), tuple(f"{n}_{i}" for i in range(t.ndim - 1)))
                for n, t in self.given.items()
            }
            groups["posterior"] = group(cpts, 1)
        else:
            for key, first, second, chains in (
                ("posterior", self.continuation, self.beta, self.chains),
                ("prior", self.prior_continuation, self.prior_beta, 1),
            ):
                if first is not None and second is not None:
                    pair: dict[str, tuple[Array, tuple[str, ...]]] = {
                        "continuation": (first, ("distribution",)),
                        "beta": (second, ("effect",)),
                    }
                    if key == "posterior" and self.sites is not None:
                        pair["site_shift"] = (self.sites.shift, ("site", "pooled"))
                        pair["site_scale"] = (self.sites.scale, ("pooled",))
                    groups[key] = group(pair, chains)
        tree = xr.DataTree.from_dict(groups)
        record = {
            "graph": self.graph.to_dict(),
            "codebook": None if self.codebook is None else self.codebook.to_dict(),
            "diagnostics": {
                "method": self.diagnostics.method,
                "worst": dict(self.diagnostics.worst),
                "warnings": list(self.diagnostics.warnings),
                "cautions": list(self.diagnostics.cautions),
            },
            "sites": None if self.sites is None else list(self.sites.names),
            "meta": dict(self.meta),
        }
        tree.attrs["format"] = FORMAT
        tree.attrs["record"] = json.dumps(record)
        arrays = {
            f"{key}/{name}": values.to_numpy()
            for key, child in tree.children.items()
            for name, values in child.data_vars.items()
        }
        tree.attrs["checksum"] = _checksum(tree.attrs["record"], arrays)
        return tree

    def save(self, path: str | Path) -> Path:
        """Save as netCDF, written beside and renamed, so that nothing is left half-written.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        Path

        Raises
        ------
        PosteriorError
            If the folder does not exist or cannot be written.
        """
        path = Path(path)
        if not path.parent.is_dir():
            raise PosteriorError(f"{path} cannot be written: there is no folder '{path.parent}'.")
        try:
            handle, beside = tempfile.mkstemp(suffix=".nc", dir=path.parent)
            os.close(handle)
        except OSError as error:
            raise PosteriorError(f"{path} cannot be written: {error.strerror}.") from error
        try:
            self.to_datatree().to_netcdf(beside, engine="h5netcdf")
            Path(beside).chmod(0o644)
            Path(beside).replace(path)
        except OSError as error:
            raise PosteriorError(f"{path} cannot be written: {error.strerror or error}.") from error
        finally:
            Path(beside).unlink(missing_ok=True)
        return path


def load_posterior(path: str | Path) -> Posterior:
    """Load a saved posterior, refusing a file that is foreign, truncated or altered.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Posterior

    Raises
    ------
    PosteriorError
        In one sentence.
    """
    import h5py  # netCDF-4 files are HDF5: reading them so spares the import of xarray

    path = Path(path)
    if not path.is_file():
        raise PosteriorError(no_file(path))
    try:
        with h5py.File(path, "r") as file:
            attributes = {key: file.attrs.get(key) for key in ("format", "record", "checksum")}
            ours = attributes["format"] == FORMAT
            arrays, labels = _read(file) if ours else ({}, [])
    except Exception as error:  # h5py raises whatever the broken bytes lead it to
        raise PosteriorError(
            f"{path} is not a model that can be read: it is damaged, cut short, or no netCDF file."
        ) from error
    if attributes["format"] is None:
        raise PosteriorError(f"{path} is a file of another kind, expected a model of backrisk.")
    if attributes["format"] != FORMAT:
        raise PosteriorError(
            f"{path} is not a backrisk model of this version: its format is "
            f"'{attributes['format']}', expected '{FORMAT}'."
        )
    record = str(attributes["record"])
    if attributes["checksum"] != _checksum(record, arrays):
        raise PosteriorError(f"{path} was altered after it was saved: its checksum does not match.")
    try:
        return _from_record(json.loads(record), arrays, labels)
    except (BackriskError, KeyError, ValueError) as error:
        raise PosteriorError(f"{path} holds a model of another graph version: {error}") from error


def _read(file: Any) -> tuple[dict[str, Array], list[str]]:
    """Return the arrays of an open file by ``group/name``, and the labels of the fractions."""
    arrays = {
        f"{group}/{name}": np.asarray(values, dtype=np.float64)
        for group, members in file.items()
        for name, values in members.items()
        if values.attrs.get("CLASS") != b"DIMENSION_SCALE"  # netCDF's dimensions and coordinates
    }
    labels = file.get("posterior/distribution")
    return arrays, [] if labels is None else labels.asstr()[:].tolist()


def _from_record(
    record: Mapping[str, Any], arrays: Mapping[str, Array], labels: list[str]
) -> Posterior:
    graph = CausalGraph.from_dict(record["graph"])
    told = record["diagnostics"]
    common = Posterior(
        graph=graph,
        diagnostics=Diagnostics(
            told["method"],
            told["worst"],
            tuple(told["warnings"]),
            tuple(told.get("cautions", ())),
        ),
        codebook=record["codebook"] and Codebook.from_dict(record["codebook"], graph),
        meta=record["meta"],
    )
    if "posterior/continuation" not in arrays:
        given = {name: _draws_last(arrays[f"posterior/cpt_{name}"][0]) for name in graph.names}
        return replace(common, given=given)

    def flat(name: str) -> Array | None:
        array = arrays.get(name)
        return None if array is None else array.reshape(-1, *array.shape[2:])

    if labels != list(Layout(graph).fraction_labels):
        raise PosteriorError("its parameters are not those of its graph.")
    shift, scale = flat("posterior/site_shift"), flat("posterior/site_scale")
    sites = None
    if shift is not None and scale is not None:
        sites = SiteEffects(tuple(record["sites"]), shift, scale)
    return replace(
        common,
        continuation=flat("posterior/continuation"),
        beta=flat("posterior/beta"),
        chains=len(arrays["posterior/continuation"]),
        prior_continuation=flat("prior/continuation"),
        prior_beta=flat("prior/beta"),
        sites=sites,
    )


def _distributions(graph: CausalGraph, name: str, given: ArrayLike) -> Array:
    """Return a given CPT, ``(draw, *parents, state)``, refusing what is no set of distributions.

    Rows that were rounded to single precision are made to sum to 1.
    """
    try:
        table = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        why = str(error).rstrip(".")
        raise PosteriorError(f"The CPT of '{name}' is no array of numbers: {why}.") from error
    shape = graph.shape(name)
    if table.shape == shape:
        table = table[None]
    if table.shape[1:] != shape or not len(table):
        raise PosteriorError(
            f"The CPT of '{name}' has shape {table.shape}, expected (draw, "
            f"{', '.join(map(str, shape))}): {' x '.join((*graph.parents(name), name))}."
        )
    total = table.sum(-1)
    bad = ~((table >= 0).all(-1) & (np.abs(total - 1) <= _SUMS_TO_ONE))
    if bad.any():
        draw, *row = np.argwhere(bad)[0]
        of = [
            f"{p}={graph.node(p).states[i]}" for p, i in zip(graph.parents(name), row, strict=True)
        ]
        at = ", ".join([*of, f"draw {draw}"])
        raise PosteriorError(
            f"The CPT of '{name}' should hold shares of at least 0 that sum to 1 over its last "
            f"axis; for {at} it holds {table[draw, *row].tolist()}."
        )
    return table / total[..., None]


def _draws_last(table: Array) -> Array:
    """Return the same table, draws first, whose memory has the draws of a cell side by side."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(table, 0, -1)), -1, 0)


def _checksum(record: str, arrays: Mapping[str, Array]) -> str:
    digest = hashlib.sha256(record.encode())
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name], np.float64).tobytes())
    return digest.hexdigest()
