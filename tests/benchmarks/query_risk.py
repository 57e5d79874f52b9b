"""Risk of one person.

The packaged runner graph (28 nodes), 4,000 draws, eight answers, once those that an examination
finds and once those that a form asks. Everybody starts from the CPT draws in memory. The peers
answer for one draw at a time: their time is loading a draw's CPTs and asking, and
`asking_alone` is the ratio that counts no loading. pgmpy runs over 200 draws, scaled up. All
answers agree to 1e-10 before the clock starts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backrisk.inference import World
from backrisk.queries import distribution
from tests.benchmarks._networks import ASKED, EXAMINED, by_pgmpy, by_pyagrum, coded, runner
from tests.benchmarks.common import median_seconds, result

_SAMPLE = {"pyagrum": 4000, "pgmpy": 200}
_COMPARED = 40
_AGREE = 1e-10


def run() -> list[dict[str, Any]]:
    """Time ours against both peers on both sets of answers."""
    posterior = runner()
    records = []
    for label, answers in (("examined", EXAMINED), ("asked", ASKED)):
        seen = coded(posterior.graph, answers)

        def ours(seen: dict[str, int] = seen) -> Any:
            return distribution(World(posterior, seen, {}), "pain")

        found = ours()
        for peer, make in (("pyagrum", by_pyagrum), ("pgmpy", by_pgmpy)):
            load, ask = make(posterior, seen, "pain")
            for draw in np.linspace(0, posterior.draws - 1, _COMPARED).astype(int):
                load(int(draw))
                assert np.abs(ask() - found[:, draw]).max() < _AGREE

            def loading(load: Any = load, draws: int = _SAMPLE[peer]) -> None:
                for draw in range(draws):
                    load(draw)

            def looped(load: Any = load, ask: Any = ask, draws: int = _SAMPLE[peer]) -> None:
                for draw in range(draws):
                    load(draw)
                    ask()

            ours_s, loading_s, looped_s = median_seconds(
                ours, loading, looped, repeats=5, budget=40.0
            )
            scale = posterior.draws / _SAMPLE[peer]
            records.append(
                result(
                    f"risk, 8 answers {label}",
                    ours_s=ours_s,
                    theirs_s=looped_s * scale,
                    peer=f"{peer} over the draws",
                    bar=300 if peer == "pyagrum" else None,
                    packages=(peer,),
                    profile="The time is in einsum, which is bound by memory.",
                    asking_alone=(looped_s - loading_s) * scale / ours_s,
                )
            )
    return records
