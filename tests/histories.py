"""Small models over periods, and enumeration of what a plan makes of them."""

import itertools

import numpy as np
from scipy.stats import norm
from strategies import random_posterior, random_template

import backrisk as br

FAMILY = 1e-5  # chance of one false alarm in all comparisons of a test
TWO = ("no", "yes")
ROWS = [[0.9, 0.1], [0.3, 0.7]]


def chain():
    """Return a model of two periods: x lasts, and leads to y, which lasts."""
    graph = br.CausalGraph.from_text("x -> y; x[-1] -> x; y[-1] -> y")
    cpts = {"x": [0.5, 0.5], "y": ROWS, "x__1": ROWS, "y__1": [ROWS, [[0.4, 0.6], [0.1, 0.9]]]}
    return br.Posterior.from_cpts(br.unroll(graph, 2), cpts)


def asked(seed, draws=2):
    """Return a generator, a posterior over 2 or 3 periods, and a node that a plan may set."""
    rng = np.random.default_rng(seed)
    periods = int(rng.integers(2, 4))
    moving: list[str] = []
    while not moving:
        graph = br.unroll(random_template(rng, 3 if periods == 2 else 2), periods)
        moving = [name for name in graph.moving if name != graph.template.outcome]
    return rng, random_posterior(rng, graph, draws), str(rng.choice(moving))


def history_of(rng, posterior, periods, share=0.5, leave=()):
    """Return a random history in which constants do not contradict themselves."""
    graph = posterior.graph
    found = []
    for period in range(periods):
        answers = {}
        for node in graph.template.nodes:
            again = period and graph.at(node.name, period) == graph.at(node.name, 0)
            if rng.random() < share and not again and node.name not in leave:
                answers[node.name] = str(rng.choice(node.states))
        found.append(answers)
    return found


def codes_of(graph, history):
    """Return the evidence that a history is."""
    return {
        graph.at(name, period): graph.template.node(name).code(state)
        for period, answers in enumerate(history)
        for name, state in answers.items()
    }


def under(posterior, draw, setting):
    """Yield every joint state with its probability where nodes are set by functions of the state.

    `setting` maps a node to a function of the joint state that returns its code, or None where
    the node is left to itself.
    """
    graph = posterior.graph
    cpt = {name: posterior.cpt(name)[draw] for name in graph.names}
    for full in itertools.product(*(range(len(graph.node(n).states)) for n in graph.names)):
        state = dict(zip(graph.names, full, strict=True))
        p = 1.0
        for name in graph.names:
            code = setting[name](state) if name in setting else None
            if code is None:
                p *= cpt[name][tuple(state[q] for q in graph.parents(name))][state[name]]
            else:
                p *= float(state[name] == code)
        if p:
            yield state, p


def expected(posterior, evidence, event, setting=()):
    """Return the mean of an event given evidence, for each draw, by enumeration."""
    found = []
    for draw in range(posterior.draws):
        above = below = 0.0
        for state, p in under(posterior, draw, dict(setting)):
            if all(state[name] == code for name, code in evidence.items()):
                below += p
                above += p * event(state)
        found.append(above / below)
    return np.array(found)


def agree(means, truth, error, samples=None):
    """Hold means over draws to the truth by their Monte Carlo error, family-wise.

    With the number of samples, by the empirical Bernstein bound for numbers from -1 to 1 (Maurer
    and Pontil 2009, arXiv:0907.3740): a normal law does not hold for what few samples show.
    """
    false = FAMILY / np.size(error)
    wide = norm.isf(false / 2) * error + 1e-9
    if samples is not None:
        odds = np.log(4 / false)
        wide = np.sqrt(2 * odds) * error + 14 * odds / (3 * (samples - 1))
    assert (np.abs(np.mean(means, axis=0) - np.mean(truth, axis=0)) <= wide).all()
