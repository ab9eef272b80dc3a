"""A recurrent language model: tokens in, logits of the next token out."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.layers.recurrent import MakeCell, State
from rnn_core.models.ports import Port, Ports, state_ports
from rnn_core.models.sequence_model import SequenceModel


class LanguageModel(nn.Module):
    """Predicts the next token at every step.

    Args:
        make_cell: Makes the recurrent layer.
        vocabulary_size: Number of tokens, V.
        embedding_size: Size of a token's vector, E.
        dropout: Share of recurrent outputs dropped while training.
        embedding_dropout: Share of the entries of embeddings dropped while training.
        tie_weights: Whether a token's logit is the product of its embedding with a
            linear map of the recurrent output to E features, so that the model has one
            matrix (V, E) instead of two: Press and Wolf, arXiv:1608.05859v3.
    """

    def __init__(
        self,
        make_cell: MakeCell,
        vocabulary_size: int,
        embedding_size: int,
        *,
        dropout: float,
        embedding_dropout: float = 0.0,
        tie_weights: bool = False,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.dropout = nn.Dropout(embedding_dropout)
        output_size = embedding_size if tie_weights else vocabulary_size
        self.sequence = SequenceModel(make_cell, embedding_size, output_size, dropout=dropout)
        self.bias: nn.Parameter | None = None
        if tie_weights:
            # N(0, 1), as for an embedding alone, would make the first logits huge
            nn.init.normal_(self.embedding.weight, std=embedding_size**-0.5)
            self.bias = nn.Parameter(torch.zeros(vocabulary_size))

    def forward(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Map tokens, int (B, T), to logits (B, T, V), and return the final state."""
        outputs, state = self.sequence(self.dropout(self.embedding(tokens)), state)
        return self.classify(outputs), state

    def step(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Map one token of each sequence, int (B,), to logits (B, V), and return the new state."""
        outputs, state = self.sequence.step(self.dropout(self.embedding(tokens)), state)
        return self.classify(outputs), state

    def classify(self, outputs: Tensor) -> Tensor:
        """Logits (..., V) from the sequence model's outputs."""
        if self.bias is None:
            return outputs
        return functional.linear(outputs, self.embedding.weight, self.bias)

    def ports(self) -> Ports:
        """Inputs and outputs."""
        layer, size = self.sequence.recurrent, self.embedding.num_embeddings
        state = state_ports(layer)
        shape = ("batch", "length")
        tokens = Port(name="tokens", meaning="numbers of tokens", shape=shape, below=size)
        logits = Port(name="logits", meaning="logits of the token after each", shape=(*shape, size))
        return Ports(
            inputs=(tokens, state.first),
            outputs=(logits, *state.last),
            apart="cutting text into tokens, and drawing the next token from the logits",
            notes=state.notes,
        )
