"""Pairs the wrong way round are doubted, and others are not."""

import random

import pytest

from rnn_core.readers.parallel_text import Pair
from rnn_core.tasks.translation.parameters import TranslationData
from rnn_core.tasks.translation.swapped import swapped
from rnn_core.tasks.translation.task import Translation

SUBJECTS = ("the dog", "der Hund"), ("a cat", "eine Katze"), ("my aunt", "meine Tante")
VERBS = ("sees", "sieht"), ("likes", "mag"), ("hears", "hört"), ("finds", "findet")
OBJECTS = ("a tree", "einen Baum"), ("the house", "das Haus"), ("her book", "ihr Buch")
PLACES = ("in Rome", "in Rome"), ("today", "heute"), ("with Anna", "mit Anna"), ("", "")


def german(number=144, seed=0):
    found = [
        Pair(*(f"{s[i]} {v[i]} {o[i]} {p[i]}".strip() for i in (0, 1)))
        for s in SUBJECTS
        for v in VERBS
        for o in OBJECTS
        for p in PLACES
    ]
    random.Random(seed).shuffle(found)
    return found[:number]


CYRILLIC = str.maketrans("abcdefghijklmnopqrstuvwxyz", "абцдефгхийклмнопярстувщхыз")


def russian(number=30, seed=0):
    """Other scripts; each word comes once."""
    draw = random.Random(seed)
    words = ["".join(draw.choices("abdegiklmnoprstu", k=7)) for _ in range(2 * number)]
    return [
        Pair(f"{a} {b}", f"{b} {a}".translate(CYRILLIC))
        for a, b in zip(words[::2], words[1::2], strict=True)
    ]


def turned(pairs, places):
    return [Pair(p.target, p.source) if i in places else p for i, p in enumerate(pairs)]


@pytest.mark.parametrize("make", [german, russian])
@pytest.mark.parametrize("places", [{4}, {7, 11, 12, 20}])
def test_pairs_the_wrong_way_round_are_told(make, places):
    pairs = make()
    assert list(swapped(pairs)) == []
    (doubt,) = swapped(turned(pairs, places))
    first = pairs[min(places)]
    assert doubt.startswith(f"pair {min(places) + 1} ({first.target!r} -> {first.source!r}), and ")
    assert f", and {len(places)} in all seem to be the wrong way round" in doubt


def test_names_and_texts_in_the_other_language_are_no_pairs_the_wrong_way_round():
    odd = [
        Pair("Anna", "Anna"),
        Pair("der Hund sieht Rome", "der Hund sieht Rome"),
        Pair("the dog likes a tree", "the dog likes a tree"),
        Pair("the word der Hund is German", "der Hund ist deutsch, the dog nicht"),
        Pair("das Haus", "zuhause"),
    ]
    assert list(swapped([*german(), *odd])) == []


def test_texts_of_one_language_cannot_be_the_wrong_way_round():
    """Questions and their answers, some of whose words come more often in one of them."""
    draw = random.Random(0)
    asked = ["what", "where", "who", "how", "the", "dog", "cat", "is", "a", "in", "you", "me"]
    said = ["yes", "no", "there", "the", "dog", "cat", "is", "a", "in", "it", "me", "you"]
    pairs = [
        Pair(*(" ".join(draw.sample(words, draw.randint(2, 5))) for words in (asked, said)))
        for _ in range(400)
    ]
    assert list(swapped(pairs)) == []
    assert list(swapped(turned(pairs, range(0, 400, 9)))) == []


def test_a_doubt_of_pairs_the_wrong_way_round_is_told_before_training(tmp_path):
    pairs = turned(german(), {9})
    (tmp_path / "p.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in pairs))
    data = Translation.suggest(tmp_path, {})["data"]
    prepared = Translation.prepare(tmp_path, TranslationData(**data))
    doubts = Translation.understand(tmp_path, *prepared).doubts
    assert [doubt for doubt in doubts if doubt.startswith("pair 10 (")]
