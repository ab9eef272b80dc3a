"""Parameters to start from, for the user's own table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnn_core.errors import DataError, ParameterError
from rnn_core.readers.faults import Faults
from rnn_core.readers.indicators import columns_of
from rnn_core.tasks.base.prepares import Suggestion, parameters_of
from rnn_core.tasks.forecasting.column_choice import known_columns, training_rows, wanted_columns
from rnn_core.tasks.forecasting.long_table import series_of
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.reading import Table, table_of
from rnn_core.tasks.forecasting.seasons import season_of
from rnn_core.tasks.forecasting.steps import Step, step_of
from rnn_core.wording import amount

if TYPE_CHECKING:
    import pandas as pd

    from rnn_core.readers.table_files import TableFile


START_STEPS = 2_000
"""Steps of the optimiser that a suggested training has about, within 20 to 100 epochs."""

LEAST_ROWS = 20
"""Rows below which nothing is suggested: the shorter splits have 4 then."""

COLUMNS = ("targets", "features", "known")
"""Parameters that name columns."""

LISTS = (*COLUMNS, "calendar")
"""Parameters with several names, where the user may give a single one."""

START_SPLIT = (0.6, 0.2, 0.2)
"""Splits that are suggested: for short tables too, the shorter ones hold some windows."""

LEAST_OF_SEVERAL = 10
"""Rows that half of several series have at least."""

OUTLYING = 40
"""Widths of the middle half of the values from the median, beyond which a value is a mistake.
Of values whose logarithm is normal with a standard deviation of 1, one in 46,000 is."""

LONGEST_LOOKBACK = 336

LONGEST_HORIZON = 48
"""Rows that are suggested at most; a longer season is predicted by its quarter."""


def suggest(raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
    """Parameters for a table; the user has to name the targets only.

    The column of timestamps is found; lookback and horizon follow from the step
    between rows and their number. Gaps in columns and in time are declared, with
    `missing: fill` and `irregular: allow`, so that the person sees them; and so are counts, with
    `nonnegative: true`, and values that are far out, with `scaling: robust` and `loss: l1`.
    """
    from rnn_core.readers import tables  # noqa: PLC0415 - training does without
    from rnn_core.readers.times import steps  # noqa: PLC0415 - as above

    wanted = with_names(wanted)
    asked = parameters_of(ForecastingData, {"targets": ["?"], "date": None, **wanted})
    files = tables.table_files(raw)
    loaded, name = tables.load_table(files, asked.form), tables.name_of(files)
    data = {"date": None, "split": list(START_SPLIT)} | usable(loaded, name, wanted)
    table = table_of(loaded, name, parameters_of(ForecastingData, data))
    if table.numbers.isna().to_numpy().any():
        data.setdefault("missing", "fill")
    targets = data["targets"]
    if are_counts(table.numbers[targets].to_numpy()):
        data.setdefault("nonnegative", True)
    parts = table.parts.values()
    outlying = any(has_outliers(part.numbers[targets].to_numpy()) for part in parts)
    if outlying:
        data.setdefault("scaling", "robust")
    step = step_in_order(table, data["date"], data.get("series"))
    if not all(part.times is None or steps.regular(part.times) for part in parts):
        data.setdefault("irregular", "allow")
    lengths = [len(part.numbers) for part in parts]
    data |= suggest_windows(lengths, step, data, table.name)
    return {"data": data} | suggest_training(lengths, data, outlying=outlying)


def with_names(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Requested parameters, with names of columns as texts: a table without any has 1, 2, 3.

    A column alone stands for a list of it, and a list of those of timestamps for names with commas
    between.
    """
    found = dict(wanted)
    for key in {"date", "series", "time_parts", *LISTS} & found.keys():
        value = found[key]
        listed = list(map(named, value if isinstance(value, list) else [value]))
        if key in {"time_parts", *LISTS}:
            found[key] = listed
        else:
            found[key] = ",".join(listed) if isinstance(value, list) else listed[0]
    return found


def named(column: Any) -> Any:
    """A column by its name, as a text; what is no name is refused when it is checked."""
    return str(column) if type(column) is int else column


def step_in_order(table: Table, date: str | None, series: str | None) -> Step:
    """The step between the rows of a table, of several series that of the longest.

    Raises:
        DataError: If the rows of a series are not in the order of time; names all such series.
    """
    from rnn_core.readers.times import order  # noqa: PLC0415 - training does without

    if table.times is None:
        return Step(None, None)
    faults = Faults()
    for part in table.parts.values():
        assert part.times is not None
        with faults.noted():
            order.check_order(part.times, part.others, date, part.name, series)
    faults.check()
    longest = table.times[table.series[table.longest]]
    return step_of(longest) if len(longest) > 1 else Step(None, None)


def are_counts(values: NDArray[np.float64]) -> bool:
    """Return whether all values that are there are whole numbers, and none is below 0."""
    there = values[~np.isnan(values)]
    return bool((there >= 0).all() and (there == np.round(there)).all())


def has_outliers(values: NDArray[np.float64]) -> bool:
    """Return whether a value of a column (T, C) is so far from the others that it is a mistake.

    It is many times as far from the median as the middle half of the values is wide.
    """
    if len(values) < LEAST_ROWS or np.isnan(values).all(axis=0).any():
        return False
    low, median, high = np.nanquantile(values, [0.25, 0.5, 0.75], axis=0)
    return bool((np.abs(values - median) > OUTLYING * (high - low))[:, high > low].any())


