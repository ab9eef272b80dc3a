"""The recurrent weights of a layer in one direction, under the names that its cell gives them."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from rnn_core.errors import KindError, ParameterError, unknown


class Weights(nn.Module):
    """Parameters by name, whatever the names are.

    Attributes of a module, `nn.ParameterDict` too, cannot be called `update`, `half` or `type`,
    since it has methods of these names. A weight can.

    A weight is read again at each call of the module, which is also what hooks of
    `torch.nn.utils.prune` and the like wait for.

    Args:
        weights: The weights in the order of the cell; None for one that is left out.
    """

    def __init__(self, weights: Mapping[str, Tensor | None]) -> None:
        super().__init__()
        self._names = tuple(weights)
        for name, weight in weights.items():
            self._parameters[name] = None if weight is None else nn.Parameter(weight)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; the mode of a module, though a weight may have its name."""
        if name == "training":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def __getitem__(self, name: str) -> Tensor:
        """A weight, or what a parametrization makes of it."""
        weight = self._read(name)
        if weight is None:
            known = ", ".join(self)
            raise KeyError(f"there is no recurrent weight {name!r}; known: {known}")
        return weight

    def __setitem__(self, name: str, weight: nn.Parameter) -> None:
        """Put another parameter in the place of a weight, such as one of another layer.

        Raises:
            ParameterError: If it is no parameter, or of another shape.
        """
        if name not in self._names:
            raise ParameterError(unknown("recurrent weight", name, self._names))
        if not isinstance(weight, nn.Parameter):
            raise KindError(f"{name} must be an nn.Parameter, not {type(weight).__name__}")
        known = self._parameters.get(name)
        if known is not None and known.shape != weight.shape:
            raise ParameterError(f"{name} is {tuple(known.shape)}, not {tuple(weight.shape)}")
        self._parameters[name] = weight

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._names if self._read(name) is not None)

    def __contains__(self, name: object) -> bool:
        return any(name == known for known in self)

    def items(self) -> Iterator[tuple[str, Tensor]]:
        """Names and weights."""
        return ((name, self[name]) for name in self)

    def values(self) -> Iterator[Tensor]:
        """The weights."""
        return (self[name] for name in self)

    def forward(self) -> list[Tensor | None]:
        """All weights in the order of the cell; None for one that is left out."""
        return [self._read(name) for name in self._names]

    def extra_repr(self) -> str:
        """Names and shapes."""
        return ", ".join(f"{name}: {tuple(weight.shape)}" for name, weight in self.items())

    def _read(self, name: str) -> Tensor | None:
        if name in self._parameters:
            return self._parameters[name]
        # `torch.nn.utils` moves a parameter elsewhere and leaves a property in its place.
        moved: Tensor | None = getattr(self, name, None) if name in self._names else None
        return moved
