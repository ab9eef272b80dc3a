# ruff: noqa: RUF001 - letters of other scripts look like Latin ones
"""Words of texts of all scripts."""

import csv
import re
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reviews import LANGUAGES, as_written, reviews, spelled_out

from rnn_core.features.words import cut_words
from rnn_core.tasks.sentiment.learn import SentimentModel
from rnn_core.tasks.sentiment.naive_bayes import naive_bayes
from rnn_core.tasks.sentiment.parameters import SentimentData
from rnn_core.tasks.sentiment.task import Sentiment
from rnn_core.tasks.text_generation.tokens import tokenize
from rnn_core.training.models import build_model

LATIN = "abzABZéüßñŁİıœ0159½²_ '’\"-.,!?…—€£°\n\tЖяαΩאبक한"
"""Letters that spaces part, none of which has a combining mark."""

PIECES = ["n't", "don't", "can", "it's", "they’ll", "'re", "'d", "O'", *LATIN.replace("İ", "")]
TREEBANK = re.compile(r"\w+?(?=n't\b)|n't\b|'(?:s|re|ve|ll|d|m)\b|\w+|[^\w\s]")
"""Words where none has a combining mark, by the patterns of Python itself."""


@given(st.lists(st.sampled_from(PIECES)).map("".join), st.booleans())
def test_words_with_spaces_between_are_those_of_a_plain_pattern(text, lowercase):
    plain = (text.lower() if lowercase else text).replace("’", "'")
    assert cut_words(text, lowercase=lowercase) == TREEBANK.findall(plain)


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_tokens_with_spaces_between_are_those_of_a_plain_pattern(text):
    assert tokenize(text, "word") == re.findall(r" ?\w+| ?[^\w\s]|\s", text)


@given(st.text(st.sampled_from("aé \u0301'’中カーｶﾞひก้คำមែក្मि்ּ\u200d👩🏽👧\n\t.!")))
def test_tokens_are_the_text_again_whatever_its_script(text):
    assert "".join(tokenize(text, "word")) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("यह फिल्म हिन्दी", "यह फिल्म हिन्दी"),
        ("தமிழ் மொழி", "தமிழ் மொழி"),
        ("الكِتَابُ الجَدِيد", "الكِتَابُ الجَدِيد"),
        ("שָׁלוֹם עולם", "שָׁלוֹם עולם"),
        ("cafe\u0301 re\u0301sume\u0301.", "café résumé ."),
        ("x\u0302y\u0304 z", "x\u0302ȳ z"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("这部电影，好", "这 部 电 影 ， 好"),
        ("映画はスーパー面白い。", "映 画 は スーパー 面 白 い 。"),
        ("ﾃｷｽﾄ が", "ﾃｷｽﾄ が"),
        ("iPhone手机2台", "iPhone 手 机 2 台"),
        ("ที่นี่ดี", "ที่ นี่ ดี"),
        ("ខ្មែរ", "ខ្មែ រ"),
        ("မြန်မာ", "မြ န် မာ"),
        ("한국어 영화", "한국어 영화"),
        ("👩\u200d👧👍🏽 ❤️!", "👩\u200d👧 👍🏽 ❤️ !"),
    ],
)
def test_words_of_all_scripts(text, words):
    assert cut_words(text, lowercase=False) == words.split()


def test_decomposed_and_composed_texts_have_the_same_words():
    assert cut_words("Ame\u0301lie n\u0303", lowercase=True) == cut_words(
        "amélie ñ", lowercase=True
    )
    assert cut_words("\u1112\u1161\u11ab", lowercase=False) == ["한"]


def prepared(folder, rows):
    folder.mkdir()
    with (folder / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    shares = {"validation_share": 0.1, "test_share": 0.4}
    return Sentiment.prepare(folder, SentimentData(text="text", label="label", **shares))


@pytest.mark.parametrize("language", LANGUAGES)
def test_reviews_of_all_scripts_are_told_apart_as_those_with_spaces_put_in_by_hand(
    tmp_path, language
):
    found = shares_right(tmp_path, language, 800, negated=0.0)
    assert found["spelled_out"] > 0.95
    assert found["as_written"] >= found["spelled_out"] - 0.02


@pytest.mark.parametrize("language", sorted(LANGUAGES.keys() - {"Khmer"}))
@pytest.mark.parametrize("number", [800, 1600])
def test_so_are_reviews_of_which_a_third_have_a_negation(tmp_path, language, number):
    """Negations matter only together with the next word: single characters are too little."""
    found = shares_right(tmp_path, language, number, negated=1 / 3)
    assert found["spelled_out"] > 0.75
    assert found["as_written"] >= found["spelled_out"] - 0.02


def cut_in_order(folder, rows):
    """Prepare rows whose first ones are trained on, whatever they say."""
    folder.mkdir()
    places = [0, round(0.5 * len(rows)), round(0.6 * len(rows)), len(rows)]
    files = {"train": "a.csv", "validation": "b.csv", "test": "c.csv"}
    for name, (first, last) in zip(files.values(), pairwise(places), strict=True):
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *rows[first:last]])
    return Sentiment.prepare(folder, SentimentData(**files))


def shares_right(folder, language, number, *, negated):
    """Of texts as written, and with spaces put in by hand, how many naive Bayes gets right."""
    found = {}
    for rows in (as_written, spelled_out):
        texts = rows(language, number, negated=negated)
        data, meta = cut_in_order(folder / rows.__name__, texts)
        guesses = naive_bayes(data, len(meta.vocabulary), alike=False)
        right = guesses == data["labels"][data["splits"] == 2]
        found[rows.__name__] = float(right.double().mean())
    return found


def test_a_small_model_learns_from_characters_of_a_script_without_spaces(tmp_path):
    data, meta = prepared(tmp_path / "reviews", as_written("Chinese", 400))
    task = Sentiment(meta, SentimentModel(hidden_size=16, embedding_size=16))
    torch.manual_seed(0)
    model = build_model(task, "gru")
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for epoch in range(6):
        for batch in task.training_batches(data, 16, torch.Generator().manual_seed(epoch)):
            optimizer.zero_grad()
            task.loss(model, batch, None)[0].backward()
            optimizer.step()
    with torch.inference_mode():
        scores = task.scores(model.eval(), data, "test")
    assert float(scores.values.mean()) > 0.95


def test_reviews_are_of_both_classes_and_a_negation_turns_them_around():
    words = LANGUAGES["Thai"]
    for review, label in reviews("Thai", 50, negated=0.5):
        good = review[-1] in words.good.split()
        assert (label == "good") == (good != (words.negation in review))
