"""Damage to files: on the way, in an editor, in a spreadsheet."""

import gzip
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn


class Files(dict[str, bytes]):
    """Contents by name; shown by size and first bytes, since Hypothesis refuses to show more."""

    def __repr__(self) -> str:
        return repr({name: (len(content), content[:16]) for name, content in self.items()})


Change: TypeAlias = Callable[[DrawFn, bytes], bytes]

PIECES = (
    b"\r", b"\r\n", b"\n", b"\n\n\n", b"\0", b"\t", b",", b";", b"|", b'"', b"'", b"\\", b"=",
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xe9", b"\xc3", b"\xed\xa0\x80", b"\x1a", b"\x0c", b"\xc2\x85",
    "\u2028".encode(), "\u200b".encode(), "\u202e".encode(), "\ufffd".encode(), "e\u0301".encode(),
    "\U0001f600".encode(), "\u4f60\u597d".encode(), "\u0928\u093f".encode(), "\u00a0".encode(),
    b"nan", b"-inf", b"1e308", b"-1e-320", b"9" * 400, b"1,234.5", b"1.234,5", b"$5", b"(5)",
    b"50 %", b"2024-02-30", b"00:00", b"24:00", b"01/02/2024", b"2024-01-01T00:00:00+05:45",
    b"1970", b"0",
    b"NULL", b"<a>", b"=1+1", b" ", b"x" * 5000, b"version https://git-lfs.github.com/spec/v1\n",
    b"ID3\x04\0\0\0\0\0\x0a", b"LIST\x0d\0\0\0INFO", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff",
)  # fmt: skip

ENCODINGS = (
    "utf-16",
    "utf-16-le",
    "utf-32",
    "utf-8-sig",
    "cp1252",
    "gb18030",
    "shift_jis",
    "koi8-r",
)

NAMES = (
    "README.md", "LICENSE", "Thumbs.db", ".hidden", "notes.TXT", "x.mp3", "a b.wav", "\u00fc.wav",
    "u\u0308.wav", "deep/er/still/y.wav", "no_ann_7.WAV", "train.csv", "test.tsv", "z.zip",
    "-r.wav",
)  # fmt: skip


def place(draw: DrawFn, content: bytes) -> int:
    return draw(st.integers(0, len(content)))


def insert(draw: DrawFn, content: bytes) -> bytes:
    at, piece = place(draw, content), draw(st.sampled_from(PIECES))
    return content[:at] + piece + content[at:]


def overwrite(draw: DrawFn, content: bytes) -> bytes:
    at, piece = place(draw, content), draw(st.binary(min_size=1, max_size=8))
    return content[:at] + piece + content[at + len(piece) :]


def cut_off(draw: DrawFn, content: bytes) -> bytes:
    return content[: place(draw, content)]


def cut_out(draw: DrawFn, content: bytes) -> bytes:
    start, end = sorted((place(draw, content), place(draw, content)))
    return content[:start] + content[end:]


def repeat(draw: DrawFn, content: bytes) -> bytes:
    start, end = sorted((place(draw, content), place(draw, content)))
    return content[:end] + content[start:end] + content[end:]


def other_line(draw: DrawFn, content: bytes) -> bytes:
    """A line is removed, moved, doubled or emptied."""
    lines = content.split(b"\n")
    one, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    how = draw(st.sampled_from(["remove", "swap", "double", "empty", "short", "only"]))
    line = lines[one]
    if how == "remove":
        del lines[one]
    elif how == "swap":
        lines[one], lines[other] = lines[other], line
    elif how == "double":
        lines.insert(other, line)
    elif how == "only":
        lines = [line]
    else:
        lines[one] = b"" if how == "empty" else line[: len(line) // 2]
    return b"\n".join(lines)


def everywhere(draw: DrawFn, content: bytes) -> bytes:
    old = draw(st.sampled_from([b"\n", b",", b";", b"\t", b".", b'"', b"-", b" ", b"e"]))
    return content.replace(old, draw(st.sampled_from(PIECES)))


def encode(draw: DrawFn, content: bytes) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(draw(st.sampled_from(ENCODINGS)), "replace")


def pack(draw: DrawFn, content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def nothing(draw: DrawFn, content: bytes) -> bytes:
    return b""


CHANGES: tuple[Change, ...] = (
    insert, overwrite, cut_off, cut_out, repeat, other_line, everywhere, encode, pack, nothing,
)  # fmt: skip


@st.composite
def mutated(draw: DrawFn, files: dict[str, bytes]) -> Files:
    """Files after one to three mishaps."""
    files = Files(files)
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(files)))
        if draw(st.integers(0, 5)):
            files[name] = draw(st.sampled_from(CHANGES))(draw, files[name])
        else:
            files = moved(draw, files, name)
    return files


def moved(draw: DrawFn, files: Files, name: str) -> Files:
    """A file is gone, doubled, renamed, or another lies beside it."""
    how = draw(st.sampled_from(["add", "copy", "rename", "ending", "capitals", "remove"]))
    path = PurePosixPath(name)
    new = draw(st.sampled_from(NAMES))
    if how == "add":
        files[new] = draw(st.binary(max_size=40))
    elif how == "copy":
        files[new] = files[name]
    elif how == "rename":
        files[new] = files.pop(name)
    elif how == "ending":
        ending = draw(
            st.sampled_from(["", ".csv", ".tsv", ".txt", ".wav", ".flac", ".xlsx", ".zip"])
        )
        files[path.with_suffix(ending).as_posix()] = files.pop(name)
    elif how == "capitals":
        files[path.with_suffix(path.suffix.upper()).as_posix()] = files.pop(name)
    elif len(files) > 1:
        del files[name]
    return files
