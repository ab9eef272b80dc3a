"""The examples reach what they are there for."""

import re
import runpy
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def printed(name, capsys):
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return capsys.readouterr().out


def test_forecast_is_better_than_to_repeat_the_last_week(capsys):
    out = printed("forecast_csv.py", capsys)
    error, repeated = map(float, re.findall(r"\d+\.\d", out))
    assert error < 0.95 * repeated
    week = [int(day) for day in out.splitlines()[1].partition(": ")[2].split()]
    assert len(week) == 7
    weekend, others = week[6:] + week[:1], week[1:6]  # the table ends on a Saturday
    assert min(weekend) > max(others)


def test_own_cell_computes_what_its_equations_say(capsys):
    assert printed("own_cell.py", capsys) == "outputs agree: True\ngradients agree: True\n"


def test_gated_cell_is_ahead_for_every_seed(capsys):
    """An untrained model that tells the mean has an error of 1/6."""
    out = printed("compare_two_cells.py", capsys).splitlines()
    assert float(re.search(r"gru: ([\d.]+)", out[1])[1]) < 0.08
    differences = [float(found) for found in out[2].partition(": ")[2].split()]
    assert len(differences) == 3
    assert min(differences) > 0.05


def test_list_of_the_examples_has_each_file():
    listed = set(re.findall(r"^\| `(\S+)`", (EXAMPLES / "README.md").read_text(), re.MULTILINE))
    assert listed == {file.name for file in EXAMPLES.iterdir() if file.suffix in {".py", ".csv"}}
