"""What params.yaml may say of aligned texts, and what is found out about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from rnn_core.metric import SPLITS, Split
from rnn_core.readers.sides import check_shares
from rnn_core.tasks.base.prepared import Meta
from rnn_core.tasks.translation.bleu import Tokenizer


@dataclass(frozen=True, kw_only=True)
class TranslationData:
    """How two aligned files become subwords and sides.

    Attributes:
        source_file: File of the texts to translate, one a line; null: the other one of the
            two files that are there. With a `*` in it there is a file for each side, and
            the star stands for its name in `sides`.
        target_file: File of the translations, likewise.
        sides: What files of the training, validation and test side are called.
        validation_share: Share of the pairs kept for choosing, where one pair of files
            holds all; pairs are drawn, not cut off at the end.
        test_share: Share of the pairs kept for the final score, likewise.
        repeated: What to do where a pair of the training side comes again, word by word, on
            another side: refuse it, or leave it out of training.
        max_vocabulary: Most different subwords of both languages together.
        max_length: A training pair with more subwords than this on either side is left
            out; on the other sides every pair is kept.
        lower_case: Whether the model reads and writes lower case only.
        tokenizer: How sacreBLEU cuts translations into tokens.
    """

    source_file: str | None = None
    target_file: str | None = None
    sides: tuple[str, str, str] = ("train", "val", "test")
    validation_share: float = 0.1
    test_share: float = 0.1
    repeated: Literal["error", "drop"] = "error"
    max_vocabulary: int = 4000
    max_length: int = 100
    lower_case: bool = False
    tokenizer: Tokenizer = "13a"

    def __post_init__(self) -> None:
        if len(set(self.sides)) < len(self.sides):
            raise ValueError("sides must be three different names")
        if min(self.max_vocabulary, self.max_length) < 1:
            raise ValueError("max_vocabulary and max_length must be at least 1")
        check_shares(self.validation_share, self.test_share)


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Training pairs that are not used.

    Attributes:
        repeated: Since they are on another side too.
        long: Since they have too many subwords.
    """

    repeated: int
    long: int


@dataclass(frozen=True, kw_only=True)
class TranslationMeta(Meta):
    """What `prepare` found out about aligned texts.

    Attributes:
        parameters: What was asked for.
        subwords: The model that cuts texts into subwords; see `rnn_core.features.subwords`.
        written: Subwords of the training side's targets.
        left_out: Training pairs that are not used.
    """

    Parameters = TranslationData
    parameters: TranslationData
    subwords: str
    written: list[int]
    left_out: LeftOut

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        left_out = LeftOut(**content["left_out"])
        return super().from_json({**content, "left_out": left_out})

    def range_of(self, split: Split) -> tuple[int, int]:
        """First pair of a side, and the one after its last."""
        first = sum(self.items[side] for side in SPLITS[: SPLITS.index(split)])
        return first, first + self.items[split]
