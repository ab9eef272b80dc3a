"""Common parts of classifiers: counts of classes, scores and answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from rnn_core.features.batches import by_length
from rnn_core.metric import ClassMetric, Metric
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.base.serves import AnswerParameters

if TYPE_CHECKING:
    import pandas as pd

ClassWeights: TypeAlias = Literal["none", "balanced"]
"""Weight of the items of a class while training: all the same, or each class in all."""

UNKNOWN = "unknown"
"""The answer where no class is probable enough."""

BINS = 15
"""Intervals of equal width, as the paper takes them."""


def class_metric(kind: ClassMetric, items: str) -> Metric:
    """Metric that chooses classifiers of items such as "sentences"."""
    if kind == "accuracy":
        return Metric(kind, f"share of {items}", "higher")
    return Metric(
        kind,
        f"mean over classes of the share of their {items}",
        "higher",
        "the mean of the recalls of the classes, however many items each has",
    )


def item_weights(kind: ClassMetric, labels: Tensor) -> Tensor:
    """Weight of each item in the metric, float64 (N,); their mean is 1.

    Balanced accuracy is the mean over classes of recall (Brodersen et al., ICPR 2010,
    doi:10.1109/ICPR.2010.764): of items that count N / (C n), where n of the N items belong to
    their class, and C classes have any. So it is a mean over items, whose differences between two
    models vary as those of any other. F1, whose precision is a share of what a model takes for a
    class,
    is no mean over items: what an item adds to it depends on all others.
    """
    if kind == "accuracy":
        return torch.ones(len(labels), dtype=torch.float64, device=labels.device)
    counts = labels.bincount()
    return len(labels) / ((counts > 0).sum() * counts[labels].double())


def share_right(guesses: Tensor, labels: Tensor, kind: ClassMetric) -> float:
    """The metric of guesses, int64 (N,), whose right classes are known."""
    weights = item_weights(kind, labels)
    return float((guesses == labels).double() @ weights / weights.sum())


def class_scores(
    logits: Tensor, labels: Tensor, classes: Sequence[str], kind: ClassMetric
) -> Scores:
    """1 for each item that is classified correctly, 0 for each other; and further scores.

    Args:
        logits: Of the classes, (N, C).
        labels: The right classes, int64 (N,).
        classes: Their names.
        kind: What models are chosen by: how much each item counts.
    """
    guesses = logits.argmax(dim=1)
    value, weights = (guesses == labels).double(), item_weights(kind, labels)
    others = {} if kind == "accuracy" else {"accuracy": float(value.mean())}
    return Scores(
        value,
        weights,
        loss=scored_loss(logits, labels, kind),
        others=others
        | {
            "calibration_error": calibration_error(logits, labels),
            "macro_f1": macro_f1(guesses, labels),
        },
        recalls=recalls(guesses, labels, classes),
    )


def scored_loss(logits: Tensor, labels: Tensor, kind: ClassMetric) -> float:
    """The mean cross-entropy of items, which count as in the metric."""
    if kind == "accuracy":
        return float(functional.cross_entropy(logits, labels))
    losses = functional.cross_entropy(logits, labels, reduction="none").double()
    return float((losses * item_weights(kind, labels)).mean())


def class_probabilities(
    inputs: Sequence[Tensor],
    num_classes: int,
    batch_size: int,
    logits: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """The probability of each class of inputs of any lengths, (N, C).

    Those of about the same length are read together, so that little is padded.

    Args:
        inputs: Whose first dimension is time.
        num_classes: Classes that there are, C.
        batch_size: Most that are read together.
        logits: Those of a batch that is padded with 0, and its lengths, (B, C).
    """
    lengths = torch.tensor([len(one) for one in inputs])
    found = torch.empty(len(inputs), num_classes)
    for places in by_length(lengths, batch_size):
        batch = pad_sequence([inputs[place] for place in places.tolist()], batch_first=True)
        found[places] = functional.softmax(logits(batch, lengths[places]), dim=1)
    return found


def calibration_error(logits: Tensor, labels: Tensor, bins: int = BINS) -> float:
    """The expected calibration error of a classifier, in [0, 1]; 0 is best.

    Items are sorted into intervals of equal width by the probability of the class that each is
    taken for. The result is the mean difference, over the items, between an interval's accuracy
    and its mean probability.

    Args:
        logits: Of the classes, up to a constant for each item, (N, C).
        labels: The right classes, int64 (N,).
        bins: How many intervals.

    Reference:
        Guo et al., "On calibration of modern neural networks", arXiv:1706.04599v2, section 2.
    """
    confidences, guesses = logits.double().softmax(dim=1).max(dim=1)
    edges = torch.linspace(0, 1, bins + 1, dtype=torch.float64, device=logits.device)[1:-1]
    intervals = torch.bucketize(confidences, edges)
    surplus = confidences - (guesses == labels).double()
    sums = torch.zeros(bins, dtype=torch.float64, device=logits.device)
    return float(sums.index_add(0, intervals, surplus).abs().sum() / len(labels))


def macro_f1(guesses: Tensor, labels: Tensor) -> float:
    """The mean over classes of the harmonic mean of precision and recall, in [0, 1].

    Classes count alike, however many items each has. Those count that an item has or is taken
    for; one that no item is rightly taken for has 0.

    Args:
        guesses: What each item is taken for, int64 (N,).
        labels: The right classes, int64 (N,).

    Reference:
        Opitz and Burst, "Macro F1 and macro F1", arXiv:1911.03347v3, the mean of F1 scores.
    """
    size = int(torch.maximum(guesses.max(), labels.max())) + 1
    hits = guesses[guesses == labels].bincount(minlength=size).double()
    both = guesses.bincount(minlength=size) + labels.bincount(minlength=size)
    return float((2 * hits / both)[both > 0].mean())


def recalls(guesses: Tensor, labels: Tensor, classes: Sequence[str]) -> dict[str, float]:
    """The share of the items of each class that are taken for it, by its name.

    Args:
        guesses: What each item is taken for, int64 (N,).
        labels: The right classes, int64 (N,); a class without an item is left out.
        classes: Their names.
    """
    there = labels.bincount(minlength=len(classes)).tolist()
    hits = labels[guesses == labels].bincount(minlength=len(classes)).tolist()
    named = zip(classes, hits, there, strict=True)
    return {name: right / count for name, right, count in named if count}


def class_loss(
    logits: Tensor, labels: Tensor, weights: Sequence[Tensor], smoothing: float = 0.0
) -> Tensor:
    """The cross-entropy of a batch, in which classes count by their weights.

    Args:
        logits: Of the classes, (B, C).
        labels: The right classes, int64 (B,).
        weights: See `loss_weights`.
        smoothing: Share of a label that is spread over all classes (arXiv:1512.00567v3).
    """
    weight = next(iter(weights), None)
    return functional.cross_entropy(logits, labels, weight, label_smoothing=smoothing)


def loss_weights(kind: ClassWeights, labels: Tensor, num_classes: int) -> tuple[Tensor, ...]:
    """Weight of an item of each class in the loss, (C,); nothing if all the same.

    Balanced, every class counts as much as any other in all, and the mean weight of an item is
    1: N / (C n), where n of the N items belong to the class. It is the heuristic of King and Zeng
    (2001), "Logistic regression in rare events data", doi:10.1093/oxfordjournals.pan.a004868,
    as scikit-learn has it.

    Args:
        kind: Which weights.
        labels: Classes of the training items, (N,).
        num_classes: Classes that there are, C.
    """
    if kind == "none":
        return ()
    counts = labels.long().bincount(minlength=num_classes).clamp(min=1)
    return ((len(labels) / (num_classes * counts.double())).to(torch.get_default_dtype()),)


@dataclass(frozen=True, kw_only=True)
class ClassAnswer(AnswerParameters):
    """Options of a classifier's answer.

    Attributes:
        all: Whether to give the probability of every class, not that of the likeliest alone.
        unknown_below: The answer is `unknown` where the likeliest class is less probable.
    """

    all: bool = False
    unknown_below: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.unknown_below <= 1:
            raise ValueError(f"unknown_below must be in [0, 1], not {self.unknown_below}")


def class_answers(
    probabilities: Tensor,
    classes: Sequence[str],
    parameters: ClassAnswer,
    names: tuple[str, str],
    top: int = 1,
) -> "pd.DataFrame":
    """The likeliest classes of items, and their probabilities.

    Args:
        probabilities: Of each class, (N, C).
        classes: Their names.
        parameters: What is asked for.
        names: What the columns of the likeliest class and of its probability are called.
        top: How many classes to give, in columns with `_2` and so on behind their names.

    Returns:
        These columns; then, if all are asked for, `probability_` with the name of each class.
    """
    import pandas as pd  # noqa: PLC0415 - training does without

    values, places = probabilities.sort(dim=1, descending=True, stable=True)
    columns: dict[str, list[float] | list[str]] = {}
    for rank in range(min(top, len(classes))):
        label, probability = (f"{name}_{rank + 1}" if rank else name for name in names)
        columns[label] = [classes[place] for place in places[:, rank].tolist()]
        columns[probability] = values[:, rank].tolist()
    if parameters.all:
        columns |= {f"probability_{n}": probabilities[:, i].tolist() for i, n in enumerate(classes)}
    if parameters.unknown_below > 0:
        sure = (values[:, 0].double() >= parameters.unknown_below).tolist()
        likeliest = zip(columns[names[0]], sure, strict=True)
        columns[names[0]] = [str(label) if is_sure else UNKNOWN for label, is_sure in likeliest]
    return pd.DataFrame(columns)
