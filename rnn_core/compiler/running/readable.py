"""Check that a kernel can read a tensor: it gets an address, and reads the numbers that are there.

Not every tensor has its numbers in memory as they are: some stand for many (`vmap`), carry a
second number along with each (forward differentiation), are to be read with the other sign, or
are zeros that nobody wrote down.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from rnn_core.compiler.torch_internals import (
    forward_level,
    has_storage,
    has_transform,
    is_zero,
    num_modes,
)

PLAIN = (Tensor, nn.Parameter)
"""The types of tensors that nobody gave a meaning of their own."""


def are_readable(tensors: Sequence[Tensor], mask: Tensor | None) -> bool:
    """Return whether the numbers of all tensors are in memory, on one device and in one type.

    Args:
        tensors: The tensors.
        mask: One more, whose type may be another.
    """
    dtype, device = tensors[0].dtype, tensors[0].device
    everything = tensors if mask is None else (*tensors, mask)
    if any(tensor.dtype is not dtype for tensor in tensors):
        return False
    if is_transformed() or any(tensor.device != device for tensor in everything):
        return False
    # A compiler cannot ask; what it makes of a kernel's operator is handed nothing special.
    return torch.compiler.is_compiling() or not any(map(is_special, everything))


def is_transformed() -> bool:
    """Return whether a transform of `torch.func` is at work, such as `vmap`.

    Then autograd's functions need rules that ours lack, whatever they are called with.
    """
    return bool(has_transform())


def is_special(tensor: Tensor) -> bool:
    """Return whether a tensor's memory, if it has any, says less than the tensor."""
    return stands_for_others(tensor) or tensor.is_neg() or is_zero(tensor)


def stands_for_others(tensor: Tensor) -> bool:
    """Return whether a tensor has no single memory: a batch, one with a tangent, or sparse."""
    if forward_level() >= 0 and forward_ad.unpack_dual(tensor).tangent is not None:
        return True
    return not has_storage(tensor)


def are_operations_seen() -> bool:
    """Return whether a compiler or a dispatch mode, such as a tracer, has to see each operation.

    What a kernel does outside of an operator would be missing from what they record.
    """
    return torch.compiler.is_compiling() or num_modes() > 0


def is_differentiable(tensors: Iterable[Tensor]) -> bool:
    """Return whether autograd will ask for the derivative of what is computed of tensors.

    Inside of `torch.inference_mode` it never does, not even where gradients are enabled.
    """
    if not torch.is_grad_enabled():
        return False
    # `torch.compile` cannot ask, and compiles nothing for inference mode that needs a gradient.
    if not torch.compiler.is_compiling() and torch.is_inference_mode_enabled():
        return False
    return any(tensor.requires_grad for tensor in tensors)


def are_plain(tensors: Iterable[Tensor]) -> bool:
    """Return whether no tensor has a subclass, which may have no memory or another meaning."""
    return all(type(tensor) in PLAIN for tensor in tensors)


def in_memory(gradients: Sequence[Tensor | None]) -> list[Tensor | None]:
    """The same gradients, written down; None for zeros that take no memory."""
    return [None if g is None or is_zero(g) else written(g) for g in gradients]


def written(gradient: Tensor) -> Tensor:
    """A gradient as numbers in memory: dense and of its own sign."""
    dense = gradient if gradient.layout is torch.strided else gradient.to_dense()
    return dense.resolve_neg()
