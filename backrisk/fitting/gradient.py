"""The log density that is sampled and its gradient, as compiled loops over one block of memory.

Everything that depends on graph and survey is data, so that one compilation serves all of them and
is kept on disk. `backrisk.fitting.direct` lays the block out; the PyMC model is what it must equal.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
from numba import carray, types

from backrisk._compiling import callback, loop
from backrisk.likelihood import add_hidden, add_hidden_by_logs

# The parts of the block, in their order. `direct` gives each by its name.
PARTS = (
    *(
        "tape",
        "reals",
        "place",
        "tables",
        "known",
        "told",
        "cutpoints",
        "node_of",
        "inner",
        "steps",
    ),
    *("effects", "levels", "centres", "contributions"),
    *("ordinal_terms", "ordinal_points", "ordinal_first", "ordinal_last", "ordinal_middle"),
    *("noisy_terms", "noisy_first", "noisy_last", "noisy_middle"),
    *("alpha", "beta", "mean", "root", "site_scale", "constant"),
    *("set_cells", "set_first", "set_counts", "set_cases", "set_choices", "set_choices_of"),
    *("origin", "axes"),
)
# Not plain numbers, for each of which numba would compile its reader once more.
_AT: Any = namedtuple("_AT", PARTS)(*np.arange(len(PARTS)))
HEAD = 1 + 3 * len(PARTS)  # words before the parts: the size of all, then start, rows, columns

# A cell below this is computed by its log, as all others are then: plain products would lose it.
_LEAST = 1e-280

_1 = np.uint64(1)


@loop(error_model="numpy")
def _integers(block, part):  # type: ignore[no-untyped-def]
    # Unsigned, as in the kernel: an index that cannot be negative needs no check.
    start, rows, columns = block[1 + 3 * part], block[2 + 3 * part], block[3 + 3 * part]
    return block[start : start + rows * columns].view(np.uint64).reshape(rows, columns)


@loop(error_model="numpy")
def _reals(block, part):  # type: ignore[no-untyped-def]
    start, rows, columns = block[1 + 3 * part], block[2 + 3 * part], block[3 + 3 * part]
    return block[start : start + rows * columns].view(np.float64).reshape(rows, columns)


@loop(error_model="numpy")
def _gather(values, rows):  # type: ignore[no-untyped-def]
    found = np.empty(rows.shape[0])
    for i in range(rows.shape[0]):
        total = 0.0
        for j in range(rows.shape[1]):
            total += values[rows[i, j]]
        found[i] = total
    return found


@loop(error_model="numpy")
def _scatter(values, rows, added):  # type: ignore[no-untyped-def]
    for i in range(rows.shape[0]):
        if added[i] != 0.0:
            for j in range(rows.shape[1]):
                values[rows[i, j]] += added[i]


@loop(error_model="numpy")
def _softplus(x):  # type: ignore[no-untyped-def]
    return max(x, 0.0) + np.log1p(np.exp(-abs(x)))


@loop(error_model="numpy")
def _log1mexp(x):  # type: ignore[no-untyped-def]
    # log(1 - exp(x)) of a negative x, to the last digit at either end (Maechler 2012).
    return np.log(-np.expm1(x)) if x > -0.6931471805599453 else np.log1p(-np.exp(x))


@loop(error_model="numpy")
def _add_sets(log_cells, counts, block):  # type: ignore[no-untyped-def]
    # What matched sets tell: the chance of each set's cases, given its people.
    cells, first = _integers(block, _AT.set_cells), _integers(block, _AT.set_first)[0, 0]
    states = cells.shape[1]
    shares, odds = np.empty(cells.shape), np.zeros(1 + cells.shape[0])
    for i in range(cells.shape[0]):
        for case in range(2):
            start, stop = (first, states) if case else (0, first)
            largest, total = -np.inf, 0.0
            for k in range(start, stop):
                largest = max(largest, log_cells[cells[i, k]])
            for k in range(start, stop):
                shares[i, k] = np.exp(log_cells[cells[i, k]] - largest)
                total += shares[i, k]
            for k in range(start, stop):
                shares[i, k] /= total
            odds[1 + i] += (largest + np.log(total)) * (1.0 if case else -1.0)
    choices = _integers(block, _AT.set_choices)
    ways, cases = _integers(block, _AT.set_choices_of), _integers(block, _AT.set_cases)
    weights = _reals(block, _AT.set_counts)[0]
    chosen = _gather(odds, choices)
    by_chosen, by_odds = np.zeros(chosen.shape[0]), np.zeros(odds.shape[0])
    _scatter(by_odds, cases, weights)
    observed = _gather(odds, cases)
    value = 0.0
    for i in range(ways.shape[0]):
        largest, total = -np.inf, 0.0
        for j in range(ways.shape[1]):
            if ways[i, j] > 0:
                largest = max(largest, chosen[ways[i, j] - _1])
        for j in range(ways.shape[1]):
            if ways[i, j] > 0:
                total += np.exp(chosen[ways[i, j] - _1] - largest)
        value += weights[i] * (observed[i] - largest - np.log(total))
        for j in range(ways.shape[1]):
            if ways[i, j] > 0:
                share = np.exp(chosen[ways[i, j] - _1] - largest) / total
                by_chosen[ways[i, j] - _1] -= weights[i] * share
    _scatter(by_odds, choices, by_chosen)
    for i in range(cells.shape[0]):
        for k in range(states):
            sign = 1.0 if k >= first else -1.0
            counts[cells[i, k]] += sign * by_odds[1 + i] * shares[i, k]
    return value


@loop(error_model="numpy")
def log_density(x, slopes, block):  # type: ignore[no-untyped-def]
    """Return the log density of the unconstrained parameters; put its gradient into `slopes`.

    Parameters
    ----------
    x, slopes : ndarray, shape (parameter,)
        The logits of the fractions, the standard normals of the effects, and with sites the logs of
        the scales and the standard normals of the shifts.
    block : ndarray of int64
        See `backrisk.fitting.direct`.
    """
    value = _reals(block, _AT.constant)[0, 0]
    alpha, beta = _reals(block, _AT.alpha)[0], _reals(block, _AT.beta)[0]
    mean, root = _reals(block, _AT.mean)[0], _reals(block, _AT.root)
    n, m = alpha.shape[0], mean.shape[0]
    sites, pooled = block[2 + 3 * _AT.site_scale], block[3 + 3 * _AT.site_scale]
    site_scale = _reals(block, _AT.site_scale)

    # Prior, and the logs of all fractions.
    logs, fraction = np.zeros(1 + 2 * n), np.empty(n)
    for i in range(n):
        e = np.exp(-abs(x[i]))
        tail = np.log1p(e)
        logs[1 + i] = min(x[i], 0.0) - tail
        logs[1 + n + i] = -max(x[i], 0.0) - tail
        fraction[i] = (1.0 if x[i] >= 0.0 else e) / (1.0 + e)
        value += alpha[i] * logs[1 + i] + beta[i] * logs[1 + n + i]
    effect = mean.copy()
    for i in range(m):
        z = x[n + i]
        value -= 0.5 * z * z
        slopes[n + i] = -z
        if root.shape[0] == 1:
            effect[i] += root[0, i] * z
        else:
            for j in range(i + 1):
                effect[i] += root[i, j] * x[n + j]
    scale, shift = np.empty(pooled), np.empty((sites, pooled))
    at = n + m
    if sites:
        for j in range(pooled):
            scale[j] = np.exp(x[at + j])
            away = scale[j] / site_scale[0, j]
            value += x[at + j] - 0.5 * away * away
            slopes[at + j] = 1.0 - away * away
        for i in range(sites):
            for j in range(pooled):
                z = x[at + pooled + i * pooled + j]
                value -= 0.5 * z * z
                shift[i, j] = scale[j] * z

    # Ordinal nodes: cutpoints, exposures, linear predictors, and both tails of every point.
    cutpoints, node_of = _integers(block, _AT.cutpoints), _integers(block, _AT.node_of)[0]
    survival = _gather(logs, cutpoints)
    cuts = survival.shape[0]
    average, cut = np.empty(cuts), np.empty(max(sites, 1) * cuts)
    for k in range(cuts):
        average[k] = _log1mexp(survival[k]) - survival[k]
        cut[k] = average[k]
    for i in range(sites):
        for k in range(cuts):
            cut[i * cuts + k] = average[k] - shift[i, node_of[k]]
    steps = _integers(block, _AT.steps)
    level = np.empty(2 + steps.shape[0])
    level[0], level[1] = 0.0, 1.0
    summed = _gather(logs, steps)
    for k in range(steps.shape[0]):
        level[2 + k] = -np.expm1(summed[k])
    effects, levels = _integers(block, _AT.effects)[0], _integers(block, _AT.levels)
    centres = _reals(block, _AT.centres)[0]
    terms = np.zeros(1 + effects.shape[0])
    for t in range(effects.shape[0]):
        product = level[levels[0, t]] * level[levels[1, t]]
        terms[1 + t] = effect[effects[t]] * (product - centres[t])
    ordinal_terms, points = (
        _integers(block, _AT.ordinal_terms),
        _integers(block, _AT.ordinal_points),
    )
    predictor = _gather(terms, ordinal_terms)
    beyond = np.empty(points.shape[1])
    upto, above = np.empty(points.shape[1]), np.empty(points.shape[1])
    for p in range(points.shape[1]):
        b = predictor[points[0, p]] - cut[points[1, p]]
        e = np.exp(-abs(b))
        near = 1.0 / (1.0 + e)
        beyond[p] = b
        upto[p] = near if b < 0.0 else e * near
        above[p] = e * near if b < 0.0 else near
    inner = _integers(block, _AT.inner)[0]
    gap = np.empty(inner.shape[0])
    for k in range(inner.shape[0]):
        gap[k] = average[inner[k] - _1] - average[inner[k]]

    # Noisy-max nodes: the log of every P(X <= k).
    contributions = _integers(block, _AT.contributions)
    given = _gather(logs, contributions)
    noisy_logs = np.zeros(1 + contributions.shape[0])
    for k in range(contributions.shape[0]):
        noisy_logs[1 + k] = _log1mexp(given[k])
    noisy_terms = _integers(block, _AT.noisy_terms)
    below = _gather(noisy_logs, noisy_terms)

    # All cells, as probabilities.
    tables, known, told = (
        _integers(block, _AT.tables),
        _reals(block, _AT.known)[0],
        _reals(block, _AT.told),
    )
    first, last = _integers(block, _AT.ordinal_first)[0], _integers(block, _AT.ordinal_last)[0]
    middle = _integers(block, _AT.ordinal_middle)
    noisy_first, noisy_last = (
        _integers(block, _AT.noisy_first)[0],
        _integers(block, _AT.noisy_last)[0],
    )
    noisy_middle = _integers(block, _AT.noisy_middle)
    sizes = np.array(
        [
            tables.shape[0],
            known.shape[0],
            first.shape[0],
            last.shape[0],
            middle.shape[1],
            noisy_first.shape[0],
            noisy_last.shape[0],
            noisy_middle.shape[1],
            told.shape[1],
        ]
    )
    starts = np.zeros(10, np.int64)
    for i in range(9):
        starts[i + 1] = starts[i] + sizes[i]
    made = np.empty(starts[9])
    table_logs = _gather(logs, tables)
    for i in range(sizes[0]):
        made[i] = np.exp(table_logs[i])
    at = starts[2]
    for i in range(sizes[2]):
        made[at + i] = upto[first[i]]
    at = starts[3]
    for i in range(sizes[3]):
        made[at + i] = above[last[i]]
    at = starts[4]
    for i in range(sizes[4]):
        made[at + i] = upto[middle[0, i]] * above[middle[1, i]] * -np.expm1(gap[middle[2, i]])
    at = starts[5]
    for i in range(sizes[5]):
        made[at + i] = np.exp(below[noisy_first[i]])
    at = starts[6]
    for i in range(sizes[6]):
        made[at + i] = -np.expm1(below[noisy_last[i]])
    at = starts[7]
    for i in range(sizes[7]):
        upper, lower = below[noisy_middle[0, i]], below[noisy_middle[1, i]]
        made[at + i] = np.exp(upper) * -np.expm1(lower - upper)
    matched = block[2 + 3 * _AT.set_cells] > 0
    plain = not matched
    for i in range(starts[8]):
        plain = plain and (made[i] >= _LEAST or starts[1] <= i < starts[2])
    for i in range(sizes[1]):  # which may be 0: that it is, is no loss
        made[starts[1] + i] = np.exp(known[i])
    for i in range(sizes[8]):
        made[starts[8] + i] = np.exp(told[0, i])

    # Likelihood, and how many people are expected on each cell.
    place = _integers(block, _AT.place)[0]
    tape, reals = _integers(block, _AT.tape)[0].view(np.int64), _reals(block, _AT.reals)[0]
    cells = tape[0]
    counts = reals[:cells].copy()
    if plain:
        buffer = np.empty(tape[1])
        seen = 0.0
        for i in range(cells):
            buffer[i] = made[place[i]]
            if counts[i] != 0.0:
                seen += counts[i] * np.log(buffer[i])
        plain, added = add_hidden(buffer, counts, tape, reals)
        if plain:
            value += seen + added
    if not plain:
        for i in range(sizes[0]):
            made[i] = table_logs[i]
        for i in range(sizes[1]):
            made[starts[1] + i] = known[i]
        for i in range(sizes[2]):
            made[starts[2] + i] = -_softplus(beyond[first[i]])
        for i in range(sizes[3]):
            made[starts[3] + i] = beyond[last[i]] - _softplus(beyond[last[i]])
        for i in range(sizes[4]):
            one, other = beyond[middle[0, i]], beyond[middle[1, i]]
            both = -_softplus(one) + other - _softplus(other)
            made[starts[4] + i] = both + _log1mexp(gap[middle[2, i]])
        for i in range(sizes[5]):
            made[starts[5] + i] = below[noisy_first[i]]
        for i in range(sizes[6]):
            made[starts[6] + i] = _log1mexp(below[noisy_last[i]])
        for i in range(sizes[7]):
            upper, lower = below[noisy_middle[0, i]], below[noisy_middle[1, i]]
            made[starts[7] + i] = upper + _log1mexp(lower - upper)
        for i in range(sizes[8]):
            made[starts[8] + i] = told[0, i]
        log_cells = np.empty(cells)
        for i in range(cells):
            log_cells[i] = made[place[i]]
        for i in range(cells):
            if counts[i] != 0.0:
                value += counts[i] * log_cells[i]
        value += add_hidden_by_logs(log_cells, counts, tape, reals)
        if matched:
            value += _add_sets(log_cells, counts, block)

    # Back: from the counts, which are the slopes by the logs of cells, to the parameters.
    onto = np.zeros(starts[9])
    for i in range(cells):
        onto[place[i]] += counts[i]
    by_log = np.zeros(1 + 2 * n)
    for i in range(n):
        by_log[1 + i] = alpha[i]
        by_log[1 + n + i] = beta[i]
    _scatter(by_log, tables, onto[: sizes[0]])

    by_beyond, by_average = np.zeros(points.shape[1]), np.zeros(cuts)
    for i in range(sizes[2]):
        by_beyond[first[i]] -= onto[starts[2] + i] * above[first[i]]
    for i in range(sizes[3]):
        by_beyond[last[i]] += onto[starts[3] + i] * upto[last[i]]
    for i in range(sizes[4]):
        weight = onto[starts[4] + i]
        by_beyond[middle[0, i]] -= weight * above[middle[0, i]]
        by_beyond[middle[1, i]] += weight * upto[middle[1, i]]
        k = middle[2, i]
        by_gap = weight / np.expm1(-gap[k])
        by_average[inner[k] - _1] -= by_gap
        by_average[inner[k]] += by_gap
    by_predictor, by_cut = np.zeros(predictor.shape[0]), np.zeros(cut.shape[0])
    for p in range(points.shape[1]):
        by_predictor[points[0, p]] += by_beyond[p]
        by_cut[points[1, p]] -= by_beyond[p]
    by_shift = np.zeros((sites, pooled))
    if sites:
        for i in range(sites):
            for k in range(cuts):
                by_average[k] += by_cut[i * cuts + k]
                by_shift[i, node_of[k]] -= by_cut[i * cuts + k]
    else:
        for k in range(cuts):
            by_average[k] += by_cut[k]
    by_survival = np.empty(cuts)
    for k in range(cuts):
        by_survival[k] = by_average[k] / np.expm1(survival[k])
    _scatter(by_log, cutpoints, by_survival)
    by_term = np.zeros(terms.shape[0])
    _scatter(by_term, ordinal_terms, by_predictor)
    by_effect, by_level = np.zeros(m), np.zeros(level.shape[0])
    for t in range(effects.shape[0]):
        one, other, weight = levels[0, t], levels[1, t], by_term[1 + t]
        by_effect[effects[t]] += weight * (level[one] * level[other] - centres[t])
        weight *= effect[effects[t]]
        by_level[one] += weight * level[other]
        by_level[other] += weight * level[one]
    _scatter(by_log, steps, by_level[2:] * (level[2:] - 1.0))

    by_below = np.zeros(below.shape[0])
    for i in range(sizes[5]):
        by_below[noisy_first[i]] += onto[starts[5] + i]
    for i in range(sizes[6]):
        by_below[noisy_last[i]] -= onto[starts[6] + i] / np.expm1(-below[noisy_last[i]])
    for i in range(sizes[7]):
        upper, lower = noisy_middle[0, i], noisy_middle[1, i]
        weight = onto[starts[7] + i]
        turned = weight / np.expm1(below[upper] - below[lower])
        by_below[upper] += weight + turned
        by_below[lower] -= turned
    by_noisy = np.zeros(noisy_logs.shape[0])
    _scatter(by_noisy, noisy_terms, by_below)
    by_given = np.empty(given.shape[0])
    for k in range(given.shape[0]):
        by_given[k] = -by_noisy[1 + k] / np.expm1(-given[k])
    _scatter(by_log, contributions, by_given)

    for i in range(n):
        slopes[i] = by_log[1 + i] * (1.0 - fraction[i]) - by_log[1 + n + i] * fraction[i]
    for i in range(m):
        if root.shape[0] == 1:
            slopes[n + i] += root[0, i] * by_effect[i]
        else:
            for j in range(i + 1):
                slopes[n + j] += root[i, j] * by_effect[i]
    at = n + m
    for i in range(sites):
        for j in range(pooled):
            z = at + pooled + i * pooled + j
            slopes[at + j] += by_shift[i, j] * shift[i, j]
            slopes[z] = by_shift[i, j] * scale[j] - x[z]
    return value


_NUMBER, _VECTOR = types.uint64, types.CPointer(types.float64)


@loop(error_model="numpy")
def _finite(values):  # type: ignore[no-untyped-def]
    nothing = 0.0
    for i in range(values.shape[0]):
        nothing += 0.0 * values[i]
    return nothing == 0.0


@loop(error_model="numpy")
def _unmapped(point, block):  # type: ignore[no-untyped-def]
    # The unconstrained parameters at a point of the axes that are sampled, if there are any.
    axes = _reals(block, _AT.axes)
    if axes.shape[0] == 0:
        return point
    x = _reals(block, _AT.origin)[0].copy()
    for j in range(axes.shape[0]):
        for i in range(axes.shape[1]):
            x[i] += axes[j, i] * point[j]
    return x


# In whatever order its terms are added: so the loop runs in vectors.
@loop(error_model="numpy", fastmath={"reassoc"})
def _along(axis, slopes):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(axis.shape[0]):
        total += axis[i] * slopes[i]
    return total


@callback(types.int64(_NUMBER, _VECTOR, _VECTOR, _VECTOR, types.voidptr))
def density_at(size, point, slopes, value, data):  # type: ignore[no-untyped-def]
    """Call `log_density` as a sampler does; return 0, or what is not finite."""
    block = carray(data, (carray(data, (1,), np.int64)[0],), np.int64)
    found, axes = carray(slopes, (size,)), _reals(block, _AT.axes)
    log = log_density(_unmapped(carray(point, (size,)), block), found, block)
    if axes.shape[0] > 0:
        by_parameter = found.copy()
        for j in range(axes.shape[0]):
            found[j] = _along(axes[j], by_parameter)
    carray(value, (1,))[0] = log
    if not _finite(found):
        return 3
    return 0 if np.isfinite(log) else 4


@callback(types.int64(_NUMBER, _NUMBER, _VECTOR, _VECTOR, types.voidptr))
def parameters_at(size, count, point, parameters, data):  # type: ignore[no-untyped-def]
    """Write the parameters at a point: fractions, effects, scales of sites, their shifts."""
    block = carray(data, (carray(data, (1,), np.int64)[0],), np.int64)
    x, found = _unmapped(carray(point, (size,)), block), carray(parameters, (count,))
    mean, root = _reals(block, _AT.mean)[0], _reals(block, _AT.root)
    n, m = block[3 + 3 * _AT.alpha], mean.shape[0]
    sites, pooled = block[2 + 3 * _AT.site_scale], block[3 + 3 * _AT.site_scale]
    for i in range(n):
        e = np.exp(-abs(x[i]))
        found[i] = (1.0 if x[i] >= 0.0 else e) / (1.0 + e)
    for i in range(m):
        found[n + i] = mean[i]
        if root.shape[0] == 1:
            found[n + i] += root[0, i] * x[n + i]
        else:
            for j in range(i + 1):
                found[n + i] += root[i, j] * x[n + j]
    at = n + m
    for i in range(sites):
        for j in range(pooled):
            found[at + j] = np.exp(x[at + j])
            z = at + pooled + i * pooled + j
            found[z] = found[at + j] * x[z]
    return 0
