"""Parameters of a table in params.yaml, and facts found out about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Self

from rnn_core.metric import Split
from rnn_core.readers.formats.text_records import Quoting
from rnn_core.readers.formats.written_numbers import Decimal
from rnn_core.readers.indicators import SIGN, column_of, columns_of
from rnn_core.readers.table_files import TableForm
from rnn_core.tasks.base.prepared import Meta
from rnn_core.tasks.forecasting.ahead.calendar import PER_PART, CalendarPart
from rnn_core.tasks.forecasting.windows import Borders


@dataclass(frozen=True, kw_only=True)
class ForecastingData:
    """Columns to predict, columns to predict from, and the horizon.

    Attributes:
        targets: Columns to predict.
        features: Columns that are read besides the targets.
        known: Columns whose values are known ahead, such as prices and holidays: read over the
            lookback and over the horizon. What is asked for a forecast has them in the rows
            after the last target. A column of texts is named by its indicators, as
            `holiday = Easter`, which is 1 where the text is that, and 0 elsewhere.
        calendar: What is read of the timestamps, over the lookback and over the horizon, each as
            sine and cosine; `hour` is the time of day.
        date: Column of timestamps, which must increase; null if there is none.
        time_parts: Columns that make the timestamps together, such as a day and a time of day, or
            year, month and hour; they become the column `date`. Empty where the
            table has that column.
        day_first: Whether 01/02/2024 is the first of February; null: it is found out.
        series: Column that names the series of a row, where a table holds several; null if
            it holds one. The rows of each are in the order of time, wherever they stand.
        lookback: Rows of the past that the model sees.
        horizon: Rows that it predicts.
        split: Rows of the train, validation and test sets in the order of the table, or of
            each series; or their shares, which sum to 1. Further rows are left out.
        missing: What a gap in the table is: an error; or `fill`, where a model reads the last
            value before it, at the start of a lookback the first after it, and neither is
            trained nor scored on what it should have been.
        irregular: What rows are that are not one step apart, where a step may be one of
            the calendar, such as a month or a business day: an error, or allowed. The
            model counts rows, not time.
        separator: What separates fields: one character, or `comma`, `semicolon`, `tab`, `bar` or
            `space`; null: it is found out.
        decimal: The sign before the decimals of a number; null: it is found out.
        encoding: Of the text, as Python calls it, such as `cp1250`; null: it is found out.
        header: Whether the first row has the names of columns, which are else 1, 2, 3 and so on;
            null: it is found out.
        quoting: Whether fields may be in quotation marks (`double`), or these are characters
            like any other (`none`); null: it is found out.
        scaling: Where each column is 0 and 1 for a model, by the training set: `standard`, at
            the mean and a standard deviation from it; `robust`, at the median and at the
            interquartile range over 1.349, which are alike for normal noise and which a few
            outliers do not move. The unit of the metric is the square of that 1.
        nonnegative: Whether no target can be below 0, as counts cannot. Forecasts that are,
            are taken for 0 then, which brings each one nearer to the truth.
    """

    targets: tuple[str, ...]
    features: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    calendar: tuple[CalendarPart, ...] = ()
    date: str | None = "date"
    time_parts: tuple[str, ...] = ()
    day_first: bool | None = None
    series: str | None = None
    lookback: int = 96
    horizon: int = 24
    split: tuple[float, float, float] = (0.7, 0.1, 0.2)
    missing: Literal["error", "fill"] = "error"
    irregular: Literal["error", "allow"] = "error"
    separator: str | None = None
    decimal: Decimal | None = None
    encoding: str | None = None
    header: bool | None = None
    quoting: Quoting | None = None
    scaling: Literal["standard", "robust"] = "standard"
    nonnegative: bool = False

    def __post_init__(self) -> None:
        self.check_columns()
        self.check_time_parts()
        self.check_rows()
        _ = self.form

    def check_columns(self) -> None:
        """Refuse columns that have two roles, or are named twice.

        Raises:
            ValueError: If there are any, or there is no target.
        """
        if not self.targets:
            raise ValueError("targets must name at least one column")
        for names in ("targets", "features", "known", "calendar"):
            listed = getattr(self, names)
            if twice := sorted({name for name in listed if listed.count(name) > 1}):
                raise ValueError(f"{names} name {twice[0]!r} twice")
        if repeated := set(self.targets) & set(self.features):
            raise ValueError(f"features repeat the targets {sorted(repeated)}")
        if repeated := set(self.targets) & {column_of(c) for c in self.given if SIGN in c}:
            raise ValueError(f"features or known are texts of the targets {sorted(repeated)}")
        if repeated := {*self.targets, *self.features} & set(self.known):
            raise ValueError(f"known repeat targets or features: {sorted(repeated)}")
        if self.date in self.columns:
            raise ValueError(f"date {self.date!r} is a target or feature too")
        if self.series in (self.date, *self.columns) and self.series is not None:
            raise ValueError(f"series {self.series!r} is a date, target or feature too")

    def check_rows(self) -> None:
        """Refuse numbers of rows, or shares of them, that cannot be.

        Raises:
            ValueError: If there are any.
        """
        if min(self.lookback, self.horizon) < 1:
            raise ValueError("lookback and horizon must be at least 1")
        if min(self.split) <= 0:
            raise ValueError("split must be three positive numbers of rows, or shares")
        if min(self.split) < 1 and abs(sum(self.split) - 1) > 1e-9:
            raise ValueError(f"the shares of split sum to {sum(self.split)}, not 1")

    def check_time_parts(self) -> None:
        """Refuse columns that make no timestamps together, or are something else too.

        Raises:
            ValueError: If there are any.
        """
        if len(self.time_parts) == 1 or (self.time_parts and self.date is None):
            raise ValueError("time_parts are two columns or more, and date is what they become")
        if self.date in self.time_parts:
            raise ValueError(f"date {self.date!r} is one of time_parts; give what they make a name")
        if set(self.time_parts) & {*self.columns, self.series}:
            raise ValueError(f"time_parts {list(self.time_parts)} are targets or the like too")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of numbers that are read."""
        return (*self.targets, *self.given)

    @property
    def given(self) -> tuple[str, ...]:
        """Columns of numbers, or indicators of texts, that are not predicted."""
        return (*self.features, *self.known)

    @property
    def read_columns(self) -> list[str]:
        """Columns of a table that are read: those of texts by their own names, each once."""
        return [*self.targets, *columns_of(self.given)]

    @property
    def form(self) -> TableForm:
        """Form of the table, as far as it was given."""
        return TableForm(
            separator=self.separator,
            decimal=self.decimal,
            encoding=self.encoding,
            header=self.header,
            quoting=self.quoting,
        )


