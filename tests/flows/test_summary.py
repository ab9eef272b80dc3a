"""What a run ends with names things so that they can be copied, on a narrow terminal too."""

import pytest
from rich.console import Console

from flows.summary import Row, terminal_table

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


def printed(row, width, **how):
    console = Console(width=width)
    with console.capture() as captured:
        console.print(terminal_table([row], **how))
    return captured.get()


@pytest.mark.parametrize("width", [80, 120])
def test_names_are_not_folded(width):
    shown = printed(ROW, width)
    lines = shown.splitlines()
    assert len(lines) <= 6, shown
    for name in (ROW.dataset, ROW.champion, ROW.model, "memoryless-1947"):
        assert any(name in line for line in lines), shown


def test_dataset_without_a_champion_says_why():
    row = Row("sums", "none", "no candidate has finished all seeds", "", "", "", "", "")
    assert printed(row, 80).split() == ["sums", "none,", *row.decision.split()]


def test_models_are_left_out_where_the_registry_was_not_asked():
    assert ROW.model in printed(ROW, 120)
    assert ROW.model not in printed(ROW, 120, with_model=False)
