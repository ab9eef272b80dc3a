"""A recurrent classifier of sentences."""

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from rnn_core.layers.recurrent import MakeCell
from rnn_core.models.pooling import largest_output, last_output, mean_output
from rnn_core.models.ports import Port, Ports

Pooling: TypeAlias = Literal["mean", "max", "last"]


class SentenceClassifier(nn.Module):
    """Reads the words of a sentence and assigns it to one class.

    Args:
        make_cell: Makes the recurrent layer.
        vocabulary_size: Number of words, V; word 0 is the unknown one.
        embedding_size: Size of a word's vector.
        evidence_size: Numbers, E, that are known of a word besides; there may be none.
        num_classes: Number of classes, C.
        bidirectional: Whether sentences are also read from their end.
        pooling: What is classified: mean or maximum of the outputs at all words, or the
            output at the last word (at the first, in the direction from the end).
        dropout: Share of the word vectors' entries and of the pooled outputs that are
            dropped while training.
        word_dropout: Share of words that are made unknown while training (Iyyer et al.,
            2015, doi:10.3115/v1/P15-1162).
    """

    def __init__(
        self,
        make_cell: MakeCell,
        vocabulary_size: int,
        embedding_size: int,
        evidence_size: int,
        num_classes: int,
        *,
        bidirectional: bool,
        pooling: Pooling,
        dropout: float,
        word_dropout: float,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.recurrent = make_cell(embedding_size + evidence_size, bidirectional=bidirectional)
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.word_dropout = word_dropout
        self.output = nn.Linear(self.recurrent.output_size, num_classes)

    def forward(self, words: Tensor, lengths: Tensor, evidence: Tensor | None = None) -> Tensor:
        """Map sentences to logits (B, C).

        Args:
            words: Numbers of words, int64 (B, T).
            lengths: Words of each sentence, int64 (B,).
            evidence: What is known of each word besides, (B, T, E); None if E = 0.
        """
        if self.training and self.word_dropout:
            dropped = torch.rand(words.shape, device=words.device) < self.word_dropout
            words = words.masked_fill(dropped, 0)
        vectors = self.dropout(self.embedding(words))
        if evidence is not None:
            vectors = torch.cat([vectors, evidence], dim=-1)
        outputs, state = self.recurrent(vectors, lengths=lengths)
        if self.pooling == "last":
            pooled = last_output(self.recurrent, state)
        else:
            over_time = mean_output if self.pooling == "mean" else largest_output
            pooled = over_time(outputs, lengths)
        logits: Tensor = self.output(self.dropout(pooled))
        return logits

    def ports(self) -> Ports:
        """Inputs and outputs."""
        shape, known = ("batch", "length"), self.embedding.num_embeddings
        size = self.recurrent.input_size - self.embedding.embedding_dim
        words = Port(name="words", meaning="numbers of words; 0: unknown", shape=shape, below=known)
        lengths = Port(
            name="lengths", meaning="words of each sentence", shape=("batch",), counts="length"
        )
        evidence = Port(
            name="evidence",
            meaning="for which classes each word speaks, as `rnn_core.tasks.sentiment` has it",
            shape=(*shape, size),
        )
        logits = Port(
            name="logits",
            meaning="logits of the classes",
            shape=("batch", self.output.out_features),
        )
        return Ports(
            inputs=(words, lengths, evidence) if size else (words, lengths),
            outputs=(logits,),
            apart="cutting text into words, and the softmax",
        )
