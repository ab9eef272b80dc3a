"""Top-level definitions of modules: their normalised text, and the names that each reads.

The text of a definition is its syntax tree, without docstrings, imports and the names of modules:
an edit of a comment, of layout or of those, and a move of the file, leave it as it is.
Tokens would differ between versions of Python, which read strings with values in them apart in
other ways.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from stat import S_ISREG
from typing import TypeAlias

PACKAGES = ("rnn_core", "flows")
ROOT = Path(__file__).parents[1]

Reference = tuple[str, str | None]
"""A module and the name that is read in it; None: all of it. The name `Class.method` is that
method of a class, with the other parts of the class that it uses."""

IMPORTS = (ast.Import, ast.ImportFrom)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
NOT_MEANT = {"ctx", "kind", "type_comment"}
"""Fields of the syntax tree that say nothing of what code does."""

COMMENTS = {".c": ("/*", "*/"), ".css": ("/*", "*/"), ".jinja": ("{#", "#}")}
"""Start and end marks of comments in files next to modules."""


@dataclass
class Definition:
    """Code of a top-level name, or the code that a module runs on import.

    Attributes:
        words: Normalised text of all statements that make it, in words.
        reads: Names that they read from our modules, in the order of the code.
        attributes: Names that they look up in objects.
        bases: The bases of a class that are in our packages.
    """

    words: list[str] = field(default_factory=list)
    reads: list[Reference] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)
    bases: list[Reference] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The normalised text."""
        return " ".join(self.words)


Signature: TypeAlias = frozenset[tuple[str, int, int]]
"""Names of files, with size and time of change, in nanoseconds since 1970."""


@dataclass(frozen=True)
class Module:
    """A module's definitions by name, and its imports.

    Definitions of a class's methods are named `Class.method`, and the rest of it `Class`; "" is"
     the code that runs on import.
    """

    definitions: Mapping[str, Definition]
    imported: Mapping[str, Reference]


@cache  # a process does not see its own code change
def file_of(module: str) -> Path | None:
    """The file of one of our modules or packages; None if there is none."""
    if module.partition(".")[0] not in PACKAGES:
        return None
    path = ROOT.joinpath(*module.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


@cache
def module_of(name: str) -> Module:
    """Read a module.

    Raises:
        ModuleNotFoundError: If it is not in our packages.
    """
    seen()
    file = file_of(name)
    if file is None:
        raise ModuleNotFoundError(f"{name} is no module of {' or '.join(PACKAGES)}", name=name)
    return parsed(name, file.read_text(encoding="utf-8"), texts_beside(file.parent))


@cache
def seen() -> Signature:
    """Signature of all files before the first was read."""
    return signature()


def signature() -> Signature:
    """Sizes and modification times of all files of the packages, which show a change.

    What Python compiles does not count, whatever it is called on the way. A file that goes while
    they are listed, as those of editors do, was of no use to anybody.
    """
    files = (file for package in PACKAGES for file in ROOT.joinpath(package).rglob("*"))
    return frozenset(marks(file for file in files if "__pycache__" not in file.parts))


def marks(files: Iterable[Path]) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of change of those that are files, and still there."""
    for file in files:
        with suppress(FileNotFoundError):
            status = file.stat()
            if S_ISREG(status.st_mode):
                yield str(file), status.st_size, status.st_ctime_ns


def forget() -> None:
    """Forget all files; call this after a change to them or to `ROOT`."""
    for known in (file_of, module_of, texts_beside, seen):
        known.cache_clear()


def parsed(name: str, source: str, beside: Mapping[str, str]) -> Module:
    """The definitions of a module's source.

    Args:
        name: Name of the module.
        source: Python.
        beside: Texts of files that lie with it and that its strings may name.
    """
    top = list(statements(ast.parse(source).body))
    imported = dict(pair for node in top if isinstance(node, IMPORTS) for pair in imports(node))
    names = {made: (name, made) for node in top for made in names_made(node)}
    found: dict[str, Definition] = defaultdict(Definition)
    for node in top:
        if isinstance(node, (*IMPORTS, ast.Pass)) or is_text(node):
            continue
        for place, parts in pieces(node):
            reader = Reader(found[place], names | imported, beside)
            reader.read(parts)
            if isinstance(node, ast.ClassDef) and place == node.name:
                reader.read_bases(node.bases)
    return Module(dict(found), imported)


def statements(nodes: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements at the top of a module, and imports in blocks there; none for types alone."""
    for node in nodes:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef, *IMPORTS)):
            yield from (part for part in ast.walk(node) if isinstance(part, IMPORTS))
        yield node


def is_text(node: ast.AST) -> bool:
    """Return whether a statement is a text that does nothing, as a docstring is."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def names_made(node: ast.stmt) -> list[str]:
    """The names that a statement at the top of a module defines."""
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        return [node.name]
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign | ast.AugAssign):
        targets = [node.target]
    return [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]


def pieces(node: ast.stmt) -> Iterator[tuple[str, list[object]]]:
    """Definitions that a statement belongs to, and the parts of it in each, without bases."""
    if not isinstance(node, ast.ClassDef):
        for name in names_made(node) or [""]:
            yield name, [node]
        return
    methods = [part for part in node.body if isinstance(part, FUNCTIONS)]
    others = [part for part in node.body if not isinstance(part, FUNCTIONS)]
    yield node.name, [node.name, *node.decorator_list, *node.keywords, *others]
    for method in methods:
        yield f"{node.name}.{method.name}", [method]


def imports(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Reference]]:
    """The names that an import makes, and the definitions in our packages that they stand for."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            inner = f"{node.module}.{alias.name}"
            is_module = file_of(inner) is not None
            reference = (inner, None) if is_module else (node.module or "", alias.name)
        else:
            reference = (alias.name if alias.asname else alias.name.partition(".")[0], None)
        if file_of(reference[0]) is not None:
            yield alias.asname or alias.name.partition(".")[0], reference


