"""Guards on what a step has read: detect a change, and restore the value.

Everything is compared by identity, which costs little and mistakes nothing: 0.0 equals -0.0,
and 1 equals True, and a step may tell them apart.
"""

import ctypes
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, MutableMapping, MutableSequence
from dataclasses import dataclass, field
from operator import is_
from types import CellType, FunctionType
from typing import Any

from torch import Tensor

MISSING: Any = object()
"""Stands for what is not there."""


def first_changed(
    mapping: Mapping[Any, Any], keys: tuple[Any, ...], values: tuple[Any, ...]
) -> Any:
    """The first key whose value has changed."""
    before = dict(zip(keys, values, strict=True))
    changed = (key for key in {**before, **mapping} if differs(mapping, before, key))
    return next(changed, None)


def differs(first: Mapping[Any, Any], second: Mapping[Any, Any], key: Any) -> bool:
    """Return whether two mappings have different objects under a key."""
    return first.get(key, MISSING) is not second.get(key, MISSING)


def identical(first: Iterable[Any], second: Iterable[Any]) -> bool:
    """Return whether two collections of one length hold the same objects in the same order."""
    return all(map(is_, first, second))


@dataclass(frozen=True, eq=False)
class Guard(ABC):
    """Something that may change.

    Attributes:
        where: Its name in messages.
    """

    where: str

    @abstractmethod
    def holds(self) -> bool:
        """Return whether it is what it was."""

    def restore(self) -> None:
        """Make it what it was, where that can be done."""

    def changed_part(self) -> str:
        """Describe the part that has changed, in the user's terms."""
        return self.where


@dataclass(frozen=True, eq=False)
class Entry(Guard):
    """An entry of a mapping, such as a module's global variable."""

    mapping: MutableMapping[str, Any]
    name: str
    expected: Any

    def holds(self) -> bool:
        return self.mapping.get(self.name, MISSING) is self.expected

    def restore(self) -> None:
        if self.expected is MISSING:
            self.mapping.pop(self.name, None)
        else:
            self.mapping[self.name] = self.expected


@dataclass(frozen=True, eq=False)
class Items(Guard):
    """All entries of a mapping, such as an object's attributes."""

    mapping: Mapping[Any, Any]
    keys: tuple[Any, ...]
    values: tuple[Any, ...]

    def holds(self) -> bool:
        mapping = self.mapping
        return (
            len(mapping) == len(self.keys)
            and identical(mapping, self.keys)
            and identical(mapping.values(), self.values)
        )

    def restore(self) -> None:
        if isinstance(self.mapping, MutableMapping):
            self.mapping.clear()
            self.mapping.update(zip(self.keys, self.values, strict=True))

    def changed_part(self) -> str:
        return f"{self.where}[{first_changed(self.mapping, self.keys, self.values)!r}]"


@dataclass(frozen=True, eq=False)
class Members(Guard):
    """A class: what it has and what it inherits from."""

    kind: type
    order: tuple[type, ...]
    keys: tuple[str, ...]
    values: tuple[Any, ...]

    def holds(self) -> bool:
        members = self.kind.__dict__
        return (
            self.kind.__mro__ is self.order
            and tuple(members) == self.keys
            and identical(members.values(), self.values)
        )

    def restore(self) -> None:
        before = dict(zip(self.keys, self.values, strict=True))
        for name in set(vars(self.kind)) - set(before):
            delattr(self.kind, name)
        for name, value in before.items():
            if vars(self.kind).get(name, MISSING) is not value:
                setattr(self.kind, name, value)

    def changed_part(self) -> str:
        return f"{self.where}.{first_changed(vars(self.kind), self.keys, self.values)}"


@dataclass(frozen=True, eq=False)
class Elements(Guard):
    """The elements of a list."""

    sequence: MutableSequence[Any]
    values: tuple[Any, ...]

    def holds(self) -> bool:
        return len(self.sequence) == len(self.values) and identical(self.sequence, self.values)

    def restore(self) -> None:
        self.sequence[:] = self.values


@dataclass(frozen=True, eq=False)
class Set(Guard):
    """The elements of a set."""

    elements: set[Any]
    values: frozenset[Any]

    def holds(self) -> bool:
        return set(map(id, self.elements)) == set(map(id, self.values))

    def restore(self) -> None:
        self.elements.clear()
        self.elements.update(self.values)


@dataclass(frozen=True, eq=False)
class Code(Guard):
    """A function's code and its default arguments."""

    function: FunctionType
    expected: tuple[Any, ...]

    def holds(self) -> bool:
        function, (code, defaults, by_name) = self.function, self.expected
        return (
            function.__code__ is code
            and function.__defaults__ is defaults
            and function.__kwdefaults__ is by_name
        )


