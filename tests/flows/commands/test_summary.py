"""What a run ends with names things so that they can be copied, on a narrow terminal too."""

import pytest
from rich.console import Console

from flows.commands.summary import Row, in_lines, row, terminal_table
from flows.layout import REPOSITORY, Layout

ROW = Row(
    dataset="free_spoken_digits_speakers",
    champion="rnn_tanh-113",
    decision="provisional: more seeds and 87 times the items needed",
    test_score="0.8297 ± 0.088 accuracy",
    registered_seed="0.722",
    ahead="0.0093 worse than memoryless-1947",
    cost="1,324,632 MACs",
    model="benchmark.free_spoken_digits_speakers v1",
)


def printed(entry, width):
    console = Console(width=width)
    with console.capture() as captured:
        console.print(terminal_table([entry]))
    return captured.get()


@pytest.mark.parametrize("width", [80, 120])
def test_names_are_not_folded(width):
    shown = printed(ROW, width)
    lines = shown.splitlines()
    assert len(lines) <= 6, shown
    for name in (ROW.dataset, ROW.champion, ROW.model, "memoryless-1947"):
        assert any(name in line for line in lines), shown


def test_dataset_without_a_champion_says_why():
    entry = Row("sums", "none", "no candidate has finished all seeds", "", "", "", "", "")
    assert printed(entry, 80).split() == ["sums", "none,", *entry.decision.split()]


@pytest.mark.parametrize(("promotions", "shown"), [({}, "model not registered"), (None, "")])
def test_model_is_told_where_the_registry_was_asked(promotions, shown):
    entry = row("agreement", Layout(REPOSITORY), promotions)
    lines = [line for line in in_lines(entry) if line.startswith("model")]
    assert lines == [shown] * bool(shown)
