"""Compiling generated code once, and finding it again."""

import ctypes
import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import torch

from rnn_core.cells.base import Cell

FLAGS = (
    "-O3",
    "-march=native",
    "-std=gnu11",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fPIC",
    "-shared",
    "-w",
)
PRECISIONS = {torch.float32: ("float", 1), torch.float64: ("double", 0)}


class BuildError(Exception):
    """Why a cell has no kernel, in one line."""


@dataclass(frozen=True)
class Interface:
    """What a caller has to know of a kernel.

    Attributes:
        forward: Names of the arguments of `forward`.
        backward: Names of the arguments of `backward`.
        saved_rows: Numbers that the forward pass keeps, per hidden unit.
        saved_columns: Numbers that it keeps per sequence.
        states: The cell's states.
        weights: Its recurrent weights.
    """

    forward: tuple[str, ...]
    backward: tuple[str, ...]
    saved_rows: int
    saved_columns: int
    states: tuple[str, ...]
    weights: tuple[str, ...]


class Library:
    """A compiled kernel.

    Args:
        path: The shared object.
        interface: How to call it.
    """

    def __init__(self, path: Path, interface: Interface) -> None:
        self.interface = interface
        library = ctypes.CDLL(str(path))
        self.functions: dict[str, Any] = {}
        for name in ("forward", "backward", "forward_workspace", "backward_workspace"):
            function = library[name]
            function.restype = ctypes.c_longlong if "workspace" in name else None
            self.functions[name] = function

    def call(self, name: str, values: Mapping[str, int]) -> int:
        """Call a function with arguments by name; what is missing is 0."""
        names = getattr(self.interface, name.removesuffix("_workspace"))
        numbers = (ctypes.c_longlong * len(names))(*(values.get(n, 0) for n in names))
        result: int = self.functions[name](numbers)
        return result


LIBRARIES: dict[str, Library] = {}
"""Kernels that this process has loaded, by key."""


def library(key: str) -> Library:
    """A kernel by its key: loaded before, or from the cache.

    Raises:
        BuildError: If it is in neither.
    """
    if key not in LIBRARIES:
        path = cache_folder() / f"{key}.so"
        try:
            content = json.loads(path.with_suffix(".json").read_text())
            LIBRARIES[key] = Library(path, interface_from(content))
        except (OSError, ValueError) as error:
            raise BuildError(f"no kernel {key} in {path.parent}: {error}") from error
    return LIBRARIES[key]


def interface_from(content: Mapping[str, Any]) -> Interface:
    """An interface from JSON."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
    return Interface(**values)


def kernel_key(cell: Cell, dtype: torch.dtype) -> str:
    """The key of a cell's kernel; if it is in the cache, nothing need be traced.

    Raises:
        BuildError: If there is no compiler or no kernel for the type.
    """
    if dtype not in PRECISIONS:
        raise BuildError(f"kernels are for float32 and float64, not {dtype}")
    key = digest(*definition(cell), str(dtype), *environment())
    if not (cache_folder() / f"{key}.json").exists():
        build(cell, dtype, key)
    library(key)
    return key


def digest(*parts: str) -> str:
    """A short name for all of these together."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def definition(cell: Cell) -> Iterator[str]:
    """What a cell computes: its declarations, its attributes, and its code with what that calls."""
    yield repr((cell.gates, cell.states, sorted(cell.weights.items()), sorted(vars(cell).items())))
    seen: set[int] = set()
    for base in type(cell).__mro__:
        if base not in (Cell, *Cell.__mro__):
            for value in vars(base).values():
                yield from code_of(getattr(value, "__func__", value), seen)


def code_of(value: object, seen: set[int]) -> Iterator[str]:
    """The compiled code of a function, and of the functions and constants that it names."""
    if not isinstance(value, FunctionType) or id(value) in seen:
        return
    seen.add(id(value))
    if (value.__module__ or "").partition(".")[0] == "torch":
        return
    yield repr((value.__defaults__, value.__kwdefaults__))
    for code in codes(value.__code__):
        yield code.co_code.hex()
        yield repr([c for c in code.co_consts if not isinstance(c, CodeType)])
        yield repr((code.co_names, code.co_varnames))
        for name in code.co_names:
            used = value.__globals__.get(name)
            yield from code_of(used, seen)
            if isinstance(used, bool | int | float | str | tuple):
                yield f"{name} = {used!r}"
    for cell in value.__closure__ or ():
        yield from code_of(cell.cell_contents, seen)
        if not isinstance(cell.cell_contents, FunctionType | type):
            yield repr(cell.cell_contents)


def codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code and that of the functions inside of it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


@cache
def environment() -> tuple[str, ...]:
    """All else that the compiled code depends on."""
    compiler = find_compiler()
    stamp = Path(compiler).resolve().stat()
    return (
        torch.__version__,
        platform.python_version(),
        f"{compiler} {stamp.st_size} {stamp.st_mtime_ns}",
        " ".join(FLAGS),
        processor(),
        package_digest(),
    )


def package_digest() -> str:
    """The version of the compiler package: a digest of its files."""
    folder = Path(__file__).parent
    files = sorted([*folder.glob("*.py"), *folder.glob("*.c")])
    return digest(*(file.read_text() for file in files))


def processor() -> str:
    """The processor, whose instructions -march=native uses."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    first = [line for line in lines if line.startswith(("model name", "flags", "Features"))]
    return "\n".join(first[:2])


def find_compiler() -> str:
    """The system's C compiler: $CC, cc, gcc or clang.

    Raises:
        BuildError: If there is none.
    """
    for name in (os.environ.get("CC"), "cc", "gcc", "clang"):
        path = shutil.which(name) if name else None
        if path:
            return path
    raise BuildError("no C compiler (cc, gcc, clang) is on the path; install one or set CC")


def cache_folder() -> Path:
    """Where kernels are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "gatewise"


def build(cell: Cell, dtype: torch.dtype, key: str) -> None:
    """Trace a cell, generate its code, and compile it into the cache.

    Several processes may do so at once: each works in a folder of its own, and the last
    rename puts the same content in place.

    Raises:
        BuildError: If the cell cannot be traced or the code not be compiled.
    """
    # The tracer takes a second to import; a kernel from the cache never needs it.
    from rnn_core.fused.emit_c import emit, kernel_text  # noqa: PLC0415
    from rnn_core.fused.passes import optimised  # noqa: PLC0415
    from rnn_core.fused.schedule import scheduled  # noqa: PLC0415
    from rnn_core.fused.trace import UnsupportedError, trace  # noqa: PLC0415

    try:
        kernel = scheduled(optimised(trace(cell)))
    except UnsupportedError as error:
        raise BuildError(str(error)) from error
    source = emit(kernel)
    name, single = PRECISIONS[dtype]
    text = f"#define REAL {name}\n#define SINGLE {single}\n{kernel_text()}\n{source.code}"
    interface = Interface(
        source.forward,
        source.backward,
        len(kernel.saved_rows),
        len(kernel.saved_columns),
        kernel.form.states,
        tuple(kernel.form.weights),
    )
    place(key, text, json.dumps(asdict(interface)))


def place(key: str, text: str, interface: str) -> None:
    """Compile a source and put the result into the cache, the description last."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as name:
            work = Path(name)
            (work / "kernel.c").write_text(text)
            (work / "kernel.json").write_text(interface)
            compile_source(work, folder / f"{key}.log")
            for suffix in ("c", "so", "json"):
                (work / f"kernel.{suffix}").replace(folder / f"{key}.{suffix}")
    except OSError as error:
        raise BuildError(f"the cache {folder} cannot be written: {error}") from error


def compile_source(work: Path, log: Path) -> None:
    """Compile kernel.c in a folder, with OpenMP if the compiler has it.

    Raises:
        BuildError: If the compiler fails, with the path of its log.
    """
    command = [find_compiler(), *FLAGS, str(work / "kernel.c"), "-o", str(work / "kernel.so")]
    attempts = [[*command, "-fopenmp", *openmp_runtime(), "-lm"], [*command, "-lm"]]
    outputs = []
    for attempt in attempts:
        done = subprocess.run(attempt, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        outputs.append(f"{' '.join(attempt)}\n{done.stdout}{done.stderr}")
    log.write_text("\n".join(outputs))
    raise BuildError(f"the C compiler failed; see {log}")


def openmp_runtime() -> list[str]:
    """The runtime that PyTorch has loaded: a second one would compete for the same cores."""
    libraries = (Path(torch.__file__).parent / "lib").glob("libgomp*.so*")
    return [str(path) for path in libraries][:1]
