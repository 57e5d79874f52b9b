"""One client asks for more slow questions than are ever computed; another asks a quick one.

Fifty slow questions of one client wait. The risk that another client asks for has to be there
within three times its median on the idle server, in the median; so measured in one run, on one
machine. Then the fifty hang up: the server has to stop at what it was computing.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tests.faults.outcome import HANG, Budget, Outcome, Tally
from tests.faults.serving import Client, Server, prior_model, serving

WAITING = 50
TIMES = 3.0
PERSON = {"plank_seconds": 35, "strength_sessions": 0, "sex": "female", "back_pain_episodes": 2}
HURTING = PERSON | {
    "pain": "limiting",
    "lumbar_load": "high",
    "compensation": "yes",
    "fatigue": "high",
    "gait_abnormality": "no",
    "trunk_imbalance": "balanced",
}
SLOW = (
    ("attribute", {"person": HURTING, "method": "necessity"}),
    ("attribute", {"person": HURTING}),
    ("recommend", {"person": PERSON}),
    ("ask-next", {"person": PERSON}),
    ("report.pdf", {"person": HURTING}),
)


def run(rng: np.random.Generator, budget: Budget) -> Outcome:
    """Let one client wait for slow questions, and measure another's quick ones."""
    tally = Tally()
    model = prior_model("runner", budget.tries(1000, 20), budget.folder / "model.nc")
    asked = budget.tries(60, 5)
    with serving(model) as server:
        other = Client(server, 2)
        for _ in range(3):  # tables are made on first use
            other.ask("risk", person=PERSON)
        idle = _median(other, asked, tally)
        crowd = [Client(server, 3, 0.01) for _ in range(WAITING)]
        for client in crowd:
            path, question = SLOW[rng.integers(len(SLOW))]
            try:
                client.ask(path, **question)  # and does not wait for the answer
            except TimeoutError:
                tally.count("slow questions")
        busy = _median(other, asked, tally)
        bad = busy > TIMES * idle
        told = f"{1000 * busy:.0f} ms beside {WAITING} slow questions, {1000 * idle:.0f} ms alone"
        tally.count("median of a quick question", HANG if bad and not budget.quick else None, told)
        for client in crowd:
            client.close()
        free = _free_again(server, budget.seconds)
        late = HANG if free >= budget.seconds else None
        tally.count("clients that hang up", late, f"{free:.0f} s")
        tally.count("log", *server.trouble("plank_seconds"))
    tally.figures.append(f"The median of /risk: {told}.")
    tally.figures.append(f"A slow question asked when they hung up was answered in {free:.1f} s.")
    return tally.outcome()


def _median(client: Client, count: int, tally: Tally) -> float:
    seconds = []
    for _ in range(count):
        status, took = client.ask("risk", person=PERSON)
        tally.count("quick questions", None if status == 200 else HANG, f"status {status}")
        seconds.append(took)
    return float(np.median(seconds))


def _free_again(server: Server, seconds: float) -> float:
    """Return after how long a slow question is answered: it waits for those before it."""
    start = time.perf_counter()
    client = Client(server, 4, seconds)
    try:
        with ThreadPoolExecutor(1) as alone:
            status, _ = alone.submit(client.ask, "recommend", person=HURTING).result()
    except TimeoutError:
        return seconds
    return time.perf_counter() - start if status == 200 else seconds
