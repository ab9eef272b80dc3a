"""Headers of wav files that are odd or untrue, as other programs write and read them."""

import io
import random
import struct

import numpy as np
import pytest
import soundfile
from scipy.io import wavfile

from rnn_core.errors import DataError
from rnn_core.readers.sound.audio import read_sound

SAMPLES = np.random.default_rng(0).integers(-9000, 9000, 800).astype("<i2")
FORM = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)


def wav(*chunks, size=None, samples=SAMPLES, announced=None, form=FORM, after=b""):
    """A file of chunks, all before the samples but `after`."""
    data = samples.tobytes()
    body = b"WAVE" + b"".join(chunks) + b"fmt " + struct.pack("<I", len(form)) + form
    announced = len(data) if announced is None else announced
    body += b"data" + struct.pack("<I", announced) + data + after
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def extensible():
    guid = bytes.fromhex("0100000000001000800000aa00389b71")
    return struct.pack("<HHIIHHHHI", 0xFFFE, 1, 8000, 16000, 2, 16, 22, 16, 4) + guid


ODD = b"LIST" + struct.pack("<I", 13) + b"INFOICMTxxxxx"
TELLS_A_LIE = b"bext" + struct.pack("<I", 12) + b"fmt \x01\x02\x03\x00\x03\x00\x01\x00"

MORE = b"data" + struct.pack("<I", 8) + b"\1\0\2\0" * 2

READ = {
    "plain": wav(),
    "a chunk before": wav(b"LIST" + struct.pack("<I", 4) + b"INFO"),
    "an odd chunk, filled up": wav(ODD + b"\0"),
    "an odd chunk, not filled up": wav(ODD),
    "a chunk whose text is the name of another": wav(TELLS_A_LIE),
    "extensible": wav(form=extensible()),
    "a pipe of ffmpeg": wav(announced=0xFFFFFFFF, size=0xFFFFFFFF),
    "a pipe of others": wav(announced=0x7FFFFFFF, size=0x7FFFFFFF + 36),
    "a pipe of sox": wav(announced=0x7FFFF000, size=0x7FFFF024),
    "a header that was never finished": wav(announced=0, size=0),
    "no size of the whole": wav(size=0),
    "rubbish after the samples": wav(after=b"x" * 33),
    "a tag before it": b"ID3\x04\0\0\0\0\0\x05hello" + wav(),
    "an odd byte of samples": wav(announced=1601, after=b"\x07"),
    "a form with more than it needs": wav(form=FORM + b"\0\0"),
    "an empty part of samples before": wav(
        b"fmt " + struct.pack("<I", 16) + FORM + b"data\0\0\0\0"
    ),
    "an empty part of samples after": wav(after=ODD + b"\0data\0\0\0\0"),
    "notes after it": wav(after=b"LIST" + struct.pack("<I", 12) + b"data\4\0\0\0abcd"),
    "12 bits in 16": wav(form=struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 12)),
}


@pytest.mark.parametrize("kind", READ)
def test_samples_are_read_to_the_bit(kind):
    sound = read_sound(READ[kind], "a.wav")
    assert sound.rate_hz == 8000
    np.testing.assert_array_equal(sound.samples, SAMPLES.astype(np.float32) / np.float32(32768))


def test_the_files_that_are_plain_are_so_for_others_too():
    """scipy reads those whose header is true."""
    for kind in ("plain", "a chunk before", "an odd chunk, filled up", "extensible"):
        rate, samples = wavfile.read(io.BytesIO(READ[kind]))
        assert rate == 8000
        np.testing.assert_array_equal(samples, SAMPLES)


@pytest.mark.parametrize("kind", ["ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610"])
def test_compressed_samples_behind_an_odd_chunk_are_those_that_libsndfile_reads(kind):
    buffer = io.BytesIO()
    soundfile.write(buffer, SAMPLES, 8000, format="WAV", subtype=kind)
    content = buffer.getvalue()
    expected, _ = soundfile.read(io.BytesIO(content), dtype="float32")
    odd = content[:12] + ODD + content[12:]
    np.testing.assert_array_equal(read_sound(odd, "a.wav").samples, expected)


REFUSED = {
    "cut off in its first bytes": (b"RIFF\x10\0\0\0", "is not a readable wav file: it is cut off"),
    "cut off inside a chunk": (wav(ODD)[:30], "is not a readable wav file: it is cut off"),
    "cut off before the samples": (wav()[:36], "is not a readable wav file: it is cut off"),
    "fewer samples than announced": (wav(announced=4000), "announces 2000 samples and holds 800"),
    "no samples": (wav(samples=SAMPLES[:0]), "holds no samples; record it again"),
    "two parts of samples": (wav(after=MORE), "a.wav holds further samples after those that"),
    "parts around a note": (wav(after=ODD + MORE), "holds further samples .*; save each recording"),
    "two recordings in one": (wav() + wav(), "a.wav holds further samples after those that"),
    "no form": (b"RIFF\0\0\0\0WAVEdata\x04\0\0\0abcd", "is not a readable wav file"),
    "a picture": (b"RIFF\x10\0\0\0WEBPVP8 \0\0\0\0", "is not a wav file: its kind is b'WEBP'"),
    "no channels": (wav(form=struct.pack("<HHIIHH", 1, 0, 8000, 0, 0, 0)), "a.wav"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_named(kind):
    content, message = REFUSED[kind]
    with pytest.raises(DataError, match=message) as caught:
        read_sound(content, "a.wav")
    assert "a.wav" in str(caught.value)


@pytest.mark.parametrize("cut", [1, 100, 801, 1599])
def test_a_file_that_is_cut_off_is_never_taken_for_a_shorter_one(cut):
    with pytest.raises(DataError, match="it is cut off"):
        read_sound(wav()[: -(cut + cut % 2)], "a.wav")


def damaged(content, draw):
    """A file with some bytes changed, inserted or removed."""
    content = bytearray(content)
    for _ in range(draw.choice([1, 2, 10])):
        place = draw.randrange(min(len(content), draw.choice([16, 64, 4000])) or 1)
        how = draw.randrange(4)
        if how == 0:
            content[place : place + 4] = struct.pack("<I", draw.choice([0, 1, 2**31, 2**32 - 1]))
        elif how == 1:
            del content[draw.randrange(len(content) or 1) :]
        elif how == 2:
            content[place:place] = draw.randbytes(5)
        else:
            content[place : place + 1] = draw.randbytes(1)
    return bytes(content)


@pytest.mark.parametrize("form", ["WAV", "WAVEX", "FLAC", "MP3", "OGG", "AIFF", "W64", "RF64"])
def test_a_damaged_file_is_read_or_refused_by_its_name(form):
    """Nothing else is raised, and what is read are numbers."""
    draw, buffer = random.Random(form), io.BytesIO()
    soundfile.write(buffer, SAMPLES, 8000, format=form)
    refused = 0
    for _ in range(150):
        try:
            sound = read_sound(damaged(buffer.getvalue(), draw), "a.wav")
            assert np.isfinite(sound.samples).all()
        except DataError as error:
            assert "a.wav" in str(error)
            refused += 1
    assert refused > 20
