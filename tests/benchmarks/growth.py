"""Growth: cost against draws, nodes, players, people, gaps, sites and waves.

Each row is a curve: the processor seconds of each size, the least of some rounds, and the exponent
of the power of the size that fits them, by least squares of the logarithms, with its standard error
and the slope between the last two sizes. An exponent holds over the sizes that are named, and
nothing is said beyond them. Everything is synthetic, warm, and on one thread. The plot is
`growth.svg`.

`draws`, `nodes`: one person's risk in random graphs of local causes, a fifth of the nodes seen.
`players`: Shapley shares of someone examined, in the packaged graph, 200 draws of its prior, orders
until the Monte Carlo error is small. `people`, `gaps`, `sites`, `waves`, of a fit: one evaluation
of the log density with its slopes, of 24 nodes, six of them latent (of waves, of the teaching graph
with one latent node). `people`, `gaps`, of a cohort: what a worker does with rows of the packaged
questionnaire that are all different, from their text to their scores, 200 draws. `people, counted`:
rows that DuckDB holds, from 20,000 different ones, counted through Ibis for a fit.

On paper: what these rates come to for 100 million people, all different, on a Spark cluster: the
people times the processor seconds of a row in the largest part that was timed, divided by the
cores. Once everybody answered everything, and once 5 % of the answers are missing at random, so
that hardly two were asked the same. It assumes that rows lie in many more parts than there are
cores; that reading and writing Parquet takes little beside scoring; that a core of the cluster is
as fast as this one while all cores of its machine are at work; and that no worker dies. A worker
starts once, which takes it some seconds. People of one part with the same answers are scored once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from backrisk import attribute, load_graph, read_survey, simulate
from backrisk.cohort import scorer
from backrisk.fitting.direct import block_of
from backrisk.fitting.gradient import log_density
from backrisk.fitting.observed import prepare
from backrisk.graph import Layout
from backrisk.inference import World
from backrisk.posterior import Posterior
from backrisk.queries import distribution
from backrisk.survey import Survey, load_codebook
from tests.benchmarks import _work
from tests.benchmarks._networks import EXAMINED, runner
from tests.benchmarks.common import ROOT, least_processor_seconds, processor_seconds, result
from tests.benchmarks.fit_waves import surveyed
from tests.benchmarks.query_cost import chain

DRAWS = (250, 500, 1000, 2000, 4000, 8000, 16000)
NODES = (10, 20, 40, 80, 160)
PLAYERS = (3, 6, 12, 26)
FITTED = (500, 1000, 2000, 4000, 8000, 16000)
SCORED = (125, 250, 500, 1000, 2000, 4000)
COUNTED = (300_000, 1_000_000, 3_000_000, 10_000_000)
GAPS = (0.025, 0.05, 0.1, 0.2, 0.4)
SITES = (2, 4, 8, 16, 32)
WAVES = (3, 4, 6, 8, 12)
PEOPLE, DIFFERENT, OF_POSTERIOR = 2000, 20_000, 200
FEW, PART = 250, (500, 1000, 2000)
MANY, CORES = 100_000_000, (32, 200)
LATENT = "six latent, 10 % missing"


@dataclass(frozen=True)
class Curve:
    """What something costs at several sizes.

    Parameters
    ----------
    name, axis : str
    sizes : sequence of float
    seconds : sequence of float
    """

    name: str
    axis: str
    sizes: Sequence[float]
    seconds: Sequence[float]

    @property
    def exponent(self) -> tuple[float, float]:
        """The power of the size that the cost grows with, and its standard error."""
        return exponent(self.sizes, self.seconds)

    @property
    def last(self) -> float:
        """The same between the last two sizes."""
        (a, b), (c, d) = self.sizes[-2:], self.seconds[-2:]
        return float(np.log(d / c) / np.log(b / a))

    def record(self, **more: Any) -> dict[str, Any]:
        """Return the curve as a row of the report; its time is that of the largest size."""
        power, error = self.exponent
        return result(
            self.name,
            ours_s=self.seconds[-1],
            range=f"{self.sizes[0]:,} to {self.sizes[-1]:,} {self.axis}",
            exponent=f"{power:.2f} ({error:.2f})",
            last_exponent=round(self.last, 2),
            milliseconds="; ".join(three(1e3 * each) for each in self.seconds),
            **more,
        )


def three(number: float) -> str:
    """Return a number with three digits that count, and no power of ten."""
    return f"{float(f'{number:.3g}'):,.10g}"


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> tuple[float, float]:
    """Return the slope of log costs on log sizes by least squares, and its standard error."""
    x, y = np.log(sizes), np.log(costs)
    slope, start = np.polyfit(x, y, 1)
    left = y - start - slope * x
    spread = np.sqrt((left**2).sum() / max(len(x) - 2, 1) / ((x - x.mean()) ** 2).sum())
    return float(slope), float(spread)


def timed(
    name: str, axis: str, sizes: Sequence[float], call: Callable[[Any], Callable[[], Any]]
) -> Curve:
    """Time what is made for each size, prepared before the clock starts."""
    times = [least_processor_seconds(call(size), repeats=3)[0] for size in sizes]
    return Curve(name, axis, sizes, times)


def run() -> Iterator[dict[str, Any]]:
    """Measure every curve, say what 100 million people come to, and draw the curves."""
    curves = [*queries(), *fits(), *cohorts(), counted()]
    yield from (curve.record() for curve in curves)
    by_name = {curve.name: curve for curve in curves}
    for name in ("people, scored", "people with gaps, scored"):
        curve = by_name[name]
        row = curve.seconds[-1] / curve.sizes[-1]
        hours = {f"hours_on_{n}_cores": round(MANY * row / 3600 / n, 2) for n in CORES}
        yield result(
            f"on paper, {MANY:,} {name}",
            ours_s=row,
            rows_per_core_second=round(1 / row),
            core_hours=round(MANY * row / 3600),
            **hours,
        )
    plot(curves)


def queries() -> Iterator[Curve]:
    """One person's risk against draws and nodes, shares against players."""

    def risk(nodes: int, draws: int) -> Callable[[], Any]:
        posterior, seen = chain(nodes, draws)
        world, target = World(posterior, seen, {}), posterior.graph.outcome
        return lambda: distribution(world, str(target))

    yield timed("draws, a risk in 40 nodes", "draws", DRAWS, lambda size: risk(40, size))
    yield timed("nodes, a risk of 1,000 draws", "nodes", NODES, lambda size: risk(size, 1000))
    posterior = runner(OF_POSTERIOR)
    every = attribute(posterior, EXAMINED, method="shapley").causes

    def shares(players: int) -> Callable[[], Any]:
        return lambda: attribute(posterior, EXAMINED, every[:players], method="shapley")

    yield timed("players, Shapley shares", "players", PLAYERS, shares)


