"""Fingerprint of all code that some definitions reach."""

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache

from rnn_core import definitions
from rnn_core.definitions import Reference, module_of
from rnn_core.kept_fingerprints import keep, read_kept

REGISTRIES = {"REGISTRY"}
"""Names of what can be chosen: one more changes no result."""

DEPTH = 2
"""Levels of definitions that distinguish one from others with the same text."""

Node = tuple[str, str]
"""A module and the name of a definition in it."""

Apart = tuple[Reference, ...]
"""Code that is not followed: names of modules, or packages and modules with all that is in them."""


def fingerprint(roots: Iterable[Reference], apart: Apart = ()) -> str:
    """SHA-256 of all that some definitions reach, whatever files it lies in.

    Args:
        roots: Modules, and names in them or None for all of one.
        apart: What is not followed, such as ("rnn_core.compiler.gpu", None).

    Raises:
        ModuleNotFoundError: If a root is in no module of our packages.
        AttributeError: If a root is a method that its class lacks.
    """
    asked = tuple(roots)
    name, found = repr((asked, apart)), known()  # other threads may forget what is known
    if name not in found:
        marks = {mark(node, apart, DEPTH) for node in reached(asked, apart)}
        found[name] = digest(sorted(marks))
    return found[name]


@cache
def known() -> dict[str, str]:
    """Fingerprints of the code as it was first seen, by their roots and what is apart."""
    return read_kept(definitions.seen())


def keep_for_later() -> None:
    """Let later processes find what this one knows."""
    if known() != read_kept(definitions.seen()):
        keep(definitions.seen(), known())


def reached(roots: Iterable[Reference], apart: Apart = ()) -> set[Node]:
    """The modules and names of all definitions that some reach, themselves included.

    Raises:
        ModuleNotFoundError: If a root is in no module of our packages.
        AttributeError: If a root is a method that its class lacks.
    """
    found: set[Node] = set()
    waiting, seen = list(roots), set(roots)
    while waiting:
        for node in followed(waiting.pop(), apart):
            if node not in found:
                found.add(node)
                reads = set(module_of(node[0]).definitions[node[1]].reads) - seen
                seen |= reads
                waiting.extend(reads)
    return found


@cache
def followed(reference: Reference, apart: Apart) -> tuple[Node, ...]:
    """The definitions that a reference stands for, except for what is not followed."""
    if is_apart(reference, apart):
        return ()
    return tuple(node for node in meant(reference) if not is_apart(node, apart))


def is_apart(reference: Reference, apart: Apart) -> bool:
    """Return whether a reference is one of some, or lies in one."""
    module, name = reference
    return any(
        f"{module}.".startswith(f"{left}.") if part is None else (module, name) == (left, part)
        for left, part in apart
    )


@cache
def meant(reference: Reference) -> tuple[Node, ...]:
    """The definitions that a reference stands for, with what importing their module does."""
    module, name = reference
    here = module_of(module)
    if name is not None and name not in here.definitions and name in here.imported:
        return meant(here.imported[name])
    owner, _, method = (name or "").partition(".")
    if method:
        nodes = set(methods((module, owner), method))
        if not any(n.endswith(f".{method}") for _, n in nodes):
            raise AttributeError(f"{module}.{owner} has no method {method}")
    elif owner in here.definitions and owner:
        own = {(module, n) for n in here.definitions if n == owner or n.startswith(f"{owner}.")}
        bases = here.definitions[owner].bases
        nodes = own.union(*map(meant, bases))
    else:
        nodes = {(module, n) for n in here.definitions}
    nodes |= {(m, "") for m, _ in nodes if "" in module_of(m).definitions}
    return tuple(sorted((m, n) for m, n in nodes if n not in REGISTRIES))


def methods(owner: Node, method: str) -> Iterator[Node]:
    """A method of a class and of its bases, and the parts of the class that it looks up."""
    classes = list(class_and_bases(owner))
    yield from classes
    waiting, seen = [method], set[str]()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        for module, kind in classes:
            own = module_of(module).definitions
            if f"{kind}.{name}" in own:
                yield module, f"{kind}.{name}"
                waiting += own[f"{kind}.{name}"].attributes - seen


def class_and_bases(owner: Reference) -> Iterator[Node]:
    """A class of our packages and its bases."""
    module, name = owner[0], owner[1] or ""
    here = module_of(module)
    if name in here.definitions:
        yield module, name
        for base in here.definitions[name].bases:
            yield from class_and_bases(base)
    elif name in here.imported:
        yield from class_and_bases(here.imported[name])


@cache
def mark(node: Node, apart: Apart, depth: int) -> str:
    """A digest of a definition, and to a depth of what it reads in which place."""
    module, name = node
    definition = module_of(module).definitions[name]
    if not depth:
        return digest([definition.text])
    above = [kind for base in definition.bases for kind in class_and_bases(base)]
    marks = [mark(kind, apart, depth - 1) for kind in above]
    marks += [common_mark(read, apart, depth - 1) for read in definition.reads]
    return digest([definition.text, *marks])


@cache
def common_mark(reference: Reference, apart: Apart, depth: int) -> str:
    """A digest of the definitions that a reference stands for."""
    return digest(sorted(mark(node, apart, depth) for node in followed(reference, apart)))


def digest(parts: Iterable[str]) -> str:
    """SHA-256 of some texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def refresh() -> None:
    """Read all code again that is asked for, if any of it has changed since it was read."""
    if definitions.seen() != definitions.signature():
        forget()


def forget() -> None:
    """Forget all code that was read; call this after a change."""
    for remembering in (known, followed, meant, mark, common_mark):
        remembering.cache_clear()
    definitions.forget()
