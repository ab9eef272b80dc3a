"""Promises of every task: its files are separated by role, and its meta survives JSON."""

import json
import subprocess
import sys

import pytest
from good_files import lay_out

from rnn_core.parameters import parse
from rnn_core.tasks import REGISTRY, get_task
from rnn_core.training.prepared import read_prepared, write_prepared

FILES = ("parameters", "prepare", "suggest", "understand")
LEARNING = ("rnn_core.models", "rnn_core.layers.recurrent", "rnn_core.compiler", "rnn_core.cells")


def test_what_prepares_is_imported_without_what_learns():
    prepares = [f"rnn_core.tasks.{name}.{file}" for name in REGISTRY for file in FILES]
    program = "import sys; from importlib import import_module\n"
    program += f"for name in {prepares}: import_module(name)\n"
    program += "print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert set(prepares) <= loaded
    assert not {name for name in loaded if name.startswith(LEARNING)}
    assert not {name for name in loaded if name.endswith((".learn", ".serve", ".show", ".task"))}


def prepared(name, folder):
    """A task, and what it prepares of the small files of its table."""
    parameters = lay_out(name, folder)
    kind = get_task(name)
    return kind, kind.prepare(folder, parse(kind.DataParameters, parameters, ""))


@pytest.mark.parametrize("name", REGISTRY)
def test_meta_is_read_as_it_was_written(tmp_path, name):
    kind, (data, meta) = prepared(name, tmp_path / "raw")
    write_prepared(tmp_path, data, meta)
    again, found = read_prepared(tmp_path, kind)
    assert found == meta
    assert isinstance(found, kind.Meta)
    assert again.keys() == data.keys()
    assert json.loads((tmp_path / "meta.json").read_text()) == json.loads(
        json.dumps(found.to_json())
    )
