"""The tables of a person's own: which there are, and their rows by side."""

from pathlib import Path
from typing import TYPE_CHECKING

from rnn_core.errors import DataError, ParameterError
from rnn_core.features.words import cut_words
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.labelled_texts import (
    ENDINGS,
    check_classes,
    later_copies,
    read_texts,
    stratified_sides,
    table_files,
)
from rnn_core.tasks.sentiment.parameters import SentimentData

if TYPE_CHECKING:
    import pandas as pd


def read_sides(raw: Path, parameters: SentimentData) -> "pd.DataFrame":
    """Read all rows, with the words of each, and the index of `SPLITS` as `side`.

    A row of a file whose text also stands in the file of a later side is left out;
    `attrs["left_out"]` counts them.
    """
    table = read_files(raw, parameters)
    labels = table["label"].tolist()
    check_classes(labels)
    how = (parameters.lowercase, parameters.max_words)
    texts = [" ".join(words_of(text, *how)) for text in table["text"]]
    if parameters.train is None:
        shares = (parameters.validation_share, parameters.test_share)
        table["side"] = stratified_sides(texts, labels, shares, parameters.split_seed)
    copies = later_copies(texts, table["side"].tolist())
    table = table.assign(words=texts)[[not copy for copy in copies]].reset_index(drop=True)
    table.attrs["left_out"] = sum(copies)
    return table


def read_files(raw: Path, parameters: SentimentData) -> "pd.DataFrame":
    """Read the files of the sides, or the only file, with the number of each as `side`."""
    import pandas as pd  # noqa: PLC0415 - training does without

    if parameters.text == parameters.label:
        raise ParameterError(f"data.text and data.label are the same column, {parameters.text!r}")
    files = [side_file(raw, split, getattr(parameters, split)) for split in SPLITS]
    tables = [
        read_texts(file, parameters.text, parameters.label, parameters.separator).assign(side=side)
        for side, file in enumerate(files if parameters.train else files[:1])
    ]
    return pd.concat(tables, ignore_index=True)


def side_file(raw: Path, split: Split, name: str | None) -> Path:
    """The table of a side, by its name or because it is the only one."""
    if name is None:
        return only_table(raw)
    file = raw / name
    if not file.exists():
        raise ParameterError(f"data.{split}: there is no {name} in the data")
    if file.suffix not in ENDINGS:
        raise ParameterError(f"data.{split}: {name} is neither .csv nor .tsv")
    return file


def only_table(raw: Path) -> Path:
    """The one table of a folder."""
    files = table_files(raw)
    if len(files) > 1:
        raise DataError(
            f"there are {len(files)} tables, {', '.join(f.name for f in files)}; name those of "
            "the sides as data.train, data.validation and data.test"
        )
    return files[0]


def usual_file(raw: Path, side: Split) -> str | None:
    """The table that is called after a side, as data sets usually are."""
    usual = {"train": ("train",), "validation": ("validation", "valid", "val", "dev")}
    stems = usual.get(side, (side,))
    files = [raw / f"{stem}{ending}" for stem in stems for ending in ENDINGS]
    return next((file.name for file in files if file.exists()), None)


def words_of(text: str, lowercase: bool, max_words: int) -> list[str]:
    """The words of a text that a model reads."""
    return cut_words(text, lowercase=lowercase)[:max_words]
