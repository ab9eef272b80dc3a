"""ingest: fetch or generate the raw files of a dataset."""

import shutil
from pathlib import Path

from flows.layout import Layout
from rnn_core.files import whole_folder
from rnn_core.sources import get_source
from rnn_core.study import Study, own_source


def ingest(layout: Layout, study: Study, dataset: str) -> None:
    """Fill `data/raw/<dataset>` from the dataset's source."""
    source = study.section(dataset).source
    own = own_source(layout.folder, source)
    with whole_folder(layout.raw(dataset), layout.scratch / f"ingest-{dataset}") as folder:
        if own is None:
            get_source(Path(source).stem).fetch(folder)
        elif own.is_dir():
            shutil.copytree(own, folder, dirs_exist_ok=True)
        else:
            shutil.copy(own, folder)
