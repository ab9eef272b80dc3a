"""Scores of a model, item by item."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Scores:
    """The metric of each item of a split.

    Attributes:
        values: float64 (N,); what each adds to `corpus`, where there is one.
        weights: How much each item counts, float64 (N,).
        corpus: The metric of the split where it is not the weighted mean of its items,
            as for BLEU.
        loss: What training lowers, mean over the split, without what only training has, such as
            label smoothing; None where the metric is that. It tells models apart that the
            metric, a count of few items, calls equal.
        others: Further metrics of the split by name, for a reader; nothing is chosen by
            them.
        recalls: The share of the items of each class that are taken for it, by the name of the
            class; empty where items have no classes.
        clusters: Items of the same number do not vary independently, such as recordings of
            one speaker, int64 (N,); None: all do.
        own_to_seed: Whether each seed has items of its own.
    """

    values: Tensor
    weights: Tensor
    corpus: float | None = None
    loss: float | None = None
    others: Mapping[str, float] = field(default_factory=dict)
    recalls: Mapping[str, float] = field(default_factory=dict)
    clusters: Tensor | None = None
    own_to_seed: bool = False

    @property
    def overall(self) -> float:
        """The metric of the split."""
        if self.corpus is not None:
            return self.corpus
        return float((self.values * self.weights).sum() / self.weights.sum())
