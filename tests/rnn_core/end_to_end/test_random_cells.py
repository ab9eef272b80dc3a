"""300 random cells against the eager loop, as `make fuzz` runs them, and what that remembers."""

import json

from random_cells.fuzz import main


def test_three_hundred_random_cells_are_their_eager_loops(tmp_path, capsys):
    progress = tmp_path / "fuzz.json"
    assert main(["--cells", "300", "--seed", "1", "--progress", str(progress)]) == 0
    assert "seed 1" in capsys.readouterr().out
    kept = json.loads(progress.read_text())
    cells = sum(batch["cells"] for batch in kept["batches"].values())
    checked = sum(batch["checked"] for batch in kept["batches"].values())
    eager = sum(sum(batch["eager"].values()) for batch in kept["batches"].values())
    assert cells >= 300
    assert checked >= 0.09 * cells
    assert eager <= 0.05 * cells
