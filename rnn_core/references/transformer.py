"""A small Transformer.

Shapes: B sequences, T steps, S steps that are looked at, N heads, A features of a head.
"""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from rnn_core.references.base import REACH, Reference, drawn_from

HEADS = 4

WIDER = 4
"""Width of the inner layer of a block, in multiples of the others' width."""


class Transformer(Reference):
    """Blocks of attention and a network of two layers, normalised before each.

    A head looks at its own step and at the last `reach` - 1 before it; where both ways are read,
    half of the heads look at those that follow instead. How far away a step is lowers what it
    counts for, by a rate that differs from head to head (ALiBi), so that a position means the
    same wherever a part of a sequence begins. The exact variant beside that: GELU, inner layers
    four times as wide, and a last normalisation.

    Args:
        input_size: I; a linear layer makes H features of it.
        hidden_size: H.
        num_layers: Blocks.
        dropout: Share of what a block adds that is dropped while training.
        bidirectional: Whether half of the heads look ahead.
        reach: Steps that a head looks at, its own included.
        generator: Source of the initial weights; the global one if None.

    Reference:
        Vaswani et al., "Attention is all you need", arXiv:1706.03762v7; Xiong et al., "On layer
        normalization in the Transformer architecture", arXiv:2002.04745v2; Press, Smith and
        Lewis, "Train short, test long", arXiv:2108.12409v2, for the positions.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        num_layers: int = 2,
        dropout: float = 0.0,
        bidirectional: bool = False,
        reach: int = REACH,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bidirectional=bidirectional)
        self.reach = reach
        with drawn_from(generator):
            self.embedding = nn.Linear(input_size, hidden_size)
            self.blocks = nn.ModuleList(Block(hidden_size, dropout) for _ in range(num_layers))
            self.norm = nn.LayerNorm(hidden_size)

    @property
    def multiply_accumulates(self) -> int:
        """Weights that one step of one sequence is multiplied with; scores are not weights."""
        layers = [part for part in self.modules() if isinstance(part, nn.Linear)]
        return sum(layer.in_features * layer.out_features for layer in layers)

    def read(
        self, x: Tensor, past: tuple[Tensor, ...] | None, lengths: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """See `Reference.read`; what goes on is the keys and values of each block, (B, N, S, A)."""
        before = past[0].shape[2] if past else 0
        bias = self.bias(x, before, lengths)
        keys_and_values = past or (None,) * (2 * len(self.blocks))
        x, rest = self.embedding(x), list[Tensor]()
        for index, block in enumerate(self.blocks):
            x, *seen = block(x, bias, *keys_and_values[2 * index : 2 * index + 2])
            rest += [part[:, :, max(0, part.shape[2] - self.reach + 1) :] for part in seen]
        return self.norm(x), tuple(rest)

    def bias(self, x: Tensor, before: int, lengths: Tensor | None) -> Tensor:
        """Term added to the scores of each step looked at, (B or 1, N, T, before + T)."""
        steps = torch.arange(before + x.shape[1], device=x.device)
        back = steps[before:, None] - steps  # how far back a step lies
        ways = [1, -1] if self.bidirectional else [1]
        rates = slopes(HEADS // len(ways))
        parts = []
        for way in ways:
            seen = (way * back >= 0) & (way * back < self.reach)
            far = -x.new_tensor(rates)[:, None, None] * back.abs()
            parts.append(far.masked_fill(~seen, -torch.inf))
        bias = torch.cat(parts).unsqueeze(0)
        if lengths is None or not self.bidirectional:
            return bias  # no head that looks back from within a sequence sees beyond its end
        hidden = (steps >= lengths[:, None])[:, None, None] & (back != 0)
        return bias.masked_fill(hidden, -torch.inf)


def slopes(heads: int) -> list[float]:
    """By how much a step counts less than the next nearer one, of each head: 2^(-8 n / N)."""
    return [2 ** (-8 * (head + 1) / heads) for head in range(heads)]


class Block(nn.Module):
    """Attention, and a network of two layers.

    Args:
        size: Features, H. The heads have together as many, rounded up to a multiple of N.
        dropout: See `Transformer`.
    """

    def __init__(self, size: int, dropout: float) -> None:
        super().__init__()
        self.head_size = -(-size // HEADS)
        inner = HEADS * self.head_size
        self.first_norm, self.second_norm = nn.LayerNorm(size), nn.LayerNorm(size)
        self.attention = nn.Linear(size, 3 * inner)
        self.joining = nn.Linear(inner, size)
        self.network = nn.Sequential(
            nn.Linear(size, WIDER * size), nn.GELU(), nn.Linear(WIDER * size, size)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, bias: Tensor, keys: Tensor | None, values: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Read (B, T, H) after the keys and values of before; return theirs and the new ones'."""
        parts = self.attention(self.first_norm(x)).unflatten(-1, (3, HEADS, self.head_size))
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        key = key if keys is None else torch.cat([keys, key], dim=2)
        value = value if values is None else torch.cat([values, value], dim=2)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        x = x + self.dropout(self.joining(mixed.transpose(1, 2).flatten(2)))
        x = x + self.dropout(self.network(self.second_norm(x)))
        return x, key, value
