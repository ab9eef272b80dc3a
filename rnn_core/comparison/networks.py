"""What came of reference networks, which have no recurrence, beside the recommended candidate."""

from dataclasses import dataclass

from rnn_core.comparison.candidates import SeedResult
from rnn_core.metric import ScoredSplit
from rnn_core.training.run_folder import Cost, size_name


@dataclass(frozen=True, kw_only=True)
class Beside:
    """The scores of a reference network on one split.

    Attributes:
        mean: Over random seeds; None if all diverged.
        std: Sample standard deviation over seeds; None for fewer than two.
        worse_by: By how many margins it is worse than the recommended candidate, by the seeds
            that both have; negative if it is better. None if all seeds of one of the two
            diverged.
        error: Standard error of that, over seeds and items, in margins; None likewise, and
            where nothing tells.
    """

    mean: float | None
    std: float | None
    worse_by: float | None
    error: float | None


@dataclass(frozen=True, kw_only=True)
class ReferenceResult:
    """A reference network at its one size, and what it came to.

    Attributes:
        cell: Name of the network, in the place of a cell's.
        hidden_size: Features of its output.
        sizes: The candidate whose multiply-accumulates it has as many as.
        deviations: How far it is from those, as a share of them.
        cost: Counted cost of its model.
        seeds: Outcome of each seed.
        validation: Its scores on the validation split.
        test: Its scores on the test split.
        others: Means of the further metrics of the test split.
    """

    cell: str
    hidden_size: int
    sizes: tuple[str, ...]
    deviations: dict[str, float]
    cost: Cost
    seeds: tuple[SeedResult, ...]
    validation: Beside
    test: Beside
    others: dict[str, float]

    @property
    def num_layers(self) -> int:
        """One, whatever it is made of: a network is not stacked."""
        return 1

    @property
    def size(self) -> str:
        """What its size is called."""
        return size_name(self.hidden_size, self.num_layers)

    def on(self, split: ScoredSplit) -> Beside:
        """Its scores on a split."""
        return self.validation if split == "validation" else self.test

    @property
    def diverged(self) -> tuple[SeedResult, ...]:
        """Its seeds that diverged."""
        return tuple(seed for seed in self.seeds if seed.diverged)
