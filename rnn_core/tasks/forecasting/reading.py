"""A table of a person's own, as the task reads it: numbers in time, without blank ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.tasks.forecasting.parameters import ForecastingData

if TYPE_CHECKING:
    import pandas as pd

    from rnn_core.readers.table_files import TableForm


@dataclass(frozen=True, kw_only=True)
class Table:
    """What was read.

    Attributes:
        name: Of the file.
        others: Columns that are neither read nor the timestamps, without the rows that are cut
            off.
        numbers: Those that the model reads, targets first, float64, NaN where there is a gap.
        times: Their timestamps; None if there are none.
        form: How the file is written, as it was found.
        day_first: Whether days are written before months.
        cut: Rows without a target at the start, and at the end, that are left out.
        notes: What was decided in reading it.
    """

    name: str
    others: "pd.DataFrame"
    numbers: "pd.DataFrame"
    times: "pd.DatetimeIndex | None"
    form: "TableForm"
    day_first: bool | None
    cut: tuple[int, int]
    notes: tuple[str, ...]


def read_table(raw: Path, parameters: ForecastingData) -> Table:
    """Read the one table of a folder.

    Raises:
        DataError: If it cannot be read; names all that is wrong.
    """
    from rnn_core.readers import tables  # noqa: PLC0415 - training does without
    from rnn_core.readers.times.columns import read_times  # noqa: PLC0415 - as above

    file = tables.table_file(raw)
    loaded = tables.load_table(file, parameters.form)
    frame, form, notes = loaded.frame, loaded.form, loaded.notes
    del loaded  # texts take more memory than all that is made of them
    times, faults = None, Faults()
    columns = [*parameters.targets, *parameters.features]
    if parameters.date is not None:
        with faults.noted():
            times = read_times(frame, parameters.date, file.name, parameters.day_first)
            frame = frame.drop(columns=parameters.date)
    with faults.noted():
        numbers = tables.select_columns(frame, columns, file.name, form.decimal)
    faults.check()
    blank = numbers[list(parameters.targets)].isna().all(axis=1).to_numpy()
    rows = measured(blank, parameters.targets, file.name)
    return Table(
        name=file.name,
        others=frame.drop(columns=columns).iloc[rows],
        numbers=numbers.iloc[rows],
        times=times.times[rows] if times else None,
        form=form,
        day_first=times.day_first if times else None,
        cut=(rows.start, len(frame) - rows.stop),
        notes=notes,
    )


def measured(blank: NDArray[np.bool_], targets: Sequence[str], name: str) -> slice:
    """The rows from the first with a value of a target to the last.

    Args:
        blank: Whether rows have none, (N,).
        targets: What the targets are called.
        name: What to call the table in errors.

    Raises:
        DataError: If all are blank.
    """
    known = np.flatnonzero(~blank)
    if not len(known):
        raise DataError(f"{name}: no row has a value of {', '.join(targets)}")
    return slice(int(known[0]), int(known[-1]) + 1)


class Step(NamedTuple):
    """What lies between two rows.

    Attributes:
        code: What pandas calls it, such as B for a business day; None if it has no name.
        seconds: Its median.
        sessions: Times of the day at which alone there are rows; none where they go on all day.
    """

    code: str | None
    seconds: float | None
    sessions: tuple[str, ...] = ()


def step_of(times: "pd.DatetimeIndex") -> Step:
    """What lies between timestamps, at least 2, which increase."""
    from rnn_core.readers.times import sessions, steps  # noqa: PLC0415 - training does without

    found = [] if steps.regular(times) else sessions.find_sessions(times)
    return Step(steps.step_code(times), steps.median_seconds(times), tuple(found))


def check_times(
    times: "pd.DatetimeIndex",
    others: "pd.DataFrame",
    parameters: ForecastingData,
    name: str,
    cure: str = "add the missing rows, or set data.irregular to allow",
) -> Step:
    """Refuse timestamps out of order, and gaps in time unless they are allowed.

    Args:
        times: The timestamps.
        others: Further columns of the table; its index says what a row is called.
        parameters: What the person asked for.
        name: What to call the table in errors.
        cure: What to do about missing rows.

    Raises:
        DataError: Names such rows.
    """
    from rnn_core.readers.times import order, steps  # noqa: PLC0415 - training does without

    order.check_order(times, others, parameters.date, name)
    if parameters.irregular == "error":
        steps.check_steps(times, others.index, name, cure)
    return step_of(times) if len(times) > 1 else Step(None, None)
