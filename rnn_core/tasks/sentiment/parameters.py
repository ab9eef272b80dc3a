"""What params.yaml may say of labelled texts, and what is found out about them."""

from dataclasses import dataclass

from rnn_core.readers.labelled_texts import Column, Separator
from rnn_core.readers.sides import check_shares
from rnn_core.tasks.base.prepared import Meta


@dataclass(frozen=True, kw_only=True)
class SentimentData:
    """How a table becomes sentences and sides.

    The sides are three files, or shares of the only one.

    Attributes:
        text: Column of texts: its name in the header, or its position from 1 in a table
            without one.
        label: Column of labels, likewise.
        separator: What separates fields; null: a comma in .csv, a tab in .tsv.
        train: File of the training side; null: there is one file, split by shares.
        validation: File of the side kept for choosing.
        test: File of the side kept for the final score.
        validation_share: Share of each class kept for choosing.
        test_share: Share of each class kept for the final score.
        split_seed: Seed that decides which texts are on which side.
        lowercase: Whether upper and lower case are the same.
        min_count: Occurrences on the training side that a word must have to be known.
        max_vocabulary: Most different words, the unknown one included.
        max_words: Words of a text that are read; the rest is left out.
    """

    text: Column = "text"
    label: Column = "label"
    separator: Separator | None = None
    train: str | None = None
    validation: str | None = None
    test: str | None = None
    validation_share: float = 0.1
    test_share: float = 0.2
    split_seed: int = 0
    lowercase: bool = True
    min_count: int = 1
    max_vocabulary: int = 20_000
    max_words: int = 256

    def __post_init__(self) -> None:
        if isinstance(self.text, int) != isinstance(self.label, int):
            raise ValueError("text and label must both be names or both be positions")
        given = [file for file in (self.train, self.validation, self.test) if file is not None]
        if len(given) not in {0, 3} or len(set(given)) < len(given):
            raise ValueError("train, validation and test must be three files, or none")
        check_shares(self.validation_share, self.test_share)
        if min(self.min_count, self.max_words) < 1 or self.max_vocabulary < 2:
            raise ValueError("min_count and max_words must be at least 1, max_vocabulary 2")


@dataclass(frozen=True, kw_only=True)
class SentimentMeta(Meta):
    """What `prepare` found out about labelled texts.

    Attributes:
        parameters: What was asked for.
        classes: The labels.
        vocabulary: Words of the training side; the first is the unknown one.
        sentence_counts: In how many training sentences of each class each word occurs.
        longest: Words of the longest text of the training side.
        left_out: Rows that are not used, since their text is on a later side too.
        optimum: The best accuracy that is possible on the test side; None: not known.
    """

    Parameters = SentimentData
    parameters: SentimentData
    classes: list[str]
    vocabulary: list[str]
    sentence_counts: list[list[int]]
    longest: int
    left_out: int
    optimum: float | None
