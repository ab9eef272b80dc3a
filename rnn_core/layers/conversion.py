"""Weights from and to `torch.nn` and Keras, for the cells that these have too.

| cell              | `torch.nn` | Keras                             |
|-------------------|------------|-----------------------------------|
| `rnn_tanh`        | `RNN`      | `SimpleRNN`                       |
| `rnn_relu`        | `RNN`      | `SimpleRNN(activation="relu")`    |
| `rnn_sigmoid`     |            | `SimpleRNN(activation="sigmoid")` |
| `lstm`            | `LSTM`     | `LSTM`                            |
| `gru`             |            | `GRU(reset_after=False)`          |
| `gru_reset_after` | `GRU`      | `GRU`                             |

Keras need not be installed: its weights are lists of arrays, which `get_weights` returns and
`set_weights` takes.

Shapes: I input features, H hidden size, G gates of the cell.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rnn_core.cells import get_cell
from rnn_core.errors import KindError, ParameterError
from rnn_core.layers.arguments import flag, instance, whole
from rnn_core.layers.direction import RecurrentDirection
from rnn_core.layers.projection import NAME as PROJECTION
from rnn_core.layers.recurrent import Recurrent

Order: TypeAlias = Mapping[str, int]
"""The gates as another library stacks them; -1 where its gate is the complement of the cell's."""

TORCH: Mapping[str, tuple[Callable[..., nn.RNN | nn.LSTM | nn.GRU], Order]] = {
    "rnn_tanh": (nn.RNN, {"h": 1}),
    "rnn_relu": (partial(nn.RNN, nonlinearity="relu"), {"h": 1}),
    "lstm": (nn.LSTM, {"i": 1, "f": 1, "g": 1, "o": 1}),
    "gru_reset_after": (nn.GRU, {"r": 1, "z": 1, "n": 1}),
}

KERAS: Mapping[str, Order] = {
    "rnn_tanh": {"h": 1},
    "rnn_relu": {"h": 1},
    "rnn_sigmoid": {"h": 1},
    "lstm": {"i": 1, "f": 1, "g": 1, "o": 1},
    "gru": {"z": -1, "r": 1, "n": 1},  # z keeps the old state there and takes the new one here
    "gru_reset_after": {"z": 1, "r": 1, "n": 1},
}

MODES = {
    "RNN_TANH": "rnn_tanh",
    "RNN_RELU": "rnn_relu",
    "LSTM": "lstm",
    "GRU": "gru_reset_after",
}
"""Our cell by the mode of a module of `torch.nn`."""


class Stacked(NamedTuple):
    """The weights of one layer in one direction as `torch.nn` has them, gates stacked.

    Attributes:
        input_weight: (G * H, I).
        recurrent_weight: (G * H, H), applied as `recurrent_weight @ h`; (G * H, P) if h is
            projected.
        biases: (2, G * H), added to the product by the input and to that by the state; None if
            there are none.
        projection: (P, H), or None.
    """

    input_weight: Tensor
    recurrent_weight: Tensor
    biases: Tensor | None
    projection: Tensor | None = None


def from_torch(module: nn.Module) -> Recurrent:
    """The layer that computes what a module of `torch.nn` does, with a copy of its weights.

    Layers, directions, `batch_first`, `dropout`, type and device carry over. The module's two
    biases become one, except for the recurrent bias of the GRU's n, which r multiplies.

    Args:
        module: An `nn.RNN`, `nn.LSTM` or `nn.GRU`.

    Raises:
        ParameterError: If there is no such cell here.
    """
    if not isinstance(module, nn.RNNBase) or module.mode not in MODES:
        raise ParameterError(f"no cell for {module}: RNN, LSTM and GRU of torch.nn convert")
    layer = Recurrent(
        MODES[module.mode],
        module.input_size,
        module.hidden_size,
        num_layers=module.num_layers,
        bias=module.bias,
        proj_size=module.proj_size,
        bidirectional=module.bidirectional,
        # With one layer, where it would do nothing, it gives a warning.
        dropout=module.dropout if module.num_layers > 1 else 0.0,
        batch_first=module.batch_first,
        generator=torch.Generator(),  # leaves the global one as it was
    )
    weights = module.all_weights
    layer.to(weights[0][0]).train(module.training)
    order = TORCH[MODES[module.mode]][1]
    for direction, (of_input, of_state, *rest) in zip(directions(layer), weights, strict=True):
        projection = rest.pop() if module.proj_size else None
        both = torch.stack((*rest,)) if rest else None
        write(direction, Stacked(of_input, of_state, both, projection), order)
    return layer


