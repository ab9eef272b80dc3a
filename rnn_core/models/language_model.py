"""A recurrent language model: tokens in, logits of the next token out."""

from torch import Tensor, nn

from rnn_core.models.sequence_model import SequenceModel
from rnn_core.recurrent import MakeCell, State


class LanguageModel(nn.Module):
    """Predicts the next token at every step.

    Args:
        make_cell: Makes the recurrent layer.
        vocabulary_size: Number of tokens, V.
        embedding_size: Size of a token's vector.
        dropout: Share of embeddings and of recurrent outputs dropped while training.
    """

    def __init__(
        self, make_cell: MakeCell, vocabulary_size: int, embedding_size: int, *, dropout: float
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.dropout = nn.Dropout(dropout)
        self.sequence = SequenceModel(make_cell, embedding_size, vocabulary_size, dropout=dropout)

    def forward(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Map tokens, int (B, T), to logits (B, T, V), and return the final state."""
        logits, state = self.sequence(self.dropout(self.embedding(tokens)), state)
        return logits, state
