"""A margin that is changed once the test set was read."""

import pytest
import yaml
from usual_study import SALES, USUAL

from flows.layout import Layout

MOVED = "in the last comparison, which has read the test set"


@pytest.fixture
def told(here, monkeypatch):
    """Texts that a crew is asked to show."""
    found: list[str] = []
    monkeypatch.setattr(type(here), "tell", lambda _, text: found.append(text))
    return found


def write(layout, margin):
    sales = SALES | {"margin": margin}
    parameters = {
        **USUAL,
        "root": ".",
        "study": "moved",
        "seeds": {"first": 1, "most": 1},
        "cells": ["gru"],
        "datasets": {"sales": sales},
    }
    (layout.folder / "params.yaml").write_text(yaml.safe_dump(parameters))


def test_margin_that_was_changed_after_a_comparison_is_told_before_the_next(
    tmp_path, perform, told
):
    layout = Layout(tmp_path)
    rows = (f"2024-01-{1 + i // 24:02} {i % 24:02}:00,{i % 7 + i / 50}\n" for i in range(240))
    (tmp_path / "sales.csv").write_text("date,y\n" + "".join(rows))
    write(layout, 0.25)
    perform(layout, "sales", "ingest", "prepare", "train", "evaluate", "compare", "train")
    assert not [text for text in told if MOVED in text]
    write(layout, 0.5)
    perform(layout, "sales", "train")
    (text,) = (text for text in told if MOVED in text)
    assert text.startswith(f"sales: the margin is 0.5 now, and was 0.25 {MOVED}.")
    layout.comparison("sales").write_text("{")  # as of an older version, which nobody can read
    perform(layout, "sales", "train")
    assert len([text for text in told if MOVED in text]) == 1
