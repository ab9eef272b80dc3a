"""Subwords: the pieces that texts of any words are spelled with, learned from texts."""

import io
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence

from rnn_core.errors import ParameterError

PAD, UNKNOWN, START, END = range(4)
"""Pieces that are in no text; END closes every sequence."""

SPECIAL = 4
"""How many of these there are."""


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
        """What texts are spelled with that training saw; blanks are a mark of their own."""

    def __len__(self) -> int:
        return int(self.processor.GetPieceSize())

    def encode(self, texts: Iterable[str]) -> list[list[int]]:
        """The pieces of each text; characters that training never saw become UNKNOWN."""
        return [list(self.processor.EncodeAsIds(text)) for text in texts]

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
    from sentencepiece import SentencePieceTrainer  # noqa: PLC0415 - few tasks need it

    # Blanks count as one character: SentencePiece writes them as a mark of its own.
    least = SPECIAL + len({"" if c.isspace() else c for text in texts for c in text} | {""})
    if least > max_vocabulary:
        raise ParameterError(
            f"max_vocabulary is {max_vocabulary}, but the characters of the training set alone "
            f"need {least}; raise it"
        )
    model = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=model,
        model_type="bpe",
        vocab_size=max_vocabulary,
        hard_vocab_limit=False,
        character_coverage=1.0,
        normalization_rule_name="identity",
        pad_id=PAD,
        unk_id=UNKNOWN,
        bos_id=START,
        eos_id=END,
        max_sentence_length=1_000_000,
        num_threads=1,
        minloglevel=2,
    )
    return b64encode(model.getvalue()).decode()
