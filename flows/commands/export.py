"""`gatewise export`: write the network of a registered model for other programs."""

import sys
from pathlib import Path

from flows.commands.predict import load
from rnn_core.errors import ParameterError
from rnn_core.models.exporting import Exported, export_onnx
from rnn_core.models.ports import Port


def export(model: str, file: Path) -> None:
    """Write a model's network as an ONNX file, and describe its inputs and outputs.

    Raises:
        ParameterError: If the model, the folder or a package for the export does not exist.
        StudyError: If onnxruntime computes other values than the model.
    """
    if not file.parent.is_dir():
        raise ParameterError(f"there is no folder {file.parent} to write {file.name} to")
    served = load(model)
    exported = export_onnx(served.model, file, {"gatewise.meta": served.task.meta.to_json()})
    sys.stdout.write(f"{file} has the network of {model}\n{told(exported)}")


def told(exported: Exported) -> str:
    """Describe the exported network for the user who will run it."""
    ports, tries = exported.ports, exported.tries
    lines = [
        "It reads",
        *(f"  {described(port)}" for port in ports.flat_inputs()),
        "and writes",
        *(f"  {described(port)}" for port in ports.outputs),
        "A word for a size means that any will do.",
        f"Not in it: {ports.apart}.",
        "What that needs is JSON in the file's metadata, under gatewise.meta.",
        f"onnxruntime and the model differ by {exported.difference:.1e} at most, in {tries} tries.",
    ]
    return "\n".join(lines) + "\n"


def described(port: Port) -> str:
    """A port in a line."""
    sizes = ", ".join(str(size) for size in port.shape)
    return f"{port.name}, {port.kind} ({sizes}): {port.meaning}"
