"""Generated Triton programs: found or made, and launched."""

import linecache
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from rnn_core.compiler.cpu.build import BuildError, building, digest, kernel_from

ROWS = 16
"""Sequences of a program; a product of blocks wants no fewer."""

TILES = {512: 16}
"""Rows of a matrix that a product reads at a time, by padded hidden size; 32 where not here."""

WARPS = {16: 4, 32: 4, 512: 16}
"""Warps of a program, by padded hidden size; 8 where it is not here.

With these, the GRU and the LSTM compiled for an H100 spill no registers up to H = 128 and little
beyond; how fast they are is not measured.
"""

MOST_HIDDEN = 512
"""Beyond this, the values of a step no longer fit into the registers of a program."""

MOST_RESIDENT = 48 * 1024
"""Bytes of matrices, padded, that a program keeps beside it over all steps."""

PRECISIONS = {torch.float32: "float32", torch.float64: "float64"}


@dataclass(frozen=True)
class Programs:
    """The programs of a cell.

    Attributes:
        forward: The step over time.
        backward: Its derivative.
        interface: See `emit_triton.Interface`.
    """

    forward: Any
    backward: Any
    interface: Any


LOADED: dict[str, Programs] = {}
"""Programs that this process has made, by packed form."""


def programs(key: str, dtype: torch.dtype = torch.float32) -> Programs:
    """The programs of a form.

    Args:
        key: The packed form.
        dtype: Any; programs learn it when they are launched.

    Raises:
        BuildError: If there is no Triton, or no program for the form.
    """
    if key not in LOADED:
        with building():
            if key not in LOADED:
                LOADED[key] = generated(key)
    return LOADED[key]


def generated(key: str) -> Programs:
    """Generate the programs of a form, which takes milliseconds, and so is not kept in files.

    Raises:
        BuildError: If there is no Triton, or no program for the form.
    """
    check_triton()
    from rnn_core.compiler.gpu.emit import CannotEmitError, emit  # noqa: PLC0415

    try:
        code, interface = emit(kernel_from(key))
    except CannotEmitError as error:
        raise BuildError(str(error)) from error
    # Triton asks for the source of a function, which is found by the name of its file.
    file = f"<gatewise {digest(key)}>"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    module = ModuleType(f"gatewise_{digest(key)}")
    exec(compile(code, file, "exec"), vars(module))  # noqa: S102 - of a form that was checked
    return Programs(module.forward, module.backward, interface)


def check_triton() -> None:
    """Find out whether Triton is there.

    Raises:
        BuildError: If it is not installed.
    """
    try:
        import triton  # noqa: F401, PLC0415
    except ImportError as error:
        raise BuildError(f"Triton cannot be imported: {error}") from error


def launch(
    program: Any,
    x: Tensor,
    hidden: int,
    num_matrices: int,
    present: Tensor | None,
    values: Mapping[str, Any],
) -> None:
    """Run a program over all blocks of sequences.

    Args:
        program: One direction of a cell.
        x: Anything of shape (T, B, ...), type and device of the values.
        hidden: H.
        num_matrices: How many matrices it multiplies by.
        present: See `run_forward`.
        values: Further arguments by name.
    """
    import triton.language as tl  # noqa: PLC0415

    steps, batch = x.shape[:2]
    padded = max(ROWS, 1 << (hidden - 1).bit_length())
    constants = {
        "H": hidden,
        "P": padded,
        "ROWS": ROWS,
        "TILE": min(TILES.get(padded, 32), padded),
        "REAL": getattr(tl, PRECISIONS[x.dtype]),
        "MASKED": present is not None,
        "RESIDENT": num_matrices * padded**2 * x.element_size() <= MOST_RESIDENT,
    }
    mask = x if present is None else present.contiguous().view(torch.uint8)
    # Pipelining would read the scratch memory of a step before the step has written it.
    options = {"num_warps": WARPS.get(padded, 8), "num_stages": 1}
    with torch.cuda.device_of(x):
        program[blocks(batch),](T=steps, B=batch, present=mask, **values, **constants, **options)


def blocks(batch: int) -> int:
    """Number of programs that run side by side."""
    return -(-batch // ROWS)


def named_tensors(
    prefix: str, names: Sequence[str], tensors: Sequence[Tensor]
) -> dict[str, Tensor]:
    """Arguments of a program: one dense tensor for each name."""
    pairs = zip(names, tensors, strict=True)
    return {f"{prefix}_{name}": tensor.contiguous() for name, tensor in pairs}


def weight_arguments(
    interface: Any, weights: Sequence[Tensor], matrices: Sequence[tuple[str, str]]
) -> dict[str, Tensor]:
    """Arguments for the vectors, and for the matrices as they are multiplied by."""
    from rnn_core.compiler.gpu.emit import matrix_name  # noqa: PLC0415

    by_name = dict(zip(interface.weights, weights, strict=True))
    values = {f"weight_{name}": by_name[name].contiguous() for name in interface.vectors}
    for name, mark in matrices:
        matrix = by_name[name].t() if mark else by_name[name]
        values[matrix_name(name, mark)] = matrix.contiguous()
    return values
