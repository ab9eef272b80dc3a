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

OTHER_KINDS = {
    b"ID3": "an mp3 file",
    b"\xff\xfb": "an mp3 file",
    b"fLaC": "a flac file",
    b"OggS": "an ogg file",
    b"FORM": "an aiff file",
}
"""First bytes of files that people rename to .wav."""

FLOATING_POINT = b"\x03\x00"
"""WAVE_FORMAT_IEEE_FLOAT, where the header gives the format."""

LOWEST_RATE_HZ = 4000

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
    check_kind(content, label)
    try:
        with wave.open(io.BytesIO(content)) as file:
            channels, width = file.getnchannels(), file.getsampwidth()
            rate, announced = file.getframerate(), file.getnframes()
            data = file.readframes(announced)
    except (wave.Error, EOFError) as error:
        raise DataError(
            f"{label} is not a readable wav file: {error or 'it is cut off'}; export it again"
        ) from None
    check_form(channels, width, rate, label)
    check_size(announced, len(data) // 2, label)
    return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768), rate


def check_kind(content: bytes, label: str) -> None:
    """Refuse what does not begin as a wav file of whole numbers.

    Raises:
        DataError: If it does not.
    """
    if not content:
        raise DataError(f"{label} is an empty file; export it again or remove it")
    for start, kind in OTHER_KINDS.items():
        if content.startswith(start):
            raise DataError(f"{label} is {kind} by another name; convert it to wav, 16 bits")
    if not content.startswith(b"RIFF"):
        raise DataError(f"{label} is not a wav file: it begins with {content[:4]!r}; convert it")
    place = content.find(b"fmt ") + 8
    if place >= 20 and content[place : place + 2] == FLOATING_POINT:
        raise DataError(f"{label} holds floating-point samples; convert it to 16 bits")


def check_form(channels: int, width: int, rate_hz: int, label: str) -> None:
    """Refuse another form than 16-bit mono at a rate that carries speech.

    Args:
        channels: Number of channels.
        width: Bytes of a sample.
        rate_hz: Sample rate.
        label: What to call the file in errors.

    Raises:
        DataError: If it is of another form.
    """
    if channels != 1:
        raise DataError(f"{label} has {channels} channels; convert it to mono")
    if width != 2:
        raise DataError(f"{label} has samples of {8 * width} bits; convert it to 16 bits")
    if rate_hz < LOWEST_RATE_HZ:
        raise DataError(
            f"{label} announces {rate_hz} samples a second; speech needs {LOWEST_RATE_HZ} at least"
        )


def check_size(announced: int, held: int, label: str) -> None:
    """Refuse a file without samples or with fewer than it announces.

    Raises:
        DataError: If it is such a file.
    """
    if not announced:
        raise DataError(f"{label} holds no samples; record it again or remove it")
    if held != announced:
        raise DataError(
            f"{label} announces {announced} samples and holds {held}: it is cut off; "
            "export it again"
        )


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
