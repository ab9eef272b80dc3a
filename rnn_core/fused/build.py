"""Compiling generated code once, and finding it again."""

import ctypes
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from struct import Struct
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor

from rnn_core.cells.base import Cell

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
    """Why a cell has no kernel, in one line."""


@dataclass(frozen=True)
class Interface:
    """What a caller has to know of a kernel.

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

    def __init__(self, path: Path, interface: Interface) -> None:
        self.interface = interface
        library = ctypes.CDLL(str(path))
        self.functions: dict[str, Any] = {}
        for name in ("forward", "backward", "forward_workspace", "backward_workspace"):
            function = library[name]
            function.restype = ctypes.c_longlong if "workspace" in name else None
            self.functions[name] = function
        self.one_step = library["step"]
        self.one_step.argtypes = [ctypes.c_char_p]
        self.wanted: dict[tuple[int, int], list[tuple[tuple[int, ...], bool]]] = {}
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
            if content.pop("digest") != file_digest(path):
                raise BuildError(f"{path} is not what was compiled")  # to load it could kill us
            LIBRARIES[key] = Library(path, interface_from(content))
        except (OSError, ValueError, LookupError, AttributeError, TypeError) as error:
            raise BuildError(f"no kernel {key} in {path.parent}: {error}") from error
    return LIBRARIES[key]


def file_digest(path: Path) -> str:
    """A digest of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


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
    try:
        library(key)
    except BuildError:  # it is not there yet, or what is there is broken
        build(cell, dtype, key)
        library(key)
    return key


def digest(*parts: str) -> str:
    """A short name for all of these together."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def definition(cell: Cell) -> Iterator[str]:
    """What a cell computes: its declarations, its attributes, and its code with what that calls."""
    yield repr((cell.gates, cell.given, cell.states, list(cell.weights.items())))
    seen: dict[int, object] = {}
    yield from described(vars(cell), seen)
    for base in type(cell).__mro__:
        if base not in Cell.__mro__:
            yield from members(base, seen)


def described(value: object, seen: dict[int, object]) -> Iterator[str]:
    """A value as text that is the same in every process: functions as code, all else as data.

    Args:
        value: The value.
        seen: By identity what has been described; it is kept alive, lest another takes its place.
    """
    if isinstance(value, bool | int | float | complex | str | bytes | None):
        yield repr(value)
        return
    if id(value) in seen:
        return
    seen[id(value)] = value
    yield type(value).__qualname__
    if isinstance(value, FunctionType):
        yield from code_of(value, seen)
    elif isinstance(value, type):
        yield from members(value, seen)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield repr(key)
            yield from described(item, seen)
    elif isinstance(value, Tensor):
        yield repr((value.dtype, value.tolist()))
    elif isinstance(value, Cell):
        yield from definition(value)
    else:
        for part in parts(value):
            yield from described(part, seen)


def parts(value: object) -> Iterable[object]:
    """What an object is made of."""
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    if isinstance(value, partial):
        return value.func, value.args, value.keywords
    for inner in ("fget", "__func__", "__wrapped__"):  # of a property, a method, a decorator
        if hasattr(value, inner):
            return getattr(value, inner), getattr(value, "__self__", None)
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if name is not None:
        return (name,)
    return (type(value), vars(value)) if hasattr(value, "__dict__") else (repr(value),)


def members(kind: type, seen: dict[int, object]) -> Iterator[str]:
    """The functions and data of a class; a library's goes by its name."""
    yield f"{kind.__module__}.{kind.__qualname__}"
    if is_library(kind.__module__):
        return
    for name, value in vars(kind).items():
        if isinstance(value, FunctionType) or not name.startswith("_"):
            yield name
            yield from described(value, seen)


def is_library(module: str | None) -> bool:
    """Whether a module comes with Python or PyTorch, whose versions are part of the key."""
    root = (module or "").partition(".")[0]
    return root == "torch" or root in sys.stdlib_module_names - {"__main__"}


