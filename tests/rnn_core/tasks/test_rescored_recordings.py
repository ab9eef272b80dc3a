"""Models scored on recordings that came after their training."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import soundfile
import soxr
import torch
from good_files import read_table
from rescoring import model_of, parameters_of, rescored, write

from rnn_core.metric import SPLITS
from rnn_core.readers.sound.audio import read_sound
from rnn_core.tasks import get_task
from rnn_core.tasks.base.rescores import known_again
from rnn_core.tasks.speech_transcription.edits import edits
from rnn_core.tasks.speech_transcription.prepare import read_utterances


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
    tested = [u for u in read_utterances(later, asked).each if u.split == 2]
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
    seen = np.concatenate([before[split].ravel() for split in SPLITS[:2]])
    assert not known_again(before["test"], seen).any()
    other = task.marks(raw, parameters_of("speech_transcription", **split, test=["2"]), 0)
    assert known_again(other["test"], seen).all()
