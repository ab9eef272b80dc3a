"""Parameters of labelled texts in params.yaml, and facts found out about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from rnn_core.metric import ClassMetric
from rnn_core.readers.formats.text_records import Quoting
from rnn_core.readers.labelled_lines import LineKind
from rnn_core.readers.labelled_texts import Column
from rnn_core.readers.splits import check_shares
from rnn_core.readers.table_files import TableForm
from rnn_core.tasks.base.prepared import Meta


@dataclass(frozen=True, kw_only=True)
class SentimentData:
    """Settings that turn a table into sentences and splits.

    The splits are files, or shares of the only one; what has no file is drawn from the
    training file.

    Attributes:
        text: Column of texts: its name, or its position from 1.
        label: Column of labels, in the same form.
        split_column: Column that says the split of each row, such as train and test, in the same
            form; null: none does.
        separator: What separates fields: one character, or `comma`, `semicolon`, `tab`, `bar` or
            `space`; null: it is found out.
        encoding: Of the text, as Python calls it, such as `cp1250`; null: it is found out.
        header: Whether the first row has the names of columns, which are else 1, 2, 3 and so on;
            null: it is found out.
        quoting: Whether fields may be in quotation marks (`double`), or these are characters
            like any other (`none`); null: it is found out.
        train: File of the training set; null: there is one file, split by shares. A `*` stands for
            the numbers of files that one was cut into, also below.
        validation: File of the set kept for choosing; null: drawn.
        test: File of the set kept for the final score; null: drawn.
        validation_share: Share of each class kept for choosing.
        test_share: Share of each class kept for the final score.
        split_seed: Seed that decides which texts are in which split.
        lowercase: Whether upper and lower case are the same.
        find_words: Whether the characters of scripts without spaces are joined into words that
            are found in the training set.
        min_count: Occurrences in the training set that a word must have to be known.
        max_vocabulary: Most different words, the unknown one included.
        max_words: Words of a text that are read; the rest is left out.
        metric: What models are chosen by: the share of texts that are right, or the mean of that
            share over the classes.
    """

    text: Column = "text"
    label: Column = "label"
    split_column: Column | None = None
    separator: str | None = None
    encoding: str | None = None
    header: bool | None = None
    quoting: Quoting | None = None
    train: str | None = None
    validation: str | None = None
    test: str | None = None
    validation_share: float = 0.1
    test_share: float = 0.2
    split_seed: int = 0
    lowercase: bool = True
    find_words: bool = True
    min_count: int = 1
    max_vocabulary: int = 20_000
    max_words: int = 256
    metric: ClassMetric = "accuracy"

    def __post_init__(self) -> None:
        given = [file for file in (self.train, self.validation, self.test) if file is not None]
        if given and self.train is None:
            raise ValueError("validation and test are files beside one that is named as train")
        if len(set(given)) < len(given):
            raise ValueError("train, validation and test must be different files")
        if self.text == self.label:
            raise ValueError(f"text and label are the same column, {self.text!r}")
        if self.split_column in {self.text, self.label}:
            raise ValueError(f"split_column is the one of texts or labels, {self.split_column!r}")
        if self.split_column is not None and given:
            raise ValueError("split_column belongs to a single table; leave it out beside train")
        check_shares(self.validation_share, self.test_share)
        if min(self.min_count, self.max_words) < 1 or self.max_vocabulary < 2:
            raise ValueError("min_count and max_words must be at least 1, max_vocabulary 2")
        _ = self.form

    @property
    def form(self) -> TableForm:
        """Form of the tables, as far as it was given."""
        return TableForm(
            separator=self.separator,
            encoding=self.encoding,
            header=self.header,
            quoting=self.quoting,
        )


@dataclass(frozen=True, kw_only=True)
class Found:
    """Facts found out about files of labelled texts.

    Attributes:
        form: How the training file is written; None where files or folders are classes.
        lines: Where the label is if each line is a text; `file`: in the name of the file.
            None: in a table, or each text is a file.
        text: Its column of texts: the name, or the position where columns have none.
        label: Its column of labels, in the same form.
        others: Further columns that may be the one of labels.
        unread: All columns but these two.
        notes: What was decided in reading it, a line each.
        left_out: Files and folders that are not read.
        by_name: Classes that names of files alone tell, and that are no usual labels.
        rows: Of all files.
        cut: Texts of more words than are read.
        one_class: Labels that are numbers with decimals and stand for those without.
        two_labels: Texts that rows with different labels have.
        such_as: One of them.
    """

    form: TableForm | None = None
    lines: LineKind | Literal["file"] | None = None
    text: str = ""
    label: str = ""
    others: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    by_name: tuple[str, ...] = ()
    rows: int = 0
    cut: int = 0
    one_class: tuple[str, ...] = ()
    two_labels: int = 0
    such_as: str = ""

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Read what was written of one; in JSON, tuples are lists."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in content.items()
        }
        if values["form"] is not None:
            values["form"] = TableForm(**values["form"])
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class SentimentMeta(Meta):
    """Facts that `prepare` found out about labelled texts.

    Attributes:
        parameters: What was asked for.
        classes: The labels.
        vocabulary: Words of the training set; the first is the unknown one.
        sentence_counts: In how many training sentences of each class each word occurs.
        longest: Words of the longest text of the training set.
        words: Of scripts without spaces, and how much each stands alone; see
            `rnn_core.features.word_finding`.
        left_out: Rows that are not used, since their text is in a later split too.
        optimum: The best accuracy that is possible on the test set; None: not known.
        found: What was found out about the files; None of models that were registered before
            it was noted.
    """

    Parameters = SentimentData
    parameters: SentimentData
    classes: list[str]
    vocabulary: list[str]
    sentence_counts: list[list[int]]
    longest: int
    left_out: int
    optimum: float | None
    found: Found | None = None
    words: dict[str, float] = field(default_factory=dict)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        found = content.get("found")
        known = None if found is None else Found.from_json(found)
        return super().from_json({**content, "found": known})
