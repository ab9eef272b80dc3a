"""The compiler's cache: what its keys depend on, and what it does when things go wrong."""

import dataclasses
import inspect
import json
import os
import stat
import subprocess
import sys
import types
import warnings
from pathlib import Path

import pytest
import torch

from rnn_core.cells import get_cell
from rnn_core.cells.base import Cell
from rnn_core.fused import build, choice
from rnn_core.fused.build import BuildError, definition, digest, kernel_key, library

TRACER = ["rnn_core.fused.trace", "torch._dynamo", "sympy"]
"""What takes seconds to import; the last two in parts that importing PyTorch leaves out."""
RUN = """
import sys
{layer}
print(*[run_layer() for _ in range(2)])
print(*[name for name in sys.argv[1:] if name in sys.modules])
"""


def run_layer():
    """The sum of the outputs of a layer with fixed weights."""
    import torch

    from rnn_core.recurrent import Recurrent

    layer = Recurrent("rnn_tanh", 3, 4)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.arange(parameter.numel()).view_as(parameter) % 5 * 0.1 - 0.2)
    return layer(torch.arange(30.0).view(5, 2, 3) / 30)[0].sum().item()


@pytest.fixture
def truth(monkeypatch):
    """The same number by the eager loop."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATEWISE_FUSED", "0")
        return run_layer()


@pytest.fixture
def fresh(monkeypatch):
    """A process that has neither looked for a compiler, nor loaded a kernel, nor warned."""
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(build, "LIBRARIES", {})
    monkeypatch.setattr(choice, "warned", set())
    build.environment.cache_clear()
    yield
    build.environment.cache_clear()


@pytest.fixture
def cache(fresh, tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "gatewise"


def start(cache_home):
    """A process of its own that runs the layer twice and prints sums and imported modules."""
    code = RUN.format(layer=inspect.getsource(run_layer))
    command = [sys.executable, "-W", "error", "-c", code, *TRACER]
    environment = os.environ | {"XDG_CACHE_HOME": str(cache_home)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def outcome(process):
    """Its sums, and those of the tracer's modules that it has imported."""
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    sums, modules = output.splitlines()
    return [float(number) for number in sums.split()], modules.split()


def test_processes_that_compile_at_once_end_right_and_later_ones_need_no_tracer(tmp_path, truth):
    for process in [start(tmp_path) for _ in range(2)]:
        sums, modules = outcome(process)
        assert sums == pytest.approx([truth, truth], rel=1e-6)
        assert TRACER[0] in modules
    left = sorted((tmp_path / "gatewise").iterdir())
    assert [path.suffix for path in left] == [".c", ".json", ".so"]
    assert json.loads(left[1].read_text())["states"] == ["h"]
    sums, modules = outcome(start(tmp_path))
    assert sums == pytest.approx([truth, truth], rel=1e-6)
    assert modules == []


