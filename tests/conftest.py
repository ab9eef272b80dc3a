"""Numerics in tests are float64 and deterministic; a seed is drawn by nobody."""

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from tempfile import mkdtemp
from typing import Any

# There is no GPU, and Triton asks when it is imported, as by what follows.
os.environ["TRITON_INTERPRET"] = "1"

import pytest
import torch
from depth import leave_out
from torch import Tensor, nn

from flows.system.bound import collect_seldom
from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.recurrent import Recurrent

LONGEST = (
    "test_chain",
    "test_readme",
    "test_own_data",
    "test_promotion",
    "test_promotion_by_hand",
    "test_interruption",
    "test_prefect",
    "test_following",
    "test_projection",
    "test_registration",
    "test_cluster",
    "test_wheel",
    "test_object_store",
    "test_postgresql",
    "test_mended",
    "test_edited",
    "test_process",
    "test_export",
    "test_report",
    "test_recurrence_needed",
    "test_code_covers",
    "test_code",
    "test_triton",
    "test_architecture",
    "test_onnx",
)
"""Files that take half a minute or more, from the longest."""


def pytest_configure() -> None:
    """Prepare the import of large libraries: variables that they read, and little collection."""
    collect_seldom()
    os.environ["PREFECT_HOME"] = mkdtemp(prefix="prefect-")  # it makes this folder
    os.environ["KERAS_BACKEND"] = "torch"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, and begin with the files that take longest.

    So all processes end at about the same time.
    """
    leave_out(config, items)
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


def pytest_collection_finish() -> None:
    """Let the garbage collector ignore thousands of tests and the modules that they import."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Remove what Prefect made."""
    shutil.rmtree(os.environ.pop("PREFECT_HOME"), ignore_errors=True)


@pytest.fixture(autouse=True)
def numerics(request: pytest.FixtureRequest) -> Iterator[None]:
    """Make sloppy numerics fail."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def float64() -> None:
    """Let tensors be float64 unless they say otherwise."""
    torch.set_default_dtype(torch.float64)


class InOnnx:
    """A layer in onnxruntime, exported for any number of steps and sequences."""

    def __init__(self, layer: Recurrent, *, state: bool = False, lengths: bool = False) -> None:
        import onnxruntime

        self.layer, self.with_state, self.with_lengths = layer, state, lengths
        any_size = torch.export.Dim.DYNAMIC
        states = tuple({1: any_size} for _ in layer.cell.states)
        program = torch.onnx.export(
            layer,
            kwargs=self.inputs(steps=4, batch=3),
            dynamo=True,
            dynamic_shapes={"input": {0: any_size, 1: any_size}}
            | ({"hx": states if len(states) > 1 else states[0]} if state else {})
            | ({"lengths": {0: any_size}} if lengths else {}),
            verbose=False,
        )
        assert program is not None
        self.graph = program.model_proto.graph
        self.session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())

    def inputs(self, steps: int, batch: int) -> dict[str, Any]:
        """Random inputs; one sequence is empty if there are lengths."""
        layer, kind = self.layer, next(self.layer.parameters()).dtype
        x = torch.randn(steps, batch, layer.input_size, dtype=kind)
        given: dict[str, Any] = {"input": x.transpose(0, 1) if layer.batch_first else x}
        if self.with_state:
            shape = len(layer.directions), batch, layer.hidden_size
            states = tuple(torch.randn(shape, dtype=kind) for _ in layer.cell.states)
            given["hx"] = states if len(states) > 1 else states[0]
        if self.with_lengths:
            given["lengths"] = torch.arange(batch) % (steps + 1)
        return given

    def operators(self) -> set[str]:
        """Operators in the graph that carries a state over time."""
        return {node.op_type for node in self.graph.node} & {"RNN", "GRU", "LSTM", "Scan", "Loop"}

    def difference(self, steps: int, batch: int) -> float:
        """The largest one to the eager loop in double precision, as a share of what is put out."""
        given = self.inputs(steps, batch)
        flat = torch.utils._pytree.tree_leaves(given)
        feed = {i.name: t.numpy() for i, t in zip(self.session.get_inputs(), flat, strict=True)}
        outputs = [torch.from_numpy(array) for array in self.session.run(None, feed)]
        double = torch.utils._pytree.tree_map_only(
            Tensor, lambda t: t.double() if t.is_floating_point() else t, given
        )
        with eager_only(), torch.no_grad():
            expected = torch.utils._pytree.tree_leaves(deepcopy(self.layer).double()(**double))
        assert [t.shape for t in outputs] == [t.shape for t in expected]
        largest = max(1.0, *(float(b.abs().max()) for b in expected))
        apart = (float((a - b).abs().max()) for a, b in zip(outputs, expected, strict=True))
        return max(apart) / largest


@pytest.fixture
def in_onnx() -> Callable[..., InOnnx]:
    """Exports a layer, whose weights are made asymmetric, to onnxruntime."""

    def export(layer: Recurrent, *, std: float = 0.7, **given: bool) -> InOnnx:
        for parameter in layer.parameters():
            nn.init.normal_(parameter, std=std)
        return InOnnx(layer.eval(), **given)

    return export
