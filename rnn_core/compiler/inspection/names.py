"""The names in a function's compiled code, and the code as text."""

import dis
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import CodeType

OF_VARIABLES = ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL")
AFTER_VARIABLES = ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "DELETE_ATTR")
OF_ATTRIBUTES = (*AFTER_VARIABLES, "IMPORT_FROM", "LOAD_SUPER_ATTR")
SKIPPED = ("EXTENDED_ARG", "COPY")  # `x.a += 1` reads a of a copy, and sets it of `x` itself


@dataclass(frozen=True)
class Used:
    """Names that code uses.

    Attributes:
        attributes: Names of attributes, whatever they are attributes of.
        variables: Global variables, each with the chains of attributes that code reads of it:
            `torch.nn.functional.silu` is ("nn", "functional", "silu") of `torch`.
        imports: Modules that it imports, as "name" or, relative to its own, ".name".
    """

    attributes: frozenset[str]
    variables: Mapping[str, frozenset[tuple[str, ...]]]
    imports: frozenset[str]


def names_of(code: CodeType) -> Used:
    """The names in a function's code and in that of the functions inside of it."""
    attributes, imports = set(), set()
    variables: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
    for part in codes(code):
        steps = [step for step in dis.get_instructions(part) if step.opname not in SKIPPED]
        for index, step in enumerate(steps):
            if step.opname in OF_VARIABLES:
                variables[step.argval].add(chain_after(steps, index))
            elif step.opname in OF_ATTRIBUTES:
                attributes.add(step.argval)
            elif step.opname == "IMPORT_NAME":
                imports.add("." * steps[index - 2].argval + step.argval)
    chains = {name: frozenset(found) for name, found in variables.items()}
    return Used(frozenset(attributes), chains, frozenset(imports))


def chain_after(steps: list[dis.Instruction], index: int) -> tuple[str, ...]:
    """The attributes that are read one of another, straight after an instruction."""
    chain = []
    for step in steps[index + 1 :]:
        if step.opname not in AFTER_VARIABLES:
            break
        chain.append(step.argval)
    return tuple(chain)


def codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code and that of the functions inside of it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


def text_of_code(code: CodeType) -> str:
    """Code as text; lines, files and the names of functions do not matter."""
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    constants = [text_of_constant(constant) for constant in code.co_consts]
    return repr((code.co_code.hex(), code.co_exceptiontable.hex(), counts, names, constants))


def text_of_constant(constant: object) -> str:
    """A constant as text that is the same in every process."""
    if isinstance(constant, CodeType):
        return text_of_code(constant)
    if isinstance(constant, tuple):
        return f"({', '.join(map(text_of_constant, constant))})"
    if isinstance(constant, frozenset):
        return f"{{{', '.join(sorted(map(text_of_constant, constant)))}}}"
    return f"{type(constant).__name__} {constant!r}"
