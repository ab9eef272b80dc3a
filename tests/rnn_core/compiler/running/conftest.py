"""Kernels and programs, noted as they run."""

import pytest

from rnn_core.compiler.cpu import operators
from rnn_core.compiler.gpu import operators as programs


@pytest.fixture
def runs(monkeypatch):
    """The names of the kernels and programs that run."""
    made = []

    def noted(genuine, name_of):
        def function(*arguments):
            made.append(name_of(*arguments))
            return genuine(*arguments)

        return function

    of_kernel, of_program = (lambda _, direction, *__: direction), (lambda *_: "program")
    monkeypatch.setattr(operators, "run", noted(operators.run, of_kernel))
    monkeypatch.setattr(programs, "launch", noted(programs.launch, of_program))
    return made
