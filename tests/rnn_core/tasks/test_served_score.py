"""A model that was scored is one that can be served: raw input, answered, has the score promised.

So has a refit, which was trained on the validation set too.

A fifth of the test input is missing where the user's own may be: values of a table, sound of a
recording, words of a text that the model never learned. Of a series only the newest rows are sent.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional
from usual_training import config_of

from rnn_core.metric import SPLITS
from rnn_core.sources.agreement_text import AgreementText
from rnn_core.sources.number_words import NumberWords
from rnn_core.sources.random_symbols import RandomSymbols
from rnn_core.sources.synthetic_digits import SyntheticDigits
from rnn_core.tasks import REGISTRY, get_task
from rnn_core.tasks.base.divides import divide
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.base.task import Task
from rnn_core.tasks.speech_transcription.edits import edits
from rnn_core.tasks.text_generation import write
from rnn_core.tasks.text_generation.tokens import tokenize
from rnn_core.tasks.translation.bleu import corpus_bleu
from rnn_core.tasks.translation.learn import texts_of
from rnn_core.training.evaluation import evaluate_together
from rnn_core.training.loop import TrainingParameters, train
from rnn_core.training.models import restore

TEST = SPLITS.index("test")
VOICES = {"split_by": "speaker", "validation": ("voice02",), "test": ("voice03", "voice04")}

SETUPS = {
    "forecasting": (
        {"targets": ("y", "z"), "features": ("x",), "date": None, "missing": "fill"}
        | {"lookback": 8, "horizon": 3, "split": (200, 40, 60)},
        {"hidden_size": 8},
    ),
    "speech_recognition": ({"num_mels": 8, **VOICES}, {"hidden_size": 8}),
    "speech_transcription": ({"num_mels": 8, **VOICES}, {"hidden_size": 8}),
    "sentiment": ({"test_share": 0.4}, {"hidden_size": 6, "embedding_size": 4}),
    "translation": (
        {"source_file": "sums.en", "max_vocabulary": 60, "test_share": 0.3},
        {"hidden_size": 24, "embedding_size": 8, "beam_size": 2},
    ),
    "text_generation": ({}, {"hidden_size": 8, "embedding_size": 4, "sequence_length": 16}),
    "copy_memory": ({"lag": 2}, {"hidden_size": 12}),
}
STEPS = {"epochs": 3, "batch_size": 8, "learning_rate": 0.02}


def gappy_series(raw):
    draw = np.random.default_rng(2)
    wave = np.sin(np.arange(300) / 5)[:, None] * [1, 2, 3] + 0.3 * draw.normal(size=(300, 3))
    table = pd.DataFrame(wave.cumsum(axis=0) / 5, columns=["y", "z", "x"])
    table.mask(draw.random(table.shape) < 0.2).to_csv(raw / "table.csv", index=False)


def broken_recordings(raw):
    """Recordings of digits, a fifth of each test voice's in silence."""
    SyntheticDigits(num_voices=5, num_takes=1, noise=0.3, seed=1).fetch(raw)
    for path in raw.glob("*.wav"):
        if path.name.split("_")[1] in VOICES["test"]:
            content = bytearray(path.read_bytes())
            first, count = (len(content) // 3) // 2 * 2, (len(content) - 44) // 10 * 2
            content[first : first + count] = bytes(count)
            path.write_bytes(content)


def transcribed_recordings(raw):
    broken_recordings(raw)
    rows = [
        (path.name, "0123456789".replace(path.name[0], "")[:2] + path.name[0], path.name[2:9])
        for path in sorted(raw.glob("*.wav"))
    ]
    table = pd.DataFrame(rows, columns=["file", "text", "speaker"])
    table.to_csv(raw / "transcripts.tsv", sep="\t", index=False)


def opinions(raw):
    """Sentences, a fifth of whose words are never said twice."""
    draw = np.random.default_rng(0)
    words, rows = ("dull", "slow", "fine", "warm"), []
    for i in range(120):
        said = draw.choice(4, 3)
        text = [f"w{i}x{j}" if draw.random() < 0.2 else words[w] for j, w in enumerate(said)]
        rows.append((" ".join(text), int(said.mean() > 1.5)))
    pd.DataFrame(rows, columns=["text", "label"]).to_csv(raw / "o.tsv", sep="\t", index=False)


FETCH = {
    "forecasting": gappy_series,
    "speech_recognition": broken_recordings,
    "speech_transcription": transcribed_recordings,
    "sentiment": opinions,
    "translation": NumberWords(160, largest=9, seed=1).fetch,
    "text_generation": AgreementText(4000, seed=1).fetch,
    "copy_memory": RandomSymbols(80, length=3, seed=1).fetch,
}


@dataclass(frozen=True)
class Trained:
    """A trained model, and what its evaluation promises of it on the test set."""

    raw: object
    data: dict
    task: Task
    model: torch.nn.Module
    promised: Scores

    def answer(self, table, **asked):
        return self.task.answer(self.model, table, self.task.AnswerParameters(**asked))


@pytest.fixture(scope="module", params=["prepared", "refit"])
def trained(request, tmp_path_factory):
    """Trains a task's model, once on each division of its data."""
    done = {}

    def make(name):
        if name not in done:
            done[name] = train_one(name, tmp_path_factory.mktemp(name), request.param)
        return done[name]

    return make


def train_one(name, folder, division):
    data_parameters, model = SETUPS[name]
    (raw := folder / "raw").mkdir()
    FETCH[name](raw)
    kind = get_task(name)
    data, meta = kind.prepare(raw, kind.DataParameters(**data_parameters))
    config = config_of(name, dataset=name, model=model, training=STEPS, division=division)
    divided, moved = divide(kind, data, meta, division)
    task = kind(moved, kind.ModelParameters(**model))
    train(task, divided, config, TrainingParameters(**STEPS), folder / "run")
    promised = evaluate_together([folder / "run"], data, meta, torch.device("cpu"))["test"]
    return Trained(raw, data, *restore(folder / "run", meta), promised)


def forecast_score(one, tmp_path):
    """Mean squared error of forecasts from files with the newest rows and nothing else."""
    meta, table = one.task.meta, pd.read_csv(one.raw / "table.csv")
    start, end = meta.borders["test"][0]
    errors = []
    for now in range(start, end - meta.horizon + 1):
        newest = table[now - meta.lookback : now]
        after = table[["y", "z"]][now : now + meta.horizon].to_numpy()
        if newest.isna().all().any() or np.isnan(after).all():
            continue
        if newest[["y", "z"]].iloc[-1].isna().all():  # else the answer would begin with that row
            newest = newest.ffill().bfill()
        newest.to_csv(tmp_path / "newest.csv", index=False)
        answer = one.answer(one.task.read_input(tmp_path / "newest.csv"))
        errors.append((answer[["y", "z"]].to_numpy() - after) / meta.series[0].std[:2])
    assert 0.15 < np.isnan(errors).mean() < 0.25
    return np.nanmean(np.square(errors))


def files_of_the_test_set(one):
    return one.task.read_input(one.raw).pipe(
        lambda table: table[table["file"].str.contains("|".join(VOICES["test"]))]
    )


def recognition_score(one, _):
    table = files_of_the_test_set(one)
    return np.mean(one.answer(table)["word"].to_numpy() == table["file"].str[0].to_numpy())


def transcription_score(one, _):
    wanted = pd.read_csv(one.raw / "transcripts.tsv", sep="\t", dtype=str).set_index("file")["text"]
    answer = one.answer(files_of_the_test_set(one))
    pairs = [
        (text, wanted[file]) for file, text in zip(answer["file"], answer["text"], strict=True)
    ]
    return sum(edits(*pair) for pair in pairs) / sum(len(text) for _, text in pairs)


def sentiment_score(one, _):
    table = one.task.read_input(one.raw / "o.tsv")[(one.data["splits"] == TEST).numpy()]
    return np.mean(one.answer(table)["label"].to_numpy() == table["label"].to_numpy())


def translation_score(one, _):
    span = one.task.meta.range_of("test")
    sources, references = (texts_of(one.data, what, *span) for what in ("source", "target"))
    answer = one.answer(pd.DataFrame({"text": sources}))
    return corpus_bleu(answer["translation"].tolist(), references, "13a")


def text_score(one, _, monkeypatch):
    """Nats of the test text, written on token by token; what is drawn is replaced by the truth."""
    (file,) = one.raw.glob("*.txt")
    tokens = tokenize(file.read_text(), "char")[-one.task.meta.items["test"] :]
    after, nats = iter(tokens[1:]), []

    def truth(logits, *_):
        token = one.task.index[next(after)]
        nats.append(-float(functional.log_softmax(logits.double(), -1)[token]))
        return token

    monkeypatch.setattr(write, "sample", truth)
    one.answer(pd.DataFrame({"prompt": tokens[:1]}), num_tokens=len(tokens) - 1)
    return np.mean(nats)


def test_every_task_is_served_what_it_is_scored_on():
    assert SETUPS.keys() == FETCH.keys() == REGISTRY.keys()


@pytest.mark.parametrize(
    ("name", "served"),
    [
        ("forecasting", forecast_score),
        ("speech_recognition", recognition_score),
        ("speech_transcription", transcription_score),
        ("sentiment", sentiment_score),
        ("translation", translation_score),
    ],
)
def test_answers_to_the_test_input_have_the_promised_score(trained, tmp_path, name, served):
    one = trained(name)
    assert served(one, tmp_path) == pytest.approx(one.promised.overall, rel=1e-4)


def test_text_is_written_with_the_promised_probability(trained, tmp_path, monkeypatch):
    one = trained("text_generation")
    served = text_score(one, tmp_path, monkeypatch)
    assert served == pytest.approx(one.promised.overall, rel=1e-4)


def test_symbols_are_recalled_as_often_as_promised(trained):
    one = trained("copy_memory")
    (file,) = one.raw.glob("*.txt")
    lines = one.task.read_input(file)["symbols"].tolist()[-one.task.meta.items["test"] :]
    recalled = one.answer(pd.DataFrame({"symbols": lines}))["recalled"]
    right = [
        a == b for pair in zip(recalled, lines, strict=True) for a, b in zip(*pair, strict=True)
    ]
    assert np.mean(right) == pytest.approx(one.promised.others["recalled_share"])
