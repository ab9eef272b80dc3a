"""Common parts of all layers without recurrence, which are called like a recurrent one.

Shapes: B sequences, T time steps, I input features, H features of an output, D directions.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Generator, Tensor, nn

from rnn_core.errors import ParameterError
from rnn_core.layers.presence import presence
from rnn_core.layers.recurrent import State

REACH = 256
"""Steps that an output looks back, itself included, unless told otherwise."""


class Reference(nn.Module, ABC):
    """A layer in the place of `Recurrent(..., batch_first=True)`, for models that know neither.

    Unless it reads both ways, an output depends on the steps up to its own alone, and a sequence
    may be read in parts, or step by step, with the same outputs: what the next part looks back
    to is the state. Its first tensor is the last output of each direction.

    Args:
        input_size: Features of the input, I.
        hidden_size: Features of the output, H, of each direction where there are two.
        bidirectional: Whether outputs depend on the steps that follow, too.
        num_directions: D, how many outputs there are beside one another for that.

    Attributes:
        reversals: By direction, whether it reads the sequence from its end.
        output_size: Features of the output in all.
    """

    def __init__(
        self, input_size: int, hidden_size: int, *, bidirectional: bool, num_directions: int = 1
    ) -> None:
        super().__init__()
        if min(input_size, hidden_size) < 1:
            raise ParameterError("input_size and hidden_size must be at least 1")
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bidirectional = bidirectional
        self.reversals = (False, True)[:num_directions]
        self.output_size = hidden_size * num_directions

    @property
    def recurrent_parameters(self) -> int:
        """Number of recurrent weights: none."""
        return 0

    @property
    @abstractmethod
    def multiply_accumulates(self) -> int:
        """Weights that one step of one sequence is multiplied with."""

    @abstractmethod
    def read(
        self, x: Tensor, past: tuple[Tensor, ...] | None, lengths: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read (B, T, I), 0 beyond the lengths; return (B, T, D * H), and what goes on from there.

        Args:
            x: The input.
            past: What an earlier call returned; None starts again.
            lengths: Steps of each sequence, (B,); None: all.
        """

    def forward(
        self, x: Tensor, state: State | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Read a batch of sequences.

        Args:
            x: (B, T, I).
            state: As returned by an earlier call; None starts again.
            lengths: Steps of each sequence, (B,); what lies beyond is ignored, and the output is
                0 there. None: all T.

        Returns:
            Outputs (B, T, D * H); and a state whose first tensor is the output of each direction
            at its last step, (D, B, H), and which may be carried on if there were no lengths and
            it reads forward only.

        Raises:
            ParameterError: If a state is given that cannot be carried on.
        """
        past = self._past(state, lengths)
        if lengths is None:
            outputs, rest = self.read(x, past, None)
            ends = torch.full((len(x),), x.shape[1], device=x.device)
        else:
            present = presence(lengths, x.shape[1]).transpose(0, 1)
            outputs, _ = self.read(torch.where(present, x, 0), None, lengths)
            outputs, rest, ends = torch.where(present, outputs, 0), (), lengths
        last = (self._last(outputs, ends), *(() if self.bidirectional else rest))
        return outputs, last if len(last) > 1 else last[0]

    def step(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read one step, (B, I), as `forward` reads a sequence of one; return (B, H)."""
        outputs, state = self(x.unsqueeze(1), state)
        return outputs[:, 0], state

    def _past(self, state: State | None, lengths: Tensor | None) -> tuple[Tensor, ...] | None:
        """State to continue from."""
        if state is None:
            return None
        if lengths is not None or self.bidirectional or isinstance(state, Tensor):
            raise ParameterError(
                f"{type(self).__name__} carries a state on through whole sequences in one "
                "direction; leave out lengths and state, or read forward only"
            )
        return state[1:]

    def _last(self, outputs: Tensor, ends: Tensor) -> Tensor:
        """The output of each direction where it ends, (D, B, H)."""
        rows = torch.arange(len(outputs), device=outputs.device)
        places = [0 * ends if reverse else ends - 1 for reverse in self.reversals]
        parts = outputs.chunk(len(places), dim=-1)
        return torch.stack([p[rows, at] for p, at in zip(parts, places, strict=True)])


def turned(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Each sequence of (B, T, F) from its end; what lies beyond its length stays where it is."""
    if lengths is None:
        return x.flip(1)
    steps = torch.arange(x.shape[1], device=x.device)
    ends = lengths.unsqueeze(1) - 1
    places = torch.where(steps <= ends, ends - steps, steps)
    return x.gather(1, places.unsqueeze(-1).expand_as(x))


@contextmanager
def drawn_from(generator: Generator | None) -> Iterator[None]:
    """Let modules draw their initial weights from a generator instead of the global one."""
    if generator is None:
        yield
        return
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(generator.get_state())
        yield
        generator.set_state(torch.get_rng_state())
