"""Speech transcription: strings by one speaker, edits counted, and wav in, digits out."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional
from usual_transcription import JOIN, lively_network, starts_of, strings_of, task_of

from rnn_core.errors import ParameterError
from rnn_core.features.log_mel import log_mel
from rnn_core.models.ctc import prefix_beam
from rnn_core.parameters import parse
from rnn_core.readers.sound.audio import read_sound
from rnn_core.readers.sound.joined_words import joined_utterances
from rnn_core.readers.sound.recorded_words import list_words
from rnn_core.sources.synthetic_digits import SyntheticDigits
from rnn_core.tasks.base.splits import items_of
from rnn_core.tasks.speech_transcription import learn as speech_transcription
from rnn_core.tasks.speech_transcription.edits import edits
from rnn_core.tasks.speech_transcription.learn import TranscriptionModel, texts_of
from rnn_core.tasks.speech_transcription.parameters import TranscriptionData
from rnn_core.tasks.speech_transcription.segments import speech_stretches
from rnn_core.tasks.speech_transcription.serve import TranscriptionAnswer
from rnn_core.tasks.speech_transcription.task import SpeechTranscription
from rnn_core.training.loop import TrainingParameters
from rnn_core.training.models import build_model


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    SyntheticDigits(2, 3, noise=0.2, seed=1, numbers=tuple("1478")).fetch(folder)
    return folder


@pytest.fixture(scope="module")
def prepared(raw):
    return SpeechTranscription.prepare(raw, TranscriptionData(**JOIN))


@pytest.fixture(scope="module")
def listed(raw, tmp_path_factory):
    """A folder of recordings with transcripts."""
    folder = tmp_path_factory.mktemp("listed")
    lines = ["file\ttext\tspeaker"]
    for recording in list_words(raw):
        (folder / recording.name).write_bytes(recording.path.read_bytes())
        word = {"1": "one", "4": "four", "7": "se ven", "8": "012"}[recording.word]
        lines.append(f"{recording.name}\t {word}  x\t{recording.take}")
    (folder / "transcripts.tsv").write_text("\n".join(lines) + "\n")
    return folder


def test_strings_are_of_recordings_of_one_speaker_of_their_split(raw):
    """Without noise, each string is covered by recordings and pauses between."""
    parameters = TranscriptionData(**(JOIN | {"snr_db": (400.0, 400.0)}))
    utterances = joined_utterances(raw, parameters, parameters).each
    known = [(r, read_sound(r.path)[0]) for r in list_words(raw)]
    assert [sum(u.split == split for u in utterances) for split in range(3)] == [12, 4, 6]
    lengths = set()
    for utterance in utterances:
        found = sorted(
            (start, recording.word, recording.take, recording.speaker)
            for recording, samples in known
            for start in starts_of(utterance.samples, samples)
        )
        assert [word for _, word, _, _ in found] == utterance.symbols
        assert {int(take) for _, _, take, _ in found} == {utterance.split}
        assert len({speaker for _, _, _, speaker in found}) == 1
        lengths.add(len(found))
    assert lengths == {3, 4, 5}


def test_strings_are_drawn_by_their_seed(raw, prepared):
    again = SpeechTranscription.prepare(raw, TranscriptionData(**JOIN))
    assert all(torch.equal(prepared[0][name], tensor) for name, tensor in again[0].items())
    other = SpeechTranscription.prepare(raw, TranscriptionData(**(JOIN | {"strings_seed": 1})))
    assert strings_of(other, "train") != strings_of(prepared, "train")


def test_noise_has_the_asked_ratio_to_the_speech(raw):
    quiet, loud = (
        joined_utterances(raw, parameters, parameters).each
        for parameters in (TranscriptionData(**(JOIN | {"snr_db": (s, s)})) for s in (400.0, 10.0))
    )
    for clean, noisy in zip(quiet, loud, strict=True):
        speech = clean.samples[np.abs(clean.samples) > 1e-9].astype(np.float64)
        noise = (noisy.samples - clean.samples).astype(np.float64)
        ratio = 10 * np.log10(np.mean(speech**2) / np.mean(noise**2))
        assert ratio == pytest.approx(10, abs=0.3)


def test_scaling_is_of_the_training_split_alone(raw, prepared):
    parameters = TranscriptionData(**JOIN)
    utterances = joined_utterances(raw, parameters, parameters).each
    frames = [log_mel(u.samples, 8000, 12, 0.025, 0.010) for u in utterances if u.split == 0]
    train = np.concatenate(frames).astype(np.float64)
    np.testing.assert_allclose(prepared[1].mean, train.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(prepared[1].std, train.std(axis=0), rtol=1e-6)


def test_transcripts_are_characters_or_words_with_single_spaces(listed):
    share = {"split_by": "speaker", "validation": ("1",), "test": ("2",), "num_mels": 12}
    letters = SpeechTranscription.prepare(listed, TranscriptionData(**share))
    assert letters[1].symbols == sorted(set("one four se ven 012 x"))
    assert set(strings_of(letters, "train")) == {"one x", "four x", "se ven x", "012 x"}
    words = SpeechTranscription.prepare(listed, TranscriptionData(**share, tokens="word"))
    assert words[1].symbols == ["012", "four", "one", "se", "ven", "x"]
    assert words[1].joiner == " "
    assert letters[1].joiner == ""
    assert words[1].items == {"train": 8, "validation": 8, "test": 8}


def with_unknown_symbol(listed, folder):
    """Data and meta of the recordings, with a symbol in the test set that training lacks."""
    for path in listed.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    table = (folder / "transcripts.tsv").read_text().replace("four  x\t2", "four  Q\t2")
    (folder / "transcripts.tsv").write_text(table)
    share = {"split_by": "speaker", "validation": ("1",), "test": ("2",), "num_mels": 12}
    return SpeechTranscription.prepare(folder, TranscriptionData(**share))


def test_symbol_that_the_training_split_lacks_is_always_an_error(listed, tmp_path):
    data, meta = with_unknown_symbol(listed, tmp_path)
    assert "Q" not in meta.symbols
    assert int(data["symbols"].max()) == len(meta.symbols) + 1
    network = build_model(SpeechTranscription(meta, TranscriptionModel()), "gru")
    assert network.output.out_features == len(meta.symbols) + 1


@pytest.mark.parametrize("seed", range(5))
def test_edits_are_those_of_the_textbook(seed):
    draw = np.random.default_rng(seed)
    first, second = (draw.integers(1, 4, size=draw.integers(1, 9)).tolist() for _ in range(2))
    table = np.zeros((len(first) + 1, len(second) + 1), dtype=int)
    table[:, 0], table[0] = range(len(first) + 1), range(len(second) + 1)
    for i, a in enumerate(first, 1):
        for j, b in enumerate(second, 1):
            table[i, j] = min(
                table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a != b)
            )
    assert edits(first, second) == table[-1, -1]


def test_scores_are_edits_over_length_weighed_by_length(raw, prepared, monkeypatch):
    task = task_of(prepared)
    network = build_model(task, "gru").eval()
    texts = strings_of(prepared, "test")
    guesses = []

    def guess(outputs):
        guesses.append(outputs)
        return (1, 2, 3)

    monkeypatch.setattr(speech_transcription, "best_path", guess)
    with torch.inference_mode():
        scores = task.scores(network, prepared[0], "test")
    wanted = "".join(prepared[1].symbols[:3])
    distances = [edits(wanted, text) for text in texts]
    expected = [distance / len(text) for distance, text in zip(distances, texts, strict=True)]
    assert scores.values.tolist() == expected
    assert scores.overall == pytest.approx(sum(distances) / sum(map(len, texts)))
    assert scores.others["exact"] == pytest.approx(np.mean([text == wanted for text in texts]))


@pytest.mark.parametrize("stack", [1, 3])
def test_score_does_not_depend_on_what_else_is_in_the_batch(prepared, monkeypatch, stack):
    task = task_of(prepared, stack=stack)
    network = build_model(task, "gru").eval()
    data = prepared[0]
    items = torch.arange(len(data["splits"]))
    with torch.inference_mode():
        together = task.outputs(network, data, items)
        alone = [task.outputs(network, data, items[i : i + 1])[0] for i in items.tolist()]
        values = []
        for size in (64, 5, 1):
            monkeypatch.setattr(speech_transcription, "SCORING_BATCH", size)
            values.append(task.scores(network, data, "test").values)
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert torch.equal(values[0], values[1])
    assert torch.equal(values[0], values[2])


def test_loss_is_the_mean_of_torchs_over_each_recording_alone(prepared):
    task = task_of(prepared)
    network = build_model(task, "gru").double().eval()
    data = {k: t.double() if t.is_floating_point() else t for k, t in prepared[0].items()}
    batch = next(task.training_batches(data, 5, torch.Generator().manual_seed(2)))
    loss, _ = task.loss(network, batch, None)
    features, lengths, targets, target_lengths = batch
    expected = []
    for i, text in enumerate(targets.split(target_lengths.tolist())):
        outputs, _ = network(features[i : i + 1, : lengths[i]], lengths[i : i + 1])
        steps = torch.tensor([outputs.shape[1]])
        of_one = functional.ctc_loss(
            outputs.transpose(0, 1), text[None], steps, torch.tensor([len(text)]), reduction="none"
        )
        expected.append(of_one.item() / len(text))
    assert loss.item() == pytest.approx(np.mean(expected), rel=1e-10)


def test_loss_of_a_split_is_torchs_over_the_texts_that_can_be_written(listed, tmp_path):
    data, meta = with_unknown_symbol(listed, tmp_path)
    task = SpeechTranscription(meta, TranscriptionModel(hidden_size=5))
    network = lively_network(task)
    items = items_of(data["splits"], "test")
    texts = [texts_of(data)[i] for i in items.tolist()]
    expected = []
    with torch.inference_mode():
        for text, steps in zip(texts, task.outputs(network, data, items), strict=True):
            if max(text) <= len(meta.symbols):
                of_one = functional.ctc_loss(
                    torch.from_numpy(steps).double()[:, None],
                    torch.tensor([text]),
                    torch.tensor([len(steps)]),
                    torch.tensor([len(text)]),
                )
                expected.append(of_one.item())
        loss = task.scores(network, data, "test").loss
    assert 0 < len(expected) < len(texts)
    assert loss == pytest.approx(np.mean(expected), rel=1e-6)


def test_recordings_of_a_speaker_are_known_to_be(listed):
    share = {"split_by": "share", "num_mels": 12}
    data, _ = SpeechTranscription.prepare(listed, TranscriptionData(**share))
    table = pd.read_csv(listed / "transcripts.tsv", sep="\t", dtype=str)
    assert data["speakers"].tolist() == table["speaker"].astype(int).tolist()


def test_every_training_string_is_drawn_once_with_its_own_text(prepared):
    task = task_of(prepared)
    batches = list(task.training_batches(prepared[0], 5, torch.Generator().manual_seed(2)))
    assert len(batches) == task.num_batches(prepared[0], 5) == 3
    drawn = []
    for _, lengths, targets, target_lengths in batches:
        texts = targets.split(target_lengths.tolist())
        drawn += [(int(n), t.tolist()) for n, t in zip(lengths, texts, strict=True)]
    texts = texts_of(prepared[0])
    expected = [(int(prepared[0]["lengths"][i]), texts[i]) for i in range(12)]
    assert sorted(drawn) == sorted(expected)


def test_gradient_of_the_loss_reaches_every_weight(prepared):
    task = task_of(prepared)
    network = build_model(task, "gru")
    batch = next(task.training_batches(prepared[0], 4, torch.Generator().manual_seed(2)))
    loss, _ = task.loss(network, batch, None)
    loss.backward()
    assert all((p.grad != 0).any() and p.grad.isfinite().all() for p in network.parameters())


def test_stretches_of_speech_are_parted_by_pauses():
    loudness = torch.tensor([0.0] * 5 + [9] * 6 + [0] * 4 + [8] * 3 + [1] * 2 + [9] * 3 + [0] * 3)
    assert speech_stretches(loudness) == [(5, 11), (15, 23)]
    assert speech_stretches(torch.ones(7)) == [(0, 7)]


def test_baselines_match_counting(prepared):
    task = task_of(prepared)
    found = task.baselines(prepared[0])
    train, test = strings_of(prepared, "train"), strings_of(prepared, "test")
    most = max(train, key=train.count)
    total = sum(map(len, test))
    assert found["most_frequent"] == pytest.approx(sum(edits(most, t) for t in test) / total)
    assert 0 <= found["segments"] < found["most_frequent"]


def probability_of(labels, steps):
    """The forward algorithm of Graves and others (2006), over labels with blanks between."""
    states = [0, *(s for label in labels for s in (label, 0))]
    forward = np.zeros(len(states))
    forward[:2] = steps[0, states[:2]]
    for step in steps[1:]:
        before, forward = forward, np.zeros(len(states))
        for i, state in enumerate(states):
            jump = i >= 2 and state not in (0, states[i - 2])
            reach = before[max(i - 1, 0) : i + 1].sum() + (before[i - 2] if jump else 0)
            forward[i] = step[state] * reach
    return forward[-2:].sum()


@pytest.mark.parametrize("beam", [1, 8])
def test_answer_is_the_text_and_its_probability(raw, prepared, beam):
    task = task_of(prepared)
    network = lively_network(task)
    table = task.read_input(raw).head(4)
    answer = task.answer(network, table, TranscriptionAnswer(beam=beam))
    assert list(answer["file"]) == list(table["file"])
    for wav, row in zip(table["wav"], answer.itertuples(), strict=True):
        frames = torch.from_numpy(log_mel(*read_sound(wav)[:2], 12, 0.025, 0.010))
        scaled = (frames - torch.tensor(task.meta.mean)) / torch.tensor(task.meta.std)
        with torch.inference_mode():
            outputs, _ = network(scaled[None], torch.tensor([len(scaled)]))
        symbols = ["", *task.meta.symbols]
        if beam == 1:
            path = outputs[0].argmax(dim=1).tolist()
            kept = [s for i, s in enumerate(path) if i == 0 or path[i - 1] != s]
            assert row.text == "".join(symbols[s] for s in kept)
        else:
            labels, _ = prefix_beam(outputs[0].numpy(), 8)[0]
            assert row.text == "".join(symbols[s] for s in labels)
        labels = [symbols.index(symbol) for symbol in row.text]
        expected = probability_of(labels, outputs[0].double().exp().numpy())
        assert row.confidence == pytest.approx(expected, rel=1e-4)


@torch.inference_mode()
def test_illustration_is_what_is_answered_on_recordings_all_over_the_split(listed, tmp_path):
    data, meta = with_unknown_symbol(listed, tmp_path)
    task = SpeechTranscription(meta, TranscriptionModel(hidden_size=5))
    network = lively_network(task)
    rows = pd.read_csv(tmp_path / "transcripts.tsv", sep="\t", dtype=str).query("speaker == '2'")
    chosen = rows.iloc[[0, 1, 3, 5, 7]]
    wavs = [(tmp_path / file).read_bytes() for file in chosen["file"]]
    answers = task.answer(network, pd.DataFrame({"wav": wavs}), TranscriptionAnswer(beam=1))
    texts = [" ".join(text.split()).replace("Q", "\ufffd") for text in chosen["text"]]
    assert any("\ufffd" in text for text in texts)
    assert len(set(answers["text"])) > 1
    shown = task.illustrate(network, data, "test")
    assert shown["kind"] == "pairs"
    assert pd.DataFrame(shown["pairs"]).to_dict("list") == {
        "source": [f"recording {number}" for number in (1, 2, 4, 6, 8)],
        "reference": texts,
        "output": answers["text"].tolist(),
    }


@torch.inference_mode()
def test_illustrated_texts_have_the_edits_of_their_scores(prepared):
    task = task_of(prepared)
    network = lively_network(task)
    scores = task.scores(network, prepared[0], "test")
    pairs = task.illustrate(network, prepared[0], "test")["pairs"]
    values = [edits(pair["output"], pair["reference"]) / len(pair["reference"]) for pair in pairs]
    assert values == pytest.approx(scores.values[[0, 1, 2, 3, 5]].tolist())


def test_example_is_a_recording_that_can_be_answered(raw, prepared, listed):
    share = TranscriptionData(split_by="share", num_mels=12)
    for folder, (_, meta) in (
        (raw, prepared),
        (listed, SpeechTranscription.prepare(listed, share)),
    ):
        task = SpeechTranscription(meta, TranscriptionModel(hidden_size=4))
        table = task.example(folder)
        assert table["wav"][0] == (folder / "1_voice00_0.wav").read_bytes()
        answer = task.answer(build_model(task, "gru").eval(), table, TranscriptionAnswer())
        assert list(answer.columns) == ["text", "confidence"]


def test_stack_that_leaves_too_few_steps_is_refused(prepared):
    largest = prepared[1].largest_stack
    counts = prepared[0]["lengths"].tolist()
    texts = texts_of(prepared[0])
    needs = [len(t) + sum(a == b for a, b in pairwise(t)) for t in texts]
    assert largest == min(count // need for count, need in zip(counts, needs, strict=True))
    task_of(prepared, stack=largest)
    tightest = re.escape(prepared[1].tightest)
    told = (
        rf"model\.stack {largest + 1} leaves {tightest} fewer .*hop_seconds to 0.*{largest} at most"
    )
    with pytest.raises(ParameterError, match=told):
        task_of(prepared, stack=largest + 1)


def test_suggestion_fits_words_and_transcripts(raw, listed):
    joined = SpeechTranscription.suggest(raw, {"strings": [8, 3, 3], "split_seed": 2})
    own = SpeechTranscription.suggest(listed, {})
    assert joined["data"]["strings"] == [8, 3, 3]
    assert "strings" not in own["data"]
    assert own["data"]["split_by"] == "speaker"
    assert (own["data"]["validation"], own["data"]["test"]) == (["1"], ["2"])
    for folder, suggestion in ((raw, joined), (listed, own)):
        parameters = parse(TranscriptionData, suggestion["data"], "data")
        model = parse(TranscriptionModel, suggestion["model"], "model")
        parse(TrainingParameters, suggestion["training"], "training")
        _, meta = SpeechTranscription.prepare(folder, parameters)
        assert SpeechTranscription(meta, model).meta.items["test"] > 0
