"""Distance between texts."""

from collections.abc import Sequence


def edits(guess: Sequence[int], text: Sequence[int]) -> int:
    """Insertions, deletions and substitutions between two sequences."""
    from rapidfuzz.distance import Levenshtein  # noqa: PLC0415 - only scoring needs it

    return Levenshtein.distance(guess, text)
