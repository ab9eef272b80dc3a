"""Several series in one table: each is as it would be alone, and one model answers them all.

What one series gives alone is the reference, which other tests have against the outside.
"""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from usual_forecasting import prepared_with

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS
from rnn_core.tasks.base.divides import divide
from rnn_core.tasks.base.rescores import known_again
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.long_table import places_of
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.models import build_model

ASKED = Forecasting.AnswerParameters()
OPTIONS = {"targets": ("y",), "features": ("x",), "lookback": 6, "horizon": 3}
LENGTHS = {"north": 70, "south": 55, "east": 90}


def one_series(rows, seed, start="2024-01-01"):
    draw = np.random.default_rng(seed)
    times = pd.date_range(start, periods=rows)
    level, scale = 10.0 ** draw.integers(0, 4, 2)
    drawn = {"y": level + scale * draw.normal(size=rows), "x": scale * draw.normal(size=rows)}
    return pd.DataFrame({"date": times, **drawn})


def parts_of(lengths=LENGTHS):
    """Series of other lengths, levels and first days."""
    starts = pd.date_range("2023-11-05", periods=len(lengths), freq="17D")
    pairs = zip(lengths.items(), starts, strict=True)
    return {name: one_series(rows, seed, start) for seed, ((name, rows), start) in enumerate(pairs)}


def stacked(parts):
    return pd.concat([part.assign(store=name) for name, part in parts.items()], ignore_index=True)


prepared = partial(prepared_with, OPTIONS)


@pytest.fixture
def parts():
    return parts_of()


@pytest.fixture
def together(tmp_path, parts):
    return prepared(tmp_path / "together", stacked(parts), series="store")


@pytest.fixture
def alone(tmp_path, parts):
    return {name: prepared(tmp_path / name, part) for name, part in parts.items()}


def test_each_series_is_scaled_and_cut_as_it_is_alone(together, alone):
    task, data = together
    expected = torch.cat([values["values"] for _, values in alone.values()])
    assert torch.equal(data["values"], expected)
    for one, (own, _) in zip(task.meta.series, alone.values(), strict=True):
        (scale,) = own.meta.series
        assert (one.mean, one.std) == (scale.mean, scale.std)
    assert [one.name for one in task.meta.series] == [*LENGTHS]
    for split in SPLITS:
        assert task.meta.items[split] == sum(own.meta.items[split] for own, _ in alone.values())


@pytest.mark.parametrize("order", ["by date", "shuffled series", "in turn"])
def test_rows_may_stand_in_any_order_of_series(tmp_path, parts, together, order):
    table = stacked(parts)
    if order == "by date":
        table = table.sort_values("date", kind="stable")
    elif order == "in turn":
        place = table.groupby("store").cumcount()
        table = table.iloc[np.argsort(place, kind="stable")]
    else:
        table = stacked({name: parts[name] for name in ("east", "north", "south")})
    other, data = prepared(tmp_path / "other", table, series="store")
    task, own = together
    for name in LENGTHS:
        pieces = []
        for t, d in ((task, own), (other, data)):
            place = [one.name for one in t.meta.series].index(name)
            splits = t.meta.series_borders[place]
            pieces.append(d["values"][splits["train"][0] : splits["test"][1]])
        assert torch.equal(*pieces)


def test_no_window_has_rows_of_two_series(together, alone):
    task, data = together
    starts = np.cumsum([0, *LENGTHS.values()])
    for split in SPLITS:
        found = [
            int(start) + own.rows(values, split)
            for start, (own, values) in zip(starts, alone.values(), strict=False)
        ]
        assert torch.equal(task.rows(data, split), torch.cat(found))


@torch.inference_mode()
@pytest.mark.parametrize("loss", ["mse", "quantile"])
def test_scores_are_those_of_the_series_alone(tmp_path, parts, loss):
    model = ForecastingModel(hidden_size=4, loss=loss)
    task, data = prepared(tmp_path / "together", stacked(parts), model, series="store")
    network = build_model(task, "gru").eval()
    scores = task.scores(network, data, "test")
    apart = []
    for name, part in parts.items():
        own, values = prepared(tmp_path / name, part, model)
        apart.append(own.scores(network, values, "test"))
    np.testing.assert_allclose(scores.values, torch.cat([one.values for one in apart]), rtol=1e-5)
    counts = [len(one.values) for one in apart]
    for metric in scores.others:
        each = [one.others[metric.removesuffix("_least")] for one in apart]
        least = metric.endswith("_least")
        expected = min(each) if least else np.average(each, weights=counts)
        assert scores.others[metric] == pytest.approx(expected, rel=1e-5)
    assert len({len(np.unique(one.clusters)) for one in apart} - {1}) > 0
    assert len(np.unique(scores.clusters)) == sum(len(np.unique(one.clusters)) for one in apart)
    for series, found in zip(apart, scores.clusters.split(counts), strict=True):
        assert torch.equal(series.clusters, found - found[0])


