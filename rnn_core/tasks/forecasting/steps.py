"""Time between the rows of a table: the same in all series, and no gap that was not allowed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from rnn_core.readers.faults import Faults
from rnn_core.tasks.forecasting.long_table import called
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.reading import Table

if TYPE_CHECKING:
    import pandas as pd


class Step(NamedTuple):
    """Time between two rows.

    Attributes:
        code: What pandas calls it, such as B for a business day, or `on` and the days of the week
            that alone have rows; None if it has no name.
        seconds: Its median.
        sessions: Times of the day at which alone there are rows; none where they go on all day.
    """

    code: str | None
    seconds: float | None
    sessions: tuple[str, ...] = ()


def alike(seconds: float | None, others: float | None) -> bool:
    """Return whether rows are about as far apart as others, where that is known."""
    return not (seconds and others) or 0.5 < seconds / others < 2


def common_step(steps: Mapping[str, Step], table: Table) -> Step:
    """The step between the rows of the longest series of a table.

    Args:
        steps: Of each series.
        table: The table.

    Raises:
        DataError: If a series has another step; names all such series.
    """
    usual, faults = steps[table.longest], Faults()
    for series, step in steps.items():
        if not alike(step.seconds, usual.seconds):
            faults.add(
                f"{called(table.name, series)} has rows {step.seconds:g} seconds apart, and the "
                f"longest series {usual.seconds:g} seconds",
                "leave out series of another step",
            )
    faults.check()
    return usual


def step_of(times: "pd.DatetimeIndex") -> Step:
    """Step between timestamps, at least 2, which increase."""
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

    order.check_order(times, others, parameters.date, name, parameters.series)
    if parameters.irregular == "error":
        steps.check_steps(times, others.index, name, cure)
    return step_of(times) if len(times) > 1 else Step(None, None)
