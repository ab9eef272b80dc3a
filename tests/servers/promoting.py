"""Promotes what won on a copy of the finished tiny study, and changes what is promoted."""

import shutil

import pandas as pd
import torch
import yaml
from mlflow import MlflowClient
from safetensors.torch import load_file

from flows.tracking import registry
from flows.tracking.projection import Projection
from flows.tracking.promotion import promote
from flows.tracking.registry import Examples
from rnn_core.comparison.outcome import read_comparison
from rnn_core.files import write_bytes
from rnn_core.tasks import get_task
from rnn_core.training.models import restore, save_weights
from rnn_core.training.prepared import read_meta, read_prepared
from rnn_core.training.run_folder import MODEL, seed_folder

NAME = "tiny.sales"


def promote_sales(layout):
    runs = Projection(layout, "tiny", {}).project("sales")
    return promote(layout, "tiny", "sales", runs)


def registered_seed(layout):
    """The run folder of the seed that is to be registered."""
    champion = read_comparison(layout.comparison("sales")).recommended
    cell, size, seed = champion.result.cell, champion.result.size, champion.seed.seed
    return seed_folder(layout.run("sales", cell), size, seed)


def spoil(layout, by=0.5):
    """Make the weights of the registered seed worse."""
    file = registered_seed(layout) / MODEL
    weights = {name: weight + by for name, weight in load_file(file).items()}
    write_bytes(file, save_weights(weights))


def restore_from(finished, layout):
    """Undo what was done to the outputs of a copied study."""
    shutil.copytree(finished / "runs", layout.folder / "runs", dirs_exist_ok=True)


def renew(layout, perform, change=None, **data):
    """Let a study's data and parameters change, and train on them again."""
    if change is not None:
        file = layout.raw("sales") / "sales.csv"
        change(pd.read_csv(file)).to_csv(file, index=False)
    parameters = yaml.safe_load((layout.folder / "params.yaml").read_text())
    parameters["datasets"]["sales"]["data"] |= data
    (layout.folder / "params.yaml").write_text(yaml.safe_dump(parameters))
    perform(layout, "sales", "prepare", "train", "evaluate", "compare")


def grown(table):
    """More rows of the same kind, in another unit."""
    dates = pd.date_range(table["date"][0], periods=400).astype(str)
    values = [(i * 37 % 11) + i / 9 for i in range(400)]
    return pd.DataFrame({"date": dates, "y": [10 * value - 500 for value in values]})


def score_of_registered(layout):
    """The score of the seed that is to be registered, computed again."""
    data, meta = read_prepared(layout.prepared("sales"), get_task("forecasting"))
    task, model = restore(registered_seed(layout), meta)
    with torch.inference_mode():
        return task.scores(model, data, "test").overall


def move_by_hand(version):
    MlflowClient().set_registered_model_alias(NAME, "champion", version)


def versions():
    found = MlflowClient().search_model_versions(f"name = '{NAME}'")
    return sorted(str(version.version) for version in found)


def champion():
    return str(MlflowClient().get_model_version_by_alias(NAME, "champion").version)


def model_folder(tmp_path):
    """The folder of the only model that MLflow keeps."""
    (description,) = (tmp_path / "mlartifacts").rglob("MLmodel")
    return description.parent


def trained_answer(layout):
    task, model = restore(
        registered_seed(layout), read_meta(layout.prepared("sales"), get_task("forecasting"))
    )
    example = task.example(layout.raw("sales"))
    return example, task.answer(model, example, task.AnswerParameters())


def answer_differently(monkeypatch):
    """Have the registry believe that the trained model answers otherwise."""
    original = registry.example_and_answer

    def changed(*arguments):
        found = original(*arguments)
        numbers = found.answer.select_dtypes("number")
        return Examples(found.given, found.answer.assign(**(numbers + 1)))

    monkeypatch.setattr(registry, "example_and_answer", changed)