def code_of(function: FunctionType, seen: dict[int, object]) -> Iterator[str]:
    """The compiled code of a function, and of the functions and constants that it names."""
    if is_library(function.__module__):
        yield f"{function.__module__}.{function.__qualname__}"
        return
    yield from described((function.__defaults__, function.__kwdefaults__), seen)
    for code in codes(function.__code__):
        yield code.co_code.hex()
        constants = (c for c in code.co_consts if not isinstance(c, CodeType))
        yield repr([sorted(c, key=repr) if isinstance(c, frozenset) else c for c in constants])
        yield repr((code.co_names, code.co_varnames))
        for name in code.co_names:
            used = function.__globals__.get(name)
            yield f"{name} ="
            if isinstance(used, ModuleType):
                yield from of_module(used, code.co_names, seen)
            else:
                yield from described(used, seen)
    for cell in function.__closure__ or ():
        yield from described(cell.cell_contents, seen)


def of_module(module: ModuleType, names: Iterable[str], seen: dict[int, object]) -> Iterator[str]:
    """What code with these names can mean by attributes of a module."""
    yield module.__name__
    if not is_library(module.__name__):
        for name in names:
            yield from described(vars(module).get(name), seen)


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
    """Where kernels are kept.

    Raises:
        BuildError: If the user has no home.
    """
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(base).expanduser() / "gatewise"
    except RuntimeError as error:
        raise BuildError("there is no home folder for the cache; set XDG_CACHE_HOME") from error


def build(cell: Cell, dtype: torch.dtype, key: str) -> None:
    """Trace a cell, generate its code, and compile it into the cache.

    Several processes may do so at once: each works in a folder of its own, and the last
    rename puts the same content in place.

    Raises:
        BuildError: If the cell cannot be traced or the code not be compiled.
    """
    # The tracer takes a second to import; a kernel from the cache never needs it.
    from rnn_core.fused.emit_c import emit  # noqa: PLC0415
    from rnn_core.fused.emit_step_c import emit_step  # noqa: PLC0415
    from rnn_core.fused.pipeline import compiled  # noqa: PLC0415
    from rnn_core.fused.reader import UnsupportedError  # noqa: PLC0415

    try:
        kernel = compiled(cell, dtype)
    except UnsupportedError as error:
        raise BuildError(str(error)) from error
    source, step = emit(kernel), emit_step(kernel)
    interface = Interface(
        source.forward,
        source.backward,
        step.arguments,
        len(kernel.saved_rows),
        len(kernel.saved_columns),
        kernel.form.states,
        tuple(kernel.form.weights),
        kernel.form.given,
    )
    place(key, whole_text(source.code + step.code, dtype), asdict(interface))


def whole_text(code: str, dtype: torch.dtype) -> str:
    """All that is compiled: the type, the hand-written part, and a cell's generated code."""
    from rnn_core.fused.emit_c import kernel_text  # noqa: PLC0415 - as in `build`

    name, single = PRECISIONS[dtype]
    return f"#define REAL {name}\n#define SINGLE {single}\n{kernel_text()}\n{code}"


def place(key: str, text: str, interface: dict[str, Any]) -> None:
    """Compile a source and put the result into the cache, the description last."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as name:
            work = Path(name)
            (work / "kernel.c").write_text(text)
            compile_source(work, folder / f"{key}.log")
            content = interface | {"digest": file_digest(work / "kernel.so")}
            (work / "kernel.json").write_text(json.dumps(content))
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
        try:
            done = subprocess.run(attempt, capture_output=True, text=True, check=False)
        except OSError as error:
            raise BuildError(f"the C compiler {attempt[0]} cannot be run: {error}") from error
        if done.returncode == 0:
            return
        outputs.append(f"{' '.join(attempt)}\n{done.stdout}{done.stderr}")
    log.write_text("\n".join(outputs))
    raise BuildError(f"the C compiler failed; see {log}")


def openmp_runtime() -> list[str]:
    """The runtime that PyTorch has loaded: a second one would compete for the same cores."""
    libraries = (Path(torch.__file__).parent / "lib").glob("libgomp*.so*")
    return [str(path) for path in libraries][:1]