@dataclass(frozen=True, kw_only=True)
class Series:
    """One series of a table.

    Attributes:
        name: What the column of series holds in its rows; empty where the table is one series.
        mean: Of each column on its training set, gaps left out; the median where scaling is
            robust.
        std: Its standard deviation there, or what is in place of it.
        tested_from: The timestamp of its first row in the test set; None if there is none.
    """

    name: str
    mean: list[float]
    std: list[float]
    tested_from: str | None = None


@dataclass(frozen=True, kw_only=True)
class ForecastingMeta(Meta):
    """Facts that `prepare` found out about a table.

    Attributes:
        parameters: What was asked for.
        columns: Columns that are read, the targets first, those that are known ahead last.
        series: The series of the table, one after the other as they are in the prepared table.
        step: Code of the step between rows, as `Step` has it.
        step_seconds: Its median; None without a column of timestamps.
        borders: Which rows of the prepared table are in which split, series by series: the first,
            and that after the last. Rows that are cut off do not count.
        form: How the table is written, as it was found.
        day_first: Whether days are written before months, or that years of two digits are before
            both; None where no order had to be found.
        zone: Time zone of the timestamps; None if they have none.
        span: The first and the last timestamp.
        sessions: Times of the day at which alone there are rows; none where they go on all day.
        cut: Rows without a target at the start, and at the end, which are left out.
        units: Units of columns whose values have one, such as kg or %.
    """

    Parameters = ForecastingData
    parameters: ForecastingData
    columns: list[str]
    series: list[Series]
    step: str | None
    step_seconds: float | None
    borders: dict[Split, list[tuple[int, int]]]
    form: TableForm = field(default_factory=TableForm)
    day_first: bool | Literal["year"] | None = None
    zone: str | None = None
    span: tuple[str, str] | None = None
    sessions: tuple[str, ...] = ()
    cut: tuple[int, int] = (0, 0)
    units: dict[str, str] = field(default_factory=dict)

    @property
    def lookback(self) -> int:
        """Rows of the past that the model sees."""
        return self.parameters.lookback

    @property
    def horizon(self) -> int:
        """Rows that the model predicts."""
        return self.parameters.horizon

    @property
    def ahead(self) -> int:
        """Count of known numbers of each row of the horizon."""
        return len(self.parameters.known) + PER_PART * len(self.parameters.calendar)

    @cached_property
    def series_borders(self) -> list[Borders]:
        """The borders of each series."""
        places = range(len(self.series))
        return [{split: rows[place] for split, rows in self.borders.items()} for place in places]

    @cached_property
    def by_name(self) -> dict[str, Series]:
        """The series by their names."""
        return {one.name: one for one in self.series}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        borders = content["borders"].items()
        span, cut = content.get("span"), content.get("cut", (0, 0))
        return super().from_json(
            {
                **content,
                "borders": {split: [tuple(rows) for rows in series] for split, series in borders},
                "series": [Series(**one) for one in content["series"]],
                "form": TableForm(**content.get("form", {})),
                "span": tuple(span) if span else None,
                "cut": tuple(cut),
                "sessions": tuple(content.get("sessions", ())),
            }
        )
