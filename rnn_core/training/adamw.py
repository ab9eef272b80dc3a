"""Adam with decoupled weight decay, on PyTorch's own kernel for it."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

BETAS = (0.9, 0.999)
EPSILON = 1e-8


class AdamW:
    """AdamW (arXiv:1711.05101v3), with the numbers of `torch.optim.AdamW(fused=True)`.

    That class imports PyTorch's compiler at its first step, which takes seconds in each of
    the many short processes of a study; the function below it does not.

    Args:
        parameters: What is trained.
        learning_rate: The step size; may be changed between steps.
        weight_decay: Share of the weights, times the learning rate, that a step takes off.

    Attributes:
        learning_rate: As above.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float
    ) -> None:
        self.parameters = list(parameters)
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.steps = [torch.zeros((), device=p.device) for p in self.parameters]

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        moved = [i for i, parameter in enumerate(self.parameters) if parameter.grad is not None]
        adamw(
            [self.parameters[i] for i in moved],
            [gradient for p in self.parameters if (gradient := p.grad) is not None],
            [self.means[i] for i in moved],
            [self.squares[i] for i in moved],
            [],
            [self.steps[i] for i in moved],
            fused=True,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            eps=EPSILON,
            maximize=False,
        )

    def state(self) -> dict[str, Tensor]:
        """All that the next step depends on, beside the parameters."""
        parts = {"mean": self.means, "square": self.squares, "step": self.steps}
        return {f"{name}/{i}": t for name, ts in parts.items() for i, t in enumerate(ts)}

    @torch.no_grad()
    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go back to a state."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])
