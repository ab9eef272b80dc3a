"""Compiling the form of a cell once, and finding its kernel again."""

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from struct import Struct
from typing import Any

import torch

from rnn_core import cache as files
from rnn_core.cache import CacheError
from rnn_core.compiler.cpu.command import NO_COMPILER, compiler_command
from rnn_core.compiler.cpu.emit import emit, kernel_text
from rnn_core.compiler.cpu.step import emit_step
from rnn_core.compiler.follow import verify_schedule
from rnn_core.compiler.inspection.aside import is_aside
from rnn_core.compiler.packing import PackedError, unpack
from rnn_core.compiler.passes import plainly_named
from rnn_core.compiler.schedule import Kernel, scheduled
from rnn_core.compiler.verify import UnverifiedError

FLAGS = (
    "-O3",
    "-march=native",
    "-mprefer-vector-width=512",
    "-std=gnu11",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fPIC",
    "-shared",
    "-w",
)
SIZES = ("T", "B", "I", "H", "threads", "block")
"""Arguments that say how much scratch memory a kernel needs."""

PRECISIONS = {torch.float32: ("float", 1), torch.float64: ("double", 0)}


class BuildError(Exception):
    """Why a cell has no kernel, in one line.

    Args:
        reason: The line.
        passing: Whether it may go well the next time, all else being the same.
    """

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing


LOCKS: dict[int, "threading.RLock"] = {}
"""The lock of a process, by its number: a fork may be made while a thread holds that lock."""


def building() -> AbstractContextManager[Any]:
    """Let one thread at a time read, trace and compile.

    PyTorch's tracer is not made for several threads, and what one thread builds others find.
    """
    if is_aside():  # whoever waits for this thread holds the lock
        return nullcontext()
    lock: AbstractContextManager[Any] = LOCKS.setdefault(os.getpid(), threading.RLock())
    return lock


@dataclass(frozen=True)
class Interface:
    """Interface of a kernel, for its callers.

    Attributes:
        forward: Names of the arguments of `forward`.
        backward: Names of the arguments of `backward`.
        step: Names of the arguments of `step`.
        saved_rows: Numbers that the forward pass keeps, per hidden unit.
        saved_columns: Numbers that it keeps per sequence.
        states: The cell's states.
        weights: Its recurrent weights.
        given: What its step reads besides gates.
    """

    forward: tuple[str, ...]
    backward: tuple[str, ...]
    step: tuple[str, ...]
    saved_rows: int
    saved_columns: int
    states: tuple[str, ...]
    weights: tuple[str, ...]
    given: tuple[str, ...]


class Library:
    """A compiled kernel.

    Args:
        path: The shared object.
        interface: How to call it.
    """

    def __init__(self, path: str, interface: Interface) -> None:
        self.interface = interface
        library = ctypes.CDLL(path)
        self.functions: dict[str, Any] = {}
        for name in ("forward", "backward", "forward_workspace", "backward_workspace"):
            function = library[name]
            function.restype = ctypes.c_longlong if "workspace" in name else None
            self.functions[name] = function
        self.one_step = library["step"]
        self.one_step.argtypes = [ctypes.c_char_p]
        self.wanted: dict[tuple[int, int], list[tuple[object, ...]]] = {}
        self.step_arguments = Struct(f"{len(interface.step)}q")
        self.workspaces: dict[tuple[object, ...], int] = {}

    def call(self, name: str, values: Mapping[str, int]) -> int:
        """Call a function with arguments by name; what is missing is 0."""
        names = getattr(self.interface, name.removesuffix("_workspace"))
        numbers = (ctypes.c_longlong * len(names))(*[values.get(n, 0) for n in names])
        result: int = self.functions[name](numbers)
        return result

    def step(self, values: Sequence[int]) -> None:
        """Call `step` with its arguments in order.

        Raises:
            MemoryError: If there is no memory for its intermediate results.
        """
        if self.one_step(self.step_arguments.pack(*values)):
            raise MemoryError("a step of a cell finds no memory for its intermediate results")

    def workspace(self, direction: str, values: Mapping[str, int]) -> int:
        """Elements of scratch memory that a direction needs; asked once for the same sizes."""
        sizes = (direction, *[values[name] for name in SIZES])
        if sizes not in self.workspaces:
            self.workspaces[sizes] = self.call(f"{direction}_workspace", values)
        return self.workspaces[sizes]


LIBRARIES: dict[tuple[str, torch.dtype], Library] = {}
"""Kernels that this process has loaded, by packed form and type."""


def library(form: str, dtype: torch.dtype) -> Library:
    """The kernel of a form: loaded before, from the cache, or compiled now.

    Args:
        form: The form, as `packing.pack` writes it.
        dtype: Type of all tensors.

    Raises:
        BuildError: If there is no kernel for the type, or none can be compiled.
    """
    found = LIBRARIES.get((form, dtype))
    if found is not None:
        return found
    check_type(dtype)
    with building():
        if (form, dtype) not in LIBRARIES:
            LIBRARIES[form, dtype] = loaded(form, dtype)
        return LIBRARIES[form, dtype]


