"""Subwords: learned by counting pairs, the same each time, and nothing is lost."""

import os
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rnn_core.errors import ParameterError
from rnn_core.features.subwords import (
    END,
    PAD,
    SPECIAL,
    START,
    UNKNOWN,
    ExactSubwords,
    Subwords,
    train_exact_subwords,
    train_subwords,
)

TEXTS = [
    f"{a} {b}er {c}!"
    for a in ("low", "new", "wide", "schön")
    for b in ("fast", "slow", "tall")
    for c in ("boat", "coat", "goat", "tree")
]
MARK = "\u2581"
ALPHABET = {c for text in TEXTS for c in text if c != " "} | {MARK}


def pieces(subwords):
    return [subwords.processor.IdToPiece(i) for i in range(len(subwords))]


def merges(texts, number):
    """The first merges of byte-pair encoding, by counting alone."""
    words = Counter(MARK + word for text in texts for word in text.split())
    spelled = {word: list(word) for word in words}
    found = []
    for _ in range(number):
        pairs = Counter()
        for word, times in words.items():
            for pair in zip(spelled[word], spelled[word][1:], strict=False):
                pairs[pair] += times
        most = max(pairs.values())
        ties = {pair for pair, times in pairs.items() if times == most}
        found.append((most, {"".join(pair) for pair in ties}))
        if len(ties) > 1:
            break
        (best,) = ties
        for word, parts in spelled.items():
            spelled[word] = merge(parts, best)
    return found


def merge(parts, pair):
    out = []
    for part in parts:
        if out and (out[-1], part) == pair:
            out[-1] += part
        else:
            out.append(part)
    return out


def test_first_pieces_are_the_most_frequent_pairs():
    texts = ["abab abab abab", "abcd abcd", "cd xy", "ab"]
    subwords = Subwords(train_subwords(texts, 100))
    for place, (_, ties) in enumerate(merges(texts, 3)):
        assert pieces(subwords)[SPECIAL + place] in ties


def test_vocabulary_holds_special_pieces_and_every_character():
    subwords = Subwords(train_subwords(TEXTS, 60))
    assert (PAD, UNKNOWN, START, END) == (0, 1, 2, 3)
    assert len(subwords) == 60
    assert set(pieces(subwords)) >= ALPHABET
    assert [subwords.processor.IsControl(i) for i in (PAD, START, END)] == [True] * 3
    assert subwords.processor.unk_id() == UNKNOWN


def test_text_comes_back_and_no_piece_spans_two_words():
    subwords = Subwords(train_subwords(TEXTS, 200))
    assert subwords.decode(subwords.encode(TEXTS)) == TEXTS
    assert all(MARK not in piece[1:] for piece in pieces(subwords)[SPECIAL:])
    longest = max(pieces(subwords)[SPECIAL:], key=len)
    assert len(longest) > 3


def test_character_that_training_never_saw_is_unknown():
    subwords = Subwords(train_subwords(TEXTS, 60))
    (ids,) = subwords.encode(["low § boat"])
    assert ids.count(UNKNOWN) == 1
    assert not any(UNKNOWN in ids for ids in subwords.encode(TEXTS))


def test_the_same_texts_give_the_same_bytes_in_another_process():
    code = (
        "import sys; from rnn_core.features.subwords import train_subwords;"
        "sys.stdout.write(train_subwords(sys.stdin.read().split('\\n'), 60))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            input="\n".join(TEXTS).encode(),
            env={**os.environ, "PYTHONHASHSEED": str(seed), "OMP_NUM_THREADS": str(seed)},
            capture_output=True,
            check=True,
        ).stdout.decode()
        for seed in (1, 2)
    ]
    assert runs == [train_subwords(TEXTS, 60)] * 2


def test_small_text_has_fewer_pieces_than_allowed():
    subwords = Subwords(train_subwords(["ab ab", "ba"], 4000))
    assert SPECIAL + 3 <= len(subwords) < 20
    assert subwords.decode(subwords.encode(["ab ba"])) == ["ab ba"]


def test_too_few_pieces_for_the_alphabet_are_refused_by_the_right_number():
    least = SPECIAL + len(ALPHABET)
    assert len(Subwords(train_subwords(TEXTS, least))) == least
    with pytest.raises(ParameterError, match=f"alone need {least}; raise it"):
        train_subwords(TEXTS, least - 1)


EXACT = ExactSubwords(train_exact_subwords(TEXTS * 3, 360))


@given(st.text() | st.text(st.sampled_from("lowe \n\t▁ößΩ漢👩<0xA>/s")))
@example("▁▁ a\u3000\x00\r\x85\u2028 ")
@example("<0x0A><unk></s>")
def test_exact_subwords_spell_any_text_byte_by_byte(text):
    found = EXACT.encode(text)
    assert b"".join(EXACT.spelled[i] for i in found) == text.encode()
    assert EXACT.decode(found) == text
    assert 0 not in found
    assert sum(EXACT.characters[i] for i in found) == len(text)


def test_exact_subwords_are_those_that_are_frequent_and_all_bytes():
    assert {bytes([i]) for i in range(256)} <= {*EXACT.spelled}
    assert {b" slow", b"coat", b"er"} <= {*EXACT.spelled}
    assert len(EXACT.encode("lowfast goat")) < 8
    assert train_exact_subwords(TEXTS * 3, 360) == train_exact_subwords(TEXTS * 3, 360)


def test_rare_characters_leave_room_for_frequent_pairs():
    """A text of thousands of different characters does not need as large a vocabulary."""
    letters = "".join(chr(0x4E00 + i) for i in range(3000))
    exact = ExactSubwords(train_exact_subwords([letters, "漢字です " * 50], 340))
    assert {"漢字です".encode(), "漢".encode()} <= {*exact.spelled}
    assert len(exact.spelled) <= 340
    assert exact.decode(exact.encode(letters)) == letters
