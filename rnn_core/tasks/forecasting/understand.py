"""Description of what was understood of a table."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnn_core.readers.faults import some
from rnn_core.readers.indicators import columns_of, indicator_of
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.understanding import Understanding, split_line
from rnn_core.tasks.forecasting.column_choice import TIMES_ACROSS, are_years
from rnn_core.tasks.forecasting.parameters import ForecastingData, ForecastingMeta
from rnn_core.tasks.forecasting.reading import Table, read_table
from rnn_core.tasks.forecasting.seasons import season_of
from rnn_core.wording import alike_names, amount, option

if TYPE_CHECKING:
    import pandas as pd

    from rnn_core.readers.table_files import TableForm

FAR = 20
"""Robust standard deviations from the median beyond which a value is reported."""

ALIKE = 0.999
"""Correlation with a target from which on it is doubted that a column is known before it."""

LONG_STEP = 1.5
"""Usual times between rows from which on a row is missing; shorter ones may only vary."""

TOLD = 3
"""Rows that are named of those with such a value, or with a gap."""

AHEAD = 2
"""Years from today after which nothing has been measured."""

FUTURE = 2200
"""First year that hardly any table reaches; today's is some 2570 in the Buddhist calendar."""

PERSIAN = range(1300, 1500)
"""Years of the common calendar that hardly any table ends in; today's is some 1400 in Iran."""


def understand(raw: Path, data: Data, meta: ForecastingMeta) -> Understanding:
    """Describe the findings; see `Prepares.understand`."""
    table = read_table(raw, meta.parameters)
    return Understanding(
        read=tuple(found_of(table, meta)),
        doubts=(
            *doubts_of_series(table, meta),
            *doubts_of_times(table.parts[table.longest], meta),
            *doubts_of_values(table),
            *doubts_of_known(table, meta),
        ),
    )


def found_of(table: Table, meta: ForecastingMeta) -> Iterator[str]:
    """Describe what was read of a table, a line each."""
    written = form_in_words(table.form)
    yield f"{len(table.numbers):,} rows of {table.name}{written}"
    yield from table.notes
    targets, features = meta.parameters.targets, meta.parameters.features
    others = list(map(str, table.others))
    read = f"; read besides: {', '.join(columns_of(features))}" if features else ""
    unread = f"; not read: {some(others, 8)}" if others else ""
    yield f"predicted: {', '.join(targets)}{read}{unread}"
    if meta.parameters.known:
        yield f"known ahead: {', '.join(columns_of(meta.parameters.known))}"
    yield from kinds_in_words(meta.parameters)
    if meta.parameters.calendar:
        yield f"of the timestamps: {', '.join(meta.parameters.calendar)}"
    if meta.parameters.series is not None:
        lengths = [len(part.numbers) for part in table.parts.values()]
        least, most = min(lengths), max(lengths)
        of = f"{least:,} rows each" if least == most else f"{least:,} to {most:,} rows"
        yield (
            f"{len(lengths):,} series by the column {meta.parameters.series}, of {of}; one model "
            "for all"
        )
    if (times := table.parts[table.longest].times) is not None:
        yield time_in_words(times, meta)
    start, end = table.cut
    if start or end:
        yield f"left out since no target has a value: {start} rows at the start, {end} at the end"
    yield f"{meta.horizon} rows are predicted from {meta.lookback}; " + split_line(
        meta.items, "windows"
    )


def form_in_words(form: "TableForm") -> str:
    """Describe the form of a text, where it is unusual."""
    told = []
    if form.separator not in {None, ","}:
        told.append(f"separated by {form.separated_by}")
    if form.decimal == ",":
        told.append("decimals with a comma")
    if form.encoding not in {None, "utf-8", "utf-8-sig"}:
        told.append(f"in {form.encoding}")
    if form.header is False:
        told.append("without names of columns, which are called 1, 2, 3 ...")
    return f", {', '.join(told)}" if told else ""


def time_in_words(times: "pd.DatetimeIndex", meta: ForecastingMeta) -> str:
    """Step, span and season of a table."""
    from rnn_core.readers.times import steps  # noqa: PLC0415 - training does without

    step = steps.step_in_words(steps.find_step(times)) if len(times) > 1 else "unknown step"
    order = {
        True: ", the day before the month",
        False: ", the month before the day",
        "year": ", the year first",
        None: "",
    }
    zone = f" ({meta.zone})" if meta.zone else ""
    season = season_of(meta.step_seconds, meta.step, len(meta.sessions))
    repeats = ""
    if season and meta.step_seconds:
        repeats = f", {season.rows(meta.step_seconds)} per {season.name}"
    span = f"{steps.shown(times[0])} to {steps.shown(times[-1])}"
    parts = meta.parameters.time_parts
    joined = f" by {', '.join(parts[:-1])} and {parts[-1]} together" if parts else ""
    per = f"per {step.removeprefix('1 ')}" if step.startswith("1 ") else f"every {step}"
    return f"time{joined}: {span}{zone}{order[meta.day_first]}, one row {per}{repeats}"


def doubts_of_series(table: Table, meta: ForecastingMeta) -> Iterator[str]:
    """Series that may be one, and those that cannot be asked for."""
    for names in alike_names(table.series)[:TOLD]:
        told = " and ".join(map(repr, names))
        yield f"{told} are different series, and look alike; write them the same if they are one"
    short = [
        repr(name)
        for name, rows in table.series.items()
        if name and rows.stop - rows.start < meta.lookback
    ]
    if short:
        yield (
            f"{len(short):,} series of fewer rows than the {meta.lookback} that a forecast "
            f"reads: {some(short)}; `predict` leaves them out until they have more rows"
        )