def check_type(dtype: torch.dtype) -> None:
    """Find out whether there are kernels for a type.

    Raises:
        BuildError: If there are none.
    """
    if dtype not in PRECISIONS:
        raise BuildError(f"kernels are for float32 and float64, not {dtype}")


def loaded(form: str, dtype: torch.dtype) -> Library:
    """A kernel from the cache, where it is put if it is not there."""
    kernel = kernel_from(form)
    interface = interface_of(form)
    name = digest("kernel", form, str(dtype), *environment()) + ".so"
    try:
        found = files.load(name, lambda _, path: Library(path, interface))
        if found is None:
            files.write(name, compiled(code_of(kernel, dtype), name))
            found = files.load(name, lambda _, path: Library(path, interface))
    except (OSError, AttributeError, CacheError) as error:
        raise BuildError(str(error)) from error
    if found is None:
        raise BuildError(f"the kernel {name} was changed while it was put into the cache")
    return found


@cache
def kernel_from(form: str) -> Kernel:
    """A packed form, scheduled.

    Raises:
        BuildError: If it is none.
    """
    try:
        return verify_schedule(scheduled(plainly_named(unpack(form))))
    except (PackedError, UnverifiedError) as error:
        raise BuildError(f"the form of the cell cannot be used: {error}") from error


@cache
def interface_of(form: str) -> Interface:
    """Interface of the kernel of a packed form, compiled or not."""
    kernel = kernel_from(form)
    source = emit(kernel)
    return Interface(
        source.forward,
        source.backward,
        emit_step(kernel).arguments,
        len(kernel.saved_rows),
        len(kernel.saved_columns),
        kernel.form.states,
        tuple(kernel.form.weights),
        kernel.form.given,
    )


def code_of(kernel: Kernel, dtype: torch.dtype) -> str:
    """All that is compiled for a cell: over time both ways, and one step alone."""
    return whole_text(emit(kernel).code + emit_step(kernel).code, dtype)


def whole_text(code: str, dtype: torch.dtype) -> str:
    """The type and the hand-written part before code that rests on them."""
    name, single = PRECISIONS[dtype]
    return f"#define REAL {name}\n#define SINGLE {single}\n{kernel_text()}\n{code}"


def digest(*parts: str) -> str:
    """A short name for all of these together."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


@cache
def environment() -> tuple[str, ...]:
    """Settings that a compiled kernel depends on besides its form."""
    stamps = []
    for part in find_compiler():
        file = shutil.which(part)  # of `ccache gcc`, both are programs
        status = Path(file).resolve().stat() if file else None
        stamps.append(f"{part} {status and (status.st_size, status.st_mtime_ns)}")
    return (torch.__version__, *stamps, " ".join(FLAGS), processor(), package_digest())


@cache
def package_digest() -> str:
    """The version of the compiler package: a digest of its files."""
    folder = Path(__file__).parents[1]
    sources = sorted([*folder.rglob("*.py"), *folder.rglob("*.c")])
    return digest(*(file.read_text(encoding="utf-8") for file in sources))


def processor() -> str:
    """The processor, whose instructions -march=native uses."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    first = [line for line in lines if line.startswith(("model name", "flags", "Features"))]
    return "\n".join(first[:2])


def find_compiler() -> tuple[str, ...]:
    """The command of the system's C compiler.

    Raises:
        BuildError: If there is none.
    """
    found = compiler_command()
    if found is None:
        raise BuildError(f"{NO_COMPILER}; install one or set CC")
    return found


def compiled(text: str, name: str) -> bytes:
    """The shared object of a source, with OpenMP if the compiler has it.

    Args:
        text: C.
        name: Of the file that it is for; a failure's log has the same name.

    Raises:
        BuildError: If the compiler fails, with the path of its log.
    """
    with tempfile.TemporaryDirectory(prefix="gatewise-") as folder:
        source, result = Path(folder, "kernel.c"), Path(folder, "kernel.so")
        source.write_text(text, encoding="utf-8")
        command = [*find_compiler(), *FLAGS, str(source), "-o", str(result)]
        attempts = [[*command, "-fopenmp", *openmp_runtime(), "-lm"], [*command, "-lm"]]
        outputs = []
        for attempt in attempts:
            done = run_compiler(attempt)
            outputs.append(f"{shlex.join(attempt)}\n{done.stdout}{done.stderr}")
            if done.returncode == 0 and result.exists():
                return result.read_bytes()
    log = files.write(Path(name).with_suffix(".log").name, "\n".join(outputs).encode())
    problem = "failed" if done.returncode else "reported success and wrote no kernel"
    raise BuildError(
        f"the C compiler {shlex.join(find_compiler())} {problem}; see {log}",
        passing=done.returncode < 0,  # it was killed, perhaps for lack of memory
    )


def run_compiler(command: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run the compiler.

    Raises:
        BuildError: If it cannot be run.
    """
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BuildError(f"the C compiler {command[0]} cannot be run: {error}") from error


def openmp_runtime() -> list[str]:
    """The runtime that PyTorch has loaded: a second one would compete for the same cores."""
    libraries = (Path(torch.__file__).parent / "lib").glob("libgomp*.so*")
    return [str(path) for path in libraries][:1]
