"""Bytes of samples that a recording announces, where libsndfile reads fewer or more.

It believes the size of the file: what is cut off is shorter there, and what follows may be sound.
"""

import re
import struct
from collections.abc import Iterator
from math import prod
from typing import NamedTuple

from rnn_core.readers.faults import FaultsError
from rnn_core.readers.sound.wav_chunks import EXPORT, STREAMED


class Container(NamedTuple):
    """Kind of a file of parts, each with its name and size.

    Attributes:
        first: Where its first part begins.
        header: Name and size of a part.
        counted: Bytes of the header that the size counts too.
        filled_up: A part begins at a multiple of this.
    """

    first: int
    header: struct.Struct
    counted: int = 0
    filled_up: int = 2


CONTAINERS = {
    b"FORM": Container(12, struct.Struct(">4sI")),  # AIFF
    b"RIFX": Container(12, struct.Struct(">4sI")),
    b"RF64": Container(12, struct.Struct("<4sI")),
    b"riff": Container(40, struct.Struct("<16sq"), counted=24, filled_up=8),  # W64
    b"caff": Container(8, struct.Struct(">4sq"), filled_up=1),
}

SAMPLES = (b"SSND", b"BODY", b"data")
"""Names of parts that hold samples."""

AU = {b".snd": struct.Struct(">II"), b"dns.": struct.Struct("<II")}
"""Where samples begin, and their size, in files of Sun and NeXT."""

NIST = re.compile(rb"NIST_1A\s+(\d+)\s")
"""The start of a file of SPHERE, with the size of its header."""

READ_ON = (b"NIST_1A", b"riff")
"""Starts of files in which libsndfile takes all that follows for samples: SPHERE and W64."""

COUNTS_OF_NIST = re.compile(rb"\n(?:sample_count|channel_count|sample_n_bytes) -\w+ (\d+)")
"""Lines of that header whose product is the size of the samples."""


def refuse_cut_off(content: bytes, label: str) -> None:
    """Refuse a recording that announces more samples than it holds.

    Raises:
        FaultsError: If it does.
    """
    if max(ends_of_parts(content), default=0) > len(content):
        raise FaultsError.one(f"{label} ends inside one of its parts: it is cut off", EXPORT)
    found = place_and_size(content)
    if found is None:
        return
    place, size = found
    held = len(content) - place
    if 0 < size < STREAMED and held + 1 < size:  # a byte that fills up an odd part may lack
        what = f"{label} announces {size:,} bytes of samples and holds {held:,}: it is cut off"
        raise FaultsError.one(what, EXPORT)


def without_further(content: bytes) -> bytes:
    """A recording that is not cut off, without what follows its samples and is not heard."""
    found = place_and_size(content) if content.startswith(READ_ON) else None
    if found is None or not 0 < found[1] < STREAMED:
        return content
    return content[: sum(found)]


def place_and_size(content: bytes) -> tuple[int, int] | None:
    """Where samples begin and how many bytes are announced; None if nothing tells."""
    begins = content[:4]
    if begins in AU and len(content) >= 12:
        place, size = AU[begins].unpack_from(content, 4)
        return place, size
    if header := NIST.match(content):
        return samples_of_nist(content, int(header[1]))
    return part_of_samples(content, CONTAINERS[begins]) if begins in CONTAINERS else None


def part_of_samples(content: bytes, kind: Container) -> tuple[int, int] | None:
    """Where the part of samples begins, and its size; None if there is none."""
    place, whole = kind.first, 0
    while place + kind.header.size <= len(content):
        name, size = kind.header.unpack_from(content, place)
        body = place + kind.header.size
        size -= kind.counted
        if name.startswith(SAMPLES):
            return body, whole or size
        if size < 0:
            return None
        if name == b"ds64" and body + 16 <= len(content):
            (whole,) = struct.unpack_from("<Q", content, body + 8)
        place = body + size
        place += -place % kind.filled_up
    return None


def samples_of_nist(content: bytes, place: int) -> tuple[int, int] | None:
    """Where samples of SPHERE begin, and their size; None if they are compressed."""
    header = content[:place]
    counts = COUNTS_OF_NIST.findall(header)
    whole = len(counts) == 3 and b"embedded-" not in header
    return (place, prod(map(int, counts))) if whole else None


def ends_of_parts(content: bytes) -> Iterator[int]:
    """Where each part of a file ends that has its samples in many; none of other kinds."""
    if content.startswith(b"OggS"):
        return ends_of_pages(content)
    return ends_of_blocks(content) if content.startswith(b"Creative Voice File") else iter(())


def ends_of_pages(content: bytes) -> Iterator[int]:
    """Where each page of OGG ends; of the last one a few bytes may be all that is there."""
    place = 0
    while place < len(content) and b"OggS".startswith(content[place : place + 4]):
        number = sum(content[place + 26 : place + 27])
        place += 27 + number + sum(content[place + 27 : place + 27 + number])
        yield place


def ends_of_blocks(content: bytes) -> Iterator[int]:
    """Where each block of Creative Voice (VOC) ends; one that begins with 0 is the last."""
    place = int.from_bytes(content[20:22], "little")
    while place < len(content) and content[place]:
        place += 4 + int.from_bytes(content[place + 1 : place + 4], "little")
        yield place