def test_baselines_of_each_series_are_those_of_it_alone(tmp_path, parts):
    counts = {
        name: part.assign(y=np.random.default_rng(i).poisson(0.2, len(part)), x=part["x"])
        for i, (name, part) in enumerate(parts.items())
    }
    options = {"nonnegative": True, "lookback": 8}
    task, data = prepared(tmp_path / "together", stacked(counts), series="store", **options)
    apart = {name: prepared(tmp_path / name, part, **options) for name, part in counts.items()}
    weights = [own.meta.items["test"] for own, _ in apart.values()]
    found = task.baselines(data)
    each = [own.baselines(values) for own, values in apart.values()]
    for name in ("repeat_last", "repeat_week", "zeros", "mean"):
        expected = np.average([one[name] for one in each], weights=weights)
        assert found[name] == pytest.approx(expected, rel=1e-5)
    assert {"linear", "dlinear"} <= found.keys()


def test_training_reads_all_series_and_nothing_after_their_training_splits(tmp_path, parts):
    later = {name: part.copy() for name, part in parts.items()}
    for part in later.values():
        part.loc[round(0.7 * len(part)) :, ["y", "x"]] = 1e5
    batches = []
    for name, each in (("own", parts), ("later", later)):
        task, data = prepared(tmp_path / name, stacked(each), series="store")
        draw = torch.Generator().manual_seed(0)
        batches.append([t for batch in task.training_batches(data, 16, draw) for t in batch])
    assert sum(map(len, batches[0][::2])) == task.meta.items["train"]
    assert all(torch.equal(*pair) for pair in zip(*batches, strict=True))


@torch.inference_mode()
def test_each_series_is_answered_as_alone(together, alone, parts):
    task, _ = together
    network = build_model(task, "gru").eval()
    answer = task.answer(
        network, stacked(parts).sample(frac=1, random_state=0).sort_values("date"), ASKED
    )
    assert list(answer.columns) == ["store", "date", "y"]
    assert answer["store"].value_counts().to_dict() == dict.fromkeys(LENGTHS, 3)
    for name, (own, _) in alone.items():
        expected = own.answer(network, parts[name], ASKED)
        found = answer[answer["store"] == name].drop(columns="store").reset_index(drop=True)
        pd.testing.assert_frame_equal(found, expected, rtol=1e-6)


@torch.inference_mode()
def test_series_that_is_new_is_scaled_by_its_own_rows(tmp_path, together, parts):
    """So its answer goes with its level and its unit, and no other series says anything to it."""
    task, _ = together
    network = build_model(task, "gru").eval()
    west = one_series(40, 9)
    answer = task.answer(network, stacked({"west": west, "south": parts["south"]}), ASKED)
    past = west[["y", "x"]].to_numpy()
    scaled = torch.tensor((past - past.mean(axis=0)) / past.std(axis=0)).float()
    expected = network(scaled[None, -6:])[0, :, 0].double().numpy()
    found = answer[answer["store"] == "west"]["y"]
    np.testing.assert_allclose(found, expected * past[:, 0].std() + past[:, 0].mean(), rtol=1e-5)
    moved = west.assign(y=1000 * west["y"] + 7)
    other = task.answer(network, stacked({"west": moved}), ASKED)["y"]
    np.testing.assert_allclose(other, 1000 * found + 7, rtol=1e-4)


@torch.inference_mode()
def test_new_series_that_never_changes_has_the_scale_of_the_others(together):
    task, _ = together
    flat = one_series(20, 9).assign(y=50.0)
    answer = task.answer(build_model(task, "gru").eval(), stacked({"west": flat}), ASKED)
    spread = np.median([one.std[0] for one in task.meta.series])
    assert answer["y"].notna().all()
    assert (abs(answer["y"] - 50) < 2 * spread).all()


def test_all_series_that_cannot_be_answered_are_told(together, parts):
    task, _ = together
    table = stacked({"new": one_series(4, 0), "north": parts["north"], "short": one_series(2, 0)})
    table.loc[len(table) - 5, "y"] = np.nan
    with pytest.raises(DataError) as error:
        task.answer(build_model(task, "gru").eval(), table, ASKED)
    told = str(error.value)
    assert "the table, series 'new' has 4 rows; 6 are needed" in told
    assert "the table, series 'short' has 2 rows; 6 are needed" in told
    assert "the table, series 'north', row 72, column 'y' has no value" in told
    with pytest.raises(DataError, match="unknown column 'store'"):
        task.answer(build_model(task, "gru").eval(), parts["north"], ASKED)


