"""Comparison of reference networks, which have no recurrence, with the recommended candidate."""

from dataclasses import dataclass

from rnn_core.comparison.candidates import Summary


@dataclass(frozen=True, kw_only=True)
class Beside:
    """The scores of a reference network on one split.

    Attributes:
        mean: Over random seeds; None if all diverged.
        std: Sample standard deviation over seeds; None for fewer than two.
        worse_by: By how many margins it is worse than the recommended candidate, by the seeds
            that both have; negative if it is better. None if all seeds of one of the two
            diverged.
        error: Standard error of that, over seeds and items, in margins; None in the same
            cases, and where there is no evidence.
    """

    mean: float | None
    std: float | None
    worse_by: float | None
    error: float | None


@dataclass(frozen=True, kw_only=True)
class ReferenceResult(Summary[Beside]):
    """A reference network at its one size, and what it came to."""

    validation: Beside  # named again for pydantic, which does not see what Summary is made with
    test: Beside