def usable(table: "TableFile", name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Requested parameters, with the names of columns as in the table, and the one of timestamps.

    Args:
        table: Content of the file.
        name: Of the file.
        wanted: What is asked for, targets and features as lists.

    Raises:
        DataError: If the file cannot be used; names file and row.
        ParameterError: If what is wanted is not possible.
    """
    from rnn_core.readers import tables  # noqa: PLC0415 - training does without

    trained = training_rows(table.frame, wanted.get("series"), wanted.get("split", START_SPLIT))
    columns = {
        key: wanted_columns(
            table.frame,
            wanted.get(key, ()),
            name,
            None if key == "targets" else trained,
            table.notes,
        )
        for key in COLUMNS
        if key == "targets" or key in wanted
    }
    if not columns["targets"]:
        known = known_columns(table.frame)
        raise ParameterError(f"{name}: add --target COLUMN, the column to predict; {known}")
    given = [column for key in COLUMNS[1:] for column in columns.get(key, ())]
    used = [
        *columns["targets"],
        *columns_of(given),
        *([wanted["series"]] if wanted.get("series") is not None else []),
    ]
    times: dict[str, Any] = {}
    faults = Faults()
    with faults.noted():
        times = times_named(table.frame, used, name, wanted)
    if faults.found:  # of the numbers too, so that all faults are reported at once
        with faults.noted():
            numbers = [*columns["targets"], *given]
            tables.select_columns(table.frame, numbers, name, table.form.decimal, flags=given)
    faults.check()
    return {**wanted, **columns, **times}


def times_named(
    frame: "pd.DataFrame", used: Sequence[str], name: str, wanted: Mapping[str, Any]
) -> dict[str, Any]:
    """The column of timestamps, and those that make it together, where they are to be found.

    Raises:
        DataError: If they cannot be read.
    """
    from rnn_core.readers.times.finding import find_times, named_parts  # noqa: PLC0415 - as above
    from rnn_core.readers.times.parts import joined_name  # noqa: PLC0415 - as above

    if "date" not in wanted:
        _, series = series_of(frame, wanted.get("series"), name)
        date, parts = find_times(frame, used, name, wanted.get("day_first"), series)
        return {"date": date} | ({"time_parts": list(parts)} if parts else {})
    if wanted["date"] is None or wanted.get("time_parts"):
        return {}
    parts = named_parts(frame, wanted["date"])
    return {"date": joined_name(parts), "time_parts": list(parts)} if parts else {}


def suggest_windows(
    lengths: Sequence[int], step: Step, data: Mapping[str, Any], name: str
) -> dict[str, int]:
    """A horizon and lookback for the step between rows, as long as the rows allow.

    Args:
        lengths: Rows of each series; of several, the one of median length tells.
        step: Between rows.
        data: What is wanted, and found so far.
        name: What to call the table in errors.

    Raises:
        DataError: If there are too few rows.
        ParameterError: If there are too few for the horizon or lookback that is wanted.
    """
    num_rows = int(np.median(lengths))
    if sum(lengths) < LEAST_ROWS:
        rows = amount(sum(lengths), "row")
        raise DataError(f"{name} has {rows}; at least {LEAST_ROWS} are needed")
    if num_rows < LEAST_OF_SEVERAL:
        raise DataError(
            f"{name}: half of the {len(lengths)} series have at most "
            f"{amount(num_rows, 'row')}; at least {LEAST_OF_SEVERAL} are needed; is "
            f"{data['series']!r} the column that tells series?"
        )
    unit = 1 if min(data["split"]) >= 1 else num_rows
    train, shortest = int(data["split"][0] * unit), int(min(data["split"]) * unit)
    season = season_of(step.seconds, step.code, len(step.sessions))
    length = season.rows(step.seconds) if season and step.seconds else 12
    ahead = length if length <= LONGEST_HORIZON else length // 4
    horizon = data.get("horizon", min(ahead, shortest // 2))
    behind = length * min(season.seen if season else 4, max(LONGEST_LOOKBACK // length, 1))
    lookback = data.get("lookback", max(min(behind, train // 2 - horizon), 1))
    if horizon > shortest or lookback + horizon > train:
        raise ParameterError(
            f"{name} has {num_rows} rows, too few for a lookback of {lookback} and a horizon of "
            f"{horizon}; the training set has {train}, the shortest {shortest}"
        )
    return {"lookback": lookback, "horizon": horizon}


def suggest_training(
    lengths: Sequence[int], data: Mapping[str, Any], *, outlying: bool
) -> Suggestion:
    """A model and a training for series; the more rows they have, the larger.

    Where values are outlying, the absolute error is lowered, to which each adds as one more that
    is missed, and not as the square of how far out it is.
    """
    ahead, share = data["lookback"] + data["horizon"], data["split"][0]
    sizes = (int(share * length) if share < 1 else min(int(share), length) for length in lengths)
    windows = sum(max(size - ahead, 0) for size in sizes)
    apart = len(data["targets"]) > 3 and not data.get("features") and not data.get("known")
    batch_size = min(max(2 ** int(np.log2(max(windows, 1) / 40 + 1)), 16), 256)
    model = {
        "hidden_size": 16 if windows < 300 else 32 if windows < 3_000 else 64,
        "segment": suggest_segment(data["lookback"]),
        "normalisation": "last_value",
        "channels": "apart" if apart else "together",
        "dropout": 0.1,
        **({"loss": "l1"} if outlying else {}),
    }
    training = {
        "epochs": min(max(START_STEPS * batch_size // max(windows, 1), 20), 100),
        "batch_size": batch_size,
        "learning_rate": 0.005,
        "schedule": "cosine",
        "warmup_steps": 20,
    }
    return {"model": model, "training": training}


def suggest_segment(lookback: int) -> int:
    """Of a long lookback, the longest divisor up to 24 that leaves 12 steps or more."""
    if lookback <= 96:
        return 1
    return max(d for d in range(1, 25) if lookback % d == 0 and (d == 1 or lookback >= 12 * d))
