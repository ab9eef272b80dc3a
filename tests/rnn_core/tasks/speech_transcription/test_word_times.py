"""Times of words, in recordings where they are known."""

import io
import json

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from usual_training import config_of

from rnn_core.readers.sound.recordings import read_words
from rnn_core.sources.synthetic_digits import SyntheticDigits
from rnn_core.tasks.speech_transcription.learn import TranscriptionModel
from rnn_core.tasks.speech_transcription.parameters import TranscriptionData
from rnn_core.tasks.speech_transcription.serve import TranscriptionAnswer
from rnn_core.tasks.speech_transcription.task import SpeechTranscription
from rnn_core.tasks.speech_transcription.word_times import Place, as_json, widened, words_on_path
from rnn_core.training.loop import TrainingParameters, train
from rnn_core.training.models import restore

MODEL = {"hidden_size": 32, "stack": 2}


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    digits = {"noise": 0.1, "seed": 1, "numbers": tuple("1478"), "pause_seconds": (0.0125, 0.014)}
    SyntheticDigits(2, 6, **digits).fetch(folder)
    return folder


@pytest.fixture(scope="module")
def trained(raw, tmp_path_factory):
    """A transcriber of strings of digits that makes next to no mistakes."""
    split = {"split_by": "take", "validation": (4,), "test": (5,)}
    frames = {"num_mels": 16, "hop_seconds": 0.015, "normalise": "level"}
    asked = TranscriptionData(strings=(300, 8, 8), **split, **frames)
    data, meta = SpeechTranscription.prepare(raw, asked)
    config = config_of("speech_transcription", model=MODEL)
    how = TrainingParameters(epochs=12, batch_size=16, learning_rate=0.01)
    folder = tmp_path_factory.mktemp("run")
    task = SpeechTranscription(meta, TranscriptionModel(**MODEL))
    train(task, data, config, how, folder)
    return restore(folder, meta)


def joined(raw, seed):
    """A recording of four words that no training had, and when each begins and ends."""
    draw = np.random.default_rng(seed)
    recordings, sounds = read_words(raw)
    pool = [i for i, r in enumerate(recordings) if r.take == "5" and r.speaker == "voice00"]
    parts, known, place = [], [], 0
    for i in draw.choice(pool, 4):
        gap = np.zeros(draw.integers(400, 2400))
        samples = sounds.samples[i]
        place += len(gap)
        known.append((recordings[i].word, place / 8000, (place + len(samples)) / 8000))
        parts += [gap, samples]
        place += len(samples)
    whole = np.concatenate([*parts, np.zeros(800)])
    whole += 0.003 * draw.standard_normal(len(whole))
    buffer = io.BytesIO()
    soundfile.write(buffer, whole, 8000, format="FLAC", subtype="PCM_16")
    return buffer.getvalue(), known


@pytest.mark.parametrize("beam", [1, 4])
def test_words_are_said_when_they_are_told_to_be(raw, trained, beam):
    """Recordings have silence of 12 ms and more around the word, and frames are 25 ms long."""
    task, model = trained
    errors = []
    for seed in range(8):
        content, known = joined(raw, seed)
        table = pd.DataFrame({"wav": [content]})
        answer = task.answer(model.eval(), table, TranscriptionAnswer(times=True, beam=beam))
        told = json.loads(answer["times"][0])
        assert " ".join(t["word"] for t in told) == " ".join(word for word, _, _ in known)
        pairs = zip(told, known, strict=True)
        errors += [(t["start"] - start, t["end"] - end) for t, (_, start, end) in pairs]
    assert np.abs(errors).mean() < 0.05
    assert np.abs(errors).max() < 0.15


def test_times_are_told_only_where_they_are_asked_for(raw, trained):
    task, model = trained
    answer = task.answer(model.eval(), task.example(raw), TranscriptionAnswer())
    assert list(answer.columns) == ["text", "confidence"]


def test_spaces_part_words_of_characters():
    steps = [(0, 1), (2, 3), (3, 5), (5, 6), (8, 9)]
    assert words_on_path(list("ab cd"), steps, 2, whole=False) == [
        Place("ab", 0, 6),
        Place("cd", 10, 18),
    ]
    assert words_on_path(["one", "two"], steps[:2], 3, whole=True) == [
        Place("one", 0, 3),
        Place("two", 6, 9),
    ]
    assert words_on_path([], [], 2, whole=False) == []


def test_words_reach_to_where_it_is_quiet():
    """Two stretches of sound; the second has two words with a dip between."""
    loudness = torch.tensor(
        [0.0] * 5 + [9.0] * 6 + [0.0] * 5 + [9.0] * 4 + [6.0] + [9.0] * 4 + [0.0] * 5
    )
    words = [Place("a", 7, 9), Place("b", 17, 18), Place("c", 23, 24)]
    assert widened(words, loudness) == [Place("a", 5, 11), Place("b", 16, 20), Place("c", 20, 25)]


def test_a_word_ends_no_later_than_the_recording():
    (told,) = json.loads(as_json([Place("ja", 2, 9)], 0.01, 0.025, 0.1))
    assert told == {"word": "ja", "start": 0.02, "end": 0.1}
