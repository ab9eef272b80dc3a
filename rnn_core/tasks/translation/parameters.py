"""Parameters of aligned texts in params.yaml, and facts found out about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from rnn_core.metric import SPLITS, Split
from rnn_core.readers.formats.encodings import check_encoding
from rnn_core.readers.splits import check_shares
from rnn_core.tasks.base.prepared import Meta
from rnn_core.tasks.translation.bleu import Tokenizer


@dataclass(frozen=True, kw_only=True)
class TranslationData:
    """Settings that turn texts with their translations into subwords and splits.

    Attributes:
        source_file: File of the texts to translate, one a line; null: the other one of the
            two files that are there. With a `*` in it there is a file for each split, and
            the star stands for its name in `splits`. Without a `target_file`, a table with a text
            and its translation in each row: with tabs or `|||` between, CSV, JSON, Excel,
            Parquet, TMX, XLIFF or PO.
        target_file: File of the translations, in the same form.
        columns: Of a table, those of the text and of its translation, counted from 1.
        split_column: Of a table, the column that says the split of each row, such as train and
            test, counted from 1; null: none does. A split without rows is drawn from the
            training pairs.
        splits: What files of the training, validation and test set are called; null for a set
            that has none, and is drawn from the training set.
        validation_share: Share of the pairs kept for choosing, where no file holds them; pairs
            are drawn, not cut off at the end.
        test_share: Share of the pairs kept for the final score, also drawn.
        repeated: What to do where a text to translate is repeated in another split, as the model
            reads it: refuse it ("error"), leave it out of the earlier split ("drop"), or take
            splits as they are, which is for those that were published ("keep").
        max_vocabulary: Most different subwords of both languages together.
        max_length: A training pair with more subwords than this on either side is left
            out; on the other splits every pair is kept.
        lower_case: Whether the model reads and writes lower case only.
        tokenizer: How sacreBLEU cuts translations into tokens.
        encoding: Of the files that do not tell theirs by a byte order mark.
    """

    source_file: str | None = None
    target_file: str | None = None
    columns: tuple[int, int] = (1, 2)
    split_column: int | None = None
    splits: tuple[str, str | None, str | None] = ("train", "val", "test")
    validation_share: float = 0.1
    test_share: float = 0.1
    repeated: Literal["error", "drop", "keep"] = "error"
    max_vocabulary: int = 4000
    max_length: int = 100
    lower_case: bool = False
    tokenizer: Tokenizer = "13a"
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        named = [name for name in self.splits if name is not None]
        if len(set(named)) < len(named):
            raise ValueError("splits must be different names, or null for a set without files")
        if min(self.columns) < 1 or self.columns[0] == self.columns[1]:
            raise ValueError("columns must be two different ones, counted from 1")
        if self.split_column is not None and (
            self.split_column < 1 or self.split_column in self.columns
        ):
            raise ValueError("split_column must be another one than columns, counted from 1")
        if min(self.max_vocabulary, self.max_length) < 1:
            raise ValueError("max_vocabulary and max_length must be at least 1")
        check_shares(self.validation_share, self.test_share)
        check_encoding(self.encoding)


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Training pairs that are not used.

    Attributes:
        repeated: Since the text to translate is in another split too.
        long: Since they have too many subwords.
    """

    repeated: int
    long: int


@dataclass(frozen=True, kw_only=True)
class TranslationMeta(Meta):
    """Facts that `prepare` found out about aligned texts.

    Attributes:
        parameters: What was asked for.
        subwords: The model that cuts texts into subwords; see `rnn_core.features.subwords`.
        written: Subwords of the training set's targets.
        left_out: Training pairs that are not used.
        numbers_kept: Whether numbers in digits are the same in both languages.
        known_words: Words of the training set's sources in lower case, if names that are none
            of them stay as they are; see `rnn_core.tasks.translation.copying`.
    """

    Parameters = TranslationData
    parameters: TranslationData
    subwords: str
    written: list[int]
    left_out: LeftOut
    numbers_kept: bool
    known_words: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        left_out = LeftOut(**content["left_out"])
        return super().from_json({**content, "left_out": left_out})

    def range_of(self, split: Split) -> tuple[int, int]:
        """First pair of a split, and the one after its last."""
        first = sum(self.items[earlier] for earlier in SPLITS[: SPLITS.index(split)])
        return first, first + self.items[split]
