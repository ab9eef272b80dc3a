"""Log-mel frames against scipy's spectrogram, and wav files that are not what they say."""

import struct
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import ShortTimeFFT

from rnn_core.errors import DataError
from rnn_core.features.log_mel import FLOOR, log_mel, mel_filters
from rnn_core.readers.sound.audio import read_sound, resampled

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
    samples, rate = read_sound(write(tmp_path / "a.wav", values))[:2]
    assert rate == RATE
    np.testing.assert_array_equal(samples, (values / 32768).astype(np.float32))


def stored(path: Path, form: str, kind: str, channels=1, rate=RATE) -> Path:
    """A recording as another program writes it."""
    draw = np.random.default_rng(3)
    tone = 0.3 * np.sin(0.3 * np.arange(4000)) + 0.05 * draw.standard_normal(4000)
    soundfile.write(path, np.stack([tone] * channels, 1), rate, format=form, subtype=kind)
    return path


EXACT = {
    ("WAV", "PCM_16"): 2**-15,
    ("WAV", "PCM_24"): 2**-23,
    ("WAV", "PCM_32"): 2**-24,
    ("WAV", "PCM_U8"): 2**-6,
    ("WAV", "FLOAT"): 2**-24,
    ("WAV", "DOUBLE"): 2**-24,
    ("WAV", "ULAW"): 2**-6,
    ("WAV", "ALAW"): 2**-6,
    ("WAVEX", "PCM_16"): 2**-15,
    ("WAVEX", "PCM_24"): 2**-23,
    ("WAVEX", "FLOAT"): 2**-24,
    ("FLAC", "PCM_16"): 2**-15,
    ("FLAC", "PCM_24"): 2**-23,
    ("AIFF", "PCM_16"): 2**-15,
    ("AU", "PCM_16"): 2**-15,
    ("CAF", "PCM_16"): 2**-15,
    ("W64", "PCM_16"): 2**-15,
    ("RF64", "PCM_16"): 2**-15,
}
"""Tolerance of samples that were written and read."""

