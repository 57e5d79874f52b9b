"""What the numbers of a model must be, whoever made them: shapes, and ranges of every number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from backrisk._arguments import shown
from backrisk._types import Array
from backrisk.errors import PosteriorError
from backrisk.graph import CausalGraph, Layout
from backrisk.posterior.diagnostics import WORST, Diagnostics
from backrisk.posterior.given import (
    refuse_other_nodes,
    refuse_other_shape,
    refuse_other_than_distributions,
)
from backrisk.posterior.sites import SiteEffects
from backrisk.posterior.verdicts import NUMBERS
from backrisk.words import TOGETHER, say

_MOST = 2**53  # a count beyond which no double is every whole number
_Count = Annotated[int, Field(ge=1, le=_MOST)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_AtLeast0 = Annotated[float, Field(ge=0)]


def _not_below_0(value: float) -> float:
    if value < 0:  # what is not a number could not be judged, and is told
        raise ValueError(value)
    return value


def _whole(worst: Mapping[str, float]) -> Mapping[str, float]:
    """Refuse a sampling that was judged by some of its criteria."""
    if worst and set(worst) != WORST:
        raise ValueError(worst)
    return worst


_NotBelow0 = Annotated[float, AfterValidator(_not_below_0)]


class _Chosen(BaseModel):
    """What is known of how people were chosen; see `backrisk.survey.Design`."""

    model_config = ConfigDict(extra="allow", strict=True)

    kind: str
    outcome: str | None = None
    prevalence: _Share | None = None


class _Cells(BaseModel):
    """What is known of the smallest counts; see `LeastCells`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    draws: Mapping[str, _Count]
    likelihood: _Count | None


class _Carried(BaseModel):
    """Where a model was carried; see `backrisk.check.transport`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    population: str
    source: str
    differs: list[str]
    baseline: list[str]
    independent: list[str]
    bits: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Meta(BaseModel):
    """What is known of the fields of `Posterior.meta`; others may be anything."""

    model_config = ConfigDict(extra="allow", strict=True)

    people: int = Field(1, ge=1, le=_MOST)
    effective_people: float = Field(1, gt=0, allow_inf_nan=False)
    patterns: int = Field(1, ge=1, le=_MOST)
    answered: Mapping[str, _Share] = {}
    synthetic: bool = False
    survey: str = ""
    population: str = ""
    site: str | None = None
    design: _Chosen | None = None
    figures: list[Mapping[str, str]] = []
    seed: int = 0
    draws: int = 1
    tune: int = 1
    versions: Mapping[str, str] = {}
    least_cells: _Cells | None = None
    carried: _Carried | None = None


class _Disagreement(BaseModel):
    """What a `Conflict` holds."""

    model_config = ConfigDict(extra="forbid", strict=True, from_attributes=True)

    kind: Literal["edge", "margin", "margin_rest", "average", "average_rest", "row"]
    node: str
    about: str
    prior: tuple[_AtLeast0, _AtLeast0, _AtLeast0]
    data: tuple[_AtLeast0, _AtLeast0, _AtLeast0]
    tail: _Share
    state: str

    @model_validator(mode="after")
    def _ranges(self) -> _Disagreement:
        """Refuse a middle that is not between its ends, and shares that are none."""
        for middle, low, high in (self.prior, self.data):
            if not low <= middle <= high or (self.kind != "edge" and high > 1.0):
                raise ValueError(self.node)
        return self


class _Finding(BaseModel):
    """What a `Verdict` holds."""

    model_config = ConfigDict(extra="forbid", strict=True, from_attributes=True)

    check: str
    finding: Literal["contradicted", "agrees", "too_little"]
    numbers: Mapping[str, _Finite]
    about: tuple[tuple[str, ...], ...]

    @model_validator(mode="after")
    def _told(self) -> _Finding:
        """Refuse a check that nobody makes, and numbers that its sentence has no place for."""
        if set(self.numbers) != set(NUMBERS.get(self.check, (None,))):
            raise ValueError(self.check)
        return self


class _Surveyed(BaseModel):
    """Of which survey the verdicts are; see `Diagnostics`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    people: _Count | None = None
    digest: Annotated[str, Field(pattern="^[0-9a-f]+$")] | None = None

    @model_validator(mode="after")
    def _both(self) -> _Surveyed:
        """Refuse a survey of which only a part is told."""
        if (self.people is None) != (self.digest is None):
            raise ValueError(self.people)
        return self


