"""Description of what was understood of the user's data, printed before training."""

from collections.abc import Mapping
from dataclasses import dataclass

from rnn_core.metric import Split


@dataclass(frozen=True, kw_only=True)
class Understanding:
    """Description of what `prepare` read.

    Attributes:
        read: What was found, a line each: such as rows, columns by role, classes with counts,
            what is in the training, validation and test set, what is cut or left out.
        doubts: What may be wrong and is not certain to be, a line each, with what to do.
    """

    read: tuple[str, ...]
    doubts: tuple[str, ...] = ()


def counted(counts: Mapping[str, int], most: int = 6) -> str:
    """Names with counts, the most frequent first, such as `yes 12, no 8 and 3 more`."""
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = ", ".join(f"{name} {count:,}" for name, count in ranked[:most])
    more = len(ranked) - most
    return f"{shown} and {more} more" if more > 0 else shown


def told_encoding(encoding: str) -> list[str]:
    """That files are not read as UTF-8, if they are not."""
    if encoding == "utf-8":
        return []
    return [f"read as {encoding}, and so is what a model is asked about in a file (data.encoding)"]


def split_line(items: Mapping[Split, int], what: str) -> str:
    """Number of items of each split; `what` is their kind, in the plural."""
    return (
        f"{items['train']:,} {what} in the training set, {items['validation']:,} in the "
        f"validation set, {items['test']:,} in the test set"
    )
