"""Files as people bring them: what `gatewise new` says of them, and what is answered then."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest
import torch

from flows.commands.new import aligned_setting, forecasting_settings, target_setting
from flows.commands.predict import Served, answer_each
from flows.own_data.copying import check_data, copy_data
from flows.own_data.settings import read_settings
from flows.own_data.trying import try_out
from rnn_core.errors import GatewiseError
from rnn_core.tasks import get_task
from rnn_core.training.models import build_model


@dataclass
class Brought:
    """Result of some files.

    Attributes:
        told: All lines that were printed, or the refusal.
        task: None where they were refused.
        data: The file or folder.
    """

    told: str
    task: Any
    data: Any

    def answer(self, asked=None):
        """The answer to a file or folder, and what could not be answered."""
        return self.answer_of(self.task.read_input(asked or self.data))

    def answer_of(self, table, **asked):
        """The answer of a model without training to a table."""
        torch.manual_seed(0)
        served = Served(self.task, build_model(self.task, "gru").eval())
        return answer_each(served, table, self.task.AnswerParameters(**asked))


@pytest.fixture
def bring(tmp_path):
    """Lay files down, and do with them what `gatewise new` does before it lays out a study."""

    def brought(task, files, targets=(), series=None, sets=()):
        folder = tmp_path / "given"
        write(folder, files)
        data = [folder] if len(files) > 1 else [folder / name for name in files]
        if task == "translation" and len(files) == 2:
            data = [folder / name for name in files]
        try:
            check_data(tmp_path / "study", data)
            wanted = aligned_setting(task, data) | target_setting(task, list(targets))
            wanted |= forecasting_settings(task, series, ()) | read_settings(sets)
            copy_data(data, tmp_path / "source")
            tried = try_out(get_task(task), tmp_path / "source", wanted)
        except GatewiseError as error:
            return Brought(str(error), None, None)
        lines = [*tried.understood.read, *(f"note: {line}" for line in tried.understood.doubts)]
        return Brought("\n".join(lines), tried.task, data[0] if len(data) == 1 else folder)

    return brought


@pytest.fixture
def refuse(bring):
    """Files are refused, with the cause that is expected."""

    def check(task, files, message, **asked):
        files = files if isinstance(files, dict) else {"f.csv": files}
        brought = bring(task, files, **asked)
        assert brought.task is None
        assert message in brought.told

    return check


@pytest.fixture
def read_rightly(bring):
    """Tables are described, and answered: from the file as it is, and from its last rows alone."""

    def check(files, told, first):
        given = files if isinstance(files, dict) else {"f.csv": files}
        brought = bring("forecasting", given, ["y"])
        assert told in brought.told
        answer, _ = brought.answer()
        assert answer[brought.task.meta.parameters.date][0] == pd.Timestamp(first)
        table = brought.task.read_input(brought.data)
        recent = table.iloc[-brought.task.meta.lookback - 20 :]
        again, _ = brought.answer_of(recent)
        pd.testing.assert_frame_equal(again, answer)

    return check


@pytest.fixture
def understood(bring):
    """Recordings are described, in lines that `|` parts."""

    def check(task, files, told):
        brought = bring(task, files)
        for line in told.split("|"):
            assert line in brought.told

    return check


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder
