"""The training, validation and test set of the user's own text."""

import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from rnn_core.errors import DataError, ParameterError
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.plain_text import read_plain_text, text_pieces
from rnn_core.readers.splits import cut_in_order
from rnn_core.readers.text_files import by_split, text_files
from rnn_core.tasks.text_generation.parameters import TextData
from rnn_core.tasks.text_generation.tokens import Numbered, Numbering, Numbers, tokenize

SPLIT_SEED = 0
"""Random seed of the division of lines into splits, the same for everyone."""

CHARACTERS_OF_SUBWORD = 3
"""Of one subword, more or less."""


def raw_files(raw: Path) -> list[Path]:
    """The text files of a raw folder; see `rnn_core.readers.text_files`."""
    return text_files(raw, "text generation")


def read_splits(raw: Path, parameters: TextData) -> Numbered:
    """Read the texts of a raw folder, and divide them as the parameters say.

    Raises:
        DataError: If a file cannot be used, or a split has too little.
        ParameterError: If files are not named by split, where they have to be.
    """
    files, numbering = raw_files(raw), Numbering(parameters.tokens)
    how = {"order": in_order, "lines": by_lines, "files": by_files}[parameters.split]
    found = Numbered(numbering.kinds, how(files, parameters, numbering))
    check_splits(found)
    return found


def about_trained(raw: Path, parameters: TextData) -> int:
    """About how many tokens the training set will have: by the first piece of the text."""
    files = raw_files(raw)
    of = by_split(files) if parameters.split == "files" else None
    characters, each = 0, 0.0
    for piece in joined(of["train"] if of else files, parameters.encoding):
        each = each or about_tokens(piece, parameters) / len(piece)
        characters += len(piece)
    left = 1.0 if of else 1 - parameters.validation_share - parameters.test_share
    return round(each * characters * left)


def about_tokens(piece: str, parameters: TextData) -> float:
    """About how many tokens a piece of a text has."""
    if parameters.tokens == "subword":
        return len(piece) / CHARACTERS_OF_SUBWORD
    return len(tokenize(piece, parameters.tokens))


def in_order(
    files: Sequence[Path], parameters: TextData, numbering: Numbering
) -> dict[Split, Numbers]:
    """The text, cut where it is."""
    numbers = numbering.add(joined(files, parameters.encoding))
    places = range(len(numbers))
    parts = cut_in_order(places, parameters.validation_share, parameters.test_share)
    sizes = np.cumsum([len(part) for part in parts[:-1]])
    return dict(zip(SPLITS, np.split(numbers, sizes), strict=True))


def by_lines(
    files: Sequence[Path], parameters: TextData, numbering: Numbering
) -> dict[Split, Numbers]:
    """Lines in an order that is drawn; the copies of a line stay together."""
    copies: dict[str, int] = {}
    for file in files:
        text = read_plain_text(file, parameters.encoding)
        for line in text.removesuffix("\n").split("\n"):
            copies[line] = copies.get(line, 0) + 1
    lines = list(copies)
    random.Random(SPLIT_SEED).shuffle(lines)
    parts = cut_in_order(lines, parameters.validation_share, parameters.test_share)
    texts = (f"{line}\n" * copies[line] for line in chain.from_iterable(parts))
    return {
        split: numbering.add(batched(texts, len(part)))
        for split, part in zip(SPLITS, parts, strict=True)
    }


def batched(texts: Iterator[str], number: int) -> list[str]:
    """The next texts as one piece."""
    return ["".join(next(texts) for _ in range(number))]


def by_files(
    files: Sequence[Path], parameters: TextData, numbering: Numbering
) -> dict[Split, Numbers]:
    """The files of each split.

    Raises:
        ParameterError: If it is not clear which these are.
    """
    of = by_split(files)
    if of is None:
        names = ", ".join(file.name for file in files[:4])
        raise ParameterError(
            "split is files, so the name of each has to hold train, validation or test, and there "
            f"has to be one of each; there: {names}"
        )
    return {split: numbering.add(joined(of[split], parameters.encoding)) for split in SPLITS}


def joined(files: Iterable[Path], encoding: str) -> Iterator[str]:
    """The pieces of files one after another, each of which begins a line."""
    last = "\n"
    for file in files:
        if not last.endswith("\n"):
            yield "\n"
        last = ""
        blank = True
        for piece in text_pieces(file, encoding):
            yield piece
            last, blank = piece, blank and not piece.strip()
        if blank:
            raise DataError(f"{file.name} holds nothing but white space")


def check_splits(text: Numbered) -> None:
    """Refuse a text that is too short, or has nothing to learn.

    Raises:
        DataError: If it is.
    """
    number = sum(map(len, text.splits.values()))
    for split in SPLITS:
        if len(text.splits[split]) < 2:
            raise DataError(
                f"the text has {number} tokens, which leaves the {split} set fewer than 2; "
                "it is too short"
            )
    first = text.splits["train"][0]
    if (text.splits["train"] == first).all():
        raise DataError(
            f"the training set is {text.kinds[first]!r} over and over; there is nothing to learn"
        )
