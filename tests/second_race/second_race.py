"""The race once more, naive and slow: formulas and loops, to hold the first one against.

It shares nothing with it but the standard draws. Variances are moderated by the formulas of Smyth
(Statistical Applications in Genetics and Molecular Biology 3, 2004, article 3, section 6.2), with
a root finder for the equation of the degrees of freedom. Means and leverages are those
of least squares with a column for each candidate and each seed. The variance by items and its
degrees of freedom are those of Bell and McCaffrey (Survey Methodology 28, 2002), with matrices.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from scipy.optimize import brentq
from scipy.special import digamma, polygamma
from scipy.stats import chi2

from rnn_core.comparison.statistics.posterior import standard_draws

LOOKS = (3, 4, 5, 7, 10, 14, 20)
ROUNDS = 10
FLOOR = 1e-5
NOTHING = 1e-9


@dataclass
class End:
    """End of a training: its loss, and those of items; None where it diverged."""

    loss: float | None
    items: np.ndarray | None = None


@dataclass
class Split:
    """The trainings of each candidate; weights and clusters of items, None if none are shared."""

    ends: dict[str, list[End]]
    weights: np.ndarray | None = None
    clusters: np.ndarray | None = None


@dataclass
class Found:
    """Result of the race."""

    asked: dict[str, int]
    looks: list[tuple[int, dict[str, float], dict[str, float]]]
    winner: str | None
    recommended: str | None


def prior_of(variances, dfs):
    """The prior variance and its degrees of freedom, by a root of trigamma."""
    middle = float(np.median(variances))
    floor = FLOOR * (middle if middle > FLOOR * max(variances) else max(variances))
    logs = [
        math.log(max(v, floor)) - digamma(d / 2) + math.log(d / 2)
        for v, d in zip(variances, dfs, strict=True)
    ]
    n = len(logs)
    mean = sum(logs) / n
    excess = 0.0
    if n > 1:
        excess = sum(
            (one - mean) ** 2 * n / (n - 1) - float(polygamma(1, d / 2))
            for one, d in zip(logs, dfs, strict=True)
        )
    if excess / n <= 0:
        weighed = sum(v * d for v, d in zip(variances, dfs, strict=True))
        return weighed / sum(dfs), math.inf
    half = 10 ** brentq(lambda at: float(polygamma(1, 10**at)) - excess / n, -9, 12, xtol=1e-14)
    return math.exp(mean + digamma(half) - math.log(half)), 2 * half


def moderated(variances, dfs):
    """Variances that are shrunk to the prior, and the degrees of freedom that they are worth."""
    known = [i for i, d in enumerate(dfs) if d > 0]
    if not known or max(variances[i] for i in known) == 0:
        return [0.0] * len(variances), math.inf
    own = [dfs[i] for i in known]
    prior, prior_df = prior_of([variances[i] for i in known], own)
    if math.isinf(prior_df):
        return [prior] * len(variances), sum(own)
    shrunk = [
        (prior_df * prior + d * v) / (prior_df + d) for v, d in zip(variances, dfs, strict=True)
    ]
    return shrunk, min(prior_df + sum(own) / len(own), sum(own))


def regression(losses, variances):
    """Least squares with dummies: means, their covariance, residuals and leverages of each loss."""
    places = [
        (c, s) for c, row in enumerate(losses) for s, one in enumerate(row) if one is not None
    ]
    seeds = sorted({s for _, s in places})
    count = len(losses)
    design = np.zeros((len(places), count + len(seeds)))
    for row, (c, s) in enumerate(places):
        design[row, c] = design[row, count + seeds.index(s)] = 1 / math.sqrt(variances[c])
    seen = np.array([losses[c][s] / math.sqrt(variances[c]) for c, s in places])
    solved, *_ = np.linalg.lstsq(design, seen, rcond=None)
    pseudo = np.linalg.pinv(design)
    rest = (seen - design @ solved) * [math.sqrt(variances[c]) for c, _ in places]
    leverages = np.diag(design @ pseudo)
    centre = np.eye(count) - 1 / count
    covariance = centre @ (pseudo @ pseudo.T)[:count, :count] @ centre
    return centre @ solved[:count], covariance, places, rest, leverages


def fitted(losses):
    """Means without their mean, covariance and degrees of freedom; None where nothing tells."""
    if not is_linked(losses):
        return None
    variances, df = [1.0] * len(losses), math.inf
    for _ in range(ROUNDS):
        means, _, places, rest, leverages = regression(losses, variances)
        squares, left = [0.0] * len(losses), [0.0] * len(losses)
        for (c, _), r, h in zip(places, rest, leverages, strict=True):
            squares[c] += r**2
            left[c] += 1 - h
        left = [d if d > NOTHING else 0.0 for d in left]
        if not any(left):
            return None
        own = [q / d if d else 0.0 for q, d in zip(squares, left, strict=True)]
        variances, df = moderated(own, left)
        if not any(variances):
            return means, np.zeros((len(losses), len(losses))), math.inf
    means, covariance, *_ = regression(losses, variances)
    return means, covariance, df


def is_linked(losses):
    """Return whether common seeds of pairs connect all candidates."""
    seen, todo = {0}, [0]
    while todo:
        here = losses[todo.pop()]
        for other, row in enumerate(losses):
            both = any(a is not None and b is not None for a, b in zip(here, row, strict=True))
            if both and other not in seen:
                seen.add(other)
                todo.append(other)
    return len(seen) == len(losses)


def by_items(means, weights, clusters):
    """Covariance of mean losses by items, and degrees of freedom, from losses of items (C, N)."""
    groups = [np.flatnonzero(clusters == one) for one in sorted(set(clusters.tolist()))]
    if len(groups) < 2:
        groups = [np.array([i]) for i in range(len(weights))]
    total = weights.sum()
    root = np.sqrt(weights / total)[:, None]
    rest = np.eye(len(weights)) - root @ root.T
    rows = []
    for group in groups:
        adjust = np.linalg.inv(scipy.linalg.sqrtm(rest[np.ix_(group, group)]).real)
        rows.append(root[group, 0] @ adjust @ rest[group])
    forms = np.stack(rows)
    sums = forms @ (means * root[:, 0]).T
    square = forms @ forms.T
    return sums.T @ sums, max(1.0, float(np.trace(square) ** 2 / (square**2).sum()))


def drawn(covariance, df, stream):
    """Draws of a t distribution from the standard ones."""
    normal, level = standard_draws(len(covariance), stream)
    left, singular, _ = np.linalg.svd(covariance)
    found = normal @ (left @ np.diag(np.sqrt(singular)) @ left.T)
    return found if math.isinf(df) else found * np.sqrt(df / chi2.ppf(level, df))[:, None]


def judged(used, split, margin):
    """Chances and expected losses of candidates by name; empty where nothing tells."""
    if len(used) == 1:
        return dict.fromkeys(used, 1.0), dict.fromkeys(used, 0.0)
    if not used:
        return {}, {}
    most = max(len(ends) for ends in used.values())
    losses = [[end.loss for end in ends] + [None] * (most - len(ends)) for ends in used.values()]
    found = fitted(losses)
    if found is None:
        return {}, {}
    means, covariance, df = found
    draws = means + drawn(covariance, df, 0)
    if split.weights is not None:
        each = [[e.items for e in ends if e.items is not None] for ends in used.values()]
        of_items = np.array([sum(several) / len(several) for several in each])
        draws += drawn(*by_items(of_items, split.weights, split.clusters), 1)
    best = draws.min(axis=1)
    chances, expected = {}, {}
    for i, name in enumerate(used):
        behind = draws[:, i] - best
        chances[name] = np.count_nonzero(behind <= margin) / len(behind)
        expected[name] = behind.sum() / len(behind) / margin
    return chances, expected


def raced(split, first, most, margin):
    """The whole race, once all that it may ask for has ended."""
    running, asked, looks = list(split.ends), {}, []
    for number in sorted({first, *(n for n in LOOKS if first < n < most), most}):
        for name in running:
            asked[name] = number
        used = {name: ends[: asked[name]] for name, ends in split.ends.items()}
        done = {name: sum(e.loss is not None for e in ends) for name, ends in used.items()}
        fit = {name: ends for name, ends in used.items() if done[name] > len(ends) / 2}
        chances, expected = judged(fit, split, margin)
        looks.append((number, chances, expected))
        winner = next((name for name in fit if chances.get(name, 0) >= 0.98), None)
        running = [n for n in running if n in fit and chances.get(n, 1.0) >= 0.01]
        if winner or not running:
            break
    means = {n: np.mean([e.loss for e in ends if e.loss is not None]) for n, ends in fit.items()}
    ranked = sorted(means, key=lambda name: (expected.get(name, 0.0), means[name]))
    recommended = winner or (ranked[0] if ranked else None)
    return Found(asked=asked, looks=looks, winner=winner, recommended=recommended)