def code_of(function: FunctionType) -> tuple[Any, ...]:
    """Parts of a function that can be replaced."""
    return function.__code__, function.__defaults__, function.__kwdefaults__


@dataclass(frozen=True, eq=False)
class Variable(Guard):
    """A variable that a function closes over."""

    cell: CellType
    expected: Any

    def holds(self) -> bool:
        return content_of(self.cell) is self.expected

    def restore(self) -> None:
        if self.expected is not MISSING:
            self.cell.cell_contents = self.expected


def content_of(cell: CellType) -> Any:
    """The value of a variable that a function closes over, if it has one yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


@dataclass(frozen=True, eq=False)
class Instance(Guard):
    """An object: its class, and all attributes that it has itself.

    Attributes:
        read: Those that code can read, whether they are there or not; None: any.
    """

    owner: Any
    kind: type
    attributes: dict[str, Any]
    keys: tuple[str, ...]
    values: tuple[Any, ...]
    read: frozenset[str] | None

    def holds(self) -> bool:
        attributes = self.owner.__dict__
        return (
            self.owner.__class__ is self.kind
            and attributes is self.attributes
            and tuple(attributes) == self.keys
            and identical(attributes.values(), self.values)
        )

    def restore(self) -> None:
        attributes = self.owner.__dict__
        attributes.clear()
        attributes.update(zip(self.keys, self.values, strict=True))

    def changed_part(self) -> str:
        return f"{self.where}.{first_changed(self.owner.__dict__, self.keys, self.values)}"


@dataclass(frozen=True, eq=False)
class Slot(Guard):
    """An attribute in a slot."""

    owner: Any
    name: str
    expected: Any

    def holds(self) -> bool:
        return getattr(self.owner, self.name, MISSING) is self.expected

    def restore(self) -> None:
        if self.expected is not MISSING:
            setattr(self.owner, self.name, self.expected)


@dataclass(frozen=True, eq=False)
class Number(Guard):
    """A number of NumPy, which never changes; what holds it has a guard."""

    def holds(self) -> bool:
        return True


@dataclass(frozen=True, eq=False)
class Numbers(Guard):
    """The numbers of a tensor or of an array."""

    owner: Any
    layout: tuple[Any, ...]
    content: bytes

    def holds(self) -> bool:
        return layout_of(self.owner) == self.layout and bytes_of(self.owner) == self.content

    def restore(self) -> None:
        if layout_of(self.owner) == self.layout:
            ctypes.memmove(memory_of(self.owner)[0], self.content, len(self.content))


def layout_of(owner: Any) -> tuple[Any, ...]:
    """Memory layout of a tensor or an array."""
    if isinstance(owner, Tensor):
        place = (owner.stride(), owner.storage_offset(), owner.requires_grad)
        return (owner.dtype, tuple(owner.shape), *place)
    return (owner.dtype.str, owner.shape, owner.strides)


def memory_of(owner: Any) -> tuple[int, int]:
    """The address and the size of the memory that holds a tensor's or an array's numbers."""
    if isinstance(owner, Tensor):
        storage = owner.untyped_storage()
        return storage.data_ptr(), storage.nbytes()
    return owner.ctypes.data, owner.nbytes


def bytes_of(owner: Any) -> bytes:
    """The memory itself; no mode of PyTorch comes between."""
    return ctypes.string_at(*memory_of(owner))


@dataclass(repr=False)  # it would name all that a step reads
class Guards:
    """All that a step reads and that may change.

    Attributes:
        all: The guards, by their kind and the identities of what they guard.
    """

    all: dict[tuple[Any, ...], Guard] = field(default_factory=dict)

    def add(self, guard: Guard, *parts: object) -> None:
        """Add a guard of the parts with these identities, unless it is there."""
        self.all.setdefault((type(guard), *parts), guard)

    def changed(self) -> Guard | None:
        """The first that no longer holds."""
        try:
            for guard in self.all.values():
                if not guard.holds():
                    return guard
        except RuntimeError:  # another thread changes a mapping this moment
            return guard
        return None

    def restore(self) -> None:
        """Make everything what it was."""
        for guard in self.all.values():
            if not guard.holds():
                guard.restore()


class UnreadableError(Exception):
    """Why no text can stand for a step.

    Args:
        reason: What cannot be read.
        guards: What led to it; while that is the same, so is the reason.
    """

    def __init__(self, reason: str, guards: Guards) -> None:
        super().__init__(reason)
        self.guards = guards
