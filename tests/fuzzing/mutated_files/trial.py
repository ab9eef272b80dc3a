"""Results of `gatewise new` and `gatewise predict` for files, without a study."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from flows.commands.predict import Served, answer_each
from flows.own_data.trying import try_out
from mutated_files.corpus import Layout
from rnn_core.errors import GatewiseError
from rnn_core.parameters import parse
from rnn_core.tasks import get_task
from rnn_core.tasks.base.task import Task
from rnn_core.training.models import build_model


class Accepted(NamedTuple):
    """A task for the data, with a model that has learned nothing."""

    task: Task
    model: nn.Module


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Lay files out in a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def accept(layout: Layout, raw: Path) -> Accepted:
    """Go through all that is done with the data before a training.

    Raises:
        GatewiseError: If it is refused.
    """
    kind = get_task(layout.task)
    tried = try_out(kind, raw, layout.wanted)
    told = (*tried.understood.read, *tried.understood.doubts)
    assert tried.understood.read
    assert not [line for line in told if str(raw) in line]
    small: dict[str, Any] = tried.section["model"] | {"hidden_size": 2, "embedding_size": 2}
    known = set(kind.ModelParameters.__dataclass_fields__)
    chosen = {name: value for name, value in small.items() if name in known}
    task = kind(tried.task.meta, parse(kind.ModelParameters, chosen, "", "--set"))
    return Accepted(task, build_model(task, "memoryless").eval())


def answer(accepted: Accepted, given: Path) -> None:
    """Answer what is asked about.

    Raises:
        GatewiseError: If it is refused.
    """
    table = accepted.task.read_input(given)
    parameters = accepted.task.AnswerParameters()
    answer_each(Served(accepted.task, accepted.model), table.tail(50), parameters)


def register(accepted: Accepted, raw: Path) -> None:
    """Answer the example that a model is registered with, which nothing may hinder."""
    parameters = accepted.task.AnswerParameters()
    answered = accepted.task.answer(accepted.model, accepted.task.example(raw), parameters)
    assert len(answered)


def check_refusal(error: GatewiseError, raw: Path) -> None:
    """A refusal says what is wrong in the person's own names."""
    text = str(error)
    assert text.strip()
    assert str(raw) not in text, f"names a folder that the person does not know: {text}"
    assert "Traceback" not in text
    assert "<class" not in text
    assert len(text) < 6000, f"{len(text)} characters: {text[:300]}"
