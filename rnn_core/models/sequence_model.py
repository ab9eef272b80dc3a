"""The generic recurrent model: input, recurrent layer, linear output at every step."""

from torch import Tensor, nn

from rnn_core.layers.recurrent import MakeCell, State
from rnn_core.models.ports import Port, Ports, state_ports


class SequenceModel(nn.Module):
    """Maps every step of a sequence to an output, and carries a state.

    Args:
        make_cell: Makes the recurrent layer.
        input_size: Features of each input step, I.
        output_size: Features of each output step, O.
        dropout: Share of the recurrent layer's outputs dropped while training.
    """

    def __init__(
        self, make_cell: MakeCell, input_size: int, output_size: int, *, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.recurrent = make_cell(input_size)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(self.recurrent.output_size, output_size)

    def forward(
        self, x: Tensor, state: State | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Map (B, T, I) to (B, T, O), and return the final state beside it."""
        outputs, state = self.recurrent(x, state, lengths=lengths)
        return self.output(self.dropout(outputs)), state

    def step(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Map one step (B, I) to (B, O), and return the state after it; see `Recurrent.step`."""
        outputs, state = self.recurrent.step(x, state)
        return self.output(self.dropout(outputs)), state

    def ports(self) -> Ports:
        """Inputs and outputs."""
        read, written = self.recurrent.input_size, self.output.out_features
        state = state_ports(self.recurrent)
        steps = Port(name="steps", meaning="input steps", shape=("batch", "length", read))
        outputs = Port(
            name="logits", meaning="logits of each step", shape=("batch", "length", written)
        )
        return Ports(
            inputs=(steps, state.first),
            outputs=(outputs, *state.last),
            apart="writing the input as steps, and taking the likeliest symbols",
            notes=state.notes,
        )
