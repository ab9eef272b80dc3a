"""A recurrent encoder and decoder, with or without attention.

Shapes: B sentences, S steps of the source, T steps of the target, E embedding size, H hidden
size, V pieces of the vocabulary, L layers.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.layers.recurrent import MakeCell, Recurrent, State
from rnn_core.models.ports import Port, Ports


class Source(NamedTuple):
    """Encoder's results for some sentences; the decoder attends to them while it writes.

    Attributes:
        outputs: (B, S, 2 H).
        keys: What attention compares the decoder with, (B, S, H).
        present: Where a sentence still goes on, bool (B, S).
    """

    outputs: Tensor
    keys: Tensor
    present: Tensor

    def take(self, sentences: Tensor) -> "Source":
        """Keep some of the sentences, by index."""
        return Source(*(part[sentences] for part in self))


class Attention(nn.Module):
    """Global attention with the score `general`; Luong et al., arXiv:1508.04025v5.

    The decoder's output is not fed into its next step (no input feeding), so that it can
    read a whole sentence at once while training.

    Args:
        query_size: Features of the decoder's outputs, H.
        source_size: Features of the encoder's outputs.
    """

    def __init__(self, query_size: int, source_size: int) -> None:
        super().__init__()
        self.key = nn.Linear(source_size, query_size, bias=False)

    def forward(self, queries: Tensor, source: Source) -> Tensor:
        """For queries (B, T, H), the outputs of the encoder weighted by fit (B, T, 2 H)."""
        context: Tensor = self.weights(queries, source) @ source.outputs
        return context

    def weights(self, queries: Tensor, source: Source) -> Tensor:
        """For queries (B, T, H), how much each looks at each step of the source (B, T, S)."""
        fit = queries @ source.keys.transpose(1, 2)
        fit = fit.masked_fill(~source.present.unsqueeze(1), float("-inf"))
        return functional.softmax(fit, dim=-1)


class Bridge(nn.Module):
    """Starts the decoder from where the encoder ended, whatever states the cell has.

    Args:
        encoder: Bidirectional.
        decoder: Of the same cell.
    """

    def __init__(self, encoder: Recurrent, decoder: Recurrent) -> None:
        super().__init__()
        sizes = encoder.output_size, decoder.hidden_size
        self.maps = nn.ModuleList(nn.Linear(*sizes) for _ in encoder.cell.states)

    def forward(self, state: State) -> State:
        """Map the states of both directions, (L * 2, B, H) each, to (L, B, H) each."""
        parts = (state,) if isinstance(state, Tensor) else state
        starts = tuple(
            linear(torch.cat([part[0::2], part[1::2]], dim=-1))
            for linear, part in zip(self.maps, parts, strict=True)
        )
        return starts if len(starts) > 1 else starts[0]


class Translator(nn.Module):
    """Reads a sentence in both directions and writes its translation from left to right.

    One table of vectors serves both languages and the output (Press and Wolf,
    arXiv:1608.05859v3).

    Args:
        make_cell: Makes the recurrent layers.
        vocabulary_size: Pieces of both languages, V.
        embedding_size: Size of a piece's vector, E.
        written: Pieces that a translation may hold, int (W,); the output layer has no
            others.
        attention: Whether the decoder looks at every step of the source; otherwise it
            knows no more than the state it starts from.
        dropout: Share of embeddings and of what is classified dropped while training.
    """

    written: Tensor

    def __init__(
        self,
        make_cell: MakeCell,
        vocabulary_size: int,
        embedding_size: int,
        *,
        written: Tensor,
        attention: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        nn.init.normal_(self.embedding.weight, std=embedding_size**-0.5)
        self.scale = embedding_size**0.5
        self.dropout = nn.Dropout(dropout)
        self.encoder = make_cell(embedding_size, bidirectional=True)
        self.decoder = make_cell(embedding_size)
        self.bridge = Bridge(self.encoder, self.decoder)
        sizes = self.decoder.output_size, self.encoder.output_size
        self.attention = Attention(*sizes) if attention else None
        self.projection = nn.Linear(sum(sizes) if attention else sizes[0], embedding_size)
        self.bias = nn.Parameter(torch.zeros(len(written)))
        self.register_buffer("written", written, persistent=False)

    def embed(self, pieces: Tensor) -> Tensor:
        """Pieces (B, T) or (B,) to vectors, (..., E)."""
        vectors: Tensor = self.dropout(self.embedding(pieces) * self.scale)
        return vectors

    def encode(self, pieces: Tensor, lengths: Tensor) -> tuple[Source, State]:
        """Read sentences (B, S) of the given lengths (B,); returns the decoder's start too."""
        outputs, state = self.encoder(self.embed(pieces), lengths=lengths)
        keys = outputs if self.attention is None else self.attention.key(outputs)
        steps = torch.arange(pieces.shape[1], device=pieces.device)
        return Source(outputs, keys, steps < lengths.unsqueeze(1)), self.bridge(state)

    def classify(self, outputs: Tensor, source: Source, kept: Tensor | None = None) -> Tensor:
        """Logits of the next piece from outputs of the decoder.

        Args:
            outputs: (B, T, H).
            source: Of the same sentences.
            kept: Steps whose logits are wanted, bool (B, T); None: all.

        Returns:
            (B, T, W), or those of the kept steps (K, W).
        """
        if self.attention is not None:
            outputs = torch.cat([self.attention(outputs, source), outputs], dim=-1)
        outputs = outputs if kept is None else outputs[kept]
        features = self.dropout(torch.tanh(self.projection(outputs)))
        return functional.linear(features, self.embedding.weight[self.written], self.bias)

    def next_piece(self, before: Tensor, state: State, source: Source) -> tuple[Tensor, State]:
        """Log-probabilities of the next piece of translations that are being written.

        Args:
            before: The last piece of each of K translations of a sentence, int (B, K).
            state: Of the decoder, (L, B * K, H) each.
            source: Of the sentences.

        Returns:
            (B, K, W), of the pieces in `written`, and the state after it.
        """
        outputs, state = self.decoder.step(self.embed(before.flatten()), state)
        # The translations of a sentence look at the same source: they take the place of its steps.
        logits = self.classify(outputs.reshape(*before.shape, -1), source)
        return functional.log_softmax(logits, dim=-1), state

    def forward(
        self, pieces: Tensor, lengths: Tensor, before: Tensor, kept: Tensor | None = None
    ) -> Tensor:
        """Logits of every piece of translations, each given those before it.

        Args:
            pieces: Sentences, int (B, S).
            lengths: Of the sentences, int (B,).
            before: What precedes each piece of the translation, int (B, T).
            kept: As in `classify`.

        Returns:
            (B, T, W) or (K, W), of the pieces in `written`.
        """
        source, state = self.encode(pieces, lengths)
        outputs, _ = self.decoder(self.embed(before), state)
        return self.classify(outputs, source, kept)

    def looked_at(self, pieces: Tensor, lengths: Tensor, before: Tensor) -> Tensor | None:
        """Attention of each piece of translations to each of their sentences, (B, T, S).

        None without attention. The arguments are those of `forward`.
        """
        if self.attention is None:
            return None
        source, state = self.encode(pieces, lengths)
        outputs, _ = self.decoder(self.embed(before), state)
        return self.attention.weights(outputs, source)

    def ports(self) -> Ports:
        """Inputs and outputs."""
        size = self.embedding.num_embeddings
        pieces = Port(
            name="pieces",
            meaning="numbers of the sentence's pieces, the end included",
            shape=("batch", "source_length"),
            below=size,
        )
        lengths = Port(
            name="lengths",
            meaning="pieces of each sentence",
            shape=("batch",),
            counts="source_length",
        )
        before = Port(
            name="before",
            meaning="the start, then what the translation has so far",
            shape=("batch", "target_length"),
            below=size,
        )
        logits = Port(
            name="logits",
            meaning="logits of the piece after each, in the order of gatewise.written",
            shape=("batch", "target_length", len(self.bias)),
        )
        return Ports(
            inputs=(pieces, lengths, before),
            outputs=(logits,),
            apart="cutting text into pieces, and the search: append the likeliest piece of the "
            "last step to `before` and run again until it is the end (a beam search keeps several)",
            notes={"gatewise.written": self.written.tolist()},
        )
