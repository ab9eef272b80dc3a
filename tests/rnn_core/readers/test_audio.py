"""Log-mel frames against scipy's spectrogram, and wav files that are not what they say."""

import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import ShortTimeFFT

from rnn_core.errors import DataError
from rnn_core.readers.audio import FLOOR, log_mel, mel_filters, read_wav

RATE = 8000


def write(path: Path, samples, *, channels=1, width=2, rate=RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(np.asarray(samples).astype(f"<i{width}").tobytes())
    return path


def test_frames_match_the_spectrogram_of_scipy():
    samples = np.random.default_rng(0).standard_normal(4000).astype(np.float32)
    window, hop, size = 200, 80, 256
    transform = ShortTimeFFT(np.hanning(window), hop, RATE, mfft=size, scale_to=None)
    spectrum = transform.stft(samples, p0=0, p1=1 + (len(samples) - window) // hop, k_offset=100)
    expected = np.log(np.abs(spectrum.T) ** 2 @ mel_filters(20, size, RATE) + FLOOR)
    frames = log_mel(samples, RATE, 20, 0.025, 0.010)
    assert frames.shape == (48, 20)
    np.testing.assert_allclose(frames, expected, rtol=1e-4, atol=1e-4)


def test_mel_filters_are_triangles_that_meet():
    filters = mel_filters(20, 4096, RATE)
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 4000 / 700), 22) / 2595) - 1)
    frequencies = np.arange(2049) * RATE / 4096
    for band in range(20):
        corners = edges[band : band + 3]
        expected = np.interp(frequencies, corners, [0, 1, 0])
        np.testing.assert_allclose(filters[:, band], expected, atol=1e-12)
    inside = (frequencies > edges[1]) & (frequencies < edges[-2])
    np.testing.assert_allclose(filters[inside].sum(axis=1), 1, atol=1e-12)


def test_tone_is_loudest_in_its_own_band():
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    frames = log_mel(tone, RATE, 40, 0.025, 0.010)
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 4000 / 700), 42) / 2595) - 1)
    expected = np.abs(edges[1:-1] - 1000).argmin()
    assert (frames.argmax(axis=1) == expected).all()


def test_input_shorter_than_a_window_gives_one_frame():
    assert log_mel(np.ones(50, np.float32), RATE, 10, 0.025, 0.010).shape == (1, 10)


def test_samples_survive_the_file(tmp_path):
    values = np.array([0, 1, -32768, 32767, -5])
    samples, rate = read_wav(write(tmp_path / "a.wav", values))
    assert rate == RATE
    np.testing.assert_array_equal(samples, (values / 32768).astype(np.float32))


def cut(path: Path, num_bytes: int) -> Path:
    path.write_bytes(path.read_bytes()[:num_bytes])
    return path


def lying(path: Path) -> Path:
    """A header that announces more samples than there are."""
    content = bytearray(write(path, np.zeros(100)).read_bytes())
    content[40:44] = struct.pack("<I", 4000)
    path.write_bytes(bytes(content))
    return path


BROKEN = {
    "empty file": (lambda p: cut(write(p, np.zeros(9)), 0), "is an empty file"),
    "header cut off": (lambda p: cut(write(p, np.zeros(9)), 30), "not a readable wav"),
    "not a wav": (lambda p: p.write_bytes(b"MThd" * 20) and p, r"it begins with b'MThd'"),
    "mp3": (lambda p: p.write_bytes(b"\xff\xfb\x90" * 20) and p, "is an mp3 file by another name"),
    "samples cut off": (lambda p: cut(write(p, np.zeros(900)), 700), "it is cut off"),
    "length that lies": (lying, "announces 2000 samples and holds 100"),
    "no samples": (lambda p: write(p, np.zeros(0)), "holds no samples"),
    "stereo": (lambda p: write(p, np.zeros(8), channels=2), "2 channels; convert it to mono"),
    "32 bits": (lambda p: write(p, np.zeros(8), width=4), "samples of 32 bits; convert it"),
    "rate of 10": (lambda p: write(p, np.zeros(8), rate=10), "announces 10 samples a second"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_wav_is_named_with_what_is_wrong(tmp_path, kind):
    make, message = BROKEN[kind]
    with pytest.raises(DataError, match=message) as caught:
        read_wav(make(tmp_path / "7_theo_1.wav"))
    assert "7_theo_1.wav" in str(caught.value)
