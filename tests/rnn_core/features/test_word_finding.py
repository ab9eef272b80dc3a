"""Words that are found in texts without spaces."""

import math
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reviews import LANGUAGES, as_written, reviews

from rnn_core.features.word_finding import (
    clusters,
    cut_run,
    find_words,
    join_units,
    standing_alone,
    worth,
)
from rnn_core.features.words import cut_words

UNSPACED = [name for name, language in LANGUAGES.items() if not language.between]


def entropy(counts):
    total = sum(counts.values())
    return -sum(n / total * math.log(n / total) for n in counts.values())


def counted_by_hand(runs, longest=8):
    """The same numbers from the definition, string by string."""
    before, after = {}, {}
    for number, run in enumerate(runs):
        for start in range(len(run) + 1):
            for end in range(start, min(len(run), start + longest) + 1):
                string = tuple(run[start:end])
                if start < len(run) or string:
                    follows = run[end] if end < len(run) else ("end", number)
                    precedes = run[start - 1] if start else ("start", number)
                    if not (string == () and start == len(run)):
                        after.setdefault(string, Counter())[follows] += 1
                        before.setdefault(string, Counter())[precedes] += 1
    rows = []
    for string, follows in after.items():
        if string:
            right = entropy(follows) - entropy(after[string[:-1]])
            left = entropy(before[string]) - entropy(before[string[1:]])
            rows.append((string, follows.total(), left, right))
    found = {}
    for length in range(1, longest + 1):
        own = [row for row in rows if len(row[0]) == length]
        often = [row for row in own if row[1] > 1] or own
        if own:
            mean = sum(left + right for _, _, left, right in often) / len(often)
            kept = [row for row in own if row[1] > 1 or length == 1]
            found |= {"".join(s): left + right - mean for s, _, left, right in kept}
    return found


RUNS = st.lists(
    st.lists(st.sampled_from("我你他好"), min_size=1, max_size=7), min_size=1, max_size=6
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(RUNS)
def test_how_much_strings_stand_alone_is_as_defined(runs):
    assert standing_alone(runs) == pytest.approx(counted_by_hand(runs), abs=1e-9)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.text(st.sampled_from("我你他"), min_size=1, max_size=7),
    st.dictionaries(st.text("我你他", min_size=1, max_size=3), st.floats(-3, 3), max_size=12),
)
def test_a_run_is_cut_into_the_words_that_are_worth_most(run, words):
    def all_cuts(rest):
        if not rest:
            yield []
        for end in range(1, len(rest) + 1):
            yield from ([rest[:end], *others] for others in all_cuts(rest[end:]))

    def value(parts):
        return sum(worth(list(part), words) for part in parts)

    found = cut_run(list(run), words)
    assert "".join(found) == run
    assert value(found) == pytest.approx(max(map(value, all_cuts(run))))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("มากๆ", ["มา", "กๆ"]),
        ("เที่ยว", ["เที่", "ย", "ว"]),
        ("ແທ້ໆ", ["ແທ້ໆ"]),
        ("ម្សិលមិញ", ["ម្សិ", "ល", "មិ", "ញ"]),
        ("人々はレストランで", ["人々", "は", "レストラン", "で"]),
    ],
)
def test_what_belongs_together_is_never_cut(text, expected):
    assert clusters(cut_words(text, lowercase=True)) == expected


@pytest.mark.parametrize("language", UNSPACED)
def test_most_words_of_reviews_are_found(language):
    """Japanese particles may be taken for the beginning of what follows; words are words then."""
    number = 1200
    spaced = [words for words, _ in reviews(language, number, negated=1 / 3)]
    written = [text for text, _ in as_written(language, number, negated=1 / 3)]
    units = [cut_words(text, lowercase=True) for text in written]
    words = find_words(units)
    share = shared([join_units(text, words) for text in units], spaced)
    assert share > {"Khmer": 0.65, "Japanese": 0.65}.get(language, 0.9)
    assert shared(units, spaced) < 0.2


def shared(found, spaced):
    """The share of words that are found as such."""
    both = [(Counter(a) & Counter(b)).total() for a, b in zip(found, spaced, strict=True)]
    return sum(both) / sum(map(len, spaced))


def test_rare_words_stay_in_their_characters():
    draw = random.Random(0)
    kinds = ["天气", "电影", "朋友", "非常", "精彩", "难看"]
    texts = ["".join(draw.choices(kinds, k=5)) for _ in range(200)]
    rare = ["朋友葡萄非常", "电影葡萄难看", "精彩葡萄天气"]
    units = [cut_words(text, lowercase=True) for text in [*texts, *rare]]
    words = find_words(units)
    assert set(kinds) <= words.keys()
    assert join_units(list("电影葡萄朋友"), words) == ["电影", "葡", "萄", "朋友"]


def test_texts_with_spaces_are_left_as_they_are():
    units = [cut_words("Ein schöner Film, दोस्त और 日 x", lowercase=True)] * 9
    assert find_words(units) == {}
    assert join_units(units[0], {}) == units[0]
    assert join_units(["a", "天", "气", "b"], {"天气": 2.0}) == ["a", "天气", "b"]
