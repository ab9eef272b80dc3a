"""Speech recognition: who is in which split, and scores that depend on one recording only."""

import shutil

import numpy as np
import pytest
import torch
from usual_training import config_of

from rnn_core.errors import DataError, ParameterError
from rnn_core.features import batches as batches_module
from rnn_core.features.log_mel import log_mel
from rnn_core.layers.recurrent import Recurrent
from rnn_core.metric import SPLITS
from rnn_core.parameters import parse
from rnn_core.readers.sound.audio import read_sound
from rnn_core.readers.sound.recorded_words import list_words
from rnn_core.sources.synthetic_digits import SyntheticDigits
from rnn_core.study import TUNING_SEED
from rnn_core.tasks.speech_recognition import learn as speech_recognition
from rnn_core.tasks.speech_recognition.learn import SpeechModel
from rnn_core.tasks.speech_recognition.parameters import SpeechData
from rnn_core.tasks.speech_recognition.serve import SpeechAnswer
from rnn_core.tasks.speech_recognition.task import SpeechRecognition
from rnn_core.training.loop import TrainingParameters, train
from rnn_core.training.models import build_model, restore

SPLIT = {"split_by": "speaker", "validation": ("voice02",), "test": ("voice03",)}
EACH = {"split_by": "each_speaker", "validation": (), "test": ()}
SHARE = {"split_by": "share", "validation": (), "test": ()}


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    SyntheticDigits(num_voices=4, num_takes=2, noise=0.2, seed=1).fetch(folder)
    return folder


def prepared(raw, model=None, seed=0, **options):
    data, meta = SpeechRecognition.prepare(raw, SpeechData(**({"num_mels": 12} | SPLIT | options)))
    return SpeechRecognition(meta, model or SpeechModel(hidden_size=5), seed), data


@pytest.fixture(scope="module")
def folds(raw):
    return SpeechRecognition.prepare(raw, SpeechData(num_mels=12, **EACH))


def members(raw, task, data, split):
    inside = (data["splits"][task.fold] == SPLITS.index(split)).tolist()
    return [r for r, is_in in zip(list_words(raw), inside, strict=True) if is_in]


def recognised(task, network, recording):
    """The word that a model takes a recording for."""
    probabilities = task.probabilities(network, recording.path.read_bytes())
    return task.meta.classes[int(probabilities.argmax())]


def numpy_features(recordings):
    return [log_mel(*read_sound(r.path)[:2], 12, 0.025, 0.010) for r in recordings]


def test_speakers_of_the_splits_are_disjoint(raw):
    task, data = prepared(raw)
    speakers = [{r.speaker for r in members(raw, task, data, split)} for split in SPLITS]
    assert speakers == [{"voice00", "voice01"}, {"voice02"}, {"voice03"}]


def test_takes_of_the_splits_are_disjoint(raw, tmp_path):
    SyntheticDigits(num_voices=2, num_takes=3, noise=0.2, seed=1).fetch(tmp_path)
    task, data = prepared(tmp_path, split_by="take", validation=(1,), test=(2,))
    takes = [{r.take for r in members(tmp_path, task, data, split)} for split in SPLITS]
    assert takes == [{"0"}, {"1"}, {"2"}]


@pytest.mark.parametrize("seed", range(9))
def test_each_speaker_is_tested_in_turn_and_chosen_for_by_another_who_is_not_trained_on(
    raw, folds, seed
):
    data, meta = folds
    task = SpeechRecognition(meta, SpeechModel(), seed)
    trained, validated, tested = (
        {r.speaker for r in members(raw, task, data, split)} for split in SPLITS
    )
    assert tested == {f"voice{seed % 4:02d}"} == {meta.folds[task.fold].test}
    assert validated == {f"voice{(seed + 1) % 4:02d}"}
    assert trained == {f"voice{i:02d}" for i in range(4)} - tested - validated
    counts = [len(members(raw, task, data, split)) for split in SPLITS]
    assert counts == [40, 20, 20] == list(meta.items.values())