def test_example_is_of_series_that_are_long_enough(tmp_path, parts):
    table = stacked({"short": one_series(3, 5), **parts})
    task, _ = prepared(tmp_path / "raw", table, series="store")
    example = task.example(tmp_path / "raw")
    assert list(example.columns) == ["store", "date", "y", "x"]
    assert example["store"].tolist() == ["north"] * 6 + ["south"] * 6
    assert len(task.answer(build_model(task, "gru").eval(), example, ASKED)) == 6


@pytest.mark.parametrize("division", ["refit", "moved_back", "moved_back_refit"])
def test_splits_of_each_series_move_as_they_do_alone(together, alone, division):
    moved, meta = divide(Forecasting, together[1], together[0].meta, division)
    task = Forecasting(meta, ForecastingModel())
    divided = {
        name: divide(Forecasting, data, own.meta, division) for name, (own, data) in alone.items()
    }
    assert torch.equal(moved["values"], torch.cat([data["values"] for data, _ in divided.values()]))
    for split in SPLITS:
        assert meta.items[split] == sum(own.items[split] for _, own in divided.values())
        found = [
            Forecasting(own, ForecastingModel()).windows(data, rows)
            for data, own in divided.values()
            if len(rows := Forecasting(own, ForecastingModel()).rows(data, split))
        ]
        past, future = task.windows(moved, task.rows(moved, split))
        assert torch.equal(past, torch.cat([pair[0] for pair in found]) if found else past[:0])
        assert torch.equal(future, torch.cat([pair[1] for pair in found]) if found else future[:0])


@torch.inference_mode()
def test_later_table_is_scored_as_its_series_are_answered(tmp_path, together):
    """In the scales of the later table, with one series that the model was not trained on."""
    task, _ = together
    network = build_model(task, "gru").eval()
    parts = {"east": one_series(80, 20), "west": one_series(60, 21), "north": one_series(75, 22)}
    (later := tmp_path / "later").mkdir()
    stacked(parts).to_csv(later / "t.csv", index=False)
    found = task.rescore(network, later, task.meta.parameters, 0, task.meta)
    expected = []
    _, meta = Forecasting.prepare(later, task.meta.parameters)
    for one, part in zip(meta.series, parts.values(), strict=True):
        known = task.meta.by_name.get(one.name, one)
        for now in range(round(0.8 * len(part)), len(part) - 2):
            past = (part[["y", "x"]][now - 6 : now].to_numpy() - known.mean) / known.std
            said = network(torch.tensor(past).float()[None])[0, :, 0].double().numpy()
            truth = part["y"][now : now + 3].to_numpy()
            error = (said * known.std[0] + known.mean[0] - truth) / one.std[0]
            expected.append((error**2).mean())
    np.testing.assert_allclose(found.values, expected, rtol=1e-4)


@pytest.mark.parametrize("dated", [True, False])
def test_rows_of_one_series_are_not_taken_for_those_of_another(tmp_path, parts, dated):
    options = {"series": "store", "date": "date" if dated else None}
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    stacked(parts).to_csv(tmp_path / "a/t.csv", index=False)
    other = stacked(parts).replace({"store": {"north": "west"}})
    if not dated:
        other.loc[other["store"] == "west", "y"] += 1
    other.to_csv(tmp_path / "b/t.csv", index=False)
    before, later = (
        Forecasting.marks(tmp_path / name, ForecastingData(**OPTIONS | options), 0)["test"]
        for name in ("a", "b")
    )
    number = 70 - round(0.8 * 70) - 2
    assert known_again(later, before).tolist() == [False] * number + [True] * (len(later) - number)


def test_series_may_be_too_short_for_some_splits(tmp_path, parts):
    table = stacked({"short": one_series(8, 5), **parts})
    task, data = prepared(tmp_path / "more", table, series="store")
    less, _ = prepared(tmp_path / "less", stacked(parts), series="store")
    assert task.meta.items["train"] == less.meta.items["train"]
    assert len(data["values"]) == sum(LENGTHS.values()) + 8


def test_feature_that_never_changes_within_a_series_has_one_scale_for_all(tmp_path, parts):
    sizes = {"north": 100.0, "south": 250.0, "east": 40.0}
    table = stacked({name: part.assign(x=sizes[name]) for name, part in parts.items()})
    task, data = prepared(tmp_path / "t", table, series="store")
    rows = np.concatenate([[sizes[n]] * round(0.7 * k) for n, k in LENGTHS.items()])
    expected = (np.array(list(sizes.values())) - rows.mean()) / rows.std()
    found = [float(data["values"][first, 1]) for first, _ in task.meta.borders["train"]]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    new = stacked({"west": one_series(20, 3).assign(x=130.0)})
    rows_of_new = task.newest("west", new, pd.DatetimeIndex(new["date"]), until=20, count=3)
    np.testing.assert_allclose(rows_of_new.past[:, 1], (130 - rows.mean()) / rows.std(), rtol=1e-5)


