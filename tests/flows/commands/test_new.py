"""Lines of `gatewise new` about the data that it read."""

import pandas as pd

from flows.commands.new import new_study
from rnn_core.study import Seeds


def test_names_as_long_as_a_file_are_shown_in_part(tmp_path):
    days = pd.date_range("2024-01-01", periods=60)
    frame = pd.DataFrame({"date": days, "y": range(60), "z" * 9000: range(60)})
    frame.to_csv(tmp_path / "t.csv", index=False)
    lines = new_study(
        tmp_path / "study",
        "forecasting",
        [tmp_path / "t.csv"],
        targets=["y"],
        series=None,
        future=[],
        settings=[],
        cells=["gru"],
        sizes=["16"],
        seeds=Seeds(first=3, most=10),
    )
    assert any(line.startswith("  predicted: y; not read: zzz") for line in lines)
    assert max(map(len, lines)) < 800
