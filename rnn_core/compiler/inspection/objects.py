"""Parts of objects: those that can be read, and a check that these are all."""

import functools
import struct
import types
from abc import ABC
from collections import OrderedDict, namedtuple
from collections.abc import Mapping
from operator import attrgetter, methodcaller
from typing import Any, Generic

import torch

from rnn_core.compiler.inspection.origin import place_of

PLAIN = (
    *(type(value) for value in (None, True, 0, 0.0, 0j, "", b"", ..., NotImplemented, range(0))),
    *(torch.dtype, torch.device, torch.layout, torch.memory_format, torch.Size),
)
"""Types, exactly these, whose values never change and have a distinct `repr`."""

UNREAD = (types.GetSetDescriptorType, types.MemberDescriptorType)
"""Members of a class that stand for memory of its objects, which is read with these."""

BOILERPLATE = {"_abc_impl", "__abstractmethods__", "__module__", "__doc__", "__annotations__"} | {
    f"__{name}__"
    for name in (
        *("qualname", "firstlineno", "static_attributes", "orig_bases", "parameters"),
        *("match_args", "dataclass_fields", "dataclass_params", "repr", "str", "slots"),
        *("init_subclass", "reduce", "reduce_ex", "getstate", "setstate", "del", "copy"),
        *("deepcopy", "sizeof", "dir", "replace", "isabstractmethod", "slotnames", "type_params"),
        *("annotate", "annotate_func", "annotations_cache", "signature"),
    )
}
"""Members of a class or a function that have no part in what is computed."""

CONSTRUCTORS = ("__init__", "__new__", "__post_init__")
Example = namedtuple("Example", ["field"])

WRAPPERS: Mapping[type, tuple[str, ...]] = {
    types.MethodType: ("__func__", "__self__"),
    functools.partial: ("func", "args", "keywords"),
    functools.cached_property: ("func",),
    functools._lru_cache_wrapper: ("__wrapped__",),
    property: ("fget",),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
}
"""Objects that stand for others, and the attributes in which these are."""

BY_COMPUTED_NAME = (getattr, hasattr, setattr, delattr, vars, dir, attrgetter, methodcaller)
"""Functions that may read an attribute whose name no code shows."""

BASES = (OrderedDict, tuple, list, dict, set, frozenset, int, float, complex, str, bytes, object)
"""Types whose extensions are read as they are themselves, with what the extension adds."""

POINTER = struct.calcsize("P")


def base_of(kind: type) -> Any:
    """The built-in type that a class extends."""
    return next(base for base in kind.__mro__ if base in BASES)


def extends_library(kind: type) -> bool:
    """Return whether code that is not read may call a class's methods: that of a base."""
    return any(place_of(base) for base in kind.__mro__ if base not in (*BASES, ABC, Generic))


def slots_of(kind: type) -> list[str]:
    """Attributes that lie in slots."""
    own = [base for base in kind.__mro__ if base not in BASES]
    members = [member for base in own for member in vars(base).values()]
    return [m.__name__ for m in members if isinstance(m, types.MemberDescriptorType)]


def is_accounted_for(kind: type) -> bool:
    """Return whether an object holds only attributes: no state that only C code knows."""
    base = base_of(kind)
    fields = len(slots_of(kind))
    fields += kind.__weakrefoffset__ > 0 and base.__weakrefoffset__ == 0
    fields += kind.__dictoffset__ > 0 and base.__dictoffset__ == 0
    size: int = kind.__basicsize__
    return size <= int(base.__basicsize__) + fields * POINTER