def evaluation(survey: Survey) -> Callable[[], Any]:
    """Return what evaluates the log density of a survey with its slopes."""
    prepared = prepare(survey.graph, survey)
    block = block_of(prepared)
    size = len(prepared.prior.start) + len(prepared.prior.mean)
    if survey.sites:
        size += len(prepared.layout.pooled) * (1 + len(survey.sites))
    point, slopes = np.full(size, 0.1), np.zeros(size)
    assert np.isfinite(log_density(point, slopes, block))
    return lambda: log_density(point, slopes, block)


def fits() -> Iterator[Curve]:
    """One evaluation of a fit's density against people, gaps, sites and waves."""
    rng = np.random.default_rng(2)
    whole = _work.survey(PEOPLE, "six latent")
    order = rng.random(whole.codes.shape)

    def gaps(share: float) -> Survey:
        return replace(whole, codes=np.where(order < share, -1, whole.codes).astype(np.int8))

    def sites(count: int) -> Survey:
        names = tuple(f"{place:02}" for place in range(count))
        site = (np.arange(PEOPLE) % count).astype(np.intp)
        return replace(_work.survey(PEOPLE, LATENT), site=site, sites=names)

    for name, axis, sizes, make in (
        ("people, a fit's density", "people", FITTED, lambda n: _work.survey(n, LATENT)),
        ("gaps, a fit's density", "share of answers missing", GAPS, gaps),
        ("sites, a fit's density", "sites", SITES, sites),
        ("waves, a fit's density", "waves", WAVES, surveyed),
    ):
        yield timed(name, axis, sizes, lambda size, make=make: evaluation(make(size)))  # type: ignore[misc]


