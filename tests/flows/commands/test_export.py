"""A model's file for other programs computes what the model does, or is not written."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from good_files import lay_out

from flows.commands.export import told
from rnn_core.errors import ParameterError, StudyError
from rnn_core.features.subwords import END, START
from rnn_core.models import exporting
from rnn_core.models.ensemble import ensemble
from rnn_core.models.exporting import TOLERANCE, example, export_onnx
from rnn_core.models.ports import Port, Ports
from rnn_core.parameters import parse
from rnn_core.tasks import REGISTRY, get_task
from rnn_core.training.models import build_model


def prepared(name, folder, cell, members=1, **parameters):
    """A task on small raw files, and untrained models as one, whose weights are no small ones."""
    asked = lay_out(name, folder)
    kind = get_task(name)
    _, meta = kind.prepare(folder, parse(kind.DataParameters, asked, ""))
    again = kind.Meta.from_json(json.loads(json.dumps(meta.to_json())))
    task = kind(again, kind.ModelParameters(hidden_size=4, **parameters))
    model = ensemble([build_model(task, cell).eval() for _ in range(members)])
    for parameter in model.parameters():
        parameter.data.mul_(3.0)
    return task, model


def run(file, **given):
    session = onnxruntime.InferenceSession(file)
    return session.run(None, {name: np.asarray(value) for name, value in given.items()})


CELLS = dict.fromkeys(REGISTRY, "gru") | {"translation": "lstm_coupled", "text_generation": "lstm"}


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.one_in(4)
def test_every_task_exports_for_any_batch_and_length(tmp_path, name, members):
    task, model = prepared(name, tmp_path / "raw", CELLS[name], members)
    file = tmp_path / "model.onnx"
    exported = export_onnx(model, file, {"gatewise.meta": task.meta.to_json()})
    assert exported.difference <= TOLERANCE
    arguments = example(exported.ports, smallest=4)
    flat = torch.utils._pytree.tree_leaves(arguments)
    names = [port.name for port in exported.ports.flat_inputs()]
    outputs = run(file, **dict(zip(names, flat, strict=True)))
    expected = torch.utils._pytree.tree_leaves(model(*arguments))
    for ours, theirs in zip(expected, outputs, strict=True):
        np.testing.assert_allclose(theirs, ours.detach().numpy(), rtol=1e-5, atol=1e-5)
    graph = onnx.load(file)
    assert [value.name for value in graph.graph.input] == names
    assert [value.name for value in graph.graph.output] == [
        port.name for port in exported.ports.outputs
    ]
    notes = {entry.key: json.loads(entry.value) for entry in graph.metadata_props}
    assert type(task.meta).from_json(notes["gatewise.meta"]) == task.meta
    assert all(name in told(exported) for name in names)


def test_a_forecast_is_made_from_the_file_and_its_notes(tmp_path):
    task, model = prepared("forecasting", tmp_path / "raw", "mgu")
    file = tmp_path / "model.onnx"
    export_onnx(model, file, {"gatewise.meta": task.meta.to_json()})
    table = task.example(tmp_path / "raw")
    answer = task.answer(model, table, task.AnswerParameters())
    (note,) = onnx.load(file).metadata_props
    meta = json.loads(note.value)
    past = table[meta["columns"]].to_numpy()[-meta["parameters"]["lookback"] :]
    (scale,) = meta["series"]
    scaled = ((past - scale["mean"]) / scale["std"]).astype("float32")
    (forecast,) = run(file, past=scaled[None])
    targets = meta["parameters"]["targets"]
    ours = (
        forecast[0] * meta["series"][0]["std"][: len(targets)]
        + meta["series"][0]["mean"][: len(targets)]
    )
    np.testing.assert_allclose(ours, answer[targets].to_numpy(), rtol=1e-5)


def test_a_translation_is_written_piece_by_piece(tmp_path):
    """By the loop that the command tells; the model starts to translate with few weights."""
    task, model = prepared("translation", tmp_path / "raw", "gru", beam_size=1)
    file = tmp_path / "model.onnx"
    export_onnx(model, file, {"gatewise.meta": task.meta.to_json()})
    notes = {entry.key: json.loads(entry.value) for entry in onnx.load(file).metadata_props}
    text = "the dog sees the cat."
    pieces = [*task.subwords.encode([text])[0], END]
    source = torch.tensor([pieces])
    before = [START]
    for _ in range(8):
        given = {"pieces": source, "lengths": [len(pieces)], "before": [before]}
        (logits,) = run(file, **given)
        expected = model(source, torch.tensor([len(pieces)]), torch.tensor([before]))
        np.testing.assert_allclose(logits, expected.detach().numpy(), rtol=1e-5, atol=1e-5)
        before.append(notes["gatewise.written"][logits[0, -1].argmax()])


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("start", ["zeros", "learned"])
@pytest.mark.one_in(2)
def test_a_text_goes_on_from_the_state_that_came_out(tmp_path, start, members):
    folder = tmp_path / "raw"
    task, model = prepared("text_generation", folder, "lstm", members, initial_state=start)
    for name, parameter in model.named_parameters():
        if name.endswith(".start"):
            torch.nn.init.normal_(parameter)
    file = tmp_path / "model.onnx"
    export_onnx(model, file, {})
    notes = {entry.key: json.loads(entry.value) for entry in onnx.load(file).metadata_props}
    tokens = torch.arange(7) % len(task.vocabulary)
    numbers = [""] if members == 1 else [f"_{number + 1}" for number in range(members)]
    names = [f"{name}{number}" for number in numbers for name in ("h", "c")]
    state = {
        f"first_{name}": np.zeros((1, 1, 4), "float32")
        if start == "zeros"
        else np.array(notes[f"gatewise.start_{name}"], "float32")[:, None]
        for name in names
    }
    parts = []
    for part in tokens.split(3):
        logits, *after = run(file, tokens=part[None], **state)
        state = {f"first_{name}": value for name, value in zip(names, after, strict=True)}
        parts.append(logits)
    expected = model(tokens[None])[0].detach().numpy()
    np.testing.assert_allclose(np.concatenate(parts, axis=1), expected, rtol=1e-5, atol=1e-5)


class Unfaithful(torch.nn.Module):
    """Is another model while it is exported."""

    def forward(self, x):
        return x + 1e-3 if torch.compiler.is_exporting() else x

    def ports(self):
        x, y = (Port(name=name, meaning="numbers", shape=("batch", 3)) for name in "xy")
        return Ports(inputs=(x,), outputs=(y,), apart="nothing")


def test_what_onnxruntime_computes_otherwise_is_not_written(tmp_path):
    file = tmp_path / "model.onnx"
    file.write_text("what was there")
    with pytest.raises(StudyError, match=r"differ from the model's by 1\.0e-03"):
        export_onnx(Unfaithful().eval(), file, {})
    assert file.read_text() == "what was there"
    assert list(tmp_path.iterdir()) == [file]


class Undefined(Unfaithful):
    """Gives what is no number while it is exported."""

    def forward(self, x):
        return x / 0 * 0 if torch.compiler.is_exporting() else x


def test_what_is_no_number_is_a_difference(tmp_path):
    with pytest.raises(StudyError, match="differ from the model's by nan"):
        export_onnx(Undefined().eval(), tmp_path / "model.onnx", {})


def test_a_missing_package_is_told_with_the_line_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "find_spec", lambda name: None if name == "onnx" else name)
    with pytest.raises(ParameterError, match=r"needs onnx; .*: pip install '\.\[onnx\]'"):
        export_onnx(Unfaithful(), tmp_path / "model.onnx", {})