class Reader:
    """Reads statements into a definition.

    Args:
        found: The definition.
        known: Definitions in our packages by name.
        beside: Texts of files that strings may name.
    """

    def __init__(
        self, found: Definition, known: Mapping[str, Reference], beside: Mapping[str, str]
    ) -> None:
        self.found = found
        self.known = dict(known)
        self.beside = beside

    def read(self, value: object) -> None:
        """Read a node of a syntax tree, a list of them, or another value in a node."""
        if isinstance(value, list):
            for item in value:
                self.read(item)
        elif isinstance(value, IMPORTS):
            self.known.update(imports(value))
        elif isinstance(value, ast.Name | ast.Attribute):
            self.read_name(value)
        elif isinstance(value, ast.Constant):
            self.found.words.append(ascii(value.value))
            if isinstance(value.value, str):
                self.found.words.append(self.beside.get(value.value, ""))
        elif isinstance(value, ast.JoinedStr):
            self.read_fields("JoinedStr", {"values": joined(value.values)})
        elif not isinstance(value, ast.AST):
            self.found.words.append(ascii(value))
        elif not isinstance(value, ast.Pass) and not is_text(value):
            self.read_fields(type(value).__name__, {n: getattr(value, n) for n in value._fields})

    def read_bases(self, bases: list[ast.expr]) -> None:
        """Read the bases of a class; one in our packages is not read whole for that."""
        for base in bases:
            reference, rest = self.resolved(dotted(base))
            if reference[0]:
                self.found.bases.append(reference)
                self.found.words.append(".".join([reference[1] or "module", *rest]))
            else:
                self.read(base)

    def read_fields(self, kind: str, fields: Mapping[str, object]) -> None:
        """Read a node; what is empty is left out, as later Pythons have more of that."""
        self.found.words.append(f"{kind}(")
        for name, value in fields.items():
            if name not in NOT_MEANT and value is not None and value != []:
                self.found.words.append(f"{name}=")
                self.read(value)
        self.found.words.append(")")

    def read_name(self, node: ast.Name | ast.Attribute) -> None:
        """Read a name, or a chain of attributes, which may lead through our modules."""
        path = dotted(node)
        reference, rest = self.resolved(path)
        if reference[0]:
            self.found.reads.append(reference)
            self.found.words.append(".".join([reference[1] or "module", *rest]))
            self.found.attributes.update(rest)
        elif path:
            self.found.words.append(".".join(path))
            self.found.attributes.update(path[1:])
        elif isinstance(node, ast.Attribute):
            self.found.attributes.add(node.attr)
            self.read_fields("Attribute", {"value": node.value, "attr": node.attr})

    def resolved(self, path: list[str]) -> tuple[Reference, list[str]]:
        """Definition that a chain of names refers to, its module "" if none; and its attributes."""
        if not path or path[0] not in self.known:
            return ("", None), path
        (module, name), rest = self.known[path[0]], path[1:]
        while name is None and rest:
            inner = f"{module}.{rest[0]}"
            if file_of(inner) is None:
                return (module, rest[0]), rest[1:]
            module, rest = inner, rest[1:]
        return (module, name), rest


def joined(values: list[ast.expr]) -> list[ast.expr]:
    """The parts of a string with values in it, without empty texts and seams between texts."""
    parts: list[ast.expr] = []
    for value in values:
        last = parts[-1] if parts else None
        if not isinstance(value, ast.Constant):
            parts.append(value)
        elif isinstance(last, ast.Constant):
            parts[-1] = ast.Constant(f"{last.value}{value.value}")  # type: ignore[str-bytes-safe]
        elif value.value:
            parts.append(value)
    return parts


def dotted(node: ast.expr) -> list[str]:
    """The names of a chain such as `a.b.c`; none if it begins with anything but a name."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        path = dotted(node.value)
        return [*path, node.attr] if path else []
    return []


@cache
def texts_beside(folder: Path) -> dict[str, str]:
    """The texts of files of a folder that are not Python, with those that they name."""
    files = [f for f in folder.iterdir() if f.suffix not in {".py", ""} and f.is_file()]
    own = {file.name: without_comments(file) for file in files}
    return {name: "\n".join(own[n] for n in sorted(named(name, own))) for name in own}


def named(name: str, texts: Mapping[str, str]) -> set[str]:
    """A file and all that it names between quotes, directly or not."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += [other for other in texts if f'"{other}"' in texts[one]]
    return found


def without_comments(file: Path) -> str:
    """A file without comments, each line without the space around it; others as they are."""
    code, text = file.read_text(encoding="utf-8", errors="backslashreplace"), ""
    if file.suffix not in COMMENTS:
        return code
    begin, end = COMMENTS[file.suffix]
    while code:
        before, _, rest = code.partition(begin)
        text += before
        code = rest.partition(end)[2]
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)
