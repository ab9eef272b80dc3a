"""Common parts of tasks for showing a trained model's work."""

from collections.abc import Sequence

from torch import Tensor


def spread(num_items: int, most: int) -> list[int]:
    """Places of items spread evenly over all, the first and the last among them.

    Args:
        num_items: Items that there are.
        most: Places that are wanted, at least 2; of fewer items, all are taken.
    """
    if num_items <= most:
        return list(range(num_items))
    return [place * (num_items - 1) // (most - 1) for place in range(most)]


def confusion(truth: Tensor, guesses: Tensor, num_classes: int) -> list[list[int]]:
    """Count the items of each class (row) by predicted class (column).

    Args:
        truth: Class of each item, int64 (N,).
        guesses: What it was taken for, int64 (N,).
        num_classes: Classes that there are.
    """
    counts = (truth * num_classes + guesses).bincount(minlength=num_classes**2)
    rows: list[list[int]] = counts.view(num_classes, num_classes).tolist()
    return rows


def pairs(
    sources: Sequence[str], references: Sequence[str], outputs: Sequence[str]
) -> list[dict[str, str]]:
    """Triples of a model's input, the right output, and its output."""
    return [
        {"source": source, "reference": reference, "output": output}
        for source, reference, output in zip(sources, references, outputs, strict=True)
    ]
