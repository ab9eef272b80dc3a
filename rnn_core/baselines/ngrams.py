"""Interpolated modified Kneser-Ney n-grams: what counting predicts, without learning.

Chen and Goodman, "An empirical study of smoothing techniques for language modeling",
Harvard TR-10-98 (1998), equations 26 and 27; where the counts of counts leave a discount
undefined, as for characters, the fixed ones of KenLM (`--discount_fallback`; Heafield et
al., ACL 2013) stand in.

With c the number of times that token w follows the n - 1 tokens h, and h' the last n - 2,

    p(w | h) = (c(hw) - D(c(hw)) + sum_v D(c(hv)) * p(w | h')) / sum_v c(hv)

where D takes one value each for 1, 2, and 3 or more. Below the highest order, c is the
number of different tokens that precede hw. Below one token stands 1 / V. Where h was not
seen, p(w | h) = p(w | h').
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ids: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

FALLBACK = np.array([0.0, 0.5, 1.0, 1.5])
"""Discounts of counts 0, 1, 2, and 3 or more where they cannot be estimated."""


@dataclass(frozen=True)
class Counts:
    """Counts of the n-grams of one order, by their number.

    Attributes:
        discounted: `c(hw) - D(c(hw))` of each n-gram hw, float64 (G,).
        totals: `sum_v c(hv)` of each context h, float64 (C,).
        kept_back: `sum_v D(c(hv))` of each context h, float64 (C,).
    """

    discounted: Floats
    totals: Floats
    kept_back: Floats


@dataclass(frozen=True)
class Order:
    """The n-grams of one order of a text.

    Attributes:
        keys: `context * V + token` of each n-gram, ascending; its place is its number,
            and a context is the number of the n-gram one shorter. int64 (G,).
        whole: Counts as the highest order.
        lower: Counts of what precedes, as an order below the highest.
    """

    keys: Ids
    whole: Counts
    lower: Counts


def count_ngrams(tokens: Ids, vocabulary_size: int, max_order: int) -> list[Order]:
    """Count the n-grams of a text, for n from 1 to `max_order`.

    Args:
        tokens: int64 (N,), each in [0, V).
        vocabulary_size: V.
        max_order: The longest n-grams; shorter if the text is.
    """
    orders: list[Order] = []
    context = np.zeros(len(tokens), dtype=np.int64)
    num_contexts = 1
    found = distinct(context * vocabulary_size + tokens)
    for n in range(1, min(max_order, len(tokens)) + 1):
        keys, _, gram, counts = found
        whole = discount(keys // vocabulary_size, counts, num_contexts)
        # gram[i] ends at token i + n - 1; the next order's contexts are all but the last
        found = distinct(gram[:-1] * vocabulary_size + tokens[n:])
        preceding = np.bincount(gram[1:][found[1]], minlength=len(keys))
        lower = discount(keys // vocabulary_size, preceding, num_contexts)
        orders.append(Order(keys, whole, lower))
        num_contexts = len(keys)
    return orders


def distinct(keys: Ids) -> tuple[Ids, Ids, Ids, Ids]:
    """Sorted distinct keys, where each is first, which each key is, and how often."""
    return np.unique(keys, return_index=True, return_inverse=True, return_counts=True)


def discount(context: Ids, counts: Ids, num_contexts: int) -> Counts:
    """Take from each count (G,) what is kept back for n-grams that were not seen."""
    taken = discounts(counts)[np.minimum(counts, 3)]
    totals = np.bincount(context, counts, num_contexts).astype(np.float64)
    kept_back = np.bincount(context, taken, num_contexts).astype(np.float64)
    return Counts(counts - taken, totals, kept_back)


def discounts(counts: Ids) -> Floats:
    """Discounts of counts 0, 1, 2, and 3 or more, by the counts of counts."""
    n = [int((counts == c).sum()) for c in range(5)]
    if min(n[1:]) == 0:
        return FALLBACK
    y = n[1] / (n[1] + 2 * n[2])
    found = np.array([0.0, *(c - (c + 1) * y * n[c + 1] / n[c] for c in (1, 2, 3))])
    return found if (found[1:] > 0).all() else FALLBACK


def probabilities(orders: list[Order], tokens: Ids, vocabulary_size: int) -> Floats:
    """Probability of each token after the first, given those before it.

    Args:
        orders: Counts of another text.
        tokens: int64 (N,), each in [0, V).
        vocabulary_size: V.

    Returns:
        float64 (orders, N - 1): row n - 1 belongs to the model with n-grams at most n long.
    """
    lower = np.full(len(tokens), 1 / vocabulary_size)
    context = np.zeros(len(tokens), dtype=np.int64)
    rows = []
    for order in orders:
        wanted = context * vocabulary_size + tokens
        place = np.minimum(np.searchsorted(order.keys, wanted), len(order.keys) - 1)
        gram = np.where((context >= 0) & (order.keys[place] == wanted), place, -1)
        rows.append(interpolate(order.whole, gram, context, lower)[1:])
        lower = interpolate(order.lower, gram, context, lower)
        context = np.concatenate([[-1], gram[:-1]])
    return np.stack(rows)


def interpolate(counts: Counts, gram: Ids, context: Ids, lower: Floats) -> Floats:
    """Probabilities at one order from those of the order below; -1 stands for not seen."""
    total = np.where(context >= 0, counts.totals[context], 0)
    kept = counts.discounted[gram] * (gram >= 0) + counts.kept_back[context] * lower
    return np.divide(kept, total, out=lower.copy(), where=total > 0)


def kneser_ney(
    train: Ids, validation: Ids, test: Ids, vocabulary_size: int, max_order: int
) -> float:
    """Nats per token of a text, by the order that is best on another.

    Args:
        train: The text that is counted; as the next two, int64 (N,).
        validation: The text that chooses the order.
        test: The text that is scored, all but its first token.
        vocabulary_size: V.
        max_order: The longest n-grams that are tried.
    """
    orders = count_ngrams(train, vocabulary_size, max_order)
    tried = -np.log(probabilities(orders, validation, vocabulary_size)).mean(axis=1)
    best = orders[: int(tried.argmin()) + 1]
    return float(-np.log(probabilities(best, test, vocabulary_size)[-1]).mean())
