"""Internals of PyTorch that the layer relies on; no other module names any.

PyTorch promises nothing for them. The versions below were tested. With another one, or where
something is gone, `check_known` raises, and cells run in the eager loop, which does without; what
the layer asks all the same then has a safe answer.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pkgutil import resolve_name
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

TESTED = ((2, 13), (2, 16))
"""The first version that the layer was tested with, and the first after it that it was not."""

Function = TypeVar("Function", bound=Callable[..., Any])

lacking: list[str] = []
"""Reasons not to rely on this PyTorch."""


class LackingError(Exception):
    """This PyTorch's insides are not those that are known."""


def check_known() -> None:
    """Refuse a PyTorch whose insides are not known.

    Raises:
        LackingError: If they are not; says why.
    """
    if lacking:
        raise LackingError(lacking[0])


def check_version() -> None:
    """Note it where the layer was not tested with this version."""
    major, minor = torch.__version__.split(".")[:2]
    first, after = (".".join(map(str, version)) for version in TESTED)
    if not TESTED[0] <= (int(major), int(minor)) < TESTED[1]:
        lacking.append(f"its kernels know PyTorch {first} to {after}, not {torch.__version__}")


def inside(place: str, instead: Any = None) -> Any:
    """Something of PyTorch, or what is to stand for it where it is not there.

    Args:
        place: Its module and name, as "torch._C:_has_storage".
        instead: What is to stand for it.
    """
    try:
        return resolve_name(place)
    except (ImportError, AttributeError):
        lacking.append(f"PyTorch {torch.__version__} has no {place.replace(':', '.')}")
        return instead


def needed(place: str) -> Any:
    """Something whose module takes long to import, when it is needed.

    Raises:
        LackingError: If it is not there.
    """
    found = inside(place)
    check_known()
    return found


def no(*_arguments: object) -> bool:
    """The answer where nobody can be asked."""
    return False


def yes(*_arguments: object) -> bool:
    """The other answer."""
    return True


check_version()

# What goes on around the layer.
is_jit_tracing: Callable[[], object] = inside("torch._C:_get_tracing_state", no)
has_transform: Callable[[], object] = inside("torch._C:_are_functorch_transforms_active", no)
top_transform: Callable[[], object] = inside("torch._C._functorch:peek_interpreter_stack", no)
num_modes: Callable[[], int] = inside("torch._C:_len_torch_dispatch_stack", no)
num_overrides: Callable[[], int] = inside("torch._C:_len_torch_function_stack", no)
has_global_hook: Callable[[], bool] = inside("torch.nn.modules.module:_has_any_global_hook", no)
has_autocast: Callable[[], bool] = inside("torch._C:_is_any_autocast_enabled", yes)
modes: Callable[[], Iterable[object]] = inside(
    "torch.utils._python_dispatch:_get_current_dispatch_mode_stack", tuple
)
without_modes: Callable[[], AbstractContextManager[object]] = inside(
    "torch.utils._python_dispatch:_disable_current_modes", nullcontext
)
inside("torch.autograd.forward_ad:_current_level")

# What a tensor is.
is_wrapped: Callable[[Tensor], bool] = inside(
    "torch._C._functorch:is_functorch_wrapped_tensor", yes
)
has_storage: Callable[[Tensor], bool] = inside("torch._C:_has_storage", no)
is_zero: Callable[[Tensor], bool] = inside("torch:Tensor._is_zerotensor", no)
inside("torch:Tensor._version")

# What a module holds.
lacking.extend(
    f"modules of PyTorch {torch.__version__} have no {name}"
    for name in ("_modules", "_parameters", "_forward_hooks", "_forward_pre_hooks")
    if not hasattr(nn.Module(), name)
)

# What a graph is made of.
pytree: Any = inside("torch.utils:_pytree")
Overload: Any = inside("torch._ops:OpOverload", type(None))
OverloadPacket: Any = inside("torch._ops:OpOverloadPacket", type(None))

CUDNNS: Mapping[str, Callable[..., Any]] = {
    "rnn_tanh": inside("torch._VF:rnn_tanh"),
    "rnn_relu": inside("torch._VF:rnn_relu"),
    "lstm": inside("torch._VF:lstm"),
    "gru_reset_after": inside("torch._VF:gru"),
}
"""PyTorch's functions by the registered cells that cuDNN has; gates have the same order."""


def version_of(tensor: Tensor) -> int:
    """Number of changes of a tensor in place; autograd asks it too."""
    return tensor._version


def modules_in(module: nn.Module) -> dict[str, Any]:
    """The modules that a module holds, without the search that an attribute costs."""
    return module._modules


def parameters_in(module: nn.Module) -> dict[str, Any]:
    """The parameters that a module holds, as they lie there."""
    return module._parameters


def has_hooks(module: nn.Module) -> bool:
    """Return whether calls of a module do more than its `forward`; hooks may change weights."""
    return bool(module._forward_pre_hooks or module._forward_hooks)


def forward_level() -> int:
    """Number of nested forward-mode derivatives here, less one."""
    return int(getattr(forward_ad, "_current_level", -1))


def is_counted() -> bool:
    """Return whether PyTorch's counter of operations looks on, which sees none inside of a kernel.

    It is not imported for that: it would import Triton.
    """
    if torch.compiler.is_compiling() or not num_modes():
        return False
    counter = getattr(sys.modules.get("torch.utils.flop_counter"), "_FlopCounterMode", None)
    return counter is not None and any(isinstance(mode, counter) for mode in modes())


def constant_result(function: Function) -> Function:
    """Import the compiler, and apply `torch.compiler.assume_constant_result`.

    That takes two seconds, and most processes compile nothing.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function


def decompositions(more: Sequence[Any]) -> dict[Any, Any]:
    """PyTorch's decompositions of operations: those that it names itself, and more.

    Raises:
        LackingError: If it does not say.
    """
    core, some = (
        needed(f"torch._decomp:{name}")
        for name in ("core_aten_decompositions", "get_decompositions")
    )
    return dict(core()) | dict(some(more))


def scan_operator() -> Any:
    """The operator that `torch.onnx.export` makes a Scan of.

    It belongs to PyTorch's compiler, which nothing but an export needs. Not its `scan`, which
    hands the step to that compiler: this may fix sizes that are to stay free.

    Raises:
        LackingError: If there is none.
    """
    return needed("torch._higher_order_ops.scan:scan_op")


def tracer() -> Any:
    """`make_fx`, which follows a function through symbolic sizes.

    Raises:
        LackingError: If it is not there.
    """
    return needed("torch.fx.experimental.proxy_tensor:make_fx")
