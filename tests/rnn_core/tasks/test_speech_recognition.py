"""Speech recognition: who is in which side, and scores that depend on one recording only."""

import numpy as np
import pandas as pd
import pytest
import torch

from rnn_core.audio import log_mel, read_wav
from rnn_core.errors import DataError, ParameterError
from rnn_core.recurrent import Recurrent
from rnn_core.runs import build_model
from rnn_core.sources.synthetic_digits import SyntheticDigits, write_wav
from rnn_core.tasks import speech_recognition
from rnn_core.tasks.base import SPLITS
from rnn_core.tasks.speech_recognition import (
    SpeechData,
    SpeechModel,
    SpeechRecognition,
    list_recordings,
)

SPLIT = {"split_by": "speaker", "validation": ("voice02",), "test": ("voice03",)}


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    SyntheticDigits(num_voices=4, num_takes=2, noise=0.2, seed=1).fetch(folder)
    return folder


def prepared(raw, model=None, **options):
    data, meta = SpeechRecognition.prepare(raw, SpeechData(**({"num_mels": 12} | SPLIT | options)))
    return SpeechRecognition(meta, model or SpeechModel(hidden_size=5)), data


def members(raw, data, split):
    inside = (data["sides"] == SPLITS.index(split)).tolist()
    return [r for r, is_in in zip(list_recordings(raw), inside, strict=True) if is_in]


def test_speakers_of_the_sides_are_disjoint(raw):
    _, data = prepared(raw)
    speakers = [{r.speaker for r in members(raw, data, split)} for split in SPLITS]
    assert speakers == [{"voice00", "voice01"}, {"voice02"}, {"voice03"}]


def test_takes_of_the_sides_are_disjoint(raw, tmp_path):
    SyntheticDigits(num_voices=2, num_takes=3, noise=0.2, seed=1).fetch(tmp_path)
    _, data = prepared(tmp_path, split_by="take", validation=(1,), test=(2,))
    takes = [{r.take for r in members(tmp_path, data, split)} for split in SPLITS]
    assert takes == [{"0"}, {"1"}, {"2"}]


