"""Sentiment: no leak between splits, baselines as scikit-learn has them, scores of one sentence."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from torch.nn import functional
from usual_sentiment import CLASSES, draw_rows, no_evidence, prepared, sentences, write

from rnn_core.errors import DataError
from rnn_core.features import batches as batches_module
from rnn_core.features.words import UNKNOWN, cut_words
from rnn_core.models.pooling import largest_output, mean_output
from rnn_core.readers.faults import Faults
from rnn_core.readers.text_splits import stratified_splits
from rnn_core.tasks.sentiment import learn as sentiment
from rnn_core.tasks.sentiment.learn import SentimentModel
from rnn_core.tasks.sentiment.parameters import SentimentData
from rnn_core.tasks.sentiment.task import Sentiment
from rnn_core.training.models import build_model

ASKED = Sentiment.AnswerParameters()


@pytest.fixture
def raw(tmp_path):
    write(tmp_path, draw_rows(150))
    return tmp_path


def test_words_and_labels_are_those_of_the_file(raw):
    task, data = prepared(raw)
    rows = draw_rows(150)
    train = {word for text, _ in sentences(task, data, "train") for word in text.split()}
    assert set(task.meta.vocabulary) == {UNKNOWN} | (train - {UNKNOWN})
    assert sentences(task, data) == [
        (" ".join(w if w in train else UNKNOWN for w in text.split()), label)
        for text, label in rows
    ]


def test_vocabulary_is_that_of_the_training_split(tmp_path):
    write(tmp_path, [("a good film", "1"), ("a bad film", "0")] * 2, "train.csv")
    write(tmp_path, [("an odd film", "1")], "dev.csv")
    write(tmp_path, [("Film of an odd a", "0")], "test.csv")
    files = {"train": "train.csv", "validation": "dev.csv", "test": "test.csv"}
    task, data = prepared(tmp_path, **files)
    assert task.meta.vocabulary == [UNKNOWN, "a", "film", "bad", "good"]
    assert sentences(task, data, "test") == [(f"film {UNKNOWN} {UNKNOWN} {UNKNOWN} a", "0")]
    task, _ = prepared(tmp_path, **files, min_count=4)
    assert task.meta.vocabulary == [UNKNOWN, "a", "film"]
    task, _ = prepared(tmp_path, **files, max_vocabulary=4)
    assert task.meta.vocabulary == [UNKNOWN, "a", "film", "bad"]
    task, data = prepared(tmp_path, **files, lowercase=False, max_words=3)
    assert sentences(task, data, "test") == [(" ".join([UNKNOWN] * 3), "0")]


def test_no_text_is_on_two_splits(tmp_path):
    rows = draw_rows(60)
    write(tmp_path, rows + [(text.upper() + " ", label) for text, label in rows[:40]])
    for seed in range(5):
        _, data = prepared(tmp_path, split_seed=seed, lowercase=True)
        texts = [text for text, _ in rows] + [text for text, _ in rows[:40]]
        splits = data["splits"].tolist()
        of_text = {}
        for text, split in zip(texts, splits, strict=True):
            of_text.setdefault(text, set()).add(split)
        assert all(len(of) == 1 for of in of_text.values())


def test_text_in_two_files_stays_in_the_later_one(tmp_path):
    both = [("Both of them", "1"), ("only here", "0"), ("and here", "1"), ("or here", "0")]
    write(tmp_path, both, "train.csv")
    write(tmp_path, [("in dev", "1"), ("both of them", "0")], "dev.csv")
    write(tmp_path, [("both  of them", "1"), ("in test", "0")], "test.csv")
    _, meta = Sentiment.prepare(
        tmp_path, SentimentData(train="train.csv", validation="dev.csv", test="test.csv")
    )
    assert meta.items == {"train": 3, "validation": 1, "test": 2}
    assert meta.left_out == 2


def test_split_is_stratified_seeded_and_independent_of_the_order_of_rows():
    texts = [f"text {i}" for i in range(100)]
    labels = ["rare"] * 10 + ["often"] * 90
    splits = stratified_splits(texts, labels, (0.1, 0.3), 1, Faults())
    counted = Counter(zip(labels, splits, strict=True))
    assert {key: counted[key] for key in sorted(counted)} == {
        ("often", 0): 54,
        ("often", 1): 9,
        ("often", 2): 27,
        ("rare", 0): 6,
        ("rare", 1): 1,
        ("rare", 2): 3,
    }
    assert stratified_splits(texts[::-1], labels[::-1], (0.1, 0.3), 1, Faults()) == splits[::-1]
    assert stratified_splits(texts, labels, (0.1, 0.3), 2, Faults()) != splits


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's good, isn't it?", "it 's good , is n't it ?"),
        ("it 's good , is n't it ?", "it 's good , is n't it ?"),
        ("They\u2019ll say “can\u2019t”", "they 'll say “ ca n't ”"),
        ("naïve 10/10 :-)", "naïve 10 / 10 : - )"),
    ],
)
def test_words_are_cut_as_the_penn_treebank_cuts_contractions(text, words):
    assert cut_words(text, lowercase=True) == words.split()


def test_every_training_sentence_is_drawn_once_an_epoch(raw, monkeypatch):
    monkeypatch.setattr(batches_module, "POOL_BATCHES", 2)
    task, data = prepared(raw)
    batches = list(task.training_batches(data, 8, torch.Generator().manual_seed(3)))
    assert len(batches) == task.num_batches(data, 8)
    drawn = [
        (tuple(row[:length].tolist()), label)
        for batch in batches
        for row, length, label in zip(batch[0], batch[1].tolist(), batch[2].tolist(), strict=True)
    ]
    index = task.index
    expected = [
        (tuple(index[w] for w in text.split()), task.meta.classes.index(label))
        for text, label in sentences(task, data, "train")
    ]
    assert sorted(drawn) == sorted(expected)
    assert all(batch[0].shape[1] == batch[1].max() for batch in batches)


@torch.inference_mode()
def test_illustration_counts_what_is_answered_for_each_class(raw):
    task, data = prepared(raw)
    network = build_model(task, "gru").eval()
    rows = sentences(task, data, "test")
    answers = task.answer(network, pd.DataFrame({"text": [text for text, _ in rows]}), ASKED)
    counted = Counter(zip([label for _, label in rows], answers["label"], strict=True))
    shown = task.illustrate(network, data, "test")
    assert shown == {
        "kind": "confusion",
        "labels": list(CLASSES),
        "counts": [[counted[truth, guess] for guess in CLASSES] for truth in CLASSES],
    }
    counts = np.array(shown["counts"])
    assert counts.sum() == len(rows)
    assert not (counts == counts.T).all(), "rows and columns must be told apart"
    accuracy = task.scores(network, data, "test").overall
    assert counts.trace() / counts.sum() == pytest.approx(accuracy)


@pytest.mark.parametrize("pooling", ["mean", "max", "last"])
def test_score_does_not_depend_on_what_else_is_in_the_batch(raw, monkeypatch, pooling):
    model = SentimentModel(embedding_size=4, hidden_size=5, pooling=pooling, word_evidence=True)
    task, data = prepared(raw, model)
    network = build_model(task, "gru").eval()
    answers = []
    for size in (64, 3, 1):
        monkeypatch.setattr(sentiment, "SCORING_BATCH", size)
        with torch.inference_mode():
            answers.append(task.scores(network, data, "test").values)
    assert torch.equal(answers[0], answers[1])
    assert torch.equal(answers[0], answers[2])
    words, evidence = torch.randint(len(task.meta.vocabulary), (2, 30)), torch.randn(2, 30, 3)
    beside = network(words, torch.tensor([7, 30]), evidence)[:1]
    alone = network(words[:1, :7], torch.tensor([7]), evidence[:1, :7])
    torch.testing.assert_close(beside, alone, atol=1e-6, rtol=0)


def test_pooling_matches_numpy():
    outputs = torch.randn(3, 6, 4) - 2
    lengths = torch.tensor([1, 4, 6])
    for b, length in enumerate(lengths.tolist()):
        outputs[b, length:] = 0
    for pool, of in ((mean_output, np.mean), (largest_output, np.max)):
        expected = [of(o[:n].numpy(), axis=0) for o, n in zip(outputs, lengths, strict=True)]
        np.testing.assert_allclose(pool(outputs, lengths), np.array(expected), rtol=1e-6)


def test_last_pooling_is_the_output_at_the_end_of_each_direction(raw):
    model = SentimentModel(embedding_size=4, hidden_size=5, pooling="last")
    task, _ = prepared(raw, model)
    network = build_model(task, "lstm").eval()
    words = torch.randint(5, (1, 9))
    outputs, _ = network.recurrent(network.embedding(words))
    ends = torch.cat([outputs[:, -1, :5], outputs[:, 0, 5:]], dim=-1)
    torch.testing.assert_close(
        network(words, torch.tensor([9]), no_evidence(1, 9)), network.output(ends)
    )


def test_word_dropout_makes_words_unknown_by_the_seed_and_only_in_training(raw):
    model = SentimentModel(embedding_size=4, hidden_size=5, word_dropout=0.5)
    task, _ = prepared(raw, model)
    network = build_model(task, "gru")
    words, lengths = torch.randint(1, 9, (4, 10)), torch.full((4,), 10)
    network.train()
    torch.manual_seed(5)
    trained = network(words, lengths, no_evidence(4, 10))
    torch.manual_seed(5)
    dropped = words.masked_fill(torch.rand(4, 10) < 0.5, 0)
    network.eval()
    torch.testing.assert_close(trained, network(dropped, lengths, no_evidence(4, 10)))
    assert not torch.allclose(network(words, lengths, no_evidence(4, 10)), trained)


def test_loss_is_cross_entropy_with_smoothed_labels(raw):
    model = SentimentModel(embedding_size=4, hidden_size=5, label_smoothing=0.1)
    task, data = prepared(raw, model)
    network = build_model(task, "gru").eval()
    words, lengths, labels, nothing = next(task.training_batches(data, 8, torch.Generator()))
    log = functional.log_softmax(network(words, lengths, nothing), dim=1)
    target = functional.one_hot(labels, 3) * 0.9 + 0.1 / 3
    loss, _ = task.loss(network, (words, lengths, labels, nothing), None)
    torch.testing.assert_close(loss, -(target * log).sum(dim=1).mean())


@torch.inference_mode()
@pytest.mark.parametrize("split", ["validation", "test"])
def test_loss_of_a_split_is_that_of_each_sentence_alone(raw, split):
    """Without the smoothing of labels, which only training has."""
    model = SentimentModel(embedding_size=4, hidden_size=5, label_smoothing=0.3)
    task, data = prepared(raw, model)
    network = build_model(task, "gru").eval()
    logs = []
    for text, label in sentences(task, data, split):
        words = torch.tensor([[task.index[word] for word in text.split()]])
        logits = network(words, torch.tensor([words.shape[1]]), no_evidence(*words.shape))
        logs.append(float(logits.log_softmax(dim=1)[0, task.meta.classes.index(label)]))
    loss = task.scores(network, data, split).loss
    assert loss == pytest.approx(-np.mean(logs), rel=1e-5)


def test_baselines_match_scikit_learn(raw):
    task, data = prepared(raw)
    train, test = (sentences(task, data, split) for split in ("train", "test"))
    vectorizer = CountVectorizer(
        tokenizer=str.split, token_pattern=None, ngram_range=(1, 2), binary=True, lowercase=False
    )
    counts = vectorizer.fit_transform([text for text, _ in train])
    bayes = MultinomialNB().fit(counts, [label for _, label in train])
    right = bayes.score(
        vectorizer.transform([text for text, _ in test]), [label for _, label in test]
    )
    baselines = task.baselines(data)
    assert baselines["naive_bayes"] == pytest.approx(right)
    most, _ = Counter(label for _, label in train).most_common(1)[0]
    share = np.mean([label == most for _, label in test])
    assert baselines["most_frequent"] == pytest.approx(share)


def log_shares(task, rows):
    """Evidence of each word as scikit-learn's naive Bayes learns it, centred over classes."""
    vectorizer = CountVectorizer(
        tokenizer=str.split,
        token_pattern=None,
        vocabulary=task.meta.vocabulary,
        binary=True,
        lowercase=False,
    )
    counts = vectorizer.transform([text for text, _ in rows])
    logs = MultinomialNB().fit(counts, [label for _, label in rows]).feature_log_prob_.T
    return torch.from_numpy(logs - logs.mean(axis=1, keepdims=True)).float()


