"""The chunks of a wav file, found also where its header is untrue about sizes."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from rnn_core.readers.faults import FaultsError

EXPORT = "export it again"

STREAMED = 0x7FFF0000
"""From this size on a header was written to a pipe, before anybody knew how long it would be."""


USUAL = frozenset(
    {b"fmt ", b"fact", b"data", b"LIST", b"JUNK", b"bext", b"cue ", b"smpl", b"PEAK", b"id3 "}
)
"""Names of chunks that most files have."""


class Chunks(NamedTuple):
    """Chunks of a wav file that describe its samples.

    Attributes:
        form: The chunk `fmt `.
        fact: The chunk `fact`, which compressed samples have; else empty.
        data: The samples as they are stored.
        announced: Bytes of samples that the header announces; None where it does not know.
    """

    form: bytes
    fact: bytes
    data: bytes
    announced: int | None


def plain_wav(content: bytes, label: str) -> bytes:
    """The same recording with a header that is true, and nothing but its samples.

    Sound editors, phones and pipes write headers that readers trip over: chunks of odd size
    without the byte that fills them up, sizes that are not known yet, chunks of any other kind.

    Args:
        content: A file that begins with RIFF.
        label: What to call it in errors.

    Raises:
        FaultsError: If it is cut off.
    """
    chunks = find_chunks(content, label)
    block = max(block_size(chunks.form), 1)
    held = len(chunks.data) // block
    announced = held if chunks.announced is None else chunks.announced // block
    if held < announced:
        what = f"{label} announces {announced} samples and holds {held}: it is cut off"
        raise FaultsError.one(what, EXPORT)
    parts = chunk(b"fmt ", chunks.form) + (chunk(b"fact", chunks.fact) if chunks.fact else b"")
    parts += chunk(b"data", chunks.data[: held * block])
    return chunk(b"RIFF", b"WAVE" + parts)


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk, filled up to an even size."""
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def block_size(form: bytes) -> int:
    """Bytes in which all channels have a sample (or, compressed, a block of them)."""
    channels, _, _, block, bits = struct.unpack_from("<HIIHH", form, 2)
    return int(block) or channels * (bits // 8)


def find_chunks(content: bytes, label: str) -> Chunks:
    """Go from chunk to chunk up to the samples.

    An empty part of samples before those that hold some is left there by a recorder.

    Raises:
        FaultsError: If the file ends before them, or has further ones after them.
    """
    if len(content) < 12:
        raise FaultsError.one(f"{label} is not a readable wav file: it is cut off", EXPORT)
    if content[8:12] != b"WAVE":
        what = f"{label} is not a wav file: its kind is {content[8:12]!r}"
        raise FaultsError.one(what, EXPORT)
    found: dict[bytes, bytes] = {}
    empty = False
    for name, body, size in chunks_from(content, 12):
        if name == b"data" and len(found.get(b"fmt ", b"")) >= 16:
            data, announced = samples_at(content, body, size)
            if size:
                refuse_further(content, after_chunk(content, body + size, size % 2), label)
            if data or announced:
                return Chunks(found[b"fmt "], found.get(b"fact", b""), data, announced)
            empty = True
        found.setdefault(name, content[body : body + size])
    if empty:
        return Chunks(found[b"fmt "], found.get(b"fact", b""), b"", 0)
    if b"data" in found and b"fmt " in found:
        what = f"{label} is not a readable wav file: its header comes after its samples"
        raise FaultsError.one(what, EXPORT)
    raise FaultsError.one(f"{label} is not a readable wav file: it is cut off", EXPORT)


def chunks_from(content: bytes, place: int) -> Iterator[tuple[bytes, int, int]]:
    """The name of each chunk from a place on, where its content begins, and its size."""
    while place + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, place)
        yield name, place + 8, size
        place = after_chunk(content, place + 8 + size, size % 2)


def refuse_further(content: bytes, place: int, label: str) -> None:
    """Refuse samples, or another recording, in what comes after the samples of a wav file.

    Players leave them out, so that a text may tell more than is heard.

    Raises:
        FaultsError: If there are any.
    """
    for name, body, size in chunks_from(content, place):
        joined = name == b"RIFF" and content[body : body + 4] == b"WAVE"
        if joined or (name == b"data" and size and body < len(content)):
            what = f"{label} holds further samples after those that players read"
            raise FaultsError.one(what, "save each recording as a file of its own")
        if not is_name(name):
            return


def samples_at(content: bytes, body: int, size: int) -> tuple[bytes, int | None]:
    """The samples that begin at a place, and how many bytes of them are announced, if that is."""
    unknown = size >= STREAMED or (size == 0 and not is_name(content[body : body + 4]))
    if unknown and len(content) > body:
        return content[body:], None
    return content[body : body + size], size


def after_chunk(content: bytes, end: int, odd: int) -> int:
    """Where the next chunk begins; some writers leave out the byte that fills up an odd one."""
    padded = end + odd
    if content[padded : padded + 4] in USUAL or not odd:
        return padded
    return end if content[end : end + 4] in USUAL else padded


def is_name(start: bytes) -> bool:
    """Return whether four bytes can be the name of a chunk."""
    return len(start) == 4 and all(0x20 <= byte < 0x7F for byte in start)
