"""Decoding against all alignments written out, in float64."""

import itertools
import math

import numpy as np
import pytest
import torch

from rnn_core.models.ctc import align, best_path, collapse, prefix_beam
from rnn_core.tasks.speech_transcription.serve import path_loss

EVERYTHING = 10**6


def random_steps(seed, steps, symbols):
    logits = np.random.default_rng(seed).normal(scale=2, size=(steps, symbols))
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def by_brute_force(steps):
    """Probability of every sequence, as the sum over all of its paths."""
    totals = {}
    for path in itertools.product(range(steps.shape[1]), repeat=len(steps)):
        kept = [s for i, s in enumerate(path) if i == 0 or s != path[i - 1]]
        labels = tuple(s for s in kept if s != 0)
        probability = math.exp(sum(steps[t, s] for t, s in enumerate(path)))
        totals[labels] = totals.get(labels, 0.0) + probability
    return totals


@pytest.mark.parametrize(("steps", "symbols"), [(1, 2), (2, 3), (4, 3), (5, 3), (6, 2), (4, 4)])
@pytest.mark.parametrize("seed", range(3))
def test_wide_beam_gives_the_probability_of_every_sequence(seed, steps, symbols):
    values = random_steps(seed, steps, symbols)
    expected = by_brute_force(values)
    found = {labels: math.exp(value) for labels, value in prefix_beam(values, EVERYTHING)}
    assert sum(expected.values()) == pytest.approx(1)
    for labels, probability in expected.items():
        assert found[labels] == pytest.approx(probability, rel=1e-12)
    possible = {labels for labels, probability in found.items() if probability > 0}
    assert possible == set(expected)


@pytest.mark.parametrize("seed", range(20))
def test_first_sequence_of_the_beam_is_the_likeliest(seed):
    values = random_steps(seed, 5, 3)
    expected = by_brute_force(values)
    labels, value = prefix_beam(values, EVERYTHING)[0]
    assert labels == max(expected, key=expected.get)
    assert math.exp(value) == pytest.approx(max(expected.values()), rel=1e-12)


def test_beam_finds_what_the_likeliest_path_misses():
    """Two paths of 0.24 to "a" together beat the one of 0.36 to nothing."""
    values = np.log([[0.6, 0.4], [0.6, 0.4]])
    assert best_path(values) == ()
    assert prefix_beam(values, 2)[0] == ((1,), pytest.approx(math.log(0.64)))


@pytest.mark.parametrize("seed", range(20))
def test_narrow_beam_promises_no_more_than_there_is(seed):
    values = random_steps(seed, 6, 3)
    expected = by_brute_force(values)
    found = prefix_beam(values, 3)
    assert len(found) == 3
    for labels, value in found:
        assert math.exp(value) <= expected[labels] * (1 + 1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_best_path_is_that_of_the_likeliest_alignment(seed):
    values = random_steps(seed, 5, 3)
    paths = itertools.product(range(3), repeat=5)
    likeliest = max(paths, key=lambda path: sum(values[t, s] for t, s in enumerate(path)))
    assert best_path(values) == collapse(list(likeliest))


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        ([], ()),
        ([0, 0], ()),
        ([1, 1, 0, 1], (1, 1)),
        ([0, 2, 2, 1, 0, 0, 1], (2, 1, 1)),
        ([3, 2, 3], (3, 2, 3)),
    ],
)
def test_repetitions_merge_before_blanks_go(path, labels):
    assert collapse(path) == labels


@pytest.mark.parametrize("seed", range(5))
def test_confidence_is_the_sum_over_all_alignments(seed):
    values = random_steps(seed, 5, 3)
    for labels, probability in by_brute_force(values).items():
        loss = path_loss(torch.from_numpy(values), labels)
        assert math.exp(-loss) == pytest.approx(probability, rel=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_places_of_symbols_are_those_of_the_likeliest_path_of_their_sequence(seed):
    """Against all paths, one by one; also of sequences that the best path does not stand for."""
    steps = random_steps(seed, 6, 3)
    of_sequence = {}
    for path in itertools.product(range(3), repeat=6):
        value = sum(steps[t, s] for t, s in enumerate(path))
        labels = collapse(list(path))
        if value > of_sequence.get(labels, (-math.inf, None))[0]:
            of_sequence[labels] = value, path
    for labels, (_, path) in of_sequence.items():
        runs, place = [], 0
        for symbol, group in itertools.groupby(path):
            length = len(list(group))
            if symbol:
                runs.append((place, place + length))
            place += length
        assert align(steps, labels) == runs
