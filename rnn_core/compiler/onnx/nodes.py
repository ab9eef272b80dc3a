"""Export of a cell to ONNX: an ONNX operator where there is one, a Scan otherwise.

`torch.onnx.export` follows the layer as it runs, so what is written here is what a model with
such a layer exports to. ONNX's `RNN`, `GRU` and `LSTM` have kernels of their own in runtimes; a
`Scan` runs any step, over any number of time steps, and its body is the cell's `step` itself.

Shapes: T steps, B sequences, I inputs, H hidden units, G gates.

Reference:
    ONNX operators, https://onnx.ai/onnx/operators/, opset 14: RNN, GRU, LSTM; opset 11: Scan.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rnn_core.cells import get_cell
from rnn_core.cells.base import Cell
from rnn_core.compiler.onnx.scan import run_scan, run_unrolled


class Operator(NamedTuple):
    """A recurrent operator of ONNX, and how a cell's weights go into it.

    Attributes:
        name: Of the operator.
        gates: The cell's gates as ONNX stacks them; -1 where ONNX's is the complement.
        attributes: That make the operator this cell.
        recurrent_bias: By gate, the weight that is added to its recurrent product.
        peepholes: Weights in the order of ONNX's input P.
    """

    name: str
    gates: Mapping[str, int]
    attributes: Mapping[str, Any]
    recurrent_bias: Mapping[str, str] = {}
    peepholes: tuple[str, ...] = ()


LSTM_GATES = {"i": 1, "o": 1, "f": 1, "g": 1}
OPERATORS: Mapping[str, Operator] = {
    "rnn_tanh": Operator("RNN", {"h": 1}, {"activations": ["Tanh"]}),
    "rnn_relu": Operator("RNN", {"h": 1}, {"activations": ["Relu"]}),
    "rnn_sigmoid": Operator("RNN", {"h": 1}, {"activations": ["Sigmoid"]}),
    "lstm": Operator("LSTM", LSTM_GATES, {}),
    "lstm_peephole": Operator("LSTM", LSTM_GATES, {}, peepholes=("pi", "po", "pf")),
    # z keeps the old state in ONNX and takes the new one here.
    "gru": Operator("GRU", {"z": -1, "r": 1, "n": 1}, {"linear_before_reset": 0}),
    "gru_reset_after": Operator(
        "GRU", {"z": 1, "r": 1, "n": 1}, {"linear_before_reset": 1}, recurrent_bias={"n": "c"}
    ),
}
"""ONNX's operators by the registered cell that they compute."""


def operator_of(cell: Cell) -> Operator | None:
    """ONNX's operator for a cell; none for a subclass, which may compute something else."""
    kind = type(cell)
    return next((OPERATORS[name] for name in OPERATORS if type(get_cell(name)) is kind), None)


def onnx_path(
    cell: Cell, dtype: torch.dtype, every_state: bool, *, unrolled: bool
) -> Callable[..., tuple[list[Tensor], list[Tensor]]]:
    """Find the function that exports a cell.

    Args:
        cell: The cell.
        dtype: Type of the numbers; runtimes have ONNX's operators for float32 alone.
        every_state: Whether all states are wanted at all steps; operators tell the first.
        unrolled: Whether to repeat the step instead: the older exporter, `dynamo=False`, has
            no other way to put it into a graph.
    """
    if unrolled:
        return partial(run_unrolled, cell)
    operator = operator_of(cell)
    alone = len(cell.states) == 1 or not every_state
    if operator is not None and alone and dtype is torch.float32:
        return partial(run_operator, operator, cell)
    return partial(run_scan, cell)


def run_operator(
    operator: Operator,
    cell: Cell,
    x: Tensor,
    input_weight: Tensor,
    input_bias: Tensor,
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    given: Sequence[Tensor],
    present: Tensor | None,
    reverse: bool,
) -> tuple[list[Tensor], list[Tensor]]:
    """Put an operator of ONNX into the graph.

    Args:
        operator: ONNX's operator for the cell.
        cell: The cell.
        x: Input, (T, B, I).
        input_weight: (G * H, I).
        input_bias: (G * H,).
        first: Initial states, each (B, H).
        weights: Recurrent weights in the order of the cell.
        given: Nothing: such a cell reads its gates only.
        present: Where sequences still go on, bool (T, B), from the first step to the
            length of each; None: everywhere.
        reverse: Run from the last step to the first.

    Returns:
        The output at all steps, (T, B, H), 0 where no sequence is; and all final states,
        (B, H) each; that of a sequence of no steps is 0 in some runtimes. Outside of an export,
        no numbers but zeros.
    """
    steps, batch, hidden = x.shape[0], x.shape[1], first[0].shape[1]
    recurrent = dict(zip(cell.weights, weights, strict=True))
    stacked = stacked_weights(operator, cell, input_weight, input_bias, recurrent)
    lengths = None if present is None else present.sum(0).to(torch.int32)
    starts = [state.unsqueeze(0) for state in first]
    peepholes = [recurrent[name] for name in operator.peepholes]
    inputs = [x, *stacked, lengths, *starts]
    outputs, *finals = torch.onnx.ops.symbolic_multi_out(
        operator.name,
        [*inputs, joined(peepholes).unsqueeze(0)] if peepholes else inputs,
        {
            "hidden_size": hidden,
            "direction": "reverse" if reverse else "forward",
            **operator.attributes,
        },
        dtypes=[x.dtype] * (1 + len(first)),
        shapes=[(steps, 1, batch, hidden)] + [(1, batch, hidden)] * len(first),
    )
    return [outputs.squeeze(1)], [final.squeeze(0) for final in finals]


def stacked_weights(
    operator: Operator,
    cell: Cell,
    input_weight: Tensor,
    input_bias: Tensor,
    recurrent: Mapping[str, Tensor],
) -> list[Tensor]:
    """The inputs W (1, G * H, I), R (1, G * H, H) and B (1, 2 * G * H) of ONNX's operators."""
    hidden = len(input_bias) // len(cell.gates)
    # Slices, which become constants in the graph; what `split` and `chunk` export to does not.
    rows = {gate: slice(i * hidden, (i + 1) * hidden) for i, gate in enumerate(cell.gates)}
    apart = {gate: recurrent[name] for gate, name in operator.recurrent_bias.items()}
    zeros = torch.zeros_like(input_bias[:hidden])
    signs = operator.gates.items()
    parts = (
        [sign * input_weight[rows[gate]] for gate, sign in signs],
        [sign * recurrent[gate].t() for gate, sign in signs],
        [sign * input_bias[rows[gate]] for gate, sign in signs]
        + [sign * apart.get(gate, zeros) for gate, sign in signs],
    )
    return [joined(part).unsqueeze(0) for part in parts]


def joined(parts: Sequence[Tensor]) -> Tensor:
    """Concatenate tensors; `cat` of a single one would export to something that is no constant."""
    return torch.cat(list(parts)) if len(parts) > 1 else parts[0]
