"""A prepared dataset divided again: for a refit, and one validation set earlier."""

from dataclasses import replace

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from usual_training import config_of

from rnn_core.errors import ParameterError
from rnn_core.metric import SPLITS
from rnn_core.sources.agreement_text import AgreementText
from rnn_core.sources.number_words import NumberWords
from rnn_core.sources.random_symbols import RandomSymbols
from rnn_core.sources.synthetic_digits import SyntheticDigits
from rnn_core.tasks import REGISTRY, get_task
from rnn_core.tasks.base.divides import divide
from rnn_core.tasks.base.splits import items_of
from rnn_core.tasks.sentiment.evidence import sentence_counts
from rnn_core.tasks.speech_transcription.learn import texts_of as symbols_of
from rnn_core.tasks.translation.learn import NOT_WRITTEN, texts_of
from rnn_core.training.evaluation import evaluate_together
from rnn_core.training.loop import TrainingParameters, train
from rnn_core.training.models import build_model, restore
from rnn_core.training.run_folder import MODEL

VOICES = {"num_mels": 6, "validation": ("voice03",), "test": ("voice04",)}
SMALL = {"hidden_size": 6}

SETUPS = {
    "copy_memory": (
        RandomSymbols(60, length=3, seed=1).fetch,
        {"lag": 2, "validation_share": 0.2},
        SMALL,
    ),
    "forecasting": (
        lambda raw: wave(120).to_csv(raw / "table.csv", index=False),
        {"targets": ("y",), "date": None, "lookback": 8, "horizon": 3, "missing": "fill"},
        SMALL,
    ),
    "sentiment": (
        lambda raw: opinions(60).to_csv(raw / "o.tsv", sep="\t", index=False),
        {"validation_share": 0.2, "test_share": 0.2},
        SMALL | {"embedding_size": 4, "word_evidence": True},
    ),
    "speech_recognition": (
        SyntheticDigits(5, 1, noise=0.3, seed=1, numbers=tuple("147")).fetch,
        {"split_by": "speaker", **VOICES},
        SMALL,
    ),
    "speech_transcription": (
        SyntheticDigits(5, 1, noise=0.3, seed=1, numbers=tuple("147")).fetch,
        {"split_by": "speaker", "strings": (12, 4, 6), "string_words": (1, 2), **VOICES},
        SMALL | {"stack": 1},
    ),
    "text_generation": (
        AgreementText(3000, seed=1).fetch,
        {},
        SMALL | {"embedding_size": 4, "sequence_length": 8},
    ),
    "translation": (
        NumberWords(80, largest=9, seed=1).fetch,
        {"source_file": "sums.en", "max_vocabulary": 60, "repeated": "drop"},
        SMALL | {"embedding_size": 4},
    ),
}
"""Sources, parameters and model of each task."""


def wave(rows):
    numbers = torch.arange(rows, dtype=torch.float64)
    y = (numbers / 3).sin() + (numbers * 7 % 5) / 9
    return pd.DataFrame({"y": y.where(numbers % 11 != 4, torch.nan).numpy()})


