"""Texts dealt out to the training, validation and test set, so that none is in two."""

import random
from collections.abc import Sequence

from rnn_core.readers.faults import Faults
from rnn_core.readers.splits import TEST, TRAIN, VALIDATION


def stratified_splits(
    texts: Sequence[str],
    labels: Sequence[str],
    shares: tuple[float, float],
    seed: int,
    faults: Faults,
) -> list[int]:
    """Deal rows out to the training, validation and test set.

    Every class has its share in every split, and all rows with the same text are in the
    same split. Which texts these are depends on the texts and the seed, not on the order
    of the rows.

    Args:
        texts: The text of each row.
        labels: The label of each row; a text with several counts to its first.
        shares: Of the texts of a class for the validation and the test set; 0: none.
        seed: Seed of the draw.
        faults: Where classes with too few texts are noted; these are in the training set.

    Returns:
        The split of each row, as an index of `SPLITS`.
    """
    members: dict[str, list[str]] = {label: [] for label in sorted(set(labels))}
    for text, label in dict(zip(reversed(texts), reversed(labels), strict=True)).items():
        members[label].append(text)
    split_of: dict[str, int] = {}
    for label, own in members.items():
        random.Random(f"{seed} {label}").shuffle(ordered := sorted(own))
        validation, test = (max(1, round(s * len(own))) if s else 0 for s in shares)
        if len(own) <= validation + test:
            numbers = {"validation": validation, "test": test}
            wanted = [f"{n} in the {name} set" for name, n in numbers.items() if n]
            faults.add(
                f"the class {label!r} has {len(own)} different texts, too few for "
                + " and ".join(wanted),
                "add rows, leave the class out, join it with another, or make validation_share "
                "and test_share smaller",
            )
            validation = test = 0
        splits = (
            [VALIDATION] * validation + [TEST] * test + [TRAIN] * (len(own) - validation - test)
        )
        split_of.update(zip(ordered, splits, strict=True))
    return [split_of[text] for text in texts]


def later_copies(texts: Sequence[str], splits: Sequence[int]) -> list[bool]:
    """Find the rows whose text is also in a later split."""
    last: dict[str, int] = {}
    for text, split in zip(texts, splits, strict=True):
        last[text] = max(split, last.get(text, 0))
    return [split < last[text] for text, split in zip(texts, splits, strict=True)]


def with_two_labels(texts: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Texts that several rows have with different labels, in their order."""
    of: dict[str, set[str]] = {}
    for text, label in zip(texts, labels, strict=True):
        of.setdefault(text, set()).add(label)
    return [text for text, found in of.items() if len(found) > 1]