def doubts_of_times(table: Table, meta: ForecastingMeta) -> Iterator[str]:
    """Possible faults in the order of rows in time."""
    from rnn_core.readers.times import columns, order  # noqa: PLC0415 - as above

    if meta.parameters.series is None and (block := order.series_in_blocks(table.others)):
        yield (
            f"the values of {block!r} stand one below the other: where they are several series, "
            f"set data.series to {block!r}"
        )
    if table.times is None and are_years([*table.numbers, *table.others]):
        yield TIMES_ACROSS
    elif table.times is None:
        like = columns.look_like_dates(table.others)
        told = f"; {some(like, 8)} may be: --set date=NAME" if like else ""
        yield f"no column of timestamps was found: rows are taken as they are{told}"
    else:
        yield from doubts_of_years(table.times)
        yield from doubts_of_steps(table, table.times, meta)


def doubts_of_years(times: "pd.DatetimeIndex") -> Iterator[str]:
    """Years that hardly any table has."""
    if datetime.now(UTC).year + AHEAD <= (year := times[-1].year) < FUTURE:
        yield (
            f"the table has values of the year {year}, which is to come: where its years have two "
            "digits and belong to another century, write them with four"
        )
    if (year := times[-1].year) >= FUTURE or year in PERSIAN:
        yield (
            f"the table ends in the year {year}: where its years are not those of the common "
            "calendar, but such as the Buddhist or Persian ones, convert them"
        )


def doubts_of_steps(
    table: Table, times: "pd.DatetimeIndex", meta: ForecastingMeta
) -> Iterator[str]:
    """Rows that do not come one usual step after another."""
    from rnn_core.readers.times import order, steps  # noqa: PLC0415 - as above

    forward = order.clock_set_forward(times)
    if len(forward):
        yield (
            f"an hour is missing before {steps.shown(forward[0])}, when the clock is set forward; "
            "write all times in UTC, or with their offset from it, such as +02:00"
        )
    if not steps.regular(times) and not meta.sessions:
        odd = ~steps.follows(times, steps.find_step(times))
        place = int(np.argmax(odd)) + 1
        if int(odd.sum()) == len(forward):
            return
        apart = steps.seconds_apart(times)
        missing = (apart[odd] > LONG_STEP * np.median(apart)).any()
        yield (
            f"not a usual step after the row before: {amount(int(odd.sum()), 'row')}, the first in "
            f"row {table.others.index[place]} ({steps.shown(times[place])}); a model counts "
            f"rows, not time{': add missing rows' if missing else ''}"
        )


def doubts_of_values(table: Table) -> Iterator[str]:
    """Values that are far from all others, and gaps."""
    for column in table.numbers.columns:
        values = table.numbers[column].to_numpy()
        far = np.concatenate([far_off(values[rows]) for rows in table.series.values()])
        if far.any():
            told = rows_in_words(table.others.index, far, values)
            count = int(far.sum())
            yield (
                f"column {column!r} has {count} value{'s' * (count > 1)} very far from the "
                f"others: {told}; where that is wrong, leave it empty"
            )
        gaps = np.isnan(values)
        if gaps.any():
            told = rows_in_words(table.others.index, gaps, None)
            yield (
                f"column {column!r} has {amount(int(gaps.sum()), 'gap')} ({told}), in whose place "
                "a model reads the last value before; they are not scored"
            )


def kinds_in_words(parameters: ForecastingData) -> Iterator[str]:
    """Describe the columns of texts that are read as columns of 0 and 1."""
    found: dict[str, list[str]] = {}
    for indicator in map(indicator_of, parameters.given):
        if indicator is not None:
            found.setdefault(indicator.column, []).append(indicator.value)
    for column, kinds in found.items():
        yield (
            f"column {column!r} has texts, and is read as 0 and 1 for each of: {some(kinds, 8)}; "
            "any other text, or none, is 0 for all"
        )


def doubts_of_known(table: Table, meta: ForecastingMeta) -> Iterator[str]:
    """Columns that may be known ahead; and those that are said to be, and tell a target."""
    if columns := columns_of(table.filled_ahead):
        yield (
            f"the rows at the end without a target have values of {some(columns, 8)}: where "
            f"such columns are known ahead, name them: {option('future', columns[0])}"
        )
    numbers = table.numbers
    for target in meta.parameters.targets:
        for column in meta.parameters.known:
            if abs(numbers[target].corr(numbers[column])) > ALIKE:
                yield (
                    f"column {column!r} goes with {target!r} of the same row as if they were one; "
                    "is it known before that? If not, leave it out of what is known ahead"
                )


def far_off(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Find values more than `FAR` robust standard deviations from the median, (N,).

    The robust deviation is 1.4826 times the median absolute one (Hampel, J. Am. Stat. Assoc.
    69, 1974); where most values are the same, the 90th percentile of the absolute ones.
    """
    if np.isnan(values).all():
        return np.zeros(len(values), np.bool_)
    away = np.abs(values - np.nanmedian(values))
    scale = 1.4826 * np.nanmedian(away) or np.nanpercentile(away, 90)
    far: NDArray[np.bool_] = (away > FAR * scale) if scale > 0 else np.zeros(len(values), np.bool_)
    return far


def rows_in_words(
    index: "pd.Index[int]", chosen: NDArray[np.bool_], values: NDArray[np.float64] | None
) -> str:
    """The first rows that are chosen, and how many more there are."""
    places = np.flatnonzero(chosen).tolist()
    rows = list(index[places[:TOLD]])
    told = [
        f"row {row}" + (f" ({values[place]:g})" if values is not None else "")
        for row, place in zip(rows, places, strict=False)
    ]
    more = f" and {len(places) - TOLD} more" if len(places) > TOLD else ""
    return ", ".join(told) + more
