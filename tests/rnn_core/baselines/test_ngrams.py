"""N-grams: against a plain calculation with dictionaries, and probabilities that sum to 1."""

import itertools
import math
import random
from collections import Counter, defaultdict

import numpy as np
import pytest

from rnn_core.baselines.ngrams import count_ngrams, discounts, kneser_ney, probabilities

V = 5
FALLBACK = {1: 0.5, 2: 1.0, 3: 1.5}


def text(length, seed):
    """Tokens below V - 1, more of the small ones, with some order in them."""
    draw = random.Random(seed)
    tokens = [0]
    while len(tokens) < length:
        likely = (tokens[-1] * 2 + 1) % (V - 1)
        tokens.append(likely if draw.random() < 0.5 else draw.choice([0, 0, 0, 1, 1, 2, 3]))
    return tokens


def grams(tokens, n):
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


def plain_discounts(counts):
    n = Counter(counts.values())
    if not all(n[c] for c in (1, 2, 3, 4)):
        return FALLBACK
    y = n[1] / (n[1] + 2 * n[2])
    found = {c: c - (c + 1) * y * n[c + 1] / n[c] for c in (1, 2, 3)}
    return found if min(found.values()) > 0 else FALLBACK


class Plain:
    """The equations of Chen and Goodman, word by word."""

    def __init__(self, tokens, order):
        self.counts = {order: Counter(grams(tokens, order))}
        for n in range(1, order):
            before = defaultdict(set)
            for gram in grams(tokens, n + 1):
                before[gram[1:]].add(gram[0])
            self.counts[n] = {gram: len(kinds) for gram, kinds in before.items()}
        self.discounts = {n: plain_discounts(counts) for n, counts in self.counts.items()}

    def probability(self, context, token):
        n = len(context) + 1
        lower = self.probability(context[1:], token) if context else 1 / V
        following = {g: c for g, c in self.counts[n].items() if g[:-1] == context}
        total = sum(following.values())
        if total == 0:
            return lower
        taken = {g: self.discounts[n][min(c, 3)] for g, c in following.items()}
        gram = (*context, token)
        kept = following.get(gram, 0) - taken.get(gram, 0)
        return (kept + sum(taken.values()) * lower) / total


@pytest.mark.parametrize(("length", "order"), [(300, 4), (60, 3), (12, 5)])
def test_every_probability_is_that_of_the_equations(length, order):
    tokens = text(length, seed=length)
    other = [*text(100, seed=1), V - 1, 0, 1, V - 1]
    orders = count_ngrams(np.array(tokens), V, order)
    rows = probabilities(orders, np.array(other), V)
    assert len(rows) == order
    for n, row in enumerate(rows, start=1):
        plain = Plain(tokens, n)
        expected = [
            plain.probability(tuple(other[max(0, i - n + 1) : i]), other[i])
            for i in range(1, len(other))
        ]
        np.testing.assert_allclose(row, expected, rtol=1e-12)


def test_probabilities_sum_to_one_after_every_context():
    orders = count_ngrams(np.array(text(200, seed=3)), V, 4)
    for context in itertools.product(range(V), repeat=3):
        last = [probabilities(orders, np.array([*context, w]), V)[:, -1] for w in range(V)]
        np.testing.assert_allclose(np.sum(last, axis=0), np.ones(4), rtol=1e-12)


def test_both_kinds_of_discounts_are_met():
    many = np.repeat([1, 2, 3, 4, 9], [40, 16, 8, 5, 9])
    y = 40 / (40 + 32)
    expected = [0, 1 - 2 * y * 16 / 40, 2 - 3 * y * 8 / 16, 3 - 4 * y * 5 / 8]
    np.testing.assert_allclose(discounts(many), expected, rtol=1e-12)
    assert discounts(np.array([1, 2, 7])).tolist() == [0, 0.5, 1, 1.5]


def test_order_is_chosen_by_the_other_text_and_scored_on_the_third():
    train, validation, test = (np.array(text(n, seed=n)) for n in (400, 150, 151))
    rows = {
        name: -np.log(probabilities(count_ngrams(train, V, 6), tokens, V)).mean(axis=1)
        for name, tokens in (("validation", validation), ("test", test))
    }
    best = int(rows["validation"].argmin())
    assert 0 < best < 5
    assert kneser_ney(train, validation, test, V, 6) == pytest.approx(rows["test"][best], rel=1e-12)


def test_text_shorter_than_the_longest_ngram_is_counted():
    assert len(count_ngrams(np.array([0, 1, 0]), V, 8)) == 3
    nats = kneser_ney(*(np.array([0, 1, 0]) for _ in range(3)), V, 8)
    assert 0 < nats < math.log(V)
