"""Names that nobody saw stay as they are in translations."""

from itertools import pairwise

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnn_core.features.subwords import END, Subwords, train_subwords
from rnn_core.models.ensemble import ensemble
from rnn_core.readers.parallel_text import Pair, clean
from rnn_core.tasks.translation import learn
from rnn_core.tasks.translation.copying import CutText, known_words, lacking_names, with_names
from rnn_core.tasks.translation.learn import TranslationModel
from rnn_core.tasks.translation.parameters import TranslationData
from rnn_core.tasks.translation.task import Translation
from rnn_core.training.models import build_model

NAMES = ["Anna", "Boris", "Carla", "Dario", "Erwin", "Fanny", "Gerda", "Hatem", "Iwona", "Jonas"]
PAIRS = [Pair(f"The dog sees {name}.", f"Der Hund sieht {name}.") for name in NAMES]


def test_names_are_kept_where_most_of_the_training_set_are():
    assert known_words(PAIRS) == sorted({"the", "dog", "sees", *map(str.casefold, NAMES)})
    cyrillic = str.maketrans("abcdefghijklmnopqrstuvwxyz", "абцдефгхийклмнопкрстуввхыз")
    foreign = [Pair(p.source, p.target.lower().translate(cyrillic)) for p in PAIRS]
    assert known_words(foreign) == []
    assert known_words(PAIRS[:9]) == []
    assert known_words([*foreign, *PAIRS[:4]]) == []
    several = [Pair("I met Anna.", "Ich traf Hanna."), *[PAIRS[0]] * 2]
    assert known_words([*several, *PAIRS[1:]])


def test_a_common_name_of_another_form_does_not_decide():
    """`Germany` in half of all sentences is one name of eleven."""
    germany = [Pair("In Germany it rains.", "In Deutschland regnet es.")] * 30
    assert known_words([*germany, *PAIRS])


def cut(text):
    """A text where each word is a piece."""
    spans, start = [], 0
    for word in text.split(" "):
        spans.append((start, start + len(word)))
        start += len(word) + 1
    return CutText(text, spans)


KNOWN = frozenset({"the", "dog", "sees", "and", "yesterday", "anna"})


@pytest.mark.parametrize(
    ("source", "ours", "looks", "expected"),
    [
        ("The dog sees Zoltan", "Der Hund sieht Zolta", [0, 1, 2, 3], "Der Hund sieht Zoltan"),
        ("The dog sees Zoltan.", "Der Hund sieht Zolta.", [0, 1, 2, 3], "Der Hund sieht Zoltan."),
        ("Øyvind sees the dog", "Den Hund sieht Olga", [2, 3, 1, 0], "Den Hund sieht Øyvind"),
        ("Zoltan and Øyvind", "Olga und Zola", [2, 1, 0], "Øyvind und Zoltan"),
        # what is there, what was seen, and what no word looks at
        ("The dog sees Zoltan", "Der Hund sieht Zoltan", [0, 1, 2, 3], "Der Hund sieht Zoltan"),
        ("The dog sees Anna", "Der Hund sieht Olga", [0, 1, 2, 3], "Der Hund sieht Olga"),
        ("Yesterday Zoltan sees", "Gestern sieht Olga", [0, 2, 1], "Gestern sieht Zoltan"),
        ("The dog sees Zoltan", "Der Hund sieht Olga", [0, 1, 2, 2], "Der Hund sieht Olga"),
        ("Zoltan and Øyvind", "Zoltan und Olga", [0, 1, 0], "Zoltan und Olga"),
        ("The dog sees Zoltan", "", [], ""),
    ],
)
def test_a_name_takes_the_place_of_the_word_that_looks_at_it(source, ours, looks, expected):
    asked, said = cut(source), cut(ours)
    weights = torch.full((len(said.spans), len(asked.spans) + 1), 0.1)  # and the end
    for row, column in enumerate(looks):
        weights[row, column] = 0.6
    assert with_names(asked, said, KNOWN, weights) == expected
    assert lacking_names(source, ours, KNOWN) or expected == ours


SUBWORDS = Subwords(train_subwords([text for pair in PAIRS for text in pair], 80))


