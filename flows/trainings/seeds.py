"""The trainings of a cell on a dataset, for the stages that tune and that train.

Each is kept in `.gatewise` under the hash of what determines it, so that a further seed costs
one training, and an interrupted stage repeats none.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from flows.layout import Layout
from rnn_core.devices import make_deterministic, select_device
from rnn_core.files import digest_of, read_json
from rnn_core.provenance import code_digest, environment
from rnn_core.study import TUNING_SEED, Study
from rnn_core.tasks import get_task
from rnn_core.tasks.base.task import Data, Meta, Metric, ModelParameters, Task
from rnn_core.training import loop as training
from rnn_core.training.loop import OnEpoch, TrainingParameters
from rnn_core.training.run_folder import SUMMARY, RunConfig, read_prepared
from rnn_core.training.sizes import Rung, ladder
from rnn_core.training.tuning import Trial, Values


@dataclass(frozen=True, kw_only=True)
class Trainings:
    """What the trainings of a cell on a dataset have in common.

    Attributes:
        layout: Where the study keeps things.
        dataset: Name of the dataset.
        cell: Name of the cell.
        task: Name of the task.
        device: Kind of device.
        data: Prepared tensors.
        meta: What `prepare` found out.
        digest: Of the prepared data.
        model: Parameters of the model, but for the hidden size.
        parameters: Parameters of the training.
    """

    layout: Layout
    dataset: str
    cell: str
    task: str
    device: str
    data: Data
    meta: Meta
    digest: str
    model: ModelParameters
    parameters: TrainingParameters

    @property
    def metric(self) -> Metric:
        """Of the dataset's scores."""
        return get_task(self.task).metric

    def rungs(self, study: Study) -> list[Rung]:
        """The sizes that the study tries the cell at."""
        task = get_task(self.task)(self.meta, self.model)
        return ladder(task, self.cell, study.sizes_of(self.dataset))

    def with_values(self, values: Mapping[str, float]) -> "Trainings":
        """The same with other values of what may be tuned; what is not named stays."""
        found = {**own_values(self.model, self.parameters), **values}
        model = replace(self.model, dropout=found["dropout"])
        parameters = replace(
            self.parameters, learning_rate=found["learning_rate"], clip_norm=found["clip_norm"]
        )
        return replace(self, model=model, parameters=parameters)

    def shortened(self, share: float) -> "Trainings":
        """The same over a share of the epochs, one at least; schedules end with them."""
        epochs = max(1, round(share * self.parameters.epochs))
        return replace(self, parameters=replace(self.parameters, epochs=epochs))

    def trial(self, hidden_size: int, values: Values) -> Trial:
        """Train with some values and the seed of tuning, unless that is done."""
        finished = self.with_values(values).finished(hidden_size, TUNING_SEED)
        summary = read_json(finished / SUMMARY)
        return Trial(
            values=values,
            score=summary.get(f"best_validation_{self.metric.name}"),
            epochs=summary["epochs"],
            steps=summary["steps"],
        )

    def finished(self, hidden_size: int, seed: int) -> Path:
        """The finished run folder of a seed, trained now unless it is there."""
        model = replace(self.model, hidden_size=hidden_size)
        task = get_task(self.task)(self.meta, model, seed)
        config = self.config(task)
        modules = ("training.loop", f"tasks.{config.task}.learn", f"cells.{config.cell}")
        code = code_digest(*(f"rnn_core.{module}" for module in modules))
        key = config.identity(code=code, **environment())
        finished = self.layout.seeds / key
        if not (finished / SUMMARY).exists():
            growing = self.layout.training / key
            with progress_bar(config) as on_epoch:
                training.train(task, self.data, config, self.parameters, growing, on_epoch)
            finished.parent.mkdir(parents=True, exist_ok=True)
            growing.rename(finished)
        return finished

    def config(self, task: Task) -> RunConfig:
        """What determines the training of a task's seed."""
        return RunConfig(
            dataset=self.dataset,
            task=self.task,
            cell=self.cell,
            seed=task.seed,
            device=self.device,
            data=self.digest,
            model=asdict(task.model),
            training=asdict(self.parameters),
        )


def open_trainings(layout: Layout, study: Study, dataset: str, cell: str) -> Trainings:
    """Read what the trainings of a cell on a dataset need, and make this process deterministic.

    Raises:
        ParameterError: If the dataset's parameters are not possible.
        DataError: If the dataset is not prepared.
    """
    name = study.section(dataset).task
    model = study.parameters(dataset, "model", get_task(name).ModelParameters)
    parameters = study.parameters(dataset, "training", TrainingParameters)
    make_deterministic()
    prepared = layout.prepared(dataset)
    data, meta = read_prepared(prepared)
    return Trainings(
        layout=layout,
        dataset=dataset,
        cell=cell,
        task=name,
        device=select_device(study.device).type,
        data=data,
        meta=meta,
        digest=digest_of(prepared),
        model=model,
        parameters=parameters,
    )


def own_values(model: ModelParameters, parameters: TrainingParameters) -> Values:
    """What may be tuned, with the values that it has."""
    return {
        "learning_rate": parameters.learning_rate,
        "clip_norm": parameters.clip_norm,
        "dropout": model.dropout,
    }


def is_trial(config: RunConfig) -> bool:
    """Whether a training is a trial of tuning, not a seed of the study."""
    return config.seed == TUNING_SEED


def title(config: RunConfig) -> str:
    """What a training is called where a person watches it."""
    what = "trial" if is_trial(config) else f"seed {config.seed}"
    return f"{config.dataset} {config.cell}-{config.model['hidden_size']} {what}"


@contextmanager
def progress_bar(config: RunConfig) -> Iterator[OnEpoch]:
    """Show on a terminal how far a training is; elsewhere, one line when it is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(file=sys.stderr)
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        row = bar.add_task(title(config), total=config.training["epochs"])
        yield lambda record: bar.update(row, completed=record["epoch"])
    sys.stderr.write(f"{title(config)}: trained\n")
