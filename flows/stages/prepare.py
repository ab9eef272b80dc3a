"""prepare: turn the raw files of a dataset into tensors and sides."""

from flows.layout import Layout
from rnn_core.files import whole_folder
from rnn_core.provenance import code_digest
from rnn_core.study import read_study
from rnn_core.tasks import get_task
from rnn_core.training.run_folder import write_prepared


def prepare(layout: Layout, dataset: str) -> None:
    """Fill `data/prepared/<dataset>` from `data/raw/<dataset>`.

    A digest of the code that trains goes into the data, by which the stages below see
    that code change; dvc.yaml says why they do not list it.
    """
    study = read_study(layout.folder)
    name = study.section(dataset).task
    task = get_task(name)
    parameters = study.parameters(dataset, "data", task.DataParameters)
    data, meta = task.prepare(layout.raw(dataset), parameters)
    meta["code"] = code_digest(
        f"rnn_core.tasks.{name}.learn", "rnn_core.training.loop", "rnn_core.devices"
    )
    with whole_folder(layout.prepared(dataset), layout.scratch / f"prepare-{dataset}") as folder:
        write_prepared(folder, data, meta)
