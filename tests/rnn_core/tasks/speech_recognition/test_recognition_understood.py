"""Descriptions of recordings of words before anything is trained, and answers row by row."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from flows.commands.predict import Served, answer_each
from rnn_core.errors import DataError
from rnn_core.parameters import parse
from rnn_core.tasks.speech_recognition.learn import SpeechModel
from rnn_core.tasks.speech_recognition.parameters import SpeechData
from rnn_core.tasks.speech_recognition.serve import SpeechAnswer
from rnn_core.tasks.speech_recognition.task import SpeechRecognition
from rnn_core.training.models import build_model

KINDS = "1 MP3 (layer III), 23 WAV (16 bits), 1 WAV (floating point)"


def noise(seed, count=3200):
    return 0.1 * np.random.default_rng(seed).standard_normal(count)


def store(path, samples, rate=16000, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **how)


@pytest.fixture
def raw(tmp_path):
    """Three words by four people, in any form; the first by two people in a form of its own."""
    for i, word in enumerate(("no", "stop", "yes")):
        for j, who in enumerate(("ann", "bob", "cleo", "dora")):
            for take in range(2):
                store(tmp_path / f"{word}_{who}_{take}.wav", noise(100 * i + 10 * j + take))
    store(tmp_path / "no_ann_0.wav", noise(900, 8820), 44100)
    store(tmp_path / "no_bob_0.wav", np.stack([noise(901), noise(902)], 1), subtype="FLOAT")
    (tmp_path / "no_cleo_0.wav").unlink()
    store(tmp_path / "no_cleo_0.mp3", noise(903, 16000), 8000)
    store(tmp_path / "yes_dora_2.wav", 0.5 * np.sign(noise(904)))
    store(tmp_path / "yes_dora_3.flac", soundfile.read(tmp_path / "yes_dora_1.wav")[0])
    (tmp_path / "README.md").write_text("x")
    return tmp_path


def understood(raw: Path, **wanted):
    suggestion = SpeechRecognition.suggest(raw, wanted)
    data, meta = SpeechRecognition.prepare(raw, parse(SpeechData, suggestion["data"], "data"))
    return SpeechRecognition.understand(raw, data, meta), meta, data


def test_everything_that_was_read_resampled_mixed_and_left_out_is_told(raw):
    understanding, meta, data = understood(raw)
    doubts = understanding.doubts
    assert understanding.read == (
        "3 words: yes 9, no 8, stop 8",
        "4 speakers: ann 6, bob 6, cleo 6 and 1 more",
        "training set: ann, bob; validation set: cleo; test set: dora",
        "12 recordings in the training set, 6 in the validation set, 7 in the test set",
        f"6.8 seconds of sound in 25 recordings ({KINDS}), at 16,000 Hz",
        "resampled to 16,000 Hz: 1 from 44,100, 1 from 8,000",
        "mixed down to one channel: 1 recording",
        "left out as copies: yes_dora_3.flac (of yes_dora_1.wav)",
        "left out: README.md",
    )
    assert len(doubts) == 2
    assert doubts[0].startswith("1 recording is cut off at its loudest")
    assert doubts[0].endswith(": yes_dora_2.wav")
    assert doubts[1].startswith("1 of 25 recordings have fewer samples a second than 16,000")
    assert "`--set rate_hz=8000`" in doubts[1]
    assert meta.items == {"train": 12, "validation": 6, "test": 7}
    assert len(data["labels"]) == 25


def test_what_was_found_travels_with_the_model_as_json(raw):
    _, meta, _ = understood(raw)
    assert type(meta).from_json(meta.to_json()) == meta


def test_rate_that_a_person_wants_is_taken(raw):
    understanding, meta, _ = understood(raw, rate_hz=8000)
    assert meta.rate_hz == 8000
    assert "resampled to 8,000 Hz: 23 from 16,000, 1 from 44,100" in understanding.read
    assert len(understanding.doubts) == 1


def test_splits_that_share_voices_are_doubted(raw, tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    for path in raw.iterdir():
        if path.suffix == ".wav":
            split = "test" if path.stem.endswith("1") else "train"
            (folder / split).mkdir(exist_ok=True)
            (folder / split / path.name).write_bytes(path.read_bytes())
    understanding, meta, _ = understood(folder)
    assert meta.parameters.split_by == "given"
    assert any(
        doubt.startswith("the splits that the data gives test voices that are trained on (ann, ")
        for doubt in understanding.doubts
    )


def content_of(samples, rate=16000, form="WAV", **how):
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=form, **how)
    return buffer.getvalue()


def served(raw):
    _, meta, _ = understood(raw)
    task = SpeechRecognition(meta, SpeechModel(hidden_size=4))
    return Served(task, build_model(task, "gru").eval())


def test_the_good_recordings_of_a_folder_are_answered_and_the_bad_ones_told(raw, tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    store(folder / "good.flac", noise(1), 8000)
    store(folder / "better.wav", noise(2))
    store(folder / "silent.wav", np.zeros(3200))
    store(folder / "click.wav", np.eye(1, 3200, 900)[0] / 2)
    (folder / "page.wav").write_text("<html>")
    (folder / "talk.m4a").write_bytes(b"\0\0\0\x20ftypM4A ")
    (folder / "gone.wav").symlink_to("nowhere")
    model = served(raw)
    table = model.task.read_input(folder)
    answer, faults = answer_each(model, table, SpeechAnswer())
    found = dict(zip(answer["file"], answer["word"].notna(), strict=True))
    assert found == {
        "better.wav": True,
        "click.wav": False,
        "gone.wav": False,
        "good.flac": True,
        "page.wav": False,
        "silent.wav": False,
        "talk.m4a": False,
    }
    with pytest.raises(DataError) as caught:
        faults.check()
    for line in ("click.wav holds a click", "gone.wav is a link to nothing", "page.wav is a page"):
        assert line in str(caught.value)


def test_the_same_sound_in_any_form_has_the_same_answer(raw):
    model = served(raw)
    samples = np.round(noise(5) * 32768) / 32768
    forms = [
        content_of(samples),
        content_of(samples, form="FLAC"),
        content_of(samples, subtype="FLOAT"),
        content_of(np.stack([samples] * 2, 1), form="WAVEX", subtype="PCM_24"),
    ]
    answers = [model.task.probabilities(model.model, content).tolist() for content in forms]
    assert answers[1:] == answers[:1] * 3


@torch.inference_mode()
def test_the_answer_is_unknown_where_no_word_is_likely_enough(raw):
    model = served(raw)
    table = model.task.read_input(raw)
    plain = model.task.answer(model.model, table, SpeechAnswer(top=2))
    limit = float(plain["probability"].median())
    asked = model.task.answer(model.model, table, SpeechAnswer(top=2, unknown_below=limit))
    assert 0 < (asked["word"] == "unknown").sum() < len(asked)
    unlikely = plain["probability"] < limit
    assert (asked["word"] == plain["word"].where(~unlikely, "unknown")).all()
    columns = ["file", "probability", "word_2", "probability_2"]
    assert asked[columns].equals(plain[columns])
    with pytest.raises(ValueError, match="unknown_below must be in"):
        SpeechAnswer(unknown_below=2.0)


@torch.inference_mode()
def test_all_probabilities_are_beside_the_likeliest_word(raw):
    model = served(raw)
    table = model.task.read_input(raw).head(3)
    plain = model.task.answer(model.model, table, SpeechAnswer())
    full = model.task.answer(model.model, table, SpeechAnswer(all=True))
    words = model.task.meta.classes
    names = [f"probability_{word}" for word in words]
    assert list(full) == ["file", "word", "probability", *names]
    assert full[list(plain)].equals(plain)
    ranked = model.task.answer(model.model, table, SpeechAnswer(top=len(words)))
    for (_, each), (_, row) in zip(full.iterrows(), ranked.iterrows(), strict=True):
        ends = ["", *(f"_{i}" for i in range(2, len(words) + 1))]
        assert {word: each[f"probability_{word}"] for word in words} == {
            row[f"word{end}"]: row[f"probability{end}"] for end in ends
        }
    with pytest.raises(ValueError, match="all gives the probability of every word; leave out top"):
        SpeechAnswer(all=True, top=2)
