"""The recurrent layer around any cell.

Shapes: T time steps, B sequences, I input features, H hidden size, L layers, D (1 or 2) directions.
"""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn, Protocol, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence

from rnn_core.cells import name_of
from rnn_core.cells.base import Cell
from rnn_core.compiler.inspection.declarations import as_cell
from rnn_core.errors import ExportError, KindError, ParameterError, TensorError
from rnn_core.layers import arguments
from rnn_core.layers.direction import InitialState, RecurrentDirection
from rnn_core.layers.initialisation import DEFAULT, Initialisation
from rnn_core.layers.one_step import step_alone
from rnn_core.layers.packed import unpack
from rnn_core.layers.presence import presence

State: TypeAlias = Tensor | tuple[Tensor, ...]
"""(L * D, B, H), or (L * D, H) of a single sequence; a tuple for a cell with several states."""

Lengths: TypeAlias = Tensor | Sequence[int]
"""Steps of each sequence, (B,): a tensor, or what `torch.as_tensor` makes one of."""


class Recurrent(nn.Module):
    """A stack of recurrent layers around any cell, called as `torch.nn.GRU` is.

    Arguments have the order of `torch.nn.GRU`, after the cell.

    Args:
        cell: Name of a registered cell, or your own `Cell`.
        input_size: Features of the input, I.
        hidden_size: Features of each state, H.
        num_layers: Layers, each reading the outputs of the one below.
        bias: Whether there are biases.
        batch_first: Whether inputs and outputs are (B, T, ...) instead of (T, B, ...).
        dropout: Share of outputs dropped between layers while training, in [0, 1].
        bidirectional: Whether every layer also reads the sequence from its end; the
            outputs of both directions are concatenated.
        proj_size: Features of the output, and of the first state, if these are to be fewer than
            H: P, see `projection`. 0: H. For `lstm`, `lstm_coupled`, `lstm_peephole`, and your
            own cells that are `projectable`.
        device: Where the weights are; PyTorch's default if None.
        dtype: Type of the weights; PyTorch's default if None.
        initial_state: "zeros"; "learned", a trained vector per layer and direction; or
            "random", drawn from N(0, 0.1^2) at each call while training, else zeros.
        recurrent_dropout: Share of the recurrent matrices' entries dropped while training,
            the same for all steps and sequences of a call, in [0, 1): DropConnect, as in
            Merity et al., arXiv:1708.02182v1.
        zoneout: Share of the units of each state that skip a step while training, in
            [0, 1); see `rnn_core.layers.zoneout`.
        initialisation: How the weights start.
        generator: Source of the initial weights; the global one if None.

    Attributes:
        output_size: Features of the outputs: D * H, or D * P with a projection.
        reversals: For each direction, whether it reads a sequence from its end.
        directions: The layers' directions, one module each, in the order of torch's weights:
            layer by layer, forward before backward.

    Raises:
        ParameterError: If the cell is unknown or an argument is out of range.
    """

    def __init__(  # noqa: PLR0917 (these are torch.nn.GRU's)
        self,
        cell: str | Cell,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        initial_state: InitialState = "zeros",
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        initialisation: Initialisation = DEFAULT,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.cell = as_cell(cell)
        self.input_size = arguments.whole("input_size", input_size)
        self.hidden_size = arguments.whole("hidden_size", hidden_size)
        self.num_layers = arguments.whole("num_layers", num_layers)
        self.bias = arguments.flag("bias", bias)
        self.batch_first = arguments.flag("batch_first", batch_first)
        self.dropout = arguments.share("dropout", dropout, with_one=True)
        self.bidirectional = arguments.flag("bidirectional", bidirectional)
        self.proj_size = arguments.whole("proj_size", proj_size, least=0)
        if self.proj_size >= self.hidden_size:
            raise ParameterError(f"proj_size must be below hidden_size = {hidden_size}")
        arguments.one_of("initial_state", initial_state, InitialState)
        arguments.check_type(dtype)
        if self.dropout and self.num_layers == 1:
            warnings.warn(
                f"dropout = {dropout} does nothing with num_layers = 1: it acts between layers",
                stacklevel=2,
            )
        self.initialisation = arguments.instance("initialisation", initialisation, Initialisation)
        self.reversals = (False, True) if bidirectional else (False,)
        self.output_size = (self.proj_size or self.hidden_size) * len(self.reversals)
        self.directions = nn.ModuleList(
            RecurrentDirection(
                self.cell,
                size,
                self.hidden_size,
                reverse=reverse,
                bias=bias,
                proj_size=self.proj_size,
                initial_state=initial_state,
                recurrent_dropout=arguments.share("recurrent_dropout", recurrent_dropout),
                zoneout=arguments.share("zoneout", zoneout),
                device=device,
                dtype=dtype,
            )
            for size in self._input_sizes()
            for reverse in self.reversals
        )
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw all weights again, in place.

        Args:
            generator: Source of randomness; the global one if None.
        """
        for direction in self._directions():
            direction.reset_parameters(self.initialisation, generator)

    def flatten_parameters(self) -> None:
        """Do nothing: no weights need be moved together, as those of `torch.nn.GRU` for cuDNN."""

    @property
    def all_weights(self) -> list[list[nn.Parameter]]:
        """The parameters of every layer and direction: input weight, bias, recurrent weights."""
        return [list(direction.parameters()) for direction in self.directions]

    @property
    def recurrent_parameters(self) -> int:
        """Number of recurrent weights, over all layers and directions."""
        counts = (weight.numel() for d in self._directions() for weight in d.weights.values())
        return sum(counts)

    @property
    def multiply_accumulates(self) -> int:
        """Multiply-accumulates of one time step of one sequence, over all layers."""
        sizes = self._input_sizes()
        cell = next(self._directions()).cell
        per_layer = (cell.multiply_accumulates(i, self.hidden_size) for i in sizes)
        return sum(per_layer) * len(self.reversals)

    def forward(
        self,
        input: Tensor | PackedSequence,  # noqa: A002 (torch.nn.GRU calls it so)
        hx: State | None = None,
        lengths: Lengths | None = None,
    ) -> tuple[Tensor | PackedSequence, State]:
        """Read a batch of sequences, or a single one.

        Args:
            input: (T, B, I), or (B, T, I) if `batch_first`; (T, I) for a single sequence; or a
                packed sequence, whose outputs are packed alike.
            hx: Initial state as returned by an earlier call, (L * D, B, H) each, or (L * D, H)
                for a single sequence; None is `initial_state`.
            lengths: Steps of each sequence, whole numbers (B,); later steps are ignored: the
                state stays there and the output is 0. None: all T. That none exceeds T
                is checked where the numbers are on the CPU, outside of `torch.compile` and
                `vmap`.

        Returns:
            Outputs (T, B, D * H), (B, T, D * H) or (T, D * H), or packed; and the final state,
            shaped as `hx`. With `proj_size`, P stands for H in the outputs and the first state.

        Raises:
            ParameterError: If an argument has the wrong kind, shape, type or device, or there is
                no step, T = 0. What PyTorch raises there, `ValueError`,
                `TypeError` or `RuntimeError`, catches it too.
        """
        outputs, final = self._read(input, hx, lengths, every_state=False)
        return outputs[0], final

    def every_state(
        self,
        input: Tensor | PackedSequence,  # noqa: A002
        hx: State | None = None,
        lengths: Lengths | None = None,
    ) -> tuple[tuple[Tensor | PackedSequence, ...], State]:
        """Read a batch as `forward` does, and return all states of the last layer.

        Args:
            input: As for `forward`.
            hx: As for `forward`.
            lengths: As for `forward`.

        Returns:
            One tensor (T, B, D * H) per state of the cell, or with the axes of the outputs of
            `forward`; the first is the outputs. And the final state, as of `forward`.

        Raises:
            ParameterError: See `forward`.
        """
        return self._read(input, hx, lengths, every_state=True)

    def extra_repr(self) -> str:
        """Cell, sizes, what differs from the default, and how many parameters there are."""
        first = next(self._directions())
        options = {
            "num_layers": (self.num_layers, 1),
            "bias": (self.bias, True),
            "batch_first": (self.batch_first, False),
            "dropout": (self.dropout, 0.0),
            "bidirectional": (self.bidirectional, False),
            "proj_size": (self.proj_size, 0),
            "initial_state": (first.initial_state, "zeros"),
            "recurrent_dropout": (first.recurrent_dropout, 0.0),
            "zoneout": (first.zoneout, 0.0),
        }
        said = [f"{name}={value!r}" for name, (value, usual) in options.items() if value != usual]
        sizes = [name_of(self.cell), str(self.input_size), str(self.hidden_size)]
        count = sum(parameter.numel() for parameter in self.parameters())
        return f"{', '.join([*sizes, *said])}  # {count:,} parameters"

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        """Say of weights of `torch.nn` what they are, beside that they are unexpected."""
        if f"{prefix}weight_ih_l0" in state_dict:
            others[-1].append(
                "these are weights of torch.nn.RNN, LSTM or GRU: load them there, and convert "
                "the module by rnn_core.from_torch"
            )
        super()._load_from_state_dict(state_dict, prefix, *others)

    def _read(
        self, x: object, hx: State | None, lengths: Lengths | None, *, every_state: bool
    ) -> tuple[tuple[Tensor | PackedSequence, ...], State]:
        if isinstance(x, PackedSequence):
            return self._read_packed(x, hx, lengths, every_state=every_state)
        arguments.check_input(x, self.input_size, self._weight(), self.batch_first)
        assert isinstance(x, Tensor)
        if x.dim() == 2:
            return self._read_one(x, hx, lengths, every_state=every_state)
        x = x.transpose(0, 1) if self.batch_first else x
        steps, batch = x.shape[:2]
        first = None if hx is None else self._parts(hx, (batch,))
        present = None
        if lengths is not None:
            lengths = arguments.lengths_tensor(lengths, steps, batch, x.device)
            present = presence(lengths, steps)
        every, finals = self._run(x, first, present, every_state=every_state)
        if self.batch_first:
            every = tuple(part.transpose(0, 1) for part in every)
        return every, as_state(finals)

    def _read_packed(
        self, x: PackedSequence, hx: State | None, lengths: object, *, every_state: bool
    ) -> tuple[tuple[PackedSequence, ...], State]:
        if lengths is not None:
            raise KindError("a PackedSequence has lengths of its own; leave out `lengths`")
        arguments.check_input(x.data, self.input_size, self._weight(), self.batch_first)
        batch = unpack(x)
        steps, num_sequences = batch.x.shape[:2]
        first = None
        if hx is not None:
            first = [batch.sorted(part) for part in self._parts(hx, (num_sequences,))]
        present = presence(batch.lengths.to(batch.x.device), steps)
        every, finals = self._run(batch.x, first, present, every_state=every_state)
        return (
            tuple(batch.pack(part) for part in every),
            as_state([batch.unsorted(part) for part in finals]),
        )

    def _read_one(
        self, x: Tensor, hx: State | None, lengths: object, *, every_state: bool
    ) -> tuple[tuple[Tensor, ...], State]:
        if lengths is not None:
            raise KindError("a single sequence (T, I) ends with its last step; leave out `lengths`")
        first = None if hx is None else [part.unsqueeze(1) for part in self._parts(hx, ())]
        every, finals = self._run(x.unsqueeze(1), first, None, every_state=every_state)
        one = [final.squeeze(1) for final in finals]
        return tuple(part.squeeze(1) for part in every), as_state(one)

    def step(self, x: Tensor, hx: State | None = None) -> tuple[Tensor, State]:
        """Read one step, as `forward` reads a sequence of one.

        For streaming and decoding: without gradients, a step costs about as much as that of
        `torch.nn.GRUCell`.

        Args:
            x: (B, I), or (I,) for a single sequence.
            hx: State as returned by an earlier call, (L, B, H) each, or (L, H) for a single
                sequence; None is the initial state.

        Returns:
            Outputs (B, H), or (H,), and the state after the step.

        Raises:
            ParameterError: If the layer is bidirectional, as the other direction would have to
                begin at the end; or if an argument has a wrong shape.
        """
        if len(self.reversals) > 1:
            raise ParameterError(
                "a bidirectional layer cannot read step by step: one of its directions begins at "
                "the end of the sequence; use forward, or a layer with bidirectional=False"
            )
        if not isinstance(x, Tensor) or x.dim() not in (1, 2):
            got = tuple(x.shape) if isinstance(x, Tensor) else f"a {type(x).__name__}"
            raise TensorError(
                f"x must be one step, a tensor (batch, {self.input_size}) or "
                f"({self.input_size},), not {got}"
            )
        return step_alone(self, x, hx) or self._step_by_forward(x, hx)

    def _step_by_forward(self, x: Tensor, hx: State | None) -> tuple[Tensor, State]:
        axis = 1 if self.batch_first and x.ndim == 2 else 0
        outputs, state = self(x.unsqueeze(axis), hx)
        return outputs.squeeze(axis), state

    def _run(
        self,
        x: Tensor,
        first: Sequence[Tensor] | None,
        present: Tensor | None,
        *,
        every_state: bool,
    ) -> tuple[tuple[Tensor, ...], list[Tensor]]:
        """Run all layers on (T, B, I), from states (L * D, B, H) each."""
        starts: Sequence[tuple[Tensor, ...] | None] = [None] * len(self.directions)
        if first is not None:
            starts = list(zip(*(part.unbind(0) for part in first), strict=True))
        if present is not None:
            x = torch.where(present, x, 0)  # whatever padding holds, NaN and infinity too
        finals: list[tuple[Tensor, ...]] = []
        top: tuple[Tensor, ...] = ()
        for layer in range(self.num_layers):
            if layer > 0:
                x = functional.dropout(x, self.dropout, self.training)
            every = []
            for index in range(layer * len(self.reversals), (layer + 1) * len(self.reversals)):
                of_direction, final = self.directions[index](x, starts[index], present, every_state)
                every.append(of_direction)
                finals.append(final)
            top = tuple(
                torch.cat(parts, dim=-1) if len(parts) > 1 else parts[0]
                for parts in zip(*every, strict=True)
            )
            x = top[0]
        return top, [torch.stack(parts) for parts in zip(*finals, strict=True)]

    def __prepare_scriptable__(self) -> NoReturn:
        """Refuse `torch.jit.script`, which calls this.

        Raises:
            ExportError: As it cannot compile the step of a cell, which may be any Python.
        """
        raise ExportError(
            "torch.jit.script cannot compile the step of a cell; use torch.jit.trace, torch.export "
            "or torch.onnx.export, or rnn_core.to_torch for a cell that torch.nn has"
        )

    def _parts(self, hx: object, batch: tuple[int, ...]) -> tuple[Tensor, ...]:
        """The states of `hx`, checked: (L * D, *batch, H) each."""
        direction = next(self._directions())
        shapes = [(len(self.directions), *batch, size) for size in direction.sizes]
        return arguments.state_parts(hx, self.cell.states, shapes, direction.any_weight())

    def _weight(self) -> Tensor:
        """Any weight, for its type and device."""
        return next(self._directions()).any_weight()

    def _directions(self) -> Iterator[RecurrentDirection]:
        for direction in self.directions:
            assert isinstance(direction, RecurrentDirection)
            yield direction

    def _input_sizes(self) -> list[int]:
        return [self.input_size] + [self.output_size] * (self.num_layers - 1)


def as_state(parts: Sequence[Tensor]) -> State:
    """A tuple of states, or the only one."""
    return tuple(parts) if len(parts) > 1 else parts[0]


class MakeCell(Protocol):
    """Makes the recurrent layer of a model, which knows its input and not its cell."""

    def __call__(self, input_size: int, *, bidirectional: bool = False) -> Recurrent:
        """Make a layer that reads (B, T, input_size)."""
