"""Check that something can be heard in a recording: certain faults, and possible ones."""

from collections.abc import Sequence

import numpy as np

from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.sound.audio import Samples

RECORD = "record it again or remove it"

SHORTEST_SECONDS = 0.02
"""No word is shorter: a single stop consonant with its release lasts longer."""

QUIETEST = 4 / 32768
"""Range of samples, 4 steps of 16 bits, up to which there is only a converter's noise."""

FEW_VALUES = 5
"""Values that the noise of a converter of 8 bits takes, which spans at most `COARSE`."""

COARSE = 1 / 16

CLICK_SECONDS = 0.005
CLICK_SHARE = 0.999
"""Share of energy in a short time from which on a sound is a click."""

LONGEST_RATIO = 10
"""Multiple of the median length above which a recording is a mistake; its inverse is odd."""

FEWEST_TO_COMPARE = 5
"""Recordings that a median of lengths needs to mean something."""

CLIPPED_RUN = 3
CLIPPED_SHARE = 0.01
"""Share of samples at the very top or bottom from which on a recording counts as clipped."""

OFF_ZERO = 0.1
"""A mean further from zero is a fault of the microphone's circuit."""

LOUDEST = 8.0
"""A sample above it, in floating point, is a whole number that was not divided by 32768."""

FLAWS = {
    "clipped": "is cut off at its loudest; record it at a lower level if you can",
    "off zero": (
        "lies off zero all the time; make a better one by `sox FILE FILE.wav highpass 20`, and use "
        "that in its place"
    ),
    "too loud": "has samples far above 1; divide whole numbers by 32768 before you write them",
}
"""Possible flaws of a recording, and what to do."""


def check_sound(samples: Samples, rate_hz: int, name: str) -> None:
    """Refuse a recording in which nothing is heard.

    Args:
        samples: (N,), before they are resampled.
        rate_hz: Samples a second.
        name: What to call it in errors.

    Raises:
        FaultsError: If nothing is.
    """
    if fault := nothing_heard(samples, rate_hz):
        raise FaultsError.one(f"{name} {fault}", RECORD)


def nothing_heard(samples: Samples, rate_hz: int) -> str:
    """Why nothing is heard in a recording; empty if something is."""
    if len(samples) < SHORTEST_SECONDS * rate_hz:
        return f"lasts {1000 * len(samples) / rate_hz:.2g} ms; no word is that short"
    span = float(np.ptp(samples))
    if span == 0:
        return "is silent from start to end"
    if span <= QUIETEST or (span <= COARSE and len(np.unique(samples)) <= FEW_VALUES):
        return "holds the noise of a converter and nothing else"
    energy = np.cumsum((samples - np.median(samples)).astype(np.float64) ** 2)
    width = max(round(CLICK_SECONDS * rate_hz), 1)
    inside = energy[width:] - energy[:-width]
    if max(inside.max(), energy[width - 1]) >= CLICK_SHARE * energy[-1]:
        return "holds a click and nothing else"
    return ""


def flaws(samples: Samples) -> list[str]:
    """Find possible flaws of a recording, as names of `FLAWS`."""
    found = []
    top, bottom, count = float(samples.max()), float(samples.min()), CLIPPED_RUN
    if top - bottom > COARSE:
        for edge in (samples == top, samples == bottom):
            runs = np.convolve(edge, np.ones(count), "valid") == count
            if runs.mean() > CLIPPED_SHARE and "clipped" not in found:
                found.append("clipped")
    if abs(float(samples.mean())) > OFF_ZERO * max(1.0, top, -bottom):
        found.append("off zero")
    if max(top, -bottom) > LOUDEST:
        found.append("too loud")
    return found


def check_lengths(seconds: Sequence[float], names: Sequence[str], faults: Faults) -> list[str]:
    """Note recordings that are far longer than the others.

    Returns:
        The names of those that are far shorter.
    """
    if len(seconds) < FEWEST_TO_COMPARE:
        return []
    median = float(np.median(seconds))
    for length, name in zip(seconds, names, strict=True):
        if length > LONGEST_RATIO * median:
            faults.add(
                f"{name} lasts {length:.1f} s, half of all recordings at most {median:.1f} s",
                "cut it",
            )
    shortest = median / LONGEST_RATIO
    return [name for length, name in zip(seconds, names, strict=True) if length < shortest]
