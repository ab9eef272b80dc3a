"""Inspection of a cell's step: its code, and all that this code can reach.

The result is a text, the same in every process, that two steps share only if they compute the
same; and guards, which notice when something of it changes. Code is read wherever it comes
from, unless it is found to be a part of Python or PyTorch (see `origin`). What cannot be read
is refused.

Attributes are followed if code that was read has their name. Which names there are is known
when all is read, so that reading is repeated until no new ones appear.
"""

import functools
import hashlib
import importlib
import importlib.util
import sys
import types
from abc import ABCMeta
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import EnumMeta
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter

from rnn_core.cells.base import Cell
from rnn_core.compiler.inspection import guards
from rnn_core.compiler.inspection import objects as memory
from rnn_core.compiler.inspection.guards import MISSING, Guard, Guards, UnreadableError
from rnn_core.compiler.inspection.names import names_of, text_of_code
from rnn_core.compiler.inspection.origin import (
    CHANGING,
    is_steady,
    place_of,
    place_of_file,
    place_of_module,
)
from rnn_core.compiler.torch_internals import Overload, OverloadPacket

ANY = "*"
"""Among the names of attributes: some are computed, so that it may be any."""

ANEW = "()"
"""Among them: code may make another object of a class without naming that class."""


@dataclass(frozen=True)
class Reading:
    """A step as it is now.

    Attributes:
        text: Its contents; the same in every process.
        guards: Those parts of it that may change.
    """

    text: str
    guards: Guards


def read(cell: Cell) -> Reading:
    """Read the step of a cell.

    Raises:
        UnreadableError: If it reaches something that cannot be read.
    """
    names = frozenset({"step", "shape"})
    while True:
        inspector = Inspector(names)
        declared = (cell.gates, cell.given, cell.states, list(cell.weights.items()))
        inspector.say(repr(declared))
        inspector.value(cell, "self")
        if inspector.found <= names:
            return Reading("\n".join(inspector.words), inspector.guards)
        names |= inspector.found


