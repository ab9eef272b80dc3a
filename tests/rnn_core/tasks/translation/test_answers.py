"""Translation: what is answered and illustrated, and parameters that are suggested or refused."""

import pandas as pd
import pytest
import torch
from usual_translation import PAIRS, SMALL, pairs_of, prepared, texts, write

from rnn_core.errors import DataError, ParameterError
from rnn_core.sources.number_words import NumberWords
from rnn_core.tasks.translation.learn import TranslationModel
from rnn_core.tasks.translation.parameters import TranslationData
from rnn_core.tasks.translation.serve import TranslationAnswer
from rnn_core.tasks.translation.suggest import SIZES
from rnn_core.tasks.translation.task import Translation
from rnn_core.training.models import build_model


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A model that knows its few training pairs by heart."""
    torch.manual_seed(0)
    shape = TranslationModel(hidden_size=32, embedding_size=16, label_smoothing=0.0)
    task, data = prepared(tmp_path_factory.mktemp("raw"), model=shape, max_vocabulary=90)
    model = build_model(task, "gru")
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for epoch in range(20):
        for batch in task.training_batches(data, 16, torch.Generator().manual_seed(epoch)):
            loss, _ = task.loss(model, batch, None)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return task, data, model.eval()


@torch.inference_mode()
def test_illustration_is_what_is_answered_on_sentences_all_over_the_split(learned):
    task, data, model = learned
    places = [place * 9 // 4 for place in range(5)]
    assert task.meta.items["test"] == 10
    sources, references = (
        [texts(task, data, "test", what)[place] for place in places]
        for what in ("source", "target")
    )
    answers = task.answer(model, pd.DataFrame({"text": sources}), TranslationAnswer())
    shown = task.illustrate(model, data, "test")
    assert shown["kind"] == "pairs"
    assert pd.DataFrame(shown["pairs"]).to_dict("list") == {
        "source": sources,
        "reference": references,
        "output": answers["translation"].tolist(),
    }


@pytest.mark.parametrize("beam_size", [1, 3])
def test_illustration_is_translated_by_the_beam_of_the_model(tmp_path, monkeypatch, beam_size):
    task, data = prepared(tmp_path, model=TranslationModel(**(SMALL | {"beam_size": beam_size})))
    monkeypatch.setattr(
        task, "translations", lambda _, sources, texts, beam: [f"by {beam}"] * len(sources)
    )
    outputs = [pair["output"] for pair in task.illustrate(None, data, "validation")["pairs"]]
    assert outputs == [f"by {beam_size}"] * 5


def test_model_learns_and_translates_what_it_was_never_shown(learned):
    task, data, model = learned
    with torch.inference_mode():
        assert task.scores(model, data, "test").overall > 80


@pytest.mark.parametrize("beam_size", [1, 4])
def test_answer_translates_each_row(learned, beam_size):
    task, data, model = learned
    pairs = pairs_of(task, data, "train")[:5]
    table = pd.DataFrame({"text": [f"  {pair.source} " for pair in pairs]})
    answer = task.answer(model, table, TranslationAnswer(beam_size=beam_size))
    assert answer["translation"].tolist() == [pair.target for pair in pairs]


def test_answer_keeps_rows_without_words(learned):
    task, _, model = learned
    table = pd.DataFrame({"text": ["", "the dog sees the man!", " "]})
    answer = task.answer(model, table, TranslationAnswer())["translation"]
    assert answer.tolist() == ["", "Der Hund sieht den Mann!", ""]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"texts": ["a"]}, "the input has no column 'text'"),
        ({"text": ["a", None]}, "row 2, column 'text': None is not text"),
        ({"text": ["a" * 10_001]}, "row 1, column 'text' has 10001 characters"),
    ],
)
def test_answer_refuses_what_is_no_text(learned, table, message):
    task, _, model = learned
    with pytest.raises(DataError, match=message):
        task.answer(model, pd.DataFrame(table, dtype=object), TranslationAnswer())


def test_input_file_is_read_line_by_line(learned, tmp_path):
    (tmp_path / "in.txt").write_bytes("one  two\r\n\r\nthree é\n".encode())
    table = learned[0].read_input(tmp_path / "in.txt")
    assert table["text"].tolist() == ["one two", "", "three é"]


def test_example_is_of_the_test_split(learned, tmp_path):
    task, data, _ = learned
    write(tmp_path, PAIRS)
    expected = texts(task, data, "test", "source")[:3]
    assert task.example(tmp_path)["text"].tolist() == expected


def test_suggestion_fits_the_data_and_is_taken(tmp_path):
    NumberWords(60, largest=99, seed=1).fetch(tmp_path)
    section = Translation.suggest(tmp_path, {"source_file": "sums.en", "test_share": 0.2})
    assert section["data"]["test_share"] == 0.2
    _, meta = Translation.prepare(tmp_path, TranslationData(**section["data"]))
    assert meta.items == {"train": 42, "validation": 6, "test": 12}
    Translation(meta, TranslationModel(**section["model"]))
    sizes = SIZES
    assert [s.hidden for s in sizes] == sorted(s.hidden for s in sizes)
    with pytest.raises(ParameterError, match="--set: unknown key 'column'"):
        Translation.suggest(tmp_path, {"column": "x"})


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (TranslationData, {"test_share": 0.0}, "must be above 0"),
        (TranslationData, {"test_share": 0.9, "validation_share": 0.1}, "leave nothing"),
        (TranslationData, {"splits": ("a", "a", "b")}, "splits must be different names"),
        (TranslationData, {"max_length": 0}, "must be at least 1"),
        (TranslationModel, {"beam_size": 0}, "must be at least 1"),
        (TranslationModel, {"label_smoothing": 1.0}, r"must be in \[0, 1\)"),
        (TranslationModel, {"length_exponent": -0.1}, r"must be in \[0, 1\]"),
        (TranslationAnswer, {"beam_size": -1}, "must not be negative"),
    ],
)
def test_impossible_parameters_are_refused(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind(**options)
