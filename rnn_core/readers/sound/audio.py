"""Recordings of any kind to samples: wav, FLAC, MP3, OGG and others that libsndfile reads."""

import io
import re
from codecs import BOM_UTF8
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rnn_core.readers.faults import FaultsError
from rnn_core.readers.formats.first_bytes import HTML, POINTER, XML, kind_of
from rnn_core.readers.formats.packed import OPENERS, OTHER_ARCHIVES, ZIP
from rnn_core.readers.sound.announced import refuse_cut_off, without_further
from rnn_core.readers.sound.recording_files import HEADERLESS, RECORDINGS, STARTS
from rnn_core.readers.sound.wav_chunks import EXPORT, plain_wav

Samples: TypeAlias = NDArray[np.float32]

REMOVE = "remove it"
CONVERT = "convert it: `ffmpeg -i FILE -ac 1 FILE.wav`, and use that in its place"
WITH_RATE = (
    "convert it with its rate and bits: `sox -t raw -r 16000 -e signed -b 16 -c 1 FILE FILE.wav`, "
    "and use that in its place"
)

LOWEST_RATE_HZ = 4000
HIGHEST_RATE_HZ = 768_000

UNSUPPORTED = re.compile(
    r"not recognised|[Uu]nimplemented|[Uu]nsupported|not support|only supports"
    r"|unknown (encoding )?format|WAVPACK|Malformed 'fmt ' chunk|struct incomplete"
)
"""Messages of libsndfile about a whole recording that it cannot read."""

SHORTEST = 100
"""Bytes; a recording of a known kind that has fewer is cut off, whatever libsndfile says of it."""

LARGEST = 2.0**31
"""Of whole numbers of 32 bits; a larger sample is damage."""

BLOCK = 1 << 20
"""Samples that are asked for at once, so that memory is taken for what a file holds alone."""

