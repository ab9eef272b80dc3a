"""What the memory of an object holds: whether its attributes are all that there is to read."""

import struct
import types
from abc import ABC
from collections import OrderedDict
from typing import Any, Generic

from rnn_core.fused.origin import place_of

BASES = (OrderedDict, tuple, list, dict, set, frozenset, int, float, complex, str, bytes, object)
"""Types whose extensions are read as they are themselves, with what the extension adds."""

POINTER = struct.calcsize("P")


def base_of(kind: type) -> Any:
    """The built-in type that a class extends."""
    return next(base for base in kind.__mro__ if base in BASES)


def extends_library(kind: type) -> bool:
    """Whether code that is not read may call a class's methods: that of a base."""
    return any(place_of(base) for base in kind.__mro__ if base not in (*BASES, ABC, Generic))


def slots_of(kind: type) -> list[str]:
    """Attributes that lie in slots."""
    own = [base for base in kind.__mro__ if base not in BASES]
    members = [member for base in own for member in vars(base).values()]
    return [m.__name__ for m in members if isinstance(m, types.MemberDescriptorType)]


def is_accounted_for(kind: type) -> bool:
    """Whether an object's memory holds nothing but attributes: no state that only C code knows."""
    base = base_of(kind)
    fields = len(slots_of(kind))
    fields += kind.__weakrefoffset__ > 0 and base.__weakrefoffset__ == 0
    fields += kind.__dictoffset__ > 0 and base.__dictoffset__ == 0
    size: int = kind.__basicsize__
    return size <= int(base.__basicsize__) + fields * POINTER
