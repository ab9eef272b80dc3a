"""The C code: what is asked of memory is what is used, and numbers arrive as they are."""

import math
import re
import subprocess

import pytest
import torch

from rnn_core.compiler.cpu.build import FLAGS, find_compiler, whole_text
from rnn_core.compiler.cpu.emit import emit
from rnn_core.compiler.cpu.stages import constant


@pytest.mark.parametrize(
    "number", [0.1, 1 / 3, -2.5, 1e300, 5e-324, 3.0, math.inf, -math.inf, math.nan]
)
def test_constant_in_c_is_the_same_number(number, tmp_path):
    source, program = tmp_path / "a.c", tmp_path / "a"
    source.write_text(
        "#include <stdio.h>\n#include <math.h>\n#define REAL double\n"
        f'int main(void) {{ printf("%.17g", {constant(number)}); return 0; }}\n'
    )
    subprocess.run([*find_compiler(), source, "-o", program, "-lm"], check=True)
    done = subprocess.run([program], check=True, capture_output=True, text=True)
    value = float(done.stdout)
    assert value == number or (math.isnan(value) and math.isnan(number))


@pytest.mark.parametrize("cell", ["lru"], indirect=True)
def test_functions_of_weights_alone_are_computed_once_a_call(schedule):
    """And not again for every sequence of every step."""
    lines = emit(schedule).code.splitlines()
    functions = re.compile(r"\b(exp|sin|cos)_\(")
    called = [number for number, line in enumerate(lines) if functions.search(line)]
    assert len(called) >= 2 * 5, "both directions need them"
    rows, depth = set(), None
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if depth is not None and indent <= depth and line.strip() == "}":
            depth = None
        if depth is None and line.strip().startswith("for (integer r = 0"):
            depth = indent
        if depth is not None:
            rows.add(number)
    assert rows
    assert not rows.intersection(called)


@pytest.mark.parametrize("cell", ["gru", "Attention", "lru"], indirect=True)
def test_code_reads_and_writes_nothing_but_what_it_is_given(schedule, cell, kernels, tmp_path):
    """Every argument lies in memory of its exact size, watched by the compiler's sanitizers."""
    source = emit(schedule)
    case = kernels.draw(cell, T=3, B=7, I=3, H=5)
    text = whole_text(source.code, torch.float32) + driver(source, case, schedule)
    path, program = tmp_path / "a.c", tmp_path / "a"
    path.write_text(text)
    flags = [flag for flag in FLAGS if flag not in ("-shared", "-O3")]
    command = [*find_compiler(), *flags, "-O1", "-fsanitize=address,undefined", "-DMAIN"]
    built = subprocess.run(
        [*command, path, "-o", program, "-lm"], capture_output=True, text=True, check=False
    )
    if "cannot find" in built.stderr:
        pytest.skip("the compiler has no sanitizers")
    assert built.returncode == 0, built.stderr
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "runtime error" not in done.stderr
    sums = [float(number) for number in done.stdout.split()]
    assert all(map(math.isfinite, sums))


def sizes(case, schedule):
    """Numbers of elements of all tensors that a kernel is given."""
    T, B, I = case.x.shape
    H, G = case.states[0].shape[1], len(case.cell.gates)
    saved = T * B * (len(schedule.saved_rows) * H + len(schedule.saved_columns))
    known = {"x": T * B * I, "input_weight": G * H * I, "input_bias": G * H, "saved": saved}
    known |= {"x_gradient": T * B * I, "input_weight_gradient": G * H * I}
    known |= {"input_bias_gradient": G * H}
    for name in case.cell.states:
        known |= {f"{kind}_{name}": T * B * H for kind in ("all", "seen")}
        known |= {f"{kind}_{name}": B * H for kind in ("first", "last", "first_gradient")}
    for name, weight in zip(case.cell.weights, case.weights[2:], strict=True):
        known |= {f"{kind}_{name}": weight.numel() for kind in ("weight", "weight_gradient")}
    return known


def driver(source, case, schedule):
    """A main function that calls both directions on memory from `malloc`."""
    T, B, I = case.x.shape
    H = case.states[0].shape[1]
    plain = {"T": T, "B": B, "I": I, "H": H, "threads": 1, "block": 8, "reverse": 0, "whole": 1}
    plain |= {"x_step": B * I, "x_sequence": I, "present": 0}
    plain |= {f"seen_step_{name}": B * H for name in case.cell.states}
    plain |= {f"seen_sequence_{name}": H for name in case.cell.states}
    known = sizes(case, schedule)
    lines = ["#include <stdio.h>", "#include <stdlib.h>", "int main(void) {"]
    for name, count in known.items():
        lines.append(f"REAL *{name} = malloc(sizeof(REAL) * {count});")
        lines.append(f"for (int i = 0; i < {count}; i++) {name}[i] = 0.01 * (i % 37) - 0.1;")
    for direction, names in (("forward", source.forward), ("backward", source.backward)):
        values = [
            str(plain[n]) if n in plain else "0" if n == "workspace" else f"(integer){n}"
            for n in names
        ]
        lines.append(f"integer {direction}_a[] = {{{', '.join(values)}}};")
        lines.append(f"integer {direction}_n = {direction}_workspace({direction}_a);")
        lines.append(
            f"REAL *{direction}_w = aligned_alloc(64, "
            f"({direction}_n * sizeof(REAL) + 63) / 64 * 64);"
        )
        lines.append(f"{direction}_a[{len(names) - 1}] = (integer){direction}_w;")
        lines.append(f"{direction}({direction}_a);")
        lines.append(f"free({direction}_w);")
    lines.append("double sum = 0;")
    for name, count in known.items():
        lines.append(f"for (int i = 0; i < {count}; i++) sum += {name}[i];")
        lines.append(f"free({name});")
    return "\n".join([*lines, 'printf("%.9g", sum);', "return 0;", "}", ""])


def test_arguments_are_declared_once_and_all_used(schedule):
    source = emit(schedule)
    for names in (source.forward, source.backward):
        assert len(set(names)) == len(names)
    assert source.forward[-1] == source.backward[-1] == "workspace"
