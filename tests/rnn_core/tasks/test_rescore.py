"""Models scored on files that came after their training, as they would answer them."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import soundfile
import soxr
import torch
from good_files import read_table

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS
from rnn_core.parameters import parse
from rnn_core.readers.sound.audio import read_sound
from rnn_core.tasks import REGISTRY, get_task
from rnn_core.tasks.base.rescores import known_again
from rnn_core.tasks.sentiment import files as sentiment
from rnn_core.tasks.speech_transcription.edits import edits
from rnn_core.tasks.speech_transcription.prepare import read_utterances
from rnn_core.tasks.translation import pairs as translation
from rnn_core.tasks.translation.bleu import contributions
from rnn_core.training.models import build_model


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def model_of(name, raw, parameters, seed=0, **model):
    """A task on some files, its data, and a model with weights that tell inputs apart."""
    kind = get_task(name)
    data, meta = kind.prepare(raw, parameters)
    task = kind(meta, kind.ModelParameters(**{"hidden_size": 6, **model}), seed)
    network = build_model(task, "gru", seed).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(0, 0.7, generator=generator)
    return task, network, data


def rescored(task, model, raw, parameters, seed=0, other=None):
    with torch.inference_mode():
        return task.rescore(model, raw, parameters, seed, other or task.meta)


def parameters_of(name, **changes):
    return parse(get_task(name).DataParameters, read_table(name).PARAMETERS | changes, "")


@pytest.mark.parametrize("name", REGISTRY)
def test_files_of_the_training_give_the_scores_of_the_evaluation(tmp_path, name):
    raw = write(tmp_path / "raw", read_table(name).good())
    parameters = parameters_of(name)
    task, model, data = model_of(name, raw, parameters)
    found = rescored(task, model, raw, parameters)
    with torch.inference_mode():
        expected = task.scores(model, data, "test")
    assert torch.equal(found.values, expected.values)
    assert torch.equal(found.weights, expected.weights)
    assert found.overall == expected.overall
    assert (found.clusters is None) == (expected.clusters is None)
    if found.clusters is not None:
        pairs = set(zip(found.clusters.tolist(), expected.clusters.tolist(), strict=True))
        assert len(pairs) == found.clusters.unique().numel() == expected.clusters.unique().numel()


@pytest.mark.parametrize("name", REGISTRY)
def test_items_are_known_again_in_the_order_of_their_scores(tmp_path, name):
    raw = write(tmp_path / "raw", read_table(name).good())
    parameters = parameters_of(name)
    task, model, _ = model_of(name, raw, parameters)
    marks = task.marks(raw, parameters, 0)
    scores = rescored(task, model, raw, parameters)
    assert len(marks["test"]) == len(scores.values)
    assert set(marks) == set(SPLITS)
    again = task.marks(write(tmp_path / "copy", read_table(name).good()), parameters, 0)
    assert all(np.array_equal(again[split], marks[split]) for split in SPLITS)
    for split in SPLITS:
        own = known_again(marks[split], marks[split])
        assert own.any()


# --- Forecasting ---


def series(path, rows, scale, offset, extra=False):
    generator = np.random.default_rng(3)
    table = pd.DataFrame(
        {
            "date": pd.date_range("2024-01-01", periods=rows, freq="D"),
            "z": generator.normal(size=rows),
            "y": scale * generator.normal(size=rows).cumsum() + offset,
            "w": 5 * scale * generator.normal(size=rows) - offset,
            "x": scale * scale * generator.normal(size=rows),
        }
    )
    path.mkdir()
    (table if extra else table.drop(columns="z")).to_csv(path / "t.csv", index=False)
    return path


FORECAST = {"targets": ["y", "w"], "features": ["x"], "lookback": 6, "horizon": 3}


def forecasting(**changes):
    return parse(get_task("forecasting").DataParameters, FORECAST | changes, "")


def test_forecast_of_a_later_table_is_scored_as_its_answers_are(tmp_path):
    """Scales, lookback and features are those of the training; the unit is the later table's."""
    task, model, _ = model_of("forecasting", series(tmp_path / "a", 90, 2.0, 5.0), forecasting())
    later = series(tmp_path / "b", 120, 7.0, -40.0, extra=True)
    asked = forecasting(features=["z", "x"], lookback=9)
    found = rescored(task, model, later, asked)
    table = pd.read_csv(later / "t.csv")
    _, meta = task.prepare(later, asked)
    start, end = meta.borders["test"][0]
    expected = []
    for first in range(start, end - 2):
        answer = task.answer(model, table.iloc[first - 6 : first], task.AnswerParameters())
        truth = table[["y", "w"]].iloc[first : first + 3].to_numpy()
        error = (answer[["y", "w"]].to_numpy() - truth) / np.array(meta.series[0].std[:2])
        expected.append((error**2).mean())
    assert found.values.numpy() == pytest.approx(expected, rel=1e-4)
    assert len(found.values) == meta.items["test"]


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"horizon": 4}, "predicts 3 rows of y, w"),
        ({"targets": ["y"], "features": ["w", "x"]}, "predicts 3 rows of y, w"),
    ],
)
def test_forecaster_is_not_asked_for_what_it_does_not_predict(tmp_path, changes, cause):
    raw = series(tmp_path / "a", 90, 2.0, 5.0)
    task, model, _ = model_of("forecasting", raw, forecasting())
    with pytest.raises(DataError, match=cause):
        rescored(task, model, raw, forecasting(**changes))


