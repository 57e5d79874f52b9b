"""Fifty thousand questions, each of another person, and how much memory the server holds.

People differ in what they answered, so that nearly every question is planned anew: what is kept of
plans must not grow with the number of people. After a fifth of the questions the memory may grow by
a tenth, and no more.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from backrisk.graph import CausalGraph, load_graph
from tests.faults.outcome import HANG, Budget, Outcome, Tally
from tests.faults.serving import Client, prior_model, serving

QUESTIONS = 50_000
CLIENTS = 4
PLOTTED = 50
GROWTH = 1.1
BARS = "▁▂▃▄▅▆▇█"


def run(rng: np.random.Generator, budget: Budget) -> Outcome:
    """Ask, and measure the memory now and then."""
    tally = Tally()
    graph = load_graph("runner")
    model = prior_model("runner", 2, budget.folder / "model.nc")
    count = budget.tries(QUESTIONS, 100)
    batch = max(count // PLOTTED, 1)
    with serving(model) as server, ThreadPoolExecutor(CLIENTS) as together:
        clients = [Client(server, 10 + number) for number in range(CLIENTS)]
        held = [server.resident]
        for _ in range(count // batch):
            people = [_person(graph, rng) for _ in range(batch)]
            parts = [(clients[i], people[i::CLIENTS]) for i in range(CLIENTS)]
            for statuses in together.map(_asked, parts):
                for status in statuses:
                    tally.count("questions", None if status == 200 else HANG, f"status {status}")
            held.append(server.resident)
        tally.count("log", *server.trouble())
    early, late = max(held[: len(held) // 5 + 1]), held[-1]
    told = f"{early:.0f} MB after a fifth, {late:.0f} MB at the end"
    grows = late > GROWTH * early and not budget.quick
    tally.count("memory", HANG if grows else None, told)
    low, high = min(held), max(held)
    steps = [round((each - low) / max(high - low, 1e-9) * (len(BARS) - 1)) for each in held]
    tally.figures.append(
        f"Memory over {count:,} questions, from {low:.0f} MB (lowest) to {high:.0f} MB (highest): "
        f"`{''.join(BARS[step] for step in steps)}`; {told}."
    )
    return tally.outcome()


def _person(graph: CausalGraph, rng: np.random.Generator) -> dict[str, str]:
    names = [node.name for node in graph.nodes if node.name != graph.outcome]
    chosen = rng.choice(names, size=rng.integers(3, 16), replace=False)
    return {str(name): str(rng.choice(graph.node(str(name)).states)) for name in chosen}


def _asked(part: tuple[Client, list[dict[str, str]]]) -> list[int]:
    client, people = part
    return [client.ask("risk", person=person)[0] for person in people]