LOSSY = [
    ("WAV", "IMA_ADPCM"),
    ("WAV", "MS_ADPCM"),
    ("WAV", "GSM610"),
    ("MP3", "MPEG_LAYER_III"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", EXACT)
def test_samples_are_those_that_were_written(tmp_path, kind, channels):
    sound = read_sound(stored(tmp_path / "a.wav", *kind, channels))
    expected = read_sound(stored(tmp_path / "b.wav", "WAV", "DOUBLE"))
    assert (sound.rate_hz, sound.channels) == (RATE, channels)
    np.testing.assert_allclose(sound.samples, expected.samples, rtol=0, atol=EXACT[kind])


@pytest.mark.parametrize("kind", LOSSY)
def test_samples_of_what_loses_some_are_like_those_that_were_written(tmp_path, kind):
    sound = read_sound(stored(tmp_path / "a.wav", *kind))
    expected = read_sound(stored(tmp_path / "b.wav", "WAV", "DOUBLE")).samples
    assert len(expected) <= len(sound.samples) < 1.2 * len(expected)
    spectra = [np.abs(np.fft.rfft(x[:4000])) for x in (sound.samples, expected)]
    assert np.corrcoef(*spectra)[0, 1] > 0.95


def test_channels_are_mixed_down_to_their_mean(tmp_path):
    draw = np.random.default_rng(0).integers(-9000, 9000, (500, 3))
    sound = read_sound(write(tmp_path / "a.wav", draw, channels=3))
    assert sound.channels == 3
    np.testing.assert_allclose(sound.samples, draw.mean(axis=1) / 32768, atol=1e-6)


@pytest.mark.parametrize(("before", "after"), [(44100, 16000), (8000, 16000), (48000, 8000)])
def test_a_tone_at_another_rate_is_the_same_tone(before, after):
    """Against the tone as it would have been recorded; nothing above half the rate remains."""
    seconds = np.arange(before) / before
    tone = np.sin(2 * np.pi * 440 * seconds)
    above = 0.5 * np.sin(2 * np.pi * 0.8 * after * seconds) if before > 1.6 * after else 0
    found = resampled((tone + above).astype(np.float32), before, after)
    expected = np.sin(2 * np.pi * 440 * np.arange(after) / after)
    assert found.dtype == np.float32
    assert len(found) == after
    inside = slice(after // 10, -after // 10)
    np.testing.assert_allclose(found[inside], expected[inside], atol=2e-4)


def test_samples_at_the_rate_that_is_wanted_stay_the_same_to_the_bit():
    samples = np.random.default_rng(0).standard_normal(99).astype(np.float32)
    assert resampled(samples, 8000, 8000) is samples


def cut(path: Path, num_bytes: int) -> Path:
    path.write_bytes(path.read_bytes()[:num_bytes])
    return path


def patched(path: Path, old: bytes, new: bytes) -> bytes:
    return path.read_bytes().replace(old, new)


def lying(path: Path) -> Path:
    """A header that announces more samples than there are."""
    content = bytearray(write(path, np.zeros(100)).read_bytes())
    content[40:44] = struct.pack("<I", 4000)
    path.write_bytes(bytes(content))
    return path


BROKEN = {
    "empty file": (lambda p: cut(write(p, np.zeros(9)), 0), "is an empty file; export it again"),
    "header cut off": (lambda p: cut(write(p, np.zeros(9)), 30), "not a readable wav"),
    "not a wav": (lambda p: p.write_bytes(b"MThd" * 20) and p, "Format not recognised; it begins"),
    "mp3 of zeros": (lambda p: p.write_bytes(b"\xff\xfb" + bytes(99)) and p, "broken, or cut off"),
    "samples cut off": (lambda p: cut(write(p, np.zeros(900)), 700), "it is cut off; export it"),
    "length that lies": (lying, "announces 2000 samples and holds 100"),
    "no samples": (lambda p: write(p, np.zeros(0)), "holds no samples"),
    "rate of 10": (lambda p: write(p, np.zeros(8), rate=10), "announces 10 samples a second"),
    "webm": (
        lambda p: p.write_bytes(b"\x1aE\xdf\xa3" * 9) and p,
        "is webm .*FILE.wav`, and use that in",
    ),
    "an answer of a server": (
        lambda p: p.write_bytes(b"Error 403") and p,
        "it begins with 'Error 40'; download the recording again",
    ),
    "aac": (lambda p: p.write_bytes(b"\xff\xf1" * 9) and p, "is AAC; convert it: `ffmpeg"),
    "wavpack": (lambda p: p.write_bytes(b"wvpk" * 9) and p, "is WavPack; convert it: `ffmpeg"),
    "html": (lambda p: p.write_bytes(b"\n<!DOCTYPE html>") and p, "is a page of HTML; download"),
    "zip": (lambda p: p.write_bytes(b"PK\x03\x04" * 9) and p, "is a packed file; unpack it"),
    "flac cut off": (lambda p: cut(stored(p, "FLAC", "PCM_16"), 3000), "is broken, or cut off"),
    "flac cut short": (lambda p: cut(stored(p, "FLAC", "PCM_16"), 40), "is broken, or cut off"),
    "ogg cut short": (
        lambda p: cut(stored(p, "OGG", "VORBIS"), 30),
        "one of its parts: it is cut off",
    ),
    "opus cut off": (
        lambda p: cut(stored(p, "OGG", "OPUS"), 300),
        "one of its parts: it is cut off",
    ),
    "aiff cut short": (lambda p: cut(stored(p, "AIFF", "PCM_16"), 20), "is broken, or cut off"),
    "caf cut off": (lambda p: cut(stored(p, "CAF", "PCM_16"), 900), "is broken, or cut off"),
    "w64 cut short": (lambda p: cut(stored(p, "W64", "PCM_16"), 40), "is broken, or cut off"),
    "unknown samples in a sound kind": (
        lambda p: p.write_bytes(patched(stored(p, "AIFF", "ULAW"), b"ulaw", b"QDMC")) and p,
        "unimplemented format; convert it",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_wav_is_named_with_what_is_wrong(tmp_path, kind):
    make, message = BROKEN[kind]
    with pytest.raises(DataError, match=message) as caught:
        read_sound(make(tmp_path / "7_theo_1.wav"))
    assert "7_theo_1.wav" in str(caught.value)


@pytest.mark.parametrize("name", ["an4.raw", "7_theo_1.PCM"])
def test_samples_without_a_header_are_refused_with_what_converts_them(name):
    with pytest.raises(DataError, match=f"{name} is not .* its rate and bits: `sox -t raw -r"):
        read_sound(bytes(range(250)), name)


CUT_OFF = [
    ("AIFF", "PCM_16", "FILE"),
    ("AIFF", "FLOAT", "FILE"),
    ("AU", "ULAW", "FILE"),
    ("AU", "PCM_16", "LITTLE"),
    ("W64", "PCM_24", "FILE"),
    ("RF64", "PCM_16", "FILE"),
    ("WAV", "PCM_16", "BIG"),
    ("CAF", "PCM_16", "FILE"),
    ("SVX", "PCM_16", "FILE"),
    ("NIST", "PCM_16", "FILE"),
    ("NIST", "ULAW", "FILE"),
    ("VOC", "PCM_16", "FILE"),
    ("VOC", "PCM_U8", "FILE"),
    ("OGG", "VORBIS", "FILE"),
    ("OGG", "OPUS", "FILE"),
]


@pytest.mark.parametrize(("kind", "form", "order"), CUT_OFF)
def test_recordings_that_are_cut_off_in_their_samples_are_refused(tmp_path, kind, form, order):
    path, samples = tmp_path / "a.snd", np.random.default_rng(0).uniform(-0.5, 0.5, 4001)
    soundfile.write(path, samples, RATE, format=kind, subtype=form, endian=order)
    content = path.read_bytes()
    heard = soundfile.read(path, dtype="float32")[0]
    assert len(heard) == 4001
    np.testing.assert_array_equal(read_sound(content).samples, heard)
    for kept in (len(content) - 9, len(content) * 2 // 3):
        with pytest.raises(
            DataError,
            match=r"(announces [\d,]+ bytes of samples|ends inside one of its parts).*: it is",
        ):
            read_sound(content[:kept])


@pytest.mark.parametrize("kind", ["NIST", "W64"])
def test_what_follows_the_samples_is_no_sound(tmp_path, kind):
    path, samples = tmp_path / "a.snd", np.random.default_rng(0).uniform(-0.5, 0.5, 4001)
    soundfile.write(path, samples, RATE, format=kind, subtype="PCM_16")
    content = path.read_bytes()
    with_notes = content + bytes(-len(content) % 8) + b"note" + b"\x55\x11" * 90
    np.testing.assert_array_equal(read_sound(with_notes).samples, read_sound(content).samples)


def test_a_recording_whose_length_its_header_does_not_know_is_read(tmp_path):
    """As `sox` writes it to a pipe."""
    path = tmp_path / "a.au"
    soundfile.write(path, np.full(4000, 0.1), RATE, format="AU", subtype="PCM_16")
    content = bytearray(path.read_bytes())
    content[8:12] = b"\xff" * 4
    assert len(read_sound(bytes(content)).samples) == 4000