@pytest.mark.parametrize("seed", [TUNING_SEED, *range(4)])
def test_what_is_trained_and_chosen_depends_on_nothing_of_the_voice_that_is_tested(
    raw, tmp_path, seed
):
    """Nor does a trial of tuning, which has the division of its own seed."""
    tested = f"voice{seed % 4:02d}"
    shutil.copytree(raw, tmp_path, dirs_exist_ok=True)
    for path in tmp_path.glob(f"*_{tested}_*.wav"):
        content = bytearray(path.read_bytes())
        content[44:] = content[44:][::-1]
        path.write_bytes(content)
    seen = []
    for folder in (raw, tmp_path):
        task, data = prepared(folder, seed=seed, **EACH)
        draw = torch.Generator().manual_seed(0)
        network = build_model(task, "gru").eval()
        with torch.inference_mode():
            scores = task.scores(network, data, "validation")
        batches = [part for batch in task.training_batches(data, 8, draw) for part in batch]
        seen.append([*batches, scores.values, torch.tensor(scores.loss)])
    for first, second in zip(*seen, strict=True):
        assert torch.equal(first, second)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("split", [SPLIT, EACH])
def test_frames_are_scaled_by_the_training_split_of_the_fold_alone(raw, folds, split, seed):
    task, data = prepared(raw, seed=seed, **split)
    train = np.concatenate(numpy_features(members(raw, task, data, "train"))).astype(np.float64)
    fold = task.meta.folds[task.fold]
    np.testing.assert_allclose(fold.mean, train.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(fold.std, train.std(axis=0), rtol=1e-6)
    frames, lengths, _ = next(task.training_batches(data, 100, torch.Generator().manual_seed(0)))
    assert frames.sum() == pytest.approx(0, abs=1e-2 * frames.numel() ** 0.5)
    present = torch.cat([f[:n] for f, n in zip(frames, lengths, strict=True)])
    torch.testing.assert_close(present.std(0, correction=0), torch.ones(12), rtol=1e-4, atol=1e-4)


def test_model_of_a_fold_comes_back_with_its_speaker(raw, folds, tmp_path):
    data, meta = folds
    task = SpeechRecognition(meta, SpeechModel(hidden_size=3), 2)
    config = config_of("speech_recognition", seed=2, model={"hidden_size": 3})
    train(task, data, config, TrainingParameters(epochs=1), tmp_path)
    again, model = restore(tmp_path, meta)
    assert again.scaling == task.scaling
    assert again.scaling != SpeechRecognition(meta, SpeechModel(), 1).scaling
    with torch.inference_mode():
        value = again.scores(model, data, "test").values.tolist()
    tested = [r for r in list_words(raw) if r.speaker == "voice02"]
    words = [recognised(again, model, r) for r in tested]
    assert value == [float(word == r.word) for word, r in zip(words, tested, strict=True)]


def test_baselines_are_the_mean_over_folds(folds):
    data, meta = folds
    each = [SpeechRecognition(meta, SpeechModel(), seed).fold_baselines(data) for seed in range(4)]
    expected = np.mean([one["nearest_centroid"] for one in each])
    assert SpeechRecognition(meta, SpeechModel(), 3).baselines(data) == {
        "most_frequent": pytest.approx(0.1),
        "nearest_centroid": pytest.approx(expected),
    }
    assert len({one["nearest_centroid"] for one in each}) > 1


def test_shares_are_of_each_word_and_drawn_by_their_seed(raw):
    task, data = prepared(raw, **SHARE, validation_share=0.13, test_share=0.25)
    for split, count in zip(SPLITS, (5, 1, 2), strict=True):
        words = [r.word for r in members(raw, task, data, split)]
        assert sorted(words) == sorted(list("0123456789") * count)
    again, other = (prepared(raw, **SHARE, split_seed=seed)[1]["splits"] for seed in (0, 1))
    assert torch.equal(prepared(raw, **SHARE)[1]["splits"], again)
    assert not torch.equal(again, other)


def test_every_training_recording_is_drawn_once_an_epoch(raw, monkeypatch):
    monkeypatch.setattr(batches_module, "POOL_BATCHES", 2)
    task, data = prepared(raw)
    batches = list(task.training_batches(data, 8, torch.Generator().manual_seed(3)))
    assert len(batches) == task.num_batches(data, 8)
    lengths = torch.cat([lengths for _, lengths, _ in batches])
    inside = data["splits"][0] == 0
    assert sorted(lengths.tolist()) == sorted(data["lengths"][inside].tolist())
    for frames, lengths, _ in batches:
        assert frames.shape[1] == lengths.max()


@pytest.mark.parametrize("pooling", ["mean", "last", "max", "attention"])
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
    right = [recognised(task, network, r) == r.word for r in members(raw, task, data, "test")]
    with torch.inference_mode():
        scores = task.scores(network, data, "test")
    assert scores.overall == pytest.approx(np.mean(right))
    assert scores.values.tolist() == [float(r) for r in right]


@torch.inference_mode()
@pytest.mark.parametrize("split", ["validation", "test"])
def test_loss_of_a_split_is_that_of_the_probabilities_that_are_answered(raw, split):
    task, data = prepared(raw)
    network = build_model(task, "gru").eval()
    said = members(raw, task, data, split)
    index = {word: place for place, word in enumerate(task.meta.classes)}
    answered = [
        float(task.probabilities(network, r.path.read_bytes())[index[r.word]]) for r in said
    ]
    loss = task.scores(network, data, split).loss
    assert loss == pytest.approx(-np.log(answered).mean(), rel=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize(("split", "seed"), [(SPLIT, 0), (EACH, 1), (EACH, 2)])
def test_illustration_counts_what_is_answered_for_each_word_of_the_fold(raw, split, seed):
    task, data = prepared(raw, seed=seed, **split)
    network = build_model(task, "gru").eval()
    expected = np.zeros((10, 10), int)
    for recording in members(raw, task, data, "test"):
        word = recognised(task, network, recording)
        expected[int(recording.word), int(word)] += 1
    shown = task.illustrate(network, data, "test")
    assert (shown["kind"], shown["labels"]) == ("confusion", list("0123456789"))
    assert shown["counts"] == expected.tolist()
    scores = task.scores(network, data, "test")
    assert np.trace(shown["counts"]) == scores.values.sum()
    assert np.sum(shown["counts"]) == len(scores.values)


def test_baselines_match_numpy(raw):
    task, data = prepared(raw)
    ends = np.cumsum(data["lengths"].numpy())
    scaling = task.meta.folds[0]
    scaled = (data["frames"].double().numpy() - scaling.mean) / scaling.std
    pieces = np.split(scaled, ends[:-1])
    points = np.array([np.concatenate([p.mean(0), p.std(0)]) for p in pieces])
    labels, splits = data["labels"].numpy(), data["splits"][0].numpy()
    centroids = np.array([points[(splits == 0) & (labels == c)].mean(0) for c in range(10)])
    distance = ((points[splits == 2][:, None] - centroids) ** 2).sum(-1)
    expected = (distance.argmin(1) == labels[splits == 2]).mean()
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


def test_answer_is_the_likeliest_words_of_each_recording(raw):
    task, _ = prepared(raw)
    network = build_model(task, "gru").eval()
    table = task.read_input(raw).head(3)
    answer = task.answer(network, table, SpeechAnswer(top=2))
    assert list(answer["file"]) == ["0_voice00_0.wav", "0_voice00_1.wav", "0_voice01_0.wav"]
    for name, row in zip(table["file"], answer.itertuples(), strict=True):
        frames = torch.from_numpy(numpy_features([r for r in list_words(raw) if r.name == name])[0])
        scaled = (frames - torch.tensor(task.scaling.mean)) / torch.tensor(task.scaling.std)
        expected = network(scaled[None], torch.tensor([len(scaled)])).softmax(dim=1)[0].detach()
        first, second = expected.sort(descending=True).indices[:2].tolist()
        assert (row.word, row.word_2) == (str(first), str(second))
        assert row.probability == pytest.approx(float(expected[first]), abs=1e-5)
        assert row.probability_2 == pytest.approx(float(expected[second]), abs=1e-5)


def test_answer_without_names_and_with_more_words_than_there_are(raw):
    task, _ = prepared(raw)
    network = build_model(task, "gru").eval()
    answer = task.answer(network, task.example(raw), SpeechAnswer(top=99))
    assert answer.filter(like="word").nunique(axis=1).item() == 10
    assert answer.filter(like="probability").sum(axis=1).item() == pytest.approx(1, abs=1e-5)
    assert "file" not in answer.columns


def test_answer_names_the_file_that_cannot_be_read(raw, tmp_path):
    task, _ = prepared(raw)
    network = build_model(task, "gru").eval()
    wav = list_words(raw)[0].path.read_bytes()
    (tmp_path / "short.wav").write_bytes(wav[:99])
    table = task.read_input(tmp_path / "short.wav")
    with pytest.raises(DataError, match=r"short\.wav announces .* and holds 27: it is cut off"):
        task.answer(network, table, SpeechAnswer())
    with pytest.raises(DataError, match="the input has no column 'wav'"):
        task.answer(network, table[["file"]], SpeechAnswer())
    with pytest.raises(DataError, match=r"there is no .*gone; give a recording or a folder"):
        task.read_input(tmp_path / "gone")


def words_in_folders(raw, folder, name):
    for recording in list_words(raw):
        target = folder / recording.word / name(recording)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(recording.path.read_bytes())


def test_folders_of_words_give_the_same_data_as_names(raw, tmp_path):
    words_in_folders(raw, tmp_path, lambda r: f"{r.speaker}_{r.take}.WAV")
    expected, data = prepared(raw)[1], prepared(tmp_path)[1]
    assert all(torch.equal(data[name], tensor) for name, tensor in expected.items())


def test_suggestion_keeps_speakers_apart_where_names_tell_them(raw, tmp_path):
    words_in_folders(raw, tmp_path, lambda r: f"{r.speaker[-1]}{r.take}.wav")
    with_speakers, without = (SpeechRecognition.suggest(f, {}) for f in (raw, tmp_path))
    assert with_speakers["data"]["split_by"] == "speaker"
    assert with_speakers["data"]["validation"] == ["voice02"]
    assert with_speakers["data"]["test"] == ["voice03"]
    assert without["data"]["split_by"] == "share"
    wanted = SpeechRecognition.suggest(raw, {"split_by": "each_speaker"})
    assert wanted["data"]["split_by"] == "each_speaker"
    assert not {"validation", "test"} & wanted["data"].keys()
    for folder, suggestion in ((raw, with_speakers), (tmp_path, without), (raw, wanted)):
        parameters = parse(SpeechData, suggestion["data"], "data")
        parse(SpeechModel, suggestion["model"], "model")
        parse(TrainingParameters, suggestion["training"], "training")
        assert SpeechRecognition.prepare(folder, parameters)[1].items["test"] > 0


def test_suggestion_takes_shares_where_a_speaker_does_not_say_every_word(raw, tmp_path):
    words_in_folders(raw, tmp_path, lambda r: f"{r.speaker}_{r.take}.wav")
    for path in (tmp_path / "7").glob("voice03_*.wav"):
        path.unlink()
    data = SpeechRecognition.suggest(tmp_path, {})["data"]
    assert data["split_by"] == "share"
    assert SpeechRecognition.prepare(tmp_path, parse(SpeechData, data, "data"))
    wanted = SpeechRecognition.suggest(tmp_path, {"split_by": "speaker"})["data"]
    with pytest.raises(DataError, match="test set has no recording of '7'"):
        SpeechRecognition.prepare(tmp_path, parse(SpeechData, wanted, "data"))


def test_augmentation_is_the_same_for_every_cell_and_not_for_every_seed(raw):
    how = {"warp": 0.2, "tempo": 0.2, "noise": 0.5, "channel": 1.0, "mask_mels": 3}
    task, data = prepared(raw, SpeechModel(mask_frames=3, **how))
    batches = [
        next(task.training_batches(data, 8, torch.Generator().manual_seed(seed)))
        for seed in (1, 1, 2)
    ]
    assert torch.equal(batches[0][0], batches[1][0])
    assert not torch.equal(batches[0][1], batches[2][1])
    plain, _ = prepared(raw)
    frames, _, labels = next(plain.training_batches(data, 8, torch.Generator().manual_seed(1)))
    assert torch.equal(labels, batches[0][2])
    assert frames.shape != batches[0][0].shape or not torch.equal(frames, batches[0][0])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"test": ("voice9",)}, ParameterError, "no recording has the speaker 'voice9'"),
        ({"test": ("voice02",)}, ValueError, "validation and test share the speakers"),
        ({"validation": ()}, DataError, "the validation set has no recording of '0'"),
    ],
)
def test_impossible_splits_are_refused(raw, options, error, message):
    with pytest.raises(error, match=message):
        prepared(raw, **options)