def to_torch(layer: Recurrent) -> nn.RNN | nn.LSTM | nn.GRU:
    """The module of `torch.nn` that computes what a layer does, with a copy of its weights.

    Our bias becomes `bias_ih`; `bias_hh` is 0 except for the GRU's n.

    Args:
        layer: A layer around a cell that `torch.nn` has: `rnn_tanh`, `rnn_relu`, `lstm` or
            `gru_reset_after`.

    Raises:
        ParameterError: If `torch.nn` does not have the cell or an option of the layer.
    """
    cell = name_of(layer, TORCH, "torch.nn")
    kind, order = TORCH[cell]
    first = next(directions(layer)).input_weight
    module = kind(
        layer.input_size,
        layer.hidden_size,
        num_layers=layer.num_layers,
        bias=layer.bias,
        bidirectional=layer.bidirectional,
        **({"proj_size": layer.proj_size} if layer.proj_size else {}),
        dropout=layer.dropout if layer.num_layers > 1 else 0.0,
        batch_first=layer.batch_first,
        device="meta",  # no weights are drawn: the global generator stays as it was
        dtype=first.dtype,
    ).to_empty(device=first.device)
    with torch.no_grad():
        for direction, theirs in zip(directions(layer), module.all_weights, strict=True):
            input_weight, recurrent_weight, biases, projection = read(direction, order)
            ours = (input_weight, recurrent_weight, *(() if biases is None else biases), projection)
            there = (part for part in ours if part is not None)
            for target, source in zip(theirs, there, strict=True):
                target.copy_(source)
    return module.train(layer.training)


def from_keras(
    cell: str,
    weights: Sequence[NDArray[Any]],
    *,
    num_layers: int = 1,
    bidirectional: bool = False,
) -> Recurrent:
    """The layer that computes what recurrent layers of Keras do, `batch_first` as they are.

    Args:
        cell: The cell as it is called here; see the table above.
        weights: Result of `get_weights()` of the Keras layer: kernel (I, G * H), recurrent
            kernel (H, G * H) and, unless `use_bias=False`, bias (G * H,), or (2, G * H) for
            `gru_reset_after`. Of a `Bidirectional` the forward ones come first; those of
            stacked layers follow one another.
        num_layers: How many Keras layers these are.
        bidirectional: Whether they are `Bidirectional` with `merge_mode="concat"`.

    Raises:
        ParameterError: If Keras does not have the cell, or the arrays are not its weights.
    """
    if cell not in KERAS:
        raise ParameterError(f"Keras has no {cell!r}; cells that it has: {', '.join(KERAS)}")
    weights = [np.asarray(array) for array in weights]
    kinds = {array.dtype for array in weights if array.dtype.kind != "f"}
    if kinds:
        raise KindError(f"weights of Keras must be of floating point, not {min(kinds, key=str)}")
    parts = whole("num_layers", num_layers) * (2 if flag("bidirectional", bidirectional) else 1)
    count, rest = divmod(len(weights), parts)
    if count not in (2, 3) or rest:
        raise ParameterError(
            f"{parts} layers and directions of Keras have {2 * parts} arrays, or {3 * parts} "
            f"with biases, not {len(weights)}"
        )
    layer = Recurrent(
        cell,
        len(weights[0]),
        len(weights[1]),
        num_layers=num_layers,
        bias=count == 3,
        bidirectional=bidirectional,
        batch_first=True,
        generator=torch.Generator(),  # leaves the global one as it was
    )
    layer.to(torch.tensor(weights[0]).dtype)
    for index, direction in enumerate(directions(layer)):
        arrays = weights[index * count : (index + 1) * count]
        check_shapes(cell, direction, arrays)
        write(direction, stacked_from(arrays), KERAS[cell])
    return layer


def to_keras(layer: Recurrent) -> list[NDArray[Any]]:
    """Convert to arrays for `set_weights` of a Keras layer that computes the same.

    Returns:
        Kernel (I, G * H), recurrent kernel (H, G * H) and, of a layer with biases, bias
        (G * H,), or (2, G * H) for `gru_reset_after`, of each layer and direction, in the order
        that `from_keras` reads.

    Raises:
        ParameterError: If Keras does not have the cell or an option of the layer.
    """
    cell = name_of(layer, KERAS, "Keras")
    stacked = [read(direction, KERAS[cell]) for direction in directions(layer)]
    return list(chain.from_iterable(arrays_of(part, cell == "gru_reset_after") for part in stacked))


def name_of(layer: Recurrent, known: Iterable[str], library: str) -> str:
    """The registered name of a layer's cell, if another library has such a layer."""
    kind = type(instance("layer", layer, Recurrent).cell)
    name = next((name for name in known if type(get_cell(name)) is kind), None)
    if name is None:
        raise ParameterError(f"{library} has no {kind.__name__}: {', '.join(known)} convert")
    first = next(directions(layer))
    has = {
        "initial_state": first.initial_state != "zeros",
        "recurrent_dropout": first.recurrent_dropout,
        "zoneout": first.zoneout,
        "proj_size": layer.proj_size and library == "Keras",
    }
    if any(has.values()):
        options = ", ".join(option for option, is_set in has.items() if is_set)
        raise ParameterError(f"{options} of the layer cannot be expressed in {library}")
    return name


