"""Wording of messages."""


def amount(count: int, noun: str) -> str:
    """A number of things in words: `1 gap`, `2,000 gaps`.

    Args:
        count: The number of things.
        noun: The singular of a noun whose plural ends in s.
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
