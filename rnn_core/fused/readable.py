"""Which tensors a kernel can be handed: it gets an address, and reads the numbers that are there.

Not every tensor has its numbers in memory as they are: some stand for many (`vmap`), carry a
second number along with each (forward differentiation), are to be read with the other sign, or
are zeros that nobody wrote down.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

PLAIN = (Tensor, nn.Parameter)
"""The types of tensors that nobody gave a meaning of their own."""


def are_readable(tensors: Iterable[Tensor], like: Tensor) -> bool:
    """Whether the numbers of all tensors stand in memory, on the device and in the type of one."""
    if is_transformed():
        return False
    kind = like.dtype, like.device
    if any((tensor.dtype, tensor.device) != kind for tensor in tensors):
        return False
    return not any(is_special(tensor) for tensor in tensors)


def is_transformed() -> bool:
    """Whether a transform of `torch.func` is at work, such as `vmap`.

    Then autograd's functions need rules that ours lack, whatever they are called with.
    """
    return bool(torch._C._are_functorch_transforms_active())


def is_special(tensor: Tensor) -> bool:
    """Whether a tensor's memory, if it has any, says less than the tensor.

    A compiler cannot ask; its operators are handed nothing special.
    """
    return not torch.compiler.is_compiling() and (
        stands_for_others(tensor) or tensor.is_neg() or tensor._is_zerotensor()
    )


def stands_for_others(tensor: Tensor) -> bool:
    """Whether a tensor is a batch of others, or one with its tangent, or otherwise no memory."""
    return not torch._C._has_storage(tensor) or has_tangent(tensor)


def has_tangent(tensor: Tensor) -> bool:
    """Whether a tensor is being differentiated forward, by `torch.autograd.forward_ad`."""
    return forward_ad.unpack_dual(tensor).tangent is not None


def are_plain(tensors: Iterable[Tensor]) -> bool:
    """Whether no tensor is of a subclass, which may have no memory and a meaning of its own."""
    return all(type(tensor) in PLAIN for tensor in tensors)


def in_memory(gradients: Sequence[Tensor | None]) -> list[Tensor | None]:
    """The same gradients, written down; None for zeros that take no memory."""
    return [None if g is None or g._is_zerotensor() else written(g) for g in gradients]


def written(gradient: Tensor) -> Tensor:
    """A gradient as numbers in memory: dense and of its own sign."""
    dense = gradient if gradient.layout is torch.strided else gradient.to_dense()
    return dense.resolve_neg()