class Inspector:
    """Reads values, each once.

    Args:
        names: Names of attributes that code uses, as far as they are known.
    """

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.found: frozenset[str] = frozenset()
        self.words: list[str] = []
        self.guards = Guards()
        self.seen: dict[tuple[int, bool], tuple[int, object]] = {}

    def say(self, *words: object) -> None:
        """Add to the text."""
        self.words.append(" ".join(map(str, words)))

    def guard(self, guard: Guard, *parts: object) -> None:
        """Add a guard of these objects."""
        self.guards.add(guard, *map(id, parts))

    def refuse(self, where: str, why: str) -> UnreadableError:
        """The error for something that cannot be read."""
        return UnreadableError(f"its step reads {where}, {why}", self.guards)

    def value(self, value: Any, where: str, constructs: bool = True) -> None:
        """Read a value.

        Args:
            value: The value.
            where: Its name in messages.
            constructs: If it is a class: whether code may call it.
        """
        if type(value) in memory.PLAIN:
            self.say(type(value).__name__, repr(value))
            return
        key = (id(value), constructs)
        if key in self.seen:
            self.say("again", self.seen[key][0])
            return
        self.seen[key] = (len(self.seen), value)  # kept alive, so that no other takes its place
        if isinstance(value, type):
            self.kind(value, where, constructs)
        elif type(value) in READERS:
            READERS[type(value)](self, value, where)
        elif isinstance(value, np.generic) and place_of(type(value)):
            self.guard(guards.Number(where), value)
            self.say(type(value).__name__, value.dtype.str, repr(value))
        else:
            self.instance(value, where)

    def part(self, place: str, where: str) -> None:
        """Take a part of Python or PyTorch as it is, if it does the same each time."""
        if not is_steady(place):
            raise self.refuse(where, f"a part of {place}, which may do something else each time")
        self.say(place)

    def sequence(self, value: Any, where: str) -> None:
        """Read a tuple or a list."""
        items = tuple(value)
        self.say(type(value).__name__, len(items))
        if isinstance(value, list):
            self.guard(guards.Elements(where, value, items), value)
        for index, item in enumerate(items):
            self.value(item, f"{where}[{index}]")

    def mapping(self, value: Any, where: str) -> None:
        """Read a dictionary, or a view of one."""
        keys, values = tuple(value), tuple(value.values())
        self.say(type(value).__name__, len(keys))
        self.guard(guards.Items(where, value, keys, values), value)
        if isinstance(value, defaultdict):
            self.value(value.default_factory, f"{where}.default_factory")
        for key, item in zip(keys, values, strict=True):
            self.value(key, f"a key of {where}")
            self.value(item, f"{where}[{key!r}]")

    def elements(self, value: Any, where: str) -> None:
        """Read a set of plain values."""
        if not all(type(element) in memory.PLAIN for element in value):
            raise self.refuse(where, "a set of objects, whose order is another in every process")
        self.say(type(value).__name__, sorted((type(e).__name__, repr(e)) for e in value))
        if isinstance(value, set):
            self.guard(guards.Set(where, value, frozenset(value)), value)

    def function(self, value: types.FunctionType, where: str) -> None:
        """Read a function, and the variables that it closes over."""
        place = place_of_file(value.__code__.co_filename)
        if place is None:
            self.code(value, where)
        else:
            self.part(f"{place}:{value.__qualname__}", where)
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            content = guards.content_of(cell)
            self.guard(guards.Variable(name, cell, content), cell)
            self.say(name)
            if content is not MISSING:
                self.value(content, name, constructs=name != "__class__")

    def code(self, value: types.FunctionType, where: str) -> None:
        """Read a function's own code, and the global variables that it names."""
        self.guard(guards.Code(where, value, guards.code_of(value)), value)
        self.say(text_of_code(value.__code__))
        self.value(value.__defaults__, f"a default of {where}")
        self.value(value.__kwdefaults__, f"a default of {where}")
        if value.__dict__.keys() - memory.BOILERPLATE:
            self.value(value.__dict__, where)
        used = names_of(value.__code__)
        self.found |= used.attributes | ({ANEW} if "__class__" in used.attributes else set())
        for name, chains in sorted(used.variables.items()):
            variable = self.variable(value, name)
            if variable is not MISSING:
                self.followed(variable, name, chains)
        for name in sorted(used.imports):
            self.imported(name, value.__globals__.get("__package__"))

    def variable(self, function: types.FunctionType, name: str) -> Any:
        """The value of a global variable, or of a built-in one."""
        scopes = (function.__globals__, getattr(function, "__builtins__", {}))
        for mapping in scopes:
            value = mapping.get(name, MISSING)
            self.guard(guards.Entry(name, mapping, name, value), mapping, name)
            if value is not MISSING:
                return value
        return MISSING

    def followed(self, value: Any, where: str, chains: Iterable[tuple[str, ...]]) -> None:
        """Read a variable, of modules only what code reads of them."""
        for chain in sorted(chains):
            end, path, rest = value, where, list(chain)
            while rest and type(end) is types.ModuleType and rest[0] in vars(end):
                end, path = self.entry(vars(end), rest[0], path), f"{path}.{rest.pop(0)}"
            self.say(path)
            self.value(end, path, constructs=not rest)  # an attribute of a class is no call of it

    def entry(self, holder: dict[str, Any], name: str, path: str) -> Any:
        """A variable of a module."""
        value = holder[name]
        self.guard(guards.Entry(f"{path}.{name}", holder, name, value), holder, name)
        return value

    def imported(self, name: str, package: Any) -> None:
        """Read a module that code imports."""
        try:
            absolute = importlib.util.resolve_name(name, package)
            importlib.import_module(absolute)
        except ImportError as error:
            raise self.refuse(name, f"which cannot be imported: {error}") from error
        for used in (absolute.partition(".")[0], absolute):
            self.guard(guards.Entry(used, sys.modules, used, sys.modules[used]), used)
            self.value(sys.modules[used], used)
        self.say(absolute)

    def module(self, value: types.ModuleType, where: str) -> None:
        """Read of a module what code with the known names can mean by its attributes."""
        content = vars(value)
        self.say("module", value.__name__)
        any_ = ANY in self.names and place_of_module(value) is None
        for name in sorted(content if any_ else (self.names | {"__getattr__"}) & set(content)):
            self.say(name)
            self.value(self.entry(content, name, where), f"{where}.{name}")

    def kind(self, value: type, where: str, constructs: bool) -> None:
        """Read a class: what its objects are and do."""
        place = place_of(value)
        if place is not None:
            self.part(place, where)
            self.note_computed(value)
            return
        members = tuple(vars(value).items())
        order = value.__mro__
        names, values = zip(*members, strict=True)
        self.guard(guards.Members(where, value, order, names, values), value)
        self.say("class", value.__qualname__)
        if type(value) not in (type, ABCMeta, EnumMeta):
            self.value(type(value), f"the class of {where}")
        for base in order[1:]:
            self.value(base, where, constructs)
        whole = ANY in self.names or memory.extends_library(value)
        for name, member in members:
            if isinstance(member, memory.UNREAD) or name in memory.BOILERPLATE:
                continue
            if name in memory.CONSTRUCTORS and not (constructs or ANEW in self.names):
                continue
            if whole or name in self.names or name.startswith("__"):
                self.say(name)
                self.value(member, f"{where}.{name}")

    def instance(self, value: Any, where: str) -> None:
        """Read an object: its class, and its attributes."""
        kind = type(value)
        if not memory.is_accounted_for(kind):
            raise self.refuse(where, f"a {kind.__qualname__}, whose state cannot be read")
        self.value(kind, where, constructs=False)
        whole = ANY in self.names or memory.extends_library(kind)
        self.compute_properties(value)
        if hasattr(value, "__dict__"):
            attributes = value.__dict__
            names, values = tuple(attributes), tuple(attributes.values())
            read = None if whole else self.names
            self.guard(guards.Instance(where, value, kind, attributes, names, values, read), value)
            for name, item in zip(names, values, strict=True):
                if whole or name in self.names:
                    self.say(name)
                    self.value(item, f"{where}.{name}")
        for name in memory.slots_of(kind):
            if name in vars(Cell):
                continue
            item = getattr(value, name, MISSING)
            self.guard(guards.Slot(f"{where}.{name}", value, name, item), value, name)
            self.say(name)
            if item is not MISSING:
                self.value(item, f"{where}.{name}")
        self.content(value, where)

    def content(self, value: Any, where: str) -> None:
        """Read what an object holds because its class extends a built-in one."""
        base = memory.base_of(type(value))
        if base in (tuple, list):
            self.sequence(value, where)
        elif base in (dict, OrderedDict):
            self.mapping(value, where)
        elif base in (set, frozenset):
            self.elements(value, where)
        elif base is not object:
            self.say(base.__repr__(value))

    def compute_properties(self, value: Any) -> None:
        """Have an object's cached properties in its attributes, where the step would put them."""
        for kind in type(value).__mro__:
            for name, member in vars(kind).items():
                if type(member) is functools.cached_property and name in self.names:
                    getattr(value, name)

    def native(self, value: Any, where: str) -> None:
        """Read a function that is compiled: a part of Python or PyTorch, or an object's method."""
        owner = getattr(value, "__self__", None)
        place = place_of(value)
        if any(value is changing for changing in CHANGING):
            raise self.refuse(where, "which may do something else each time")
        if place is not None:
            self.part(place, where)
            self.note_computed(value)
        elif owner is not None and not isinstance(owner, types.ModuleType | type):
            self.say(value.__name__)
            self.value(owner, where)
        else:
            raise self.refuse(where, "which is compiled and cannot be read")

    def note_computed(self, value: Any) -> None:
        """Note that code may reach what no name in it leads to."""
        if any(value is by_name for by_name in memory.BY_COMPUTED_NAME):
            self.found |= {ANY}
        if value is type:
            self.found |= {ANEW}

    def wrapper(self, value: Any, where: str) -> None:
        """Read what an object stands for: a method, a property or a partial function."""
        self.say(type(value).__name__)
        if isinstance(value, classmethod):
            self.found |= {ANEW}
        for name in memory.WRAPPERS[type(value)]:
            self.value(getattr(value, name), where)

    def tensor(self, value: Tensor, where: str) -> None:
        """Read the numbers of a tensor."""
        if value.device.type != "cpu" or value.layout is not torch.strided:
            raise self.refuse(where, f"a tensor on {value.device}, whose numbers are out of sight")
        self.numbers(value, where)

    def array(self, value: Any, where: str) -> None:
        """Read the numbers of an array."""
        if value.dtype.hasobject or not (value.flags.c_contiguous or value.flags.f_contiguous):
            raise self.refuse(where, "an array whose numbers do not lie together")
        self.numbers(value, where)

    def numbers(self, value: Any, where: str) -> None:
        """Read numbers in memory."""
        layout, content = guards.layout_of(value), guards.bytes_of(value)
        self.guard(guards.Numbers(where, value, layout, content), value)
        self.say(type(value).__name__, layout, hashlib.sha256(content).hexdigest())

    def field(self, value: Any, where: str) -> None:
        """Read a field of a named tuple."""
        self.say("field", value.__reduce__()[1][0])

    def operation(self, value: Any, where: str) -> None:
        """Read an operation of PyTorch's dispatcher, which the tracer sees under this name."""
        self.say(value)


READERS: Mapping[type, Callable[[Inspector, Any, str], None]] = (
    dict.fromkeys((tuple, list), Inspector.sequence)
    | dict.fromkeys((dict, OrderedDict, defaultdict, types.MappingProxyType), Inspector.mapping)
    | dict.fromkeys((set, frozenset), Inspector.elements)
    | dict.fromkeys(memory.WRAPPERS, Inspector.wrapper)
    | dict.fromkeys((Tensor, Parameter), Inspector.tensor)
    | dict.fromkeys(
        (
            types.BuiltinFunctionType,
            types.MethodDescriptorType,
            types.WrapperDescriptorType,
            types.MethodWrapperType,
            types.ClassMethodDescriptorType,
            np.ufunc,
            type(np.dot),
        ),
        Inspector.native,
    )
    | dict.fromkeys((Overload, OverloadPacket), Inspector.operation)
    | {
        types.FunctionType: Inspector.function,
        types.ModuleType: Inspector.module,
        type(torch.ops): Inspector.operation,
        type(memory.Example.field): Inspector.field,
        np.ndarray: Inspector.array,
    }
)
"""Readers of values by type; see `Inspector.value` for the rest."""
