"""Running chains: progress, interruption, and chains kept so that a fit can go on."""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from rich.console import Console

from backrisk._files import demand_place, write
from backrisk.errors import FitError
from backrisk.fitting.judging import flat
from backrisk.fitting.progress import nutpie_progress
from backrisk.posterior import FRACTIONS, SAMPLE_STATS, Posterior
from backrisk.words import say

_LOOK = 0.05  # seconds between two looks at the running chains
_SEAL = hashlib.sha256().digest_size  # bytes at the end of a kept chain


@dataclass(frozen=True)
class Settings:
    """How each chain is sampled.

    Parameters
    ----------
    draws, tune : int
    target_accept : float
    cores : int
        Chains that run at once.
    """

    draws: int
    tune: int
    target_accept: float
    cores: int


@dataclass(frozen=True)
class Kept:
    """A folder of finished chains, which belong to one model, survey and seed.

    Holds draws of parameters and no person's row. A chain is written beside and renamed, so that
    an interruption leaves whole chains only.

    Parameters
    ----------
    folder : Path
    fingerprint : str
        Of everything that the draws depend on.
    """

    folder: Path
    fingerprint: str

    def path(self, chain: int) -> Path:
        """Return the file of a chain."""
        return self.folder / f"chain-{chain}.nc"

    def load(self, chain: int) -> xr.DataTree | None:
        """Return a finished chain; None where there is none of this very fit."""
        tree = self.read(chain)
        return (
            tree if tree is not None and tree.attrs.get("fingerprint") == self.fingerprint else None
        )

    def read(self, chain: int) -> xr.DataTree | None:
        """Return a finished chain of whatever fit; None where there is none."""
        try:
            whole = self.path(chain).read_bytes()
            content, seal = whole[:-_SEAL], whole[-_SEAL:]
            if hashlib.sha256(content).digest() != seal:  # before HDF5 sees a damaged byte
                return None
            with xr.open_datatree(io.BytesIO(content), engine="h5netcdf") as opened:
                return opened.load()
        except Exception:  # absent, damaged or foreign
            return None

    def demand_free(self, chain: int) -> None:
        """Refuse to overwrite what is no chain of this very fit.

        Raises
        ------
        FitError
            If there is something else in its place.
        """
        if os.path.lexists(self.path(chain)) and self.load(chain) is None:
            raise FitError(say("fitting.other_chain", path=self.path(chain)))

    def save(self, chain: int, tree: xr.DataTree) -> None:
        """Keep a finished chain.

        Raises
        ------
        FitError
            If the folder cannot be written, or there is something else in the chain's place.
        """
        self.demand_free(chain)
        tree.attrs["fingerprint"] = self.fingerprint
        self._make()
        # In memory first: HDF5 does not survive a disk that fills under it.
        content = bytes(tree.to_netcdf(engine="h5netcdf"))
        write(self.path(chain), content + hashlib.sha256(content).digest(), FitError)

    @contextmanager
    def opened(self, chains: int) -> Iterator[None]:
        """Make the folder before anything is sampled; remove it where nothing came into it.

        Raises
        ------
        FitError
            If it cannot be made or written, or something else is in the place of a chain.
        """
        try:
            for chain in range(chains):
                self.demand_free(chain)
            self._make()
            demand_place(self.path(0), FitError)
            yield
        finally:
            self.tidy()

    def tidy(self) -> None:
        """Remove the folder where nothing is in it."""
        with suppress(OSError):
            self.folder.rmdir()

    def _make(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            why = error.strerror or error
            raise FitError(say("fitting.no_place", folder=self.folder, why=why)) from error


def clear_kept(folder: str | Path, posterior: Posterior) -> None:
    """Remove the kept chains that a model was made of, once it is safely saved.

    Parameters
    ----------
    folder : str or Path
        What `fit` was given as `keep`. It goes too where nothing else is in it.
    posterior : Posterior
        What it returned. A chain whose draws are not in it stays.
    """
    kept = Kept(Path(folder), "")
    drawn = np.zeros(0) if posterior.fractions is None else posterior.fractions
    for chain, draws in enumerate(np.array_split(drawn, posterior.chains)):
        tree = kept.read(chain)
        if tree is not None and np.array_equal(flat(tree, FRACTIONS), draws):
            with suppress(OSError):  # a file too many is no reason to fail now
                kept.path(chain).unlink()
    kept.tidy()


def run_chains(
    compiled: Any,
    seeds: Sequence[int],
    settings: Settings,
    *,
    kept: Kept | None = None,
    progress: bool = True,
) -> xr.DataTree:
    """Sample every chain that is not kept already, a few at once.

    Each chain has a seed of its own, so that neither the number of cores nor an interruption
    changes what it draws.

    Parameters
    ----------
    compiled : nutpie.CompiledModel
    seeds : sequence of int
        One for each chain.
    settings : Settings
    kept : Kept, optional
        Where finished chains are kept and looked for.
    progress : bool

    Returns
    -------
    xarray.DataTree
        Groups ``posterior`` and ``sample_stats``, dimensions ``(chain, draw, ...)``.

    Raises
    ------
    KeyboardInterrupt
        After the running chains were stopped; finished ones stay in `kept`.

    Notes
    -----
    A chain that cannot be kept is told, and sampling goes on: it is still in memory.
    """
    import nutpie  # half a second, which a fit that is exact does without

    done: dict[int, xr.DataTree] = {}
    for chain in range(len(seeds)):
        if kept is not None and (tree := kept.load(chain)) is not None:
            done[chain] = tree
    if done and progress:
        Console(stderr=True).print(say("fitting.kept", done=len(done), chains=len(seeds)))
    waiting = [chain for chain in range(len(seeds)) if chain not in done]
    running: dict[int, Any] = {}
    total = settings.tune + settings.draws
    known = {chain: chain in done for chain in range(len(seeds))}
    with nutpie_progress(total, known, show=progress) as tell:
        try:
            while waiting or running:
                while waiting and len(running) < settings.cores:
                    chain = waiting.pop(0)
                    running[chain] = nutpie.sample(
                        compiled,
                        draws=settings.draws,
                        tune=settings.tune,
                        chains=1,
                        cores=1,
                        seed=seeds[chain],
                        target_accept=settings.target_accept,
                        save_warmup=False,
                        progress_bar=False,
                        progress_callback=tell(chain),
                        blocking=False,
                    )
                for chain in [c for c, sampler in running.items() if _finished(sampler)]:
                    done[chain] = _slim(running.pop(chain).wait())
                    tell(chain)(None)
                    if kept is not None:
                        _keep(kept, chain, done[chain])
                time.sleep(_LOOK)
        finally:
            for sampler in running.values():
                sampler.cancel()
    return _joined([done[chain] for chain in range(len(seeds))])


def fingerprint(parts: dict[str, Any]) -> str:
    """Return a hash of what a fit's draws depend on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def available_cores() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _finished(sampler: Any) -> bool:
    """Whether a sampler has stopped; nutpie says so of a running one by a time-out."""
    try:
        return bool(sampler.is_finished)
    except TimeoutError:
        return False


def _keep(kept: Kept, chain: int, tree: xr.DataTree) -> None:
    """Keep a chain, or say why not."""
    try:
        kept.save(chain, tree)
    except FitError as error:
        told = say("fitting.not_kept", number=chain + 1, why=str(error))
        Console(stderr=True).print(told, style="yellow", soft_wrap=True, markup=False)


def _slim(tree: xr.DataTree) -> xr.DataTree:
    """Keep what is judged and what is asked."""
    return xr.DataTree.from_dict(
        {
            "posterior": tree["posterior"].to_dataset(),
            "sample_stats": tree["sample_stats"].to_dataset()[list(SAMPLE_STATS)],
        }
    )


def _joined(trees: Sequence[xr.DataTree]) -> xr.DataTree:
    groups = {}
    for name in ("posterior", "sample_stats"):
        parts = [tree[name].to_dataset().assign_coords(chain=[i]) for i, tree in enumerate(trees)]
        groups[name] = xr.concat(parts, "chain")
    return xr.DataTree.from_dict(groups)
