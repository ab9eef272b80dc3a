"""Subwords: the pieces that texts of any words are spelled with, learned from texts."""

import io
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any

from rnn_core.errors import ParameterError

PAD, UNKNOWN, START, END = range(4)
"""Pieces that are in no text; END closes every sequence."""

SPECIAL = 4
"""Number of these."""

BLANK = "\u2581"
"""SentencePiece's sign for a blank."""

FEWEST_EXACT = 300
"""Least subwords of `ExactSubwords`: one that is in no text, all bytes, and some more."""

BYTES = 256


class Subwords:
    """A vocabulary of subwords.

    Args:
        model: As `train_subwords` returns it.
    """

    def __init__(self, model: str) -> None:
        from sentencepiece import SentencePieceProcessor  # noqa: PLC0415 - few tasks need it

        self.processor = SentencePieceProcessor()
        self.processor.LoadFromSerializedProto(b64decode(model))

        pieces = map(self.processor.IdToPiece, range(SPECIAL, len(self)))
        self.characters = frozenset("".join(map(str, pieces)))
        """Characters of the training texts; blanks have a mark of their own."""

    def __len__(self) -> int:
        return int(self.processor.GetPieceSize())

    def encode(self, texts: Iterable[str]) -> list[list[int]]:
        """The pieces of each text; characters that training never saw become UNKNOWN."""
        return [list(self.processor.EncodeAsIds(text)) for text in texts]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where each piece of a text begins, and where it ends, in characters.

        The text has no two blanks in a row. Before it, SentencePiece puts one of its own.
        """
        ends = [*accumulate(map(len, self.processor.EncodeAsPieces(text)), initial=0)]
        return [(max(start - 1, 0), end - 1) for start, end in pairwise(ends)]

    def decode(self, pieces: Iterable[Sequence[int]]) -> list[str]:
        """The text of each sequence of pieces."""
        return [str(self.processor.DecodeIds(list(sequence))) for sequence in pieces]


def train_subwords(texts: Sequence[str], max_vocabulary: int) -> str:
    """Learn subwords by byte-pair encoding (Sennrich et al., arXiv:1508.07909v5).

    A piece never spans two words. The same texts give the same bytes.

    Args:
        texts: What to learn from.
        max_vocabulary: Most pieces, the `SPECIAL` ones and all characters included; a
            small text has fewer.

    Returns:
        A model of SentencePiece (arXiv:1808.06226v1) in base64.

    Raises:
        ParameterError: If the characters of the texts alone are more.
    """
    # Blanks count as one character: SentencePiece writes them as a mark of its own.
    least = SPECIAL + len({"" if c.isspace() else c for text in texts for c in text} | {""})
    if least > max_vocabulary:
        raise ParameterError(
            f"max_vocabulary is {max_vocabulary}, but the characters of the training set alone "
            f"need {least}; raise it"
        )
    return learned(
        texts,
        vocab_size=max_vocabulary,
        character_coverage=1.0,
        pad_id=PAD,
        unk_id=UNKNOWN,
        bos_id=START,
        eos_id=END,
    )


def learned(texts: Iterable[str], **options: Any) -> str:
    """Byte-pair encoding of texts as they are, in base64; the same texts give the same."""
    from sentencepiece import SentencePieceTrainer  # noqa: PLC0415 - few tasks need it

    model = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=model,
        model_type="bpe",
        hard_vocab_limit=False,
        normalization_rule_name="identity",
        max_sentence_length=1_000_000,
        num_threads=1,
        minloglevel=2,
        **options,
    )
    return b64encode(model.getvalue()).decode()


class ExactSubwords:
    """Subwords that spell every text exactly: their bytes, joined, are those of the text.

    A character that is in no subword is spelled by its bytes in UTF-8, so that nothing is unknown.
    A line break is a byte of its own.

    Args:
        model: As `train_exact_subwords` returns it.
    """

    def __init__(self, model: str) -> None:
        from sentencepiece import SentencePieceProcessor  # noqa: PLC0415 - few tasks need it

        self.processor = SentencePieceProcessor()
        self.processor.LoadFromSerializedProto(b64decode(model))
        self.spelled = [self.bytes_of(i) for i in range(int(self.processor.GetPieceSize()))]
        """The bytes of each subword; the first, which is in no text, has none."""
        self.line_break = self.spelled.index(b"\n")
        self.characters = [sum(byte >> 6 != 0b10 for byte in each) for each in self.spelled]
        """Number of characters that begin in each subword."""

    def bytes_of(self, subword: int) -> bytes:
        """Bytes of a subword."""
        if self.processor.IsUnknown(subword):
            return b""
        name = str(self.processor.IdToPiece(subword))
        if self.processor.IsByte(subword):
            return bytes([int(name[3:5], 16)])
        return name.replace(BLANK, " ").encode()

    def encode(self, text: str) -> list[int]:
        """The subwords of a text."""
        found: list[int] = []
        for number, part in enumerate(text.split(BLANK)):
            if number:  # what stands for a blank is spelled, or it would be read as one
                found += [self.spelled.index(bytes([byte])) for byte in BLANK.encode()]
            lines = self.processor.EncodeAsIds(part.split("\n"))
            for place, line in enumerate(lines):
                found += [self.line_break, *line] if place else line
        return found

    def decode(self, subwords: Iterable[int]) -> str:
        """The text of subwords; bytes that are no character are marked as such."""
        return b"".join(self.spelled[i] for i in subwords).decode(errors="replace")


def train_exact_subwords(texts: Sequence[str], max_vocabulary: int) -> str:
    """Learn subwords that spell every text exactly; see `train_subwords` and `ExactSubwords`.

    Characters take half of the vocabulary at most; rarer ones are spelled by their bytes.

    Args:
        texts: What to learn from, such as lines; none has a line break.
        max_vocabulary: Most subwords, 256 of which are the bytes.
    """
    counts = Counter[str]()
    for text in texts:
        counts.update(text)
    rare = counts.most_common()[(max_vocabulary - BYTES) // 2 :]
    blanks = str.maketrans({character: " " for character, _ in rare})
    return learned(
        (text.translate(blanks) for text in texts) if rare else texts,
        vocab_size=max_vocabulary,
        character_coverage=1.0,
        byte_fallback=True,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        unk_id=0,
        pad_id=-1,
        bos_id=-1,
        eos_id=-1,
    )