def test_evidence_is_that_of_naive_bayes_on_the_training_split(raw):
    model = SentimentModel(embedding_size=4, hidden_size=5, word_evidence=True)
    task, data = prepared(raw, model)
    expected = log_shares(task, sentences(task, data, "train"))
    torch.testing.assert_close(task.evidence, expected)


def test_evidence_about_a_training_sentence_comes_from_the_other_folds(raw):
    model = SentimentModel(embedding_size=4, hidden_size=5, word_evidence=True)
    task, data = prepared(raw, model)
    rows, splits = sentences(task, data), data["splits"].tolist()
    tables = [
        log_shares(task, [r for i, r in enumerate(rows) if splits[i] == 0 and i % 5 != fold])
        for fold in range(5)
    ]
    places = {}
    for i, (text, _) in enumerate(rows):
        places.setdefault(text, set()).add(i % 5)
    for batch, _, _, evidence in task.training_batches(data, 1, torch.Generator()):
        (words,) = batch
        text = " ".join(task.meta.vocabulary[word] for word in words)
        assert any(torch.allclose(evidence[0], tables[fold][words]) for fold in places[text])


def test_optimum_is_the_share_of_likeliest_labels_on_the_test_split(raw):
    assert prepared(raw)[0].optimum() is None
    likeliest = np.random.default_rng(0).integers(0, 2, 150).astype(float)
    np.save(raw / "likeliest.npy", likeliest)
    task, data = prepared(raw)
    assert task.optimum() == pytest.approx(likeliest[data["splits"].numpy() == 2].mean())


