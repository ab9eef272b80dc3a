"""The kernel of a cell: sought once, and again when something that its step reads has changed.

A cell is read (see `inspection`); what it consists of leads to its form, in the cache or by
tracing its step; and the form to its kernel.
"""

import platform
import warnings
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from rnn_core import cache
from rnn_core.cache import CacheError
from rnn_core.cells.base import Cell
from rnn_core.compiler.cpu.build import (
    BuildError,
    building,
    check_type,
    digest,
    kernel_from,
    package_digest,
)
from rnn_core.compiler.inspection.code import Reading, read
from rnn_core.compiler.inspection.guards import Guards, UnreadableError
from rnn_core.compiler.inspection.probe import InconstantError, check_constant
from rnn_core.compiler.packing import pack
from rnn_core.compiler.torch_internals import LackingError, check_known

MOST_TRIES = 3
"""Number of tries after failures that may be temporary."""

Make = Callable[[str, torch.dtype], Any]
"""Makes what runs a form with a type, or finds it made."""


@dataclass(frozen=True)
class Answer:
    """Result of a search.

    Attributes:
        form: The packed form of a cell that has a kernel; None: it has none.
        guards: What has to be as it was for this to be true.
        tries: How often it was sought, if the reason for not finding it may pass.
    """

    form: str | None
    guards: Guards
    tries: int = MOST_TRIES

    def holds(self) -> bool:
        """Return whether it need not be sought again."""
        return self.tries >= MOST_TRIES and self.guards.changed() is None


Question = tuple[Make, torch.dtype, torch.dtype]
"""A search: cell, type and type of new tensors."""


class Answers(dict[Question, Answer]):
    """All answers for a cell.

    They lie with the cell, since they hold on to what it holds, and perhaps to the cell itself;
    a copy of the cell starts without any.

    Args:
        cell: The cell.

    Attributes:
        variables: Functions that return the variables that its step reads.
    """

    def __init__(self, cell: Cell | None = None) -> None:
        super().__init__()
        self.variables: dict[str, Callable[[], Any]] = {}
        self.owner = None if cell is None else weakref.ref(cell)

    def __reduce__(self) -> tuple[type["Answers"], tuple[()]]:
        return Answers, ()


def answers_of(cell: Cell) -> Answers:
    """The answers for a cell."""
    answers = getattr(cell, "_answers", None)
    if answers is None or answers.owner is None or answers.owner() is not cell:
        answers = Answers(cell)
        object.__setattr__(cell, "_answers", answers)  # its class may forbid assignments
    return answers


FORMS: dict[str, str] = {}
"""Packed forms by the names of their files."""

warned: set[str] = set()


def form_for(cell: Cell, make: Make, dtype: torch.dtype) -> str | None:
    """The packed form of a cell that has a kernel; None, with a warning, if it has none.

    Args:
        cell: The cell.
        make: What makes the kernel from that.
        dtype: Type of all tensors.
    """
    try:
        check_known()
        return answer_for(cell, make, dtype).form
    except LackingError as error:
        warn_of_loop(str(error))
        return None


def answer_for(cell: Cell, make: Make, dtype: torch.dtype) -> Answer:
    """Find what can run a cell, or return what was found before.

    Raises:
        LackingError: If this PyTorch cannot be used to find it out.
    """
    question = (make, dtype, torch.get_default_dtype())
    answer = answers_of(cell).get(question)
    if answer is None or not answer.holds():
        with building():
            answers = answers_of(cell)
            answer = answers.get(question)
            if answer is None or not answer.holds():
                answer = answers[question] = sought(cell, question, answer)
    return answer


def sought(cell: Cell, question: Question, before: Answer | None) -> Answer:
    """Seek a cell's kernel, and say why if there is none."""
    make, dtype, _ = question
    guards = Guards()
    try:
        check_type(dtype)
        reading = read(cell)
        guards = reading.guards
        form = form_of(cell, dtype, reading)
        make(form, dtype)
        return Answer(form, guards)
    except UnreadableError as error:
        guards, reason, passing = error.guards, str(error), False
    except BuildError as error:
        reason, passing = str(error), error.passing
    warn_of_loop(reason, cell)
    tries = 1 if before is None or before.tries >= MOST_TRIES else before.tries + 1
    return Answer(None, guards, tries if passing else MOST_TRIES)


def form_of(cell: Cell, dtype: torch.dtype, reading: Reading) -> str:
    """The packed form of a cell, from the cache or by tracing.

    Raises:
        BuildError: If the cell cannot be traced, or is not the same each time.
    """
    versions = (torch.__version__, platform.python_version(), package_digest())
    types = (str(dtype), str(torch.get_default_dtype()))
    name = digest("form", reading.text, *types, *versions) + ".form"
    if name not in FORMS:
        found = cache.read(name)
        form = found.decode() if found is not None else traced_again(cell, dtype, reading)
        kernel_from(form)
        if found is None:
            keep(name, form)
        FORMS[name] = form
    return FORMS[name]


def keep(name: str, form: str) -> None:
    """Put a form into the cache.

    Raises:
        BuildError: If there is no folder for it.
    """
    try:
        cache.write(name, form.encode())
    except CacheError as error:
        raise BuildError(str(error)) from error


def traced_again(cell: Cell, dtype: torch.dtype, reading: Reading) -> str:
    """Trace a cell, and once more if an accident may have come between; see `traced`."""
    try:
        return traced(cell, dtype, reading)
    except BuildError as error:
        if not error.passing:
            raise
        return traced(cell, dtype, reading)


def traced(cell: Cell, dtype: torch.dtype, reading: Reading) -> str:
    """Trace a cell.

    Raises:
        BuildError: If that cannot be done, or the cell is not the same each time.
    """
    # The tracer takes a second to import; a form from the cache never needs it.
    from rnn_core.compiler import pipeline  # noqa: PLC0415
    from rnn_core.compiler.reader import UnsupportedError  # noqa: PLC0415

    try:
        check_constant(cell, dtype, reading.guards)
        form = pipeline.form_of(cell, dtype)
    except InconstantError as error:
        raise BuildError(str(error)) from error
    except UnsupportedError as error:
        raise BuildError(str(error), passing=error.passing) from error
    changed = reading.guards.changed()
    if changed is not None:
        raise BuildError(
            f"{changed.changed_part()} was changed while its step was traced", passing=True
        )
    return pack(form)


def warn_of_loop(reason: str, cell: Cell | None = None) -> None:
    """Say once why a cell, or any, runs without a kernel."""
    runs = "cells run" if cell is None else f"{type(cell).__name__} runs"
    warn(f"{runs} in the eager loop, which is slower: {reason}")


def warn(message: str) -> None:
    """Warn once."""
    if message not in warned:
        warned.add(message)
        warnings.warn(message, RuntimeWarning, stacklevel=2)