def test_forecaster_is_not_asked_without_its_features_or_at_another_rate(tmp_path):
    raw = series(tmp_path / "a", 90, 2.0, 5.0)
    task, model, _ = model_of("forecasting", raw, forecasting())
    table = pd.read_csv(raw / "t.csv")
    for name, changed, cause in (
        ("features", table.drop(columns="x"), "'x'"),
        ("rate", table.assign(date=pd.date_range("2024", periods=90, freq="h")), "seconds apart"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        changed.to_csv(folder / "t.csv", index=False)
        with pytest.raises(DataError, match=cause):
            rescored(task, model, folder, forecasting(features=[]))


@pytest.mark.parametrize("dated", [True, False])
def test_rows_are_known_again_wherever_they_stand(tmp_path, dated):
    """A window is, if it has half of its rows in common with what was seen."""
    raw = series(tmp_path / "a", 90, 2.0, 5.0)
    asked = forecasting(features=[], date="date" if dated else None)
    task = get_task("forecasting")
    before = task.marks(raw, asked, 0)
    seen = np.concatenate([before["train"].ravel(), before["validation"].ravel()])
    assert not known_again(before["test"], seen).any()
    table = pd.read_csv(raw / "t.csv")
    folder = tmp_path / "b"
    folder.mkdir()
    table.iloc[20:80].to_csv(folder / "t.csv", index=False)
    later = task.marks(folder, asked, 0)["test"]  # rows 68 to 79; the first 72 were seen
    assert known_again(later, seen).tolist() == [True] * 3 + [False] * 7


def test_windows_with_gaps_are_known_again_in_the_order_of_their_scores(tmp_path):
    raw = series(tmp_path / "a", 90, 2.0, 5.0)
    table = pd.read_csv(raw / "t.csv")
    table.loc[76:80, "y"] = np.nan
    table.loc[70:82, "x"] = np.nan
    table.to_csv(raw / "t.csv", index=False)
    asked = forecasting(missing="fill")
    task, model, data = model_of("forecasting", raw, asked)
    found = rescored(task, model, raw, asked)
    with torch.inference_mode():
        assert torch.equal(found.values, task.scores(model, data, "test").values)
    assert len(task.marks(raw, asked, 0)["test"]) == len(found.values) < 16
    again = forecasting(missing="fill", lookback=9)
    assert rescored(task, model, raw, again).values.isfinite().all()


# --- Texts with labels ---


def opinions(path, texts):
    path.mkdir()
    lines = "".join(f"{text}\t{label}\n" for text, label in texts)
    (path / "o.tsv").write_text(f"text\tlabel\n{lines}")
    return path


def made_up(number, words, labels=("no", "yes")):
    generator = np.random.default_rng(number)
    return [
        (" ".join([*generator.choice(words, 5), f"n{number}", str(i)]), labels[i % len(labels)])
        for i in range(number)
    ]


def test_later_texts_are_scored_as_they_are_answered(tmp_path):
    """The words that are known, their case and the order of classes are those of the training."""
    task, model, _ = model_of(
        "sentiment",
        opinions(tmp_path / "a", made_up(60, ["Fine", "dull", "Plot", "cast"], ("yes", "no"))),
        get_task("sentiment").DataParameters(lowercase=False, max_words=5),
    )
    later = opinions(tmp_path / "b", made_up(90, ["Fine", "fine", "new", "Plot", "plot"]))
    asked = get_task("sentiment").DataParameters(test_share=0.4, split_seed=3)
    found = rescored(task, model, later, asked)
    table = sentiment.read_sides(later, asked).table
    table = table[table["side"] == 2]
    answer = task.answer(model, table[["text"]], task.AnswerParameters())
    expected = (answer["label"].to_numpy() == table["label"].to_numpy()).astype(float)
    assert found.values.tolist() == expected.tolist()
    assert set(expected) == {0.0, 1.0}


def test_classifier_is_not_asked_about_a_class_that_is_new(tmp_path):
    raw = opinions(tmp_path / "a", made_up(60, ["fine", "dull"]))
    asked = get_task("sentiment").DataParameters()
    task, model, _ = model_of("sentiment", raw, asked)
    later = opinions(tmp_path / "b", made_up(60, ["fine", "dull"], ("no", "so-so", "yes")))
    with pytest.raises(DataError, match="does not know the class 'so-so'"):
        rescored(task, model, later, asked)


def test_texts_that_fell_on_another_side_are_known_again(tmp_path):
    """One more text deals out all texts again."""
    texts = made_up(200, ["fine", "dull", "new", "plot", "cast"])
    asked = get_task("sentiment").DataParameters()
    task = get_task("sentiment")
    before = task.marks(opinions(tmp_path / "a", texts), asked, 0)
    seen = np.concatenate([before["train"], before["validation"]])
    more = [*texts, ("one more", "no"), ("another one", "yes")]
    later = task.marks(opinions(tmp_path / "b", more), asked, 0)["test"]
    known = known_again(later, seen)
    tested = set(before["test"].ravel().tolist())
    assert 0.2 < known.mean() < 1
    assert len({int(mark) for mark in later[~known].ravel()} - tested) <= len(more) - len(texts)


# --- Recordings ---


def test_later_recordings_are_scored_as_they_are_answered(tmp_path):
    """Frames, their scale and the order of words are those of the training."""
    module = read_table("speech_recognition")
    raw = write(tmp_path / "a", module.good())
    task, model, _ = model_of("speech_recognition", raw, parameters_of("speech_recognition"))
    names = [
        f"{word}_{who}_{take}.wav"
        for word in ("yes", "no")
        for who in ("bob", "cleo", "dora", "eve")
        for take in "012"
    ]
    later = write(tmp_path / "b", {name: module.wav(100 + i) for i, name in enumerate(names)})
    asked = parameters_of("speech_recognition", num_mels=5, test=["dora", "eve"])
    found = rescored(task, model, later, asked)
    tested = sorted(p for p in later.iterdir() if p.name.split("_")[1] in {"dora", "eve"})
    table = pd.DataFrame({"wav": [path.read_bytes() for path in tested]})
    words = task.answer(model, table, task.AnswerParameters())["word"]
    expected = [
        float(word == path.name.split("_")[0]) for word, path in zip(words, tested, strict=True)
    ]
    assert found.values.tolist() == expected
    assert found.clusters.unique().numel() == 2


def test_speaker_that_one_of_two_was_trained_on_is_known_again(tmp_path):
    """Where speakers take turns, each seed is tested on what the others were trained on."""
    raw = write(tmp_path / "a", read_table("speech_recognition").good())
    asked = parameters_of("speech_recognition", split_by="each_speaker", test=[], validation=[])
    task = get_task("speech_recognition")
    seen = {
        seed: np.concatenate([task.marks(raw, asked, seed)[s].ravel() for s in SPLITS[:2]])
        for seed in (0, 1, 3)
    }
    tested = task.marks(raw, asked, 0)["test"]
    assert not known_again(tested, seen[0]).any()
    assert not known_again(tested, seen[3]).any(), "there are three speakers"
    assert known_again(tested, seen[1]).all()


def test_scale_of_another_turn_stays_that_of_the_training(tmp_path):
    raw = write(tmp_path / "a", read_table("speech_recognition").good())
    asked = parameters_of("speech_recognition", split_by="each_speaker", test=[], validation=[])
    task, model, data = model_of("speech_recognition", raw, asked, seed=1)
    found = rescored(task, model, raw, asked, seed=0)
    other = replace(task.meta, folds=[task.meta.folds[1]] * 3)
    with torch.inference_mode():
        expected = type(task)(other, task.model, 0).scores(model, data, "test")
    assert torch.equal(found.values, expected.values)
    assert not found.own_to_seed


@pytest.mark.parametrize("name", ["speech_recognition", "speech_transcription"])
def test_later_recordings_at_another_rate_are_brought_to_that_of_the_training(tmp_path, name):
    module = read_table(name)
    asked = parameters_of(name)
    task, model, _ = model_of(name, write(tmp_path / "a", module.good()), asked)
    later = {
        file: module.wav(50 + i, rate=16000) if file.endswith(".wav") else content
        for i, (file, content) in enumerate(module.good().items())
    }
    found = rescored(task, model, write(tmp_path / "b", later), asked)
    by_hand = {
        file: brought_to_8000(content) if file.endswith(".wav") else content
        for file, content in later.items()
    }
    expected = rescored(task, model, write(tmp_path / "c", by_hand), asked)
    assert found.values.tolist() == expected.values.tolist()
    assert found.loss == expected.loss


def brought_to_8000(content):
    samples = soxr.resample(read_sound(content).samples, 16000, 8000)
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 8000, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


def test_later_transcripts_are_scored_as_they_are_answered(tmp_path):
    """A symbol that was not there in training is an error of the model, also where it is new."""
    module = read_table("speech_transcription")
    raw = write(tmp_path / "a", module.good())
    task, model, _ = model_of(
        "speech_transcription", raw, parameters_of("speech_transcription"), stack=1
    )
    names = [f"{i:02}.wav" for i in range(12)]
    texts = [["12", "31", "3", "2", "1", "11"][i % 6] for i in range(12)]
    files = {name: module.wav(50 + i, seconds=0.3) for i, name in enumerate(names)}
    table = module.table(*zip(names, texts, strict=True))
    later = write(tmp_path / "b", {**files, module.TSV: table})
    asked = parameters_of("speech_transcription", num_mels=4, test_share=0.5)
    found = rescored(task, model, later, asked)
    tested = [u for u in read_utterances(later, asked).each if u.side == 2]
    by_sound = {read_sound(files[name], name)[0].tobytes(): name for name in names}
    wavs = [files[by_sound[u.samples.tobytes()]] for u in tested]
    answer = task.answer(model, pd.DataFrame({"wav": wavs}), task.AnswerParameters(beam=1))
    expected = [
        edits(list(text), u.symbols) / len(u.symbols)
        for text, u in zip(answer["text"], tested, strict=True)
    ]
    assert found.values.tolist() == pytest.approx(expected)
    assert found.weights.tolist() == [float(len(u.symbols)) for u in tested]
    assert "3" in {symbol for u in tested for symbol in u.symbols}


def test_strings_of_recordings_that_were_heard_are_known_again(tmp_path):
    module = read_table("speech_transcription")
    raw = write(tmp_path / "a", module.words())
    split = {"split_by": "take", "validation": ["1"], "strings": [4, 2, 3], "string_words": [2, 3]}
    task = get_task("speech_transcription")
    before = task.marks(raw, parameters_of("speech_transcription", **split, test=["0"]), 0)
    seen = np.concatenate([before[side].ravel() for side in SPLITS[:2]])
    assert not known_again(before["test"], seen).any()
    other = task.marks(raw, parameters_of("speech_transcription", **split, test=["2"]), 0)
    assert known_again(other["test"], seen).all()


# --- Texts ---


def book(path, text):
    path.mkdir()
    (path / "book.txt").write_text(text)
    return path


def prose(seed, letters, length):
    generator = np.random.default_rng(seed)
    return "".join(generator.choice(list(letters), length))


def test_tokens_that_not_both_models_know_are_one_for_both(tmp_path):
    """Nats by hand, of what both can say: a letter that both know, or any other one."""
    kind = get_task("text_generation")
    asked = kind.DataParameters()
    small = {"embedding_size": 4, "sequence_length": 16}
    older, model, _ = model_of(
        "text_generation", book(tmp_path / "a", prose(0, "abcxy ", 2000)), asked, **small
    )
    text = prose(1, "abcz ", 3600) + prose(2, "abczx ", 400)
    later = book(tmp_path / "b", text)
    newer, _, _ = model_of("text_generation", later, asked, **small)
    found = rescored(older, model, later, asked, other=newer.meta)
    tokens = text[-round(0.1 * len(text)) :]
    read = torch.tensor([older.index.get(token, 0) for token in tokens])
    shared = set(older.vocabulary) & set(newer.vocabulary) - {"<unknown>"}
    assert shared == set("abc ")
    with torch.inference_mode():
        chances = model(read[None, :-1], None)[0][0].double().softmax(dim=1)
    rest = [i for i, token in enumerate(older.vocabulary) if token not in shared]
    said = [
        -(chances[t, older.index[token]] if token in shared else chances[t, rest].sum()).log()
        for t, token in enumerate(tokens[1:])
    ]
    assert float(found.weights.sum()) == len(said)
    assert found.overall == pytest.approx(float(torch.stack(said).mean()), rel=1e-5)


def test_texts_of_other_tokens_are_not_compared(tmp_path):
    kind = get_task("text_generation")
    raw = book(tmp_path / "a", " ".join(prose(0, "abcd ", 4000)))
    small = {"embedding_size": 4, "sequence_length": 16}
    task, model, _ = model_of("text_generation", raw, kind.DataParameters(), **small)
    with pytest.raises(DataError, match="tokens of the kind 'char'"):
        rescored(task, model, raw, kind.DataParameters(tokens="word"))


def test_passages_are_known_again_wherever_they_stand(tmp_path):
    kind = get_task("text_generation")
    old, new = prose(0, "abcdefgh ", 20000), prose(1, "abcdefgh ", 20000)
    before = kind.marks(book(tmp_path / "a", old), kind.DataParameters(), 0)
    seen = np.concatenate([before[split].ravel() for split in SPLITS[:2]])
    assert not known_again(before["test"], seen).any()
    shifted = new[:18_000] + old[111:1111] + new[18_000:19_000]
    later = kind.marks(book(tmp_path / "b", shifted), kind.DataParameters(), 0)["test"]
    known = known_again(later, seen)
    assert len(known) == 8
    assert known[:3].all()
    assert not known[4:].any()


def test_later_sentences_are_scored_as_they_are_translated(tmp_path):
    module = read_table("translation")
    few = [i for i, (source, _) in enumerate(module.PAIRS) if "bird" not in source]
    files = module.corpus(*([texts[i] for i in few] for texts in (module.ENGLISH, module.GERMAN)))
    small = {"embedding_size": 4, "beam_size": 2}
    task, model, _ = model_of(
        "translation", write(tmp_path / "a", files), parameters_of("translation"), **small
    )
    later = write(tmp_path / "b", module.good())
    asked = parameters_of("translation", tokenizer="char", test_share=0.3, max_vocabulary=60)
    found = rescored(task, model, later, asked)
    pairs = translation.read_sides(later, asked)["test"]
    table = pd.DataFrame({"text": [pair.source for pair in pairs]})
    answer = task.answer(model, table, task.AnswerParameters(beam_size=2))
    expected = contributions(list(answer["translation"]), [p.target for p in pairs], "char")
    assert found.values.tolist() == pytest.approx(expected.tolist())
    assert found.values.std() > 0


def test_recall_of_other_symbols_is_not_compared(tmp_path):
    module = read_table("copy_memory")
    task, model, _ = model_of(
        "copy_memory", write(tmp_path / "a", module.good()), parameters_of("copy_memory")
    )
    renamed = [line.replace("c", "d") for line in module.LINES]
    later = write(tmp_path / "b", module.lines(renamed))
    other, _, _ = model_of("copy_memory", later, parameters_of("copy_memory"))
    with pytest.raises(DataError, match="other symbols"):
        rescored(task, model, later, parameters_of("copy_memory"), other=other.meta)


def test_recall_is_asked_at_the_lag_of_the_question(tmp_path):
    raw = write(tmp_path / "a", read_table("copy_memory").good())
    task, model, _ = model_of("copy_memory", raw, parameters_of("copy_memory"))
    asked = parameters_of("copy_memory", lag=9)
    other, _, data = model_of("copy_memory", raw, asked)
    with torch.inference_mode():
        expected = other.scores(model, data, "test")
    assert torch.equal(rescored(task, model, raw, asked).values, expected.values)
