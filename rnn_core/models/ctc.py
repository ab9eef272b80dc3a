"""Connectionist temporal classification: from the outputs of every step to a sequence.

Graves and others, "Connectionist temporal classification" (ICML 2006). A path has one symbol
or the blank at every step; it stands for the sequence that is left when repetitions are
merged and then blanks are dropped. Shapes: T steps, C symbols; symbol 0 is the blank.
"""

import math
from collections import defaultdict
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

BLANK = 0

Labels = tuple[int, ...]


def collapse(path: list[int]) -> Labels:
    """The sequence that a path stands for."""
    return tuple(symbol for symbol, _ in groupby(path) if symbol != BLANK)


def best_path(log_probabilities: NDArray[np.floating]) -> Labels:
    """The sequence of the likeliest path, for (T, C)."""
    return collapse(log_probabilities.argmax(axis=1).tolist())


def align(log_probabilities: NDArray[np.floating], labels: Labels) -> list[tuple[int, int]]:
    """Place of each symbol of a sequence on its likeliest path.

    The Viterbi algorithm over symbols with blanks between, as in section 4.1 of Graves and
    others (2006) with a maximum in place of the sum.

    Args:
        log_probabilities: Of each symbol at each step, (T, C).
        labels: The sequence; T steps must be able to hold a path of it.

    Returns:
        The first step of each symbol, and the step after its last.
    """
    states = [BLANK, *(state for label in labels for state in (label, BLANK))]
    scores = log_probabilities.astype(np.float64)[:, states]
    skips = np.array([i > 1 and s not in {BLANK, states[i - 2]} for i, s in enumerate(states)])
    best = np.full(len(states), -np.inf)
    best[:2] = scores[0, :2]
    came_from = np.zeros(scores.shape, dtype=np.int64)
    for step in range(1, len(scores)):
        before = [np.concatenate([np.full(k, -np.inf), best])[: len(best)] for k in range(3)]
        before[2] = np.where(skips, before[2], -np.inf)
        came_from[step] = np.argmax(before, axis=0)
        best = np.max(before, axis=0) + scores[step]
    place = len(states) - 1 - int(len(states) > 1 and best[-2] > best[-1])
    path = []
    for step in range(len(scores) - 1, -1, -1):
        path.append(place)
        place -= int(came_from[step, place])
    places = np.array(path[::-1])
    found = [np.flatnonzero(places == 2 * i + 1) for i in range(len(labels))]
    return [(int(steps[0]), int(steps[-1]) + 1) for steps in found]


def prefix_beam(log_probabilities: NDArray[np.floating], beam: int) -> list[tuple[Labels, float]]:
    """The likeliest sequences, each over all of its paths.

    Prefix beam search, as algorithm 1 of Hannun and others, arXiv:1408.2873v2, without a
    language model. It is exact where `beam` is at least the number of prefixes.

    Args:
        log_probabilities: Of each symbol at each step, (T, C).
        beam: Most prefixes that are kept after each step.

    Returns:
        Sequences and their log-probability over the paths that were kept, the likeliest
        first.
    """
    kept: dict[Labels, tuple[float, float]] = {(): (0.0, -math.inf)}
    for step in log_probabilities.astype(np.float64):
        ranked = sorted(extended(kept, step.tolist()).items(), key=lambda item: -total(item[1]))
        kept = dict(ranked[:beam])
    return [(labels, total(pair)) for labels, pair in kept.items()]


def extended(
    kept: dict[Labels, tuple[float, float]], step: list[float]
) -> dict[Labels, tuple[float, float]]:
    """All prefixes after one more step.

    Args:
        kept: Prefixes before it, each with the log-probability of its paths that end in a
            blank and of those that do not.
        step: Log-probability of each symbol at the step.
    """
    ends: dict[Labels, list[list[float]]] = defaultdict(lambda: [[], []])
    for labels, (blank, symbol) in kept.items():
        ends[labels][0].append(total((blank, symbol)) + step[BLANK])
        for new, value in enumerate(step):
            if new == BLANK:
                continue
            if labels and labels[-1] == new:
                ends[labels][1].append(symbol + value)
                ends[(*labels, new)][1].append(blank + value)
            else:
                ends[(*labels, new)][1].append(total((blank, symbol)) + value)
    return {labels: (log_sum(pair[0]), log_sum(pair[1])) for labels, pair in ends.items()}


def total(pair: tuple[float, float]) -> float:
    """Log of the sum of two probabilities given as logarithms."""
    return log_sum(list(pair))


def log_sum(values: list[float]) -> float:
    """Log of the sum of probabilities given as logarithms."""
    largest = max(values, default=-math.inf)
    if largest == -math.inf:
        return largest
    return largest + math.log(math.fsum(math.exp(value - largest) for value in values))
