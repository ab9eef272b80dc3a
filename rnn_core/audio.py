"""Wav files to samples, and samples to log-mel frames."""

import io
import wave
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rnn_core.errors import DataError

Samples: TypeAlias = NDArray[np.float32]
Frames: TypeAlias = NDArray[np.float32]

FLOOR = 1e-6
"""Added to the energy of each mel band, so that silence has a logarithm."""


def read_wav(source: Path | bytes, name: str | None = None) -> tuple[Samples, int]:
    """Read 16-bit mono PCM.

    Args:
        source: A file, or the content of one.
        name: What to call the content in errors.

    Returns:
        Samples in [-1, 1), float32 (N,), and the sample rate in Hz.

    Raises:
        DataError: If the file is broken, empty or of another form.
    """
    label = name or (str(source) if isinstance(source, Path) else "the wav content")
    content = source.read_bytes() if isinstance(source, Path) else source
    try:
        with wave.open(io.BytesIO(content)) as file:
            form = file.getnchannels(), file.getsampwidth()
            rate, announced = file.getframerate(), file.getnframes()
            data = file.readframes(announced)
    except (wave.Error, EOFError) as error:
        raise DataError(f"{label} is not a readable wav file: {error or 'it is cut off'}") from None
    if form != (1, 2):
        raise DataError(
            f"{label} has {form[0]} channels of {8 * form[1]} bits; convert it to mono, 16 bits"
        )
    if not announced or len(data) != 2 * announced:
        raise DataError(
            f"{label} announces {announced} samples and holds {len(data) // 2}; it is cut off"
        )
    return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768), rate


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
    top = 2595 * np.log10(1 + rate_hz / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, num_mels + 2) / 2595) - 1)
    frequencies = np.arange(fft_size // 2 + 1) * rate_hz / fft_size
    rising = (frequencies[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies[:, None]) / (edges[2:] - edges[1:-1])
    return np.clip(np.minimum(rising, falling), 0, None)
