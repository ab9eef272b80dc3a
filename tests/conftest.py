"""Numerics in tests are float64 and deterministic; a seed is drawn by nobody."""

import gc
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from copy import deepcopy
from tempfile import mkdtemp
from typing import Any

# There is no GPU, and Triton asks when it is imported, as by what follows.
os.environ["TRITON_INTERPRET"] = "1"

import pytest
import torch
from torch import Tensor, nn

from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.recurrent import Recurrent

LONGEST = (
    "test_chain",
    "test_readme",
    "test_own_data",
    "test_promotion",
    "test_interruption",
    "test_prefect",
    "test_projection",
    "test_cluster",
    "test_wheel",
    "test_process",
    "test_export",
    "test_report",
    "test_code_covers",
    "test_code",
    "test_inspection",
    "test_triton",
    "test_architecture",
    "test_onnx",
)
"""Files that take half a minute or more, from the longest."""


def pytest_configure() -> None:
    """Set the variables that libraries read when they are imported, which makes little garbage."""
    gc.set_threshold(50_000)
    os.environ["PREFECT_HOME"] = mkdtemp(prefix="prefect-")  # it makes this folder
    os.environ["KERAS_BACKEND"] = "torch"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long and adds little, and begin with the files that take longest.

    All processes then end at about the same time. `GATEWISE_TEST_ALL` leaves out nothing, nor does
    a test that is asked for by its name.
    """
    named = any("::" in argument for argument in config.args) or config.getoption("keyword")
    if not named and "GATEWISE_TEST_ALL" not in os.environ:
        left_out = left_out_of(items)
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


def left_out_of(items: list[pytest.Item]) -> set[pytest.Item]:
    """Find the tests that are left out.

    They are those marked `thorough`, and of those marked `one_in(n)` all but every n-th diagonal.

    A combination lies on a diagonal by the sum of the places of its values, where a value's place
    is after those of its `parametrize` that came before. So each value of each is run, if it meets
    n values of the others.
    """
    places: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    found = set()
    for item in items:
        if item.get_closest_marker("thorough"):
            found.add(item)
        mark, given = item.get_closest_marker("one_in"), getattr(item, "callspec", None)
        if mark is None or given is None:
            continue
        place = 0
        for names in (str(each.args[0]) for each in item.iter_markers("parametrize")):
            known = places[item.nodeid.partition("[")[0], names]
            value = repr(
                [value for name, value in given.params.items() if name in re.findall(r"\w+", names)]
            )
            place += known.setdefault(value, len(known))
        if place % mark.args[0]:
            found.add(item)
    return found


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over ten thousand tests and the modules that they import."""
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
