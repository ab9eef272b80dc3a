"""Recognise parts of Python, PyTorch or NumPy, and those that always do the same.

Their versions are in every key, so that what they consist of need not be read. What belongs to
them is decided by what it is: a function by the file that its code comes from, all else by
being found, as the very same object, in a module whose file lies in their folders. Names say
only where to look: `type("Elman", (Cell,), ...)` makes a class that calls itself a part of
the module `abc`, which does not hold it.
"""

import builtins
import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import torch

STEADY = (
    *(f"python/{name}" for name in ("builtins", "math", "cmath", "operator", "_operator")),
    *(f"python/{name}" for name in ("functools", "_functools", "itertools", "copy", "copyreg")),
    *(f"python/{name}" for name in ("collections", "_collections", "_collections_abc", "abc")),
    *(f"python/{name}" for name in ("enum", "dataclasses", "typing", "types", "contextlib")),
    *(f"python/{name}" for name in ("numbers", "fractions", "statistics", "string", "_abc")),
    *(f"torch/{name}" for name in ("__init__", "_C", "_VF", "nn", "functional", "_tensor")),
    *(f"torch/{name}" for name in ("autograd", "func", "_functorch", "linalg", "special", "fft")),
    *(f"torch/{name}" for name in ("_jit_internal", "_ops", "overrides", "types", "_refs")),
    *(f"torch/{name}" for name in ("utils/_contextlib", "_higher_order_ops", "return_types")),
    "numpy/__init__",
    "numpy/_core",
)
"""Functions that give the same result for the same arguments. Time, files, the environment, random
numbers, threads and the settings of PyTorch are not here."""

CHANGING = (
    *(getattr(builtins, name) for name in ("print", "input", "open", "exec", "eval", "compile")),
    *(getattr(builtins, name) for name in ("globals", "locals", "__import__", "id", "hash")),
    builtins.breakpoint,
    *(
        getattr(torch, name)
        for name in (
            "is_inference_mode_enabled",
            "is_autocast_enabled",
            "is_autocast_cpu_enabled",
            "get_autocast_dtype",
            "get_num_threads",
            "get_num_interop_threads",
            "is_anomaly_enabled",
            "get_default_device",
            "get_float32_matmul_precision",
            "are_deterministic_algorithms_enabled",
        )
    ),
)
"""Functions of steady modules that have effects, or that look at more than their arguments."""


@cache
def folders() -> tuple[tuple[str, Path], ...]:
    """Where the files of each are, as they are named in code and as the disk has them."""
    given = {
        "torch": [Path(torch.__file__).parent],
        "numpy": [Path(np.__file__).parent],
        "python": [Path(sysconfig.get_paths()[name]) for name in ("stdlib", "platstdlib")],
    }
    pairs = [
        (name, form) for name, all_ in given.items() for p in all_ for form in (p, p.resolve())
    ]
    return tuple(dict.fromkeys(pairs))


@cache
def place_of_file(file: str) -> str | None:
    """A file of theirs, such as "torch/nn/functional"; None if it is another's."""
    if file.startswith("<frozen ") and file.endswith(">"):
        return f"python/{file[8:-1].replace('.', '/')}"
    path = Path(file)
    for name, folder in folders():
        if path.is_relative_to(folder):
            inner = path.relative_to(folder)
            if inner.parts[0] in ("site-packages", "dist-packages"):
                continue  # other people's packages lie in a folder of Python's
            inside = [part for part in inner.parent.parts if part != "lib-dynload"]
            return "/".join((name, *inside, inner.name.partition(".")[0]))
    return None


def place_of_module(module: ModuleType) -> str | None:
    """A module of theirs; one that is a file's, or that came with the interpreter."""
    name = vars(module).get("__name__")
    if not isinstance(name, str) or sys.modules.get(name) is not module:
        return None
    if name in sys.builtin_module_names:
        return f"python/{name}"
    spec = vars(module).get("__spec__")
    if spec is not None and spec.origin == "frozen":
        return f"python/{name.replace('.', '/')}"
    file = vars(module).get("__file__")
    return place_of_file(file) if isinstance(file, str) else None


def place_of(value: Any) -> str | None:
    """Where one of their objects is found, such as "torch/_C:tanh"; None if it is another's."""
    if isinstance(value, type) and holds_foreign_code(value):
        return None
    module = getattr(value, "__module__", None)
    owner = getattr(value, "__objclass__", None) or getattr(value, "__self__", None)
    if isinstance(owner, ModuleType):
        module = vars(owner).get("__name__")
    elif isinstance(owner, type):
        inside = place_of(owner)
        return inside and f"{inside}.{value.__name__}"
    names = {getattr(value, name, None) for name in ("__qualname__", "__name__")}
    for name in sorted(n for n in names if isinstance(n, str)):
        found = place_by_name(value, module, name)
        if found is not None:
            return found
    return None


def holds_foreign_code(kind: type) -> bool:
    """Return whether a class has a method that is none of theirs, nor was generated."""
    files = (m.__code__.co_filename for m in vars(kind).values() if isinstance(m, FunctionType))
    return not all(file.startswith("<") or place_of_file(file) for file in files)


def place_by_name(value: Any, module: Any, name: str) -> str | None:
    """The place of an object, if one of their modules holds it under this name."""
    if not isinstance(module, str):
        return None
    first, *path = [*module.split("."), *name.split(".")]
    holder: Any = sys.modules.get(first)
    place = None
    for part in path:
        place = (isinstance(holder, ModuleType) and place_of_module(holder)) or place
        holder = vars(holder).get(part) if isinstance(holder, ModuleType | type) else None
    return f"{place}:{name}" if place and holder is value else None


def is_steady(place: str) -> bool:
    """Return whether what is found in a place always does the same."""
    file = place.partition(":")[0]
    return any(file == steady or file.startswith(f"{steady}/") for steady in STEADY)
