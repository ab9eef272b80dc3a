"""Shows a copy of the finished tiny study in MLflow, and reads what is shown."""

from mlflow import MlflowClient

from flows.tracking.projection import Projection
from rnn_core.files import read_json, write_json
from rnn_core.training.run_folder import CONFIG, METRICS, seed_folder

METRIC_NAMES = {"text": "nats_per_token", "sales": "mse", "digits": "accuracy"}


def project(layout, dataset="sales"):
    return Projection(layout, "tiny", {}).project(dataset)


def runs_of(dataset, study="tiny"):
    client = MlflowClient()
    return client.search_runs([client.get_experiment_by_name(f"{study}/{dataset}").experiment_id])


def find(runs, **tags):
    """The only run with these tags."""
    wanted = {f"gatewise.{name}": value for name, value in tags.items()}
    (found,) = [run for run in runs if wanted.items() <= run.data.tags.items()]
    return found


def history(run, metric="epoch"):
    entries = MlflowClient().get_metric_history(run.info.run_id, metric)
    return [(entry.step, entry.value) for entry in entries]


def begin_training(layout, key, num_epochs=1, seed=0, **training):
    """A growing seed, as the train stage leaves it after some epochs."""
    source, folder = seed_folder(layout.run("sales", "gru"), "4", seed), layout.training / key
    folder.mkdir(parents=True)
    config = read_json(source / CONFIG)
    write_json(folder / CONFIG, config | {"training": config["training"] | training})
    records = (source / METRICS).read_text().splitlines(keepends=True)
    (folder / METRICS).write_text("".join(records[:num_epochs]))
    return folder