@given(st.text(st.sampled_from("The dogsieAn Hund.Ωż漢")).map(clean))
def test_pieces_are_where_they_are_in_the_text(text):
    spans = SUBWORDS.spans(text)
    pieces = "".join(SUBWORDS.processor.EncodeAsPieces(text)).replace("\u2581", " ")
    assert len(spans) == len(SUBWORDS.encode([text])[0])
    assert "".join(text[start:end] for start, end in spans) == pieces[1:] == text
    for place, piece in enumerate(SUBWORDS.processor.EncodeAsPieces(text)):
        start, end = spans[place]
        assert piece.replace("\u2581", " ")[place == 0 :] == text[start:end]
    assert all(a[1] == b[0] for a, b in pairwise(spans))


@pytest.fixture
def prepared(tmp_path):
    lines = [f"{p.source[:-1]} {a}.\t{p.target[:-1]} {b}." for p in PAIRS for a, b in WORDS]
    (tmp_path / "t.tsv").write_text("\n".join(lines))
    _, meta = Translation.prepare(tmp_path, TranslationData(max_vocabulary=90))
    return Translation(meta, TranslationModel(hidden_size=6, embedding_size=5, beam_size=1))


WORDS = [("today", "heute"), ("often", "oft"), ("here", "hier")]


def test_how_much_a_model_looks_at_pieces_is_its_attention(float64, prepared):
    models = [build_model(prepared, "gru", seed).eval() for seed in (0, 1)]
    pieces = torch.tensor([[7, 8, 9, END], [7, END, 0, 0]])
    lengths, before = torch.tensor([4, 2]), torch.tensor([[2, 9, 8], [2, 7, 7]])
    found = []
    with torch.inference_mode():
        for model in models:
            weights = model.looked_at(pieces, lengths, before)
            source, state = model.encode(pieces, lengths)
            outputs, _ = model.decoder(model.embed(before), state)
            assert weights[1, :, 2:].eq(0).all()
            assert weights.sum(dim=2).numpy() == pytest.approx(1)
            both = torch.cat([weights @ source.outputs, outputs], dim=-1)
            features = torch.tanh(model.projection(both))
            logits = features @ model.embedding.weight[model.written].T + model.bias
            torch.testing.assert_close(model(pieces, lengths, before), logits)
            found.append(weights)
        together = ensemble(models).looked_at(pieces, lengths, before)
    torch.testing.assert_close(together, (found[0] + found[1]) / 2)


def test_without_attention_nothing_is_looked_at(prepared):
    task = Translation(prepared.meta, TranslationModel(hidden_size=6, attention=False))
    model = build_model(task, "gru").eval()
    ids = torch.tensor([[7, END]])
    assert model.looked_at(ids, torch.tensor([2]), ids) is None
    answer = task.answer(
        model, pd.DataFrame({"text": ["The dog sees Zed."]}), task.AnswerParameters()
    )
    assert len(answer) == 1


def test_answers_have_the_names_of_their_sources(prepared, monkeypatch):
    """Of a model that garbles them, and looks at where it is."""
    assert prepared.known_words
    model = build_model(prepared, "gru").eval()
    garbled = prepared.subwords.encode(["Der Hund sieht Hanna heute."])[0]
    monkeypatch.setattr(learn, "translate", lambda *_, **__: [garbled])

    def looked_at(pieces, lengths, before):
        asked = prepared.subwords.spans("The dog sees Zoë today.")
        said = prepared.subwords.spans("Der Hund sieht Hanna heute.")
        assert pieces.shape[1] == len(asked) + 1 and before.shape[1] == len(said) + 1
        weights = torch.zeros(1, len(said) + 1, len(asked) + 1)
        for row, (start, _) in enumerate(said):
            word = "Der Hund sieht Hanna heute."[: start + 1].count(" ")
            places = [i for i, (a, _) in enumerate(asked) if word_at(a) == word]
            weights[0, row, places] = 1 / max(len(places), 1)
        return weights

    monkeypatch.setattr(model, "looked_at", looked_at)
    table = pd.DataFrame({"text": ["The dog sees Zoë today."]})
    found = prepared.answer(model, table, prepared.AnswerParameters())["translation"].tolist()
    assert found == ["Der Hund sieht Zoë heute."]


def word_at(place):
    """Word of the sentence at a place."""
    return "The dog sees Zoë today."[: place + 1].count(" ")
