"""Pairs that are no translations of each other are doubted, and others are not."""

import random
from itertools import product

import pytest

from rnn_core.readers.parallel_text import Pair
from rnn_core.sources.number_words import draw_sum
from rnn_core.tasks.translation.doubts import misaligned, untranslated

WORDS = [f"w{i}" for i in range(800)]
WEIGHTS = [1 / (i + 2) for i in range(800)]


def texts(number, seed):
    """Sentences with words as frequent as in texts, freely translated."""
    draw = random.Random(seed)
    found = []
    for _ in range(number):
        words = draw.choices(WORDS, WEIGHTS, k=max(2, int(draw.lognormvariate(2.2, 0.5))))
        said = [word.replace("w", "v") for word in words if draw.random() < 0.75] or ["v"]
        draw.shuffle(said)
        found.append(Pair(" ".join(words), " ".join(said)))
    return found


def templates(number, seed):
    """Sentences of equal form and almost equal length."""
    nouns = ("dog", "Hund"), ("cat", "Kater"), ("man", "Mann"), ("bird", "Vogel"), ("horse", "Gaul")
    verbs = ("sees", "sieht"), ("hears", "hört"), ("likes", "mag")
    kinds = ("big", "große"), ("old", "alte"), ("red", "rote"), ("new", "neue")
    found = [
        Pair(f"the {a[0]} {n[0]} {v[0]} the {m[0]}", f"der {a[1]} {n[1]} {v[1]} den {m[1]}")
        for a, n, v, m in product(kinds, nouns, verbs, nouns)
    ]
    random.Random(seed).shuffle(found)
    return found[:number]


def sums(number, seed):
    draw = random.Random(seed)
    return [Pair(*draw_sum(draw, 99)) for _ in range(number)]


def characters(number, seed):
    """Sentences of a language without spaces between words."""
    return [
        Pair(p.source, "".join(chr(0x4E00 + int(word[1:] or 0)) for word in p.target.split()))
        for p in texts(number, seed)
    ]


KINDS = [texts, templates, sums, characters]


def without_one_each(pairs, of_source, of_target):
    source, target = ([pair[index] for pair in pairs] for index in (0, 1))
    del source[of_source], target[of_target]
    return list(map(Pair, source, target))


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_aligned_texts_are_not_doubted(make, seed):
    assert not list(misaligned(make(300, seed)))


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("ahead", ["source", "target"])
def test_lines_between_two_that_are_missing_are_told(make, ahead):
    places = (30, 260) if ahead == "source" else (260, 30)
    (doubt,) = misaligned(without_one_each(make(300, 1), *places))
    first, last = (int(word) for word in doubt.split()[1:4:2])
    assert abs(first - 31) < 35 and abs(last - 260) < 40
    assert f"translations {'after' if ahead == 'source' else 'before'} theirs" in doubt
    assert "shifted by 1 line:" in doubt


@pytest.mark.parametrize("make", KINDS)
def test_translations_in_another_order_are_doubted(make):
    pairs = make(300, 2)
    targets = [pair.target for pair in pairs]
    random.Random(0).shuffle(targets)
    (doubt,) = misaligned([Pair(p.source, t) for p, t in zip(pairs, targets, strict=True)])
    assert "are the lines of both files in the same order?" in doubt


def test_too_few_pairs_tell_nothing():
    pairs = texts(99, 0)
    backwards = [pair.target for pair in pairs[::-1]]
    assert not list(misaligned(list(map(Pair, (p.source for p in pairs), backwards))))


def test_some_texts_that_are_their_own_translation_are_doubted():
    pairs = templates(60, 0)
    assert not list(untranslated([*pairs, *[Pair("Paris", "Paris")] * 3]))
    (doubt,) = untranslated([*pairs, *[Pair("Paris", "Paris")] * 4])
    assert doubt.startswith("4 of 64 pairs have the same text twice, such as 'Paris', and teach")
