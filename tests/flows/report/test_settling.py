"""Advice on what would settle an open decision."""

from dataclasses import replace

import pytest

from flows.report.answer import answer
from flows.report.settling import needed, wanted
from rnn_core.comparison.outcome import Need, read_comparison


@pytest.mark.parametrize(
    ("seeds", "items", "said"),
    [
        (1, 1.0, "{more} random seeds"),
        (1, 4.0, "{more} random seeds and 4 times the validation items"),
        (0, 4.0, "4 times the validation items, with the {there} random seeds that there are"),
        (-1, 2.5, "2.5 times the validation items, with the {there} random seeds that there are"),
    ],
)
def test_no_seeds_are_asked_for_that_are_there(made_up, seeds, items, said):
    """With 10 seeds trained, the advice was: 10 random seeds and twice the items."""
    close = read_comparison(made_up.comparison("close"))
    there = len(close.recommended.result.seeds)
    need = Need(seeds=there + seeds, items=items, least=2.0, most=8.0)
    found = replace(close, decision=replace(close.decision, why="too_close", need=need))
    said = said.format(more=there + seeds, there=there)
    assert wanted(found) == said
    assert answer(found).to_decide == f"roughly {said}"
    assert needed(found).startswith(f"It is open; about {said} would probably settle it.")
