"""Ordinal transition regressions in Stan, as dynamite writes them, through R's package rstan."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_RUN = """
suppressMessages(library(rstan))
about <- read_rdump("data.R")
# Of the processor, with that of the compiler: a machine that others share is slow by the clock.
spent <- function() sum(proc.time()[c("user.self", "sys.self", "user.child", "sys.child")])
start <- spent()
# Debian's BH has no headers of its own: they are the system's.
boost <- system.file("include", package = "BH")
model <- stan_model("model.stan", boost_lib = if (nzchar(boost)) boost else "/usr/include")
compiled <- spent()
fit <- sampling(model, data = about, chains = about$chains, cores = 1, warmup = about$tune,
                iter = about$tune + about$draws, seed = 1, refresh = 0)
done <- spent()
draws <- as.array(fit)
draws <- draws[, , dimnames(draws)$parameters != "lp__"]
total <- function(name, warmup) {
  sum(sapply(get_sampler_params(fit, inc_warmup = warmup), function(x) sum(x[, name])))
}
wanted <- readLines("wanted")
write(sprintf(paste0('{"compile_s": %.3f, "seconds": %.3f, "low": %.5f, "high": %.5f,',
                     ' "ess": %.1f, "r_hat": %.5f, "divergences": %.0f, "gradient_s": %.4g}'),
              compiled - start, done - compiled, quantile(draws[, , wanted], 0.05),
              quantile(draws[, , wanted], 0.95), min(apply(draws, 3, ess_bulk)),
              max(apply(draws, 3, Rhat)), total("divergent__", FALSE),
              (done - compiled) / total("n_leapfrog__", TRUE)), "found.json")
"""


class Channel(NamedTuple):
    """One ordinal regression: the states of a node, and the states of each of its causes."""

    name: str
    codes: Ints
    causes: tuple[tuple[str, Ints], ...]


def available() -> bool:
    """Return whether R is there with its package rstan."""
    if shutil.which("Rscript") is None:
        return False
    asked = ["Rscript", "-e", 'quit(status = !requireNamespace("rstan", quietly = TRUE))']
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def program(names: Iterable[str]) -> str:
    """Write one Stan program of all regressions: cumulative logits, coefficients normal(0, 2)."""
    data, parameters, model = [], [], []
    for name in names:
        data += [f"int N_{name};", f"int K_{name};", f"int C_{name};"]
        data += [f"int y_{name}[N_{name}];", f"matrix[N_{name}, C_{name}] x_{name};"]
        parameters += [f"ordered[K_{name} - 1] cut_{name};", f"vector[C_{name}] b_{name};"]
        model += [
            f"cut_{name} ~ normal(0, 5);",
            f"b_{name} ~ normal(0, 2);",
            f"y_{name} ~ ordered_logistic(x_{name} * b_{name}, cut_{name});",
        ]
    blocks = {"data": data, "parameters": parameters, "model": model}
    return "".join(f"{key} {{\n  " + "\n  ".join(part) + "\n}\n" for key, part in blocks.items())


def sample(channels: Sequence[Channel], wanted: str, **settings: int) -> dict[str, Any]:
    """Compile and sample.

    Parameters
    ----------
    channels : sequence of Channel
        Each with the visits at which all of it is known.
    wanted : str
        The coefficient whose interval of 90 % is told, as Stan calls it.
    **settings : int
        ``chains``, ``tune`` and ``draws`` for each chain.

    Returns
    -------
    dict
        The processor's seconds of compilation, of sampling with adaptation and of one step of it
        with a gradient; the ends of the interval; the least bulk effective size, the largest R-hat
        and the divergences.
    """

    def vector(values: Any) -> str:
        return "c(" + ", ".join(f"{value}L" for value in np.asarray(values).tolist()) + ")"

    lines = [f"{name} <- {number}L" for name, number in settings.items()]
    for name, codes, causes in channels:
        columns = [states == k for _, states in causes for k in range(1, states.max() + 1)]
        shape, cells = vector((len(codes), len(columns))), vector(np.ravel(columns).astype(int))
        for what, number in zip("NKC", (len(codes), codes.max() + 1, len(columns)), strict=True):
            lines.append(f"{what}_{name} <- {number}L")
        lines.append(f"y_{name} <- {vector(codes + 1)}")
        lines.append(f"x_{name} <- structure({cells}, .Dim = {shape})")
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        (at / "data.R").write_text("\n".join(lines) + "\n")
        (at / "model.stan").write_text(program(each.name for each in channels))
        (at / "wanted").write_text(wanted + "\n")
        (at / "run.R").write_text(_RUN)
        subprocess.run(["Rscript", "run.R"], cwd=at, stdout=subprocess.DEVNULL, check=True)
        found: dict[str, Any] = json.loads((at / "found.json").read_text())
    return found
