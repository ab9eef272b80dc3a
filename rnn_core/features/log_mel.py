"""Samples to log-mel frames."""

from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rnn_core.readers.sound.audio import Samples

Frames: TypeAlias = NDArray[np.float32]

FLOOR = 1e-6
"""Added to the energy of each mel band, so that silence has a logarithm."""


def log_mel(
    samples: Samples, rate_hz: int, num_mels: int, window_seconds: float, hop_seconds: float
) -> Frames:
    """Logarithm of the energy in mel bands of overlapping Hann windows.

    Args:
        samples: (N,).
        rate_hz: Sample rate.
        num_mels: Number of bands, M.
        window_seconds: Length of a window.
        hop_seconds: Distance between the starts of two windows.

    Returns:
        (T, M) with T = 1 + (N - window) // hop; a shorter input is filled with silence.
    """
    window, hop = round(window_seconds * rate_hz), round(hop_seconds * rate_hz)
    samples = np.pad(samples, (0, max(window - len(samples), 0)))
    pieces = sliding_window_view(samples, window)[::hop] * np.hanning(window)
    size = 1 << (window - 1).bit_length()
    power = np.abs(np.fft.rfft(pieces, size)) ** 2
    return np.log(power @ mel_filters(num_mels, size, rate_hz) + FLOOR).astype(np.float32)


@cache
def mel_filters(num_mels: int, fft_size: int, rate_hz: int) -> NDArray[np.float64]:
    """Triangular filters, equally spaced on the mel scale from 0 Hz to half the rate.

    The scale is 2595 log10(1 + f / 700), as in O'Shaughnessy, "Speech communication"
    (1987) and HTK.

    Returns:
        (fft_size // 2 + 1, num_mels); the peak of each filter is 1.
    """
    edges = mel_edges(num_mels, rate_hz)
    frequencies = np.arange(fft_size // 2 + 1) * rate_hz / fft_size
    rising = (frequencies[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies[:, None]) / (edges[2:] - edges[1:-1])
    return np.clip(np.minimum(rising, falling), 0, None)


def mel_edges(num_mels: int, rate_hz: int) -> NDArray[np.float64]:
    """Where the filters begin, peak and end: num_mels + 2 frequencies in Hz."""
    top = 2595 * np.log10(1 + rate_hz / 2 / 700)
    edges: NDArray[np.float64] = 700 * (10 ** (np.linspace(0, top, num_mels + 2) / 2595) - 1)
    return edges