def opinions(rows):
    words = ("dull", "slow", "fine", "warm", "bright")
    texts = [f"{words[i % 5]} {words[i * i % 5]} thing {i % 23}" for i in range(rows)]
    return pd.DataFrame({"text": texts, "label": [i % 5 // 3 for i in range(rows)]})


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Prepared data of each task, made once."""
    done = {}

    def make(name, **other):
        key = name, repr(other)
        if key not in done:
            fetch, parameters, _ = SETUPS[name]
            fetch(raw := tmp_path_factory.mktemp(name))
            kind = get_task(name)
            done[key] = kind.prepare(raw, kind.DataParameters(**{**parameters, **other}))
        return done[key]

    return make


def task_of(name, meta, seed=0):
    kind = get_task(name)
    return kind(meta, kind.ModelParameters(**SETUPS[name][2]), seed)


def rows_of(tensor):
    return [tuple(row) if isinstance(row, list) else row for row in tensor.tolist()]


def items(name, data, meta, split):
    """Content of a split, item by item, as it is read; of a table its rows."""
    if name in ("copy_memory", "text_generation"):
        return rows_of(data[split])
    if name == "forecasting":
        return rows_of(data["values"][slice(*meta.borders[split][0])].nan_to_num(-9))
    if name == "translation":
        span = meta.range_of(split)
        return list(zip(*(texts_of(data, w, *span) for w in ("source", "target")), strict=True))
    splits = data["splits"][0] if name == "speech_recognition" else data["splits"]
    return items_of(splits, split).tolist()


def splits_of(name, divided):
    return {split: items(name, *divided, split) for split in SPLITS}


def test_every_task_is_here():
    assert SETUPS.keys() == REGISTRY.keys()


@pytest.mark.parametrize("name", SETUPS)
def test_refit_trains_on_the_union_and_is_scored_on_the_same_test_set(prepared, name):
    data, meta = prepared(name)
    before = splits_of(name, (data, meta))
    joined, moved = divide(get_task(name), data, meta, "refit")
    after = splits_of(name, (joined, moved))
    union = before["train"] + before["validation"]
    assert sorted(after["train"]) == sorted(union)
    if name in ("copy_memory", "text_generation", "forecasting", "translation"):
        assert after["train"] == union
    assert after["validation"] == []
    assert moved.items["validation"] == 0
    model = build_model(task_of(name, meta), "gru").eval()
    with torch.inference_mode():
        own, other = (
            task_of(name, m).scores(model, d, "test") for d, m in ((data, meta), (joined, moved))
        )
    assert torch.equal(own.values, other.values)
    assert torch.equal(own.weights, other.weights)


@pytest.mark.parametrize("name", SETUPS)
def test_moved_back_the_training_set_alone_is_trained_on_and_chosen_by(prepared, name):
    data, meta = prepared(name)
    before = splits_of(name, (data, meta))
    moved = divide(get_task(name), data, meta, "moved_back")
    after = splits_of(name, moved)
    chosen = len(after["validation"])
    assert sorted(after["train"] + after["validation"]) == sorted(before["train"])
    assert after["test"] == before["validation"]
    if name not in ("speech_transcription", "speech_recognition", "sentiment"):
        assert chosen == len(before["validation"])
    assert chosen > 0
    assert len(after["train"]) > 0
    counted = {s: len(after[s]) for s in SPLITS}
    if name == "forecasting":
        counted = {s: len(task_of(name, moved[1]).rows(moved[0], s)) for s in SPLITS}
        assert min(counted.values()) > 0
    assert moved[1].items == counted


@pytest.mark.parametrize("name", SETUPS)
def test_refit_one_validation_set_earlier_trains_on_the_training_set(prepared, name):
    data, meta = prepared(name)
    before = splits_of(name, (data, meta))
    after = splits_of(name, divide(get_task(name), data, meta, "moved_back_refit"))
    assert sorted(after["train"]) == sorted(before["train"])
    assert after["validation"] == []
    assert after["test"] == before["validation"]


def poisoned(name, data, meta):
    """The data with a test set of other content."""
    found = {key: tensor.clone() for key, tensor in data.items()}
    if name in ("copy_memory", "text_generation"):
        found["test"] = (found["test"] + 1) % int(found["train"].max())
    elif name == "forecasting":
        first, after = meta.borders["test"][0]
        found["values"][first:after] = torch.nan
    elif name == "translation":
        first, _ = meta.range_of("test")
        for what in ("source", "target"):
            found[what][int(data[f"{what}_lengths"][:first].sum()) :] = 5
    else:
        splits = data["splits"][0] if name == "speech_recognition" else data["splits"]
        content = "words" if name == "sentiment" else "frames"
        lengths = data["lengths"].tolist()
        for piece, split in zip(found[content].split(lengths), splits.tolist(), strict=True):
            if split == SPLITS.index("test"):
                piece.fill_(torch.nan if piece.is_floating_point() else 1)
    assert any(not torch.equal(found[key], tensor) for key, tensor in data.items())
    return found


def trained(name, data, meta, division, folder):
    """The weights of a training on a division, and the record of its epochs."""
    data, meta = divide(get_task(name), data, meta, division)
    parameters = {"epochs": 2, "batch_size": 4, "learning_rate": 0.01}
    config = config_of(
        name, dataset=name, model=SETUPS[name][2], training=parameters, division=division
    )
    train(task_of(name, meta), data, config, TrainingParameters(**parameters), folder)
    return load_file(folder / MODEL), (folder / "metrics.jsonl").read_text()


@pytest.mark.parametrize("division", ["moved_back", "moved_back_refit"])
@pytest.mark.parametrize("name", SETUPS)
def test_rolling_origin_never_reads_the_test_set(prepared, tmp_path, name, division):
    data, meta = prepared(name)
    weights, record = trained(name, data, meta, division, tmp_path / "own")
    other = trained(name, poisoned(name, data, meta), meta, division, tmp_path / "poisoned")
    assert record == other[1]
    for key, weight in weights.items():
        assert torch.equal(weight, other[0][key])
        assert weight.isfinite().all()


@pytest.mark.parametrize("name", SETUPS)
def test_refit_reads_the_validation_set_and_not_the_test_set(prepared, tmp_path, name):
    data, meta = prepared(name)
    weights, _ = trained(name, data, meta, "refit", tmp_path / "own")
    other, _ = trained(name, poisoned(name, data, meta), meta, "refit", tmp_path / "poisoned")
    assert all(torch.equal(weight, other[key]) for key, weight in weights.items())
    less, _ = trained(name, data, meta, "moved_back_refit", tmp_path / "less")
    assert any(not torch.equal(weight, less[key]) for key, weight in weights.items())


@pytest.mark.parametrize("division", ["moved_back", "moved_back_refit"])
@pytest.mark.parametrize("name", SETUPS)
def test_moved_back_a_model_is_scored_on_the_validation_set(prepared, tmp_path, name, division):
    """Item by item as `prepare` has it, with what words said in training."""
    data, meta = prepared(name)
    trained(name, data, meta, division, tmp_path)
    found = evaluate_together([tmp_path], data, meta, torch.device("cpu"))
    assert found.keys() == {"validation"}
    _, moved = divide(get_task(name), data, meta, division)
    if name == "sentiment":
        meta = replace(meta, sentence_counts=moved.sentence_counts)
    task, model = restore(tmp_path, meta)
    with torch.inference_mode():
        expected = task.scores(model, data, "validation")
    assert torch.equal(found["validation"].values, expected.values)
    assert torch.equal(found["validation"].weights, expected.weights)


@pytest.mark.parametrize("division", ["moved_back", "moved_back_refit"])
def test_labels_that_chose_say_nothing_where_a_model_is_scored(prepared, tmp_path, division):
    """Else the one that they were held out from would read what the other learned."""
    kind, (data, meta) = get_task("sentiment"), prepared("sentiment")
    trained("sentiment", data, meta, division, tmp_path)
    moved, _ = divide(kind, data, meta, "moved_back")
    labels, held = data["labels"].clone(), items_of(moved["splits"], "validation")
    labels[held] = labels[held].roll(1)
    again, _ = divide(kind, {**data, "labels": labels}, meta, "moved_back")
    assert torch.equal(again["splits"], moved["splits"]), "the same sentences choose"
    sizes = len(meta.vocabulary), len(meta.classes)
    counts = sentence_counts({**data, "labels": labels}, items_of(data["splits"], "train"), *sizes)
    assert counts.tolist() != meta.sentence_counts
    other = replace(meta, sentence_counts=counts.tolist())
    own, found = (
        evaluate_together([tmp_path], {**data, "labels": said}, counted, torch.device("cpu"))
        for said, counted in ((data["labels"], meta), (labels, other))
    )
    assert own["validation"].loss == found["validation"].loss


def test_speakers_that_take_turns_move_on_and_the_tested_one_stays_out(prepared):
    data, meta = prepared("speech_recognition", split_by="each_speaker", validation=(), test=())
    kind, speakers = get_task("speech_recognition"), data["speakers"]
    joined, _ = divide(kind, data, meta, "refit")
    moved, _ = divide(kind, data, meta, "moved_back")
    again, _ = divide(kind, data, meta, "moved_back_refit")

    def who(found, fold, split):
        return speakers[items_of(found["splits"][fold], split)].unique().tolist()

    assert len(data["splits"]) == 5
    for fold in range(5):
        tested, scored, chooses, *others = ((fold + step) % 5 for step in range(5))
        assert [who(joined, fold, s) for s in SPLITS] == [
            sorted([scored, chooses, *others]),
            [],
            [tested],
        ]
        assert [who(moved, fold, s) for s in SPLITS] == [sorted(others), [chooses], [scored]]
        assert [who(again, fold, s) for s in SPLITS] == [sorted([chooses, *others]), [], [scored]]


def test_words_tell_nothing_of_the_sentences_that_choose(prepared):
    data, meta = prepared("sentiment")
    moved, found = divide(get_task("sentiment"), data, meta, "moved_back")
    train = items_of(moved["splits"], "train")
    sizes = len(meta.vocabulary), len(meta.classes)
    assert found.sentence_counts == sentence_counts(data, train, *sizes).tolist()
    assert found.sentence_counts != meta.sentence_counts


def test_sentences_that_are_said_again_choose_together(tmp_path):
    """A sentence that is trained on does not show whether it is known by heart."""
    table = pd.concat([opinions(40)] * 3, ignore_index=True)
    table.to_csv(tmp_path / "o.tsv", sep="\t", index=False)
    kind = get_task("sentiment")
    data, meta = kind.prepare(tmp_path, kind.DataParameters(**SETUPS["sentiment"][1]))
    moved, _ = divide(kind, data, meta, "moved_back")
    texts = [tuple(t.tolist()) for t in data["words"].split(data["lengths"].tolist())]
    held, left = ([texts[i] for i in items_of(moved["splits"], s)] for s in ("validation", "train"))
    assert len(set(held)) < len(held)
    assert len(left) > 0
    assert not set(held) & set(left)


def test_text_with_a_symbol_that_nobody_learned_stays_out_of_a_refit(prepared):
    data, meta = prepared("speech_transcription")
    place = items_of(data["splits"], "validation")[1]
    strange = {**data, "symbols": data["symbols"].clone()}
    first = int(data["symbol_lengths"][:place].sum())
    strange["symbols"][first] = len(meta.symbols) + 1
    joined, found = divide(get_task("speech_transcription"), strange, meta, "refit")
    train = items_of(joined["splits"], "train").tolist()
    both = [i for s in ("train", "validation") for i in items_of(data["splits"], s).tolist()]
    assert sorted(train) == sorted(set(both) - {int(place)})
    assert found.items["train"] == len(train)
    assert max(max(symbols_of(joined)[i]) for i in train) == len(meta.symbols)


def test_pieces_that_are_never_written_do_not_count_in_the_loss(prepared):
    """As they may be in the validation set, which a refit is trained on."""
    data, meta = prepared("translation")
    fewer = replace(meta, written=meta.written[:-1])
    whole, less = task_of("translation", meta), task_of("translation", fewer)
    model = build_model(less, "gru")
    for batch in whole.training_batches(data, 8, torch.Generator().manual_seed(0)):
        logits, wanted = less.outputs(model, batch)
        kept = wanted != NOT_WRITTEN
        expected = -logits.log_softmax(dim=1)[kept, wanted[kept]].mean()
        model.eval()
        loss, _ = less.loss(model, batch, None)
        torch.testing.assert_close(loss, expected)
        model.train()
        less.loss(model, batch, None)[0].backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("copy_memory", {"validation_share": 0.45, "test_share": 0.1}),
        ("text_generation", {"validation_share": 0.47, "test_share": 0.1}),
        ("forecasting", {"split": (0.4, 0.4, 0.2)}),
        ("translation", {"validation_share": 0.46, "test_share": 0.1}),
        (
            "speech_recognition",
            {"validation": ("voice02", "voice03"), "test": ("voice04", "voice01")},
        ),
    ],
)
def test_split_that_leaves_nothing_to_train_on_is_refused(prepared, name, changes):
    data, meta = prepared(name, **changes)
    with pytest.raises(ParameterError, match="leaves nothing to train on"):
        divide(get_task(name), data, meta, "moved_back")


def test_forecasts_need_a_window_in_each_part(prepared):
    data, meta = prepared("forecasting", split=(30, 25, 40))
    with pytest.raises(ParameterError, match=r"the train set has 5 rows.*8 and 3 rows"):
        divide(get_task("forecasting"), data, meta, "moved_back")
