"""The table of a run names things so that they can be copied."""

import pytest
from rich.console import Console

from flows.summary import Row, terminal_table

ROW = Row(
    dataset="agreement",
    champion="lstm-64",
    decision="provisional: 4 seeds needed",
    test_score="0.241 ± 0.0045 nats_per_token",
    registered_seed="0.2376",
    ahead="0.013 better than gru-64",
    cost="20,480 MACs",
    model="sample.agreement v1",
)


@pytest.mark.parametrize("width", [80, 120])
def test_names_are_not_folded(width):
    console = Console(width=width)
    with console.capture() as printed:
        console.print(terminal_table([ROW]))
    lines = printed.get().splitlines()
    for name in (ROW.dataset, ROW.champion, ROW.model):
        assert any(name in line for line in lines), printed.get()