@torch.inference_mode()
def test_answer_is_the_likeliest_label_of_each_text(raw):
    task, _ = prepared(raw)
    network = build_model(task, "gru").eval()
    texts = ["Good plot", "not  a dull film!", "zzz"]
    answer = task.answer(network, pd.DataFrame({"text": texts}), ASKED)
    for text, label, confidence in zip(texts, answer["label"], answer["confidence"], strict=True):
        words = torch.tensor([[task.index.get(w, 0) for w in cut_words(text, lowercase=True)]])
        logits = network(words, torch.tensor([words.shape[1]]), no_evidence(*words.shape))
        probabilities = logits.softmax(dim=1)[0]
        assert confidence == pytest.approx(float(probabilities.max()), abs=1e-6)
        assert label == task.meta.classes[int(probabilities.argmax())]
    example = task.example(raw)
    assert example["text"].tolist() == [draw_rows(1)[0][0]]
    assert len(task.answer(network, example, ASKED)) == 1


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"review": ["a"]}), "no column 'text', only"),
        (pd.DataFrame({"text": ["a", " "]}), "the input, row 2 has no text"),
        (pd.DataFrame({"text": ["a", None]}), "the input, row 2 has no text"),
    ],
)
def test_unusable_input_is_named(raw, table, message):
    task, _ = prepared(raw)
    with pytest.raises(DataError, match=message):
        task.answer(build_model(task, "gru").eval(), table, ASKED)
