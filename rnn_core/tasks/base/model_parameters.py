"""Parameters of every model in params.yaml."""

from dataclasses import dataclass

from rnn_core.layers.direction import InitialState
from rnn_core.layers.initialisation import RecurrentInit


@dataclass(frozen=True, kw_only=True)
class ModelParameters:
    """Parameters that every model has.

    Attributes:
        hidden_size: Features of the recurrent state.
        num_layers: Recurrent layers; in params.yaml `depths` sets them.
        dropout: Share of activations dropped while training, in [0, 1).
        recurrent_dropout: Share of recurrent weights dropped while training, in [0, 1).
        zoneout: Share of the state's units that skip a step while training, in [0, 1).
        recurrent_init: How recurrent matrices start: orthogonal, or uniform in +-1/sqrt(H), as
            `torch.nn` draws them.
        forget_bias: Where the biases of gates that keep the state start, so that a new network
            remembers; 0: none.
        longest_memory: Steps that the longest memories span at the start; biases are then drawn
            so, and `forget_bias` is not used. null: not drawn.
        initial_state: How a sequence starts: `zeros`; `learned`, a trained vector; or `random`,
            drawn from N(0, 0.1^2) in training, else zeros.
    """

    hidden_size: int = 64
    num_layers: int = 1
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    zoneout: float = 0.0
    recurrent_init: RecurrentInit = "orthogonal"
    forget_bias: float = 1.0
    longest_memory: int | None = None
    initial_state: InitialState = "zeros"

    def __post_init__(self) -> None:
        if min(self.hidden_size, self.num_layers) < 1:
            raise ValueError("hidden_size and num_layers must be at least 1")
        for name in ("dropout", "recurrent_dropout", "zoneout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1), not {getattr(self, name)}")
        if self.longest_memory is not None and self.longest_memory < 3:
            raise ValueError("longest_memory must be at least 3")
