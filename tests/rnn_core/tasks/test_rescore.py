"""Models scored on files that came after their training, as they would answer them."""

import numpy as np
import pandas as pd
import pytest
import torch
from good_files import read_table
from rescoring import model_of, parameters_of, rescored, write

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS
from rnn_core.parameters import parse
from rnn_core.tasks import REGISTRY, get_task
from rnn_core.tasks.base.rescores import known_again
from rnn_core.tasks.sentiment import files as sentiment


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
    table = sentiment.read_splits(later, asked).table
    table = table[table["split"] == 2]
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


def test_texts_that_fell_on_another_split_are_known_again(tmp_path):
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
