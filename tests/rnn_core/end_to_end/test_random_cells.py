"""40 random cells against the eager loop, as `make fuzz` runs them, and what that remembers."""

import json

import pytest
from random_cells.fuzz import main


@pytest.mark.thorough
def test_forty_random_cells_are_their_eager_loops(tmp_path, capsys):
    progress = tmp_path / "fuzz.json"
    options = ["--cells", "40", "--seed", "1", "--progress", str(progress)]
    assert main([*options, "--flag=-O1"]) == 0  # which compiles in half of the time
    assert "seed 1" in capsys.readouterr().out
    kept = json.loads(progress.read_text())
    cells = sum(batch["cells"] for batch in kept["batches"].values())
    checked = sum(batch["checked"] for batch in kept["batches"].values())
    eager = sum(sum(batch["eager"].values()) for batch in kept["batches"].values())
    assert cells >= 40
    assert checked >= 0.07 * cells
    assert eager <= 0.05 * cells


def test_process_that_crashes_is_a_finding(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.executable", "/bin/false")
    assert main(["--cells", "50", "--progress", str(tmp_path / "fuzz.json")]) == 1
    assert "the process ended with code 1" in capsys.readouterr().out
