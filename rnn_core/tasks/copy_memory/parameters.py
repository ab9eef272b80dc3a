"""Parameters of lines of symbols in params.yaml, and facts found out about them."""

from dataclasses import dataclass

from rnn_core.readers.splits import check_shares
from rnn_core.tasks.base.prepared import Meta


@dataclass(frozen=True, kw_only=True)
class CopyData:
    """Settings that turn lines of symbols into sequences and splits.

    Attributes:
        lag: Blanks between the symbols and the marker that asks for them.
        validation_share: Share of the lines, before the test set, kept for choosing.
        test_share: Share of the lines, at the end of the file, kept for the final score.
    """

    lag: int = 30
    validation_share: float = 0.1
    test_share: float = 0.2

    def __post_init__(self) -> None:
        if self.lag < 0:
            raise ValueError(f"lag must be at least 0, not {self.lag}")
        check_shares(self.validation_share, self.test_share)


@dataclass(frozen=True, kw_only=True)
class CopyMeta(Meta):
    """Facts that `prepare` found out about lines of symbols.

    Attributes:
        parameters: What was asked for.
        symbols: Those of the training set.
        num_recalled: How many a line has.
    """

    Parameters = CopyData
    parameters: CopyData
    symbols: list[str]
    num_recalled: int
