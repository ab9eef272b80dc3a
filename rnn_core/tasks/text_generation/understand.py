"""Description of what was understood of a text."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from rnn_core.metric import SPLITS
from rnn_core.readers.faults import some
from rnn_core.readers.folders import files_besides
from rnn_core.readers.odd_characters import odd_characters
from rnn_core.readers.plain_text import text_pieces
from rnn_core.readers.text_files import by_split
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.understanding import Understanding, split_line, told_encoding
from rnn_core.tasks.text_generation.doubts import markup, repeated_passages, sorted_lines
from rnn_core.tasks.text_generation.parameters import TextMeta
from rnn_core.tasks.text_generation.splits import raw_files

MOST_NAMED = 4
"""Files that are named."""

UNKNOWN_SHARE = 0.001
"""Share of unknown tokens from which on it is reported."""

WHAT = {"char": "characters", "word": "words and marks", "subword": "subwords"}
"""Names of tokens in messages."""


def understand(raw: Path, data: Data, meta: TextMeta) -> Understanding:
    """Describe the findings; see `Prepares.understand`."""
    files, asked = raw_files(raw), meta.parameters
    names = [file.relative_to(raw).as_posix() for file in files]
    what = WHAT[asked.tokens]
    read = [f"{len(files)} text files, in this order: {some(names, MOST_NAMED)}"]
    read = read if len(files) > 1 else []
    if left := files_besides(raw, files):
        read.append(f"left out: {some(left, MOST_NAMED)}")
    read += told_encoding(asked.encoding)
    read.append(f"{len(meta.vocabulary) - 1:,} different {what} that a model knows")
    read.append(f"{split_line(meta.items, what)} ({DIVIDED[asked.split]})")
    read += unknown_tokens(meta)
    doubts = [*odd_characters(files, asked.encoding), *repeated_passages(data, asked)]
    for name, file in zip(names, files, strict=True):
        doubts += markup(name, text_pieces(file, asked.encoding))
    if asked.split == "order":
        pieces = chain.from_iterable(text_pieces(file, asked.encoding) for file in files)
        doubts += sorted_lines(pieces)
        if by_split(files):
            doubts.append(
                "the names of the files are those of splits, and are not heeded; --set split=files "
                "takes them as such"
            )
    return Understanding(read=tuple(read), doubts=tuple(doubts))


DIVIDED = {
    "order": "cut in the order of the text",
    "lines": "whole lines, drawn",
    "files": "by the names of the files",
}
"""Descriptions of the ways to divide a text."""


def unknown_tokens(meta: TextMeta) -> Iterator[str]:
    """Report the share of each split that a model does not know, where it is large."""
    shares = {split: meta.unknown[split] / max(meta.items[split] - 1, 1) for split in SPLITS}
    if max(shares.values()) >= UNKNOWN_SHARE:
        told = ", ".join(f"{shares[split]:.1%} of the {split} set" for split in SPLITS)
        yield f"unknown to a model: {told}"
