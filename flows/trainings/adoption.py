"""Take trainings into the store that came with a study, for example from a DVC remote."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from flows.trainings.manifest import MANIFEST, manifest_of, parsed, rendered
from flows.trainings.store import Store
from rnn_core.errors import DataError
from rnn_core.files import write_bytes
from rnn_core.training.run_folder import SEEDS, RunConfig, read_config


def leave_manifest(folder: Path) -> None:
    """Write the digests of a training's files next to them, so that it can be adopted later."""
    write_bytes(folder / MANIFEST, rendered(manifest_of(folder)))


def adopt(runs: Path, store: Store) -> list[str]:
    """Take the trainings of a dataset that the store lacks into it.

    A training whose files have changed since it was written is left out.

    Args:
        runs: Folder with a folder for each cell, size and seed; it may be missing.
        store: Where trainings are kept.

    Returns:
        Identities of what was taken in.
    """
    found = []
    for manifest in sorted(runs.glob(f"*/*/{SEEDS}/{MANIFEST}")):
        config = config_of(manifest.parent)
        if config is None or store.has("training", config.identity):
            continue
        with TemporaryDirectory() as place:
            folder = Path(place) / "training"
            shutil.copytree(manifest.parent, folder, ignore=shutil.ignore_patterns(MANIFEST))
            if parsed(manifest.read_bytes()) == manifest_of(folder):
                store.put("training", config.identity, folder)
                found.append(config.identity)
    return found


def config_of(folder: Path) -> RunConfig | None:
    """Read what determined a training; None if its folder does not say."""
    try:
        config, _ = read_config(folder)
    except DataError:
        return None
    return config if config.environment else None
