"""A model as an ONNX file, which is written only after it has given the model's own numbers."""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rnn_core.compiler.torch_internals import pytree
from rnn_core.errors import ParameterError, StudyError
from rnn_core.files import write_bytes
from rnn_core.models.ports import Given, HasPorts, Port, Ports

PACKAGES = ("onnx", "onnxruntime", "onnxscript")
TOLERANCE = 1e-5
"""The largest difference to the model, in units of its largest output or of 1 if that is more."""

TRIED = (2, 1, 5)
"""First size of any kind in each try; the next kinds are larger, each by 2."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """An exported model.

    Attributes:
        ports: What the file reads and writes.
        difference: The largest between the file in onnxruntime and the model.
        tries: How many random inputs that was seen with, of different sizes.
    """

    ports: Ports
    difference: float
    tries: int


def export_onnx(model: nn.Module, file: Path, metadata: Mapping[str, Any]) -> Exported:
    """Write a model as an ONNX file, for any batch and length.

    Args:
        model: On the CPU and in evaluation mode, with `ports`.
        file: Where to; it is there only if onnxruntime computes what the model does.
        metadata: What to note in the file, each as JSON.

    Raises:
        ParameterError: If the packages for it are not installed, or the model has no ports.
        StudyError: If onnxruntime computes something else.
    """
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise ParameterError(
            f"writing ONNX needs {', '.join(missing)}; in a clone of Gatewise: "
            "pip install '.[onnx]'"
        )
    if not isinstance(model, HasPorts):
        raise ParameterError(f"{type(model).__name__} does not say what goes into it: add `ports`")
    ports = model.ports()
    content = onnx_bytes(model, ports, metadata)
    difference, largest = compare(model, ports, content)
    if not difference <= TOLERANCE * max(1.0, largest):
        raise StudyError(
            f"{file} was not written: in onnxruntime the outputs differ from the model's by "
            f"{difference:.1e}, where they reach {largest:.1e}"
        )
    write_bytes(file, content)
    return Exported(ports=ports, difference=difference, tries=len(TRIED))


def onnx_bytes(model: nn.Module, ports: Ports, metadata: Mapping[str, Any]) -> bytes:
    """The content of an ONNX file."""
    with quiet():
        program = torch.onnx.export(
            model,
            example(ports, TRIED[0]),
            dynamo=True,
            input_names=[port.name for port in ports.flat_inputs()],
            output_names=[port.name for port in ports.outputs],
            dynamic_shapes=pytree.tree_map(free_sizes, ports.inputs),
            verbose=False,
        )
    assert program is not None
    proto = program.model_proto
    values = (*proto.graph.input, *proto.graph.output)
    for value, port in zip(values, (*ports.flat_inputs(), *ports.outputs), strict=True):
        value.doc_string = port.meaning
    for name, content in (*metadata.items(), *ports.notes.items()):
        proto.metadata_props.add(key=name, value=json.dumps(content))
    written: bytes = proto.SerializeToString()
    return written


def free_sizes(port: Port) -> dict[int, str]:
    """The dimensions of a port that may have any size, and their names."""
    return {place: size for place, size in enumerate(port.shape) if isinstance(size, str)}


def example(ports: Ports, smallest: int) -> tuple[Any, ...]:
    """Random arguments for a model.

    Args:
        ports: Of the model.
        smallest: The first free size; the others are larger, so that none is taken for another.
    """
    names = {size: None for port in ports.flat_inputs() for size in free_sizes(port).values()}
    sizes = dict(zip(names, count(smallest, 2), strict=False))
    generator = torch.Generator().manual_seed(smallest)

    def drawn(port: Port) -> Tensor:
        shape = [size if isinstance(size, int) else sizes[size] for size in port.shape]
        if port.kind == "float32":
            return torch.randn(shape, generator=generator)
        low, high = (0, port.below) if port.counts is None else (1, sizes[port.counts] + 1)
        assert high is not None
        return torch.randint(low, high, shape, generator=generator)

    arguments: tuple[Given, ...] = pytree.tree_map(drawn, ports.inputs)
    return arguments


def compare(model: nn.Module, ports: Ports, content: bytes) -> tuple[float, float]:
    """The largest difference between onnxruntime and a model, and the model's largest output."""
    import onnxruntime  # noqa: PLC0415 - belongs to an extra

    session = onnxruntime.InferenceSession(content)
    names = [port.name for port in ports.flat_inputs()]
    difference, largest = torch.zeros((), dtype=torch.float64), 0.0
    for smallest in TRIED:
        arguments = example(ports, smallest)
        with torch.inference_mode():
            ours = pytree.tree_leaves(model(*arguments))
        given = [leaf.numpy() for leaf in pytree.tree_leaves(arguments)]
        theirs = session.run(None, dict(zip(names, given, strict=True)))
        for a, b in zip(ours, theirs, strict=True):
            # `torch.maximum` keeps a NaN, which is to be a difference.
            worst = (a.double() - torch.from_numpy(b).double()).abs().max()
            difference = torch.maximum(difference, worst)
            largest = max(largest, float(a.abs().max()))
    return float(difference), largest


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to itself what the exporter says of PyTorch's own modules and of its optimiser."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.filterwarnings("ignore", "# The axis name")  # its names are as given
            yield
    finally:
        logging.disable(before)
