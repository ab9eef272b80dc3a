"""What a comparison refuses to begin with."""

from types import SimpleNamespace

import pytest

from flows.layout import Layout
from flows.stages.compare import check_cells
from rnn_core.errors import StudyError


def test_what_dvc_keeps_beside_evaluations_is_not_left_over(tmp_path):
    """In a git repository, DVC writes a .gitignore beside each output."""
    layout, study = Layout(tmp_path), SimpleNamespace(cells_of=lambda _: ["gru"])
    folder = layout.evaluation("prices", "gru").parent
    for name in ("gru", "lstm"):
        (folder / name).mkdir(parents=True)
    (folder / ".gitignore").write_text("/gru\n")
    layout.reference("prices").touch()
    with pytest.raises(StudyError, match="has lstm, which"):
        check_cells(layout, study, "prices")
    (folder / "lstm").rmdir()
    check_cells(layout, study, "prices")
