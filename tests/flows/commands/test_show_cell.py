"""Output of `gatewise cells` about a cell and the compiler's phases."""

import ast
import re
import sys

import pytest
import torch

from flows.commands import cells as catalogue
from flows.commands import main as cli
from flows.commands import show_cell as compilation
from flows.commands.show_cell import STAGES, show
from rnn_core.cells import get_cell
from rnn_core.compiler.cpu import build
from rnn_core.compiler.running.search import form_for

CELLS = ("gru", "lstm_layernorm", "gru_reset_after", "minlstm")


def values(text):
    """Computed values, by name."""
    found = re.findall(r"(v\d+) = (.*?)  \(", text)
    return dict(found)


@pytest.mark.parametrize("name", CELLS)
def test_schedule_computes_each_value_of_the_optimised_form(name):
    form, schedule = values(show(name, "optimised")), values(show(name, "schedule"))
    assert schedule
    assert schedule == {value: form[value] for value in schedule}
    vectors = {value for value, text in form.items() if "weight" in text and "product" not in text}
    assert set(form) - set(schedule) <= vectors


@pytest.mark.parametrize("name", CELLS)
def test_schedule_computes_a_value_before_it_is_read(name):
    forward, backward = re.split(r"^backward.*$", show(name, "schedule"), flags=re.M)
    in_memory = set(re.findall(r"(v\d+) = [^\n]*-> [^\n]*saved", forward))
    for direction, known in ((forward, set()), (backward, in_memory)):
        for line in direction.splitlines():
            for value, operands in re.findall(r"(v\d+) = \w+\((.*?)\)", line):
                assert set(re.findall(r"v\d+", operands)) <= known, line
                known.add(value)


def test_schedule_shows_the_two_dependent_products_of_the_gru():
    forward, backward = re.split(r"^backward.*$", show("gru", "schedule"), flags=re.M)
    first, second = re.split(r"^  stage 1$", forward, flags=re.M)
    assert re.findall(r"product\(state\.h, weight\.(\w)", first) == ["z", "r"]
    (reset,) = re.findall(r"(v\d+) = mul\(v\d+, state\.h\).*saved", first)
    assert f"product({reset}, weight.n" in second
    assert re.search(r"= where\(present, v\d+, state\.h\)  \(B, H\)  -> new 0$", second, re.M)
    assert f"gradient of weight n = sum of {reset}^T v" in backward
    assert len(re.findall(r"product\(.*transposed", backward)) == 3


def test_schedule_puts_reductions_before_the_loop_that_needs_them():
    schedule = show("lstm_layernorm", "schedule")
    mean = re.search(r"(v\d+) = row_sum\((v\d+)\)", schedule)
    assert re.search(rf"before the loop: +v\d+ = div\({mean.group(1)}, hidden_size\)", schedule)
    assert mean.end() < schedule.index(f"div({mean.group(1)}, hidden_size)")


def test_optimised_form_is_shorter_and_folds_additions_into_products():
    form, optimised = show("gru", "form"), show("gru", "optimised")
    assert len(values(optimised)) < len(values(form))
    assert "product(state.h, weight.r, gate.r)" in optimised
    assert "product(state.h, weight.r)" in form
    assert "new state h = v" in form


def test_c_is_what_the_compiler_is_given(monkeypatch, tmp_path):
    given, compiled = [], build.compiled
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(build, "LIBRARIES", {})
    monkeypatch.setattr(
        build, "compiled", lambda text, name: (given.append(text), compiled(text, name))[1]
    )
    assert form_for(get_cell("mgu"), build.library, torch.float32) is not None
    assert show("mgu", "c") == given[0]
    assert given[0].startswith("#define REAL float\n")


def test_triton_is_python_with_the_products_of_both_directions():
    functions = {
        node.name: [ast.unparse(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)]
        for node in ast.parse(show("gru", "triton")).body
        if isinstance(node, ast.FunctionDef)
    }
    products = {name: calls.count("product") for name, calls in functions.items()}
    assert products == {"forward": 3, "backward": 3}


def test_docs_are_the_docstring():
    assert show("gru", "docs") == catalogue.docstring(get_cell("gru"))
    assert "z_t = sigmoid(W_z x_t + U_z h_{t-1} + b_z)" in show("gru", "docs")


@pytest.fixture
def gatewise(monkeypatch, capfd):
    """Calls the command line; returns what it prints and its exit code."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["gatewise", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capfd.readouterr()
        return printed.out + printed.err, ended.value.code

    return call


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["grru"], "error: unknown cell 'grru'; did you mean 'gru'?\n"),
        (
            ["gru", "--stage", "optimized"],
            "error: unknown stage 'optimized'; did you mean 'optimised'?\n",
        ),
        (
            ["gru", "--stage", "llvm"],
            "error: unknown stage 'llvm'; known: c, docs, form, optimised, schedule, triton\n",
        ),
    ],
)
def test_mistake_is_one_line_with_the_nearest_name(gatewise, arguments, message):
    assert gatewise("cells", "show", *arguments) == (message, 1)


def test_commands_print(gatewise):
    assert gatewise("cells", "show", "mgu") == (f"{show('mgu', 'docs')}\n", 0)
    assert gatewise("cells", "show", "mgu", "--stage", "form") == (f"{show('mgu', 'form')}\n", 0)
    listed = catalogue.listing(7, 9)
    assert gatewise("cells", "list", "--input-size", "7", "--hidden-size", "9") == (
        f"{listed}\n",
        0,
    )


def test_help_of_the_command_names_every_stage(gatewise):
    text, code = gatewise("cells", "show", "--help")
    assert code == 0
    assert all(stage in text for stage in STAGES)
    assert compilation.STAGES is STAGES
