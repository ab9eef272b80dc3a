"""Description of a model's inputs and outputs, for use without Python."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, runtime_checkable

from rnn_core.layers.recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class Port:
    """One tensor that a model reads or writes.

    Attributes:
        name: In the exported graph.
        meaning: What it is, in a phrase.
        shape: Sizes; a word where any size will do, the same for all ports of a model.
        below: It holds int64 from 0 to below this; None: float32.
        counts: It holds int64 from 1 to the size of this name; None: it does not.
    """

    name: str
    meaning: str
    shape: tuple[int | str, ...]
    below: int | None = None
    counts: str | None = None

    @property
    def kind(self) -> str:
        """The type of its numbers."""
        return "float32" if self.below is None and self.counts is None else "int64"


Given: TypeAlias = Port | tuple[Port, ...]
"""An argument of `forward`: a tensor or a tuple of them."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """All ports of a model.

    Attributes:
        inputs: Arguments of the model's `forward`, in its order.
        outputs: What it returns, without the nesting.
        apart: Parts of an answer that the model does not compute.
        notes: What a reader of the ports needs beside them, each plain JSON.
    """

    inputs: tuple[Given, ...]
    outputs: tuple[Port, ...]
    apart: str
    notes: Mapping[str, Any] = field(default_factory=dict)

    def flat_inputs(self) -> Iterator[Port]:
        """The inputs without the nesting."""
        for given in self.inputs:
            yield from given if isinstance(given, tuple) else (given,)


@runtime_checkable
class HasPorts(Protocol):
    """A model that can be exported."""

    def ports(self) -> Ports:
        """Inputs and outputs."""


@dataclass(frozen=True, kw_only=True)
class StatePorts:
    """The ports of a recurrent layer's state.

    Attributes:
        first: Its argument.
        last: What it returns.
        notes: See `Ports`.
    """

    first: Given
    last: tuple[Port, ...]
    notes: Mapping[str, Any]


def state_ports(layer: Recurrent) -> StatePorts:
    """The ports of a layer's state; there is one more state if the cell has one more."""
    shape = (len(layer.directions), "batch", layer.hidden_size)
    starts = {
        f"gatewise.start_{state}": [
            d.get_parameter("start")[place].tolist() for d in layer.directions
        ]
        for place, state in enumerate(layer.cell.states)
        if hasattr(layer.directions[0], "start")
    }
    beginning = "what gatewise.start_{} says" if starts else "0"
    first = tuple(
        Port(
            name=f"first_{state}",
            meaning=f"state before the first step; to begin, {beginning.format(state)}",
            shape=shape,
        )
        for state in layer.cell.states
    )
    last = tuple(
        Port(name=f"last_{state}", meaning="state after the last step, to go on from", shape=shape)
        for state in layer.cell.states
    )
    return StatePorts(first=first if len(first) > 1 else first[0], last=last, notes=starts)
