"""Description of what was understood of labelled texts."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from torch import Tensor

from rnn_core.features.word_finding import clusters
from rnn_core.metric import SCORED, SPLITS, Split
from rnn_core.readers.faults import Faults, some
from rnn_core.readers.formats.written_numbers import is_gap
from rnn_core.readers.label_forms import several_in_one
from rnn_core.readers.odd_characters import odd_texts
from rnn_core.readers.splits import SETS
from rnn_core.readers.table_files import TableForm
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.understanding import Understanding, counted, split_line
from rnn_core.tasks.sentiment.files import read_files
from rnn_core.tasks.sentiment.parameters import Found, SentimentMeta
from rnn_core.wording import alike_names, amount

MOSTLY_UNKNOWN = 0.5
"""Share of unknown words in a split above which a model learns little from it."""

FEWEST = 5
"""Texts of a class on a split that tell something of how well it is found."""

MOSTLY = 0.8
"""Share of one class from which on accuracy is high without any knowledge."""


def understand(raw: Path, data: Data, meta: SentimentMeta) -> Understanding:
    """Describe the findings; see `Prepares.understand`."""
    found = meta.found
    assert found is not None
    counts = class_counts(data, len(meta.classes))
    totals = dict(zip(meta.classes, counts.sum(dim=0).tolist(), strict=True))
    left_out = f"{meta.left_out:,} rows are left out: their text is in a later set too"
    read = (
        *of_files(found),
        *of_split_column(meta),
        *([f"left out: {some(found.left_out, 20)}"] if found.left_out else []),
        f"{len(totals)} classes: {counted(totals)}",
        split_line(meta.items, "texts"),
        *([left_out] if meta.left_out else []),
        f"of the words, {unknown_share(data, 'validation'):.0%} are unknown in the validation set, "
        f"{unknown_share(data, 'test'):.0%} in the test set".replace("%", " %"),
        *of_length(found, meta.parameters.max_words),
        *found_words(meta),
    )
    doubts = (
        *of_names(found),
        *of_labels(found, meta),
        *of_counts(counts, meta),
        *of_words(data),
        *of_characters(raw, meta),
    )
    return Understanding(read=read, doubts=doubts)


def of_characters(raw: Path, meta: SentimentMeta) -> list[str]:
    """Texts that were not what they are now, such as some that were read in a wrong encoding."""
    table, _ = read_files(raw, meta.parameters, Faults())
    several = meta.parameters.split_column is None and table["split"].nunique() > 1
    names = [
        str(row) if isinstance(row, str) else f"row {row}{several * of_set(split)}"
        for row, split in zip(table.index, table["split"], strict=True)
    ]
    return odd_texts(table["text"].tolist(), names)


def of_set(split: int) -> str:
    """The set that a file belongs to, for messages."""
    return f" of the {SETS[SPLITS[split]]}"


def of_files(found: Found) -> Iterator[str]:
    """Describe the form of the texts, and the columns by their role."""
    if found.form is None:
        yield f"{found.rows:,} texts, {found.notes[0]}"
        return
    if found.lines is not None:
        yield f"{found.rows:,} texts, a line each, in {found.form.encoding}"
        yield from found.notes
        return
    yield f"{found.rows:,} rows{as_written(found.form)}"
    may_be = f" (labels may also be in {', '.join(map(repr, found.others))}: --target names them)"
    columns = "column" if found.form.header is not False else "column number"
    yield (
        f"texts: {columns} {found.text!r}; labels: {columns} {found.label!r}"
        f"{may_be if found.others else ''}"
    )
    if found.unread:
        yield f"not read: {some(found.unread, 8)}"
    yield from found.notes


def of_split_column(meta: SentimentMeta) -> Iterator[str]:
    """Report the column that says the split of each row."""
    if (column := meta.parameters.split_column) is not None:
        yield f"column {column!r} says the split of each row; --set split_column=null draws them"


def as_written(form: TableForm) -> str:
    """Describe the form of a table, if it is text."""
    if form.separator is None:
        return ""
    header = "" if form.header else ", no row of names"
    return f", separated by {form.separated_by}, in {form.encoding}{header}"


def of_length(found: Found, max_words: int) -> Iterator[str]:
    """Report the number of texts that are cut."""
    if found.cut:
        yield (
            f"{found.cut:,} of {found.rows:,} texts are cut to their first {max_words} words; "
            "--set max_words=... for more"
        )


def found_words(meta: SentimentMeta) -> Iterator[str]:
    """Report words that were found in a script without spaces."""
    if meta.words:
        words = [word for word in meta.vocabulary if word in meta.words and len(clusters(word)) > 1]
        such_as = ", ".join(words[:3])
        yield (
            f"{len(words):,} words were found in texts without spaces, such as {such_as}; --set "
            "find_words=false reads single characters"
        )


def of_names(found: Found) -> Iterator[str]:
    """Report classes that may be none, since they are only what files are called."""
    if found.by_name:
        yield (
            f"each file is taken for a class by its name alone: {some(found.by_name, 10)}; move a "
            "file away that is none"
        )


def of_labels(found: Found, meta: SentimentMeta) -> Iterator[str]:
    """Possible faults of labels."""
    for label in found.one_class[:1]:
        others = f" and {len(found.one_class) - 1} more" if len(found.one_class) > 1 else ""
        yield f"the label {label!r}{others} is read as the whole number that is a label too"
    for group in alike_names(meta.classes)[:3]:
        names = " and ".join(map(repr, group))
        yield f"{names} are different classes, and look alike; write them the same if they are one"
    missing = list(filter(is_gap, meta.classes))
    if missing:
        yield (
            f"the class {missing[0]!r} is what missing labels are often written as; where it is "
            "none, remove its rows"
        )
    for label in several_in_one(meta.classes)[:1]:
        yield (
            f"the label {label!r} seems to be several; a text has one class here, so that each "
            "combination is one of its own"
        )
    if found.two_labels:
        yield (
            f"{amount(found.two_labels, 'text')} with different labels, such as "
            f"{found.such_as!r}; no model can be right about all of these rows"
        )


def of_counts(counts: Tensor, meta: SentimentMeta) -> Iterator[str]:
    """Classes that are too rare to score, or so frequent that accuracy means little."""
    for split in SCORED:
        there = counts[SPLITS.index(split)].tolist()
        rare = [name for name, n in zip(meta.classes, there, strict=True) if n < FEWEST]
        if rare:
            shown = ", ".join(map(repr, rare[:5])) + (", ..." if len(rare) > 5 else "")
            yield (
                f"classes with fewer than {FEWEST} texts in the {split} set: {shown}; their "
                f"recall says little there; add texts, or make {split}_share larger"
            )
    totals = counts.sum(dim=0)
    share, most = float(totals.max() / totals.sum()), meta.classes[int(totals.argmax())]
    if share >= MOSTLY and meta.parameters.metric == "accuracy":
        yield (
            f"{share:.0%} of the texts have the class {most!r}, so that always answering it has "
            "such an accuracy; if rare classes matter as much, --set metric=balanced_accuracy "
            "trains and chooses by the mean recall of classes"
        ).replace("%", " %", 1)


def of_words(data: Data) -> Iterator[str]:
    """Splits whose words are mostly unknown."""
    for split in SCORED:
        if (share := unknown_share(data, split)) > MOSTLY_UNKNOWN:
            yield (
                f"{share:.0%} of the words in the {split} set do not occur in the training set: a "
                "model knows little there; do the sets have the same language and kind?"
            ).replace("%", " %", 1)


def class_counts(data: Data, num_classes: int) -> Tensor:
    """Texts of each class in each split, int64 (3, C)."""
    places = data["splits"].long() * num_classes + data["labels"].long()
    return places.bincount(minlength=len(SPLITS) * num_classes).view(len(SPLITS), num_classes)


def unknown_share(data: Data, split: Split) -> float:
    """The share of the words of a split that the vocabulary does not hold."""
    # numpy repeats without a list of places, which would take twice the memory of the words
    there = np.repeat(data["splits"].numpy() == SPLITS.index(split), data["lengths"].numpy())
    return float((data["words"].numpy()[there] == 0).mean())
