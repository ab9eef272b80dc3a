"""The feed-forward network, as a cell that forgets everything."""

from torch import Tensor, tanh

from rnn_core.cells.base import Cell, Fields


class Memoryless(Cell):
    """A hidden layer without recurrence: the floor that shows what memory is worth.

    Equation, with x_t of size I and h_t of size H:
        h_t = tanh(W x_t + b)

    It has no recurrent weights; its state is its last output and is never read.

    Use it to see what memory is worth: whatever another cell scores beyond it comes from
    earlier steps.

    Reference:
        The feed-forward network of Rumelhart, Hinton and Williams, "Learning
        representations by back-propagating errors", Nature 323 (1986),
        doi:10.1038/323533a0.
    """

    gates = ("h",)
    weights = {}

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        return (tanh(x.h),)
