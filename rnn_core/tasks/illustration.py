"""What tasks share that show what a trained model does."""

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
    """How many items of each class (row) were taken for each class (column).

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
    """What went into a model, what should have come out of it, and what came."""
    return [
        {"source": source, "reference": reference, "output": output}
        for source, reference, output in zip(sources, references, outputs, strict=True)
    ]