class _Judged(BaseModel):
    """What is known of the fields of `Diagnostics`."""

    model_config = ConfigDict(extra="allow", strict=True)

    method: str
    worst: Annotated[Mapping[str, _NotBelow0], AfterValidator(_whole)]
    conflicts: tuple[_Disagreement, ...] = ()
    verdicts: tuple[_Finding, ...] = ()
    surveyed: _Surveyed = _Surveyed()


class Numbers(Protocol):
    """The parts of a posterior that hold numbers; see `Posterior`."""

    @property
    def graph(self) -> CausalGraph:
        """The graph."""

    @property
    def layout(self) -> Layout:
        """Which parameter belongs to which node."""

    @property
    def fractions(self) -> Array | None:
        """Draws of the fractions."""

    @property
    def beta(self) -> Array | None:
        """Draws of the effects."""

    @property
    def chains(self) -> int:
        """How many chains the draws come from."""

    @property
    def prior_fractions(self) -> Array | None:
        """Prior draws of the fractions."""

    @property
    def prior_beta(self) -> Array | None:
        """Prior draws of the effects."""

    @property
    def given(self) -> Mapping[str, Array] | None:
        """CPTs given directly."""

    @property
    def sites(self) -> SiteEffects | None:
        """The sites of the survey."""

    @property
    def log_prior(self) -> Array | None:
        """Of each draw, the log density under the prior."""

    @property
    def log_likelihood(self) -> Array | None:
        """Of each draw, the log likelihood of the survey."""

    @property
    def sample_stats(self) -> Mapping[str, Array] | None:
        """Of each draw, what is told of the sampler's step."""

    @property
    def meta(self) -> Mapping[str, Any]:
        """What is known of the fit."""

    @property
    def diagnostics(self) -> Diagnostics:
        """How the sampling was judged."""


def refuse_unsound(model: Numbers) -> None:
    """Refuse a model whose numbers are not what they stand for.

    Raises
    ------
    PosteriorError
        If an array is missing or has another shape than graph and draws ask for, a fraction lies
        outside 0 to 1, an effect is not finite, a row of a given CPT is not a distribution, or a
        log density is not a number; or what is told of the survey is not of its kind, or of no
        node of the graph.
    """
    _refuse_other_kind(_Meta, "meta", dict(model.meta))
    _refuse_other_kind(_Judged, "diagnostics", vars(model.diagnostics))
    graph = model.graph
    for where, value in _strays(graph, model.meta, model.diagnostics):
        raise PosteriorError(say("posterior.other_kind", where=where, value=shown(value)))
    if model.given is not None:
        refuse_other_nodes(graph, model.given)
        for name, table in model.given.items():
            refuse_other_shape(graph, name, table)
            refuse_other_than_distributions(graph, name, table)
        if len(counts := sorted({len(table) for table in model.given.values()})) > 1:
            told = ", ".join(map(str, counts))
            raise PosteriorError(say("posterior.unequal_draws", counts=told))
        return
    draws = 0 if model.fractions is None else len(model.fractions)
    if model.beta is None or not draws or model.chains < 1 or draws % model.chains:
        raise PosteriorError(say("posterior.no_draws", draws=draws, chains=model.chains))
    if (model.prior_fractions is None) != (model.prior_beta is None):
        raise PosteriorError(say("posterior.half_a_prior"))
    layout = model.layout
    fractions = sum(each.n_fractions for each in layout.mechanisms.values())
    effects = len(layout.effect_labels)
    before = 0 if model.prior_fractions is None else len(model.prior_fractions)
    pooled = len(layout.pooled)
    places = 0 if model.sites is None else len(model.sites.names)
    shift, scale = (None, None) if model.sites is None else (model.sites.shift, model.sites.scale)
    endless = math.inf
    for what, array, shape, low, high in (
        ("fractions", model.fractions, (draws, fractions), 0.0, 1.0),
        ("beta", model.beta, (draws, effects), -endless, endless),
        ("prior_fractions", model.prior_fractions, (before, fractions), 0.0, 1.0),
        ("prior_beta", model.prior_beta, (before, effects), -endless, endless),
        ("site_shift", shift, (draws, places, pooled), -endless, endless),
        ("site_scale", scale, (draws, pooled), 0.0, endless),
    ):
        if array is not None:
            _refuse_other_shape(what, array, shape)
            _refuse_beyond(what, array, low, high)
    if model.sites is not None and not _are_names(model.sites.names):
        value = shown(list(model.sites.names))
        raise PosteriorError(say("posterior.other_kind", where="sites", value=value))
    for what, array in (("log_prior", model.log_prior), ("log_likelihood", model.log_likelihood)):
        if array is not None:
            _refuse_other_shape(what, array, (draws,))
            if np.isnan(array).any():  # minus infinity is a density
                raise PosteriorError(say("posterior.not_a_number", what=what))
    for what, array in (model.sample_stats or {}).items():
        where = f"sample_stats.{what}"
        _refuse_other_shape(where, array, (draws,))
        _refuse_beyond(where, array, -endless, endless)
        if what == "diverging" and (odd := array[~np.isin(array, (0.0, 1.0))]).size:
            raise PosteriorError(say("posterior.other_kind", where=where, value=float(odd[0])))