def test_series_whose_target_stands_still_in_training_has_the_scale_of_the_others(tmp_path, parts):
    still = parts["north"].copy()
    still.loc[:49, "y"] = 4.0
    task, _ = prepared(tmp_path / "t", stacked({**parts, "north": still}), series="store")
    stds = {one.name: one.std[0] for one in task.meta.series}
    assert stds["north"] == np.median([stds["south"], stds["east"]])


def test_series_from_the_newest_to_the_oldest_are_read_as_the_others(tmp_path, parts):
    """One below the other, and in turn, as a database answers that sorts by time."""
    table = stacked(parts)
    usual, data = prepared(tmp_path / "a", table, series="store")
    places = {one.name: one for one in usual.meta.series}
    in_turn = table.sort_values("date", ascending=False, kind="stable")
    for name, turned in {"b": table[::-1], "c": in_turn}.items():
        task, other = prepared(tmp_path / name, turned, series="store")
        assert {one.name: one for one in task.meta.series} == places
        assert [one.name for one in task.meta.series] == [*turned["store"].unique()]
        answer = task.answer(build_model(task, "gru").eval(), turned, ASKED)
        assert [*answer["store"].unique()] == [*turned["store"].unique()]
        for one, borders in zip(usual.meta.series, usual.meta.series_borders, strict=True):
            mine = [own.name for own in task.meta.series].index(one.name)
            rows, there = (b["train"][0] for b in (borders, task.meta.series_borders[mine]))
            length = borders["test"][1] - rows
            assert torch.equal(data["values"][rows:][:length], other["values"][there:][:length])


def with_south_reversed(table):
    return table.iloc[[*range(70), *range(124, 69, -1), *range(125, 215)]]


def with_hours(table):
    hours = one_series(30, 1).assign(store="w", date=pd.date_range("2024", periods=30, freq="h"))
    return pd.concat([table, hours])


def without_a_name(table):
    return table.assign(store=table["store"].where(table.index != 5))


def with_levels_alone(table):
    return table.assign(y=table["store"].map({"north": 1.0, "south": 2.0, "east": 3.0}))


WRONG = {
    "order": (with_south_reversed, "series 'south', row 73: .* reverse the rows"),
    "twice": (lambda t: t.replace({"store": {"south": "north"}}), "series 'north', row"),
    "step": (with_hours, "series 'w' has rows 3600 seconds apart, and the longest series 86400"),
    "nameless": (without_a_name, "row 7: column 'store' is empty; name its series, in each row"),
    "absent": (lambda t: t.rename(columns={"store": "shop"}), "unknown column 'store'"),
    "all still": (with_levels_alone, "target column 'y' never changes within a series"),
    "all short": (lambda t: t.groupby("store").head(9), "no series has a .* set that is long"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_told_with_the_series(tmp_path, parts, kind):
    change, message = WRONG[kind]
    with pytest.raises(DataError, match=message):
        prepared(tmp_path / "t", change(stacked(parts)), series="store")


def test_column_of_series_is_no_other_column():
    for column in ("y", "x", "date"):
        with pytest.raises(ValueError, match=f"series '{column}' is a date, target or feature"):
            ForecastingData(**OPTIONS, series=column)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from([1, 2, 3.0, "1", "a", "b ", 2.5]), min_size=1, max_size=30))
def test_every_row_is_of_the_series_that_it_names_in_its_order(names):
    table = pd.DataFrame({"id": pd.Series(names, dtype=object), "y": range(len(names))})
    written = [str(int(n)) if isinstance(n, float) and n.is_integer() else str(n) for n in names]
    found = places_of(table, "id", "t")
    assert list(found) == list(dict.fromkeys(written))
    assert {k: v.tolist() for k, v in found.items()} == {
        name: [i for i, own in enumerate(written) if own == name] for name in written
    }


def test_series_of_another_kind_of_table_are_not_compared(tmp_path, together, parts):
    task, _ = together
    (later := tmp_path / "later").mkdir()
    parts["north"].to_csv(later / "t.csv", index=False)
    asked = ForecastingData(**OPTIONS)
    with pytest.raises(DataError, match="a table of several series"):
        task.rescore(build_model(task, "gru"), later, asked, 0, task.meta)
