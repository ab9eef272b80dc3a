"""The registry of recurrent cells: a name, which is also its file, and its class."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnn_core.cells.base import Cell
from rnn_core.errors import ParameterError, unknown

REGISTRY = {
    "memoryless": "Memoryless",
    "rnn_tanh": "RNNTanh",
    "rnn_sigmoid": "RNNSigmoid",
    "rnn_relu": "RNNRelu",
    "lstm": "LSTM",
    "lstm_peephole": "LSTMPeephole",
    "lstm_coupled": "LSTMCoupled",
    "lstm_layernorm": "LSTMLayerNorm",
    "slstm": "SLSTM",
    "gru": "GRU",
    "gru_reset_after": "GRUResetAfter",
    "mgu": "MGU",
    "mingru": "MinGRU",
    "mingru_block": "MinGRUBlock",
    "minlstm": "MinLSTM",
    "lru": "LRU",
}


def get_cell(name: str) -> "Cell":
    """Look up a cell by name; its module is imported now, not before.

    Raises:
        ParameterError: If there is no such cell.
    """
    if name not in REGISTRY:
        raise ParameterError(unknown("cell", name, REGISTRY))
    cell: Cell = getattr(import_module(f"rnn_core.cells.{name}"), REGISTRY[name])()
    return cell


def name_of(cell: "Cell") -> str:
    """The name by which a cell is registered; of another one, that of its class."""
    kind = type(cell)
    defined = f"{kind.__module__}.{kind.__qualname__}"
    names = (name for name in REGISTRY if defined == f"{__name__}.{name}.{REGISTRY[name]}")
    return next(names, kind.__name__)
