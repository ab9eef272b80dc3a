"""What the digest of code covers."""

import pytest

from rnn_core.provenance import source_files


def test_code_that_trains_is_among_what_its_modules_stand_on():
    names = {file.name for file in source_files("rnn_core.training.loop", "rnn_core.cells.lstm")}
    assert {"loop.py", "lstm.py", "recurrent.py", "trace.py", "kernel.c"} <= names
    assert "lstm_peephole.py" not in names


@pytest.mark.parametrize("name", ["rnn_core.training", "rnn_core.cells.lstn", "flows.layout"])
def test_module_that_is_no_file_is_refused(name):
    """A digest that leaves code out would call a training up to date that is not."""
    with pytest.raises(ModuleNotFoundError, match=f"{name} is no file of rnn_core"):
        source_files("rnn_core.training.loop", name)