def rows(count: int, share: float, seed: int = 3) -> pa.RecordBatch:
    """Return different runners who answered the whole questionnaire, but for gaps at random."""
    graph, book = load_graph("runner"), load_codebook("runner")
    frame = simulate(graph, count, seed, codebook=book, gaps=False).astype(str)
    gone = np.random.default_rng(seed).random(frame.shape) < share
    return pa.RecordBatch.from_pandas(frame.mask(gone, ""), preserve_index=False)


def cohorts() -> Iterator[Curve]:
    """What a worker of a cluster does with a part, against its people and their gaps."""
    book = load_codebook("runner")
    graph = book.extend(load_graph("runner"))
    drawn = Layout(graph).draw_prior(OF_POSTERIOR, np.random.default_rng(1))
    ask = scorer(Posterior(graph, *drawn, codebook=book))
    list(ask([rows(200, 0.05, seed=1)]))  # compiled, and what every part needs is there

    def once(part: pa.RecordBatch) -> float:
        return processor_seconds(lambda: list(ask([part])))[0]

    times = [once(rows(count, 0.0)) for count in SCORED]
    yield Curve("people, scored", "people", SCORED, times)
    times = [once(rows(FEW, share)) for share in GAPS]
    yield Curve(f"gaps, {FEW} people scored", "share of answers missing", GAPS, times)
    part = rows(PART[-1], GAPS[1])
    times = [once(part.slice(0, count)) for count in PART]
    yield Curve("people with gaps, scored", "people", PART, times)


def counted() -> Curve:
    """Rows that an engine holds, counted for a fit."""
    import duckdb
    import ibis

    times = []
    book = load_codebook("runner")
    frame = simulate(load_graph("runner"), DIFFERENT, 1, codebook=book)
    for count in COUNTED:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "rows.parquet"
            settings = {"temp_directory": folder, "threads": "1"}
            with duckdb.connect(config=settings) as connection:
                connection.register("people", pd.DataFrame(frame))
                connection.execute(
                    f"COPY (SELECT people.* FROM range({count // DIFFERENT}), people) "
                    f"TO '{path}' (FORMAT parquet)"
                )
            engine = ibis.duckdb.connect(threads=1)
            table = engine.read_parquet(path)
            seconds, survey = processor_seconds(
                lambda table=table: read_survey(table, load_graph("runner"), book)
            )
            assert survey.n == count
            times.append(seconds)
            engine.disconnect()
    return Curve("people, counted", "rows", COUNTED, times)


def plot(curves: Sequence[Curve]) -> None:
    """Draw the curves, each with the power that fits it."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    wide = 4
    figure, axes = pyplot.subplots(
        -(-len(curves) // wide), wide, figsize=(10, 7), layout="constrained"
    )
    for axis in axes.flat[len(curves) :]:
        axis.set_axis_off()
    for axis, curve in zip(axes.flat, curves, strict=False):
        power, _ = curve.exponent
        x, y = np.asarray(curve.sizes, float), 1e3 * np.asarray(curve.seconds)
        fitted = np.exp(np.log(y).mean()) * (x / np.exp(np.log(x).mean())) ** power
        axis.plot(x, fitted, "-", color="#b9b4a8")
        axis.plot(x, y, "o", color="#1f5a7a", markersize=4)
        axis.set(xscale="log", yscale="log", xlabel=curve.axis)
        axis.set_title(f"{curve.name}\nexponent {power:.2f}", fontsize=9)
        axis.set_xticks(x[[0, -1]], [f"{each:,}" for each in (curve.sizes[0], curve.sizes[-1])])
        axis.set_yticks(y[[0, -1]], [three(each) for each in y[[0, -1]]])
        axis.minorticks_off()
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel("milliseconds")
    (ROOT / "reports").mkdir(exist_ok=True)
    figure.savefig(ROOT / "reports" / "growth.svg", metadata={"Date": None})
    pyplot.close(figure)