UNREADABLE: tuple[tuple[str, Callable[[bytes], bool], str], ...] = (
    ("webm or Matroska", lambda start: start.startswith(b"\x1aE\xdf\xa3"), CONVERT),
    ("m4a or mp4", lambda start: start[4:8] == b"ftyp", CONVERT),
    ("AMR", lambda start: start.startswith(b"#!AMR"), CONVERT),
    ("AAC", lambda start: start[:1] == b"\xff" and start[1:2] in {b"\xf1", b"\xf9"}, CONVERT),
    ("WavPack", lambda start: start.startswith(b"wvpk"), CONVERT),
    ("Monkey's Audio", lambda start: start.startswith(b"MAC "), CONVERT),
    ("DSD", lambda start: start.startswith(b"DSD "), CONVERT),
    ("AC-3", lambda start: start.startswith(b"\x0bw"), CONVERT),
    ("WMA", lambda start: start.startswith(b"\x30\x26\xb2\x75"), CONVERT),
    (
        f"{POINTER} in place of the recording",
        lambda start: kind_of(start) == POINTER,
        "run `git lfs pull`, then try again",
    ),
    (HTML, lambda start: kind_of(start) == HTML, "download the recording again"),
    (XML, lambda start: kind_of(start) == XML, "download the recording again"),
    (
        "a packed file",
        lambda start: start.startswith((ZIP, *OPENERS, *OTHER_ARCHIVES)),
        "unpack it",
    ),
    ("a picture", lambda start: start.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8")), REMOVE),
    ("a text", lambda start: start.startswith((b"\xff\xfe", b"\xfe\xff", BOM_UTF8)), REMOVE),
)
"""Names of formats that hide behind .wav and cannot be read, by their first bytes."""

KINDS = {
    "PCM_S8": "8 bits",
    "PCM_U8": "8 bits",
    "PCM_16": "16 bits",
    "PCM_24": "24 bits",
    "PCM_32": "32 bits",
    "FLOAT": "floating point",
    "DOUBLE": "floating point, 64 bits",
    "ULAW": "mu-law",
    "ALAW": "A-law",
    "MPEG_LAYER_III": "layer III",
    "VORBIS": "Vorbis",
    "OPUS": "Opus",
}
"""Names of sample formats; those that are not here have libsndfile's name."""


class Sound(NamedTuple):
    """A recording as it was stored, mixed down.

    Attributes:
        samples: The mean over its channels, in [-1, 1) where it was stored as whole numbers,
            float32 (N,).
        rate_hz: Samples a second.
        channels: How many were mixed down.
        kind: How it was stored, such as `WAV (16 bits)`.
    """

    samples: Samples
    rate_hz: int
    channels: int
    kind: str


def read_sound(source: Path | bytes, name: str | None = None) -> Sound:
    """Read a recording.

    Args:
        source: A file, or the content of one.
        name: What to call it in errors.

    Raises:
        FaultsError: If it is broken, empty or of a kind that cannot be read; says what helps.
    """
    label = name or (str(source) if isinstance(source, Path) else "the recording")
    content = source.read_bytes() if isinstance(source, Path) else source
    content = without_tag(content)
    check_kind(content, label)
    if content.startswith(b"RIFF"):
        content = plain_wav(content, label)
    refuse_cut_off(content, label)
    channels, rate, kind = decode(without_further(content), label)
    check_rate(rate, label)
    check_numbers(channels, label)
    return Sound(mixed(channels, label), rate, channels.shape[1], kind)


def without_tag(content: bytes) -> bytes:
    """A file without the ID3 tag that taggers put before the RIFF of a wav file."""
    if content.startswith(b"ID3") and len(content) > 10:
        size = sum(byte << (7 * (3 - place)) for place, byte in enumerate(content[6:10]))
        if content[10 + size : 14 + size] == b"RIFF":
            return content[10 + size :]
    return content


def check_kind(content: bytes, label: str) -> None:
    """Refuse what is known to be unreadable by its first bytes.

    Raises:
        FaultsError: If it is; with what helps.
    """
    if not content:
        raise FaultsError.one(f"{label} is an empty file", "export it again or remove it")
    for kind, fits, cure in UNREADABLE:
        if fits(content[:64]):
            raise FaultsError.one(f"{label} is {kind}", cure)


class Content(io.BytesIO):
    """The content of a file, in which no place is out of reach.

    libsndfile goes to wherever a header says. Python's own would raise where no exception can
    be caught: in a function that C calls, which then prints it.
    """

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, or as near to it as there is something."""
        size = len(self.getbuffer())
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: size}[whence]
        return super().seek(min(max(start + offset, 0), size))


def decode(content: bytes, label: str) -> tuple[Samples, int, str]:
    """Samples of all channels (N, C), the sample rate in Hz, and how they were stored.

    Raises:
        FaultsError: If libsndfile does not know the kind, or the file is broken.
    """
    import soundfile  # noqa: PLC0415 - training does without

    try:
        with soundfile.SoundFile(Content(content)) as file:
            announced, rate = file.frames, file.samplerate
            kind = f"{file.format.removesuffix('EX')} ({KINDS.get(file.subtype, file.subtype)})"
            block = max(BLOCK // file.channels, 1)
            if announced <= 0:
                raise FaultsError.one(f"{label} holds no samples", "record it again or remove it")
            parts = []
            while len(part := file.read(block, dtype="float32", always_2d=True)):
                parts.append(part)
    except soundfile.LibsndfileError as error:
        cause = error.error_string.rstrip(". ")
        if is_broken(content, label, cause):
            raise FaultsError.one(f"{label} is broken, or cut off", EXPORT) from None
        what = f"{label} is not a recording that can be read: {cause}"
        if b"\0" not in content[:64] and content[:64].isascii():
            what += f"; it begins with {content[:8].decode('ascii')!r}"
        raise FaultsError.one(what, cure_of(content, label)) from None
    held = sum(map(len, parts))
    if held < announced:
        what = f"{label} announces {announced} samples and holds {held}: it is cut off"
        raise FaultsError.one(what, EXPORT)
    return np.concatenate(parts), rate, kind


def cure_of(content: bytes, label: str) -> str:
    """Advice for a file of a kind that libsndfile does not know."""
    if Path(label).suffix.lower() in HEADERLESS:
        return WITH_RATE
    is_text = content.isascii() and b"\0" not in content
    return "download the recording again, or remove it" if is_text else CONVERT


def is_broken(content: bytes, label: str, cause: str) -> bool:
    """Return whether a file that libsndfile cannot read is a damaged one of a kind that it reads.

    Args:
        content: Its content.
        label: Its name, whose ending may tell the kind where the first bytes do not.
        cause: What libsndfile says.
    """
    if content.startswith(STARTS) and len(content) < SHORTEST:
        return True
    known = content.startswith(STARTS) or Path(label).suffix.lower() in RECORDINGS
    return known and not UNSUPPORTED.search(cause)


def check_rate(rate_hz: int, label: str) -> None:
    """Refuse a rate that carries no speech.

    Raises:
        FaultsError: If it is one.
    """
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        what = (
            f"{label} announces {rate_hz} samples a second; speech needs {LOWEST_RATE_HZ} at least"
        )
        raise FaultsError.one(what, EXPORT)


def check_numbers(channels: Samples, label: str) -> None:
    """Refuse floating-point samples that are no numbers, or larger than any recorder writes.

    Raises:
        FaultsError: If there are any.
    """
    if not np.abs(channels).max() <= LARGEST:
        raise FaultsError.one(f"{label} holds samples that are no finite numbers", EXPORT)


def mixed(channels: Samples, label: str) -> Samples:
    """The mean over channels (N, C), (N,).

    Raises:
        FaultsError: If channels hold something and their mean holds nothing.
    """
    if channels.shape[1] == 1:
        return channels[:, 0]
    samples: Samples = channels.mean(axis=1)
    if np.ptp(samples) == 0 and np.ptp(channels, axis=0).any():
        cure = "keep one channel: `sox FILE FILE.wav remix 1`, and use that in its place"
        raise FaultsError.one(f"{label} has channels that cancel each other", cure)
    return samples


def resampled(samples: Samples, rate_hz: int, wanted_hz: int) -> Samples:
    """Samples (N,) at another rate; the same where that is no other."""
    if rate_hz == wanted_hz:
        return samples
    import soxr  # noqa: PLC0415 - training does without

    return np.asarray(soxr.resample(samples, rate_hz, wanted_hz), np.float32)
