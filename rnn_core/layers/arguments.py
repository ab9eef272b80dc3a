"""Check the arguments of a recurrent layer; errors use the names and shapes of the call.

Shapes: T time steps, B sequences, I input features, H hidden size, L layers, D directions.
"""

from collections.abc import Sequence
from numbers import Integral
from typing import TypeVar, get_args

import torch
from torch import Tensor

from rnn_core.compiler.inspection.declarations import are_sizes_known, number
from rnn_core.compiler.torch_internals import has_autocast, is_wrapped
from rnn_core.errors import KindError, ParameterError, TensorError, unknown


def whole(name: str, value: object, least: int = 1) -> int:
    """A size.

    Raises:
        ParameterError: If it is no whole number, or less than `least`.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise KindError(f"{name} must be a whole number, not {value!r}")
    if value < least:
        raise ParameterError(f"{name} must be at least {least}, not {value}")
    return int(value)


def share(name: str, value: object, *, with_one: bool = False) -> float:
    """A share of something, in [0, 1), or up to 1 `with_one`.

    Raises:
        ParameterError: If it is no number, or not in that range.
    """
    found = number(name, value)
    if not 0 <= found <= 1 or (found == 1 and not with_one):
        raise ParameterError(f"{name} must be in [0, 1{']' if with_one else ')'}, not {value}")
    return found


def flag(name: str, value: object) -> bool:
    """Yes or no.

    Raises:
        ParameterError: If it is neither.
    """
    if not isinstance(value, bool):
        raise KindError(f"{name} must be True or False, not {value!r}")
    return value


def one_of(name: str, value: object, choices: object) -> None:
    """Check a choice between names.

    Args:
        name: What is chosen.
        value: The choice.
        choices: A `Literal` of all names.

    Raises:
        ParameterError: If there is no such choice.
    """
    if value not in get_args(choices):
        raise ParameterError(unknown(name, str(value), get_args(choices)))


Part = TypeVar("Part")


def instance(name: str, value: object, kind: type[Part]) -> Part:
    """An object that is made by a class.

    Raises:
        KindError: If it has another class.
    """
    if not isinstance(value, kind):
        text = repr(value)
        given = type(value).__name__ if "\n" in text else text
        raise KindError(f"{name} must be made by {kind.__name__}(...), not {given}")
    return value


def check_type(dtype: object) -> None:
    """Check the type that weights are to have.

    Raises:
        ParameterError: If it is no type of PyTorch's, or that of whole numbers.
    """
    if dtype is not None and not isinstance(dtype, torch.dtype):
        raise KindError(f"dtype must be a torch.dtype, such as torch.float32, not {dtype!r}")
    if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
        raise ParameterError(f"dtype must be of floating point, not {dtype}")


def check_input(x: object, input_size: int, like: Tensor, batch_first: bool) -> None:
    """Check the input of a layer.

    Args:
        x: What the layer is to read.
        input_size: I.
        like: A weight of the layer.
        batch_first: Whether the layer reads (B, T, I).

    Raises:
        ParameterError: If it is no tensor (T, B, I) or (T, I) of the layer's type and device,
            or has no step.
    """
    tensor = input_tensor(x, like, batch_first)
    if are_sizes_known() and tensor.shape[-1] != input_size:
        raise TensorError(
            f"input must have input_size = {input_size} features in its last dimension, "
            f"not {tensor.shape[-1]}: {tuple(tensor.shape)}"
        )
    check_steps(tensor, batch_first)


def input_tensor(x: object, like: Tensor, batch_first: bool) -> Tensor:
    """The input of a layer, if its kind and dimensions fit; its sizes are not read.

    Raises:
        ParameterError: If it is no tensor of 2 or 3 dimensions of the layer's type and device.
    """
    layout = "(B, T, I)" if batch_first else "(T, B, I)"
    if not isinstance(x, Tensor):
        raise KindError(
            f"input must be a tensor {layout} or (T, I), or a PackedSequence, "
            f"not {type(x).__name__}"
        )
    check_kind("input", x, like)
    if x.dim() not in (2, 3):
        raise TensorError(
            f"input must be {layout}, or (T, I) for one sequence, not {x.dim()}-D: {tuple(x.shape)}"
        )
    return x


def check_steps(x: Tensor, batch_first: bool) -> None:
    """Check that an input has a step.

    Raises:
        TensorError: If it has none.
    """
    if are_sizes_known() and x.shape[1 if batch_first and x.dim() == 3 else 0] == 0:
        raise TensorError("a sequence must have at least one step; input has none")


def check_kind(name: str, tensor: Tensor, like: Tensor) -> None:
    """Check type and device of a tensor; under autocast, which converts it, the device alone.

    Raises:
        ParameterError: If they are not the weights', or the tensor is not dense.
    """
    if tensor.is_nested:
        raise TensorError(
            f"{name} must be a dense tensor, not a nested one: use "
            "torch.nn.utils.rnn.pack_sequence, or pad it and give lengths"
        )
    if tensor.layout is not torch.strided:
        layout = str(tensor.layout).removeprefix("torch.")
        raise TensorError(f"{name} must be a dense tensor, not {layout}: convert it by .to_dense()")
    if tensor.dtype is not like.dtype and not has_autocast():
        raise TensorError(wrong_type(name, tensor, like))
    if tensor.device != like.device:
        raise TensorError(
            f"{name} is on {tensor.device} and the weights are on {like.device}: "
            f"move one of them by .to(...)"
        )


def wrong_type(name: str, tensor: Tensor, like: Tensor) -> str:
    """The message about a tensor of another type than the weights."""
    if tensor.is_floating_point() or tensor.is_complex():
        return (
            f"{name} is {named_type(tensor)} and the weights are {named_type(like)}: "
            f"convert the one by .to({like.dtype}), or the layer by .to({tensor.dtype})"
        )
    wanted = f"{name} must be {named_type(like)}, as the weights are, not {named_type(tensor)}"
    if name != "input":
        return wanted
    return f"{wanted}; numbers that stand for something want an nn.Embedding"


def named_type(tensor: Tensor) -> str:
    """A tensor's type without "torch."."""
    return str(tensor.dtype).removeprefix("torch.")


