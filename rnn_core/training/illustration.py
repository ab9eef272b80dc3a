"""Examples of a model's work on a split, for people, in a file next to its scores."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from rnn_core.errors import DataError
from rnn_core.files import read_json, write_json
from rnn_core.metric import Split
from rnn_core.records import NO_OTHER_KEYS, read_checked

FILE = "illustration.json"


@dataclass(frozen=True, kw_only=True)
class Illustration:
    """Examples of the work of one random seed's model on a split.

    Attributes:
        kind: Which form it has.
        seed: The random seed.
        split: The split.
    """

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    kind: str
    seed: int
    split: Split


@dataclass(frozen=True, kw_only=True)
class Continuation:
    """A text that a model wrote.

    Attributes:
        prompt: What it was given.
        text: What it wrote from there, the prompt included.
    """

    prompt: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Texts(Illustration):
    """Texts that a model wrote."""

    kind: Literal["text"] = "text"
    texts: tuple[Continuation, ...]


@dataclass(frozen=True, kw_only=True)
class Band:
    """An interval in which what follows should be.

    Attributes:
        percent: Of the values that should be in it, such as 80 or 97.5.
        low: Its lower ends, step by step.
        high: Its upper ends.
    """

    percent: str
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class Series:
    """A forecast of a column, in the units of the raw data; None where there is no number.

    Attributes:
        name: Of the column.
        past: What the model was given.
        truth: What followed.
        forecast: What the model said would follow.
        intervals: And between what, the narrowest first; none where it says one value.
    """

    name: str
    past: tuple[float | None, ...]
    truth: tuple[float | None, ...]
    forecast: tuple[float | None, ...]
    intervals: tuple[Band, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Forecasts(Illustration):
    """Forecasts over what happened."""

    kind: Literal["forecast"] = "forecast"
    series: tuple[Series, ...]


@dataclass(frozen=True, kw_only=True)
class Confusion(Illustration):
    """Confusion matrix of items.

    Attributes:
        labels: Of the classes.
        counts: How many items of each class (row) were taken for each (column).
    """

    kind: Literal["confusion"] = "confusion"
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Input and output of a model.

    Attributes:
        source: The input.
        reference: What should have come out.
        output: What came out.
    """

    source: str
    reference: str
    output: str


@dataclass(frozen=True, kw_only=True)
class Pairs(Illustration):
    """Inputs and outputs."""

    kind: Literal["pairs"] = "pairs"
    pairs: tuple[Pair, ...]


KINDS: dict[str, type[Illustration]] = {
    "text": Texts,
    "forecast": Forecasts,
    "confusion": Confusion,
    "pairs": Pairs,
}


def illustration_of(content: Mapping[str, Any], path: Path = Path(FILE)) -> Illustration:
    """Turn plain JSON into what it shows.

    Args:
        content: What `Task.illustrate` returns, with its `kind`, and with `seed` and `split`.
        path: The file that it is for, or from.

    Raises:
        DataError: If it has no known kind, or not the form of its kind.
    """
    kind = str(content.get("kind"))
    if kind not in KINDS:
        raise DataError(f"{path}: kind must be one of {', '.join(sorted(KINDS))}, not {kind}")
    return read_checked(content, KINDS[kind], path)


def write_illustration(folder: Path, shown: Illustration | None) -> None:
    """Write what a model does; None if there is no model, since every training diverged."""
    write_json(folder / FILE, {} if shown is None else asdict(shown))


def read_illustration(folder: Path) -> Illustration | None:
    """Read what a model does; None if there is no model, or no file.

    Raises:
        DataError: If the file is not of this form.
    """
    file = folder / FILE
    content = read_json(file) if file.exists() else {}
    if not isinstance(content, Mapping):
        raise DataError(f"{file} must hold keys and values")
    return illustration_of(content, file) if content else None