def test_frames_are_scaled_by_the_training_side_alone(raw):
    task, data = prepared(raw)
    frames = [log_mel(*read_wav(r.path), 12, 0.025, 0.010) for r in members(raw, data, "train")]
    train = np.concatenate(frames)
    np.testing.assert_allclose(task.meta["mean"], train.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(task.meta["std"], train.std(axis=0), rtol=1e-5)
    first = (frames[0] - train.mean(axis=0)) / train.std(axis=0)
    np.testing.assert_allclose(data["frames"][: len(first)].numpy(), first, rtol=1e-4, atol=1e-4)


def test_every_training_recording_is_drawn_once_an_epoch(raw, monkeypatch):
    monkeypatch.setattr(speech_recognition, "POOL_BATCHES", 2)
    task, data = prepared(raw)
    batches = list(task.training_batches(data, 8, torch.Generator().manual_seed(3)))
    assert len(batches) == task.num_batches(data, 8)
    lengths = torch.cat([lengths for _, lengths, _ in batches])
    inside = data["sides"] == 0
    assert sorted(lengths.tolist()) == sorted(data["lengths"][inside].tolist())
    for frames, lengths, _ in batches:
        assert frames.shape[1] == lengths.max()


@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_score_does_not_depend_on_what_else_is_in_the_batch(raw, monkeypatch, pooling):
    model = SpeechModel(hidden_size=5, bidirectional=True, pooling=pooling)
    task, data = prepared(raw, model)
    network = build_model(task, "gru").eval()
    answers = []
    for size in (64, 3, 1):
        monkeypatch.setattr(speech_recognition, "SCORING_BATCH", size)
        with torch.inference_mode():
            answers.append(task.scores(network, data, "test").values)
    assert torch.equal(answers[0], answers[1])
    assert torch.equal(answers[0], answers[2])
    frames = data["frames"][None, :20]
    alone = network(frames, torch.tensor([20]))
    padded = torch.cat([frames, torch.randn(1, 30, 12)], dim=1)
    beside = torch.cat([padded, torch.randn(1, 50, 12)])
    torch.testing.assert_close(network(beside, torch.tensor([20, 50]))[:1], alone)


def test_score_is_the_share_of_recordings_recognised(raw):
    task, data = prepared(raw)
    network = build_model(task, "gru").eval()
    right = [
        next(iter(task.recognise(network, r.path.read_bytes()))) == r.word
        for r in members(raw, data, "test")
    ]
    with torch.inference_mode():
        scores = task.scores(network, data, "test")
    assert scores.mean == pytest.approx(np.mean(right))
    assert scores.values.tolist() == [float(r) for r in right]


def test_baselines_match_numpy(raw):
    task, data = prepared(raw)
    ends = np.cumsum(data["lengths"].numpy())
    pieces = np.split(data["frames"].double().numpy(), ends[:-1])
    points = np.array([np.concatenate([p.mean(0), p.std(0)]) for p in pieces])
    labels, sides = data["labels"].numpy(), data["sides"].numpy()
    centroids = np.array([points[(sides == 0) & (labels == c)].mean(0) for c in range(10)])
    distance = ((points[sides == 2][:, None] - centroids) ** 2).sum(-1)
    expected = (distance.argmin(1) == labels[sides == 2]).mean()
    baselines = task.baselines(data)
    assert baselines["nearest_centroid"] == pytest.approx(expected)
    assert baselines["most_frequent"] == pytest.approx(0.1)


def test_model_of_the_introduction_is_reachable_by_parameters(raw):
    """Speech recognition: 128 features a frame, 10 classes."""
    task, data = prepared(raw, SpeechModel(hidden_size=256), num_mels=128, window_seconds=0.064)
    network = build_model(task, "lstm")
    recurrent = next(m for m in network.modules() if isinstance(m, Recurrent))
    assert (recurrent.input_size, recurrent.hidden_size) == (128, 256)
    assert network.output.weight.shape == (10, 256)
    batch = next(task.training_batches(data, 4, torch.Generator()))
    loss, _ = task.loss(network, batch, None)
    loss.backward()
    assert torch.isfinite(loss)
    assert all((p.grad != 0).any() for p in network.parameters())


def test_answer_is_the_likeliest_word_of_each_recording(raw):
    task, _ = prepared(raw)
    network = build_model(task, "gru").eval()
    wavs = [r.path.read_bytes() for r in list_recordings(raw)[:3]]
    answer = task.answer(network, pd.DataFrame({"wav": wavs}))
    for wav, word, probability in zip(wavs, answer["word"], answer["probability"], strict=True):
        all_words = task.recognise(network, wav)
        assert sum(all_words.values()) == pytest.approx(1, abs=1e-5)
        assert all_words[word] == probability == max(all_words.values())


def test_recording_at_another_rate_is_refused(raw, tmp_path):
    task, _ = prepared(raw)
    wav = bytearray(list_recordings(raw)[0].path.read_bytes())
    wav[24:28] = (16000).to_bytes(4, "little")
    with pytest.raises(DataError, match=r"16000 samples a second.*trained on 8000; resample"):
        task.recognise(build_model(task, "gru"), bytes(wav))


def test_unusable_recordings_are_named(raw, tmp_path):
    with pytest.raises(DataError, match=r"holds no \.wav files"):
        prepared(tmp_path)
    write_wav(tmp_path / "seven.wav", np.zeros(500))
    with pytest.raises(DataError, match=r"seven\.wav is not called <word>_<speaker>_<take>"):
        prepared(tmp_path)


def test_broken_recording_is_named(raw, tmp_path):
    SyntheticDigits(4, 1, 0.2, seed=1).fetch(tmp_path)
    path = tmp_path / "3_voice01_0.wav"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match=r"3_voice01_0\.wav.*cut off"):
        prepared(tmp_path)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"test": ("voice9",)}, ParameterError, "no recording has the speaker 'voice9'"),
        ({"test": ("voice02",)}, ValueError, "validation and test share the speakers"),
        ({"validation": ()}, DataError, "the validation side has no recording of '0'"),
    ],
)
def test_impossible_splits_are_refused(raw, options, error, message):
    with pytest.raises(error, match=message):
        prepared(raw, **options)
