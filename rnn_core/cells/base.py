"""Declarations of a recurrent cell; loops, layers and devices are elsewhere."""

from abc import ABC, abstractmethod
from collections import namedtuple
from collections.abc import Mapping
from functools import cache
from math import prod
from typing import Any, ClassVar, TypeAlias

from torch import Generator, Tensor

Fields: TypeAlias = Any
"""A namespace of tensors with one attribute per declared name."""


@cache
def named(fields: tuple[str, ...]) -> Any:
    """The tuple type with these fields, by which a cell's `step` reads its tensors."""
    return namedtuple("named", fields)


class Cell(ABC):
    """One time step of a recurrent network.

    A subclass declares its gates, weights and states, and writes `step` as its paper
    does. Initialisation, counting and the time loop read the declarations. B is the
    batch size, H the hidden size.

    Attributes:
        gates: Names of the rows of the stacked input projection `W x_t + b`. The
            projection is computed for all time steps at once, outside of `step`.
        given: Names of what `step` also reads from `x` besides gates: tensors that come
            ready-made, such as the random masks of zoneout, and have no gradient. A layer makes
            those of zoneout only, and refuses a cell that declares others.
        weights: Shape of every recurrent weight, (), ("H",) or ("H", "H"). A matrix is applied
            from the right: `h @ w.name`. Names are free, here and above, as long as Python takes
            them.
        states: Names of the states carried from step to step; the first one is the
            cell's output.
        memory_gates: Gates that decide how much of the state is kept: 1 if an open gate
            keeps it, -1 if it replaces it. Their biases start on the side of keeping.
        opposite_gates: Gates that let in what another one, named here, makes room for.
        weight_start: Vector weights that start at another number than zero.
        biases: Weights that are biases, which a layer without biases leaves out: 0 takes their
            place.
        together: States that mean something only together, such as a number and its scale: a unit
            that skips a step by `zoneout` keeps all of them or none.
        projectable: Whether the output may be projected to fewer features (`proj_size` of a
            layer): `step` reads the first state in products by matrices alone, and every matrix
            is applied to it.
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_answers",
    )  # what it runs on: `compiler.running.search`

    gates: ClassVar[tuple[str, ...]]
    given: ClassVar[tuple[str, ...]] = ()
    weights: ClassVar[Mapping[str, tuple[str, ...]]]
    states: ClassVar[tuple[str, ...]] = ("h",)
    memory_gates: ClassVar[Mapping[str, int]] = {}
    opposite_gates: ClassVar[Mapping[str, str]] = {}
    weight_start: ClassVar[Mapping[str, float]] = {}
    biases: ClassVar[tuple[str, ...]] = ()
    together: ClassVar[tuple[str, ...]] = ()
    projectable: ClassVar[bool] = False

    @abstractmethod
    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        """Advance by one time step.

        Args:
            x: Projected input of this step, one (B, H) tensor per gate; what is given.
            state: Previous states, each (B, H), in the order of `states`.
            w: Recurrent weights, shaped as declared in `weights`.

        Returns:
            The new states, each (B, H); the first is the output.
        """

    def log_coefficients(self, x: Fields) -> tuple[Tensor, Tensor] | None:
        """Coefficients of a scan over all steps at once, for a cell that can be computed so.

        A cell whose step is h_t = a_t * h_{t-1} + b_t, where a and b are positive and do
        not depend on the state, may return their logarithms; no loop needs them.

        Args:
            x: Projected input of all steps, one (T, B, H) tensor per gate.

        Returns:
            log a and log b, (T, B, H) each; None if the step is not of that kind.
        """
        return None

    def vector_start(self, hidden_size: int, generator: Generator | None) -> Mapping[str, Tensor]:
        """The vector weights that start at random, as drawn by the cell's paper, (H,) each.

        Args:
            hidden_size: H.
            generator: Source of randomness, on whose device they are drawn; the global one if
                None.
        """
        return {}

    def shape(self, weight: str, hidden_size: int) -> tuple[int, ...]:
        """Shape of a recurrent weight at a given hidden size.

        Your own cell may give other shapes than `weights` can say, such as (H, 2) and
        (2, H); it then runs in the eager loop.

        Args:
            weight: Its name in `weights`.
            hidden_size: H.
        """
        return (hidden_size,) * len(self.weights[weight])

    def recurrent_parameters(self, hidden_size: int) -> int:
        """Number of recurrent weights of one layer in one direction.

        Args:
            hidden_size: H.
        """
        return sum(prod(self.shape(name, hidden_size)) for name in self.weights)

    def multiply_accumulates(self, input_size: int, hidden_size: int) -> int:
        """Multiply-accumulates of the matrix products of one step for one sequence.

        Args:
            input_size: I.
            hidden_size: H.
        """
        products = (self.shape(name, hidden_size) for name in self.weights)
        recurrent = sum(prod(shape) for shape in products if len(shape) == 2)
        return len(self.gates) * input_size * hidden_size + recurrent
