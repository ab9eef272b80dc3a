"""Forms of labels: numbers with decimals, and several in one."""

import re
from collections import Counter
from collections.abc import Sequence

WHOLE = re.compile(r"([+-]?(?:0|[1-9]\d*))\.0+")
"""A whole number that is written as one with decimals."""


def same_numbers(labels: Sequence[str]) -> dict[str, str]:
    """Labels that are a whole number with decimals, and without these are a label too."""
    there = set(labels)
    found = {label: match[1] for label in there if (match := WHOLE.fullmatch(label))}
    counts = Counter(found.values())
    return {label: whole for label, whole in found.items() if whole in there or counts[whole] > 1}


def several_in_one(classes: Sequence[str]) -> list[str]:
    """Classes that are others with a separator between, such as `sad|angry`."""
    parts = {label: [part.strip() for part in re.split(r"[|;,]", label)] for label in classes}
    counts = Counter(part for own in parts.values() for part in {*own} if part)
    return [
        label
        for label, own in parts.items()
        if len(own) > 1 and all(own) and any(counts[part] > 1 for part in own)
    ]