def state_parts(
    hx: object, names: Sequence[str], shapes: Sequence[tuple[int, ...]], like: Tensor
) -> tuple[Tensor, ...]:
    """The states that a layer starts from.

    Args:
        hx: A tensor, or a tuple of one for each state.
        names: Names of the cell's states.
        shapes: What shape each has to have, (L * D, B, H) or (L * D, H).
        like: A weight of the layer.

    Raises:
        ParameterError: If these are not tensors of the right number, shapes, type and device.
    """
    wanted = f"hx must be {described(names, shapes)}"
    if isinstance(hx, Tensor):
        hx = (hx,)
    if not isinstance(hx, tuple | list) or not all(isinstance(part, Tensor) for part in hx):
        raise KindError(f"{wanted}, not {kinds(hx)}")
    if len(hx) != len(names):
        given = "one tensor" if len(hx) == 1 else f"{len(hx)} tensors"
        raise TensorError(f"{wanted}, not {given}")
    for name, part, shape in zip(names, hx, shapes, strict=True):
        check_kind("hx" if len(names) == 1 else f"{name} of hx", part, like)
        if are_sizes_known() and part.shape != shape:
            got = ", ".join(str(tuple(part.shape)) for part in hx)
            raise TensorError(f"{wanted}, not {got}: {what_differs(part.shape, shape, name)}")
    return tuple(hx)


def described(names: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> str:
    """Describe the states of a cell, for messages."""
    if len(names) == 1:
        return f"a tensor {tuple(shapes[0])}"
    parts = ", ".join(f"{name} {tuple(shape)}" for name, shape in zip(names, shapes, strict=True))
    return f"a tuple of {len(names)} tensors, {parts}"


def kinds(value: object) -> str:
    """Describe a value, for messages."""
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {', '.join(type(part).__name__ for part in value)}"
    return type(value).__name__


def what_differs(got: Sequence[int], wanted: Sequence[int], name: str) -> str:
    """Describe the first dimension of a state that does not fit, for messages."""
    if len(got) != len(wanted):
        batched, other = ("3-D", "2-D") if len(wanted) == 3 else ("2-D", "3-D")
        dimensions = "several sequences" if len(wanted) == 3 else "a single sequence"
        return f"the input is {dimensions}, for which {name} is {batched} and not {other}"
    meaning = ("num_layers times directions", *(("batch",) if len(wanted) == 3 else ()), "size")
    place = next(i for i, (a, b) in enumerate(zip(got, wanted, strict=True)) if a != b)
    return f"{meaning[place]} is {wanted[place]} here, not {got[place]}"


def lengths_tensor(lengths: object, steps: int, batch: int, device: torch.device) -> Tensor:
    """The lengths of a batch's sequences, int64 (B,) on a device.

    Their values are looked at where that is free: on the CPU, outside of a compiler and `vmap`.
    On a GPU, to look would wait for all that runs there; elsewhere there are no values yet.

    Args:
        lengths: A tensor or a sequence of whole numbers; floating ones must have no fraction.
        steps: T.
        batch: B.
        device: Where the input is.

    Raises:
        ParameterError: If they are not B whole numbers between 0 and T.
    """
    try:
        found = lengths if isinstance(lengths, Tensor) else torch.as_tensor(lengths)
    except (TypeError, ValueError, RuntimeError) as error:
        raise KindError(f"lengths must be whole numbers, (B,), not {lengths!r}") from error
    if found.dtype is torch.bool or found.is_complex():
        raise KindError(f"lengths must be whole numbers, (B,), not {named_type(found)}")
    if are_sizes_known():
        if found.shape != (batch,):
            raise TensorError(
                f"lengths must hold one number for each of the {batch} sequences, "
                f"({batch},), not {tuple(found.shape)}"
            )
        if has_values(found):
            check_lengths(found, steps)
    return found.to(device, torch.int64)


def has_values(tensor: Tensor) -> bool:
    """Return whether the numbers of a tensor can be read now, and without waiting for a GPU."""
    if torch.compiler.is_compiling() or type(tensor) is not Tensor:
        return False
    return tensor.device.type == "cpu" and not is_wrapped(tensor)


def check_lengths(lengths: Tensor, steps: int) -> None:
    """Check the values of lengths.

    Raises:
        ParameterError: If one is no whole number between 0 and T.
    """
    values = lengths.tolist()
    wrong = next((n for n in values if not 0 <= n <= steps or n != int(n)), None)
    if wrong is not None:
        raise ParameterError(
            f"lengths must be whole numbers from 0 to {steps}, the steps of the input; "
            f"sequence {values.index(wrong)} has {wrong}"
        )