def script(path, text):
    """An executable file."""
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def only_warning(expected):
    """The one warning of two runs, whose numbers are the eager loop's."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert [run_layer(), run_layer()] == [expected, expected]
    (warning,) = caught
    assert warning.category is RuntimeWarning
    return str(warning.message)


def test_compiler_that_fails_leaves_its_log_and_the_eager_loop(cache, tmp_path, truth, monkeypatch):
    compiler = script(tmp_path / "cc", "#!/bin/sh\necho it is broken >&2\nexit 1\n")
    monkeypatch.setenv("CC", str(compiler))
    message = only_warning(truth)
    start = "RNNTanh runs in the eager loop, which is slower: the C compiler failed; see "
    assert message.startswith(start)
    log = Path(message.removeprefix(start))
    assert "it is broken" in log.read_text()
    assert str(compiler) in log.read_text()
    assert list(cache.iterdir()) == [log]


def test_compiler_that_cannot_be_run_is_named(cache, tmp_path, truth, monkeypatch):
    monkeypatch.setenv("CC", str(script(tmp_path / "cc", "no program at all")))
    assert f"the C compiler {tmp_path}/cc cannot be run: " in only_warning(truth)


def test_without_a_compiler_the_eager_loop_runs_and_says_why(cache, tmp_path, truth, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert only_warning(truth) == (
        "RNNTanh runs in the eager loop, which is slower: no C compiler (cc, gcc, clang) is on "
        "the path; install one or set CC"
    )


def test_cache_that_cannot_be_written_is_named_and_the_eager_loop_runs(
    fresh, tmp_path, truth, monkeypatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert f"the cache {tmp_path}/file/gatewise cannot be written: " in only_warning(truth)


def test_user_without_a_home_is_told_what_to_set(fresh, truth, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def homeless(self):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", homeless)
    assert "there is no home folder for the cache; set XDG_CACHE_HOME" in only_warning(truth)


BREAK = {
    "no library": lambda path: path.with_suffix(".so").unlink(),
    "half a library": lambda path: os.truncate(path.with_suffix(".so"), 9000),
    "an empty library": lambda path: os.truncate(path.with_suffix(".so"), 0),
    "no description": lambda path: path.with_suffix(".json").unlink(),
    "half a description": lambda path: os.truncate(path.with_suffix(".json"), 20),
    "a foreign description": lambda path: path.with_suffix(".json").write_text("[]"),
    "a description of another version": lambda path: path.with_suffix(".json").write_text(
        json.dumps(json.loads(path.with_suffix(".json").read_text()) | {"new": 1})
    ),
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The files of one kernel."""
    folder = tmp_path_factory.mktemp("compiled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.setattr(build, "LIBRARIES", {})
        key = kernel_key(get_cell("memoryless"), torch.float32)
    return key, {path.name: path.read_bytes() for path in (folder / "gatewise").iterdir()}


@pytest.mark.parametrize("harm", BREAK)
def test_broken_kernel_in_the_cache_is_built_again(cache, compiled, harm, monkeypatch):
    key, files = compiled
    cache.mkdir(parents=True)
    for name, content in files.items():
        (cache / name).write_bytes(content)
    BREAK[harm](cache / key)
    with pytest.raises(BuildError, match=f"no kernel {key} in {cache}|is not what was compiled"):
        library(key)
    built = []

    def place_again(cell, dtype, key):
        built.append(key)
        for name, content in files.items():
            (cache / name).write_bytes(content)

    monkeypatch.setattr(build, "build", place_again)
    assert kernel_key(get_cell("memoryless"), torch.float32) == key
    assert built == [key]
    assert library(key).interface.states == ("h",)


def test_kernel_in_the_cache_is_not_built_again(cache, compiled, monkeypatch):
    key, files = compiled
    cache.mkdir(parents=True)
    for name, content in files.items():
        (cache / name).write_bytes(content)
    monkeypatch.setattr(build, "build", lambda *arguments: pytest.fail("it is built again"))
    assert kernel_key(get_cell("memoryless"), torch.float32) == key


def test_types_without_kernels_are_named():
    with pytest.raises(BuildError, match=r"float32 and float64, not torch\.bfloat16"):
        kernel_key(get_cell("gru"), torch.bfloat16)


# What keys depend on.

FACTOR = 0.5
TABLE = {"factor": 0.5}
SETTINGS = types.SimpleNamespace(factor=0.5)
MODULE = types.ModuleType("some_module")
MODULE.FACTOR = 0.5
MODULE.scaled = lambda value: 0.5 * value


def called(value):
    return FACTOR * inner(value)


def inner(value):
    return value


class Scaler:
    """Something that a cell holds and calls."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, value):
        return self.factor * value


class Base(Cell):
    """A cell whose step depends on whatever can be changed from outside."""

    gates = ("a",)
    weights = {"u": ("H", "H"), "v": ("H", "H")}
    factor = 0.5

    def __init__(self):
        self.own = 0.5
        self.listed = [0.5]
        self.scaler = Scaler(0.5)
        self.function = lambda value: 0.5 * value
        self.tensor = torch.tensor([0.5])

    @property
    def computed(self):
        return self.own

    @staticmethod
    def static(value):
        return value

    def method(self, value):
        return self.factor * self.scaler(value) * self.computed

    def step(self, x, state, w):
        (h,) = state
        a = x.a + h @ w.u + self.static(h) @ w.v
        a = a * TABLE["factor"] * SETTINGS.factor * MODULE.FACTOR + MODULE.scaled(a)
        return (called(self.method(torch.tanh(a))),)


def key_of(cell):
    return digest(*definition(cell))


def assign(target, name, value):
    def change(cell, patch):
        patch.setattr(cell if target is None else target, name, value)

    return change


CHANGES = {
    "an attribute": assign(None, "own", 0.25),
    "a list in an attribute": lambda cell, patch: cell.listed.append(1),
    "an object in an attribute": lambda cell, patch: patch.setattr(cell.scaler, "factor", 0.25),
    "the class of an object in an attribute": assign(Scaler, "__call__", lambda self, value: value),
    "a function in an attribute": assign(None, "function", lambda value: 0.25 * value),
    "a tensor in an attribute": lambda cell, patch: cell.tensor.fill_(0.25),
    "a class attribute": assign(Base, "factor", 0.25),
    "a property": assign(Base, "computed", property(lambda self: 2 * self.own)),
    "a static method": assign(Base, "static", staticmethod(lambda value: 2 * value)),
    "a method": assign(Base, "method", lambda self, value: value),
    "the step": assign(Base, "step", lambda self, x, state, w: (torch.tanh(x.a),)),
    "a constant": assign(sys.modules[__name__], "FACTOR", 0.25),
    "a constant of a called function's kind": assign(sys.modules[__name__], "FACTOR", 1),
    "a called function": assign(sys.modules[__name__], "called", lambda value: value),
    "a function that a called one calls": assign(
        sys.modules[__name__], "inner", lambda value: 2 * value
    ),
    "an entry of a table": lambda cell, patch: patch.setitem(TABLE, "factor", 0.25),
    "a field of a global object": assign(SETTINGS, "factor", 0.25),
    "a constant of a module": assign(MODULE, "FACTOR", 0.25),
    "a function of a module": assign(MODULE, "scaled", lambda value: 0.25 * value),
    "the order of weights": assign(Base, "weights", {"v": ("H", "H"), "u": ("H", "H")}),
    "the kind of a weight": assign(Base, "weights", {"u": ("H", "H"), "v": ("H",)}),
    "the names of gates": assign(Base, "gates", ("b",)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_key_changes_with(what, monkeypatch):
    cell = Base()
    before = key_of(cell)
    assert key_of(Base()) == before
    CHANGES[what](cell, monkeypatch)
    assert key_of(cell) != before
    monkeypatch.undo()


def test_key_changes_with_a_variable_that_a_step_closes_over():
    def scaled_by(factor):
        class Closed(Cell):
            gates = ("a",)
            weights = {}

            def step(self, x, state, w):
                return (factor * x.a,)

        return Closed()

    assert key_of(scaled_by(0.5)) == key_of(scaled_by(0.5))
    assert key_of(scaled_by(0.5)) != key_of(scaled_by(0.25))


def test_key_changes_with_the_field_of_a_dataclass():
    @dataclasses.dataclass
    class Field(Cell):
        gates = ("a",)
        weights = {}
        factor: float = 0.5

        def step(self, x, state, w):
            return (self.factor * x.a,)

    assert key_of(Field()) == key_of(Field())
    assert key_of(Field()) != key_of(Field(0.25))


def test_key_of_a_cell_is_the_same_in_every_process():
    code = (
        "from rnn_core.cells import REGISTRY, get_cell\n"
        "from rnn_core.fused.build import definition, digest\n"
        "for name in REGISTRY: print(digest(*definition(get_cell(name))))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    (output,) = outputs
    assert len(set(output.split())) == len(output.split()) == 12


def test_key_changes_with_flags_compiler_and_type(cache, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "library", lambda key: None)
    cell = get_cell("gru")
    keys = [kernel_key(cell, torch.float32), kernel_key(cell, torch.float64)]
    build.environment.cache_clear()
    monkeypatch.setattr(build, "FLAGS", (*build.FLAGS, "-g"))
    keys.append(kernel_key(cell, torch.float32))
    build.environment.cache_clear()
    monkeypatch.setenv("CC", str(script(tmp_path / "cc", "#!/bin/sh\n")))
    keys.append(kernel_key(cell, torch.float32))
    build.environment.cache_clear()
    script(tmp_path / "cc", "#!/bin/sh\n# another version\n")
    keys.append(kernel_key(cell, torch.float32))
    build.environment.cache_clear()
    monkeypatch.setattr(build, "processor", lambda: "another one")
    keys.append(kernel_key(cell, torch.float32))
    build.environment.cache_clear()
    monkeypatch.setattr(build, "package_digest", lambda: "another one")
    keys.append(kernel_key(cell, torch.float32))
    build.environment.cache_clear()
    assert len(set(keys)) == len(keys) == 7
