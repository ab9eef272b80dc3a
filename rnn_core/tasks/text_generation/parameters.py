"""Parameters of a text in params.yaml, and facts found out about it."""

from dataclasses import dataclass
from typing import Literal

from rnn_core.features.subwords import FEWEST_EXACT
from rnn_core.metric import Split
from rnn_core.readers.formats.encodings import check_encoding
from rnn_core.readers.splits import check_shares
from rnn_core.tasks.base.prepared import Meta


@dataclass(frozen=True, kw_only=True)
class TextData:
    """Settings that turn a text into tokens and splits.

    Attributes:
        tokens: Whether a token is a character; a word or punctuation mark with the
            space before it; or a subword, which can spell any text.
        max_vocabulary: Most different tokens, the one for unknown tokens included.
        validation_share: Share of the text, before the test set, kept for choosing.
        test_share: Share of the text, at its end, kept for the final score.
        split: What is put into the splits: parts of the text, in its order ("order"); whole lines
            in an order that is drawn, for lists such as of names ("lines"); or the files whose
            names say which split they are ("files"), where the shares say nothing.
        encoding: Of the files that do not tell theirs by a byte order mark.
    """

    tokens: Literal["char", "word", "subword"] = "char"
    max_vocabulary: int = 10_000
    validation_share: float = 0.05
    test_share: float = 0.10
    split: Literal["order", "lines", "files"] = "order"
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        if self.tokens not in ("char", "word", "subword"):
            raise ValueError(f"tokens must be char, word or subword, not {self.tokens!r}")
        least = FEWEST_EXACT if self.tokens == "subword" else 2
        if self.max_vocabulary < least:
            raise ValueError(f"max_vocabulary must be at least {least}")
        if self.split not in ("order", "lines", "files"):
            raise ValueError(f"split must be order, lines or files, not {self.split!r}")
        check_shares(self.validation_share, self.test_share)
        check_encoding(self.encoding)


@dataclass(frozen=True, kw_only=True)
class TextMeta(Meta):
    """Facts that `prepare` found out about a text.

    Attributes:
        parameters: What was asked for.
        vocabulary: Tokens of the training set; the first is the unknown one.
        subwords: Where tokens are subwords, what cuts texts into them; see
            `rnn_core.features.subwords.ExactSubwords`.
        characters: How many each split has after its first token.
        unknown: How many unknown tokens each split has after its first.
        spelling_nats: Nats that it takes to spell these.
        optimum: The best metric that is possible on the test set; None: not known.
    """

    Parameters = TextData
    parameters: TextData
    vocabulary: list[str]
    characters: dict[Split, int]
    unknown: dict[Split, int]
    spelling_nats: dict[Split, float]
    optimum: float | None
    subwords: str | None = None