def _strays(
    graph: CausalGraph, meta: Mapping[str, Any], diagnostics: Diagnostics
) -> Iterator[tuple[str, object]]:
    """Yield where something is told of nodes and states that the graph does not have."""
    design = meta.get("design") or {}
    if (
        design.get("kind") in ("case_control", "matched")
        and design.get("outcome") not in graph.names
    ):
        yield "meta.design.outcome", design.get("outcome")
    carried = meta.get("carried") or {}
    for key in ("differs", "baseline", "independent"):
        yield from (
            (f"meta.carried.{key}", n) for n in carried.get(key, ()) if n not in graph.names
        )
    for i, each in enumerate(diagnostics.conflicts):
        where = f"diagnostics.conflicts.{i}"
        if each.node not in graph.names:
            yield f"{where}.node", each.node
        elif each.kind == "edge":
            if each.about not in graph.parents(each.node):
                yield f"{where}.about", each.about
            elif each.state and each.state not in graph.node(each.about).states:
                yield f"{where}.state", each.state
        elif each.kind != "row" and each.about not in graph.node(each.node).states:
            yield f"{where}.about", each.about
    for i, verdict in enumerate(diagnostics.verdicts):
        told = (name for claim in verdict.about for each in claim for name in each.split(TOGETHER))
        yield from (
            (f"diagnostics.verdicts.{i}.about", name) for name in told if name not in graph.names
        )


def _are_names(sites: Sequence[object]) -> bool:
    """Return whether sites are text, each another."""
    return all(isinstance(each, str) for each in sites) and len(set(sites)) == len(sites)


def _refuse_other_kind(kind: type[BaseModel], what: str, held: Mapping[str, Any]) -> None:
    try:
        kind.model_validate(held)
    except ValidationError as error:
        where = ".".join(map(str, (what, *error.errors()[0]["loc"])))
        told = say("posterior.other_kind", where=where, value=shown(error.errors()[0]["input"]))
        raise PosteriorError(told) from error


def _refuse_other_shape(what: str, array: Array, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        told = {"what": what, "shape": array.shape, "expected": shape}
        raise PosteriorError(say("posterior.other_shape", **told))


def _refuse_beyond(what: str, array: Array, low: float, high: float) -> None:
    bad = ~((array >= low) & (array <= high) & np.isfinite(array))  # NaN is bad too
    if bad.any():
        told = {"what": what, "value": float(array[bad][0])}
        if math.isfinite(low) and math.isfinite(high):
            raise PosteriorError(say("posterior.beyond", low=low, high=high, **told))
        raise PosteriorError(say("posterior.not_finite", **told))