def directions(layer: Recurrent) -> Iterator[RecurrentDirection]:
    """Directions with weights: those of the first layer, of the second, ..."""
    for direction in layer.directions:
        assert isinstance(direction, RecurrentDirection)
        yield direction


def recurrent_biases(direction: RecurrentDirection) -> Mapping[str, Tensor]:
    """By gate, the recurrent bias that cannot be summed into the input's: the GRU's, of n."""
    return {"n": direction.weights["c"]} if "c" in direction.weights else {}


def write(direction: RecurrentDirection, stacked: Stacked, order: Order) -> None:
    """Copy another library's weights into a direction."""
    size, gates = direction.hidden_size, direction.cell.gates
    input_weight = direction.input_weight.detach().split(size)
    with torch.no_grad():
        for place, (gate, sign) in enumerate(order.items()):
            theirs = slice(place * size, (place + 1) * size)
            input_weight[gates.index(gate)].copy_(sign * stacked.input_weight[theirs])
            direction.weights[gate].copy_(sign * stacked.recurrent_weight[theirs].T)
            if stacked.biases is not None:
                write_bias(direction, gate, sign * stacked.biases[:, theirs])
        if stacked.projection is not None:
            direction.weights[PROJECTION].copy_(stacked.projection.T)


def write_bias(direction: RecurrentDirection, gate: str, both: Tensor) -> None:
    """Copy the two biases (2, H) of a gate, as one unless the recurrent one stands apart."""
    assert direction.input_bias is not None
    ours = direction.input_bias.split(direction.hidden_size)[direction.cell.gates.index(gate)]
    apart = recurrent_biases(direction)
    if gate in apart:
        apart[gate].copy_(both[1])
    ours.copy_(both[0] if gate in apart else both[0] + both[1])


def read(direction: RecurrentDirection, order: Order) -> Stacked:
    """A direction's weights in another library's order."""
    size, gates = direction.hidden_size, direction.cell.gates
    input_weight = dict(zip(gates, direction.input_weight.detach().split(size), strict=True))
    with torch.no_grad():
        return Stacked(
            torch.cat([sign * input_weight[gate] for gate, sign in order.items()]),
            torch.cat([sign * direction.weights[gate].T for gate, sign in order.items()]),
            None if direction.input_bias is None else read_biases(direction, order),
            direction.weights[PROJECTION].T if direction.projected else None,
        )


def read_biases(direction: RecurrentDirection, order: Order) -> Tensor:
    """A direction's biases in another library's order, (2, G * H)."""
    assert direction.input_bias is not None
    size = direction.hidden_size
    of_input = dict(zip(direction.cell.gates, direction.input_bias.split(size), strict=True))
    apart, zeros = recurrent_biases(direction), direction.input_bias.new_zeros(size)
    return torch.stack(
        [
            torch.cat([sign * of_input[gate] for gate, sign in order.items()]),
            torch.cat([sign * apart.get(gate, zeros) for gate, sign in order.items()]),
        ]
    )


def stacked_from(arrays: Sequence[NDArray[Any]]) -> Stacked:
    """Kernel, recurrent kernel and, it may be, bias of Keras, which multiplies from the right."""
    kernel, recurrent_kernel, *bias = (torch.tensor(array) for array in arrays)
    if not bias:
        return Stacked(kernel.T, recurrent_kernel.T, None)
    biases = kernel.new_zeros(2, kernel.shape[1])
    biases[: len(bias[0]) if bias[0].ndim > 1 else 1] = bias[0]
    return Stacked(kernel.T, recurrent_kernel.T, biases)


def arrays_of(stacked: Stacked, two_biases: bool) -> list[NDArray[Any]]:
    """The arrays of Keras for one direction."""
    tensors = [stacked.input_weight.T, stacked.recurrent_weight.T]
    if stacked.biases is not None:
        tensors.append(stacked.biases if two_biases else stacked.biases.sum(0))
    return [np.ascontiguousarray(tensor.cpu().numpy()) for tensor in tensors]


def check_shapes(cell: str, direction: RecurrentDirection, arrays: Sequence[NDArray[Any]]) -> None:
    """Refuse arrays that are not the weights of a cell in Keras.

    Raises:
        ParameterError: If a shape is another one; it says which and what it should be.
    """
    size, rows = direction.hidden_size, len(direction.input_weight)
    expected: list[tuple[int, ...]] = [(direction.input_weight.shape[1], rows), (size, rows)]
    expected.append((2, rows) if cell == "gru_reset_after" else (rows,))
    for name, array, shape in zip(
        ("kernel", "recurrent kernel", "bias"), arrays, expected, strict=False
    ):
        if np.shape(array) != shape:
            raise ParameterError(
                f"the {name} of Keras' {cell} has shape {shape}, not {np.shape(array)}"
            )
