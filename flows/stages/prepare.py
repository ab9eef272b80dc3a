"""prepare: turn the raw files of a dataset into tensors, divided into splits."""

from flows.layout import Layout
from rnn_core.files import whole_folder
from rnn_core.study import Study
from rnn_core.tasks import get_task
from rnn_core.training.prepared import write_prepared


def prepare(layout: Layout, study: Study, dataset: str) -> None:
    """Fill `data/prepared/<dataset>` from `data/raw/<dataset>`."""
    task = get_task(study.section(dataset).task)
    parameters = study.parameters(dataset, "data", task.DataParameters)
    data, meta = task.prepare(layout.raw(dataset), parameters)
    with whole_folder(layout.prepared(dataset), layout.scratch / f"prepare-{dataset}") as folder:
        write_prepared(folder, data, meta)
